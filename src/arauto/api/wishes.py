"""wishes: what people want, as systems and operators tell it, and the record of their consent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from babel import Locale, UnknownLocaleError
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from arauto import channels
from arauto.api.access import Moment, Reader, RecipientsWriter, TheHub
from arauto.api.problems import Refused, documented, pointer
from arauto.decide.calendar import parse_time as parse_time_of_day
from arauto.decide.consent import Proof, choose
from arauto.decide.wishes import EVERY_CHANNEL
from arauto.engine.hub import Hub
from arauto.model import Category, Consent, QuietHours, Recipient, Wishes
from arauto.store import ApiKey

router = APIRouter(
    prefix="/v1/recipients", tags=["recipients"], responses=documented(400, 401, 403, 404, 409, 422, 503)
)

Id = Annotated[str, Path(min_length=1, max_length=200, description="The recipient's id")]
Name = Annotated[str, Field(max_length=100)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Quiet(BaseModel):
    """A span of each day, in the person's zone, in which nothing may disturb them; it may pass midnight."""

    model_config = ConfigDict(extra="forbid", strict=True)

    start: str = Field(pattern="^[0-9]{2}:[0-9]{2}$", examples=["22:00"])
    end: str = Field(
        pattern="^[0-9]{2}:[0-9]{2}$", examples=["07:00"], description="The same as `start`: the whole day"
    )
    days: list[Day] = Field(list(DAYS), min_length=1, max_length=7, description="The days on which it begins")


class WishesBody(BaseModel):
    """All that a person wants; what is left out, they no longer said."""

    model_config = ConfigDict(extra="forbid", strict=True)

    categories: dict[Name, dict[Name, bool]] = Field(
        {},
        description="By category and channel (`*`: all others): wanted or not",
        examples=[{"orders": {"sms": False}}],
    )
    quiet_hours: Quiet | None = None
    order: list[Name] = Field([], max_length=50, description="Channels, the preferred one first")
    locale: str | None = Field(None, max_length=35, description="A BCP 47 tag", examples=["pt-BR"])


class WishesChange(BaseModel):
    """What is to be changed; what is left out stays. `null` takes back what was said."""

    model_config = ConfigDict(extra="forbid", strict=True)

    categories: dict[Name, dict[Name, bool | None] | None] = Field({}, examples=[{"orders": {"sms": False}}])
    quiet_hours: Quiet | None = None
    order: list[Name] | None = Field(None, max_length=50)
    locale: str | None = Field(None, max_length=35)


class WishesView(BaseModel):
    """What a person wants."""

    categories: dict[str, dict[str, bool]]
    quiet_hours: Quiet | None
    order: list[str]
    locale: str | None


class NewConsent(BaseModel):
    """A consent or its withdrawal that another system took, with its proof."""

    model_config = ConfigDict(extra="forbid", strict=True)

    category: Name
    channel: Name = Field(EVERY_CHANNEL, description="`*`: all channels")
    given: bool = Field(description="False: withdrawn")
    at: Moment | None = Field(None, description="When; now when not given")
    text: str | None = Field(None, max_length=5000, description="What they were shown")
    version: str | None = Field(None, max_length=100, description="The version of that text; a hash of it otherwise")
    evidence: dict[Name, Annotated[str, Field(max_length=500)]] = Field(
        {}, max_length=20, description="What else proves it", examples=[{"ip": "203.0.113.7", "form": "checkout"}]
    )


class ConsentView(BaseModel):
    """A line of the record of consent."""

    category: str
    channel: str
    given: bool
    at: str
    how: Literal["page", "one_click", "api", "cli", "receipt"]
    text: str | None
    version: str | None
    evidence: dict[str, str]


class Record(BaseModel):
    """The record of a person's consent, oldest first."""

    items: list[ConsentView]


class Link(BaseModel):
    """Where a person says what they want."""

    url: str


Change = Callable[[Wishes], tuple[Wishes, Sequence[Consent]]]


@router.get("/{id:path}/wishes", summary="Show what a person wants")
async def show_wishes(hub: TheHub, key: Reader, id: Id) -> WishesView:
    return _view((await _person(hub, key, id)).wishes)


