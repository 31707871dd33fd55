"""E-mail through SendGrid's Mail Send API (v3), and its signed event webhook."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct, field

from arauto import channels
from arauto.channels import Accepted, Delivery, receipts_off
from arauto.channels.email import EmailBody, _mime
from arauto.channels.email._tracking import tracked
from arauto.egress import Egress, Response, show_url
from arauto.errors import BadPayload, DeliveryError, EgressForbidden, Rejected
from arauto.ingress import Request
from arauto.ingress.payload import parse
from arauto.ingress.verifier import Timestamp, Verification, Verifier
from arauto.model import JSON, Receipt, ReceiptKind
from arauto.secret import Secret

ARGUMENT = "arauto_message"
"""The custom argument that has our id of the message; it comes back with every event."""

_WORD = re.compile(r"[A-Za-z0-9._-]{1,128}")
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_ADDRESS_FIELD = re.compile(r"personalizations\.0\.to(\.0(\.email)?)?")
_MOST_KEYS = 100_000
# Links and openings are the hub's own business (Delivery.tracking), and so is unsubscribing: a link of SendGrid's would
# end mails without the hub hearing of it.
_TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
}


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The SendGrid account, as whom to send, and how its events are verified."""

    api_key: Secret
    """An API key with the permission "Mail Send"."""
    from_: str = field(name="from")
    """The sender's address, of a verified sender or domain."""
    from_name: str | None = None
    """The name shown with it."""
    reply_to: str | None = None
    """Where answers go, if not to the sender."""
    verification_key: Secret | None = None
    """The verification key of the signed event webhook; without it, receipts are off."""
    base_url: str = "https://api.sendgrid.com"
    """Another address of the API, such as ``https://api.eu.sendgrid.com``."""

    def __post_init__(self) -> None:
        for name, address in (("from", self.from_), ("reply_to", self.reply_to)):
            if address is not None and not _mime.is_address(address):
                raise ValueError(f"`{name}` must be a plain e-mail address such as avisos@example.com, not {address!r}")


class _Fault(Struct):
    field: str | None = None


class _Answer(Struct):
    errors: list[_Fault] = []


class Provider:
    """Sends with ``POST /v3/mail/send``. SendGrid knows no idempotency key; a repeat has the same Message-ID."""

    def __init__(self, settings: Settings, egress: Egress) -> None:
        """Raises SecretMissing when the key is not where the settings say."""
        self._url = f"{settings.base_url.rstrip('/')}/v3/mail/send"
        self._headers = {
            "Authorization": f"Bearer {settings.api_key.reveal()}",
            "Content-Type": "application/json",
        }
        self._domain = settings.from_.rpartition("@")[2]
        name = _mime.clean(settings.from_name or "")
        self._fixed: dict[str, Any] = {
            "from": {"email": settings.from_} | ({"name": name} if name else {}),
            "tracking_settings": _TRACKING,
        } | ({"reply_to": {"email": settings.reply_to}} if settings.reply_to else {})
        self._egress = egress

    def request(self, delivery: Delivery) -> str:
        """The method and the URL that it goes to."""
        return f"POST {show_url(self._url)}"

    async def send(self, delivery: Delivery) -> Accepted:
        """Accepted on 2xx, with SendGrid's id of the message. What it refuses is told apart by status and field."""
        if not _mime.is_address(delivery.address):
            raise Rejected("this is no e-mail address that SMTP can carry", scope="address")
        content = msgspec.json.encode(self._mail(delivery))
        try:
            response = await self._egress.request("POST", self._url, headers=self._headers, body=content)
        except EgressForbidden as error:
            raise Rejected(str(error), scope="provider") from None
        if 200 <= response.status < 300:
            reference = response.headers.get("X-Message-Id", "")
            return Accepted(response.line, reference=reference if _WORD.fullmatch(reference) else None)
        raise _refusal(response, delivery)

    async def close(self) -> None:
        """Nothing to close: connections belong to the egress client."""

    def _mail(self, delivery: Delivery) -> dict[str, Any]:
        body: EmailBody = delivery.body
        html = tracked(body.html, delivery.tracking)
        texts = [
            {"type": kind, "value": text} for kind, text in (("text/plain", body.text), ("text/html", html)) if text
        ]
        mail = self._fixed | {
            "personalizations": [
                {"to": [{"email": delivery.address}], "custom_args": {ARGUMENT: delivery.message_id}},
            ],
            "subject": _mime.clean(body.subject),
            "content": texts or [{"type": "text/plain", "value": "\n"}],
            "headers": _mime.own_headers(self._domain, delivery),
        }
        if body.images:
            mail["attachments"] = [
                {
                    "content": image.data,
                    "type": image.content_type,
                    "filename": image.filename,
                    "disposition": "inline",
                    "content_id": image.cid,
                }
                for image in body.images
            ]
        return mail


