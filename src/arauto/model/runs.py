"""What the hub does: runs and messages, and what is answered to them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct, field

from arauto.model.basics import JSON, Reason
from arauto.model.events import Event


class Sent(Struct, frozen=True, array_like=True):
    """What a step of a run handed to a channel, and what became of it (None: not known yet)."""

    step: int
    channel: str
    messages: tuple[str, ...]
    outcome: Literal["accepted", "failed"] | None = None
    round: int = 0
    """Of a step that is repeated, the time that it was."""
    events: int = 1
    """How many events the run held, and so told: the first of those that it may hold by now."""


class Entry(Struct, frozen=True, omit_defaults=True):
    """A line in a run's log: what a step decided and why; ``skip`` is what wishes or rules kept from being sent."""

    at: datetime
    step: int
    decision: Literal["continue", "wait", "stop", "send", "skip", "merge", "notify", "retract", "follow"]
    reason: Reason


ReceiptKind: TypeAlias = Literal[
    "delivered", "bounced", "complained", "opened", "clicked", "read", "acknowledged", "failed"
]
"""What providers and people answer. bounced: for good, or for now (``Receipt.permanent``); failed: not delivered,
for another reason; complained: the person called it spam; read: seen in the inbox or by a provider that tells."""


class Receipt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a provider or a person answers later about a message."""

    message: str
    """The message's id."""
    kind: ReceiptKind
    at: datetime
    permanent: bool = False
    """The address is no good any more: it is suppressed."""
    detail: str | None = None
    """What the provider said, shortened, without personal data."""


class Await(Struct, frozen=True):
    """Something that a run listens for."""

    key: str
    """What of it: ``decide.signals`` makes the keys."""
    about: str
    """The key of that event of the run which this is about."""
    always: bool = False
    """What happened before that event counts, too."""
    cancels: bool = False
    """It concerns the run also when it has ended."""


class Started(Struct, frozen=True):
    """A run that another began for somebody else, and what it listens for from the beginning."""

    run: Run
    awaits: tuple[Await, ...]


class Signal(Struct, frozen=True, kw_only=True):
    """Something that a run listens for has happened."""

    key: str
    about: str
    """The key of that event of the run which it is about."""
    at: datetime
    event: Event | None = None
    receipt: Receipt | None = None


class Origin(Struct, frozen=True):
    """Where an event of a run came from that was gathered with others for want of attention."""

    notification: str
    run: str


class Run(Struct, frozen=True, kw_only=True):
    """One recipient's walk through one notification. It holds a tuple of events: a digest is no special case."""

    key: str
    notification: str
    recipient: str
    events: tuple[Event, ...]
    entered_at: datetime
    """When it came to its present step."""
    step: int = 0
    round: int = 0
    """Of steps that are repeated: how often they were, before this time."""
    sent: tuple[Sent, ...] = ()
    log: tuple[Entry, ...] = ()
    tenant: str = "default"
    catalogue: str = ""
    """The version of the catalogue that began it."""
    parent: str | None = None
    """The key of the run that notified this recipient."""
    retracted: tuple[str, ...] = ()
    """The keys of those of its events that were taken back; texts no longer have them."""
    until: datetime | None = None
    """When what its present step waits for ends; None: it has not waited yet."""
    refused: dict[str, datetime] = field(default_factory=dict)
    """Of allowances (``Use``) that it wanted and that were used up: when there will be room again."""
    signals: tuple[Signal, ...] = ()
    """What it listens for and has happened, in the order of happening."""
    listening: bool = False
    """What it listens for is in the store."""
    edition: str = ""
    """That of its notification when it began; of one that follows the latest, nothing."""
    at: str = ""
    """Where it stands, as ``decide.editions`` tells it."""
    numbering: str = ""
    """The version whose step numbers it has since it was carried over to other steps."""
    origins: tuple[Origin | None, ...] = ()
    """For each of its events, from which run it came, if that was told apart; empty: none was."""

    @property
    def gathered(self) -> bool:
        """It tells of events of several notifications, which one message lists."""
        return any(self.origins)

    @property
    def items(self) -> list[tuple[str, tuple[Event, ...]]]:
        """What it tells, as (notification, events): its own events, and those of each run that was gathered."""
        found: dict[Origin, list[Event]] = {}
        own = Origin(self.notification, self.key)
        for event, origin in zip(self.events, self.origins or (None,) * len(self.events), strict=True):
            if event.key not in self.retracted:
                found.setdefault(origin or own, []).append(event)
        return [(origin.notification, tuple(events)) for origin, events in found.items()]

    @property
    def live(self) -> tuple[Event, ...]:
        """Its events without those that were taken back."""
        return (
            tuple(event for event in self.events if event.key not in self.retracted) if self.retracted else self.events
        )


