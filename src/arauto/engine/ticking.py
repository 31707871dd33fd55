"""ticking: the events of schedules, which the clock brings, on the same way as all others.

A step first makes the events of what is due durable, then notes that it did. An event's id is derived from its time,
so that a step which is done twice, by a restart or by several hubs, gives each event once.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta

import structlog

from arauto import sources
from arauto.decide.ticks import Due, due
from arauto.engine.admit import admit
from arauto.errors import IntakeError, StoreUnavailable
from arauto.model import Catalogue
from arauto.sources import Schedule
from arauto.store import Appended, NewEvent, Rejection, Store
from arauto.store.ticks import Ticked

AT_ONCE = 256
"""How many missed times of a schedule are made up for in one step."""

LOOK = timedelta(seconds=60)
"""The clock is looked at this often at least, since it may be set."""

AGAIN = timedelta(seconds=5)
"""After what failed, the wait before it is tried again."""

log = structlog.get_logger("arauto.ticking")


def schedules(catalogue: Catalogue) -> dict[str, Schedule]:
    """The schedules among a project's sources, compiled, by name."""
    zone = catalogue.project.time_zone
    by_clock = {name: each for name, each in catalogue.sources.items() if sources.load(each.kind).KIND.by_clock}
    return {name: sources.load(each.kind).compile(name, each.settings, zone) for name, each in by_clock.items()}


class Ticking:
    """The schedules of a hub."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        *,
        clock: Callable[[], datetime],
        submit: Callable[[Sequence[NewEvent]], Awaitable[list[Appended]]],
        reject: Callable[[Rejection], None],
    ) -> None:
        """``submit`` makes events durable, ``reject`` keeps what is no event for people to see."""
        self._catalogue, self._store, self._clock = catalogue, store, clock
        self._submit, self._reject = submit, reject
        self._schedules = schedules(catalogue)
        self._done: dict[str, datetime] = {}
        """Up to when this process has dealt with each schedule: another one may note what another project says."""

    async def run(self) -> None:
        """Step whenever something is due; ends when nothing ever will be again."""
        while True:
            now = self._clock()
            try:
                following = await self.step(now)
            except StoreUnavailable as error:
                log.warning("the database is not available; looking again", error=str(error))
                following = now + AGAIN
            except Exception as error:
                log.error("the schedules failed; looking again", exc_info=error)
                following = now + LOOK
            if following is None:
                return
            await asyncio.sleep(min(max(following - self._clock(), timedelta()), LOOK).total_seconds())

    async def step(self, now: datetime) -> datetime | None:
        """Give the events of all that is due; returns when the next is due, None when nothing will be. Raises
        StoreUnavailable; then the step is to be repeated."""
        noted = {each.source: each for each in await self._store.ticked()}
        if gone := noted.keys() - self._schedules.keys():
            await self._store.forget_ticked(gone)
        news: list[NewEvent] = []
        done: dict[str, datetime] = {}
        for name, schedule in self._schedules.items():
            found = self._due(schedule, noted.get(name), now)
            if found is not None:
                news += self._events(schedule, found, now)
                done[name] = found.until
        if news:
            self._look_at(news, await self._submit(news))
        if done:
            await self._store.note_ticked([Ticked(name, _says(self._schedules[name]), at) for name, at in done.items()])
        self._done.update(done)
        following = [next(_times(each)(self._done.get(name, now)), None) for name, each in self._schedules.items()]
        return min((each for each in following if each is not None), default=None)

    def _due(self, schedule: Schedule, noted: Ticked | None, now: datetime) -> Due | None:
        known = [self._done[schedule.name]] if schedule.name in self._done else []
        # What was noted while the clock was ahead of its time says nothing.
        if noted is not None and noted.rule == _says(schedule) and noted.at <= now:
            known.append(noted.at)
        if not known:
            return Due((), now)
        self._done[schedule.name] = max(known)
        return due(_times(schedule), schedule.missed, max(known), now, at_most=AT_ONCE)

    def _events(self, schedule: Schedule, found: Due, now: datetime) -> Iterator[NewEvent]:
        for at in found.at:
            try:
                yield admit(schedule.event(at), self._catalogue, now)
            except IntakeError as error:
                log.error("a schedule gave no valid event", source=schedule.name, at=at.isoformat(), code=error.code)
                self._reject(
                    Rejection(
                        at=now,
                        source=schedule.name,
                        status=error.status,
                        code=error.code,
                        detail=f"the event of {at.isoformat()}: {error.detail}"[:500],
                        body_hash=hashlib.sha256(b"").hexdigest(),
                        size=0,
                    )
                )

    def _look_at(self, news: Sequence[NewEvent], appended: Sequence[Appended]) -> None:
        for new, each in zip(news, appended, strict=True):
            if each.outcome == "conflict":
                log.warning(
                    "the event of this time is there already, with other data", source=new.event.source, id=new.event.id
                )


def _times(schedule: Schedule) -> Callable[[datetime], Iterator[datetime]]:
    return lambda after: (tick.at for tick in schedule.ticks(after))


def _says(schedule: Schedule) -> str:
    return f"{schedule.rule} in {schedule.zone}"
