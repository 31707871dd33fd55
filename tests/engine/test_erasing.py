"""Erasure over the engine: suppression survives it, and of arbitrary histories it leaves no trace of one and all of the
others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from arauto.channels import Accepted
from arauto.decide.erasure import ERASED_ID
from arauto.engine.erasing import Grounds, erase
from arauto.engine.exporting import export, holds
from arauto.engine.links import Links
from arauto.engine.metrics import Metrics
from arauto.engine.rendering import LEASE
from arauto.engine.stages import Engine
from arauto.errors import Rejected, Retry
from arauto.model import Event, Wishes
from arauto.store import NewEvent, Pending, Store, Suppression
from arauto.store.opening import open_store
from decide.conftest import NOW, TEXTS, awaited, notification
from engine.conftest import INBOX, Clock, Recording, World, make_catalogue, target, texts

WHO = target(
    person="event.data.customer.id", upsert={"name": "event.data.customer.name", "email": "event.data.customer.email"}
)


async def grounds_of(world: World) -> Grounds:
    addresses = world.engine.address_hash
    grounds = await Grounds.open(world.store, world.engine.catalogue)
    grounds.address_hash = addresses  # type: ignore[method-assign]
    return grounds


async def test_a_suppressed_address_stays_so_when_the_person_comes_back(world: Callable[..., World]) -> None:
    here = world(notification(WHO, texts=texts()))
    data = {"customer": {"id": "cus_1", "name": "Ana", "email": "ana@example.com"}}
    await here.send(*await here.plan("1", **data))
    hash = here.engine.address_hash("email", "ana@example.com")
    await here.store.suppress("default", [Suppression(hash, "email", "bounced", NOW)])
    await erase(await grounds_of(here), "default", "cus_1", clock=here.clock, withdraw=None)
    assert await here.plan("2", **data) == [], "it would be sent to the dead address"
    (run,) = (await here.story("2")).runs
    assert [entry.reason.code for entry in run.run.log if entry.decision == "skip"] == ["suppressed"]


async def test_who_was_erased_is_named_by_no_event_that_waited(world: Callable[..., World]) -> None:
    here = world(notification(WHO, texts=texts()))
    data = {"customer": {"id": "cus_1", "name": "Ana", "email": "ana@example.com"}}
    await here.accept("1", **data)
    await erase(await grounds_of(here), "default", "cus_1", clock=here.clock, withdraw=None)
    here.clock.now += LEASE
    pending = await here.store.take_pending(owner="a", now=here.clock(), lease_until=here.clock() + LEASE, limit=9)
    await here.engine.plan(pending, {})
    story = await here.story("1")
    assert story.runs == ()
    (line,) = story.event.explanation["notifications"][0]["recipients"]
    assert line["reason"]["code"] == "person_erased"
    assert await here.store.recipients("default", ["cus_1"]) == {}


async def test_the_export_is_one_document(world: Callable[..., World]) -> None:
    here = world(notification(WHO, do=({"send": ["email", "inapp"]},), texts=texts()))
    data = {"customer": {"id": "cus_1", "name": "Ana", "email": "ana@example.com"}}
    for number in range(450):
        await here.plan(str(number), room=0, **data)
    grounds = await grounds_of(here)
    assert await holds(grounds, "default", "cus_1")
    assert not await holds(grounds, "default", "cus_2")
    told = json.loads(b"".join([piece async for piece in export(grounds, "default", "cus_1", NOW)]))
    assert (len(told["runs"]), len(told["messages"]), len(told["inbox"]), len(told["events"])) == (450, 900, 450, 450)
    assert told["mentions"] == []
    assert told["recipient"]["addresses"] == {"email": ["ana@example.com"]}


# -- arbitrary histories -----------------------------------------------------------------------------------------------

PEOPLE = {
    "cus_ana_1": ("Ana Única", "ana.unica@example.com"),
    "cus_bia_2": ("Bia Ímpar", "bia.impar@example.com"),
    "cus_caio_3": ("Caio Singular", "caio.singular@example.com"),
}
VICTIM = "cus_ana_1"
TRACES = (VICTIM, *PEOPLE[VICTIM], "segredo de cus_ana_1", "segredo-cus_ana_1")

_EVENTS = st.tuples(
    st.just("event"),
    st.sampled_from(sorted(PEOPLE)),
    st.sampled_from(["order.paid", "order.cancelled", "order.shipped"]),
    st.integers(1, 3),
    st.sampled_from([None, *sorted(PEOPLE)]),
)
_STEPS = st.one_of(
    _EVENTS,
    _EVENTS,
    st.tuples(st.just("advance"), st.integers(1, 40)),
    st.tuples(st.just("send"), st.sampled_from(["ok", "later", "never", "leave"])),
    st.tuples(st.just("wish"), st.sampled_from(sorted(PEOPLE))),
    st.tuples(st.just("read"), st.sampled_from(sorted(PEOPLE))),
)


class History:
    """A hub that is driven by hand."""

    def __init__(self, store: Store) -> None:
        group = target(group="sales")
        said = {"inapp": lambda context: inbox_of(context)}
        others = {"notify": {"to": [{"person": "event.data.other"}], "steps": [{"send": "email"}]}}
        catalogue = make_catalogue(
            notification(WHO, name="paid", do=({"send": ["email", "inapp"]},), texts=texts(**said)),
            notification(
                WHO,
                name="gathered",
                do=({"digest": "10m"}, {"send": "inapp"}),
                texts=texts(**said),
                cancel=awaited("order.cancelled"),
            ),
            notification(group, name="sales", do=({"delay": "5m"}, {"send": ["email", "inapp"]}), texts=texts(**said)),
            notification(
                WHO,
                name="escalated",
                when="event.data.other is not none",
                do=(others, {"send": "inapp"}),
                texts=texts(**said),
            ),
        )
        self.store, self.clock = store, Clock()
        self.providers = {
            name: [Recording() for _ in config.providers]
            for name, config in catalogue.channels.items()
            if name != "inapp"
        }
        self.engine = Engine(
            store,
            catalogue,
            self.providers,
            clock=self.clock,
            chance=lambda: 0.5,
            owner="a",
            metrics=Metrics(),
            secret=b"addresses",
            links=Links(b"links", catalogue.project.public_url),
        )
        self.number = 0
        self.outgoing: list[Any] = []

    async def event(self, who: str, type: str, order: int, other: str | None) -> None:
        name, email = PEOPLE[who]
        self.number += 1
        data = {
            "order": f"order {order} of {who}",
            "customer": {"id": who, "name": name, "email": email, "secret": f"segredo de {who}"},
            "note": f"segredo-{who}",
            "other": other,
        }
        event = Event(source="shop", id=f"e{self.number}", type=type, time=NOW, data=data, subject=who)
        lease = self.clock() + LEASE
        await self.store.append_events([NewEvent(event, "h")], owner="a", now=self.clock(), lease_until=lease)
        handover = await self.engine.plan([Pending(event, 1)], dict.fromkeys(TEXTS, 2))
        self.outgoing.extend(handover.outgoing)

    async def advance(self, minutes: int) -> None:
        self.clock.now += timedelta(minutes=minutes)
        now = self.clock()
        due = await self.store.take_due_runs(owner="a", now=now, lease_until=now + LEASE, limit=99)
        if due:
            self.outgoing.extend((await self.engine.advance(due, dict.fromkeys(TEXTS, 2))).outgoing)
        room = dict.fromkeys(TEXTS, 5)
        claims = await self.store.take_due_messages(owner="a", now=now, lease_until=now + LEASE, room=room)
        if claims:
            outgoing, ended = await self.engine.prepare(claims, now + LEASE)
            self.outgoing.extend(outgoing)
            await self.engine.settle(ended)

    async def send(self, how: str) -> None:
        if how == "leave" or not self.outgoing:
            return
        ends = {
            "ok": lambda delivery: Accepted(f"250 ok {delivery.address}", f"ref {delivery.address}"),
            "later": lambda delivery: Retry(f"{delivery.address} is busy"),
            "never": lambda delivery: Rejected(f"no {delivery.address}"),
        }
        outgoing, self.outgoing = self.outgoing, []
        for each in outgoing:
            for provider in self.providers[each.claim.message.channel]:
                provider.ends = [ends[how]]
            await self.engine.settle([await self.engine.attempt(each)])

    async def do(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("event", who, type, order, other):
                await self.event(who, type, order, other)
            case ("advance", minutes):
                await self.advance(minutes)
            case ("send", how):
                await self.send(how)
            case ("wish", who):
                wishes = Wishes(categories={"news": {"*": False}})
                await self.store.change_wishes("default", who, lambda _: (wishes, ()), now=self.clock())
            case ("read", who):
                await self.store.mark_inbox("default", who, None, read=True, now=self.clock())

    async def told(self, who: str) -> dict[str, Any]:
        """All that is held of somebody."""
        found = (await self.store.recipients("default", [who])).get(who)
        runs = (await self.store.held_runs("default", who, after=None, limit=999)).items
        messages = (await self.store.held_messages("default", who, after=None, limit=999)).items
        inbox = (await self.store.held_inbox("default", who, after=None, limit=999)).items
        return {"recipient": msgspec.to_builtins(found), "runs": runs, "messages": messages, "inbox": inbox}


def inbox_of(context: Any) -> Any:
    told = context["event"]["data"]
    return msgspec.structs.replace(INBOX, text=f"{told['customer']['name']}: {told['note']}")


def _without(told: dict[str, Any]) -> Any:
    """What is of nobody else: others' lines, without what they say of the person."""
    runs = [{key: run[key] for key in ("key", "state", "recipient", "due_at", "sent")} for run in told["runs"]]
    messages = [
        {key: message[key] for key in ("id", "state", "recipient", "address", "due_at")} for message in told["messages"]
    ]
    return {"recipient": told["recipient"], "runs": runs, "messages": messages, "inbox": len(told["inbox"])}


