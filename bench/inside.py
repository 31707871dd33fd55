"""The cases that run in one process: a large group, a large digest, very many runs that wait, a project's tests, the
check of a large project, a week in a made-up world, and changes tried on what was recorded.

    python -m bench.inside CASE SIZE

The engine is the real one on SQLite (``synchronous=FULL``), driven as the hub drives it, with a clock that is set; what
is sent goes to inboxes, so that no provider is measured. Prints one JSON document.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from arauto.catalogue.cases import compile_cases
from arauto.catalogue.compiler import compile_project
from arauto.catalogue.worlds import compile_world
from arauto.decide.fanouts import fanned_out
from arauto.engine.links import Links
from arauto.engine.metrics import Metrics
from arauto.engine.stages import LEASE, Engine
from arauto.model import Event, Recipient, Run, derive_id
from arauto.simulate import Simulator
from arauto.simulate.testing import play
from arauto.simulate.whatif import Setting
from arauto.simulate.whatif import run as simulate
from arauto.sources import Draft
from arauto.store import FanoutPage, NewEvent, Pending, PlanRecord, RunRecord, Store
from arauto.store.opening import open_store
from bench.growing import write_project
from bench.past import back_test

HERE = Path(__file__).parent
BATCH = 256
START = datetime(2026, 1, 5, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DUE_PER_SECOND = 1000
SECONDS = 5

Advance = Callable[[int], None]


class Clock:
    """A clock that is set."""

    now = START

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def progress(what: str, total: int) -> Iterator[Advance]:
    """A bar on the terminal."""
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda number: bar.update(task, advance=number)


def engine_over(store: Store, clock: Clock) -> Engine:
    """The engine of the project in ``inside/``."""
    return Engine(
        store,
        compile_project(HERE / "inside"),
        {},
        clock=clock,
        chance=lambda: 0.5,
        owner="bench",
        metrics=Metrics(),
        secret=b"bench",
        links=Links(b"bench", None),
    )


async def accept(engine: Engine, events: list[Event]) -> None:
    """Append and plan."""
    now = engine.clock()
    await engine.store.append_events(
        [NewEvent(event, "h") for event in events], owner=engine.owner, now=now, lease_until=now + LEASE
    )
    await engine.plan([Pending(event, 1) for event in events], {})


def event(id: str, type: str, key: str) -> Event:
    """An event."""
    return Event(source="bench", id=id, type=type, time=START, data={"key": key})


async def fan_out(store: Store, clock: Clock, size: int) -> dict[str, float]:
    """An event to a group of this many, of whom all are members."""
    engine = engine_over(store, clock)
    with progress("making recipients", size) as advance:
        for first in range(0, size, 1000):
            some = range(first, min(first + 1000, size))
            people = [Recipient(id=f"p{n:07}", name=f"Person {n}", attributes={"city": "Curitiba"}) for n in some]
            await store.put_recipients("default", people, now=START)
            advance(len(some))
    before = peak_memory()
    began = time.perf_counter()
    await accept(engine, [event("news", "news.published", "1")])
    longest = 0.0
    with progress("fanning out", size) as advance:
        while True:
            page_began = time.perf_counter()
            now = clock()
            taken = await store.take_fanouts(owner=engine.owner, now=now, lease_until=now + LEASE, limit=1)
            if not taken:
                break
            handed = await engine.fan_out(taken[0], {})
            advance(len(handed.inbox))
            longest = max(longest, time.perf_counter() - page_began)
    seconds = time.perf_counter() - began
    counts = await store.counts()
    assert counts.messages["inapp"] == {"sent": size}, counts
    return {
        "seconds": seconds,
        "recipients_per_second": size / seconds,
        "longest_page_ms": longest * 1000,
        "peak_memory_mib": peak_memory(),
        "grown_mib": peak_memory() - before,
    }


async def digest(store: Store, clock: Clock, size: int) -> dict[str, float]:
    """This many events on 1,000 keys, each of which becomes one message."""
    engine = engine_over(store, clock)
    keys = 1000
    began = time.perf_counter()
    with progress("gathering", size) as advance:
        for first in range(0, size, BATCH):
            some = range(first, min(first + BATCH, size))
            await accept(engine, [event(f"e{n}", "thing.happened", str(n % keys)) for n in some])
            advance(len(some))
    gathered = time.perf_counter() - began
    clock.now += timedelta(hours=2)
    began = time.perf_counter()
    sent = 0
    with progress("ending", keys) as advance:
        while due := await store.take_due_runs(
            owner=engine.owner, now=clock.now, lease_until=clock.now + LEASE, limit=BATCH
        ):
            handed = await engine.advance(due, {})
            assert all(len(each.run.events) == size // keys for each in due)
            sent += len(handed.inbox)
            advance(len(due))
    ended = time.perf_counter() - began
    assert sent == keys, sent
    return {
        "gathered_per_second": size / gathered,
        "seconds_to_gather": gathered,
        "seconds_to_end": ended,
        "peak_memory_mib": peak_memory(),
    }


async def waiting(store: Store, clock: Clock, size: int) -> dict[str, float]:
    """This many runs wait, of which 1,000 come due each second."""
    engine = engine_over(store, clock)
    await _make_waiting(engine, size)
    finding: list[float] = []
    working: list[float] = []
    with progress("seconds", SECONDS) as advance:
        for _ in range(SECONDS):
            clock.now += SECOND
            found, spent, done = 0.0, 0.0, 0
            while done < DUE_PER_SECOND:
                began = time.perf_counter()
                assert await store.next_due() is not None
                due = await store.take_due_runs(
                    owner=engine.owner, now=clock.now, lease_until=clock.now + LEASE, limit=BATCH
                )
                found += time.perf_counter() - began
                began = time.perf_counter()
                await engine.advance(due, {})
                spent += time.perf_counter() - began
                done += len(due)
                assert due
            finding.append(found)
            working.append(spent)
            advance(1)
    return {
        "finding_ms_per_second": statistics.median(finding) * 1000,
        "advancing_ms_per_second": statistics.median(working) * 1000,
        "peak_memory_mib": peak_memory(),
    }


async def _make_waiting(engine: Engine, size: int) -> None:
    """Runs in their delay, stored as a fan-out stores them: 1,000 for each of the next seconds."""
    store, now = engine.store, engine.clock()
    due = event("due", "thing.due", "1")
    begins = Run(
        key="",
        notification="later",
        recipient="maria",
        events=(due,),
        entered_at=START,
        catalogue=engine.catalogue.version,
    )
    lease: Any = {"owner": engine.owner, "now": now, "lease_until": now + LEASE}
    await store.append_events([NewEvent(due, "h")], **lease)
    given = fanned_out("everybody", begins, (due.key, "bench"))
    await store.commit_plans([PlanRecord(event=due.key, explanation={}, fanouts=(given,))], **lease)
    with progress("making runs that wait", size) as advance:
        for first in range(0, size, DUE_PER_SECOND):
            until = START + SECOND * (first // DUE_PER_SECOND + 1)
            begun = msgspec.structs.replace(begins, until=until)
            (fanout,) = await store.take_fanouts(**lease, limit=1)
            records = [
                RunRecord(
                    run=msgspec.structs.replace(begun, key=derive_id("run", str(number))), state="waiting", due_at=until
                )
                for number in range(first, min(first + DUE_PER_SECOND, size))
            ]
            page = FanoutPage(
                fanout=msgspec.structs.replace(fanout, cursor=f"{first:09}"),
                before=fanout.cursor,
                state="done" if first + DUE_PER_SECOND >= size else "running",
                runs=tuple(records),
            )
            await store.commit_fanout(page, **lease)
            advance(len(records))


async def tests(store: Store, clock: Clock, size: int) -> dict[str, float]:
    """The test cases of the example shop, again and again until there were so many; and thirty days of a digest. They
    have a database in memory of their own."""
    folder = HERE.parent / "examples/loja"
    began = time.perf_counter()
    catalogue = compile_project(folder)
    cases = compile_cases(folder, catalogue)
    compiled = time.perf_counter() - began
    async with Simulator() as simulator:
        began = time.perf_counter()
        with progress("playing", size) as advance:
            for number in range(size):
                played = await play(cases[number % len(cases)], catalogue, simulator)
                assert played.passed, played.case.name
                advance(1)
        seconds = time.perf_counter() - began
        began = time.perf_counter()
        simulation = await simulator.begin(catalogue, START)
        sample = catalogue.event_types["stock.low"].samples["typical"]
        for number in range(30 * 4):
            await simulation.accept(Draft(source="bench", id=str(number), type="stock.low", data=sample))
            await simulation.run_until(timedelta(hours=6))
        days = time.perf_counter() - began
    return {
        "seconds_to_compile": compiled,
        "seconds_for_all_cases": seconds,
        "ms_for_a_case": seconds / size * 1000,
        "seconds_for_30_days_of_a_digest": days,
        "peak_memory_mib": peak_memory(),
    }


async def check(store: Store, clock: Clock, size: int) -> dict[str, float]:
    """The example shop made larger, until it has so many notifications: `arauto check` as a command, when nothing is
    remembered, when nothing has changed, and when one text has."""
    with tempfile.TemporaryDirectory(prefix="arauto-bench-") as made:
        project = Path(made) / "project"
        write_project(project, size)
        found: dict[str, float] = {}
        text = project / "notifications/order-paid/content.en.md"
        for what, times in (("cold", 1), ("unchanged", 5), ("one_changed", 1)):
            if what == "one_changed":
                text.write_text(text.read_text() + "\nBye.\n")
            runs = [_command(project, Path(made) / "cache") for _ in range(times)]
            found[f"{what}_s"], found[f"{what}_cpu_s"] = map(min, zip(*runs, strict=True))
        return found


def _command(project: Path, cache: Path) -> tuple[float, float]:
    """How long a check takes, and how long it computes."""
    before, began = os.times(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "from arauto.cli import main; main()", "check", str(project)],
        env={**os.environ, "ARAUTO_CACHE": str(cache)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    seconds, after = time.perf_counter() - began, os.times()
    return seconds, (after.children_user + after.children_system) - (before.children_user + before.children_system)


def peak_memory() -> float:
    """Of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def past(store: Store, clock: Clock, size: int) -> dict[str, float]:
    """Changes tried on so many recorded events (``bench.past``)."""
    return {**await back_test(store, size, progress), "peak_memory_mib": peak_memory()}


