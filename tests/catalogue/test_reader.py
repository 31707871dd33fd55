"""YAML 1.2 with positions."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arauto.catalogue.diagnostics import Faults
from arauto.catalogue.document import Document
from arauto.catalogue.reader import MAX_DEPTH, read
from arauto.errors import Diagnostic


def parse(text: str | bytes) -> Document:
    faults = Faults()
    document = read("file.yaml", text if isinstance(text, bytes) else text.encode(), faults)
    assert not faults.found
    assert document is not None
    return document


def fault(text: str | bytes) -> Diagnostic:
    faults = Faults()
    read("file.yaml", text if isinstance(text, bytes) else text.encode(), faults)
    (found,) = faults.found.values()
    return found


@pytest.mark.parametrize(
    ("written", "value"),
    [
        pytest.param("on", "on", id="on is text, not true as in YAML 1.1"),
        pytest.param("no", "no", id="no is text, and a country"),
        pytest.param("Yes", "Yes", id="yes is text"),
        pytest.param("y", "y", id="y is text"),
        pytest.param("true", True, id="true is true"),
        pytest.param("False", False, id="False is false"),
        pytest.param("tRUE", "tRUE", id="other ways to write true are text"),
        pytest.param("null", None, id="null is null"),
        pytest.param("~", None, id="a tilde is null"),
        pytest.param("", None, id="nothing is null"),
        pytest.param("'null'", "null", id="null in quotes is text"),
        pytest.param("12", 12, id="an integer"),
        pytest.param("-12", -12, id="a negative integer"),
        pytest.param("+12", 12, id="a plus is a sign"),
        pytest.param("012", 12, id="a leading zero is decimal"),
        pytest.param("0o17", 15, id="0o is octal"),
        pytest.param("0x1F", 31, id="0x is hexadecimal"),
        pytest.param("0b11", "0b11", id="there are no binary numbers"),
        pytest.param("0o18", "0o18", id="8 is no octal digit"),
        pytest.param("1_000", "1_000", id="there are no underscores in numbers"),
        pytest.param("1.5", 1.5, id="a decimal fraction"),
        pytest.param(".5", 0.5, id="a fraction without its zero"),
        pytest.param("5.", 5.0, id="a fraction that ends in its point"),
        pytest.param("1e3", 1000.0, id="an exponent"),
        pytest.param("-1.5E-3", -0.0015, id="a negative exponent"),
        pytest.param("1.2.3", "1.2.3", id="a version is text"),
        pytest.param("22:30", "22:30", id="a time is text, not base 60"),
        pytest.param("190:20:30", "190:20:30", id="there is no base 60"),
        pytest.param("2026-03-31", "2026-03-31", id="a date is text"),
        pytest.param("2026-03-31T12:00:00Z", "2026-03-31T12:00:00Z", id="a timestamp is text"),
        pytest.param("+55 11 98765-4321", "+55 11 98765-4321", id="a phone number with spaces is text"),
        pytest.param(".", ".", id="a point is text"),
        pytest.param("-", [None], id="a dash is a list"),
        pytest.param("=", "=", id="an equals sign is text"),
        pytest.param("!!str 12", "12", id="!!str makes text"),
        pytest.param("!!float 12", 12.0, id="!!float makes a fraction"),
        pytest.param("! 12", "12", id="the non-specific tag makes text"),
        pytest.param('"a\\tb\\u00e9"', "a\tbé", id="escapes in double quotes"),
        pytest.param("'it''s'", "it's", id="a doubled single quote"),
        pytest.param("|\n  a\n   b\n", "a\n b\n", id="a literal block keeps its lines"),
        pytest.param(">-\n  a\n  b\n", "a b", id="a folded block joins its lines"),
        pytest.param("18446744073709551615", 2**64 - 1, id="the largest integer of 64 bits"),
    ],
)
def test_core_schema(written: str, value: Any) -> None:
    found = parse(f"key: {written}\n" if written != "-" else "key:\n-\n").data["key"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_text() -> None:
    assert parse("404: a\ntrue: b\nnull: c\non: d\n1.5: e\n").data == {
        "404": "a",
        "true": "b",
        "null": "c",
        "on": "d",
        "1.5": "e",
    }


def test_merge_keys_of_yaml_1_1_are_plain_keys() -> None:
    assert parse("a: &a {x: 1}\nb: {<<: *a}\n").data == {"a": {"x": 1}, "b": {"<<": {"x": 1}}}


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\ufeff"])
def test_a_file_without_anything_is_an_empty_mapping(text: str) -> None:
    assert parse(text).data == {}


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        pytest.param('a: 1\nb: "x\n', 2, 4, "never closed", id="a double quote that is never closed"),
        pytest.param("a: 'x\nb: 1\n", 1, 4, "never closed", id="a single quote that is never closed"),
        pytest.param("a:\n\tb: 1\n", 2, 1, "a tab", id="a tab as indentation"),
        pytest.param("a: [1, 2\nb: 3\n", 2, 2, "flow sequence", id="a list that is never closed"),
        pytest.param("a: {{ event.id }}\n", 1, 5, "cannot be a key", id="braces without quotes"),
        pytest.param("a: b: c\n", 1, 5, "mapping values", id="a second colon"),
        pytest.param("- a\nb: 1\n", 2, 1, "'-' indicator", id="a key among list entries"),
        pytest.param("a: @b\n", 1, 4, "cannot start", id="an at sign"),
        pytest.param('a: "\\q"\n', 1, 5, "escape", id="an unknown escape"),
        pytest.param('a: "\\ud800"\n', 1, 7, "Unicode", id="half a surrogate pair"),
        pytest.param('a: 1\n"": 2\n', 2, 1, "empty", id="a key without a name"),
        pytest.param("a: *b\n", 1, 4, "names no anchor", id="an alias without an anchor"),
        pytest.param("a: &a [*a]\n", 1, 8, "inside", id="an alias inside of its anchor"),
        pytest.param("a: .inf\n", 1, 4, "no number in JSON", id="infinity"),
        pytest.param("a: .NaN\n", 1, 4, "no number in JSON", id="not a number"),
        pytest.param("a: 1e999\n", 1, 4, "too large", id="a number that overflows"),
        pytest.param("a: 18446744073709551616\n", 1, 4, "64 bits", id="an integer of 65 bits"),
        pytest.param(f"a: {'9' * 5000}\n", 1, 4, "64 bits", id="an integer of 5000 digits"),
        pytest.param("a: !!int x\n", 1, 4, "!!int", id="a tag that lies"),
        pytest.param("a: !!python/object/apply:os.system [x]\n", 1, 4, "no meaning", id="a tag that runs code"),
        pytest.param("a: !!timestamp 2026-01-01\n", 1, 4, "no meaning", id="a tag of YAML 1.1"),
        pytest.param("a: 1\n---\nb: 2\n", 2, 1, "second document", id="a second document"),
        pytest.param("a: \x07\n", 1, 4, "U+0007", id="a control character"),
        pytest.param("a: " + "[" * 100, 1, 4 + MAX_DEPTH - 1, "deep", id="lists nested too deep"),
    ],
)
def test_what_is_not_yaml(text: str, line: int, column: int, words: str) -> None:
    found = fault(text)
    assert (found.line, found.column, found.code) == (line, column, "bad-yaml")
    assert words in found.message


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [(b"\xff", 1, 1), (b"a: \xc3\xa9\n\xc3\xa9: \xe9\n", 2, 4), (b"\xef\xbb\xbfa: \xff", 1, 4), (b"a\x00\xff", 1, 3)],
)
def test_what_is_not_utf_8_is_a_fault_at_its_byte(raw: bytes, line: int, column: int) -> None:
    found = fault(raw)
    assert (found.line, found.column, found.code) == (line, column, "unreadable-file")


def test_every_duplicate_key_is_a_fault_at_the_second_key() -> None:
    faults = Faults()
    read("file.yaml", b"a: 1\nb: {c: 1, c: 2}\na: 2\na: 3\n", faults)
    places = [(found.line, found.column, found.code) for found in faults.found.values()]
    assert places == [(2, 11, "duplicate-key"), (3, 1, "duplicate-key"), (4, 1, "duplicate-key")]


def test_a_billion_laughs_end_early() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 10)]
    assert "more than" in fault("\n".join(lines)).message


def test_deep_nesting_through_aliases_ends_early() -> None:
    lines = [f"a0: &a0 {'[' * 50}x{']' * 50}", f"a1: {'[' * 50}*a0{']' * 50}"]
    assert "deep" in fault("\n".join(lines)).message


def test_aliases_repeat_a_value_and_stand_where_they_are_written() -> None:
    document = parse("base: &base {kind: smtp}\nlist:\n  - *base\n  - *base\n")
    assert document.data["list"] == [{"kind": "smtp"}, {"kind": "smtp"}]
    assert document.place(("list", 1)) == (4, 5)
    assert document.place(("list", 1, "kind")) == (1, 20)


def test_places_of_values_and_keys() -> None:
    document = parse("# é\na: {é: 1, b: [x, y]}\nc:\n  - d: 1\n    e: 2\n")
    assert document.place(("a", "b", 1)) == (2, 18)
    assert document.key_place(("a", "b")) == (2, 11)
    assert document.place(("c", 0)) == (4, 5)
    assert document.key_place(("c", 0, "e")) == (5, 5)
    assert document.place(("c", 0, "nothing", "here")) == (4, 5)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way(ending: str) -> None:
    document = parse(f"a: 1{ending}b: 2{ending}".encode())
    assert document.place(("b",)) == (2, 4)


@pytest.mark.parametrize(
    ("written", "value", "line", "column", "place"),
    [
        pytest.param("a + b", "a + b", 1, 5, (1, 10), id="plain"),
        pytest.param("'a + b'", "a + b", 1, 5, (1, 11), id="single quotes"),
        pytest.param("'x == ''y'' + b'", "x == 'y' + b", 1, 12, (1, 20), id="single quotes with quotes in them"),
        pytest.param('"x == \\"y\\" + b"', 'x == "y" + b', 1, 12, (1, 20), id="double quotes with escapes"),
        pytest.param('"\\u00e9 + b"', "é + b", 1, 5, (1, 16), id="a long escape"),
        pytest.param("a +\n  b", "a + b", 1, 5, (2, 3), id="plain over two lines"),
        pytest.param('"a +\n   b"', "a + b", 1, 5, (2, 4), id="quotes over two lines"),
        pytest.param("|\n    a +\n    b\n", "a +\nb\n", 2, 1, (3, 5), id="a literal block"),
        pytest.param(
            "|  # note\n    a +\n      b\n", "a +\n  b\n", 2, 3, (3, 7), id="a literal block with indentation"
        ),
        pytest.param(">\n  a +\n  b\n", "a + b\n", 1, 5, (3, 3), id="a folded block"),
        pytest.param("a + ", "a +", 1, 4, (1, 9), id="the end of the text"),
        pytest.param("a", "a", 1, 1, (1, 6), id="the first character"),
        pytest.param('""', "", 1, 1, (1, 6), id="nothing in quotes"),
    ],
)
def test_a_place_inside_a_scalar(written: str, value: str, line: int, column: int, place: tuple[int, int]) -> None:
    document = parse(f"key: {written}\n")
    assert document.data["key"] == value
    assert document.within(("key",), line, column) == place


@given(st.binary(max_size=200))
def test_any_bytes_give_a_document_or_faults(raw: bytes) -> None:
    faults = Faults()
    assert (read("file.yaml", raw, faults) is None) == any(
        found.code != "duplicate-key" for found in faults.found.values()
    )


@given(st.text(alphabet=st.sampled_from("ab:- \n\t{}[],&*!|>'\"%#?.0123456789x~"), max_size=60))
def test_anything_like_yaml_gives_plain_data_or_faults(text: str) -> None:
    faults = Faults()
    document = read("file.yaml", text.encode(), faults)
    if document is None:
        assert faults.found
        return
    left = [document.data]
    while left:
        value = left.pop()
        assert isinstance(value, dict | list | str | int | float | bool | None)
        assert not isinstance(value, float) or math.isfinite(value)
        left.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
