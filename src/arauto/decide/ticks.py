"""ticks: which times of a schedule are due, and what becomes of those that were missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Literal, TypeAlias

from msgspec import Struct

Missed: TypeAlias = Literal["skip", "once", "all"]
"""What becomes of times that passed while no hub ran: none, one event for all of them, or one for each."""

Times: TypeAlias = Callable[[datetime], Iterator[datetime]]
"""The times after an instant, in order, perhaps without end."""

PUNCTUAL = timedelta(minutes=1)
"""A time that is seen this soon after it was not missed: machines are busy, and hubs are started again."""


class Due(Struct, frozen=True):
    """What is due of a schedule."""

    at: tuple[datetime, ...]
    """The times to give events for."""
    until: datetime
    """When these events are there, all times up to this are dealt with."""


def due(times: Times, missed: Missed, last: datetime, now: datetime, *, at_most: int) -> Due | None:
    """What is due at ``now``, when all up to ``last`` is dealt with; None when nothing has come since.

    With ``all``, at most so many times: those after ``until`` are due at once.
    """
    if not _up_to(now, times(last)):
        return None
    if missed == "all":
        found = _up_to(now, times(last), at_most + 1)
        return Due(tuple(found[:at_most]), now if len(found) <= at_most else found[at_most - 1])
    recent = max(last, now - PUNCTUAL)
    found = _up_to(now, times(recent), None)
    if not found and missed == "once":
        found = latest(times, last, recent)
    return Due(tuple(found), now)


def _up_to(end: datetime, times: Iterator[datetime], at_most: int | None = 1) -> list[datetime]:
    return list(islice(takewhile(lambda time: time <= end, times), at_most))


def latest(times: Times, after: datetime, until: datetime) -> list[datetime]:
    """The last time of this span, if any: looked for from its end, since a long one may have very many."""
    span = PUNCTUAL
    while True:
        begin = max(after, until - span)
        found = _up_to(until, times(begin), None)
        if found or begin == after:
            return found[-1:]
        span *= 8
