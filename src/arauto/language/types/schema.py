"""JSON Schema (draft 2020-12) → types.

A type holds at least all values that the schema allows. What the schema says nothing about is open, and nothing is
found there; but an object that lists its properties, and neither allows nor forbids others, is read as its author
meant it: what it does not list is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import unquote

from arauto.language.types.lattice import (
    LOOSE,
    NULL,
    OPEN,
    TRUTH,
    UNLISTED,
    Items,
    Missing,
    Number,
    Record,
    Text,
    Type,
    both,
    lesser,
    one_of,
    union,
)
from arauto.model import JSON

_OF_OBJECTS = frozenset({"properties", "required", "additionalProperties", "patternProperties", "minProperties"})
_OF_LISTS = frozenset({"items", "prefixItems", "minItems", "contains"})
_LEAVES_OPEN = frozenset(
    "patternProperties if then else not dependentSchemas unevaluatedProperties $dynamicRef".split()  # noqa: SIM905
)
"""Keywords that may speak of properties in ways that are not followed here."""


def type_of(schema: JSON) -> Type:
    """The type of the values that a whole schema, which is valid, allows."""
    return _Reader(schema).read(schema)


class _Reader:
    """Reads the parts of one schema, each once; what is inside of a part is read when it is asked for."""

    def __init__(self, root: JSON) -> None:
        self._root = root
        self._read: dict[int, Type] = {}
        self._following: set[int] = set()

    def read(self, schema: JSON) -> Type:
        """The type of a part."""
        if schema is True:
            return OPEN
        if schema is False:
            return ()
        if not isinstance(schema, dict):
            return OPEN
        known = self._read.get(id(schema))
        if known is None:
            if id(schema) in self._following:
                return OPEN  # it is nothing but itself
            self._following.add(id(schema))
            known = self._read[id(schema)] = self._compose(schema)
            self._following.discard(id(schema))
        return known

    def _later(self, schema: JSON) -> Callable[[], Type]:
        return lambda: self.read(schema)

    def _compose(self, schema: dict[str, JSON]) -> Type:
        found = self._own(schema)
        if "$ref" in schema:
            found = both(found, self.read(self._target(schema["$ref"])))
        for each in schema.get("allOf", ()):
            found = both(found, self.read(each))
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                found = both(found, union(*(self.read(each) for each in schema[keyword])))
        return found

    def _target(self, reference: str) -> JSON:
        """What a reference inside the schema leads to; what is not followed is open."""
        pointer = unquote(reference.removeprefix("#"))
        if not reference.startswith("#") or (pointer and not pointer.startswith("/")):
            return self._anchored(pointer, self._root) if reference.startswith("#") else True
        node = self._root
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            try:
                node = node[int(key)] if isinstance(node, list) else node[key]
            except (KeyError, IndexError, ValueError, TypeError):
                return True
        return node

    def _anchored(self, name: str, node: JSON) -> JSON:
        inner: Iterable[JSON] = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        if isinstance(node, dict) and node.get("$anchor") == name:
            return node
        return next((found for each in inner if (found := self._anchored(name, each)) is not True), True)

    def _own(self, schema: dict[str, JSON]) -> Type:
        """What it says itself, beside what it refers to."""
        if "const" in schema:
            return one_of([schema["const"]])
        if "enum" in schema:
            values = one_of(schema["enum"])
            return both(values, self._typed(schema)) if "type" in schema else values
        return self._typed(schema)

    def _typed(self, schema: dict[str, JSON]) -> Type:
        said = schema.get("type")
        if said is None:
            if _OF_OBJECTS & schema.keys():
                said = "object"
            elif _OF_LISTS & schema.keys():
                said = "array"
            else:
                return OPEN
        names = [said] if isinstance(said, str) else said
        return union(*(self._named(name, schema) for name in names))

    def _named(self, name: str, schema: dict[str, JSON]) -> Type:
        match name:
            case "string":
                form, most = schema.get("format"), schema.get("maxLength")
                filled = schema.get("minLength", 0) > 0 or form is not None
                return (Text(None, form, schema.get("pattern"), filled, None if most is None else int(most)),)
            case "number" | "integer":
                low = lesser(schema.get("minimum"), schema.get("exclusiveMinimum"), -1)
                high = lesser(schema.get("maximum"), schema.get("exclusiveMaximum"))
                return (Number(whole=name == "integer", low=low, high=high),)
            case "boolean":
                return TRUTH
            case "null":
                return NULL
            case "array":
                return (self._list(schema),)
        return (self._object(schema),)

    def _list(self, schema: dict[str, JSON]) -> Items:
        first = schema.get("prefixItems", ())
        rest = schema.get("items", True)
        most = schema.get("maxItems", len(first) if rest is False else None)
        return Items(
            lambda: union(*map(self.read, (*first, rest))),
            least=int(schema.get("minItems", 0)),
            most=None if most is None else int(most),
        )

    def _object(self, schema: dict[str, JSON]) -> Record:
        listed = schema.get("properties", {})
        required = schema.get("required", ())
        others = schema.get("additionalProperties")
        rest: Type
        if others is False and "patternProperties" not in schema:
            rest = (Missing("closed"),)
        elif isinstance(others, dict):
            rest = union(self.read(others), (Missing("open"),)) if "patternProperties" not in schema else LOOSE
        elif others is None and listed and not _LEAVES_OPEN & schema.keys():
            rest = UNLISTED
        else:
            rest = LOOSE
        known: dict[str, Callable[[], Type]] = {}
        for name in (*listed, *required):
            if name not in known:
                known[name] = self._property(
                    listed.get(name, others if isinstance(others, dict) else True), name in required
                )
        return Record(known, rest)

    def _property(self, schema: JSON, required: bool) -> Callable[[], Type]:
        return self._later(schema) if required else lambda: union(self.read(schema), (Missing(),))
