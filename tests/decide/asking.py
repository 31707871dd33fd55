"""Ask one step, in a situation that a line of a table can say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from arauto.decide.plan import run_context
from arauto.decide.steps import load
from arauto.language import compile_condition, compile_expression
from arauto.model import Awaited, Decision, Event, Expression, Run, Situation, Step, Target
from decide.conftest import NOW, awaited, catalogue, notification


class Build:
    """Compiles what stands inside a step, as the compiler of projects does."""

    def condition(self, source: str) -> Expression:
        return compile_condition(source)

    def value(self, source: str) -> Expression:
        return compile_expression(source)

    def awaited(self, written: Any) -> Awaited:
        return awaited(written["event"], match=written["match"], when=written.get("when"))

    def targets(self, written: Any) -> tuple[Target, ...]:
        raise NotImplementedError


def step(written: dict[str, Any]) -> Step:
    """A step as it stands in YAML: one key with its value."""
    ((kind, value),) = written.items()
    return load(kind)(value, Build())


def event(number: int = 1, **data: Any) -> Event:
    return Event(source="shop", id=str(number), type="order.paid", time=NOW, data=data)


def at(text: str) -> datetime:
    """An instant: in UTC, or with an offset."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def run_of(*events: Event, **more: Any) -> Run:
    more.setdefault("entered_at", NOW)
    return Run(key="run_1", notification="paid", recipient="ana", events=events or (event(),), **more)


def situation(run: Run, now: datetime, zone: str = "UTC", **recipient: Any) -> Situation:
    whole = catalogue(notification())
    ana = msgspec.structs.replace(whole.recipients["ana"], **recipient)
    reachable = frozenset({"email", "sms", "inapp"})
    return Situation(run, ana, run_context(run, ana, whole), reachable, now, zone)


def ask(written: dict[str, Any], run: Run, now: datetime | timedelta = timedelta(), zone: str = "UTC") -> Decision:
    """What the step decides; ``now`` may be counted from when the run came to it."""
    moment = run.entered_at + now if isinstance(now, timedelta) else now
    return step(written).decide(situation(run, moment, zone))


__all__ = ["NOW", "Build", "ask", "at", "event", "run_of", "situation", "step"]
