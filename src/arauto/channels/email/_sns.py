"""Amazon SNS over HTTPS: messages of known topics, their signatures (versions 1 and 2), and subscriptions.

The certificate that a message names is fetched only from SNS itself, in the region of the topic.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import load_pem_x509_certificate

from arauto.egress import Egress
from arauto.errors import BadPayload, BadSignature, DeliveryError, EgressForbidden, IntakeError
from arauto.ingress import Request
from arauto.ingress.payload import parse

_SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _SUBSCRIPTION,
    "UnsubscribeConfirmation": _SUBSCRIPTION,
}
_HASHES = {"1": SHA1, "2": SHA256}
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem")
_MOST_CERTIFICATES = 16
_SECONDS = 5.0


class Topics:
    """The topics that are believed."""

    def __init__(self, arns: Sequence[str], egress: Egress) -> None:
        self._egress = egress
        self._hosts = {arn: _host(arn) for arn in arns}
        self._keys: dict[str, RSAPublicKey] = {}
        self._confirmed: set[str] = set()
        self._lock = asyncio.Lock()

    async def open(self, call: Request) -> str | None:
        """What a genuine message says; None where it was about the subscription itself, which is confirmed.

        Raises BadPayload, BadSignature, or IntakeError with status 503 where SNS does not answer us.
        """
        told = parse(call.body)
        fields = {key: value for key, value in told.items() if isinstance(value, str)} if isinstance(told, dict) else {}
        names = _SIGNED.get(fields.get("Type", ""))
        if names is None:
            raise BadPayload(
                "unexpected_payload", "this is no message of SNS; is raw message delivery on? Its messages bear no name"
            )
        host = self._hosts.get(fields.get("TopicArn", ""))
        if host is None:
            raise BadSignature("unknown_topic", "the message is of a topic that is not among `topics`")
        await self._verify(fields, names, host)
        if fields["Type"] == "SubscriptionConfirmation":
            await self._confirm(fields, host)
        return fields.get("Message") if fields["Type"] == "Notification" else None

    async def _verify(self, fields: dict[str, str], names: Sequence[str], host: str) -> None:
        hashing = _HASHES.get(fields.get("SignatureVersion", ""))
        if hashing is None or "Signature" not in fields:
            raise BadSignature("missing_signature", "the message has no signature of version 1 or 2")
        url = fields.get("SigningCertURL", "")
        if urlsplit(url)[:2] != ("https", host) or not _CERTIFICATE.fullmatch(url.removeprefix(f"https://{host}")):
            raise BadSignature("malformed", f"SigningCertURL does not lead to a certificate at https://{host}/")
        key = await self._key(url)
        signed = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)
        try:
            key.verify(b64decode(fields["Signature"], validate=True), signed.encode(), PKCS1v15(), hashing())
        except (ValueError, InvalidSignature):
            raise BadSignature("bad_signature", "the message was not signed by SNS") from None

    async def _key(self, url: str) -> RSAPublicKey:
        if url not in self._keys:
            pem = await self._fetch(url)
            try:
                key = load_pem_x509_certificate(pem).public_key()
            except ValueError:
                key = None
            if not isinstance(key, RSAPublicKey):
                raise BadSignature("malformed", "SigningCertURL does not lead to a certificate with an RSA key")
            if len(self._keys) >= _MOST_CERTIFICATES:
                del self._keys[next(iter(self._keys))]
            self._keys[url] = key
        return self._keys[url]

    async def _confirm(self, fields: dict[str, str], host: str) -> None:
        """Say yes, once, at the address in the message; it is signed, and still may lead to nothing but that."""
        url = fields.get("SubscribeURL", "")
        parts, asked = urlsplit(url), parse_qs(urlsplit(url).query)
        wanted = {"Action": ["ConfirmSubscription"], "TopicArn": [fields["TopicArn"]]}
        if parts[:2] != ("https", host) or {key: asked.get(key) for key in wanted} != wanted:
            raise BadPayload("unexpected_payload", f"SubscribeURL does not confirm the topic at https://{host}/")
        async with self._lock:
            if url not in self._confirmed:
                await self._fetch(url)
                self._confirmed.add(url)

    async def _fetch(self, url: str) -> bytes:
        try:
            response = await self._egress.request("GET", url, headers={}, timeout=_SECONDS)
        except (DeliveryError, EgressForbidden) as error:
            raise IntakeError("sns_unreachable", str(error), status=503) from None
        if response.status != 200:
            raise IntakeError("sns_unreachable", f"SNS answered {response.line}", status=503)
        return response.body


def _host(arn: str) -> str:
    _, partition, _, region, *_ = arn.split(":")
    return f"sns.{region}.amazonaws.com{'.cn' if partition == 'aws-cn' else ''}"
