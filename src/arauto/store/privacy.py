"""What is held of a person: shown whole, or erased.

An erasure is a row that knows how far it has come, so that one which was interrupted goes on. It looks at all events
of its tenant, piece by piece, since anything may tell of a person. What remains is a row without anything that tells
who they were, and suppressed addresses, which are known by keyed hashes alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol, get_args

import msgspec
from msgspec import Struct, field

from arauto.decide.erasure import ERASED, Eraser, Person, address_texts
from arauto.decide.signals import receipt_key
from arauto.model import JSON, Entry, Reason, ReceiptKind, Recipient, derive_id
from arauto.store.clearing import clear_around, clear_event, cleared_entry
from arauto.store.database import Database, Transaction
from arauto.store.documents import optional, read_json, read_recipient, read_silence, to_document, to_micros, to_moment
from arauto.store.pages import page
from arauto.store.records import Page
from arauto.store.rows import columns_of

PIECE = 100
"""Rows of a person that one transaction erases."""

SCAN = 500
"""Events, or recipients, that one transaction looks at."""

AROUND = 500
"""Runs of others around an event of the person's that one transaction looks at."""

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
)
"""Where an erasure leaves rows that are dead."""

Phase = Literal["waiting", "messages", "runs", "sharing", "scan", "events", "rest", "rewrite"]


class Progress(Struct, kw_only=True, omit_defaults=True):
    """How far an erasure has come."""

    phase: Phase = "waiting"
    recipient: str = ""
    fixed: bool = False
    """They stand in the project's files."""
    names: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    places: list[tuple[str, str]] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    """Those of the addresses that somebody else has, too."""
    last: tuple[int, int, int] = (0, 0, 0)
    """The last event, run and message that are of the time before the erasure."""
    event: int | None = None
    """The event that is being looked at."""
    after: int = 0
    """Up to where the present phase has come."""
    after_recipient: str = ""
    texts: list[str] = field(default_factory=list)
    """What the present event said of the person."""
    whole: bool = False
    """The present event told of nobody else."""
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, number: int = 1) -> None:
        """Add to a count."""
        if number:
            self.counts[what] = self.counts.get(what, 0) + number

    def eraser(self, pseudonym: str) -> Eraser:
        """What finds the person's traces."""
        addresses = tuple(address for address in self.addresses if address not in self.shared)
        return Eraser(Person(self.recipient, pseudonym, tuple(self.names), addresses, tuple(self.places)))


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
            return (await _last(reading))[0]

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
                _note_person(progress, known)
            await _forget_person(transaction, tenant, pseudonym, progress)
            progress.last = await _last(transaction)
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
                waits = await _piece(transaction, tenant, pseudonym, progress, patient, now)
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


async def _last(transaction: Transaction) -> tuple[int, int, int]:
    ((event, run, message),) = await transaction.rows("last_sequences")
    return event, run, message


def _shown(micros: int | None) -> str | None:
    return None if micros is None else to_moment(micros).isoformat().replace("+00:00", "Z")


# -- the pieces ------------------------------------------------------------------------------------------------------


def _note_person(progress: Progress, recipient: Recipient) -> None:
    if recipient.name and recipient.name not in progress.names:
        progress.names.append(recipient.name)
    for addresses in recipient.addresses.values():
        for address in addresses:
            _note_address(progress, address)


def _note_address(progress: Progress, address: JSON) -> None:
    found = [text for text in address_texts(address) if text not in progress.addresses and text != progress.recipient]
    progress.addresses.extend(dict.fromkeys(found))


async def _forget_person(transaction: Transaction, tenant: str, pseudonym: str, progress: Progress) -> None:
    """Delete what is told of them, and stop what waits for them."""
    recipient = progress.recipient
    for (document,) in await transaction.rows("take_recipient", tenant=tenant, recipient=recipient):
        _note_person(progress, read_recipient(document))
        progress.count("recipients")
    progress.count("wishes", len(await transaction.rows("delete_wishes", tenant=tenant, recipient=recipient)))
    eraser = progress.eraser(pseudonym)
    consents = await transaction.rows("consents_of_person", tenant=tenant, recipient=recipient)
    if consents:
        kept = [(sequence, to_document(_anonymous(eraser, read_json(document)))) for sequence, document in consents]
        columns = columns_of(("sequence", "document"), kept)
        await transaction.many("keep_consents", columns, pseudonym=pseudonym)
        progress.count("consents", len(kept))
    await transaction.rows("delete_uses_of_key", key=derive_id("attention", tenant, recipient))
    stopped = await transaction.rows("stop_runs_of_person", tenant=tenant, recipient=recipient)
    cancelled = await transaction.rows("cancel_messages_of_person", tenant=tenant, recipient=recipient)
    progress.count("runs_stopped", len(stopped))
    progress.count("messages_cancelled", len(cancelled))


def _anonymous(eraser: Eraser, consent: dict[str, JSON]) -> JSON:
    """What was agreed to, when and how, without what tells by whom."""
    return eraser.cleared({key: value for key, value in consent.items() if key != "evidence"})


