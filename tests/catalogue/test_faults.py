# ruff: noqa: E501 - a case is a line, so that the table can be read as one
"""Faults planted in a good project: each is found, alone, with its code, at its place (``‸`` in what is written), and
with a hint. That every code is planted, and told beside nothing else, ``test_corpus`` shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from arauto.errors import Diagnostic

Compile = Callable[[Mapping[str, str | bytes | None]], list[Diagnostic]]

PROJECT = "arauto.yaml"
SOURCE = "sources/app.yaml"
EVENT = "events/order.paid.yaml"
TEAM = "recipients/team.yaml"
SYSTEMS = "recipients/systems.yaml"
EMAIL = "channels/email.yaml"
SMS = "channels/sms.yaml"
RULE = "notifications/order-paid/notification.yaml"
ERP = "notifications/to-erp/notification.yaml"
ENGLISH = "notifications/order-paid/content.en.md"


ROTA = '{rota: {members: [ana, bob], every: 1w, start: 2026-01-05, hand_over: "09:00", zone: UTC, overrides: [{member: bob, from: 2026-02-01, to: 2026-02-03}]}}'


def case(name: str, file: str, old: str, new: str, code: str, hint: str | None = None) -> Any:
    """``old`` of a file of the good project becomes ``new``, in which ‸ marks where the fault must be shown."""
    return pytest.param(file, old, new, code, hint, id=name)


CHANGED = [
    # YAML
    case("a tab indents", TEAM, "  ana:", "‸\tana:", "bad-yaml", "spaces"),
    case("a number is not JSON's", EVENT, "total: 12.5", "total: ‸.inf", "bad-yaml", "quotes"),
    # shapes
    case("a key is misspelt", RULE, "when: event.data.order.total > 0", "‸whem: x", "unknown-key", "mean when?"),
    case("a key is unknown and near to none", RULE, "expires: 2h", "‸xyz: 1", "unknown-key", "known:"),
    case("a needed key is misspelt", RULE, "category:", "‸categori:", "unknown-key", "mean category?"),
    case("a key is missing deeper", PROJECT, "brand: {name: Shop, ", "‸brand: {", "missing-key", "company"),
    case("a key of the brand is unknown", PROJECT, "footer: Shop Ltd", "‸fotter: Shop", "unknown-key", "footer"),
    case("a number where text belongs", PROJECT, "name: shop", "name: ‸7", "wrong-type", '"7"'),
    case("a colour without its hash", PROJECT, '"#0f766e"', "‸0f766e", "bad-value"),
    case("a URL without its scheme", PROJECT, "https://notices.shop.example", "‸notices.shop.example", "bad-value"),
    case("nothing where text belongs", RULE, "expires: 2h", "expires:‸", "wrong-type"),
    case("a list where text belongs", RULE, "category: orders", "category: ‸[orders]", "wrong-type"),
    case("no steps at all", ERP, "steps:\n  - send: webhook", "steps: ‸[]", "bad-value"),
    case("no event type in the list", ERP, "on: [order.paid]", "on: ‸[]", "bad-value"),
    case("no samples", EVENT, "samples:\n  typical:\n    order: {number: A-1, total: 12.5}\n    customer: {id: c-1, email: ana@shop.example}", "samples: ‸{}", "bad-value"),
    case("a target without a name", RULE, "  - group: sales\n    when", "  - ‸when", "one-of", None),
    case("a misspelt target", RULE, "  - group: sales", "  - ‸grup: sales", "unknown-key", "group"),
    case("a target with two names", ERP, "  - system: erp", "  - ‸system: erp\n    group: sales", "one-of", "exactly one"),
    case("upsert for a group", RULE, "  - group: sales", "  - group: sales\n    ‸upsert: {name: event.id}", "one-of"),
    case("upsert of something unknown", RULE, "      email: event", "      ‸emial: event", "unknown-key", "email"),
    case("an address for in-app", TEAM, 'sms: "+14155550100"', "‸inapp: bob", "unknown-key"),
    case("an address of a channel that does not exist", TEAM, 'sms: "+14155550100"', '‸smss: "1"', "unknown-key", "sms"),
    case("an address that is a number", TEAM, '"+14155550100"', "‸+14155550100", "wrong-type", '"+14155550100"'),
    case("no address in a list of them", TEAM, "[bob@shop.example, b@shop.example]", "‸[]", "bad-value"),
    case("a member that is a number", TEAM, "[ana, bob]", "[ana, ‸7]", "wrong-type"),
    # groups and holidays
    case("a day that is none", PROJECT, "brand:", "holidays: [2026-12-25, ‸2026-02-29]\nbrand:", "bad-date", "2026-12-25"),
    case("a day written as in a letter", PROJECT, "brand:", "holidays: [‸25/12/2026]\nbrand:", "bad-date", "2026-12-25"),
    case("a group of two kinds", TEAM, "sales: {members: [ana, bob]}", "sales: ‸{members: [ana, bob], query: recipient.attributes.vip}", "one-of", "exactly one of members, query or rota"),
    case("a group of no kind", TEAM, "sales: {members: [ana, bob]}", "sales: ‸{}", "one-of", None),
    case("a kind of group is misspelt", TEAM, "{members: [ana, bob]}", "{‸member: [ana, bob]}", "unknown-key", "members"),
    case("a query over the event", TEAM, "{members: [ana, bob]}", "{query: ‸event.data.x == 1}", "bad-expression", "recipient"),
    case("a query that does not parse", TEAM, "{members: [ana, bob]}", '{query: "recipient.id ==‸"}', "bad-expression"),
    case("a rota without members", TEAM, "{members: [ana, bob]}", ROTA.replace("[ana, bob]", "‸[]"), "bad-value"),
    case("a rota whose start is missing", TEAM, "{members: [ana, bob]}", "{‸" + ROTA.replace("start: 2026-01-05, ", "")[1:], "missing-key", "first"),
    case("a rota with a member who is unknown", TEAM, "{members: [ana, bob]}", ROTA.replace("ana, bob", "ana, ‸bop"), "unknown-member", "mean bob?"),
    case("a stand-in who is unknown", TEAM, "{members: [ana, bob]}", ROTA.replace("member: bob", "member: ‸bop"), "unknown-member", "mean bob?"),
    case("a turn of half a day", TEAM, "{members: [ana, bob]}", ROTA.replace("1w", "‸12h"), "bad-duration", "1w"),
    case("a turn that is no duration", TEAM, "{members: [ana, bob]}", ROTA.replace("1w", "‸week"), "bad-duration"),
    case("a turn of no days", TEAM, "{members: [ana, bob]}", ROTA.replace("1w", "‸0d"), "bad-duration", "1d"),
    case("a first turn on no day", TEAM, "{members: [ana, bob]}", ROTA.replace("2026-01-05", "‸2026-13-05"), "bad-date"),
    case("a hand-over at no time", TEAM, "{members: [ana, bob]}", ROTA.replace('"09:00"', "‸9am"), "bad-time", "09:00"),
    case("a hand-over at 24 o'clock", TEAM, "{members: [ana, bob]}", ROTA.replace('"09:00"', '‸"24:00"'), "bad-time"),
    case("a rota in a zone that is none", TEAM, "{members: [ana, bob]}", ROTA.replace("UTC", "‸Europe/Lisboa"), "bad-time-zone", "Lisbon"),
    case("somebody stands in backwards", TEAM, "{members: [ana, bob]}", ROTA.replace("to: 2026-02-03", "to: ‸2026-02-01"), "bad-span"),
    case("somebody stands in from no day", TEAM, "{members: [ana, bob]}", ROTA.replace("from: 2026-02-01", "from: ‸yesterday"), "bad-date", "18:00"),
    case("an override without its end", TEAM, "{members: [ana, bob]}", ROTA.replace("{member: bob, from: 2026-02-01, to: 2026-02-03}", "‸{member: bob, from: 2026-02-01}"), "missing-key", "Until"),
    case("a policy that does not exist", EMAIL, "on_unknown: hold", "on_unknown: ‸holt", "bad-value", "hold"),
    case("less than one message at a time", EMAIL, "concurrency: 8", "concurrency: ‸0", "bad-value"),
    case("a setting of a provider is misspelt", EMAIL, "    host: smtp2", "    ‸hots: smtp2", "unknown-key", "host"),
    case("a setting of a provider has the wrong type", EMAIL, "host: smtp2.shop.example", "host: ‸12", "wrong-type"),
    case("a price is text", SMS, "kind: twilio", 'price: {amount: ‸"1,50", currency: BRL}, kind: twilio', "wrong-type"),
    case("a price is less than nothing", SMS, "kind: twilio", "price: {amount: ‸-1, currency: BRL}, kind: twilio", "bad-value"),
    case("a price in no currency", SMS, "kind: twilio", "price: {amount: 1, currency: ‸reais}, kind: twilio", "bad-value"),
    case("a price for segments that there are none of", EMAIL, "name: second", "name: second\n    price: {amount: 1, currency: BRL, per: ‸segment}", "bad-value", "message"),
    case("a provider without a kind", SMS, "{kind: twilio, ", "‸{", "missing-key", "twilio"),
    case("a provider's kind is a number", SMS, "kind: twilio", "kind: ‸7", "wrong-type", "twilio"),
    case("a file of a source is a list", SOURCE, "kind: bearer\nsecrets: [\"env:APP_TOKEN\"]\nevents:\n", "‸", "wrong-type"),
    case("a source without a kind", SOURCE, "kind: bearer\n", "", "missing-key"),
    case("a setting of a source is misspelt", SOURCE, "    id: body", "    ‸ids: body", "unknown-key", "id"),
    # steps
    case("a step is misspelt", RULE, "  - send: [email, inapp]", "  - ‸sned: [email, inapp]", "unknown-step", "send"),
    case("a step has two names", RULE, "  - stop: event.data.order.total < 5", "  - ‸stop: true\n    send: email", "bad-value"),
    case("a step takes something else", RULE, "{first_of: [sms, email]}", "‸{frist_of: [sms, email]}", "bad-step", "first_of"),
    case("a value of a step reads a name that there is not", RULE, "  - stop: event.data.order.total < 5", '  - until: {at: "09:00", day: ‸mon}', "bad-expression"),
    case("a step waits for no time", RULE, "  - stop: event.data.order.total < 5", "  - until: ‸9h", "bad-step", "09:00"),
    case("a step waits in no zone", RULE, "  - stop: event.data.order.total < 5", '  - until: ‸{at: "09:00", zone: Lisbon}', "bad-step", "IANA"),
    case("a step waits for no duration", RULE, "  - stop: event.data.order.total < 5", "  - delay: ‸2 hours", "bad-step", "1h30m"),
    case("a channel stands twice in a step", RULE, "[email, inapp]", "‸[email, email]", "bad-step", "twice"),
    # values
    case("one of several addresses is not one", TEAM, "b@shop.example]", "‸b]", "bad-address"),
    case("a duration has no unit", RULE, "expires: 2h", 'expires: ‸"2"', "bad-duration", "30s"),
    case("a wait is no duration", EMAIL, "[5s, 1m, 1h]", "[5s, ‸1 minute, 1h]", "bad-duration"),
    case("a duration is longer than any life", EMAIL, "expires: 2d", "expires: ‸999999999999d", "bad-duration"),
    case("a duration of nothing", RULE, "expires: 2h", "expires: ‸0s", "bad-duration", "1s"),
    case("a recipient's locale does not exist", TEAM, "locale: pt-BR", "locale: ‸xx-YY", "bad-locale"),
    case("a locale is written in another way", TEAM, "locale: pt-BR", "locale: ‸pt_BR", "bad-locale", "pt-BR"),
    case("a locale is written in small letters", TEAM, "locale: pt-BR", "locale: ‸pt-br", "bad-locale", "pt-BR"),
    case("a title is in a locale that does not exist", PROJECT, "pt-BR: Pedidos", "xx-YY: ‸Pedidos", "bad-locale"),
    case("a time zone does not exist", PROJECT, "America/Sao_Paulo", "‸America/Sao_Paolo", "bad-time-zone", "America/Sao_Paulo"),
    case("a time zone is a bare city", TEAM, "America/Manaus", "‸Manaus", "bad-time-zone", "America/Manaus"),
    # expressions
    case("an expression ends too early", RULE, "when: event.data.order.total > 0", "when: event.data.order.total >‸", "bad-expression"),
    case("an expression in quotes ends too early", RULE, "when: event.data.order.total > 0", 'when: "event.data.order.total >‸"', "bad-expression"),
    case("an expression in a block has an unknown name", RULE, "when: event.data.order.total > 0", "when: |\n  event.id == 'x'\n    and ‸evnt.id == 'y'", "bad-expression", "event"),
    case("an expression over two lines has an unknown name", RULE, "when: event.data.order.total > 0", "when: event.id == 'x'\n  and ‸evnt.id == 'y'", "bad-expression", "event"),
    case("a target's condition has an unknown name", RULE, "    when: event.data", "    when: ‸evnt.data", "bad-expression"),
    case("a person is an unknown name", RULE, "person: event", "person: ‸evnt", "bad-expression"),
    case("an upsert has an unknown filter", RULE, "email: event.data.customer.email", "email: event.data.customer.email | ‸lowr", "bad-expression", "lower"),
    case("an attribute has an unknown name", RULE, "{vip: event.data", "{vip: ‸evnt.data", "bad-expression"),
    case("a source's event has no id", SOURCE, "  - type: order.paid\n    when: body.kind == \"paid\"\n    id: body.order.number\n", "  - ‸type: order.paid\n", "missing-id", "id: body.id"),
    case("a source without secrets", SOURCE, '["env:APP_TOKEN"]', "‸[]", "bad-verification", "env:"),
    # schemas
    case("a type of JSON Schema does not exist", EVENT, "number: {type: string}", "number: {type: ‸strng}", "bad-schema"),
    case("a keyword has a value of the wrong type", EVENT, "minimum: 0", "minimum: ‸x", "bad-schema"),
    case("a pattern looks ahead", EVENT, "number: {type: string}", 'number: {pattern: ‸"^(?=a)"}', "bad-schema"),
    case("a reference leads out of the file", EVENT, "number: {type: string}", "number: {$ref: ‸https://x.example/a.json}", "bad-schema", "$defs"),
    case("a reference leads into the file system", EVENT, "number: {type: string}", "number: {$ref: ‸file:///etc/passwd}", "bad-schema"),
    case("a reference leads to nothing", EVENT, "number: {type: string}", 'number: {$ref: ‸"#/$defs/number"}', "bad-schema"),
    case("a format is misspelt", EVENT, "format: email", "format: ‸emial", "bad-schema", "email"),
    case("another draft of JSON Schema", EVENT, "  type: object\n  required: [order, customer]", "  $schema: ‸http://json-schema.org/draft-07/schema#\n  type: object", "bad-schema", "2020-12"),
    case("the schema of attributes is wrong", TEAM, "vip: {type: boolean}", "vip: {type: ‸bool}", "bad-schema"),
    case("a sample misses a property", EVENT, "order: {number: A-1, total: 12.5}", "order: ‸{number: A-1}", "bad-sample"),
    case("a sample has a value that is too small", EVENT, "total: 12.5", "total: ‸-1", "bad-sample"),
    case("a sample's format does not hold", EVENT, "email: ana@shop.example", "email: ‸ana", "bad-sample"),
    # names
    case("a category does not exist", RULE, "category: orders", "category: ‸order", "unknown-category", "orders"),
    case("a channel does not exist", RULE, "[email, inapp]", "[email, ‸inap]", "unknown-channel", "inapp"),
    case("a channel of first_of does not exist", RULE, "[sms, email]", "[‸smss, email]", "unknown-channel", "sms"),
    case("a channel is not configured", ERP, "send: webhook", "send: [webhook, ‸slack]", "channel-not-configured", "channels/slack.yaml"),
    case("an event type does not exist", RULE, "on: order.paid", "on: ‸order.payed", "unknown-event-type", "order.paid"),
    case("an event type of a list does not exist", ERP, "[order.paid]", "[order.paid, ‸x]", "unknown-event-type"),
    case("an event type of a source does not exist", SOURCE, "type: order.paid", "type: ‸order.piad", "unknown-event-type", "order.paid"),
    case("a group does not exist", RULE, "group: sales", "group: ‸sale", "unknown-group", "sales"),
    case("a member does not exist", TEAM, "[ana, bob]", "[ana, ‸bobb]", "unknown-member", "bob"),
    case("a system does not exist", ERP, "system: erp", "system: ‸erpp", "unknown-system", "erp"),
    case("a person is named as a system", ERP, "system: erp", "system: ‸ana", "unknown-system", "group"),
    case("a provider does not exist", SMS, "kind: twilio", "kind: ‸twillio", "unknown-provider", "twilio"),
    case("a kind of source does not exist", SOURCE, "kind: bearer", "kind: ‸bearrer", "unknown-source-kind", "bearer"),
    case("a recipient stands twice", TEAM, "  ana:", "  ‸erp: {name: Erp}\n  ana:", "duplicate-recipient"),
    case("a channel without a provider", SMS, "providers:\n  - {kind: twilio, account_sid: AC0123, auth_token: env:TWILIO, from: \"+14155550199\"}", "‸expires: 1h", "no-provider", "twilio"),
]  # fmt: skip


# (changes, code, file, line, column, a part of the hint)
FILES = [
    pytest.param(
        {"recipients/zzz.yaml": "groups:\n  sales: {members: [bob]}\n"},
        ("duplicate-group", "recipients/zzz.yaml", 2, 3, None),
        id="a group stands in two files",
    ),
    pytest.param(
        {"recipients/zzz.yaml": "attributes: {type: object}\n"},
        ("duplicate-attributes", "recipients/zzz.yaml", 1, 1, "merge"),
        id="the schema of attributes stands in two files",
    ),
    pytest.param(
        {EVENT.replace("yaml", "yml"): "description: x\n"},
        ("unknown-file", "events/order.paid.yml", 1, 1, "order.paid.yaml"),
        id="a file ends in .yml",
    ),
    pytest.param(
        {"events/notes.txt": "x"}, ("unknown-file", "events/notes.txt", 1, 1, ".yaml"), id="a file that is not YAML"
    ),
    pytest.param(
        {"channels/old/email.yaml": "{}"},
        ("unknown-file", "channels/old", 1, 1, "up"),
        id="a folder among the channels",
    ),
    pytest.param(
        {"event/x.yaml": "{}"},
        ("unknown-file", "event", 1, 1, "did you mean events?"),
        id="a folder's name is misspelt",
    ),
    pytest.param(
        {"notifications/x.yaml": "{}"},
        ("unknown-file", "notifications/x.yaml", 1, 1, "folder"),
        id="a file among the notifications",
    ),
    pytest.param(
        {"channels/emial.yaml": "{}"},
        ("unknown-channel", "channels/emial.yaml", 1, 1, "email"),
        id="a channel's file is misspelt",
    ),
    pytest.param(
        {"events/order paid.yaml": "description: x\nschema: {}\nsamples: {a: 1}\n"},
        ("bad-name", "events/order paid.yaml", 1, 1, "order.paid"),
        id="an event type with a space in its name",
    ),
    pytest.param(
        {"sources/App.yaml": "kind: bearer\nsecrets: [env:X]\nevents: [{type: order.paid, id: body.id}]\n"},
        ("bad-name", "sources/App.yaml", 1, 1, "small letters"),
        id="a source with a capital in its name",
    ),
    pytest.param(
        {"notifications/to-erp/notification.yaml": None, "notifications/to-erp/webhook.json": "{}"},
        ("missing-file", ERP, 1, 1, "write it"),
        id="a notification without its notification.yaml",
    ),
    pytest.param(
        {"events/order.paid.yaml": b"description: \xe9\n"},
        ("unreadable-file", EVENT, 1, 14, "UTF-8"),
        id="a file in Latin-1",
    ),
    pytest.param(
        {ENGLISH: b"---\ntitle: caf\xe9\n---\nHello\n"},
        ("unreadable-file", ENGLISH, 2, 11, "UTF-8"),
        id="a text in Latin-1",
    ),
    # texts
    pytest.param(
        {ENGLISH: None},
        ("missing-text", RULE, 14, 5, "create notifications/order-paid/content.en.md"),
        id="no text in the project's locale",
    ),
    pytest.param(
        {"notifications/order-paid/content.pt-BR.md": None},
        ("missing-text", RULE, 14, 5, "create notifications/order-paid/content.pt-BR.md"),
        id="no text in the locale of a member of a group",
    ),
    pytest.param(
        {"notifications/order-paid/sms.fr.txt": "Bonjour\n"},
        ("missing-text", RULE, 14, 5, "create notifications/order-paid/content.fr.md"),
        id="no text for one channel in a locale that another has",
    ),
    pytest.param(
        {"notifications/order-paid/contents.en.md": "x"},
        ("unknown-file", "notifications/order-paid/contents.en.md", 1, 1, "did you mean content.en.md?"),
        id="a text's name is misspelt",
    ),
    pytest.param(
        {"notifications/order-paid/sms.en.mjml": "x"},
        ("unknown-file", "notifications/order-paid/sms.en.mjml", 1, 1, "did you mean sms.en.txt?"),
        id="a text has another channel's ending",
    ),
    pytest.param(
        {"notifications/order-paid/notes.doc": "x"},
        ("unknown-file", "notifications/order-paid/notes.doc", 1, 1, None),
        id="a file beside a notification that is no text",
    ),
    pytest.param(
        {"notifications/order-paid/webhook.json": "{}"},
        ("unused-file", "notifications/order-paid/webhook.json", 1, 1, "send: webhook"),
        id="a text for a channel that is not sent to",
    ),
    pytest.param(
        {"notifications/order-paid/sms.pt_BR.txt": "x"},
        ("bad-locale", "notifications/order-paid/sms.pt_BR.txt", 1, 1, "pt-BR"),
        id="a text's locale is written in another way",
    ),
    pytest.param(
        {"notifications/order-paid/texts/content.en.md": "x"},
        ("unknown-file", "notifications/order-paid/texts", 1, 1, "beside"),
        id="texts in a folder of their own",
    ),
    # what the makers of texts say
    pytest.param(
        {ENGLISH: "---\ntitle: x\n---\n{{ event.id | uper }}\n"},
        ("bad-expression", ENGLISH, 4, 15, "upper"),
        id="a text has an unknown filter",
    ),
]

SCHEDULES = [
    ("a cron field", 'event: day.over\ncron: "0 ‸25 * * *"\ndata: {day: tick.date}', "bad-cron", "0-23"),
    ("a day that never comes", 'event: day.over\ncron: "0 8 ‸30 2 *"\ndata: {day: tick.date}', "never-fires", "the month"),
    ("a part of a rule", "event: day.over\nrrule: FREQ=DAILY;‸BYDAI=MO\nstart: 2026-01-30T08:00\ndata: {day: tick.date}", "bad-rrule", "BYDAY"),
    ("a start", "event: day.over\nrrule: FREQ=DAILY\nstart: ‸2026-01-30\ndata: {day: tick.date}", "bad-date", "T08:00"),
    ("a zone", 'event: day.over\ncron: "0 8 * * *"\nzone: ‸Brazil/Esat\ndata: {day: tick.date}', "bad-time-zone", "Brazil/East"),
    ("an event type", 'event: ‸day.ovr\ncron: "0 8 * * *"\ndata: {day: tick.date}', "unknown-event-type", "day.over"),
    ("data that are missing", '‸kind: schedule\nevent: day.over\ncron: "0 8 * * *"', "bad-data", "schema"),
    ("a constant", 'event: day.over\ncron: "0 8 * * *"\ndata: {day: tick.date, shop: {floor: ‸-1}}', "bad-data", "schema"),
    ("a value of the tick", 'event: day.over\ncron: "0 8 * * *"\ndata: {day: ‸tick.time}', "bad-data", "schema"),
    ("data in one expression", 'event: day.over\ncron: "0 8 * * *"\ndata: ‸tick', "bad-data", "schema"),
    ("a name of the tick", 'event: day.over\ncron: "0 8 * * *"\ndata: {day: ‸tick.dat}', "bad-expression", None),
    ("what becomes of missed times", 'event: day.over\ncron: "0 8 * * *"\nmissed: ‸al\ndata: {day: tick.date}', "bad-value", "all"),
]  # fmt: skip


def marked(text: str) -> tuple[str, int, int]:
    """The text without its mark, and the mark's line and column; 1, 1 without a mark."""
    before, mark, after = text.partition("‸")
    lines = before.split("\n") if mark else [""]
    return before + after, len(lines), len(lines[-1]) + 1


