"""Payloads to events: what ``events:`` in a source's YAML gives, refuses, and says about faults."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from arauto.errors import BadPayload
from arauto.ingress import Request, SettingsFaulty
from arauto.secret import Secret
from arauto.sources import Draft, Source, bearer, github

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def build(*events: dict[str, Any], module: Any = bearer, **settings: Any) -> Source:
    written = {"secrets": ["token"], "events": list(events), **settings}
    compiled: Source = module.compile(
        "loja", msgspec.convert(written, module.Settings, dec_hook=lambda _, reference: Secret(reference))
    )
    return compiled


def call(body: Any, query: Sequence[tuple[str, str]] = (), **headers: str) -> Request:
    return Request(
        method="POST",
        path="/in/loja",
        query=tuple(query),
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        url="https://avisos.example/in/loja",
    )


def drafts(request: Request, *events: dict[str, Any], **settings: Any) -> Sequence[Draft]:
    return build(*events, **settings).events(request, NOW)


def refusal(request: Request, *events: dict[str, Any], **settings: Any) -> BadPayload:
    with pytest.raises(BadPayload) as refused:
        drafts(request, *events, **settings)
    return refused.value


PAID = {"type": "order.paid", "id": "body.id"}
BODY = {"id": "e-1", "type": "order.paid", "at": 1795507200, "order": {"number": 1042, "items": ["a", "b"]}}


def test_every_entry_that_holds_gives_an_event_in_order() -> None:
    given = drafts(
        call(BODY),
        {**PAID, "when": 'body.type == "order.paid"'},
        {"type": "order.cancelled", "id": "body.id", "when": 'body.type == "order.cancelled"'},
        {"type": "stock.changed", "id": 'body.id ~ ".stock"', "when": "body.order.items | length > 1"},
    )
    assert [(draft.type, draft.id) for draft in given] == [("order.paid", "e-1"), ("stock.changed", "e-1.stock")]


def test_a_call_that_no_entry_holds_for_gives_none() -> None:
    assert drafts(call({"hookConfig": "ping"}), {**PAID, "when": "body.type is defined"}) == []


def test_the_whole_body_is_the_data_where_nothing_else_is_said() -> None:
    [draft] = drafts(call(BODY), PAID)
    assert draft == Draft(source="loja", id="e-1", type="order.paid", data=BODY)


def test_data_is_a_tree_of_expressions() -> None:
    data = {
        "order": {"number": "body.order.number", "first": "body.order.items[0]"},
        "list": ["body.id", 7],
        "test": True,
    }
    [draft] = drafts(call(BODY), {**PAID, "data": {**data, "nothing": None}})
    assert draft.data == {"order": {"number": 1042, "first": "a"}, "list": ["e-1", 7], "test": True, "nothing": None}
    [draft] = drafts(call(BODY), {**PAID, "data": "body.order"})
    assert draft.data == BODY["order"]


def test_each_gives_an_event_for_every_item() -> None:
    given = drafts(
        call({"id": "e", "lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 9}, {"sku": "c", "n": 2}]}),
        {"type": "stock.low", "each": "body.lines", "when": "item.n < 5", "id": 'body.id ~ "." ~ item.sku'},
    )
    assert [(draft.id, draft.data) for draft in given] == [("e.a", {"sku": "a", "n": 1}), ("e.c", {"sku": "c", "n": 2})]
    assert drafts(call({"id": "e", "lines": []}), {"type": "t", "each": "body.lines", "id": "item"}) == []


def test_a_condition_without_item_is_asked_before_the_list_is_looked_for() -> None:
    entry = {"type": "stock.low", "when": 'body.kind == "stock"', "each": "body.lines", "id": "item"}
    assert drafts(call({"kind": "ping"}), entry) == []
    assert [draft.id for draft in drafts(call({"kind": "stock", "lines": ["a", "b"]}), entry)] == ["a", "b"]


def test_expressions_see_headers_and_the_query() -> None:
    [draft] = drafts(
        call(BODY, [("shop", "sp"), ("shop", "rj")], x_topic="orders/paid"),
        {**PAID, "when": 'header["x-topic"] == "orders/paid"', "subject": "query.shop"},
    )
    assert draft.subject == "sp", "as for the verifier, the first of a repeated parameter counts"


def test_expressions_do_not_see_secrets() -> None:
    for settings, place in [
        ({}, 'header["authorization"]'),
        ({}, "header.cookie"),
        ({"header": "X-Token"}, 'header["x-token"]'),
        ({"query": "token"}, "query.token"),
    ]:
        request = call(BODY, [("token", "token")], authorization="Bearer token", cookie="token", x_token="token")
        assert refusal(request, {**PAID, "subject": place}, **settings).code == "mapping_failed"


def test_forms_are_bodies_too() -> None:
    request = call(b"id=e-1&tag=a&tag=b", content_type="application/x-www-form-urlencoded; charset=utf-8")
    [draft] = drafts(request, {**PAID, "data": {"tags": "body.tag"}})
    assert (draft.id, draft.data) == ("e-1", {"tags": ["a", "b"]})


def test_the_source_of_the_events_can_be_named() -> None:
    assert drafts(call(BODY), PAID, source="/lojas/sp")[0].source == "/lojas/sp"


TIMES = {
    '"2026-11-24T05:00:00-03:00"': NOW,
    "1795507200": NOW,
    '"1795507200"': NOW,
    "1795507200000": NOW,
    "1795507200.5": datetime(2026, 11, 24, 8, 0, 0, 500_000, tzinfo=UTC),
    "none": None,
}


@pytest.mark.parametrize(("expression", "moment"), TIMES.items(), ids=TIMES)
def test_times(expression: str, moment: datetime | None) -> None:
    assert drafts(call(BODY), {**PAID, "time": expression})[0].time == moment


FAILING: dict[str, tuple[dict[str, Any], str, str]] = {
    "a member that is not there": ({"id": "body.nope"}, "events[0].id", "nope"),
    "a condition that asks for what is not there": ({"when": 'body.nope == "x"'}, "events[0].when", "nope"),
    "a condition that is no condition": ({"when": "body.id"}, "events[0].when", "a string, not true or false"),
    "an id that is null": ({"id": "none"}, "events[0].id", "null, not a string"),
    "an id that is true": ({"id": "true"}, "events[0].id", "not a string"),
    "an id that is a fraction": ({"id": "1.5"}, "events[0].id", "a number, not a string"),
    "an id that is an object": ({"id": "body.order"}, "events[0].id", "an object, not a string"),
    "an empty id": ({"id": '""'}, "events[0].id", "empty"),
    "an id with a line break": ({"id": '"a\\nb"'}, "events[0].id", "U+000A"),
    "an endless subject": ({"subject": '"x" * 2000 if false else body.order.items'}, "events[0].subject", "a list"),
    "a time that is a word": ({"time": '"yesterday"'}, "events[0].time", "RFC 3339"),
    "a time beyond all years": ({"time": "99999999999999999999"}, "events[0].time", ""),
    "a time that is true": ({"time": "true"}, "events[0].time", "no time"),
    "each of no list": ({"each": "body.order"}, "events[0].each", "no list"),
    "data deep within": ({"data": {"a": {"b": ["body.x.y"]}}}, "events[0].data.a.b[0]", "x"),
}


@pytest.mark.parametrize(("entry", "place", "said"), FAILING.values(), ids=FAILING)
def test_what_fails_names_its_entry(entry: dict[str, Any], place: str, said: str) -> None:
    error = refusal(call(BODY), {**PAID, **entry})
    assert (error.code, error.status) == ("mapping_failed", 400)
    assert error.detail.startswith(place + " ")
    assert said in error.detail
    assert error.errors[0]["pointer"] == "/" + place.replace("[", ".").replace("]", "").replace(".", "/")


def test_two_different_events_with_one_id_are_refused_and_not_lost() -> None:
    error = refusal(call(BODY), PAID, {"type": "order.seen", "id": "body.id"})
    assert "'e-1'" in error.detail
    assert len(drafts(call(BODY), PAID, PAID)) == 2, "the same event twice loses nothing"


# -- ids that a kind knows -----------------------------------------------------------------------------------------


def test_a_preset_knows_the_id_of_a_call_and_numbers_further_events() -> None:
    request = call({"items": [1, 2]}, x_github_delivery="d-1")
    entries = ({"type": "a"}, {"type": "b", "each": "body['items']"})
    assert [draft.id for draft in drafts(request, *entries, module=github)] == ["d-1", "d-1.2", "d-1.3"]


def test_a_call_without_that_id_is_refused() -> None:
    assert refusal(call({}), {"type": "a"}, module=github).code == "missing_id"


# -- faults in the YAML --------------------------------------------------------------------------------------------


def faults(*events: dict[str, Any], **settings: Any) -> dict[tuple[Any, ...], tuple[str, int, int]]:
    with pytest.raises(SettingsFaulty) as faulty:
        build(*events, **settings)
    return {fault.path: (fault.code, fault.line, fault.column) for fault in faulty.value.faults}


def test_every_fault_is_told_with_its_place() -> None:
    found = faults(
        {"type": "a", "id": "body.", "when": "body.type = 1", "data": {"x": ["1 +"]}},
        {"type": "b", "id": "bdy.id", "each": "body.lines |", "subject": "event.id"},
    )
    assert set(found) == {
        ("events", 0, "id"), ("events", 0, "when"), ("events", 0, "data", "x", 0),
        ("events", 1, "id"), ("events", 1, "each"), ("events", 1, "subject"),
    }  # fmt: skip
    assert {code for code, _, _ in found.values()} == {"bad-expression"}
    assert found["events", 1, "id"] == ("bad-expression", 1, 1)


def test_generic_kinds_need_an_id_and_events() -> None:
    assert faults({"type": "a"}) == {("events", 0): ("missing-id", 1, 1)}
    assert faults() == {("events",): ("missing-events", 1, 1)}


@pytest.mark.parametrize("entry", [{"tpye": "a"}, {"id": "1"}, {"type": 1, "id": "1"}, {"type": "a", "id": 1}])
def test_entries_of_another_shape_are_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        build(entry)


def test_an_answer_that_is_no_success_is_refused() -> None:
    assert build(PAID, accepted=204).accepted.status == 204
    with pytest.raises(msgspec.ValidationError):
        build(PAID, accepted=302)
