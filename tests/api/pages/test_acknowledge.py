"""Acknowledging by a link, and from the inbox."""

from __future__ import annotations

from typing import Any

import pytest

from api.conftest import Api, cloudevent
from api.pages.conftest import Form, Person


@pytest.fixture
async def messages(api: Api) -> list[dict[str, Any]]:
    """What an order made the hub send to ana: in her inbox, among others."""
    await api.post({**cloudevent(), "data": {"number": "1042", "customer": "ana"}})
    return await api.items("/v1/messages?recipient=ana&channel=inapp", 2)


def link(api: Api, message: str) -> str:
    return Person.path(api.app.hub.engine.links.acknowledge(message))


async def acknowledged(api: Api, message: str) -> bool:
    receipts = (await api.call("GET", f"/v1/messages/{message}")).json["receipts"]
    return [each["kind"] for each in receipts].count("acknowledged") == 1


async def test_looking_at_it_does_not_acknowledge(api: Api, ana: Person, messages: list[dict[str, Any]]) -> None:
    message = next(each for each in messages if each["notification"] == "orders")
    page = Form((await ana.get(link(api, message["id"]))).body.decode())
    assert "Pedido 1042" in page.text
    assert "Você está cuidando disto?" in page.text
    assert page.buttons == [("do", "acknowledge")]
    assert not await acknowledged(api, message["id"])


async def test_the_button_does_once_and_says_so(api: Api, ana: Person, messages: list[dict[str, Any]]) -> None:
    id = messages[0]["id"]
    for _ in range(2):
        page = Form((await ana.post(link(api, id), {"do": "acknowledge"})).body.decode())
        assert "Você está cuidando disto" in page.text
        assert page.buttons == []
    assert await acknowledged(api, id)
    assert not await acknowledged(api, messages[1]["id"])


async def test_others_see_who_did(api: Api, ana: Person, joe: Person) -> None:
    await api.post({**cloudevent(type="incident.opened"), "data": {"number": "7"}})
    (mine,) = await api.items("/v1/messages?recipient=ana&notification=incidents", 1)
    (theirs,) = await api.items("/v1/messages?recipient=joe&notification=incidents", 1)
    await ana.post(link(api, mine["id"]), {"do": "acknowledge"})
    page = Form((await joe.get(link(api, theirs["id"]))).body.decode())
    assert "Acknowledged by:" in page.text
    assert [text for text in page.text if text.startswith("Ana Souza, ")]
    assert page.buttons == [("do", "acknowledge")], "he may take care of it, too"
    assert not await acknowledged(api, theirs["id"])
    again = Form((await ana.get(link(api, mine["id"]))).body.decode())
    assert "Você está cuidando disto" in again.text
    assert not [text for text in again.text if "Ana Souza" in text], "she knows"


async def test_a_form_that_says_nothing_does_nothing(api: Api, ana: Person, messages: list[dict[str, Any]]) -> None:
    assert (await ana.post(link(api, messages[0]["id"]), {})).status == 400
    assert not await acknowledged(api, messages[0]["id"])


async def test_of_a_message_that_is_gone_there_is_a_friendly_page(api: Api, ana: Person) -> None:
    assert (await ana.get(link(api, "msg_gone"))).status == 404


async def test_the_inbox_acknowledges_its_own_messages_alone(api: Api, messages: list[dict[str, Any]]) -> None:
    id = messages[0]["id"]
    token = (await api.call("POST", "/v1/recipients/joe/inbox-token")).json["token"]
    answer = await api.call("POST", f"/v1/inbox/messages/{id}/acknowledge", key=token)
    assert answer.problem == (404, "unknown_message")
    token = (await api.call("POST", "/v1/recipients/ana/inbox-token")).json["token"]
    assert (await api.call("POST", f"/v1/inbox/messages/{id}/acknowledge", key=token)).status == 200
    assert await acknowledged(api, id)
