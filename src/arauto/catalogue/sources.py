"""``sources/*.yaml`` → SourceConfigs: each kind checks its own settings, and their event types are looked up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice

from arauto import sources
from arauto.catalogue import files
from arauto.catalogue.diagnostics import START, Faults
from arauto.catalogue.document import Document, Path
from arauto.catalogue.folder import File, Folder
from arauto.catalogue.shapes import fit
from arauto.catalogue.values import NAME, Reader
from arauto.errors import BadPayload
from arauto.ingress import SettingsFaulty
from arauto.model import EventType, SourceConfig
from arauto.sources import Schedule

_TRIED_FROM = datetime(2024, 2, 28, tzinfo=UTC)
_TRIED = 3
"""How many ticks of a schedule are tried, from before a leap day on."""


def compile_sources(
    folder: Folder, event_types: Mapping[str, EventType | None], time_zone: str, faults: Faults
) -> dict[str, SourceConfig]:
    """The sources without faults, by name; ``time_zone`` is that of schedules that have none of their own."""
    compiled = [_compile(folder, file, event_types, time_zone, faults) for file in folder.flat.get("sources", ())]
    return {source.name: source for source in compiled if source}


def _compile(
    folder: Folder, file: File, event_types: Mapping[str, EventType | None], time_zone: str, faults: Faults
) -> SourceConfig | None:
    if not NAME.fullmatch(file.stem):
        message = f"{file.stem!r} cannot be the name of a source"
        faults.add(file.name, START, "bad-name", message, "use small letters, digits, _ and -: it stands in a URL")
    document = folder.document(file)
    if document is None:
        return None
    reader = Reader(document, faults)
    kind = reader.kind((), "source-kind", sources.names())
    if kind is None:
        return None
    module = sources.load(kind)
    settings = fit(document, module.Settings, faults, outer=files.SourceFile)
    if settings is None:
        return None
    try:
        if module.KIND.by_clock:
            source = module.compile(file.stem, settings, time_zone)
        else:
            source = module.compile(file.stem, settings)
    except SettingsFaulty as faulty:
        for fault in faulty.faults:
            place = document.within(fault.path, fault.line, fault.column)
            faults.add(file.name, place, fault.code, fault.message, fault.hint)
        return None
    for path, name in source.types:
        hint = f"create events/{name}.yaml"
        if reader.reference(path, "event-type", name, event_types, otherwise=hint) and module.KIND.by_clock:
            _try(source, event_types[name], document, reader)
    return SourceConfig(name=file.stem, kind=kind, settings=settings)


def _try(schedule: Schedule, event_type: EventType | None, document: Document, reader: Reader) -> None:
    """Make some of its events, which the clock alone decides, so that none is refused later."""
    for tick in islice(schedule.ticks(_TRIED_FROM), _TRIED):
        try:
            data = schedule.event(tick.at).data
        except BadPayload as refusal:
            for error in refusal.errors:
                reader.fault(_path(error["pointer"], (), document), "bad-expression", refusal.detail)
            return
        found = event_type.validate(data) if event_type else ()
        for each in found:
            message = f"{each['pointer'] or 'the data'} of its events {each['detail']}"
            reader.fault(
                _path(each["pointer"], ("data",), document), "bad-data", message, "see the event type's schema"
            )
        if found:
            return


def _path(pointer: str, under: Path, document: Document) -> Path:
    """The path of what a JSON pointer (RFC 6901) leads to, as far as it is written in the file."""
    path = under
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        try:
            inside = document.value(path)
        except (KeyError, IndexError, TypeError):
            return path[:-1]
        path = (*path, int(name) if isinstance(inside, list) else name)
    return path
