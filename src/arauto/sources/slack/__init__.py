"""Slack's Events API: every event as ``slack.<type>``, and the challenge by which Slack checks the URL."""

from __future__ import annotations

from collections.abc import Sequence

from arauto.errors import BadPayload
from arauto.ingress import Answer, Request
from arauto.ingress.payload import parse
from arauto.ingress.verifier import Timestamp, Verification
from arauto.model import JSON
from arauto.sources import Draft, Kind, Source
from arauto.sources.mapping import to_time
from arauto.sources.webhook import Webhook, WebhookSettings, member, needed

KIND = Kind("Slack", types=("slack.*",))


class Settings(WebhookSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secrets are the app's signing secrets."""

    tolerance: str = "5m"
    """How far the time of signing may be from our clock, either way."""


def compile(name: str, settings: Settings) -> Source:
    """A source for the events of one Slack app. Raises SettingsFaulty."""
    verification = Verification(
        secrets=settings.secrets,
        header="X-Slack-Signature",
        prefix="v0=",
        signed="v0:{timestamp}:{body}",
        timestamp=Timestamp(header="X-Slack-Request-Timestamp", tolerance=settings.tolerance),
    )
    return Webhook(
        name,
        settings,
        [verification],
        default=_events,
        identify=lambda request, body: member(body, "event_id"),
        accepted=200,
        challenge=_challenge,
    )


def _challenge(request: Request) -> Answer | None:
    """Slack sends a challenge when the URL is entered in its settings, and takes the URL when it is echoed."""
    if b"url_verification" not in request.body:
        return None
    try:
        body = parse(request.body)
    except BadPayload:
        return None
    challenge = member(body, "challenge")
    if member(body, "type") != "url_verification" or not isinstance(challenge, str):
        return None
    return Answer(200, challenge.encode())


def _events(source: str, request: Request, body: JSON) -> Sequence[Draft]:
    """One event, whose data is the whole payload without the old verification token, which is a secret."""
    kind = needed(member(body, "type"), "the payload's type")
    data = {key: value for key, value in body.items() if key != "token"}
    try:
        if kind == "event_callback":
            time = to_time(member(body, "event_time"))
            inner = needed(member(body, "event", "type"), "the event's type")
            identifier = needed(member(body, "event_id"), "the payload's event_id")
            return [Draft(source=source, id=identifier, type=f"slack.{inner}", time=time, data=data)]
        if kind == "app_rate_limited":
            time = to_time(member(body, "minute_rate_limited"))
            identifier = f"{needed(member(body, 'team_id'), 'the team_id')}.{body['minute_rate_limited']}"
            return [Draft(source=source, id=identifier, type="slack.app_rate_limited", time=time, data=data)]
    except ValueError as error:
        raise BadPayload("unexpected_payload", f"the time of the payload {error}") from None
    return []
