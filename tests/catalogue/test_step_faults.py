# ruff: noqa: E501 - a case is a line, so that the table can be read as one
"""Faults in steps, also inside of others, and in what notifications and categories say beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from arauto.errors import Diagnostic

Compile = Callable[[Mapping[str, str | bytes | None]], list[Diagnostic]]

PROJECT = "arauto.yaml"
RULE = "notifications/order-paid/notification.yaml"
LAST = "  - stop: event.data.order.total < 5\n"
CATEGORY = "orders: {title: {en: Orders, pt-BR: Pedidos}}"


def step(name: str, written: str, code: str, hint: str | None = None) -> Any:
    """The last step becomes this."""
    return pytest.param(RULE, LAST, f"  - {written}\n", code, hint, id=name)


def beside(name: str, written: str, code: str, hint: str | None = None) -> Any:
    """This stands before the steps."""
    return pytest.param(RULE, "steps:\n", f"{written}\nsteps:\n", code, hint, id=name)


def whole(name: str, old: str, new: str, code: str, hint: str | None = None) -> Any:
    return pytest.param(PROJECT, old, new, code, hint, id=name)


CASES = [
    step("a digest that never ends", "digest: ‸{by: event.id}", "bad-step", "one of window"),
    step("a digest for longer than the calendar", "digest: ‸999999999999d", "bad-step", "ten years"),
    step("a digest by something that does not parse", 'digest: {window: 1h, by: "event.data.‸"}', "bad-expression"),
    step("a throttle of nothing", "throttle: ‸{at_most: 0, per: 1h}", "bad-step", "1 or more"),
    step("waiting for an event that there is not", "wait_for: {event: ‸order.payed, match: event.id, up_to: 1h}", "unknown-event-type", "order.paid"),
    step("waiting for one of several that there is not", "wait_for: {event: [order.paid, ‸order.payed], match: event.id, up_to: 1h}", "unknown-event-type", "order.paid"),
    step("waiting for a number", "wait_for: ‸{event: [order.paid, 7], match: event.id, up_to: 1h}", "bad-step"),
    step("waiting without a match", "wait_for: ‸{event: order.paid, up_to: 1h}", "bad-step", "match"),
    step("a match that does not parse", 'wait_for: {event: order.paid, match: {here: event.id, there: "event.‸"}, up_to: 1h}', "bad-expression"),
    step("a match with one side", "wait_for: ‸{event: order.paid, match: {here: event.id}, up_to: 1h}", "bad-step"),
    step("a match with a third side", "wait_for: ‸{event: order.paid, match: {here: event.id, there: event.id, when: x}, up_to: 1h}", "bad-step"),
    step("a receipt that nobody gives", "wait_for: ‸{receipt: seen, up_to: 1h}", "bad-step", "one of delivered"),
    step("a step in a way is misspelt", "branch: [{when: event.data.order.total > 9, steps: [{‸sned: email}]}]", "unknown-step", "send"),
    step("a step in a way has two keys", "branch: [{steps: [‸{send: email, stop: true}]}]", "bad-step", "one key"),
    step("a step in a way is a word", "branch: [{steps: [‸send]}]", "bad-step", "one key"),
    step("a channel in a way is unknown", "branch: [{steps: [{send: ‸emial}]}]", "unknown-channel", "email"),
    step("a condition of a way does not parse", 'branch: [{when: "event.data.‸", steps: [{send: email}]}]', "bad-expression"),
    step("a fault deep inside", "branch: [{steps: [{branch: [{steps: [{repeat: {times: 2, steps: [{digest: ‸0s}]}}]}]}]}]", "bad-step", "nothing can happen"),
    step("a repeat of nothing", "repeat: ‸{times: 2, steps: []}", "bad-step"),
    step("a channel that is not configured, inside", "repeat: {times: 2, steps: [{send: ‸slack}]}", "channel-not-configured"),
    step("a group that there is not is told", "notify: {to: [{group: ‸salse}], steps: [{send: email}]}", "unknown-group", "sales"),
    step("whom to notify does not parse", 'notify: {to: [{person: "event.‸"}], steps: [{send: email}]}', "bad-expression"),
    step("two to notify in one", "notify: ‸{to: [{group: sales, system: erp}], steps: [{send: email}]}", "bad-step"),
    pytest.param(RULE, LAST, "  - repeat: {times: 2, steps: [{send: email}]}\nin_flight: ‸newest\n", "bad-value", "latest", id="a fault beside steps that are inside of others"),
    beside("cancelled by what there is not", "cancel: {on: ‸order.payed, match: event.id}", "unknown-event-type", "order.paid"),
    beside("cancelled by what is not matched", "‸cancel: {on: order.paid}", "missing-key"),
    beside("a cancellation that does not parse", 'cancel: {on: order.paid, match: "event.‸"}', "bad-expression"),
    beside("a policy in flight that there is not", "in_flight: ‸newest", "bad-value", "latest"),
    beside("muted by what there is not", "mute: {opened: ‸order.opened, closed: order.paid, match: event.id}", "unknown-event-type"),
    beside("muted for ever", "‸mute: {opened: order.paid, match: event.id}", "missing-key"),
    whole("a consent that there is not", CATEGORY, "orders: {title: Orders, consent: ‸opt-in}", "bad-value", "opt_in"),
    whole("a priority that there is not", CATEGORY, "orders: {title: Orders, priority: ‸urgent}", "bad-value", "high"),
    whole("urgent is yes", CATEGORY, "orders: {title: Orders, urgent: ‸yes}", "wrong-type"),
    whole("no attention for low priority", "brand:", "attention: {per: 1d, low: ‸0, normal: 3, high: 5}\nbrand:", "bad-value", "1"),
    whole("more attention for what may wait longer", "brand:", "attention: ‸{per: 1d, low: 9, normal: 3, high: 5}\nbrand:", "bad-value", "budget"),
    whole("attention in no time", "brand:", "attention: {per: ‸0s, low: 1, normal: 3, high: 5}\nbrand:", "bad-duration"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "code", "hint"), CASES)
def test_a_fault(
    faults: Compile, original: Callable[[str], str], file: str, old: str, new: str, code: str, hint: str | None
) -> None:
    planted = original(file).replace(old, new)
    before = planted[: planted.index("‸")]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    found = faults({file: planted.replace("‸", "")})
    assert [(each.code, each.line, each.column) for each in found] == [(code, line, column)], found
    assert hint is None or hint in f"{found[0].message} {found[0].hint}"
