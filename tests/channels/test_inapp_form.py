"""The form of in-app messages."""

from __future__ import annotations

from typing import Any

import pytest

from arauto.channels import Source, TextFaulty, TextSources
from arauto.channels.inapp import InboxBody, channel
from arauto.errors import LanguageError
from arauto.model import Brand

CONTENT = """---
title: "T {{ event.data.x }}"
image: box.png
image_alt: A box
actions: [{label: Open, url: "{{ event.data.url }}"}]
---
Hello **{{ event.data.x }}**

![Box](box.png)
"""


def message(own: str | None = None, content: str = CONTENT, **data: Any) -> InboxBody:
    override = Source("inapp.json", own) if own else None
    sources = TextSources(locale="en", content=Source("c.md", content), override=override, folder="/")
    body = channel.compile(sources, Brand(name="Loja")).compose({"event": {"data": data}, "recipient": {}})
    assert isinstance(body, InboxBody)
    return body


def test_a_text_becomes_a_message() -> None:
    assert message(x="<b>", url="https://x.example/?a&b") == InboxBody(
        title="T <b>",
        text="Hello <b>",
        html="<p>Hello <strong>&lt;b&gt;</strong></p><p>Box</p>",
        url="https://x.example/?a&b",
        image=None,
        actions=[{"label": "Open", "url": "https://x.example/?a&b"}],
    )


def test_an_image_of_the_web_is_shown() -> None:
    content = CONTENT.replace("box.png", "https://x.example/box.png")
    body = message(content=content, x="x", url="https://x.example")
    assert body.image == "https://x.example/box.png"
    assert '<img src="https://x.example/box.png" alt="Box">' in body.html


def test_own_json_is_taken() -> None:
    own = '{"title": "t", "text": "{{ event.data.x }}", "actions": [{"label": "l", "url": "{{ event.data.url }}"}]}'
    body = message(own, x="<b>", url="https://x.example")
    assert (body.html, body.url, len(body.actions)) == ("<p>&lt;b&gt;</p>", "https://x.example", 1)
    assert message(own, x="x", url="javascript:x").actions == []
    with pytest.raises(LanguageError, match="the text of an in-app message is a text"):
        message(own, x=1, url="")


@pytest.mark.parametrize(
    ("own", "line", "column", "code"),
    [
        ("[]", 1, 1, "wrong-type"),
        ('{"title": "t"}', 1, 1, "missing-key"),
        ('{"title": "t", "text": "x",\n "txt": 1}', 2, 3, "unknown-key"),
        ('{"title": "t", "text": "x", "url": "foo"}', 1, 37, "bad-link"),
    ],
)
def test_a_fault_in_own_json_has_its_place(own: str, line: int, column: int, code: str) -> None:
    with pytest.raises(TextFaulty) as caught:
        message(own)
    (fault,) = caught.value.faults
    assert (fault.line, fault.column, fault.code) == (line, column, code)


def test_an_address_is_a_recipients_id() -> None:
    assert channel.check_address("ana") == "ana"
    for given in ("", None, 5, "a\nb"):
        with pytest.raises(ValueError, match="recipient's id"):
            channel.check_address(given)
