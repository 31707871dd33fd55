"""Fan-outs: groups that are told page by page. A page's runs and the new cursor are one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from arauto.model import Await, Event, Fanout, Signal
from arauto.store.database import Database, Transaction
from arauto.store.deciding import insert_runs, lock, store_runs
from arauto.store.documents import read_event, read_fanout, read_signal, to_micros
from arauto.store.records import Committed, FanoutPage, RunRecord
from arauto.store.rows import columns_of, fanout_document


class FanoutsStore(Protocol):
    """Verbs about fan-outs."""

    async def take_fanouts(self, *, owner: str, now: datetime, lease_until: datetime, limit: int) -> list[Fanout]:
        """Lease fan-outs whose lease has ended, the one that has waited longest first: each has its turn."""
        ...

    async def commit_fanout(self, page: FanoutPage, *, owner: str, now: datetime, lease_until: datetime) -> Committed:
        """Store the runs of a page with their messages, and the new cursor. A page
        counts only while its fan-out is under ``owner``'s lease and its cursor is what it was. Runs that are there
        already are left as they are, and are not told as stored."""
        ...

    async def begun(self, event: str, runs: Sequence[str]) -> set[str]:
        """Those of these keys of runs of the event with this key that are there."""
        ...

    async def signals_about(self, awaits: Sequence[Await]) -> list[Signal]:
        """The events that came under these keys, in the order of their coming: those that would wake a run that
        listens for this."""
        ...


class FanoutsVerbs:
    """FanoutsStore over named statements."""

    _database: Database

    async def take_fanouts(self, *, owner: str, now: datetime, lease_until: datetime, limit: int) -> list[Fanout]:
        """With their events."""
        async with self._database.transaction() as transaction:
            rows = await transaction.rows(
                "take_fanouts", owner=owner, now=to_micros(now), lease_until=to_micros(lease_until), limit=limit
            )
            if not rows:
                return []
            events = await _events(transaction, rows)
        return [
            _fanout(document, [events[sequence] for sequence in msgspec.json.decode(sequences)], cursor, chosen, claims)
            for _, sequences, cursor, chosen, claims, document in sorted(rows, key=lambda row: row[0])
        ]

    async def commit_fanout(self, page: FanoutPage, *, owner: str, now: datetime, lease_until: datetime) -> Committed:
        """A run that is given twice counts once."""
        records = {record.run.key: record for record in page.runs}
        fanout = page.fanout
        inserted: set[str] = set()
        async with self._database.transaction(isolated=False) as transaction:
            held = await transaction.rows(
                "move_fanout",
                key=fanout.key,
                owner=owner,
                before=page.before,
                cursor="" if page.state == "done" else fanout.cursor,  # it is somebody's id
                state=page.state,
                due_at=to_micros(page.due_at or now),
                document=fanout_document(fanout),
            )
            if not held:
                return Committed(frozenset(), frozenset(), woken=False)
            ((event,),) = held

            async def write(some: Sequence[RunRecord]) -> Mapping[str, int]:
                written = await insert_runs(transaction, [(event, record) for record in some])
                inserted.update(written)
                return written

            await lock(transaction, records.values())
            decided, woken = await store_runs(transaction, list(records.values()), write, now, lease_until)
            if inserted:
                await transaction.rows("count_chosen", key=fanout.key, chosen=len(inserted))
        return Committed(
            frozenset(), frozenset(decided), woken=woken or (page.state == "running" and page.due_at is None)
        )

    async def begun(self, event: str, runs: Sequence[str]) -> set[str]:
        """As of the last commit."""
        async with self._database.reading() as reading:
            return {key for (key,) in await reading.rows("begun", event=event, runs=list(runs))}

    async def signals_about(self, awaits: Sequence[Await]) -> list[Signal]:
        """As of the last commit."""
        if not awaits:
            return []
        rows = [(each.key, each.about, int(each.always)) for each in awaits]
        async with self._database.reading() as reading:
            found = await reading.many("signals_about", columns_of(("key", "about", "always"), rows))
        return [
            read_signal(key, about, at, event, None)
            for _, key, about, at, event in sorted(found, key=lambda row: row[0])
        ]


def _fanout(document: str, events: Sequence[Event], cursor: str, chosen: int, claims: int) -> Fanout:
    fanout = read_fanout(document)
    run = msgspec.structs.replace(fanout.run, events=tuple(events))
    return msgspec.structs.replace(fanout, run=run, cursor=cursor, chosen=chosen, claims=claims)


async def _events(transaction: Transaction, rows: Sequence[Any]) -> dict[int, Event]:
    wanted = sorted({sequence for row in rows for sequence in msgspec.json.decode(row[1])})
    return {
        sequence: read_event(document)
        for sequence, document in await transaction.rows("events_of_fanouts", events=wanted)
    }
