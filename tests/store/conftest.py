"""The store under test, on each database, and nouns to put into it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from arauto.model import Attempt, Event, Message, Run, Sent
from arauto.store import Claim, InboxItem, NewEvent, NewMessage, PlanRecord, RunRecord, Settlement, Store
from arauto.store.opening import open_store

NOW = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "memory", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    match request.param:
        case "sqlite":
            return str(tmp_path / "hub.db")
        case "memory":
            return "sqlite://:memory:"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await open_store(url)
    yield store
    await store.close()


class Make:
    """Nouns with everything in them that a test does not care about."""

    now = NOW
    lease = NOW + timedelta(seconds=60)

    def event(self, id: str = "1", *, tenant: str = "default", type: str = "order.paid", source: str = "loja") -> Event:
        return Event(source=source, id=id, type=type, time=NOW, data={"order": id, "nome": "João €😀\0"}, tenant=tenant)

    def new(self, id: str = "1", *, body: str = "hash", **more: Any) -> NewEvent:
        return NewEvent(self.event(id, **more), body)

    def run(self, *events: Event, name: str = "order-paid", recipient: str = "ana", **more: Any) -> Run:
        key = f"run_{events[0].key}_{name}_{recipient}"
        return Run(
            key=key,
            notification=name,
            recipient=recipient,
            events=events,
            entered_at=NOW,
            tenant=events[0].tenant,
            **more,
        )

    def message(self, run: Run, channel: str = "email", *, awaited: bool = False) -> Message:
        return Message(
            id=f"msg_{run.key}_{channel}",
            run=run.key,
            event=run.events[0].key,
            notification=run.notification,
            recipient=run.recipient,
            channel=channel,
            step=0,
            address=["ana@loja.example", {"p": 1}],
            created_at=NOW,
            expires_at=NOW + timedelta(days=1),
            tenant=run.tenant,
            awaited=awaited,
        )

    def inbox_item(self, message: Message, content: Any = "Olá") -> InboxItem:
        return InboxItem(
            id=message.id,
            recipient=message.recipient,
            created_at=message.created_at,
            content=content,
            tenant=message.tenant,
        )

    def attempt(self, number: int = 1, outcome: Any = "accepted", **more: Any) -> Attempt:
        return Attempt(
            number=number,
            provider="smtp",
            started_at=NOW + timedelta(seconds=number),
            ended_at=NOW + timedelta(seconds=number, milliseconds=1),
            outcome=outcome,
            **more,
        )

    def settlement(self, message: Message, fence: int, state: Any, *, due_at: Any = None, **more: Any) -> Settlement:
        """With one more attempt than the message has."""
        attempt = self.attempt(len(message.attempts) + 1, **more)
        return Settlement(
            message=structs.replace(message, attempts=(*message.attempts, attempt)),
            fence=fence,
            state=state,
            due_at=due_at,
        )

    async def append(self, store: Store, *ids: str, owner: str = "a", **more: Any) -> list[Event]:
        """Events with these ids, stored and under lease to this owner."""
        news = [self.new(id, **more) for id in ids]
        await store.append_events(news, owner=owner, now=NOW, lease_until=self.lease)
        return [new.event for new in news]

    async def plan(self, store: Store, event: Event, *runs: RunRecord, owner: str = "a") -> None:
        """Commit the plan of one event, which must count."""
        plan = PlanRecord(event=event.key, explanation={"why": "so"}, runs=runs)
        committed = await store.commit_plans([plan], owner=owner, now=NOW, lease_until=self.lease)
        assert committed.events == {event.key}

    async def one_message(self, store: Store, state: Any, *, id: str = "1", **more: Any) -> Message:
        """A message in this state, of a run that is done, or that waits for it when ``awaited``."""
        (event,) = await self.append(store, id)
        due_at = more.pop("due_at", None)
        run = self.run(event)
        message = self.message(run, **more)
        run = structs.replace(run, sent=(Sent(0, message.channel, (message.id,)),))
        new = NewMessage(message=message, state=state, due_at=due_at)
        await self.plan(
            store, event, RunRecord(run=run, state="waiting" if message.awaited else "done", messages=(new,))
        )
        return message

    async def claim(self, store: Store, *, owner: str = "a", now: datetime = NOW, **room: int) -> list[Claim]:
        """Claim what is due, by default ten of e-mail."""
        return await store.take_due_messages(
            owner=owner, now=now, lease_until=now + timedelta(seconds=60), room=room or {"email": 10}
        )


@pytest.fixture
def make() -> Make:
    return Make()
