"""From a URL to a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from arauto.errors import UsageFault
from arauto.store.opening import open_store


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("hub.db", "hub.db", id="a bare path is seen from the working folder"),
        pytest.param("sqlite:///hub.db", "hub.db", id="three slashes are seen from the working folder"),
        pytest.param("sqlite:///{folder}/deep/hub.db", "deep/hub.db", id="four slashes are seen from the root"),
        pytest.param("{folder}/deep/hub.db", "deep/hub.db", id="a bare absolute path"),
    ],
)
async def test_a_file_is_found(url: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path)
    store = await open_store(url.format(folder=tmp_path))
    assert (tmp_path / expected).is_file()
    await store.close()


@pytest.mark.parametrize("url", ["sqlite://:memory:", "sqlite:///:memory:", ":memory:"])
async def test_memory_leaves_no_file(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = await open_store(url), await open_store(url)
    await first.ping()
    await first.close()
    await second.ping()
    await second.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["mysql://localhost/x", "sqlite://hub.db", "http://localhost"])
async def test_an_unknown_url_is_told_what_is_allowed(url: str) -> None:
    with pytest.raises(UsageFault, match=r"write sqlite:///file\.db, .* or postgresql://"):
        await open_store(url)
