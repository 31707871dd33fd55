"""A plan as people and programs read it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import yaml

from arauto.change.backtest import Period, Question, backtest
from arauto.change.differences import differences
from arauto.change.inflight import in_flight
from arauto.change.report import Plan, Report
from arauto.change.report.documents import as_json, as_markdown
from arauto.change.schemas import schema_impacts
from arauto.change.scope import scope_of
from arauto.change.sections import shown
from arauto.generate.say import LANGUAGES
from arauto.model import Catalogue, Recipient
from arauto.simulate import Simulation, Simulator
from arauto.sources import Draft
from change.recorded import FILES, START, edited, past_of, shop

ROOT = Path(__file__).parents[2]
PAID = "notifications/paid/notification.yaml"
HOUR = timedelta(hours=1)
WORDS = [
    yaml.safe_load((ROOT / f"src/arauto/change/report/words/{each}.yaml").read_text(encoding="utf-8"))
    for each in LANGUAGES
]


@pytest.fixture
async def past() -> AsyncIterator[Simulation]:
    """A hub on the small shop: an order was paid, and a digest is open."""
    async with Simulator() as simulator:
        simulation = await simulator.begin(shop(), START)
        await simulation.know(Recipient(id="ana", addresses={"email": ["ana@shop.example"], "sms": ["+5511987654321"]}))
        data = {"order": {"number": "A-1 | <b>"}, "customer": {"id": "ana"}}
        await simulation.accept(Draft(source="shop", id="1", type="order.paid", data=data))
        await simulation.run_until(2 * HOUR)
        await simulation.accept(Draft(source="shop", id="2", type="stock.low", data={"item": "Mug"}))
        await simulation.run_until(timedelta(minutes=10))
        yield simulation


async def planned(past: Simulation, new: Catalogue) -> Plan:
    """What ``arauto plan`` finds."""
    old, memory = past.catalogue, past_of(past)
    scope = scope_of(old, new)
    outcome = None
    if scope.notifications:
        question = Question(old, new, scope, Period(START, past.now), "en")
        outcome = await backtest(question, memory, lambda done, of: None)
    return Plan(
        old=old,
        new=new,
        differences=differences(old, new),
        impacts=schema_impacts(old, new.files),
        scope=scope,
        in_flight=in_flight(await memory.under_way(), old, new),
        since=START,
        until=past.now,
        outcome=outcome,
    )


def told(plan: Plan, language: str = "en") -> str:
    return as_markdown(Report(plan, language))


def test_both_languages_have_the_same_words_with_the_same_values() -> None:
    holes = [{code: set(re.findall(r"\{(\w+)", text)) for code, text in words.items()} for words in WORDS]
    assert holes[0] == holes[1]


def test_no_word_is_left_over() -> None:
    """Each code stands in the module that says it, if only as how it begins."""
    code = (ROOT / "src/arauto/change/report/__init__.py").read_text(encoding="utf-8")
    begins = tuple(re.findall(r"""f["']([a-z_.]+\.)\{""", code))
    assert begins
    assert [each for each in WORDS[0] if f'"{each}"' not in code and not each.startswith(begins)] == []


async def test_a_version_that_is_live_changes_nothing(past: Simulation) -> None:
    plan = await planned(past, shop())
    assert list(Report(plan, "en").parts()) == []
    assert "nothing would change" in shown(Report(plan, "en").head())
    assert as_json(plan)["from"] == as_json(plan)["to"]


async def test_a_plan_tells_all_parts(past: Simulation) -> None:
    plan = await planned(past, shop(edited(PAID, "send: email", "send: [email, sms]")))
    text = told(plan)
    for expected in (
        "### What is different",
        "### What is under way",
        "1 thing is under way; nothing changes there.",
        "Tried: 1 of 2 notifications; the change cannot concern the others.",
        "1 of 2 events were needed",
        "sends 1 of the 1 message that was really sent (100.0%)",
        "1 recipient would have got something more, less or otherwise:",
        "| paid | sms | orders | 1 | – | – | – | – → R$0.25 |",
        "`ana` would also have got `paid` by sms",
        "at 2026-03-02 09:00",
    ):
        assert expected in text.replace("\\", ""), expected


async def test_what_is_under_way_is_told_by_its_fate(past: Simulation) -> None:
    longer = await planned(past, shop(edited("notifications/stock/notification.yaml", "digest: 1h", "digest: 2h")))
    assert "1 open digest of `stock`: finished in the version that began it" in told(longer)
    latest = edited("notifications/stock/notification.yaml", "category", "in_flight: latest\ncategory")
    assert "1 open digest of `stock`: finished in the new version" in told(await planned(past, shop(latest)))
    assert "1 resumo aberto de `stock`: termina na versão nova" in told(await planned(past, shop(latest)), "pt-BR")


async def test_events_that_would_be_refused_are_told(past: Simulation) -> None:
    events = FILES["events/order.paid.yaml"]
    strict = events.replace("required: [number]", "required: [number, coupon]").replace("A-1}", "A-1, coupon: X}")
    text = told(await planned(past, shop({"events/order.paid.yaml": strict})))
    assert "The new version refuses 1 event `order.paid`" in text
    assert "coupon" in text


async def test_what_is_in_data_is_no_markup(past: Simulation) -> None:
    title = edited("notifications/paid/content.en.md", "title: Thank you", 'title: "{{ event.data.order.number }}"')
    text = told(await planned(past, shop(title)))
    assert "<b>" not in text
    assert "A-1 \\| \\<b\\>" in text.replace("A\\-1", "A-1")


async def test_the_same_plan_is_the_same_document(past: Simulation) -> None:
    new = shop(edited(PAID, "send: email", "send: [email, sms]"))
    first, second = [msgspec.json.encode(as_json(await planned(past, new)), order="sorted") for _ in range(2)]
    assert first == second
    document = json.loads(first)
    assert (document["from"], document["to"]) == (past.catalogue.version, new.version)
    assert document["backtest"]["totals"][1]["more"] == 1
    assert document["backtest"]["examples"][0]["why"]["new"]["notifications"][0]["matched"] is True


async def test_a_folder_has_no_past(past: Simulation) -> None:
    plan = await planned(past, shop(edited(PAID, "send: email", "send: [email, sms]")))
    alone = msgspec.structs.replace(plan, in_flight=None, outcome=None)
    assert "A folder has no recorded events" in told(alone)
    assert "under way" not in told(alone)
