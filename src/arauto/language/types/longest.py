"""The longest messages that a text can make, for data that their schemas allow.

A text is drawn once: what stands in it, the values that are written, ways that exclude each other, and loops. From
that come renderings as ``Text.render`` gives them, with values of the greatest length, so that a channel can lay them
out and measure them as it does messages. Of the ways of each ``if``, the longest is taken, and then every other once:
a shorter one may hold characters that cost more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias
from urllib.parse import quote

from jinja2 import nodes

from arauto.language.environment import FIRST_HOLE, HOLES
from arauto.language.text import COUNTERS, SEPARATOR, Part
from arauto.language.types import lengths
from arauto.language.types.check import Walk
from arauto.language.types.filters import most_of
from arauto.language.types.judge import place, said_of
from arauto.language.types.lattice import Type
from arauto.language.types.lengths import Extent, extent
from arauto.language.types.narrow import Known
from arauto.language.types.syntax import parse_text

Cost: TypeAlias = Callable[[str], float]
"""What a channel pays for a text: the more, the worse."""

_RENDERINGS = 24
_MOST_HOLES = HOLES // 2
_ANY = "\U0001f600"
"""What costs most wherever any character may stand."""


class Value(NamedTuple):
    """A value that a text writes, or a list that it goes over."""

    said: str
    """As it is written, in short."""
    part: Part
    at: int
    """The offset in its part."""
    extent: Extent


class Rendering(NamedTuple):
    """A text as ``Text.render`` gives it: a skeleton and the values for it, and what these are."""

    skeleton: str
    values: list[str]
    of: list[Value]


class _Choice(NamedTuple):
    ways: list[list[_Piece]]


class _Loop(NamedTuple):
    body: list[_Piece]
    times: int | None
    over: Value


_Piece: TypeAlias = str | Value | _Choice | _Loop


class Drawn:
    """Parts of a file, drawn."""

    def __init__(self, pieces: list[_Piece]) -> None:
        self._pieces = pieces
        self._inner = list(_every(pieces))

    def endless(self) -> list[Value]:
        """The values of which nothing says how long they are, each once."""
        endless = [
            piece.over if isinstance(piece, _Loop) else piece
            for piece in self._inner
            if (isinstance(piece, Value) and piece.extent.most is None)
            or (isinstance(piece, _Loop) and piece.times is None and piece.body)
        ]
        found = {value.said: value for value in reversed(endless)}
        return sorted(found.values(), key=lambda value: (value.part.line, value.at))

    def length(self) -> int:
        """Of the longest rendering in characters, what is endless not counted."""
        return _length(self._pieces)

    def longest(self, cost: Cost) -> Rendering:
        """The longest rendering, what is endless being left empty."""
        return next(self.renderings(cost))

    def renderings(self, cost: Cost) -> Iterator[Rendering]:
        """The longest rendering, and those of which one may cost more though it is shorter."""
        choices = [piece for piece in self._inner if isinstance(piece, _Choice)]
        longest = {id(choice): max(choice.ways, key=_length) for choice in choices}
        texts = {id(value): _worst(value.extent, cost) for value in self._inner if isinstance(value, Value)}
        first = {at: worst[0] for at, worst in texts.items()}
        yield _rendered(self._pieces, longest, first)
        others = [
            ({**longest, id(choice): way}, first)
            for choice in choices
            for way in choice.ways
            if way is not longest[id(choice)]
        ]
        others += [(longest, {**first, at: text}) for at, worst in texts.items() for text in worst[1:]]
        for ways, values in others[:_RENDERINGS]:
            yield _rendered(self._pieces, ways, values)


class Longest:
    """Draws the texts of one place, where it is known what names are."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._drawn: dict[tuple[Part, str], list[_Piece]] = {}

    def of(self, parts: Iterable[Part], locale: str) -> Drawn:
        """These parts, which have no faults, joined as a Text joins them."""
        pieces: list[_Piece] = []
        for number, part in enumerate(parts):
            pieces += [SEPARATOR] if number else []
            drawn = self._drawn.get((part, locale))
            if drawn is None:
                drawn = self._drawn[part, locale] = _Drawer(part, locale).draw(self._known)
            pieces += drawn
        return Drawn(pieces)


