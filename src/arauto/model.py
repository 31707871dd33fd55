"""The nouns of Arauto: what happened, who hears of it, and what was done about it.

Values only: frozen, slotted, no I/O, no clock. Start with Event and Recipient, then Notification (what a user
writes), Run and Message (what the hub does), and Catalogue (a whole project, compiled).
Times are aware datetimes in UTC; ids are derived, so that everything may be written twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct, field

JSON: TypeAlias = Any
"""Plain data: None, bool, int, float, str, and lists and string-keyed dicts of these."""

Context: TypeAlias = Mapping[str, JSON]
"""What expressions and texts see: ``event``, ``events``, ``recipient`` and ``project``, as plain data."""


# -- ids and durations ---------------------------------------------------------------------------------------------


def derive_id(prefix: str, *parts: str) -> str:
    """The id that these parts always give: ``prefix_`` and 26 hexadecimal digits (BLAKE2b, 104 bits)."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=13)
    return f"{prefix}_{digest.hexdigest()}"


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+)([smhdw])")


def parse_duration(text: str) -> timedelta:
    """``90s``, ``5m``, ``1h30m``, ``2d``, ``1w`` as a timedelta. Raises ValueError, naming what is allowed."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(
            f"{text!r} is no duration; write a number and a unit (s, m, h, d, w), such as 30s, 5m or 1h30m"
        )
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in parts))


# -- why -----------------------------------------------------------------------------------------------------------


class Reason(Struct, frozen=True, omit_defaults=True):
    """Why something was decided: a code, translated for people by ``explain``, and the values that it speaks of."""

    code: str
    values: dict[str, JSON] = field(default_factory=dict)


# -- what happened -------------------------------------------------------------------------------------------------


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    """One thing that happened, valid and immutable; (tenant, source, id) identify it, as in CloudEvents."""

    source: str
    id: str
    type: str
    time: datetime
    """When it happened, by its source; the moment of acceptance where the source does not say."""
    data: JSON
    subject: str | None = None
    extensions: dict[str, str] = field(default_factory=dict)
    tenant: str = "default"
    kept_key: str | None = None
    """Its key, where its id was replaced because it told of a person who was erased."""

    @cached_property
    def key(self) -> str:
        """The hub's own id of the event: ``evt_…``."""
        return self.kept_key or derive_id("evt", self.tenant, self.source, self.id)


class EventType(Struct, frozen=True, kw_only=True):
    """An entry of the catalogue: what may happen, and what its data look like."""

    name: str
    description: str
    schema: dict[str, JSON]
    samples: dict[str, JSON]
    validate: SchemaCheck


class SchemaCheck(Protocol):
    """Checks data against a JSON Schema 2020-12."""

    def __call__(self, data: JSON, /) -> Sequence[dict[str, str]]:
        """Every fault as ``{"pointer": "/order/total", "detail": "…"}``; empty when the data are valid."""
        ...


# -- who hears of it -----------------------------------------------------------------------------------------------


class QuietHours(Struct, frozen=True, omit_defaults=True):
    """A span of each day, in the recipient's zone, in which nothing may disturb them; it may pass midnight."""

    start: str
    """``22:00``"""
    end: str
    """``07:00``; the same as ``start`` means the whole day."""
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    """The weekdays on which it begins; Monday is 0."""


