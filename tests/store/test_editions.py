"""Versions of the catalogue in the store: kept while something of them is under way; the same on every database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from arauto.store import NewMessage, RunRecord, Store
from store.conftest import NOW, Make

DAY = timedelta(days=1)


async def test_what_is_kept_is_there_and_never_changes(store: Store) -> None:
    assert await store.versions() == []
    assert await store.edition("v1") is None
    for files in (b"\0one", b"other"):
        await store.keep_edition("v1", files, now=NOW)
        assert await store.edition("v1") == b"\0one"
    await store.keep_edition("v0", b"", now=NOW)
    assert await store.versions() == ["v0", "v1"]


async def test_what_nobody_has_served_for_long_is_dropped(store: Store) -> None:
    await store.keep_edition("v1", b"1", now=NOW - 2 * DAY)
    await store.keep_edition("v2", b"2", now=NOW - 2 * DAY)
    await store.keep_edition("v3", b"3", now=NOW)
    assert await store.drop_editions(before=NOW - DAY, keep=["v2"]) == ["v1"]
    assert await store.versions() == ["v2", "v3"]
    await store.keep_edition("v2", b"2", now=NOW)
    assert await store.drop_editions(before=NOW - DAY, keep=[]) == []


@pytest.mark.parametrize("state", ["waiting", "queued", "sending", "held", "unknown", "sent"])
async def test_what_something_under_way_is_of_is_not_dropped(store: Store, make: Make, state: str) -> None:
    await store.keep_edition("v1", b"1", now=NOW - 2 * DAY)
    (event,) = await make.append(store, "1")
    run = make.run(event, catalogue="v1")
    if state == "waiting":
        record = RunRecord(run=run, state="waiting", due_at=NOW + DAY)
    else:
        new = NewMessage(message=make.message(run), state=state, due_at=NOW)  # type: ignore[arg-type]
        record = RunRecord(run=run, state="done", messages=(new,))
    await make.plan(store, event, record)
    assert await store.drop_editions(before=NOW - DAY, keep=[]) == (["v1"] if state == "sent" else [])