class _Drawer(Walk):
    """Goes over a part and notes what it writes."""

    def __init__(self, part: Part, locale: str) -> None:
        super().__init__()
        self._part, self._locale = part, locale
        self._pieces: list[_Piece] = []
        self._bodies: list[list[_Piece] | None] = []
        """Of what was gone over: what it writes; None where no run comes to it."""

    def draw(self, known: Known) -> list[_Piece]:
        """What the part writes; nothing is known of one that cannot be followed."""
        if "{" not in self._part.source:
            return [self._part.source] if self._part.source else []
        trees = parse_text(self._part.source)
        if trees is None:
            return [self._part.source]
        self.body(trees, known)
        return self._bodies.pop() or []

    def body(self, trees: Iterable[nodes.Node], known: Known) -> Known:
        outer, self._pieces = self._pieces, []
        known_after = super().body(trees, known)
        dead = any(type_ == () for type_ in known.values())
        self._bodies.append(None if dead else self._pieces)
        self._pieces = outer
        return known_after

    def _with(self, tree: nodes.With, known: Known) -> None:
        super()._with(tree, known)
        self._pieces += self._bodies.pop() or []

    def _if(self, tree: nodes.If, before: Known) -> Known:
        start = len(self._bodies)
        after = super()._if(tree, before)
        ways = [body for body in self._bodies[start:] if body is not None]
        del self._bodies[start:]
        if any(ways):
            self._pieces.append(_Choice(ways))
        return after

    def _for(self, tree: nodes.For, known: Known) -> None:
        over = self.value(tree.iter, known)
        start = len(self._bodies)
        super()._for(tree, known)
        body, otherwise = (each or [] for each in self._bodies[start:])
        del self._bodies[start:]
        times = most_of(over)
        said, at = _source(tree.iter)
        loop = _Loop(body, times, Value(said, self._part, at, Extent(most=times)))
        self._pieces.append(_Choice([[loop], otherwise]) if otherwise else loop)

    def _write(self, node: nodes.Expr, known: Known) -> None:
        if isinstance(node, nodes.TemplateData):
            self._pieces.append(node.data)
        elif isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) and _counts(node.node, node.attr):
            self._pieces.append("99")
        else:
            said, at = _source(node)
            self._pieces.append(Value(said, self._part, at, extent(self.value(node, known))))

    # -- how long it is ----------------------------------------------------------------------------------------------

    def gives(self, name: str, given: Type, arguments: Sequence[nodes.Expr], named: dict[str, nodes.Expr]) -> Type:
        return lengths.after(name, given, arguments, named, self._locale)

    def joined(self, pieces: Sequence[Type]) -> Type:
        return lengths.joined(pieces)

    def cut(self, given: Type, part: nodes.Slice) -> Type:
        return lengths.cut(given, part)


def _source(node: nodes.Node) -> tuple[str, int]:
    """What a value is made of, without what filters make of it, and its place."""
    while isinstance(node, nodes.Filter | nodes.Getitem) and node.node is not None:
        if isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Slice):
            break
        node = node.node
    return said_of(node), place(node)


def _counts(name: nodes.Name, attribute: str) -> bool:
    return name.name == "loop" and attribute in COUNTERS


def _every(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    """The pieces and those in them, the outer one before those in it."""
    for piece in pieces:
        yield piece
        match piece:
            case _Choice(ways):
                for way in ways:
                    yield from _every(way)
            case _Loop(body):
                yield from _every(body)


def _length(pieces: Iterable[_Piece]) -> int:
    length = 0
    for piece in pieces:
        match piece:
            case str():
                length += len(piece)
            case Value():
                length += piece.extent.length or 0
            case _Choice(ways):
                length += max(map(_length, ways))
            case _Loop(body, times, _):
                length += _length(body) * (1 if times is None else times)
    return length


def _rendered(pieces: Iterable[_Piece], ways: dict[int, list[_Piece]], texts: dict[int, str]) -> Rendering:
    skeleton: list[str] = []
    values: list[str] = []
    of: list[Value] = []

    def write(pieces: Iterable[_Piece]) -> None:
        for piece in pieces:
            match piece:
                case str():
                    skeleton.append(piece)
                case Value():
                    skeleton.append(chr(FIRST_HOLE + len(values)))
                    values.append(texts[id(piece)])
                    of.append(piece)
                case _Choice():
                    write(ways[id(piece)])
                case _Loop(body, times, _):
                    for _ in range(1 if times is None else times):
                        if len(values) < _MOST_HOLES:
                            write(body)

    write(pieces)
    return Rendering("".join(skeleton), values, of)


@lru_cache(maxsize=512)
def _dearest(letters: frozenset[str], cost: Cost) -> tuple[str, str]:
    """The letter that costs most of those that nobody strips off the ends of a text, and of all."""
    paid = sorted(letters, key=lambda letter: (cost(letter), quoted_length(letter), letter))
    return next((letter for letter in reversed(paid) if not letter.isspace()), ""), paid[-1] if paid else ""


def _worst(written: Extent, cost: Cost) -> list[str]:
    """Of the texts that a value may be, the longest; and, where they are others, the one that costs most, and the one
    that is longest in a URL."""
    candidates = list(written.fixed)
    if written.most is not None and written.most > 0:
        solid, letter = (_ANY, _ANY) if written.letters is None else _dearest(written.letters, cost)
        candidates.append(solid + letter * (written.most - 2) + solid if written.most > 1 else solid)
    if not candidates:
        return [""]
    longest = max(candidates, key=lambda text: (len(text), cost(text)))
    return list(dict.fromkeys((longest, max(candidates, key=cost), max(candidates, key=quoted_length))))


def quoted_length(text: str) -> int:
    """How many characters a text has in a URL."""
    return len(quote(text, safe=""))


__all__ = ["Cost", "Drawn", "Longest", "Rendering", "Value", "quoted_length"]
