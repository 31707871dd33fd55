"""The stages, one by one: what each does when things go as they should, and when they do not."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from arauto.channels import SEND_DEADLINE
from arauto.engine import deciding, sending
from arauto.engine.stages import LEASE, MAX_CLAIMS
from arauto.errors import Ambiguous, DeliveryError, LanguageError, Rejected, Retry
from arauto.model import Recipient
from engine.conftest import NOW, SECONDS, Text, breaking, notification, target, texts

ANA = {"group": "sales"}
"""Of the group, only Ana has addresses."""


def only(*to: Any, send: Any = "email", **more: Any) -> Any:
    """A notification to Ana by e-mail, unless told otherwise."""
    return notification(*(to or (target(**ANA),)), do=({"send": send},), texts=texts(**more.pop("said", {})), **more)


# -- attempts ------------------------------------------------------------------------------------------------------


async def test_an_accepted_message_is_sent_with_all_that_the_provider_said(world: Any) -> None:
    world = world(only())
    assert await world.send(*await world.plan("1")) == ["sent"]
    (delivery,) = world.providers["email"][0].deliveries
    assert (delivery.attempt, delivery.address, delivery.body.said) == (1, "ana@example.com", "email text")
    stored = (await world.messages())["email ana"]
    (attempt,) = stored.message.attempts
    assert stored.state == "sent"
    assert (attempt.provider, attempt.outcome, attempt.answer, attempt.reference) == (
        "one",
        "accepted",
        "250 ok",
        "ref-1",
    )
    assert attempt.request == f"POST {stored.message.id}"
    assert world.metric("messages_ended", channel="email", state="sent") == 1


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=1)])
async def test_what_has_expired_is_not_sent(world: Any, late: timedelta) -> None:
    world = world(only(expires=60 * SECONDS))
    (outgoing,) = await world.plan("1")
    world.clock.now = outgoing.claim.message.expires_at + late
    outgoing = msgspec.structs.replace(outgoing, lease_until=world.clock.now + LEASE)
    assert await world.send(outgoing) == ["expired"]
    assert world.providers["email"][0].deliveries == []
    assert (await world.messages())["email ana"].message.attempts == ()
    assert world.metric("messages_ended", channel="email", state="expired") == 1


async def test_when_the_lease_is_nearly_over_the_message_is_given_back_untried(world: Any) -> None:
    world = world(only())
    (outgoing,) = await world.plan("1")
    world.clock.now = outgoing.lease_until - SEND_DEADLINE
    assert await world.send(outgoing) == ["queued"]
    assert world.providers["email"][0].deliveries == []
    stored = (await world.messages())["email ana"]
    assert (stored.state, stored.due_at, stored.message.attempts) == ("queued", world.clock.now, ())
    (again,) = await world.take()
    assert again.claim.fence == 2
    assert await world.send(again) == ["sent"]


class Refused(Rejected):
    """A provider's own kind of refusal."""


def crash_in_request(delivery: Any) -> str:
    raise RuntimeError("canary")


@pytest.mark.parametrize(
    ("end", "state", "outcome", "said"),
    [
        pytest.param(
            RuntimeError("canary"), "queued", "retry", "the provider's code failed: RuntimeError", id="a crash"
        ),
        pytest.param(
            None, "queued", "retry", "the provider's code failed: AttributeError", id="an answer that is none"
        ),
        pytest.param(Retry("busy"), "queued", "retry", "busy", id="not now"),
        pytest.param(Rejected("unknown mailbox"), "failed", "rejected", "unknown mailbox", id="never"),
        pytest.param(Refused("own kind"), "failed", "rejected", "own kind", id="a provider's own kind of never"),
        pytest.param(DeliveryError("plain"), "queued", "retry", "plain", id="an error of no kind"),
        pytest.param(Ambiguous("silence"), "queued", "unknown", "silence", id="nobody knows"),
        pytest.param(TimeoutError(), "queued", "unknown", "no answer within 30 s", id="its own time-out"),
    ],
)
async def test_how_an_attempt_can_end(world: Any, end: Any, state: str, outcome: str, said: str) -> None:
    world = world(only())
    world.providers["email"][0].ends = [end]
    assert await world.send(*await world.plan("1")) == [state]
    stored = (await world.messages())["email ana"]
    (attempt,) = stored.message.attempts
    assert (stored.state, attempt.outcome, attempt.reason) == (state, outcome, said)
    assert "canary" not in str(stored)
    assert world.metric("attempts", channel="email", provider="one", outcome=outcome) == 1
    if state == "queued":
        assert stored.due_at == attempt.next_at
        assert stored.due_at is not None
        world.clock.now = stored.due_at
        assert await world.send(*await world.take()) == ["sent"]


