"""Storing what was decided about runs: allowances are granted, and runs that wait under one key become one.

Both must be settled where everybody's decisions meet. A transaction locks the keys that it concerns before it reads
them, so that of two nodes which meet on one key the second sees what the first has written.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from arauto.model import Await, Entry, Event, Origin, Reason, Run
from arauto.store.database import Transaction
from arauto.store.documents import optional, to_document, to_micros, to_moment
from arauto.store.holds import without_ended
from arauto.store.records import RunRecord
from arauto.store.rows import columns_of, insert_belongings, insert_fanouts, run_columns

Write = Callable[[Sequence[RunRecord]], Awaitable[Mapping[str, int]]]
"""Writes the rows of these runs, each once; returns the sequences of those that were written, by key."""


async def lock(transaction: Transaction, records: Iterable[RunRecord], signals: Iterable[str] = ()) -> None:
    """Lock all keys that these records and signals concern. The first thing that a transaction does with them."""
    keys = set(signals)
    for record in records:
        if record.merge is not None:
            keys.add(record.merge.key)
        keys.update(use.key for use in record.uses)
        keys.update(each.key for each in record.awaits)
        keys.update(each.key for started in record.started for each in started.awaits)
        if record.hold is not None:
            keys.add(record.hold)
    if keys:
        await transaction.rows("lock_keys", keys=sorted(keys))


async def store_runs(
    transaction: Transaction, records: Sequence[RunRecord], write: Write, now: datetime, lease_until: datetime
) -> tuple[set[str], bool]:
    """Write runs with all that belongs to them. Returns the keys of those whose decisions count, and whether
    something is due at once."""
    checked = await without_ended(transaction, records, now)
    freed = any(record is not each for record, each in zip(records, checked, strict=True))
    granted, refused = await _grant(transaction, checked, now)
    written: dict[str, int] = dict(await write([record for record in granted if record.merge is None] + refused))
    decided = {record.run.key for record in granted if record.merge is None} & written.keys()
    merging = [record for record in granted if record.merge is not None]
    joined: dict[str, int] = {}
    if merging:
        merged, joined = await _merge(transaction, merging, write, now)
        written.update(merged)
        decided.update(merged)
    counted = [(written[record.run.key], record) for record in granted if record.run.key in decided]
    counted.sort(key=lambda each: each[0])
    cancelled = [id for _, record in counted for id in record.cancels]
    if cancelled:
        cleared = [sequence for (sequence,) in await transaction.rows("clear_inbox", ids=cancelled)]
        await transaction.rows("cancel_messages", ids=cancelled, cleared=cleared)
    rewritten = [(item.id, to_document(item.content)) for _, record in counted for item in record.rewrites]
    if rewritten:
        await transaction.many("rewrite_inbox", columns_of(("id", "content"), rewritten))
    await insert_belongings(transaction, counted, now, lease_until)
    stored = counted + [(written[record.run.key], record) for record in refused if record.run.key in written]
    listening = [(sequence, each) for sequence, record in stored for each in record.awaits]
    listening.extend(await _start(transaction, [record for _, record in counted], now))
    woken = await _listen(transaction, listening, now)
    if joined:
        await _hand_over_awaits(transaction, counted, joined)
    await _take_uses(transaction, [record for _, record in counted], now)
    fanned = await insert_fanouts(transaction, (each for _, record in counted for each in record.fanouts), now)
    return decided, bool(freed or woken or refused or joined or fanned or any(record.started for _, record in counted))


async def _listen(transaction: Transaction, awaits: Sequence[tuple[int, Await]], now: datetime) -> bool:
    """Keep what the runs with these sequences listen for; True when some of it has happened already."""
    if not awaits:
        return False
    rows = [(run, each.key, each.about, int(each.always), int(each.cancels)) for run, each in awaits]
    await transaction.many("insert_awaits", columns_of(("run", "key", "event", "always", "cancels"), rows))
    runs = sorted({run for run, _ in awaits})
    return bool(await transaction.rows("wake_signalled", runs=runs, now=to_micros(now)))


async def _hand_over_awaits(
    transaction: Transaction, counted: Sequence[tuple[int, RunRecord]], joined: Mapping[str, int]
) -> None:
    """Let hosts listen for what those that joined them do. A run that has sent something goes on listening for what
    takes that back; and of what is told apart nothing else is handed over, for the host takes other steps."""
    rows = [
        (
            sequence,
            joined[record.run.key],
            int(record.merge is not None and record.merge.apart),
            int(bool(record.run.sent)),
        )
        for sequence, record in counted
        if record.run.key in joined
    ]
    await transaction.many("hand_over_awaits", columns_of(("run", "host", "apart", "keeps"), rows))
    await transaction.many("delete_awaits", columns_of(("run", "keeps"), [(row[0], row[3]) for row in rows]))


# -- allowances ----------------------------------------------------------------------------------------------------


async def _grant(
    transaction: Transaction, records: Sequence[RunRecord], now: datetime
) -> tuple[list[RunRecord], list[RunRecord]]:
    """The records whose uses are all granted, in their order; and the others, undecided and due at once."""
    keys = sorted({use.key for record in records for use in record.uses})
    if not keys:
        return list(records), []
    taken: defaultdict[str, list[datetime]] = defaultdict(list)
    for key, at, count in await transaction.rows("uses", keys=keys):
        taken[key].extend([to_moment(at)] * count)
    granted: list[RunRecord] = []
    refused: list[RunRecord] = []
    for record in records:
        free_at: dict[str, datetime] = {}
        for use in record.uses:
            within = sorted(at for at in taken[use.key] if at > now - use.per)
            # Who needs more than there ever is goes when all of it is free: otherwise they would wait for ever.
            over = len(within) + min(use.count, use.at_most) - use.at_most
            if over > 0:
                free_at[use.key] = within[over - 1] + use.per
        if not free_at:
            for use in record.uses:
                taken[use.key].extend([now] * use.count)
            granted.append(record)
        elif record.before is not None:
            told = {**record.before.refused, **free_at}
            run = msgspec.structs.replace(record.before, refused=told, listening=True)
            refused.append(RunRecord(run=run, state="waiting", due_at=now, awaits=record.awaits))
    return granted, refused


async def _take_uses(transaction: Transaction, records: Sequence[RunRecord], now: datetime) -> None:
    rows = [(use.key, to_micros(now), record.run.key, use.count) for record in records for use in record.uses]
    if not rows:
        return
    await transaction.many("insert_uses", columns_of(("key", "at", "run", "count"), rows))
    longest = {use.key: use.per for record in records for use in record.uses}
    ended = [(key, to_micros(now - per)) for key, per in longest.items()]
    await transaction.many("delete_uses", columns_of(("key", "before"), ended))


# -- merging -------------------------------------------------------------------------------------------------------


async def _merge(
    transaction: Transaction, records: Sequence[RunRecord], write: Write, now: datetime
) -> tuple[dict[str, int], dict[str, int]]:
    """Of the runs that come to wait under a key, the first waits where nobody does yet, and those after it join it.
    Returns the sequences of those that were written, and of those that joined, their hosts' sequences."""
    waiting: defaultdict[str, deque[RunRecord]] = defaultdict(deque)
    for record in records:
        assert record.merge is not None
        waiting[record.merge.key].append(record)
    hosts: dict[str, tuple[int, str, int]] = {
        key: (sequence, run, count)
        for key, sequence, run, count in await transaction.rows("merge_hosts", keys=sorted(waiting))
    }
    leaving = {record.run.key: record.merge.key for record in records if record.merge is not None}
    for key, (_, host, _) in hosts.items():
        if leaving.get(host, key) != key:
            # Its host is just going to wait elsewhere: those who come are asked again when it has gone.
            del waiting[key]
    written: dict[str, int] = {}
    while True:
        # A run that waits again under the key that it holds goes on holding it.
        candidates = [
            left.popleft()
            for key, left in waiting.items()
            if left and (key not in hosts or _holds(left, hosts[key][1]))
        ]
        if not candidates:
            break
        found = await write(candidates)
        written.update(found)
        for record in candidates:
            if record.merge is not None and record.run.key in found:
                hosts[record.merge.key] = (found[record.run.key], record.run.key, len(record.run.events))
    joining = [(record, *hosts[key]) for key, left in waiting.items() for record in left]
    if not joining:
        return written, {}
    joined = await _join(transaction, joining, write, now)
    written.update(joined)
    return written, {record.run.key: host for record, host, *_ in joining if record.run.key in joined}


