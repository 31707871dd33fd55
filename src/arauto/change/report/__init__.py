"""report: a plan as people read it: what differs, what that breaks, what is under way, and what would have been.

Everything is put into parts of lines and tables first; a terminal and a pull request show the same parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import format_currency, format_percent
from msgspec import Struct

from arauto.change.backtest import Example, Outcome, Totals
from arauto.change.differences import Differences
from arauto.change.inflight import InFlight, Unsent, Waiting
from arauto.change.saying import say_differences, say_rewritten
from arauto.change.saying_schemas import say_impacts
from arauto.change.schemas import SchemaImpact
from arauto.change.scope import Scope
from arauto.change.sections import Section, shown
from arauto.engine.words import say_reason
from arauto.generate.say import Code, Line, Words, joined
from arauto.model import Catalogue
from arauto.store.ledger import Pair, Version

_LONGEST_TITLE = 60
_LOG = 6
"""Lines of a run's log that are shown of an example."""


class Plan(Struct, frozen=True, kw_only=True):
    """What a change from one version to another leads to."""

    old: Catalogue
    new: Catalogue
    differences: Differences
    impacts: tuple[SchemaImpact, ...]
    scope: Scope
    in_flight: InFlight | None
    """None: it was compared with a folder, in which nothing is under way."""
    since: datetime
    until: datetime
    outcome: Outcome | None
    """None: there was nothing to try, or nothing to try it on."""


class Table(Struct, frozen=True):
    """Rows under headings; the first columns are names, the others figures."""

    names: int
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Part(Struct, frozen=True):
    """A part of the report."""

    title: str
    content: tuple[Section | Line | Table | Example, ...]


