"""The simulator and the running hub, given the same events, decide the same: record for record."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arauto import app
from arauto.catalogue import compile_project
from arauto.engine.admit import admit
from arauto.engine.explain import explain_event
from arauto.model import Catalogue, Event, Recipient
from arauto.simulate import Clock, Simulator
from arauto.simulate.simulation import SimulatedProvider
from arauto.sources import Draft

LOJA = Path(__file__).parents[2] / "examples/loja"
KNOWN = Recipient(
    id="c-20817", locale="pt-BR", addresses={"email": ["c@loja.example"], "sms": ["+5571987654321"]}, name="Conceição"
)
PATIENCE = 30
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?")


def without_times(document: Any) -> Any:
    """An explanation of which no clock could be read."""
    return json.loads(_TIME.sub("T", json.dumps(document)))


def drafts(catalogue: Catalogue) -> list[Draft]:
    """Every sample of every event type."""
    return [
        Draft(source="shop", id=f"{name} {sample}", type=name, data=data)
        for name, kind in sorted(catalogue.event_types.items())
        for sample, data in kind.samples.items()
    ]


async def test_the_same_events_are_decided_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = compile_project(LOJA)
    catalogue = msgspec.structs.replace(whole, sources={})
    text = "".join(path.read_text(encoding="utf-8") for path in (LOJA / "channels").glob("*.yaml"))
    for name in re.findall(r"env:(\w+)", text):
        monkeypatch.setenv(name, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    monkeypatch.setattr(
        app.channels,
        "build",
        lambda channel, kind, settings, egress: SimulatedProvider(channel, kind, Clock(app.now()), []),
    )
    events: list[Event] = []
    async with app.running(catalogue, "sqlite://:memory:") as hub:
        start = app.now()
        await hub.store.put_recipients("default", [KNOWN], now=start)
        async with Simulator() as simulator:
            simulation = await simulator.begin(catalogue, start)
            await simulation.know(KNOWN)
            for draft in drafts(catalogue):
                (event,) = await simulation.accept(draft)
                events.append(event)
                await simulation.settle_down()
                await hub.hub.submit([admit(draft, catalogue, app.now())])
                expected = without_times(await simulation.explain(event.key))
                told: Any = None
                with contextlib.suppress(TimeoutError):  # the assertion shows the difference
                    async with asyncio.timeout(PATIENCE):
                        while told != expected:
                            story = await hub.store.story(event.key)
                            assert story is not None
                            told = without_times(explain_event(story, now=app.now()))
                            await asyncio.sleep(0.01)
                assert told == expected
            for event in events:  # later events changed earlier runs: gathered, cancelled, muted
                theirs, ours = await hub.store.story(event.key), await simulation.store.story(event.key)
                assert theirs is not None
                assert ours is not None
                assert [each.run.key for each in theirs.runs] == [each.run.key for each in ours.runs]
                assert [each.run.log and [e.reason.code for e in each.run.log] for each in theirs.runs] == [
                    each.run.log and [e.reason.code for e in each.run.log] for each in ours.runs
                ]
                assert {each.message.id: each.state for each in theirs.messages} == {
                    each.message.id: each.state for each in ours.messages
                }
            assert len(simulation.received) > 20
