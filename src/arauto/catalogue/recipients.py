"""``recipients/*.yaml`` → Recipients and Groups: all files count as one."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from arauto import channels
from arauto.catalogue import files, values
from arauto.catalogue.diagnostics import Faults
from arauto.catalogue.document import Document, Path
from arauto.catalogue.folder import Folder
from arauto.catalogue.groups import compile_group
from arauto.catalogue.schemas import Check, compile_schema
from arauto.catalogue.shapes import fit
from arauto.catalogue.values import Reader
from arauto.model import JSON, Group, Recipient


class Everybody(Struct, frozen=True):
    """The fixed recipients and groups, and the names of all that are written, faulty ones too."""

    recipients: dict[str, Recipient]
    groups: dict[str, Group]
    people_ids: frozenset[str]
    system_ids: frozenset[str]
    group_names: frozenset[str]
    attributes: Check | None
    complete: bool
    """False: a file could not be read, so nobody is missed."""
    attributes_schema: JSON = None
    """The attributes' JSON Schema, as it is written."""


def compile_recipients(folder: Folder, time_zone: str, faults: Faults) -> Everybody:
    """Everybody in the folder's files; ``time_zone`` is the project's."""
    read = [folder.document(file) for file in folder.flat.get("recipients", ())]
    documents = [document for document in read if document]
    ids = _Names(faults, "duplicate-recipient", "the recipient {} is already in {}")
    group_names = _Names(faults, "duplicate-group", "the group {} is already in {}")
    written = [(document, kind) for document in documents for kind in ("people", "systems")]
    names = {(document.file, kind): ids.take(document, kind) for document, kind in written}
    for document in documents:
        group_names.take(document, "groups")
    entries = [(document, fit(document, files.RecipientsFile, faults)) for document in documents]
    check = _attributes_check(entries, faults)
    recipients: dict[str, Recipient] = {}
    groups: dict[str, Group] = {}
    for document, entry in entries:
        if entry is None:
            continue
        reader = Reader(document, faults)
        for id, person in entry.people.items():
            recipients.setdefault(id, compile_recipient(reader, id, "person", ("people", id), person, check))
        for id, system in entry.systems.items():
            recipients.setdefault(id, compile_recipient(reader, id, "system", ("systems", id), system, check))
        for name, group in entry.groups.items():
            known = ids.taken if len(documents) == len(read) else None
            groups.setdefault(name, compile_group(reader, name, group, known, time_zone))
    return Everybody(
        recipients,
        groups,
        people_ids=frozenset().union(*(found for (_, kind), found in names.items() if kind == "people")),
        system_ids=frozenset().union(*(found for (_, kind), found in names.items() if kind == "systems")),
        group_names=frozenset(group_names.taken),
        attributes=check,
        complete=len(documents) == len(read),
        attributes_schema=next(
            (entry.attributes for _, entry in entries if check and entry and entry.attributes is not None), None
        ),
    )


class _Names:
    """Names that must be unique over all files."""

    def __init__(self, faults: Faults, code: str, message: str) -> None:
        self.faults, self.code, self.message = faults, code, message
        self.taken: dict[str, str] = {}

    def take(self, document: Document, key: str) -> frozenset[str]:
        written = document.data.get(key) if isinstance(document.data, dict) else None
        if not isinstance(written, dict):
            return frozenset()
        for name in written:
            if name in self.taken:
                place = document.key_place((key, name))
                self.faults.add(document.file, place, self.code, self.message.format(name, self.taken[name]))
            else:
                self.taken[name] = f"{document.file}, line {document.key_place((key, name)).line}"
        return frozenset(written)


def _attributes_check(entries: list[tuple[Document, files.RecipientsFile | None]], faults: Faults) -> Check | None:
    holders = [document for document, entry in entries if entry is not None and entry.attributes is not None]
    for document in holders[1:]:
        message = f"the attributes' schema already stands in {holders[0].file}"
        faults.add(document.file, document.key_place(("attributes",)), "duplicate-attributes", message, "merge the two")
    return compile_schema(holders[0], ("attributes",), faults) if holders else None


_PLAIN = ("name", "locale", "time_zone", "attributes")


def compile_recipient(
    reader: Reader, id: str, kind: Literal["person", "system"], path: Path, entry: dict[str, Any], check: Check | None
) -> Recipient:
    attributes = entry.get("attributes", {})
    for found in check.findings(attributes) if check else ():
        place = ("attributes", *found.path)
        key = found.keyword == "additionalProperties"
        message = f"{'.'.join(map(str, place))} of {id} {found.detail}"
        reader.fault(path + place, "bad-attribute", message, key=key)
    addresses = {
        channel: _addresses(reader, (*path, channel), channel, written)
        for channel, written in entry.items()
        if channel not in _PLAIN
    }
    return Recipient(
        id=id,
        kind=kind,
        name=entry.get("name"),
        locale=reader.read(values.locale, entry.get("locale"), (*path, "locale")),
        time_zone=reader.read(values.time_zone, entry.get("time_zone"), (*path, "time_zone")),
        addresses=addresses,
        attributes=attributes,
    )


def _addresses(reader: Reader, path: Path, channel: str, written: JSON) -> list[JSON]:
    several = [((*path, index), each) for index, each in enumerate(written)] if isinstance(written, list) else None
    found: list[JSON] = []
    for place, address in several or [(path, written)]:
        try:
            checked = channels.load(channel).check_address(address)
        except ValueError as error:
            reader.fault(place, "bad-address", str(error))
        else:
            if checked not in found:
                found.append(checked)
    return found
