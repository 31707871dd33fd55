"""What is written in the language in a content file, whichever its form: each piece with its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from arauto.content.data import json_parts
from arauto.content.front import Reader, read_content
from arauto.language import Part


class Piece(NamedTuple):
    """A part of a file; ``typed``: a value that is all of it keeps its type."""

    part: Part
    typed: bool = False


def pieces(file: str, text: str) -> list[Piece]:
    """The pieces of a file without faults, by its suffix; none of a form that is not known here."""
    read = _FORMS.get(file.rpartition(".")[2])
    return read(file, text) if read else []


def _markdown(file: str, text: str) -> list[Piece]:
    front, _ = read_content(file, text)
    actions = [part for each in front.actions for part in ((each.label,) if each.acknowledges else each[:2])]
    return [Piece(part) for part in (*front.texts.values(), *actions, front.body)]


def _plain(file: str, text: str) -> list[Piece]:
    return [Piece(Reader(file).split(text)[1])]


def _json(file: str, text: str) -> list[Piece]:
    return [Piece(part, typed=True) for part in json_parts(file, text)]


def _markup(file: str, text: str) -> list[Piece]:
    return [Piece(Part(text.replace("\r\n", "\n").removeprefix("\ufeff")))]


_FORMS: dict[str, Callable[[str, str], list[Piece]]] = {
    "md": _markdown,
    "txt": _plain,
    "json": _json,
    "mjml": _markup,
}
