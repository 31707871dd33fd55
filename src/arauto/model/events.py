"""What happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Protocol

from msgspec import Struct, field

from arauto.model.basics import JSON, derive_id

HOPS = "arautohops"
"""The CloudEvents extension that counts how often what an event tells has gone out of a hub by webhook; also a header
(``ce-arautohops``) of every such call."""

MOST_ATTRIBUTE = 512
"""So many characters an event's id, source or subject has at most."""

MOST_HOPS = 5
"""An event that has made more is refused: it goes round in a loop."""


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

    @property
    def hops(self) -> int:
        """How often what it tells has gone out of a hub by webhook."""
        return hops_told(self.extensions.get(HOPS))


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


def hops_told(text: str | None) -> int:
    """The number that an ``arautohops`` gives; 0 for none, and for what is no number from 0 to 999."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 3 else 0
