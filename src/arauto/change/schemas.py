"""What the changes of schemas break: for each event type, and for the attributes of recipients.

The version that is live is checked again, with the new schemas in the place of its own: whatever the type-check then
finds in its rules and texts is what a change of schema breaks. And events of the old shape, of which the samples are
witnesses, are held against the new schema: that is what their producers will meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeAlias

import jsonschema_rs
import orjson
from msgspec import Struct

from arauto.catalogue import check_project, compile_files
from arauto.catalogue.diagnostics import Faults
from arauto.catalogue.document import Document
from arauto.catalogue.reader import read
from arauto.catalogue.schemas import Check, validator
from arauto.change.attribution import about
from arauto.change.meaning import as_json, same
from arauto.change.shapes import ShapeChange, shape_changes, written
from arauto.errors import CatalogueFaulty, Diagnostic
from arauto.model import JSON, Catalogue

ATTRIBUTES = "attributes"
"""The subject that is no event type."""

Verdict: TypeAlias = Literal["taken", "refused", "perhaps"]


class Witness(Struct, frozen=True):
    """A sample of the old version that the new schema refuses, and why; what is said names no data."""

    sample: str
    pointer: str
    detail: str


class Break(Struct, frozen=True):
    """What one change breaks in the version that is live."""

    change: ShapeChange | None
    """None: it goes by no property, such as when the event type is gone."""
    faults: tuple[Diagnostic, ...]
    """Each at its place in the live version's files."""

    @property
    def texts(self) -> int:
        """How many texts are concerned."""
        return len({each.file for each in self.faults if _is_text(each)})

    @property
    def rules(self) -> int:
        """How many expressions and names in YAML."""
        return len({(each.file, each.line) for each in self.faults if not _is_text(each)})


class SchemaImpact(Struct, frozen=True, kw_only=True):
    """What becomes of one event type, or of the attributes of recipients."""

    subject: str
    """The event type, or ATTRIBUTES."""
    sort: Literal["added", "removed", "changed"]
    file: str
    changes: tuple[ShapeChange, ...]
    verdict: Verdict
    """What becomes of data of the old shape; ``perhaps`` where only data can tell."""
    witnesses: tuple[Witness, ...] = ()
    breaks: tuple[Break, ...] = ()
    warns: tuple[Break, ...] = ()
    """What still runs in the live version, and cannot be meant any more: conditions that no event fulfils, texts that
    may grow too long."""
    left: tuple[Diagnostic, ...] = ()
    """Of what breaks, that which the new version has not mended; its own places."""

    @property
    def breaking(self) -> bool:
        """Somebody has to do something."""
        return self.verdict != "taken" or bool(self.breaks or self.warns)


def schema_impacts(
    old: Catalogue, new_files: Mapping[str, bytes], new_faults: Sequence[Diagnostic] = ()
) -> tuple[SchemaImpact, ...]:
    """One for each schema that is not what it was, by name. ``new_files`` are the new version's, which need not
    compile: then ``new_faults`` are its faults."""
    subjects = list(_subjects(old, new_files))
    found = {each.name: _changes(each) for each in subjects}
    broken = _broken(old, subjects, new_files)
    sound = [each for each in subjects if each.after is not None and not broken.get(each.name)]
    warned = _warned(old, [each for each in sound if any(_matters(change) for change in found[each.name])], new_files)
    warnings: dict[str, list[Diagnostic]] = {each.name: [] for each in sound}
    for fault in warned:
        whose = (each.name for each in sound if about(fault, found[each.name], old.files) is not None)
        warnings[next(whose, sound[0].name)].append(fault)
    return tuple(
        _impact(old, each, found[each.name], broken.get(each.name, ()), warnings.get(each.name, ()), new_faults)
        for each in subjects
    )


def impacts_as_json(impacts: Iterable[SchemaImpact]) -> JSON:
    """The same as plain values, for programs."""
    return [
        {
            "subject": each.subject,
            "sort": each.sort,
            "file": each.file,
            "changes": [_change_as_json(change) for change in each.changes],
            "events_of_the_old_shape": each.verdict,
            "witnesses": [
                {"sample": witness.sample, "pointer": witness.pointer, "detail": witness.detail}
                for witness in each.witnesses
            ],
            "breaks": [_break_as_json(broken) for broken in each.breaks],
            "warns": [_break_as_json(warned) for warned in each.warns],
            "left": [_fault_as_json(fault) for fault in each.left],
        }
        for each in impacts
    ]


