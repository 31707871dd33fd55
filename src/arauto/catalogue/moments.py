"""The times of test cases: after the beginning, by the clock, or whole."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from arauto.catalogue import values
from arauto.decide.calendar import at_wall_clock, parse_time, zone_of

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
_WHOLE = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(Z|[+-]\d\d:\d\d)?")
_CLOCK = re.compile(r"(\d\d:\d\d)(:\d\d)?")
_YEARS = range(1970, 3000)


def moment_of(text: str, start: datetime | None, before: datetime | None, zone: str) -> tuple[datetime, timedelta]:
    """The moment, and how exactly it is written. A time of day is the first one not before ``before``; without
    ``start`` and ``before``, only whole times are allowed. Raises Refused."""
    moment, exact = _read(text, start, before, zone)
    if moment.year not in _YEARS:
        raise values.Refused("bad-moment", f"{text} is in the year {moment.year}", "write one from 1970 to 2999")
    return moment, exact


def _read(text: str, start: datetime | None, before: datetime | None, zone: str) -> tuple[datetime, timedelta]:
    if start is not None and before is not None:
        if text.startswith("+"):
            return start + values.duration(text[1:]), SECOND  # ten years at most
        if clock := _CLOCK.fullmatch(text):
            seconds = timedelta(seconds=int((clock[2] or ":0")[1:]))
            exact = SECOND if clock[2] else MINUTE
            at = values.time_of_day(clock[1])
            first = before.astimezone(zone_of(zone)).date()
            today, tomorrow = (at_wall_clock(day, at, zone) + seconds for day in (first, first + DAY))
            return (today if today >= before else tomorrow), exact
    whole = _WHOLE.fullmatch(text)
    try:
        if whole is not None and whole[4]:
            moment = datetime.fromisoformat(text.replace(" ", "T")).astimezone(UTC)
            return moment, SECOND if whole[3] else MINUTE
        if whole is not None:
            day = date.fromisoformat(whole[1])
            seconds = timedelta(seconds=int((whole[3] or ":0")[1:]))
            return at_wall_clock(day, parse_time(whole[2]), zone) + seconds, SECOND if whole[3] else MINUTE
    except (ValueError, OverflowError):
        pass
    allowed = "a whole time, such as 2026-03-02T09:00"
    if start is not None:
        allowed = f"+1h30m after the beginning, a time of day such as 10:00, or {allowed}"
    raise values.Refused("bad-moment", f"{text!r} is no time", f"write {allowed}")
