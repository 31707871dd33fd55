"""Shapes: a text is laid out once for each skeleton that it takes, not once for each message."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Generic, TypeAlias, TypeVar

from arauto.content.holes import clean, given_url
from arauto.errors import LanguageError
from arauto.language import Part, Text
from arauto.language.types import Drawn, Longest, Rendering
from arauto.model import JSON, Context

Layout = TypeVar("Layout")
LayOut: TypeAlias = Callable[[str, frozenset[int]], tuple[Layout, Collection[int]]]
"""Lays out a skeleton whose values in the set are no URLs although URLs begin with them; gives the layout and the
numbers of all values that URLs begin with."""

_SHAPES = 256
_SHORTEST = "https://x.br/"
_NONE: frozenset[int] = frozenset()


class Shapes(Generic[Layout]):
    """A text and its layouts, the most recently used of them remembered."""

    def __init__(self, file: str, text: Text, lay_out: LayOut[Layout], names: Sequence[str]) -> None:
        """``names`` say what each part of the text is."""
        self.file, self.names, self.locale = file, names, text.locale
        self._text = text
        self._lay_out = lru_cache(maxsize=_SHAPES)(lay_out)

    def render(self, context: Context) -> tuple[Layout, list[str]]:
        """The layout for this context and the values to fill it with. Raises LanguageError, with the place in the
        file, where the text fails."""
        skeleton, given = self._text.render(context)
        try:
            values = [clean(value) for value in given]
        except LanguageError as error:
            raise self._placed(error, given, context) from None
        layout, links = self._lay_out(skeleton, _NONE)
        if links:
            dead = frozenset(number for number in links if given_url(values[number]) is None)
            if dead:
                layout, _ = self._lay_out(skeleton, dead)
        return layout, values

    def part(self, name: str) -> Part | None:
        """The first part of this name."""
        return next((part for each, part in zip(self.names, self._text.parts, strict=False) if each == name), None)

    def leads(self, *marks: str) -> bool:
        """Whether any of these stands in the text."""
        return any(mark in part.source for part in self._text.parts for mark in marks)

    def drawn(self, longest: Longest, *, without: Collection[str] = ()) -> Drawn:
        """The text, drawn, with nothing in the parts of these names."""
        named = zip(self.names, self._text.parts, strict=True)
        return longest.of([Part("") if name in without else part for name, part in named], self.locale)

    def only(self, longest: Longest, *wanted: str) -> Drawn:
        """The parts of these names, drawn."""
        named = zip(self.names, self._text.parts, strict=True)
        return longest.of([part for name, part in named if name in wanted], self.locale)

    def laid_out(self, renderings: Iterable[Rendering]) -> Iterator[tuple[Layout, Rendering]]:
        """The layouts for renderings of all parts, with values to fill them with. Those that URLs begin with are URLs
        once, and are none once."""
        for rendering in renderings:
            layout, links = self._lay_out(rendering.skeleton, _NONE)
            values = rendering.values.copy()
            if links:
                dead, _ = self._lay_out(rendering.skeleton, frozenset(links))
                yield dead, rendering
                for number in links:
                    values[number] = values[number] if given_url(values[number]) else _as_url(len(values[number]))
            yield layout, rendering._replace(values=values)

    def _placed(self, error: LanguageError, given: list[JSON], context: Context) -> LanguageError:
        number = next(number for number, value in enumerate(given) if not _is_clean(value))
        line, column = self._text.place_of(number, context)
        return LanguageError(error.message, line=line, column=column, hint=error.hint)


def _as_url(length: int) -> str:
    return _SHORTEST.ljust(length, "x")


def _is_clean(value: JSON) -> bool:
    return isinstance(value, str | int | float)
