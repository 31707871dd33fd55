"""editions: the versions of the catalogue that have begun runs which are still under way.

An earlier version is compiled when a run of it is to go on, and a few are kept. What they listen for is kept of all:
an event must reach the runs of every version.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta

import structlog

from arauto.catalogue.compiler import compile_again, lasting
from arauto.decide.editions import Followed, blended, follow, needs_own
from arauto.decide.signals import listening_for
from arauto.errors import StoreUnavailable
from arauto.model import Catalogue, Listener, Reason, Run
from arauto.store import Store
from arauto.store.packing import packed, unpacked

KEPT = 16
"""So many earlier versions are kept compiled."""

LOOK = timedelta(seconds=1)
"""A hub that shares its database looks this often for versions that others serve."""

EVERY = timedelta(hours=1)
"""So often a hub says which version it serves."""

UNSERVED = timedelta(days=1)
"""A version that no hub has served for so long, and that nothing under way is of, is dropped."""

log = structlog.get_logger("arauto.editions")

Load = Callable[[str], Awaitable[Catalogue | None]]
"""An earlier version, compiled; None where it is not there any more, or this program can't compile it."""


class Editions:
    """The current catalogue, and those before it."""

    def __init__(
        self,
        current: Catalogue,
        *,
        load: Load | None = None,
        versions: Callable[[], Awaitable[Collection[str]]] | None = None,
    ) -> None:
        """``versions`` tells which there are; without it and ``load``, there is none but the current one."""
        self.current = current
        self.listeners: Mapping[str, tuple[Listener, ...]] = current.listeners
        """By event type, what runs of any version listen for."""
        self._load, self._versions = load, versions
        self._earlier: OrderedDict[str, Catalogue] = OrderedDict()
        self._gone: set[str] = set()
        self._heard = {current.version}
        self._looked: datetime | None = None

    async def listen(self, now: datetime) -> None:
        """Learn what runs of other versions listen for, unless that was looked for just now."""
        if self._versions is None or (self._looked is not None and now - self._looked < LOOK):
            return
        self._looked = now
        for version in await self._versions():
            if version not in self._heard:
                await self._compile(version, set())
                self._heard.add(version)

    async def ready(self, runs: Iterable[Run]) -> None:
        """Compile the versions that these runs go on by. Raises StoreUnavailable."""
        needed = {run.catalogue for run in runs if needs_own(run, self.current)}
        for version in needed:
            if version in self._earlier:
                self._earlier.move_to_end(version)
            elif version not in self._gone:
                await self._compile(version, needed)

    def of(self, run: Run) -> Catalogue:
        """The catalogue by which a run goes on, for which this is ``ready``."""
        if not needs_own(run, self.current):
            return self.current
        own = self._earlier.get(run.catalogue)
        return self.current if own is None or run.notification not in own.notifications else own

    def follow(self, run: Run) -> Followed | Reason:
        """How a run goes on, for which this is ``ready``, or why it can't."""
        return follow(run, self.current, self._earlier.get(run.catalogue))

    async def _compile(self, version: str, needed: Collection[str]) -> None:
        compiled = None
        if self._load is not None:
            try:
                compiled = await self._load(version)
            except StoreUnavailable:
                raise
            except Exception as error:
                log.error("an earlier version of the project can't be compiled", version=version, exc_info=error)
        if compiled is None:
            self._gone.add(version)
            return
        self._earlier[version] = blended(compiled, self.current, version)
        self._hear(compiled)
        for other in list(self._earlier):
            if len(self._earlier) > KEPT and other not in {version, *needed}:
                del self._earlier[other]

    # -- keeping them ------------------------------------------------------------------------------------------------

    @classmethod
    async def open(cls, current: Catalogue, store: Store, now: datetime) -> Editions:
        """Those of a store, knowing what their runs listen for. The current one is kept there for those that come."""
        await store.keep_edition(current.version, packed(lasting(current.files)), now=now)

        async def load(version: str) -> Catalogue | None:
            files = await store.edition(version)
            if files is None:
                return None
            return await asyncio.to_thread(compile_again, unpacked(files), current)

        editions = cls(current, load=load, versions=store.versions)
        await editions.listen(now)
        return editions

    async def keep(self, store: Store, clock: Callable[[], datetime]) -> None:
        """Say again and again that this version is served, and drop those that nobody needs any more."""
        files = packed(lasting(self.current.files))
        while True:
            try:
                await store.keep_edition(self.current.version, files, now=clock())
                dropped = await store.drop_editions(before=clock() - UNSERVED, keep=[self.current.version])
            except StoreUnavailable as error:
                log.warning("the database is not available; versions are looked through later", error=str(error))
            else:
                if dropped:
                    log.info("versions of the project are not needed any more", versions=dropped)
            await asyncio.sleep(EVERY.total_seconds())

    def _hear(self, other: Catalogue) -> None:
        """Take in what another version listens for, where it is not the same."""
        merged = {type_: {_what(each): each for each in listeners} for type_, listeners in self.listeners.items()}
        for type_, listeners in other.listeners.items():
            for each in listeners:
                merged.setdefault(type_, {}).setdefault(_what(each), each)
        self.listeners = {type_: tuple(found.values()) for type_, found in merged.items()}


def _what(listener: Listener) -> tuple[str, ...]:
    others = (listener.mute.opened, listener.mute.closed) if listener.mute is not None else ()
    parts = [part for awaited in (listener.awaited, *others) for part in (*listening_for(awaited), "")]
    return (listener.notification, listener.place, *parts)
