"""Retention: what is due goes, what waits stays, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from arauto.engine.retaining import LOOK, PAUSE, PIECE, Retaining, retention_of, retentions
from arauto.model import Catalogue, Receipt
from arauto.store.receipts import nothing_follows
from decide.conftest import NOW, notification
from engine.conftest import World, make_catalogue, target, texts

DAY = timedelta(days=1)
WHO = target(person="'c1'", upsert={"email": "'c1@example.com'"})


def keeping(catalogue: Catalogue, *, project: Any = None, **categories: Any) -> Catalogue:
    """The catalogue with these retentions, in days."""
    changed = {
        name: msgspec.structs.replace(category, retention=categories[name] * DAY) if name in categories else category
        for name, category in catalogue.categories.items()
    }
    told = msgspec.structs.replace(catalogue.project, retention=None if project is None else project * DAY)
    return msgspec.structs.replace(catalogue, project=told, categories=changed)


def retaining(world: World, **kept: Any) -> Retaining:
    catalogue = keeping(world.engine.catalogue, **kept)
    return Retaining(lambda: catalogue, world.store, clock=world.clock, metrics=world.engine.metrics)


async def total(world: World) -> dict[str, int]:
    counts = await world.store.counts()
    return {
        "events": sum(counts.events.values()),
        "runs": sum(counts.runs.values()),
        "messages": sum(sum(states.values()) for states in counts.messages.values()),
    }


@pytest.mark.parametrize(
    ("matched", "kept", "days"),
    [
        pytest.param([], {"project": 9}, 9, id="what matched nothing is kept as the project says"),
        pytest.param([], {}, None, id="and for ever when it says nothing"),
        pytest.param(["one"], {"project": 9}, 9, id="a category without its own is kept as the project says"),
        pytest.param(["one"], {"project": 9, "orders": 3}, 3, id="a category's own counts"),
        pytest.param(["one", "two"], {"orders": 3, "news": 30}, 30, id="of several the longest"),
        pytest.param(["one", "two"], {"orders": 3}, None, id="of several one that is for ever"),
        pytest.param(["gone"], {"project": 9, "orders": 3}, 9, id="of a notification that is gone the project's"),
    ],
)
def test_how_long(matched: list[str], kept: dict[str, int], days: int | None) -> None:
    catalogue = keeping(make_catalogue(notification(name="one"), notification(name="two", category="news")), **kept)
    explanation = {"notifications": [{"notification": name, "matched": True, "recipients": []} for name in matched]}
    explanation["notifications"].append({"notification": "two", "matched": False, "recipients": []})
    assert retention_of(catalogue, explanation) == (None if days is None else days * DAY)


def test_without_any_nothing_is_ever_looked_at() -> None:
    assert retentions(make_catalogue()) == []


async def test_what_is_over_goes_with_all_that_came_of_it(world: Callable[..., World]) -> None:
    here = world(notification(WHO, texts=texts()))
    outgoing = await here.plan("1")
    await here.send(*outgoing)
    receipt = Receipt(message=outgoing[0].claim.message.id, kind="delivered", at=NOW)
    await here.store.record_receipts([receipt], nothing_follows, now=NOW)
    step = retaining(here, project=30).step
    assert await step(NOW + 30 * DAY - timedelta(microseconds=1)) is not None
    assert (await total(here))["events"] == 1
    await step(NOW + 30 * DAY)
    assert await total(here) == {"events": 0, "runs": 0, "messages": 0}
    left = await everything(here)
    assert left.keys() <= {"recipients", "meta", "hub_secrets", "retained", "sqlite_sequence"}
    assert here.metric("events_retired") == 1


async def everything(world: World) -> dict[str, int]:
    """Rows by table."""
    writer = world.store._database._writer  # type: ignore[attr-defined]
    names = [name for (name,) in writer.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    counts = {name: writer.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in names}
    return {name: count for name, count in counts.items() if count}


async def test_what_waits_stays_until_it_does_not(world: Callable[..., World]) -> None:
    here = world(notification(WHO, texts=texts(), do=({"delay": "90d"}, {"send": "email"})))
    await here.plan("1")
    keeper = retaining(here, project=30)
    await keeper.step(NOW + 31 * DAY)
    assert await total(here) == {"events": 1, "runs": 1, "messages": 0}
    here.clock.now = NOW + 90 * DAY
    await here.send(*await here.advance())
    assert await total(here) == {"events": 1, "runs": 1, "messages": 1}
    await keeper.step(NOW + 90 * DAY)
    assert await total(here) == {"events": 0, "runs": 0, "messages": 0}


async def test_a_message_that_is_queued_stays(world: Callable[..., World]) -> None:
    here = world(notification(WHO, texts=texts()))
    await here.plan("1", room=0)
    await retaining(here, project=30).step(NOW + 31 * DAY)
    assert (await total(here))["messages"] == 1


async def test_a_message_that_a_person_may_still_decide_on_stays(world: Callable[..., World]) -> None:
    here = world(notification(WHO, texts=texts()), on_unknown="hold")
    (outgoing,) = await here.plan("1")
    await here.engine.settle([here.engine.abandoned(outgoing.claim)])
    (stored,) = (await here.messages()).values()
    assert stored.state == "unknown"
    keeper = retaining(here, project=0)
    await keeper.step(stored.message.expires_at - timedelta(seconds=1))
    assert (await total(here))["messages"] == 1
    await keeper.step(stored.message.expires_at)
    assert (await total(here))["messages"] == 0


async def test_a_digest_goes_when_its_youngest_event_is_old(world: Callable[..., World]) -> None:
    here = world(notification(WHO, texts=texts(), do=({"digest": "2d"}, {"send": "email"})))
    await here.plan("1")
    here.clock.now = NOW + DAY
    await here.plan("2")
    here.clock.now = NOW + 2 * DAY
    await here.send(*await here.advance())
    keeper = retaining(here, project=30)
    await keeper.step(NOW + 30 * DAY)
    assert (await total(here))["events"] == 2, "the first event is old, but the digest that holds it is not"
    await keeper.step(NOW + 31 * DAY)
    await keeper.step(NOW + 31 * DAY)
    assert await total(here) == {"events": 0, "runs": 0, "messages": 0}


async def test_each_category_has_its_own_time(world: Callable[..., World]) -> None:
    here = world(
        notification(WHO, name="long", category="news", texts=texts(), when="event.data.n > 1"),
        notification(WHO, name="short", texts=texts()),
    )
    await here.send(*await here.plan("1", n=1))
    await here.send(*await here.plan("2", n=2))
    keeper = retaining(here, orders=10, news=100)
    await keeper.step(NOW + 10 * DAY)
    assert await total(here) == {"events": 1, "runs": 2, "messages": 1}
    assert (await here.story("2")) is not None
    await keeper.step(NOW + 99 * DAY)
    assert (await total(here))["events"] == 1
    await keeper.step(NOW + 100 * DAY)
    assert (await total(here))["events"] == 0


async def test_many_go_in_pieces_with_pauses_between(world: Callable[..., World]) -> None:
    here = world(notification(WHO, texts=texts()))
    for start in range(0, PIECE + 20, 40):
        await here.send(*await here.plan(*(str(number) for number in range(start, start + 40)), room=999))
    events = (await total(here))["events"]
    keeper = retaining(here, project=1)
    later = NOW + 2 * DAY
    assert await keeper.step(later) == later + PAUSE
    assert (await total(here))["events"] == events - PIECE
    assert await keeper.step(later) == later + LOOK
    assert (await total(here))["events"] == 0


async def test_it_goes_on_where_another_process_left_it(world: Callable[..., World]) -> None:
    here = world(notification(WHO, texts=texts()))
    await here.send(*await here.plan("1"))
    await retaining(here, project=1).step(NOW + 2 * DAY)
    here.clock.now = NOW + 2 * DAY
    await here.send(*await here.plan("2"))
    retired = await here.store.retire(DAY, lambda told: DAY, now=NOW + 5 * DAY, limit=9)
    assert (retired.looked, retired.gone) == (1, 1)


async def test_a_repeated_event_is_a_new_one_then(world: Callable[..., World]) -> None:
    here = world(notification(WHO, texts=texts()))
    await here.send(*await here.plan("1"))
    await retaining(here, project=1).step(NOW + 2 * DAY)
    here.clock.now = NOW + 2 * DAY
    assert len(await here.plan("1")) == 1
