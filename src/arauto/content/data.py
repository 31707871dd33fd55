"""JSON texts: a JSON file whose strings hold values, so that data can never break its structure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

from arauto.content.compile import language_faults, part_fault
from arauto.content.holes import ANY_HOLE, Filler, Put, authored_url, clean, given_url, whole_url
from arauto.errors import Diagnostic, LanguageError, TextFaulty
from arauto.language import FIRST_HOLE, SEPARATOR, Part, compile_text, outline, place
from arauto.language.types import Cost, Drawn, Longest, Rendering
from arauto.model import JSON, Context

Place: TypeAlias = Put | Literal["url", "data"]
"""What a string is: a text (how its values are escaped), a URL, or data, which stay exactly as they are."""
PlaceOf: TypeAlias = Callable[[Mapping[str, Any], str], Place]
"""What a string at this key of this object is (for one in a list: where the list stands)."""
Fill: TypeAlias = Callable[[list[JSON]], Any]

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_CODE = re.compile(r"\{[{%#]")
_DEAD: Any = object()
"""What a URL gives that turns out to be none: its key is left out."""


class _Written(NamedTuple):
    """A string of the file, and the offset of its first character."""

    text: str
    at: int


class _Leaf(NamedTuple):
    """A string with values in it: which part of the text it is, and what it is."""

    number: int
    place: Place


class JsonText:
    """A JSON file, compiled: a string that is one value and nothing else keeps that value's type."""

    def __init__(self, file: str, text: str, locale: str, place_of: PlaceOf) -> None:
        """Raises TextFaulty with every fault and its place."""
        reader = _Reader(file, text)
        tree = reader.read()
        self.file, self._locale, self._keys = file, locale, reader.keys
        self._parts: list[Part] = []
        self._leaves: list[_Leaf] = []
        self._places: dict[int, tuple[int, int]] = {}
        """Where each object of ``shape`` begins, by its id."""
        self.shape: JSON = self._plant(reader, tree, {}, "", place_of)
        """The file's own structure; strings with values in them are not strings here."""
        reader.faults += language_faults(file, self._parts, locale)
        if not reader.faults:
            reader.faults += self._bad_links(file)
        if reader.faults:
            raise TextFaulty(*sorted(reader.faults))
        self._text = compile_text(self._parts, locale) if self._parts else None
        self._fills = lru_cache(maxsize=256)(self._lay_out)

    def render(self, context: Context) -> JSON:
        """The JSON value for this context. Raises LanguageError, with the place in the file."""
        if self._text is None:
            return self.shape
        skeleton, given = self._text.render(context)
        filled: list[Any] = []
        for part, fill in zip(self._parts, self._fills(skeleton), strict=True):
            try:
                filled.append(fill(given))
            except LanguageError as error:
                raise part.error(0, error.message, error.hint) from None
        return _assemble(self.shape, filled)

    def drawn(self, longest: Longest) -> Drawn:
        """The text, drawn."""
        return longest.of(self._parts, self._locale)

    def longest(self, drawn: Drawn, cost: Cost) -> tuple[JSON, Rendering]:
        """The JSON value of the longest rendering."""
        rendering = drawn.longest(cost)
        given: list[JSON] = list(rendering.values)
        return _assemble(self.shape, [fill(given) for fill in self._lay_out(rendering.skeleton)]), rendering

    def fault(self, key: str | None, code: str, message: str, hint: str | None = None) -> Diagnostic:
        """The fault about a key of the file's object, or about the whole file."""
        return Diagnostic(self.file, *self._keys.get(key or "", (1, 1)), code, message, hint)

    def fault_in(self, node: JSON, code: str, message: str, hint: str | None = None) -> Diagnostic:
        """The fault about an object in ``shape``, where it begins."""
        return Diagnostic(self.file, *self._places[id(node)], code, message, hint)

    def _plant(self, reader: _Reader, node: Any, parent: Mapping[str, Any], key: str, place_of: PlaceOf) -> Any:
        """The tree with a leaf for each string that holds values."""
        if isinstance(node, dict):
            planted = {name: self._plant(reader, inner, node, name, place_of) for name, inner in node.items()}
            self._places[id(planted)] = place(reader.text, reader.objects[id(node)])
            return planted
        if isinstance(node, list):
            return [self._plant(reader, inner, parent, key, place_of) for inner in node]
        if not isinstance(node, _Written):
            return node
        part = reader.part(node)
        what = place_of({name: _plainly(value) for name, value in parent.items()}, key)
        if _CODE.search(node.text) is None:
            if what == "url" and authored_url(node.text) is None:
                reader.add(node.at, "bad-link", *_BAD_LINK)
            return node.text
        self._parts.append(part)
        self._leaves.append(_Leaf(len(self._leaves), what))
        return self._leaves[-1]

    def _bad_links(self, file: str) -> list[Diagnostic]:
        return [
            part_fault(file, part, 0, "bad-link", *_BAD_LINK)
            for part, leaf in zip(self._parts, self._leaves, strict=True)
            if leaf.place == "url" and authored_url(outline(part).skeleton.strip()) is None
        ]

    def _lay_out(self, skeleton: str) -> tuple[Fill, ...]:
        pieces = skeleton.split(SEPARATOR)
        return tuple(
            _whole(ord(piece) - FIRST_HOLE, leaf.place)
            if len(piece) == 1 and ANY_HOLE.match(piece)
            else _mixed(piece, leaf.place)
            for leaf, piece in zip(self._leaves, pieces, strict=True)
        )


