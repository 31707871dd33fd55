"""SES: a mail server that wants to be told of a configuration set and of tags."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any

import pytest

from arauto.channels import Delivery
from arauto.channels.email import EmailBody
from arauto.channels.email.ses import Provider, Settings
from arauto.egress import Egress
from arauto.secret import Secret


def settings(**changes: Any) -> Settings:
    given: dict[str, Any] = {
        "region": "sa-east-1",
        "username": Secret("AKIA"),
        "password": Secret("password"),
        "from_": "avisos@loja.example",
    }
    return Settings(**(given | changes))


def delivery() -> Delivery:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    return Delivery(
        message_id="msg_1",
        attempt=1,
        address="ana@loja.example",
        body=EmailBody("Pedido", "<p>", "Text"),
        now=now,
        expires_at=now + timedelta(hours=1),
    )


@pytest.mark.parametrize("chosen", ["hub", None], ids=["a configuration set", "none"])
async def test_a_mail_says_which_message_it_is(chosen: str | None, mail_sink: Any) -> None:
    given = settings(configuration_set=chosen, host="127.0.0.1", port=mail_sink.port, security="none")
    provider = Provider(given, Egress())
    await provider.send(delivery())
    await provider.close()
    ((_, _, content),) = mail_sink.mails
    mail = message_from_bytes(content)
    assert mail["X-SES-CONFIGURATION-SET"] == chosen
    assert mail["X-SES-MESSAGE-TAGS"] == "arauto-message=msg_1"
    assert mail["X-Arauto-Message"] == "msg_1"
    assert mail["From"] == "avisos@loja.example"


def test_the_region_says_where_it_is() -> None:
    assert Provider(settings(), Egress()).request(delivery()) == "SMTP email-smtp.sa-east-1.amazonaws.com:587"
    tls = Provider(settings(security="tls", region="us-gov-west-1"), Egress())
    assert tls.request(delivery()) == "SMTP email-smtp.us-gov-west-1.amazonaws.com:465"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"region": "São Paulo"}, "`region`"),
        ({"region": "sa-east-1.evil.example/"}, "`region`"),
        ({"configuration_set": "a\r\nBcc: b"}, "`configuration_set`"),
        ({"topics": ("receipts",)}, "`topics`"),
        ({"from_": "Loja <a@b.example>"}, "`from`"),
        ({"connections": 0}, "`connections`"),
        ({"security": "none", "host": "mail.example"}, "`security: none`"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        settings(**changes)
