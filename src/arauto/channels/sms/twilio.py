"""SMS through Twilio's Programmable Messaging (API 2010-04-01), and its status call-backs."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from msgspec import Struct, field, structs

from arauto import channels
from arauto.channels import Accepted, Delivery
from arauto.channels.sms import SmsBody
from arauto.egress import Egress, Response, show_url
from arauto.errors import BadSignature, DeliveryError, EgressForbidden, Rejected, Retry
from arauto.ingress import Request
from arauto.ingress.payload import parse_form
from arauto.ingress.verifier import Verification, Verifier
from arauto.model import Receipt, ReceiptKind
from arauto.secret import Secret

# https://www.twilio.com/docs/api/errors: what a code says about, where it says more than the HTTP status.
_ADDRESS_CODES = frozenset({21211, 21214, 21217, 21610, 21614, 30005, 30006})
_PROVIDER_CODES = frozenset({20003, 20005, 20008, 21212, 21603, 21606, 21659, 21660, 21703, 21704, 21705, 30002, 30034})
_BUSY_CODES = frozenset({14107, 20429, 21611, 30001})
_LATER_CODES = frozenset({30003, 30008})
_KINDS: dict[str, ReceiptKind] = {
    "delivered": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "read": "read",
}
"""What a status means; the others (queued, sending, sent, …) say nothing that the hub does not know."""

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CODE = re.compile(r"[0-9]{1,9}")


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The Twilio account, and as whom to send."""

    account_sid: str
    """The account's id, ``AC…``."""
    auth_token: Secret
    """The account's auth token."""
    from_: str | None = field(default=None, name="from")
    """The sender: a number of yours (``+5511…``), a short code or a sender id."""
    messaging_service_sid: str | None = None
    """Instead of ``from``: the messaging service that picks the sender, ``MG…``."""
    base_url: str = "https://api.twilio.com"
    """Another address of the API, such as a region's."""

    def __post_init__(self) -> None:
        if (self.from_ is None) == (self.messaging_service_sid is None):
            raise ValueError("give either `from` or `messaging_service_sid`")
        if not _WORD.fullmatch(self.account_sid):
            raise ValueError(f"`account_sid` is the id that begins with AC, not {self.account_sid!r}")


class _Answer(Struct):
    sid: str | None = None
    status: str | int | None = None
    code: int | None = None


class Provider:
    """Sends text messages from one Twilio account. Twilio knows no idempotency key: unknown outcomes stay unknown."""

    def __init__(self, settings: Settings, egress: Egress) -> None:
        """Raises SecretMissing when the token is not where the settings say."""
        self._egress = egress
        self._url = f"{settings.base_url.rstrip('/')}/2010-04-01/Accounts/{settings.account_sid}/Messages.json"
        token = b64encode(f"{settings.account_sid}:{settings.auth_token.reveal()}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "Content-Type": "application/x-www-form-urlencoded"}
        if settings.from_ is not None:
            self._sender = ("From", settings.from_)
        else:
            self._sender = ("MessagingServiceSid", str(settings.messaging_service_sid))

    def request(self, delivery: Delivery) -> str:
        """The method and the URL that it goes to."""
        return f"POST {show_url(self._url)}"

    async def send(self, delivery: Delivery) -> Accepted:
        """Accepted when Twilio queued it, with the message's SID. Failures are told apart by Twilio's error codes."""
        body: SmsBody = delivery.body
        if not isinstance(delivery.address, str) or not _NUMBER.fullmatch(delivery.address):
            raise Rejected("this is no phone number in the form +5511987654321", scope="address")
        fields = [("To", delivery.address), self._sender, ("Body", body.text)]
        if delivery.receipts_url is not None:
            fields.append(("StatusCallback", f"{delivery.receipts_url}?message={quote(delivery.message_id)}"))
        form = urlencode(fields)
        try:
            response = await self._egress.request("POST", self._url, headers=self._headers, body=form.encode())
        except EgressForbidden as error:
            raise Rejected(str(error), scope="provider") from None
        try:
            answer = msgspec.json.decode(response.body, type=_Answer)
        except msgspec.MsgspecError:
            answer = _Answer()
        if 200 <= response.status < 300:
            said = answer.status if isinstance(answer.status, str) and _WORD.fullmatch(answer.status) else ""
            sid = answer.sid if answer.sid and _WORD.fullmatch(answer.sid) else None
            return Accepted(f"{response.status} {said}".rstrip(), reference=sid)
        raise _refusal(response, answer.code, delivery)

    async def close(self) -> None:
        """Nothing to close: connections belong to the egress client."""


class Receiver(channels.Receiver):
    """Receives status call-backs, which name our message in their URL and are signed with the account's token."""

    def __init__(self, settings: Settings, egress: Egress) -> None:
        """Raises SecretMissing when the token is not where the settings say."""
        self._verify = Verifier(
            Verification(
                secrets=(settings.auth_token,),
                algorithm="hmac-sha1",
                header="X-Twilio-Signature",
                encoding="base64",
                signed="{url}{form}",
            )
        )
        self._verify.prepare()

    async def receive(self, call: Request, now: datetime) -> Sequence[Receipt]:
        """One receipt at most; Twilio tells no time, so it is of now. Raises BadSignature or BadPayload."""
        try:
            self._verify(call, now)
        except BadSignature as error:
            if error.code != "bad_signature":
                raise
            # Twilio signs the URL sometimes with its port and sometimes without.
            self._verify(structs.replace(call, url=_other_port(call.url)), now)
        form = parse_form(call.body)
        message, kind = call.parameter("message"), _KINDS.get(str(form.get("MessageStatus")))
        if kind is None or message is None or not _WORD.fullmatch(message):
            return ()
        code = str(form.get("ErrorCode"))
        told = f"{form['MessageStatus']}, code {code}" if _CODE.fullmatch(code) else form["MessageStatus"]
        permanent = kind == "failed" and _CODE.fullmatch(code) is not None and int(code) in _ADDRESS_CODES
        return (Receipt(message=message, kind=kind, at=now, permanent=permanent, detail=told),)


def _other_port(url: str) -> str:
    """The URL with its scheme's own port where it names none, and otherwise without."""
    parts = urlsplit(url)
    host, colon, port = parts.netloc.rpartition(":")
    if colon and port.isdigit():
        return parts._replace(netloc=host).geturl()
    return parts._replace(netloc=f"{parts.netloc}:{443 if parts.scheme == 'https' else 80}").geturl()


def _refusal(response: Response, code: int | None, delivery: Delivery) -> DeliveryError:
    shown = f"{response.line}, code {code}" if code else response.line
    if temporary := response.temporary(delivery.now):
        return temporary
    if code in _BUSY_CODES:
        return Retry(f"Twilio is over a limit: {shown}", answer=shown, kind="rate_limited")
    if code in _LATER_CODES:
        return Retry(f"Twilio cannot deliver now: {shown}", answer=shown)
    if code in _ADDRESS_CODES:
        return Rejected(f"Twilio refuses this number: {shown}", answer=shown, scope="address")
    if code in _PROVIDER_CODES or response.status in (401, 403):
        return Rejected(f"Twilio refuses this account or sender: {shown}", answer=shown, scope="provider")
    return Rejected(f"Twilio refuses this message: {shown}", answer=shown)
