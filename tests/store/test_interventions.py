"""What people do about messages, on each database; and replays, which happen once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from arauto.errors import UsageFault
from arauto.model import Receipt
from arauto.store import Consequence, NewMessage, PlanRecord, Replay, RunRecord, Selection, Store

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


async def seen(store: Store, id: str) -> Any:
    stored = await store.message(id)
    assert stored is not None
    return stored


@pytest.mark.parametrize("state", ["failed", "expired", "unknown", "held", "cancelled"])
async def test_a_retried_message_is_due_at_once_with_a_new_life(store: Store, make: Any, state: Any) -> None:
    message = await make.one_message(store, state)
    later = make.now + timedelta(days=3)
    done = await store.intervene("default", [message.id], "retry", by="ana", now=later)
    assert [each.id for each in done.changed] == [message.id]
    stored = await seen(store, message.id)
    assert (stored.state, stored.due_at) == ("queued", later)
    assert stored.message.expires_at == later + timedelta(days=1)
    assert [(each.did, each.by, each.at) for each in stored.message.interventions] == [("retry", "ana", later)]
    (claim,) = await make.claim(store, now=later)
    assert claim.message == stored.message


async def test_a_message_that_bounced_is_sent_again_and_its_receipts_begin_anew(store: Store, make: Any) -> None:
    message = await make.one_message(store, "sent")

    async def bounce(after: int) -> None:
        at = make.now + after * SECOND
        receipt = Receipt(message=message.id, kind="bounced", at=at, permanent=True)
        await store.record_receipts([receipt], lambda *_: Consequence(), now=at)

    await bounce(1)
    await store.intervene("default", [message.id], "retry", by="ana", now=make.now + 60 * SECOND)
    stored = await seen(store, message.id)
    assert (stored.state, stored.receipt, len(stored.receipts)) == ("queued", None, 1)
    await bounce(2)
    assert (await seen(store, message.id)).receipt is None, "it is of the sending before"
    (claim,) = await make.claim(store, now=make.now + 60 * SECOND)
    await store.settle([make.settlement(claim.message, claim.fence, "sent")], now=make.now + 61 * SECOND)
    await bounce(62)
    stored = await seen(store, message.id)
    assert (stored.state, stored.receipt, len(stored.receipts)) == ("sent", "bounced", 2)


@pytest.mark.parametrize(
    ("deed", "before", "after"),
    [
        ("release", "held", "queued"),
        ("release", "unknown", "queued"),
        ("cancel", "queued", "cancelled"),
        ("cancel", "held", "cancelled"),
        ("cancel", "unknown", "cancelled"),
        ("hold", "queued", "held"),
    ],
)
async def test_a_deed(store: Store, make: Any, deed: Any, before: Any, after: str) -> None:
    message = await make.one_message(store, before, due_at=make.now + HOUR)
    await store.intervene("default", [message.id], deed, by="ana", now=make.now)
    stored = await seen(store, message.id)
    assert (stored.state, stored.due_at) == (after, make.now if after == "queued" else None)
    assert (await store.next_due() is None) == (after != "queued")


@pytest.mark.parametrize(
    ("deed", "state"),
    [
        ("retry", "sent"),
        ("retry", "queued"),
        ("retry", "sending"),
        ("cancel", "sending"),
        ("cancel", "sent"),
        ("hold", "sending"),
        ("release", "failed"),
    ],
)
async def test_what_its_state_does_not_allow_is_left(store: Store, make: Any, deed: Any, state: Any) -> None:
    message = await make.one_message(store, state, due_at=make.now)
    done = await store.intervene("default", [message.id, "msg_none"], deed, by="ana", now=make.now)
    assert (done.changed, done.left, done.unknown) == ((), {message.id: state}, ("msg_none",))
    stored = await seen(store, message.id)
    assert (stored.state, stored.message) == (state, message)


async def test_another_tenants_message_is_unknown(store: Store, make: Any) -> None:
    message = await make.one_message(store, "failed")
    done = await store.intervene("filial", [message.id], "retry", by="ana", now=make.now)
    assert done.unknown == (message.id,)


async def test_a_cancelled_message_tells_the_run_that_waits_for_it(store: Store, make: Any) -> None:
    message = await make.one_message(store, "unknown", awaited=True)
    await store.intervene("default", [message.id], "cancel", by="ana", now=make.now)
    (due,) = await store.take_due_runs(owner="a", now=make.now, lease_until=make.lease, limit=9)
    assert due.messages == {message.id: "cancelled"}


async def test_an_attempt_that_ends_after_its_message_was_retried_is_late(store: Store, make: Any) -> None:
    message = await make.one_message(store, "sending")
    (claim,) = await store.take_abandoned(owner="a", now=make.lease, lease_until=make.lease + HOUR, limit=9)
    await store.settle([make.settlement(claim.message, claim.fence, "unknown", outcome="unknown")], now=make.lease)
    await store.intervene("default", [message.id], "retry", by="ana", now=make.lease)
    assert await store.settle([make.settlement(message, 1, "sent")], now=make.lease) == [False]
    stored = await seen(store, message.id)
    assert stored.state == "queued"
    assert [attempt.late for attempt in stored.message.attempts] == [False, True]
    assert stored.message.recent[-1].late


# -- replays ---------------------------------------------------------------------------------------------------------


async def many(store: Store, make: Any, count: int, state: Any = "failed", prefix: str = "r") -> list[str]:
    ids = []
    for number in range(count):
        (event,) = await make.append(store, f"{prefix}{number}")
        run = make.run(event, name=f"n{number % 2}")
        message = structs.replace(make.message(run), created_at=make.now + number * SECOND)
        new = NewMessage(message=message, state=state)
        await make.plan(store, event, RunRecord(run=run, state="done", messages=(new,)))
        ids.append(message.id)
    return ids


async def queued(store: Store, ids: list[str]) -> list[str]:
    """Those of these that are queued."""
    return [id for id in ids if (await seen(store, id)).state == "queued"]


def wanted(make: Any, id: str = "again", **more: Any) -> Replay:
    since, until = more.pop("since", make.now), more.pop("until", make.now + HOUR)
    selection = Selection(state=more.pop("state", "failed"), **more)
    return Replay(id=id, selection=selection, since=since, until=until, per_second=2, begun_at=make.now + HOUR)


async def test_a_replay_goes_on_in_batches_at_its_rate_and_happens_once(store: Store, make: Any) -> None:
    ids = await many(store, make, 5)
    now = make.now + HOUR
    assert await store.selected(wanted(make)) == {("email", "n0"): 3, ("email", "n1"): 2}
    reached, counts = await store.replay(wanted(make), by="ana", limit=2, now=now)
    assert (counts, reached.replayed, reached.over) == ({("email", "n0"): 1, ("email", "n1"): 1}, 2, False)
    assert await queued(store, ids) == ids[:2]
    await store.replay(wanted(make), by="ana", limit=2, now=now)
    reached, counts = await store.replay(wanted(make), by="ana", limit=2, now=now)
    assert (counts, reached.replayed, reached.over) == ({("email", "n0"): 1}, 5, True)
    assert await queued(store, ids) == ids
    due = [(await seen(store, id)).due_at for id in ids]
    assert due == [now + number * SECOND / 2 for number in range(5)]
    assert reached.last_due_at == due[-1]
    (claim,) = await make.claim(store, now=now)
    await store.settle([make.settlement(claim.message, claim.fence, "failed")], now=now)
    reached, counts = await store.replay(wanted(make), by="ana", limit=2, now=now + HOUR)
    assert (counts, reached.replayed, reached.over) == ({}, 5, True)
    reached, counts = await store.replay(wanted(make, "another"), by="ana", limit=9, now=now + HOUR)
    assert counts == {("email", "n0"): 1}
    stored = await seen(store, ids[0])
    assert [each.did for each in stored.message.interventions] == ["replay", "replay"]


async def test_a_replay_that_goes_on_later_keeps_its_rate(store: Store, make: Any) -> None:
    ids = await many(store, make, 4)
    await store.replay(wanted(make), by="ana", limit=2, now=make.now + HOUR)
    later = make.now + 2 * HOUR
    await store.replay(wanted(make), by="ana", limit=2, now=later)
    assert [(await seen(store, id)).due_at for id in ids[2:]] == [later, later + SECOND / 2]


@pytest.mark.parametrize(
    ("more", "chosen"),
    [
        ({"notification": "n1"}, [1, 3]),
        ({"channel": "sms"}, []),
        ({"recipient": "ana"}, [0, 1, 2, 3]),
        ({"recipient": "bruno"}, []),
        ({"since": 1}, [1, 2, 3]),
        ({"until": 1}, [0, 1]),
        ({"state": "expired"}, []),
    ],
)
async def test_a_replay_takes_what_it_selects(store: Store, make: Any, more: Any, chosen: list[int]) -> None:
    ids = await many(store, make, 4)
    more = {key: make.now + value * SECOND if isinstance(value, int) else value for key, value in more.items()}
    _, counts = await store.replay(wanted(make, **more), by="ana", limit=9, now=make.now + HOUR)
    assert sum(counts.values()) == len(chosen)
    assert await queued(store, ids) == [ids[number] for number in chosen]


async def test_what_failed_by_a_receipt_is_replayed_with_what_failed_by_its_attempts(store: Store, make: Any) -> None:
    first = await many(store, make, 1, prefix="a")
    sent = await many(store, make, 2, "sent", prefix="b")
    last = await many(store, make, 1, prefix="c")
    receipt = Receipt(message=sent[1], kind="failed", at=make.now)
    await store.record_receipts([receipt], lambda *_: Consequence(), now=make.now)
    assert sum((await store.selected(wanted(make))).values()) == 3
    while True:
        reached, counts = await store.replay(wanted(make), by="ana", limit=1, now=make.now + HOUR)
        assert sum(counts.values()) <= 1
        if reached.over:
            break
    all_three = [*first, sent[1], *last]
    assert await queued(store, all_three) == all_three
    due = [(await seen(store, id)).due_at for id in all_three]
    assert due == sorted(due)
    assert (await seen(store, sent[0])).state == "sent"


async def test_an_id_stands_for_one_replay(store: Store, make: Any) -> None:
    await many(store, make, 1)
    await store.replay(wanted(make), by="ana", limit=9, now=make.now)
    with pytest.raises(UsageFault, match="id of its own"):
        await store.replay(wanted(make, channel="sms"), by="ana", limit=9, now=make.now)


# -- events ----------------------------------------------------------------------------------------------------------


async def test_events_that_missed_a_notification_are_pending_for_it_alone(store: Store, make: Any) -> None:
    for number in range(3):
        (event,) = await make.append(store, str(number))
        await make.plan(store, event)
    await make.append(store, "other", type="order.shipped")
    await make.append(store, "still-pending")
    again = wanted(make, events="missed", notification="new", types=("order.paid",), since=make.now)
    assert await store.selected(again) == {("order.paid", "new"): 3}
    reached, counts = await store.replay(again, by="ana", limit=2, now=make.now + HOUR)
    assert (counts, reached.over) == ({("order.paid", "new"): 2}, False)
    reached, counts = await store.replay(again, by="ana", limit=2, now=make.now + HOUR)
    assert (counts, reached.over, reached.replayed) == ({("order.paid", "new"): 1}, True, 3)
    lease = {"owner": "a", "now": make.now + HOUR, "lease_until": make.now + 2 * HOUR, "limit": 9}
    taken = await store.take_pending(**lease)
    first = next(each for each in taken if each.missed)
    assert (first.event.id, first.claims, first.missed) == ("0", 1, "new")
    assert [each.event.id for each in taken if each.missed] == ["0"], "the others are due later, by the rate"
    plan = PlanRecord(
        event=first.event.key,
        missed="new",
        explanation={"notifications": [{"notification": "new", "matched": True}], "catalogue": "v2"},
    )
    committed = await store.commit_plans([plan], owner="a", now=make.now, lease_until=make.lease)
    assert committed.events == {first.event.key}
    (stored,) = await store.find_events("default", "0")
    assert stored.state == "planned"
    assert stored.explanation == {"why": "so", "notifications": [{"notification": "new", "matched": True}]}
    assert (await store.replay(again, by="ana", limit=2, now=make.now + HOUR))[1] == {}


async def test_events_that_were_put_aside_are_pending_again(store: Store, make: Any) -> None:
    (event,) = await make.append(store, "1")
    await store.quarantine(event.key, {"quarantined": "broken"})
    again = wanted(make, events="quarantined", since=make.now)
    assert await store.selected(again) == {("order.paid", None): 1}
    await store.replay(again, by="ana", limit=9, now=make.now)
    (taken,) = await store.take_pending(owner="a", now=make.now, lease_until=make.lease, limit=9)
    assert (taken.event, taken.claims, taken.missed) == (event, 1, None)
    assert await store.selected(again) == {}
