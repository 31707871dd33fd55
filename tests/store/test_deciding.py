"""What only the store can decide: who takes the last allowance, whose digest an event joins, and who hears of what."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from msgspec import structs

from arauto.decide.signals import shared_receipt_key
from arauto.model import Await, Event, Merge, Receipt, Run, Sent, Started, Use
from arauto.store import Committed, Consequence, DueRun, NewMessage, PlanRecord, RunRecord, Store, StoredRun
from arauto.store.opening import open_store

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
UNDER_K = Merge("k")


class On:
    """A store with the few things that are done to it here."""

    def __init__(self, store: Store, make: Any, owner: str = "a") -> None:
        self.store, self.make, self.owner, self.now = store, make, owner, make.now

    def lease(self) -> dict[str, Any]:
        return {"owner": self.owner, "now": self.now, "lease_until": self.now + MINUTE}

    async def plan(self, *records: RunRecord, signals: dict[str, tuple[str, ...]] | None = None) -> Committed:
        """Append the first events of these runs, and commit their plans in one transaction."""
        by_event: dict[str, list[RunRecord]] = {}
        for record in records:
            by_event.setdefault(record.run.events[0].id, []).append(record)
        wanted = {**dict.fromkeys(by_event, ()), **(signals or {})}
        events = await self.make.append(self.store, *wanted, owner=self.owner)
        plans = [
            PlanRecord(
                event=event.key, explanation=None, runs=tuple(by_event.get(event.id, ())), signals=wanted[event.id]
            )
            for event in events
        ]
        return await self.store.commit_plans(plans, **self.lease())

    async def gather(self, *ids: str, merge: Merge = UNDER_K, until: timedelta = HOUR, **more: Any) -> Committed:
        """Runs of these events that wait under a key."""
        return await self.plan(*[self.waiting(self.make.event(id), merge, until, **more) for id in ids])

    def waiting(self, event: Event, merge: Merge = UNDER_K, until: timedelta = HOUR, **more: Any) -> RunRecord:
        end = self.now + until
        run = self.make.run(event, until=end, **more)
        return RunRecord(run=run, state="waiting", due_at=end, merge=merge)

    async def take(self) -> list[DueRun]:
        return await self.store.take_due_runs(**self.lease(), limit=99)

    async def commit(self, *records: RunRecord) -> Committed:
        return await self.store.commit_runs(records, **self.lease())

    async def runs(self, id: str) -> list[StoredRun]:
        story = await self.store.story(self.make.event(id).key)
        assert story is not None
        return list(story.runs)

    async def hosts(self, *ids: str) -> list[list[str]]:
        """The event ids of each run that still waits, of all that hold one of these events."""
        found = {stored.run.key: stored for id in ids for stored in await self.runs(id)}
        return sorted(ids_of(stored.run) for stored in found.values() if stored.state == "waiting")


def ids_of(run: Run) -> list[str]:
    return [event.id for event in run.events]


@pytest.fixture
def on(store: Store, make: Any) -> On:
    return On(store, make)


# -- merging -------------------------------------------------------------------------------------------------------


async def test_the_first_takes_in_those_after_it(on: On) -> None:
    await on.gather("1")
    await on.gather("2", until=2 * HOUR)
    committed = await on.gather("3")
    assert len(committed.runs) == 1
    assert await on.hosts("1", "2", "3") == [["1", "2", "3"]]
    (host, joined) = await on.runs("2")
    assert (host.due_at, host.run.until) == (on.now + HOUR, on.now + HOUR), "the end of a window stays"
    assert (joined.state, joined.due_at, joined.run.until) == ("done", None, None)
    assert [entry.reason.code for entry in joined.run.log] == ["merged"]


async def test_those_of_one_batch_become_one(on: On) -> None:
    await on.gather(*"abcdef")
    assert await on.hosts(*"abcdef") == [list("abcdef")]


async def test_keys_are_apart(on: On) -> None:
    await on.plan(*[on.waiting(on.make.event(id), Merge(id.upper())) for id in "ab"])
    await on.gather("c", merge=Merge("A"))
    assert await on.hosts(*"abc") == [["a", "c"], ["b"]]


@pytest.mark.parametrize(
    ("ends", "latest", "expected"),
    [
        pytest.param([10, 20], 60, 20, id="it slides"),
        pytest.param([10, 50, 70], 60, 60, id="but no further than its longest time"),
        pytest.param([30, 20], 60, 30, id="never backwards"),
        pytest.param([10, 20], None, 10, id="a window does not slide"),
    ],
)
async def test_a_sliding_end(on: On, ends: list[int], latest: int | None, expected: int) -> None:
    merge = Merge("k", None if latest is None else on.now + latest * MINUTE)
    for number, end in enumerate(ends):
        await on.gather(str(number), merge=merge, until=end * MINUTE)
    (host, *_) = await on.runs("0")
    assert (host.due_at, host.run.until) == (on.now + expected * MINUTE,) * 2


async def test_a_full_one_is_due_at_once(on: On) -> None:
    merge = Merge("k", at_most=3)
    assert not (await on.gather("1", merge=merge)).woken
    await on.gather("2", merge=merge)
    assert await on.take() == []
    assert (await on.gather("3", merge=merge)).woken
    ((due),) = await on.take()
    assert (ids_of(due.run), due.run.until) == (["1", "2", "3"], on.now)


async def test_a_run_that_holds_several_events_brings_them_all(on: On) -> None:
    await on.gather("1")
    one, two = await on.make.append(on.store, "2", "3", owner="a")
    await on.make.plan(on.store, two)
    record = RunRecord(
        run=on.make.run(one, two, until=on.now + HOUR), state="waiting", due_at=on.now + HOUR, merge=UNDER_K
    )
    await on.make.plan(on.store, one, record)
    assert await on.hosts("1") == [["1", "2", "3"]]


async def test_what_was_taken_back_is_not_brought_along(on: On) -> None:
    await on.gather("1")
    one, two = await on.make.append(on.store, "2", "3", owner="a")
    await on.make.plan(on.store, two)
    run = on.make.run(one, two, until=on.now + HOUR, retracted=(one.key,))
    await on.make.plan(on.store, one, RunRecord(run=run, state="waiting", due_at=on.now + HOUR, merge=UNDER_K))
    assert await on.hosts("1") == [["1", "3"]]


async def test_what_joins_while_its_host_decides_makes_it_decide_again(on: On) -> None:
    await on.gather("1")
    on.now += HOUR
    (due,) = await on.take()
    await on.gather("2")
    over = RunRecord(run=structs.replace(due.run, step=1, until=None), state="done")
    committed = await on.commit(over)
    assert (committed.runs, committed.woken) == (frozenset(), True)
    (again,) = await on.take()
    assert (ids_of(again.run), again.run.step) == (["1", "2"], 0)
    assert (await on.commit(RunRecord(run=structs.replace(again.run, step=1), state="done"))).runs
    assert await on.hosts("1", "2") == []


async def test_after_its_host_has_gone_a_key_is_free(on: On) -> None:
    await on.gather("1")
    on.now += HOUR
    (due,) = await on.take()
    await on.commit(RunRecord(run=structs.replace(due.run, step=1, until=None), state="done"))
    await on.gather("2")
    assert await on.hosts("1", "2") == [["2"]]


async def test_a_host_may_wait_again_under_its_key(on: On) -> None:
    await on.gather("1", "2")
    on.now += HOUR
    (due,) = await on.take()
    again = on.now + HOUR
    waiting = RunRecord(run=structs.replace(due.run, until=again), state="waiting", due_at=again, merge=UNDER_K)
    assert (await on.commit(waiting)).runs == {due.run.key}
    await on.gather("3")
    assert await on.hosts("1", "2", "3") == [["1", "2", "3"]]


async def test_a_host_that_waits_again_in_one_batch_with_those_who_join(on: On) -> None:
    await on.gather("1")
    await on.plan(*[RunRecord(run=on.make.run(on.make.event(id)), state="waiting", due_at=on.now) for id in "234"])
    on.now += HOUR
    due = {each.run.events[0].id: each.run for each in await on.take()}
    records = [
        RunRecord(
            run=structs.replace(due[id], until=on.now + HOUR), state="waiting", due_at=on.now + HOUR, merge=UNDER_K
        )
        for id in "4123"
    ]
    assert len((await on.commit(*records)).runs) == 4
    assert await on.hosts("1") == [["1", "4", "2", "3"]]


async def test_a_host_that_goes_to_wait_elsewhere_takes_nobody_with_it(on: On) -> None:
    await on.gather("1")
    await on.plan(RunRecord(run=on.make.run(on.make.event("2")), state="waiting", due_at=on.now))
    on.now += HOUR
    due = {each.run.events[0].id: each.run for each in await on.take()}
    end = on.now + HOUR
    leaves = RunRecord(
        run=structs.replace(due["1"], step=3, until=end), state="waiting", due_at=end, merge=Merge("other")
    )
    comes = RunRecord(run=structs.replace(due["2"], until=end), state="waiting", due_at=end, merge=UNDER_K)
    committed = await on.commit(comes, leaves)
    assert (committed.runs, committed.woken) == ({due["1"].key}, True)
    (again,) = await on.take()
    assert again.run.events[0].id == "2"
    await on.commit(comes)
    assert await on.hosts("1", "2") == [["1"], ["2"]]


async def test_a_run_that_was_woken_while_it_decided_does_not_join(on: On) -> None:
    """It has to hear of what woke it; and if it both joined and were asked again, its events would be there twice."""
    await on.gather("1")
    listens = RunRecord(
        run=on.make.run(on.make.event("2")),
        state="waiting",
        due_at=on.now,
        awaits=(Await("cancel_x", on.make.event("2").key, cancels=True),),
    )
    await on.plan(listens)
    (due,) = await on.take()
    await on.plan(signals={"3": ("cancel_x",)})
    joins = RunRecord(
        run=structs.replace(due.run, until=on.now + HOUR), state="waiting", due_at=on.now + HOUR, merge=UNDER_K
    )
    assert (await on.commit(joins)).runs == frozenset()
    (again,) = await on.take()
    assert [signal.event and signal.event.id for signal in again.run.signals] == ["3"]
    assert await on.hosts("1") == [["1"]]


async def test_who_lost_the_lease_joins_nobody(on: On) -> None:
    await on.gather("1")
    await on.plan(RunRecord(run=on.make.run(on.make.event("2")), state="waiting", due_at=on.now))
    (due,) = await on.take()
    other = On(on.store, on.make, "b")
    other.now = on.now + 2 * MINUTE
    assert [each.run.key for each in await other.take()] == [due.run.key]
    record = RunRecord(
        run=structs.replace(due.run, until=on.now + HOUR), state="waiting", due_at=on.now + HOUR, merge=UNDER_K
    )
    assert (await on.commit(record)).runs == frozenset()
    assert await on.hosts("1") == [["1"]]
    assert (await other.commit(record)).runs == {due.run.key}
    assert await on.hosts("1") == [["1", "2"]]


async def test_what_is_gathered_for_want_of_attention_is_told_apart(on: On) -> None:
    merge = Merge("overflow", apart=True)
    await on.gather("1", merge=merge, name="paid")
    await on.gather("2", merge=merge, name="shipped")
    (host, *_) = await on.runs("1")
    assert [(name, [event.id for event in events]) for name, events in host.run.items] == [
        ("paid", ["1"]),
        ("shipped", ["2"]),
    ]


async def test_many_who_meet_on_one_key_lose_and_double_nothing(url: str, make: Any) -> None:
    """Two nodes plan and close digests of one key at the same time, round after round: each event is told once."""
    first = await open_store(url)
    second = first if first.exclusive else await open_store(url)
    try:
        nodes = [On(first, make, "a"), On(second, make, "b")]
        told: list[str] = []
        planned: list[str] = []
        for turn in range(12):
            ids = [f"{turn}-{number}" for number in range(8)]
            planned += ids
            await asyncio.gather(
                *[nodes[number % 2].gather(id, until=MINUTE) for number, id in enumerate(ids)],
                *[close(node, told) for node in nodes],
            )
            for node in nodes:
                node.now += 31 * SECOND
        for node in nodes:
            node.now += HOUR
        for _ in range(5):
            await close(nodes[0], told)
            nodes[0].now += HOUR
        assert sorted(told) == sorted(planned)
    finally:
        await first.close()
        if second is not first:
            await second.close()


async def close(on: On, told: list[str]) -> None:
    """End the digests that are due; what was told counts only if the store took it."""
    due = await on.take()
    await asyncio.sleep(0)
    records = [RunRecord(run=structs.replace(each.run, step=1, until=None), state="done") for each in due]
    committed = await on.commit(*records)
    for each in due:
        if each.run.key in committed.runs:
            told.extend(ids_of(each.run))


# -- allowances ----------------------------------------------------------------------------------------------------


def using(on: On, id: str, *uses: Use, **more: Any) -> RunRecord:
    before = on.make.run(on.make.event(id))
    return RunRecord(run=structs.replace(before, step=1), state="done", uses=uses, before=before, **more)


def use(at_most: int = 2, per: timedelta = HOUR, count: int = 1, key: str = "throttle_x") -> Use:
    return Use(key, at_most, per, count)


async def test_as_many_as_allowed_are_granted_and_the_others_know_when_there_is_room(on: On) -> None:
    committed = await on.plan(*[using(on, id, use()) for id in "abc"])
    assert (len(committed.runs), committed.woken) == (2, True)
    (due,) = await on.take()
    assert due.run == on.make.run(on.make.event("c"), refused={"throttle_x": on.now + HOUR}, listening=True)


@pytest.mark.parametrize(
    ("taken", "wanted", "granted", "free_at"),
    [
        pytest.param([0, 10], use(2), False, 60, id="room when the first of two has gone"),
        pytest.param([0, 10], use(3), True, None, id="room for a third"),
        pytest.param([0, 10], use(2, count=2), False, 70, id="room for two when both have gone"),
        pytest.param([0, 10, 20], use(2), False, 70, id="more than allowed were taken before: the second must go"),
        pytest.param([], use(2, count=5), True, None, id="more than there ever is: when all is free"),
        pytest.param([0], use(2, count=5), False, 60, id="and not before"),
        pytest.param([0], use(1, per=30 * MINUTE), True, None, id="a span that is over"),
        pytest.param([0], use(1, per=30 * MINUTE + SECOND), False, 30, id="a span that is nearly over"),
        pytest.param([0], use(1, key="throttle_y"), True, None, id="another key"),
    ],
)
async def test_when_there_is_room(on: On, taken: list[int], wanted: Use, granted: bool, free_at: int | None) -> None:
    start = on.now
    for number, minute in enumerate(taken):
        on.now = start + minute * MINUTE
        assert (await on.plan(using(on, f"t{number}", use(9)))).runs
    on.now = start + 30 * MINUTE
    committed = await on.plan(using(on, "x", wanted))
    assert bool(committed.runs) == granted
    if not granted:
        (due,) = await on.take()
        assert free_at is not None
        at = due.run.refused[wanted.key]
        assert at.replace(second=start.second) == start + free_at * MINUTE


async def test_all_or_nothing(on: On) -> None:
    await on.plan(using(on, "a", use(1, key="full")))
    event = on.make.event("b")
    run = on.make.run(event)
    message = NewMessage(message=on.make.message(run), state="queued", due_at=on.now)
    other = Await("step_z", event.key)
    started = on.make.run(event, recipient="bia")
    record = using(
        on,
        "b",
        use(1, key="free"),
        use(1, key="full"),
        messages=(message,),
        awaits=(other,),
        started=(Started(started, ()),),
    )
    assert not (await on.plan(record)).runs
    story = await on.store.story(event.key)
    assert story is not None
    assert story.messages == ()
    assert [stored.run.recipient for stored in story.runs] == ["ana"]
    assert (await on.plan(using(on, "c", use(1, key="free")))).runs, "what was not granted has taken nothing"


async def test_what_was_refused_listens_all_the_same(on: On) -> None:
    await on.plan(using(on, "a", use(1)))
    event = on.make.event("b")
    await on.plan(using(on, "b", use(1), awaits=(Await("cancel_x", event.key, cancels=True),)))
    await on.plan(signals={"c": ("cancel_x",)})
    (due,) = await on.take()
    assert due.run.listening
    assert [signal.about for signal in due.run.signals] == [event.key]


async def test_of_many_at_the_same_time_no_more_than_allowed(url: str, make: Any) -> None:
    first = await open_store(url)
    second = first if first.exclusive else await open_store(url)
    try:
        nodes = [On(first, make, "a"), On(second, make, "b")]
        committed = await asyncio.gather(
            *[node.plan(using(node, f"{node.owner}{number}", use(5))) for number in range(10) for node in nodes]
        )
        assert sum(len(each.runs) for each in committed) == 5
    finally:
        await first.close()
        if second is not first:
            await second.close()


# -- listening -----------------------------------------------------------------------------------------------------


def listening(on: On, id: str, *awaits: Await, state: Any = "waiting", **more: Any) -> RunRecord:
    end = on.now + HOUR
    return RunRecord(
        run=on.make.run(on.make.event(id), until=end, listening=True),
        state=state,
        due_at=end if state == "waiting" else None,
        awaits=awaits,
        **more,
    )


@pytest.mark.parametrize("order", ["run event", "event run", "together"])
async def test_an_event_wakes_who_listens_whichever_was_planned_first(on: On, order: str) -> None:
    """``about`` came first, so what came after it counts, also when that was planned before."""
    (about,) = await on.make.append(on.store, "1", owner="a")
    record = listening(on, "1", Await("step_x", about.key))
    if order == "run event":
        await on.make.plan(on.store, about, record)
        assert (await on.plan(signals={"2": ("step_x",)})).woken
    elif order == "event run":
        await on.plan(signals={"2": ("step_x",)})
        plan = PlanRecord(event=about.key, explanation=None, runs=(record,))
        assert (await on.store.commit_plans([plan], **on.lease())).woken
    else:
        (other,) = await on.make.append(on.store, "2", owner="a")
        plans = [
            PlanRecord(event=about.key, explanation=None, runs=(record,)),
            PlanRecord(event=other.key, explanation=None, signals=("step_x",)),
        ]
        assert (await on.store.commit_plans(plans, **on.lease())).woken
    (due,) = await on.take()
    (signal,) = due.run.signals
    assert (signal.key, signal.about, signal.event and signal.event.id) == ("step_x", about.key, "2")
    assert due.run.until == on.now + HOUR, "what it waits for is not over"


async def test_what_came_before_does_not_count(on: On) -> None:
    await on.plan(signals={"0": ("step_x",)})
    about = on.make.event("1")
    await on.plan(listening(on, "1", Await("step_x", about.key)))
    assert await on.take() == []
    await on.store.end_all_leases(on.now)
    on.now += HOUR
    (due,) = await on.take()
    assert due.run.signals == ()


@pytest.mark.parametrize(
    ("cancels", "woken"), [pytest.param(True, True, id="cancelled"), pytest.param(False, False, id="awaited")]
)
async def test_what_has_ended_hears_only_of_its_cancellation(on: On, cancels: bool, woken: bool) -> None:
    await on.plan(listening(on, "1", Await("x", on.make.event("1").key, cancels=cancels), state="done"))
    await on.plan(signals={"2": ("x",)})
    assert bool(await on.take()) == woken


async def test_what_wakes_a_run_under_lease_is_not_forgotten(on: On) -> None:
    await on.plan(listening(on, "1", Await("x", on.make.event("1").key)))
    on.now += HOUR
    (due,) = await on.take()
    await on.plan(signals={"2": ("x",)})
    assert await on.take() == []
    await on.commit(RunRecord(run=structs.replace(due.run, step=1), state="done"))
    (again,) = await on.take()
    assert (again.run.step, len(again.run.signals)) == (1, 1)


async def test_a_host_hears_for_those_who_joined(on: On) -> None:
    for id in "12":
        record = on.waiting(on.make.event(id))
        await on.plan(structs.replace(record, awaits=(Await(f"cancel_{id}", on.make.event(id).key, cancels=True),)))
    assert (await on.plan(signals={"3": ("cancel_2",)})).woken
    (due,) = await on.take()
    assert (ids_of(due.run), [signal.about for signal in due.run.signals]) == (["1", "2"], [on.make.event("2").key])


async def test_who_sent_something_before_joining_hears_of_its_cancellation_too(on: On) -> None:
    await on.gather("1")
    about = on.make.event("2").key
    record = on.waiting(on.make.event("2"), sent=(Sent(0, "email", ("m",)),))
    awaits = (Await("cancel_2", about, cancels=True), Await("step_2", about))
    await on.plan(structs.replace(record, awaits=awaits))
    await on.plan(signals={"3": ("step_2",)})
    assert [ids_of(due.run) for due in await on.take()] == [["1", "2"]]
    await on.plan(signals={"4": ("cancel_2",)})
    assert [ids_of(due.run) for due in await on.take()] == [["2"]], "the host is under lease, and hears when it ends"


async def test_of_what_is_told_apart_only_cancellations_are_handed_over(on: On) -> None:
    merge = Merge("overflow", apart=True)
    await on.gather("1", merge=merge)
    about = on.make.event("2").key
    record = on.waiting(on.make.event("2"), merge, name="other")
    awaits = (Await("cancel_2", about, cancels=True), Await("step_2", about))
    await on.plan(structs.replace(record, awaits=awaits))
    await on.plan(signals={"3": ("step_2",)})
    assert await on.take() == []
    await on.plan(signals={"4": ("cancel_2",)})
    assert [ids_of(due.run) for due in await on.take()] == [["1", "2"]]


async def test_a_receipt_wakes_also_those_who_listen_later(on: On) -> None:
    """Such as somebody who is told in an escalation that was acknowledged at this moment."""
    message = await on.make.one_message(on.store, "sent")
    key = shared_receipt_key("acknowledged", message.notification, message.event)
    await on.plan(listening(on, "0", Await(key, on.make.event("0").key)))
    receipt = Receipt(message=message.id, kind="acknowledged", at=on.now)
    await on.store.record_receipts([receipt], lambda message, receipt: Consequence(), now=on.now)
    assert len(await on.take()) == 1
    await on.plan(listening(on, "2", Await(key, on.make.event("2").key)))
    (due,) = await on.take()
    assert [signal.receipt and signal.receipt.kind for signal in due.run.signals] == ["acknowledged"]


# -- runs for others, and what is taken back -----------------------------------------------------------------------


async def test_runs_for_others_are_due_at_once_with_all_events_and_what_they_listen_for(on: On) -> None:
    one, two = on.make.event("1"), on.make.event("2")
    await on.plan(RunRecord(run=on.make.run(two), state="done"))
    started = on.make.run(one, two, recipient="bia", listening=True, parent="p", step=2)
    begun = Started(started, (Await("cancel_1", one.key, cancels=True),))
    committed = await on.plan(RunRecord(run=on.make.run(one), state="done", started=(begun, begun)))
    assert committed.woken
    (due,) = await on.take()
    assert due.run == started
    await on.plan(signals={"3": ("cancel_1",)})
    await on.commit(RunRecord(run=structs.replace(due.run, step=3), state="done"))
    (again,) = await on.take()
    assert [signal.about for signal in again.run.signals] == [one.key]


@pytest.mark.parametrize(
    ("state", "then"),
    [
        pytest.param("queued", "cancelled", id="what waits is cancelled"),
        pytest.param("held", "cancelled", id="what was put aside, too"),
        pytest.param("unknown", "cancelled", id="what nobody knows of, too"),
        pytest.param("sending", "sending", id="what is under way is not"),
        pytest.param("sent", "sent", id="nor what was sent"),
        pytest.param("failed", "failed", id="nor what failed"),
    ],
)
async def test_cancelling_messages(on: On, state: Any, then: str) -> None:
    message = await on.make.one_message(on.store, state, awaited=True)
    (stored,) = await on.runs("1")
    await on.store.end_all_leases(on.now)
    async with on.store._database.transaction() as transaction:  # type: ignore[attr-defined]
        await transaction.rows("cancel_messages", ids=[message.id], cleared=[])
    found = await on.store.message(message.id)
    assert found is not None
    assert found.state == then
    assert stored.run.sent[0].messages == (message.id,)


@pytest.mark.parametrize(
    ("read", "state", "left"),
    [pytest.param(False, "cancelled", 0, id="unread"), pytest.param(True, "sent", 1, id="read")],
)
async def test_clearing_the_inbox(on: On, read: bool, state: str, left: int) -> None:
    event = on.make.event("1")
    run = on.make.run(event)
    message = on.make.message(run, "inapp")
    new = NewMessage(message=message, state="sent", inbox=on.make.inbox_item(message))
    await on.plan(RunRecord(run=run, state="waiting", due_at=on.now, messages=(new,)))
    if read:
        await on.store.mark_inbox("default", "ana", [message.id], read=True, now=on.now)
    (due,) = await on.take()
    assert due.read == ({message.id} if read else set())
    await on.commit(RunRecord(run=due.run, state="done", cancels=(message.id,)))
    found = await on.store.message(message.id)
    assert found is not None
    assert found.state == state
    page = await on.store.inbox("default", "ana", after=None, limit=9, unread=False)
    assert len(page.items) == left


# -- on PostgreSQL: two transactions at the same moment ------------------------------------------------------------


async def test_who_comes_while_a_host_is_just_going_waits_to_see_it_gone(postgresql_url: str, make: Any) -> None:
    """The host's transaction is open: whoever joins must neither miss that it goes nor give it an event too late."""
    store = await open_store(postgresql_url)
    going = await asyncpg.connect(postgresql_url)
    try:
        on = On(store, make)
        await on.gather("1")
        leaving = going.transaction()
        await leaving.start()
        await going.execute("UPDATE runs SET state = 'done', due_at = NULL, merge_key = NULL")
        joining = asyncio.create_task(on.gather("2"))
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        while not await going.fetchval(waiting):
            assert not joining.done(), "it did not look whether the host stays"
        await leaving.commit()
        await joining
        assert await on.hosts("1", "2") == [["2"]]
    finally:
        await going.close()
        await store.close()
