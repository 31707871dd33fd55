"""Silences: times in which messages are held or dropped."""

from __future__ import annotations

from typing import Protocol

from arauto.model import Silence
from arauto.store.database import Database
from arauto.store.documents import read_silence, to_document


class SilencesStore(Protocol):
    """Verbs about silences."""

    async def silences(self, tenant: str) -> list[Silence]:
        """All of them, those that are over too, by id."""
        ...

    async def put_silence(self, tenant: str, silence: Silence) -> None:
        """Overwrites the silence with this id."""
        ...

    async def delete_silence(self, tenant: str, id: str) -> bool:
        """False when there is none."""
        ...


class SilencesVerbs:
    """SilencesStore over named statements."""

    _database: Database

    async def silences(self, tenant: str) -> list[Silence]:
        """As of the last commit."""
        async with self._database.reading() as reading:
            return [read_silence(document) for (document,) in await reading.rows("silences", tenant=tenant)]

    async def put_silence(self, tenant: str, silence: Silence) -> None:
        """What it concerns is asked whenever something is sent."""
        async with self._database.transaction() as transaction:
            await transaction.rows("put_silence", tenant=tenant, id=silence.id, document=to_document(silence))

    async def delete_silence(self, tenant: str, id: str) -> bool:
        """What it held is asked again when it would have ended."""
        async with self._database.transaction() as transaction:
            return bool(await transaction.rows("delete_silence", tenant=tenant, id=id))
