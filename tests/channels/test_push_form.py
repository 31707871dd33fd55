"""The form of web push: subscriptions and payloads that push services take."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from arauto.channels import Source, TextFaulty, TextSources
from arauto.channels.push import LARGEST, PushBody, channel
from arauto.errors import LanguageError
from arauto.model import Brand

P256DH = base64.urlsafe_b64encode(b"\x04" + bytes(64)).decode()
AUTH = base64.urlsafe_b64encode(bytes(16)).decode()
CONTENT = """---
title: "T {{ event.data.x }}"
image: "{{ event.data.image }}"
image_alt: alt
actions: [{label: Open, url: "https://x.example/{{ event.data.n }}"}, {label: More, url: "https://x.example"}]
---
Body {{ event.data.x }}

- one
"""


def message(own: str | None = None, folder: str = "notifications/a", **data: Any) -> PushBody:
    override = Source("push.json", own) if own else None
    sources = TextSources(locale="en", content=Source("c.md", CONTENT), override=override, folder=folder)
    event = {"id": data.pop("id", "e-1"), "source": "loja", "data": {"x": "x", "n": 1, "image": "none", **data}}
    body = channel.compile(sources, Brand(name="Loja")).compose({"event": event, "recipient": {}, "project": {}})
    assert isinstance(body, PushBody)
    return body


def payload(body: PushBody) -> Any:
    return json.loads(body.payload)


def test_a_payload_says_it_all() -> None:
    body = message(x="é", image="https://x.example/i.png")
    assert payload(body) == {
        "title": "T é",
        "body": "Body é\n- one",
        "image": "https://x.example/i.png",
        "url": "https://x.example/1",
        "actions": [{"title": "Open", "url": "https://x.example/1"}, {"title": "More", "url": "https://x.example"}],
        "tag": payload(body)["tag"],
    }
    assert "é".encode() in body.payload
    assert "image" not in payload(message())


def test_a_repeat_replaces_what_it_repeats_and_nothing_else() -> None:
    first = message()
    assert message() == first
    others = [message(id="e-2"), message(folder="notifications/b")]
    assert len({first.topic, *(other.topic for other in others)}) == 3
    assert len({payload(body)["tag"] for body in (first, *others)}) == 3
    assert first.topic is not None
    assert len(first.topic) <= 32


@pytest.mark.parametrize("text", ["a" * 9000, "é" * 9000, '"\\' * 9000, "😀" * 9000, "a" * 3800 + "é" * 100])
def test_a_payload_is_cut_to_what_services_take(text: str) -> None:
    body = message('{"title": "t", "body": "{{ event.data.x }}"}', x=text)
    assert LARGEST - 12 <= len(body.payload) <= LARGEST
    kept = payload(body)["body"]
    assert kept.endswith("…")
    assert text.startswith(kept[:-1])


def test_a_url_that_leaves_no_room_goes_before_the_words() -> None:
    body = message(image=f"https://x.example/{'a' * 4000}")
    assert len(body.payload) <= LARGEST
    assert payload(body)["body"] == "Body x\n- one"
    assert "image" not in payload(body)
    assert len(message(n="ü" * 3000).payload) <= LARGEST


def test_own_json_is_taken() -> None:
    own = '{"title": "Own", "body": "{{ event.data.x }}", "urgency": "high", "tag": "t-{{ event.data.n }}"}'
    body = message(own)
    assert body.urgency == "high"
    assert payload(body) == {"title": "Own", "body": "x", "tag": "t-1", "actions": []}
    with pytest.raises(LanguageError, match="the body of a push message is a text"):
        message(own, x=5)


@pytest.mark.parametrize(
    ("own", "line", "column", "code"),
    [
        ("[]", 1, 1, "wrong-type"),
        ('{"title": "t"}', 1, 1, "missing-key"),
        ('{"title": "t", "body": "b",\n "titel": 1}', 2, 3, "unknown-key"),
        ('{"title": "t", "body": "b", "urgency": "now"}', 1, 30, "bad-value"),
    ],
)
def test_a_fault_in_own_json_has_its_place(own: str, line: int, column: int, code: str) -> None:
    with pytest.raises(TextFaulty) as caught:
        message(own)
    (fault,) = caught.value.faults
    assert (fault.line, fault.column, fault.code) == (line, column, code)


def test_a_subscription_has_one_form() -> None:
    given = {
        "endpoint": "https://push.example/abc?d=e",
        "expirationTime": None,
        "keys": {"p256dh": P256DH, "auth": AUTH},
    }
    kept = channel.check_address(given)
    assert kept == {
        "endpoint": "https://push.example/abc?d=e",
        "keys": {"p256dh": P256DH.rstrip("="), "auth": AUTH.rstrip("=")},
    }
    assert channel.check_address(kept) == kept
    assert channel.check_address({**kept, "endpoint": "http://127.0.0.1:9000/x"})["endpoint"].startswith("http:")


@pytest.mark.parametrize(
    "endpoint",
    [
        None,
        "",
        "http://push.example/x",
        "https://a@push.example/",
        "https://",
        "ftp://x",
        "https://x/ y",
        "https://x/\n",
    ],
)
def test_anything_else_is_no_endpoint(endpoint: object) -> None:
    with pytest.raises(ValueError, match="https:// URL"):
        channel.check_address({"endpoint": endpoint, "keys": {"p256dh": P256DH, "auth": AUTH}})


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [(P256DH, "AAAA"), ("AAAA", AUTH), (P256DH, None), (P256DH, "!" * 22), (AUTH, P256DH), ("B" + "A" * 86, 1)],
)
def test_anything_else_is_no_key(p256dh: object, auth: object) -> None:
    with pytest.raises(ValueError, match="base64url"):
        channel.check_address({"endpoint": "https://push.example", "keys": {"p256dh": p256dh, "auth": auth}})


@pytest.mark.parametrize("given", [None, "https://push.example", {}, {"endpoint": "https://x", "keys": []}])
def test_anything_else_is_no_subscription(given: object) -> None:
    with pytest.raises(ValueError, match="subscription"):
        channel.check_address(given)
