"""silences: times in which messages are held or dropped: who asked for it and why, until when, and what it holds."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from arauto.api.access import Reader, SilencesWriter, TheHub
from arauto.api.problems import Refused, documented, pointer
from arauto.catalogue.diagnostics import did_you_mean
from arauto.decide.calendar import at_wall_clock, is_zone
from arauto.decide.cron import Cron
from arauto.decide.silences import phase
from arauto.decide.times import Faulty
from arauto.engine.hub import Hub
from arauto.model import Silence, parse_duration, write_duration
from arauto.store import ApiKey
from arauto.store.silences import Held

router = APIRouter(prefix="/v1/silences", tags=["silences"], responses=documented(400, 401, 403, 422, 503))

LONG = timedelta(days=30)
"""A silence that holds longer without a break is warned of: it may have been forgotten."""
_LONGEST = timedelta(days=366)
_TIMES = "write 2026-03-28T22:00:00Z, or 2026-03-28 22:00 by the clock of the zone"

State = Literal["active", "coming", "over"]
Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=500)]


class Until(BaseModel):
    """When a silence ends: exactly one of these."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    end: str | None = Field(None, description="RFC 3339, or a time by the clock of `zone`")
    lasting: str | None = Field(None, alias="for", description="How long, such as `2h`, from its start")
    until_ended: bool = Field(False, description="It holds until somebody ends it")


class NewSilence(Until):
    """Whom it concerns (nothing named: all), when, and why."""

    reason: str = Field(min_length=1, max_length=500)
    owner: str | None = Field(None, min_length=1, max_length=200, description="Else the name of the key")
    drop: bool = Field(False, description="What would be sent is dropped; otherwise it is held until the end")
    start: str | None = Field(None, description="RFC 3339, or a time by the clock of `zone`; else now")
    every: str | None = Field(None, description="A cron expression: it holds again and again, from each of its times")
    lasts: str | None = Field(None, description="How long each time lasts, such as `9h`")
    zone: str | None = Field(None, description="The zone of all these times; else the project's")
    notifications: Names = []
    categories: Names = []
    recipients: Names = []


class HeldView(BaseModel):
    """How much a silence holds now."""

    runs: int
    messages: int


class SilenceView(BaseModel):
    """A silence and where it stands."""

    id: str
    owner: str
    reason: str
    drop: bool
    state: State
    at: str | None = Field(description="Active: when it ends for now; coming: when it begins; null: never, or over")
    seconds: int | None = Field(description="Until then")
    start: str
    end: str | None
    every: str | None
    lasts: str | None
    zone: str
    notifications: list[str]
    categories: list[str]
    recipients: list[str]
    held: HeldView
    warnings: list[str] = []


class SilenceList(BaseModel):
    """All silences, those that hold now first."""

    items: list[SilenceView]


@router.get("", summary="List silences")
async def list_silences(
    hub: TheHub, key: Reader, state: Annotated[State | None, Query(description="Only those in this state")] = None
) -> SilenceList:
    held = await hub.store.held(key.tenant)
    now = hub.engine.clock()
    views = [_view(each, held.get(each.id), now) for each in await hub.store.silences(key.tenant)]
    order = {"active": 0, "coming": 1, "over": 2}
    views.sort(key=lambda view: (order[view.state], view.at or "~", view.id))
    return SilenceList(items=[view for view in views if state in (None, view.state)])


@router.post("", status_code=201, summary="Add a silence", responses=documented(413, 415))
async def add_silence(hub: TheHub, key: SilencesWriter, body: NewSilence) -> SilenceView:
    silence = await _Reading(hub, key).silence(body)
    await hub.store.put_silence(key.tenant, silence, now=hub.engine.clock())
    view = _view(silence, None, hub.engine.clock())
    view.warnings = _warnings(silence)
    return view