@router.put("/{id:path}/wishes", summary="Set what a person wants", responses=documented(413, 415))
async def put_wishes(hub: TheHub, key: RecipientsWriter, id: Id, body: WishesBody, request: Request) -> WishesView:
    await _person(hub, key, id)
    _check(hub, body.categories, body.order, body.locale, body.quiet_hours)
    proof = _proof(hub, key, request)

    def change(wishes: Wishes) -> tuple[Wishes, Sequence[Consent]]:
        told = {name: body.categories.get(name, {}) for name in {**wishes.categories, **body.categories}}
        wishes, lines = _chosen(hub, wishes, told, proof)
        changes = {"quiet_hours": _quiet(body.quiet_hours), "order": tuple(body.order), "locale": body.locale}
        return msgspec.structs.replace(wishes, **changes), lines

    return _view(await hub.store.change_wishes(key.tenant, id, change, now=proof.at))


@router.patch("/{id:path}/wishes", summary="Change what a person wants", responses=documented(413, 415))
async def change_wishes(hub: TheHub, key: RecipientsWriter, id: Id, body: WishesChange, request: Request) -> WishesView:
    await _person(hub, key, id)
    _check(hub, body.categories, body.order or (), body.locale, body.quiet_hours)
    proof = _proof(hub, key, request)

    def change(wishes: Wishes) -> tuple[Wishes, Sequence[Consent]]:
        told: dict[str, dict[str, bool]] = {}
        for name, said in body.categories.items():
            merged = {**wishes.categories.get(name, {}), **said} if said is not None else {}
            told[name] = {channel: wanted for channel, wanted in merged.items() if wanted is not None}
        wishes, lines = _chosen(hub, wishes, told, proof)
        changes: dict[str, object] = {}
        if "quiet_hours" in body.model_fields_set:
            changes["quiet_hours"] = _quiet(body.quiet_hours)
        if "order" in body.model_fields_set:
            changes["order"] = tuple(body.order or ())
        if "locale" in body.model_fields_set:
            changes["locale"] = body.locale
        return msgspec.structs.replace(wishes, **changes), lines

    return _view(await hub.store.change_wishes(key.tenant, id, change, now=proof.at))


@router.get("/{id:path}/consents", summary="Show the record of a person's consent")
async def list_consents(hub: TheHub, key: Reader, id: Id) -> Record:
    await _person(hub, key, id)
    return Record(items=[_line(each) for each in await hub.store.consents(key.tenant, id)])


@router.post(
    "/{id:path}/consents",
    status_code=201,
    summary="Tell of a consent, or its withdrawal, that another system took",
    responses=documented(413, 415),
)
async def add_consent(hub: TheHub, key: RecipientsWriter, id: Id, body: NewConsent, request: Request) -> ConsentView:
    await _person(hub, key, id)
    _check(hub, {body.category: {body.channel: body.given}})
    proof = _proof(hub, key, request)
    if body.at is not None and body.at > proof.at:
        fault = {"pointer": "/body/at", "detail": f"{body.at.isoformat()} is still to come"}
        raise Refused(422, "invalid_wishes", "a consent is told of after it was given", errors=[fault])
    told = Proof(
        at=body.at or proof.at,
        how=proof.how,
        text=body.text,
        version=body.version,
        evidence=body.evidence | proof.evidence,
    )
    category = hub.engine.catalogue.categories[body.category]
    # Told even when it changes nothing: it is one more proof.
    line = told.line(category.name, body.channel, body.given)

    def change(wishes: Wishes) -> tuple[Wishes, Sequence[Consent]]:
        before = wishes.categories.get(category.name, {}) if body.channel != EVERY_CHANNEL else {}
        changed, _ = choose(wishes, category, {**before, body.channel: body.given}, told)
        return changed, (line,)

    await hub.store.change_wishes(key.tenant, id, change, now=proof.at)
    return _line(line)


