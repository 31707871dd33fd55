"""What was: how people, wishes and silences stood at a time, what events came since, and what waits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from arauto.model import Attempt, Receipt, Recipient, Silence, Wishes
from arauto.store import NewMessage, PlanRecord, RunRecord, Store
from arauto.store.history import Change, Tried
from arauto.store.receipts import nothing_follows
from store.conftest import NOW, Make

ANA = Recipient(id="ana", addresses={"email": ["ana@old.example"]})
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def later(recipient: Recipient, address: str) -> Recipient:
    return structs.replace(recipient, addresses={"email": [address]})


async def people(store: Store, at: Any) -> dict[str, Recipient]:
    """All of them, a page at a time."""
    found: dict[str, Recipient] = {}
    after: str | None = None
    while True:
        page = await store.people_then("default", at, after=after, limit=2)
        assert all(recipient.id not in found for recipient in page.recipients)
        found.update((recipient.id, recipient) for recipient in page.recipients)
        after = page.next
        if after is None:
            return found


async def test_people_are_shown_as_they_were(store: Store) -> None:
    new, newest = later(ANA, "ana@new.example"), later(ANA, "ana@newest.example")
    bia, caio = Recipient(id="bia"), Recipient(id="caio")
    await store.put_recipients("default", [ANA, bia], now=NOW)
    await store.put_recipients("default", [new], now=NOW + HOUR)
    await store.put_recipients("default", [new], now=NOW + 2 * HOUR)  # what changes nothing is no change
    await store.put_recipients("default", [newest, caio], now=NOW + 3 * HOUR)
    await store.put_recipients("filial", [bia], now=NOW)
    assert await store.delete_recipient("default", "bia", now=NOW + 4 * HOUR)
    then = [await people(store, NOW + step * HOUR) for step in (-1, 0, 1, 2, 3, 4)]
    assert then == [
        {},
        {"ana": ANA, "bia": bia},
        {"ana": new, "bia": bia},
        {"ana": new, "bia": bia},
        {"ana": newest, "bia": bia, "caio": caio},
        {"ana": newest, "caio": caio},
    ]
    assert await store.changes("default", NOW, NOW + 4 * HOUR) == [
        Change(at=NOW + HOUR, kind="recipient", id="ana", recipient=new),
        Change(at=NOW + 3 * HOUR, kind="recipient", id="ana", recipient=newest),
        Change(at=NOW + 3 * HOUR, kind="recipient", id="caio", recipient=caio),
        Change(at=NOW + 4 * HOUR, kind="recipient", id="bia"),
    ]


async def test_who_was_deleted_and_came_back_was_away_between(store: Store) -> None:
    await store.put_recipients("default", [ANA], now=NOW)
    await store.delete_recipient("default", "ana", now=NOW + HOUR)
    await store.put_recipients("default", [ANA], now=NOW + 2 * HOUR)
    assert [len(await people(store, NOW + step * HOUR)) for step in (0, 1, 2)] == [1, 0, 1]


async def test_of_several_changes_at_one_time_the_last_counts(store: Store) -> None:
    async def told() -> list[Any]:
        changes = await store.changes("default", NOW, NOW + 9 * HOUR)
        return [(each.at - NOW, each.recipient and each.recipient.addresses["email"]) for each in changes]

    for address in ("b", "a", "c", "0"):
        await store.put_recipients("default", [later(ANA, address)], now=NOW + HOUR)
    assert await told() == [(HOUR, ["0"])]
    await store.delete_recipient("default", "ana", now=NOW + 2 * HOUR)
    await store.put_recipients("default", [later(ANA, "d")], now=NOW + 2 * HOUR)
    assert await told() == [(HOUR, ["0"]), (2 * HOUR, None), (2 * HOUR, ["d"])]
    await store.delete_recipient("default", "ana", now=NOW + 2 * HOUR)
    assert await told() == [(HOUR, ["0"]), (2 * HOUR, None), (2 * HOUR, None)]


async def test_a_clock_that_is_set_back_turns_nothing_round(store: Store) -> None:
    for address, hour in (("a", 1), ("b", 5), ("c", 2), ("d", 3)):
        await store.put_recipients("default", [later(ANA, address)], now=NOW + hour * HOUR)
    await store.delete_recipient("default", "ana", now=NOW + 4 * HOUR)
    told = [
        each.recipient and each.recipient.addresses["email"]
        for each in await store.changes("default", NOW, NOW + 9 * HOUR)
    ]
    assert told == [["a"], None]
    assert [sorted(await people(store, NOW + hour * HOUR)) for hour in (4, 5)] == [["ana"], []]


async def test_wishes_and_silences_are_shown_as_they_were(store: Store) -> None:
    await store.put_recipients("default", [ANA], now=NOW)
    silence = Silence(id="deploy", owner="ti", reason="migração", drop=False, start=NOW)
    await store.put_silence("default", silence, now=NOW)
    wants = [Wishes(locale="pt-BR"), Wishes(locale="en")]
    for step, wishes in enumerate(wants, 1):

        def change(known: Wishes, wishes: Wishes = wishes) -> Any:
            return wishes, ()

        await store.change_wishes("default", "ana", change, now=NOW + step * HOUR)
    longer = structs.replace(silence, reason="migração longa")
    await store.put_silence("default", longer, now=NOW + HOUR)
    await store.delete_silence("default", "deploy", now=NOW + 2 * HOUR)
    then = [(await people(store, NOW + step * HOUR))["ana"].wishes.locale for step in (0, 1, 2)]
    assert then == [None, "pt-BR", "en"]
    assert [await store.silences_then("default", NOW + step * HOUR) for step in (-1, 0, 1, 2)] == [
        [],
        [silence],
        [longer],
        [],
    ]
    told = [(each.kind, each.id, each.silence) for each in await store.changes("default", NOW, NOW + 2 * HOUR)]
    assert told == [
        ("silence", "deploy", longer),
        ("wishes", "ana", None),
        ("silence", "deploy", None),
        ("wishes", "ana", None),
    ]


async def test_what_somebody_was_is_theirs_and_goes_with_them(store: Store) -> None:
    def wish(locale: str) -> Any:
        return lambda known: (Wishes(locale=locale), ())

    named = Silence(id="s", owner="ti", reason="ana@old.example is away", drop=False, start=NOW, recipients=("ana",))
    other = Silence(id="t", owner="ti", reason="deploy", drop=False, start=NOW)
    for step, address in enumerate(("ana@older.example", "ana@old.example", "ana@new.example")):
        at = NOW + step * HOUR
        await store.put_recipients(
            "default", [later(ANA, address), later(Recipient(id="bia"), f"{step}@b.example")], now=at
        )
        await store.change_wishes("default", "ana", wish(("pt-BR", "en", "de")[step]), now=at)
        await store.put_silence("default", structs.replace(named, drop=step == 1), now=at)
        await store.put_silence("default", structs.replace(other, drop=step == 1), now=at)
    kinds = [each["kind"] for each in await store.history_of("default", "ana")]
    assert sorted(map(str, kinds)) == ["recipient", "recipient", "silence", "silence", "wishes", "wishes"]
    await store.begin_erasure("default", "ana", "erased_1", known=None, shared=[], places=[], now=NOW + 4 * HOUR)
    while (await store.advance_erasure("default", "erased_1", patient=False, now=NOW + 4 * HOUR)).finished_at is None:
        pass
    assert await store.history_of("default", "ana") == []
    told = await store.changes("default", NOW - HOUR, NOW + 9 * HOUR)
    assert "ana" not in str(told).replace("erased_", "")
    assert [(each.kind, each.id) for each in told].count(("recipient", "bia")) == 3
    assert [(each.kind, each.id) for each in told].count(("silence", "t")) == 3


async def test_events_are_given_with_what_became_of_their_messages(store: Store, make: Make) -> None:
    moments = [NOW + step * HOUR for step in range(4)]
    for step, at in enumerate(moments):
        new = make.new(str(step), type="order.paid" if step != 2 else "order.lost")
        await store.append_events([new], owner="a", now=at, lease_until=at + HOUR)
    event = make.event("1")
    run = make.run(event)
    tried = Attempt(number=1, provider="smtp", started_at=NOW, ended_at=NOW, outcome="retry")
    again = Attempt(number=2, provider="smtp", started_at=NOW, ended_at=NOW, outcome="accepted")
    message = structs.replace(make.message(run), attempts=(tried, again))
    record = RunRecord(run=run, state="done", messages=(NewMessage(message=message, state="sent"),))
    plan = PlanRecord(event=event.key, explanation={}, runs=(record,))
    await store.commit_plans([plan], owner="a", now=moments[1], lease_until=moments[1] + HOUR)
    read = Receipt(message=message.id, kind="opened", at=moments[3])
    await store.record_receipts([read], nothing_follows, now=moments[3])

    first, newest = await store.first_event_since(NOW + timedelta(minutes=1))

    async def since(after: int, limit: int) -> list[Any]:
        found, _ = await store.events_since("default", after=after, last=newest, types=["order.paid"], limit=limit)
        return found

    found = await since(first - 1, 1)
    assert [(each.event.id, each.received_at) for each in found] == [("1", moments[1])]
    (told,) = found[0].messages
    assert (told.id, told.state, told.receipts) == (message.id, "sent", (read,))
    assert told.tried == (Tried("smtp", "retry"), Tried("smtp", "accepted"))
    assert [each.event.id for each in await since(found[0].sequence, 9)] == ["3"]
    assert await store.first_event_since(NOW + 9 * HOUR) == (newest + 1, newest)


async def test_few_events_are_given_at_once_where_they_had_many_messages(
    store: Store, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arauto.store.history._MESSAGES", 3)
    for id in "123":
        event = make.event(id)
        await store.append_events([make.new(id)], owner="a", now=NOW, lease_until=NOW + HOUR)
        runs = [make.run(event, recipient=name) for name in ("ana", "bia")]
        records = tuple(
            RunRecord(run=run, state="done", messages=(NewMessage(message=make.message(run), state="sent"),))
            for run in runs
        )
        plan = PlanRecord(event=event.key, explanation={}, runs=records)
        await store.commit_plans([plan], owner="a", now=NOW, lease_until=NOW + HOUR)
    _, newest = await store.first_event_since(NOW)
    after, found = 0, []
    for _ in range(3):
        events, more = await store.events_since("default", after=after, last=newest, types=["order.paid"], limit=9)
        found.append(([each.event.id for each in events], [len(each.messages) for each in events], more))
        after = events[-1].sequence
    assert found == [(["1"], [2], True), (["2"], [2], True), (["3"], [2], False)]


async def test_no_event_is_none(store: Store) -> None:
    assert await store.first_event_since(NOW) == (1, 0)
    assert (await store.under_way()).runs == ()


async def test_what_waits_is_counted_by_where_it_waits(store: Store, make: Make) -> None:
    for number in range(3):
        event = make.event(str(number))
        await store.append_events([make.new(str(number))], owner="a", now=NOW, lease_until=NOW + HOUR)
        run = structs.replace(make.run(event), step=number // 2, catalogue="v1")
        due = NOW + (number + 1) * HOUR
        message = NewMessage(message=make.message(run), state="queued", due_at=due)
        record = RunRecord(run=run, state="waiting", due_at=due, messages=(message,))
        plan = PlanRecord(event=event.key, explanation={}, runs=(record,))
        await store.commit_plans([plan], owner="a", now=NOW, lease_until=NOW + HOUR)
    found = await store.under_way()
    counted = [(each.step, each.count, each.first_due, each.last_due, each.gathers) for each in found.runs]
    assert counted == [(0, 2, NOW + HOUR, NOW + 2 * HOUR, False), (1, 1, NOW + 3 * HOUR, NOW + 3 * HOUR, False)]
    assert [(each.catalogue, each.example.notification) for each in found.runs] == [("v1", "order-paid")] * 2
    assert {(each.example.recipient, each.example.events) for each in found.runs} == {("", ())}, "it tells of nobody"
    assert [(each.channel, each.state, each.count) for each in found.messages] == [("email", "queued", 3)]


async def test_history_goes_with_the_oldest_event_that_it_could_be_asked_for(store: Store, make: Make) -> None:
    await store.put_recipients("default", [ANA], now=NOW)
    await store.put_recipients("default", [later(ANA, "b@x.example")], now=NOW + HOUR)
    assert await store.retire_history(10) == 0  # without any event, nobody knows what will be asked
    await store.append_events([make.new("1")], owner="a", now=NOW + HOUR, lease_until=NOW + 2 * HOUR)
    assert await store.retire_history(10) == 0
    await store.put_recipients("default", [later(ANA, "c@x.example")], now=NOW + 2 * HOUR)
    assert len(await store.history_of("default", "ana")) == 2
    await store.put_recipients("default", [later(ANA, "d@x.example")], now=NOW + 3 * HOUR)
    await store.quarantine(make.event("1").key, {})
    gone = await store.retire(HOUR, lambda told: HOUR, now=NOW + 9 * HOUR, limit=9)
    assert gone.gone == 1
    assert await store.retire_history(10) == 0
    await store.append_events([make.new("2")], owner="a", now=NOW + 150 * MINUTE, lease_until=NOW + 3 * HOUR)
    assert [await store.retire_history(1) for _ in range(3)] == [1, 1, 0]
    kept = [(each["since"], each["until"]) for each in await store.history_of("default", "ana")]
    assert kept == [(NOW + 2 * HOUR, NOW + 3 * HOUR)]
