"""What a project says is text in Markdown, and no more is escaped than that takes."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from arauto.generate.escaping import code, fenced, text, whole_line

WRITTEN = {
    "a date": ("2026-11-24 12:59", "2026-11-24 12:59"),
    "a number": ("1.5 days", "1.5 days"),
    "a negative number": ("-5", "-5"),
    "an exclamation": ("Look! Here & there", "Look! Here & there"),
    "a list": ("- one", "\\- one"),
    "a list by plus": ("+ one", "\\+ one"),
    "a numbered list": ("24. December", "24\\. December"),
    "a numbered list by bracket": ("1) one", "1\\) one"),
    "an empty list": ("-", "\\-"),
    "a rule": ("- - -", "\\- - -"),
    "the line below a heading": ("===", "\\==="),
    "a quotation": ("> one", "\\> one"),
    "a heading": ("# one", "\\# one"),
    "an image": ("![a](b)", "\\!\\[a\\](b)"),
    "an entity": ("&lt;b&gt;", "\\&lt;b\\&gt;"),
    "a number of a character": ("&#42;", "\\&\\#42;"),
    "a table": ("a | b", "a \\| b"),
}


@pytest.mark.parametrize(("given", "written"), WRITTEN.values(), ids=WRITTEN)
def test_text_is_text_and_no_more_is_escaped_than_that_takes(given: str, written: str) -> None:
    assert whole_line(text(given)) == written
    paragraph, inline, _ = MarkdownIt("gfm-like", {"linkify": False}).parse(f"before\n\n{written}")[3:]
    assert paragraph.type == "paragraph_open"
    assert "".join(each.content for each in inline.children or ()) == given
    assert {each.type for each in inline.children or ()} == {"text"}


@pytest.mark.parametrize("given", ["a", "`a`", "a``b", "", "a\nb", "*a* <b>"])
def test_code_is_code(given: str) -> None:
    [inline] = [each for each in MarkdownIt().parse(code(given)) if each.type == "inline"]
    [child] = inline.children or ()
    assert (child.type, child.content) == ("code_inline", " ".join(given.split()) or " ")


@pytest.mark.parametrize("given", ["{}", "```\n# a", "a ```` b"])
def test_a_block_of_code_ends_where_it_ends(given: str) -> None:
    [block] = MarkdownIt().parse(fenced(given, "json"))
    assert (block.type, block.info, block.content) == ("fence", "json", f"{given}\n")
