"""Markdown (CommonMark with tables, without HTML) to blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Literal, cast

from markdown_it import MarkdownIt
from markdown_it.token import Token

from arauto.content.holes import ANY_HOLE, authored_url, whole_url
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

LOCAL_IMAGE = re.compile(r"[\w][\w.\- ]*\.(?:png|jpe?g|gif|webp)", re.IGNORECASE)
"""The name of a file that lies beside the text."""

IMAGE_HINT = "name a png, jpeg, gif or webp file beside the text, or an https:// URL"

_DEPTH = 20


def _parser(*, html: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": html, "maxNesting": _DEPTH}).enable("table")
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    parser.normalizeLinkText = lambda link: link  # type: ignore[method-assign]
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser


_STRICT = _parser(html=False)
_CURIOUS = _parser(html=True)


class Problem(Exception):
    """Markdown that is not taken: what is wrong, and the words where it stands."""

    def __init__(self, code: str, message: str, words: str, hint: str | None = None) -> None:
        self.code, self.message, self.words, self.hint = code, message, words, hint
        super().__init__(message)


def problems(skeleton: str, check_image: Callable[[str], object]) -> Iterator[tuple[Problem, int]]:
    """What is not taken in this Markdown, and the line (from 0) of the block where it stands."""
    for token in _CURIOUS.parse(skeleton):
        line = token.map[0] if token.map else 0
        if token.type == "html_block":
            yield Problem("raw-html", "HTML is not taken in a text", token.content.strip(), "write Markdown"), line
        elif token.type == "inline":
            opened: set[str] = set()
            for child in token.children or ():
                if child.type == "html_inline":
                    name = child.content.strip("</> ").split(" ")[0]
                    if child.content.startswith("</") and name in opened:
                        continue  # where it begins, it is told
                    opened.add(name)
                problem = _problem(child, token.children or [], check_image)
                if problem is not None:
                    yield problem, line


def _problem(token: Token, siblings: Sequence[Token], check_image: Callable[[str], object]) -> Problem | None:
    if token.type == "html_inline":
        return Problem("raw-html", f"HTML is not taken in a text: {token.content}", token.content, "write Markdown")
    if token.type == "link_open":
        url = str(token.attrs["href"])
        if authored_url(url) is None:
            return Problem(
                "bad-link",
                f"{_shown(url)} is not a link that works everywhere",
                url,
                "begin it with https://, mailto: or tel:, or let one value be all of it",
            )
    if token.type == "image":
        return _image_problem(token, siblings, check_image)
    return None


def _image_problem(token: Token, siblings: Sequence[Token], check_image: Callable[[str], object]) -> Problem | None:
    url = str(token.attrs["src"])
    if authored_url(url) is None and LOCAL_IMAGE.fullmatch(url) is None:
        return Problem(
            "bad-image",
            f"{_shown(url)} is not an image that can be sent",
            url,
            IMAGE_HINT,
        )
    if not token.content:
        return Problem("missing-key", "the image has no alternative text", url, "say what it shows: ![a red box](…)")
    if any(other.type not in ("image", "softbreak") for other in siblings):
        return Problem("bad-image", "an image stands in a paragraph of its own", url, "put empty lines around it")
    if LOCAL_IMAGE.fullmatch(url):
        try:
            check_image(url)
        except ValueError as error:
            return Problem("bad-image", str(error), url, IMAGE_HINT)
    return None


def _shown(url: str) -> str:
    return repr(ANY_HOLE.sub("{{ … }}", url))


def parse(skeleton: str, dead: Container[int] = ()) -> tuple[tuple[Block, ...], set[int]]:
    """The blocks of Markdown, and the numbers of the values that URLs begin with.

    Values in ``dead`` are no URLs: their links become their text, their images their alternative text.
    """
    builder = _Builder(_STRICT.parse(skeleton), dead)
    return builder.blocks(), builder.links


class _Builder:
    """Walks Markdown's flat tokens once and builds the blocks."""

    def __init__(self, tokens: Sequence[Token], dead: Container[int]) -> None:
        self._tokens = tokens
        self._dead = dead
        self._at = 0
        self.links: set[int] = set()

    def blocks(self, end: str | None = None) -> tuple[Block, ...]:
        """The blocks from here to the token ``end``, which is passed over."""
        found: list[Block] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.type == end:
                break
            found.extend(self._block(token))
        return tuple(found)

    def _block(self, token: Token) -> Iterator[Block]:
        match token.type:
            case "heading_open":
                yield Heading(int(token.tag[1]), self._line())
            case "paragraph_open":
                yield from self._paragraph()
            case "bullet_list_open":
                yield Listing(self._items("bullet_list_close"))
            case "ordered_list_open":
                yield Listing(self._items("ordered_list_close"), int(token.attrs.get("start", 1)))
            case "blockquote_open":
                yield Quote(self.blocks("blockquote_close"))
            case "fence" | "code_block":
                yield CodeBlock(token.content.rstrip("\n"))
            case "hr":
                yield Rule()
            case "table_open":
                yield self._table()

    def _items(self, end: str) -> tuple[tuple[Block, ...], ...]:
        items: list[tuple[Block, ...]] = []
        while self._next().type != end:
            items.append(self.blocks("list_item_close"))
        return tuple(items)

    def _next(self) -> Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _line(self) -> tuple[Inline, ...]:
        children = self._next().children or []
        self._at += 1
        return self._inlines(iter(children))

    def _paragraph(self) -> Iterator[Block]:
        children = self._next().children or []
        self._at += 1
        if any(child.type == "image" for child in children):
            yield from (self._picture(child) for child in children if child.type == "image")
        else:
            yield Paragraph(self._inlines(iter(children)))

    def _picture(self, token: Token) -> Block:
        source, alt = str(token.attrs["src"]), token.content
        if LOCAL_IMAGE.fullmatch(source):
            return Picture(source, alt, local=True)
        url = self._live(authored_url(source))
        return Paragraph((Words(alt),)) if url is None else Picture(url, alt)

    def _table(self) -> Table:
        head: list[tuple[Inline, ...]] = []
        rows: list[tuple[tuple[Inline, ...], ...]] = []
        align: list[Literal["left", "center", "right"]] = []
        cells: list[tuple[Inline, ...]] = []
        while (token := self._next()).type != "table_close":
            if token.type in ("th_open", "td_open"):
                cells.append(self._line())
                if token.type == "th_open":
                    side = str(token.attrs.get("style", "")).rpartition(":")[2] or "left"
                    align.append(cast("Literal['left', 'center', 'right']", side))
            elif token.type == "tr_close":
                head, rows, cells = (head, [*rows, tuple(cells)], []) if head else (cells, rows, [])
        return Table(tuple(head), tuple(rows), tuple(align))

    def _inlines(self, tokens: Iterator[Token], end: str | None = None) -> tuple[Inline, ...]:
        found: list[Inline] = []
        for token in tokens:
            if token.type == end:
                break
            for inline in self._inline(token, tokens):
                before = found[-1] if found else None
                if isinstance(inline, Words) and isinstance(before, Words):
                    found[-1] = Words(before.text + inline.text)
                else:
                    found.append(inline)
        return tuple(found)

    def _inline(self, token: Token, tokens: Iterator[Token]) -> Iterator[Inline]:
        match token.type:
            case "text" if token.content:
                yield Words(token.content)
            case "softbreak":
                yield Words(" ")
            case "hardbreak":
                yield Break()
            case "code_inline":
                yield Code(token.content)
            case "strong_open":
                yield Strong(self._inlines(tokens, "strong_close"))
            case "em_open":
                yield Emphasis(self._inlines(tokens, "em_close"))
            case "link_open":
                url = self._live(authored_url(str(token.attrs["href"])))
                children = self._inlines(tokens, "link_close")
                yield from children if url is None else (Link(url, children),)
            case "image":
                yield Words(token.content)

    def _live(self, url: str | None) -> str | None:
        number = whole_url(url) if url is not None else None
        if number is None:
            return url
        self.links.add(number)
        return None if number in self._dead else url
