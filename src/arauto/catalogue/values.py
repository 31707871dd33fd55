"""Values with a form of their own: locales, time zones, durations, networks, names, and expressions at their place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cache
from ipaddress import ip_network
from typing import TypeVar
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError

from arauto.catalogue.diagnostics import Faults, closest, did_you_mean
from arauto.catalogue.reader import Document, Path
from arauto.errors import LanguageError
from arauto.language import NAMES, compile_condition, compile_expression
from arauto.model import Expression, parse_duration

T = TypeVar("T")

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""Names of sources and notifications: they stand in URLs."""
EVENT_TYPE = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


class Refused(ValueError):
    """A value is not allowed; says what is, and what was probably meant."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.hint = hint
        super().__init__(message)


@cache
def locale(tag: str) -> str:
    """The tag, when it is a BCP 47 tag that CLDR knows, written the usual way. Raises Refused."""
    try:
        known = str(Locale.parse(tag, sep="-")).replace("_", "-")
    except (ValueError, UnknownLocaleError, TypeError):
        near = tag.replace("_", "-")
        hint = (
            f"did you mean {near}?" if near != tag and _is_locale(near) else "write a BCP 47 tag, such as pt-BR or en"
        )
        raise Refused(f"{tag!r} is no locale", hint) from None
    if known != tag:
        raise Refused(f"{tag!r} is not the usual way to write this locale", f"write {known}")
    return tag


def _is_locale(tag: str) -> bool:
    try:
        locale(tag)
    except Refused:
        return False
    return True


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
    raise Refused(f"{name!r} is no time zone", hint)


def network(text: str) -> str:
    """The text, when it is a CIDR range. Raises Refused."""
    try:
        ip_network(text)
    except ValueError as error:
        raise Refused(f"{text!r} is no network: {error}", "write a CIDR range, such as 10.0.0.0/8") from None
    return text


def duration(text: str) -> timedelta:
    """The duration. Raises Refused."""
    try:
        return parse_duration(text)
    except (ValueError, OverflowError) as error:
        said = str(error) if isinstance(error, ValueError) else f"{text!r} is too long"
        raise Refused(*said.split("; ", 1)) from None


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
            code = f"bad-{parse.__name__.replace('_', '-')}"
            self.fault(path, code, str(refused), refused.hint)
            return None

    def condition(self, path: Path) -> Expression | None:
        """The text at ``path`` as a condition; its faults are shown inside the YAML scalar."""
        return self._expression(compile_condition, path)

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


__all__ = ["EVENT_TYPE", "NAME", "Reader", "Refused", "duration", "language", "locale", "network", "time_zone"]
