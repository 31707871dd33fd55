"""Shopify: every topic as ``shopify.<topic>``: ``orders/paid`` becomes ``shopify.orders.paid``."""

from __future__ import annotations

from collections.abc import Sequence

from arauto.errors import BadPayload
from arauto.ingress import Request
from arauto.ingress.verifier import Verification
from arauto.model import JSON
from arauto.sources import Draft, Kind, Source
from arauto.sources.mapping import to_time
from arauto.sources.webhook import Webhook, WebhookSettings, needed

KIND = Kind("Shopify", types=("shopify.*",))


class Settings(WebhookSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secrets are the app's client secrets."""


def compile(name: str, settings: Settings) -> Source:
    """A source for the webhooks of one Shopify app. Raises SettingsFaulty."""
    verification = Verification(secrets=settings.secrets, header="X-Shopify-Hmac-Sha256", encoding="base64")
    return Webhook(name, settings, [verification], default=_events, identify=_identify, accepted=200)


def _identify(request: Request, body: JSON) -> str | None:
    return request.header("x-shopify-event-id") or request.header("x-shopify-webhook-id")


def _events(source: str, request: Request, body: JSON) -> Sequence[Draft]:
    """One event, whose data is the resource and whose subject is the shop."""
    topic = needed(request.header("x-shopify-topic"), "the header X-Shopify-Topic")
    triggered = request.header("x-shopify-triggered-at")
    try:
        time = to_time(triggered) if triggered else None
    except ValueError as error:
        raise BadPayload("unexpected_payload", f"the header X-Shopify-Triggered-At {error}") from None
    return [
        Draft(
            source=source,
            id=needed(_identify(request, body), "the header X-Shopify-Event-Id"),
            type=f"shopify.{topic.replace('/', '.')}",
            time=time,
            subject=request.header("x-shopify-shop-domain"),
            data=body,
        )
    ]
