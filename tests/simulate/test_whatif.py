"""What if: a world over days of virtual time gives the same for a seed, and says what an outage does."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from arauto.catalogue import compile_project
from arauto.catalogue.world import Arrivals, Behaviour, Breakdown, Follows, Habit, People, World
from arauto.catalogue.worlds import at, compile_world, default_world
from arauto.model import Catalogue
from arauto.simulate.chance import Chance
from arauto.simulate.outcome import Outcome, outcome
from arauto.simulate.page import page
from arauto.simulate.population import Population
from arauto.simulate.tally import Tally
from arauto.simulate.traffic import Traffic
from arauto.simulate.whatif import Setting, run
from arauto.sources import Draft

LOJA = Path(__file__).parents[2] / "examples/loja"
START = datetime(2026, 3, 2, 3, tzinfo=UTC)  # midnight in São Paulo
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(scope="module")
def loja() -> Catalogue:
    return compile_project(LOJA)


@pytest.fixture(scope="module")
def world(loja: Catalogue) -> World:
    """Of the shop, with fewer people and events."""
    whole = compile_world(LOJA / "worlds/week.yaml", "worlds/week.yaml", loja)
    people = msgspec.structs.replace(whole.people, count=60)
    arrivals = tuple(msgspec.structs.replace(each, per_day=each.per_day / 20) for each in whole.arrivals)
    return msgspec.structs.replace(whole, people=people, arrivals=arrivals)


def setting(catalogue: Catalogue, world: World, *, seed: int = 1, lasts: timedelta = DAY, limit: int = 9999) -> Setting:
    return Setting(catalogue, world, START, lasts, seed, limit)


async def tally_of(setting: Setting, *, outages: bool = True, compared: bool = False) -> Tally:
    return await run(setting, outages=outages, compared=compared, progress=lambda share: None)


def traffic(
    catalogue: Catalogue, world: World, *, seed: int = 1, lasts: timedelta = DAY
) -> list[tuple[datetime, Draft]]:
    people = Population(world, Chance(seed))
    return list(Traffic(world, catalogue, people, seed, START, START + lasts))


def only(type: str, per_day: float, **more: object) -> Arrivals:
    known = {"source": "loja", "profile": "even", "follows": (), "samples": (("typical", 1.0),), **more}
    return Arrivals(type=type, per_day=per_day, **known)  # type: ignore[arg-type]


# -- what happens ------------------------------------------------------------------------------------------------------


def test_events_come_in_order_valid_and_about_people_of_the_world(loja: Catalogue, world: World) -> None:
    events = traffic(loja, world)
    times = [time for time, _ in events]
    assert times == sorted(times)
    assert START <= times[0] <= times[-1] < START + DAY
    assert len({draft.id for _, draft in events}) == len(events)
    ids = {each.id for each in Population(world, Chance(1)).all}
    for _, draft in events:
        assert not loja.event_types[draft.type].validate(draft.data)
        person = at(draft.data, "customer.id")
        assert person is None or person in ids


def test_what_follows_is_about_the_same_order_and_person(loja: Catalogue, world: World) -> None:
    after = Follows(after="order.paid", share=1.0, earliest=HOUR, latest=2 * HOUR)
    arrivals = (only("order.paid", 40), only("order.shipped", 0, follows=(after,)))
    events = traffic(loja, msgspec.structs.replace(world, arrivals=arrivals))
    paid = {at(each.data, "order.number"): (time, each) for time, each in events if each.type == "order.paid"}
    shipped = [(time, each) for time, each in events if each.type == "order.shipped"]
    assert len(paid) > 20
    assert len(shipped) > 15
    for time, each in shipped:
        before, order = paid[at(each.data, "order.number")]
        assert HOUR - timedelta(minutes=5) <= time - before <= 2 * HOUR
        assert at(order.data, "customer.id") == at(each.data, "customer.id")


def test_ids_inside_of_urls_follow_the_ids(loja: Catalogue, world: World) -> None:
    events = traffic(loja, msgspec.structs.replace(world, arrivals=(only("order.paid", 20),)))
    assert events
    for _, each in events:
        assert str(at(each.data, "order.url")).endswith(f"/{at(each.data, 'order.number')}")


def test_office_hours_are_quiet_at_the_weekend(loja: Catalogue, world: World) -> None:
    office = msgspec.structs.replace(world, arrivals=(only("stock.low", 100, profile="office"),))
    by_day = Counter((time - START).days for time, _ in traffic(loja, office, lasts=7 * DAY))
    assert min(by_day[day] for day in range(5)) > 10 * max(by_day[5], by_day[6], 1)


def test_people_are_as_many_and_as_they_are_said_to_be(loja: Catalogue, world: World) -> None:
    people = msgspec.structs.replace(world.people, count=2000, addresses={"email": 1.0, "push": 0.25})
    everybody = Population(msgspec.structs.replace(world, people=people), Chance(3)).all
    assert len({each.id for each in everybody}) == 2000
    assert 430 < sum("push" in each.addresses for each in everybody) < 570
    assert all("email" in each.addresses and "sms" not in each.addresses for each in everybody)
    assert 1000 < sum(each.wishes.categories.get("tips") == {"*": True} for each in everybody) < 1200
    assert {each.locale for each in everybody} == {"pt-BR", "en"}


# -- the same again ----------------------------------------------------------------------------------------------------


async def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(loja: Catalogue, world: World) -> None:
    broken = Breakdown(channel="sms", provider=None, start=9 * HOUR, lasts=3 * HOUR)
    whole = msgspec.structs.replace(world, breakdowns=(broken,))
    written = []
    for seed in (1, 1, 2):
        chosen = setting(loja, whole, seed=seed, lasts=DAY / 2)
        tallies = [await tally_of(chosen, outages=outages, compared=True) for outages in (True, False)]
        told = outcome(chosen, *tallies)
        written.append((told.as_json(), page(told, "pt-BR", "#0f766e"), page(told, "en", "#0f766e")))
    assert written[0] == written[1]
    assert written[0] != written[2]


async def test_a_limit_ends_the_events(loja: Catalogue, world: World) -> None:
    tally = await tally_of(setting(loja, world, limit=15))
    assert sum(tally.events.values()) == 15


# -- what comes of it --------------------------------------------------------------------------------------------------


def small(*arrivals: Arrivals, **more: object) -> World:
    people = People(
        count=20,
        id="c-{number}",
        locales=(("pt-BR", 1.0),),
        time_zones=(("America/Sao_Paulo", 1.0),),
        addresses={"email": 1.0, "sms": 1.0},
    )
    facts = {"customer.id": "id", "customer.email": "email", "customer.phone": "sms", "customer.name": "name"}
    known = {"people": people, "facts": facts, "habits": {}, "behaviours": {}, **more}
    return World(name="", arrivals=arrivals, **known)  # type: ignore[arg-type]


async def compared(catalogue: Catalogue, world: World) -> Outcome:
    chosen = setting(catalogue, world)
    return outcome(
        chosen,
        await tally_of(chosen, compared=True),
        await tally_of(chosen, outages=False, compared=True),
    )


async def test_an_outage_that_nothing_outlasts_loses_messages(loja: Catalogue) -> None:
    broken = Breakdown(channel="sms", provider=None, start=6 * HOUR, lasts=12 * HOUR)
    told = await compared(loja, small(only("invoice.due", 60), breakdowns=(broken,)))
    assert told.difference is not None
    assert told.difference.lost == {"invoice-due": told.difference.not_sent["failed"]}
    assert told.difference.not_sent["failed"] > 10
    assert not told.difference.fell_back
    (saved,) = told.difference.cost
    assert saved.currency == "BRL"
    assert saved.amount < 0


async def test_an_outage_makes_what_can_go_by_another_channel(loja: Catalogue) -> None:
    broken = Breakdown(channel="sms", provider="twilio", start=6 * HOUR, lasts=12 * HOUR)
    told = await compared(loja, small(only("payment.refused", 60), breakdowns=(broken,)))
    assert told.difference is not None
    (fell,) = told.difference.fell_back
    assert (fell.notification, fell.usual, fell.instead) == ("payment-refused", "sms", "email")
    assert fell.messages > 10
    assert not told.difference.lost


async def test_a_short_outage_delays(loja: Catalogue) -> None:
    broken = Breakdown(channel="email", provider=None, start=6 * HOUR, lasts=2 * HOUR)
    told = await compared(loja, small(only("invoice.due", 100), breakdowns=(broken,)))
    assert told.difference is not None
    assert told.difference.delayed > 3
    assert 60 <= told.difference.delay_median <= told.difference.delay_most <= 3 * 3600
    assert not told.difference.lost


async def test_without_an_outage_nothing_is_otherwise(loja: Catalogue, world: World) -> None:
    told = await compared(loja, world)
    assert told.difference is not None
    assert (told.difference.delayed, told.difference.more) == (0, 0)
    assert (told.difference.lost, told.difference.fell_back) == ({}, ())
    assert (told.difference.not_sent, told.difference.cost) == ({}, ())


async def test_who_reads_in_time_gets_no_text_message(loja: Catalogue) -> None:
    async def texts(share: float) -> int:
        habit = {"inapp": (Habit("read", share, timedelta(minutes=10)),)}
        tally = await tally_of(setting(loja, small(only("order.ready", 60), habits=habit)))
        return sum(count for kind, count in tally.messages.items() if kind.channel == "sms")

    assert await texts(1.0) == 0
    assert await texts(0.0) > 30


async def test_only_what_waits_for_it_is_acknowledged(loja: Catalogue) -> None:
    habits = {"sms": (Habit("acknowledged", 1.0, timedelta(minutes=5)),)}
    around = small(only("invoice.due", 20), only("checkout.failing", 6), habits=habits)
    tally = await tally_of(setting(loja, around))
    sent: Counter[str] = Counter()
    for kind, count in tally.messages.items():
        sent[kind.notification] += count if kind.channel == "sms" else 0
    assert sent["invoice-due"] > 5
    assert tally.receipts["sms", "acknowledged"] == sent["checkout-failing"] > 0


async def test_what_one_message_meets_does_not_depend_on_others(loja: Catalogue) -> None:
    behaviours = {"sms": Behaviour(takes=timedelta(seconds=9), later=0.3, rejected=0.2)}
    habits = {"inapp": (Habit("read", 0.5, HOUR),)}
    around = small(only("order.ready", 40), only("invoice.due", 60), behaviours=behaviours, habits=habits)
    project = msgspec.structs.replace(loja.project, attention=None)  # which all of them would spend together
    whole = msgspec.structs.replace(loja, project=project)
    changed = msgspec.structs.replace(whole, by_event_type={**whole.by_event_type, "order.ready": ()})
    with_it, without = [await tally_of(setting(each, around), compared=True) for each in (whole, changed)]
    assert any(key[1] == "order-ready" for key in with_it.arrived)
    assert without.arrived == {key: at for key, at in with_it.arrived.items() if key[1] != "order-ready"}


async def test_a_bounced_address_is_used_no_more_and_told(loja: Catalogue) -> None:
    behaviours = {"email": Behaviour(bounced=1.0)}
    chosen = setting(loja, small(only("invoice.due", 100), behaviours=behaviours))
    told = outcome(chosen, await tally_of(chosen), None)
    sent = {each.channel: each.messages for each in told.channels}
    assert sent["email"] < sent["sms"]
    assert any(each.code == "suppressed" and each.values["channel"] == "email" for each in told.why)


async def test_what_happens_adds_up(loja: Catalogue, world: World) -> None:
    chosen = setting(loja, world)
    told = outcome(chosen, await tally_of(chosen), None)
    assert told.messages == sum(each.messages for each in told.channels) == sum(each.messages for each in told.sorts)
    for each in told.channels:
        assert sum(each.timeline) == each.messages == each.attempts["accepted"]
    sms = next(each for each in told.channels if each.channel == "sms")
    assert str(sms.cost[0].amount) == f"{sms.segments * 0.29:.2f}"
    assert told.person.most == sum(each.messages for each in told.person.got)
    assert told.difference is None


async def test_a_world_made_up_reaches_people_by_every_notification_that_an_event_can_begin(loja: Catalogue) -> None:
    made = default_world(loja)
    assert "month.closing" not in {each.type for each in made.arrivals}  # the clock tells it
    follows = {each.type: [one.after for one in each.follows] for each in made.arrivals if each.follows}
    assert follows == {
        "build.recovered": ["build.failed"],
        "checkout.recovered": ["checkout.failing"],
        "order.cancelled": ["order.shipped"],
        "order.paid": ["cart.left"],
    }
    people = msgspec.structs.replace(made.people, count=30)
    tally = await tally_of(setting(loja, msgspec.structs.replace(made, people=people), lasts=DAY / 2))
    assert {"order-paid", "order-shipped", "payment-refused"} <= {kind.notification for kind in tally.messages}


# -- the page ----------------------------------------------------------------------------------------------------------


class Balanced(HTMLParser):
    """Counts the tags that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script"
        assert not any(name in ("src", "onclick") or (value or "").startswith("http") for name, value in attrs)
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def broken(loja: Catalogue, world: World) -> Outcome:
    """What an outage does to the shop."""
    outage = Breakdown(channel="sms", provider=None, start=HOUR, lasts=HOUR)
    return asyncio.run(compared(loja, msgspec.structs.replace(world, breakdowns=(outage,))))


@pytest.mark.parametrize(
    ("language", "words"), [("en", "What the outage did"), ("pt-BR", "O que a interrupção causou")]
)
def test_the_page_stands_alone_in_each_language(broken: Outcome, language: str, words: str) -> None:
    written = page(broken, language, "#0f766e")
    parser = Balanced()
    parser.feed(written)
    assert not parser.open
    assert f'<html lang="{language}">' in written
    assert words in written
    assert 'class="shade"' in written
    assert "url(" not in written
