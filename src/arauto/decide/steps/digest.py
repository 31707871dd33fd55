"""``digest``: gather events and go on once with all of them.

``digest: 1h`` gathers for an hour after the first event. ``digest: {sliding: 10m, at_most: 1h}`` waits until ten
minutes have passed without a new one, an hour at most. ``digest: {at: "08:00", days: weekdays}`` gathers until that
time in the recipient's zone. ``by`` keeps things apart (``by: event.data.project``), ``size`` ends the gathering with
that many events, and ``first: now`` lets the first go on at once and gathers what follows it within the window.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from arauto.decide.calendar import EVERY_DAY, next_time, parse_days, parse_time, shown_time
from arauto.decide.editions import mark_of
from arauto.decide.steps import Description, span
from arauto.model import (
    JSON,
    Awaited,
    AwaitedReceipt,
    Continue,
    Decision,
    Expression,
    Merge,
    Reason,
    Situation,
    Step,
    Use,
    Wait,
    derive_id,
)

if TYPE_CHECKING:
    from arauto.decide.steps import Build

_KEYS = ("window", "sliding", "at_most", "at", "days", "by", "size", "first")
_USAGE = (
    "write a duration (digest: 1h), {sliding: 10m, at_most: 1h} or {at: '08:00', days: weekdays}; "
    "window, by, size and first: now may be added"
)


class Digest(Struct, frozen=True):
    """Gathers the events of one recipient. Exactly one of window, sliding and at is given."""

    window: timedelta | None = None
    sliding: timedelta | None = None
    at_most: timedelta | None = None
    at: str | None = None
    days: tuple[int, ...] = EVERY_DAY
    by: Expression | None = None
    size: int | None = None
    first_now: bool = False
    channels: tuple[str, ...] = ()
    awaits: tuple[Awaited, ...] = ()
    receipts: tuple[AwaitedReceipt, ...] = ()

    def decide(self, situation: Situation) -> Decision:
        """Wait, taking in what comes, until the window is over; then go on with all of it."""
        run, now = situation.run, situation.now
        key = self._key(situation)
        free_at = run.refused.get(key)
        if run.until is None and self.first_now and free_at is None:
            assert self.window is not None
            return Continue(Reason("digest_first"), uses=(Use(key, 1, self.window),))
        if self.size is not None and len(run.live) >= self.size:
            return Continue(Reason("digest_full", {"events": len(run.live)}))
        if run.until is None:
            end, latest = self._end(situation, free_at)
        elif now < run.until:
            end, latest = run.until, self._latest(situation)
        elif self.first_now and free_at is not None and free_at > now:
            end, latest = free_at, None
        else:
            uses = (Use(key, 1, self.window),) if self.first_now and self.window is not None else ()
            return Continue(Reason("digest_over", {"events": len(run.live)}), uses=uses)
        return Wait(
            end, Reason("digests", {"until": shown_time(end, situation.time_zone)}), Merge(key, latest, self.size)
        )

    def describe(self) -> Description:
        """How long it gathers, what keeps things apart, and what ends it early."""
        if self.at is not None:
            days = {} if self.days == EVERY_DAY else {"days": list(self.days)}
            clauses = [Reason("step.digest_at" if days else "step.digest_daily", {"at": self.at, **days})]
        elif self.sliding is not None and self.at_most is not None:
            times = {"time": self.sliding.total_seconds(), "longest": self.at_most.total_seconds()}
            clauses = [Reason("step.digest_sliding", times)]
        else:
            assert self.window is not None
            window = {"time": self.window.total_seconds()}
            clauses = [Reason("step.digest_first" if self.first_now else "step.digest", window)]
        if self.by is not None:
            clauses.append(Reason("step.digest_by", {"expression": self.by.source}))
        if self.size is not None:
            clauses.append(Reason("step.digest_size", {"count": self.size}))
        return Description(tuple(clauses))

    def _key(self, situation: Situation) -> str:
        run = situation.run
        about = "" if self.by is None else json.dumps(self.by.evaluate(situation.context), sort_keys=True)
        return derive_id("digest", run.tenant, run.notification, run.recipient, run.edition, mark_of(run), about)

    def _end(self, situation: Situation, free_at: datetime | None) -> tuple[datetime, datetime | None]:
        """When the gathering ends if nothing more comes, and how far more can move that."""
        entered = situation.run.entered_at
        if free_at is not None:
            return free_at, None
        if self.at is not None:
            return next_time(entered, parse_time(self.at), situation.time_zone, days=self.days), None
        if self.sliding is not None:
            return entered + self.sliding, self._latest(situation)
        assert self.window is not None
        return entered + self.window, None

    def _latest(self, situation: Situation) -> datetime | None:
        return None if self.at_most is None else situation.run.entered_at + self.at_most


def compile(value: JSON, build: Build) -> Step:
    """A duration, or how to gather."""
    if isinstance(value, str):
        return Digest(window=span(value))
    if not isinstance(value, dict) or not value:
        raise ValueError(_USAGE)
    unknown = sorted(value.keys() - set(_KEYS))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is nothing that a digest has; it has {', '.join(_KEYS)}")
    if sum(key in value for key in ("window", "sliding", "at")) != 1:
        raise ValueError("give one of window, sliding and at")
    if ("sliding" in value) != ("at_most" in value):
        raise ValueError("sliding and at_most go together: {sliding: 10m, at_most: 1h}")
    if "days" in value and "at" not in value:
        raise ValueError("days goes with at: {at: '08:00', days: weekdays}")
    if value.get("first", "now") != "now" or ("first" in value and "window" not in value):
        raise ValueError("first: now goes with window: {window: 1h, first: now}")
    size = value.get("size")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 2):
        raise ValueError(f"size is a number of events, 2 or more, not {size!r}")
    window, sliding, at_most = (span(value[key]) if key in value else None for key in ("window", "sliding", "at_most"))
    if sliding is not None and at_most is not None and at_most < sliding:
        raise ValueError("at_most is shorter than sliding; make it longer, or use window")
    at = value.get("at")
    if at is not None:
        parse_time(_text(at))
    return Digest(
        window=window,
        sliding=sliding,
        at_most=at_most,
        at=at,
        days=parse_days(value["days"]) if "days" in value else EVERY_DAY,
        by=build.value(_text(value["by"])) if "by" in value else None,
        size=size,
        first_now="first" in value,
    )


def _text(written: JSON) -> str:
    if not isinstance(written, str):
        raise ValueError(f"{written!r} is no text; {_USAGE}")
    return written
