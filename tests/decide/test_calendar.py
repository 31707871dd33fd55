"""calendar: wall clocks in every kind of zone, over changes of clocks, leap days and year ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arauto.decide.calendar import (
    DAY,
    EVERY_DAY,
    WEEKDAYS,
    add_business_days,
    at_wall_clock,
    is_business_day,
    next_time,
    parse_days,
    parse_time,
    quiet_until,
    shown_time,
)
from arauto.errors import LanguageError
from arauto.model import QuietHours

NEW_YORK, LISBON, SAO_PAULO = "America/New_York", "Europe/Lisbon", "America/Sao_Paulo"
CAIRO, LORD_HOWE, APIA, ST_JOHNS = "Africa/Cairo", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns"
KIRITIMATI, WEST_OF_ALL, KOLKATA, KATHMANDU = "Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kolkata", "Asia/Kathmandu"


def utc(text: str) -> datetime:
    """``2026-03-08 07:00`` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# -- one wall-clock time -------------------------------------------------------------------------------------------

CLOCKS = [
    ("an ordinary day", SAO_PAULO, "2026-07-01 09:00", "2026-07-01 12:00"),
    ("the minute before the gap", NEW_YORK, "2026-03-08 01:59", "2026-03-08 06:59"),
    ("the first minute of the gap", NEW_YORK, "2026-03-08 02:00", "2026-03-08 07:00"),
    ("within the gap: right after it", NEW_YORK, "2026-03-08 02:30", "2026-03-08 07:00"),
    ("the last minute of the gap", NEW_YORK, "2026-03-08 02:59", "2026-03-08 07:00"),
    ("the first minute after the gap", NEW_YORK, "2026-03-08 03:00", "2026-03-08 07:00"),
    ("the minute before what repeats", NEW_YORK, "2026-11-01 00:59", "2026-11-01 04:59"),
    ("what repeats: the first time", NEW_YORK, "2026-11-01 01:30", "2026-11-01 05:30"),
    ("after what repeats", NEW_YORK, "2026-11-01 02:00", "2026-11-01 07:00"),
    ("a gap at one in the morning", LISBON, "2026-03-29 01:30", "2026-03-29 01:00"),
    ("what repeats at one in the morning", LISBON, "2026-10-25 01:30", "2026-10-25 00:30"),
    ("a gap at midnight", SAO_PAULO, "2018-11-04 00:00", "2018-11-04 03:00"),
    ("after a gap at midnight", SAO_PAULO, "2018-11-04 00:59", "2018-11-04 03:00"),
    ("an hour before midnight that repeats", SAO_PAULO, "2018-02-17 23:30", "2018-02-18 01:30"),
    ("a midnight gap in Cairo", CAIRO, "2024-04-26 00:15", "2024-04-25 22:00"),
    ("a gap of half an hour", LORD_HOWE, "2026-10-04 02:15", "2026-10-03 15:30"),
    ("after a gap of half an hour", LORD_HOWE, "2026-10-04 02:30", "2026-10-03 15:30"),
    ("half an hour that repeats", LORD_HOWE, "2026-04-05 01:45", "2026-04-04 14:45"),
    ("a day that was left out", APIA, "2011-12-30 09:00", "2011-12-30 10:00"),
    ("clocks that go back over midnight", ST_JOHNS, "2010-11-06 23:30", "2010-11-07 02:00"),
    ("fourteen hours ahead", KIRITIMATI, "2026-01-01 00:00", "2025-12-31 10:00"),
    ("twelve hours behind", WEST_OF_ALL, "2025-12-31 23:59", "2026-01-01 11:59"),
    ("five hours and a half", KOLKATA, "2026-06-01 09:00", "2026-06-01 03:30"),
    ("five hours and three quarters", KATHMANDU, "2026-06-01 09:00", "2026-06-01 03:15"),
    ("a leap day", LISBON, "2028-02-29 09:00", "2028-02-29 09:00"),
]


