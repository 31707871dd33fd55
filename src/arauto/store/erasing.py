"""The pieces of an erasure: each is done in one transaction, and leaves what the next one begins with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args

import msgspec
from msgspec import Struct, field

from arauto.decide.erasure import ERASED, Eraser, Person, address_texts
from arauto.decide.signals import receipt_key
from arauto.model import JSON, Entry, Reason, ReceiptKind, Recipient, derive_id
from arauto.store.clearing import clear_around, clear_event, cleared_entry, tells_of
from arauto.store.database import Transaction
from arauto.store.documents import read_json, read_recipient, read_silence, to_document, to_micros
from arauto.store.releases import clear_releases
from arauto.store.rows import columns_of

PIECE = 100
"""Rows of a person that one transaction erases."""

SCAN = 500
"""Events, or recipients, that one transaction looks at."""

AROUND = 500
"""Runs of others around an event of the person's that one transaction looks at."""

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


async def last_sequences(transaction: Transaction) -> tuple[int, int, int]:
    """The sequences of the newest event, run and message; 0 where there is none."""
    ((event, run, message),) = await transaction.rows("last_sequences")
    return event, run, message


def note_person(progress: Progress, recipient: Recipient) -> None:
    """Remember by what else they are known."""
    if recipient.name and recipient.name not in progress.names:
        progress.names.append(recipient.name)
    for addresses in recipient.addresses.values():
        for address in addresses:
            _note_address(progress, address)


def _note_address(progress: Progress, address: JSON) -> None:
    found = [text for text in address_texts(address) if text not in progress.addresses and text != progress.recipient]
    progress.addresses.extend(dict.fromkeys(found))


async def forget_person(transaction: Transaction, tenant: str, pseudonym: str, progress: Progress) -> None:
    """Delete what is told of them, and stop what waits for them."""
    recipient = progress.recipient
    for (document,) in await transaction.rows("take_recipient", tenant=tenant, recipient=recipient):
        note_person(progress, read_recipient(document))
        progress.count("recipients")
    for kind, document in await transaction.rows("take_history", tenant=tenant, id=recipient):
        if kind == "recipient":
            note_person(progress, read_recipient(document))
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


async def do_piece(
    transaction: Transaction, tenant: str, pseudonym: str, progress: Progress, patient: bool, now: datetime
) -> bool:
    """Do the next piece; True when it waits for what is under way."""
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
                progress.phase, progress.last = "messages", await last_sequences(transaction)
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
    await forget_person(transaction, tenant, pseudonym, progress)
    progress.last = await last_sequences(transaction)
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
    """Silences, releases that name the person, and refusals that quote them."""
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
    # What silences were, the ones that were just changed among them.
    kept = await transaction.rows("history_of_silences", tenant=tenant)
    tells = [
        sequence
        for sequence, *_, document in kept
        if progress.recipient in read_silence(document).recipients or eraser.may_concern(document)
    ]
    await transaction.rows("drop_history", sequences=tells)
    for id, document in await transaction.rows("replays_to_clear", tenant=tenant):
        if eraser.may_concern(document):
            cleared = to_document(eraser.cleared(read_json(document)))
            await transaction.rows("put_replay", tenant=tenant, id=id, document=cleared)
    await _clear_fanouts(transaction, tenant, progress.recipient, eraser)
    progress.count("releases", await clear_releases(transaction, progress.recipient))
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
