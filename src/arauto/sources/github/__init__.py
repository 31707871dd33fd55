"""GitHub: every webhook event as ``github.<event>``, with one readable line about it."""

from __future__ import annotations

from collections.abc import Sequence

from arauto.errors import BadPayload
from arauto.ingress import Request
from arauto.ingress.payload import parse
from arauto.ingress.verifier import Verification
from arauto.model import JSON
from arauto.sources import Draft, Kind, Source
from arauto.sources.github.summary import summarize
from arauto.sources.webhook import Webhook, WebhookSettings, member, needed, read_body

KIND = Kind("GitHub", types=("github.*",))


class Settings(WebhookSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secrets are those of the webhooks of repositories, organisations or apps."""


def compile(name: str, settings: Settings) -> Source:
    """A source for GitHub's webhooks. Raises SettingsFaulty."""
    verification = Verification(secrets=settings.secrets, header="X-Hub-Signature-256", prefix="sha256=")
    return Webhook(
        name,
        settings,
        [verification],
        default=_events,
        identify=lambda request, body: request.header("x-github-delivery"),
        read=_read,
    )


def _read(request: Request) -> JSON:
    """The payload: the body, or its field ``payload`` where the webhook was left at GitHub's default, a form."""
    body = read_body(request)
    is_form = (request.header("content-type") or "").lower().startswith("application/x-www-form-urlencoded")
    payload = member(body, "payload") if is_form else None
    return parse(payload.encode()) if isinstance(payload, str) else body


def _events(source: str, request: Request, body: JSON) -> Sequence[Draft]:
    """One event: the payload and its ``summary``; the subject is the repository or the organisation."""
    if not isinstance(body, dict):
        raise BadPayload("unexpected_payload", "the payload is no JSON object; GitHub sends one")
    event = needed(request.header("x-github-event"), "the header X-GitHub-Event")
    subject = member(body, "repository", "full_name") or member(body, "organization", "login")
    return [
        Draft(
            source=source,
            id=needed(request.header("x-github-delivery"), "the header X-GitHub-Delivery"),
            type=f"github.{event}",
            subject=subject if isinstance(subject, str) else None,
            data={**body, "summary": summarize(event, body)},
        )
    ]
