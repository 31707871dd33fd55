"""``events/*.yaml`` → EventTypes: their schemas compile, and their samples match them."""

from __future__ import annotations

from arauto.catalogue import files
from arauto.catalogue.diagnostics import START, Faults
from arauto.catalogue.folder import File, Folder
from arauto.catalogue.schemas import Check, compile_schema, pointer
from arauto.catalogue.shapes import fit
from arauto.catalogue.values import EVENT_TYPE, Reader
from arauto.model import JSON, EventType


def compile_event_types(folder: Folder, faults: Faults) -> dict[str, EventType | None]:
    """The event types by name; None for those that are there but faulty."""
    return {file.stem: _compile(folder, file, faults) for file in folder.flat.get("events", ())}


def _compile(folder: Folder, file: File, faults: Faults) -> EventType | None:
    if not EVENT_TYPE.fullmatch(file.stem):
        message = f"{file.stem!r} cannot be the name of an event type"
        faults.add(file.name, START, "bad-name", message, "use letters, digits, _ and -, with dots between: order.paid")
    document = folder.document(file)
    entry = fit(document, files.EventFile, faults) if document else None
    if document is None or entry is None:
        return None
    check = compile_schema(document, ("schema",), faults)
    if check is None:
        return None
    reader = Reader(document, faults)
    for name, sample in entry.samples.items():
        _check_sample(reader, check, name, sample)
    return EventType(
        name=file.stem, description=entry.description, schema=entry.schema, samples=entry.samples, validate=check
    )


def _check_sample(reader: Reader, check: Check, name: str, sample: JSON) -> None:
    for found in check.findings(sample):
        message = f"sample {name}: {pointer(found.path) or 'the data'} {found.detail}"
        key = found.keyword == "additionalProperties"
        reader.fault(("samples", name, *found.path), "bad-sample", message, key=key)