async def test_a_crash_before_the_call_is_an_attempt_too(world: Any) -> None:
    world = world(only())
    world.providers["email"][0].request = crash_in_request
    assert await world.send(*await world.plan("1")) == ["queued"]
    (attempt,) = (await world.messages())["email ana"].message.attempts
    assert (attempt.outcome, attempt.reason) == ("retry", "the provider's code failed: RuntimeError")
    assert attempt.request is None


async def test_a_provider_that_never_answers_is_left_at_the_deadline(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SEND_DEADLINE", timedelta(milliseconds=5))
    world = world(only(), on_unknown="hold")

    async def send(delivery: Any) -> Any:
        await asyncio.Event().wait()

    world.providers["email"][0].send = send
    assert await world.send(*await world.plan("1")) == ["unknown"]


async def test_after_the_last_wait_it_fails_and_says_how_often_it_was_tried(world: Any) -> None:
    world = world(only())
    world.providers["email"][0].ends = [Retry("busy"), Retry("busy"), Retry("busy")]
    states = await world.send(*await world.plan("1"))
    waits = []
    while states == ["queued"]:
        due = (await world.messages())["email ana"].due_at
        waits.append(due - world.clock.now)
        world.clock.now = due - timedelta(microseconds=1)
        assert await world.take() == []
        world.clock.now = due
        states = await world.send(*await world.take())
    assert (states, waits) == (["failed"], [5 * SECONDS, 60 * SECONDS])
    stored = (await world.messages())["email ana"]
    assert stored.message.attempts[-1].reason == "busy; 3 attempts made, none is left"
    assert {delivery.message_id for delivery in world.providers["email"][0].deliveries} == {stored.message.id}
    assert [delivery.attempt for delivery in world.providers["email"][0].deliveries] == [1, 2, 3]


async def test_a_provider_that_refuses_altogether_gives_way_to_the_second_at_once(world: Any) -> None:
    world = world(only(), providers=2)
    first, second = world.providers["email"]
    first.ends = [Rejected("wrong password", scope="provider")]
    assert await world.send(*await world.plan("1")) == ["queued"]
    assert (await world.messages())["email ana"].due_at == NOW
    assert await world.send(*await world.take()) == ["sent"]
    assert (len(first.deliveries), len(second.deliveries)) == (1, 1)
    attempts = (await world.messages())["email ana"].message.attempts
    assert [(each.provider, each.outcome) for each in attempts] == [("one", "rejected"), ("two", "accepted")]


async def test_when_both_providers_are_down_the_schedule_begins_with_the_first_again(world: Any) -> None:
    world = world(only(), providers=2)
    first, second = world.providers["email"]
    first.ends = [Rejected("wrong password", scope="provider")] * 3
    second.ends = [Retry("busy")] * 2
    await world.send(*await world.plan("1"))
    await world.send(*await world.take())
    assert (await world.messages())["email ana"].due_at == NOW + 5 * SECONDS
    assert await world.take() == []
    world.clock.now += 5 * SECONDS
    await world.send(*await world.take())
    await world.send(*await world.take())
    assert (await world.messages())["email ana"].due_at == world.clock.now + 60 * SECONDS
    assert (len(first.deliveries), len(second.deliveries)) == (2, 2)
    world.clock.now += 60 * SECONDS
    await world.send(*await world.take())
    assert await world.send(*await world.take()) == ["sent"]


# -- leases --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "state"), [("retry", "queued"), ("hold", "unknown")])
async def test_an_abandoned_attempt_is_unknown_and_its_channel_says_what_follows(
    world: Any, policy: str, state: str
) -> None:
    world = world(only(), on_unknown=policy)
    (outgoing,) = await world.plan("1")
    world.clock.now = outgoing.lease_until
    (claim,) = await world.store.take_abandoned(
        owner="b", now=world.clock.now, lease_until=world.clock.now + LEASE, limit=9
    )
    await world.engine.settle([world.engine.abandoned(claim)])
    stored = (await world.messages())["email ana"]
    (attempt,) = stored.message.attempts
    assert (stored.state, attempt.outcome, attempt.started_at) == (state, "unknown", NOW)
    assert "stopped before the answer" in attempt.reason
    assert world.metric("duplicates_possible", channel="email") == (policy == "retry")


async def test_an_answer_that_comes_after_the_lease_is_kept_and_counted_and_changes_nothing(world: Any) -> None:
    world = world(only())
    (outgoing,) = await world.plan("1")
    slow = await world.engine.attempt(outgoing)
    world.clock.now = outgoing.lease_until
    (claim,) = await world.store.take_abandoned(
        owner="b", now=world.clock.now, lease_until=world.clock.now + LEASE, limit=9
    )
    await world.engine.settle([world.engine.abandoned(claim)])
    await world.engine.settle([slow])
    assert world.metric("settlements_late", channel="email") == 1
    stored = (await world.messages())["email ana"]
    assert stored.state == "queued"
    assert [(each.outcome, each.late) for each in stored.message.attempts] == [("unknown", False), ("accepted", True)]


async def test_a_plan_of_one_whose_lease_was_lost_sends_nothing(world: Any) -> None:
    world = world(only())
    pending = await world.accept("1", owner="somebody else")
    handover = await world.engine.plan(pending, {"email": 9})
    assert (handover.outgoing, handover.inbox) == ([], [])
    assert await world.messages() == {}


# -- plans ---------------------------------------------------------------------------------------------------------


async def test_what_there_is_no_room_for_is_queued(world: Any) -> None:
    world = world(only())
    room = {"email": 1}
    outgoing = (await world.engine.plan(await world.accept("1", "2"), room)).outgoing
    assert (len(outgoing), room) == (1, {"email": 0})
    page = await world.store.list_messages("default", after=None, limit=9)
    assert sorted(each.state for each in page.items) == ["queued", "sending"]
    assert await world.send(*await world.take()) == ["sent"]


async def test_an_event_that_breaks_its_plan_is_put_aside_and_the_others_go_on(world: Any) -> None:
    world = world(only(), breaking(target(**ANA), name="odd", when="event.id == 'poison'"))
    outgoing = await world.plan("1", "poison", "2")
    assert [each.claim.run.events[0].id for each in outgoing] == ["1", "2"]
    assert (await world.story("poison")).event.state == "pending"
    for claims in range(2, MAX_CLAIMS + 1):
        world.clock.now += LEASE
        (again,) = await world.store.take_pending(
            owner="a", now=world.clock.now, lease_until=world.clock.now + LEASE, limit=9
        )
        assert again.claims == claims
        assert (await world.engine.plan([again], {"email": 9})).outgoing == []
    story = await world.story("poison")
    assert story.event.state == "quarantined"
    assert story.event.explanation["quarantined"]["values"] == {"error": "ZeroDivisionError", "claims": MAX_CLAIMS}
    assert "c1@example.com" not in str(story.event.explanation)
    assert world.metric("events_quarantined", type="order.paid") == 1
    world.clock.now += LEASE
    assert await world.store.take_pending(owner="a", now=world.clock.now, lease_until=world.clock.now, limit=9) == []


async def test_a_condition_that_breaks_holds_up_nobody_else(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = world(only())
    really = deciding.match

    def match(event: Any, *others: Any) -> Any:
        if event.id == "poison":
            raise MemoryError
        return really(event, *others)

    monkeypatch.setattr(deciding, "match", match)
    assert len(await world.plan("1", "poison", "2")) == 2
    assert (await world.story("poison")).event.state == "pending"


async def test_who_was_made_known_by_a_plan_that_broke_is_not_known(world: Any) -> None:
    upsert = {"name": "event.data.name", "email": "'c1@example.com'"}
    person = target(person="event.data.id", upsert=upsert)
    world = world(only(person))
    really = world.engine._advance

    def advance_one(run: Any, *others: Any) -> Any:
        if run.events[0].id == "poison":
            raise ZeroDivisionError
        return really(run, *others)

    world.engine._advance = advance_one
    outgoing = await world.plan("poison", "1", id="c1", name="C")
    assert len(outgoing) == 1
    assert (await world.store.recipients("default", ["c1"]))["c1"].name == "C"


@pytest.mark.parametrize(
    "id", [pytest.param("a\0b", id="a NUL"), pytest.param("x" * 201, id="too long"), pytest.param("", id="empty")]
)
async def test_an_event_that_names_somebody_whom_no_database_could_keep_names_nobody(world: Any, id: str) -> None:
    world = world(only(target(person="event.data.id", upsert={"email": "'c1@example.com'"})))
    assert await world.plan("1", id=id) == []
    (considered,) = (await world.story("1")).event.explanation["notifications"]
    assert considered["recipients"][0]["reason"]["code"] == "no_person"
    assert (await world.store.list_recipients("default", after=None, limit=9)).items == []


async def test_one_recipient_of_two_events_in_a_batch_is_brought_up_to_date_in_order(world: Any) -> None:
    upsert = {"name": "event.id", "email": "'c1@example.com'"}
    world = world(only(target(person="event.data.id", upsert=upsert)))
    assert len(await world.plan("1", "2", id="c1")) == 2
    assert (await world.store.recipients("default", ["c1"]))["c1"].name == "2"


# -- texts ---------------------------------------------------------------------------------------------------------

FAILED = {
    "the language": (LanguageError("total is undefined"), "its text failed: total is undefined"),
    "its code": (ZeroDivisionError("canary"), "its text failed: the code behind it failed: ZeroDivisionError"),
}


@pytest.mark.parametrize(("error", "said"), FAILED.values(), ids=FAILED)
async def test_a_text_that_fails_ends_its_message_and_says_why(world: Any, error: Exception, said: str) -> None:
    world = world(only(send=["email", "sms"], said={"email": error}))
    (outgoing,) = await world.plan("1")
    assert outgoing.claim.message.channel == "sms"
    stored = (await world.messages())["email ana"]
    (attempt,) = stored.message.attempts
    assert (stored.state, attempt.provider, attempt.outcome, attempt.reason) == ("failed", "text", "rejected", said)
    assert "canary" not in str(stored)
    assert world.metric("expression_failures", where="text") == 1
    assert world.metric("messages_ended", channel="email", state="failed") == 1


async def test_a_first_of_whose_text_fails_goes_on_at_once(world: Any) -> None:
    world = world(only(send={"first_of": ["email", "sms"]}, said={"email": LanguageError("no")}))
    assert await world.plan("1") == []
    assert await world.store.next_due() == NOW
    (outgoing,) = await world.advance()
    assert outgoing.claim.message.channel == "sms"
    assert await world.send(outgoing) == ["sent"]
    (run,) = (each for each in (await world.story("1")).runs if each.run.recipient == "ana")
    assert run.state == "done"


async def test_a_first_of_goes_on_when_its_message_fails_and_stops_when_one_worked(world: Any) -> None:
    world = world(only(send={"first_of": ["email", "sms", "push"]}))
    world.providers["email"][0].ends = [Rejected("no such mailbox", scope="address")]
    assert await world.send(*await world.plan("1")) == ["failed"]
    assert await world.send(*await world.advance()) == ["sent"]
    assert await world.advance() == []
    (run,) = (each for each in (await world.story("1")).runs if each.run.recipient == "ana")
    codes = [entry.reason.code for entry in run.run.log]
    assert codes[0] == "sends_first"
    assert {key: stored.state for key, stored in (await world.messages()).items()} == {
        "email ana": "failed",
        "sms ana": "sent",
    }


async def test_an_inbox_message_is_stored_with_the_plan_and_needs_no_room(world: Any) -> None:
    world = world(only(send="inapp"))
    handover = await world.engine.plan(await world.accept("1"), {})
    outgoing, inbox = handover.outgoing, handover.inbox
    assert outgoing == []
    assert [item.recipient for item in inbox] == ["ana", "bia"]
    page = await world.store.inbox("default", "ana", after=None, limit=9, unread=True)
    assert [item.content["title"] for item in page.items] == ["t"]
    assert (await world.messages())["inapp ana"].state == "sent"


# -- what comes back -----------------------------------------------------------------------------------------------


async def test_a_message_that_waited_is_said_anew_with_its_recipient_as_they_are_now(world: Any) -> None:
    upsert = {"name": "event.data.name", "email": "'c1@example.com'"}
    said = {"email": lambda context: deciding.Reason(context["recipient"]["name"])}
    world = world(only(target(person="event.data.id", upsert=upsert), said=said))
    await world.plan("1", room=0, id="c1", name="Before")
    now_called = Recipient(id="c1", name="After", addresses={"email": ["other@example.com"]})
    await world.store.put_recipients("default", [now_called], now=NOW)
    (outgoing,) = await world.take()
    assert outgoing.body.code == "After"
    assert outgoing.claim.message.address == "c1@example.com"


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        pytest.param("recipient", "its text failed: the recipient is gone", id="its recipient"),
        pytest.param(
            "notification",
            "its text failed: its notification or its channel is no longer in the project",
            id="its notification",
        ),
        pytest.param(
            "channel", "its text failed: its notification or its channel is no longer in the project", id="its channel"
        ),
        pytest.param("text", "its text failed: no text for email in en", id="its text in this language"),
        pytest.param("code", "its text failed: the code behind it failed: ValueError", id="the sense in its text"),
    ],
)
async def test_a_message_that_waited_and_cannot_be_said_any_more_fails_alone(world: Any, gone: str, said: str) -> None:
    upsert = {"email": "'c1@example.com'", "locale": "'en'"}
    world = world(
        only(target(person="event.data.id", upsert=upsert)), only(target(system="erp"), send="webhook", name="erp")
    )
    await world.plan("1", room=0, id="c1")
    catalogue = world.engine.catalogue
    match gone:
        case "recipient":
            await world.store.delete_recipient("default", "c1", now=world.clock())
        case "notification":
            del catalogue.notifications["paid"]
        case "channel":
            del world.engine.providers["email"]
        case "text":
            catalogue.notifications["paid"].composers["email"] = {"fr": Text(), "de": Text()}
        case "code":
            catalogue.notifications["paid"].composers["email"] = {"en": Text(ValueError())}
    assert [each.claim.message.channel for each in await world.take()] == ["webhook"]
    stored = (await world.messages())["email c1"]
    assert stored.state == "failed"
    assert stored.message.attempts[0].reason.startswith(said)


