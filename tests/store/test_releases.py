"""Releases in the store: which version is live, who made it so, and what is kept of those before; the same on every
database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from arauto.decide.erasure import ERASED_ID
from arauto.store import Store
from arauto.store.packing import packed, unpacked
from arauto.store.releases import FILES_KEPT, Release
from store.conftest import NOW

FILES = {"arauto.yaml": b"name: x", "notifications/a/foto \udce9.png": bytes(range(256)), "notifications/a/empty": b""}


async def put(store: Store, version: str, expected: str | None, **more: Any) -> Release | None:
    """A release of this version, by default with one file that holds its name."""
    told: dict[str, Any] = {"by": "ana@laptop", "how": "apply", "now": NOW, **more}
    files = told.pop("files", {"arauto.yaml": version.encode()})
    return await store.put_release(version, files, expected=expected, **told)


def test_files_are_packed_exactly() -> None:
    assert unpacked(packed(FILES)) == FILES


async def test_the_newest_release_is_live_and_tells_who_made_it_so(store: Store) -> None:
    assert await store.live_release() is None
    assert await store.release_files("v1") is None
    assert await put(store, "v1", None, files=FILES, how="serve") is not None
    later = NOW + timedelta(hours=1)
    plan = {"from": "v1", "to": "v2", "changed": ["\0é"]}
    made = await put(store, "v2", "v1", now=later, plan=plan)
    expected = Release(number=2, version="v2", at=later, by="ana@laptop", how="apply", replaces="v1", plan=plan)
    assert made == await store.release("v2") == expected
    assert await store.live_release() == structs.replace(expected, plan=None)
    assert await store.release_files("v1") == FILES


async def test_what_replaces_another_version_than_was_looked_at_is_refused(store: Store) -> None:
    assert await put(store, "v1", "v0") is None
    assert await store.live_release() is None
    await put(store, "v1", None)
    for expected in (None, "v2"):
        assert await put(store, "v3", expected) is None
    live = await store.live_release()
    assert live is not None
    assert (live.number, live.version, await store.release_files("v3")) == (1, "v1", None)


async def test_of_those_who_apply_at_the_same_time_one_wins(store: Store) -> None:
    await put(store, "v0", None)
    made = await asyncio.gather(*(put(store, f"v{number}", "v0") for number in range(1, 9)))
    (won,) = [each for each in made if each is not None]
    assert await store.live_release() == won
    page = await store.releases(after=None, limit=10)
    assert [each.number for each in page.items] == [2, 1]


async def test_a_version_that_comes_back_is_another_release_with_the_same_files(store: Store) -> None:
    await put(store, "a1", None)
    await put(store, "b1", "a1", plan={"x": 1})
    await put(store, "a1", "b1", how="rollback")
    first = await store.releases(after=None, limit=2)
    rest = await store.releases(after=first.next, limit=2)
    assert [(each.number, each.version, each.how, each.plan) for each in [*first.items, *rest.items]] == [
        (3, "a1", "rollback", None),
        (2, "b1", "apply", None),
        (1, "a1", "apply", None),
    ]
    assert rest.next is None
    assert await store.versions_like("a") == ["a1"]
    assert await store.versions_like("") == ["a1", "b1"]
    assert await store.versions_like("%") == []


async def test_of_old_releases_it_is_only_known_that_they_were(store: Store) -> None:
    for number in range(FILES_KEPT + 3):
        await put(store, f"v{number}", f"v{number - 1}" if number else None, plan={"number": number})
    assert [await store.release_files(f"v{number}") is not None for number in range(4)] == [False, False, False, True]
    old, kept = await store.release("v2"), await store.release("v3")
    assert old is not None
    assert kept is not None
    assert (old.kept, old.plan, old.by) == (False, None, "ana@laptop")
    assert (kept.kept, kept.plan) == (True, {"number": 3})


async def test_what_is_to_be_forgotten_goes_in_the_same_moment(store: Store) -> None:
    await put(store, "v1", None, plan={})
    assert await put(store, "v2", "v0", forget=True) is None
    assert await store.release_files("v1") is not None
    await put(store, "v2", "v1", plan={}, forget=True)
    assert await store.release_files("v1") is None
    assert (await store.release("v1")).plan is None  # type: ignore[union-attr]
    assert await store.release_files("v2") == {"arauto.yaml": b"v2"}


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        pytest.param(b"people: {c-1: {email: x@example.com}}", True, id="a key"),
        pytest.param(b"members: ['c-1']", True, id="in quotes"),
        pytest.param(b"to: c-1", True, id="at the end"),
        pytest.param(b"people: {c-10: {}, abc-1: {}, c-1-b: {}}", False, id="a part of another id"),
        pytest.param(b"email: c-1@example.com", False, id="a part of an address"),
    ],
)
async def test_an_erasure_drops_the_files_of_what_is_not_live_and_the_plans_that_name_somebody(
    store: Store, text: bytes, goes: bool
) -> None:
    named = {"arauto.yaml": b"name: x", "recipients/all.yaml": text}
    await put(store, "v1", None, files=named)
    await put(store, "v2", "v1", plan={"examples": ["c-1", text.decode()]})
    await put(store, "v3", "v2", files=named, plan={"examples": ["c-10"]})
    pseudonym = f"{ERASED_ID}1"
    await store.begin_erasure("default", "c-1", pseudonym, known=None, shared=(), places=(), now=NOW)
    while (erasure := await store.advance_erasure("default", pseudonym, patient=False, now=NOW)).finished_at is None:
        pass
    assert (await store.release_files("v1") is None) == goes
    assert await store.release_files("v3") == named
    plans = [(await store.release(version)).plan for version in ("v2", "v3")]  # type: ignore[union-attr]
    assert plans == [None, {"examples": ["c-10"]}]
    assert erasure.counts["releases"] == 1 + goes
