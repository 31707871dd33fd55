"""Filters: numbers, money, dates and plurals as each locale writes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from babel.numbers import format_currency, format_decimal, format_percent
from hypothesis import given, settings
from hypothesis import strategies as st

from arauto.errors import LanguageError
from arauto.language import compile_expression, locale_data

NBSP = "\u00a0"


def evaluate(source: str, locale: str, value: object = None, zone: str | None = "America/Sao_Paulo") -> Any:
    context = {"value": value, "recipient": {"time_zone": zone}, "project": {"time_zone": "Asia/Tokyo"}}
    return compile_expression(source, locale=locale).evaluate(context)


@pytest.mark.parametrize(
    ("source", "value", "portuguese", "english"),
    [
        ('value | money("BRL")', 1234.5, f"R${NBSP}1.234,50", "R$1,234.50"),
        ('value | money("BRL")', -0.5, f"-R${NBSP}0,50", "-R$0.50"),
        ('value | money("BRL")', "1234567.895", f"R${NBSP}1.234.567,90", "R$1,234,567.90"),
        ('value | money("USD")', 10, f"US${NBSP}10,00", "$10.00"),
        ('value | money("JPY")', 1234, f"JP¥{NBSP}1.234", "¥1,234"),
        ("value | number", 1234.5678, "1.234,568", "1,234.568"),
        ("value | number", 1000000, "1.000.000", "1,000,000"),
        ("value | number", 2.50, "2,5", "2.5"),
        ("value | number(2)", 2.5, "2,50", "2.50"),
        ("value | number(0)", 2.675, "3", "3"),
        ("value | number(2)", 2.675, "2,68", "2.68"),
        ("value | percent", 0.256, "26%", "26%"),
        ("value | percent(1)", -0.0825, "-8,2%", "-8.2%"),
        ('value | date("short")', "2026-01-31T23:30:00Z", "31/01/2026", "1/31/26"),
        ("value | date", "2026-01-31T12:00:00Z", "31 de jan. de 2026", "Jan 31, 2026"),
        ('value | date("long")', "2026-02-01T01:00:00Z", "31 de janeiro de 2026", "January 31, 2026"),
        ('value | date("full")', "2026-01-31", "sábado, 31 de janeiro de 2026", "Saturday, January 31, 2026"),
        ('value | time("short")', "2026-01-31T15:05:00-03:00", "15:05", "3:05\u202fPM"),
        ('value | datetime("short")', "2026-01-31T18:05:00Z", "31/01/2026 15:05", "1/31/26, 3:05\u202fPM"),
    ],
)
def test_a_filter_writes_as_the_locale_does(source: str, value: object, portuguese: str, english: str) -> None:
    assert evaluate(source, "pt-BR", value) == portuguese
    assert evaluate(source, "en", value) == english


FORMS = '{"one": "# pedido", "many": "# de pedidos", "other": "# pedidos"}'


@pytest.mark.parametrize(
    ("locale", "value", "text"),
    [
        pytest.param("pt-BR", 0, "0 pedido", id="in Portuguese, nought is one"),
        pytest.param("pt-BR", 1, "1 pedido", id="one"),
        pytest.param("pt-BR", 1.5, "1,5 pedido", id="and so is one and a half"),
        pytest.param("pt-BR", 2, "2 pedidos", id="two"),
        pytest.param("pt-BR", 1_000_000, "1.000.000 de pedidos", id="a million has a form of its own"),
        pytest.param("pt-PT", 0, "0 pedidos", id="in Portugal, nought is not"),
        pytest.param("en", 1_000_000, "1,000,000 pedidos", id="English knows no many"),
        pytest.param("en", "3", "3 pedidos", id="a number written as a text"),
    ],
)
def test_plurals_follow_the_language(locale: str, value: object, text: str) -> None:
    assert evaluate(f"value | plural({FORMS})", locale, value) == text


def test_a_plural_without_many_takes_other() -> None:
    assert evaluate('value | plural({"one": "um", "other": "# coisas"})', "pt", 1_000_000) == "1.000.000 coisas"


@pytest.mark.parametrize(
    ("zone", "text"),
    [("America/Sao_Paulo", "09:00"), ("Europe/Lisbon", "12:00"), (None, "21:00")],
    ids=["the recipient's zone", "another", "else the project's"],
)
def test_moments_are_in_the_recipients_zone(zone: str | None, text: str) -> None:
    assert evaluate('value | time("short")', "pt-BR", "2026-01-31T12:00:00Z", zone) == text


@pytest.mark.parametrize(
    ("source", "value", "message"),
    [
        ("value | money('REAL')", 1, "'REAL' is not a currency"),
        ("value | money('BRL', 2)", 1, "money takes a currency"),
        ("value | money('BRL')", True, "not true or false"),
        ("value | money('BRL')", None, "not nothing"),
        ("value | money('BRL')", [1], "not a list"),
        ("value | number('two')", 1, "0 to 20 digits"),
        ("value | number(-1)", 1, "0 to 20 digits"),
        ("value | number", "1,5", "number takes a number"),
        ("value | plural({'one': 'x'})", 1, "at least the form other"),
        ("value | plural({'other': 'x', 'lots': 'y'})", 1, "lots is not a plural form"),
        ("value | date('tiny')", "2026-01-31", "'tiny' is not a style"),
        ("value | date", 1, "not a number"),
        ("value | date", "yesterday", "RFC 3339"),
        ("value | time", "2026-01-31T12:00:00", "offset"),
        ("value | datetime", "2026-13-31T12:00:00Z", "RFC 3339"),
    ],
)
def test_wrong_arguments_are_said_clearly(source: str, value: object, message: str) -> None:
    with pytest.raises(LanguageError) as caught:
        evaluate(source, "pt-BR", value)
    assert message in caught.value.message
    assert caught.value.column == 9


def test_a_value_is_not_repeated_in_an_error() -> None:
    with pytest.raises(LanguageError) as caught:
        evaluate("value | money('BRL')", "pt-BR", "111.444.777-35")
    assert "111" not in f"{caught.value.message} {caught.value.hint}"


def test_a_zone_that_is_none_is_said() -> None:
    with pytest.raises(LanguageError, match="'Mars/Base' is not a time zone"):
        evaluate("value | time", "en", "2026-01-31T12:00:00Z", "Mars/Base")


@pytest.mark.parametrize("locale", ["tlh-XX", "12", ""])
def test_an_unknown_locale_is_refused(locale: str) -> None:
    with pytest.raises(LanguageError, match="not a known locale"):
        locale_data(locale)


def test_an_unknown_region_takes_its_language() -> None:
    assert locale_data("pt-ZZ").language == "pt"


@given(
    number=st.decimals(min_value=-(10**15), max_value=10**15, places=4),
    locale=st.sampled_from(["pt-BR", "en", "es-MX", "de-CH", "fr", "hi", "en-IN", "ar-EG", "pl", "sv", "fa", "he"]),
    currency=st.sampled_from(["BRL", "USD", "JPY", "KWD", "CHF"]),
)
@settings(max_examples=150, deadline=None)
def test_the_short_way_writes_what_babel_writes(number: Decimal, locale: str, currency: str) -> None:
    if abs(number) < Decimal("0.01"):
        return  # Babel writes a minus before what rounds to nothing
    babel = locale.replace("-", "_")
    value = str(number)
    assert evaluate(f"value | money('{currency}')", locale, value) == format_currency(number, currency, locale=babel)
    assert evaluate("value | number", locale, value) == format_decimal(number, locale=babel)
    assert evaluate("value | percent", locale, value) == format_percent(number, locale=babel)
