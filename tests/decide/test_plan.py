"""Who hears of an event, and why the others do not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from arauto.decide.plan import Plan, event_context, match, plan
from arauto.model import Recipient

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Make = dict[str, Callable[..., Any]]


def planned(make: Make, catalogue: Any, event: Any, *known: Recipient) -> Plan:
    considered = match(event, event_context(event, catalogue), catalogue, NOW)
    return plan(
        event,
        considered,
        {recipient.id: recipient for recipient in known},
        catalogue,
        check_address=make["check_address"],
        now=NOW,
    )


def told(result: Plan) -> dict[str, Any]:
    """The explanation of the only notification."""
    (only,) = result.explanation["notifications"]
    return only


WHEN = [
    pytest.param(None, {}, "matched", id="without a condition it matches"),
    pytest.param("event.data.total > 10", {"total": 11}, "matched", id="a true condition matches"),
    pytest.param("event.data.total > 10", {"total": 3}, "condition_false", id="a false condition does not"),
    pytest.param("event.data.totl > 10", {"total": 3}, "expression_failed", id="a failing condition is not false"),
]


@pytest.mark.parametrize(("when", "data", "code"), WHEN)
def test_a_notification_matches_by_its_condition(make: Make, when: str | None, data: dict[str, Any], code: str) -> None:
    catalogue = make["catalogue"](make["notification"](make["target"](group="sales"), when=when))
    result = planned(make, catalogue, make["event"](**data))
    assert told(result)["reason"].code == code
    assert told(result)["matched"] == (code == "matched")
    assert result.failures == (code == "expression_failed")
    assert len(result.runs) == (2 if code == "matched" else 0)


def test_the_first_part_that_failed_is_told_with_what_it_saw(make: Make) -> None:
    when = 'event.data.total > 10 and event.data.country == "BR" and event.data.paid'
    catalogue = make["catalogue"](make["notification"](make["target"](group="sales"), when=when))
    reason = told(planned(make, catalogue, make["event"](total=11, country="PT", paid=False)))["reason"]
    assert reason.values["condition"] == 'event.data.country == "BR"'
    assert reason.values["seen"] == {"event.data.country": "PT"}


TARGETS = [
    pytest.param({"group": "sales"}, ["ana", "bia"], ["in_group", "in_group"], id="each member of a group"),
    pytest.param({"system": "erp"}, ["erp"], ["named"], id="a system"),
    pytest.param({"person": "event.data.who"}, ["ana"], ["named_by_event"], id="a person of the project"),
    pytest.param({"person": "event.data.number"}, [], ["unknown_recipient"], id="a number is an id, of nobody here"),
    pytest.param({"person": "event.data.nobody"}, [], ["no_person"], id="null names nobody"),
    pytest.param({"person": "event.data.missing"}, [], ["expression_failed"], id="a failing expression is told"),
    pytest.param({"person": "event.data.list"}, [], ["no_person"], id="a list names nobody"),
    pytest.param(
        {"group": "sales", "when": "event.data.number > 9"}, [], ["condition_false"], id="a target's condition"
    ),
]


@pytest.mark.parametrize(("written", "chosen", "codes"), TARGETS)
def test_a_target_names_recipients(make: Make, written: dict[str, Any], chosen: list[str], codes: list[str]) -> None:
    catalogue = make["catalogue"](make["notification"](make["target"](**written)))
    result = planned(make, catalogue, make["event"](who="ana", number=7, nobody=None, list=["ana"]))
    assert [run.recipient for run in result.runs] == chosen
    assert [line["reason"].code for line in told(result)["recipients"]] == codes


def test_nobody_gets_the_same_notification_twice(make: Make) -> None:
    catalogue = make["catalogue"](
        make["notification"](make["target"](person="event.data.who"), make["target"](group="sales"))
    )
    result = planned(make, catalogue, make["event"](who="ana"))
    assert [run.recipient for run in result.runs] == ["ana", "bia"]
    assert [line["reason"].code for line in told(result)["recipients"]] == [
        "named_by_event",
        "already_chosen",
        "in_group",
    ]


UPSERT = {"name": "event.data.name", "email": "event.data.email", "locale": "event.data.locale"}


def upserting(make: Make) -> Any:
    return make["catalogue"](make["notification"](make["target"](person="event.data.who", upsert=UPSERT)))


def test_an_upsert_creates_a_recipient_in_canonical_form(make: Make) -> None:
    event = make["event"](who="c1", name="Caio", email="Caio@Example.com", locale="pt-BR")
    result = planned(make, upserting(make), event)
    assert result.upserts == (
        Recipient(id="c1", name="Caio", locale="pt-BR", addresses={"email": ["caio@example.com"]}),
    )


def test_an_upsert_keeps_what_it_does_not_name(make: Make) -> None:
    before = Recipient(id="c1", name="Old", addresses={"email": ["old@example.com"], "sms": ["+5511987654321"]})
    event = make["event"](who="c1", name="Caio", email="new@example.com", locale=None)
    (after,) = planned(make, upserting(make), event, before).upserts
    assert after.addresses == {"email": ["new@example.com"], "sms": ["+5511987654321"]}
    assert after.name == "Caio"


def test_an_upsert_that_changes_nothing_writes_nothing(make: Make) -> None:
    before = Recipient(id="c1", name="Caio", locale="en", addresses={"email": ["c@example.com"]})
    event = make["event"](who="c1", name="Caio", email="c@example.com", locale="en")
    result = planned(make, upserting(make), event, before)
    assert result.upserts == ()
    assert [run.recipient for run in result.runs] == ["c1"]


def test_a_bad_address_is_left_out_and_told(make: Make) -> None:
    result = planned(make, upserting(make), make["event"](who="c1", name="Caio", email="bad", locale="en"))
    assert result.upserts[0].addresses == {}
    (line,) = told(result)["recipients"]
    assert [note.code for note in line["notes"]] == ["bad_address"]
    assert line["recipient"] == "c1"


@pytest.mark.parametrize("zone", ["Brasília", "", 3, True, ["UTC"], "../UTC"])
def test_a_time_zone_that_there_is_not_is_left_out_and_told(make: Make, zone: Any) -> None:
    target = make["target"](person="event.data.who", upsert={"name": "event.data.who", "time_zone": "event.data.zone"})
    catalogue = make["catalogue"](make["notification"](target))
    before = Recipient(id="c1", name="c1", time_zone="America/Manaus")
    result = planned(make, catalogue, make["event"](who="c1", zone=zone), before)
    assert result.upserts == ()
    (line,) = told(result)["recipients"]
    assert [note.code for note in line["notes"]] == ["bad_time_zone"]
    assert planned(make, catalogue, make["event"](who="c1", zone="UTC"), before).upserts[0].time_zone == "UTC"


def test_a_recipient_of_the_project_is_not_overwritten_by_an_event(make: Make) -> None:
    result = planned(make, upserting(make), make["event"](who="ana", name="X", email="x@example.com", locale="en"))
    assert result.upserts == ()


def test_planning_twice_gives_the_same(make: Make) -> None:
    catalogue = make["catalogue"](make["notification"](make["target"](group="sales")))
    event = make["event"](total=1)
    assert planned(make, catalogue, event) == planned(make, catalogue, event)


def test_an_event_that_nobody_listens_to_has_an_empty_explanation(make: Make) -> None:
    result = planned(make, make["catalogue"](), make["event"]())
    assert result.explanation["notifications"] == []
    assert result.runs == ()
