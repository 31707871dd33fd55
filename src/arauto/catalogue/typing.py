"""The type-check of a notification: its expressions and texts against what they can see.

What that is, ``sight`` says. Conditions narrow it for what comes after them: ``when`` for all the rest, a step for the
steps and texts that follow it. What is found is told at its place; nothing is asked of a notification that has other
faults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from arauto.catalogue.diagnostics import Faults, Place, did_you_mean
from arauto.catalogue.document import Path
from arauto.catalogue.folder import File, Folder
from arauto.catalogue.sight import NAME, Sight
from arauto.catalogue.texts import Texts
from arauto.catalogue.values import Reader
from arauto.content import pieces
from arauto.decide.groups import anyone
from arauto.language import place
from arauto.language.types import (
    SAID,
    Finding,
    Items,
    Known,
    Missing,
    Record,
    Text,
    Type,
    check_expression,
    check_text,
    either,
    inside,
    is_time,
    present,
    union,
)
from arauto.model import JSON

_ADDRESSES = frozenset({"email", "sms", "webhook", "slack"})
"""Channels whose addresses are texts."""


# -- expressions ---------------------------------------------------------------------------------------------------


class _Expressions:
    """Checks the expressions of one document."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def value(self, path: Path, known: Known) -> Type:
        """What the expression at ``path`` gives."""
        checked = check_expression(self.reader.document.value(path), known)
        self._tell(path, checked.findings)
        return checked.gives

    def condition(self, path: Path, known: Known) -> tuple[Known, Known]:
        """What is known where the condition at ``path`` is true, and where it is false."""
        checked = check_expression(self.reader.document.value(path), known)
        self._tell(path, checked.findings)
        if not checked.findings:
            hint = "compare it, or test it: is defined, is not none, | length > 0"
            self.gives(path, checked.gives, {"truth"}, "true or false", hint)
        return checked.true, checked.false

    def gives(self, path: Path, given: Type, wanted: set[str], said: str, hint: str | None = None) -> None:
        """The expression at ``path`` must give one of these kinds."""
        wrong = [atom for atom in given if atom.kind not in wanted and atom.kind != "open"]
        if not wrong:
            return
        kinds = " or ".join(dict.fromkeys(SAID[atom.kind] for atom in wrong if atom.kind in SAID)) or "nothing"
        may = "gives" if len(wrong) == len(given) else "may give"
        self.reader.fault(path, "wrong-result", f"this {may} {kinds}, not {said}", hint)

    def moment(self, path: Path, known: Known, *, day: bool) -> None:
        """The expression at ``path`` must give a moment, or else a day."""
        given = self.value(path, known)
        said = "a day" if day else "a moment"
        self.gives(path, given, {"text"}, said)
        for atom in given:
            if isinstance(atom, Text) and not is_time(atom, day=day):
                kind = f"a text of the format {atom.format}" if atom.format else "any text"
                hint = f"say format: {'date' if day else 'date-time'} in its schema"
                self.reader.fault(path, "wrong-result", f"this gives {kind}, not {said}", hint)

    def _tell(self, path: Path, findings: Sequence[Finding]) -> None:
        document = self.reader.document
        source = document.value(path) if findings else ""
        for found in findings:
            if found.code == "impossible-value":
                continue  # the analysis of conditions says more about it
            at = document.within(path, *place(source, found.at))
            self.reader.faults.add(document.file, at, found.code, found.message, found.hint)


def check_queries(folder: Folder, sight: Sight, faults: Faults) -> None:
    """The queries of groups, which see a recipient; of files that have no other fault."""
    told = {each.file for each in faults.found.values()}
    for file in folder.flat.get("recipients", ()):
        document = folder.document(file)
        if document is None or file.name in told:
            continue
        expressions = _Expressions(Reader(document, faults))
        for name, group in (document.data.get("groups") or {}).items():
            if "query" in group:
                expressions.condition(("groups", name, "query"), {"recipient": sight.someone()})


# -- notifications -------------------------------------------------------------------------------------------------


def check_types(name: str, reader: Reader, texts: Texts, folder: Folder, sight: Sight) -> None:
    """All expressions and texts of a notification that has no other fault."""
    _Notification(name, reader, sight).check(texts, folder)


