"""``channels/*.yaml`` → ChannelConfigs: providers in order, each with its own settings, and the retry policy."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct

from arauto import channels
from arauto.catalogue import files, values
from arauto.catalogue.diagnostics import START, Faults, did_you_mean
from arauto.catalogue.document import Path
from arauto.catalogue.folder import File, Folder
from arauto.catalogue.shapes import fit
from arauto.catalogue.values import Reader
from arauto.model import ChannelConfig, Price, ProviderConfig, RetryPolicy


def compile_channels(folder: Folder, faults: Faults) -> dict[str, ChannelConfig | None]:
    """The configured channels by name; None for those that are there but faulty."""
    found: dict[str, ChannelConfig | None] = {}
    for file in folder.flat.get("channels", ()):
        if file.stem in channels.names():
            found[file.stem] = _compile(folder, file, faults)
        else:
            message = f"there is no channel {file.stem}"
            faults.add(file.name, START, "unknown-channel", message, did_you_mean(file.stem, channels.names()))
    return found


def _compile(folder: Folder, file: File, faults: Faults) -> ChannelConfig | None:
    document = folder.document(file)
    entry = fit(document, files.ChannelFile, faults) if document else None
    if document is None or entry is None:
        return None
    name, reader = file.stem, Reader(document, faults)
    providers = _providers(reader, name, entry.providers)
    default = channels.load(name).retry
    schedule = default.schedule
    if entry.retry is not None:
        waits = [reader.read(values.duration, wait, ("retry", index)) for index, wait in enumerate(entry.retry)]
        schedule = tuple(wait for wait in waits if wait is not None)
    return ChannelConfig(
        name=name,
        providers=providers,
        retry=RetryPolicy(
            schedule=schedule,
            expires=reader.read(values.lifetime, entry.expires, ("expires",)) or default.expires,
            on_unknown=entry.on_unknown or default.on_unknown,
        ),
        concurrency=entry.concurrency or channels.load(name).concurrency,
    )


def _providers(reader: Reader, channel: str, entries: tuple[dict[str, Any], ...]) -> tuple[ProviderConfig, ...]:
    kinds = channels.providers(channel)
    if not entries:
        if kinds:  # a channel that has none, such as inapp, is carried by the hub itself
            hint = f"write providers: [{{kind: {kinds[0]}, …}}]"
            reader.fault((), "no-provider", f"the channel {channel} has no provider", hint)
        return ()
    found: dict[str, ProviderConfig] = {}
    for index, entry in enumerate(entries):
        path = ("providers", index)
        kind = reader.kind(path, "provider", kinds)
        if kind is None:
            continue
        type_: type[Struct] = channels.provider(channel, kind).Settings
        settings = fit(reader.document, type_, reader.faults, at=path, outer=files.ProviderEntry)
        if settings is None:
            continue
        name = entry.get("name", kind)
        if name in found:
            place, hint = "name" if "name" in entry else "kind", "give each a name: of its own"
            reader.fault((*path, place), "duplicate-provider", f"two providers have the name {name}", hint)
        price = _price(reader, channel, (*path, "price")) if "price" in entry else None
        found[name] = ProviderConfig(name=name, kind=kind, settings=settings, price=price)
    return tuple(found.values())


def _price(reader: Reader, channel: str, path: Path) -> Price:
    """What stands there and fits; its amount exactly as it is written."""
    written = {"per": "message", **reader.document.value(path)}
    if written["per"] == "segment" and not channels.in_segments(channel):
        message = f"messages of the channel {channel} have no segments"
        reader.fault((*path, "per"), "bad-value", message, "write per: message")
    return Price(amount=Decimal(str(written["amount"])), currency=written["currency"], per=written["per"])
