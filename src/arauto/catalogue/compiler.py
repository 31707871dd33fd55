"""A project folder → a Catalogue, or every fault in it.

Each kind of file has its module; this is the order in which they depend on each other's names. A faulty file keeps
its name, so that one slip is told once and not again wherever the name is used.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import msgspec

from arauto import channels
from arauto.catalogue.channels import compile_channels
from arauto.catalogue.diagnostics import START, Faults, shown
from arauto.catalogue.event_types import compile_event_types
from arauto.catalogue.folder import PROJECT, Folder
from arauto.catalogue.gathered import compile_gathered
from arauto.catalogue.notifications import compile_notifications, listeners
from arauto.catalogue.project import compile_whole
from arauto.catalogue.recipients import Everybody, compile_recipients
from arauto.catalogue.rules import Surroundings
from arauto.catalogue.sight import Sight
from arauto.catalogue.sources import compile_sources
from arauto.errors import CatalogueFaulty
from arauto.model import Catalogue, Notification

_NO_FILE = ("no file of a project has this name", "leave it out")


_first = threading.Lock()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Without the garbage collector, which would go over the growing catalogue again and again, and find nothing."""
    if not _first.acquire(blocking=False):  # a hub compiles in threads: of several, the first leaves it as it was
        yield
        return
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
        _first.release()


@undisturbed()
def compile_project(folder: Path) -> Catalogue:
    """The catalogue of the project in ``folder``.

    Raises CatalogueFaulty with every fault, sorted by place; UsageFault where there is no project at all.
    """
    faults = Faults()
    return compile_folder(Folder(folder, faults), faults)[0]


def compile_folder(read: Folder, faults: Faults) -> tuple[Catalogue, Sight]:
    """The catalogue of a folder that was read, and what its texts see. Raises CatalogueFaulty with every fault."""
    whole = compile_whole(read.document(read.project), faults)
    event_types = compile_event_types(read, faults)
    configured = compile_channels(read, faults)
    time_zone = whole.project.time_zone if whole.project else "UTC"
    sources = compile_sources(read, event_types, time_zone, faults)
    everybody = compile_recipients(read, time_zone, faults)
    around = Surroundings(whole, event_types, configured, everybody)
    sight = Sight(around)
    notifications = compile_notifications(read, around, sight if everybody.complete else None, faults)
    if faults.any or whole.project is None:
        raise CatalogueFaulty(list(faults.found.values()))
    sound = {name: type_ for name, type_ in event_types.items() if type_}
    catalogue = Catalogue(
        version=read.version(),
        files=read.files(),
        project=whole.project,
        categories=whole.categories,
        event_types=sound,
        sources=sources,
        recipients=everybody.recipients,
        attributes=everybody.attributes,
        groups=everybody.groups,
        channels={name: channel for name, channel in configured.items() if channel},
        notifications=notifications,
        by_event_type=_by_event_type(sound, notifications),
        gathered=compile_gathered(configured, whole.brand) if whole.project.attention else {},
        listeners=listeners(notifications),
    )
    return catalogue, sight


def _by_event_type(
    event_types: Iterable[str], notifications: Mapping[str, Notification]
) -> dict[str, tuple[Notification, ...]]:
    found: dict[str, list[Notification]] = {name: [] for name in event_types}
    for _, notification in sorted(notifications.items()):
        for name in dict.fromkeys(notification.on):
            if name in found:
                found[name].append(notification)
    return {name: tuple(each) for name, each in found.items()}


@undisturbed()
def compile_files(files: Mapping[str, bytes]) -> Catalogue:
    """The catalogue of a project of which only the files are there, by name, as ``Catalogue.files`` has them.

    Raises CatalogueFaulty with every fault, also where a name leads out of the project or is that of no project's
    file, so that ``Catalogue.files`` is what was given.
    """
    faults = Faults()
    with _laid_out(files, faults) as place:
        read = Folder(place, faults)
        known = read.files()
        for name in files.keys() - known.keys():
            faults.add(shown(Path(name)), START, "unknown-file", *_NO_FILE)
        return compile_folder(read, faults)[0]


def compile_again(files: Mapping[str, bytes], current: Catalogue) -> Catalogue:
    """The notifications, event types and categories of an earlier version, from those of its ``Catalogue.files`` that
    tell of them (``lasting``); all else is of the current one. Whatever it names that is not in the project any more
    is not missed.

    Raises CatalogueFaulty when it can't be compiled by this program.
    """
    faults = Faults()
    with _laid_out(files, faults) as place:
        read = Folder(place, faults)
        whole = compile_whole(read.document(read.project), faults)
        whole = msgspec.structs.replace(whole, brand=current.project.brand)
        event_types = compile_event_types(read, faults)
        nobody = Everybody({}, {}, frozenset(), frozenset(), frozenset(), None, complete=False)
        around = Surroundings(whole, event_types, channels.names(), nobody)
        notifications = compile_notifications(read, around, None, faults)
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


def lasting(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Those of a project's files of which its notifications can be compiled again: without people, and without what may
    hold secrets."""
    return {name: raw for name, raw in files.items() if name.startswith(("events/", "notifications/", PROJECT))}


@contextmanager
def _laid_out(files: Mapping[str, bytes], faults: Faults) -> Iterator[Path]:
    """A folder with these files, for so long. Raises CatalogueFaulty where there can be none."""
    with TemporaryDirectory(prefix="arauto-") as made:
        place = Path(made)
        for name, raw in files.items():
            try:
                if not name or PurePosixPath(name).as_posix() != name or {"..", ""} & {*name.split("/")}:
                    raise ValueError(name)
                path = place / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(raw)
            except (OSError, ValueError):
                faults.add(shown(Path(name)), START, "unknown-file", *_NO_FILE)
        if PROJECT not in files:
            faults.add(PROJECT, START, "missing-file", f"there is no {PROJECT}, so it is no project")
            raise CatalogueFaulty(list(faults.found.values()))
        yield place
