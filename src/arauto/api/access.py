"""access: what every route asks for: the hub, a key with a scope, a page of a listing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPBearer
from pydantic import AwareDatetime, BeforeValidator

from arauto.api.keyring import Keyring, Scope, bearer
from arauto.engine.hub import Hub
from arauto.engine.releasing import Releasing
from arauto.ingress.payload import parse_time
from arauto.store import ApiKey


def _hub(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


def _keyring(request: Request) -> Keyring:
    keyring: Keyring = request.app.state.keyring
    return keyring


def _releasing(request: Request) -> Releasing:
    releasing: Releasing = request.app.state.releasing
    return releasing


_described = HTTPBearer(scheme_name="key", auto_error=False)
"""Only tells the OpenAPI description that a key is needed; ``check`` looks for itself."""


def _with(scope: Scope) -> Callable[..., Awaitable[ApiKey]]:
    async def check(request: Request, described: Annotated[object, Security(_described)]) -> ApiKey:
        return await _keyring(request).check(bearer(request), scope)

    return check


TheHub = Annotated[Hub, Depends(_hub)]
TheReleasing = Annotated[Releasing, Depends(_releasing)]
TheKeyring = Annotated[Keyring, Depends(_keyring)]
Reader = Annotated[ApiKey, Security(_with("read"), scopes=["read"])]
RecipientsWriter = Annotated[ApiKey, Security(_with("recipients:write"), scopes=["recipients:write"])]
SilencesWriter = Annotated[ApiKey, Security(_with("silences:write"), scopes=["silences:write"])]
MessagesWriter = Annotated[ApiKey, Security(_with("messages:write"), scopes=["messages:write"])]
ReleasesWriter = Annotated[ApiKey, Security(_with("releases:write"), scopes=["releases:write"])]
Admin = Annotated[ApiKey, Security(_with("admin"), scopes=["admin"])]
After = Annotated[str | None, Query(description="The `next` of the page before", max_length=500)]
Limit = Annotated[int, Query(description="Items on the page", ge=1, le=500)]
Moment = Annotated[AwareDatetime, BeforeValidator(parse_time)]
"""An RFC 3339 time."""
