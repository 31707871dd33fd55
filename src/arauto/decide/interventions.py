"""interventions: what people may do about messages, and what that makes of them; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from arauto.decide.receipts import ShownState
from arauto.decide.wishes import IN_APP
from arauto.model import Intervention, Message, MessageState

Deed: TypeAlias = Literal["retry", "release", "cancel", "hold", "replay"]

_LOST: tuple[ShownState, ...] = ("failed", "bounced", "expired", "unknown", "held", "cancelled")
ALLOWED: Mapping[Deed, tuple[ShownState, ...]] = {
    "retry": _LOST,
    "replay": _LOST,
    "release": ("held", "unknown"),
    "cancel": ("queued", "waiting", "held", "unknown"),
    "hold": ("queued", "waiting"),
}
"""In which states of a message each may be done."""

BECOMES: Mapping[Deed, MessageState] = {
    "retry": "queued",
    "replay": "queued",
    "release": "queued",
    "cancel": "cancelled",
    "hold": "held",
}


def may(deed: Deed, state: ShownState, channel: str) -> bool:
    """Whether this may be done. What goes into inboxes is stored with the decision itself: there is no sending."""
    again = BECOMES[deed] == "queued"
    return state in ALLOWED[deed] and not (again and channel == IN_APP)


def done(message: Message, deed: Deed, by: str, now: datetime, due_at: datetime) -> Message:
    """The message after it. One that is sent again has all its attempts and its whole life before it, and begins with
    the first provider."""
    told = Intervention(now, deed, by, len(message.attempts))
    message = msgspec.structs.replace(message, interventions=(*message.interventions, told))
    if not told.again:
        return message
    life = message.expires_at - message.created_at
    return msgspec.structs.replace(message, provider=0, expires_at=max(message.expires_at, due_at + life))
