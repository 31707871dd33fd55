"""The language's own filters: money, numbers, dates and plurals as the text's locale writes them (CLDR, by Babel)."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.numbers import NumberPattern, get_currency_precision, is_currency
from minijinja import pass_state

from arauto.errors import LanguageError
from arauto.model import JSON

Filter = Callable[..., JSON]

STYLES = ("short", "medium", "long", "full")
PLURALS = ("zero", "one", "two", "few", "many", "other")
DECIMAL = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def locale_data(tag: str) -> Locale:
    """CLDR's data for a BCP 47 tag, or for its language. Raises LanguageError where there is none."""
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        pass
    try:
        return Locale.parse(tag.partition("-")[0])
    except (UnknownLocaleError, ValueError):
        raise LanguageError(f"{tag} is not a known locale", hint="write a tag such as pt-BR, en or es-MX") from None


def filters(tag: str) -> dict[str, Filter]:
    """Every filter of our own, by name, for texts in this locale."""
    locale = locale_data(tag)
    numbers = _Numbers(locale)
    moments = _Moments(locale)
    own: dict[str, tuple[Filter, str]] = {
        "money": (numbers.money, 'money takes a currency: value | money("BRL")'),
        "number": (numbers.number, "number takes at most how many digits to show: value | number(2)"),
        "percent": (numbers.percent, "percent takes at most how many digits to show: value | percent(1)"),
        "plural": (numbers.plural, 'plural takes its forms: value | plural({"one": "# item", "other": "# items"})'),
        "date": (moments.filter("date"), 'date takes at most a style: value | date("long")'),
        "time": (moments.filter("time"), 'time takes at most a style: value | time("short")'),
        "datetime": (moments.filter("datetime"), 'datetime takes at most a style: value | datetime("long")'),
    }
    return {name: _guarded(name, method, usage) for name, (method, usage) in own.items()}


class FilterError(LanguageError):
    """A filter cannot work on what it was given; where it stands is not known to it."""

    def __init__(self, filter_: str, message: str, hint: str | None) -> None:
        self.filter = filter_
        super().__init__(message, hint=hint)


def _guarded(name: str, method: Filter, usage: str) -> Filter:
    """The filter, whose errors name it, and which says how it is used where it is given other arguments."""

    def run(*given: Any, **named: Any) -> JSON:
        try:
            return method(*given, **named)
        except LanguageError as error:
            raise FilterError(name, error.message, error.hint) from None
        except TypeError:
            raise FilterError(name, usage, None) from None

    if hasattr(method, "__minijinja_pass_state__"):
        pass_state(run)
    return run


def _kind(value: JSON) -> str:
    """What a value is, in words; the value itself may be personal and stays out of errors."""
    if value is None:
        return "nothing (it is missing, or null)"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "this text" if value else "an empty text"
    return "a number" if isinstance(value, int | float) else "a list" if isinstance(value, list) else "an object"


# -- numbers -------------------------------------------------------------------------------------------------------


