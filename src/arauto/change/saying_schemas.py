"""What the changes of schemas break, in the reader's words; what the type-check says at a place is in English."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from arauto.change.schemas import ATTRIBUTES, Break, SchemaImpact
from arauto.change.sections import Item, Section, Signed
from arauto.change.shapes import ShapeChange
from arauto.errors import Diagnostic
from arauto.generate.say import Code, Line, Words, joined
from arauto.model import JSON

_INDEX = re.compile(r"/\d+(?=/|$)")
_MOST_WITNESSES = 4
_MOST_VALUES = 12


def say_impacts(impacts: Iterable[SchemaImpact], language: str = "en") -> tuple[Section, ...]:
    """A section for each schema: what changed, what producers meet, and what breaks."""
    saying = _Saying(Words(language, __package__))
    return tuple(saying.section(each) for each in impacts)


class _Saying:
    def __init__(self, words: Words) -> None:
        self.words = words

    def section(self, impact: SchemaImpact) -> Section:
        attributes = impact.subject == ATTRIBUTES
        part = ATTRIBUTES if attributes else "event_type"
        values: dict[str, Any] = {} if attributes else {"name": (Code(impact.subject),)}
        return Section(part, impact.subject, self.words.say(f"title.{part}", **values), tuple(self._items(impact)))

    def _items(self, impact: SchemaImpact) -> Iterator[Item]:
        attributes = impact.subject == ATTRIBUTES
        if impact.sort != "changed":
            new = impact.sort == "added"
            code = (
                f"attributes.{'new' if new else 'gone'}" if attributes else f"schema.event.{'new' if new else 'gone'}"
            )
            yield Item(impact.sort, self.words.say(code), weighty=not new)
        for change in impact.changes:
            sort = {"removed": "removed", "added": "added", "added_required": "added"}.get(change.code, "changed")
            for line in self._change(change):
                yield Item(sort, line)  # type: ignore[arg-type]
        if attributes or impact.sort != "added":
            code = f"{'attributes' if attributes else 'producers'}.{impact.verdict}"
            weighty = impact.verdict == "refused"
            yield Item("changed", self.words.say(code), weighty, tuple(self._witnesses(impact)))
        for broken in impact.breaks:
            inside = tuple(("", _place(fault)) for fault in broken.faults)
            yield Item("changed", self._break(broken, impact), True, inside)
        for warned in impact.warns:
            inside = tuple(("", _place(fault)) for fault in warned.faults)
            yield Item("changed", self._warning(warned), False, inside)
        if impact.left:
            inside = tuple(("", _place(fault)) for fault in impact.left)
            yield Item("changed", self.words.say("left", count=len(impact.left)), True, inside)
        elif impact.breaks:
            yield Item("changed", self.words.say("mended"))

    def _witnesses(self, impact: SchemaImpact) -> Iterator[Signed]:
        found = dict.fromkeys((each.sample, _INDEX.sub("/*", each.pointer), each.detail) for each in impact.witnesses)
        for sample, at, detail in list(found)[:_MOST_WITNESSES]:
            pointer: Line = (Code(at),) if at else self.words.say("schema.data")
            yield "", self.words.say("witness", sample=(Code(sample),), pointer=pointer, detail=detail)
        left = len(found) - _MOST_WITNESSES
        if left > 0:
            yield "", self.words.say("more_witnesses", count=left)

    # -- changes ---------------------------------------------------------------------------------------------------

    def _path(self, change: ShapeChange) -> Line:
        return (Code(change.about),) if change.path else self.words.say("schema.data")

    def _change(self, change: ShapeChange) -> Iterator[Line]:
        path = self._path(change)
        match change.code:
            case "kind":
                before, after = map(self._kinds, (change.before, change.after))
                yield self.words.say("schema.kind", path=path, before=before, after=after)
            case "values":
                yield from self._values(change, path)
            case "limit":
                end = ".set" if change.before is None else ".unset" if change.after is None else ""
                sides = {"before": change.before, "after": change.after}
                told = {name: self._limit(change.keyword, value) for name, value in sides.items() if value is not None}
                yield self.words.say(f"schema.limit{end}", path=path, **told)
            case "other" if not change.keyword:
                yield self.words.say("schema.other.whole")
            case "other":
                yield self.words.say("schema.other", path=path, keyword=(Code(change.keyword),))
            case code:
                yield self.words.say(f"schema.{code}", path=path)

    def _values(self, change: ShapeChange, path: Line) -> Iterator[Line]:
        if change.before is None or change.after is None:
            end = "set" if change.before is None else "unset"
            value = change.after if change.before is None else change.before
            named = {"after" if end == "set" else "before": self._listed(value)}
            yield self.words.say(f"schema.values.{end}", path=path, **named)
            return
        added = [each for each in change.after if each not in change.before]
        removed = [each for each in change.before if each not in change.after]
        if added and removed:
            values = {"before": self._listed(change.before), "after": self._listed(change.after)}
            yield self.words.say("schema.values", path=path, **values)
        elif added:
            yield self.words.say("schema.values.added", path=path, added=self._listed(added))
        else:
            yield self.words.say("schema.values.removed", path=path, removed=self._listed(removed))

    def _listed(self, values: Sequence[JSON]) -> Line:
        shown: list[Line] = [(Code(_written(each)),) for each in values[:_MOST_VALUES]]
        if len(values) > _MOST_VALUES:
            return joined([*self.words.listed(shown, "or"), ", …"])
        return self.words.listed(shown, "or")

    def _kinds(self, kinds: Sequence[str]) -> Line:
        said: list[Line] = [(self.words.text(f"type.{kind}"),) for kind in kinds]
        return self.words.listed(said, "or") or self.words.say("schema.kind_any")

    def _limit(self, keyword: str, value: JSON) -> Line:
        if keyword in ("format", "pattern"):
            code = f"limit.{keyword}"
            return self.words.say(code, value=(Code(str(value)),))
        return (self.words.limits({keyword: value}),)

    # -- what breaks -----------------------------------------------------------------------------------------------

    def _break(self, broken: Break, impact: SchemaImpact) -> Line:
        counts = (("breaks.texts", broken.texts), ("breaks.rules", broken.rules))
        what = self.words.listed([self.words.say(code, count=count) for code, count in counts if count])
        change = broken.change
        if change is None:
            return self.words.say("breaks.event" if impact.sort == "removed" else "breaks.all", what=what)
        code = change.code if f"breaks.{change.code}" in self.words else "change"
        return self.words.say(f"breaks.{code}", path=self._path(change), what=what)

    def _warning(self, warned: Break) -> Line:
        count = len(warned.faults)
        if warned.change is None:
            return self.words.say("warns.all", count=count)
        return self.words.say("warns.change", path=self._path(warned.change), count=count)


def _place(fault: Diagnostic) -> Line:
    return (f"{fault.file}:{fault.line}:{fault.column} {fault.message}",)


def _written(value: JSON) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


__all__ = ["say_impacts"]
