"""recalling: what a hub remembers of a time, as whoever tries a change on it needs it: who there was, what came and
what changed, piece by piece. It looks, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from arauto.decide.wishes import address_hash
from arauto.model import JSON, Catalogue, Recipient, Silence, Wishes
from arauto.store import Store
from arauto.store.history import Change, RecordedEvent, UnderWay


class Dead(Struct, frozen=True):
    """An address that may not be used since a time."""

    channel: str
    address: JSON
    at: datetime
    reason: str


class Span(Struct, frozen=True):
    """The events of a time: those after one sequence, up to another; none where they are the same."""

    after: int
    last: int
    oldest: datetime | None
    """When the oldest event of all that are kept was accepted."""


class People(Struct, frozen=True):
    """A page of those who were known, by id."""

    recipients: tuple[Recipient, ...]
    wishes: dict[str, Wishes]
    """Of those who were no recipients: people of the project's files, mostly."""
    dead: tuple[Dead, ...]
    """Of their addresses, also those that died later; on the first page, of those of the project's files, too."""
    next: str | None


class Piece(Struct, frozen=True):
    """What happened in a stretch of time."""

    events: tuple[RecordedEvent, ...]
    changes: tuple[Change, ...]
    dead: tuple[Dead, ...]
    """Of the addresses in ``changes``, also those that died at another time."""
    until: datetime
    """The end of the stretch."""
    next: int | None
    """What to ask for ``after``; None: this was the last piece."""


class Past(Protocol):
    """What is remembered, here or elsewhere. Each raises StoreUnavailable."""

    async def span(self, since: datetime, until: datetime) -> Span:
        """The events that were accepted from a time, and before another."""
        ...

    async def people(self, at: datetime, after: str | None) -> People: ...

    async def silences(self, at: datetime) -> tuple[Silence, ...]: ...

    async def piece(
        self, after: int, last: int, types: Collection[str], since: datetime, until: datetime, limit: int
    ) -> Piece:
        """At most ``limit`` events of these types after one, and the changes after ``since``: up to the last of the
        events, or, when there are no more, ``until``."""
        ...

    async def under_way(self) -> UnderWay: ...


class Recalling:
    """The Past of a store."""

    def __init__(self, store: Store, tenant: str, addresses: bytes, fixed: Collection[Recipient]) -> None:
        """``addresses`` is the key by which the hub hashes them, ``fixed`` are the people of the project's files."""
        self._store, self._tenant, self._addresses, self._fixed = store, tenant, addresses, fixed

    @classmethod
    async def open(cls, store: Store, catalogue: Catalogue, tenant: str) -> Recalling:
        """Of the store of a hub on which this catalogue is live, with the store's own key."""
        return cls(store, tenant, await store.hub_secret("addresses"), catalogue.recipients.values())

    async def span(self, since: datetime, until: datetime) -> Span:
        """By their sequences."""
        first, _ = await self._store.first_event_since(since)
        beyond, _ = await self._store.first_event_since(until)
        return Span(first - 1, max(beyond, first) - 1, await self._store.oldest_event())

    async def people(self, at: datetime, after: str | None) -> People:
        """Some hundreds at a time."""
        found = await self._store.people_then(self._tenant, at, after=after, limit=500)
        fixed = self._fixed if after is None else ()
        dead = await self._dead((*found.recipients, *fixed))
        return People(found.recipients, found.wishes, dead, found.next)

    async def silences(self, at: datetime) -> tuple[Silence, ...]:
        """All that there were, those that were over too."""
        return tuple(await self._store.silences_then(self._tenant, at))

    async def piece(
        self, after: int, last: int, types: Collection[str], since: datetime, until: datetime, limit: int
    ) -> Piece:
        """In one look each."""
        events, more = await self._store.events_since(self._tenant, after=after, last=last, types=types, limit=limit)
        # Where a clock was set back, an event may have come before the end of the piece before.
        end = max(since, events[-1].received_at) if more else until
        changes = await self._store.changes(self._tenant, since, end)
        dead = await self._dead(change.recipient for change in changes if change.recipient is not None)
        return Piece(tuple(events), tuple(changes), dead, end, events[-1].sequence if more else None)

    async def under_way(self) -> UnderWay:
        """Of all tenants."""
        return await self._store.under_way()

    async def _dead(self, recipients: Iterable[Recipient]) -> tuple[Dead, ...]:
        places = {
            address_hash(self._addresses, channel, address): (channel, address)
            for recipient in recipients
            for channel, addresses in recipient.addresses.items()
            for address in addresses
        }
        found = await self._store.suppressed(self._tenant, places)
        return tuple(Dead(*places[hash], each.at, each.reason) for hash, each in sorted(found.items()))
