"""Sources: systems that events come from; how their calls are verified and turned into events.

A folder here is a source kind: its ``__init__`` has ``KIND``, a Kind; ``Settings``, a frozen Struct that
``sources/<name>.yaml`` is checked against; and ``compile(name, settings) -> Source``, which raises SettingsFaulty.
A kind whose events come by the clock has ``compile(name, settings, time_zone) -> Schedule`` instead.
Beside it lie ``doc.md`` and ``fixtures/*.json``. The folder is the registration: nothing else lists them.

The modules here are what kinds are made of: ``mapping`` (payloads to events) and ``webhook`` (a whole source);
``cloudevents`` is the hub's own intake, and no kind. How calls are read and verified stands in ``ingress``.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import Protocol

from msgspec import Struct, field

from arauto.decide.ticks import Missed
from arauto.decide.times import Tick
from arauto.ingress import Answer, Path, Request
from arauto.model import JSON


class Draft(Struct, frozen=True, kw_only=True):
    """An event as its source tells it, before the catalogue has checked it."""

    source: str
    id: str
    type: str
    data: JSON
    time: datetime | None = None
    subject: str | None = None
    extensions: dict[str, str] = field(default_factory=dict)


class Kind(Struct, frozen=True):
    """What a source kind is called, and what it knows by itself."""

    title: str
    """As people call it: ``GitHub``."""
    types: tuple[str, ...] = ()
    """The event types that it gives where ``events`` are not configured, as patterns: ``github.*``."""
    by_clock: bool = False
    """Its sources are Schedules: nobody calls them."""


class Source(Protocol):
    """A configured source."""

    name: str
    accepted: Answer
    """What to answer when the events are safely stored; it differs per sender."""
    strict_types: bool
    """What to do with an event whose type is not in the catalogue: refuse it (422), or, when false, accept it and
    record it as ignored. Senders with a vocabulary of their own would take a refusal for a broken endpoint."""
    types: tuple[tuple[Path, str], ...]
    """The event types that its settings name, each with its place there, for the compiler to look up."""

    def prepare(self) -> None:
        """Read its secrets, so that a missing one is found at start; else they are read at the first call.
        Raises SecretMissing, or UsageFault for one that is no key."""
        ...

    def handshake(self, request: Request, now: datetime) -> Answer | None:
        """The answer to a call that only proves who we are (a challenge, a ping), or None for an ordinary call.
        Verifies first where the scheme signs its handshakes. Raises BadSignature or BadPayload."""
        ...

    def verify(self, request: Request, now: datetime) -> None:
        """Over the raw bytes, in constant time. Raises BadSignature."""
        ...

    def events(self, request: Request, now: datetime) -> Sequence[Draft]:
        """The events that this call tells of, perhaps none. Raises BadPayload."""
        ...


class Schedule(Protocol):
    """A configured source that nobody calls: its events come by the clock. Pure."""

    name: str
    rule: str
    """When it ticks, as its settings say it, for people to read."""
    zone: str
    """The IANA zone of its wall-clock times."""
    missed: Missed
    types: tuple[tuple[Path, str], ...]
    """As a Source's."""

    def ticks(self, after: datetime) -> Iterator[Tick]:
        """The ticks after this instant, in order and each instant once; endless unless the rule has an end."""
        ...

    def event(self, at: datetime) -> Draft:
        """The event of the tick at this instant; its id is derived from it. Raises BadPayload."""
        ...


@cache
def names() -> tuple[str, ...]:
    """The source kinds there are: the folders here, and entry points of group ``arauto.sources``."""
    built_in = {module.name for module in pkgutil.iter_modules(__path__) if module.ispkg}
    return tuple(sorted(built_in | {point.name for point in entry_points(group="arauto.sources")}))


@cache
def load(kind: str) -> ModuleType:
    """The module of a source kind, which is one of ``names()``: it has ``Settings`` and ``compile``."""
    for point in entry_points(group="arauto.sources"):
        if point.name == kind:
            return import_module(point.value)
    return import_module(f"{__name__}.{kind}")
