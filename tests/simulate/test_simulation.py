"""The engine in virtual time: the same each time, and as fast as it has to be."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arauto.catalogue import compile_project
from arauto.errors import BadPayload
from arauto.model import Catalogue, Recipient, Silence, Wishes
from arauto.simulate import Outage, Simulation, Simulator
from arauto.sources import Draft

LOJA = Path(__file__).parents[2] / "examples/loja"
START = datetime(2026, 3, 2, 12, tzinfo=UTC)  # nine o'clock in São Paulo
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CUSTOMER = Recipient(id="c-20817", locale="pt-BR", addresses={"email": ["c@loja.example"], "sms": ["+5571987654321"]})


@pytest.fixture(scope="module")
def loja() -> Catalogue:
    return compile_project(LOJA)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def simulation(simulator: Simulator, loja: Catalogue) -> Simulation:
    return await simulator.begin(loja, START)


def draft(on: Simulation, type: str, id: str = "1", **changes: Any) -> Draft:
    sample = next(iter(on.catalogue.event_types[type].samples.values()))
    return Draft(source="shop", id=id, type=type, data={**sample, **changes})


def told(on: Simulation) -> list[tuple[str, str, str, str | None]]:
    return [(f"{each.at - START}", each.recipient, each.channel, each.title) for each in on.received]


async def test_what_is_received_is_kept_with_its_text(simulation: Simulation) -> None:
    await simulation.accept(draft(simulation, "stock.low"))
    await simulation.run_out()
    inbox, mail = simulation.received
    assert (inbox.channel, inbox.at, inbox.provider) == ("inapp", START, "store")
    assert (mail.channel, mail.recipient, mail.notification) == ("email", "marina", "stock-low")
    assert (mail.locale, mail.kind, mail.provider, mail.outcome, mail.number) == (
        "pt-BR",
        "text",
        "smtp",
        "accepted",
        1,
    )
    assert mail.title == "Estoque baixo: Caneca de cerâmica azul"
    assert "restam 7 peças" in mail.form["text"]


async def test_an_event_is_checked_as_the_intake_does(simulation: Simulation) -> None:
    with pytest.raises(BadPayload, match="1 fault"):
        await simulation.accept(draft(simulation, "stock.low", product=1))


async def test_a_simulation_begins_with_nothing_of_the_one_before(simulator: Simulator, loja: Catalogue) -> None:
    found = []
    for _ in range(2):
        simulation = await simulator.begin(loja, START)
        await simulation.know(CUSTOMER)
        await simulation.accept(draft(simulation, "order.ready"))
        await simulation.run_out()
        found.append([(each, each.form) for each in simulation.received])
        assert len(simulation.received) == 2
    assert msgspec.json.encode(found[0]) == msgspec.json.encode(found[1]), "the same, to the byte"


async def test_a_seed_decides_what_is_left_to_chance(simulator: Simulator, loja: Catalogue) -> None:
    async def attempts(seed: int | None) -> list[datetime]:
        simulation = await simulator.begin(loja, START, seed=seed)
        simulation.outages.append(Outage("webhook", "later", times=3))
        await simulation.accept(draft(simulation, "order.cancelled"))
        await simulation.run_out()
        return [each.at for each in simulation.carried]

    without, first, again, other = [await attempts(seed) for seed in (None, 1, 1, 2)]
    assert [each - START for each in without] == [timedelta(seconds=each) for each in (0, 5, 35, 335)]
    assert first == again
    assert first != other
    assert first != without


@pytest.mark.parametrize(
    ("outage", "outcomes"),
    [
        (Outage("sms", "later", times=1), ["retry", "accepted"]),
        (Outage("sms", "rejected"), ["rejected"]),
        (Outage("sms", "unknown"), ["unknown"]),
        (Outage("sms", "later", until=START + 2 * HOUR + timedelta(minutes=1)), ["retry", "retry", "accepted"]),
        (Outage("sms", "later", start=START + 3 * HOUR), ["accepted"]),
        (Outage("sms", "later", provider="another"), ["accepted"]),
        (Outage("email", "later"), ["accepted"]),
    ],
    ids=["once", "for good", "nobody knows", "until a time", "from a time on", "of another provider", "elsewhere"],
)
async def test_a_provider_fails_as_the_script_says(simulation: Simulation, outage: Outage, outcomes: list[str]) -> None:
    await simulation.know(CUSTOMER)
    simulation.outages.append(outage)
    await simulation.accept(draft(simulation, "order.ready"))
    await simulation.run_out(DAY)
    assert [each.outcome for each in simulation.carried if each.channel == "sms"] == outcomes


async def test_people_answer_and_change_their_minds(simulation: Simulation) -> None:
    await simulation.know(CUSTOMER)
    await simulation.accept(draft(simulation, "order.ready"))
    await simulation.run_until(HOUR)
    (inbox,) = simulation.received
    await simulation.answer(inbox.message, "read")
    await simulation.wish("c-20817", Wishes(categories={"orders": {"inapp": False}}))
    await simulation.accept(draft(simulation, "order.ready", "2"))
    await simulation.run_out()
    assert told(simulation)[1:] == [("3:00:00", "c-20817", "sms", None)], "no inbox, and so nothing was read"


async def test_a_silence_holds_until_it_ends(simulation: Simulation) -> None:
    await simulation.silence(
        Silence(id="s", owner="a", reason="b", drop=False, start=START, end=START + 2 * HOUR, notifications=())
    )
    await simulation.accept(draft(simulation, "stock.low"))
    await simulation.run_until(3 * HOUR)
    assert [(time, channel) for time, _, channel, _ in told(simulation)] == [("2:00:00", "inapp")]


async def test_schedules_tick_until_they_are_stopped(simulator: Simulator, loja: Catalogue) -> None:
    simulation = await simulator.begin(loja, START)
    await simulation.start_schedules()
    await simulation.run_until(70 * DAY)
    assert [each.at.isoformat() for each in simulation.received] == [
        "2026-03-31T20:00:00+00:00",
        "2026-04-30T20:00:00+00:00",
    ]
    simulation.stop_schedules()
    await simulation.run_until(70 * DAY)
    assert len(simulation.received) == 2


async def test_what_is_under_way_finishes_on_the_version_that_began_it(
    simulator: Simulator, loja: Catalogue, tmp_path: Path
) -> None:
    simulation = await simulator.begin(loja, START)
    await simulation.know(CUSTOMER)
    await simulation.accept(draft(simulation, "order.ready"))
    await simulation.run_until(HOUR)
    changed = other_version(tmp_path, lambda text: text.replace("up_to: 2h", "up_to: 5h"))
    await simulation.adopt(changed)
    await simulation.accept(draft(simulation, "order.ready", "2"))
    await simulation.run_out()
    assert [time for time, _, channel, _ in told(simulation) if channel == "sms"] == ["2:00:00", "6:00:00"]


def other_version(place: Path, change: Callable[[str], str]) -> Catalogue:
    shutil.copytree(LOJA, place / "loja")
    file = place / "loja/notifications/order-ready/notification.yaml"
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    return compile_project(place / "loja")


async def test_a_large_group_is_told_page_by_page(simulator: Simulator, tmp_path: Path) -> None:
    shutil.copytree(LOJA, tmp_path / "loja")
    team = tmp_path / "loja/recipients/team.yaml"
    text = team.read_text(encoding="utf-8")
    team.write_text(
        text.replace("managers: {members: [ana]}", "managers: {query: recipient.attributes.vip | default(false)}"),
        encoding="utf-8",
    )
    simulation = await simulator.begin(compile_project(tmp_path / "loja"), START)
    people = [Recipient(id=f"p{number}", attributes={"vip": number % 2 == 0}) for number in range(1200)]
    await simulation.know(*people)
    await simulation.accept(draft(simulation, "month.closing", day="2026-03-31"))
    await simulation.run_out()
    assert {each.recipient for each in simulation.received} == {f"p{number}" for number in range(0, 1200, 2)}


async def test_it_says_why(simulation: Simulation) -> None:
    (event,) = await simulation.accept(draft(simulation, "order.ready"))
    await simulation.run_out()
    whole = await simulation.explain(event.key)
    (ready,) = whole["notifications"]
    assert ready["recipients"][0]["reason"]["code"] == "unknown_recipient"
    one = await simulation.explain(event.key, recipient="c-20817", language="pt-BR")
    assert one["recipient"] == "c-20817"