class Fanout(Struct, frozen=True, kw_only=True):
    """Telling a group that is a query, or too large for one transaction: everybody is asked in the order of their ids,
    page by page, and each member gets a run of their own."""

    key: str
    group: str
    run: Run
    """What each member's run is when it begins, but for its key and its recipient."""
    seed: tuple[str, ...]
    """What the keys of its runs are derived from, before the recipient's id."""
    cursor: str = ""
    """Everybody up to this id was asked."""
    claims: int = 0
    """How often its next page was taken, this time included."""
    asked: int = 0
    chosen: int = 0
    """How many runs it has begun."""
    failed: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    """What failed, and how often; the first few kinds of it."""
    ended: Reason | None = None
    """Why it ended before everybody was asked."""


MessageState: TypeAlias = Literal["queued", "sending", "sent", "failed", "expired", "cancelled", "held", "unknown"]
"""queued: due at a time; sending: an attempt is under way under a lease; sent: a provider accepted it; failed,
expired, cancelled: ended; held: a person put it aside; unknown: nobody knows how an attempt ended, and the channel's
policy is to wait for a person."""


class Attempt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try at delivering a message, written down before it is made."""

    number: int
    provider: str
    request: str | None = None
    """What was called, without secrets: ``POST https://api.example.com/messages``."""
    started_at: datetime
    ended_at: datetime | None = None
    outcome: Literal["accepted", "retry", "rejected", "unknown"] | None = None
    reason: str | None = None
    answer: str | None = None
    """What the provider said, shortened, without secrets."""
    reference: str | None = None
    """The provider's own id of the message, by which its receipts name it."""
    next_at: datetime | None = None
    late: bool = False
    """The answer came after the lease had ended and another attempt had begun."""


class Intervention(Struct, frozen=True, omit_defaults=True):
    """What a person did about a message."""

    at: datetime
    did: Literal["retry", "release", "cancel", "hold", "replay"]
    by: str
    """The name of the key by which they called."""
    attempts: int = 0
    """How many had been made."""

    @property
    def again(self) -> bool:
        """The message is sent as if for the first time."""
        return self.did in ("retry", "release", "replay")


class Message(Struct, frozen=True, kw_only=True):
    """What one run sends to one address on one channel."""

    id: str
    run: str
    event: str
    """The key of the (first) event."""
    notification: str
    recipient: str
    channel: str
    step: int
    address: JSON
    created_at: datetime
    expires_at: datetime
    tenant: str = "default"
    attempts: tuple[Attempt, ...] = ()
    provider: int = 0
    """The index of the provider that the next attempt goes to, in the channel's order."""
    awaited: bool = False
    """Its run waits to hear how it ended (``first_of``)."""
    round: int = 0
    correction: str | None = None
    """The key of the event that took back what this message corrects."""
    interventions: tuple[Intervention, ...] = ()
    gathered: bool = False
    """It lists notices of several notifications."""

    @property
    def recent(self) -> tuple[Attempt, ...]:
        """The attempts since a person had it sent again; all where nobody did."""
        last = next((each for each in reversed(self.interventions) if each.again), None)
        return self.attempts if last is None else self.attempts[last.attempts :]
