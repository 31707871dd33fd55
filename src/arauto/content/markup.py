"""Blocks as HTML: a small, safe subset in which all text is escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from arauto.content.holes import escape_html
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


class Markup:
    """Writes blocks as HTML.

    ``picture`` says where an image is to be found, and its width in pixels where that is known (None: nowhere; its
    alternative text stands for it). ``styles`` gives elements a ``style``, by tag. An image is shown at its width,
    and never wider than ``widest``.
    """

    def __init__(
        self,
        picture: Callable[[Picture], tuple[str, int | None] | None],
        styles: Mapping[str, str] | None = None,
        *,
        widest: int = 0,
    ) -> None:
        self._picture = picture
        self._styles = styles or {}
        self._widest = widest

    def blocks(self, blocks: Iterable[Block]) -> str:
        """Blocks, one after another."""
        return "".join(self._block(block) for block in blocks)

    def inlines(self, inlines: Iterable[Inline]) -> str:
        """What stands in a line."""
        return "".join(self._inline(inline) for inline in inlines)

    def _inline(self, inline: Inline) -> str:
        match inline:
            case Words(text):
                return escape_html(text)
            case Code(text):
                return self._element("code", escape_html(text))
            case Strong(children):
                return self._element("strong", self.inlines(children))
            case Emphasis(children):
                return self._element("em", self.inlines(children))
            case Link(url, children):
                return self._element("a", self.inlines(children), f' href="{escape_html(url)}"')
            case Break():
                return "<br>"

    def _block(self, block: Block) -> str:
        match block:
            case Heading(level, children):
                return self._element(f"h{min(level + 1, 6)}", self.inlines(children))
            case Paragraph(children):
                return self._element("p", self.inlines(children))
            case Listing(items, start):
                inner = "".join(self._element("li", self._item(item)) for item in items)
                if start is None:
                    return self._element("ul", inner)
                return self._element("ol", inner, f' start="{start}"' if start != 1 else "")
            case Quote(blocks):
                return self._element("blockquote", self.blocks(blocks))
            case CodeBlock(text):
                return self._element("pre", f"<code>{escape_html(text)}</code>")
            case Rule():
                return f"<hr{self._style('hr')}>"
            case Table():
                return self._table(block)
            case Picture(_, alt, _):
                found = self._picture(block)
                if found is None:
                    return self._element("p", escape_html(alt))
                source, width = found
                size = f' width="{min(width, self._widest)}"' if width and self._widest else ""
                return f'<img src="{escape_html(source)}" alt="{escape_html(alt)}"{size}{self._style("img")}>'

    def _item(self, blocks: tuple[Block, ...]) -> str:
        match blocks:
            case (Paragraph(children), *rest):
                return self.inlines(children) + self.blocks(rest)
        return self.blocks(blocks)

    def _table(self, table: Table) -> str:
        rows = [("th", table.head), *(("td", row) for row in table.rows)]
        return self._element(
            "table",
            "".join(
                "<tr>"
                + "".join(
                    self._element(tag, self.inlines(cell), f' align="{align}"')
                    for cell, align in zip(cells, table.align, strict=False)
                )
                + "</tr>"
                for tag, cells in rows
            ),
        )

    def _element(self, tag: str, inner: str, attributes: str = "") -> str:
        return f"<{tag}{attributes}{self._style(tag)}>{inner}</{tag}>"

    def _style(self, tag: str) -> str:
        style = self._styles.get(tag)
        return f' style="{style}"' if style else ""
