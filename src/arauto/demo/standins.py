"""standins: the outside world on loopback: a mail server, an SMS gateway, Slack, a push service, and an ERP.

They take what the hub sends, as their originals would, and keep it to be looked at.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import html
import json
import re
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as email_policy
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

_INDEX_HEAD = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>E-mails</title>
<style>
body {font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem}
p {margin: .4rem 0} a {color: #0f766e}
</style>
<h1>E-mails</h1>
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that the hub delivered."""

    channel: str
    to: str
    text: str
    id: str
    """The hub's message id, where the channel carries it; else the stand-in's own."""


@dataclass
class Outside:
    """The stand-ins, their addresses, and what arrived."""

    folder: Path
    smtp_port: int = 0
    http_port: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    erp_is_busy: int = 0
    """How many calls the ERP still answers with 503."""
    webhook_secret: str = ""

    def arrived(self, channel: str, to: str, text: str, id: str) -> None:
        """Keep it."""
        self.arrivals.append(Arrival(channel, to, text, id))

    # -- e-mail ----------------------------------------------------------------------------------------------------

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        """Keep a mail as .eml and .html."""
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=email_policy)
        assert isinstance(mail, EmailMessage)
        id = str(mail["message-id"]).strip("<>").partition("@")[0]
        number = sum(each.channel == "email" for each in self.arrivals) + 1
        subject = str(mail["subject"])
        plain = unicodedata.normalize("NFKD", subject).encode("ascii", "ignore").decode().lower()
        name = f"{number:03d}-{re.sub(r'[^a-z0-9]+', '-', plain).strip('-')[:40]}"
        folder = self.folder / "mail"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.eml").write_bytes(envelope.content)
        (folder / f"{name}.html").write_text(_page(mail), encoding="utf-8")
        with (folder / "index.html").open("a", encoding="utf-8") as index:
            if number == 1:
                index.write(_INDEX_HEAD)
            index.write(
                f'<p><a href="{name}.html">{html.escape(subject)}</a> → {html.escape(str(mail["to"]))} '
                f'(<a href="{name}.eml">.eml</a>)</p>\n'
            )
        for to in envelope.rcpt_tos:
            self.arrived("email", to, subject, id)
        return "250 2.0.0 taken by the demo"

    # -- HTTP ------------------------------------------------------------------------------------------------------

    def application(self) -> web.Application:
        """Everything that speaks HTTP."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/2010-04-01/Accounts/{account}/Messages.json", self._sms),
                web.post("/slack/services/{tail:.*}", self._slack_webhook),
                web.post("/slack/api/chat.postMessage", self._slack_api),
                web.post("/push/{device}", self._push),
                web.post("/erp", self._erp),
            ]
        )
        return app

    async def _sms(self, request: web.Request) -> web.Response:
        form = await request.post()
        sid = "SM" + hashlib.md5(repr(sorted(form.items())).encode(), usedforsecurity=False).hexdigest()
        self.arrived("sms", str(form["To"]), str(form["Body"]), sid)
        return web.json_response({"sid": sid, "status": "queued", "error_code": None}, status=201)

    async def _slack_webhook(self, request: web.Request) -> web.Response:
        told = await request.json()
        self.arrived("slack", "webhook", told["text"], "")
        return web.Response(text="ok")

    async def _slack_api(self, request: web.Request) -> web.Response:
        told = await request.json()
        self.arrived("slack", told["channel"], told["text"], "")
        return web.json_response({"ok": True, "channel": told["channel"], "ts": "1764000000.000100"})

    async def _push(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.arrived(
            "push", request.match_info["device"], f"{len(body)} encrypted bytes", request.headers.get("Topic", "")
        )
        return web.Response(status=201, headers={"Location": f"/receipts/{len(self.arrivals)}"})

    async def _erp(self, request: web.Request) -> web.Response:
        if self.erp_is_busy > 0:
            self.erp_is_busy -= 1
            return web.Response(status=503, text="the ERP is closing its day; come back")
        body = await request.read()
        id = request.headers["webhook-id"]
        if self.webhook_secret and not self._is_signed(request, body):
            return web.Response(status=401, text="bad signature")
        told: dict[str, Any] = json.loads(body)
        self.arrived("webhook", "erp", json.dumps(told, ensure_ascii=False)[:120], id)
        return web.json_response({"stored": True})

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        """By the rules of Standard Webhooks."""
        key = base64.b64decode(self.webhook_secret.removeprefix("whsec_"))
        signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        return any(hmac.compare_digest(expected, each) for each in request.headers["webhook-signature"].split())


def _page(mail: EmailMessage) -> str:
    """The HTML part with its inline images in it, so that a browser shows it alone."""
    part = mail.get_body(preferencelist=("html", "plain"))
    assert part is not None
    text = str(part.get_content())
    if part.get_content_type() == "text/plain":
        return f"<pre>{html.escape(text)}</pre>"
    for image in mail.walk():
        if image.get_content_maintype() == "image":
            assert isinstance(image, EmailMessage)
            data = base64.b64encode(image.get_content()).decode()
            source = f"data:{image.get_content_type()};base64,{data}"
            text = text.replace(f"cid:{str(image['content-id']).strip('<>')}", source)
    return text


@asynccontextmanager
async def outside(folder: Path) -> AsyncIterator[Outside]:
    """The stand-ins at work, on free ports of this machine."""
    world = Outside(folder)
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(
        lambda: SMTP(world, hostname="demo", loop=loop, enable_SMTPUTF8=True, ident="demo"), "127.0.0.1", 0
    )
    world.smtp_port = smtp.sockets[0].getsockname()[1]
    runner = web.AppRunner(world.application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    world.http_port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield world
    finally:
        smtp.close()
        await runner.cleanup()
        await smtp.wait_closed()