def rows(store: Store) -> list[tuple[str, Any]]:
    writer = store._database._writer  # type: ignore[attr-defined]
    names = [name for (name,) in writer.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return [(name, row) for name in names for row in writer.execute(f"SELECT * FROM {name}")]


@settings(max_examples=60, deadline=None)
@given(st.lists(_STEPS, min_size=3, max_size=25))
def test_no_trace_of_one_and_all_of_the_others(steps: list[tuple[Any, ...]]) -> None:
    async def play() -> None:
        store = await open_store("sqlite://:memory:")
        try:
            history = History(store)
            for step in steps:
                await history.do(step)
            others = [who for who in PEOPLE if who != VICTIM]
            before = {who: await history.told(who) for who in others}
            grounds = await Grounds.open(store, history.engine.catalogue)
            await erase(grounds, "default", VICTIM, clock=history.clock, withdraw=None)
            left = [(name, row) for name, row in rows(store) for text in TRACES if text in str(row)]
            assert left == []
            for who in others:
                now = await history.told(who)
                assert _without(now) == _without(before[who])
                told = f"{PEOPLE[who][0]}: segredo-{who}"
                texts_before = [item["content"]["text"] for item in before[who]["inbox"]]
                assert [item["content"]["text"] for item in now["inbox"] if item["content"]["text"] == told] == [
                    text for text in texts_before if text == told
                ]
            # What was under way and what waited goes on: for others as ever, for the person not at all.
            history.outgoing = []
            await history.advance(60)
            await history.send("ok")
            assert [(name, row) for name, row in rows(store) for text in TRACES if text in str(row)] == []
            assert not any(row for name, row in rows(store) if name == "recipients" and ERASED_ID in str(row))
        finally:
            await store.close()

    asyncio.run(play())
