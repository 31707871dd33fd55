"""Types: what a value can be, as a union of alternatives; what is inside of it, and what is left of it once a
condition has held.

A type is a tuple of alternatives. ``Missing`` is one of them, so "optional" is no special case, and a value that is
there for certain is a type without it. The empty type belongs to code that is never reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from arauto.model import JSON


class Open(NamedTuple):
    """Anything that is there: nobody says what."""

    most: int | None = None
    """Of a text: how many characters it has at most."""
    kind: str = "open"


class Text(NamedTuple):
    """A text."""

    values: frozenset[str] | None = None
    """The only ones that it can be."""
    format: str | None = None
    """``date-time`` and the like, by JSON Schema."""
    pattern: str | None = None
    """A regular expression that it matches."""
    filled: bool = False
    """It is not empty."""
    most: int | None = None
    """How many characters it has at most."""
    letters: frozenset[str] | None = None
    """The only characters that are in it; None: any."""
    kind: str = "text"


class Number(NamedTuple):
    """A number."""

    values: frozenset[float] | None = None
    whole: bool = False
    low: float | None = None
    high: float | None = None
    kind: str = "number"


class Truth(NamedTuple):
    """True or false."""

    values: frozenset[bool] = frozenset((True, False))
    kind: str = "truth"


class Null(NamedTuple):
    """``none``."""

    kind: str = "null"


How: TypeAlias = Literal["optional", "closed", "unlisted", "open", "null", "inside", "empty", "else", "unset"]


class Missing(NamedTuple):
    """Nothing is there, and why that can be: it is optional; its object has no such property (``closed``), or does not
    list it though it lists others (``unlisted``), or lists none (``open``); what it would be in is ``null``, or has
    nothing inside; the list may be ``empty``; the expression has no ``else``; the name is ``unset``."""

    how: How = "optional"
    kind: str = "missing"


CLOSED = (Missing("closed"),)
"""What an object holds beside what it lists, when it may hold nothing."""


class Items:
    """A list: what each item is, and how many there are at least and at most."""

    __slots__ = ("_item", "least", "most", "places")
    kind = "list"

    def __init__(
        self,
        item: Type | Callable[[], Type],
        *,
        least: int = 0,
        most: int | None = None,
        places: tuple[Type, ...] | None = None,
    ) -> None:
        """``places`` are the types of the items of a tuple, one by one."""
        self._item, self.least, self.places = item, least, places
        self.most = len(places) if places is not None else most

    @property
    def item(self) -> Type:
        """The type of an item."""
        if not isinstance(self._item, tuple):
            self._item = self._item()
        return self._item

    def at(self, index: int) -> Type:
        """The item at an index."""
        if self.places is not None:
            return self.places[index] if -len(self.places) <= index < len(self.places) else (Missing("empty"),)
        needed = index + 1 if index >= 0 else -index
        return self.item if needed <= self.least else union(self.item, (Missing("empty"),))

    def filled(self) -> Items:
        """The same list, which is not empty."""
        return self if self.least else Items(self._item, least=1, most=self.most, places=self.places)


class Record:
    """An object: the types of the properties that it lists, and what another is (``rest``)."""

    __slots__ = ("_known", "rest")
    kind = "object"

    def __init__(self, known: Mapping[str, Type | Callable[[], Type]], rest: Type = CLOSED) -> None:
        self._known = dict(known)
        self.rest = rest

    def get(self, key: str) -> Type:
        """The type of a property."""
        found = self._known.get(key)
        if found is None:
            return self.rest
        if not isinstance(found, tuple):
            found = self._known[key] = found()
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """The properties that it lists."""
        return tuple(self._known)

    def where(self, key: str, type_: Type) -> Record:
        """The same object, of whose property more is known."""
        return Record({**self._known, key: type_}, self.rest)


Atom: TypeAlias = Open | Text | Number | Truth | Null | Missing | Items | Record
Type: TypeAlias = tuple[Atom, ...]
Part: TypeAlias = str | int
Change: TypeAlias = Callable[[Type], Type]
Value = TypeVar("Value", str, float)
Amount = TypeVar("Amount", int, float)

OPEN: Type = (Open(),)
TEXT: Type = (Text(),)
NUMBER: Type = (Number(),)
WHOLE: Type = (Number(whole=True),)
TRUTH: Type = (Truth(),)
NULL: Type = (Null(),)
UNLISTED: Type = (Missing("unlisted"),)
LOOSE: Type = (Open(), Missing("open"))
"""What an object may hold that says nothing about it."""


def union(*types: Type) -> Type:
    """One of these."""
    return tuple(dict.fromkeys(atom for type_ in types for atom in type_))


def one_of(values: Iterable[JSON]) -> Type:
    """One of these values; lists and objects among them are of any content."""
    texts: set[str] = set()
    numbers: set[float] = set()
    truths: set[bool] = set()
    others: list[Atom] = []
    for value in values:
        if isinstance(value, str):
            texts.add(value)
        elif isinstance(value, bool):
            truths.add(value)
        elif isinstance(value, int | float):
            numbers.add(value)
        elif value is None:
            others.append(Null())
        elif isinstance(value, list):
            items = union(*(one_of([item]) for item in value))
            others.append(Items(items, least=len(value), most=len(value)))
        else:
            others.append(Record({key: one_of([inner]) for key, inner in value.items()}))
    if texts:
        others.append(Text(frozenset(texts), filled="" not in texts))
    if numbers:
        others.append(Number(frozenset(numbers), all(number == int(number) for number in numbers)))
    if truths:
        others.append(Truth(frozenset(truths)))
    return tuple(dict.fromkeys(others))


# -- both at once --------------------------------------------------------------------------------------------------

_STRONGEST: Sequence[How] = ("closed", "optional", "null", "inside", "empty", "else", "unset")


def both(first: Type, second: Type) -> Type:
    """What is of both types."""
    return tuple(
        dict.fromkeys(
            met for one in first for other in second for met in [_meet(one, other) or _meet(other, one)] if met
        )
    )


def _meet(one: Atom, other: Atom) -> Atom | None:
    """What is of both alternatives, where the first is the less telling one; None when nothing is, or when they are to
    be asked the other way round."""
    match one, other:
        case Missing("unlisted"), _:
            return other
        case Missing(), Missing():
            return next((each for each in (one, other) if each.how in _STRONGEST), one)
        case (Open(), Missing()) | (Missing(), Open()):
            return None
        case Open(), _:
            return other
        case Text(), Text():
            values = _common(one.values, other.values)
            pattern = one.pattern or other.pattern
            filled, most = one.filled or other.filled, lesser(one.most, other.most)
            joined = Text(
                values, one.format or other.format, pattern, filled, most, _common(one.letters, other.letters)
            )
            return None if values is not None and not values else joined
        case Number(), Number():
            amounts = _common(one.values, other.values)
            low, high = lesser(one.low, other.low, -1), lesser(one.high, other.high)
            number = Number(amounts, one.whole or other.whole, low, high)
            return None if amounts is not None and not amounts else number
        case Truth(), Truth():
            truths = one.values & other.values
            return Truth(truths) if truths else None
        case Null(), Null():
            return one
        case Items(), Items():
            places, most = one.places or other.places, lesser(one.most, other.most)
            least = max(one.least, other.least)
            return Items(lambda: both(one.item, other.item), least=least, most=most, places=places)
        case Record(), Record():
            names = dict.fromkeys((*one.names, *other.names))
            return Record({name: _both_of(one, other, name) for name in names}, both(one.rest, other.rest))
    return None


def _both_of(one: Record, other: Record, name: str) -> Callable[[], Type]:
    return lambda: both(one.get(name), other.get(name))


def lesser(one: Amount | None, other: Amount | None, sign: int = 1) -> Amount | None:
    """The lesser (by a sign of -1: the greater) of two limits, of which None is none."""
    return other if one is None else one if other is None else min(one, other, key=lambda limit: limit * sign)


def _common(one: frozenset[Value] | None, other: frozenset[Value] | None) -> frozenset[Value] | None:
    return other if one is None else one if other is None else one & other


# -- what is inside ------------------------------------------------------------------------------------------------


def inside(type_: Type, part: Part) -> Type:
    """What is at this key or index of a value; ``Missing`` of the value itself is left to who asks."""
    return union(*(_inside(atom, part) for atom in type_ if atom.kind != "missing"))


def _inside(atom: Atom, part: Part) -> Type:
    match atom:
        case Open():
            return LOOSE
        case Record() if isinstance(part, str):
            return atom.get(part)
        case Items() if isinstance(part, int):
            return atom.at(part)
        case Text() if isinstance(part, int):
            there = atom.filled and part in (0, -1)
            one = Text(filled=True, most=1, letters=atom.letters)
            return (one,) if there else (one, Missing("empty"))
        case Null():
            return (Missing("null"),)
    return (Missing("inside"),)


# -- what a condition leaves ---------------------------------------------------------------------------------------


def refine(type_: Type, path: Sequence[Part], change: Change) -> Type:
    """The type, once what is at ``path`` in it was found to be as ``change`` says: alternatives that are not so go."""
    if not path:
        return change(type_)
    part, rest = path[0], path[1:]
    left: list[Atom] = []
    for atom in type_:
        if isinstance(atom, Missing):
            continue  # to look inside of it was to fail
        before = _inside(atom, part)
        after = refine(before, rest, change)
        if not after:
            continue
        if isinstance(atom, Record) and isinstance(part, str) and after != before:
            atom = atom.where(part, after)
        elif isinstance(atom, Items) and isinstance(part, int) and part >= 0 and "missing" not in _kinds(after):
            least = max(atom.least, part + 1)
            atom = Items(lambda known=atom: known.item, least=least, most=atom.most, places=atom.places)  # type: ignore[misc]
        left.append(atom)
    return tuple(left)


def _kinds(type_: Type) -> set[str]:
    return {atom.kind for atom in type_}


def present(type_: Type) -> Type:
    """It is there."""
    left = tuple(atom for atom in type_ if atom.kind != "missing")
    return union(left, OPEN) if Missing("unlisted") in type_ else left


def absent(type_: Type) -> Type:
    """It is not there."""
    return tuple(atom for atom in type_ if atom.kind == "missing")


def truthy(type_: Type) -> Type:
    """It is there, and neither none, false, zero nor empty."""
    left: list[Atom] = []
    for atom in present(type_):
        match atom:
            case Null():
                continue
            case Truth():
                if True not in atom.values:
                    continue
                atom = Truth(frozenset((True,)))
            case Text():
                values = atom.values and atom.values - {""}
                if atom.values is not None and not values:
                    continue
                atom = atom._replace(values=values, filled=True)
            case Number() if atom.values is not None:
                if not atom.values - {0}:
                    continue
                atom = atom._replace(values=atom.values - {0})
            case Items():
                atom = atom.filled()
        left.append(atom)
    return tuple(left)


def falsy(type_: Type) -> Type:
    """It is there, and none, false, zero or empty."""
    left: list[Atom] = []
    for atom in present(type_):
        match atom:
            case Truth():
                if False not in atom.values:
                    continue
                atom = Truth(frozenset((False,)))
            case Text():
                if atom.filled or (atom.values is not None and "" not in atom.values):
                    continue
                atom = Text(frozenset(("",)))
            case Number():
                if atom.values is not None and 0 not in atom.values:
                    continue
                atom = Number(frozenset((0,)), True)
            case Items() if atom.least:
                continue
        left.append(atom)
    return tuple(left)


def filled(type_: Type) -> Type:
    """It has a length, and not that of nothing."""
    return tuple(
        atom.filled() if isinstance(atom, Items) else atom._replace(filled=True) if isinstance(atom, Text) else atom
        for atom in present(type_)
        if atom.kind != "null"
    )


def equal(values: Iterable[JSON]) -> Change:
    """It is one of these."""
    wanted = one_of(values)
    return lambda type_: both(present(type_), wanted)


def different(values: Sequence[JSON]) -> Change:
    """It is there, and none of these, which are texts, numbers, none, true or false."""
    texts = {value for value in values if isinstance(value, str)}
    numbers = {value for value in values if isinstance(value, int | float) and not isinstance(value, bool)}
    truths = {value for value in values if isinstance(value, bool)}

    def change(type_: Type) -> Type:
        left: list[Atom] = []
        for atom in present(type_):
            match atom:
                case Null() if None in values:
                    continue
                case Text(frozenset() as known):
                    atom = atom._replace(values=known - texts)
                case Text() if "" in texts:
                    atom = atom._replace(filled=True)
                case Number(frozenset() as amounts):
                    atom = atom._replace(values=amounts - numbers)
                case Truth():
                    atom = Truth(atom.values - truths)
            if getattr(atom, "values", None) != frozenset():
                left.append(atom)
        return tuple(left)

    return change


def of_kinds(*kinds: str) -> Change:
    """It is there, and of one of these kinds; anything may be."""
    return lambda type_: tuple(atom for atom in present(type_) if atom.kind in kinds or atom.kind == "open")


def not_of_kinds(*kinds: str) -> Change:
    """It is of none of these kinds, or is not there."""
    return lambda type_: tuple(atom for atom in type_ if atom.kind not in kinds)
