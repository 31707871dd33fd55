"""application: the whole HTTP surface as one ASGI application.

The intake's two paths go straight to it; everything else is FastAPI, which also writes the OpenAPI description.
"""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from arauto.api import inbox, keys, looking, recipients
from arauto.api.intake import Intake
from arauto.api.intake_openapi import INTAKE_PATHS
from arauto.api.keyring import Keyring
from arauto.api.problems import Problem, Refused, documented, on_refused, respond
from arauto.engine.hub import Hub
from arauto.errors import StoreUnavailable
from arauto.sources import Source

log = structlog.get_logger("arauto.api")


class Health(BaseModel):
    """Whether the hub lives, or is ready."""

    status: str


def application(hub: Hub, keyring: Keyring, sources: dict[str, Source], *, version: str) -> ASGIApp:
    """The ASGI application of a running hub."""
    project = hub.engine.catalogue.project
    intake = Intake(hub, keyring, sources, project.public_url)
    api = FastAPI(
        title="Arauto",
        version=version,
        summary="Notification hub for integrations",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    api.state.hub, api.state.keyring = hub, keyring
    for router in (looking.router, recipients.router, inbox.router, keys.router):
        api.include_router(router)
    _operation(api, hub)
    _problems(api)
    _describe(api)

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if path.startswith("/in/") or (path == "/v1/events" and scope["method"] in ("POST", "OPTIONS")):
                await intake(scope, receive, send)
                return
        await api(scope, receive, send)

    return route


def _operation(api: FastAPI, hub: Hub) -> None:
    @api.get("/healthz", tags=["operation"], summary="The process lives")
    async def healthz() -> Health:
        return Health(status="alive")

    @api.get("/readyz", tags=["operation"], summary="It can accept events", responses=documented(503))
    async def readyz() -> Health:
        if hub.stopping:
            raise Refused(503, "stopping", "the hub is stopping")
        await hub.store.ping()
        return Health(status="ready")

    @api.get("/metrics", tags=["operation"], summary="Prometheus metrics", response_class=Response)
    async def metrics() -> Response:
        hub.measure()
        return Response(generate_latest(hub.engine.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _problems(api: FastAPI) -> None:
    api.add_exception_handler(Refused, on_refused)

    @api.exception_handler(StoreUnavailable)
    async def unavailable(request: Request, error: StoreUnavailable) -> Response:
        log.error("the store is not available", error=str(error))
        return respond(Refused(503, "store_unavailable", "the database is not available", headers={"Retry-After": "5"}))

    @api.exception_handler(HTTPException)
    async def framework(request: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
        detail = f"there is no {request.method} {request.url.path[:200]}; see /openapi.json"
        return respond(Refused(error.status_code, code, detail, headers=dict(error.headers or {})))

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [
            {"pointer": "/" + "/".join(str(part) for part in each["loc"]), "detail": str(each["msg"])}
            for each in error.errors()
        ]
        unreadable = any(each["type"] == "json_invalid" for each in error.errors())
        return respond(
            Refused(400 if unreadable else 422, "invalid_request", "the call is not as described", errors=errors)
        )

    @api.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        return respond(Refused(500, "internal_error", "the hub failed; the log says more"))


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
            }
            api.openapi_schema = schema
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]


def _problem_instead_of_fastapi(operation: dict[str, Any]) -> None:
    answers = operation.get("responses", {})
    if "422" in answers and "application/json" in answers["422"].get("content", {}):
        answers["422"] = documented(422)[422]


__all__ = ["application"]
