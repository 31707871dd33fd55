"""``notifications/*/`` → Notifications: every name that they use exists, and every text that they need is there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from msgspec import Struct

from arauto import channels
from arauto.catalogue import files, values
from arauto.catalogue.diagnostics import START, Faults, did_you_mean, listed
from arauto.catalogue.document import Path
from arauto.catalogue.folder import NOTIFICATION, File, Folder
from arauto.catalogue.project import Whole
from arauto.catalogue.recipients import Everybody
from arauto.catalogue.shapes import fit
from arauto.catalogue.texts import compile_texts, missing, sort_files
from arauto.catalogue.values import NAME, Reader
from arauto.decide import steps
from arauto.errors import LanguageError
from arauto.language import compile_condition
from arauto.model import (
    JSON,
    Context,
    EventType,
    Expression,
    GroupTarget,
    Notification,
    PersonTarget,
    Reason,
    Recipient,
    Step,
    SystemTarget,
    Target,
)


class Surroundings(Struct, frozen=True):
    """All that a notification may refer to; None stands for things that are there but faulty."""

    whole: Whole
    event_types: Mapping[str, EventType | None]
    channels: Collection[str]
    everybody: Everybody


def compile_notifications(folder: Folder, around: Surroundings, faults: Faults) -> dict[str, Notification]:
    """The notifications without faults, by name."""
    found: dict[str, Notification] = {}
    for place, inside in folder.notifications.items():
        notification = _compile(folder, place, inside, around, faults)
        if notification is not None:
            found[notification.name] = notification
    return found


def _compile(
    folder: Folder, place: FilePath, inside: Mapping[str, File], around: Surroundings, faults: Faults
) -> Notification | None:
    where = f"{folder.name(place)}/{NOTIFICATION}"
    if not NAME.fullmatch(place.name):
        message = f"{place.name!r} cannot be the name of a notification"
        faults.add(where, START, "bad-name", message, "use small letters, digits, _ and -")
    locale = around.whole.locale or "en"
    if NOTIFICATION not in inside:
        faults.add(where, START, "missing-file", f"this folder has no {NOTIFICATION}", "write it, or remove the folder")
        sort_files(inside, None, locale, faults)
        return None
    document = folder.document(inside[NOTIFICATION])
    entry = fit(document, files.NotificationFile, faults) if document else None
    if document is None or entry is None:
        sort_files(inside, None, locale, faults)
        return None
    reader = Reader(document, faults)
    on = _event_types(reader, entry, around)
    if around.whole.category_names is not None:
        otherwise = f"add it to categories in {folder.project.name}" if folder.project else None
        reader.reference(("category",), "category", entry.category, around.whole.category_names, otherwise=otherwise)
    targets = [_target(reader, index, target, around.everybody) for index, target in enumerate(entry.to)]
    compiled = [_step(reader, index, step, around.channels) for index, step in enumerate(entry.steps)]
    used = _used(compiled)
    texts = sort_files(inside, used if all(compiled) else None, locale, faults)
    # A channel that is not configured is told once; its texts can wait.
    readers = _readers(entry, around)
    lacking = missing(texts, [name for name in used if name in around.channels], readers)
    for wanted, names in lacking.items():
        why = readers.get(wanted, "other texts of this notification are in it")
        _report_missing(reader, compiled, wanted, names, why, folder.name(place))
    composers = compile_texts(texts, used, str(place), folder, (locale, around.whole.brand), faults)
    return Notification(
        name=place.name,
        on=on,
        category=entry.category,
        to=tuple(target for target in targets if target),
        steps=tuple(step for step in compiled if step),
        when=reader.condition(("when",)) if entry.when is not None else None,
        expires=reader.read(values.lifetime, entry.expires, ("expires",)),
        composers=composers,
    )


def _event_types(reader: Reader, entry: files.NotificationFile, around: Surroundings) -> tuple[str, ...]:
    several = isinstance(entry.on, list)
    names = entry.on if isinstance(entry.on, list) else [entry.on]
    for index, name in enumerate(names):
        path: Path = ("on", index) if several else ("on",)
        reader.reference(path, "event-type", name, around.event_types, otherwise=f"create events/{name}.yaml")
    return tuple(dict.fromkeys(names))


# -- to ------------------------------------------------------------------------------------------------------------


def _target(reader: Reader, index: int, entry: files.TargetEntry, everybody: Everybody) -> Target | None:
    path: Path = ("to", index)
    when = reader.condition((*path, "when")) if entry.when is not None else None
    if entry.group is not None:
        if everybody.complete:
            reader.reference((*path, "group"), "group", entry.group, everybody.group_names)
        return GroupTarget(group=entry.group, when=when)
    if entry.system is not None:
        _check_system(reader, (*path, "system"), entry.system, everybody)
        return SystemTarget(system=entry.system, when=when)
    if entry.person is None:
        return None
    person = reader.expression((*path, "person"))
    upsert = _upsert(reader, (*path, "upsert"), entry.upsert) if entry.upsert is not None else None
    return PersonTarget(person=person, upsert=upsert, when=when) if person else None


def _check_system(reader: Reader, path: Path, name: str, everybody: Everybody) -> None:
    if name in everybody.people_ids - everybody.system_ids:
        hint = "put the person in a group, and write group:"
        reader.fault(path, "unknown-system", f"{name} is a person, not a system", hint)
    elif everybody.complete:
        reader.reference(path, "system", name, everybody.system_ids)


class Each(Struct, frozen=True):
    """A mapping of expressions, as one expression: its value is the mapping of their values."""

    parts: dict[str, Expression]

    @property
    def source(self) -> str:
        """The mapping as it could be written in YAML."""
        return "{" + ", ".join(f"{key}: {part.source}" for key, part in self.parts.items()) + "}"

    def evaluate(self, context: Context) -> JSON:
        """Each part's value. Raises LanguageError when one fails."""
        return {key: part.evaluate(context) for key, part in self.parts.items()}

    def first_failure(self, context: Context) -> Reason:
        """A mapping is no condition."""
        raise TypeError("a mapping of expressions is no condition")


