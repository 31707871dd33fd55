"""The type-check: what can fail in an expression or a text, given what its names can be.

``Missing`` counts where a value is used; asking ``is defined``, or for a ``default``, uses none. Whatever was told is
taken to be right from there on, so that one slip is told once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from jinja2 import nodes

from arauto.language.scan import did_you_mean
from arauto.language.text import COUNTERS
from arauto.language.types.filters import (
    SAID,
    SIGNATURES,
    items_of,
    least_of,
    most_of,
    refused_argument,
    refuses,
)
from arauto.language.types.judge import Finding, Judge, place, quiet, said_of, step
from arauto.language.types.lattice import (
    NUMBER,
    OPEN,
    TEXT,
    TRUTH,
    WHOLE,
    Items,
    Missing,
    Number,
    Part,
    Record,
    Text,
    Type,
    falsy,
    inside,
    one_of,
    present,
    truthy,
    union,
)
from arauto.language.types.narrow import Known, assume
from arauto.language.types.syntax import parse_expression, parse_text


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
    walk = Walk()
    gives = walk.value(tree, known)
    return Checked(walk.findings(), gives, assume(tree, True, known), assume(tree, False, known))


def check_text(source: str, known: Known, *, typed: bool = False) -> list[Finding]:
    """A text without faults of the language. ``typed``: a value that is all of it keeps its type, whichever."""
    trees = parse_text(source)
    if trees is None:
        return []
    walk = Walk(typed=typed and _is_one_value(source, trees))
    walk.body(trees, known)
    return walk.findings()


def _is_one_value(source: str, trees: Sequence[nodes.Node]) -> bool:
    stripped = source.startswith("{{") and source.endswith("}}") and source.find("}}") == len(source) - 2
    return stripped and len(trees) == 1 and isinstance(trees[0], nodes.Output)


_ARITHMETIC = {nodes.Sub: "-", nodes.Div: "/", nodes.FloorDiv: "//", nodes.Mod: "%", nodes.Pow: "**"}
_ORDERING = frozenset({"lt", "lteq", "gt", "gteq"})
_BY_ATTRIBUTE = frozenset({"selectattr", "rejectattr", "sort", "sum", "unique", "min", "max", "join", "groupby", "map"})
_ALONE = frozenset(
    "boolean defined even false float integer iterable lower mapping none number odd sequence string true"  # noqa: SIM905
    " undefined upper".split()
)
"""Tests that take no argument; every other takes one."""


class Walk(Judge):
    """Goes over one source, and hands what it comes upon to its judge."""

    def __init__(self, *, typed: bool = False) -> None:
        super().__init__()
        self._typed = typed

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
                    self._with(tree, known)
        return known

    def _with(self, tree: nodes.With, known: Known) -> None:
        for target, value in zip(tree.targets, tree.values, strict=True):
            known = self._bind(target, self.look(value, known), known)
        self.body(tree.body, known)

    def _write(self, node: nodes.Expr, known: Known) -> None:
        given = self.value(node, known)
        if not self._typed:
            self.writable(node, given)

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
                message = f"{said_of(tree.iter)} is {SAID[atom.kind]}, and a loop goes over a list"
                self.add(place(tree.iter), "not-a-list", message)
        item = items_of(over) or (OPEN if any(atom.kind in ("number", "truth") for atom in over) else ())
        counted: dict[str, Type] = dict.fromkeys(COUNTERS, WHOLE) | dict.fromkeys(("first", "last"), TRUTH)
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
        parent = step(node)[0]
        never = parent is not None and len(missing) == len(given)
        within = present(Walk().look(parent, known)) if parent is not None and never else ()
        told = self.missing(node, given, missing, within)
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
                pieces = [self.value(each, known) for each in node.nodes]
                for each, given in zip(node.nodes, pieces, strict=True):
                    self.writable(each, given)
                return self.joined(pieces)
            case nodes.Neg() | nodes.Pos():
                self.amount(node.node, self.value(node.node, known), "-")
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

    # What becomes of a text is of no matter here; ``longest`` follows how long it is.

    def gives(self, name: str, given: Type, arguments: Sequence[nodes.Expr], named: dict[str, nodes.Expr]) -> Type:
        """What a filter makes of a value that it takes."""
        return SIGNATURES[name].gives(given)

    def joined(self, pieces: Sequence[Type]) -> Type:
        """Texts, one after another."""
        return TEXT

    def cut(self, given: Type, part: nodes.Slice) -> Type:
        """A part of a text."""
        return TEXT

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
                    message = f"{said_of(node.node)} is {SAID[atom.kind]}, which has no beginning and no end"
                    self.add(place(node), "not-a-list", message)
                if wrong:
                    return OPEN
                if given and all(atom.kind == "text" for atom in given):
                    return self.cut(given, node.arg)
                return (Items(items_of(given), most=most_of(given)),)
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
                self.amount(each, type_, "range")
            if not 1 <= len(given) <= 3:
                self.add(place(node.node), "wrong-arguments", "range takes one to three whole numbers")
            return (Items(WHOLE),)
        if isinstance(node.node, nodes.Getattr) and node.node.attr == "changed":
            return TRUTH
        return union(*given) or OPEN

    # -- arithmetic and comparisons --------------------------------------------------------------------------------

    def _reckon(self, node: nodes.BinExpr, known: Known) -> Type:
        left, right = self.value(node.left, known), self.value(node.right, known)
        kinds = {atom.kind for atom in (*left, *right)}
        sign = _ARITHMETIC.get(type(node))
        if sign is None:
            sign = "+" if isinstance(node, nodes.Add) else "*"
            if "open" in kinds or not left or not right:
                return OPEN
            if sign == "+" and (kinds == {"text"} or kinds == {"list"}):
                return (
                    self.joined([left, right]) if kinds == {"text"} else (Items(union(*map(items_of, (left, right)))),)
                )
            if sign == "*" and {atom.kind for atom in left} in ({"text"}, {"list"}):
                self.amount(node.right, right, sign)
                return tuple(Text() if isinstance(atom, Text) else Items(items_of(left)) for atom in left)
            if sign == "+" and "number" not in kinds and "text" in kinds and "null" not in kinds:
                sign = "+ joins texts or adds numbers, and"
                self.mixed(node, left, right)
                return TEXT
        self.amount(node.left, left, sign)
        self.amount(node.right, right, sign)
        return WHOLE if _whole(left) and _whole(right) and sign in "+-*" else NUMBER

    def _compare(self, node: nodes.Compare, known: Known) -> Type:
        left_node, left = node.expr, self.value(node.expr, known)
        for operand in node.ops:
            right = self.value(operand.expr, known)
            if operand.op in _ORDERING:
                self.ordered(left_node, left, operand.expr, right)
            elif operand.op in ("in", "notin"):
                self.contained(left_node, left, operand.expr, right)
            else:
                self.equal(left_node, left, operand.expr, right)
            left_node, left = operand.expr, right
        return TRUTH

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
            return self.gives(name, given, node.args, dict(_named(node)))
        kind, takes, hint = refused
        if kind == "null":
            self.null(node.node or node, "say what to take instead: value | default(…, true)")
        else:
            self.add(node.lineno, "wrong-filter", f"{name} takes {takes}; {said_of(node.node or node)} is {kind}", hint)
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
                self.add(place(each), "wrong-arguments", *refused)
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
        return union(left, otherwise) if len(left) < len(given) or also_empty or not left else left

    def _map(self, node: nodes.Filter, given: Type) -> Type:
        self._many(node, given)
        attribute = _attribute_of(node)
        item = items_of(given)
        if attribute is not None:
            for part in attribute:
                item = present(inside(item, part))
            return (Items(item or OPEN, least=least_of(given), most=most_of(given)),)
        match node.args:
            case [nodes.Const(value=str() as name), *rest] if name in SIGNATURES:
                item = self.gives(name, item, rest, dict(_named(node)))
            case _:
                item = OPEN
        return (Items(item, least=least_of(given), most=most_of(given)),)

    def _many(self, node: nodes.Filter, given: Type) -> None:
        for atom in given:
            if atom.kind in ("number", "truth"):
                message = f"{node.name} takes a list; {said_of(node.node or node)} is {SAID[atom.kind]}"
                self.add(node.lineno, "wrong-filter", message)

    def _attribute(self, node: nodes.Filter, given: Type) -> None:
        """The attribute by which a filter works is one that the items have."""
        attribute = _attribute_of(node)
        item = present(items_of(given))
        for part in attribute or ():
            found = inside(item, part)
            if found and all(isinstance(atom, Missing) for atom in found):
                self.unknown(_attribute_place(node), f"{part} of an item", part, item)
                return
            item = present(found)
        wrong = [atom for atom in item if atom.kind not in ("number", "open")]
        if node.name == "sum" and wrong:
            message = f"sum takes numbers; of {said_of(node.node or node)}, one may be {SAID[wrong[0].kind]}"
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
            self.equal(node.node, present(given), node.args[0], quiet(node.args[0]))
        return TRUTH


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


def _whole(type_: Type) -> bool:
    return all(isinstance(atom, Number) and atom.whole for atom in type_)


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
