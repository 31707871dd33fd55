"""What people do about messages: one by one, or many at once by a replay, which happens once whatever restarts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

import msgspec
from msgspec import Struct

from arauto.decide.interventions import BECOMES, Deed, done, may
from arauto.decide.receipts import ShownState, shown
from arauto.decide.wishes import IN_APP
from arauto.errors import UsageFault
from arauto.model import Message, derive_id
from arauto.store.database import Database, Rows, Transaction
from arauto.store.documents import optional, read_message, read_replay, to_document, to_micros, to_moment
from arauto.store.records import Replay
from arauto.store.rows import columns_of

_PAGE = 2000

Counts: TypeAlias = Mapping[tuple[str, str | None], int]
"""How many, by channel and notification; of events, by type and the notification that they missed."""


class Intervened(Struct, frozen=True):
    """What became of what a person wanted."""

    changed: tuple[Message, ...]
    left: dict[str, ShownState]
    """Those whose state does not allow it, by id."""
    unknown: tuple[str, ...]


class InterventionsStore(Protocol):
    """Verbs about what people do about messages."""

    async def intervene(self, tenant: str, ids: Sequence[str], deed: Deed, *, by: str, now: datetime) -> Intervened:
        """Do this about these messages, as far as their states allow; what is sent again is due now."""
        ...

    async def replay(self, wanted: Replay, *, by: str, limit: int, now: datetime) -> tuple[Replay, Counts]:
        """Do at most ``limit`` more of a replay, oldest first, and say where it is, with how many were done now. What
        is stored under its id counts, its times too; once that is over nothing is done any more. Raises UsageFault
        where that was of others."""
        ...

    async def selected(self, wanted: Replay) -> Counts:
        """How many a replay would do."""
        ...


class InterventionsVerbs:
    """InterventionsStore over named statements."""

    _database: Database

    async def intervene(self, tenant: str, ids: Sequence[str], deed: Deed, *, by: str, now: datetime) -> Intervened:
        """The runs that wait for a message which is cancelled are woken."""
        async with self._database.transaction() as transaction:
            return await _intervene(transaction, tenant, dict.fromkeys(ids, now), deed, by, now)

    async def replay(self, wanted: Replay, *, by: str, limit: int, now: datetime) -> tuple[Replay, Counts]:
        """Where it is lies in the store with what was done, so that the next call goes on there."""
        async with self._database.transaction() as transaction:
            await transaction.rows("lock_keys", keys=[derive_id("replay", wanted.tenant, wanted.id)])
            rows = await transaction.rows("replay", tenant=wanted.tenant, id=wanted.id)
            stored: Replay = read_replay(rows[0][0]) if rows else wanted
            if stored.selection != wanted.selection:
                raise UsageFault(f"there was a replay {wanted.id!r} of other messages: give this one an id of its own")
            if stored.over:
                return stored, {}
            found = await _select(transaction, stored, stored.position, limit)
            pause = timedelta(seconds=1) / stored.per_second
            start = now if stored.last_due_at is None else max(now, stored.last_due_at + pause)
            times = [start + number * pause for number in range(len(found))]
            counts = await _replay(transaction, stored, found, times, by, now)
            stored = msgspec.structs.replace(
                stored,
                replayed=stored.replayed + sum(counts.values()),
                position=found[-1][0] if found else stored.position,
                last_due_at=times[-1] if times else stored.last_due_at,
                over=len(found) < limit,
            )
            await transaction.rows("put_replay", tenant=stored.tenant, id=stored.id, document=to_document(stored))
        return stored, counts

    async def selected(self, wanted: Replay) -> Counts:
        """Page by page, so that nothing else waits for it."""
        counts: Counter[tuple[str, str | None]] = Counter()
        position = 0
        while True:
            async with self._database.reading() as reading:
                found = await _select(reading, wanted, position, _PAGE)
            counts.update((what, notification) for _, _, what, notification in found)
            if len(found) < _PAGE:
                return dict(counts)
            position = found[-1][0]
            await asyncio.sleep(0)


async def _select(reading: Transaction, replay: Replay, position: int, limit: int) -> Rows:
    """(sequence, id, channel, notification) of the next messages of a replay; of events, (sequence, None, type,
    notification)."""
    selection = replay.selection
    if selection.events is not None:
        return await _select_events(reading, replay, position, limit)
    parameters: dict[str, object] = {
        "tenant": replay.tenant,
        "state": selection.state,
        "channel": selection.channel,
        "notification": selection.notification,
        "recipient": selection.recipient,
        "since": to_micros(replay.since),
        "until": to_micros(replay.until),
        "inbox": IN_APP,
        "position": position,
        "limit": limit,
    }
    rows = await reading.rows("select_not_sent", **parameters)
    if selection.state in ("failed", "bounced"):
        rows += await reading.rows("select_sent", **parameters)
        rows.sort()
    return rows[:limit]


async def _select_events(reading: Transaction, replay: Replay, position: int, limit: int) -> Rows:
    selection = replay.selection
    parameters: dict[str, object] = {
        "tenant": replay.tenant,
        "since": to_micros(replay.since),
        "until": to_micros(replay.until),
        "position": position,
        "limit": limit,
    }
    if selection.events == "missed":
        rows = await reading.rows("select_missed", **parameters, types=list(selection.types))
    else:
        rows = await reading.rows("select_quarantined", **parameters)
    return [(sequence, None, type, selection.notification) for sequence, type in rows]


async def _replay(
    transaction: Transaction, replay: Replay, found: Rows, times: Sequence[datetime], by: str, now: datetime
) -> Counts:
    """Do these, each at its time."""
    if not found:
        return {}
    if replay.selection.events is None:
        due = {id: at for (_, id, *_), at in zip(found, times, strict=True)}
        happened = await _intervene(transaction, replay.tenant, due, "replay", by, now)
        return dict(Counter((message.channel, message.notification) for message in happened.changed))
    rows = [(sequence, to_micros(at)) for (sequence, *_), at in zip(found, times, strict=True)]
    missed = replay.selection.notification if replay.selection.events == "missed" else None
    await transaction.many("plan_again", columns_of(("event", "due_at"), rows), notification=missed)
    return dict(Counter((type, notification) for _, _, type, notification in found))


async def _intervene(
    transaction: Transaction, tenant: str, due: dict[str, datetime], deed: Deed, by: str, now: datetime
) -> Intervened:
    """Each at its time."""
    state = BECOMES[deed]
    changed: list[Message] = []
    left: dict[str, ShownState] = {}
    rows: list[tuple[int, int | None, int, str]] = []
    found = await transaction.rows("messages_to_change", tenant=tenant, ids=sorted(due))
    for id, sequence, stored, due_at, receipt, document in found:
        message = read_message(document, None)
        seen = shown(stored, receipt, optional(to_moment, due_at), now)
        if not may(deed, seen, message.channel):
            left[id] = seen
            continue
        message = done(message, deed, by, now, due[id])
        changed.append(message)
        again = message.interventions[-1].again
        rows.append((sequence, to_micros(due[id]) if again else None, int(again), to_document(message)))
    if rows:
        await transaction.many(
            "change_messages", columns_of(("message", "due_at", "again", "document"), rows), state=state
        )
    awaited = [message.id for message in changed if message.awaited]
    if awaited and state == "cancelled":
        await transaction.rows("wake_runs", messages=awaited, now=to_micros(now))
    known = {row[0] for row in found}
    return Intervened(tuple(changed), left, tuple(id for id in due if id not in known))
