"""Listings page by page, single things by their ids, and the language of what is told."""

from __future__ import annotations

from typing import Any

import pytest

LISTINGS = ("/v1/events", "/v1/messages", "/v1/recipients", "/v1/rejections")


async def pages(api: Any, path: str, limit: int, key: str = "") -> list[list[dict[str, Any]]]:
    """Every page of a listing."""
    found: list[list[dict[str, Any]]] = []
    after = ""
    while True:
        page = (await api.call("GET", f"{path}?limit={limit}{after}", key=key)).json
        found.append(page["items"])
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


async def test_paging_gives_everything_once_in_order(api: Any, make: Any) -> None:
    for number in range(7):
        await api.call("PUT", f"/v1/recipients/p{number}", {})
        await api.call("GET", f"/in/nothing{number}", key=None)
    await api.post(*(make(f"e{number}", customer="p1") for number in range(7)))
    await api.items("/v1/messages", 7)
    await api.items("/v1/rejections", 7)
    names = {"/v1/events": "id", "/v1/messages": "event", "/v1/recipients": "id", "/v1/rejections": "source"}
    for path in LISTINGS:
        for limit in (1, 3, 7, 500):
            found = await pages(api, path, limit)
            assert [len(page) for page in found if page] == [min(limit, 7 - at) for at in range(0, 7, limit)], path
            seen = [item[names[path]] for page in found for item in page]
            assert len(set(seen)) == 7
            if path == "/v1/recipients":
                assert seen == sorted(seen)
            elif path == "/v1/events":
                assert seen == sorted(seen, reverse=True)
    token = (await api.call("POST", "/v1/recipients/p1/inbox-token")).json["token"]
    inbox = await pages(api, "/v1/inbox", 3, token)
    assert [len(page) for page in inbox if page] == [3, 3, 1]


async def test_a_cursor_or_a_limit_that_is_none_is_refused(api: Any) -> None:
    await api.call("PUT", "/v1/recipients/x", {})
    token = (await api.call("POST", "/v1/recipients/x/inbox-token")).json["token"]
    for path in (*LISTINGS, "/v1/inbox"):
        key = token if path == "/v1/inbox" else ""
        for cursor in ("x", "-1", "1e3", "%C2%B2", "9" * 19 + "0", "9" * 400, "%F0%9F%98%80", "''"):
            answer = await api.call("GET", f"{path}?after={cursor}", key=key)
            if path == "/v1/recipients":
                assert answer.status == 200  # by id: whoever comes after it
            else:
                assert answer.problem == (422, "invalid_request"), (path, cursor)
        for limit in ("0", "501", "-1", "x", "", "1.5", "9" * 400):
            answer = await api.call("GET", f"{path}?limit={limit}", key=key)
            assert answer.problem == (422, "invalid_request"), (path, limit)
            assert answer.json["errors"][0]["pointer"] == "/query/limit"
        assert (await api.call("GET", f"{path}?after={'9' * 501}", key=key)).problem == (422, "invalid_request")


