# ruff: noqa: E501 - a case is a line, so that the table can be read as one
"""until: the next time of day, a day of the week, a business day, and the times that events tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arauto.decide.steps.until import compile
from arauto.errors import LanguageError
from arauto.language import compile_condition, compile_expression
from arauto.model import Continue, Event, Recipient, Run, Situation, Wait

NEW_YORK, SAO_PAULO, LISBON, MANAUS = "America/New_York", "America/Sao_Paulo", "Europe/Lisbon", "America/Manaus"
KIRITIMATI, WEST_OF_ALL, LORD_HOWE = "Pacific/Kiritimati", "Etc/GMT+12", "Australia/Lord_Howe"
HOLIDAYS = ["2026-12-25", "2027-01-01"]
DUE = {"time": "event.data.due", "minus": "1d"}
DAY = {"day": "event.data.due", "at": "09:00", "minus": "1d"}


class Building:
    """Compiles expressions without a file around them."""

    condition = staticmethod(compile_condition)
    value = staticmethod(compile_expression)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def situation(entered: str, now: datetime, zone: str = MANAUS, due: Any = None) -> Situation:
    event = Event(source="shop", id="1", type="invoice.due", time=utc(entered), data={})
    run = Run(key="run_1", notification="n", recipient="ana", events=(event,), entered_at=utc(entered))
    project = {"time_zone": SAO_PAULO, "holidays": HOLIDAYS}
    context = {"event": {"data": {"due": due}}, "project": project, "recipient": {"id": "ana", "time_zone": zone}}
    return Situation(run, Recipient(id="ana"), context, frozenset(), now, zone)


CASES = [
    ("in the recipient's zone", "09:00", MANAUS, None, "2026-07-01 12:30", "2026-07-01 13:00"),
    ("in the recipient's zone, said", {"at": "09:00", "zone": "recipient"}, MANAUS, None, "2026-07-01 12:30", "2026-07-01 13:00"),
    ("in the hub's zone", {"at": "09:00", "zone": "hub"}, MANAUS, None, "2026-07-01 12:30", "2026-07-02 12:00"),
    ("in a zone by name", {"at": "09:00", "zone": LISBON}, MANAUS, None, "2026-07-01 12:30", "2026-07-02 08:00"),
    ("who comes at the very time waits for the next", "09:00", MANAUS, None, "2026-07-01 13:00", "2026-07-02 13:00"),
    ("before clocks go forward", "09:00", NEW_YORK, None, "2026-03-07 15:00", "2026-03-08 13:00"),
    ("before clocks go back", "09:00", NEW_YORK, None, "2026-10-31 15:00", "2026-11-01 14:00"),
    ("a time in the gap is right after it", "02:30", NEW_YORK, None, "2026-03-08 06:00", "2026-03-08 07:00"),
    ("a time that repeats is its first coming", "01:30", NEW_YORK, None, "2026-11-01 05:00", "2026-11-01 05:30"),
    ("a time that repeats comes once", "01:30", NEW_YORK, None, "2026-11-01 05:30", "2026-11-02 06:30"),
    ("a gap of half an hour", "02:15", LORD_HOWE, None, "2026-10-03 12:00", "2026-10-03 15:30"),
    ("a day of the week", {"at": "09:00", "days": "mon"}, MANAUS, None, "2026-07-01 12:30", "2026-07-06 13:00"),
    ("the day of the week is the recipient's", {"at": "00:30", "days": "mon"}, KIRITIMATI, None, "2026-07-05 10:00", "2026-07-05 10:30"),
    ("and the hub's where it is told", {"at": "00:30", "days": "mon", "zone": "hub"}, KIRITIMATI, None, "2026-07-05 10:00", "2026-07-06 03:30"),
    ("weekdays", {"at": "09:00", "days": "weekdays"}, MANAUS, None, "2026-07-03 14:00", "2026-07-06 13:00"),
    ("some days", {"at": "09:00", "days": ["tue", "thu"]}, MANAUS, None, "2026-07-03 14:00", "2026-07-07 13:00"),
    ("business days", {"at": "09:00", "business_days": True}, MANAUS, None, "2026-12-24 14:00", "2026-12-28 13:00"),
    ("business days of some", {"at": "09:00", "business_days": True, "days": ["fri", "sat"]}, MANAUS, None, "2026-12-24 14:00", "2027-01-08 13:00"),
    ("not only business days", {"at": "09:00", "business_days": False}, MANAUS, None, "2026-12-24 14:00", "2026-12-25 13:00"),
    ("the year's end", "00:00", WEST_OF_ALL, None, "2026-12-31 13:00", "2027-01-01 12:00"),
    ("a day before a moment", DUE, MANAUS, "2026-07-10T15:00:00Z", "2026-07-01 12:00", "2026-07-09 15:00"),
    ("a moment with an offset", {"time": "event.data.due"}, MANAUS, "2026-07-10T15:00:00-03:00", "2026-07-01 12:00", "2026-07-10 18:00"),
    ("a day before a day, in the recipient's zone", DAY, MANAUS, "2026-07-10", "2026-07-01 12:00", "2026-07-09 13:00"),
    ("on a day itself", {"day": "event.data.due", "at": "09:00"}, MANAUS, "2026-07-10", "2026-07-01 12:00", "2026-07-10 13:00"),
    ("a week before a day, by the hub", DAY | {"minus": "1w", "zone": "hub"}, MANAUS, "2026-07-10", "2026-07-01 12:00", "2026-07-03 12:00"),
    ("the day of a moment is the zone's", DAY, KIRITIMATI, "2026-07-10T23:00:00Z", "2026-07-01 12:00", "2026-07-09 19:00"),
    ("calendar days, not hours", DAY, NEW_YORK, "2026-03-09", "2026-03-01 12:00", "2026-03-08 13:00"),
    ("before a leap day's morrow", DAY, MANAUS, "2028-03-01", "2028-02-01 12:00", "2028-02-29 13:00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "zone", "due", "entered", "end"), [pytest.param(*case, id=name) for name, *case in CASES]
)
def test_it_waits_until_and_then_goes_on(written: Any, zone: str, due: Any, entered: str, end: str) -> None:
    step = compile(written, Building())  # type: ignore[arg-type]
    for now in (utc(entered), utc(end) - timedelta(microseconds=1)):
        decision = step.decide(situation(entered, now, zone, due))
        assert isinstance(decision, Wait)
        assert decision.until == utc(end)
        assert decision.reason.code == "waits_until"
    for now in (utc(end), utc(end) + timedelta(days=400)):
        decision = step.decide(situation(entered, now, zone, due))
        assert isinstance(decision, Continue)
        assert decision.reason.code == "time_came"


@pytest.mark.parametrize(
    ("written", "due"),
    [
        pytest.param(DUE, "2026-07-02T11:59:59Z", id="a moment less a day has passed"),
        pytest.param(DAY, "2026-07-02", id="yesterday's nine o'clock has passed"),
        pytest.param({"time": "event.data.due"}, "1999-01-01T00:00:00Z", id="long ago"),
    ],
)
def test_a_time_that_has_passed_goes_on_at_once_and_says_so(written: Any, due: str) -> None:
    step = compile(written, Building())  # type: ignore[arg-type]
    decision = step.decide(situation("2026-07-01 14:00", utc("2026-07-01 14:00"), due=due))
    assert isinstance(decision, Continue)
    assert decision.reason.code == "time_passed"


def test_its_reason_shows_what_clocks_show() -> None:
    step = compile({"at": "09:00", "zone": "hub"}, Building())  # type: ignore[arg-type]
    decision = step.decide(situation("2026-07-01 12:30", utc("2026-07-01 12:30")))
    assert decision.reason.values == {"until": "2026-07-02T09:00:00-03:00"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("written", "due", "said"),
    [
        pytest.param(DUE, "tomorrow", "event.data.due gives no moment", id="no moment"),
        pytest.param(DUE, "2026-07-10T15:00:00", "event.data.due gives no moment", id="a moment without its offset"),
        pytest.param(DUE, "2026-07-10", "event.data.due gives no moment", id="a day where a moment belongs"),
        pytest.param(DUE, 1783000000, "event.data.due gives no moment", id="a number"),
        pytest.param(DUE, None, "event.data.due gives no moment", id="nothing"),
        pytest.param(DAY, "2026-02-30", "event.data.due gives no day", id="no day"),
        pytest.param(DAY, ["2026-02-28"], "event.data.due gives no moment", id="a list"),
        pytest.param(DAY, "0001-01-01", "too far away", id="the first of all days"),
        pytest.param(DUE, "0001-01-01T00:00:00+14:00", "too far away", id="before all days"),
        pytest.param({"time": "event.data.due"}, "0001-01-01T00:00:00Z", "too far away", id="before them in the zone"),
    ],
)
def test_what_an_event_gives_wrongly_is_told_without_its_value(written: Any, due: Any, said: str) -> None:
    step = compile(written, Building())  # type: ignore[arg-type]
    with pytest.raises(LanguageError, match=said):
        step.decide(situation("2026-07-01 12:00", utc("2026-07-01 12:00"), due=due))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("9:00", "such as 09:00"),
        ("25:00", "such as 09:00"),
        (9, "write a time"),
        (None, "write a time"),
        ({}, "write a time"),
        ({"days": "mon"}, "write a time"),
        ({"at": 9}, "write a time"),
        ({"at": "09:00", "dayz": "mon"}, "write a time"),
        ({"at": "09:00", "days": "monday"}, "weekdays"),
        ({"at": "09:00", "days": []}, "no day"),
        ({"at": "09:00", "business_days": 2}, "true or false"),
        ({"at": "09:00", "business_days": True, "days": "weekend"}, "weekend"),
        ({"at": "09:00", "zone": "hubb"}, "recipient, hub"),
        ({"at": "09:00", "zone": None}, "recipient, hub"),
        ({"at": "09:00", "minus": "1d"}, "write a time"),
        ({"time": "event.time", "minus": 1}, "duration"),
        ({"time": "event.time", "minus": "soon"}, "duration"),
        ({"time": "event.time", "minus": "99999999999w"}, "too long"),
        ({"time": "event.time", "at": "09:00"}, "write a time"),
        ({"day": "event.time"}, "write a time"),
        ({"day": "event.time", "at": "09:00", "minus": "36h"}, "number of days"),
    ],
)
def test_what_cannot_be_waited_for_is_told(written: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        compile(written, Building())  # type: ignore[arg-type]
