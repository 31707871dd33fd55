"""Both clients hold the same conversation: one id over all tries, the hub's wishes heeded, and the key never shown."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from arauto import client as module
from arauto.api.server import listening
from arauto.app import running
from arauto.catalogue import compile_project
from arauto.client import Accepted, AsyncClient, Client, HubError

KEY = "arauto_00112233_canary-AbCdEf"
BUSY = (503, {"Retry-After": "0"}, {"code": "store_unavailable", "detail": "again"})


@dataclass
class Script:
    """A server that gives these answers, one after the other, and keeps what it was asked; at the end it accepts."""

    url: str = ""
    answers: list[Any] = field(default_factory=list)
    """(status, headers, JSON or bytes), or None: the connection breaks."""
    bodies: list[Any] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.bodies.append(json.loads(await request.read()))
        self.headers.append(request.headers)
        assert (request.method, request.path) == ("POST", "/v1/events")
        if not self.answers:
            told = [
                {"event": f"evt_{each['id']}", "source": each["source"], "id": each["id"]} for each in self.bodies[-1]
            ]
            return web.json_response({"accepted": told}, status=202)
        answer = self.answers.pop(0)
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, headers, body = answer
        told = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(status=status, headers=headers, body=told)


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    script = Script()
    runner = web.ServerRunner(web.Server(script.handle), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    script.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield script
    await runner.cleanup()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the clients would have waited; they do not wait."""
    waited: list[float] = []
    really = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await really(0)

    monkeypatch.setattr(module.clock, "sleep", waited.append)
    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    monkeypatch.setattr(module.random, "uniform", lambda low, high: 1.0)
    return waited


@dataclass
class Caller:
    """One of the two clients, called from a test."""

    kind: str

    def make(self, url: str, **more: Any) -> Client | AsyncClient:
        given = {"key": KEY, "source": "loja", **more}
        return Client(url, **given) if self.kind == "Client" else AsyncClient(url, **given)

    async def send(self, url: str, *arguments: Any, **more: Any) -> Accepted:
        return (await self.send_all(url, [self.make(url).event(*arguments, **more)]))[0]

    async def send_all(self, url: str, events: Any, **more: Any) -> list[Accepted]:
        client = self.make(url, **more)
        if isinstance(client, Client):
            return await asyncio.to_thread(client.send_all, events)
        async with client as open_client:
            return await open_client.send_all(events)


@pytest.fixture(params=["Client", "AsyncClient"])
def caller(request: pytest.FixtureRequest) -> Caller:
    return Caller(request.param)


async def test_an_event_is_sent_with_all_that_was_said(caller: Caller, script: Script) -> None:
    at = datetime(2026, 11, 24, 9, tzinfo=UTC)
    accepted = await caller.send(script.url, "order.paid", {"n": "João"}, id="1", subject="s", time=at)
    assert accepted == Accepted("evt_1", "loja", "1")
    assert script.bodies == [
        [
            {
                "specversion": "1.0",
                "id": "1",
                "source": "loja",
                "type": "order.paid",
                "datacontenttype": "application/json",
                "data": {"n": "João"},
                "time": "2026-11-24T09:00:00+00:00",
                "subject": "s",
            }
        ]
    ]
    assert script.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert script.headers[0]["Content-Type"].startswith("application/cloudevents-batch+json")


@pytest.mark.parametrize("status", sorted(module.RETRIED_STATUSES))
async def test_a_refusal_for_now_is_tried_again_under_the_same_id(
    caller: Caller, script: Script, pauses: list[float], status: int
) -> None:
    script.answers = [(status, {}, b"<html>"), (status, {}, {"code": "x", "detail": "y"})]
    accepted = await caller.send(script.url, "order.paid", {})
    assert pauses == [0.2, 0.5]
    assert len(script.bodies) == 3
    assert script.bodies[0] == script.bodies[1] == script.bodies[2]
    assert accepted.id == script.bodies[0][0]["id"]


async def test_an_answer_that_does_not_come_is_tried_again_under_the_same_id(
    caller: Caller, script: Script, pauses: list[float]
) -> None:
    script.answers = [None, None, None]
    await caller.send(script.url, "order.paid", {})
    assert len(pauses) == 3
    assert {body[0]["id"] for body in script.bodies} == {script.bodies[0][0]["id"]}


