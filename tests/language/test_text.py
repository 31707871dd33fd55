"""Texts: their faults with places, their outlines, their skeletons and values."""

from __future__ import annotations

import pytest

from arauto.errors import LanguageError
from arauto.language import SEPARATOR, Part, compile_text, faults, outline

ORDER = {"event": {"data": {"order": {"items": [{"name": "a"}, {"name": "b"}]}, "n": 5}}}


@pytest.mark.parametrize(
    ("source", "line", "column", "message", "hint"),
    [
        pytest.param("a {{ event.id | uper }}", 10, 19, "no filter uper", "upper", id="a filter"),
        pytest.param("{{ evnt.id }}", 10, 6, "evnt is not known", "did you mean event?", id="a name"),
        pytest.param("\n\n  {{ event. }}", 12, 13, "unexpected", "", id="syntax, on another line"),
        pytest.param("{{ event.id", 10, 3, "{{ is not closed", "}}", id="an open value"),
        pytest.param("{# x", 10, 3, "comment does not end", "#}", id="an open comment"),
        pytest.param("{% if event.id %}", 10, 18, "unexpected end", "", id="an if without end"),
        pytest.param("{% include 'x' %}", 10, 6, "tag include", "if, elif", id="include"),
        pytest.param("{% import 'x' as y %}", 10, 6, "tag import", "", id="import"),
        pytest.param("{% extends 'x' %}", 10, 6, "tag extends", "", id="extends"),
        pytest.param("{% set x %}a{% endset %}", 10, 6, "captures text", "name = value", id="a capturing set"),
        pytest.param("{% macro m() %}{% endmacro %}", 10, 6, "tag macro", "", id="a macro"),
        pytest.param("{% call m() %}{% endcall %}", 10, 6, "tag call", "", id="a call"),
        pytest.param("{% filter upper %}a{% endfilter %}", 10, 6, "tag filter", "", id="a filter block"),
        pytest.param("{% do event.clear() %}", 10, 6, "tag do", "", id="do"),
        pytest.param("{% raw %}{{ x }}{% endraw %}", 10, 6, "tag raw", "", id="raw"),
        pytest.param("{% for x in event.a recursive %}{% endfor %}", 10, 23, "recursive", "", id="a recursive loop"),
        pytest.param(
            "{% set event = 1 %}", 10, 10, "another value", "another name", id="the context is not overwritten"
        ),
        pytest.param("{{ event.data.pop('x') }}", 10, 17, "pop cannot be called", "", id="a method"),
        pytest.param("a\ue000b", 10, 4, "private-use", "", id="a forged hole"),
        pytest.param("{% %}", 10, 3, "empty tag", "", id="an empty tag"),
    ],
)
def test_a_fault_has_its_place(source: str, line: int, column: int, message: str, hint: str) -> None:
    (found,) = faults(Part(source, 10, 3), "pt-BR")
    assert (found.line, found.column) == (line, column), found.message
    assert message in found.message
    assert hint in (found.hint or "")


def test_all_faults_of_names_come_at_once() -> None:
    found = faults(Part("{{ a }} {{ event.x | b }}\n{{ event.x is c }}"), "en")
    assert [(fault.line, fault.column) for fault in found] == [(1, 4), (1, 22), (2, 15)]


@pytest.mark.parametrize(
    ("source", "skeleton"),
    [
        pytest.param("a {{ event.id }} b {{ event.x }}", "a \ue000 b \ue001", id="values"),
        pytest.param("a\n  {% if event.x %}\nb\n{% endif %}\nc", "a\nb\nc", id="tags on lines of their own"),
        pytest.param("a {% if event.x %}b{% else %}c{% endif %} d", "a bc d", id="tags within a line"),
        pytest.param("{# {{ x }} #}a", "a", id="comments"),
        pytest.param(
            "{% for i in event.x %}\n{{ loop.index }}. {{ i }}\n{% endfor %}\n", "1. \ue000\n", id="a counter"
        ),
    ],
)
def test_an_outline_keeps_what_the_author_wrote(source: str, skeleton: str) -> None:
    drawn = outline(Part(source))
    assert drawn.skeleton == skeleton
    for at, character in enumerate(drawn.skeleton):
        origin = drawn.origin(at)
        assert source[origin] == character or source.startswith("{{", origin)


@pytest.mark.parametrize(
    ("source", "skeleton", "values"),
    [
        pytest.param("x {{ event.data.n }}", "x \ue000", [5], id="a value keeps its type"),
        pytest.param(
            "{% for i in event.data.order.items %}\n- {{ i.name }}\n{% endfor %}\nend",
            "- \ue000\n- \ue001\nend",
            ["a", "b"],
            id="a loop leaves no empty lines",
        ),
        pytest.param(
            "{% for i in event.data.order.items %}\n{{ loop.index }}. {{ i.name }}\n{% endfor %}\n",
            "1. \ue000\n2. \ue001\n",
            ["a", "b"],
            id="a loop's counter is the author's own",
        ),
        pytest.param("{% if event.data.n > 9 %}\na\n{% endif %}\nb", "b", [], id="a branch not taken"),
        pytest.param("{% set m = event.data.n + 1 %}{{ m }}", "\ue000", [6], id="a name for a value"),
        pytest.param("{{ '\ue000' }}", "\ue000", ["\ue000"], id="what is in quotes is data"),
    ],
)
def test_a_rendering_gives_skeleton_and_values(source: str, skeleton: str, values: list[object]) -> None:
    assert compile_text([Part(source)], "en").render(ORDER) == (skeleton, values)


def test_parts_render_together() -> None:
    text = compile_text([Part("a {{ event.data.n }}"), Part("{{ event.data.n + 1 }}", 2, 8)], "en")
    assert text.render(ORDER) == (f"a \ue000{SEPARATOR}\ue001", [5, 6])


def test_a_failure_has_its_place_in_the_file() -> None:
    text = compile_text(
        [Part("é {{ event.data.n }}\n", 5), Part("{{ loop0 }} {{ event.gone }}".replace("{{ loop0 }}", "ü"), 2, 8)],
        "en",
    )
    with pytest.raises(LanguageError) as caught:
        text.render(ORDER)
    assert (caught.value.line, caught.value.column) == (2, 13)
    assert caught.value.message == "event.gone is undefined"


def test_the_code_that_wrote_a_value_is_found_in_loops() -> None:
    text = compile_text(
        [Part("{% for i in event.data.order.items %}\n- {{ i.name }}\n{% endfor %}\n{{ event.data.n }}", 4)], "en"
    )
    assert [text.place_of(number, ORDER) for number in range(3)] == [(5, 3), (5, 3), (7, 1)]


def test_endless_work_is_stopped() -> None:
    text = compile_text([Part("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}")], "en")
    with pytest.raises(LanguageError, match="too many steps"):
        text.render(ORDER)


def test_the_same_text_is_compiled_once() -> None:
    first = compile_text([Part("{{ event.data.n }}")], "en")
    assert compile_text([Part("{{ event.data.n }}")], "en") is first
    assert compile_text([Part("{{ event.data.n }}")], "pt") is not first
