"""The stages of the way: plan, advance, attempt, settle, receive. Each takes a batch and touches the database a few
times for all of it. Each is a method that can be called by itself: the running hub (``hub``) calls them in loops.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from arauto.engine.deciding import MAX_CLAIMS, Handover
from arauto.engine.fanouts import FanningOut
from arauto.engine.intervening import Intervening
from arauto.engine.receiving import Receiving
from arauto.engine.rendering import LEASE, Outgoing, Room, log
from arauto.engine.sending import Sending
from arauto.errors import StoreRefused
from arauto.store import Settlement


class Engine(FanningOut, Sending, Receiving, Intervening):
    """The stages, over one store and one catalogue."""

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Write outcomes in one transaction. One that the database does not take is written without what the provider
        said, and holds up no other."""
        try:
            applied = await self.store.settle(settlements, now=self.clock())
        except StoreRefused as error:
            if len(settlements) > 1:
                for each in settlements:
                    await self.settle([each])
                return
            settlements = [_without_words(settlements[0], error)]
            applied = await self.store.settle(settlements, now=self.clock())
        for settlement, kept in zip(settlements, applied, strict=True):
            if not kept:
                self.metrics.late.labels(settlement.message.channel).inc()


def _without_words(settlement: Settlement, error: StoreRefused) -> Settlement:
    """Of what the provider said, only how it ended."""
    log.error("an answer cannot be stored", message=settlement.message.id, error=str(error))
    said = f"(the database does not take what was said: {error})"
    attempts = [
        msgspec.structs.replace(each, answer=each.answer and said, reason=each.reason and said, reference=None)
        for each in settlement.message.attempts[-1:]
    ]
    message = msgspec.structs.replace(settlement.message, attempts=(*settlement.message.attempts[:-1], *attempts))
    return msgspec.structs.replace(settlement, message=message, suppress=None)


__all__ = ["LEASE", "MAX_CLAIMS", "Engine", "Handover", "Outgoing", "Room"]
