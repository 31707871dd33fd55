"""CloudEvents over HTTP, by the specification's own examples and rules; the official SDK judges."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings import http as sdk
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from arauto.errors import BadPayload
from arauto.ingress import Request
from arauto.sources import Draft
from arauto.sources.cloudevents import decode, handshake

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "A234-1234-1234",
    "source": "/loja/pedidos",
    "type": "order.paid",
    "time": "2026-11-24T05:20:00-03:00",
    "data": {"order": {"number": "1042"}},
}
DRAFT = Draft(
    source="/loja/pedidos",
    id="A234-1234-1234",
    type="order.paid",
    time=datetime(2026, 11, 24, 8, 20, tzinfo=UTC),
    data={"order": {"number": "1042"}},
)
STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t", "content-type": "application/json"}


def request(body: Any, headers: dict[str, str] | list[tuple[str, str]], method: str = "POST") -> Request:
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    pairs = list(headers.items()) if isinstance(headers, dict) else headers
    return Request(
        method=method,
        path="/events",
        query=(),
        headers=tuple((name.lower(), value) for name, value in pairs),
        body=written,
        url="https://avisos.example/events",
    )


def structured(event: Any, content_type: str = STRUCTURED) -> list[Draft]:
    return decode(request(event, {"content-type": content_type}))


def refusal(call: Request) -> BadPayload:
    with pytest.raises(BadPayload) as refused:
        decode(call)
    return refused.value


# -- structured ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [STRUCTURED, STRUCTURED + "; charset=utf-8", STRUCTURED + ';charset="UTF-8"', "Application/CloudEvents+JSON"],
)
def test_structured(content_type: str) -> None:
    assert structured(EVENT, content_type) == [DRAFT]


@pytest.mark.parametrize(
    ("content_type", "said"),
    [
        ("application/cloudevents", "application/cloudevents"),
        ("application/cloudevents+xml", "xml"),
        ("application/cloudevents+protobuf", "protobuf"),
        ("application/cloudevents-batch+avro", "avro"),
        ("application/cloudevents-batch", "batch"),
        ("application/cloudevents+json; charset=iso-8859-1", "UTF-8"),
    ],
)
def test_other_formats_get_415(content_type: str, said: str) -> None:
    error = refusal(request(EVENT, {"content-type": content_type}))
    assert (error.status, error.code) == (415, "unsupported_media_type")
    assert said in error.detail


def test_headers_do_not_count_in_structured_mode() -> None:
    assert decode(request(EVENT, {"content-type": STRUCTURED, "ce-id": "other", "ce-type": "other"})) == [DRAFT]


def test_null_members_count_as_absent() -> None:
    event = {**EVENT, "time": None, "subject": None, "dataschema": None, "datacontenttype": None, "myext": None}
    [draft] = structured(event)
    assert (draft.time, draft.subject, draft.extensions) == (None, None, {})


def test_extensions_in_their_string_form() -> None:
    event = {**EVENT, "a": "x", "b": True, "c": -7, "dataschema": "https://s.example/order", "tracestate": ""}
    [draft] = structured(event)
    assert draft.extensions == {
        "a": "x", "b": "true", "c": "-7", "dataschema": "https://s.example/order", "tracestate": "",
    }  # fmt: skip


FAULTY: dict[str, tuple[dict[str, Any], str, str]] = {
    "no id": ({"id": None}, "missing_attribute", "/id"),
    "no source": ({"source": None}, "missing_attribute", "/source"),
    "no type": ({"type": None}, "missing_attribute", "/type"),
    "no specversion": ({"specversion": None}, "missing_attribute", "/specversion"),
    "an empty id": ({"id": ""}, "invalid_attribute", "/id"),
    "an id that is a number": ({"id": 7}, "invalid_attribute", "/id"),
    "an id with a line break": ({"id": "a\nb"}, "invalid_attribute", "/id"),
    "an id that is too long": ({"id": "x" * 1025}, "invalid_attribute", "/id"),
    "a source with a space": ({"source": "my shop"}, "invalid_attribute", "/source"),
    "an empty subject": ({"subject": ""}, "invalid_attribute", "/subject"),
    "specversion 0.3": ({"specversion": "0.3"}, "unsupported_version", "/specversion"),
    "a time without a zone": ({"time": "2026-11-24T08:20:00"}, "invalid_attribute", "/time"),
    "a time that is a number": ({"time": 1795507200}, "invalid_attribute", "/time"),
    "an extension with a capital": ({"myExt": "x"}, "invalid_attribute_name", "/myExt"),
    "an extension with an underscore": ({"my_ext": "x"}, "invalid_attribute_name", "/my_ext"),
    "an extension without a name": ({"": "x"}, "invalid_attribute_name", "/"),
    "an extension that is an object": ({"myext": {}}, "invalid_attribute", "/myext"),
    "an extension that is a fraction": ({"myext": 1.5}, "invalid_attribute", "/myext"),
    "an extension beyond 32 bits": ({"myext": 2**31}, "invalid_attribute", "/myext"),
    "an empty dataschema": ({"dataschema": ""}, "invalid_attribute", "/dataschema"),
    "data twice": ({"data_base64": "e30="}, "ambiguous_data", "/data_base64"),
    "an empty datacontenttype": ({"datacontenttype": ""}, "invalid_attribute", "/datacontenttype"),
    "a datacontenttype that is no string": ({"datacontenttype": 1}, "invalid_attribute", "/datacontenttype"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "code", "pointer"), FAULTY.values(), ids=FAULTY)
def test_faulty_events(change: dict[str, Any], code: str, pointer: str) -> None:
    error = refusal(request({**EVENT, **change}, {"content-type": STRUCTURED}))
    assert (error.code, error.status) == (code, 400)
    assert [each["pointer"] for each in error.errors] == [pointer]


@pytest.mark.parametrize("event", [[], [EVENT], "x", None, 7])
def test_what_is_no_object(event: Any) -> None:
    assert refusal(request(event, {"content-type": STRUCTURED})).code == "invalid_event"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/json-seq", "json", "text/json+"]
)
def test_data_that_is_not_json_gets_415(content_type: str) -> None:
    error = refusal(request({**EVENT, "datacontenttype": content_type, "data": "x"}, {"content-type": STRUCTURED}))
    assert (error.status, error.code) == (415, "unsupported_data_type")


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "text/json", "application/vnd.loja+json"]
)
def test_data_of_json_types(content_type: str) -> None:
    assert structured({**EVENT, "datacontenttype": content_type}) == [DRAFT]


def encoded(data: bytes) -> dict[str, Any]:
    event = {**EVENT, "data_base64": base64.b64encode(data).decode()}
    del event["data"]
    return event


def test_json_in_base64_is_data() -> None:
    assert structured(encoded(b'{"order": {"number": "1042"}}')) == [DRAFT]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (encoded(b"\x89PNG"), "invalid_utf8"),
        (encoded(b'{"a":1,"a":2}'), "duplicate_key"),
        (encoded(b""), "invalid_json"),
        ({**encoded(b""), "data_base64": "e3 0="}, "invalid_base64"),
        ({**encoded(b""), "data_base64": {}}, "invalid_base64"),
        ({**encoded(b""), "data_base64": "é"}, "invalid_base64"),
    ],
    ids=["a picture", "a key twice", "nothing", "white space", "an object", "no ASCII"],
)
def test_other_base64_is_refused(event: dict[str, Any], code: str) -> None:
    error = refusal(request(event, {"content-type": STRUCTURED}))
    assert error.code == code
    assert error.errors[0]["pointer"] == "/data_base64"


def test_an_event_may_have_no_data() -> None:
    event = {name: value for name, value in EVENT.items() if name != "data"}
    assert structured(event)[0].data is None


# -- batched -------------------------------------------------------------------------------------------------------


def test_a_batch() -> None:
    events = [EVENT, {**EVENT, "id": "2"}]
    drafts = decode(request(events, {"content-type": BATCHED + "; charset=utf-8"}))
    assert [draft.id for draft in drafts] == ["A234-1234-1234", "2"]


def test_an_empty_batch() -> None:
    assert decode(request([], {"content-type": BATCHED})) == []


def test_an_object_is_no_batch() -> None:
    assert refusal(request(EVENT, {"content-type": BATCHED})).code == "invalid_batch"


def test_a_batch_says_which_events_are_faulty() -> None:
    events = [EVENT, {**EVENT, "id": ""}, EVENT, 7, {**EVENT, "specversion": "2.0"}]
    error = refusal(request(events, {"content-type": BATCHED}))
    assert error.code == "invalid_attribute"
    assert error.detail.startswith("event 1 of the batch: ")
    assert "3 of 5" in error.detail
    assert [each["pointer"] for each in error.errors] == ["/1/id", "/3", "/4/specversion"]


# -- binary --------------------------------------------------------------------------------------------------------


def test_binary() -> None:
    headers = {
        "Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "A234-1234-1234", "ce-type": "order.paid",
        "ce-source": "/loja/pedidos", "ce-time": "2026-11-24T05:20:00-03:00", "CE-MyExt": "x", "x-other": "y",
    }  # fmt: skip
    [draft] = decode(request(EVENT["data"], headers))
    assert draft.extensions == {"myext": "x"}
    assert (draft.source, draft.id, draft.type, draft.time, draft.data) == (
        DRAFT.source, DRAFT.id, DRAFT.type, DRAFT.time, DRAFT.data,
    )  # fmt: skip


def test_binary_without_data_or_content_type() -> None:
    headers = {name: value for name, value in BINARY.items() if name != "content-type"}
    assert decode(request(b"", headers))[0].data is None
    assert decode(request(b'{"a":1}', headers))[0].data == {"a": 1}


PERCENT = {
    "the specification's example": ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € \U0001f600"),
    "lower-case hex": ("Euro%20%e2%82%ac", "Euro €"),
    "characters that need not be encoded": ("%41%42c", "ABc"),
    "one round only": ("100%2525", "100%25"),
    "quoted, as older senders do": ('"Euro %E2%82%AC"', "Euro €"),
    "quoted, with escapes": (r'"a \"b\" \\ c"', r'a "b" \ c'),
    "a plus, which is no space": ("a+b", "a+b"),
}


@pytest.mark.parametrize(("header", "subject"), PERCENT.values(), ids=PERCENT)
def test_headers_are_percent_decoded(header: str, subject: str) -> None:
    assert decode(request({}, {**BINARY, "ce-subject": header}))[0].subject == subject


NOT_PERCENT = {
    "an overlong encoding": "%C0%A0",
    "half a character": "%E2%82",
    "a surrogate": "%ED%A0%80",
    "a control character": "a%0Ab",
    "no hex": "%zz",
    "a percent sign alone": "100%",
    "raw bytes beyond ASCII": "é",
    "raw bytes beside an encoding": "é%20",
}


@pytest.mark.parametrize("header", NOT_PERCENT.values(), ids=NOT_PERCENT)
def test_headers_that_cannot_be_decoded(header: str) -> None:
    error = refusal(request({}, {**BINARY, "ce-subject": header}))
    assert (error.code, error.errors[0]["pointer"]) == ("invalid_attribute", "/subject")


@pytest.mark.parametrize(
    ("headers", "code", "status"),
    [
        ({"content-type": "application/json"}, "not_a_cloudevent", 415),
        ({}, "not_a_cloudevent", 415),
        ({**BINARY, "ce-datacontenttype": "application/json"}, "invalid_attribute", 400),
        ({**BINARY, "ce-my-ext": "x"}, "invalid_attribute_name", 400),
        ({**BINARY, "ce-": "x"}, "invalid_attribute_name", 400),
        ({**BINARY, "content-type": "text/plain"}, "unsupported_data_type", 415),
        ({name: value for name, value in BINARY.items() if name != "ce-id"}, "missing_attribute", 400),
        ([*BINARY.items(), ("ce-id", "2")], "invalid_attribute", 400),
        ({**BINARY, "ce-specversion": "0.3"}, "unsupported_version", 400),
    ],
    ids=[
        "no ce- header", "no header at all", "ce-datacontenttype", "a hyphen in a name", "no name", "text",
        "no id", "an id twice", "version 0.3",
    ],
)  # fmt: skip
def test_binary_faults(headers: Any, code: str, status: int) -> None:
    error = refusal(request({}, headers))
    assert (error.code, error.status) == (code, status)


# -- the official SDK ----------------------------------------------------------------------------------------------

names = st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True).filter(
    lambda name: (
        name not in {"data", "id", "source", "type", "time", "subject", "specversion", "dataschema"}
        and name != "datacontenttype"
    )
)
fit = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cn"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=40
)
attributes = st.fixed_dictionaries(
    {"id": fit, "source": st.from_regex(r"[a-z0-9/:.#?%-]{1,30}", fullmatch=True), "type": fit},
    optional={
        "subject": fit,
        "time": st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
        "datacontenttype": st.just("application/json"),
    },
)
payloads = st.dictionaries(
    st.text(max_size=8), st.none() | st.booleans() | st.text() | st.integers(-99, 99), max_size=4
)


def agrees(draft: Draft, event: Any) -> bool:
    known = ("specversion", "id", "source", "type", "time", "subject", "datacontenttype")
    further = {name: value for name, value in event.get_attributes().items() if name not in known}
    told = (
        event.get_id(),
        event.get_source(),
        event.get_type(),
        event.get_subject(),
        event.get_time(),
        event.get_data(),
    )
    return told == (draft.id, draft.source, draft.type, draft.subject, draft.time, draft.data) and (
        further == draft.extensions
    )


@given(attributes, st.dictionaries(names, fit, max_size=3), payloads)
def test_takes_what_the_sdk_sends(known: dict[str, Any], further: dict[str, str], data: dict[str, Any]) -> None:
    event = CloudEvent({"datacontenttype": "application/json", **known, **further, "specversion": "1.0"}, data)
    for message in (sdk.to_binary(event, JSONFormat()), sdk.to_structured(event, JSONFormat())):
        call = request(message.body, message.headers)
        [draft] = decode(call)
        assert agrees(draft, event)
        assert agrees(draft, sdk.from_http(message, JSONFormat()))


# -- the handshake -------------------------------------------------------------------------------------------------

HANDSHAKES: dict[str, tuple[dict[str, str], int | None, str]] = {
    "no rate asked, none set": ({}, None, "*"),
    "no rate asked, one set": ({}, 600, "600"),
    "a smaller rate asked": ({"WebHook-Request-Rate": "120"}, 600, "120"),
    "a larger rate asked": ({"WebHook-Request-Rate": "9999"}, 600, "600"),
    "any rate asked": ({"WebHook-Request-Rate": "*"}, 600, "600"),
    "a rate asked, none set": ({"WebHook-Request-Rate": "120"}, None, "120"),
}


@pytest.mark.parametrize(("headers", "allowed", "granted"), HANDSHAKES.values(), ids=HANDSHAKES)
def test_handshake(headers: dict[str, str], allowed: int | None, granted: str) -> None:
    answer = handshake(request(b"", {"WebHook-Request-Origin": "erp.example.com", **headers}, "OPTIONS"), allowed)
    assert answer.status == 200
    assert dict(answer.headers) == {
        "WebHook-Allowed-Origin": "erp.example.com",
        "WebHook-Allowed-Rate": granted,
        "Allow": "OPTIONS, POST",
    }


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_origin"),
        ({"webhook-request-origin": ""}, "invalid_origin"),
        ({"webhook-request-origin": "a b"}, "invalid_origin"),
        ({"webhook-request-origin": "a\r\nx: y"}, "invalid_origin"),
        ({"webhook-request-origin": "a.example", "webhook-request-rate": "0"}, "invalid_rate"),
        ({"webhook-request-origin": "a.example", "webhook-request-rate": "-5"}, "invalid_rate"),
        ({"webhook-request-origin": "a.example", "webhook-request-rate": "²"}, "invalid_rate"),
    ],
)
def test_handshakes_that_are_none(headers: dict[str, str], code: str) -> None:
    with pytest.raises(BadPayload) as refused:
        handshake(request(b"", headers, "OPTIONS"), None)
    assert refused.value.code == code