@pytest.mark.parametrize(("zone", "local", "instant"), [pytest.param(*case, id=name) for name, *case in CLOCKS])
def test_the_instant_of_a_wall_clock_time(zone: str, local: str, instant: str) -> None:
    wanted = datetime.fromisoformat(local)
    found = at_wall_clock(wanted.date(), wanted.time(), zone)
    assert found == utc(instant)
    assert found.tzinfo is UTC


def test_which_of_two_comings_a_time_says_of_itself_does_not_count() -> None:
    assert at_wall_clock(date(2026, 11, 1), time(1, 30, fold=1), NEW_YORK) == utc("2026-11-01 05:30")


# -- the next time -------------------------------------------------------------------------------------------------

HOLIDAYS = frozenset({date(2026, 12, 25), date(2027, 1, 1)})
NEXT = [
    ("later today", SAO_PAULO, "2026-07-01 11:59", "09:00", {}, "2026-07-01 12:00"),
    ("at the very moment: tomorrow", SAO_PAULO, "2026-07-01 12:00", "09:00", {}, "2026-07-02 12:00"),
    ("today's has passed", SAO_PAULO, "2026-07-01 12:01", "09:00", {}, "2026-07-02 12:00"),
    ("over the change to summer time", NEW_YORK, "2026-03-07 14:00", "09:00", {}, "2026-03-08 13:00"),
    ("over the change to winter time", NEW_YORK, "2026-10-31 13:00", "09:00", {}, "2026-11-01 14:00"),
    ("into the gap", NEW_YORK, "2026-03-08 06:59", "02:30", {}, "2026-03-08 07:00"),
    ("out of the gap", NEW_YORK, "2026-03-08 07:00", "02:30", {}, "2026-03-09 06:30"),
    ("what repeats comes once", NEW_YORK, "2026-11-01 05:30", "01:30", {}, "2026-11-02 06:30"),
    ("between its two comings", NEW_YORK, "2026-11-01 05:45", "01:30", {}, "2026-11-02 06:30"),
    ("while it repeats", NEW_YORK, "2026-11-01 06:15", "01:45", {}, "2026-11-02 06:45"),
    ("midnight in a midnight gap", SAO_PAULO, "2018-11-04 02:59", "00:00", {}, "2018-11-04 03:00"),
    ("before midnight, in a day that was left out", APIA, "2011-12-30 09:59", "23:30", {}, "2011-12-30 10:00"),
    ("the half hour that is left out", LORD_HOWE, "2026-10-03 15:00", "02:10", {}, "2026-10-03 15:30"),
    ("a weekday", SAO_PAULO, "2026-07-01 12:00", "09:00", {"days": (0,)}, "2026-07-06 12:00"),
    ("the weekday is that of the zone", KIRITIMATI, "2026-07-05 09:59", "00:00", {"days": (0,)}, "2026-07-05 10:00"),
    (
        "the weekday on the other side of the world",
        WEST_OF_ALL,
        "2026-07-06 11:00",
        "23:30",
        {"days": (6,)},
        "2026-07-06 11:30",
    ),
    ("after Friday comes Monday", SAO_PAULO, "2026-07-03 12:00", "09:00", {"days": WEEKDAYS}, "2026-07-06 12:00"),
    (
        "a business day after Christmas",
        SAO_PAULO,
        "2026-12-24 12:00",
        "09:00",
        {"business": True, "holidays": HOLIDAYS},
        "2026-12-28 12:00",
    ),
    (
        "a business day after the year's end",
        SAO_PAULO,
        "2026-12-31 12:00",
        "09:00",
        {"business": True, "holidays": HOLIDAYS},
        "2027-01-04 12:00",
    ),
    (
        "a holiday is only left out for business",
        SAO_PAULO,
        "2026-12-24 12:00",
        "09:00",
        {"holidays": HOLIDAYS},
        "2026-12-25 12:00",
    ),
    ("the year's end", KIRITIMATI, "2026-12-30 10:00", "00:00", {}, "2026-12-31 10:00"),
    ("a leap day", LISBON, "2028-02-28 09:00", "09:00", {}, "2028-02-29 09:00"),
    ("no leap day", LISBON, "2027-02-28 09:00", "09:00", {}, "2027-03-01 09:00"),
    ("half an hour off", KOLKATA, "2026-06-01 03:29", "09:00", {}, "2026-06-01 03:30"),
]


