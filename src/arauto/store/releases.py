"""Releases: which version of the project is live, and which were before it, with their files and who made them so."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

from msgspec import Struct

from arauto.model import JSON
from arauto.store.database import Database, Transaction
from arauto.store.documents import optional, read_json, to_document, to_micros, to_moment
from arauto.store.packing import packed, unpacked
from arauto.store.pages import before, page
from arauto.store.records import Page

FILES_KEPT = 50
"""Of so many releases, the newest, the files and the plan are kept; of older ones, only who, when and which."""

How = Literal["serve", "apply", "rollback"]
"""serve: a hub was started on the folder; apply: a folder was applied; rollback: an earlier version was taken back."""


class Release(Struct, frozen=True, kw_only=True):
    """A version of the project that was made live."""

    number: int
    """The newest is the live one."""
    version: str
    at: datetime
    by: str
    how: How
    replaces: str | None
    """The version that was live before."""
    plan: JSON = None
    """What was shown of its consequences beforehand, where somebody looked."""
    kept: bool = True
    """Its files are there, so that it can be taken back."""


class ReleasesStore(Protocol):
    """Verbs about releases."""

    async def live_release(self) -> Release | None:
        """The newest, without its plan; None before the first."""
        ...

    async def release(self, version: str) -> Release | None:
        """The newest release of this version, with its plan."""
        ...

    async def versions_like(self, prefix: str) -> list[str]:
        """The versions that were ever live and begin like this, in order."""
        ...

    async def releases(self, *, after: str | None, limit: int) -> Page:
        """Newest first; items are Release, without their plans."""
        ...

    async def release_files(self, version: str) -> dict[str, bytes] | None:
        """The files of a version, by name, where they are kept."""
        ...

    async def releases_naming(self, id: str) -> list[str]:
        """The versions of whose releases an erasure of this person would drop something: files, or a plan."""
        ...

    async def put_release(
        self,
        version: str,
        files: Mapping[str, bytes],
        *,
        by: str,
        how: How,
        expected: str | None,
        now: datetime,
        plan: JSON = None,
        forget: bool = False,
    ) -> Release | None:
        """Make a version live, if the one that is live now is ``expected`` (None: there is none yet), and let go of the
        files of that one where it is to be forgotten. None where it is not: somebody else was faster, and nothing was
        changed."""
        ...


class ReleasesVerbs:
    """ReleasesStore over named statements."""

    _database: Database

    async def live_release(self) -> Release | None:
        """As of the last commit."""
        async with self._database.reading() as reading:
            rows = await reading.rows("live_release")
        return _release(rows[0]) if rows else None

    async def release(self, version: str) -> Release | None:
        """As of the last commit."""
        async with self._database.reading() as reading:
            rows = await reading.rows("release", version=version)
        return _release(rows[0]) if rows else None

    async def versions_like(self, prefix: str) -> list[str]:
        """Of all releases: few."""
        async with self._database.reading() as reading:
            return [version for (version,) in await reading.rows("versions_like", prefix=prefix)]

    async def releases(self, *, after: str | None, limit: int) -> Page:
        """As of the last commit."""
        async with self._database.reading() as reading:
            rows = await reading.rows("releases", before=before(after), limit=limit + 1)
        return page(rows, limit, _release)

    async def release_files(self, version: str) -> dict[str, bytes] | None:
        """As of the last commit."""
        async with self._database.reading() as reading:
            rows = await reading.rows("release_files", version=version)
        return await asyncio.to_thread(unpacked, bytes(rows[0][0])) if rows else None

    async def releases_naming(self, id: str) -> list[str]:
        """Reads all that are kept."""
        async with self._database.reading() as reading:
            versions, plans = await _naming(reading, id)
        return sorted({*versions, *(version for _, version in plans)})

    async def put_release(
        self,
        version: str,
        files: Mapping[str, bytes],
        *,
        by: str,
        how: How,
        expected: str | None,
        now: datetime,
        plan: JSON = None,
        forget: bool = False,
    ) -> Release | None:
        """Two who come at the same time would have the same number, which only one gets."""
        whole = await asyncio.to_thread(packed, files)
        async with self._database.transaction() as transaction:
            rows = await transaction.rows("live_release")
            live = _release(rows[0]) if rows else None
            if (live and live.version) != expected:
                return None
            release = Release(
                number=live.number + 1 if live else 1,
                version=version,
                at=now,
                by=by,
                how=how,
                replaces=expected,
                plan=plan,
            )
            if not await transaction.rows(
                "put_release",
                number=release.number,
                version=version,
                at=to_micros(now),
                who=by,
                how=how,
                replaces=expected,
                plan=optional(to_document, plan),
            ):
                return None
            await transaction.rows("keep_release_files", version=version, files=whole)
            oldest = release.number - FILES_KEPT
            await transaction.rows("drop_old_release_files", oldest=oldest)
            await transaction.rows("drop_old_plans", oldest=oldest)
            if forget and expected is not None:
                await _drop(transaction, expected)
        return release


async def clear_releases(transaction: Transaction, id: str) -> int:
    """Drop what releases say of somebody: the files of those that are not live any more, and the plans of all that name
    them. Returns how many were concerned."""
    versions, plans = await _naming(transaction, id)
    for version in versions:
        await _drop(transaction, version)
    for number, _ in plans:
        await transaction.rows("drop_plan", number=number)
    return len(versions) + len(plans)


async def _naming(transaction: Transaction, id: str) -> tuple[list[str], list[tuple[int, str]]]:
    """The versions that are not live and whose files name somebody, and the numbers and versions of the releases whose
    plans do."""
    named = re.compile(rb"(?<![\w.@-])" + re.escape(id.encode()) + rb"(?![\w@-])")
    live = [row[1] for row in await transaction.rows("live_release")]
    versions: list[str] = []
    for (version,) in await transaction.rows("versions_with_files"):
        if version not in live:
            ((whole,),) = await transaction.rows("release_files", version=version)
            if any(named.search(raw) for raw in unpacked(bytes(whole)).values()):
                versions.append(version)
    plans = [
        (number, version)
        for number, version, plan in await transaction.rows("plans")
        if version not in versions and named.search(plan.encode())
    ]
    return versions, plans


async def _drop(transaction: Transaction, version: str) -> None:
    await transaction.rows("drop_release_files", version=version)
    await transaction.rows("drop_plans_of", version=version)


def _release(row: Any) -> Release:
    """From the columns number, version, at, who, how, replaces, kept and perhaps plan."""
    number, version, at, who, how, replaces, kept, *plan = row
    return Release(
        number=number,
        version=version,
        at=to_moment(at),
        by=who,
        how=how,
        replaces=replaces,
        plan=optional(read_json, plan[0]) if plan else None,
        kept=bool(kept),
    )
