"""receipts: in whatever order they come, the same one says most."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any, get_args

import pytest
from msgspec import structs

from arauto.decide.interventions import ALLOWED, BECOMES, done, may
from arauto.decide.receipts import Furthest, further, of, resent_before, shown
from arauto.model import Intervention, Message, Receipt, ReceiptKind
from decide.conftest import NOW

MINUTE = timedelta(minutes=1)


def receipt(kind: str, at: datetime = NOW) -> Receipt:
    """``bounced!`` and ``failed!`` are for good."""
    return Receipt(message="msg_1", kind=kind.rstrip("!"), at=at, permanent=kind.endswith("!"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kinds", "says", "arrived"),
    [
        pytest.param(["delivered"], "delivered", True, id="delivered"),
        pytest.param(["delivered", "opened"], "opened", True, id="opened says more than delivered"),
        pytest.param(["opened", "read"], "read", True, id="read says more than opened"),
        pytest.param(["read", "clicked"], "clicked", True, id="clicked says more than read"),
        pytest.param(["clicked", "acknowledged"], "acknowledged", True, id="acknowledged says more than clicked"),
        pytest.param(["delivered", "bounced!"], "bounced", False, id="the other server took it, and gave it back"),
        pytest.param(["delivered", "bounced"], "bounced", None, id="a bounce for now may be a note of absence"),
        pytest.param(["bounced"], "bounced", None, id="a bounce for now does not say that it did not arrive"),
        pytest.param(["bounced", "bounced!"], "bounced", False, id="for good says more than for now"),
        pytest.param(["delivered", "failed"], "failed", False, id="failed says more than delivered"),
        pytest.param(["failed", "failed!"], "failed", False, id="failed, and the number is gone"),
        pytest.param(["failed", "bounced!"], "bounced", False, id="of two ends, the one that says more"),
        pytest.param(["bounced!", "read"], "read", True, id="who read it has it, whatever machines say"),
        pytest.param(["acknowledged", "complained"], "complained", True, id="a complaint says most"),
        pytest.param(["delivered", "opened", "complained"], "complained", True, id="a complaint proves that it came"),
    ],
)
def test_the_furthest_in_any_order_and_number(kinds: list[str], says: str, arrived: bool | None) -> None:
    for order in permutations([*kinds, *kinds]):
        known: Furthest | None = None
        for kind in order:
            known = further(known, receipt(kind))
        assert known == Furthest(says, arrived)  # type: ignore[arg-type]


def test_every_kind_has_its_place() -> None:
    for kind in get_args(ReceiptKind):
        for permanent in (False, True):
            told = Receipt(message="m", kind=kind, at=NOW, permanent=permanent)
            assert further(of(told), told) == of(told)


@pytest.mark.parametrize(
    ("state", "kind", "due", "seen"),
    [
        ("queued", None, NOW, "queued"),
        ("queued", None, NOW + MINUTE, "waiting"),
        ("queued", "bounced", NOW, "queued"),
        ("sending", "delivered", None, "sending"),
        ("sent", None, None, "sent"),
        ("sent", "delivered", None, "delivered"),
        ("sent", "failed", None, "failed"),
        ("failed", None, None, "failed"),
        ("failed", "bounced", None, "failed"),
        ("unknown", None, None, "unknown"),
        ("held", None, None, "held"),
        ("expired", None, None, "expired"),
        ("cancelled", None, None, "cancelled"),
    ],
)
def test_the_one_state_that_people_see(state: Any, kind: Any, due: Any, seen: str) -> None:
    assert shown(state, kind, due, NOW) == seen


# -- interventions ---------------------------------------------------------------------------------------------------


def message(**more: Any) -> Message:
    return Message(
        id="msg_1",
        run="run",
        event="evt",
        notification="n",
        recipient="ana",
        channel="email",
        step=0,
        address="ana@example.com",
        created_at=NOW,
        expires_at=NOW + 10 * MINUTE,
        **more,
    )


def test_a_receipt_counts_for_the_sending_before_it() -> None:
    again = structs.replace(message(), interventions=(Intervention(NOW, "retry", "ana"),))
    assert resent_before(message(), receipt("bounced!")) == 0
    assert resent_before(again, receipt("bounced!", NOW - MINUTE)) == 0
    assert resent_before(again, receipt("bounced!", NOW + MINUTE)) == 1
    second = receipt("bounced!", NOW - timedelta(seconds=1))
    assert resent_before(again, second) == 1, "other clocks may be a little behind"
    held = structs.replace(message(), interventions=(Intervention(NOW, "hold", "ana"),))
    assert resent_before(held, receipt("delivered", NOW + MINUTE)) == 0


@pytest.mark.parametrize("deed", ALLOWED)
def test_nothing_is_done_about_what_is_under_way_or_has_arrived(deed: Any) -> None:
    for state in ("sending", "sent", "delivered", "opened", "read", "clicked", "acknowledged", "complained"):
        assert not may(deed, state, "email")  # type: ignore[arg-type]


def test_what_is_in_an_inbox_is_not_sent_again() -> None:
    assert may("retry", "failed", "email")
    assert not may("retry", "failed", "inapp")
    assert may("cancel", "queued", "inapp")


def test_what_is_sent_again_has_its_whole_life_and_all_its_attempts_before_it() -> None:
    tried = message(attempts=("a", "b"), provider=1)  # type: ignore[arg-type]
    late = NOW + 60 * MINUTE
    again = done(tried, "retry", "ana", NOW, late)
    assert (again.expires_at, again.provider) == (late + 10 * MINUTE, 0)
    assert again.attempts == tried.attempts
    assert again.recent == ()
    assert again.interventions == (Intervention(NOW, "retry", "ana", 2),)
    more = structs.replace(again, attempts=(*again.attempts, "c"))  # type: ignore[arg-type]
    assert more.recent == ("c",)
    cancelled = done(more, "cancel", "bruno", late, late)
    assert cancelled.expires_at == more.expires_at
    assert cancelled.recent == ("c",)
    assert BECOMES["cancel"] == "cancelled"


def test_a_life_is_not_made_shorter() -> None:
    assert done(message(), "release", "ana", NOW, NOW).expires_at == NOW + 10 * MINUTE
