"""ical: calendars that another implementation of RFC 5545 reads as they are meant."""

from __future__ import annotations

from datetime import UTC, datetime

import icalendar
import pytest

from arauto.decide.groups import Turn
from arauto.engine.ical import calendar

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TURNS = [
    Turn(member="ana", start=datetime(2026, 1, 5, 12, tzinfo=UTC), end=datetime(2026, 1, 12, 12, tzinfo=UTC)),
    Turn(member="bia", start=datetime(2026, 1, 12, 12, tzinfo=UTC), end=datetime(2026, 1, 19, 12, tzinfo=UTC)),
]


def read(text: str) -> list[icalendar.cal.Component]:
    return icalendar.Calendar.from_ical(text).walk("VEVENT")


def test_a_calendar_holds_each_turn_with_its_times_and_member() -> None:
    events = read(calendar("loja", "duty", TURNS, {"ana": "Ana Souza"}, now=NOW))
    assert [(str(each["summary"]), each.decoded("dtstart"), each.decoded("dtend")) for each in events] == [
        ("duty: Ana Souza", TURNS[0].start, TURNS[0].end),
        ("duty: bia", TURNS[1].start, TURNS[1].end),
    ]
    assert {each.decoded("dtstamp") for each in events} == {NOW}


def test_no_turns_are_a_calendar_too() -> None:
    assert read(calendar("loja", "duty", [], {}, now=NOW)) == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("Ana; Souza, a \\ b", "Ana; Souza, a \\ b", id="what has a meaning is escaped"),
        pytest.param("Ana\nSUMMARY:no", "Ana\nSUMMARY:no", id="a line's end makes no line"),
        pytest.param("Ana\r\nBEGIN:VEVENT\x00", "Ana\nBEGIN:VEVENT", id="control characters are left out"),
        pytest.param("ção" * 60, "ção" * 60, id="a long name of two octets a character"),
        pytest.param("🦜" * 80, "🦜" * 80, id="a long name of four octets a character"),
        pytest.param("x" * 400, "x" * 400, id="a long name"),
    ],
)
def test_a_name_comes_through_as_it_is(name: str, shown: str) -> None:
    text = calendar("loja", "duty", TURNS[:1], {"ana": name}, now=NOW)
    assert str(read(text)[0]["summary"]) == f"duty: {shown}"


def test_lines_end_with_crlf_and_have_at_most_75_octets() -> None:
    text = calendar("loja", "plantão", TURNS, {"ana": "🦜ção" * 99, "bia": "x" * 300}, now=NOW)
    assert text.endswith("END:VCALENDAR\r\n")
    lines = text.encode().split(b"\r\n")
    assert max(map(len, lines)) == 75
    assert all(b"\n" not in line and b"\r" not in line for line in lines)
    for line in lines:
        line.decode()


def test_a_turn_keeps_its_uid_while_it_begins_at_the_same_time() -> None:
    first, again = (read(calendar("loja", "duty", TURNS, {}, now=NOW)) for _ in range(2))
    taken_over = [Turn(member="caio", start=TURNS[0].start, end=TURNS[0].end, override=True), TURNS[1]]
    other = read(calendar("loja", "duty", taken_over, {}, now=NOW))
    elsewhere = read(calendar("loja", "night", TURNS, {}, now=NOW))
    uids = [[str(each["uid"]) for each in events] for events in (first, again, other, elsewhere)]
    assert uids[0] == uids[1] == uids[2]
    assert not set(uids[0]) & set(uids[3])
    assert len(set(uids[0])) == 2
