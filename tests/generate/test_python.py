"""``arauto generate python``: what is sent as a type is what the schema says, and nothing is lost on the way."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from arauto.catalogue import compile_project
from arauto.client import Client
from arauto.generate.python import python
from arauto.model import Brand, Catalogue, EventType, Project

ROOT = Path(__file__).parents[2]
LOJA = compile_project(ROOT / "examples/loja")
_numbers = itertools.count()


def catalogue(**schemas: Any) -> Catalogue:
    """A catalogue of nothing but event types."""
    found = {
        name: EventType(name=name, description="Something happened", schema=schema, samples={}, validate=lambda _: ())
        for name, schema in schemas.items()
    }
    return Catalogue(
        version="1",
        project=Project(name="t", locale="en", time_zone="UTC", brand=Brand(name="T")),
        categories={},
        event_types=found,
        sources={},
        recipients={},
        attributes=None,
        groups={},
        channels={},
        notifications={},
        by_event_type={},
    )


def load(text: str) -> types.ModuleType:
    module = types.ModuleType(f"generated_{next(_numbers)}")
    sys.modules[module.__name__] = module
    exec(compile(text, "generated.py", "exec"), module.__dict__)
    return module


def made(schema: Any) -> type[Any]:
    """The class of one event type with this schema."""
    found: type[Any] = load(python(catalogue(thing=schema))).EVENTS["thing"]
    return found


SAMPLES = [
    pytest.param(type_, name, id=f"{type_.name}: {name}")
    for type_ in LOJA.event_types.values()
    for name in type_.samples
]


@pytest.fixture(scope="module")
def loja() -> types.ModuleType:
    return load(python(LOJA))


@pytest.mark.parametrize(("type_", "name"), SAMPLES)
def test_a_sample_comes_back_as_it_was(type_: EventType, name: str, loja: types.ModuleType) -> None:
    sample = type_.samples[name]
    typed = loja.EVENTS[type_.name].from_data(sample)
    assert typed.to_data() == sample
    assert list(typed.to_data()) == [key for key in type_.schema["properties"] if key in sample]
    assert not type_.validate(typed.to_data())


def test_the_same_project_gives_the_same_bytes() -> None:
    assert python(LOJA) == python(compile_project(ROOT / "examples/loja"))


AWKWARD = {
    "awkward.names": {
        "type": "object",
        "required": ["class", "from", "2nd", "str", "kind"],
        "properties": {
            "class": {"type": "string", "description": 'Says "no" \\ and """ends"""'},
            "from": {"type": "string", "format": "date"},
            "2nd": {"type": "integer"},
            "str": {"type": "string"},
            "list": {"type": "array", "items": {"type": "string"}},
            "field": {"type": "string"},
            "extra": {"type": "object"},
            "toData": {"type": "string"},
            "to_data": {"type": "string"},
            "orderID": {"type": "string"},
            "order-id": {"type": "string"},
            "order id": {"type": ["string", "null"]},
            "ação": {"type": "string"},
            "kind": {"const": "awkward"},
            "": {"type": "boolean"},
            "never": False,
            "status": {"enum": [f"a_rather_long_state_{number}" for number in range(12)]},
            "mixed": {"enum": ["it's", 'a "word"', 1, True, None, "caf\u00e9\u2028"]},
        },
    },
    "any": {"type": "object", "properties": {"data": {}, "maybe": {"type": ["object", "null"]}}},
    "data": {
        "type": "array",
        "items": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
    },
    "tree": {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                    "self": {"$ref": "#"},
                },
            }
        },
    },
    "payment.made": {
        "type": "object",
        "required": ["means"],
        "properties": {
            "means": {
                "oneOf": [
                    {
                        "type": "object",
                        "required": ["kind", "last_four"],
                        "additionalProperties": False,
                        "properties": {"kind": {"const": "card"}, "last_four": {"type": "string"}},
                    },
                    {
                        "type": "object",
                        "required": ["kind", "key"],
                        "additionalProperties": False,
                        "properties": {"kind": {"const": "pix"}, "key": {"type": "string"}},
                    },
                    {"type": "null"},
                ]
            },
            "parts": {"allOf": [{"$ref": "#/$defs/money"}, {"properties": {"note": {"type": "string"}}}]},
            "prices": {"type": "object", "additionalProperties": {"$ref": "#/$defs/money"}},
        },
        "$defs": {
            "money": {
                "type": "object",
                "required": ["amount"],
                "properties": {"amount": {"type": "number"}, "currency": {"enum": ["BRL", "USD"]}},
            }
        },
    },
}


@pytest.mark.parametrize("which", [LOJA, catalogue(**AWKWARD)], ids=["the example shop", "awkward names"])
def test_the_module_passes_mypy_strict_and_ruff(which: Catalogue, tmp_path: Path) -> None:
    file = tmp_path / "events.py"
    file.write_text(python(which), encoding="utf-8")
    for tool in (
        ["mypy", "--strict", "--no-error-summary", "--cache-dir", str(tmp_path), "--config-file", "", str(file)],
        ["ruff", "check", "--isolated", "--no-cache", str(file)],
        ["ruff", "check", "--config", str(ROOT / "pyproject.toml"), "--no-cache", str(file)],
    ):
        done = subprocess.run([sys.executable, "-m", *tool], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_is_laid_out_as_ruff_lays_it_out(tmp_path: Path) -> None:
    file = tmp_path / "events.py"
    file.write_text(python(LOJA), encoding="utf-8")
    config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    done = subprocess.run([sys.executable, "-m", "ruff", "format", "--check", *config, str(file)], capture_output=True)
    assert done.returncode == 0


KEPT = [
    (
        "a name that Python has for itself",
        "awkward.names",
        {"class": "x", "from": "2026-03-01", "2nd": 1, "str": "s", "kind": "awkward"},
    ),
    ("names that would be the same", "any", {"data": None, "maybe": None, "other": [1, {"a": None}]}),
    ("null and absence, which differ", "any", {"maybe": None}),
    ("a list as the whole", "data", [{"id": "1", "more": 2}, {"id": "2"}]),
    (
        "a form that holds itself",
        "tree",
        {"name": "a", "children": [{"name": "b", "children": []}], "self": {"name": "c"}},
    ),
    ("one of several forms", "payment.made", {"means": {"kind": "pix", "key": "k"}}),
    (
        "none of them",
        "payment.made",
        {"means": None, "parts": {"amount": 1, "note": "n"}, "prices": {"a": {"amount": 2.5}}},
    ),
]


@pytest.mark.parametrize(("name", "data"), [each[1:] for each in KEPT], ids=[each[0] for each in KEPT])
def test_what_the_schema_allows_is_kept(name: str, data: Any) -> None:
    jsonschema_rs.Draft202012Validator(AWKWARD[name]).validate(data)
    typed = load(python(catalogue(**AWKWARD))).EVENTS[name].from_data(data)
    assert typed.to_data() == data


def test_what_has_another_form_is_refused_by_name() -> None:
    order = made({"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}})
    with pytest.raises(ValueError, match="total: str where float must be"):
        order.from_data({"total": "12"})
    with pytest.raises(ValueError, match="Thing lacks total"):
        order.from_data({})


def test_a_moment_is_a_datetime_and_needs_a_zone() -> None:
    from datetime import UTC, datetime

    typed = made(
        {"type": "object", "required": ["at"], "properties": {"at": {"type": "string", "format": "date-time"}}}
    )
    assert typed(at=datetime(2026, 3, 1, 12, tzinfo=UTC)).to_data() == {"at": "2026-03-01T12:00:00Z"}
    assert typed.from_data({"at": "2026-03-01T09:00:00-03:00"}).to_data() == {"at": "2026-03-01T09:00:00-03:00"}
    with pytest.raises(ValueError, match="no time zone"):
        typed(at=datetime(2026, 3, 1)).to_data()


def test_the_client_takes_an_event_as_a_type(loja: types.ModuleType) -> None:
    hub = Client("http://127.0.0.1:1", key="arauto_x", source="loja")
    sample = LOJA.event_types["order.paid"].samples["typical"]
    typed, written = hub.event(loja.OrderPaid.from_data(sample), of="1"), hub.event("order.paid", sample, of="1")
    assert (typed.type, typed.data, typed.id) == (written.type, written.data, written.id)
    with pytest.raises(TypeError, match="no others"):
        hub.event(loja.OrderPaid.from_data(sample), sample)
    with pytest.raises(TypeError, match="give its data"):
        hub.event("order.paid")


# -- whatever a schema says ----------------------------------------------------------------------------------------

_KEYS = st.sampled_from(["id", "class", "from", "totalAmount", "total-amount", "x", "list", "extra", "Any", "0"])
_SCALARS = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer"},
        {"type": "number", "minimum": -3, "maximum": 3},
        {"type": "boolean"},
        {"type": "null"},
        {"type": ["string", "null"]},
        {"type": ["integer", "string"]},
        {"type": "string", "format": "date"},
        {"enum": ["a", "b", 1, None]},
        {"const": "fixed"},
        {},
        True,
    ]
)


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def whole(properties: dict[str, Any], required: list[str], rest: Any) -> dict[str, Any]:
        names = [name for name in required if name in properties]
        open_ = {} if rest is None else {"additionalProperties": rest}
        return {"type": "object", "properties": properties, "required": names, **open_}

    rest = st.sampled_from([None, False, False, True, {"type": "integer"}])
    return st.builds(whole, st.dictionaries(_KEYS, inner, max_size=4), st.lists(_KEYS, unique=True), rest)


SCHEMAS = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        _objects(inner),
        st.builds(lambda items: {"type": "array", "items": items, "maxItems": 3}, inner),
        st.builds(lambda forms: {"anyOf": forms}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"allOf": parts}, st.lists(_objects(inner), min_size=1, max_size=2)),
    ),
    max_leaves=8,
)
_JSON = st.sampled_from([None, True, 0, 1.5, "", "a", [], {}, [1], {"x": 1}])


def _data(schema: Any) -> st.SearchStrategy[Any]:
    """Data that mostly suit a schema; whether they do, the judge says."""
    if not isinstance(schema, dict) or not schema:
        return _JSON
    if "anyOf" in schema:
        return st.one_of([_data(form) for form in schema["anyOf"]])
    if "allOf" in schema:
        return st.tuples(*[_data(part) for part in schema["allOf"]]).map(
            lambda parts: dict(pair for part in parts for pair in part.items())
        )
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([_of_kind(kind, schema) for kind in kinds])


def _of_kind(kind: str, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    match kind:
        case "string" if schema.get("format") == "date":
            return st.dates().map(lambda day: day.isoformat())
        case "string":
            return st.text(max_size=4)
        case "integer":
            return st.integers(-5, 5) | st.just(2.0)
        case "number":
            return st.sampled_from([0, -3, 2.5, 1])
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "array":
            return st.lists(_data(schema["items"]), max_size=3)
    properties = {key: _data(each) for key, each in schema["properties"].items()}
    required = {key: each for key, each in properties.items() if key in schema["required"]}
    optional = {key: each for key, each in properties.items() if key not in schema["required"]}
    more = st.just({}) if schema.get("additionalProperties") is False else st.dictionaries(st.just("other"), st.just(7))
    return st.builds(lambda own, rest: rest | own, st.fixed_dictionaries(required, optional=optional), more)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), SCHEMAS)
def test_whatever_is_valid_comes_back_as_it_was(draw: Any, schema: Any) -> None:
    judge = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    typed = made(schema)
    for _ in range(4):
        data = draw.draw(_data(schema))
        if judge.is_valid(data):
            back = typed.from_data(data).to_data()
            assert json.dumps(back, sort_keys=True) == json.dumps(data, sort_keys=True)
            assert judge.is_valid(back)
        else:
            assume(True)
