"""Any order of events, clock moves, wishes, silences, failures and crashes, on the real engine in virtual time.

Whatever happened: nothing was sent against a wish of that moment; every event ends, for each notification that it
concerns, in a message that tells it or in a reason why not; and no event is told twice by one step.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from arauto.channels import Accepted, Delivery
from arauto.decide.calendar import quiet_until
from arauto.decide.wishes import refusal
from arauto.engine.stages import LEASE
from arauto.errors import Ambiguous, Rejected, Retry
from arauto.model import (
    Attention,
    Catalogue,
    Context,
    Event,
    Message,
    Notification,
    QuietHours,
    Receipt,
    Run,
    Silence,
    Wishes,
    derive_id,
)
from arauto.store import Store, StoredMessage, StoredRun
from arauto.store.opening import open_store
from decide.conftest import Words, awaited, notification
from engine.conftest import Clock, make_catalogue, target
from engine.driving import Drive, engine_over

MINUTE = timedelta(minutes=1)
PER = timedelta(hours=2)
CHANNELS = ("email", "sms", "inapp")


class Telling(msgspec.Struct, frozen=True):
    """A body, for any channel, that tells which events of which notification it is about."""

    said: str
    title: str
    url: str | None = None


class Items:
    """A text that names its notification and its events: ``paid:1 paid:2``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def compose(self, context: Context) -> msgspec.Struct:
        said = " ".join(f"{self.name}:{event['id']}" for event in context["events"])
        return Telling(said, said)


class Gathered:
    """The text that lists notices."""

    def compose(self, context: Context) -> msgspec.Struct:
        return Words(" ".join(notice["title"] for notice in context["message"]["notices"]))


def rules() -> list[Notification]:
    """A notification of each kind."""

    def made(name: str, *do: dict[str, Any], on: str = "order.paid", **more: Any) -> Notification:
        text = {"en": Items(name)}
        corrections = {channel: {"en": Items("not")} for channel in CHANNELS} if "cancel" in more else {}
        return notification(
            target(person="'ana'"),
            name=name,
            do=do,
            on=on,
            texts=dict.fromkeys(CHANNELS, text),
            corrections=corrections,
            notices=text,
            **more,
        )

    cancel = awaited("order.cancelled")
    return [
        made("plain", {"send": ["email", "inapp"]}, cancel=cancel),
        made(
            "digest",
            {"send": ["sms", "inapp"]},
            {"digest": {"window": "1h", "size": 4}},
            {"send": "email"},
            cancel=cancel,
        ),
        made("sliding", {"digest": {"sliding": "20m", "at_most": "1h"}}, {"send": {"first_of": ["sms", "email"]}}),
        made(
            "cart",
            {"wait_for": {"event": "order.paid", "match": "event.data.order", "up_to": "45m"}},
            {"throttle": {"at_most": 1, "per": "1h", "overflow": "digest"}},
            {"send": "sms"},
            on="order.shipped",
        ),
        made("twice", {"send": "email"}, {"send": "sms"}, on="order.shipped"),
        made("first", {"digest": {"window": "1h", "first": "now"}}, {"send": "email"}, on="order.shipped"),
    ]


def budgeted(catalogue: Catalogue, budget: int) -> Catalogue:
    attention = Attention(per=PER, low=1, normal=budget, high=99)
    project = msgspec.structs.replace(catalogue.project, attention=attention, time_zone="UTC")
    return msgspec.structs.replace(
        catalogue, project=project, gathered={channel: {"en": Gathered()} for channel in CHANNELS}
    )


class Carrier:
    """A provider that keeps what was accepted, and checks what it is given against the model."""

    def __init__(self, channel: str, machine: Engines) -> None:
        self.channel, self.machine = channel, machine

    def request(self, delivery: Delivery) -> str:
        return "POST"

    async def send(self, delivery: Delivery) -> Any:
        self.machine.check(self.channel, delivery)
        end = self.machine.ends.pop(0) if self.machine.ends else None
        if end is not None:
            raise end
        self.machine.accepted[delivery.message_id].append(delivery.body.said)
        return Accepted("ok", delivery.message_id)

    async def close(self) -> None:
        pass


drives = st.sampled_from([0, 1])
orders = st.sampled_from("ABC")
types = st.sampled_from(["order.paid", "order.paid", "order.shipped", "order.cancelled"])


