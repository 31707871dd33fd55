"""Fan-outs in the store: leases, turns, cursors as fences, and that a page's runs and its cursor are one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from arauto.model import Await, Event, Fanout, Reason, Run
from arauto.store import FanoutPage, NewMessage, PlanRecord, RunRecord, Store

MINUTE = timedelta(minutes=1)


def fanout(make: Any, *events: Event, group: str = "all") -> Fanout:
    return Fanout(key=f"fan_{events[0].key}_{group}", group=group, run=begins(make, *events), seed=(events[0].key, "n"))


def begins(make: Any, *events: Event) -> Run:
    return structs.replace(make.run(*events, recipient=""), key="", catalogue="v1", step=2, parent="run_x")


async def begin(store: Store, make: Any, *groups: str, ids: tuple[str, ...] = ("1",)) -> list[Fanout]:
    """An event that is planned with a fan-out for each of these groups; those fan-outs."""
    events = await make.append(store, *ids)
    given = tuple(fanout(make, *events, group=group) for group in groups)
    plan = PlanRecord(event=events[0].key, explanation={}, fanouts=given)
    committed = await store.commit_plans([plan], owner="a", now=make.now, lease_until=make.lease)
    assert committed.woken == bool(groups)
    return list(given)


async def take(store: Store, now: Any, *, owner: str = "a", limit: int = 1) -> list[Fanout]:
    return await store.take_fanouts(owner=owner, now=now, lease_until=now + MINUTE, limit=limit)


def page(make: Any, before: Fanout, *members: str, cursor: str, state: Any = "running", **more: Any) -> FanoutPage:
    """A page after which this is the cursor: each member has a run with a message."""
    runs = []
    for member in members:
        run = structs.replace(before.run, key=f"run_{before.seed[0]}_{member}", recipient=member)
        message = structs.replace(make.message(run), id=f"msg_{member}")
        runs.append(RunRecord(run=run, state="done", messages=(NewMessage(message=message, state="sending"),)))
    after = structs.replace(before, cursor=cursor, asked=before.asked + 10)
    return FanoutPage(fanout=after, before=before.cursor, state=state, runs=tuple(runs), **more)


async def commit(store: Store, make: Any, given: FanoutPage, *, owner: str = "a") -> Any:
    return await store.commit_fanout(given, owner=owner, now=make.now, lease_until=make.lease)


async def test_a_fan_out_is_due_at_once_and_comes_back_whole(store: Store, make: Any) -> None:
    (given,) = await begin(store, make, "all", ids=("1", "2"))
    assert await store.next_due() is not None
    assert await store.next_due() <= make.now  # type: ignore[operator]
    (taken,) = await take(store, make.now)
    assert taken == structs.replace(given, claims=1)
    assert [event.id for event in taken.run.events] == ["1", "2"]
    assert await take(store, make.now, owner="b") == []


async def test_a_plan_that_comes_twice_begins_no_fan_out_twice(store: Store, make: Any) -> None:
    (given,) = await begin(store, make, "all")
    plan = PlanRecord(event=given.run.events[0].key, explanation={}, fanouts=(given,))
    committed = await store.commit_plans([plan], owner="a", now=make.now, lease_until=make.lease)
    assert not committed.woken
    assert len(await take(store, make.now, limit=9)) == 1


async def test_a_page_stores_its_runs_messages_and_cursor(store: Store, make: Any) -> None:
    await begin(store, make, "all")
    (taken,) = await take(store, make.now)
    committed = await commit(store, make, page(make, taken, "ana", "bia", cursor="bia"))
    assert committed.runs == {f"run_{taken.seed[0]}_{member}" for member in ("ana", "bia")}
    assert committed.woken
    (again,) = await take(store, make.now)
    assert (again.cursor, again.asked, again.chosen, again.claims) == ("bia", 10, 2, 1)
    await commit(store, make, page(make, again, "bia", "caio", cursor="caio", state="done"))
    assert await take(store, make.now) == []
    story = await store.story(taken.run.events[0].key)
    assert story is not None
    (stored,) = story.fanouts
    assert (stored.state, stored.fanout.chosen, stored.fanout.cursor) == ("done", 3, "")
    assert [each.run.recipient for each in story.runs] == ["ana", "bia", "caio"]
    assert [each.state for each in story.messages] == ["sending"] * 3
    assert story.runs[0].run.parent == "run_x"


async def test_a_page_counts_only_under_the_lease_and_from_its_cursor(store: Store, make: Any) -> None:
    await begin(store, make, "all")
    (taken,) = await take(store, make.now)
    stolen = page(make, taken, "eve", cursor="eve")
    assert (await commit(store, make, stolen, owner="b")).runs == frozenset()
    assert (await commit(store, make, page(make, taken, "ana", cursor="ana"))).runs
    late = await commit(store, make, page(make, taken, "bia", cursor="bia"))
    assert (late.runs, late.woken) == (frozenset(), False)
    (again,) = await take(store, make.lease)
    assert (again.cursor, again.chosen) == ("ana", 1)
    assert (await commit(store, make, page(make, again, cursor="z", state="done"))).runs == frozenset()
    assert (await commit(store, make, page(make, again, "bia", cursor="z"))).runs == frozenset()
    assert (await store.counts()).runs == {"done": 1}


async def test_two_nodes_at_one_page_store_it_once(store: Store, make: Any) -> None:
    await begin(store, make, "all")
    (taken,) = await take(store, make.now)
    given = page(make, taken, *(f"p{number}" for number in range(30)), cursor="q")
    committed = await asyncio.gather(*(commit(store, make, given) for _ in range(4)))
    assert sorted(len(each.runs) for each in committed) == [0, 0, 0, 30]
    (again,) = await take(store, make.now)
    assert again.chosen == 30


async def test_fan_outs_have_their_turns(store: Store, make: Any) -> None:
    given = await begin(store, make, "one", "two", "three")
    order = []
    now = make.now
    for _ in range(6):
        (taken,) = await take(store, now)
        order.append(taken.group)
        now += timedelta(seconds=1)
        await store.commit_fanout(
            page(make, taken, cursor=f"{len(order)}"), owner="a", now=now, lease_until=now + MINUTE
        )
    assert order == ["one", "two", "three"] * 2
    assert len(given) == 3


async def test_what_was_put_off_waits_and_forgets_how_often_it_was_taken(store: Store, make: Any) -> None:
    await begin(store, make, "all")
    (taken,) = await take(store, make.now)
    later = make.now + timedelta(seconds=5)
    back = FanoutPage(fanout=taken, before=taken.cursor, state="running", due_at=later)
    assert not (await commit(store, make, back)).woken
    assert await store.next_due() == later
    assert await take(store, make.now) == []
    (again,) = await take(store, later)
    assert again == taken


async def test_a_lease_that_ended_is_taken_again_and_counted(store: Store, make: Any) -> None:
    await begin(store, make, "all")
    for claims in (1, 2, 3):
        (taken,) = await take(store, make.now + claims * MINUTE, owner=f"{claims}")
        assert taken.claims == claims
    await store.end_all_leases(make.now)
    assert len(await take(store, make.now, owner="x")) == 1


async def test_a_run_may_begin_a_fan_out(store: Store, make: Any) -> None:
    (event,) = await make.append(store, "1")
    record = RunRecord(run=make.run(event), state="done", fanouts=(fanout(make, event),))
    plan = PlanRecord(event=event.key, explanation={}, runs=(record,))
    assert (await store.commit_plans([plan], owner="a", now=make.now, lease_until=make.lease)).woken
    assert len(await take(store, make.now)) == 1


async def test_which_runs_are_begun(store: Store, make: Any) -> None:
    await begin(store, make, "all")
    (taken,) = await take(store, make.now)
    await commit(store, make, page(make, taken, "ana", cursor="ana"))
    key = taken.run.events[0].key
    assert await store.begun(key, [f"run_{key}_ana", f"run_{key}_bia"]) == {f"run_{key}_ana"}
    assert await store.begun("evt_other", [f"run_{key}_ana"]) == set()
    assert await store.begun(key, []) == set()


async def test_what_happened_after_an_event_is_known(store: Store, make: Any) -> None:
    before, about, after, last = await make.append(store, "before", "about", "after", "last")
    for event in (before, about, after, last):
        plan = PlanRecord(event=event.key, explanation={}, signals=("k",))
        await store.commit_plans([plan], owner="a", now=make.now, lease_until=make.lease)
    only = [Await("k", about.key), Await("nothing", about.key)]
    found = await store.signals_about(only)
    assert [(each.key, each.about, each.event) for each in found] == [
        ("k", about.key, after),
        ("k", about.key, last),
    ]
    assert len(await store.signals_about([Await("k", about.key, always=True)])) == 4
    assert await store.signals_about([]) == []


@pytest.mark.parametrize("limit", [1, 3, 4])
async def test_a_story_is_told_of_the_first_runs_and_counts_all(store: Store, make: Any, limit: int) -> None:
    await begin(store, make, "all")
    (taken,) = await take(store, make.now)
    ended = structs.replace(taken, ended=Reason("group_gone", {"group": "all"}), failures={"x": 2}, failed=2)
    await commit(store, make, page(make, ended, "ana", "bia", "caio", "duda", cursor="z", state="done"))
    key = taken.run.events[0].key
    story = await store.story(key, limit=limit)
    assert story is not None
    assert [each.run.recipient for each in story.runs] == ["ana", "bia", "caio", "duda"][:limit]
    assert len(story.messages) == limit
    if limit < 4:
        assert story.counts is not None
        assert (story.counts.runs, story.counts.messages) == ({"done": 4}, {"email": {"sending": 4}})
    else:
        assert story.counts is None
    (stored,) = story.fanouts
    assert (stored.fanout.ended, stored.fanout.failures) == (ended.ended, {"x": 2})


async def test_a_story_of_one_recipient(store: Store, make: Any) -> None:
    await begin(store, make, "all")
    (taken,) = await take(store, make.now)
    await commit(store, make, page(make, taken, "ana", "bia", cursor="z", state="done"))
    (other,) = await make.append(store, "other")
    await make.plan(store, other, RunRecord(run=make.run(other, recipient="bia"), state="done"))
    story = await store.story(taken.run.events[0].key, recipient="bia")
    assert story is not None
    assert [each.run.recipient for each in story.runs] == ["bia"]
    assert [each.message.id for each in story.messages] == ["msg_bia"]
    nobody = await store.story(taken.run.events[0].key, recipient="nobody")
    assert nobody is not None
    assert (nobody.runs, nobody.messages) == ((), ())


async def test_the_version_that_began_it_is_needed_until_it_is_done(store: Store, make: Any) -> None:
    await begin(store, make, "all")
    for version in ("v0", "v1"):
        await store.keep_edition(version, b"files", now=make.now)
    later = make.now + MINUTE
    assert await store.drop_editions(before=later, keep=[]) == ["v0"]
    (taken,) = await take(store, make.now)
    await commit(store, make, page(make, taken, cursor="z", state="done"))
    assert await store.drop_editions(before=later, keep=[]) == ["v1"]