class _Notification:
    """Goes the way of a run through one notification."""

    def __init__(self, name: str, reader: Reader, sight: Sight) -> None:
        self.name, self.reader, self.sight = name, reader, sight
        self.expressions = _Expressions(reader)
        self.written: Mapping[str, JSON] = reader.document.data
        self.gathers = False
        """From here on, a run may hold several events."""
        self.sends: dict[str, Known] = {}
        """By channel, what is known where something is sent."""
        self.recipient: Type = ()
        """Everybody who hears of it."""

    def check(self, texts: Texts, folder: Folder) -> None:
        written = self.written
        on = written["on"] if isinstance(written["on"], list) else [written["on"]]
        known = self.sight.at_event(self.sight.events(on))
        if written.get("when") is not None:
            known = self._held(self.expressions.condition(("when",), known)[0])
        self.recipient = self._targets(("to",), written["to"], known)
        known = {**known, "recipient": self.recipient}
        corrected = self._awaited(("cancel",), written["cancel"], known) if written.get("cancel") else None
        if written.get("mute"):
            self._mute(written["mute"], known)
        after = self._steps(("steps",), written["steps"], known)
        self._texts(texts, folder, after)
        if corrected is not None:
            told = self._seen({**corrected, "events": known["events"], "recipient": self.recipient})
            self.sight.corrects[self.name] = told
            for file in texts.corrections.values():
                self._text(file, folder, told)

    def _held(self, known: Known) -> Known:
        """What holds for the event holds for each that the run tells of, as long as they did not come together."""
        return known if self.gathers else {**known, "events": (Items(known["event"], least=1),)}

    # -- to ----------------------------------------------------------------------------------------------------

    def _targets(self, path: Path, written: Sequence[Mapping[str, JSON]], known: Known) -> Type:
        """Whom these targets name."""
        return union(*(self._target((*path, index), each, known) for index, each in enumerate(written)))

    def _target(self, path: Path, entry: Mapping[str, JSON], known: Known) -> Type:
        if entry.get("when") is not None:
            known, _ = self.expressions.condition((*path, "when"), known)
        everybody = self.sight.around.everybody
        if (group := everybody.groups.get(entry.get("group", ""))) is not None and group.query is None:
            return self.sight.fixed(frozenset(anyone(group)))
        if "system" in entry:
            return self.sight.fixed(frozenset((entry["system"],)))
        if "person" not in entry:
            return self.sight.someone()
        given = self.expressions.value((*path, "person"), known)
        wanted = {"text", "number", "null"}
        self.expressions.gives((*path, "person"), given, wanted, "a recipient's id: a text or a whole number")
        name, attributes = self._upsert((*path, "upsert"), entry.get("upsert") or {}, known)
        match given:
            case (Text(values=frozenset() as ids),) if ids <= everybody.recipients.keys():
                return self.sight.fixed(ids)
        return self.sight.someone(name, attributes)

    def _upsert(self, path: Path, entry: Mapping[str, JSON], known: Known) -> tuple[Type, Type]:
        """The name and the attributes that somebody has after it."""
        name, attributes = NAME, self.sight.attributes()
        for key, written in entry.items():
            if isinstance(written, Mapping):
                for inner in written:
                    attributes = self._attribute((*path, key, inner), attributes, known)
                continue
            given = self.expressions.value((*path, key), known)
            if key == "attributes":
                self.expressions.gives((*path, key), given, {"object", "null"}, "an object")
            elif key in ("name", "locale", "time_zone") or key in _ADDRESSES:
                self.expressions.gives((*path, key), given, {"text", "null"}, "a text")
            if key == "name":
                name = given
        return name, attributes

    def _attribute(self, path: Path, attributes: Type, known: Known) -> Type:
        """The attributes, of which the one at ``path`` is there from now on."""
        name = str(path[-1])
        given = self.expressions.value(path, known)
        wanted = inside(attributes, name)
        kinds = {atom.kind for atom in present(wanted)}
        if wanted == (Missing("closed"),):
            names = [each for atom in attributes if isinstance(atom, Record) for each in atom.names]
            message, hint = f"recipients have no attribute {name}", did_you_mean(name, names)
            self.reader.fault(path, "unknown-path", message, hint, key=True)
        elif kinds and "open" not in kinds:
            said = " or ".join(SAID[kind] for kind in SAID if kind in kinds)
            self.expressions.gives(path, given, kinds, f"{said}, as the schema of the attributes says")
        return tuple(atom.where(name, present(wanted)) if isinstance(atom, Record) else atom for atom in attributes)

    # -- what it listens for -----------------------------------------------------------------------------------

    def _awaited(self, path: Path, entry: Mapping[str, JSON], known: Known, on: str = "on") -> Known:
        """What is known of the awaited event, beside which no recipient is seen."""
        names = entry[on] if isinstance(entry[on], list) else [entry[on]]
        there = self.sight.at_event(self.sight.events(names))
        if entry.get("when") is not None:
            there, _ = self.expressions.condition((*path, "when"), there)
        match = (*path, "match")
        here, awaited = (match, match) if isinstance(entry["match"], str) else ((*match, "here"), (*match, "there"))
        self.expressions.value(here, known)
        self.expressions.value(awaited, there)
        return there

    def _mute(self, entry: Mapping[str, JSON], known: Known) -> None:
        for key in ("opened", "closed"):
            self._awaited(("mute",), entry, known, key)

    # -- steps -------------------------------------------------------------------------------------------------

    def _steps(self, path: Path, written: Sequence[Mapping[str, JSON]], known: Known) -> Known:
        """What is known after these steps."""
        for index, entry in enumerate(written):
            kind, value = next(iter(entry.items()))
            known = self._step((*path, index, kind), kind, value, known)
        return known

    def _step(self, path: Path, kind: str, value: JSON, known: Known) -> Known:
        match kind, value:
            case "only_if", str():
                return self._held(self.expressions.condition(path, known)[0])
            case "stop", str():
                return self._held(self.expressions.condition(path, known)[1])
            case "send", _:
                self._send(value, known)
            case "branch", list():
                return self._branch(path, value, known)
            case "repeat", {"steps": list() as inner}:
                return either(known, self._steps((*path, "steps"), inner, known), known)
            case "notify", {"to": list() as to, "steps": list() as inner}:
                self._notify(path, to, inner, known)
            case "wait_for", {"event": _, "match": _}:
                self._awaited(path, value, known, "event")
            case "delay", {"by": str()}:
                given = self.expressions.value((*path, "by"), known)
                self.expressions.gives((*path, "by"), given, {"text", "number"}, "seconds or a duration")
            case "until", {"time": str()}:
                self.expressions.moment((*path, "time"), known, day=False)
            case "until", {"day": str()}:
                self.expressions.moment((*path, "day"), known, day=True)
            case (("digest" | "throttle"), _):
                if isinstance(value, Mapping) and "by" in value:
                    self.expressions.value((*path, "by"), known)
                self.gathers = self.gathers or kind == "digest" or value.get("overflow") == "digest"
        return known

    def _send(self, value: JSON, known: Known) -> None:
        channels = value["first_of"] if isinstance(value, Mapping) else value
        for channel in [channels] if isinstance(channels, str) else channels:
            before = self.sends.get(channel)
            self.sends[channel] = known if before is None else either(before, known, known)

    def _branch(self, path: Path, ways: Sequence[Mapping[str, JSON]], known: Known) -> Known:
        ends: list[Known] = []
        left = known
        for index, way in enumerate(ways):
            taken = left
            if "when" in way:
                taken, left = map(self._held, self.expressions.condition((*path, index, "when"), left))
            ends.append(self._steps((*path, index, "steps"), way["steps"], taken))
        if "when" in ways[-1] or "percent" in ways[-1]:
            ends.append(left)
        after = ends[0]
        for end in ends[1:]:
            after = either(after, end, known)
        return after

    def _notify(self, path: Path, to: Sequence[Mapping[str, JSON]], inner: JSON, known: Known) -> None:
        others = self._targets((*path, "to"), to, known)
        self.recipient = union(self.recipient, others)
        self._steps((*path, "steps"), inner, {**known, "recipient": others})

    # -- texts -------------------------------------------------------------------------------------------------

    def _texts(self, texts: Texts, folder: Folder, after: Known) -> None:
        anywhere: Known | None = None
        for known in self.sends.values():
            anywhere = known if anywhere is None else either(anywhere, known, known)
        alike = {id(known): self._seen(known) for known in self.sends.values()}
        seen = self.sight.sends[self.name] = {channel: alike[id(known)] for channel, known in self.sends.items()}
        for file in texts.content.values():
            self._text(file, folder, self._seen(anywhere or after))
        for channel, files in texts.own.items():
            for file in files.values():
                self._text(file, folder, seen[channel] if channel in seen else self._seen(after))

    def _seen(self, known: Known) -> Known:
        """What a text sees: also the very message."""
        return {**known, "message": self.sight.message(known["recipient"], str(self.written["category"]))}

    def _text(self, file: File, folder: Folder, known: Known) -> None:
        text = folder.text(file)
        for part, typed in pieces(file.name, text or ""):
            for found in check_text(part.source, known, typed=typed):
                error = part.error(found.at, found.message)
                at = Place(error.line, error.column)
                self.reader.faults.add(file.name, at, found.code, found.message, found.hint)