@router.post("/{id:path}/preferences-link", summary="Give the link to a person's own preferences page")
async def preferences_link(hub: TheHub, key: RecipientsWriter, id: Id) -> Link:
    await _person(hub, key, id)
    url = hub.engine.links.preferences(key.tenant, id)
    if url is None:
        raise Refused(409, "no_public_url", "the hub has no public_url: set it in arauto.yaml, and serve again")
    return Link(url=url)


async def _person(hub: Hub, key: ApiKey, id: str) -> Recipient:
    recipient = (await hub.engine.recipients([(key.tenant, id)]))[key.tenant].get(id)
    if recipient is None:
        raise Refused(404, "unknown_recipient", f"nobody is known as {id!r}")
    if recipient.kind == "system":
        raise Refused(409, "no_person", f"{id!r} is a system: only people have wishes")
    return recipient


def _proof(hub: Hub, key: ApiKey, request: Request) -> Proof:
    """A call of the API is told of by the key that made it."""
    evidence = {"key": key.name, "ip": request.client.host if request.client else ""}
    return Proof(at=hub.engine.clock(), how="cli" if key.id == "session" else "api", evidence=evidence)


def _chosen(
    hub: Hub, wishes: Wishes, told: Mapping[str, Mapping[str, bool]], proof: Proof
) -> tuple[Wishes, list[Consent]]:
    lines: list[Consent] = []
    for name, said in told.items():
        category = hub.engine.catalogue.categories.get(name)
        if category is not None:  # of what the project no longer has, the wish stays as it is
            wishes, new = choose(wishes, category, said, proof)
            lines.extend(new)
    return wishes, lines


def _check(
    hub: Hub,
    categories: Mapping[str, Mapping[str, bool | None] | None],
    order: Sequence[str] = (),
    locale: str | None = None,
    quiet: Quiet | None = None,
) -> None:
    """Raises Refused with every fault."""
    known: Mapping[str, Category] = hub.engine.catalogue.categories
    faults: list[dict[str, str]] = []

    def fault(detail: str, *place: object) -> None:
        faults.append({"pointer": pointer("body", *place), "detail": detail})

    def check_channel(name: str, *place: object) -> None:
        if name not in channels.names():
            fault(f"there is no channel {name!r}; there are: {', '.join(channels.names())}", *place)

    for name, said in categories.items():
        if name not in known:
            fault(f"there is no category {name!r}; there are: {', '.join(sorted(known)) or 'none'}", "categories", name)
        elif known[name].consent == "required":
            fault(f"{name!r} is required: it is sent to everybody, whatever they want", "categories", name)
        for channel in said or ():
            if channel != EVERY_CHANNEL:
                check_channel(channel, "categories", name, channel)
    for index, channel in enumerate(order):
        check_channel(channel, "order", index)
        if channel in order[:index]:
            fault(f"{channel} is here twice", "order", index)
    if locale is not None:
        try:
            Locale.parse(locale, sep="-")
        except (ValueError, LookupError, UnknownLocaleError):
            fault(f"{locale!r} is no known BCP 47 tag, such as pt-BR or en", "locale")
    for end in ("start", "end") if quiet else ():
        try:
            parse_time_of_day(getattr(quiet, end))
        except ValueError as error:
            fault(str(error), "quiet_hours", end)
    if faults:
        raise Refused(422, "invalid_wishes", "what they want is not possible here", errors=faults)


def _quiet(body: Quiet | None) -> QuietHours | None:
    if body is None:
        return None
    return QuietHours(body.start, body.end, tuple(number for number, day in enumerate(DAYS) if day in body.days))


def _view(wishes: Wishes) -> WishesView:
    quiet = wishes.quiet_hours
    return WishesView(
        categories=wishes.categories,
        quiet_hours=None
        if quiet is None
        else Quiet(start=quiet.start, end=quiet.end, days=[DAYS[day] for day in quiet.days]),
        order=list(wishes.order),
        locale=wishes.locale,
    )


def _line(consent: Consent) -> ConsentView:
    return ConsentView(
        category=consent.category,
        channel=consent.channel,
        given=consent.given,
        at=_time(consent.at),
        how=consent.how,
        text=consent.text,
        version=consent.version,
        evidence=consent.evidence,
    )


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