@router.get("/{id}", summary="Show a silence", responses=documented(404))
async def show_silence(hub: TheHub, key: Reader, id: str) -> SilenceView:
    held = await hub.store.held(key.tenant)
    return _view(await _find(hub, key, id), held.get(id), hub.engine.clock())


@router.patch("/{id}", summary="Move the end of a silence", responses=documented(404, 409, 413, 415))
async def move_end(hub: TheHub, key: SilencesWriter, id: str, body: Until) -> SilenceView:
    silence = await _not_over(hub, key, id)
    now = hub.engine.clock()
    reading = _Reading(hub, key)
    end = reading.end(body, silence.zone, max(now, silence.start))
    reading.done()
    return await _put(hub, key, msgspec.structs.replace(silence, end=end))


@router.post("/{id}/end", summary="End a silence now", responses=documented(404, 409))
async def end_silence(hub: TheHub, key: SilencesWriter, id: str) -> SilenceView:
    silence = await _not_over(hub, key, id)
    return await _put(hub, key, msgspec.structs.replace(silence, end=max(hub.engine.clock(), silence.start)))


@router.delete("/{id}", status_code=204, summary="Delete a silence", responses=documented(404))
async def delete_silence(hub: TheHub, key: SilencesWriter, id: str) -> None:
    if not await hub.store.delete_silence(key.tenant, id, now=hub.engine.clock()):
        raise _unknown(id)
    hub.ring()


async def _put(hub: Hub, key: ApiKey, silence: Silence) -> SilenceView:
    """Change a silence; what it held is asked again."""
    now = hub.engine.clock()
    await hub.store.put_silence(key.tenant, silence, now=now)
    hub.ring()
    view = _view(silence, None, now)
    view.warnings = _warnings(silence) if silence.end is None or silence.end > now else []
    return view


async def _find(hub: Hub, key: ApiKey, id: str) -> Silence:
    found: Silence | None = await hub.store.silence(key.tenant, id)
    if found is None:
        raise _unknown(id)
    return found


def _unknown(id: str) -> Refused:
    return Refused(404, "unknown_silence", f"there is no silence {id[:60]!r}; GET /v1/silences lists them")


async def _not_over(hub: Hub, key: ApiKey, id: str) -> Silence:
    silence = await _find(hub, key, id)
    if phase(silence, hub.engine.clock()).state == "over":
        raise Refused(409, "silence_over", f"the silence {id!r} is over; add another one")
    return silence


