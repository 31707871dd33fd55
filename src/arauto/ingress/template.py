"""Texts with holes: ``{name}`` is filled in, and ``[…]`` is left out as a whole where one of its holes has no value.

The signed strings of senders and the one-line summaries of their payloads are written in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_TOKEN = re.compile(r"\{([^{}\[\]]*)\}|([\[\]{}])")


class Hole(str):
    """The name of a value to be filled in."""

    __slots__ = ()


class Part(NamedTuple):
    """A run of literal texts and holes; one that is optional was written in brackets."""

    pieces: tuple[str, ...]
    """Literal texts, and Holes among them."""
    optional: bool = False


def parse_template(text: str) -> tuple[Part, ...]:
    """The parts of a template. Raises ValueError, which names the stray bracket or brace."""
    parts: list[Part] = []
    pieces: list[str] = []
    inside = False
    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() > end:
            pieces.append(text[end : match.start()])
        end = match.end()
        bracket = match[2]
        if bracket is None:
            pieces.append(Hole(match[1]))
        elif bracket == ("]" if inside else "["):
            parts.append(Part(tuple(pieces), optional=inside))
            pieces, inside = [], not inside
        else:
            raise ValueError(f"there is a stray {bracket} at character {match.start() + 1}")
    if inside:
        raise ValueError("a [ is never closed")
    pieces.append(text[end:])
    parts.append(Part(tuple(pieces)))
    return tuple(
        Part(tuple(piece for piece in part.pieces if piece), part.optional) for part in parts if any(part.pieces)
    )


def fill(parts: tuple[Part, ...], value: Callable[[str], str | None]) -> str | None:
    """The text, each hole filled with ``value(name)``; None where a hole that is not optional has no value."""
    written: list[str] = []
    for part in parts:
        texts = [value(piece) if isinstance(piece, Hole) else piece for piece in part.pieces]
        present = [text for text in texts if text is not None]
        if len(present) == len(texts):
            written += present
        elif not part.optional:
            return None
    return "".join(written)
