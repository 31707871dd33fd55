"""releasing: how a running hub comes to another version of the project without a gap.

A version is compiled and everything of it is built before it is made live. Then one commit makes it so, unless somebody
else was faster, and one step, in which nothing else runs, takes it over (``Hub.adopt``). Hubs that share the database
see that another version is live, and follow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from msgspec import Struct

from arauto.crash import crash_point
from arauto.engine.hub import Hub
from arauto.engine.releases import Applied, Wanted, already, compile_release, put
from arauto.engine.stages import Engine
from arauto.errors import CatalogueFaulty, StoreUnavailable, UsageFault
from arauto.model import Catalogue
from arauto.store.releases import Release

LOOK = timedelta(seconds=1)
"""A hub that shares its database looks this often which version is live."""

AGAIN = timedelta(seconds=10)
"""A version that could not be taken over is tried again after this time."""

LINGER = timedelta(seconds=30)
"""After its last attempt, what a version's receivers have begun is given so long before its connections are closed."""

log = structlog.get_logger("arauto.releasing")


class Serving(Protocol):
    """A version with everything of it that is built for one hub."""

    engine: Engine
    """Once it has begun."""

    async def begin(self) -> None:
        """Make the engine, which nobody uses yet. Raises StoreUnavailable."""
        ...

    def open(self) -> None:
        """Let calls from outside reach this version from now on."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


Build = Callable[[Catalogue], Serving]
"""Everything of a version, not begun. Raises Unfit where there can be no such thing here."""


class Behind(Struct, frozen=True):
    """A version is live that this hub can't take over."""

    version: str
    reason: str


class Releasing:
    """The releases of a running hub."""

    def __init__(self, hub: Hub, serving: Serving, build: Build) -> None:
        self._hub, self._store, self._build = hub, hub.store, build
        self._serving = serving
        serving.open()
        self._turn = asyncio.Lock()
        self._again: datetime | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._leaving: dict[Serving, asyncio.Task[None]] = {}
        self._keep(serving)
        self.behind: Behind | None = None
        """The live version, where this hub can't take it over."""

    # -- for the API -------------------------------------------------------------------------------------------------

    async def apply(self, wanted: Wanted, *, dry_run: bool = False) -> Applied:
        """Make a version live, and take it over before this returns.

        Raises Unfit, Overtaken or StoreUnavailable, having changed nothing.
        """
        # Whoever asked may go away: what was begun is finished all the same.
        return await asyncio.shield(asyncio.create_task(self._apply(wanted, dry_run)))

    async def _apply(self, wanted: Wanted, dry_run: bool) -> Applied:
        async with self._turn:
            live = await already(self._store, wanted)
            if isinstance(live, Applied):
                return live
            replaces, version = live.version if live else None, wanted.catalogue.version
            serving = self._build(wanted.catalogue)
            if dry_run:
                await serving.close()
                return Applied("possible", version, replaces, None)
            engine = self._hub.engine
            try:
                await serving.begin()
                release = await put(self._store, wanted, live, engine.clock(), current=engine.catalogue)
            except BaseException:
                await serving.close()
                raise
            crash_point("apply.written")
            self._take_over(serving, release)
        return Applied("applied", version, replaces, release)

    # -- taking over -------------------------------------------------------------------------------------------------

    def _take_over(self, serving: Serving, release: Release) -> None:
        """In one step: whatever comes next finds the new version everywhere."""
        crash_point("adopt.before")
        before = self._serving
        self._serving = serving
        self._hub.adopt(serving.engine)
        serving.open()
        self._caught_up()
        self._keep(serving)
        self._leaving[before] = asyncio.create_task(self._leave(before))
        log.info("another version is served", version=release.version, by=release.by, how=release.how)

    async def _leave(self, before: Serving) -> None:
        await self._hub.lanes.ended(before.engine)
        await asyncio.sleep(LINGER.total_seconds())
        del self._leaving[before]
        await before.close()

    def _keep(self, serving: Serving) -> None:
        """Say again and again that this version is served."""
        if self._keeping is not None:
            self._keeping.cancel()
        engine = serving.engine
        self._keeping = asyncio.create_task(engine.editions.keep(self._store, engine.clock))

    # -- following others --------------------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Take over what others make live in the same database; ends at once where nobody else can."""
        while not self._store.exclusive:
            await asyncio.sleep(LOOK.total_seconds())
            try:
                await self.look(self._hub.engine.clock())
            except StoreUnavailable as error:
                log.warning("the database is not available; looking again", error=str(error))

    async def look(self, now: datetime) -> None:
        """Take over the live version, unless it is served or could not be taken over just now."""
        live = await self._store.live_release()
        if live is None or live.version == self._hub.engine.catalogue.version:
            self._caught_up()
            return
        if self.behind is not None and self.behind.version == live.version and self._again and now < self._again:
            return
        async with self._turn:
            live = await self._store.live_release() or live
            if live.version == self._hub.engine.catalogue.version:
                return
            try:
                serving = await self._begun(await compile_release(self._store, live.version))
            except StoreUnavailable:
                raise
            except Exception as error:
                self._fall_behind(live, error, now)
                return
            self._take_over(serving, live)

    async def _begun(self, catalogue: Catalogue) -> Serving:
        serving = self._build(catalogue)
        try:
            await serving.begin()
        except BaseException:
            await serving.close()
            raise
        return serving

    def _fall_behind(self, live: Release, error: Exception, now: datetime) -> None:
        expected = isinstance(error, (CatalogueFaulty, UsageFault))
        behind = Behind(live.version, str(error) if expected else f"the code failed: {type(error).__name__}")
        if behind != self.behind:
            log.error(
                "the live version can't be served here; the one before goes on",
                version=live.version,
                serving=self._hub.engine.catalogue.version,
                reason=behind.reason,
                exc_info=None if expected else error,
            )
        self.behind, self._again = behind, now + AGAIN
        self._hub.engine.metrics.behind.set(1)

    def _caught_up(self) -> None:
        self.behind = self._again = None
        self._hub.engine.metrics.behind.set(0)

    async def close(self) -> None:
        """Close what is served, and what was."""
        tasks = [*self._leaving.values(), *([self._keeping] if self._keeping else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for serving in (*self._leaving, self._serving):
            await serving.close()
