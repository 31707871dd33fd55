"""conditions: those that are never or always true, ways that are never taken, and steps that no run comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from arauto.catalogue.analysis.domains import domains_of
from arauto.catalogue.analysis.formulas import (
    Atom,
    Domains,
    Formula,
    atoms,
    contradiction,
    formula_of,
    negated,
    possible,
    written,
)
from arauto.catalogue.analysis.whole import Written
from arauto.catalogue.diagnostics import did_you_mean
from arauto.catalogue.document import Path
from arauto.errors import LanguageError
from arauto.language import compile_condition
from arauto.language.scan import place
from arauto.model import JSON, EventType

Facts = tuple[Formula, ...]
"""What is known to be true where a condition is asked."""


def check_conditions(rule: Written) -> None:
    """All conditions and steps of a notification."""
    _Walk(rule).notification()


def check_queries(rule: Written) -> None:
    """The queries of groups in a file of recipients."""
    conditions = _Conditions(rule, [])
    for name, group in (rule.document.data.get("groups") or {}).items():
        if "query" in group:
            conditions.check(("groups", name, "query"), (), may_always=True)


class _Conditions:
    """Conditions asked of events of some types."""

    def __init__(self, rule: Written, types: Sequence[EventType]) -> None:
        self.rule, self.types = rule, types
        known = rule.whole.domains
        self.domains: list[Domains] = [known[each.name] for each in types] or [
            domains_of(None, None, rule.whole.attributes)
        ]

    def check(self, path: Path, facts: Facts, *, may_always: bool = False) -> bool:
        """Tell what is wrong with the condition at ``path``; returns whether nothing was. ``may_always``: one that is
        always true has its use."""
        formula = self.formula(path)
        if self._values(path, formula):
            return False
        for atom in () if isinstance(formula, Atom) else atoms(formula):
            why = self._never((), atom)
            if why is not None:
                self._tell(path, "never-true", f"{atom} is never true: {why}", at=atom.at)
                return False
        if (why := self._never(facts, formula)) is not None and not self._disproved(path, facts, True):
            self._tell(path, "never-true", f"this is never true: {why}")
            return False
        if may_always:
            return True
        if (why := self._never(facts, negated(formula))) is not None and not self._disproved(path, facts, False):
            self._tell(path, "always-true", f"this is true {self._whenever(facts)}: its contrary is not, for {why}")
            return False
        return True

    def never(self, formulas: Facts) -> str | None:
        """Why these can't be true together, whichever the event."""
        return self._never(formulas)

    def formula(self, path: Path) -> Formula:
        """What the condition at ``path`` says."""
        return formula_of(self.rule.document.value(path))

    def sample(self, sources: Sequence[str]) -> tuple[str, int] | None:
        """A sample for which the last of these conditions is true, and the index of the first that is."""
        for type_ in self.types:
            for name, data in type_.samples.items():
                if _holds(sources[-1], type_.name, data):
                    index = next(i for i, source in enumerate(sources) if _holds(source, type_.name, data))
                    return f"{name} of {type_.name}", index
        return None

    def _never(self, facts: Facts, *formulas: Formula) -> str | None:
        first: str | None = None
        for domains in self.domains:
            why = contradiction((*facts, *formulas), domains)
            if why is None:
                return None
            first = first or why
        return first

    def _values(self, path: Path, formula: Formula) -> bool:
        """Whether it compares with something that the schema does not have; that is told."""
        told = False
        for atom in atoms(formula):
            known = [domains(atom) for domains in self.domains]
            for each in atom.values if atom.op in ("==", "!=", "in", "not in") else ():
                if any(possible(each.value, domain) for domain in known) or each.value is None:
                    continue
                allowed = [value for domain in known for value in domain.values or ()]
                names = [value for value in allowed if isinstance(value, str)]
                hint = did_you_mean(each.value, names) if names and isinstance(each.value, str) else None
                message = f"{atom.term} is never {written(each.value)}: the schema does not allow it"
                self._tell(path, "impossible-value", message, hint, at=each.at)
                told = True
        return told

    def _disproved(self, path: Path, facts: Facts, wanted: bool) -> bool:
        """Whether a sample shows otherwise."""
        source = self.rule.document.value(path)
        return not facts and any(
            _holds(source, type_.name, data) is wanted for type_ in self.types for data in type_.samples.values()
        )

    def _whenever(self, facts: Facts) -> str:
        return "whenever it is asked" if facts else "for every event that the schema allows"

    def _tell(self, path: Path, code: str, message: str, hint: str | None = None, *, at: int = 0) -> None:
        document = self.rule.document
        line, column = place(document.value(path), at)
        self.rule.warn(document.within(path, line, column), code, message, hint)


def _holds(source: str, type_: str, data: JSON) -> bool | None:
    """Whether a condition is true for an event; None where the event alone does not tell."""
    event = {"type": type_, "data": data, "id": "", "source": "", "time": "", "subject": None}
    try:
        return bool(compile_condition(source).evaluate({"event": event, "events": [event]}))
    except LanguageError:
        return None


