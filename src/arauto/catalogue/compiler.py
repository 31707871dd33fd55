"""A project folder → a Catalogue, or every fault in it.

Each kind of file has its module; this is the order in which they depend on each other's names. A faulty file keeps
its name, so that one slip is told once and not again wherever the name is used.
"""

from __future__ import annotations

from pathlib import Path

from arauto.catalogue.channels import compile_channels
from arauto.catalogue.diagnostics import Faults
from arauto.catalogue.event_types import compile_event_types
from arauto.catalogue.folder import Folder
from arauto.catalogue.gathered import compile_gathered
from arauto.catalogue.notifications import Surroundings, compile_notifications, listeners
from arauto.catalogue.project import compile_whole
from arauto.catalogue.recipients import compile_recipients
from arauto.catalogue.sources import compile_sources
from arauto.errors import CatalogueFaulty
from arauto.model import Catalogue


def compile_project(folder: Path) -> Catalogue:
    """The catalogue of the project in ``folder``.

    Raises CatalogueFaulty with every fault, sorted by place; UsageFault where there is no project at all.
    """
    faults = Faults()
    read = Folder(folder, faults)
    whole = compile_whole(read.document(read.project), faults)
    event_types = compile_event_types(read, faults)
    channels = compile_channels(read, faults)
    time_zone = whole.project.time_zone if whole.project else "UTC"
    sources = compile_sources(read, event_types, time_zone, faults)
    everybody = compile_recipients(read, time_zone, faults)
    around = Surroundings(whole, event_types, channels, everybody)
    notifications = compile_notifications(read, around, faults)
    if faults.found or whole.project is None:
        raise CatalogueFaulty(list(faults.found.values()))
    sound = {name: type_ for name, type_ in event_types.items() if type_}
    return Catalogue(
        version=read.version(),
        project=whole.project,
        categories=whole.categories,
        event_types=sound,
        sources=sources,
        recipients=everybody.recipients,
        attributes=everybody.attributes,
        groups=everybody.groups,
        channels={name: channel for name, channel in channels.items() if channel},
        notifications=notifications,
        by_event_type={
            name: tuple(each for _, each in sorted(notifications.items()) if name in each.on) for name in sound
        },
        gathered=compile_gathered(channels, whole.brand) if whole.project.attention else {},
        listeners=listeners(notifications),
    )
