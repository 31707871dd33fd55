# ruff: noqa: E501 - a case is a line, so that the table can be read as one
"""Faults of types planted in a good project: each is found, alone, with its code, at its place (``‸``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from textwrap import dedent

import pytest

from arauto.errors import Diagnostic

Compile = Callable[[Mapping[str, str | bytes | None]], list[Diagnostic]]

EVENT = "events/order.paid.yaml"
OTHER = "events/order.shipped.yaml"
TEAM = "recipients/team.yaml"
RULE = "notifications/order-paid/notification.yaml"
ENGLISH = "notifications/order-paid/content.en.md"
SMS = "notifications/order-paid/sms.en.txt"
WEBHOOK = "notifications/to-erp/webhook.json"

SCHEMA = """\
description: An order was paid.
schema:
  type: object
  additionalProperties: false
  required: [order, customer, payment, maybe, language, labels, many]
  properties:
    order: {$ref: "#/$defs/order"}
    customer:
      type: object
      additionalProperties: false
      required: [id, note, vip]
      properties: {id: {type: string}, note: {type: [string, "null"]}, phone: {type: string}, vip: {type: boolean}}
    payment:
      oneOf:
        - {type: object, additionalProperties: false, required: [kind, brand], properties: {kind: {const: card}, brand: {type: string}}}
        - {type: object, additionalProperties: false, required: [kind, key], properties: {kind: {const: pix}, key: {type: string}}}
    maybe: {type: [object, "null"], additionalProperties: false, required: [id], properties: {id: {type: string}}}
    language: {enum: [pt-BR, en]}
    labels: {type: object}
    many: {type: [array, "null"], items: {type: string}}
  $defs:
    order:
      type: object
      required: [number, total, amount, paid_at, day, items, tags, parcels]
      properties:
        number: {type: string}
        total: {type: number}
        amount: {type: string, pattern: "^[0-9]+$"}
        parcels: {type: integer}
        paid_at: {type: string, format: date-time}
        day: {type: string, format: date}
        coupon: {type: string}
        items:
          type: array
          items:
            allOf:
              - {type: object, required: [name, price], properties: {name: {type: string}, price: {type: number}, gift: {type: string}}}
        tags: {type: array, minItems: 1, items: {type: string}}
samples:
  typical:
    order: {number: A-1, total: 12.5, amount: "12", parcels: 2, paid_at: "2026-03-12T14:32:08-03:00", day: "2026-03-12", items: [], tags: [a]}
    customer: {id: c-1, note: null, vip: true}
    payment: {kind: pix, key: a}
    maybe: null
    language: en
    labels: {}
    many: null
