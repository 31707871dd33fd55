"""Drive an engine through virtual time: do all that is due, then move the clock to when something is due next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from arauto.engine.links import Links
from arauto.engine.metrics import Metrics
from arauto.engine.stages import LEASE, Engine, Handover, Outgoing
from arauto.model import Catalogue, Event, Run
from arauto.store import NewEvent, Pending, Store, StoredMessage

PLENTY = 1000
"""Room for messages, and how much is taken at once."""
_TURNS = 500
"""More turns at one moment than this mean that something is always due."""


@dataclass
class Drive:
    """An engine, its store and its clock. ``now`` is moved by ``run_until`` alone."""

    engine: Engine
    clock: Any
    """Has a ``now`` that can be set."""
    pending: list[Pending] = field(default_factory=list)
    """Accepted, and in memory to be planned."""

    @property
    def store(self) -> Store:
        return self.engine.store

    @property
    def now(self) -> datetime:
        return self.clock.now

    # -- what happens ----------------------------------------------------------------------------------------------

    async def accept(self, *events: Event) -> None:
        """Store events; the next turn plans them."""
        new = [NewEvent(event, "hash") for event in events]
        appended = await self.store.append_events(
            new, owner=self.engine.owner, now=self.now, lease_until=self.now + LEASE
        )
        self.pending.extend(
            Pending(event, 1) for event, told in zip(events, appended, strict=True) if told.outcome == "new"
        )

    async def happen(self, type: str, id: str, **data: Any) -> Event:
        """One event, accepted and dealt with as far as it can be at this moment."""
        event = Event(source="shop", id=id, type=type, time=self.now, data=data)
        await self.accept(event)
        await self.settle_down()
        return event

    # -- moving on -------------------------------------------------------------------------------------------------

    async def turn(self) -> bool:
        """Take all that is due now through one stage after the other; False when nothing was."""
        engine, store = self.engine, self.store
        lease: dict[str, Any] = {"owner": engine.owner, "now": self.now, "lease_until": self.now + LEASE}
        pending, self.pending = self.pending, []
        pending.extend(await store.take_pending(**lease, limit=PLENTY))
        if pending:
            await self._hand_over(await engine.plan(pending, self._room()))
        abandoned = await store.take_abandoned(**lease, limit=PLENTY)
        if abandoned:
            await engine.settle([engine.abandoned(claim) for claim in abandoned])
        runs = await store.take_due_runs(**lease, limit=PLENTY)
        if runs:
            await self._hand_over(await engine.advance(runs, self._room()))
        claims = await store.take_due_messages(**lease, room=self._room())
        if claims:
            outgoing, ended = await engine.prepare(claims, self.now + LEASE)
            await engine.settle(ended)
            await self.send(outgoing)
        return bool(pending or abandoned or runs or claims)

    async def settle_down(self) -> None:
        """Turn until nothing is due at this moment."""
        for _ in range(_TURNS):
            if not await self.turn():
                return
        raise AssertionError(f"something is always due at {self.now}")

    async def run_until(self, moment: datetime | timedelta) -> None:
        """Do all that is due until a moment, or for some time, each thing at its time."""
        end = self.now + moment if isinstance(moment, timedelta) else moment
        while True:
            await self.settle_down()
            due = await self.store.next_due()
            if due is None or due > end:
                break
            assert due > self.now, f"{due} is due and was not taken at {self.now}"
            self.clock.now = due
        self.clock.now = max(self.now, end)

    async def run_out(self, most: timedelta = timedelta(days=40)) -> None:
        """Do all that is ever due; what still waits after ``most`` waits too long."""
        await self.run_until(most)
        assert await self.store.next_due() is None, "something still waits"

    async def send(self, outgoing: Sequence[Outgoing]) -> None:
        """Attempt and settle."""
        if outgoing:
            await self.engine.settle([await self.engine.attempt(each) for each in outgoing])

    def _room(self) -> dict[str, int]:
        return dict.fromkeys(self.engine.catalogue.channels, PLENTY)

    async def _hand_over(self, handover: Handover) -> None:
        await self.send(handover.outgoing)

    # -- looking ---------------------------------------------------------------------------------------------------

    async def messages(self) -> list[StoredMessage]:
        """All messages, in the order of their making."""
        page = await self.store.list_messages("default", after=None, limit=PLENTY)
        return sorted(page.items, key=lambda each: (each.message.created_at, each.message.id))

    async def runs(self, event: Event) -> list[Run]:
        """The runs that hold an event."""
        story = await self.store.story(event.key)
        assert story is not None
        return [stored.run for stored in story.runs]

    async def reasons(self, event: Event) -> list[str]:
        """The codes of what was decided in the one run that this event began."""
        (run,) = [run for run in await self.runs(event) if run.events[0].key == event.key and run.parent is None]
        return [entry.reason.code for entry in run.log]


def engine_over(store: Store, catalogue: Catalogue, providers: dict[str, Any], clock: Any, owner: str = "a") -> Engine:
    """An engine over these."""
    return Engine(
        store,
        catalogue,
        providers,
        clock=clock,
        chance=lambda: 0.5,
        owner=owner,
        metrics=Metrics(),
        secret=b"addresses",
        links=Links(b"links", catalogue.project.public_url),
    )
