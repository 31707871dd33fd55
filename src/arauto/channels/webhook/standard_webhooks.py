"""Webhooks as Standard Webhooks 1.0.0 has them: signed with ``v1`` (HMAC-SHA256) over id, timestamp and body."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode

from msgspec import Struct

from arauto.channels import Accepted, Delivery
from arauto.channels.webhook import WebhookBody
from arauto.egress import Egress, show_url
from arauto.errors import EgressForbidden, Rejected, Retry, UsageFault
from arauto.model import HOPS
from arauto.secret import Secret


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """With what to sign."""

    secrets: tuple[Secret, ...]
    """The current secret and, while it is being replaced, the previous one; every call carries a signature by each.
    A secret is ``whsec_`` and 24 to 64 bytes in base64."""
    timeout: float = 20.0
    """How many seconds the receiver has to answer, from 1 to 25."""

    def __post_init__(self) -> None:
        if not self.secrets:
            raise ValueError("`secrets` needs at least one secret, such as [env:WEBHOOK_SECRET]")
        if not 1 <= self.timeout <= 25:
            raise ValueError("`timeout` must be from 1 to 25 seconds")


class Provider:
    """Calls the recipient's URL; every attempt at a message carries the same ``webhook-id``, and the number of its
    hops, by which hubs know loops."""

    def __init__(self, settings: Settings, egress: Egress) -> None:
        """Raises SecretMissing, or UsageFault for a secret of another form."""
        self._keys = tuple(_key(secret) for secret in settings.secrets)
        self._timeout = settings.timeout
        self._egress = egress

    def request(self, delivery: Delivery) -> str:
        """The method and the origin that it goes to."""
        return f"POST {show_url(str(delivery.address), redact=True)}"

    async def send(self, delivery: Delivery) -> Accepted:
        """Accepted on 2xx. 410 is Rejected for the address, 508 (a loop) for the message; every other answer is Retry,
        as the standard has it."""
        body: WebhookBody = delivery.body
        timestamp = str(int(delivery.now.timestamp()))
        signed = b"%b.%b.%b" % (delivery.message_id.encode(), timestamp.encode(), body.content)
        headers = {
            "Content-Type": body.content_type,
            f"ce-{HOPS}": str(delivery.hops + 1),
            "webhook-id": delivery.message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(
                f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}" for key in self._keys
            ),
        }
        try:
            response = await self._egress.request(
                "POST", str(delivery.address), headers=headers, body=body.content, timeout=self._timeout
            )
        except EgressForbidden as error:
            raise Rejected(str(error)) from None
        if 200 <= response.status < 300:
            return Accepted(response.line)
        if response.status == 508:
            raise Rejected("the receiver says that it goes round in a loop", answer=response.line)
        if response.status == 410:
            raise Rejected("the receiver wants no more calls to this URL", answer=response.line, scope="address")
        raise response.temporary(delivery.now) or Retry(f"answered {response.line}", answer=response.line)

    async def close(self) -> None:
        """Nothing to close: connections belong to the egress client."""


def _key(secret: Secret) -> bytes:
    text = secret.reveal().removeprefix("whsec_")
    try:
        key = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        key = b""
    if not 24 <= len(key) <= 64:
        raise UsageFault(
            f"the webhook secret {secret.place} has not the form whsec_ and 24 to 64 bytes in base64; "
            'make one with: echo "whsec_$(openssl rand -base64 32)"'
        )
    return key
