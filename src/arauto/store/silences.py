"""Silences: times in which messages are held or dropped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from arauto.decide.silences import hold_key
from arauto.model import Silence, derive_id
from arauto.store.database import Database
from arauto.store.documents import optional, read_silence, to_document, to_micros
from arauto.store.holds import free


class Held(Struct, frozen=True):
    """How much a silence holds now."""

    runs: int = 0
    messages: int = 0
    """Those that were queued when it began."""


class SilencesStore(Protocol):
    """Verbs about silences."""

    async def silences(self, tenant: str) -> list[Silence]:
        """All of them, those that are over too, by id."""
        ...

    async def silences_in_force(self, tenant: str, now: datetime) -> list[Silence]:
        """Those that are not over, by id: what holds now, and what is to come."""
        ...

    async def silence(self, tenant: str, id: str) -> Silence | None: ...

    async def put_silence(self, tenant: str, silence: Silence, *, now: datetime) -> None:
        """Overwrites the silence with this id. What the one that was there held is due at once."""
        ...

    async def delete_silence(self, tenant: str, id: str, *, now: datetime) -> bool:
        """False when there is none. What it held is due at once."""
        ...

    async def held(self, tenant: str) -> Mapping[str, Held]:
        """How much each silence holds, by its id; those that hold nothing are left out."""
        ...


class SilencesVerbs:
    """SilencesStore over named statements."""

    _database: Database

    async def silences(self, tenant: str) -> list[Silence]:
        """As of the last commit."""
        async with self._database.reading() as reading:
            return [read_silence(document) for (document,) in await reading.rows("silences", tenant=tenant)]

    async def silences_in_force(self, tenant: str, now: datetime) -> list[Silence]:
        """As of the last commit."""
        async with self._database.reading() as reading:
            rows = await reading.rows("silences_in_force", tenant=tenant, now=to_micros(now))
        return [read_silence(document) for (document,) in rows]

    async def silence(self, tenant: str, id: str) -> Silence | None:
        """As of the last commit."""
        async with self._database.reading() as reading:
            rows = await reading.rows("silence", tenant=tenant, id=id)
        return read_silence(rows[0][1]) if rows else None

    async def put_silence(self, tenant: str, silence: Silence, *, now: datetime) -> None:
        """What it concerns is asked whenever something is sent."""
        await self._change(tenant, silence.id, silence, now)

    async def delete_silence(self, tenant: str, id: str, *, now: datetime) -> bool:
        """In one transaction with waking what it held."""
        return await self._change(tenant, id, None, now)

    async def _change(self, tenant: str, id: str, silence: Silence | None, now: datetime) -> bool:
        """Put a silence in the place of the one with this id, or none; True when there was one."""
        async with self._database.transaction() as transaction:
            # Two who change one silence take turns, so that each frees what the other's version held.
            await transaction.rows("lock_keys", keys=[derive_id("silence", tenant, id)])
            there = [hold for hold, _ in await transaction.rows("silence", tenant=tenant, id=id)]
            await transaction.rows("lock_keys", keys=there)
            if silence is None:
                await transaction.rows("keep_deleted_silence", tenant=tenant, id=id, now=to_micros(now))
                await transaction.rows("delete_silence", tenant=tenant, id=id)
            else:
                await transaction.rows(
                    "put_silence",
                    tenant=tenant,
                    id=id,
                    hold=hold_key(tenant, silence),
                    ends_at=optional(to_micros, silence.end),
                    now=to_micros(now),
                    document=to_document(silence),
                )
            if silence is None or there != [hold_key(tenant, silence)]:
                await free(transaction, there, now)
        return bool(there)

    async def held(self, tenant: str) -> Mapping[str, Held]:
        """By the index of what is held alone."""
        async with self._database.reading() as reading:
            found = [read_silence(document) for (document,) in await reading.rows("silences", tenant=tenant)]
            ids = {hold_key(tenant, silence): silence.id for silence in found}
            runs = dict(await reading.rows("count_held_runs", keys=sorted(ids)))
            messages = dict(await reading.rows("count_held_messages", keys=sorted(ids)))
        return {
            id: Held(runs.get(hold, 0), messages.get(hold, 0))
            for hold, id in ids.items()
            if hold in runs or hold in messages
        }
