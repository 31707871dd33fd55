"""recipients: people and systems, beside those that the project folder fixes."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, ConfigDict, Field

from arauto import channels
from arauto.api.access import After, Limit, Reader, RecipientsWriter, TheHub, TheKeyring
from arauto.api.problems import Refused, documented, pointer
from arauto.ingress.payload import check_text
from arauto.model import Recipient

router = APIRouter(prefix="/v1/recipients", tags=["recipients"], responses=documented(400, 401, 403, 422, 503))

IMPORT_LIMIT = 1000

Id = Annotated[str, Path(min_length=1, max_length=200, description="The recipient's id")]
Address = str | dict[str, Any]


class RecipientBody(BaseModel):
    """A person or a system, and how each wants to be reached."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["person", "system"] = "person"
    name: str | None = Field(None, max_length=200)
    locale: str | None = Field(None, max_length=35, description="A BCP 47 tag", examples=["pt-BR"])
    time_zone: str | None = Field(None, max_length=64, description="An IANA name", examples=["America/Sao_Paulo"])
    addresses: dict[str, Address | list[Address]] = Field({}, description="By channel: an address or a list")
    attributes: dict[str, Any] = {}


class RecipientEntry(RecipientBody):
    """A recipient with its id."""

    id: str = Field(min_length=1, max_length=200)


class RecipientView(BaseModel):
    """A recipient as the hub knows it."""

    id: str
    kind: Literal["person", "system"]
    name: str | None
    locale: str | None
    time_zone: str | None
    addresses: dict[str, list[Any]]
    attributes: dict[str, Any]
    fixed: bool = Field(description="It stands in the project folder, and is changed there")


class RecipientPage(BaseModel):
    """A page of recipients, by id."""

    items: list[RecipientView]
    next: str | None


class Imported(BaseModel):
    """How an import went."""

    stored: int


class InboxToken(BaseModel):
    """A token for one recipient's inbox."""

    token: str
    expires_at: str


class TokenBody(BaseModel):
    """How long the token shall live."""

    model_config = ConfigDict(extra="forbid", strict=True)

    hours: int = Field(12, ge=1, le=24 * 30)


@router.get("", summary="List recipients of the store")
async def list_recipients(hub: TheHub, key: Reader, after: After = None, limit: Limit = 50) -> RecipientPage:
    page = await hub.store.list_recipients(key.tenant, after=after, limit=limit)
    return RecipientPage(items=[_view(each, fixed=False) for each in page.items], next=page.next)


@router.get("/{id:path}", summary="Show a recipient", responses=documented(404))
async def show_recipient(hub: TheHub, key: Reader, id: Id) -> RecipientView:
    fixed = hub.engine.catalogue.recipients.get(id)
    if fixed is not None:
        return _view(fixed, fixed=True)
    found = (await hub.store.recipients(key.tenant, [id])).get(id)
    if found is None:
        raise Refused(404, "unknown_recipient", f"nobody is known as {id!r}")
    return _view(found, fixed=False)


@router.put("/{id:path}", summary="Create or replace a recipient", responses=documented(409, 413, 415))
async def put_recipient(hub: TheHub, key: RecipientsWriter, id: Id, body: RecipientBody) -> RecipientView:
    _refuse_fixed(hub, id)
    recipient, faults = _checked(hub, id, body)
    if faults:
        raise Refused(422, "invalid_recipient", f"the recipient {id!r} is not valid", errors=faults)
    await hub.store.put_recipients(key.tenant, [recipient], now=hub.engine.clock())
    return _view(recipient, fixed=False)


@router.delete("/{id:path}", status_code=204, summary="Delete a recipient", responses=documented(404, 409))
async def delete_recipient(hub: TheHub, key: RecipientsWriter, id: Id) -> None:
    _refuse_fixed(hub, id)
    if not await hub.store.delete_recipient(key.tenant, id, now=hub.engine.clock()):
        raise Refused(404, "unknown_recipient", f"nobody is known as {id!r}")


