"""Receipts on each database: each counts once, in any order, and what follows is there with it."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from msgspec import structs

from arauto.decide.signals import receipt_key, shared_receipt_key
from arauto.model import Await, Consent, Message, Receipt, Sent, Wishes
from arauto.store import Consequence, NewMessage, RunRecord, Store, Suppression

SECOND = timedelta(seconds=1)


def nothing(message: Message, receipt: Receipt) -> Consequence:
    return Consequence()


def told(message: Message | str, kind: Any, *, after: int = 1, **more: Any) -> Receipt:
    from store.conftest import NOW

    id = message if isinstance(message, str) else message.id
    return Receipt(message=id, kind=kind, at=NOW + after * SECOND, **more)


async def state(store: Store, message: Message) -> tuple[str, str | None]:
    stored = await store.message(message.id)
    assert stored is not None
    return stored.state, stored.receipt


async def test_a_receipt_counts_once_however_often_it_comes(store: Store, make: Any) -> None:
    message = await make.one_message(store, "sent")
    delivered, opened = told(message, "delivered", detail="250 ok"), told(message, "opened", after=2)
    kept = await store.record_receipts([opened, delivered, delivered], nothing, now=make.now)
    assert sorted(receipt.kind for _, receipt in kept.new) == ["delivered", "opened"]
    assert (kept.repeated, kept.unknown, kept.woken) == (1, 0, False)
    again = await store.record_receipts([structs.replace(delivered, at=make.now + 9 * SECOND)], nothing, now=make.now)
    assert (again.new, again.repeated) == ((), 1)
    stored = await store.message(message.id)
    assert stored is not None
    assert stored.receipt == "opened"
    assert [(each.kind, each.at, each.detail) for each in stored.receipts] == [
        ("delivered", make.now + SECOND, "250 ok"),
        ("opened", make.now + 2 * SECOND, None),
    ]


async def test_of_a_bounce_for_now_and_one_for_good_both_are_kept(store: Store, make: Any) -> None:
    message = await make.one_message(store, "sent")
    for permanent in (False, True):
        kept = await store.record_receipts([told(message, "bounced", permanent=permanent)], nothing, now=make.now)
        assert len(kept.new) == 1
    assert await state(store, message) == ("sent", "bounced")


async def test_whatever_the_order_the_furthest_is_the_same(store: Store, make: Any) -> None:
    for number, order in enumerate(permutations(["delivered", "opened", "bounced"])):
        message = await make.one_message(store, "sent", id=str(number))
        for kind in order:
            await store.record_receipts([told(message, kind)], nothing, now=make.now)
        assert await state(store, message) == ("sent", "opened")


async def test_a_receipt_of_no_message_of_ours_is_counted_and_not_kept(store: Store, make: Any) -> None:
    message = await make.one_message(store, "sent")
    kept = await store.record_receipts([told("msg_other", "read"), told(message, "read")], nothing, now=make.now)
    assert ([receipt.message for _, receipt in kept.new], kept.unknown) == ([message.id], 1)
    kept = await store.record_receipts([told("msg_other", "read")], nothing, now=make.now)
    assert (kept.new, kept.repeated, kept.unknown) == ((), 0, 1)
    assert (await store.record_receipts([], nothing, now=make.now)).new == ()


async def test_one_that_comes_before_its_attempt_is_settled_is_not_lost(store: Store, make: Any) -> None:
    message = await make.one_message(store, "sending")
    await store.record_receipts([told(message, "delivered")], nothing, now=make.now)
    assert await state(store, message) == ("sending", "delivered")
    await store.settle([make.settlement(message, 1, "sent")], now=make.now)
    assert await state(store, message) == ("sent", "delivered")


@pytest.mark.parametrize("outcome", ["queued", "failed", "unknown", "expired"])
async def test_what_arrived_is_sent_whatever_its_attempt_says(store: Store, make: Any, outcome: Any) -> None:
    message = await make.one_message(store, "sending", awaited=True)
    await store.record_receipts([told(message, "delivered")], nothing, now=make.now)
    due_at = make.now + SECOND if outcome == "queued" else None
    await store.settle([make.settlement(message, 1, outcome, due_at=due_at)], now=make.now)
    assert await state(store, message) == ("sent", "delivered")
    assert await make.claim(store, now=make.now + 9 * SECOND) == []
    (due,) = await store.take_due_runs(owner="a", now=make.now, lease_until=make.lease, limit=9)
    assert due.messages == {message.id: "sent"}


async def test_of_what_nobody_knew_any_receipt_says_that_it_was_sent(store: Store, make: Any) -> None:
    for number, (before, kind) in enumerate([("unknown", "failed"), ("unknown", "bounced"), ("sending", "failed")]):
        message = await make.one_message(store, before, id=str(number))
        await store.record_receipts([told(message, kind)], nothing, now=make.now)
        await store.settle([make.settlement(message, 1, "unknown")], now=make.now)
        assert await state(store, message) == ("sent", kind)


@pytest.mark.parametrize("before", ["unknown", "queued", "failed", "expired", "held", "cancelled"])
async def test_what_arrived_is_known_to_be_sent(store: Store, make: Any, before: Any) -> None:
    message = await make.one_message(store, before, awaited=True, due_at=make.now)
    kept = await store.record_receipts([told(message, "opened")], nothing, now=make.now)
    assert kept.woken
    assert await state(store, message) == ("sent", "opened")
    assert await make.claim(store) == []
    (due,) = await store.take_due_runs(owner="a", now=make.now, lease_until=make.lease, limit=9)
    assert due.messages == {message.id: "sent"}


@pytest.mark.parametrize(
    ("kind", "permanent", "seen"),
    [
        ("bounced", True, "failed"),
        ("failed", False, "failed"),
        ("failed", True, "failed"),
        ("bounced", False, "sent"),
        ("complained", False, "sent"),
    ],
)
async def test_what_did_not_arrive_wakes_the_run_that_waits_for_its_outcome(
    store: Store, make: Any, kind: Any, permanent: bool, seen: str
) -> None:
    message = await make.one_message(store, "sent", awaited=True)
    kept = await store.record_receipts([told(message, kind, permanent=permanent)], nothing, now=make.now)
    assert kept.woken == (seen == "failed")
    assert await state(store, message) == ("sent", kind)
    due = await store.take_due_runs(owner="a", now=make.now, lease_until=make.lease, limit=9)
    assert [each.messages for each in due] == ([{message.id: "failed"}] if seen == "failed" else [])


async def listening(store: Store, make: Any, id: str, recipient: str, *keys: Any) -> Message:
    """A sent message of a run that listens for these keys of itself."""
    event = make.event(id)
    run = make.run(event, recipient=recipient)
    message = make.message(run)
    run = structs.replace(run, sent=(Sent(0, "email", (message.id,)),), listening=True)
    awaits = tuple(Await(key(run), event.key) for key in keys)
    record = RunRecord(
        run=run,
        state="waiting",
        due_at=make.now + timedelta(days=1),
        messages=(NewMessage(message=message, state="sent"),),
        awaits=awaits,
    )
    return message, record


async def test_the_run_that_listens_hears_of_it_at_once_and_once(store: Store, make: Any) -> None:
    (event,) = await make.append(store, "1")
    one, record = await listening(store, make, "1", "ana", lambda run: receipt_key("read", run.key))
    _, other = await listening(store, make, "1", "bruno", lambda run: receipt_key("read", run.key))
    await make.plan(store, event, record, other)
    kept = await store.record_receipts([told(one, "opened"), told(one, "read")], nothing, now=make.now)
    assert kept.woken
    (due,) = await store.take_due_runs(owner="a", now=make.now, lease_until=make.lease, limit=9)
    assert due.run.recipient == "ana"
    assert [(signal.key, signal.receipt and signal.receipt.kind) for signal in due.run.signals] == [
        (receipt_key("read", due.run.key), "read")
    ]
    kept = await store.record_receipts([told(one, "read", after=5)], nothing, now=make.now)
    assert not kept.woken


async def test_one_by_anybody_wakes_all_who_were_told_of_the_event(store: Store, make: Any) -> None:
    (event,) = await make.append(store, "1")

    def key(run: Any) -> str:
        return shared_receipt_key("acknowledged", run.notification, run.events[0].key)

    one, record = await listening(store, make, "1", "ana", key)
    _, other = await listening(store, make, "1", "bruno", key)
    await make.plan(store, event, record, other)
    assert (await store.record_receipts([told(one, "acknowledged")], nothing, now=make.now)).woken
    due = await store.take_due_runs(owner="a", now=make.now, lease_until=make.lease, limit=9)
    assert sorted(each.run.recipient for each in due) == ["ana", "bruno"]
    assert all(each.run.signals[0].receipt.message == one.id for each in due)


async def test_addresses_and_consent_end_with_it_and_only_when_it_is_new(store: Store, make: Any) -> None:
    message = await make.one_message(store, "sent")

    def end(message: Message, receipt: Receipt) -> Consequence:
        consent = Consent(category="news", channel="email", given=False, at=receipt.at, how="receipt")
        return Consequence(
            Suppression("hash", "email", receipt.kind, receipt.at),
            lambda wishes: (Wishes(categories={"news": {"email": False}}), (consent,)),
        )

    complaint = told(message, "complained")
    for _ in range(2):
        await store.record_receipts([complaint, complaint], end, now=make.now)
    assert (await store.suppressed("default", ["hash"]))["hash"].reason == "complained"
    assert (await store.wishes("default", ["ana"]))["ana"].categories == {"news": {"email": False}}
    assert len(await store.consents("default", "ana")) == 1
    assert await store.release_address("default", "hash")
    await store.record_receipts([complaint], end, now=make.now)
    assert await store.suppressed("default", ["hash"]) == {}, "a call that came again ends nothing again"


async def test_what_is_read_in_the_inbox_has_a_receipt(store: Store, make: Any) -> None:
    (event,) = await make.append(store, "1")
    message, record = await listening(store, make, "1", "ana", lambda run: receipt_key("read", run.key))
    (new,) = record.messages
    record = structs.replace(record, messages=(structs.replace(new, inbox=make.inbox_item(message)),))
    await make.plan(store, event, record)
    marked = await store.mark_inbox("default", "ana", None, read=True, now=make.now)
    assert (marked.changed, marked.woken) == (1, True)
    assert await state(store, message) == ("sent", "read")
    await store.mark_inbox("default", "ana", None, read=False, now=make.now)
    marked = await store.mark_inbox("default", "ana", [message.id], read=True, now=make.now + SECOND)
    assert (marked.changed, marked.woken) == (1, False)


async def test_a_settlement_says_that_its_address_is_gone(store: Store, make: Any) -> None:
    message = await make.one_message(store, "sending")
    settlement = make.settlement(message, 1, "failed")
    gone = structs.replace(settlement, suppress=Suppression("h", "email", "rejected", make.now))
    assert await store.settle([gone], now=make.now) == [True]
    assert set(await store.suppressed("default", ["h"])) == {"h"}
    late = await make.one_message(store, "sending", id="2")
    lost = structs.replace(
        make.settlement(late, 7, "failed"), suppress=Suppression("h2", "email", "rejected", make.now)
    )
    assert await store.settle([lost], now=make.now) == [False]
    assert await store.suppressed("default", ["h2"]) == {}


# -- listing by the state that people see ----------------------------------------------------------------------------


async def test_messages_are_found_by_the_state_that_people_see(store: Store, make: Any) -> None:
    by: dict[str, str] = {}
    for name, state, kind in [
        ("sent", "sent", None),
        ("delivered", "sent", "delivered"),
        ("bounced", "sent", "bounced"),
        ("by-receipt", "sent", "failed"),
        ("failed", "failed", None),
        ("unknown", "unknown", None),
        ("due", "queued", None),
    ]:
        message = await make.one_message(store, state, id=name, due_at=make.now)
        by[message.id] = name
        if kind is not None:
            await store.record_receipts([told(message, kind)], nothing, now=make.now)
    later = await make.one_message(store, "queued", id="later", due_at=make.now + SECOND)
    by[later.id] = "later"

    async def found(state: Any, **more: Any) -> list[str]:
        names: list[str] = []
        after = None
        while True:
            page = await store.list_messages("default", after=after, limit=1, state=state, now=make.now, **more)
            names += [by[each.message.id] for each in page.items]
            after = page.next
            if after is None:
                return names

    for filters in ({}, {"recipient": "ana"}, {"channel": "email"}, {"notification": "order-paid"}):
        assert await found("sent", **filters) == ["sent"], filters
        assert await found("delivered", **filters) == ["delivered"], filters
        assert await found("bounced", **filters) == ["bounced"], filters
        assert await found("failed", **filters) == ["failed", "by-receipt"], filters
        assert await found("unknown", **filters) == ["unknown"], filters
        assert await found("queued", **filters) == ["due"], filters
        assert await found("waiting", **filters) == ["later"], filters
        assert await found("read", **filters) == [], filters
        assert len(await found(None, **filters)) == 8, filters
    assert await found(None, notification="other") == []


async def test_messages_since_and_until(store: Store, make: Any) -> None:
    made = []
    for number in range(4):
        (event,) = await make.append(store, str(number))
        run = make.run(event)
        message = structs.replace(make.message(run), created_at=make.now + number * timedelta(hours=1))
        await make.plan(
            store, event, RunRecord(run=run, state="done", messages=(NewMessage(message=message, state="failed"),))
        )
        made.append(message.id)
    page = await store.list_messages("default", after=None, limit=3, since=make.now + timedelta(hours=2))
    assert ([each.message.id for each in page.items], page.next) == ([made[3], made[2]], None)
    page = await store.list_messages("default", after=None, limit=9, state="failed", until=make.now)
    assert [each.message.id for each in page.items] == [made[0]]
    assert page.items[0].receipts == ()