def _upsert(reader: Reader, path: Path, entry: dict[str, Any]) -> dict[str, Expression]:
    compiled: dict[str, Expression] = {}
    for key, source in entry.items():
        if isinstance(source, dict):
            parts = {name: reader.expression((*path, key, name)) for name in source}
            compiled[key] = Each({name: part for name, part in parts.items() if part})
        elif (expression := reader.expression((*path, key))) is not None:
            compiled[key] = expression
    return compiled


# -- steps ---------------------------------------------------------------------------------------------------------


def _step(reader: Reader, index: int, entry: dict[str, Any], configured: Collection[str]) -> Step | None:
    if not entry:
        return None
    kind, value = next(iter(entry.items()))
    path: Path = ("steps", index, kind)

    def expression(source: str) -> Expression:
        try:
            return compile_condition(source)
        except LanguageError as error:
            reader.language_fault(reader.document.find(path, source), error)
            raise

    try:
        step = steps.load(kind)(value, expression)
    except LanguageError:
        return None
    except ValueError as error:
        reader.fault(path, "bad-step", f"{kind} cannot be written like this", str(error))
        return None
    known = [_check_channel(reader, reader.document.find(path, name), name, configured) for name in step.channels]
    return step if all(known) else None


def _check_channel(reader: Reader, path: Path, name: str, configured: Collection[str]) -> bool:
    if name not in channels.names():
        reader.fault(path, "unknown-channel", f"there is no channel {name}", did_you_mean(name, channels.names()))
        return False
    if name not in configured:
        hint = f"create channels/{name}.yaml"
        reader.fault(path, "channel-not-configured", f"the channel {name} is not configured", hint)
    return True


def _used(compiled: Iterable[Step | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(channel for step in compiled if step for channel in step.channels))


# -- texts ---------------------------------------------------------------------------------------------------------


def _readers(entry: files.NotificationFile, around: Surroundings) -> dict[str, str]:
    """The locales in which somebody surely reads this notification, and who."""
    readers: dict[str, str] = {}
    if around.whole.locale:
        readers[around.whole.locale] = "it is the project's locale"
    for target in entry.to:
        group = around.everybody.groups.get(target.group or "")
        for id in group.members if group else (target.system or "",):
            recipient: Recipient | None = around.everybody.recipients.get(id)
            if recipient and recipient.locale:
                via = f", of {group.name}," if group else ""
                readers.setdefault(recipient.locale, f"{id}{via} reads it")
    return readers


def _report_missing(
    reader: Reader, compiled: Sequence[Step | None], locale: str, names: Collection[str], why: str, place: str
) -> None:
    index = next(index for index, step in enumerate(compiled) if step and set(step.channels) & set(names))
    message = f"there is no text in {locale} for {listed(names, 'and')}: {why}"
    reader.fault(("steps", index), "missing-text", message, f"create {place}/content.{locale}.md")


__all__ = ["Surroundings", "compile_notifications"]
