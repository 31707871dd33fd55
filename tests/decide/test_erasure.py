"""What tells of a person, and what is left of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from arauto.decide.erasure import ERASED, Eraser, Person, blank, place_of_id

GONE = "erased_0"
ANA = Person("cus_1", GONE, ("Ana Lima",), ("ana@loja.example", "+5511987654321"), (("customer", "id"),))
SEVEN = Person("7", GONE, places=(("customer", "id"), ("data", "customer_id")))
CPF = Person("39053344705", GONE)


@pytest.mark.parametrize(
    ("person", "data", "concerns"),
    [
        pytest.param(ANA, {"a": {"b": ["cus_1"]}}, True, id="an id as a value, anywhere"),
        pytest.param(ANA, {"cus_1": 1}, True, id="an id as a key"),
        pytest.param(ANA, {"a": "cus_11"}, False, id="but not the beginning of another"),
        pytest.param(ANA, {"a": "see ana@loja.example."}, True, id="an address inside of a text"),
        pytest.param(ANA, {"a": "ANA@LOJA.EXAMPLE"}, True, id="in capitals"),
        pytest.param(ANA, {"a": "https://loja.example/?e=ana%40loja.example"}, True, id="in a URL"),
        pytest.param(ANA, {"a": "joana@loja.example"}, False, id="but not inside of a longer address"),
        pytest.param(ANA, {"a": "maria.ana@loja.example"}, False, id="also one with a point"),
        pytest.param(ANA, {"a": "ana@loja.example.org"}, False, id="or a longer domain"),
        pytest.param(ANA, {"a": "Ana Lima"}, False, id="a name alone does not: others may have it"),
        pytest.param(SEVEN, {"customer": {"id": 7}}, True, id="a small number where the project looks for people"),
        pytest.param(SEVEN, {"customer": {"id": "7"}}, True, id="also as a text"),
        pytest.param(SEVEN, {"customer_id": 7}, True, id="or at the top"),
        pytest.param(SEVEN, {"order": {"id": 7}}, False, id="but not another id"),
        pytest.param(SEVEN, {"quantity": 7, "size": "7"}, False, id="nor a quantity"),
        pytest.param(SEVEN, {"customer": {"id": True}}, False, id="nor a boolean"),
        pytest.param(SEVEN, {"recipient": "7"}, True, id="and in the hub's own documents as a recipient"),
        pytest.param(CPF, {"doc": 39053344705}, True, id="a long number is an id anywhere"),
        pytest.param(CPF, {"doc": "CPF 39053344705"}, True, id="also inside of a text"),
    ],
)
def test_what_concerns_a_person(person: Person, data: Any, concerns: bool) -> None:
    eraser = Eraser(person)
    assert eraser.concerns(data) is concerns
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    assert eraser.may_concern(text) or not concerns, "the quick look may find too much, but never too little"


def test_of_the_object_that_holds_the_id_nothing_is_left_but_its_shape() -> None:
    data = {
        "total": 12.5,
        "customer": {"id": "cus_1", "name": "Ana Lima", "vip": True, "age": 40, "home": {"street": "Rua A"}, "x": None},
        "note": "for Ana Lima, ana@loja.example",
        "items": [{"name": "chair"}],
    }
    assert Eraser(ANA).cleared_data(data) == {
        "total": 12.5,
        "customer": {"id": GONE, "name": ERASED, "vip": False, "age": 0, "home": {"street": ERASED}, "x": None},
        "note": f"for {ERASED}, {ERASED}",
        "items": [{"name": "chair"}],
    }


def test_the_data_themselves_are_left_when_they_hold_the_id() -> None:
    data = {"customer_id": "cus_1", "total": 3}
    assert Eraser(ANA).cleared_data(data) == {"customer_id": GONE, "total": 3}
    assert Eraser(ANA).blanked(data) == {"customer_id": GONE, "total": 0}


def test_texts_are_taken_out_of_what_others_were_told() -> None:
    said = {"title": "Order of Rua A &amp; Ana Lima", "html": "<b>R$ 3 &lt;x&gt;</b>"}
    assert Eraser(ANA).cleared(said, ["Rua A & Ana Lima", "<x>"]) == {
        "title": f"Order of {ERASED}",
        "html": f"<b>R$ 3 {ERASED}</b>",
    }


def test_words_of_the_hub_stay_keys() -> None:
    assert Eraser(ANA).cleared({"title": "title"}, ["title"]) == {"title": ERASED}


def test_who_stands_where_the_project_looks() -> None:
    assert Eraser(SEVEN).people_in({"customer": {"id": 7}, "customer_id": "8", "id": 9}) == {"7", "8"}


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("event.data.customer.id", ("customer", "id")),
        ("event.data.customer_id", ("data", "customer_id")),
        ("event.subject", None),
        ("event.data.customer.id | string", None),
        ("'ana'", None),
    ],
)
def test_where_an_expression_looks(expression: str, place: tuple[str, str] | None) -> None:
    assert place_of_id(expression) == place


def test_a_blank_has_the_same_shape() -> None:
    assert blank({"a": [1, 2.5, "x", True, None, {}]}) == {"a": [0, 0, ERASED, False, None, {}]}
