"""``sources/*.yaml`` → SourceConfigs: each kind checks its own settings, and their event types are looked up."""

from __future__ import annotations

from collections.abc import Collection

from arauto import sources
from arauto.catalogue import files
from arauto.catalogue.diagnostics import START, Faults
from arauto.catalogue.folder import File, Folder
from arauto.catalogue.shapes import fit
from arauto.catalogue.values import NAME, Reader
from arauto.ingress import SettingsFaulty
from arauto.model import SourceConfig


def compile_sources(folder: Folder, event_types: Collection[str], faults: Faults) -> dict[str, SourceConfig]:
    """The sources without faults, by name."""
    compiled = [_compile(folder, file, event_types, faults) for file in folder.flat.get("sources", ())]
    return {source.name: source for source in compiled if source}


def _compile(folder: Folder, file: File, event_types: Collection[str], faults: Faults) -> SourceConfig | None:
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
        source: sources.Source = module.compile(file.stem, settings)
    except SettingsFaulty as faulty:
        for fault in faulty.faults:
            place = document.within(fault.path, fault.line, fault.column)
            faults.add(file.name, place, fault.code, fault.message, fault.hint)
        return None
    for path, name in source.types:
        hint = f"create events/{name}.yaml"
        reader.reference(path, "event-type", name, event_types, otherwise=hint)
    return SourceConfig(name=file.stem, kind=kind, settings=settings)
