"""The Store, written once over named statements; what differs between databases is in their SQL."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from arauto.errors import UsageFault
from arauto.model import JSON, MessageState, Recipient
from arauto.store import (
    ApiKey,
    Appended,
    Claim,
    Counts,
    DueRun,
    NewEvent,
    Page,
    Pending,
    PlanRecord,
    Rejection,
    RunRecord,
    Settlement,
    StoredEvent,
    StoredMessage,
    Story,
)
from arauto.store.database import Database, Rows
from arauto.store.documents import (
    inbox_item,
    optional,
    read_event,
    read_key,
    read_recipient,
    read_rejection,
    stored_event,
    stored_message,
    to_document,
    to_micros,
    to_moment,
)
from arauto.store.rows import (
    due_column,
    insert_belongings,
    insert_runs,
    keep_late,
    load_runs,
    put_recipients,
    read_claims,
    run_columns,
)

_ENDED = ("sent", "failed", "expired")
_LAST = 2**63 - 1


class RelationalStore:
    """A Store over a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.exclusive = database.exclusive

    # -- the way of an event ---------------------------------------------------------------------------------------

    async def append_events(
        self, events: Sequence[NewEvent], *, owner: str, now: datetime, lease_until: datetime
    ) -> list[Appended]:
        """Two statements at most: what is new is inserted; of what was there, the hashes are read."""
        keys = [new.event.key for new in events]
        first: dict[str, NewEvent] = {}
        for key, new in zip(keys, events, strict=True):
            first.setdefault(key, new)
        if not first:
            return []
        columns = {
            "key": list(first),
            "tenant": [new.event.tenant for new in first.values()],
            "id": [new.event.id for new in first.values()],
            "type": [new.event.type for new in first.values()],
            "body_hash": [new.body_hash for new in first.values()],
            "document": [to_document(new.event) for new in first.values()],
        }
        shared = {"now": to_micros(now), "owner": owner, "lease_until": to_micros(lease_until)}
        async with self._database.transaction(isolated=False) as transaction:
            fresh = {key for (key,) in await transaction.many("append_events", columns, **shared)}
            hashes = {key: first[key].body_hash for key in fresh}
            if len(fresh) < len(first):
                there = [key for key in first if key not in fresh]
                hashes.update((key, kept) for key, kept in await transaction.rows("body_hashes", keys=there))
        answers: list[Appended] = []
        for key, new in zip(keys, events, strict=True):
            if key in fresh:
                fresh.remove(key)
                answers.append(Appended(key, "new", new.body_hash))
            else:
                kept = hashes[key]
                answers.append(Appended(key, "same" if kept == new.body_hash else "conflict", kept))
        return answers

    async def body_hashes(self, keys: Collection[str]) -> dict[str, str]:
        """As of the last commit."""
        async with self._database.reading() as transaction:
            return dict(await transaction.rows("body_hashes", keys=list(keys)))

    async def take_pending(self, *, owner: str, now: datetime, lease_until: datetime, limit: int) -> list[Pending]:
        """Appending counted as the first claim."""
        async with self._database.transaction() as transaction:
            rows = await transaction.rows("take_pending", **_lease(owner, now, lease_until), limit=limit)
        return [Pending(read_event(document), claims) for _, claims, document in sorted(rows)]

    async def commit_plans(
        self, plans: Sequence[PlanRecord], *, owner: str, now: datetime, lease_until: datetime
    ) -> set[str]:
        """Of two plans for one event, the first counts."""
        first: dict[str, PlanRecord] = {}
        for plan in plans:
            first.setdefault(plan.event, plan)
        if not first:
            return set()
        columns = {"key": list(first), "explanation": [to_document(plan.explanation) for plan in first.values()]}
        async with self._database.transaction(isolated=False) as transaction:
            marked = {
                key: (sequence, tenant)
                for key, sequence, tenant in await transaction.many("mark_planned", columns, owner=owner)
            }
            counted = [plan for plan in first.values() if plan.event in marked]
            upserts = [(marked[plan.event][1], recipient) for plan in counted for recipient in plan.upserts]
            await put_recipients(transaction, upserts, now)
            records = [(marked[plan.event][0], record) for plan in counted for record in plan.runs]
            await insert_runs(transaction, records, now, lease_until)
        return set(marked)

    async def quarantine(self, event: str, reason: JSON) -> None:
        """Does nothing to an event that is no longer pending."""
        async with self._database.transaction() as transaction:
            await transaction.rows("quarantine", key=event, explanation=to_document(reason))

    async def take_due_runs(self, *, owner: str, now: datetime, lease_until: datetime, limit: int) -> list[DueRun]:
        """The messages' states are read after the lease was taken: a message that ends later wakes the run again."""
        async with self._database.transaction() as transaction:
            taken = await transaction.rows("take_due_runs", **_lease(owner, now, lease_until), limit=limit)
            if not taken:
                return []
            sequences = [sequence for (sequence,) in taken]
            runs = await load_runs(transaction, sequences)
            states: defaultdict[int, dict[str, MessageState]] = defaultdict(dict)
            for run, id, state in await transaction.rows("states_of_runs", runs=sequences):
                states[run][id] = state
        return [DueRun(stored.run, states[sequence]) for sequence, stored in runs.items()]

    async def commit_runs(
        self, runs: Sequence[RunRecord], *, owner: str, now: datetime, lease_until: datetime
    ) -> set[str]:
        """Of two records for one run, the first counts."""
        first: dict[str, RunRecord] = {}
        for record in runs:
            first.setdefault(record.run.key, record)
        if not first:
            return set()
        columns: dict[str, Sequence[object]] = {
            **run_columns(first.values()),
            "event": [record.run.events[0].key for record in first.values()],
        }
        async with self._database.transaction(isolated=False) as transaction:
            updated = dict(await transaction.many("update_runs", columns, owner=owner, now=to_micros(now)))
            counted = [(sequence, first[key]) for key, sequence in updated.items()]
            await insert_belongings(transaction, counted, now, lease_until)
        return set(updated)

    async def take_due_messages(
        self, *, owner: str, now: datetime, lease_until: datetime, room: Mapping[str, int]
    ) -> list[Claim]:
        """A claim is known by its fence; the owner is not needed."""
        channels = {channel: left for channel, left in sorted(room.items()) if left > 0}
        if not channels:
            return []
        columns: dict[str, Sequence[object]] = {"channel": list(channels), "room": list(channels.values())}
        async with self._database.transaction() as transaction:
            rows = await transaction.many(
                "take_due_messages", columns, now=to_micros(now), lease_until=to_micros(lease_until)
            )
            return await read_claims(transaction, rows)

    async def take_abandoned(self, *, owner: str, now: datetime, lease_until: datetime, limit: int) -> list[Claim]:
        """A claim is known by its fence; the owner is not needed."""
        async with self._database.transaction() as transaction:
            rows = await transaction.rows(
                "take_abandoned", now=to_micros(now), lease_until=to_micros(lease_until), limit=limit
            )
            return await read_claims(transaction, rows)

    async def settle(self, settlements: Sequence[Settlement], *, now: datetime) -> list[bool]:
        """A settlement that is written twice is answered with True both times."""
        first: dict[str, Settlement] = {}
        for settlement in settlements:
            first.setdefault(settlement.message.id, settlement)
        if not first:
            return []
        moment = to_micros(now)
        columns: dict[str, Sequence[object]] = {
            "id": list(first),
            "fence": [each.fence for each in first.values()],
            "state": [each.state for each in first.values()],
            "due_at": [due_column(each.state, each.due_at, moment, moment) for each in first.values()],
            "document": [to_document(each.message) for each in first.values()],
        }
        async with self._database.transaction(isolated=False) as transaction:
            applied = {id for (id,) in await transaction.many("settle", columns)}
            waking = [id for id in applied if first[id].message.awaited and first[id].state in _ENDED]
            if waking:
                await transaction.rows("wake_runs", messages=waking, now=moment)
            late = [each for each in settlements if not _is_applied(each, applied, first)]
            again = await keep_late(transaction, late) if late else []
        repeated = iter(again)
        return [_is_applied(each, applied, first) or next(repeated) for each in settlements]

    async def next_due(self) -> datetime | None:
        """A few look-ups in indexes, however much waits."""
        async with self._database.reading() as reading:
            ((due,),) = await reading.rows("next_due")
        return optional(to_moment, due)

    async def end_all_leases(self, now: datetime) -> None:
        """Of events, runs and messages."""
        async with self._database.transaction() as transaction:
            for statement in ("end_event_leases", "end_run_leases", "end_message_leases"):
                await transaction.rows(statement, now=to_micros(now))

    # -- recipients ------------------------------------------------------------------------------------------------

    async def recipients(self, tenant: str, ids: Collection[str]) -> dict[str, Recipient]:
        """Those that there are, by id."""
        if not ids:
            return {}
        async with self._database.reading() as reading:
            rows = await reading.rows("recipients", tenant=tenant, ids=list(ids))
        return {id: read_recipient(document) for id, document in rows}

    async def list_recipients(self, tenant: str, *, after: str | None, limit: int) -> Page:
        """The cursor is the last id."""
        async with self._database.reading() as reading:
            rows = await reading.rows("list_recipients", tenant=tenant, after=after or "", limit=limit + 1)
        return _page(rows, limit, lambda row: read_recipient(row[1]))

    async def put_recipients(self, tenant: str, recipients: Sequence[Recipient], *, now: datetime) -> None:
        """Of two with one id, the last counts."""
        async with self._database.transaction() as transaction:
            await put_recipients(transaction, [(tenant, recipient) for recipient in recipients], now)

    async def delete_recipient(self, tenant: str, id: str) -> bool:
        """False when there is none."""
        async with self._database.transaction() as transaction:
            return bool(await transaction.rows("delete_recipient", tenant=tenant, id=id))

    # -- inbox -----------------------------------------------------------------------------------------------------

    async def inbox(self, tenant: str, recipient: str, *, after: str | None, limit: int, unread: bool) -> Page:
        """With ``unread``, what was read is left out."""
        async with self._database.reading() as reading:
            rows = await reading.rows(
                "inbox",
                tenant=tenant,
                recipient=recipient,
                before=_before(after),
                unread=int(unread),
                limit=limit + 1,
            )
        return _page(rows, limit, lambda row: inbox_item(row, tenant, recipient))

    async def inbox_counts(self, tenant: str, recipient: str) -> Mapping[str, int]:
        """Both are there, even when zero."""
        async with self._database.reading() as reading:
            ((read, total),) = await reading.rows("inbox_counts", tenant=tenant, recipient=recipient)
        return {"read": read, "unread": total - read}

    async def mark_inbox(
        self, tenant: str, recipient: str, ids: Collection[str] | None, *, read: bool, now: datetime
    ) -> int:
        """What is so already keeps the time at which it became so."""
        parameters: dict[str, object] = {
            "tenant": tenant,
            "recipient": recipient,
            "read_at": to_micros(now) if read else None,
        }
        async with self._database.transaction() as transaction:
            if ids is None:
                return len(await transaction.rows("mark_whole_inbox", **parameters))
            return len(await transaction.rows("mark_inbox", **parameters, ids=list(ids)))

    # -- people and machines that use the hub ------------------------------------------------------------------------

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

    # -- looking ---------------------------------------------------------------------------------------------------

    async def find_events(self, tenant: str, reference: str) -> list[StoredEvent]:
        """In the order of their arrival."""
        async with self._database.reading() as reading:
            rows = await reading.rows("find_events", tenant=tenant, reference=reference)
        return [stored_event(row) for row in rows]

    async def story(self, event: str) -> Story | None:
        """One consistent look, also at the runs that joined other events to this one."""
        async with self._database.reading() as reading:
            found = await reading.rows("event", key=event)
            if not found:
                return None
            sequences = [run for (run,) in await reading.rows("runs_of_event", event=found[0][0])]
            runs = await load_runs(reading, sequences) if sequences else {}
            messages = await reading.rows("messages_of_runs", runs=sequences) if sequences else []
        return Story(
            event=stored_event(found[0]),
            runs=tuple(runs.values()),
            messages=tuple(stored_message(row) for row in messages),
        )

    async def message(self, id: str) -> StoredMessage | None:
        """With the attempts that came late, at the end."""
        async with self._database.reading() as reading:
            rows = await reading.rows("message", id=id)
        return stored_message(rows[0]) if rows else None

    async def list_events(self, tenant: str, *, after: str | None, limit: int, type: str | None = None) -> Page:
        """Raises UsageFault for a cursor that no listing gave."""
        parameters: dict[str, object] = {"tenant": tenant, "before": _before(after), "limit": limit + 1}
        async with self._database.reading() as reading:
            if type is None:
                rows = await reading.rows("list_events", **parameters)
            else:
                rows = await reading.rows("list_events_of_type", **parameters, type=type)
        return _page(rows, limit, stored_event)

    async def list_messages(
        self,
        tenant: str,
        *,
        after: str | None,
        limit: int,
        recipient: str | None = None,
        channel: str | None = None,
        state: MessageState | None = None,
    ) -> Page:
        """By the index of the filter that narrows most. Raises UsageFault for a cursor that no listing gave."""
        if recipient is not None:
            statement = "list_messages_of_recipient"
        elif state is not None and state != "sent":
            statement = "list_messages_not_sent"
        elif channel is not None:
            statement = "list_messages_of_channel"
        else:
            statement = "list_messages"
        parameters: dict[str, object] = {
            "tenant": tenant,
            "before": _before(after),
            "limit": limit + 1,
            "recipient": recipient,
            "channel": channel,
            "state": state,
        }
        async with self._database.reading() as reading:
            rows = await reading.rows(statement, **parameters)
        return _page(rows, limit, stored_message)

    async def list_rejections(self, tenant: str, *, after: str | None, limit: int) -> Page:
        """Raises UsageFault for a cursor that no listing gave."""
        async with self._database.reading() as reading:
            rows = await reading.rows("list_rejections", tenant=tenant, before=_before(after), limit=limit + 1)
        return _page(rows, limit, lambda row: read_rejection(row[1]))

    async def counts(self) -> Counts:
        """Of all tenants; states in which nothing is are left out."""
        events: dict[str, int] = {}
        runs: dict[str, int] = {}
        messages: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for what, channel, state, number in await self._database.survey("counts"):
            if number:
                counted = {"events": events, "runs": runs}.get(what)
                (messages[channel] if counted is None else counted)[state] = int(number)
        return Counts(events, runs, dict(messages))

    async def ping(self) -> None:
        """Writes and commits a row."""
        async with self._database.transaction() as transaction:
            await transaction.rows("ping", now=secrets.token_hex(8))

    async def close(self) -> None:
        """After the last verb has ended."""
        await self._database.close()


def _lease(owner: str, now: datetime, lease_until: datetime) -> dict[str, object]:
    return {"owner": owner, "now": to_micros(now), "lease_until": to_micros(lease_until)}


def _is_applied(settlement: Settlement, applied: set[str], first: dict[str, Settlement]) -> bool:
    id = settlement.message.id
    return id in applied and first[id] is settlement


# -- pages ---------------------------------------------------------------------------------------------------------


def _page(rows: Rows, limit: int, read: Callable[[Any], Any]) -> Page:
    """From one row more than the page holds; the first column is where the next page begins."""
    return Page([read(row) for row in rows[:limit]], str(rows[limit - 1][0]) if len(rows) > limit else None)


def _before(after: str | None) -> int:
    if after is None:
        return _LAST
    if not (after.isascii() and after.isdecimal() and int(after) <= _LAST):
        raise UsageFault(f"{after!r} is no cursor of a listing; give one that a page named as its next, or none")
    return int(after)