"""

GOOD: dict[str, str] = {
    EVENT: SCHEMA,
    OTHER: """\
        description: It was sent.
        schema: {type: object, additionalProperties: false, required: [order, parcel], properties: {parcel: {type: string}, order: {type: object, required: [number], properties: {number: {type: string}}}}}
        samples: {one: {order: {number: A-1}, parcel: x}}
        """,
    RULE: """\
        on: order.paid
        category: orders
        to:
          - person: event.data.customer.id
          - group: sales
        steps:
          - send: [email, sms]
        """,
    ENGLISH: '---\ntitle: "Paid"\n---\nHello.\n',
    "notifications/order-paid/content.pt-BR.md": '---\ntitle: "Pago"\n---\nOlá.\n',
    SMS: "Hello.\n",
    WEBHOOK: '{"id": "{{ event.id }}"}\n',
}

TEXTS: list[tuple[str, str]] = [
    # paths
    ("{{ event.data.order.‸numbr }}", "unknown-path"),
    ("{{ event.data.‸ordr.number }}", "unknown-path"),
    ("{{ event.‸dat.order.number }}", "unknown-path"),
    ("{{ event.data.order‸['numbr'] }}", "unknown-path"),
    ("{{ event.data.order.number.‸first }}", "unknown-path"),
    ("{{ event.data.order.total.‸cents }}", "unknown-path"),
    ("{{ recipient.‸nome }}", "unknown-path"),
    ("{{ recipient.attributes.‸vap }}", "unknown-path"),
    ("{{ project.‸nam }}", "unknown-path"),
    ("{{ project.brand.‸colour }}", "unknown-path"),
    ("{{ message.‸url }}", "unknown-path"),
    ("{% for item in event.data.order.items %}{{ item.‸nme }}{% endfor %}", "unknown-path"),
    ("{% for item in event.data.order.items %}{{ loop.‸indx }}{% endfor %}", "unknown-path"),
    ("{% for item in event.data.order.‸itms %}{{ item.name }}{% endfor %}", "unknown-path"),
    ("{% for each in events %}{{ each.data.order.‸numbr }}{% endfor %}", "unknown-path"),
    ("{{ events[0].data.order.‸numbr }}", "unknown-path"),
    ("{% set order = event.data.order %}{{ order.‸numbr }}", "unknown-path"),
    ("{% with order = event.data.order %}{{ order.‸numbr }}{% endwith %}", "unknown-path"),
    ("{% if event.data.order.‸totl > 3 %}x{% endif %}", "unknown-path"),
    ("{% if event.data.‸copon is defined %}x{% endif %}", "unknown-path"),
    ('{{ event.data.‸copon | default("–") }}', "unknown-path"),
    ('{{ event.data.order.items | map(attribute=‸"nme") | join(", ") }}', "unknown-path"),
    ('{{ event.data.order.items | sum(attribute=‸"prize") }}', "unknown-path"),
    ('{% for item in event.data.order.items | sort(attribute=‸"nme") %}{{ item.name }}{% endfor %}', "unknown-path"),
    ('{% for item in event.data.order.items | selectattr(‸"gft") %}{{ item.name }}{% endfor %}', "unknown-path"),
    # what may be missing
    ("{{ event.data.order.‸coupon }}", "possibly-missing"),
    ("{% if event.data.order.‸coupon %}x{% endif %}", "possibly-missing"),
    ("{% if not event.data.order.‸coupon %}x{% endif %}", "possibly-missing"),
    ('{% if event.data.order.‸coupon == "X" %}x{% endif %}', "possibly-missing"),
    (
        "{% if event.data.order.‸coupon is defined %}x{% else %}{{ event.data.order.coupon }}{% endif %}".replace(
            "‸coupon is", "coupon is"
        ).replace("{{ event.data.order.coupon", "{{ event.data.order.‸coupon"),
        "possibly-missing",
    ),
    (
        "{% if event.data.order.coupon is defined or event.data.customer.vip %}{{ event.data.order.‸coupon }}{% endif %}",
        "possibly-missing",
    ),
    ("{% if event.data.order.coupon is defined %}x{% endif %}{{ event.data.order.‸coupon }}", "possibly-missing"),
    ("{{ event.data.customer.‸phone | upper }}", "possibly-missing"),
    ("{{ event.data.payment.‸brand }}", "possibly-missing"),
    (
        '{% if event.data.payment.kind == "pix" %}x{% else %}{{ event.data.payment.brand }}{% endif %}{{ event.data.payment.‸key }}',
        "possibly-missing",
    ),
    ("{{ recipient.attributes.‸vip }}", "possibly-missing"),
    ("{% for item in event.data.order.items %}{{ item.‸gift }}{% endfor %}", "possibly-missing"),
    ("{{ event.data.order.items‸[0].name }}", "possibly-missing"),
    ("{{ event.data.order.tags‸[1] }}", "possibly-missing"),
    ("{{ (event.data.order.items | ‸first).name }}", "possibly-missing"),
    ('{{ event.data.order.items | map(attribute="price") | ‸max }}', "possibly-missing"),
    ('{{ ‸"VIP" if event.data.customer.vip }}', "possibly-missing"),
    ("{% if event.data.customer.vip %}{% set word = 1 %}{% endif %}{{ ‸word }}", "possibly-missing"),
    ("{% set coupon = event.data.order.coupon %}{{ ‸coupon }}", "possibly-missing"),
    ("{% for tag in event.data.order.tags %}{{ loop.‸previtem }}{% endfor %}", "possibly-missing"),
    # what may be none
    ("{{ event.data.customer.‸note }}", "possibly-null"),
    ("{{ event.data.maybe.‸id }}", "possibly-null"),
    ("{{ event.‸subject }}", "possibly-null"),
    ("{{ event.data.customer.‸note | upper }}", "possibly-null"),
    ("{{ event.data.‸many | first }}", "possibly-null"),
    ('{% if "a" in event.data.‸many %}x{% endif %}', "possibly-null"),
    ('{{ "a" ~ event.data.customer.‸note }}', "possibly-null"),
    ('{% if event.data.customer.‸note > "a" %}x{% endif %}', "possibly-null"),
    ('{{ event.data.customer.note | ‸default("–") }}', "possibly-null"),
    ("{% if event.data.customer.note is none %}{{ event.data.customer.‸note }}{% endif %}", "possibly-null"),
    # comparisons
    ('{% if event.data.order.‸total == "5" %}x{% endif %}', "incomparable"),
    ('{% if event.data.order.‸total != "5" %}x{% endif %}', "incomparable"),
    ('{% if event.data.order.‸total > "5" %}x{% endif %}', "incomparable"),
    ("{% if event.data.order.‸number > 3 %}x{% endif %}", "incomparable"),
    ("{% if event.data.customer.‸vip == 1 %}x{% endif %}", "incomparable"),
    ('{% if event.data.customer.‸vip == "true" %}x{% endif %}', "incomparable"),
    ("{% if event.data.order.‸items > 3 %}x{% endif %}", "incomparable"),
    ("{% if event.data.order.‸number in [1, 2] %}x{% endif %}".replace("[1, 2]", "[1]"), "incomparable"),
    ("{% if ‸3 in event.data.order.tags %}x{% endif %}", "incomparable"),
    ('{% if "x" in event.data.order.‸total %}x{% endif %}', "incomparable"),
    ("{% if ‸3 in event.data.order.number %}x{% endif %}", "incomparable"),
    # filters
    ('{{ event.data.order.number | ‸money("BRL") }}', "wrong-filter"),
    ('{{ event.data.order.paid_at | ‸money("BRL") }}', "wrong-filter"),
    ("{{ event.data.customer.vip | ‸number }}", "wrong-filter"),
    ("{{ event.data.order.total | ‸date }}", "wrong-filter"),
    ("{{ event.data.order.number | ‸date }}", "wrong-filter"),
    ("{{ event.data.order.day | ‸time }}", "wrong-filter"),
    ("{{ event.data.order.day | ‸datetime }}", "wrong-filter"),
    ("{{ event.data.order.total | ‸length }}", "wrong-filter"),
    ('{{ event.data.order.total | ‸join(", ") }}', "wrong-filter"),
    ("{{ event.data.order.number | ‸round }}", "wrong-filter"),
    ("{{ event.data.order.total | ‸first }}", "wrong-filter"),
    ('{{ event.data.order.total | ‸map("upper") | join }}', "wrong-filter"),
    ("{{ event.data.order.items | ‸upper }}", "wrong-filter"),
    ("{{ event.data.order.total | ‸split }}", "wrong-filter"),
    ("{% for pair in event.data.order.tags | ‸dictsort %}x{% endfor %}", "wrong-filter"),
    # arguments
    ("{{ event.data.order.total | ‸money }}", "wrong-arguments"),
    ('{{ event.data.order.total | money(‸"REAL") }}', "wrong-arguments"),
    ("{{ event.data.order.total | money(‸5) }}", "wrong-arguments"),
    ("{{ event.data.order.total | number(‸30) }}", "wrong-arguments"),
    ('{{ event.data.order.total | number(‸"2") }}', "wrong-arguments"),
    ('{{ event.data.order.paid_at | date(‸"lng") }}', "wrong-arguments"),
    ('{{ event.data.order.parcels | plural(‸{"one": "# x"}) }}', "wrong-arguments"),
    ('{{ event.data.order.parcels | plural(‸{"on": "# x", "other": "#"}) }}', "wrong-arguments"),
    ('{{ event.data.order.parcels | plural(‸"x") }}', "wrong-arguments"),
    ("{{ event.data.order.number | ‸upper(1) }}", "wrong-arguments"),
    ('{{ event.data.order.number | ‸replace("a") }}', "wrong-arguments"),
    ("{{ event.data.order.number | ‸truncate(3) }}", "wrong-arguments"),
    ("{{ event.data.order.tags | ‸sort(revers=true) | join }}", "wrong-arguments"),
    ("{% if event.data.order.parcels ‸is divisibleby %}x{% endif %}", "wrong-arguments"),
    ("{% for n in ‸range() %}x{% endfor %}", "wrong-arguments"),
    # loops, arithmetic, what is written
    ("{% for x in event.data.order.‸total %}x{% endfor %}", "not-a-list"),
    ("{% for x in event.data.customer.‸vip %}x{% endfor %}", "not-a-list"),
    ("{{ event.data.order.total‸[1:2] }}", "not-a-list"),
    ("{{ event.data.order.total + event.data.order.‸number }}", "wrong-operand"),
    ("{{ event.data.order.total * event.data.order.‸paid_at }}", "wrong-operand"),
    ("{{ event.data.order.‸number - 1 }}", "wrong-operand"),
    ("{{ -event.data.order.‸number }}", "wrong-operand"),
    ("{% for n in range(event.data.order.‸number) %}x{% endfor %}", "wrong-operand"),
    ("{{ event.data.‸order }}", "unwritable"),
    ("{{ event.data.order.‸tags }}", "unwritable"),
    ('{{ "a" ~ event.data.order.‸tags }}', "unwritable"),
    ("{{ ‸[1, 2] }}", "unwritable"),
]

RULES: list[tuple[str, str, str]] = [
    ("category", "when: event.data.order.‸totl > 3\ncategory", "unknown-path"),
    ("category", "when: |\n  event.data.order.total > 3\n    and event.data.order.‸totl < 9\ncategory", "unknown-path"),
    ("category", 'when: "event.data.order.‸total > \\"3\\""\ncategory', "incomparable"),
    ("category", "when: ‸event.data.order.total\ncategory", "wrong-result"),
    ("category", "when: ‸event.data.order.number and event.data.customer.vip\ncategory", "wrong-result"),
    ("category", "when: event.data.order.‸coupon == 'X'\ncategory", "possibly-missing"),
    ("category", "when: ‸event.data.order.tags | length\ncategory", "wrong-result"),
    ("event.data.customer.id", "event.data.customer.‸ident", "unknown-path"),
    ("event.data.customer.id", "‸event.data.order", "wrong-result"),
    ("event.data.customer.id", "‸event.data.customer.vip", "wrong-result"),
    ("event.data.customer.id", "event.data.customer.‸phone", "possibly-missing"),
    ("  - group: sales", "    upsert: {name: ‸event.data.order.total}", "wrong-result"),
    ("  - group: sales", "    upsert: {email: ‸event.data.order.items}", "wrong-result"),
    ("  - group: sales", "    upsert: {sms: event.data.customer.‸phone}", "possibly-missing"),
    ("  - group: sales", "    upsert: {attributes: {vip: ‸event.data.order.number}}", "wrong-result"),
    ("  - group: sales", "    upsert: {attributes: {‸vap: event.data.customer.vip}}", "unknown-path"),
    ("  - group: sales", "  - group: sales\n    when: ‸event.data.order.number", "wrong-result"),
    ("steps:", "steps:\n  - only_if: recipient.attributes.‸vip", "possibly-missing"),
    ("steps:", "steps:\n  - only_if: recipient.attributes.‸vp", "unknown-path"),
    ("steps:", "steps:\n  - stop: ‸event.data.order.number", "wrong-result"),
    ("steps:", "steps:\n  - delay: {by: ‸event.data.customer.vip}", "wrong-result"),
    ("steps:", "steps:\n  - delay: {by: ‸event.data.many}", "wrong-result"),
    ("steps:", "steps:\n  - until: {time: ‸event.data.order.number}", "wrong-result"),
    ("steps:", "steps:\n  - until: {time: ‸event.data.order.day}", "wrong-result"),
    ("steps:", "steps:\n  - until: {time: ‸event.data.order.total}", "wrong-result"),
    ("steps:", 'steps:\n  - until: {day: ‸event.data.order.number, at: "09:00"}', "wrong-result"),
    ("steps:", "steps:\n  - digest: {window: 1h, by: event.data.order.‸coupon}", "possibly-missing"),
    ("steps:", "steps:\n  - throttle: {at_most: 1, per: 1h, by: event.data.‸ordr}", "unknown-path"),
    (
        "steps:",
        "steps:\n  - wait_for: {event: order.shipped, match: {here: event.data.order.number, there: event.data.‸number}, up_to: 1h}",
        "unknown-path",
    ),
    ("steps:", "steps:\n  - wait_for: {event: order.shipped, match: event.data.‸parcel, up_to: 1h}", "unknown-path"),
    (
        "steps:",
        "steps:\n  - wait_for: {event: order.shipped, match: event.data.order.number, when: ‸event.data.parcel, up_to: 1h}",
        "wrong-result",
    ),
    ("steps:", "steps:\n  - branch: [{when: ‸event.data.order.number, steps: [{send: email}]}]", "wrong-result"),
    ("steps:", "steps:\n  - branch: [{percent: 10, steps: [{only_if: event.data.‸x}]}]", "unknown-path"),
    ("steps:", "steps:\n  - repeat: {times: 2, steps: [{only_if: event.data.‸x}]}", "unknown-path"),
    (
        "steps:",
        "steps:\n  - notify: {to: [{group: sales, when: event.data.‸x}], steps: [{send: email}]}",
        "unknown-path",
    ),
    ("category", "cancel: {on: order.shipped, match: event.data.‸parcel}\ncategory", "unknown-path"),
    (
        "category",
        "cancel: {on: order.shipped, match: event.data.order.number, when: event.data.‸x}\ncategory",
        "unknown-path",
    ),
    (
        "category",
        "mute: {opened: order.paid, closed: order.shipped, match: event.data.‸language}\ncategory",
        "unknown-path",
    ),
]


def alone(found: list[Diagnostic], file: str, marked: str, code: str) -> None:
    """Only this was found, where the mark is."""
    before = marked.partition("‸")[0]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    assert [(each.file, each.line, each.column, each.code) for each in found] == [(file, line, column, code)], found


def test_the_good_project_has_none(faults: Compile) -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(("text", "code"), TEXTS, ids=[text for text, _ in TEXTS])
def test_planted_in_a_text(faults: Compile, text: str, code: str) -> None:
    alone(faults({**GOOD, SMS: f"Hello: {text}\n".replace("‸", "")}), SMS, f"Hello: {text}\n", code)


@pytest.mark.parametrize(("old", "new", "code"), RULES, ids=[new for _, new, _ in RULES])
def test_planted_in_a_rule(faults: Compile, old: str, new: str, code: str) -> None:
    marked = dedent(GOOD[RULE]).replace(old, new, 1)
    alone(faults({**GOOD, RULE: marked.replace("‸", "")}), RULE, marked, code)


@pytest.mark.parametrize(
    ("file", "marked", "code"),
    [
        (ENGLISH, '---\ntitle: "Paid {{ event.data.order.‸numbr }}"\n---\nHello.\n', "unknown-path"),
        (ENGLISH, "---\ntitle: Paid {{ event.data.‸many }}\n---\nHello.\n", "unwritable"),
        (
            ENGLISH,
            '---\ntitle: "x"\nactions:\n  - {label: a, url: "{{ event.data.‸url }}"}\n---\nHello.\n',
            "unknown-path",
        ),
        (ENGLISH, '---\ntitle: "x"\n---\n\nHello,\n**{{ event.data.order.‸coupon }}**\n', "possibly-missing"),
        (ENGLISH, '---\ntitle: "x"\n---\n\n[here]({{ event.data.order.‸coupon }})\n', "possibly-missing"),
        (WEBHOOK, '{"id": "{{ event.data.‸nr }}"}\n', "unknown-path"),
        (WEBHOOK, '{"id": {"a": ["x", "{{ event.data.order.‸coupon }}"]}}\n', "possibly-missing"),
        (WEBHOOK, '{"id": "a {{ event.data.‸maybe }}"}\n', "unwritable"),
        (
            TEAM,
            "attributes: {type: object, properties: {vip: {type: boolean}}}\npeople: {ana: {name: A, email: a@b.example, sms: '+14155550100'}}\ngroups: {sales: {query: recipient.attributes.‸vp}}\n",
            "unknown-path",
        ),
        (
            TEAM,
            "attributes: {type: object, properties: {vip: {type: boolean}}}\npeople: {ana: {name: A, email: a@b.example, sms: '+14155550100'}}\ngroups: {sales: {query: ‸recipient.locale}}\n",
            "wrong-result",
        ),
        (
            TEAM,
            "attributes: {type: object, properties: {vip: {type: boolean}}}\npeople: {ana: {name: A, email: a@b.example, sms: '+14155550100'}}\ngroups: {sales: {query: recipient.attributes.‸vip}}\n",
            "possibly-missing",
        ),
    ],
)
def test_planted_in_another_file(faults: Compile, file: str, marked: str, code: str) -> None:
    alone(faults({**GOOD, file: marked.replace("‸", "")}), file, marked, code)


LET_BE = [
    "{% if event.data.order.coupon is defined %}{{ event.data.order.coupon }}{% endif %}",
    "{% if event.data.order.coupon is undefined %}–{% else %}{{ event.data.order.coupon }}{% endif %}",
    "{% if not event.data.order.coupon is defined %}–{% else %}{{ event.data.order.coupon }}{% endif %}",
    '{% if event.data.order.coupon is defined and event.data.order.coupon == "X" %}x{% endif %}',
    '{% if event.data.order.coupon is undefined or event.data.order.coupon == "X" %}x{% endif %}',
    '{{ event.data.order.coupon if event.data.order.coupon is defined else "–" }}',
    '{{ event.data.order.coupon | default("–") | upper }}',
    '{{ event.data.customer.note | default("–", true) }}',
    "{% if event.data.customer.note %}{{ event.data.customer.note }}{% endif %}",
    "{% if event.data.customer.note is not none %}{{ event.data.customer.note }}{% endif %}",
    "{% if event.data.customer.note != none %}{{ event.data.customer.note }}{% endif %}",
    "{% if event.data.customer.note is string %}{{ event.data.customer.note }}{% endif %}",
    "{% if event.data.maybe is none %}–{% elif event.data.customer.vip %}{{ event.data.maybe.id }}{% endif %}",
    "{% if event.data.maybe %}{{ event.data.maybe.id }}{% endif %}",
    '{% if event.data.payment.kind == "card" %}{{ event.data.payment.brand }}{% else %}{{ event.data.payment.key }}{% endif %}',
    '{% if event.data.payment.kind != "card" %}{{ event.data.payment.key }}{% endif %}',
    '{% if event.data.payment.kind in ["card"] %}{{ event.data.payment.brand }}{% endif %}',
    "{% if event.data.payment.brand is defined %}{{ event.data.payment.kind }}{% else %}{{ event.data.payment.key }}{% endif %}",
    "{% for item in event.data.order.items if item.gift is defined %}{{ item.gift }}{{ loop.index }}{% endfor %}",
    "{% if event.data.order.items %}{{ event.data.order.items[0].name }}{% endif %}",
    "{% if event.data.order.items | length > 0 %}{{ (event.data.order.items | last).name }}{% endif %}",
    "{{ event.data.order.tags[0] }}{{ event.data.order.tags | first }}{{ event.data.order.tags | join }}",
    "{% for tag in event.data.many %}{{ tag }}{% endfor %}",
    "{{ event.data.labels.team }}{{ event.data.labels.a.b | upper }}",
    '{{ event.data.order.amount | money("BRL") }}{{ event.data.order.total | money("BRL") }}',
    '{{ event.data.order.paid_at | datetime("short") }}{{ event.data.order.day | date }}{{ event.time | time }}',
    '{{ event.data.order.parcels | plural({"one": "# x", "other": "# y"}) }}',
    '{{ event.data.order.items | map(attribute="name") | join(", ") }}',
    '{{ event.data.order.items | sum(attribute="price") | money("BRL") }}',
    "{% set total = event.data.order.total * 2 %}{{ total | number(2) }}",
    "{% set word = 1 %}{% if event.data.customer.vip %}{% set word = 2 %}{% endif %}{{ word }}",
    "{% if event.data.customer.vip %}{% set word = 1 %}{% else %}{% set word = 2 %}{% endif %}{{ word }}",
    '{% set coupon = event.data.order.coupon | default("") %}{% if coupon %}{{ coupon }}{% endif %}',
    "{% for key, value in event.data.order | items %}{{ key }}{% endfor %}",
    '{{ "a" in event.data.order.tags }}{{ "a" in event.data.order.number }}{{ "a" in event.data.labels }}',
    "{% for each in events %}{{ each.data.order.number }}{{ each.time | date }}{% endfor %}",
    "{{ recipient.attributes.vip | default(false) }}{{ recipient.id }}{{ recipient.locale }}",
    '{% if event.data.order.coupon | default("") == "X" %}{{ event.data.order.coupon }}{% endif %}',
    "{% if event.data.order.coupon | default(false) %}{{ event.data.order.coupon }}{% endif %}",
    "{% for tag in event.data.order.tags %}{{ loop.previtem | default('') }}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{{ event.data.order.number[0:3] }}{{ -event.data.order.total }}{{ event.data.order.total // 2 }}",
]


@pytest.mark.parametrize("text", LET_BE)
def test_what_is_guarded_or_cannot_fail_is_let_be(faults: Compile, text: str) -> None:
    assert faults({**GOOD, SMS: f"{text}\n"}) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("category", "when: event.data.order.coupon is defined\ncategory"),
        ("category", "when: event.data.order.coupon is defined and event.data.customer.vip\ncategory"),
        ("steps:", "steps:\n  - only_if: event.data.order.coupon is defined"),
        ("steps:", "steps:\n  - stop: event.data.order.coupon is undefined"),
        ("steps:", "steps:\n  - only_if: event.data.order.coupon is defined\n  - digest: 1h"),
    ],
)
def test_what_a_rule_has_shown_holds_in_its_texts(faults: Compile, old: str, new: str) -> None:
    rule = dedent(GOOD[RULE]).replace(old, new, 1)
    text = "{{ event.data.order.coupon }}{% for each in events %}{{ each.data.order.coupon }}{% endfor %}\n"
    assert faults({**GOOD, RULE: rule, SMS: text}) == []


def test_what_only_one_way_has_shown_does_not_hold_in_a_text_of_both(faults: Compile) -> None:
    ways = "steps:\n  - branch: [{when: event.data.order.coupon is defined, steps: [{send: sms}]}]"
    rule = dedent(GOOD[RULE]).replace("steps:", ways, 1)
    marked = "{{ event.data.order.‸coupon }}\n"
    alone(faults({**GOOD, RULE: rule, SMS: marked.replace("‸", "")}), SMS, marked, "possibly-missing")


def test_of_several_event_types_a_text_may_use_what_they_share(faults: Compile) -> None:
    rule = dedent(GOOD[RULE]).replace("on: order.paid", "on: [order.paid, order.shipped]")
    rule = rule.replace("event.data.customer.id", "event.data.order.number")
    good = '{{ event.data.order.number }}{% if event.type == "order.shipped" %}{{ event.data.parcel }}{% endif %}\n'
    assert faults({**GOOD, RULE: rule, SMS: good}) == []
    marked = "{{ event.data.‸parcel }}\n"
    alone(faults({**GOOD, RULE: rule, SMS: marked.replace("‸", "")}), SMS, marked, "possibly-missing")


def test_there_are_enough_of_each_code() -> None:
    planted = Counter([code for _, code in TEXTS] + [code for *_, code in RULES])
    assert sum(planted.values()) >= 120
    assert min(planted.values()) >= 3, planted
