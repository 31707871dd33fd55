"""``arauto simulate``: what it says, what it writes, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from arauto.cli import main

LOJA = Path(__file__).parents[2] / "examples/loja"
FEW = """\
people: {count: 30}
events:
  order.paid: {per_day: 30}
  invoice.due: {per_day: 30}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop, with a smaller world."""
    folder = tmp_path_factory.mktemp("simulate") / "loja"
    shutil.copytree(LOJA, folder)
    (folder / "worlds/week.yaml").write_text(FEW, encoding="utf-8")
    return folder


def simulate(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["simulate", *map(str, arguments)])
    return int(exit.value.code or 0)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("What the outage did", "sms does not work from Mon 2 Mar, 06:00")),
        ("pt-BR", ("E se: loja", "Por canal")),
    ],
)
def test_it_shows_what_people_would_receive(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path, language: str, words: tuple[str, ...]
) -> None:
    page = tmp_path / "page.html"
    options = ("--days", 1, "--outage", "sms:6h@6h", "--html", page, "--lang", language)
    assert simulate(project, *options) == 0
    shown = capsys.readouterr()
    for each in (*words, "worlds/week.yaml", "order-paid"):
        assert each in shown.out
    assert "<svg" in page.read_text("utf-8")
    assert shown.err == ""


def test_as_json_it_gives_the_same_for_the_same_seed(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    written = []
    for seed in (4, 4, 5):
        assert simulate(project, "--days", 0.5, "--seed", seed, "--json") == 0
        written.append(capsys.readouterr().out)
    assert written[0] == written[1] != written[2]
    told = json.loads(written[0])
    assert (told["project"], told["seed"], told["outages"]) == ("loja", 4, [])
    assert told["messages"] == sum(each["messages"] for each in told["channels"]) > 0


def test_without_a_world_one_is_made_up(capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "loja"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("worlds"))
    assert simulate(folder, "--days", 0.1, "--limit", 10, "--lang", "en") == 0
    assert "in a world made up from the project" in capsys.readouterr().out.replace("\n", "")


@pytest.mark.parametrize(
    ("language", "said"), [("en", "1 event  ·  2 messages"), ("pt-BR", "1 evento  ·  2 mensagens")]
)
def test_one_is_told_as_one(capsys: pytest.CaptureFixture[str], project: Path, language: str, said: str) -> None:
    assert simulate(project, "--days", 1, "--limit", 1, "--lang", language) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--outage", "sms"), "is no outage; write CHANNEL", id="an outage without a time"),
        pytest.param(("--outage", "smss:6h@2d"), "there is no channel smss", id="an unknown channel"),
        pytest.param(("--outage", "sms/other:6h@2d"), "it has: twilio", id="an unknown provider"),
        pytest.param(("--outage", "sms:6x@2d"), "is no outage: ", id="no duration"),
        pytest.param(("--outage", "sms:0s@2d"), "it lasts no time", id="an outage of no time"),
        pytest.param(("--outage", "inapp:6h@2d"), "there is no channel inapp", id="the inbox cannot break down"),
        pytest.param(("--outage", "sms:6h@7d"), "begins when the 7 days are over", id="an outage after the end"),
        pytest.param(("--lang", "de"), "--lang takes en or pt-BR, not 'de'", id="a language that is not spoken"),
        pytest.param(("--start", "Monday"), "is no time to begin at", id="no time"),
        pytest.param(("--world", "no.yaml"), "there is no file no.yaml", id="no such world"),
        pytest.param(("--html", "no/such/folder.html"), "its folder is not there", id="no folder for the page"),
        pytest.param(("--days", "0"), "0", id="no time at all"),
    ],
)
def test_what_is_no_use_of_the_command(
    capsys: pytest.CaptureFixture[str], project: Path, options: tuple[str, ...], words: str
) -> None:
    assert simulate(project, *options) == 2
    assert words in capsys.readouterr().err


def test_of_several_worlds_one_has_to_be_said(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    other = project / "worlds/other.yaml"
    other.write_text(FEW, encoding="utf-8")
    try:
        assert simulate(project) == 2
    finally:
        other.unlink()
    assert "there are several worlds" in capsys.readouterr().err


def test_the_faults_of_a_world_are_shown_at_their_place(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path
) -> None:
    world = tmp_path / "wrong.yaml"
    world.write_text("events:\n  order.piad: {per_day: 3}\n", encoding="utf-8")
    assert simulate(project, "--world", world) == 1
    shown = capsys.readouterr().err
    assert "wrong.yaml:2:3 unknown-event-type" in shown
    assert "did you mean order.paid?" in shown
