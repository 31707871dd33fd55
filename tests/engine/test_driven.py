"""Whole notifications in virtual time: what people get, and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from arauto.model import Attention, Event, Notification, QuietHours, Receipt, Wishes
from decide.conftest import awaited, notification
from engine.conftest import INBOX, NOW, SECONDS, Text, World, target, texts
from engine.driving import Drive, engine_over

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def numbers(context: Any) -> str:
    """A text that tells all its events."""
    return " ".join(str(event["data"]["n"]) for event in context["events"])


TELLING = texts(**dict.fromkeys(("email", "sms", "push", "webhook"), numbers))


def to_ana(*do: dict[str, Any], **more: Any) -> Notification:
    return notification(target(person="'ana'"), do=do, texts=more.pop("texts", TELLING), **more)


Sent = list[tuple[str, str, str]]


class Driven(Drive):
    """With what its providers were given."""

    world: World

    def sent(self) -> Sent:
        """(time, channel, text) of each delivery: the time in minutes since the beginning."""
        found = []
        for channel, providers in self.world.providers.items():
            for each in (delivery for provider in providers for delivery in provider.deliveries):
                minutes = (each.now - NOW).total_seconds() / 60
                found.append((minutes, channel, each.body.said))
        return [(f"{minutes:g}", channel, said) for minutes, channel, said in sorted(found)]


@pytest.fixture
def drive(world: Callable[..., World]) -> Callable[..., Driven]:
    def build(*notifications: Notification, change: Any = None) -> Driven:
        made = world(*notifications)
        if change is not None:
            changed = change(made.engine.catalogue)
            made.engine = engine_over(made.store, changed, made.providers, made.clock)
        driven = Driven(made.engine, made.clock)
        driven.world = made
        return driven

    return build


# -- gathering -----------------------------------------------------------------------------------------------------


async def test_a_digest_tells_all_that_came_in_its_window(drive: Any) -> None:
    on = drive(to_ana({"digest": "1h"}, {"send": "email"}))
    for n in (1, 2, 3):
        await on.happen("order.paid", str(n), n=n)
        await on.run_until(25 * MINUTE)
    await on.happen("order.paid", "4", n=4)
    await on.run_out()
    assert on.sent() == [("60", "email", "1 2 3"), ("135", "email", "4")]


async def test_events_of_one_batch_are_gathered_too(drive: Any) -> None:
    on = drive(to_ana({"digest": "1h"}, {"send": "email"}))
    await on.accept(*[Event(source="shop", id=str(n), type="order.paid", time=NOW, data={"n": n}) for n in range(50)])
    await on.run_out()
    assert on.sent() == [("60", "email", " ".join(map(str, range(50))))]


async def test_a_sliding_digest_ends_when_it_is_quiet_or_after_its_longest_time(drive: Any) -> None:
    on = drive(to_ana({"digest": {"sliding": "10m", "at_most": "30m"}}, {"send": "email"}))
    for n in range(8):
        await on.happen("order.paid", str(n), n=n)
        await on.run_until(7 * MINUTE)
    await on.run_out()
    # 0 7 14 21 28 come within 30 minutes; 35 42 49 are quiet at 59
    assert on.sent() == [("30", "email", "0 1 2 3 4"), ("59", "email", "5 6 7")]


async def test_a_full_digest_goes_out_at_once(drive: Any) -> None:
    on = drive(to_ana({"digest": {"window": "1h", "size": 3}}, {"send": "email"}))
    for n in range(5):
        await on.happen("order.paid", str(n), n=n)
        await on.run_until(MINUTE)
    await on.run_out()
    assert on.sent() == [("2", "email", "0 1 2"), ("63", "email", "3 4")]


async def test_the_first_goes_out_at_once_and_the_rest_together(drive: Any) -> None:
    on = drive(to_ana({"digest": {"window": "1h", "first": "now"}}, {"send": "email"}))
    for n in range(5):
        await on.happen("order.paid", str(n), n=n)
        await on.run_until(30 * MINUTE)
    await on.run_out()
    assert on.sent() == [("0", "email", "0"), ("60", "email", "1"), ("120", "email", "2 3"), ("180", "email", "4")]


async def test_what_a_throttle_holds_back_is_gathered_until_there_is_room(drive: Any) -> None:
    on = drive(to_ana({"throttle": {"at_most": 2, "per": "1h", "overflow": "digest"}}, {"send": "email"}))
    for n in range(6):
        await on.happen("order.paid", str(n), n=n)
        await on.run_until(5 * MINUTE)
    await on.run_out()
    assert on.sent() == [("0", "email", "0"), ("5", "email", "1"), ("60", "email", "2 3 4 5")]


async def test_what_a_throttle_drops_ends_with_a_reason(drive: Any) -> None:
    on = drive(to_ana({"throttle": {"at_most": 2, "per": "1h"}}, {"send": "email"}))
    events = [await on.happen("order.paid", str(n), n=n) for n in range(4)]
    await on.run_until(HOUR)
    events.append(await on.happen("order.paid", "4", n=4))
    await on.run_out()
    assert [said for _, _, said in on.sent()] == ["0", "1", "4"]
    assert [(await on.reasons(event))[-1] for event in events] == [
        "handed_over",
        "handed_over",
        "throttled",
        "throttled",
        "handed_over",
    ]


async def test_the_daily_digest_keeps_its_time_when_clocks_change(drive: Any) -> None:
    """In New York clocks go back on 2026-11-01 and forward on 2027-03-14."""
    on = drive(to_ana({"digest": {"at": "08:00"}}, {"send": "email"}), change=living_in("America/New_York"))
    for start, expected in (
        (datetime(2026, 10, 31, 20, tzinfo=UTC), ["2026-11-01T13:00", "2026-11-02T13:00"]),
        (datetime(2027, 3, 13, 20, tzinfo=UTC), ["2027-03-14T12:00", "2027-03-15T12:00"]),
    ):
        on.clock.now = start
        before = len(on.sent())
        await on.happen("order.paid", f"{start} 1", n=1)
        await on.run_until(DAY)
        await on.happen("order.paid", f"{start} 2", n=2)
        await on.run_out()
        times = [delivery.now for delivery in on.world.providers["email"][0].deliveries[before:]]
        assert [f"{time:%Y-%m-%dT%H:%M}" for time in times] == expected


def living_in(zone: str) -> Any:
    def change(catalogue: Any) -> Any:
        ana = msgspec.structs.replace(catalogue.recipients["ana"], time_zone=zone)
        return msgspec.structs.replace(catalogue, recipients={**catalogue.recipients, "ana": ana})

    return change


async def test_a_digest_after_a_digest(drive: Any) -> None:
    """What comes while a gathered run waits in the second is no part of it before its own window is over."""
    on = drive(to_ana({"digest": "1h"}, {"send": "sms"}, {"digest": "3h"}, {"send": "email"}))
    for n in range(4):
        await on.happen("order.paid", str(n), n=n)
        await on.run_until(40 * MINUTE)
    await on.run_out()
    assert on.sent() == [
        ("60", "sms", "0 1"),
        ("140", "sms", "2 3"),
        ("240", "email", "0 1 2 3"),
    ]


async def test_runs_that_come_from_a_delay_at_the_same_time_are_gathered(drive: Any) -> None:
    on = drive(to_ana({"delay": "5m"}, {"digest": "1h"}, {"send": "email"}))
    for n in range(3):
        await on.happen("order.paid", str(n), n=n)
    await on.run_out()
    assert on.sent() == [("65", "email", "0 1 2")]


# -- waiting for events and receipts -------------------------------------------------------------------------------

CART = {"wait_for": {"event": "order.shipped", "match": "event.data.order", "up_to": "1h"}}


@pytest.mark.parametrize(
    ("comes", "sent"),
    [
        pytest.param(None, [("60", "email", "1")], id="nothing comes: the reminder goes out"),
        pytest.param((30, "A"), [], id="it comes: nobody is bothered"),
        pytest.param((0, "A"), [], id="it comes at once"),
        pytest.param((30, "B"), [("60", "email", "1")], id="another order's"),
        pytest.param((60, "A"), [("60", "email", "1")], id="at the very end is too late: the reminder went first"),
    ],
)
async def test_an_abandoned_cart(drive: Any, comes: tuple[int, str] | None, sent: Sent) -> None:
    on = drive(to_ana(CART, {"send": "email"}))
    await on.happen("order.paid", "1", n=1, order="A")
    if comes is not None:
        await on.run_until(comes[0] * MINUTE)
        await on.happen("order.shipped", "2", order=comes[1])
    await on.run_out()
    assert on.sent() == sent


async def test_what_is_waited_for_may_come_in_the_same_batch_or_before_the_step(drive: Any) -> None:
    on = drive(to_ana({"delay": "10m"}, CART, {"send": "email"}))
    paid = Event(source="shop", id="1", type="order.paid", time=NOW, data={"n": 1, "order": "A"})
    shipped = Event(source="shop", id="2", type="order.shipped", time=NOW, data={"order": "A"})
    await on.accept(paid, shipped)
    await on.run_out()
    assert on.sent() == []
    assert (await on.reasons(paid))[-1] == "came"


async def test_what_came_before_the_runs_own_event_does_not_count(drive: Any) -> None:
    on = drive(to_ana(CART, {"send": "email"}))
    await on.happen("order.shipped", "0", order="A")
    await on.happen("order.paid", "1", n=1, order="A")
    await on.run_out()
    assert on.sent() == [("60", "email", "1")]


async def receive(on: Driven, channel: str, kind: Any, recipient: str = "ana") -> None:
    """A receipt for the newest message of a channel."""
    found = [
        each.message
        for each in await on.messages()
        if each.message.channel == channel and each.message.recipient == recipient
    ]
    await on.engine.receive([Receipt(message=found[-1].id, kind=kind, at=on.now)])
    await on.settle_down()


READ = {"wait_for": {"receipt": "read", "up_to": "30m"}}


@pytest.mark.parametrize(
    ("kind", "channels"),
    [
        pytest.param(None, ["push", "sms"], id="nobody read it: an SMS"),
        pytest.param("delivered", ["push", "sms"], id="delivered is not read"),
        pytest.param("read", ["push"], id="read"),
        pytest.param("acknowledged", ["push"], id="acknowledged, so read"),
    ],
)
async def test_an_sms_only_if_the_push_was_not_read(drive: Any, kind: Any, channels: list[str]) -> None:
    on = drive(to_ana({"send": "push"}, READ, {"send": "sms"}), change=with_push)
    await on.happen("order.paid", "1", n=1)
    await on.run_until(10 * MINUTE)
    if kind is not None:
        await receive(on, "push", kind)
    await on.run_out()
    assert [channel for _, channel, _ in on.sent()] == channels


def with_push(catalogue: Any) -> Any:
    ana = catalogue.recipients["ana"]
    ana = msgspec.structs.replace(ana, addresses={**ana.addresses, "push": ["device"]})
    return msgspec.structs.replace(catalogue, recipients={**catalogue.recipients, "ana": ana})


async def test_in_app_first_of_several_goes_on_at_once(drive: Any) -> None:
    on = drive(to_ana({"send": {"first_of": ["inapp", "email"]}}, {"send": "sms"}))
    await on.happen("order.paid", "1", n=1)
    assert on.sent() == [("0", "sms", "1")]


# -- escalation ----------------------------------------------------------------------------------------------------

ACKNOWLEDGED = {"wait_for": {"receipt": "acknowledged", "by": "anybody", "up_to": "15m"}}
ESCALATION = {
    "repeat": {
        "times": 2,
        "steps": [
            {"send": "email"},
            ACKNOWLEDGED,
            {"notify": {"to": [{"system": "erp"}], "steps": [{"send": "webhook"}, ACKNOWLEDGED, {"send": "webhook"}]}},
            ACKNOWLEDGED,
        ],
    }
}


async def test_nobody_acknowledges(drive: Any) -> None:
    on = drive(to_ana(ESCALATION))
    await on.happen("order.paid", "1", n=1)
    await on.run_out()
    assert on.sent() == [
        ("0", "email", "1"),
        ("15", "webhook", "1"),
        ("30", "email", "1"),
        ("30", "webhook", "1"),
        ("45", "webhook", "1"),
        ("60", "webhook", "1"),
    ]


@pytest.mark.parametrize(
    ("at", "who", "sent"),
    [
        pytest.param(5, ("email", "ana"), 1, id="the first, in time: nobody else hears of it"),
        pytest.param(20, ("email", "ana"), 2, id="the first, late: it ends for all"),
        pytest.param(20, ("webhook", "erp"), 2, id="the other: it ends for the first, too"),
    ],
)
async def test_somebody_acknowledges(drive: Any, at: int, who: tuple[str, str], sent: int) -> None:
    on = drive(to_ana(ESCALATION))
    await on.happen("order.paid", "1", n=1)
    await on.run_until(at * MINUTE)
    await receive(on, *who[:1], "acknowledged", who[1])
    await on.run_out()
    assert len(on.sent()) == sent


# -- taking back ---------------------------------------------------------------------------------------------------

CANCEL = {"cancel": awaited("order.cancelled")}
CORRECTIONS = {
    "corrections": {
        channel: {"en": Text(lambda context: f"not {' '.join(str(e['data']['n']) for e in context['events'])}")}
        for channel in ("email", "sms", "push")
    }
}


async def test_an_order_is_cancelled_in_the_middle_of_a_digest(drive: Any) -> None:
    on = drive(to_ana({"digest": "1h"}, {"send": "email"}, **CANCEL))
    for n, order in enumerate("ABC"):
        await on.happen("order.paid", str(n), n=n, order=order)
    await on.happen("order.cancelled", "9", order="B")
    await on.run_out()
    assert on.sent() == [("60", "email", "0 2")]


async def test_the_order_that_opened_a_digest_is_cancelled(drive: Any) -> None:
    on = drive(to_ana({"digest": "1h"}, {"send": "email"}, **CANCEL))
    for n, order in enumerate("ABC"):
        await on.happen("order.paid", str(n), n=n, order=order)
        await on.run_until(10 * MINUTE)
    await on.happen("order.cancelled", "9", order="A")
    await on.happen("order.paid", "3", n=3, order="D")
    await on.run_out()
    assert on.sent() == [("60", "email", "1 2 3")]


async def test_what_was_taken_back_goes_from_a_digest_that_lies_unread_in_the_inbox(drive: Any) -> None:
    listing = Text(lambda context: msgspec.structs.replace(INBOX, title=numbers(context)))
    on = drive(to_ana({"digest": "1h"}, {"send": "inapp"}, texts={"inapp": {"en": listing}}, **CANCEL))
    for n, order in enumerate("ABC"):
        await on.happen("order.paid", str(n), n=n, order=order)
    await on.run_until(61 * MINUTE)

    async def titles() -> list[str]:
        page = await on.store.inbox("default", "ana", after=None, limit=9, unread=False)
        return [item.content["title"] for item in page.items]

    assert await titles() == ["0 1 2"]
    await on.happen("order.cancelled", "9", order="B")
    await on.run_out()
    assert await titles() == ["0 2"]
    await on.store.mark_inbox("default", "ana", None, read=True, now=on.now)
    await on.happen("order.cancelled", "10", order="A")
    await on.run_out()
    assert await titles() == ["0 2"], "what was read stays as it was"


async def test_all_of_a_digest_is_cancelled(drive: Any) -> None:
    on = drive(to_ana({"digest": "1h"}, {"send": "email"}, **CANCEL, **CORRECTIONS))
    event = await on.happen("order.paid", "1", n=1, order="A")
    await on.happen("order.cancelled", "9", order="A")
    await on.run_out()
    assert on.sent() == []
    assert (await on.reasons(event))[-1] == "retracted"


async def test_each_cancellation_is_corrected_by_itself_and_once(drive: Any) -> None:
    on = drive(to_ana({"digest": "1h"}, {"send": "email"}, **CANCEL, **CORRECTIONS))
    for n, order in enumerate("ABC"):
        await on.happen("order.paid", str(n), n=n, order=order)
    await on.run_until(2 * HOUR)
    await on.happen("order.cancelled", "8", order="A")
    await on.happen("order.cancelled", "9", order="C")
    await on.happen("order.cancelled", "10", order="C")
    await on.run_out()
    assert on.sent() == [("60", "email", "0 1 2"), ("120", "email", "not 0"), ("120", "email", "not 2")]


async def test_two_cancellations_in_one_batch_are_two_corrections(drive: Any) -> None:
    on = drive(to_ana({"digest": "1h"}, {"send": "email"}, **CANCEL, **CORRECTIONS))
    for n, order in enumerate("AB"):
        await on.happen("order.paid", str(n), n=n, order=order)
    await on.run_until(2 * HOUR)
    await on.accept(
        *[
            Event(source="shop", id=f"c{order}", type="order.cancelled", time=NOW, data={"order": order})
            for order in "AB"
        ]
    )
    await on.run_out()
    assert on.sent() == [("60", "email", "0 1"), ("120", "email", "not 0"), ("120", "email", "not 1")]


async def test_what_was_sent_before_its_run_joined_a_digest_is_taken_back_too(drive: Any) -> None:
    on = drive(to_ana({"send": ["sms", "inapp"]}, {"digest": "1h"}, {"send": "email"}, **CANCEL, **CORRECTIONS))
    await on.happen("order.paid", "0", n=0, order="A")
    await on.happen("order.paid", "1", n=1, order="B")
    await on.run_until(10 * MINUTE)
    await on.happen("order.cancelled", "9", order="B")
    inbox = await on.store.inbox("default", "ana", after=None, limit=9, unread=False)
    assert len(inbox.items) == 1
    await on.run_out()
    assert on.sent() == [
        ("0", "sms", "0"),
        ("0", "sms", "1"),
        ("10", "sms", "not 1"),
        ("60", "email", "0"),
    ]


@pytest.mark.parametrize("read", [pytest.param(True, id="read"), pytest.param(False, id="unread")])
async def test_the_inbox_is_cleared_of_what_nobody_has_read(drive: Any, read: bool) -> None:
    on = drive(to_ana({"send": "inapp"}, **CANCEL, **CORRECTIONS))
    await on.happen("order.paid", "1", n=1, order="A")
    (message,) = await on.messages()
    if read:
        await on.store.mark_inbox("default", "ana", [message.message.id], read=True, now=on.now)
    await on.happen("order.cancelled", "9", order="A")
    inbox = await on.store.inbox("default", "ana", after=None, limit=9, unread=False)
    assert len(inbox.items) == read


async def test_a_cancellation_in_the_same_batch(drive: Any) -> None:
    on = drive(to_ana({"delay": "1h"}, {"send": "email"}, **CANCEL))
    await on.accept(
        Event(source="shop", id="1", type="order.paid", time=NOW, data={"n": 1, "order": "A"}),
        Event(source="shop", id="2", type="order.cancelled", time=NOW, data={"order": "A"}),
    )
    await on.run_out()
    assert on.sent() == []


# -- wishes --------------------------------------------------------------------------------------------------------


def wishing(**wishes: Any) -> Any:
    def change(catalogue: Any) -> Any:
        ana = msgspec.structs.replace(catalogue.recipients["ana"], time_zone="UTC", wishes=Wishes(**wishes))
        return msgspec.structs.replace(catalogue, recipients={**catalogue.recipients, "ana": ana})

    return change


QUIET = QuietHours(start="11:00", end="14:00")


async def test_quiet_hours_hold_what_makes_a_noise_and_let_the_inbox_through(drive: Any) -> None:
    on = drive(to_ana({"send": ["email", "inapp"]}), change=wishing(quiet_hours=QUIET))
    event = await on.happen("order.paid", "1", n=1)
    assert [each.message.channel for each in await on.messages()] == ["inapp"]
    await on.run_out()
    assert on.sent() == [("120", "email", "1")]
    assert await on.reasons(event) == ["sends", "quiet_hours", "sends", "handed_over"]


async def test_a_retry_waits_for_the_end_of_quiet_hours_and_does_not_expire(drive: Any) -> None:
    from arauto.errors import Retry

    on = drive(
        to_ana({"send": "email"}),
        change=wishing(quiet_hours=QuietHours(start="12:00", end="20:00", days=(2,))),
    )
    on.clock.now = NOW + DAY - 2 * SECONDS  # Wednesday, 11:59:58
    on.world.providers["email"][0].ends = [Retry("busy")]
    await on.happen("order.paid", "1", n=1)
    await on.run_out()
    assert [time for time, _, _ in on.sent()] == [f"{1440 - 2 / 60:g}", "1920"]


async def test_a_correction_waits_for_the_end_of_quiet_hours(drive: Any) -> None:
    on = drive(
        to_ana({"send": "email"}, **CANCEL, **CORRECTIONS),
        change=wishing(quiet_hours=QuietHours(start="13:00", end="15:00")),
    )
    await on.happen("order.paid", "1", n=1, order="A")
    await on.run_until(90 * MINUTE)
    await on.happen("order.cancelled", "9", order="A")
    await on.run_out()
    assert on.sent() == [("0", "email", "1"), ("180", "email", "not 1")]


def with_budget(**budget: int) -> Any:
    def change(catalogue: Any) -> Any:
        attention = Attention(per=HOUR, **{"low": 1, "normal": 2, "high": 3} | budget)
        project = msgspec.structs.replace(catalogue.project, attention=attention)
        return msgspec.structs.replace(catalogue, project=project)

    return change


async def test_the_attention_budget_holds_over_all_channels_of_one_run(drive: Any) -> None:
    on = drive(to_ana({"send": "email"}, {"send": "sms"}, {"send": "email"}), change=with_budget())
    await on.happen("order.paid", "1", n=1)
    await on.run_out()
    assert on.sent() == [("0", "email", "1"), ("0", "sms", "1"), ("60", "email", "1")]


async def test_who_has_more_addresses_than_the_budget_has_room_gets_it_when_all_is_free(drive: Any) -> None:
    def change(catalogue: Any) -> Any:
        ana = catalogue.recipients["ana"]
        ana = msgspec.structs.replace(ana, addresses={"email": ["a@x.example", "b@x.example", "c@x.example"]})
        changed = with_budget()(catalogue)
        return msgspec.structs.replace(changed, recipients={**catalogue.recipients, "ana": ana})

    on = drive(to_ana({"send": "email"}), change=change)
    await on.happen("order.paid", "1", n=1)
    await on.happen("order.paid", "2", n=2)
    await on.run_out()
    assert [(time, said) for time, _, said in on.sent()] == [("0", "1")] * 3 + [("60", "2")] * 3


async def test_the_important_uses_more_of_the_budget(drive: Any) -> None:
    def change(catalogue: Any) -> Any:
        changed = with_budget()(catalogue)
        loud = msgspec.structs.replace(catalogue.categories["orders"], name="loud", priority="high")
        return msgspec.structs.replace(changed, categories={**catalogue.categories, "loud": loud})

    on = drive(
        to_ana({"send": "email"}, name="normal"),
        to_ana({"send": "sms"}, name="loud", on="order.shipped", category="loud"),
        change=change,
    )
    for n in range(3):
        await on.happen("order.paid", str(n), n=n)
        await on.run_until(MINUTE)
    await on.happen("order.shipped", "8", n=8)
    await on.happen("order.shipped", "9", n=9)
    await on.run_until(56 * MINUTE)
    assert on.sent() == [("0", "email", "0"), ("1", "email", "1"), ("3", "sms", "8")]
    await on.run_out()
    assert len(on.sent()) == 5
