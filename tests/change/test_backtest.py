"""A change tried on what was recorded: who would have got what otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from arauto.catalogue import compile_project
from arauto.catalogue.compiler import compile_files
from arauto.change.backtest import Outcome
from arauto.model import Catalogue, Recipient, Silence, Wishes
from arauto.simulate import Outage, Simulation, Simulator
from arauto.sources import Draft
from arauto.store import Suppression
from change.recorded import FILES, START, edited, lived, shop, tried

LOJA = Path(__file__).parents[2] / "examples/loja"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PAID, STOCK = "notifications/paid/notification.yaml", "notifications/stock/notification.yaml"
ANA = Recipient(id="ana", addresses={"email": ["ana@shop.example"], "sms": ["+5511987654321"]})
BIA = Recipient(id="bia", addresses={"email": ["bia@shop.example"]})
OTHER_TEXT = edited("notifications/paid/content.en.md", "is paid", "was paid")


@pytest.fixture(scope="module")
def loja() -> Catalogue:
    return compile_project(LOJA)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def past(simulator: Simulator) -> Simulation:
    """A hub on the small shop, which knows two people."""
    simulation = await simulator.begin(shop(), START)
    await simulation.know(ANA, BIA)
    await simulation.run_until(timedelta(minutes=10))
    return simulation


async def paid(past: Simulation, *customers: str, **order: Any) -> None:
    """Orders of these customers, in one minute; then an hour goes by."""
    for customer in customers:
        data = {"order": {"number": f"A-{len(past.events)}", **order}, "customer": {"id": customer}}
        await past.accept(Draft(source="shop", id=str(len(past.events)), type="order.paid", data=data))
    await past.run_until(HOUR)


def counted(outcome: Outcome) -> dict[str, tuple[int, int, int, int]]:
    """By notification and channel: more, less, otherwise, same."""
    return {
        f"{notification} {channel}": (each.more, each.less, each.otherwise, each.same)
        for (notification, channel, _), each in outcome.totals.items()
    }


# -- nothing changed -----------------------------------------------------------------------------------------------


async def test_what_means_the_same_comes_out_the_same(simulator: Simulator, loja: Catalogue) -> None:
    past = await lived(simulator, loja)
    commented = compile_files({**loja.files, "arauto.yaml": loja.files["arauto.yaml"] + b"\n# a comment\n"})
    assert commented.version != loja.version
    outcome = await tried(past, commented)
    assert outcome.events == outcome.of == 120
    assert sum(each.same for each in outcome.totals.values()) > 100
    assert outcome.refused == {"old": (), "new": ()}
    assert not outcome.examples
    assert outcome.people == 0
    assert outcome.reproduced == outcome.recorded > 100


# -- what changed --------------------------------------------------------------------------------------------------

CHANGES: list[tuple[str, dict[str, str | None], dict[str, tuple[int, int, int, int]], dict[str, int]]] = [
    ("another text", OTHER_TEXT, {"paid email": (0, 0, 2, 0)}, {"text": 2}),
    ("a delay", edited(PAID, "  - send", "  - delay: 10m\n  - send"), {"paid email": (0, 0, 2, 0)}, {"time": 2}),
    (
        "another channel",
        edited(PAID, "send: email", "send: sms"),
        {"paid email": (0, 1, 0, 0), "paid sms": (0, 0, 1, 0)},
        {"channel": 1},
    ),
    (
        "one more channel",
        edited(PAID, "send: email", "send: [email, sms]"),
        {"paid email": (0, 0, 0, 2), "paid sms": (1, 0, 0, 0)},
        {},
    ),
    (
        "a condition",
        edited(PAID, "category:", 'when: event.data.customer.id == "ana"\ncategory:'),
        {"paid email": (0, 1, 0, 1)},
        {},
    ),
    (
        "a notification that is gone",
        {PAID: None, "notifications/paid/content.en.md": None},
        {"paid email": (0, 2, 0, 0)},
        {},
    ),
]


@pytest.mark.parametrize(
    ("change", "expected", "aspects"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES]
)
async def test_a_change_is_told(
    past: Simulation, change: dict[str, str | None], expected: dict[str, Any], aspects: dict[str, int]
) -> None:
    await paid(past, "ana", "bia")
    outcome = await tried(past, shop(change))
    assert counted(outcome) == expected
    assert {name: count for each in outcome.totals.values() for name, count in each.aspects.items()} == aspects
    assert outcome.reproduced == outcome.recorded == 2
    assert {"ana", "bia"} >= {example.pair.recipient for example in outcome.examples} != set()


async def test_costs_and_segments_are_those_of_both_versions(past: Simulation) -> None:
    await paid(past, "ana")
    long = {"notifications/paid/sms.en.txt": "Order {{ event.data.order.number }} " + "x" * 170}
    outcome = await tried(past, shop({**edited(PAID, "send: email", "send: [email, sms]"), **long}))
    sms = outcome.totals["paid", "sms", "orders"]
    assert (sms.old_segments, sms.new_segments, sms.old_cost) == (0, 2, {})
    assert {currency: str(amount) for currency, amount in sms.new_cost.items()} == {"BRL": "0.50"}


async def test_an_example_has_both_explanations(past: Simulation) -> None:
    await paid(past, "ana")
    outcome = await tried(past, shop(edited(PAID, "category:", "when: event.data.order.coupon is defined\ncategory:")))
    (example,) = outcome.examples
    assert (example.pair.sort, example.pair.old is not None, example.pair.new) == ("less", True, None)
    assert example.old is not None
    assert example.new is not None
    before, after = example.old["notifications"][0], example.new["notifications"][0]
    assert before["matched"]
    assert not after["matched"]
    assert "coupon" in after["reason"]["text"]


async def test_of_one_that_goes_to_several_channels_one_example_is_enough(past: Simulation) -> None:
    await paid(past, "ana")
    await paid(past, "ana")
    await paid(past, "ana")
    both = shop(edited(PAID, "send: email", "send: [email, sms]"))
    outcome = await tried(past, shop({**edited(PAID, "send: email", "send: [email, sms]"), **OTHER_TEXT}), old=both)
    assert outcome.people == 1
    assert len({example.pair.event for example in outcome.examples}) == len(outcome.examples) == 2


async def test_what_still_waits_at_the_end_comes_later_and_is_not_missing(past: Simulation) -> None:
    await paid(past, "ana")
    outcome = await tried(past, shop(edited(PAID, "  - send", "  - delay: 5h\n  - send")))
    assert counted(outcome) == {"paid email": (0, 0, 1, 0)}


# -- as it was then --------------------------------------------------------------------------------------------------


async def test_people_are_reached_as_they_could_be_then(past: Simulation) -> None:
    """Bia had no phone when her first order was paid."""
    await paid(past, "bia")
    await past.know(Recipient(id="bia", addresses={**BIA.addresses, "sms": ["+5511912345678"]}))
    await paid(past, "bia")
    outcome = await tried(past, shop(edited(PAID, "send: email", "send: [email, sms]")))
    assert counted(outcome)["paid sms"] == (1, 0, 0, 0)


async def test_wishes_count_as_they_were_then(past: Simulation) -> None:
    await paid(past, "ana")
    await past.wish("ana", Wishes(categories={"orders": {"*": False}}))
    await paid(past, "ana")
    await past.wish("ana", Wishes())
    await paid(past, "ana")
    outcome = await tried(past, shop(OTHER_TEXT))
    assert counted(outcome) == {"paid email": (0, 0, 2, 0)}


async def test_silences_count_as_they_were_then(past: Simulation) -> None:
    silence = Silence(id="s", owner="ti", reason="x", drop=True, start=past.now, notifications=("paid",))
    await past.silence(silence)
    await paid(past, "ana")
    await past.store.delete_silence("default", "s", now=past.now)
    await paid(past, "ana")
    outcome = await tried(past, shop(OTHER_TEXT))
    assert counted(outcome) == {"paid email": (0, 0, 1, 0)}


async def test_an_address_that_died_later_was_good_then(past: Simulation) -> None:
    await paid(past, "ana")
    await past.answer(past.received[-1].message, "bounced", permanent=True)
    await paid(past, "ana")
    assert len(past.received) == 1
    outcome = await tried(past, shop(OTHER_TEXT))
    assert counted(outcome) == {"paid email": (0, 0, 1, 0)}


async def test_providers_answer_as_they_did(past: Simulation) -> None:
    past.outages.append(Outage("email", "rejected", times=1))
    await paid(past, "ana", "bia")
    assert len(past.received) == 1
    outcome = await tried(past, shop(OTHER_TEXT))
    assert counted(outcome) == {"paid email": (0, 0, 1, 0)}
    assert outcome.recorded == outcome.reproduced == 1


async def test_answers_come_as_long_after_the_message_as_they_did(simulator: Simulator) -> None:
    steps = "steps:\n  - send: email\n  - wait_for: {receipt: opened, up_to: 3h, then: stop}\n  - send: sms\n"
    opened = edited("arauto.yaml", "orders: {title: Orders}", "orders: {title: Orders, tracking: true}")
    waits = shop({PAID: FILES[PAID].split("steps:")[0] + steps, **opened})
    later = shop({PAID: FILES[PAID].split("steps:")[0] + steps.replace("3h", "30m"), **opened})
    past = await simulator.begin(waits, START)
    await past.know(ANA)
    await past.accept(
        Draft(source="shop", id="1", type="order.paid", data={"order": {"number": "1"}, "customer": {"id": "ana"}})
    )
    await past.run_until(HOUR)
    await past.answer(past.received[0].message, "opened")
    await past.run_until(6 * HOUR)
    assert [each.channel for each in past.received] == ["email"]
    outcome = await tried(past, later)
    assert counted(outcome) == {"paid email": (0, 0, 0, 1), "paid sms": (1, 0, 0, 0)}


async def test_what_was_under_way_at_the_beginning_is_under_way(past: Simulation) -> None:
    """The digest was opened before the period, and is sent within it."""

    async def low(item: str) -> None:
        await past.accept(Draft(source="shop", id=item, type="stock.low", data={"item": item}))

    await low("Mug")
    await past.run_until(timedelta(minutes=50))
    since = past.now
    await low("Lamp")
    await past.run_until(DAY)
    shorter = await tried(past, shop(edited(STOCK, "digest: 1h", "digest: 30m")), since=since)
    # Then: one mail with both. Now: one before the period, and one with the lamp alone.
    assert [each.pair.sort for each in shorter.examples] == ["less", "more"]
    other = await tried(past, shop(edited("notifications/stock/content.en.md", "Stock", "Low")), since=since)
    assert counted(other) == {"stock email": (0, 0, 1, 0)}


async def test_who_is_deleted_and_created_in_one_minute_is_there(past: Simulation) -> None:
    await past.store.delete_recipient("default", "ana", now=past.now)
    await past.run_until(timedelta(seconds=10))
    await past.know(ANA)
    await paid(past, "ana")
    outcome = await tried(past, shop(OTHER_TEXT))
    assert counted(outcome) == {"paid email": (0, 0, 1, 0)}


async def test_who_goes_or_refuses_later_in_a_minute_hears_what_came_before(past: Simulation) -> None:
    await paid(past, "bia")
    await past.run_until(timedelta(seconds=1))
    for customer in ("ana", "bia"):
        await past.accept(
            Draft(
                source="shop",
                id=customer,
                type="order.paid",
                data={"order": {"number": "1"}, "customer": {"id": customer}},
            )
        )
    await past.run_until(timedelta(seconds=1))
    await past.store.delete_recipient("default", "ana", now=past.now)
    await past.wish("bia", Wishes(categories={"orders": {"*": False}}))
    await past.run_until(timedelta(seconds=1))
    await paid(past, "ana", "bia")
    assert len(past.received) == 3
    outcome = await tried(past, shop(OTHER_TEXT))
    assert counted(outcome) == {"paid email": (0, 0, 3, 0)}


async def test_an_address_dies_at_its_time_also_while_nothing_else_happens(simulator: Simulator) -> None:
    late = edited(PAID, "  - send", "  - delay: 20h\n  - send")
    past = await simulator.begin(shop(late), START)
    await past.know(ANA)
    await paid(past, "ana")
    place = past.engine.address_hash("email", "ana@shop.example")
    await past.store.suppress("default", [Suppression(place, "email", "bounced", past.now)])
    await past.run_until(3 * DAY)
    outcome = await tried(past, shop({**late, **OTHER_TEXT}))
    assert counted(outcome) == {}


async def test_wishes_of_people_of_the_project_count_from_the_beginning(past: Simulation) -> None:
    await past.wish("marina", Wishes(categories={"orders": {"*": False}}))
    await past.run_until(9 * DAY)
    since = past.now
    await past.accept(Draft(source="shop", id="low", type="stock.low", data={"item": "Mug"}))
    await past.run_until(DAY)
    other = shop(edited("notifications/stock/content.en.md", "Stock", "Low"))
    assert counted(await tried(past, other, since=since)) == {}


FIRST = FILES["channels/sms.yaml"].removeprefix("providers:\n")
SECOND = FIRST.replace("twilio\n", "twilio\n    name: second\n")


async def test_a_provider_answers_as_it_did_in_another_place_too(simulator: Simulator) -> None:
    sms = edited(PAID, "send: email", "send: sms")
    past = await simulator.begin(shop({**sms, "channels/sms.yaml": f"providers:\n{FIRST}{SECOND}"}), START)
    await past.know(ANA)
    past.outages.append(Outage("sms", "later", provider="twilio"))
    past.outages.append(Outage("sms", "rejected", provider="second", times=1))
    await paid(past, "ana")
    assert not past.received
    turned = shop({**sms, "channels/sms.yaml": f"providers:\n{SECOND}{FIRST}"})
    assert counted(await tried(past, turned)) == {}
    alone = shop({**sms, "channels/sms.yaml": f"providers:\n{FIRST}"})
    assert counted(await tried(past, alone))["paid sms"] == (1, 0, 0, 0)


async def test_answers_are_known_of_a_step_that_has_another_number(simulator: Simulator) -> None:
    """The mail to Bia was refused, and Ana opened hers: so it is where another step comes before."""
    opened = edited("arauto.yaml", "orders: {title: Orders}", "orders: {title: Orders, tracking: true}")
    steps = "  - send: email\n  - wait_for: {receipt: opened, up_to: 3h, then: stop}\n  - send: sms\n"
    old = shop({**edited(PAID, "  - send: email\n", steps), **opened})
    new = shop({**edited(PAID, "  - send: email\n", f"  - delay: 5m\n{steps}"), **opened})
    past = await simulator.begin(old, START)
    await past.know(ANA, BIA)
    await paid(past, "ana")
    past.outages.append(Outage("email", "rejected", times=1))
    await paid(past, "bia")
    await past.answer(past.received[0].message, "opened")
    await past.run_until(6 * HOUR)
    assert [each.recipient for each in past.received] == ["ana"]
    assert counted(await tried(past, new)) == {"paid email": (0, 0, 1, 0)}


async def test_a_period_may_begin_within_a_minute(past: Simulation) -> None:
    await past.run_until(timedelta(seconds=30))
    since = past.now
    await past.run_until(timedelta(seconds=10))
    await paid(past, "ana")
    assert counted(await tried(past, shop(OTHER_TEXT), since=since)) == {"paid email": (0, 0, 1, 0)}


async def test_who_was_erased_is_not_missed(past: Simulation) -> None:
    await paid(past, "ana", "bia")
    known: dict[str, Any] = {"known": None, "shared": [], "places": []}
    await past.store.begin_erasure("default", "ana", "erased_1", **known, now=past.now)
    while (await past.store.advance_erasure("default", "erased_1", patient=False, now=past.now)).finished_at is None:
        pass
    outcome = await tried(past, shop(OTHER_TEXT))
    assert counted(outcome) == {"paid email": (0, 0, 1, 0)}
    assert outcome.recorded == outcome.reproduced == 1


async def test_what_a_schedule_tells_is_answered_as_it_was_and_only_while_there_was_a_hub(simulator: Simulator) -> None:
    """Of three mornings that the hub saw, the mail of the second was refused; in the week before it saw nothing."""
    files: dict[str, str | None] = {
        "sources/clock.yaml": "kind: schedule\nevent: stock.low\ncron: '0 9 * * *'\n",
        "events/stock.low.yaml": "description: It is morning.\nschema: {type: object}\nsamples:\n  typical: {}\n",
        STOCK: FILES[STOCK].replace("  - digest: 1h\n", ""),
        "notifications/stock/content.en.md": "---\ntitle: Stock\n---\nLook at it.\n",
    }
    past = await simulator.begin(shop(files), START)
    await past.know(ANA)
    await past.start_schedules()
    await past.run_until(DAY)
    past.outages.append(Outage("email", "rejected", times=1))
    await past.run_until(2 * DAY)
    assert [each.outcome for each in past.carried] == ["accepted", "rejected", "accepted"]
    other = shop({**files, "notifications/stock/content.en.md": "---\ntitle: Low\n---\nLook at it.\n"})
    outcome = await tried(past, other, since=START - 3 * DAY)
    assert counted(outcome) == {"stock email": (0, 0, 2, 0)}
    assert outcome.recorded == outcome.reproduced == 2


async def test_addresses_of_people_of_the_project_are_dead_from_the_beginning(past: Simulation) -> None:
    place = past.engine.address_hash("email", "marina@shop.example")
    await past.store.suppress("default", [Suppression(place, "email", "bounced", past.now)])
    await past.run_until(9 * DAY)
    since = past.now
    await past.accept(Draft(source="shop", id="low", type="stock.low", data={"item": "Mug"}))
    await past.run_until(DAY)
    other = shop(edited("notifications/stock/content.en.md", "Stock", "Low"))
    assert counted(await tried(past, other, since=since)) == {}


# -- what can't be taken or tried --------------------------------------------------------------------------------------


async def test_events_that_the_new_version_refuses_are_counted(past: Simulation) -> None:
    await paid(past, "ana", coupon="X")
    await paid(past, "ana")
    needs = shop(
        edited("events/order.paid.yaml", "required: [number]", "required: [number, coupon]")
        | {
            "events/order.paid.yaml": FILES["events/order.paid.yaml"]
            .replace("required: [number]", "required: [number, coupon]")
            .replace("number: A-1", "number: A-1, coupon: X")
        }
    )
    outcome = await tried(past, needs)
    assert counted(outcome) == {"paid email": (0, 1, 0, 1)}
    (refused,) = outcome.refused["new"]
    assert (refused.type, refused.code, refused.count, outcome.refused["old"]) == ("order.paid", "invalid_data", 1, ())
    assert "coupon" in str(refused.fault)
    assert outcome.examples[0].new is None


async def test_a_live_version_that_was_not_live_then_is_seen_to_differ(past: Simulation) -> None:
    await paid(past, "ana", "bia")
    only_ana = shop(edited(PAID, "category:", 'when: event.data.customer.id == "ana"\ncategory:'))
    outcome = await tried(past, shop(OTHER_TEXT), old=only_ana)
    assert (outcome.recorded, outcome.reproduced) == (2, 1)


async def test_only_what_the_change_may_concern_is_tried(past: Simulation) -> None:
    await paid(past, "ana")
    await past.accept(Draft(source="shop", id="low", type="stock.low", data={"item": "Mug"}))
    await past.run_until(DAY)
    outcome = await tried(past, shop(OTHER_TEXT))
    assert (outcome.events, outcome.of, outcome.recorded) == (1, 2, 1)


async def test_the_same_past_gives_the_same_result(simulator: Simulator, loja: Catalogue) -> None:
    past = await lived(simulator, loja, events=60)
    name = "notifications/order-paid/notification.yaml"
    delayed = compile_files({**loja.files, name: loja.files[name].replace(b"steps:", b"steps:\n  - delay: 20m")})
    first, second = await tried(past, delayed), await tried(past, delayed)
    assert first.people
    assert first == second
