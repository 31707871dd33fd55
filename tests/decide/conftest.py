"""A small catalogue, built by hand, for the tables of the pure core."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from arauto.decide import steps
from arauto.language import compile_condition, compile_expression
from arauto.model import (
    Brand,
    Catalogue,
    ChannelConfig,
    Context,
    Event,
    Group,
    GroupTarget,
    Notification,
    PersonTarget,
    Project,
    Recipient,
    RetryPolicy,
    SystemTarget,
    Target,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Words(msgspec.Struct, frozen=True):
    """The body that every text here gives."""

    said: str = "hello"


class Hello:
    """A text that always says hello."""

    def compose(self, context: Context) -> msgspec.Struct:
        return Words()


TEXTS = {channel: {"en": Hello()} for channel in ("email", "sms", "push", "inapp", "webhook")}


def target(**written: Any) -> Target:
    when = compile_condition(written["when"]) if "when" in written else None
    if "person" in written:
        upsert = written.get("upsert")
        return PersonTarget(
            person=compile_expression(written["person"]),
            upsert=None if upsert is None else {key: compile_expression(text) for key, text in upsert.items()},
            when=when,
        )
    if "group" in written:
        return GroupTarget(group=written["group"], when=when)
    return SystemTarget(system=written["system"], when=when)


def notification(
    *to: Target,
    name: str = "paid",
    when: str | None = None,
    do: tuple[dict[str, Any], ...] = ({"send": "email"},),
    texts: dict[str, Any] | None = None,
    expires: timedelta | None = None,
) -> Notification:
    return Notification(
        name=name,
        on=("order.paid",),
        category="orders",
        to=to,
        steps=tuple(steps.load(kind)(value, compile_condition) for step in do for kind, value in step.items()),
        when=None if when is None else compile_condition(when),
        expires=expires,
        composers=TEXTS if texts is None else texts,
    )


def catalogue(*notifications: Notification) -> Catalogue:
    people = {
        "ana": Recipient(id="ana", name="Ana", addresses={"email": ["ana@example.com"], "sms": ["+5511987654321"]}),
        "bia": Recipient(id="bia", name="Bia", locale="en", attributes={"vip": True}),
        "erp": Recipient(id="erp", kind="system", addresses={"webhook": ["https://erp.example/in"]}),
    }
    policy = RetryPolicy(schedule=(timedelta(seconds=5),), expires=DAY, on_unknown="retry")
    return Catalogue(
        version="v1",
        project=Project(name="p", locale="pt-BR", time_zone="America/Sao_Paulo", brand=Brand(name="P")),
        categories={},
        event_types={},
        sources={},
        recipients=people,
        attributes=None,
        groups={"sales": Group(name="sales", members=("ana", "bia"))},
        channels={
            name: ChannelConfig(name=name, providers=(), retry=policy, concurrency=1)
            for name in ("email", "sms", "push", "inapp", "webhook")
        },
        notifications={each.name: each for each in notifications},
        by_event_type={"order.paid": notifications},
    )


def event(**data: Any) -> Event:
    return Event(source="shop", id="1", type="order.paid", time=NOW, data=data)


def check_address(channel: str, address: Any) -> Any:
    if "bad" in str(address):
        raise ValueError("not allowed")
    return str(address).lower()


@pytest.fixture
def make() -> dict[str, Callable[..., Any]]:
    """The builders of this file, by name."""
    return {
        "target": target,
        "notification": notification,
        "catalogue": catalogue,
        "event": event,
        "check_address": check_address,
    }
