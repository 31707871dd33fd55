"""Texts: what an author writes with values in it, rendered to a skeleton with a hole for each value."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple
from weakref import WeakValueDictionary

from arauto.errors import LanguageError
from arauto.language.environment import FIRST_HOLE, HOLES, LITERAL, Template, environment
from arauto.language.scan import TEXT_NAMES, Code, PlacedError, Reading, check_tag, place, read, text_codes
from arauto.model import JSON, Context

SEPARATOR = "\uf8ff"
"""What stands between the parts of a skeleton."""

_MARK = "\uf8fe"
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
COUNTERS = ("index", "index0", "revindex", "revindex0", "length", "depth", "depth0")
"""What ``loop`` counts, which is written as a number."""


class Part(NamedTuple):
    """A piece of a file that is a text, and the place of its first character, from 1."""

    source: str
    line: int = 1
    column: int = 1

    def error(self, at: int, message: str, hint: str | None = None) -> LanguageError:
        """The error about this offset of the part, with its place in the file."""
        line, column = place(self.source, at)
        return LanguageError(
            message, line=self.line + line - 1, column=column + (self.column - 1 if line == 1 else 0), hint=hint
        )


class Outline(NamedTuple):
    """A text as it stands before any data: a hole for each value, no tags; both branches, each loop once."""

    skeleton: str
    offsets: tuple[tuple[int, int], ...]
    """Where pieces begin: in the skeleton, and in the part's source."""

    def origin(self, at: int) -> int:
        """The offset in the source of an offset in the skeleton."""
        index = bisect_right(self.offsets, (at, 1 << 60)) - 1
        start, origin = self.offsets[index]
        return origin + at - start


def outline(part: Part) -> Outline:
    """The outline of a part that has no faults."""
    pieces: list[str] = []
    offsets: list[tuple[int, int]] = []
    at = length = holes = 0
    for start, end, code in stretches(part.source):
        if start > at or not offsets:
            offsets.append((length, at))
            pieces.append(part.source[at:start])
            length += start - at
        if code is not None and code.kind == "value":
            offsets.append((length, start))
            counter = _is_counter(code)
            pieces.append("1" if counter else chr(FIRST_HOLE + holes % HOLES))
            holes += not counter
            length += 1
        at = end
    offsets.append((length, at))
    pieces.append(part.source[at:])
    return Outline("".join(pieces), tuple(offsets))


def stretches(source: str) -> Iterator[tuple[int, int, Code | None]]:
    """Code and comments, in order, with what MiniJinja takes away around tags that stand alone on their line."""
    codes = {code.start: code for code in text_codes(source)}
    at = 0
    while (start := min(source.find(mark, at) % (len(source) + 1) for mark in ("{{", "{%", "{#"))) < len(source):
        code = codes.get(start)
        end = code.end if code is not None else source.index("#}", start) + 2
        begin = start
        if code is None or code.kind == "tag":
            line = source.rfind("\n", 0, start) + 1
            if not source[line:start].strip(" \t"):
                begin = max(line, at)
            if source.startswith("\n", end):
                end += 1
        yield begin, end, code
        at = end


@lru_cache(maxsize=1024)
def faults(part: Part, locale: str) -> tuple[LanguageError, ...]:
    """Everything that is wrong with a part, each with its place in the file. Channels that share a text ask one after
    another."""
    return tuple(_faults(part, locale))


def _faults(part: Part, locale: str) -> list[LanguageError]:
    env = environment(locale)
    try:
        codes = text_codes(part.source)
        readings = [_reading(part.source, code) for code in codes]
    except PlacedError as error:
        return [part.error(error.at, error.message, error.hint)]
    try:
        Template(env, part.source, readings)
    except PlacedError as error:
        return [part.error(error.at, error.message, error.hint)]
    found = [
        part.error(at, "this is a private-use character, which has no meaning of its own", "take it out")
        for at in (match.start() for match in _PRIVATE.finditer(part.source))
    ]
    names = [*TEXT_NAMES, "loop", *sorted(set().union(*(reading.bound for reading in readings)))]
    for reading in readings:
        found += [part.error(error.at, error.message, error.hint) for error in env.check(part.source, reading, names)]
    return found


