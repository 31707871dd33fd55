"""erasure: which values tell of a person, and documents without them; pure.

Identifiers decide. A document concerns a person when it holds their id as a whole value, or one of their addresses
anywhere. Their name does not suffice, since others may have the same; it goes where the document concerns them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias
from urllib.parse import quote

import msgspec
from msgspec import Struct

from arauto.model import JSON

ERASED_ID = "erased_"
"""How the id begins that stands in place of an erased person's. Nobody else's may begin so."""

ERASED = "[erased]"
"""What stands in place of an erased text."""

_COPIES = frozenset({"seen", "value", "error"})
"""The values of reasons that are copied from events."""

_WORDS = 3
"""Characters in the shortest text that is looked for inside of other texts."""

_LONG = 9
"""Digits from which on a number is nobody's else, and no quantity."""

Place: TypeAlias = tuple[str, str]
"""The last two keys of the way to a value."""

_TOP: Place = ("", "data")


class Person(Struct, frozen=True):
    """By what a person is known."""

    id: str
    pseudonym: str
    """What stands in place of the id: ``erased_…``."""
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    """Each text of each address: of a push subscription, its endpoint and keys."""
    places: tuple[tuple[str, str], ...] = ()
    """Where ids of people stand in data: the last two keys. A short number is an id only there."""


def address_texts(address: JSON) -> Iterator[str]:
    """The texts of an address by which it can be known again."""
    return (text for text in _texts(address) if len(text) > _WORDS)


def place_of_id(expression: str) -> tuple[str, str] | None:
    """Where an expression such as ``event.data.customer.id`` looks; None where that cannot be told."""
    path = expression.split(".")
    if len(path) < 3 or path[:2] != ["event", "data"] or not all(part.isidentifier() for part in path):
        return None
    return path[-2], path[-1]


class Eraser:
    """Finds what tells of one person, and takes it out."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._small = person.id.isdecimal() and len(person.id) < _LONG
        self._places = frozenset(person.places)
        own = [_address(address) for address in person.addresses]
        inside = _id_inside(person.id)
        raw = [re.escape(_quoted(person.id)), *own, *([inside] if inside else [])]
        if person.id.isdecimal():
            raw.append(rf"(?<=[:,\[]){person.id}(?=[,\]}}])")
        self._raw = re.compile("|".join(raw), re.IGNORECASE)
        self._addresses = re.compile("|".join(own), re.IGNORECASE) if own else None
        self._inside = re.compile(inside) if inside else None
        self._known = self._words_of(())

    # -- finding -----------------------------------------------------------------------------------------------------

    def may_concern(self, document: str) -> bool:
        """Whether JSON text may tell of the person; quick, and true too often rather than too seldom."""
        return self._raw.search(document) is not None

    def concerns(self, value: JSON) -> bool:
        """Whether data, or a document of the hub's own, tells of the person."""
        return any(self._is_theirs(place, each) for place, each in _leaves(value, _TOP, keys=True))

    def _is_theirs(self, place: Place, value: JSON) -> bool:
        if self._is_id(place, value):
            return True
        if not isinstance(value, str):
            return False
        return bool(
            (self._addresses and self._addresses.search(value)) or (self._inside and self._inside.search(value))
        )

    def _is_id(self, place: Place, value: JSON) -> bool:
        if type(value) is int and self.person.id.isdecimal():
            value = str(value)
        if value != self.person.id:
            return False
        return not self._small or place in self._places or place[1] in ("recipient", "recipients")

    def holds_id(self, value: JSON, key: str = "data") -> bool:
        """Whether it is an object, found under this key, of which the person's id is a value: it is about them."""
        return isinstance(value, dict) and any(self._is_id((key, name), each) for name, each in value.items())

    def people_in(self, data: JSON) -> set[str]:
        """The ids that stand where the project looks for people."""
        return {
            str(each)
            for place, each in _leaves(data, _TOP)
            if place in self._places and isinstance(each, str | int) and not isinstance(each, bool)
        }

    def texts_about(self, data: JSON) -> tuple[str, ...]:
        """What the objects inside of an event's data say that hold their id."""
        return tuple(dict.fromkeys(text for found in self._objects(_TOP, data) for text in texts_of(found)))

    def _objects(self, place: Place, value: JSON) -> Iterator[JSON]:
        match value:
            case dict() if place != _TOP and self.holds_id(value, place[1]):
                yield value
            case dict():
                for key, each in value.items():
                    yield from self._objects((place[1], key), each)
            case list():
                for each in value:
                    yield from self._objects(place, each)

    def traces(self, texts: Iterable[str]) -> re.Pattern[str]:
        """Finds, in JSON text, what ``cleared`` with these texts may take out."""
        return re.compile(f"{self._raw.pattern}|{self._words_of(texts).pattern}", re.IGNORECASE)

    # -- taking out ----------------------------------------------------------------------------------------------------

    def cleared(self, value: JSON, more: Iterable[str] = ()) -> JSON:
        """A copy of a document that concerns them, without their id, addresses and names, and without ``more``."""
        return self._cleared(_TOP, value, self._words_of(more) if more else self._known)

    def cleared_data(self, data: JSON) -> JSON:
        """A copy of an event's data: of each object inside that holds their id, nothing is left; of the rest, what
        ``cleared`` leaves."""
        return self._cleared(_TOP, data, self._known, objects=True)

    def blanked(self, data: JSON) -> JSON:
        """A copy of an event's data of which only the shape is left, and what stands in place of their id."""
        return self._blanked(_TOP, data)

    def _cleared(self, place: Place, value: JSON, words: re.Pattern[str], *, objects: bool = False) -> JSON:
        match value:
            case dict() if objects and place != _TOP and self.holds_id(value, place[1]):
                return self._blanked(place, value)
            case dict():
                return {
                    self._key(key): self._cleared((place[1], key), each, words, objects=objects)
                    for key, each in value.items()
                }
            case list():
                return [self._cleared(place, each, words, objects=objects) for each in value]
            case _ if self._is_id(place, value):
                return self.person.pseudonym
            case str():
                return self._text(value, words)
        return value

    def _blanked(self, place: Place, value: JSON) -> JSON:
        match value:
            case dict():
                return {self._key(key): self._blanked((place[1], key), each) for key, each in value.items()}
            case list():
                return [self._blanked(place, each) for each in value]
        return self.person.pseudonym if self._is_id(place, value) else blank(value)

    def _key(self, key: str) -> str:
        """Keys are words of a schema or of the hub; only what can be nothing else is taken out of them."""
        if key == self.person.id and not self._small:
            return self.person.pseudonym
        key = self._inside.sub(self.person.pseudonym, key) if self._inside is not None else key
        return self._addresses.sub(ERASED, key) if self._addresses is not None else key

    def _text(self, text: str, words: re.Pattern[str]) -> str:
        if text == self.person.id and not self._small:
            return self.person.pseudonym
        if self._inside is not None:
            text = self._inside.sub(self.person.pseudonym, text)
        return words.sub(ERASED, text)

    def _words_of(self, more: Iterable[str]) -> re.Pattern[str]:
        found = [_address(address) for address in self.person.addresses]
        texts = [*self.person.names, *more]
        found += [_word(text) for text in texts if len(text) >= _WORDS and not text.isdecimal()]
        # The longest first, so that what is part of another leaves nothing of that one behind.
        found.sort(key=len, reverse=True)
        return re.compile("|".join(found) or r"(?!)", re.IGNORECASE)


