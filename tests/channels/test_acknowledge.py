"""The action that acknowledges, in each channel's own form; and SMS, which has it only where its author writes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from arauto.channels import Source, TextSources, load
from arauto.model import Brand

URL = "https://avisos.example/ack/eyJ"
CONTENT = """---
title: Server down
actions:
  - {label: I am on it, acknowledge: true}
  - {label: Graphs, url: "https://graphs.example"}
---
It does not answer.
"""
GRAPHS = "https://graphs.example"


def body(channel: str, url: str | None = URL, own: str | None = None) -> Any:
    override = Source(f"{channel}.own", own) if own else None
    sources = TextSources(locale="en", content=Source("content.en.md", CONTENT), override=override, folder="/")
    event = {"source": "monitor", "id": "1", "data": {}}
    context = {"event": event, "recipient": {}, "project": {}, "message": {"id": "msg_1", "acknowledge_url": url}}
    return load(channel).compile(sources, Brand(name="Loja")).compose(context)


def test_in_a_mail_it_is_a_button_and_a_link() -> None:
    mail = body("email")
    assert f'href="{URL}"' in mail.html
    assert f"I am on it: {URL}\n" in mail.text


def test_in_slack_it_is_a_button_with_a_name() -> None:
    message = body("slack")
    for block in message.blocks:
        Block.parse(block).validate_json()  # type: ignore[union-attr]
    mine, graphs = message.blocks[-1]["elements"]
    assert (mine["action_id"], mine["url"], mine["text"]["text"]) == ("acknowledge", URL, "I am on it")
    assert (graphs.get("action_id"), graphs["url"]) == (None, GRAPHS)


def test_in_a_push_message_it_is_an_action_and_not_where_a_press_leads() -> None:
    payload = json.loads(body("push").payload)
    assert payload["actions"] == [
        {"title": "I am on it", "url": URL, "acknowledge": True},
        {"title": "Graphs", "url": GRAPHS},
    ]
    assert payload["url"] == GRAPHS


def test_in_an_inbox_it_is_an_action_and_not_where_the_message_leads() -> None:
    message = body("inapp")
    assert message.actions == [
        {"label": "I am on it", "url": URL, "acknowledge": True},
        {"label": "Graphs", "url": GRAPHS},
    ]
    assert message.url == GRAPHS


def test_an_sms_has_it_only_where_its_author_writes_it() -> None:
    assert body("sms").text == f"Server down\nIt does not answer.\n{GRAPHS}"
    assert body("sms", own="Down! {{ message.acknowledge_url }}").text == f"Down! {URL}"


@pytest.mark.parametrize("channel", ["email", "slack", "push", "inapp", "sms"])
def test_without_a_public_address_it_is_left_out(channel: str) -> None:
    said = str(body(channel, url=None))
    assert "I am on it" not in said
    assert GRAPHS in said
