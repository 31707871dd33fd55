"""``repeat``: do steps again and again, a number of times: ``repeat: {times: 3, steps: […]}``.

It ends early when a step inside stops the run, as ``wait_for: {receipt: acknowledged, …}`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from arauto.decide.steps import Description
from arauto.model import JSON, Awaited, AwaitedReceipt, Continue, Decision, Reason, Situation, Step

if TYPE_CHECKING:
    from arauto.decide.steps import Build

_USAGE = "write {times: 3, steps: […]}"
_MOST = 100


class Repeat(Struct, frozen=True):
    """Goes through the steps inside ``times`` times."""

    times: int
    inside: tuple[Sequence[dict[str, JSON]], ...]
    rejoins: str = "again"
    first: int | None = None
    channels: tuple[str, ...] = ()
    awaits: tuple[Awaited, ...] = ()
    receipts: tuple[AwaitedReceipt, ...] = ()

    def placed(self, starts: tuple[int | None, ...]) -> Repeat:
        """The repetition in its place."""
        return msgspec.structs.replace(self, first=starts[0])

    def decide(self, situation: Situation) -> Decision:
        """Begin the next round, or go on after the last."""
        done = situation.run.round
        if done < self.times:
            return Continue(Reason("round", {"round": done + 1, "times": self.times}), to=self.first, round=done + 1)
        return Continue(Reason("rounds_over", {"times": self.times}), round=0)

    def describe(self) -> Description:
        """How often."""
        return Description((Reason("step.repeat", {"count": self.times}),))


def compile(value: JSON, build: Build) -> Step:
    """How often, and which steps."""
    match value:
        case {"times": int() as times, "steps": [_, *_] as inside, **rest} if not rest and not isinstance(times, bool):
            if not 1 <= times <= _MOST:
                raise ValueError(f"times is a number from 1 to {_MOST}, not {times}")
            if _repeats(inside):
                raise ValueError("a repeat inside of a repeat is not possible; write the inner steps out")
            return Repeat(times, (inside,))
    raise ValueError(_USAGE)


def _repeats(written: JSON) -> bool:
    if isinstance(written, dict):
        return "repeat" in written or any(map(_repeats, written.values()))
    return isinstance(written, list) and any(map(_repeats, written))
