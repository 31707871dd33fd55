"""formulas: what a condition says, as far as it can be reasoned about; pure.

A condition becomes comparisons joined by and, or and not; what is not understood is kept as it is written, and is
true or false like any other. Only what is certain counts: where something is not known, nothing contradicts anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import TypeAlias

from msgspec import Struct

from arauto.language.scan import Path, Token, expression_tokens
from arauto.model import JSON

_OPPOSITE = {
    "==": "!=",
    "!=": "==",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "in": "not in",
    "not in": "in",
    "holds": "fails",
    "fails": "holds",
    "defined": "undefined",
    "undefined": "defined",
}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_WORDS = {"true": True, "false": False, "none": None, "True": True, "False": False, "None": None}
_MOST = 64
"""Alternatives of a formula that are looked at; of one that has more, nothing is said."""


class Value(Struct, frozen=True):
    """A constant of a comparison, and where it stands in the source."""

    value: JSON
    at: int


class Atom(Struct, frozen=True):
    """A comparison of something with constants, or (``holds``) what is not understood."""

    term: str
    """What is compared, as it is written."""
    op: str
    values: tuple[Value, ...] = ()
    path: Path | None = None
    """Of a term that is a path."""
    length: bool = False
    """It is the length of what the path leads to."""
    at: int = 0
    """Where it begins in the source."""

    def __str__(self) -> str:
        shown = [written(each.value) for each in self.values]
        match self.op:
            case "holds":
                return self.term
            case "fails":
                return f"not ({self.term})"
            case "defined" | "undefined":
                return f"{self.term} is {'' if self.op == 'defined' else 'not '}defined"
            case "in" | "not in":
                return f"{self.term} {self.op} [{', '.join(shown)}]"
        return f"{self.term} {self.op} {shown[0]}"


class All(Struct, frozen=True):
    """True when all of it is."""

    parts: tuple[Formula, ...]


class Some(Struct, frozen=True):
    """True when any of it is."""

    parts: tuple[Formula, ...]


Formula: TypeAlias = Atom | All | Some
Conjunction: TypeAlias = tuple[Atom, ...]


def written(value: JSON) -> str:
    """A constant as the language writes it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def negated(formula: Formula) -> Formula:
    """What is true when the formula is false."""
    match formula:
        case Atom():
            return Atom(formula.term, _OPPOSITE[formula.op], formula.values, formula.path, formula.length, formula.at)
        case All(parts):
            return Some(tuple(negated(part) for part in parts))
        case Some(parts):
            return All(tuple(negated(part) for part in parts))


def atoms(formula: Formula) -> Iterator[Atom]:
    """The comparisons of a formula, in the order of the source."""
    if isinstance(formula, Atom):
        yield formula
    else:
        for part in formula.parts:
            yield from atoms(part)


# -- reading -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def formula_of(source: str) -> Formula:
    """What a condition that compiles says."""
    return _read(list(expression_tokens(source)), source)


def _read(tokens: list[Token], source: str) -> Formula:
    if any(token.text == "if" and token.kind == "name" for token in _top(tokens)):
        return _opaque(tokens, source)
    for word, join in (("or", Some), ("and", All)):
        parts = _split(tokens, word)
        if len(parts) > 1:
            return join(tuple(_read(part, source) for part in parts))
    if len(tokens) > 1 and tokens[0].kind == "name" and tokens[0].text == "not":
        return negated(_read(tokens[1:], source))
    if tokens and tokens[0].text == "(" and _closing(tokens, 0) == len(tokens) - 1:
        return _read(tokens[1:-1], source)
    return _comparison(tokens, source)


