"""Values with a form of their own: locales, time zones, durations, networks, names, and expressions at their place."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from datetime import date, time, timedelta
from functools import cache
from ipaddress import ip_network
from typing import TypeVar
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError

from arauto.catalogue.diagnostics import Faults, closest, did_you_mean
from arauto.catalogue.document import Document, Path
from arauto.decide.calendar import parse_time
from arauto.errors import LanguageError
from arauto.language import NAMES, compile_condition, compile_expression
from arauto.model import Expression, parse_duration

T = TypeVar("T")

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""Names of sources and notifications: they stand in URLs."""
EVENT_TYPE = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


class Refused(ValueError):
    """A value is not allowed: the code of the fault, what is wrong, and what to do."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        self.code, self.hint = code, hint
        super().__init__(message)


_LOCALE = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?", re.IGNORECASE)


@cache
def locale(tag: str) -> str:
    """The tag, when it is one of BCP 47 (language, script, region) that CLDR knows, written the usual way. Raises
    Refused."""
    usual = _usual(tag.replace("_", "-"))
    if usual is None:
        raise Refused("bad-locale", f"{tag!r} is no locale", "write a BCP 47 tag, such as pt-BR or en")
    if usual != tag:
        raise Refused("bad-locale", f"{tag!r} is not the usual way to write this locale", f"write {usual}")
    return tag


def _usual(tag: str) -> str | None:
    match = _LOCALE.fullmatch(tag)
    if match is None:
        return None
    try:
        Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return None
    language, script, region = match.groups(default="")
    return "-".join(filter(None, (language.lower(), script.title(), region.upper())))


def language(tag: str) -> str:
    """``pt`` of ``pt-BR``."""
    return tag.partition("-")[0]


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def time_zone(name: str) -> str:
    """The name, when the IANA database has it. Raises Refused."""
    if name in _zones():
        return name
    near = closest(name, _zones()) or closest(name, [zone for zone in _zones() if zone.endswith(f"/{name}")])
    hint = f"did you mean {near}?" if near else "write an IANA name, such as America/Sao_Paulo or UTC"
    raise Refused("bad-time-zone", f"{name!r} is no time zone", hint)


def network(text: str) -> str:
    """The text, when it is a CIDR range. Raises Refused."""
    try:
        ip_network(text)
    except ValueError as error:
        raise Refused("bad-network", f"this is no network: {error}", "write a CIDR range, such as 10.0.0.0/8") from None
    return text


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LONGEST = timedelta(days=3660)


def duration(text: str) -> timedelta:
    """The duration. Raises Refused."""
    try:
        parsed = parse_duration(text)
    except ValueError as error:
        raise Refused("bad-duration", *str(error).split("; ", 1)) from None
    except OverflowError:
        parsed = timedelta.max
    if parsed > _LONGEST:
        raise Refused("bad-duration", f"{text} is longer than ten years", "choose a shorter time")
    return parsed


def whole_days(text: str) -> int:
    """A duration that is a number of days: one at least. Raises Refused."""
    days, rest = divmod(duration(text), timedelta(days=1))
    if rest or not days:
        raise Refused("bad-duration", f"{text} is no number of days", "write whole days or weeks, such as 1d or 1w")
    return days


def day(text: str) -> date:
    """The day. Raises Refused."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Refused("bad-date", f"{text!r} is no day of the calendar", "write year, month and day, such as 2026-12-25")


def time_of_day(text: str) -> time:
    """The time of day. Raises Refused."""
    try:
        return parse_time(text)
    except ValueError as error:
        raise Refused("bad-time", *str(error).split("; ", 1)) from None


def lifetime(text: str) -> timedelta:
    """A duration in which something can happen: more than nothing. Raises Refused."""
    parsed = duration(text)
    if not parsed:
        raise Refused("bad-duration", f"{text} leaves no time to send anything", "write at least 1s")
    return parsed


class Reader:
    """Reads values of one document; what is wrong goes to the faults, at the value's place, and gives None."""

    def __init__(self, document: Document, faults: Faults) -> None:
        self.document, self.faults = document, faults

    def fault(self, path: Path, code: str, message: str, hint: str | None = None, *, key: bool = False) -> None:
        """A fault at the value (or at its key)."""
        place = self.document.key_place(path) if key else self.document.place(path)
        self.faults.add(self.document.file, place, code, message, hint)

    def read(self, parse: Callable[[str], T], text: str | None, path: Path) -> T | None:
        """What ``parse``, one of this module's functions, makes of the text; None stays None."""
        if text is None:
            return None
        try:
            return parse(text)
        except Refused as refused:
            self.fault(path, refused.code, str(refused), refused.hint)
            return None

    def condition(self, path: Path, *, names: tuple[str, ...] = NAMES) -> Expression | None:
        """The text at ``path`` as a condition over these names; its faults are shown inside the YAML scalar."""
        return self._expression(lambda source: compile_condition(source, names=names), path)

    def expression(self, path: Path) -> Expression | None:
        """The text at ``path`` as an expression that gives any value."""
        return self._expression(lambda source: compile_expression(source, names=NAMES), path)

    def _expression(self, compile_: Callable[[str], Expression], path: Path) -> Expression | None:
        try:
            return compile_(self.document.value(path))
        except LanguageError as error:
            self.language_fault(path, error)
            return None

    def language_fault(self, path: Path, error: LanguageError) -> None:
        """A fault inside the text at ``path``."""
        place = self.document.within(path, error.line, error.column)
        self.faults.add(self.document.file, place, "bad-expression", error.message, error.hint)

    def reference(
        self, path: Path, what: str, name: str, known: Iterable[str], *, otherwise: str | None = None
    ) -> bool:
        """Whether ``name`` is known; a fault ``unknown-<what>`` when it is not. ``otherwise`` is the hint where
        nothing is near."""
        names = list(known)
        if name in names:
            return True
        words = what.replace("-", " ")
        self.fault(path, f"unknown-{what}", f"there is no {words} {name}", did_you_mean(name, names, otherwise))
        return False

    def kind(self, path: Path, what: str, known: Collection[str]) -> str | None:
        """The ``kind`` of the mapping at ``path``, which selects a plug-in; None, with a fault, when it names none."""
        entry = self.document.value(path)
        allowed = f"known: {', '.join(known)}"
        if not isinstance(entry, dict):
            self.fault(path, "wrong-type", "the file must be a mapping")
        elif "kind" not in entry:
            self.fault(path, "missing-key", "the key kind is missing", allowed)
        elif not isinstance(entry["kind"], str):
            self.fault((*path, "kind"), "wrong-type", "kind must be text", allowed)
        elif self.reference((*path, "kind"), what, entry["kind"], known):
            return str(entry["kind"])
        return None


__all__ = ["EVENT_TYPE", "NAME", "Reader", "Refused", "duration", "language", "locale", "network", "time_zone"]
