"""Events by the clock: every morning, on the last Friday of the month, every five minutes. Nobody calls it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Meta, Struct

from arauto.decide.cron import Cron
from arauto.decide.ticks import Missed
from arauto.decide.times import Faulty, Rule, Tick, ticks
from arauto.ingress import Path, SettingFault, SettingsFaulty
from arauto.model import JSON
from arauto.sources import Draft, Kind, Schedule
from arauto.sources.mapping import Compiler, to_text
from arauto.sources.schedule.recurrence import Recurrence

KIND = Kind("Schedule", by_clock=True)

_START = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?")


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When, in whose zone, and what event; exactly one of ``cron`` and ``rrule`` is given."""

    event: str
    """The type of its events, one of ``events/``."""
    cron: Annotated[str, Meta(examples=["0 8 * * MON-FRI", "*/5 * * * *"])] | None = None
    """A cron expression: minute, hour, day of the month, month, day of the week."""
    rrule: Annotated[str, Meta(examples=["FREQ=MONTHLY;BYDAY=-1FR"])] | None = None
    """A recurrence rule of RFC 5545."""
    start: Annotated[str, Meta(examples=["2026-01-30T08:00"])] | None = None
    """Where the rule of ``rrule`` starts, by the clock of the zone; it has the time of day, too."""
    zone: Annotated[str, Meta(examples=["America/Sao_Paulo"])] | None = None
    """The zone of its times; the project's where it is left out."""
    missed: Missed = "once"
    """What becomes of times that passed while no hub ran: no event, one event for all of them, or one for each."""
    subject: str | None = None
    """An expression: what its events are about."""
    data: JSON = {}
    """An expression, or a mapping of expressions, over ``tick``; ``{}`` where it is left out."""


def compile(name: str, settings: Settings, time_zone: str) -> Schedule:
    """A schedule, in this zone where it has none of its own. Raises SettingsFaulty."""
    return _Schedule(name, settings, time_zone)


class _Schedule:
    """A compiled schedule."""

    def __init__(self, name: str, settings: Settings, time_zone: str) -> None:
        self.name, self.missed = name, settings.missed
        self.types: tuple[tuple[Path, str], ...] = ((("event",), settings.event),)
        compiler = Compiler(names=("tick",))
        self._data = compiler.tree(("data",), settings.data)
        self._subject = compiler.optional(("subject",), settings.subject)
        faults = compiler.faults
        self.zone = _zone(settings.zone or time_zone, faults)
        rule = _rule(settings, self.zone, faults)
        if rule is None or faults:
            raise SettingsFaulty(faults)
        self._rule = rule
        self.rule = settings.cron or f"{settings.rrule} from {settings.start}"

    def ticks(self, after: datetime) -> Iterator[Tick]:
        """The ticks after this instant."""
        return ticks(self._rule, self.zone, after)

    def event(self, at: datetime) -> Draft:
        """The event of the tick at this instant. Raises BadPayload."""
        local = at.astimezone(ZoneInfo(self.zone))
        moment = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        tick = {"time": moment, "local": local.isoformat(timespec="seconds"), "date": local.date().isoformat()}
        context = {"tick": tick}
        subject = self._subject(context) if self._subject else None
        return Draft(
            source=self.name,
            id=moment,
            type=self.types[0][1],
            time=at,
            subject=None if subject is None else to_text(("subject",), subject),
            data=self._data(context),
        )


def _zone(name: str, faults: list[SettingFault]) -> str:
    """The zone; UTC, with a fault, where there is no such zone."""
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        known = available_timezones()
        near = get_close_matches(name, known, n=1) or [zone for zone in known if zone.endswith(f"/{name}")]
        hint = f"did you mean {near[0]}?" if near else "write an IANA name, such as America/Sao_Paulo or UTC"
        faults.append(SettingFault(("zone",), "bad-time-zone", f"{name!r} is no time zone", hint))
        return "UTC"
    return name


def _rule(settings: Settings, zone: str, faults: list[SettingFault]) -> Rule | None:
    """The rule; None, with a fault, where there is none that compiles."""
    if (settings.cron is None) == (settings.rrule is None):
        both = settings.cron is not None
        message = "it has both cron and rrule" if both else "nothing says when it ticks"
        hint = 'give one of them: cron: "0 8 * * MON-FRI", or rrule: "FREQ=MONTHLY;BYDAY=-1FR" with start'
        faults.append(SettingFault(("rrule",) if both else (), "one-of", message, hint))
        return None
    start = _start(settings, faults)
    try:
        if settings.cron is not None:
            return Cron(settings.cron)
        return Recurrence(settings.rrule or "", start, ZoneInfo(zone)) if start else None
    except Faulty as faulty:
        place = "cron" if settings.rrule is None else "rrule"
        faults.append(SettingFault((place,), faulty.code, faulty.message, faulty.hint, column=faulty.column))
        return None


def _start(settings: Settings, faults: list[SettingFault]) -> datetime | None:
    """The start of a recurrence rule; a cron expression has none."""
    hint = "write the day and the time by the clock of the zone, such as 2026-01-30T08:00"
    if settings.rrule is None:
        if settings.start is not None:
            faults.append(SettingFault(("start",), "one-of", "start goes with rrule alone", "leave it out"))
        return None
    if settings.start is None:
        faults.append(SettingFault((), "missing-key", "the key start is missing: where the rule starts", hint))
        return None
    try:
        if _START.fullmatch(settings.start):
            return datetime.fromisoformat(settings.start)
    except ValueError:
        pass
    faults.append(SettingFault(("start",), "bad-date", f"{settings.start!r} is no start of a rule", hint))
    return None
