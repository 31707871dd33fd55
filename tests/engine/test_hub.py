"""The hub's loops: what one of them meets does not stop the others, and nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from arauto.engine import hub as module
from arauto.engine import lanes, retaining
from arauto.engine.hub import Hub
from arauto.engine.stages import LEASE
from arauto.errors import Rejected, StoreUnavailable
from arauto.model import Event, Receipt, Wishes
from arauto.store import NewEvent, Rejection
from engine.conftest import NOW, Recording, breaking, notification, target, texts
from journeys.hubs import eventually

ERP = {"system": "erp"}


def to_erp(**more: Any) -> Any:
    return notification(target(**ERP), do=({"send": "webhook"},), texts=texts(), **more)


@asynccontextmanager
async def at_work(world: Any) -> Any:
    """The hub, running."""
    hub = Hub(world.engine)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop(timedelta(seconds=5))


def new(*ids: str) -> list[NewEvent]:
    return [NewEvent(Event(source="shop", id=id, type="order.paid", time=NOW, data={"n": 1}), "hash") for id in ids]


async def states(world: Any) -> list[str]:
    page = await world.store.list_messages("default", after=None, limit=500)
    return sorted(each.state for each in page.items)


async def all_in(world: Any, wanted: list[str]) -> None:
    """Wait until the messages are in these states."""

    async def look() -> bool:
        return await states(world) == wanted

    await eventually(look)


async def test_an_event_is_planned_sent_and_settled(world: Callable[..., Any]) -> None:
    world = world(to_erp())
    async with at_work(world) as hub:
        (appended,) = await hub.submit(new("1"))
        assert appended.outcome == "new"
        await all_in(world, ["sent"])
        (again,) = await hub.submit(new("1"))
        assert again.outcome == "same"
        assert await hub.submit([]) == []
    assert hub.idle
    assert len(world.providers["webhook"][0].deliveries) == 1
    assert world.metric("events_repeated") == 1


async def test_more_than_fits_into_memory_is_sent_all_the_same(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "WAITING_PER_SLOT", 1)
    monkeypatch.setattr(module, "PLAN_BACKLOG", 3)
    world = world(to_erp())
    async with at_work(world) as hub:
        await asyncio.gather(*(hub.submit(new(f"{number}")) for number in range(60)))
        await all_in(world, ["sent"] * 60)
    ids = [delivery.message_id for delivery in world.providers["webhook"][0].deliveries]
    assert len(ids) == len(set(ids)) == 60


class Slow(Recording):
    """A provider that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.begun = asyncio.Event(), 0

    async def send(self, delivery: Any) -> Any:
        self.begun += 1
        await self.go.wait()
        return await super().send(delivery)


async def test_what_waited_long_behind_a_slow_provider_heeds_what_was_said_meanwhile(world: Any) -> None:
    world = world(notification(target(person="'ana'"), texts=texts()))
    world.providers["email"][0] = slow = Slow()
    async with at_work(world) as hub:
        await hub.submit(new("1", "2", "3", "4"))
        await eventually(lambda: asyncio.sleep(0, slow.begun == 2))
        no = Wishes(categories={"orders": {"*": False}})
        await world.store.change_wishes("default", "ana", lambda _: (no, ()), now=world.clock())
        world.clock.now += lanes.STALE
        slow.go.set()
        await all_in(world, ["cancelled", "cancelled", "sent", "sent"])
    assert len(slow.deliveries) == 2, "as many as were under way"


async def test_one_event_that_breaks_its_plan_holds_up_no_other(world: Any) -> None:
    world = world(to_erp(), breaking(target(**ERP), name="odd", when="event.id == 'poison'"))
    async with at_work(world) as hub:
        await hub.submit(new("1", "poison", "2"))
        await all_in(world, ["sent", "sent"])
        assert (await world.story("poison")).event.state == "pending"


async def test_a_sender_survives_whatever_its_provider_does(world: Any) -> None:
    world = world(to_erp())
    provider = world.providers["webhook"][0]
    provider.ends = [ZeroDivisionError(), None, KeyError("x")] * 2  # three times as often as there are senders
    async with at_work(world) as hub:
        await hub.submit(new(*map(str, range(6))))
        await all_in(world, ["queued"] * 6)
        await hub.submit(new("last"))
        await all_in(world, ["queued"] * 6 + ["sent"])


