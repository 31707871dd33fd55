"""inflight: what becomes of that which is under way when a version goes live; by ``decide.editions``, as in the hub."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from arauto.decide.editions import follow, needs_own
from arauto.model import Catalogue, Reason
from arauto.store.history import OpenMessages, UnderWay, WaitingRuns

Fate: TypeAlias = Literal["same", "own_version", "carried", "stops"]
"""same: nothing changes for it; own_version: finished in the version that began it; carried: goes on in the new one;
stops: it can't go on."""


class Waiting(Struct, frozen=True, kw_only=True):
    """Runs that wait at one step of a notification, and what becomes of them."""

    notification: str
    version: str
    step: int
    """From 1, in their own version."""
    gathers: bool
    """They are open digests."""
    count: int
    fate: Fate
    reason: Reason | None = None
    """Why they stop."""


class Unsent(Struct, frozen=True, kw_only=True):
    """Messages that are not settled, and what becomes of them."""

    notification: str
    channel: str
    state: str
    count: int
    fate: Fate


class InFlight(Struct, frozen=True):
    """All that is under way."""

    runs: tuple[Waiting, ...]
    messages: tuple[Unsent, ...]


def in_flight(under_way: UnderWay, old: Catalogue, new: Catalogue) -> InFlight:
    """What becomes of all that is under way when the new version goes live."""
    return InFlight(
        tuple(_waiting(each, old, new) for each in under_way.runs),
        tuple(_unsent(each, new) for each in under_way.messages),
    )


def _waiting(each: WaitingRuns, old: Catalogue, new: Catalogue) -> Waiting:
    fate, reason = _fate(each, old, new)
    return Waiting(
        notification=each.notification,
        version=each.catalogue,
        step=each.step + 1,
        gathers=each.gathers,
        count=each.count,
        fate=fate,
        reason=reason,
    )


def _fate(each: WaitingRuns, old: Catalogue, new: Catalogue) -> tuple[Fate, Reason | None]:
    run, notification = each.example, new.notifications.get(each.notification)
    if needs_own(run, new):
        if notification is None and not run.edition:
            return "stops", Reason("notification_gone")
        return "own_version", None
    followed = follow(run, new, None)
    if isinstance(followed, Reason):
        return "stops", followed
    before = old.notifications.get(each.notification)
    same = before is not None and notification is not None and before.edition == notification.edition
    return ("same" if same else "carried"), None


def _unsent(each: OpenMessages, new: Catalogue) -> Unsent:
    return Unsent(
        notification=each.notification,
        channel=each.channel,
        state=each.state,
        count=each.count,
        fate="same" if each.channel in new.channels else "stops",
    )
