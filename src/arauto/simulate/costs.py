"""What messages cost: by the price that the project gives for the provider that took them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from arauto.model import Catalogue
from arauto.simulate.simulation import Carried


class Money(Struct, frozen=True):
    """An amount of a currency."""

    amount: Decimal
    currency: str


def segments(carried: Carried) -> int:
    """How many a message counts as: its segments, and 1 where its channel has none."""
    return int(getattr(carried.body, "segments", 1))


def cost(catalogue: Catalogue, carried: Carried) -> Money | None:
    """What its provider charges for it: nothing for what it did not accept; None where no price is known."""
    channel = catalogue.channels.get(carried.channel)
    price = next((each.price for each in channel.providers if each.name == carried.provider), None) if channel else None
    if price is None:
        return None
    count = segments(carried) if price.per == "segment" else 1
    return Money(price.amount * (count if carried.outcome == "accepted" else 0), price.currency)


def total(costs: Iterable[Money | None]) -> tuple[Money, ...]:
    """The sum in each currency, in the order of their codes."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for each in costs:
        if each is not None:
            sums[each.currency] += each.amount
    return tuple(Money(sums[currency], currency) for currency in sorted(sums))
