"""arauto schedule next: the coming times, in several zones, with what clocks do at them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arauto.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``arauto schedule``; gives its exit code, its standard output and its standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit:
            main(["schedule", *arguments])
        told = capsys.readouterr()
        return int(exit.value.code or 0), told.out, told.err

    return run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in São Paulo with three schedules."""
    files = {
        "arauto.yaml": "{name: shop, locale: en, time_zone: America/Sao_Paulo, brand: {name: Shop}}",
        "events/day.over.yaml": "{description: A day is over., schema: {type: object}, samples: {typical: {}}}",
        "sources/nightly.yaml": '{kind: schedule, event: day.over, cron: "30 2 * * *", zone: America/New_York}',
        "sources/often.yaml": '{kind: schedule, event: day.over, cron: "*/10 * * * * *", missed: skip}',
        "sources/past.yaml": "{kind: schedule, event: day.over, rrule: FREQ=DAILY;COUNT=3, start: 2020-01-01T08:00}",
        "sources/shop.yaml": '{kind: bearer, secrets: ["env:X"], events: [{type: day.over, id: body.id}]}',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_coming_times_stand_in_every_zone_with_remarks(run: Run, project: Path) -> None:
    asked = ("next", "nightly", "--count", "3", "--from", "2026-03-07", "--zone", "Asia/Kathmandu")
    assert run(*asked, "-C", str(project)) == (
        0,
        """\
nightly: 30 2 * * * (America/New_York) gives day.over; of missed times: once
  America/New_York             America/Sao_Paulo            Asia/Kathmandu               UTC
  Sat 2026-03-07 02:30 -05:00  Sat 2026-03-07 04:30 -03:00  Sat 2026-03-07 13:15 +05:45  Sat 2026-03-07 07:30 +00:00
  Sun 2026-03-08 03:00 -04:00  Sun 2026-03-08 04:00 -03:00  Sun 2026-03-08 12:45 +05:45  Sun 2026-03-08 07:00 +00:00\
  clocks skip 02:30: it comes right after, at 03:00
  Mon 2026-03-09 02:30 -04:00  Mon 2026-03-09 03:30 -03:00  Mon 2026-03-09 12:15 +05:45  Mon 2026-03-09 06:30 +00:00
""",
        "",
    )


def test_a_change_of_clocks_elsewhere_is_remarked_too(run: Run, project: Path) -> None:
    source = project / "sources/nightly.yaml"
    source.write_text('{kind: schedule, event: day.over, cron: "0 8 * * *"}', encoding="utf-8")
    asked = ("next", "nightly", "-n", "2", "--from", "2026-03-28", "--zone", "Europe/Lisbon", "--json")
    first, second = json.loads(run(*asked, "-C", str(project))[1])["schedules"][0]["next"]
    assert first["remarks"] == []
    assert second["remarks"] == ["clocks in Europe/Lisbon went forward since the time before"]
    assert second["shown"]["Europe/Lisbon"] == "2026-03-29T12:00:00+01:00"


REPEATED = [
    ("30 1 * * *", [("05:30", "it comes once, the first time")]),
    ("30 * * * *", [("05:30", "this is the first time"), ("06:30", "this is the second time")]),
]


@pytest.mark.parametrize(("cron", "expected"), REPEATED, ids=["at a fixed time", "at intervals"])
def test_an_hour_that_comes_twice_is_remarked(
    run: Run, project: Path, cron: str, expected: list[tuple[str, str]]
) -> None:
    text = f'{{kind: schedule, event: day.over, cron: "{cron}", zone: America/New_York}}'
    (project / "sources/nightly.yaml").write_text(text, encoding="utf-8")
    asked = ("next", "nightly", "-n", str(len(expected)), "--from", "2026-11-01T05:00Z", "--json")
    found = json.loads(run(*asked, "-C", str(project))[1])["schedules"][0]["next"]
    told = [(each["at"][11:16], each["remarks"]) for each in found]
    assert told == [(time, [f"clocks show 01:30 twice: {words}"]) for time, words in expected]


def test_all_schedules_are_shown_from_now_on(run: Run, project: Path) -> None:
    code, out, _ = run("next", "-C", str(project), "--json")
    document = json.loads(out)
    assert code == 0
    assert abs((datetime.fromisoformat(document["from"]) - datetime.now(UTC)).total_seconds()) < 60
    assert {each["source"]: len(each["next"]) for each in document["schedules"]} == {
        "nightly": 10,
        "often": 10,
        "past": 0,
    }
    often = document["schedules"][1]
    assert {key: often[key] for key in ("event", "rule", "zone", "missed")} == {
        "event": "day.over",
        "rule": "*/10 * * * * *",
        "zone": "America/Sao_Paulo",
        "missed": "skip",
    }
    assert [each["at"][-2] for each in often["next"]] == ["0"] * 10


def test_a_time_at_the_moment_asked_for_counts_and_seconds_show_where_there_are_any(run: Run, project: Path) -> None:
    out = run("next", "often", "-n", "2", "--from", "2026-03-07T12:00:00Z", "-C", str(project))[1]
    assert [line.split()[2] for line in out.splitlines()[2:]] == ["09:00:00", "09:00:10"]


def test_a_schedule_that_has_ended_says_so(run: Run, project: Path) -> None:
    code, out, _ = run("next", "past", "-C", str(project))
    assert (code, out.splitlines()[1]) == (0, "  no time is to come any more")


def test_a_project_without_schedules_is_told_how_to_write_one(run: Run, project: Path) -> None:
    for name in ("nightly", "often", "past"):
        (project / f"sources/{name}.yaml").unlink()
    code, out, _ = run("next", "-C", str(project))
    assert code == 0
    assert "kind: schedule" in out
    assert "docs/howto/run-on-a-schedule.md" in out
    assert json.loads(run("next", "--json", "-C", str(project))[1])["schedules"] == []


WRONG = [
    (("nope",), 4, "there are: nightly, often, past"),
    (("shop",), 4, "no schedule 'shop'"),
    (("--zone", "Lisbon"), 2, "Europe/Lisbon"),
    (("--from", "tomorrow"), 2, "2026-03-28"),
    (("--from", "9999-12-31"), 2, "to 2200"),
    (("--count", "0"), 2, "schedule next"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), WRONG, ids=[" ".join(case[0]) for case in WRONG])
def test_what_is_no_use_of_the_command(
    run: Run, project: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    found, _, err = run("next", *arguments, "-C", str(project))
    assert found == code
    assert words in err