@router.post("/import", summary="Create or replace many recipients: all or none", responses=documented(413, 415))
async def import_recipients(
    hub: TheHub, key: RecipientsWriter, body: Annotated[list[RecipientEntry], Body(max_length=IMPORT_LIMIT)]
) -> Imported:
    recipients: list[Recipient] = []
    errors: list[dict[str, str]] = []
    for index, each in enumerate(body):
        recipient, faults = _checked(hub, each.id, each, index)
        recipients.append(recipient)
        errors.extend(faults)
        if each.id in hub.engine.catalogue.recipients:
            errors.append({"pointer": pointer(index, "id"), "detail": _fixed(each.id)})
    if errors:
        faulty = len({each["pointer"].split("/")[1] for each in errors})
        detail = f"{faulty} of {len(body)} recipients are not valid; nothing was stored"
        raise Refused(422, "invalid_recipient", detail, errors=errors)
    await hub.store.put_recipients(key.tenant, recipients, now=hub.engine.clock())
    return Imported(stored=len(recipients))


@router.post(
    "/{id:path}/inbox-token", summary="Give a token for this recipient's inbox", responses=documented(404, 413, 415)
)
async def inbox_token(
    hub: TheHub, keyring: TheKeyring, key: RecipientsWriter, id: Id, body: TokenBody | None = None
) -> InboxToken:
    if id not in hub.engine.catalogue.recipients and not await hub.store.recipients(key.tenant, [id]):
        raise Refused(404, "unknown_recipient", f"nobody is known as {id!r}")
    token, until = keyring.inbox_token(key.tenant, id, timedelta(hours=(body or TokenBody(hours=12)).hours))
    return InboxToken(token=token, expires_at=until.isoformat(timespec="seconds").replace("+00:00", "Z"))


def _refuse_fixed(hub: TheHub, id: str) -> None:
    if id in hub.engine.catalogue.recipients:
        raise Refused(409, "fixed_recipient", _fixed(id))


def _fixed(id: str) -> str:
    return f"{id!r} stands in the project's recipients/ folder; change it there"


def _checked(hub: TheHub, id: str, body: RecipientBody, *place: object) -> tuple[Recipient, list[dict[str, str]]]:
    """The recipient in canonical form, and every fault, by its pointer below ``place``."""
    faults: list[dict[str, str]] = []

    def fault(detail: str, *parts: object) -> None:
        faults.append({"pointer": pointer(*place, *parts), "detail": detail})

    if unfit := check_text(id):
        fault(f"the id {unfit}", "id")
    if body.locale is not None:
        try:
            Locale.parse(body.locale, sep="-")
        except (ValueError, LookupError, UnknownLocaleError):
            fault(f"{body.locale!r} is no known BCP 47 tag, such as pt-BR or en", "locale")
    if body.time_zone is not None:
        try:
            ZoneInfo(body.time_zone)
        except (ValueError, LookupError, OSError):
            fault(f"{body.time_zone!r} is no IANA time zone, such as America/Sao_Paulo", "time_zone")
    if hub.engine.catalogue.attributes is not None:
        above = pointer(*place, "attributes")
        wrong = hub.engine.catalogue.attributes(body.attributes)
        faults.extend({"pointer": above + each["pointer"], "detail": each["detail"]} for each in wrong)
    addresses: dict[str, list[Any]] = {}
    for name, given in body.addresses.items():
        if name not in channels.names():
            fault(f"there is no channel {name!r}; there are: {', '.join(channels.names())}", "addresses", name)
            continue
        addresses[name] = []
        for index, address in enumerate(given if isinstance(given, list) else [given]):
            try:
                addresses[name].append(channels.load(name).check_address(address))
            except ValueError as error:
                fault(str(error), "addresses", name, *([index] if isinstance(given, list) else ()))
    recipient = Recipient(
        id=id,
        kind=body.kind,
        name=body.name,
        locale=body.locale,
        time_zone=body.time_zone,
        addresses=addresses,
        attributes=body.attributes,
    )
    return recipient, faults


def _view(recipient: Recipient, *, fixed: bool) -> RecipientView:
    return RecipientView(
        id=recipient.id,
        kind=recipient.kind,
        name=recipient.name,
        locale=recipient.locale,
        time_zone=recipient.time_zone,
        addresses=recipient.addresses,
        attributes=recipient.attributes,
        fixed=fixed,
    )
