"""Steps under their numbers, and where two lines of words or of a text differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from arauto.change.flow import Address
from arauto.generate.say import Code, Line, Link, joined
from arauto.generate.telling import Told

_LONGEST = 160
"""Of a line of a text that is shown whole."""
_NEAR = 40
"""Characters that are shown before and after what differs in a long line."""
_WORD = re.compile(r"\d[\d.,]*\s+[^\s,;:]+|\s+|[^\s,;:]+(?::[^\s,;:]+)*|[,;:]")
"""A word; a number and what it counts are one."""


# -- steps ---------------------------------------------------------------------------------------------------------


def step_at(steps: Sequence[Told], address: Address) -> Told:
    """The step at an address."""
    told = steps[address[0]]
    for which, index in zip(address[1::2], address[2::2], strict=True):
        told = told.inside[which][1][index]
    return told


def number_of(steps: Sequence[Told], address: Address) -> str:
    """``3``; inside of it ``3.1``; where it has several lists, ``3b.1`` in the second."""
    number, told = str(address[0] + 1), steps[address[0]]
    for which, index in zip(address[1::2], address[2::2], strict=True):
        number += f"{_letter(told, which)}.{index + 1}"
        told = told.inside[which][1][index]
    return number


def _letter(told: Told, which: int) -> str:
    return chr(ord("a") + which) if len(told.inside) > 1 else ""


def stands_behind(steps: Sequence[Told], address: Address) -> tuple[str, str]:
    """What is said of where a new step stands, and the number of the step that says it."""
    *above, index = address
    if index:
        return "notification.step.added", number_of(steps, (*above, index - 1))
    if not above:
        return "notification.step.added_first", ""
    outer = tuple(above[:-1])
    return "notification.step.added_inside", f"{number_of(steps, outer)}{_letter(step_at(steps, outer), above[-1])}"


def numbered(steps: Sequence[Told], indent: str = "") -> Iterator[Line]:
    """Steps under their numbers, each with those inside of it."""
    for number, told in enumerate(steps, 1):
        yield joined([f"{indent}{number}. ", *told.line])
        yield from steps_inside(told, f"{indent}   ")


def steps_inside(told: Told, indent: str = "") -> Iterator[Line]:
    """The steps inside of a step, under their numbers; before each of several lists, when it is taken."""
    for label, steps in told.inside:
        if label is not None:
            yield joined([indent, *label, ":"])
        yield from numbered(steps, f"{indent}  " if label is not None else indent)


# -- lines ---------------------------------------------------------------------------------------------------------


def apart(one: Line, other: Line) -> tuple[Line, Line, Line, Line]:
    """Two lines as the words that both begin with, what each has alone, and the words that both end in."""
    first, second = _split(one), _split(other)
    start, end = _common(first, second)
    ends = len(first) - end, len(second) - end
    return (
        joined(first[:start]),
        joined(first[start : ends[0]]),
        joined(second[start : ends[1]]),
        joined(first[ends[0] :]),
    )


def _common(one: Sequence[Any], other: Sequence[Any]) -> tuple[int, int]:
    """How much of two sequences is the same at their beginning, and then at their end."""
    least = min(len(one), len(other))
    start = next((index for index in range(least) if one[index] != other[index]), least)
    rest = least - start
    return start, next((index for index in range(rest) if one[-1 - index] != other[-1 - index]), rest)


def _split(line: Line) -> list[str | Code | Link]:
    found: list[str | Code | Link] = []
    for part in line:
        found += _WORD.findall(part) if isinstance(part, str) else [part]
    return found


def cut(removed: list[str], added: list[str]) -> tuple[list[str], list[str]]:
    """Lines that differ; of long ones, which a paragraph may be, what is around the difference."""
    if len(removed) != len(added) or max(map(len, (*removed, *added)), default=0) <= _LONGEST:
        return removed, added
    pairs = [_around(one, other) for one, other in zip(removed, added, strict=True)]
    return [one for one, _ in pairs], [other for _, other in pairs]


def _around(one: str, other: str) -> tuple[str, str]:
    start, end = _common(one, other)
    begin, after = max(0, start - _NEAR), max(0, end - _NEAR)
    parts = [text[begin : len(text) - after] for text in (one, other)]
    first, second = (f"{'…' if begin else ''}{part}{'…' if after else ''}" for part in parts)
    return first, second


__all__ = ["apart", "cut", "number_of", "numbered", "stands_behind", "step_at", "steps_inside"]
