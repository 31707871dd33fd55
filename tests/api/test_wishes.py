"""What systems and operators tell of people's wishes, and the record of consent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.conftest import Api
from api.pages.conftest import PUBLIC
from api.pages.conftest import api as api
from api.pages.conftest import project as project

WISHES = "/v1/recipients/ana/wishes"
CONSENTS = "/v1/recipients/ana/consents"
NOTHING = {"categories": {}, "quiet_hours": None, "order": [], "locale": None}
QUIET = {"start": "22:00", "end": "07:00", "days": ["mon", "fri"]}


async def consents(api: Api) -> list[tuple[Any, ...]]:
    """The record, short."""
    items = (await api.call("GET", CONSENTS)).json["items"]
    return [(each["category"], each["channel"], each["given"], each["how"]) for each in items]


async def test_who_said_nothing_wants_nothing_special(api: Api) -> None:
    assert (await api.call("GET", WISHES)).json == NOTHING
    assert await consents(api) == []


async def test_put_sets_everything_and_proves_each_change(api: Api) -> None:
    told = {
        "categories": {"orders": {"sms": False}, "offers": {"*": True}},
        "quiet_hours": QUIET,
        "order": ["sms", "email"],
        "locale": "en",
    }
    assert (await api.call("PUT", WISHES, told)).json == told
    assert (await api.call("GET", WISHES)).json == told
    assert await consents(api) == [("orders", "sms", False, "cli"), ("offers", "*", True, "cli")]
    assert (await api.call("PUT", WISHES, {})).json == NOTHING
    assert await consents(api) == [
        ("orders", "sms", False, "cli"),
        ("offers", "*", True, "cli"),
        ("orders", "sms", True, "cli"),
        ("offers", "*", False, "cli"),
    ], "what holds without a word: an opt-out is sent, an opt-in is not"


async def test_patch_changes_what_it_names_alone(api: Api) -> None:
    await api.call(
        "PUT", WISHES, {"categories": {"orders": {"sms": False, "email": True}}, "quiet_hours": QUIET, "locale": "en"}
    )
    told = (await api.call("PATCH", WISHES, {"categories": {"orders": {"sms": None}, "offers": {"email": True}}})).json
    assert told["categories"] == {"orders": {"email": True}, "offers": {"email": True}}
    assert (told["quiet_hours"], told["locale"]) == (QUIET, "en")
    told = (await api.call("PATCH", WISHES, {"quiet_hours": None, "locale": None, "order": ["sms"]})).json
    assert (told["quiet_hours"], told["locale"], told["order"]) == (None, None, ["sms"])
    assert (await api.call("PATCH", WISHES, {"categories": {"orders": None}})).json["categories"] == {
        "offers": {"email": True}
    }
    assert (await api.call("PATCH", WISHES, {})).json["order"] == ["sms"]


async def test_patches_at_the_same_time_lose_nothing(api: Api) -> None:
    changes = [{"categories": {"orders": {channel: False}}} for channel in ("email", "sms", "inapp", "push", "slack")]
    await asyncio.gather(*(api.call("PATCH", WISHES, each) for each in changes))
    found = (await api.call("GET", WISHES)).json["categories"]["orders"]
    assert found == dict.fromkeys(("email", "sms", "inapp", "push", "slack"), False)


async def test_a_key_is_told_by_its_name(api: Api) -> None:
    _, key = await api.make_key("recipients:write")
    await api.call("PATCH", WISHES, {"categories": {"orders": {"sms": False}}}, key=key)
    (line,) = (await api.call("GET", CONSENTS)).json["items"]
    assert (line["how"], line["evidence"]) == ("api", {"key": "test", "ip": "127.0.0.1"})


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ({"categories": {"oders": {"*": True}}}, "/body/categories/oders"),
        ({"categories": {"security": {"*": False}}}, "/body/categories/security"),
        ({"categories": {"orders": {"pigeon": True}}}, "/body/categories/orders/pigeon"),
        ({"order": ["pigeon"]}, "/body/order/0"),
        ({"order": ["sms", "sms"]}, "/body/order/1"),
        ({"locale": "xx-YY-zz"}, "/body/locale"),
        ({"quiet_hours": {"start": "25:00", "end": "07:00"}}, "/body/quiet_hours/start"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_not_possible_is_refused_at_its_place(api: Api, told: Any, place: str) -> None:
    for method in ("PUT", "PATCH"):
        answer = await api.call(method, WISHES, told)
        assert answer.problem == (422, "invalid_wishes")
        assert [each["pointer"] for each in answer.json["errors"]] == [place]
    assert (await api.call("GET", WISHES)).json == NOTHING


@pytest.mark.parametrize(
    "told",
    [
        {"categories": {"orders": {"sms": "no"}}},
        {"categories": {"orders": {"sms": None}}},
        {"quiet_hours": {"start": "22h", "end": "07:00"}},
        {"quiet_hours": {"start": "22:00", "end": "07:00", "days": []}},
        {"wishes": {}},
    ],
    ids=str,
)
async def test_what_is_no_wish_is_refused(api: Api, told: Any) -> None:
    assert (await api.call("PUT", WISHES, told)).problem == (422, "invalid_request")


async def test_a_consent_with_its_proof_is_kept_and_counts(api: Api) -> None:
    told = {
        "category": "offers",
        "given": True,
        "at": "2026-05-04T12:30:00Z",
        "text": "Quero receber ofertas.",
        "evidence": {"form": "checkout"},
    }
    answer = await api.call("POST", CONSENTS, told)
    assert answer.status == 201
    (line,) = (await api.call("GET", CONSENTS)).json["items"]
    assert line == answer.json
    assert line["at"] == "2026-05-04T12:30:00.000Z"
    assert line["text"] == "Quero receber ofertas."
    assert len(line["version"]) == 12
    assert line["evidence"]["form"] == "checkout"
    assert (await api.call("GET", WISHES)).json["categories"] == {"offers": {"*": True}}
    assert (await api.call("POST", CONSENTS, {**told, "version": "2026-05"})).json["version"] == "2026-05"
    assert len(await consents(api)) == 2, "one more proof of the same"


async def test_a_consent_for_all_channels_means_all(api: Api) -> None:
    await api.call("PUT", WISHES, {"categories": {"offers": {"sms": True, "email": False}}})
    await api.call("POST", CONSENTS, {"category": "offers", "given": False})
    assert (await api.call("GET", WISHES)).json["categories"] == {"offers": {"*": False}}
    await api.call("POST", CONSENTS, {"category": "offers", "channel": "sms", "given": True})
    assert (await api.call("GET", WISHES)).json["categories"] == {"offers": {"*": False, "sms": True}}


@pytest.mark.parametrize(
    "told",
    [
        {"category": "offers", "given": True, "at": "2999-01-01T00:00:00Z"},
        {"category": "security", "given": False},
        {"category": "offers", "channel": "pigeon", "given": True},
    ],
    ids=["it is still to come", "it is required", "there is no such channel"],
)
async def test_a_consent_that_cannot_be_is_refused(api: Api, told: Any) -> None:
    assert (await api.call("POST", CONSENTS, told)).problem == (422, "invalid_wishes")
    assert await consents(api) == []


async def test_the_link_leads_to_the_persons_page(api: Api) -> None:
    url = (await api.call("POST", "/v1/recipients/ana/preferences-link")).json["url"]
    assert url.startswith(f"{PUBLIC}/p/")
    assert (await api.call("GET", url.removeprefix(PUBLIC), key=None)).status == 200


@pytest.mark.parametrize("call", ["GET wishes", "PUT wishes", "PATCH wishes", "GET consents", "POST preferences-link"])
async def test_of_nobody_and_of_systems_there_are_no_wishes(api: Api, call: str) -> None:
    method, what = call.split()
    body = {} if method in ("PUT", "PATCH") else None
    assert (await api.call(method, f"/v1/recipients/nobody/{what}", body)).problem == (404, "unknown_recipient")
    assert (await api.call(method, f"/v1/recipients/erp/{what}", body)).problem == (409, "no_person")


async def test_scopes_are_asked_for(api: Api) -> None:
    _, key = await api.make_key("read")
    assert (await api.call("GET", WISHES, key=key)).status == 200
    assert (await api.call("GET", CONSENTS, key=key)).status == 200
    for method, path in (("PUT", WISHES), ("PATCH", WISHES), ("POST", CONSENTS)):
        assert (await api.call(method, path, {}, key=key)).problem == (403, "scope_missing")
    assert (await api.call("POST", "/v1/recipients/ana/preferences-link", key=key)).problem == (403, "scope_missing")
