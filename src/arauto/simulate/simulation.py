"""A hub in virtual time: the engine, a database in memory, and providers that keep what they are given.

It is the engine of the running hub, and not a model of it; only the clock, the database and the providers are its own.
The same things done at the same times give the same, to the byte.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import msgspec
import orjson
from msgspec import Struct

from arauto.channels import Accepted, Delivery, Provider
from arauto.decide.wishes import IN_APP
from arauto.engine.admit import admit
from arauto.engine.editions import Editions
from arauto.engine.explain import explain_event, explain_recipient
from arauto.engine.links import Links
from arauto.engine.metrics import Metrics
from arauto.engine.stages import Engine
from arauto.errors import Ambiguous, Rejected, Retry
from arauto.model import JSON, Catalogue, Context, Event, Message, Receipt, ReceiptKind, Recipient, Run, Silence, Wishes
from arauto.simulate.driving import PLENTY, Clock, Drive
from arauto.sources import Draft
from arauto.store import InboxItem, Settlement, Store
from arauto.store.scratch import ScratchStore

TENANT = "default"
Failure = Literal["rejected", "later", "unknown"]
_SECRET = b"the same in every simulation, so that its links are, too"


@dataclass
class Outage:
    """A provider that does not work: for so many attempts, until a time, or for good."""

    channel: str
    fails: Failure
    """rejected: it refuses for good; later: not now; unknown: nobody knows whether it took the message."""
    provider: str | None = None
    """By name; None: all of the channel."""
    start: datetime | None = None
    until: datetime | None = None
    times: int | None = None

    def strikes(self, channel: str, provider: str, now: datetime) -> bool:
        """Whether this attempt fails; it counts as one of ``times`` then."""
        if channel != self.channel or self.provider not in (None, provider):
            return False
        if (self.start is not None and now < self.start) or (self.until is not None and now >= self.until):
            return False
        if self.times is not None:
            if self.times <= 0:
                return False
            self.times -= 1
        return True


class Carried(Struct, frozen=True, dict=True, kw_only=True):
    """An attempt to deliver a message, and how it ended."""

    at: datetime
    message: str
    """Its id."""
    event: str
    """The key of its (first) event."""
    notification: str
    recipient: str
    channel: str
    provider: str
    locale: str | None
    kind: Literal["text", "correction", "gathered"]
    outcome: str
    """``accepted``, or how the attempt failed."""
    number: int
    """Of the attempt, from 1."""
    body: Any
    """The channel's native form."""

    @cached_property
    def form(self) -> JSON:
        """The native form as plain data: of a push message and a webhook, what is in them."""
        return _plain(self.body)

    @property
    def title(self) -> str | None:
        """The subject or title; None where the channel has none."""
        form = self.form if isinstance(self.form, dict) else {}
        title = form.get("title", form.get("subject"))
        return title if isinstance(title, str) else None


def _plain(body: Any) -> JSON:
    if not isinstance(body, Struct):
        return body
    for name in ("payload", "content"):  # bytes that are JSON are the form itself
        if isinstance(getattr(body, name, None), bytes):
            return orjson.loads(getattr(body, name))
    return msgspec.to_builtins(body, enc_hook=str, builtin_types=(bytes,), str_keys=True)


class SimulatedProvider:
    """Keeps nothing and carries nothing: it ends each attempt as the script says."""

    def __init__(self, channel: str, name: str, clock: Clock, outages: Sequence[Outage]) -> None:
        self._channel, self._name, self._clock, self._outages = channel, name, clock, outages

    def request(self, delivery: Delivery) -> str:
        return f"SIMULATED {self._channel}"

    async def send(self, delivery: Delivery) -> Accepted:
        struck = next((each for each in self._outages if each.strikes(self._channel, self._name, self._clock())), None)
        match struck.fails if struck else None:
            case "rejected":
                raise Rejected("the provider refuses it, as the script says")
            case "later":
                raise Retry("the provider does not take it now, as the script says")
            case "unknown":
                raise Ambiguous("the provider does not answer, as the script says")
        return Accepted("accepted", delivery.message_id)

    async def close(self) -> None:
        """It has nothing open."""


