"""What is held of a person: shown whole, and erased without a trace."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from arauto.decide.erasure import ERASED, ERASED_ID
from arauto.model import Await, Consent, Event, Recipient, Run, Silence, Use, Wishes, derive_id
from arauto.store import Erasure, NewEvent, NewMessage, PlanRecord, Rejection, RunRecord, Store, Suppression
from arauto.store.opening import open_store
from store.conftest import NOW, Make

GONE = ERASED_ID + "0" * 32
ANA = Recipient(
    id="cus_ana_77",
    name="Ana Conceição",
    addresses={
        "email": ["ana.conceicao@example.com"],
        "sms": ["+5511987654321"],
        "push": [{"endpoint": "https://push.example/ana-endpoint", "keys": {"auth": "ana-auth-key"}}],
    },
    attributes={"cpf": "390.533.447-05"},
)
BRUNO = Recipient(id="cus_bruno_8", name="Bruno Lima", addresses={"email": ["bruno@example.com"]})
TRACES = (
    ANA.id,
    "Ana Conceição",
    "ana.conceicao@example.com",
    "+5511987654321",
    "ana-endpoint",
    "ana-auth-key",
    "390.533.447-05",
    "Rua das Laranjeiras",
)


class World(Make):
    """Ana and Bruno, and what came of events that told of them."""

    def order(self, id: str, who: Recipient, **more: Any) -> Event:
        data = {
            "order": {"number": id, "total": 12.5},
            "customer": {
                "id": who.id,
                "name": who.name,
                "email": who.addresses["email"][0],
                "street": "Rua das Laranjeiras" if who is ANA else "Rua do Bruno",
            },
            **more,
        }
        return Event(source="loja", id=id, type="order.paid", time=NOW, data=data, subject=who.id)

    async def tell(
        self, store: Store, event: Event, *told: tuple[Recipient, str], state: Any = "sent", wait: bool = False
    ) -> list[Run]:
        """An event is accepted and planned: the person is named, the others are in a group."""
        await store.append_events([NewEvent(event, "hash")], owner="a", now=NOW, lease_until=self.lease)
        records: list[RunRecord] = []
        lines: list[dict[str, Any]] = []
        for number, (recipient, channel) in enumerate(told):
            run = Run(
                key=derive_id("run", event.key, recipient.id),
                notification="order-paid",
                recipient=recipient.id,
                events=(event,),
                entered_at=NOW,
            )
            address = recipient.id if channel == "inapp" else recipient.addresses[channel][0]
            message = structs.replace(
                self.message(run, channel), id=derive_id("msg", run.key, channel), address=address
            )
            said = {"title": f"Pedido de {event.data['customer']['name']}", "text": str(event.data["customer"])}
            if channel != "inapp" and state != "queued":
                attempt = self.attempt(
                    answer=f"250 ok {address}", reference=f"ref-{recipient.id}", request=f"POST {address}"
                )
                message = structs.replace(message, attempts=(attempt,))
            new = NewMessage(
                message=message,
                state="sent" if channel == "inapp" else state,
                due_at=NOW + timedelta(hours=1),
                inbox=self.inbox_item(message, said) if channel == "inapp" else None,
            )
            target = "person: event.data.customer.id" if number == 0 else "group: sales"
            reason = {"code": "named_by_event", "values": {"seen": {"event.data.customer.name": recipient.name}}}
            lines.append({"target": target, "recipient": recipient.id, "reason": reason, "run": run.key})
            records.append(
                RunRecord(
                    run=run,
                    state="waiting" if wait else "done",
                    due_at=NOW + timedelta(hours=2) if wait else None,
                    messages=(new,),
                    awaits=(Await(derive_id("cancel", event.id), event.key, cancels=True),),
                    uses=(Use(derive_id("attention", "default", recipient.id), 99, timedelta(days=1)),),
                    before=run,
                )
            )
        explanation = {"notifications": [{"notification": "order-paid", "matched": True, "recipients": lines}]}
        upserts = tuple(recipient for recipient, _ in told)
        plan = PlanRecord(event=event.key, explanation=explanation, runs=tuple(records), upserts=upserts)
        await store.commit_plans([plan], owner="a", now=NOW, lease_until=self.lease)
        return [record.run for record in records]

    async def erase(
        self, store: Store, id: str = ANA.id, *, patient: bool = False, places: Any = (("customer", "id"),)
    ) -> Erasure:
        await store.begin_erasure("default", id, GONE, known=None, shared=(), places=list(places), now=NOW)
        return await self.finish(store, patient=patient)

    async def finish(self, store: Store, *, patient: bool = False) -> Erasure:
        for _ in range(200):
            erasure = await store.advance_erasure("default", GONE, patient=patient, now=NOW)
            if erasure.finished_at is not None or erasure.waits:
                return erasure
        raise AssertionError(f"the erasure does not end: {erasure}")


@pytest.fixture
def make() -> World:
    return World()


async def rows_of(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    database = store._database  # type: ignore[attr-defined]
    if hasattr(database, "_pool"):
        async with database._pool.acquire() as connection:
            names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
            return {name: [tuple(row) for row in await connection.fetch(f"SELECT * FROM {name}")] for (name,) in names}
    names = database._writer.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return {name: database._writer.execute(f"SELECT * FROM {name}").fetchall() for (name,) in names}


async def traces(store: Store, *texts: str) -> list[str]:
    """Where these texts stand in the database: in its rows and, of a file, in all its bytes."""
    found = [
        f"{table}: {text} in {row}"
        for table, rows in (await rows_of(store)).items()
        for row in rows
        for text in texts or TRACES
        if any(isinstance(value, str) and text in value for value in row)
    ]
    path: Path | None = getattr(store._database, "_path", None)  # type: ignore[attr-defined]
    if path is not None:
        for file in (path, Path(f"{path}-wal")):
            content = file.read_bytes() if file.exists() else b""
            found += [f"{file.name}: {text}" for text in texts or TRACES if text.encode() in content]
    return found


async def test_the_search_finds_what_is_there(store: Store, make: World) -> None:
    await make.tell(store, make.order("1042", ANA), (ANA, "email"), (BRUNO, "inapp"))
    for text in TRACES:
        assert await traces(store, text), f"the search is blind to {text}"


async def test_nothing_is_left_of_a_person(store: Store, make: World) -> None:
    await make.tell(store, make.order("1042", ANA), (ANA, "email"), (BRUNO, "inapp"))
    await make.tell(store, make.order("1043", ANA), (ANA, "inapp"))
    await make.tell(store, make.order("1044", ANA), (ANA, "sms"), state="queued")
    await make.tell(store, make.order("1045", ANA, note="x" * 9000), (ANA, "push"), wait=True)
    await make.tell(store, make.order("1046", BRUNO, cc=["Ana.Conceicao@example.com"]), (BRUNO, "email"))
    await make.tell(store, make.order(f"order of {ANA.id}", BRUNO), (BRUNO, "email"))
    await store.put_recipients("default", [structs.replace(ANA, name="Ana C.", attributes={})], now=NOW)
    await store.change_wishes(
        "default",
        ANA.id,
        lambda wishes: (Wishes(categories={"news": {"*": False}}), [consent()]),
        now=NOW,
    )
    silence = Silence(id="s1", owner="ops", reason="Ana C. asked", drop=True, start=NOW, recipients=(ANA.id,))
    await store.put_silence("default", structs.replace(silence, reason=f"{ANA.name} asked"), now=NOW)
    await store.put_silence("default", silence, now=NOW)
    refused = Rejection(
        at=NOW,
        source="loja",
        status=422,
        code="x",
        detail=f"{ANA.addresses['email'][0]} is no number",
        body_hash="h",
        size=1,
    )
    await store.record_rejections([refused], keep=10)
    erasure = await make.erase(store)
    assert erasure.finished_at is not None
    assert await traces(store) == []
    assert erasure.counts["runs"] == 4
    assert erasure.counts["messages"] == 4
    assert erasure.counts["messages_cancelled"] == 1
    assert erasure.counts["runs_stopped"] == 1
    assert erasure.counts["inbox"] == 1
    (found,) = await store.silences("default")
    assert found.recipients == (GONE,), "a silence of nobody would be one of everybody"


def consent() -> Consent:
    return Consent(
        category="news",
        channel="*",
        given=False,
        at=NOW,
        how="page",
        text="Quero receber novidades",
        version="3",
        evidence={"ip": "203.0.113.77", "email": ANA.addresses["email"][0]},
    )


async def test_others_keep_everything(store: Store, make: World) -> None:
    carla = Recipient(id="cus_carla", name="Ana Conceição", addresses={"email": ["carla@example.com"]})
    await make.tell(store, make.order("1", BRUNO), (BRUNO, "email"), (carla, "inapp"))
    await make.tell(store, make.order("2", carla), (carla, "inapp"), wait=True)
    before = await rows_of(store)
    await make.tell(store, make.order("3", ANA), (ANA, "email"))
    await make.erase(store)
    after = await rows_of(store)
    for table, rows in before.items():
        if table in ("meta", "erasures", "runs", "sqlite_sequence"):
            continue
        assert [row for row in rows if row not in after[table]] == [], f"{table} has lost something"
    assert len(after["recipients"]) == 2, "the name is the same, the person is not"


async def test_an_order_leaves_others_what_they_were_told_without_the_person(store: Store, make: World) -> None:
    await make.tell(store, make.order("1042", ANA), (ANA, "email"), (BRUNO, "inapp"))
    await make.erase(store)
    (item,) = (await store.inbox("default", BRUNO.id, after=None, limit=9, unread=False)).items
    assert item.content["title"] == f"Pedido de {ERASED}"
    (stored,) = await store.find_events("default", "1042")
    assert stored.event.data["customer"]["id"] == GONE
    assert stored.event.data["customer"]["street"] == ERASED
    assert stored.event.data["order"] == {"number": ERASED, "total": 0}, "it told of nobody else"
    story = await store.story(stored.event.key)
    assert story is not None
    assert [each.run.recipient for each in story.runs] == [GONE, BRUNO.id]
    mine, theirs = story.messages
    assert (mine.message.recipient, mine.message.address, mine.state) == (GONE, ERASED, "sent")
    assert (mine.message.attempts[0].outcome, mine.message.attempts[0].answer) == ("accepted", None)
    assert (theirs.message.recipient, theirs.message.address) == (BRUNO.id, BRUNO.id)


async def test_of_an_event_that_others_are_yet_to_be_told_of_the_rest_stays(store: Store, make: World) -> None:
    await make.tell(store, make.order("1042", ANA), (ANA, "email"), (BRUNO, "email"), state="queued")
    await make.erase(store)
    assert await traces(store) == []
    (stored,) = await store.find_events("default", "1042")
    assert stored.event.data["order"] == {"number": "1042", "total": 12.5}
    (claim,) = await make.claim(store, now=NOW + timedelta(hours=1))
    assert claim.message.recipient == BRUNO.id


async def test_an_event_that_is_not_planned_names_nobody_then(store: Store, make: World) -> None:
    await store.append_events([NewEvent(make.order("9", ANA), "h")], owner="a", now=NOW, lease_until=make.lease)
    await make.erase(store)
    assert await traces(store) == []
    (pending,) = await store.take_pending(owner="b", now=make.lease, lease_until=make.lease, limit=9)
    assert pending.event.data["customer"]["id"] == GONE


async def test_an_event_keeps_its_key_when_its_id_goes(store: Store, make: World) -> None:
    event = make.order(f"{ANA.id}/5", ANA)
    await make.tell(store, event, (ANA, "email"))
    await make.erase(store)
    assert await traces(store) == []
    assert await store.body_hashes([event.key]) == {event.key: "hash"}
    (stored,) = await store.find_events("default", event.key)
    assert stored.event.key == event.key
    assert stored.event.id == f"{GONE}/5"
    (answer,) = await store.append_events([NewEvent(event, "hash")], owner="a", now=NOW, lease_until=make.lease)
    assert answer.outcome == "same", "a repetition would bring the person back"


async def test_a_suppressed_address_stays_suppressed(store: Store, make: World) -> None:
    await store.put_recipients("default", [ANA], now=NOW)
    await store.suppress("default", [Suppression("keyed-hash", "email", "bounced", NOW)])
    await make.erase(store)
    await store.put_recipients("default", [ANA], now=NOW)
    assert list(await store.suppressed("default", ["keyed-hash"])) == ["keyed-hash"]


async def test_a_patient_erasure_waits_for_what_is_under_way(store: Store, make: World) -> None:
    await make.tell(store, make.order("1", ANA), (ANA, "email"), state="queued")
    later = NOW + timedelta(hours=1)
    (claim,) = await store.take_due_messages(
        owner="a", now=later, lease_until=later + timedelta(seconds=60), room={"email": 9}
    )
    assert (await make.erase(store, patient=True)).waits
    (settled,) = await store.settle([make.settlement(claim.message, claim.fence, "sent", answer="to Ana")], now=later)
    assert settled
    assert (await make.finish(store, patient=True)).finished_at is not None
    assert await traces(store) == []


async def test_what_ends_after_the_erasure_writes_nothing(store: Store, make: World) -> None:
    await make.tell(store, make.order("1", ANA), (ANA, "email"), state="queued")
    later = NOW + timedelta(hours=1)
    (claim,) = await store.take_due_messages(
        owner="a", now=later, lease_until=later + timedelta(seconds=60), room={"email": 9}
    )
    await make.erase(store)
    said = f"250 {ANA.addresses['email'][0]}"
    assert await store.settle([make.settlement(claim.message, claim.fence, "sent", answer=said)], now=later) == [False]
    assert [where for where in await traces(store) if not where.startswith("hub.db")] == []
    message = await store.message(claim.message.id)
    assert message is not None
    assert message.state == "cancelled"


async def test_a_run_that_is_being_decided_on_decides_nothing(store: Store, make: World) -> None:
    await make.tell(store, make.order("1", ANA), (ANA, "email"), wait=True)
    due = NOW + timedelta(hours=3)
    (taken,) = await store.take_due_runs(owner="a", now=due, lease_until=due + timedelta(seconds=60), limit=9)
    await make.erase(store)
    more = make.message(taken.run, "sms")
    record = RunRecord(run=taken.run, state="done", messages=(NewMessage(message=more, state="queued"),))
    committed = await store.commit_runs([record], owner="a", now=due, lease_until=due)
    assert committed.runs == frozenset()
    assert await store.message(more.id) is None


async def test_consent_remains_without_a_person(store: Store, make: World) -> None:
    await store.change_wishes("default", ANA.id, lambda wishes: (wishes, [consent()]), now=NOW)
    await make.erase(store)
    assert await store.consents("default", ANA.id) == []
    (kept,) = await store.consents("default", GONE)
    assert kept == structs.replace(consent(), evidence={})


async def test_an_erasure_goes_on_where_it_was_interrupted(url: str, make: World) -> None:
    if "memory" in url:
        pytest.skip("what is in memory ends with the process")
    store = await open_store(url)
    for number in range(5):
        await make.tell(store, make.order(str(number), ANA), (ANA, "email"), (BRUNO, "inapp"))
    await store.begin_erasure("default", ANA.id, GONE, known=None, shared=(), places=[], now=NOW)
    steps = 0
    while True:
        # A process for each piece, as if each were killed after it.
        await store.close()
        store = await open_store(url)
        assert await store.unfinished_erasures() == [("default", GONE)]
        erasure = await store.advance_erasure("default", GONE, patient=False, now=NOW)
        steps += 1
        if erasure.finished_at is not None:
            break
    assert steps > 5
    assert erasure.counts["messages"] == 5
    assert await store.unfinished_erasures() == []
    assert await traces(store) == []
    await store.close()


async def test_the_row_that_remains_tells_nobody(store: Store, make: World) -> None:
    await make.tell(store, make.order("1", ANA), (ANA, "email"))
    await make.erase(store)
    (row,) = (await rows_of(store))["erasures"]
    assert GONE in row
    erasure = await store.erasure("default", GONE)
    assert erasure is not None
    assert erasure.counts["recipients"] == 1


async def test_who_is_told_anew_is_known_anew(store: Store, make: World) -> None:
    await make.tell(store, make.order("1", ANA), (ANA, "email"))
    await make.erase(store)
    await make.tell(store, make.order("2", ANA), (ANA, "email"))
    assert list(await store.recipients("default", [ANA.id])) == [ANA.id]
    await make.erase(store)
    assert await traces(store) == []


async def test_an_address_that_somebody_else_has_too_stays_theirs(store: Store, make: World) -> None:
    home = "+551133334444"
    ana = structs.replace(ANA, addresses={"sms": [home], "email": ["ana@example.com"]})
    bruno = structs.replace(BRUNO, addresses={"sms": [home], "email": ["bruno@example.com"]})
    await make.tell(store, make.order("1", bruno, phone=home), (bruno, "sms"))
    await make.tell(store, make.order("2", ana), (ana, "sms"))
    await make.erase(store)
    assert (await store.recipients("default", [bruno.id]))[bruno.id].addresses["sms"] == [home]
    (stored,) = await store.find_events("default", "1")
    assert stored.event.data["phone"] == home
    assert await traces(store, ANA.id, "Ana Conceição", "ana@example.com") == []


async def test_a_small_number_is_an_id_only_where_the_project_looks_for_one(store: Store, make: World) -> None:
    seven = Recipient(id="7", name="Sete Silva", addresses={"email": ["sete@example.com"]})
    await make.tell(store, make.order("7", BRUNO, quantity=7, other={"id": 7}), (BRUNO, "email"))
    event = structs.replace(make.order("8", seven), data={"customer": {"id": 7, "name": "Sete Silva"}, "number": 7})
    await make.tell(store, event, (seven, "email"))
    await make.erase(store, "7")
    (other,) = await store.find_events("default", "7")
    assert other.event.data["quantity"] == 7
    assert other.event.data["other"] == {"id": 7}
    (theirs,) = await store.find_events("default", "8")
    assert theirs.event.data["customer"] == {"id": GONE, "name": ERASED}


async def test_other_tenants_are_others(store: Store, make: World) -> None:
    await store.put_recipients("elsewhere", [ANA], now=NOW)
    await make.erase(store)
    assert list(await store.recipients("elsewhere", [ANA.id])) == [ANA.id]


async def test_what_is_held_is_shown(store: Store, make: World) -> None:
    for number in range(7):
        await make.tell(store, make.order(str(number), ANA), (ANA, "inapp"))
    seen: list[Any] = []
    after = None
    while True:
        page = await store.held_runs("default", ANA.id, after=after, limit=3)
        seen.extend(page.items)
        after = page.next
        if after is None:
            break
    assert len(seen) == 7
    assert seen[0]["uses"][0]["count"] == 1
    events = await store.held_events(seen[0]["event_sequences"])
    assert events[0].event["data"]["customer"]["id"] == ANA.id
    assert len((await store.held_inbox("default", ANA.id, after=None, limit=99)).items) == 7
    assert len((await store.held_messages("default", ANA.id, after=None, limit=99)).items) == 7
