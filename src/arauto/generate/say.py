"""Words of one language, put together to lines: text with code and links in it, for any form of page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TypeAlias
from unicodedata import normalize

import yaml
from babel.dates import get_timezone_location
from babel.numbers import format_currency, format_decimal
from msgspec import Struct

from arauto.model import JSON

LANGUAGES = ("en", "pt-BR")


class Code(Struct, frozen=True):
    """What is shown as it is written in the project."""

    text: str


class Link(Struct, frozen=True):
    """A page of the same language, such as ``events/order.paid``, and what stands for it."""

    to: str
    text: str
    code: bool = False


Line: TypeAlias = tuple[str | Code | Link, ...]

_HOLE = re.compile(r"\{(\w+)(?:\|([^|}]*)\|([^|}]*))?\}")
_SPANS = (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
_WEEKDAYS, _WEEKEND = (0, 1, 2, 3, 4), (5, 6)


class Words:
    """What is said in one of LANGUAGES; ``beside`` is another package with a folder ``words``, whose words are known,
    too, and come first."""

    def __init__(self, language: str, beside: str | None = None) -> None:
        self.language = language
        self._known = _known(language) if beside is None else {**_known(language), **_known(language, beside)}

    def __contains__(self, code: str) -> bool:
        """There are words for this code."""
        return code in self._known

    def say(self, code: str, **values: str | int | float | Line) -> Line:
        """The words of a code with these values in them; ``{count|day|days}`` is a number and its noun."""
        template = self._known[code]
        line: list[str | Code | Link] = []
        at = 0
        for hole in _HOLE.finditer(template):
            line.append(template[at : hole.start()])
            line += self._shown(values[hole[1]], hole[2], hole[3])
            at = hole.end()
        return joined([*line, template[at:]])

    def text(self, code: str, **values: str | int | float) -> str:
        """The words of a code without code and links in them."""
        return plain(self.say(code, **values))

    def _shown(self, value: str | int | float | Line, one: str | None, other: str | None) -> Line:
        if isinstance(value, tuple):
            return value
        shown = value if isinstance(value, str) else self.number(value)
        if one is None:
            return (shown,)
        return (f"{shown} {one if value == 1 else other}",)

    def city(self, zone: str) -> str:
        """A time zone by its city, as this language calls it, with the accents that it has in Portuguese."""
        name = str(get_timezone_location(zone, locale=self.language.replace("-", "_"), return_city=True))
        accented = str(get_timezone_location(zone, locale="pt_BR", return_city=True))
        return accented if normalize("NFD", accented).encode("ascii", "ignore").decode() == name else name

    def number(self, value: float) -> str:
        """A number as this language writes it."""
        return format_decimal(value, locale=self.language.replace("-", "_"))

    def money(self, amount: Decimal, currency: str) -> str:
        """An amount to its last digit, with the sign that this language has for the currency."""
        locale = self.language.replace("-", "_")
        return str(format_currency(amount, currency, locale=locale, decimal_quantization=False))

    def listed(self, lines: Sequence[Line], last: str = "and", between: str = ", ") -> Line:
        """``a, b and c``; ``last`` is the code of the word before the last."""
        if len(lines) < 2:
            return lines[0] if lines else ()
        parts: list[str | Code | Link] = [*lines[0]]
        for line in lines[1:-1]:
            parts += [between, *line]
        return joined([*parts, self._known[last], *lines[-1]])

    def duration(self, seconds: float) -> str:
        """``2 hours``, ``1 day and 12 hours``; a week is told as 7 days, unless there are several."""
        left, parts = round(seconds), []
        for unit, size in _SPANS:
            if unit == "week" and (left % size or left == size):
                continue
            number, left = divmod(left, size)
            if number:
                one, other = self._known[f"unit.{unit}"].split("|")
                parts.append((f"{self.number(number)} {one if number == 1 else other}",))
        return plain(self.listed(parts)) if parts else f"0 {self._known['unit.second'].split('|')[1]}"

    def days(self, days: Iterable[int]) -> str:
        """Days of the week, Monday is 0: ``weekdays``, ``Mondays and Thursdays``."""
        given = tuple(days)
        for known, code in ((_WEEKDAYS, "weekdays"), (_WEEKEND, "weekend")):
            if given == known:
                return self._known[f"days.{code}"]
        return plain(self.listed([(self._known[f"day.{day}"],) for day in given]))

    def limits(self, limits: Mapping[str, JSON]) -> str:
        """What a schema asks of a value beyond its type."""
        told: list[str] = []
        for key, value in limits.items():
            shown = value if isinstance(value, str) else self.number(value)
            told.append(self.text(f"limit.{key}", value=shown, count=value))
        return ", ".join(told)


def joined(parts: Iterable[str | Code | Link]) -> Line:
    """A line of these parts, without empty ones, and with text that meets text as one."""
    line: list[str | Code | Link] = []
    for part in parts:
        if isinstance(part, str) and line and isinstance(line[-1], str):
            line[-1] = f"{line[-1]}{part}"
        elif part != "":
            line.append(part)
    return tuple(line)


def plain(line: Line) -> str:
    """A line as text alone."""
    return "".join(part if isinstance(part, str) else part.text for part in line)


def sentence(line: Line, end: str = ".") -> Line:
    """A clause as a sentence: with a capital and an end."""
    match line:
        case (str() as first, *rest):
            line = (first[:1].upper() + first[1:], *rest)
        case (Link(code=False) as first, *rest):
            line = (Link(first.to, first.text[:1].upper() + first.text[1:]), *rest)
    return joined([*line, "" if plain(line).endswith((".", ":", "!", "?")) else end])


@cache
def _known(language: str, package: str = __package__) -> dict[str, str]:
    text = files(f"{package}.words").joinpath(f"{language}.yaml").read_text(encoding="utf-8")
    known: dict[str, str] = yaml.safe_load(text)
    return known
