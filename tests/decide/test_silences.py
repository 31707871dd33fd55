# ruff: noqa: E501 - a case is a line, so that the table can be read as one
"""Silences: whom they concern, and when they hold, once or again and again, also when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arauto.decide.silences import Phase, hold_key, holds_until, phase, silence_over
from arauto.model import Recipient, Silence, parse_duration
from decide.conftest import NOW, notification, target

ANA = Recipient(id="ana")


def silence(id: str = "s1", **more: Any) -> Silence:
    told = {"owner": "bia", "reason": "moving house", "drop": False, "start": NOW - timedelta(hours=1), **more}
    return Silence(id=id, **told)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def recurring(
    cron: str, lasts: str, zone: str = "UTC", start: str = "2026-01-01T00:00Z", end: str | None = None
) -> Silence:
    return silence(cron=cron, lasts=parse_duration(lasts), zone=zone, start=at(start), end=end and at(end))


@pytest.mark.parametrize(
    ("start", "end", "until"),
    [
        pytest.param(-60, 30, 30, id="it holds until its end"),
        pytest.param(0, 30, 30, id="it holds from its first instant"),
        pytest.param(1, 30, None, id="it does not hold before it begins"),
        pytest.param(-60, 0, None, id="it holds no more at its end"),
        pytest.param(-60, None, 24 * 60, id="without an end it holds, and is looked at again in a day"),
    ],
)
def test_a_silence_that_comes_once(start: int, end: int | None, until: int | None) -> None:
    one = silence(start=NOW + timedelta(minutes=start), end=None if end is None else NOW + timedelta(minutes=end))
    assert holds_until(one, NOW) == (None if until is None else NOW + timedelta(minutes=until))


# São Paulo has no changes of clocks now; New York skips 02:00-03:00 on 8 March 2026 and repeats 01:00-02:00 on 1 November.
@pytest.mark.parametrize(
    ("one", "now", "until"),
    [
        pytest.param(recurring("0 22 * * *", "9h"), "2026-03-02T21:59:59Z", None, id="before the night"),
        pytest.param(recurring("0 22 * * *", "9h"), "2026-03-02T22:00Z", "2026-03-03T07:00Z", id="at the first instant of the night"),
        pytest.param(recurring("0 22 * * *", "9h"), "2026-03-03T06:59:59Z", "2026-03-03T07:00Z", id="in the last second of the night"),
        pytest.param(recurring("0 22 * * *", "9h"), "2026-03-03T07:00Z", None, id="the night is over"),
        pytest.param(recurring("0 22 * * *", "9h", "America/Sao_Paulo"), "2026-03-03T09:30Z", "2026-03-03T10:00Z", id="in the zone"),
        pytest.param(recurring("0 22 * * *", "9h", start="2026-03-02T23:00Z"), "2026-03-02T23:30Z", "2026-03-03T07:00Z", id="one that is made in the night holds at once"),
        pytest.param(recurring("0 22 * * *", "9h", start="2026-03-02T23:00Z"), "2026-03-02T22:30Z", None, id="but not before it was to start"),
        pytest.param(recurring("0 22 * * *", "9h", end="2026-03-03T02:00Z"), "2026-03-02T23:00Z", "2026-03-03T02:00Z", id="its end cuts the night short"),
        pytest.param(recurring("0 22 * * *", "9h", end="2026-03-03T02:00Z"), "2026-03-03T02:00Z", None, id="and nothing holds after it"),
        pytest.param(recurring("0 * * * *", "90m"), "2026-03-02T12:10Z", "2026-03-02T13:30Z", id="of two that overlap the later end counts"),
        pytest.param(recurring("0 0 * * SAT", "2d"), "2026-03-08T23:00Z", "2026-03-09T00:00Z", id="a weekend"),
        pytest.param(recurring("30 2 * * *", "1h", "America/New_York"), "2026-03-08T06:59Z", None, id="a beginning in the gap: not before the gap"),
        pytest.param(recurring("30 2 * * *", "1h", "America/New_York"), "2026-03-08T07:00Z", "2026-03-08T08:00Z", id="a beginning in the gap: right after it"),
        pytest.param(recurring("30 1 * * *", "30m", "America/New_York"), "2026-11-01T05:45Z", "2026-11-01T06:00Z", id="a beginning that comes twice: the first time"),
        pytest.param(recurring("30 1 * * *", "30m", "America/New_York"), "2026-11-01T06:45Z", None, id="a beginning that comes twice: not the second time"),
        pytest.param(recurring("0 22 * * *", "9h", "America/New_York"), "2026-03-08T11:30Z", "2026-03-08T12:00Z", id="a night over the gap lasts as long as it says"),
        pytest.param(recurring("0 0 29 2 *", "1d"), "2028-02-29T12:00Z", "2028-03-01T00:00Z", id="a leap day"),
        pytest.param(recurring("0 20 31 12 *", "10h", "Pacific/Kiritimati"), "2026-12-31T15:00Z", "2026-12-31T16:00Z", id="over the end of the year, fourteen hours ahead"),
    ],
)  # fmt: skip
def test_a_silence_that_comes_again_and_again(one: Silence, now: str, until: str | None) -> None:
    assert holds_until(one, at(now)) == (until and at(until))


@pytest.mark.parametrize(
    ("one", "now", "expected"),
    [
        pytest.param(silence(end=NOW + timedelta(hours=1)), NOW, Phase("active", NOW + timedelta(hours=1)), id="active until its end"),
        pytest.param(silence(), NOW, Phase("active", None), id="active until somebody ends it"),
        pytest.param(silence(start=NOW + timedelta(hours=1)), NOW, Phase("coming", NOW + timedelta(hours=1)), id="coming"),
        pytest.param(silence(end=NOW), NOW, Phase("over", None), id="over"),
        pytest.param(recurring("0 22 * * *", "9h"), at("2026-03-02T12:00Z"), Phase("coming", at("2026-03-02T22:00Z")), id="between two nights the next is coming"),
        pytest.param(recurring("0 22 * * *", "9h", start="2026-03-10T12:00Z"), at("2026-03-02T12:00Z"), Phase("coming", at("2026-03-10T22:00Z")), id="the first night is coming"),
        pytest.param(recurring("0 22 * * *", "9h", start="2026-03-10T23:00Z"), at("2026-03-02T12:00Z"), Phase("coming", at("2026-03-10T23:00Z")), id="it will start within a night"),
        pytest.param(recurring("0 22 * * *", "9h", end="2026-03-02T22:00Z"), at("2026-03-02T12:00Z"), Phase("over", None), id="no night comes before its end"),
    ],
)  # fmt: skip
def test_where_a_silence_stands(one: Silence, now: datetime, expected: Phase) -> None:
    assert phase(one, now) == expected


@pytest.mark.parametrize(
    ("matchers", "concerned"),
    [
        pytest.param({}, True, id="without matchers: all"),
        pytest.param({"notifications": ("paid",)}, True, id="its notification"),
        pytest.param({"notifications": ("other",)}, False, id="another notification"),
        pytest.param({"categories": ("orders",)}, True, id="its category"),
        pytest.param({"categories": ("news",)}, False, id="another category"),
        pytest.param({"recipients": ("ana", "bia")}, True, id="one of the recipients"),
        pytest.param({"recipients": ("bia",)}, False, id="another recipient"),
        pytest.param({"notifications": ("paid",), "recipients": ("bia",)}, False, id="all matchers must fit"),
    ],
)
def test_whom_a_silence_concerns(matchers: dict[str, Any], concerned: bool) -> None:
    paid = notification(target(group="sales"))
    assert (silence_over([silence(**matchers)], "default", paid, ANA, NOW) is not None) is concerned


def test_of_several_one_that_drops_counts_then_the_one_that_ends_last() -> None:
    paid = notification(target(group="sales"))
    short = silence("short", end=NOW + timedelta(hours=1))
    long = silence("long", end=NOW + timedelta(hours=2))
    drop = silence("drop", end=NOW + timedelta(minutes=1), drop=True)
    over = silence("over", end=NOW)
    found = silence_over([long, short, over], "default", paid, ANA, NOW)
    assert found is not None
    assert (found.id, found.until, found.why.values["why"]) == ("long", NOW + timedelta(hours=2), "moving house")
    found = silence_over([short, drop, long], "default", paid, ANA, NOW)
    assert found is not None
    assert (found.id, found.drop) == ("drop", True)


def test_whatever_changes_in_a_silence_changes_the_key_of_what_it_holds() -> None:
    assert hold_key("a", silence()) == hold_key("a", silence())
    changed = [
        silence("s2"),
        silence(end=NOW),
        silence(drop=True),
        silence(recipients=("ana",)),
        silence(reason="other"),
    ]
    assert len({hold_key("a", each) for each in [silence(), *changed]} | {hold_key("b", silence())}) == 7
