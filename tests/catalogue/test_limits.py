# ruff: noqa: E501 - a case is a line, so that the table can be read as one
"""Texts that may be longer than their channels take: found at the value that adds most, with what they are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from arauto.catalogue import check_project
from arauto.errors import Diagnostic

Write = Callable[[Mapping[str, str | bytes | None]], Path]

EVENT = "events/order.paid.yaml"
ENGLISH = "notifications/order-paid/content.en.md"
SMS = "notifications/order-paid/sms.en.txt"
PUSH = "notifications/order-paid/push.json"
SLACK = "notifications/order-paid/slack.json"
RULE = "notifications/order-paid/notification.yaml"
MJML = "notifications/order-paid/email.mjml"

SCHEMA = """\
description: An order was paid.
schema:
  type: object
  additionalProperties: false
  required: [code, name, long, any, url, site, amount, much, count, state, ids, tags, at, mail, text, loud, codes, words, signs]
  properties:
    code: {type: string, pattern: "^A-[0-9]{5,8}$"}
    text: {type: string, pattern: "^[A-Za-z ]*$", maxLength: 200}
    name: {type: string, maxLength: 60}
    long: {type: string, maxLength: 1200}
    any: {type: string}
    url: {type: string, format: uri, maxLength: 120}
    site: {type: string, maxLength: 20}
    amount: {type: number, minimum: 0, maximum: 9999}
    much: {type: number}
    count: {type: integer, minimum: 0, maximum: 50}
    state: {enum: [paid, cancelled, "отменён"]}
    ids: {type: array, maxItems: 40, items: {type: string, maxLength: 10, pattern: "^[A-Z]+$"}}
    tags: {type: array, items: {type: string, maxLength: 10}}
    at: {type: string, format: date-time}
    mail: {type: string, format: email}
    loud: {type: string, pattern: "^[A-ZÇ]{1,80}$"}
    words: {type: string, pattern: '^[\\w\\s]{1,80}$'}
    signs: {type: string, pattern: "^[“€]{1,100}$"}
    codes: {type: array, items: {type: string, pattern: "^[A-Z]{1,9}$"}}
samples:
  typical: {code: A-12345, text: a, name: Ana, long: x, any: x, url: "https://a.example", site: x, amount: 1, much: 1, count: 1, state: paid, ids: [], tags: [], at: "2026-03-12T14:32:08-03:00", mail: ana@shop.example, loud: A, codes: [], words: a, signs: €}
