"""Cron expressions in CronSim's dialect: Debian's cron, with ``L``, ``LW``, ``5L`` and ``FRI#2``, and with seconds
where there are six fields.

CronSim reckons with bare wall-clock times here. What becomes of those when clocks change is no matter of the
language: see ``times``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from cronsim import CronSim, CronSimError

from arauto.decide.times import Faulty

_FIELDS = {
    "second": "0-59",
    "minute": "0-59",
    "hour": "0-23",
    "day-of-month": "1-31, L (the last day) or LW (the last weekday)",
    "month": "1-12 or JAN-DEC",
    "day-of-week": "0-7 or SUN-SAT (0 and 7 are Sunday), 5L (the last Friday) or FRI#2 (the second Friday)",
}
_ANY_DAY = datetime(2000, 1, 1)
_SIX = 6


class Cron:
    """A compiled cron expression."""

    def __init__(self, text: str) -> None:
        """Raises Faulty, at the column of the field that is wrong."""
        self._text = text
        fields = list(re.finditer(r"\S+", text))
        try:
            parsed = CronSim(text, _ANY_DAY)
        except CronSimError as error:
            raise _faulty(str(error), fields) from None
        if next(self.walls(_ANY_DAY), None) is None:
            raise _never(fields)
        # As in Debian's cron: what has a star for the minute or the hour runs at intervals.
        clock = [field[0] for field in fields[: len(fields) - 3]]
        self.at_intervals = any(field.startswith("*") for field in clock)
        self.every_hour = len(parsed.hours) == 24

    def walls(self, after: datetime) -> Iterator[datetime]:
        """The wall-clock times after this one; they end where no day of the next fifty years is right."""
        return CronSim(self._text, after)


def _faulty(said: str, fields: list[re.Match[str]]) -> Faulty:
    name = said.removeprefix("Bad ")
    if name not in _FIELDS:
        hint = 'write minute, hour, day-of-month, month and day-of-week, such as "0 8 * * MON-FRI"'
        return Faulty("bad-cron", f"a cron expression has 5 fields (6 with seconds), not {len(fields)}", hint)
    if name == "day-of-month" and _parses([*(each[0] for each in fields[:-2]), "*", fields[-1][0]]):
        return _never(fields)
    field = fields[list(_FIELDS).index(name) - (_SIX - len(fields))]
    hint = f"allowed: {_FIELDS[name]}; lists such as 1,15, ranges such as 1-5, and steps such as */15"
    return Faulty("bad-cron", f"{field[0]} is no {name}", hint, field.start() + 1)


def _parses(fields: list[str]) -> bool:
    try:
        CronSim(" ".join(fields), _ANY_DAY)
    except CronSimError:
        return False
    return True


def _never(fields: list[re.Match[str]]) -> Faulty:
    hint = "see the day, the month and the weekday together"
    return Faulty("never-fires", "there is no such day in any year", hint, fields[-3].start() + 1)