def _holds(left: deque[RunRecord], host: str) -> bool:
    for record in left:
        if record.run.key == host:
            left.remove(record)
            left.appendleft(record)
            return True
    return False


async def _join(
    transaction: Transaction, joining: Sequence[tuple[RunRecord, int, str, int]], write: Write, now: datetime
) -> Mapping[str, int]:
    """End these runs and give their events to their hosts: (record, host's sequence, host's key, its event count)."""
    ended = [
        msgspec.structs.replace(record, run=_ended(record.run, host, now), state="done", due_at=None)
        for record, _, host, _ in joining
    ]
    written = await write(ended)
    events: list[tuple[int, int, str, str | None]] = []
    counts: dict[int, int] = {}
    ends: dict[int, datetime] = {}
    for record, host, _, count in joining:
        if record.run.key not in written:
            continue
        counts.setdefault(host, count)
        for event, origin in _told_apart(record):
            events.append((host, counts[host], event.key, optional(to_document, origin)))
            counts[host] += 1
        until = record.due_at or now
        ends[host] = max(until, ends.get(host, until))
    if events:
        await transaction.many("insert_run_events", columns_of(("run", "position", "event", "origin"), events))
        grown = [(host, count, to_micros(ends[host])) for host, count in sorted(counts.items())]
        await transaction.many("grow_hosts", columns_of(("run", "event_count", "until"), grown), now=to_micros(now))
    return written


