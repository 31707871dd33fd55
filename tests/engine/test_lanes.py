"""A running hub goes on with another version: what was begun ends as it was begun, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import gc
import weakref
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from arauto.channels import Accepted
from arauto.engine.hub import Hub
from arauto.engine.ticking import Ticking
from engine.conftest import Recording, World, notification, target, texts, world_over
from engine.test_hub import Slow, all_in, at_work, new, states, to_erp
from journeys.hubs import eventually


def another(world: World, *, channels: Any = None, **concurrency: int) -> World:
    """Another version of the same project over the same database: of these channels, this many at once."""
    later = world_over(world.store, to_erp())
    catalogue = later.engine.catalogue
    configs = {
        name: msgspec.structs.replace(config, concurrency=concurrency.get(name, config.concurrency))
        for name, config in catalogue.channels.items()
        if channels is None or name in channels
    }
    later.engine.editions.current = msgspec.structs.replace(catalogue, channels=configs, version="v2")
    for name in later.providers.keys() - configs.keys():
        del later.providers[name]
    return later


async def begun(slow: Slow, number: int) -> None:
    await eventually(lambda: asyncio.sleep(0, slow.begun == number))


async def test_what_is_under_way_ends_by_its_version_and_what_waits_goes_by_the_next(world: Any) -> None:
    world = world(to_erp())
    world.providers["webhook"][0] = slow = Slow()
    later = another(world)
    async with at_work(world) as hub:
        await hub.submit(new(*map(str, range(6))))
        await begun(slow, 2)
        hub.adopt(later.engine)
        ended = asyncio.create_task(hub.lanes.ended(world.engine))
        await hub.submit(new("after"))
        await asyncio.sleep(0)
        assert not ended.done(), "its provider is still in use"
        slow.go.set()
        await ended
        await all_in(world, ["sent"] * 7)
    first, second = ([each.message_id for each in one.deliveries] for one in (slow, later.providers["webhook"][0]))
    assert len(first) == 2
    assert len(second) == 5
    assert len({*first, *second}) == 7


async def test_as_many_are_sent_at_once_as_the_version_says(world: Any) -> None:
    """Also while attempts of the version before are under way."""
    world = world(to_erp())
    world.providers["webhook"][0] = before = Slow()
    wide, narrow = another(world, webhook=5), another(world, webhook=1)
    wide.providers["webhook"][0] = more = Slow()
    narrow.providers["webhook"][0] = less = Slow()
    async with at_work(world) as hub:
        await hub.submit(new(*map(str, range(9))))
        await begun(before, 2)
        hub.adopt(wide.engine)
        await begun(more, 3)
        hub.adopt(narrow.engine)
        before.go.set()
        await eventually(lambda: asyncio.sleep(0, len(before.deliveries) == 2))
        for _ in range(10):
            await asyncio.sleep(0)
        assert less.begun == 0, "three are under way, and one may be"
        more.go.set()
        await begun(less, 1)
        for _ in range(10):
            await asyncio.sleep(0)
        assert less.begun == 1
        hub.adopt(wide.engine)
        less.go.set()
        await all_in(world, ["sent"] * 9)
    ids = [each.message_id for one in (before, more, less) for each in one.deliveries]
    assert len(ids) == len(set(ids)) == 9


async def test_a_narrower_lane_keeps_one_sender_for_each_slot(world: Any) -> None:
    """When several that are too many end in the same moment, no more of them go than must."""
    world = world(to_erp())
    four, two = another(world, webhook=4), another(world, webhook=2)
    four.providers["webhook"][0] = many = Slow()
    two.providers["webhook"][0] = few = Slow()
    async with at_work(world) as hub:
        hub.adopt(four.engine)
        await hub.submit(new(*map(str, range(8))))
        await begun(many, 4)
        hub.adopt(two.engine)
        many.go.set()
        await begun(few, 2)
        few.go.set()
        await all_in(world, ["sent"] * 8)


async def test_what_waits_for_a_channel_that_is_gone_ends_explained(world: Any) -> None:
    world = world(to_erp())
    world.providers["webhook"][0] = slow = Slow()
    later = another(world, channels=["email", "sms", "inapp"])
    async with at_work(world) as hub:
        await hub.submit(new(*map(str, range(6))))
        await begun(slow, 2)
        hub.adopt(later.engine)
        await all_in(world, ["failed"] * 4 + ["sending"] * 2)
        slow.go.set()
        await all_in(world, ["failed"] * 4 + ["sent"] * 2)
        page = await world.store.list_messages("default", after=None, limit=9, state="failed")
        reasons = {each.message.attempts[-1].reason for each in page.items}
        assert reasons == {"its text failed: its notification or its channel is no longer in the project"}
        assert not hub.lanes.outstanding
        hub.adopt(another(world).engine)
        await hub.submit(new("again"))
        await all_in(world, ["failed"] * 4 + ["sent"] * 3)


async def test_what_is_planned_for_a_channel_while_it_goes_is_not_lost(world: Any) -> None:
    """A stage that the version before began hands over to a lane that is not there any more."""
    world = world(to_erp())
    later = another(world, channels=["email"])
    really = world.store.commit_plans
    hub: Hub

    async def commit_plans(*arguments: Any, **more: Any) -> Any:
        committed = await really(*arguments, **more)
        hub.adopt(later.engine)
        return committed

    async with at_work(world) as hub:
        world.store.commit_plans = commit_plans
        await hub.submit(new("1"))
        await all_in(world, ["failed"])
        world.store.commit_plans = really


async def test_an_erasure_goes_on_over_a_change_of_versions(world: Any) -> None:
    world = world(notification(target(person="'ana'"), texts=texts()))
    world.providers["email"][0] = slow = Slow()
    later = another(world)
    async with at_work(world) as hub:
        await hub.submit(new(*map(str, range(4))))
        await begun(slow, 2)
        erasing = asyncio.create_task(hub.erasing.erase("default", "ana", wait=timedelta(seconds=30)))
        await all_in(world, ["cancelled"] * 2 + ["sending"] * 2)
        hub.adopt(later.engine)
        slow.go.set()
        assert (await erasing).finished_at is not None
        page = await world.store.list_messages("default", after=None, limit=9)
        assert sorted(each.state for each in page.items) == ["cancelled"] * 2 + ["sent"] * 2
        assert {each.message.recipient for each in page.items} == {(await erasing).pseudonym}


async def test_many_changes_under_load_lose_and_double_nothing(world: Any) -> None:
    world = world(to_erp())
    versions = [another(world, webhook=1 + number % 4) for number in range(20)]

    class Quick(Recording):
        async def send(self, delivery: Any) -> Any:
            self.deliveries.append(delivery)
            await asyncio.sleep(0)
            return Accepted("ok", "1")

    for each in versions:
        each.providers["webhook"][0] = Quick()
    async with at_work(world) as hub:
        for number, version in enumerate(versions):
            await hub.submit(new(*(f"{number}-{each}" for each in range(20))))
            hub.adopt(version.engine)
        await all_in(world, ["sent"] * 400)
        assert hub.lanes.outstanding == 0
    used = [world, *versions]
    ids = [delivery.message_id for each in used for delivery in each.providers["webhook"][0].deliveries]
    assert len(ids) == len(set(ids)) == 400
    assert await states(world) == ["sent"] * 400


async def test_a_version_that_is_not_served_any_more_is_let_go(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(self: Ticking) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Ticking, "run", run)
    world = world(to_erp())
    async with at_work(world) as hub:
        served = []
        for number in range(5):
            later = another(world)
            hub.adopt(later.engine)
            served.append(weakref.ref(later.engine))
            await hub.submit(new(str(number)))
            await all_in(world, ["sent"] * (number + 1))
        del later
        gc.collect()
        assert [engine() is not None for engine in served] == [False] * 4 + [True]
