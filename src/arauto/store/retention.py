"""Retention: what is old goes, oldest first, with all that belongs to it; what something still needs stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, get_args

import msgspec
from msgspec import Struct

from arauto.decide.signals import receipt_key, shared_receipt_key
from arauto.model import JSON, ReceiptKind
from arauto.store.database import Database, Transaction
from arauto.store.documents import optional, read_json, to_micros

_RECEIPTS: tuple[ReceiptKind, ...] = get_args(ReceiptKind)

_ONE_AT_A_TIME = "retention"
"""Hubs that share a database take turns: the next one goes on where this one has come to."""

RetentionOf = Callable[[JSON], timedelta | None]
"""How long an event with this explanation is kept; None: for ever."""


class Retired(Struct, frozen=True):
    """What a step of retention did."""

    looked: int
    """At how many events."""
    gone: int
    """How many of them are deleted, with their runs and messages."""
    needed: int
    """How many are due, and stay because something needs them."""
    after: int
    """The last event that was looked at; 0 when there was none."""


class RetentionStore(Protocol):
    """Verbs about how long things are kept."""

    async def retire(self, retention: timedelta, keep: RetentionOf, *, now: datetime, limit: int) -> Retired:
        """Delete the oldest events whose retention is this one and over, and remember how far that has come. Those
        that something needs are put aside."""
        ...

    async def retire_overdue(self, keep: RetentionOf, *, after: int, now: datetime, limit: int) -> Retired:
        """Of what was put aside, delete what nothing needs any more."""
        ...


class RetentionVerbs:
    """RetentionStore over named statements."""

    _database: Database

    async def retire(self, retention: timedelta, keep: RetentionOf, *, now: datetime, limit: int) -> Retired:
        """Events come in the order of their arrival: the first that is too young is the last to be looked at."""
        seconds = int(retention.total_seconds())
        latest = to_micros(now - retention)
        async with self._database.transaction() as transaction:
            await transaction.rows("lock_keys", keys=[_ONE_AT_A_TIME])
            rows = await transaction.rows("retained", seconds=seconds)
            after = rows[0][0] if rows else 0
            found = await transaction.rows("take_old_events", after=after, limit=limit)
            old = []
            for row in found:
                if row[1] > latest:
                    break
                old.append(row)
            if not old:
                return Retired(0, 0, 0, after)
            due = [row[0] for row in old if keep(optional(read_json, row[3])) == retention]
            gone, needed = await _delete(transaction, due, latest, now)
            if needed:
                await transaction.many("note_overdue", {"event": needed})
            last = old[-1][0]
            await transaction.rows("note_retained", seconds=seconds, event=last)
        return Retired(len(old), gone, len(needed), last)

    async def retire_overdue(self, keep: RetentionOf, *, after: int, now: datetime, limit: int) -> Retired:
        """One whose retention has become longer is no longer put aside."""
        async with self._database.transaction() as transaction:
            await transaction.rows("lock_keys", keys=[_ONE_AT_A_TIME])
            found = await transaction.rows("take_overdue_events", after=after, limit=limit)
            if not found:
                return Retired(0, 0, 0, 0)
            gone, needed = 0, 0
            settled: list[int] = []
            for sequence, received_at, _, explanation in found:
                retention = keep(optional(read_json, explanation))
                if retention is None or received_at > to_micros(now - retention):
                    continue
                deleted, still = await _delete(transaction, [sequence], to_micros(now - retention), now)
                gone += deleted
                needed += len(still)
                if not still:
                    settled.append(sequence)
            if settled:
                await transaction.rows("forget_overdue", events=settled)
        return Retired(len(found), gone, needed, found[-1][0])


async def _delete(transaction: Transaction, events: Sequence[int], latest: int, now: datetime) -> tuple[int, list[int]]:
    """Delete those of these events that nothing needs, with all that belongs to them. Returns how many, and the
    others."""
    if not events:
        return 0, []
    needed = await _needed(transaction, list(events), latest, now)
    gone = [event for event in events if event not in needed]
    if gone:
        runs = await transaction.rows("runs_of_events", events=gone)
        sequences, keys = [row[0] for row in runs], [row[1] for row in runs]
        if runs:
            messages = [row[0] for row in await transaction.rows("sequences_of_messages", runs=sequences)]
            await transaction.rows("delete_receipts", messages=messages)
            await transaction.rows("delete_inbox_of_messages", messages=messages)
            await transaction.rows("delete_messages", messages=messages)
            await transaction.rows("delete_awaits_of_runs", runs=sequences)
            await transaction.rows("delete_uses_of_runs", keys=keys)
            await transaction.rows("delete_signals_of_keys", keys=_receipt_keys(runs))
            await transaction.rows("delete_run_events", runs=sequences)
            await transaction.rows("delete_runs", runs=sequences)
        await transaction.rows("delete_signals_of_events", events=gone)
        await transaction.rows("delete_fanouts", events=gone)
        await transaction.rows("delete_events", events=gone)
    return len(gone), [event for event in events if event in needed]


async def _needed(transaction: Transaction, events: list[int], latest: int, now: datetime) -> set[int]:
    needed = {event for (event,) in await transaction.rows("needed_events", events=events)}
    needed.update(event for (event,) in await transaction.rows("newer_events", events=events, since=latest))
    for event, state, document in await transaction.rows("open_messages_of_events", events=events):
        # What a person may still decide on stays; when it has expired they can't.
        if state in ("queued", "sending") or _expires(document) > now:
            needed.add(event)
    return needed


class _Expiring(Struct):
    expires_at: datetime


def _expires(document: str) -> datetime:
    return msgspec.json.decode(document, type=_Expiring).expires_at


def _receipt_keys(runs: Sequence[Any]) -> list[str]:
    """Those under which receipts of these runs' messages were told."""
    return [
        key
        for _, run, document, event in runs
        for notification in [read_json(document)["notification"]]
        for kind in _RECEIPTS
        for key in (receipt_key(kind, run), shared_receipt_key(kind, notification, event))
    ]
