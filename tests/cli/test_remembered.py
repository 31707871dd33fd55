"""What a check found is told again, as long as neither the project nor the program has changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import arauto
from arauto.cli import main

Run = Callable[..., tuple[int, str]]

CONTENT = "notifications/order-paid/content.en.md"
EVENT = "events/order.paid.yaml"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a cache of its own."""
    monkeypatch.setenv("ARAUTO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache/checks"


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "shop"
    with pytest.raises(SystemExit):
        main(["init", str(folder), "--locale", "en"])
    capsys.readouterr()
    return folder


@pytest.fixture
def run(project: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Checks the project; gives the exit code and all that was written."""

    def run(*options: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as exit:
            main(["check", str(project), *options])
        told = capsys.readouterr()
        return int(exit.value.code or 0), told.out + told.err

    return run


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were really checked."""
    from arauto import catalogue

    done: list[Path] = []
    real = catalogue.check_project

    def check_project(folder: Path):
        done.append(folder)
        return real(folder)

    monkeypatch.setattr(catalogue, "check_project", check_project)
    return done


def warned(project: Path) -> None:
    shutil.copy(project / EVENT, project / "events/order.lost.yaml")


def faulty(project: Path) -> None:
    (project / CONTENT).write_text("---\ntitle: x\n---\n{{ event.data.nothing }}\n")
    (project / "tests").mkdir(exist_ok=True)
    (project / "tests/shop.yaml").write_text("cases: 1\n")


@pytest.mark.parametrize("make", [lambda project: None, warned, faulty], ids=["sound", "with a warning", "faulty"])
def test_the_same_is_told_with_and_without_it(
    project: Path,
    run: Run,
    cache: Path,
    checks: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], None],
) -> None:
    make(project)
    for options in ((), ("--strict",), ("--format", "json"), ("--format", "github", "--strict")):
        first, again = run(*options), run(*options)
        monkeypatch.setenv("ARAUTO_CACHE", "")
        before = len(checks)
        without = run(*options)
        monkeypatch.setenv("ARAUTO_CACHE", str(cache.parent))
        assert first == again == without
        assert len(checks) == before + 1
    assert len(checks) == 1 + 4


def edit(project: Path) -> None:
    (project / CONTENT).write_text((project / CONTENT).read_text() + "\nBye.\n")


def keep_the_time(project: Path) -> None:
    status = (project / CONTENT).stat()
    text = (project / CONTENT).read_text()
    (project / CONTENT).write_text(text[:-2] + "!\n")
    os.utime(project / CONTENT, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        edit,
        keep_the_time,
        lambda project: (project / EVENT).rename(project / "events/order.made.yaml"),
        lambda project: (project / "event").mkdir(),
        lambda project: (project / "notifications/order-paid/box.png").write_bytes(b"\x89PNG"),
        lambda project: ((project / "tests").mkdir(exist_ok=True), (project / "tests/a.yaml").write_text("")),
        lambda project: (project / CONTENT).unlink(),
    ],
    ids=[
        "a text",
        "a text, its time and length kept",
        "a name",
        "a folder without files",
        "an image",
        "a test",
        "gone",
    ],
)
def test_any_change_is_checked(
    project: Path, run: Run, cache: Path, checks: list[Path], change: Callable[[Path], object]
) -> None:
    run()
    change(project)
    told = run()
    assert len(checks) == 2
    assert run() == told
    assert len(checks) == 2


def test_a_version_that_a_case_goes_over_to_is_checked_wherever_it_lies(project: Path, run: Run, cache: Path) -> None:
    before = project.parent / "before"
    shutil.copytree(project, before)
    case = "{name: a, now: 2026-03-02T09:00, when: [{project: ../../before}], expect: nothing}\n"
    (project / "tests").mkdir(exist_ok=True)
    (project / "tests/versions.yaml").write_text(case)
    assert run()[0] == 0
    (before / EVENT).write_text("{")
    assert run()[0] == 1


def test_a_change_while_it_is_checked_is_not_taken_for_what_was_before(
    project: Path, run: Run, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from arauto import catalogue

    before = (project / EVENT).read_text()
    real = catalogue.check_project

    def check_project(folder: Path):
        (project / EVENT).write_text("{")
        return real(folder)

    with monkeypatch.context() as patched:
        patched.setattr(catalogue, "check_project", check_project)
        assert run()[0] == 1
    (project / EVENT).write_text(before)
    assert run()[0] == 0


def test_another_program_checks_again(
    project: Path, run: Run, cache: Path, checks: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    installed = tmp_path / "installed"
    installed.mkdir()
    monkeypatch.syspath_prepend(str(installed))
    run()
    assert len(checks) == 1
    (installed / "other-2.0.dist-info").mkdir()
    run()
    assert len(checks) == 2
    (installed / "program").mkdir()
    (installed / "program/a.py").write_text("")
    monkeypatch.setattr(arauto, "__path__", [*arauto.__path__, str(installed / "program")])
    run()
    (installed / "program/a.py").write_text("pass")
    run()
    assert len(checks) == 4


def test_with_a_plug_in_that_is_worked_on_nothing_is_remembered(
    project: Path, run: Run, cache: Path, checks: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in = tmp_path / "installed/arauto_fax-1.dist-info"
    plug_in.mkdir(parents=True)
    (plug_in / "entry_points.txt").write_text("[arauto.steps]\n")
    (plug_in / "direct_url.json").write_text("{}")
    monkeypatch.syspath_prepend(str(plug_in.parent))
    run()
    run()
    assert len(checks) == 2
    assert not list(cache.iterdir())


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[]", b"{", b'{"diagnostics": []}', b'{"diagnostics": [{"file": 1}], "sound": null}'],
    ids=["empty", "no text", "of another kind", "cut off", "in part", "of other types"],
)
def test_what_is_broken_in_it_is_left_alone(
    project: Path, run: Run, cache: Path, checks: list[Path], content: bytes
) -> None:
    told = run()
    (kept,) = cache.iterdir()
    kept.write_bytes(content)
    assert run() == told
    assert len(checks) == 2
    assert kept.read_bytes() != content


def test_a_cache_that_others_can_write_is_not_believed(
    project: Path, run: Run, cache: Path, checks: list[Path]
) -> None:
    run()
    cache.chmod(0o777)
    run()
    run()
    assert len(checks) == 3


def test_where_there_can_be_no_cache_it_checks(
    project: Path, run: Run, tmp_path: Path, checks: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ARAUTO_CACHE", str(tmp_path / "file"))
    assert run() == run()
    assert len(checks) == 2


def test_only_the_newest_are_kept(project: Path, run: Run, cache: Path) -> None:
    cache.mkdir(parents=True, mode=0o700)
    for number in range(70):
        (cache / f"{number}.json").write_text("")
        os.utime(cache / f"{number}.json", (number, number))
    run()
    left = {each.name for each in cache.iterdir()}
    assert len(left) == 64
    assert "6.json" not in left
    assert "7.json" in left
