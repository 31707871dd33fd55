"""``wait_for``: wait for an event or a receipt, up to a time, then stop or continue.

``wait_for: {event: order.paid, match: event.data.order.id, up_to: 1h}`` waits for an event about the same order;
``match`` may be ``{here: …, there: …}`` where the two name it differently. ``wait_for: {receipt: read, up_to: 30m}``
waits until a message of this run was read; ``by: anybody`` counts whoever was told of the same event. When it comes the
run stops, when the time is over it continues; ``then`` and ``else`` say otherwise: ``{…, then: continue, else: stop}``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, get_args

from msgspec import Struct

from arauto.decide.calendar import shown_time
from arauto.decide.signals import awaited_receipt_key, place_of, step_place
from arauto.decide.steps import Description, span
from arauto.model import (
    JSON,
    Awaited,
    AwaitedReceipt,
    Continue,
    Decision,
    Reason,
    ReceiptKind,
    Signal,
    Situation,
    Step,
    Stop,
    Wait,
)

if TYPE_CHECKING:
    from arauto.decide.steps import Build

_KINDS = tuple(kind for kind in get_args(ReceiptKind) if kind not in ("bounced", "complained", "failed"))
_FURTHER: dict[str, tuple[ReceiptKind, ...]] = {
    "delivered": ("delivered", "opened", "read", "clicked", "acknowledged"),
    "opened": ("opened", "read", "clicked", "acknowledged"),
    "read": ("read", "opened", "clicked", "acknowledged"),
    "clicked": ("clicked", "acknowledged"),
    "acknowledged": ("acknowledged",),
}
"""What is known from what: who clicked has opened, even where nobody told of the opening."""
_USAGE = "write {event: order.paid, match: event.data.order.id, up_to: 1h} or {receipt: read, up_to: 30m}"


class WaitFor(Struct, frozen=True):
    """Waits for one of the events or receipts that it listens for."""

    up_to: timedelta
    stops: bool
    """It stops when that comes, and otherwise continues."""
    stops_else: bool
    awaits: tuple[Awaited, ...] = ()
    receipts: tuple[AwaitedReceipt, ...] = ()
    channels: tuple[str, ...] = ()

    def decide(self, situation: Situation) -> Decision:
        """Look at what has happened, then at the time."""
        run = situation.run
        end = run.entered_at + self.up_to
        signal = self._happened(situation)
        if signal is not None:  # though it came late: nobody has been told that it did not come
            reason = _told(signal)
            return Stop(reason) if self.stops else Continue(reason)
        until = {"until": shown_time(end, situation.time_zone)}
        if self.receipts:
            receipt = {"receipt": self.receipts[0].kind}
            waits, missed = Reason("awaits_receipt", receipt | until), Reason("no_receipt", receipt)
        else:
            what = {"what": [name for awaited in self.awaits for name in awaited.types]}
            waits, missed = Reason("waits_for", what | until), Reason("did_not_come", what)
        if situation.now < end:
            return Wait(end, waits)
        return Stop(missed) if self.stops_else else Continue(missed)

    def describe(self) -> Description:
        """For what it waits, how long, and what follows if it comes and if it does not."""
        way = {(True, False): "unless", (False, True): "only_if", (True, True): "ends"}.get(
            (self.stops, self.stops_else), "either"
        )
        told: dict[str, JSON] = {"time": self.up_to.total_seconds()}
        if self.receipts:
            told |= {"receipt": self.receipts[0].kind, "anybody": self.receipts[0].anybody}
        for awaited in self.awaits:
            told |= {"events": list(awaited.types), "same": awaited.here.source}
            told |= {"condition": awaited.when.source} if awaited.when is not None else {}
        return Description((Reason(f"step.wait_{way}", told),))

    def _happened(self, situation: Situation) -> Signal | None:
        run = situation.run
        keys = {awaited_receipt_key(run, awaited) for awaited in self.receipts}
        live = {event.key for event in run.live}
        places = {step_place(awaited) for awaited in self.awaits}
        return next(
            (
                signal
                for signal in run.signals
                if (signal.event is not None and place_of(signal) in places and signal.about in live)
                or (signal.receipt is not None and signal.key in keys)
            ),
            None,
        )


def _told(signal: Signal) -> Reason:
    if signal.event is not None:
        return Reason("came", {"what": signal.event.type, "event": signal.event.key})
    assert signal.receipt is not None
    return Reason("receipt_came", {"receipt": signal.receipt.kind, "message": signal.receipt.message})


def compile(value: JSON, build: Build) -> Step:
    """What to wait for, how long, and what follows."""
    if not isinstance(value, dict) or ("event" in value) == ("receipt" in value) or "up_to" not in value:
        raise ValueError(_USAGE)
    about = ("event", "match", "when") if "event" in value else ("receipt", "by")
    unknown = sorted(value.keys() - {*about, "up_to", "then", "else"})
    if unknown:
        raise ValueError(f"{unknown[0]!r} has no place here; {_USAGE}")
    then, otherwise = value.get("then", "stop"), value.get("else")
    for name, said in (("then", then), ("else", otherwise)):
        if said not in ("stop", "continue", None):
            raise ValueError(f"{name} is stop or continue, not {said!r}")
    if otherwise is None:
        otherwise = "continue" if then == "stop" else "stop"
    awaits: tuple[Awaited, ...] = ()
    receipts: tuple[AwaitedReceipt, ...] = ()
    if "event" in value:
        awaits = (build.awaited({key: value[key] for key in about if key in value}),)
    else:
        kind, by = value["receipt"], value.get("by", "recipient")
        if kind not in _KINDS:
            raise ValueError(f"receipt is one of {', '.join(_KINDS)}, not {kind!r}")
        if by not in ("recipient", "anybody"):
            raise ValueError(f"by is recipient or anybody, not {by!r}")
        receipts = tuple(AwaitedReceipt(each, by == "anybody") for each in _FURTHER[kind])
    return WaitFor(span(value["up_to"]), then == "stop", otherwise == "stop", awaits, receipts)
