"""Slack: rich text blocks, in which data are never markup; or the project's own blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from msgspec import Struct

from arauto.channels import TextFault, TextFaulty, TextSources
from arauto.channels.slack._limits import (
    ALT,
    BUTTON,
    FIELD,
    HEADER,
    MOST_BLOCKS,
    TEXT,
    URL,
    Short,
    block_faults,
    escape,
    escaped_length,
    own_texts,
    shorts,
    surely_fits,
    too_long_in,
)
from arauto.content import (
    Content,
    Filler,
    JsonText,
    Shapes,
    as_text,
    compile_content,
    plain,
    shorten,
    too_long,
    url_length,
    words,
)
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
from arauto.errors import LanguageError
from arauto.language import Part
from arauto.language.types import Longest
from arauto.model import JSON, Brand, Composer, Context, RetryPolicy

ACKNOWLEDGE = "acknowledge"
"""The ``action_id`` of a button that acknowledges. Its URL is where that can be done outside of Slack; a provider that
hears of presses gives it the message's id instead."""

_ID = re.compile(r"[CDGUW][A-Z0-9]{8,20}")
_NAME = re.compile(r"#[\w-]{1,80}")
_LOOK_ALIKE = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_UNDERLINE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")


class SlackBody(Struct, frozen=True):
    """A message: ``text`` (mrkdwn) is what notifications show, ``blocks`` the message itself."""

    text: str
    blocks: list[dict[str, Any]]


class SlackChannel:
    """The form of Slack messages."""

    override_suffix: ClassVar[str | None] = "json"
    retry: ClassVar[RetryPolicy] = RetryPolicy(
        schedule=tuple(timedelta(seconds=wait) for wait in (2, 30, 300, 1800)),
        expires=timedelta(hours=12),
        on_unknown="retry",
    )
    concurrency: ClassVar[int] = 5
    needs_content: ClassVar[bool] = True

    def check_address(self, address: JSON) -> str:
        """A channel (id or ``#name``) or a user (id). Raises ValueError."""
        if isinstance(address, str) and (_ID.fullmatch(address) or _NAME.fullmatch(address)):
            return address.lower() if address.startswith("#") else address
        raise ValueError("a Slack address is a channel's or user's id (C012AB3CD) or a channel's name (#vendas)")

    def compile(self, sources: TextSources, brand: Brand) -> Composer:
        """A message from ``slack.json``, or else from the content file. Raises TextFaulty."""
        if sources.override is not None:
            own = JsonText(sources.override.file, sources.override.text, sources.locale, _place)
            _check_shape(own)
            _make_verbatim(own.shape)
            return _OwnSlack(own)
        assert sources.content is not None
        file, text = sources.content.file, sources.content.text
        return _Slack(compile_content(file, text, sources.locale, _lay_out))


def escape_mrkdwn(text: str) -> str:
    """The same, and it formats nothing: ``*``, ``~``, `````` and an outer ``_`` are replaced by characters that look
    like them."""
    return escape(_UNDERLINE.sub("ˍ", text.translate(_LOOK_ALIKE)))


# -- from the content file -----------------------------------------------------------------------------------------


class _Layout(Struct, frozen=True):
    text: Filler
    blocks: list[dict[str, Any]]
    cut: bool
    """There were more blocks."""


class _Slack:
    """The text of one notification for Slack."""

    def __init__(self, shapes: Shapes[_Layout]) -> None:
        self._shapes = shapes

    def compose(self, context: Context) -> SlackBody:
        """The message for this context. Raises LanguageError."""
        layout, values = self._shapes.render(context)
        return SlackBody(shorten(layout.text.fill(values), TEXT), _filled(layout.blocks, values))

    def excesses(self, longest: Longest) -> Iterator[TextFault]:
        """Where a text can be longer than Slack takes in its place, or there can be more blocks, and some are cut."""
        shapes = self._shapes
        drawn = shapes.drawn(longest, without={"preview", "image_alt"})
        title = shapes.part("title") or Part("")
        labels, beside = shapes.only(longest, "label"), shapes.only(longest, "url", "image")
        fits = shapes.only(longest, "title").length() <= HEADER and labels.length() <= BUTTON
        if fits and url_length(beside) <= URL and surely_fits(shapes.only(longest, "body")):
            return
        told: set[str] = set()
        for layout, rendering in shapes.laid_out([drawn.longest(len)]):
            if layout.cut and "blocks" not in told:
                told.add("blocks")
                message = f"this message may have more than {MOST_BLOCKS} blocks in Slack; the others are cut"
                yield too_long(shapes.file, (), "may-exceed", message, "", shapes.part("body") or title)
            for what, short in shorts(layout.blocks):
                length = len(short.filler.fill(rendering.values))
                if length > short.limit and what not in told:
                    told.add(what)
                    own = len(short.filler.fill([""] * len(rendering.values)))
                    values = [rendering.of[number] for number in sorted(short.filler.numbers)]
                    yield too_long_in(shapes.file, what, values, (own, length, short.limit), title)