"""
GOOD: dict[str, str | None] = {
    EVENT: SCHEMA,
    "sources/app.yaml": None,
    "recipients/team.yaml": "people: {ana: {name: Ana, email: ana@shop.example}}\n",
    "channels/push.yaml": 'providers: [{kind: web_push, vapid_private_key: env:VAPID, subject: "mailto:it@shop.example"}]\n',
    "channels/slack.yaml": "providers: [{kind: web_api, token: env:SLACK}]\n",
    RULE: """\
        on: order.paid
        category: orders
        to: [{person: event.data.code, upsert: {name: event.data.name}}]
        steps: [{send: [email, inapp, push, sms, slack]}]
        """,
    ENGLISH: '---\ntitle: "Paid"\npreview: Thanks.\n---\nHello.\n',
    "notifications/order-paid/content.pt-BR.md": None,
    SMS: "Hello\n",
}
FILL = "x" * 100


def found(write: Write, changes: Mapping[str, str | None]) -> list[Diagnostic]:
    return check_project(write({**GOOD, **changes}))[1]


def marked(text: str) -> tuple[str, int, int]:
    before, _, after = text.partition("‸")
    return before + after, before.count("\n") + 1, len(before) - before.rfind("\n")


def content(title: str = "Paid", body: str = "Hello.", front: str = "") -> str:
    return f'---\ntitle: "{title}"\n{front}---\n{body}\n'


TOO_LONG = [
    # text messages: four segments are 612 characters of GSM-7 and 268 of UCS-2
    ("values of any characters", SMS, "A {{ event.data.‸name }} {{ event.data.name }}{{ event.data.site }}", "5 segments, and 4 are meant: 3 characters of its own, event.data.name up to 60 (2 times), event.data.site up to 20; event.data.name and event.data.site may hold characters"),
    ("a value without end", SMS, "Hello {{ event.data.‸any }}", "nothing limits how long event.data.any is"),
    ("two values without end", SMS, "{{ event.data.‸any }} {{ event.data.tags | join }}", "event.data.any and event.data.tags are"),
    ("a list without end", SMS, "{% for tag in event.data.‸tags %}{{ tag }}{% endfor %}", "event.data.tags is"),
    ("an own text", SMS, f"‸{FILL * 7}", "5 segments, and 4 are meant: 700 characters of its own"),
    ("cut for certain", SMS, f"‸{FILL * 16}", "11 segments, and 4 are meant; after 10 it is cut"),
    ("GSM-7 alone", SMS, f"{FILL * 5}{{{{ event.data.‸code }}}}{{{{ event.data.code }}}}{FILL}", "event.data.code up to 10 (2 times)"),
    ("one value makes it UCS-2", SMS, f"{FILL * 2}{FILL[:50]}{{{{ event.data.‸site }}}}", "event.data.site may hold characters that GSM-7 lacks, so that a segment holds 67"),
    ("a letter of its own makes it UCS-2", SMS, f"não {FILL * 2} {{{{ event.data.‸text }}}}", "it holds characters that GSM-7 lacks"),
    ("one of the values of an enum", SMS, f"{FILL * 3}{{{{ event.data.‸state }}}}", "event.data.state may hold"),
    ("percent-encoded in a URL", SMS, "https://shop.example/?q={{ event.data.‸name }}", "up to 660 more where values in URLs"),
    ("the shorter way that costs more", SMS, f"‸{{% if event.data.amount > 5 %}}{{{{ event.data.text }}}}{{% else %}}não{{% endif %}}{FILL * 3}", "it holds characters"),
    ("a list with its greatest length", SMS, '{{ event.data.‸ids | join(", ") }}' + FILL[:70] + FILL[:70], "event.data.ids up to 478"),
    ("a loop as often as it can be", SMS, f"{{% for id in event.data.ids %}}{{{{ ‸id }}}}, {FILL[:6]}{{% endfor %}}", "id up to 10 (40 times)"),
    ("in capitals as long as before", SMS, f"{{{{ event.data.‸text | upper }}}}{FILL * 5}", "event.data.text up to 200"),
    ("a letter that is no capital any more", SMS, f"{{{{ event.data.‸loud | title }}}}{FILL * 2}", "event.data.loud may hold"),
    ("what costs most of what can be replaced", SMS, "---\nencoding: transliterate\nmax_segments: 1\n---\n{{ event.data.‸signs }}", "2 segments, and 1 are meant: 0 characters of its own, event.data.signs up to 100"),
    ("what stands between the items of a list", SMS, f'{{{{ event.data.‸codes | join("–") | truncate(length=80, leeway=0) }}}}{FILL * 2}', "event.data.codes may hold"),
    ("what is replaced becomes longer", SMS, '{{ event.data.‸text | replace(" ", "----") }}', "event.data.text up to 800"),
    ("what is cut, as much as is left", SMS, f"{{{{ event.data.‸long | truncate(length=50) }}}}{FILL * 3}", "event.data.long up to 55"),
    ("a slice", SMS, f"{{{{ event.data.‸long[:60] }}}}{FILL * 3}", "event.data.long up to 60"),
    ("a number of no limit", SMS, f'{FILL * 6}{{{{ event.data.‸much | money("BRL") }}}}', "event.data.much up to 21"),
    ("more than the text itself allows", SMS, f"---\nmax_segments: 1\n---\n{FILL}{{{{ event.data.‸text }}}}", "2 segments, and 1 are meant"),
    # subjects, push, Slack
    ("a subject", ENGLISH, content(f"{FILL[:60]} {{{{ event.data.‸site }}}}"), "the subject may have 81 characters, and 78 are meant: 61 characters of its own, event.data.site up to 20"),
    ("a subject of its own alone", ENGLISH, content(f"‸{FILL[:79]}"), "79 characters"),
    ("the subject of a mail's own MJML", MJML, f"<mjml><mj-head><mj-title>{FILL[:70]} {{{{ event.data.‸site }}}}</mj-title></mj-head><mj-body></mj-body></mjml>", "the subject may have 91 characters"),
    ("a push message", ENGLISH, content(body="{{ event.data.‸long }}").replace("Paid", "Paid", 1), "this push message may have"),
    ("a push message of its own", PUSH, '{"title": "Paid", "body": "{{ event.data.‸long }}"}', "this push message may have 48"),
    ("a paragraph for Slack", ENGLISH, content(body="{{ event.data.‸long }}{{ event.data.long }}{{ event.data.long }}", front="preview: x\n"), "a text may have 3600 characters in Slack; after 3000 it is cut"),
    ("a button for Slack", ENGLISH, content(front='preview: x\nactions: [{label: "Open {{ event.data.‸name }} and {{ event.data.site }}", url: "https://a.example"}]\n'), "a button may have 90 characters in Slack; after 75 it is cut"),
    ("blocks for Slack", ENGLISH, content(front="preview: x\n", body="{% for id in event.data.ids %}\n# {{ id }}\n\nx\n\n{% endfor %}").replace("{% for", "‸{% for", 1), "more than 50 blocks in Slack"),
    ("a header of Slack's own", SLACK, '{"text": "x", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "{{ event.data.‸text }}"}}]}', "a header may have 200 characters in Slack; after 150 it is cut"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "text", "words"), [pytest.param(*rest, id=name) for name, *rest in TOO_LONG])
def test_what_may_be_too_long_is_found(write: Write, file: str, text: str, words: str) -> None:
    text, line, column = marked(text)
    alone = {
        RULE: dedent(GOOD[RULE] or "").replace("[email, inapp, push, sms, slack]", "email"),
        ENGLISH: None,
        SMS: None,
    }
    told = found(write, {**(alone if file == MJML else {}), file: text})
    code = "endless" if "nothing limits" in words or words[-3:] == "are" or words.endswith(" is") else "may-exceed"
    told = [each for each in told if each.code != "unused-channel"]
    assert [(each.file, each.line, each.column, each.code) for each in told] == [(file, line, column, code)], told
    assert words in told[0].message
    assert told[0].severity == "warning"


LET_BE = [
    (SMS, f"{FILL * 6}Paid"),
    (SMS, "{{ event.data.name }} {{ event.data.site }}{{ event.data.code }}"),
    (SMS, f"{FILL * 2}{{{{ event.data.mail }}}}{{{{ event.data.url }}}}"),
    (SMS, f'{FILL * 5}{{{{ event.data.at | datetime("short") }}}}{{{{ event.data.amount | money("USD") }}}}{{{{ event.data.count }}}}'),
    (SMS, "{{ event.data.any | truncate(length=40, leeway=0) }}"),
    (SMS, "{{ event.data.any[:40] }}{{ event.data.tags | length }}{{ event.data.any | length }}"),
    (SMS, '{{ event.data.count | plural({"one": "# item", "other": "# items"}) }}'),
    (SMS, f'{{% if event.data.state == "paid" %}}{FILL * 4}{{% else %}}{FILL * 5}{{% endif %}}'),
    (SMS, f"{{% if event.data.mail is none %}}{FILL * 9}{{% endif %}}"),
    (SMS, f"{FILL * 2}{{{{ event.data.words }}}}"),
    (SMS, f"---\nmax_segments: 6\n---\n{FILL * 7}"),
    (SMS, "{{ recipient.name }} {{ message.preferences_url[:100] }}"),
    (ENGLISH, content("{{ event.data.name }} {{ event.data.any }}", front="preview: Thanks.\n")),
    (ENGLISH, content(body="{{ event.data.any }}" * 40, front="preview: x\n")),
    (ENGLISH, content(body="{{ event.data.long }}\n\n" * 40, front="preview: x\n")),
    (PUSH, '{"title": "{{ event.data.any }}", "body": "{{ event.data.name }}"}'),
]  # fmt: skip


@pytest.mark.parametrize(("file", "text"), LET_BE)
def test_what_fits_is_let_be(write: Write, file: str, text: str) -> None:
    assert [str(each) for each in found(write, {file: text})] == []


@pytest.mark.parametrize("number", ["0", "11", "many", "-1"])
def test_a_number_of_segments_that_is_none(faults: Callable[..., list[Diagnostic]], number: str) -> None:
    told = faults({**GOOD, SMS: f"---\nmax_segments: {number}\n---\nHello\n"})
    assert [(each.file, each.line, each.column, each.code) for each in told] == [(SMS, 2, 15, "bad-value")]
