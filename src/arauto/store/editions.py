"""Editions: the versions of the catalogue that have begun runs, as files from which they can be compiled again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from arauto.store.database import Database
from arauto.store.documents import to_micros


class EditionsStore(Protocol):
    """Verbs about versions of the catalogue."""

    async def versions(self) -> list[str]:
        """Those that are kept."""
        ...

    async def edition(self, version: str) -> bytes | None:
        """The packed files of a version."""
        ...

    async def keep_edition(self, version: str, files: bytes, *, now: datetime) -> None:
        """Keep a version, which is served now; of one that is there, only note that."""
        ...

    async def drop_editions(self, *, before: datetime, keep: Collection[str]) -> list[str]:
        """Drop the versions that were last served before this, but for these and those of runs that wait and of
        messages that are not settled; returns which."""
        ...


class EditionsVerbs:
    """EditionsStore over named statements."""

    _database: Database

    async def versions(self) -> list[str]:
        """As of the last commit."""
        async with self._database.reading() as reading:
            return [version for (version,) in await reading.rows("versions")]

    async def edition(self, version: str) -> bytes | None:
        """As of the last commit."""
        async with self._database.reading() as reading:
            rows = await reading.rows("edition", version=version)
        return bytes(rows[0][0]) if rows else None

    async def keep_edition(self, version: str, files: bytes, *, now: datetime) -> None:
        """The files of a version never change: it is a hash of them."""
        async with self._database.transaction() as transaction:
            await transaction.rows("keep_edition", version=version, files=files, now=to_micros(now))

    async def drop_editions(self, *, before: datetime, keep: Collection[str]) -> list[str]:
        """Whoever serves a version says so again and again: so none is dropped whose runs are only being begun."""
        needed = {version for (version,) in await self._database.survey("versions_under_way")}
        async with self._database.transaction() as transaction:
            rows = await transaction.rows("drop_editions", before=to_micros(before), keep=sorted(needed.union(keep)))
        return [version for (version,) in rows]
