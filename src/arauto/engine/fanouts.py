"""fanouts: the stage that tells large groups: a page is asked, planned and advanced in one transaction with its cursor.

So a process that dies in the middle repeats one page at most, with the same ids; and however many are told, one page is
in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from arauto.decide.advance import Standing, Told
from arauto.decide.editions import Followed
from arauto.decide.fanouts import ASKED, PAGE, ask, candidates, following, run_for, went_on
from arauto.decide.groups import members
from arauto.decide.plan import event_context
from arauto.decide.signals import CANCEL, awaits_of, place_of, taken_back
from arauto.engine.deciding import MAX_CLAIMS, Deciding, Handover, handover
from arauto.engine.rendering import LEASE, Outgoing, Room, log
from arauto.errors import LanguageError
from arauto.model import Catalogue, Context, Event, Fanout, Group, Reason, Recipient, Run, Signal
from arauto.store import FanoutPage, RunRecord

BREATH = 32
"""After so many runs, whatever else there is to do has its turn."""


class _Asked(Struct, frozen=True):
    """The next page of candidates, asked."""

    members: list[str]
    failures: list[str]
    number: int
    cursor: str
    last: bool


class FanningOut(Deciding):
    """Fan out."""

    async def fan_out(self, fanout: Fanout, room: Room) -> Handover:
        """Ask the next page of the candidates whether they are in the group, and begin and advance the runs of those
        who are. What there is no room for is stored as queued."""
        now = self.clock()
        page, outgoing = await self._page(fanout, room, now)
        committed = await self.store.commit_fanout(page, owner=self.owner, now=now, lease_until=now + LEASE)
        return handover(page.runs, outgoing, committed, now)

    def channels_of(self, fanout: Fanout) -> set[str]:
        """The channels that its runs may send to."""
        notification = self.editions.of(fanout.run).notifications.get(fanout.run.notification)
        return set() if notification is None else set(notification.composers)

    async def _page(self, fanout: Fanout, room: Room, now: datetime) -> tuple[FanoutPage, list[Outgoing]]:
        await self.editions.ready([fanout.run])
        followed = self.editions.follow(fanout.run)
        if isinstance(followed, Reason):
            return _ended(fanout, followed), []
        catalogue = followed.catalogue
        contexts = [(event, event_context(event, catalogue)) for event in fanout.run.events]
        signals = await self._signals(followed, contexts)
        hindered = _hindrance(fanout, catalogue, signals)
        if hindered is not None:
            return _ended(fanout, hindered), []
        asked = await self._ask(fanout, catalogue, catalogue.groups[fanout.group], now)
        if asked.failures:
            self.metrics.expression_failures.labels("group").inc(len(asked.failures))
        runs = [
            msgspec.structs.replace(run_for(fanout, member, now), signals=tuple(signals)) for member in asked.members
        ]
        begun = await self.store.begun(fanout.run.events[0].key, [run.key for run in runs])
        records, outgoing, broken = await self._advance_page(
            [run for run in runs if run.key not in begun], contexts[0][1] if len(contexts) == 1 else None, room, now
        )
        return FanoutPage(
            fanout=went_on(fanout, asked.cursor, asked.number, [*asked.failures, *broken]),
            before=fanout.cursor,
            state="done" if asked.last else "running",
            runs=tuple(records),
        ), outgoing

    async def _signals(self, followed: Followed, contexts: Sequence[tuple[Event, Context]]) -> list[Signal]:
        """What took back the events of the fan-out meanwhile, and what mutes its runs."""
        notification = followed.catalogue.notifications[followed.run.notification]
        if notification.cancel is None and notification.mute is None:
            return []
        try:
            awaits = awaits_of(followed.run, notification, contexts)
        except LanguageError:  # the runs are stopped by that, each with its reason
            return []
        return await self.store.signals_about([each for each in awaits if each.cancels or each.always])

    # -- asking ------------------------------------------------------------------------------------------------------

    async def _ask(self, fanout: Fanout, catalogue: Catalogue, group: Group, now: datetime) -> _Asked:
        cursor, number, last = fanout.cursor, 0, False
        found: list[str] = []
        failures: list[str] = []
        while not last and number < ASKED and len(found) <= PAGE // 2:
            given, last = await self._candidates(fanout.run.tenant, catalogue, group, cursor, PAGE - len(found), now)
            answers = ask(group, given, catalogue.project)
            found.extend(answers.members)
            failures.extend(answers.failures)
            number += len(given)
            cursor = given[-1].id if given else cursor
        return _Asked(found, failures, number, cursor, last)

    async def _candidates(
        self, tenant: str, catalogue: Catalogue, group: Group, cursor: str, limit: int, now: datetime
    ) -> tuple[list[Recipient], bool]:
        """The next to be asked, in the order of their ids, and whether they are the last. Who stands in the project
        counts as the project says."""
        if group.query is None:
            ids, last = following(members(group, now), cursor, limit)
            return [catalogue.recipients[id] for id in ids], last
        page = await self.store.list_recipients(tenant, after=cursor, limit=limit)
        stored = {recipient.id: recipient for recipient in page.items}
        ids, last = candidates(list(stored), page.next is not None, catalogue.recipients, cursor, limit)
        return [catalogue.recipients.get(id) or stored[id] for id in ids], last

    # -- telling -----------------------------------------------------------------------------------------------------

    async def _advance_page(
        self, runs: Sequence[Run], known: Context | None, room: Room, now: datetime
    ) -> tuple[list[RunRecord], list[Outgoing], list[str]]:
        """The runs after their first walk, what is to be sent, and what broke."""
        if not runs:
            return [], [], []
        tenant = runs[0].tenant
        recipients = await self.recipients((tenant, run.recipient) for run in runs)
        await self.suppress(recipients)
        standing: Standing = (await self.standing([tenant]))[tenant]
        records: list[RunRecord] = []
        outgoing: list[Outgoing] = []
        broken: list[str] = []
        for number, run in enumerate(runs, 1):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            recipient = recipients[tenant].get(run.recipient)
            if recipient is None:  # gone since they were asked
                continue
            try:
                record, claimed = self._advance(run, recipient, Told(), standing, known, room, now)
            except Exception as error:  # it must not hold up the others
                log.error("advancing failed", run=run.key, notification=run.notification, exc_info=error)
                broken.append(f"the code behind a step failed: {type(error).__name__}")
                continue
            records.append(record)
            outgoing.extend(claimed)
        return records, outgoing, broken


def _ended(fanout: Fanout, why: Reason) -> FanoutPage:
    """Nobody else is told."""
    return FanoutPage(fanout=msgspec.structs.replace(fanout, ended=why), before=fanout.cursor, state="done")


def _hindrance(fanout: Fanout, catalogue: Catalogue, signals: Sequence[Signal]) -> Reason | None:
    """Why nobody else is told."""
    if fanout.group not in catalogue.groups:
        return Reason("group_gone", {"group": fanout.group})
    if fanout.claims > MAX_CLAIMS:
        log.error("a page of a fan-out broke again and again", fanout=fanout.key, claims=fanout.claims)
        return Reason("page_broke", {"claims": fanout.claims - 1})
    if taken_back(msgspec.structs.replace(fanout.run, signals=tuple(signals))):
        by = next(signal.event for signal in reversed(signals) if place_of(signal) == CANCEL and signal.event)
        return Reason("retracted", {"event": fanout.run.events[0].key, "by": by.type, "with": by.key})
    return None
