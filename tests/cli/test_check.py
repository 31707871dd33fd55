"""arauto check: faults for people, for programs and for GitHub, and what the command exits with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from arauto.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line; gives its exit code, its standard output and its standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit:
            main(arguments)
        told = capsys.readouterr()
        return int(exit.value.code or 0), told.out, told.err

    return run


@pytest.fixture
def project(tmp_path: Path, run: Run) -> Path:
    folder = tmp_path / "shop"
    assert run("init", str(folder), "--locale", "en")[0] == 0
    return folder


def spoil(project: Path, file: str, old: str, new: str) -> None:
    text = (project / file).read_text(encoding="utf-8")
    assert old in text
    (project / file).write_text(text.replace(old, new), encoding="utf-8")


RULE = "notifications/order-paid/notification.yaml"


def test_a_good_project_is_summed_up(run: Run, project: Path) -> None:
    assert run("check", str(project)) == (
        0,
        "shop: 1 notification, 1 event type, 2 channels, 1 locale; no faults\n",
        "",
    )


def test_each_fault_is_drawn_with_its_line_a_mark_and_a_hint(run: Run, project: Path) -> None:
    spoil(project, RULE, "on: order.paid", "on: order.payed")
    spoil(project, "recipients/team.yaml", "[anna]", "[ana]")
    code, out, _ = run("check", str(project))
    assert code == 1
    assert out == (
        "notifications/order-paid/notification.yaml:1:5 unknown-event-type there is no event type order.payed\n"
        "    1 │ on: order.payed\n"
        "      │     ^\n"
        "      hint: did you mean order.paid?\n"
        "\n"
        "recipients/team.yaml:6:21 unknown-member there is no member ana\n"
        "    6 │   sales: {members: [ana]}\n"
        "      │                     ^\n"
        "      hint: did you mean anna?\n"
        "\n"
        "2 faults in 2 files\n"
    )


def test_a_fault_in_a_long_line_shows_the_part_around_it(run: Run, project: Path) -> None:
    spoil(project, RULE, "event.data.order.total > 0", f"{'event.id and ' * 40}evnt.id")
    _, out, _ = run("check", str(project))
    line, mark = next(
        (line, mark) for line, mark in zip(out.splitlines(), out.splitlines()[1:], strict=False) if mark.endswith("^")
    )
    assert len(line) < 180
    assert line[mark.index("^") :].startswith("evnt.id")


def test_a_fault_of_a_file_that_is_not_there_is_drawn_without_a_line(run: Run, project: Path) -> None:
    (project / RULE).unlink()
    _, out, _ = run("check", str(project))
    assert f"{RULE}:1:1 missing-file" in out
    assert "│" not in out


def test_bytes_that_are_not_text_never_reach_the_terminal(run: Run, project: Path) -> None:
    (project / RULE).write_bytes(b"on: \x1b[31m\n")
    _, out, _ = run("check", str(project))
    assert "\x1b" not in out
    assert "U+001B" in out


def test_json_for_programs(run: Run, project: Path) -> None:
    spoil(project, RULE, "on: order.paid", "on: order.payed")
    code, out, _ = run("check", str(project), "--format", "json")
    assert code == 1
    assert json.loads(out) == {
        "faults": [
            {
                "file": RULE,
                "line": 1,
                "column": 5,
                "severity": "error",
                "code": "unknown-event-type",
                "message": "there is no event type order.payed",
                "hint": "did you mean order.paid?",
            }
        ],
        "count": 1,
        "warnings": [],
    }


def test_json_of_a_good_project(run: Run, project: Path) -> None:
    code, out, _ = run("check", str(project), "--format", "json")
    assert (code, json.loads(out)) == (0, {"faults": [], "count": 0, "warnings": []})


def test_warnings_are_drawn_and_do_not_fail(run: Run, project: Path) -> None:
    spoil(project, "recipients/team.yaml", "[anna]}", "[anna]}\n  spare: {members: [anna]}")
    code, out, _ = run("check", str(project))
    assert code == 0
    assert out == (
        "recipients/team.yaml:7:3 warning: unused-group no notification is for the group spare\n"
        "    7 │   spare: {members: [anna]}\n"
        "      │   ^\n"
        "\n"
        "shop: 1 notification, 1 event type, 2 channels, 1 locale; no faults, 1 warning in 1 file\n"
    )
    assert run("check", str(project), "--strict")[:2] == (1, out)


def test_warnings_for_programs_and_for_github(run: Run, project: Path) -> None:
    spoil(project, "recipients/team.yaml", "[anna]}", "[anna]}\n  spare: {members: [anna]}")
    code, out, _ = run("check", str(project), "--format", "json")
    told = json.loads(out)
    assert (code, told["faults"], told["count"]) == (0, [], 0)
    assert [(each["severity"], each["code"]) for each in told["warnings"]] == [("warning", "unused-group")]
    _, out, _ = run("check", str(project), "--format", "github")
    assert out.startswith(f"::warning file={project}/recipients/team.yaml,line=7,col=3,title=unused-group::")


def test_annotations_for_github(run: Run, project: Path) -> None:
    spoil(project, RULE, "on: order.paid", 'on: "100%: a, b"')
    code, out, _ = run("check", str(project), "--format", "github")
    path = str(project / RULE)
    assert code == 1
    assert out.splitlines()[0] == (
        f"::error file={path},line=1,col=5,title=unknown-event-type::"
        "there is no event type 100%25: a, b%0Ahint: create events/100%25: a, b.yaml"
    )


def test_annotations_escape_what_properties_may_not_hold(run: Run, project: Path) -> None:
    project = project.rename(project.with_name("a,b: 100%"))
    spoil(project, RULE, "on: order.paid", "on: x")
    _, out, _ = run("check", str(project), "--format", "github")
    assert f"file={project.parent}/a%2Cb%3A 100%25/{RULE},line=1" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["check", "nothing"], "there is no folder nothing", id="no such folder"),
        pytest.param(["check", "."], "arauto init DIR", id="a folder without a project"),
        pytest.param(["check", ".", "--format", "xml"], "xml", id="a format that does not exist"),
        pytest.param(["check"], "Missing argument", id="no folder named"),
    ],
)
def test_what_is_no_use_of_the_command(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err
