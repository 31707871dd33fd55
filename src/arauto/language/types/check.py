"""The type-check: what can fail in an expression or a text, given what its names can be.

``Missing`` counts where a value is used; asking ``is defined``, or for a ``default``, uses none. Whatever was told is
taken to be right from there on, so that one slip is told once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from jinja2 import nodes

from arauto.language.scan import did_you_mean
from arauto.language.types.filters import (
    SAID,
    SIGNATURES,
    items_of,
    least_of,
    refused_argument,
    refuses,
)
from arauto.language.types.lattice import (
    NUMBER,
    OPEN,
    TEXT,
    TRUTH,
    WHOLE,
    Atom,
    Items,
    Missing,
    Number,
    Part,
    Record,
    Text,
    Truth,
    Type,
    falsy,
    inside,
    one_of,
    present,
    truthy,
    union,
)
from arauto.language.types.narrow import Known, assume, path_of
from arauto.language.types.syntax import parse_expression, parse_text
from arauto.model import JSON


class Finding(NamedTuple):
    """Something that can fail, at an offset of the source."""

    at: int
    code: str
    message: str
    hint: str | None = None


class Checked(NamedTuple):
    """What was found in an expression, what it gives, and what is known where it is true, and where it is false."""

    findings: list[Finding]
    gives: Type
    true: Known
    false: Known


def check_expression(source: str, known: Known) -> Checked:
    """An expression without faults of the language. Where its syntax cannot be followed, nothing is found in it."""
    tree = parse_expression(source)
    if tree is None:
        return Checked([], OPEN, known, known)
    walk = _Walk(source)
    gives = walk.value(tree, known)
    return Checked(walk.findings(), gives, assume(tree, True, known), assume(tree, False, known))


def check_text(source: str, known: Known, *, typed: bool = False) -> list[Finding]:
    """A text without faults of the language. ``typed``: a value that is all of it keeps its type, whichever."""
    trees = parse_text(source)
    if trees is None:
        return []
    walk = _Walk(source, typed=typed and _is_one_value(source, trees))
    walk.body(trees, known)
    return walk.findings()


def _is_one_value(source: str, trees: Sequence[nodes.Node]) -> bool:
    stripped = source.startswith("{{") and source.endswith("}}") and source.find("}}") == len(source) - 2
    return stripped and len(trees) == 1 and isinstance(trees[0], nodes.Output)


_COUNTED = ("index", "index0", "revindex", "revindex0", "length", "depth", "depth0")
_ARITHMETIC = {nodes.Sub: "-", nodes.Div: "/", nodes.FloorDiv: "//", nodes.Mod: "%", nodes.Pow: "**"}
_ORDERING = frozenset({"lt", "lteq", "gt", "gteq"})
_BY_ATTRIBUTE = frozenset({"selectattr", "rejectattr", "sort", "sum", "unique", "min", "max", "join", "groupby", "map"})
_ALONE = frozenset(
    "boolean defined even false float integer iterable lower mapping none number odd sequence string true"  # noqa: SIM905
    " undefined upper".split()
)
"""Tests that take no argument; every other takes one."""


class _Walk:
    """Goes over one source."""

    def __init__(self, source: str, *, typed: bool = False) -> None:
        self._source, self._typed = source, typed
        self._found: dict[tuple[int, str], Finding] = {}

    def findings(self) -> list[Finding]:
        """What was found, in the order of the source."""
        return sorted(self._found.values())

    def add(self, at: int, code: str, message: str, hint: str | None = None) -> None:
        """Tell something, once."""
        self._found.setdefault((at, code), Finding(at, code, message, hint))

    # -- texts -----------------------------------------------------------------------------------------------------

    def body(self, trees: Iterable[nodes.Node], known: Known) -> Known:
        """Go over a piece of a text; what is known after it."""
        for tree in trees:
            match tree:
                case nodes.Output():
                    for node in tree.nodes:
                        self._write(node, known)
                case nodes.If():
                    known = self._if(tree, known)
                case nodes.For():
                    self._for(tree, known)
                case nodes.Assign():
                    known = self._bind(tree.target, self.look(tree.node, known), known)
                case nodes.With():
                    within = known
                    for target, value in zip(tree.targets, tree.values, strict=True):
                        within = self._bind(target, self.look(value, within), within)
                    self.body(tree.body, within)
        return known

    def _write(self, node: nodes.Expr, known: Known) -> None:
        given = self.value(node, known)
        if not self._typed:
            self._writable(node, given)

    def _writable(self, node: nodes.Node, given: Type) -> None:
        whole = next((atom for atom in given if atom.kind in ("list", "object")), None)
        if whole is not None:
            hint = "name one of its values, or go over it with {% for %}"
            self.add(_place(node), "unwritable", f"{_said(node)} is {SAID[whole.kind]}, which is no text", hint)
        elif any(atom.kind == "null" for atom in given):
            self._null(node, 'say what to write instead: value | default("…", true)')

    def _if(self, tree: nodes.If, before: Known) -> Known:
        known, ends = before, []
        for branch in (tree, *tree.elif_):
            self.value(branch.test, known)
            ends.append(self.body(branch.body, assume(branch.test, True, known)))
            known = assume(branch.test, False, known)
        ends.append(self.body(tree.else_, known))
        after = dict(before)
        for name in dict.fromkeys(name for end in ends for name in end if end[name] is not before.get(name)):
            if any(_is_bound(name, part) for branch in (tree, *tree.elif_) for part in branch.body) or any(
                _is_bound(name, part) for part in tree.else_
            ):
                after[name] = union(*(end.get(name, (Missing("unset"),)) for end in ends))
        return after

    def _for(self, tree: nodes.For, known: Known) -> None:
        over = self.value(tree.iter, known)
        for atom in over:
            if atom.kind in ("number", "truth"):
                message = f"{_said(tree.iter)} is {SAID[atom.kind]}, and a loop goes over a list"
                self.add(_place(tree.iter), "not-a-list", message)
        item = items_of(over) or (OPEN if any(atom.kind in ("number", "truth") for atom in over) else ())
        counted: dict[str, Type] = dict.fromkeys(_COUNTED, WHOLE) | dict.fromkeys(("first", "last"), TRUTH)
        beside = union(item, (Missing("empty"),))
        loop: Type = (Record({**counted, "previtem": beside, "nextitem": beside, "cycle": OPEN, "changed": OPEN}),)
        within = self._bind(tree.target, item, {**known, "loop": loop})
        if tree.test is not None:
            self.value(tree.test, within)
            within = assume(tree.test, True, within)
        self.body(tree.body, within)
        self.body(tree.else_, known)

    def _bind(self, target: nodes.Node, value: Type, known: Known) -> Known:
        match target:
            case nodes.Name():
                return {**known, target.name: value}
            case nodes.Tuple():
                for index, each in enumerate(target.items):
                    known = self._bind(each, present(inside(value, index)) or OPEN, known)
        return known

    # -- values ----------------------------------------------------------------------------------------------------

    def value(self, node: nodes.Node, known: Known) -> Type:
        """The type of an expression that is used, so that it must be there."""
        given = self.look(node, known)
        missing = [atom for atom in given if isinstance(atom, Missing)]
        if not missing:
            return given
        told = self._missing(node, given, missing, known)
        left = present(given)
        return (tuple(atom for atom in left if atom.kind != "null") if told else left) or OPEN

    def look(self, node: nodes.Node, known: Known) -> Type:
        """The type of an expression, which may be missing."""
        match node:
            case nodes.Const():
                return one_of([node.value])
            case nodes.Name():
                return known.get(node.name, OPEN)
            case nodes.Getattr():
                return inside(self.value(node.node, known), node.attr)
            case nodes.Getitem():
                return self._item(node, known)
            case nodes.Filter():
                return self._filter(node, known)
            case nodes.Test():
                return self._test(node, known)
            case nodes.Compare():
                return self._compare(node, known)
            case nodes.And():
                left = self.value(node.left, known)
                return union(falsy(left), self.value(node.right, assume(node.left, True, known)))
            case nodes.Or():
                left = self.value(node.left, known)
                return union(truthy(left), self.value(node.right, assume(node.left, False, known)))
            case nodes.Not():
                self.value(node.node, known)
                return TRUTH
            case nodes.CondExpr():
                return self._choice(node, known)
            case nodes.Concat():
                for each in node.nodes:
                    self._writable(each, self.value(each, known))
                return TEXT
            case nodes.Neg() | nodes.Pos():
                self._amount(node.node, self.value(node.node, known), "-")
                return NUMBER
            case nodes.BinExpr():
                return self._reckon(node, known)
            case nodes.List() | nodes.Tuple():
                places = tuple(self.value(each, known) for each in node.items)
                return (Items(union(*places), least=len(places), places=places),)
            case nodes.Dict():
                return self._object(node, known)
            case nodes.Call():
                return self._call(node, known)
        return OPEN

    def _item(self, node: nodes.Getitem, known: Known) -> Type:
        given = self.value(node.node, known)
        match node.arg:
            case nodes.Const(value=str() | int() as part) if not isinstance(part, bool):
                return inside(given, part)
            case nodes.Neg(node=nodes.Const(value=int() as back)):
                return inside(given, -back)
            case nodes.Slice():
                for bound in (node.arg.start, node.arg.stop, node.arg.step):
                    if bound is not None:
                        self.value(bound, known)
                wrong = [atom for atom in given if atom.kind in ("number", "truth", "object")]
                for atom in wrong:
                    message = f"{_said(node.node)} is {SAID[atom.kind]}, which has no beginning and no end"
                    self.add(_place(node), "not-a-list", message)
                if wrong:
                    return OPEN
                return TEXT if given and all(atom.kind == "text" for atom in given) else (Items(items_of(given)),)
        self.value(node.arg, known)
        return union(OPEN, (Missing("open"),))

    def _choice(self, node: nodes.CondExpr, known: Known) -> Type:
        self.value(node.test, known)
        first = self.look(node.expr1, assume(node.test, True, known))
        if node.expr2 is None:
            return union(first, (Missing("else"),))
        return union(first, self.look(node.expr2, assume(node.test, False, known)))

    def _object(self, node: nodes.Dict, known: Known) -> Type:
        found: dict[str, Type] = {}
        rest: Type = (Missing("closed"),)
        for pair in node.items:
            value = self.value(pair.value, known)
            if isinstance(pair.key, nodes.Const):
                found[str(pair.key.value)] = value
            else:
                self.value(pair.key, known)
                rest = union(OPEN, (Missing("open"),))
        return (Record(found, rest),)

    def _call(self, node: nodes.Call, known: Known) -> Type:
        given = [self.value(each, known) for each in node.args]
        if isinstance(node.node, nodes.Name) and node.node.name == "range":
            for each, type_ in zip(node.args, given, strict=True):
                self._amount(each, type_, "range")
            if not 1 <= len(given) <= 3:
                self.add(_place(node.node), "wrong-arguments", "range takes one to three whole numbers")
            return (Items(WHOLE),)
        if isinstance(node.node, nodes.Getattr) and node.node.attr == "changed":
            return TRUTH
        return union(*given) or OPEN

    # -- arithmetic and comparisons --------------------------------------------------------------------------------

    def _amount(self, node: nodes.Node, given: Type, sign: str) -> None:
        """It must be a number."""
        for atom in given:
            if atom.kind == "null":
                self._null(node, "say which number to take instead: value | default(0, true)")
            elif atom.kind not in ("number", "open"):
                self.add(_place(node), "wrong-operand", f"{sign} takes numbers; {_said(node)} is {SAID[atom.kind]}")

    def _reckon(self, node: nodes.BinExpr, known: Known) -> Type:
        left, right = self.value(node.left, known), self.value(node.right, known)
        kinds = {atom.kind for atom in (*left, *right)}
        sign = _ARITHMETIC.get(type(node))
        if sign is None:
            sign = "+" if isinstance(node, nodes.Add) else "*"
            if "open" in kinds or not left or not right:
                return OPEN
            if sign == "+" and (kinds == {"text"} or kinds == {"list"}):
                return TEXT if kinds == {"text"} else (Items(union(items_of(left), items_of(right))),)
            if sign == "*" and {atom.kind for atom in left} in ({"text"}, {"list"}):
                self._amount(node.right, right, sign)
                return tuple(Text() if isinstance(atom, Text) else Items(items_of(left)) for atom in left)
            if sign == "+" and "number" not in kinds and "text" in kinds and "null" not in kinds:
                sign = "+ joins texts or adds numbers, and"
                self._mixed(node, left, right)
                return TEXT
        self._amount(node.left, left, sign)
        self._amount(node.right, right, sign)
        return WHOLE if _whole(left) and _whole(right) and sign in "+-*" else NUMBER

    def _mixed(self, node: nodes.BinExpr, left: Type, right: Type) -> None:
        kinds = [SAID[atom.kind] for atom in (*left, *right) if atom.kind in SAID]
        message = f"+ adds numbers or joins texts, and not {' and '.join(dict.fromkeys(kinds))}"
        self.add(_place(node.left), "wrong-operand", message, "write ~ to join as texts")

    def _compare(self, node: nodes.Compare, known: Known) -> Type:
        left_node, left = node.expr, self.value(node.expr, known)
        for operand in node.ops:
            right = self.value(operand.expr, known)
            if operand.op in _ORDERING:
                self._ordered(left_node, left, operand.expr, right)
            elif operand.op in ("in", "notin"):
                self._contained(left_node, left, operand.expr, right)
            else:
                self._equal(left_node, left, operand.expr, right)
            left_node, left = operand.expr, right
        return TRUTH

    def _ordered(self, one: nodes.Node, left: Type, other: nodes.Node, right: Type) -> None:
        for node, type_ in ((one, left), (other, right)):
            if any(atom.kind == "null" for atom in type_):
                self._null(node, "ask first: value is not none and …")
        kinds = [{atom.kind for atom in type_} - {"null"} for type_ in (left, right)]
        if not all(kinds) or any("open" in each for each in kinds):
            return
        if not kinds[0] & kinds[1] & {"number", "text"}:
            self._incomparable(one, left, other, right)

    def _equal(self, one: nodes.Node, left: Type, other: nodes.Node, right: Type) -> None:
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
            self.add(_place(one), "impossible-value", f"{_said(node)} is never {shown}", hint)

    def _contained(self, one: nodes.Node, left: Type, other: nodes.Node, right: Type) -> None:
        if isinstance(other, nodes.List):
            for item in other.items:
                self._equal(one, left, item, self._quiet(item))
            return
        for atom in right:
            if atom.kind == "null":
                self._null(other, "ask first: value is not none and …")
            elif atom.kind in ("number", "truth"):
                message = f"in looks into a list, a text or an object; {_said(other)} is {SAID[atom.kind]}"
                self.add(_place(other), "incomparable", message)
            elif isinstance(atom, Items):
                self._equal(one, left, other, present(atom.item))
            elif atom.kind in ("text", "object") and left and not {each.kind for each in left} & {"text", "open"}:
                message = f"{SAID[atom.kind]} holds texts; {_said(one)} is {SAID[left[0].kind]}"
                self.add(_place(one), "incomparable", message)

    def _quiet(self, node: nodes.Node) -> Type:
        """The type of a constant; of anything else, which was looked at already, nothing is known."""
        return one_of([node.value]) if isinstance(node, nodes.Const) else OPEN

    def _incomparable(self, one: nodes.Node, left: Type, other: nodes.Node, right: Type) -> None:
        said = [_kinds_said(type_) for type_ in (left, right)]
        hint = None
        for node, type_ in ((one, right), (other, left)):
            if isinstance(node, nodes.Const) and isinstance(node.value, str) and _is_amount(node.value):
                hint = f"write {node.value} without quotes" if type_ and type_[0].kind == "number" else None
            elif isinstance(node, nodes.Const) and type_ and type_[0].kind == "text" and node.value is not None:
                hint = f'write "{str(node.value).lower()}" in quotes'
        message = f"{_said(one)} is {said[0]} and cannot be compared with {said[1]}"
        if isinstance(one, nodes.Const):
            message = f"{_said(other)} is {said[1]} and cannot be compared with {said[0]}"
        self.add(_place(one), "incomparable", message, hint)

    # -- filters and tests -----------------------------------------------------------------------------------------

    def _filter(self, node: nodes.Filter, known: Known) -> Type:
        name = node.name
        if name in ("default", "d"):
            return self._default(node, known)
        given = self.value(node.node, known) if node.node is not None else OPEN
        arguments = [self.value(each, known) for each in node.args]
        named = {key: self.value(each, known) for key, each in _named(node)}
        if name == "attr":
            match node.args:
                case [nodes.Const(value=str() | int() as part)]:
                    return inside(given, part)
            return OPEN
        if name in _BY_ATTRIBUTE:
            self._attribute(node, given)
        if name == "map":
            return self._map(node, given)
        signature = SIGNATURES.get(name)
        if signature is None:
            return OPEN
        self._arguments(node, arguments, named)
        refused = refuses(name, given)
        if refused is None:
            return signature.gives(given)
        kind, takes, hint = refused
        if kind == "null":
            self._null(node.node or node, "say what to take instead: value | default(…, true)")
        else:
            self.add(node.lineno, "wrong-filter", f"{name} takes {takes}; {_said(node.node or node)} is {kind}", hint)
        left = tuple(atom for atom in given if refuses(name, (atom,)) is None)
        return present(signature.gives(left)) if left else OPEN

    def _arguments(self, node: nodes.Filter, arguments: Sequence[Type], named: dict[str, Type]) -> None:
        name, signature = node.name, SIGNATURES[node.name]
        count = len(arguments) + (len(named) if signature.most and signature.named else 0)
        if not signature.least <= count or len(arguments) > signature.most:
            takes = {(0, 0): "no argument", (1, 1): "one argument", (0, 1): "at most one argument"}.get(
                (signature.least, signature.most), f"{signature.least} to {signature.most} arguments"
            )
            self.add(node.lineno, "wrong-arguments", f"{name} takes {takes}, not {count}")
            return
        for key in named:
            if signature.named is not None and key not in signature.named:
                hint = did_you_mean(key, signature.named)
                self.add(node.lineno, "wrong-arguments", f"{name} has no argument {key}", hint)
                return
        for each, type_ in zip(
            (*node.args, *(each for _, each in _named(node))), (*arguments, *named.values()), strict=True
        ):
            refused = refused_argument(name, type_)
            if refused is not None:
                self.add(_place(each), "wrong-arguments", *refused)
                return

    def _default(self, node: nodes.Filter, known: Known) -> Type:
        given = self.look(node.node, known) if node.node is not None else OPEN
        if given and all(isinstance(atom, Missing) and atom.how == "closed" for atom in given):
            given = self.value(node.node, known) if node.node is not None else OPEN
        otherwise = self.look(node.args[0], known) if node.args else one_of([""])
        for each in node.args[1:]:
            self.value(each, known)
        if len(node.args) > 2:
            self.add(node.lineno, "wrong-arguments", f"{node.name} takes at most 2 arguments, not {len(node.args)}")
        also_empty = any(isinstance(each, nodes.Const) and each.value is True for each in node.args[1:2])
        also_empty = also_empty or any(key == "boolean" for key, _ in _named(node))
        left = truthy(given) if also_empty else present(given)
        return union(left, otherwise) if len(left) < len(given) or also_empty or not left else union(left, ())

    def _map(self, node: nodes.Filter, given: Type) -> Type:
        self._many(node, given)
        attribute = _attribute_of(node)
        item = items_of(given)
        if attribute is not None:
            for part in attribute:
                item = present(inside(item, part))
            return (Items(item or OPEN, least=least_of(given)),)
        match node.args:
            case [nodes.Const(value=str() as name), *_]:
                signature = SIGNATURES.get(name)
                if signature is not None:
                    return (Items(signature.gives(item), least=least_of(given)),)
        return (Items(OPEN, least=least_of(given)),)

    def _many(self, node: nodes.Filter, given: Type) -> None:
        for atom in given:
            if atom.kind in ("number", "truth"):
                message = f"{node.name} takes a list; {_said(node.node or node)} is {SAID[atom.kind]}"
                self.add(node.lineno, "wrong-filter", message)

    def _attribute(self, node: nodes.Filter, given: Type) -> None:
        """The attribute by which a filter works is one that the items have."""
        attribute = _attribute_of(node)
        item = present(items_of(given))
        for part in attribute or ():
            found = inside(item, part)
            if found and all(isinstance(atom, Missing) for atom in found):
                self._unknown(_attribute_place(node), f"{part} of an item", part, item, found)
                return
            item = present(found)
        wrong = [atom for atom in item if atom.kind not in ("number", "open")]
        if node.name == "sum" and wrong:
            message = f"sum takes numbers; of {_said(node.node or node)}, one may be {SAID[wrong[0].kind]}"
            self.add(node.lineno, "wrong-filter", message)

    def _test(self, node: nodes.Test, known: Known) -> Type:
        given = self.look(node.node, known)
        if given and all(isinstance(atom, Missing) and atom.how == "closed" for atom in given):
            self.value(node.node, known)
        for each in node.args:
            self.value(each, known)
        wanted = 0 if node.name in _ALONE else 1
        if len(node.args) != wanted:
            takes = "no argument" if not wanted else "one argument"
            self.add(node.lineno, "wrong-arguments", f"is {node.name} takes {takes}, not {len(node.args)}")
        elif node.name in ("eq", "equalto", "ne"):
            self._equal(node.node, present(given), node.args[0], self._quiet(node.args[0]))
        return TRUTH

    # -- what is said ----------------------------------------------------------------------------------------------

    def _null(self, node: nodes.Node, hint: str) -> None:
        self.add(_place(node), "possibly-null", f"{_said(node)} may be none", hint)

    def _missing(self, node: nodes.Node, given: Type, missing: Sequence[Missing], known: Known) -> bool:
        """Tell of what is missing, or may be; whether there was anything to tell."""
        hows = {atom.how for atom in missing} - {"open"}
        if not hows or (len(missing) < len(given) and any(atom.kind == "open" for atom in given)):
            return False
        at, said = _place(node), _said(node)
        found = path_of(node)
        if len(missing) == len(given) and not hows & {"null", "optional", "unset", "else", "empty"}:
            parent, part = _step(node)
            within = self._again(parent, known) if parent is not None else ()
            self._unknown(at, said, part, within, given)
        elif "null" in hows:
            whole = _said(_step(node)[0] or node)
            hint = f"ask first: {whole} is not none and …"
            self.add(at, "possibly-null", f"{whole} may be none, so {said} may be missing", hint)
        elif "empty" in hows:
            whole = _said(node.node) if isinstance(node, nodes.Getitem | nodes.Filter) and node.node else "the list"
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

    def _again(self, node: nodes.Node, known: Known) -> Type:
        """The type of an expression that was looked at already."""
        return present(_Walk(self._source).look(node, known))

    def _unknown(self, at: int, said: str, part: Part | None, within: Type, given: Type) -> None:
        names = [name for atom in within if isinstance(atom, Record) for name in atom.names if _has(atom, name)]
        if not names:
            kinds = _kinds_said(within) if within else "nothing"
            self.add(at, "unknown-path", f"{said} is not there: it would be inside of {kinds}")
            return
        hint = did_you_mean(str(part), names) or f"there is: {', '.join(dict.fromkeys(names))}"
        self.add(at, "unknown-path", f"{said} is not in the schema", hint)


def _has(record: Record, name: str) -> bool:
    return any(not isinstance(atom, Missing) for atom in record.get(name))


def _is_bound(name: str, tree: nodes.Node) -> bool:
    """Whether a piece of a text gives a name another value, for what follows it too."""
    match tree:
        case nodes.Assign():
            return any(
                each.name == name
                for each in (tree.target, *tree.target.find_all(nodes.Name))
                if isinstance(each, nodes.Name)
            )
        case nodes.If():
            inner = (*tree.body, *tree.elif_, *tree.else_)
            return any(_is_bound(name, each) for each in inner)
    return False


def _place(node: nodes.Node) -> int:
    """Where an expression is shown: a path at its last part, everything else where it begins."""
    match node:
        case nodes.Getattr():
            return node.lineno + 1
        case nodes.Compare() | nodes.And() | nodes.Or():
            return _place(node.expr if isinstance(node, nodes.Compare) else node.left)
    return node.lineno


def _step(node: nodes.Node) -> tuple[nodes.Node | None, Part | None]:
    """What an expression looks into, and for which part."""
    match node:
        case nodes.Getattr():
            return node.node, node.attr
        case nodes.Getitem(arg=nodes.Const(value=str() | int() as part)):
            return node.node, part
        case nodes.Filter(name="attr", args=[nodes.Const(value=str() | int() as part)]):
            return node.node, part
    return None, None


def _said(node: nodes.Node) -> str:
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
            return f"{_said(node.node)} | {node.name}" if node.node is not None else node.name
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


def _whole(type_: Type) -> bool:
    return all(isinstance(atom, Number) and atom.whole for atom in type_)


def _is_amount(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def _attribute_node(node: nodes.Filter) -> nodes.Node | None:
    if node.name in ("selectattr", "rejectattr", "groupby") and node.args:
        return node.args[0]
    return next((value for key, value in _named(node) if key == "attribute"), None)


def _named(node: nodes.Filter) -> list[tuple[str, nodes.Expr]]:
    """The arguments that are given by name."""
    return [(str(each.key), each.value) for each in node.kwargs]


def _attribute_of(node: nodes.Filter) -> list[Part] | None:
    """The way to the attribute by which a filter works, where it is written out."""
    found = _attribute_node(node)
    if isinstance(found, nodes.Const) and isinstance(found.value, str):
        return [int(part) if part.isdecimal() else part for part in found.value.split(".")]
    return None


def _attribute_place(node: nodes.Filter) -> int:
    found = _attribute_node(node)
    return found.lineno if found is not None else node.lineno
