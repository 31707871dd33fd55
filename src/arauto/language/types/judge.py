"""What is told of types that were found: what may be missing or none, and what cannot be compared, reckoned with or
written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jinja2 import nodes

from arauto.language.scan import did_you_mean
from arauto.language.types.filters import SAID
from arauto.language.types.lattice import (
    OPEN,
    Atom,
    Items,
    Missing,
    Number,
    Part,
    Record,
    Text,
    Truth,
    Type,
    one_of,
    present,
)
from arauto.language.types.narrow import path_of
from arauto.model import JSON


class Finding(NamedTuple):
    """Something that can fail, at an offset of the source."""

    at: int
    code: str
    message: str
    hint: str | None = None


class Judge:
    """Judges what one source does with values whose types are known."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], Finding] = {}

    def findings(self) -> list[Finding]:
        """What was found, in the order of the source."""
        return sorted(self._found.values())

    def add(self, at: int, code: str, message: str, hint: str | None = None) -> None:
        """Tell something, once."""
        self._found.setdefault((at, code), Finding(at, code, message, hint))

    def null(self, node: nodes.Node, hint: str) -> None:
        self.add(place(node), "possibly-null", f"{said_of(node)} may be none", hint)

    def missing(self, node: nodes.Node, given: Type, missing: Sequence[Missing], within: Type) -> bool:
        """Tell of what is missing, or may be; whether there was anything to tell."""
        hows = {atom.how for atom in missing} - {"open"}
        if not hows or (len(missing) < len(given) and any(atom.kind == "open" for atom in given)):
            return False
        at, said = place(node), said_of(node)
        found = path_of(node)
        if len(missing) == len(given) and not hows & {"null", "optional", "unset", "else", "empty"}:
            self.unknown(at, said, step(node)[1], within)
        elif "null" in hows:
            whole = said_of(step(node)[0] or node)
            hint = f"ask first: {whole} is not none and …"
            self.add(at, "possibly-null", f"{whole} may be none, so {said} may be missing", hint)
        elif "empty" in hows:
            whole = said_of(node.node) if isinstance(node, nodes.Getitem | nodes.Filter) and node.node else "the list"
            hint = f"ask first: {{% if {whole} %}}, or say minItems: 1 in the schema"
            self.add(at, "possibly-missing", f"{whole} may be empty, so {said} may be missing", hint)
        elif "else" in hows:
            self.add(at, "possibly-missing", "this gives nothing where its condition is false", "add else …")
        else:
            otherwise = "…, true" if any(atom.kind == "null" for atom in given) else "…"
            guard = f"{said} | default({otherwise})" if found else f"value | default({otherwise})"
            hint = f"write {guard}, or ask first: {said} is defined and …" if found else f"write {guard}"
            never = len(missing) == len(given)
            self.add(at, "possibly-missing", f"{said} {'is not there' if never else 'may be missing'}", hint)
        return True

    def unknown(self, at: int, said: str, part: Part | None, within: Type) -> None:
        names = [name for atom in within if isinstance(atom, Record) for name in atom.names if _has(atom, name)]
        if not names:
            kinds = _kinds_said(within) if within else "nothing"
            self.add(at, "unknown-path", f"{said} is not there: it would be inside of {kinds}")
            return
        hint = did_you_mean(str(part), names) or f"there is: {', '.join(dict.fromkeys(names))}"
        self.add(at, "unknown-path", f"{said} is not in the schema", hint)

    def writable(self, node: nodes.Node, given: Type) -> None:
        whole = next((atom for atom in given if atom.kind in ("list", "object")), None)
        if whole is not None:
            hint = "name one of its values, or go over it with {% for %}"
            self.add(place(node), "unwritable", f"{said_of(node)} is {SAID[whole.kind]}, which is no text", hint)
        elif any(atom.kind == "null" for atom in given):
            self.null(node, 'say what to write instead: value | default("…", true)')

    def amount(self, node: nodes.Node, given: Type, sign: str) -> None:
        """It must be a number."""
        for atom in given:
            if atom.kind == "null":
                self.null(node, "say which number to take instead: value | default(0, true)")
            elif atom.kind not in ("number", "open"):
                self.add(place(node), "wrong-operand", f"{sign} takes numbers; {said_of(node)} is {SAID[atom.kind]}")

    def mixed(self, node: nodes.BinExpr, left: Type, right: Type) -> None:
        kinds = [SAID[atom.kind] for atom in (*left, *right) if atom.kind in SAID]
        message = f"+ adds numbers or joins texts, and not {' and '.join(dict.fromkeys(kinds))}"
        self.add(place(node.left), "wrong-operand", message, "write ~ to join as texts")

    def ordered(self, one: nodes.Node, left: Type, other: nodes.Node, right: Type) -> None:
        for node, type_ in ((one, left), (other, right)):
            if any(atom.kind == "null" for atom in type_):
                self.null(node, "ask first: value is not none and …")
        kinds = [{atom.kind for atom in type_} - {"null"} for type_ in (left, right)]
        if not all(kinds) or any("open" in each for each in kinds):
            return
        if not kinds[0] & kinds[1] & {"number", "text"}:
            self._incomparable(one, left, other, right)

    def equal(self, one: nodes.Node, left: Type, other: nodes.Node, right: Type) -> None:
        told = [tuple(atom for atom in type_ if atom.kind != "null") for type_ in (left, right)]
        if not all(told) or any(atom.kind == "open" for type_ in told for atom in type_):
            return
        if not {atom.kind for atom in told[0]} & {atom.kind for atom in told[1]}:
            self._incomparable(one, left, other, right)
        elif not any(_may_equal(a, b) for a in told[0] for b in told[1]):
            fixed, asked, node = (
                (told[1], told[0], one) if isinstance(other, nodes.Const) else (told[0], told[1], other)
            )
            values = [str(value) for atom in asked for value in getattr(atom, "values", None) or ()]
            named = next((value for atom in fixed for value in getattr(atom, "values", None) or ()), "")
            hint = did_you_mean(str(named), values) or f"it can be: {', '.join(sorted(values))}"
            shown = f'"{named}"' if isinstance(named, str) else str(named).lower()
            self.add(place(one), "impossible-value", f"{said_of(node)} is never {shown}", hint)

    def contained(self, one: nodes.Node, left: Type, other: nodes.Node, right: Type) -> None:
        if isinstance(other, nodes.List):
            for item in other.items:
                self.equal(one, left, item, quiet(item))
            return
        for atom in right:
            if atom.kind == "null":
                self.null(other, "ask first: value is not none and …")
            elif atom.kind in ("number", "truth"):
                message = f"in looks into a list, a text or an object; {said_of(other)} is {SAID[atom.kind]}"
                self.add(place(other), "incomparable", message)
            elif isinstance(atom, Items):
                self.equal(one, left, other, present(atom.item))
            elif atom.kind in ("text", "object") and left and not {each.kind for each in left} & {"text", "open"}:
                message = f"{SAID[atom.kind]} holds texts; {said_of(one)} is {SAID[left[0].kind]}"
                self.add(place(one), "incomparable", message)

    def _incomparable(self, one: nodes.Node, left: Type, other: nodes.Node, right: Type) -> None:
        said = [_kinds_said(type_) for type_ in (left, right)]
        hint = None
        for node, type_ in ((one, right), (other, left)):
            if isinstance(node, nodes.Const) and isinstance(node.value, str) and _is_amount(node.value):
                hint = f"write {node.value} without quotes" if type_ and type_[0].kind == "number" else None
            elif isinstance(node, nodes.Const) and type_ and type_[0].kind == "text" and node.value is not None:
                hint = f'write "{str(node.value).lower()}" in quotes'
        message = f"{said_of(one)} is {said[0]} and cannot be compared with {said[1]}"
        if isinstance(one, nodes.Const):
            message = f"{said_of(other)} is {said[1]} and cannot be compared with {said[0]}"
        self.add(place(one), "incomparable", message, hint)


