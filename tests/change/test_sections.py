"""Sections as text and as Markdown: whatever a project says is data in both."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from arauto.catalogue import compile_files
from arauto.change.differences import differences
from arauto.change.saying import say_differences
from arauto.change.sections import Item, Section, lines, markdown, shown
from arauto.generate.say import Code
from change.whole import WHOLE, edited

HOSTILE = (
    "<script>alert(1)</script>",
    "[here](https://evil.example)",
    "![](https://evil.example/x.png)",
    "``` \n# not a heading",
    "@everybody and #12",
    "| a | b |",
    "**bold** _it_ ~~gone~~",
    "&lt;b&gt; &amp; <!-- -->",
    "\x1b[31mred\x07",
    "- item\n1. other",
    "https://evil.example and www.evil.example are no links",
)


def section(text: str) -> Section:
    items = (
        Item("changed", (text, " and ", Code(text)), weighty=True, inside=(("-", (text,)), ("+", (Code(text),)))),
        Item("added", (text,)),
    )
    return Section("notification", text, ("Notification ", Code(text)), items)


@pytest.mark.parametrize("text", HOSTILE)
def test_in_markdown_a_text_is_only_text(text: str) -> None:
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(markdown([section(text)]))
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
    allowed = {"text", "code_inline", "strong_open", "strong_close", "softbreak", "inline", "fence"}
    allowed |= {
        f"{block}_{end}" for block in ("heading", "bullet_list", "list_item", "paragraph") for end in ("open", "close")
    }
    assert kinds <= allowed
    assert sum(token.type == "heading_open" for token in tokens) == 1
    assert sum(token.type == "list_item_open" for token in tokens) == 2
    assert sum(token.type == "fence" for token in tokens) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_in_markdown_nobody_is_mentioned_and_nothing_is_linked_outside_of_code(text: str) -> None:
    prose = re.sub(r"`[^`]*`", "", markdown([Section("group", "x", (text,), (Item("added", (text,)),))]))
    assert not re.search(r"@\w|://|www\.", prose)


@pytest.mark.parametrize("text", HOSTILE)
def test_on_a_terminal_a_text_is_one_line_that_does_nothing(text: str) -> None:
    for _, line in lines([section(text)]):
        assert line.isprintable()


def test_what_weighs_much_can_be_told_from_the_rest() -> None:
    kinds = [kind for kind, _ in lines([section("x")])]
    assert kinds == ["title", "changed weighty", "-", "+", "added"]


def test_code_stands_between_marks_and_a_line_of_a_text_does_not() -> None:
    assert shown(("if ", Code("a > 1"))) == "if `a > 1`"
    told = dict(lines([Section("x", "x", ("x",), (Item("changed", ("x",), inside=(("+", (Code("a"),)),)),))]))
    assert told["+"] == "      + a"


def test_a_text_with_a_fence_in_it_stays_in_its_block() -> None:
    new = compile_files(edited("notifications/daily/content.md", "There is something new.", "```\n# code\n```\n@all"))
    told = markdown(say_differences(differences(WHOLE, new), WHOLE, new))
    [fence] = [token for token in MarkdownIt().parse(told) if token.type == "fence"]
    assert fence.content == "- There is something new.\n+ ```\n+ # code\n+ ```\n+ @all\n"
