"""retaining: what is old goes, as the project says for each category.

An event goes when nothing waits for it any more and the longest retention of the notifications that it matched is
over; its runs, messages, receipts and inbox items go with it. One that matched none is kept as the project says. The
record of consent is kept as long as the person is known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from arauto.engine.metrics import Metrics
from arauto.errors import StoreUnavailable
from arauto.model import JSON, Catalogue
from arauto.store import Store

PIECE = 100
"""How many events one transaction looks at."""

PAUSE = timedelta(milliseconds=500)
"""The wait between two pieces: 200 events a second at most, so that it disturbs nobody."""

LOOK = timedelta(minutes=10)
"""How often it looks whether something has become old."""

AGAIN = timedelta(seconds=5)
"""After what failed, the wait before it is tried again."""

log = structlog.get_logger("arauto.retaining")


def retentions(catalogue: Catalogue) -> list[timedelta]:
    """Those that the project names, the shortest first."""
    named = {catalogue.project.retention, *(category.retention for category in catalogue.categories.values())}
    return sorted(each for each in named if each is not None)


def retention_of(catalogue: Catalogue, explanation: JSON) -> timedelta | None:
    """How long an event with this explanation is kept, with all that came of it; None: for ever."""
    kept: list[timedelta | None] = []
    for considered in (explanation or {}).get("notifications", ()):
        notification = catalogue.notifications.get(considered["notification"])
        if considered.get("matched") and notification is not None:
            kept.append(catalogue.categories[notification.category].retention or catalogue.project.retention)
    if not kept:
        return catalogue.project.retention
    ending = [each for each in kept if each is not None]
    return max(ending) if len(ending) == len(kept) else None


class Retaining:
    """The retention of a hub."""

    def __init__(
        self, catalogue: Callable[[], Catalogue], store: Store, *, clock: Callable[[], datetime], metrics: Metrics
    ) -> None:
        self._catalogue, self._store, self._clock, self._metrics = catalogue, store, clock, metrics
        self._after = 0
        """Up to where what was put aside has been looked at, this time."""

    async def run(self) -> None:
        """Step again and again, without a hurry."""
        while True:
            now = self._clock()
            try:
                following = await self.step(now) or now + LOOK
            except StoreUnavailable as error:
                log.warning("the database is not available; looking again", error=str(error))
                following = now + AGAIN
            except Exception as error:
                log.error("retention failed; looking again", exc_info=error)
                following = now + LOOK
            await asyncio.sleep(max(following - self._clock(), PAUSE).total_seconds())

    async def step(self, now: datetime) -> datetime | None:
        """Delete a piece of what is old; returns when to step again, None when nothing is ever too old. Raises
        StoreUnavailable."""
        catalogue = self._catalogue()
        named = retentions(catalogue)
        if not named:
            return None

        def keep(explanation: JSON) -> timedelta | None:
            return retention_of(catalogue, explanation)

        more = False
        for retention in named:
            retired = await self._store.retire(retention, keep, now=now, limit=PIECE)
            self._metrics.retired.inc(retired.gone)
            more = more or retired.looked == PIECE
        aside = await self._store.retire_overdue(keep, after=self._after, now=now, limit=PIECE)
        self._metrics.retired.inc(aside.gone)
        self._after = aside.after if aside.looked == PIECE else 0
        more = await self._store.retire_history(PIECE) == PIECE or more
        return now + (PAUSE if more or self._after else LOOK)
