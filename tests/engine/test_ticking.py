"""Schedules at work, on a real database and a clock that is set: nothing twice, and nothing lost but by policy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arauto import sources
from arauto.engine.editions import Editions
from arauto.engine.hub import Hub as WholeHub
from arauto.engine.ticking import Ticking, schedules
from arauto.errors import StoreUnavailable
from arauto.model import Catalogue, EventType, SourceConfig
from arauto.store import Appended, NewEvent, Rejection, Store
from arauto.store.opening import open_store
from arauto.store.ticks import Ticked
from decide.conftest import catalogue as small_catalogue
from decide.conftest import notification, target
from engine.conftest import texts
from journeys.hubs import eventually

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def project(*, fits: bool = True, **rules: Any) -> Catalogue:
    """A project with these schedules: cron expressions, or whole settings."""
    settings = sources.load("schedule").Settings
    configs = {
        name: SourceConfig(
            name=name,
            kind="schedule",
            settings=msgspec.convert(
                {"event": "day.over", "zone": "UTC", **(rule if isinstance(rule, dict) else {"cron": rule})}, settings
            ),
        )
        for name, rule in rules.items()
    }
    faults = () if fits else ({"pointer": "/day", "detail": "is missing"},)
    kind = EventType(name="day.over", description="", schema={}, samples={}, validate=lambda data: faults)
    return msgspec.structs.replace(small_catalogue(), sources=configs, event_types={"day.over": kind})


@dataclass
class Hub:
    """A process with schedules; ``fails`` names the next thing that its machine does not survive."""

    store: Store
    catalogue: Catalogue
    now: datetime = MIDNIGHT
    fails: str = ""
    rejected: list[Rejection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ticking = Ticking(
            self.catalogue,
            self if self.fails == "note" else self.store,  # type: ignore[arg-type]
            clock=lambda: self.now,
            submit=self.submit,
            reject=self.rejected.append,
        )

    async def submit(self, news: Sequence[NewEvent]) -> list[Appended]:
        if self.fails == "append":
            raise StoreUnavailable("gone")
        return await self.store.append_events(news, owner="a", now=self.now, lease_until=self.now + MINUTE)

    async def ticked(self) -> Any:
        return await self.store.ticked()

    async def note_ticked(self, noted: Any) -> None:
        raise StoreUnavailable("gone")

    async def step(self, now: datetime) -> datetime | None:
        self.now = now
        return await self.ticking.step(now)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    store = await open_store("sqlite://:memory:")
    yield store
    await store.close()


async def events(store: Store, source: str = "nightly") -> list[str]:
    """The ids of a schedule's events, in the order of their times; each must be there once."""
    page = await store.list_events("default", after=None, limit=500)
    found = sorted(each.event.id for each in page.items if each.event.source == source)
    assert len(found) == len(set(found))
    return found


def at(hour: float, day: int = 2) -> datetime:
    return datetime(2026, 3, day, tzinfo=UTC) + timedelta(hours=hour)


def id_of(*hours: float) -> list[str]:
    return [f"{at(hour):%Y-%m-%dT%H:%M:%SZ}" for hour in hours]


async def test_an_event_comes_at_its_time_and_once(store: Store) -> None:
    hub = Hub(store, project(nightly="0 * * * *"))
    assert await hub.step(at(0.5)) == at(1)
    assert await events(store) == []
    for now in (at(1), at(1), at(1) + timedelta(seconds=1)):
        assert await hub.step(now) == at(2)
        assert await events(store) == id_of(1)
    await hub.step(at(2))
    assert await events(store) == id_of(1, 2)


async def test_an_event_has_all_that_events_have(store: Store) -> None:
    rule = {"cron": "0 3 * * *", "zone": "America/Sao_Paulo", "subject": "tick.date", "data": {"day": "tick.date"}}
    hub = Hub(store, project(nightly=rule))
    await hub.step(at(0))
    await hub.step(at(6))
    (stored,) = await store.find_events("default", "2026-03-02T06:00:00Z")
    event = stored.event
    assert (event.source, event.type, event.subject) == ("nightly", "day.over", "2026-03-02")
    assert (event.time, event.data) == (at(6), {"day": "2026-03-02"})
    assert stored.state == "pending", "it goes the way of all events"


async def test_a_new_schedule_begins_when_it_is_first_seen(store: Store) -> None:
    hub = Hub(store, project(nightly={"cron": "0 * * * *", "missed": "all"}))
    assert await hub.step(at(5.5)) == at(6)
    assert await events(store) == []
    assert await Hub(store, hub.catalogue).step(at(6)) == at(7), "also when the process ended before its first time"
    assert await events(store) == id_of(6)


