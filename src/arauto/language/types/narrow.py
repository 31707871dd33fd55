"""What is known where a condition has held, or has not: names and their types, and what conditions say of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from jinja2 import nodes

from arauto.language.types.lattice import (
    Change,
    Part,
    Type,
    absent,
    different,
    equal,
    falsy,
    filled,
    not_of_kinds,
    of_kinds,
    present,
    refine,
    truthy,
    union,
)
from arauto.model import JSON

Known: TypeAlias = Mapping[str, Type]
"""The names in sight."""

_WIDEST = 24
"""Alternatives of a name; beyond, what is known of it is forgotten again."""

_TESTED: dict[str, tuple[str, ...]] = {
    "none": ("null",),
    "string": ("text",),
    "number": ("number",),
    "integer": ("number",),
    "float": ("number",),
    "boolean": ("truth",),
    "mapping": ("object",),
}
_HALF = frozenset({"integer", "float"})
"""Tests that say nothing where they are false."""
_MIRRORED = {"gt": "lt", "lt": "gt", "gteq": "lteq", "lteq": "gteq", "eq": "eq", "ne": "ne"}


def path_of(node: nodes.Node) -> tuple[str, tuple[Part, ...]] | None:
    """The name and the way from there that an expression writes out; None where it is anything else."""
    parts: list[Part] = []
    while True:
        match node:
            case nodes.Name():
                return node.name, tuple(reversed(parts))
            case nodes.Getattr():
                parts.append(node.attr)
            case nodes.Getitem(arg=nodes.Const(value=str() | int() as part)):
                parts.append(part)
            case _:
                return None
        node = node.node


def assume(node: nodes.Node, holds: bool, known: Known) -> Known:
    """What is known once this condition was asked, and held or did not."""
    match node:
        case nodes.Not():
            return assume(node.node, not holds, known)
        case nodes.And():
            if holds:
                return assume(node.right, True, assume(node.left, True, known))
            there = assume(node.left, True, known)
            return either(assume(node.left, False, known), assume(node.right, False, there), known)
        case nodes.Or():
            if not holds:
                return assume(node.right, False, assume(node.left, False, known))
            there = assume(node.left, False, known)
            return either(assume(node.left, True, known), assume(node.right, True, there), known)
        case nodes.Test():
            return _tested(node, holds, known)
        case nodes.Compare(ops=[operand]):
            return _compared(node.expr, operand.op, operand.expr, holds, known)
        case nodes.Filter(name="length" | "count") if node.node is not None and holds:
            return narrowed(node.node, filled, known)
        case nodes.Filter(name="default" | "d") if node.node is not None:
            return narrowed(node.node, truthy, known) if holds and _otherwise(node) in _NOTHING else known
        case nodes.Const(value=bool() as value) if value is not holds:
            return dict.fromkeys(known, ())
    return narrowed(node, truthy if holds else falsy, known)


_NOTHING: tuple[JSON, ...] = (None, False, "", 0)


def _otherwise(node: nodes.Filter) -> JSON:
    """What ``default`` gives where there is nothing; an object of no use where it is no constant."""
    match node.args:
        case []:
            return "" if not node.kwargs else ...
        case [nodes.Const(value=value), *_]:
            return value
    return ...


def narrowed(node: nodes.Node, change: Change, known: Known) -> Known:
    """What is known once what an expression leads to was found to be as ``change`` says."""
    found = path_of(node)
    if found is None or found[0] not in known:
        return known
    name, path = found
    return {**known, name: refine(known[name], path, change)}


def either(one: Known, other: Known, before: Known) -> Known:
    """What is known when one of two holds; ``before`` is what was known at any rate."""
    joined: dict[str, Type] = {}
    for name, type_ in before.items():
        both_ways = type_ if one[name] is type_ and other[name] is type_ else union(one[name], other[name])
        joined[name] = both_ways if len(both_ways) <= _WIDEST else type_
    return joined


def _tested(node: nodes.Test, holds: bool, known: Known) -> Known:
    match node.name, node.args:
        case "defined", _:
            return narrowed(node.node, present if holds else absent, known)
        case "undefined", _:
            return narrowed(node.node, absent if holds else present, known)
        case "true" | "false", _:
            if holds:
                return narrowed(node.node, equal([node.name == "true"]), known)
        case ("eq" | "equalto") as op, [nodes.Const()]:
            # Unlike ==, the test may be asked of what is not there.
            return _compared(node.node, op[:2], node.args[0], holds, known) if holds else known
        case "in", [nodes.List()]:
            return _compared(node.node, "in", node.args[0], holds, known) if holds else known
        case name, _ if name in _TESTED:
            if holds:
                return narrowed(node.node, of_kinds(*_TESTED[name]), known)
            if name not in _HALF:
                return narrowed(node.node, not_of_kinds(*_TESTED[name]), known)
    return known


def _compared(left: nodes.Node, op: str, right: nodes.Node, holds: bool, known: Known) -> Known:
    if isinstance(left, nodes.Const) and not isinstance(right, nodes.Const) and op in _MIRRORED:
        left, op, right = right, _MIRRORED[op], left
    if op in ("ne", "notin"):
        op, holds = {"ne": "eq", "notin": "in"}[op], not holds
    if op in ("lt", "lteq") and not holds:
        op, holds = {"lt": "gteq", "lteq": "gt"}[op], True
    if isinstance(left, nodes.Filter) and left.name in ("length", "count") and left.node is not None:
        return _measured(left.node, op, right, holds, known)
    if isinstance(left, nodes.Filter) and left.name in ("default", "d") and left.node is not None:
        asked: nodes.Node = left.node
        otherwise = _otherwise(left)
        known_otherwise = otherwise is not ...
        if op == "eq" and isinstance(right, nodes.Const) and known_otherwise and (otherwise == right.value) != holds:
            return narrowed(asked, equal([right.value]) if holds else present, known)
        return known
    match op, right:
        case "eq", nodes.Const(value=value):
            return narrowed(left, equal([value]) if holds else different([value]), known)
        case "in", nodes.List(items=items):
            values = [item.value for item in items if isinstance(item, nodes.Const)]
            if len(values) == len(items):
                return narrowed(left, equal(values) if holds else different(values), known)
    return narrowed(left, present, known)


def _measured(node: nodes.Node, op: str, right: nodes.Node, holds: bool, known: Known) -> Known:
    """What a comparison of a length says: that it is not that of nothing, or only that there is a length."""
    match op, right, holds:
        case ("gt", nodes.Const(value=int() as least), True) if least >= 0:
            return narrowed(node, filled, known)
        case ("gteq", nodes.Const(value=int() as least), True) if least >= 1:
            return narrowed(node, filled, known)
        case ("eq", nodes.Const(value=0), False):
            return narrowed(node, filled, known)
        case ("eq", nodes.Const(value=int() as least), True) if least >= 1:
            return narrowed(node, filled, known)
    return narrowed(node, present, known)
