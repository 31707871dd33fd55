"""What differs between two versions in the reader's words, thing by thing; and the same as text and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import orjson
from babel import Locale

from arauto import sources
from arauto.catalogue.analysis.open_secrets import masked
from arauto.change.differences import Difference, Differences, Sort, target_key
from arauto.change.meaning import Hidden, as_json, changes, place_of
from arauto.change.sections import Item, Section, Signed
from arauto.change.wording import apart, cut, number_of, numbered, stands_behind, step_at, steps_inside
from arauto.generate.say import Code, Line, Words, joined, plain
from arauto.generate.telling import Telling
from arauto.model import JSON, Catalogue

_LONGEST = 160
"""Of a value in a sentence."""
_LITTLE = 60
"""Characters of a sentence that may be told inside of it as what they were."""
_MOST_LINES = 40
"""Of a text, that are shown of what differs in it."""
_WORD = re.compile(r"[a-z_]+")

WEIGHTY = (
    *("notification.gone", "notification.on", "notification.to", "notification.category"),
    *("notification.expires", "notification.in_flight", "category.gone", "category.consent", "category.urgent"),
    *("category.priority", "category.tracking", "category.retention", "event_type.gone", "source.gone"),
    *("source.gone_clock", "source.kind", "source.secrets", "source.verification", "channel.gone"),
    *("channel.retry.expires", "channel.retry.on_unknown", "project.private_networks", "project.retention"),
    *("project.attention", "project.public_url"),
)
"""Codes of what nobody should overlook, and of all below them."""


def say_differences(
    differences: Differences, old: Catalogue, new: Catalogue, language: str = "en"
) -> tuple[Section, ...]:
    """A section for each thing that differs, in the order of the differences; none where nothing does."""
    saying = _Saying(old, new, language)
    found: dict[tuple[str, str], list[Item]] = {}
    for each in differences.found:
        found.setdefault((each.part, each.name), []).extend(saying.items(each))
    return tuple(Section(part, name, saying.title(part, name), tuple(items)) for (part, name), items in found.items())


def say_rewritten(differences: Differences, language: str = "en") -> Line | None:
    """Which files are written otherwise and mean the same; that nothing differs, where that is so; else None."""
    words = _words(language)
    if differences.rewritten:
        files: list[Line] = [(Code(name),) for name in differences.rewritten]
        said = words.say("rewritten", files=words.listed(files))
        return said if differences else joined([*words.say("none"), " ", *said])
    return None if differences else words.say("none")


def _words(language: str) -> Words:
    return Words(language, __package__)


class _Saying:
    def __init__(self, old: Catalogue, new: Catalogue, language: str) -> None:
        self.words = _words(language)
        plainly = Words(language)  # what a telling says is in the words of the catalogue's pages
        self.was, self.is_ = Telling(old, plainly), Telling(new, plainly)

    def title(self, part: str, name: str) -> Line:
        if part == "channel":
            return self.words.say("title.channel", name=self.is_.channel(name))
        return self.words.say(f"title.{part}", name=(Code(name),))

    def items(self, each: Difference) -> Iterator[Item]:
        """What is said of one difference."""
        kind = each.code.removeprefix(f"{each.part}.")
        match each.part, kind:
            case _, _ if each.sort != "changed" and each.code == each.part:
                yield self._whole(each)
            case "attributes", _:
                yield self._item(each, "attributes")
            case "notification", "step" | "step.ways":
                yield from self._step(each)
            case "notification", "to" | "to.when":
                yield self._target(each)
            case "notification", _ if kind.startswith(("text", "image")):
                yield self._text(each)
            case _:
                yield self._field(each)

    def _item(
        self, each: Difference, code: str, sort: Sort | None = None, inside: tuple[Signed, ...] = (), **values: Any
    ) -> Item:
        weighty = _weighs(code)
        return Item(sort or each.sort, self.words.say(code, **values), weighty, inside)

    # -- things that are new or gone -------------------------------------------------------------------------------

    def _whole(self, each: Difference) -> Item:
        new = each.sort == "added"
        code, telling = f"{_kind(each.part)}.{'new' if new else 'gone'}", self.is_ if new else self.was
        inside: tuple[Signed, ...] = ()
        values: dict[str, Any] = {}
        if each.part == "notification":
            notification = telling.catalogue.notifications[each.name]
            values["lead"] = telling.lead(notification)
            if new:
                told = [*numbered(telling.steps(notification)), *telling.notes(notification)]
                inside = tuple(("", line) for line in told)
        elif each.part == "source" and not new and _by_clock(telling.catalogue, each.name):
            code = "source.gone_clock"
        elif new and each.part not in ("person", "system", "attributes"):
            values["about"] = _without_end(self._about(each.part, each.name))
        if "lead" in values:
            values["lead"] = _without_end(values["lead"])
        return self._item(each, code, inside=inside, **values)

    def _about(self, part: str, name: str) -> Line:
        telling, catalogue = self.is_, self.is_.catalogue
        match part:
            case "category":
                return _spaced(telling.category(name))
            case "channel":
                return _spaced(telling.about_channel(name))
            case "group":
                return telling.about_group(catalogue.groups[name])
            case "event_type":
                return (catalogue.event_types[name].description,)
        config = catalogue.sources[name]
        if _by_clock(catalogue, name):
            return telling.rule(config)
        return (telling.source_kind(config.kind),)

    # -- notifications ---------------------------------------------------------------------------------------------

    def _target(self, each: Difference) -> Item:
        key = each.values.get("to")
        if key is None:
            before, after = (side.targets(side.catalogue.notifications[each.name].to) for side in (self.was, self.is_))
            return self._item(each, "notification.to", before=before, after=after)
        side = self.is_ if each.after is not None or each.code.endswith(".when") else self.was
        named = next(target for target in side.catalogue.notifications[each.name].to if target_key(target) == key)
        if each.code.endswith(".when"):
            named = msgspec.structs.replace(named, when=None)
        return self._field(each, who=side.targets((named,)))

    def _step(self, each: Difference) -> Iterator[Item]:
        before, after = each.values["before"], each.values["after"]
        steps = [side.steps(side.catalogue.notifications[each.name]) for side in (self.was, self.is_)]
        was = None if before is None else step_at(steps[0], before)
        is_ = None if after is None else step_at(steps[1], after)
        number = number_of(steps[1], after) if is_ is not None else number_of(steps[0], before)
        if is_ is None:
            assert was is not None
            inside = tuple(("-", line) for line in steps_inside(was))
            yield self._item(each, "notification.step.removed", inside=inside, number=number, step=was.line)
        elif was is None:
            code, behind = stands_behind(steps[1], after)
            inside = tuple(("+", line) for line in steps_inside(is_))
            yield self._item(each, code, inside=inside, step=is_.line, behind=behind)
        elif each.code.endswith(".ways"):
            lines = (*(("-", line) for line in steps_inside(was)), *(("+", line) for line in steps_inside(is_)))
            yield self._item(each, "notification.step.ways", inside=lines, number=number)
        else:
            details = list(self._details(each))
            if plain(was.line) == plain(is_.line):  # its words do not say all of it
                for detail in details:
                    yield self._item(each, "notification.step.detail", number=number, step=is_.line, detail=detail)
            else:
                inside = tuple(("", detail) for detail in details) if len(details) > 1 else ()
                yield self._otherwise(each, was.line, is_.line, (number_of(steps[0], before), number), inside)

    def _details(self, each: Difference) -> Iterator[Line]:
        """What is written otherwise of a step, place by place, without the steps inside of it."""
        found = list(changes(each.before, each.after))
        for path, one, other in [change for change in found if "steps" not in change[0]] or found:
            yield self._generic(place_of(path), one, other)

    def _otherwise(
        self, each: Difference, was: Line, is_: Line, numbers: tuple[str, str], inside: tuple[Signed, ...]
    ) -> Item:
        """A step in whose words something is otherwise: where that is little, at its place."""
        old_number, number = numbers
        values: dict[str, Any] = {"number": number, "step": is_, "was": was}
        if number != old_number:
            return self._item(each, "notification.step.moved", inside=inside, old_number=old_number, **values)
        begin, one, other, end = apart(was, is_)
        said = plain(one), plain(other)
        small = all(said) and max(map(len, said)) <= _LITTLE and not re.search("[()]", "".join(said))
        if small and (begin or end):
            values = {"number": number, "begin": begin, "after": other, "before": one, "end": end}
            return self._item(each, "notification.step.value", inside=inside, **values)
        return self._item(each, "notification.step", inside=inside, **values)

    def _text(self, each: Difference) -> Item:
        values = each.values
        inside: list[Signed] = []
        for hunk in values.get("hunks", ()) if each.sort == "changed" else ():
            removed, added = cut(*([masked(line) for line in hunk[sort]] for sort in ("removed", "added")))
            inside += [("-", (Code(line),)) for line in removed]
            inside += [("+", (Code(line),)) for line in added]
        if len(inside) > _MOST_LINES:
            left = len(inside) - _MOST_LINES
            inside = [*inside[:_MOST_LINES], ("", self.words.say("more_lines", count=left))]
        if values["what"] == "image":
            before, after = (
                self.words.say("value.bytes", count=size) if size is not None else ()
                for size in (each.before, each.after)
            )
            code = each.code if each.sort == "changed" else f"{each.code}.{each.sort}"
            return self._item(each, code, image=(Code(values["image"]),), before=before, after=after)
        if each.code == "notification.text.actions":
            before, after = map(self._actions, (each.before, each.after))
            return self._item(each, each.code, text=self._text_of(values), before=before, after=after)
        if each.sort != "changed":
            return self._item(each, f"{each.code}.{each.sort}", text=self._text_of(values))
        return self._field(each, inside=tuple(inside), text=self._text_of(values))

    def _text_of(self, values: dict[str, Any]) -> Line:
        """``the text in English``."""
        what, locale = values["what"], values.get("locale")
        code = what if what in ("content", "correction") else "own"
        said: dict[str, Any] = {"channel": self.is_.channel(what)}
        if locale is None:
            return self.words.say(f"text.{code}", **said)
        return self.words.say(f"text.{code}.in", language=self._language(locale), **said)

    def _language(self, locale: str) -> str:
        known = Locale.parse(self.words.language, sep="-")
        return Locale.parse(locale, sep="-").get_display_name(known) or locale

    def _actions(self, actions: JSON) -> Line:
        said = []
        for each in actions:
            code = "action.acknowledge" if "acknowledge" in each else "action"
            said.append(self.words.say(code, label=self._shown(each["label"]), url=self._shown(each.get("url"))))
        return self.words.listed(said) or self.words.say("value.none")

    # -- fields ----------------------------------------------------------------------------------------------------

    def _field(self, each: Difference, *, inside: tuple[Signed, ...] = (), **values: Any) -> Item:
        """A field in words of its own; where there are none, by its place and what stood and stands there."""
        sort = each.sort
        if sort == "changed" and each.values and each.code.count(".") == 1:
            sort = "added" if each.before is None and each.after is not None else sort
            sort = "removed" if each.after is None and each.before is not None else sort
        known: dict[str, Line] = {key: (Code(value),) for key, value in each.values.items() if isinstance(value, str)}
        known |= self._special(each)
        members = self._members(each)
        if members is not None:
            return members
        found = self._code(each)
        if found is None:
            line = self._generic(place_of(each.path), each.before, each.after)
            return Item(sort, line, False, inside)
        code, key = found
        if key:
            known["key"] = (self._language(key),) if code.startswith("category.title") else (Code(key),)
        known["place"] = (Code(place_of(each.path)),)
        shown = {"before": self._value(each, each.before), "after": self._value(each, each.after)}
        return self._item(each, code, sort, inside, **{**shown, **known, **values})

    def _code(self, each: Difference) -> tuple[str, str] | None:
        """The code of its words, and what it leaves to be said of the path below."""
        names = each.code.split(".")
        names[0] = _kind(names[0])
        for count in range(len(names), 1, -1):
            stem, key = ".".join(names[:count]), ".".join(names[count:])
            stem = f"{stem}.*" if key else stem
            for code in (*(f"{stem}.{end}" for end in _ends(each)), stem):
                if code in self.words:
                    return code, key
        return None

    def _members(self, each: Difference) -> Item | None:
        """Of a list of names: who is new in it, and who is not in it any more."""
        code, before, after = f"{_kind(each.part)}{each.code.removeprefix(each.part)}", each.before, each.after
        if f"{code}.added" not in self.words or not isinstance(before, list) or not isinstance(after, list):
            return None
        added = [value for value in after if value not in before]
        removed = [value for value in before if value not in after]
        if (added and removed and code == "notification.on") or not (added or removed):
            return None
        lines: list[Line] = []
        for sort, values in (("added", added), ("removed", removed)):
            many = f"{code}.{sort}_many"
            if values:
                said = many if len(values) > 1 and many in self.words else f"{code}.{sort}"
                lines.append(self.words.say(said, **{sort: self._shown(values)}))
        sort_: Sort = "added" if not removed else "removed" if not added else "changed"
        between: Line = ("; ",)
        line = joined([*lines[0], *(part for other in lines[1:] for part in (*between, *other))])
        return Item(sort_, line, _weighs(code))

    def _special(self, each: Difference) -> dict[str, Line]:
        """Values that some sentences have beside what was and is."""
        given = each.before if each.after is None else each.after
        match each.code:
            case "notification.cancel" if given:
                return {"events": self._shown(given["types"]), "same": self._shown(given["match"])}
            case "notification.mute" if given:
                shown = {key: self._shown(given[key]) for key in ("opened", "closed")}
                return {**shown, "same": self._shown(given["match"])}
            case "notification.to.upsert" if given:
                return {"keys": self._shown([*given])}
            case "project.attention" if given:
                return {key: self._shown(value) for key, value in given.items()}
            case "group.kind":
                was, is_ = (side.about_group(side.catalogue.groups[each.name]) for side in (self.was, self.is_))
                return {"was": _without_end(was), "about": _without_end(is_)}
        return {}

    def _value(self, each: Difference, value: Any) -> Line:
        if each.code == "source.kind":
            return (self.is_.source_kind(value),)
        if each.code == "channel.provider.price" and value:
            money = self.words.money(value["amount"], value["currency"])
            return self.words.say(f"value.price.{value['per']}", money=money)
        if each.code == "source.rule":
            side = self.was if value is each.before else self.is_
            return side.rule(side.catalogue.sources[each.name])
        if each.code in ("person.locale", "system.locale", "project.locale") and value:
            return (self._language(value),)
        if each.code.endswith("zone") and value:
            return (self.words.city(value),)
        return self._shown(value)

    def _generic(self, place: str, before: Any, after: Any) -> Line:
        code = "changed.set" if before is None else "changed.unset" if after is None else "changed"
        shown = {"before": self._shown(before), "after": self._shown(after)}
        return self.words.say(code, place=(Code(place),), **shown)

    def _shown(self, value: Any) -> Line:
        """A value in words, or as code where it is what somebody wrote."""
        match value:
            case None:
                return self.words.say("value.none")
            case bool():
                return self.words.say("value.true" if value else "value.false")
            case int() | float():
                return (self.words.number(value),)
            case timedelta():
                return (self.words.duration(value.total_seconds()),)
            case Decimal():
                return (Code(f"{value:f}"),)
            case time():
                return (f"{value:%H:%M}",)
            case date():
                return (value.isoformat(),)
            case Hidden():
                return (Code(repr(value)),)
            case "":
                return self.words.say("value.empty")
            case str():
                return (Code(_short(value)),)
            case [*_] if not any(isinstance(each, dict | list) for each in value):
                return self.words.listed([self._shown(each) for each in value]) or self.words.say("value.none")
        return (Code(_short(orjson.dumps(as_json(value)).decode())),)


# -- small things --------------------------------------------------------------------------------------------------


def _ends(each: Difference) -> Iterator[str]:
    """What a code may end in, for what was and is."""
    if isinstance(each.after, bool):
        yield "true" if each.after else "false"
    elif isinstance(each.after, str) and _WORD.fullmatch(each.after):
        yield each.after
    elif each.after == []:
        yield "none"
    if each.before is None and each.after is not None:
        yield "set"
    elif each.after is None and each.before is not None:
        yield "unset"


def _weighs(code: str) -> bool:
    return any(code == known or code.startswith(f"{known}.") for known in WEIGHTY)


def _kind(part: str) -> str:
    """Systems are told of as people are."""
    return "person" if part == "system" else part


def _by_clock(catalogue: Catalogue, source: str) -> bool:
    return bool(sources.load(catalogue.sources[source].kind).KIND.by_clock)


def _without_end(line: Line) -> Line:
    last = line[-1]
    return joined([*line[:-1], last.removesuffix(".")]) if isinstance(last, str) else line


def _spaced(lines: Iterable[Line]) -> Line:
    parts = [part for line in lines for part in (" ", *line)]
    return joined(parts[1:])


def _short(text: str) -> str:
    text = " ".join(masked(text).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


__all__ = ["say_differences", "say_rewritten"]
