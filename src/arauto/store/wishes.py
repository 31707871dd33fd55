"""What people want, the record of their consent, and the addresses that may not be used any more.

An address is known here only by a keyed hash: a suppression outlives the erasure of the person.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from arauto.model import Consent, Wishes, derive_id
from arauto.store.database import Database, Transaction
from arauto.store.documents import read_consent, read_wishes, to_document, to_micros, to_moment
from arauto.store.records import Suppression
from arauto.store.rows import columns_of

Change = Callable[[Wishes], tuple[Wishes, Sequence[Consent]]]
"""What becomes of a person's wishes, and the consents that prove it."""


class WishesStore(Protocol):
    """Verbs about what people want."""

    async def wishes(self, tenant: str, ids: Collection[str]) -> dict[str, Wishes]:
        """Of those of these people who have said anything."""
        ...

    async def change_wishes(
        self,
        tenant: str,
        recipient: str,
        change: Change,
        *,
        now: datetime,
    ) -> Wishes:
        """Change what a person wants, from what it is at this moment, and keep the consents that prove it."""
        ...

    async def consents(self, tenant: str, recipient: str) -> list[Consent]:
        """The record of a person's consent, oldest first."""
        ...

    async def suppress(self, tenant: str, suppressions: Sequence[Suppression]) -> None:
        """Use these addresses no more; of one that is suppressed already, the first reason stays."""
        ...

    async def release_address(self, tenant: str, hash: str) -> bool:
        """Let an address be used again; False when it was not suppressed."""
        ...

    async def suppressed(self, tenant: str, hashes: Collection[str]) -> dict[str, Suppression]:
        """Of these addresses, those that may not be used."""
        ...


class WishesVerbs:
    """WishesStore over named statements."""

    _database: Database

    async def wishes(self, tenant: str, ids: Collection[str]) -> dict[str, Wishes]:
        """As of the last commit."""
        if not ids:
            return {}
        async with self._database.reading() as reading:
            rows = await reading.rows("wishes", tenant=tenant, ids=list(ids))
        return {id: read_wishes(document) for id, document in rows}

    async def change_wishes(
        self,
        tenant: str,
        recipient: str,
        change: Change,
        *,
        now: datetime,
    ) -> Wishes:
        """Two changes at the same time come one after the other."""
        async with self._database.transaction() as transaction:
            await transaction.rows("lock_keys", keys=[wishes_lock(tenant, recipient)])
            return await apply_change(transaction, tenant, recipient, change, now)

    async def consents(self, tenant: str, recipient: str) -> list[Consent]:
        """In the order in which they were given."""
        async with self._database.reading() as reading:
            rows = await reading.rows("consents", tenant=tenant, recipient=recipient)
        return [read_consent(document) for (document,) in rows]

    async def suppress(self, tenant: str, suppressions: Sequence[Suppression]) -> None:
        """Of two for one address, the first counts."""
        async with self._database.transaction() as transaction:
            await insert_suppressions(transaction, [(tenant, each) for each in suppressions])

    async def release_address(self, tenant: str, hash: str) -> bool:
        """The next bounce suppresses it again."""
        async with self._database.transaction() as transaction:
            return bool(await transaction.rows("release_address", tenant=tenant, hash=hash))

    async def suppressed(self, tenant: str, hashes: Collection[str]) -> dict[str, Suppression]:
        """By hash."""
        if not hashes:
            return {}
        async with self._database.reading() as reading:
            rows = await reading.rows("suppressed", tenant=tenant, hashes=list(hashes))
        return {hash: Suppression(hash, channel, reason, to_moment(at)) for hash, channel, reason, at in rows}


def wishes_lock(tenant: str, recipient: str) -> str:
    """The key under which changes of one person's wishes take turns."""
    return derive_id("wishes", tenant, recipient)


async def apply_change(transaction: Transaction, tenant: str, recipient: str, change: Change, now: datetime) -> Wishes:
    """Change a person's wishes under their lock, and keep the consents."""
    rows = await transaction.rows("wishes", tenant=tenant, ids=[recipient])
    changed, consents = change(read_wishes(rows[0][1]) if rows else Wishes())
    await transaction.rows(
        "put_wishes", tenant=tenant, recipient=recipient, now=to_micros(now), document=to_document(changed)
    )
    if consents:
        kept = [(tenant, recipient, to_micros(each.at), to_document(each)) for each in consents]
        await transaction.many("insert_consents", columns_of(("tenant", "recipient", "at", "document"), kept))
    return changed


async def insert_suppressions(transaction: Transaction, given: Sequence[tuple[str, Suppression]]) -> None:
    """Suppressions by tenant; of two for one address, the first counts."""
    first: dict[tuple[str, str], Suppression] = {}
    for tenant, each in given:
        first.setdefault((tenant, each.hash), each)
    if first:
        rows = [(tenant, hash, each.channel, each.reason, to_micros(each.at)) for (tenant, hash), each in first.items()]
        await transaction.many("suppress", columns_of(("tenant", "hash", "channel", "reason", "at"), rows))
