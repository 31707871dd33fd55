"""deciding: the stages plan and advance. Each takes a batch and touches the database a few times for all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct

from arauto.channels import load as load_channel
from arauto.decide.advance import Advanced, Standing, Told, advance
from arauto.decide.plan import Considered, Plan, event_context, match, plan, run_context
from arauto.decide.signals import Signalled, mute_key, signals_of, told_by
from arauto.engine.rendering import LEASE, Outgoing, Rendering, Room, inbox_item, log
from arauto.errors import LanguageError, StoreRefused
from arauto.model import JSON, Catalogue, Context, Entry, Reason, Recipient, Run, Signal
from arauto.store import Claim, Committed, DueRun, InboxItem, NewMessage, Pending, PlanRecord, RunRecord

TOLD_AT_ONCE = 1000
"""So many recipients are planned for in one transaction, or those of one event."""

MAX_CLAIMS = 5
"""An event that was taken this often and never planned is put into quarantine: it may be what kills the process."""


class Handover(Struct, frozen=True):
    """What a batch of decisions hands over once it is stored."""

    outgoing: list[Outgoing]
    """Claimed, to be sent."""
    inbox: list[InboxItem]
    """What was put into inboxes."""
    due: datetime | None
    """The earliest time at which something of it is due again; it may be past."""
    left: Sequence[Pending] = ()
    """Events for which there was no place in the transaction."""


class _Planned(Struct):
    """An event on its way through the stage."""

    pending: Pending
    context: dict[str, JSON]
    considered: tuple[Considered, ...]
    signalled: Signalled
    plan: Plan | None = None


class Deciding(Rendering):
    """Plan and advance."""

    # -- plan --------------------------------------------------------------------------------------------------------

    async def plan(self, pending: Sequence[Pending], room: Room) -> Handover:
        """Plan and advance these events in one transaction, or the first of them where all would be too many. What
        there is no room for is stored as queued. An event of which the database does not take what it leads to is put
        into quarantine, and holds up no other."""
        try:
            return await self._plan_together(pending, room)
        except StoreRefused as error:
            if len(pending) > 1:  # half of them, until it is known which it is
                half = len(pending) // 2
                handover = await self.plan(pending[:half], room)
                return msgspec.structs.replace(handover, left=(*handover.left, *pending[half:]))
            (each,) = pending
            log.error("cannot be stored", event_key=each.event.key, type=each.event.type, error=str(error))
            await self._put_aside(each, Reason("not_storable", {"error": str(error)}))
            return Handover([], [], None)

    async def _plan_together(self, pending: Sequence[Pending], room: Room) -> Handover:
        now = self.clock()
        if not self.store.exclusive:
            await self.editions.listen(now)
        batch: list[_Planned] = []
        told = 0
        left: Sequence[Pending] = ()
        for index, each in enumerate(pending):
            if told > TOLD_AT_ONCE:
                left = pending[index:]
                break
            try:
                context = event_context(each.event, self.catalogue)
                considered = match(each.event, context, self.catalogue, now)
                if each.missed is not None:
                    considered = tuple(one for one in considered if one.notification.name == each.missed)
                # What listens for it has heard of it the first time.
                listeners = self.editions.listeners if each.missed is None else {}
                batch.append(_Planned(each, context, considered, signals_of(each.event, context, listeners)))
                told += sum(len(each.named) for each in considered)
            except Exception as error:
                await self._survive(each, error)
        known = await self.recipients(
            (each.pending.event.tenant, named.recipient)
            for each in batch
            for considered in each.considered
            for named in considered.named
        )
        planned = [each for each in batch if await self._plan(each, known[each.pending.event.tenant], now)]
        await self.suppress(known)
        standing = await self.standing(each.pending.event.tenant for each in planned)
        opened = await self._mutes(planned)
        records: list[PlanRecord] = []
        outgoing: list[Outgoing] = []
        free = dict(room)
        for one in planned:
            tenant = one.pending.event.tenant
            try:
                record, claimed = self._advance_new(one, known[tenant], standing[tenant], opened, free, now)
            except Exception as error:
                await self._survive(one.pending, error)
                # The others were planned on what this one would have left behind: they are planned again.
                again = [*(each.pending for each in planned if each is not one), *left]
                return await self._plan_together(again, room)
            records.append(record)
            outgoing.extend(claimed)
        committed = await self.store.commit_plans(records, owner=self.owner, now=now, lease_until=now + LEASE)
        room.update(free)
        return handover([run for each in records for run in each.runs], outgoing, committed, now, left)

    async def _plan(self, each: _Planned, known: dict[str, Recipient], now: datetime) -> bool:
        """Plan an event; those that come after it see the recipients as it leaves them."""
        event = each.pending.event
        try:
            each.plan = plan(event, each.considered, known, self.catalogue, check_address=_check_address, now=now)
        except Exception as error:
            await self._survive(each.pending, error)
            return False
        failures = each.plan.failures + each.signalled.failures
        if failures:
            self.metrics.expression_failures.labels("plan").inc(failures)
        for considered in each.considered:
            self.metrics.planned.labels(considered.notification.name, considered.reason.code).inc()
        known.update((recipient.id, recipient) for recipient in each.plan.upserts)
        return True

    async def _mutes(self, batch: Iterable[_Planned]) -> dict[str, Signal]:
        """By key, the events that opened what is open and mutes the new runs."""
        keys: set[str] = set()
        for each in batch:
            for run in each.plan.runs if each.plan else ():
                key = mute_key(run, self.catalogue.notifications[run.notification], each.context)
                if key is not None:
                    keys.add(key)
        return {signal.key: signal for signal in await self.store.signals(keys)}

    def _advance_new(
        self,
        each: _Planned,
        known: Mapping[str, Recipient],
        standing: Standing,
        opened: dict[str, Signal],
        room: Room,
        now: datetime,
    ) -> tuple[PlanRecord, list[Outgoing]]:
        assert each.plan is not None
        for switch in each.signalled.closes:  # those after it in this batch know of it
            opened.pop(switch.opened, None)
        for switch in each.signalled.opens:
            opened.setdefault(switch.opened, Signal(key=switch.opened, about="", at=now, event=each.pending.event))
        runs: list[RunRecord] = []
        outgoing: list[Outgoing] = []
        for run in each.plan.runs:
            notification = self.catalogue.notifications[run.notification]
            key = mute_key(run, notification, each.context) if opened else None
            if key in opened:
                run = msgspec.structs.replace(run, signals=(opened[key],))
            record, claimed = self._advance(run, known[run.recipient], Told(), standing, each.context, room, now)
            runs.append(record)
            outgoing.extend(claimed)
        explanation = each.plan.explanation
        if each.signalled.explanation:
            explanation = {**explanation, "signals": each.signalled.explanation}
        return PlanRecord(
            event=each.pending.event.key,
            missed=each.pending.missed,
            explanation=explanation,
            runs=tuple(runs),
            upserts=each.plan.upserts,
            fanouts=each.plan.fanouts,
            signals=each.signalled.keys,
            opens=each.signalled.opens,
            closes=each.signalled.closes,
        ), outgoing

    async def _survive(self, pending: Pending, error: Exception) -> None:
        """An event whose planning breaks must not hold up the others; after MAX_CLAIMS tries it is put aside."""
        event = pending.event
        log.error("planning failed", event_key=event.key, type=event.type, claims=pending.claims, exc_info=error)
        if pending.claims >= MAX_CLAIMS:
            reason = Reason("quarantined", {"error": f"{type(error).__name__}", "claims": pending.claims})
            await self._put_aside(pending, reason)

    async def _put_aside(self, pending: Pending, reason: Reason) -> None:
        await self.store.quarantine(pending.event.key, {"quarantined": reason})
        self.metrics.quarantined.labels(pending.event.type).inc()

    # -- advance -----------------------------------------------------------------------------------------------------

    async def advance(self, due: Sequence[DueRun], room: Room) -> Handover:
        """Ask the steps of these runs again, with their recipients as they are now, in one transaction. A run of which
        the database does not take what comes of it ends, and holds up no other."""
        free = dict(room)
        try:
            handover = await self._advance_together(due, free)
        except StoreRefused as error:
            if len(due) > 1:
                half = len(due) // 2
                halves = [await self.advance(some, room) for some in (due[:half], due[half:])]
                return _together(halves)
            return await self._end(due[0].run, error)
        room.update(free)
        return handover

    async def _end(self, run: Run, error: StoreRefused) -> Handover:
        now = self.clock()
        log.error("cannot be stored", run=run.key, notification=run.notification, error=str(error))
        records = [_stopped(run, Reason("not_storable", {"error": str(error)}), now)]
        committed = await self.store.commit_runs(records, owner=self.owner, now=now, lease_until=now + LEASE)
        return handover(records, [], committed, now)

    async def _advance_together(self, due: Sequence[DueRun], room: Room) -> Handover:
        now = self.clock()
        known = await self.recipients((each.run.tenant, each.run.recipient) for each in due)
        await self.suppress(known)
        standing = await self.standing(each.run.tenant for each in due)
        await self.editions.ready(each.run for each in due)
        records: list[RunRecord] = []
        outgoing: list[Outgoing] = []
        for each in due:
            run = each.run
            recipient = known[run.tenant].get(run.recipient)
            if recipient is None:
                records.append(_stopped(run, Reason("recipient_gone"), now))
                continue
            try:
                told = Told(each.messages, each.read)
                record, claimed = self._advance(run, recipient, told, standing[run.tenant], None, room, now)
            except Exception as error:  # it must not hold up the others; it is asked again when its lease ends
                log.error("advancing failed", run=run.key, notification=run.notification, exc_info=error)
                continue
            records.append(record)
            outgoing.extend(claimed)
        committed = await self.store.commit_runs(records, owner=self.owner, now=now, lease_until=now + LEASE)
        return handover(records, outgoing, committed, now)

    def _advance(
        self,
        run: Run,
        recipient: Recipient,
        told: Told,
        standing: Standing,
        known: Context | None,
        room: Room,
        now: datetime,
    ) -> tuple[RunRecord, list[Outgoing]]:
        followed = self.editions.follow(run)
        if isinstance(followed, Reason):
            return _stopped(run, followed, now), []
        run = followed.run if followed.note is None else _noted(followed.run, "follow", followed.note, now)
        if followed.catalogue is not standing.catalogue:
            standing = msgspec.structs.replace(standing, catalogue=followed.catalogue)
        advanced = advance(run, recipient, told, standing, now, known=known)
        if advanced.failed:
            self.metrics.expression_failures.labels("step").inc()
        # What may yet be refused is not claimed: it would have taken room for nothing.
        free: Room = {} if advanced.uses else room
        messages: list[NewMessage] = []
        outgoing: list[Outgoing] = []
        for message in advanced.messages:
            self.metrics.messages.labels(message.channel).inc()
            # A correction is sent from the queue, where silences and the like are asked.
            place = {} if message.correction is not None else free
            new, body = self.new_message(message, advanced.run, recipient, advanced.context, place, now)
            messages.append(new)
            if new.state == "sending":
                claim = Claim(message, 1, advanced.run, now)
                category = standing.catalogue.categories[
                    standing.catalogue.notifications[message.notification].category
                ]
                outgoing.append(Outgoing(claim, body, now + LEASE, recipient, category))
        record = _record(run, advanced, messages, now)
        if advanced.rewrites:
            rewritten = self._rewritten(advanced, recipient, standing.catalogue, now)
            record = msgspec.structs.replace(record, rewrites=rewritten)
        return record, outgoing

    def _rewritten(
        self, advanced: Advanced, recipient: Recipient, catalogue: Catalogue, now: datetime
    ) -> tuple[InboxItem, ...]:
        """What stands in the inbox, without what was taken back. One whose text fails stays as it is."""
        items: list[InboxItem] = []
        for message in advanced.rewrites:
            run = told_by(advanced.run, message)
            try:
                body = self.render(message, run, recipient, run_context(run, recipient, catalogue))
            except (LanguageError, LookupError):
                self.metrics.expression_failures.labels("text").inc()
                continue
            items.append(inbox_item(message, body, now))
        return tuple(items)


def _noted(run: Run, decision: Literal["follow", "stop"], reason: Reason, now: datetime) -> Run:
    return msgspec.structs.replace(run, log=(*run.log, Entry(now, run.step, decision, reason)))


def _stopped(run: Run, reason: Reason, now: datetime) -> RunRecord:
    return RunRecord(run=_noted(run, "stop", reason, now), state="done")


def _record(run: Run, advanced: Advanced, messages: Sequence[NewMessage], now: datetime) -> RunRecord:
    wait = advanced.wait
    due = advanced.due_at
    if due is not None and any(new.message.awaited and new.state in ("sent", "failed") for new in messages):
        due = now  # what it waits for has happened already
    return RunRecord(
        run=advanced.run,
        state="done" if due is None else "waiting",
        due_at=due,
        messages=tuple(messages),
        merge=None if wait is None else wait.merge,
        hold=None if wait is None else wait.hold,
        uses=advanced.uses,
        before=run if advanced.uses else None,
        awaits=advanced.awaits,
        started=advanced.started,
        fanouts=advanced.fanouts,
        cancels=advanced.cancels,
    )


def handover(
    records: Sequence[RunRecord],
    outgoing: Sequence[Outgoing],
    committed: Committed,
    now: datetime,
    left: Sequence[Pending] = (),
) -> Handover:
    """What is handed over of these records once they are stored."""
    inbox = [
        item
        for record in records
        if record.run.key in committed.runs
        for item in (*(new.inbox for new in record.messages), *record.rewrites)
        if item is not None
    ]
    due = [record.due_at for record in records if record.due_at is not None and record.run.key in committed.runs]
    due.extend(new.due_at for record in records for new in record.messages if new.due_at is not None)
    if committed.woken:
        due.append(now)
    counted = [each for each in outgoing if each.claim.message.run in committed.runs]
    return Handover(counted, inbox, min(due, default=None), left)


def _together(handovers: Sequence[Handover]) -> Handover:
    return Handover(
        [each for handover in handovers for each in handover.outgoing],
        [each for handover in handovers for each in handover.inbox],
        min((handover.due for handover in handovers if handover.due is not None), default=None),
    )


def _check_address(channel: str, address: JSON) -> JSON:
    return load_channel(channel).check_address(address)
