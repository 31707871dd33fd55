"""``branch``: go one of several ways, by conditions or by shares.

A list of ways, each with ``steps``: the first whose ``when`` is true is taken; the one without ``when`` is for all
others. ``percent: 10`` takes that share of the recipients, always the same ones, for a gradual roll-out.
Then the run goes on after the branch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from arauto.decide.steps import Description
from arauto.model import (
    JSON,
    Awaited,
    AwaitedReceipt,
    Continue,
    Decision,
    Expression,
    Reason,
    Run,
    Situation,
    Step,
)

if TYPE_CHECKING:
    from arauto.decide.steps import Build

_USAGE = "write a list of ways: [{when: recipient.attributes.vip, steps: […]}, {percent: 10, steps: […]}, {steps: […]}]"


class Way(Struct, frozen=True):
    """One way: on a condition, for a share of the recipients, or for all who are left."""

    when: Expression | None = None
    percent: float | None = None


class Branch(Struct, frozen=True):
    """Takes the first way that suits."""

    ways: tuple[Way, ...]
    inside: tuple[Sequence[dict[str, JSON]], ...]
    rejoins: str = "after"
    starts: tuple[int | None, ...] = ()
    channels: tuple[str, ...] = ()
    awaits: tuple[Awaited, ...] = ()
    receipts: tuple[AwaitedReceipt, ...] = ()

    def placed(self, starts: tuple[int | None, ...]) -> Branch:
        """The branch in its place."""
        return msgspec.structs.replace(self, starts=starts)

    def decide(self, situation: Situation) -> Decision:
        """Continue with the first step of a way, or after the branch."""
        share = _share(situation.run)
        below = 0.0
        for number, (way, start) in enumerate(zip(self.ways, self.starts, strict=True), 1):
            if way.percent is not None:
                below += way.percent
                if share < below:
                    return Continue(Reason("way_by_share", {"way": number, "percent": way.percent}), to=start)
            elif way.when is None:
                return Continue(Reason("way_for_others", {"way": number}), to=start)
            elif way.when.evaluate(situation.context):
                return Continue(Reason("way_when", {"way": number, "condition": way.when.source}), to=start)
        return Continue(Reason("no_way"))

    def describe(self) -> Description:
        """Who takes which way."""
        return Description((Reason("step.branch"),), tuple(map(_taken_by, self.ways)))


def _taken_by(way: Way) -> Reason:
    if way.percent is not None:
        return Reason("step.way_share", {"percent": way.percent})
    return Reason("step.way_if", {"condition": way.when.source}) if way.when is not None else Reason("step.way_others")


def _share(run: Run) -> float:
    """Where this recipient stands between 0 and 100 for this step: the same whenever it is asked, and whatever is
    written in it, so that those who are in stay in when a share is raised."""
    text = "\0".join((run.tenant, run.notification, str(run.step), run.recipient))
    number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big")
    return number / 2**48 * 100


def compile(value: JSON, build: Build) -> Step:
    """The ways, in order."""
    if not isinstance(value, list) or not value or not all(isinstance(way, dict) for way in value):
        raise ValueError(_USAGE)
    ways: list[Way] = []
    for number, way in enumerate(value, 1):
        unknown = sorted(way.keys() - {"when", "percent", "steps"})
        if unknown or not isinstance(way.get("steps"), list) or ("when" in way and "percent" in way):
            raise ValueError(f"way {number} cannot be read; {_USAGE}")
        percent = way.get("percent")
        if percent is not None and (
            not isinstance(percent, int | float) or isinstance(percent, bool) or not 0 < percent <= 100
        ):
            raise ValueError(f"percent is a number above 0 and up to 100, not {percent!r}")
        when = way.get("when")
        if when is not None and not isinstance(when, str):
            raise ValueError(f"when is an expression, not {when!r}")
        if when is None and percent is None and number < len(value):
            raise ValueError(f"way {number} takes everybody, so those after it are never taken; put it last")
        ways.append(Way(None if when is None else build.condition(when), percent))
    if round(sum(way.percent or 0 for way in ways), 6) > 100:  # tenths do not add up exactly
        raise ValueError("the shares come to more than 100 percent")
    return Branch(tuple(ways), tuple(way["steps"] for way in value))
