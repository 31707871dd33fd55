"""Every word about a change is said of some change, in both languages: there is none too many, and none that breaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from arauto.catalogue import compile_files
from arauto.change.differences import differences
from arauto.change.saying import say_differences, say_rewritten
from arauto.change.saying_schemas import say_impacts
from arauto.change.schemas import ATTRIBUTES, Break, SchemaImpact, Witness
from arauto.change.shapes import ShapeChange
from arauto.errors import Diagnostic
from arauto.generate.say import LANGUAGES, Words
from arauto.model import Catalogue
from change.test_differences import SAID, without
from change.whole import WHOLE, edited, whole

ROOT = Path(__file__).parents[2]
WORDS = yaml.safe_load((ROOT / "src/arauto/change/words/en.yaml").read_text(encoding="utf-8"))

RULE, TEXT = "notifications/confirmation/notification.yaml", "notifications/confirmation/content.en.md"
CORRECTIONS = [f"notifications/confirmation/correction.{locale}.md" for locale in ("en", "pt-BR")]
IMAGE, PNG = "notifications/confirmation/mug.png", b"\x89PNG\r\n\x1a\n" + bytes(92)
APP, CLOCK, TEAM, EMAIL = "sources/app.yaml", "sources/clock.yaml", "recipients/team.yaml", "channels/email.yaml"
SMTP = "  - {kind: smtp, host: smtp.one.example, username: shop, password: env:SMTP_ONE, from: a@shop.example}\n"
SPARE = SMTP.replace("smtp,", "smtp, name: spare,").replace("one", "two").replace("shop,", "x,").replace("ONE", "TWO")
PAID, CANCELLED = (f"  - type: {each}" for each in whole()[APP].decode().split("  - type: ")[1:])
CANCEL = "cancel: {on: order.cancelled, match: event.data.order.number}"
UPSERT = """
    upsert:
      email: event.data.customer.email | default(none)
      attributes: {vip: event.data.customer.plan == "gold"}"""

EDITS = [
    (TEXT, '{label: Look, url: "https://shop.example/orders"}', '{label: "I see to it", acknowledge: true}'),
    (TEXT, "preview: Thank you", "preview: Many thanks"),
    (TEXT, "Hello", "\n\n".join(f"Line {number}." for number in range(50))),
    (TEXT, "preview: Thank you", "preview: Thank you\nimage: https://shop.example/mug.png\nimage_alt: A mug"),
    (CORRECTIONS[0], "It is cancelled.", "It was cancelled."),
    (EMAIL, SMTP + SPARE, SPARE + SMTP),
    (EMAIL, SPARE, "  - {kind: sendgrid, name: spare, api_key: env:KEY, from: a@shop.example}\n"),
    ("channels/sms.yaml", "env:TWILIO", "env:TWILIO\n    price: {amount: 0.3, currency: BRL}"),
    (TEAM, "sales: {members: [ana, bruno]}", "sales: {members: [erp]}"),
    (TEAM, ", locale: pt-BR", ""),
    (TEAM, "name: Ana Souza, ", ""),
    (TEAM, "America/Manaus", "UTC"),
    (
        TEAM,
        'hand_over: "09:00"',
        'hand_over: "09:00", overrides: [{member: ana, from: "2026-01-06T09:00", to: "2026-01-07T09:00"}]',
    ),
    (RULE, UPSERT, ""),
    (RULE, CANCEL, CANCEL.replace("}", ", when: event.data.order.number != 'A'}")),
    ("notifications/daily/notification.yaml", "on: [order.paid, order.cancelled]", "on: order.paid"),
    (APP, '    when: body.kind == "paid"\n', ""),
    (APP, PAID + CANCELLED, CANCELLED + PAID),
    (CLOCK, "missed: once", "missed: skip"),
    (CLOCK, "data: {day: tick.date}", "data: '{\"day\": tick.date}'"),
    (APP, 'kind: hmac\nsecrets: ["env:APP_SECRET"]\nheader: X-Signature', 'kind: bearer\nsecrets: ["env:APP_SECRET"]'),
    ("notifications/daily/notification.yaml", "{system: erp}", "{group: sales, when: event.id == 'x'}, {group: sales}"),
    ("arauto.yaml", "[10.0.0.0/8]", "[10.0.0.0/8, 192.168.0.0/16]"),
]
AT_ONCE = [
    ("arauto.yaml", "name: shop", "name: store"),
    ("arauto.yaml", "https://notices.shop.example", "https://notices.store.example"),
    ("arauto.yaml", "consent: required", "consent: opt_in"),
    ("arauto.yaml", "priority: high", "priority: normal"),
    ("arauto.yaml", ", retention: 30d}", "}\n  more: {title: More}"),
    ("arauto.yaml", "{per: 1d, low: 4, normal: 12, high: 15}", "{per: 2d, low: 3, normal: 12, high: 16}"),
    ("arauto.yaml", "365d", "90d"),
    ("arauto.yaml", '["2026-12-25"]', '["2026-12-25", "2027-01-01"]'),
    (APP, "header: X-Signature", "header: X-Signature\naccepted: 200\nseparator: x"),
    (APP, '    when: body.kind == "cancelled"', '    subject: body.id\n    when: body.kind == "cancelled"'),
    (CLOCK, "tick.date}", "tick.date, week: tick.date}"),
    (CLOCK, "event: day.begun", "event: week.begun"),
    (EMAIL, "smtp.two.example,", "smtp.two.example, port: 2525,"),
    (TEAM, '[ana, bruno], every: 1w, start: "2026-01-05"', '[bruno, ana], every: 1w, start: "2026-01-12"'),
    (TEAM, "Ana Souza", "Ana Lima"),
    (TEAM, ", attributes: {team: sales}", ""),
    (RULE, CANCEL, CANCEL.replace("order.cancelled", "order.paid")),
    ("notifications/daily/notification.yaml", "match: event.data.order.number, drop", "match: event.id, drop"),
    ("notifications/daily/notification.yaml", "on: [order.paid, order.cancelled]", "on: order.paid"),
]
OTHER = whole({"events/week.begun.yaml": whole()["events/day.begun.yaml"]})
for _edit in AT_ONCE:
    OTHER = edited(*_edit, OTHER)
SAMPLES = whole()["events/order.paid.yaml"].decode().split("samples:\n")[1]
TYPICAL, COUPON = SAMPLES.split("  with_coupon:")[0], "  with_coupon:" + SAMPLES.split("  with_coupon:")[1]
PICTURED, PRICED, NETWORKS, TAKEN_BACK = (
    edited(*next(each for each in EDITS if part in each[2])) for part in ("A mug", "price:", "192.168", "!= 'A'")
)


def versions() -> Iterator[tuple[Catalogue, Catalogue]]:
    """Two versions of the small project, over and over, until there is nothing that has not changed."""
    edits = [(each["file"], each["before"], each["after"]) for each in SAID] + EDITS
    made = [edited(*each) for each in edits]
    made += [without("notifications/daily"), without("sources/clock")]
    made += [whole({IMAGE: PNG}), {"arauto.yaml": whole()["arauto.yaml"]}]
    made += [
        whole(),
        whole(
            dict.fromkeys(CORRECTIONS) | {"notifications/confirmation/correction.md": "---\ntitle: Sorry\n---\nNo.\n"}
        ),
    ]
    made += [edited(RULE, f"{CANCEL}\n", "", without(*CORRECTIONS))]
    made += [edited("events/order.paid.yaml", TYPICAL + COUPON, COUPON + TYPICAL)]
    yield from ((WHOLE, compile_files(each)) for each in made)
    pairs = [
        (PICTURED, edited(TEXT, "mug.png\nimage_alt: A mug", "cup.png\nimage_alt: A cup", PICTURED)),
        (whole({IMAGE: PNG}), whole({IMAGE: PNG + bytes(8)})),
        (TAKEN_BACK, edited(RULE, "!= 'A'", "!= 'B'", TAKEN_BACK)),
        (WHOLE.files, OTHER),
        (OTHER, edited("notifications/daily/notification.yaml", "on: order.paid", "on: order.cancelled", OTHER)),
        (WHOLE.files, edited("arauto.yaml", "# the shop", "# our shop")),
        (PRICED, edited("channels/sms.yaml", "amount: 0.3", "amount: 0.4", PRICED)),
        (NETWORKS, edited("arauto.yaml", "10.0.0.0/8, 192.168.0.0/16", "192.168.0.0/16, 10.0.0.0/8", NETWORKS)),
        (WHOLE.files, edited(RULE, "  - only_if", "  - delay: 1m\n  - only_if", edited(RULE, "2h}", "3h}"))),
    ]
    yield from ((compile_files(old), compile_files(new)) for old, new in pairs)


VALUES = [(None, ["x"]), (["x"], None), (["x"], ["x", "y"]), (["x", "y"], ["x"]), (["x"], ["y"])]
LIMITS = [("maxLength", None, 3), ("maxLength", 3, None), ("format", "date", "email"), ("pattern", "a", "b")]
CHANGES = (
    *(ShapeChange(code=code, path=("a",)) for code in ("removed", "added", "added_required", "required", "optional")),
    *(ShapeChange(code=code, path=("a",)) for code in ("nullable", "not_null", "closed", "opened", "described")),
    *(ShapeChange(code="kind", path=("a",), before=before, after=["string"]) for before in ([], ["integer", "null"])),
    *(ShapeChange(code="values", path=("a",), before=before, after=after) for before, after in VALUES),
    *(ShapeChange(code="limit", path=("a",), before=before, after=after, keyword=key) for key, before, after in LIMITS),
    ShapeChange(code="other", path=("a",), keyword="if"),
    ShapeChange(code="other"),
    ShapeChange(code="opened"),
)

FAULTS = tuple(
    Diagnostic(file=file, line=1, column=1, code="unknown-path", message="event.data.a is not in the schema")
    for file in (RULE, TEXT)
)


def impacts() -> Iterator[SchemaImpact]:
    """What becomes of a schema, in every way."""
    witnesses = tuple(Witness(f"sample {number}", "/a" if number else "", "is refused") for number in range(6))
    breaks = tuple(Break(change, FAULTS) for change in (None, *CHANGES))
    for subject in ("order.paid", ATTRIBUTES):
        for sort in ("added", "removed", "changed"):
            for verdict in ("taken", "refused", "perhaps"):
                about: dict[str, Any] = {"subject": subject, "sort": sort, "file": "x.yaml", "verdict": verdict}
                yield SchemaImpact(**about, changes=CHANGES, witnesses=witnesses, breaks=breaks, warns=breaks)
                yield SchemaImpact(**about, changes=CHANGES, breaks=breaks, left=FAULTS)


def test_every_word_is_said_of_some_change(monkeypatch: pytest.MonkeyPatch) -> None:
    said: set[tuple[str, str]] = set()
    real = Words.say

    def say(self: Words, code: str, **values: Any) -> Any:
        said.add((self.language, code))
        return real(self, code, **values)

    monkeypatch.setattr(Words, "say", say)
    for version in versions():
        for old, new in (version, version[::-1]):
            found = differences(old, new)
            for language in LANGUAGES:
                say_rewritten(found, language)
                say_differences(found, old, new, language)
    for language in LANGUAGES:
        say_impacts(impacts(), language)
    left = sorted((language, code) for language in LANGUAGES for code in WORDS if (language, code) not in said)
    assert not left, f"nobody says {left}"
