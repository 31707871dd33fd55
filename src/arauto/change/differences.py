"""What differs between two versions of a project: every change of meaning once, as a code with values.

What is written otherwise and means the same (comments, the order of keys, a default that is now spelt out) is no
difference. The order is always the same: what people receive comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from arauto import sources
from arauto.catalogue.diagnostics import Faults
from arauto.catalogue.reader import read
from arauto.change.flow import steps_changed
from arauto.change.meaning import Path, as_json, changes, hidden, meaning, place_of, same
from arauto.change.texts import texts_changed
from arauto.model import (
    JSON,
    Catalogue,
    EventType,
    Group,
    Notification,
    PersonTarget,
    Recipient,
    SourceConfig,
    SystemTarget,
    Target,
)

_OF_EVENTS = ("secrets", "events", "source", "accepted", "event", "missed", "subject", "data")
"""Settings of a source that are not about how its calls are verified, or have words of their own."""
Sort: TypeAlias = Literal["added", "removed", "changed"]

PARTS = (
    *("notification", "category", "event_type", "source", "channel", "group", "person", "system", "attributes"),
    "project",
)
"""What a project is made of, in the order in which differences are told."""


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that is not as it was."""

    part: str
    """One of PARTS."""
    name: str
    """Of the notification, the channel, …; the project's own where it is about the project."""
    sort: Sort
    code: str
    """What differs, for words: ``category.consent``, ``notification.step``; ``category`` of one that is new or gone."""
    file: str
    """Where it is written, in the version that has it."""
    path: Path = ()
    """Where inside of the thing."""
    before: Any = None
    """None where there was nothing; durations and times as such, secrets and addresses as ``Hidden``."""
    after: Any = None
    values: dict[str, Any] = {}
    """What else words need."""


class Differences(Struct, frozen=True):
    """All that differs between two versions."""

    found: tuple[Difference, ...]
    rewritten: tuple[str, ...]
    """Files that are written otherwise, and mean the same."""

    def __bool__(self) -> bool:
        """Something differs in meaning."""
        return bool(self.found)


def differences(old: Catalogue, new: Catalogue) -> Differences:
    """Everything in which the meaning of two versions differs."""
    found = tuple(_Comparison(old, new).all())
    told = {each.file for each in found}
    whole = tuple(f"notifications/{each.name}/" for each in found if each.code == "notification")
    names = sorted(old.files.keys() | new.files.keys())
    rewritten = [name for name in names if old.files.get(name) != new.files.get(name) and name not in told]
    return Differences(found, tuple(name for name in rewritten if not name.startswith(whole)))


def differences_as_json(differences: Differences) -> JSON:
    """The same as plain values, for programs: places as paths, durations as projects write them."""
    return {
        "differences": [
            {
                "part": each.part,
                "name": each.name,
                "sort": each.sort,
                "code": each.code,
                "file": each.file,
                "place": place_of(each.path),
                "before": as_json(each.before),
                "after": as_json(each.after),
                "values": as_json(each.values),
            }
            for each in differences.found
        ],
        "same_meaning": list(differences.rewritten),
    }


