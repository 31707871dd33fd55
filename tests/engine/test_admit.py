"""admit: what a source tells becomes an event, or is refused with every fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from arauto.engine.admit import admit
from arauto.errors import BadPayload, IntakeError, UnknownEventType
from arauto.model import EventType
from arauto.sources import Draft
from engine.conftest import NOW, make_catalogue

FAULTS = [{"pointer": "/a", "detail": "is missing"}, {"pointer": "/b/0", "detail": "is no number"}]


def catalogue(*faults: dict[str, str]) -> Any:
    def kind(name: str) -> EventType:
        return EventType(name=name, description="", schema={}, samples={}, validate=lambda data: faults)

    types = {name: kind(name) for name in ("order.paid", "order.sent")}
    return msgspec.structs.replace(make_catalogue(), event_types=types)


def draft(**more: Any) -> Draft:
    return Draft(**{"source": "loja", "id": "1", "type": "order.paid", "data": {"n": 1}, **more})


def test_a_draft_becomes_an_event_at_the_moment_it_tells_or_now() -> None:
    brazil = timezone(timedelta(hours=-3))
    told = draft(time=datetime(2026, 11, 24, 9, tzinfo=brazil), subject="s", extensions={"x": "1"})
    event = admit(told, catalogue(), NOW, tenant="t").event
    assert (event.tenant, event.source, event.id, event.type) == ("t", "loja", "1", "order.paid")
    assert (event.subject, event.extensions, event.data) == ("s", {"x": "1"}, {"n": 1})
    assert event.time == NOW
    assert event.time.tzinfo is UTC
    assert admit(draft(), catalogue(), NOW).event.time == NOW


@pytest.mark.parametrize(
    ("given", "faults", "kind", "status", "code", "said"),
    [
        pytest.param(
            {"type": "order.payd"},
            (),
            UnknownEventType,
            422,
            "unknown_event_type",
            "did you mean 'order.paid'",
            id="a slip",
        ),
        pytest.param(
            {"type": "zzz"},
            (),
            UnknownEventType,
            422,
            "unknown_event_type",
            "there are: order.paid, order.sent",
            id="unknown",
        ),
        pytest.param(
            {"type": "z" * 900},
            (),
            UnknownEventType,
            422,
            "unknown_event_type",
            "z" * 79 + "…",
            id="a type too long to show",
        ),
        pytest.param({"id": "x" * 513}, (), BadPayload, 400, "attribute_too_long", "id has 513", id="a long id"),
        pytest.param(
            {"source": "x" * 513}, (), BadPayload, 400, "attribute_too_long", "source has", id="a long source"
        ),
        pytest.param(
            {"subject": "x" * 513}, (), BadPayload, 400, "attribute_too_long", "subject has", id="a long subject"
        ),
        pytest.param({}, FAULTS, BadPayload, 422, "invalid_data", "order.paid: 2 faults", id="data with faults"),
        pytest.param({}, FAULTS[:1], BadPayload, 422, "invalid_data", "order.paid: 1 fault", id="data with one fault"),
    ],
)
def test_refusals(given: Any, faults: Any, kind: Any, status: int, code: str, said: str) -> None:
    with pytest.raises(IntakeError) as caught:
        admit(draft(**given), catalogue(*faults), NOW)
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.code) == (status, code)
    assert said in caught.value.detail
    assert len(caught.value.detail) < 200
    assert caught.value.errors == tuple(faults)


def test_attributes_may_have_512_characters() -> None:
    admit(draft(id="x" * 512, source="é" * 512, subject="s" * 512), catalogue(), NOW)


def test_the_hash_is_of_what_was_said_and_not_of_how() -> None:
    def hash(**more: Any) -> str:
        return admit(draft(**more), catalogue(), NOW).body_hash

    assert hash(data={"a": 1, "b": [{"c": 2, "d": 3}]}) == hash(data={"b": [{"d": 3, "c": 2}], "a": 1})
    assert admit(draft(), catalogue(), NOW).body_hash == admit(draft(), catalogue(), NOW + timedelta(1)).body_hash
    several = [
        hash(),
        hash(data={"n": 2}),
        hash(data=None),
        hash(type="order.sent"),
        hash(subject="s"),
        hash(time=NOW),
        hash(extensions={"x": "1"}),
    ]
    assert len(set(several)) == len(several)
    assert hash(id="2", source="erp") == hash()


def test_what_goes_round_in_a_loop_is_refused() -> None:
    admit(draft(extensions={"arautohops": "5"}), catalogue(), NOW)
    with pytest.raises(BadPayload, match="more than 5 times") as refused:
        admit(draft(extensions={"arautohops": "6"}), catalogue(), NOW)
    assert (refused.value.status, refused.value.code) == (508, "too_many_hops")


@pytest.mark.parametrize(
    ("told", "hops"), [("0", 0), ("4", 4), ("", 0), ("x", 0), ("-6", 0), ("6.0", 0), ("9" * 5000, 0), ("٦", 0)]
)
def test_hops_are_a_small_number_or_none(told: str, hops: int) -> None:
    assert admit(draft(extensions={"arautohops": told}), catalogue(), NOW).event.hops == hops


def test_a_repeat_that_came_another_way_round_is_the_same_event() -> None:
    hashes = {
        admit(draft(extensions={"x": "1", **more}), catalogue(), NOW).body_hash for more in ({}, {"arautohops": "3"})
    }
    assert len(hashes) == 1
