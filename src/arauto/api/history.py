"""history: what the hub remembers of a time, for ``arauto plan``: people's data go out, so it takes an admin's key."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from arauto.api.access import Admin, Moment, TheHub
from arauto.api.problems import documented
from arauto.engine.hub import Hub
from arauto.engine.recalling import Recalling

MOST = 1000
"""Events of a piece."""

router = APIRouter(prefix="/v1/history", tags=["history"], responses=documented(400, 401, 403, 422, 503))

Sequence = Annotated[int, Query(ge=0, le=2**62)]


async def _past(hub: Hub, tenant: str) -> Recalling:
    return await Recalling.open(hub.store, hub.engine.catalogue, tenant)


def _json(told: object) -> Response:
    return Response(msgspec.json.encode(told), media_type="application/json")


@router.get("/span", summary="Which events were accepted from a time, and before another")
async def span(hub: TheHub, key: Admin, since: Moment, until: Moment) -> Response:
    past = await _past(hub, key.tenant)
    return _json(await past.span(since, until))


@router.get("/recipients", summary="Who was known at a time, a page at a time")
async def people(
    hub: TheHub, key: Admin, at: Moment, after: Annotated[str | None, Query(max_length=500)] = None
) -> Response:
    past = await _past(hub, key.tenant)
    return _json(await past.people(at, after))


@router.get("/silences", summary="The silences that there were at a time")
async def silences(hub: TheHub, key: Admin, at: Moment) -> Response:
    past = await _past(hub, key.tenant)
    return _json(await past.silences(at))


@router.get("/events", summary="Events with what became of their messages, and what changed meanwhile")
async def piece(
    hub: TheHub,
    key: Admin,
    after: Sequence,
    last: Sequence,
    since: Moment,
    until: Moment,
    types: Annotated[list[str], Query(alias="type", max_length=2000, description="Event types, each by itself")] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
) -> Response:
    past = await _past(hub, key.tenant)
    return _json(await past.piece(after, last, types, since, until, limit))


@router.get("/under-way", summary="What waits and what is not settled, counted")
async def under_way(hub: TheHub, key: Admin) -> Response:
    past = await _past(hub, key.tenant)
    return _json(await past.under_way())
