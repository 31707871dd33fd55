"""``throttle``: let at most so many through in a time.

``throttle: {at_most: 3, per: 1h}``: of what comes in any hour, three go on and the rest ends there, with a reason.
``by: event.data.host`` counts for each host; ``overflow: digest`` gathers the rest and goes on with all of it as soon
as there is room again.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from arauto.decide.calendar import shown_time
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
    Stop,
    Use,
    Wait,
    derive_id,
)

if TYPE_CHECKING:
    from arauto.decide.steps import Build

_USAGE = "write {at_most: 3, per: 1h}; by, overflow: drop and overflow: digest may be added"


class Throttle(Struct, frozen=True):
    """Lets ``at_most`` runs of one recipient go on in any ``per``."""

    at_most: int
    per: timedelta
    by: Expression | None = None
    gather: bool = False
    channels: tuple[str, ...] = ()
    awaits: tuple[Awaited, ...] = ()
    receipts: tuple[AwaitedReceipt, ...] = ()

    def decide(self, situation: Situation) -> Decision:
        """Go on if the store grants it; what it refuses ends, or waits with the others for room."""
        run, now = situation.run, situation.now
        about = "" if self.by is None else json.dumps(self.by.evaluate(situation.context), sort_keys=True)
        key = derive_id("throttle", run.tenant, run.notification, run.recipient, mark_of(run), about)
        free_at = run.refused.get(key)
        told = {"at_most": self.at_most, "seconds": int(self.per.total_seconds())}
        if free_at is None or (self.gather and free_at <= now):
            return Continue(Reason("throttle_passed", told), uses=(Use(key, self.at_most, self.per),))
        if not self.gather:
            return Stop(Reason("throttled", told))
        waits = told | {"until": shown_time(free_at, situation.time_zone)}
        return Wait(free_at, Reason("throttle_gathers", waits), Merge(key))

    def describe(self) -> Description:
        """How many in which time, counted for what, and what becomes of the rest."""
        allowed = Reason("step.throttle", {"count": self.at_most, "time": self.per.total_seconds()})
        counted = (Reason("step.throttle_by", {"expression": self.by.source}),) if self.by is not None else ()
        return Description(
            (allowed, *counted, Reason("step.throttle_gathers" if self.gather else "step.throttle_drops"))
        )


def compile(value: JSON, build: Build) -> Step:
    """How many, in which time, of what, and what becomes of the rest."""
    match value:
        case {"at_most": int() as at_most, "per": str() as per, **rest} if not isinstance(at_most, bool):
            pass
        case _:
            raise ValueError(_USAGE)
    unknown = sorted(str(key) for key in rest if key not in ("by", "overflow"))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is nothing that a throttle has; {_USAGE}")
    if at_most < 1:
        raise ValueError(f"at_most is 1 or more, not {at_most}")
    overflow = rest.get("overflow", "drop")
    if overflow not in ("drop", "digest"):
        raise ValueError(f"overflow is drop or digest, not {overflow!r}")
    by = rest.get("by")
    if by is not None and not isinstance(by, str):
        raise ValueError(f"by is an expression, such as event.data.host, not {by!r}")
    return Throttle(at_most, span(per), None if by is None else build.value(by), overflow == "digest")
