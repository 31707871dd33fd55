"""Slack through its Web API: a bot posts to any room it is in, or to a person, and hears of pressed buttons."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from arauto import channels
from arauto.channels import Accepted, Delivery, receipts_off
from arauto.channels.slack import ACKNOWLEDGE, MOST_BLOCKS, SlackBody
from arauto.egress import Egress, Response, parse_retry_after, show_url
from arauto.errors import Ambiguous, BadPayload, DeliveryError, EgressForbidden, Rejected, Retry
from arauto.ingress import Request
from arauto.ingress.payload import parse, parse_form
from arauto.ingress.verifier import Timestamp, Verification, Verifier
from arauto.model import JSON, Receipt
from arauto.secret import Secret

_WORD = re.compile(r"[a-z0-9_]{1,64}")
_TIMESTAMP = re.compile(r"[0-9.]{1,32}")
_MESSAGE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_USER = re.compile(r"[UW][A-Z0-9]{1,20}")
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
    signing_secret: Secret | None = None
    """The app's signing secret; with it, a button acknowledges within Slack, and without it leads to a page."""
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
        self._hears = settings.signing_secret is not None
        self._egress = egress

    def request(self, delivery: Delivery) -> str:
        """The method and the URL that it goes to."""
        return f"POST {show_url(self._url)}"

    async def send(self, delivery: Delivery) -> Accepted:
        """Accepted on ``ok: true``, with Slack's ``ts``: Slack answers 200 to failures too."""
        body: SlackBody = delivery.body
        blocks = [_pressable(block, delivery.message_id) for block in body.blocks] if self._hears else body.blocks
        content = msgspec.json.encode({"channel": delivery.address, "text": body.text, "blocks": blocks})
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


def _pressable(block: dict[str, Any], message: str) -> dict[str, Any]:
    """A block whose button that acknowledges leads nowhere, and has our id of the message as its value."""
    if "elements" not in block and "accessory" not in block:
        return block
    changed = dict(block)
    if isinstance(block.get("elements"), list):
        changed["elements"] = [_with_value(element, message) for element in block["elements"]]
    if "accessory" in block:
        changed["accessory"] = _with_value(block["accessory"], message)
    return changed


def _with_value(element: JSON, message: str) -> JSON:
    if not _acknowledges(element):
        return element
    return {key: value for key, value in element.items() if key != "url"} | {"value": message}


def _acknowledges(element: JSON) -> bool:
    return isinstance(element, dict) and element.get("action_id") == ACKNOWLEDGE


class Receiver(channels.Receiver):
    """Receives the presses of buttons (``block_actions``), signed with the app's signing secret (version v0)."""

    def __init__(self, settings: Settings, egress: Egress) -> None:
        """Raises SecretMissing when the signing secret is not where the settings say."""
        self._egress = egress
        self._verify: Verifier | None = None
        if settings.signing_secret is not None:
            self._verify = Verifier(
                Verification(
                    secrets=(settings.signing_secret,),
                    header="X-Slack-Signature",
                    prefix="v0=",
                    signed="v0:{timestamp}:{body}",
                    timestamp=Timestamp(header="X-Slack-Request-Timestamp"),
                )
            )
            self._verify.prepare()

    async def receive(self, call: Request, now: datetime) -> Sequence[Receipt]:
        """A receipt for each press of a button that acknowledges. Raises BadSignature or BadPayload."""
        if self._verify is None:
            raise receipts_off("signing_secret")
        self._verify(call, now)
        return [
            Receipt(message=action["value"], kind="acknowledged", at=_time(action.get("action_ts"), now))
            for action in _presses(_payload(call))
        ]

    async def confirm(self, call: Request, now: datetime) -> None:
        """Put the name of who pressed where the button was, for all to see."""
        payload = _payload(call)
        message, user, url = payload.get("message"), payload.get("user"), payload.get("response_url")
        who = str(user.get("id")) if isinstance(user, dict) else ""
        if not isinstance(message, dict) or not isinstance(url, str) or not any(_presses(payload)):
            return
        kept = [block for old in message.get("blocks", ()) if (block := _without_button(old)) is not None]
        line = f"✓ <@{who}>" if _USER.fullmatch(who) else "✓"
        kept = [*kept[: MOST_BLOCKS - 1], {"type": "context", "elements": [{"type": "mrkdwn", "text": line}]}]
        answer = msgspec.json.encode({"replace_original": True, "text": message.get("text", ""), "blocks": kept})
        try:
            await self._egress.request("POST", url, headers={"Content-Type": "application/json"}, body=answer)
        except (DeliveryError, EgressForbidden):
            return


def _payload(call: Request) -> dict[str, JSON]:
    field = parse_form(call.body).get("payload")
    payload = parse(field.encode()) if isinstance(field, str) else None
    if not isinstance(payload, dict):
        raise BadPayload("unexpected_payload", "a press of a button comes as JSON in the field payload of a form")
    return payload


def _presses(payload: Mapping[str, JSON]) -> Iterator[dict[str, JSON]]:
    """The presses of buttons that acknowledge one of our messages."""
    actions = payload.get("actions")
    if payload.get("type") == "block_actions" and isinstance(actions, list):
        for action in actions:
            value = action.get("value") if _acknowledges(action) else None
            if isinstance(value, str) and _MESSAGE.fullmatch(value):
                yield action


def _without_button(block: dict[str, Any]) -> dict[str, Any] | None:
    """A block of a message without the button that acknowledges; None where nothing is left."""
    if _acknowledges(block.get("accessory")):
        return {key: value for key, value in block.items() if key != "accessory"}
    if block.get("type") != "actions":
        return block
    left = [element for element in block.get("elements", ()) if not _acknowledges(element)]
    return block | {"elements": left} if left else None


def _time(seconds: JSON, now: datetime) -> datetime:
    try:
        return min(datetime.fromtimestamp(float(seconds), UTC), now)
    except (TypeError, ValueError, OverflowError, OSError):
        return now


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
