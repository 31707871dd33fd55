"""A project folder → a Catalogue, or every fault in it.

Each kind of file has its module; this is the order in which they depend on each other's names. A faulty file keeps
its name, so that one slip is told once and not again wherever the name is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from arauto import channels
from arauto.catalogue.analysis import analyse
from arauto.catalogue.channels import compile_channels
from arauto.catalogue.diagnostics import Faults
from arauto.catalogue.event_types import compile_event_types
from arauto.catalogue.folder import Folder
from arauto.catalogue.gathered import compile_gathered
from arauto.catalogue.notifications import Surroundings, compile_notifications, listeners
from arauto.catalogue.project import compile_whole
from arauto.catalogue.recipients import Everybody, compile_recipients
from arauto.catalogue.sources import compile_sources
from arauto.errors import CatalogueFaulty, Diagnostic
from arauto.model import Catalogue


def compile_project(folder: Path) -> Catalogue:
    """The catalogue of the project in ``folder``.

    Raises CatalogueFaulty with every fault, sorted by place; UsageFault where there is no project at all.
    """
    faults = Faults()
    return _compile(Folder(folder, faults), faults)


def check_project(folder: Path) -> tuple[Catalogue, list[Diagnostic]]:
    """The same, with warnings: what in it cannot be meant, though it could run; sorted by place."""
    faults = Faults()
    read = Folder(folder, faults)
    catalogue = _compile(read, faults)
    analyse(read, catalogue, faults)
    return catalogue, sorted(faults.found.values())


def _compile(read: Folder, faults: Faults) -> Catalogue:
    whole = compile_whole(read.document(read.project), faults)
    event_types = compile_event_types(read, faults)
    configured = compile_channels(read, faults)
    time_zone = whole.project.time_zone if whole.project else "UTC"
    sources = compile_sources(read, event_types, time_zone, faults)
    everybody = compile_recipients(read, time_zone, faults)
    around = Surroundings(whole, event_types, configured, everybody)
    notifications = compile_notifications(read, around, faults)
    if faults.any or whole.project is None:
        raise CatalogueFaulty(list(faults.found.values()))
    sound = {name: type_ for name, type_ in event_types.items() if type_}
    return Catalogue(
        version=read.version(),
        files=read.to_compile_again(),
        project=whole.project,
        categories=whole.categories,
        event_types=sound,
        sources=sources,
        recipients=everybody.recipients,
        attributes=everybody.attributes,
        groups=everybody.groups,
        channels={name: channel for name, channel in configured.items() if channel},
        notifications=notifications,
        by_event_type={
            name: tuple(each for _, each in sorted(notifications.items()) if name in each.on) for name in sound
        },
        gathered=compile_gathered(configured, whole.brand) if whole.project.attention else {},
        listeners=listeners(notifications),
    )


def compile_again(files: Mapping[str, bytes], current: Catalogue) -> Catalogue:
    """The notifications, event types and categories of an earlier version, from its ``Catalogue.files``; all else
    is of the current one. Whatever it names that is not in the project any more is not missed.

    Raises CatalogueFaulty when it can't be compiled by this program.
    """
    faults = Faults()
    with TemporaryDirectory(prefix="arauto-") as place:
        for name, raw in files.items():
            path = Path(place) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
        read = Folder(Path(place), faults)
        whole = compile_whole(read.document(read.project), faults)
        whole = msgspec.structs.replace(whole, brand=current.project.brand)
        event_types = compile_event_types(read, faults)
        nobody = Everybody({}, {}, frozenset(), frozenset(), frozenset(), None, complete=False)
        around = Surroundings(whole, event_types, channels.names(), nobody)
        notifications = compile_notifications(read, around, faults)
    if faults.any:
        raise CatalogueFaulty(list(faults.found.values()))
    return msgspec.structs.replace(
        current,
        version="",
        files={},
        categories=whole.categories,
        event_types={name: type_ for name, type_ in event_types.items() if type_},
        notifications=notifications,
        by_event_type={},
        listeners=listeners(notifications),
    )
