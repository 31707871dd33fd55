"""From an event posted to messages delivered and explained, through the real hub."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from arauto.demo.standins import Outside
from journeys.hubs import ENVIRONMENT, HubProcess, eventually, hub_process, messages_of

ORDER = {"number": "1042", "total": 1234.5, "customer": {"id": "c1", "name": "Conceição", "email": "c1@example.com"}}


async def test_an_event_becomes_messages_that_are_explained(hub: HubProcess, world: Outside) -> None:
    status, told = await hub.send("order-1", "order.paid", ORDER)
    assert status == 202
    explained = await hub.settled("order-1")
    assert explained["event"]["key"] == told["accepted"][0]["event"]
    messages = messages_of(explained)
    assert {key: message["state"] for key, message in messages.items()} == {
        ("paid", "c1", "email"): "sent",
        ("paid", "c1", "inapp"): "sent",
        ("to-erp", "erp", "webhook"): "sent",
    }
    arrived = {arrival.channel: arrival for arrival in world.arrivals}
    assert arrived["email"].text == "Order 1042 is paid"
    assert arrived["email"].to == "c1@example.com"
    assert arrived["email"].id == messages["paid", "c1", "email"]["id"]
    assert arrived["webhook"].id == messages["to-erp", "erp", "webhook"]["id"]
    (attempt,) = messages["to-erp", "erp", "webhook"]["attempts"]
    assert attempt["outcome"] == "accepted"
    assert attempt["request"].startswith("POST http://127.0.0.1")
    assert attempt["answer"].startswith("200")


async def test_what_does_not_match_says_which_condition_failed(hub: HubProcess) -> None:
    await hub.send("cheap", "order.paid", {**ORDER, "total": 3})
    explained = await hub.settled("cheap")
    paid = next(each for each in explained["notifications"] if each["notification"] == "paid")
    assert not paid["matched"]
    assert paid["reason"]["values"] == {"condition": "event.data.total > 10", "seen": {"event.data.total": 3}}


async def test_the_recipients_language_chooses_the_text(hub: HubProcess, world: Outside) -> None:
    customer = {**ORDER["customer"], "language": "pt-BR"}  # type: ignore[dict-item]
    await hub.send("order-pt", "order.paid", {**ORDER, "customer": customer})
    await hub.settled("order-pt")
    assert [arrival.text for arrival in world.arrivals if arrival.channel == "email"] == ["Pedido 1042 pago"]


async def test_the_same_event_again_has_the_same_answer_and_no_second_effect(hub: HubProcess, world: Outside) -> None:
    first = await hub.send("twice", "order.paid", ORDER)
    await hub.settled("twice")
    arrived = len(world.arrivals)
    assert await hub.send("twice", "order.paid", ORDER) == first
    status, problem = await hub.send("twice", "order.paid", {**ORDER, "total": 20})
    assert (status, problem["code"]) == (409, "id_conflict")
    assert problem["stored_hash"] != problem["sent_hash"]
    await hub.send("after", "order.paid", {**ORDER, "total": 3})
    await hub.settled("after")
    assert [arrival.channel for arrival in world.arrivals[arrived:]] == ["webhook"]


async def test_a_busy_receiver_is_tried_again_under_the_same_id(hub: HubProcess, world: Outside) -> None:
    world.erp_is_busy = 1
    await hub.send("busy", "order.paid", {**ORDER, "total": 3})
    explained = await hub.settled("busy")
    message = messages_of(explained)["to-erp", "erp", "webhook"]
    assert [attempt["outcome"] for attempt in message["attempts"]] == ["retry", "accepted"]
    assert [arrival.id for arrival in world.arrivals] == [message["id"]]


async def test_first_of_goes_on_to_the_next_channel_when_one_fails_for_good(project: Path, world: Outside) -> None:
    channel = project / "channels" / "email.yaml"
    channel.write_text(
        channel.read_text().replace(f"port: {world.smtp_port}", "port: 1").replace("[1s, 1s, 1s]", "[1s]")
    )
    async with hub_process(project) as hub:
        await hub.send("alarm", "alarm.raised", {"what": "The oven is hot"})
        messages = messages_of(await hub.settled("alarm"))
        assert {key[1:]: message["state"] for key, message in messages.items()} == {
            ("ana", "email"): "failed",
            ("ana", "sms"): "sent",
            ("bia", "sms"): "sent",
        }
        assert sorted(arrival.to for arrival in world.arrivals) == ["+5511987654321", "+5511987654322"]


async def test_the_inbox_is_read_with_a_token_of_its_own(hub: HubProcess) -> None:
    await hub.send("inbox", "order.paid", ORDER)
    await hub.settled("inbox")
    _, made = await hub.call("POST", "/v1/recipients/c1/inbox-token")
    bearer = {"Authorization": f"Bearer {made['token']}"}
    status, page = await hub.call("GET", "/v1/inbox", **bearer)
    assert status == 200
    assert (page["unread"], page["read"]) == (1, 0)
    (item,) = page["items"]
    assert item["title"] == "Order 1042 is paid"
    assert "<strong>Conceição</strong>" in item["html"]
    assert (await hub.call("POST", "/v1/inbox/marks", {"ids": [item["id"]]}, **bearer))[1] == {"unread": 0, "read": 1}
    assert (await hub.call("GET", "/v1/inbox?unread=true", **bearer))[1]["items"] == []
    assert (await hub.call("GET", "/v1/messages", **bearer))[0] == 401
    assert (await hub.call("GET", "/v1/inbox", Authorization=f"Bearer {made['token'][:-2]}xx"))[0] == 401


async def test_the_inbox_stream_tells_of_what_arrives(hub: HubProcess) -> None:
    _, made = await hub.call("PUT", "/v1/recipients/c1", {"name": "C"})
    _, made = await hub.call("POST", "/v1/recipients/c1/inbox-token")
    assert hub.session is not None
    async with hub.session.get(f"{hub.url}/v1/inbox/stream", params={"token": made["token"]}) as stream:
        assert await stream.content.readuntil(b"\n\n") == b'event: inbox\ndata: {"read":0,"unread":0}\n\n'
        await hub.send("streamed", "order.paid", ORDER)
        assert await stream.content.readuntil(b"\n\n") == b'event: inbox\ndata: {"read":0,"unread":1}\n\n'


def signed(body: bytes, secret: str = ENVIRONMENT["JOURNEY_SHOP_SECRET"]) -> dict[str, str]:
    return {"X-Shop-Signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


async def test_a_third_partys_webhook_becomes_an_event(hub: HubProcess, world: Outside) -> None:
    body = json.dumps({"kind": "paid", "id": "w-1", "order": ORDER}).encode()
    assert await hub.call("POST", "/in/shop", body, **signed(body)) == (200, b"")
    await hub.settled("w-1")
    assert {arrival.channel for arrival in world.arrivals} == {"email", "webhook"}


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        pytest.param("/in/shop", b"{}", {}, 401, "missing_signature", id="a webhook without a signature"),
        pytest.param("/in/shop", b"{}", signed(b"{ }"), 401, "bad_signature", id="a webhook signed otherwise"),
        pytest.param("/in/nobody", b"{}", {}, 404, "unknown_source", id="a source that there is not"),
        pytest.param("/v1/events", b"{", {}, 400, "invalid_json", id="no JSON"),
        pytest.param(
            "/v1/events", b'{"specversion":"1.0","specversion":"1.0"}', {}, 400, "duplicate_key", id="a key twice"
        ),
        pytest.param("/v1/events", b'{"a":NaN}', {}, 400, "not_a_number", id="NaN"),
        pytest.param("/v1/events", b"[" * 100_000, {}, 400, "too_deep", id="too deep"),
        pytest.param("/v1/events", b" " * 300_000, {}, 413, "too_large", id="too large"),
        pytest.param("/v1/events", b"{}", {"Authorization": "Bearer no"}, 401, "key_invalid", id="a wrong key"),
    ],
)
async def test_what_is_refused_is_a_problem_and_is_recorded(
    hub: HubProcess, path: str, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answered, problem = await hub.call(
        "POST", path, body, **{"Content-Type": "application/cloudevents+json", **headers}
    )
    assert (answered, problem["code"], problem["status"]) == (status, code, status)

    async def recorded() -> Any:
        return [each for each in (await hub.call("GET", "/v1/rejections"))[1]["items"] if each["code"] == code]

    assert await eventually(recorded)


async def test_invalid_data_are_refused_with_every_fault(hub: HubProcess) -> None:
    wrong = {"number": "x" * 30, "total": -1, "customer": {"id": 7}}
    status, problem = await hub.send("wrong", "order.paid", wrong)
    assert (status, problem["code"]) == (422, "invalid_data")
    assert {error["pointer"] for error in problem["errors"]} >= {"/number", "/total", "/customer/id"}


async def test_an_unknown_type_is_refused_with_a_hint(hub: HubProcess) -> None:
    status, problem = await hub.send("odd", "order.payd", ORDER)
    assert (status, problem["code"]) == (422, "unknown_event_type")
    assert "did you mean 'order.paid'" in problem["detail"]


async def test_secrets_and_addresses_reach_no_log(hub: HubProcess, world: Outside) -> None:
    world.erp_is_busy = 1
    await hub.send("secret", "order.paid", ORDER)
    await hub.send("secret-2", "page.wanted", {"what": "wake up"})
    explained = [await hub.settled("secret"), await hub.settled("secret-2")]
    assert await hub.stop() == 0
    everything = hub.log.decode() + json.dumps(explained)
    for secret in ENVIRONMENT.values():
        assert secret not in everything
    assert "c1@example.com" not in hub.log.decode()
