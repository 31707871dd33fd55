"""A notification's ``steps`` → Steps in the order of the file, those inside of others too, and which follows which."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from arauto import channels
from arauto.catalogue import files
from arauto.catalogue.diagnostics import did_you_mean, listed
from arauto.catalogue.document import Path
from arauto.catalogue.rules import Surroundings, awaited, target
from arauto.catalogue.values import Reader
from arauto.decide import steps
from arauto.errors import LanguageError
from arauto.language import NAMES, compile_condition, compile_expression
from arauto.model import JSON, Awaited, Expression, Step, Target


class Program(Struct, frozen=True):
    """Steps with their places; None stands for one that is faulty."""

    steps: tuple[Step | None, ...]
    following: tuple[int, ...]
    paths: tuple[Path, ...]
    """Where each step stands in the file."""
    marks: tuple[str, ...] = ()
    """A hash of what is written of each."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that they send to."""
        return tuple(dict.fromkeys(channel for step in self.steps if step for channel in step.channels))

    @property
    def complete(self) -> bool:
        """No step is faulty."""
        return None not in self.steps


def compile_steps(reader: Reader, written: Sequence[dict[str, Any]], around: Surroundings) -> Program:
    """All steps of a notification."""
    compiler = _Compiler(reader, around)
    compiler.sequence(("steps",), written)
    return compiler.program()


class _Compiler:
    """Lays steps out one after another; -1 stands for the end until it is known."""

    def __init__(self, reader: Reader, around: Surroundings) -> None:
        self.reader, self.around = reader, around
        self.steps: list[Step | None] = []
        self.following: list[int] = []
        self.paths: list[Path] = []
        self.marks: list[str] = []

    def program(self) -> Program:
        end = len(self.steps)
        following = tuple(end if index == -1 else index for index in self.following)
        return Program(tuple(self.steps), following, tuple(self.paths), tuple(self.marks))

    def sequence(self, path: Path, written: Sequence[dict[str, Any]]) -> list[int]:
        """Lay these steps out, each followed by the next one; returns the indexes of those whose next is what
        follows the sequence."""
        open_ends: list[int] = []
        for index, entry in enumerate(written):
            start = len(self.steps)
            for each in open_ends:
                self.following[each] = start
            open_ends = self._place((*path, index), entry)
        return open_ends

    def _place(self, path: Path, entry: dict[str, Any]) -> list[int]:
        """Lay a step out with all that is inside of it; returns whose next is what follows it."""
        if len(entry) != 1:
            return []  # told by the shape of the file
        kind, value = next(iter(entry.items()))
        index = len(self.steps)
        self.steps.append(None)
        self.following.append(-1)
        self.paths.append(path)
        self.marks.append(_mark(entry))
        step = self._compile(kind, value, (*path, kind))
        if not isinstance(step, steps.Nesting):
            self.steps[index] = step
            return [index]
        starts: list[int | None] = []
        ends: list[int] = []
        for written in step.inside:
            start = len(self.steps)
            place = self._find((*path, kind), written)
            if self._are_steps(place, written):
                ends.extend(self.sequence(place, written))
            starts.append(start if start < len(self.steps) else None)
        for end in ends:
            self.following[end] = index if step.rejoins == "again" else -1
        self.steps[index] = step.placed(tuple(starts))
        return [index, *ends] if step.rejoins == "after" else [index]

    def _find(self, path: Path, written: object) -> Path:
        """Where this list stands below ``path``: exactly it, or, in a file whose faults were left out of a copy, the
        first one like it."""
        below = list(self._lists(path))
        exactly = (place for place, each in below if each is written)
        alike = (place for place, each in below if each == written)
        return next(exactly, None) or next(alike, path)

    def _lists(self, path: Path) -> Iterator[tuple[Path, list[JSON]]]:
        """Every list below ``path``, the outer one before those in it."""
        value = self.reader.document.value(path)
        if isinstance(value, list):
            yield path, value
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            yield from self._lists((*path, key))

    def _are_steps(self, path: Path, written: JSON) -> bool:
        sound = True
        for index, entry in enumerate(written):
            place = (*path, index)
            if not isinstance(entry, dict) or len(entry) != 1:
                given = listed(list(entry), "and") if isinstance(entry, dict) and entry else "none"
                self.reader.fault(place, "bad-step", f"a step is one key with its value; here is {given}")
                sound = False
            elif (kind := next(iter(entry))) not in steps.names():
                message, hint = f"there is no step {kind}", did_you_mean(str(kind), steps.names())
                self.reader.fault((*place, kind), "unknown-step", message, hint, key=True)
                sound = False
        return sound

    def _compile(self, kind: str, value: JSON, path: Path) -> Step | None:
        build = _Build(self.reader, self.around, path)
        try:
            step = steps.load(kind)(value, build)
        except LanguageError:
            return None
        except ValueError as error:
            self.reader.fault(path, "bad-step", f"{kind} cannot be written like this", str(error))
            return None
        document = self.reader.document
        known = [self._check_channel(document.find(path, name), name) for name in step.channels]
        return step if all(known) else None

    def _check_channel(self, path: Path, name: str) -> bool:
        if name not in channels.names():
            hint = did_you_mean(name, channels.names())
            self.reader.fault(path, "unknown-channel", f"there is no channel {name}", hint)
            return False
        if name not in self.around.channels:
            hint = f"create channels/{name}.yaml"
            self.reader.fault(path, "channel-not-configured", f"the channel {name} is not configured", hint)
        return True


