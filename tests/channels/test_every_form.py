"""What every channel's form keeps: data are data, whatever they hold; and the same event always looks the same."""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arauto.channels import Source, TextSources, load
from arauto.model import Brand

CHANNELS = ("email", "sms", "push", "slack", "webhook", "inapp")
BRAND = Brand(name="Loja & Aurora", url="https://loja.example", footer="Rua 1")

CONTENT = """---
title: "Hello {{ event.data.x }}!"
preview: "Preview {{ event.data.x }}"
actions:
  - {label: "Open {{ event.data.x }}", url: "https://loja.example/{{ event.data.x }}"}
  - {label: "Go", url: "{{ event.data.x }}"}
---
First {{ event.data.x }} **bold {{ event.data.x }}** `code {{ event.data.x }}`
[link {{ event.data.x }}]({{ event.data.x }}) [part](https://loja.example/?q={{ event.data.x }})

{% for item in event.data.items %}
- {{ item }}
{% endfor %}

> Quote {{ event.data.x }}

| a | b |
|---|---|
| {{ event.data.x }} | c |

![picture {{ event.data.x }}](https://loja.example/{{ event.data.x }}.png)
"""

OWN = {
    "email": "<mjml><mj-head><mj-title>T {{ event.data.x }}</mj-title></mj-head><mj-body><mj-section><mj-column>"
    '<mj-text>Text {{ event.data.x }} <a href="{{ event.data.x }}">link</a></mj-text>'
    '<mj-image src="https://loja.example/{{ event.data.x }}" alt="Alt {{ event.data.x }}" />'
    '<mj-button href="https://loja.example/{{ event.data.x }}">Go {{ event.data.x }}</mj-button>'
    "</mj-column></mj-section></mj-body></mjml>",
    "sms": "Text {{ event.data.x }} https://loja.example/{{ event.data.x }}",
    "push": '{"title": "T {{ event.data.x }}", "body": "{{ event.data.x }}", "url": "{{ event.data.x }}"}',
    "slack": '{"text": "T {{ event.data.x }}", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text":'
    ' "*Author* {{ event.data.x }}"}}, {"type": "section", "text": {"type": "mrkdwn", "text": "{{ event.data.x }}"}}]}',
    "webhook": '{"a": "{{ event.data.x }}", "b": "text {{ event.data.x }}"}',
    "inapp": '{"title": "T {{ event.data.x }}", "text": "{{ event.data.x }}", "url": "{{ event.data.x }}"}',
}

CORPUS = {
    "markdown": "# h\n\n* **b** _i_ [l](https://evil.example) ![i](https://evil.example/i.png) `c` ~~s~~ | t |",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)><a href='https://evil.example'>x</a>",
    "closing tags": '</div></td></table>"><b>',
    "attributes": '" onload="alert(1)" x=\'y',
    "entities": "&lt;b&gt; &#60;b&#62; &amp;",
    "a comment": "<!-- x --><![endif]--><!--[if mso]>",
    "javascript": "javascript:alert(document.cookie)",
    "data url": "data:text/html;base64,PHNjcmlwdD4=",
    "line breaks": "x\r\nBcc: evil@evil.example\r\n\r\nbody",
    "an encoded word": "=?utf-8?q?=0ABcc:_evil@evil.example?=",
    "an encoded line break": "A 💩 subject=?UTF-8?Q?=0A?=Bcc: injected@evil.example",
    "slack mentions": "<!channel> <!here> <@U123> <https://evil.example|x> @channel",
    "slack formatting": "*b* _i_ ~s~ `c` ```p``` &gt; :tada:",
    "private use": "\ue000\ue001\uf8ff\U000f0000\U000f8000\U00100000",
    "nul": "a\x00b\x1bc\x7fd\x9be",
    "right to left": "abc\u202egnp.exe\u2066x",
    "line separators": "a\u2028b\u2029c\x85d\x0be",
    "the language itself": "{{ event }} {% for x in range(9) %}{% endfor %} {# c #}",
    "the marks of mjml": "arautoslot0slotarauto </mj-text><mj-raw>x</mj-raw>",
    "json": '"}], "blocks": [{"type": "x"}], "a": "\\u0000',
    "very long": "long " * 3000,
    "empty": "",
}

Probe = tuple[str, str]


def context(x: str) -> dict[str, Any]:
    event = {
        "id": "e-1",
        "source": "loja",
        "type": "order.paid",
        "time": "2026-01-31T12:00:00Z",
        "subject": None,
        "data": {"x": x, "items": [x, x]},
    }
    recipient = {"id": "ana", "kind": "person", "name": x, "locale": "en", "time_zone": "UTC", "attributes": {}}
    return {"event": event, "events": [event], "recipient": recipient, "project": {"name": "loja"}}


def compiled(channel: str, own: bool) -> Any:
    override = Source(f"{channel}.own", OWN[channel]) if own else None
    content = None if own and channel == "email" else Source("content.en.md", CONTENT)
    return load(channel).compile(TextSources(locale="en", content=content, override=override, folder="/"), BRAND)


COMPOSERS = {(channel, own): compiled(channel, own) for channel in CHANNELS for own in (False, True)}


