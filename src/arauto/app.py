"""app: the composition root. The one file that builds everything and knows all the parts."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
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
from arauto.engine.stages import Engine
from arauto.errors import SecretMissing, UsageFault
from arauto.model import Catalogue
from arauto.secret import Secret
from arauto.sources import Source
from arauto.store import Store
from arauto.store.opening import open_store

VERSION = version("arauto")


@dataclass(frozen=True, slots=True)
class App:
    """A hub and what stands around it."""

    hub: Hub
    store: Store
    sources: Mapping[str, Source]
    receivers: Mapping[tuple[str, str], Receiver]
    """Of receipts, by channel and provider."""
    session_key: str
    """The key of this process's own command line: it may do everything, and dies with the process."""


def now() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


@asynccontextmanager
async def running(catalogue: Catalogue, database: str) -> AsyncIterator[App]:
    """A hub at work on this catalogue and database; it drains when the block ends.

    Raises UsageFault, naming every secret that is missing, StoreLocked, or StoreUnavailable.
    """
    missing = missing_secrets(catalogue)
    if missing:
        raise UsageFault("secrets are missing:\n  " + "\n  ".join(missing))
    built_sources = _sources(catalogue)
    async with AsyncExitStack() as stack:
        egress = Egress(private_networks=catalogue.project.private_networks)
        stack.push_async_callback(egress.close)
        providers = _providers(catalogue, egress)
        for some in providers.values():
            for provider in some:
                stack.push_async_callback(provider.close)
        receivers = _receivers(catalogue, egress)
        store = await open_store(database)
        stack.push_async_callback(store.close)
        metrics = Metrics()
        metrics.show_catalogue(catalogue)
        editions = await Editions.open(catalogue, store, now())
        engine = Engine(
            store,
            catalogue,
            providers,
            clock=now,
            chance=random.random,
            owner=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}",
            metrics=metrics,
            secret=await store.hub_secret("addresses"),
            links=Links(await store.hub_secret("links"), catalogue.project.public_url),
            editions=editions,
        )
        hub = Hub(engine)
        await hub.start()
        stack.push_async_callback(hub.stop)
        keeping = asyncio.create_task(editions.keep(store, now))
        stack.push_async_callback(_end, keeping)
        yield App(hub, store, built_sources, receivers, f"arauto_session_{secrets.token_urlsafe(24)}")


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
