"""Tracking: a mail of a category that has it tells when it was opened and clicked; no other mail does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.policy import default
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from api.conftest import PROJECT, Api
from arauto.api.server import listening
from arauto.app import running
from arauto.catalogue import compile_project
from journeys.hubs import eventually

PUBLIC = "https://avisos.example"


@pytest.fixture
async def tracked(tmp_path: Path, mail_sink: Any) -> AsyncIterator[Api]:
    """A hub that mails notices of a tracked category and of one that is not."""
    files = {name: text for name, text in PROJECT.items() if name.startswith("events/")} | {
        "arauto.yaml": f"""
            name: api
            locale: en
            time_zone: UTC
            public_url: {PUBLIC}
            private_networks: [127.0.0.0/8]
            brand: {{name: API}}
            categories:
              news: {{title: News, tracking: true}}
              orders: {{title: Orders}}
        """,
        "recipients/all.yaml": "people: {ana: {email: ana@example.com}}",
        "channels/email.yaml": f"""
            providers:
              - {{kind: smtp, host: 127.0.0.1, port: {mail_sink.port}, security: none, from: hub@api.example}}
        """,
    }
    for category in ("news", "orders"):
        files[f"notifications/{category}/notification.yaml"] = f"""
            on: order.paid
            category: {category}
            to: [{{person: "'ana'"}}]
            steps: [{{send: email}}]
        """
        files[f"notifications/{category}/content.en.md"] = (
            f"---\ntitle: {category}\n---\n[Look](https://api.example/{category}?a=1&b=2) or "
            "[choose]({{ message.preferences_url }}).\n"
        )
    for name, text in files.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    async with (
        running(compile_project(tmp_path / "project"), str(tmp_path / "hub.sqlite3")) as app,
        listening(app, "127.0.0.1", 0) as server,
        aiohttp.ClientSession() as session,
    ):
        yield Api(app, server.url, app.session_key, session, server)


async def mails(sink: Any) -> dict[str, str]:
    """The HTML of both mails, by subject."""

    async def come() -> Any:
        return sink.mails if len(sink.mails) == 2 else None

    read = [message_from_bytes(content, policy=default) for _, _, content in await eventually(come)]
    return {str(mail["Subject"]): unescape(mail.get_body(("html",)).get_content()) for mail in read}


async def test_an_opening_and_a_click_are_told_where_the_category_has_it(
    tracked: Api, make: Any, mail_sink: Any
) -> None:
    await tracked.post(make("1"))
    html = await mails(mail_sink)
    assert f"{PUBLIC}/o/" not in html["orders"]
    assert f"{PUBLIC}/c/" not in html["orders"]
    (pixel,) = re.findall(rf'<img src="{PUBLIC}(/o/[^"]+)"', html["news"])
    (click,) = re.findall(rf'href="{PUBLIC}(/c/[^"]+)"', html["news"])
    assert f"{PUBLIC}/p/" in html["news"], "the hub's own links stay as they are"
    image = await tracked.call("GET", pixel, key=None)
    assert (image.status, image.headers["Content-Type"]) == (200, "image/gif")
    async with tracked.session.get(tracked.url + click, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "https://api.example/news?a=1&b=2")
    listed = (await tracked.call("GET", "/v1/messages")).json["items"]
    assert {each["notification"]: each["state"] for each in listed} == {"news": "clicked", "orders": "sent"}


async def test_a_token_that_is_none_tells_nothing_and_leads_nowhere(tracked: Api) -> None:
    assert (await tracked.call("GET", "/o/forged.gif", key=None)).status == 200
    assert (await tracked.call("GET", "/c/aHR0cHM6Ly9ldmlsLmV4YW1wbGU.AAAA", key=None)).status == 404
