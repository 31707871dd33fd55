"""Storing what events say to the runs that listen, and waking those."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from arauto.decide.signals import Switch
from arauto.store.database import Transaction
from arauto.store.documents import to_micros
from arauto.store.holds import free
from arauto.store.records import PlanRecord
from arauto.store.rows import columns_of


async def signal(transaction: Transaction, told: Sequence[tuple[int, PlanRecord]], now: datetime) -> bool:
    """Keep what these plans, given with the sequences of their events, say to others; True when some hear of it.
    All their keys must be locked."""
    signalled = [(key, event) for event, plan in told for key in plan.signals]
    closed = {
        switch: max(event for event, plan in told if switch in plan.closes) for switch in _switches(told, "closes")
    }
    woken = False
    if closed:
        ended = [(key, event) for switch, event in closed.items() for key in (switch.opened, switch.closed)]
        await transaction.many("delete_signals", columns_of(("key", "event"), ended))
        signalled.extend((switch.closed, event) for switch, event in closed.items())
    if signalled:
        rows = [(key, event, to_micros(now), None) for key, event in signalled]
        await transaction.many("insert_signals", columns_of(("key", "event", "at", "receipt"), rows))
    opened = [
        (switch.opened, switch.closed, min(events), to_micros(now))
        for switch in _switches(told, "opens")
        if (events := [at for at, plan in told if switch in plan.opens and at >= closed.get(switch, 0)])
    ]
    if opened:
        await transaction.many("insert_openings", columns_of(("opened", "closed", "event", "at"), opened))
    if closed:
        woken = await free(transaction, {switch.opened for switch in closed}, now)
    keys = sorted({key for _, plan in told for key in plan.signals})
    if keys:
        woken = bool(await transaction.rows("wake_listeners", keys=keys, now=to_micros(now))) or woken
    return woken


def _switches(told: Sequence[tuple[int, PlanRecord]], what: str) -> list[Switch]:
    return sorted({switch for _, plan in told for switch in getattr(plan, what)}, key=lambda each: each.opened)
