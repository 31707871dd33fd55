"""Channels (the form a message takes) and their providers (who carries it).

A folder here is a channel: its ``__init__`` has ``channel``, a Channel. Every other module in the folder is a
provider: it has ``Settings``, a frozen Struct that the project's YAML is checked against, ``Provider``, and, where it
tells later what became of messages, ``Receiver``. The folder is the registration: nothing else lists them.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from msgspec import Struct

from arauto.errors import BadPayload, TextFaulty
from arauto.errors import Diagnostic as TextFault
from arauto.ingress import Request
from arauto.model import JSON, Brand, Composer, Receipt, RetryPolicy

if TYPE_CHECKING:
    from arauto.egress import Egress
    from arauto.language.types import Longest


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


@runtime_checkable
class Limited(Protocol):
    """A Composer that knows how much its channel takes."""

    def excesses(self, longest: Longest) -> Iterable[TextFault]:
        """Where the longest messages that its text can make are longer than that; each says what they are made of."""
        ...


class Tracking(Struct, frozen=True):
    """How a mail tells that it was opened and which of its links were followed."""

    pixel: str
    """The URL of an image of one pixel."""
    link: Callable[[str], str]
    """Of a link's URL, the URL that leads there by way of the hub."""


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
    receipts_url: str | None = None
    """Where the provider is to call back, for those that are told with each message; without a query."""
    unsubscribe_url: str | None = None
    """Where this recipient ends messages of this category by one POST (RFC 8058), for channels that can say so."""
    tracking: Tracking | None = None
    """None: the recipient's reading is their own business."""
    hops: int = 0
    """How often what it tells had gone out of a hub by webhook before."""


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


class Receiver(Protocol):
    """Makes receipts of a provider's call-backs. Built as ``Receiver(settings, egress)``; safe for concurrent use.

    Calls come twice, late, in any order, and before the answer to the sending itself was noted: each is read by
    itself, and whoever keeps receipts tells old from new.
    """

    async def receive(self, call: Request, now: datetime) -> Sequence[Receipt]:
        """The receipts that a genuine call tells of, perhaps none; 200 without a body is the answer once they are
        kept. Raises BadSignature or BadPayload, and IntakeError with status 503 when it is to be told again."""
        ...

    async def confirm(self, call: Request, now: datetime) -> None:
        """Show the person behind a call that it was heard, after its receipts were kept. Raises nothing: where it
        fails, they see no change and press again."""


def receipts_off(setting: str) -> BadPayload:
    """What a Receiver raises that lacks what it would verify calls with."""
    detail = f"receipts are not switched on here; give the provider the setting {setting}"
    return BadPayload("receipts_off", detail, status=404)


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


def in_segments(name: str) -> bool:
    """Messages of the channel are counted in segments: its form says ``segmented``, and each body its ``segments``."""
    return bool(getattr(load(name), "segmented", False))


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


def receiver(channel: str, kind: str, settings: Struct, egress: Egress) -> Receiver | None:
    """What receives the call-backs of a provider; None where it has none. Raises UsageFault for a key that is none."""
    module = provider(channel, kind)
    made: Receiver | None = module.Receiver(settings, egress) if hasattr(module, "Receiver") else None
    return made


__all__ = [
    "SEND_DEADLINE",
    "Accepted",
    "Channel",
    "Delivery",
    "Limited",
    "Provider",
    "Receiver",
    "Source",
    "TextFault",
    "TextFaulty",
    "TextSources",
    "Tracking",
    "build",
    "in_segments",
    "load",
    "names",
    "provider",
    "providers",
    "receipts_off",
    "receiver",
]
