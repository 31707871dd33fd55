"""What each filter takes and gives, by types."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime
from typing import NamedTuple, TypeAlias

from babel.numbers import is_currency

from arauto.language.filters import DECIMAL, PLURALS, STYLES
from arauto.language.types.lattice import (
    CLOSED,
    NUMBER,
    OPEN,
    TEXT,
    TRUTH,
    WHOLE,
    Atom,
    Items,
    Missing,
    Record,
    Text,
    Type,
    union,
)

Result: TypeAlias = Callable[[Type], Type]

_ANY = frozenset({"text", "number", "truth", "null", "list", "object"})
_NUMBERS = frozenset({"number"})
_WORDS = frozenset({"text", "number", "truth"})
_TEXTS = frozenset({"text"})
_MANY = frozenset({"text", "list", "object"})
_OBJECTS = frozenset({"object"})
_SHOWN: Type = (Text(filled=True),)
_ANYTHING: Collection[str] | None = None

SAID = {
    "text": "a text",
    "number": "a number",
    "truth": "true or false",
    "null": "none",
    "list": "a list",
    "object": "an object",
}
"""A kind of alternative, in words."""


class Signature(NamedTuple):
    """What a filter takes (kinds of values, how many arguments by place, which by name; None: any) and gives."""

    takes: frozenset[str]
    least: int
    most: int
    named: Collection[str] | None
    gives: Result


def items_of(type_: Type) -> Type:
    """What going over a value gives, one by one: of an object its keys, of a text its characters."""
    found: list[Type] = []
    for atom in type_:
        match atom:
            case Items():
                found.append(atom.item)
            case Record():
                found.append(TEXT)
            case Text():
                found.append((Text(filled=True, most=1, letters=atom.letters),))
            case _ if atom.kind == "open":
                found.append(OPEN)
    return union(*found)


def least_of(type_: Type) -> int:
    """How many there are at least, going over a value."""
    return min((_least(atom) for atom in type_), default=0)


def _least(atom: Atom) -> int:
    return atom.least if isinstance(atom, Items) else int(isinstance(atom, Text) and atom.filled)


def most_of(type_: Type) -> int | None:
    """How many there are at most, going over a value; None where nothing says so."""
    most = 0
    for atom in type_:
        match atom:
            case Items(most=int() as limit) | Text(most=int() as limit):
                most = max(most, limit)
            case Record() if atom.rest == CLOSED:
                most = max(most, len(atom.names))
            case _ if atom.kind not in ("null", "missing"):
                return None
    return most


def _constantly(type_: Type) -> Result:
    return lambda given: type_


def _listed(given: Type) -> Type:
    """A list of what it goes over, in whichever order."""
    return (Items(lambda: items_of(given), least=least_of(given), most=most_of(given)),)


def _some(given: Type) -> Type:
    """A list of some of what it goes over."""
    return (Items(lambda: items_of(given), most=most_of(given)),)


def _one(given: Type) -> Type:
    """One of what it goes over, or nothing where there is nothing."""
    open_ = any(atom.kind == "open" for atom in given)
    return items_of(given) if least_of(given) or open_ else union(items_of(given), (Missing("empty"),))


def _parts(given: Type) -> Type:
    return (Items(lambda: _some(given)),)


def _pairs(given: Type) -> Type:
    values = union(*(atom.get(name) for atom in given if isinstance(atom, Record) for name in atom.names))
    inner = tuple(atom for atom in values if not isinstance(atom, Missing)) or OPEN
    if any(atom.kind == "open" or (isinstance(atom, Record) and atom.rest != (Missing("closed"),)) for atom in given):
        inner = OPEN
    return (Items((Items(union(TEXT, inner), least=2, places=(TEXT, inner)),), most=most_of(given)),)


def _same(given: Type) -> Type:
    return tuple(Text() if isinstance(atom, Text) else atom for atom in _as_list(given))


def _as_list(given: Type) -> Type:
    return tuple(inner for atom in given for inner in (_listed((atom,)) if isinstance(atom, Record) else (atom,)))


SIGNATURES: dict[str, Signature] = {
    "money": Signature(_NUMBERS, 1, 1, ("currency",), _constantly(_SHOWN)),
    "number": Signature(_NUMBERS, 0, 1, ("digits",), _constantly(_SHOWN)),
    "percent": Signature(_NUMBERS, 0, 1, ("digits",), _constantly(_SHOWN)),
    "plural": Signature(_NUMBERS, 1, 1, ("forms",), _constantly(TEXT)),
    "date": Signature(_TEXTS, 0, 1, ("style",), _constantly(_SHOWN)),
    "time": Signature(_TEXTS, 0, 1, ("style",), _constantly(_SHOWN)),
    "datetime": Signature(_TEXTS, 0, 1, ("style",), _constantly(_SHOWN)),
    "abs": Signature(_NUMBERS, 0, 0, (), _constantly(NUMBER)),
    "batch": Signature(_MANY, 1, 2, _ANYTHING, _parts),
    "bool": Signature(_ANY, 0, 0, (), _constantly(TRUTH)),
    "capitalize": Signature(_WORDS, 0, 0, (), _constantly(TEXT)),
    "count": Signature(_MANY, 0, 0, (), _constantly(WHOLE)),
    "dictsort": Signature(_OBJECTS, 0, 0, ("by", "case_sensitive", "reverse"), _pairs),
    "filesizeformat": Signature(_NUMBERS, 0, 1, _ANYTHING, _constantly(_SHOWN)),
    "first": Signature(_MANY, 0, 0, (), _one),
    "float": Signature(_WORDS | {"null"}, 0, 1, _ANYTHING, _constantly(NUMBER)),
    "format": Signature(_TEXTS, 0, 99, _ANYTHING, _constantly(TEXT)),
    "groupby": Signature(_MANY, 0, 1, _ANYTHING, _constantly((Items(OPEN),))),
    "int": Signature(_WORDS | {"null"}, 0, 2, _ANYTHING, _constantly(WHOLE)),
    "items": Signature(_OBJECTS, 0, 0, (), _pairs),
    "join": Signature(_MANY, 0, 2, _ANYTHING, _constantly(TEXT)),
    "last": Signature(_MANY, 0, 0, (), _one),
    "length": Signature(_MANY, 0, 0, (), _constantly(WHOLE)),
    "lines": Signature(_TEXTS, 0, 0, (), _constantly((Items(TEXT),))),
    "list": Signature(_MANY | {"null"}, 0, 0, (), _listed),
    "lower": Signature(_WORDS, 0, 0, (), _constantly(TEXT)),
    "max": Signature(_MANY, 0, 0, _ANYTHING, _one),
    "min": Signature(_MANY, 0, 0, _ANYTHING, _one),
    "reject": Signature(_MANY, 0, 99, _ANYTHING, _some),
    "rejectattr": Signature(_MANY, 1, 99, _ANYTHING, _some),
    "replace": Signature(_WORDS, 2, 3, _ANYTHING, _constantly(TEXT)),
    "reverse": Signature(_MANY, 0, 0, (), _same),
    "round": Signature(_NUMBERS, 0, 2, _ANYTHING, _constantly(NUMBER)),
    "select": Signature(_MANY, 0, 99, _ANYTHING, _some),
    "selectattr": Signature(_MANY, 1, 99, _ANYTHING, _some),
    "slice": Signature(_MANY, 1, 2, _ANYTHING, _parts),
    "sort": Signature(_MANY, 0, 0, ("attribute", "case_sensitive", "reverse"), _listed),
    "split": Signature(_TEXTS, 0, 2, _ANYTHING, _constantly((Items(TEXT, least=1),))),
    "string": Signature(_WORDS, 0, 0, (), _constantly(TEXT)),
    "striptags": Signature(_WORDS, 0, 0, (), _constantly(TEXT)),
    "sum": Signature(_MANY, 0, 0, ("attribute",), _constantly(NUMBER)),
    "title": Signature(_WORDS, 0, 0, (), _constantly(TEXT)),
    "trim": Signature(_WORDS, 0, 1, _ANYTHING, _constantly(TEXT)),
    "truncate": Signature(_TEXTS, 0, 0, ("length", "killwords", "end", "leeway"), _constantly(TEXT)),
    "unique": Signature(
        _MANY,
        0,
        0,
        _ANYTHING,
        lambda given: (Items(lambda: items_of(given), least=min(least_of(given), 1), most=most_of(given)),),
    ),
    "upper": Signature(_WORDS, 0, 0, (), _constantly(TEXT)),
    "zip": Signature(_MANY, 0, 99, _ANYTHING, _constantly((Items(OPEN),))),
}
"""By filter. Those that are not here (``default``, ``attr``, ``map``) are looked into where they are used."""

_OF_NUMBERS = frozenset({"money", "number", "percent", "plural"})
_OF_MOMENTS = frozenset({"date", "time", "datetime"})

_AMOUNTS = ("1", "12", "1234", "12.5", "12.50", "-1.00")
_DAYS = ("2026-01-31",)
_MOMENTS = ("2026-01-31T15:30:00Z", "2026-01-31T15:30:00-03:00", "2026-01-31T15:30:00.123Z")
_MOMENT_HINT = "say format: date-time in its schema, or write 2026-01-31T15:30:00Z"


def refuses(name: str, given: Type) -> tuple[str, str, str | None] | None:
    """What this filter cannot work on among the alternatives of a value: what it is (``null``, or in words), what the
    filter takes, and a hint; None where it can work on all."""
    takes = SIGNATURES[name].takes
    for atom in given:
        if atom.kind in ("open", "missing"):
            continue
        if name in _OF_NUMBERS and isinstance(atom, Text):
            if not _numeric(atom):
                return (
                    _text_said(atom),
                    "a number",
                    "make it a number in the schema, or say by a pattern that its text is one",
                )
        elif name in _OF_MOMENTS:
            if not isinstance(atom, Text) or not is_time(atom, day=name == "date"):
                return "null" if atom.kind == "null" else _text_said(atom), "a moment", _MOMENT_HINT
        elif atom.kind not in takes:
            return "null" if atom.kind == "null" else SAID[atom.kind], _said(takes), None
    return None


def _text_said(atom: Atom) -> str:
    if not isinstance(atom, Text) or atom.values is not None:
        return SAID[atom.kind]
    return f"a text of the format {atom.format}" if atom.format else "any text"


def _said(kinds: frozenset[str]) -> str:
    if kinds >= _WORDS:
        return SAID["text"]
    *most, last = (SAID[kind] for kind in SAID if kind in kinds)
    return f"{', '.join(most)} or {last}" if most else last


def _numeric(atom: Text) -> bool:
    if atom.values is not None:
        return all(map(DECIMAL.fullmatch, atom.values))
    return atom.format is None and _fits(atom.pattern, _AMOUNTS)


def is_time(atom: Text, *, day: bool) -> bool:
    """Whether a text is surely a moment with its offset, or else (where that does) a day."""
    if atom.values is not None:
        return all(_is_moment(value, day=day) for value in atom.values)
    if atom.format is None:
        return _fits(atom.pattern, _DAYS + _MOMENTS if day else _MOMENTS)
    return atom.format == "date-time" or (atom.format == "date" and day)


def _fits(pattern: str | None, examples: Iterable[str]) -> bool:
    """Whether a pattern lets one of these through; it is believed to mean them then."""
    try:
        return pattern is not None and any(re.search(pattern, example) for example in examples)
    except re.error:
        return True  # the expression is of another kind than Python's


def _is_moment(text: str, *, day: bool) -> bool:
    try:
        if day and len(text) == len("2026-01-31"):
            return bool(date.fromisoformat(text))
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def refused_argument(name: str, given: Type) -> tuple[str, str | None] | None:
    """What is wrong with the argument of one of our own filters; None where nothing is."""
    if any(atom.kind == "open" for atom in given):
        return None
    if name == "money":
        return _refused_text(given, is_currency, "money takes a currency", 'write its ISO 4217 code, such as "BRL"')
    if name in _OF_MOMENTS:
        hint = f"there is: {', '.join(STYLES)}"
        return _refused_text(given, STYLES.__contains__, f"{name} takes a style", hint)
    if name in ("number", "percent"):
        for atom in given:
            digits = getattr(atom, "values", None)
            if atom.kind not in ("number", "null") or (digits and not all(0 <= each <= 20 for each in digits)):
                return f"{name} takes how many digits to show, 0 to 20", f"such as value | {name}(2)"
        return None
    if name == "plural":
        return _refused_forms(given)
    return None


def _refused_text(given: Type, fits: Callable[[str], bool], message: str, hint: str) -> tuple[str, str | None] | None:
    for atom in given:
        if not isinstance(atom, Text):
            return f"{message}, not {SAID.get(atom.kind, 'this')}", hint
        wrong = sorted(value for value in atom.values or () if not fits(value))
        if wrong:
            return f"{message}, and {wrong[0]!r} is none", hint
    return None


def _refused_forms(given: Type) -> tuple[str, str | None] | None:
    hint = 'write plural({"one": "# item", "other": "# items"})'
    for atom in given:
        if not isinstance(atom, Record):
            return f"plural takes the forms of a word, not {SAID.get(atom.kind, 'this')}", hint
        if "other" not in atom.names:
            return "plural needs at least the form other", hint
        for name in atom.names:
            if name not in PLURALS or {each.kind for each in atom.get(name)} - {"text", "open"}:
                return f"{name} is not a plural form with a text", "there is: zero, one, two, few, many, other"
    return None
