"""What a rule refers to: event types, the people, groups and systems of ``to``, and the events that it listens for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct

from arauto.catalogue import files
from arauto.catalogue.document import Path
from arauto.catalogue.project import Whole
from arauto.catalogue.recipients import Everybody
from arauto.catalogue.values import Reader
from arauto.model import (
    JSON,
    Awaited,
    Context,
    EventType,
    Expression,
    GroupTarget,
    PersonTarget,
    Reason,
    SystemTarget,
    Target,
)


class Surroundings(Struct, frozen=True):
    """All that a notification may refer to; None stands for things that are there but faulty."""

    whole: Whole
    event_types: Mapping[str, EventType | None]
    channels: Collection[str]
    everybody: Everybody


def event_types(reader: Reader, path: Path, written: str | list[str], around: Surroundings) -> tuple[str, ...]:
    """The event types that a name or a list of names, which stands at ``path``, speaks of."""
    names = written if isinstance(written, list) else [written]
    for index, name in enumerate(names):
        place = (*path, index) if isinstance(written, list) else path
        reader.reference(place, "event-type", name, around.event_types, otherwise=f"create events/{name}.yaml")
    return tuple(dict.fromkeys(names))


def awaited(
    reader: Reader, path: Path, entry: files.AwaitedEntry, around: Surroundings, *, on: str = "on"
) -> Awaited | None:
    """The events that ``entry``, which stands at ``path``, listens for; ``on`` is the key of their types there."""
    types = event_types(reader, (*path, on), entry.on, around)
    if isinstance(entry.match, str):
        here = there = reader.expression((*path, "match"))
    else:
        here = reader.expression((*path, "match", "here"))
        there = reader.expression((*path, "match", "there"))
    when = reader.condition((*path, "when")) if entry.when is not None else None
    return Awaited(types=types, here=here, there=there, when=when) if here and there else None


# -- to ------------------------------------------------------------------------------------------------------------


def target(reader: Reader, path: Path, entry: files.TargetEntry, everybody: Everybody) -> Target | None:
    """Whom ``entry``, which stands at ``path``, names."""
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