async def test_listings_are_narrowed(api: Any, make: Any) -> None:
    await api.call("PUT", "/v1/recipients/c1", {})
    await api.call("PUT", "/v1/recipients/c2", {})
    await api.post(make("1"), make("2", customer="c2"))
    await api.items("/v1/messages", 2)

    async def count(query: str) -> int:
        return len((await api.call("GET", f"/v1/messages?{query}")).json["items"])

    assert await count("recipient=c2") == 1
    assert await count("recipient=c%25") == 0
    assert await count("channel=inapp&state=sent") == 2
    assert await count("channel=email") == 0
    assert (await api.call("GET", "/v1/messages?state=lost")).problem == (422, "invalid_request")
    assert len((await api.call("GET", "/v1/events?type=order.paid")).json["items"]) == 2
    assert (await api.call("GET", "/v1/events?type=order.none")).json == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("query", "header", "said"),
    [
        pytest.param("", None, "sent", id="nothing asked"),
        pytest.param("", "pt-BR", "enviada", id="the header"),
        pytest.param("", "pt", "enviada", id="the language alone"),
        pytest.param("", "fr, pt;q=0.9, en;q=0.8", "enviada", id="the best of those there are"),
        pytest.param("", "en;q=0.2,pt-BR;q=0.7", "enviada", id="by weight, not by place"),
        pytest.param("", "en-GB,en;q=0.9,pt-BR;q=0.7", "sent", id="English before Portuguese"),
        pytest.param("", "pt;q=0", "sent", id="anything but Portuguese"),
        pytest.param("", "ptx, ;;q=, *", "sent", id="garbage"),
        pytest.param("&lang=pt-BR", "en", "enviada", id="the query before the header"),
        pytest.param("&lang=xx", None, "sent", id="a language that there is not"),
    ],
)
async def test_the_language(query: str, header: str | None, said: str) -> None:
    from arauto.engine.words import language_of, say

    asked = query.removeprefix("&lang=") or None
    assert say("state.sent", language=language_of(asked or header)) == said


async def test_the_header_chooses_the_language_of_what_is_told(api: Any, make: Any) -> None:
    await api.call("PUT", "/v1/recipients/c1", {})
    await api.post(make("1"))
    items = await api.items("/v1/messages", 1)
    portuguese = {"Accept-Language": "fr, pt-BR;q=0.9, en;q=0.8"}
    for path in (f"/v1/messages/{items[0]['id']}", "/v1/messages", "/v1/events/1/explanation"):
        assert "enviada" in (await api.call("GET", path, **portuguese)).body.decode(), path
        assert "enviada" not in (await api.call("GET", path)).body.decode(), path
        assert "enviada" not in (await api.call("GET", f"{path}?lang=en", **portuguese)).body.decode(), path


async def test_what_is_not_there_is_404(api: Any) -> None:
    for path, code in {
        "/v1/events/evt_no": "unknown_event",
        "/v1/events/no%2Fsuch%3F%25": "unknown_event",
        "/v1/events/no/explanation": "unknown_event",
        "/v1/messages/msg_no": "unknown_message",
        "/v1/recipients/nobody": "unknown_recipient",
        f"/v1/events/{'x' * 5000}": "unknown_event",
    }.items():
        answer = await api.call("GET", path)
        assert answer.problem == (404, code)
        assert len(answer.body) < 500


async def test_an_events_id_may_have_anything_in_it(api: Any, make: Any) -> None:
    from urllib.parse import quote

    for id in ("a/b", "a%2Fb", "?x=1", "#", "São Paulo", "😀", "..", "a/explanation/b", "'; --"):
        assert (await api.post(make(id))).status == 202
        shown = await api.call("GET", f"/v1/events/{quote(id, safe='')}")
        assert shown.json["id"] == id
        assert (await api.call("GET", f"/v1/events/{quote(id, safe='')}/explanation")).json["event"]["id"] == id


async def test_why_one_recipient_heard_of_it_or_did_not(api: Any, make: Any) -> None:
    await api.call("PUT", "/v1/recipients/p1", {})
    await api.post(make("1", customer="p1"))
    await api.items("/v1/messages", 1)
    told = (await api.call("GET", "/v1/events/1/explanation?recipient=p1")).json
    assert told["recipient"] == "p1"
    lines = [line for each in told["notifications"] for line in each["recipients"]]
    assert {line["recipient"] for line in lines} == {"p1"}
    assert any(line["chosen"] and line["messages"] for line in lines)
    told = (await api.call("GET", "/v1/events/1/explanation?recipient=nobody")).json
    lines = [line for each in told["notifications"] for line in each["recipients"]]
    assert {(line["chosen"], line["reason"]["code"]) for line in lines} == {(False, "not_named")}
    assert (await api.call("GET", "/v1/events/1/explanation?show=201")).problem == (422, "invalid_request")
