"""The form of Slack messages, judged by Slack's own model of blocks."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from arauto.channels import Source, TextFaulty, TextSources
from arauto.channels.slack import SlackBody, channel, escape_mrkdwn
from arauto.model import Brand

CONTENT = """---
title: "T & {{ event.data.x }}"
preview: "P {{ event.data.x }}"
image: https://x.example/i.png
image_alt: alt
actions: [{label: "Open {{ event.data.x }}", url: "https://x.example/{{ event.data.x }}"}]
---
## Head

Plain **bold *both*** `code` [link](https://x.example)

1. one
2. two
   - inner
3. three

> quote

| a | b |
|---|---|
| c | d |

***

```
lines
```
"""


def message(content: str = CONTENT, own: str | None = None, **data: Any) -> SlackBody:
    override = Source("slack.json", own) if own else None
    sources = TextSources(locale="en", content=Source("c.md", content), override=override, folder="/")
    composer = channel.compile(sources, Brand(name="Loja"))
    body = composer.compose({"event": {"data": {"x": "x", **data}}, "recipient": {}, "project": {}})
    assert isinstance(body, SlackBody)
    for block in body.blocks:
        Block.parse(block).validate_json()  # type: ignore[union-attr]
    return body


def test_a_text_becomes_blocks() -> None:
    body = message()
    assert body.text == "T &amp; x\nP x"
    kinds = [block["type"] for block in body.blocks]
    assert kinds == ["header", "image", *["rich_text"] * 5, "divider", "rich_text", "actions"]
    assert body.blocks[0]["text"] == {"type": "plain_text", "text": "T & x", "emoji": False}
    (section,) = body.blocks[3]["elements"]
    assert section["elements"] == [
        {"type": "text", "text": "Plain "},
        {"type": "text", "text": "bold ", "style": {"bold": True}},
        {"type": "text", "text": "both", "style": {"bold": True, "italic": True}},
        {"type": "text", "text": " "},
        {"type": "text", "text": "code", "style": {"code": True}},
        {"type": "text", "text": " "},
        {"type": "link", "url": "https://x.example", "text": "link"},
    ]
    lists = [(part["style"], part["indent"], part.get("offset")) for part in body.blocks[4]["elements"]]
    assert lists == [("ordered", 0, None), ("bullet", 1, None), ("ordered", 0, 2)]
    assert body.blocks[-1]["elements"][0]["url"] == "https://x.example/x"


def test_texts_are_cut_to_what_slack_takes() -> None:
    body = message(x="y" * 5000)
    assert len(body.blocks[0]["text"]["text"]) == 150
    assert len(body.blocks[-1]["elements"][0]["text"]["text"]) == 75
    assert len(body.text) == 3000


def test_there_are_at_most_fifty_blocks() -> None:
    many = '---\ntitle: t\nactions: [{label: a, url: "https://x.example"}]\n---\n' + "p\n\n" * 80
    body = message(many)
    assert len(body.blocks) == 50
    assert body.blocks[-1]["type"] == "actions"
    assert body.blocks[-2]["elements"][0]["elements"][0]["text"] == "…"


def test_own_blocks_are_cut_too() -> None:
    own = """{"text": "t", "blocks": [
        {"type": "header", "text": {"type": "plain_text", "text": "{{ event.data.x }}"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "{{ event.data.x }}"},
         "fields": [{"type": "mrkdwn", "text": "f {{ event.data.x }}"}]},
        {"type": "actions", "elements": [{"type": "button",
         "text": {"type": "plain_text", "text": "{{ event.data.x }}"}, "url": "{{ event.data.url }}"}]}]}"""
    body = message(own=own, x="y" * 5000, url="javascript:x")
    assert [len(block["text"]["text"]) for block in body.blocks[:2]] == [150, 3000]
    assert len(body.blocks[1]["fields"][0]["text"]) == 2000
    assert "url" not in body.blocks[2]["elements"][0]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("<!channel> & <@U1>", "&lt;!channel&gt; &amp; &lt;@U1&gt;"),
        ("*b* ~s~ `c`", "∗b∗ ∼s∼ ˋcˋ"),
        ("_i_ snake_case", "ˍiˍ snake_case"),
    ],
)
def test_mrkdwn_is_neutral(text: str, kept: str) -> None:
    assert escape_mrkdwn(text) == kept


@pytest.mark.parametrize(
    ("own", "line", "column", "code"),
    [
        ('{"blocks": []}', 1, 1, "wrong-type"),
        ('{"text": "t",\n "attachments": []}', 2, 3, "unknown-key"),
        ('{"text": "t", "blocks": [1]}', 1, 16, "wrong-type"),
        ('{"text": "t", "blocks": [' + ",".join(['{"type": "divider"}'] * 51) + "]}", 1, 16, "too-many"),
    ],
)
def test_a_fault_in_own_json_has_its_place(own: str, line: int, column: int, code: str) -> None:
    with pytest.raises(TextFaulty) as caught:
        message(own=own)
    (fault,) = caught.value.faults
    assert (fault.line, fault.column, fault.code) == (line, column, code)


@pytest.mark.parametrize("given", ["C012AB3CD", "U012AB3CDE", "#vendas", "#vendas-são_paulo"])
def test_a_channel_or_user_is_an_address(given: str) -> None:
    assert channel.check_address(given) == given


@pytest.mark.parametrize("given", ["vendas", "@ana", "#a b", "#", "c012ab3cd", "#a\n", "", None, 5])
def test_anything_else_is_no_address(given: object) -> None:
    with pytest.raises(ValueError, match="#vendas"):
        channel.check_address(given)
