"""Runs, messages and what belongs to them, as several verbs write and read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from arauto.model import Event, Fanout, Origin, Recipient, Signal, Wishes
from arauto.store.database import Rows, Transaction
from arauto.store.documents import (
    optional,
    read_attempts,
    read_event,
    read_message,
    read_origin,
    read_run,
    read_signal,
    run_document,
    to_document,
    to_micros,
    to_moment,
)
from arauto.store.records import Claim, InboxItem, NewMessage, RunRecord, Settlement, StoredRun


def due_column(state: str, due_at: datetime | None, now: int, lease_until: int) -> int | None:
    """Of a message: when a queued one is due (given none: now), when the lease of one that is being sent ends."""
    if state == "queued":
        return now if due_at is None else to_micros(due_at)
    return lease_until if state == "sending" else None


def run_columns(records: Iterable[RunRecord]) -> dict[str, Sequence[object]]:
    """What is written of a run whenever it is."""
    records = list(records)
    merges = [None if record.joins else record.merge for record in records]
    return {
        "key": [record.run.key for record in records],
        "state": [record.state for record in records],
        "due_at": [optional(to_micros, record.due_at) for record in records],
        "until": [optional(to_micros, record.run.until) for record in records],
        "event_count": [len(record.run.events) for record in records],
        "merge_key": [merge and merge.key for merge in merges],
        "merge_latest": [optional(to_micros, merge and merge.latest) for merge in merges],
        "merge_limit": [merge and merge.at_most for merge in merges],
        "joins": [int(record.joins) for record in records],
        "hold": [record.hold for record in records],
        "catalogue": [record.run.catalogue for record in records],
        "document": [run_document(record.run) for record in records],
    }


async def insert_belongings(
    transaction: Transaction, runs: Sequence[tuple[int, RunRecord]], now: datetime, lease_until: datetime
) -> None:
    """The further events and the messages of the runs with these sequences."""
    further = [
        (sequence, position, event.key, None)
        for sequence, record in runs
        if len(record.run.events) > 1
        for position, event in enumerate(record.run.events[1:], 1)
    ]
    if further:
        await transaction.many("insert_run_events", columns_of(("run", "position", "event", "origin"), further))
    first: dict[str, tuple[int, NewMessage]] = {}
    for sequence, record in runs:
        for new in record.messages:
            first.setdefault(new.message.id, (sequence, new))
    if not first:
        return
    started, leased = to_micros(now), to_micros(lease_until)
    news = [new for _, new in first.values()]
    columns: dict[str, Sequence[object]] = {
        "id": list(first),
        "run": [sequence for sequence, _ in first.values()],
        "tenant": [new.message.tenant for new in news],
        "recipient": [new.message.recipient for new in news],
        "channel": [new.message.channel for new in news],
        "notification": [new.message.notification for new in news],
        "created_at": [to_micros(new.message.created_at) for new in news],
        "state": [new.state for new in news],
        "due_at": [due_column(new.state, new.due_at, started, leased) for new in news],
        "claimed_at": [started if new.state == "sending" else None for new in news],
        "fence": [int(new.state == "sending") for new in news],
        "document": [to_document(new.message) for new in news],
    }
    inserted = await transaction.many("insert_messages", columns)
    await _insert_inbox(transaction, [(sequence, first[id][1].inbox) for id, sequence in inserted])


async def _insert_inbox(transaction: Transaction, items: Iterable[tuple[int, InboxItem | None]]) -> None:
    rows = [
        (
            message,
            item.tenant,
            item.recipient,
            to_micros(item.created_at),
            optional(to_micros, item.read_at),
            to_document(item.content),
        )
        for message, item in items
        if item is not None
    ]
    if rows:
        names = ("message", "tenant", "recipient", "created_at", "read_at", "content")
        await transaction.many("insert_inbox", columns_of(names, rows))


def fanout_document(fanout: Fanout) -> str:
    """A fan-out without what has columns of its own."""
    run = msgspec.structs.replace(fanout.run, events=())
    return to_document(msgspec.structs.replace(fanout, run=run, cursor="", chosen=0, claims=0))


async def insert_fanouts(transaction: Transaction, fanouts: Iterable[Fanout], now: datetime) -> bool:
    """Insert fan-outs, due at once; those that are there are left as they are. False when there were none to insert."""
    given = list({fanout.key: fanout for fanout in fanouts}.values())
    if not given:
        return False
    keys = sorted({event.key for fanout in given for event in fanout.run.events})
    sequences = dict(await transaction.rows("event_sequences", keys=keys))
    columns: dict[str, Sequence[object]] = {
        "key": [fanout.key for fanout in given],
        "event": [sequences[fanout.run.events[0].key] for fanout in given],
        "events": [to_document([sequences[event.key] for event in fanout.run.events]) for fanout in given],
        "document": [fanout_document(fanout) for fanout in given],
    }
    await transaction.many("insert_fanouts", columns, now=to_micros(now))
    return True


async def put_recipients(transaction: Transaction, given: Sequence[tuple[str, Recipient]], now: datetime) -> None:
    """Recipients by tenant; of two with one id, the last counts."""
    last = {(tenant, recipient.id): recipient for tenant, recipient in given}
    if last:
        rows = [
            (tenant, id, to_document(msgspec.structs.replace(recipient, wishes=Wishes(), suppressed={})))
            for (tenant, id), recipient in last.items()
        ]
        await transaction.many("put_recipients", columns_of(("tenant", "id", "document"), rows), now=to_micros(now))


async def load_runs(transaction: Transaction, sequences: list[int]) -> dict[int, StoredRun]:
    """By sequence, in the order of their making, each with all its events."""
    rows = await transaction.rows("runs", runs=sequences)
    further: defaultdict[int, list[Event]] = defaultdict(list)
    origins: defaultdict[int, list[Origin | None]] = defaultdict(lambda: [None])
    joined = [row[0] for row in rows if row[4] > 1]
    if joined:
        for run, document, origin in await transaction.rows("run_events", runs=joined):
            further[run].append(read_event(document))
            origins[run].append(optional(read_origin, origin))
    signals: defaultdict[int, list[Signal]] = defaultdict(list)
    for run, *columns in await transaction.rows("signals_of_runs", runs=sequences):
        signals[run].append(read_signal(*columns))
    return {
        sequence: StoredRun(
            run=read_run(
                document,
                (read_event(event), *further[sequence]),
                tuple(origins[sequence]),
                tuple(signals[sequence]),
                optional(to_moment, until),
            ),
            state=state,
            due_at=optional(to_moment, due_at) if state == "waiting" else None,
        )
        for sequence, state, due_at, until, _, document, event in rows
    }


async def read_claims(transaction: Transaction, rows: Rows) -> list[Claim]:
    """From the columns sequence, run, claimed_at, fence, document and late, in the order of their making."""
    if not rows:
        return []
    runs = await load_runs(transaction, list({row[1] for row in rows}))
    return [
        Claim(read_message(document, late), fence, runs[run].run, to_moment(claimed_at))
        for _, run, claimed_at, fence, document, late in sorted(rows, key=lambda row: row[0])
    ]


async def keep_late(transaction: Transaction, settlements: Sequence[Settlement]) -> list[bool]:
    """Keep the attempts of settlements that lost their claim; True for one that had been written before."""
    ids = list({settlement.message.id for settlement in settlements})
    stored = {row[0]: row for row in await transaction.rows("messages_to_amend", ids=ids)}
    late = {id: read_attempts(row[3]) if row[3] else [] for id, row in stored.items()}
    changed: set[str] = set()
    answers: list[bool] = []
    for settlement in settlements:
        id, attempt = settlement.message.id, next(reversed(settlement.message.attempts), None)
        if id not in stored:
            answers.append(False)
            continue
        _, fence, document, _ = stored[id]
        known = read_message(document, None).attempts
        answers.append(fence == settlement.fence and (attempt is None or attempt in known))
        if attempt is None or attempt in known:
            continue
        attempt = msgspec.structs.replace(attempt, late=True)
        if attempt not in known and attempt not in late[id]:
            late[id].append(attempt)
            changed.add(id)
    if changed:
        rows = [(id, to_document(late[id])) for id in sorted(changed)]
        await transaction.many("keep_late", columns_of(("id", "late"), rows))
    return answers


def columns_of(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Rows as columns, which ``many`` takes."""
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