class _Reading:
    """Reads what a call says of a silence; every fault is told at once, by its pointer."""

    def __init__(self, hub: Hub, key: ApiKey) -> None:
        self._hub, self._key = hub, key
        self._faults: list[dict[str, str]] = []

    async def silence(self, body: NewSilence) -> Silence:
        """Raises Refused (422)."""
        catalogue = self._hub.engine.catalogue
        zone = self._zone(body.zone, catalogue.project.time_zone)
        now = self._hub.engine.clock()
        start = self._moment("start", body.start, zone) or now
        end = self.end(body, zone, start)
        self._names("notifications", "notification", body.notifications, catalogue.notifications)
        self._names("categories", "category", body.categories, catalogue.categories)
        stored = await self._hub.store.recipients(self._key.tenant, set(body.recipients) - catalogue.recipients.keys())
        self._names("recipients", "recipient", body.recipients, {*catalogue.recipients, *stored})
        lasts = self._recurring(body)
        self.done()
        return Silence(
            id=f"sil_{secrets.token_hex(4)}",
            owner=body.owner or self._key.name,
            reason=body.reason,
            drop=body.drop,
            start=start,
            end=end,
            notifications=tuple(body.notifications),
            categories=tuple(body.categories),
            recipients=tuple(body.recipients),
            cron=body.every,
            lasts=lasts,
            zone=zone,
        )

    def done(self) -> None:
        """Raises Refused where there were faults."""
        if self._faults:
            raise Refused(422, "invalid_silence", "the silence is not as described", errors=self._faults)

    def end(self, body: Until, zone: str, start: datetime) -> datetime | None:
        """When it ends; None: when somebody ends it."""
        given = [name for name in ("end", "lasting", "until_ended") if getattr(body, name)]
        if len(given) != 1:
            both = " and ".join({"lasting": "for"}.get(name, name) for name in given)
            said = f"{both} are both given" if given else "nothing says when it ends"
            self._fault(f"{said}; give one of end, for and until_ended", *(["end"] if given else []))
            return None
        if body.until_ended:
            return None
        if body.lasting is not None:
            lasting = self._span("for", body.lasting)
            return None if lasting is None else start + lasting
        end = self._moment("end", body.end, zone)
        if end is not None and end <= max(start, self._hub.engine.clock()):
            before = "its start" if end <= start else "now"
            self._fault(f"{body.end} is not after {before}", "end")
        return end

    def _recurring(self, body: NewSilence) -> timedelta | None:
        if (body.every is None) != (body.lasts is None):
            missing = "lasts" if body.lasts is None else "every"
            self._fault(f"every and lasts go together: add {missing}", missing)
            return None
        if body.every is None or body.lasts is None:
            return None
        try:
            Cron(body.every)
        except Faulty as faulty:
            self._fault(f"{faulty.message}; {faulty.hint}" if faulty.hint else faulty.message, "every")
        return self._span("lasts", body.lasts)

    def _span(self, place: str, text: str) -> timedelta | None:
        try:
            span = parse_duration(text)
            if timedelta() < span <= _LONGEST:
                return span
            self._fault(f"{text} is not from 1s to {_LONGEST.days}d", place)
        except (ValueError, OverflowError) as error:
            self._fault(str(error), place)
        return None

    def _moment(self, place: str, text: str | None, zone: str) -> datetime | None:
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
            if 1970 <= moment.year <= 9000:
                return (moment if moment.tzinfo else at_wall_clock(moment.date(), moment.time(), zone)).astimezone(UTC)
        except ValueError:
            pass
        self._fault(f"{text!r} is no time; {_TIMES}", place)
        return None

    def _zone(self, name: str | None, otherwise: str) -> str:
        if name is not None and not is_zone(name):
            self._fault(f"{name!r} is no IANA time zone, such as America/Sao_Paulo", "zone")
            return otherwise
        return name or otherwise

    def _names(self, place: str, what: str, names: list[str], known: Collection[str]) -> None:
        for index, name in enumerate(names):
            if name not in known:
                hint = did_you_mean(name, known)
                self._fault(f"there is no {what} {name!r}" + (f"; {hint}" if hint else ""), place, index)

    def _fault(self, detail: str, *place: object) -> None:
        self._faults.append({"pointer": pointer(*place), "detail": detail})


def _warnings(silence: Silence) -> list[str]:
    """What whoever asks for it should think of."""
    if silence.cron is not None:
        return []
    if silence.end is None:
        return ["it holds until somebody ends it"]
    lasting = silence.end - silence.start
    return [f"it holds for {lasting.days} days without a break"] if lasting > LONG else []


def _view(silence: Silence, held: Held | None, now: datetime) -> SilenceView:
    stands = phase(silence, now)
    return SilenceView(
        id=silence.id,
        owner=silence.owner,
        reason=silence.reason,
        drop=silence.drop,
        state=stands.state,
        at=_time(stands.at),
        seconds=None if stands.at is None else int((stands.at - now).total_seconds()),
        start=_time(silence.start) or "",
        end=_time(silence.end),
        every=silence.cron,
        lasts=None if silence.lasts is None else write_duration(silence.lasts),
        zone=silence.zone,
        notifications=list(silence.notifications),
        categories=list(silence.categories),
        recipients=list(silence.recipients),
        held=HeldView(runs=held.runs if held else 0, messages=held.messages if held else 0),
    )


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")
