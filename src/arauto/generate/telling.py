"""A catalogue in plain words: who hears of an event, how and when; what could reach somebody; when a schedule ticks.

What a step does, the step itself says (``decide.steps.Telling``), as codes with values; here they become sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from arauto import sources
from arauto.decide import steps
from arauto.decide.groups import anyone, matches
from arauto.decide.steps.notify import NotifyOthers
from arauto.decide.wishes import IN_APP
from arauto.errors import LanguageError
from arauto.generate.say import Code, Line, Link, Words, joined
from arauto.model import (
    JSON,
    Awaited,
    Catalogue,
    Expression,
    Group,
    GroupTarget,
    Notification,
    PersonTarget,
    Reason,
    Recipient,
    SourceConfig,
    Step,
    SystemTarget,
    Target,
)

_PATH = re.compile(r"event\.data((?:\.\w+)+)")
_CONSTANT = re.compile(r"""(['"])([^'"\\]*)\1""")
_LONGEST_STORY = 3


class Told(Struct, frozen=True):
    """A step in words, with the steps inside of it."""

    kind: str
    """What sort of thing it does: ``send``, ``wait``, ``gather``, ``check``, ``ways``, ``others``, ``again``; or
    ``other``."""
    line: Line
    inside: tuple[tuple[Line | None, tuple[Told, ...]], ...] = ()


class Reach(Struct, frozen=True):
    """A way in which a notification may reach somebody."""

    notification: str
    why: Line
    conditions: tuple[Line, ...]
    channels: tuple[str, ...]


class _Node(Struct, frozen=True):
    step: Step
    inside: tuple[tuple[_Node, ...], ...] = ()


_KINDS = {"send": "send", "only_if": "check", "stop": "check", "branch": "ways", "notify": "others", "repeat": "again"}
_KINDS |= {"digest": "gather", "throttle": "gather", "delay": "wait", "until": "wait", "wait": "wait"}


class Telling:
    """One catalogue in one language."""

    def __init__(self, catalogue: Catalogue, words: Words) -> None:
        self.catalogue, self.words = catalogue, words

    # -- notifications ---------------------------------------------------------------------------------------------

    def lead(self, notification: Notification) -> Line:
        """When it comes, to whom, and, where that can be said in one sentence, how."""
        events = self.events(notification.on)
        targets = self.targets(notification.to)
        if notification.when is None:
            said = self.words.say("lead", events=events, targets=targets)
        else:
            said = self.words.say("lead_when", events=events, targets=targets, condition=_code(notification.when))
        story = self.story(notification)
        if story is None:
            return said
        return joined([*said[:-1], *_without_end(said[-1]), ": ", *story, "."])

    def story(self, notification: Notification) -> Line | None:
        """Its steps as a clause; None where they are more than a few that send."""
        told = self.steps(notification)
        if len(told) > _LONGEST_STORY or any(each.kind != "send" for each in told):
            return None
        then = self.words.text("then")
        return joined(
            part for number, each in enumerate(told) for part in ((then, *each.line) if number else each.line)
        )

    def steps(self, notification: Notification) -> tuple[Told, ...]:
        """Its steps in words."""
        return tuple(map(self._told, _tree(notification)))

    def _told(self, node: _Node) -> Told:
        step = node.step
        parts = [tuple(map(self._told, each)) for each in node.inside]
        description = step.describe() if isinstance(step, steps.Telling) else None
        said = () if description is None else (*description.clauses, *description.inside)
        if description is None or any(each.code not in self.words for each in said):
            unknown = self.words.say("step.unknown", kind=(Code(type(step).__name__),))
            return Told("other", unknown, tuple((None, each) for each in parts))
        main, *others = description.clauses
        name = main.code.removeprefix("step.")
        kind = _KINDS.get(name) or _KINDS.get(name.partition("_")[0], "other")
        line = self._clause(main, step)
        for clause in others:
            line = joined([*line, ", ", *self._clause(clause, step)])
        labels: list[Line | None] = [self._clause(each, step) for each in description.inside]
        inside = tuple(zip(labels or [None] * len(parts), parts, strict=True))
        return Told(kind, line, inside)

    def _clause(self, clause: Reason, step: Step) -> Line:
        values = {name: self._value(name, value) for name, value in clause.values.items()}
        if "first_of" in values:
            values["channels"] = values["first_of"]
        if isinstance(step, NotifyOthers):
            values["targets"] = self.targets(step.targets)
        if "receipt" in values:
            values["what"] = self.words.say(
                "what.receipt_by_anybody" if values["anybody"] else "what.receipt", **values
            )
        elif "same" in values:
            values["what"] = self.words.say("what.event_when" if "condition" in values else "what.event", **values)
        return self.words.say(clause.code, **values)

    def _value(self, name: str, value: JSON) -> str | int | float | Line:
        """A step's value in words, by what its name says of it."""
        match name:
            case "channels":
                return self.words.listed([self.by(each) for each in value])
            case "first_of":
                between = self.words.text("if_that_fails")
                return self.words.listed([self.by(each) for each in value], "if_that_fails", between)
            case "condition":
                return (Code(value),)
            case "expression" | "same":
                return (_short(value),)
            case "events":
                return self.events(value)
            case "time" | "longest":
                return self.words.duration(value)
            case "days":
                return self.words.days(value)
            case "receipt":
                return self.words.text(f"receipt.{value}")
            case "zone":
                if value == "recipient":
                    return self.words.text("zone.recipient")
                return self.words.text("zone.city", zone=self.words.city(self._zone(value)))
        return value  # type: ignore[no-any-return]

    def _zone(self, written: str) -> str:
        return self.catalogue.project.time_zone if written == "hub" else written

    def notes(self, notification: Notification) -> Iterator[Line]:
        """What else holds of it: what takes it back, what silences it, how long it is worth sending."""
        for target in notification.to:
            if isinstance(target, PersonTarget) and target.upsert:
                keys: list[Line] = [(Code(key.removeprefix("attributes.")),) for key in target.upsert]
                yield self.words.say("created", keys=self.words.listed(keys))
        if notification.cancel is not None:
            code = "cancel_corrected" if notification.corrections else "cancel"
            yield self.words.say(code, events=self.events(notification.cancel.types), same=_same(notification.cancel))
        if (mute := notification.mute) is not None:
            yield self.words.say(
                "mute_drop" if mute.drop else "mute_hold",
                opened=self.events(mute.opened.types),
                closed=self.events(mute.closed.types),
                same=_same(mute.opened),
            )
        if notification.expires is not None:
            yield self.words.say("expires", time=self.words.duration(notification.expires.total_seconds()))
        if notification.in_flight == "latest":
            yield self.words.say("in_flight")

    def category(self, name: str) -> Iterator[Line]:
        """What people may say of a category, and what holds its messages up."""
        category, attention = self.catalogue.categories[name], self.catalogue.project.attention
        yield self.words.say(f"consent.{category.consent}")
        yield self.words.say("urgent" if category.urgent else "not_urgent")
        if attention is not None and not category.urgent:
            yield self.words.say(
                "attention",
                priority=self.words.text(f"priority.{category.priority}"),
                count=int(getattr(attention, category.priority)),
                time=self.words.duration(attention.per.total_seconds()),
            )
        if category.tracking:
            yield self.words.say("tracking")

    # -- who -------------------------------------------------------------------------------------------------------

    def targets(self, targets: Sequence[Target]) -> Line:
        """Everybody that these name."""
        if any(each.when is not None for each in targets):
            return self.words.listed([self._target(each) for each in targets], "and_long", "; ")
        return self.words.listed([self._target(each) for each in targets])

    def _target(self, target: Target) -> Line:
        match target:
            case PersonTarget(person=expression):
                known = self.catalogue.recipients.get(constant(expression) or "")
                if known is not None:
                    said = self.words.say("target.person", person=(self.recipient(known.id),))
                else:
                    said = self.words.say("target.event_person", expression=(_short(expression.source),))
            case GroupTarget(group=name):
                said = self.group(self.catalogue.groups[name])
            case SystemTarget(system=id):
                said = self.words.say("target.system", system=(self.recipient(id),))
        if target.when is None:
            return said
        return self.words.say("target.when", target=said, condition=_code(target.when))

    def group(self, group: Group) -> Line:
        """A group and who is in it, in the middle of a sentence."""
        link: Line = (Link(f"groups/{group.name}", group.name),)
        if group.query is not None:
            return self.words.say("target.query", group=link, condition=_code(group.query))
        members = self.people(anyone(group), "or" if group.rota else "and")
        return self.words.say("target.rota" if group.rota else "target.group", group=link, members=members)

    def about_group(self, group: Group) -> Line:
        """A group as a sentence of its own."""
        if group.query is not None:
            return self.words.say("group.query", condition=_code(group.query))
        if group.rota is None:
            return self.words.say("group.list", members=self.people(group.members))
        rota = group.rota
        return self.words.say(
            "group.rota",
            members=self.people(rota.members),
            time=self.words.duration(rota.every * 86400),
            start=rota.start.isoformat(),
            at=f"{rota.hand_over:%H:%M}",
            zone=self.words.city(rota.zone),
        )

    def people(self, ids: Iterable[str], last: str = "and") -> Line:
        """Recipients by their names, with links."""
        return self.words.listed([(self.recipient(id),) for id in ids], last)

    def recipient(self, id: str) -> Link | str:
        """A recipient by name, with a link."""
        known = self.catalogue.recipients.get(id)
        if known is None:
            return id
        return Link(f"{'people' if known.kind == 'person' else 'systems'}/{id}", known.name or id)

    def reaches(self, recipient: Recipient) -> Iterator[Reach]:
        """Every way in which a notification may reach a recipient who is in the project."""
        for name, target, channels in self.all_targets():
            why: Line | None = None
            match target:
                case PersonTarget(person=expression) if constant(expression) == recipient.id:
                    why = self.words.say("reach.named")
                case SystemTarget(system=id) if id == recipient.id:
                    why = self.words.say("reach.named")
                case GroupTarget(group=group):
                    why = self._by_group(self.catalogue.groups[group], recipient)
            if why is not None:
                yield Reach(name, why, self._conditions(name, target), channels)

    def _conditions(self, notification: str, target: Target) -> tuple[Line, ...]:
        given = (self.catalogue.notifications[notification].when, target.when)
        return tuple(_code(each) for each in given if each is not None)

    def _by_group(self, group: Group, recipient: Recipient) -> Line | None:
        link: Line = (Link(f"groups/{group.name}", group.name),)
        if group.query is not None:
            return self.words.say("reach.query", group=link) if self._may_be_in(group, recipient) else None
        if recipient.id not in anyone(group):
            return None
        return self.words.say("reach.rota" if group.rota else "reach.group", group=link)

    def _may_be_in(self, group: Group, recipient: Recipient) -> bool:
        assert group.query is not None
        try:
            return matches(group.query, recipient, self.catalogue.project)
        except LanguageError:
            return True

    def groups_of(self, recipient: Recipient) -> list[str]:
        """The groups that a recipient is in, or may come to be in."""
        found = self.catalogue.groups.values()
        return [group.name for group in found if self._by_group(group, recipient) is not None]

    def reaches_group(self, group: str) -> Iterator[Reach]:
        """Every notification that goes to a group."""
        for name, target, channels in self.all_targets():
            if isinstance(target, GroupTarget) and target.group == group:
                why = self.words.say("reach.named")
                yield Reach(name, why, self._conditions(name, target), channels)

    def names_by_event(self, notification: Notification) -> bool:
        """It goes to whomever its event names."""
        return any(isinstance(each, PersonTarget) and constant(each.person) is None for each in notification.to)

    def channels_of(self, notification: Notification) -> tuple[str, ...]:
        """Every channel that it may send to."""
        return tuple(dict.fromkeys(name for step in notification.steps for name in step.channels))

    def all_targets(self) -> Iterator[tuple[str, Target, tuple[str, ...]]]:
        """Every target of every notification, those of steps that tell others too, and by which channels."""
        for name, notification in sorted(self.catalogue.notifications.items()):
            tree = _tree(notification)
            for target in notification.to:
                yield name, target, _channels(tree)
            for node in _all(tree):
                if isinstance(node.step, NotifyOthers):
                    for target in node.step.targets:
                        yield name, target, _channels(node.inside[0])

    # -- channels --------------------------------------------------------------------------------------------------

    def by(self, channel: str) -> Line:
        """``by e-mail``, with a link."""
        code = f"by.{channel}"
        return (Link(f"channels/{channel}", self.words.text(code) if code in self.words else channel),)

    def channel(self, name: str) -> str:
        """A channel by its name."""
        code = f"channel.{name}"
        return self.words.text(code) if code in self.words else name

    def about_channel(self, name: str) -> Iterator[Line]:
        """Who carries a channel's messages, and what happens when that fails."""
        config = self.catalogue.channels[name]
        providers = [(Code(each.name),) for each in config.providers]
        if name == IN_APP:
            yield self.words.say("provider.store")
            return
        code = "provider" if len(providers) == 1 else "providers"
        yield self.words.say(code, providers=self.words.listed([*providers]))
        times = [(self.words.duration(each.total_seconds()),) for each in config.retry.schedule]
        yield self.words.say("retry", times=self.words.listed([*times])) if times else self.words.say("no_retry")
        yield self.words.say("channel.expires", time=self.words.duration(config.retry.expires.total_seconds()))
        yield self.words.say(f"unknown.{config.retry.on_unknown}")

    # -- events and where they come from ---------------------------------------------------------------------------

    def events(self, types: Iterable[str]) -> Line:
        """Event types, with links."""
        return self.words.listed([(Link(f"events/{name}", name, code=True),) for name in types], "or")

    def origins(self, type_: str) -> Iterator[Line]:
        """Each source that tells of an event type."""
        for name, config in sorted(self.catalogue.sources.items()):
            module = sources.load(config.kind)
            source: Line = (Code(name),)
            if module.KIND.by_clock:
                if config.settings.event == type_:  # type: ignore[attr-defined]
                    yield self.words.say("from.clock", rule=self.rule(config), source=source)
            else:
                built = module.compile(name, config.settings)
                if any(given == type_ for _, given in built.types):
                    yield self.words.say("from.called", source=source, kind=self.source_kind(config.kind))
        yield self.words.say("from.api")

    def source_kind(self, kind: str) -> str:
        """What sort of system a source of this kind is."""
        code = f"source_kind.{kind}"
        return self.words.text(code) if code in self.words else sources.load(kind).KIND.title

    def consequences(self, type_: str) -> Iterator[Line]:
        """What an event does beside being told."""
        for listener in self.catalogue.listeners.get(type_, ()):
            place = listener.place if listener.place in ("cancel", "opened", "closed") else "step"
            yield self.words.say(f"does.{place}", notification=(self.notification(listener.notification),))

    def notification(self, name: str) -> Link:
        """A notification, with a link."""
        return Link(f"notifications/{name}", name)

    def rule(self, config: SourceConfig) -> Line:
        """When a schedule ticks; a rule that has no plain words is shown as it is written."""
        cron = getattr(config.settings, "cron", None)
        rrule, start = getattr(config.settings, "rrule", None), getattr(config.settings, "start", None)
        zone = self.words.city(getattr(config.settings, "zone", None) or self.catalogue.project.time_zone)
        found = _plain_cron(cron) if cron else _plain_rrule(rrule or "", start or "")
        if found is None:
            return self.words.say("rule.cron" if cron else "rule.rrule", rule=(Code(cron or rrule or ""),), zone=zone)
        code, values = found
        shown: dict[str, str | int | float | Line] = {}
        for name, value in values.items():
            match name:
                case "days":
                    shown[name] = self.words.days(value)
                case "weekday":
                    shown[name] = self.words.text(f"weekday.{value}")
                case _:
                    shown[name] = str(value)
        return self.words.say(code, zone=zone, **shown)


# -- steps as a tree -----------------------------------------------------------------------------------------------


def _tree(notification: Notification) -> tuple[_Node, ...]:
    """Its steps as they are nested in the file: a notification has them one after another."""
    at = 0

    def take(count: int | None) -> tuple[_Node, ...]:
        nonlocal at
        found: list[_Node] = []
        while at < len(notification.steps) if count is None else len(found) < count:
            step = notification.steps[at]
            at += 1
            inside = tuple(take(len(each)) for each in step.inside) if isinstance(step, steps.Nesting) else ()
            found.append(_Node(step, inside))
        return tuple(found)

    return take(None)


def _all(nodes: Sequence[_Node]) -> Iterator[_Node]:
    for node in nodes:
        yield node
        for each in node.inside:
            yield from _all(each)


def _channels(nodes: Sequence[_Node]) -> tuple[str, ...]:
    """By which channels these steps send to those who go through them themselves."""
    found: list[str] = []
    for node in nodes:
        found += node.step.channels
        if not isinstance(node.step, NotifyOthers):
            for each in node.inside:
                found += _channels(each)
    return tuple(dict.fromkeys(found))


# -- what is written -----------------------------------------------------------------------------------------------


def constant(expression: Expression) -> str | None:
    """The text that an expression is, where it is nothing else: ``'marina'``."""
    match = _CONSTANT.fullmatch(expression.source.strip())
    return match[2] if match else None


def _code(expression: Expression) -> Line:
    return (Code(expression.source),)


def _short(source: str) -> Code:
    """A path into the event's data without its beginning; every other expression as it is written."""
    match = _PATH.fullmatch(source.strip())
    return Code(match[1].removeprefix(".") if match else source)


def _same(awaited: Awaited) -> Line:
    return (_short(awaited.here.source),)


def _without_end(last: str | Code | Link) -> Line:
    return (last.removesuffix("."),) if isinstance(last, str) else (last,)


# -- schedules -----------------------------------------------------------------------------------------------------

_DAY_NAMES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_CRON_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_Plain = tuple[str, dict[str, JSON]]


def _plain_cron(text: str) -> _Plain | None:
    """The code and values of a cron expression of a common form."""
    fields = text.split()
    if len(fields) != 5 or not fields[0].isdigit() or fields[3] != "*":
        return None
    minute, hour, day, _, weekday = fields
    if (hour, day, weekday) == ("*", "*", "*"):
        return "rule.hourly", {"minute": int(minute)}
    if not hour.isdigit():
        return None
    at = f"{int(hour):02}:{int(minute):02}"
    if (day, weekday) == ("*", "*"):
        return "rule.daily", {"at": at}
    if day == "*":
        days = _cron_days(weekday.upper())
        return ("rule.weekly", {"at": at, "days": days}) if days else None
    if weekday == "*":
        codes = {"L": "rule.monthly_last", "LW": "rule.monthly_last_weekday"}
        if day.upper() in codes:
            return codes[day.upper()], {"at": at}
        return ("rule.monthly_day", {"at": at, "day": int(day)}) if day.isdigit() else None
    return None


def _cron_days(text: str) -> list[int]:
    """Days of the week, Monday is 0; none where they are not simply named."""
    for number, name in enumerate(_CRON_DAYS):
        text = text.replace(name, str(number))
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"([0-7])(?:-([0-7]))?", part)
        if match is None:
            return []
        found.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return sorted({(day - 1) % 7 for day in found})


