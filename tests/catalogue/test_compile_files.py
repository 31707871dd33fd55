"""A project of which only the files are there: compiled as from its folder, and nothing is written outside."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from arauto.catalogue import compile_files, compile_project
from arauto.catalogue.compiler import undisturbed
from arauto.catalogue.folder import hash_of
from arauto.errors import CatalogueFaulty

Write = Callable[[Mapping[str, str | bytes | None]], Path]


def test_the_files_of_a_catalogue_compile_to_the_same(write: Write) -> None:
    folder = write({"tests/cases.yaml": "cases: {}", "README.md": "not read"})
    whole = compile_project(folder)
    again = compile_files(whole.files)
    assert (again.version, again.files) == (whole.version, whole.files)
    assert again.version == hash_of(whole.files.items())
    assert again.notifications.keys() == whole.notifications.keys()
    assert again.recipients == whole.recipients
    assert not {"tests/cases.yaml", "README.md"} & whole.files.keys()


@pytest.mark.parametrize(
    "name",
    [
        "../out",
        "events/../../out",
        "events/../out.yaml",
        "/out",
        "//out",
        "./out",
        "events//out.yaml",
        "events/./out.yaml",
        "events/out.yaml/",
        "out\0",
        "..",
        ".",
        "",
        "/",
        "x" * 300,
        "README.md",
        ".git/config",
        "tests/cases.yaml",
        "out.txt",
        "arauto.yaml/out",
        "events",
    ],
)
def test_a_name_that_no_file_of_a_project_has_is_a_fault(
    name: str, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = compile_project(write({})).files
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CatalogueFaulty) as faulty:
        compile_files({**files, name: b"x"})
    assert "unknown-file" in {fault.code for fault in faulty.value.diagnostics}
    assert sorted(tmp_path.rglob("*")) == before, "nothing is left, and nothing lies elsewhere"


def test_without_a_project_file_there_is_no_project() -> None:
    with pytest.raises(CatalogueFaulty) as faulty:
        compile_files({"events/order.paid.yaml": b"{}"})
    (fault,) = faulty.value.diagnostics
    assert (fault.file, fault.code) == ("arauto.yaml", "missing-file")


def test_the_collector_is_on_again_however_compilations_in_threads_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one ends between the other's look at the collector and its turning it off."""
    looked = gc.isenabled
    try:
        with ExitStack() as one, ExitStack() as other:

            def isenabled() -> bool:
                enabled = looked()
                one.close()
                return enabled

            one.enter_context(undisturbed())
            assert not looked()
            monkeypatch.setattr(gc, "isenabled", isenabled)
            other.enter_context(undisturbed())
        assert looked()
    finally:
        gc.enable()
