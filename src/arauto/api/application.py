"""application: the whole HTTP surface as one ASGI application.

The intake's two paths go straight to it; everything else is FastAPI, which also writes the OpenAPI description.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arauto.api import (
    history,
    inbox,
    keys,
    looking,
    messages,
    privacy,
    recipients,
    releases,
    silences,
    tracking,
    wishes,
)
from arauto.api.intake import Intake, read_body
from arauto.api.intake_openapi import INTAKE_PATHS
from arauto.api.keyring import Keyring, bearer_of
from arauto.api.pages import PREFIXES, Pages
from arauto.api.problems import Problem, Refused, documented, on_refused, pointer, respond
from arauto.api.receipts import PREFIX as RECEIPTS
from arauto.api.receipts import ReceiptIntake
from arauto.channels import Receiver
from arauto.engine.hub import Hub
from arauto.engine.releasing import Releasing
from arauto.errors import BadPayload, StoreRefused, StoreUnavailable, UsageFault
from arauto.ingress.payload import parse
from arauto.sources import Source

MAX_BODY = 4 * 1024 * 1024
"""Bytes of the body of a call that is not the intake's."""

MAX_AT_ONCE = 1024 * 1024
"""A larger one is looked at beside everything else, so that nobody waits for it."""

MAX_KEYS = 100_000
"""Keys in its JSON."""

log = structlog.get_logger("arauto.api")

_ROUTERS = (
    looking.router,
    messages.router,
    wishes.router,
    privacy.router,
    recipients.router,
    silences.router,
    releases.router,
    inbox.router,
    tracking.router,
    keys.router,
    history.router,
)


class Health(BaseModel):
    """Whether the hub lives."""

    status: str


class Readiness(Health):
    """Whether the hub is ready, and for what."""

    serving: str = Field(description="The version of the project that this hub serves")
    behind: bool = Field(description="Another version is live, which this hub can't serve: see its log")


