# ruff: noqa: E501 - a case is a line, so that the table can be read as one
"""What cannot be meant, planted in a good project: each is found, alone, at its place (``‸``), and says why."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from arauto.catalogue import check_project

Write = Callable[[Mapping[str, str | bytes | None]], Path]
Files = dict[str, str]

EXAMPLE = Path(__file__).parents[3] / "examples" / "loja"

PROJECT = "arauto.yaml"
SOURCE = "sources/app.yaml"
EVENT = "events/order.paid.yaml"
OTHER = "events/order.refused.yaml"
TEAM = "recipients/team.yaml"
EMAIL = "channels/email.yaml"
WEBHOOK = "channels/webhook.yaml"
RULE = "notifications/order-paid/notification.yaml"
ERP = "notifications/to-erp/notification.yaml"
TEXT = "notifications/order-paid/content.en.md"

ADDED: Files = {
    EVENT: """\
        description: An order was paid.
        schema:
          type: object
          required: [order, customer, state, x, tags]
          properties:
            order:
              type: object
              required: [number, total, pieces, items, note, gift, size]
              properties:
                number: {type: string, maxLength: 20}
                total: {type: number, minimum: 1, maximum: 5000}
                count: {type: integer, minimum: 0}
                pieces: {type: integer, minimum: 0}
                items: {type: array, minItems: 1}
                note: {type: [string, "null"]}
                gift: {type: boolean}
                size: {$ref: "#/$defs/size"}
            state: {enum: [paid, open, failed]}
            x: {type: number}
            tags: {type: array, items: {type: string}}
            customer: {type: object, required: [id], properties: {id: {type: string}, email: {type: string}}}
          $defs: {size: {allOf: [{type: integer}, {maximum: 9}]}}
        samples:
          typical:
            order: {number: A-1, total: 12.5, pieces: 1, items: [1], note: null, gift: true, size: 3}
            state: paid
            x: 1
            tags: []
            customer: {id: c-1, email: ana@shop.example}
        """,
    OTHER: """\
        description: It was not.
        schema: {type: object, required: [state], properties: {state: {enum: [failed]}}}
        samples: {one: {state: failed}}
        """,
    RULE: """\
        on: order.paid
        when: event.data.order.total > 10
        category: orders
        to:
          - person: event.data.customer.id
          - group: sales
            when: event.data.order.total > 100
        steps:
          - only_if: event.data.order.gift
          - branch:
              - when: event.data.state == "paid"
                steps: [{send: email}]
              - when: event.data.state == "open"
                steps: [{send: [sms, inapp]}]
              - steps: [{send: email}]
        """,
    ERP: """\
        on: order.refused
        category: alerts
        to: [{system: erp}]
        steps: [{send: webhook}]
        """,
    "notifications/order-paid/sms.en.txt": "paid",
    "channels/push.yaml": """\
        providers: [{kind: web_push, vapid_private_key: env:VAPID, subject: "mailto:it@shop.example"}]
        """,
    "notifications/pushed/notification.yaml": """\
        on: order.paid
        category: orders
        to: [{person: event.data.customer.id}]
        steps: [{send: push}]
        """,
    "notifications/to-erp/content.md": "---\ntitle: Refused\n---\nRefused",
    "notifications/pushed/content.md": "---\ntitle: Paid\n---\nPaid",
}


@pytest.fixture
def project(write: Write, original: Callable[[str], str]) -> Callable[[Mapping[str, str]], Path]:
    """The project, with these files in it."""
    return lambda changes: write({**ADDED, **changes})


def case(name: str, file: str, old: str, new: str, code: str, words: str = "") -> Any:
    """``old`` of a file becomes ``new``, in which ‸ marks where the finding must be shown; it says ``words``."""
    return pytest.param(file, old, new, code, words, id=name)


WHEN = "when: event.data.order.total > 10\n"
GIFT = "only_if: event.data.order.gift\n"
GROUP = "when: event.data.order.total > 100"
OPEN = 'when: event.data.state == "open"\n'
ELSE = "    - steps: [{send: email}]"
SALES = "sales: {members: [ana, bob]}"

PLANTED = [
    # conditions that nothing satisfies
    case(
        "two values at once",
        RULE,
        GIFT,
        'only_if: ‸event.data.order.number == "a" and event.data.order.number == "b"\n',
        "never-true",
        "exclude each other",
    ),
    case(
        "between two limits the wrong way round",
        RULE,
        GIFT,
        "only_if: ‸event.data.x > 5 and event.data.x < 3\n",
        "never-true",
        "exclude each other",
    ),
    case(
        "no whole number between",
        RULE,
        GIFT,
        "only_if: ‸event.data.order.pieces > 5 and event.data.order.pieces < 6\n",
        "never-true",
    ),
    case(
        "a thing and its contrary",
        RULE,
        GIFT,
        "only_if: ‸event.data.order.number in event.data.tags and not event.data.order.number in event.data.tags\n",
        "never-true",
    ),
    case(
        "a value and not that value",
        RULE,
        GIFT,
        'only_if: ‸event.data.order.number in ["a"] and event.data.order.number != "a"\n',
        "never-true",
    ),
    case(
        "all of an or",
        RULE,
        GIFT,
        "only_if: ‸event.data.x > 5 and (event.data.x < 3 or event.data.x == 1)\n",
        "never-true",
    ),
    case("above the maximum", RULE, WHEN, "when: ‸event.data.order.total > 5000\n", "never-true", "at most 5000"),
    case(
        "above a maximum that a reference has",
        RULE,
        GIFT,
        "only_if: ‸event.data.order.size > 9\n",
        "never-true",
        "at most 9",
    ),
    case(
        "a part that is never true",
        RULE,
        GIFT,
        "only_if: event.data.order.gift or ‸event.data.order.total < 1\n",
        "never-true",
        "at least 1",
    ),
    case(
        "what is required is missing",
        RULE,
        GIFT,
        "only_if: ‸event.data.order.total is not defined\n",
        "never-true",
        "never missing",
    ),
    case(
        "an empty list that has an entry at least",
        RULE,
        GIFT,
        "only_if: event.data.order.items | length == ‸0\n",
        "impossible-value",
    ),
    case(
        "against what let the event in",
        RULE,
        GROUP,
        "when: ‸event.data.order.total < 5",
        "never-true",
        "exclude each other",
    ),
    case(
        "against a step before",
        RULE,
        GIFT,
        "only_if: event.data.order.gift\n  - only_if: ‸not event.data.order.gift\n",
        "never-true",
    ),
    case(
        "against what was stopped",
        RULE,
        GIFT,
        "stop: event.data.order.gift\n  - only_if: ‸event.data.order.gift\n",
        "never-true",
    ),
    case("a way against what let the run in", RULE, OPEN, "when: ‸event.data.order.total < 3\n", "never-true"),
    case(
        "a query of a kind that nobody is",
        TEAM,
        SALES,
        "sales: {query: \"recipient.locale == 'en' or recipient.kind == ‸'robot'\"}",
        "impossible-value",
    ),
    # values that the schema does not have
    case(
        "a value beside the enum", RULE, OPEN, 'when: event.data.state == ‸"opened"\n', "impossible-value", "mean open?"
    ),
    case(
        "not a value beside the enum",
        RULE,
        GIFT,
        'only_if: event.data.state != ‸"payed"\n',
        "impossible-value",
        "mean paid?",
    ),
    case("one of several", RULE, GIFT, 'only_if: event.data.state in ["paid", ‸"closed"]\n', "impossible-value"),
    case("written the other way round", RULE, GIFT, "only_if: \"‸'payed' == event.data.state\"\n", "impossible-value"),
    case("below the minimum", RULE, GIFT, "only_if: event.data.order.total == ‸0\n", "impossible-value"),
    case(
        "an event type that it is not on", RULE, GIFT, 'only_if: event.type == ‸"order.refused"\n', "impossible-value"
    ),
    # conditions that everything satisfies
    case(
        "within the limits of the schema",
        RULE,
        WHEN,
        "when: ‸event.data.order.total >= 1\n",
        "always-true",
        "every event",
    ),
    case(
        "each value of the enum",
        RULE,
        GIFT,
        'only_if: ‸event.data.state in ["paid", "open", "failed"]\n',
        "always-true",
    ),
    case("one or the other", RULE, GIFT, "only_if: ‸event.data.x < 3 or event.data.x >= 3\n", "always-true"),
    case("known already", RULE, GROUP, "when: ‸event.data.order.total > 9", "always-true", "whenever"),
    case(
        "a boolean or its contrary",
        RULE,
        GIFT,
        "stop: ‸event.data.order.gift == true or event.data.order.gift == false\n",
        "always-true",
    ),
    # ways and steps
    case(
        "the same condition again",
        RULE,
        OPEN,
        'when: ‸event.data.state == "paid"\n',
        "shadowed-way",
        "typical of order.paid",
    ),
    case(
        "a narrower one after a wider one",
        RULE,
        OPEN,
        'when: ‸event.data.state == "paid" and event.data.order.gift\n',
        "shadowed-way",
    ),
    case(
        "nobody left for the last way",
        RULE,
        OPEN + "        steps: [{send: [sms, inapp]}]\n      - steps",
        'when: event.data.state != "paid"\n        steps: [{send: [sms, inapp]}]\n      - ‸steps',
        "shadowed-way",
        "is left",
    ),
    case(
        "shares that come to everybody",
        RULE,
        'when: event.data.state == "paid"\n        steps: [{send: email}]\n      - '
        + OPEN
        + "        steps: [{send: [sms, inapp]}]\n      - steps",
        "percent: 60\n        steps: [{send: email}]\n      - percent: 40\n        steps: [{send: [sms, inapp]}]\n      - ‸steps",
        "shadowed-way",
        "100 percent",
    ),
    case(
        "a step after the end",
        RULE,
        GIFT,
        "stop: true\n  - ‸only_if: event.data.order.gift\n",
        "unreachable-step",
        "the stop in line",
    ),
    case(
        "after a wait that always ends",
        RULE,
        GIFT,
        "wait_for: {receipt: read, up_to: 1h, else: stop}\n  - ‸only_if: event.data.order.gift\n",
        "unreachable-step",
        "wait_for",
    ),
    # who is reached
    case(
        "a system without an address for it",
        ERP,
        "{system: erp}",
        "{system: erp}, {group: ‸sales}",
        "unreachable-recipient",
        "ana and bob, of sales, cannot be reached",
    ),
    case(
        "a channel that nobody of them has",
        ERP,
        "[{send: webhook}]",
        "[{send: {first_of: [webhook, ‸sms]}}]",
        "reaches-nobody",
    ),
    case(
        "others who cannot be reached",
        RULE,
        GIFT,
        f"notify: {{to: [{{system: ‸erp}}], steps: [{{send: email}}]}}\n  - {GIFT}",
        "unreachable-recipient",
        "webhook",
    ),
    # settings
    case(
        "attempts after the end",
        EMAIL,
        "retry: [5s, 1m, 1h]\nexpires: 2d",
        "retry: [5s, 1d, ‸2d, 3d]\nexpires: 2d",
        "late-retry",
    ),
    # secrets
    case(
        "a setting that is a secret", SOURCE, '["env:APP_TOKEN"]', "[‸swordfish]", "open-secret", "secrets is a secret"
    ),
    case("a provider's", EMAIL, "password: env:SMTP_PASSWORD", "password: ‸swordfish", "open-secret"),
    case(
        "a live key in a comment",
        PROJECT,
        "name: shop",
        "# ‸sk_live_4eC39HqLyjWDarjtT1zdp7dc\nname: shop",
        "open-secret",
        "Stripe",
    ),
    case("a token in a text", TEXT, "Hello,", "‸xoxb-123456789012-abcdefghij Hello,", "open-secret", "Slack"),
    case(
        "a webhook's secret in the open, told once",
        WEBHOOK,
        '"env:WEBHOOK_SECRET"',
        '‸"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"',
        "open-secret",
    ),
    case(
        "a private key",
        "recipients/systems.yaml",
        "systems:",
        "# ‸-----BEGIN RSA PRIVATE KEY-----\nsystems:",
        "open-secret",
    ),
    case("an access key", "recipients/systems.yaml", "systems:", "# ‸AKIAIOSFODNN7EXAMPLE\nsystems:", "open-secret"),
]


def findings(folder: Path) -> list[tuple[str, int, int, str]]:
    return [(each.file, each.line, each.column, each.code) for each in check_project(folder)[1]]


def test_a_good_project_has_none(project: Callable[[Mapping[str, str]], Path]) -> None:
    assert [str(each) for each in check_project(project({}))[1]] == []


def test_the_example_has_none() -> None:
    assert [str(each) for each in check_project(EXAMPLE)[1]] == []


@pytest.fixture
def planted(
    project: Callable[[Mapping[str, str]], Path], original: Callable[[str], str]
) -> Callable[..., tuple[list[tuple[str, int, int, str]], list[str]]]:
    """Takes (file, old, new) …, in which ``‸`` marks where findings must be; gives what is wrong with that, and what
    the findings say."""

    def planted(*changes: tuple[str, str, str], code: str) -> tuple[list[tuple[str, int, int, str]], list[str]]:
        files: Files = {}
        wanted = []
        for file, old, new in changes:
            text = files.get(file) or textwrap.dedent(ADDED[file] if file in ADDED else original(file))
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
            files[file] = text.replace(old, new)
        for file, text in files.items():
            before, mark, _ = text.partition("‸")
            if mark:
                line = before.count("\n") + 1
                wanted.append((file, line, len(before) - before.rfind("\n"), code))
            files[file] = text.replace("‸", "")
        folder = project(files)
        assert findings(folder) == sorted(wanted), check_project(folder)[1]
        found = check_project(folder)[1]
        assert {each.severity for each in found} == {"warning"}
        return findings(folder), [f"{each.message} {each.hint or ''}" for each in found]

    return planted


@pytest.mark.parametrize(("file", "old", "new", "code", "words"), PLANTED)
def test_what_is_planted_is_found_alone(
    planted: Callable[..., Any], file: str, old: str, new: str, code: str, words: str
) -> None:
    _, (said,) = planted((file, old, new), code=code)
    assert words in said
    assert "swordfish" not in said


TOGETHER = [
    pytest.param(
        [
            (
                TEAM,
                SALES,
                SALES + '\n  duty: {rota: {members: [ana, bob], every: 1w, start: "2026-01-05", hand_over: "09:00"}}',
            ),
            (ERP, "[{system: erp}]", "[{system: erp}, {group: ‸duty}]"),
            (ERP, "send: webhook", "send: [webhook, sms]"),
        ],
        "unreachable-recipient",
        "ana, of duty, cannot be reached: no address for webhook or sms there is one for email",
        id="a member of a rota without an address",
    ),
    pytest.param(
        [
            (RULE, '"paid"\n        steps: [{send: email}]', '"paid"\n        steps: [{stop: true}]'),
            (RULE, "[{send: [sms, inapp]}]", "[{stop: true}]"),
            (RULE, "- steps: [{send: email}]", "- steps: [{stop: true}]\n  - ‸send: [email, sms, inapp]"),
        ],
        "unreachable-step",
        "the branch in line",
        id="a step after ways that all end",
    ),
    pytest.param(
        [
            (PROJECT, "public_url: https://notices.shop.example\n", ""),
            (PROJECT, "alerts: {title: Alerts}", "alerts: {title: Alerts, ‸tracking: true}"),
        ],
        "contradicting-category",
        "no public_url",
        id="tracking without a public URL",
    ),
    pytest.param(
        [
            (PROJECT, "public_url: https://notices.shop.example", "# none"),
            (PROJECT, "orders: {title", "‸orders: {title"),
        ],
        "no-way-to-refuse",
        "people may refuse orders",
        id="nobody can refuse",
    ),
    pytest.param(
        [(ERP, "on: order.refused", "on: order.paid"), (OTHER, "description", "‸description")],
        "unused-event-type",
        "sample one",
        id="an event type that nobody handles",
    ),
    pytest.param(
        [
            (SOURCE, "order.paid", "order.refused"),
            (ERP, "on: order.refused", "on: order.paid"),
            (SOURCE, "kind: bearer", "‸kind: bearer"),
        ],
        "idle-source",
        "order.refused",
        id="a source that nobody hears of",
    ),
    pytest.param(
        [
            ("notifications/pushed/notification.yaml", "send: push", "send: inapp"),
            ("channels/push.yaml", "providers", "‸providers"),
        ],
        "unused-channel",
        "push",
        id="a channel that nothing is sent to",
    ),
]


@pytest.mark.parametrize(("changes", "code", "words"), TOGETHER)
def test_what_takes_several_files_is_found_alone(
    planted: Callable[..., Any], changes: list[tuple[str, str, str]], code: str, words: str
) -> None:
    _, (said,) = planted(*changes, code=code)
    assert words in said


BACK = """\
    kind: standard_webhooks
    secrets: [env:APP_SECRET]
    events:
      - {type: %s, data: body.data}
    """


@pytest.mark.parametrize(
    ("url", "type_", "circle"),
    [
        (
            "https://notices.shop.example/in/back",
            "order.refused",
            "order.refused → to-erp → erp → /in/back → order.refused",
        ),
        ("https://notices.shop.example:443/v1/events", "order.refused", "erp → /v1/events → order.refused"),
        ("http://127.0.0.1:8700/in/back", "order.refused", "order.refused"),
        ("http://localhost:8700/in/back", "order.refused", "order.refused"),
        ("https://notices.shop.example/in/back", "order.paid", None),
        ("https://notices.shop.example/in/else", "order.refused", None),
        ("https://erp.shop.example/in/back", "order.refused", None),
        ("http://127.0.0.1:9000/in/back", "order.refused", None),
    ],
    ids=[
        "to a source",
        "to the intake",
        "over loopback",
        "by name",
        "as another type",
        "to no source",
        "to another host",
        "to another port",
    ],
)
def test_a_webhook_that_leads_back(
    project: Callable[[Mapping[str, str]], Path], url: str, type_: str, circle: str | None
) -> None:
    changes = {"recipients/systems.yaml": f"systems: {{erp: {{webhook: '{url}'}}}}", "sources/back.yaml": BACK % type_}
    found = check_project(project(changes))[1]
    assert [each.code for each in found] == (["loop"] if circle else [])
    assert circle is None or circle in found[0].message


def test_a_circle_through_two_notifications(project: Callable[[Mapping[str, str]], Path]) -> None:
    """What is on order.refused makes order.paid, and what is on that makes order.refused again."""
    url = "https://notices.shop.example/in"
    changes = {
        "recipients/systems.yaml": f"systems: {{erp: {{webhook: {url}/paid}}, crm: {{webhook: {url}/refused}}}}",
        "sources/paid.yaml": BACK % "order.paid",
        "sources/refused.yaml": BACK % "order.refused",
        "notifications/to-crm/notification.yaml": """\
            on: order.paid
            category: alerts
            to: [{system: crm}]
            steps: [{send: webhook}]
            """,
    }
    found = check_project(project(changes))[1]
    assert [(each.code, each.column) for each in found] == [("loop", 26), ("loop", 80)]
    assert "order.refused → to-erp → erp → /in/paid → order.paid → order.refused" in found[0].message


SOUND = [
    pytest.param("only_if: event.data.order.note != none\n", id="what may be null"),
    pytest.param("only_if: event.data.order.count is defined and event.data.order.count > 5\n", id="a guard"),
    pytest.param(
        "only_if: event.data.order.total is defined and event.data.order.gift\n", id="a guard that is not needed"
    ),
    pytest.param("only_if: event.data.order.count | default(0) > 5\n", id="a filter that changes it"),
    pytest.param(
        "only_if: event.data.order.pieces > 5 and event.data.order.pieces < 7\n", id="one whole number between"
    ),
    pytest.param("only_if: event.data.x > 5 and event.data.x < 6\n", id="a number between"),
    pytest.param("only_if: event.data.order.items | length > 1\n", id="more than the least"),
    pytest.param("only_if: (1 if event.data.order.gift else 2) == 1\n", id="a choice"),
    pytest.param('only_if: event.data.order.number == "a" or event.data.order.number == "b"\n', id="one of two values"),
    pytest.param("delay: 1h\n  - only_if: event.data.order.total > 11\n", id="narrower than what let it in"),
    pytest.param("wait_for: {receipt: read, up_to: 1h, then: continue, else: stop}\n", id="a wait that may go on"),
    pytest.param(
        "only_if: recipient.locale == 'en'\n  - delay: 1h\n  - only_if: recipient.locale != 'en'\n",
        id="who changes meanwhile",
    ),
    pytest.param(
        "branch: [{when: event.data.order.gift, steps: [{stop: true}]}]\n", id="a way that ends, and others go on"
    ),
    pytest.param(
        "branch: [{percent: 50, steps: [{stop: true}]}, {percent: 49, steps: [{stop: true}]}]\n",
        id="shares that leave somebody",
    ),
]


@pytest.mark.parametrize("step", SOUND)
def test_what_may_be_meant_is_let_be(project: Callable[[Mapping[str, str]], Path], step: str) -> None:
    text = textwrap.dedent(ADDED[RULE]).replace(GIFT, step)
    assert [str(each) for each in check_project(project({RULE: text}))[1]] == []


def test_an_attempt_in_the_time_that_a_notification_gives_is_let_be(
    project: Callable[[Mapping[str, str]], Path], original: Callable[[str], str]
) -> None:
    changes = {
        EMAIL: original(EMAIL).replace("[5s, 1m, 1h]", "[5s, 1d, 2d, 3d]"),
        RULE: textwrap.dedent(ADDED[RULE]) + "expires: 9d\n",
    }
    assert [str(each) for each in check_project(project(changes))[1]] == []