@pytest.mark.parametrize(
    ("zone", "after", "at", "which", "instant"), [pytest.param(*case, id=name) for name, *case in NEXT]
)
def test_the_next_time(zone: str, after: str, at: str, which: dict[str, Any], instant: str) -> None:
    assert next_time(utc(after), parse_time(at), zone, **which) == utc(instant)


def test_a_day_that_never_comes_is_told() -> None:
    with pytest.raises(LanguageError, match="no such day"):
        next_time(utc("2026-07-01 12:00"), time(9), LISBON, days=(5, 6), business=True)


def test_a_zone_that_there_is_not_is_told() -> None:
    for name in ("Europe/Lisboa", "", "../etc", "America", "a\0b"):
        with pytest.raises(LanguageError, match="is no time zone"):
            next_time(utc("2026-07-01 12:00"), time(9), name)


# -- business days -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        pytest.param("2026-07-01", 1, "2026-07-02", id="within a week"),
        pytest.param("2026-07-03", 1, "2026-07-06", id="over a weekend"),
        pytest.param("2026-07-04", 1, "2026-07-06", id="from a Saturday"),
        pytest.param("2026-07-03", 6, "2026-07-13", id="over two weekends"),
        pytest.param("2026-12-24", 1, "2026-12-28", id="over a holiday and a weekend"),
        pytest.param("2026-12-31", 2, "2027-01-05", id="over a year's end"),
        pytest.param("2028-02-28", 2, "2028-03-01", id="over a leap day"),
    ],
)
def test_business_days_are_added(day: str, count: int, expected: str) -> None:
    assert add_business_days(date.fromisoformat(day), count, HOLIDAYS) == date.fromisoformat(expected)


def test_a_project_that_always_has_holidays_is_told() -> None:
    always = frozenset(date(2026, 1, 1) + number * DAY for number in range(3700))
    with pytest.raises(LanguageError, match="no business day"):
        add_business_days(date(2026, 1, 1), 1, always)


# -- quiet hours ---------------------------------------------------------------------------------------------------

