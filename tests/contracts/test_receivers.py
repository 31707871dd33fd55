"""One suite over every receiver: what each promises by standing in a provider's module.

Calls are signed as the provider signs them: by its official SDK, or judged by it. Addresses and texts hold the word
``canary``, which must be seen nowhere else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sendgrid.helpers.eventwebhook import EventWebhook
from slack_sdk.signature import Clock, SignatureVerifier
from twilio.request_validator import RequestValidator

from arauto import channels
from arauto.channels import Receiver
from arauto.egress import Egress, Response
from arauto.errors import BadPayload, BadSignature, IntakeError
from arauto.ingress import Request
from arauto.model import Receipt
from arauto.secret import Secret

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EARLIER = NOW - timedelta(minutes=5)
ID = "msg_0123456789abcdef0123456789"
PUBLIC = "https://avisos.example"


def request(path: str, body: bytes, query: Mapping[str, str] | None = None, **headers: str) -> Request:
    tail = f"?{urlencode(query)}" if query else ""
    return Request(
        method="POST",
        path=path,
        query=tuple((query or {}).items()),
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
        body=body,
        url=f"{PUBLIC}{path}{tail}",
    )


# -- how each provider calls -----------------------------------------------------------------------------------------


def from_twilio(told: Mapping[str, str] | bytes) -> Request:
    path, query = "/receipts/sms/twilio", {"message": ID}
    fields: dict[str, str] = {} if isinstance(told, bytes) else {"To": "+5511987654321", "MessageSid": "SM1", **told}
    url = f"{PUBLIC}{path}?{urlencode(query)}"
    signature = RequestValidator("canary-token").compute_signature(url, fields)
    body = told if isinstance(told, bytes) else urlencode(fields).encode()
    return request(path, body, query, x_twilio_signature=signature)


SENDGRID_KEY = ec.derive_private_key(7, ec.SECP256R1())
SENDGRID_PUBLIC = base64.b64encode(
    SENDGRID_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()


def from_sendgrid(told: Any) -> Request:
    body = told if isinstance(told, bytes) else json.dumps(told, indent=1).encode() + b"\r\n"
    stamp = str(int(NOW.timestamp()))
    signature = base64.b64encode(SENDGRID_KEY.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    judge = EventWebhook()
    if not isinstance(told, bytes):
        key = judge.convert_public_key_to_ecdsa(SENDGRID_PUBLIC)
        assert judge.verify_signature(body.decode(), signature, stamp, key)
    return request(
        "/receipts/email/sendgrid",
        body,
        x_twilio_email_event_webhook_signature=signature,
        x_twilio_email_event_webhook_timestamp=stamp,
    )


def from_slack(told: Any) -> Request:
    body = told if isinstance(told, bytes) else urlencode({"payload": json.dumps(told)}).encode()
    stamp = str(int(NOW.timestamp()))
    verifier = SignatureVerifier("canary-secret", Clock())
    signature = verifier.generate_signature(timestamp=stamp, body=body)
    return request("/receipts/slack/web_api", body, x_slack_signature=signature, x_slack_request_timestamp=stamp)


SNS_KEY = rsa.generate_private_key(65537, 2048)
TOPIC = "arn:aws:sns:sa-east-1:123456789012:receipts"
SNS = "https://sns.sa-east-1.amazonaws.com"
CERTIFICATE = f"{SNS}/SimpleNotificationService-0123456789abcdef.pem"


def certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(SNS_KEY.public_key())
    made = made.serial_number(1).not_valid_before(EARLIER).not_valid_after(NOW + timedelta(days=30))
    return made.sign(SNS_KEY, SHA256()).public_bytes(Encoding.PEM)


def from_sns(version: str, told: Any, **fields: str) -> Request:
    """A message of SNS; ``told`` is its Message, and ``fields`` are others."""
    if isinstance(told, bytes):
        return request("/receipts/email/ses", told)
    message = {
        "Type": "Notification",
        "MessageId": "19ba9823-d7f2-53c1-860e-cb10e0d13dfc",
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Event Notification",
        "Message": told if isinstance(told, str) else json.dumps(told) + "\n",
        "Timestamp": "2026-01-02T03:04:05.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        "UnsubscribeURL": f"{SNS}/?Action=Unsubscribe&SubscriptionArn=arn",
        **fields,
    }
    names = ["Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{message[name]}\n" for name in names if message.get(name)).encode()
    signature = SNS_KEY.sign(text, padding.PKCS1v15(), SHA1() if version == "1" else SHA256())
    message["Signature"] = base64.b64encode(signature).decode()
    return request("/receipts/email/ses", json.dumps(message).encode())


def ses(kind: str, place: str, more: Mapping[str, Any], *, tags: Any = None, headers: Any = None) -> dict[str, Any]:
    mail = {
        "timestamp": "2026-01-02T02:00:00.000Z",
        "source": "avisos@example.com",
        "messageId": "00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa0680-000000",
        "destination": ["canary@example.com"],
        "headersTruncated": True,
        "headers": headers or [{"name": "Subject", "value": "canary-text"}],
        "tags": {"ses:configuration-set": ["hub"], "arauto-message": [ID]} if tags is None else tags,
    }
    return {"eventType": kind, "mail": mail, place: more}


def bounce(kind: str, sub: str = "General") -> dict[str, Any]:
    return {
        "bounceType": kind,
        "bounceSubType": sub,
        "bouncedRecipients": [
            {"emailAddress": "canary@example.com", "status": "5.1.1", "diagnosticCode": "550 <canary@example.com>"}
        ],
        "timestamp": "2026-01-02T02:59:05.000Z",
        "feedbackId": "1",
    }


def press(**changes: Any) -> dict[str, Any]:
    action = {"type": "button", "action_id": "acknowledge", "block_id": "b", "value": ID, "action_ts": "1767322745.1"}
    return {
        "type": "block_actions",
        "user": {"id": "U061F7AUR", "username": "canary"},
        "message": {"ts": "1", "text": "canary-text", "blocks": []},
        "response_url": "https://hooks.slack.com/actions/T0/1/canary",
        "actions": [action | changes],
    }


def told_by_sendgrid(event: str, **more: Any) -> dict[str, Any]:
    return {
        "email": "canary@example.com",
        "timestamp": int(EARLIER.timestamp()),
        "smtp-id": "<canary@example.com>",
        "event": event,
        "sg_event_id": "1",
        "sg_message_id": "1",
        "arauto_message": ID,
        **more,
    }


def receipt(kind: Any, at: datetime, detail: str | None, *, permanent: bool = False) -> Receipt:
    return Receipt(message=ID, kind=kind, at=at, detail=detail, permanent=permanent)


# -- the table -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sender:
    """A provider that calls: how, with which settings, and what its calls mean."""

    settings: dict[str, Any]
    switch: str | None
    """The setting without which receipts are off."""
    call: Callable[[Any], Request]
    cases: dict[str, tuple[Any, Sequence[Receipt]]]
    nonsense: dict[str, bytes] = field(default_factory=dict)
    """Genuine calls that cannot be understood."""


TWILIO = Sender(
    settings={"account_sid": "AC1", "auth_token": "canary-token", "from": "+15005550006"},
    switch=None,
    call=from_twilio,
    cases={
        "delivered": ({"MessageStatus": "delivered"}, [receipt("delivered", NOW, "delivered")]),
        "read, as WhatsApp tells": ({"MessageStatus": "read"}, [receipt("read", NOW, "read")]),
        "the telephone is off": (
            {"MessageStatus": "undelivered", "ErrorCode": "30003"},
            [receipt("failed", NOW, "undelivered, code 30003")],
        ),
        "no such telephone": (
            {"MessageStatus": "undelivered", "ErrorCode": "30005"},
            [receipt("failed", NOW, "undelivered, code 30005", permanent=True)],
        ),
        "a landline": (
            {"MessageStatus": "failed", "ErrorCode": "30006"},
            [receipt("failed", NOW, "failed, code 30006", permanent=True)],
        ),
        "stopped by its owner": (
            {"MessageStatus": "failed", "ErrorCode": "21610"},
            [receipt("failed", NOW, "failed, code 21610", permanent=True)],
        ),
        "failed without a code": ({"MessageStatus": "failed"}, [receipt("failed", NOW, "failed")]),
        "a code that is none": ({"MessageStatus": "failed", "ErrorCode": "canary"}, [receipt("failed", NOW, "failed")]),
        "queued": ({"MessageStatus": "queued"}, []),
        "sent": ({"MessageStatus": "sent", "ErrorCode": ""}, []),
        "a status of tomorrow": ({"MessageStatus": "teleported"}, []),
        "no status at all": ({"SmsSid": "SM1"}, []),
    },
)
SENDGRID = Sender(
    settings={"api_key": "canary-key", "from": "avisos@example.com", "verification_key": SENDGRID_PUBLIC},
    switch="verification_key",
    call=from_sendgrid,
    cases={
        "delivered": ([told_by_sendgrid("delivered")], [receipt("delivered", EARLIER, "delivered")]),
        "bounced": (
            [told_by_sendgrid("bounce", type="bounce", status="5.1.1", reason="550 <canary@example.com>")],
            [receipt("bounced", EARLIER, "bounce, 5.1.1", permanent=True)],
        ),
        "blocked": (
            [told_by_sendgrid("bounce", type="blocked", status="canary")],
            [receipt("bounced", EARLIER, "blocked")],
        ),
        "dropped, for it bounced before": (
            [told_by_sendgrid("dropped", reason="Bounced Address")],
            [receipt("failed", EARLIER, "dropped, Bounced Address", permanent=True)],
        ),
        "dropped as spam": (
            [told_by_sendgrid("dropped", reason="Spam Content")],
            [receipt("failed", EARLIER, "dropped, Spam Content")],
        ),
        "dropped for a reason of tomorrow": (
            [told_by_sendgrid("dropped", reason="canary@example.com smells")],
            [receipt("failed", EARLIER, "dropped")],
        ),
        "called spam": ([told_by_sendgrid("spamreport")], [receipt("complained", EARLIER, "spamreport")]),
        "opened": ([told_by_sendgrid("open", sg_machine_open=False)], [receipt("opened", EARLIER, "open")]),
        "opened by a machine": ([told_by_sendgrid("open", sg_machine_open=True)], []),
        "clicked": ([told_by_sendgrid("click", url="https://canary")], [receipt("clicked", EARLIER, "click")]),
        "what says nothing new": (
            [told_by_sendgrid(name) for name in ("processed", "deferred", "unsubscribe", "group_unsubscribe", "new")],
            [],
        ),
        "a batch, in its order": (
            [told_by_sendgrid("click"), told_by_sendgrid("processed"), told_by_sendgrid("delivered")],
            [receipt("clicked", EARLIER, "click"), receipt("delivered", EARLIER, "delivered")],
        ),
        "a mail of somebody else": ([told_by_sendgrid("delivered") | {"arauto_message": None}], []),
        "an id that cannot be ours": ([told_by_sendgrid("delivered") | {"arauto_message": "canary@example.com"}], []),
        "a time that is none": ([told_by_sendgrid("open", timestamp="soon")], [receipt("opened", NOW, "open")]),
        "a time to come": ([told_by_sendgrid("open", timestamp=9999999999)], [receipt("opened", NOW, "open")]),
        "a time beyond time": ([told_by_sendgrid("open", timestamp=2**60)], [receipt("opened", NOW, "open")]),
        "an empty batch": ([], []),
    },
    nonsense={"no JSON": b"canary", "no list": b"{}", "no objects": b"[1]", "nothing": b""},
)
SLACK = Sender(
    settings={"token": "xoxb-canary", "signing_secret": "canary-secret"},
    switch="signing_secret",
    call=from_slack,
    cases={
        "acknowledged": (press(), [receipt("acknowledged", datetime.fromtimestamp(1767322745.1, UTC), None)]),
        "another button": (press(action_id="canary"), []),
        "a button that leads to a page": (press(value=None), []),
        "an id that cannot be ours": (press(value="canary@example.com"), []),
        "a time that is none": (press(action_ts="soon"), [receipt("acknowledged", NOW, None)]),
        "another interaction": ({"type": "view_submission", "actions": [press()["actions"][0]]}, []),
        "nothing pressed": ({"type": "block_actions"}, []),
    },
    nonsense={"no form": b"canary=%ff", "no payload": b"a=b", "no JSON": b"payload=canary", "no object": b"payload=1"},
)
ON_TIME = datetime(2026, 1, 2, 2, 59, 5, tzinfo=UTC)
SES = {
    "delivered": (
        ses("Delivery", "delivery", {"timestamp": "2026-01-02T02:59:05Z", "recipients": ["canary@example.com"]}),
        [receipt("delivered", ON_TIME, None)],
    ),
    "bounced for good": (
        ses("Bounce", "bounce", bounce("Permanent", "NoEmail")),
        [receipt("bounced", ON_TIME, "Permanent, NoEmail", permanent=True)],
    ),
    "bounced for now": (
        ses("Bounce", "bounce", bounce("Transient", "MailboxFull")),
        [receipt("bounced", ON_TIME, "Transient, MailboxFull")],
    ),
    "nobody knows how it bounced": (
        ses("Bounce", "bounce", bounce("Undetermined", "canary@example.com")),
        [receipt("bounced", ON_TIME, "Undetermined")],
    ),
    "called spam": (
        ses("Complaint", "complaint", {"complaintFeedbackType": "abuse", "timestamp": "2026-01-02T02:59:05Z"}),
        [receipt("complained", ON_TIME, "abuse")],
    ),
    "called no spam": (ses("Complaint", "complaint", {"complaintFeedbackType": "not-spam"}), []),
    "opened": (
        ses("Open", "open", {"timestamp": "2026-01-02T02:59:05Z", "ipAddress": "canary"}),
        [receipt("opened", ON_TIME, None)],
    ),
    "clicked": (
        ses("Click", "click", {"timestamp": "2026-01-02T02:59:05Z", "link": "https://canary"}),
        [receipt("clicked", ON_TIME, None)],
    ),
    "rejected": (ses("Reject", "reject", {"reason": "Bad content"}), [receipt("failed", NOW, "Bad content")]),
    "not rendered": (
        ses("Rendering Failure", "failure", {"errorMessage": "canary", "templateName": "t"}),
        [receipt("failed", NOW, None)],
    ),
    "a time to come": (
        ses("Open", "open", {"timestamp": "2036-01-02T02:59:05Z"}),
        [receipt("opened", NOW, None)],
    ),
    "sent": (ses("Send", "send", {}), []),
    "delayed": (ses("DeliveryDelay", "deliveryDelay", {"delayType": "MailboxFull"}), []),
    "an event of tomorrow": (ses("Teleport", "teleport", {}), []),
    "a mail of somebody else": (ses("Open", "open", {}, tags={}), []),
    "tags of another form": (ses("Open", "open", {}, tags={"arauto-message": ["canary@example.com"]}), []),
    "feedback without tags, with our header": (
        ses("Bounce", "bounce", bounce("Permanent"), tags={}, headers=[{"name": "x-arauto-message", "value": ID}])
        | {"eventType": None, "notificationType": "Bounce"},
        [receipt("bounced", ON_TIME, "Permanent, General", permanent=True)],
    ),
    "a greeting to a new topic": ("Successfully validated SNS topic for Amazon SES event publishing.", []),
}
SES["feedback without tags, with our header"][0].pop("eventType")  # type: ignore[union-attr]


def by_ses(version: str) -> Sender:
    return Sender(
        settings={
            "region": "sa-east-1",
            "username": "canary-user",
            "password": "canary-password",
            "from": "avisos@example.com",
            "topics": [TOPIC],
        },
        switch="topics",
        call=lambda told: from_sns(version, told),
        cases=SES,
        nonsense={"no JSON": b"canary", "no object": b"[]", "raw delivery": b'{"eventType": "Bounce"}', "nothing": b""},
    )


SENDERS = {
    ("sms", "twilio", ""): TWILIO,
    ("email", "sendgrid", ""): SENDGRID,
    ("email", "ses", "1"): by_ses("1"),
    ("email", "ses", "2"): by_ses("2"),
    ("slack", "web_api", ""): SLACK,
}
every_sender = pytest.mark.parametrize("place", SENDERS, ids=lambda place: "-".join(filter(None, place)))
CASES = [
    pytest.param(place, name, id=f"{'-'.join(filter(None, place))}: {name}")
    for place, sender in SENDERS.items()
    for name in sender.cases
]


class Rerouted(Egress):
    """Finds SNS at the sink."""

    sink = ""

    async def request(self, method: str, url: str, **rest: Any) -> Response:
        assert url.startswith(f"{SNS}/"), url
        return await super().request(method, url.replace(SNS, self.sink), **rest)


@pytest.fixture
async def egress(http_sink: Any) -> AsyncIterator[Rerouted]:
    client = Rerouted(["127.0.0.0/8"])
    client.sink = http_sink.url
    http_sink.answer = (200, {}, certificate())
    yield client
    await client.close()


def built(place: tuple[str, str, str], egress: Egress, **changes: Any) -> Receiver:
    channel, kind, _ = place
    module = channels.provider(channel, kind)
    given = {key: value for key, value in (SENDERS[place].settings | changes).items() if value is not None}
    settings = msgspec.convert(given, module.Settings, dec_hook=lambda _, value: Secret(value))
    made = channels.receiver(channel, kind, settings, egress)
    assert made is not None
    assert "canary" not in repr(made)
    return made


async def refusal(receiver: Receiver, call: Request) -> IntakeError:
    with pytest.raises(IntakeError) as caught:
        await receiver.receive(call, NOW)
    said = f"{caught.value!r} {caught.value.detail} {caught.value.errors}"
    assert "canary" not in said
    assert caught.value.__cause__ is None
    return caught.value


def test_the_suite_knows_every_receiver() -> None:
    there = {
        (channel, kind)
        for channel in channels.names()
        for kind in channels.providers(channel)
        if hasattr(channels.provider(channel, kind), "Receiver")
    }
    assert there == {place[:2] for place in SENDERS}


def test_a_provider_without_receiver_has_none() -> None:
    module = channels.provider("slack", "incoming_webhook")
    assert channels.receiver("slack", "incoming_webhook", module.Settings(url=Secret("https://x")), Egress()) is None


# -- what calls mean -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("place", "name"), CASES)
async def test_a_genuine_call_gives_the_receipts_of_the_table(
    place: tuple[str, str, str], name: str, egress: Rerouted
) -> None:
    told, expected = SENDERS[place].cases[name]
    receiver = built(place, egress)
    call = SENDERS[place].call(told)
    given = await receiver.receive(call, NOW)
    assert list(given) == list(expected)
    assert list(await receiver.receive(call, NOW)) == list(given), "told twice, it is the same"
    assert "canary" not in repr(given)


@every_sender
async def test_a_call_that_cannot_be_understood_is_refused(place: tuple[str, str, str], egress: Rerouted) -> None:
    receiver = built(place, egress)
    for body in SENDERS[place].nonsense.values():
        assert isinstance(await refusal(receiver, SENDERS[place].call(body)), BadPayload | BadSignature)


# -- what is no genuine call -----------------------------------------------------------------------------------------


def telling(place: tuple[str, str, str]) -> Request:
    """A call that gives a receipt."""
    sender = SENDERS[place]
    return sender.call(next(told for told, expected in sender.cases.values() if expected))


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


@every_sender
async def test_one_bit_of_the_body_turned_over_is_no_genuine_call(
    place: tuple[str, str, str], egress: Rerouted
) -> None:
    receiver, call = built(place, egress), telling(place)
    genuine = list(await receiver.receive(call, NOW))
    for bit in range(0, len(call.body) * 8, 11):
        forged = msgspec.structs.replace(call, body=flipped(call.body, bit))
        try:
            given = await receiver.receive(forged, NOW)
        except (BadSignature, BadPayload):
            continue
        # What SNS does not sign (UnsubscribeURL), and the form's own writing (%2b for +), may differ.
        assert list(given) == genuine
        assert place[1] in ("ses", "twilio")


@every_sender
async def test_one_bit_of_the_signature_turned_over_is_no_genuine_call(
    place: tuple[str, str, str], egress: Rerouted
) -> None:
    receiver, call = built(place, egress), telling(place)
    if place[1] == "ses":
        message = json.loads(call.body)
        genuine = base64.b64decode(message["Signature"])
        changed = [base64.b64encode(flipped(genuine, bit)).decode() for bit in range(0, 256 * 8, 37)]
        places = [
            msgspec.structs.replace(call, body=json.dumps(message | {"Signature": each}).encode()) for each in changed
        ]
    else:
        name = next(name for name, _ in call.headers if "signature" in name)
        value = str(call.header(name)).encode()
        places = [
            msgspec.structs.replace(
                call,
                headers=tuple(
                    (key, flipped(value, bit).decode("latin-1") if key == name else old) for key, old in call.headers
                ),
            )
            for bit in range(len(value.rstrip(b"=")) * 8)  # padding may be left out
        ]
    for forged in places:
        assert isinstance(await refusal(receiver, forged), BadSignature)


@every_sender
async def test_a_call_without_signature_is_refused(place: tuple[str, str, str], egress: Rerouted) -> None:
    call = telling(place)
    body = call.body
    if place[1] == "ses":
        body = json.dumps({key: value for key, value in json.loads(body).items() if key != "Signature"}).encode()
    bare = msgspec.structs.replace(call, headers=(), body=body)
    assert (await refusal(built(place, egress), bare)).code == "missing_signature"


@every_sender
async def test_a_receiver_without_its_key_says_what_switches_it_on(
    place: tuple[str, str, str], egress: Rerouted
) -> None:
    switch = SENDERS[place].switch
    if switch is None:
        return
    error = await refusal(built(place, egress, **{switch: None}), telling(place))
    assert (error.code, error.status) == ("receipts_off", 404)
    assert switch in error.detail


@pytest.mark.parametrize("place", [("slack", "web_api", ""), ("email", "sendgrid", "")], ids=["slack", "sendgrid"])
async def test_a_signature_does_not_last_for_ever(place: tuple[str, str, str], egress: Rerouted) -> None:
    receiver = built(place, egress)
    with pytest.raises(BadSignature, match="at most"):
        await receiver.receive(telling(place), NOW + timedelta(days=2, seconds=1))


# -- Twilio ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [f"{PUBLIC}:443/x?message={ID}", f"{PUBLIC}/x?message={ID}"], ids=["port", "no port"])
@pytest.mark.parametrize("called", [f"{PUBLIC}:443/x?message={ID}", f"{PUBLIC}/x?message={ID}"], ids=["port", "none"])
async def test_twilio_may_sign_with_or_without_port(url: str, called: str, egress: Rerouted) -> None:
    fields = {"MessageStatus": "delivered"}
    signature = RequestValidator("canary-token").compute_signature(url, fields)
    call = request("/x", urlencode(fields).encode(), {"message": ID}, x_twilio_signature=signature)
    receipts = await built(("sms", "twilio", ""), egress).receive(msgspec.structs.replace(call, url=called), NOW)
    assert [each.kind for each in receipts] == ["delivered"]


async def test_twilio_signs_which_message_it_is(egress: Rerouted) -> None:
    call = telling(("sms", "twilio", ""))
    other = msgspec.structs.replace(call, query=(("message", "msg_2"),), url=call.url.replace(ID, "msg_2"))
    assert (await refusal(built(("sms", "twilio", ""), egress), other)).code == "bad_signature"


# -- SNS ---------------------------------------------------------------------------------------------------------------

SES_PLACE = ("email", "ses", "2")
OPENED = SES["opened"][0]


async def test_the_certificate_is_fetched_once(egress: Rerouted, http_sink: Any) -> None:
    receiver = built(SES_PLACE, egress)
    for _ in range(3):
        await receiver.receive(telling(SES_PLACE), NOW)
    assert [path for _, path, _, _ in http_sink.requests] == ["/SimpleNotificationService-0123456789abcdef.pem"]


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.sa-east-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.sa-east-1.amazonaws.com.evil.example/SimpleNotificationService-0.pem",
        "https://evil.example/sns.sa-east-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.sa-east-1.amazonaws.com@evil.example/SimpleNotificationService-0.pem",
        "https://sns.sa-east-1.amazonaws.com:8443/SimpleNotificationService-0.pem",
        "https://sns.sa-east-1.amazonaws.com/../SimpleNotificationService-0.pem",
        "https://sns.sa-east-1.amazonaws.com/SimpleNotificationService-0.pem?x=1",
        "https://sns.sa-east-1.amazonaws.com/?Action=GetTopic",
        "",
    ],
)
async def test_a_certificate_from_elsewhere_is_not_fetched(url: str, egress: Rerouted, http_sink: Any) -> None:
    error = await refusal(built(SES_PLACE, egress), from_sns("2", OPENED, SigningCertURL=url))
    assert error.code == "malformed"
    assert http_sink.requests == []


@pytest.mark.parametrize(
    "topic", ["", "arn:aws:sns:sa-east-1:123456789012:other", "arn:aws:sns:sa-east-1:666:receipts"]
)
async def test_a_topic_that_is_not_configured_is_not_believed(topic: str, egress: Rerouted, http_sink: Any) -> None:
    error = await refusal(built(SES_PLACE, egress), from_sns("2", OPENED, TopicArn=topic))
    assert error.code == "unknown_topic"
    assert http_sink.requests == []


@pytest.mark.parametrize("version", ["", "0", "3"])
async def test_a_signature_of_another_version_is_not_believed(version: str, egress: Rerouted) -> None:
    error = await refusal(built(SES_PLACE, egress), from_sns("2", OPENED, SignatureVersion=version))
    assert error.code == "missing_signature"


async def test_a_version_is_not_taken_for_the_other(egress: Rerouted) -> None:
    error = await refusal(built(SES_PLACE, egress), from_sns("2", OPENED, SignatureVersion="1"))
    assert error.code == "bad_signature"


@pytest.mark.parametrize(
    ("answer", "status"),
    [((503, {}, b""), 503), ((200, {}, b"canary"), 401), ((302, {"Location": "/canary"}, b""), 503)],
    ids=["not now", "no certificate", "a redirect"],
)
async def test_a_certificate_that_does_not_come(answer: Any, status: int, egress: Rerouted, http_sink: Any) -> None:
    http_sink.answer = answer
    receiver = built(SES_PLACE, egress)
    assert (await refusal(receiver, telling(SES_PLACE))).status == status
    http_sink.answer = (200, {}, certificate())
    assert await receiver.receive(telling(SES_PLACE), NOW), "the next call tries again"


SUBSCRIBE = f"{SNS}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f"


def subscription(url: str = SUBSCRIBE, kind: str = "SubscriptionConfirmation") -> Request:
    fields = {"Type": kind, "Token": "2336412f", "SubscribeURL": url, "Subject": ""}
    return from_sns("1", "You have chosen to subscribe to the topic …", **fields)


def confirmations(sink: Any) -> list[str]:
    return [path for method, path, _, _ in sink.requests if "ConfirmSubscription" in path and method == "GET"]


async def test_a_subscription_is_confirmed_once(egress: Rerouted, http_sink: Any) -> None:
    receiver = built(SES_PLACE, egress)
    assert list(await receiver.receive(subscription(), NOW)) == []
    assert list(await receiver.receive(subscription(), NOW)) == []
    assert confirmations(http_sink) == [SUBSCRIBE.removeprefix(SNS)]


async def test_a_subscription_that_could_not_be_confirmed_is_asked_for_again(egress: Rerouted, http_sink: Any) -> None:
    receiver = built(SES_PLACE, egress)
    await receiver.receive(telling(SES_PLACE), NOW)
    http_sink.answer = (500, {}, b"canary")
    assert (await refusal(receiver, subscription())).status == 503
    http_sink.answer = (200, {}, b"")
    await receiver.receive(subscription(), NOW)
    assert len(confirmations(http_sink)) == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/?Action=ConfirmSubscription",
        SUBSCRIBE.replace("https", "http"),
        SUBSCRIBE.replace("sa-east-1.amazonaws", "us-east-1.amazonaws"),
        SUBSCRIBE.replace("ConfirmSubscription", "DeleteTopic"),
        SUBSCRIBE.replace("Action=", "Action=DeleteTopic&Action="),
        SUBSCRIBE.replace(TOPIC, "arn:aws:sns:sa-east-1:666:receipts"),
    ],
)
async def test_a_subscription_leads_to_nothing_else(url: str, egress: Rerouted, http_sink: Any) -> None:
    await refusal(built(SES_PLACE, egress), subscription(url))
    assert len(http_sink.requests) == 1, "the certificate"


async def test_the_end_of_a_subscription_is_taken_note_of(egress: Rerouted, http_sink: Any) -> None:
    assert list(await built(SES_PLACE, egress).receive(subscription(kind="UnsubscribeConfirmation"), NOW)) == []
    assert confirmations(http_sink) == []


# -- Slack -------------------------------------------------------------------------------------------------------------

SLACK_PLACE = ("slack", "web_api", "")
BLOCKS = [
    {"type": "header", "text": {"type": "plain_text", "text": "Servidor fora do ar"}},
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "acknowledge", "value": ID},
            {"type": "button", "url": "https://x.example"},
        ],
    },
]


class ToSink(Rerouted):
    async def request(self, method: str, url: str, **rest: Any) -> Response:
        return await Egress.request(self, method, url.replace("https://hooks.slack.com", self.sink), **rest)


@pytest.mark.parametrize("alone", [True, False], ids=["the only button", "beside another"])
async def test_slack_shows_who_acknowledged(alone: bool, http_sink: Any) -> None:
    client = ToSink(["127.0.0.0/8"])
    client.sink = http_sink.url
    blocks = [BLOCKS[0], {"type": "actions", "elements": BLOCKS[1]["elements"][: 1 if alone else 2]}]  # type: ignore[index]
    payload = press() | {"message": {"text": "Servidor fora do ar", "blocks": blocks}}
    await built(SLACK_PLACE, client).confirm(from_slack(payload), NOW)
    ((method, path, _, body),) = http_sink.requests
    assert (method, path) == ("POST", "/actions/T0/1/canary")
    left = [] if alone else [{"type": "actions", "elements": BLOCKS[1]["elements"][1:]}]  # type: ignore[index]
    assert json.loads(body) == {
        "replace_original": True,
        "text": "Servidor fora do ar",
        "blocks": [
            BLOCKS[0],
            *left,
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "✓ <@U061F7AUR>"}]},
        ],
    }
    await client.close()


async def test_slack_is_not_told_of_what_was_no_acknowledgement_and_may_fail(http_sink: Any) -> None:
    client = ToSink(["127.0.0.0/8"])
    client.sink = http_sink.url
    receiver = built(SLACK_PLACE, client)
    await receiver.confirm(from_slack(press(action_id="other")), NOW)
    await receiver.confirm(from_slack(press() | {"response_url": None}), NOW)
    assert http_sink.requests == []
    await receiver.confirm(from_slack(press() | {"response_url": "http://10.0.0.1/"}), NOW)
    await client.close()
