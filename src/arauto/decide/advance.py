"""advance: walk a run through its steps until it waits, stops or ends; pure.

A step is asked again whenever its run wakes, with the recipient as they are now. What was taken back is taken out
first; and before anything is sent, whatever may hold it up is asked: silences, mutes, wishes and the attention budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import assert_never

import msgspec
from msgspec import Struct

from arauto.decide import wishes
from arauto.decide.editions import begun
from arauto.decide.editions import place_of as standing_at
from arauto.decide.fanouts import fanned_out
from arauto.decide.plan import event_context, named_by, run_context
from arauto.decide.signals import CANCEL, awaits_of, muted, place_of
from arauto.decide.silences import silence_over
from arauto.decide.wishes import IN_APP
from arauto.errors import LanguageError
from arauto.model import (
    JSON,
    Await,
    Catalogue,
    Category,
    Context,
    Continue,
    Entry,
    Fanout,
    Merge,
    Message,
    MessageState,
    Notification,
    Notify,
    Reason,
    Recipient,
    Run,
    Send,
    Sent,
    Silence,
    Situation,
    Started,
    Stop,
    Use,
    Wait,
    derive_id,
)

_LOOK_AGAIN = timedelta(days=1)
"""Events and receipts wake a run that waits for them; this is only the time after which it looks by itself."""
_ATTEMPT = timedelta(seconds=5)
"""How soon a run that was taken back looks again at a message that is just being sent."""


class Told(Struct, frozen=True):
    """What is known of the messages that a run has sent."""

    states: Mapping[str, MessageState] = {}
    read: frozenset[str] = frozenset()
    """Those that were read in the inbox."""


class Standing(Struct, frozen=True):
    """What holds at this moment for all runs."""

    catalogue: Catalogue
    silences: Sequence[Silence] = ()


class Advanced(Struct, frozen=True):
    """A run after its walk: done, or waiting; and all that it hands over."""

    run: Run
    wait: Wait | None
    due_at: datetime | None = None
    """When it is to be asked again; None: never."""
    context: Context = {}
    """What its texts see."""
    messages: tuple[Message, ...] = ()
    uses: tuple[Use, ...] = ()
    """What of it counts only if it is granted: all."""
    awaits: tuple[Await, ...] = ()
    started: tuple[Started, ...] = ()
    fanouts: tuple[Fanout, ...] = ()
    cancels: tuple[str, ...] = ()
    rewrites: tuple[Message, ...] = ()
    """Unread messages in the inbox that told some of what was taken back: they are to be written again without it.
    """
    """The ids of messages that tell nothing any more: to be cancelled where they are not under way, and to go from the
    inbox where they are unread."""
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
    return "failed" if all(state in ("failed", "expired", "cancelled") for state in states) else None


def advance(
    run: Run,
    recipient: Recipient,
    told: Told,
    standing: Standing,
    now: datetime,
    *,
    known: Context | None = None,
) -> Advanced:
    """Ask the run's step, and the steps after it, until one waits or stops, or none is left. ``known`` is the
    context of its only event where it is at hand."""
    walk = _Walk(run, recipient, told, standing, now, known)
    try:
        return walk.go()
    except LanguageError as error:
        walk.log(Reason("expression_failed", {"error": error.message}), "stop")
        return walk.end(failed=True)


class _Walk:
    """One run on its way. What it collects counts together or not at all."""

    def __init__(
        self,
        run: Run,
        recipient: Recipient,
        told: Told,
        standing: Standing,
        now: datetime,
        known: Context | None,
    ) -> None:
        self.standing, self.catalogue = standing, standing.catalogue
        self.notification: Notification = self.catalogue.notifications[run.notification]
        run = run if run.at else begun(run, self.notification)
        self.run, self.recipient, self.told, self.now = fold_outcomes(run, told.states), recipient, told, now
        self.category: Category = self.catalogue.categories[self.notification.category]
        self.zone = recipient.time_zone or self.catalogue.project.time_zone
        self.known = known
        self.entries = list(run.log)
        self.messages: list[Message] = []
        self.uses: list[Use] = []
        self.awaits: tuple[Await, ...] = ()
        self.started: list[Started] = []
        self.fanouts: list[Fanout] = []
        self.cancels: tuple[str, ...] = ()
        self.rewrites: tuple[Message, ...] = ()
        self.unsettled = False
        self.context: Context = {}

    def go(self) -> Advanced:
        self._listen()
        self._retract()
        if not self.run.live or any(entry.decision == "merge" for entry in self.run.log):
            return self.end()
        self.context = run_context(self.run, self.recipient, self.catalogue, known=self.known)
        self.reachable, self.refusals = self._reachable()
        while self.run.step < len(self.notification.steps):
            step = self.notification.steps[self.run.step]
            situation = Situation(self.run, self.recipient, self.context, self.reachable, self.now, self.zone)
            decision = step.decide(situation)
            match decision:
                case Continue() if self._is_used(decision.uses):
                    return self.end(wait=self._count_first(), aside=True)
                case Continue():
                    self._note_refusals(step.channels)
                    self.log(decision.reason, "continue")
                    self.uses.extend(decision.uses)
                    self._continue(decision)
                case Wait():
                    return self.end(wait=decision)
                case Stop():
                    self.log(decision.reason, "stop")
                    return self.end()
                case Notify():
                    self._continue(Continue(self._notify(decision)))
                case Send() if self.unsettled:
                    return self.end()
                case Send():
                    decision = self._without_noise(decision)
                    self._note_refusals(step.channels)
                    hold = self._hindrance(decision.channels)
                    if isinstance(hold, Wait):
                        return self.end(wait=hold)
                    if isinstance(hold, Reason):
                        self.log(hold, "skip")
                        self._continue(Continue(hold))
                    else:
                        self._send(decision)
                case _:
                    assert_never(decision)
        return self.end()

    def end(self, *, wait: Wait | None = None, aside: bool = False, failed: bool = False) -> Advanced:
        """What has come of it. A run that is over stands behind its last step, so that nothing begins it again; but
        not before all is settled that was taken back. ``aside``: it is not its step that waits."""
        if wait is None and self.unsettled:
            wait = Wait(self.now + _ATTEMPT, Reason("awaits_attempt"))
        if wait is None:
            end = len(self.notification.steps)
            at = standing_at(self.notification, end)
            self.run = msgspec.structs.replace(self.run, step=end, at=at, until=None, refused={})
        else:
            last = self.entries[-1] if self.entries else None
            if last is None or last.decision != "wait" or last.reason != wait.reason:
                self.log(wait.reason, "wait")
            self.run = msgspec.structs.replace(self.run, until=self.run.until if aside else wait.until)
        return Advanced(
            msgspec.structs.replace(self.run, log=tuple(self.entries), listening=True),
            wait,
            self._due_at(wait),
            self.context,
            tuple(self.messages),
            tuple(self.uses),
            self.awaits,
            tuple(self.started),
            tuple(self.fanouts),
            self.cancels,
            self.rewrites,
            failed,
        )

    def _due_at(self, wait: Wait | None) -> datetime | None:
        if wait is None or not self.unsettled:
            return None if wait is None else wait.until
        return min(wait.until, self.now + _ATTEMPT)

    def log(self, reason: Reason, decision: str) -> None:
        self.entries.append(Entry(self.now, self.run.step, decision, reason))  # type: ignore[arg-type]

    # -- what it listens for, and what was taken back ----------------------------------------------------------------

    def _listen(self) -> None:
        if not self.run.listening:
            contexts = [(event, self.known or event_context(event, self.catalogue)) for event in self.run.events]
            self.awaits = awaits_of(self.run, self.notification, contexts)

    def _retract(self) -> None:
        """Take out the events that were taken back, and correct what was received of them. While a message is just
        being sent it is not known whether it was received: then this remains to be done."""
        held = {event.key for event in self.run.events}
        gone = {
            signal.about: signal
            for signal in self.run.signals
            if place_of(signal) == CANCEL and signal.about not in self.run.retracted and signal.about in held
        }
        if not gone:
            return
        if "sending" in self.told.states.values():
            self.unsettled = True
            return
        for about, signal in gone.items():
            assert signal.event is not None
            self.log(
                Reason("retracted", {"event": about, "by": signal.event.type, "with": signal.event.key}), "retract"
            )
        self.run = msgspec.structs.replace(self.run, retracted=(*self.run.retracted, *gone))
        self.known = None
        self.cancels = tuple(
            id for keys, sent in self._told_of() if keys.issubset(self.run.retracted) for id in sent.messages
        )
        self.rewrites = tuple(
            self._message(id, IN_APP, self.recipient.id, sent, gathered=any(self.run.origins[: sent.events]))
            for keys, sent in self._told_of()
            if sent.channel == IN_APP and not keys.isdisjoint(gone) and not keys.issubset(self.run.retracted)
            for id in sent.messages
            if id not in self.told.read and self.told.states.get(id) == "sent"
        )
        for by in dict.fromkeys(signal.event.key for signal in gone.values() if signal.event):
            received = self._received(
                {about for about, signal in gone.items() if signal.event and signal.event.key == by}
            )
            if received:
                self._correct(received, by)

    def _told_of(self) -> list[tuple[set[str], Sent]]:
        """What the run has handed over, each with the keys of the events that it told."""
        keys = [event.key for event in self.run.events]
        return [(set(keys[: sent.events]), sent) for sent in self.run.sent]

    def _received(self, about: set[str]) -> list[str]:
        """The channels by which the recipient has received something about these events, first things first."""
        return list(
            dict.fromkeys(
                sent.channel
                for keys, sent in self._told_of()
                for id in sent.messages
                if not keys.isdisjoint(about)
                and (id in self.told.read if sent.channel == IN_APP else self.told.states.get(id) == "sent")
            )
        )

    def _correct(self, received: Sequence[str], by: str) -> None:
        channels = [
            channel
            for channel in received
            if channel in self.notification.corrections
            and channel in self.catalogue.channels
            and wishes.addresses(self.recipient, channel)
            and wishes.refusal(self.recipient, self.category, channel) is None
        ]
        if channels:
            self.log(Reason("corrects", {"channels": channels}), "send")
            for channel in channels:
                self.messages.extend(self._messages(channel, awaited=False, correction=by))

    # -- going on ----------------------------------------------------------------------------------------------------

    def _continue(self, decision: Continue) -> None:
        run = self.run
        step = self.notification.following[run.step] if decision.to is None else decision.to
        self.run = msgspec.structs.replace(
            run,
            step=step,
            at=standing_at(self.notification, step),
            round=run.round if decision.round is None else decision.round,
            entered_at=self.now,
            until=None,
        )

    def _notify(self, decision: Notify) -> Reason:
        others: list[str] = []
        groups: list[str] = []
        for named in named_by(decision.targets, self.context, self.catalogue, self.now):
            if named.fans_out is not None:
                groups.append(named.fans_out)
            elif named.recipient is None:
                self.log(named.reason, "skip")
            elif named.recipient not in others:
                others.append(named.recipient)
        run = self.run
        seed = (run.key, *self._numbering, str(run.step), str(run.round))
        begins = Run(
            key="",
            notification=run.notification,
            recipient="",
            events=run.live,
            entered_at=self.now,
            step=decision.first,
            at=standing_at(self.notification, decision.first),
            tenant=run.tenant,
            catalogue=run.catalogue,
            edition=run.edition,
            parent=run.key,
        )
        for group in dict.fromkeys(groups):
            self.log(Reason("fans_out", {"group": group}), "notify")
            self.fanouts.append(fanned_out(group, begins, seed))
        reason = Reason("notifies", {"recipients": others})
        if others or not groups:
            self.log(reason, "notify")
        contexts = [(event, event_context(event, self.catalogue)) for event in run.live] if others else []
        for other in others:
            key = derive_id("run", *seed, other)
            started = msgspec.structs.replace(begins, key=key, recipient=other, listening=True)
            self.started.append(Started(started, awaits_of(started, self.notification, contexts)))
        return reason

    @property
    def _numbering(self) -> tuple[str, ...]:
        """What keeps ids that are derived from the numbers of steps apart from those of another version."""
        return (self.run.numbering,) if self.run.numbering else ()

    # -- sending -----------------------------------------------------------------------------------------------------

    def _reachable(self) -> tuple[frozenset[str], dict[str, Reason]]:
        """The channels that the hub and the notification have and by which the recipient is and wants to be reached;
        and why others are not among them, where that is their wish or a dead address."""
        categories = wishes.categories_of(self.run, self.catalogue) if self.run.origins else [self.category]
        reached: set[str] = set()
        refusals: dict[str, Reason] = {}
        for channel in self.notification.composers:
            if channel not in self.catalogue.channels:
                continue
            refused = wishes.suppression(self.recipient, channel)
            if refused is None and wishes.addresses(self.recipient, channel):
                refused = wishes.refusal_of_all(self.recipient, categories, channel)
                if refused is None:
                    reached.add(channel)
            if refused is not None:
                refusals[channel] = refused
        return frozenset(reached), refusals

    def _note_refusals(self, channels: Iterable[str]) -> None:
        for channel in channels:
            refused = self.refusals.pop(channel, None)
            if refused is not None and not any(
                entry.step == self.run.step and entry.reason == refused for entry in self.entries
            ):
                self.log(refused, "skip")

    def _without_noise(self, send: Send) -> Send:
        """In quiet hours, what goes to the inbox among other channels goes there at once."""
        if IN_APP in send.channels and self._quiet(send.channels) is not None:
            return Send((IN_APP,), Reason("sends", {"channels": [IN_APP]}), send.awaited)
        return send

    def _quiet(self, channels: Sequence[str]) -> tuple[datetime, Reason] | None:
        return wishes.quiet(self.recipient, self.category, channels, self.catalogue.project, self.now)

    def _hindrance(self, channels: Sequence[str]) -> Wait | Reason | None:
        """What keeps these channels from being used now: a time to wait for, or a reason to go on without."""
        mute = self.notification.mute
        opened = muted(self.run) if mute is not None else None
        if mute is not None and opened is not None:
            return opened.why if mute.drop else Wait(self.now + _LOOK_AGAIN, opened.why, hold=opened.hold)
        silence = silence_over(self.standing.silences, self.run.tenant, self.notification, self.recipient, self.now)
        if silence is not None:
            return silence.why if silence.drop else Wait(silence.until, silence.why, hold=silence.hold)
        quiet = self._quiet(channels)
        if quiet is not None:
            return Wait(*quiet)
        return self._over_budget(channels)

    def _over_budget(self, channels: Sequence[str]) -> Wait | None:
        count = sum(len(wishes.addresses(self.recipient, channel)) for channel in channels)
        use = wishes.attention(self.recipient, self.category, self.catalogue.project, self.run.tenant, count)
        if use is None:
            return None
        free_at = self.run.refused.get(use.key)
        if free_at is not None and free_at > self.now:
            merge = None
            if all(channel in self.catalogue.gathered for channel in channels):
                # Apart by priority: what is important must not wait with what is not.
                key = derive_id("overflow", self.run.tenant, self.recipient.id, self.category.priority)
                merge = Merge(key, apart=True)
            return Wait(free_at, Reason("attention_spent", {"at_most": use.at_most}), merge)
        if self._is_used((use,)):
            return self._count_first()
        self.uses.append(use)
        return None

    def _is_used(self, uses: Iterable[Use]) -> bool:
        """Whether the walk uses one of these allowances already: what it used has to be granted before it asks on."""
        taken = {use.key for use in self.uses}
        return any(use.key in taken for use in uses)

    def _count_first(self) -> Wait:
        return Wait(self.now, Reason("counts_first"))

    def _send(self, send: Send) -> None:
        self.log(send.reason, "send")
        for channel in send.channels:
            made = self._messages(channel, awaited=send.awaited)
            self.messages.extend(made)
            ids = tuple(message.id for message in made)
            handed = Sent(self.run.step, channel, ids, round=self.run.round, events=len(self.run.events))
            self.run = msgspec.structs.replace(self.run, sent=(*self.run.sent, handed))

    def _messages(self, channel: str, *, awaited: bool, correction: str | None = None) -> list[Message]:
        run = self.run
        life = self.notification.expires or self.catalogue.channels[channel].retry.expires
        what = [*self._numbering, str(run.step), str(run.round)] if correction is None else ["correction", correction]
        return [
            msgspec.structs.replace(
                self._message(
                    derive_id("msg", run.key, *what, channel, *([] if number == 0 else [str(address)])),
                    channel,
                    address,
                    run,
                    gathered=correction is None and run.gathered,
                ),
                expires_at=self.now + life,
                awaited=awaited,
                correction=correction,
            )
            for number, address in enumerate(wishes.addresses(self.recipient, channel))
        ]

    def _message(self, id: str, channel: str, address: JSON, at: Run | Sent, *, gathered: bool) -> Message:
        """A message of the step and round at which ``at`` stands."""
        run = self.run
        return Message(
            id=id,
            run=run.key,
            event=run.events[0].key,
            notification=run.notification,
            recipient=run.recipient,
            channel=channel,
            step=at.step,
            round=at.round,
            address=address,
            created_at=self.now,
            expires_at=self.now,
            tenant=run.tenant,
            gathered=gathered,
        )
