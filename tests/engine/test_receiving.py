"""Receipts in the engine: what waits for them goes on at once, and what they end has ended for the next message."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from arauto.engine.intervening import parse_rate
from arauto.errors import Ambiguous, Rejected
from arauto.model import Consent, Receipt, Wishes
from arauto.store import Replay, Selection
from engine.conftest import NOW, SECONDS, notification, target, texts

ANA = {"person": "'ana'"}


def told(*to: Any, do: Any, **more: Any) -> Any:
    return notification(*(to or (target(**ANA),)), do=do, texts=texts(), **more)


def receipt(id: str, kind: Any, after: timedelta = SECONDS, **more: Any) -> Receipt:
    return Receipt(message=id, kind=kind, at=NOW + after, **more)


async def message_of(world: Any, which: str) -> str:
    return str((await world.messages())[which].message.id)


async def logged_codes(world: Any, id: str = "1") -> list[str]:
    (stored,) = (await world.story(id)).runs
    return [entry.reason.code for entry in stored.run.log]


# -- what waits for a receipt ----------------------------------------------------------------------------------------


WAITS = ({"send": "email"}, {"wait_for": {"receipt": "opened", "up_to": "1d"}}, {"send": "sms"})


@pytest.mark.parametrize("kind", ["opened", "read", "clicked", "acknowledged"])
async def test_a_run_that_waits_for_a_receipt_stops_as_soon_as_it_comes(world: Any, kind: str) -> None:
    world = world(told(do=WAITS))
    await world.send(*await world.plan("1"))
    assert await world.advance() == []
    id = await message_of(world, "email ana")
    assert not (await world.engine.receive([receipt(id, "delivered")])).woken
    kept = await world.engine.receive([receipt(id, kind)])
    assert kept.woken
    assert await world.store.next_due() == NOW
    assert await world.advance() == []
    assert (await logged_codes(world))[-1] == "receipt_came"
    assert world.metric("receipts", channel="email", kind=kind) == 1
    world.clock.now += timedelta(days=2)
    assert await world.advance() == []


async def test_without_it_the_run_goes_on_when_the_time_is_over(world: Any) -> None:
    world = world(told(do=WAITS))
    await world.send(*await world.plan("1"))
    await world.engine.receive([receipt(await message_of(world, "email ana"), "delivered")])
    world.clock.now += timedelta(days=1)
    (outgoing,) = await world.advance()
    assert outgoing.claim.message.channel == "sms"


async def test_a_receipt_that_comes_before_its_attempt_is_settled_counts(world: Any) -> None:
    world = world(told(do=WAITS))
    (outgoing,) = await world.plan("1")
    await world.engine.receive([receipt(outgoing.claim.message.id, "opened")])
    await world.send(outgoing)
    world.clock.now += timedelta(days=2)
    assert await world.advance() == []
    assert (await logged_codes(world))[-1] == "receipt_came"
    assert (await world.messages())["email ana"].receipt == "opened"


async def test_repeated_and_out_of_order_they_say_the_same(world: Any) -> None:
    world = world(told(do=({"send": "email"},)))
    for number, order in enumerate(permutations(["delivered", "clicked", "opened"])):
        (outgoing,) = await world.plan(str(number))
        await world.send(outgoing)
        id = outgoing.claim.message.id
        for kind in (*order, *order):
            await world.engine.receive([receipt(id, kind)])
        stored = await world.store.message(id)
        assert (stored.state, stored.receipt, len(stored.receipts)) == ("sent", "clicked", 3)
    assert world.engine.metrics.registry.get_sample_value("arauto_receipts_repeated_total") == 18


async def test_of_what_is_not_ours_nothing_is_kept(world: Any) -> None:
    world = world(told(do=({"send": "email"},)))
    kept = await world.engine.receive([receipt("msg_elsewhere", "opened")])
    assert (kept.new, kept.unknown) == ((), 1)
    assert world.engine.metrics.registry.get_sample_value("arauto_receipts_unknown_total") == 1


async def test_who_acknowledges_ends_the_waiting_of_everybody(world: Any) -> None:
    waits = {"wait_for": {"receipt": "acknowledged", "by": "anybody", "up_to": "15m"}}
    world = world(
        told(target(person="'ana'"), target(system="erp"), do=({"send": ["sms", "webhook"]}, waits, {"send": "email"}))
    )
    await world.send(*await world.plan("1"))
    await world.engine.receive([receipt(await message_of(world, "sms ana"), "acknowledged")])
    assert await world.advance() == []
    logs = [[entry.reason.code for entry in stored.run.log] for stored in (await world.story("1")).runs]
    assert [log[-1] for log in logs] == ["receipt_came", "receipt_came"]


async def test_reading_in_the_inbox_ends_the_waiting(world: Any) -> None:
    world = world(told(do=({"send": "inapp"}, {"wait_for": {"receipt": "read", "up_to": "30m"}}, {"send": "sms"})))
    await world.plan("1")
    marked = await world.store.mark_inbox("default", "ana", None, read=True, now=NOW)
    assert marked.woken
    assert await world.advance() == []
    assert (await logged_codes(world))[-1] == "receipt_came"


# -- what did not arrive ---------------------------------------------------------------------------------------------


FIRST = ({"send": {"first_of": ["email", "sms"]}},)


@pytest.mark.parametrize(
    ("bad", "goes_on"),
    [
        pytest.param({"kind": "bounced", "permanent": True}, True, id="bounced for good"),
        pytest.param({"kind": "failed"}, True, id="failed"),
        pytest.param({"kind": "bounced"}, False, id="bounced for now"),
    ],
)
async def test_first_of_tries_the_next_channel_when_a_message_did_not_arrive(
    world: Any, bad: dict[str, Any], goes_on: bool
) -> None:
    world = world(told(do=FIRST))
    (outgoing,) = await world.plan("1")
    await world.engine.receive([receipt(outgoing.claim.message.id, **bad)])
    await world.send(outgoing)
    assert [each.claim.message.channel for each in await world.advance()] == (["sms"] if goes_on else [])


async def test_a_message_of_which_nobody_knew_did_not_arrive_and_the_next_channel_is_tried(world: Any) -> None:
    world = world(told(do=FIRST), on_unknown="hold")
    world.providers["email"][0].ends = [Ambiguous("no answer")]
    (outgoing,) = await world.plan("1")
    assert await world.send(outgoing) == ["unknown"]
    assert await world.advance() == []
    kept = await world.engine.receive([receipt(outgoing.claim.message.id, "failed")])
    stored = await world.store.message(outgoing.claim.message.id)
    assert (stored.state, stored.receipt) == ("sent", "failed")
    assert kept.woken
    assert [each.claim.message.channel for each in await world.advance()] == ["sms"]


async def test_a_message_of_which_nobody_knew_arrived(world: Any) -> None:
    world = world(told(do=FIRST), on_unknown="hold")
    world.providers["email"][0].ends = [Ambiguous("no answer")]
    (outgoing,) = await world.plan("1")
    await world.send(outgoing)
    await world.engine.receive([receipt(outgoing.claim.message.id, "delivered")])
    assert await world.advance() == []
    assert (await logged_codes(world))[-1] == "first_worked"
    assert (await world.messages())["email ana"].state == "sent"


async def test_one_that_would_be_tried_again_and_has_arrived_is_not(world: Any) -> None:
    world = world(told(do=({"send": "email"},)))
    world.providers["email"][0].ends = [Ambiguous("no answer")]
    (outgoing,) = await world.plan("1")
    assert await world.send(outgoing) == ["queued"]
    await world.engine.receive([receipt(outgoing.claim.message.id, "delivered")])
    world.clock.now += timedelta(hours=1)
    assert await world.take() == []
    assert len(world.providers["email"][0].deliveries) == 1


# -- addresses and consent -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "why"),
    [
        pytest.param({"kind": "bounced", "permanent": True}, "bounced", id="bounced for good"),
        pytest.param({"kind": "failed", "permanent": True}, "failed", id="no such number"),
        pytest.param({"kind": "complained"}, "complained", id="called it spam"),
    ],
)
async def test_an_address_that_is_gone_is_used_no_more_and_the_next_run_says_why(
    world: Any, what: dict[str, Any], why: str
) -> None:
    world = world(told(do=({"send": ["email", "sms"]},)))
    outgoing = await world.plan("1")
    await world.send(*outgoing)
    id = next(each.claim.message.id for each in outgoing if each.claim.message.channel == "email")
    await world.engine.receive([receipt(id, **what)])
    assert [each.claim.message.channel for each in await world.plan("2")] == ["sms"]
    (run,) = (await world.story("2")).runs
    (reason,) = [entry.reason for entry in run.run.log if entry.reason.code == "suppressed"]
    assert reason.values == {"channel": "email", "reason": why}


@pytest.mark.parametrize("kind", ["bounced", "failed", "opened"])
async def test_what_may_pass_ends_no_address(world: Any, kind: Any) -> None:
    world = world(told(do=({"send": "email"},)))
    (outgoing,) = await world.plan("1")
    await world.send(outgoing)
    await world.engine.receive([receipt(outgoing.claim.message.id, kind)])
    assert len(await world.plan("2")) == 1


async def test_a_provider_that_says_at_once_that_an_address_is_gone_is_believed(world: Any) -> None:
    world = world(told(do=({"send": "email"},)))
    world.providers["email"][0].ends = [Rejected("550 no such user", scope="address")]
    assert await world.send(*await world.plan("1")) == ["failed"]
    assert await world.plan("2") == []
    assert "suppressed" in await logged_codes(world, "2")


async def test_a_message_that_is_refused_for_itself_ends_no_address(world: Any) -> None:
    world = world(told(do=({"send": "email"},)))
    world.providers["email"][0].ends = [Rejected("too large", scope="message")]
    assert await world.send(*await world.plan("1")) == ["failed"]
    assert len(await world.plan("2")) == 1


async def test_a_message_that_waits_is_not_sent_to_an_address_that_is_gone_meanwhile(world: Any) -> None:
    world = world(told(do=({"send": "email"},)))
    (outgoing,) = await world.plan("1")
    await world.plan("2", room=0)
    await world.send(outgoing)
    await world.engine.receive([receipt(outgoing.claim.message.id, "bounced", permanent=True)])
    assert await world.take() == []
    (stored,) = (await world.messages_by("2")).values()
    assert (stored.state, stored.message.attempts[-1].reason) == ("cancelled", "suppressed")


async def test_a_complaint_ends_the_category_on_that_channel_with_proof(world: Any) -> None:
    world = world(told(do=({"send": "email"},), category="orders"))
    (outgoing,) = await world.plan("1")
    await world.send(outgoing)

    def like(wishes: Wishes) -> Any:
        return Wishes(categories={"orders": {"sms": True, "email": True}, "news": {"*": True}}, locale="en"), ()

    await world.store.change_wishes("default", "ana", like, now=NOW)
    complaint = receipt(outgoing.claim.message.id, "complained")
    await world.engine.receive([complaint, complaint])
    wishes = (await world.store.wishes("default", ["ana"]))["ana"]
    assert wishes.categories == {"orders": {"sms": True, "email": False}, "news": {"*": True}}
    assert wishes.locale == "en"
    assert await world.store.consents("default", "ana") == [
        Consent(category="orders", channel="email", given=False, at=complaint.at, how="receipt")
    ]


async def test_a_complaint_cannot_end_what_is_required_but_the_address(world: Any) -> None:
    world = world(told(do=({"send": "email"},), category="security"))
    (outgoing,) = await world.plan("1")
    await world.send(outgoing)
    await world.engine.receive([receipt(outgoing.claim.message.id, "complained")])
    assert await world.store.consents("default", "ana") == []
    assert await world.plan("2") == []


# -- what people do --------------------------------------------------------------------------------------------------


async def test_a_retried_message_has_all_its_attempts_before_it_again(world: Any) -> None:
    world = world(told(do=({"send": "email"},)))
    provider = world.providers["email"][0]
    provider.ends = [Ambiguous("no answer")] * 5
    (outgoing,) = await world.plan("1")
    id = outgoing.claim.message.id
    states = await world.send(outgoing)
    while states == ["queued"]:
        world.clock.now += timedelta(minutes=5)
        states = await world.send(*await world.take())
    assert states == ["failed"]
    await world.engine.intervene("default", [id], "retry", by="ana")
    assert world.metric("interventions", channel="email", did="retry") == 1
    assert await world.send(*await world.take()) == ["queued"]
    world.clock.now += timedelta(minutes=5)
    provider.ends = []
    assert await world.send(*await world.take()) == ["sent"]
    stored = await world.store.message(id)
    assert [attempt.number for attempt in stored.message.attempts] == [1, 2, 3, 4, 5]


async def test_a_retried_message_is_not_sent_against_a_wish(world: Any) -> None:
    world = world(told(do=({"send": "email"},)))
    world.providers["email"][0].ends = [Rejected("too large")]
    (outgoing,) = await world.plan("1")
    await world.send(outgoing)
    no = Wishes(categories={"orders": {"*": False}})
    await world.store.change_wishes("default", "ana", lambda wishes: (no, ()), now=NOW)
    await world.engine.intervene("default", [outgoing.claim.message.id], "retry", by="ana")
    assert await world.take() == []
    assert (await world.messages())["email ana"].state == "cancelled"


async def test_a_cancelled_first_goes_on_with_the_next_channel(world: Any) -> None:
    world = world(told(do=FIRST))
    await world.plan("1", room=0)
    id = await message_of(world, "email ana")
    await world.engine.intervene("default", [id], "hold", by="ana")
    assert await world.take() == []
    assert await world.advance() == []
    await world.engine.intervene("default", [id], "cancel", by="ana")
    assert [each.claim.message.channel for each in await world.advance()] == ["sms"]


@pytest.mark.parametrize(("text", "rate"), [("50/s", 50), ("600/m", 10), ("36/h", 0.01)])
def test_a_rate(text: str, rate: float) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "50", "0/s", "-1/s", "50/d", "1.5/s", "50 / s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="50/s, 600/m or 1000/h"):
        parse_rate(text)


# -- events that missed a notification -------------------------------------------------------------------------------


def missed(world: Any, name: str, **more: Any) -> Replay:
    selection = Selection(events="missed", notification=name, types=("order.paid",))
    return Replay(
        id=more.pop("id", "again"), selection=selection, since=NOW, until=NOW, per_second=100, begun_at=NOW, **more
    )


async def test_what_missed_a_notification_is_told_by_it_and_by_no_other(world: Any) -> None:
    made = world(told(do=({"send": "email"},), name="old"))
    await made.send(*await made.plan("1", "2"))
    made = world(told(do=({"send": "email"},), name="old"), told(do=({"send": "sms"},), name="new"))
    replayed = await made.engine.replay(missed(made, "new"), by="ana")
    assert replayed.counts == {("order.paid", "new"): 2}
    made.clock.now += SECONDS

    async def plan() -> list[str]:
        lease = {"owner": "a", "now": made.clock.now, "lease_until": made.clock.now + SECONDS}
        pending = await made.store.take_pending(**lease, limit=9)
        return [
            each.claim.message.channel for each in (await made.engine.plan(pending, {"sms": 9, "email": 9})).outgoing
        ]

    assert await plan() == ["sms", "sms"]
    story = await made.story("1")
    assert story.event.state == "planned"
    assert [each["notification"] for each in story.event.explanation["notifications"]] == ["old", "new"]
    assert sorted(stored.run.notification for stored in story.runs) == ["new", "old"]
    await made.engine.replay(missed(made, "new", id="another"), by="ana")
    made.clock.now += SECONDS
    assert await plan() == [], "whoever was told is not told twice"
    assert len((await made.story("1")).messages) == 2
