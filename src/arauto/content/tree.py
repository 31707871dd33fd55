"""What a text says, without a channel's form: title, preview, image, blocks and actions.

Strings may hold holes (see ``holes``); URLs hold them marked for their places.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct


class Words(Struct, frozen=True):
    """Plain text."""

    text: str


class Strong(Struct, frozen=True):
    """Text of importance."""

    children: tuple[Inline, ...]


class Emphasis(Struct, frozen=True):
    """Text with stress."""

    children: tuple[Inline, ...]


class Code(Struct, frozen=True):
    """Text to be copied as it is."""

    text: str


class Link(Struct, frozen=True):
    """Text that leads somewhere."""

    url: str
    children: tuple[Inline, ...]


class Break(Struct, frozen=True):
    """The end of a line that the author wants there."""


Inline: TypeAlias = Words | Strong | Emphasis | Code | Link | Break


class Heading(Struct, frozen=True):
    """A heading of level 1 to 6."""

    level: int
    children: tuple[Inline, ...]


class Paragraph(Struct, frozen=True):
    """A paragraph."""

    children: tuple[Inline, ...]


class Listing(Struct, frozen=True):
    """A list, numbered from ``start`` or with bullets (None); each item is blocks."""

    items: tuple[tuple[Block, ...], ...]
    start: int | None = None


class Quote(Struct, frozen=True):
    """Somebody else's words."""

    blocks: tuple[Block, ...]


class CodeBlock(Struct, frozen=True):
    """Lines to be copied as they are."""

    text: str


class Rule(Struct, frozen=True):
    """A line between sections."""


class Table(Struct, frozen=True):
    """A table: the cells of the head and of each row, and how each column is aligned."""

    head: tuple[tuple[Inline, ...], ...]
    rows: tuple[tuple[tuple[Inline, ...], ...], ...]
    align: tuple[Literal["left", "center", "right"], ...]


class Picture(Struct, frozen=True):
    """An image: ``source`` is a file beside the text (``local``) or a URL; ``alt`` says what it shows."""

    source: str
    alt: str
    local: bool = False


Block: TypeAlias = Heading | Paragraph | Listing | Quote | CodeBlock | Rule | Table | Picture


class Action(Struct, frozen=True):
    """Something that the reader can do: a label and where it leads."""

    label: str
    url: str
    acknowledges: bool = False
    """It tells the hub that the reader takes care of it; the URL is where that can be done without the channel."""


class Content(Struct, frozen=True, kw_only=True):
    """A whole text."""

    title: str
    blocks: tuple[Block, ...]
    preview: str | None = None
    image: Picture | None = None
    actions: tuple[Action, ...] = ()