_BAD_LINK = (
    "this is not a link that works everywhere",
    "begin it with https://, mailto: or tel:, or let one value be all of it",
)


def _plainly(node: Any) -> Any:
    return node.text if isinstance(node, _Written) else node


def _whole(number: int, what: Place) -> Fill:
    def fill(given: list[JSON]) -> Any:
        value = given[number]
        if what == "data" or (what != "url" and not isinstance(value, str)):
            return value
        if what == "url":
            return (given_url(clean(value)) if isinstance(value, str) else None) or _DEAD
        assert callable(what)
        return what(clean(value))

    return fill


def _mixed(piece: str, what: Place) -> Fill:
    written = authored_url(piece.strip()) if what == "url" else piece
    if written is None:
        return lambda given: _DEAD
    filler = Filler(written, what) if callable(what) else Filler(written)
    numbers = filler.numbers
    first = whole_url(written) if what == "url" else None

    def fill(given: list[JSON]) -> Any:
        values = {number: clean(given[number]) for number in numbers}
        if first is not None and given_url(values[first]) is None:
            return _DEAD
        return filler.fill(values)

    return fill


def _assemble(node: Any, filled: list[Any]) -> Any:
    if isinstance(node, _Leaf):
        return filled[node.number]
    if isinstance(node, dict):
        pairs = [(key, _assemble(inner, filled)) for key, inner in node.items()]
        return {key: value for key, value in pairs if value is not _DEAD}
    if isinstance(node, list):
        return [value for value in [_assemble(inner, filled) for inner in node] if value is not _DEAD]
    return node


def json_parts(file: str, text: str) -> list[Part]:
    """The strings of a JSON text that hold values. Raises TextFaulty where it is no JSON."""
    reader = _Reader(file, text)
    return [reader.part(written) for written in _written(reader.read()) if _CODE.search(written.text)]


def _written(node: Any) -> Iterator[_Written]:
    if isinstance(node, _Written):
        yield node
    elif isinstance(node, dict | list):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from _written(inner)


class _Reader:
    """Reads JSON and keeps the places of its strings."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text.removeprefix("\ufeff")
        self.keys: dict[str, tuple[int, int]] = {}
        """The places of the keys of the outermost object."""
        self.objects: dict[int, int] = {}
        """The offset of each object, by its id."""
        self._depth = 0
        self.faults: list[Diagnostic] = []

    def read(self) -> Any:
        """The value of the file, its strings as _Written. Raises TextFaulty where it is no JSON."""
        try:
            json.loads(self.text, parse_constant=_refuse)
        except json.JSONDecodeError as error:
            hint = None
            if self.text.startswith("{{", error.pos) or self.text.startswith("{{", error.pos - 1):
                hint = 'put the value in quotes: "{{ … }}" alone in a string keeps its type'
            message = f"this is no JSON: {error.msg}"
            raise TextFaulty(Diagnostic(self.file, error.lineno, error.colno, "bad-json", message, hint)) from None
        except (ValueError, RecursionError) as error:
            raise TextFaulty(Diagnostic(self.file, 1, 1, "bad-json", f"this is no JSON: {error}")) from None
        return self._value(self._skip(0))[0]

    def part(self, written: _Written) -> Part:
        """A string as a part of a text."""
        return Part(written.text, *place(self.text, written.at))

    def add(self, at: int, code: str, message: str, hint: str | None = None) -> None:
        """Note a fault at this offset."""
        self.faults.append(Diagnostic(self.file, *place(self.text, at), code, message, hint))

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

    def _value(self, at: int) -> tuple[Any, int]:
        opening = self.text[at]
        if opening == "{":
            return self._object(at + 1)
        if opening == "[":
            return self._list(at + 1)
        value, end = _DECODER.raw_decode(self.text, at)
        return (_Written(value, at + 1) if opening == '"' else value), end

    def _object(self, at: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        self.objects[id(found)] = at - 1
        self._depth += 1
        at = self._skip(at)
        while self.text[at] != "}":
            at = self._skip(at + 1) if self.text[at] == "," else at
            key, end = _DECODER.raw_decode(self.text, at)
            if key in found:
                self.add(at + 1, "duplicate-key", f"{key} is here twice", "keep one of them")
            if _CODE.search(key):
                self.add(at + 1, "bad-expression", "a key holds no values", "write the key out")
            if self._depth == 1:
                self.keys[key] = place(self.text, at + 1)
            found[key], at = self._value(self._skip(self._skip(end) + 1))
            at = self._skip(at)
        self._depth -= 1
        return found, at + 1

    def _list(self, at: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        at = self._skip(at)
        while self.text[at] != "]":
            at = self._skip(at + 1) if self.text[at] == "," else at
            value, at = self._value(at)
            found.append(value)
            at = self._skip(at)
        return found, at + 1


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")