class _Noting(Engine):
    """The engine, noting of each text that it renders for whom and in which language."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.rendered: dict[str, tuple[Message, str | None, Any]] = {}

    def render(self, message: Message, run: Run, recipient: Recipient, context: Context) -> Any:
        """As ever."""
        body = super().render(message, run, recipient, context)
        _, locale = self.texts(message, run, recipient)
        self.rendered[message.id] = (message, locale, body)
        return body


class Simulation(Drive):
    """A hub on a catalogue, from a moment on."""

    def __init__(
        self, store: Store, catalogue: Catalogue, start: datetime, *, seed: int | None = None, metrics: Metrics
    ) -> None:
        """Without ``seed`` nothing is left to chance: each wait is as long as is written."""
        self._metrics = metrics
        self._chance: Callable[[], float] = random.Random(seed).random if seed is not None else lambda: 0.5
        self._versions = {catalogue.version: catalogue}
        self.outages: list[Outage] = []
        """What fails; the first that strikes counts."""
        self.carried: list[Carried] = []
        """Every attempt, and everything that was put into an inbox, in the order in which it happened."""
        self.events: list[Event] = []
        """Those that were submitted here, in order; those of schedules are not among them."""
        clock = Clock(start)
        super().__init__(self._engine(store, catalogue, clock, Editions(catalogue)), clock)

    def _engine(self, store: Store, catalogue: Catalogue, clock: Clock, editions: Editions) -> _Noting:
        providers = {
            name: [self.provider(name, each.name, clock) for each in config.providers]
            for name, config in catalogue.channels.items()
            if name != IN_APP
        }
        return _Noting(
            store,
            catalogue,
            providers,
            clock=clock,
            chance=self._chance,
            owner="simulation",
            metrics=self._metrics,
            secret=_SECRET,
            links=Links(_SECRET, catalogue.project.public_url),
            editions=editions,
        )

    def provider(self, channel: str, name: str, clock: Clock) -> Provider:
        """What stands for a provider of the project."""
        return SimulatedProvider(channel, name, clock, self.outages)

    @property
    def catalogue(self) -> Catalogue:
        """The current one."""
        return self.engine.catalogue

    # -- what happens ----------------------------------------------------------------------------------------------

    async def accept(self, *drafts: Draft) -> list[Event]:
        """Events as sources tell them; those that are new are dealt with in the next turn. Raises IntakeError."""
        news = [admit(draft, self.catalogue, self.now) for draft in drafts]
        await self.submit(news)
        self.events.extend(new.event for new in news)
        return [new.event for new in news]

    async def know(self, *recipients: Recipient) -> None:
        """Put recipients, as a system tells them."""
        await self.store.put_recipients(TENANT, recipients, now=self.now)

    async def wish(self, recipient: str, wishes: Wishes) -> None:
        """From now on this is what somebody wants."""
        await self.store.change_wishes(TENANT, recipient, lambda known: (wishes, ()), now=self.now)

    async def silence(self, silence: Silence) -> None:
        """Put a silence; the one of this id ends."""
        await self.store.put_silence(TENANT, silence, now=self.now)

    async def answer(self, message: str, kind: ReceiptKind, *, permanent: bool = False) -> None:
        """A provider or a person answers about a message; ``read``, where it is in an inbox, as the person does."""
        stored = await self.store.message(message)
        if stored is not None and stored.message.channel == IN_APP and kind == "read":
            recipient = stored.message.recipient
            await self.store.mark_inbox(TENANT, recipient, [message], read=True, now=self.now)
        else:
            await self.engine.receive([Receipt(message=message, kind=kind, at=self.now, permanent=permanent)])

    async def adopt(self, catalogue: Catalogue) -> None:
        """Go on with another version of the project, as a hub does that starts anew on it."""
        ticking = self._ticking is not None
        self._versions[catalogue.version] = catalogue
        editions = Editions(catalogue, load=self._load, versions=self._known)
        await editions.listen(self.now)
        rendered = self.engine.rendered
        self.engine = self._engine(self.store, catalogue, self.clock, editions)
        self.engine.rendered.update(rendered)
        if ticking:
            await self.start_schedules()

    async def _load(self, version: str) -> Catalogue | None:
        return self._versions.get(version)

    async def _known(self) -> Collection[str]:
        return self._versions

    # -- looking ---------------------------------------------------------------------------------------------------

    engine: _Noting

    def settled(self, settlements: Sequence[Settlement]) -> None:
        """Keep the attempts that were made."""
        for settlement in settlements:
            message = settlement.message
            known = self.engine.rendered.get(message.id)
            if not message.attempts or known is None:
                continue
            last = message.attempts[-1]
            if last.request is not None:  # what was held up or cancelled was given to nobody
                self._keep(message, known[1], known[2], last.provider, str(last.outcome))

    def stored(self, inbox: Sequence[InboxItem]) -> None:
        """Keep what was put into inboxes."""
        for item in inbox:
            message, locale, body = self.engine.rendered[item.id]
            self._keep(message, locale, body, "store", "accepted")

    def _keep(self, message: Message, locale: str | None, body: Any, provider: str, outcome: str) -> None:
        self.keep(
            Carried(
                at=self.now,
                message=message.id,
                event=message.event,
                notification=message.notification,
                recipient=message.recipient,
                channel=message.channel,
                provider=provider,
                locale=locale,
                kind="correction" if message.correction else "gathered" if message.gathered else "text",
                outcome=outcome,
                number=max(len(message.attempts), 1),
                body=body,
            )
        )

    def keep(self, carried: Carried) -> None:
        """Called with every attempt, and with everything that was put into an inbox."""
        self.carried.append(carried)

    @property
    def received(self) -> list[Carried]:
        """What reached somebody."""
        return [each for each in self.carried if each.outcome == "accepted"]

    async def runs(self) -> list[Run]:
        """All runs."""
        found: dict[str, Run] = {}
        after: str | None = None
        while True:
            page = await self.store.list_events(TENANT, after=after, limit=PLENTY)
            for stored in page.items:
                story = await self.store.story(stored.event.key)
                assert story is not None
                found.update((each.run.key, each.run) for each in story.runs)
            after = page.next
            if after is None:
                return list(found.values())

    async def explain(self, event: str, *, recipient: str | None = None, language: str = "en") -> Mapping[str, JSON]:
        """The explanation of the event with this key, of all or about one recipient."""
        story = await self.store.story(event, recipient=recipient)
        assert story is not None
        if recipient is None:
            return explain_event(story, now=self.now, language=language)
        known = (await self.engine.recipients([(TENANT, recipient)]))[TENANT].get(recipient)
        return explain_recipient(story, recipient, known, self.catalogue, now=self.now, language=language)


class Simulator:
    """Makes simulations, one after the other: each begins with an empty database, which is much faster than a new one.

    ``async with Simulator() as simulator: simulation = await simulator.begin(catalogue, start)``
    """

    def __init__(self) -> None:
        self._metrics = Metrics()

    async def __aenter__(self) -> Simulator:
        self._store = ScratchStore()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._store.close()

    async def begin(self, catalogue: Catalogue, start: datetime, *, seed: int | None = None) -> Simulation:
        """A simulation; the one before it is over."""
        await self._store.empty()
        return Simulation(self._store, catalogue, start, seed=seed, metrics=self._metrics)
