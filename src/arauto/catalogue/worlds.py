"""``worlds/*.yaml`` → Worlds, against a catalogue; or every fault with its place. And a world that needs no file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path as FilePath
from typing import Any

from arauto import sources
from arauto.catalogue import values, world_files
from arauto.catalogue.diagnostics import START, Faults, did_you_mean
from arauto.catalogue.document import Document, Path
from arauto.catalogue.reader import read
from arauto.catalogue.schemas import Check
from arauto.catalogue.shapes import fit
from arauto.catalogue.values import Reader
from arauto.catalogue.world import Arrivals, Behaviour, Breakdown, Follows, Habit, People, Weighted, World
from arauto.decide.wishes import IN_APP
from arauto.errors import CatalogueFaulty
from arauto.model import JSON, Awaited, Catalogue, PersonTarget, QuietHours, ReceiptKind, Step

WORLDS = "worlds"
_PATH = re.compile(r"\s*event\.data\.([A-Za-z_][\w.]*)\s*(?:\|.*)?", re.DOTALL)
_DIGITS = re.compile(r"\d+")
_PEOPLE = 500
_OFTEN, _SELDOM = 60.0, 3.0
"""How many events of a type there are in a day where nobody says it: about people, and about other things."""
_HABITS: dict[str, tuple[tuple[ReceiptKind, float, timedelta], ...]] = {
    "email": (("opened", 0.4, timedelta(hours=3)), ("clicked", 0.08, timedelta(hours=4))),
    "push": (("opened", 0.25, timedelta(minutes=20)),),
    "inapp": (("read", 0.3, timedelta(hours=6)),),
}
_DONE: dict[str, ReceiptKind] = {kind: kind for kind in ("complained", "opened", "clicked", "read", "acknowledged")}
"""What people do with messages; all other receipts are told by providers."""
_ACKNOWLEDGED = Habit("acknowledged", 0.8, timedelta(minutes=8))
_BEHAVIOURS = {
    "email": Behaviour(takes=timedelta(seconds=12), later=0.005, bounced=0.004),
    "sms": Behaviour(takes=timedelta(seconds=6), later=0.005, unknown=0.0005, bounced=0.01),
    "push": Behaviour(takes=timedelta(seconds=2), rejected=0.01),
}
_ANY = Behaviour(takes=timedelta(seconds=1), later=0.002)


def default_world(catalogue: Catalogue) -> World:
    """A world of which nobody has said anything: some people, and a few events of each type that somebody hears of."""
    return World(
        name="",
        people=_people(catalogue, world_files.PeopleEntry(count=_PEOPLE), None),
        facts=facts(catalogue),
        arrivals=tuple(_usual(catalogue)),
        habits={name: _habits(name, catalogue) for name in catalogue.channels},
        behaviours={name: _BEHAVIOURS.get(name, _ANY) for name in catalogue.channels if name != IN_APP},
    )


def compile_world(file: FilePath, name: str, catalogue: Catalogue) -> World:
    """The world in a file, which faults call ``name``. Raises CatalogueFaulty with every fault, sorted by place."""
    faults = Faults()
    try:
        raw = file.read_bytes()
    except OSError as error:
        faults.add(name, START, "unreadable-file", f"the file cannot be read: {error.strerror}")
        raise CatalogueFaulty(list(faults.found.values())) from None
    world = _compile(name, raw, catalogue, faults)
    if faults.found or world is None:
        raise CatalogueFaulty(list(faults.found.values()))
    return world


def read_worlds(folder: FilePath, catalogue: Catalogue, faults: Faults) -> None:
    """Check the worlds in a project's ``worlds/``; what is wrong with them goes to ``faults``."""
    place = folder / WORLDS
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        name = f"{WORLDS}/{path.name}"
        if path.suffix in (".yml", ".json") and path.is_file():
            hint = f"name it {path.with_suffix('.yaml').name}"
            faults.add(name, START, "unknown-file", "this file has no meaning here", hint)
        elif path.suffix == ".yaml" and not path.name.startswith(".") and path.is_file():
            _compile(name, path.read_bytes(), catalogue, faults)


def world_names(folder: FilePath) -> list[str]:
    """The files in a project's ``worlds/``, relative to the project."""
    place = folder / WORLDS
    found = place.glob("*.yaml") if place.is_dir() else ()
    return sorted(f"{WORLDS}/{path.name}" for path in found if not path.name.startswith("."))


# -- what the catalogue says ------------------------------------------------------------------------------------------


