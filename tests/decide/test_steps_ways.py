"""branch, repeat and notify: which steps follow which, and who goes which way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from arauto.decide.advance import Advanced, Standing, Told, advance
from arauto.model import Notification, Run
from decide.asking import NOW, event, step
from decide.conftest import catalogue, notification

A, B, C, D = ({"send": channel} for channel in ("email", "sms", "push", "inapp"))


def walk(*do: dict[str, Any], who: str = "ana", run: Run | None = None, hours: int = 0, **data: Any) -> Advanced:
    made = notification(do=do)
    return advance_in(made, run or start(who, **data), hours)


def start(who: str, **data: Any) -> Run:
    return Run(key=f"run_{who}", notification="paid", recipient=who, events=(event(**data),), entered_at=NOW)


def advance_in(made: Notification, run: Run, hours: int) -> Advanced:
    whole = catalogue(made)
    addresses = {"email": ["a@x.example"], "sms": ["+5511987654321"], "push": ["d"]}
    known = whole.recipients.get(run.recipient, whole.recipients["ana"])
    recipient = msgspec.structs.replace(known, id=run.recipient, addresses=addresses, attributes={"vip": True})
    return advance(run, recipient, Told(), Standing(whole), NOW + timedelta(hours=hours))


def sent(advanced: Advanced) -> list[str]:
    return [message.channel for message in advanced.messages]


def when(condition: str, *steps: Any) -> dict[str, Any]:
    return {"when": condition, "steps": list(steps)}


WAYS = [
    pytest.param([when("event.data.n == 1", A), {"steps": [B]}], 1, ["email", "inapp"], id="the first that suits"),
    pytest.param([when("event.data.n == 1", A), {"steps": [B]}], 2, ["sms", "inapp"], id="the one for all others"),
    pytest.param([when("event.data.n == 1", A)], 2, ["inapp"], id="none suits"),
    pytest.param([when("event.data.n == 1"), {"steps": [B]}], 1, ["inapp"], id="a way with no steps, first"),
    pytest.param([when("event.data.n == 1", A), {"steps": []}], 2, ["inapp"], id="a way with no steps, last"),
    pytest.param([when("event.data.n == 1", A, B), {"steps": [C]}], 1, ["email", "sms", "inapp"], id="two steps"),
    pytest.param(
        [when("true", {"branch": [when("event.data.n == 1", A)]}), {"steps": [B]}],
        2,
        ["inapp"],
        id="none suits, inside of a way: not the next way",
    ),
    pytest.param(
        [when("true", {"branch": [when("true", A)]}), {"steps": [B]}],
        2,
        ["email", "inapp"],
        id="a branch inside of a branch",
    ),
    pytest.param(
        [when("true", {"repeat": {"times": 2, "steps": [A]}}), {"steps": [B]}],
        1,
        ["email", "email", "inapp"],
        id="a repetition that ends a way",
    ),
    pytest.param([{"percent": 100, "steps": [A]}], 1, ["email", "inapp"], id="everybody"),
]


@pytest.mark.parametrize(("ways", "n", "channels"), WAYS)
def test_ways(ways: Any, n: int, channels: list[str]) -> None:
    assert sent(walk({"branch": ways}, D, n=n)) == channels


def test_the_same_recipient_always_goes_the_same_way() -> None:
    ways = {"branch": [{"percent": 50, "steps": [A]}, {"steps": [B]}]}
    for number in range(20):
        assert len({tuple(sent(walk(ways, who=f"c{number}", n=n))) for n in range(5)}) == 1


def test_shares_are_shares() -> None:
    ways = {"branch": [{"percent": 10, "steps": [A]}, {"percent": 30, "steps": [B]}, {"steps": [C]}]}
    made = notification(do=(ways,))
    took = [sent(advance_in(made, start(f"c{number}"), 0))[0] for number in range(3000)]
    for channel, share in (("email", 10), ("sms", 30), ("push", 60)):
        assert abs(took.count(channel) / 30 - share) < 3


def test_who_is_in_stays_in_when_the_share_grows() -> None:
    def chosen(percent: int) -> set[int]:
        made = notification(do=({"branch": [{"percent": percent, "steps": [A]}]},))
        return {number for number in range(300) if sent(advance_in(made, start(f"c{number}"), 0))}

    assert chosen(5) < chosen(20) < chosen(60)


REPEATS = [
    pytest.param([A], 3, ["email"] * 3 + ["inapp"], id="three times"),
    pytest.param([A, B], 2, ["email", "sms", "email", "sms", "inapp"], id="several steps"),
    pytest.param([{"branch": [when("event.data.n == 2", A)]}], 3, ["inapp"], id="no way suits: it goes on repeating"),
    pytest.param(
        [A, {"branch": [when("event.data.n == 1", B)]}], 2, ["email", "sms"] * 2 + ["inapp"], id="a branch last"
    ),
    pytest.param([A, {"stop": True}], 3, ["email"], id="a stop ends it all"),
]


@pytest.mark.parametrize(("inside", "times", "channels"), REPEATS)
def test_repeating(inside: Any, times: int, channels: list[str]) -> None:
    advanced = walk({"repeat": {"times": times, "steps": inside}}, D, n=1)
    assert sent(advanced) == channels
    assert len({message.id for message in advanced.messages}) == len(channels)


def test_a_repetition_that_waits_inside() -> None:
    do = ({"repeat": {"times": 2, "steps": [A, {"delay": "1h"}]}}, {"repeat": {"times": 2, "steps": [B]}})
    first = walk(*do)
    assert (sent(first), first.run.round) == (["email"], 1)
    second = walk(*do, run=first.run, hours=1)
    assert (sent(second), second.run.round) == (["email"], 2)
    third = walk(*do, run=second.run, hours=2)
    assert sent(third) == ["sms", "sms"]
    assert third.wait is None


def test_notifying_others() -> None:
    tells = {"notify": {"to": [{"group": "sales"}, {"system": "erp"}, {"system": "erp"}], "steps": [B, C]}}
    advanced = walk(A, tells, D)
    assert sent(advanced) == ["email", "inapp"]
    runs = [started.run for started in advanced.started]
    assert [run.recipient for run in runs] == ["ana", "bia", "erp"]
    assert all((run.parent, run.events, run.round, run.listening) == ("run_ana", (event(),), 0, True) for run in runs)
    made = notification(do=(A, tells, D))
    (told,) = [run for run in runs if run.recipient == "bia"]
    assert sent(advance_in(made, told, 0)) == ["sms", "push"], "and no further than the steps inside"


def test_whoever_is_notified_in_each_round_has_a_run_for_each() -> None:
    tells = {"notify": {"to": [{"system": "erp"}], "steps": [{"send": "webhook"}]}}
    advanced = walk({"repeat": {"times": 3, "steps": [tells]}})
    assert len({started.run.key for started in advanced.started}) == 3


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param({"branch": []}, "a list of ways", id="no way"),
        pytest.param({"branch": {"steps": []}}, "a list of ways", id="a mapping"),
        pytest.param({"branch": [{"when": "true"}]}, "way 1 cannot be read", id="no steps"),
        pytest.param({"branch": [{"when": "true", "percent": 5, "steps": []}]}, "way 1 cannot be read", id="both"),
        pytest.param({"branch": [{"if": "true", "steps": []}]}, "way 1 cannot be read", id="an unknown key"),
        pytest.param({"branch": [{"when": True, "steps": []}]}, "when is an expression", id="a condition that is true"),
        pytest.param({"branch": [{"percent": 0, "steps": []}]}, "above 0 and up to 100, not 0", id="nobody"),
        pytest.param({"branch": [{"percent": 101, "steps": []}]}, "not 101", id="more than all"),
        pytest.param({"branch": [{"percent": "10", "steps": []}]}, "not '10'", id="a share in quotes"),
        pytest.param({"branch": [{"percent": True, "steps": []}]}, "not True", id="a share that is true"),
        pytest.param({"branch": [{"percent": 60, "steps": []}] * 2}, "more than 100 percent", id="too much in all"),
        pytest.param({"branch": [{"steps": []}, {"when": "true", "steps": []}]}, "put it last", id="others first"),
        pytest.param({"repeat": 3}, "write {times", id="a number"),
        pytest.param({"repeat": {"times": 0, "steps": [A]}}, "from 1 to 100, not 0", id="never"),
        pytest.param({"repeat": {"times": 101, "steps": [A]}}, "not 101", id="too often"),
        pytest.param({"repeat": {"times": True, "steps": [A]}}, "write {times", id="a number that is true"),
        pytest.param({"repeat": {"times": 2, "steps": []}}, "write {times", id="nothing"),
        pytest.param({"repeat": {"times": 2, "steps": [A], "until": "x"}}, "write {times", id="one key more"),
        pytest.param(
            {"repeat": {"times": 2, "steps": [{"branch": [{"steps": [{"repeat": {"times": 2, "steps": [A]}}]}]}]}},
            "a repeat inside of a repeat",
            id="a repetition in a way in a repetition",
        ),
        pytest.param({"notify": "ana"}, "write {to", id="a name"),
        pytest.param({"notify": {"to": [], "steps": [A]}}, "write {to", id="nobody to tell"),
        pytest.param({"notify": {"to": [{"system": "erp"}], "steps": []}}, "write {to", id="nothing to do"),
        pytest.param({"send": []}, "write a channel", id="no channel"),
        pytest.param({"send": 3}, "write a channel", id="a channel that is a number"),
        pytest.param({"send": ["email", 3]}, "write a channel", id="a number among channels"),
        pytest.param({"send": ["email", "email"]}, "stands twice", id="twice"),
        pytest.param({"send": {"first_of": []}}, "write a channel", id="the first of none"),
        pytest.param({"send": {"first_of": ["sms"], "x": 1}}, "write a channel", id="one key more than first_of"),
    ],
)
def test_what_they_refuse(written: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        step(written)


def test_shares_that_do_not_add_up_exactly_as_floats_are_all() -> None:
    shares = [3.0, 19.8, 31.3, 20.3, 3.9, 21.7]
    assert sum(shares) > 100
    step({"branch": [{"percent": share, "steps": []} for share in shares]})
