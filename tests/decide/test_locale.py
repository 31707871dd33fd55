"""Which text suits whom."""

from __future__ import annotations

import pytest

from arauto.decide.locale import choose


@pytest.mark.parametrize(
    ("available", "wanted", "default", "chosen"),
    [
        pytest.param(["pt-BR", "en"], "pt-BR", "en", "pt-BR", id="the exact tag"),
        pytest.param(["pt-BR", "en"], "PT-br", "en", "pt-BR", id="case does not matter"),
        pytest.param(["pt", "en"], "pt-BR", "en", "pt", id="then the language"),
        pytest.param(["pt-BR", "en"], "pt-PT", "en", "pt-BR", id="then another region of the language"),
        pytest.param(["pt-BR", "en"], "fr", "pt-BR", "pt-BR", id="then the hub's default"),
        pytest.param(["pt-BR", "en"], None, "en", "en", id="who wants nothing gets the default"),
        pytest.param(["es"], "fr", "pt-BR", "es", id="the only one there is"),
        pytest.param(["es", "it"], "fr", "pt-BR", None, id="nothing suits"),
        pytest.param([], "fr", "pt-BR", None, id="there is nothing"),
    ],
)
def test_choose(available: list[str], wanted: str | None, default: str, chosen: str | None) -> None:
    assert choose(available, wanted, default) == chosen
