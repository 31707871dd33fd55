"""backtest: the recorded events of a period, through two versions of a project, and who would have got what otherwise.

Both are replayed side by side from the same beginning, some time before the period, so that what was under way then
is under way in both. Nothing is sent. The same record gives the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct, field

from arauto.change.replay import Refused, Replay, minute_of
from arauto.change.scope import Scope, by_clock
from arauto.engine.recalling import Past, Piece, Span
from arauto.model import JSON, Catalogue, Recipient
from arauto.simulate.simulation import TENANT
from arauto.store.history import Change, RecordedEvent
from arauto.store.ledger import Aspect, Class, Got, Ledger, Pair, Side, Version

PIECE = 250
"""Events that are read at once: a hub that is asked for them answers nobody else meanwhile."""

Progress: TypeAlias = Callable[[int, int], None]
"""Told again and again how many events are done, of how many."""


class Period(Struct, frozen=True):
    """The time that is compared."""

    since: datetime
    until: datetime


class Totals(Struct):
    """Of one notification, on one channel, in one category: how many messages, and what they cost."""

    same: int = 0
    more: int = 0
    less: int = 0
    otherwise: int = 0
    aspects: dict[Aspect, int] = field(default_factory=dict)
    """In what those differ that come otherwise."""
    split: bool = False
    """A message of it has several segments."""
    old_segments: int = 0
    new_segments: int = 0
    old_cost: dict[str, Decimal] = field(default_factory=dict)
    """By currency."""
    new_cost: dict[str, Decimal] = field(default_factory=dict)

    def add(self, pair: Pair, *, of_old: bool, of_new: bool) -> None:
        """Count one more, as far as either version of it is here."""
        if of_new or pair.new is None:
            setattr(self, pair.sort, getattr(self, pair.sort) + 1)
            for aspect in pair.aspects:
                self.aspects[aspect] = self.aspects.get(aspect, 0) + 1
        if of_old and pair.old is not None:
            self.old_segments += pair.old.segments
            self.split = self.split or pair.old.segments > 1
            _pay(self.old_cost, pair.old)
        if of_new and pair.new is not None:
            self.new_segments += pair.new.segments
            self.split = self.split or pair.new.segments > 1
            _pay(self.new_cost, pair.new)

    @property
    def changed(self) -> int:
        """How many are not the same."""
        return self.more + self.less + self.otherwise


def _pay(costs: dict[str, Decimal], version: Version) -> None:
    if version.cost is not None and version.currency is not None:
        costs[version.currency] = costs.get(version.currency, Decimal(0)) + version.cost


class Example(Struct, frozen=True):
    """A message that would have come otherwise, with why each version does what it does."""

    pair: Pair
    old: Mapping[str, JSON] | None
    """The explanation of its event about its recipient; None: this version would not have accepted the event."""
    new: Mapping[str, JSON] | None


class Outcome(Struct, frozen=True):
    """What a back-test found."""

    period: Period
    begun: datetime
    """When the replay began."""
    events: int
    """How many of the recorded events it needed."""
    of: int
    """Of how many that were accepted in the period and before it, since it began."""
    totals: dict[tuple[str, str, str], Totals]
    """By notification, channel and category."""
    people: int
    """How many recipients would have got anything more, less or otherwise."""
    examples: tuple[Example, ...]
    refused: dict[Side, tuple[Refused, ...]]
    recorded: int
    """How many messages of what was tried were really sent."""
    reproduced: int
    """How many of them the replay of the old version sent, too."""


class Question(Struct, frozen=True):
    """What is to be tried."""

    old: Catalogue
    new: Catalogue
    scope: Scope
    period: Period
    language: str
    """Of explanations."""
    examples: int = 2
    """At most so many of each notification and class."""


async def backtest(question: Question, past: Past, progress: Progress) -> Outcome:
    """Try a change on what was recorded. Raises StoreUnavailable."""
    period = question.period
    span = await past.span(period.since - question.scope.warm_up, period.until)
    # Before its oldest event, there may have been no hub at all: no schedule ticks then, but that event may be a tick.
    oldest = minute_of(span.oldest or period.until) - timedelta(minutes=1)
    begun = max(period.since - question.scope.warm_up, oldest)
    ledger = Ledger()
    try:
        async with AsyncExitStack() as stack:
            both: dict[Side, Replay] = {}
            waiting: dict[Side, list[Got]] = {"old": [], "new": []}
            for side, catalogue in (("old", question.old), ("new", question.new)):
                both[side] = Replay(catalogue, question.scope, begun, waiting[side].append)  # type: ignore[index]
                stack.push_async_callback(both[side].close)  # type: ignore[index]
            history = _History(question, past, both, ledger, waiting)
            events, of = await history.relive(begun, span, progress)
            recorded, reproduced = ledger.faithful()
            ledger.drop_before(minute_of(period.since))
            compared = _Comparison(question.examples)
            for pair in ledger.compare():
                compared.take(pair)
            examples = [await _explained(pair, both, question.language) for pair in compared.examples]
            return Outcome(
                period=period,
                begun=begun,
                events=events,
                of=of,
                totals=dict(sorted(compared.totals.items())),
                people=len(compared.people),
                examples=tuple(examples),
                refused={side: _sorted(replay.refused.values()) for side, replay in both.items()},
                recorded=recorded,
                reproduced=reproduced,
            )
    finally:
        ledger.close()


def _sorted(refused: Iterable[Refused]) -> tuple[Refused, ...]:
    return tuple(sorted(refused, key=lambda each: (each.type, each.code)))


class _History:
    """What happened, told to both replays."""

    def __init__(
        self,
        question: Question,
        past: Past,
        both: Mapping[Side, Replay],
        ledger: Ledger,
        waiting: Mapping[Side, list[Got]],
    ) -> None:
        self._question, self._past, self._both = question, past, both
        self._ledger, self._waiting = ledger, waiting
        self._clocks = by_clock(question.old, question.new)

    async def relive(self, begun: datetime, span: Span, progress: Progress) -> tuple[int, int]:
        """All of it; returns how many events were told, of how many."""
        scope, until = self._question.scope, self._question.period.until
        await self._meet(begun)
        told, total = 0, span.last - span.after
        progress(0, total)
        after: int | None = span.after
        since = begun
        while after is not None:
            piece = await self._past.piece(after, span.last, scope.types, since, until, PIECE)
            await self._tell(piece)
            told += len(piece.events)
            after, since = piece.next, piece.until
            progress(total if after is None else after - span.after, total)
        for side, replay in self._both.items():
            await replay.live(until)
            replay.stop_schedules()
            # What one version has sent by then and the other has not yet would look as if it never came.
            await replay.live(until + scope.warm_up)
            self._write_down(side)
        return told, total

    async def _meet(self, begun: datetime) -> None:
        after: str | None = None
        while True:
            people = await self._past.people(begun, after)
            for replay in self._both.values():
                await replay.meet(people)
            after = people.next
            if after is None:
                break
        for silence in await self._past.silences(begun):
            for replay in self._both.values():
                await replay.silence(silence)
        for replay in self._both.values():
            await replay.start_schedules()

    async def _tell(self, piece: Piece) -> None:
        for replay in self._both.values():
            replay.bury(piece.dead)
            replay.remember(piece.events)
        events = [each for each in piece.events if each.event.source not in self._clocks]
        happened: list[tuple[datetime, RecordedEvent | Change]] = [(each.at, each) for each in piece.changes]
        happened.extend((each.received_at, each) for each in events)
        happened.sort(key=lambda each: each[0])
        names = self._question.scope.notifications
        self._ledger.note_recorded(
            [
                message.id
                for each in piece.events
                if each.received_at >= self._question.period.since
                for message in each.messages
                if message.state == "sent" and message.notification in names
            ]
        )
        for together in _together(happened):
            changes = [each for _, each in together if isinstance(each, Change)]
            events = [each for _, each in together if isinstance(each, RecordedEvent)]
            for side, replay in self._both.items():
                await replay.live(together[-1][0])
                self._write_down(side)
            await self._bring_up_to_date(changes)
            for replay in self._both.values():
                for change in changes:
                    await replay.change(change)
                await replay.happen(events)

    async def _bring_up_to_date(self, changes: Collection[Change]) -> None:
        """What recipients became; where the versions know them differently, only what changed. Of several changes of
        one, the last counts."""
        last = {each.id: each.recipient for each in changes if each.kind == "recipient"}
        became = {id: recipient for id, recipient in last.items() if recipient is not None}
        for replay in self._both.values():
            for id in last.keys() - became.keys():
                await replay.lose(id)
        if not became:
            return
        known = {side: await replay.store.recipients(TENANT, list(became)) for side, replay in self._both.items()}
        for side, replay in self._both.items():
            news = []
            for id, recipient in became.items():
                mine = known[side].get(id)
                brought = recipient if mine is None else _with_changes(mine, known["old"].get(id), recipient)
                if mine is None or brought != mine:
                    news.append(brought)
            if news:
                await replay.know(*news)

    def _write_down(self, side: Side) -> None:
        got = self._waiting[side]
        if got:
            self._ledger.put(side, got)
            got.clear()


def _together(happened: Iterable[tuple[datetime, RecordedEvent | Change]]) -> Iterator[list[Any]]:
    """What is told at once, the changes before the events: what happened in one minute, up to a change that may keep
    an event that came before it in this minute from somebody."""
    found: list[tuple[datetime, RecordedEvent | Change]] = []
    events = False
    for at, each in happened:
        takes = isinstance(each, Change) and each.recipient is None
        if found and (minute_of(found[-1][0]) != minute_of(at) or (events and takes)):
            yield found
            found, events = [], False
        found.append((at, each))
        events = events or isinstance(each, RecordedEvent)
    if found:
        yield found


def _with_changes(mine: Recipient, before: Recipient | None, now: Recipient) -> Recipient:
    """What is known here of somebody, with what has changed of what was known then."""
    changed: dict[str, Any] = {}
    for name in ("kind", "name", "locale", "time_zone"):
        if before is None or getattr(before, name) != getattr(now, name):
            changed[name] = getattr(now, name)
    for name in ("addresses", "attributes"):
        was, is_, has = (getattr(each, name) if each else {} for each in (before, now, mine))
        keys = {key for key in was.keys() | is_.keys() if was.get(key) != is_.get(key)}
        if keys:
            changed[name] = {key: value for key, value in has.items() if key not in keys} | {
                key: is_[key] for key in is_ if key in keys
            }
    return msgspec.structs.replace(mine, **changed)


class _Comparison:
    """What differs, counted, with the first of each kind as examples."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._shown: dict[tuple[str, Class], dict[tuple[str, str], None]] = {}
        """By event and recipient: of one that goes to several channels, one is enough."""
        self.totals: dict[tuple[str, str, str], Totals] = {}
        self.people: set[str] = set()
        self.examples: list[Pair] = []

    def take(self, pair: Pair) -> None:
        """Count one pair."""
        old, new = (_place(pair, each) for each in (pair.old, pair.new))
        for place in dict.fromkeys(each for each in (new, old) if each is not None):
            totals = self.totals.setdefault(place, Totals())
            totals.add(pair, of_old=place == old, of_new=place == new)
        if pair.sort == "same":
            return
        self.people.add(pair.recipient)
        shown = self._shown.setdefault((pair.notification, pair.sort), {})
        about = (pair.event, pair.recipient)
        if len(shown) < self._most and about not in shown:
            shown[about] = None
            self.examples.append(pair)


def _place(pair: Pair, version: Version | None) -> tuple[str, str, str] | None:
    return None if version is None else (pair.notification, version.channel, version.category)


async def _explained(pair: Pair, both: Mapping[Side, Replay], language: str) -> Example:
    told: dict[Side, Mapping[str, JSON] | None] = {}
    for side, replay in both.items():
        accepted = await replay.store.story(pair.event, recipient=pair.recipient, limit=1) is not None
        told[side] = await replay.explain(pair.event, recipient=pair.recipient, language=language) if accepted else None
    return Example(pair, told["old"], told["new"])