class _Writing:
    """One way to write numbers: a CLDR pattern with so many digits after the point.

    Babel applies its patterns in some 20 µs. So what a pattern puts around the digits is read off Babel's own output
    once, and proven against it on samples; where it does not hold (lakhs, other digits), Babel is asked every time.
    """

    _PROBES = tuple(Decimal(number) for number in (0, 1, -1, "0.5", 999, "1234.5", "-1234567.891", 12345678901234))

    def __init__(
        self, pattern: NumberPattern, locale: Locale, low: int, high: int, currency: str | None = None
    ) -> None:
        self._pattern, self._locale, self._currency = copy(pattern), locale, currency
        self._pattern.frac_prec = self._low, self._high = low, high
        self._scale = pattern.scale
        symbols = locale.number_symbols["latn"]
        self._marks = str.maketrans({",": symbols["group"], ".": symbols["decimal"]})
        one = Decimal(1).scaleb(-self._scale)
        shown = self._digits(one)
        self._positive = _around(self._ask(one), shown)
        self._negative = _around(self._ask(-one), shown)
        self._proven = all(self._compose(probe) == self._ask(probe) for probe in self._PROBES)

    def write(self, value: Decimal) -> str:
        """The number in this writing."""
        return self._compose(value) if self._proven else self._ask(value)

    def _compose(self, value: Decimal) -> str:
        before, after = self._negative if value < 0 else self._positive
        return before + self._digits(value) + after

    def _digits(self, value: Decimal) -> str:
        shown = f"{abs(value.scaleb(self._scale) if self._scale else value):,.{self._high}f}"
        if self._low < self._high:
            whole, _, fraction = shown.partition(".")
            fraction = fraction.rstrip("0").ljust(self._low, "0")
            shown = f"{whole}.{fraction}" if fraction else whole
        return shown.translate(self._marks)

    def _ask(self, value: Decimal) -> str:
        return str(self._pattern.apply(value, self._locale, currency=self._currency, currency_digits=False))


def _around(text: str, digits: str) -> tuple[str, str]:
    """What stands before and after the digits."""
    before, _, after = text.partition(digits)
    return before, after


class _Numbers:
    """The filters that write numbers in one locale; what was just written is remembered, as one amount often stands
    in several texts."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        self._category = lru_cache(maxsize=4096, typed=True)(lambda value: locale.plural_form(_number(value, "plural")))
        self._written = lru_cache(maxsize=8192, typed=True)(self._write)
        self._writing = lru_cache(maxsize=1024)(self._choose)

    def money(self, value: JSON, currency: str) -> str:
        """An amount of a currency (ISO 4217), with the currency's own digits: ``R$ 1.234,50``."""
        return self._written("money", _known(value, "money"), currency)

    def number(self, value: JSON, digits: int | None = None) -> str:
        """A number with exactly this many digits after the point; without: up to three, as many as it has."""
        return self._written("number", _known(value, "number"), digits)

    def percent(self, value: JSON, digits: int | None = None) -> str:
        """A part of one as percent, with this many digits (none): 0.25 is ``25%``."""
        return self._written("percent", _known(value, "percent"), digits)

    def plural(self, value: JSON, forms: dict[str, str]) -> str:
        """The form for a number by CLDR's plural rules, ``other`` where its own is not given; ``#`` is the number."""
        category = self._category(_known(value, "plural"))
        if not isinstance(forms, dict) or "other" not in forms:
            raise LanguageError(
                "plural needs at least the form other", hint='write plural({"one": "# item", "other": "# items"})'
            )
        for name in forms:
            if name not in PLURALS or not isinstance(forms[name], str):
                raise LanguageError(f"{name} is not a plural form with a text", hint=f"there is: {', '.join(PLURALS)}")
        form: str = forms[category if category in forms else "other"]
        return form.replace("#", self.number(value)) if "#" in form else form

    def _write(self, kind: str, value: JSON, option: JSON) -> str:
        return self._writing(kind, option).write(_number(value, kind))

    def _choose(self, kind: str, option: JSON) -> _Writing:
        if kind == "money":
            if not isinstance(option, str) or not is_currency(option):
                raise LanguageError(f"{option!r} is not a currency", hint='write its ISO 4217 code, such as "BRL"')
            digits = get_currency_precision(option)
            return _Writing(self._locale.currency_formats["standard"], self._locale, digits, digits, option)
        if option is not None and (type(option) is not int or not 0 <= option <= 20):
            raise LanguageError(f"{kind} shows 0 to 20 digits, not {option!r}")
        formats = self._locale.decimal_formats if kind == "number" else self._locale.percent_formats
        low, high = (option, option) if option is not None else (0, 3 if kind == "number" else 0)
        return _Writing(formats[None], self._locale, low, high)


