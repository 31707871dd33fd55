"""The type-check: types of JSON Schemas, what conditions leave of them; and checked means safe."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arauto.language import Part, compile_text
from arauto.language.types import Record, Type, check_expression, check_text, inside, type_of

JSON = Any


def kinds(type_: Type) -> list[str]:
    """The alternatives in short; of what is missing, why."""
    return sorted(getattr(atom, "how", atom.kind) for atom in type_)


OBJECT: dict[str, JSON] = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({**OBJECT, "required": ["a"]}, ["text"]),
        (OBJECT, ["optional", "text"]),
        ({"type": "object"}, ["open", "open"]),
        ({"type": "object", "properties": {"b": {}}}, ["unlisted"]),
        ({"type": "object", "properties": {"b": {}}, "additionalProperties": False}, ["closed"]),
        ({"type": "object", "properties": {"b": {}}, "additionalProperties": True}, ["open", "open"]),
        ({"type": "object", "properties": {"b": {}}, "additionalProperties": {"type": "number"}}, ["number", "open"]),
        ({"type": "object", "properties": {"b": {}}, "patternProperties": {"^a": {}}}, ["open", "open"]),
        ({"type": "object", "properties": {"b": {}}, "if": {}, "then": OBJECT}, ["open", "open"]),
        ({"type": "object", "required": ["a"]}, ["open"]),
        (
            {"type": ["object", "null"], **{k: v for k, v in OBJECT.items() if k != "type"}},
            ["null", "optional", "text"],
        ),
        ({"properties": {"a": {"type": ["integer", "null"]}}, "required": ["a"]}, ["null", "number"]),
        (
            {"type": "object", "properties": {"a": {"enum": ["x", 1, None]}}, "required": ["a"]},
            ["null", "number", "text"],
        ),
        ({"allOf": [OBJECT, {"required": ["a"]}]}, ["text"]),
        ({**OBJECT, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, ["optional", "text"]),
        ({"oneOf": [{**OBJECT, "required": ["a"]}, {"type": "object", "properties": {"b": {}}}]}, ["text", "unlisted"]),
        ({"$ref": "#/$defs/x", "$defs": {"x": {**OBJECT, "required": ["a"]}}}, ["text"]),
        ({"$ref": "#x", "$defs": {"x": {**OBJECT, "$anchor": "x", "required": ["a"]}}}, ["text"]),
        ({"$ref": "#"}, ["open", "open"]),
        (True, ["open", "open"]),
        ({"type": "string"}, ["inside"]),
    ],
)
def test_what_is_known_of_a_property(schema: JSON, found: list[str]) -> None:
    assert kinds(inside(type_of(schema), "a")) == found
    told = check_expression("x.a is defined", {"x": type_of(schema)}).findings
    assert bool(told) == (found == ["closed"])


def test_a_schema_of_itself_is_followed_as_far_as_it_is_asked() -> None:
    tree = {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "child": {"$ref": "#"}},
    }
    known = {"x": type_of(tree)}
    assert not check_expression("x.child is defined and x.child.child is defined and x.child.child.name == 'a'", known)[
        0
    ]
    assert [each.code for each in check_expression("x.child is defined and x.child.nam == 'a'", known)[0]] == [
        "unknown-path"
    ]


# -- checked means safe --------------------------------------------------------------------------------------------

NAMES = ("a", "b", "c")
LEAVES: tuple[JSON, ...] = (
    {"type": "string"},
    {"type": "number"},
    {"type": "integer"},
    {"type": "boolean"},
    {"type": ["string", "null"]},
    {"type": "string", "pattern": "^[0-9]+$"},
    {"type": "string", "format": "date-time"},
    {"enum": ["x", "y"]},
    {"enum": ["x", 1, None]},
)
FILTERS = (
    *("money('BRL')", "number", "percent(1)", "date", "datetime('short')", "upper", "length", "first", "last", "abs"),
    *("join(',')", "round", "list", "sort", "sum", "max", "map('upper')|list", "map(attribute='a')|list", "items"),
    *("default('–')", "default('–', true)", "default(0)", "reverse", "trim", "string", "bool", "unique|list", "split"),
    *("select|list", "selectattr('a')|list", "replace('a','b')", "plural({'other':'#'})", "truncate", "lines"),
)
CONSTANTS = ("1", "0", "'x'", "'y'", "none", "true", "[1]", "'12'")
TESTS = ("defined", "undefined", "none", "string", "number", "mapping", "sequence")


class Maker:
    """Makes schemas, their values, and texts over them, by chance."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.root: JSON = self.object(2, 3)
        self.paths = list(self._paths("v", self.root, 3)) or ["v"]

    # schemas and values

    def schema(self, depth: int) -> JSON:
        if not depth or self.chance.random() < 0.4:
            return self.chance.choice(LEAVES)
        match self.chance.randrange(5):
            case 0:
                return {"type": "array", "items": self.schema(depth - 1), "minItems": self.chance.randrange(2)}
            case 1:
                return {"anyOf": [self.object(depth - 1), self.object(depth - 1)]}
            case 2:
                return {**self.object(depth - 1), "type": ["object", "null"]}
        return self.object(depth - 1)

    def object(self, depth: int, least: int = 1) -> JSON:
        names = self.chance.sample(NAMES, self.chance.randint(least, 3))
        properties = {name: self.schema(depth) for name in names}
        required = [name for name in names if self.chance.random() < 0.6]
        return {"type": "object", "additionalProperties": False, "properties": properties, "required": required}

    def value(self, schema: JSON) -> JSON:
        if "anyOf" in schema:
            return self.value(self.chance.choice(schema["anyOf"]))
        if "enum" in schema:
            return self.chance.choice(schema["enum"])
        said = schema["type"]
        if isinstance(said, list):
            return self.value({**schema, "type": self.chance.choice(said)})
        match said:
            case "null":
                return None
            case "string" if "format" in schema:
                return "2026-01-31T15:30:00Z"
            case "string":
                return self.chance.choice(["0", "12"] if "pattern" in schema else ["", "x", "word"])
            case "number":
                return self.chance.choice([0, 1.5, -3])
            case "integer":
                return self.chance.choice([0, 1, 7])
            case "boolean":
                return self.chance.random() < 0.5
            case "array":
                return [self.value(schema["items"]) for _ in range(self.chance.randint(schema["minItems"], 2))]
        return {
            name: self.value(inner)
            for name, inner in schema["properties"].items()
            if name in schema["required"] or self.chance.random() < 0.5
        }

    def _paths(self, path: str, schema: JSON, depth: int) -> Iterator[str]:
        for each in schema.get("anyOf", (schema,)):
            for name, inner in each.get("properties", {}).items():
                yield f"{path}.{name}"
                yield from self._paths(f"{path}.{name}", inner, depth - 1)
        if "items" in schema:
            yield f"{path}[0]"
            yield from self._paths(f"{path}[0]", schema["items"], depth - 1)

    # texts

    def path(self) -> str:
        roll = self.chance.random()
        if roll < 0.15:
            return "item"
        path = "item" if roll < 0.25 else self.chance.choice(self.paths)
        return path + self.chance.choice(["", "", "", "", ".a", "[0]", '["b"]'])

    def expression(self, depth: int = 2) -> str:
        roll = self.chance.random()
        if not depth or roll < 0.4:
            return self.path() if self.chance.random() < 0.9 else self.chance.choice(CONSTANTS)
        if roll < 0.75:
            return f"({self.expression(depth - 1)})|{self.chance.choice(FILTERS)}"
        if roll < 0.85:
            sign = self.chance.choice(["+", "-", "*", "~"])
            return f"({self.expression(depth - 1)} {sign} {self.expression(depth - 1)})"
        return f"({self.expression(depth - 1)} if {self.condition()} else {self.expression(depth - 1)})"

    def condition(self, depth: int = 2) -> str:
        if depth and self.chance.random() < 0.4:
            if self.chance.random() < 0.3:
                return f"not ({self.condition(depth - 1)})"
            return f"({self.condition(depth - 1)} {self.chance.choice(['and', 'or'])} {self.condition(depth - 1)})"
        path = self.path()
        match self.chance.randrange(8):
            case 0:
                return path
            case 1 | 2:
                return f"{path} is {self.chance.choice(TESTS)}"
            case 3:
                return f"{path} is not {self.chance.choice(TESTS)}"
            case 4:
                other = self.chance.choice([self.path(), *CONSTANTS])
                return f"{path} {self.chance.choice(['==', '!=', '<', '>=', 'in'])} {other}"
            case 5:
                return f"{path}|length {self.chance.choice(['> 0', '== 0', '>= 1'])}"
            case 6:
                return f"{path} in {self.chance.choice(['[1]', str(['x', 'y'])])}"
        return self.chance.choice([f"{path}|default(false)", f"{path}|default('x') == 'y'"])

    def text(self, depth: int = 3) -> str:
        if not depth or self.chance.random() < 0.3:
            return f"{{{{ {self.expression()} }}}}"
        inner = self.text(depth - 1)
        match self.chance.randrange(6):
            case 0:
                return f"{{% for item in {self.path()} %}}{inner}{{{{ loop.index }}}}{{% endfor %}}"
            case 1:
                return f"{{% for item in {self.path()} if {self.condition()} %}}{inner}{{% endfor %}}"
            case 2:
                return f"{{% set item = {self.expression()} %}}{inner}"
            case 3:
                return f"{inner}{self.text(depth - 1)}"
            case 4:
                guarded = self.path()
                return f"{{% if {guarded} is defined %}}{inner}{{{{ {guarded} }}}}{{% endif %}}"
        return f"{{% if {self.condition()} %}}{inner}{{% else %}}{self.text(depth - 1)}{{% endif %}}"


def silent_texts(maker: Maker, tries: int) -> list[str]:
    """The texts, of so many, in which nothing is found."""
    known = {"v": type_of(maker.root), "item": (Record({}),)}
    return [text for text in (maker.text() for _ in range(tries)) if not check_text(text, known)]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**40))
def test_what_is_checked_is_safe(seed: int) -> None:
    """Where nothing is found in a text, no value that the schema allows makes it fail."""
    maker = Maker(seed)
    for text in silent_texts(maker, 40):
        compiled = compile_text([Part(text)], "en")
        for _ in range(8):
            context = {"v": maker.value(maker.root), "item": {}}
            for value in compiled.render(context)[1]:
                assert isinstance(value, str | int | float), f"{text} writes what is no text, for {context}"


def test_chance_makes_enough_texts_in_which_nothing_is_found() -> None:
    assert sum(len(silent_texts(Maker(seed), 40)) for seed in range(20)) > 15


def test_a_filter_at_the_end_of_a_bracket_is_read_like_any() -> None:
    assert check_text("{{ ([1, 2] | sum) ~ name }}", {}) == []
    assert compile_text([Part("{{ ([1, 2] | sum) ~ name }}")], "en").render({"name": "x"})[1] == ["3x"]
