"""arauto test: the example passes; planted failures show as they should; reports for programs; snapshots; coverage."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from arauto.catalogue import compile_project
from arauto.catalogue.cases import compile_cases
from arauto.cli import main
from arauto.simulate import Simulator
from arauto.simulate.testing import play

ROOT = Path(__file__).parents[2]
LOJA = ROOT / "examples/loja"
Run = Callable[..., tuple[int, str, str]]

LEFT = """\
- name: a cart is reminded of
  now: 2026-03-02T21:30
  recipients:
    c-20817: {locale: pt-BR, push: true}
  wishes:
    c-20817: {categories: {tips: {"*": true}}}
  when:
    - event: cart.left
"""
"""Of which comes one push message, at ten the next morning."""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line; gives its exit code, its standard output and its standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            main(["test", *arguments, "--lang", "en"])
            code = 0
        except SystemExit as exit:
            code = int(exit.code or 0)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The example, with no cases."""
    shutil.copytree(LOJA, tmp_path / "loja", ignore=shutil.ignore_patterns("tests", ".arauto"))
    (tmp_path / "loja/tests").mkdir()
    return tmp_path / "loja"


def write(project: Path, text: str, name: str = "a.yaml") -> Path:
    path = project / "tests" / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_passes(run: Run) -> None:
    code, out, _ = run(str(LOJA))
    assert code == 0, out
    assert "✗" not in out
    assert re.search(r"\d+ passed in", out)


def test_a_difference_is_shown_with_the_explanation(run: Run, project: Path) -> None:
    write(
        project, LEFT + '  expect:\n    - {at: "09:00", to: c-20817, by: push, title: Volte, contains: Caneca verde}\n'
    )
    code, out, _ = run(str(project))
    assert code == 1
    for line in (
        "  ✗ a cart is reminded of",
        "loja/tests/a.yaml:1",
        "Expected in line 10, and received otherwise:",
        "    to            c-20817",
        "  - at            +11h30m (Tue 03-03 09:00)",
        "  + at            +12h30m (Tue 03-03 10:00)",
        "  - title         Volte",
        "  + title         Seu carrinho ficou esperando",
        "  - contains      Caneca verde",
        "  + contains      Caneca de cerâmica azul e mais",
        "● cart-reminder",
        "waits for 2026-03-03T10:00:00-03:00",
        "0 passed, 1 failed",
    ):
        assert line in out


def test_what_did_not_come_is_explained(run: Run, project: Path) -> None:
    write(project, LEFT.replace('"*": true', '"*": false') + "  expect:\n    - {notification: cart-reminder}\n")
    code, out, _ = run(str(project))
    assert code == 1
    assert "Expected in line 10, and not received:" in out
    assert "they do not want tips by push" in out


def test_what_nobody_expected_is_a_failure_and_explained(run: Run, project: Path) -> None:
    write(project, LEFT + "  expect: nothing\n")
    code, out, _ = run(str(project))
    assert code == 1
    assert "Received, and not expected (nothing is):" in out
    assert "  + content       Caneca de cerâmica azul e mais" in out
    assert "● cart-reminder" in out
    write(project, LEFT + "  others: allowed\n  expect: nothing\n")
    assert run(str(project))[0] == 0


def test_an_answer_to_nothing_is_a_failure(run: Run, project: Path) -> None:
    write(
        project, LEFT + "    - receipt: read\n      of: {to: c-20817, by: push}\n  others: allowed\n  expect: nothing\n"
    )
    code, out, _ = run(str(project))
    assert code == 1
    assert "line 9: no message to c-20817 by push had been received by then" in out


def test_a_schedule_whose_event_is_refused_is_a_failure(run: Run, project: Path) -> None:
    """Its first times are tried when the project is compiled; this one is wrong much later."""
    source = project / "sources/fechamento.yaml"
    said = source.read_text(encoding="utf-8")
    source.write_text(said.replace("{day: tick.date}", "{day: \"tick.date if tick.date < '2040' else 1\"}"), "utf-8")
    write(project, "- name: the end of a month\n  now: 2041-01-31T09:00\n  until: +1d\n  when: []\n  expect: nothing\n")
    code, out, _ = run(str(project))
    assert code == 1
    assert "the schedule fechamento gave no valid event: the event of 2041-01-31T" in out


