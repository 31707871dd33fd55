"""Drive an engine through virtual time, as ``arauto.simulate`` does, with what tests want to say and see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from arauto.engine.links import Links
from arauto.engine.metrics import Metrics
from arauto.engine.stages import Engine
from arauto.model import Catalogue, Event, Run
from arauto.simulate import Drive as Driver
from arauto.simulate.driving import PLENTY
from arauto.store import NewEvent, Store, StoredMessage


class Drive(Driver):
    """An engine, its store and its clock."""

    # -- what happens ----------------------------------------------------------------------------------------------

    async def accept(self, *events: Event) -> None:
        """Store events; the next turn plans them."""
        await self.submit([NewEvent(event, "hash") for event in events])

    async def happen(self, type: str, id: str, **data: Any) -> Event:
        """One event, accepted and dealt with as far as it can be at this moment."""
        event = Event(source="shop", id=id, type=type, time=self.now, data=data)
        await self.accept(event)
        await self.settle_down()
        return event

    async def run_out(self, most: timedelta = timedelta(days=40)) -> bool:
        """Do all that is ever due; what still waits after ``most`` waits too long."""
        assert await super().run_out(most), "something still waits"
        return True

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
