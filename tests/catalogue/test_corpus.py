# ruff: noqa: E501 - a fault is a line, so that the table can be read as one
"""The corpus: one small edit to a sound project for each way of being wrong. Each is found with its code at its line
and column (``‸`` in what is written), and nothing else is said; every code that there is has its edits."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

from arauto.catalogue import check_project
from arauto.catalogue.diagnostics import CODES, WARNINGS
from arauto.errors import CatalogueFaulty, Diagnostic

PROJECT = "arauto.yaml"
APP = "sources/app.yaml"
BACK = "sources/back.yaml"
NOTES = "sources/notes.yaml"
NIGHTLY = "sources/nightly.yaml"
PAID = "events/order.paid.yaml"
SHIPPED = "events/order.shipped.yaml"
DAY = "events/day.over.yaml"
TEAM = "recipients/team.yaml"
SYSTEMS = "recipients/systems.yaml"
EMAIL = "channels/email.yaml"
SMS = "channels/sms.yaml"
RULE = "notifications/order-paid/notification.yaml"
ENGLISH = "notifications/order-paid/content.en.md"
TEXT = "notifications/order-paid/sms.en.txt"
MJML = "notifications/order-paid/email.en.mjml"
SLACK = "notifications/order-paid/slack.json"
ERP = "notifications/to-erp/notification.yaml"
BODY = "notifications/to-erp/webhook.json"
OVER = "notifications/day-over/notification.yaml"
TESTS = "tests/orders.yaml"

SOUND: dict[str, str] = {
    PROJECT: """\
        name: shop
        locale: en
        time_zone: America/Sao_Paulo
        public_url: https://notices.shop.example
        private_networks: [10.0.0.0/8]
        brand: {name: Shop, color: "#0f766e", url: https://shop.example, footer: Shop Ltd}
        holidays: [2026-12-25]
        categories:
          orders: {title: {en: Orders, pt-BR: Pedidos}}
          alerts: {title: Alerts}
        """,
    APP: """\
        kind: bearer
        secrets: ["env:APP_TOKEN"]
        events:
          - type: order.paid
            when: body.kind == "paid"
            id: body.order.number
            data: {order: body.order, customer: body.customer}
        """,
    BACK: """\
        kind: standard_webhooks
        secrets: [env:BACK_SECRET]
        events:
          - {type: order.shipped, data: body.data}
        """,
    NOTES: """\
        kind: bearer
        secrets: [env:NOTES_TOKEN]
        events: [{type: order.noted, id: body.id, data: {number: body.number}}]
        """,
    NIGHTLY: """\
        kind: schedule
        event: day.over
        cron: "0 8 * * *"
        zone: America/Sao_Paulo
        data: {day: tick.date}
        """,
    PAID: """\
        description: An order was paid.
        schema:
          type: object
          additionalProperties: false
          required: [order, customer, state, gift, note, tags, payment, memo]
          properties:
            order:
              type: object
              additionalProperties: false
              required: [number, total, pieces, at]
              properties:
                number: {type: string, pattern: "^A-[0-9]{1,8}$"}
                total: {type: number, minimum: 1, maximum: 5000}
                pieces: {type: integer, minimum: 0, maximum: 50}
                at: {type: string, format: date-time}
                coupon: {type: string, maxLength: 20}
            customer:
              type: object
              additionalProperties: false
              required: [id, name, email]
              properties:
                id: {type: string, maxLength: 20}
                name: {type: string, maxLength: 30}
                email: {type: string, format: email}
            state: {enum: [paid, open, failed]}
            gift: {type: boolean}
            memo: {type: string}
            note: {type: [string, "null"], maxLength: 40}
            tags: {type: array, maxItems: 5, items: {type: string, maxLength: 10}}
            payment: {type: object, additionalProperties: false, required: [kind], properties: {kind: {type: string, maxLength: 10}}}
        samples:
          typical:
            order: {number: A-1, total: 12.5, pieces: 1, at: "2026-03-12T14:32:08-03:00"}
            customer: {id: c-1, name: Ana, email: ana@shop.example}
            state: paid
            gift: true
            note: null
            memo: x
            tags: []
            payment: {kind: pix}
        """,
    "events/order.noted.yaml": """\
        description: Somebody wrote something down.
        schema: {type: object, additionalProperties: false, required: [number], properties: {number: {type: string, maxLength: 20}}}
        samples: {one: {number: A-1}}
        """,
    SHIPPED: """\
        description: An order was sent.
        schema: {type: object, additionalProperties: false, required: [number], properties: {number: {type: string, maxLength: 20}}}
        samples: {one: {number: A-1}}
        """,
    DAY: """\
        description: A day is over.
        schema: {type: object, additionalProperties: false, required: [day], properties: {day: {type: string, format: date}}}
        samples: {typical: {day: "2026-11-24"}}
        """,
    TEAM: """\
        attributes:
          type: object
          additionalProperties: false
          properties:
            vip: {type: boolean}
        people:
          ana: {name: Ana, locale: pt-BR, time_zone: America/Manaus, email: ana@shop.example, sms: "+5541987654321", attributes: {vip: true}}
          bob: {name: Bob, email: [bob@shop.example, b@shop.example], sms: "+14155550100"}
        groups:
          sales: {members: [ana, bob]}
          duty: {rota: {members: [ana, bob], every: 1w, start: 2026-01-05, hand_over: "09:00", zone: UTC, overrides: [{member: bob, from: 2026-02-01, to: 2026-02-03}]}}
        """,
    SYSTEMS: """\
        systems:
          erp: {name: ERP, webhook: "https://erp.shop.example/in"}
          room: {name: Room, slack: C012AB3CD}
        """,
    EMAIL: """\
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
        """,
    SMS: """\
        providers:
          - {kind: twilio, account_sid: AC0123, auth_token: env:TWILIO, from: "+14155550199"}
        """,
    "channels/inapp.yaml": "{}\n",
    "channels/slack.yaml": "providers: [{kind: web_api, token: env:SLACK_TOKEN}]\n",
    "channels/webhook.yaml": 'providers: [{kind: standard_webhooks, secrets: ["env:WEBHOOK_SECRET"]}]\n',
    RULE: """\
        on: order.paid
        when: event.data.order.total > 10
        category: orders
        expires: 2h
        to:
          - person: event.data.customer.id
            upsert:
              name: event.data.customer.name
              email: event.data.customer.email
              attributes: {vip: event.data.order.total > 1000}
          - group: sales
            when: event.data.order.total > 100
          - system: room
        steps:
          - only_if: event.data.gift
          - branch:
              - when: event.data.state == "paid"
                steps: [{send: [email, inapp, slack]}]
              - when: event.data.state == "open"
                steps: [{send: {first_of: [sms, email]}}]
              - steps: [{send: email}]
          - wait_for: {event: order.shipped, match: {here: event.data.order.number, there: event.data.number}, up_to: 2d, then: stop, else: continue}
          - delay: 2h
          - send: [email, slack]
        """,
    ENGLISH: """\
        ---
        title: "Order {{ event.data.order.number }} is paid"
        preview: "Thank you, {{ event.data.customer.name }}."
        actions:
          - {label: Open, url: "https://shop.example/orders/{{ event.data.order.number }}"}
        ---
        Hello, {{ recipient.name | default("you", true) }}: {{ event.data.order.total | money("USD") }}.

        [Help](https://shop.example/help)
        """,
    "notifications/order-paid/content.pt-BR.md": """\
        ---
        title: "Pedido {{ event.data.order.number }} pago"
        preview: Obrigado.
        ---
        Olá!
        """,
    TEXT: """\
        Order {{ event.data.order.number }} of {{ event.data.customer.name }} is paid
        """,
    MJML: """\
        <mjml>
          <mj-body>
            <mj-section><mj-column>
              <mj-text>Order {{ event.data.order.number }}</mj-text>
              <mj-image src="https://shop.example/a.png" alt="A parcel" />
              <mj-button href="https://shop.example">Open</mj-button>
            </mj-column></mj-section>
          </mj-body>
        </mjml>
        """,
    SLACK: """\
        {
          "text": "Order {{ event.data.order.number }} is paid",
          "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": "Order {{ event.data.order.number }}"}},
            {"type": "image", "image_url": "https://shop.example/a.png", "alt_text": "A parcel"}
          ]
        }
        """,
    ERP: """\
        on: [order.shipped, order.noted]
        category: alerts
        to: [{system: erp}]
        steps: [{send: webhook}]
        """,
    "notifications/to-erp/content.md": "---\ntitle: Sent\n---\nSent.\n",
    BODY: """\
        {"number": "{{ event.data.number }}"}
        """,
    OVER: """\
        on: day.over
        category: alerts
        to: [{group: duty}]
        steps: [{send: [sms, email]}]
        """,
    "notifications/day-over/content.md": "---\ntitle: The day is over\n---\n{{ event.data.day | date }}\n",
    TESTS: """\
        - name: a customer hears of it
          now: 2026-03-02T09:00
          recipients:
            c-1: {locale: pt-BR, email: true}
          wishes:
            c-1: {categories: {orders: {"*": true}}, quiet_hours: {start: "22:00", end: "07:00"}}
          when:
            - event: order.paid
              sample: typical
              with: {state: paid}
            - at: +1h
              receipt: read
              of: {to: c-1, by: email, notification: order-paid}
            - at: "10:30"
              provider: {channel: sms, fails: later, until: +3h}
            - silence: {categories: [orders], until: +4h}
          expect:
            - {at: +0s, to: c-1, by: email}
            - {between: [+3h, +4h], language: pt-BR}
        - name: nobody else does
          now: 2026-03-02T09:00
          when: []
          expect: nothing
        """,
}
"""By file name; indentation is taken off."""

NEW = None
"""Instead of what is replaced: the file is new."""


class Fault(NamedTuple):
    """An edit: ``old`` of a file becomes ``new``."""

    name: str
    file: str
    old: str | None
    new: str
    code: str
    where: tuple[str, str] | None = None
    """Where it is found, in another file: its name, and a part of it with the mark in it."""


F = Fault
ROTA = 'every: 1w, start: 2026-01-05, hand_over: "09:00", zone: UTC'
WHEN = "when: event.data.order.total > 10\n"
GIFT = "only_if: event.data.gift\n"
OPEN = 'when: event.data.state == "open"\n'
SEND = "  - send: [email, slack]\n"

FAULTS = [
    # files and folders
    F("an event type with a space", "events/order gone.yaml", NEW, "description: x\nschema: {}\nsamples: {a: 1}\n", "bad-name"),
    F("a source with a capital", "sources/App.yaml", NEW, "kind: bearer\nsecrets: [env:X]\nevents: [{type: order.paid, id: body.id}]\n", "bad-name"),
    F("a folder without a notification", "notifications/empty/webhook.json", NEW, "{}", "missing-file", ("notifications/empty/notification.yaml", "")),
    F("a version to test that is not there", TESTS, "- silence: {categories", "- project: ‸../no\n    - silence: {categories", "missing-file"),
    F("a file that ends in .yml", "events/order.paid.yml", NEW, "description: x\n", "unknown-file"),
    F("a text with a misspelt name", "notifications/order-paid/contents.en.md", NEW, "x", "unknown-file"),
    F("a text of another channel's form", "notifications/order-paid/sms.en.mjml", NEW, "x", "unknown-file"),
    F("a file among the notifications", "notifications/x.yaml", NEW, "{}", "unknown-file"),
    F("a case in a file that ends in .yml", "tests/more.yml", NEW, "[]", "unknown-file"),
    F("a text in Latin-1", ENGLISH, "Hello,", "caf‸\udce9,", "unreadable-file"),
    F("a text for what is not sent to", "notifications/order-paid/webhook.json", NEW, "{}", "unused-file"),
    F("a correction of what nothing takes back", "notifications/order-paid/correction.en.md", NEW, "---\ntitle: No\n---\nNo\n", "unused-file"),
    # YAML
    F("a quote that is never closed", PROJECT, '"#0f766e"', '‸"#0f766e', "bad-yaml"),
    F("a tab that indents", TEAM, "  ana:", "‸\tana:", "bad-yaml"),
    F("a front matter that is no YAML", ENGLISH, 'preview: "Thank you, {{ event.data.customer.name }}."', "preview: \"Thank\" ‸you", "bad-yaml"),
    F("a key twice", PAID, "samples:", "‸description: again\nsamples:", "duplicate-key"),
    F("a key twice in JSON", SLACK, '"blocks": [', '"‸text": "x", "blocks": [', "duplicate-key"),
    F("a key twice in a front matter", ENGLISH, "preview:", "‸title: x\npreview:", "duplicate-key"),
    # shapes
    F("a key that is missing", RULE, "on: order.paid\n", "", "missing-key"),
    F("a key that is missing deeper", PROJECT, "brand: {name: Shop, ", "‸brand: {", "missing-key"),
    F("a provider without a setting", EMAIL, "  - kind: smtp\n    name: second\n    host: smtp2.shop.example", "  - ‸kind: smtp\n    name: second", "missing-key"),
    F("a text without a title", ENGLISH, 'title: "Order {{ event.data.order.number }} is paid"\n', "‸", "missing-key"),
    F("an image without its words", ENGLISH, "actions:", "‸image: https://shop.example/a.png\nactions:", "missing-key"),
    F("an image in a text without its words", ENGLISH, "[Help](https://shop.example/help)", "![](‸https://shop.example/a.png)", "missing-key"),
    F("an image in MJML without its words", MJML, '<mj-image src="https://shop.example/a.png" alt="A parcel" />', '‸<mj-image src="https://shop.example/a.png" />', "missing-key"),
    F("an image for Slack without its words", SLACK, '{"type": "image", "image_url": "https://shop.example/a.png", "alt_text": "A parcel"}', '‸{"type": "image", "image_url": "https://shop.example/a.png"}', "missing-key"),
    F("an action that leads nowhere", ENGLISH, '{label: Open, url: "https://shop.example/orders/{{ event.data.order.number }}"}', "‸{label: Open}", "missing-key"),
    F("a case without a name", TESTS, "- name: nobody else does\n  now:", "- ‸now:", "missing-key"),
    F("a key that is misspelt", RULE, "expires: 2h", "‸expire: 2h", "unknown-key"),
    F("a setting that is misspelt", EMAIL, "    host: smtp2", "    ‸hots: smtp2", "unknown-key"),
    F("an address of no channel", TEAM, 'sms: "+14155550100"', '‸smss: "1"', "unknown-key"),
    F("what a case expects is misspelt", TESTS, "to: c-1, by: email}\n    - {between", "to: c-1, ‸bye: email}\n    - {between", "unknown-key"),
    F("a key of a front matter that is misspelt", ENGLISH, "preview:", "‸previw:", "unknown-key"),
    F("text where a mapping belongs", PROJECT, "orders: {title: {en: Orders, pt-BR: Pedidos}}", "orders: ‸Orders", "wrong-type"),
    F("a number where text belongs", PROJECT, "name: shop\n", "name: ‸7\n", "wrong-type"),
    F("actions that are no list", ENGLISH, 'actions:\n  - {label: Open, url: "https://shop.example/orders/{{ event.data.order.number }}"}', "‸actions:\n  label: Open", "wrong-type"),
    F("a happening that is a number", TESTS, "- event: order.paid\n      sample: typical\n      with: {state: paid}", "- ‸7", "wrong-type"),
    F("a name with capitals", PROJECT, "name: shop\n", "name: ‸Shop\n", "bad-value"),
    F("a policy that there is not", EMAIL, "on_unknown: hold", "on_unknown: ‸holt", "bad-value"),
    F("an encoding that there is not", TEXT, "Order", "---\nencoding: ‸latin\n---\nOrder", "bad-value"),
    F("a receipt that nobody gives", TESTS, "receipt: read", "receipt: ‸reed", "bad-value"),
    F("a target with two names", RULE, "  - group: sales", "  - ‸group: sales\n    system: room", "one-of"),
    F("a group of two kinds", TEAM, "{members: [ana, bob]}\n", "‸{members: [ana, bob], query: recipient.attributes.vip}\n", "one-of"),
    F("two things that happen at once", TESTS, "at: +1h\n      receipt: read", "‸at: +1h\n      receipt: read\n      event: order.paid", "one-of"),
    F("a step that is misspelt", RULE, SEND, "  - ‸sned: [email, slack]\n", "unknown-step"),
    F("a step in a way that is misspelt", RULE, "- steps: [{send: email}]", "- steps: [{‸sent: email}]", "unknown-step"),
    F("a step that takes something else", RULE, "{first_of: [sms, email]}", "‸{frist_of: [sms, email]}", "bad-step"),
    F("a wait for no duration", RULE, "delay: 2h", "delay: ‸2 hours", "bad-step"),
    F("a digest of no end", RULE, "  - delay: 2h", "  - digest: ‸{by: event.id}", "bad-step"),
    # values with a form of their own
    F("an address that is none", TEAM, "email: ana@shop.example", "email: ‸ana", "bad-address"),
    F("an address of a case that is none", TESTS, "email: true", "email: ‸nowhere", "bad-address"),
    F("an attribute of the wrong type", TEAM, "{vip: true}", "{vip: ‸maybe}", "bad-attribute"),
    F("an attribute that there is not", TEAM, "{vip: true}", "{‸vap: true}", "bad-attribute"),
    F("an hour of 25", NIGHTLY, "0 8", "0 ‸25", "bad-cron"),
    F("data of a schedule", NIGHTLY, "tick.date", "‸tick.time", "bad-data"),
    F("data of a case", TESTS, "{state: paid}", "{state: ‸payed}", "bad-data"),
    F("a holiday that is no day", PROJECT, "2026-12-25", "‸2026-02-29", "bad-date"),
    F("a first turn on no day", TEAM, "start: 2026-01-05", "start: ‸2026-13-05", "bad-date"),
    F("a duration without its unit", RULE, "expires: 2h", 'expires: ‸"2"', "bad-duration"),
    F("a time of a case without its unit", TESTS, "at: +1h", "at: ‸+1x", "bad-duration"),
    F("a condition that ends too early", RULE, WHEN, "when: event.data.order.total >‸\n", "bad-expression"),
    F("a name that there is not", RULE, GIFT, "only_if: ‸evnt.data.gift\n", "bad-expression"),
    F("a filter that there is not", TEXT, "order.number }}", "order.number | ‸uper }}", "bad-expression"),
    F("a source's condition that ends too early", APP, 'body.kind == "paid"', "body.kind ==‸", "bad-expression"),
    F("a query over the event", TEAM, "{members: [ana, bob]}\n", "{query: ‸event.data.x == 1}\n", "bad-expression"),
    F("a locale that there is not", PROJECT, "locale: en\n", "locale: ‸xx-YY\n", "bad-locale"),
    F("a text in a locale that there is not", "notifications/order-paid/sms.xx.txt", NEW, "x", "bad-locale"),
    F("a case that begins tomorrow", TESTS, "  now: 2026-03-02T09:00\n  recipients", "  now: ‸tomorrow\n  recipients", "bad-moment"),
    F("a time of a case that is none", TESTS, 'at: "10:30"', "at: ‸soon", "bad-moment"),
    F("a network with host bits", PROJECT, "10.0.0.0/8", "‸10.0.0.1/8", "bad-network"),
    F("a part of a rule that there is not", NIGHTLY, 'cron: "0 8 * * *"', "rrule: FREQ=DAILY;‸BYDAI=MO\nstart: 2026-01-30T08:00", "bad-rrule"),
    F("a sample that lacks a property", PAID, "order: {number: A-1, total: 12.5, pieces: 1, at", "order: ‸{number: A-1, total: 12.5, at", "bad-sample"),
    F("a sample that is too small", PAID, "total: 12.5", "total: ‸0", "bad-sample"),
    F("a type that there is not", PAID, "gift: {type: boolean}", "gift: {type: ‸bool}", "bad-schema"),
    F("a reference out of the file", PAID, "gift: {type: boolean}", "gift: {$ref: ‸https://x.example/a.json}", "bad-schema"),
    F("a user without a password", EMAIL, "  - kind: smtp\n    host: smtp.shop.example\n    from: notices@shop.example\n    username: shop\n", "  - ‸kind: smtp\n    host: smtp.shop.example\n    from: notices@shop.example\n", "bad-settings"),
    F("a stand-in backwards", TEAM, "to: 2026-02-03", "to: ‸2026-02-01", "bad-span"),
    F("what happens in no order", TESTS, 'at: "10:30"', 'at: ‸+30m', "bad-span"),
    F("a time that is none", TEAM, 'hand_over: "09:00"', "hand_over: ‸9am", "bad-time"),
    F("quiet hours that are none", TESTS, 'start: "22:00"', 'start: ‸"25:00"', "bad-time"),
    F("a zone that there is not", PROJECT, "America/Sao_Paulo", "‸America/Sao_Paolo", "bad-time-zone"),
    F("a rota in a zone that there is not", TEAM, "zone: UTC", "zone: ‸Europe/Lisboa", "bad-time-zone"),
    F("a source without secrets", APP, '["env:APP_TOKEN"]', "‸[]", "bad-verification"),
    F("a source without events", "sources/app.yaml", 'events:\n  - type: order.paid\n    when: body.kind == "paid"\n    id: body.order.number\n    data: {order: body.order, customer: body.customer}\n', "", "missing-events"),
    F("an event without an id", APP, '  - type: order.paid\n    when: body.kind == "paid"\n    id: body.order.number\n', "  - ‸type: order.paid\n", "missing-id"),
    F("a day that never comes", NIGHTLY, "0 8 * * *", "0 8 ‸30 2 *", "never-fires"),
    # names
    F("a category that there is not", RULE, "category: orders", "category: ‸order", "unknown-category"),
    F("a category of a silence", TESTS, "categories: [orders]", "categories: [‸order]", "unknown-category"),
    F("a channel that there is not", RULE, "[email, inapp, slack]", "[email, ‸inap, slack]", "unknown-channel"),
    F("a channel's file", "channels/emial.yaml", NEW, "{}", "unknown-channel"),
    F("a channel that fails", TESTS, "channel: sms", "channel: ‸smms", "unknown-channel"),
    F("an event type that there is not", RULE, "on: order.paid", "on: ‸order.payed", "unknown-event-type"),
    F("an event type that is awaited", RULE, "event: order.shipped", "event: ‸order.shiped", "unknown-event-type"),
    F("an event type of a schedule", NIGHTLY, "event: day.over", "event: ‸day.ovr", "unknown-event-type"),
    F("an event type of a case", TESTS, "- event: order.paid\n      sample", "- event: ‸order.payed\n      sample", "unknown-event-type"),
    F("a group that there is not", OVER, "group: duty", "group: ‸dutty", "unknown-group"),
    F("a member who is not there", TEAM, "sales: {members: [ana, bob]}", "sales: {members: [ana, ‸bobb]}", "unknown-member"),
    F("a stand-in who is not there", TEAM, "member: bob", "member: ‸bop", "unknown-member"),
    F("a notification of a case", TESTS, "notification: order-paid", "notification: ‸order-payed", "unknown-notification"),
    F("a provider that there is not", SMS, "kind: twilio", "kind: ‸twillio", "unknown-provider"),
    F("a provider that fails", TESTS, "fails: later,", "fails: later, name: ‸vonage,", "unknown-provider"),
    F("a sample that there is not", TESTS, "sample: typical", "sample: ‸typcal", "unknown-sample"),
    F("a kind of source that there is not", APP, "kind: bearer", "kind: ‸bearrer", "unknown-source-kind"),
    F("a system that there is not", ERP, "system: erp", "system: ‸erpp", "unknown-system"),
    F("a channel without a file", RULE, SEND, "  - send: [email, ‸push]\n", "channel-not-configured"),
    F("attributes in two files", "recipients/zzz.yaml", NEW, "‸attributes: {type: object}\n", "duplicate-attributes"),
    F("two cases of one name", TESTS, "name: nobody else does", "name: ‸a customer hears of it", "duplicate-case"),
    F("a group in two files", "recipients/zzz.yaml", NEW, "groups:\n  ‸sales: {members: [bob]}\n", "duplicate-group"),
    F("two providers of one name", EMAIL, "name: second", "name: ‸smtp", "duplicate-provider"),
    F("a person who is a system too", TEAM, "groups:", "systems: {‸ana: {name: Ana}}\ngroups:", "duplicate-recipient"),
    F("a recipient of a case who is always there", TESTS, "    c-1: {locale", "    ‸ana: {locale", "duplicate-recipient"),
    F("a channel without a provider", SMS, 'providers:\n  - {kind: twilio, account_sid: AC0123, auth_token: env:TWILIO, from: "+14155550199"}', "‸expires: 1h", "no-provider"),
    # types
    F("a number and a text", TEXT, "Order", '{% if event.data.order.‸total == "5" %}x{% endif %}Order', "incomparable"),
    F("a number and a text, in a condition", RULE, WHEN, 'when: event.data.order.‸total > "3"\n', "incomparable"),
    F("a loop over a number", TEXT, "Order", "{% for x in event.data.order.‸total %}x{% endfor %}Order", "not-a-list"),
    F("a part of a number", TEXT, "Order", "{{ event.data.order.total‸[1:2] }}Order", "not-a-list"),
    F("what may not be there", TEXT, "Order", "{{ event.data.order.‸coupon }}", "possibly-missing"),
    F("what may not be there, in a condition", RULE, WHEN, "when: event.data.order.‸coupon == 'X'\n", "possibly-missing"),
    F("the first of what may be none", TEXT, "Order", "{{ event.data.tags | ‸first }}", "possibly-missing"),
    F("what may be none", TEXT, "Order", "{{ event.data.‸note }}", "possibly-null"),
    F("what may be none, in a filter", TEXT, "Order", "{{ event.data.‸note | upper }}", "possibly-null"),
    F("a path that leads nowhere", TEXT, "Order", "{{ event.data.order.‸numbr }}", "unknown-path"),
    F("a path that leads nowhere, in a condition", RULE, GIFT, "only_if: event.data.‸gft\n", "unknown-path"),
    F("a path of the awaited event", RULE, "there: event.data.number", "there: event.data.‸order", "unknown-path"),
    F("a path in JSON", BODY, "event.data.number", "event.data.‸nummer", "unknown-path"),
    F("a path in MJML", MJML, "<mj-text>Order {{ event.data.order.number", "<mj-text>Order {{ event.data.order.‸numbr", "unknown-path"),
    F("a whole list", TEXT, "Order", "{{ event.data.‸tags }}", "unwritable"),
    F("a whole object", ENGLISH, "Hello,", "{{ event.data.‸order }}", "unwritable"),
    F("an amount of no currency", ENGLISH, '"USD"', '‸"DOLLAR"', "wrong-arguments"),
    F("a style of a date", TEXT, "Order", '{{ event.data.order.at | date(‸"lng") }}', "wrong-arguments"),
    F("a text as money", TEXT, "Order", '{{ event.data.customer.name | ‸money("USD") }}', "wrong-filter"),
    F("a number as a date", TEXT, "Order", "{{ event.data.order.total | ‸date }}", "wrong-filter"),
    F("a number and a name", TEXT, "Order", "{{ event.data.order.total * event.data.customer.‸name }}", "wrong-operand"),
    F("less than a name", TEXT, "Order", "{{ event.data.customer.‸name - 1 }}", "wrong-operand"),
    F("a condition that is a number", RULE, WHEN, "when: ‸event.data.order.total\n", "wrong-result"),
    F("a person who is an object", RULE, "person: event.data.customer.id", "person: ‸event.data.order", "wrong-result"),
    F("an attribute that is a text", RULE, "{vip: event.data.order.total > 1000}", "{vip: ‸event.data.state}", "wrong-result"),
    # texts
    F("a front matter that does not end", ENGLISH, "---\nHello,", "Hello,", "bad-front-matter"),
    F("an image that is not there", ENGLISH, "[Help](https://shop.example/help)", "![Help](‸help.png)", "bad-image"),
    F("an image that no mail shows", ENGLISH, "[Help](https://shop.example/help)", "![Help](‸ftp://shop.example/a.png)", "bad-image"),
    F("an image of MJML that is not there", MJML, 'src="https://shop.example/a.png"', 'src="‸a.png"', "bad-image"),
    F("JSON without its quotes", BODY, '"{{ event.data.number }}"', "{‸{ event.data.number }}", "bad-json"),
    F("JSON without a comma", SLACK, 'is paid",\n  "blocks', 'is paid"\n  ‸"blocks', "bad-json"),
    F("a link without a scheme", ENGLISH, "(https://shop.example/help)", "(‸www.shop.example/help)", "bad-link"),
    F("an action without a scheme", ENGLISH, '"https://shop.example/orders/', '"‸shop.example/orders/', "bad-link"),
    F("a button of MJML without a scheme", MJML, 'href="https://shop.example"', 'href="‸shop.example"', "bad-link"),
    F("an image for Slack without a scheme", SLACK, '"image_url": "https://', '"image_url": "‸', "bad-link"),
    F("a tag that there is not", MJML, "<mj-button ", "‸<mj-buton ", "bad-mjml"),
    F("a tag that is not closed", MJML, "    </mj-column></mj-section>", "    ‸</mj-section>", "bad-mjml"),
    F("a tag in the wrong place", MJML, "  <mj-body>", "  <mj-head>‸<mj-text>x</mj-text></mj-head>\n  <mj-body>", "bad-mjml"),
    F("a tag in the wrong place, behind a value", MJML, '<mj-button href="https://shop.example">Open</mj-button>', "<mj-carousel>‸<mj-text>x</mj-text></mj-carousel>", "bad-mjml"),
    F("an attribute without quotes", MJML, 'href="https://shop.example"', "href=‸https://shop.example", "bad-mjml"),
    F("a sign that begins no tag", MJML, "<mj-text>Order ", "<mj-text>5 ‸< 6 ", "bad-mjml"),
    F("no text in the language of another", "notifications/order-paid/sms.fr.txt", NEW, "Bonjour\n", "missing-text", (RULE, "‸{send: [email, inapp, slack]}")),
    F("no text for a reader", TEAM, "bob: {name: Bob,", "bob: {name: Bob, locale: fr,", "missing-text", (RULE, "‸{send: [email, inapp, slack]}")),
    F("HTML in a text", ENGLISH, "Hello,", "‸<b>Hello</b>,", "raw-html"),
    F("a block of HTML", ENGLISH, "[Help](https://shop.example/help)", "‸<div>Help</div>", "raw-html"),
    F("four actions", ENGLISH, "actions:\n", "‸actions:\n" + '  - {label: More, url: "https://shop.example"}\n' * 3, "too-many"),
    F("eleven fields for Slack", SLACK, '{"type": "section", "text"', '‸{"type": "section", "fields": [' + ", ".join(['{"type": "mrkdwn", "text": "x"}'] * 11) + '], "text"', "too-many"),
    # conditions and steps
    F("what everything satisfies", RULE, WHEN, "when: ‸event.data.order.total >= 1\n", "always-true"),
    F("what is known already", RULE, "when: event.data.order.total > 100\n", "when: ‸event.data.order.total > 9\n", "always-true"),
    F("a value that there is not", RULE, OPEN, 'when: event.data.state == ‸"opened"\n', "impossible-value"),
    F("one of several values", RULE, GIFT, 'only_if: event.data.state in ["paid", ‸"closed"]\n', "impossible-value"),
    F("beyond the maximum", RULE, WHEN, "when: ‸event.data.order.total > 5000\n", "never-true"),
    F("against what let the event in", RULE, "when: event.data.order.total > 100\n", "when: ‸event.data.order.total < 5\n", "never-true"),
    F("the same way again", RULE, OPEN, 'when: ‸event.data.state == "paid"\n', "shadowed-way"),
    F("a narrower way behind", RULE, OPEN, 'when: ‸event.data.state == "paid" and event.data.order.total > 50\n', "shadowed-way"),
    F("what stands behind the end", RULE, SEND, "  - stop: true\n  - ‸send: [email, slack]\n", "unreachable-step"),
    F("what stands behind a wait that ends", RULE, "then: stop, else: continue}\n  - delay", "then: stop, else: stop}\n  - ‸delay", "unreachable-step"),
    # what leads to nothing
    F("a source of what nobody hears of", ERP, "[order.shipped, order.noted]", "order.shipped", "idle-source", (NOTES, "‸kind")),
    F("a category of nothing", PROJECT, "alerts: {title: Alerts}", "alerts: {title: Alerts}\n  ‸spare: {title: Spare}", "unused-category"),
    F("a channel to nobody", "channels/push.yaml", NEW, '‸providers: [{kind: web_push, vapid_private_key: env:VAPID, subject: "mailto:it@shop.example"}]\n', "unused-channel"),
    F("an event type that nobody handles", "events/order.gone.yaml", NEW, "‸description: x\nschema: {type: object}\nsamples: {a: {}}\n", "unused-event-type"),
    F("a group of nobody's", TEAM, "sales: {members: [ana, bob]}", "sales: {members: [ana, bob]}\n  ‸spare: {members: [ana]}", "unused-group"),
    # who is reached
    F("a group without members", TEAM, "sales: {members: [ana, bob]}", "sales: {members: ‸[]}", "empty-group"),
    F("a channel that nobody has", ERP, "{send: webhook}", "{send: [webhook, ‸sms]}", "reaches-nobody"),
    F("a group that cannot be reached", ERP, "[{system: erp}]", "[{system: erp}, {group: ‸sales}]", "unreachable-recipient"),
    # the length of texts
    F("a text message without end", TEXT, "Order", "{{ event.data.‸memo }}", "endless"),
    F("what is told of many events", TEXT, "Order", "{% for one in ‸events %}{{ one.data.order.number }}{% endfor %}", "endless"),
    F("a schema without an end", PAID, "name: {type: string, maxLength: 30}", "name: {type: string}", "endless", (TEXT, "event.data.customer.‸name")),
    F("more segments than are meant", TEXT, "customer.name }} is", "customer.‸name }} is" + " paid" * 50, "may-exceed"),
    F("a value that makes it more segments", TEXT, "Order", "x" * 230 + "{{ event.data.customer.‸name }}", "may-exceed"),
    F("a longer subject than is meant", ENGLISH, "title: \"Order", "title: \"{{ event.data.customer.‸name }} {{ event.data.customer.name }} Order", "may-exceed"),
    # settings
    F("urgent and of low priority", PROJECT, "alerts: {title: Alerts}", "alerts: {title: Alerts, urgent: true, ‸priority: low}", "contradicting-category"),
    F("tracked and not to be refused", PROJECT, "alerts: {title: Alerts}", "alerts: {title: Alerts, consent: required, ‸tracking: true}", "contradicting-category"),
    F("nobody can refuse", PROJECT, "public_url: https://notices.shop.example", "# no address", "no-way-to-refuse", (PROJECT, "‸orders: {title")),
    F("attempts after the end", EMAIL, "[5s, 1m, 1h]", "[5s, 1m, ‸3d]", "late-retry"),
    F("a webhook that leads back", SYSTEMS, '"https://erp.shop.example/in"', '‸"https://notices.shop.example/in/back"', "loop"),
    F("a secret in the open", APP, '"env:APP_TOKEN"', "‸swordfish", "open-secret"),
    F("a key in a comment", PROJECT, "name: shop\n", "# ‸sk_live_4eC39HqLyjWDarjtT1zdp7dc\nname: shop\n", "open-secret"),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sound project, which each test leaves as it was."""
    folder = tmp_path_factory.mktemp("corpus") / "shop"
    for name, text in SOUND.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text), encoding="utf-8")
    return folder


