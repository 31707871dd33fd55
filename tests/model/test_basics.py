"""Durations: what is written is read as the same, and reads well."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arauto.model import parse_duration, write_duration


@given(st.integers(0, 10**9))
def test_a_duration_that_is_written_is_read_as_the_same(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert parse_duration(write_duration(span)) == span


@pytest.mark.parametrize(
    ("span", "written"),
    [
        (timedelta(), "0s"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(days=1, hours=2), "1d2h"),
        (timedelta(days=14), "14d"),
        (timedelta(seconds=4.6), "5s"),
    ],
)
def test_a_duration_is_written_without_what_is_nothing(span: timedelta, written: str) -> None:
    assert write_duration(span) == written
