"""coverage: what of a project test cases reached: notifications, steps, the ways out of them, languages, channels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct

from arauto.decide import steps
from arauto.model import Catalogue, Notification, Step
from arauto.simulate.simulation import Simulation


class Lack(Struct, frozen=True):
    """Something that no case reached."""

    notification: str
    what: str
    """``notification``, ``step``, ``way``, ``text`` or ``correction``."""
    detail: str


class Way(Struct, frozen=True):
    """A way out of a step: any of these codes in the log of a run says that it was taken."""

    codes: frozenset[str]
    missed: str


_WAYS: dict[str, tuple[Way, ...]] = {
    "only_if": (
        Way(frozenset({"condition_true"}), "it is never true"),
        Way(frozenset({"condition_false"}), "it is never false"),
    ),
    "stop": (
        Way(frozenset({"stopped", "stopped_when"}), "it never stops"),
        Way(frozenset({"not_stopped"}), "it always stops"),
    ),
    "wait_for": (
        Way(frozenset({"came", "receipt_came"}), "what it waits for never comes"),
        Way(frozenset({"did_not_come", "no_receipt"}), "what it waits for always comes"),
    ),
    "throttle": (
        Way(frozenset({"throttle_passed"}), "nothing goes through"),
        Way(frozenset({"throttled", "throttle_gathers"}), "nothing is held back"),
    ),
}


class Reached:
    """What was reached so far."""

    def __init__(self) -> None:
        self._notifications: set[str] = set()
        self._codes: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
        """By notification and step, what was decided."""
        self._texts: set[tuple[str, str, str, str | None]] = set()

    async def note(self, simulation: Simulation) -> None:
        """Take note of all that happened in a simulation."""
        for each in simulation.received:
            self._texts.add((each.notification, each.kind, each.channel, each.locale))
        for run in await simulation.runs():
            self._notifications.add(run.notification)
            for entry in run.log:
                if entry.decision not in ("merge", "follow", "retract"):
                    self._codes[run.notification, entry.step].add(entry.reason.code)

    def lacks(self, catalogue: Catalogue) -> list[Lack]:
        """All that was not reached, in the order of the project; of a notification of which nothing was, only that."""
        return [lack for lack, reached in self._all(catalogue) if not reached]

    def counts(self, catalogue: Catalogue) -> tuple[int, int]:
        """How much was reached, of how much."""
        all_ = [reached for _, reached in self._all(catalogue, whole=True)]
        return sum(all_), len(all_)

    def _all(self, catalogue: Catalogue, *, whole: bool = False) -> Iterator[tuple[Lack, bool]]:
        for name, notification in sorted(catalogue.notifications.items()):
            begun = name in self._notifications
            yield Lack(name, "notification", f"nothing comes of {' or '.join(notification.on)}"), begun
            if begun or whole:
                yield from self._inside(notification, whole)

    def _inside(self, notification: Notification, whole: bool) -> Iterator[tuple[Lack, bool]]:
        name = notification.name
        for index, step in enumerate(notification.steps):
            codes = self._codes.get((name, index), set())
            title = f"{index + 1}. {kind_of(step)}"
            yield Lack(name, "step", title), bool(codes)
            for way in _ways(step) if codes or whole else ():
                yield Lack(name, "way", f"{title}: {way.missed}"), bool(codes & way.codes)
        for kind, composers in (("text", notification.composers), ("correction", notification.corrections)):
            for channel, locales in composers.items():
                for locale in locales:
                    yield Lack(name, kind, f"{channel} in {locale}"), (name, kind, channel, locale) in self._texts


def _ways(step: Step) -> tuple[Way, ...]:
    ways = _WAYS.get(kind_of(step), ())
    always = kind_of(step) == "stop" and getattr(step, "condition", None) is None
    return ways[:1] if always else ways


def kind_of(step: Step) -> str:
    """The name by which a step is written."""
    module = type(step).__module__.rpartition(".")[2]
    return module if module in steps.names() else type(step).__name__
