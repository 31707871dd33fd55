"""signals: how something that happens finds the runs that listen for it; pure.

Both sides make the same key from what the thing is about: a run when it begins, an event when it is planned, a receipt
when it comes. So whichever is first, the other finds it by an index, and nobody searches among what waits.
A key begins with its place: ``cancel``, ``opened``, ``closed``, that of a step, or the kind of a receipt. It is made of
what is listened for, and not of where that stands in its notification: so versions of a notification that listen for
the same hear of the same, and those that do not hear of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from arauto.errors import LanguageError
from arauto.model import (
    JSON,
    Await,
    Awaited,
    AwaitedReceipt,
    Context,
    Event,
    Listener,
    Message,
    Mute,
    Notification,
    Reason,
    Receipt,
    ReceiptKind,
    Run,
    Signal,
    derive_id,
)

CANCEL, OPENED, CLOSED = "cancel", "opened", "closed"


class Switch(Struct, frozen=True):
    """The keys under which something is opened and closed."""

    opened: str
    closed: str


def step_place(awaited: Awaited) -> str:
    """The place of a step that listens for these events."""
    return derive_id("step", *listening_for(awaited)).replace("_", "", 1)


def listening_for(awaited: Awaited) -> tuple[str, ...]:
    """What tells events that are listened for from others."""
    return (*awaited.types, "", awaited.there.source, awaited.when.source if awaited.when else "")


def place_of(signal: Signal) -> str:
    """Where in a notification this is listened for; of a receipt, its kind."""
    return signal.key.partition("_")[0]


def key_of(tenant: str, notification: str, place: str, awaited: Awaited, about: JSON) -> str:
    """The key of these events that are about this. A number is the same as its digits: systems differ in that."""
    text = about if isinstance(about, str) else json.dumps(about, sort_keys=True, separators=(",", ":"))
    return derive_id(place, tenant, notification, *listening_for(awaited), text)


def _switch(tenant: str, notification: str, mute: Mute, about: JSON) -> Switch:
    return Switch(
        key_of(tenant, notification, OPENED, mute.opened, about),
        key_of(tenant, notification, CLOSED, mute.closed, about),
    )


def receipt_key(kind: ReceiptKind, run: str) -> str:
    """The key of receipts of this kind for the messages of this run."""
    return derive_id(kind, run)


def shared_receipt_key(kind: ReceiptKind, notification: str, event: str) -> str:
    """The key of receipts of this kind from anybody who was told of this event (its key) by this notification."""
    return derive_id(kind, notification, event)


def awaited_receipt_key(run: Run, awaited: AwaitedReceipt) -> str:
    """The key of the receipts that a run listens for."""
    if awaited.anybody:
        return shared_receipt_key(awaited.kind, run.notification, run.events[0].key)
    return receipt_key(awaited.kind, run.key)


def keys_of_receipt(receipt: Receipt, notification: str, run: str, event: str) -> tuple[str, str]:
    """The keys under which a receipt is to be found, for a message of this run."""
    return receipt_key(receipt.kind, run), shared_receipt_key(receipt.kind, notification, event)


def listened(notification: Notification) -> Iterator[tuple[str, Awaited]]:
    """Each place that listens for events, and for which."""
    if notification.cancel is not None:
        yield CANCEL, notification.cancel
    if notification.mute is not None:
        yield OPENED, notification.mute.opened
        yield CLOSED, notification.mute.closed
    for step in notification.steps:
        for awaited in step.awaits:
            yield step_place(awaited), awaited


def awaits_of(run: Run, notification: Notification, contexts: Sequence[tuple[Event, Context]]) -> tuple[Await, ...]:
    """All that a run listens for. ``contexts`` are its events with what expressions see of each.

    Raises LanguageError when an expression fails. What gives null is about nothing, and is not listened for. Whatever
    mutes a run holds it up (``Wait.hold``), and so wakes it when it is closed.
    """
    found: list[Await] = []
    places = [(place, awaited) for place, awaited in listened(notification) if place != CLOSED]
    for event, context in contexts if places else ():
        for place, awaited in places:
            about = awaited.here.evaluate(context)
            if about is not None:
                key = key_of(run.tenant, notification.name, place, awaited, about)
                found.append(Await(key, event.key, place == OPENED, place == CANCEL))
    found.extend(
        Await(awaited_receipt_key(run, awaited), run.events[0].key)
        for step in notification.steps
        for awaited in step.receipts
    )
    return tuple(dict.fromkeys(found))


class Signalled(Struct, frozen=True):
    """What an event says to the runs that listen."""

    keys: tuple[str, ...]
    opens: tuple[Switch, ...]
    closes: tuple[Switch, ...]
    explanation: tuple[dict[str, JSON], ...]
    """For each notification that listens for its type, whether it counts and why."""
    failures: int


def signals_of(event: Event, context: Context, listeners: Mapping[str, Sequence[Listener]]) -> Signalled:
    """The keys under which this event is to be found; ``listeners`` are by event type."""
    keys: list[str] = []
    opens: list[Switch] = []
    closes: list[Switch] = []
    told: list[dict[str, JSON]] = []
    failures = 0
    for listener in listeners.get(event.type, ()):
        awaited = listener.awaited
        try:
            if awaited.when is not None and not awaited.when.evaluate(context):
                reason = awaited.when.first_failure(context)
            elif (about := awaited.there.evaluate(context)) is None:
                reason = Reason("about_nothing", {"expression": awaited.there.source})
            else:
                if listener.mute is None:
                    keys.append(key_of(event.tenant, listener.notification, listener.place, awaited, about))
                else:
                    switch = _switch(event.tenant, listener.notification, listener.mute, about)
                    (opens if listener.place == OPENED else closes).append(switch)
                reason = Reason("listened_for", {"expression": awaited.there.source, "value": about})
        except LanguageError as error:
            failures += 1
            reason = Reason("expression_failed", {"error": error.message})
        place = listener.place if listener.place in (CANCEL, OPENED, CLOSED) else "wait_for"
        told.append({"notification": listener.notification, "place": place, "reason": reason})
    return Signalled(
        tuple(dict.fromkeys(keys)), tuple(dict.fromkeys(opens)), tuple(dict.fromkeys(closes)), tuple(told), failures
    )


def mute_key(run: Run, notification: Notification, context: Context) -> str | None:
    """The key of what may mute a run; None also where its expression fails, for then the run is stopped by that."""
    if notification.mute is None:
        return None
    try:
        about = notification.mute.opened.here.evaluate(context)
    except LanguageError:
        return None
    return None if about is None else _switch(run.tenant, notification.name, notification.mute, about).opened


def told_by(run: Run, message: Message) -> Run:
    """The run as a message tells it: with the events that it held when it handed the message over, and without those
    that were taken back, though it may not have been asked since."""
    if message.correction is not None:
        return run
    count = next((sent.events for sent in run.sent if message.id in sent.messages), len(run.events))
    gone = tuple(signal.about for signal in run.signals if place_of(signal) == CANCEL)
    return msgspec.structs.replace(
        run, events=run.events[:count], origins=run.origins[:count], retracted=(*run.retracted, *gone)
    )


def taken_back(run: Run) -> bool:
    """Whether all that a run tells was taken back, though it may not have been asked since."""
    gone = {signal.about for signal in run.signals if place_of(signal) == CANCEL}.union(run.retracted)
    return all(event.key in gone for event in run.events)


class Muted(Struct, frozen=True):
    """A run may send nothing while something is open."""

    why: Reason
    hold: str
    """The key under which it waits for the closing."""


def muted(run: Run) -> Muted | None:
    """What mutes a run now. Its own events do not: so of several that open the same, the first is told of."""
    own = {event.key for event in run.events}
    for signal in run.signals:
        if place_of(signal) == OPENED and signal.event is not None and signal.event.key not in own:
            return Muted(Reason("muted", {"by": signal.event.type, "event": signal.event.key}), signal.key)
    return None
