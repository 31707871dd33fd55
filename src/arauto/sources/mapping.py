"""From payloads to events, by expressions of the one language: what ``events:`` in a source's YAML says.

An expression sees ``body`` (JSON, or the fields of a form), ``header`` (by lower-case name: ``header["x-topic"]``),
``query``, and ``item`` where the entry has ``each``. One that fails is a BadPayload, and never a silent no.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NoReturn, TypeAlias

from msgspec import Struct

from arauto.errors import BadPayload, LanguageError
from arauto.ingress import Path, Request, SettingFault, SettingsFaulty
from arauto.ingress.payload import check_text, parse_time
from arauto.language import compile_expression
from arauto.model import JSON, Context, Expression
from arauto.sources import Draft


class EventMapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of ``events``: when it holds, what event it gives. All but ``type`` are expressions."""

    type: str
    """The event's type itself."""
    when: str | None = None
    """True or false; an entry without it always holds."""
    each: str | None = None
    """A list: one event for each ``item`` of it. A ``when`` that speaks of ``item`` is asked for each, any other one
    before the list is looked for."""
    id: str | None = None
    """A string or an integer; the id that the kind knows where it is left out."""
    time: str | None = None
    """RFC 3339, or seconds (12 digits and more: milliseconds) since 1970."""
    subject: str | None = None
    """What the event is about: a string, an integer, or null for nothing."""
    data: JSON = None
    """An expression, or a mapping of expressions; the whole body (or item) where it is left out."""


_ITEM = re.compile(r"\bitem\b")
NAMES = ("body", "header", "query", "item")
"""What expressions see."""

Identify: TypeAlias = Callable[[Request, JSON], str | None]
"""The id that a kind knows for a call by itself."""
Build: TypeAlias = Callable[[Context], JSON]
"""What a part of the settings makes of a context."""


class Mapping:
    """Compiled ``events``."""

    def __init__(
        self, source: str, entries: Sequence[EventMapping], *, identify: Identify | None, hidden: frozenset[str]
    ) -> None:
        """``source`` is that of the events; the headers and query parameters ``hidden`` hold
        secrets and are not shown to expressions.
        Raises SettingsFaulty with the place of every expression that does not compile."""
        compiler = Compiler()
        self._source = source
        self._identify = identify
        self._hidden = hidden | {"authorization", "proxy-authorization", "cookie"}
        self._entries = [_Entry(compiler, index, entry) for index, entry in enumerate(entries)]
        if identify is None:
            for index, entry in enumerate(entries):
                if entry.id is None:
                    compiler.faults.append(
                        SettingFault(
                            ("events", index),
                            "missing-id",
                            "there is no id, by which a repeated call would be known",
                            "name what identifies the event: `id: body.id`; join several fields by ~",
                        )
                    )
        if compiler.faults:
            raise SettingsFaulty(compiler.faults)

    def __call__(self, request: Request, body: JSON) -> list[Draft]:
        """The events of every entry that holds, in order. Raises BadPayload with code ``mapping_failed``, which names
        the entry."""
        context: dict[str, JSON] = {
            "body": body,
            "header": {name: request.header(name) for name, _ in request.headers if name not in self._hidden},
            "query": {name: value for name, value in reversed(request.query) if name not in self._hidden},
        }
        drafts: list[Draft] = []
        for entry in self._entries:
            if not entry.asks_item and not entry.holds(context):
                continue
            if entry.each is None:
                drafts.append(self._draft(entry, context, request, len(drafts)))
                continue
            items = entry.each(context)
            if not isinstance(items, list):
                entry.fail("each", "gave no list")
            for item in items:
                inner = {**context, "item": item}
                if not entry.asks_item or entry.holds(inner):
                    drafts.append(self._draft(entry, inner, request, len(drafts)))
        if len(drafts) > 1:
            _check_distinct(drafts)
        return drafts

    def _draft(self, entry: _Entry, context: Context, request: Request, number: int) -> Draft:
        return Draft(
            source=self._source,
            id=entry.text("id", entry.id(context)) if entry.id else self._own_id(request, context["body"], number),
            type=entry.type,
            data=entry.data(context),
            time=entry.moment(context),
            subject=entry.optional_text("subject", context),
        )

    def _own_id(self, request: Request, body: JSON, number: int) -> str:
        """The id of the call; further events of the same call are told apart by their number."""
        identifier = self._identify(request, body) if self._identify else None
        if not identifier:
            raise BadPayload(
                "missing_id", "the call has no id where this kind of source looks for it; map one: `id: …`"
            )
        return identifier if number == 0 else f"{identifier}.{number + 1}"


