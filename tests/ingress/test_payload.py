"""Strict JSON: what is let pass means the same to every reader."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arauto.errors import BadPayload
from arauto.ingress.payload import canonical_hash, check_text, parse, parse_form, parse_time

GOOD = {
    "an object": (b'{"a": 1}', {"a": 1}),
    "a lone string": (b'"a"', "a"),
    "the same key in two objects": (b'{"a":{"k":1},"b":{"k":1}}', {"a": {"k": 1}, "b": {"k": 1}}),
    "colons, braces and brackets within strings": (b'{"a:{[":"}]:\\"{"}', {"a:{[": '}]:"{'}),
    "an escaped backslash before a quote": (b'{"a":"\\\\","b":":"}', {"a": "\\", "b": ":"}),
    "a colon written as an escape": (b'{"a":"\\u003a","b":"\\u003A"}', {"a": ":", "b": ":"}),
    "a key that is a colon written as an escape": (b'{"\\u003a":1}', {":": 1}),
    "a surrogate pair": (b'"\\ud83d\\ude00"', "\U0001f600"),
    "nested as deeply as allowed": (b"[" * 64 + b"]" * 64, None),
    "many brackets, but not deep": (b"[" + b",".join([b"[]"] * 500) + b"]", [[]] * 500),
    "the largest integer of 64 bits": (b"18446744073709551615", 2**64 - 1),
    "the smallest integer of 64 bits": (b"-9223372036854775808", -(2**63)),
    "a fraction of many digits": (b"0.12345678901234567890123", 0.12345678901234567890123),
    "digits in a string, which are no number": (b'{"id":"123456789012345678901234567890"}', None),
    "digits behind an escaped quote": (b'["\\"123456789012345678901234567890\\""]', None),
    "a large exponent that fits": (b"1e300", 1e300),
}

BAD = {
    "nothing": (b"", "invalid_json"),
    "white space": (b"  ", "invalid_json"),
    "a comma too many": (b'{"a":1,}', "invalid_json"),
    "something behind the document": (b'{"a":1}x', "invalid_json"),
    "a leading zero": (b"01", "invalid_json"),
    "a line break within a string": (b'"a\nb"', "invalid_json"),
    "half a word": (b"nul", "invalid_json"),
    "single quotes": (b"{'a':1}", "invalid_json"),
    "a broken escape": (b'"\\uZZZZ"', "invalid_json"),
    "NaN": (b'{"a":NaN}', "not_a_number"),
    "nan": (b"[nan]", "not_a_number"),
    "Infinity": (b"[1, Infinity]", "not_a_number"),
    "-Infinity": (b"[-Infinity]", "not_a_number"),
    "a number beyond a double": (b"[1e999]", "absurd_number"),
    "a negative number beyond a double": (b"-1.0E+400", "absurd_number"),
    "an integer of 65 bits": (b'{"a":18446744073709551616}', "absurd_number"),
    "a negative integer of 65 bits": (b"-9223372036854775809", "absurd_number"),
    "an integer of 5000 digits": (b"9" * 5000, "absurd_number"),
    "an integer of 400 digits and a fraction": (b"1" * 400 + b".5", "absurd_number"),
    "a high surrogate alone": (b'"\\ud800"', "lone_surrogate"),
    "a low surrogate alone": (b'"\\udc00"', "lone_surrogate"),
    "surrogates in the wrong order": (b'"\\udc00\\ud800"', "lone_surrogate"),
    "a surrogate in UTF-8": (b'"\xed\xa0\x80"', "invalid_utf8"),
    "half a character": (b'"\xc3"', "invalid_utf8"),
    "Latin-1": ('{"a":"é"}'.encode("latin-1"), "invalid_utf8"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "byte_order_mark"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "byte_order_mark"),
    "a key twice": (b'{"a":1,"a":1}', "duplicate_key"),
    "a key twice, once as an escape": (b'{"a":1,"\\u0061":2}', "duplicate_key"),
    "a key twice, hidden by a colon that is an escape": (b'{"a":1,"a":"\\u003a"}', "duplicate_key"),
    "a key twice, deep within": (b'[{"x":[{"k":1,"j":2,"k":3}]}]', "duplicate_key"),
    "a key twice, behind an escaped backslash": (b'["\\\\",{"a":1,"a":2}]', "duplicate_key"),
    "an empty key twice": (b'{"":1,"":2}', "duplicate_key"),
    "nested too deeply": (b"[" * 65 + b"]" * 65, "too_deep"),
    "objects nested too deeply": (b'{"a":' * 65 + b"1" + b"}" * 65, "too_deep"),
    "200 000 brackets": (b"[" * 200_000, "too_deep"),
    "200 000 objects within each other": (b'{"":' * 200_000, "too_many_keys"),
    "100 001 keys": (b"{" + b",".join(b'"%d":1' % n for n in range(100_001)) + b"}", "too_many_keys"),
    "10 001 keys in small objects": (b"[" + b",".join([b'{"a":1}'] * 10_001) + b"]", "too_many_keys"),
    "a million quotes": (b'"' * 1_000_000, "invalid_json"),
}


@pytest.mark.parametrize(("body", "tree"), GOOD.values(), ids=GOOD)
def test_reads(body: bytes, tree: Any) -> None:
    assert parse(body) == (json.loads(body) if tree is None else tree)


@pytest.mark.parametrize(("body", "code"), BAD.values(), ids=BAD)
def test_refuses(body: bytes, code: str) -> None:
    with pytest.raises(BadPayload) as refusal:
        parse(body)
    assert refusal.value.code == code
    assert refusal.value.status == 400
    assert len(refusal.value.detail) < 200


def test_says_where_a_fault_is() -> None:
    with pytest.raises(BadPayload, match=r"line 2, column 6 \(character 7\)"):
        parse(b'{\n"a": x}')


def test_names_the_repeated_key() -> None:
    with pytest.raises(BadPayload, match="'total'"):
        parse(b'{"order": {"total": 1, "id": 7, "total": 2}}')


def test_limits_can_be_set() -> None:
    assert parse(b'[{"a":1}]', max_depth=2, max_keys=1) == [{"a": 1}]
    with pytest.raises(BadPayload, match="1 levels"):
        parse(b'[{"a":1}]', max_depth=1)
    with pytest.raises(BadPayload, match="2 keys; at most 1 "):
        parse(b'{"a":1,"b":2}', max_keys=1)


trees = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner, max_size=5),
    max_leaves=12,
)


@given(trees, st.booleans())
def test_reads_what_the_standard_library_writes(tree: Any, ascii_only: bool) -> None:
    assert parse(json.dumps(tree, ensure_ascii=ascii_only).encode()) == tree


@given(st.dictionaries(st.text(max_size=9), trees, min_size=1, max_size=5), st.data())
def test_finds_any_repeated_key(members: dict[str, Any], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(members)))
    pairs = [*members.items(), (key, data.draw(trees))]
    text = "{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in pairs) + "}"
    with pytest.raises(BadPayload) as refusal:
        parse(text.encode())
    assert refusal.value.code == "duplicate_key"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        tree = parse(body)
    except BadPayload:
        return
    assert tree == json.loads(body)


@given(st.text(alphabet='{}[]",:\\u0123aeNI.-+ ', max_size=60))
def test_what_is_read_is_what_a_strict_reader_reads(text: str) -> None:
    def strict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    try:
        tree = parse(text.encode())
    except BadPayload:
        return
    assert tree == json.loads(text, object_pairs_hook=strict)


# -- forms, hashes, texts, times -----------------------------------------------------------------------------------


def test_a_form_gives_strings_and_lists_where_fields_are_repeated() -> None:
    assert parse_form(b"a=1&b=&c=x+y&a=2&a=%C3%A9") == {"a": ["1", "2", "é"], "b": "", "c": "x y"}
    assert parse_form(b"") == {}


@pytest.mark.parametrize(
    "body", [b"a", b"a=%FF", b"\xff=1", b"&".join([b"a=1"] * 10_001)], ids=["no field", "no UTF-8", "raw bytes", "many"]
)
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(BadPayload) as refusal:
        parse_form(body)
    assert refusal.value.code == "invalid_form"


def test_the_hash_is_of_the_raw_bytes() -> None:
    assert canonical_hash(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert canonical_hash(b'{"a":1}') != canonical_hash(b'{"a": 1}')


@pytest.mark.parametrize("text", ["a", "é €", "\U0001f600", "x" * 1024, "a b", "a\xa0b"])
def test_texts_that_are_fit(text: str) -> None:
    assert check_text(text) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        ("x" * 1025, "1025"),
        ("a\nb", "U+000A"),
        ("a\x00", "U+0000"),
        ("\x85", "U+0085"),
        ("\uffff", "U+FFFF"),
    ],
)
def test_texts_that_are_not(text: str, fault: str) -> None:
    assert fault in (check_text(text) or "")


TIMES = {
    "2026-11-24T08:20:00Z": datetime(2026, 11, 24, 8, 20, tzinfo=UTC),
    "2026-11-24t08:20:00z": datetime(2026, 11, 24, 8, 20, tzinfo=UTC),
    "2026-11-24 08:20:00Z": datetime(2026, 11, 24, 8, 20, tzinfo=UTC),
    "2026-11-24T05:20:00.5-03:00": datetime(2026, 11, 24, 8, 20, 0, 500_000, tzinfo=UTC),
    "2026-11-24T08:20:00.123456789Z": datetime(2026, 11, 24, 8, 20, 0, 123_456, tzinfo=UTC),
    "2016-12-31T23:59:60Z": datetime(2017, 1, 1, tzinfo=UTC),
    "2016-12-31T23:59:60.25+00:00": datetime(2017, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC),
}


@pytest.mark.parametrize(("text", "moment"), TIMES.items(), ids=TIMES)
def test_times_of_rfc_3339(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment
    assert parse_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-11-24", "2026-11-24T08:20Z", "2026-11-24T08:20:00", "20261124T082000Z", "2026-13-24T08:20:00Z",
        "2026-11-24T25:20:00Z", "2026-11-24T08:20:61Z", "2026-W01-1T00:00:00Z", "0001-01-01T00:00:00+01:00",
        "2026-11-24T08:20:00+99:00", "２026-11-24T08:20:00Z", 1795507200, None,
    ],
)  # fmt: skip
def test_other_times_are_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="2026-11-24T08:20:00Z"):
        parse_time(text)