async def test_looking_goes_on_after_whatever_it_meets(world: Any) -> None:
    world = world(to_erp())
    await world.plan("1", room=0)
    really, met = world.store.take_pending, []

    async def take_pending(**more: Any) -> Any:
        met.append(len(met))
        if len(met) < 3:
            raise (StoreUnavailable("gone"), ZeroDivisionError())[len(met) - 1]
        return await really(**more)

    world.store.take_pending = take_pending
    async with at_work(world) as hub:

        async def look() -> bool:
            hub._bell.set()
            return await states(world) == ["sent"]

        await eventually(look)
    assert len(met) >= 3


async def test_a_database_that_is_away_for_a_while_loses_nothing(world: Any) -> None:
    world = world(to_erp())
    failing = {"commit_plans": 2, "settle": 2}

    def failing_at_first(name: str) -> None:
        really = getattr(world.store, name)

        async def verb(*arguments: Any, **more: Any) -> Any:
            if failing[name]:
                failing[name] -= 1
                raise StoreUnavailable("gone")
            return await really(*arguments, **more)

        setattr(world.store, name, verb)

    for name in failing:
        failing_at_first(name)
    async with at_work(world) as hub:
        await hub.submit(new("1"))
        await all_in(world, ["sent"])
    assert failing == {"commit_plans": 0, "settle": 0}
    assert len(world.providers["webhook"][0].deliveries) == 1