def _check_distinct(drafts: list[Draft]) -> None:
    seen: dict[str, Draft] = {}
    for draft in drafts:
        if seen.setdefault(draft.id, draft) != draft:
            raise BadPayload(
                "mapping_failed",
                f"two different events of this call have the id {draft.id!r}, so one would be lost; "
                "make the ids differ in `events`",
            )


class _Entry:
    """One compiled entry."""

    def __init__(self, compiler: Compiler, index: int, entry: EventMapping) -> None:
        place: Path = ("events", index)
        self.type = entry.type
        self._index = index
        self.asks_item = entry.each is not None and bool(_ITEM.search(entry.when or ""))
        """Whether the condition is to be asked for each item, and not once before the list is looked for."""
        self._when = compiler.optional((*place, "when"), entry.when)
        self.each = compiler.optional((*place, "each"), entry.each)
        self.id = compiler.optional((*place, "id"), entry.id)
        self._time = compiler.optional((*place, "time"), entry.time)
        self._subject = compiler.optional((*place, "subject"), entry.subject)
        whole = "item" if entry.each is not None else "body"
        self.data: Build = (
            (lambda context: context[whole]) if entry.data is None else compiler.tree((*place, "data"), entry.data)
        )

    def holds(self, context: Context) -> bool:
        if self._when is None:
            return True
        value = self._when(context)
        if type(value) is not bool:
            self.fail("when", f"gave {_named(value)}, not true or false")
        return value

    def optional_text(self, key: str, context: Context) -> str | None:
        value = None if self._subject is None else self._subject(context)
        return None if value is None else self.text(key, value)

    def text(self, key: str, value: JSON) -> str:
        return to_text(("events", self._index, key), value)

    def moment(self, context: Context) -> datetime | None:
        value = None if self._time is None else self._time(context)
        if value is None:
            return None
        try:
            return to_time(value)
        except ValueError as error:
            self.fail("time", str(error))

    def fail(self, key: str, what: str) -> NoReturn:
        _fail(("events", self._index, key), what)


def to_text(path: Path, value: JSON) -> str:
    """The value as an id or a subject: a string, or an integer. Raises BadPayload with code ``mapping_failed``, which
    names the place in the settings."""
    text = str(value) if type(value) is int else value
    if type(text) is not str:
        _fail(path, f"gave {_named(value)}, not a string")
    if fault := check_text(text):
        _fail(path, fault)
    return text


def to_time(value: JSON) -> datetime:
    """The moment of an RFC 3339 timestamp, or of seconds or milliseconds since 1970. Raises ValueError."""
    if type(value) is str and not (value.isascii() and value.isdigit()):
        return parse_time(value)
    try:
        number = float(value) if type(value) in (int, float, str) else float("nan")
        return datetime.fromtimestamp(number / 1000 if number >= 1e11 else number, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError("is no time; give RFC 3339 or seconds since 1970") from None


class Compiler:
    """Compiles the expressions of a source's settings and keeps every fault. What is compiled takes a context, and
    raises BadPayload with code ``mapping_failed`` where it fails."""

    def __init__(self, names: tuple[str, ...] = NAMES) -> None:
        """``names`` is what expressions see."""
        self.faults: list[SettingFault] = []
        self._names = names

    def optional(self, path: Path, source: str | None) -> Build | None:
        return None if source is None else self.expression(path, source)

    def expression(self, path: Path, source: str) -> Build:
        try:
            expression: Expression = compile_expression(source, names=self._names)
        except LanguageError as error:
            self.faults.append(
                SettingFault(path, "bad-expression", error.message, error.hint, line=error.line, column=error.column)
            )
            return lambda context: None

        def evaluate(context: Context) -> JSON:
            try:
                return expression.evaluate(context)
            except LanguageError as error:
                _fail(path, error.message)

        return evaluate

    def tree(self, path: Path, node: JSON) -> Build:
        """Expressions at the leaves; numbers, true, false and null stand for themselves."""
        if isinstance(node, str):
            return self.expression(path, node)
        if isinstance(node, dict):
            members = [(key, self.tree((*path, key), value)) for key, value in node.items()]
            return lambda context: {key: build(context) for key, build in members}
        if isinstance(node, list):
            elements = [self.tree((*path, index), value) for index, value in enumerate(node)]
            return lambda context: [build(context) for build in elements]
        return lambda context: node


def _fail(path: Path, what: str) -> NoReturn:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    pointer = "/" + "/".join(str(part) for part in path)
    raise BadPayload("mapping_failed", f"{place} {what}", errors=[{"pointer": pointer, "detail": what}])


def _named(value: JSON) -> str:
    names = {type(None): "null", bool: "true or false", int: "a number", float: "a number", str: "a string"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")