class Wishes(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person wants: by category and channel, when, in which order and language."""

    categories: dict[str, dict[str, bool]] = field(default_factory=dict)
    """By category, then by channel (``*``: all of them): wanted or not. The channel's own word counts before ``*``."""
    quiet_hours: QuietHours | None = None
    order: tuple[str, ...] = ()
    """Channels, the preferred one first."""
    locale: str | None = None
    """Counts before the locale that systems know."""


class Consent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the record of what a person agreed to or withdrew, with its proof (LGPD art. 8; GDPR art. 7)."""

    category: str
    channel: str
    """``*``: all channels."""
    given: bool
    at: datetime
    how: Literal["page", "one_click", "api", "cli", "receipt"]
    """The person's page, their mail program's button, a system, an operator, or a complaint that a provider told."""
    text: str | None = None
    """What they were shown."""
    version: str | None = None
    """The version of that text."""
    evidence: dict[str, str] = field(default_factory=dict)
    """What else proves it, such as the IP address of the call."""


class Recipient(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person or a system, and how each wants to be reached."""

    id: str
    kind: Literal["person", "system"] = "person"
    name: str | None = None
    locale: str | None = None
    """A BCP 47 tag such as ``pt-BR``."""
    time_zone: str | None = None
    """An IANA name such as ``America/Sao_Paulo``."""
    addresses: dict[str, list[JSON]] = field(default_factory=dict)
    """By channel name: a string (e-mail address, E.164 number, URL, …) or, for push, a subscription object."""
    attributes: dict[str, JSON] = field(default_factory=dict)
    wishes: Wishes = Wishes()
    """Kept apart from the rest, so that no event or system that tells of a person overwrites what they want."""
    suppressed: dict[str, dict[str, str]] = field(default_factory=dict)
    """By channel, the addresses (as JSON) that may not be used any more, and why; kept apart, too."""


class Shift(Struct, frozen=True, kw_only=True):
    """A member of a rota is on call from a time to another, instead of whoever it would be."""

    member: str
    start: datetime
    end: datetime


class Rota(Struct, frozen=True, kw_only=True):
    """Members take turns: each is on call for ``every`` days from one hand-over to the next."""

    members: tuple[str, ...]
    zone: str
    """The IANA zone of the hand-over times."""
    start: date
    """The day on which the first member's first turn begins."""
    hand_over: time
    """Wall-clock time of every hand-over."""
    every: int
    """Days."""
    overrides: tuple[Shift, ...] = ()
    """Of two that overlap, the later in the list counts."""


class Group(Struct, frozen=True, kw_only=True):
    """Recipients together: a list of ids, all for whom a query is true, or who is on call."""

    name: str
    members: tuple[str, ...] = ()
    query: Expression | None = None
    """Asked of every recipient, with ``recipient`` as its context."""
    rota: Rota | None = None


# -- what a user writes --------------------------------------------------------------------------------------------


class Expression(Protocol):
    """A compiled expression of the one language."""

    @property
    def source(self) -> str:
        """The text as the user wrote it."""
        ...

    def evaluate(self, context: Context) -> JSON:
        """Its value. Raises LanguageError when it fails; a failure is never false."""
        ...

    def first_failure(self, context: Context) -> Reason:
        """Of a condition that is false: the first part that failed, as code ``condition_false`` with the part
        (``condition``) and what it looked at (``seen``: path → value)."""
        ...


class Composer(Protocol):
    """One text of one notification, compiled for one channel and one locale."""

    def compose(self, context: Context) -> Struct:
        """The channel's native form, filled with this context. Raises LanguageError when an expression fails."""
        ...


class PersonTarget(Struct, frozen=True, kw_only=True):
    """A person named by the event, created or brought up to date from it when ``upsert`` is given."""

    person: Expression
    upsert: dict[str, Expression] | None = None
    when: Expression | None = None


class GroupTarget(Struct, frozen=True, kw_only=True):
    """Every member of a group."""

    group: str
    when: Expression | None = None


class SystemTarget(Struct, frozen=True, kw_only=True):
    """A fixed recipient that is a system."""

    system: str
    when: Expression | None = None


Target: TypeAlias = PersonTarget | GroupTarget | SystemTarget


class Awaited(Struct, frozen=True, kw_only=True):
    """Events that something listens for: of these types, and about the same thing as the run's own event, because
    ``there``, asked of the awaited event, gives what ``here`` gives of the run's."""

    types: tuple[str, ...]
    here: Expression
    there: Expression
    when: Expression | None = None
    """Asked of the awaited event."""


class AwaitedReceipt(Struct, frozen=True):
    """A kind of receipt that something listens for."""

    kind: ReceiptKind
    anybody: bool
    """From anybody whom this notification told of the event, and not only from the run's own recipient."""


class Mute(Struct, frozen=True, kw_only=True):
    """Nothing is sent while something is open: since the last event of ``opened`` no event of ``closed`` came."""

    opened: Awaited
    closed: Awaited
    drop: bool
    """What would be sent meanwhile is dropped; otherwise it waits for the end."""


class Listener(Struct, frozen=True):
    """Something in a notification that listens for events of a type."""

    notification: str
    place: str
    """``cancel``, ``opened``, ``closed``, or that of a step (``decide.signals``)."""
    awaited: Awaited
    mute: Mute | None = None
    """What it opens or closes."""


class Notification(Struct, frozen=True, kw_only=True):
    """What a user writes: on which event, when, to whom, in which steps, with which content."""

    name: str
    on: tuple[str, ...]
    category: str
    to: tuple[Target, ...]
    steps: tuple[Step, ...]
    """In the order of the file, those inside of others too."""
    following: tuple[int, ...]
    """For each step, the index of the one after it; ``len(steps)`` is the end."""
    when: Expression | None = None
    expires: timedelta | None = None
    composers: dict[str, dict[str, Composer]]
    """By channel, then by locale."""
    cancel: Awaited | None = None
    """What takes it back."""
    corrections: dict[str, dict[str, Composer]] = field(default_factory=dict)
    """What those are told who had received it before it was taken back; by channel, then by locale."""
    mute: Mute | None = None
    notices: dict[str, Composer] = field(default_factory=dict)
    """By locale, its text as the inbox has it, for messages that list several notices; only where there is an
    attention budget."""
    in_flight: Literal["pinned", "latest"] = "pinned"
    """Whether its runs finish on the version of the catalogue that began them."""
    marks: tuple[str, ...] = ()
    """For each step, a hash of what is written of it."""
    edition: str = ""
    """A hash of all its files: versions of the catalogue in which it is the same are one to its runs."""


# -- what the hub does ---------------------------------------------------------------------------------------------


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


# -- decisions -----------------------------------------------------------------------------------------------------


class Use(Struct, frozen=True):
    """One of ``at_most`` uses of an allowance in any span of ``per``. The store grants it, so that no two workers
    take the last one; a run that gets none is asked again, with ``Run.refused`` saying when there is room."""

    key: str
    at_most: int
    per: timedelta
    count: int = 1
    """How many it takes of them."""


class Merge(Struct, frozen=True):
    """Runs that wait under the same key become one, with the events of all: the first to wait takes in the others."""

    key: str
    latest: datetime | None = None
    """A sliding window: each event moves the end to its own ``until``, but not beyond this. None: the end stays."""
    at_most: int | None = None
    """With this many events the waiting is over."""
    apart: bool = False
    """What each run brings is told apart: they may be of different notifications."""


class Continue(Struct, frozen=True):
    """The step is done; go on with the next."""

    reason: Reason
    to: int | None = None
    """The index of the step to go to; None: the one that follows."""
    uses: tuple[Use, ...] = ()
    round: int | None = None
    """The round that begins with it; None: the same."""


class Wait(Struct, frozen=True):
    """Ask again at ``until``, or sooner when something awaited happens. Waiting is not failing."""

    until: datetime
    reason: Reason
    merge: Merge | None = None
    hold: str | None = None
    """The key of what holds it up, such as a silence; when that ends or changes, it is asked again at once."""


class Notify(Struct, frozen=True):
    """Begin runs of the same notification for others, from step ``first`` on, and go on with the next step."""

    targets: tuple[Target, ...]
    first: int


class Stop(Struct, frozen=True):
    """The run ends here."""

    reason: Reason


class Send(Struct, frozen=True):
    """Hand the text to these channels, then ask the step again."""

    channels: tuple[str, ...]
    reason: Reason
    awaited: bool = False
    """The step wants to know how the messages end before it continues."""


Decision: TypeAlias = Continue | Wait | Stop | Send | Notify


class Situation(Struct, frozen=True):
    """All that a step may look at."""

    run: Run
    recipient: Recipient
    """As they are now."""
    context: Context
    reachable: frozenset[str]
    """The channels that this hub has, this notification has a text for, and this recipient has an address for and
    does not refuse."""
    now: datetime
    time_zone: str
    """The recipient's, or the project's."""


class Step(Protocol):
    """One entry of a notification's ``steps``. Pure: the same situation always gives the same decision."""

    def decide(self, situation: Situation) -> Decision:
        """What to do now. Raises LanguageError when an expression fails."""
        ...

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that this step may send to."""
        ...

    @property
    def awaits(self) -> tuple[Awaited, ...]:
        """The events that this step listens for, from the beginning of the run."""
        ...

    @property
    def receipts(self) -> tuple[AwaitedReceipt, ...]:
        """The receipts that this step listens for, from the beginning of the run."""
        ...


# -- a whole project -----------------------------------------------------------------------------------------------


class Brand(Struct, frozen=True, kw_only=True):
    """How messages look: the name, colours and footer of the company."""

    name: str
    color: str = "#0f766e"
    logo: str | None = None
    url: str | None = None
    footer: str | None = None


class Category(Struct, frozen=True, kw_only=True):
    """A kind of message that people know by name, and how far their wishes about it go."""

    name: str
    title: dict[str, str]
    """By locale."""
    consent: Literal["required", "opt_out", "opt_in"] = "opt_out"
    """required: sent to everybody; opt_out: unless they said no; opt_in: only if they said yes."""
    urgent: bool = False
    """Quiet hours and the attention budget do not hold it up."""
    priority: Literal["low", "normal", "high"] = "normal"
    """Which part of the attention budget it may use."""
    tracking: bool = False
    """Whether e-mails tell when they are opened and links clicked."""
    retention: timedelta | None = None
    """How long its events and messages are kept; None: as the project says."""


class Attention(Struct, frozen=True, kw_only=True):
    """The attention budget: a message of a priority is sent while its recipient has had fewer than this many messages,
    of all notifications and channels, in the last ``per``."""

    per: timedelta
    low: int
    normal: int
    high: int


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """When to try again, as data."""

    schedule: tuple[timedelta, ...]
    """The wait after the first, second, … failed attempt; past its end the message fails."""
    expires: timedelta
    """How long after its creation a message may still be sent."""
    on_unknown: Literal["retry", "hold"]
    """What to do when nobody knows whether an attempt was accepted."""


class ProviderConfig(Struct, frozen=True, kw_only=True):
    """A provider of a channel, as configured."""

    name: str
    kind: str
    settings: Struct


class ChannelConfig(Struct, frozen=True, kw_only=True):
    """A channel of this project: its providers in order of preference, its limits and its retries."""

    name: str
    providers: tuple[ProviderConfig, ...]
    retry: RetryPolicy
    concurrency: int
    """How many of its messages one hub sends at the same time."""


class SourceConfig(Struct, frozen=True, kw_only=True):
    """A source of this project, as configured."""

    name: str
    kind: str
    settings: Struct


class Silence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A time in which messages are held or dropped: once, or again and again."""

    id: str
    owner: str
    reason: str
    drop: bool
    """What would be sent is dropped; otherwise it is held until the silence ends."""
    start: datetime
    end: datetime | None = None
    """None: until somebody ends it."""
    notifications: tuple[str, ...] = ()
    """The notifications that it concerns; none: all."""
    categories: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    cron: str | None = None
    """When it begins, again and again, between ``start`` and ``end``; CronSim's dialect, in ``zone``."""
    lasts: timedelta | None = None
    """How long each time lasts."""
    zone: str = "UTC"


class Project(Struct, frozen=True, kw_only=True):
    """What ``arauto.yaml`` says."""

    name: str
    locale: str
    time_zone: str
    brand: Brand
    public_url: str | None = None
    private_networks: tuple[str, ...] = ()
    """CIDR ranges that outbound calls may reach although they are not public."""
    attention: Attention | None = None
    retention: timedelta | None = None
    """How long events and messages are kept; None: for ever."""
    holidays: frozenset[date] = frozenset()
    """Days that are no business days."""


class Catalogue(Struct, frozen=True, kw_only=True):
    """A project folder, compiled and checked: immutable."""

    version: str
    """A hash of all files of the folder."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Those from which its notifications can be compiled again, by name: neither people's data nor secrets."""
    project: Project
    categories: dict[str, Category]
    event_types: dict[str, EventType]
    sources: dict[str, SourceConfig]
    recipients: dict[str, Recipient]
    attributes: SchemaCheck | None
    """Checks the attributes of recipients, where the project says what they are."""
    groups: dict[str, Group]
    channels: dict[str, ChannelConfig]
    notifications: dict[str, Notification]
    by_event_type: dict[str, tuple[Notification, ...]]
    gathered: dict[str, dict[str, Composer]] = field(default_factory=dict)
    """The text that lists several notices, by channel, then by locale; only where there is an attention budget."""
    listeners: dict[str, tuple[Listener, ...]] = field(default_factory=dict)
    """By event type: what its events cancel, open, close or end the waiting of."""