def _change_as_json(change: ShapeChange) -> JSON:
    told: dict[str, JSON] = {"code": change.code, "about": change.about}
    told |= {"before": as_json(change.before), "after": as_json(change.after)}
    return told | {"keyword": change.keyword or None, "narrows": change.narrows, "widens": change.widens}


def _break_as_json(broken: Break) -> JSON:
    told: dict[str, JSON] = {"about": broken.change.about if broken.change else None}
    told |= {"texts": broken.texts, "rules": broken.rules}
    return told | {"faults": [_fault_as_json(fault) for fault in broken.faults]}


def _fault_as_json(fault: Diagnostic) -> JSON:
    told: dict[str, JSON] = {"file": fault.file, "line": fault.line, "column": fault.column}
    return told | {"code": fault.code, "message": as_json(fault.message), "hint": as_json(fault.hint)}


# -- what is not what it was ---------------------------------------------------------------------------------------


class _Subject(Struct, frozen=True):
    name: str
    file: str
    before: JSON
    """Its schema; None where there was none."""
    after: JSON
    samples: Mapping[str, JSON]


def _subjects(old: Catalogue, new_files: Mapping[str, bytes]) -> Iterator[_Subject]:
    names = {file.removeprefix("events/").removesuffix(".yaml") for file in new_files if file.startswith("events/")}
    for name in sorted(names | old.event_types.keys()):
        file = f"events/{name}.yaml"
        known = old.event_types.get(name)
        data = _data(new_files, file)
        if file in new_files and not isinstance(data.get("schema"), dict):
            continue  # a fault of the new version, which is told elsewhere
        before, after = known.schema if known else None, data.get("schema")
        if not same(before, after):
            yield _Subject(name, file, before, after, known.samples if known else {})
    (was_file, before), (file, after) = _attributes(old.files), _attributes(new_files)
    if not same(before, after):
        yield _Subject(ATTRIBUTES, file or was_file, before, after, {})


