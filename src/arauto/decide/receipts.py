"""receipts: what its receipts say of a message; pure.

They come late, twice and out of order: whatever the order, the same one is the furthest. What people did says more
than what machines report, and a complaint says most.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from msgspec import Struct

from arauto.model import Message, MessageState, Receipt, ReceiptKind

ShownState: TypeAlias = MessageState | ReceiptKind | Literal["waiting"]
"""What people see of a message: where the hub is with it, and, once it was sent, what became of it."""


class Furthest(Struct, frozen=True):
    """The receipt of a message that says most."""

    kind: ReceiptKind
    arrived: bool | None
    """Whether it proves that the message arrived, or that it did not; None: neither."""


_ORDER: tuple[Furthest, ...] = (
    Furthest("delivered", True),
    Furthest("bounced", None),  # for now: also what an absence note is told as, so it may have arrived
    Furthest("failed", False),
    Furthest("bounced", False),
    Furthest("opened", True),
    Furthest("read", True),
    Furthest("clicked", True),
    Furthest("acknowledged", True),
    Furthest("complained", True),
)
"""The later of two says more."""

_OTHER_CLOCKS = timedelta(seconds=5)
"""How far the clocks of providers may be behind; many tell only full seconds."""


def of(receipt: Receipt) -> Furthest:
    """What one receipt says."""
    if receipt.kind == "bounced":
        return Furthest("bounced", False if receipt.permanent else None)
    return Furthest(receipt.kind, receipt.kind != "failed")


def further(known: Furthest | None, receipt: Receipt) -> Furthest:
    """The one of the two that says more."""
    told = of(receipt)
    return told if known is None or _ORDER.index(told) > _ORDER.index(known) else known


def resent_before(message: Message, receipt: Receipt) -> int:
    """How often a person had sent the message again before this was told of it: each time its receipts begin anew."""
    return sum(each.again and each.at <= receipt.at + _OTHER_CLOCKS for each in message.interventions)


def shown(state: MessageState, receipt: ReceiptKind | None, due_at: datetime | None, now: datetime) -> ShownState:
    """The one state that people see."""
    if state == "sent":
        return receipt or "sent"
    if state == "queued" and due_at is not None and due_at > now:
        return "waiting"
    return state
