"""telling: the words and figures of an outcome in one language, for terminals and for pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_currency, format_percent

from arauto.engine.words import say_reason
from arauto.generate.say import Words
from arauto.model import Reason
from arauto.simulate.costs import Money
from arauto.simulate.outcome import Broken, Difference, Outcome, Why


class Teller:
    """Tells one outcome; ``language`` is one of ``generate.say.LANGUAGES``."""

    def __init__(self, outcome: Outcome, language: str) -> None:
        self.outcome, self.language = outcome, language
        self._locale = language.replace("-", "_")
        self.words = Words(language, beside="arauto.simulate")

    def text(self, code: str, **values: str | int | float) -> str:
        """The words of a code."""
        return self.words.text(code, **values)

    def number(self, value: float) -> str:
        """As this language writes it."""
        return self.words.number(value)

    def percent(self, part: float, whole: float) -> str:
        """A share, with a decimal where it is small."""
        share = part / whole if whole else 0.0
        return str(format_percent(share, "#,##0.0 %" if 0 < share < 0.0995 else "#,##0 %", locale=self._locale))

    def money(self, costs: Sequence[Money]) -> str:
        """Amounts beside each other."""
        return " + ".join(str(format_currency(each.amount, each.currency, locale=self._locale)) for each in costs)

    def moment(self, at: datetime) -> str:
        """A time in the project's zone: ``Wed 4 Mar, 09:00``."""
        local = at.astimezone(ZoneInfo(self.outcome.zone))
        return str(format_datetime(local, "EEE d MMM, HH:mm", locale=self._locale)).replace(".", "")

    def span(self, seconds: float | None) -> str:
        """A time in the two largest units: ``6 h 20 min``."""
        if seconds is None:
            return "—"
        if seconds < 0.5:
            return "0 s"
        if seconds < 10:
            return f"{self.number(round(seconds, 1))} s"
        left, parts = round(seconds), []
        for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
            count, left = divmod(left, length)
            if count:
                parts.append(f"{count} {unit}")
        return " ".join(parts[:2])

    # -- sentences ---------------------------------------------------------------------------------------------------

    def title(self) -> str:
        """Of all of it."""
        return self.text("title", project=self.outcome.project)

    def lead(self) -> str:
        """What was run."""
        told = self.outcome
        world = self.text("world.file", name=told.world) if told.world else self.text("world.made")
        span = self.words.duration((told.end - told.start).total_seconds())
        start, end = self.moment(told.start), self.moment(told.end)
        return self.text("lead", span=span, start=start, end=end, world=world, seed=str(told.seed))

    def figures(self) -> list[tuple[str, str]]:
        """The first that one asks for: each number, and what it counts."""
        told = self.outcome
        counts = {
            "events": sum(told.events.values()),
            "messages": told.messages,
            "people_reached": told.person.reached,
        }
        figures = [self.text(name, count=count).partition(" ") for name, count in counts.items()]
        at_night = (self.percent(told.at_night, told.disturbing), self.text("at_night"))
        return [*((number, noun) for number, _, noun in figures), at_night]

    def people(self) -> str:
        """How much a person gets."""
        person = self.outcome.person
        if person.who is None:
            return self.text("person.none")
        told = self.text(
            "person.told",
            reached=person.reached,
            people=self.outcome.people,
            median=person.median,
            p95=person.p95,
        )
        return f"{told} {self.text('person.most', who=person.who, most=person.most)}"

    def why(self, why: Why) -> str:
        """A reason."""
        own = f"why.{why.code}"
        if own in self.words:
            return self.text(own, **why.values)
        return say_reason(Reason(why.code, dict(why.values)), language=self.language, decision=why.decision)

    def outage(self, broken: Broken) -> str:
        """When a provider does not work."""
        provider = f"{broken.channel}/{broken.provider}" if broken.provider else broken.channel
        return self.text("outage", provider=provider, start=self.moment(broken.start), end=self.moment(broken.end))

    def differences(self, difference: Difference) -> list[str]:
        """What the outages did, in sentences."""
        told: list[str] = []
        if difference.delayed:
            median, most = self.span(difference.delay_median), self.span(difference.delay_most)
            told.append(self.text("difference.delayed", count=difference.delayed, median=median, most=most))
        counts = {
            "fell_back": sum(each.messages for each in difference.fell_back),
            "lost": sum(difference.lost.values()),
            "more": difference.more,
        }
        told += [self.text(f"difference.{name}", count=count) for name, count in counts.items() if count]
        for state, count in difference.not_sent.items():
            code = "difference.state" if count > 0 else "difference.state_less"
            told.append(self.text(code, state=self.text(f"state.{state}"), count=abs(count)) + ".")
        for money in difference.cost:
            if not round(money.amount, 2):
                continue  # it would be shown as nothing
            code = "difference.cost" if money.amount > 0 else "difference.cost_less"
            told.append(self.text(code, money=self.money([Money(abs(money.amount), money.currency)])))
        return told or [self.text("difference.nothing")]

    # -- tables ------------------------------------------------------------------------------------------------------

    def notifications(self) -> list[tuple[str, str, int, str, str]]:
        """Each notification, its category, its messages, those by channel, and those by language."""
        found: dict[str, tuple[str, dict[str, int], dict[str, int]]] = {}
        for each in self.outcome.sorts:
            entry = found.setdefault(each.notification, (each.category, defaultdict(int), defaultdict(int)))
            entry[1][each.channel] += each.messages
            entry[2][each.language] += each.messages
        rows = [
            (name, category, sum(channels.values()), self._parts(channels), self._parts(languages))
            for name, (category, channels, languages) in found.items()
        ]
        return sorted(rows, key=lambda row: (-row[2], row[0]))

    def not_sent(self, states: dict[str, int]) -> str:
        """``12 failed, 3 expired``."""
        return ", ".join(f"{self.number(count)} {self.text(f'state.{state}')}" for state, count in states.items())

    def _parts(self, counts: dict[str, int]) -> str:
        ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        return ", ".join(f"{name} {self.number(count)}" for name, count in ordered)


__all__ = ["Teller"]