async def test_it_gives_up_after_the_last_wait(caller: Caller, script: Script, pauses: list[float]) -> None:
    script.answers = [BUSY] * 20
    with pytest.raises(HubError) as caught:
        await caller.send(script.url, "order.paid", {})
    assert (caught.value.status, caught.value.code) == (503, "store_unavailable")
    assert pauses == list(module.WAITS)
    assert len(script.bodies) == len(module.WAITS) + 1


@pytest.mark.parametrize(
    ("told", "waited"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param(" 7 ", 7.0, id="with white space"),
        pytest.param("0", 0.2, id="less than its own wait"),
        pytest.param("3600", 60.0, id="no more than a minute"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", 0.2, id="a date, which is not read"),
        pytest.param("-1", 0.2, id="nonsense"),
        pytest.param("²", 0.2, id="a digit that is no number"),
    ],
)
async def test_retry_after_is_a_minimum(
    caller: Caller, script: Script, pauses: list[float], told: str, waited: float
) -> None:
    script.answers = [(429, {"Retry-After": told}, b"")]
    await caller.send(script.url, "order.paid", {})
    assert pauses == [waited]


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        pytest.param((409, {}, {"code": "id_conflict", "detail": "d"}), 409, "id_conflict", id="a conflict"),
        pytest.param((401, {}, {"code": "key_invalid", "detail": "d"}), 401, "key_invalid", id="a wrong key"),
        pytest.param((413, {}, b"too large"), 413, "refused", id="no problem document"),
        pytest.param((400, {}, b'["x"]'), 400, "refused", id="another document"),
        pytest.param((200, {}, b"<html>welcome</html>"), 200, "refused", id="a page of somebody else"),
        pytest.param((202, {}, b"<html>welcome</html>"), 202, "no_hub", id="a 202 of somebody else"),
        pytest.param((202, {}, {"accepted": [{}]}), 202, "no_hub", id="a 202 without keys"),
        pytest.param((302, {"Location": "/elsewhere"}, b""), 302, "refused", id="a redirect, which is not followed"),
    ],
)
async def test_a_refusal_for_good_is_not_tried_again(
    caller: Caller, script: Script, pauses: list[float], answer: Any, status: int, code: str
) -> None:
    script.answers = [answer]
    with pytest.raises(HubError) as caught:
        await caller.send(script.url, "order.paid", {})
    assert (caught.value.status, caught.value.code) == (status, code)
    assert (len(script.bodies), pauses) == (1, [])


async def test_every_fault_is_told(caller: Caller, script: Script) -> None:
    errors = [{"pointer": "/0/data/total", "detail": "is less than 0"}, {"pointer": "/1", "detail": "is missing"}]
    script.answers = [(422, {}, {"code": "invalid_data", "detail": "2 faults", "errors": errors})]
    with pytest.raises(HubError) as caught:
        await caller.send(script.url, "order.paid", {})
    assert caught.value.errors == tuple(errors)
    assert str(caught.value) == "422 invalid_data: 2 faults\n  /0/data/total: is less than 0\n  /1: is missing"


async def test_a_hub_that_is_not_there_is_unreachable_after_all_tries(caller: Caller, pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(HubError) as caught:
        await caller.send(f"http://127.0.0.1:{port}", "order.paid", {})
    assert (caught.value.status, caught.value.code) == (0, "unreachable")
    assert str(port) in str(caught.value)
    assert pauses == list(module.WAITS)


async def test_a_hub_that_stays_silent_is_unreachable(caller: Caller, pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        event = caller.make(url).event("order.paid", {})
        with pytest.raises(HubError) as caught:
            await caller.send_all(url, [event], timeout=0.02)
    assert caught.value.code == "unreachable"


async def test_many_events_go_in_one_call(caller: Caller, script: Script) -> None:
    client = caller.make(script.url)
    accepted = await caller.send_all(script.url, (client.event("order.paid", {}, id=str(n)) for n in range(3)))
    assert [each.id for each in accepted] == ["0", "1", "2"]
    assert len(script.bodies) == 1
    assert await caller.send_all(script.url, []) == []


# -- ids -----------------------------------------------------------------------------------------------------------


def test_what_an_event_is_about_makes_its_id(caller: Caller) -> None:
    def id(type: str, of: str | None, source: str = "loja") -> str:
        return caller.make("http://hub.example", source=source).event(type, {}, of=of).id

    assert id("order.paid", "1042") == id("order.paid", "1042") == "8520cb081c01914ce02dcce7b344860d"
    assert (
        len(
            {
                id("order.paid", "1042"),
                id("order.sent", "1042"),
                id("order.paid", "1043"),
                id("order.paid", "1042", "erp"),
            }
        )
        == 4
    )
    assert id("order.paid", None) != id("order.paid", None)


def test_contradictions_are_refused(caller: Caller) -> None:
    client = caller.make("http://hub.example")
    with pytest.raises(ValueError, match="not both"):
        client.event("order.paid", {}, of="1", id="1")
    with pytest.raises(ValueError, match="no time zone"):
        client.event("order.paid", {}, time=datetime(2026, 1, 1))


async def test_data_that_are_no_json_are_refused_before_anything_is_sent(caller: Caller, script: Script) -> None:
    for data in ({"a": float("nan")}, {"a": {1, 2}}):
        with pytest.raises((ValueError, TypeError)):
            await caller.send(script.url, "order.paid", data)
    assert script.bodies == []


# -- addresses and keys --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hub.example",
        "ftp://hub.example",
        "http://",
        "http://hub.example:x",
        "http://hub.example:0",
        "http://hub.example:99999",
        "http://hub.example/?a=b",
        "http://hub.example/#a",
        "http://hub .example",
        "http://hub.example\n",
        "http://user:canary@hub.example",
        "http://[::1",
    ],
)
def test_what_is_no_address_of_a_hub_is_refused(caller: Caller, url: str) -> None:
    with pytest.raises(ValueError, match="is no address of a hub") as caught:
        caller.make(url)
    assert "canary" not in str(caught.value)


