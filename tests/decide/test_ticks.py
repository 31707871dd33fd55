# ruff: noqa: E501 - a case is a line, so that the table can be read as one
"""Which times are due, by what becomes of missed ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arauto.decide.ticks import Due, Missed, Times, due

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def every(seconds: int, until: datetime | None = None) -> Times:
    """Every so many seconds since midnight, and none after ``until``."""

    def times(after: datetime) -> Iterator[datetime]:
        step = timedelta(seconds=seconds)
        time = DAY + ((after - DAY) // step + 1) * step
        while until is None or time <= until:
            yield time
            time += step

    return times


def at(text: str) -> datetime:
    return DAY + timedelta(**dict(zip(("hours", "minutes", "seconds"), map(float, text.split(":")), strict=False)))


def shown(found: Due | None) -> str:
    return "nothing" if found is None else " ".join(f"{time:%H:%M:%S}" for time in found.at) or "none"


HOURLY, SECONDLY = every(3600), every(1)
CASES: list[tuple[str, Times, str, str, dict[Missed, str]]] = [
    ("nothing has come since", HOURLY, "8:00", "8:59:59", dict.fromkeys(("skip", "once", "all"), "nothing")),
    ("a time is reached", HOURLY, "8:00", "9:00", dict.fromkeys(("skip", "once", "all"), "09:00:00")),
    ("a time was a minute ago", HOURLY, "8:00", "9:00:59.9", dict.fromkeys(("skip", "once", "all"), "09:00:00")),
    ("a time was longer ago", HOURLY, "8:00", "9:01", {"skip": "none", "once": "09:00:00", "all": "09:00:00"}),
    ("three were missed", HOURLY, "8:00", "11:30", {"skip": "none", "once": "11:00:00", "all": "09:00:00 10:00:00 11:00:00"}),
    ("two were missed, and one is punctual", HOURLY, "8:00", "11:00:30", {"skip": "11:00:00", "once": "11:00:00", "all": "09:00:00 10:00:00 11:00:00"}),
    ("what is done is not done again", HOURLY, "11:00", "11:00:30", dict.fromkeys(("skip", "once", "all"), "nothing")),
    ("several are punctual", every(20), "8:00", "8:01:10", {"skip": "08:00:20 08:00:40 08:01:00", "once": "08:00:20 08:00:40 08:01:00", "all": "08:00:20 08:00:40 08:01:00"}),
    ("the clock was set back", HOURLY, "8:00", "7:30", dict.fromkeys(("skip", "once", "all"), "nothing")),
    ("the last one ever was missed", every(3600, at("9:00")), "8:00", "20:00", {"skip": "none", "once": "09:00:00", "all": "09:00:00"}),
]  # fmt: skip


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
@pytest.mark.parametrize(("times", "last", "now", "expected"), [pytest.param(*rest, id=name) for name, *rest in CASES])
def test_what_is_due(times: Times, last: str, now: str, expected: dict[Any, str], missed: Missed) -> None:
    found = due(times, missed, at(last), at(now), at_most=99)
    assert shown(found) == expected[missed]
    assert found is None or found.until == at(now)


def test_many_missed_ones_come_in_portions() -> None:
    last, now, found = at("8:00"), at("13:30"), []
    while portion := due(HOURLY, "all", last, now, at_most=2):
        assert len(portion.at) <= 2
        found += portion.at
        last = portion.until
    assert [time.hour for time in found] == [9, 10, 11, 12, 13]


def test_the_latest_of_a_year_of_seconds_is_found_at_once() -> None:
    now = DAY + timedelta(days=365, hours=1)
    ended = every(1, now - timedelta(hours=20))
    assert due(ended, "once", DAY, now, at_most=9) == Due((now - timedelta(hours=20),), now)
    last_minute = tuple(now - timedelta(seconds=ago) for ago in range(59, -1, -1))
    assert due(SECONDLY, "skip", DAY, now, at_most=9) == Due(last_minute, now)


@given(
    seconds=st.integers(1, 5000),
    looks=st.lists(st.integers(1, 4000), min_size=1, max_size=12),
    missed=st.sampled_from(["once", "all"]),
)
def test_however_often_one_looks_no_time_comes_twice_and_none_is_lost(
    seconds: int, looks: list[int], missed: Missed
) -> None:
    times, last, now = every(seconds), DAY, DAY
    found: list[datetime] = []
    for look in looks:
        now += timedelta(seconds=look)
        while portion := due(times, missed, last, now, at_most=7):
            assert all(last < time <= now for time in portion.at)
            assert missed == "all" or portion.at, "something was missed, and nothing is made up for it"
            found += portion.at
            last = portion.until
    assert found == sorted(set(found))
    if missed == "all":
        assert len(found) == (now - DAY) // timedelta(seconds=seconds)
