"""Silences: what they hold waits and goes as soon as they end, are moved or deleted; what they drop is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from arauto.channels import Accepted
from arauto.engine.stages import LEASE
from arauto.errors import Retry
from arauto.model import Awaited, Event, Notification, Silence
from arauto.store import NewEvent, Pending
from arauto.store.silences import Held
from decide.conftest import NOW, awaited, notification, target
from engine.conftest import TEXTS, World

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
TO_ANA = target(person="'ana'")


def silence(id: str = "s1", *, end: Any = 4 * HOUR, **more: Any) -> Silence:
    told = {"owner": "bia", "reason": "moving house", "drop": False, "start": NOW - HOUR, **more}
    return Silence(id=id, end=None if end is None else NOW + end, **told)


@pytest.fixture
def silenced(world: Callable[..., World]) -> Callable[..., Any]:
    async def make(*silences: Silence, to: Notification | None = None, **more: Any) -> World:
        made = world(notification(TO_ANA) if to is None else to, **more)
        for each in silences:
            await made.store.put_silence("default", each, now=made.clock())
        return made

    return make


async def codes(world: World, id: str = "1") -> list[tuple[str, str]]:
    return [(entry.decision, entry.reason.code) for entry in (await world.story(id)).runs[0].run.log]


async def test_what_is_silenced_is_held_until_the_end(silenced: Any) -> None:
    world = await silenced(silence())
    assert await world.plan("1") == []
    assert await codes(world) == [("wait", "silenced")]
    assert await world.store.next_due() == NOW + 4 * HOUR
    world.clock.now = NOW + 4 * HOUR
    assert len(await world.advance()) == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda store, now: store.delete_silence("default", "s1", now=now), id="deleted"),
        pytest.param(lambda store, now: store.put_silence("default", silence(end=timedelta()), now=now), id="ended"),
        pytest.param(
            lambda store, now: store.put_silence("default", silence(recipients=("bia",)), now=now), id="narrowed"
        ),
    ],
)
async def test_what_was_held_goes_at_once_when_the_silence_is(silenced: Any, change: Any) -> None:
    world = await silenced(silence(end=None))
    assert await world.plan("1") == []
    assert await world.advance() == []
    await change(world.store, world.clock())
    assert len(await world.advance()) == 1


async def test_what_is_held_follows_an_end_that_is_moved(silenced: Any) -> None:
    world = await silenced(silence())
    await world.plan("1")
    await world.store.put_silence("default", silence(end=2 * HOUR), now=world.clock())
    assert await world.advance() == []
    assert await world.store.next_due() == NOW + 2 * HOUR
    await world.store.put_silence("default", silence(end=6 * HOUR), now=world.clock())
    assert await world.advance() == []
    assert await world.store.next_due() == NOW + 6 * HOUR
    assert await codes(world) == [("wait", "silenced")]


async def test_of_two_that_hold_the_second_goes_on_holding(silenced: Any) -> None:
    world = await silenced(silence("s1", end=4 * HOUR), silence("s2", end=2 * HOUR))
    await world.plan("1")
    await world.store.delete_silence("default", "s1", now=world.clock())
    assert await world.advance() == []
    assert await world.store.next_due() == NOW + 2 * HOUR
    await world.store.delete_silence("default", "s2", now=world.clock())
    assert len(await world.advance()) == 1


async def test_one_that_drops_ends_what_it_concerns_and_the_run_goes_on(silenced: Any) -> None:
    both = notification(TO_ANA, do=({"send": "email"}, {"delay": "5h"}, {"send": "sms"}))
    world = await silenced(silence(drop=True), to=both)
    assert await world.plan("1") == []
    assert await codes(world) == [("skip", "silenced"), ("wait", "delays")]
    world.clock.now = NOW + 5 * HOUR
    assert [each.claim.message.channel for each in await world.advance()] == ["sms"]


async def test_one_that_comes_every_night_holds_until_the_morning(silenced: Any) -> None:
    night = silence(end=None, cron="0 12 * * *", lasts=9 * HOUR, start=NOW - HOUR)
    world = await silenced(night)
    assert await world.plan("1") == []
    assert await world.store.next_due() == NOW + 9 * HOUR
    world.clock.now = NOW + 9 * HOUR
    assert len(await world.advance()) == 1
    assert len(await world.plan("2")) == 1
    world.clock.now = NOW + 24 * HOUR
    assert await world.plan("3") == []


async def test_of_a_digest_each_event_is_held_once(silenced: Any) -> None:
    world = await silenced(silence(), to=notification(TO_ANA, do=({"digest": "1h"}, {"send": "email"})))
    for id in ("1", "2", "3"):
        await world.plan(id)
    world.clock.now = NOW + HOUR
    assert await world.advance() == []
    await world.store.delete_silence("default", "s1", now=world.clock())
    (outgoing,) = await world.advance()
    assert [event.id for event in outgoing.claim.run.events] == ["1", "2", "3"]


async def test_a_message_that_waits_for_its_next_attempt_is_held_and_goes_when_the_silence_ends(silenced: Any) -> None:
    world = await silenced()
    world.providers["email"][0].ends = [Retry("busy"), Accepted("ok")]
    assert await world.send(*await world.plan("1")) == ["queued"]
    await world.store.put_silence("default", silence(), now=world.clock())
    world.clock.now += MINUTE
    assert await world.take() == []
    assert await world.store.held("default") == {"s1": Held(runs=0, messages=1)}
    assert await world.store.next_due() == NOW + 4 * HOUR
    await world.store.delete_silence("default", "s1", now=world.clock())
    assert await world.send(*await world.take()) == ["sent"]


async def test_a_message_that_waits_for_its_next_attempt_is_dropped_by_one_that_drops(silenced: Any) -> None:
    world = await silenced()
    world.providers["email"][0].ends = [Retry("busy")]
    await world.send(*await world.plan("1"))
    await world.store.put_silence("default", silence(drop=True), now=world.clock())
    world.clock.now += MINUTE
    assert await world.take() == []
    (message,) = (await world.messages()).values()
    assert message.state == "cancelled"
    assert message.message.attempts[-1].reason == "silenced by bia: moving house (s1)"


async def test_a_correction_is_held_too(silenced: Any) -> None:
    cancel: Awaited = awaited("order.cancelled", match="event.data.n")
    taken = notification(TO_ANA, cancel=cancel, corrections={"email": notification(TO_ANA).composers["email"]})
    world = await silenced(to=taken)
    await world.send(*await world.plan("1"))
    await world.store.put_silence("default", silence(), now=world.clock())
    event = Event(source="shop", id="2", type="order.cancelled", time=NOW, data={"n": 1})
    await world.store.append_events([NewEvent(event, "h")], owner="a", now=NOW, lease_until=NOW + LEASE)
    await world.engine.plan([Pending(event, 1)], dict.fromkeys(TEXTS, 9))
    assert await world.advance() == []
    assert await world.take() == []
    await world.store.delete_silence("default", "s1", now=world.clock())
    assert await world.send(*await world.take()) == ["sent"]


async def test_how_much_each_holds_is_counted(silenced: Any) -> None:
    world = await silenced(silence("s1", end=4 * HOUR), silence("s2", recipients=("bia",)))
    for id in ("1", "2", "3"):
        await world.plan(id)
    assert await world.store.held("default") == {"s1": Held(runs=3, messages=0)}
    world.clock.now = NOW + 4 * HOUR
    await world.advance()
    assert await world.store.held("default") == {}


async def test_whoever_looked_before_the_end_and_writes_after_it_is_asked_again_at_once(silenced: Any) -> None:
    world = await silenced(silence(end=None))
    engine = world.engine
    commit = engine.store.commit_plans

    async def ending_first(*args: Any, **more: Any) -> Any:
        await world.store.delete_silence("default", "s1", now=world.clock())
        return await commit(*args, **more)

    engine.store.commit_plans = ending_first
    handover = await engine.plan(await world.accept("1"), dict.fromkeys(TEXTS, 9))
    assert (handover.outgoing, handover.due) == ([], world.clock())
    assert len(await world.advance()) == 1


async def test_whoever_holds_a_message_after_the_end_lets_it_go_at_once(silenced: Any) -> None:
    world = await silenced()
    world.providers["email"][0].ends = [Retry("busy")]
    await world.send(*await world.plan("1"))
    await world.store.put_silence("default", silence(), now=world.clock())
    world.clock.now += MINUTE
    lease = world.clock() + LEASE
    claims = await world.store.take_due_messages(owner="a", now=world.clock(), lease_until=lease, room={"email": 1})
    outgoing, ended = await world.engine.prepare(claims, lease)
    await world.store.delete_silence("default", "s1", now=world.clock())
    await world.engine.settle(ended)
    assert outgoing == []
    assert len(await world.take()) == 1


async def test_those_of_another_tenant_hold_nothing(silenced: Any) -> None:
    world = await silenced()
    await world.store.put_silence("other", silence(), now=world.clock())
    assert len(await world.plan("1")) == 1


async def test_writing_the_same_silence_again_wakes_nobody(silenced: Any) -> None:
    world = await silenced(silence())
    await world.plan("1")
    await world.store.put_silence("default", silence(), now=world.clock())
    assert await world.store.next_due() == NOW + 4 * HOUR


async def test_a_silence_can_be_read_changed_and_deleted(silenced: Any) -> None:
    world = await silenced(silence("s1"), silence("s2", end=HOUR))
    store = world.store
    assert [each.id for each in await store.silences("default")] == ["s1", "s2"]
    assert [each.id for each in await store.silences_in_force("default", NOW + HOUR)] == ["s1"]
    assert await store.silence("default", "s2") == silence("s2", end=HOUR)
    changed = msgspec.structs.replace(silence("s2"), reason="other")
    await store.put_silence("default", changed, now=NOW)
    assert await store.silence("default", "s2") == changed
    assert await store.delete_silence("default", "s2", now=NOW)
    assert not await store.delete_silence("default", "s2", now=NOW)
    assert await store.silence("default", "s2") is None
