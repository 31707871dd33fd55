"""signals: how something that happens finds the runs that listen for it; pure.

Both sides make the same key from what the thing is about: a run when it begins, an event when it is planned, a receipt
when it comes. So whichever is first, the other finds it by an index, and nobody searches among what waits.
A key begins with its place: ``cancel``, ``opened``, ``closed``, ``step3`` or the kind of a receipt.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from msgspec import Struct

from arauto.errors import LanguageError
from arauto.model import (
    JSON,
    Await,
    Awaited,
    AwaitedReceipt,
    Catalogue,
    Context,
    Event,
    Notification,
    Reason,
    Receipt,
    ReceiptKind,
    Run,
    Signal,
    derive_id,
)

CANCEL, OPENED, CLOSED = "cancel", "opened", "closed"


def step_place(index: int) -> str:
    """The place of a step that listens for an event."""
    return f"step{index}"


def place_of(signal: Signal) -> str:
    """Where in a notification this is listened for; of a receipt, its kind."""
    return signal.key.partition("_")[0]


def key_of(tenant: str, notification: str, place: str, about: JSON) -> str:
    """The key of events that are about this. A number is the same as its digits: systems differ in that."""
    text = about if isinstance(about, str) else json.dumps(about, sort_keys=True, separators=(",", ":"))
    return derive_id(place, tenant, notification, text)


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
    for index, step in enumerate(notification.steps):
        for awaited in step.awaits:
            yield step_place(index), awaited


def awaits_of(run: Run, notification: Notification, contexts: Sequence[tuple[Event, Context]]) -> tuple[Await, ...]:
    """All that a run listens for. ``contexts`` are its events with what expressions see of each.

    Raises LanguageError when an expression fails. What gives null is about nothing, and is not listened for.
    """
    found: list[Await] = []
    places = list(listened(notification))
    for event, context in contexts if places else ():
        for place, awaited in places:
            about = awaited.here.evaluate(context)
            if about is not None:
                key = key_of(run.tenant, notification.name, place, about)
                found.append(Await(key, event.key, place in (OPENED, CLOSED), place == CANCEL))
    found.extend(
        Await(awaited_receipt_key(run, awaited), run.events[0].key)
        for step in notification.steps
        for awaited in step.receipts
    )
    return tuple(dict.fromkeys(found))


class Signalled(Struct, frozen=True):
    """What an event says to the runs that listen."""

    keys: tuple[str, ...]
    latest: tuple[str, ...]
    """Those of which only the last event counts: whether something is open is told by the last."""
    explanation: tuple[dict[str, JSON], ...]
    """For each notification that listens for its type, whether it counts and why."""
    failures: int


def signals_of(event: Event, context: Context, catalogue: Catalogue) -> Signalled:
    """The keys under which this event is to be found."""
    keys: list[str] = []
    latest: list[str] = []
    told: list[dict[str, JSON]] = []
    failures = 0
    for listener in catalogue.listeners.get(event.type, ()):
        awaited = listener.awaited
        try:
            if awaited.when is not None and not awaited.when.evaluate(context):
                reason = awaited.when.first_failure(context)
            elif (about := awaited.there.evaluate(context)) is None:
                reason = Reason("about_nothing", {"expression": awaited.there.source})
            else:
                key = key_of(event.tenant, listener.notification, listener.place, about)
                keys.append(key)
                if listener.place in (OPENED, CLOSED):
                    latest.append(key)
                reason = Reason("listened_for", {"expression": awaited.there.source, "value": about})
        except LanguageError as error:
            failures += 1
            reason = Reason("expression_failed", {"error": error.message})
        told.append({"notification": listener.notification, "place": listener.place, "reason": reason})
    return Signalled(tuple(dict.fromkeys(keys)), tuple(dict.fromkeys(latest)), tuple(told), failures)


def mute_keys(run: Run, notification: Notification, context: Context) -> list[str]:
    """The keys of what may mute a run; none where an expression fails, for then the run is stopped by that."""
    keys: list[str] = []
    for place, awaited in listened(notification):
        if place in (OPENED, CLOSED):
            try:
                about = awaited.here.evaluate(context)
            except LanguageError:
                return []
            if about is not None:
                keys.append(key_of(run.tenant, notification.name, place, about))
    return keys


def taken_back(run: Run) -> bool:
    """Whether all that a run tells was taken back, though it may not have been asked since."""
    gone = {signal.about for signal in run.signals if place_of(signal) == CANCEL}.union(run.retracted)
    return all(event.key in gone for event in run.events)


def is_open(signals: Sequence[Signal]) -> Signal | None:
    """The signal that opened what is open now; None when the last thing that happened closed it."""
    places = [signal for signal in signals if place_of(signal) in (OPENED, CLOSED)]
    return places[-1] if places and place_of(places[-1]) == OPENED else None
