"""How a run walks through its steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from arauto.decide.advance import Advanced, Standing, Told, advance, fold_outcomes
from arauto.model import Run, Sent

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Make = dict[str, Callable[..., Any]]


def walk(
    make: Make, who: str, *do: dict[str, Any], run: Run | None = None, told: Told | None = None, **data: Any
) -> Advanced:
    notification = make["notification"](do=do)
    catalogue = make["catalogue"](notification)
    recipient = catalogue.recipients[who]
    event = make["event"](**data)
    run = run or Run(key="run_1", notification="paid", recipient=who, events=(event,), entered_at=NOW)
    return advance(run, recipient, told or Told(), Standing(catalogue), NOW)


def codes(advanced: Advanced) -> list[str]:
    return [entry.reason.code for entry in advanced.run.log]


# who, steps, data → (channels handed over, reasons, waits)
CASES = [
    pytest.param("ana", [{"send": "email"}], {}, ["email"], ["sends", "handed_over"], id="a channel"),
    pytest.param("ana", [{"send": ["email", "sms"]}], {}, ["email", "sms"], ["sends", "handed_over"], id="several"),
    pytest.param(
        "ana", [{"send": ["email", "push"]}], {}, ["email"], ["sends_some", "handed_over"], id="what can be reached"
    ),
    pytest.param("bia", [{"send": "email"}], {}, [], ["unreachable"], id="nobody is reached without an address"),
    pytest.param("bia", [{"send": "inapp"}], {}, ["inapp"], ["sends", "handed_over"], id="in-app needs no address"),
    pytest.param(
        "ana",
        [{"send": {"first_of": ["push", "email", "sms"]}}],
        {},
        ["email"],
        ["sends_first", "awaits_outcome"],
        id="the first that can be reached, then wait",
    ),
    pytest.param(
        "ana",
        [{"send": {"first_of": ["push", "email"]}}],
        {},
        ["email"],
        ["sends_first", "handed_over"],
        id="nothing to wait for when no other is left",
    ),
    pytest.param("bia", [{"send": {"first_of": ["push", "email"]}}], {}, [], ["unreachable"], id="first of none"),
    pytest.param(
        "bia",
        [{"only_if": "recipient.attributes.vip"}, {"send": "inapp"}],
        {},
        ["inapp"],
        ["condition_true", "sends", "handed_over"],
        id="only_if true goes on",
    ),
    pytest.param(
        "bia",
        [{"only_if": "not recipient.attributes.vip"}, {"send": "inapp"}],
        {},
        [],
        ["condition_false"],
        id="only_if false stops",
    ),
    pytest.param(
        "ana",
        [{"only_if": "recipient.attributes.vip"}, {"send": "email"}],
        {},
        [],
        ["expression_failed"],
        id="a failing step stops, and says so",
    ),
    pytest.param(
        "ana",
        [{"stop": "event.data.test"}, {"send": "email"}],
        {"test": True},
        [],
        ["stopped_when"],
        id="stop when true",
    ),
    pytest.param(
        "ana",
        [{"stop": "event.data.test"}, {"send": "email"}],
        {"test": False},
        ["email"],
        ["not_stopped", "sends", "handed_over"],
        id="no stop when false",
    ),
    pytest.param(
        "ana",
        [{"send": "email"}, {"stop": True}, {"send": "sms"}],
        {},
        ["email"],
        ["sends", "handed_over", "stopped"],
        id="stop always",
    ),
]


@pytest.mark.parametrize(("who", "do", "data", "channels", "reasons"), CASES)
def test_a_walk(
    make: Make, who: str, do: list[dict[str, Any]], data: dict[str, Any], channels: list[str], reasons: list[str]
) -> None:
    advanced = walk(make, who, *do, **data)
    assert [message.channel for message in advanced.messages] == channels
    assert codes(advanced) == reasons
    assert (advanced.wait is not None) == (reasons[-1] == "awaits_outcome")
    assert advanced.failed == (reasons[-1] == "expression_failed")


FIRST_OF = {"send": {"first_of": ["email", "sms"]}}


def after(make: Make, outcome: str) -> Advanced:
    """The walk after its first message ended in this state."""
    first = walk(make, "ana", FIRST_OF)
    (message,) = first.messages
    return walk(make, "ana", FIRST_OF, run=first.run, told=Told({message.id: outcome}))  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("state", "channels", "last"),
    [
        pytest.param("sent", [], "first_worked", id="a success ends it"),
        pytest.param("failed", ["sms"], "handed_over", id="a failure brings the next channel"),
        pytest.param("expired", ["sms"], "handed_over", id="an expiry does too"),
        pytest.param("queued", [], "awaits_outcome", id="a retry is waited for"),
        pytest.param("held", [], "awaits_outcome", id="unknown is waited for: sending elsewhere might be twice"),
    ],
)
def test_first_of_goes_on_by_outcome(make: Make, state: str, channels: list[str], last: str) -> None:
    advanced = after(make, state)
    assert [message.channel for message in advanced.messages] == channels
    assert codes(advanced)[-1] == last


def test_asking_a_waiting_run_again_says_nothing_new(make: Make) -> None:
    first = walk(make, "ana", FIRST_OF)
    again = walk(make, "ana", FIRST_OF, run=first.run)
    assert again.run.log == first.run.log
    assert again.messages == ()


def test_a_message_lives_as_long_as_its_notification_or_its_channel_says(make: Make) -> None:
    for expires, life in ((None, timedelta(days=1)), (timedelta(hours=2), timedelta(hours=2))):
        notification = make["notification"](expires=expires)
        catalogue = make["catalogue"](notification)
        event = make["event"]()
        run = Run(key="run_1", notification="paid", recipient="ana", events=(event,), entered_at=NOW)
        ana = catalogue.recipients["ana"]
        (message,) = advance(run, ana, Told(), Standing(catalogue), NOW).messages
        assert message.expires_at - NOW == life


def test_ids_are_derived_and_differ_by_address(make: Make) -> None:
    notification = make["notification"]()
    catalogue = make["catalogue"](notification)
    event = make["event"]()
    two = msgspec.structs.replace(catalogue.recipients["ana"], addresses={"email": ["a@example.com", "b@example.com"]})
    run = Run(key="run_1", notification="paid", recipient="ana", events=(event,), entered_at=NOW)
    once = advance(run, two, Told(), Standing(catalogue), NOW)
    again = advance(run, two, Told(), Standing(catalogue), NOW)
    assert [message.id for message in once.messages] == [message.id for message in again.messages]
    assert len({message.id for message in once.messages}) == 2


def test_outcomes_are_folded_per_channel() -> None:
    run = Run(
        key="r",
        notification="n",
        recipient="ana",
        events=(),
        entered_at=NOW,
        sent=(Sent(0, "email", ("m1", "m2")), Sent(0, "sms", ("m3",)), Sent(0, "push", ("m4",))),
    )
    folded = fold_outcomes(run, {"m1": "failed", "m2": "sent", "m3": "failed", "m4": "sending"})
    assert [sent.outcome for sent in folded.sent] == ["accepted", "failed", None]
