"""An engine over a real database in memory, a catalogue built by hand, and providers that do as they are told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
import structlog

from arauto.channels import Accepted, Delivery
from arauto.channels.inapp import InboxBody
from arauto.engine.links import Links
from arauto.engine.metrics import Metrics
from arauto.engine.stages import LEASE, Engine, Outgoing
from arauto.model import Catalogue, Context, Event, EventType, Notification, ProviderConfig, RetryPolicy
from arauto.store import NewEvent, Pending, Store, StoredMessage
from arauto.store.opening import open_store
from decide.conftest import NOW, TEXTS, Words, notification
from decide.conftest import catalogue as small_catalogue
from decide.conftest import target as target

SECONDS = timedelta(seconds=1)


@dataclass
class Clock:
    """A clock that is set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Recording:
    """A provider that keeps what it was given, and ends each attempt as ``ends`` says, one after the other."""

    ends: list[Any] = field(default_factory=list)
    """An exception to raise, a value to return, or a function of the delivery."""
    deliveries: list[Delivery] = field(default_factory=list)
    closed: bool = False

    def request(self, delivery: Delivery) -> str:
        return f"POST {delivery.message_id}"

    async def send(self, delivery: Delivery) -> Any:
        self.deliveries.append(delivery)
        end = self.ends.pop(0) if self.ends else Accepted("250 ok", "ref-1")
        if callable(end):
            end = end(delivery)
        if isinstance(end, BaseException):
            raise end
        return end

    async def close(self) -> None:
        self.closed = True


class Text:
    """A text that says what it is told, or fails."""

    def __init__(self, said: Any = "hello") -> None:
        self.said = said

    def compose(self, context: Context) -> msgspec.Struct:
        said = self.said(context) if callable(self.said) else self.said
        if isinstance(said, BaseException):
            raise said
        return said if isinstance(said, msgspec.Struct) else Words(said)


INBOX = InboxBody(title="t", text="t", html="<p>t</p>", url=None, image=None, actions=[])


def texts(**channels: Any) -> dict[str, Any]:
    """A text in each channel; the named ones say this."""
    return {
        channel: {"en": Text(channels.get(channel, INBOX if channel == "inapp" else f"{channel} text"))}
        for channel in TEXTS
    }


class Odd:
    """A step that breaks."""

    channels = ("email",)
    awaits = ()
    receipts = ()

    def decide(self, situation: Any) -> Any:
        raise ZeroDivisionError("a step broke over c1@example.com")


def breaking(*to: Any, **more: Any) -> Notification:
    """A notification whose step breaks."""
    return msgspec.structs.replace(notification(*to, texts=texts(), **more), steps=(Odd(),), following=(1,))


@dataclass
class World:
    """All of it."""

    store: Store
    clock: Clock
    engine: Engine
    providers: dict[str, list[Recording]]

    def metric(self, name: str, **labels: str) -> float:
        """A counter's value."""
        return self.engine.metrics.registry.get_sample_value(f"arauto_{name}_total", labels) or 0.0

    async def accept(self, *ids: str, owner: str = "a", **data: Any) -> list[Pending]:
        """Events with these ids, stored and leased."""
        events = [Event(source="shop", id=id, type="order.paid", time=NOW, data=data or {"n": 1}) for id in ids]
        now = self.clock()
        new = [NewEvent(event, "hash") for event in events]
        await self.store.append_events(new, owner=owner, now=now, lease_until=now + LEASE)
        return [Pending(event, 1) for event in events]

    async def plan(self, *ids: str, room: int = 9, **data: Any) -> list[Outgoing]:
        """Accept and plan events; what is to be sent."""
        return (await self.engine.plan(await self.accept(*ids, **data), dict.fromkeys(TEXTS, room))).outgoing

    async def send(self, *outgoing: Outgoing) -> list[str]:
        """Attempt and settle; the states."""
        settlements = [await self.engine.attempt(each) for each in outgoing]
        await self.engine.settle(settlements)
        return [settlement.state for settlement in settlements]

    async def take(self, room: int = 9) -> list[Outgoing]:
        """Claim what is due now, with its text; what cannot be sent is settled."""
        lease_until = self.clock() + LEASE
        claims = await self.store.take_due_messages(
            owner="a", now=self.clock(), lease_until=lease_until, room=dict.fromkeys(TEXTS, room)
        )
        outgoing, ended = await self.engine.prepare(claims, lease_until)
        await self.engine.settle(ended)
        return outgoing

    async def advance(self) -> list[Outgoing]:
        """Advance the runs that are due now; what is to be sent."""
        now = self.clock()
        due = await self.store.take_due_runs(owner="a", now=now, lease_until=now + LEASE, limit=99)
        return (await self.engine.advance(due, dict.fromkeys(TEXTS, 9))).outgoing

    async def messages(self) -> dict[str, StoredMessage]:
        """By channel and recipient; there must be one of each."""
        page = await self.store.list_messages("default", after=None, limit=100)
        found = {f"{each.message.channel} {each.message.recipient}": each for each in page.items}
        assert len(found) == len(page.items)
        return found

    async def messages_by(self, id: str) -> dict[str, StoredMessage]:
        """The messages of an event, by notification, recipient and channel."""
        messages = [(each.message, each) for each in (await self.story(id)).messages]
        return {f"{told.notification} {told.recipient} {told.channel}": stored for told, stored in messages}

    async def story(self, id: str) -> Any:
        """The story of an event."""
        (stored,) = await self.store.find_events("default", id)
        return await self.store.story(stored.event.key)


def make_catalogue(*notifications: Notification, providers: int = 1, on_unknown: Any = "retry") -> Catalogue:
    """The small catalogue, with providers ``one``, ``two``, … for each channel and a schedule of 5 s and 60 s."""
    base = small_catalogue(*notifications)
    names = ("one", "two", "three")[:providers]
    policy = RetryPolicy(schedule=(5 * SECONDS, 60 * SECONDS), expires=timedelta(hours=1), on_unknown=on_unknown)
    configs = tuple(ProviderConfig(name=name, kind="recording", settings=Words()) for name in names)
    channels = {
        name: msgspec.structs.replace(config, providers=() if name == "inapp" else configs, retry=policy, concurrency=2)
        for name, config in base.channels.items()
    }
    kind = EventType(name="order.paid", description="", schema={}, samples={}, validate=lambda data: ())
    return msgspec.structs.replace(base, channels=channels, event_types={"order.paid": kind})


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """What was logged, instead of drawing it with its tracebacks, which takes long."""
    with structlog.testing.capture_logs() as entries:
        yield entries


def world_over(store: Store, *notifications: Notification, owner: str = "a", **more: Any) -> World:
    """The world around these notifications, on this store."""
    catalogue = make_catalogue(*notifications, **more)
    providers = {
        name: [Recording() for _ in config.providers] for name, config in catalogue.channels.items() if name != "inapp"
    }
    clock = Clock()
    engine = Engine(
        store,
        catalogue,
        providers,
        clock=clock,
        chance=lambda: 0.5,
        owner=owner,
        metrics=Metrics(),
        secret=b"addresses",
        links=Links(b"links", catalogue.project.public_url),
    )
    return World(store, clock, engine, providers)


@pytest.fixture
async def world() -> AsyncIterator[Callable[..., World]]:
    """Makes the world around these notifications."""
    store = await open_store("sqlite://:memory:")
    yield partial(world_over, store)
    await store.close()
