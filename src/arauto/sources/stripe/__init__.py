"""Stripe: every event as ``stripe.<type>``, with its object."""

from __future__ import annotations

from collections.abc import Sequence

from arauto.errors import BadPayload
from arauto.ingress import Request
from arauto.ingress.verifier import Timestamp, Verification
from arauto.model import JSON
from arauto.sources import Draft, Kind, Source
from arauto.sources.mapping import to_time
from arauto.sources.webhook import Webhook, WebhookSettings, member, needed

KIND = Kind("Stripe", types=("stripe.*",))

_CARRIED = ("livemode", "account", "context", "related_object", "api_version")


class Settings(WebhookSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secrets are the endpoint's signing secrets (``whsec_…``, whole)."""

    tolerance: str = "5m"
    """How far the time of signing may be from our clock, either way."""


def compile(name: str, settings: Settings) -> Source:
    """A source for one Stripe endpoint. Raises SettingsFaulty."""
    verification = Verification(
        secrets=settings.secrets,
        header="Stripe-Signature",
        separator=",",
        prefix="v1=",
        signed="{timestamp}.{body}",
        timestamp=Timestamp(item="t", tolerance=settings.tolerance),
    )
    return Webhook(
        name, settings, [verification], default=_events, identify=lambda request, body: member(body, "id"), accepted=200
    )


def _events(source: str, request: Request, body: JSON) -> Sequence[Draft]:
    """One event. Its data: ``object`` (and ``previous_attributes``) of a snapshot, ``related_object`` of a thin event,
    and ``livemode``, which tells test data from real."""
    try:
        time = to_time(member(body, "created"))
    except ValueError as error:
        raise BadPayload("unexpected_payload", f"the event's created {error}") from None
    data = member(body, "data")
    carried = {key: body[key] for key in _CARRIED if body.get(key) is not None}
    subject = member(data, "object", "id") or member(body, "related_object", "id")
    return [
        Draft(
            source=source,
            id=needed(member(body, "id"), "the event's id"),
            type=f"stripe.{needed(member(body, 'type'), 'the event type')}",
            time=time,
            subject=needed(subject, "the object's id") if subject else None,
            data={**data, **carried} if isinstance(data, dict) else carried,
        )
    ]
