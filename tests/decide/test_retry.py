"""What follows a failed attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from arauto.decide.retry import Expire, GiveUp, Hold, Next, TryAgain, after_failure
from arauto.errors import Ambiguous, DeliveryError, Rejected, Retry
from arauto.model import Attempt, Message, RetryPolicy

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MIDDLE = 0.5
"""The chance that gives no jitter."""


def seconds(*numbers: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=number) for number in numbers)


def policy(on_unknown: str = "retry") -> RetryPolicy:
    return RetryPolicy(schedule=seconds(5, 300), expires=timedelta(days=1), on_unknown=on_unknown)  # type: ignore[arg-type]


def message(*tried: str, provider: int = 0, outcome: str = "retry", life: timedelta = timedelta(days=1)) -> Message:
    """A message with one attempt through each provider named, at provider ``provider`` now."""
    return Message(
        id="msg_1",
        run="run_1",
        event="evt_1",
        notification="n",
        recipient="ana",
        channel="email",
        step=0,
        address="ana@example.com",
        created_at=NOW,
        expires_at=NOW + life,
        provider=provider,
        attempts=tuple(
            Attempt(number=number, provider=name, started_at=NOW, outcome=outcome)  # type: ignore[arg-type]
            for number, name in enumerate(tried, 1)
        ),
    )


def at(number: float, provider: int = 0) -> TryAgain:
    return TryAgain(NOW + timedelta(seconds=number), provider)


ONE = ("a",)
TWO = ("a", "b")
CASES: list[tuple[str, DeliveryError, Message, RetryPolicy, tuple[str, ...], Next]] = [
    ("the first failure waits the first time", Retry("busy"), message("a"), policy(), ONE, at(5)),
    ("the second failure waits the second time", Retry("busy"), message("a", "a"), policy(), ONE, at(300)),
    (
        "past the end of the schedule it is over",
        Retry("busy"),
        message("a", "a", "a"),
        policy(),
        ONE,
        GiveUp("busy; 3 attempts made, none is left"),
    ),
    ("a time-out waits a minute at least", Retry("late", kind="timeout"), message("a"), policy(), ONE, at(60)),
    ("a rate limit waits a minute at least", Retry("429", kind="rate_limited"), message("a"), policy(), ONE, at(60)),
    (
        "Retry-After is a minimum",
        Retry("429", kind="rate_limited", after=timedelta(hours=2)),
        message("a"),
        policy(),
        ONE,
        at(7200),
    ),
    (
        "a short Retry-After does not shorten the schedule",
        Retry("503", after=timedelta(seconds=1)),
        message("a", "a"),
        policy(),
        ONE,
        at(300),
    ),
    (
        "nothing is planned past the expiry",
        Retry("busy"),
        message("a", life=timedelta(seconds=5)),
        policy(),
        ONE,
        Expire("busy; the next attempt would come after its expiry"),
    ),
    ("a refused message is over", Rejected("bad text"), message("a"), policy(), TWO, GiveUp("bad text")),
    ("a dead address is over", Rejected("gone", scope="address"), message("a"), policy(), TWO, GiveUp("gone")),
    ("another provider is tried at once", Retry("busy"), message("a"), policy(), TWO, at(0, 1)),
    (
        "a provider that refuses altogether gives way to the next",
        Rejected("bad password", scope="provider"),
        message("a"),
        policy(),
        TWO,
        at(0, 1),
    ),
    (
        "after the last provider the round ends and the first is next",
        Retry("busy"),
        message("a", "b", provider=1),
        policy(),
        TWO,
        at(5, 0),
    ),
    (
        "a refusing only provider is tried again: its account may be mended",
        Rejected("bad password", scope="provider"),
        message("a"),
        policy(),
        ONE,
        at(5),
    ),
    ("unknown is held where the policy says so", Ambiguous("?"), message("a"), policy("hold"), TWO, Hold("?")),
    (
        "an attempt that our own death cut off is repeated by the schedule",
        Ambiguous("?", kind="abandoned"),
        message("a", outcome="unknown"),
        policy("retry"),
        ONE,
        at(5),
    ),
    (
        "unknown is repeated through the same provider, a minute later at least",
        Ambiguous("?"),
        message("a", outcome="unknown"),
        policy("retry"),
        TWO,
        at(60, 0),
    ),
]


@pytest.mark.parametrize(
    ("failure", "tried", "rules", "providers", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_what_follows(
    failure: DeliveryError, tried: Message, rules: RetryPolicy, providers: tuple[str, ...], expected: Next
) -> None:
    assert after_failure(failure, tried, rules, providers, now=NOW, chance=MIDDLE) == expected


@pytest.mark.parametrize(("chance", "wait"), [(0.0, 4.0), (0.25, 4.5), (0.999999, 6.0)])
def test_jitter_is_a_fifth_both_ways(chance: float, wait: float) -> None:
    then = after_failure(Retry("busy"), message("a"), policy(), ONE, now=NOW, chance=chance)
    assert isinstance(then, TryAgain)
    assert (then.at - NOW).total_seconds() == pytest.approx(wait, abs=0.001)
