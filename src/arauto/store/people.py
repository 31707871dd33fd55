"""Recipients, their inboxes, and the people and machines that use the hub."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from arauto.model import Receipt, Recipient, Wishes
from arauto.store.database import Database
from arauto.store.documents import (
    inbox_item,
    optional,
    read_key,
    read_recipient,
    read_wishes,
    to_document,
    to_micros,
)
from arauto.store.pages import before, page
from arauto.store.receipts import keep_receipts, nothing_follows
from arauto.store.records import (
    ApiKey,
    Marked,
    Page,
    Rejection,
)
from arauto.store.rows import (
    put_recipients,
)


class People:
    """Recipients, their inboxes, and the people and machines that use the hub."""

    _database: Database

    async def recipients(self, tenant: str, ids: Collection[str]) -> dict[str, Recipient]:
        """Those that there are, by id."""
        if not ids:
            return {}
        async with self._database.reading() as reading:
            rows = await reading.rows("recipients", tenant=tenant, ids=list(ids))
        return {
            id: msgspec.structs.replace(read_recipient(document), wishes=optional(read_wishes, wishes) or Wishes())
            for id, document, wishes in rows
        }

    async def list_recipients(self, tenant: str, *, after: str | None, limit: int) -> Page:
        """The cursor is the last id."""
        async with self._database.reading() as reading:
            rows = await reading.rows("list_recipients", tenant=tenant, after=after or "", limit=limit + 1)
        return page(rows, limit, lambda row: read_recipient(row[1]))

    async def put_recipients(self, tenant: str, recipients: Sequence[Recipient], *, now: datetime) -> None:
        """Of two with one id, the last counts."""
        async with self._database.transaction() as transaction:
            await put_recipients(transaction, [(tenant, recipient) for recipient in recipients], now)

    async def delete_recipient(self, tenant: str, id: str, *, now: datetime) -> bool:
        """False when there is none."""
        async with self._database.transaction() as transaction:
            await transaction.rows("keep_deleted", tenant=tenant, id=id, now=to_micros(now))
            return bool(await transaction.rows("delete_recipient", tenant=tenant, id=id))

    async def inbox(self, tenant: str, recipient: str, *, after: str | None, limit: int, unread: bool) -> Page:
        """With ``unread``, what was read is left out."""
        async with self._database.reading() as reading:
            rows = await reading.rows(
                "inbox",
                tenant=tenant,
                recipient=recipient,
                before=before(after),
                unread=int(unread),
                limit=limit + 1,
            )
        return page(rows, limit, lambda row: inbox_item(row, tenant, recipient))

    async def inbox_counts(self, tenant: str, recipient: str) -> Mapping[str, int]:
        """Both are there, even when zero."""
        async with self._database.reading() as reading:
            ((read, total),) = await reading.rows("inbox_counts", tenant=tenant, recipient=recipient)
        return {"read": read, "unread": total - read}

    async def mark_inbox(
        self, tenant: str, recipient: str, ids: Collection[str] | None, *, read: bool, now: datetime
    ) -> Marked:
        """What is so already keeps the time at which it became so."""
        parameters: dict[str, object] = {
            "tenant": tenant,
            "recipient": recipient,
            "read_at": to_micros(now) if read else None,
        }
        async with self._database.transaction() as transaction:
            if ids is None:
                rows = await transaction.rows("mark_whole_inbox", **parameters)
            else:
                rows = await transaction.rows("mark_inbox", **parameters, ids=list(ids))
            woken = False
            if rows and read:
                marked = await transaction.rows("ids_of_messages", messages=[message for (message,) in rows])
                receipts = [Receipt(message=id, kind="read", at=now) for (id,) in marked]
                woken = (await keep_receipts(transaction, receipts, nothing_follows, now)).woken
        return Marked(len(rows), woken)

    async def put_key(self, key: ApiKey) -> None:
        """Overwrites the key of this tenant with this id."""
        async with self._database.transaction() as transaction:
            await transaction.rows(
                "put_key",
                id=key.id,
                tenant=key.tenant,
                hash=key.hash,
                revoked_at=optional(to_micros, key.revoked_at),
                document=to_document(key),
            )

    async def keys(self, tenant: str) -> list[ApiKey]:
        """By id."""
        async with self._database.reading() as reading:
            return [read_key(*row) for row in await reading.rows("keys", tenant=tenant)]

    async def find_key(self, hash: str) -> ApiKey | None:
        """Of any tenant: the hash is keyed and unique."""
        async with self._database.reading() as reading:
            rows = await reading.rows("find_key", hash=hash)
        return read_key(*rows[0]) if rows else None

    async def revoke_key(self, tenant: str, id: str, *, now: datetime) -> bool:
        """False when there is none, or it was revoked before."""
        async with self._database.transaction() as transaction:
            return bool(await transaction.rows("revoke_key", tenant=tenant, id=id, now=to_micros(now)))

    async def hub_secret(self, name: str) -> bytes:
        """Of nodes that make it at the same time, all get the same."""
        async with self._database.transaction() as transaction:
            await transaction.rows("insert_hub_secret", name=name, value=secrets.token_bytes(32))
            ((value,),) = await transaction.rows("hub_secret", name=name)
        return bytes(value)

    async def record_rejections(self, rejections: Sequence[Rejection], *, keep: int) -> None:
        """The trimming counts those of all tenants."""
        columns = {
            "tenant": [rejection.tenant for rejection in rejections],
            "document": [to_document(rejection) for rejection in rejections],
        }
        async with self._database.transaction() as transaction:
            if rejections:
                await transaction.many("insert_rejections", columns)
            await transaction.rows("trim_rejections", keep=keep)
