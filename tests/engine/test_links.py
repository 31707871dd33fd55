"""Links: each token is good for one thing of one hub, and texts have those that there are."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arauto.engine.links import Ending, Links, Signer
from arauto.model import Category, Message, Recipient
from decide.conftest import NOW, notification
from engine.conftest import target, texts

SECRET = b"a secret of this hub"
PUBLIC = "https://avisos.example/hub/"
NO_NUL = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
MESSAGE = Message(
    id="msg_1",
    run="run_1",
    event="evt_1",
    notification="paid",
    recipient="ana",
    channel="email",
    step=0,
    address="ana@example.com",
    created_at=NOW,
    expires_at=NOW,
    tenant="t1",
)
ANA = Recipient(id="ana")
ORDERS = Category(name="orders", title={"en": "Orders"})


@given(st.lists(NO_NUL, min_size=1, max_size=5))
def test_a_token_says_what_it_was_given(claims: list[str]) -> None:
    signer = Signer(SECRET, "preferences")
    token = signer.sign(*claims)
    assert signer.read(token, len(claims)) == claims
    assert re.fullmatch(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+[A-Za-z0-9]", token)


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,30}", fullmatch=True))
def test_what_was_not_signed_says_nothing(token: str) -> None:
    assert Signer(SECRET, "preferences").read(token, 1) is None


@given(st.integers(0, 60), st.sampled_from("AZaz09-_."))
def test_one_character_off_says_nothing(place: int, other: str) -> None:
    signer = Signer(SECRET, "preferences")
    token = signer.sign("default", "ana")
    changed = token[: place % len(token)] + other + token[place % len(token) + 1 :]
    assert (signer.read(changed, 2) is None) == (changed != token)


def test_a_token_is_good_for_one_purpose_of_one_hub() -> None:
    token = Signer(SECRET, "preferences").sign("default", "ana")
    assert Signer(SECRET, "unsubscribe").read(token, 2) is None
    assert Signer(b"another secret", "preferences").read(token, 2) is None
    assert Signer(SECRET, "preferences").read(token, 3) is None


def test_links_lead_to_the_public_url_and_back_to_what_they_are_about() -> None:
    links = Links(SECRET, PUBLIC)
    told = links.told(MESSAGE, ANA, ORDERS)
    paths = {name: str(url).removeprefix("https://avisos.example/hub/") for name, url in told.items()}
    assert told["id"] == "msg_1"
    assert links.whose_preferences(paths["preferences_url"].removeprefix("p/")) == ("t1", "ana")
    assert links.what_ends(paths["unsubscribe_url"].removeprefix("u/")) == Ending("t1", "ana", "orders", "email")
    assert links.what_is_acknowledged(paths["acknowledge_url"].removeprefix("ack/")) == "msg_1"
    assert links.receipts("sms", "o dois") == "https://avisos.example/hub/receipts/sms/o%20dois"


def test_links_stay_the_same_for_years() -> None:
    assert Links(SECRET, PUBLIC).told(MESSAGE, ANA, ORDERS) == Links(SECRET, PUBLIC).told(MESSAGE, ANA, ORDERS)


@pytest.mark.parametrize(
    ("public_url", "recipient", "category", "there"),
    [
        (PUBLIC, ANA, ORDERS, {"preferences_url", "unsubscribe_url", "acknowledge_url"}),
        (
            PUBLIC,
            ANA,
            msgspec.structs.replace(ORDERS, consent="required"),
            {"preferences_url", "acknowledge_url"},
        ),
        (PUBLIC, Recipient(id="erp", kind="system"), ORDERS, set()),
        (None, ANA, ORDERS, set()),
    ],
    ids=["a person", "what is required cannot be ended", "a system has none", "without a public URL there are none"],
)
def test_who_gets_which(public_url: str | None, recipient: Recipient, category: Category, there: set[str]) -> None:
    told = Links(SECRET, public_url).told(MESSAGE, recipient, category)
    assert {name for name, url in told.items() if url is not None} - {"id"} == there
    assert set(told) == {"id", "preferences_url", "unsubscribe_url", "acknowledge_url"}


async def test_texts_and_mail_programs_are_given_the_links(world: Any) -> None:
    seen: list[Any] = []
    said = texts(email=lambda context: seen.append(context["message"]) or "hello")
    made = world(notification(target(group="sales"), texts=said))
    made.engine.links = links = Links(SECRET, PUBLIC)
    await made.send(*await made.plan("1"))
    (delivery,) = made.providers["email"][0].deliveries
    assert seen == [links.told((await made.messages())["email ana"].message, ANA, ORDERS)]
    assert delivery.unsubscribe_url == seen[0]["unsubscribe_url"]
    assert delivery.receipts_url == "https://avisos.example/hub/receipts/email/one"


async def test_a_message_that_waited_is_given_them_too(world: Any) -> None:
    made = world(notification(target(group="sales"), texts=texts()))
    made.engine.links = Links(SECRET, PUBLIC)
    assert await made.plan("1", room=0) == []
    await made.send(*await made.take())
    (delivery,) = made.providers["email"][0].deliveries
    assert delivery.unsubscribe_url is not None


async def test_what_is_required_has_no_link_to_end_it(world: Any) -> None:
    made = world(notification(target(group="sales"), texts=texts(), category="security"))
    made.engine.links = Links(SECRET, PUBLIC)
    await made.send(*await made.plan("1"))
    (delivery,) = made.providers["email"][0].deliveries
    assert delivery.unsubscribe_url is None


async def test_without_a_public_url_texts_see_that_there_are_none(world: Any) -> None:
    seen: list[Any] = []
    said = texts(email=lambda context: seen.append(context["message"]) or "hello")
    made = world(notification(target(group="sales"), texts=said))
    await made.send(*await made.plan("1"))
    assert {name: url for name, url in seen[0].items() if name != "id"} == {
        "preferences_url": None,
        "unsubscribe_url": None,
        "acknowledge_url": None,
    }
    (delivery,) = made.providers["email"][0].deliveries
    assert (delivery.unsubscribe_url, delivery.receipts_url) == (None, None)
