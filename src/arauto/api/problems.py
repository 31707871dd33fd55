"""problems: every refusal as RFC 9457 problem details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

CONTENT_TYPE = "application/problem+json"


class Problem(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(extra="allow")

    type: str = Field("about:blank", description="A URI for the kind of problem")
    title: str = Field(description="The HTTP status in words")
    status: int = Field(description="The HTTP status")
    code: str = Field(description="A stable name of the problem, such as `invalid_data`")
    detail: str = Field(description="What was wrong, and what to do")
    errors: list[dict[str, str]] | None = Field(None, description="Each fault, by JSON pointer")


class Refused(Exception):
    """A call that cannot be served."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[dict[str, str]] = (),
        more: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.code, self.detail, self.errors = status, code, detail, tuple(errors)
        self.more, self.headers = dict(more or {}), dict(headers or {})
        super().__init__(detail)


def body_of(refused: Refused) -> bytes:
    """The JSON of a problem; it cannot fail, whatever text the caller sent."""
    told: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(refused.status).phrase,
        "status": refused.status,
        "code": refused.code,
        "detail": _clean(refused.detail),
    }
    if refused.errors:
        told["errors"] = [{name: _clean(text) for name, text in error.items()} for error in refused.errors]
    return orjson.dumps(told | refused.more)


def respond(refused: Refused) -> Response:
    """The problem as a response."""
    return Response(
        body_of(refused), status_code=refused.status, media_type=CONTENT_TYPE, headers=refused.headers or None
    )


async def on_refused(request: Request, error: Exception) -> Response:
    """The exception handler for Refused."""
    assert isinstance(error, Refused)
    return respond(error)


def pointer(*parts: object) -> str:
    """A JSON pointer (RFC 6901) to what these keys and indices lead to."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """These answers, for the OpenAPI description."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {CONTENT_TYPE: {"schema": schema}}}
        for status in statuses
    }


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
