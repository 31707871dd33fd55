"""whatif: a hub in a world, over days of virtual time. Nothing is sent, and the same seed gives the same."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from arauto.catalogue.world import Behaviour, World
from arauto.catalogue.worlds import awaited_receipts
from arauto.channels import Accepted, Delivery, Provider
from arauto.decide.wishes import IN_APP
from arauto.engine.metrics import Metrics
from arauto.errors import Ambiguous, Rejected, Retry
from arauto.model import Catalogue, Receipt, ReceiptKind
from arauto.simulate.chance import Chance
from arauto.simulate.driving import Clock
from arauto.simulate.population import Population
from arauto.simulate.simulation import Carried, Outage, SimulatedProvider, Simulation
from arauto.simulate.tally import Tally
from arauto.simulate.traffic import Traffic
from arauto.sources import Draft
from arauto.store import Appended, Committed, InboxItem, NewEvent, PlanRecord, RunRecord, Settlement
from arauto.store.records import FanoutPage
from arauto.store.scratch import ScratchStore

Progress: TypeAlias = Callable[[float], None]
"""Called with how much is done, from 0 to 1."""
_AT_ONCE = 500
_MINUTE = timedelta(minutes=1)
"""Answers come at whole minutes."""
_SUPPRESSING = ("bounced", "complained")


@dataclass(frozen=True)
class Setting:
    """What is run: a project in a world, from when on and for how long."""

    catalogue: Catalogue
    world: World
    start: datetime
    lasts: timedelta
    seed: int
    limit: int
    """So many events at most; the run ends with the last of them."""

    @property
    def end(self) -> datetime:
        """When it is over."""
        return self.start + self.lasts


async def run(setting: Setting, *, outages: bool, compared: bool, progress: Progress) -> Tally:
    """Go through the world from beginning to end. Without ``outages`` its providers never break down; ``compared``
    keeps of each message what is needed to compare two runs."""
    hours = -(-setting.lasts // timedelta(hours=1))
    tally = Tally(setting.catalogue, setting.start, hours, compared)
    store = _Watched(tally)
    try:
        await _go(_Hub(store, setting, tally, outages=outages), setting, progress)
    finally:
        await store.close()
    return tally


async def _go(hub: _Hub, setting: Setting, progress: Progress) -> None:
    await hub.populate()
    await hub.start_schedules()
    traffic = Traffic(setting.world, setting.catalogue, hub.population, setting.seed, setting.start, setting.end)
    done = 0
    events = itertools.groupby(itertools.islice(traffic, setting.limit), lambda each: each[0])
    coming = next(events, None)
    while coming is not None or hub.answers:
        moment = min(each for each in (coming and coming[0], hub.answers and hub.answers[0][0]) if each)
        if moment >= setting.end:
            break
        await hub.run_until(moment)
        await asyncio.sleep(0)  # nothing else here waits, and who wants to end it has to be heard
        await hub.answer_due()
        if coming is not None and coming[0] <= moment:
            await hub.accept(*(draft for _, draft in coming[1]))
            coming = next(events, None)
            done += 1
            if done % 50 == 0:
                progress((moment - setting.start) / setting.lasts)
    await hub.run_until(setting.end)
    progress(1.0)


class _Watched(ScratchStore):
    """A store that has the decisions counted which count."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    async def commit_plans(
        self, plans: Sequence[PlanRecord], *, owner: str, now: datetime, lease_until: datetime
    ) -> Committed:
        """As ever."""
        committed = await super().commit_plans(plans, owner=owner, now=now, lease_until=lease_until)
        self._tally.decided((run for plan in plans for run in plan.runs), committed.runs)
        return committed

    async def commit_runs(
        self, runs: Sequence[RunRecord], *, owner: str, now: datetime, lease_until: datetime
    ) -> Committed:
        """As ever."""
        committed = await super().commit_runs(runs, owner=owner, now=now, lease_until=lease_until)
        self._tally.decided(runs, committed.runs)
        return committed

    async def commit_fanout(self, page: FanoutPage, *, owner: str, now: datetime, lease_until: datetime) -> Committed:
        """As ever."""
        committed = await super().commit_fanout(page, owner=owner, now=now, lease_until=lease_until)
        self._tally.decided(page.runs, committed.runs)
        return committed


