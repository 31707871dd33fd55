"""Sources: systems that events come from; how their calls are verified and turned into events.

A folder here is a source kind: its ``__init__`` has ``Settings``, a frozen Struct that ``sources/<name>.yaml`` is
checked against, and ``compile(name, settings) -> Source``. The folder is the registration: nothing else lists them.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import Protocol

from msgspec import Struct, field

from arauto.model import JSON


class Request(Struct, frozen=True, kw_only=True):
    """An inbound HTTP request, whole."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    """Decoded, in order."""
    headers: tuple[tuple[str, str], ...]
    """Names in lower case, values as Latin-1 text, in order."""
    body: bytes
    """The raw bytes, as signed."""
    url: str
    """The public URL that the sender called, for schemes that sign it."""


class Draft(Struct, frozen=True, kw_only=True):
    """An event as its source tells it, before the catalogue has checked it."""

    source: str
    id: str
    type: str
    data: JSON
    time: datetime | None = None
    subject: str | None = None
    extensions: dict[str, str] = field(default_factory=dict)


class Answer(Struct, frozen=True):
    """What to answer a sender."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


class Source(Protocol):
    """A configured source."""

    name: str
    accepted: Answer
    """What to answer when the events are safely stored; it differs per sender."""

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
