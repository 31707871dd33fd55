"""The browsable catalogue: pages for events, notifications, people, systems, groups and channels.

A page is a list of blocks, which ``html`` and ``markdown`` write in their own way. Addresses of people are not in it:
it is made to be shown around.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import orjson
from msgspec import Struct, field

from arauto.content.front import Reader
from arauto.content.holes import HOLE, clean
from arauto.decide.locale import choose
from arauto.decide.wishes import IN_APP
from arauto.errors import LanguageError
from arauto.generate.samples import correction_context, sample_context
from arauto.generate.say import Code, Line, Link, Words, joined, sentence
from arauto.generate.schemas import kinds, laid_together, limits
from arauto.generate.telling import Reach, Telling, Told
from arauto.language import FIRST_HOLE, compile_text
from arauto.model import JSON, Catalogue, EventType, Notification, Recipient

_CONTENT = re.compile(r"(content|correction)(?:\.([A-Za-z0-9-]+))?\.md")
_DEEPEST = 6


class Heading(Struct, frozen=True):
    """A heading below the page's title; level 2 or 3."""

    level: int
    line: Line
    chips: tuple[Line, ...] = ()


class Paragraph(Struct, frozen=True):
    """A paragraph; a lead is the sentence that matters."""

    line: Line
    lead: bool = False


class Items(Struct, frozen=True):
    """A list of sentences."""

    lines: tuple[Line, ...]


class Steps(Struct, frozen=True):
    """Steps, in order, with those inside of them."""

    steps: tuple[Told, ...]


class Table(Struct, frozen=True):
    """A table; the first column names its row."""

    head: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]
    summary: bool = False
    """It sums up notifications, in sentences."""


class Example(Struct, frozen=True):
    """Data as they may be, by their name."""

    name: str
    text: str


Block: TypeAlias = Heading | Paragraph | Items | Steps | Table | Example


class Page(Struct, frozen=True):
    """A page of one language."""

    path: str
    """Without its ending: ``events/order.paid``."""
    kind: str
    """What it is about, as its label says: ``Event``."""
    title: str
    blocks: tuple[Block, ...]
    section: str
    """The code of the part of the navigation that it belongs to."""


class Site(Struct, frozen=True):
    """All pages of one language."""

    words: Words
    brand: str
    color: str
    version: str
    pages: list[Page] = field(default_factory=list)


def file_of(path: str) -> str:
    """A page's path as a file can have it: every part in plain characters, and still its own."""
    return "/".join(map(_plain_part, path.split("/", 1)))


def _plain_part(part: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9._-]", "-", part).strip(".") or "page"
    return safe if safe == part else f"{safe}-{hashlib.blake2b(part.encode(), digest_size=3).hexdigest()}"


def site(catalogue: Catalogue, language: str) -> Site:
    """Every page in this language, the overview first."""
    words = Words(language)
    brand = catalogue.project.brand
    return Site(words, brand.name, brand.color, catalogue.version, list(_Pages(catalogue, words).all()))


