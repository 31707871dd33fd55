"""A world, compiled: the people, what happens to them, and how they and the providers behave."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypeAlias

from msgspec import Struct

from arauto.model import JSON, QuietHours, ReceiptKind

Profile: TypeAlias = Literal["even", "office", "shop", "evening"]
Weighted: TypeAlias = tuple[tuple[str, float], ...]
"""Names with their shares; the shares need not make 1."""


class People(Struct, frozen=True, kw_only=True):
    """Those who are named by events. All shares are from 0 to 1."""

    count: int
    id: str
    """With ``{number}`` in it."""
    locales: Weighted
    time_zones: Weighted
    addresses: dict[str, float]
    attributes: dict[str, tuple[tuple[JSON, float], ...]] = {}
    quiet: tuple[QuietHours, float] | None = None
    refuse: dict[str, float] = {}
    agree: dict[str, float] = {}


class Follows(Struct, frozen=True, kw_only=True):
    """It comes after another event, with some likelihood and between two times."""

    after: str
    share: float
    earliest: timedelta
    latest: timedelta


class Arrivals(Struct, frozen=True, kw_only=True):
    """How often events of a type come."""

    type: str
    source: str
    per_day: float
    """By themselves, on average over a week."""
    profile: Profile
    follows: tuple[Follows, ...]
    samples: Weighted


class Habit(Struct, frozen=True):
    """What people do with a share of messages, half of them before and half after ``after``."""

    kind: ReceiptKind
    share: float
    after: timedelta


class Behaviour(Struct, frozen=True, kw_only=True):
    """How a channel's providers behave: shares of attempts, and of what was accepted (``bounced``)."""

    takes: timedelta = timedelta()
    later: float = 0.0
    rejected: float = 0.0
    unknown: float = 0.0
    bounced: float = 0.0


class Breakdown(Struct, frozen=True, kw_only=True):
    """A provider does not work, from a time after the beginning on, for so long."""

    channel: str
    provider: str | None
    start: timedelta
    lasts: timedelta
    fails: Literal["rejected", "later", "unknown"] = "later"


class World(Struct, frozen=True, kw_only=True):
    """Everything around a hub."""

    name: str
    """Of its file, such as ``worlds/week.yaml``; empty: it was derived from the project."""
    people: People
    facts: dict[str, str]
    """Where in the data of events something about their person stands: ``customer.email`` → ``email``."""
    arrivals: tuple[Arrivals, ...]
    habits: dict[str, tuple[Habit, ...]]
    """By channel."""
    behaviours: dict[str, Behaviour]
    """By channel."""
    breakdowns: tuple[Breakdown, ...] = ()