@pytest.mark.parametrize(("file", "old", "new", "code", "hint"), CHANGED)
def test_a_fault_in_a_file(
    faults: Compile, original: Callable[[str], str], file: str, old: str, new: str, code: str, hint: str | None
) -> None:
    text = original(file)
    assert text.count(old) == 1, "the change must be possible in one place"
    text, line, column = marked(text.replace(old, new))
    found = faults({file: text})
    assert [(each.file, each.line, each.column, each.code) for each in found] == [(file, line, column, code)]
    assert hint is None or hint in (found[0].hint or "")


@pytest.mark.parametrize(("changes", "expected"), FILES)
def test_a_fault_of_files(
    faults: Compile, changes: dict[str, str | bytes | None], expected: tuple[str, str, int, int, str | None]
) -> None:
    code, file, line, column, hint = expected
    found = faults(changes)
    assert [(each.code, each.file, each.line, each.column) for each in found] == [(code, file, line, column)]
    assert hint is None or hint in (found[0].hint or "")


@pytest.mark.parametrize(("text", "code", "hint"), [pytest.param(*rest, id=name) for name, *rest in SCHEDULES])
def test_a_fault_in_a_schedule(faults: Compile, text: str, code: str, hint: str | None) -> None:
    day_over = """\
        description: A day is over.
        schema:
          type: object
          additionalProperties: false
          required: [day]
          properties:
            day: {type: string, format: date}
            shop: {type: object, properties: {floor: {type: integer, minimum: 0}}}
        samples: {typical: {day: "2026-11-24"}}
        """
    text, line, column = marked(text if "kind:" in text else "kind: schedule\n" + text)
    found = faults({"events/day.over.yaml": day_over, "sources/nightly.yaml": text})
    assert {(each.file, each.line, each.column, each.code) for each in found} == {
        ("sources/nightly.yaml", line, column, code)
    }
    assert hint is None or hint in (found[0].hint or "")