async def _piece(
    transaction: Transaction, tenant: str, pseudonym: str, progress: Progress, patient: bool, now: datetime
) -> bool:
    """Do the next piece; True when it waits."""
    match progress.phase:
        case "waiting":
            return await _wait(transaction, tenant, pseudonym, progress, patient, now)
        case "messages":
            more = await _erase_messages(transaction, tenant, pseudonym, progress)
        case "runs":
            more = await _erase_runs(transaction, tenant, pseudonym, progress, now)
        case "sharing":
            more = await _find_shared(transaction, tenant, progress)
        case "scan":
            more = await _scan(transaction, tenant, pseudonym, progress)
        case "events":
            more = await _clear_found(transaction, tenant, pseudonym, progress)
        case _:
            await _clear_rest(transaction, tenant, pseudonym, progress)
            ((known, begun),) = await transaction.rows("come_back", tenant=tenant, recipient=progress.recipient)
            if begun and not known and not progress.fixed:
                # A group that was being told has told them, too, though they were gone.
                progress.phase, progress.last = "messages", await _last(transaction)
                return False
            _forget(progress)
            more = False
    if not more:
        phases = get_args(Phase)
        progress.phase = phases[phases.index(progress.phase) + 1]
        progress.after = 0
    return False


def _forget(progress: Progress) -> None:
    """Keep the counts alone."""
    progress.recipient, progress.names, progress.addresses, progress.shared = "", [], [], []
    progress.places, progress.texts = [], []


async def _wait(
    transaction: Transaction, tenant: str, pseudonym: str, progress: Progress, patient: bool, now: datetime
) -> bool:
    """Wait for what is being sent or planned: it may write something of the person again, which then goes, too."""
    recipient = progress.recipient
    ((sending, unplanned),) = await transaction.rows(
        "under_way", tenant=tenant, recipient=recipient, now=to_micros(now), last=progress.last[0]
    )
    if patient and (sending or unplanned):
        return True
    await _forget_person(transaction, tenant, pseudonym, progress)
    progress.last = await _last(transaction)
    progress.phase = "messages"
    return False


async def _erase_messages(transaction: Transaction, tenant: str, pseudonym: str, progress: Progress) -> bool:
    rows = await transaction.rows(
        "messages_to_erase", tenant=tenant, recipient=progress.recipient, last=progress.last[2], limit=PIECE
    )
    if not rows:
        return False
    documents = [(sequence, state, read_json(document)) for sequence, state, document in rows]
    for _, _, message in documents:
        _note_address(progress, message["address"])
    erased = [(sequence, to_document(_erased_message(message, pseudonym))) for sequence, _, message in documents]
    await transaction.many("erase_messages", columns_of(("sequence", "document"), erased), pseudonym=pseudonym)
    sequences = [row[0] for row in rows]
    gone = await transaction.rows("delete_inbox_of_messages", messages=sequences)
    await transaction.rows("clear_receipts", messages=sequences)
    progress.count("messages", len(rows))
    progress.count("messages_cancelled", sum(state == "sending" for _, state, _ in documents))
    progress.count("inbox", len(gone))
    return True


def _erased_message(message: dict[str, JSON], pseudonym: str) -> JSON:
    """When what was tried on which channel, and how it ended; nothing of what was said."""
    attempts = [
        {
            key: ERASED if key == "reason" else value
            for key, value in attempt.items()
            if key not in ("answer", "reference", "request")
        }
        for attempt in message.get("attempts", ())
    ]
    return message | {"recipient": pseudonym, "address": ERASED, "attempts": attempts}


async def _erase_runs(transaction: Transaction, tenant: str, pseudonym: str, progress: Progress, now: datetime) -> bool:
    rows = await transaction.rows(
        "runs_to_erase", tenant=tenant, recipient=progress.recipient, last=progress.last[1], limit=PIECE
    )
    if not rows:
        return False
    eraser = progress.eraser(pseudonym)
    erased: list[tuple[int, str]] = []
    for sequence, _, _, document in rows:
        run = read_json(document)
        entry = msgspec.to_builtins(Entry(now, run.get("step", 0), "stop", Reason("person_erased")))
        log = [*(cleared_entry(eraser, each, (), whole=True) for each in run.get("log", [])), entry]
        erased.append((sequence, to_document(run | {"recipient": pseudonym, "log": log, "refused": {}})))
    await transaction.many("erase_runs", columns_of(("sequence", "document"), erased), pseudonym=pseudonym)
    sequences, keys = [row[0] for row in rows], [row[1] for row in rows]
    await transaction.rows("find_events_of_runs", tenant=tenant, pseudonym=pseudonym, runs=sequences)
    await transaction.rows("find_events_of_signals", tenant=tenant, pseudonym=pseudonym, runs=sequences)
    await transaction.rows(
        "delete_signals_of_keys", keys=[receipt_key(kind, run) for run in keys for kind in _RECEIPTS]
    )
    await transaction.rows("delete_awaits_of_runs", runs=sequences)
    await transaction.rows("delete_uses_of_runs", keys=keys)
    progress.count("runs", len(rows))
    return True


