"""``notify``: tell others of it, in the middle of a run: ``notify: {to: [{group: team}], steps: [{send: sms}]}``.

Each of them gets a run of their own through these steps; this run goes on at once. For escalation: tell who is on
call, wait for an acknowledgement, then tell the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from arauto.decide.steps import Description
from arauto.model import JSON, Awaited, AwaitedReceipt, Decision, Notify, Reason, Situation, Step, Target

if TYPE_CHECKING:
    from arauto.decide.steps import Build


class NotifyOthers(Struct, frozen=True):
    """Begins runs for others, through the steps inside."""

    targets: tuple[Target, ...]
    inside: tuple[Sequence[dict[str, JSON]], ...]
    rejoins: str = "end"
    first: int = 0
    channels: tuple[str, ...] = ()
    awaits: tuple[Awaited, ...] = ()
    receipts: tuple[AwaitedReceipt, ...] = ()

    def placed(self, starts: tuple[int | None, ...]) -> NotifyOthers:
        """The step in its place."""
        return msgspec.structs.replace(self, first=starts[0] or 0)

    def decide(self, situation: Situation) -> Decision:
        """Tell them."""
        return Notify(self.targets, self.first)

    def describe(self) -> Description:
        """That others are told; whom, its targets say."""
        return Description((Reason("step.notify"),))


def compile(value: JSON, build: Build) -> Step:
    """Whom, and by which steps."""
    match value:
        case {"to": [_, *_] as to, "steps": [_, *_] as inside, **rest} if not rest:
            return NotifyOthers(build.targets(to), (inside,))
    raise ValueError("write {to: [{group: team}], steps: [{send: sms}]}")