class _Walk:
    """Goes through a notification as its runs do."""

    def __init__(self, rule: Written) -> None:
        self.rule = rule
        self.data: Mapping[str, Any] = rule.document.data
        self.conditions = _Conditions(rule, rule.types(self.data["on"]))
        self.begin: Facts = ()

    def notification(self) -> None:
        if "when" in self.data and self.conditions.check(("when",), ()):
            self.begin = (self.conditions.formula(("when",)),)
        self._targets(("to",), self.data["to"])
        if "cancel" in self.data:
            self._awaited(("cancel",), self.data["cancel"], "on")
        self._steps(("steps",), self.data["steps"])

    def _targets(self, path: Path, written_: Sequence[Mapping[str, Any]]) -> None:
        for index, target in enumerate(written_):
            if "when" in target:
                self.conditions.check((*path, index, "when"), self.begin)

    def _awaited(self, path: Path, written_: Mapping[str, Any], on: str) -> None:
        if "when" in written_:
            _Conditions(self.rule, self.rule.types(written_[on])).check((*path, "when"), ())

    # -- steps ---------------------------------------------------------------------------------------------------

    def _steps(self, path: Path, entries: Iterable[Mapping[str, Any]], facts: Facts | None = None) -> bool:
        """Whether a run goes on after these steps."""
        known = self.begin if facts is None else facts
        before = ""
        for index, entry in enumerate(entries):
            ((kind, value),) = entry.items()
            if before:
                place_ = self.rule.document.key_place((*path, index, kind))
                message = f"no run comes to this step: {before} before it ends every run"
                self.rule.warn(place_, "unreachable-step", message, "remove it, or what ends the run")
                return False
            goes_on, known = self._step((*path, index, kind), kind, value, known)
            before = "" if goes_on else f"the {kind} in line {self.rule.document.key_place((*path, index, kind)).line}"
        return not before

    def _step(self, path: Path, kind: str, value: Any, known: Facts) -> tuple[bool, Facts]:
        """Whether a run goes on after the step, and what is known then."""
        match kind:
            case "only_if":
                sound = self.conditions.check(path, known)
                return True, (*known, self.conditions.formula(path)) if sound else known
            case "stop" if value is True:
                return False, known
            case "stop":
                sound = self.conditions.check(path, known)
                return True, (*known, negated(self.conditions.formula(path))) if sound else known
            case "branch":
                return self._branch(path, value, known), self.begin
            case "repeat":
                return self._steps((*path, "steps"), value["steps"]), self.begin
            case "notify":
                self._targets((*path, "to"), value["to"])
                self._steps((*path, "steps"), value["steps"])
                return True, known
            case "wait_for":
                self._awaited(path, value, "event")
                then = value.get("then", "stop")
                otherwise = value.get("else", "continue" if then == "stop" else "stop")
                return "continue" in (then, otherwise), self.begin
        return True, self.begin  # time passes, or it is a step of somebody else's

    def _branch(self, path: Path, ways: Sequence[Mapping[str, Any]], known: Facts) -> bool:
        share, goes_on, open_ = 0.0, False, True
        earlier: list[str] = []
        left = known
        for index, way in enumerate(ways):
            at = (*path, index)
            whole = self._taken_before(at, way, earlier, left, known, share)
            inside = left
            if "percent" in way:
                share += way["percent"]
            elif "when" in way and not whole:
                if self.conditions.check((*at, "when"), known):
                    formula = self.conditions.formula((*at, "when"))
                    inside, left = (*left, formula), (*left, negated(formula))
                    earlier.append(way["when"])
            elif "when" not in way:
                open_ = False
            goes_on = self._steps((*at, "steps"), way["steps"], inside) or goes_on
        return goes_on or (open_ and round(share, 6) < 100)

    def _taken_before(
        self, at: Path, way: Mapping[str, Any], earlier: Sequence[str], left: Facts, known: Facts, share: float
    ) -> bool:
        """Whether nobody is left for a way; that is told."""
        document = self.rule.document
        own = (self.conditions.formula((*at, "when")),) if "when" in way else ()
        if round(share, 6) >= 100:
            why = "the shares before it come to 100 percent"
        elif "percent" in way or not earlier or not self._is_shadowed(own, left, known):
            return False
        else:
            why = f"whoever {'this is true for' if own else 'is left'} goes an earlier way"
            if own and (sample := self.conditions.sample([*earlier, way["when"]])):
                name, index = sample
                why += f": the sample {name} goes where {earlier[index]} is true" if index < len(earlier) else ""
        place_ = document.place((*at, "when")) if own else document.key_place((*at, next(iter(way))))
        self.rule.warn(place_, "shadowed-way", f"this way is never taken: {why}", "remove it, or put it first")
        return True

    def _is_shadowed(self, own: Facts, left: Facts, known: Facts) -> bool:
        """It could be taken, were the ways before it not there."""
        return self.conditions.never((*left, *own)) is not None and self.conditions.never((*known, *own)) is None


__all__ = ["check_conditions", "check_queries"]