NIGHT = QuietHours(start="22:00", end="07:00")
QUIET = [
    ("before it begins", NIGHT, LISBON, "2026-01-15 21:59", None),
    ("as it begins", NIGHT, LISBON, "2026-01-15 22:00", "2026-01-16 07:00"),
    ("after midnight", NIGHT, LISBON, "2026-01-16 03:00", "2026-01-16 07:00"),
    ("the last moment", NIGHT, LISBON, "2026-01-16 06:59", "2026-01-16 07:00"),
    ("as it ends", NIGHT, LISBON, "2026-01-16 07:00", None),
    ("over the year's end", NIGHT, KIRITIMATI, "2026-12-31 09:30", "2026-12-31 17:00"),
    ("in the night of the gap", NIGHT, NEW_YORK, "2026-03-08 04:00", "2026-03-08 11:00"),
    ("in the night that is longer", NIGHT, NEW_YORK, "2026-11-01 06:30", "2026-11-01 12:00"),
    ("within a day", QuietHours(start="12:00", end="14:00"), LISBON, "2026-01-15 13:00", "2026-01-15 14:00"),
    ("an end in the gap", QuietHours(start="22:00", end="02:30"), NEW_YORK, "2026-03-08 06:30", "2026-03-08 07:00"),
    (
        "a beginning in the gap",
        QuietHours(start="02:30", end="05:00"),
        NEW_YORK,
        "2026-03-08 07:00",
        "2026-03-08 09:00",
    ),
    ("all of it in the gap", QuietHours(start="02:10", end="02:50"), NEW_YORK, "2026-03-08 07:00", None),
    ("an end that repeats is the first", QuietHours(start="22:00", end="01:30"), NEW_YORK, "2026-11-01 06:00", None),
    (
        "a beginning that repeats is the first",
        QuietHours(start="01:30", end="05:00"),
        NEW_YORK,
        "2026-11-01 05:30",
        "2026-11-01 10:00",
    ),
    (
        "clocks that go back over midnight",
        QuietHours(start="00:00", end="06:00"),
        ST_JOHNS,
        "2010-11-07 02:45",
        "2010-11-07 09:30",
    ),
    (
        "begins on weekdays: Saturday's morning is Friday's",
        QuietHours(start="22:00", end="07:00", days=WEEKDAYS),
        LISBON,
        "2026-01-17 06:00",
        "2026-01-17 07:00",
    ),
    (
        "begins on weekdays: Saturday's evening is not quiet",
        QuietHours(start="22:00", end="07:00", days=WEEKDAYS),
        LISBON,
        "2026-01-17 23:00",
        None,
    ),
    (
        "begins on weekdays: Monday's morning is Sunday's",
        QuietHours(start="22:00", end="07:00", days=WEEKDAYS),
        LISBON,
        "2026-01-19 06:00",
        None,
    ),
    ("a whole day", QuietHours(start="00:00", end="00:00", days=(6,)), LISBON, "2026-01-18 10:00", "2026-01-19 00:00"),
    (
        "whole days that touch: to the end of the last",
        QuietHours(start="00:00", end="00:00", days=(5, 6)),
        LISBON,
        "2026-01-17 10:00",
        "2026-01-19 00:00",
    ),
    (
        "from midday to midday on three days",
        QuietHours(start="12:00", end="12:00", days=(4, 5, 6)),
        LISBON,
        "2026-01-16 13:00",
        "2026-01-19 12:00",
    ),
    (
        "six whole days of seven",
        QuietHours(start="09:00", end="09:00", days=(0, 1, 2, 3, 4, 5)),
        LISBON,
        "2026-01-19 09:00",
        "2026-01-25 09:00",
    ),
    ("on no day", QuietHours(start="09:00", end="10:00", days=()), LISBON, "2026-01-19 09:30", None),
    (
        "every minute of the week: the next end",
        QuietHours(start="09:00", end="09:00"),
        LISBON,
        "2026-01-15 10:00",
        "2026-01-16 09:00",
    ),
    (
        "every minute of the week: and the one after",
        QuietHours(start="09:00", end="09:00"),
        LISBON,
        "2026-01-16 09:00",
        "2026-01-17 09:00",
    ),
    ("the night of a day that was left out is one", NIGHT, APIA, "2011-12-30 09:30", "2011-12-30 17:00"),
]


@pytest.mark.parametrize(("quiet", "zone", "now", "until"), [pytest.param(*case, id=name) for name, *case in QUIET])
def test_when_quiet_ends(quiet: QuietHours, zone: str, now: str, until: str | None) -> None:
    assert quiet_until(quiet, zone, utc(now)) == (None if until is None else utc(until))


# -- what holds everywhere -----------------------------------------------------------------------------------------

zones = st.sampled_from(
    [NEW_YORK, LISBON, SAO_PAULO, CAIRO, LORD_HOWE, APIA, ST_JOHNS, KIRITIMATI, WEST_OF_ALL, KATHMANDU, "UTC"]
)
times = st.times(max_value=time(23, 59)).map(lambda at: at.replace(second=0, microsecond=0))
hours = times.map(lambda at: f"{at:%H:%M}")
some_days = st.sets(st.sampled_from(EVERY_DAY), min_size=1).map(lambda days: tuple(sorted(days)))
CHANGES = [utc(case[3]) for case in CLOCKS]
instants = st.one_of(
    st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),
    st.builds(
        lambda change, minutes: change + timedelta(minutes=minutes),
        st.sampled_from(CHANGES),
        st.integers(-2000, 2000),
    ),
)


