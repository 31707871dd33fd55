"""SendGrid: what is sent, judged by SendGrid's own SDK and its API's description."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from sendgrid.helpers import mail as sdk

from arauto.channels import Delivery, Tracking
from arauto.channels.email import EmailBody, InlineImage
from arauto.channels.email.sendgrid import Provider, Settings
from arauto.egress import Egress
from arauto.errors import Rejected
from arauto.secret import Secret

SPECIFICATION = Path(__file__).parents[3] / "shared" / "contracts" / "sendgrid_mail_v3.json"
IMAGE = InlineImage("logo@arauto", "image/png", "logo.png", bytes(range(256)))
BODY = EmailBody("Pedido “42” 💩", "<body><p>Olá, João</p></body>", "Olá, João", (IMAGE,))


def settings(**changes: Any) -> Settings:
    given = {"api_key": Secret("SG.key"), "from_": "avisos@loja.example", "from_name": "Loja Aurora"}
    return Settings(**(given | changes))


def delivery(body: EmailBody = BODY, **changes: Any) -> Delivery:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    given: dict[str, Any] = {
        "message_id": "msg_1",
        "attempt": 1,
        "address": "ana@loja.example",
        "body": body,
        "now": now,
        "expires_at": now + timedelta(hours=1),
    }
    return Delivery(**(given | changes))


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    client = Egress(["127.0.0.0/8"])
    yield client
    await client.close()


async def sent(egress: Egress, sink: Any, message: Delivery, **changes: Any) -> Any:
    sink.answer = (202, {"X-Message-Id": "abc"}, b"")
    accepted = await Provider(settings(base_url=sink.url, **changes), egress).send(message)
    assert (accepted.answer, accepted.reference) == ("202 Accepted", "abc")
    method, path, headers, body = sink.requests[-1]
    assert (method, path, headers["Authorization"]) == ("POST", "/v3/mail/send", "Bearer SG.key")
    return json.loads(body)


def by_the_sdk() -> Any:
    """The same mail as SendGrid's SDK writes it."""
    mail = sdk.Mail()
    mail.from_email = sdk.From("avisos@loja.example", "Loja Aurora")
    mail.reply_to = sdk.ReplyTo("ajuda@loja.example")
    mail.subject = sdk.Subject(BODY.subject)
    person = sdk.Personalization()
    person.add_to(sdk.To("ana@loja.example"))
    person.add_custom_arg(sdk.CustomArg("arauto_message", "msg_1"))
    mail.add_personalization(person)
    mail.content = [sdk.Content("text/plain", BODY.text), sdk.Content("text/html", BODY.html)]
    mail.header = sdk.Header("Message-ID", "<msg_1@loja.example>")
    mail.header = sdk.Header("Auto-Submitted", "auto-generated")
    mail.header = sdk.Header("List-Unsubscribe", "<https://avisos.example/u/x>")
    mail.header = sdk.Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    mail.attachment = sdk.Attachment(
        sdk.FileContent(base64.b64encode(IMAGE.data).decode()),
        sdk.FileName(IMAGE.filename),
        sdk.FileType(IMAGE.content_type),
        sdk.Disposition("inline"),
        sdk.ContentId(IMAGE.cid),
    )
    tracking = sdk.TrackingSettings()
    tracking.click_tracking = sdk.ClickTracking(False, False)
    tracking.open_tracking = sdk.OpenTracking(False)
    tracking.subscription_tracking = sdk.SubscriptionTracking(False)
    mail.tracking_settings = tracking
    return mail.get()


async def test_the_call_is_as_sendgrids_sdk_writes_it(egress: Egress, http_sink: Any) -> None:
    message = delivery(unsubscribe_url="https://avisos.example/u/x")
    assert await sent(egress, http_sink, message, reply_to="ajuda@loja.example") == by_the_sdk()


@pytest.mark.skipif(not SPECIFICATION.exists(), reason=f"no ../shared/contracts/{SPECIFICATION.name}")
@pytest.mark.parametrize(
    "body", [BODY, EmailBody("S", "", "Text"), EmailBody("S", "<p>", ""), EmailBody("S", "", "")], ids=repr
)
async def test_the_call_is_as_sendgrid_describes_it(body: EmailBody, egress: Egress, http_sink: Any) -> None:
    description = json.loads(SPECIFICATION.read_text(encoding="utf-8"))
    reference = description["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]["schema"]
    schema = {"components": description["components"], **reference}
    validator = jsonschema_rs.validator_for(schema)
    message = await sent(egress, http_sink, delivery(body))
    assert [str(error) for error in validator.iter_errors(message)] == []
    assert not validator.is_valid({"from": {}}), "the judge can say no"


async def test_tracking_is_the_hubs_own(egress: Egress, http_sink: Any) -> None:
    tracking = Tracking("https://avisos.example/o/1", lambda url: f"https://avisos.example/c/{len(url)}")
    body = EmailBody("S", '<body><a href="https://loja.example/">x</a></body>', "https://loja.example/")
    message = await sent(egress, http_sink, delivery(body, tracking=tracking))
    text, html = (part["value"] for part in message["content"])
    assert text == "https://loja.example/"
    assert 'href="https://avisos.example/c/21"' in html
    assert 'src="https://avisos.example/o/1"' in html


@pytest.mark.parametrize("changes", [{"from_": "Loja <a@b.example>"}, {"reply_to": "x"}], ids=["from", "reply_to"])
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="plain e-mail address"):
        settings(**changes)


async def test_a_call_that_the_hub_may_not_make_is_the_providers_fault() -> None:
    egress = Egress()
    with pytest.raises(Rejected, match="under private_networks") as caught:
        await Provider(settings(base_url="http://127.0.0.1:1"), egress).send(delivery())
    assert caught.value.scope == "provider"
    await egress.close()
