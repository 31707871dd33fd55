"""What Slack takes, and which texts may be more than that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from arauto.channels import TextFault
from arauto.content import SHORTER, Filler, JsonText, made_of, too_long
from arauto.language import Part
from arauto.language.types import Drawn, Value

MOST_BLOCKS, MOST_FIELDS, MOST_ELEMENTS = 50, 10, {"context": 10, "actions": 25}
HEADER, TEXT, FIELD, BUTTON, ALT, URL = 150, 3000, 2000, 75, 2000, 3000
"""The most characters that Slack takes in each place."""

_ITEM = re.compile(r"\s*([-*+]|\d+[.)])\s")
_ALONE = frozenset("#!>`~=_*+-")


class Short(NamedTuple):
    """A text that is cut after so many characters."""

    filler: Filler
    limit: int


def surely_fits(body: Drawn) -> bool:
    """Whether a body can be seen to fit without laying it out: few blocks, and no part too long for a text."""
    longest = body.longest(len)
    if body.length() > TEXT and not _has_short_parts(Filler(longest.skeleton).fill(longest.values)):
        return False
    blocks, before = 6, ""  # the title, an image, the buttons, and three that became texts
    for line in longest.skeleton.split("\n"):
        kind = _kind(line, before)
        blocks += kind != "" and (kind != before or kind == "other")
        before = kind
    return blocks <= MOST_BLOCKS


def _has_short_parts(text: str) -> bool:
    """Whether no paragraph and no item of a list is too long for a text; of quotes and code nobody says so."""
    length = 0
    for line in text.split("\n"):
        if line.startswith(("    ", "\t")) or "```" in line or "~~~" in line or ">" in line:
            return False
        starts = not line.strip() or _ITEM.match(line) is not None
        length = len(line) + (0 if starts else length + 1)
        if length > TEXT:
            return False
    return True


def _kind(line: str, before: str) -> str:
    """What block a line belongs to; lines of one kind that follow each other are one, but for ``other``."""
    if not line.strip():
        return ""
    if (item := _ITEM.match(line)) is not None:
        return f"list {item[1][-1]}"
    if line[0].isspace():
        return before or "text"
    return "other" if line[0] in _ALONE else "table" if line[0] == "|" else "text"


def too_long_in(
    file: str, what: str, values: Sequence[Value], sizes: tuple[int, int, int], otherwise: Part
) -> TextFault:
    """The finding about a text; ``sizes`` are its own length, that of the longest, and the limit."""
    own, length, limit = sizes
    made = made_of(values, own, length)
    message = f"a {what} may have {length} characters in Slack; after {limit} it is cut: {made}"
    return too_long(file, values, "may-exceed", message, SHORTER, otherwise)


def shorts(node: Any, what: str = "text") -> Iterator[tuple[str, Short]]:
    """The texts of blocks that may be cut, and what each is."""
    if isinstance(node, Short):
        yield what, node
    elif isinstance(node, list):
        for inner in node:
            yield from shorts(inner, what)
    elif isinstance(node, dict):
        for key, inner in node.items():
            kind = node.get("type") if node.get("type") in ("header", "button", "image") else what
            yield from shorts(inner, "URL" if key in ("url", "image_url") else str(kind))


def escape(text: str) -> str:
    """A text inside mrkdwn, in which it names nobody and links nowhere."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escaped_length(text: str) -> int:
    """Of a text inside mrkdwn."""
    return len(escape(text))


def own_texts(message: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    """The texts of a message that may be cut: what each is, itself, and how long it may be."""

    def of(node: Any, what: str, limit: int) -> Iterator[tuple[str, str, int]]:
        if isinstance(node, dict) and isinstance(node.get("text"), str):
            yield what, node["text"], limit

    yield from of(message, "text", TEXT)
    for block in message.get("blocks", []):
        header = block.get("type") == "header"
        yield from of(block.get("text"), "header" if header else "text", HEADER if header else TEXT)
        for field in block["fields"] if isinstance(block.get("fields"), list) else ():
            yield from of(field, "field", FIELD)
        elements = block.get("elements") if block.get("type") == "actions" else None
        for element in elements if isinstance(elements, list) else ():
            yield from of(element.get("text") if isinstance(element, dict) else None, "button", BUTTON)


def block_faults(own: JsonText, block: dict[str, Any]) -> Iterator[TextFault]:
    """What Slack would refuse the whole message for."""
    kind = block.get("type")
    if kind is None:
        yield own.fault_in(block, "missing-key", "the block has no type", 'such as "type": "section"')
    for key, most in (("fields", MOST_FIELDS), ("elements", MOST_ELEMENTS.get(str(kind), MOST_BLOCKS))):
        inner = block.get(key)
        if isinstance(inner, list) and len(inner) > most:
            yield own.fault_in(block, "too-many", f"there are {len(inner)} {key}; Slack takes {most}", "say less")
    for image in (block, block.get("accessory"), *(block.get("elements") or ())):
        if isinstance(image, dict) and image.get("type") == "image" and not image.get("alt_text"):
            hint = 'say what it shows, for those who do not see it: "alt_text": "…"'
            yield own.fault_in(image, "missing-key", "the image has no alt_text", hint)
