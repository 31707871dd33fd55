"""How long a text can be, and of which characters: by its schema, and after each filter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from re import _parser as regex  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from jinja2 import nodes

from arauto.errors import LanguageError
from arauto.language.filters import STYLES, filters, longest_moment
from arauto.language.types.filters import SIGNATURES, items_of, most_of
from arauto.language.types.lattice import TEXT, Items, Number, Open, Text, Truth, Type, lesser

DIGITS = 999_999_999_999
"""A number that nothing limits is taken to have at most twelve digits before its point,"""
_WRITTEN = "-1.7976931348623157e+308"
"""and one that is no whole number, written as it is, to be the longest there is."""

_ASCII = frozenset(map(chr, range(33, 127)))
_OF_ADDRESSES = _ASCII - frozenset('"<>\\^`{|}~[]')
"""What addresses are made of; some of the rest may be in one, but is not."""
_FORMATS: Mapping[str, tuple[int | None, frozenset[str]]] = {
    "date": (10, frozenset("0123456789-")),
    "date-time": (35, frozenset("0123456789-:.+TZtz")),
    "time": (24, frozenset("0123456789:.+-Zz")),
    "duration": (None, frozenset("0123456789PYMDTHSW")),
    "email": (254, _OF_ADDRESSES),
    "hostname": (253, _ASCII),
    "ipv4": (15, frozenset("0123456789.")),
    "ipv6": (45, frozenset("0123456789abcdefABCDEF:.")),
    "uri": (None, _OF_ADDRESSES),
    "uri-reference": (None, _OF_ADDRESSES),
    "uuid": (36, frozenset("0123456789abcdefABCDEF-")),
}
_CLASSES = {
    regex.CATEGORY_DIGIT: frozenset("0123456789"),
    regex.CATEGORY_WORD: frozenset(filter(str.isalnum, _ASCII)) | {"_"},
    regex.CATEGORY_SPACE: frozenset(
        " \t\n\r\f\v\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
        "\u2028\u2029\u202f\u205f\u3000\ufeff"
    ),
}
_WIDEST = 2000

_filters = lru_cache(maxsize=32)(filters)


class Extent(NamedTuple):
    """What a value can be at the longest."""

    fixed: frozenset[str] = frozenset()
    """These texts,"""
    most: int | None = -1
    """and others of so many characters (None: nothing says how many; -1: no others),"""
    letters: frozenset[str] | None = frozenset()
    """which are among these (None: any)."""

    @property
    def length(self) -> int | None:
        """Of the longest; None where nothing limits it."""
        return None if self.most is None else max(self.most, 0, *map(len, self.fixed))

    @property
    def among(self) -> frozenset[str] | None:
        """All characters that can be in it; None: any."""
        return None if self.letters is None else self.letters.union(*self.fixed)

    def text(self) -> Text:
        """The type of such a text."""
        return Text(self.fixed) if self.most == -1 else Text(most=self.length, letters=self.among)


def extent(type_: Type) -> Extent:
    """What a value of this type is, written."""
    fixed: set[str] = set()
    most: int | None = -1
    letters: frozenset[str] | None = frozenset()
    for atom in type_:
        match atom:
            case Text(values=frozenset() as values):
                fixed |= values
            case Number():
                fixed |= _digits(atom)
            case Truth(values=truths):
                fixed |= {str(truth).lower() for truth in truths}
            case Text() | Open():
                limit, among = _bounds(atom) if isinstance(atom, Text) else (atom.most, None)
                most = None if most is None or limit is None else max(most, limit)
                letters = None if letters is None or among is None else letters | among
    return Extent(frozenset(fixed), most, letters)


def _bounds(atom: Text) -> tuple[int | None, frozenset[str] | None]:
    most, letters = atom.most, atom.letters
    for limit, among in (_FORMATS.get(atom.format or "", (None, None)), _matched(atom.pattern)):
        most = lesser(most, limit)
        letters = among if letters is None else letters if among is None else letters & among
    return most, letters


@lru_cache(maxsize=1024)
def _matched(pattern: str | None) -> tuple[int | None, frozenset[str] | None]:
    """How many characters a text has that matches, and which; None where that is not known."""
    try:
        parsed = regex.parse(pattern or "", re.ASCII)
    except (re.error, OverflowError, RecursionError):
        return None, None
    ends = [value for op, value in (*parsed[:1], *parsed[-1:]) if op is regex.AT]
    if ends not in ([regex.AT_BEGINNING, regex.AT_END], [regex.AT_BEGINNING_STRING, regex.AT_END_STRING]):
        return None, None
    most = parsed.getwidth()[1]
    return (None if most >= regex.MAXREPEAT or most > 10**6 else int(most)), _among(parsed)


def _among(parsed: Any) -> frozenset[str] | None:
    """The characters that a part of a pattern lets through; None: any."""
    found: set[str] = set()
    for op, value in parsed:
        inner: list[Any] = []
        match str(op):
            case "LITERAL":
                found.add(chr(value))
            case "IN":
                inner = [[each] for each in value]
            case "RANGE" if value[1] - value[0] <= _WIDEST:
                found.update(map(chr, range(value[0], value[1] + 1)))
            case "CATEGORY" if value in _CLASSES:
                found |= _CLASSES[value]
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                inner = [value[2]]
            case "SUBPATTERN":
                inner = [value[3]]
            case "BRANCH":
                inner = value[1]
            case "AT" | "ASSERT" | "ASSERT_NOT":
                pass
            case _:
                return None
        for each in inner:
            letters = _among(each)
            if letters is None:
                return None
            found |= letters
    return frozenset(found)


def _digits(atom: Number) -> frozenset[str]:
    """A number as it is written by no filter."""
    if atom.values is not None:
        return frozenset(repr(value) for value in atom.values)
    if not atom.whole:
        return frozenset((_WRITTEN,))
    return frozenset(str(int(value)) for value in _range(atom))


def _range(atom: Number) -> tuple[float, float]:
    low, high = -DIGITS if atom.low is None else atom.low, DIGITS if atom.high is None else atom.high
    return low, high


# -- what becomes of it --------------------------------------------------------------------------------------------


def joined(pieces: Sequence[Type]) -> Type:
    """Texts, one after another."""
    extents = list(map(extent, pieces))
    return (_sum(extents, [1] * len(extents)),)


def _sum(extents: Sequence[Extent], times: Sequence[int]) -> Text:
    most: int | None = 0
    letters: frozenset[str] | None = frozenset()
    for each, count in zip(extents, times, strict=True):
        most = None if most is None or each.length is None else most + each.length * count
        letters = None if letters is None or each.among is None else letters | each.among
    return Text(most=most, letters=letters)


def cut(given: Type, part: nodes.Slice) -> Type:
    """A part of a text."""
    start, stop = _constant(part.start, 0), _constant(part.stop)
    whole = extent(given)
    most = whole.length
    if isinstance(stop, int) and stop >= 0 and isinstance(start, int) and start >= 0:
        most = lesser(most, max(stop - start, 0))
    return (Text(most=most, letters=whole.among),)


_CASES: Mapping[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "capitalize": str.capitalize,
    "trim": str,
    "string": str,
    "striptags": str,
}


def after(
    name: str, given: Type, arguments: Sequence[nodes.Expr], named: Mapping[str, nodes.Expr], locale: str
) -> Type:
    """What a filter gives that takes this value; what is not followed here, as ``filters`` says."""
    constants = [_constant(each) for each in arguments]
    keyed = {key: _constant(each) for key, each in named.items()}
    match name:
        case "money" | "number" | "percent":
            option = next(iter((*constants, *keyed.values())), None)
            return (Text(_written(name, given, "CHF" if name == "money" and option is ... else option, locale)),)
        case "plural":
            return _plural(next(iter((*constants, *keyed.values())), ...), given, locale)
        case "date" | "time" | "datetime":
            style = next(iter((*constants, *keyed.values())), "medium")
            styles = (style,) if style in STYLES else STYLES
            return (Text(frozenset(longest_moment(locale, name, each) for each in styles)),)
        case "truncate":
            return _truncated(given, keyed)
        case "replace" if len(constants) >= 2:
            return _replaced(given, constants[0], constants[1])
        case "join" if "attribute" not in named:
            return _listed(given, constants[0] if constants else keyed.get("d", ""))
        case "split" | "lines":
            whole = extent(given)
            return (Items((whole.text(),), least=int(name == "split")),)
        case "filesizeformat":
            return (Text(most=12, letters=_ASCII | {" "}),)
        case _ if name in _CASES:
            return _recast(extent(given), _CASES[name])
    return SIGNATURES[name].gives(given)


def _constant(node: nodes.Node | None, otherwise: Any = ...) -> Any:
    """The value of an expression that is a constant; ``...`` where it is none."""
    match node:
        case None:
            return otherwise
        case nodes.Const():
            return node.value
        case nodes.Dict():
            found = {_constant(pair.key): _constant(pair.value) for pair in node.items}
            return found if ... not in (*found, *found.values()) else ...
    return ...


def _written(name: str, given: Type, option: Any, locale: str) -> frozenset[str]:
    write = _filters(locale)[name]
    found: set[str] = set()
    for value in _amounts(given):
        try:
            found.add(str(write(value, option)))
        except LanguageError:
            continue  # it is told where types are checked
    return frozenset(found)


def _amounts(given: Type) -> list[float | str]:
    found: list[float | str] = []
    for atom in given:
        match atom:
            case Number(values=frozenset() as values):
                found += values
            case Number():
                low, high = _range(atom)
                found += [low, high] if atom.whole else [low, low + 0.888, high, high - 0.888]
            case Text(values=frozenset() as texts):
                found += texts
            case Text() | Open():
                limit = _bounds(atom)[0] if isinstance(atom, Text) else None
                found += ["-" + "8" * min(limit or 12, 29) + ".888", "8" * min(limit or 12, 30)]
    return found


def _plural(forms: Any, given: Type, locale: str) -> Type:
    if not isinstance(forms, dict):
        return TEXT
    numbers = _written("number", given, None, locale) or {""}
    longest = max(numbers, key=len)
    return (Text(frozenset(str(form).replace("#", longest) for form in forms.values())),)


def _truncated(given: Type, keyed: Mapping[str, Any]) -> Type:
    length, leeway, end = keyed.get("length", 255), keyed.get("leeway", 5), keyed.get("end", "...")
    whole = extent(given)
    if not (isinstance(length, int) and isinstance(leeway, int) and isinstance(end, str)):
        return (whole.text(),)
    if whole.most == -1 and (whole.length or 0) <= length:
        return (whole.text(),)
    most = lesser(whole.length, max(length + leeway, len(end)))
    return (Text(most=most, letters=None if whole.among is None else whole.among | set(end)),)


def _replaced(given: Type, old: Any, new: Any) -> Type:
    whole = extent(given)
    if not isinstance(old, str) or not isinstance(new, str) or not old:
        return TEXT
    if whole.most == -1:
        return (Text(frozenset(each.replace(old, new) for each in whole.fixed)),)
    most = whole.length
    if most is not None and len(new) > len(old):
        most = most // len(old) * len(new) + most % len(old)
    return (Text(most=most, letters=None if whole.among is None else whole.among | set(new)),)


def _listed(given: Type, between: Any) -> Type:
    count, items = most_of(given), extent(items_of(given))
    if not isinstance(between, str):
        return TEXT
    if count is None:
        return (Text(letters=None if items.among is None else items.among | set(between)),)
    return (_sum([items, Extent(frozenset((between,)))], [count, max(count - 1, 0)]),)


def _recast(whole: Extent, change: Callable[[str], str]) -> Type:
    fixed = frozenset(map(change, whole.fixed))
    if whole.most == -1:
        return (Text(fixed),)
    if whole.letters is None:
        return (Extent(fixed, whole.most, None).text(),)
    first = {change(letter) for letter in whole.letters}
    later = {change(f"x{letter}")[1:] for letter in whole.letters}
    widest = max(map(len, first | later), default=1)
    most = None if whole.most is None else whole.most * max(widest, 1)
    return (Extent(fixed, most, whole.letters.union(*first, *later)).text(),)


__all__ = ["Extent", "after", "cut", "extent", "joined"]
