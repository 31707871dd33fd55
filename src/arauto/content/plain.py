"""Blocks as plain text."""

from __future__ import annotations

from collections.abc import Iterable

from arauto.content.holes import ANY_HOLE
from arauto.content.tree import (
    Block,
    Break,
    Code,
    CodeBlock,
    Emphasis,
    Heading,
    Inline,
    Link,
    Listing,
    Paragraph,
    Picture,
    Quote,
    Rule,
    Strong,
    Table,
    Words,
)

_HOLE_WIDTH = 10
"""How many columns a value is taken to need, since lines are broken before values are known."""


def plain(blocks: Iterable[Block], *, width: int | None = None, between: str = "\n\n") -> str:
    """Blocks as text, links kept as ``label (URL)``; lines are broken near ``width`` columns, where that is given."""
    return between.join(text for text in (_block(block, width, between) for block in blocks) if text)


def words(inlines: Iterable[Inline]) -> str:
    """Inlines as text on one line, but for the line breaks that the author wants."""
    return "".join(_inline(inline) for inline in inlines)


def _inline(inline: Inline) -> str:
    match inline:
        case Words(text) | Code(text):
            return text
        case Strong(children) | Emphasis(children):
            return words(children)
        case Link(url, children):
            label = words(children)
            return url if label in (url, url.removeprefix("mailto:"), url.removeprefix("tel:")) else f"{label} ({url})"
        case Break():
            return "\n"


def _block(block: Block, width: int | None, between: str) -> str:
    match block:
        case Heading(_, children) | Paragraph(children):
            return "\n".join(wrap(line, width) for line in words(children).split("\n"))
        case Listing(items, start):
            marks = ["- "] * len(items) if start is None else [f"{start + number}. " for number in range(len(items))]
            inner = None if width is None else width - 3
            return "\n".join(
                _hang(mark, plain(item, width=inner, between="\n")) for mark, item in zip(marks, items, strict=True)
            )
        case Quote(blocks):
            inner = None if width is None else width - 2
            lines = plain(blocks, width=inner, between=between).split("\n")
            return "\n".join(f"> {line}".rstrip() for line in lines)
        case CodeBlock(text):
            return text
        case Table(head, rows, _):
            return "\n".join(" | ".join(words(cell) for cell in row) for row in (head, *rows))
        case Rule():
            return "* * *" if width is not None else ""
        case Picture(_, alt, _):
            return f"[{alt}]" if width is not None else ""


def _hang(mark: str, text: str) -> str:
    return mark + text.replace("\n", "\n" + " " * len(mark))


def wrap(line: str, width: int | None) -> str:
    """A line, broken at spaces into lines of about ``width`` columns."""
    if width is None:
        return line
    rows: list[list[str]] = [[]]
    taken = 0
    for word in line.split(" "):
        columns = len(word) + (_HOLE_WIDTH - 1) * len(ANY_HOLE.findall(word))
        if rows[-1] and taken + columns > width:
            rows.append([])
            taken = 0
        rows[-1].append(word)
        taken += columns + 1
    return "\n".join(" ".join(row) for row in rows)
