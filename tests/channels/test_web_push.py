"""Web Push: judged by the vectors of RFC 8291, by http-ece as the browser, and by the JWT's own signature."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from arauto.channels import Accepted, Delivery
from arauto.channels.push import PushBody
from arauto.channels.push.web_push import LARGEST_PAYLOAD, Provider, Settings, _encrypt
from arauto.egress import Egress
from arauto.errors import Rejected, UsageFault
from arauto.secret import Secret

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
VAPID_KEY = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
VAPID_PUBLIC = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"


def data(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def private(value: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(data(value), "big"), ec.SECP256R1())


BROWSER_KEY = private("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")
BROWSER_PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
BROWSER_SECRET = "BTBZMqHH6r4Tts7J_aSIgg"


def test_rfc_8291_appendix_a() -> None:
    encrypted = _encrypt(
        b"When I grow up, I want to be a watermelon",
        data(BROWSER_PUBLIC),
        data(BROWSER_SECRET),
        salt=data("DGv6ra1nlYgDCS1FRnbzlw"),
        key=private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
        size=41,
    )
    assert text(encrypted) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    client = Egress(["127.0.0.0/8"])
    yield client
    await client.close()


@pytest.fixture
def provider(egress: Egress) -> Provider:
    return Provider(Settings(vapid_private_key=Secret(VAPID_KEY), subject="mailto:ops@example.com"), egress)


def delivery(url: str, payload: bytes = b'{"title": "Ol\xc3\xa1"}', **changes: Any) -> Delivery:
    given: dict[str, Any] = {
        "message_id": "msg_1",
        "attempt": 1,
        "address": {"endpoint": url, "keys": {"p256dh": BROWSER_PUBLIC, "auth": BROWSER_SECRET}},
        "body": PushBody(payload, "pedido", "high"),
        "now": NOW,
        "expires_at": NOW + timedelta(hours=1),
    }
    return Delivery(**(given | changes))


@pytest.mark.parametrize("size", [0, 1, 2819, 2820, 2821, LARGEST_PAYLOAD])
async def test_the_browser_can_read_it_and_nobody_can_see_its_size(
    size: int, provider: Provider, http_sink: Any
) -> None:
    payload = b"x" * size
    await provider.send(delivery(f"{http_sink.url}/push/1", payload))
    _, _, headers, body = http_sink.requests[0]
    read = http_ece.decrypt(
        body, private_key=BROWSER_KEY, auth_secret=data(BROWSER_SECRET), version=headers["Content-Encoding"]
    )
    assert read == payload
    assert len(body) == 86 + 17 + (2820 if size <= 2820 else LARGEST_PAYLOAD)
    assert len(body) <= 4096


async def test_every_message_has_its_own_salt_and_key(provider: Provider, http_sink: Any) -> None:
    for _ in range(2):
        await provider.send(delivery(http_sink.url))
    first, second = (body for *_, body in http_sink.requests)
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]


async def test_a_payload_that_is_too_large_is_refused_here(provider: Provider, http_sink: Any) -> None:
    with pytest.raises(Rejected, match="3994 bytes; 3993 are allowed"):
        await provider.send(delivery(http_sink.url, b"x" * (LARGEST_PAYLOAD + 1)))
    assert http_sink.requests == []


async def test_the_push_service_can_check_who_we_are(provider: Provider, http_sink: Any) -> None:
    await provider.send(delivery(f"{http_sink.url}/push/1?secret=2"))
    authorization = http_sink.requests[0][2]["Authorization"]
    scheme, _, parameters = authorization.partition(" ")
    given = dict(part.split("=", 1) for part in parameters.split(", "))
    assert (scheme, given["k"]) == ("vapid", VAPID_PUBLIC)
    header, claims, signature = given["t"].split(".")
    assert json.loads(data(header)) == {"typ": "JWT", "alg": "ES256"}
    said = json.loads(data(claims))
    assert said["aud"] == http_sink.url, "the origin with its port, and nothing more"
    assert said["sub"] == "mailto:ops@example.com"
    assert 0 < said["exp"] - NOW.timestamp() <= 24 * 3600
    raw = data(signature)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data(given["k"]))
    public.verify(encode_dss_signature(r, s), f"{header}.{claims}".encode(), ec.ECDSA(SHA256()))


async def test_our_statement_is_signed_once_for_each_service_and_renewed_in_time(
    provider: Provider, http_sink: Any
) -> None:
    for minutes in (0, 359, 361, 700):
        await provider.send(delivery(http_sink.url, now=NOW + timedelta(minutes=minutes)))
    statements = [headers["Authorization"] for _, _, headers, _ in http_sink.requests]
    assert statements[0] == statements[1] != statements[2] == statements[3]


@pytest.mark.parametrize(
    ("lasts", "seconds"),
    [(timedelta(hours=1), "3600"), (timedelta(seconds=-5), "0"), (timedelta(days=90), "2419200")],
    ids=["an hour", "expired already", "more than push services keep"],
)
async def test_the_service_keeps_it_until_it_expires(
    lasts: timedelta, seconds: str, provider: Provider, http_sink: Any
) -> None:
    await provider.send(delivery(http_sink.url, expires_at=NOW + lasts))
    headers = http_sink.requests[0][2]
    assert (headers["TTL"], headers["Urgency"], headers["Topic"]) == (seconds, "high", "pedido")


def pem(curve: ec.EllipticCurve) -> str:
    key = ec.generate_private_key(curve)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


async def test_the_key_may_be_pem(egress: Egress, http_sink: Any) -> None:
    settings = Settings(vapid_private_key=Secret(pem(ec.SECP256R1())), subject="https://example.com")
    assert isinstance(await Provider(settings, egress).send(delivery(http_sink.url)), Accepted)


WRONG_KEYS = {
    "another curve": pem(ec.SECP384R1()),
    "the public key": VAPID_PUBLIC,
    "too short": VAPID_KEY[:-4],
    "no base64": "ç" * 43,
    "broken PEM": "-----BEGIN PRIVATE KEY-----\nxxx\n-----END PRIVATE KEY-----",
    "zero": text(bytes(32)),
}


@pytest.mark.parametrize("key", WRONG_KEYS.values(), ids=WRONG_KEYS)
def test_a_wrong_key_says_what_is_right(key: str, egress: Egress) -> None:
    with pytest.raises(UsageFault, match="32 bytes in base64url"):
        Provider(Settings(vapid_private_key=Secret(key), subject="mailto:ops@example.com"), egress)


def test_the_subject_must_lead_to_somebody() -> None:
    with pytest.raises(ValueError, match="mailto: or https://"):
        Settings(vapid_private_key=Secret(VAPID_KEY), subject="ops@example.com")


WRONG_SUBSCRIPTIONS = {
    "no point": {"p256dh": text(b"\4" + bytes(64)), "auth": BROWSER_SECRET},
    "a short secret": {"p256dh": BROWSER_PUBLIC, "auth": "BTBZMq"},
    "no base64": {"p256dh": BROWSER_PUBLIC, "auth": "!" * 22},
    "a number": {"p256dh": 1, "auth": BROWSER_SECRET},
}


@pytest.mark.parametrize("keys", WRONG_SUBSCRIPTIONS.values(), ids=WRONG_SUBSCRIPTIONS)
async def test_an_unusable_subscription_is_the_addresss_fault(
    keys: dict[str, Any], provider: Provider, http_sink: Any
) -> None:
    with pytest.raises(Rejected) as caught:
        await provider.send(delivery("", address={"endpoint": http_sink.url, "keys": keys}))
    assert caught.value.scope == "address"
    assert http_sink.requests == []


def test_the_public_key_in_these_tests_is_the_private_keys() -> None:
    point = private(VAPID_KEY).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert text(point) == VAPID_PUBLIC
