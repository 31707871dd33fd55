"""``only_if``: go on only when a condition holds for this recipient, as they are now."""

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


class OnlyIf(Struct, frozen=True):
    """Stops the run when its condition is false."""

    condition: Expression
    channels: tuple[str, ...] = ()
    awaits: tuple[Awaited, ...] = ()
    receipts: tuple[AwaitedReceipt, ...] = ()

    def decide(self, situation: Situation) -> Decision:
        """Continue when the condition is true."""
        if self.condition.evaluate(situation.context):
            return Continue(Reason("condition_true", {"condition": self.condition.source}))
        return Stop(self.condition.first_failure(situation.context))

    def describe(self) -> Description:
        """On which condition it goes on."""
        return Description((Reason("step.only_if", {"condition": self.condition.source}),))


def compile(value: JSON, build: Build) -> Step:
    """An expression that is true or false."""
    if not isinstance(value, str):
        raise ValueError("write an expression, such as only_if: recipient.attributes.vip")
    return OnlyIf(build.condition(value))