async def test_an_append_that_fails_is_told_to_everybody_who_waited(world: Any) -> None:
    world = world(to_erp())
    really = world.store.append_events

    async def fail(*arguments: Any, **more: Any) -> Any:
        raise StoreUnavailable("gone")

    async with at_work(world) as hub:
        world.store.append_events = fail
        answers = await asyncio.gather(*(hub.submit(new(f"{n}")) for n in range(5)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [StoreUnavailable] * 5
        world.store.append_events = really
        await hub.submit(new("1"))
        await all_in(world, ["sent"])


async def test_what_a_dead_process_held_is_taken_up_at_start(world: Any) -> None:
    world = world(to_erp())
    await world.plan("sending")
    await world.plan("queued", room=0)
    await world.accept("pending", owner="the dead one")
    async with at_work(world):
        await all_in(world, ["queued", "sent", "sent"])
    page = await world.store.list_messages("default", after=None, limit=9, state="queued")
    (attempt,) = page.items[0].message.attempts
    assert (attempt.outcome, page.items[0].message.event) == ("unknown", new("sending")[0].event.key)


async def test_messages_of_a_channel_that_the_project_has_no_more_end_explained(world: Any) -> None:
    world = world(to_erp())
    await world.plan("1", room=0)
    del world.engine.catalogue.channels["webhook"]
    del world.engine.providers["webhook"]
    async with at_work(world):
        await all_in(world, ["failed"])
    page = await world.store.list_messages("default", after=None, limit=9)
    assert "no longer in the project" in page.items[0].message.attempts[0].reason


async def test_stopping_ends_what_was_begun_and_gives_back_what_was_not(world: Any) -> None:
    world = world(to_erp())
    provider = world.providers["webhook"][0]
    begun, go = asyncio.Event(), asyncio.Event()
    really = provider.send

    async def send(delivery: Any) -> Any:
        begun.set()
        await go.wait()
        return await really(delivery)

    provider.send = send
    async with at_work(world) as hub:
        await hub.submit(new(*map(str, range(6))))
        await begun.wait()

        async def planned() -> bool:
            return await states(world) == ["sending"] * 6

        await eventually(planned)
        stopping = asyncio.create_task(hub.stop(timedelta(seconds=5)))
        await asyncio.sleep(0)
        go.set()
        await stopping
    assert await states(world) == ["queued"] * 4 + ["sent"] * 2
    page = await world.store.list_messages("default", after=None, limit=9, state="queued")
    assert [each.message.attempts for each in page.items] == [()] * 4


async def test_a_stop_does_not_wait_for_ever(world: Any) -> None:
    world = world(to_erp())
    begun = asyncio.Event()

    async def send(delivery: Any) -> Any:
        begun.set()
        await asyncio.Event().wait()

    world.providers["webhook"][0].send = send
    hub = Hub(world.engine)
    await hub.start()
    await hub.submit(new("1"))
    await begun.wait()
    await hub.stop(timedelta(milliseconds=10))
    assert await states(world) == ["sending"]
    world.clock.now += LEASE
    assert len(await world.store.take_abandoned(owner="b", now=world.clock.now, lease_until=NOW, limit=9)) == 1


async def test_what_is_old_goes_while_others_come(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retaining, "PIECE", 5)
    monkeypatch.setattr(retaining, "PAUSE", timedelta())
    world, day = world(to_erp()), timedelta(days=1)
    catalogue = world.engine.catalogue
    project = structs.replace(catalogue.project, retention=day)
    world.engine.editions.current = structs.replace(catalogue, project=project)
    async with at_work(world) as hub:
        await hub.submit(new(*(f"old-{number}" for number in range(40))))
        await all_in(world, ["sent"] * 40)
    world.clock.now += 2 * day
    async with at_work(world) as hub:
        for number in range(20):
            await hub.submit(new(*(f"{number}-{each}" for each in range(5))))
        await all_in(world, ["sent"] * 100)
    page = await world.store.list_events("default", after=None, limit=500)
    assert len(page.items) == 100
    assert not [each for each in page.items if each.event.id.startswith("old-")]
    ids = [delivery.message_id for delivery in world.providers["webhook"][0].deliveries]
    assert len(ids) == len(set(ids)) == 140


async def test_those_who_listen_to_an_inbox_hear_of_what_reaches_it(world: Any) -> None:
    world = world(notification(target(group="sales"), do=({"send": "inapp"},), texts=texts()))
    async with at_work(world) as hub:
        ana, nobody = hub.listen("default", "ana"), hub.listen("default", "nobody")
        other_tenant = hub.listen("other", "ana")
        await hub.submit(new("1"))
        await asyncio.wait_for(ana.wait(), 5)
        assert not nobody.is_set()
        assert not other_tenant.is_set()
        hub.unlisten("default", "ana", ana)
        hub.inbox_changed("default", "ana")
        hub.stop_listening()
        assert nobody.is_set()


async def test_refusals_are_kept_and_only_the_newest(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REJECTIONS_KEPT", 3)
    world = world(to_erp())
    async with at_work(world) as hub:
        for number in range(5):
            hub.reject(Rejection(at=NOW, source="s", status=400, code=f"c{number}", detail="d", body_hash="h", size=1))
    page = await world.store.list_rejections("default", after=None, limit=9)
    assert [item.code for item in page.items] == ["c4", "c3", "c2"]


async def test_the_gauges_show_what_is_in_memory(world: Any) -> None:
    world = world(to_erp())
    hub = Hub(world.engine)
    hub.measure()
    registry = world.engine.metrics.registry
    assert registry.get_sample_value("arauto_backlog", {"stage": "send"}) == 0
    assert hub.idle


# -- receipts --------------------------------------------------------------------------------------------------------


async def test_a_receipt_wakes_the_run_that_waits_for_it_at_once(world: Any) -> None:
    waits = {"wait_for": {"receipt": "delivered", "up_to": "1d"}}
    world = world(notification(target(**ERP), do=({"send": "webhook"}, waits), texts=texts()))
    async with at_work(world) as hub:
        await hub.submit(new("1"))
        await all_in(world, ["sent"])
        (stored,) = (await world.messages()).values()
        await asyncio.gather(
            *(hub.receive([Receipt(message=stored.message.id, kind="read", at=NOW)]) for _ in range(9))
        )

        async def look() -> bool:
            (run,) = (await world.story("1")).runs
            return bool(run.state == "done")

        await eventually(look)  # much sooner than the hub would look by itself
    assert world.metric("receipts", channel="webhook", kind="read") == 1
    assert world.metric("receipts_repeated") == 8


async def test_a_retried_message_goes_out_at_once(world: Any) -> None:
    world = world(to_erp())
    world.providers["webhook"][0].ends = [Rejected("too large")]
    async with at_work(world) as hub:
        await hub.submit(new("1"))
        await all_in(world, ["failed"])
        (stored,) = (await world.messages()).values()
        await world.engine.intervene("default", [stored.message.id], "retry", by="ana")
        hub.ring()
        await all_in(world, ["sent"])


async def test_receipts_that_cannot_be_stored_are_not_confirmed(world: Any) -> None:
    world = world(to_erp())

    async def down(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("gone")

    world.store.record_receipts = down
    async with at_work(world) as hub:
        with pytest.raises(StoreUnavailable):
            await hub.receive([Receipt(message="msg_1", kind="read", at=NOW)])
        await hub.receive([])
