"""What is kept of schedules: the same on every database."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from arauto.store import Store
from arauto.store.opening import open_store
from arauto.store.ticks import Ticked
from store.conftest import NOW

NIGHTLY = Ticked("nightly", "0 3 * * * in UTC", NOW)
WEEKLY = Ticked("weekly", "0 8 * * MON in UTC", NOW + timedelta(days=1))


async def test_nothing_is_there_at_first(store: Store) -> None:
    assert await store.ticked() == []


async def test_what_is_noted_is_there_and_is_overwritten(store: Store) -> None:
    await store.note_ticked([WEEKLY, NIGHTLY])
    assert await store.ticked() == [NIGHTLY, WEEKLY]
    earlier = Ticked("nightly", "0 4 * * * in UTC", NOW - timedelta(hours=1))
    for _ in range(2):
        await store.note_ticked([earlier])
        assert await store.ticked() == [earlier, WEEKLY]


async def test_what_is_forgotten_is_gone(store: Store) -> None:
    await store.note_ticked([WEEKLY, NIGHTLY])
    for _ in range(2):
        await store.forget_ticked({"nightly", "never-there"})
        assert await store.ticked() == [WEEKLY]


async def test_it_outlasts_the_process(tmp_path: Path) -> None:
    path = str(tmp_path / "hub.db")
    store = await open_store(path)
    await store.note_ticked([NIGHTLY])
    await store.close()
    store = await open_store(path)
    assert await store.ticked() == [NIGHTLY]
    await store.close()
