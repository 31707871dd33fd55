"""Slack through an incoming webhook: one secret URL, which leads to one room."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from arauto.channels import Accepted, Delivery
from arauto.channels.slack import SlackBody
from arauto.egress import Egress, show_url
from arauto.errors import Ambiguous, EgressForbidden, Rejected
from arauto.secret import Secret

_CODE = re.compile(rb"[a-z_]{1,64}")
_GONE = ("no_service", "no_service_id", "no_team", "no_active_hooks", "channel_not_found", "channel_is_archived")


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The webhook."""

    url: Secret
    """``https://hooks.slack.com/services/…``: who knows it can post, so it is kept like a password."""


class Provider:
    """Posts to the room that the URL belongs to, whatever the recipient's address says."""

    def __init__(self, settings: Settings, egress: Egress) -> None:
        """Raises SecretMissing when the URL is not where the settings say."""
        self._url = settings.url.reveal()
        self._egress = egress

    def request(self, delivery: Delivery) -> str:
        """The method and the origin that it goes to."""
        return f"POST {show_url(self._url, redact=True)}"

    async def send(self, delivery: Delivery) -> Accepted:
        """Accepted on 200 with body ``ok``. A URL or room that is gone is Rejected for the provider."""
        body: SlackBody = delivery.body
        content = msgspec.json.encode({"text": body.text, "blocks": body.blocks})
        headers = {"Content-Type": "application/json"}
        try:
            response = await self._egress.request("POST", self._url, headers=headers, body=content)
        except EgressForbidden as error:
            raise Rejected(str(error), scope="provider") from None
        if response.status == 200:
            if response.body.strip() != b"ok":
                raise Ambiguous("Slack answered 200, but not with ok", answer=response.line)
            return Accepted("200 ok")
        if temporary := response.temporary(delivery.now):
            raise temporary
        code = response.body.decode() if _CODE.fullmatch(response.body) else ""
        shown = f"{response.line}, {code}" if code else response.line
        if code in _GONE or response.status in (401, 403, 404, 410):
            raise Rejected(f"Slack refuses this webhook: {shown}", answer=shown, scope="provider")
        raise Rejected(f"Slack refuses this message: {shown}", answer=shown)

    async def close(self) -> None:
        """Nothing to close: connections belong to the egress client."""
