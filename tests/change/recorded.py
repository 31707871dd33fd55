"""A hub's past, made by a simulation: its store is what a hub would have kept."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from arauto.change.backtest import Outcome, Period, Question, backtest
from arauto.change.scope import scope_of
from arauto.engine.recalling import Recalling
from arauto.model import Catalogue, Recipient
from arauto.simulate import Simulation, Simulator
from arauto.simulate.simulation import TENANT
from arauto.sources import Draft

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = b"the same in every simulation, so that its links are, too"


async def past_of(simulation: Simulation) -> Recalling:
    """What is remembered in it."""
    return Recalling(simulation.store, TENANT, KEY)


async def tried(simulation: Simulation, new: Catalogue, *, old: Catalogue | None = None, since: Any = None) -> Outcome:
    """A change tried on all that happened in it."""
    before = old or simulation.catalogue
    question = Question(
        before, new, scope_of(before, new), Period(since or START, simulation.now + timedelta(seconds=1)), "en"
    )
    return await backtest(question, await past_of(simulation), lambda done, of: None)


def sample(catalogue: Catalogue, type: str, id: str, **changes: Any) -> Draft:
    """An event like a sample of its type."""
    source = next(name for name in catalogue.sources)
    return Draft(source=source, id=id, type=type, data={**next(iter(catalogue.event_types[type].samples.values())), **changes})


async def lived(
    simulator: Simulator, catalogue: Catalogue, *, days: int = 3, events: int = 120, seed: int = 7
) -> Simulation:
    """Some days with events of all types that are not told by the clock, at any time of day."""
    chance = random.Random(seed)
    simulation = await simulator.begin(catalogue, START, seed=seed)
    await simulation.start_schedules()
    types = sorted(name for name in catalogue.event_types if catalogue.event_types[name].samples)
    moments = sorted(START + timedelta(seconds=chance.uniform(1, days * 86400)) for _ in range(events))
    for number, at in enumerate(moments):
        await simulation.run_until(at)
        type_ = chance.choice(types)
        data = chance.choice(sorted(catalogue.event_types[type_].samples.items()))[1]
        data = told_apart(data, number // 3, chance.randrange(40))
        await simulation.accept(Draft(source="loja", id=f"{type_}-{number}", type=type_, data=data))
    await simulation.run_until(START + timedelta(days=days))
    return simulation


def told_apart(value: Any, thing: int, customer: int, within: str = "") -> Any:
    """The data, about this thing and this customer."""
    match value:
        case dict():
            return {
                name: re.sub(r"\d+", str(10000 + (customer if within == "customer" else thing)), each, count=1)
                if name in ("id", "number", "sku", "incident") and isinstance(each, str) and within != "commit"
                else told_apart(each, thing, customer, name)
                for name, each in value.items()
            }
        case list():
            return [told_apart(each, thing, customer) for each in value]
    return value


def answered(messages: Sequence[Any]) -> list[str]:
    """The ids of messages."""
    return [each.message for each in messages]


def replaced(recipient: Recipient, **changes: Any) -> Recipient:
    """A recipient with other values."""
    return msgspec.structs.replace(recipient, **changes)