def _reading(source: str, code: Code) -> Reading:
    if code.kind == "value":
        return read(source, code.tokens)
    check_tag(source, code)
    reading = read(source, code.tokens)
    return Reading(
        reading.paths[1:] if reading.paths and reading.paths[0][1] == code.tokens[0].at else reading.paths,
        reading.filters,
        reading.tests,
        reading.bound,
        reading.wary,
    )


def _is_counter(code: Code) -> bool:
    words = [token.text for token in code.tokens]
    return len(words) == 3 and words[:2] == ["loop", "."] and words[2] in COUNTERS


_texts: WeakValueDictionary[tuple[tuple[Part, ...], str], Text] = WeakValueDictionary()


def compile_text(parts: Sequence[Part], locale: str) -> Text:
    """The parts, which have no faults, compiled together; the same parts always give the same Text while it lives."""
    key = (tuple(parts), locale)
    text = _texts.get(key)
    if text is None:
        text = _texts[key] = Text(*key)
    return text


class Text:
    """One or several parts of a file, compiled together: one rendering gives the skeleton of all.

    Channels share it, and a run's context comes to each of them in turn: so the last rendering is remembered.
    """

    def __init__(self, parts: tuple[Part, ...], locale: str) -> None:
        self.parts, self.locale = parts, locale
        self._last: tuple[Context | None, tuple[str, list[JSON]]] = (None, ("", []))
        self._segments: list[tuple[int, int, int]] = []
        pieces: list[str] = []
        readings: list[Reading] = []
        length = 0
        for number, part in enumerate(parts):
            if number:
                pieces.append(SEPARATOR)
                length += 1
            at = 0
            for code in text_codes(part.source):
                reading = _reading(part.source, code)
                shift = length - at
                readings.append(
                    Reading(
                        reading.paths,
                        tuple(use._replace(at=use.at + shift) for use in reading.filters),
                        reading.tests,
                        reading.bound,
                        reading.wary,
                    )
                )
                if _is_counter(code):
                    cut = code.tokens[-1].at + len(code.tokens[-1].text)
                    length = self._add(pieces, length, number, part.source, at, cut)
                    pieces.append(f"|{LITERAL}")
                    length += len(pieces[-1])
                    at = cut
            length = self._add(pieces, length, number, part.source, at, len(part.source))
        self._environment, self._readings = environment(locale), readings
        self._template = Template(self._environment, "".join(pieces), readings)

    def _add(self, pieces: list[str], length: int, number: int, source: str, start: int, end: int) -> int:
        self._segments.append((length, number, start))
        pieces.append(source[start:end])
        return length + end - start

    def render(self, context: Context) -> tuple[str, list[JSON]]:
        """The skeleton of all parts, joined by SEPARATOR, and its values. Neither may be changed, nor may a context
        that is given again. Raises LanguageError with the place in the file."""
        last, rendered = self._last
        if last is context:
            return rendered
        try:
            rendered = self._template.render(context)
        except PlacedError as error:
            start, number, origin = self._segments[max(bisect_right(self._segments, (error.at, 1 << 60, 0)) - 1, 0)]
            part = self.parts[number]
            raise part.error(min(origin + error.at - start, len(part.source)), error.message, error.hint) from None
        self._last = context, rendered
        return rendered

    def place_of(self, value: int, context: Context) -> tuple[int, int]:
        """The line and column in the file of the code that wrote this value for this context."""
        marked: list[str] = []
        for number, part in enumerate(self.parts):
            at = 0
            for code in text_codes(part.source):
                if code.kind == "value" and not _is_counter(code):
                    marked += [part.source[at : code.start], f"{_MARK}{number}:{code.start}{_MARK}"]
                    at = code.start
            marked.append(part.source[at:])
        skeleton, _ = Template(self._environment, "".join(marked), self._readings).render(context)
        before = skeleton.partition(chr(FIRST_HOLE + value))[0].rsplit(_MARK, 2)[1]
        number, start = map(int, before.split(":"))
        error = self.parts[number].error(start, "")
        return error.line, error.column
