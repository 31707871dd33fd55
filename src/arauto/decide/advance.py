"""advance: walk a run through its steps until it waits, stops or ends; pure.

A step is asked again whenever its run wakes, with the recipient as they are now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import assert_never

import msgspec
from msgspec import Struct

from arauto.errors import LanguageError
from arauto.model import (
    Catalogue,
    Context,
    Continue,
    Entry,
    Message,
    MessageState,
    Notification,
    Reason,
    Recipient,
    Run,
    Send,
    Sent,
    Situation,
    Stop,
    Wait,
    derive_id,
)

IN_APP = "inapp"
"""The channel whose address is the recipient's own id."""


class Advanced(Struct, frozen=True):
    """A run after its walk: done, or waiting until a time; and the messages that it hands over."""

    run: Run
    waits_until: datetime | None
    messages: tuple[Message, ...]
    failed: bool = False
    """An expression failed, and that stopped the run."""


def fold_outcomes(run: Run, states: Mapping[str, MessageState]) -> Run:
    """The run, told how its messages ended: a step's channel is accepted when one of its messages was."""
    sent = tuple(
        msgspec.structs.replace(each, outcome=_outcome([states.get(id, "queued") for id in each.messages]))
        for each in run.sent
    )
    return run if sent == run.sent else msgspec.structs.replace(run, sent=sent)


def _outcome(states: Iterable[MessageState]) -> str | None:
    states = list(states)
    if "sent" in states:
        return "accepted"
    return "failed" if all(state in ("failed", "expired") for state in states) else None


def reachable(recipient: Recipient, notification: Notification, catalogue: Catalogue) -> frozenset[str]:
    """The channels that the hub has, the recipient has an address for, and the notification has a text for; of
    recipients, only people have an inbox."""
    return frozenset(
        channel
        for channel in notification.composers
        if channel in catalogue.channels
        and (recipient.kind == "person" if channel == IN_APP else recipient.addresses.get(channel))
    )


def advance(
    run: Run, recipient: Recipient, notification: Notification, catalogue: Catalogue, context: Context, now: datetime
) -> Advanced:
    """Ask the run's step, and the steps after it, until one waits or stops, or none is left."""
    reached = reachable(recipient, notification, catalogue)
    messages: list[Message] = []
    log = list(run.log)
    while run.step < len(notification.steps):
        step = notification.steps[run.step]
        try:
            decision = step.decide(Situation(run, recipient, context, reached, now))
        except LanguageError as error:
            reason = Reason("expression_failed", {"error": error.message})
            log.append(Entry(now, run.step, "stop", reason))
            return Advanced(msgspec.structs.replace(run, log=tuple(log)), None, tuple(messages), failed=True)
        match decision:
            case Continue():
                log.append(Entry(now, run.step, "continue", decision.reason))
                run = msgspec.structs.replace(run, step=run.step + 1, entered_at=now)
            case Wait():
                if not log or log[-1].decision != "wait" or log[-1].reason != decision.reason:
                    log.append(Entry(now, run.step, "wait", decision.reason))
                return Advanced(msgspec.structs.replace(run, log=tuple(log)), decision.until, tuple(messages))
            case Stop():
                log.append(Entry(now, run.step, "stop", decision.reason))
                return Advanced(msgspec.structs.replace(run, log=tuple(log)), None, tuple(messages))
            case Send():
                log.append(Entry(now, run.step, "send", decision.reason))
                handed = _messages(run, decision, recipient, notification, catalogue, now)
                messages.extend(message for made in handed.values() for message in made)
                sent = tuple(Sent(run.step, channel, tuple(m.id for m in made)) for channel, made in handed.items())
                run = msgspec.structs.replace(run, sent=run.sent + sent)
            case _:
                assert_never(decision)
    return Advanced(msgspec.structs.replace(run, log=tuple(log)), None, tuple(messages))


def _messages(
    run: Run, send: Send, recipient: Recipient, notification: Notification, catalogue: Catalogue, now: datetime
) -> dict[str, list[Message]]:
    made: dict[str, list[Message]] = {}
    for channel in send.channels:
        life = notification.expires or catalogue.channels[channel].retry.expires
        addresses = [recipient.id] if channel == IN_APP else recipient.addresses[channel]
        made[channel] = [
            Message(
                id=derive_id("msg", run.key, str(run.step), channel, *([] if number == 0 else [str(address)])),
                run=run.key,
                event=run.events[0].key,
                notification=run.notification,
                recipient=run.recipient,
                channel=channel,
                step=run.step,
                address=address,
                created_at=now,
                expires_at=now + life,
                tenant=run.tenant,
                awaited=send.awaited,
            )
            for number, address in enumerate(addresses)
        ]
    return made
