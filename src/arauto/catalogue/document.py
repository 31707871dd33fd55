"""A YAML file with the place of all that is in it: of each value, each key, and each character of a text value."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from arauto.catalogue.diagnostics import Place
from arauto.model import JSON

Path: TypeAlias = tuple[str | int, ...]
"""The keys and indexes that lead from a document's root to a value."""


class Node(Struct):
    """Where a value stands: offsets into the file's text, and the same for its children."""

    start: int
    end: int
    style: str | None = None
    """Of a scalar: ``'``, ``"``, ``|`` or ``>``; None when plain."""
    keys: dict[str, int] | None = None
    """Of a mapping: where each key begins."""
    children: dict[str, Node] | list[Node] | None = None


class Document(Struct):
    """A YAML file: its data, and the places of all that is in it."""

    file: str
    text: str
    data: JSON
    root: Node
    _lines: list[int] | None = None

    def place(self, path: Sequence[str | int] = ()) -> Place:
        """Where the value at ``path`` begins; where there is none, its nearest ancestor."""
        return self.locate(self._node(path).start)

    def key_place(self, path: Sequence[str | int]) -> Place:
        """Where the key that ``path`` ends in stands; for an index, the value."""
        keys = self._node(path[:-1]).keys if path else None
        if keys is not None and path[-1] in keys:
            return self.locate(keys[str(path[-1])])
        return self.place(path)

    def within(self, path: Sequence[str | int], line: int, column: int) -> Place:
        """The place in the file of a place inside the text value at ``path``.

        A YAML scalar differs from its value in white space (folding, indentation) and in escapes; so the
        characters that are not white space are counted in both.
        """
        node = self._node(path)
        try:
            value = self.value(path)
        except (KeyError, IndexError, TypeError):
            value = None
        if not isinstance(value, str):
            return self.locate(node.start)
        offset = sum(len(each) + 1 for each in value.split("\n")[: line - 1]) + column - 1
        before = sum(not character.isspace() for character in value[:offset])
        inside = _significant(self.text, node)
        if offset < len(value) and not value[offset].isspace() and before < len(inside):
            return self.locate(inside[before])
        if 0 < before <= len(inside):
            return self.locate(inside[before - 1] + 1)
        return self.locate(node.start)

    def value(self, path: Sequence[str | int]) -> JSON:
        """The value at ``path``, which is there."""
        data = self.data
        for part in path:
            data = data[part]
        return data

    def find(self, path: Path, text: str) -> Path:
        """The path of the first value under ``path`` that is this text; ``path`` itself where there is none."""
        left = [path]
        while left:
            here = left.pop()
            value = self.value(here)
            if value == text:
                return here
            inside = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
            left.extend((*here, part) for part in reversed(list(inside)))
        return path

    def raw(self, path: Sequence[str | int]) -> str:
        """The value at ``path`` as it is written."""
        node = self._node(path)
        return self.text[node.start : node.end].strip()

    def span(self, path: Sequence[str | int]) -> tuple[int, int, int]:
        """Where the key that ``path`` ends in begins, and where its value begins and ends: offsets into the text. What
        ends a mapping or a list may stand some lines below its last value."""
        keys, node = self._node(path[:-1]).keys, self._node(path)
        return (keys or {}).get(str(path[-1]), node.start), node.start, node.end

    def locate(self, offset: int) -> Place:
        """The place of a character of the text."""
        if self._lines is None:
            self._lines = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", self.text))]
        line = bisect_right(self._lines, offset)
        return Place(line, offset - self._lines[line - 1] + 1)

    def _node(self, path: Sequence[str | int]) -> Node:
        node = self.root
        for part in path:
            try:
                node = node.children[part]  # type: ignore[index]
            except (KeyError, IndexError, TypeError):
                break
        return node


_ESCAPED = re.compile(r"\\(?:x..|u.{4}|U.{8}|\r\n|.)", re.DOTALL)


def _significant(text: str, node: Node) -> list[int]:
    """The offsets of a scalar's characters that stand for something other than white space."""
    offset, end = node.start, node.end
    found: list[int] = []
    if node.style in ("|", ">"):
        offset = text.find("\n", offset, end) + 1 or end
    elif node.style:
        offset, end = offset + 1, end - 1
    while offset < end:
        length = 1
        if node.style == '"' and (escape := _ESCAPED.match(text, offset, end)):
            length = len(escape[0])
            blank = escape[0][1] in "nrtvNLP_ \t\r\n"
        else:
            blank = text[offset].isspace()
            if node.style == "'" and text.startswith("''", offset, end):
                length = 2
        if not blank:
            found.append(offset)
        offset += length
    return found
