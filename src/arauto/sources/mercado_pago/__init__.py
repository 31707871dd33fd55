"""Mercado Pago: every notification as ``mercado_pago.<type>``; thin, for it names a resource and does not hold it."""

from __future__ import annotations

from collections.abc import Sequence

from arauto.errors import BadPayload
from arauto.ingress import Request
from arauto.ingress.verifier import Timestamp, Verification
from arauto.model import JSON
from arauto.sources import Draft, Kind, Source
from arauto.sources.mapping import to_time
from arauto.sources.webhook import Webhook, WebhookSettings, member, needed

KIND = Kind("Mercado Pago", types=("mercado_pago.*",))


class Settings(WebhookSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secrets are those of the application's webhooks ("assinatura secreta")."""

    tolerance: str = "5m"
    """How far the time of signing may be from our clock, either way."""


def compile(name: str, settings: Settings) -> Source:
    """A source for the notifications of one Mercado Pago application. Raises SettingsFaulty."""
    verification = Verification(
        secrets=settings.secrets,
        header="x-signature",
        separator=",",
        prefix="v1=",
        signed="[id:{query.data.id|lower};][request-id:{header.x-request-id};]ts:{timestamp};",
        timestamp=Timestamp(item="ts", unit="auto", tolerance=settings.tolerance),
    )
    return Webhook(
        name, settings, [verification], default=_events, identify=lambda request, body: _text(body, "id"), accepted=200
    )


def _text(body: JSON, *path: str) -> str | None:
    value = member(body, *path)
    return str(value) if type(value) in (int, str) else None


def _events(source: str, request: Request, body: JSON) -> Sequence[Draft]:
    """One event, whose subject is the resource. Only the query is signed: a body that names another resource is
    refused."""
    resource = needed(request.parameter("data.id"), "the query parameter data.id")
    named = _text(body, "data", "id")
    if named is not None and named.lower() != resource.lower():
        raise BadPayload("unexpected_payload", "the body names another resource (data.id) than the signed query")
    created = member(body, "date_created")
    try:
        time = to_time(created) if created is not None else None
    except ValueError as error:
        raise BadPayload("unexpected_payload", f"the notification's date_created {error}") from None
    return [
        Draft(
            source=source,
            id=needed(_text(body, "id"), "the notification's id"),
            type=f"mercado_pago.{needed(member(body, 'type'), 'the type of the notification')}",
            time=time,
            subject=resource,
            data=body,
        )
    ]
