"""What goes into the store and comes out of it, beside the nouns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct, field

from arauto.decide.receipts import ShownState
from arauto.decide.signals import Switch
from arauto.model import (
    JSON,
    Await,
    Event,
    Fanout,
    Merge,
    Message,
    MessageState,
    Receipt,
    ReceiptKind,
    Recipient,
    Run,
    Started,
    Use,
)


class NewEvent(Struct, frozen=True):
    """An event to be appended, and the SHA-256 (hex) of what its producer sent, by which repeats are told apart."""

    event: Event
    body_hash: str


class Appended(Struct, frozen=True):
    """What became of an event to be appended: ``same`` was there already, ``conflict`` is there with another body."""

    key: str
    outcome: Literal["new", "same", "conflict"]
    body_hash: str
    """The hash that is stored."""


class Pending(Struct, frozen=True):
    """An event that waits to be planned; ``claims`` counts how often somebody took it, this time included."""

    event: Event
    claims: int
    missed: str | None = None
    """The notification for which alone it is planned again."""


class InboxItem(Struct, frozen=True, kw_only=True):
    """A message in a recipient's in-app inbox; ``id`` is the message's."""

    id: str
    recipient: str
    created_at: datetime
    content: JSON
    read_at: datetime | None = None
    tenant: str = "default"


class Marked(Struct, frozen=True):
    """How many items of an inbox changed; and whether a run that waits to hear of it is due at once."""

    changed: int
    woken: bool


class NewMessage(Struct, frozen=True, kw_only=True):
    """A message to be stored. State ``sending`` claims it for the one who writes it (fence 1)."""

    message: Message
    state: MessageState
    due_at: datetime | None = None
    """When a queued message is due."""
    inbox: InboxItem | None = None
    """For the in-app channel: stored in the same transaction, which is what makes it exactly once."""


class RunRecord(Struct, frozen=True, kw_only=True):
    """A run as it stands after advancing."""

    run: Run
    state: Literal["waiting", "done"]
    due_at: datetime | None = None
    """When a waiting run is to be asked again."""
    messages: tuple[NewMessage, ...] = ()
    merge: Merge | None = None
    """How it waits together with others; with none there yet it will take in those that come."""
    hold: str | None = None
    """The key of what holds it up (``Wait.hold``). What no longer stands as it was holds nothing: due at once."""
    uses: tuple[Use, ...] = ()
    """All of this counts only when each is granted. Otherwise the run stays as it was ``before`` and is due at
    once, knowing what was refused."""
    before: Run | None = None
    awaits: tuple[Await, ...] = ()
    started: tuple[Started, ...] = ()
    """New runs for others, due at once."""
    fanouts: tuple[Fanout, ...] = ()
    """New fan-outs, due at once."""
    cancels: tuple[str, ...] = ()
    rewrites: tuple[InboxItem, ...] = ()
    """These items of the inbox are written anew, where they have not been read."""
    """The ids of messages that are cancelled, but for those that are under way, and go from the inbox, but for those
    read."""

    @property
    def joins(self) -> bool:
        """It has ended because another run, which waits under the same key, has taken in its events."""
        return self.state == "done" and self.merge is not None


class PlanRecord(Struct, frozen=True, kw_only=True):
    """All that planning one event decided."""

    event: str
    """Its key."""
    missed: str | None = None
    """It is only about this notification; all else that was decided about the event stays."""
    explanation: JSON
    """The document that ``explain`` reads: each notification considered, each recipient, each reason."""
    runs: tuple[RunRecord, ...] = ()
    upserts: tuple[Recipient, ...] = ()
    fanouts: tuple[Fanout, ...] = ()
    signals: tuple[str, ...] = ()
    """The keys under which the event is to be found by the runs that listen for it."""
    opens: tuple[Switch, ...] = ()
    """What it opens; what was open stays opened by the event that opened it."""
    closes: tuple[Switch, ...] = ()
    """What it closes; whatever that held up is due at once."""

    @property
    def keys(self) -> set[str]:
        """The keys of all that it says to others."""
        return {
            *self.signals,
            *(key for switch in (*self.opens, *self.closes) for key in (switch.opened, switch.closed)),
        }


class FanoutPage(Struct, frozen=True, kw_only=True):
    """What a page of a fan-out decided."""

    fanout: Fanout
    """As it stands after the page; how many runs it has begun is counted by the store."""
    before: str
    """Its cursor before the page."""
    state: Literal["running", "done"]
    due_at: datetime | None = None
    """When its next page is due; None: at once."""
    runs: tuple[RunRecord, ...] = ()


class Committed(Struct, frozen=True):
    """What was stored of what was decided."""

    events: frozenset[str]
    """The keys of the events that are planned now."""
    runs: frozenset[str]
    """The keys of the runs whose decisions count; their messages are stored."""
    woken: bool
    """Something is due at once."""


class Claim(Struct, frozen=True):
    """A message taken for an attempt; its run has its events."""

    message: Message
    fence: int
    run: Run
    since: datetime
    """When it was claimed; of an abandoned message: when the attempt that was abandoned was claimed."""


class Suppression(Struct, frozen=True):
    """An address that may not be used any more, and why; ``hash`` is the keyed hash of channel and address."""

    hash: str
    channel: str
    reason: str
    at: datetime


class Settlement(Struct, frozen=True, kw_only=True):
    """How an attempt ended: the message with its attempt completed, and its next state."""

    message: Message
    fence: int
    state: MessageState
    due_at: datetime | None = None
    """When a queued message is due again."""
    hold: str | None = None
    """The key of what holds a queued message up, as of a run."""
    suppress: Suppression | None = None
    """Its address is no good any more."""


class Selection(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which messages a replay sends again, or which events it has planned again."""

    state: ShownState = "failed"
    """Of messages."""
    events: Literal["missed", "quarantined"] | None = None
    """missed: planned again for ``notification`` alone; quarantined: those whose planning broke. None: messages."""
    types: tuple[str, ...] = ()
    """Of missed events."""
    channel: str | None = None
    notification: str | None = None
    recipient: str | None = None