def place_of(marked: str) -> tuple[int, int]:
    """The line and column of the mark; 1, 1 where there is none."""
    before, mark, _ = marked.partition("‸")
    return (before.count("\n") + 1, len(before) - before.rfind("\n")) if mark else (1, 1)


def check(folder: Path) -> list[Diagnostic]:
    """All that is said of a project."""
    try:
        return check_project(folder)[1]
    except CatalogueFaulty as faulty:
        return list(faulty.diagnostics)


def planted(fault: Fault, folder: Path) -> tuple[list[Diagnostic], tuple[str, int, int]]:
    """What is said of the project with this fault, and where it should be."""
    path = folder / fault.file
    before = dedent(SOUND[fault.file]) if fault.file in SOUND else None
    marked = fault.new
    if fault.old is not None:
        assert before is not None
        assert before.count(fault.old) == 1, f"{fault.old!r} stands {before.count(fault.old)} times in {fault.file}"
        marked = before.replace(fault.old, fault.new)
    new = [each for each in (path, *path.parents) if not each.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(marked.replace("‸", "").encode("utf-8", "surrogateescape"))
        found = check(folder)
    finally:
        if before is not None:
            path.write_text(before, encoding="utf-8")
        for each in new:
            each.rmdir() if each.is_dir() else each.unlink()
    if fault.where is None:
        return found, (fault.file, *place_of(marked))
    file, part = fault.where
    text = dedent(SOUND.get(file, ""))
    assert text.count(part.replace("‸", "")) == 1 or not part
    return found, (file, *place_of(text.replace(part.replace("‸", ""), part) if part else ""))


def test_the_sound_project_is_sound(folder: Path) -> None:
    assert [str(each) for each in check(folder)] == []


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_what_is_planted_is_found_and_nothing_else(folder: Path, fault: Fault) -> None:
    found, place = planted(fault, folder)
    assert [(each.file, each.line, each.column, each.code) for each in found] == [(*place, fault.code)], found
    assert found[0].severity == ("warning" if fault.code in WARNINGS else "error")
    assert found[0].message
    assert "swordfish" not in str(found[0])


def test_every_code_of_the_program_is_planted_and_there_are_enough() -> None:
    counted = Counter(fault.code for fault in FAULTS)
    assert counted.keys() == CODES.keys(), "plant what has no fault here"
    assert len(FAULTS) >= 120
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
