"""Mutes: while one thing is open another is not told of, and as soon as it is closed what was held goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from arauto.channels import Accepted
from arauto.engine.stages import LEASE
from arauto.errors import Retry
from arauto.model import Event, Mute, Notification
from arauto.store import NewEvent, Pending
from decide.conftest import NOW, awaited, notification, target
from engine.conftest import TEXTS, World

MINUTE = timedelta(minutes=1)


def mute(*, drop: bool = False, opened: str = "build.failed", closed: str = "build.recovered") -> Mute:
    about = "event.data.repository"
    return Mute(opened=awaited(opened, match=about), closed=awaited(closed, match=about), drop=drop)


def deploys(*, drop: bool = False, **more: Any) -> Notification:
    return notification(target(person="'ana'"), name="deploys", on="deploy.done", mute=mute(drop=drop), **more)


class Build:
    """A world in which builds fail and recover."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.count = 0

    def event(self, type: str, repository: str = "loja") -> Event:
        self.count += 1
        return Event(source="ci", id=f"{self.count}", type=type, time=NOW, data={"repository": repository})

    async def accept(self, *events: Event) -> list[Pending]:
        now = self.world.clock()
        news = [NewEvent(event, "hash") for event in events]
        await self.world.store.append_events(news, owner="a", now=now, lease_until=now + LEASE)
        return [Pending(event, 1) for event in events]

    async def plan(self, *pending: Pending) -> int:
        """How many messages go out at once."""
        return len((await self.world.engine.plan(pending, dict.fromkeys(TEXTS, 9))).outgoing)

    async def happens(self, *what: str) -> int:
        """Events happen together, each ``type`` or ``type repository``; how many messages go out at once."""
        return await self.plan(*await self.accept(*(self.event(*each.split()) for each in what)))

    async def due(self) -> int:
        """How many messages of runs that are due now go out."""
        return len(await self.world.advance())


@pytest.fixture
def build(world: Callable[..., World]) -> Callable[..., Build]:
    def make(*notifications: Notification, **more: Any) -> Build:
        return Build(world(*notifications, **more))

    return make


async def test_what_is_muted_is_held_and_goes_at_once_when_that_is_closed(build: Any) -> None:
    it = build(deploys())
    await it.happens("build.failed")
    assert await it.happens("deploy.done") == 0
    story = await it.world.story("2")
    assert [(entry.decision, entry.reason.code) for entry in story.runs[0].run.log] == [("wait", "muted")]
    it.world.clock.now += MINUTE
    assert await it.due() == 0
    await it.happens("build.recovered")
    assert await it.due() == 1


async def test_it_is_looked_at_again_without_being_sent_while_the_other_is_open(build: Any) -> None:
    it = build(deploys())
    await it.happens("build.failed")
    await it.happens("deploy.done")
    it.world.clock.now += timedelta(days=1)
    assert await it.due() == 0
    assert [entry.reason.code for entry in (await it.world.story("2")).runs[0].run.log] == ["muted"]
    await it.happens("build.recovered")
    assert await it.due() == 1


async def test_what_is_muted_is_dropped_where_the_notification_says_so(build: Any) -> None:
    it = build(deploys(drop=True))
    await it.happens("build.failed")
    assert await it.happens("deploy.done") == 0
    run = (await it.world.story("2")).runs[0]
    assert (run.state, [(entry.decision, entry.reason.code) for entry in run.run.log]) == ("done", [("skip", "muted")])
    await it.happens("build.recovered")
    assert await it.due() == 0
    assert await it.happens("deploy.done") == 1


async def test_what_was_opened_and_closed_before_mutes_nothing(build: Any) -> None:
    it = build(deploys())
    await it.happens("build.failed")
    await it.happens("build.recovered")
    assert await it.happens("deploy.done") == 1


async def test_what_is_closed_without_having_been_opened_mutes_nothing_and_what_is_opened_then_does(build: Any) -> None:
    it = build(deploys())
    await it.happens("build.recovered")
    assert await it.happens("deploy.done") == 1
    await it.happens("build.failed")
    assert await it.happens("deploy.done") == 0


async def test_what_is_opened_again_mutes_again(build: Any) -> None:
    it = build(deploys())
    for _ in range(2):
        await it.happens("build.failed")
        assert await it.happens("deploy.done") == 0
        await it.happens("build.recovered")
        assert await it.due() == 1


async def test_opened_twice_it_takes_one_closing(build: Any) -> None:
    it = build(deploys())
    await it.happens("build.failed")
    await it.happens("build.failed")
    assert await it.happens("deploy.done") == 0
    await it.happens("build.recovered")
    assert await it.due() == 1


async def test_two_repositories_are_apart(build: Any) -> None:
    it = build(deploys())
    await it.happens("build.failed loja")
    assert await it.happens("deploy.done erp") == 1
    assert await it.happens("deploy.done loja") == 0
    await it.happens("build.failed erp")
    await it.happens("build.recovered erp")
    assert await it.due() == 0
    await it.happens("build.recovered loja")
    assert await it.due() == 1


