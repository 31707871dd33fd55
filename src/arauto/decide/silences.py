"""silences: whether somebody asked for quiet about this, and until when; pure.

A silence that comes again and again holds in the spans that begin at the times of its cron expression, as far as they
lie between its start and its end. Where clocks change, the rule of the whole product holds for when a span begins
(``times``); a span always lasts as long as it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

import msgspec
from msgspec import Struct

from arauto.decide.cron import Cron
from arauto.decide.ticks import latest
from arauto.decide.times import ticks
from arauto.model import Notification, Reason, Recipient, Silence, derive_id

_FOR_NOW = timedelta(days=1)
"""How long what is held by a silence without an end waits; whoever ends it wakes all that it holds."""


class Silenced(Struct, frozen=True):
    """A silence that holds now, and until when it is held."""

    id: str
    owner: str
    reason: str
    drop: bool
    until: datetime
    hold: str
    """The key under which what it holds waits: ``hold_key``."""

    @property
    def why(self) -> Reason:
        """Why nothing is sent."""
        return Reason("silenced", {"silence": self.id, "owner": self.owner, "why": self.reason})


class Phase(Struct, frozen=True):
    """Where a silence stands."""

    state: Literal["active", "coming", "over"]
    at: datetime | None
    """Of an active one, when it ends for now; of one that is coming, when it begins. None: never, or it is over."""


def silence_over(
    silences: Iterable[Silence], tenant: str, notification: Notification, recipient: Recipient, now: datetime
) -> Silenced | None:
    """The silence that concerns this; one that drops before one that holds, then the one that ends last."""
    found = [
        Silenced(silence.id, silence.owner, silence.reason, silence.drop, until, hold_key(tenant, silence))
        for silence in silences
        if _concerns(silence, notification, recipient) and (until := holds_until(silence, now)) is not None
    ]
    return max(found, key=lambda each: (each.drop, each.until), default=None)


def hold_key(tenant: str, silence: Silence) -> str:
    """The key of a silence exactly as it is: when any of it changes, what it held is asked again."""
    return derive_id("silence", tenant, msgspec.json.encode(silence).decode())


def holds_until(silence: Silence, now: datetime) -> datetime | None:
    """Until when a silence holds that holds now; None when it does not."""
    if now < silence.start or (silence.end is not None and silence.end <= now):
        return None
    if silence.cron is None:
        return silence.end or now + _FOR_NOW
    assert silence.lasts is not None
    until = _span_end(silence.cron, silence.zone, silence.lasts, now)
    return until if until is None or silence.end is None else min(until, silence.end)


def phase(silence: Silence, now: datetime) -> Phase:
    """Whether it holds now, will hold, or is over."""
    until = holds_until(silence, now)
    if until is not None:
        return Phase("active", None if silence.end is None and silence.cron is None else until)
    if silence.end is not None and silence.end <= max(now, silence.start):
        return Phase("over", None)
    if silence.cron is None:
        return Phase("coming", silence.start)
    if now < silence.start and holds_until(silence, silence.start) is not None:
        return Phase("coming", silence.start)
    begin = next(_times(silence.cron, silence.zone, max(now, silence.start)), None)
    if begin is None or (silence.end is not None and silence.end <= begin):
        return Phase("over", None)
    return Phase("coming", begin)


@lru_cache(maxsize=256)
def _span_end(cron: str, zone: str, lasts: timedelta, now: datetime) -> datetime | None:
    """When the span ends that began last and has not ended."""
    begun = latest(lambda after: _times(cron, zone, after), now - lasts, now)
    return begun[0] + lasts if begun else None


def _times(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    return (tick.at for tick in ticks(_rule(cron), zone, after))


@lru_cache(maxsize=256)
def _rule(cron: str) -> Cron:
    return Cron(cron)


def _concerns(silence: Silence, notification: Notification, recipient: Recipient) -> bool:
    return (
        (not silence.notifications or notification.name in silence.notifications)
        and (not silence.categories or notification.category in silence.categories)
        and (not silence.recipients or recipient.id in silence.recipients)
    )
