"""Which messages fit what is expected, and how differences are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arauto.catalogue.case import Expected
from arauto.channels.push import PushBody
from arauto.channels.sms import SmsBody
from arauto.simulate import Carried
from arauto.simulate.matching import differences, match, shown_time

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
ZONE = "America/Sao_Paulo"
HOUR = timedelta(hours=1)


def carried(to: str = "ana", by: str = "sms", hours: float = 0, text: str = "Hello Ana", **more: Any) -> Carried:
    body = PushBody(b'{"title":"T","body":"B","actions":[{"url":"https://x.example"}]}', None, "normal")
    return Carried(
        at=START + hours * HOUR,
        message=f"msg {to} {by} {hours}",
        event="evt",
        notification="hello",
        recipient=to,
        channel=by,
        provider="p",
        locale="en",
        kind="text",
        outcome="accepted",
        number=1,
        body=body if by == "push" else SmsBody(text, "gsm7", 1),
        **more,
    )


def expected(hours: float | None = None, **said: Any) -> Expected:
    if hours is not None:
        said |= {"earliest": START + hours * HOUR, "latest": START + hours * HOUR + timedelta(seconds=1), "when": "+x"}
    return Expected(line=1, **said)


@pytest.mark.parametrize(
    ("one", "told"),
    [
        pytest.param(expected(), [], id="nothing is said"),
        pytest.param(expected(to="ana", by="push", title="T", contains=("B",), lacks=("C",)), [], id="all fits"),
        pytest.param(expected(content={"actions.0.url": "https://x.example"}), [], id="a part by its path"),
        pytest.param(expected(to="bob"), [("to", "bob", "ana")], id="somebody else"),
        pytest.param(expected(title="U"), [("title", "U", "T")], id="another title"),
        pytest.param(expected(contains=("C",)), [("contains", "C", "B")], id="it lacks a text"),
        pytest.param(expected(lacks=("B",)), [("lacks", "B", "B")], id="it has a text"),
        pytest.param(expected(1), [("at", "+1h (10:00)", "+0s (09:00)")], id="at another time"),
        pytest.param(expected(content={"body": "X"}), [("body", "X", "B")], id="another part of the content"),
        pytest.param(
            expected(content={"text": "X"}),
            [("text", "X", "not there; there is: title, body, actions")],
            id="a part that is not there",
        ),
    ],
)
def test_differences(one: Expected, told: list[tuple[str, str, str]]) -> None:
    found = differences(one, carried(by="push"), START, ZONE)
    assert [(each.what, each.expected, each.actual) for each in found] == told


def test_as_many_fit_as_possible_in_whatever_order() -> None:
    """The first could have either message, the second only one of them."""
    matched = match([expected(to="ana"), expected(by="sms")], [carried(), carried(by="push")], START, ZONE)
    assert not matched.wrong
    assert not matched.unexpected


def test_each_message_fits_once() -> None:
    matched = match([expected(to="ana"), expected(to="ana")], [carried()], START, ZONE)
    assert [each.actual for each in matched.wrong] == [None]


def test_what_is_wrong_is_compared_with_what_is_nearest() -> None:
    received = [carried("bob"), carried("ana", "push", 2), carried("ana", "sms", 1)]
    matched = match([expected(3, to="ana", by="sms")], received, START, ZONE)
    (wrong,) = matched.wrong
    assert wrong.actual is received[2]
    assert [each.what for each in wrong.differences] == ["at"]
    assert matched.unexpected == tuple(received[:2])


def test_what_goes_to_somebody_else_is_not_taken_for_it() -> None:
    matched = match([expected(to="ana", by="sms")], [carried("bob")], START, ZONE)
    assert matched.wrong[0].actual is None
    assert len(matched.unexpected) == 1


def test_times_are_told_from_the_beginning_and_by_the_clock() -> None:
    assert shown_time(START + 3 * HOUR, START, ZONE) == "+3h (12:00)"
    assert shown_time(START + 25.5 * HOUR, START, ZONE) == "+1d1h30m (Tue 03-03 10:30)"
