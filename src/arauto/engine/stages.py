"""The stages of the way: plan, advance, attempt, settle, receive. Each takes a batch and touches the database a few
times for all of it. Each is a method that can be called by itself: the running hub (``hub``) calls them in loops.
"""

from __future__ import annotations

from collections.abc import Sequence

from arauto.engine.deciding import MAX_CLAIMS, Handover
from arauto.engine.fanouts import FanningOut
from arauto.engine.intervening import Intervening
from arauto.engine.receiving import Receiving
from arauto.engine.rendering import LEASE, Outgoing, Room
from arauto.engine.sending import Sending
from arauto.store import Settlement


class Engine(FanningOut, Sending, Receiving, Intervening):
    """The stages, over one store and one catalogue."""

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Write outcomes in one transaction."""
        applied = await self.store.settle(settlements, now=self.clock())
        for settlement, kept in zip(settlements, applied, strict=True):
            if not kept:
                self.metrics.late.labels(settlement.message.channel).inc()


__all__ = ["LEASE", "MAX_CLAIMS", "Engine", "Handover", "Outgoing", "Room"]
