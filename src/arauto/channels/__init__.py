"""Channels (the form a message takes) and their providers (who carries it).

A folder here is a channel: its ``__init__`` has ``channel``, a Channel. Every other module in the folder is a
provider: it has ``Settings``, a frozen Struct that the project's YAML is checked against, and ``Provider``.
The folder is the registration: nothing else lists them.
"""

from __future__ import annotations

import pkgutil
from datetime import datetime, timedelta
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from msgspec import Struct

from arauto.errors import Diagnostic as TextFault
from arauto.errors import TextFaulty
from arauto.model import JSON, Brand, Composer, RetryPolicy

if TYPE_CHECKING:
    from arauto.egress import Egress


class Source(Struct, frozen=True):
    """A content file: where it is, and its text."""

    file: str
    text: str


class TextSources(Struct, frozen=True, kw_only=True):
    """The files that a channel may make one message's text from."""

    locale: str
    content: Source | None
    """``content.<locale>.md``."""
    override: Source | None = None
    """``<channel>.<locale>.<suffix>`` or ``<channel>.<suffix>``: this channel's own words."""
    folder: str
    """The notification's folder, for images named by a relative path."""


class Channel(Protocol):
    """The form that messages of one kind take."""

    override_suffix: ClassVar[str | None]
    """The file name ending of this channel's own text (``mjml``, ``txt``, ``json``), or None."""
    retry: ClassVar[RetryPolicy]
    """The policy where the project gives none."""
    concurrency: ClassVar[int]
    needs_content: ClassVar[bool]
    """False for a channel that has something to say without any text (webhook)."""

    def check_address(self, address: JSON) -> JSON:
        """The address in its one canonical form. Raises ValueError, which says what is allowed."""
        ...

    def compile(self, sources: TextSources, brand: Brand) -> Composer:
        """Compile one text. Raises TextFaulty with every fault and its place in its file."""
        ...


class Delivery(Struct, frozen=True, kw_only=True):
    """What a provider is given: one attempt at one message."""

    message_id: str
    """Stays the same over all attempts; ``[A-Za-z0-9_-]+``, fit for an idempotency key, webhook-id or Message-ID."""
    attempt: int
    address: JSON
    body: Any
    """The channel's native form, as its Composer made it."""
    now: datetime
    expires_at: datetime


class Accepted(Struct, frozen=True):
    """The provider has the message."""

    answer: str
    """What it said, shortened, without secrets: ``201 queued``."""
    reference: str | None = None
    """Its own id of the message, by which receipts will name it."""


class Provider(Protocol):
    """Carries messages of one channel. Built as ``Provider(settings, egress)``; safe for concurrent use."""

    def request(self, delivery: Delivery) -> str:
        """What ``send`` will call, for ``explain``: one short line without secrets or personal data."""
        ...

    async def send(self, delivery: Delivery) -> Accepted:
        """Hand it over. Raises Rejected, Retry or Ambiguous; anything else is a bug and counts as Retry."""
        ...

    async def close(self) -> None:
        """Close pooled connections."""
        ...


SEND_DEADLINE = timedelta(seconds=30)
"""A provider's ``send`` ends within this time, by an answer or by an exception; leases are longer."""


@cache
def names() -> tuple[str, ...]:
    """The channels there are: the folders here, and entry points of group ``arauto.channels``."""
    built_in = {module.name for module in pkgutil.iter_modules(__path__) if module.ispkg}
    return tuple(sorted(built_in | {point.name for point in entry_points(group="arauto.channels")}))


@cache
def _package(name: str) -> ModuleType:
    for point in entry_points(group="arauto.channels"):
        if point.name == name:
            return import_module(point.value)
    return import_module(f"{__name__}.{name}")


def load(name: str) -> Channel:
    """The channel of this name, which is one of ``names()``."""
    channel: Channel = _package(name).channel
    return channel


@cache
def providers(channel: str) -> tuple[str, ...]:
    """The providers of a channel: the public modules of its folder that have a ``Provider``, by name."""
    modules = pkgutil.iter_modules(_package(channel).__path__)
    return tuple(sorted(module.name for module in modules if not module.name.startswith("_")))


def provider(channel: str, kind: str) -> ModuleType:
    """The module of a provider, which has ``Settings`` and ``Provider``."""
    return import_module(f"{_package(channel).__name__}.{kind}")


def build(channel: str, kind: str, settings: Struct, egress: Egress) -> Provider:
    """A provider ready to send."""
    built: Provider = provider(channel, kind).Provider(settings, egress)
    return built


__all__ = [
    "SEND_DEADLINE",
    "Accepted",
    "Channel",
    "Delivery",
    "Provider",
    "Source",
    "TextFault",
    "TextFaulty",
    "TextSources",
    "build",
    "load",
    "names",
    "provider",
    "providers",
]
