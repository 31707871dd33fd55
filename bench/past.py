"""A past to try changes on: a project of twenty notifications, and what its hub kept of some days at twenty events a
minute, which is a million in 35 days.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from arauto.catalogue.compiler import compile_files
from arauto.change.backtest import Period, Question, backtest
from arauto.change.scope import scope_of
from arauto.engine.metrics import Metrics
from arauto.engine.recalling import Recalling
from arauto.model import Catalogue
from arauto.simulate import Simulation
from arauto.simulate.simulation import TENANT
from arauto.sources import Draft
from arauto.store import Store

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
TYPES = 20
PER_MINUTE = 20
CUSTOMERS = 2000
_MAIL = "kind: smtp, host: 127.0.0.1, port: 2525, security: none, from: a@shop.example"
_EVENT = """\
description: Something happened.
schema:
  type: object
  required: [order, customer]
  properties:
    order: {type: object, required: [number, total], properties: {number: {type: string}, total: {type: number}}}
    customer: {type: object, required: [id, email], properties: {id: {type: string}, email: {type: string}}}
samples:
  typical: {order: {number: A-1, total: 10}, customer: {id: c-1, email: c1@example.com}}
"""
_NOTIFICATION = """\
on: KIND
when: event.data.order.total > 0
category: orders
to:
  - person: event.data.customer.id
    upsert: {email: event.data.customer.email}
steps:
  - send: [email, inapp]
"""
_CONTENT = """\
---
title: "Order {{ event.data.order.number }}"
---
Your order of **{{ event.data.order.total }}** is on its way.

[See it](https://shop.example/orders)
"""


def project() -> dict[str, bytes]:
    """Its files."""
    files = {
        "arauto.yaml": "name: shop\nlocale: en\ntime_zone: UTC\nbrand: {name: Shop}\n"
        "categories:\n  orders: {title: Orders}\n",
        "channels/email.yaml": f"providers:\n  - {{{_MAIL}}}\n",
        "channels/inapp.yaml": "{}\n",
    }
    for number in range(TYPES):
        files[f"events/kind.n{number}.yaml"] = _EVENT
        files[f"notifications/n{number}/notification.yaml"] = _NOTIFICATION.replace("KIND", f"kind.n{number}")
        files[f"notifications/n{number}/content.en.md"] = _CONTENT
    return {name: text.encode() for name, text in files.items()}


def draft(number: int) -> Draft:
    """The event of this number."""
    customer = number * 7919 % CUSTOMERS
    data = {
        "order": {"number": f"A-{number}", "total": number % 900 + 1},
        "customer": {"id": f"c-{customer}", "email": f"c{customer}@example.com"},
    }
    return Draft(source="shop", id=str(number), type=f"kind.n{number % TYPES}", data=data)


async def back_test(
    store: Store, size: int, progress: Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
) -> dict[str, float]:
    """A change of one text of twenty, and of the brand, which concerns all, on so many events."""
    files = project()
    old = compile_files(files)
    simulation = Simulation(store, old, START, metrics=Metrics())
    with progress("recording", size) as advance:
        for first in range(0, size, PER_MINUTE):
            await simulation.accept(*(draft(number) for number in range(first, min(first + PER_MINUTE, size))))
            await simulation.run_until(timedelta(minutes=1))
            for kept in (simulation.carried, simulation.events, simulation.engine.rendered):
                kept.clear()
            advance(PER_MINUTE)
    changes: dict[str, Mapping[str, bytes]] = {
        "one_of_twenty": {"notifications/n3/content.en.md": _CONTENT.replace("on its way", "coming").encode()},
        "all": {"arauto.yaml": files["arauto.yaml"].replace(b"{name: Shop}", b"{name: Store}")},
    }
    figures: dict[str, float] = {}
    for name, change in changes.items():
        new = compile_files({**files, **change})
        figures[f"events_per_core_second_{name}"] = await _tried(store, old, new, simulation.now, size, progress)
    return figures


async def _tried(
    store: Store,
    old: Catalogue,
    new: Catalogue,
    until: datetime,
    size: int,
    progress: Callable[[str, int], AbstractContextManager[Callable[[int], None]]],
) -> float:
    question = Question(old, new, scope_of(old, new), Period(START, until), "en")
    past = await Recalling.open(store, old, TENANT)
    with progress("trying", size) as advance:
        done = 0

        def tell(now: int, of: int) -> None:
            nonlocal done
            advance(now - done)
            done = now

        began = time.process_time()  # it has one thread: this is the time of one core
        outcome = await backtest(question, past, tell)
        seconds = time.process_time() - began
    assert outcome.of == size, outcome.of
    assert outcome.recorded == outcome.reproduced, (outcome.recorded, outcome.reproduced)
    assert sum(each.otherwise for each in outcome.totals.values()), "nothing would have come otherwise"
    return size / seconds
