"""explain: a story becomes a document, and the document becomes words, in both languages."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from arauto.cli.explain import draw_event, draw_message, draw_recipient
from arauto.engine.explain import explain_event, explain_message, show_address
from arauto.engine.stages import LEASE
from arauto.errors import LanguageError, Rejected, Retry
from engine.conftest import SECONDS, notification, target, texts

SNAPSHOTS = Path(__file__).parent / "explained"


async def rich_event(world: Any) -> Any:
    """An event to which everything happens."""
    upsert = {"name": "event.data.name", "email": "event.data.email", "sms": "'bad number'"}
    person = target(person="event.data.id", upsert=upsert)
    failing = texts(push=LanguageError("url is undefined"))
    made = world(
        notification(person, target(group="sales"), do=({"send": ["email", "inapp"]},), texts=texts(), name="paid"),
        notification(target(system="erp"), do=({"send": "webhook"},), texts=texts(), name="to-erp"),
        notification(target(system="ana"), do=({"send": {"first_of": ["sms", "email"]}},), texts=failing, name="first"),
        notification(
            target(group="sales"),
            do=({"only_if": "recipient.attributes.vip"}, {"stop": "true"}),
            texts=texts(),
            name="vips",
        ),
        notification(target(person="event.data.missing.id"), texts=texts(), name="odd"),
        notification(target(person="event.data.nobody"), target(person="'ghost'"), texts=texts(), name="nobody"),
        notification(target(system="erp"), when="event.data.n > 5 and event.data.vip", texts=texts(), name="large"),
    )
    made.providers["sms"][0].ends = [Rejected("no such number", answer="404 gone", scope="address")]
    made.providers["webhook"][0].ends = [Retry("busy", answer="503 [later]")]
    outgoing = await made.plan("order-1", id="c1", name="[b]Zé[/b]", email="ze@example.com", n=3, vip=True, nobody=None)
    made.clock.now += SECONDS
    slow = [each for each in outgoing if each.claim.message.recipient == "c1"]
    await made.send(*(each for each in outgoing if each not in slow))
    return made


def drawn(tree: Any) -> str:
    console = Console(file=StringIO(), width=170, highlight=False, color_system=None)
    console.print(tree)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", ["en", "pt-BR"])
async def test_an_event_to_which_everything_happened_in_words(world: Any, language: str) -> None:
    """To see what changed: delete the file of the snapshot, run this, and look at the difference."""
    made = await rich_event(world)
    said = drawn(
        draw_event(json_of(explain_event(await made.story("order-1"), now=made.clock.now, language=language)), language)
    )
    snapshot = SNAPSHOTS / f"{language}.txt"
    if not snapshot.exists():
        snapshot.parent.mkdir(exist_ok=True)
        snapshot.write_text(said, encoding="utf-8")
    assert said == snapshot.read_text(encoding="utf-8")


def json_of(document: Any) -> Any:
    """As it goes over the wire."""
    return json.loads(json.dumps(document))


async def test_the_document_has_every_reason_with_its_values_and_its_words(world: Any) -> None:
    made = await rich_event(world)
    document = json_of(explain_event(await made.story("order-1"), now=made.clock.now))
    event = document["event"]
    assert (event["id"], event["state"], event["state_text"]) == ("order-1", "planned", "planned")
    assert event["time"] == "2026-11-24T12:00:00.000Z"
    by_name = {each["notification"]: each for each in document["notifications"]}
    assert list(by_name) == ["paid", "to-erp", "first", "vips", "odd", "nobody", "large"]
    assert not by_name["large"]["matched"]
    assert by_name["large"]["reason"]["values"]["seen"] == {"event.data.n": 3}
    codes = {name: [line["reason"]["code"] for line in each["recipients"]] for name, each in by_name.items()}
    assert codes == {
        "paid": ["named_by_event", "in_group", "in_group"],
        "to-erp": ["named"],
        "first": ["named"],
        "vips": ["in_group", "in_group"],
        "odd": ["expression_failed"],
        "nobody": ["no_person", "unknown_recipient"],
        "large": [],
    }
    person = by_name["paid"]["recipients"][0]
    assert [note["code"] for note in person["notes"]] == ["bad_address"]
    states = {message["channel"]: message["state"] for message in person["messages"]}
    assert states == {"email": "sending", "inapp": "sent"}
    (first,) = by_name["first"]["recipients"]
    assert first["run"]["state"] == "waiting"
    assert "next" in first["run"]
    for reason in reasons(document):
        assert reason["text"]
        assert reason["text"] != reason["code"]


def reasons(node: Any) -> Any:
    if isinstance(node, dict):
        if {"code", "values", "text"} <= node.keys():
            yield node
        for each in node.values():
            yield from reasons(each)
    elif isinstance(node, list):
        for each in node:
            yield from reasons(each)


async def test_what_is_next_for_a_message(world: Any) -> None:
    made = await rich_event(world)
    found = await made.messages_by("order-1")
    told = {name: explain_message(stored, now=made.clock.now)["next"] for name, stored in found.items()}
    assert (
        told["paid c1 email"] == f"under way; looked at again at {iso(made.clock.now - SECONDS + LEASE)} at the latest"
    )
    assert told["to-erp erp webhook"] == f"next attempt at {iso(made.clock.now + 5 * SECONDS)}"
    assert told["first ana sms"] == "nothing more happens"


def iso(moment: Any) -> str:
    text: str = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return text


async def test_an_event_that_waits_or_was_put_aside(world: Any) -> None:
    made = world(notification(target(group="sales"), texts=texts()))
    await made.accept("1")
    told = json_of(explain_event(await made.story("1"), now=made.clock.now))
    assert (told["event"]["state"], told["catalogue"], told["notifications"]) == ("pending", None, [])
    assert "It has not been planned yet." in drawn(draw_event(told, "en"))
    reason = {"code": "quarantined", "values": {"error": "KeyError", "claims": 5}}
    await made.store.quarantine(told["event"]["key"], {"quarantined": reason})
    told = json_of(explain_event(await made.story("1"), now=made.clock.now, language="pt-BR"))
    assert told["quarantined"]["text"] == "o planejamento quebrou 5 vezes (KeyError); o evento foi posto de lado"
    assert "posto de lado" in drawn(draw_event(told, "pt-BR"))


async def test_an_event_that_no_notification_listens_to(world: Any) -> None:
    made = world()
    made.engine.catalogue.by_event_type.clear()
    await made.plan("1")
    said = drawn(draw_event(json_of(explain_event(await made.story("1"), now=made.clock.now)), "en"))
    assert "No notification listens to order.paid." in said


async def test_a_message_and_a_recipient_in_words(world: Any) -> None:
    made = await rich_event(world)
    message = explain_message((await made.messages_by("order-1"))["to-erp erp webhook"], now=made.clock.now)
    said = drawn(draw_message(json_of(message), "en"))
    assert "webhook → https://erp.example/in: waits for its time" in said
    assert "busy · 503 [later]" in said
    recipient = {"id": "erp", "name": "[red]ERP", "addresses": {"webhook": ["https://erp.example/in?token=canary"]}}
    said = drawn(draw_recipient({"recipient": recipient, "messages": [message]}, "en"))
    assert "Recipient erp  [red]ERP" in said
    assert "canary" not in said
    assert "No messages." in drawn(draw_recipient({"recipient": {"id": "x"}, "messages": []}, "en"))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        pytest.param("ana@example.com", "ana@example.com", id="a mailbox"),
        pytest.param("+5511987654321", "+5511987654321", id="a number"),
        pytest.param("https://erp.example/in?token=x", "https://erp.example/in", id="a query, which may hold a secret"),
        pytest.param("http://erp.example:8080/in", "http://erp.example:8080/in", id="a port"),
        pytest.param("http://user:pass@erp.example/in#x", "http://erp.example/in", id="a password"),
        pytest.param("http://[::1]:8080/in", "http://[::1]:8080/in", id="an IPv6 address"),
        pytest.param({"endpoint": "https://push.example/abc", "keys": {"auth": "x"}}, "push.example", id="a browser"),
    ],
)
def test_an_address_as_people_may_see_it(address: Any, shown: str) -> None:
    assert show_address(address) == shown
