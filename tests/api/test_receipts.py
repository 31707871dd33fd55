"""Receipts over HTTP: what is genuine is kept, everything else is refused and recorded; nothing is confirmed before
it is durable."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec import structs

from api.conftest import Api
from arauto.api.server import listening
from arauto.app import running
from arauto.catalogue import compile_project
from arauto.errors import BadPayload, BadSignature, IntakeError, StoreRefused, StoreUnavailable
from arauto.ingress import Request
from arauto.model import ProviderConfig, Receipt

URL = "https://hub.example"


@dataclass
class Says:
    """A receiver that says what it is told, and keeps what it was given."""

    said: Any = ()
    calls: list[Request] = field(default_factory=list)
    confirmed: list[Request] = field(default_factory=list)

    async def receive(self, call: Request, now: datetime) -> Any:
        self.calls.append(call)
        if isinstance(self.said, BaseException):
            raise self.said
        return self.said

    async def confirm(self, call: Request, now: datetime) -> None:
        self.confirmed.append(call)


@pytest.fixture
def says() -> Says:
    return Says()


@pytest.fixture
async def api(project: Path, says: Says) -> AsyncIterator[Api]:
    """A hub whose channel ``inapp`` has two providers: ``one`` tells of its messages, ``two`` does not."""
    catalogue = compile_project(project)
    catalogue = structs.replace(catalogue, project=structs.replace(catalogue.project, public_url=URL))
    async with running(catalogue, "sqlite://:memory:") as app:
        providers = tuple(ProviderConfig(name=name, kind="x", settings=says) for name in ("one", "two"))  # type: ignore[arg-type]
        catalogue.channels["inapp"] = structs.replace(catalogue.channels["inapp"], providers=providers)
        app.receivers["inapp", "one"] = says
        async with listening(app, "127.0.0.1", 0) as server, aiohttp.ClientSession() as session:
            yield Api(app, server.url, app.session_key, session, server)


async def message_id(api: Api, make: Any) -> str:
    assert (await api.post(make(customer="ana"))).status == 202
    (item,) = await api.items("/v1/messages", 1)
    return str(item["id"])


async def test_a_genuine_call_is_kept_and_answered_without_a_body(api: Api, says: Says, make: Any) -> None:
    id = await message_id(api, make)
    says.said = [Receipt(message=id, kind="read", at=api.app.hub.engine.clock(), detail="seen")]
    answer = await api.call("POST", "/receipts/inapp/one?a=b%20c", b"raw \xff body", key=None, **{"X-Sign": "1"})
    assert (answer.status, answer.body) == (200, b"")
    (call,) = says.calls
    assert (call.method, call.url, call.body) == ("POST", f"{URL}/receipts/inapp/one?a=b%20c", b"raw \xff body")
    assert call.header("x-sign") == "1"
    assert says.confirmed == says.calls
    told = (await api.call("GET", f"/v1/messages/{id}")).json
    assert told["state"] == "read"
    assert [(each["kind"], each["detail"]) for each in told["receipts"]] == [("read", "seen")]


async def test_it_is_confirmed_to_nobody_before_it_is_durable(
    api: Api, says: Says, make: Any, monkeypatch: Any
) -> None:
    says.said = [Receipt(message="msg_1", kind="read", at=api.app.hub.engine.clock())]

    async def down(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("no disk")

    monkeypatch.setattr(api.app.store, "record_receipts", down)
    answer = await api.call("POST", "/receipts/inapp/one", key=None)
    assert answer.problem == (503, "store_unavailable")
    assert answer.headers["Retry-After"]
    assert says.confirmed == []


async def test_receipts_that_the_database_does_not_take_are_refused_for_good(
    api: Api, says: Says, monkeypatch: Any
) -> None:
    says.said = [Receipt(message="msg_1", kind="read", at=api.app.hub.engine.clock())]

    async def refuse(*_: Any, **__: Any) -> Any:
        raise StoreRefused("too much in a row")

    monkeypatch.setattr(api.app.store, "record_receipts", refuse)
    answer = await api.call("POST", "/receipts/inapp/one", key=None)
    assert answer.problem == (422, "not_storable")
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(BadSignature("bad_signature", "not signed by them"), (401, "bad_signature"), id="not genuine"),
        pytest.param(BadPayload("unexpected_payload", "no JSON"), (400, "unexpected_payload"), id="not readable"),
        pytest.param(IntakeError("sns_unreachable", "later", status=503), (503, "sns_unreachable"), id="later"),
        pytest.param(ZeroDivisionError("canary"), (500, "internal_error"), id="a fault of ours"),
    ],
)
async def test_what_is_refused_is_a_problem_and_recorded(api: Api, says: Says, error: Any, told: Any) -> None:
    says.said = error
    answer = await api.call("POST", "/receipts/inapp/one", b"x", key=None)
    assert answer.problem == told
    assert "canary" not in answer.body.decode()
    assert says.confirmed == []
    if told[0] != 500:
        (item,) = await api.items("/v1/rejections", 1)
        assert (item["source"], item["status"], item["code"], item["size"]) == ("receipts/inapp/one", *told, 1)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/receipts/inapp/two", "no_receipts"),
        ("/receipts/inapp/three", "unknown_provider"),
        ("/receipts/fax/one", "unknown_provider"),
        ("/receipts/", "unknown_provider"),
        ("/receipts/inapp/one/more", "unknown_provider"),
    ],
)
async def test_only_providers_of_the_project_that_tell_are_heard(api: Api, says: Says, path: str, code: str) -> None:
    assert (await api.call("POST", path, b"x", key=None)).problem == (404, code)
    assert says.calls == []


async def test_a_call_that_is_too_large_or_of_another_method_is_refused(api: Api, says: Says) -> None:
    large = await api.call("POST", "/receipts/inapp/one", b"x" * (256 * 1024 + 1), key=None)
    assert large.problem == (413, "too_large")
    answer = await api.call("PUT", "/receipts/inapp/one", key=None)
    assert answer.problem == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, POST"
    assert says.calls == []
    assert (await api.call("GET", "/receipts/inapp/one?challenge=1", key=None)).status == 200
    assert [call.method for call in says.calls] == ["GET"]


async def test_it_is_counted_by_kind(api: Api, says: Says, make: Any) -> None:
    id = await message_id(api, make)
    now = api.app.hub.engine.clock()
    says.said = [Receipt(message=id, kind="read", at=now), Receipt(message="msg_x", kind="read", at=now)]
    for _ in range(2):
        await api.call("POST", "/receipts/inapp/one", key=None)
    text = (await api.call("GET", "/metrics")).body.decode()
    assert 'arauto_receipts_total{channel="inapp",kind="read"} 1.0' in text
    assert "arauto_receipts_repeated_total 1.0" in text
    assert "arauto_receipts_unknown_total 2.0" in text
    assert 'arauto_intake_requests_total{result="accepted",source="receipts"} 2.0' in text
