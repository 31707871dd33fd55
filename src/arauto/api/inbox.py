"""inbox: a recipient's own in-app messages, read with a token of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Security
from fastapi.security import APIKeyQuery, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from arauto.api.access import After, Limit, TheHub, TheKeyring
from arauto.api.keyring import bearer
from arauto.api.problems import Refused, documented
from arauto.errors import StoreUnavailable
from arauto.model import Receipt
from arauto.store import InboxItem

router = APIRouter(prefix="/v1/inbox", tags=["inbox"], responses=documented(400, 401, 422, 503))

HEARTBEAT_SECONDS = 15
"""How often a silent stream says that it lives; also how late it hears of what another node stored."""


class InboxItemView(BaseModel):
    """A message in an inbox."""

    id: str
    created_at: str
    read: bool
    title: str
    text: str
    html: str
    url: str | None
    image: str | None
    actions: list[dict[str, Any]]


class InboxPage(BaseModel):
    """A page of an inbox, newest first."""

    items: list[InboxItemView]
    next: str | None
    unread: int
    read: int


class Counts(BaseModel):
    """How many messages are unread and read."""

    unread: int
    read: int


MessageId = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,100}$")]


class Marks(BaseModel):
    """Which messages to mark, and how."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: list[MessageId] | None = Field(None, description="None: all of them", max_length=500)
    read: bool = True


_described = HTTPBearer(scheme_name="inbox", auto_error=False)
_in_query = APIKeyQuery(name="token", scheme_name="inbox_in_query", auto_error=False)


async def _owner(
    request: Request,
    keyring: TheKeyring,
    described: Annotated[object, Security(_described)],
    token: Annotated[str | None, Security(_in_query)],
) -> tuple[str, str]:
    return keyring.inbox_owner(bearer(request) or token)


Owner = Annotated[tuple[str, str], Depends(_owner)]


@router.get("", summary="Read the inbox")
async def read_inbox(
    hub: TheHub,
    owner: Owner,
    after: After = None,
    limit: Limit = 50,
    unread: Annotated[bool, Query(description="Only unread messages")] = False,
) -> InboxPage:
    page = await hub.store.inbox(*owner, after=after, limit=limit, unread=unread)
    counts = await hub.store.inbox_counts(*owner)
    return InboxPage(
        items=[_view(item) for item in page.items], next=page.next, unread=counts["unread"], read=counts["read"]
    )


@router.post("/marks", summary="Mark messages as read or unread", responses=documented(413, 415))
async def mark(hub: TheHub, owner: Owner, body: Marks) -> Counts:
    marked = await hub.store.mark_inbox(*owner, body.ids, read=body.read, now=hub.engine.clock())
    if marked.changed:
        hub.inbox_changed(*owner)
    if marked.woken:
        hub.ring()
    counts = await hub.store.inbox_counts(*owner)
    return Counts(unread=counts["unread"], read=counts["read"])


@router.post("/messages/{id}/acknowledge", summary="Take care of what a message tells", responses=documented(404))
async def acknowledge(hub: TheHub, owner: Owner, id: Annotated[MessageId, Path()]) -> Counts:
    stored = await hub.store.message(id)
    if stored is None or (stored.message.tenant, stored.message.recipient) != owner:
        raise Refused(404, "unknown_message", f"there is no message {id!r} in this inbox")
    await hub.receive([Receipt(message=id, kind="acknowledged", at=hub.engine.clock())])
    counts = await hub.store.inbox_counts(*owner)
    return Counts(unread=counts["unread"], read=counts["read"])


@router.get(
    "/stream",
    summary="Hear of changes (server-sent events)",
    response_class=StreamingResponse,
    responses={200: {"description": "`inbox` events with the counts", "content": {"text/event-stream": {}}}},
)
async def stream(hub: TheHub, owner: Owner) -> StreamingResponse:
    return StreamingResponse(
        _changes(hub, owner), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _changes(hub: TheHub, owner: tuple[str, str]) -> AsyncIterator[bytes]:
    heard = hub.listen(*owner)
    told: dict[str, int] | None = None
    try:
        while not hub.stopping:
            heard.clear()
            try:
                counts = dict(await hub.store.inbox_counts(*owner))
            except StoreUnavailable:
                yield b": the database is not available\n\n"
            else:
                news = b"event: inbox\ndata: " + orjson.dumps(counts) + b"\n\n"
                yield b": still here\n\n" if counts == told else news
                told = counts
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await heard.wait()
            except TimeoutError:
                pass
    finally:
        hub.unlisten(*owner, heard)


def _view(item: InboxItem) -> InboxItemView:
    return InboxItemView(
        id=item.id,
        created_at=item.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        read=item.read_at is not None,
        **item.content,
    )
