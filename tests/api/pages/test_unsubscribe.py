"""Unsubscribing: by a mail program's one click (RFC 8058) and by the page, never by looking."""

from __future__ import annotations

import pytest

from api.conftest import Api
from api.pages.conftest import Form, Person
from arauto.model import Wishes

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
BOUNDARY = "----=_Part_42"
MULTIPART = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--{BOUNDARY}--\r\n'
).encode()


async def test_looking_changes_nothing_however_often_and_by_whom(api: Api, ana: Person) -> None:
    """Mail scanners follow every link, some with HEAD."""
    links = [
        ana.preferences,
        ana.unsubscribe(),
        ana.unsubscribe("offers"),
        f"{ana.unsubscribe()}?List-Unsubscribe=One-Click",
    ]
    for path in links * 2:
        for method in ("GET", "HEAD"):
            assert (await ana.call(method, path, **{"User-Agent": "mail scanner"})).status == 200
    assert await ana.wishes() == Wishes()
    assert await ana.consents() == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (MULTIPART, f'multipart/form-data; boundary="{BOUNDARY}"'),
    ],
    ids=["urlencoded", "multipart, as RFC 8058 prefers"],
)
async def test_one_click_ends_it_at_once_without_a_redirect(ana: Person, body: bytes, content_type: str) -> None:
    answer = await ana.call("POST", ana.unsubscribe(), body, **{"Content-Type": content_type})
    assert answer.status == 200
    assert "Location" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert (await ana.wishes()).categories == {"orders": {"email": False}}
    (consent,) = await ana.consents()
    assert (consent.category, consent.channel, consent.given, consent.how) == ("orders", "email", False, "one_click")


async def test_one_click_again_changes_and_proves_nothing_more(ana: Person) -> None:
    for _ in range(3):
        assert (await ana.post(ana.unsubscribe(), ONE_CLICK)).status == 200
    assert len(await ana.consents()) == 1


async def test_the_page_asks_does_it_and_offers_to_undo(joe: Person) -> None:
    link = joe.unsubscribe()
    asked = Form((await joe.get(link)).body.decode())
    assert "Unsubscribe from “Orders”?" in asked.text
    assert asked.buttons == [("do", "unsubscribe")]
    done = Form((await joe.post(link, dict(asked.buttons))).body.decode())
    assert "You are unsubscribed" in done.text
    assert (await joe.wishes()).categories == {"orders": {"email": False}}
    assert Form((await joe.get(link)).body.decode()).buttons == [("do", "undo")]
    undone = Form((await joe.post(link, dict(done.buttons))).body.decode())
    assert "You are subscribed again" in undone.text
    assert (await joe.wishes()).categories == {"orders": {"email": True}}
    assert [(each.given, each.how) for each in await joe.consents()] == [(False, "page"), (True, "page")]
    assert "“Orders”" in ((await joe.consents())[0].text or "")


@pytest.mark.parametrize("form", [{}, {"do": "dance"}, {"List-Unsubscribe": "Two-Clicks"}])
async def test_a_form_that_says_neither_does_nothing(ana: Person, form: dict[str, str]) -> None:
    assert (await ana.post(ana.unsubscribe(), form)).status == 400
    assert await ana.wishes() == Wishes()


async def test_what_is_required_cannot_be_ended(ana: Person) -> None:
    for answer in (await ana.get(ana.unsubscribe("security")), await ana.post(ana.unsubscribe("security"), ONE_CLICK)):
        assert answer.status == 409
        assert "Isto não pode ser desativado" in answer.body.decode()
    assert await ana.wishes() == Wishes()


async def test_a_category_that_is_gone_has_a_friendly_page(ana: Person) -> None:
    assert (await ana.post(ana.unsubscribe("gone"), ONE_CLICK)).status == 404


async def test_who_is_no_longer_known_is_taken_at_their_word(api: Api) -> None:
    """An event may bring them back tomorrow."""
    gone = Person(api, "c9")
    assert (await gone.post(gone.unsubscribe(), ONE_CLICK)).status == 200
    assert (await gone.wishes()).categories == {"orders": {"email": False}}
