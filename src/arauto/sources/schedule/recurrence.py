"""Recurrence rules of RFC 5545 (RRULE): ``FREQ=MONTHLY;BYDAY=-1FR`` from a start on.

dateutil reckons, with bare wall-clock times, as ``cron`` does. It believes whatever it is given, so that the limits
of the RFC are checked here. Two more are ours, since nothing would stop it when it looks for a time that never comes:
no FREQ is finer than a minute, and BYSETPOS picks from days, weeks, months and years.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil import rrule

from arauto.decide.times import Faulty

_FREQUENCIES = {"YEARLY": 0, "MONTHLY": 1, "WEEKLY": 2, "DAILY": 3, "HOURLY": 4, "MINUTELY": 5}
_STEPS = {"WEEKLY": timedelta(weeks=1), "DAILY": timedelta(days=1)}
_STEPS |= {"HOURLY": timedelta(hours=1), "MINUTELY": timedelta(minutes=1)}
_HOUR = timedelta(hours=1)
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ONE = {"INTERVAL": (1, 9999), "COUNT": (1, 10_000)}
_LISTS = {
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYSETPOS": (-366, 366),
    "BYHOUR": (0, 23),
    "BYMINUTE": (0, 59),
    "BYSECOND": (0, 59),
}
_PARTS = ("FREQ", "UNTIL", "WKST", "BYDAY", *_ONE, *_LISTS)
_ONLY_WITH = {
    "BYWEEKNO": ("YEARLY",),
    "BYYEARDAY": ("YEARLY", "HOURLY", "MINUTELY"),
    "BYMONTHDAY": ("YEARLY", "MONTHLY", "DAILY", "HOURLY", "MINUTELY"),
    "BYSETPOS": ("YEARLY", "MONTHLY", "WEEKLY", "DAILY"),
}
"""The values of FREQ with which a part may stand."""
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"\d{8}(?:T\d{6}Z?)?")
_SECOND = timedelta(seconds=1)


class Recurrence:
    """A compiled recurrence rule."""

    def __init__(self, text: str, start: datetime, zone: ZoneInfo) -> None:
        """``start`` is DTSTART, a wall-clock time in the zone. Raises Faulty, at the column of the part."""
        parts = _parts(text)
        self._frequency = str(parts.pop("FREQ"))
        self._start, self._last = start, _until(parts.pop("UNTIL", None), zone)
        count = parts.pop("COUNT", None)
        self._rule = {name.lower().replace("byday", "byweekday"): value for name, value in parts.items()}
        interval = parts.get("INTERVAL", 1)
        self._step = _STEPS[self._frequency] * interval if self._frequency in _STEPS else None
        self.at_intervals = self._frequency in ("HOURLY", "MINUTELY")
        self.every_hour = self.at_intervals and "BYHOUR" not in parts and self._step is not None and self._step <= _HOUR
        try:
            if self._frequency in ("DAILY", "HOURLY", "MINUTELY"):
                self._find_a_day()
            first = list(islice(self.walls(start - _SECOND), count or 1))
        except (ValueError, OverflowError):  # dateutil sees that hours or minutes exclude each other
            first = []
        if not first:
            raise Faulty("never-fires", "this rule has no time at all", "see its parts, its UNTIL and `start` together")
        if count is not None:
            self._last = first[-1]

    def walls(self, after: datetime) -> Iterator[datetime]:
        """The wall-clock times after this one."""
        start = self._start
        if self._step is not None and after > start:
            # The rule is the same from any of its steps on, and dateutil takes each of them one by one.
            start += max((after - start) // self._step - 1, 0) * self._step
        for wall in self._make(start):
            if self._last is not None and wall > self._last:
                return
            if wall > after:
                yield wall

    def _make(self, start: datetime) -> rrule.rrule:
        return rrule.rrule(_FREQUENCIES[self._frequency], dtstart=start, **{"wkst": 0, **self._rule})  # type: ignore[arg-type]

    def _find_a_day(self) -> None:
        """Of rules that go from day to day, dateutil would look at each day until the year 9999; years are faster.
        Raises ValueError where no day is right."""
        days = {name: self._rule[name] for name in ("bymonth", "bymonthday", "byyearday") if name in self._rule}
        if days and next(iter(rrule.rrule(rrule.YEARLY, dtstart=self._start, **days)), None) is None:
            raise ValueError("no such day")


# -- parts ---------------------------------------------------------------------------------------------------------


def _parts(text: str) -> dict[str, Any]:
    """The parts by name, their values checked and read."""
    offset = len("RRULE:") if text.upper().startswith("RRULE:") else 0
    values: dict[str, str] = {}
    columns: dict[str, int] = {}
    for match in re.finditer(r"[^;]+", text[offset:].rstrip("; ")):
        name, equals, value = match[0].partition("=")
        column = offset + match.start() + 1
        if name.upper().strip() not in _PARTS:
            near = get_close_matches(name.upper(), _PARTS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(_PARTS))}"
            raise Faulty("bad-rrule", f"there is no part {name.strip() or match[0]} in a rule", hint, column)
        name = name.upper().strip()
        if not equals or not value.strip():
            raise Faulty("bad-rrule", f"{name} has no value", "write NAME=VALUE, with ; between", column)
        if name in values:
            raise Faulty("bad-rrule", f"{name} stands twice", "join its values by commas", column)
        values[name], columns[name] = value.upper().strip(), column
    if "FREQ" not in values:
        raise Faulty("bad-rrule", "FREQ is missing", f"one of {', '.join(_FREQUENCIES)}")
    _check_together(values, columns)
    return {name: _value(name, value, columns[name]) for name, value in values.items()}


def _check_together(values: dict[str, str], columns: dict[str, int]) -> None:
    frequency = values["FREQ"]
    if frequency == "SECONDLY":
        hint = 'a cron expression with six fields can do it: `cron: "*/10 * * * * *"`'
        raise Faulty("bad-rrule", "FREQ is finer than a minute", hint, columns["FREQ"])
    if frequency not in _FREQUENCIES:
        near = get_close_matches(frequency, _FREQUENCIES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(_FREQUENCIES)}"
        raise Faulty("bad-rrule", f"{frequency} is no FREQ", hint, columns["FREQ"])
    if "COUNT" in values and "UNTIL" in values:
        raise Faulty("bad-rrule", "COUNT and UNTIL exclude each other", "give one of them", columns["UNTIL"])
    for name, allowed in _ONLY_WITH.items():
        if name in values and frequency not in allowed:
            raise Faulty(
                "bad-rrule",
                f"{name} does not go with FREQ={frequency}",
                f"only with {', '.join(allowed)}",
                columns[name],
            )
    if "BYSETPOS" in values and not any(name.startswith("BY") and name != "BYSETPOS" for name in values):
        raise Faulty("bad-rrule", "BYSETPOS has nothing to pick from", "add a part such as BYDAY", columns["BYSETPOS"])
    counted = any(character.isdigit() for character in values.get("BYDAY", ""))
    if counted and (frequency not in ("YEARLY", "MONTHLY") or "BYWEEKNO" in values):
        hint = "leave the number out, or use FREQ=MONTHLY or FREQ=YEARLY without BYWEEKNO"
        raise Faulty(
            "bad-rrule", f"BYDAY counts weekdays of a month or a year, not of {frequency}", hint, columns["BYDAY"]
        )


def _value(name: str, value: str, column: int) -> Any:
    if name == "FREQ":
        return value
    if name == "WKST":
        if value not in _DAYS:
            raise Faulty("bad-rrule", f"{value} is no WKST", f"one of {', '.join(_DAYS)}", column)
        return _DAYS.index(value)
    if name == "UNTIL":
        return _until_text(value, column)
    if name == "BYDAY":
        return [_weekday(each.strip(), column) for each in value.split(",")]
    low, high = _ONE.get(name) or _LISTS[name]
    numbers = [_number(name, each.strip(), low, high, column) for each in value.split(",")]
    if name in _ONE and len(numbers) > 1:
        raise Faulty("bad-rrule", f"{name} takes one number", None, column)
    return numbers[0] if name in _ONE else numbers


def _number(name: str, text: str, low: int, high: int, column: int) -> int:
    number = int(text) if re.fullmatch(r"[+-]?[0-9]{1,5}", text) else None
    if number is None or not low <= number <= high or (low < 0 and not number):
        allowed = f"from {low} to {high}" + (", without 0" if low < 0 else "")
        raise Faulty("bad-rrule", f"{name} cannot be {text or 'empty'}", f"whole numbers {allowed}", column)
    return number


def _weekday(text: str, column: int) -> rrule.weekday:
    match = _DAY.fullmatch(text)
    count = int(match[1]) if match and match[1] else None
    if match is None or (count is not None and not 1 <= abs(count) <= 53):
        hint = f"{', '.join(_DAYS)}; with a number the second (2FR) or the last (-1FR)"
        raise Faulty("bad-rrule", f"{text or 'nothing'} is no BYDAY", hint, column)
    return rrule.weekday(_DAYS.index(match[2]), count)


def _until_text(value: str, column: int) -> str:
    try:
        if _UNTIL.fullmatch(value):
            datetime.fromisoformat(value)
            return value
    except ValueError:
        pass
    hint = "write 20261231, 20261231T080000 (by the schedule's clock) or 20261231T110000Z"
    raise Faulty("bad-rrule", f"{value} is no UNTIL", hint, column)


def _until(text: str | None, zone: ZoneInfo) -> datetime | None:
    """The last wall-clock time; a day alone is meant whole."""
    if text is None:
        return None
    until = datetime.fromisoformat(text)
    if until.tzinfo is not None:
        return until.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0)
    return until if "T" in text else until.replace(hour=23, minute=59, second=59)