_RECEIPTS: tuple[ReceiptKind, ...] = get_args(ReceiptKind)


async def _find_shared(transaction: Transaction, tenant: str, progress: Progress) -> bool:
    """Find the addresses that somebody else has, too: where those stand, it may be for them."""
    rows = await transaction.rows("list_recipients", tenant=tenant, after=progress.after_recipient, limit=SCAN)
    for id, document in rows:
        if id == progress.recipient or not any(address in document for address in progress.addresses):
            continue
        texts = {text for some in read_recipient(document).addresses.values() for text in address_texts(some)}
        progress.shared = sorted({*progress.shared, *texts.intersection(progress.addresses)})
    progress.after_recipient = rows[-1][0] if len(rows) == SCAN else ""
    return len(rows) == SCAN


async def _scan(transaction: Transaction, tenant: str, pseudonym: str, progress: Progress) -> bool:
    """Find the events that tell of the person although it may be to others only."""
    eraser = progress.eraser(pseudonym)
    rows = await transaction.rows("scan_events", tenant=tenant, after=progress.after, last=progress.last[0], limit=SCAN)
    found = [sequence for sequence, document, explanation in rows if tells_of(eraser, document, explanation)]
    if found:
        await transaction.many("add_found_events", {"event": found}, tenant=tenant, pseudonym=pseudonym)
    progress.after = rows[-1][0] if rows else 0
    return len(rows) == SCAN


def tells_of(eraser: Eraser, document: str, explanation: str | None) -> bool:
    """Whether an event, or what was decided about it, tells of the person."""
    if eraser.may_concern(document):
        event = read_json(document)
        if eraser.concerns(event["data"]) or eraser.concerns({"recipient": event.get("subject")}):
            return True
        if eraser.concerns([event["id"], event.get("extensions", {})]):
            return True
    return explanation is not None and eraser.may_concern(explanation) and eraser.concerns(read_json(explanation))


async def _clear_found(transaction: Transaction, tenant: str, pseudonym: str, progress: Progress) -> bool:
    """Clear found events, and the traces that they left with others."""
    eraser = progress.eraser(pseudonym)
    budget = AROUND
    while budget > 0:
        if progress.event is None:
            rows = await transaction.rows("next_found_event", tenant=tenant, pseudonym=pseudonym)
            if not rows:
                return False
            progress.event, progress.after = rows[0][0], 0
            cleared = await clear_event(transaction, eraser, rows[0][0])
            progress.texts, progress.whole = list(cleared.texts), cleared.whole
            progress.count("events", int(cleared.changed))
            progress.count("events_others_need", int(cleared.needed))
        looked, last = await clear_around(
            transaction, eraser, progress.event, progress.after, progress.texts, progress.whole, limit=AROUND
        )
        progress.after = last
        budget -= looked + 1
        if looked < AROUND:
            await transaction.rows("drop_found_event", tenant=tenant, pseudonym=pseudonym, event=progress.event)
            progress.event, progress.texts = None, []
    return True


async def _clear_rest(transaction: Transaction, tenant: str, pseudonym: str, progress: Progress) -> None:
    """Silences that name the person, and refusals that quote them."""
    eraser = progress.eraser(pseudonym)
    for (document,) in await transaction.rows("silences", tenant=tenant):
        silence = read_silence(document)
        if progress.recipient in silence.recipients or eraser.may_concern(document):
            named = tuple(pseudonym if each == progress.recipient else each for each in silence.recipients)
            changed = msgspec.structs.replace(
                silence,
                recipients=named,
                owner=eraser.cleared(silence.owner),
                reason=eraser.cleared(silence.reason),
            )
            await transaction.rows("clear_silence", tenant=tenant, id=silence.id, document=to_document(changed))
            progress.count("silences")
    for id, document in await transaction.rows("replays_to_clear", tenant=tenant):
        if eraser.may_concern(document):
            cleared = to_document(eraser.cleared(read_json(document)))
            await transaction.rows("put_replay", tenant=tenant, id=id, document=cleared)
    await _clear_fanouts(transaction, tenant, progress.recipient, eraser)
    rejections: list[tuple[int, str]] = []
    for sequence, document in await transaction.rows("rejections_to_clear", tenant=tenant):
        if eraser.may_concern(document):
            told: Mapping[str, JSON] = read_json(document)
            rejections.append((sequence, to_document({**told, "detail": eraser.cleared(told.get("detail", ""))})))
    if rejections:
        await transaction.many("clear_rejections", columns_of(("sequence", "document"), rejections))
        progress.count("rejections", len(rejections))


async def _clear_fanouts(transaction: Transaction, tenant: str, recipient: str, eraser: Eraser) -> None:
    """Where a group is being told, or was told last."""
    after = 0
    while rows := await transaction.rows("fanouts_to_clear", after=after, limit=SCAN):
        for sequence, cursor, document in rows:
            if cursor == recipient or eraser.may_concern(document):
                cleared = to_document(eraser.cleared(read_json(document)))
                await transaction.rows(
                    "clear_fanout", sequence=sequence, tenant=tenant, recipient=recipient, document=cleared
                )
        after = rows[-1][0]
