"""The same job, done plainly: FastAPI takes the event, Jinja2 renders, aiohttp or aiosmtplib sends. Nothing is
stored, nothing is retried, nothing can be explained; what is under way is lost when the process dies.
"""

from __future__ import annotations

import asyncio
import sys
from email.message import EmailMessage
from typing import Any

import aiohttp
import aiosmtplib
import jinja2
import uvicorn
from fastapi import BackgroundTasks, FastAPI
from pydantic import BaseModel

WEBHOOK = jinja2.Template(
    '{"type": "order.paid", "order": {{ data.number | tojson }}, "total": {{ data.total }}, '
    '"text": {{ ("Order " ~ data.number ~ " of " ~ data.customer.name) | tojson }}, "sent": {{ data.sent }}}'
)
TEXT = jinja2.Template(
    "Hello {{ data.customer.name }}, we received R$ {{ data.total }}.\n"
    "{% for item in data['items'] %}- {{ item.quantity }} x {{ item.name }}\n{% endfor %}(sent={{ data.sent }})\n"
)
HTML = jinja2.Template(
    "<html><body><h1>Order {{ data.number }} is paid</h1><p>Hello <b>{{ data.customer.name }}</b>, we received "
    "R$ {{ data.total }}.</p><ul>{% for item in data['items'] %}<li>{{ item.quantity }} x {{ item.name }}</li>"
    "{% endfor %}</ul><p>(sent={{ data.sent }})</p></body></html>",
    autoescape=True,
)


class CloudEvent(BaseModel):
    """An event."""

    specversion: str
    id: str
    source: str
    type: str
    data: dict[str, Any]


def application(hook_url: str, smtp_port: int, *, background: bool) -> FastAPI:
    """The program."""
    app = FastAPI()
    mail: asyncio.Queue[aiosmtplib.SMTP] = asyncio.Queue()
    session: list[aiohttp.ClientSession] = []

    async def connected() -> aiohttp.ClientSession:
        if not session:
            session.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)))
            for _ in range(16):
                client = aiosmtplib.SMTP(hostname="127.0.0.1", port=smtp_port, use_tls=False, start_tls=False)
                await client.connect()
                mail.put_nowait(client)
        return session[0]

    async def webhook(data: dict[str, Any]) -> None:
        body = WEBHOOK.render(data=data).encode()
        async with (await connected()).post(
            hook_url, data=body, headers={"Content-Type": "application/json"}
        ) as answer:
            await answer.read()

    async def email(data: dict[str, Any]) -> None:
        await connected()
        message = EmailMessage()
        message["Subject"] = f"Order {data['number']} is paid"
        message["From"], message["To"] = "shop@example.com", "maria@example.com"
        message.set_content(TEXT.render(data=data))
        message.add_alternative(HTML.render(data=data), subtype="html")
        client = await mail.get()
        try:
            await client.send_message(message)
        finally:
            mail.put_nowait(client)

    @app.post("/v1/events", status_code=202)
    async def accept(event: CloudEvent, tasks: BackgroundTasks) -> dict[str, str]:
        if event.data["total"] > 0:
            send = webhook if event.type == "order.paid" else email
            if background:
                tasks.add_task(send, event.data)
            else:
                await send(event.data)
        return {"id": event.id}

    return app


if __name__ == "__main__":
    port, hook_port, smtp_port, how = sys.argv[1:5]
    app = application(f"http://127.0.0.1:{hook_port}/hook", int(smtp_port), background=how == "background")
    uvicorn.run(
        app, port=int(port), log_level="warning", access_log=False, loop="uvloop", http="httptools", lifespan="off"
    )
