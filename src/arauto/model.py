"""The nouns of Arauto: what happened, who hears of it, and what was done about it.

Values only: frozen, slotted, no I/O, no clock. Start with Event and Recipient, then Notification (what a user
writes), Run and Message (what the hub does), and Catalogue (a whole project, compiled).
Times are aware datetimes in UTC; ids are derived, so that everything may be written twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
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


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
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

    @property
    def key(self) -> str:
        """The hub's own id of the event: ``evt_…``."""
        return derive_id("evt", self.tenant, self.source, self.id)


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


class Group(Struct, frozen=True, kw_only=True):
    """Recipients together, by their ids."""

    name: str
    members: tuple[str, ...]


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


class Notification(Struct, frozen=True, kw_only=True):
    """What a user writes: on which event, when, to whom, in which steps, with which content."""

    name: str
    on: tuple[str, ...]
    category: str
    to: tuple[Target, ...]
    steps: tuple[Step, ...]
    when: Expression | None = None
    expires: timedelta | None = None
    composers: dict[str, dict[str, Composer]]
    """By channel, then by locale."""


# -- what the hub does ---------------------------------------------------------------------------------------------


class Sent(Struct, frozen=True, array_like=True):
    """What a step of a run handed to a channel, and what became of it (None: not known yet)."""

    step: int
    channel: str
    messages: tuple[str, ...]
    outcome: Literal["accepted", "failed"] | None = None


class Entry(Struct, frozen=True, omit_defaults=True):
    """A line in a run's log: what a step decided and why."""

    at: datetime
    step: int
    decision: Literal["continue", "wait", "stop", "send", "end"]
    reason: Reason


class Run(Struct, frozen=True, kw_only=True):
    """One recipient's walk through one notification. It holds a tuple of events: a digest is no special case."""

    key: str
    notification: str
    recipient: str
    events: tuple[Event, ...]
    entered_at: datetime
    """When it came to its present step."""
    step: int = 0
    sent: tuple[Sent, ...] = ()
    log: tuple[Entry, ...] = ()
    tenant: str = "default"


MessageState: TypeAlias = Literal["queued", "sending", "sent", "failed", "expired", "held"]
"""queued: due at a time; sending: an attempt is under way under a lease; sent: a provider accepted it; failed,
expired: ended; held: an attempt ended unknown and the channel's policy is to wait for a person."""


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


# -- decisions -----------------------------------------------------------------------------------------------------


class Continue(Struct, frozen=True):
    """The step is done; go on with the next."""

    reason: Reason


class Wait(Struct, frozen=True):
    """Ask again at ``until``, or sooner when something awaited happens. Waiting is not failing."""

    until: datetime
    reason: Reason
    merge_key: str | None = None
    """Runs that wait under the same key become one, with the events of all."""


class Stop(Struct, frozen=True):
    """The run ends here."""

    reason: Reason


class Send(Struct, frozen=True):
    """Hand the text to these channels, then ask the step again."""

    channels: tuple[str, ...]
    reason: Reason
    awaited: bool = False
    """The step wants to know how the messages end before it continues."""


Decision: TypeAlias = Continue | Wait | Stop | Send


class Situation(Struct, frozen=True):
    """All that a step may look at."""

    run: Run
    recipient: Recipient
    """As they are now."""
    context: Context
    reachable: frozenset[str]
    """The channels that this hub has, this recipient has an address for, and this notification has a text for."""
    now: datetime


class Step(Protocol):
    """One entry of a notification's ``steps``. Pure: the same situation always gives the same decision."""

    def decide(self, situation: Situation) -> Decision:
        """What to do now. Raises LanguageError when an expression fails."""
        ...

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that this step may send to."""
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
    """A kind of message that people know by name."""

    name: str
    title: dict[str, str]
    """By locale."""


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


class Project(Struct, frozen=True, kw_only=True):
    """What ``arauto.yaml`` says."""

    name: str
    locale: str
    time_zone: str
    brand: Brand
    public_url: str | None = None
    private_networks: tuple[str, ...] = ()
    """CIDR ranges that outbound calls may reach although they are not public."""


class Catalogue(Struct, frozen=True, kw_only=True):
    """A project folder, compiled and checked: immutable."""

    version: str
    """A hash of all files of the folder."""
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