def _has(record: Record, name: str) -> bool:
    return any(not isinstance(atom, Missing) for atom in record.get(name))


def place(node: nodes.Node) -> int:
    """Where an expression is shown: a path at its last part, everything else where it begins."""
    match node:
        case nodes.Getattr():
            return node.lineno + 1
        case nodes.Compare() | nodes.And() | nodes.Or():
            return place(node.expr if isinstance(node, nodes.Compare) else node.left)
    return node.lineno


def step(node: nodes.Node) -> tuple[nodes.Node | None, Part | None]:
    """What an expression looks into, and for which part."""
    match node:
        case nodes.Getattr():
            return node.node, node.attr
        case nodes.Getitem(arg=nodes.Const(value=str() | int() as part)):
            return node.node, part
        case nodes.Filter(name="attr", args=[nodes.Const(value=str() | int() as part)]):
            return node.node, part
    return None, None


def said_of(node: nodes.Node) -> str:
    """An expression in words: a path as it is written."""
    match node:
        case nodes.Const():
            value: JSON = node.value
            return (
                f'"{value}"'
                if isinstance(value, str)
                else {True: "true", False: "false", None: "none"}.get(value, str(value))
                if not isinstance(value, int | float) or isinstance(value, bool)
                else str(value)
            )
        case nodes.Filter():
            return f"{said_of(node.node)} | {node.name}" if node.node is not None else node.name
    found = path_of(node)
    if found is None:
        return "this value"
    name, path = found
    return name + "".join(f".{part}" if str(part).isidentifier() else f"[{part!r}]" for part in path)


def _kinds_said(type_: Type) -> str:
    said = dict.fromkeys(SAID[atom.kind] for atom in type_ if atom.kind in SAID and atom.kind != "null")
    return " or ".join(said) or "none"


def _may_equal(one: Atom, other: Atom) -> bool:
    match one, other:
        case (Text(values=frozenset() as values), Text(values=frozenset() as others)) | (
            Number(values=frozenset() as values),
            Number(values=frozenset() as others),
        ):
            return bool(values & others)
        case Truth(values=values), Truth(values=others):
            return bool(values & others)
    return one.kind == other.kind


def _is_amount(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def quiet(node: nodes.Node) -> Type:
    """The type of a constant; of anything else, which was looked at already, nothing is known."""
    return one_of([node.value]) if isinstance(node, nodes.Const) else OPEN
