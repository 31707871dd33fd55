"""domains: what JSON Schemas say for certain about what conditions look at.

Of a schema only what holds whatever else it says is read: its own keywords, those of ``$ref`` and of ``allOf``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from arauto.catalogue.analysis.formulas import Atom, Domain, Domains
from arauto.model import JSON

_DEEPEST = 8
"""References that lead to references."""
_NOTHING = Domain()


def domains_of(event_type: str | None, data: JSON, attributes: JSON) -> Domains:
    """What is known where an event of this type (None: there is none) with data of this schema is looked at, and
    recipients with attributes of that schema."""
    known: dict[tuple[object, ...], Domain] = {}

    def domain(atom: Atom) -> Domain:
        if atom.path is None:
            return _NOTHING
        key = (*atom.path, atom.length)
        if key not in known:
            known[key] = _look(atom, event_type, data, attributes)
        return known[key]

    return domain


def _look(atom: Atom, event_type: str | None, data: JSON, attributes: JSON) -> Domain:
    match atom.path:
        case ("event", "type") if event_type is not None and not atom.length:
            return Domain(values=(event_type,), there=True)
        case ("recipient", "kind") if not atom.length:
            return Domain(values=("person", "system"), there=True)
        case ("event", "data", *rest) if isinstance(data, dict):
            return _follow(data, rest, atom.length)
        case ("recipient", "attributes", *rest) if isinstance(attributes, dict) and rest:
            return _follow(attributes, rest, atom.length)
    return _NOTHING


def _follow(root: Mapping[str, JSON], rest: Sequence[str | int], length: bool) -> Domain:
    nodes, there = _nodes(root, root), True
    for part in rest:
        there = there and _is(nodes, "object") and any(part in node.get("required", ()) for node in nodes)
        inner = [found for node in nodes for found in _children(node, part)]
        nodes = [each for found in inner for each in _nodes(root, found)]
        if not nodes:
            return Domain(there=there)
    return _length(nodes, there) if length else _domain(nodes, there)


def _children(node: Mapping[str, JSON], part: str | int) -> Iterable[JSON]:
    if isinstance(part, int):
        if "prefixItems" not in node and "items" in node:
            yield node["items"]
    elif part in node.get("properties", {}):
        yield node["properties"][part]


def _nodes(root: Mapping[str, JSON], schema: JSON, depth: int = 0) -> list[Mapping[str, JSON]]:
    """A schema and those that hold wherever it does."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return []
    found: list[Mapping[str, JSON]] = [schema]
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target: JSON = root
        for part in reference[2:].split("/"):
            target = target.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
        found.extend(_nodes(root, target, depth + 1))
    for each in schema.get("allOf", ()):
        found.extend(_nodes(root, each, depth + 1))
    return found


def _types(nodes: Iterable[Mapping[str, JSON]]) -> set[str] | None:
    """The types that a value may have; None: any."""
    allowed: set[str] | None = None
    for node in nodes:
        if "type" in node:
            said = node["type"]
            types = {said} if isinstance(said, str) else set(said)
            allowed = types if allowed is None else allowed & types
    return allowed


def _is(nodes: Iterable[Mapping[str, JSON]], *names: str) -> bool:
    types = _types(nodes)
    return bool(types) and (types or set()) <= set(names)


def _domain(nodes: list[Mapping[str, JSON]], there: bool) -> Domain:
    values: tuple[JSON, ...] | None = None
    for node in nodes:
        for listed in ([node["const"]] if "const" in node else None, node.get("enum")):
            if listed is not None:
                values = tuple(value for value in (listed if values is None else values) if value in listed)
    types = _types(nodes)
    if values is None and types == {"boolean"}:
        values = (True, False)
    if values is not None and any(isinstance(value, dict | list) for value in values):
        values = None
    numeric = _is(nodes, "number", "integer")
    low, low_open = _limit(nodes, "minimum", "exclusiveMinimum", 1) if numeric else (None, False)
    high, high_open = _limit(nodes, "maximum", "exclusiveMaximum", -1) if numeric else (None, False)
    return Domain(
        values=values or None,
        numeric=numeric,
        integer=_is(nodes, "integer"),
        boolean=_is(nodes, "boolean"),
        low=low,
        low_open=low_open,
        high=high,
        high_open=high_open,
        there=there,
        not_null=types is not None and "null" not in types,
    )


def _limit(nodes: Iterable[Mapping[str, JSON]], closed: str, open_: str, sign: int) -> tuple[float | None, bool]:
    """The narrowest limit; of two that are the same, the one that leaves itself out."""
    limits = [
        (sign * node[keyword], keyword == open_, node[keyword])
        for node in nodes
        for keyword in (closed, open_)
        if isinstance(node.get(keyword), int | float)
    ]
    if not limits:
        return None, False
    _, left_out, limit = max(limits)
    return limit, left_out


def _length(nodes: list[Mapping[str, JSON]], there: bool) -> Domain:
    """What is missing has the length 0."""
    for type_, least, most in (("array", "minItems", "maxItems"), ("string", "minLength", "maxLength")):
        if _is(nodes, type_):
            low = max((node.get(least, 0) for node in nodes), default=0) if there else 0
            highs = [node[most] for node in nodes if most in node]
            return Domain(numeric=True, integer=True, low=low, high=min(highs, default=None))
    return Domain(numeric=True, integer=True, low=0)


__all__ = ["domains_of"]
