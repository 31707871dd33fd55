"""access: what every route asks for: the hub, a key with a scope, a page of a listing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPBearer

from arauto.api.keyring import Keyring, Scope, bearer
from arauto.engine.hub import Hub
from arauto.store import ApiKey

_scheme = HTTPBearer(scheme_name="key", auto_error=False)


def _hub(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


def _keyring(request: Request) -> Keyring:
    keyring: Keyring = request.app.state.keyring
    return keyring


def _with(scope: Scope) -> Callable[[Request], Awaitable[ApiKey]]:
    async def check(request: Request) -> ApiKey:
        return await _keyring(request).check(bearer(request), scope)

    return check


TheHub = Annotated[Hub, Depends(_hub)]
TheKeyring = Annotated[Keyring, Depends(_keyring)]
Reader = Annotated[ApiKey, Depends(_with("read")), Security(_scheme)]
RecipientsWriter = Annotated[ApiKey, Depends(_with("recipients:write")), Security(_scheme)]
Admin = Annotated[ApiKey, Depends(_with("admin")), Security(_scheme)]
After = Annotated[str | None, Query(description="The `next` of the page before", max_length=500)]
Limit = Annotated[int, Query(description="Items on the page", ge=1, le=500)]
