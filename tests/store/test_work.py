"""The way of an event through the store: leases, fences, and that everything may run twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from arauto.errors import StoreUnavailable
from arauto.model import Recipient, Sent
from arauto.store import NewMessage, PlanRecord, RunRecord, Store

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


async def take_pending(
    store: Store, make: Any, *, now: Any, owner: str = "b", limit: int = 10
) -> list[tuple[str, int]]:
    taken = await store.take_pending(owner=owner, now=now, lease_until=now + MINUTE, limit=limit)
    return [(pending.event.id, pending.claims) for pending in taken]


async def take_runs(store: Store, now: Any, *, owner: str = "b", limit: int = 10) -> list[Any]:
    return await store.take_due_runs(owner=owner, now=now, lease_until=now + MINUTE, limit=limit)


# -- accept --------------------------------------------------------------------------------------------------------


async def test_every_event_of_a_batch_has_its_answer_in_order(store: Store, make: Any) -> None:
    await make.append(store, "old")
    batch = [
        make.new("b"),
        make.new("old"),
        make.new("a"),
        make.new("b"),
        make.new("b", body="other"),
        make.new("old", body="other"),
        make.new("b", source="erp"),
        make.new("b", tenant="filial"),
    ]
    answers = await store.append_events(batch, owner="a", now=make.now, lease_until=make.lease)
    assert [answer.outcome for answer in answers] == [
        "new",
        "same",
        "new",
        "same",
        "conflict",
        "conflict",
        "new",
        "new",
    ]
    assert [answer.key for answer in answers] == [new.event.key for new in batch]
    assert {answer.body_hash for answer in answers} == {"hash"}


async def test_events_appended_twice_are_there_once(store: Store, make: Any) -> None:
    batch = [make.new("1"), make.new("2")]
    for expected in ("new", "same"):
        answers = await store.append_events(batch, owner="a", now=make.now, lease_until=make.lease)
        assert {answer.outcome for answer in answers} == {expected}
    assert (await store.counts()).events == {"pending": 2}
    (stored,) = await store.find_events("default", "1")
    assert stored.event == batch[0].event
    assert (stored.received_at, stored.body_hash, stored.state) == (make.now, "hash", "pending")


async def test_nothing_appended_is_no_error(store: Store, make: Any) -> None:
    assert await store.append_events([], owner="a", now=make.now, lease_until=make.lease) == []


async def test_events_appended_at_the_same_time_are_new_for_one_only(store: Store, make: Any) -> None:
    batch = [make.new(str(number)) for number in range(50)]
    answers = await asyncio.gather(
        store.append_events(batch, owner="a", now=make.now, lease_until=make.lease),
        store.append_events(batch[::-1], owner="b", now=make.now, lease_until=make.lease),
        store.append_events(batch, owner="c", now=make.now, lease_until=make.lease),
    )
    outcomes = [answer.outcome for each in answers for answer in each]
    assert outcomes.count("new") == 50
    assert outcomes.count("same") == 100


# -- plan ----------------------------------------------------------------------------------------------------------


async def test_pending_events_are_taken_when_their_lease_has_ended(store: Store, make: Any) -> None:
    await make.append(store, "1", "2", "3")
    assert await take_pending(store, make, now=make.lease - SECOND) == []
    assert await take_pending(store, make, now=make.lease, limit=2) == [("1", 2), ("2", 2)]
    assert await take_pending(store, make, now=make.lease) == [("3", 2)]
    assert await take_pending(store, make, now=make.lease) == []
    later = make.lease + MINUTE
    assert await take_pending(store, make, now=later, owner="c") == [("1", 3), ("2", 3), ("3", 3)]


async def test_a_plan_is_stored_whole(store: Store, make: Any) -> None:
    first, second = await make.append(store, "1", "2")
    run = make.run(first, second, sent=(Sent(0, "email", ("m",)),))
    sending = NewMessage(message=make.message(run), state="sending")
    queued = NewMessage(message=make.message(run, "sms"), state="queued", due_at=make.now + MINUTE)
    bell = NewMessage(
        message=make.message(run, "inapp"), state="sent", inbox=make.inbox_item(make.message(run, "inapp"))
    )
    record = RunRecord(run=run, state="waiting", due_at=make.now + 2 * MINUTE, messages=(sending, queued, bell))
    await make.plan(store, first, record)

    story = await store.story(first.key)
    assert story is not None
    assert (story.event.state, story.event.explanation) == ("planned", {"why": "so"})
    assert [(each.run, each.state, each.due_at) for each in story.runs] == [(run, "waiting", record.due_at)]
    assert [(each.message, each.state, each.due_at, each.claimed_at) for each in story.messages] == [
        (sending.message, "sending", None, make.now),
        (queued.message, "queued", queued.due_at, None),
        (bell.message, "sent", None, None),
    ]
    assert await store.message(bell.message.id) == story.messages[2]
    other = await store.story(second.key)
    assert other is not None
    assert other.runs == story.runs, "a run is told with each of its events"
    assert other.messages == story.messages
    assert (await store.inbox("default", "ana", after=None, limit=9, unread=False)).items == [bell.inbox]
    assert await store.story("evt_unknown") is None
    assert await store.message("msg_unknown") is None


async def test_a_plan_counts_only_under_its_lease_and_once(store: Store, make: Any) -> None:
    mine, stolen, done = await make.append(store, "1", "2", "3")
    await make.plan(store, done)
    await store.end_all_leases(make.now)
    taken = await store.take_pending(owner="b", now=make.now, lease_until=make.lease, limit=10)
    assert len(taken) == 2
    plans = [
        PlanRecord(event=event.key, explanation="a", runs=(RunRecord(run=make.run(event), state="done"),))
        for event in (mine, stolen, done)
    ]
    assert (await store.commit_plans(plans, owner="a", now=make.now, lease_until=make.lease)).events == set()
    assert (await store.commit_plans(plans[:1] * 2, owner="b", now=make.now, lease_until=make.lease)).events == {
        mine.key
    }
    assert (await store.commit_plans(plans[:1], owner="b", now=make.now, lease_until=make.lease)).events == set()
    assert (await store.counts()).events == {"pending": 1, "planned": 2}
    assert (await store.counts()).runs == {"done": 1}


async def test_a_lease_that_ended_but_was_not_taken_still_counts(store: Store, make: Any) -> None:
    (event,) = await make.append(store, "1")
    plan = PlanRecord(event=event.key, explanation=None)
    late = make.lease + MINUTE
    assert (await store.commit_plans([plan], owner="a", now=late, lease_until=late + MINUTE)).events == {event.key}


async def test_upserts_of_a_plan_overwrite_recipients(store: Store, make: Any) -> None:
    first, second = await make.append(store, "1", "2", tenant="filial")
    await store.put_recipients("filial", [Recipient(id="ana", name="Old")], now=make.now)
    plans = [
        PlanRecord(event=event.key, explanation=None, upserts=(Recipient(id="ana", name=name),))
        for event, name in ((first, "Ana"), (second, "Ana Souza"))
    ]
    await store.commit_plans(plans, owner="a", now=make.now, lease_until=make.lease)
    assert await store.recipients("filial", {"ana", "nobody"}) == {"ana": Recipient(id="ana", name="Ana Souza")}
    assert await store.recipients("default", {"ana"}) == {}


async def test_the_upserts_of_a_plan_that_does_not_count_are_not_stored(store: Store, make: Any) -> None:
    (event,) = await make.append(store, "1")
    plan = PlanRecord(event=event.key, explanation=None, upserts=(Recipient(id="ana"),))
    await store.commit_plans([plan], owner="other", now=make.now, lease_until=make.lease)
    assert await store.recipients("default", ["ana"]) == {}


async def test_a_quarantined_event_is_out_of_the_way(store: Store, make: Any) -> None:
    bad, good = await make.append(store, "bad", "good")
    await make.plan(store, good)
    for event in (bad, good, bad):
        await store.quarantine(event.key, {"error": event.id})
    assert await take_pending(store, make, now=make.lease) == []
    assert (await store.counts()).events == {"quarantined": 1, "planned": 1}
    (stored,) = await store.find_events("default", "bad")
    assert stored.explanation == {"error": "bad"}


# -- advance -------------------------------------------------------------------------------------------------------


async def test_waiting_runs_are_taken_when_due_oldest_first(store: Store, make: Any) -> None:
    for id, minutes in (("1", 3), ("2", 1), ("3", 2)):
        (event,) = await make.append(store, id)
        record = RunRecord(run=make.run(event), state="waiting", due_at=make.now + minutes * MINUTE)
        await make.plan(store, event, record)
    assert await take_runs(store, make.now) == []
    (due,) = await take_runs(store, make.now + 3 * MINUTE, limit=1)
    assert due.run.events[0].id == "2"
    assert due.messages == {}
    assert {each.run.events[0].id for each in await take_runs(store, make.now + 3 * MINUTE)} == {"1", "3"}
    assert await take_runs(store, make.now + 3 * MINUTE) == [], "all are under lease"
    assert len(await take_runs(store, make.now + 4 * MINUTE)) == 3, "their leases have ended"


async def test_an_advanced_run_counts_only_under_its_lease(store: Store, make: Any) -> None:
    (event,) = await make.append(store, "1")
    run = make.run(event)
    await make.plan(store, event, RunRecord(run=run, state="waiting", due_at=make.now))
    message = NewMessage(message=make.message(run), state="queued")
    record = RunRecord(run=structs.replace(run, step=1), state="waiting", due_at=make.lease, messages=(message,))
    commit = {"now": make.now, "lease_until": make.lease}
    assert (await store.commit_runs([record], owner="a", **commit)).runs == set(), "nobody has it"
    assert len(await take_runs(store, make.now, owner="a")) == 1
    assert len(await take_runs(store, make.now + MINUTE, owner="b")) == 1, "stolen"
    assert (await store.commit_runs([record], owner="a", **commit)).runs == set()
    assert await store.message(message.message.id) is None
    assert (await store.commit_runs([record, record], owner="b", **commit)).runs == {run.key}
    assert (await store.commit_runs([record], owner="b", **commit)).runs == set(), "its lease ended with its commit"
    (due,) = await take_runs(store, make.lease)
    assert due.run == record.run
    assert due.messages == {message.message.id: "queued"}
    done = RunRecord(run=structs.replace(run, step=2), state="done")
    assert (await store.commit_runs([done], owner="b", **commit)).runs == {run.key}
    assert await take_runs(store, make.lease + 9 * MINUTE) == []
    assert (await store.counts()).runs == {"done": 1}


@pytest.mark.parametrize("state", ["sent", "failed", "expired"])
async def test_an_awaited_message_that_ends_wakes_its_run(store: Store, make: Any, state: str) -> None:
    message = await make.one_message(store, "sending", awaited=True)
    assert await take_runs(store, make.now + 9 * MINUTE) == [], "it has no time of its own"
    assert await store.settle([make.settlement(message, 1, state)], now=make.now) == [True]
    (due,) = await take_runs(store, make.now)
    assert due.messages == {message.id: state}
    assert due.run.sent[0].messages == (message.id,)


@pytest.mark.parametrize("state", ["queued", "held"])
async def test_an_awaited_message_that_has_not_ended_wakes_nobody(store: Store, make: Any, state: str) -> None:
    message = await make.one_message(store, "sending", awaited=True)
    assert await store.settle([make.settlement(message, 1, state)], now=make.now) == [True]
    assert await take_runs(store, make.now) == []


async def test_a_message_that_ends_while_its_run_is_advanced_wakes_it_again(store: Store, make: Any) -> None:
    (event,) = await make.append(store, "1")
    run = make.run(event)
    message = make.message(run, awaited=True)
    new = NewMessage(message=message, state="sending")
    await make.plan(store, event, RunRecord(run=run, state="waiting", due_at=make.now, messages=(new,)))
    (due,) = await take_runs(store, make.now)
    assert due.messages == {message.id: "sending"}
    assert await store.settle([make.settlement(message, 1, "failed")], now=make.now) == [True]
    record = RunRecord(run=run, state="waiting", due_at=None)
    assert (await store.commit_runs([record], owner="b", now=make.now, lease_until=make.lease)).runs == {run.key}
    (due,) = await take_runs(store, make.now)
    assert due.messages == {message.id: "failed"}
    assert (await store.commit_runs([record], owner="b", now=make.now, lease_until=make.lease)).runs == {run.key}
    assert await take_runs(store, make.now + 9 * MINUTE) == [], "it was woken once"


# -- send and settle -----------------------------------------------------------------------------------------------


async def test_each_channel_gives_as_many_messages_as_it_has_room_oldest_first(store: Store, make: Any) -> None:
    for number in range(4):
        due_at = make.now - number * SECOND
        await make.one_message(store, "queued", id=f"e{number}", due_at=due_at)
        await make.one_message(store, "queued", id=f"s{number}", channel="sms", due_at=due_at)
    await make.one_message(store, "queued", id="future", due_at=make.now + SECOND)
    claims = await make.claim(store, email=2, sms=3, push=5)
    assert {claim.run.events[0].id for claim in claims} == {"e3", "e2", "s3", "s2", "s1"}
    assert {(claim.fence, claim.since) for claim in claims} == {(1, make.now)}
    assert {claim.run.events[0].id for claim in await make.claim(store, email=9, sms=0)} == {"e0", "e1"}
    assert {claim.run.events[0].id for claim in await make.claim(store, sms=9)} == {"s0"}
    assert await make.claim(store, push=9) == []
    assert await store.take_due_messages(owner="a", now=make.now, lease_until=make.lease, room={}) == []


async def test_a_claimed_message_comes_with_its_run_and_events(store: Store, make: Any) -> None:
    first, second = await make.append(store, "1", "2")
    run = make.run(first, second, step=3)
    message = make.message(run)
    await make.plan(
        store, first, RunRecord(run=run, state="done", messages=(NewMessage(message=message, state="queued"),))
    )
    (claim,) = await make.claim(store)
    assert (claim.message, claim.run) == (message, run)


async def test_a_settlement_is_written_once_and_may_be_repeated(store: Store, make: Any) -> None:
    message = await make.one_message(store, "sending")
    settlement = make.settlement(message, 1, "queued", due_at=make.now + MINUTE, outcome="retry")
    assert await store.settle([settlement], now=make.now) == [True]
    assert await store.settle([settlement], now=make.now) == [True]
    stored = await store.message(message.id)
    assert stored is not None
    assert (stored.message, stored.state, stored.due_at) == (settlement.message, "queued", settlement.due_at)
    (claim,) = await make.claim(store, now=make.now + MINUTE)
    assert (claim.fence, claim.message) == (2, settlement.message)
    assert await store.settle([settlement], now=make.now) == [False], "its claim is over, and it is not kept twice"
    stored = await store.message(message.id)
    assert stored is not None
    assert (stored.message, stored.state) == (settlement.message, "sending")
    assert stored.claimed_at == make.now + MINUTE


async def test_a_zombie_settles_late_and_nothing_is_lost(store: Store, make: Any) -> None:
    message = await make.one_message(store, "sending", awaited=True)
    take = {"owner": "b", "lease_until": make.lease + MINUTE, "limit": 9}
    assert await store.take_abandoned(now=make.lease - SECOND, **take) == []
    (claim,) = await store.take_abandoned(now=make.lease, **take)
    assert (claim.message, claim.fence, claim.since) == (message, 2, make.now)
    assert await store.take_abandoned(now=make.lease, **take) == []

    zombie = make.settlement(message, 1, "sent")
    assert await store.settle([zombie], now=make.lease) == [False]
    assert await store.settle([zombie, zombie], now=make.lease) == [False, False]
    late = structs.replace(zombie.message.attempts[0], late=True)
    stored = await store.message(message.id)
    assert stored is not None
    assert (stored.state, stored.message.attempts) == ("sending", (late,))
    assert await take_runs(store, make.lease) == [], "a late answer wakes nobody"

    unknown = make.settlement(claim.message, 2, "held", outcome="unknown")
    assert await store.settle([unknown], now=make.lease) == [True]
    stored = await store.message(message.id)
    assert stored is not None
    assert (stored.state, stored.message.attempts) == ("held", (unknown.message.attempts[0], late))


async def test_a_late_attempt_goes_with_the_next_claims(store: Store, make: Any) -> None:
    message = await make.one_message(store, "sending")
    (claim,) = await store.take_abandoned(owner="b", now=make.lease, lease_until=make.lease + MINUTE, limit=9)
    again = make.settlement(claim.message, 2, "queued", outcome="unknown", due_at=make.lease)
    assert await store.settle([again], now=make.lease) == [True]
    zombie = make.settlement(message, 1, "failed", outcome="rejected", reason="no")
    assert await store.settle([zombie], now=make.lease) == [False]
    (claim,) = await make.claim(store, now=make.lease)
    assert [(each.outcome, each.late) for each in claim.message.attempts] == [("unknown", False), ("rejected", True)]
    assert await store.settle([make.settlement(claim.message, 3, "sent")], now=make.lease) == [True]
    stored = await store.message(message.id)
    assert stored is not None
    assert [(each.number, each.late) for each in stored.message.attempts] == [(1, False), (1, True), (3, False)]


async def test_a_claim_can_be_given_back_without_an_attempt(store: Store, make: Any) -> None:
    message = await make.one_message(store, "sending")
    back = structs.replace(make.settlement(message, 1, "queued", due_at=make.now), message=message)
    assert await store.settle([back], now=make.now) == [True]
    (claim,) = await make.claim(store)
    assert claim.message.attempts == ()


async def test_a_batch_of_settlements_has_its_answers_in_order(store: Store, make: Any) -> None:
    one = await make.one_message(store, "sending", id="1")
    two = await make.one_message(store, "sending", id="2")
    unknown = structs.replace(one, id="msg_unknown")
    batch = [
        make.settlement(two, 7, "sent"),
        make.settlement(one, 1, "failed", outcome="rejected"),
        make.settlement(unknown, 1, "sent"),
        make.settlement(one, 1, "sent"),
    ]
    assert await store.settle(batch, now=make.now) == [False, True, False, False]
    assert (await store.counts()).messages == {"email": {"failed": 1, "sending": 1}}
    assert await store.settle([], now=make.now) == []


async def test_all_leases_can_be_ended(store: Store, make: Any) -> None:
    await make.append(store, "pending")
    await make.one_message(store, "sending", id="sending")
    (event,) = await make.append(store, "waiting")
    await make.plan(store, event, RunRecord(run=make.run(event), state="waiting", due_at=make.now))
    (later,) = await make.append(store, "later")
    await make.plan(store, later, RunRecord(run=make.run(later), state="waiting", due_at=make.lease))
    assert len(await take_runs(store, make.now)) == 1
    await store.end_all_leases(make.now)
    assert await take_pending(store, make, now=make.now) == [("pending", 2)]
    assert len(await store.take_abandoned(owner="b", now=make.now, lease_until=make.lease, limit=9)) == 1
    assert [due.run.events[0].id for due in await take_runs(store, make.now)] == ["waiting"]


async def test_the_next_due_thing_is_told(store: Store, make: Any) -> None:
    assert await store.next_due() is None
    at = {name: make.now + minutes * MINUTE for minutes, name in enumerate(("sms", "email", "run"), 2)}
    await make.one_message(store, "sent", id="done")
    await make.one_message(store, "held", id="held")
    (event,) = await make.append(store, "1")
    await make.plan(store, event, RunRecord(run=make.run(event), state="waiting", due_at=at["run"]))
    assert await store.next_due() == at["run"]
    await make.one_message(store, "queued", id="2", due_at=at["email"])
    assert await store.next_due() == at["email"]
    await make.one_message(store, "queued", id="3", channel="sms", due_at=at["sms"])
    assert await store.next_due() == at["sms"]
    await make.one_message(store, "sending", id="4")
    assert await store.next_due() == make.lease
    await store.append_events([make.new("5")], owner="a", now=make.now, lease_until=make.now + SECOND)
    assert await store.next_due() == make.now + SECOND


async def test_a_lease_on_a_run_comes_due_when_it_ends(store: Store, make: Any) -> None:
    (event,) = await make.append(store, "1")
    await make.plan(store, event, RunRecord(run=make.run(event), state="waiting", due_at=make.now))
    await take_runs(store, make.now)
    assert await store.next_due() == make.now + MINUTE


async def test_a_message_whose_run_waits_for_ever_is_not_due(store: Store, make: Any) -> None:
    message = await make.one_message(store, "sending", awaited=True)
    await store.settle([make.settlement(message, 1, "held")], now=make.now)
    assert await store.next_due() is None


async def test_a_verb_that_was_interrupted_leaves_the_store_usable(store: Store, make: Any) -> None:
    tasks = [asyncio.ensure_future(make.append(store, *[f"{task}-{id}" for id in range(20)])) for task in range(8)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, list | asyncio.CancelledError) for each in done)
    await store.ping()
    kept = (await store.counts()).events["pending"]
    assert kept % 20 == 0, "a batch is there or not"
    assert kept >= 80


async def test_verbs_that_look_and_verbs_that_write_do_not_disturb_each_other(store: Store, make: Any) -> None:
    async def write(task: int) -> None:
        for number in range(10):
            await make.append(store, f"{task}-{number}")

    async def look() -> None:
        for _ in range(10):
            await store.next_due()
            assert len(await store.find_events("default", "0-0")) <= 1
            assert set((await store.counts()).events) <= {"pending"}

    await asyncio.gather(write(0), look(), write(1), look(), write(2))
    assert (await store.counts()).events == {"pending": 30}


async def test_a_closed_store_is_not_available(url: str, make: Any) -> None:
    from arauto.store.opening import open_store

    store = await open_store(url)
    await store.close()
    with pytest.raises(StoreUnavailable):
        await make.append(store, "1")
    with pytest.raises(StoreUnavailable):
        await store.next_due()
