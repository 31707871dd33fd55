"""ical: the turns of a rota as a calendar that people subscribe to or import (iCalendar, RFC 5545)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from arauto.decide.groups import Turn
from arauto.model import derive_id

_OCTETS = 75
"""Of a line, without its end (section 3.1)."""
_CONTROLS: dict[str, str | None] = dict.fromkeys([*map(chr, range(32)), "\x7f"])
_ESCAPES = str.maketrans(_CONTROLS | {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


def calendar(project: str, group: str, turns: Iterable[Turn], names: Mapping[str, str], *, now: datetime) -> str:
    """The calendar of these turns, called by the members' ``names``, or else their ids.

    A turn keeps its UID as long as it begins at the same time, so that a calendar that is read again is brought up to
    date. Turns do not show as busy.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Arauto//On call//EN", f"X-WR-CALNAME:{_text(group)}"]
    for turn in turns:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{derive_id('turn', project, group, turn.start.astimezone(UTC).isoformat())}",
            f"DTSTAMP:{_time(now)}",
            f"DTSTART:{_time(turn.start)}",
            f"DTEND:{_time(turn.end)}",
            f"SUMMARY:{_text(f'{group}: {names.get(turn.member) or turn.member}')}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(_folded(line) + "\r\n" for line in lines)


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """A TEXT (section 3.3.11); control characters, which it cannot hold, are left out."""
    return value.translate(_ESCAPES)


def _folded(line: str) -> str:
    """The line, in pieces of no more octets than allowed; no character is cut in two."""
    pieces = [""]
    room = _OCTETS
    for character in line:
        size = len(character.encode())
        if size > room:
            pieces.append("")
            room = _OCTETS - 1
        pieces[-1] += character
        room -= size
    return "\r\n ".join(pieces)
