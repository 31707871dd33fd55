"""What the database does not take: it is told of and put aside, and everything else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from arauto.channels import Accepted
from arauto.engine.batch import Batcher
from arauto.engine.hub import Hub
from arauto.errors import StoreLost, StoreRefused
from arauto.model import Event, Receipt
from arauto.store import NewEvent, Store
from arauto.store.opening import open_store
from engine.conftest import NOW, Recording, notification, target, texts, world_over
from journeys.hubs import eventually

POISON = "poison"


def refuse(store: Any, verb: str, holds: Callable[[Any], bool]) -> list[int]:
    """The verb does not take what ``holds``; how many records each call had."""
    really, sizes = getattr(store, verb), []

    async def refusing(records: Any, **more: Any) -> Any:
        sizes.append(len(records))
        if any(map(holds, records)):
            raise StoreRefused("too much")
        return await really(records, **more)

    setattr(store, verb, refusing)
    return sizes


def to_erp(**more: Any) -> Any:
    return notification(target(system="erp"), do=({"send": "webhook"},), texts=texts(), **more)


def by_time() -> Any:
    steps = ({"delay": "1h"}, {"send": "webhook"})
    return notification(target(system="erp"), do=steps, texts=texts())


# -- planning ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", range(9), ids=lambda where: f"in place {where}")
async def test_an_event_whose_plan_is_refused_is_put_aside_alone(world: Any, where: int) -> None:
    world = world(to_erp())
    ids = [*map(str, range(8))]
    ids.insert(where, POISON)
    poison = Event(source="shop", id=POISON, type="order.paid", time=NOW, data={}).key
    refuse(world.store, "commit_plans", lambda record: record.event == poison)
    batch = list(await world.accept(*ids))
    sent = []
    while batch:
        room = {"webhook": 99}
        handover = await world.engine.plan(batch, room)
        assert room["webhook"] == 99 - len(handover.outgoing)
        sent += handover.outgoing
        batch = list(handover.left)
    assert len(sent) == 8
    assert {(await world.story(id)).event.state for id in ids if id != POISON} == {"planned"}
    story = await world.story(POISON)
    assert story.event.state == "quarantined"
    assert story.event.explanation["quarantined"] == {"code": "not_storable", "values": {"error": "too much"}}
    assert world.metric("events_quarantined", type="order.paid") == 1


async def test_a_running_hub_goes_on_beside_it(world: Any) -> None:
    world = world(to_erp())
    poison = Event(source="shop", id=POISON, type="order.paid", time=NOW, data={}).key
    refuse(world.store, "commit_plans", lambda record: record.event == poison)
    hub = Hub(world.engine)
    await hub.start()
    ids = ("1", POISON, "2", "3")
    events = [Event(source="shop", id=id, type="order.paid", time=NOW, data={"n": 1}) for id in ids]
    await hub.submit([NewEvent(event, "hash") for event in events])

    async def done() -> bool:
        page = await world.store.list_messages("default", after=None, limit=9)
        return [each.state for each in page.items] == ["sent"] * 3

    await eventually(done)
    assert (await world.story(POISON)).event.state == "quarantined"
    await hub.stop(timedelta(seconds=5))


# -- runs and outcomes ---------------------------------------------------------------------------------------------


async def test_a_run_of_which_nothing_can_be_stored_ends_alone_and_says_so(world: Any) -> None:
    world = world(by_time())
    for id in "12345":
        await world.plan(id)
    poison = (await world.story("3")).runs[0].run.key
    refuse(world.store, "commit_runs", lambda record: record.run.key == poison and record.messages)
    world.clock.now += timedelta(hours=2)
    assert len(await world.advance()) == 4
    (stored,) = (await world.story("3")).runs
    assert stored.state == "done"
    assert (stored.run.log[-1].decision, stored.run.log[-1].reason.code) == ("stop", "not_storable")
    assert [(await world.story(id)).runs[0].state for id in "1245"] == ["done"] * 4
    assert [len((await world.story(id)).messages) for id in "12345"] == [1, 1, 0, 1, 1]


async def test_an_outcome_whose_words_are_refused_is_kept_without_them(world: Any) -> None:
    world = world(to_erp())
    world.providers["webhook"][0].ends = [Accepted("250 ok", "1"), Accepted("bad\0words", "2"), Accepted("250 ok", "3")]
    said = refuse(world.store, "settle", lambda each: "\0" in (each.message.attempts[-1].answer or ""))
    assert await world.send(*await world.plan("1"), *await world.plan("2"), *await world.plan("3")) == ["sent"] * 3
    assert said == [3, 1, 1, 1, 1]
    found = [(await world.story(id)).messages[0] for id in "123"]
    assert [each.state for each in found] == ["sent"] * 3
    answers = [each.message.attempts[-1].answer for each in found]
    assert answers == ["250 ok", "(the database does not take what was said: too much)", "250 ok"]


@pytest.fixture
async def postgresql(postgresql_url: str) -> AsyncIterator[Store]:
    store = await open_store(postgresql_url)
    yield store
    await store.close()


async def test_of_receipts_postgresql_takes_all_but_that_with_a_zero_character(postgresql: Store) -> None:
    world = world_over(postgresql, to_erp())
    await world.send(*await world.plan("1"))
    (stored,) = (await world.story("1")).messages
    message = stored.message.id
    hub = Hub(world.engine)

    def told(kind: Any, detail: str) -> Any:
        return hub.receive([Receipt(kind=kind, at=NOW, message=message, detail=detail)])

    answers = await asyncio.gather(
        told("delivered", "ok"), told("bounced", "a\0b"), told("read", "seen"), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [type(None), StoreRefused, type(None)]
    assert [each.kind for each in (await world.story("1")).messages[0].receipts] == ["delivered", "read"]


# -- accepting -----------------------------------------------------------------------------------------------------


async def test_of_what_came_together_only_what_is_refused_is_refused() -> None:
    batches: list[list[int]] = []

    async def flush(items: list[int]) -> list[int]:
        batches.append(items)
        await asyncio.sleep(0)
        if 3 in items:
            raise StoreRefused("not three")
        return items

    batcher: Batcher[int, int] = Batcher(flush, limit=10)
    first = batcher.put(0)
    await asyncio.sleep(0)
    rest = await asyncio.gather(*(batcher.put(number) for number in range(1, 6)), return_exceptions=True)
    assert await first == 0
    assert [type(each).__name__ for each in rest] == ["int", "int", "StoreRefused", "int", "int"]
    assert batches == [[0], [1, 2, 3, 4, 5], [1], [2], [3], [4], [5]]


# -- a disk that failed --------------------------------------------------------------------------------------------


LOST = StoreLost("check the disk, then start again")


async def lose(*arguments: Any, **more: Any) -> Any:
    raise LOST


@pytest.mark.parametrize(
    "verb", ["append_events", "commit_plans", "settle", "take_pending"], ids=lambda verb: f"seen by {verb}"
)
async def test_when_nothing_can_be_stored_any_more_the_hub_says_so_and_begins_nothing_more(
    world: Any, verb: str
) -> None:
    world = world(to_erp())
    await world.accept("before")
    hub = Hub(world.engine)
    await hub.start()
    setattr(world.store, verb, lose)
    lost = asyncio.create_task(hub.until_lost())
    with suppress(StoreLost):
        await hub.submit([NewEvent(Event(source="shop", id="1", type="order.paid", time=NOW, data={"n": 1}), "h")])
    hub.ring()
    async with asyncio.timeout(10):
        assert await lost is LOST
        await hub.stop(timedelta(seconds=5))
    assert hub.lanes.outstanding == 0


class Slow(Recording):
    """A provider that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.begun = asyncio.Event(), 0

    async def send(self, delivery: Any) -> Any:
        self.begun += 1
        await self.go.wait()
        return await super().send(delivery)


async def test_what_is_under_way_then_is_waited_for_and_what_waits_is_not_begun(world: Any) -> None:
    world = world(to_erp())
    world.providers["webhook"][0] = slow = Slow()
    hub = Hub(world.engine)
    await hub.start()
    events = [Event(source="shop", id=str(id), type="order.paid", time=NOW, data={"n": 1}) for id in range(5)]
    await hub.submit([NewEvent(event, "hash") for event in events])
    await eventually(lambda: asyncio.sleep(0, slow.begun == 2 and hub.lanes.outstanding == 5))
    world.store.append_events = world.store.settle = lose
    with pytest.raises(StoreLost):
        await hub.submit([NewEvent(Event(source="shop", id="x", type="order.paid", time=NOW, data={}), "h")])
    stopping = asyncio.create_task(hub.stop(timedelta(seconds=5)))
    await asyncio.sleep(0)
    assert not stopping.done()
    slow.go.set()
    await stopping
    assert len(slow.deliveries) == 2