class _Comparison:
    def __init__(self, old: Catalogue, new: Catalogue) -> None:
        self.old, self.new = old, new
        self.files = [_Files(old.files), _Files(new.files)]

    def all(self) -> Iterator[Difference]:
        yield from self._named("notification", self.old.notifications, self.new.notifications, self._notification)
        yield from self._named("category", self.old.categories, self.new.categories, self._plain)
        yield from self._categories_order()
        yield from self._named("event_type", self.old.event_types, self.new.event_types, self._event_type)
        yield from self._named("source", self.old.sources, self.new.sources, self._source)
        yield from self._named("channel", self.old.channels, self.new.channels, self._channel)
        yield from self._named("group", self.old.groups, self.new.groups, self._group)
        for kind in ("person", "system"):
            old, new = (_of_kind(each.recipients, kind) for each in (self.old, self.new))
            yield from self._named(kind, old, new, self._recipient)
        yield from self._attributes()
        yield from self._tree("project", self.new.project.name, meaning(self.old.project), meaning(self.new.project))

    def _named(self, part: str, old: Mapping[str, Any], new: Mapping[str, Any], compare: Any) -> Iterator[Difference]:
        """New things, things that are gone, and those that both versions have."""
        for name in sorted(old.keys() | new.keys()):
            if name not in new:
                yield self._difference(part, name, "removed")
            elif name not in old:
                yield self._difference(part, name, "added")
            else:
                yield from compare(part, name, old[name], new[name])

    def _difference(self, part: str, name: str, sort: Sort, code: str = "", **values: Any) -> Difference:
        which = self.files[sort != "removed"]
        file = values.pop("file", None) or which.of(part, name)
        return Difference(part=part, name=name, sort=sort, code=code or part, file=file, **values)

    def _tree(
        self, part: str, name: str, before: Any, after: Any, path: Path = (), below: str = ""
    ) -> Iterator[Difference]:
        """Every change in a tree; its code is the names that lead to it."""
        for found, was, is_ in changes(before, after):
            names = ".".join(each for each in (part, below, *map(_name, found)) if each)
            yield self._difference(part, name, "changed", names, path=(*path, *found), before=was, after=is_)

    def _plain(self, part: str, name: str, old: Struct, new: Struct) -> Iterator[Difference]:
        yield from self._tree(part, name, meaning(old), meaning(new))

    # -- what has more to it than its fields -----------------------------------------------------------------------

    def _categories_order(self) -> Iterator[Difference]:
        """Pages list categories as they are written."""
        both = self.old.categories.keys() & self.new.categories.keys()
        before, after = ([name for name in each.categories if name in both] for each in (self.old, self.new))
        if before != after:
            name = self.new.project.name
            values = {"path": ("categories",), "before": before, "after": after}
            yield self._difference("project", name, "changed", "project.categories_order", **values)

    def _event_type(self, part: str, name: str, old: EventType, new: EventType) -> Iterator[Difference]:
        if old.description != new.description:
            values: dict[str, Any] = {"before": old.description, "after": new.description}
            yield self._difference(part, name, "changed", "event_type.description", path=("description",), **values)
        if not same(old.schema, new.schema):
            values = {"path": ("schema",), "before": old.schema, "after": new.schema}
            yield self._difference(part, name, "changed", "event_type.schema", **values)
        for sample in dict.fromkeys((*old.samples, *new.samples)):
            before, after = old.samples.get(sample), new.samples.get(sample)
            if not same(before, after):
                values = {"path": ("samples", sample), "before": before, "after": after, "values": {"sample": sample}}
                yield self._difference(part, name, "changed", "event_type.sample", **values)
        if [*old.samples] != [*new.samples] and old.samples.keys() == new.samples.keys():
            values = {"path": ("samples",), "before": [*old.samples], "after": [*new.samples]}
            yield self._difference(part, name, "changed", "event_type.samples", **values)

    def _source(self, part: str, name: str, old: SourceConfig, new: SourceConfig) -> Iterator[Difference]:
        if old.kind != new.kind:
            values = {"path": ("kind",), "before": old.kind, "after": new.kind}
            yield self._difference(part, name, "changed", "source.kind", **values)
        before, after = meaning(old.settings), meaning(new.settings)
        if sources.load(old.kind).KIND.by_clock and sources.load(new.kind).KIND.by_clock:
            rules = [
                {key: tree.pop(key, None) for key in ("cron", "rrule", "start", "zone")} for tree in (before, after)
            ]
            if rules[0] != rules[1]:
                yield self._difference(part, name, "changed", "source.rule", before=rules[0], after=rules[1])
        one, other = _by_type(before), _by_type(after)
        if one is not None and other is not None:
            yield from self._members(part, name, "event", one, other, ("events",))
            before, after = ({**tree, "events": None} for tree in (before, after))
        for each in self._tree(part, name, before, after):
            verifies = each.path and each.path[0] not in _OF_EVENTS
            yield msgspec.structs.replace(each, code="source.verification") if verifies else each

    def _channel(self, part: str, name: str, old: Struct, new: Struct) -> Iterator[Difference]:
        before, after = meaning(old), meaning(new)
        one, other = ({each["name"]: each for each in tree.pop("providers")} for tree in (before, after))
        for key in [key for key in one if key in other]:
            price, new_price = one[key].pop("price"), other[key].pop("price")
            if not same(price, new_price):  # an amount says nothing without its currency
                values = {"path": ("providers", key, "price"), "values": {"provider": key}}
                yield self._difference(
                    part, name, "changed", "channel.provider.price", before=price, after=new_price, **values
                )
        yield from self._members(part, name, "provider", one, other, ("providers",))
        yield from self._tree(part, name, before, after)

    def _members(
        self, part: str, name: str, what: str, old: Mapping[str, Any], new: Mapping[str, Any], path: Path
    ) -> Iterator[Difference]:
        """Things with names of their own in a thing, and their order."""
        for key in dict.fromkeys((*old, *new)):
            before, after = old.get(key), new.get(key)
            if before is None or after is None:
                values = {"before": before, "after": after, "values": {what: key}}
                yield self._difference(part, name, "changed", f"{part}.{what}", path=(*path, key), **values)
            else:
                for each in self._tree(part, name, before, after, (*path, key), what):
                    yield msgspec.structs.replace(each, values={what: key})
        both = old.keys() & new.keys()
        before, after = ([key for key in each if key in both] for each in (old, new))
        if before != after:
            yield self._difference(part, name, "changed", f"{part}.{what}.order", path=path, before=before, after=after)

    def _group(self, part: str, name: str, old: Group, new: Group) -> Iterator[Difference]:
        kinds = ["query" if each.query else "rota" if each.rota else "members" for each in (old, new)]
        before, after = meaning(old), meaning(new)
        if kinds[0] != kinds[1]:
            before, after = ({kind: tree[kind]} for kind, tree in zip(kinds, (before, after), strict=True))
            yield self._difference(part, name, "changed", "group.kind", before=before, after=after)
            return
        yield from self._tree(part, name, before, after)

    def _recipient(self, part: str, id: str, old: Recipient, new: Recipient) -> Iterator[Difference]:
        before, after = _person(old), _person(new)
        yield from self._tree(part, id, before, after)

    def _attributes(self) -> Iterator[Difference]:
        before, after = (each.attributes for each in self.files)
        if not same(before, after):
            sort: Sort = "added" if before is None else "removed" if after is None else "changed"
            yield self._difference("attributes", "attributes", sort, before=before, after=after)

    # -- notifications ---------------------------------------------------------------------------------------------

    def _notification(self, part: str, name: str, old: Notification, new: Notification) -> Iterator[Difference]:
        if old.edition == new.edition:
            return  # byte for byte the same
        fields = ("on", "category", "when", "expires", "in_flight", "cancel", "mute")
        before, after = ({field: _matched(meaning(getattr(each, field))) for field in fields} for each in (old, new))
        yield from self._tree(part, name, before, after)
        yield from self._targets(name, old, new)
        place = f"notifications/{name}/notification.yaml"
        written = [each.document(place).get("steps", []) for each in self.files]
        for step in steps_changed(old, new, *written):
            values = {"before": step.before, "after": step.after, "path": ("steps", *step.path), "values": step.values}
            yield self._difference(part, name, step.sort, step.code, **values)
        for text in texts_changed(name, self.old.files, self.new.files):
            values = {"file": text.file, "path": text.path, "before": text.before, "after": text.after}
            yield self._difference(part, name, text.sort, text.code, values=text.values, **values)

    def _targets(self, name: str, old: Notification, new: Notification) -> Iterator[Difference]:
        one, other = ([(target_key(each), meaning(each)) for each in side.to] for side in (old, new))
        if same([tree for _, tree in one], [tree for _, tree in other]):
            return
        before, after = dict(one), dict(other)
        if len(before) == len(one) and len(after) == len(other):
            yield from self._members("notification", name, "to", before, after, ("to",))
            return
        values = {"before": [tree for _, tree in one], "after": [tree for _, tree in other]}
        yield self._difference("notification", name, "changed", "notification.to", path=("to",), **values)