def _filled(node: Any, values: Sequence[str]) -> Any:
    kind = type(node)
    if kind is dict:
        return {key: _filled(inner, values) for key, inner in node.items()}
    if kind is list:
        return [_filled(inner, values) for inner in node]
    if kind is Short:
        return shorten(node.filler.fill(values), node.limit)
    return node


def _short(text: str, limit: int = TEXT) -> Short | str:
    filler = Filler(text)
    return Short(filler, limit) if filler.numbers or len(text) > limit else text


def _plain_text(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": _short(text, limit), "emoji": False}


def _lay_out(content: Content) -> _Layout:
    blocks: list[dict[str, Any]] = []
    if content.title:
        blocks.append({"type": "header", "text": _plain_text(content.title, HEADER)})
    if content.image is not None:
        blocks += _block(content.image)
    for block in content.blocks:
        blocks += _block(block)
    room = MOST_BLOCKS - bool(content.actions)
    cut = len(blocks) > room
    if cut:
        blocks = [*blocks[: room - 1], _rich([_section([{"type": "text", "text": "…"}])])]
    if content.actions:
        buttons = [
            {"type": "button", "text": _plain_text(action.label, BUTTON), "url": _short(action.url, URL)}
            | ({"action_id": ACKNOWLEDGE} if action.acknowledges else {})
            for action in content.actions
        ]
        blocks.append({"type": "actions", "elements": buttons})
    text = escape(content.title) + (f"\n{escape(content.preview)}" if content.preview else "")
    return _Layout(Filler(text, escape), blocks, cut)


def _block(block: Block) -> Iterator[dict[str, Any]]:
    match block:
        case Heading(_, children):
            yield _rich([_section(list(_inlines(children, {"bold": True})))])
        case Paragraph(children):
            yield _rich([_section(list(_inlines(children)))])
        case Listing():
            yield _rich(list(_list(block, 0)))
        case Quote(blocks):
            yield _rich([{"type": "rich_text_quote", "elements": _text(plain(blocks, between="\n"))}])
        case CodeBlock(text):
            yield _rich([{"type": "rich_text_preformatted", "elements": _text(text)}])
        case Table(head, rows, _):
            lines = [list(_row(head, {"bold": True})), *(list(_row(row)) for row in rows)]
            yield _rich([_section([element for line in lines for element in (*line, *_text("\n"))][:-1])])
        case Rule():
            yield {"type": "divider"}
        case Picture(source, alt, local):
            if local:
                yield _rich([_section(_text(alt, {"italic": True}))])
            else:
                yield {"type": "image", "image_url": _short(source, URL), "alt_text": _short(alt, ALT)}


def _rich(elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": elements}


def _section(elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": elements}


def _text(text: str, style: Mapping[str, bool] | None = None) -> list[dict[str, Any]]:
    if not text:
        return []
    return [{"type": "text", "text": _short(text)} | ({"style": dict(style)} if style else {})]


def _row(cells: Sequence[tuple[Inline, ...]], style: Mapping[str, bool] | None = None) -> Iterator[dict[str, Any]]:
    for number, cell in enumerate(cells):
        if number:
            yield from _text(" | ")
        yield from _inlines(cell, style)


def _list(listing: Listing, indent: int) -> Iterator[dict[str, Any]]:
    """A list, and between its parts the lists inside it, one step further in."""
    sections: list[dict[str, Any]] = []
    done = 0

    def part() -> dict[str, Any]:
        style = "bullet" if listing.start is None else "ordered"
        found = {"type": "rich_text_list", "style": style, "indent": indent, "elements": list(sections)}
        offset = (listing.start or 1) - 1 + done - len(sections)
        return found | ({"offset": offset} if listing.start is not None and offset else {})

    for item in listing.items:
        elements: list[dict[str, Any]] = []
        inner: list[Listing] = []
        for block in item:
            if isinstance(block, Listing):
                inner.append(block)
            elif isinstance(block, Paragraph):
                elements += [*(_text("\n") if elements else ()), *_inlines(block.children)]
            else:
                elements += _text(("\n" if elements else "") + plain([block], between="\n"))
        sections.append(_section(elements))
        done += 1
        if inner:
            yield part()
            sections.clear()
            for nested in inner:
                yield from _list(nested, indent + 1)
    if sections:
        yield part()


def _inlines(inlines: Sequence[Inline], style: Mapping[str, bool] | None = None) -> Iterator[dict[str, Any]]:
    style = style or {}
    for inline in inlines:
        match inline:
            case Words(text):
                yield from _text(text, style)
            case Code(text):
                yield from _text(text, {**style, "code": True})
            case Break():
                yield from _text("\n")
            case Strong(children):
                yield from _inlines(children, {**style, "bold": True})
            case Emphasis(children):
                yield from _inlines(children, {**style, "italic": True})
            case Link(url, children):
                link = {"type": "link", "url": _short(url, URL), "text": _short(words(children))}
                yield link | ({"style": dict(style)} if style else {})


# -- from slack.json -----------------------------------------------------------------------------------------------


def _place(parent: Mapping[str, Any], key: str) -> Any:
    if key in ("url", "image_url"):
        return "url"
    return escape_mrkdwn if key == "text" and parent.get("type", "mrkdwn") == "mrkdwn" else as_text


def _check_shape(own: JsonText) -> None:
    shape = own.shape
    if not isinstance(shape, dict) or "text" not in shape or not isinstance(shape.get("blocks", []), list):
        hint = 'write {"text": "what notifications show", "blocks": […]}'
        raise TextFaulty(own.fault(None, "wrong-type", "a Slack message is an object with a text", hint))
    faults = [
        own.fault(key, "unknown-key", f"{key} is not known in a Slack message", "there is: text, blocks")
        for key in shape
        if key not in ("text", "blocks")
    ]
    if len(shape.get("blocks", [])) > MOST_BLOCKS:
        message = f"there are {len(shape['blocks'])} blocks; Slack takes {MOST_BLOCKS}"
        faults.append(own.fault("blocks", "too-many", message, "say less"))
    for block in shape.get("blocks", []):
        if isinstance(block, dict):
            faults += block_faults(own, block)
        else:
            faults.append(own.fault("blocks", "wrong-type", "a block is an object", 'such as {"type": "divider"}'))
            break
    if faults:
        raise TextFaulty(*faults)


def _make_verbatim(node: Any) -> None:
    """Let Slack look for no links or names in mrkdwn that holds values, where the author does not say otherwise."""
    if isinstance(node, dict):
        if node.get("type") == "mrkdwn" and not isinstance(node.get("text"), str):
            node.setdefault("verbatim", True)
        for inner in node.values():
            _make_verbatim(inner)
    elif isinstance(node, list):
        for inner in node:
            _make_verbatim(inner)


class _OwnSlack:
    """A Slack message in the project's own JSON."""

    def __init__(self, own: JsonText) -> None:
        self._own = own

    def compose(self, context: Context) -> SlackBody:
        """The message for this context, its texts cut to what Slack takes. Raises LanguageError."""
        message = self._own.render(context)
        if not isinstance(message["text"], str):
            raise LanguageError("the text of a Slack message is a text")
        blocks = [_fitted(block) for block in message.get("blocks", [])]
        return SlackBody(shorten(message["text"], TEXT), blocks)

    def excesses(self, longest: Longest) -> Iterator[TextFault]:
        """Where a text can be longer than Slack takes in its place, and is cut."""
        drawn = self._own.drawn(longest)
        told: set[str] = set()
        message, rendering = self._own.longest(drawn, escaped_length)
        if isinstance(message.get("text"), str):
            for what, text, limit in own_texts(message):
                if len(text) > limit and what not in told:
                    told.add(what)
                    put = [
                        (value, each)
                        for value, each in zip(rendering.of, rendering.values, strict=True)
                        if each in text
                    ]
                    own = max(len(text) - sum(len(each) for _, each in put), 0)
                    yield too_long_in(
                        self._own.file, what, [value for value, _ in put], (own, len(text), limit), Part("")
                    )


def _fitted(block: dict[str, Any]) -> dict[str, Any]:
    """A block whose texts are not longer than Slack takes."""
    kind = block.get("type")
    fitted = dict(block)
    if isinstance(block.get("text"), dict):
        fitted["text"] = _cut(block["text"], HEADER if kind == "header" else TEXT)
    if isinstance(block.get("fields"), list):
        fitted["fields"] = [_cut(field, FIELD) for field in block["fields"]]
    if kind == "actions" and isinstance(block.get("elements"), list):
        fitted["elements"] = [
            element | {"text": _cut(element["text"], BUTTON)} if isinstance(element.get("text"), dict) else element
            for element in block["elements"]
        ]
    return fitted


def _cut(text: dict[str, Any], limit: int) -> dict[str, Any]:
    return text | {"text": shorten(text["text"], limit)} if isinstance(text.get("text"), str) else text


channel = SlackChannel()

__all__ = ["ACKNOWLEDGE", "MOST_BLOCKS", "SlackBody", "SlackChannel", "channel", "escape_mrkdwn"]
