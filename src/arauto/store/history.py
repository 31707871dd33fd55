"""What was: how recipients, wishes and silences stood at a time, which events came since, and what became of them.

What is overwritten is kept with the time in which it held, by the database itself (a trigger); it goes when no event
is left that it could be asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec
from msgspec import Struct

from arauto.decide.erasure import ERASED
from arauto.model import Event, MessageState, Receipt, Recipient, Run, Silence, Wishes
from arauto.store.database import Database
from arauto.store.documents import (
    read_event,
    read_message,
    read_recipient,
    read_silence,
    read_wishes,
    to_micros,
    to_moment,
)
from arauto.store.rows import load_runs

_MESSAGES = 5000
"""Messages that are looked at at once, of events that have less than so many each."""


class Change(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a recipient, a person's wishes or a silence became, at a time; all None: it went."""

    at: datetime
    kind: Literal["recipient", "wishes", "silence"]
    id: str
    recipient: Recipient | None = None
    wishes: Wishes | None = None
    silence: Silence | None = None


class PeopleThen(Struct, frozen=True):
    """A page of those who were known at a time, by id."""

    recipients: tuple[Recipient, ...]
    """With their wishes."""
    wishes: dict[str, Wishes]
    """Of those who were no recipients here: people of the project's files, mostly."""
    next: str | None


class Tried(Struct, frozen=True, array_like=True):
    """How an attempt ended: accepted, retry, rejected or unknown."""

    provider: str
    outcome: str


class RecordedMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a message."""

    id: str
    notification: str
    recipient: str
    channel: str
    state: MessageState
    tried: tuple[Tried, ...] = ()
    """Its attempts, in their order."""
    sent_at: datetime | None = None
    """Of one that has receipts: when a provider took it, or, where that is not known, when it was made."""
    receipts: tuple[Receipt, ...] = ()


class RecordedEvent(Struct, frozen=True, kw_only=True):
    """An event that was accepted, and what became of the messages of the runs that it began; of those who were erased,
    nothing."""

    sequence: int
    received_at: datetime
    event: Event
    messages: tuple[RecordedMessage, ...]


class WaitingRuns(Struct, frozen=True, kw_only=True):
    """Runs that wait at one step of one notification, of one version."""

    notification: str
    catalogue: str
    step: int
    gathers: bool
    """They take in others: digests that are open."""
    count: int
    first_due: datetime
    last_due: datetime
    example: Run
    """One of them, where it stands, without what it tells and whom."""


class OpenMessages(Struct, frozen=True):
    """Messages of a notification that are not settled."""

    notification: str
    channel: str
    state: MessageState
    count: int


class UnderWay(Struct, frozen=True):
    """All that is under way."""

    runs: tuple[WaitingRuns, ...]
    messages: tuple[OpenMessages, ...]


class HistoryStore(Protocol):
    """Verbs about what was."""

    async def people_then(self, tenant: str, at: datetime, *, after: str | None, limit: int) -> PeopleThen:
        """As they stood at a time."""
        ...

    async def silences_then(self, tenant: str, at: datetime) -> list[Silence]:
        """As they stood at a time."""
        ...

    async def changes(self, tenant: str, since: datetime, until: datetime) -> list[Change]:
        """What changed after a time and up to another, in that order."""
        ...

    async def first_event_since(self, at: datetime) -> tuple[int, int]:
        """The sequences of the first event that was accepted at this time or later, and of the newest; the first is
        one more than the newest when there is none."""
        ...

    async def oldest_event(self) -> datetime | None:
        """When the oldest event that is kept was accepted."""
        ...

    async def events_since(
        self, tenant: str, *, after: int, last: int, types: Collection[str], limit: int
    ) -> tuple[list[RecordedEvent], bool]:
        """Events of these types after one and up to another, in the order of their coming, and whether there are more:
        fewer than ``limit`` where they had many messages, but one at least."""
        ...

    async def under_way(self) -> UnderWay:
        """What waits, and what is not settled, counted."""
        ...

    async def history_of(self, tenant: str, recipient: str) -> list[dict[str, object]]:
        """What is kept of how a person was, oldest first, as documents."""
        ...

    async def retire_history(self, limit: int) -> int:
        """Let go of what was before the oldest event; returns of how much, at most ``limit``."""
        ...


class HistoryVerbs:
    """HistoryStore over named statements."""

    _database: Database

    async def people_then(self, tenant: str, at: datetime, *, after: str | None, limit: int) -> PeopleThen:
        """The cursor is the last id of a recipient."""
        moment, first = to_micros(at), after or ""
        async with self._database.reading() as reading:
            rows = await reading.rows("recipients_then", tenant=tenant, at=moment, after=first, limit=limit + 1)
            last = rows[limit - 1][0] if len(rows) > limit else None
            found = await reading.rows("wishes_then", tenant=tenant, at=moment, after=first, last=last)
        wishes = {id: read_wishes(document) for id, document in found}
        recipients = tuple(
            msgspec.structs.replace(read_recipient(document), wishes=wishes.pop(id, Wishes()))
            for id, document in rows[:limit]
        )
        return PeopleThen(recipients, wishes, last)

    async def silences_then(self, tenant: str, at: datetime) -> list[Silence]:
        """By id."""
        async with self._database.reading() as reading:
            rows = await reading.rows("silences_then", tenant=tenant, at=to_micros(at))
        return sorted((read_silence(document) for (document,) in rows), key=lambda silence: silence.id)

    async def changes(self, tenant: str, since: datetime, until: datetime) -> list[Change]:
        """Of several at one time, the kinds one after the other."""
        async with self._database.reading() as reading:
            rows = await reading.rows("recorded_changes", tenant=tenant, since=to_micros(since), until=to_micros(until))
        return [_change(to_moment(at), kind, id, document) for at, kind, id, document in rows]

    async def first_event_since(self, at: datetime) -> tuple[int, int]:
        """Sequences grow with the times of acceptance: so it is found by halving."""
        moment = to_micros(at)
        async with self._database.reading() as reading:
            ((low, newest),) = await reading.rows("first_and_last_event")
            low, high = max(low, 1), newest + 1
            while low < high:
                middle = (low + high) // 2
                ((sequence, received_at),) = await reading.rows("event_at_or_after", sequence=middle)
                if received_at < moment:
                    low = sequence + 1
                else:
                    high = middle
        return low, newest

    async def oldest_event(self) -> datetime | None:
        """By its sequence."""
        async with self._database.reading() as reading:
            rows = await reading.rows("event_at_or_after", sequence=0)
        return to_moment(rows[0][1]) if rows else None

    async def events_since(
        self, tenant: str, *, after: int, last: int, types: Collection[str], limit: int
    ) -> tuple[list[RecordedEvent], bool]:
        """A message belongs to the first event of its run."""
        async with self._database.reading() as reading:
            rows = await reading.rows(
                "recorded_events", tenant=tenant, after=after, last=last, types=sorted(types), limit=limit
            )
            more = len(rows) == limit
            counts = dict(await reading.rows("count_recorded_messages", events=[row[0] for row in rows]))
            taken = _as_many_as(_MESSAGES, [counts.get(row[0], 0) for row in rows])
            rows, more = rows[:taken], more or taken < len(rows)
            found = await reading.rows("recorded_messages", events=[row[0] for row in rows])
            receipts: defaultdict[int, list[Receipt]] = defaultdict(list)
            ids = {sequence: id for _, sequence, id, *_ in found}
            for message, kind, permanent, at, _ in await reading.rows("receipts_of_messages", messages=sorted(ids)):
                receipt = Receipt(message=ids[message], kind=kind, at=to_moment(at), permanent=bool(permanent))
                receipts[message].append(receipt)
        messages: defaultdict[int, list[RecordedMessage]] = defaultdict(list)
        for event, sequence, id, notification, state, document, late in found:
            message = read_message(document, late)
            if message.address == ERASED:
                continue
            attempts = message.attempts
            accepted_at = next((each.ended_at for each in attempts if each.outcome == "accepted"), None)
            messages[event].append(
                RecordedMessage(
                    id=id,
                    notification=notification,
                    recipient=message.recipient,
                    channel=message.channel,
                    state=state,
                    tried=tuple(Tried(each.provider, each.outcome) for each in attempts if each.outcome is not None),
                    sent_at=(accepted_at or message.created_at) if receipts[sequence] else None,
                    receipts=tuple(receipts[sequence]),
                )
            )
        events = [
            RecordedEvent(
                sequence=sequence,
                received_at=to_moment(received_at),
                event=read_event(document),
                messages=tuple(messages[sequence]),
            )
            for sequence, received_at, document in rows
        ]
        return events, more

    async def under_way(self) -> UnderWay:
        """Looks at all that waits, out of the way of everything else."""
        counted = await self._database.survey("runs_under_way")
        unsettled = await self._database.survey("messages_under_way")
        async with self._database.reading() as reading:
            runs = await load_runs(reading, [row[7] for row in counted])
        return UnderWay(
            tuple(
                WaitingRuns(
                    notification=notification,
                    catalogue=catalogue,
                    step=int(step),
                    gathers=bool(gathers),
                    count=count,
                    first_due=to_moment(first),
                    last_due=to_moment(last),
                    example=_bare(runs[sequence].run),
                )
                for notification, catalogue, step, gathers, count, first, last, sequence in counted
                if sequence in runs
            ),
            tuple(OpenMessages(*row) for row in unsettled),
        )

    async def history_of(self, tenant: str, recipient: str) -> list[dict[str, object]]:
        """Of the recipient, of their wishes, and of silences that named them."""
        async with self._database.reading() as reading:
            rows = list(await reading.rows("history_of", tenant=tenant, id=recipient))
            silences = await reading.rows("history_of_silences", tenant=tenant)
        rows.extend(
            ("silence", since, until, document)
            for _, since, until, document in silences
            if recipient in read_silence(document).recipients
        )
        return [
            {"kind": kind, "since": to_moment(since), "until": to_moment(until), "was": msgspec.Raw(document.encode())}
            for kind, since, until, document in rows
        ]

    async def retire_history(self, limit: int) -> int:
        """The oldest first."""
        async with self._database.transaction() as transaction:
            return len(await transaction.rows("retire_history", limit=limit))


def _as_many_as(most: int, counts: Sequence[int]) -> int:
    """How many from the first on are no more than this together; the first is, in any case."""
    total = 0
    for number, count in enumerate(counts):
        total += count
        if number and total > most:
            return number
    return len(counts)


def _bare(run: Run) -> Run:
    return msgspec.structs.replace(run, recipient="", events=(), origins=(), signals=(), sent=(), log=(), refused={})


_READERS = {"recipient": read_recipient, "wishes": read_wishes, "silence": read_silence}


def _change(at: datetime, kind: Literal["recipient", "wishes", "silence"], id: str, document: str | None) -> Change:
    if document is None:
        return Change(at=at, kind=kind, id=id)
    return Change(at=at, kind=kind, id=id, **{kind: _READERS[kind](document)})  # type: ignore[arg-type]
