"""A small project that has nearly everything a project can have, as files in memory; and what becomes of it."""

from __future__ import annotations

from textwrap import dedent

from arauto.catalogue import compile_files
from arauto.model import Catalogue

FILES: dict[str, str] = {
    "arauto.yaml": """\
        # the shop
        name: shop
        locale: en
        time_zone: America/Sao_Paulo
        public_url: https://notices.shop.example
        private_networks: [10.0.0.0/8]
        brand: {name: Shop, color: "#0f766e", url: https://shop.example, footer: Shop Ltd}
        categories:
          orders: {title: {en: Orders, pt-BR: Pedidos}}
          alerts: {title: Alerts, consent: required, urgent: true, priority: high}
          news: {title: {en: News}, consent: opt_in, priority: low, tracking: true, retention: 30d}
        attention: {per: 1d, low: 4, normal: 12, high: 15}
        retention: 365d
        holidays: ["2026-12-25"]
        """,
    "sources/app.yaml": """\
        kind: hmac
        secrets: ["env:APP_SECRET"]
        header: X-Signature
        events:
          - type: order.paid
            when: body.kind == "paid"
            id: body.id
            data: {order: body.order, customer: body.customer}
          - type: order.cancelled
            when: body.kind == "cancelled"
            id: body.id
            data: {order: body.order}
        """,
    "sources/clock.yaml": """\
        kind: schedule
        event: day.begun
        cron: 0 8 * * *
        missed: once
        data: {day: tick.date}
        """,
    "events/order.paid.yaml": """\
        description: An order was paid.
        schema:
          type: object
          additionalProperties: false
          required: [order, customer]
          properties:
            order:
              type: object
              additionalProperties: false
              required: [number, total, items]
              properties:
                number: {type: string, maxLength: 12}
                total: {type: number, minimum: 0}
                coupon: {type: string}
                items:
                  type: array
                  minItems: 1
                  items: {type: object, required: [name], properties: {name: {type: string}}}
            customer:
              type: object
              required: [id, plan]
              properties:
                id: {type: string}
                email: {type: string, format: email}
                plan: {enum: [free, gold]}
        samples:
          typical:
            order: {number: A-1, total: 12.5, items: [{name: Mug}]}
            customer: {id: c-1, email: ana@mail.example, plan: gold}
          with_coupon:
            order: {number: A-2, total: 8, coupon: SPRING, items: [{name: Cup}]}
            customer: {id: c-2, plan: free}
        """,
    "events/order.cancelled.yaml": """\
        description: An order was cancelled.
        schema:
          type: object
          required: [order]
          properties: {order: {type: object, required: [number], properties: {number: {type: string}}}}
        samples: {typical: {order: {number: A-1}}}
        """,
    "events/day.begun.yaml": """\
        description: A day began.
        schema: {type: object, required: [day], properties: {day: {type: string, format: date}}}
        samples: {typical: {day: "2026-03-02"}}
        """,
    "recipients/team.yaml": """\
        attributes:
          type: object
          properties:
            team: {type: string}
            vip: {type: boolean}
        people:
          ana: {name: Ana Souza, email: ana@shop.example, sms: "+55 41 98765-4321", attributes: {team: sales}}
          bruno: {name: Bruno Lima, locale: pt-BR, time_zone: America/Manaus, email: bruno@shop.example}
        systems:
          erp: {name: ERP, webhook: https://erp.example/hooks}
        groups:
          sales: {members: [ana, bruno]}
          vips: {query: recipient.attributes.vip | default(false)}
          on-call: {rota: {members: [ana, bruno], every: 1w, start: "2026-01-05", hand_over: "09:00"}}
        """,
    "channels/email.yaml": """\
        providers:
          - {kind: smtp, host: smtp.one.example, username: shop, password: env:SMTP_ONE, from: a@shop.example}
          - {kind: smtp, name: spare, host: smtp.two.example, username: x, password: env:SMTP_TWO, from: a@shop.example}
        """,
    "channels/sms.yaml": """\
        providers:
          - kind: twilio
            account_sid: AC00000000000000000000000000000000
            auth_token: env:TWILIO
            from: "+15005550006"
        retry: [10s, 2m]
        expires: 1h
        on_unknown: hold
        concurrency: 5
        """,
    "channels/inapp.yaml": "{}\n",
    "channels/webhook.yaml": "providers: [{kind: standard_webhooks, secrets: [env:HOOK]}]\n",
    "notifications/confirmation/notification.yaml": """\
        # told to whoever paid
        on: order.paid
        when: event.data.order.total > 0
        category: orders
        expires: 2d
        in_flight: latest
        to:
          - person: event.data.customer.id
            upsert:
              email: event.data.customer.email | default(none)
              attributes: {vip: event.data.customer.plan == "gold"}
          - group: sales
            when: event.data.order.total > 1000
        steps:
          - only_if: recipient.kind == "person"
          - send: {first_of: [email, inapp]}
          - wait_for: {receipt: read, up_to: 2h}
          - branch:
              - when: event.data.customer.plan == "gold"
                steps: [{delay: 5m}, {send: sms}]
              - steps: [{until: "10:00"}, {send: email}]
          - repeat:
              times: 2
              steps: [{send: inapp}, {delay: 1h}]
          - notify: {to: [{group: on-call}], steps: [{send: sms}]}
          - stop: event.data.order.total < 5
          - send: inapp
        cancel: {on: order.cancelled, match: event.data.order.number}
        """,
    "notifications/confirmation/content.en.md": """\
        ---
        title: "Order {{ event.data.order.number }} paid"
        preview: Thank you
        actions:
          - {label: Look, url: "https://shop.example/orders"}
        ---
        Hello {{ recipient.name | default("there", true) }},

        we received your payment.

        {% for item in event.data.order.items %}
        - {{ item.name }}
        {% endfor %}

        {% if event.data.order.coupon is defined %}
        Your coupon was {{ event.data.order.coupon }}.
        {% endif %}
        """,
    "notifications/confirmation/content.pt-BR.md": """\
        ---
        title: Pedido {{ event.data.order.number }} pago
        ---
        Recebemos seu pagamento.
        """,
    "notifications/confirmation/correction.en.md": """\
        ---
        title: Order cancelled
        ---
        It is cancelled.
        """,
    "notifications/confirmation/correction.pt-BR.md": """\
        ---
        title: Pedido cancelado
        ---
        Foi cancelado.
        """,
    "notifications/confirmation/sms.en.txt": "Order {{ event.data.order.number }} paid\n",
    "notifications/daily/notification.yaml": """\
        on: [order.paid, order.cancelled]
        category: alerts
        to: [{system: erp}, {group: vips}]
        steps:
          - digest: {window: 1h, by: event.data.order.number}
          - throttle: {at_most: 3, per: 1d}
          - send: [webhook, inapp]
        mute: {opened: order.paid, closed: order.cancelled, match: event.data.order.number, drop: true}
        """,
    "notifications/daily/content.md": """\
        ---
        title: News of orders
        ---
        There is something new.
        """,
    "notifications/daily/webhook.json": '{"order": "{{ event.data.order.number }}"}\n',
}


def whole(changes: dict[str, str | bytes | None] | None = None) -> dict[str, bytes]:
    """The project's files with some of them written anew; None takes one away."""
    files = {name: dedent(text).encode() for name, text in FILES.items()}
    for name, text in (changes or {}).items():
        if text is None:
            del files[name]
        else:
            files[name] = text if isinstance(text, bytes) else dedent(text).encode()
    return files


def edited(name: str, before: str, after: str, files: dict[str, bytes] | None = None) -> dict[str, bytes]:
    """The project's files, in one of which something is replaced."""
    files = whole() if files is None else dict(files)
    text = files[name].decode()
    assert text.count(before) == 1, f"{name} has {before!r} {text.count(before)} times"
    return {**files, name: text.replace(before, after).encode()}


WHOLE: Catalogue = compile_files(whole())