def clocks(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


@given(instants, times, zones, some_days)
def test_a_next_time_is_after_and_shows_what_was_asked_or_stands_right_after_a_gap(
    after: datetime, at: time, zone: str, days: tuple[int, ...]
) -> None:
    found = next_time(after, at, zone, days=days)
    assert found > after
    shown = clocks(found, zone)
    if shown.time() == at and shown.weekday() in days:
        earlier = found - timedelta(hours=1), found - timedelta(minutes=30)
        assert not any(clocks(each, zone) == shown for each in earlier), "it came before"
    else:
        just_before = clocks(found - timedelta(microseconds=1), zone)
        skipped = [datetime.combine(just_before.date() + offset * DAY, at) for offset in (0, 1)]
        assert any(just_before < each < shown and each.weekday() in days for each in skipped)


@given(instants, times, zones)
def test_no_wall_clock_time_is_passed_over_and_none_comes_twice(after: datetime, at: time, zone: str) -> None:
    first = next_time(after, at, zone)
    second = next_time(first, at, zone)
    assert timedelta() < first - after <= timedelta(hours=49)
    assert clocks(second, zone).date() > clocks(first, zone).date() or clocks(first, zone).time() != at


@given(
    instants,
    zones,
    st.builds(QuietHours, start=hours, end=hours, days=st.sets(st.sampled_from(EVERY_DAY)).map(tuple)),
)
def test_quiet_ends_later_and_then_it_is_not_quiet(now: datetime, zone: str, quiet: QuietHours) -> None:
    until = quiet_until(quiet, zone, now)
    if until is None:
        return
    assert until > now
    between = now + (until - now) / 2
    assert quiet_until(quiet, zone, between) == until or quiet.start == quiet.end
    if quiet.start != quiet.end or len(quiet.days) < 7:
        assert quiet_until(quiet, zone, until) is None


@given(
    st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 30), st.sets(st.dates(date(2000, 1, 1)), max_size=9)
)
def test_between_a_day_and_its_nth_business_day_lie_n_of_them(day: date, count: int, holidays: set[date]) -> None:
    found = add_business_days(day, count, holidays)
    passed = [day + offset * DAY for offset in range(1, (found - day).days + 1)]
    assert sum(is_business_day(each, holidays) for each in passed) == count
    assert is_business_day(found, holidays)


# -- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("mon", (0,)),
        ("weekdays", (0, 1, 2, 3, 4)),
        ("weekend", (5, 6)),
        (["sun", "mon", "sun"], (0, 6)),
        (["weekend", "fri"], (4, 5, 6)),
    ],
)
def test_days_are_read(written: Any, days: tuple[int, ...]) -> None:
    assert parse_days(written) == days


@pytest.mark.parametrize("written", ["", "monday", "Mon", "seg", 1, None, [], ["mon", 2], {"mon": 1}, [["mon"]]])
def test_what_is_no_day_is_told(written: Any) -> None:
    with pytest.raises(ValueError, match="write one of mon, tue"):
        parse_days(written)


@pytest.mark.parametrize("text", ["9:00", "09:60", "24:00", "0900", "09:00:00", "", " 09:00", "09:00\n", "٠٩:٠٠"])
def test_what_is_no_time_of_day_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="such as 09:00"):
        parse_time(text)


def test_a_time_is_shown_as_clocks_show_it() -> None:
    assert shown_time(utc("2026-07-01 12:00"), SAO_PAULO) == "2026-07-01T09:00:00-03:00"
