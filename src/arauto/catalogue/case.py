"""A test case, compiled: what happens when, and which messages are received then."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct

from arauto.catalogue.document import Path
from arauto.model import JSON, Catalogue, ReceiptKind, Recipient, Silence, Wishes
from arauto.sources import Draft


class Of(Struct, frozen=True):
    """Which message an answer is about."""

    to: str | None = None
    by: str | None = None
    notification: str | None = None


class Comes(Struct, frozen=True):
    """An event comes."""

    draft: Draft


class Answers(Struct, frozen=True):
    """A provider or a person answers about a message."""

    kind: ReceiptKind
    of: Of
    permanent: bool


class Wants(Struct, frozen=True):
    """People want this from now on."""

    wishes: dict[str, Wishes]


class Silences(Struct, frozen=True):
    """A silence begins."""

    silence: Silence


class Fails(Struct, frozen=True):
    """A provider stops working."""

    channel: str
    fails: Literal["rejected", "later", "unknown"]
    provider: str | None
    times: int | None
    until: datetime | None


class Changes(Struct, frozen=True):
    """Another version of the project goes live."""

    catalogue: Catalogue


What: TypeAlias = Comes | Answers | Wants | Silences | Fails | Changes


class Happening(Struct, frozen=True):
    """Something that happens at a time."""

    at: datetime
    what: What
    line: int


class Expected(Struct, frozen=True, kw_only=True):
    """A message that is received; what is None may be anything."""

    line: int
    earliest: datetime | None = None
    latest: datetime | None = None
    """It is no more in time at this moment."""
    when: str | None = None
    """``at`` or ``between`` as it is written."""
    to: str | None = None
    by: str | None = None
    notification: str | None = None
    language: str | None = None
    kind: str | None = None
    provider: str | None = None
    title: str | None = None
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    content: dict[str, JSON] = {}


class Case(Struct, frozen=True, kw_only=True):
    """What happens, and what is to be received then."""

    name: str
    file: str
    line: int
    path: Path
    """Where in its file it stands."""
    start: datetime
    zone: str
    until: datetime | None
    recipients: tuple[Recipient, ...]
    wishes: dict[str, Wishes]
    happenings: tuple[Happening, ...]
    expected: tuple[Expected, ...]
    others_allowed: bool

    @property
    def named_until(self) -> datetime:
        """The last time that the case names."""
        times = [self.start, *(each.at for each in self.happenings)]
        times += [each.latest for each in self.expected if each.latest is not None]
        return max(times) if self.until is None else max(self.until, self.start)
