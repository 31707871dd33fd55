"""Slack's two providers: what is sent, judged by Slack's own SDK, and to where."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from slack_sdk.models.blocks import Block, SectionBlock
from slack_sdk.web import WebClient

from arauto.channels import Delivery
from arauto.channels.slack import SlackBody, incoming_webhook, web_api
from arauto.egress import Egress
from arauto.errors import Rejected
from arauto.secret import Secret

BLOCKS = [SectionBlock(text="*Pedido* <https://loja.example|42> – “João”").to_dict()]


def delivery(address: str = "#vendas") -> Delivery:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    return Delivery(
        message_id="msg_1",
        attempt=1,
        address=address,
        body=SlackBody("Pedido 42", BLOCKS),
        now=now,
        expires_at=now + timedelta(hours=1),
    )


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    client = Egress(["127.0.0.0/8"])
    yield client
    await client.close()


async def test_the_web_api_is_called_as_slacks_sdk_calls_it(http_sink: Any, egress: Egress) -> None:
    http_sink.answer = (200, {"Content-Type": "application/json"}, b'{"ok": true, "ts": "1.2"}')
    provider = web_api.Provider(web_api.Settings(token=Secret("xoxb-1"), base_url=http_sink.url), egress)
    assert (await provider.send(delivery())).reference == "1.2"

    client = WebClient("xoxb-1", base_url=f"{http_sink.url}/api/")
    blocks: list[dict[str, Any] | Block] = list(BLOCKS)
    await asyncio.to_thread(client.chat_postMessage, channel="#vendas", text="Pedido 42", blocks=blocks)

    ours, theirs = http_sink.requests
    assert ours[:2] == theirs[:2] == ("POST", "/api/chat.postMessage")
    assert ours[2]["Authorization"] == theirs[2]["Authorization"]
    assert json.loads(ours[3]) == json.loads(theirs[3])


BUTTONS: list[dict[str, Any]] = [
    {
        "type": "button",
        "action_id": "acknowledge",
        "text": {"type": "plain_text", "text": "Mine"},
        "url": "https://a.example",
    },
    {"type": "button", "action_id": "other", "text": {"type": "plain_text", "text": "Go"}, "url": "https://b.example"},
]


@pytest.mark.parametrize("hears", [True, False], ids=["with a signing secret", "without"])
async def test_a_button_acknowledges_within_slack_where_presses_are_heard(
    hears: bool, http_sink: Any, egress: Egress
) -> None:
    http_sink.answer = (200, {}, b'{"ok": true}')
    blocks = [
        {"type": "actions", "elements": BUTTONS},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x"}, "accessory": BUTTONS[0]},
        {"type": "divider"},
    ]
    before = json.dumps(blocks)
    secret = Secret("s") if hears else None
    settings = web_api.Settings(token=Secret("xoxb-1"), base_url=http_sink.url, signing_secret=secret)
    message = msgspec.structs.replace(delivery(), body=SlackBody("t", blocks))
    await web_api.Provider(settings, egress).send(message)
    sent = json.loads(http_sink.requests[0][3])["blocks"]
    mine = {key: value for key, value in BUTTONS[0].items() if key != "url"} | {"value": "msg_1"}
    first = mine if hears else BUTTONS[0]
    assert sent == [blocks[0] | {"elements": [first, BUTTONS[1]]}, blocks[1] | {"accessory": first}, blocks[2]]
    assert json.dumps(blocks) == before, "the text may be sent again"
    for block in sent:
        Block.parse(block).validate_json()  # type: ignore[union-attr]


async def test_an_incoming_webhook_leads_to_its_room_whatever_the_address(http_sink: Any, egress: Egress) -> None:
    http_sink.answer = (200, {}, b"ok")
    settings = incoming_webhook.Settings(url=Secret(f"{http_sink.url}/services/T0/B0/X"))
    provider = incoming_webhook.Provider(settings, egress)
    for address in ("#vendas", "C012AB3CD"):
        await provider.send(delivery(address))
        assert http_sink.requests[-1][1] == "/services/T0/B0/X"
        assert json.loads(http_sink.requests[-1][3]) == {"text": "Pedido 42", "blocks": BLOCKS}
    assert provider.request(delivery()) == f"POST {http_sink.url}/…"


@pytest.mark.parametrize("module", [incoming_webhook, web_api], ids=["incoming_webhook", "web_api"])
async def test_a_call_that_the_hub_may_not_make_is_the_providers_fault(module: Any) -> None:
    url = "http://127.0.0.1:1"
    given = {"url": Secret(url)} if module is incoming_webhook else {"token": Secret("xoxb-1"), "base_url": url}
    egress = Egress()
    with pytest.raises(Rejected, match="under private_networks") as caught:
        await module.Provider(module.Settings(**given), egress).send(delivery())
    assert caught.value.scope == "provider"
    await egress.close()
