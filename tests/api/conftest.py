"""A hub at work in this process, with its API on a real socket, and what a client can do with it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDictProxy
from yarl import URL

from arauto.api.server import Server, listening
from arauto.app import App, running
from arauto.catalogue import compile_project
from journeys.hubs import eventually

SHOP_SECRET = "shop-canary-889900"
PROJECT = {
    "arauto.yaml": "{name: api, locale: en, time_zone: UTC, brand: {name: API}, categories: {orders: {title: Orders}}}",
    "events/order.paid.yaml": """
        description: An order was paid
        schema:
          type: object
          required: [number, customer]
          properties:
            number: {type: string, maxLength: 20}
            total: {type: number, minimum: 0}
            customer: {type: string}
        samples: {typical: {number: "1042", total: 5, customer: c1}}
    """,
    "recipients/all.yaml": """
        attributes:
          type: object
          properties: {team: {type: string, maxLength: 10}, "a/b": {type: string}}
        people:
          ana: {name: Ana, email: ana@example.com}
    """,
    "channels/inapp.yaml": "{}",
    "sources/shop.yaml": f"""
        kind: hmac
        secrets: [{SHOP_SECRET}]
        header: X-Shop-Signature
        prefix: "sha256="
        accepted: 200
        events:
          - type: order.paid
            id: body.id
            data: body.order
    """,
    "sources/nightly.yaml": """
        kind: schedule
        event: order.paid
        cron: "0 3 * * *"
        data: {number: tick.date, customer: '"c1"'}
    """,
    "notifications/paid/notification.yaml": """
        on: order.paid
        category: orders
        to: [{person: event.data.customer}]
        steps: [{send: inapp}]
    """,
    "notifications/paid/content.en.md": "---\ntitle: Paid\n---\nOrder {{ event.data.number }}.\n",
}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)

    @property
    def problem(self) -> tuple[int, str]:
        """Status and code of a refusal, which is a whole problem."""
        told = self.json
        assert self.headers["Content-Type"] == "application/problem+json"
        assert told["status"] == self.status
        assert told["type"] == "about:blank"
        assert told["title"]
        assert told["detail"]
        return self.status, told["code"]


@dataclass
class Api:
    """The API of a running hub."""

    app: App
    url: str
    key: str
    session: aiohttp.ClientSession
    server: Server

    async def call(self, method: str, path: str, body: Any = None, *, key: str | None = "", **headers: str) -> Answer:
        """One call, with the session's key unless another one, or None, is given. The path goes out as it stands."""
        told = {"Content-Type": "application/json", **headers}
        if key is not None:
            told = {"Authorization": f"Bearer {key or self.key}", **told}
        data = body if body is None or isinstance(body, bytes | AsyncIterator) else json.dumps(body).encode()
        url = URL(self.url + path, encoded=True)
        async with self.session.request(method, url, data=data, headers=told) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def make_key(self, *scopes: str) -> tuple[str, str]:
        """(id, text) of a new key with these scopes."""
        made = (await self.call("POST", "/v1/keys", {"name": "test", "scopes": list(scopes)})).json
        return made["id"], made["key"]

    async def post(self, *events: dict[str, Any], **headers: str) -> Answer:
        """Post events as a batch."""
        return await self.call(
            "POST", "/v1/events", list(events), **{"Content-Type": "application/cloudevents-batch+json", **headers}
        )

    async def items(self, path: str, count: int, *, key: str = "") -> list[dict[str, Any]]:
        """The items of a listing, as soon as it has this many."""

        async def look() -> Any:
            found = (await self.call("GET", path, key=key)).json["items"]
            return found if len(found) >= count else None

        found: list[dict[str, Any]] = await eventually(look)
        return found

    async def stored(self) -> list[str]:
        """The ids of all events there are."""
        items = (await self.call("GET", "/v1/events?limit=500")).json["items"]
        return sorted(item["id"] for item in items)


def cloudevent(id: str = "1", type: str = "order.paid", source: str = "loja", **data: Any) -> dict[str, Any]:
    """A CloudEvent in the JSON format."""
    told = {"number": "1", "customer": "c1", **data}
    return {"specversion": "1.0", "id": id, "source": source, "type": type, "data": told}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project on disk."""
    folder = tmp_path / "project"
    for name, text in PROJECT.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
async def api(project: Path, tmp_path: Path) -> AsyncIterator[Api]:
    """The hub, at work, on a database in a file."""
    async with (
        running(compile_project(project), str(tmp_path / "hub.sqlite3")) as app,
        listening(app, "127.0.0.1", 0) as server,
        aiohttp.ClientSession() as session,
    ):
        yield Api(app, server.url, app.session_key, session, server)


@pytest.fixture
def make() -> Any:
    """``cloudevent``."""
    return cloudevent
