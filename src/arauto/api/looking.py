"""looking: events and refused requests, and why each thing happened."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel

from arauto.api.access import After, Limit, Reader, TheHub
from arauto.api.problems import Refused, documented
from arauto.engine.explain import MEMBERS_SHOWN, explain_event, explain_event_head, explain_recipient
from arauto.engine.words import language_of
from arauto.store import Rejection, StoredEvent

router = APIRouter(prefix="/v1", responses=documented(400, 401, 403, 422, 503))

Language = Annotated[str | None, Query(alias="lang", description="`en` or `pt-BR`; else by Accept-Language")]
AcceptLanguage = Annotated[str | None, Header()]


class EventHead(BaseModel):
    """What an event is and in which state."""

    key: str
    source: str
    id: str
    type: str
    subject: str | None
    time: str
    received_at: str
    state: Literal["pending", "planned", "quarantined"]
    state_text: str


class EventWhole(EventHead):
    """An event with its data."""

    data: Any
    extensions: dict[str, str]
    body_hash: str


class EventPage(BaseModel):
    """A page of events, newest first."""

    items: list[EventHead]
    next: str | None


class RejectionView(BaseModel):
    """A request that was refused or ignored."""

    at: str
    source: str
    status: int
    code: str
    detail: str
    body_hash: str
    size: int


class RejectionPage(BaseModel):
    """A page of refused requests, newest first."""

    items: list[RejectionView]
    next: str | None


class Explanation(BaseModel):
    """Why: see `docs/howto/see-why.md`."""

    event: EventHead
    catalogue: str | None
    planned_at: str | None
    notifications: list[dict[str, Any]]
    signals: list[dict[str, Any]] = []
    """What listens for events of this type: whether it hears of this one."""
    quarantined: dict[str, Any] | None = None
    counts: dict[str, Any] | None = None
    """Of all runs and messages, where not all are shown."""
    recipient: str | None = None
    """Of whom alone it tells, where that was asked."""
    serving: str | None = None
    """The version of the project that the hub serves now; each run tells its own."""


def _language(asked: str | None, accepted: str | None) -> str:
    return language_of(asked or accepted)


async def _event(hub: TheHub, key: Reader, reference: str, source: str | None) -> StoredEvent:
    found = await hub.store.find_events(key.tenant, reference)
    if source is not None:
        found = [stored for stored in found if stored.event.source == source]
    if not found:
        raise Refused(404, "unknown_event", f"there is no event {reference[:120]!r}")
    if len(found) > 1:
        sources = ", ".join(stored.event.source for stored in found)
        raise Refused(409, "ambiguous_event", f"several sources gave this id: {sources}; add ?source=…")
    return found[0]


Source = Annotated[str | None, Query(description="Which source, where several gave the same id")]


@router.get("/events", tags=["events"], summary="List events")
async def list_events(
    hub: TheHub,
    key: Reader,
    after: After = None,
    limit: Limit = 50,
    type: Annotated[str | None, Query(description="Only this event type")] = None,
) -> EventPage:
    page = await hub.store.list_events(key.tenant, after=after, limit=limit, type=type)
    return EventPage(items=[EventHead(**explain_event_head(stored)) for stored in page.items], next=page.next)


@router.get("/events/{id:path}/explanation", tags=["events"], summary="Say why", responses=documented(404, 409))
async def show_explanation(
    hub: TheHub,
    key: Reader,
    id: str,
    source: Source = None,
    recipient: Annotated[str | None, Query(description="Why this recipient heard of it, or did not")] = None,
    show: Annotated[int, Query(ge=0, le=200, description="How many members of large groups to show")] = MEMBERS_SHOWN,
    lang: Language = None,
    accept_language: AcceptLanguage = None,
) -> Explanation:
    stored = await _event(hub, key, id, source)
    story = await hub.store.story(stored.event.key, recipient=recipient)
    assert story is not None
    now, language = hub.engine.clock(), _language(lang, accept_language)
    if recipient is None:
        told = explain_event(story, now=now, language=language, show=show)
        return Explanation(**told, serving=hub.engine.catalogue.version)
    known = (await hub.engine.recipients([(key.tenant, recipient)]))[key.tenant].get(recipient)
    return Explanation(**explain_recipient(story, recipient, known, hub.engine.catalogue, now=now, language=language))


@router.get("/events/{id:path}", tags=["events"], summary="Show an event", responses=documented(404, 409))
async def show_event(hub: TheHub, key: Reader, id: str, source: Source = None) -> EventWhole:
    stored = await _event(hub, key, id, source)
    return EventWhole(
        **explain_event_head(stored),
        data=stored.event.data,
        extensions=stored.event.extensions,
        body_hash=stored.body_hash,
    )


@router.get("/rejections", tags=["events"], summary="List requests that were refused or ignored")
async def list_rejections(hub: TheHub, key: Reader, after: After = None, limit: Limit = 50) -> RejectionPage:
    page = await hub.store.list_rejections(key.tenant, after=after, limit=limit)
    return RejectionPage(items=[_rejection(each) for each in page.items], next=page.next)


def _rejection(rejection: Rejection) -> RejectionView:
    return RejectionView(
        at=rejection.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        source=rejection.source,
        status=rejection.status,
        code=rejection.code,
        detail=rejection.detail,
        body_hash=rejection.body_hash,
        size=rejection.size,
    )