def application(
    hub: Hub,
    keyring: Keyring,
    sources: Mapping[str, Source],
    *,
    version: str,
    receivers: Mapping[tuple[str, str], Receiver],
    releasing: Releasing,
) -> ASGIApp:
    """The ASGI application of a running hub; ``receivers`` of receipts are by channel and provider. Both maps are those
    of the version that is served, whenever they are looked at."""
    intake = Intake(hub, keyring, sources)
    pages = Pages(hub)
    receipts = ReceiptIntake(hub, receivers)
    api = FastAPI(
        title="Arauto",
        version=version,
        summary="Notification hub for integrations",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    api.state.hub, api.state.keyring, api.state.releasing = hub, keyring, releasing
    for router in _ROUTERS:
        api.include_router(router)
    _operation(api, hub, releasing)
    _problems(api)
    _describe(api)

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if path.startswith(PREFIXES):
                await pages(scope, receive, send)
                return
            try:
                _check_address(scope)
                if path.startswith("/in/") or (path == "/v1/events" and scope["method"] in ("POST", "OPTIONS")):
                    await intake(scope, receive, send)
                    return
                if path.startswith(RECEIPTS):
                    await receipts(scope, receive, send)
                    return
                if scope["method"] in ("POST", "PUT", "PATCH"):
                    if path == releases.router.prefix:  # so large a body is read for those alone who may send it
                        await keyring.check(bearer_of(_authorization(scope)), "releases:write")
                    receive = await _checked(scope, receive)
            except Refused as refused:
                await respond(refused)(scope, receive, send)
                return
        await api(scope, receive, send)

    return route


def _check_address(scope: Scope) -> None:
    """Refuse what no database could keep, and what was not UTF-8 when it was percent-decoded."""
    path: str = scope["path"]
    if "\0" in path or "\ufffd" in path or b"%00" in scope["query_string"]:
        raise Refused(400, "invalid_request", "the path is not UTF-8 when percent-decoded, or there is a NUL (%00)")


def _authorization(scope: Scope) -> str | None:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"), None)


async def _checked(scope: Scope, receive: Receive) -> Receive:
    """The call with its body, which is not too large and means the same to every reader of JSON."""
    brings_files = scope["path"] == releases.router.prefix
    body = await read_body(scope, receive, limit=releases.MAX_BODY if brings_files else MAX_BODY)
    if body:
        try:
            if len(body) > MAX_AT_ONCE:
                await asyncio.to_thread(parse, body, max_keys=MAX_KEYS)
            else:
                parse(body, max_keys=MAX_KEYS)
        except BadPayload as error:
            raise Refused(error.status, error.code, error.detail) from None
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _operation(api: FastAPI, hub: Hub, releasing: Releasing) -> None:
    @api.get("/healthz", tags=["operation"], summary="The process lives")
    async def healthz() -> Health:
        return Health(status="alive")

    @api.get("/readyz", tags=["operation"], summary="It can accept events", responses=documented(503))
    async def readyz() -> Readiness:
        if hub.stopping:
            raise Refused(503, "stopping", "the hub is stopping")
        await hub.store.ping()
        serving = hub.engine.catalogue.version
        return Readiness(status="ready", serving=serving, behind=releasing.behind is not None)

    @api.get("/metrics", tags=["operation"], summary="Prometheus metrics", response_class=Response)
    async def metrics() -> Response:
        hub.measure()
        return Response(generate_latest(hub.engine.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _problems(api: FastAPI) -> None:
    api.add_exception_handler(Refused, on_refused)

    @api.exception_handler(StoreRefused)
    async def not_storable(request: Request, error: StoreRefused) -> Response:
        return respond(Refused(422, "not_storable", f"the database does not take these data: {error}"))

    @api.exception_handler(StoreUnavailable)
    async def unavailable(request: Request, error: StoreUnavailable) -> Response:
        log.error("the store is not available", error=str(error))
        return respond(Refused(503, "store_unavailable", "the database is not available", headers={"Retry-After": "5"}))

    @api.exception_handler(UsageFault)
    async def misused(request: Request, error: UsageFault) -> Response:
        return respond(Refused(422, "invalid_request", str(error)))

    @api.exception_handler(HTTPException)
    async def framework(request: Request, error: HTTPException) -> Response:
        path = request.scope["path"]
        if error.status_code == 405:
            allowed = ", ".join(_allowed(api, request.scope))
            detail = f"there is no {request.method} {path[:200]}; it takes {allowed}"
            return respond(Refused(405, "method_not_allowed", detail, headers={"Allow": allowed}))
        if error.status_code == 404:
            return respond(Refused(404, "not_found", f"there is no {path[:200]}; see /openapi.json"))
        return respond(Refused(error.status_code, "invalid_request", str(error.detail)))

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [{"pointer": pointer(*each["loc"]), "detail": str(each["msg"])} for each in error.errors()]
        return respond(Refused(422, "invalid_request", "the call is not as described", errors=errors))

    @api.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        return respond(Refused(500, "internal_error", "the hub failed; the log says more"))


def _allowed(api: FastAPI, scope: Scope) -> list[str]:
    """The methods that this path takes."""
    methods = {"POST", "OPTIONS"} if scope["path"] == "/v1/events" else set[str]()
    for router in (api, *_ROUTERS):
        for route in router.routes:
            if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
                methods.update(route.methods or ())
    return sorted(methods)


def _describe(api: FastAPI) -> None:
    def openapi() -> dict[str, Any]:
        if not api.openapi_schema:
            schema = get_openapi(title=api.title, version=api.version, summary=api.summary, routes=api.routes)
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            for path, operations in INTAKE_PATHS.items():
                schema["paths"].setdefault(path, {}).update(operations)
            for operations in schema["paths"].values():
                for operation in operations.values():
                    _problem_instead_of_fastapi(operation)
            schemas.pop("HTTPValidationError", None)
            schemas.pop("ValidationError", None)
            schema["components"]["securitySchemes"] = {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key: `arauto keys create`"},
                "inbox": {"type": "http", "scheme": "bearer", "description": "A recipient's inbox token"},
                "inbox_in_query": {
                    "type": "apiKey",
                    "in": "query",
                    "name": "token",
                    "description": "The inbox token, where a header can't be sent",
                },
            }
            api.openapi_schema = schema
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]


def _problem_instead_of_fastapi(operation: dict[str, Any]) -> None:
    answers = operation.get("responses", {})
    if "422" in answers and "application/json" in answers["422"].get("content", {}):
        answers["422"] = documented(422)[422]


__all__ = ["application"]