MISSED = [("skip", id_of(1)), ("once", id_of(1, 5)), ("all", id_of(1, 2, 3, 4, 5))]


@pytest.mark.parametrize(("missed", "expected"), MISSED)
async def test_after_a_downtime(store: Store, missed: str, expected: list[str]) -> None:
    catalogue = project(nightly={"cron": "0 * * * *", "missed": missed})
    hub = Hub(store, catalogue)
    await hub.step(at(0.5))
    await hub.step(at(1))
    for now in (at(5.5), at(5.6)):
        await Hub(store, catalogue).step(now)
        assert await events(store) == expected
    await Hub(store, catalogue).step(at(6))
    assert await events(store) == [*expected, *id_of(6)]


async def test_a_start_within_a_minute_of_a_time_is_punctual(store: Store) -> None:
    catalogue = project(nightly={"cron": "0 * * * *", "missed": "skip"})
    await Hub(store, catalogue).step(at(0.5))
    await Hub(store, catalogue).step(at(1) + 59 * timedelta(seconds=1))
    assert await events(store) == id_of(1)


async def test_all_of_a_long_downtime_comes_in_portions(store: Store) -> None:
    catalogue = project(nightly={"cron": "*/5 * * * *", "missed": "all"})
    await Hub(store, catalogue).step(at(0))
    hub, now, steps = Hub(store, catalogue), at(29), 0
    while (following := await hub.step(now)) is not None and following <= now:
        steps += 1
    assert steps == 1
    assert len(await events(store)) == 29 * 12


@pytest.mark.parametrize("fails", ["append", "note"])
async def test_a_process_that_dies_in_a_step_leaves_it_to_the_next(store: Store, fails: str) -> None:
    catalogue = project(nightly="0 * * * *")
    await Hub(store, catalogue).step(at(0.5))
    with pytest.raises(StoreUnavailable):
        await Hub(store, catalogue, fails=fails).step(at(1))
    assert await events(store) == ([] if fails == "append" else id_of(1))
    await Hub(store, catalogue).step(at(1) + MINUTE * 30)
    assert await events(store) == id_of(1)


