"""app: the composition root. The one file that builds everything and knows all the parts."""

from __future__ import annotations

import asyncio
import getpass
import os
import random
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

from msgspec import Struct

from arauto import channels, sources
from arauto.channels import Provider, Receiver
from arauto.decide.wishes import IN_APP
from arauto.egress import Egress
from arauto.engine.editions import Editions
from arauto.engine.hub import Hub
from arauto.engine.links import Links
from arauto.engine.metrics import Metrics
from arauto.engine.releases import Start, Wanted, choose, put
from arauto.engine.releasing import Releasing
from arauto.engine.stages import Engine
from arauto.errors import Overtaken, SecretMissing, Unfit, UsageFault
from arauto.model import Catalogue
from arauto.secret import Secret
from arauto.sources import Source
from arauto.store import Store
from arauto.store.opening import open_store
from arauto.store.releases import Release

VERSION = version("arauto")


@dataclass(frozen=True, slots=True)
class App:
    """A hub and what stands around it."""

    hub: Hub
    store: Store
    sources: dict[str, Source]
    """Those of the version that is served now, always."""
    receivers: dict[tuple[str, str], Receiver]
    """Of receipts, by channel and provider; likewise."""
    session_key: str
    """The key of this process's own command line: it may do everything, and dies with the process."""
    releasing: Releasing
    instead_of_folder: Release | None = None
    """The release that is served instead of the project that this hub was started on."""


class _Version:
    """A version of the project with all that this process has of it."""

    def __init__(self, app: _Common, catalogue: Catalogue) -> None:
        """Raises Unfit."""
        missing = missing_secrets(catalogue)
        if missing:
            raise Unfit("secrets are missing", missing)
        self._app, self._catalogue = app, catalogue
        self._egress = Egress(private_networks=catalogue.project.private_networks)
        try:
            self._sources = _sources(catalogue)
            self._providers = _providers(catalogue, self._egress)
            self._receivers = _receivers(catalogue, self._egress)
        except UsageFault as error:
            raise Unfit(str(error)) from None

    async def begin(self) -> None:
        """Make the engine, which nobody uses yet."""
        common, store, catalogue = self._app, self._app.store, self._catalogue
        self.engine = Engine(
            store,
            catalogue,
            self._providers,
            clock=now,
            chance=random.random,
            owner=common.owner,
            metrics=common.metrics,
            secret=await store.hub_secret("addresses"),
            links=Links(await store.hub_secret("links"), catalogue.project.public_url),
            editions=await Editions.open(catalogue, store, now()),
        )

    def open(self) -> None:
        """The maps that the API has are filled anew, in one step."""
        for there, built in ((self._app.sources, self._sources), (self._app.receivers, self._receivers)):
            there.clear()
            there.update(built)  # type: ignore[arg-type]
        self._app.metrics.show_catalogue(self.engine.catalogue)

    async def close(self) -> None:
        """Providers first: they use the egress."""
        for some in self._providers.values():
            for provider in some:
                await provider.close()
        await self._egress.close()


@dataclass(frozen=True, slots=True)
class _Common:
    """What all versions share."""

    store: Store
    owner: str
    metrics: Metrics
    sources: dict[str, Source]
    receivers: dict[tuple[str, str], Receiver]


def now() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


@asynccontextmanager
async def running(catalogue: Catalogue, database: str) -> AsyncIterator[App]:
    """A hub at work on this database; it drains when the block ends. It serves this catalogue, which is made live by
    that; but where another version was applied to the database, it serves that one.

    Raises Unfit, naming every secret that is missing, StoreLocked, or another UsageFault, or StoreUnavailable.
    """
    async with AsyncExitStack() as stack:
        store = await open_store(database)
        stack.push_async_callback(store.close)
        owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        common = _Common(store, owner, Metrics(), {}, {})
        start, version = await _start(common, catalogue)
        hub = Hub(version.engine)
        releasing = Releasing(hub, version, partial(_Version, common))
        stack.push_async_callback(releasing.close)
        await hub.start()
        stack.push_async_callback(hub.stop)
        following = asyncio.create_task(releasing.follow())
        stack.push_async_callback(_end, following)
        yield App(
            hub,
            store,
            common.sources,
            common.receivers,
            f"arauto_session_{secrets.token_urlsafe(24)}",
            releasing,
            start.instead_of(catalogue),
        )


async def _start(common: _Common, folder: Catalogue) -> tuple[Start, _Version]:
    """The version with which this hub starts, which is live then."""
    while True:
        start = await choose(common.store, folder)
        version = _Version(common, start.catalogue)
        try:
            await version.begin()
            if not start.is_live:
                wanted = Wanted(catalogue=start.catalogue, by=whoami(), how="serve")
                await put(common.store, wanted, start.live, now())
        except Overtaken:  # another hub was started at the same time, and was faster
            await version.close()
        except BaseException:
            await version.close()
            raise
        else:
            return start, version


def whoami() -> str:
    """Who does something here: user and machine."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def missing_secrets(catalogue: Catalogue) -> list[str]:
    """Where a secret that the project names is not there: the file, and what to do."""
    missing: list[str] = []
    places = [(f"sources/{name}.yaml", config.settings) for name, config in catalogue.sources.items()]
    for name, channel in catalogue.channels.items():
        places.extend((f"channels/{name}.yaml", provider.settings) for provider in channel.providers)
    for place, settings in places:
        for secret in _secrets(settings):
            try:
                secret.reveal()
            except SecretMissing as error:
                missing.append(f"{place}: {error}")
    return missing


def _secrets(value: object) -> Iterator[Secret]:
    match value:
        case Secret():
            yield value
        case Struct():
            for name in value.__struct_fields__:
                yield from _secrets(getattr(value, name))
        case list() | tuple():
            for each in value:
                yield from _secrets(each)
        case dict():
            for each in value.values():
                yield from _secrets(each)


def _providers(catalogue: Catalogue, egress: Egress) -> dict[str, list[Provider]]:
    return {
        name: [channels.build(name, each.kind, each.settings, egress) for each in config.providers]
        for name, config in catalogue.channels.items()
        if name != IN_APP
    }


def _receivers(catalogue: Catalogue, egress: Egress) -> dict[tuple[str, str], Receiver]:
    """Raises UsageFault for a key to verify calls with that is there and cannot be one."""
    built: dict[tuple[str, str], Receiver] = {}
    for channel, config in catalogue.channels.items():
        for each in config.providers:
            receiver = channels.receiver(channel, each.kind, each.settings, egress)
            if receiver is not None:
                built[channel, each.name] = receiver
    return built


def _sources(catalogue: Catalogue) -> dict[str, Source]:
    """Those that are called. Raises UsageFault for a secret that is there and cannot be one."""
    built: dict[str, Source] = {
        name: sources.load(config.kind).compile(name, config.settings)
        for name, config in catalogue.sources.items()
        if not sources.load(config.kind).KIND.by_clock
    }
    for name, source in built.items():
        try:
            source.prepare()
        except UsageFault as error:
            raise UsageFault(f"sources/{name}.yaml: {error}") from None
    return built
