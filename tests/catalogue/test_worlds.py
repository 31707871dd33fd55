# ruff: noqa: E501 - a case is a line, so that the table can be read as one
"""Faults in worlds: each is found, alone, with its code, at its place (``‸`` in what is written)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from arauto.catalogue import check_project, compile_project
from arauto.catalogue.worlds import compile_world, facts
from arauto.errors import CatalogueFaulty

Write = Callable[[Mapping[str, str | bytes | None]], Path]
GOOD = """\
people:
  count: 40
  id: "c-{number}"
  locales: {pt-BR: 90, en: 10}
  time_zones: {America/Sao_Paulo: 1}
  addresses: {email: 100, sms: 50}
  attributes: {vip: [{value: true, share: 10}]}
  wishes:
    quiet_hours: {share: 20, start: "22:00", end: "08:00"}
    refuse: {orders: 2}
events:
  order.paid: {per_day: 30, profile: shop, samples: {typical: 1}}
habits: {email: {opened: {share: 40, after: 2h}}}
providers: {sms: {takes: 5s, later: 1, bounced: 1}}
outages:
  - {channel: sms, provider: twilio, start: 2d, lasts: 6h}
"""


def case(name: str, old: str, new: str, code: str, hint: str | None = None) -> Any:
    return pytest.param(old, new, code, hint, id=name)


@pytest.mark.parametrize(
    ("old", "new", "code", "hint"),
    [
        case("a key is misspelt", "  count: 40", "  ‸cuont: 40", "unknown-key", "mean count?"),
        case("nothing happens", "events:\n  order.paid: {per_day: 30, profile: shop, samples: {typical: 1}}\n", "", "missing-key"),
        case("an event type is misspelt", "order.paid: {per", "‸order.piad: {per", "unknown-event-type", "order.paid"),
        case("nobody says how often", "{per_day: 30, profile: shop", "‸{profile: shop", "one-of"),
        case("it is said twice how often", "per_day: 30,", "‸per_day: 30, per_hour: 1,", "one-of"),
        case("a profile is unknown", "profile: shop", "profile: ‸shopp", "bad-value", "shop"),
        case("a sample is misspelt", "samples: {typical", "samples: {‸tipical", "unknown-sample", "typical"),
        case("all shares are nothing", "samples: {typical: 1}", "samples: ‸{typical: 0}", "bad-value"),
        case("a share is more than all", "sms: 50", "sms: ‸150", "bad-value"),
        case("a channel is misspelt", "sms: 50", "‸smss: 50", "unknown-channel", "sms"),
        case("a locale is none", "en: 10", "english: 10", "bad-locale"),
        case("a zone is none", "America/Sao_Paulo: 1", "America/Sao_Paolo: 1", "bad-time-zone", "America/Sao_Paulo"),
        case("an attribute has another type", "value: true", "value: ‸12", "bad-attribute"),
        case("an attribute is unknown", "{vip: [", "{‸vib: [", "bad-attribute"),
        case("an id without a number", '"c-{number}"', '‸"c"', "bad-value", None),
        case("a category is misspelt", "refuse: {orders", "refuse: {‸order", "unknown-category", "orders"),
        case("a time of day is none", '"08:00"', '‸"8h"', "bad-time"),
        case("a receipt is unknown", "opened:", "‸opend:", "unknown-key", "opened"),
        case("a duration is none", "after: 2h", "after: ‸2 hours", "bad-duration"),
        case("attempts fail more often than they are made", "providers: {sms: {takes: 5s, later: 1", "providers: {‸sms: {takes: 5s, rejected: 60, later: 60", "bad-value"),
        case("a provider is misspelt", "provider: twilio", "provider: ‸twillio", "unknown-provider", "twilio"),
        case("an outage lasts no time", "lasts: 6h", "lasts: ‸0s", "bad-duration"),
        case("an outage of the inbox", "{channel: sms, provider: twilio,", "{channel: ‸inapp,", "unknown-channel"),
        case("it follows what does not come", "profile: shop", "follows: {after: ‸order.piad, within: 1h}", "unknown-event-type"),
        case("it follows too early", "profile: shop", "follows: {after: order.paid, within: 1h, at_least: ‸2h}", "bad-span"),
    ],
)  # fmt: skip
def test_a_fault_is_found_at_its_place(write: Write, old: str, new: str, code: str, hint: str | None) -> None:
    assert GOOD.count(old) == 1
    written = GOOD.replace(old, new)
    before, marked, _ = written.partition("‸")
    folder = write({"worlds/week.yaml": written.replace("‸", "")})
    with pytest.raises(CatalogueFaulty) as raised:
        check_project(folder)
    (fault,) = (each for each in raised.value.diagnostics if each.severity == "error")
    assert (fault.file, fault.code) == ("worlds/week.yaml", code)
    if marked:
        assert (fault.line, fault.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))
    if hint is not None:
        assert hint in (fault.hint or "")


def test_a_good_world_is_read(write: Write) -> None:
    folder = write({"worlds/week.yaml": GOOD})
    catalogue, _ = check_project(folder)
    world = compile_world(folder / "worlds/week.yaml", "worlds/week.yaml", catalogue)
    (arrivals,) = world.arrivals
    assert (arrivals.type, arrivals.source, arrivals.per_day) == ("order.paid", "app", 30)
    assert world.people.addresses == {"email": 1.0, "sms": 0.5}
    assert world.breakdowns[0].lasts == timedelta(hours=6)


def test_a_file_of_another_kind_is_told(write: Write) -> None:
    with pytest.raises(CatalogueFaulty) as raised:
        check_project(write({"worlds/week.yml": GOOD}))
    errors = [each for each in raised.value.diagnostics if each.severity == "error"]
    assert [(fault.code, fault.hint) for fault in errors] == [("unknown-file", "name it week.yaml")]


def test_people_are_where_notifications_say(write: Write) -> None:
    found = facts(compile_project(write({})))
    assert found == {"customer.id": "id", "customer.email": "email"}
