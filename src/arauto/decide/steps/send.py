"""``send``: hand the notification's text to channels.

``send: email``, ``send: [sms, inapp]`` (all of them), ``send: {first_of: [push, email]}`` (in order, until one works).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from arauto.decide.steps import Description
from arauto.model import JSON, Awaited, AwaitedReceipt, Continue, Decision, Reason, Send, Sent, Situation, Step, Wait

if TYPE_CHECKING:
    from arauto.decide.steps import Build

_LOOK_AGAIN = timedelta(days=1)
"""Settling a message wakes its run; this is only the time after which a run looks by itself."""


class SendAll(Struct, frozen=True):
    """Sends to every one of its channels that reaches the recipient."""

    channels: tuple[str, ...]
    awaits: tuple[Awaited, ...] = ()
    receipts: tuple[AwaitedReceipt, ...] = ()

    def decide(self, situation: Situation) -> Decision:
        """Send to each channel once, then continue; channels that do not reach the recipient are named."""
        handed = [sent.channel for sent in _sent(situation)]
        left = tuple(channel for channel in self.channels if channel in situation.reachable and channel not in handed)
        missing = [channel for channel in self.channels if channel not in situation.reachable and channel not in handed]
        if left and missing:
            return Send(left, Reason("sends_some", {"channels": list(left), "unreachable": missing}))
        if left:
            return Send(left, Reason("sends", {"channels": list(left)}))
        if handed:
            return Continue(Reason("handed_over", {"channels": handed}))
        return Continue(Reason("unreachable", {"channels": missing}))

    def describe(self) -> Description:
        """To which channels it goes."""
        return Description((Reason("step.send", {"channels": list(self.channels)}),))


class SendFirst(Struct, frozen=True):
    """Sends to the first of its channels that works: when a message fails for good, the next channel is tried. The
    recipient's own order of channels comes before the author's."""

    channels: tuple[str, ...]
    awaits: tuple[Awaited, ...] = ()
    receipts: tuple[AwaitedReceipt, ...] = ()

    def decide(self, situation: Situation) -> Decision:
        """Send to the next channel in order, wait for its outcome, and continue with the first success."""
        tried = {sent.channel: sent.outcome for sent in _sent(situation)}
        wished = situation.recipient.wishes.order
        ordered = sorted(self.channels, key=lambda name: wished.index(name) if name in wished else len(wished))
        left = [channel for channel in ordered if channel in situation.reachable and channel not in tried]
        for channel, outcome in tried.items():
            if outcome == "accepted":
                return Continue(Reason("first_worked", {"channel": channel}))
            if outcome is None:
                if not left:
                    return Continue(Reason("handed_over", {"channels": [channel]}))
                return Wait(
                    situation.now + _LOOK_AGAIN, Reason("awaits_outcome", {"channel": channel, "next": left[0]})
                )
        if left:
            reason = Reason("sends_first", {"channel": left[0], "failed": list(tried), "next": left[1:]})
            return Send((left[0],), reason, awaited=len(left) > 1)
        if tried:
            return Continue(Reason("none_worked", {"channels": list(tried)}))
        return Continue(Reason("unreachable", {"channels": list(self.channels)}))

    def describe(self) -> Description:
        """To which channels, and in which order."""
        return Description((Reason("step.send", {"first_of": list(self.channels)}),))


def _sent(situation: Situation) -> list[Sent]:
    run = situation.run
    return [sent for sent in run.sent if sent.step == run.step and sent.round == run.round]


def compile(value: JSON, build: Build) -> Step:
    """A channel, a list of channels, or ``{first_of: [channels]}``."""
    match value:
        case str():
            return SendAll((value,))
        case [str(), *_] if all(isinstance(channel, str) for channel in value):
            return SendAll(_distinct(value))
        case {"first_of": [str(), *_] as channels, **rest} if not rest and all(isinstance(c, str) for c in channels):
            return SendFirst(_distinct(channels))
    raise ValueError("write a channel (send: email), a list of channels, or {first_of: [push, email]}")


def _distinct(channels: list[str]) -> tuple[str, ...]:
    if len(set(channels)) < len(channels):
        raise ValueError(f"a channel stands twice in {channels}; name each once")
    return tuple(channels)