async def test_a_run_that_breaks_holds_up_no_other_and_is_asked_again(world: Any) -> None:
    world = world(only(send={"first_of": ["email", "sms"]}, said={"email": LanguageError("no")}))
    await world.plan("1", "poison", "2")
    really = world.engine._advance
    poisoned = True

    def advance_one(run: Any, *others: Any) -> Any:
        if poisoned and run.events[0].id == "poison":
            raise ZeroDivisionError
        return really(run, *others)

    world.engine._advance = advance_one
    assert [each.claim.run.events[0].id for each in await world.advance()] == ["1", "2"]
    assert await world.advance() == []
    poisoned = False
    world.clock.now += LEASE
    assert [each.claim.run.events[0].id for each in await world.advance()] == ["poison"]


@pytest.mark.parametrize("gone", ["recipient", "notification"])
async def test_a_run_whose_world_is_gone_ends_and_says_so(world: Any, gone: str) -> None:
    upsert = {"email": "'c1@example.com'", "sms": "'+5511987654321'"}
    person = target(person="event.data.id", upsert=upsert)
    world = world(only(person, send={"first_of": ["email", "sms"]}))
    world.providers["email"][0].ends = [Rejected("no")]
    await world.send(*await world.plan("1", id="c1"))
    if gone == "recipient":
        await world.store.delete_recipient("default", "c1", now=world.clock())
    else:
        del world.engine.catalogue.notifications["paid"]
    assert await world.advance() == []
    (run,) = (await world.story("1")).runs
    assert (run.state, run.run.log[-1].reason.code) == ("done", f"{gone}_gone")
