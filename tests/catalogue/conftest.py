"""A small project without a fault, on disk, that tests change."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from arauto.catalogue import compile_project
from arauto.errors import CatalogueFaulty, Diagnostic

Write = Callable[[Mapping[str, str | bytes | None]], Path]

GOOD: dict[str, str] = {
    "arauto.yaml": """\
        name: shop
        locale: en
        time_zone: America/Sao_Paulo
        public_url: https://notices.shop.example
        private_networks: [10.0.0.0/8]
        brand: {name: Shop, color: "#0f766e", url: https://shop.example, footer: Shop Ltd}
        categories:
          orders: {title: {en: Orders, pt-BR: Pedidos}}
          alerts: {title: Alerts}
        """,
    "sources/app.yaml": """\
        kind: bearer
        secrets: ["env:APP_TOKEN"]
        events:
          - type: order.paid
            when: body.kind == "paid"
            id: body.order.number
            data: {order: body.order, customer: body.customer}
        """,
    "events/order.paid.yaml": """\
        description: An order was paid.
        schema:
          type: object
          required: [order, customer]
          properties:
            order:
              type: object
              required: [number, total]
              properties:
                number: {type: string}
                total: {type: number, minimum: 0}
            customer:
              type: object
              required: [id]
              properties:
                id: {type: string}
                email: {type: string, format: email}
        samples:
          typical:
            order: {number: A-1, total: 12.5}
            customer: {id: c-1, email: ana@shop.example}
        """,
    "recipients/team.yaml": """\
        attributes:
          type: object
          additionalProperties: false
          properties:
            vip: {type: boolean}
        people:
          ana: {name: Ana, locale: pt-BR, time_zone: America/Manaus, email: ana@shop.example, attributes: {vip: true}}
          bob: {name: Bob, email: [bob@shop.example, b@shop.example], sms: "+14155550100"}
        groups:
          sales: {members: [ana, bob]}
        """,
    "recipients/systems.yaml": """\
        systems:
          erp: {name: ERP, webhook: "https://erp.shop.example/in"}
        """,
    "channels/email.yaml": """\
        providers:
          - kind: smtp
            host: smtp.shop.example
            from: notices@shop.example
            username: shop
            password: env:SMTP_PASSWORD
          - kind: smtp
            name: second
            host: smtp2.shop.example
            from: notices@shop.example
        retry: [5s, 1m, 1h]
        expires: 2d
        on_unknown: hold
        concurrency: 8
        """,
    "channels/sms.yaml": """\
        providers:
          - {kind: twilio, account_sid: AC0123, auth_token: env:TWILIO, from: "+14155550199"}
        """,
    "channels/inapp.yaml": "{}\n",
    "channels/webhook.yaml": """\
        providers: [{kind: standard_webhooks, secrets: ["env:WEBHOOK_SECRET"]}]
        """,
    "notifications/order-paid/notification.yaml": """\
        on: order.paid
        when: event.data.order.total > 0
        category: orders
        expires: 2h
        to:
          - person: event.data.customer.id
            upsert:
              email: event.data.customer.email | default(none)
              attributes: {vip: event.data.order.total > 1000}
          - group: sales
            when: event.data.order.total >= 100
        steps:
          - only_if: event.data.order.total > 1
          - send: [email, inapp]
          - send: {first_of: [sms, email]}
          - stop: event.data.order.total < 5
        """,
    "notifications/order-paid/content.en.md": """\
        ---
        title: "Order {{ event.data.order.number }} is paid"
        ---
        Hello, {{ recipient.name }}: {{ event.data.order.total | money("USD") }}.
        """,
    "notifications/order-paid/content.pt-BR.md": """\
        ---
        title: "Pedido {{ event.data.order.number }} pago"
        ---
        Olá, {{ recipient.name }}: {{ event.data.order.total | money("BRL") }}.
        """,
    "notifications/order-paid/sms.en.txt": "Order {{ event.data.order.number }} is paid\n",
    "notifications/to-erp/notification.yaml": """\
        on: [order.paid]
        category: alerts
        to:
          - system: erp
        steps:
          - send: webhook
        """,
}
"""By file name; indentation is taken off."""


def text_of(name: str) -> str:
    """A file of the good project."""
    return textwrap.dedent(GOOD[name])


@pytest.fixture
def original() -> Callable[[str], str]:
    """The text of a file of the good project, by its name."""
    return text_of


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the good project with these files put in, or (None) left out; gives its folder."""

    def write(changes: Mapping[str, str | bytes | None]) -> Path:
        folder = tmp_path / "shop"
        for name, content in {**{name: text_of(name) for name in GOOD}, **changes}.items():
            path = folder / name
            if content is None:
                path.unlink(missing_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())
        return folder

    return write


@pytest.fixture
def faults(write: Write) -> Callable[[Mapping[str, str | bytes | None]], list[Diagnostic]]:
    """The faults of the good project with changes."""

    def faults(changes: Mapping[str, str | bytes | None]) -> list[Diagnostic]:
        folder = write(changes)
        try:
            compile_project(folder)
        except CatalogueFaulty as faulty:
            return list(faulty.diagnostics)
        return []

    return faults
