"""Any order of verbs, by two owners of whom each may be a zombie, on each database beside a model in dicts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from msgspec import structs

from arauto.model import Attempt, Event, Message, MessageState, Run
from arauto.store import Claim, NewEvent, NewMessage, PlanRecord, RunRecord, Settlement, Store
from arauto.store.opening import open_store

START = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = 5 * MINUTE
ENDED = ("sent", "failed", "expired")

owners = st.sampled_from(["a", "b"])
ids = st.sampled_from("1234")
minutes = st.integers(0, 8).map(lambda number: number * MINUTE)


@dataclass
class ModelEvent:
    event: Event
    body: str
    owner: str
    leased_until: datetime
    claims: int = 1
    state: str = "pending"


@dataclass
class ModelRun:
    run: Run
    state: str
    due_at: datetime | None
    owner: str | None = None
    leased_until: datetime | None = None
    woken: bool = False

    @property
    def ready_at(self) -> datetime | None:
        return self.leased_until or self.due_at


@dataclass
class ModelMessage:
    message: Message
    state: MessageState
    due_at: datetime | None
    since: datetime | None
    fence: int
    late: list[Attempt] = field(default_factory=list)

    @property
    def seen(self) -> Message:
        attempts = self.message.attempts
        return structs.replace(
            self.message, attempts=(*attempts, *[each for each in self.late if each not in attempts])
        )


class StoreMachine(RuleBasedStateMachine):
    url = "sqlite://:memory:"

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store: Store = self.runner.run(open_store(self.url))
        self.now = START
        self.events: dict[str, ModelEvent] = {}
        self.runs: dict[str, ModelRun] = {}
        self.messages: dict[str, ModelMessage] = {}
        self.claims: list[tuple[Message, int]] = []

    @initialize()
    def begin_with_some_work(self) -> None:
        """Otherwise most examples end before there is a claim to lose."""
        if not self.url.startswith("sqlite"):
            self.runner.run(self._truncate())
        self.append("a", [("1", "x"), ("2", "x"), ("3", "x")])
        self.commit_plans("a", [("1", "sending", True, MINUTE, None), ("2", "sending", False, MINUTE, MINUTE)])

    async def _truncate(self) -> None:
        async with self.store._database._pool.acquire() as connection:  # type: ignore[attr-defined]
            await connection.execute("TRUNCATE events, runs, run_events, messages, inbox, recipients")

    def teardown(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()

    def lease(self, owner: str) -> dict[str, Any]:
        return {"owner": owner, "now": self.now, "lease_until": self.now + LEASE}

    # -- verbs -----------------------------------------------------------------------------------------------------

    @rule(by=minutes)
    def time_passes(self, by: timedelta) -> None:
        self.now += by

    @rule(owner=owners, batch=st.lists(st.tuples(ids, st.sampled_from("xy")), max_size=4))
    def append(self, owner: str, batch: list[tuple[str, str]]) -> None:
        news, expected = [], []
        for id, body in batch:
            event = Event(source="loja", id=id, type="t", time=START, data={"id": id})
            news.append(NewEvent(event, body))
            known = self.events.get(event.key)
            if known is None:
                self.events[event.key] = ModelEvent(event, body, owner, self.now + LEASE)
                expected.append((event.key, "new", body))
            else:
                expected.append((event.key, "same" if known.body == body else "conflict", known.body))
        answers = self.runner.run(self.store.append_events(news, **self.lease(owner)))
        assert [(answer.key, answer.outcome, answer.body_hash) for answer in answers] == expected

    @rule(owner=owners)
    def take_pending(self, owner: str) -> None:
        expected = {}
        for known in self.events.values():
            if known.state == "pending" and known.leased_until <= self.now:
                known.owner, known.leased_until, known.claims = owner, self.now + LEASE, known.claims + 1
                expected[known.event.key] = known.claims
        taken = self.runner.run(self.store.take_pending(**self.lease(owner), limit=99))
        assert {pending.event.key: pending.claims for pending in taken} == expected

    @rule(
        owner=owners,
        batch=st.lists(
            st.tuples(
                ids,
                st.sampled_from(["queued", "sending", "sent", "held"]),
                st.booleans(),
                minutes,
                st.one_of(st.none(), minutes),
            ),
            max_size=3,
        ),
    )
    def commit_plans(
        self, owner: str, batch: list[tuple[str, MessageState, bool, timedelta, timedelta | None]]
    ) -> None:
        plans, expected = [], set()
        for id, state, awaited, after, wait in batch:
            event = Event(source="loja", id=id, type="t", time=START, data={"id": id})
            run = Run(key=f"run_{id}", notification="n", recipient="ana", events=(event,), entered_at=START)
            message = Message(
                id=f"msg_{id}",
                run=run.key,
                event=event.key,
                notification="n",
                recipient="ana",
                channel="email",
                step=0,
                address="x",
                created_at=START,
                expires_at=START,
                awaited=awaited,
            )
            new = NewMessage(message=message, state=state, due_at=self.now + after)
            due_at = None if wait is None else self.now + wait
            record = RunRecord(run=run, state="waiting" if awaited or wait else "done", due_at=due_at, messages=(new,))
            plans.append(PlanRecord(event=event.key, explanation={}, runs=(record,)))
            known = self.events.get(event.key)
            if known is None or known.state != "pending" or known.owner != owner:
                continue
            known.state = "planned"
            expected.add(event.key)
            self.runs[run.key] = ModelRun(run, record.state, due_at)
            self._insert(new)
        assert self.runner.run(self.store.commit_plans(plans, **self.lease(owner))).events == expected

    def _insert(self, new: NewMessage) -> None:
        sending = new.state == "sending"
        due_at = self.now + LEASE if sending else new.due_at if new.state == "queued" else None
        self.messages[new.message.id] = ModelMessage(
            new.message, new.state, due_at, self.now if sending else None, int(sending)
        )
        if sending:
            self.claims.append((new.message, 1))

    @rule(id=ids)
    def quarantine(self, id: str) -> None:
        key = Event(source="loja", id=id, type="t", time=START, data=None).key
        if key in self.events and self.events[key].state == "pending" and self.events[key].claims > 1:
            self.events[key].state = "quarantined"
            self.runner.run(self.store.quarantine(key, "broken"))

    @rule(owner=owners)
    def take_due_runs(self, owner: str) -> None:
        expected = {}
        for known in self.runs.values():
            if known.state == "waiting" and known.ready_at is not None and known.ready_at <= self.now:
                known.owner, known.leased_until, known.woken = owner, self.now + LEASE, False
                expected[known.run.key] = {
                    id: each.state for id, each in self.messages.items() if each.message.run == known.run.key
                }
        taken = self.runner.run(self.store.take_due_runs(**self.lease(owner), limit=99))
        assert {due.run.key: due.messages for due in taken} == expected
        assert all(due.run == self.runs[due.run.key].run for due in taken)

    @rule(owner=owners, id=ids, wait=st.one_of(st.none(), minutes), done=st.booleans())
    def commit_runs(self, owner: str, id: str, wait: timedelta | None, done: bool) -> None:
        known = self.runs.get(f"run_{id}")
        if known is None:
            return
        run = structs.replace(known.run, step=known.run.step + 1)
        due_at = None if wait is None or done else self.now + wait
        record = RunRecord(run=run, state="done" if done else "waiting", due_at=due_at)
        expected = set()
        if known.state == "waiting" and known.owner == owner:
            expected.add(run.key)
            known.run, known.state, known.owner, known.leased_until = run, record.state, None, None
            known.due_at = self.now if known.woken else due_at
        assert self.runner.run(self.store.commit_runs([record], **self.lease(owner))).runs == expected

    def _claimed(self, claims: list[Claim], expected: dict[str, ModelMessage]) -> None:
        assert {claim.message.id for claim in claims} == set(expected)
        for claim in claims:
            known = expected[claim.message.id]
            assert (claim.message, claim.fence, claim.since) == (known.seen, known.fence, known.since)
            assert claim.run == self.runs[claim.message.run].run
            self.claims.append((claim.message, claim.fence))

    @rule(owner=owners)
    def take_due_messages(self, owner: str) -> None:
        expected = {}
        for id, known in self.messages.items():
            if known.state == "queued" and known.due_at is not None and known.due_at <= self.now:
                known.state, known.due_at, known.since = "sending", self.now + LEASE, self.now
                known.fence += 1
                expected[id] = known
        self._claimed(self.runner.run(self.store.take_due_messages(**self.lease(owner), room={"email": 99})), expected)

    @rule(owner=owners)
    def take_abandoned(self, owner: str) -> None:
        expected = {}
        for id, known in self.messages.items():
            if known.state == "sending" and known.due_at is not None and known.due_at <= self.now:
                known.due_at = self.now + LEASE
                known.fence += 1
                expected[id] = known
        self._claimed(self.runner.run(self.store.take_abandoned(**self.lease(owner), limit=99)), expected)

    @rule(
        data=st.data(),
        state=st.sampled_from(["queued", "sent", "failed", "expired", "held"]),
        after=minutes,
        twice=st.booleans(),
    )
    def settle(self, data: Any, state: MessageState, after: timedelta, twice: bool) -> None:
        if not self.claims:
            return
        message, fence = data.draw(st.sampled_from(self.claims))
        attempt = Attempt(number=len(message.attempts) + 1, provider=f"by-{fence}-{state}", started_at=self.now)
        message = structs.replace(message, attempts=(*message.attempts, attempt))
        due_at = self.now + after if state == "queued" else None
        settlement = Settlement(message=message, fence=fence, state=state, due_at=due_at)
        known = self.messages[message.id]
        if known.state == "sending" and known.fence == fence:
            known.message, known.state, known.due_at = message, state, due_at
            if message.awaited and state in ENDED and self.runs[message.run].state == "waiting":
                self.runs[message.run].due_at = self.now
                self.runs[message.run].woken = True
            applied = True
        else:
            late = structs.replace(attempt, late=True)
            applied = attempt in known.message.attempts
            if not applied and late not in known.late and late not in known.message.attempts:
                known.late.append(late)
            applied = applied and fence == known.fence
        for _ in range(1 + twice):
            assert self.runner.run(self.store.settle([settlement], now=self.now)) == [applied]

    @rule()
    def end_all_leases(self) -> None:
        for event in self.events.values():
            event.leased_until = min(event.leased_until, self.now)
        for run in self.runs.values():
            if run.leased_until is not None:
                run.leased_until = min(run.leased_until, self.now)
        for message in self.messages.values():
            if message.state == "sending" and message.due_at is not None:
                message.due_at = min(message.due_at, self.now)
        self.runner.run(self.store.end_all_leases(self.now))

    # -- what always holds -----------------------------------------------------------------------------------------

    @invariant()
    def everything_is_as_in_the_model(self) -> None:
        self.runner.run(self._compare())

    async def _compare(self) -> None:
        counts = await self.store.counts()
        for told, known in ((counts.events, self.events), (counts.runs, self.runs)):
            states = [each.state for each in known.values()]
            assert told == {state: states.count(state) for state in states}
        for id, message in self.messages.items():
            stored = await self.store.message(id)
            assert stored is not None
            assert (stored.message, stored.state) == (message.seen, message.state)
        due = [event.leased_until for event in self.events.values() if event.state == "pending"]
        due += [run.ready_at for run in self.runs.values() if run.state == "waiting" and run.ready_at is not None]
        due += [message.due_at for message in self.messages.values() if message.due_at is not None]
        assert await self.store.next_due() == min(due, default=None)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_any_order_of_verbs(kind: str, request: pytest.FixtureRequest) -> None:
    machine: type[StoreMachine] = StoreMachine
    if kind == "postgresql":
        machine = type("OnPostgresql", (StoreMachine,), {"url": request.getfixturevalue("postgresql_url")})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=60 if kind == "sqlite" else 20,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