def facts(catalogue: Catalogue) -> dict[str, str]:
    """Where in the data of events people stand, as the targets of notifications say: by path, ``id``, ``name``,
    ``locale``, ``time_zone``, a channel, or ``attributes.<name>``."""
    found: dict[str, str] = {}
    for _, notification in sorted(catalogue.notifications.items()):
        for target in notification.to:
            if not isinstance(target, PersonTarget):
                continue
            told: dict[str, Any] = {"id": target.person, **(target.upsert or {})}
            attributes = told.pop("attributes", None)
            parts = getattr(attributes, "parts", None)
            told |= {f"attributes.{key}": part for key, part in (parts or {}).items()}
            for fact, expression in told.items():
                match = _PATH.fullmatch(getattr(expression, "source", ""))
                if match:
                    found.setdefault(match[1], fact)
    return found


def at(data: JSON, path: str) -> JSON:
    """What stands at a dotted path; None where nothing does."""
    for part in path.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _id(catalogue: Catalogue) -> str:
    """The form of people's ids, as samples have it."""
    places = [path for path, fact in facts(catalogue).items() if fact == "id"]
    for type_ in catalogue.event_types.values():
        for sample in type_.samples.values():
            for path in places:
                value = at(sample, path)
                if isinstance(value, str) and _DIGITS.search(value):
                    *_, last = _DIGITS.finditer(value)
                    return f"{value[: last.start()]}{{number}}{value[last.end() :]}"
    return "p-{number}"


def _told(catalogue: Catalogue) -> tuple[dict[str, str], set[str]]:
    """By event type the source that tells it, and the types that the clock tells."""
    by: dict[str, str] = {}
    ticked: set[str] = set()
    for name, config in sorted(catalogue.sources.items()):
        module = sources.load(config.kind)
        settings: Any = config.settings
        if module.KIND.by_clock:
            found = module.compile(name, settings, catalogue.project.time_zone)
            ticked |= {type_ for _, type_ in found.types}
            continue
        for _, type_ in module.compile(name, settings).types:
            by.setdefault(type_, name)
    return by, ticked - by.keys()


def awaited_receipts(catalogue: Catalogue) -> dict[str, frozenset[str]]:
    """By notification, the kinds of receipts that its steps wait for."""
    return {
        name: frozenset(each.kind for step in notification.steps for each in getattr(step, "receipts", ()))
        for name, notification in catalogue.notifications.items()
    }


def _usual(catalogue: Catalogue) -> Iterator[Arrivals]:
    by, ticked = _told(catalogue)
    for name in sorted(catalogue.event_types):
        rules = catalogue.by_event_type.get(name, ())
        follows = tuple(_followed(catalogue, name))
        if name in ticked or not (rules or follows):
            continue
        people = any(
            isinstance(target, PersonTarget) and _PATH.fullmatch(target.person.source)
            for each in rules
            for target in each.to
        )
        yield Arrivals(
            type=name,
            source=by.get(name, "simulation"),
            per_day=0.0 if follows and not people else _OFTEN if people else _SELDOM,
            profile="even",
            follows=follows,
            samples=tuple((sample, 1.0) for sample in catalogue.event_types[name].samples),
        )


def _followed(catalogue: Catalogue, type_: str) -> Iterator[Follows]:
    """The events that one of this type comes after, as it seems from what listens for it."""
    seen: set[str] = set()
    for _, notification in sorted(catalogue.notifications.items()):
        for step in notification.steps:
            for awaited in _awaits(step):
                if type_ in awaited.types and notification.on[0] not in seen:
                    seen.add(notification.on[0])
                    latest: timedelta = getattr(step, "up_to", timedelta(hours=2)) * 1.5
                    yield Follows(after=notification.on[0], share=0.4, earliest=timedelta(), latest=latest)
        ends = [(notification.cancel, 0.1), (notification.mute.closed if notification.mute else None, 0.95)]
        for awaited_end, share in ends:
            if awaited_end and type_ in awaited_end.types and notification.on[0] not in seen:
                seen.add(notification.on[0])
                yield Follows(
                    after=notification.on[0], share=share, earliest=timedelta(minutes=5), latest=timedelta(hours=3)
                )


def _awaits(step: Step) -> tuple[Awaited, ...]:
    found: tuple[Awaited, ...] = getattr(step, "awaits", ())
    return found


def _habits(channel: str, catalogue: Catalogue) -> tuple[Habit, ...]:
    return (*(Habit(*each) for each in _HABITS.get(channel, ())), _ACKNOWLEDGED)


# -- what files say ---------------------------------------------------------------------------------------------------


def _compile(name: str, raw: bytes, catalogue: Catalogue, faults: Faults) -> World | None:
    document = read(name, raw, faults)
    entry = fit(document, world_files.WorldFile, faults) if document else None
    return _Compiler(document, catalogue, faults).world(entry) if document and entry else None


