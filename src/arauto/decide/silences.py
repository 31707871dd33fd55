"""silences: whether somebody asked for quiet about this, and until when; pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from arauto.model import Notification, Recipient, Silence

_FOR_NOW = timedelta(days=1)
"""How long a run waits for the end of a silence that has none yet; ending one wakes nobody."""


class Silenced(Struct, frozen=True):
    """A silence that holds now, and until when it is held."""

    id: str
    owner: str
    reason: str
    drop: bool
    until: datetime


def silence_over(
    silences: Iterable[Silence], notification: Notification, recipient: Recipient, now: datetime
) -> Silenced | None:
    """The silence that concerns this; one that drops before one that holds, then the one that ends last."""
    found = [
        Silenced(silence.id, silence.owner, silence.reason, silence.drop, until)
        for silence in silences
        if _concerns(silence, notification, recipient) and (until := holds_until(silence, now)) is not None
    ]
    return max(found, key=lambda each: (each.drop, each.until), default=None)


def holds_until(silence: Silence, now: datetime) -> datetime | None:
    """Until when a silence holds that holds now; None when it does not."""
    if now < silence.start or (silence.end is not None and silence.end <= now):
        return None
    return silence.end or now + _FOR_NOW


def _concerns(silence: Silence, notification: Notification, recipient: Recipient) -> bool:
    return (
        (not silence.notifications or notification.name in silence.notifications)
        and (not silence.categories or notification.category in silence.categories)
        and (not silence.recipients or recipient.id in silence.recipients)
    )
