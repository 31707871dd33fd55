"""Twilio: the form that is sent, and the API's own specification as judge."""

from __future__ import annotations

import asyncio
import os
import shutil
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from arauto.channels import Delivery
from arauto.channels.sms import SmsBody
from arauto.channels.sms.twilio import Provider, Settings
from arauto.egress import Egress
from arauto.errors import Rejected
from arauto.secret import Secret

SPECIFICATION = Path(__file__).parents[3] / "shared" / "contracts" / "twilio_api_v2010.json"
PRISM = os.environ.get("ARAUTO_PRISM") or shutil.which("prism")
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
TEXT = "Olá, João! Pedido 1+1=2 & “entregue” 💩"


def settings(**changes: Any) -> Settings:
    given = {"account_sid": ACCOUNT, "auth_token": Secret("token"), "from_": "+15005550006"}
    return Settings(**(given | changes))


def delivery(address: str = "+5511987654321") -> Delivery:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    return Delivery(
        message_id="msg_1",
        attempt=1,
        address=address,
        body=SmsBody(TEXT, "ucs2", 1),
        now=now,
        expires_at=now + timedelta(hours=1),
    )


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    client = Egress(["127.0.0.0/8"])
    yield client
    await client.close()


@pytest.mark.parametrize(
    ("changes", "sender"),
    [
        ({}, {"From": ["+15005550006"]}),
        ({"from_": None, "messaging_service_sid": "MG1"}, {"MessagingServiceSid": ["MG1"]}),
    ],
    ids=["from a number", "from a messaging service"],
)
async def test_the_form_says_who_to_whom_and_what(
    changes: dict[str, Any], sender: dict[str, list[str]], egress: Egress, http_sink: Any
) -> None:
    http_sink.answer = (201, {}, b'{"sid": "SM1", "status": "accepted"}')
    accepted = await Provider(settings(base_url=http_sink.url + "/", **changes), egress).send(delivery())
    assert (accepted.answer, accepted.reference) == ("201 accepted", "SM1")
    method, path, headers, body = http_sink.requests[0]
    assert (method, path) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
    assert parse_qs(body.decode(), strict_parsing=True) == {"To": ["+5511987654321"], "Body": [TEXT], **sender}
    assert b64decode(headers["Authorization"].removeprefix("Basic ")) == f"{ACCOUNT}:token".encode()


async def test_twilio_is_told_where_to_call_back(egress: Egress, http_sink: Any) -> None:
    http_sink.answer = (201, {}, b"{}")
    message = msgspec.structs.replace(delivery(), receipts_url="https://avisos.example/receipts/sms/twilio")
    await Provider(settings(base_url=http_sink.url), egress).send(message)
    form = parse_qs(http_sink.requests[0][3].decode(), strict_parsing=True)
    assert form["StatusCallback"] == ["https://avisos.example/receipts/sms/twilio?message=msg_1"]


@pytest.mark.parametrize(
    "changes",
    [{"from_": None}, {"messaging_service_sid": "MG1"}, {"account_sid": "AC/../Other"}, {"account_sid": ""}],
    ids=["no sender", "two senders", "an account that is a path", "no account"],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"`from`|`account_sid`"):
        settings(**changes)


async def test_a_call_that_the_hub_may_not_make_is_the_providers_fault() -> None:
    egress = Egress()
    with pytest.raises(Rejected, match="under private_networks") as caught:
        await Provider(settings(base_url="http://127.0.0.1:1"), egress).send(delivery())
    assert caught.value.scope == "provider"
    await egress.close()


@pytest.fixture
async def prism(unused_tcp_port: int) -> AsyncIterator[str]:
    """Twilio as its OpenAPI description has it; a request that breaks the description is answered with 422."""
    if not SPECIFICATION.exists():
        pytest.skip(f"Twilio's specification is not at ../shared/contracts/{SPECIFICATION.name}")
    if PRISM is None:
        pytest.skip("no prism: npm install @stoplight/prism-cli, and name it in ARAUTO_PRISM or put it on the PATH")
    process = await asyncio.create_subprocess_exec(
        PRISM,
        *("mock", "--errors", "--host", "127.0.0.1", "--port", str(unused_tcp_port), str(SPECIFICATION)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=1 << 20,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            async for line in process.stdout:
                if b"is listening" in line:
                    break
            else:
                pytest.fail("prism ended before it listened")
        yield f"http://127.0.0.1:{unused_tcp_port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def test_twilios_own_specification_accepts_the_call(prism: str, egress: Egress) -> None:
    accepted = await Provider(settings(base_url=prism), egress).send(delivery())
    assert accepted.answer == "201 queued"
    assert accepted.reference is not None
    assert accepted.reference.startswith("SM")
    wrong = await egress.request(
        "POST",
        f"{prism}/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        headers={"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic YTpi"},
        body=b"Body=nobody",
    )
    assert wrong.status == 422, "the judge can say no"
