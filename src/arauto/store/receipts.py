"""What providers and people answer about messages, and all that follows from it at once.

A receipt counts once, whenever and however often it comes. With it in one transaction: the furthest receipt of its
message moves on, the runs that listen for it are woken, and addresses and consent that it ends are ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from arauto.decide.receipts import Furthest, further, resent_before
from arauto.decide.signals import keys_of_receipt
from arauto.model import Message, MessageState, Receipt
from arauto.store.database import Database, Transaction
from arauto.store.documents import read_message, to_document, to_micros, to_moment
from arauto.store.records import Suppression
from arauto.store.rows import columns_of
from arauto.store.wishes import Change, apply_change, insert_suppressions, wishes_lock


class Consequence(Struct, frozen=True):
    """What a new receipt of a message ends: an address, and what its recipient wants."""

    suppress: Suppression | None = None
    change: Change | None = None


Follow = Callable[[Message, Receipt], Consequence]


class Kept(Struct, frozen=True):
    """What became of receipts."""

    new: tuple[tuple[Message, Receipt], ...]
    """Those that were not there yet, with their messages."""
    repeated: int
    unknown: int
    """How many are of no message of this hub."""
    woken: bool
    """A run is due at once."""


class ReceiptsStore(Protocol):
    """Verbs about receipts."""

    async def record_receipts(self, receipts: Sequence[Receipt], follow: Follow, *, now: datetime) -> Kept:
        """Keep receipts with all that follows. A message that was not known to be sent is ``sent`` when one proves that
        it arrived; of one of which nothing was known at all, any receipt proves that."""
        ...


class ReceiptsVerbs:
    """ReceiptsStore over named statements."""

    _database: Database

    async def record_receipts(self, receipts: Sequence[Receipt], follow: Follow, *, now: datetime) -> Kept:
        """Of several alike for one message, the earliest is kept."""
        async with self._database.transaction(isolated=False) as transaction:
            return await keep_receipts(transaction, receipts, follow, now)


def nothing_follows(message: Message, receipt: Receipt) -> Consequence:
    """Of receipts that end nothing."""
    return Consequence()


class _Told(Struct):
    """A message as it stands, on its way through the receipts given for it."""

    message: Message
    sequence: int
    state: MessageState
    known: Furthest | None
    receipts: list[Receipt]
    changed: bool = False
    ends: bool = False
    """Its run may be waiting for what is known now."""


async def keep_receipts(transaction: Transaction, receipts: Sequence[Receipt], follow: Follow, now: datetime) -> Kept:
    """Keep receipts within a transaction that has locked nothing yet."""
    by_message: defaultdict[str, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        by_message[receipt.message].append(receipt)
    documents = dict(await transaction.rows("messages_told_of", ids=sorted(by_message)))
    messages = {id: read_message(document, None) for id, document in documents.items()}
    unknown = sum(len(given) for id, given in by_message.items() if id not in messages)
    if not messages:
        return Kept((), 0, unknown, woken=False)
    await transaction.rows("lock_keys", keys=_locks(messages, by_message, follow))
    told = await _read(transaction, by_message)
    new = await _insert(transaction, told)
    changes = [
        (each.sequence, each.known.kind, None if each.known.arrived is None else int(each.known.arrived), each.state)
        for each in told
        if each.changed and each.known is not None
    ]
    if changes:
        await transaction.many("note_receipts", columns_of(("message", "receipt", "arrived", "state"), changes))
    woken = await _wake(transaction, told, new, now)
    ended = [(message, follow(message, receipt)) for message, receipt in new]
    dead = [(message.tenant, each.suppress) for message, each in ended if each.suppress is not None]
    await insert_suppressions(transaction, dead)
    for message, each in ended:
        if each.change is not None:
            await apply_change(transaction, message.tenant, message.recipient, each.change, now)
    return Kept(tuple(new), len(receipts) - unknown - len(new), unknown, woken=woken)


def _keys(message: Message, receipt: Receipt) -> tuple[str, str]:
    return keys_of_receipt(receipt, message.notification, message.run, message.event)


def _locks(messages: Mapping[str, Message], receipts: Mapping[str, Sequence[Receipt]], follow: Follow) -> list[str]:
    keys: set[str] = set()
    for id, message in messages.items():
        for receipt in receipts[id]:
            keys.update(_keys(message, receipt))
            if follow(message, receipt).change is not None:
                keys.add(wishes_lock(message.tenant, message.recipient))
    return sorted(keys)


async def _read(transaction: Transaction, receipts: Mapping[str, Sequence[Receipt]]) -> list[_Told]:
    """The messages, locked, each with those of its receipts that differ."""
    told: list[_Told] = []
    for id, sequence, state, kind, arrived, document in await transaction.rows(
        "messages_to_note", ids=sorted(receipts)
    ):
        message = read_message(document, None)
        first: dict[tuple[str, bool, int], Receipt] = {}
        for receipt in sorted(receipts[id], key=lambda receipt: receipt.at):
            first.setdefault((receipt.kind, receipt.permanent, resent_before(message, receipt)), receipt)
        known = None if kind is None else Furthest(kind, None if arrived is None else bool(arrived))
        told.append(_Told(message, sequence, state, known, list(first.values())))
    return told


async def _insert(transaction: Transaction, told: Sequence[_Told]) -> list[tuple[Message, Receipt]]:
    """Insert what is not there yet, and move the messages on by it."""
    given = {
        (each.sequence, receipt.kind, int(receipt.permanent), resent_before(each.message, receipt)): (each, receipt)
        for each in told
        for receipt in each.receipts
    }
    rows = [(*key, to_micros(receipt.at), receipt.detail) for key, (_, receipt) in given.items()]
    names = ("message", "kind", "permanent", "resent", "at", "detail")
    inserted = {tuple(row) for row in await transaction.many("insert_receipts", columns_of(names, rows))}
    new: list[tuple[Message, Receipt]] = []
    for key, (each, receipt) in given.items():
        if key not in inserted:
            continue
        new.append((each.message, receipt))
        if key[3] == sum(intervention.again for intervention in each.message.interventions):
            _move_on(each, receipt)
    return new


def _move_on(each: _Told, receipt: Receipt) -> None:
    known = further(each.known, receipt)
    if known == each.known:
        return
    each.known, each.changed = known, True
    if each.state == "unknown" or (known.arrived and each.state not in ("sending", "sent")):
        each.state, each.ends = "sent", True  # a provider had it, and has told what became of it
    elif known.arrived is False and each.state == "sent":
        each.ends = True


async def _wake(
    transaction: Transaction, told: Sequence[_Told], new: Sequence[tuple[Message, Receipt]], now: datetime
) -> bool:
    """Wake the runs that listen for these receipts, or wait to hear how these messages ended."""
    keys = sorted({key for message, receipt in new for key in _keys(message, receipt)})
    # A run listens for all that its steps may wait for from its beginning on: what nobody awaits now, nobody will.
    awaited = {key for (key,) in await transaction.rows("awaited_keys", keys=keys)} if keys else set()
    woken = False
    if awaited:
        rows = [
            (key, None, to_micros(receipt.at), to_document(receipt))
            for message, receipt in new
            for key in _keys(message, receipt)
            if key in awaited
        ]
        await transaction.many("insert_signals", columns_of(("key", "event", "at", "receipt"), rows))
        woken = bool(await transaction.rows("wake_listeners", keys=sorted(awaited), now=to_micros(now)))
    ended = [each.message.id for each in told if each.ends and each.message.awaited]
    if ended:
        await transaction.rows("wake_runs", messages=ended, now=to_micros(now))
    return woken or bool(ended)


async def receipts_of(reading: Transaction, messages: Collection[int]) -> dict[int, list[Receipt]]:
    """The receipts of the messages with these sequences, in the order of their times; ``message`` is left out."""
    found: defaultdict[int, list[Receipt]] = defaultdict(list)
    if messages:
        for message, kind, permanent, at, detail in await reading.rows("receipts", messages=list(messages)):
            receipt = Receipt(message="", kind=kind, at=to_moment(at), permanent=bool(permanent), detail=detail)
            found[message].append(receipt)
    for some in found.values():
        some.sort(key=lambda receipt: receipt.at)
    return found
