"""The form of webhooks: the event itself, or the project's own JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from arauto.channels import Source, TextSources
from arauto.channels.webhook import WebhookBody, channel
from arauto.model import Brand

EVENT: dict[str, Any] = {
    "id": "e-1",
    "source": "loja",
    "type": "order.paid",
    "time": "2026-01-31T12:00:00Z",
    "data": {"n": 1.5, "text": "a\n\ue000é", "big": 2**70, "null": None},
}
TOLD = {
    "type": "order.paid",
    "timestamp": "2026-01-31T12:00:00Z",
    "data": EVENT["data"],
    "id": "e-1",
    "source": "loja",
}


def call(own: str | None = None, events: int = 1) -> Any:
    override = Source("webhook.json", own) if own else None
    sources = TextSources(locale="en", content=None, override=override, folder="/")
    body = channel.compile(sources, Brand(name="Loja")).compose({"event": EVENT, "events": [EVENT] * events})
    assert isinstance(body, WebhookBody)
    assert body.content_type == "application/json"
    return json.loads(body.content)


def test_without_any_text_a_system_gets_the_event() -> None:
    assert channel.needs_content is False
    assert call() == TOLD


def test_several_events_all_come() -> None:
    assert call(events=2) == {**TOLD, "events": [TOLD, TOLD]}


def test_own_json_keeps_the_types_of_values() -> None:
    own = '{"n": "{{ event.data.n }}", "all": "{{ event.data }}", "t": "{{ event.type }}/{{ event.id }}"}'
    assert call(own) == {"n": 1.5, "all": EVENT["data"], "t": "order.paid/e-1"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://erp.example/hook?a=b", "https://erp.example/hook?a=b"),
        ("HTTPS://ERP.example:8443", "https://erp.example:8443"),
        ("http://127.0.0.1:9000/erp", "http://127.0.0.1:9000/erp"),
        ("http://[::1]:9000/", "http://[::1]:9000/"),
        ("https://açaí.example/", "https://xn--aa-4iaz.example/"),
    ],
)
def test_an_address_has_one_form(given: str, kept: str) -> None:
    assert channel.check_address(given) == kept
    assert channel.check_address(kept) == kept


@pytest.mark.parametrize(
    "given",
    [
        "erp.example",
        "ftp://erp.example",
        "https://",
        "https://user:secret@erp.example/",
        "https://user@erp.example/",
        "https://erp.example/#a",
        "https://erp.example/ a",
        "https://erp.example/\r\nX: y",
        "https://erp.example:port/",
        "https://good.example\\@evil.example/",
        "https://[::1",
        "javascript:alert(1)",
        None,
        5,
    ],
)
def test_anything_else_is_no_address(given: object) -> None:
    with pytest.raises(ValueError, match="address"):
        channel.check_address(given)
