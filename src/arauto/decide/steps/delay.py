"""``delay``: wait for some time, counted from when the run came to this step.

``delay: 2h``; ``delay: {business_days: 2}``, to the same wall-clock time in the recipient's zone;
``delay: {by: event.data.grace}``, where the expression gives seconds or a duration.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from arauto.decide.calendar import add_business_days, at_wall_clock, project_holidays, shown_time, zone_of
from arauto.decide.steps import Build, Description
from arauto.errors import LanguageError
from arauto.model import (
    JSON,
    Awaited,
    AwaitedReceipt,
    Context,
    Continue,
    Decision,
    Expression,
    Reason,
    Situation,
    Step,
    Wait,
    parse_duration,
)

_LONGEST = timedelta(days=3660)
_MOST_DAYS = 1000
_USAGE = "write a duration (delay: 2h), {business_days: 2}, or {by: an expression that gives seconds or a duration}"


class Delay(Struct, frozen=True):
    """Waits for a time, a number of business days, or as long as an expression says; one of them is given."""

    time: timedelta | None = None
    business_days: int | None = None
    by: Expression | None = None
    channels: tuple[str, ...] = ()
    awaits: tuple[Awaited, ...] = ()
    receipts: tuple[AwaitedReceipt, ...] = ()

    def decide(self, situation: Situation) -> Decision:
        """Wait until the time is over, however often it is asked."""
        end = self._end(situation)
        shown = shown_time(end, situation.time_zone)
        if situation.now < end:
            return Wait(end, Reason("delays", {"until": shown}))
        return Continue(Reason("delay_over", {"until": shown}))

    def describe(self) -> Description:
        """How long it waits."""
        if self.business_days is not None:
            return Description((Reason("step.delay_business", {"count": self.business_days}),))
        if self.by is not None:
            return Description((Reason("step.delay_by", {"expression": self.by.source}),))
        assert self.time is not None
        return Description((Reason("step.delay", {"time": self.time.total_seconds()}),))

    def _end(self, situation: Situation) -> datetime:
        entered = situation.run.entered_at
        if self.business_days is not None:
            local = entered.astimezone(zone_of(situation.time_zone))
            day = add_business_days(local.date(), self.business_days, project_holidays(situation.context))
            return at_wall_clock(day, local.time(), situation.time_zone)
        time = self.time if self.by is None else _measured(self.by, situation.context)
        assert time is not None
        return entered.astimezone(UTC) + time


def _measured(expression: Expression, context: Context) -> timedelta:
    """What an expression gives, as a time. Raises LanguageError, which leaves out the value: it may be personal."""
    match expression.evaluate(context):
        case bool():
            pass
        case int() | float() as seconds if 0 <= seconds <= _LONGEST.total_seconds():
            return timedelta(seconds=seconds)
        case str() as text:
            try:
                return _limited(parse_duration(text))
            except (ValueError, OverflowError):
                pass
    raise LanguageError(
        f"{expression.source} gives no time to wait",
        hint="give seconds, or a duration such as 2h, of at most ten years",
    )


def _limited(time: timedelta) -> timedelta:
    if time > _LONGEST:
        raise ValueError("nothing waits for more than ten years; choose a shorter time")
    return time


def compile(value: JSON, build: Build) -> Step:
    """A duration, a number of business days, or an expression that gives how long to wait."""
    match value:
        case str():
            try:
                return Delay(time=_limited(parse_duration(value)))
            except OverflowError:
                return Delay(time=_limited(timedelta.max))
        case {"business_days": int() as days, **rest} if not rest and not isinstance(days, bool):
            if not 1 <= days <= _MOST_DAYS:
                raise ValueError(f"business_days is a number from 1 to {_MOST_DAYS}, not {days}")
            return Delay(business_days=days)
        case {"by": str() as source, **rest} if not rest:
            return Delay(by=build.value(source))
    raise ValueError(_USAGE)
