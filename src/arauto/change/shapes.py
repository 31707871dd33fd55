"""What differs in the shape of data between two JSON Schemas, property by property, and whom it may hurt.

A change narrows where data that were valid may not be any more: their producers are concerned. It widens where data
may come that did not come before: whoever reads them is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from arauto.change.meaning import same
from arauto.generate.schemas import is_reference, kinds, laid_together, limits, target
from arauto.model import JSON

ITEMS = "[]"
"""The part of a path that stands for every item of a list."""
OTHERS = "*"
"""The part of a path that stands for every property that is not listed."""

_NOTES = frozenset(
    ("$comment", "$schema", "$id", "$anchor", "title", "description", "default", "examples", "deprecated")
) | {"readOnly", "writeOnly"}
_FOLLOWED = frozenset(
    ("$ref", "$defs", "allOf", "type", "enum", "const", "properties", "required", "additionalProperties", "items")
)
_LEAST = ("minLength", "minItems", "minimum", "exclusiveMinimum")
_MOST = ("maxLength", "maxItems", "maximum", "exclusiveMaximum")
_DEEPEST = 16


class ShapeChange(Struct, frozen=True, kw_only=True):
    """One thing that is otherwise in a shape."""

    code: str
    """``removed``, ``added``, ``added_required``, ``required``, ``optional``, ``kind``, ``nullable``, ``not_null``,
    ``values``, ``limit``, ``closed``, ``opened``, ``described``, ``other``."""
    path: tuple[str, ...] = ()
    """The property; none: the data themselves."""
    before: Any = None
    """Kinds, values, or what a limit was."""
    after: Any = None
    keyword: str = ""
    """Of a limit, or of what is otherwise in a way that has no words."""
    narrows: bool | None = False
    """None: nobody can say without looking at data."""
    widens: bool | None = False

    @property
    def about(self) -> str:
        """The property, as it is written: ``order.items[].sku``."""
        return written(self.path)


def written(path: Sequence[str]) -> str:
    """A path as one writes it."""
    return "".join(part if part == ITEMS else f".{part}" for part in path).removeprefix(".")


def shape_changes(old: JSON, new: JSON) -> tuple[ShapeChange, ...]:
    """Every change between two schemas; what is written otherwise and allows the same is none, as far as that can be
    seen."""
    found = tuple(_Walk(old, new).part(old, new, (), 0))
    if found or same(_bare(old), _bare(new)):
        return found
    return (ShapeChange(code="other", narrows=None, widens=None),)


def _bare(schema: JSON) -> JSON:
    """Without notes for people."""
    if isinstance(schema, list):
        return [_bare(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _bare(value) for key, value in schema.items() if key not in _NOTES or not isinstance(value, str)}


class _Walk:
    """Goes through both schemas at once, references followed."""

    def __init__(self, old: JSON, new: JSON) -> None:
        self.old, self.new = old, new
        self.above: list[tuple[JSON, JSON]] = []
        """Where the walk is, so that what refers to itself has an end."""

    def part(self, old: JSON, new: JSON, path: tuple[str, ...], deep: int) -> Iterator[ShapeChange]:
        """What differs at a path and below it."""
        old, new = _followed(old, self.old), _followed(new, self.new)
        if deep > _DEEPEST or any(one is old and other is new for one, other in self.above if isinstance(one, dict)):
            return
        self.above.append((old, new))
        yield from self._here(old, new, path, deep)
        self.above.pop()

    def _here(self, old: JSON, new: JSON, path: tuple[str, ...], deep: int) -> Iterator[ShapeChange]:
        one, other = _whole(old, self.old), _whole(new, self.new)
        yield from _kinds(one, other, path)
        yield from _values(one, other, path)
        yield from _limits(one, other, path)
        yield from self._properties(one, other, path, deep)
        if "items" in one or "items" in other:
            yield from self.part(one.get("items", True), other.get("items", True), (*path, ITEMS), deep + 1)
        followed = {*_FOLLOWED, *_NOTES, *limits(one), *limits(other)}
        for key in sorted((one.keys() | other.keys()) - followed):
            if not same(_bare(one.get(key)), _bare(other.get(key))):
                yield ShapeChange(code="other", path=path, keyword=key, narrows=None, widens=None)
        if one.get("description") != other.get("description"):
            before, after = one.get("description"), other.get("description")
            yield ShapeChange(code="described", path=path, before=before, after=after)

    def _properties(
        self, one: dict[str, JSON], other: dict[str, JSON], path: tuple[str, ...], deep: int
    ) -> Iterator[ShapeChange]:
        listed = one.get("properties", {}), other.get("properties", {})
        needed = one.get("required", ()), other.get("required", ())
        rest = one.get("additionalProperties", True), other.get("additionalProperties", True)
        for name in dict.fromkeys((*listed[0], *needed[0], *listed[1], *needed[1])):
            here = (*path, name)
            was, is_ = (name in each or name in must for each, must in zip(listed, needed, strict=True))
            if not is_:
                yield ShapeChange(code="removed", path=here, narrows=rest[1] is False or isinstance(rest[1], dict))
            elif not was:
                code = "added_required" if name in needed[1] else "added"
                yield ShapeChange(code=code, path=here, narrows=code != "added", widens=rest[0] is False)
            else:
                if (name in needed[0]) != (name in needed[1]):
                    must = name in needed[1]
                    code = "required" if must else "optional"
                    yield ShapeChange(code=code, path=here, narrows=must, widens=not must)
                yield from self.part(listed[0].get(name, True), listed[1].get(name, True), here, deep + 1)
        if (rest[0] is False) != (rest[1] is False):
            closed = rest[1] is False
            yield ShapeChange(code="closed" if closed else "opened", path=path, narrows=closed, widens=not closed)
        elif rest[0] is not False:
            yield from self.part(*rest, (*path, OTHERS), deep + 1)


def _followed(schema: JSON, root: JSON) -> JSON:
    """What a reference leads to that stands alone, so that it is known again."""
    for _ in range(_DEEPEST):
        if not is_reference(schema):
            break
        schema = target(schema["$ref"], root)
    return schema


def _whole(schema: JSON, root: JSON) -> dict[str, JSON]:
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    found = laid_together(schema, root)
    return found if isinstance(found, dict) else {}


def _kinds(one: dict[str, JSON], other: dict[str, JSON], path: tuple[str, ...]) -> Iterator[ShapeChange]:
    before, after = kinds(one), kinds(other)
    if bool(before) and bool(after) and ("null" in before) != ("null" in after) and len({*before, *after}) > 1:
        nullable = "null" in after
        code = "nullable" if nullable else "not_null"
        yield ShapeChange(code=code, path=path, narrows=not nullable, widens=nullable)
        before, after = (tuple(each for each in some if each != "null") for some in (before, after))
    if {*before} != {*after}:
        narrows, widens = not _covers(after, before), not _covers(before, after)
        yield ShapeChange(
            code="kind", path=path, before=list(before), after=list(after), narrows=narrows, widens=widens
        )


def _covers(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    """Every kind of the second is one of the first; none named means any."""
    if not wide:
        return True
    return bool(narrow) and all(each in wide or (each == "integer" and "number" in wide) for each in narrow)


def _values(one: dict[str, JSON], other: dict[str, JSON], path: tuple[str, ...]) -> Iterator[ShapeChange]:
    before, after = _allowed(one), _allowed(other)
    if before is None and after is None:
        return
    fewer = before is None or any(each not in (after or ()) for each in before) if after is not None else False
    more = after is None or any(each not in (before or ()) for each in after) if before is not None else False
    if fewer or more:
        yield ShapeChange(code="values", path=path, before=before, after=after, narrows=fewer, widens=more)


def _allowed(schema: dict[str, JSON]) -> list[JSON] | None:
    """The only values that it allows."""
    if "const" in schema:
        return [schema["const"]]
    found = schema.get("enum")
    return found if isinstance(found, list) else None


def _limits(one: dict[str, JSON], other: dict[str, JSON], path: tuple[str, ...]) -> Iterator[ShapeChange]:
    before, after = limits(one), limits(other)
    for key in dict.fromkeys((*before, *after)):
        was, is_ = before.get(key), after.get(key)
        if same(was, is_):
            continue
        narrows: bool | None
        widens: bool | None
        if was is None or is_ is None:
            narrows, widens = is_ is not None, is_ is None
        elif key in _LEAST or key in _MOST:
            narrows = (is_ > was) == (key in _LEAST)
            widens = not narrows
        else:
            narrows = widens = None
        yield ShapeChange(code="limit", path=path, before=was, after=is_, keyword=key, narrows=narrows, widens=widens)


__all__ = ["ITEMS", "OTHERS", "ShapeChange", "shape_changes", "written"]
