"""messages: what was sent to whom and what became of it, and what people may do about it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, ConfigDict, Field

from arauto.api.access import After, Limit, MessagesWriter, Moment, Reader, TheHub
from arauto.api.problems import Refused, documented
from arauto.decide.interventions import ALLOWED, Deed
from arauto.decide.receipts import ShownState
from arauto.engine.explain import explain_message
from arauto.engine.hub import Hub
from arauto.engine.intervening import may_repeat, parse_rate
from arauto.engine.words import language_of
from arauto.errors import UsageFault
from arauto.model import Receipt, ReceiptKind
from arauto.store import Replay, Selection, StoredMessage

router = APIRouter(prefix="/v1", tags=["messages"], responses=documented(400, 401, 403, 422, 503))

Language = Annotated[str | None, Query(alias="lang", description="`en` or `pt-BR`; else by Accept-Language")]
AcceptLanguage = Annotated[str | None, Header()]


class AttemptView(BaseModel):
    """One try at delivering a message."""

    number: int
    provider: str
    request: str | None
    started_at: str
    ended_at: str | None
    outcome: Literal["accepted", "retry", "rejected", "unknown"] | None
    outcome_text: str
    reason: str | None
    answer: str | None
    reference: str | None
    next_at: str | None
    late: bool


class ReceiptView(BaseModel):
    """What a provider or a person answered later."""

    kind: ReceiptKind
    text: str
    at: str
    permanent: bool
    detail: str | None


class InterventionView(BaseModel):
    """What a person did about a message."""

    did: Deed
    text: str
    by: str
    at: str


class MessageView(BaseModel):
    """A message, its attempts and receipts, and what happens next."""

    id: str
    event: str
    notification: str
    recipient: str
    channel: str
    kind: Literal["text", "correction", "gathered"]
    """What it is: a notification's text, its correction, or several notices together."""
    address: str
    state: ShownState
    state_text: str
    created_at: str
    expires_at: str
    due_at: str | None
    attempts: list[AttemptView]
    receipts: list[ReceiptView]
    interventions: list[InterventionView]
    next: str


class MessagePage(BaseModel):
    """A page of messages, newest first."""

    items: list[MessageView]
    next: str | None


MessageId = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,100}$")]


class NewIntervention(BaseModel):
    """What to do about which messages."""

    model_config = ConfigDict(extra="forbid", strict=True)

    do: Literal["retry", "release", "cancel", "hold"]
    ids: list[MessageId] = Field(min_length=1, max_length=500)


class Left(BaseModel):
    """A message about which this can't be done."""

    id: str
    state: ShownState
    detail: str


class Done(BaseModel):
    """What was done about which messages."""

    changed: list[str]
    may_repeat: list[str] = Field(description="Those that perhaps had arrived before, and may arrive twice now")
    left: list[Left]
    unknown: list[str]


