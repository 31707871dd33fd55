"""What is said of a condition is true of it when it runs: judged by MiniJinja, over all that a schema allows."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arauto.catalogue.analysis.domains import domains_of
from arauto.catalogue.analysis.formulas import contradiction, formula_of, negated
from arauto.errors import LanguageError
from arauto.language import compile_condition

VALUES: dict[str, list[Any]] = {
    "n": [0, 1, 2, 3],
    "f": [-1.5, 0, 0.5, 3],
    "s": ["a", "b"],
    "t": ["a", "c", ""],
    "o": [True, False],
    "z": [None, "a"],
    "l": [["a"], ["a", "b"]],
}
SCHEMA = {
    "type": "object",
    "required": [*VALUES],
    "properties": {
        "n": {"type": "integer", "minimum": 0, "maximum": 3},
        "f": {"type": "number", "exclusiveMinimum": -2, "maximum": 3},
        "s": {"enum": ["a", "b"]},
        "t": {"type": "string"},
        "o": {"type": "boolean"},
        "z": {"type": ["string", "null"]},
        "l": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
        "m": {"type": "integer", "maximum": 1},
    },
}
EVENTS = [dict(zip(VALUES, values, strict=True)) for values in product(*VALUES.values())]
"""With ``m``, which may be missing, left out; a third of them has it, for the table of truth to stay small."""
EVENTS = [event | ({"m": index % 4 - 2} if index % 3 else {}) for index, event in enumerate(EVENTS)]

_numbers = st.sampled_from(["-1", "0", "0.5", "1", "2", "3", "4"])
_texts = st.sampled_from(['"a"', "'b'", '"c"', '""'])
_orders = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
_numeric = st.sampled_from(["event.data.n", "event.data.f", 'event.data["n"]', "event.data.m"])
_textual = st.sampled_from(["event.data.s", "event.data.t", "event.data.z"])
_comparison = st.one_of(
    st.builds("{} {} {}".format, _numeric, _orders, _numbers),
    st.builds("{} {} {}".format, _numbers, _orders, _numeric),
    st.builds("{} {} {}".format, _textual, st.sampled_from(["==", "!="]), _texts),
    st.builds("{} {} [{}, {}]".format, _textual, st.sampled_from(["in", "not in"]), _texts, _texts),
    st.builds("event.data.l | length {} {}".format, _orders, _numbers),
    st.builds("{} {} event.data.l".format, _texts, st.sampled_from(["in", "not in"])),
    st.builds("(event.data.m | default({})) {} {}".format, _numbers, _orders, _numbers),
    st.builds("event.data.{} is {}".format, st.sampled_from("nmz"), st.sampled_from(["defined", "not defined"])),
    st.sampled_from(
        [
            "event.data.o",
            "event.data.o == true",
            "false != event.data.o",
            "event.data.z is none",
            "event.data.z != none",
        ]
    ),
    st.sampled_from(['event.type == "x"', 'event.type != "x"', 'event.type in ["x", "y"]', 'event.type == "y"']),
)
_conditions = st.recursive(
    _comparison,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not {}".format, inner),
        st.builds("not ({})".format, inner),
        st.builds("(({}) if ({}) else ({}))".format, inner, inner, inner),
    ),
    max_leaves=5,
)


def results(source: str) -> set[bool]:
    """What the condition gives for all events; those for which it fails give nothing."""
    condition, found = compile_condition(source), set()
    for data in EVENTS:
        try:
            found.add(bool(condition.evaluate({"event": {"type": "x", "data": data}})))
        except LanguageError:
            continue
        if len(found) == 2:
            break
    return found


@given(_conditions)
def test_what_is_never_or_always_true_is_so_when_it_runs(source: str) -> None:
    domains = domains_of("x", SCHEMA, None)
    formula = formula_of(source)
    if contradiction([formula], domains):
        assert True not in results(source)
    if contradiction([negated(formula)], domains):
        assert False not in results(source)


@given(_conditions, _conditions)
def test_what_excludes_each_other_is_never_true_together(one: str, other: str) -> None:
    if contradiction([formula_of(one), formula_of(other)], domains_of("x", SCHEMA, None)):
        assert True not in results(f"({one}) and ({other})")


@pytest.mark.parametrize(
    "source",
    [
        " and ".join(f"(event.data.n == {i} or event.data.f == {i})" for i in range(7)),
        "event.data.n < 2 < 3",
        "event.data.t == 'it\\'s' and event.data.t == 'its'",
        "event.data.n == event.data.f",
        "event.data.z == 1 and event.data.z == true",
    ],
    ids=["too many alternatives", "a chain", "an escape", "two paths", "what the type-check speaks of"],
)
def test_of_what_is_not_understood_nothing_is_said(source: str) -> None:
    assert contradiction([formula_of(source)], domains_of("x", SCHEMA, None)) is None