@pytest.mark.parametrize(
    ("together", "at_once", "later"),
    [
        (("build.failed", "deploy.done"), 0, 0),
        (("deploy.done", "build.failed"), 1, 0),
        (("build.failed", "deploy.done", "build.recovered"), 0, 1),
        (("build.failed", "build.recovered", "deploy.done"), 1, 0),
        (("build.recovered", "build.failed", "deploy.done"), 0, 0),
        (("build.failed", "build.recovered", "build.failed", "deploy.done"), 0, 0),
    ],
    ids=lambda value: " then ".join(value) if isinstance(value, tuple) else str(value),
)
async def test_events_that_are_planned_together_count_in_their_order(
    build: Any, together: tuple[str, ...], at_once: int, later: int
) -> None:
    it = build(deploys())
    assert await it.happens(*together) == at_once
    assert await it.due() == later
    # What was left open is open for those that come after, too.
    is_open = [each for each in together if each.startswith("build")][-1] == "build.failed"
    assert await it.happens("deploy.done") == (0 if is_open else 1)


async def test_a_closing_that_came_later_and_is_planned_first_closes_all_the_same(build: Any) -> None:
    it = build(deploys())
    failed, recovered = await it.accept(it.event("build.failed"), it.event("build.recovered"))
    await it.plan(recovered)
    await it.plan(failed)
    assert await it.happens("deploy.done") == 1
    await it.happens("build.failed")
    assert await it.happens("deploy.done") == 0


async def test_a_run_that_was_waiting_already_is_muted_when_it_comes_to_send(build: Any) -> None:
    it = build(deploys(do=({"delay": "5m"}, {"send": "email"})))
    await it.happens("deploy.done")
    await it.happens("build.failed")
    it.world.clock.now += 5 * MINUTE
    assert await it.due() == 0
    await it.happens("build.recovered")
    assert await it.due() == 1


async def test_the_first_that_opens_is_told_of_and_those_after_it_are_not_until_it_is_closed(build: Any) -> None:
    first = notification(target(person="'ana'"), name="broken", on="build.failed", mute=mute(drop=True))
    it = build(first)
    assert await it.happens("build.failed") == 1
    assert await it.happens("build.failed") == 0
    assert await it.happens("build.failed", "build.failed") == 0
    await it.happens("build.recovered")
    assert await it.happens("build.failed", "build.failed") == 1


async def test_a_message_that_waits_for_its_next_attempt_is_held_and_let_go(build: Any) -> None:
    it = build(deploys())
    world = it.world
    world.providers["email"][0].ends = [Retry("busy"), Accepted("ok")]
    (outgoing,) = (await world.engine.plan(await it.accept(it.event("deploy.done")), dict.fromkeys(TEXTS, 9))).outgoing
    assert await world.send(outgoing) == ["queued"]
    await it.happens("build.failed")
    world.clock.now += MINUTE
    assert await world.take() == []
    world.clock.now += MINUTE
    assert await world.take() == []
    await it.happens("build.recovered")
    assert await world.send(*await world.take()) == ["sent"]


async def test_a_message_that_waits_for_its_next_attempt_is_dropped_where_the_notification_says_so(build: Any) -> None:
    it = build(deploys(drop=True))
    world = it.world
    world.providers["email"][0].ends = [Retry("busy")]
    (outgoing,) = (await world.engine.plan(await it.accept(it.event("deploy.done")), dict.fromkeys(TEXTS, 9))).outgoing
    await world.send(outgoing)
    await it.happens("build.failed")
    world.clock.now += MINUTE
    assert await world.take() == []
    (message,) = (await world.messages()).values()
    assert (message.state, message.message.attempts[-1].reason) == (
        "cancelled",
        "muted while what build.failed opened is open",
    )


async def test_a_hub_that_starts_anew_knows_what_is_open(build: Any, world: Any) -> None:
    it = build(deploys())
    await it.happens("build.failed")
    assert await it.happens("deploy.done") == 0
    again = Build(world(deploys(), owner="a"))
    again.count = it.count
    await again.world.store.end_all_leases(again.world.clock())
    assert await again.due() == 0
    assert await again.happens("deploy.done") == 0
    await again.happens("build.recovered")
    assert await again.due() == 2


async def test_whoever_looked_before_the_closing_and_writes_after_it_is_asked_again_at_once(build: Any) -> None:
    it = build(deploys())
    await it.happens("build.failed")
    (deploy,) = await it.accept(it.event("deploy.done"))
    engine = it.world.engine
    commit = engine.store.commit_plans

    async def closing_first(*args: Any, **more: Any) -> Any:
        engine.store.commit_plans = commit
        await it.happens("build.recovered")
        return await commit(*args, **more)

    engine.store.commit_plans = closing_first
    handover = await engine.plan([deploy], dict.fromkeys(TEXTS, 9))
    assert (handover.outgoing, handover.due) == ([], it.world.clock())
    assert await it.due() == 1


async def test_what_a_mute_is_about_may_be_nothing(build: Any) -> None:
    about_nothing = msgspec.structs.replace(
        mute(), opened=awaited("build.failed", match="event.data.repository", there="none"), closed=mute().closed
    )
    it = build(msgspec.structs.replace(deploys(), mute=about_nothing))
    await it.happens("build.failed")
    assert await it.happens("deploy.done") == 1