def _plain_rrule(text: str, start: str) -> _Plain | None:
    """The code and values of a recurrence rule of a common form."""
    parts = dict(
        part.split("=", 1) for part in text.upper().removeprefix("RRULE:").strip("; ").split(";") if "=" in part
    )
    frequency, days = parts.pop("FREQ", ""), parts.pop("BYDAY", "")
    position, day = parts.pop("BYSETPOS", ""), parts.pop("BYMONTHDAY", "")
    at = start[11:16]
    if parts.keys() - {"WKST"} or not at:
        return None
    named = [_DAY_NAMES.index(name) for name in days.split(",") if name in _DAY_NAMES]
    match frequency, days, position, day:
        case "DAILY", "", "", "":
            return "rule.daily", {"at": at}
        case "WEEKLY", _, "", "" if named and len(named) == len(days.split(",")):
            return "rule.weekly", {"at": at, "days": sorted(named)}
        case "MONTHLY", _, "-1", "" if sorted(named) == [0, 1, 2, 3, 4]:
            return "rule.monthly_last_weekday", {"at": at}
        case "MONTHLY", _, "", "" if days[:2] == "-1" and days[2:] in _DAY_NAMES:
            return "rule.monthly_last_of", {"at": at, "weekday": _DAY_NAMES.index(days[2:])}
        case "MONTHLY", "", "", "-1":
            return "rule.monthly_last", {"at": at}
        case "MONTHLY", "", "", _ if day.isdigit():
            return "rule.monthly_day", {"at": at, "day": int(day)}
    return None


__all__ = ["Reach", "Telling", "Told", "constant"]