class Report:
    """A plan in one language."""

    def __init__(self, plan: Plan, language: str) -> None:
        self.plan, self.language = plan, language
        self._words = Words(language, __package__)
        self._zone = ZoneInfo(plan.new.project.time_zone)

    def head(self) -> Line:
        """Which versions it is about."""
        old, new = (Code(version[:12]) for version in (self.plan.old.version, self.plan.new.version))
        if self.plan.old.version == self.plan.new.version:
            return self._words.say("same", new=(new,))
        return self._words.say("head", old=(old,), new=(new,))

    def parts(self) -> Iterator[Part]:
        """In the order in which they are read; none where nothing changes."""
        plan, say = self.plan, self._words.text
        if plan.old.version == plan.new.version:
            return
        found: list[Section | Line | Table | Example] = [
            *say_differences(plan.differences, plan.old, plan.new, self.language)
        ]
        rewritten = say_rewritten(plan.differences, self.language)
        yield Part(say("heading.differences"), (*found, *([rewritten] if rewritten else [])))
        if plan.impacts:
            yield Part(say("heading.schemas"), say_impacts(plan.impacts, self.language))
        if plan.in_flight is not None:
            yield Part(say("heading.in_flight"), tuple(self._in_flight(plan.in_flight)))
        title = say("heading.backtest", since=self.moment(plan.since), until=self.moment(plan.until))
        yield Part(title, tuple(self._backtest()))
        if plan.outcome is not None and plan.outcome.examples:
            yield Part(say("heading.examples"), plan.outcome.examples)

    def moment(self, at: datetime) -> str:
        """A time in the project's zone, to the minute."""
        return at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M")

    # -- what is under way -------------------------------------------------------------------------------------------

    def _in_flight(self, found: InFlight) -> Iterator[Line]:
        same = 0
        told = 0
        everything: tuple[Waiting | Unsent, ...] = (*found.runs, *found.messages)
        for each in everything:
            if each.fate == "same":
                same += each.count
                continue
            told += 1
            yield self._fate(each)
        if not everything:
            yield self._words.say("in_flight.none")
        elif same:
            yield self._words.say("in_flight.rest" if told else "in_flight.all", count=same)

    def _fate(self, each: Waiting | Unsent) -> Line:
        name: Line = (Code(each.notification),)
        if isinstance(each, Unsent):
            code = f"in_flight.unsent.{each.fate}"
            return self._words.say(code, count=each.count, notification=name, channel=each.channel)
        kind = "gathers" if each.gathers else "waits"
        reason = "" if each.reason is None else say_reason(each.reason, language=self.language)
        values: dict[str, Any] = {"count": each.count, "notification": name, "step": each.step, "reason": reason}
        return self._words.say(f"in_flight.{kind}.{each.fate}", **values)

    # -- what would have been ----------------------------------------------------------------------------------------

    def _backtest(self) -> Iterator[Line | Table]:
        plan, say = self.plan, self._words.say
        for source in plan.scope.untried:
            yield say("backtest.untried", source=(Code(source),))
        outcome = plan.outcome
        if outcome is None:
            yield say("backtest.elsewhere" if plan.in_flight is None else "backtest.nothing")
            return
        if not outcome.of:
            yield say("backtest.no_events")
            return
        yield self._scope()
        yield say("backtest.events", events=outcome.events, of=outcome.of, begun=self.moment(outcome.begun))
        if outcome.recorded:
            share = format_percent(  # rounded down: all is only said of all
                Decimal(1000 * outcome.reproduced // outcome.recorded) / 1000,
                "#,##0.0%",
                locale=self._locale,
                decimal_quantization=True,
            )
            yield say("backtest.faithful", reproduced=outcome.reproduced, recorded=outcome.recorded, percent=share)
        yield from self._refused(outcome)
        if not outcome.people:
            yield say("backtest.same")
            return
        yield say("backtest.people", people=outcome.people)
        yield self._table(outcome.totals)

    @property
    def _locale(self) -> str:
        return self.language.replace("-", "_")

    def _scope(self) -> Line:
        scope = self.plan.scope
        of = len(self.plan.old.notifications.keys() | self.plan.new.notifications.keys())
        if scope.everything == "attention":
            return self._words.say("backtest.scope.attention", of=of)
        if scope.everything is not None:
            return self._words.say("backtest.scope.file", of=of, file=(Code(scope.everything),))
        return self._words.say("backtest.scope.some", count=len(scope.notifications), of=of)

    def _refused(self, outcome: Outcome) -> Iterator[Line]:
        before = {(each.type, each.code): each.count for each in outcome.refused["old"]}
        after = {(each.type, each.code): each.count for each in outcome.refused["new"]}
        for each in outcome.refused["new"]:
            if each.count > before.get((each.type, each.code), 0):
                values: dict[str, Any] = {"count": each.count, "type": (Code(each.type),), "event": (Code(each.event),)}
                values |= {"pointer": (Code(each.fault.get("pointer", "")),), "detail": each.fault.get("detail", "")}
                yield self._words.say(f"backtest.refused.{each.code}", **values)
        for (type_, code), count in before.items():
            if count > after.get((type_, code), 0):
                fewer = count - after.get((type_, code), 0)
                yield self._words.say("backtest.taken", count=fewer, type=(Code(type_),))

    def _table(self, totals: Mapping[tuple[str, str, str], Totals]) -> Table:
        say = self._words.text
        paid = any(each.old_cost or each.new_cost for each in totals.values())
        split = any(each.split for each in totals.values())
        names, figures = ("notification", "channel", "category"), ("more", "less", "otherwise", "same")
        headings = [say(f"column.{each}") for each in (*names, *figures)]
        headings += [say("column.segments")] if split else []
        headings += [say("column.cost")] if paid else []
        rows: list[tuple[str, ...]] = []
        for place, each in totals.items():
            if not each.changed and each.old_cost == each.new_cost:
                continue
            aspects = ", ".join(f"{self._words.text(f'aspect.{name}')} {count}" for name, count in each.aspects.items())
            otherwise = f"{self._number(each.otherwise)} ({aspects})" if aspects else self._number(each.otherwise)
            row = [*place, self._number(each.more), self._number(each.less), otherwise, self._number(each.same)]
            if split:
                row.append(_became(self._number(each.old_segments), self._number(each.new_segments)))
            if paid:
                row.append(_became(self._money(each.old_cost), self._money(each.new_cost)))
            rows.append(tuple(row))
        return Table(len(names), tuple(headings), tuple(rows))

    def _number(self, value: int) -> str:
        return self._words.number(value) if value else "–"

    def _money(self, costs: Mapping[str, Decimal]) -> str:
        shown = (format_currency(costs[each], each, locale=self._locale) for each in sorted(costs))
        return " + ".join(shown) or "–"

    # -- examples ----------------------------------------------------------------------------------------------------

    def example(self, example: Example) -> tuple[Line, dict[str, list[str]]]:
        """What it is, and why, in each version: ``live`` and ``new`` in the reader's words."""
        pair = example.pair
        line = self._words.say(
            f"example.{pair.sort}",
            recipient=(Code(pair.recipient),),
            what=self._what(pair),
            how=joined(self._how(pair)),
            at=self.moment(_version(pair).at),
        )
        told = {"old": example.old, "new": example.new}
        return line, {self._words.text(f"why.{side}"): self._why(pair, told[side]) for side in ("old", "new")}

    def _what(self, pair: Pair) -> Line:
        version = _version(pair)
        values: dict[str, Any] = {"notification": (Code(pair.notification),), "channel": version.channel}
        if not version.title:
            return self._words.say("what", **values)
        title = shown((version.title,))
        cut = title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"
        return self._words.say("what.titled", title=cut, **values)

    def _how(self, pair: Pair) -> Iterator[str | Code]:
        if pair.old is None or pair.new is None:
            return
        values = {
            "channel": (pair.old.channel, pair.new.channel),
            "time": (self.moment(pair.old.at), self.moment(pair.new.at)),
            "language": (pair.old.locale or "–", pair.new.locale or "–"),
            "text": ("", ""),
        }
        for index, aspect in enumerate(pair.aspects):
            old, new = values[aspect]
            yield (", " if index else "") + self._words.text(f"example.how.{aspect}", old=old, new=new)

    def _why(self, pair: Pair, told: Mapping[str, Any] | None) -> list[str]:
        say = self._words.text
        if told is None:
            return [say("why.not_accepted")]
        considered = next(
            (each for each in told.get("notifications", ()) if each["notification"] == pair.notification), None
        )
        if considered is None:
            return [say("why.not_considered")]
        if not considered["matched"]:
            return [considered["reason"]["text"]]
        lines = [each for each in considered["recipients"] if each.get("recipient") == pair.recipient]
        if not lines:
            return [say("why.not_among")]
        found: list[str] = []
        for line in lines:
            if not line.get("chosen"):
                found.append(line["reason"]["text"])
                continue
            found.extend(self._log_of(line))
        if len(found) > _LOG:
            found = [*found[: _LOG - 1], "…"]
        return found

    def _log_of(self, line: Mapping[str, Any]) -> Iterator[str]:
        for entry in (line.get("run") or {}).get("log", ()):
            yield f"{self.moment(datetime.fromisoformat(entry['at']))}  {entry['step']}. {entry['reason']['text']}"
        if "joined" in line:
            yield from self._log_of(line["joined"])


def _version(pair: Pair) -> Version:
    version = pair.new or pair.old
    assert version is not None
    return version


def _became(old: str, new: str) -> str:
    return new if old == new else f"{old} → {new}"
