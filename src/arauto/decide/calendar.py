"""calendar: wall clocks, weekdays and business days, and when they come in UTC.

One rule holds wherever clocks change: a wall-clock time that does not exist, because clocks go forward over it, is
the first instant after the gap; a time that comes twice, because clocks go back, is its first coming. Instants are
aware datetimes in UTC, zones are IANA names; a name that the IANA database does not have raises LanguageError.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from arauto.errors import LanguageError
from arauto.model import JSON, Context, QuietHours

DAY = timedelta(days=1)
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
WEEKDAYS = (0, 1, 2, 3, 4)

_NAMES = {name: (number,) for number, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}
_WORDS = {**_NAMES, "weekdays": WEEKDAYS, "weekend": (5, 6)}
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_SECOND = timedelta(seconds=1)
_FURTHEST = 3660
"""Days that ``next_time`` looks ahead."""


# -- words ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=2048)
def parse_time(text: str) -> time:
    """``09:00`` as a time of day. Raises ValueError."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no time of day; write hours and minutes, such as 09:00 or 22:30")
    return time(int(match[1]), int(match[2]))


def parse_days(written: JSON) -> tuple[int, ...]:
    """A word for days (``mon`` … ``sun``, ``weekdays``, ``weekend``) or a list of them, as weekdays; Monday is 0.
    Raises ValueError."""
    words = written if isinstance(written, list) else [written]
    if not words:
        raise ValueError(f"no day is given; {_ALLOWED_DAYS}")
    for word in words:
        if not isinstance(word, str) or word not in _WORDS:
            raise ValueError(f"{word!r} is no day; {_ALLOWED_DAYS}")
    return tuple(sorted({day for word in words for day in _WORDS[word]}))


_ALLOWED_DAYS = f"write one of {', '.join(_WORDS)}, or a list of them"


@lru_cache(maxsize=2048)
def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises LanguageError."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise LanguageError(f"{name!r} is no time zone", hint="write an IANA name, such as America/Sao_Paulo") from None


def is_zone(value: JSON) -> bool:
    """Whether a value is the IANA name of a zone."""
    try:
        return isinstance(value, str) and bool(zone_of(value))
    except LanguageError:
        return False


# -- wall clocks ---------------------------------------------------------------------------------------------------


def at_wall_clock(day: date, at: time, zone: str) -> datetime:
    """The instant at which clocks in ``zone`` show this time on this day, by the rule of this module. Raises
    OverflowError for a day at the very end of the calendar."""
    wanted = datetime.combine(day, at.replace(fold=0))
    known = zone_of(zone)
    instant = wanted.replace(tzinfo=known).astimezone(UTC)
    if _shown(instant, known) == wanted:
        return instant
    # A gap: reckoned with the offset after it, the time lies before the change of clocks; with the offset before it,
    # after. The change is where clocks first show more than was wanted.
    low = wanted.replace(tzinfo=known, fold=1).astimezone(UTC).replace(microsecond=0)
    high = instant.replace(microsecond=0) + _SECOND
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        low, high = (low, middle) if _shown(middle, known) > wanted else (middle, high)
    return high


def _shown(instant: datetime, zone: ZoneInfo) -> datetime:
    """What clocks show at an instant."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def next_time(
    after: datetime,
    at: time,
    zone: str,
    *,
    days: Collection[int] = EVERY_DAY,
    business: bool = False,
    holidays: Collection[date] = (),
) -> datetime:
    """The first instant after ``after`` at which clocks in ``zone`` show this time on one of these weekdays; with
    ``business``, on a business day. Raises LanguageError where there is no such day within ten years."""
    first = after.astimezone(zone_of(zone)).date()
    for offset in range(_FURTHEST):
        day = first + offset * DAY
        if day.weekday() not in days or (business and not is_business_day(day, holidays)):
            continue
        instant = at_wall_clock(day, at, zone)
        if instant > after:
            return instant
    raise LanguageError("there is no such day in the next ten years", hint="see the days and the project's holidays")


# -- business days -------------------------------------------------------------------------------------------------


def is_business_day(day: date, holidays: Collection[date]) -> bool:
    """Whether the day is one from Monday to Friday and no holiday."""
    return day.weekday() in WEEKDAYS and day not in holidays


def add_business_days(day: date, count: int, holidays: Collection[date]) -> date:
    """The ``count``-th business day after ``day``, which need not be one itself. Raises LanguageError where there are
    not so many within ten years of each other."""
    for _ in range(count):
        for ahead in range(1, _FURTHEST):
            if is_business_day(day + ahead * DAY, holidays):
                day += ahead * DAY
                break
        else:
            raise LanguageError("there is no business day in the next ten years", hint="see the project's holidays")
    return day


# -- quiet hours ---------------------------------------------------------------------------------------------------


def quiet_until(quiet: QuietHours, zone: str, now: datetime) -> datetime | None:
    """When the quiet that ``now`` lies in ends; None when it is not quiet now.

    Spans that touch or overlap are one. Only where every minute of the week is quiet there is no real end: then it
    is the end of the span that began last, at which the answer is the next one, a day later.
    """
    start, end = parse_time(quiet.start), parse_time(quiet.end)
    next_day = DAY if end <= start else timedelta()
    endless = start == end and set(quiet.days).issuperset(EVERY_DAY)
    today = now.astimezone(zone_of(zone)).date()
    until: datetime | None = None
    # What now lies in began yesterday or today; or, by the date, tomorrow: clocks that go back over midnight make it
    # yesterday again. From there on, no quiet but the endless is longer than a week.
    for offset in range(-1, 9):
        day = today + offset * DAY
        if day.weekday() not in quiet.days:
            continue
        ends = at_wall_clock(day + next_day, end, zone)
        if ends <= (until or now):
            continue
        if at_wall_clock(day, start, zone) > (until or now):
            break
        if endless:
            return ends
        until = ends
    return until


# -- what steps see ------------------------------------------------------------------------------------------------


def project_holidays(context: Context) -> frozenset[date]:
    """The holidays of the project that a context tells of."""
    return _dates(tuple(context["project"]["holidays"]))


@lru_cache(maxsize=64)
def _dates(texts: tuple[str, ...]) -> frozenset[date]:
    return frozenset(date.fromisoformat(text) for text in texts)


def shown_time(instant: datetime, zone: str) -> str:
    """An instant as a reason shows it: what clocks in the zone show, with the offset from UTC."""
    return instant.astimezone(zone_of(zone)).isoformat(timespec="seconds")
