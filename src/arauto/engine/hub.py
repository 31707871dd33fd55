"""hub: the stages, running. Everything in memory here is a hand-off; the database has it all.

An event goes from the intake's commit straight to the planner, and from the plan's commit straight to the senders,
without being read again. What did not fit into memory, what waits for its time, and what another process left
behind comes back through ``_look``, which sleeps until the store's next due time.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from arauto.crash import crash_point
from arauto.engine.batch import Batcher
from arauto.engine.erasing import Erasing
from arauto.engine.lanes import Lanes
from arauto.engine.retaining import Retaining
from arauto.engine.stages import LEASE, Engine, Outgoing, Room
from arauto.engine.ticking import Ticking
from arauto.errors import StoreLost, StoreRefused, StoreUnavailable
from arauto.model import Receipt
from arauto.store import Appended, DueRun, FanoutPage, InboxItem, NewEvent, Pending, Rejection, Settlement

COMMIT_LIMIT = 256
"""How many requests, plans or outcomes share one transaction at most."""

PLAN_BACKLOG = 2048
"""Accepted events that wait in memory for their plan; beyond it, accepting waits too."""

FANOUTS = 4
"""So many fan-outs are looked at in each round; the first whose channels have room has a page."""

PUT_OFF = timedelta(milliseconds=200)
"""How long a fan-out waits whose channels have no room."""

SWEEP = timedelta(seconds=5)
"""A hub that shares its database looks at least this often; one that is alone knows when something is due."""

REJECTIONS_KEPT = 10_000

log = structlog.get_logger("arauto.hub")


class Hub:
    """A running hub."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.store = engine, engine.store
        self._accepting = Batcher(self._append, limit=COMMIT_LIMIT)
        self._settling = Batcher(self._settle, limit=COMMIT_LIMIT)
        self._rejecting = Batcher(self._reject, limit=COMMIT_LIMIT)
        self._receiving = Batcher(self._receive, limit=COMMIT_LIMIT)
        self._to_plan: deque[Pending] = deque()
        self._planned_some = asyncio.Event()
        self._accepted_some = asyncio.Event()
        self._bell = asyncio.Event()
        self._sleeps_until: datetime | None = None
        self.lanes = Lanes(self._put_outcome, self.ring)
        self._listeners: defaultdict[tuple[str, str], set[asyncio.Event]] = defaultdict(set)
        self._tasks: list[asyncio.Task[None]] = []
        self.erasing = Erasing(
            lambda: self.engine.catalogue,
            self.store,
            clock=engine.clock,
            metrics=engine.metrics,
            withdraw=self.lanes.withdraw,
            erased=self.inbox_changed,
        )
        self._ticking: asyncio.Task[None] | None = None
        self._closing = False
        self._lost: StoreLost | None = None
        self._lost_all = asyncio.Event()
        self.stopping = False

    # -- for the intake and the API --------------------------------------------------------------------------------

    async def submit(self, events: Sequence[NewEvent]) -> list[Appended]:
        """Store events; they are durable when this returns. Raises StoreUnavailable, having stored none."""
        try:
            return await self._accepting.put(list(events))
        except StoreLost as error:
            self._give_up(error)
            raise

    def reject(self, rejection: Rejection) -> None:
        """Keep a refused request, soon, for people to see."""
        self._rejecting.put(rejection).add_done_callback(_forget)

    async def receive(self, receipts: Sequence[Receipt]) -> None:
        """Keep receipts; they are durable when this returns, and the runs that wait for them are being asked. Raises
        StoreUnavailable, having kept none."""
        if receipts:
            await self._receiving.put(list(receipts))

    def ring(self) -> None:
        """Look for what is due now: something was done that is not yet known here."""
        self._bell.set()

    def listen(self, tenant: str, recipient: str) -> asyncio.Event:
        """An event that is set when something reaches this recipient's inbox; give it back to ``unlisten``."""
        heard = asyncio.Event()
        self._listeners[tenant, recipient].add(heard)
        return heard

    def unlisten(self, tenant: str, recipient: str, heard: asyncio.Event) -> None:
        """Stop listening."""
        self._listeners[tenant, recipient].discard(heard)
        if not self._listeners[tenant, recipient]:
            del self._listeners[tenant, recipient]

    def stop_listening(self) -> None:
        """Take no more events, and let those who listen go."""
        self.stopping = True
        for heard_by in self._listeners.values():
            for heard in heard_by:
                heard.set()

    def inbox_changed(self, tenant: str, recipient: str) -> None:
        """Tell those who listen to this recipient's inbox."""
        for heard in self._listeners.get((tenant, recipient), ()):
            heard.set()

    def measure(self) -> None:
        """Bring the gauges up to date."""
        backlog = self.engine.metrics.backlog
        backlog.labels("accept").set(len(self._accepting))
        backlog.labels("plan").set(len(self._to_plan))
        backlog.labels("send").set(self.lanes.outstanding)
        backlog.labels("settle").set(len(self._settling))

    @property
    def idle(self) -> bool:
        """Nothing is in memory: neither to be stored, planned or sent, nor under way."""
        waiting = len(self._accepting) + len(self._settling) + len(self._to_plan) + self.lanes.outstanding
        return waiting == 0

    async def until_lost(self) -> StoreLost:
        """Return, with the reason, when nothing can be stored any more: only a process that starts anew can go on."""
        while self._lost is None:
            await self._lost_all.wait()
        return self._lost

    def _give_up(self, error: StoreLost) -> None:
        """Begin nothing more, for how it ends could not be written down."""
        if self._lost is None:
            log.critical("nothing can be stored any more", error=str(error))
            self._lost = error
            self._lost_all.set()
            self.lanes.halt()

    # -- life ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up the work where the last commit left it, and begin."""
        clock = self.engine.clock
        if self.store.exclusive:
            await self.store.end_all_leases(clock())
        self.lanes.serve(self.engine)
        self._looking = asyncio.create_task(self._look())
        self._tasks.append(self._looking)
        retaining = Retaining(lambda: self.engine.catalogue, self.store, clock=clock, metrics=self.engine.metrics)
        self._spawn(self._plan(), self._find_gone(), retaining.run(), self.erasing.finish())
        self._tick()

    def adopt(self, engine: Engine) -> None:
        """Go on with another version of the project. What a stage has begun, it ends by the engine before; nothing that
        is in memory is lost, and nothing waits. When ``lanes.ended`` says so, nobody uses its providers any more."""
        self.engine = engine
        self.lanes.serve(engine)
        self._tick()
        self._tasks = [task for task in self._tasks if not task.done()]
        self._spawn(self._find_gone())
        self.ring()

    def _tick(self) -> None:
        self._ticking = asyncio.create_task(self._follow_clock(self._ticking))

    async def _follow_clock(self, before: asyncio.Task[None] | None) -> None:
        """Follow the schedules of the project as it is now, as soon as those of the version before are left."""
        engine = self.engine
        if before is not None:
            before.cancel()
            await asyncio.wait([before])
            del before  # it would keep the version before alive, and that the one before it
        await Ticking(engine.catalogue, self.store, clock=engine.clock, submit=self.submit, reject=self.reject).run()

    def _spawn(self, *loops: object) -> None:
        self._tasks.extend(asyncio.create_task(each) for each in loops)  # type: ignore[arg-type]

    async def stop(self, grace: timedelta = timedelta(seconds=20)) -> None:
        """Finish what is under way, give back what is not, and end."""
        self.stop_listening()
        try:
            async with asyncio.timeout(grace.total_seconds()):
                await self._accepting.drain()
                while self._to_plan:
                    self._planned_some.clear()
                    await self._planned_some.wait()
                self._closing = True
                self._bell.set()
                self.lanes.give_back()
                await asyncio.wait([self._looking])  # in its last round it may have taken more
                self.lanes.give_back()
                await self.lanes.emptied()
                await self._settling.drain()
                await self._receiving.drain()
                await self._rejecting.drain()
        except TimeoutError:
            log.warning("stopped before everything under way had ended", outstanding=self.lanes.outstanding)
        ending = [*self._tasks, *self.lanes.senders(), *self.erasing.tasks()]
        if self._ticking is not None:
            ending.append(self._ticking)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    # -- accept ----------------------------------------------------------------------------------------------------

    async def _append(self, requests: list[list[NewEvent]]) -> list[list[Appended]]:
        while len(self._to_plan) > PLAN_BACKLOG:
            self._planned_some.clear()
            await self._planned_some.wait()
        crash_point("accept.before")
        now = self.engine.clock()
        flat = [new for request in requests for new in request]
        appended = await self.store.append_events(flat, owner=self.engine.owner, now=now, lease_until=now + LEASE)
        crash_point("accept.committed")
        for new, result in zip(flat, appended, strict=True):
            if result.outcome == "new":
                self.engine.metrics.events.labels(new.event.type).inc()
                self._to_plan.append(Pending(new.event, 1))
            else:
                self.engine.metrics.duplicates.inc()
        self._accepted_some.set()
        results = iter(appended)
        return [[next(results) for _ in request] for request in requests]

    async def _reject(self, rejections: list[Rejection]) -> list[None]:
        await self.store.record_rejections(rejections, keep=REJECTIONS_KEPT)
        return [None] * len(rejections)

    async def _receive(self, calls: list[list[Receipt]]) -> list[None]:
        crash_point("receive.before")
        kept = await self.engine.receive([receipt for call in calls for receipt in call])
        crash_point("receive.committed")
        if kept.woken:
            self.ring()
        return [None] * len(calls)

    # -- plan ------------------------------------------------------------------------------------------------------

    async def _plan(self) -> None:
        while True:
            if not self._to_plan:
                self._accepted_some.clear()
                await self._accepted_some.wait()
                continue
            batch = [self._to_plan[index] for index in range(min(COMMIT_LIMIT, len(self._to_plan)))]
            crash_point("plan.before")
            await self._insist("plan", self._plan_batch, list(batch))
            for _ in batch:
                self._to_plan.popleft()
            self._planned_some.set()

    async def _plan_batch(self, batch: list[Pending]) -> None:
        while batch:
            room = self.lanes.room()
            handover = await self.engine.plan(batch, room)
            crash_point("plan.committed")
            self._dispatch(handover.outgoing, handover.inbox, room)
            self._wake_for(handover.due)
            batch[:] = handover.left

    async def _insist(self, stage: str, work: object, *arguments: object) -> None:
        """Repeat a stage until the database takes it; every stage may run twice."""
        wait = 0.1
        while True:
            try:
                await work(*arguments)  # type: ignore[operator]
            except StoreLost as error:
                self._give_up(error)
                return
            except StoreRefused as error:
                log.error("cannot be stored; it comes back when its lease ends", stage=stage, error=str(error))
                return
            except StoreUnavailable as error:
                log.warning("the database is not available; trying again", stage=stage, wait_s=wait, error=str(error))
            except Exception as error:
                log.error("a stage failed; its work comes back when its lease ends", stage=stage, exc_info=error)
                return
            else:
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, 5)

    # -- send and settle -------------------------------------------------------------------------------------------

    def _dispatch(self, outgoing: Sequence[Outgoing], inbox: Sequence[InboxItem], room: Room) -> None:
        self.lanes.dispatch(outgoing, room)
        if self._listeners:
            for item in inbox:
                self.inbox_changed(item.tenant, item.recipient)

    def _put_outcome(self, settlement: Settlement) -> asyncio.Future[None]:
        written = self._settling.put(settlement)
        written.add_done_callback(_forget)
        return written

    async def _settle(self, settlements: list[Settlement]) -> list[None]:
        crash_point("settle.before")
        await self._insist("settle", self.engine.settle, settlements)
        crash_point("settle.committed")
        for settlement in settlements:
            if settlement.message.awaited and settlement.state in ("sent", "failed", "expired", "cancelled"):
                self._bell.set()
            self._wake_for(settlement.due_at)
        return [None] * len(settlements)

    def _wake_for(self, due: datetime | None) -> None:
        """Let ``_look`` look again where something is due before it would."""
        if due is not None and (self._sleeps_until is None or due < self._sleeps_until):
            self._bell.set()

    # -- look for what is due --------------------------------------------------------------------------------------

    async def _look(self) -> None:
        while not self._closing:
            self._bell.clear()
            self._sleeps_until = None
            try:
                found = await self._take_due()
                if found:
                    continue
                due = await self.store.next_due()
            except StoreLost as error:
                self._give_up(error)
                return
            except StoreUnavailable as error:
                log.warning("the database is not available; looking again", error=str(error))
                due = None
            except Exception as error:
                log.error("looking for what is due failed; looking again", exc_info=error)
                due = None
            now = self.engine.clock()
            # What was accepted since and could not be planned comes back when its lease ends.
            longest = LEASE if self.store.exclusive and due is not None else SWEEP
            self._sleeps_until = now + longest if due is None else min(max(due, now), now + longest)
            # Something that is due and was not taken has no room or another owner: looking at once would only spin.
            seconds = max((self._sleeps_until - now).total_seconds(), 0.2)
            try:
                async with asyncio.timeout(seconds):
                    await self._bell.wait()
            except TimeoutError:
                pass

    async def _find_gone(self) -> None:
        """Channels that the project had once: their queued messages are taken too, so that they end explained."""
        await self._insist("find gone", self._look_for_gone)
        if self.lanes.gone:
            self._bell.set()

    async def _look_for_gone(self) -> None:
        counts = await self.store.counts()
        queued = {channel for channel, states in counts.messages.items() if states.get("queued")}
        self.lanes.gone |= queued - self.lanes.names

    async def _take_due(self) -> bool:
        now, owner = self.engine.clock(), self.engine.owner
        lease_until = now + LEASE
        pending = await self.store.take_pending(owner=owner, now=now, lease_until=lease_until, limit=COMMIT_LIMIT)
        if pending:
            await self._plan_batch(pending)
        abandoned = await self.store.take_abandoned(owner=owner, now=now, lease_until=lease_until, limit=COMMIT_LIMIT)
        if abandoned:
            await self.engine.settle([self.engine.abandoned(claim) for claim in abandoned])
        runs: list[DueRun] = await self.store.take_due_runs(
            owner=owner, now=now, lease_until=lease_until, limit=COMMIT_LIMIT
        )
        if runs:
            room = self.lanes.room()
            handover = await self.engine.advance(runs, room)
            self._dispatch(handover.outgoing, handover.inbox, room)
        room = {channel: left for channel, left in self.lanes.room().items() if left > 0}
        room.update(dict.fromkeys(self.lanes.gone, COMMIT_LIMIT))
        claims = (
            await self.store.take_due_messages(owner=owner, now=now, lease_until=lease_until, room=room) if room else []
        )
        if claims:
            outgoing, ended = await self.engine.prepare(claims, lease_until)
            for claim in outgoing:
                room[claim.claim.message.channel] -= 1
            self._dispatch(outgoing, (), room)
            if ended:
                await self.engine.settle(ended)
        fanned = await self._fan_out(now)
        return bool(pending or abandoned or runs or claims or fanned)

    async def _fan_out(self, now: datetime) -> bool:
        """A page of one fan-out. It begins only while its channels are less than half full, and takes no more than half
        of them: so whatever comes meanwhile waits behind one page at most, and not behind the whole group."""
        fanouts = await self.store.take_fanouts(
            owner=self.engine.owner, now=now, lease_until=now + LEASE, limit=FANOUTS
        )
        begun = False
        for fanout in fanouts:
            room = self.lanes.room_for_fanout(self.engine.channels_of(fanout))
            if begun or room is None:
                due_at = now if room is not None else now + PUT_OFF
                back = FanoutPage(fanout=fanout, before=fanout.cursor, state="running", due_at=due_at)
                await self.store.commit_fanout(back, owner=self.engine.owner, now=now, lease_until=now)
                continue
            begun = True
            crash_point("fanout.before")
            handover = await self.engine.fan_out(fanout, room)
            crash_point("fanout.committed")
            self._dispatch(handover.outgoing, handover.inbox, room)
        return begun


def _forget(done: asyncio.Future[None]) -> None:
    if not done.cancelled() and done.exception() is not None:
        log.error("could not be stored", exc_info=done.exception())
