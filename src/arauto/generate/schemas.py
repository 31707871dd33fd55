"""JSON Schemas as others see them: references followed, ``allOf`` laid together, limits in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from arauto.model import JSON

_NOTES = frozenset(
    {"$ref", "$comment", "$defs", "title", "description", "default", "examples", "deprecated", "readOnly"}
)
_LIMITS = (
    *("format", "minLength", "maxLength", "pattern", "minItems", "maxItems", "multipleOf"),
    *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"),
)
_DEEPEST = 32


def target(reference: str, root: JSON) -> JSON:
    """What a ``$ref`` inside of a schema leads to, by JSON pointer or anchor; True (anything) where that is unknown."""
    if not reference.startswith("#/"):
        anchor = reference.removeprefix("#")
        return root if not anchor else next((each for each in _all(root) if each.get("$anchor") == anchor), True)
    found = root
    for part in reference[2:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(name)] if isinstance(found, list) else found[name]
        except (KeyError, IndexError, ValueError, TypeError):
            return True
    return found


def _all(schema: JSON) -> Iterator[dict[str, JSON]]:
    if isinstance(schema, dict):
        yield schema
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _all(each)


def laid_together(schema: JSON, root: JSON, deep: int = 0) -> JSON:
    """A schema with its own ``$ref`` and ``allOf`` worked into it, one level deep; what is left out only says less."""
    if not isinstance(schema, dict) or deep > _DEEPEST or not ({"$ref", "allOf"} & schema.keys()):
        return schema
    parts = list(schema.get("allOf", ()))
    if "$ref" in schema:
        parts.insert(0, target(schema["$ref"], root))
    whole = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
    for part in parts:
        _add(whole, laid_together(part, root, deep + 1))
    return whole


def _add(whole: dict[str, Any], part: JSON) -> None:
    if not isinstance(part, dict):
        return
    for key, value in part.items():
        match key:
            case "properties":
                mine = whole.get(key, {})
                both = {name: {"allOf": [mine[name], each]} for name, each in value.items() if name in mine}
                whole[key] = mine | value | both
            case "required":
                whole[key] = list(dict.fromkeys((*whole.get(key, ()), *value)))
            case "additionalProperties" if key in whole and False not in (whole[key], value):
                whole[key] = True
            case "additionalProperties":
                whole[key] = value
            case _:
                whole.setdefault(key, value)


def is_reference(schema: JSON) -> bool:
    """It is a ``$ref`` with nothing beside it but notes for people."""
    return isinstance(schema, dict) and "$ref" in schema and schema.keys() <= _NOTES


def kinds(schema: Mapping[str, JSON]) -> tuple[str, ...]:
    """The JSON types that a schema names, or that it speaks of without naming one; none: any."""
    named = schema.get("type")
    if named is not None:
        return tuple(named) if isinstance(named, list) else (str(named),)
    if {"properties", "required", "additionalProperties", "patternProperties"} & schema.keys():
        return ("object",)
    return ("array",) if {"items", "prefixItems"} & schema.keys() else ()


def limits(schema: JSON) -> dict[str, JSON]:
    """What a schema asks of a plain value beyond its type, by keyword."""
    return {key: schema[key] for key in _LIMITS if key in schema} if isinstance(schema, dict) else {}
