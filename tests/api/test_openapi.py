"""The API is as it describes itself: Schemathesis tries every operation with what the description allows and with
what it does not, on a running hub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema_rs
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from api.conftest import Api
from arauto.api.server import listening
from arauto.app import running
from arauto.catalogue import compile_project

JUDGED_ELSEWHERE = {
    "positive_data_acceptance": {"enabled": False},  # what a catalogue or a cursor refuses, no description can say
    "max_response_time": 60,
}
OPERATIONS = [
    {"include-path": "/v1/inbox/stream", "enabled": False},  # it never ends
    # An id may have a slash in it: so these paths are recipients', too.
    *(
        {
            "include-path": f"/v1/recipients/{each}",
            "checks": {"unsupported_method": {"enabled": False}, "allow_header_conformance": {"enabled": False}},
        }
        for each in (
            "{id}/inbox-token",
            "import",
            "{id}/wishes",
            "{id}/consents",
            "{id}/preferences-link",
            "{id}/export",
            "{id}/erase",
        )
    ),
    # A token in the query is enough, whatever else is in the headers.
    *({"include-path": f"/v1/inbox{each}", "checks": {"ignored_auth": {"enabled": False}}} for each in ("", "/marks")),
]


@pytest.fixture
async def api(project: Path) -> AsyncIterator[Api]:
    """A hub that need not wait for a disk."""
    async with (
        running(compile_project(project), "sqlite://:memory:") as app,
        listening(app, "127.0.0.1", 0) as server,
        aiohttp.ClientSession() as session,
    ):
        yield Api(app, server.url, app.session_key, session, server)


def failures(url: str, key: str, token: str) -> Iterator[str]:
    """Whatever Schemathesis holds against the hub at this address."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": 20261124,
            "generation": {"deterministic": True, "max-examples": 12, "no-shrink": True, "database": "none"},
            "checks": JUDGED_ELSEWHERE,
            "auth": {"openapi": {"key": {"bearer": key}, "inbox": {"bearer": token}}},
            "operations": OPERATIONS,
            "phases": {"stateful": {"generation": {"max-examples": 5}}},
        }
    )
    tried = 0
    for event in from_schema(schemathesis.openapi.from_url(f"{url}/openapi.json", config=config)).execute():
        match event:
            case events.NonFatalError():
                yield f"{event.label}: {event.info}"
            case events.FatalError():
                yield str(event.exception)
            case events.ScenarioFinished():
                for check in (check for checks in event.recorder.checks.values() for check in checks):
                    tried += 1
                    if check.failure_info is not None:
                        failure = check.failure_info.failure
                        yield f"{event.phase.name} {event.label} {check.name}: {failure.title}: {failure.message}\n"
                        yield check.failure_info.code_sample
    if tried < 1000:
        yield f"only {tried} checks were made"


async def test_the_hub_answers_as_described(api: Api) -> None:
    await api.call("PUT", "/v1/recipients/c1", {})
    token = (await api.call("POST", "/v1/recipients/c1/inbox-token")).json["token"]
    found = await asyncio.to_thread(lambda: list(failures(api.url, api.key, token)))
    assert not found, "\n".join(found)


# -- the description itself ----------------------------------------------------------------------------------------


@pytest.fixture
async def description(api: Api) -> Any:
    return (await api.call("GET", "/openapi.json", key=None)).json


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in description["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


async def test_the_description_is_valid_openapi_3_1(description: Any) -> None:
    assert description["openapi"].startswith("3.1")
    assert [str(error) for error in OPENAPI_31_VALIDATOR.iter_errors(description)] == []
    ids = [operation["operationId"] for _, _, operation in operations(description)]
    assert len(ids) == len(set(ids))


async def test_every_operation_says_which_key_it_needs(description: Any) -> None:
    told = {
        f"{method} {path}": operation.get("security")
        for method, path, operation in operations(description)
        if path.startswith("/v1/")
    }
    inbox = [{"inbox": []}, {"inbox_in_query": []}]
    read, write, admin = ([{"key": [scope]}] for scope in ("read", "recipients:write", "admin"))
    messages = [{"key": ["messages:write"]}]
    silences = [{"key": ["silences:write"]}]
    releases = [{"key": ["releases:write"]}]
    assert told == {
        "POST /v1/events": [{"key": ["events:write"]}],
        "OPTIONS /v1/events": [],
        "GET /v1/events": read,
        "GET /v1/events/{id}": read,
        "GET /v1/events/{id}/explanation": read,
        "GET /v1/messages": read,
        "GET /v1/messages/{id}": read,
        "POST /v1/messages/{id}/acknowledge": messages,
        "POST /v1/interventions": messages,
        "POST /v1/replays": messages,
        "GET /v1/rejections": read,
        "GET /v1/silences": read,
        "GET /v1/silences/{id}": read,
        "POST /v1/silences": silences,
        "PATCH /v1/silences/{id}": silences,
        "POST /v1/silences/{id}/end": silences,
        "DELETE /v1/silences/{id}": silences,
        "GET /v1/releases": read,
        "POST /v1/releases": releases,
        "GET /v1/releases/{version}": read,
        "GET /v1/releases/{version}/files": releases,
        "POST /v1/releases/{version}/rollback": releases,
        "GET /v1/recipients": read,
        "GET /v1/recipients/{id}": read,
        "PUT /v1/recipients/{id}": write,
        "DELETE /v1/recipients/{id}": write,
        "POST /v1/recipients/import": write,
        "POST /v1/recipients/{id}/inbox-token": write,
        "GET /v1/recipients/{id}/wishes": read,
        "PUT /v1/recipients/{id}/wishes": write,
        "PATCH /v1/recipients/{id}/wishes": write,
        "GET /v1/recipients/{id}/consents": read,
        "POST /v1/recipients/{id}/consents": write,
        "POST /v1/recipients/{id}/preferences-link": write,
        "GET /v1/recipients/{id}/export": admin,
        "POST /v1/recipients/{id}/erase": admin,
        "GET /v1/inbox": inbox,
        "GET /v1/inbox/stream": inbox,
        "POST /v1/inbox/marks": inbox,
        "POST /v1/inbox/messages/{id}/acknowledge": inbox,
        "POST /v1/keys": admin,
        "GET /v1/keys": admin,
        "DELETE /v1/keys/{id}": admin,
        **{f"GET /v1/history/{what}": admin for what in ("span", "recipients", "silences", "events", "under-way")},
    }
    assert {"key", "inbox", "inbox_in_query"} == description["components"]["securitySchemes"].keys()


async def test_every_refusal_is_described_as_a_problem(description: Any) -> None:
    for method, path, operation in operations(description):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (method, path, status)


async def test_the_examples_fit_their_schemas(description: Any) -> None:
    found = 0
    for schema in schemas(description):
        for example in [*schema.get("examples", ()), *([schema["example"]] if "example" in schema else ())]:
            jsonschema_rs.validate(schema, example)
            found += 1
    assert found > 2


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if ("example" in node or isinstance(node.get("examples"), list)) and "$ref" not in node:
            yield node
        for each in node.values():
            yield from schemas(each)
    elif isinstance(node, list):
        for each in node:
            yield from schemas(each)
