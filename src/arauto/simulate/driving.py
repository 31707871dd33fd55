"""driving: an engine through virtual time. All that is due is done, then the clock moves to when something is due next.

The stages are those of the running hub (``engine.hub``), called one after the other instead of in loops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from arauto.engine.stages import LEASE, Engine, Handover, Outgoing
from arauto.engine.ticking import Ticking
from arauto.store import Appended, InboxItem, NewEvent, Pending, Rejection, Settlement, Store

PLENTY = 1000
"""Room for messages, and how much is taken at once."""
_TURNS = 5000
"""More turns at one moment than this mean that something is always due."""


@dataclass
class Clock:
    """A clock that is set."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Drive:
    """An engine, its store and its clock, which ``run_until`` alone moves."""

    engine: Engine
    clock: Clock
    pending: list[Pending] = field(default_factory=list)
    """Accepted, and in memory to be planned."""
    rejections: list[Rejection] = field(default_factory=list)
    """What schedules gave that is no event."""
    _ticking: Ticking | None = None
    _ticks_at: datetime | None = None

    @property
    def store(self) -> Store:
        """Where all of it is."""
        return self.engine.store

    @property
    def now(self) -> datetime:
        """The time."""
        return self.clock.now

    # -- what happens ----------------------------------------------------------------------------------------------

    async def submit(self, events: Sequence[NewEvent]) -> list[Appended]:
        """Store events; the next turn plans those that are new."""
        appended = await self.store.append_events(
            events, owner=self.engine.owner, now=self.now, lease_until=self.now + LEASE
        )
        self.pending.extend(
            Pending(new.event, 1) for new, told in zip(events, appended, strict=True) if told.outcome == "new"
        )
        return appended

    async def start_schedules(self) -> None:
        """Let the project's schedules tick from now on."""
        self._ticking = Ticking(
            self.engine.catalogue, self.store, clock=self.clock, submit=self.submit, reject=self.rejections.append
        )
        self._ticks_at = await self._ticking.step(self.now)

    def stop_schedules(self) -> None:
        """Let them tick no more."""
        self._ticking = self._ticks_at = None

    # -- moving on -------------------------------------------------------------------------------------------------

    async def turn(self) -> bool:
        """Take what is due now through one stage after the other; False when nothing was. What comes seldom, since
        somebody else left it behind or a group is large, is looked for when there is nothing else."""
        engine, store = self.engine, self.store
        lease: dict[str, Any] = {"owner": engine.owner, "now": self.now, "lease_until": self.now + LEASE}
        planned = await self._plan()
        runs = await store.take_due_runs(**lease, limit=PLENTY)
        if runs:
            await self._hand_over(await engine.advance(runs, self._room()))
        claims = await store.take_due_messages(**lease, room=self._room())
        if claims:
            outgoing, ended = await engine.prepare(claims, self.now + LEASE)
            await self._settle(ended)
            await self.send(outgoing)
        if planned or runs or claims:
            return True
        self.pending.extend(await store.take_pending(**lease, limit=PLENTY))
        planned = await self._plan()
        abandoned = await store.take_abandoned(**lease, limit=PLENTY)
        await self._settle([engine.abandoned(claim) for claim in abandoned])
        fanouts = await store.take_fanouts(**lease, limit=1)
        for fanout in fanouts:
            await self._hand_over(await engine.fan_out(fanout, self._room()))
        return bool(planned or abandoned or fanouts)

    async def _plan(self) -> bool:
        """Plan what is in memory; False when nothing is."""
        pending, self.pending = self.pending, []
        begun = bool(pending)
        while pending:
            handover = await self.engine.plan(pending, self._room())
            await self._hand_over(handover)
            pending = list(handover.left)
        return begun

    async def settle_down(self) -> None:
        """Turn until nothing is due at this moment."""
        for _ in range(_TURNS):
            if self._ticking is not None and self._ticks_at is not None and self._ticks_at <= self.now:
                self._ticks_at = await self._ticking.step(self.now)
            due = await self.store.next_due()
            if due is None or due > self.now:  # nothing but what is in memory is to be looked at
                if not await self._plan():
                    return
            elif not await self.turn():
                return
        raise RuntimeError(f"something is always due at {self.now}")

    async def next_due(self) -> datetime | None:
        """When something is to be done next."""
        due = await self.store.next_due()
        return min((each for each in (due, self._ticks_at) if each is not None), default=None)

    async def run_until(self, moment: datetime | timedelta) -> None:
        """Do all that is due until a moment, or for some time, each thing at its time."""
        end = self.now + moment if isinstance(moment, timedelta) else moment
        while True:
            await self.settle_down()
            due = await self.next_due()
            if due is None or due > end:
                break
            if due <= self.now:
                raise RuntimeError(f"{due} is due and was not taken at {self.now}")
            self.clock.now = self.stop_at(due, end)
        self.clock.now = max(self.now, end)

    def stop_at(self, due: datetime, end: datetime) -> datetime:
        """To when the clock moves, on the way to ``end``, for what is due at a time."""
        return due

    async def run_out(self, most: timedelta = timedelta(days=40)) -> bool:
        """Do all that is ever due, within ``most``; False when something waits still longer."""
        end = self.now + most
        while True:
            await self.settle_down()
            due = await self.next_due()
            if due is None or due > end:
                return due is None
            self.clock.now = due

    async def send(self, outgoing: Sequence[Outgoing]) -> None:
        """Attempt and settle."""
        if outgoing:
            await self._settle([await self.engine.attempt(each) for each in outgoing])

    def settled(self, settlements: Sequence[Settlement]) -> None:
        """Called with what became of messages."""

    def stored(self, inbox: Sequence[InboxItem]) -> None:
        """Called with what was put into inboxes."""

    async def _settle(self, settlements: Sequence[Settlement]) -> None:
        if settlements:
            await self.engine.settle(settlements)
            self.settled(settlements)

    async def _hand_over(self, handover: Handover) -> None:
        self.stored(handover.inbox)
        await self.send(handover.outgoing)

    def _room(self) -> dict[str, int]:
        return dict.fromkeys(self.engine.catalogue.channels, PLENTY)