class _Files:
    """What stands in the files of a version, as far as the catalogue does not know it any more."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._holders: dict[tuple[str, str], str] = {}
        self.attributes: JSON = None
        """The JSON Schema of people's attributes."""
        for name in sorted(files):
            if name.startswith("recipients/"):
                self._take(name)

    def _take(self, file: str) -> None:
        data = self.document(file)
        for key, part in (("people", "person"), ("systems", "system"), ("groups", "group")):
            for name in data.get(key) or {}:
                self._holders[part, name] = file
        if data.get("attributes") is not None:
            self.attributes = data["attributes"]
            self._holders["attributes", "attributes"] = file

    def document(self, name: str) -> dict[str, Any]:
        """What a YAML file holds."""
        raw = self._files.get(name)
        document = None if raw is None else read(name, raw, Faults())
        return document.data if document is not None and isinstance(document.data, dict) else {}

    def of(self, part: str, name: str) -> str:
        """The file in which a thing is written."""
        match part:
            case "notification":
                return f"notifications/{name}/notification.yaml"
            case "event_type":
                return f"events/{name}.yaml"
            case "source" | "channel":
                return f"{part}s/{name}.yaml"
            case "project" | "category":
                return "arauto.yaml"
        return self._holders.get((part, name), "recipients/")


