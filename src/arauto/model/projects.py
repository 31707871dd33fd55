"""A whole project, and what holds in it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from msgspec import Struct, field

from arauto.model.events import EventType, SchemaCheck
from arauto.model.notifications import Composer, Listener, Notification
from arauto.model.recipients import Group, Recipient


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


class Price(Struct, frozen=True, kw_only=True):
    """What a provider charges."""

    amount: Decimal
    currency: str
    """Its code of ISO 4217."""
    per: Literal["message", "segment"] = "message"


class ProviderConfig(Struct, frozen=True, kw_only=True):
    """A provider of a channel, as configured."""

    name: str
    kind: str
    settings: Struct
    price: Price | None = None


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
    """A hash of the files of the folder."""
    files: dict[str, bytes] = field(default_factory=dict)
    """The same files, by name; those of the test cases are not among them."""
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
