"""Standard Webhooks: judged by the standard's own library, by Svix's, and by the vector that all libraries share."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks
import svix

from arauto.channels import Accepted, Delivery
from arauto.channels.webhook import WebhookBody
from arauto.channels.webhook.standard_webhooks import Provider, Settings
from arauto.egress import Egress
from arauto.errors import Ambiguous, Rejected, UsageFault
from arauto.secret import Secret

CURRENT = "whsec_" + b64encode(b"current secret, of 32 bytes, yes").decode()
PREVIOUS = "whsec_" + b64encode(b"previous secret, of 48 bytes, which is within 64").decode()


def delivery(address: Any, **changes: Any) -> Delivery:
    given: dict[str, Any] = {
        "message_id": "msg_abcdefghijklmnopqrstuvwx",
        "attempt": 1,
        "address": address,
        "body": WebhookBody('{"total": "1,00", "nome": "João"}'.encode()),
        "now": datetime.now(UTC),
        "expires_at": datetime.now(UTC) + timedelta(hours=1),
    }
    return Delivery(**(given | changes))


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    client = Egress(["127.0.0.0/8"])
    yield client
    await client.close()


@pytest.mark.parametrize("verifier", [standardwebhooks.Webhook, svix.Webhook], ids=["standardwebhooks", "svix"])
@pytest.mark.parametrize("secret", [CURRENT, PREVIOUS], ids=["current secret", "previous secret"])
async def test_the_official_libraries_verify_what_is_sent(
    verifier: Any, secret: str, http_sink: Any, egress: Egress
) -> None:
    provider = Provider(Settings(secrets=(Secret(CURRENT), Secret(PREVIOUS))), egress)
    await provider.send(delivery(f"{http_sink.url}/hook?a=b"))
    _, path, headers, body = http_sink.requests[0]
    assert path == "/hook?a=b"
    assert headers["Content-Type"] == "application/json"
    names = {"webhook-id", "webhook-timestamp", "webhook-signature"}
    verifier(secret).verify(body, {name: headers[name] for name in names})
    with pytest.raises((standardwebhooks.WebhookVerificationError, svix.WebhookVerificationError)):
        verifier(secret).verify(body + b" ", {name: headers[name] for name in names})


async def test_the_vector_of_the_standard(http_sink: Any, egress: Egress) -> None:
    provider = Provider(Settings(secrets=(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),)), egress)
    await provider.send(
        delivery(
            http_sink.url,
            message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
            body=WebhookBody(b'{"test": 2432232314}'),
            now=datetime.fromtimestamp(1614265330, UTC),
        )
    )
    _, _, headers, _ = http_sink.requests[0]
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


async def test_every_attempt_has_the_same_id_and_its_own_timestamp(http_sink: Any, egress: Egress) -> None:
    provider = Provider(Settings(secrets=(Secret(CURRENT),)), egress)
    now = datetime(2026, 1, 2, tzinfo=UTC)
    for attempt in (1, 2):
        await provider.send(delivery(http_sink.url, attempt=attempt, now=now + timedelta(minutes=attempt)))
    first, second = (headers for _, _, headers, _ in http_sink.requests)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 60
    assert first["webhook-signature"] != second["webhook-signature"]


async def test_an_address_in_a_private_network_is_refused_with_what_to_do(http_sink: Any) -> None:
    egress = Egress()
    provider = Provider(Settings(secrets=(Secret(CURRENT),)), egress)
    with pytest.raises(Rejected, match="under private_networks") as caught:
        await provider.send(delivery(http_sink.url))
    assert caught.value.scope == "message"
    assert http_sink.requests == []
    await egress.close()


async def test_the_receiver_has_as_long_as_the_settings_say(http_sink: Any, egress: Egress) -> None:
    http_sink.silent = True
    provider = Provider(Settings(secrets=(Secret(CURRENT),), timeout=1), egress)
    with pytest.raises(Ambiguous, match="within 1 s"):
        await provider.send(delivery(http_sink.url))


SECRETS = {
    "without prefix": (b64encode(bytes(24)).decode(), True),
    "without padding": ("whsec_" + b64encode(bytes(25)).decode().rstrip("="), True),
    "64 bytes": ("whsec_" + b64encode(bytes(64)).decode(), True),
    "23 bytes": ("whsec_" + b64encode(bytes(23)).decode(), False),
    "65 bytes": ("whsec_" + b64encode(bytes(65)).decode(), False),
    "no base64": ("whsec_" + "ç" * 40, False),
    "a password": ("correct horse battery staple", False),
}


@pytest.mark.parametrize(("secret", "allowed"), SECRETS.values(), ids=SECRETS)
async def test_a_secret_has_24_to_64_bytes(secret: str, allowed: bool, http_sink: Any, egress: Egress) -> None:
    settings = Settings(secrets=(Secret(secret),))
    if allowed:
        assert isinstance(await Provider(settings, egress).send(delivery(http_sink.url)), Accepted)
    else:
        with pytest.raises(UsageFault, match="openssl rand") as caught:
            Provider(settings, egress)
        assert secret not in str(caught.value)


async def test_each_call_tells_one_hop_more_than_its_event(http_sink: Any, egress: Egress) -> None:
    provider = Provider(Settings(secrets=(Secret(CURRENT),)), egress)
    await provider.send(delivery(http_sink.url))
    await provider.send(delivery(http_sink.url, hops=4))
    assert [headers["ce-arautohops"] for _, _, headers, _ in http_sink.requests] == ["1", "5"]


async def test_a_loop_is_not_tried_again(http_sink: Any, egress: Egress) -> None:
    http_sink.answer = (508, {}, b"")
    with pytest.raises(Rejected, match="loop") as refused:
        await Provider(Settings(secrets=(Secret(CURRENT),)), egress).send(delivery(http_sink.url))
    assert refused.value.scope == "message"