class Replay(Struct, frozen=True, kw_only=True):
    """Many messages that are sent again, at a rate; under its id it happens once."""

    id: str
    selection: Selection
    since: datetime
    until: datetime
    """Of messages that were made between these times."""
    per_second: float
    begun_at: datetime
    last_due_at: datetime | None = None
    """When the last of those that were sent again is due."""
    replayed: int = 0
    position: int = 0
    over: bool = False
    tenant: str = "default"


class DueRun(Struct, frozen=True):
    """A waiting run to be asked again, and the states of the messages that it has sent so far."""

    run: Run
    messages: dict[str, MessageState]
    read: frozenset[str] = frozenset()
    """The ids of those that were read in the inbox."""


class StoredEvent(Struct, frozen=True, kw_only=True):
    """An event as it lies in the store."""

    event: Event
    received_at: datetime
    body_hash: str
    state: Literal["pending", "planned", "quarantined"]
    explanation: JSON = None


class StoredRun(Struct, frozen=True, kw_only=True):
    """A run as it lies in the store."""

    run: Run
    state: Literal["waiting", "done"]
    due_at: datetime | None = None


class StoredFanout(Struct, frozen=True):
    """A fan-out as it lies in the store, without its events."""

    fanout: Fanout
    state: Literal["running", "done"]


class StoredMessage(Struct, frozen=True, kw_only=True):
    """A message as it lies in the store."""

    message: Message
    state: MessageState
    due_at: datetime | None = None
    claimed_at: datetime | None = None
    """When its attempt that is under way was claimed; only in state ``sending``."""
    receipt: ReceiptKind | None = None
    """The furthest of its receipts since it was last sent."""
    receipts: tuple[Receipt, ...] = ()
    """All of them, in the order of their times."""


class StoryCounts(Struct, frozen=True):
    """How many runs of an event and messages of them, by channel, there are in each state."""

    runs: dict[str, int]
    messages: dict[str, dict[str, int]]


class Story(Struct, frozen=True, kw_only=True):
    """Everything about one event, as ``explain`` needs it."""

    event: StoredEvent
    runs: tuple[StoredRun, ...]
    messages: tuple[StoredMessage, ...]
    """Those of these runs."""
    fanouts: tuple[StoredFanout, ...] = ()
    counts: StoryCounts | None = None
    """Of all runs, where there are more than these."""


class Rejection(Struct, frozen=True, kw_only=True):
    """A request that was refused; kept so that people can see what they lose. Holds no payload."""

    at: datetime
    source: str
    status: int
    code: str
    detail: str
    body_hash: str
    size: int
    tenant: str = "default"


class ApiKey(Struct, frozen=True, kw_only=True):
    """A key for the API, known only by its keyed hash."""

    id: str
    name: str
    hash: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None = None
    tenant: str = "default"


class Page(Struct, frozen=True):
    """A page of a listing; ``next`` is the cursor of the following page, None at the end."""

    items: Sequence[JSON]
    next: str | None


class Counts(Struct, frozen=True):
    """How many events and messages there are in each state; every accepted event is in exactly one."""

    events: dict[str, int]
    runs: dict[str, int]
    messages: dict[str, dict[str, int]] = field(default_factory=dict)
    """By channel, then by state."""
