"""``tests/*.yaml`` → Cases, against a catalogue; or every fault with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path as FilePath
from typing import Any, Literal, TypeVar

from arauto.catalogue import case_files, values
from arauto.catalogue.case import (
    Answers,
    Case,
    Changes,
    Comes,
    Expected,
    Fails,
    Happening,
    Of,
    Silences,
    Wants,
    What,
)
from arauto.catalogue.compiler import compile_project
from arauto.catalogue.diagnostics import START, Faults, did_you_mean, shown
from arauto.catalogue.document import Document, Path
from arauto.catalogue.moments import moment_of
from arauto.catalogue.reader import read
from arauto.catalogue.recipients import compile_recipient
from arauto.catalogue.schemas import Check, pointer
from arauto.catalogue.shapes import fit
from arauto.catalogue.stand_ins import stand_in
from arauto.catalogue.values import Reader
from arauto.errors import CatalogueFaulty, UsageFault
from arauto.model import JSON, Catalogue, QuietHours, Recipient, Silence, Wishes
from arauto.sources import Draft

TESTS = "tests"
SOURCE = "tests"
"""The source of events that name none."""
T = TypeVar("T", case_files.HappeningEntry, case_files.ExpectedEntry)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def compile_cases(folder: FilePath, catalogue: Catalogue) -> list[Case]:
    """The cases in a project's ``tests/*.yaml``, in the order of files and lines. Raises CatalogueFaulty with every
    fault, sorted by place; UsageFault where the project has no such folder."""
    place = folder / TESTS
    if not place.is_dir():
        raise UsageFault(f"{shown(folder)} has no folder {TESTS}; write {shown(place / 'first.yaml')} to begin with")
    faults = Faults()
    cases = read_cases(folder, catalogue, faults)
    if faults.found:
        raise CatalogueFaulty(list(faults.found.values()))
    return cases


def read_cases(folder: FilePath, catalogue: Catalogue, faults: Faults) -> list[Case]:
    """The same, without those that have faults, which go to ``faults``; none where the project has no such folder."""
    place = folder / TESTS
    cases: list[Case] = []
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        name = f"{TESTS}/{path.name}"
        if path.suffix in (".yml", ".json") and path.is_file():
            hint = f"name it {path.with_suffix('.yaml').name}"
            faults.add(name, START, "unknown-file", "this file has no meaning here", hint)
        if path.suffix != ".yaml" or path.name.startswith(".") or not path.is_file():
            continue
        document = read(name, path.read_bytes(), faults)
        if document is not None:
            cases.extend(_Cases(document, folder, catalogue, faults).all())
    return cases


class _Cases:
    """The cases of one file."""

    def __init__(self, document: Document, folder: FilePath, catalogue: Catalogue, faults: Faults) -> None:
        self.document, self.folder, self.catalogue, self.faults = document, folder, catalogue, faults
        self.names: dict[str, int] = {}
        self.version = cache(compile_project)
        """Another version of the project, by its folder; many cases may go over to the same one."""

    def all(self) -> Iterator[Case]:
        data = self.document.data
        paths: list[Path] = [(index,) for index in range(len(data))] if isinstance(data, list) else [()]
        for path in paths:
            entry = fit(self.document, case_files.CaseFile, self.faults, at=path) or self._rest(path)
            if entry is None:
                continue
            line = self.document.key_place((*path, "name")).line
            if entry.name and entry.name in self.names:
                message = f"the case {entry.name!r} stands here a second time; the first is in line"
                place = self.document.place((*path, "name"))
                self.faults.add(
                    self.document.file,
                    place,
                    "duplicate-case",
                    f"{message} {self.names[entry.name]}",
                    "say what tells them apart",
                )
            self.names[entry.name] = line
            case = _Compiler(self, path, entry).case(line)
            if case is not None:
                yield case

    def _rest(self, path: Path) -> case_files.CaseFile | None:
        """What is left of a case whose shape has faults, which are told: with an empty entry for each that is lost, so
        that the others keep their places."""
        data = self.document.value(path)
        if not isinstance(data, dict):
            return None
        told = Faults()

        def entries(key: str, type_: type[T]) -> tuple[T, ...]:
            written = data.get(key)
            indexes = range(len(written)) if isinstance(written, list) else ()
            return tuple(fit(self.document, type_, told, at=(*path, key, index)) or type_() for index in indexes)

        def mappings(key: str) -> dict[str, dict[str, Any]]:
            written = data.get(key)
            found = written.items() if isinstance(written, dict) else ()
            return {name: value for name, value in found if isinstance(name, str) and isinstance(value, dict)}

        def text(key: str) -> str | None:
            return data[key] if isinstance(data.get(key), str) else None

        wishes = {
            id: fit(self.document, case_files.WishesEntry, told, at=(*path, "wishes", id)) for id in mappings("wishes")
        }
        return case_files.CaseFile(
            name=text("name") or "",
            now=text("now") or "",
            when=entries("when", case_files.HappeningEntry),
            expect=entries("expect", case_files.ExpectedEntry),
            recipients=mappings("recipients"),
            systems=mappings("systems"),
            wishes={id: wish for id, wish in wishes.items() if wish},
            until=text("until"),
        )


class _Compiler:
    """One case."""

    def __init__(self, around: _Cases, path: Path, entry: case_files.CaseFile) -> None:
        self.path, self.entry, self.folder, self.catalogue = path, entry, around.folder, around.catalogue
        self.version = around.version
        self.document = around.document
        self.reader = Reader(around.document, around.faults)
        self.zone = self.catalogue.project.time_zone
        self.start = datetime(2000, 1, 1, tzinfo=UTC)
        self.begins = False
        """It is known when."""
        self.events = 0

    def case(self, line: int) -> Case | None:
        entry = self.entry
        start = None
        if entry.now:
            now = (*self.path, "now")
            start = self.reader.read(lambda text: moment_of(text, None, None, self.zone), entry.now, now)
        if start is not None:
            self.start, self.begins = start[0], True
        happenings = self._happenings()
        recipients = (*self._recipients("recipients", "person"), *self._recipients("systems", "system"))
        until = None
        if entry.until is not None:
            last = happenings[-1].at if happenings else self.start
            until = self._at(entry.until, (*self.path, "until"), last)
        wishes, expected = self._wishes(entry.wishes, (*self.path, "wishes")), tuple(self._expected())
        if not self.begins or not entry.name:
            return None
        return Case(
            name=entry.name,
            file=self.document.file,
            line=line,
            path=self.path,
            start=self.start,
            zone=self.zone,
            until=None if until is None else until[0],
            recipients=recipients,
            wishes=wishes,
            happenings=tuple(happenings),
            expected=expected,
            others_allowed=entry.others is not None,
        )

    def _at(self, text: str, path: Path, before: datetime) -> tuple[datetime, timedelta] | None:
        return self.reader.read(lambda said: moment_of(said, self.start, before, self.zone), text, path)

    # -- people ------------------------------------------------------------------------------------------------------

    def _recipients(self, key: Literal["recipients", "systems"], kind: Literal["person", "system"]) -> list[Recipient]:
        entries = self.entry.recipients if key == "recipients" else self.entry.systems
        return [self._recipient(id, kind, (*self.path, key, id), written) for id, written in entries.items()]

    def _recipient(self, id: str, kind: Literal["person", "system"], path: Path, person: dict[str, Any]) -> Recipient:
        if id in self.catalogue.recipients:
            message = f"{id} is always there: recipients/ has them"
            self.reader.fault(path, "duplicate-recipient", message, "leave them out here, or name another", key=True)
        if kind == "system" and id in self.entry.recipients:
            message = f"{id} is among the recipients above, too"
            self.reader.fault(path, "duplicate-recipient", message, "name them differently", key=True)
        for channel in person:
            if person[channel] is True:
                address = stand_in(channel, id)
                if address is None:
                    message = f"no address can be made up for {channel}"
                    self.reader.fault((*path, channel), "bad-address", message, "write one")
                person = {**person, channel: address or []}
        attributes = self.catalogue.attributes
        check = attributes if isinstance(attributes, Check) else None
        return compile_recipient(self.reader, id, kind, path, person, check)

    def _wishes(self, entries: Mapping[str, case_files.WishesEntry], path: Path) -> dict[str, Wishes]:
        return {id: self._wish(entry, (*path, id)) for id, entry in entries.items()}

    def _wish(self, entry: case_files.WishesEntry, path: Path) -> Wishes:
        for category, said in entry.categories.items():
            self._known("category", category, self.catalogue.categories, (*path, "categories", category), key=True)
            for channel in said:
                if channel != "*":
                    self._known(
                        "channel", channel, self.catalogue.channels, (*path, "categories", category, channel), key=True
                    )
        for index, channel in enumerate(entry.order):
            self._known("channel", channel, self.catalogue.channels, (*path, "order", index))
        quiet = None
        if entry.quiet_hours is not None:
            hours = entry.quiet_hours
            for key, text in (("start", hours.start), ("end", hours.end)):
                self.reader.read(values.time_of_day, text, (*path, "quiet_hours", key))
            days = tuple(_DAYS.index(day) for day in hours.days or _DAYS)
            quiet = QuietHours(start=hours.start, end=hours.end, days=days)
        locale = self.reader.read(values.locale, entry.locale, (*path, "locale"))
        return Wishes(categories=entry.categories, quiet_hours=quiet, order=entry.order, locale=locale)

    def _known(self, what: str, name: str, known: Mapping[str, object], path: Path, *, key: bool = False) -> None:
        if name not in known:
            hint = did_you_mean(name, known)
            self.reader.fault(path, f"unknown-{what}", f"there is no {what.replace('-', ' ')} {name}", hint, key=key)

    # -- what happens ------------------------------------------------------------------------------------------------

    def _happenings(self) -> list[Happening]:
        found: list[Happening] = []
        before = self.start
        for index, entry in enumerate(self.entry.when):
            path = (*self.path, "when", index)
            if entry.at is not None:
                moment = self._at(entry.at, (*path, "at"), before)
                if moment is not None and moment[0] < before and self.begins:
                    message = f"{entry.at} is before what stands above it"
                    self.reader.fault((*path, "at"), "bad-span", message, "write what happens in its order")
                before = moment[0] if moment is not None else before
            what = self._what(entry, path, before)
            if what is not None:
                found.append(Happening(before, what, self.document.place(path).line))
        return found

    def _what(self, entry: case_files.HappeningEntry, path: Path, at: datetime) -> What | None:
        if entry.event is not None:
            return self._event(entry, entry.event, path)
        if entry.receipt is not None:
            of = entry.of or case_files.OfEntry()
            self._which(of, (*path, "of"))
            return Answers(entry.receipt, Of(of.to, of.by, of.notification), bool(entry.permanent))
        if entry.wishes is not None:
            return Wants(self._wishes(entry.wishes, (*path, "wishes")))
        if entry.silence is not None:
            return self._silence(entry.silence, (*path, "silence"), at)
        if entry.provider is not None:
            return self._provider(entry.provider, (*path, "provider"), at)
        if entry.project is not None:
            return self._project(entry.project, (*path, "project"))
        return None

    def _event(self, entry: case_files.HappeningEntry, type: str, path: Path) -> Comes | None:
        kind = self.catalogue.event_types.get(type)
        if kind is None:
            self._known("event-type", type, self.catalogue.event_types, (*path, "event"))
            return None
        if entry.data is not None and entry.sample is not None:
            message = "the data come from a sample or are written here, not both"
            self.reader.fault((*path, "data"), "one-of", message, "change a sample under with:", key=True)
        sample = entry.sample or next(iter(kind.samples))
        if entry.data is None and sample not in kind.samples:
            self._known("sample", sample, kind.samples, (*path, "sample"))
            return None
        data = merged(kind.samples[sample] if entry.data is None else entry.data, entry.changes or {})
        for found in kind.validate.findings(data) if isinstance(kind.validate, Check) else ():
            part = "with" if entry.changes else "data" if entry.data is not None else "event"
            message = f"the data of {type}: {pointer(found.path) or 'they'} {found.detail}"
            self.reader.fault((*path, part, *found.path), "bad-data", message)
        self.events += 1
        return Comes(Draft(source=entry.source or SOURCE, id=entry.id or str(self.events), type=type, data=data))

    def _which(self, of: case_files.OfEntry | case_files.ExpectedEntry, path: Path) -> None:
        if of.by is not None:
            self._known("channel", of.by, self.catalogue.channels, (*path, "by"))
        if of.notification is not None:
            self._known("notification", of.notification, self.catalogue.notifications, (*path, "notification"))

    def _silence(self, entry: case_files.SilenceEntry, path: Path, at: datetime) -> Silences:
        for index, name in enumerate(entry.notifications):
            self._known("notification", name, self.catalogue.notifications, (*path, "notifications", index))
        for index, name in enumerate(entry.categories):
            self._known("category", name, self.catalogue.categories, (*path, "categories", index))
        until = self._until(entry.until, path, at)
        return Silences(
            Silence(
                id=f"silence-{self.document.place(path).line}",
                owner=SOURCE,
                reason="test",
                drop=entry.drop,
                start=at,
                end=until,
                notifications=entry.notifications,
                categories=entry.categories,
                recipients=entry.recipients,
            )
        )

    def _provider(self, entry: case_files.ProviderEntry, path: Path, at: datetime) -> Fails:
        self._known("channel", entry.channel, self.catalogue.channels, (*path, "channel"))
        channel = self.catalogue.channels.get(entry.channel)
        if channel is not None and entry.name is not None:
            self._known("provider", entry.name, {each.name: each for each in channel.providers}, (*path, "name"))
        return Fails(entry.channel, entry.fails, entry.name, entry.times, self._until(entry.until, path, at))

    def _until(self, text: str | None, path: Path, at: datetime) -> datetime | None:
        until = None if text is None else self._at(text, (*path, "until"), at)
        if until is not None and until[0] <= at and self.begins:
            self.reader.fault((*path, "until"), "bad-span", f"{text} is not after it began")
        return None if until is None else until[0]

    def _project(self, written: str, path: Path) -> Changes | None:
        folder = (self.folder / TESTS / written).resolve()
        try:
            return Changes(self.version(folder))
        except UsageFault as error:
            self.reader.fault(path, "missing-file", str(error), "write its folder as seen from this file")
        except CatalogueFaulty as faulty:
            first = faulty.diagnostics[0]
            message = f"that version does not compile: {first.file}:{first.line}:{first.column} {first.message}"
            self.reader.fault(path, "bad-value", message, f"see: arauto check {shown(FilePath(written))}")
        return None

    # -- what is expected --------------------------------------------------------------------------------------------

    def _expected(self) -> Iterator[Expected]:
        before = self.start
        for index, entry in enumerate(() if self.entry.expect == "nothing" else self.entry.expect):
            path = (*self.path, "expect", index)
            self._which(entry, path)
            earliest = latest = None
            if entry.at is not None and entry.between is not None:
                self.reader.fault((*path, "between"), "one-of", "at and between exclude each other", key=True)
            if entry.at is not None:
                at = self._at(entry.at, (*path, "at"), before)
                if at is not None:
                    before = earliest = at[0]
                    latest = at[0] + at[1]
            elif entry.between is not None:
                first, last = (
                    self._at(text, (*path, "between", side), before) for side, text in enumerate(entry.between)
                )
                if first is not None and last is not None:
                    if last[0] < first[0] and self.begins:
                        self.reader.fault((*path, "between"), "bad-span", f"{entry.between[1]} is before the other")
                    before = earliest = first[0]
                    latest = last[0] + last[1]
            yield Expected(
                line=self.document.place(path).line,
                earliest=earliest,
                latest=latest,
                when=entry.at or (" – ".join(entry.between) if entry.between else None),
                to=entry.to,
                by=entry.by,
                notification=entry.notification,
                language=self.reader.read(values.locale, entry.language, (*path, "language")),
                kind=entry.kind,
                provider=entry.provider,
                title=entry.title,
                contains=_texts(entry.contains),
                lacks=_texts(entry.lacks),
                content=entry.content or {},
            )


def _texts(written: str | Sequence[str] | None) -> tuple[str, ...]:
    return () if written is None else (written,) if isinstance(written, str) else tuple(written)


def merged(data: JSON, changes: JSON) -> JSON:
    """Data with changes in it: mappings are merged, everything else is replaced."""
    if not isinstance(data, dict) or not isinstance(changes, dict):
        return changes
    return {**data, **{key: merged(data[key], value) if key in data else value for key, value in changes.items()}}
