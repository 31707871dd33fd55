"""releasing: which version of the project is live, and how a running hub comes to it without a gap.

A version is compiled and everything of it is built before it is made live. Then one commit makes it so, unless somebody
else was faster, and one step, in which nothing else runs, takes it over (``Hub.adopt``). Hubs that share the database
see that another version is live, and follow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal, Protocol

import structlog
from msgspec import Struct

from arauto.catalogue.compiler import compile_files
from arauto.crash import crash_point
from arauto.engine.erasing import Grounds
from arauto.engine.hub import Hub
from arauto.engine.stages import Engine
from arauto.errors import CatalogueFaulty, NotKept, Overtaken, StoreUnavailable, UsageFault
from arauto.model import JSON, Catalogue
from arauto.store import Store
from arauto.store.releases import How, Release

LOOK = timedelta(seconds=1)
"""A hub that shares its database looks this often which version is live."""

AGAIN = timedelta(seconds=10)
"""A version that could not be taken over is tried again after this time."""

LINGER = timedelta(seconds=30)
"""After its last attempt, what a version's receivers have begun is given so long before its connections are closed."""

TENANT = "default"
"""Whose people the project's are, as far as erasures go."""

log = structlog.get_logger("arauto.releasing")


class Serving(Protocol):
    """A version with everything of it that is built for one hub."""

    engine: Engine

    def open(self) -> None:
        """Let calls from outside reach this version from now on."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


Build = Callable[[Catalogue], Awaitable[Serving]]
"""Raises Unfit where that can't be done here."""


class Behind(Struct, frozen=True):
    """A version is live that this hub can't take over."""

    version: str
    reason: str


class Start(Struct, frozen=True):
    """With which version a hub starts."""

    catalogue: Catalogue
    live: Release | None
    """The live release. Where it is of another version, the catalogue is to be made live."""

    def instead_of(self, folder: Catalogue) -> Release | None:
        """The release that is served instead of the folder, if one is."""
        return self.live if self.catalogue is not folder else None


class Applied(Struct, frozen=True):
    """What came of a call to make a version live."""

    outcome: Literal["applied", "same", "possible"]
    """same: it was live already; possible: it was only tried."""
    version: str
    replaces: str | None
    """The version that was live."""
    release: Release | None
    """The live one; None after a trial."""


async def choose(store: Store, folder: Catalogue) -> Start:
    """The version with which a hub starts: what was applied stays, whatever is in the folder. Raises UsageFault."""
    live = await store.live_release()
    if live is None or live.how == "serve" or live.version == folder.version:
        return Start(folder, live)
    files = await store.release_files(live.version)
    try:
        if files is None:
            raise UsageFault("its files are not there any more")
        catalogue = await asyncio.to_thread(compile_files, files)
    except (CatalogueFaulty, UsageFault) as error:
        raise UsageFault(
            f"the version {live.version}, which is live, can't be served by this program: {error}\n"
            "make the folder live instead: arauto apply DIR --to DATABASE"
        ) from None
    return Start(catalogue, live)


async def replace(store: Store, start: Start, *, by: str, now: datetime) -> bool:
    """Make live what a hub starts with; False where another version was made live meanwhile."""
    forget = False
    if start.live is not None:
        files = await store.release_files(start.live.version)
        try:
            forget = files is None or await names_erased(store, await asyncio.to_thread(compile_files, files))
        except CatalogueFaulty:
            forget = True
    replaces = start.live.version if start.live else None
    catalogue = start.catalogue
    released = await store.put_release(
        catalogue.version, catalogue.files, by=by, how="serve", expected=replaces, forget=forget, now=now
    )
    return released is not None


