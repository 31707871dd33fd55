"""``arauto generate asyncapi``: the document is valid, and whatever it shows as an example is, too."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from arauto.catalogue import compile_project
from arauto.generate.asyncapi import as_json, as_yaml, asyncapi
from generate.test_python import catalogue

ROOT = Path(__file__).parents[2]
PLACES = [
    Path(os.environ.get("ASYNCAPI_SCHEMA", "")),
    ROOT / "node_modules/@asyncapi/specs/schemas/3.0.0.json",
    ROOT.parent / "shared/contracts/asyncapi-3.0.0.json",
]
HOW = (
    "the official schema of AsyncAPI 3.0 is not here: npm install @asyncapi/specs, or set ASYNCAPI_SCHEMA to its "
    "schemas/3.0.0.json"
)
DOCUMENT = asyncapi(compile_project(ROOT / "examples/loja"))


def test_the_official_schema_takes_it() -> None:
    place = next((each for each in PLACES if each.is_file()), None)
    if place is None:
        pytest.skip(HOW)
    judge = jsonschema_rs.Draft7Validator(json.loads(place.read_text(encoding="utf-8")))
    assert [f"{error.instance_path}: {error.message}" for error in judge.iter_errors(DOCUMENT)] == []
    assert not judge.is_valid(DOCUMENT | {"channels": {"x": {"adress": "/"}}})


def references(value: Any) -> list[str]:
    match value:
        case {"$ref": str() as reference}:
            return [reference]
        case dict():
            return [each for inside in value.values() for each in references(inside)]
        case list():
            return [each for inside in value for each in references(inside)]
    return []


def followed(reference: str, document: Any) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def test_every_reference_leads_somewhere() -> None:
    found = references(DOCUMENT)
    assert len(found) > 50
    for reference in found:
        followed(reference, DOCUMENT)


def test_operations_name_messages_of_their_own_channel() -> None:
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"]
        assert all(each["$ref"].startswith(f"{channel}/messages/") for each in operation["messages"])


MESSAGES = [
    pytest.param(message, example, id=f"{name}: {example['name']}")
    for name, message in DOCUMENT["components"]["messages"].items()
    for example in message.get("examples", ())
]


@pytest.mark.parametrize(("message", "example"), MESSAGES)
def test_an_example_is_what_its_schema_says(message: Any, example: Any) -> None:
    for part in ("payload", "headers"):
        if part in message:
            whole = (
                {**DOCUMENT, **message[part]} if "$ref" not in message[part] else {**DOCUMENT, "allOf": [message[part]]}
            )
            judge = jsonschema_rs.Draft7Validator(whole)
            assert judge.is_valid(example[part]), [error.message for error in judge.iter_errors(example[part])]


def test_it_tells_what_the_hub_receives_and_what_it_sends() -> None:
    assert {name: each["action"] for name, each in DOCUMENT["operations"].items()} == {
        "receiveEvents": "receive",
        "receive.erp": "receive",
        "receive.github": "receive",
        "receive.loja": "receive",
        "receive.pagamentos": "receive",
        "send.erp": "send",
    }
    assert set(DOCUMENT["channels"]["system.erp"]["messages"]) == {
        "order-to-erp.order.paid",
        "order-to-erp.order.cancelled",
    }
    sent = DOCUMENT["components"]["messages"]["order-to-erp.order.paid"]["examples"][0]["payload"]
    assert sent["pedido"] == "A-10482"


def test_yaml_and_json_say_the_same() -> None:
    assert yaml.safe_load(as_yaml(DOCUMENT)) == json.loads(as_json(DOCUMENT)) == DOCUMENT


def test_the_path_of_a_webhook_is_not_told() -> None:
    assert "127.0.0.1:8900/erp" not in as_json(DOCUMENT)
    assert DOCUMENT["channels"]["system.erp"]["address"] is None


DIALECTS = [
    (
        "references are seen from the document",
        {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"type": "string"}}},
        {
            "properties": {"a": {"$ref": "#/components/schemas/t/definitions/x"}},
            "definitions": {"x": {"type": "string"}},
        },
    ),
    (
        "what stands beside a reference counts",
        {"properties": {"a": {"$ref": "#", "description": "Again"}}},
        {"properties": {"a": {"description": "Again", "allOf": [{"$ref": "#/components/schemas/t"}]}}},
    ),
    (
        "lists of fixed places",
        {"prefixItems": [{"type": "string"}], "items": False},
        {"items": [{"type": "string"}], "additionalItems": False},
    ),
    ("a property may be called $ref", {"const": {"$ref": "x"}}, {"const": {"$ref": "x"}}),
    ("keys that go together", {"dependentRequired": {"a": ["b"]}}, {"dependencies": {"a": ["b"]}}),
]


@pytest.mark.parametrize(("given", "made"), [each[1:] for each in DIALECTS], ids=[each[0] for each in DIALECTS])
def test_schemas_are_told_in_the_dialect_of_asyncapi(given: Any, made: Any) -> None:
    assert asyncapi(catalogue(t=given))["components"]["schemas"]["t"] == made
