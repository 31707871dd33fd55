"""outcome: what a world came to, in figures that can be told; of two runs, what the outages did."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import Struct

from arauto.decide.wishes import IN_APP
from arauto.simulate.costs import Money, total
from arauto.simulate.tally import NIGHT, Arrived, Held, Tally
from arauto.simulate.whatif import Setting

_LATE = 60.0
"""What comes less than so many seconds later is not delayed."""


class Channel(Struct, frozen=True, kw_only=True):
    """What went by a channel."""

    channel: str
    messages: int
    segments: int
    attempts: dict[str, int]
    """By how they ended."""
    not_sent: dict[str, int]
    """Messages by state: failed, expired, …"""
    receipts: dict[str, int]
    median: float | None
    """Seconds from the event to the arrival: half took less."""
    p95: float | None
    """And 95 of 100 less than this."""
    at_night: int
    """To people, between 22 and 7 where they are."""
    cost: tuple[Money, ...]
    hours: tuple[int, ...]
    """To people, by the hour of the day where they are."""
    timeline: tuple[int, ...]
    """By hour, from the beginning on."""


class Sort(Struct, frozen=True, kw_only=True):
    """Messages of one notification by one channel in one language."""

    channel: str
    notification: str
    category: str
    language: str
    messages: int


class Share(Struct, frozen=True):
    """What somebody got of a notification by a channel."""

    notification: str
    channel: str
    messages: int


class Person(Struct, frozen=True, kw_only=True):
    """How much people got who got anything."""

    reached: int
    median: float
    p95: int
    most: int
    who: str | None
    """Who got the most."""
    got: tuple[Share, ...]
    """What that was."""


class Why(Struct, frozen=True, kw_only=True):
    """Why something was not sent, or not at once, and how often."""

    decision: str
    notification: str
    code: str
    values: dict[str, str | int | float]
    times: int


class Broken(Struct, frozen=True, kw_only=True):
    """A provider did not work."""

    channel: str
    provider: str | None
    start: datetime
    end: datetime


class FellBack(Struct, frozen=True):
    """What would have gone by one channel went by another."""

    notification: str
    usual: str
    instead: str
    messages: int


class Difference(Struct, frozen=True, kw_only=True):
    """What is otherwise than in the same world without its outages."""

    delayed: int
    delay_median: float
    """Seconds."""
    delay_most: float
    fell_back: tuple[FellBack, ...]
    lost: dict[str, int]
    """By notification: arrives without the outage, and not, or not before the end, with it."""
    more: int
    """Arrived only with the outage, beside another that arrived in both."""
    not_sent: dict[str, int]
    """By state, how many more messages failed, expired, …"""
    cost: tuple[Money, ...]
    """What it costs more, or less."""


class Outcome(Struct, frozen=True, kw_only=True):
    """All of it."""

    project: str
    version: str
    world: str
    seed: int
    start: datetime
    end: datetime
    zone: str
    people: int
    """Those of the world and those of the project."""
    events: dict[str, int]
    messages: int
    at_night: int
    """Of what disturbs, which is all but the inbox."""
    disturbing: int
    """To people by other channels than the inbox."""
    channels: tuple[Channel, ...]
    sorts: tuple[Sort, ...]
    person: Person
    why: tuple[Why, ...]
    cost: tuple[Money, ...]
    outages: tuple[Broken, ...]
    difference: Difference | None

    def as_json(self) -> str:
        """Indented, with money as text."""
        return msgspec.json.format(msgspec.json.encode(self)).decode()


def outcome(setting: Setting, tally: Tally, usual: Tally | None) -> Outcome:
    """What a run came to; ``usual`` is the same without the outages."""
    channels = tuple(_channel(name, tally) for name in setting.catalogue.channels if name in tally.timeline)
    disturbing = [each for each in channels if each.channel != IN_APP]
    return Outcome(
        project=setting.catalogue.project.name,
        version=setting.catalogue.version,
        world=setting.world.name,
        seed=setting.seed,
        start=setting.start,
        end=setting.end,
        zone=setting.catalogue.project.time_zone,
        people=setting.world.people.count
        + sum(each.kind == "person" for each in setting.catalogue.recipients.values()),
        events=dict(tally.events.most_common()),
        messages=sum(tally.messages.values()),
        at_night=sum(each.at_night for each in disturbing),
        disturbing=sum(sum(each.hours) for each in disturbing),
        channels=tuple(sorted(channels, key=lambda each: -each.messages)),
        sorts=tuple(
            Sort(
                channel=kind.channel,
                notification=kind.notification,
                category=kind.category,
                language=kind.language,
                messages=count,
            )
            for kind, count in sorted(tally.messages.items(), key=lambda each: (-each[1], each[0]))
        ),
        person=_person(tally),
        why=tuple(_why(tally.held)),
        cost=_costs(tally),
        outages=tuple(
            Broken(
                channel=each.channel,
                provider=each.provider,
                start=setting.start + each.start,
                end=min(setting.start + each.start + each.lasts, setting.end),
            )
            for each in setting.world.breakdowns
            if setting.start + each.start < setting.end
        ),
        difference=None if usual is None else _difference(tally, usual),
    )


def _channel(name: str, tally: Tally) -> Channel:
    took = sorted(tally.took[name])
    hours = tuple(tally.by_hour[name])
    return Channel(
        channel=name,
        messages=sum(tally.timeline[name]),
        segments=tally.segments[name],
        attempts={how: count for (channel, how), count in sorted(tally.attempts.items()) if channel == name},
        not_sent={state: count for (channel, state), count in sorted(tally.ended.items()) if channel == name},
        receipts={kind: count for (channel, kind), count in sorted(tally.receipts.items()) if channel == name},
        median=round(_at(took, 0.5), 1) if took else None,
        p95=round(_at(took, 0.95), 1) if took else None,
        at_night=sum(hours[hour] for hour in NIGHT),
        cost=total(Money(amount, currency) for (channel, currency), amount in tally.costs.items() if channel == name),
        hours=hours,
        timeline=tuple(tally.timeline[name]),
    )


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def _person(tally: Tally) -> Person:
    counts = sorted(tally.people.values())
    if not counts:
        return Person(reached=0, median=0, p95=0, most=0, who=None, got=())
    who = min(id for id, count in tally.people.items() if count == counts[-1])
    got = [Share(name, channel, count) for (id, name, channel), count in tally.gotten.items() if id == who]
    return Person(
        reached=len(counts),
        median=_at(counts, 0.5),
        p95=int(_at(counts, 0.95)),
        most=counts[-1],
        who=who,
        got=tuple(sorted(got, key=lambda each: (-each.messages, each.notification, each.channel))),
    )


def _why(held: Counter[Held]) -> Iterable[Why]:
    for each, times in sorted(held.items(), key=lambda item: (-item[1], item[0])):
        yield Why(
            decision=each.decision,
            notification=each.notification,
            code=each.code,
            values=dict(each.values),
            times=times,
        )


def _costs(tally: Tally) -> tuple[Money, ...]:
    return total(Money(amount, currency) for (_, currency), amount in sorted(tally.costs.items()))


def _difference(tally: Tally, usual: Tally) -> Difference:
    delays: list[float] = []
    fell: Counter[tuple[str, str, str]] = Counter()
    lost: Counter[str] = Counter()
    more = 0
    for key in sorted(usual.arrived.keys() | tally.arrived.keys()):
        before, after = _by_channel(usual.arrived.get(key, ())), _by_channel(tally.arrived.get(key, ()))
        for channel in sorted(before.keys() & after.keys()):
            pairs = zip(before[channel], after[channel], strict=False)
            delays += [late - early for early, late in pairs if late - early >= _LATE]
        gone, new = [
            [channel for channel in sorted(one) for _ in range(len(one[channel]) - len(other.get(channel, ())))]
            for one, other in ((before, after), (after, before))
        ]
        for usually, instead in zip(gone, new, strict=False):
            fell[key[1], usually, instead] += 1
        lost[key[1]] += max(len(gone) - len(new), 0)
        more += max(len(new) - len(gone), 0)
    states = {state for _, state in (*tally.ended, *usual.ended)}
    ended = {state: _sum(tally, state) - _sum(usual, state) for state in sorted(states)}
    costs: defaultdict[str, Decimal] = defaultdict(Decimal)
    for sign, each in ((1, tally), (-1, usual)):
        for money in _costs(each):
            costs[money.currency] += sign * money.amount
    delays.sort()
    return Difference(
        delayed=len(delays),
        delay_median=_at(delays, 0.5) if delays else 0.0,
        delay_most=delays[-1] if delays else 0.0,
        fell_back=tuple(FellBack(*way, count) for way, count in sorted(fell.items(), key=lambda each: -each[1])),
        lost={name: count for name, count in sorted(lost.items()) if count},
        more=more,
        not_sent={state: count for state, count in ended.items() if count},
        cost=tuple(Money(amount, currency) for currency, amount in sorted(costs.items()) if amount),
    )


def _by_channel(arrived: Iterable[Arrived]) -> dict[str, list[float]]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for each in sorted(arrived):
        found[each.channel].append(each.at)
    return found


def _sum(tally: Tally, state: str) -> int:
    return sum(count for (_, each), count in tally.ended.items() if each == state)


__all__ = ["Channel", "Difference", "Outcome", "Person", "Sort", "Why", "outcome"]
