"""A small catalogue, built by hand, for the tables of the pure core."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from arauto.catalogue.diagnostics import Faults
from arauto.catalogue.notifications import listeners
from arauto.catalogue.project import Whole
from arauto.catalogue.reader import read
from arauto.catalogue.recipients import Everybody
from arauto.catalogue.rules import Surroundings
from arauto.catalogue.steps import Program, compile_steps
from arauto.catalogue.values import Reader
from arauto.language import compile_condition, compile_expression
from arauto.model import (
    Awaited,
    Brand,
    Catalogue,
    Category,
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


BUILDS = ("build.failed", "build.recovered", "deploy.done")
TYPES = ("order.paid", "order.cancelled", "order.shipped", *BUILDS)
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
    on: str = "order.paid",
    **more: Any,
) -> Notification:
    laid = program(*do)
    return Notification(
        name=name,
        on=(on,),
        category=more.pop("category", "orders"),
        to=to,
        steps=tuple(step for step in laid.steps if step),
        following=laid.following,
        marks=laid.marks,
        when=None if when is None else compile_condition(when),
        expires=expires,
        composers=TEXTS if texts is None else texts,
        **more,
    )


def program(*do: dict[str, Any]) -> Program:
    """These steps, laid out as those of a file are."""
    faults = Faults()
    document = read("notification.yaml", json.dumps({"steps": do}, ensure_ascii=False).encode(), faults)
    assert document is not None
    everybody = Everybody({}, {}, frozenset(), frozenset(), frozenset(), None, complete=False)
    types = dict.fromkeys(("order.paid", "order.cancelled", "order.shipped"))
    around = Surroundings(Whole(None, Brand(name=""), {}, None, None), types, tuple(TEXTS), everybody)
    laid = compile_steps(Reader(document, faults), document.data["steps"], around)
    assert not faults.found, list(faults.found.values())
    return laid


def awaited(*types: str, match: str = "event.data.order", there: str | None = None, when: str | None = None) -> Awaited:
    """Events of these types that are about the same order."""
    return Awaited(
        types=types,
        here=compile_expression(match),
        there=compile_expression(there or match),
        when=None if when is None else compile_condition(when),
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
        categories={
            "orders": Category(name="orders", title={}),
            "security": Category(name="security", title={}, consent="required", urgent=True),
            "news": Category(name="news", title={}, consent="opt_in", priority="low"),
        },
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
        by_event_type={type_: tuple(each for each in notifications if type_ in each.on) for type_ in TYPES},
        listeners=listeners({each.name: each for each in notifications}),
    )


def event(id: str = "1", *, type: str = "order.paid", **data: Any) -> Event:
    return Event(source="shop", id=id, type=type, time=NOW, data=data)


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
