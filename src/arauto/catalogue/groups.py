"""A group of ``recipients/*.yaml`` → Group: a list, a query or a rota."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time

from arauto.catalogue import files, values
from arauto.catalogue.document import Path
from arauto.catalogue.values import Reader, Refused
from arauto.decide.calendar import at_wall_clock
from arauto.model import Group, Rota, Shift

_SEEN = ("recipient",)
"""What a query sees."""


def compile_group(
    reader: Reader, name: str, entry: files.GroupEntry, ids: Iterable[str] | None, time_zone: str
) -> Group:
    """The group, without what is faulty. ``ids`` are the recipients that it may name; None: nobody knows them all.
    ``time_zone`` is the project's."""
    path: Path = ("groups", name)
    if entry.rota is not None:
        return Group(name=name, rota=_rota(reader, (*path, "rota"), entry.rota, ids, time_zone))
    if entry.query is not None:
        return Group(name=name, query=reader.condition((*path, "query"), names=_SEEN))
    members = entry.members or ()
    _check_members(reader, [((*path, "members", index), member) for index, member in enumerate(members)], ids)
    return Group(name=name, members=tuple(dict.fromkeys(members)))


def _check_members(reader: Reader, named: Iterable[tuple[Path, str]], ids: Iterable[str] | None) -> None:
    for path, member in named if ids is not None else ():
        reader.reference(path, "member", member, ids or ())


def _rota(reader: Reader, path: Path, entry: files.RotaEntry, ids: Iterable[str] | None, time_zone: str) -> Rota | None:
    _check_members(reader, [((*path, "members", index), member) for index, member in enumerate(entry.members)], ids)
    overridden = [((*path, "overrides", index), each) for index, each in enumerate(entry.overrides)]
    _check_members(reader, [((*place, "member"), each.member) for place, each in overridden], ids)
    every = reader.read(values.whole_days, entry.every, (*path, "every"))
    start = reader.read(values.day, entry.start, (*path, "start"))
    hand_over = reader.read(values.time_of_day, entry.hand_over, (*path, "hand_over"))
    zone = time_zone if entry.zone is None else reader.read(values.time_zone, entry.zone, (*path, "zone"))
    if zone is None or hand_over is None:
        return None
    overrides = [_override(reader, place, each, hand_over, zone) for place, each in overridden]
    if start is None or every is None:
        return None
    return Rota(
        members=entry.members,
        zone=zone,
        start=start,
        hand_over=hand_over,
        every=every,
        overrides=tuple(each for each in overrides if each),
    )


def _override(reader: Reader, path: Path, entry: files.OverrideEntry, hand_over: time, zone: str) -> Shift | None:
    def moment(text: str) -> datetime:
        return _moment(text, hand_over, zone)

    start = reader.read(moment, entry.start, (*path, "from"))
    end = reader.read(moment, entry.end, (*path, "to"))
    if start is None or end is None:
        return None
    if end <= start:
        reader.fault(
            (*path, "to"), "bad-span", f"{entry.member} stands in from {entry.start} to {entry.end}", "swap them"
        )
        return None
    return Shift(member=entry.member, start=start, end=end)


def _moment(text: str, hand_over: time, zone: str) -> datetime:
    """A day at its hand-over, a wall-clock time in the zone, or a time with its offset from UTC. Raises Refused."""
    try:
        if len(text) <= len("2026-01-31"):
            return at_wall_clock(date.fromisoformat(text), hand_over, zone)
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else at_wall_clock(moment.date(), moment.time(), zone)
    except (ValueError, OverflowError):
        hint = "write a day (2026-12-25), a time in the rota's zone (2026-12-25 18:00), or one with its offset"
        raise Refused("bad-date", f"{text!r} is no day or time", hint) from None
