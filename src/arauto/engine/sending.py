"""sending: the stages prepare and attempt, and what follows an attempt that did not succeed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from arauto.channels import SEND_DEADLINE, Delivery
from arauto.decide import wishes
from arauto.decide.plan import run_context
from arauto.decide.retry import Expire, GiveUp, Hold, TryAgain, after_failure
from arauto.decide.signals import muted, taken_back, told_by
from arauto.decide.silences import silence_over
from arauto.engine.rendering import Outgoing, Rendering, log, with_attempt
from arauto.engine.words import say_reason
from arauto.errors import Ambiguous, DeliveryError, LanguageError, Rejected, Retry
from arauto.model import Catalogue, MessageState, Recipient, Silence
from arauto.store import Claim, Settlement, Suppression

_LOOK_AGAIN = timedelta(days=1)
"""What is closed lets go what it held; this is only the time after which that looks by itself."""


class Sending(Rendering):
    """Prepare and attempt."""

    async def prepare(self, claims: Sequence[Claim], lease_until: datetime) -> tuple[list[Outgoing], list[Settlement]]:
        """Give claimed messages their texts, with the recipients, wishes and texts of now; what can't or may not be
        sent, or not now, is settled."""
        now = self.clock()
        known = await self.recipients((claim.message.tenant, claim.message.recipient) for claim in claims)
        await self.suppress(known)
        standing = await self.standing(claim.message.tenant for claim in claims)
        await self.editions.ready(claim.run for claim in claims)
        outgoing: list[Outgoing] = []
        settled: list[Settlement] = []
        for each in claims:
            message = each.message
            claim = msgspec.structs.replace(each, run=told_by(each.run, message))
            recipient = known[message.tenant].get(message.recipient)
            try:
                if recipient is None:
                    raise LookupError("the recipient is gone")
                catalogue = self.editions.of(claim.run)
                if message.notification not in catalogue.notifications or message.channel not in self.providers:
                    raise LookupError("its notification or its channel is no longer in the project")
                held = self._held(claim, recipient, catalogue, standing[message.tenant].silences, now)
                if held is not None:
                    settled.append(held)
                    continue
                context = run_context(claim.run, recipient, self.catalogue)
                body = self.render(message, claim.run, recipient, context)
                category = catalogue.categories[catalogue.notifications[message.notification].category]
                outgoing.append(Outgoing(claim, body, lease_until, recipient, category))
            except (LanguageError, LookupError) as error:
                failed = self.unrendered(message, error, now)
                settled.append(Settlement(message=failed, fence=claim.fence, state="failed"))
        return outgoing, settled

    def _held(
        self, claim: Claim, recipient: Recipient, catalogue: Catalogue, silences: Sequence[Silence], now: datetime
    ) -> Settlement | None:
        """What became of a message that was taken back, that is muted or silenced, or that its recipient does not
        want, or not at this time."""
        message, run = claim.message, claim.run
        if message.correction is None and taken_back(run):
            return self._cancelled(claim, now, "what it tells was taken back")
        refused = wishes.hindrance(message, run, recipient, catalogue)
        if refused is not None:
            return self._cancelled(claim, now, refused.code)
        notification = catalogue.notifications[message.notification]
        opened = muted(run) if notification.mute is not None else None
        if notification.mute is not None and opened is not None:
            if notification.mute.drop:
                return self._cancelled(claim, now, say_reason(opened.why))
            return _later(claim, now, now + _LOOK_AGAIN, hold=opened.hold)
        silence = silence_over(silences, message.tenant, notification, recipient, now)
        if silence is not None:
            if silence.drop:
                return self._cancelled(claim, now, say_reason(silence.why))
            return _later(claim, now, silence.until, hold=silence.hold)
        category = catalogue.categories[notification.category]
        quiet = wishes.quiet(recipient, category, (message.channel,), catalogue.project, now)
        if quiet is not None:
            return _later(claim, now, quiet[0])
        return None

    def _cancelled(self, claim: Claim, now: datetime, reason: str) -> Settlement:
        message = with_attempt(claim.message, "wishes", now, now, "rejected", reason=reason)
        self.metrics.ended.labels(message.channel, "cancelled").inc()
        return Settlement(message=message, fence=claim.fence, state="cancelled")

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
            receipts_url=self.links.receipts(message.channel, name),
            unsubscribe_url=self.links.unsubscribe(message, outgoing.recipient, outgoing.category),
            tracking=self.links.tracking(message) if outgoing.category.tracking else None,
            hops=max(event.hops for event in claim.run.events),
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
        kept = with_attempt(
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
        tried = with_attempt(
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
                state = "unknown"
        last = msgspec.structs.replace(tried.attempts[-1], next_at=due)
        if not isinstance(then, TryAgain):
            last = msgspec.structs.replace(last, reason=then.reason)
            self.metrics.ended.labels(message.channel, state).inc()
        tried = msgspec.structs.replace(tried, attempts=(*tried.attempts[:-1], last))
        gone = isinstance(failure, Rejected) and failure.scope == "address"
        suppress = Suppression(self.address_hash(message.channel, message.address), message.channel, "rejected", now)
        return Settlement(
            message=tried, fence=claim.fence, state=state, due_at=due, suppress=suppress if gone else None
        )

    def abandoned(self, claim: Claim) -> Settlement:
        """The settlement of an attempt whose process died: nobody knows how it ended."""
        message = claim.message
        config = self.catalogue.channels.get(message.channel)
        if config is None:
            return Settlement(message=message, fence=claim.fence, state="unknown")
        provider = config.providers[min(message.provider, len(config.providers) - 1)].name
        return self.failed(
            claim, provider, claim.since, Ambiguous("the hub stopped before the answer was recorded", kind="abandoned")
        )


def _later(claim: Claim, now: datetime, at: datetime, *, hold: str | None = None) -> Settlement:
    """What holds a message up does not shorten its life."""
    message = msgspec.structs.replace(claim.message, expires_at=claim.message.expires_at + (at - now))
    return Settlement(message=message, fence=claim.fence, state="queued", due_at=at, hold=hold)


def _outcome(failure: DeliveryError) -> Literal["retry", "rejected", "unknown"]:
    match failure:
        case Rejected():
            return "rejected"
        case Ambiguous():
            return "unknown"
    return "retry"