def test_faults_of_cases_are_shown_at_their_place(run: Run, project: Path) -> None:
    write(project, LEFT.replace("cart.left", "cart.lefd") + "  expect: nothing\n")
    code, out, err = run(str(project))
    assert (code, out) == (1, "")
    assert "tests/a.yaml:8:14 unknown-event-type there is no event type cart.lefd" in err
    assert "hint: did you mean cart.left?" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "holds no case"),
        (("-k", "nothing like it"), "no case has"),
    ],
    ids=["no cases", "none of that name"],
)
def test_nothing_to_play(run: Run, project: Path, arguments: tuple[str, ...], said: str) -> None:
    if arguments:
        write(project, LEFT + "  expect: nothing\n")
    code, _, err = run(str(project), *arguments)
    assert code == 2
    assert said in err


def test_no_folder_of_tests(run: Run, project: Path) -> None:
    (project / "tests").rmdir()
    code, _, err = run(str(project))
    assert code == 2
    assert "has no folder tests" in err


def test_only_some_cases(run: Run) -> None:
    code, out, _ = run(str(LOJA), "-k", "manaus")
    assert code == 0
    assert "1 passed" in out


def test_another_version_goes_live(run: Run, project: Path) -> None:
    """A run finishes as it began; one that begins later is of the new version."""
    shutil.copytree(project, project.parent / "after")
    rule = project.parent / "after/notifications/cart-reminder/notification.yaml"
    rule.write_text(rule.read_text(encoding="utf-8").replace('"10:00"', '"14:00"'), encoding="utf-8")
    case = LEFT.replace("c-20817: {locale: pt-BR, push: true}", "c-1: {push: true}\n    c-2: {push: true}")
    case = case.replace("c-20817: {cat", "c-1: {cat").replace(
        "true}}}\n", 'true}}}\n    c-2: {categories: {tips: {"*": true}}}\n'
    )
    case += "      with: {customer: {id: c-1}}\n    - project: ../../after\n"
    case += "    - {event: cart.left, with: {customer: {id: c-2}}}\n"
    write(project, case + '  expect:\n    - {at: "10:00", to: c-1}\n    - {at: "14:00", to: c-2}\n')
    code, out, err = run(str(project))
    assert code == 0, out + err


# -- reports -------------------------------------------------------------------------------------------------------


def test_json_has_everything(run: Run, project: Path) -> None:
    write(project, LEFT + "  expect:\n    - {title: Volte}\n")
    code, out, _ = run(str(project), "--json", "--coverage")
    assert code == 1
    told: dict[str, Any] = json.loads(out)
    (case,) = told["cases"]
    assert (told["passed"], told["failed"], case["passed"], case["line"]) == (0, 1, False, 1)
    (wrong,) = case["wrong"]
    assert wrong["differences"] == [{"what": "title", "expected": "Volte", "actual": "Seu carrinho ficou esperando"}]
    assert wrong["received"]["at"] == "2026-03-03T13:00:00Z"
    assert wrong["received"]["content"]["url"] == "https://lojaaurora.example/carrinho"
    assert case["explanations"][0]["notifications"][0]["notification"] == "cart-reminder"
    assert told["coverage"]["total"] > told["coverage"]["reached"] > 3


def test_junit_has_a_suite_for_each_file(run: Run, project: Path, tmp_path: Path) -> None:
    write(project, LEFT + "  expect: nothing\n")
    write(project, LEFT + "  others: allowed\n  expect: nothing\n", "b.yaml")
    assert run(str(project), "--junit", str(tmp_path / "report.xml"))[0] == 1
    root = ElementTree.parse(tmp_path / "report.xml").getroot()
    suites = [(each.get("name"), each.get("tests"), each.get("failures")) for each in root]
    assert suites == [("tests/a.yaml", "1", "1"), ("tests/b.yaml", "1", "0")]
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "Received, and not expected (nothing is):"
    assert "● cart-reminder" in str(failure.text)