def blank(value: JSON) -> JSON:
    """Of a document its shape: texts, numbers and booleans of the same kinds that say nothing, so that what reads it
    does not break."""
    match value:
        case dict():
            return {key: blank(each) for key, each in value.items()}
        case list():
            return [blank(each) for each in value]
        case str():
            return ERASED
        case bool():
            return False
        case int() | float():
            return 0
    return None


def blank_copies(value: JSON) -> JSON:
    """A document of reasons without what they copied from events."""
    match value:
        case dict():
            return {key: blank(each) if key in _COPIES else blank_copies(each) for key, each in value.items()}
        case list():
            return [blank_copies(each) for each in value]
    return value


def texts_of(data: JSON) -> tuple[str, ...]:
    """Each text in a document, once."""
    return tuple(dict.fromkeys(text for text in _texts(data) if len(text) >= _WORDS))


def _texts(value: JSON) -> Iterator[str]:
    return (each for _, each in _leaves(value, _TOP) if isinstance(each, str))


def _leaves(value: JSON, place: Place, *, keys: bool = False) -> Iterator[tuple[Place, JSON]]:
    match value:
        case dict():
            for name, each in value.items():
                if keys:
                    yield ("", ""), name
                yield from _leaves(each, (place[1], name), keys=keys)
        case list():
            for each in value:
                yield from _leaves(each, place, keys=keys)
        case _:
            yield place, value


def _id_inside(id: str) -> str | None:
    """How an id is found inside of other texts; None where it could be any word or number."""
    distinctive = len(id) >= 6 and not id.isalpha() and not (id.isdecimal() and len(id) < _LONG)
    return rf"(?<!\w){re.escape(id)}(?!\w)" if distinctive else None


def _word(text: str) -> str:
    """How a text is found inside of others."""
    return rf"(?<!\w){_written(text)}(?!\w)"


def _address(text: str) -> str:
    """How an address is found inside of other texts, but not inside of a longer address."""
    return rf"(?<![\w.+-]){_written(text)}(?![\w-]|\.\w)"


def _written(text: str) -> str:
    """A text as it is, and as it stands in HTML, in URLs and in JSON."""
    forms = {text, html.escape(text), quote(text), quote(text, safe=""), _quoted(text)[1:-1]}
    return f"(?:{'|'.join(map(re.escape, sorted(forms, key=len, reverse=True)))})"


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