async def test_a_step_that_failed_is_repeated_by_the_same_process(store: Store) -> None:
    hub = Hub(store, project(nightly={"cron": "0 * * * *", "missed": "skip"}))
    await hub.step(at(0.5))
    hub.fails = "append"
    with pytest.raises(StoreUnavailable):
        await hub.step(at(1))
    hub.fails = ""
    await hub.step(at(1) + timedelta(seconds=30))
    assert await events(store) == id_of(1)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_several_hubs_give_each_event_once(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if database == "sqlite":
        stores = [await open_store(str(tmp_path / "hub.db"))] * 3
    else:
        stores = [await open_store(request.getfixturevalue("postgresql_url")) for _ in range(3)]
    catalogue = project(nightly="*/10 * * * *", hourly="0 * * * *")
    hubs = [Hub(store, catalogue) for store in stores]
    for minute in range(0, 61, 5):
        await asyncio.gather(*(hub.step(at(minute / 60)) for hub in hubs))
    assert await events(stores[0]) == id_of(*(minute / 60 for minute in range(10, 61, 10)))
    assert await events(stores[0], "hourly") == id_of(1)
    for store in dict.fromkeys(stores):
        await store.close()


async def test_a_schedule_that_is_changed_does_not_make_up_for_its_new_times(store: Store) -> None:
    await Hub(store, project(nightly="0 3 * * *")).step(at(0))
    await Hub(store, project(nightly="0 3 * * *")).step(at(3))
    changed = project(nightly="0 5 * * *")
    assert await Hub(store, changed).step(at(7)) == at(5, day=3)
    assert await events(store) == id_of(3)
    moved = project(nightly={"cron": "0 5 * * *", "zone": "America/Sao_Paulo"})
    assert await Hub(store, moved).step(at(9)) == at(8, day=3)
    assert await events(store) == id_of(3)


async def test_two_projects_at_once_each_keep_their_own_times(store: Store) -> None:
    old, new = Hub(store, project(nightly="0 * * * *")), Hub(store, project(nightly="30 * * * *"))
    await old.step(at(0.2))
    await new.step(at(0.2))
    for half in range(1, 7):
        await old.step(at(half / 2))
        await new.step(at(half / 2))
    assert await events(store) == id_of(0.5, 1, 1.5, 2, 2.5, 3)


async def test_a_schedule_that_was_away_begins_anew(store: Store) -> None:
    catalogue = project(nightly={"cron": "0 * * * *", "missed": "all"})
    await Hub(store, catalogue).step(at(0.5))
    await Hub(store, project(other="0 0 * * *")).step(at(3))
    assert [each.source for each in await store.ticked()] == ["other"]
    await Hub(store, catalogue).step(at(9.5))
    assert await events(store) == []


async def test_a_clock_that_was_ahead_and_is_set_back_stops_nothing(store: Store) -> None:
    catalogue = project(nightly="0 * * * *")
    await Hub(store, catalogue).step(at(0, day=30))
    hub = Hub(store, catalogue)
    assert await hub.step(at(0.5)) == at(1)
    await hub.step(at(1))
    assert await events(store) == id_of(1)
    assert await Hub(store, catalogue).step(at(1.5)) == at(2)


async def test_an_event_that_does_not_fit_its_schema_is_refused_for_people_to_see(store: Store) -> None:
    hub = Hub(store, project(fits=False, nightly="0 * * * *"))
    await hub.step(at(0.5))
    for now in (at(1), at(1)):
        assert await hub.step(now) == at(2)
    assert await events(store) == []
    (rejection,) = hub.rejected
    assert (rejection.source, rejection.code, rejection.status) == ("nightly", "invalid_data", 422)
    assert "2026-03-02T01:00:00" in rejection.detail


async def test_an_event_whose_data_changed_meanwhile_stays_as_it_was(store: Store) -> None:
    await Hub(store, project(nightly="0 * * * *")).step(at(0.5))
    with pytest.raises(StoreUnavailable):
        await Hub(store, project(nightly="0 * * * *"), fails="note").step(at(1))
    await Hub(store, project(nightly={"cron": "0 * * * *", "data": {"n": 1}})).step(at(1.1))
    (stored,) = await store.find_events("default", "2026-03-02T01:00:00Z")
    assert stored.event.data == {}


async def test_a_schedule_that_has_ended(store: Store) -> None:
    rule = {"rrule": "FREQ=HOURLY;COUNT=2", "start": "2026-03-02T01:00", "missed": "all"}
    hub = Hub(store, project(nightly=rule))
    assert await hub.step(at(0)) == at(1)
    assert await hub.step(at(3)) is None
    assert await events(store) == id_of(1, 2)
    await asyncio.wait_for(hub.ticking.run(), 5)


async def test_without_schedules_nothing_runs(store: Store) -> None:
    await asyncio.wait_for(Hub(store, project()).ticking.run(), 5)


async def test_the_loop_steps_when_something_is_due(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock moves by what the loop sleeps, and the loop ends with the last time."""
    hub = Hub(store, project(nightly={"rrule": "FREQ=MINUTELY;INTERVAL=7;COUNT=9", "start": "2026-03-02T00:05"}))
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        hub.now += timedelta(seconds=seconds)
        hub.fails = "append" if len(slept) in (7, 8) else ""

    monkeypatch.setattr("arauto.engine.ticking.asyncio.sleep", sleep)
    await hub.ticking.run()
    expected = islice((at((5 + 7 * n) / 60) for n in range(99)), 9)
    assert await events(store) == [f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in expected]
    assert all(0 <= seconds <= 60 for seconds in slept)


async def test_a_hub_gives_the_events_of_its_schedules(world: Any) -> None:
    to_erp = notification(target(system="erp"), do=({"send": "webhook"},), texts=texts())
    here = world(to_erp)
    hourly = project(hourly={"event": "order.paid", "cron": "0 * * * *"}).sources
    here.engine.editions = Editions(msgspec.structs.replace(here.engine.catalogue, sources=hourly))
    before = here.clock.now.replace(minute=0, second=0, microsecond=0) - HOUR
    await here.store.note_ticked([Ticked("hourly", "0 * * * * in UTC", before)])
    hub = WholeHub(here.engine)
    await hub.start()

    async def sent() -> bool:
        page = await here.store.list_messages("default", after=None, limit=9)
        return [each.state for each in page.items] == ["sent"]

    await eventually(sent)
    await hub.stop()
    assert await events(here.store, "hourly") == [f"{before + HOUR:%Y-%m-%dT%H:%M:%SZ}"]


def test_the_schedules_of_a_project_are_found_among_its_sources() -> None:
    catalogue = project(nightly="0 * * * *", weekly={"cron": "0 8 * * MON", "zone": None})
    bearer = sources.load("bearer")
    called = SourceConfig(name="shop", kind="bearer", settings=bearer.Settings(secrets=()))
    catalogue = msgspec.structs.replace(catalogue, sources={**catalogue.sources, "shop": called})
    found = schedules(catalogue)
    assert {name: schedule.zone for name, schedule in found.items()} == {
        "nightly": "UTC",
        "weekly": catalogue.project.time_zone,
    }
