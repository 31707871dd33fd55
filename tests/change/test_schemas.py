"""What changes of schemas break: in the rules and texts that are live, and for those who send events."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arauto.catalogue import compile_files
from arauto.catalogue.schemas import validator
from arauto.change.saying_schemas import say_impacts
from arauto.change.schemas import ATTRIBUTES, SchemaImpact, impacts_as_json, schema_impacts
from arauto.change.sections import lines, markdown, shown
from arauto.change.shapes import shape_changes
from arauto.errors import CatalogueFaulty
from change.whole import WHOLE, edited, whole

PAID = "events/order.paid.yaml"
TEAM = "recipients/team.yaml"
CONTENT = "notifications/confirmation/content.en.md"


def impact(files: dict[str, bytes], **faults: Any) -> SchemaImpact:
    [found] = schema_impacts(WHOLE, files, **faults)
    return found


def sentences(found: SchemaImpact, language: str = "en") -> list[str]:
    [section] = say_impacts([found], language)
    return [shown(item.line) for item in section.items]


def without_coupon() -> dict[str, bytes]:
    return edited(PAID, "coupon: SPRING, ", "", edited(PAID, "        coupon: {type: string}\n", ""))


# -- what breaks ---------------------------------------------------------------------------------------------------


def test_removing_a_property_names_the_texts_and_rules_that_speak_of_it() -> None:
    rule, with_coupon = "notifications/confirmation/notification.yaml", "event.data.order.coupon is defined"
    files = edited(rule, "event.data.order.total > 1000", with_coupon)
    old = compile_files(files)
    [found] = schema_impacts(old, {**files, PAID: without_coupon()[PAID]})
    [broken] = found.breaks
    assert broken.change is not None
    assert (broken.change.about, broken.texts, broken.rules) == ("order.coupon", 1, 1)
    assert [(fault.file, fault.line, fault.column) for fault in broken.faults] == [
        (CONTENT, 15, 24),
        (rule, 13, 28),
    ]
    assert sentences(found)[:3] == [
        "`order.coupon` is gone",
        "producers have to change: events as they send them today are refused",
        "removing `order.coupon` breaks 1 text and 1 rule",
    ]
    assert sentences(found, "pt-BR")[2] == "retirar `order.coupon` quebra 1 texto e 1 regra"


def test_what_a_loop_goes_over_is_found() -> None:
    files = edited(PAID, "required: [name], properties: {name:", "required: [title], properties: {title:")
    files = {
        **files,
        PAID: files[PAID].replace(b"{name: Mug}", b"{title: Mug}").replace(b"{name: Cup}", b"{title: Cup}"),
    }
    found = impact(files)
    assert [(each.change and each.change.about, each.texts) for each in found.breaks] == [("order.items[].name", 1)]


def test_each_change_has_what_it_breaks() -> None:
    files = edited(PAID, "required: [id, plan]", "required: [id]", without_coupon())
    found = impact(files)
    assert [(each.change and each.change.about, each.texts, each.rules) for each in found.breaks] == [
        ("order.coupon", 1, 0),
        ("customer.plan", 0, 2),
    ]
    assert "that `customer.plan` may be left out breaks 2 rules" in sentences(found)


def test_an_event_that_is_gone_breaks_all_that_names_it() -> None:
    files = {name: raw for name, raw in whole().items() if name != "events/order.cancelled.yaml"}
    found = impact(files)
    assert (found.sort, found.verdict) == ("removed", "refused")
    [broken] = found.breaks
    assert {fault.file for fault in broken.faults} == {
        "notifications/confirmation/notification.yaml",
        "notifications/daily/notification.yaml",
        "sources/app.yaml",
    }
    assert "removing the event breaks 4 rules" in sentences(found)


def test_an_event_that_is_new_breaks_nothing() -> None:
    found = impact(whole() | {"events/order.packed.yaml": whole()["events/order.cancelled.yaml"]})
    assert (found.subject, found.sort, found.verdict, found.breaks) == ("order.packed", "added", "taken", ())
    assert not found.breaking
    assert sentences(found) == ["is new: producers may send it once this version is live"]


def test_attributes_of_people_are_a_schema_too() -> None:
    found = impact(edited(TEAM, "    vip: {type: boolean}\n", "    vip: {type: string}\n"))
    assert found.subject == ATTRIBUTES
    assert [(each.change and each.change.about, each.rules) for each in found.breaks] == [("vip", 2)]
    assert {fault.line for each in found.breaks for fault in each.faults if fault.file == TEAM} == {13}
    assert sentences(found)[:2] == [
        "`vip` is of the kind text instead of true or false",
        "attributes as they are given today are refused",
    ]


def test_a_line_below_the_attributes_keeps_its_number() -> None:
    found = impact(edited(TEAM, "    team: {type: string}\n", "    team: {type: number}\n"))
    [broken] = found.breaks
    text = whole()[TEAM].decode().splitlines()
    [fault] = broken.faults
    assert text[fault.line - 1][fault.column - 1 :].startswith("sales")


def test_where_attributes_had_no_schema_a_new_one_is_held_against_what_is_said() -> None:
    schema = whole()[TEAM].decode().partition("people:")[0]
    files = edited(TEAM, schema, "")
    old = compile_files(files)
    strict = b"attributes: {type: object, additionalProperties: false, properties: {team: {type: string}}}\n"
    [found] = schema_impacts(old, {**files, TEAM: strict + files[TEAM]})
    assert found.sort == "added"
    assert {fault.code for each in found.breaks for fault in each.faults} >= {"unknown-path"}


def test_two_events_are_told_apart() -> None:
    files = edited("events/order.cancelled.yaml", "[number]", "[id]", without_coupon())
    files = edited("events/order.cancelled.yaml", "properties: {number:", "properties: {id:", files)
    files = edited("events/order.cancelled.yaml", "number: A-1", "id: A-1", files)
    found = {each.subject: each for each in schema_impacts(WHOLE, files)}
    assert sorted(found) == ["order.cancelled", "order.paid"]
    assert {each.change and each.change.about for each in found["order.paid"].breaks} == {"order.coupon"}
    assert {each.change and each.change.about for each in found["order.cancelled"].breaks} == {"order.number"}


# -- what is mended ------------------------------------------------------------------------------------------------


def test_a_version_that_compiles_has_mended_all() -> None:
    files = edited(CONTENT, "{% if event.data.order.coupon is defined %}\nYour coupon was {{ event.data.order.coupon }}.\n{% endif %}\n", "", without_coupon())  # fmt: skip # noqa: E501
    compile_files(files)
    found = impact(files)
    assert found.left == ()
    assert sentences(found)[-1] == "all of that is mended in this version"


def test_of_a_version_that_does_not_compile_what_is_left_is_told() -> None:
    files = without_coupon()
    with pytest.raises(CatalogueFaulty) as faulty:
        compile_files(files)
    found = impact(files, new_faults=faulty.value.diagnostics)
    assert {(fault.file, fault.code) for fault in found.left} == {(CONTENT, "unknown-path")}
    assert sentences(found)[-1] == "this version has not mended 1 place of that"


def test_a_new_schema_that_is_no_schema_is_left_to_the_check() -> None:
    assert schema_impacts(WHOLE, edited(PAID, "schema:", "shape:")) == ()
    found = impact(edited(PAID, "total: {type: number", "total: {type: nummer"))
    assert found.verdict == "refused"


# -- producers -----------------------------------------------------------------------------------------------------


def test_samples_of_the_old_version_are_witnesses() -> None:
    found = impact(without_coupon())
    assert [(each.sample, each.pointer, each.detail) for each in found.witnesses] == [
        ("with_coupon", "/order/coupon", "is not allowed here")
    ]
    told = [text.strip() for kind, text in lines(say_impacts([found])) if kind == "inside"]
    assert told[0] == "the sample with_coupon: /order/coupon is not allowed here"


CHANGES = {
    "a property more": ("coupon: {type: string}", "coupon: {type: string}\n        note: {type: string}", "taken"),
    "a property more that must be there": ("[number, total, items]", "[number, total, items, coupon]", "refused"),
    "a property that may be left out": ("[number, total, items]", "[number, items]", "taken"),
    "a longer text": ("maxLength: 12", "maxLength: 20", "taken"),
    "a shorter text": ("maxLength: 12", "maxLength: 8", "refused"),
    "a lower minimum": ("minimum: 0", "minimum: -5", "taken"),
    "a higher minimum": ("minimum: 0", "minimum: 1", "refused"),
    "a wider kind": ("total: {type: number", "total: {type: [number, string]", "taken"),
    "a narrower kind": ("total: {type: number", "total: {type: integer", "refused"),
    "nothing is a value": ("total: {type: number", "total: {type: [number, 'null']", "taken"),
    "a value more": ("[free, gold]", "[free, gold, black]", "taken"),
    "a value less": ("[free, gold]", "[gold]", "refused"),
    "another form": ("maxLength: 12}", 'maxLength: 12, pattern: "^A-"}', "refused"),
    "a rule that is not followed": ("required: [id, plan]", "required: [id, plan]\n      minProperties: 2", "perhaps"),
    "an object that is open": (
        "additionalProperties: false\n      required: [number",
        "additionalProperties: true\n      required: [number",
        "taken",
    ),
    "a description": ("coupon: {type: string}", "coupon: {type: string, description: Of spring}", "taken"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_producers_meet(name: str) -> None:
    before, after, verdict = CHANGES[name]
    found = impact(edited(PAID, before, after))
    assert found.verdict == verdict
    assert len(found.changes) == 1
    for language in ("en", "pt-BR"):
        assert all(sentences(found, language))


# -- shapes --------------------------------------------------------------------------------------------------------


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


SHAPES: dict[str, tuple[Any, Any, list[tuple[str, str]]]] = {
    "the same": (obj(a={"type": "string"}), obj(a={"type": "string"}), []),
    "the same by a reference": (
        obj(a={"type": "string"}),
        {**obj(a={"$ref": "#/$defs/a"}), "$defs": {"a": {"type": "string"}}},
        [("other", "")],
    ),
    "what a reference leads to": (
        {**obj(a={"$ref": "#/$defs/a"}), "$defs": {"a": {"type": "string"}}},
        {**obj(a={"$ref": "#/$defs/a"}), "$defs": {"a": {"type": "number"}}},
        [("kind", "a")],
    ),
    "what refers to itself": (
        {**obj(a={"$ref": "#"}, b={"type": "string"})},
        {**obj(a={"$ref": "#"}, b={"type": "number"})},
        [("kind", "b")],
    ),
    "in every item": (
        obj(a={"type": "array", "items": obj(b={})}),
        obj(a={"type": "array", "items": obj(c={})}),
        [("removed", "a[].b"), ("added", "a[].c")],
    ),
    "in others": (
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "additionalProperties": {"type": "number"}},
        [("kind", "*")],
    ),
    "closed": (obj(a={}), {**obj(a={}), "additionalProperties": False}, [("closed", "")]),
    "a constant": (obj(a={"const": 1}), obj(a={"const": 2}), [("values", "a")]),
    "anything": (obj(a={"enum": [1]}), obj(a=True), [("values", "a")]),
    "no longer anything": (obj(a=True), obj(a={"type": "string"}), [("kind", "a")]),
    "none": (obj(a={"type": ["string", "null"]}), obj(a={"type": "string"}), [("not_null", "a")]),
    "alternatives": (obj(a={"anyOf": [{"minimum": 1}]}), obj(a={"anyOf": [{"minimum": 2}]}), [("other", "a")]),
    "laid together": (
        {"allOf": [obj(a={"type": "string"}), {"required": ["a"]}]},
        {"allOf": [obj(a={"type": "string"})]},
        [("optional", "a")],
    ),
    "a property called like a note": (
        obj(title={"type": "string"}),
        obj(title={"type": "number"}),
        [("kind", "title")],
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_compared_part_by_part(name: str) -> None:
    old, new, expected = SHAPES[name]
    assert [(each.code, each.about) for each in shape_changes(old, new)] == expected


_LEAVES = st.sampled_from(
    [
        *({"type": kind} for kind in ("string", "integer", "number", "boolean", "null")),
        *({"type": "string", "maxLength": limit} for limit in (0, 1, 3)),
        *({"type": "integer", "minimum": limit} for limit in (0, 2)),
        *({"enum": values} for values in (["a", 1], ["a"], [1, None])),
        {"type": ["string", "null"]},
        {},
    ]
)


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda properties, required, closed: {
            "type": "object",
            "properties": properties,
            "required": sorted(required & properties.keys()),
            **({"additionalProperties": False} if closed else {}),
        },
        st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
        st.sets(st.sampled_from("ab")),
        st.booleans(),
    )


_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: _objects(inner) | st.builds(lambda each: {"type": "array", "items": each}, inner),
    max_leaves=4,
)
_DATA = st.recursive(
    st.sampled_from(["", "a", "abcd", 0, 1, 2, 1.5, True, None]),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(_SCHEMAS, _SCHEMAS, _DATA)
def test_data_that_are_refused_now_were_foreseen(old: Any, new: Any, data: Any) -> None:
    found = shape_changes(old, new)
    was, is_ = (validator(each).is_valid(data) for each in (old, new))
    if was and not is_:
        assert any(change.narrows is not False for change in found) or _only_a_name(found)
    if is_ and not was:
        assert any(change.widens is not False for change in found) or any(change.code == "removed" for change in found)


def _only_a_name(found: Any) -> bool:
    """A property that is listed now was free to be anything in an open object: nobody counts on that."""
    return any(change.code == "added" for change in found)


# -- for programs and pull requests --------------------------------------------------------------------------------


def test_as_json_it_has_all_of_it() -> None:
    [told] = impacts_as_json([impact(without_coupon())])
    assert told["subject"] == "order.paid"
    assert told["events_of_the_old_shape"] == "refused"
    assert told["changes"] == [
        {
            "code": "removed",
            "about": "order.coupon",
            "before": None,
            "after": None,
            "keyword": None,
            "narrows": True,
            "widens": False,
        }
    ]
    assert [(each["about"], each["texts"], each["rules"]) for each in told["breaks"]] == [("order.coupon", 1, 0)]
    assert told["breaks"][0]["faults"][0]["message"] == "event.data.order.coupon is not in the schema"


def test_in_markdown_places_stand_in_a_block_of_their_own() -> None:
    told = markdown(say_impacts([impact(without_coupon())]))
    assert "### Event `order.paid`" in told
    assert f"\n    {CONTENT}:15:24 event.data.order.coupon is not in the schema\n" in told


# -- what cannot be meant any more ---------------------------------------------------------------------------------


def test_a_condition_that_no_event_fulfils_any_more_is_told() -> None:
    files = edited(PAID, "[free, gold]", "[free, silver]")
    files = {**files, PAID: files[PAID].replace(b"plan: gold", b"plan: silver")}
    found = impact(files)
    assert found.breaks == ()
    assert found.breaking
    assert [(each.change and each.change.about, each.rules) for each in found.warns] == [("customer.plan", 1)]
    assert "with the change of `customer.plan`, the check warns of 1 place in the live version" in sentences(found)
    assert {fault["code"] for fault in impacts_as_json([found])[0]["warns"][0]["faults"]} <= {
        "impossible-value",
        "never-true",
        "always-true",
    }


def test_what_the_live_version_is_warned_of_already_is_not_told() -> None:
    assert impact(edited(PAID, "maxLength: 12", "maxLength: 20")).warns == ()
