"""The stages of the way: plan, advance, attempt, settle. Each takes a batch and touches the database once.

Each is a method that can be called by itself: the running hub (``hub``) calls them in loops.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
import structlog
from msgspec import Struct

from arauto.channels import SEND_DEADLINE, Delivery, Provider
from arauto.channels import load as load_channel
from arauto.decide.advance import IN_APP, Advanced, advance, fold_outcomes
from arauto.decide.locale import choose
from arauto.decide.plan import Considered, event_context, match, plan, run_context
from arauto.decide.retry import Expire, GiveUp, Hold, TryAgain, after_failure
from arauto.engine.metrics import Metrics
from arauto.errors import Ambiguous, DeliveryError, LanguageError, Rejected, Retry
from arauto.model import JSON, Attempt, Catalogue, Context, Entry, Event, Message, MessageState, Reason, Recipient, Run
from arauto.store import Claim, DueRun, InboxItem, NewMessage, Pending, PlanRecord, RunRecord, Settlement, Store

LEASE = timedelta(seconds=90)
"""How long work is held; every call to a provider ends well within it."""

MAX_CLAIMS = 5
"""An event that was taken this often and never planned is put into quarantine: it may be what kills the process."""

log = structlog.get_logger("arauto.engine")


class Outgoing(Struct, frozen=True):
    """A claimed message with its text, ready for its attempt, which must end before the lease does."""

    claim: Claim
    body: Any
    lease_until: datetime


Room = dict[str, int]
"""How many more messages each channel can take at once; a stage that claims some takes them off."""


class Engine:
    """The stages, over one store and one catalogue."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        providers: Mapping[str, Sequence[Provider]],
        *,
        clock: Callable[[], datetime],
        chance: Callable[[], float],
        owner: str,
        metrics: Metrics,
    ) -> None:
        self.store, self.catalogue, self.providers = store, catalogue, providers
        self.clock, self.chance, self.owner, self.metrics = clock, chance, owner, metrics

    # -- plan ------------------------------------------------------------------------------------------------------

    async def plan(self, pending: Sequence[Pending], room: Room) -> tuple[list[Outgoing], list[InboxItem]]:
        """Plan and advance these events in one transaction; returns what is claimed to be sent, and what was put
        into inboxes. What there is no room for is stored as queued."""
        now = self.clock()
        lease_until = now + LEASE
        matched: list[tuple[Pending, dict[str, JSON], tuple[Considered, ...]]] = []
        for each in pending:
            try:
                context = event_context(each.event, self.catalogue)
                matched.append((each, context, match(each.event, context, self.catalogue)))
            except Exception as error:
                await self._survive(each, error)
        known = await self._recipients(
            (each.event.tenant, named.recipient)
            for each, _, considered in matched
            for one in considered
            for named in one.named
        )
        records: list[PlanRecord] = []
        outgoing: list[Outgoing] = []
        for each, context, considered in matched:
            try:
                record, claimed = self._plan_one(
                    each.event, context, considered, known[each.event.tenant], room, now, lease_until
                )
            except Exception as error:
                await self._survive(each, error)
                continue
            records.append(record)
            outgoing.extend(claimed)
        applied = await self.store.commit_plans(records, owner=self.owner, now=now, lease_until=lease_until)
        inbox = [
            new.inbox
            for record in records
            if record.event in applied
            for run in record.runs
            for new in run.messages
            if new.inbox is not None
        ]
        return [each for each in outgoing if each.claim.message.event in applied], inbox

    async def _recipients(self, wanted: Any) -> defaultdict[str, dict[str, Recipient]]:
        """By tenant and id, those of the store; those of the catalogue are always at hand."""
        ids: defaultdict[str, set[str]] = defaultdict(set)
        for tenant, id in wanted:
            if id is not None and id not in self.catalogue.recipients:
                ids[tenant].add(id)
        known: defaultdict[str, dict[str, Recipient]] = defaultdict(dict)
        for tenant, some in ids.items():
            known[tenant] = await self.store.recipients(tenant, some)
        return known

    def _plan_one(
        self,
        event: Event,
        context: Context,
        considered: Sequence[Considered],
        known: dict[str, Recipient],
        room: Room,
        now: datetime,
        lease_until: datetime,
    ) -> tuple[PlanRecord, list[Outgoing]]:
        planned = plan(event, considered, known, self.catalogue, check_address=_check_address, now=now)
        fresh = {recipient.id: recipient for recipient in planned.upserts}
        if planned.failures:
            self.metrics.expression_failures.labels("plan").inc(planned.failures)
        for each in considered:
            self.metrics.planned.labels(each.notification.name, each.reason.code).inc()
        runs: list[RunRecord] = []
        outgoing: list[Outgoing] = []
        for run in planned.runs:
            recipient = self.catalogue.recipients.get(run.recipient) or fresh.get(run.recipient) or known[run.recipient]
            record, claimed = self._advance_one(run, recipient, context, room, now, lease_until)
            runs.append(record)
            outgoing.extend(claimed)
        known.update(fresh)  # only now: of a plan that breaks, nothing is stored
        return PlanRecord(
            event=event.key, explanation=planned.explanation, runs=tuple(runs), upserts=planned.upserts
        ), outgoing

    async def _survive(self, pending: Pending, error: Exception) -> None:
        """An event whose planning breaks must not hold up the others; after MAX_CLAIMS tries it is put aside."""
        event = pending.event
        log.error("planning failed", event_key=event.key, type=event.type, claims=pending.claims, exc_info=error)
        if pending.claims >= MAX_CLAIMS:
            reason = Reason("quarantined", {"error": f"{type(error).__name__}", "claims": pending.claims})
            await self.store.quarantine(event.key, {"quarantined": reason})
            self.metrics.quarantined.labels(event.type).inc()

    # -- advance ---------------------------------------------------------------------------------------------------

    async def advance(self, due: Sequence[DueRun], room: Room) -> tuple[list[Outgoing], list[InboxItem]]:
        """Ask the steps of these runs again, with their recipients as they are now, in one transaction."""
        now = self.clock()
        lease_until = now + LEASE
        known = await self._recipients((each.run.tenant, each.run.recipient) for each in due)
        records: list[RunRecord] = []
        outgoing: list[Outgoing] = []
        for each in due:
            run = fold_outcomes(each.run, each.messages)
            recipient = self.catalogue.recipients.get(run.recipient) or known[run.tenant].get(run.recipient)
            if recipient is None or run.notification not in self.catalogue.notifications:
                code = "recipient_gone" if recipient is None else "notification_gone"
                entry = Entry(now, run.step, "stop", Reason(code))
                records.append(RunRecord(run=msgspec.structs.replace(run, log=(*run.log, entry)), state="done"))
                continue
            try:
                context = event_context(run.events[0], self.catalogue)
                record, claimed = self._advance_one(run, recipient, context, room, now, lease_until)
            except Exception as error:  # it must not hold up the others; it is asked again when its lease ends
                log.error("advancing failed", run=run.key, notification=run.notification, exc_info=error)
                continue
            records.append(record)
            outgoing.extend(claimed)
        applied = await self.store.commit_runs(records, owner=self.owner, now=now, lease_until=lease_until)
        inbox = [
            new.inbox
            for record in records
            if record.run.key in applied
            for new in record.messages
            if new.inbox is not None
        ]
        return [each for each in outgoing if each.claim.message.run in applied], inbox

    def _advance_one(
        self, run: Run, recipient: Recipient, known: Context, room: Room, now: datetime, lease_until: datetime
    ) -> tuple[RunRecord, list[Outgoing]]:
        notification = self.catalogue.notifications[run.notification]
        context = run_context(run.events, recipient, self.catalogue, known=known if len(run.events) == 1 else None)
        advanced: Advanced = advance(run, recipient, notification, self.catalogue, context, now)
        if advanced.failed:
            self.metrics.expression_failures.labels("step").inc()
        messages: list[NewMessage] = []
        outgoing: list[Outgoing] = []
        for message in advanced.messages:
            self.metrics.messages.labels(message.channel).inc()
            new, body = self._new_message(message, recipient, context, room, now)
            messages.append(new)
            if new.state == "sending":
                outgoing.append(Outgoing(Claim(message, 1, advanced.run, now), body, lease_until))
        due = advanced.waits_until
        if due is not None and any(new.message.awaited and new.state == "failed" for new in messages):
            due = now  # what it waits for has happened already
        record = RunRecord(
            run=advanced.run,
            state="done" if due is None else "waiting",
            due_at=due,
            messages=tuple(messages),
        )
        return record, outgoing

    def _new_message(
        self, message: Message, recipient: Recipient, context: Context, room: Room, now: datetime
    ) -> tuple[NewMessage, Any]:
        if message.channel != IN_APP and room.get(message.channel, 0) <= 0:
            return NewMessage(message=message, state="queued", due_at=now), None
        try:
            body = self._render(message, recipient, context)
        except (LanguageError, LookupError) as error:
            failed = self._unrendered(message, error, now)
            return NewMessage(message=failed, state="failed"), None
        if message.channel == IN_APP:
            kept = _with_attempt(message, "store", now, now, "accepted", answer="stored")
            item = InboxItem(
                id=message.id,
                recipient=message.recipient,
                created_at=now,
                content=msgspec.to_builtins(body),
                tenant=message.tenant,
            )
            self.metrics.ended.labels(IN_APP, "sent").inc()
            return NewMessage(message=kept, state="sent", inbox=item), None
        room[message.channel] -= 1
        return NewMessage(message=message, state="sending"), body

    def _render(self, message: Message, recipient: Recipient, context: Context) -> Any:
        composers = self.catalogue.notifications[message.notification].composers[message.channel]
        locale = choose(composers, recipient.locale, self.catalogue.project.locale)
        if locale is None:
            raise LookupError(f"no text for {message.channel} in {recipient.locale}; there are: {', '.join(composers)}")
        try:
            return composers[locale].compose(context)
        except LanguageError:
            raise
        except Exception as error:
            log.error("a text's code failed", message=message.id, channel=message.channel, exc_info=error)
            raise LanguageError(f"the code behind it failed: {type(error).__name__}") from error

    def _unrendered(self, message: Message, error: Exception, now: datetime) -> Message:
        self.metrics.expression_failures.labels("text").inc()
        self.metrics.ended.labels(message.channel, "failed").inc()
        said = error.message if isinstance(error, LanguageError) else str(error).strip("'\"")
        return _with_attempt(message, "text", now, now, "rejected", reason=f"its text failed: {said}")

    # -- send ------------------------------------------------------------------------------------------------------

    async def prepare(self, claims: Sequence[Claim], lease_until: datetime) -> tuple[list[Outgoing], list[Settlement]]:
        """Give claimed messages their texts again, with the recipients and texts of now; what can't be sent any
        more is settled."""
        now = self.clock()
        known = await self._recipients((claim.message.tenant, claim.message.recipient) for claim in claims)
        outgoing: list[Outgoing] = []
        ended: list[Settlement] = []
        for claim in claims:
            message, run = claim.message, claim.run
            recipient = self.catalogue.recipients.get(message.recipient) or known[message.tenant].get(message.recipient)
            try:
                if recipient is None:
                    raise LookupError("the recipient is gone")
                if message.notification not in self.catalogue.notifications or message.channel not in self.providers:
                    raise LookupError("its notification or its channel is no longer in the project")
                context = run_context(run.events, recipient, self.catalogue)
                outgoing.append(Outgoing(claim, self._render(message, recipient, context), lease_until))
            except (LanguageError, LookupError) as error:
                failed = self._unrendered(message, error, now)
                ended.append(Settlement(message=failed, fence=claim.fence, state="failed"))
        return outgoing, ended

    async def attempt(self, outgoing: Outgoing) -> Settlement:
        """Make one attempt, with a deadline inside the lease, and say how it ended."""
        claim, message = outgoing.claim, outgoing.claim.message
        started = self.clock()
        if started >= message.expires_at:
            self.metrics.ended.labels(message.channel, "expired").inc()
            return Settlement(message=message, fence=claim.fence, state="expired")
        if started + SEND_DEADLINE >= outgoing.lease_until:
            return Settlement(message=message, fence=claim.fence, state="queued", due_at=started)
        config = self.catalogue.channels[message.channel]
        index = min(message.provider, len(config.providers) - 1)
        name = config.providers[index].name
        delivery = Delivery(
            message_id=message.id,
            attempt=len(message.attempts) + 1,
            address=message.address,
            body=outgoing.body,
            now=started,
            expires_at=message.expires_at,
        )
        provider = self.providers[message.channel][index]
        request: str | None = None
        try:
            request = provider.request(delivery)
            async with asyncio.timeout(SEND_DEADLINE.total_seconds()):
                accepted = await provider.send(delivery)
            answer, reference = accepted.answer, accepted.reference
        except DeliveryError as failure:
            return self.failed(claim, name, started, failure, request)
        except TimeoutError:
            late = Ambiguous(f"no answer within {SEND_DEADLINE.seconds} s")
            return self.failed(claim, name, started, late, request)
        except Exception as error:
            log.error("provider crashed", channel=message.channel, provider=name, message=message.id, exc_info=error)
            crashed = Retry(f"the provider's code failed: {type(error).__name__}")
            return self.failed(claim, name, started, crashed, request)
        ended = self.clock()
        kept = _with_attempt(
            message,
            name,
            started,
            ended,
            "accepted",
            answer=answer,
            reference=reference,
            request=request,
        )
        channel = message.channel
        self.metrics.attempts.labels(channel, name, "accepted").inc()
        self.metrics.ended.labels(channel, "sent").inc()
        self.metrics.attempt_seconds.labels(channel).observe((ended - started).total_seconds())
        self.metrics.delay_seconds.labels(channel).observe((ended - message.created_at).total_seconds())
        return Settlement(message=kept, fence=claim.fence, state="sent")

    def failed(
        self, claim: Claim, provider: str, started: datetime, failure: DeliveryError, request: str | None = None
    ) -> Settlement:
        """The settlement of an attempt that did not succeed, by the channel's policy."""
        message, now = claim.message, self.clock()
        config = self.catalogue.channels[message.channel]
        outcome = _outcome(failure)
        tried = _with_attempt(
            message, provider, started, now, outcome, reason=failure.reason, answer=failure.answer, request=request
        )
        names = [each.name for each in config.providers]
        then = after_failure(failure, tried, config.retry, names, now=now, chance=self.chance())
        self.metrics.attempts.labels(message.channel, provider, outcome).inc()
        state: MessageState
        due: datetime | None = None
        match then:
            case TryAgain():
                state, due = "queued", then.at
                tried = msgspec.structs.replace(tried, provider=then.provider)
                if outcome == "unknown":
                    self.metrics.possible_duplicates.labels(message.channel).inc()
            case GiveUp():
                state = "failed"
            case Expire():
                state = "expired"
            case Hold():
                state = "held"
        last = msgspec.structs.replace(tried.attempts[-1], next_at=due)
        if not isinstance(then, TryAgain):
            last = msgspec.structs.replace(last, reason=then.reason)
            self.metrics.ended.labels(message.channel, state).inc()
        tried = msgspec.structs.replace(tried, attempts=(*tried.attempts[:-1], last))
        return Settlement(message=tried, fence=claim.fence, state=state, due_at=due)

    def abandoned(self, claim: Claim) -> Settlement:
        """The settlement of an attempt whose process died: nobody knows how it ended."""
        message = claim.message
        config = self.catalogue.channels.get(message.channel)
        if config is None:
            return Settlement(message=message, fence=claim.fence, state="held")
        provider = config.providers[min(message.provider, len(config.providers) - 1)].name
        return self.failed(
            claim, provider, claim.since, Ambiguous("the hub stopped before the answer was recorded", kind="abandoned")
        )

    # -- settle ----------------------------------------------------------------------------------------------------

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Write outcomes in one transaction."""
        applied = await self.store.settle(settlements, now=self.clock())
        for settlement, kept in zip(settlements, applied, strict=True):
            if not kept:
                self.metrics.late.labels(settlement.message.channel).inc()


def _outcome(failure: DeliveryError) -> Literal["retry", "rejected", "unknown"]:
    match failure:
        case Rejected():
            return "rejected"
        case Ambiguous():
            return "unknown"
    return "retry"


def _check_address(channel: str, address: JSON) -> JSON:
    return load_channel(channel).check_address(address)


def _with_attempt(
    message: Message,
    provider: str,
    started: datetime,
    ended: datetime,
    outcome: Any,
    *,
    reason: str | None = None,
    answer: str | None = None,
    reference: str | None = None,
    request: str | None = None,
) -> Message:
    attempt = Attempt(
        number=len(message.attempts) + 1,
        provider=provider,
        request=request,
        started_at=started,
        ended_at=ended,
        outcome=outcome,
        reason=reason,
        answer=answer or None,
        reference=reference,
    )
    return msgspec.structs.replace(message, attempts=(*message.attempts, attempt))
