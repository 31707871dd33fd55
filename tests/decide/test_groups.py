# ruff: noqa: E501 - a case is a line, so that the table can be read as one
"""groups: who is on call at any time, with overrides and over changes of clocks; whom a query is true for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arauto.decide.groups import Turn, anyone, matches, members, on_call, recipient_told, turns
from arauto.errors import LanguageError
from arauto.language import compile_condition
from arauto.model import Brand, Group, Project, Recipient, Rota, Shift

SAO_PAULO, NEW_YORK, APIA = "America/Sao_Paulo", "America/New_York", "Pacific/Apia"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shift(member: str, start: str, end: str) -> Shift:
    return Shift(member=member, start=utc(start), end=utc(end))


def rota(*overrides: Shift, **changes: Any) -> Rota:
    """Ana, Bia and Caio, a week each, from Monday 5 January 2026, 09:00 in São Paulo (12:00 UTC)."""
    usual: dict[str, Any] = {
        "members": ("ana", "bia", "caio"),
        "zone": SAO_PAULO,
        "start": date(2026, 1, 5),
        "hand_over": time(9),
        "every": 7,
        "overrides": overrides,
    }
    return Rota(**usual | changes)


def drawn(found: list[Turn]) -> list[tuple[str, str, str]]:
    """Turns as (member, start, end); who stands in has a star."""
    return [
        (each.member + "*" * each.override, f"{each.start:%m-%d %H:%M}", f"{each.end:%m-%d %H:%M}") for each in found
    ]


ON_CALL = [
    ("before it begins", rota(), "2026-01-05 11:59", None),
    ("the first moment", rota(), "2026-01-05 12:00", "ana"),
    ("the last moment", rota(), "2026-01-12 11:59", "ana"),
    ("the hand-over", rota(), "2026-01-12 12:00", "bia"),
    ("the third", rota(), "2026-01-20 00:00", "caio"),
    ("the first again", rota(), "2026-01-26 12:00", "ana"),
    ("years later", rota(), "2036-01-07 11:59", "caio"),
    ("by days", rota(every=1), "2026-01-07 12:00", "caio"),
    ("alone", rota(members=("ana",)), "2026-07-01 12:00", "ana"),
    ("twice in the row", rota(members=("ana", "bia", "ana")), "2026-01-20 12:00", "ana"),
    ("on a leap day", rota(every=1, start=date(2028, 2, 28)), "2028-03-01 12:00", "caio"),
    ("before the hand-over in summer time", rota(zone=NEW_YORK, start=date(2026, 3, 1)), "2026-03-08 12:59", "ana"),
    ("after the hand-over in summer time", rota(zone=NEW_YORK, start=date(2026, 3, 1)), "2026-03-08 13:00", "bia"),
    ("before the hand-over in winter time", rota(zone=NEW_YORK, start=date(2026, 10, 25)), "2026-11-01 13:59", "ana"),
    ("after the hand-over in winter time", rota(zone=NEW_YORK, start=date(2026, 10, 25)), "2026-11-01 14:00", "bia"),
    ("a hand-over in the gap", rota(zone=NEW_YORK, start=date(2026, 3, 1), hand_over=time(2, 30)), "2026-03-08 06:59", "ana"),
    ("right after the gap", rota(zone=NEW_YORK, start=date(2026, 3, 1), hand_over=time(2, 30)), "2026-03-08 07:00", "bia"),
    ("a hand-over that repeats is the first", rota(zone=NEW_YORK, start=date(2026, 10, 25), hand_over=time(1, 30)), "2026-11-01 05:30", "bia"),
    ("a midnight that was left out", rota(start=date(2018, 10, 28), hand_over=time(0)), "2018-11-04 03:00", "bia"),
    ("before a midnight that was left out", rota(start=date(2018, 10, 28), hand_over=time(0)), "2018-11-04 02:59", "ana"),
    ("a day that was left out", rota(zone=APIA, start=date(2011, 12, 29), every=1, hand_over=time(0)), "2011-12-30 10:00", "caio"),
    ("somebody stands in", rota(shift("dora", "2026-01-07 00:00", "2026-01-08 00:00")), "2026-01-07 00:00", "dora"),
    ("and goes", rota(shift("dora", "2026-01-07 00:00", "2026-01-08 00:00")), "2026-01-08 00:00", "ana"),
    ("over a hand-over", rota(shift("dora", "2026-01-11 00:00", "2026-01-14 00:00")), "2026-01-12 12:00", "dora"),
    ("before it begins, somebody stands in", rota(shift("dora", "2026-01-01 00:00", "2026-01-03 00:00")), "2026-01-02 00:00", "dora"),
    ("the later of two that overlap", rota(shift("dora", "2026-01-07 00:00", "2026-01-09 00:00"), shift("eva", "2026-01-08 00:00", "2026-01-10 00:00")), "2026-01-08 12:00", "eva"),
    ("the earlier of them before that", rota(shift("dora", "2026-01-07 00:00", "2026-01-09 00:00"), shift("eva", "2026-01-08 00:00", "2026-01-10 00:00")), "2026-01-07 12:00", "dora"),
]  # fmt: skip


@pytest.mark.parametrize(("plan", "at", "member"), [pytest.param(*case, id=name) for name, *case in ON_CALL])
def test_who_is_on_call(plan: Rota, at: str, member: str | None) -> None:
    found = on_call(plan, utc(at))
    assert (found and found.member) == member
    assert members(Group(name="duty", rota=plan), utc(at)) == (() if member is None else (member,))


def test_turns_follow_each_other_whole() -> None:
    assert drawn(turns(rota(), utc("2026-01-06 00:00"), utc("2026-01-19 12:00"))) == [
        ("ana", "01-05 12:00", "01-12 12:00"),
        ("bia", "01-12 12:00", "01-19 12:00"),
    ]


def test_an_override_cuts_turns_and_is_marked() -> None:
    plan = rota(
        shift("dora", "2026-01-10 00:00", "2026-01-13 00:00"), shift("eva", "2026-01-11 00:00", "2026-01-11 12:00")
    )
    assert drawn(turns(plan, utc("2026-01-05 12:00"), utc("2026-01-19 12:00"))) == [
        ("ana", "01-05 12:00", "01-10 00:00"),
        ("dora*", "01-10 00:00", "01-11 00:00"),
        ("eva*", "01-11 00:00", "01-11 12:00"),
        ("dora*", "01-11 12:00", "01-13 00:00"),
        ("bia", "01-13 00:00", "01-19 12:00"),
    ]


def test_a_turn_that_is_taken_over_whole_is_not_shown() -> None:
    plan = rota(shift("dora", "2026-01-12 12:00", "2026-01-19 12:00"))
    assert drawn(turns(plan, utc("2026-01-12 12:00"), utc("2026-01-20 00:00"))) == [
        ("dora*", "01-12 12:00", "01-19 12:00"),
        ("caio", "01-19 12:00", "01-26 12:00"),
    ]


def test_what_begins_as_the_time_ends_is_not_in_it() -> None:
    plan = rota(shift("dora", "2026-01-08 00:00", "2026-01-09 00:00"))
    assert drawn(turns(plan, utc("2026-01-06 00:00"), utc("2026-01-08 00:00"))) == [
        ("ana", "01-05 12:00", "01-08 00:00")
    ]


def test_a_turn_on_a_day_that_was_left_out_is_none() -> None:
    plan = rota(zone=APIA, start=date(2011, 12, 29), every=1, hand_over=time(0))
    assert drawn(turns(plan, utc("2011-12-29 12:00"), utc("2012-01-01 00:00"))) == [
        ("ana", "12-29 10:00", "12-30 10:00"),
        ("caio", "12-30 10:00", "12-31 10:00"),
        ("ana", "12-31 10:00", "01-01 10:00"),
    ]


moments = st.datetimes(datetime(2025, 12, 1), datetime(2026, 12, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
shifts = st.builds(
    lambda member, start, hours: Shift(member=member, start=start, end=start + timedelta(hours=hours)),
    st.sampled_from(["dora", "eva", "ana"]),
    moments,
    st.integers(1, 24 * 20),
)
rotas = st.builds(
    lambda overrides, every, zone, hand_over: rota(*overrides, every=every, zone=zone, hand_over=hand_over),
    st.lists(shifts, max_size=5),
    st.integers(1, 15),
    st.sampled_from([SAO_PAULO, NEW_YORK, "Australia/Lord_Howe", "Pacific/Kiritimati"]),
    st.sampled_from([time(0), time(1, 30), time(2, 15), time(9), time(23, 59)]),
)


@given(rotas, moments, st.integers(1, 24 * 60))
def test_turns_leave_no_time_without_somebody_and_none_to_two(plan: Rota, start: datetime, hours: int) -> None:
    end = start + timedelta(hours=hours)
    found = turns(plan, start, end)
    for one, next_one in pairwise(found):
        assert one.end <= next_one.start
        assert one.end == next_one.start or one.end < utc("2026-01-07 00:00")
    assert all(each.start < each.end for each in found)
    if start > utc("2026-01-07 00:00"):
        assert found[0].start <= start
        assert found[-1].end >= end


@given(rotas, moments)
def test_who_is_on_call_is_the_same_however_it_is_asked(plan: Rota, at: datetime) -> None:
    alone = on_call(plan, at)
    among = [
        each for each in turns(plan, at - timedelta(days=30), at + timedelta(days=30)) if each.start <= at < each.end
    ]
    assert among == ([] if alone is None else [alone])
    standing_in = [each.member for each in plan.overrides if each.start <= at < each.end]
    if standing_in:
        assert alone is not None
        assert (alone.member, alone.override) == (standing_in[-1], True)


# -- lists and queries ---------------------------------------------------------------------------------------------


def test_a_list_has_its_members() -> None:
    assert members(Group(name="sales", members=("ana", "bia")), utc("2026-01-05 12:00")) == ("ana", "bia")


def test_all_whom_a_group_may_name() -> None:
    plan = rota(shift("dora", "2026-01-12 12:00", "2026-01-19 12:00"), members=("ana", "bia", "ana"))
    assert anyone(Group(name="duty", rota=plan)) == ("ana", "bia", "dora")
    assert anyone(Group(name="sales", members=("ana",))) == ("ana",)


PROJECT = Project(name="p", locale="pt-BR", time_zone=SAO_PAULO, brand=Brand(name="P"))
ANA = Recipient(id="ana", name="Ana", attributes={"team": "sales", "vip": True})


@pytest.mark.parametrize(
    ("query", "true"),
    [
        ("recipient.attributes.vip", True),
        ('recipient.attributes.team in ["sales", "support"]', True),
        ('recipient.kind == "system"', False),
        ('recipient.locale == "pt-BR"', True),
        ('recipient.time_zone == "America/Sao_Paulo"', True),
        ("recipient.attributes.city | default(none) == none", True),
    ],
)
def test_a_query_sees_a_recipient_as_steps_do(query: str, true: bool) -> None:
    assert matches(compile_condition(query, names=("recipient",)), ANA, PROJECT) is true


def test_a_query_that_fails_is_not_false() -> None:
    with pytest.raises(LanguageError):
        matches(compile_condition('recipient.attributes.city == "Curitiba"', names=("recipient",)), ANA, PROJECT)


def test_a_query_sees_nothing_else() -> None:
    with pytest.raises(LanguageError, match="event"):
        compile_condition("event.id == recipient.id", names=("recipient",))


def test_what_is_told_of_a_recipient() -> None:
    assert recipient_told(Recipient(id="ana", locale="en", time_zone="UTC"), PROJECT) == {
        "id": "ana",
        "kind": "person",
        "name": None,
        "locale": "en",
        "time_zone": "UTC",
        "attributes": {},
    }
