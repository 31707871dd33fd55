"""One suite over the source kinds whose events come by the clock. A new kind is tested by being there.

A failing fixture says what to write into which file.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from arauto import sources
from arauto.sources import Schedule

KINDS = [kind for kind in sources.names() if sources.load(kind).KIND.by_clock]
FIXTURES = [
    pytest.param(kind, path, json.loads(path.read_text(encoding="utf-8")), id=f"{kind}: {path.stem}")
    for kind in KINDS
    for path in sorted((Path(str(files(sources.load(kind).__name__))) / "fixtures").glob("*.json"))
]
with_fixtures = pytest.mark.parametrize(("kind", "path", "fixture"), FIXTURES)


def build(kind: str, fixture: dict[str, Any]) -> Schedule:
    module = sources.load(kind)
    settings = msgspec.convert(fixture["settings"], module.Settings)
    schedule: Schedule = module.compile("here", settings, fixture["time_zone"])
    return schedule


def told(schedule: Schedule, after: datetime, count: int) -> list[dict[str, Any]]:
    """Ticks and their events, as fixtures write them: without what is absent."""
    found = []
    for tick in islice(schedule.ticks(after), count):
        draft = schedule.event(tick.at)
        entry = {
            "at": tick.at.isoformat().replace("+00:00", "Z"),
            "wall": tick.wall.isoformat(),
            "clocks": tick.clocks,
            "event": {"id": draft.id, "type": draft.type, "subject": draft.subject, "data": draft.data},
        }
        entry["event"] = {key: value for key, value in entry["event"].items() if value is not None}
        found.append({key: value for key, value in entry.items() if value is not None})
    return found


def test_there_is_a_kind() -> None:
    assert KINDS == ["schedule"]


@with_fixtures
def test_ticks_as_its_fixture_says(kind: str, path: Path, fixture: dict[str, Any]) -> None:
    schedule = build(kind, fixture)
    given = told(schedule, datetime.fromisoformat(fixture["after"]), len(fixture["ticks"]) + fixture.get("end", False))
    assert given == fixture["ticks"], (
        f"\n{kind}/fixtures/{path.name} says otherwise. If the ticks given are right, write into it:\n"
        f'"ticks": {json.dumps(given, indent=2, ensure_ascii=False)}'
    )


@with_fixtures
def test_says_when_where_and_what_for_people(kind: str, path: Path, fixture: dict[str, Any]) -> None:
    schedule = build(kind, fixture)
    assert schedule.name == "here"
    assert schedule.rule
    assert schedule.zone == fixture["settings"].get("zone", fixture["time_zone"])
    assert schedule.missed in ("skip", "once", "all")
    assert [name for _, name in schedule.types] == [fixture["settings"]["event"]]


@with_fixtures
@hypothesis_settings(max_examples=30, deadline=None)
@given(after=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))
def test_keeps_its_promises_from_wherever_it_is_asked(
    kind: str, path: Path, fixture: dict[str, Any], after: datetime
) -> None:
    schedule = build(kind, fixture)
    ticks = list(islice(schedule.ticks(after), 20))
    assert all(tick.at > after and tick.at.utcoffset() == timedelta() for tick in ticks)
    assert all(one.at < other.at for one, other in pairwise(ticks))
    for one, other in pairwise(ticks):
        assert next(iter(schedule.ticks(one.at))) == other, "a restart between two ticks loses and doubles none"
    drafts = [schedule.event(tick.at) for tick in ticks]
    assert drafts == [schedule.event(tick.at) for tick in ticks], "the same tick is always the same event"
    assert len({draft.id for draft in drafts}) == len(ticks)
    assert all(draft.source == "here" and draft.time == tick.at for draft, tick in zip(drafts, ticks, strict=True))
