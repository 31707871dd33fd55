"""The stages, called one by one, with a real store in memory and providers that do as they are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from arauto.channels import Accepted, Delivery
from arauto.engine import stages
from arauto.engine.explain import explain_event
from arauto.engine.metrics import Metrics
from arauto.engine.stages import LEASE, MAX_CLAIMS, Engine, Outgoing
from arauto.errors import Ambiguous, LanguageError, Rejected, Retry
from arauto.model import Catalogue, Context, ProviderConfig, RetryPolicy
from arauto.store import NewEvent, Pending, Store
from arauto.store.opening import open_store
from decide.conftest import Hello, Words, catalogue, event, notification, target

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ROOM = {"email": 10, "sms": 10, "push": 10, "webhook": 10}


class Told:
    """A provider that gives these answers in turn, then accepts."""

    def __init__(self, *answers: Exception) -> None:
        self.answers, self.seen = list(answers), list[Delivery]()

    def request(self, delivery: Delivery) -> str:
        return "CALL somebody"

    async def send(self, delivery: Delivery) -> Accepted:
        self.seen.append(delivery)
        if self.answers:
            raise self.answers.pop(0)
        return Accepted("250 ok", "ref-1")

    async def close(self) -> None:
        """Nothing is open."""


class World:
    """An engine whose clock stands until it is moved."""

    def __init__(self, store: Store, written: Catalogue, on_unknown: str, *providers: Told) -> None:
        configs = tuple(
            ProviderConfig(name=f"p{number}", kind="told", settings=Words()) for number in range(len(providers))
        )
        policy = RetryPolicy(
            schedule=(timedelta(seconds=5), timedelta(minutes=5)),
            expires=timedelta(hours=1),
            on_unknown=on_unknown,  # type: ignore[arg-type]
        )
        channels = {
            name: msgspec.structs.replace(channel, providers=configs, retry=policy)
            for name, channel in written.channels.items()
        }
        self.store, self.now, self.metrics = store, START, Metrics()
        self.engine = Engine(
            store,
            msgspec.structs.replace(written, channels=channels),
            {name: providers for name in channels if name != "inapp"},
            clock=lambda: self.now,
            chance=lambda: 0.5,
            owner="me",
            metrics=self.metrics,
        )

    async def accept(self, *numbers: int) -> list[Pending]:
        news = [NewEvent(msgspec.structs.replace(event(total=1), id=str(number)), "hash") for number in numbers]
        await self.store.append_events(news, owner="me", now=self.now, lease_until=self.now + LEASE)
        return [Pending(new.event, 1) for new in news]

    async def plan(self, *numbers: int) -> list[Outgoing]:
        outgoing, _ = await self.engine.plan(await self.accept(*numbers), dict(ROOM))
        return outgoing

    async def send(self, outgoing: Outgoing) -> Any:
        settlement = await self.engine.attempt(outgoing)
        await self.engine.settle([settlement])
        return settlement

    async def due(self) -> list[Outgoing]:
        until = self.now + LEASE
        claims = await self.store.take_due_messages(owner="me", now=self.now, lease_until=until, room=ROOM)
        outgoing, _ = await self.engine.prepare(claims, until)
        return outgoing


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = await open_store("sqlite://:memory:")
    yield opened
    await opened.close()


def to_ana(**more: Any) -> Catalogue:
    return catalogue(notification(target(person="'ana'"), **more))


async def test_an_accepted_message_is_sent_and_keeps_what_the_provider_said(store: Store) -> None:
    world = World(store, to_ana(), "retry", Told())
    settlement = await world.send((await world.plan(1))[0])
    stored = await store.message(settlement.message.id)
    assert stored is not None
    assert stored.state == "sent"
    (attempt,) = stored.message.attempts
    assert (attempt.outcome, attempt.answer, attempt.reference) == ("accepted", "250 ok", "ref-1")
    assert attempt.request == "CALL somebody"


async def test_the_second_provider_is_tried_at_once_when_the_first_refuses_altogether(store: Store) -> None:
    first, second = Told(Rejected("no account", scope="provider")), Told()
    world = World(store, to_ana(), "retry", first, second)
    settlement = await world.send((await world.plan(1))[0])
    assert (settlement.state, settlement.due_at) == ("queued", START)
    settlement = await world.send((await world.due())[0])
    assert settlement.state == "sent"
    assert [attempt.provider for attempt in settlement.message.attempts] == ["p0", "p1"]
    assert first.seen[0].message_id == second.seen[0].message_id


async def test_a_round_over_all_providers_is_followed_by_the_schedule(store: Store) -> None:
    world = World(store, to_ana(), "retry", Told(Retry("busy")), Told(Retry("busy")))
    await world.send((await world.plan(1))[0])
    settlement = await world.send((await world.due())[0])
    assert (settlement.state, settlement.due_at) == ("queued", START + timedelta(seconds=5))
    assert await world.due() == []
    world.now += timedelta(seconds=5)
    settlement = await world.send((await world.due())[0])
    assert (settlement.state, settlement.message.attempts[-1].provider) == ("sent", "p0")


async def test_a_providers_bug_is_a_retry(store: Store) -> None:
    world = World(store, to_ana(), "retry", Told(ZeroDivisionError("secret")))
    settlement = await world.send((await world.plan(1))[0])
    assert settlement.state == "queued"
    assert settlement.message.attempts[0].reason == "the provider's code failed: ZeroDivisionError"


async def test_what_has_expired_is_not_sent(store: Store) -> None:
    told = Told()
    world = World(store, to_ana(expires=timedelta(seconds=30)), "retry", told)
    (outgoing,) = await world.plan(1)
    world.now += timedelta(seconds=31)
    assert (await world.send(outgoing)).state == "expired"
    assert told.seen == []


async def test_a_lease_that_is_nearly_over_is_given_back(store: Store) -> None:
    told = Told()
    world = World(store, to_ana(), "retry", told)
    (outgoing,) = await world.plan(1)
    world.now += LEASE - timedelta(seconds=10)
    settlement = await world.send(outgoing)
    assert (settlement.state, settlement.message.attempts, told.seen) == ("queued", (), [])


@pytest.mark.parametrize(("policy", "state"), [("retry", "queued"), ("hold", "held")])
async def test_an_abandoned_attempt_follows_the_channels_policy(store: Store, policy: str, state: str) -> None:
    world = World(store, to_ana(), policy, Told())
    await world.plan(1)
    world.now += LEASE
    (claim,) = await store.take_abandoned(owner="you", now=world.now, lease_until=world.now + LEASE, limit=9)
    settlement = world.engine.abandoned(claim)
    assert settlement.state == state
    assert settlement.message.attempts[0].outcome == "unknown"
    assert await store.settle([settlement], now=world.now) == [True]


@pytest.mark.parametrize(("policy", "state"), [("retry", "queued"), ("hold", "held")])
async def test_no_answer_is_unknown(store: Store, policy: str, state: str) -> None:
    world = World(store, to_ana(), policy, Told(Ambiguous("silence")))
    settlement = await world.send((await world.plan(1))[0])
    assert (settlement.state, settlement.message.attempts[0].outcome) == (state, "unknown")


async def test_a_late_outcome_is_kept_and_counted(store: Store) -> None:
    world = World(store, to_ana(), "retry", Told())
    (outgoing,) = await world.plan(1)
    settlement = await world.engine.attempt(outgoing)
    world.now += LEASE
    await store.take_abandoned(owner="you", now=world.now, lease_until=world.now + LEASE, limit=9)
    await world.engine.settle([settlement])
    stored = await store.message(settlement.message.id)
    assert stored is not None
    assert (stored.state, [attempt.late for attempt in stored.message.attempts]) == ("sending", [True])
    assert world.metrics.registry.get_sample_value("arauto_settlements_late_total", {"channel": "email"}) == 1


class Broken:
    """A text that fails."""

    def compose(self, context: Context) -> msgspec.Struct:
        raise LanguageError("`event.data.gone` is undefined")


async def test_a_text_that_fails_ends_its_message_and_first_of_goes_on(store: Store) -> None:
    texts = {"email": {"en": Broken()}, "sms": {"en": Hello()}}
    world = World(store, to_ana(do=({"send": {"first_of": ["email", "sms"]}},), texts=texts), "retry", Told())
    assert await world.plan(1) == []
    due = await store.take_due_runs(owner="me", now=world.now, lease_until=world.now + LEASE, limit=9)
    outgoing, _ = await world.engine.advance(due, dict(ROOM))
    assert [each.claim.message.channel for each in outgoing] == ["sms"]
    story = await store.story(outgoing[0].claim.message.event)
    assert story is not None
    told = explain_event(story)
    messages = told["notifications"][0]["recipients"][0]["messages"]
    assert [(message["channel"], message["state"]) for message in messages] == [("email", "failed"), ("sms", "sending")]
    assert "its text failed" in messages[0]["attempts"][0]["reason"]


async def test_an_event_that_breaks_its_planning_is_put_aside_and_the_others_go_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(store, to_ana(), "retry", Told())
    real = stages.plan

    def breaking(poison: Any, *arguments: Any, **more: Any) -> Any:
        if poison.id == "1":
            raise RuntimeError("poison")
        return real(poison, *arguments, **more)

    monkeypatch.setattr(stages, "plan", breaking)
    pending = await world.accept(1, 2)
    outgoing, _ = await world.engine.plan(pending, dict(ROOM))
    assert len(outgoing) == 1
    poison = pending[0].event
    for claims in range(2, MAX_CLAIMS + 1):
        await world.engine.plan([Pending(poison, claims)], dict(ROOM))
    (stored,) = await store.find_events("default", poison.key)
    assert stored.state == "quarantined"
    assert "RuntimeError" in str(stored.explanation)


async def test_what_there_is_no_room_for_waits_in_the_store(store: Store) -> None:
    world = World(store, to_ana(), "retry", Told())
    outgoing, _ = await world.engine.plan(await world.accept(1, 2, 3), {"email": 1})
    assert len(outgoing) == 1
    assert len(await world.due()) == 2
