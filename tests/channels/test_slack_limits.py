"""What need not be laid out to be seen to fit does fit."""

from __future__ import annotations

from hypothesis import given, reject, settings
from hypothesis import strategies as st

from arauto.channels import Limited, Source, TextFaulty, TextSources
from arauto.channels.slack import SlackChannel
from arauto.language.types import Longest
from arauto.model import Brand

lines = st.lists(
    st.sampled_from(
        [
            "",
            "a",
            "b  ",
            "# a",
            "- a",
            "* a",
            "+ a",
            "1. a",
            "2) b",
            "  c",
            "    d",
            "> q",
            "***",
            "---",
            "```",
            "|a|b|",
            "|-|-|",
            "\n![a](https://a.example/b.png)\n",
            "a" * 900,
            "*b* " * 400,
            "===",
        ]
    ),
    max_size=40,
)


@given(lines, st.integers(1, 3))
@settings(max_examples=50, deadline=None)
def test_a_message_of_which_nothing_was_said_is_whole(some: list[str], times: int) -> None:
    body = "\n".join(some * times)
    sources = TextSources(locale="en", content=Source("c.md", f"---\ntitle: T\n---\n{body}\n"), folder="x")
    try:
        composer = SlackChannel().compile(sources, Brand(name="x"))
    except TextFaulty:
        reject()
    assert isinstance(composer, Limited)
    if not list(composer.excesses(Longest({}))):
        message = str(composer.compose({}))
        assert "…" not in message, body


def test_a_title_of_its_own_that_is_cut_is_told() -> None:
    sources = TextSources(locale="en", content=Source("c.md", f"---\ntitle: {'x' * 151}\n---\nb\n"), folder="x")
    composer = SlackChannel().compile(sources, Brand(name="x"))
    assert isinstance(composer, Limited)
    (found,) = composer.excesses(Longest({}))
    assert (found.line, found.column, found.code) == (2, 8, "may-exceed")
    assert "a header may have 151 characters in Slack; after 150 it is cut: 151 characters of its own" in found.message
