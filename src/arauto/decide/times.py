"""times: from wall-clock times to instants: when the ticks of a rule come, also on the days when clocks change; pure.

The rule of the whole product holds: a time that clocks skip comes right after the gap, and one that they show twice
comes once, the first time. For schedules that run at intervals it means less: they go on through the repeated hour,
and where they have a time in every hour, none is made up for those in the gap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct

from arauto.decide.calendar import at_wall_clock

_DAY = timedelta(days=1)


class Tick(Struct, frozen=True):
    """One time of a schedule."""

    at: datetime
    """The instant, in UTC."""
    wall: datetime
    """What the schedule says: a wall-clock time in its zone, without an offset."""
    clocks: Literal["gap", "once", "first", "second"] | None = None
    """Of a time on which clocks change. gap: they skip it, and it comes right after; once: they show it twice, and it
    comes the first time; first, second: they show it twice, and it comes both times."""


class Faulty(Exception):
    """A rule that does not compile: the code of the fault, what is wrong, what to do, and at which column."""

    def __init__(self, code: str, message: str, hint: str | None = None, column: int = 1) -> None:
        self.code, self.message, self.hint, self.column = code, message, hint, column
        super().__init__(message)


class Rule(Protocol):
    """When something happens, told by wall clocks that never change."""

    at_intervals: bool
    """It goes on through an hour that comes twice."""
    every_hour: bool
    """It has a time in each hour (of the days on which it runs at all)."""

    def walls(self, after: datetime) -> Iterator[datetime]:
        """The wall-clock times after this one, in order."""
        ...


def ticks(rule: Rule, zone: str, after: datetime) -> Iterator[Tick]:
    """The ticks after this instant, in order, each instant once."""
    known = ZoneInfo(zone)
    # Of times that come twice, the second ones wait here until those are out that come before them.
    second: deque[Tick] = deque()
    last = after
    for wall in chain(rule.walls(_earliest(after, known)), (None,)):
        first = _first(wall, rule, zone, known, second) if wall else None
        while second and (wall is None or (first and second[0].at < first.at)):
            tick = second.popleft()
            if tick.at > last:
                last = tick.at
                yield tick
        if first and first.at > last:
            last = first.at
            yield first


def _earliest(after: datetime, zone: ZoneInfo) -> datetime:
    """A wall-clock time before all those that come after the instant: clocks that go back show earlier ones again."""
    here, later = after.astimezone(zone), (after + _DAY).astimezone(zone)
    back = (here.utcoffset() or timedelta()) - (later.utcoffset() or timedelta())
    return here.replace(tzinfo=None, fold=0) - max(back, timedelta())


def _first(wall: datetime, rule: Rule, zone: str, known: ZoneInfo, second: deque[Tick]) -> Tick | None:
    """The first coming of a wall-clock time, where it has one; a second one is put with the others."""
    here, other = wall.replace(tzinfo=known), wall.replace(tzinfo=known, fold=1)
    before, after = here.utcoffset(), other.utcoffset()
    assert before is not None
    assert after is not None
    if before == after:
        return Tick(here.astimezone(UTC), wall)
    if before < after:
        return None if rule.every_hour else Tick(at_wall_clock(wall.date(), wall.time(), zone), wall, "gap")
    if rule.at_intervals:
        second.append(Tick(other.astimezone(UTC), wall, "second"))
        return Tick(here.astimezone(UTC), wall, "first")
    return Tick(here.astimezone(UTC), wall, "once")
