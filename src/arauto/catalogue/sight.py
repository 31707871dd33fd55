"""What expressions and texts of a project can see, as types: events by their JSON Schemas, recipients by what is
written of them and the schema of their attributes, the project, and the very message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_letters, digits
from typing import Any

from arauto.catalogue.rules import Surroundings
from arauto.language.types import (
    NULL,
    OPEN,
    Items,
    Known,
    Missing,
    Open,
    Record,
    Text,
    Type,
    inside,
    one_of,
    present,
    type_of,
    union,
)
from arauto.model import JSON, MOST_ATTRIBUTE, Recipient

_ATTRIBUTE: Type = (Text(filled=True, most=MOST_ATTRIBUTE),)
NAME: Type = (Open(most=40),)
"""Somebody's name, if there is one: nothing says how long it is, but hardly anybody's is longer."""
_ID: Type = (Text(filled=True, most=200),)
_TAG: Type = (Text(filled=True, most=35, letters=frozenset("-" + ascii_letters + digits)),)
_ZONE: Type = (Text(filled=True, most=64, letters=frozenset("/_+-" + ascii_letters + digits)),)
_LINK = 240
"""So long a link of the hub is taken to be at most, beside its address: its token grows with the recipient's id."""
_MOMENT: Type = (Text(format="date-time", filled=True),)
_OF_URLS = frozenset(ascii_letters + digits + "-._~:/?#[]@!$&'()*+,;=%")


class Sight:
    """What expressions and texts of a project can see."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self._event_types: dict[str, Type] = {}
        self._attributes: Type | None = None
        self._project: Type | None = None
        self._fixed: dict[frozenset[str], Type] = {}
        self.sends: dict[str, dict[str, Known]] = {}
        """By notification without faults and channel, what a text that it sends there sees."""
        self.corrects: dict[str, Known] = {}
        """By notification, what a correction sees."""

    def events(self, names: Iterable[str]) -> Type:
        """An event of one of these types."""
        return union(*(self._event(name) for name in names))

    def _event(self, name: str) -> Type:
        known = self._event_types.get(name)
        if known is None:
            found = self.around.event_types.get(name)
            told: dict[str, Type] = {
                "id": _ATTRIBUTE,
                "source": _ATTRIBUTE,
                "type": one_of([name]),
                "time": _MOMENT,
                "subject": union((Text(most=MOST_ATTRIBUTE),), NULL),
                "data": type_of(found.schema) if found else OPEN,
            }
            known = self._event_types[name] = (Record(told),)
        return known

    def at_event(self, event: Type) -> Known:
        """What is seen before a recipient is known."""
        return {"event": event, "events": (Items(event, least=1),), "project": self.project()}

    def project(self) -> Type:
        """The project, as it is written."""
        if self._project is None:
            project = self.around.whole.project
            if project is None:
                return OPEN
            brand = {name: _constant(getattr(project.brand, name)) for name in project.brand.__struct_fields__}
            self._project = (
                Record(
                    {
                        "name": _constant(project.name),
                        "public_url": _constant(project.public_url),
                        "time_zone": _ZONE,
                        "brand": (Record(brand),),
                        "holidays": (Items((Text(format="date", filled=True),)),),
                    }
                ),
            )
        return self._project

    def attributes(self) -> Type:
        """The attributes of some recipient."""
        if self._attributes is None:
            schema = self.around.everybody.attributes_schema
            self._attributes = OPEN if schema is None else type_of(schema)
        return self._attributes

    def someone(self, name: Type = NAME, attributes: Type | None = None) -> Type:
        """A recipient who is not written in the project."""
        return (_recipient(one_of(["person", "system"]), _ID, name, attributes or self.attributes()),)

    def fixed(self, ids: frozenset[str]) -> Type:
        """One of these recipients, who are written in the project."""
        known = self._fixed.get(ids)
        if known is None:
            shapes: dict[tuple[str, bool, frozenset[str]], list[Recipient]] = {}
            for each in map(self.around.everybody.recipients.get, sorted(ids)):
                if each is None:
                    return self.someone()
                shapes.setdefault((each.kind, each.name is None, frozenset(each.attributes)), []).append(each)
            known = self._fixed[ids] = tuple(
                _recipient(
                    one_of([kind]),
                    one_of(each.id for each in alike),
                    NULL if nameless else _called([each.name or "" for each in alike]),
                    _holding(self.attributes(), held),
                )
                for (kind, nameless, held), alike in shapes.items()
            )
        return known

    def message(self, recipient: Type, category: str) -> Type:
        """What texts see of the very message. A link that there never is, the analysis of settings tells."""
        whole = self.around.whole
        address = whole.project.public_url if whole.project else None
        most = len(address or "") + _LINK
        maybe: Type = (Open(most),)
        person = refusable = maybe
        if address is not None:
            systems = any(present(inside((each,), "kind")) == one_of(["system"]) for each in recipient)
            link = (Text(filled=True, most=most, letters=_OF_URLS),)
            person = union(link, NULL) if systems else link
            found = whole.categories.get(category)
            refusable = maybe if found and found.consent == "required" else person
        told = {"preferences_url": person, "unsubscribe_url": refusable, "acknowledge_url": person}
        return (Record({"id": _TAG, **told}),)


def _constant(value: JSON) -> Type:
    return NULL if value is None else _called([str(value)])


def _called(texts: Sequence[str]) -> Type:
    """One of these texts, which may be others tomorrow."""
    return (Text(filled=True, most=max(map(len, texts)), letters=frozenset().union(*texts)),)


def _recipient(kind: Type, id: Type, name: Type, attributes: Type) -> Record:
    told = {"id": id, "kind": kind, "name": name, "locale": _TAG, "time_zone": _ZONE, "attributes": attributes}
    return Record(told)


def _holding(attributes: Type, held: Iterable[str]) -> Type:
    """Attributes of which exactly these are there."""
    found: list[Any] = []
    for atom in attributes:
        if isinstance(atom, Record):
            for name in atom.names:
                atom = atom.where(name, present(atom.get(name)) if name in held else (Missing(),))
        found.append(atom)
    return tuple(found)