class _Hub(Simulation):
    """A hub whose providers and recipients do as those of a world."""

    def __init__(self, store: ScratchStore, setting: Setting, tally: Tally, *, outages: bool) -> None:
        self._world, self._tally, self._chance_of = setting.world, tally, Chance(setting.seed)
        self.population = Population(setting.world, self._chance_of)
        self.answers: list[tuple[datetime, int, Receipt, bool]] = []
        """What people and providers will answer, as a heap: when, a number, what, and whether in the inbox."""
        self._awaited, self._numbers = awaited_receipts(setting.catalogue), itertools.count()
        self._everybody = {each.id: each for each in self.population.all} | setting.catalogue.recipients
        super().__init__(store, setting.catalogue, setting.start, metrics=Metrics())
        for each in setting.world.breakdowns if outages else ():
            begins = setting.start + each.start
            self.outages.append(Outage(each.channel, each.fails, each.provider, begins, begins + each.lasts))

    def provider(self, channel: str, name: str, clock: Clock) -> Provider:
        """One that behaves as the world says, and breaks down with it."""
        behaviour = self._world.behaviours.get(channel, Behaviour())
        return _Provider(channel, name, clock, self.outages, behaviour, self._chance_of)

    async def populate(self) -> None:
        """Let the hub know everybody, and what they want."""
        everybody = iter(self.population.all)
        while some := tuple(itertools.islice(everybody, _AT_ONCE)):
            await self.know(*some)
            for each in some:
                if each.wishes.categories or each.wishes.quiet_hours:
                    await self.wish(each.id, each.wishes)

    async def submit(self, events: Sequence[NewEvent]) -> list[Appended]:
        """As ever; each is counted."""
        for new in events:
            self._tally.event(new.event.key, new.event.type, self.now)
        return await super().submit(events)

    async def accept(self, *drafts: Draft) -> Any:
        """As ever, without keeping them."""
        accepted = await super().accept(*drafts)
        self.events.clear()
        return accepted

    # -- messages ----------------------------------------------------------------------------------------------------

    def settled(self, settlements: Sequence[Settlement]) -> None:
        """Count them; their texts are needed no more."""
        super().settled(settlements)
        self._tally.settled(settlements)
        for each in settlements:
            self.engine.rendered.pop(each.message.id, None)

    def stored(self, inbox: Sequence[InboxItem]) -> None:
        """Count them; their texts are needed no more."""
        super().stored(inbox)
        for each in inbox:
            self.engine.rendered.pop(each.id, None)

    def keep(self, carried: Carried) -> None:
        """Count it, and think of what will be answered."""
        recipient = self._everybody.get(carried.recipient)
        behaviour = self._world.behaviours.get(carried.channel, Behaviour())
        takes = self._chance_of.time(behaviour.takes, "takes", carried.message)
        self._tally.carried(carried, recipient, takes)
        if carried.outcome == "accepted":
            for kind, after in self._answered(carried, behaviour):
                self._tally.receipts[carried.channel, kind] += 1
                if kind in _SUPPRESSING or kind in self._awaited.get(carried.notification, ()):
                    self._answer_at(self.now + takes + after, carried, kind)

    def _answered(self, carried: Carried, behaviour: Behaviour) -> Iterator[tuple[ReceiptKind, timedelta]]:
        chance, id = self._chance_of, carried.message
        if chance.of("bounced", id) < behaviour.bounced:
            yield "bounced", timedelta()
            return
        if carried.channel != IN_APP:
            yield "delivered", timedelta()
        for habit in self._world.habits.get(carried.channel, ()):
            if habit.kind == "acknowledged" and "acknowledged" not in self._awaited.get(carried.notification, ()):
                continue
            if chance.of(habit.kind, id) < habit.share:
                yield habit.kind, chance.time(habit.after, habit.kind, id)

    def _answer_at(self, moment: datetime, carried: Carried, kind: ReceiptKind) -> None:
        at = self.now + max(-((self.now - moment) // _MINUTE), 1) * _MINUTE
        receipt = Receipt(message=carried.message, kind=kind, at=at, permanent=kind == "bounced")
        inbox = carried.channel == IN_APP and kind == "read"
        heapq.heappush(self.answers, (at, next(self._numbers), receipt, inbox))

    async def answer_due(self) -> None:
        """Let people and providers answer what they answer by now."""
        told: list[Receipt] = []
        while self.answers and self.answers[0][0] <= self.now:
            _, _, receipt, inbox = heapq.heappop(self.answers)
            if inbox:
                await self.answer(receipt.message, receipt.kind)
            else:
                told.append(receipt)
        if told:
            await self.engine.receive(told)


class _Provider(SimulatedProvider):
    """Fails now and then, as the world says; the same attempt always in the same way."""

    def __init__(
        self, channel: str, name: str, clock: Clock, outages: Sequence[Outage], behaviour: Behaviour, chance: Chance
    ) -> None:
        super().__init__(channel, name, clock, outages)
        self._behaviour, self._chance = behaviour, chance

    async def send(self, delivery: Delivery) -> Accepted:
        """As the world says, where no outage is."""
        accepted = await super().send(delivery)
        drawn = self._chance.of("attempt", delivery.message_id, delivery.attempt)
        if (drawn := drawn - self._behaviour.rejected) < 0:
            raise Rejected("the provider refuses it, as it does now and then in this world")
        if (drawn := drawn - self._behaviour.later) < 0:
            raise Retry("the provider does not take it now, as happens in this world")
        if drawn - self._behaviour.unknown < 0:
            raise Ambiguous("the provider does not answer, as happens in this world")
        return accepted


__all__ = ["Progress", "Setting", "run"]
