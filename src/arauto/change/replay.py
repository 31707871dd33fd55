"""replay: one version of a project on what was recorded: the engine in virtual time, told what happened at its time.

Providers answer as they did: an attempt at a message that was sent then ends as it ended then at this provider, and of
any other it is taken that it is accepted. What happens or is due within one minute is dealt with together, as in a hub
under load: so times are exact to the minute. Schedules tick by themselves.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec
from msgspec import Struct

from arauto.change.scope import Scope, narrowed
from arauto.channels import Accepted, Delivery
from arauto.engine.metrics import Metrics
from arauto.engine.recalling import Dead, People
from arauto.errors import Ambiguous, Rejected, Retry
from arauto.model import Catalogue, Event, Receipt, ReceiptKind, Silence, Wishes
from arauto.simulate.costs import cost, segments
from arauto.simulate.driving import Clock
from arauto.simulate.simulation import TENANT, Carried, Simulation
from arauto.store import InboxItem, NewEvent, Settlement, Suppression
from arauto.store.history import Change, RecordedEvent, RecordedMessage
from arauto.store.ledger import Got
from arauto.store.scratch import ScratchStore

_encode = msgspec.msgpack.Encoder(enc_hook=str).encode


class Refused(Struct):
    """Events of a type that this version would not accept."""

    type: str
    code: str
    """``unknown_event_type`` or ``invalid_data``."""
    count: int = 0
    event: str = ""
    """The key of the first."""
    fault: Mapping[str, str] = {}
    """What is wrong with it: ``pointer`` and ``detail``."""


_About: TypeAlias = tuple[str, str, str, str]
"""Of a message: the event, the notification, the recipient and the channel."""


class _Then:
    """What became of messages, where there is more to tell than that they were taken. Another version may number its
    steps otherwise and so give its messages other ids: then they are told apart by their order."""

    def __init__(self) -> None:
        self._recorded: dict[_About, list[RecordedMessage]] = {}
        self._like: dict[str, RecordedMessage] = {}
        """By the id that a message has here."""
        self._taken: set[str] = set()
        """The ids of those that something here is like."""
        self._tries: dict[tuple[str, str], int] = {}
        """By that id and provider."""

    def remember(self, recorded: RecordedEvent, heard: Collection[ReceiptKind]) -> None:
        """Something has to follow from a receipt, or it is none here."""
        found: defaultdict[_About, list[RecordedMessage]] = defaultdict(list)
        for each in recorded.messages:
            receipts = tuple(receipt for receipt in each.receipts if receipt.kind in heard)
            about = (recorded.event.key, each.notification, each.recipient, each.channel)
            found[about].append(msgspec.structs.replace(each, receipts=receipts))
        for about, messages in found.items():
            if any(each.receipts or any(tried.outcome != "accepted" for tried in each.tried) for each in messages):
                self._recorded[about] = messages

    def like(self, id: str, about: _About) -> RecordedMessage | None:
        """The message that was sent then in the place of the one that has this id here."""
        recorded = self._recorded.get(about, ())
        if not recorded or id in self._like:
            return self._like.get(id)
        free = (each for each in recorded if each.id not in self._taken)
        found = next((each for each in recorded if each.id == id), None) or next(free, None)
        if found is not None:
            self._like[id] = found
            self._taken.add(found.id)
        return found

    def done(self, id: str, about: _About) -> None:
        """It reached somebody here: forget what is not asked for any more."""
        found = self._like.pop(id, None)
        if found is None:
            return
        for tried in found.tried:
            self._tries.pop((id, tried.provider), None)
        recorded = {each.id for each in self._recorded.get(about, ())}
        if recorded <= self._taken:
            self._recorded.pop(about, None)
            self._taken -= recorded

    def outcome(self, id: str, about: _About, provider: str) -> tuple[str, bool]:
        """How the next attempt at this provider ended then, and whether others followed it."""
        recorded = self.like(id, about)
        tried = () if recorded is None else recorded.tried
        number = self._tries.get((id, provider), 0)
        places = [place for place, each in enumerate(tried) if each.provider == provider]
        if number >= len(places):
            return "accepted", False
        self._tries[id, provider] = number + 1
        return tried[places[number]].outcome, places[number] + 1 < len(tried)


class _AsRecorded:
    """A provider that answers as it did."""

    def __init__(self, channel: str, name: str, outcome: Callable[[str, str], tuple[str, bool]]) -> None:
        self._channel, self._name, self._outcome = channel, name, outcome

    def request(self, delivery: Delivery) -> str:
        return f"REPLAYED {self._channel}"

    async def send(self, delivery: Delivery) -> Accepted:
        told, more = self._outcome(delivery.message_id, self._name)
        match told:
            case "retry":
                raise Retry("it did not take it then")
            case "rejected":
                raise Rejected("it refused it then", scope="provider" if more else "message")
            case "unknown":
                raise Ambiguous("it did not answer then")
        return Accepted("accepted", delivery.message_id)

    async def close(self) -> None:
        """It has nothing open."""


class Replay(Simulation):
    """A hub on one version of the project, in a time that was."""

    def __init__(self, catalogue: Catalogue, scope: Scope, start: datetime, got: Callable[[Got], None]) -> None:
        """In a store of its own, of what is in the scope alone; ``got`` is told of all that reaches somebody."""
        self._then = _Then()
        self._coming: list[tuple[datetime, int, Receipt]] = []
        self._dying: list[tuple[datetime, int, Dead]] = []
        self._order = itertools.count()
        self._heard = _heard(catalogue, scope)
        self._got = got
        self.refused: dict[tuple[str, str], Refused] = {}
        super().__init__(ScratchStore(), narrowed(catalogue, scope), start, metrics=Metrics())

    async def close(self) -> None:
        """Leave nothing of it."""
        await self.store.close()

    def provider(self, channel: str, name: str, clock: Clock) -> _AsRecorded:
        """As it was."""
        return _AsRecorded(channel, name, self._outcome)

    def _outcome(self, id: str, provider: str) -> tuple[str, bool]:
        message = self.engine.rendered[id][0]
        about = (message.event, message.notification, message.recipient, message.channel)
        return self._then.outcome(id, about, provider)

    # -- as it was at the beginning ----------------------------------------------------------------------------------

    async def meet(self, people: People) -> None:
        """Know those who were known."""
        await self.know(*people.recipients)
        for recipient in people.recipients:
            if recipient.wishes != Wishes():
                await self.wish(recipient.id, recipient.wishes)
        for id, wishes in people.wishes.items():
            await self.wish(id, wishes)
        self.bury(people.dead)

    def bury(self, dead: Sequence[Dead]) -> None:
        """Use these addresses no more, from the time at which they died."""
        for each in dead:
            heapq.heappush(self._dying, (each.at, next(self._order), each))

    def remember(self, events: Sequence[RecordedEvent]) -> None:
        """What became of messages, before any of them is sent here."""
        for each in events:
            self._then.remember(each, self._heard)

    # -- what happened -------------------------------------------------------------------------------------------------

    async def live(self, until: datetime) -> None:
        """Go on to a moment."""
        while self._dying and self._dying[0][0] <= until:
            await self.run_until(self._dying[0][0])
            died = []
            while self._dying and self._dying[0][0] <= self.now:
                *_, each = heapq.heappop(self._dying)
                hash = self.engine.address_hash(each.channel, each.address)
                died.append(Suppression(hash, each.channel, each.reason, each.at))
            await self.store.suppress(TENANT, died)
        await self.run_until(until)

    async def change(self, change: Change) -> None:
        """What became of wishes and silences; of recipients see ``know`` and ``lose``."""
        match change:
            case Change(kind="wishes", wishes=wishes):
                await self.wish(change.id, wishes or Wishes())
            case Change(kind="silence", silence=Silence() as silence):
                await self.silence(silence)
            case Change(kind="silence"):
                await self.store.delete_silence(TENANT, change.id, now=self.now)

    async def lose(self, recipient: str) -> None:
        """They are known no more."""
        await self.store.delete_recipient(TENANT, recipient, now=self.now)

    async def happen(self, events: Sequence[RecordedEvent]) -> None:
        """Accept what was accepted, unless this version would not have."""
        await self.submit([NewEvent(each.event, "") for each in events if self._acceptable(each.event)])

    def _acceptable(self, event: Event) -> bool:
        type_ = self.catalogue.event_types.get(event.type)
        faults = type_.validate(event.data) if type_ is not None else ()
        if type_ is not None and not faults:
            return True
        code = "unknown_event_type" if type_ is None else "invalid_data"
        refused = self.refused.setdefault((event.type, code), Refused(event.type, code, 0, event.key, *faults[:1]))
        refused.count += 1
        return False

    # -- on the way ----------------------------------------------------------------------------------------------------

    async def settle_down(self) -> None:
        """As ever, and what providers and people answered then, they answer as long after it was sent."""
        while True:
            await super().settle_down()
            answers: list[Receipt] = []
            while self._coming and self._coming[0][0] <= self.now:
                at, _, receipt = heapq.heappop(self._coming)
                answers.append(msgspec.structs.replace(receipt, at=at))
            if not answers:
                return
            await self.engine.receive(answers)

    async def next_due(self) -> datetime | None:
        """As ever, or when the next answer comes."""
        due = await super().next_due()
        coming = self._coming[0][0] if self._coming else None
        return min((each for each in (due, coming) if each is not None), default=None)

    def stop_at(self, due: datetime, end: datetime) -> datetime:
        """What is due within one minute is done together, at its end."""
        return min(_end_of_minute(due), end)

    def settled(self, settlements: Sequence[Settlement]) -> None:
        """As ever; a text that was looked at is kept no longer."""
        super().settled(settlements)
        for settlement in settlements:
            self.engine.rendered.pop(settlement.message.id, None)

    def stored(self, inbox: Sequence[InboxItem]) -> None:
        """As ever."""
        super().stored(inbox)
        for item in inbox:
            self.engine.rendered.pop(item.id, None)

    def keep(self, carried: Carried) -> None:
        """Of all attempts, only what reached somebody counts."""
        if carried.outcome != "accepted":
            return
        paid = cost(self.catalogue, carried)
        category = self.catalogue.notifications[carried.notification].category
        self._got(
            Got(
                id=carried.message,
                at=minute_of(carried.at),
                event=carried.event,
                notification=carried.notification,
                recipient=carried.recipient,
                channel=carried.channel,
                category=category,
                locale=carried.locale,
                segments=segments(carried),
                cost=None if paid is None else paid.amount,
                currency=None if paid is None else paid.currency,
                title=carried.title,
                text=hashlib.blake2b(_encode(carried.body), digest_size=12).digest(),
            )
        )
        about = (carried.event, carried.notification, carried.recipient, carried.channel)
        recorded = self._then.like(carried.message, about)
        self._then.done(carried.message, about)
        if recorded is None or recorded.sent_at is None:
            return
        for receipt in recorded.receipts:
            due = _end_of_minute(carried.at + max(receipt.at - recorded.sent_at, timedelta(0)))
            answer = msgspec.structs.replace(receipt, message=carried.message)
            heapq.heappush(self._coming, (due, next(self._order), answer))


def minute_of(moment: datetime) -> datetime:
    """The minute in which it lies."""
    return moment.replace(second=0, microsecond=0)


def _end_of_minute(moment: datetime) -> datetime:
    return minute_of(moment) + timedelta(minutes=1) - timedelta(microseconds=1)


def _heard(catalogue: Catalogue, scope: Scope) -> frozenset[ReceiptKind]:
    """The receipts from which anything follows."""
    kinds: set[ReceiptKind] = {"bounced", "complained"}
    for name in scope.notifications & catalogue.notifications.keys():
        for step in catalogue.notifications[name].steps:
            kinds.update(each.kind for each in step.receipts)
    return frozenset(kinds)