class Releasing:
    """The releases of a running hub."""

    def __init__(self, hub: Hub, serving: Serving, build: Build) -> None:
        self._hub, self._store, self._build = hub, hub.store, build
        self._serving = serving
        serving.open()
        self._turn = asyncio.Lock()
        self._again: datetime | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._keep(serving)
        self.behind: Behind | None = None
        """The live version, where this hub can't take it over."""

    # -- for the API -------------------------------------------------------------------------------------------------

    async def apply(
        self,
        files: Mapping[str, bytes],
        *,
        by: str,
        how: How = "apply",
        expected: str | None = None,
        plan: JSON = None,
        dry_run: bool = False,
    ) -> Applied:
        """Make the version of these files live, and take it over before this returns. ``expected`` is the version that
        the caller means to replace; None: whichever is live.

        Raises CatalogueFaulty, Unfit, Overtaken or StoreUnavailable, having changed nothing.
        """
        catalogue = await asyncio.to_thread(compile_files, files)
        # Whoever asked may go away: what was begun is finished all the same.
        return await asyncio.shield(asyncio.create_task(self._apply(catalogue, by, how, expected, plan, dry_run)))

    async def rollback(self, version: str, *, by: str, expected: str | None = None, dry_run: bool = False) -> Applied:
        """Make a version live again that was live before. Raises NotKept where its files are not there, and what
        ``apply`` does."""
        files = await self._store.release_files(version)
        if files is None:
            raise NotKept(
                f"of the version {version} the files are not kept any more; apply it from the folder: arauto apply DIR"
            )
        return await self.apply(files, by=by, how="rollback", expected=expected, dry_run=dry_run)

    async def _apply(
        self, catalogue: Catalogue, by: str, how: How, expected: str | None, plan: JSON, dry_run: bool
    ) -> Applied:
        async with self._turn:
            live = await self._store.live_release()
            replaces = live.version if live else None
            if live is not None and replaces == catalogue.version:
                return Applied("same", catalogue.version, replaces, live)
            if expected not in (None, replaces):
                raise overtaken(live)
            serving = await self._build(catalogue)
            try:
                if dry_run:
                    await serving.close()
                    return Applied("possible", catalogue.version, replaces, None)
                forget = live is not None and await self._names_erased(live.version)
                release = await self._store.put_release(
                    catalogue.version,
                    catalogue.files,
                    by=by,
                    how=how,
                    expected=replaces,
                    plan=plan,
                    forget=forget,
                    now=self._hub.engine.clock(),
                )
                if release is None:
                    raise overtaken(await self._store.live_release())
            except BaseException:
                await serving.close()
                raise
            crash_point("apply.written")
            self._take_over(serving, release)
        return Applied("applied", catalogue.version, replaces, release)

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
        leaving = asyncio.create_task(self._leave(before))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        log.info("another version is served", version=release.version, by=release.by, how=release.how)

    async def _leave(self, before: Serving) -> None:
        try:
            await self._hub.lanes.ended(before.engine)
            await asyncio.sleep(LINGER.total_seconds())
        finally:
            await before.close()

    def _keep(self, serving: Serving) -> None:
        """Say again and again that this version is served."""
        if self._keeping is not None:
            self._keeping.cancel()
        engine = serving.engine
        self._keeping = asyncio.create_task(engine.editions.keep(self._store, engine.clock))

    async def _names_erased(self, version: str) -> bool:
        current = self._hub.engine.catalogue
        if version == current.version:
            return await names_erased(self._store, current)
        try:
            return await names_erased(self._store, await self._compiled(version))
        except (CatalogueFaulty, UsageFault):
            return True

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
                self._take_over(await self._build(await self._compiled(live.version)), live)
            except StoreUnavailable:
                raise
            except Exception as error:
                self._fall_behind(live, error, now)

    async def _compiled(self, version: str) -> Catalogue:
        files = await self._store.release_files(version)
        if files is None:
            raise UsageFault("its files are not there any more")
        return await asyncio.to_thread(compile_files, files)

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
        leaving = [*self._leaving, *([self._keeping] if self._keeping else ())]
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        await self._serving.close()


def overtaken(live: Release | None) -> Overtaken:
    """The error that says which version is live instead."""
    if live is None:
        return Overtaken("no version is live yet, so none can be replaced")
    return Overtaken(
        f"the version {live.version} is live, by {live.by} since {live.at:%Y-%m-%d %H:%M} UTC, and not the one that was"
        " looked at: look at the difference again (arauto plan DIR), and apply then"
    )


async def names_erased(store: Store, catalogue: Catalogue) -> bool:
    """Whether a version names fixed people who were erased: once it is not live any more, its files are not kept."""
    grounds = await Grounds.open(store, catalogue)
    for id in catalogue.recipients:
        if await store.erasure(TENANT, grounds.pseudonym(TENANT, id)) is not None:
            return True
    return False
