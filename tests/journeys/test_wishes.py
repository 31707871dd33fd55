"""What people want, from a mail that was really delivered to what is sent and not sent after it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as policy
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from api.conftest import Api, cloudevent
from api.pages.conftest import PROJECT, PUBLIC, Person
from arauto.api.server import listening
from arauto.app import running
from arauto.catalogue import compile_project
from arauto.demo.standins import Outside
from journeys.hubs import eventually


@pytest.fixture
def project(tmp_path: Path, world: Outside) -> Path:
    """The project of the pages, with a mail server that takes its mails."""
    folder = tmp_path / "project"
    for name, text in PROJECT.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("port: 9", f"port: {world.smtp_port}"), encoding="utf-8")
    return folder


@pytest.fixture
async def api(project: Path) -> AsyncIterator[Api]:
    """The hub at work."""
    async with (
        running(compile_project(project), "sqlite://:memory:") as app,
        listening(app, "127.0.0.1", 0) as server,
        aiohttp.ClientSession() as session,
    ):
        yield Api(app, server.url, app.session_key, session, server)


async def mails(api: Api, world: Outside, number: str) -> dict[str, EmailMessage]:
    """By notification, the mails that an order of joe's brought; each of his mails has arrived or will not come."""
    await api.post({**cloudevent(id=number), "data": {"number": number, "customer": "joe"}})

    async def settled() -> Any:
        told = (await api.call("GET", f"/v1/events/{number}/explanation")).json
        lines = [line for each in told["notifications"] for line in each["recipients"] if line["chosen"]]
        found = [message for line in lines for message in line["messages"]]
        done = told["event"]["state"] == "planned" and all(line["run"]["state"] == "done" for line in lines)
        return found if done and all(message["state"] != "sending" for message in found) else None

    sent = [each for each in await eventually(settled) if each["channel"] == "email"]
    assert all(each["state"] == "sent" for each in sent), sent
    arrived: dict[str, EmailMessage] = {}
    for path in (world.folder / "mail").glob("*.eml"):
        mail = message_from_bytes(path.read_bytes(), policy=policy)
        assert isinstance(mail, EmailMessage)
        arrived[str(mail["message-id"]).strip("<>").partition("@")[0]] = mail
    return {each["notification"]: arrived[each["id"]] for each in sent}


async def test_one_click_in_a_mail_ends_its_category_and_no_other(api: Api, world: Outside) -> None:
    joe = Person(api, "joe")
    await api.call("POST", "/v1/recipients/joe/consents", {"category": "offers", "given": True})
    first = await mails(api, world, "1")
    assert set(first) == {"orders", "offers", "security", "builds"}
    assert first["orders"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert first["security"]["List-Unsubscribe"] is None, "what is required cannot be ended"
    assert first["security"]["List-Unsubscribe-Post"] is None
    header = re.fullmatch(r"<(https://[^<>,\s]+)>", str(first["orders"]["List-Unsubscribe"]).replace("\r\n ", ""))
    assert header is not None
    path = Person.path(header[1])

    assert (await joe.get(path, **{"User-Agent": "a scanner of mails"})).status == 200
    assert set(await mails(api, world, "2")) == {"orders", "offers", "security", "builds"}

    answer = await joe.post(path, {"List-Unsubscribe": "One-Click"})
    assert answer.status == 200
    assert set(await mails(api, world, "3")) == {"offers", "security", "builds"}

    explained = (await api.call("GET", "/v1/events/3/explanation?lang=en")).body.decode()
    assert "not_wanted" in explained


async def test_the_link_in_a_mail_leads_to_its_persons_page(api: Api, world: Outside) -> None:
    mail = (await mails(api, world, "1"))["orders"]
    part = mail.get_body(("html",))
    assert part is not None
    (url,) = set(re.findall(rf'href="({re.escape(PUBLIC)}/p/[^"]+)"', part.get_content()))
    joe = Person(api, "joe")
    assert Person.path(url) == joe.preferences
    page = await joe.get(Person.path(url))
    assert page.status == 200
    assert "Joe Doe" in page.body.decode()


async def test_consent_that_is_withdrawn_on_the_page_counts_at_once(api: Api, world: Outside) -> None:
    joe = Person(api, "joe")
    assert "offers" not in await mails(api, world, "1"), "nobody agreed yet"
    await joe.save(subject__offers="all")
    assert "offers" in await mails(api, world, "2")
    await joe.save(subject__offers="none")
    assert "offers" not in await mails(api, world, "3")
