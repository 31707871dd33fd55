"""Expressions: what they give, how they fail and where, and why a condition is false."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from arauto.errors import LanguageError
from arauto.language import compile_condition, compile_expression
from arauto.model import Reason


def context() -> dict[str, Any]:
    event = {
        "id": "e-1",
        "source": "loja",
        "type": "order.paid",
        "time": "2026-01-31T12:00:00Z",
        "subject": None,
        "data": {
            "order": {"total": 250.5, "number": "A-1", "vip": True, "items": [{"q": 2, "name": "mug"}, {"q": 3}]},
            "empty": "",
            "nothing": None,
            "long": "x" * 200,
        },
    }
    return {
        "event": event,
        "events": [event],
        "recipient": {"id": "ana", "name": "Ana", "time_zone": "America/Sao_Paulo", "attributes": {}},
        "project": {"name": "loja", "time_zone": "UTC"},
    }


@pytest.mark.parametrize(
    ("source", "value"),
    [
        pytest.param("event.data.order.total > 100", True, id="a comparison"),
        pytest.param("event.data.order.total", 250.5, id="a number keeps its type"),
        pytest.param("event.data.order.vip", True, id="so does a truth value"),
        pytest.param("event.data.order", context()["event"]["data"]["order"], id="an object comes out whole"),
        pytest.param("event.data.nothing", None, id="none is a value"),
        pytest.param("event.data.missing is defined", False, id="a missing key can be asked for"),
        pytest.param("event.data.missing | default('x')", "x", id="a missing key can have a default"),
        pytest.param("event.data.order.items | length", 2, id="a key named as a method of dict"),
        pytest.param("event.data.items is defined", False, id="a missing key named as a method is missing"),
        pytest.param("event.data.copy | default('none')", "none", id="and takes a default"),
        pytest.param("event.data.order.items.count is defined", False, id="and in a list too"),
        pytest.param("event.data['order'].items[-1].q", 3, id="subscripts and negative indices"),
        pytest.param("event.data.order.number[:1] ~ '!'", "A!", id="slices and joining"),
        pytest.param("event.data.order.items | sum(attribute='q')", 5, id="filters by attribute"),
        pytest.param("event.data.order.items | map(attribute='q') | list", [2, 3], id="a list out of filters"),
        pytest.param("'A' in event.data.order.number and not event.data.empty", True, id="in, not"),
        pytest.param("{'a': {'b': 1}}.a.b", 1, id="nested braces"),
        pytest.param("'}} {{' ~ '%}'", "}} {{%}", id="delimiters inside quotes"),
        pytest.param("(1 if event.data.order.vip else 2)", 1, id="a choice"),
        pytest.param("event.data.order\n  .total\n  > 1", True, id="several lines"),
    ],
)
def test_an_expression_gives(source: str, value: object) -> None:
    assert compile_expression(source).evaluate(context()) == value


@pytest.mark.parametrize(
    ("source", "line", "column", "message", "hint"),
    [
        pytest.param("", 1, 1, "empty", "", id="nothing at all"),
        pytest.param("event.data.order.total >", 1, 25, "unexpected", "", id="half a comparison"),
        pytest.param("event.id ==\n  'x", 2, 3, "does not end", "close it with '", id="an open quote on line 2"),
        pytest.param("(1 + [2)", 1, 8, "closes nothing", "", id="brackets that cross"),
        pytest.param("(1", 1, 1, "not closed", ")", id="an open bracket"),
        pytest.param("1) }} {{ (2", 1, 2, "closes nothing", "", id="a way out of the expression"),
        pytest.param("event.id | uper", 1, 12, "no filter uper", "did you mean upper?", id="a misspelt filter"),
        pytest.param("event.id is definde", 1, 13, "no test definde", "did you mean defined?", id="a misspelt test"),
        pytest.param("event.id | safe", 1, 12, "no filter safe", "always data", id="a filter that is not taken"),
        pytest.param("event.data.clear()", 1, 12, "clear cannot be called", "| clear", id="a method"),
        pytest.param("event['data']['clear']()", 1, 22, "cannot be called", "", id="a method by subscript"),
        pytest.param("(event.data.clear)()", 1, 18, "cannot be called", "", id="a method in brackets"),
        pytest.param("debug()", 1, 1, "debug cannot be called", "", id="a function of MiniJinja"),
        pytest.param("__box", 1, 1, "begins with _", "", id="a hidden name"),
        pytest.param("event & 1", 1, 7, "not part of the language", "", id="a foreign character"),
        pytest.param("'ação' ~ nope é", 1, 15, "unexpected", "", id="columns count characters, not octets"),
    ],
)
def test_a_wrong_expression_is_refused_at_its_place(
    source: str, line: int, column: int, message: str, hint: str
) -> None:
    with pytest.raises(LanguageError) as caught:
        compile_expression(source)
    assert (caught.value.line, caught.value.column) == (line, column), caught.value.message
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("source", "column", "message", "hint"),
    [
        pytest.param("event.data.order.totl > 1", 1, "event.data.order.totl is undefined", "total", id="misspelt key"),
        pytest.param(
            "event.data.missing.deeper", 12, "event.data.missing is undefined", "default", id="missing parent"
        ),
        pytest.param("event.data.items", 1, "event.data.items is undefined", "default", id="key named as a method"),
        pytest.param("not event.data.update", 1, "undefined", "", id="its truth is no way around"),
        pytest.param("1 / 0", 1, "unable to calculate 1 / 0", "", id="a sum that cannot be done"),
        pytest.param("'a' * 1000000000", 1, "too many steps", "", id="a memory bomb"),
        pytest.param("event.id | money('BRL')", 12, "money takes a number, not this text", "", id="a filter's refusal"),
        pytest.param("1 | money", 5, "money takes a currency", "", id="a filter without its argument"),
    ],
)
def test_an_expression_that_fails_says_where(source: str, column: int, message: str, hint: str) -> None:
    compiled = compile_expression(source)
    with pytest.raises(LanguageError) as caught:
        compiled.evaluate(context())
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    if column > 1:
        assert caught.value.column == column


def test_data_stay_as_they_are() -> None:
    given = context()
    for source in ("event.data.order.items | sort(attribute='q')", "event.data", "events | first"):
        compile_expression(source).evaluate(given)
    assert given == context()


def test_what_comes_out_of_shielded_data_is_plain() -> None:
    value = compile_expression("event.data if event.data.items is not defined else 1").evaluate(context())
    assert type(value) is dict
    assert type(value["order"]["items"]) is list
    assert list(value["order"].items())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param("event.data.order.total", "a number", id="a number"),
        pytest.param("event.id", "a text", id="a text"),
        pytest.param("event.data.nothing", "nothing", id="none"),
        pytest.param("event.data.order", "an object", id="an object"),
        pytest.param("true if false", "nothing", id="half a choice"),
    ],
)
def test_a_condition_is_true_or_false_and_nothing_else(source: str, said: str) -> None:
    with pytest.raises(LanguageError, match=f"the condition gives {said}"):
        compile_condition(source).evaluate(context())


def test_a_condition_knows_the_names_of_the_context() -> None:
    with pytest.raises(LanguageError) as caught:
        compile_condition("evnt.data.order.total > 1")
    assert caught.value.hint == "did you mean event?"
    assert compile_expression("payload.id").evaluate({"payload": {"id": 7}}) == 7


@pytest.mark.parametrize(
    ("source", "condition", "seen"),
    [
        pytest.param(
            "event.data.order.vip and event.data.order.total > 1000 and event.id == 'x'",
            "event.data.order.total > 1000",
            {"event.data.order.total": 250.5},
            id="the first part that is false, not the later ones",
        ),
        pytest.param(
            "event.data.missing is defined", "event.data.missing is defined", {}, id="a missing path is not seen"
        ),
        pytest.param(
            "event.id == 'x' or (event.id == 'y' and true)",
            "event.id == 'x' or (event.id == 'y' and true)",
            {"event.id": "e-1"},
            id="or is not taken apart",
        ),
        pytest.param(
            "event.data.long == 'and' and true",
            "event.data.long == 'and'",
            {"event.data.long": "x" * 79 + "…"},
            id="long values are cut, and the word in quotes joins nothing",
        ),
        pytest.param(
            "event.data.order.items[0].q > 2",
            "event.data.order.items[0].q > 2",
            {"event.data.order.items[0].q": 2},
            id="a path with an index",
        ),
        pytest.param("event.data.empty and true", "event.data.empty", {"event.data.empty": ""}, id="an empty text"),
    ],
)
def test_why_a_condition_is_false(source: str, condition: str, seen: dict[str, object]) -> None:
    reason = compile_condition(source).first_failure(context())
    assert reason == Reason("condition_false", {"condition": condition, "seen": seen})


def test_threads_do_not_mix_their_values() -> None:
    compiled = compile_expression("event.data.n | number")
    wrong: list[object] = []

    def work(number: int) -> None:
        given = {"event": {"data": {"n": number}}}
        wrong.extend(value for _ in range(300) if (value := compiled.evaluate(given)) != str(number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
