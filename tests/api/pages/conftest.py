"""A hub whose people can be reached in several ways, and a person who follows the links in their messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from yarl import URL

from api.conftest import Answer, Api
from arauto.api.server import listening
from arauto.app import running
from arauto.catalogue import compile_project
from arauto.model import Consent, Wishes

PUBLIC = "https://avisos.example"
CONTENT = """---
title: Pedido {{ event.data.number }}
---
Oi. [Preferências]({{ message.preferences_url }})
"""
PROJECT = {
    "arauto.yaml": f"""
        name: loja
        locale: pt-BR
        time_zone: America/Sao_Paulo
        public_url: {PUBLIC}
        private_networks: [127.0.0.0/8]
        brand: {{name: Loja Aurora, color: "#0f766e", url: "https://loja.example", footer: Rua das Acácias 120}}
        categories:
          orders: {{title: {{pt-BR: Pedidos, en: Orders}}}}
          offers: {{title: {{pt-BR: Ofertas, en: Offers}}, consent: opt_in}}
          security: {{title: {{pt-BR: Segurança da conta, en: Account security}}, consent: required, urgent: true}}
          builds: {{title: Builds}}
          incidents: {{title: {{pt-BR: Incidentes, en: Incidents}}, consent: required, urgent: true}}
    """,
    "events/order.paid.yaml": """
        description: An order was paid
        schema: {type: object}
        samples: {typical: {number: "1042"}}
    """,
    "events/incident.opened.yaml": """
        description: Something is broken
        schema: {type: object}
        samples: {typical: {number: "7"}}
    """,
    "recipients/all.yaml": """
        people:
          ana: {name: Ana Souza, locale: pt-BR, email: ana@example.com, sms: "+5511987654321"}
          joe: {name: Joe Doe, locale: en, time_zone: Europe/London, email: joe@example.com}
        systems:
          erp: {webhook: "https://erp.example/hook"}
        groups:
          developers: {members: [joe]}
          duty: {members: [ana, joe]}
    """,
    "channels/email.yaml": """
        providers: [{kind: smtp, host: 127.0.0.1, port: 9, security: none, from: a@loja.example}]
    """,
    "channels/sms.yaml": """
        providers:
          - {kind: twilio, account_sid: AC00000000000000000000000000000000, auth_token: canary, from: "+15005550006"}
    """,
    "channels/inapp.yaml": "{}",
    **{
        f"notifications/{category}/notification.yaml": f"""
            on: order.paid
            category: {category}
            to: [{{person: event.data.customer}}]
            steps: [{{send: [email, sms, inapp]}}]
        """
        for category in ("orders", "offers", "security")
    },
    "notifications/builds/notification.yaml": """
        on: order.paid
        category: builds
        to: [{group: developers}]
        steps: [{send: email}]
    """,
    "notifications/incidents/notification.yaml": """
        on: incident.opened
        category: incidents
        to: [{group: duty}]
        steps: [{send: inapp}]
    """,
    **{
        f"notifications/{category}/content.{locale}.md": CONTENT
        for category in ("orders", "offers", "security", "builds", "incidents")
        for locale in ("pt-BR", "en")
    },
}


class Form(HTMLParser):
    """The form of a page, as a browser would send it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self.buttons: list[tuple[str, str]] = []
        self.labels = 0
        self.text: list[str] = []
        self.language: str | None = None
        self._select: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        match tag:
            case "html":
                self.language = given.get("lang")
            case "input" if given.get("type") in ("radio", "checkbox"):
                if "checked" in given:
                    self.fields.setdefault(name, []).append(value)
            case "input":
                self.fields.setdefault(name, []).append(value)
            case "button" if name:
                self.buttons.append((name, value))
            case "select":
                self._select = name
                self.fields.setdefault(name, [])
            case "option" if self._select is not None and "selected" in given:
                self.fields[self._select].append(value)
            case "option" if self._select is not None and not value:
                pass

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.text.append(data.strip())


@dataclass
class Person:
    """Somebody who follows links."""

    api: Api
    id: str = "ana"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def preferences(self) -> str:
        """Their preferences page, as a path."""
        return self.path(self.api.app.hub.engine.links.preferences("default", self.id))

    def unsubscribe(self, category: str = "orders", channel: str = "email") -> str:
        """The link to unsubscribe in a message."""
        links = self.api.app.hub.engine.links
        return f"/u/{links._unsubscribe.sign('default', category, channel, self.id)}"

    @staticmethod
    def path(url: str | None) -> str:
        """The path of a public URL."""
        assert url is not None
        return url.removeprefix(PUBLIC)

    async def get(self, path: str, **headers: str) -> Answer:
        """Look at a page, without following where it sends."""
        return await self._call("GET", path, None, headers)

    async def post(self, path: str, form: Mapping[str, str | Sequence[str]], **headers: str) -> Answer:
        """Post a form."""
        told = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return await self._call("POST", path, urlencode(form, doseq=True).encode(), told)

    async def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Any call."""
        return await self._call(method, path, body, headers)

    async def _call(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        url = URL(self.api.url + path, encoded=True)
        told = {**self.headers, **headers}
        async with self.api.session.request(method, url, data=body, headers=told, allow_redirects=False) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def form(self) -> Form:
        """Their preferences page as it stands."""
        return Form((await self.get(self.preferences)).body.decode())

    async def save(self, **changes: str | Sequence[str] | None) -> Answer:
        """Change something on the page, and save it; None leaves a field out."""
        fields = {**(await self.form()).fields, **{name.replace("__", "."): value for name, value in changes.items()}}
        return await self.post(self.preferences, {name: value for name, value in fields.items() if value is not None})

    async def wishes(self) -> Wishes:
        """What they want now."""
        return (await self.api.app.store.wishes("default", [self.id])).get(self.id, Wishes())

    async def consents(self) -> list[Consent]:
        """The record of their consent."""
        return await self.api.app.store.consents("default", self.id)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project on disk."""
    folder = tmp_path / "project"
    for name, text in PROJECT.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
async def api(project: Path) -> AsyncIterator[Api]:
    """A hub that need not wait for a disk."""
    async with (
        running(compile_project(project), "sqlite://:memory:") as app,
        listening(app, "127.0.0.1", 0) as server,
        aiohttp.ClientSession() as session,
    ):
        yield Api(app, server.url, app.session_key, session, server)


@pytest.fixture
def ana(api: Api) -> Person:
    """A person with e-mail, SMS and an inbox, who reads Portuguese."""
    return Person(api, "ana")


@pytest.fixture
def joe(api: Api) -> Person:
    """A person with e-mail and an inbox, who reads English."""
    return Person(api, "joe")
