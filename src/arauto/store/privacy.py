"""What is held of a person: shown whole, or erased.

An erasure is a row that knows how far it has come, so that one which was interrupted goes on. It looks at all events
of its tenant, piece by piece, since anything may tell of a person. What remains is a row without anything that tells
who they were, and suppressed addresses, which are known by keyed hashes alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
from msgspec import Struct

from arauto.model import JSON, Recipient, derive_id
from arauto.store.database import Database, Transaction
from arauto.store.documents import optional, read_json, to_document, to_micros, to_moment
from arauto.store.erasing import Phase, Progress, do_piece, forget_person, last_sequences, note_person
from arauto.store.pages import page
from arauto.store.records import Page

TABLES = (
    "events",
    "runs",
    "messages",
    "inbox",
    "recipients",
    "wishes",
    "consents",
    "receipts",
    "signals",
    "uses",
    "silences",
    "rejections",
    "fanouts",
    "replays",
    "erasures",
    "history",
    "releases",
    "release_files",
)
"""Where an erasure leaves rows that are dead."""


class Erasure(Struct, frozen=True):
    """An erasure as it stands."""

    pseudonym: str
    begun_at: datetime
    finished_at: datetime | None
    phase: Phase
    waits: bool
    """It can't go on yet: something of the person's is under way."""
    counts: dict[str, int]


class HeldEvent(Struct, frozen=True):
    """An event and what was decided about it."""

    sequence: int
    key: str
    received_at: datetime
    state: str
    event: JSON
    explanation: JSON


class PrivacyStore(Protocol):
    """Verbs about all that is held of a person."""

    async def held_runs(self, tenant: str, recipient: str, *, after: str | None, limit: int) -> Page:
        """Oldest first, as documents with the sequences of their events (``event_sequences``)."""
        ...

    async def held_messages(self, tenant: str, recipient: str, *, after: str | None, limit: int) -> Page:
        """Oldest first, as documents with their receipts."""
        ...

    async def held_inbox(self, tenant: str, recipient: str, *, after: str | None, limit: int) -> Page:
        """Oldest first, as documents."""
        ...

    async def held_events(self, sequences: Collection[int]) -> list[HeldEvent]:
        """The events with these sequences."""
        ...

    async def last_event(self) -> int:
        """The sequence of the newest event."""
        ...

    async def scan_events(self, tenant: str, *, after: int, last: int, limit: int) -> list[tuple[int, str, str | None]]:
        """Sequence, document and explanation, as JSON, of the events after one and up to another."""
        ...

    async def erasure(self, tenant: str, pseudonym: str) -> Erasure | None:
        """The last erasure of whoever this is."""
        ...

    async def unfinished_erasures(self) -> list[tuple[str, str]]:
        """Tenants and pseudonyms."""
        ...

    async def begin_erasure(
        self,
        tenant: str,
        recipient: str,
        pseudonym: str,
        *,
        known: Recipient | None,
        shared: Collection[str],
        places: Sequence[tuple[str, str]],
        now: datetime,
    ) -> None:
        """Delete what is told of a person, stop what waits for them, and note that the rest is to be erased.
        ``known`` is what the project says of them, ``shared`` are addresses that others in it have, ``places`` are
        where data name people. Goes on with one that has begun."""
        ...

    async def advance_erasure(self, tenant: str, pseudonym: str, *, patient: bool, now: datetime) -> Erasure:
        """Do the next piece of an erasure; a patient one first waits for what is under way."""
        ...


class PrivacyVerbs:
    """PrivacyStore over named statements."""

    _database: Database

    # -- showing -----------------------------------------------------------------------------------------------------

    async def held_runs(self, tenant: str, recipient: str, *, after: str | None, limit: int) -> Page:
        """With what each took of allowances."""
        async with self._database.reading() as reading:
            rows = await _held(reading, "held_runs", tenant, recipient, after, limit)
            events: defaultdict[int, list[int]] = defaultdict(list)
            for run, event in await reading.rows("events_held_by_runs", runs=[row[0] for row in rows]):
                events[run].append(event)
            uses: defaultdict[str, list[JSON]] = defaultdict(list)
            for run, key, at, count in await reading.rows("uses_of_runs", keys=[row[1] for row in rows]):
                uses[run].append({"allowance": key, "at": _shown(at), "count": count})
        return page(
            rows,
            limit,
            lambda row: {
                **read_json(row[4]),
                "state": row[2],
                "due_at": _shown(row[3]) if row[2] == "waiting" else None,
                "uses": uses[row[1]],
                "event_sequences": events[row[0]],
            },
        )

    async def held_messages(self, tenant: str, recipient: str, *, after: str | None, limit: int) -> Page:
        """With the attempts that came late."""
        async with self._database.reading() as reading:
            rows = await _held(reading, "held_messages", tenant, recipient, after, limit)
            receipts: defaultdict[int, list[JSON]] = defaultdict(list)
            found = await reading.rows("receipts_of_messages", messages=[row[0] for row in rows])
            for message, kind, permanent, at, detail in found:
                told = {"kind": kind, "at": _shown(at), "permanent": bool(permanent), "detail": detail}
                receipts[message].append(told)
        return page(
            rows,
            limit,
            lambda row: {
                **read_json(row[3]),
                "state": row[1],
                "due_at": _shown(row[2]) if row[1] == "queued" else None,
                "late": optional(read_json, row[4]) or [],
                "receipts": receipts[row[0]],
            },
        )

    async def held_inbox(self, tenant: str, recipient: str, *, after: str | None, limit: int) -> Page:
        """Read or not."""
        async with self._database.reading() as reading:
            rows = await _held(reading, "held_inbox", tenant, recipient, after, limit)
        return page(
            rows,
            limit,
            lambda row: {"created_at": _shown(row[1]), "read_at": _shown(row[2]), "content": read_json(row[3])},
        )

    async def held_events(self, sequences: Collection[int]) -> list[HeldEvent]:
        """In the order of their coming."""
        async with self._database.reading() as reading:
            rows = await reading.rows("held_events", events=sorted(sequences))
        return [
            HeldEvent(sequence, key, to_moment(at), state, read_json(document), optional(read_json, explanation))
            for sequence, key, at, state, document, explanation in rows
        ]

    async def last_event(self) -> int:
        """0 when there is none."""
        async with self._database.reading() as reading:
            return (await last_sequences(reading))[0]

    async def scan_events(self, tenant: str, *, after: int, last: int, limit: int) -> list[tuple[int, str, str | None]]:
        """In the order of their coming."""
        async with self._database.reading() as reading:
            rows = await reading.rows("scan_events", tenant=tenant, after=after, last=last, limit=limit)
        return [tuple(row) for row in rows]

    # -- erasing -----------------------------------------------------------------------------------------------------

    async def erasure(self, tenant: str, pseudonym: str) -> Erasure | None:
        """Also one that has finished."""
        async with self._database.reading() as reading:
            rows = await reading.rows("erasure", tenant=tenant, pseudonym=pseudonym)
        if not rows:
            return None
        begun_at, finished_at, document = rows[0]
        return _erasure(pseudonym, begun_at, finished_at, _read_progress(document))

    async def unfinished_erasures(self) -> list[tuple[str, str]]:
        """Those that go on when a hub starts."""
        async with self._database.reading() as reading:
            return [(tenant, pseudonym) for tenant, pseudonym in await reading.rows("unfinished_erasures")]

    async def begin_erasure(
        self,
        tenant: str,
        recipient: str,
        pseudonym: str,
        *,
        known: Recipient | None,
        shared: Collection[str],
        places: Sequence[tuple[str, str]],
        now: datetime,
    ) -> None:
        """What is under way is left to ``advance_erasure``."""
        async with self._database.transaction() as transaction:
            await transaction.rows("lock_keys", keys=[derive_id("erasure", tenant, pseudonym)])
            rows = await transaction.rows("erasure", tenant=tenant, pseudonym=pseudonym)
            if rows and rows[0][1] is None and _read_progress(rows[0][2]).phase != "rewrite":
                return
            progress = Progress(
                recipient=recipient, fixed=known is not None, places=list(places), shared=sorted(shared)
            )
            if known is not None:
                note_person(progress, known)
            await forget_person(transaction, tenant, pseudonym, progress)
            progress.last = await last_sequences(transaction)
            document = to_document(progress)
            await transaction.rows(
                "begin_erasure", tenant=tenant, pseudonym=pseudonym, now=to_micros(now), document=document
            )

    async def advance_erasure(self, tenant: str, pseudonym: str, *, patient: bool, now: datetime) -> Erasure:
        """The last piece is no transaction: the database is rewritten, so that no trace is left in its file."""
        async with self._database.transaction() as transaction:
            await transaction.rows("lock_keys", keys=[derive_id("erasure", tenant, pseudonym)])
            ((begun_at, finished_at, document),) = await transaction.rows("erasure", tenant=tenant, pseudonym=pseudonym)
            progress = _read_progress(document)
            if finished_at is not None:
                return _erasure(pseudonym, begun_at, finished_at, progress)
            waits, rewrites = False, progress.phase == "rewrite"
            if not rewrites:
                waits = await do_piece(transaction, tenant, pseudonym, progress, patient, now)
                await _note(transaction, tenant, pseudonym, progress, None)
        if rewrites:
            await self._database.rewrite(TABLES)
            finished_at = to_micros(now)
            async with self._database.transaction() as transaction:
                await _note(transaction, tenant, pseudonym, progress, finished_at)
        return _erasure(pseudonym, begun_at, finished_at, progress, waits=waits)


_read_progress = msgspec.json.Decoder(Progress).decode


def _erasure(
    pseudonym: str, begun_at: int, finished_at: int | None, progress: Progress, *, waits: bool = False
) -> Erasure:
    ended = optional(to_moment, finished_at)
    return Erasure(pseudonym, to_moment(begun_at), ended, progress.phase, waits, dict(progress.counts))


async def _note(
    transaction: Transaction, tenant: str, pseudonym: str, progress: Progress, finished_at: int | None
) -> None:
    document = to_document(progress)
    await transaction.rows(
        "note_erasure", tenant=tenant, pseudonym=pseudonym, document=document, finished_at=finished_at
    )


async def _held(
    reading: Transaction, statement: str, tenant: str, recipient: str, after: str | None, limit: int
) -> list[tuple[JSON, ...]]:
    found = await reading.rows(statement, tenant=tenant, recipient=recipient, after=int(after or 0), limit=limit + 1)
    return [tuple(row) for row in found]


def _shown(micros: int | None) -> str | None:
    return None if micros is None else to_moment(micros).isoformat().replace("+00:00", "Z")
