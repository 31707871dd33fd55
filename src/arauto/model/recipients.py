"""Who hears of it, and what they want."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from arauto.model.basics import JSON

if TYPE_CHECKING:
    from arauto.model.notifications import Expression


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