def _of_kind(recipients: Mapping[str, Recipient], kind: str) -> dict[str, Recipient]:
    return {id: each for id, each in recipients.items() if each.kind == kind}


def _person(recipient: Recipient) -> dict[str, Any]:
    """A recipient of whom neither addresses nor attributes are shown."""
    return {
        "name": recipient.name,
        "locale": recipient.locale,
        "time_zone": recipient.time_zone,
        "addresses": {channel: hidden(each) for channel, each in recipient.addresses.items()},
        "attributes": {name: hidden(each) for name, each in recipient.attributes.items()},
    }


def target_key(target: Target) -> str:
    """Whom a target names: what it has in common with its earlier form."""
    match target:
        case PersonTarget(person=expression):
            return f"person: {expression.source.strip()}"
        case SystemTarget(system=name):
            return f"system: {name}"
    return f"group: {target.group}"


def _matched(tree: Any) -> Any:
    """What listens for events, with the expression that both events are asked once, where it is one."""
    if not isinstance(tree, dict):
        return tree
    opened, closed = tree.get("opened"), tree.get("closed")
    if isinstance(opened, dict) and isinstance(closed, dict):
        about, also = ({key: value for key, value in each.items() if key != "types"} for each in (opened, closed))
        types = {"opened": opened["types"], "closed": closed["types"]}
        return {**tree, **types, "match": _one_match(about), **({} if same(about, also) else {"closed_match": also})}
    rest = {key: value for key, value in tree.items() if key in ("here", "there")}
    return {key: value for key, value in tree.items() if key not in rest} | {"match": _one_match(rest)}


def _one_match(match: dict[str, Any]) -> Any:
    alone = match.get("when") is None
    return match["here"] if alone and match["here"] == match["there"] else match


def _by_type(settings: dict[str, Any]) -> dict[str, Any] | None:
    """The events of a source's settings by their types; None where that cannot be, or would hide some."""
    events = settings.get("events")
    if not isinstance(events, list) or not all(isinstance(each, dict) and "type" in each for each in events):
        return None
    found = {str(each["type"]): each for each in events}
    return found if len(found) == len(events) else None


def _name(part: str | int) -> str:
    return "" if isinstance(part, int) else part


__all__ = ["PARTS", "Difference", "Differences", "differences", "differences_as_json", "target_key"]
