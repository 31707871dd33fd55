"""What is said of a text that may be too long: where, what its longest message is made of, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from arauto.content.holes import HOLE
from arauto.errors import Diagnostic
from arauto.language import SEPARATOR, Part
from arauto.language.types import Drawn, Value, quoted_length

SHORTER = "shorten values: {0} | truncate(length=40, leeway=0); or say a lesser maxLength in the schema"
_NAMED = 4


def too_long(file: str, values: Sequence[Value], code: str, message: str, hint: str, otherwise: Part) -> Diagnostic:
    """The finding about a text whose longest message has these values, at the one that adds most to it; ``{0}`` in
    the hint is that one. Where there are none, it is at the beginning of a part."""
    if not values:
        return Diagnostic(file, otherwise.line, otherwise.column, code, message, "say less")
    added = _added(values)
    first = max(values, key=lambda value: added[value.said])
    error = first.part.error(first.at, message)
    return Diagnostic(file, error.line, error.column, code, message, hint.format(first.said))


def made_of(values: Sequence[Value], own: int, whole: int) -> str:
    """``50 characters of its own, event.data.name up to 120``: of so many characters in all."""
    added, written = _added(values), Counter(value.said for value in values)
    said = [
        f"{name} up to {length // written[name]}" + (f" ({written[name]} times)" if written[name] > 1 else "")
        for name, length in added.most_common(_NAMED)
    ]
    others = sum(length for _, length in added.most_common()[_NAMED:])
    said += [f"up to {others} of other values"] if others else []
    more = whole - own - sum(added.values())
    said += [f"and up to {more} more where values in URLs are written as %…"] if more > 0 else []
    return ", ".join([f"{own} characters of its own", *said])


def made_as_written(drawn: Drawn) -> tuple[list[Value], str]:
    """The values of a longest message that is sent as it is written, and what it is made of."""
    values = drawn.longest(len).of
    own = drawn.length() - sum(value.extent.length or 0 for value in values)
    return values, made_of(values, own, drawn.length())


def url_length(urls: Drawn) -> int:
    """How long URLs can be together: values in them are percent-encoded, but for one that a URL begins with."""
    longest = urls.longest(quoted_length)
    values = iter(longest.values)
    length, before = 0, SEPARATOR
    for character in longest.skeleton:
        if HOLE.match(character):
            value = next(values)
            length += len(value) if before == SEPARATOR else quoted_length(value)
        else:
            length += 1
        before = character
    return length


def listed(values: Iterable[Value]) -> str:
    """The names of values: ``a, b and c``."""
    *most, last = dict.fromkeys(value.said for value in values)
    return f"{', '.join(most)} and {last}" if most else last


def _added(values: Sequence[Value]) -> Counter[str]:
    added: Counter[str] = Counter()
    for value in values:
        added[value.said] += value.extent.length or 0
    return +added