def _mark(entry: dict[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(entry, sort_keys=True).encode(), digest_size=6).hexdigest()


class _Build:
    """What stands inside the step at ``path``; what is wrong is told there, and raises LanguageError."""

    def __init__(self, reader: Reader, around: Surroundings, path: Path) -> None:
        self.reader, self.around, self.path = reader, around, path

    def condition(self, source: str) -> Expression:
        """An expression that is true or false."""
        return self._expression(compile_condition, source)

    def value(self, source: str) -> Expression:
        """An expression."""
        return self._expression(partial(compile_expression, names=NAMES), source)

    def _expression(self, compile_: Any, source: str) -> Expression:
        try:
            compiled: Expression = compile_(source)
        except LanguageError as error:
            self.reader.language_fault(self.reader.document.find(self.path, source), error)
            raise
        return compiled

    def awaited(self, written: JSON) -> Awaited:
        """Raises ValueError where a key is missing or of the wrong kind."""
        about: str | files.MatchEntry
        match written:
            case {"event": str() | [str(), *_] as on, "match": str() as about} if all(
                isinstance(name, str) for name in on
            ):
                pass
            case {
                "event": str() | [str(), *_] as on,
                "match": {"here": str() as here, "there": str() as there, **rest},
            } if not rest and all(isinstance(name, str) for name in on):
                about = files.MatchEntry(here=here, there=there)
            case _:
                raise ValueError(
                    "name the event and what it matches: {event: order.paid, match: event.data.order.id}, "
                    "or match: {here: …, there: …}"
                )
        when = written.get("when")
        if when is not None and not isinstance(when, str):
            raise ValueError(f"when is an expression, not {when!r}")
        entry = files.AwaitedEntry(on=on, match=about, when=when)
        compiled = awaited(self.reader, self.path, entry, self.around, on="event")
        if compiled is None:
            raise LanguageError("told at its place")
        return compiled

    def targets(self, written: JSON) -> tuple[Target, ...]:
        """Raises ValueError where one is no target."""
        found: list[Target] = []
        place = self.reader.document.find(self.path, written) if isinstance(written, str) else (*self.path, "to")
        for index, each in enumerate(written):
            keys = ("person", "group", "system")
            if (
                not isinstance(each, dict)
                or sum(key in each for key in keys) != 1
                or each.keys() - {*keys, "when"}
                or not all(isinstance(value, str) for value in each.values())
            ):
                raise ValueError("each of to is {person: …}, {group: …} or {system: …}, and perhaps when")
            compiled = target(self.reader, (*place, index), files.TargetEntry(**each), self.around.everybody)
            if compiled is None:
                raise LanguageError("told at its place")
            found.append(compiled)
        return tuple(found)


__all__ = ["Program", "compile_steps"]
