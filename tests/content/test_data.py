"""JSON texts: typed values, texts and URLs, and a structure that data cannot break."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arauto.content import JsonText, as_text
from arauto.errors import LanguageError, TextFaulty


def place_of(parent: Mapping[str, Any], key: str) -> Any:
    return "url" if key == "url" else "data" if key == "data" else as_text


def compiled(text: str) -> JsonText:
    return JsonText("x.json", text, "en", place_of)


def render(text: str, **data: object) -> Any:
    return compiled(text).render({"event": {"data": data}})


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        pytest.param('{"a": [1, null, true, "x"]}', {}, {"a": [1, None, True, "x"]}, id="without values"),
        pytest.param(
            '{"data": "{{ event.data }}"}', {"n": [1, {"b": None}]}, {"data": {"n": [1, {"b": None}]}}, id="an object"
        ),
        pytest.param('{"data": "{{ event.data.x }}"}', {"x": None}, {"data": None}, id="null"),
        pytest.param('{"data": "{{ event.data.x }}"}', {"x": "a\nb"}, {"data": "a\nb"}, id="data keep their lines"),
        pytest.param('{"t": "{{ event.data.x }}"}', {"x": "a\nb"}, {"t": "a b"}, id="texts do not"),
        pytest.param('{"t": "{{ event.data.x }}"}', {"x": 1.5}, {"t": 1.5}, id="but numbers stay numbers"),
        pytest.param('{"t": "n: {{ event.data.x }}"}', {"x": 1.5}, {"t": "n: 1.5"}, id="within words they are words"),
        pytest.param('{"t": "{% if event.data.x %}y{% else %}n{% endif %}"}', {"x": False}, {"t": "n"}, id="a choice"),
        pytest.param(
            '["{{ event.data.x }}", {"y": ["{{ event.data.x }}!"]}]',
            {"x": '"]}'},
            ['"]}', {"y": ['"]}!']}],
            id="quotes",
        ),
        pytest.param(
            '{"url": "{{ event.data.x }}", "a": 1}',
            {"x": "javascript:x"},
            {"a": 1},
            id="a URL that is none is left out",
        ),
        pytest.param(
            '{"url": "{{ event.data.x }}"}', {"x": "https://x.example"}, {"url": "https://x.example"}, id="a URL"
        ),
        pytest.param(
            '{"url": "https://x.example/{{ event.data.x }}"}',
            {"x": "a b/"},
            {"url": "https://x.example/a%20b%2F"},
            id="a part",
        ),
        pytest.param('{"t": "\\u00e9\\n{{ event.data.x }}"}', {"x": "a"}, {"t": "é\na"}, id="escapes of the author"),
    ],
)
def test_a_json_text_gives(text: str, data: dict[str, object], expected: object) -> None:
    assert render(text, **data) == expected


@pytest.mark.parametrize(
    ("text", "line", "column", "code", "hint"),
    [
        pytest.param('{"a": {{ event.id }}}', 1, 8, "bad-json", "in quotes", id="a value without quotes"),
        pytest.param('{"a": 1,\n "b" 2}', 2, 6, "bad-json", "", id="no JSON"),
        pytest.param('{"a": NaN}', 1, 1, "bad-json", "", id="no number"),
        pytest.param('{"a": 1,\n "a": 2}', 2, 3, "duplicate-key", "keep one", id="a key twice"),
        pytest.param('{"{{ event.id }}": 1}', 1, 3, "bad-expression", "write the key out", id="a value in a key"),
        pytest.param('{\n "a": "x {{ event.id | uper }}"}', 2, 24, "bad-expression", "upper", id="a filter"),
        pytest.param('{"url": "foo"}', 1, 10, "bad-link", "https://", id="a link without scheme"),
        pytest.param('{"url": "foo/{{ event.id }}"}', 1, 10, "bad-link", "https://", id="even with a value"),
    ],
)
def test_a_fault_has_its_place(text: str, line: int, column: int, code: str, hint: str) -> None:
    with pytest.raises(TextFaulty) as caught:
        compiled(text)
    (fault,) = caught.value.faults
    assert (fault.line, fault.column, fault.code) == (line, column, code), fault.message
    assert hint in (fault.hint or "")


def test_none_within_words_is_refused_at_its_place() -> None:
    with pytest.raises(LanguageError) as caught:
        render('{\n  "t": "x {{ event.data.x }}"\n}', x=None)
    assert (caught.value.line, caught.value.column) == (2, 9)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(text=st.text(), value=JSON)
@settings(max_examples=100, deadline=None)
def test_no_value_changes_the_structure(text: str, value: object) -> None:
    shape = compiled('{"a": ["x {{ event.data.t }} y"], "data": "{{ event.data.v }}"}')
    rendered = json.loads(json.dumps(shape.render({"event": {"data": {"t": text, "v": value}}})))
    assert list(rendered) == ["a", "data"]
    (line,) = rendered["a"]
    assert line.startswith("x ")
    assert line.endswith(" y")
    assert type(rendered["data"]) in (type(value), float, int)