def test_coverage_shows_what_no_case_reaches(run: Run, project: Path) -> None:
    write(project, LEFT + "  others: allowed\n  expect: nothing\n")
    _, out, _ = run(str(project), "--coverage")
    assert re.search(r"Reached \d+ of \d+ \(\d+ %\)", out)
    assert "○ stock-low  nothing comes of stock.low" in out
    reminder = out[out.index("◐ cart-reminder") :].split("◐")[1].split("○")[0]
    assert [line.strip() for line in reminder.strip().splitlines()[1:]] == [
        "1. wait_for: what it waits for never comes",
        "2. throttle: nothing is held back",
        "no text: push in en",
        "no text: email in en",
        "no text: email in pt-BR",
    ]


# -- snapshots -----------------------------------------------------------------------------------------------------


def test_update_writes_what_was_received_and_leaves_the_rest(run: Run, project: Path) -> None:
    other = "- name: that passes\n  now: 2026-03-02T09:00\n  when: [] # nothing\n  expect: nothing\n"
    text = (
        "# The file.\n"
        + LEFT
        + "  # what comes\n  expect:\n    - {title: Volte}\n    # and more\n\n# The other.\n"
        + other
    )
    path = write(project, text)
    code, out, _ = run(str(project), "--update")
    assert code == 0
    assert "↻ a cart is reminded of  (updated)" in out
    assert (
        path.read_text(encoding="utf-8")
        == "# The file.\n"
        + LEFT
        + (
            "  # what comes\n"
            "  expect:\n"
            "    - at: +12h30m\n"
            "      to: c-20817\n"
            "      by: push\n"
            "      notification: cart-reminder\n"
            "      language: pt-BR\n"
            "      title: Seu carrinho ficou esperando\n"
            "      content:\n"
            "        body: Caneca de cerâmica azul e mais\n"
            "    # and more\n"
            "\n"
            "# The other.\n"
        )
        + other
    )
    assert run(str(project))[0] == 0


def test_every_form_can_be_written_and_is_then_expected(run: Run, project: Path) -> None:
    """All samples at once: texts of many lines, JSON, quotes."""
    types = [path.stem for path in sorted((project / "events").glob("*.yaml"))]
    samples = [
        f"    - {{event: {kind}, sample: {sample}}}\n"
        for kind in types
        for sample in compile_project(project).event_types[kind].samples
    ]
    case = LEFT.replace("    - event: cart.left\n", "".join(samples)) + "  expect: nothing\n"
    path = write(project, case)
    assert run(str(project), "--update")[0] == 0
    assert path.read_text(encoding="utf-8").count("- at:") > 25
    assert run(str(project))[0] == 0
    written = path.read_text(encoding="utf-8")
    path.write_text(written.replace("expect:\n", "expect: # all\n"), encoding="utf-8")
    assert run(str(project))[0] == 0


def test_update_of_one_message_to_none(run: Run, project: Path) -> None:
    path = write(project, LEFT.replace('"*": true', '"*": false') + "  expect:\n    - {to: c-20817}\n")
    assert run(str(project), "--update")[0] == 0
    assert path.read_text(encoding="utf-8").endswith("  expect: nothing\n")


# -- the pages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["docs/howto/test-notifications.md", "README.md", "README.pt-BR.md"])
async def test_the_cases_of_the_pages_pass_on_the_example(project: Path, page: str) -> None:
    shown = re.findall(r"^```yaml\n(# tests/.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
    assert shown
    for number, text in enumerate(shown):
        write(project, text, f"{number}.yaml")
    catalogue = compile_project(project)
    async with Simulator() as simulator:
        for case in compile_cases(project, catalogue):
            played = await play(case, catalogue, simulator)
            assert played.passed, (case.name, played.problem, played.matched)