class Engines(RuleBasedStateMachine):
    """Two engines on one store, one of which may die at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store: Store = self.runner.run(open_store("sqlite://:memory:"))
        self.clock = Clock()
        self.budget = 0
        self.catalogue = make_catalogue(*rules())
        self.wishes = Wishes()
        self.silences: dict[str, Silence] = {}
        self.ends: list[Exception] = []
        self.accepted: defaultdict[str, list[str]] = defaultdict(list)
        self.violations: list[str] = []
        self.events: list[Event] = []
        self.born = 0
        self.drives: list[Drive] = []

    @initialize(budget=st.sampled_from([3, 40]))
    def begin(self, budget: int) -> None:
        """With little or with much attention: where there is little, nearly everything waits for it."""
        self.budget = budget
        self.catalogue = budgeted(self.catalogue, budget)
        self.drives = [self._engine(), self._engine()]

    def _engine(self) -> Drive:
        self.born += 1
        providers = {channel: [Carrier(channel, self)] for channel in self.catalogue.channels if channel != "inapp"}
        engine = engine_over(self.store, self.catalogue, providers, self.clock, owner=f"engine-{self.born}")
        return Drive(engine, self.clock)

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        try:
            if self.drives:
                self._end()
        finally:
            self.run(self.store.close())
            self.runner.close()

    # -- what happens ----------------------------------------------------------------------------------------------

    @rule(drive=drives, batch=st.lists(st.tuples(types, orders), min_size=1, max_size=4), turn=st.booleans())
    def events_come(self, drive: int, batch: list[tuple[str, str]], turn: bool) -> None:
        self.run(self._accept(drive, batch, turn))

    async def _accept(self, drive: int, batch: list[tuple[str, str]], turn: bool) -> None:
        events = [
            Event(source="shop", id=str(len(self.events) + n), type=type, time=self.clock.now, data={"order": order})
            for n, (type, order) in enumerate(batch)
        ]
        self.events.extend(events)
        await self.drives[drive].accept(*events)
        if turn:
            await self.drives[drive].turn()

    @rule(drive=drives)
    def an_engine_turns(self, drive: int) -> None:
        self.run(self.drives[drive].turn())

    @rule(drive=drives, seconds=st.sampled_from([2, 6, 60, 600, 1500, 3660]))
    def time_passes(self, drive: int, seconds: int) -> None:
        self.run(self.drives[drive].run_until(timedelta(seconds=seconds)))

    @rule(minutes=st.sampled_from([1, 30, 90]))
    def everything_stands_still(self, minutes: int) -> None:
        self.clock.now += minutes * MINUTE

    @rule(channel=st.sampled_from(["*", *CHANNELS]), wanted=st.booleans())
    def a_wish_changes(self, channel: str, wanted: bool) -> None:
        said = {**self.wishes.categories.get("orders", {}), channel: wanted}
        self._wish(msgspec.structs.replace(self.wishes, categories={"orders": said}))

    @rule(hours=st.sampled_from([0, 1, 2]))
    def quiet_hours_change(self, hours: int) -> None:
        """They begin now, or are no longer wished for."""
        start, end = (f"{self.clock.now + number * 60 * MINUTE:%H:%M}" for number in (0, hours))
        quiet = QuietHours(start=start, end=end) if hours else None
        self._wish(msgspec.structs.replace(self.wishes, quiet_hours=quiet))

    def _wish(self, wishes: Wishes) -> None:
        self.wishes = wishes
        self.run(self.store.change_wishes("default", "ana", lambda known: (wishes, ()), now=self.clock.now))

    @rule(id=st.sampled_from("xy"), drop=st.booleans(), minutes=st.sampled_from([20, 120]), one=st.booleans())
    def a_silence_begins(self, id: str, drop: bool, minutes: int, one: bool) -> None:
        silence = Silence(
            id=id,
            owner="bia",
            reason="maintenance",
            drop=drop,
            start=self.clock.now,
            end=self.clock.now + minutes * MINUTE,
            notifications=("plain", "digest") if one else (),
        )
        self.silences[id] = silence
        self.run(self.store.put_silence("default", silence, now=self.clock.now))

    @rule(id=st.sampled_from("xy"))
    def a_silence_ends(self, id: str) -> None:
        self.silences.pop(id, None)
        self.run(self.store.delete_silence("default", id, now=self.clock.now))

    @rule(ends=st.lists(st.sampled_from(["retry", "rejected", "unknown"]), min_size=1, max_size=2))
    def providers_fail(self, ends: list[str]) -> None:
        kinds = {"retry": Retry("busy"), "rejected": Rejected("no such address"), "unknown": Ambiguous("no answer")}
        self.ends.extend(kinds[end] for end in ends)

    @precondition(lambda self: self.accepted)
    @rule(data=st.data(), kind=st.sampled_from(["delivered", "read", "bounced"]))
    def a_receipt_comes(self, data: Any, kind: Any) -> None:
        id = data.draw(st.sampled_from(sorted(self.accepted)))
        self.run(self.drives[0].engine.receive([Receipt(message=id, kind=kind, at=self.clock.now)]))

    @rule(read=st.booleans())
    def the_inbox_is_read(self, read: bool) -> None:
        if read:
            self.run(self.store.mark_inbox("default", "ana", None, read=True, now=self.clock.now))

    @rule(drive=drives, what=st.sampled_from(["quiet", "silence", "refusal"]))
    def minds_change_while_a_message_waits(self, drive: int, what: str) -> None:
        """It could not be delivered at once, and is tried again after some seconds: may it still be sent?"""
        self.ends.insert(0, Retry("busy"))
        self.run(self._accept(drive, [("order.paid", "A"), ("order.shipped", "A")], turn=True))
        if what == "quiet":
            self.quiet_hours_change(1)
        elif what == "silence":
            self.a_silence_begins("x", drop=False, minutes=20, one=False)
        else:
            self.a_wish_changes("*", wanted=False)
        self.run(self.drives[drive].run_until(timedelta(seconds=20)))

    # -- dying -----------------------------------------------------------------------------------------------------

    @rule(drive=drives)
    def an_engine_dies(self, drive: int) -> None:
        """With what it had in memory; another comes in its place, and finds what it left when the leases end."""
        self.drives[drive] = self._engine()

    @rule(drive=drives, sent=st.booleans())
    def an_engine_dies_in_the_middle(self, drive: int, sent: bool) -> None:
        """Between two commits of a turn: after a plan, before or after its messages were sent."""
        dying = self.drives[drive]

        async def send(outgoing: Any) -> None:
            if sent:
                for each in outgoing:
                    await dying.engine.attempt(each)

        dying.send = send  # type: ignore[method-assign]
        self.run(dying.turn())
        self.drives[drive] = self._engine()

    @rule(drive=drives)
    def a_decision_comes_too_late(self, drive: int) -> None:
        """An engine sleeps between taking runs and deciding: by then another has them."""
        engine, other = self.drives[drive].engine, self.drives[1 - drive]

        async def sleep() -> None:
            now = self.clock.now
            due = await self.store.take_due_runs(owner=engine.owner, now=now, lease_until=now + LEASE, limit=99)
            self.clock.now += LEASE + MINUTE
            await other.turn()
            handover = await engine.advance(due, dict.fromkeys(self.catalogue.channels, 99))
            await self.drives[drive].send(handover.outgoing)

        self.run(sleep())

    @rule(drive=drives, batch=st.lists(orders, min_size=1, max_size=3))
    def events_come_while_runs_are_decided(self, drive: int, batch: list[str]) -> None:
        """One engine has what is due next, and decides it; meanwhile another plans what would join it."""
        engine = self.drives[drive].engine

        async def meet() -> None:
            due = await self.store.next_due()
            self.clock.now = max(self.clock.now, due or self.clock.now)
            now = self.clock.now
            taken = await self.store.take_due_runs(owner=engine.owner, now=now, lease_until=now + LEASE, limit=99)
            await self._accept(1 - drive, [("order.paid", order) for order in batch], turn=True)
            handover = await engine.advance(taken, dict.fromkeys(self.catalogue.channels, 99))
            await self.drives[drive].send(handover.outgoing)

        self.run(meet())

    # -- what always holds -----------------------------------------------------------------------------------------

    def check(self, channel: str, delivery: Delivery) -> None:
        """(a) Nothing is sent against a wish in force. Only noted here: what a provider raises, the engine survives."""
        name = self.notification_of(delivery.message_id)
        now = self.clock.now
        ana = msgspec.structs.replace(self.catalogue.recipients["ana"], wishes=self.wishes)
        if refusal(ana, self.catalogue.categories["orders"], channel) is not None:
            self.violations.append(f"{channel} is not wanted")
        if self.wishes.quiet_hours is not None and quiet_until(self.wishes.quiet_hours, "UTC", now) is not None:
            self.violations.append(f"{now} is quiet")
        for silence in self.silences.values():
            concerned = not silence.notifications or name in silence.notifications
            if concerned and (silence.end is None or now < silence.end):
                self.violations.append(f"{silence.id} holds {name}")

    def notification_of(self, id: str) -> str:
        """The notification of a message, read on the connection beneath: this is called while the loop runs."""
        connection = self.store._database._writer  # type: ignore[attr-defined]
        ((document,),) = connection.execute("SELECT document FROM messages WHERE id = ?", (id,)).fetchall()
        return str(msgspec.json.decode(document)["notification"])

    @invariant()
    def nothing_was_sent_against_a_wish(self) -> None:
        assert not self.violations, self.violations

    @invariant()
    def no_lease_is_for_ever(self) -> None:
        due = self.run(self.store.next_due())
        assert due is None or due < self.clock.now + timedelta(days=2)

    # -- the end ---------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        """Let all that is due happen, then look at what became of each event."""
        self.ends.clear()
        last = self._engine()
        self.run(last.run_out(timedelta(days=20)))
        assert not self.violations, self.violations
        messages = {stored.message.id: stored for stored in self.run(last.messages())}
        stories = {event.id: self.run(self.store.story(event.key)) for event in self.events}
        runs = {stored.run.key: stored for story in stories.values() for stored in story.runs}
        self._check_messages(messages, runs)
        self._check_told(messages)
        for event in self.events:
            for each in self.catalogue.by_event_type.get(event.type, ()):
                own = runs[derive_id("run", event.key, each.name, "ana")].run
                self._check_outcome(event, each, own, runs, messages)
        self._check_budget(messages)

    def _check_messages(self, messages: dict[str, StoredMessage], runs: dict[str, StoredRun]) -> None:
        for id, said in self.accepted.items():
            unknown = sum(attempt.outcome == "unknown" for attempt in messages[id].message.attempts)
            late = sum(attempt.late for attempt in messages[id].message.attempts)
            assert len(said) <= 1 + unknown + late, f"{id} was delivered {len(said)} times"
        for stored in messages.values():
            assert stored.state in ("sent", "failed", "expired", "cancelled"), stored.state
            if stored.message.correction is not None:
                corrected = [
                    each
                    for each in messages.values()
                    if each.message.run == stored.message.run
                    and each.message.channel == stored.message.channel
                    and each.message.correction is None
                ]
                assert any(each.state == "sent" for each in corrected), "who received nothing was corrected"
        assert all(stored.state == "done" for stored in runs.values())

    def _check_told(self, messages: dict[str, StoredMessage]) -> None:
        """(c) By item (``paid:1``), the messages that told it; each once by each step."""
        told: defaultdict[str, list[Message]] = defaultdict(list)
        for id, texts in self.accepted.items():
            message = messages[id].message
            if message.correction is not None:
                continue
            items = {item for text in texts for item in text.split()}
            assert all(count == 1 for count in Counter(texts[-1].split()).values()), f"told twice in one: {texts[-1]}"
            for item in items:
                told[item].append(message)
        for item, found in told.items():
            steps = Counter((message.channel, message.step) for message in found if not message.gathered)
            assert all(count == 1 for count in steps.values()), f"{item} was told twice: {found}"

    def _check_outcome(
        self,
        event: Event,
        each: Notification,
        own: Run,
        runs: dict[str, StoredRun],
        messages: dict[str, StoredMessage],
    ) -> None:
        """(b) It ends in one explained outcome: told by whichever run held it in the end, or with a reason there."""
        final = own
        while event.key not in final.retracted and (
            joined := [entry for entry in final.log if entry.decision == "merge"]
        ):
            final = runs[joined[-1].reason.values["run"]].run
        codes = {entry.reason.code for entry in final.log}
        if event.key in final.retracted or (final.notification == each.name and "came" in codes):
            return
        reasons = {"not_wanted", "suppressed", "unreachable", "silenced", "none_worked"}
        item = f"{each.name}:{event.id}"
        ended = [messages[id] for sent in final.sent for id in sent.messages if item in _items(final, sent.events)]
        for stored in ended:
            if stored.state == "sent" and stored.message.channel != "inapp":
                assert item in " ".join(self.accepted[stored.message.id]).split(), f"{item} is missing"
        assert ended or codes & reasons, f"{item} ended without a reason: {sorted(codes)}"

    def _check_budget(self, messages: dict[str, StoredMessage]) -> None:
        """At most so many messages were made in any span; corrections are beside it."""
        made = sorted(stored.message.created_at for stored in messages.values() if stored.message.correction is None)
        for first, later in zip(made, made[self.budget :], strict=False):
            assert later - first >= PER, f"more than {self.budget} messages from {first} to {later}"


def _items(run: Run, count: int) -> list[str]:
    """What a message told that was handed over when the run held so many events."""
    origins = run.origins or (None,) * len(run.events)
    held = list(zip(run.events, origins, strict=True))[:count]
    return [f"{origin.notification if origin else run.notification}:{event.id}" for event, origin in held]


def test_any_order_of_what_may_happen() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Engines,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
