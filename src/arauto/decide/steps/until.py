"""``until``: wait for a time of day, a day of the week, or a time that the event tells; counted from when the run came
to this step.

``until: "09:00"`` is the next 09:00. ``until: {at: "09:00", days: weekdays, zone: hub}``, and
``{at: "09:00", business_days: true}`` name the days. ``until: {time: event.data.starts_at, minus: 1h}`` takes an
RFC 3339 date-time, ``until: {day: event.data.due_on, at: "09:00", minus: 1d}`` a day. A time of an event that has
passed goes on at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from msgspec import Struct

from arauto.decide.calendar import (
    DAY,
    EVERY_DAY,
    WEEKDAYS,
    at_wall_clock,
    is_zone,
    next_time,
    parse_days,
    parse_time,
    project_holidays,
    shown_time,
    zone_of,
)
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

RECIPIENT, HUB = "recipient", "hub"
"""Zones by whose they are; every other is an IANA name."""


class Until(Struct, frozen=True):
    """Waits until a moment that is one of three: the next wall-clock time, an expression's time, or a wall-clock time
    on an expression's day."""

    zone: str = RECIPIENT
    at: time = time()
    days: tuple[int, ...] = EVERY_DAY
    business: bool = False
    moment: Expression | None = None
    day: Expression | None = None
    minus: timedelta = timedelta()
    channels: tuple[str, ...] = ()
    awaits: tuple[Awaited, ...] = ()
    receipts: tuple[AwaitedReceipt, ...] = ()

    def decide(self, situation: Situation) -> Decision:
        """Wait until the moment has come, however often it is asked."""
        zone = self._zone(situation)
        try:
            moment = self._moment(situation, zone)
            shown = shown_time(moment, zone)
        except OverflowError:
            raise LanguageError("the time is too far away to be reckoned with") from None
        if situation.now < moment:
            return Wait(moment, Reason("waits_until", {"until": shown}))
        if moment < situation.run.entered_at:
            return Continue(Reason("time_passed", {"until": shown}))
        return Continue(Reason("time_came", {"until": shown}))

    def describe(self) -> Description:
        """For which moment it waits, and by whose clock."""
        minus = {"time": self.minus.total_seconds()} if self.minus else {}
        early = "_early" if minus else ""
        if self.moment is not None:
            return Description((Reason(f"step.until_moment{early}", {"expression": self.moment.source, **minus}),))
        told = {"at": f"{self.at:%H:%M}", "zone": self.zone}
        if self.day is not None:
            return Description((Reason(f"step.until_day{early}", {"expression": self.day.source, **told, **minus}),))
        if self.business:
            return Description((Reason("step.until_business", told),))
        if self.days == EVERY_DAY:
            return Description((Reason("step.until_daily", told),))
        return Description((Reason("step.until", {**told, "days": list(self.days)}),))

    def _zone(self, situation: Situation) -> str:
        if self.zone == RECIPIENT:
            return situation.time_zone
        return str(situation.context["project"]["time_zone"]) if self.zone == HUB else self.zone

    def _moment(self, situation: Situation, zone: str) -> datetime:
        context = situation.context
        if self.moment is not None:
            return _as_moment(self.moment, context) - self.minus
        if self.day is not None:
            return at_wall_clock(_as_day(self.day, context, zone) - self.minus, self.at, zone)
        entered = situation.run.entered_at
        holidays = project_holidays(context) if self.business else frozenset()
        return next_time(entered, self.at, zone, days=self.days, business=self.business, holidays=holidays)


def _as_moment(expression: Expression, context: Context) -> datetime:
    """What an expression gives, as an instant. Raises LanguageError, which leaves out the value: it may be personal."""
    value = expression.evaluate(context)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) > len("2026-01-31") else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise LanguageError(
            f"{expression.source} gives no moment with its offset from UTC",
            hint="give one as 2026-01-31T15:30:00Z or …-03:00; for a day without a time, write day: and at:",
        )
    return moment.astimezone(UTC)


def _as_day(expression: Expression, context: Context, zone: str) -> date:
    """What an expression gives, as a day: one without a time is that very day, a moment is its day in the zone. Raises
    LanguageError."""
    value = expression.evaluate(context)
    if not isinstance(value, str) or len(value) > len("2026-01-31"):
        return _as_moment(expression, context).astimezone(zone_of(zone)).date()
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise LanguageError(f"{expression.source} gives no day", hint="give one as 2026-01-31") from None


# -- what stands in YAML -------------------------------------------------------------------------------------------

_USAGE = (
    'write a time (until: "09:00"), {at: "09:00", days: weekdays} or {at: "09:00", business_days: true}, '
    'each with zone: where needed, {time: EXPRESSION, minus: 1h}, or {day: EXPRESSION, at: "09:00", minus: 1d}'
)


def compile(value: JSON, build: Build) -> Step:
    """A time of day, days of the week, or an expression that gives a time."""
    match value:
        case str():
            return Until(at=parse_time(value))
        case {"time": str() as source, **rest} if rest.keys() <= {"minus"}:
            return Until(moment=build.value(source), minus=_minus(rest))
        case {"day": str() as source, "at": str() as at, **rest} if rest.keys() <= {"minus", "zone"}:
            minus = _minus(rest)
            if minus % DAY:
                raise ValueError(f"minus: {rest['minus']} is no number of days; with day:, write such as 1d or 1w")
            return Until(zone=_zone(rest), at=parse_time(at), day=build.value(source), minus=minus)
        case {"at": str() as at, **rest} if rest.keys() <= {"days", "business_days", "zone"}:
            return _weekly(parse_time(at), rest)
    raise ValueError(_USAGE)


def _weekly(at: time, rest: Mapping[Any, JSON]) -> Step:
    days = parse_days(rest["days"]) if "days" in rest else EVERY_DAY
    business = rest.get("business_days", False)
    if not isinstance(business, bool):
        raise ValueError(f"business_days is true or false, not {business!r}")
    if business and not set(days).intersection(WEEKDAYS):
        raise ValueError("no business day is on a weekend; leave out days: or business_days:")
    return Until(zone=_zone(rest), at=at, days=days, business=business)


def _zone(rest: Mapping[Any, JSON]) -> str:
    zone = rest.get("zone", RECIPIENT)
    if zone not in (RECIPIENT, HUB) and not is_zone(zone):
        raise ValueError(f"{zone!r} is no zone; write recipient, hub, or an IANA name such as America/Sao_Paulo")
    return str(zone)


def _minus(rest: Mapping[Any, JSON]) -> timedelta:
    written = rest.get("minus", "0s")
    if not isinstance(written, str):
        raise ValueError(f"minus is a duration, such as 1d, not {written!r}")
    try:
        return parse_duration(written)
    except OverflowError:
        raise ValueError(f"minus: {written} is too long") from None