def _told_apart(record: RunRecord) -> list[tuple[Event, Origin | None]]:
    """The events that a run gives to its host, with where they come from."""
    run = record.run
    own = Origin(run.notification, run.key) if record.merge is not None and record.merge.apart else None
    origins = run.origins or (None,) * len(run.events)
    return [
        (event, origin or own)
        for event, origin in zip(run.events, origins, strict=True)
        if event.key not in run.retracted
    ]


def _ended(run: Run, host: str, now: datetime) -> Run:
    entry = Entry(now, run.step, "merge", Reason("merged", {"run": host}))
    return msgspec.structs.replace(run, log=(*run.log, entry), until=None)


# -- runs for others -----------------------------------------------------------------------------------------------


async def _start(transaction: Transaction, records: Sequence[RunRecord], now: datetime) -> list[tuple[int, Await]]:
    """Insert the runs that others were given; they are due at once. Returns what they listen for, by sequence."""
    started = {
        each.run.key: RunRecord(run=each.run, state="waiting", due_at=now, awaits=each.awaits)
        for record in records
        for each in record.started
    }
    if not started:
        return []
    firsts = sorted({record.run.events[0].key for record in started.values()})
    sequences = dict(await transaction.rows("event_sequences", keys=firsts))
    inserted = await insert_runs(
        transaction, [(sequences[record.run.events[0].key], record) for record in started.values()]
    )
    stored = [(inserted[key], started[key]) for key in inserted]
    await insert_belongings(transaction, stored, now, now)
    return [(sequence, each) for sequence, record in stored for each in record.awaits]


async def insert_runs(transaction: Transaction, records: Sequence[tuple[int, RunRecord]]) -> dict[str, int]:
    """Insert runs of the events with these sequences. Returns the sequences of those that were not there, by key."""
    first: dict[str, tuple[int, RunRecord]] = {}
    for event, record in records:
        first.setdefault(record.run.key, (event, record))
    if not first:
        return {}
    columns: dict[str, Sequence[object]] = {
        **run_columns(record for _, record in first.values()),
        "event": [event for event, _ in first.values()],
        "tenant": [record.run.tenant for _, record in first.values()],
        "recipient": [record.run.recipient for _, record in first.values()],
    }
    return dict(await transaction.many("insert_runs", columns))