class NewReplay(BaseModel):
    """Which messages to send again, or which events to plan again, and how fast."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str | None = Field(
        None, pattern="^[A-Za-z0-9_.:-]{1,100}$", description="Under one id a replay happens once; made when not given"
    )
    state: Literal["failed", "bounced", "expired", "unknown", "held", "cancelled"] = "failed"
    events: Literal["missed", "quarantined"] | None = Field(
        None,
        description="Not messages but events: those that came when `notification` was not there, or that could not be "
        "planned",
    )
    since: Moment = Field(description="Those made, or events that came, at this time or later")
    until: Moment | None = Field(None, description="Those made, or that came, up to this time; now when not given")
    channel: str | None = None
    notification: str | None = None
    recipient: str | None = None
    rate: str = Field("50/s", description="How fast: such as 50/s, 600/m or 1000/h")
    dry_run: bool = Field(False, description="Only count")


class Counted(BaseModel):
    """How many messages of a channel, or events of a type."""

    channel: str | None
    type: str | None
    notification: str | None
    number: int


class ReplayView(BaseModel):
    """Where a replay is."""

    id: str | None = Field(description="None: it was a dry run")
    since: str
    until: str
    begun_at: str = Field(description="When it was first called for; the times and the rate of then count")
    total: int = Field(description="How many there were in all; of a dry run, how many there would be")
    counts: list[Counted] = Field(description="Those of this call")
    over: bool = Field(description="False: call again, with the same body and id")
    last_due_at: str | None


@router.get("/messages", summary="List messages")
async def list_messages(
    hub: TheHub,
    key: Reader,
    after: After = None,
    limit: Limit = 50,
    recipient: Annotated[str | None, Query(description="Only this recipient's")] = None,
    channel: Annotated[str | None, Query(description="Only of this channel")] = None,
    notification: Annotated[str | None, Query(description="Only of this notification")] = None,
    state: Annotated[ShownState | None, Query(description="Only in this state")] = None,
    since: Annotated[Moment | None, Query(description="Only those made at this time or later")] = None,
    lang: Language = None,
    accept_language: AcceptLanguage = None,
) -> MessagePage:
    now = hub.engine.clock()
    page = await hub.store.list_messages(
        key.tenant,
        after=after,
        limit=limit,
        recipient=recipient,
        channel=channel,
        notification=notification,
        state=state,
        since=since,
        now=now,
    )
    language = language_of(lang or accept_language)
    return MessagePage(items=[_view(stored, now, language) for stored in page.items], next=page.next)


@router.get("/messages/{id}", summary="Show a message", responses=documented(404))
async def show_message(
    hub: TheHub, key: Reader, id: str, lang: Language = None, accept_language: AcceptLanguage = None
) -> MessageView:
    stored = await _message(hub, key.tenant, id)
    return _view(stored, hub.engine.clock(), language_of(lang or accept_language))


async def _message(hub: Hub, tenant: str, id: str) -> StoredMessage:
    stored = await hub.store.message(id)
    if stored is None or stored.message.tenant != tenant:
        raise Refused(404, "unknown_message", f"there is no message {id[:120]!r}")
    return stored


def _view(stored: StoredMessage, now: datetime, language: str) -> MessageView:
    return MessageView(**explain_message(stored, now=now, language=language))


@router.post("/interventions", summary="Retry, release, cancel or hold messages", responses=documented(413, 415))
async def intervene(hub: TheHub, key: MessagesWriter, body: NewIntervention) -> Done:
    happened = await hub.engine.intervene(key.tenant, body.ids, body.do, by=key.name)
    if happened.changed:
        hub.ring()
    return Done(
        changed=[message.id for message in happened.changed],
        may_repeat=[message.id for message in happened.changed if body.do != "cancel" and may_repeat(message)],
        left=[Left(id=id, state=state, detail=_why_left(state, body.do)) for id, state in happened.left.items()],
        unknown=list(happened.unknown),
    )


def _why_left(state: ShownState, deed: Deed) -> str:
    if state in ALLOWED[deed]:
        return "what is in an inbox is not sent, so it can't be sent again"
    return f"it is {state}; {deed} is for messages that are {', '.join(ALLOWED[deed])}"


@router.post("/messages/{id}/acknowledge", summary="Take care of it", responses=documented(404))
async def acknowledge(hub: TheHub, key: MessagesWriter, id: str) -> MessageView:
    await _message(hub, key.tenant, id)
    now = hub.engine.clock()
    await hub.receive([Receipt(message=id, kind="acknowledged", at=now)])
    return _view(await _message(hub, key.tenant, id), now, "en")


@router.post("/replays", summary="Send many messages again", responses=documented(409, 413, 415))
async def replay(hub: TheHub, key: MessagesWriter, body: NewReplay) -> ReplayView:
    try:
        rate = parse_rate(body.rate)
    except ValueError as error:
        raise Refused(422, "invalid_request", f"rate: {error}") from None
    now = hub.engine.clock()
    wanted = Replay(
        id=body.id or f"replay-{secrets.token_hex(6)}",
        selection=_selection(hub, body),
        since=body.since,
        until=now if body.until is None else body.until,
        per_second=rate,
        begun_at=now,
        tenant=key.tenant,
    )
    if body.dry_run:
        selected = await hub.store.selected(wanted)
        return _replay_view(wanted, selected, dry_run=True)
    try:
        replayed = await hub.engine.replay(wanted, by=key.name)
    except UsageFault as error:
        raise Refused(409, "replay_differs", str(error)) from None
    hub.ring()
    return _replay_view(replayed.replay, replayed.counts)


def _selection(hub: Hub, body: NewReplay) -> Selection:
    types: tuple[str, ...] = ()
    if body.events is not None and (body.channel or body.recipient):
        raise Refused(422, "invalid_request", "events have no channel and no recipient yet; leave these filters out")
    if body.events == "quarantined" and body.notification:
        raise Refused(422, "invalid_request", "what could not be planned is planned for all; leave out notification")
    if body.events == "missed":
        notification = hub.engine.catalogue.notifications.get(body.notification or "")
        if notification is None:
            known = ", ".join(sorted(hub.engine.catalogue.notifications))
            raise Refused(422, "invalid_request", f"say which notification the events missed; there are: {known}")
        types = notification.on
    return Selection(
        state=body.state,
        events=body.events,
        types=types,
        channel=body.channel,
        notification=body.notification,
        recipient=body.recipient,
    )


def _replay_view(replay: Replay, counts: Mapping[tuple[str, str | None], int], *, dry_run: bool = False) -> ReplayView:
    events = replay.selection.events is not None
    return ReplayView(
        id=None if dry_run else replay.id,
        since=_moment(replay.since),
        until=_moment(replay.until),
        begun_at=_moment(replay.begun_at),
        total=sum(counts.values()) if dry_run else replay.replayed,
        counts=[
            Counted(
                channel=None if events else what,
                type=what if events else None,
                notification=notification,
                number=number,
            )
            for (what, notification), number in sorted(counts.items(), key=str)
        ],
        over=dry_run or replay.over,
        last_due_at=None if replay.last_due_at is None else _moment(replay.last_due_at),
    )


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
