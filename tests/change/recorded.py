"""A hub's past, made by a simulation: its store is what a hub would have kept."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from arauto.catalogue.compiler import compile_files
from arauto.change.backtest import Outcome, Period, Question, backtest
from arauto.change.scope import scope_of
from arauto.engine.recalling import Recalling
from arauto.model import Catalogue
from arauto.simulate import Simulation, Simulator
from arauto.simulate.simulation import TENANT
from arauto.sources import Draft

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = b"the same in every simulation, so that its links are, too"


def past_of(simulation: Simulation) -> Recalling:
    """What is remembered in it."""
    return Recalling(simulation.store, TENANT, KEY, simulation.catalogue.recipients.values())


async def tried(
    simulation: Simulation, new: Catalogue, *, old: Catalogue | None = None, since: datetime | None = None
) -> Outcome:
    """A change tried on all that happened in it."""
    before = old or simulation.catalogue
    period = Period(since or START, simulation.now + timedelta(seconds=1))
    question = Question(before, new, scope_of(before, new), period, "en")
    return await backtest(question, past_of(simulation), lambda done, of: None)


async def lived(
    simulator: Simulator, catalogue: Catalogue, *, days: int = 3, events: int = 120, seed: int = 7
) -> Simulation:
    """Some days with events of all types that are not told by the clock, at any time of day."""
    chance = random.Random(seed)
    simulation = await simulator.begin(catalogue, START, seed=seed)
    await simulation.start_schedules()
    types = sorted(name for name in catalogue.event_types if catalogue.event_types[name].samples)
    moments = sorted(START + timedelta(seconds=chance.uniform(1, days * 86400)) for _ in range(events))
    for number, at in enumerate(moments):
        await simulation.run_until(at)
        type_ = chance.choice(types)
        data = chance.choice(sorted(catalogue.event_types[type_].samples.items()))[1]
        data = told_apart(data, number // 3, chance.randrange(40))
        await simulation.accept(Draft(source="loja", id=f"{type_}-{number}", type=type_, data=data))
    await simulation.run_until(START + timedelta(days=days))
    return simulation


def told_apart(value: Any, thing: int, customer: int, within: str = "") -> Any:
    """The data, about this thing and this customer."""
    match value:
        case dict():
            return {
                name: re.sub(r"\d+", str(10000 + (customer if within == "customer" else thing)), each, count=1)
                if name in ("id", "number", "sku", "incident") and isinstance(each, str) and within != "commit"
                else told_apart(each, thing, customer, name)
                for name, each in value.items()
            }
        case list():
            return [told_apart(each, thing, customer) for each in value]
    return value


FILES: dict[str, str] = {
    "arauto.yaml": """\
name: shop
locale: en
time_zone: America/Sao_Paulo
brand: {name: Shop}
categories:
  orders: {title: Orders}
""",
    "events/order.paid.yaml": """\
description: An order was paid.
schema:
  type: object
  required: [order, customer]
  properties:
    order: {type: object, required: [number], properties: {number: {type: string}, coupon: {type: string}}}
    customer:
      type: object
      required: [id]
      properties: {id: {type: string}, email: {type: string}, phone: {type: string}}
samples:
  typical: {order: {number: A-1}, customer: {id: ana, email: ana@shop.example}}
""",
    "events/stock.low.yaml": """\
description: Something is nearly sold out.
schema: {type: object, required: [item], properties: {item: {type: string}}}
samples:
  typical: {item: Mug}
""",
    "channels/email.yaml": """\
providers:
  - {kind: smtp, host: 127.0.0.1, port: 2525, security: none, from: a@shop.example}
""",
    "channels/sms.yaml": """\
providers:
  - kind: twilio
    account_sid: AC00000000000000000000000000000000
    auth_token: env:TWILIO
    from: "+15005550006"
    price: {amount: 0.25, currency: BRL, per: segment}
""",
    "recipients/team.yaml": """\
people:
  marina: {name: Marina, email: marina@shop.example}
""",
    "notifications/paid/notification.yaml": """\
on: order.paid
category: orders
to:
  - person: event.data.customer.id
steps:
  - send: email
""",
    "notifications/paid/content.en.md": "---\ntitle: Thank you\n---\n"
    "Your order {{ event.data.order.number }} is paid.\n",
    "notifications/stock/notification.yaml": """\
on: stock.low
category: orders
to:
  - person: '"marina"'
steps:
  - digest: 1h
  - send: email
""",
    "notifications/stock/content.en.md": "---\ntitle: Stock\n---\n"
    "{% for each in events %}{{ each.data.item }} {% endfor %}\n",
}


def shop(changes: Mapping[str, str | None] | None = None) -> Catalogue:
    """The small shop, with other files in place of its own; None: without it."""
    files = {**FILES, **(changes or {})}
    return compile_files({name: text.encode() for name, text in files.items() if text is not None})


def edited(name: str, old: str, new: str) -> dict[str, str | None]:
    """One of its files with another text in it."""
    assert old in FILES[name], f"{old!r} is not in {name}"
    return {name: FILES[name].replace(old, new)}
