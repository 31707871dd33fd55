"""What messages cost: by segment where the price says so, in each currency, and nothing for what was not taken."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from arauto.catalogue import compile_project
from arauto.channels.sms import measure
from arauto.model import Catalogue, Price
from arauto.simulate import Carried
from arauto.simulate.costs import Money, cost, segments, total

LOJA = Path(__file__).parents[2] / "examples/loja"
MESSAGE = Carried(
    at=datetime(2026, 3, 2, tzinfo=UTC),
    message="m",
    event="e",
    notification="payment-refused",
    recipient="c-1",
    channel="sms",
    provider="twilio",
    locale="pt-BR",
    kind="text",
    outcome="accepted",
    number=1,
    body=measure("a" * 161),
)


@pytest.fixture(scope="module")
def loja() -> Catalogue:
    return compile_project(LOJA)


def test_a_long_text_message_costs_each_of_its_segments(loja: Catalogue) -> None:
    assert segments(MESSAGE) == 2
    assert cost(loja, MESSAGE) == Money(Decimal("0.58"), "BRL")


def test_a_price_for_messages_does_not_count_segments(loja: Catalogue) -> None:
    sms = loja.channels["sms"]
    price = Price(amount=Decimal("0.1"), currency="USD")
    providers = (msgspec.structs.replace(sms.providers[0], price=price),)
    channels = {**loja.channels, "sms": msgspec.structs.replace(sms, providers=providers)}
    assert cost(msgspec.structs.replace(loja, channels=channels), MESSAGE) == Money(Decimal("0.1"), "USD")


@pytest.mark.parametrize(("channel", "provider"), [("inapp", "store"), ("slack", "web_api"), ("sms", "another")])
def test_nothing_is_known_of_what_has_no_price(loja: Catalogue, channel: str, provider: str) -> None:
    other = msgspec.structs.replace(MESSAGE, channel=channel, provider=provider, body={})
    assert cost(loja, other) is None
    assert segments(other) == 1


def test_what_was_not_accepted_costs_nothing(loja: Catalogue) -> None:
    assert cost(loja, msgspec.structs.replace(MESSAGE, outcome="rejected")) == Money(Decimal(0), "BRL")


def test_sums_are_exact_and_by_currency() -> None:
    costs = [Money(Decimal("0.1"), "USD"), None, Money(Decimal("0.29"), "BRL"), Money(Decimal("0.2"), "USD")]
    assert total(costs) == (Money(Decimal("0.29"), "BRL"), Money(Decimal("0.3"), "USD"))
