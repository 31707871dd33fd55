"""Web Push (RFC 8030) with encrypted content (RFC 8188, 8291) and our identity as application server (VAPID, RFC 8292).

The push service sees neither text nor length: content is encrypted for the browser's key and padded.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from msgspec import Struct

from arauto.channels import Accepted, Delivery
from arauto.channels.push import PushBody
from arauto.egress import Egress, show_url
from arauto.errors import EgressForbidden, Rejected, UsageFault
from arauto.secret import Secret

LARGEST_PAYLOAD = 3993
"""How many bytes a payload may have: what 4096 octets of body leave (RFC 8291 §4)."""

# Two sizes for all: what every push service is known to take, and the most that the standard allows.
_PADDED_SIZES = (2820, LARGEST_PAYLOAD)
_RECORD_SIZE = 4096
_LONGEST_TTL = timedelta(weeks=4)
_TOKEN_LIFE = timedelta(hours=12)
_AUDIENCES = 1000


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Our identity towards push services."""

    vapid_private_key: Secret
    """The P-256 key: 32 bytes in base64url, or PEM. Browsers subscribe with its public half; keep it for good."""
    subject: str
    """How a push service can reach you: ``mailto:ops@example.com`` or an https URL."""

    def __post_init__(self) -> None:
        if not self.subject.startswith(("mailto:", "https://")):
            raise ValueError(f"`subject` must begin with mailto: or https://, not be {self.subject!r}")


class Provider:
    """Sends to the push service that the recipient's subscription names."""

    def __init__(self, settings: Settings, egress: Egress) -> None:
        """Raises SecretMissing, or UsageFault for a key of another form."""
        self._key = _private_key(settings.vapid_private_key)
        self._public = _text(_point(self._key.public_key()))
        self._subject = settings.subject
        self._egress = egress
        self._tokens: dict[str, tuple[str, datetime]] = {}

    def request(self, delivery: Delivery) -> str:
        """The method and the origin of the push service."""
        endpoint = delivery.address.get("endpoint") if isinstance(delivery.address, dict) else None
        return f"POST {show_url(str(endpoint), redact=True)}"

    async def send(self, delivery: Delivery) -> Accepted:
        """Accepted on 2xx. A subscription that is gone (404, 410) or unusable is Rejected for the address."""
        body: PushBody = delivery.body
        if len(body.payload) > LARGEST_PAYLOAD:
            raise Rejected(f"the payload has {len(body.payload)} bytes; {LARGEST_PAYLOAD} are allowed")
        try:
            endpoint = str(delivery.address["endpoint"])
            keys = delivery.address["keys"]
            content = _encrypt(
                body.payload,
                _data(keys["p256dh"]),
                _data(keys["auth"]),
                salt=os.urandom(16),
                key=ec.generate_private_key(ec.SECP256R1()),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Rejected("this is no push subscription with endpoint, p256dh and auth", scope="address") from None
        audience = show_url(endpoint, redact=True).removesuffix("/…")
        lasts = min(max(delivery.expires_at - delivery.now, timedelta(0)), _LONGEST_TTL)
        headers = {
            "Authorization": f"vapid t={self._token(audience, delivery.now)}, k={self._public}",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(lasts.total_seconds())),
            "Urgency": body.urgency,
        }
        if body.topic is not None:
            headers["Topic"] = body.topic
        try:
            response = await self._egress.request("POST", endpoint, headers=headers, body=content)
        except EgressForbidden as error:
            raise Rejected(str(error), scope="address") from None
        if 200 <= response.status < 300:
            return Accepted(response.line)
        if temporary := response.temporary(delivery.now):
            raise temporary
        if response.status in (404, 410):
            raise Rejected("the subscription is gone", answer=response.line, scope="address")
        if response.status in (400, 401, 403):
            raise Rejected(f"the push service refuses our key: {response.line}", answer=response.line, scope="provider")
        raise Rejected(f"the push service refuses this message: {response.line}", answer=response.line)

    async def close(self) -> None:
        """Nothing to close: connections belong to the egress client."""

    def _token(self, audience: str, now: datetime) -> str:
        """The signed statement of who we are, for one push service; made anew when half its life is over."""
        token, renew_at = self._tokens.get(audience, ("", now))
        if now >= renew_at:
            if len(self._tokens) >= _AUDIENCES:
                self._tokens.clear()
            claims = {"aud": audience, "exp": int((now + _TOKEN_LIFE).timestamp()), "sub": self._subject}
            token = _sign(self._key, claims)
            self._tokens[audience] = token, now + _TOKEN_LIFE / 2
        return token


def _sign(key: ec.EllipticCurvePrivateKey, claims: Mapping[str, object]) -> str:
    """A JWT by ES256 (RFC 7515, 7518 §3.4: the signature is r and s, 32 bytes each)."""
    header: Mapping[str, object] = {"typ": "JWT", "alg": "ES256"}
    signed = ".".join(_text(msgspec.json.encode(part)) for part in (header, claims))
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
    return f"{signed}.{_text(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _encrypt(
    payload: bytes,
    receiver: bytes,
    auth: bytes,
    *,
    salt: bytes,
    key: ec.EllipticCurvePrivateKey,
    size: int | None = None,
) -> bytes:
    """One ``aes128gcm`` record for the receiver's public point and secret, padded to ``size`` (RFC 8291 §3.4).

    Pure: salt and key must be fresh for every message. Raises ValueError for a point or a secret that is none.
    """
    if len(auth) != 16:
        raise ValueError("the authentication secret must have 16 bytes")
    size = size or next(size for size in _PADDED_SIZES if len(payload) <= size)
    sender = _point(key.public_key())
    shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), receiver))
    secret = HKDF(SHA256(), 32, auth, b"WebPush: info\0" + receiver + sender).derive(shared)
    content_key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
    nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
    padded = payload + b"\2" + bytes(size - len(payload))
    header = salt + _RECORD_SIZE.to_bytes(4, "big") + bytes([len(sender)]) + sender
    return header + AESGCM(content_key).encrypt(nonce, padded, None)


def _private_key(secret: Secret) -> ec.EllipticCurvePrivateKey:
    text = secret.reveal().strip()
    try:
        if text.startswith("-----BEGIN"):
            key = load_pem_private_key(text.encode(), None)
            if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
                return key
        elif len(raw := _data(text)) == 32:
            return ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    raise UsageFault(
        f"the VAPID key {secret.place} is no P-256 private key: give 32 bytes in base64url (43 characters) or PEM"
    )


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _data(text: str) -> bytes:
    text = text.rstrip("=").replace("+", "-").replace("/", "_")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise ValueError("not base64url")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
