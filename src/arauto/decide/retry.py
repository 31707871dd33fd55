"""retry: what follows an attempt that did not succeed; pure.

The schedule is data (``RetryPolicy``). The rules on top: ±20 % jitter; rate limits and time-outs wait at least a
minute; a provider's Retry-After is a minimum; nothing is planned past the message's expiry; while another provider
of the channel is left in this round, it is tried at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from arauto.errors import Ambiguous, DeliveryError, Rejected, Retry
from arauto.model import Message, RetryPolicy

FLOOR = timedelta(seconds=60)
JITTER = 0.2


class TryAgain(Struct, frozen=True):
    """Attempt it again at this time, through the provider with this index."""

    at: datetime
    provider: int


class GiveUp(Struct, frozen=True):
    """It is over."""

    reason: str


class Expire(Struct, frozen=True):
    """The next attempt would come after the message's expiry."""

    reason: str


class Hold(Struct, frozen=True):
    """Nobody knows whether it was accepted, and sending it twice is worse than waiting for a person."""

    reason: str


Next = TryAgain | GiveUp | Expire | Hold


def after_failure(
    failure: DeliveryError,
    message: Message,
    policy: RetryPolicy,
    providers: Sequence[str],
    *,
    now: datetime,
    chance: float,
) -> Next:
    """What follows; ``message`` has its failed attempt as the last one; ``chance`` is uniform in [0, 1)."""
    match failure:
        case Rejected(scope="message" | "address"):
            return GiveUp(failure.reason)
        case Ambiguous() if policy.on_unknown == "hold":
            return Hold(failure.reason)
        case Ambiguous():
            return _later(failure, message, policy, message.provider, providers, now, chance)
    if message.provider + 1 < len(providers):
        return TryAgain(now, message.provider + 1)
    return _later(failure, message, policy, 0, providers, now, chance)


def _later(
    failure: DeliveryError,
    message: Message,
    policy: RetryPolicy,
    provider: int,
    providers: Sequence[str],
    now: datetime,
    chance: float,
) -> Next:
    last = providers[-1]
    rounds = sum(attempt.provider == last or attempt.outcome == "unknown" for attempt in message.recent)
    if rounds > len(policy.schedule):
        return GiveUp(f"{failure.reason}; {len(message.recent)} attempts made, none is left")
    wait = policy.schedule[rounds - 1] * (1 + JITTER * (2 * chance - 1))
    if isinstance(failure, Retry | Ambiguous) and failure.kind in ("timeout", "rate_limited"):
        wait = max(wait, FLOOR)
    if isinstance(failure, Retry) and failure.after is not None:
        wait = max(wait, failure.after)
    if now + wait >= message.expires_at:
        return Expire(f"{failure.reason}; the next attempt would come after its expiry")
    return TryAgain(now + wait, provider)