def _refusal(response: Response, delivery: Delivery) -> DeliveryError:
    shown = response.line
    if temporary := response.temporary(delivery.now):
        return temporary
    if response.status in (401, 403, 404, 405):
        return Rejected(f"SendGrid refuses this key or sender: {shown}", answer=shown, scope="provider")
    try:
        faults = msgspec.json.decode(response.body, type=_Answer).errors
    except msgspec.MsgspecError:
        faults = []
    if faults and all(fault.field and _ADDRESS_FIELD.fullmatch(fault.field) for fault in faults):
        return Rejected(f"SendGrid refuses this recipient: {shown}", answer=shown, scope="address")
    return Rejected(f"SendGrid refuses this message: {shown}", answer=shown)


_KINDS: dict[str, ReceiptKind] = {
    "delivered": "delivered",
    "bounce": "bounced",
    "dropped": "failed",
    "spamreport": "complained",
    "open": "opened",
    "click": "clicked",
}
"""What an event means; the others (processed, deferred, unsubscribe, …) tell nothing of a message."""
_DROPPED = {
    "Bounced Address": True,
    "Invalid": True,
    "Invalid SMTPAPI header": False,
    "Recipient List over Package Quota": False,
    "Spam Content": False,
    "Spam Reporting Address": True,
    "Unsubscribed Address": False,
}
"""Why SendGrid did not even try, and whether it never will for this address."""


class Receiver(channels.Receiver):
    """Receives the signed event webhook, in batches."""

    def __init__(self, settings: Settings, egress: Egress) -> None:
        """Raises SecretMissing, or UsageFault for a key that is none."""
        self._verify: Verifier | None = None
        if settings.verification_key is not None:
            self._verify = Verifier(
                Verification(
                    secrets=(settings.verification_key,),
                    algorithm="ecdsa-p256",
                    key="base64",
                    header="X-Twilio-Email-Event-Webhook-Signature",
                    encoding="base64",
                    signed="{timestamp}{body}",
                    # SendGrid calls for a day until it is answered, and does not say whether it signs each call anew.
                    timestamp=Timestamp(header="X-Twilio-Email-Event-Webhook-Timestamp", tolerance="2d"),
                )
            )
            self._verify.prepare()

    async def receive(self, call: Request, now: datetime) -> Sequence[Receipt]:
        """A receipt for each event that says something of one of our messages. Raises BadSignature or BadPayload."""
        if self._verify is None:
            raise receipts_off("verification_key")
        self._verify(call, now)
        events = parse(call.body, max_keys=_MOST_KEYS)
        if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
            raise BadPayload("unexpected_payload", "the events of SendGrid are a list of objects")
        receipts = [_receipt(event, now) for event in events]
        return [receipt for receipt in receipts if receipt is not None]


def _receipt(event: Mapping[str, JSON], now: datetime) -> Receipt | None:
    name, message = str(event.get("event")), event.get(ARGUMENT)
    kind = _KINDS.get(name)
    if kind is None or not isinstance(message, str) or not _WORD.fullmatch(message):
        return None
    if event.get("sg_machine_open") is True:  # a mail program that loads all images, whether or not anybody reads
        return None
    permanent, said = False, [name]
    if kind == "bounced":
        permanent = event.get("type") != "blocked"
        said = ["bounce" if permanent else "blocked"]
        if isinstance(status := event.get("status"), str) and _STATUS.fullmatch(status):
            said.append(status)
    elif kind == "failed" and (reason := str(event.get("reason"))) in _DROPPED:
        permanent = _DROPPED[reason]
        said.append(reason)
    return Receipt(
        message=message, kind=kind, at=_time(event.get("timestamp"), now), permanent=permanent, detail=", ".join(said)
    )


def _time(seconds: JSON, now: datetime) -> datetime:
    try:
        return min(datetime.fromtimestamp(seconds, UTC), now) if type(seconds) is int else now
    except (ValueError, OverflowError, OSError):
        return now