class Skeleton(HTMLParser):
    """The tags of a document with the names of their attributes, and where it links to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[object] = []
        self.urls: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, sorted(name for name, _ in attrs)))
        self.urls += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(tag)

    def handle_comment(self, data: str) -> None:
        self.tags.append(("comment", data))


def skeleton(node: Any) -> Any:
    """The structure of plain data: types and keys, without the texts."""
    if isinstance(node, dict):
        return {key: skeleton(value) if key != "type" else value for key, value in node.items()}
    return [skeleton(value) for value in node] if isinstance(node, list) else type(node)


def structure(channel: str, body: Any) -> object:
    """Everything about a body that data must not change."""
    match channel:
        case "email":
            return Skeleton(body.html).tags, body.images
        case "sms":
            return body.text.count("\n")
        case "push":
            return skeleton(json.loads(body.payload)), body.urgency
        case "slack":
            return skeleton(body.blocks)
        case "webhook":
            return skeleton(json.loads(body.content))
        case _:
            return Skeleton(body.html).tags, skeleton(body.actions), type(body.url), type(body.image)


def texts(node: Any) -> Iterator[str]:
    """Every text in plain data."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for value in node.values() if isinstance(node, dict) else node:
            yield from texts(value)


def everything(channel: str, body: Any) -> list[str]:
    """Every text of a body that people get to see."""
    match channel:
        case "email":
            return [body.subject, body.html, body.text]
        case "sms":
            return [body.text]
        case "push":
            return list(texts(json.loads(body.payload)))
        case "slack":
            return [body.text, *texts(body.blocks)]
        case "inapp":
            return [body.title, body.text, body.html, body.url or "", body.image or "", *texts(body.actions)]
        case _:
            return []


@pytest.mark.parametrize("own", [False, True], ids=["from the content", "its own"])
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("name", CORPUS)
def test_data_add_nothing_but_themselves(channel: str, own: bool, name: str) -> None:
    composer = COMPOSERS[channel, own]
    body = composer.compose(context(CORPUS[name]))
    tame = composer.compose(context("long " * 3000 if name == "very long" else "x"))
    assert structure(channel, body) == structure(channel, tame)
    seen = "\n".join(everything(channel, body))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ue000-\uf8ff]", seen)
    assert not re.search("[\U000f0000-\U0010ffff]", seen)


def urls(channel: str, body: Any) -> list[str]:
    match channel:
        case "email":
            return Skeleton(body.html).urls
        case "inapp":
            return [*Skeleton(body.html).urls, *(action["url"] for action in body.actions), *filter(None, [body.url])]
        case "slack":
            return [value for key, value in pairs(body.blocks) if key in ("url", "image_url")]
        case "push":
            return [value for key, value in pairs(json.loads(body.payload)) if key in ("url", "image")]
    return []


def pairs(node: Any) -> Iterator[Probe]:
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str):
                yield key, value
            yield from pairs(value)
    elif isinstance(node, list):
        for value in node:
            yield from pairs(value)


@pytest.mark.parametrize("own", [False, True], ids=["from the content", "its own"])
@pytest.mark.parametrize("channel", ["email", "push", "slack", "inapp"])
@pytest.mark.parametrize("name", CORPUS)
def test_links_lead_where_their_author_let_them(channel: str, own: bool, name: str) -> None:
    body = COMPOSERS[channel, own].compose(context(CORPUS[name]))
    assert all(url == "https://loja.example" or url.startswith("https://loja.example/") for url in urls(channel, body))


@pytest.mark.parametrize("channel", ["email", "push", "slack", "inapp"])
def test_a_good_url_in_data_is_a_link(channel: str) -> None:
    good = "https://other.example/a?b=c"
    for own in (False, True):
        if (channel, own) != ("slack", True):
            assert good in urls(channel, COMPOSERS[channel, own].compose(context(good)))


@pytest.mark.parametrize("own", [False, True], ids=["from the content", "its own"])
@pytest.mark.parametrize("name", CORPUS)
def test_a_subject_stays_one_header(own: bool, name: str) -> None:
    subject = COMPOSERS["email", own].compose(context(CORPUS[name])).subject
    assert len(subject) <= 200
    raw = f"Subject: {subject}\nTo: ana@loja.example\n\nbody"
    message = email.parser.Parser(policy=email.policy.default).parsestr(raw)
    assert message.keys() == ["Subject", "To"]
    assert message["Bcc"] is None
    assert str(message["Subject"]) == subject.strip()
    assert "=?" not in subject


@pytest.mark.parametrize("name", ["slack mentions", "slack formatting", "html"])
def test_mrkdwn_names_nobody_and_formats_nothing(name: str) -> None:
    own = COMPOSERS["slack", True].compose(context(CORPUS[name]))
    for text in (own.text, own.blocks[0]["text"]["text"], own.blocks[1]["text"]["text"]):
        said = text.removeprefix("*Author* ")
        assert not re.search(r"[<>*~`]|(?<![^\W_])_\w|&(?!amp;|lt;|gt;)", said)
    assert all(block["text"]["verbatim"] is True for block in own.blocks)
    assert not re.search("[<>]", COMPOSERS["slack", False].compose(context(CORPUS[name])).text)


def test_a_webhook_gets_data_exactly() -> None:
    for x in CORPUS.values():
        sent = json.loads(COMPOSERS["webhook", False].compose(context(x)).content)
        assert sent["data"] == {"x": x, "items": [x, x]}
        assert json.loads(COMPOSERS["webhook", True].compose(context(x)).content)["a"] == x


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_same_event_looks_the_same(channel: str) -> None:
    for own in (False, True):
        composer = COMPOSERS[channel, own]
        first = composer.compose(context("a"))
        composer.compose(context("b"))
        assert composer.compose(context("a")) == first


SCALARS = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
TAME = Skeleton(COMPOSERS["email", False].compose(context("x")).html).tags


@given(value=SCALARS)
@settings(max_examples=150, deadline=None)
def test_no_value_changes_the_tags_of_a_mail(value: Any) -> None:
    body = COMPOSERS["email", False].compose(context(value))
    assert Skeleton(body.html).tags == TAME
