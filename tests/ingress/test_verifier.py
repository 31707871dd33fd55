"""The declarative verifier: published vectors, official SDKs as judges, and everything that must be refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
import pytest
import standardwebhooks
import stripe
import svix
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st
from mercadopago.webhook import InvalidWebhookSignatureError, WebhookSignatureValidator
from multidict import MultiDict
from slack_sdk.signature import Clock, SignatureVerifier
from twilio.request_validator import RequestValidator

from arauto import sources
from arauto.errors import BadSignature, UsageFault
from arauto.ingress import Request, SettingsFaulty
from arauto.ingress.verifier import Timestamp, Verification, Verifier
from arauto.secret import Secret
from arauto.sources import Source

NOW = 1795507200
GENUINE = "genuine"


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def request(body: bytes | str, query: dict[str, str] | None = None, /, **headers: str) -> Request:
    return Request(
        method="POST",
        path="/in/x",
        query=tuple((query or {}).items()),
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
        body=body.encode() if isinstance(body, str) else body,
        url="https://avisos.example/in/x",
    )


def verdict(verify: Callable[[Request, datetime], None], call: Request, now: float = NOW) -> str:
    """``genuine``, or the code of the refusal."""
    try:
        verify(call, moment(now))
    except BadSignature as refusal:
        return refusal.code
    return GENUINE


def kind(name: str, secrets: list[str], **settings: Any) -> Source:
    module = sources.load(name)
    source: Source = module.compile(
        name,
        msgspec.convert(
            {"secrets": secrets, **settings}, module.Settings, dec_hook=lambda _, reference: Secret(reference)
        ),
    )
    return source


def verifier(*secrets: str, **settings: Any) -> Verifier:
    return Verifier(Verification(secrets=tuple(map(Secret, secrets)), **settings))


def flipped(text: str, bit: int) -> str:
    """The text with one bit of one of its characters turned over."""
    position, shift = divmod(bit % (len(text) * 7), 7)
    return text[:position] + chr(ord(text[position]) ^ (1 << shift)) + text[position + 1 :]


# -- published vectors ---------------------------------------------------------------------------------------------

SVIX_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SVIX = {"webhook_id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook_timestamp": "1614265330"}
SVIX_BODY = '{"test": 2432232314}'
SVIX_GOOD = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SVIX_DECOY = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
SVIX_ED25519 = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
SLACK_BODY = (
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
CONVOY_BODY = '{"event":"charge.success","amount":1000,"currency":"NGN"}'
CONVOY = "77b8b9269f25a199846a55a2bd25b3fba151c70fdae60bb1dcd87fbbc943c55c"


class Vector(NamedTuple):
    verify: Callable[[Request, datetime], None]
    call: Request
    now: float
    expected: str = GENUINE


def svix_vector(signature: str, expected: str = GENUINE, now: int = 1614265330) -> Vector:
    return Vector(
        kind("standard_webhooks", [SVIX_SECRET]).verify,
        request(SVIX_BODY, webhook_signature=signature, **SVIX),
        now,
        expected,
    )


def convoy_vector(header: str, expected: str = GENUINE, now: int = 1700000000) -> Vector:
    verify = verifier(
        "convoy-webhook-secret",
        header="X-Convoy-Signature",
        separator=",",
        prefix="v1=",
        signed="{timestamp},{body}",
        timestamp=Timestamp(item="t"),
    )
    return Vector(verify, request(CONVOY_BODY, x_convoy_signature=header), now, expected)


GITHUB = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

VECTORS = {
    "Standard Webhooks": svix_vector(SVIX_GOOD),
    "Standard Webhooks, bad": svix_vector("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=", "bad_signature"),
    "Standard Webhooks, among decoys": svix_vector(
        f"{SVIX_DECOY} v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= {SVIX_GOOD} {SVIX_DECOY}"
    ),
    "Standard Webhooks, only another version": svix_vector(SVIX_GOOD.replace("v1,", "v2,"), "malformed"),
    "Standard Webhooks, without padding": svix_vector(SVIX_GOOD.rstrip("=")),
    "Standard Webhooks, too old": svix_vector(SVIX_GOOD, "too_old", 1614265330 + 301),
    "Standard Webhooks, in the future": svix_vector(SVIX_GOOD, "in_future", 1614265330 - 301),
    "Standard Webhooks, secret without prefix and padding": Vector(
        kind("standard_webhooks", [SVIX_SECRET.removeprefix("whsec_").rstrip("=")]).verify,
        request(SVIX_BODY, webhook_signature=SVIX_GOOD, **SVIX),
        1614265330,
    ),
    "Standard Webhooks, Ed25519": Vector(
        kind("standard_webhooks", [], public_keys=["whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="]).verify,
        request(SVIX_BODY, webhook_signature=f"{SVIX_GOOD} {SVIX_ED25519}", **SVIX),
        1614265330,
    ),
    "GitHub": Vector(
        kind("github", ["It's a Secret to Everybody"]).verify,
        request("Hello, World!", x_hub_signature_256=f"sha256={GITHUB}"),
        NOW,
    ),
    "GitHub, octokit": Vector(
        kind("github", ["mysecret"]).verify,
        request(
            '{"foo":"bar"}',
            x_hub_signature_256="sha256=4864d2759938a15468b5df9ade20bf161da9b4f737ea61794142f3484236bda3",
        ),
        NOW,
    ),
    "GitHub, Convoy": Vector(
        kind("github", ["Convoy"]).verify,
        request(
            "Test Payload Body",
            x_hub_signature_256="sha256=d7a154547e7c35e31c4c820e20237650939c3d34dae136e30a7757ca61abb4cf",
        ),
        NOW,
    ),
    "Slack": Vector(
        kind("slack", ["8f742231b10e8888abcd99yyyzzz85a5"]).verify,
        request(
            SLACK_BODY,
            x_slack_request_timestamp="1531420618",
            x_slack_signature="v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        ),
        1531420618,
    ),
    "Shopify": Vector(
        kind("shopify", ["test_secret_key"]).verify,
        request('{"foo": "bar"}', x_shopify_hmac_sha256="B23tXN681gZ0qIWNRrgtzBE9XSDo5yaUu6wfmhu3a7g="),
        NOW,
    ),
    "Shopify, Convoy": Vector(
        kind("shopify", ["Convoy"]).verify,
        request("Test Payload Body", x_shopify_hmac_sha256="16FUVH58NeMcTIIOICN2UJOcPTTa4TbjCndXymGrtM8="),
        NOW,
    ),
    "X, Convoy": Vector(
        verifier("Convoy", header="x-twitter-webhooks-signature", prefix="sha256=", encoding="base64"),
        request(
            "Test Payload Body",
            x_twitter_webhooks_signature="sha256=16FUVH58NeMcTIIOICN2UJOcPTTa4TbjCndXymGrtM8=",
        ),
        NOW,
    ),
    "Convoy": convoy_vector(f"t=1700000000,v1={CONVOY}"),
    "Convoy, time last": convoy_vector(f"v1={CONVOY},t=1700000000"),
    "Convoy, infinite time": convoy_vector(f"t=Infinity,v1={CONVOY}", "malformed"),
    "Convoy, short signature": convoy_vector("t=1700000000,v1=1234567890", "bad_signature"),
    "Convoy, no time": convoy_vector(f"v1={CONVOY}", "missing_timestamp"),
    "Convoy, bad": convoy_vector(f"t=1700000000,v1={CONVOY[:-1]}0", "bad_signature"),
    "Convoy, expired": convoy_vector(f"t=1700000000,v1={CONVOY}", "too_old", 1700000301),
    "Square, by its URL": Vector(
        verifier("key", header="x-square-hmacsha256-signature", encoding="base64", signed="{url}{body}"),
        request(
            "{}",
            x_square_hmacsha256_signature=base64.b64encode(
                hmac.digest(b"key", b"https://avisos.example/in/x{}", "sha256")
            ).decode(),
        ),
        NOW,
    ),
    "HubSpot v3, in milliseconds": Vector(
        verifier(
            "key",
            header="X-HubSpot-Signature-v3",
            encoding="base64",
            signed="{method}{url}{body}{timestamp}",
            timestamp=Timestamp(header="X-HubSpot-Request-Timestamp", unit="ms"),
        ),
        request(
            "{}",
            x_hubspot_request_timestamp=f"{NOW}123",
            x_hubspot_signature_v3=base64.b64encode(
                hmac.digest(b"key", f"POSThttps://avisos.example/in/x{{}}{NOW}123".encode(), "sha256")
            ).decode(),
        ),
        NOW,
    ),
    "hex in capitals": Vector(
        verifier("It's a Secret to Everybody", header="x-signature"),
        request("Hello, World!", x_signature=GITHUB.upper()),
        NOW,
    ),
    "hex in capitals and small letters": Vector(
        verifier("It's a Secret to Everybody", header="x-signature"),
        request("Hello, World!", x_signature=GITHUB.replace("a", "A")),
        NOW,
        "bad_signature",
    ),
    "HMAC-SHA1 in the query": Vector(
        verifier("key", query="signature", algorithm="hmac-sha1"),
        request("{}", {"signature": hmac.digest(b"key", b"{}", "sha1").hex()}),
        NOW,
    ),
    "HMAC-SHA512 in base64url": Vector(
        verifier("key", header="x-signature", algorithm="hmac-sha512", encoding="base64url"),
        request("{}", x_signature=base64.urlsafe_b64encode(hmac.digest(b"key", b"{}", "sha512")).decode()),
        NOW,
    ),
    "a key in hex": Vector(
        verifier("0aff", header="x-signature", key="hex"),
        request("{}", x_signature=hmac.digest(b"\x0a\xff", b"{}", "sha256").hex()),
        NOW,
    ),
    "plain SHA-256 of token and body": Vector(
        verifier("token", header="x-authenticity-token", algorithm="sha256", signed="{secret}-{body}"),
        request("{}", x_authenticity_token=hashlib.sha256(b"token-{}").hexdigest()),
        NOW,
    ),
    "a signed header that is not there": Vector(
        verifier("key", header="x-signature", signed="{header.x-id}{body}"), request("{}", x_signature="0" * 64),
        NOW,
        "missing_header",
    ),
}  # fmt: skip


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_vectors(vector: Vector) -> None:
    assert verdict(vector.verify, vector.call, vector.now) == vector.expected


STRIPE_GOOD = "t=1795507200,v1={}"
MALFORMED = ["t=,v1=…", "t,v1=,v0=", "t,v1=,v0", "t,v1=,", "t,,", ",,", "t", "", "=", "t=1,v1=", "v1", "t=١,v1=ab", "é"]


@pytest.mark.parametrize("header", MALFORMED)
def test_malformed_stripe_headers_are_refused(header: str) -> None:
    verdict_ = verdict(kind("stripe", ["webhook_secret"]).verify, request("{}", stripe_signature=header))
    assert verdict_ in ("malformed", "missing_signature", "missing_timestamp")


def test_a_stripe_header_with_only_v0_is_refused() -> None:
    header = stripe.WebhookSignature.generate_signature_header("{}", "s", NOW).replace("v1=", "v0=")
    assert verdict(kind("stripe", ["s"]).verify, request("{}", stripe_signature=header)) == "malformed"


def test_a_header_with_hundreds_of_signatures_is_refused() -> None:
    header = f"t={NOW}," + ",".join(["v1=00"] * 500)
    assert verdict(kind("stripe", ["s"]).verify, request("{}", stripe_signature=header)) == "malformed"


def test_the_same_header_twice_is_one_list() -> None:
    good = stripe.WebhookSignature.generate_signature_header("{}", "s", NOW)
    call = msgspec.structs.replace(request("{}"), headers=(("stripe-signature", "v1=00"), ("stripe-signature", good)))
    assert verdict(kind("stripe", ["s"]).verify, call) == GENUINE
    twice = msgspec.structs.replace(call, headers=(("x-hub-signature-256", "sha256=00"),) * 2)
    assert verdict(kind("github", ["s"]).verify, twice) == "bad_signature"


def test_the_algorithm_is_never_taken_from_the_request() -> None:
    weak = hmac.digest(b"s", b"{}", "sha1").hex()
    assert verdict(kind("github", ["s"]).verify, request("{}", x_hub_signature_256=f"sha1={weak}")) == "malformed"
    assert verdict(kind("github", ["s"]).verify, request("{}", x_hub_signature_256=f"sha256={weak}")) == "bad_signature"


# -- official SDKs as judges ---------------------------------------------------------------------------------------


class At(Clock):
    def now(self) -> float:
        return NOW


class Judge(NamedTuple):
    """A sender: how it signs, and how its own SDK verifies."""

    source: Source
    sign: Callable[[str], Request]
    accepts: Callable[[Request], bool] | None = None


def sign_standard(body: str) -> Request:
    signature = standardwebhooks.Webhook(SVIX_SECRET).sign("msg_1", moment(NOW), body)
    return request(body, webhook_id="msg_1", webhook_timestamp=str(NOW), webhook_signature=signature)


def sign_svix(body: str) -> Request:
    signature = svix.Webhook(SVIX_SECRET).sign("msg_1", moment(NOW), body)
    return request(body, svix_id="msg_1", svix_timestamp=str(NOW), svix_signature=signature)


def sign_stripe(body: str) -> Request:
    return request(body, stripe_signature=stripe.WebhookSignature.generate_signature_header(body, "secret", NOW))


def stripe_accepts(call: Request) -> bool:
    try:
        return stripe.WebhookSignature.verify_header(call.body, call.header("stripe-signature"), "secret")
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False


def sign_slack(body: str) -> Request:
    signature = SignatureVerifier("secret", At()).generate_signature(timestamp=str(NOW), body=body)
    return request(body, x_slack_request_timestamp=str(NOW), x_slack_signature=signature or "")


def slack_accepts(call: Request) -> bool:
    try:
        return SignatureVerifier("secret", At()).is_valid_request(call.body, dict(call.headers))
    except (ValueError, TypeError):
        return False


def sign_mercado_pago(body: str) -> Request:
    manifest = f"id:12345;request-id:req-1;ts:{NOW};"
    signature = hmac.digest(b"secret", manifest.encode(), "sha256").hex()
    return request(body, {"data.id": "12345"}, x_request_id="req-1", x_signature=f"ts={NOW},v1={signature}")


def mercado_pago_accepts(call: Request) -> bool:
    try:
        WebhookSignatureValidator.validate(
            call.header("x-signature"),
            call.header("x-request-id"),
            call.parameter("data.id"),
            "secret",
            tolerance_seconds=300,
            now=lambda: NOW * 1000,
        )
    except (InvalidWebhookSignatureError, TypeError):
        return False
    return True


JUDGES = {
    "standardwebhooks": Judge(kind("standard_webhooks", [SVIX_SECRET]), sign_standard),
    "svix": Judge(kind("standard_webhooks", [SVIX_SECRET], headers="svix"), sign_svix),
    "stripe": Judge(kind("stripe", ["secret"]), sign_stripe, stripe_accepts),
    "slack_sdk": Judge(kind("slack", ["secret"]), sign_slack, slack_accepts),
    "mercadopago": Judge(kind("mercado_pago", ["secret"]), sign_mercado_pago, mercado_pago_accepts),
}
judged = pytest.mark.parametrize("judge", JUDGES.values(), ids=JUDGES)
bodies = st.text(max_size=60)
bits = st.integers(0, 10**6)


@judged
@given(body=bodies)
def test_what_the_sdk_signs_is_genuine(judge: Judge, body: str) -> None:
    call = judge.sign(body)
    assert verdict(judge.source.verify, call) == GENUINE
    if judge.accepts:
        assert judge.accepts(call)


@judged
@given(body=bodies.filter(bool), bit=bits)
def test_one_bit_of_the_body_is_enough(judge: Judge, body: str, bit: int) -> None:
    call = judge.sign(body)
    position, shift = divmod(bit % (len(call.body) * 8), 8)
    changed = bytearray(call.body)
    changed[position] ^= 1 << shift
    forged = msgspec.structs.replace(call, body=bytes(changed))
    signs_its_body = "mercado_pago" not in judge.source.name
    assert verdict(judge.source.verify, forged) == ("bad_signature" if signs_its_body else GENUINE)
    if judge.accepts:
        assert judge.accepts(forged) is not signs_its_body


@judged
@given(header=st.integers(0, 9), bit=bits)
def test_one_bit_of_any_signed_header_is_enough(judge: Judge, header: int, bit: int) -> None:
    call = judge.sign('{"a": 1}')
    at = header % len(call.headers)
    name, value = call.headers[at]
    headers = (*call.headers[:at], (name, flipped(value, bit)), *call.headers[at + 1 :])
    forged = msgspec.structs.replace(call, headers=headers)
    assert verdict(judge.source.verify, forged) != GENUINE
    if judge.accepts and name not in ("stripe-signature", "x-signature"):  # their SDKs let items be spelt loosely
        assert not judge.accepts(forged)


@judged
@pytest.mark.parametrize("secrets", [["new", "old"], ["old", "new"]])
def test_while_a_secret_is_changed_both_count(judge: Judge, secrets: list[str]) -> None:
    genuine = judge.sign("{}")
    right = SVIX_SECRET if judge.source.name == "standard_webhooks" else "secret"
    other = "whsec_" + base64.b64encode(b"another secret").decode()
    settings = {"headers": "svix"} if "svix-id" in dict(genuine.headers) else {}
    known = {"new": other, "old": right}
    both = kind(judge.source.name, [known[each] for each in secrets], **settings)
    assert verdict(both.verify, genuine) == GENUINE
    assert verdict(kind(judge.source.name, [other], **settings).verify, genuine) == "bad_signature"


@judged
@pytest.mark.parametrize(
    ("late", "expected"),
    [(0, GENUINE), (300, GENUINE), (301, "too_old"), (-300, GENUINE), (-301, "in_future"), (10**9, "too_old")],
)
def test_five_minutes_either_way(judge: Judge, late: int, expected: str) -> None:
    assert verdict(judge.source.verify, judge.sign("{}"), NOW + late) == expected


def test_tolerance_can_be_set() -> None:
    patient = kind("stripe", ["secret"], tolerance="1h")
    assert verdict(patient.verify, sign_stripe("{}"), NOW + 3600) == GENUINE
    assert verdict(patient.verify, sign_stripe("{}"), NOW + 3601) == "too_old"


# -- Mercado Pago's manifest ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data_id", "request_id", "stamp", "manifest"),
    [
        ("12345", "r-1", f"{NOW}", f"id:12345;request-id:r-1;ts:{NOW};"),
        ("ORD01ABC", "r-1", f"{NOW}", f"id:ord01abc;request-id:r-1;ts:{NOW};"),
        ("12345", "r-1", f"{NOW}500", f"id:12345;request-id:r-1;ts:{NOW}500;"),
        ("12345", None, f"{NOW}", f"id:12345;ts:{NOW};"),
        (None, "r-1", f"{NOW}", f"request-id:r-1;ts:{NOW};"),
        (None, None, f"{NOW}", f"ts:{NOW};"),
    ],
    ids=["whole", "capitals", "milliseconds", "no request id", "no data.id", "only the time"],
)
def test_mercado_pago_leaves_out_what_is_absent(
    data_id: str | None, request_id: str | None, stamp: str, manifest: str
) -> None:
    signature = f"ts={stamp},v1={hmac.digest(b'secret', manifest.encode(), 'sha256').hex()}"
    WebhookSignatureValidator.validate(signature, request_id, data_id and data_id.lower(), "secret")
    headers = {"x_signature": signature, **({"x_request_id": request_id} if request_id else {})}
    call = request("{}", {"data.id": data_id} if data_id else {}, **headers)
    assert verdict(kind("mercado_pago", ["secret"]).verify, call) == GENUINE


# -- tokens --------------------------------------------------------------------------------------------------------

TOKENS = {
    "Bearer": ({}, {"authorization": "Bearer tok-1"}, GENUINE),
    "a scheme in small letters": ({}, {"authorization": "bearer tok-1"}, GENUINE),
    "another token": ({}, {"authorization": "Bearer tok-2"}, "bad_signature"),
    "the beginning of the token": ({}, {"authorization": "Bearer tok-"}, "bad_signature"),
    "more than the token": ({}, {"authorization": "Bearer tok-1x"}, "bad_signature"),
    "no scheme": ({}, {"authorization": "tok-1"}, "malformed"),
    "another scheme": ({}, {"authorization": "Basic dG9rLTE="}, "malformed"),
    "a scheme alone": ({}, {"authorization": "Bearer "}, "malformed"),
    "nothing": ({}, {}, "missing_signature"),
    "not ASCII": ({}, {"authorization": "Bearer tok-é"}, "bad_signature"),
    "in a header of its own": ({"header": "X-Token"}, {"x_token": "tok-1"}, GENUINE),
    "in a header of its own, with a scheme": ({"header": "X-Token"}, {"x_token": "Bearer tok-1"}, "bad_signature"),
    "Basic": ({"scheme": "Basic"}, {"authorization": "Basic dG9rLTE="}, GENUINE),
    "Basic, bad": ({"scheme": "Basic"}, {"authorization": "Basic dG9rLTI="}, "bad_signature"),
}


@pytest.mark.parametrize(("settings", "headers", "expected"), TOKENS.values(), ids=TOKENS)
def test_tokens(settings: dict[str, str], headers: dict[str, str], expected: str) -> None:
    source = kind("bearer", ["tok-0", "tok-1"], events=[{"type": "t", "id": "body.id"}], **settings)
    assert verdict(source.verify, request("{}", **headers)) == expected


# -- Ed25519 -------------------------------------------------------------------------------------------------------

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
DISCORD = {
    "header": "X-Signature-Ed25519",
    "algorithm": "ed25519",
    "key": "hex",
    "signed": "{timestamp}{body}",
    "timestamp": Timestamp(header="X-Signature-Timestamp"),
}


@given(body=st.binary(max_size=40), bit=st.integers(0, 511))
def test_ed25519_as_discord_signs(body: bytes, bit: int) -> None:
    verify = verifier(KEY.public_key().public_bytes_raw().hex(), **DISCORD)
    signature = KEY.sign(str(NOW).encode() + body)
    call = request(body, x_signature_timestamp=str(NOW), x_signature_ed25519=signature.hex())
    assert verdict(verify, call) == GENUINE
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    forged = request(body, x_signature_timestamp=str(NOW), x_signature_ed25519=changed.hex())
    assert verdict(verify, forged) == "bad_signature"
    assert verdict(verify, request(body, x_signature_timestamp=str(NOW), x_signature_ed25519="zz")) == "bad_signature"


# -- ECDSA and forms -----------------------------------------------------------------------------------------------

SENDGRID = {
    "header": "X-Twilio-Email-Event-Webhook-Signature",
    "algorithm": "ecdsa-p256",
    "key": "base64",
    "encoding": "base64",
    "signed": "{timestamp}{body}",
    "timestamp": Timestamp(header="X-Twilio-Email-Event-Webhook-Timestamp"),
}
SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/"
    "1FwCM/QmGUhA=="
)
SENDGRID_SIGNATURE = "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0="
SENDGRID_BODY = '{"category":"example_payload","event":"test_event","message_id":"message_id"}'


def test_ecdsa_as_sendgrid_publishes_it() -> None:
    verify = verifier(SENDGRID_KEY, **SENDGRID)
    headers = {
        "x_twilio_email_event_webhook_signature": SENDGRID_SIGNATURE,
        "x_twilio_email_event_webhook_timestamp": "1588788367",
    }
    assert verdict(verify, request(SENDGRID_BODY, **headers), 1588788367) == GENUINE
    assert verdict(verify, request(SENDGRID_BODY + " ", **headers), 1588788367) == "bad_signature"
    assert verdict(verify, request(SENDGRID_BODY, **headers), 1588788367 + 301) == "too_old"


@given(body=st.binary(max_size=40), bit=st.integers(0, 10_000))
def test_ecdsa_refuses_a_changed_signature(body: bytes, bit: int) -> None:
    key = derive_private_key(7, SECP256R1())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    verify = verifier(base64.b64encode(public).decode(), **{**SENDGRID, "encoding": "hex"})
    signature = key.sign(str(NOW).encode() + body, ECDSA(SHA256()))
    changed = bytearray(signature)
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    for given_signature, expected in ((signature, GENUINE), (bytes(changed), "bad_signature")):
        call = request(
            body,
            x_twilio_email_event_webhook_signature=given_signature.hex(),
            x_twilio_email_event_webhook_timestamp=str(NOW),
        )
        assert verdict(verify, call) == expected


FIELDS = st.dictionaries(st.text(min_size=1, max_size=8), st.lists(st.text(max_size=8), min_size=1, max_size=3))


def meant(signature: str) -> bytes | None:
    """The bytes that a text of base64 stands for: two bits of the last letter and the padding stand for nothing."""
    bare = signature.strip()
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        return None


@given(fields=FIELDS, bit=st.integers(0, 10_000))
@example(fields={}, bit=1174)  # the padding becomes a separator, which counts as white space
def test_a_form_as_twilio_signs(fields: dict[str, list[str]], bit: int) -> None:
    settings = {"header": "X-Twilio-Signature", "algorithm": "hmac-sha1", "encoding": "base64", "signed": "{url}{form}"}
    verify = verifier("12345", **settings)
    pairs = [(name, value) for name, values in fields.items() for value in values]
    params = MultiDict(pairs)
    body = urlencode(pairs)
    signature = RequestValidator("12345").compute_signature("https://avisos.example/in/x", params)
    assert verdict(verify, request(body, x_twilio_signature=signature)) == GENUINE
    changed = flipped(signature, bit)
    if meant(changed) != meant(signature):
        assert verdict(verify, request(body, x_twilio_signature=changed)) == "bad_signature"
    longer = "&".join([*filter(None, [body]), "another-field=1"])
    assert verdict(verify, request(longer, x_twilio_signature=signature)) == "bad_signature"
    assert verdict(verify, request("%ff=%fe", x_twilio_signature=signature)) == "missing_header"


# -- secrets and settings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "settings", "said"),
    [
        ("", {}, "empty"),
        ("whsec_", {"key": "base64"}, "empty"),
        ("whsec_!!", {"key": "base64"}, "base64"),
        ("xyz", {"key": "hex"}, "hex"),
        ("00", DISCORD, "32 bytes"),
        ("AAAA", SENDGRID, "P-256"),
    ],
)
def test_secrets_that_are_no_keys_are_found_at_start(secret: str, settings: dict[str, Any], said: str) -> None:
    verify = verifier(secret, **{"header": "x-signature", **settings})
    with pytest.raises(UsageFault, match=said) as fault:
        verify.prepare()
    assert not secret or secret not in str(fault.value)


FAULTY: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no place": ({"header": None}, ("header",)),
    "two places": ({"query": "signature"}, ("header",)),
    "a hole that is not there": ({"signed": "{bdy}"}, ("signed",)),
    "a hole without a name": ({"signed": "{header.}"}, ("signed",)),
    "an unknown filter": ({"signed": "{body|upper}"}, ("signed",)),
    "a bracket that is never closed": ({"signed": "[{body}"}, ("signed",)),
    "a brace that is never closed": ({"signed": "{body"}, ("signed",)),
    "a timestamp that is not signed": ({"timestamp": Timestamp(header="x-time")}, ("signed",)),
    "a signed timestamp from nowhere": ({"signed": "{timestamp}{body}"}, ("signed",)),
    "a timestamp without a place": ({"timestamp": Timestamp(), "signed": "{timestamp}"}, ("timestamp",)),
    "an item without a separator": (
        {"timestamp": Timestamp(item="t"), "signed": "{timestamp}{body}"},
        ("timestamp", "item"),
    ),
    "a tolerance without a unit": (
        {"timestamp": Timestamp(header="t", tolerance="300"), "signed": "{timestamp}{body}"},
        ("timestamp", "tolerance"),
    ),
    "a secret that is signed with HMAC": ({"signed": "{secret}{body}"}, ("signed",)),
    "a plain hash without a secret": ({"algorithm": "sha256"}, ("signed",)),
    "a token that signs": ({"algorithm": "token", "signed": "{url}"}, ("algorithm",)),
}


@pytest.mark.parametrize(("settings", "path"), FAULTY.values(), ids=FAULTY)
def test_settings_that_make_no_sense(settings: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(SettingsFaulty) as faulty:
        verifier("secret", **{"header": "x-signature", **settings})
    assert [fault.path for fault in faulty.value.faults] == [path]
    assert all(fault.hint for fault in faulty.value.faults)


def test_a_preset_names_its_own_setting() -> None:
    with pytest.raises(SettingsFaulty) as faulty:
        kind("stripe", [], tolerance="soon")
    assert {fault.path for fault in faulty.value.faults} == {("secrets",), ("tolerance",)}


def test_the_clock_is_not_asked_before_the_signature() -> None:
    forged = request("{}", stripe_signature=f"t={NOW - 9999},v1={'0' * 64}")
    assert verdict(kind("stripe", ["secret"]).verify, forged) == "bad_signature"
