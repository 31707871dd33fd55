"""The attention budget: what exceeds it waits, and then comes as one message that lists all of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from arauto.engine.editions import Editions
from arauto.model import Attention, Category, Context, Wishes
from decide.conftest import Words, awaited, notification, target
from engine.conftest import Text

DAY = timedelta(days=1)
ANA = {"person": "'ana'"}


class Notice(msgspec.Struct, frozen=True):
    """A text as the inbox has it."""

    title: str
    url: str | None = None


class Listing:
    """The text that lists several notices: one line for each."""

    def compose(self, context: Context) -> msgspec.Struct:
        return Words("\n".join(notice["title"] for notice in context["message"]["notices"]))


def titled(name: str) -> dict[str, Any]:
    return {"en": Text(lambda context: Notice(f"{name} {' '.join(event['id'] for event in context['events'])}"))}


def with_budget(world: Any, normal: int = 2, **categories: Category) -> Any:
    """The world, in which a person gets so many messages a day."""
    catalogue = world.engine.catalogue
    notifications = {
        name: msgspec.structs.replace(each, notices=titled(name)) for name, each in catalogue.notifications.items()
    }
    world.engine.editions = Editions(
        msgspec.structs.replace(
            catalogue,
            project=msgspec.structs.replace(
                catalogue.project, attention=Attention(per=DAY, low=1, normal=normal, high=normal + 1)
            ),
            categories={**catalogue.categories, **categories},
            notifications=notifications,
            gathered={"email": {"en": Listing()}, "sms": {"en": Listing()}},
            by_event_type={"order.paid": tuple(notifications.values())},
        )
    )
    return world


def bodies(world: Any) -> list[str]:
    return [delivery.body.said for delivery in world.providers["email"][0].deliveries]


async def go(world: Any) -> None:
    """All that is due now."""
    while True:
        outgoing = [*await world.advance(), *await world.take()]
        if not outgoing:
            return
        await world.send(*outgoing)


def both(**more: Any) -> tuple[Any, Any]:
    return (
        notification(target(**ANA), name="first", texts={"email": {"en": Text("alone")}}, **more),
        notification(target(**ANA), name="second", texts={"email": {"en": Text("alone")}}),
    )


async def test_what_exceeds_the_budget_comes_as_one_message_that_lists_everything(world: Any) -> None:
    world = with_budget(world(*both()))
    await world.send(*await world.plan("1", "2", "3"))
    await go(world)
    assert bodies(world) == ["alone", "alone"]
    world.clock.now += DAY
    await go(world)
    assert bodies(world)[2:] == ["first 2\nsecond 2\nfirst 3\nsecond 3"]
    world.clock.now += 9 * DAY
    await go(world)
    assert len(bodies(world)) == 3, "nothing is left behind, and nothing comes twice"


async def test_one_that_waited_alone_comes_in_its_own_words(world: Any) -> None:
    world = with_budget(world(both()[0]), normal=1)
    await world.send(*await world.plan("1", "2"))
    await go(world)
    world.clock.now += DAY
    await go(world)
    assert bodies(world) == ["alone", "alone"]


async def test_what_was_taken_back_meanwhile_is_not_listed(world: Any) -> None:
    world = with_budget(world(*both(cancel=awaited("order.cancelled"))), normal=2)
    await world.send(*await world.plan("1", "2", "3", order=7))
    await go(world)
    (pending,) = await world.accept("x", order=7)
    cancelled = msgspec.structs.replace(pending.event, type="order.cancelled")
    world.engine.editions = Editions(
        msgspec.structs.replace(
            world.engine.catalogue,
            listeners={"order.cancelled": world.engine.catalogue.listeners["order.cancelled"]},
            by_event_type={"order.paid": ()},
        )
    )
    await world.engine.plan([msgspec.structs.replace(pending, event=cancelled)], {"email": 9})
    await go(world)
    world.clock.now += DAY
    await go(world)
    assert not any("first" in body for body in bodies(world)[2:])


async def test_a_notice_that_is_not_wanted_any_more_is_left_out(world: Any) -> None:
    first, second = both()
    world = with_budget(
        world(msgspec.structs.replace(first, category="news"), second), news=Category(name="news", title={})
    )
    await world.send(*await world.plan("1", "2", "3"))
    await go(world)

    def refuse(wishes: Wishes) -> Any:
        return Wishes(categories={"news": {"*": False}}), ()

    await world.store.change_wishes("default", "ana", refuse, now=world.clock())
    world.clock.now += DAY
    await go(world)
    assert bodies(world)[2:] == ["second 2\nsecond 3"]


async def test_what_is_urgent_does_not_wait(world: Any) -> None:
    first, second = both()
    world = with_budget(world(msgspec.structs.replace(first, category="security"), second), normal=1)
    await world.send(*await world.plan("1", "2", "3"))
    await go(world)
    assert bodies(world) == ["alone"] * 4
