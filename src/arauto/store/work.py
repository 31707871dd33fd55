"""The way of an event, as verbs over named statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from arauto.model import JSON, MessageState, Signal
from arauto.store.database import Database, Transaction
from arauto.store.deciding import insert_runs, lock, store_runs
from arauto.store.documents import optional, read_event, read_json, read_signal, to_document, to_micros, to_moment
from arauto.store.holds import free, standing
from arauto.store.records import (
    Appended,
    Claim,
    Committed,
    DueRun,
    NewEvent,
    Pending,
    PlanRecord,
    RunRecord,
    Settlement,
)
from arauto.store.rows import (
    columns_of,
    due_column,
    insert_fanouts,
    keep_late,
    load_runs,
    put_recipients,
    read_claims,
    run_columns,
)
from arauto.store.signalling import signal
from arauto.store.wishes import insert_suppressions

_ENDED = ("sent", "failed", "expired", "cancelled")


class Work:
    """The way of an event, as verbs over named statements."""

    _database: Database

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
        return [Pending(read_event(document), claims, missed) for _, claims, document, missed in sorted(rows)]

    async def commit_plans(
        self, plans: Sequence[PlanRecord], *, owner: str, now: datetime, lease_until: datetime
    ) -> Committed:
        """Of two plans for one event, the first counts."""
        first: dict[str, PlanRecord] = {}
        for plan in plans:
            first.setdefault(plan.event, plan)
        if not first:
            return Committed(frozenset(), frozenset(), woken=False)
        async with self._database.transaction(isolated=False) as transaction:
            explanations = await _explanations(transaction, first)
            columns = {"key": list(first), "explanation": [to_document(told) for told in explanations]}
            marked = {
                key: (sequence, tenant)
                for key, sequence, tenant in await transaction.many("mark_planned", columns, owner=owner)
            }
            counted = [plan for plan in first.values() if plan.event in marked]
            upserts = [(marked[plan.event][1], recipient) for plan in counted for recipient in plan.upserts]
            await put_recipients(transaction, upserts, now)
            records: dict[str, RunRecord] = {}
            events: dict[str, int] = {}
            for plan in counted:
                for record in plan.runs:
                    records.setdefault(record.run.key, record)
                    events.setdefault(record.run.key, marked[plan.event][0])

            async def write(some: Sequence[RunRecord]) -> dict[str, int]:
                return await insert_runs(transaction, [(events[record.run.key], record) for record in some])

            told = [(marked[plan.event][0], plan) for plan in counted]
            await lock(transaction, records.values(), [key for plan in counted for key in plan.keys])
            signalled = await signal(transaction, told, now)
            decided, woken = await store_runs(transaction, list(records.values()), write, now, lease_until)
            fanned = await insert_fanouts(transaction, (each for plan in counted for each in plan.fanouts), now)
        return Committed(frozenset(marked), frozenset(decided), woken=woken or signalled or fanned)

    async def signals(self, keys: Collection[str]) -> list[Signal]:
        """As of the last commit."""
        if not keys:
            return []
        async with self._database.reading() as reading:
            rows = await reading.rows("signals", keys=sorted(keys))
        return [read_signal(key, "", at, event, None) for key, at, event in rows]

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
            seen: defaultdict[int, set[str]] = defaultdict(set)
            for run, id, state, read in await transaction.rows("states_of_runs", runs=sequences):
                states[run][id] = state
                if read:
                    seen[run].add(id)
        return [DueRun(stored.run, states[sequence], frozenset(seen[sequence])) for sequence, stored in runs.items()]

    async def commit_runs(
        self, runs: Sequence[RunRecord], *, owner: str, now: datetime, lease_until: datetime
    ) -> Committed:
        """Of two records for one run, the first counts."""
        first: dict[str, RunRecord] = {}
        for record in runs:
            first.setdefault(record.run.key, record)
        if not first:
            return Committed(frozenset(), frozenset(), woken=False)
        written: set[str] = set()
        async with self._database.transaction(isolated=False) as transaction:

            async def write(some: Sequence[RunRecord]) -> dict[str, int]:
                if not some:
                    return {}
                columns = {**run_columns(some), "event": [record.run.events[0].key for record in some]}
                updated = dict(await transaction.many("update_runs", columns, owner=owner, now=to_micros(now)))
                written.update(updated)
                return updated

            await lock(transaction, first.values())
            decided, woken = await store_runs(transaction, list(first.values()), write, now, lease_until)
            stale = [record.run for key, record in first.items() if key not in written]
            if stale:
                rows = [(run.events[0].key, run.key) for run in stale]
                await transaction.many("release_runs", columns_of(("event", "key"), rows), owner=owner)
        return Committed(frozenset(), frozenset(decided), woken=woken or bool(stale))

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
            "hold": [each.hold for each in first.values()],
            "document": [to_document(each.message) for each in first.values()],
        }
        holds = {each.hold for each in first.values() if each.hold is not None}
        async with self._database.transaction(isolated=False) as transaction:
            if holds:
                await transaction.rows("lock_keys", keys=sorted(holds))
            ended = dict(await transaction.many("settle", columns))
            applied = set(ended)
            waking = [id for id, state in ended.items() if first[id].message.awaited and state in _ENDED]
            if waking:
                await transaction.rows("wake_runs", messages=waking, now=moment)
            if holds:
                await free(transaction, holds - await standing(transaction, holds), now)
            dead = [(first[id].message.tenant, first[id].suppress) for id in applied]
            await insert_suppressions(transaction, [(tenant, each) for tenant, each in dead if each is not None])
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
        """Of events, runs, fan-outs and messages."""
        async with self._database.transaction() as transaction:
            for statement in ("end_event_leases", "end_run_leases", "end_fanout_leases", "end_message_leases"):
                await transaction.rows(statement, now=to_micros(now))


def _lease(owner: str, now: datetime, lease_until: datetime) -> dict[str, object]:
    return {"owner": owner, "now": to_micros(now), "lease_until": to_micros(lease_until)}


def _is_applied(settlement: Settlement, applied: set[str], first: dict[str, Settlement]) -> bool:
    id = settlement.message.id
    return id in applied and first[id] is settlement


async def _explanations(transaction: Transaction, plans: Mapping[str, PlanRecord]) -> list[JSON]:
    """What is to be told of these plans; what an event missed stands among what was told of it before."""
    missed = [key for key, plan in plans.items() if plan.missed is not None]
    before: dict[str, JSON] = {}
    if missed:
        rows = await transaction.rows("explanations", keys=missed)
        before = {key: optional(read_json, explanation) for key, explanation in rows}
    return [_merged(before.get(key), plan) for key, plan in plans.items()]


def _merged(before: JSON, plan: PlanRecord) -> JSON:
    if plan.missed is None or not isinstance(before, dict):
        return plan.explanation
    others = [told for told in before.get("notifications", ()) if told["notification"] != plan.missed]
    return {**before, "notifications": [*others, *plan.explanation["notifications"]]}
