"""privacy: everything that is held of a person, and their erasure (LGPD art. 18; GDPR art. 15 and 17)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from arauto.api.access import Admin, TheHub
from arauto.api.problems import Refused, documented
from arauto.engine.erasing import Grounds, counted
from arauto.engine.exporting import export, holds, survey

router = APIRouter(prefix="/v1/recipients", tags=["recipients"], responses=documented(400, 401, 403, 422, 503))

WAIT = timedelta(seconds=20)
"""How long a call waits for an erasure to finish."""

Id = Annotated[str, Path(min_length=1, max_length=200, description="The recipient's id")]


class EraseBody(BaseModel):
    """How to erase."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dry_run: bool = Field(False, description="Change nothing; only count what is held")


class Erased(BaseModel):
    """An erasure as it stands."""

    id: str
    pseudonym: str = Field(description="What stands in place of the id from now on: its keyed hash")
    fixed: bool = Field(description="They stand in the project's files, from which they have to be taken, too")
    dry_run: bool
    begun_at: str | None
    finished_at: str | None = Field(description="null: it is going on; call again to hear how it stands")
    counts: dict[str, int]


@router.get(
    "/{id:path}/export",
    summary="Everything that is held of a person, as one JSON document",
    response_class=StreamingResponse,
    responses=documented(404),
)
async def export_recipient(hub: TheHub, key: Admin, id: Id) -> StreamingResponse:
    grounds = await Grounds.open(hub.store, hub.engine.catalogue)
    if not await holds(grounds, key.tenant, id):
        raise Refused(404, "unknown_recipient", f"nothing is held of {id!r}")
    return StreamingResponse(export(grounds, key.tenant, id, hub.engine.clock()), media_type="application/json")


@router.post(
    "/{id:path}/erase",
    summary="Erase a person: 202 while it goes on",
    responses={202: {"model": Erased, "description": "It is going on"}, **documented(404, 413, 415)},
)
async def erase_recipient(hub: TheHub, key: Admin, id: Id, response: Response, body: EraseBody | None = None) -> Erased:
    grounds = await Grounds.open(hub.store, hub.engine.catalogue)
    pseudonym = grounds.pseudonym(key.tenant, id)
    fixed = id in grounds.catalogue.recipients
    last = await grounds.store.erasure(key.tenant, pseudonym)
    going_on = last is not None and last.finished_at is None
    if not going_on and not await holds(grounds, key.tenant, id):
        if last is None:
            raise Refused(404, "unknown_recipient", f"nothing is held of {id!r}")
        return Erased(id=id, fixed=fixed, dry_run=False, **counted(last))
    if body is not None and body.dry_run:
        counts = await survey(grounds, key.tenant, id)
        return Erased(
            id=id, pseudonym=pseudonym, fixed=fixed, dry_run=True, begun_at=None, finished_at=None, counts=counts
        )
    erasure = await hub.erasing.erase(key.tenant, id, wait=WAIT)
    if erasure.finished_at is None:
        response.status_code = 202
    return Erased(id=id, fixed=fixed, dry_run=False, **counted(erasure))
