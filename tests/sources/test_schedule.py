# ruff: noqa: E501 - a case is a line, so that the table can be read as one
"""Schedules: when they tick, also when clocks change, and what a wrong one is told."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from arauto.decide.times import Tick
from arauto.errors import BadPayload
from arauto.ingress import SettingFault, SettingsFaulty
from arauto.sources import Schedule
from arauto.sources.schedule import Settings, compile


def schedule(zone: str = "UTC", **settings: Any) -> Schedule:
    return compile("here", msgspec.convert({"event": "report.due", **settings}, Settings), zone)


def when(rule: str) -> dict[str, Any]:
    """``RULE from START`` is a recurrence rule, anything else a cron expression."""
    rrule, _, start = rule.partition(" from ")
    return {"rrule": rrule, "start": start} if start else {"cron": rule}


def ticks(rule: str, zone: str, after: str, count: int) -> list[Tick]:
    return list(islice(schedule(zone, **when(rule)).ticks(datetime.fromisoformat(after)), count))


def shown(found: Sequence[Tick]) -> str:
    """``07:00 gap``: the UTC time (with the day where it is not that of the tick before), and what clocks do."""
    words, day = [], None
    for tick in found:
        words.append(f"{tick.at:%m-%dT%H:%M}" if tick.at.date() != day else f"{tick.at:%H:%M}")
        words += [tick.clocks] if tick.clocks else []
        day = tick.at.date()
    return " ".join(words)


# New York: clocks skip 02:00-03:00 on 8 March 2026 (07:00Z), and show 01:00-02:00 twice on 1 November (05:00Z, 06:00Z).
NEW_YORK = "America/New_York"
DAYS = [
    # fixed times
    ("a time in the gap comes right after it", "30 2 * * *", NEW_YORK, "2026-03-07T12:00Z", "03-08T07:00 gap 03-09T06:30 03-10T06:30"),
    ("also where the expression has seconds", "0 30 2 * * *", NEW_YORK, "2026-03-07T12:00Z", "03-08T07:00 gap 03-09T06:30"),
    ("two times in the gap come once", "15,45 2 * * *", NEW_YORK, "2026-03-07T12:00Z", "03-08T07:00 gap 03-09T06:15 06:45"),
    ("a time in the gap and the first after it come once", "0 2,3 * * *", NEW_YORK, "2026-03-07T12:00Z", "03-08T07:00 gap 03-09T06:00 07:00"),
    ("an hour after the gap keeps its own time", "30 2,3 * * *", NEW_YORK, "2026-03-07T12:00Z", "03-08T07:00 gap 07:30 03-09T06:30"),
    ("asked at the end of the gap, its tick is over", "30 2 * * *", NEW_YORK, "2026-03-08T07:00Z", "03-09T06:30"),
    ("asked a second before, it is to come", "30 2 * * *", NEW_YORK, "2026-03-08T06:59:59Z", "03-08T07:00 gap"),
    ("a repeated time comes once, the first time", "30 1 * * *", NEW_YORK, "2026-10-31T12:00Z", "11-01T05:30 once 11-02T06:30"),
    ("asked between the two, it does not come again", "30 1 * * *", NEW_YORK, "2026-11-01T05:40Z", "11-02T06:30"),
    ("asked in the second hour, it does not come in the past", "30 1 * * *", NEW_YORK, "2026-11-01T06:10Z", "11-02T06:30"),
    ("a rule by days obeys, too", "FREQ=DAILY from 2026-03-07T02:30", NEW_YORK, "2026-03-07T12:00Z", "03-08T07:00 gap 03-09T06:30"),
    ("a rule by days has the first of two", "FREQ=DAILY from 2026-10-01T01:30", NEW_YORK, "2026-10-31T12:00Z", "11-01T05:30 once 11-02T06:30"),
    # at intervals
    ("every five minutes stay five minutes", "*/20 * * * *", NEW_YORK, "2026-11-01T05:10Z", "11-01T05:20 first 05:40 first 06:00 second 06:20 second 06:40 second 07:00"),
    ("every hour stays an hour over the gap", "30 * * * *", NEW_YORK, "2026-03-08T05:40Z", "03-08T06:30 07:30 08:30"),
    ("every half hour as well", "*/30 * * * *", NEW_YORK, "2026-03-08T06:10Z", "03-08T06:30 07:00 07:30"),
    ("every two hours miss none over the gap", "0 */2 * * *", NEW_YORK, "2026-03-08T04:00Z", "03-08T05:00 07:00 gap 08:00"),
    ("minutes of one hour come once after the gap", "*/20 2 * * *", NEW_YORK, "2026-03-07T12:00Z", "03-08T07:00 gap 03-09T06:00 06:20"),
    ("minutes of one hour go on through its second coming", "*/30 1 * * *", NEW_YORK, "2026-11-01T04:00Z", "11-01T05:00 first 05:30 first 06:00 second 06:30 second 11-02T06:00"),
    ("a rule by hours goes on", "FREQ=HOURLY from 2026-01-01T00:15", NEW_YORK, "2026-11-01T04:30Z", "11-01T05:15 first 06:15 second 07:15"),
    ("a rule by minutes goes on, asked in the second hour", "FREQ=MINUTELY;INTERVAL=30 from 2026-01-01T00:00", NEW_YORK, "2026-11-01T06:10Z", "11-01T06:30 second 07:00"),
    ("a rule by six hours misses none over the gap", "FREQ=HOURLY;INTERVAL=6 from 2026-03-07T02:30", NEW_YORK, "2026-03-08T02:00Z", "03-08T07:00 gap 12:30"),
    ("a rule by hours stays an hour over the gap", "FREQ=HOURLY from 2026-01-01T00:30", NEW_YORK, "2026-03-08T05:40Z", "03-08T06:30 07:30"),
    ("a rule for one hour misses no day", "FREQ=HOURLY;BYHOUR=2 from 2026-01-01T00:30", NEW_YORK, "2026-03-07T12:00Z", "03-08T07:00 gap 03-09T06:30"),
    # where clocks are unusual
    ("clocks that change by half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-02T18:00Z", "10-03T15:30 gap 10-04T15:15"),
    ("half an hour that comes twice", "*/15 1 * * *", "Australia/Lord_Howe", "2026-04-04T13:00Z", "04-04T14:00 14:15 14:30 first 14:45 first 15:00 second 15:15 second 04-05T14:30"),
    ("a gap at midnight", "0 0 * * *", "America/Santiago", "2026-09-05T12:00Z", "09-06T04:00 gap 09-07T03:00"),
    ("an hour that comes twice before midnight", "30 23 * * *", "America/Santiago", "2026-04-04T12:00Z", "04-05T02:30 once 04-06T03:30"),
    ("a whole day that a zone skipped", "0 8 30 12 *", "Pacific/Apia", "2011-12-01T00:00Z", "12-30T10:00 gap 12-29T18:00"),
    ("the zone that is furthest ahead, without a change", "0 0 1 1 *", "Pacific/Kiritimati", "2026-12-30T00:00Z", "12-31T10:00 12-31T10:00"),
    ("the zone that is furthest behind", "59 23 31 12 *", "Etc/GMT+12", "2026-12-30T00:00Z", "01-01T11:59 01-01T11:59"),
    ("half past in a zone of quarters", "0 12 * * *", "Asia/Kathmandu", "2026-01-01T00:00Z", "01-01T06:15 01-02T06:15"),
    # calendars
    ("a leap day", "0 12 29 2 *", "UTC", "2026-01-01T00:00Z", "02-29T12:00 02-29T12:00"),
    ("a rule on a leap day", "FREQ=YEARLY from 2024-02-29T12:00", "UTC", "2024-03-01T00:00Z", "02-29T12:00 02-29T12:00"),
    ("the last day of months", "0 18 L * *", "UTC", "2028-01-31T19:00Z", "02-29T18:00 03-31T18:00 04-30T18:00"),
    ("the end of a year", "59 59 23 31 12 *", "America/Sao_Paulo", "2026-12-31T00:00Z", "01-01T02:59"),
    ("weekdays over a year's end", "0 8 * * MON-FRI", "America/Sao_Paulo", "2026-12-31T12:00Z", "01-01T11:00 01-04T11:00"),
    ("the last Friday of months", "FREQ=MONTHLY;BYDAY=-1FR from 2026-01-30T08:00", "America/Sao_Paulo", "2026-02-01T00:00Z", "02-27T11:00 03-27T11:00"),
    ("the last weekday of months", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1 from 2026-01-30T08:00", "UTC", "2026-05-01T00:00Z", "05-29T08:00 06-30T08:00"),
    ("every other week, counted from its start", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH from 2020-01-02T09:00", "UTC", "2026-07-01T00:00Z", "07-06T09:00 07-09T09:00 07-20T09:00"),
    ("every third day, counted from long ago", "FREQ=DAILY;INTERVAL=3 from 1990-01-01T09:00", "UTC", "2026-07-01T00:00Z", "07-03T09:00 07-06T09:00"),
    ("several times of a day", "FREQ=DAILY;BYHOUR=8,18;BYMINUTE=30 from 2026-01-01T00:00", "UTC", "2026-07-01T09:00Z", "07-01T18:30 07-02T08:30"),
    ("a rule begins with its start", "FREQ=DAILY from 2026-07-01T09:00", "UTC", "2020-01-01T00:00Z", "07-01T09:00 07-02T09:00"),
    ("a rule may bear its name", "RRULE:FREQ=DAILY from 2026-07-01T09:00", "UTC", "2026-07-01T09:00Z", "07-02T09:00"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "zone", "after", "expected"), [pytest.param(*rest, id=name) for name, *rest in DAYS])
def test_when_it_ticks(rule: str, zone: str, after: str, expected: str) -> None:
    count = sum(word[0].isdigit() for word in expected.split())
    assert shown(ticks(rule, zone, after, count)) == expected


ENDS = [
    ("a number of times", "FREQ=DAILY;COUNT=3 from 2026-01-30T08:00", "01-30T11:00 01-31T11:00 02-01T11:00"),
    ("a day, which is meant whole", "FREQ=DAILY;UNTIL=20260131 from 2026-01-30T08:00", "01-30T11:00 01-31T11:00"),
    ("a moment by the clock of the zone", "FREQ=DAILY;UNTIL=20260131T080000 from 2026-01-30T08:00", "01-30T11:00 01-31T11:00"),
    ("a moment before that day's time", "FREQ=DAILY;UNTIL=20260131T075959 from 2026-01-30T08:00", "01-30T11:00"),
    ("a moment in UTC", "FREQ=DAILY;UNTIL=20260131T110000Z from 2026-01-30T08:00", "01-30T11:00 01-31T11:00"),
    ("a moment in UTC that is earlier", "FREQ=DAILY;UNTIL=20260131T105959Z from 2026-01-30T08:00", "01-30T11:00"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "expected"), [pytest.param(*rest, id=name) for name, *rest in ENDS])
def test_a_rule_ends_after(rule: str, expected: str) -> None:
    assert shown(ticks(rule, "America/Sao_Paulo", "2025-01-01T00:00Z", 9)) == expected
    assert ticks(rule, "America/Sao_Paulo", "2026-02-03T00:00Z", 9) == []


def test_a_tick_knows_what_the_schedule_says() -> None:
    (tick,) = ticks("30 2 * * *", NEW_YORK, "2026-03-07T12:00Z", 1)
    assert (tick.at, tick.wall) == (datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 3, 8, 2, 30))


def test_it_is_found_at_once_however_long_ago_a_rule_began() -> None:
    long_ago = schedule(rrule="FREQ=MINUTELY;INTERVAL=7", start="1970-01-01T00:00")
    found = list(islice(long_ago.ticks(datetime(2026, 1, 1, tzinfo=UTC)), 3))
    assert [(tick.at - datetime(1970, 1, 1, tzinfo=UTC)) % timedelta(minutes=7) for tick in found] == [timedelta()] * 3


@settings(max_examples=60, deadline=None)
@given(
    rule=st.sampled_from(["30 1 * * *", "*/20 * * * *", "*/20 1-3 * * *", "0 */2 * * *", "15,45 2 * * SUN", "FREQ=HOURLY;INTERVAL=5 from 2026-01-01T02:30"]),
    zone=st.sampled_from([NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca", "Asia/Kolkata"]),
    after=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
)  # fmt: skip
def test_a_tick_shows_its_own_time_unless_clocks_skip_it(rule: str, zone: str, after: datetime) -> None:
    for tick in islice(schedule(zone, **when(rule)).ticks(after), 40):
        local = tick.at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
        assert local > tick.wall if tick.clocks == "gap" else local == tick.wall


numbers = st.lists(st.integers(1, 12), min_size=1, max_size=3).map(lambda found: ",".join(map(str, found)))


@settings(max_examples=60, deadline=None)
@given(
    fields=st.tuples(*[st.sampled_from(["*", "*/5", "3-9"]) | numbers for _ in range(4)], st.sampled_from(["*", "MON-FRI", "SUN#2", "5L"])),
    after=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)  # fmt: skip
def test_where_clocks_never_change_it_ticks_as_cronsim_says(fields: tuple[str, ...], after: datetime) -> None:
    text = " ".join(fields)
    found = [tick.at for tick in islice(schedule("UTC", cron=text).ticks(after), 5)]
    assert found == list(islice(CronSim(text, after), 5))


# -- events --------------------------------------------------------------------------------------------------------


def test_an_event_is_derived_from_its_tick() -> None:
    made = schedule(
        "America/Sao_Paulo",
        cron="0 22 * * *",
        subject='"day " ~ tick.date',
        data={"at": "tick.time", "local": "tick.local", "day": "tick.date", "kind": '"daily"', "n": 7, "tags": ["tick.date", None]},
    )  # fmt: skip
    draft = made.event(datetime(2026, 11, 25, 1, tzinfo=UTC))
    assert (draft.source, draft.id, draft.type) == ("here", "2026-11-25T01:00:00Z", "report.due")
    assert draft.time == datetime(2026, 11, 25, 1, tzinfo=UTC)
    assert draft.subject == "day 2026-11-24"
    assert draft.data == {
        "at": "2026-11-25T01:00:00Z",
        "local": "2026-11-24T22:00:00-03:00",
        "day": "2026-11-24",
        "kind": "daily",
        "n": 7,
        "tags": ["2026-11-24", None],
    }


@pytest.mark.parametrize(
    ("data", "expected"), [({}, {}), ("tick.date", "2026-11-25"), (7, 7), (None, None)], ids=["nothing", "an expression", "a number", "null"]
)  # fmt: skip
def test_data_may_be(data: Any, expected: Any) -> None:
    assert schedule(cron="0 1 * * *", data=data).event(datetime(2026, 11, 25, 1, tzinfo=UTC)).data == expected


@pytest.mark.parametrize("subject", ['""', "true", '"a\\nb"'], ids=["empty", "no text", "a line end"])
def test_a_subject_that_is_none_is_refused(subject: str) -> None:
    with pytest.raises(BadPayload, match="subject"):
        schedule(cron="0 1 * * *", subject=subject).event(datetime(2026, 11, 25, 1, tzinfo=UTC))


# -- what is wrong -------------------------------------------------------------------------------------------------

START = {"start": "2026-01-30T08:00"}
FAULTS = [
    ("nothing says when", {}, "", 1, "one-of", "nothing says"),
    ("both say when", {"cron": "0 8 * * *", "rrule": "FREQ=DAILY", **START}, "rrule", 1, "one-of", "both"),
    ("too few fields", {"cron": "0 8 * *"}, "cron", 1, "bad-cron", "not 4"),
    ("a nickname", {"cron": "@daily"}, "cron", 1, "bad-cron", "5 fields"),
    ("an hour too late", {"cron": "0 25 * * *"}, "cron", 3, "bad-cron", "25 is no hour"),
    ("a second too many", {"cron": "60 0 8 * * *"}, "cron", 1, "bad-cron", "60 is no second"),
    ("a minute before two blanks", {"cron": "  x  8 * * *"}, "cron", 3, "bad-cron", "x is no minute"),
    ("a weekday that is none", {"cron": "0 8 * * MON-FRY"}, "cron", 9, "bad-cron", "MON-FRY is no day-of-week"),
    ("a day that is none", {"cron": "0 8 32 * *"}, "cron", 5, "bad-cron", "32 is no day-of-month"),
    ("a day that no such month has", {"cron": "0 8 30 2 *"}, "cron", 5, "never-fires", "no such day"),
    ("start beside cron", {"cron": "0 8 * * *", **START}, "start", 1, "one-of", "rrule alone"),
    ("no start", {"rrule": "FREQ=DAILY"}, "", 1, "missing-key", "start"),
    ("a start without a time", {"rrule": "FREQ=DAILY", "start": "2026-01-30"}, "start", 1, "bad-date", "2026-01-30"),
    ("a start with an offset", {"rrule": "FREQ=DAILY", "start": "2026-01-30T08:00Z"}, "start", 1, "bad-date", "start"),
    ("a start on no day", {"rrule": "FREQ=DAILY", "start": "2026-02-30T08:00"}, "start", 1, "bad-date", "2026-02-30"),
    ("no FREQ", {"rrule": "BYDAY=MO", **START}, "rrule", 1, "bad-rrule", "FREQ is missing"),
    ("nothing at all", {"rrule": "", **START}, "rrule", 1, "bad-rrule", "FREQ is missing"),
    ("a FREQ that is none", {"rrule": "FREQ=DAYLY", **START}, "rrule", 1, "bad-rrule", "DAYLY"),
    ("too fine", {"rrule": "FREQ=SECONDLY", **START}, "rrule", 1, "bad-rrule", "finer"),
    ("a part that is none", {"rrule": "FREQ=DAILY;BYDAI=MO", **START}, "rrule", 12, "bad-rrule", "BYDAI"),
    ("after the name, too", {"rrule": "RRULE:FREQ=DAILY;BYDAI=MO", **START}, "rrule", 18, "bad-rrule", "BYDAI"),
    ("a part without a value", {"rrule": "FREQ=DAILY;BYDAY", **START}, "rrule", 12, "bad-rrule", "no value"),
    ("a part twice", {"rrule": "FREQ=DAILY;BYDAY=MO;BYDAY=TU", **START}, "rrule", 21, "bad-rrule", "twice"),
    ("a step of nothing", {"rrule": "FREQ=DAILY;INTERVAL=0", **START}, "rrule", 12, "bad-rrule", "INTERVAL cannot be 0"),
    ("two steps", {"rrule": "FREQ=DAILY;INTERVAL=1,2", **START}, "rrule", 12, "bad-rrule", "one number"),
    ("a number that is none", {"rrule": "FREQ=DAILY;BYHOUR=8,x", **START}, "rrule", 12, "bad-rrule", "BYHOUR cannot be X"),
    ("the zeroth day", {"rrule": "FREQ=MONTHLY;BYMONTHDAY=0", **START}, "rrule", 14, "bad-rrule", "without 0"),
    ("a 13th month", {"rrule": "FREQ=YEARLY;BYMONTH=13", **START}, "rrule", 13, "bad-rrule", "BYMONTH cannot be 13"),
    ("a day of the week that is none", {"rrule": "FREQ=WEEKLY;BYDAY=MON", **START}, "rrule", 13, "bad-rrule", "MON is no BYDAY"),
    ("the second Friday of a week", {"rrule": "FREQ=WEEKLY;BYDAY=2FR", **START}, "rrule", 13, "bad-rrule", "counts weekdays"),
    ("a month's day in weeks", {"rrule": "FREQ=WEEKLY;BYMONTHDAY=1", **START}, "rrule", 13, "bad-rrule", "does not go with"),
    ("nothing to pick from", {"rrule": "FREQ=MONTHLY;BYSETPOS=1", **START}, "rrule", 14, "bad-rrule", "nothing to pick"),
    ("a week that begins on no day", {"rrule": "FREQ=WEEKLY;WKST=X", **START}, "rrule", 13, "bad-rrule", "X is no WKST"),
    ("two ends", {"rrule": "FREQ=DAILY;COUNT=2;UNTIL=20270101", **START}, "rrule", 20, "bad-rrule", "exclude each other"),
    ("an end that is none", {"rrule": "FREQ=DAILY;UNTIL=20270231", **START}, "rrule", 12, "bad-rrule", "20270231 is no UNTIL"),
    ("an end before the start", {"rrule": "FREQ=DAILY;UNTIL=20200101", **START}, "rrule", 1, "never-fires", "no time at all"),
    ("a day that never comes", {"rrule": "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30", **START}, "rrule", 1, "never-fires", "no time"),
    ("a weekday that its steps miss", {"rrule": "FREQ=DAILY;INTERVAL=7;BYDAY=TU", **START}, "rrule", 1, "never-fires", "no time"),
    ("an hour that its steps miss", {"rrule": "FREQ=HOURLY;INTERVAL=24;BYHOUR=9", **START}, "rrule", 1, "never-fires", "no time"),
    ("a zone that is none", {"cron": "0 8 * * *", "zone": "Sao_Paulo"}, "zone", 1, "bad-time-zone", "Sao_Paulo"),
    ("a zone that is a folder", {"cron": "0 8 * * *", "zone": "America"}, "zone", 1, "bad-time-zone", "America"),
    ("data that do not parse", {"cron": "0 8 * * *", "data": {"a": "tick."}}, "data.a", 6, "bad-expression", "unexpected"),
    ("data of a call", {"cron": "0 8 * * *", "data": "body.x"}, "data", 1, "bad-expression", "body"),
    ("a subject of nothing", {"cron": "0 8 * * *", "subject": "event.id"}, "subject", 1, "bad-expression", "event"),
]  # fmt: skip


def faults(settings: dict[str, Any]) -> tuple[SettingFault, ...]:
    with pytest.raises(SettingsFaulty) as refusal:
        schedule(**settings)
    return refusal.value.faults


@pytest.mark.parametrize(("given_settings", "place", "column", "code", "words"), [pytest.param(*rest, id=name) for name, *rest in FAULTS])  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(
    given_settings: dict[str, Any], place: str, column: int, code: str, words: str
) -> None:
    (fault,) = faults(given_settings)
    assert (".".join(map(str, fault.path)), fault.line, fault.column, fault.code) == (place, 1, column, code)
    assert words in f"{fault.message}; {fault.hint}"


def test_all_that_is_wrong_is_told() -> None:
    found = faults({"cron": "0 25 * * *", "zone": "Mars", "subject": "x", "data": ["y"]})
    assert {fault.path for fault in found} == {("cron",), ("zone",), ("subject",), ("data", 0)}


characters = st.sampled_from([*"0123456789*/,-#L W", "MON", "FRI", "JAN", "LW", "²", "\t"])
pieces = st.sampled_from(
    ["FREQ=", "YEARLY", "DAILY", "HOURLY", ";", "BYDAY=", "-1FR", "MO", ",", "BYHOUR=", "INTERVAL=", "7", "99999", "-", "=", "UNTIL=20261231", "COUNT=2", " "]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(text=st.lists(characters, max_size=14).map("".join) | st.text(max_size=12))
def test_any_cron_expression_compiles_or_is_refused(text: str) -> None:
    with suppress(SettingsFaulty):
        next(schedule(cron=text).ticks(datetime(2026, 1, 1, tzinfo=UTC)))


@settings(max_examples=150, deadline=None)
@given(text=st.lists(pieces, max_size=12).map("".join) | st.text(max_size=12))
def test_any_rule_compiles_or_is_refused(text: str) -> None:
    with suppress(SettingsFaulty):
        next(schedule(rrule=text, start="2026-01-01T08:00").ticks(datetime(2026, 1, 1, tzinfo=UTC)), None)
