"""What silences and mutes hold, on every database: it waits under a key, and is due as soon as that is gone."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from arauto.decide.signals import Switch
from arauto.decide.silences import hold_key
from arauto.model import Event, Silence
from arauto.store import PlanRecord, RunRecord, Store
from arauto.store.silences import Held
from store.conftest import NOW, Make

HOUR = timedelta(hours=1)
OPEN = Switch("opened_1", "closed_1")


def silence(id: str = "s1", **more: Any) -> Silence:
    told = {"owner": "bia", "reason": "x", "drop": False, "start": NOW, "end": NOW + HOUR, **more}
    return Silence(id=id, **told)


async def hold(store: Store, make: Make, key: str, id: str = "1") -> Event:
    """A run that waits under this key."""
    (event,) = await make.append(store, id)
    record = RunRecord(run=make.run(event), state="waiting", due_at=NOW + HOUR, hold=key)
    await make.plan(store, event, record)
    return event


async def says(store: Store, make: Make, id: str, **switches: tuple[Switch, ...]) -> None:
    (event,) = await make.append(store, id)
    plan = PlanRecord(event=event.key, explanation={}, **switches)  # type: ignore[arg-type]
    await store.commit_plans([plan], owner="a", now=NOW, lease_until=make.lease)


async def is_due(store: Store) -> bool:
    due = await store.take_due_runs(owner="a", now=NOW, lease_until=NOW + HOUR, limit=9)
    return bool(due)


async def test_what_a_silence_holds_is_due_when_it_changes(store: Store, make: Make) -> None:
    await store.put_silence("default", silence(), now=NOW)
    await hold(store, make, hold_key("default", silence()))
    assert not await is_due(store)
    assert await store.held("default") == {"s1": Held(1, 0)}
    await store.put_silence("default", silence(), now=NOW)
    assert not await is_due(store)
    await store.put_silence("default", silence(end=NOW + 2 * HOUR), now=NOW)
    assert await is_due(store)


async def test_what_comes_to_wait_under_a_silence_that_has_changed_is_due_at_once(store: Store, make: Make) -> None:
    await store.put_silence("default", silence(reason="other"), now=NOW)
    await hold(store, make, hold_key("default", silence()))
    assert await is_due(store)


async def test_what_is_open_holds_until_it_is_closed(store: Store, make: Make) -> None:
    await says(store, make, "o", opens=(OPEN,))
    await hold(store, make, OPEN.opened)
    await says(store, make, "again", opens=(OPEN,))
    assert not await is_due(store)
    assert [signal.event.id for signal in await store.signals([OPEN.opened]) if signal.event] == ["o"]
    await says(store, make, "c", closes=(OPEN,))
    assert await is_due(store)
    assert await store.signals([OPEN.opened]) == []


async def test_the_order_of_arrival_counts_and_not_that_of_planning(store: Store, make: Make) -> None:
    opened, closed = await make.append(store, "o", "c")
    for event, switches in ((closed, {"closes": (OPEN,)}), (opened, {"opens": (OPEN,)})):
        plan = PlanRecord(event=event.key, explanation={}, **switches)
        await store.commit_plans([plan], owner="a", now=NOW, lease_until=make.lease)
    assert await store.signals([OPEN.opened]) == []
    await says(store, make, "later", opens=(OPEN,))
    assert len(await store.signals([OPEN.opened])) == 1


@pytest.mark.parametrize("attempt", range(5))
async def test_however_an_end_and_a_hold_meet_nothing_is_left_waiting(store: Store, make: Make, attempt: int) -> None:
    await store.put_silence("default", silence(), now=NOW)
    key = hold_key("default", silence())
    events = await make.append(store, *(f"{number}" for number in range(8)))

    async def commit(event: Event) -> None:
        record = RunRecord(run=make.run(event), state="waiting", due_at=NOW + HOUR, hold=key)
        plan = PlanRecord(event=event.key, explanation={}, runs=(structs.replace(record),))
        await store.commit_plans([plan], owner="a", now=NOW, lease_until=make.lease)

    work = [commit(event) for event in events]
    work.insert(attempt * 2, store.delete_silence("default", "s1", now=NOW))  # type: ignore[arg-type]
    await asyncio.gather(*work)
    due = await store.take_due_runs(owner="a", now=NOW, lease_until=NOW + HOUR, limit=99)
    assert len(due) == 8
