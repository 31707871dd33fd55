"""Events coming in through the real server: three modes, batches as a whole, and a database that fails."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import Any

import msgspec
import pytest

from arauto.api.intake import MAX_BODY
from arauto.errors import StoreRefused, StoreUnavailable

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
ATTRIBUTES = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "loja", "ce-type": "order.paid"}


async def test_the_three_modes_make_the_same_event(api: Any, make: Any) -> None:
    event = make("1", customer="João")
    structured = await api.call("POST", "/v1/events", event, **STRUCTURED)
    assert structured.status == 202
    assert structured.headers["Content-Type"] == "application/json"
    (accepted,) = structured.json["accepted"]
    assert accepted == {"event": accepted["event"], "source": "loja", "id": "1"}
    binary = await api.call("POST", "/v1/events", event["data"], **ATTRIBUTES)
    batch = await api.post(event)
    assert (binary.status, batch.status) == (202, 202)
    assert binary.json == batch.json == structured.json
    assert await api.stored() == ["1"]
    shown = (await api.call("GET", "/v1/events/1")).json
    assert shown["data"] == event["data"]


async def test_binary_attributes_are_percent_decoded(api: Any) -> None:
    headers = {**ATTRIBUTES, "ce-id": "a%20%E2%82%AC", "ce-subject": '"x y"', "ce-traceparent": "00-1"}
    answer = await api.call("POST", "/v1/events", {"number": "1", "customer": "c"}, **headers)
    assert answer.json["accepted"][0]["id"] == "a €"
    shown = (await api.call("GET", "/v1/events/a%20%E2%82%AC")).json
    assert (shown["subject"], shown["extensions"]) == ("x y", {"traceparent": "00-1"})


async def test_of_a_batch_everything_is_stored_or_nothing(api: Any, make: Any) -> None:
    await api.post(make("there"))
    bad_data, bad_type = make("2", total=-1, number=7), make("3", type="order.payd")
    too_long = make("x" * 513)
    refused = await api.post(make("1"), bad_data, bad_type, too_long, make("5"))
    assert refused.problem == (422, "invalid_data")
    assert "nothing of it was stored" in refused.json["detail"]
    assert {error["pointer"] for error in refused.json["errors"]} == {
        "/1/data/total",
        "/1/data/number",
        "/2",
        "/3",
    }
    malformed = await api.post(make("1"), {"specversion": "1.0"})
    assert malformed.problem == (400, "missing_attribute")
    assert malformed.json["errors"][0]["pointer"].startswith("/1")
    conflict = await api.post(make("1"), make("there", number="other"))
    assert conflict.problem == (409, "id_conflict")
    assert "event 1 of the batch" in conflict.json["detail"]
    assert conflict.json["stored_hash"] != conflict.json["sent_hash"]
    within = await api.post(make("1"), make("1", number="other"))
    assert within.problem == (409, "id_conflict")
    assert await api.stored() == ["there"]
    assert (await api.post(make("1"), make("there"))).status == 202
    assert await api.stored() == ["1", "there"]


async def test_one_event_twice_in_a_batch_is_one_event(api: Any, make: Any) -> None:
    answer = await api.post(make("1"), make("1"), make("2"))
    assert answer.status == 202
    assert [each["id"] for each in answer.json["accepted"]] == ["1", "1", "2"]
    assert await api.stored() == ["1", "2"]


async def test_the_same_id_from_two_sources_is_two_events(api: Any, make: Any) -> None:
    assert (await api.post(make("1"), make("1", source="erp"))).status == 202
    assert (await api.call("GET", "/v1/events/1")).problem == (409, "ambiguous_event")
    assert (await api.call("GET", "/v1/events/1?source=erp")).json["source"] == "erp"
    assert (await api.call("GET", "/v1/events/1?source=none")).problem == (404, "unknown_event")


async def test_an_empty_batch_is_accepted_and_stores_nothing(api: Any) -> None:
    answer = await api.post()
    assert (answer.status, answer.json) == (202, {"accepted": []})
    assert await api.stored() == []


async def test_the_order_of_keys_makes_no_other_event(api: Any, make: Any) -> None:
    event = make("1", total=5)
    assert (await api.post(event)).status == 202
    turned = {**event, "data": dict(reversed(event["data"].items()))}
    assert (await api.post(turned)).status == 202
    assert await api.stored() == ["1"]


async def test_the_handshake_consents_to_whoever_asks(api: Any) -> None:
    answer = await api.call("OPTIONS", "/v1/events", key=None, **{"WebHook-Request-Origin": "erp.example.com"})
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["WebHook-Allowed-Origin"] == "erp.example.com"
    assert answer.headers["WebHook-Allowed-Rate"] == "*"
    assert (await api.call("OPTIONS", "/v1/events", key=None)).problem == (400, "missing_origin")


async def test_the_key_may_stand_in_the_query(api: Any, make: Any) -> None:
    _, key = await api.make_key("events:write")
    for query, status in ((f"?access_token={key}", 202), ("?access_token=no", 401), ("?access_token=", 401), ("", 401)):
        answer = await api.call("POST", f"/v1/events{query}", make("1"), key=None, **STRUCTURED)
        assert answer.status == status, query
        assert key not in answer.body.decode()
    _, reader = await api.make_key("read")
    answer = await api.call("POST", f"/v1/events?access_token={reader}", make("1"), key=None, **STRUCTURED)
    assert answer.problem == (403, "scope_missing")


async def test_a_compressed_body_is_refused(api: Any, make: Any) -> None:
    for encoding, status in (("gzip", 415), ("br, gzip", 415), ("identity", 202), ("", 202)):
        answer = await api.call("POST", "/v1/events", make("1"), **STRUCTURED, **{"Content-Encoding": encoding})
        assert answer.status == status, encoding


async def test_a_body_over_the_limit_is_refused_however_it_comes(api: Any, make: Any) -> None:
    event = json.dumps(make("1")).encode()
    exactly = event + b" " * (MAX_BODY - len(event))

    async def chunks(body: bytes) -> Any:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    assert (await api.call("POST", "/v1/events", exactly, **STRUCTURED)).status == 202
    assert (await api.call("POST", "/v1/events", chunks(exactly), **STRUCTURED)).status == 202
    for body in (exactly + b" ", chunks(exactly + b" "), chunks(exactly * 3)):
        assert (await api.call("POST", "/v1/events", body, **STRUCTURED)).problem == (413, "too_large")


async def test_a_body_that_breaks_off_stores_nothing(api: Any, make: Any) -> None:
    body = json.dumps(make("1")).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\n"
    head += f"Content-Type: application/cloudevents+json\r\nContent-Length: {len(body) + 5}\r\n\r\n"
    writer.write(head.encode() + body)
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert await api.stored() == []


@pytest.mark.parametrize("how", ["full", "closed"])
async def test_a_database_that_fails_is_503_and_nothing_is_stored(api: Any, make: Any, how: str) -> None:
    _, key = await api.make_key("events:write")
    assert (await api.post(make("before"), Authorization=f"Bearer {key}")).status == 202
    writer = api.app.store._database._writer
    large = make("1", customer="x" * 200_000)
    if how == "full":
        pages = writer.execute("PRAGMA page_count").fetchall()[0][0]
        writer.execute(f"PRAGMA max_page_count = {pages}").fetchall()
    else:
        append = api.app.store.append_events

        async def fail(*args: Any, **kwargs: Any) -> Any:
            raise StoreUnavailable("the disk is gone")

        api.app.store.append_events = fail
    for answer in (await api.post(large), await api.call("POST", "/v1/events", large, **STRUCTURED)):
        assert answer.problem == (503, "store_unavailable")
        assert answer.headers["Retry-After"] == "5"
        assert "again with the same id" in answer.json["detail"]
    if how == "full":
        recipient = {"attributes": {"y": "z" * 200_000}}
        assert (await api.call("PUT", "/v1/recipients/x", recipient)).problem == (503, "store_unavailable")
        writer.execute("PRAGMA max_page_count = 1000000").fetchall()
    else:
        api.app.store.append_events = append
    assert await api.stored() == ["before"]
    assert (await api.post(large)).status == 202
    assert await api.stored() == ["1", "before"]


async def test_what_the_database_does_not_take_is_refused_for_good_and_other_requests_are_not(
    api: Any, make: Any
) -> None:
    append = api.app.store.append_events

    async def refusing(news: Any, **more: Any) -> Any:
        if any(new.event.id == "poison" for new in news):
            raise StoreRefused("too much in a row")
        return await append(news, **more)

    api.app.store.append_events = refusing
    answers = await asyncio.gather(*(api.post(make(id)) for id in ("1", "poison", "2", "3")))
    assert [answer.status for answer in answers] == [202, 422, 202, 202]
    assert answers[1].problem == (422, "not_storable")
    assert "too much in a row" in answers[1].json["detail"]
    assert "Retry-After" not in answers[1].headers
    assert await api.stored() == ["1", "2", "3"]


async def test_a_hub_that_stops_takes_no_event_and_is_not_ready(api: Any, make: Any) -> None:
    assert (await api.call("GET", "/readyz", key=None)).status == 200
    api.app.hub.stop_listening()
    assert (await api.post(make("1"))).problem == (503, "store_unavailable")
    assert (await api.call("GET", "/readyz", key=None)).problem == (503, "stopping")
    assert (await api.call("GET", "/healthz", key=None)).status == 200
    assert await api.stored() == []


def signed(body: bytes) -> dict[str, str]:
    return {"X-Shop-Signature": "sha256=" + hmac.new(b"shop-canary-889900", body, hashlib.sha256).hexdigest()}


async def test_a_source_takes_only_posts_that_are_signed(api: Any) -> None:
    body = json.dumps({"id": "w-1", "order": {"number": "1", "customer": "c1"}}).encode()
    assert (await api.call("POST", "/in/shop", body, key=None, **signed(body))).status == 200
    assert (await api.call("GET", "/in/shop", key=None)).problem == (405, "method_not_allowed")
    assert (await api.call("POST", "/in/shop", body, key=None)).problem[0] == 401
    assert (await api.call("POST", "/in/shop/x", body, key=None, **signed(body))).problem == (404, "unknown_source")
    assert (await api.call("POST", "/in/", body, key=None, **signed(body))).problem == (404, "unknown_source")
    assert await api.stored() == ["w-1"]


async def test_a_schedule_cannot_be_called(api: Any) -> None:
    answer = await api.call("POST", "/in/nightly", b"{}", key=None)
    assert answer.problem == (404, "unknown_source")
    assert "by the clock" in answer.json["detail"]


async def test_what_a_source_sends_beside_known_types_is_kept_as_ignored(api: Any) -> None:
    source = api.app.sources["shop"]
    whole = source.events

    def with_another(request: Any, now: Any) -> Any:
        (draft,) = whole(request, now)
        return [draft, msgspec.structs.replace(draft, id="other", type="order.shipped")]

    source.events, source.strict_types = with_another, False
    body = json.dumps({"id": "w-1", "order": {"number": "1", "customer": "c1"}}).encode()
    assert (await api.call("POST", "/in/shop", body, key=None, **signed(body))).status == 200
    assert await api.stored() == ["w-1"]
    items = await api.items("/v1/rejections", 1)
    assert [(item["code"], "order.shipped" in item["detail"]) for item in items] == [("ignored", True)]


@pytest.mark.parametrize(
    ("written", "told", "kept"),
    [
        pytest.param({}, {"ce-arautohops": "3"}, "3", id="a header beside the event"),
        pytest.param({"arautohops": 4}, {"ce-arautohops": "3"}, "4", id="an event that tells more"),
        pytest.param({"arautohops": 2}, {"ce-arautohops": "3"}, "3", id="a header that tells more"),
        pytest.param({}, {"ce-arautohops": "many"}, None, id="a header that is no number"),
    ],
)
async def test_the_hops_of_an_event_are_those_that_it_or_its_call_tells(
    api: Any, make: Any, written: dict[str, int], told: dict[str, str], kept: str | None
) -> None:
    assert (await api.call("POST", "/v1/events", {**make("1"), **written}, **STRUCTURED, **told)).status == 202
    assert (await api.call("GET", "/v1/events/1")).json["extensions"].get("arautohops") == kept


async def test_an_event_that_goes_round_in_a_loop_is_refused_and_counted(api: Any, make: Any) -> None:
    answer = await api.call("POST", "/v1/events", make("1"), **STRUCTURED, **{"ce-arautohops": "6"})
    assert answer.problem == (508, "too_many_hops")
    assert await api.stored() == []
    body = json.dumps({"id": "w-1", "order": {"number": "1", "customer": "c1"}}).encode()
    headers = {**signed(body), "ce-arautohops": "6"}
    assert (await api.call("POST", "/in/shop", body, key=None, **headers)).problem == (508, "too_many_hops")
    items = await api.items("/v1/rejections", 2)
    assert {(item["source"], item["code"]) for item in items} == {
        ("cloudevents", "too_many_hops"),
        ("shop", "too_many_hops"),
    }