def _data(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    document = _document(files, name)
    return document.data if document is not None and isinstance(document.data, dict) else {}


def _document(files: Mapping[str, bytes], name: str) -> Document | None:
    return read(name, files[name], Faults()) if name in files else None


def _attributes(files: Mapping[str, bytes]) -> tuple[str, JSON]:
    """The file with the schema of recipients' attributes, and the schema."""
    for name in sorted(files):
        if name.startswith("recipients/"):
            found = _data(files, name).get("attributes")
            if found is not None:
                return name, found
    return "", None


# -- what becomes of it --------------------------------------------------------------------------------------------


def _changes(subject: _Subject) -> tuple[ShapeChange, ...]:
    """None of an event type that is new or gone: there is nothing to compare it with."""
    if subject.name != ATTRIBUTES and (subject.before is None or subject.after is None):
        return ()
    return shape_changes(_or_any(subject.before), _or_any(subject.after))


def _matters(change: ShapeChange) -> bool:
    return change.narrows is not False or change.widens is not False


def _impact(
    old: Catalogue,
    subject: _Subject,
    changes: tuple[ShapeChange, ...],
    faults: Sequence[Diagnostic],
    warnings: Sequence[Diagnostic],
    new_faults: Sequence[Diagnostic],
) -> SchemaImpact:
    gone, new = subject.after is None, subject.before is None
    events = subject.name != ATTRIBUTES
    witnesses = () if gone else tuple(_witnesses(subject))
    narrows = [change.narrows for change in changes]
    verdict: Verdict = "perhaps" if None in narrows else "taken"
    if (gone and events) or True in narrows or witnesses:
        verdict = "refused"
    same_again = {(fault.file, fault.code, fault.message) for fault in faults}
    return SchemaImpact(
        subject=subject.name,
        sort="removed" if gone else "added" if new else "changed",
        file=subject.file,
        changes=changes,
        verdict=verdict,
        witnesses=witnesses,
        breaks=tuple(_grouped(changes, faults, old.files)),
        warns=tuple(_grouped(changes, warnings, old.files)),
        left=tuple(each for each in new_faults if (each.file, each.code, each.message) in same_again),
    )


def _or_any(schema: JSON) -> JSON:
    return True if schema is None else schema


def _witnesses(subject: _Subject) -> Iterator[Witness]:
    try:
        check = Check(validator(subject.after))
    except (ValueError, jsonschema_rs.ValidationError):
        return  # a fault of the new version, which is told elsewhere
    for name, sample in subject.samples.items():
        for found in check(sample):
            yield Witness(name, found["pointer"], found["detail"])


# -- what it breaks ------------------------------------------------------------------------------------------------


def _broken(
    old: Catalogue, subjects: Sequence[_Subject], new_files: Mapping[str, bytes]
) -> dict[str, tuple[Diagnostic, ...]]:
    """By subject, the faults that the live version has under the new schema; those that it has under all of the new
    schemas alone are the first subject's."""
    concerned = [each for each in subjects if each.before is not None or each.name == ATTRIBUTES]
    whole = _faults(old.files, concerned, new_files)
    if not whole or len(concerned) == 1:
        return {each.name: whole for each in concerned}
    broken = {_folder(each.file) for each in whole}
    files = {name: raw for name, raw in old.files.items() if not _folder(name) or _folder(name) in broken}
    found = {each.name: _faults(files, [each], new_files) for each in concerned}
    alone = {fault for faults in found.values() for fault in faults}
    rest = tuple(fault for fault in whole if fault not in alone)
    first = concerned[0].name
    return found | {first: (*found[first], *rest)}


def _folder(file: str) -> str:
    """Of which notification a file is; nothing where it is of none."""
    return file.split("/")[1] if file.startswith("notifications/") else ""


def _faults(
    live: Mapping[str, bytes], subjects: Iterable[_Subject], new_files: Mapping[str, bytes]
) -> tuple[Diagnostic, ...]:
    try:
        compile_files(_overlaid(live, subjects, new_files))
    except CatalogueFaulty as faulty:
        return tuple(each for each in faulty.diagnostics if not each.file.startswith("events/"))
    return ()


def _overlaid(
    live: Mapping[str, bytes], subjects: Iterable[_Subject], new_files: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The live version's files with the new schemas of these."""
    files = dict(live)
    for each in subjects:
        if each.name == ATTRIBUTES:
            name, text = _with_attributes(live, _or_any(each.after))
            files[name] = text
        elif each.after is None:
            files.pop(each.file, None)
        else:
            files[each.file] = new_files[each.file]
    return files


def _warned(old: Catalogue, subjects: Sequence[_Subject], new_files: Mapping[str, bytes]) -> tuple[Diagnostic, ...]:
    """What the check warns of in the live version under these schemas, and not under its own."""
    if not subjects:
        return ()
    known = {(each.file, each.line, each.code, each.message) for each in _warnings(old.files)}
    found = _warnings(_overlaid(old.files, subjects, new_files))
    return tuple(each for each in found if (each.file, each.line, each.code, each.message) not in known)


def _warnings(files: Mapping[str, bytes]) -> Sequence[Diagnostic]:
    with TemporaryDirectory(prefix="arauto-") as folder:
        for name, raw in files.items():
            path = FilePath(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
        try:
            return check_project(FilePath(folder))[1]
        except CatalogueFaulty:
            return ()  # the new schemas have faults of their own, which are told elsewhere


def _with_attributes(files: Mapping[str, bytes], schema: JSON) -> tuple[str, bytes]:
    """A file of recipients with another schema of attributes, in which all else stays in its line."""
    name, _ = _attributes(files)
    written_ = b"attributes: " + (orjson.dumps(schema) if schema is not True else b"{}")
    document = _document(files, name)
    if document is None:
        return "recipients/attributes.yaml", written_ + b"\n"
    begin, _, end = document.span((ATTRIBUTES,))
    lines = "\n" * document.text.count("\n", begin, end)
    return name, f"{document.text[:begin]}{written_.decode()}{lines}{document.text[end:]}".encode()


def _grouped(
    changes: Sequence[ShapeChange], faults: Sequence[Diagnostic], files: Mapping[str, bytes]
) -> Iterator[Break]:
    """The faults by the change that they are about, in the order of the changes."""
    found: dict[int | None, list[Diagnostic]] = {}
    for fault in faults:
        found.setdefault(about(fault, changes, files), []).append(fault)
    for index in sorted(found, key=lambda index: -1 if index is None else index):
        yield Break(None if index is None else changes[index], tuple(found[index]))


def _is_text(fault: Diagnostic) -> bool:
    return not fault.file.endswith(".yaml")


__all__ = [
    "ATTRIBUTES",
    "Break",
    "SchemaImpact",
    "Witness",
    "impacts_as_json",
    "schema_impacts",
    "written",
]