def _known(value: JSON, kind: str) -> JSON:
    """The value, which is at least of a type that a number may have."""
    if type(value) in (int, float, str):
        return value
    raise LanguageError(f"{kind} takes a number, not {_kind(value)}")


def _number(value: JSON, filter_: str) -> Decimal:
    if type(value) is int:
        return Decimal(value)
    if type(value) is float:
        number = Decimal(repr(value))
        if number.is_finite() and abs(number) < 10**24:
            return number
    elif isinstance(value, str) and DECIMAL.fullmatch(value):
        return Decimal(value)
    raise LanguageError(f"{filter_} takes a number, not {_kind(value)}", hint="numbers in texts are written 1234.50")


# -- moments -------------------------------------------------------------------------------------------------------


class _Moments:
    """The filters that write dates and times in one locale, in the recipient's time zone or else the project's."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        self._write = lru_cache(maxsize=4096)(self._compose)

    def filter(self, kind: str) -> Filter:
        """The filter ``date`` (a value without a time is that very day everywhere), ``time`` or ``datetime``."""
        write = self._write

        @pass_state
        def run(state: Any, value: JSON, style: str = "medium") -> str:
            if not isinstance(value, str):
                raise LanguageError(f"{kind} takes a moment written as 2026-01-31T15:30:00Z, not {_kind(value)}")
            return write(kind, value, style, _zone_name(state))

        return run

    def _compose(self, kind: str, text: str, style: str, zone: str) -> str:
        if style not in STYLES:
            raise LanguageError(f"{style!r} is not a style of {kind}", hint=f"there is: {', '.join(STYLES)}")
        locale = self._locale
        if kind == "date" and _DATE.fullmatch(text):
            return str(locale.date_formats[style].apply(_parse(date.fromisoformat, text, kind), locale))
        moment: datetime = _parse(datetime.fromisoformat, text, kind)
        if moment.tzinfo is None:
            raise LanguageError(
                f"{kind} takes a moment with its offset from UTC", hint="write 2026-01-31T15:30:00Z or …-03:00"
            )
        local = moment.astimezone(_zone(zone))
        if kind == "date":
            return str(locale.date_formats[style].apply(local, locale))
        of_day = str(locale.time_formats[style].apply(local, locale))
        if kind == "time":
            return of_day
        joined = str(locale.datetime_formats[style]).replace("'", "")
        return joined.replace("{0}", of_day).replace("{1}", str(locale.date_formats[style].apply(local, locale)))


_MANY_ZONES = ("America/Sao_Paulo", "America/North_Dakota/New_Salem", "Asia/Kolkata", "Antarctica/DumontDUrville")


@lru_cache(maxsize=256)
def longest_moment(tag: str, kind: str, style: str) -> str:
    """The longest text that the filter ``date``, ``time`` or ``datetime`` gives in a locale."""
    compose = _Moments(locale_data(tag))._compose
    days = [
        f"2026-{month:02}-{day}T{hour}:58:58Z" for month in range(1, 13) for day in range(22, 29) for hour in (10, 22)
    ]
    zones = _MANY_ZONES if style in ("long", "full") and kind != "date" else ("UTC",)
    return max((compose(kind, day, style, zone) for zone in zones for day in days), key=len)


def _zone_name(state: Any) -> str:
    for holder in ("recipient", "project"):
        known = state.lookup(holder)
        if isinstance(known, dict) and "time_zone" in known and known["time_zone"]:
            return str(known["time_zone"])
    return "UTC"


@lru_cache(maxsize=1024)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise LanguageError(
            f"{name!r} is not a time zone", hint="write an IANA name such as America/Sao_Paulo"
        ) from None


def _parse(parser: Callable[[str], Any], text: str, kind: str) -> Any:
    try:
        return parser(text)
    except ValueError:
        raise LanguageError(
            f"{kind} takes a moment written as RFC 3339 says, not this text", hint="such as 2026-01-31T15:30:00Z"
        ) from None
