"""tally: what came of a world, counted as it happens, so that nothing of a message has to be kept."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from arauto.decide.calendar import zone_of
from arauto.model import JSON, Catalogue, Entry, Recipient, Run
from arauto.simulate.costs import cost, segments
from arauto.simulate.simulation import Carried
from arauto.store import RunRecord, Settlement

NIGHT = (*range(22, 24), *range(7))
"""The hours of the night: from 22 to 7."""
HOUR = timedelta(hours=1)
_TELLING = ("wait", "skip", "stop", "merge")
_QUIETLY = frozenset(
    (
        "delays",
        "waits_until",
        "waits_for",
        "awaits_receipt",
        "awaits_outcome",
        "awaits_attempt",
        "digests",
        "counts_first",
    )
)
"""Reasons to wait that were written as steps: nothing was held up."""
_LOOSE = frozenset(("seen", "until", "run", "event", "message", "value", "by", "start", "end", "error", "silence"))
"""Values of reasons that are others for each message."""


class Kind(NamedTuple):
    """What is counted together."""

    channel: str
    notification: str
    category: str
    language: str


class Held(NamedTuple):
    """Why something was not sent, or not at once."""

    decision: str
    """``wait``, ``skip``, ``stop`` or ``merge``."""
    notification: str
    code: str
    values: tuple[tuple[str, str | int | float], ...]


class Arrived(NamedTuple):
    """A message that arrived."""

    channel: str
    at: float
    """In seconds of the epoch."""


@dataclass
class Tally:
    """The counts of a run through a world."""

    catalogue: Catalogue
    start: datetime
    hours: int
    """How many hours the run takes."""
    compared: bool = False
    """Keep when and by what each message arrived, to compare it with another run."""
    events: Counter[str] = field(default_factory=Counter)
    messages: Counter[Kind] = field(default_factory=Counter)
    by_hour: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * 24))
    """Of people, by channel: the hour of the day where they are."""
    timeline: dict[str, list[int]] = field(default_factory=dict)
    """By channel, each hour from the beginning."""
    took: defaultdict[str, array[float]] = field(default_factory=lambda: defaultdict(lambda: array("f")))
    """By channel, the seconds from each event to each arrival."""
    segments: Counter[str] = field(default_factory=Counter)
    costs: defaultdict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """By channel and currency."""
    attempts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By channel and how they ended."""
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Messages by channel and state, other than sent."""
    people: Counter[str] = field(default_factory=Counter)
    gotten: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By person, notification and channel."""
    receipts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By channel and kind."""
    held: Counter[Held] = field(default_factory=Counter)
    arrived: dict[tuple[str, str, str], list[Arrived]] = field(default_factory=dict)
    """By event, notification and recipient."""
    _times: dict[str, float] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)

    # -- what happens ------------------------------------------------------------------------------------------------

    def event(self, key: str, type: str, at: datetime) -> None:
        """An event came."""
        self.events[type] += 1
        self._times[key] = at.timestamp()

    def carried(self, carried: Carried, recipient: Recipient | None, takes: timedelta) -> None:
        """An attempt was made, and what was accepted arrives after ``takes``."""
        channel = carried.channel
        self.attempts[channel, carried.outcome] += 1
        if carried.outcome != "accepted":
            return
        at = carried.at + takes
        category = self.catalogue.notifications[carried.notification].category
        self.messages[Kind(channel, carried.notification, category, carried.locale or "—")] += 1
        self.segments[channel] += segments(carried)
        paid = cost(self.catalogue, carried)
        if paid is not None:
            self.costs[channel, paid.currency] += paid.amount
        line = self.timeline.setdefault(channel, [0] * self.hours)
        line[min((at - self.start) // HOUR, self.hours - 1)] += 1
        if carried.event in self._times:
            self.took[channel].append(at.timestamp() - self._times[carried.event])
        if recipient is not None and recipient.kind == "person":
            self.people[recipient.id] += 1
            self.gotten[recipient.id, carried.notification, channel] += 1
            zone = zone_of(recipient.time_zone or self.catalogue.project.time_zone)
            self.by_hour[channel][at.astimezone(zone).hour] += 1
        if self.compared:
            key = (carried.event, carried.notification, carried.recipient)
            self.arrived.setdefault(key, []).append(Arrived(channel, at.timestamp()))

    def settled(self, settlements: Iterable[Settlement]) -> None:
        """Messages ended, or wait for another attempt."""
        for each in settlements:
            if each.state not in ("sent", "queued", "sending"):
                self.ended[each.message.channel, each.state] += 1

    def decided(self, records: Iterable[RunRecord], counted: frozenset[str]) -> None:
        """Steps decided something; of those whose decision counts, what is new in their logs."""
        for each in records:
            if each.run.key not in counted:
                continue
            self._logged(each.run, done=each.state == "done")
            for new in each.messages:
                if new.state == "failed":
                    self.ended[new.message.channel, "failed"] += 1

    def _logged(self, run: Run, *, done: bool) -> None:
        for entry in run.log[self._seen.get(run.key, 0) :]:
            if entry.decision in _TELLING and entry.reason.code not in _QUIETLY:
                self.held[_held(run.notification, entry)] += 1
        if done:
            self._seen.pop(run.key, None)
        else:
            self._seen[run.key] = len(run.log)


def _held(notification: str, entry: Entry) -> Held:
    values = tuple((name, _plain(value)) for name, value in sorted(entry.reason.values.items()) if name not in _LOOSE)
    return Held(entry.decision, notification, entry.reason.code, values)


def _plain(value: JSON) -> str | int | float:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str | int | float) else str(value)


__all__ = ["NIGHT", "Arrived", "Held", "Kind", "Tally"]