async def test_an_address_may_have_a_path_and_a_slash_at_its_end(caller: Caller, script: Script) -> None:
    await caller.send(f"{script.url}/", "order.paid", {})
    assert caller.make("https://hub.example/arauto/").url == "https://hub.example/arauto"


@pytest.mark.parametrize("key", ["", " ", "arauto_canary x", "canary\nX-Other: 1", "canáry", "canary\0"])
def test_what_cannot_be_a_key_is_refused_without_showing_it(caller: Caller, key: str) -> None:
    with pytest.raises(ValueError, match="arauto keys create") as caught:
        caller.make("http://hub.example", key=key)
    assert "can" not in str(caught.value)


async def test_the_key_is_never_shown(caller: Caller, script: Script, pauses: list[float]) -> None:
    client = caller.make(script.url, key=f"{KEY}\n")
    shown = [repr(client), str(client)]
    for answers in ([None] * 9, [(401, {}, {"code": "key_invalid", "detail": "no"})], [BUSY] * 9):
        script.answers = list(answers)
        with pytest.raises(HubError) as caught:
            await caller.send(script.url, "order.paid", {})
        shown += [str(caught.value), repr(caught.value)]
        error: BaseException | None = caught.value
        while error is not None:
            shown += [str(error), repr(error)]
            error = error.__cause__ or error.__context__
    assert not [text for text in shown if "canary" in text]
    assert script.headers[0]["Authorization"] == f"Bearer {KEY}"


async def test_the_asyncio_client_wants_to_be_opened() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await AsyncClient("http://hub.example", key=KEY, source="loja").send("order.paid", {})


# -- the real hub --------------------------------------------------------------------------------------------------


async def test_sent_twice_about_the_same_thing_is_one_event(tmp_path: Path, caller: Caller) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "arauto.yaml").write_text("{name: c, locale: en, time_zone: UTC, brand: {name: C}}")
    (tmp_path / "events/order.paid.yaml").write_text(
        "{description: x, schema: {type: object, required: [n]}, samples: {one: {n: 1}}}"
    )
    async with running(compile_project(tmp_path), "sqlite://:memory:") as app, listening(app, "127.0.0.1", 0) as server:

        async def send(*arguments: Any, **more: Any) -> Accepted:
            client = caller.make(server.url, key=app.session_key)
            if isinstance(client, Client):
                return await asyncio.to_thread(lambda: client.send(*arguments, **more))
            async with client as open_client:
                return await open_client.send(*arguments, **more)

        first = await send("order.paid", {"n": 1}, of="1042")
        assert await send("order.paid", {"n": 1}, of="1042") == first
        assert (await send("order.paid", {"n": 1})).id != first.id
        with pytest.raises(HubError, match="409 id_conflict"):
            await send("order.paid", {"n": 2}, of="1042")
        with pytest.raises(HubError, match="422 invalid_data"):
            await send("order.paid", {})
        page = await app.store.list_events("default", after=None, limit=10)
        assert len(page.items) == 2