class _Compiler:
    """One world."""

    def __init__(self, document: Document, catalogue: Catalogue, faults: Faults) -> None:
        self.document, self.catalogue = document, catalogue
        self.reader = Reader(document, faults)

    def world(self, entry: world_files.WorldFile) -> World:
        catalogue = self.catalogue
        outages = [self._breakdown(each, ("outages", index)) for index, each in enumerate(entry.outages)]
        for channel in entry.providers:
            self._known("channel", channel, catalogue.channels, ("providers", channel), key=True)
        for channel in entry.habits:
            self._known("channel", channel, catalogue.channels, ("habits", channel), key=True)
        behaviours = {name: self._behaviour(name, each) for name, each in entry.providers.items()}
        usual = {name: _BEHAVIOURS.get(name, _ANY) for name in catalogue.channels if name != IN_APP}
        habits = {name: _habits(name, catalogue) for name in catalogue.channels}
        return World(
            name=self.document.file,
            people=_people(catalogue, entry.people, self),
            facts=facts(catalogue),
            arrivals=tuple(self._arrivals(entry)),
            habits=habits | {name: self._habit(name, each) for name, each in entry.habits.items()},
            behaviours=usual | behaviours,
            breakdowns=tuple(each for each in outages if each is not None),
        )

    def _known(self, what: str, name: str, known: Mapping[str, object], path: Path, *, key: bool = False) -> bool:
        if name in known:
            return True
        words = what.replace("-", " ")
        self.reader.fault(path, f"unknown-{what}", f"there is no {words} {name}", did_you_mean(name, known), key=key)
        return False

    def _span(self, text: str | None, path: Path) -> timedelta | None:
        return self.reader.read(values.duration, text, path)

    def weights(self, written: Mapping[str, float], path: Path) -> Weighted:
        """Shares, of which one at least is more than nothing."""
        if not sum(written.values()):
            self.reader.fault(path, "bad-value", "all shares are 0", "give one of them more")
        return tuple(written.items())

    def check_people(self, entry: world_files.PeopleEntry) -> None:
        """The names that stand in it, and the shares."""
        for part, weights in (("locales", entry.locales), ("time_zones", entry.time_zones)):
            if weights is not None:
                self.weights(weights, ("people", part))
        for locale in entry.locales or ():
            self.reader.read(values.locale, locale, ("people", "locales", locale))
        for zone in entry.time_zones or ():
            self.reader.read(values.time_zone, zone, ("people", "time_zones", zone))
        reached = {name: each for name, each in self.catalogue.channels.items() if name != IN_APP}
        for channel in entry.addresses or ():
            self._known("channel", channel, reached, ("people", "addresses", channel), key=True)
        check = self.catalogue.attributes
        for name, choices in entry.attributes.items():
            path: Path = ("people", "attributes", name)
            for index, choice in enumerate(choices):
                for found in check.findings({name: choice.value}) if isinstance(check, Check) else ():
                    if found.keyword != "required":
                        message = f"the attribute {name} {found.detail}"
                        key = found.keyword == "additionalProperties"
                        place = path if key else (*path, index, "value")
                        self.reader.fault(place, "bad-attribute", message, key=key)
            if sum(choice.share for choice in choices) > 100.001:
                self.reader.fault(path, "bad-value", f"the shares of {name} are more than 100 % together", key=True)
        if entry.wishes is not None:
            for said, shares in (("refuse", entry.wishes.refuse), ("agree", entry.wishes.agree)):
                for category in shares:
                    where = ("people", "wishes", said, category)
                    self._known("category", category, self.catalogue.categories, where, key=True)
            hours = entry.wishes.quiet_hours
            for end, text in (("start", hours.start), ("end", hours.end)) if hours else ():
                self.reader.read(values.time_of_day, text, ("people", "wishes", "quiet_hours", end))

    def _arrivals(self, entry: world_files.WorldFile) -> Iterator[Arrivals]:
        by, _ = _told(self.catalogue)
        for name, each in entry.events.items():
            path: Path = ("events", name)
            if not self._known("event-type", name, self.catalogue.event_types, path, key=True):
                continue
            samples = self.catalogue.event_types[name].samples
            for sample in each.samples or ():
                self._known("sample", sample, samples, (*path, "samples", sample), key=True)
            given = [key for key in world_files.RATES if getattr(each, key) is not None]
            for key in given[1:]:
                message = f"{given[0]} and {key} both say how many there are"
                self.reader.fault((*path, key), "one-of", message, "keep one of them", key=True)
            shares = dict.fromkeys(samples, 1.0) if each.samples is None else each.samples
            yield Arrivals(
                type=name,
                source=by.get(name, "simulation"),
                per_day=(getattr(each, given[0]) or 0.0) * world_files.RATES[given[0]] if given else 0.0,
                profile=each.profile,
                follows=tuple(self._follows(each, entry, path)),
                samples=self.weights(shares, (*path, "samples")),
            )

    def _follows(
        self, arrivals: world_files.ArrivalsEntry, entry: world_files.WorldFile, path: Path
    ) -> Iterator[Follows]:
        written = arrivals.follows
        several = written if isinstance(written, tuple) else ()
        placed: list[tuple[world_files.FollowsEntry, Path]] = [
            (each, (*path, "follows", index)) for index, each in enumerate(several)
        ]
        if isinstance(written, world_files.FollowsEntry):
            placed = [(written, (*path, "follows"))]
        for each, place in placed:
            known = self._known("event-type", each.after, self.catalogue.event_types, (*place, "after"))
            if known and each.after not in entry.events:
                message = f"no events of the type {each.after} come in this world"
                self.reader.fault((*place, "after"), "bad-value", message, "say how often they come, too")
            latest = self._span(each.within, (*place, "within")) or timedelta()
            earliest = self._span(each.at_least, (*place, "at_least")) or timedelta()
            if earliest > latest:
                message = f"{each.at_least} is more than {each.within}"
                self.reader.fault((*place, "at_least"), "bad-span", message)
            yield Follows(after=each.after, share=each.share / 100, earliest=earliest, latest=latest)

    def _habit(self, channel: str, written: Mapping[str, world_files.HabitEntry]) -> tuple[Habit, ...]:
        found: list[Habit] = []
        for kind, each in written.items():
            path: Path = ("habits", channel, kind)
            after = self._span(each.after, (*path, "after")) or timedelta()
            if kind in _DONE:
                found.append(Habit(_DONE[kind], each.share / 100, after))
            else:
                hint = did_you_mean(kind, _DONE)
                self.reader.fault(path, "unknown-key", f"people do not answer by {kind}", hint, key=True)
        return tuple(found)

    def _behaviour(self, channel: str, entry: world_files.ProviderEntry) -> Behaviour:
        path: Path = ("providers", channel)
        if entry.later + entry.rejected + entry.unknown > 100.001:
            message = "later, rejected and unknown are more than 100 % together"
            self.reader.fault(path, "bad-value", message, key=True)
        return Behaviour(
            takes=self._span(entry.takes, (*path, "takes")) or timedelta(),
            later=entry.later / 100,
            rejected=entry.rejected / 100,
            unknown=entry.unknown / 100,
            bounced=entry.bounced / 100,
        )

    def _breakdown(self, entry: world_files.OutageEntry, path: Path) -> Breakdown | None:
        channels = {name: each for name, each in self.catalogue.channels.items() if name != IN_APP}
        if self._known("channel", entry.channel, channels, (*path, "channel")) and entry.provider is not None:
            providers = {each.name: each for each in self.catalogue.channels[entry.channel].providers}
            self._known("provider", entry.provider, providers, (*path, "provider"))
        start = self._span(entry.start, (*path, "start"))
        lasts = self.reader.read(values.lifetime, entry.lasts, (*path, "lasts"))
        if start is None or lasts is None:
            return None
        return Breakdown(channel=entry.channel, provider=entry.provider, start=start, lasts=lasts, fails=entry.fails)


def _people(catalogue: Catalogue, entry: world_files.PeopleEntry, compiler: _Compiler | None) -> People:
    if compiler is not None:
        compiler.check_people(entry)
    project = catalogue.project
    wishes = entry.wishes or world_files.WishesEntry()
    hours = wishes.quiet_hours
    everybody: Iterable[str] = (name for name in catalogue.channels if name != IN_APP)
    reached = dict.fromkeys(everybody, 100.0) if entry.addresses is None else entry.addresses
    return People(
        count=entry.count,
        id=entry.id or _id(catalogue),
        locales=tuple((entry.locales or {project.locale: 1.0}).items()),
        time_zones=tuple((entry.time_zones or {project.time_zone: 1.0}).items()),
        addresses={name: share / 100 for name, share in reached.items()},
        attributes={
            name: tuple((each.value, each.share / 100) for each in choices)
            for name, choices in entry.attributes.items()
        },
        quiet=(QuietHours(start=hours.start, end=hours.end), hours.share / 100) if hours else None,
        refuse={name: share / 100 for name, share in wishes.refuse.items()},
        agree={name: share / 100 for name, share in wishes.agree.items()},
    )
