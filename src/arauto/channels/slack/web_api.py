"""Slack through its Web API: a bot posts to any room it is in, or to a person."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from arauto.channels import Accepted, Delivery
from arauto.channels.slack import SlackBody
from arauto.egress import Egress, Response, parse_retry_after, show_url
from arauto.errors import Ambiguous, DeliveryError, EgressForbidden, Rejected, Retry
from arauto.secret import Secret

_WORD = re.compile(r"[a-z0-9_]{1,64}")
_TIMESTAMP = re.compile(r"[0-9.]{1,32}")
_ADDRESS_CODES = frozenset({"channel_not_found", "is_archived", "not_in_channel", "user_not_found", "user_disabled"})
_PROVIDER_CODES = frozenset(
    {
        "access_denied",
        "account_inactive",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
_BUSY_CODES = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_LATER_CODES = frozenset({"service_unavailable", "request_timeout"})
# Slack says of these two that some part of the call may have succeeded.
_UNKNOWN_CODES = frozenset({"internal_error", "fatal_error"})


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As which bot to post."""

    token: Secret
    """The bot's token, ``xoxb-…``, with the scope ``chat:write``."""
    base_url: str = "https://slack.com"
    """Another address of the API."""


class _Answer(Struct):
    ok: bool
    error: str = ""
    ts: str | None = None


class Provider:
    """Posts with ``chat.postMessage``; the address is a channel's or a person's id."""

    def __init__(self, settings: Settings, egress: Egress) -> None:
        """Raises SecretMissing when the token is not where the settings say."""
        self._url = f"{settings.base_url.rstrip('/')}/api/chat.postMessage"
        self._headers = {
            "Authorization": f"Bearer {settings.token.reveal()}",
            "Content-Type": "application/json; charset=utf-8",
        }
        self._egress = egress

    def request(self, delivery: Delivery) -> str:
        """The method and the URL that it goes to."""
        return f"POST {show_url(self._url)}"

    async def send(self, delivery: Delivery) -> Accepted:
        """Accepted on ``ok: true``, with Slack's ``ts``: Slack answers 200 to failures too."""
        body: SlackBody = delivery.body
        content = msgspec.json.encode({"channel": delivery.address, "text": body.text, "blocks": body.blocks})
        try:
            response = await self._egress.request("POST", self._url, headers=self._headers, body=content)
        except EgressForbidden as error:
            raise Rejected(str(error), scope="provider") from None
        if temporary := response.temporary(delivery.now):
            raise temporary
        try:
            answer = msgspec.json.decode(response.body, type=_Answer)
        except msgspec.MsgspecError:
            if response.status >= 300:
                raise Rejected(f"Slack refuses this message: {response.line}", answer=response.line) from None
            raise Ambiguous(f"Slack answered {response.line}, but not in its form", answer=response.line) from None
        if not answer.ok:
            raise _refusal(answer.error, response, delivery)
        return Accepted("200 ok", reference=answer.ts if answer.ts and _TIMESTAMP.fullmatch(answer.ts) else None)

    async def close(self) -> None:
        """Nothing to close: connections belong to the egress client."""


def _refusal(code: str, response: Response, delivery: Delivery) -> DeliveryError:
    code = code if _WORD.fullmatch(code) else "an unknown error"
    shown = f"{response.status} {code}"
    if code in _BUSY_CODES:
        after = parse_retry_after(response.headers.get("Retry-After"), delivery.now)
        return Retry(f"Slack is over a limit: {code}", answer=shown, after=after, kind="rate_limited")
    if code in _LATER_CODES:
        return Retry(f"Slack cannot take it now: {code}", answer=shown)
    if code in _UNKNOWN_CODES:
        return Ambiguous(f"Slack failed and may have posted it: {code}", answer=shown)
    if code in _ADDRESS_CODES:
        return Rejected(f"Slack refuses this room or person: {code}", answer=shown, scope="address")
    if code in _PROVIDER_CODES:
        return Rejected(f"Slack refuses this bot: {code}", answer=shown, scope="provider")
    return Rejected(f"Slack refuses this message: {code}", answer=shown)