class _Pages:
    def __init__(self, catalogue: Catalogue, words: Words) -> None:
        self.catalogue, self.words = catalogue, words
        self.telling = Telling(catalogue, words)

    def all(self) -> Iterator[Page]:
        catalogue = self.catalogue
        yield self._overview()
        for _, type_ in sorted(catalogue.event_types.items()):
            yield self._event(type_)
        for _, notification in sorted(catalogue.notifications.items()):
            yield self._page("notifications", "notification", notification.name, self._notification(notification))
        yield from self._recipients()
        for name in sorted(catalogue.groups):
            yield self._page("groups", "group", name, self._group(name))
        for name in sorted(catalogue.channels):
            yield self._page("channels", "channel", name, self._channel(name), self.telling.channel(name))

    def _page(self, folder: str, label: str, name: str, blocks: Iterator[Block], title: str | None = None) -> Page:
        return Page(f"{folder}/{name}", self.words.text(label), title or name, tuple(blocks), folder)

    def _heading(self, code: str, level: int = 2, **values: str) -> Heading:
        return Heading(level, self.words.say(code, **values))

    # -- overview --------------------------------------------------------------------------------------------------

    def _overview(self) -> Page:
        catalogue, words, telling = self.catalogue, self.words, self.telling
        project = catalogue.project
        blocks: list[Block] = [
            Paragraph(words.say("intro", project=(Code(project.name),), version=(Code(catalogue.version),)), lead=True),
            self._heading("events"),
        ]
        head = (words.text("event"), words.text("who"), words.text("how"))
        rows: list[tuple[Line, ...]] = []
        for name, type_ in sorted(catalogue.event_types.items()):
            event: Line = (Link(f"events/{name}", name, code=True), f" {type_.description}")
            heard = catalogue.by_event_type.get(name, ())
            if not heard:
                done = tuple(telling.consequences(name)) or (words.say("nobody"),)
                rows.append((event, _spaced(done), ()))
            for number, each in enumerate(heard):
                rows.append(((() if number else event), *self._summary(each)))
        blocks.append(Table(head, tuple(rows), summary=True))
        for code, kind in (("people", "person"), ("systems", "system")):
            found = [id for id, each in sorted(catalogue.recipients.items()) if each.kind == kind]
            if found:
                blocks += [self._heading(code), Items(tuple((telling.recipient(id),) for id in found))]
        if catalogue.groups:
            groups = [catalogue.groups[name] for name in sorted(catalogue.groups)]
            lines = [
                joined([Link(f"groups/{each.name}", each.name), ": ", *telling.about_group(each)]) for each in groups
            ]
            blocks += [self._heading("groups"), Items(tuple(lines))]
        channels = tuple((Link(f"channels/{name}", telling.channel(name)),) for name in sorted(catalogue.channels))
        blocks += [self._heading("channels"), Items(channels), self._heading("categories"), *self._categories()]
        title = words.text("title", brand=project.brand.name)
        return Page("index", words.text("overview"), title, tuple(blocks), "overview")

    def _summary(self, notification: Notification) -> tuple[Line, Line]:
        """Who hears of it, and how, in a row of a table."""
        targets = sentence(self.telling.targets(notification.to), "")
        who = joined([self.telling.notification(notification.name), ": ", *targets])
        if notification.when is not None:
            who = joined([*who, ", ", *self.words.say("reach.if", condition=(Code(notification.when.source),))])
        story = self.telling.story(notification)
        return who, sentence(story, "") if story is not None else _run_on(self.telling.steps(notification))

    def _categories(self) -> Iterator[Block]:
        words = self.words
        rows: list[tuple[Line, ...]] = []
        for name in sorted(self.catalogue.categories):
            used = [each.name for _, each in sorted(self.catalogue.notifications.items()) if each.category == name]
            links = words.listed([(self.telling.notification(each),) for each in used])
            rows.append(((self._title(name),), self._about_category(name), links or words.say("no_category")))
        yield Table((words.text("category"), words.text("also"), words.text("notifications")), tuple(rows))

    def _about_category(self, name: str) -> Line:
        return _spaced(self.telling.category(name))

    def _title(self, category: str) -> str:
        titles = self.catalogue.categories[category].title
        return titles.get(choose(titles, self.words.language, self.catalogue.project.locale) or "", category)

    # -- events ----------------------------------------------------------------------------------------------------

    def _event(self, type_: EventType) -> Page:
        return self._page("events", "event", type_.name, self._about_event(type_))

    def _about_event(self, type_: EventType) -> Iterator[Block]:
        words = self.words
        yield Paragraph((type_.description,), lead=True)
        yield self._heading("who")
        told = self.catalogue.by_event_type.get(type_.name, ())
        for notification in told:
            yield Heading(3, (self.telling.notification(notification.name),), ((self._title(notification.category),),))
            yield from self._how(notification)
        if not told:
            yield Paragraph(words.say("nobody"))
        done = tuple(self.telling.consequences(type_.name))
        if done:
            yield self._heading("what_else")
            yield Items(done)
        yield self._heading("comes_from")
        yield Items(tuple(map(sentence, self.telling.origins(type_.name))))
        rows = tuple(self._rows(type_.schema, type_.schema, ""))
        if rows:
            yield self._heading("data")
            yield Table((words.text("field"), words.text("kind"), words.text("meaning")), rows)
        yield self._heading("examples")
        for name, sample in type_.samples.items():
            yield Example(name, orjson.dumps(sample, option=orjson.OPT_INDENT_2).decode())

    def _rows(self, schema: JSON, root: JSON, under: str, deep: int = 0) -> Iterator[tuple[Line, ...]]:
        """A row for each field, those inside of others below them."""
        whole = laid_together(schema, root)
        if not isinstance(whole, dict) or deep > _DEEPEST:
            return
        for name, inside in whole.get("properties", {}).items():
            found = laid_together(inside, root)
            found = found if isinstance(found, dict) else {}
            note = [str(found.get("description", "")).strip().rstrip("."), self.words.limits(limits(found))]
            if name not in whole.get("required", ()):
                note.insert(0, self.words.text("optional"))
            told = "; ".join(part for part in note if part)
            yield (Code(f"{under}{name}"),), self._type(found, root), (told,) if told else ()
            yield from self._rows(found, root, f"{under}{name}.", deep + 1)
            items = found.get("items")
            if isinstance(items, dict):
                yield from self._rows(items, root, f"{under}{name}[].", deep + 1)
            for form in (*found.get("oneOf", ()), *found.get("anyOf", ())):
                yield from self._rows(form, root, f"{under}{name}.", deep + 1)

    def _type(self, schema: dict[str, Any], root: JSON) -> Line:
        words = self.words
        if "const" in schema or "enum" in schema:
            values = schema.get("enum", [schema.get("const")])
            return words.listed([(Code(orjson.dumps(each).decode()),) for each in values], "or")
        items = laid_together(schema.get("items"), root)
        if kinds(schema) == ("array",) and isinstance(items, dict):
            return words.say("type.array_of", kind=self._type(items, root))
        named = [words.say(f"type.{kind}") for kind in kinds(schema)]
        return words.listed(named, "or") if named else words.say("type.any")

    # -- notifications ---------------------------------------------------------------------------------------------

    def _notification(self, notification: Notification) -> Iterator[Block]:
        yield from self._how(notification)
        yield self._heading("category")
        title = self._title(notification.category)
        yield Paragraph(joined([f"{title}. ", *self._about_category(notification.category)]))
        texts = tuple(self._texts(notification))
        if texts:
            sample = next(iter(self.catalogue.event_types[notification.on[0]].samples))
            yield self._heading("texts")
            yield Paragraph(sentence(self.words.say("example", sample=(Code(sample),))))
            yield Table((self.words.text("language"), self.words.text("says")), texts)

    def _how(self, notification: Notification) -> Iterator[Block]:
        yield Paragraph(self.telling.lead(notification), lead=True)
        if self.telling.story(notification) is None:
            yield Steps(self.telling.steps(notification))
        notes = tuple(self.telling.notes(notification))
        if notes:
            yield Items(notes)

    def _texts(self, notification: Notification) -> Iterator[tuple[Line, ...]]:
        """The title of each text, as it reads with the first sample."""
        place = f"notifications/{notification.name}/"
        for name, raw in sorted(self.catalogue.files.items()):
            match = _CONTENT.fullmatch(name.removeprefix(place)) if name.startswith(place) else None
            if match is None:
                continue
            locale = match[2] or self.catalogue.project.locale
            if match[1] == "content":
                context = sample_context(self.catalogue, notification.on[0])
            else:
                context = correction_context(self.catalogue, notification)
            title = self._read_title(raw.decode("utf-8", "replace"), locale, context)
            label = locale if match[1] == "content" else f"{locale} ({self.words.text('correction')})"
            yield (label,), (title,)

    def _read_title(self, text: str, locale: str, context: dict[str, JSON]) -> str | Code:
        part = Reader("").content(text).texts.get("title")
        if part is None:
            return Code("")
        try:
            skeleton, values = compile_text([part], locale).render(context)
            return HOLE.sub(lambda hole: clean(values[ord(hole[0]) - FIRST_HOLE]), skeleton)
        except LanguageError:
            return Code(part.source)

    # -- recipients ------------------------------------------------------------------------------------------------

    def _recipients(self) -> Iterator[Page]:
        for id, recipient in sorted(self.catalogue.recipients.items()):
            folder, label = ("people", "person") if recipient.kind == "person" else ("systems", "system")
            yield self._page(folder, label, id, self._recipient(recipient), recipient.name or id)

    def _recipient(self, recipient: Recipient) -> Iterator[Block]:
        words = self.words
        channels = [(Link(f"channels/{name}", self.telling.channel(name)),) for name in sorted(recipient.addresses)]
        known = words.say("addresses", channels=words.listed([*channels])) if channels else words.say("no_addresses")
        yield Paragraph(known)
        groups = self.telling.groups_of(recipient)
        if groups:
            yield self._heading("member_of")
            yield Items(tuple((Link(f"groups/{name}", name),) for name in groups))
        yield self._heading("could_reach", name=recipient.name or recipient.id)
        reaches = tuple(self.telling.reaches(recipient))
        if reaches:
            yield self._reached(reaches, recipient)
        else:
            yield Paragraph(words.say("reach.none"))
        if recipient.kind == "person":
            yield Paragraph(words.say("person.named", notifications=self._by_events()))

    def _by_events(self) -> Line:
        """The notifications that go to whomever an event names."""
        told = [each for _, each in sorted(self.catalogue.notifications.items()) if self.telling.names_by_event(each)]
        return self.words.listed([(self.telling.notification(each.name),) for each in told]) or ("—",)

    def _reached(self, reaches: Sequence[Reach], recipient: Recipient | None) -> Table:
        words = self.words
        rows: list[tuple[Line, ...]] = []
        for each in reaches:
            why = sentence(each.why, "")
            if each.conditions:
                why = joined([*why, ", ", *words.say("reach.if", condition=words.listed(each.conditions))])
            event = self.telling.events(self.catalogue.notifications[each.notification].on)
            notification: Line = (self.telling.notification(each.notification),)
            rows.append((notification, event, why, self._channels(each.channels, recipient)))
        head = (words.text("notification"), words.text("event"), words.text("by_way"), words.text("how"))
        return Table(head, tuple(rows))

    def _channels(self, names: Sequence[str], recipient: Recipient | None) -> Line:
        """By which of these channels a recipient can be reached, and by which not; all of them for a group."""
        there = [name for name in names if recipient is None or name == IN_APP or name in recipient.addresses]
        lacking: list[Line] = [(self.telling.channel(name),) for name in names if name not in there]
        how = sentence(self.words.listed([self.telling.by(name) for name in there]), "")
        if not lacking:
            return how
        none = self.words.say("reach.no_address", channels=self.words.listed(lacking))
        return joined([*how, " (" if how else "(", *none, ")"])

    def _group(self, name: str) -> Iterator[Block]:
        group = self.catalogue.groups[name]
        yield Paragraph(self.telling.about_group(group), lead=True)
        yield self._heading("could_reach_group", name=name)
        reaches = tuple(self.telling.reaches_group(name))
        if reaches:
            yield self._reached(reaches, None)
        else:
            yield Paragraph(self.words.say("reach.none"))

    def _channel(self, name: str) -> Iterator[Block]:
        words = self.words
        yield Items(tuple(self.telling.about_channel(name)))
        yield self._heading("notifications")
        found = [each for _, each in sorted(self.catalogue.notifications.items())]
        used = [(each, *self._summary(each)) for each in found if name in self.telling.channels_of(each)]
        if used:
            head = (words.text("event"), words.text("who"), words.text("how"))
            rows = tuple((self.telling.events(each.on), who, how) for each, who, how in used)
            yield Table(head, rows, summary=True)
        else:
            yield Paragraph(words.say("no_notification"))
        people = [each.id for _, each in sorted(self.catalogue.recipients.items()) if name in each.addresses]
        if people:
            yield self._heading("reached")
            yield Items(tuple((self.telling.recipient(id),) for id in people))


def _spaced(lines: Iterable[Line]) -> Line:
    """Sentences one after another."""
    return joined(part for number, line in enumerate(lines) for part in ((" ", *line) if number else line))


def _run_on(steps: Sequence[Told]) -> Line:
    """Steps as sentences one after another, those inside of others too."""
    lines: list[Line] = []
    for step in steps:
        lines.append(sentence(step.line, ":" if step.inside else "."))
        for label, inside in step.inside:
            lines += [] if label is None else [sentence(label, ":")]
            lines.append(_run_on(inside))
    return _spaced(lines)


__all__ = ["Block", "Example", "Heading", "Items", "Page", "Paragraph", "Site", "Steps", "Table", "file_of", "site"]