def _top(tokens: Sequence[Token]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        if token.text in ")]}":
            depth -= 1
        if depth == 0:
            yield token
        if token.text in "([{":
            depth += 1


def _split(tokens: Sequence[Token], word: str) -> list[list[Token]]:
    cuts = {token.at for token in _top(tokens) if token.kind == "name" and token.text == word}
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.at in cuts:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _closing(tokens: Sequence[Token], start: int) -> int:
    depth = 0
    for index in range(start, len(tokens)):
        depth += (tokens[index].text in "([{") - (tokens[index].text in ")]}")
        if depth == 0:
            return index
    return -1


def _comparison(tokens: list[Token], source: str) -> Formula:
    top = {token.at for token in _top(tokens)}
    found = [
        index
        for index, token in enumerate(tokens)
        if token.at in top and (token.text in _MIRRORED or (token.kind == "name" and token.text in ("in", "is")))
    ]
    if len(found) != 1 or not 0 < found[0] < len(tokens) - 1:
        return _opaque(tokens, source)
    at = found[0]
    left, right, op = tokens[:at], tokens[at + 1 :], tokens[at].text
    if op == "is":
        return _test(left, right, tokens, source)
    if op == "in":
        refused = left[-1].kind == "name" and left[-1].text == "not"
        left = left[:-1] if refused else left
        values = _list(right)
        if values is None or not left:
            opaque = _opaque([*left, *tokens[at:]], source)
            return negated(opaque) if refused else opaque
        return _atom(left, "not in" if refused else "in", values, source)
    value = _constant(right)
    if value is not None:
        return _atom(left, op, (value,), source)
    value = _constant(left)
    if value is not None:
        return _atom(right, _MIRRORED[op], (value,), source)
    return _opaque(tokens, source)


def _test(left: list[Token], right: list[Token], tokens: list[Token], source: str) -> Formula:
    refused = right[0].text == "not"
    name = [token.text for token in right[refused:]]
    match name:
        case ["defined"]:
            found: Formula = _atom(left, "defined", (), source)
        case ["undefined"]:
            found = _atom(left, "undefined", (), source)
        case ["none"]:
            found = _atom(left, "==", (Value(None, right[-1].at),), source)
        case _:
            found = _opaque([*left, tokens[len(left)], *right[refused:]], source)
    return negated(found) if refused else found


def _atom(term: Sequence[Token], op: str, values: tuple[Value, ...], source: str) -> Atom:
    length = [token.text for token in term[-2:]] == ["|", "length"]
    path = _path(term[:-2] if length else term)
    return Atom(_text(term, source), op, values, path, length and path is not None, term[0].at)


def _opaque(tokens: Sequence[Token], source: str) -> Atom:
    path = _path(tokens)
    return Atom(_text(tokens, source), "holds", (), path, False, tokens[0].at)


def _text(tokens: Sequence[Token], source: str) -> str:
    """As it is written, but for white space between tokens."""
    made = ""
    end = tokens[0].at
    for token in tokens:
        made += (" " if token.at > end else "") + token.text
        end = token.at + len(token.text)
    return made


def _path(tokens: Sequence[Token]) -> Path | None:
    path: list[str | int] = []
    if not tokens or tokens[0].kind != "name" or tokens[0].text in _WORDS:
        return None
    path.append(tokens[0].text)
    index = 1
    while index < len(tokens):
        match [token.text for token in tokens[index : index + 3]], tokens[index + 1 : index + 2]:
            case [".", *_], [Token("name", name)]:
                path.append(name)
                index += 2
            case ["[", _, "]"], [Token("string", text)] if "\\" not in text:
                path.append(text[1:-1])
                index += 3
            case ["[", _, "]"], [Token("number", text)] if text.isdecimal():
                path.append(int(text))
                index += 3
            case _:
                return None
    return tuple(path)


def _constant(tokens: Sequence[Token]) -> Value | None:
    sign = len(tokens) == 2 and tokens[0].text == "-"
    if len(tokens) != 1 + sign:
        return None
    token = tokens[-1]
    if token.kind == "string" and not sign and "\\" not in token.text:
        return Value(token.text[1:-1], token.at)
    if token.kind == "name" and not sign and token.text in _WORDS:
        return Value(_WORDS[token.text], token.at)
    if token.kind != "number":
        return None
    try:
        number = int(token.text) if token.text.isdecimal() else float(token.text)
    except ValueError:
        return None
    return Value(-number if sign else number, tokens[0].at)


def _list(tokens: Sequence[Token]) -> tuple[Value, ...] | None:
    if len(tokens) < 3 or tokens[0].text not in ("[", "(") or _closing(tokens, 0) != len(tokens) - 1:
        return None
    found = [_constant(part) for part in _split_commas(tokens[1:-1])]
    return None if None in found else tuple(each for each in found if each is not None)


def _split_commas(tokens: Sequence[Token]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts if parts[-1] else parts[:-1]


# -- reasoning -----------------------------------------------------------------------------------------------------


class Domain(Struct, frozen=True):
    """What is certain of a term before any condition is asked."""

    values: tuple[JSON, ...] | None = None
    """All that it can be; None where they cannot be listed."""
    numeric: bool = False
    integer: bool = False
    boolean: bool = False
    low: float | None = None
    low_open: bool = False
    high: float | None = None
    high_open: bool = False
    there: bool = False
    """It is never missing."""
    not_null: bool = False


Domains: TypeAlias = Callable[[Atom], Domain]


def contradiction(formulas: Sequence[Formula], domains: Domains) -> str | None:
    """Why these can't all be true together, for people to read; None where they can, or nobody knows."""
    alternatives = _conjunctions(formulas[0] if len(formulas) == 1 else All(tuple(formulas)))
    if not alternatives:
        return None
    first: str | None = None
    for each in alternatives:
        why = _clash(each, domains)
        if why is None:
            return None
        first = first or why
    return first


def _conjunctions(formula: Formula) -> list[Conjunction]:
    """The ways in which a formula can be true; none where there are too many."""
    match formula:
        case Atom():
            return [(formula,)]
        case Some(parts):
            found: list[Conjunction] = []
            for part in parts:
                inner = _conjunctions(part)
                if not inner or len(found) + len(inner) > _MOST:
                    return []
                found.extend(inner)
            return found
        case All(parts):
            made: list[Conjunction] = [()]
            for part in parts:
                inner = _conjunctions(part)
                if not inner or len(made) * len(inner) > _MOST:
                    return []
                made = [(*left, *right) for left, right in product(made, inner)]
            return made


def _clash(conjunction: Conjunction, domains: Domains) -> str | None:
    if len(conjunction) == 1:
        return _clash_of_term(conjunction, domains(conjunction[0]))
    by_term: dict[str, list[Atom]] = {}
    for atom in conjunction:
        by_term.setdefault(atom.term, []).append(atom)
    return next((why for said in by_term.values() if (why := _clash_of_term(said, domains(said[0])))), None)


def _clash_of_term(said: Sequence[Atom], domain: Domain) -> str | None:
    if len(said) > 1:
        ops = {atom.op for atom in said}
        if {"holds", "fails"} <= ops or {"defined", "undefined"} <= ops:
            return f"{_told(said)} exclude each other"
    if domain.there and any(atom.op == "undefined" for atom in said):
        return f"{said[0].term} is never missing"
    candidates = domain.values
    by_schema = candidates is not None
    if candidates is None:
        given = next((atom for atom in said if atom.op in ("==", "in")), None)
        if given is None:
            return _beyond(said, domain)
        candidates = tuple(each.value for each in given.values)
    left = [value for value in candidates if all(_may(atom, value) for atom in said)]
    if left and not by_schema:
        left = [value for value in left if _within(value, domain)]
    if left:
        return None
    if by_schema:
        return f"{said[0].term} is {' or '.join(map(written, candidates))}, and never {_told(said)}"
    if len(said) == 1:
        return f"{said[0].term} is {bounds_told(domain)}, and never {_told(said)}"
    return f"{_told(said)} exclude each other"


def _told(said: Sequence[Atom]) -> str:
    return " and ".join(dict.fromkeys(map(str, said)))


def _may(atom: Atom, value: JSON) -> bool:
    """Whether a value may satisfy it; true where nobody knows."""
    match atom.op:
        case "holds":
            return value is not False
        case "fails":
            return value is not True
        case "==" | "in":
            return any(_equal(value, each.value) is not False for each in atom.values)
        case "!=" | "not in":
            return all(_equal(value, each.value) is not True for each in atom.values)
        case "<" | "<=" | ">" | ">=":
            limit = atom.values[0].value
            if not (_is_number(value) and _is_number(limit)):
                return True
            return bool({"<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit}[atom.op])
    return True


def _equal(one: JSON, other: JSON) -> bool | None:
    """None: it is for the type-check to say whether these can be compared."""
    if one is None or other is None:
        return one is other
    if _is_number(one) and _is_number(other):
        return bool(one == other)
    return bool(one == other) if type(one) is type(other) else None


def _is_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _within(value: JSON, domain: Domain) -> bool:
    if value is None:
        return not domain.not_null
    if not domain.numeric or not _is_number(value):
        return True
    low, high = domain.low, domain.high
    return (low is None or value > low or (value == low and not domain.low_open)) and (
        high is None or value < high or (value == high and not domain.high_open)
    )


def possible(value: JSON, domain: Domain) -> bool:
    """Whether something of this domain may be equal to a constant."""
    if domain.values is not None:
        return any(_equal(each, value) is not False for each in domain.values)
    return _within(value, domain)


def _beyond(said: Sequence[Atom], domain: Domain) -> str | None:
    """Whether limits leave nothing between them."""
    low, low_open = (domain.low, domain.low_open) if domain.numeric else (None, False)
    high, high_open = (domain.high, domain.high_open) if domain.numeric else (None, False)
    for atom in said:
        if atom.op not in ("<", "<=", ">", ">=") or not _is_number(limit := atom.values[0].value):
            continue
        strict = atom.op in ("<", ">")
        if atom.op in (">", ">=") and (low is None or limit > low or (limit == low and strict)):
            low, low_open = limit, strict
        if atom.op in ("<", "<=") and (high is None or limit < high or (limit == high and strict)):
            high, high_open = limit, strict
    if low is None or high is None:
        return None
    if domain.integer and low_open and high_open and low == int(low) and high == int(high) and high - low <= 1:
        low = high
    if low < high or (low == high and not low_open and not high_open):
        return None
    if len(said) == 1:
        return f"{said[0].term} is {bounds_told(domain)}, and never {_told(said)}"
    return f"{_told(said)} exclude each other"


def bounds_told(domain: Domain) -> str:
    """What a domain without listed values allows, for people to read."""
    parts = []
    if domain.low is not None:
        parts.append(f"{'more than' if domain.low_open else 'at least'} {domain.low}")
    if domain.high is not None:
        parts.append(f"{'less than' if domain.high_open else 'at most'} {domain.high}")
    return " and ".join(parts) or "never null"


__all__ = [
    "All",
    "Atom",
    "Domain",
    "Domains",
    "Formula",
    "atoms",
    "contradiction",
    "formula_of",
    "negated",
    "possible",
    "written",
]
