# ruff: noqa: E501 - a case is a line, so that the table can be read as one
"""delay: how long a run waits, by the clock, by business days, and as an event says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arauto.decide.steps.delay import compile
from arauto.errors import LanguageError
from arauto.language import compile_condition, compile_expression
from arauto.model import Continue, Event, Recipient, Run, Situation, Wait

NEW_YORK, SAO_PAULO, KIRITIMATI = "America/New_York", "America/Sao_Paulo", "Pacific/Kiritimati"
HOLIDAYS = ["2026-12-25", "2027-01-01"]


class Building:
    """Compiles expressions without a file around them."""

    condition = staticmethod(compile_condition)
    value = staticmethod(compile_expression)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def situation(entered: str, now: datetime, zone: str = SAO_PAULO, **data: Any) -> Situation:
    event = Event(source="shop", id="1", type="order.paid", time=utc(entered), data=data)
    run = Run(key="run_1", notification="n", recipient="ana", events=(event,), entered_at=utc(entered))
    project = {"time_zone": SAO_PAULO, "holidays": HOLIDAYS}
    context = {"event": {"data": data}, "project": project, "recipient": {"id": "ana", "time_zone": zone}}
    return Situation(run, Recipient(id="ana"), context, frozenset(), now, zone)


CASES = [
    ("a duration", "2h", SAO_PAULO, {}, "2026-07-01 12:00", "2026-07-01 14:00"),
    ("a day is 24 hours, also where clocks change", "1d", NEW_YORK, {}, "2026-03-07 17:00", "2026-03-08 17:00"),
    ("over a leap day", "2d", SAO_PAULO, {}, "2028-02-28 12:00", "2028-03-01 12:00"),
    ("over a year's end", "1w", SAO_PAULO, {}, "2026-12-31 12:00", "2027-01-07 12:00"),
    ("a business day within a week", {"business_days": 1}, SAO_PAULO, {}, "2026-07-01 12:00", "2026-07-02 12:00"),
    ("over a weekend", {"business_days": 2}, SAO_PAULO, {}, "2026-07-03 12:00", "2026-07-07 12:00"),
    ("from a Sunday", {"business_days": 1}, SAO_PAULO, {}, "2026-07-05 12:00", "2026-07-06 12:00"),
    ("over holidays", {"business_days": 1}, SAO_PAULO, {}, "2026-12-24 12:00", "2026-12-28 12:00"),
    ("same wall clock in summer", {"business_days": 1}, NEW_YORK, {}, "2026-03-06 15:00", "2026-03-09 14:00"),
    ("same wall clock in winter", {"business_days": 1}, NEW_YORK, {}, "2026-10-30 15:00", "2026-11-02 16:00"),
    ("Friday is already Saturday far east", {"business_days": 1}, KIRITIMATI, {}, "2026-07-03 12:00", "2026-07-05 12:00"),
    ("seconds of the event", {"by": "event.data.grace"}, SAO_PAULO, {"grace": 90}, "2026-07-01 12:00", "2026-07-01 12:01:30"),
    ("half seconds", {"by": "event.data.grace"}, SAO_PAULO, {"grace": 0.5}, "2026-07-01 12:00", "2026-07-01 12:00:00.5"),
    ("a duration of the event", {"by": "event.data.grace"}, SAO_PAULO, {"grace": "1d"}, "2026-07-01 12:00", "2026-07-02 12:00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "zone", "data", "entered", "end"), [pytest.param(*case, id=name) for name, *case in CASES]
)
def test_it_waits_until_and_then_goes_on(written: Any, zone: str, data: Any, entered: str, end: str) -> None:
    step = compile(written, Building())  # type: ignore[arg-type]
    for now in (utc(entered), utc(end) - timedelta(microseconds=1)):
        decision = step.decide(situation(entered, now, zone, **data))
        assert isinstance(decision, Wait)
        assert decision.until == utc(end)
        assert decision.reason.code == "delays"
    for now in (utc(end), utc(end) + timedelta(days=400)):
        decision = step.decide(situation(entered, now, zone, **data))
        assert isinstance(decision, Continue)
        assert decision.reason.code == "delay_over"


def test_its_reason_shows_the_end_in_the_recipients_zone() -> None:
    decision = compile("2h", Building()).decide(situation("2026-07-01 12:00", utc("2026-07-01 12:00")))  # type: ignore[arg-type]
    assert decision.reason.values == {"until": "2026-07-01T11:00:00-03:00"}  # type: ignore[union-attr]


def test_nothing_to_wait_for_goes_on_at_once() -> None:
    step = compile({"by": "event.data.grace"}, Building())  # type: ignore[arg-type]
    assert isinstance(step.decide(situation("2026-07-01 12:00", utc("2026-07-01 12:00"), grace=0)), Continue)


@pytest.mark.parametrize("grace", [-1, True, None, "soon", "", [], {}, 10**12, "9999999999999w", "4000d", 1e300])
def test_an_event_that_gives_no_time_to_wait_is_told_without_its_value(grace: Any) -> None:
    step = compile({"by": "event.data.grace"}, Building())  # type: ignore[arg-type]
    with pytest.raises(LanguageError, match=r"^event\.data\.grace gives no time to wait$"):
        step.decide(situation("2026-07-01 12:00", utc("2026-07-01 12:00"), grace=grace))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("soon", "such as 30s"),
        ("4000d", "ten years"),
        ("9999999999999w", "ten years"),
        (7200, "write a duration"),
        (None, "write a duration"),
        ({}, "write a duration"),
        ({"business_days": 0}, "from 1 to 1000"),
        ({"business_days": 1001}, "from 1 to 1000"),
        ({"business_days": True}, "write a duration"),
        ({"business_days": "2"}, "write a duration"),
        ({"business_days": 2, "by": "x"}, "write a duration"),
        ({"by": 3}, "write a duration"),
    ],
)
def test_what_cannot_be_a_delay_is_told(written: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        compile(written, Building())  # type: ignore[arg-type]
