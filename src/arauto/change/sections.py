"""Sections of lines, as a report has them: as text for a terminal, and as Markdown for a pull request.

Names, texts and values of a project are data here: none of them becomes markup, a link, a mention or a line, and what
looks like a well-known service's key is not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from arauto.catalogue.analysis.open_secrets import masked
from arauto.generate.escaping import code, fenced, text, whole_line
from arauto.generate.say import Code, Line, Link, plain

Signed: TypeAlias = tuple[str, Line]
"""A line below an item: ``+`` is new, ``-`` is gone, nothing is neither."""
_MARKS = {"added": "+", "removed": "-", "changed": "~"}
_LINKED = re.compile(r"(@|:(?=//)|\bwww(?=\.))", re.IGNORECASE)
"""What some readers of Markdown make mentions and links of; an invisible space behind it keeps them from that."""


class Item(Struct, frozen=True):
    """Something to say of a thing."""

    sort: Literal["added", "removed", "changed"]
    line: Line
    weighty: bool = False
    """Nobody should overlook it."""
    inside: tuple[Signed, ...] = ()


class Section(Struct, frozen=True):
    """A thing, and what is to be said of it."""

    part: str
    name: str
    title: Line
    items: tuple[Item, ...]


def lines(sections: Iterable[Section]) -> Iterator[tuple[str, str]]:
    """Lines of text, each with what it is: ``title``, ``added``, ``removed``, ``changed``, ``inside``, ``+``, ``-``,
    and with `` weighty`` behind it where nobody should overlook it."""
    for section in sections:
        yield "title", shown(section.title)
        for item in section.items:
            yield item.sort + (" weighty" if item.weighty else ""), f"  {_MARKS[item.sort]} {shown(item.line)}"
            for sign, line in item.inside:
                yield sign or "inside", f"      {sign or ' '} {_printable(plain(line))}"


def shown(line: Line) -> str:
    """A line as text, of characters that do nothing to a terminal; code stands between backticks."""
    return _printable("".join(f"`{each.text}`" if isinstance(each, Code) else plain((each,)) for each in line))


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " if each.isspace() else "\ufffd" for each in masked(text))


def markdown(sections: Sequence[Section], level: int = 3) -> str:
    """The sections in Markdown, with headings of this level."""
    parts: list[str] = []
    for section in sections:
        parts.append(f"{'#' * level} {markdown_line(section.title)}\n")
        parts += map(_item, section.items)
        parts.append("")
    return "\n".join(parts)


def _item(item: Item) -> str:
    line = markdown_line(item.line)
    told_line = f"- **{line}**" if item.weighty else f"- {line}"
    if not item.inside:
        return told_line
    told = [f"{sign or ' '} {_printable(plain(line))}" for sign, line in item.inside]
    return "\n".join([told_line, "", fenced("\n".join(told), "diff", "  "), ""])


def markdown_line(line: Line) -> str:
    """A line in Markdown: what is code stays as it is, and nothing else has a meaning to Markdown."""
    return whole_line("".join(code(masked(part.text)) if isinstance(part, Code) else _text(part) for part in line))


def _text(part: str | Link) -> str:
    return _LINKED.sub("\\1\u200b", text(masked(part if isinstance(part, str) else part.text)))


__all__ = ["Item", "Section", "Signed", "lines", "markdown", "markdown_line", "shown"]