def test_the_good_project_is_good(faults: Compile) -> None:
    assert faults({}) == []


def test_all_faults_of_all_files_are_found_at_once(faults: Compile, original: Callable[[str], str]) -> None:
    changes = {
        PROJECT: original(PROJECT).replace("locale: en", "locale: english"),
        EVENT: original(EVENT).replace("minimum: 0", "minimum: x"),
        RULE: original(RULE).replace("when: event.data.order.total > 0", "whem: true").replace("sales", "sale"),
        TEAM: original(TEAM).replace("email: ana@shop.example", "email: ana").replace("bob]", "bobb]"),
    }
    assert [(each.file, each.code) for each in faults(changes)] == [
        (PROJECT, "bad-locale"),
        (EVENT, "bad-schema"),
        (RULE, "unknown-key"),
        (RULE, "unknown-group"),
        (TEAM, "bad-address"),
        (TEAM, "unknown-member"),
    ]


@pytest.mark.parametrize(
    "name", [PROJECT, EVENT, TEAM, EMAIL, SOURCE], ids=["project", "event type", "recipients", "channel", "source"]
)
def test_a_file_that_cannot_be_read_makes_no_faults_where_its_names_are_used(faults: Compile, name: str) -> None:
    assert [(each.file, each.code) for each in faults({name: "a: [\n"})] == [(name, "bad-yaml")]