async def what_if(store: Store, clock: Clock, size: int) -> dict[str, float]:
    """The week of the example shop (``worlds/week.yaml``), until so many events have come. It has a database in memory
    of its own."""
    folder = HERE.parent / "examples/loja"
    catalogue = compile_project(folder)
    world = compile_world(folder / "worlds/week.yaml", "worlds/week.yaml", catalogue)
    setting = Setting(catalogue, world, START, timedelta(days=7), 1, size)
    began, worked = time.perf_counter(), time.process_time()
    tally = await simulate(setting, outages=True, compared=False, progress=lambda share: None)
    worked, seconds = time.process_time() - worked, time.perf_counter() - began
    events = sum(tally.events.values())
    return {
        "events": events,
        "messages": sum(tally.messages.values()),
        "seconds": seconds,
        "events_per_second": events / seconds,
        "cpu_ms_for_an_event": worked / events * 1000,
        "peak_memory_mib": peak_memory(),
    }


CASES = {
    "back-test": past,
    "fan-out": fan_out,
    "digest": digest,
    "waiting": waiting,
    "tests": tests,
    "check": check,
    "what-if": what_if,
}


async def run(case: str, size: int) -> dict[str, Any]:
    """Run a case on a database of its own."""
    with tempfile.TemporaryDirectory(prefix="arauto-bench-") as folder:
        store = await open_store(str(Path(folder) / "hub.sqlite3"))
        try:
            return await CASES[case](store, Clock(), size)
        finally:
            await store.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(sys.argv[1], int(sys.argv[2])))))
