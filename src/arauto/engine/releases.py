"""releases: which version of the project is live, as a database has it; whether a hub runs on it or not."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Literal

from msgspec import Struct

from arauto.catalogue.compiler import compile_files
from arauto.engine.erasing import Grounds
from arauto.errors import CatalogueFaulty, NotKept, Overtaken, UsageFault
from arauto.model import JSON, Catalogue
from arauto.store import Store
from arauto.store.releases import How, Release

TENANT = "default"
"""Whose people the project's are, as far as erasures go."""


class Wanted(Struct, frozen=True, kw_only=True):
    """A version that somebody wants to be live."""

    catalogue: Catalogue
    by: str
    how: How
    expected: str | None = None
    """The version that they mean to replace; None: whichever is live."""
    plan: JSON = None
    """What they were shown of its consequences."""


class Applied(Struct, frozen=True):
    """What came of it."""

    outcome: Literal["applied", "same", "possible"]
    """same: it was live already; possible: it was only tried."""
    version: str
    replaces: str | None
    """The version that was live."""
    release: Release | None
    """The live one; None after a trial."""


class Start(Struct, frozen=True):
    """With which version a hub starts."""

    catalogue: Catalogue
    live: Release | None
    """The live release. Where it is of another version, the catalogue is to be made live."""

    @property
    def is_live(self) -> bool:
        """Nothing is to be made live."""
        return self.live is not None and self.live.version == self.catalogue.version

    def instead_of(self, folder: Catalogue) -> Release | None:
        """The release that is served instead of the folder, if one is."""
        return self.live if self.catalogue is not folder else None


async def choose(store: Store, folder: Catalogue) -> Start:
    """The version with which a hub starts: what was applied stays, whatever is in the folder. Raises UsageFault."""
    live = await store.live_release()
    if live is None or live.how == "serve" or live.version == folder.version:
        return Start(folder, live)
    try:
        catalogue = await compile_release(store, live.version)
    except (CatalogueFaulty, UsageFault) as error:
        raise UsageFault(
            f"the version {live.version}, which is live, can't be served by this program: {error}\n"
            "make the folder live instead: arauto apply DIR --to DATABASE"
        ) from None
    return Start(catalogue, live)


async def compile_release(store: Store, version: str) -> Catalogue:
    """The catalogue of a version that was live. Raises NotKept, or CatalogueFaulty where this program can't read it."""
    files = await store.release_files(version)
    if files is None:
        raise NotKept(f"of the version {version} the files are not kept any more; apply it from its folder")
    return await asyncio.to_thread(compile_files, files)


async def find(store: Store, version: str) -> str | list[str]:
    """The version that is named ``live``, like this, or begins like this; or all those that do, which may be none."""
    if version == "live":
        live = await store.live_release()
        return live.version if live else []
    found = await store.versions_like(version)
    return version if version in found else found[0] if len(found) == 1 else found


async def already(store: Store, wanted: Wanted) -> Applied | Release | None:
    """The live release that is to be replaced, or, where that is so already, that nothing is to be done. Raises
    Overtaken."""
    live = await store.live_release()
    if live is not None and live.version == wanted.catalogue.version:
        return Applied("same", live.version, live.version, live)
    if wanted.expected is not None and wanted.expected != (live and live.version):
        raise overtaken(live)
    return live


async def put(
    store: Store, wanted: Wanted, live: Release | None, now: datetime, *, current: Catalogue | None = None
) -> Release:
    """Make a version live instead of this one; ``current`` is a catalogue that the caller has. Raises Overtaken."""
    release = await store.put_release(
        wanted.catalogue.version,
        wanted.catalogue.files,
        by=wanted.by,
        how=wanted.how,
        expected=live.version if live else None,
        plan=wanted.plan,
        forget=live is not None and await _names_erased(store, live.version, current),
        now=now,
    )
    if release is None:
        raise overtaken(await store.live_release())
    return release


async def apply_to(store: Store, wanted: Wanted, now: datetime, *, dry_run: bool = False) -> Applied:
    """Make a version live in a database; hubs that run on it follow. Raises Overtaken or StoreUnavailable."""
    found = await already(store, wanted)
    if isinstance(found, Applied):
        return found
    replaces = found.version if found else None
    if dry_run:
        return Applied("possible", wanted.catalogue.version, replaces, None)
    return Applied("applied", wanted.catalogue.version, replaces, await put(store, wanted, found, now))


def overtaken(live: Release | None) -> Overtaken:
    """The error that says which version is live instead."""
    if live is None:
        return Overtaken("no version is live yet, so none can be replaced")
    return Overtaken(
        f"the version {live.version} is live, by {live.by} since {live.at:%Y-%m-%d %H:%M} UTC, and not the one that was"
        " looked at: look at the difference again (arauto plan DIR), and apply then"
    )


async def _names_erased(store: Store, version: str, current: Catalogue | None) -> bool:
    """Whether a version names fixed people who were erased: once it is not live any more, its files are not kept."""
    if current is None or current.version != version:
        try:
            current = await compile_release(store, version)
        except (CatalogueFaulty, NotKept):
            return True
    grounds = await Grounds.open(store, current)
    for id in current.recipients:
        if await store.erasure(TENANT, grounds.pseudonym(TENANT, id)) is not None:
            return True
    return False
