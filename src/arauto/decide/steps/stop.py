"""``stop``: end the run, always (``stop: true``) or when a condition holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    Situation,
    Step,
    Stop,
)

if TYPE_CHECKING:
    from arauto.decide.steps import Build


class StopIf(Struct, frozen=True):
    """Stops the run when its condition is true; without a condition, always."""

    condition: Expression | None
    channels: tuple[str, ...] = ()
    awaits: tuple[Awaited, ...] = ()
    receipts: tuple[AwaitedReceipt, ...] = ()

    def decide(self, situation: Situation) -> Decision:
        """Stop when the condition is true."""
        if self.condition is None:
            return Stop(Reason("stopped"))
        if self.condition.evaluate(situation.context):
            return Stop(Reason("stopped_when", {"condition": self.condition.source}))
        return Continue(Reason("not_stopped", {"condition": self.condition.source}))

    def describe(self) -> Description:
        """That it ends here, or on which condition."""
        if self.condition is None:
            return Description((Reason("step.stop"),))
        return Description((Reason("step.stop_if", {"condition": self.condition.source}),))


def compile(value: JSON, build: Build) -> Step:
    """``true``, or an expression that is true or false."""
    if value is True:
        return StopIf(None)
    if isinstance(value, str):
        return StopIf(build.condition(value))
    raise ValueError("write true, or an expression such as stop: event.data.test")
