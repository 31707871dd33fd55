"""YAML 1.2 with positions: the core schema, plain data out, and where each value and key stands.

libyaml does the syntax (events with marks); everything else is here, because YAML 1.1 would read ``on`` as true and
``22:30`` as 1350. Keys are text always (``404:`` is the key ``"404"``), and what JSON cannot hold is a fault.
"""

from __future__ import annotations

import re

import yaml
from msgspec import Struct

from arauto.catalogue.diagnostics import Faults, Place
from arauto.catalogue.document import Document, Node
from arauto.model import JSON

MAX_DEPTH = 64
MAX_NODES = 100_000
"""How many values a file may hold once its aliases are written out; a billion laughs end here."""


# -- the core schema -----------------------------------------------------------------------------------------------

_WORDS: dict[str, JSON] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS = 25
_TAG = "tag:yaml.org,2002:"


class _NotAllowed(Exception):
    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message, self.hint = message, hint
        super().__init__(message)


def _plain(text: str) -> JSON:
    """The value of a plain scalar by the core schema of YAML 1.2.2, section 10.3.2."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        number = int(text, 0 if text[1:2] in ("o", "x") else 10) if len(text) <= _MAX_DIGITS else 2**64
        if not -(2**63) <= number < 2**64:
            raise _NotAllowed(f"the number {text[:40]} does not fit 64 bits", "put it in quotes to make it text")
        return number
    if _FLOAT.fullmatch(text):
        real = float(text)
        if real - real != 0:
            raise _NotAllowed(f"the number {text[:40]} is too large", "put it in quotes to make it text")
        return real
    if _NOT_FINITE.fullmatch(text):
        raise _NotAllowed(f"{text} is no number in JSON", "put it in quotes to make it text")
    return text


def _scalar(event: yaml.ScalarEvent) -> JSON:
    if event.tag is None or event.tag == "!":
        return _plain(event.value) if event.implicit[0] and event.tag is None else event.value
    if event.tag == f"{_TAG}str":
        return event.value
    value = _plain(event.value)
    kinds = {"null": type(None), "bool": bool, "int": int, "float": (int, float)}
    kind = kinds.get(event.tag.removeprefix(_TAG))
    if kind is None or not event.tag.startswith(_TAG):
        raise _NotAllowed(f"the tag {event.tag.replace(_TAG, '!!')} has no meaning here", "leave it out")
    if not isinstance(value, kind):  # type: ignore[arg-type]
        raise _NotAllowed(f"{event.value!r} is not what its tag {event.tag.replace(_TAG, '!!')} says")
    return float(value) if event.tag == f"{_TAG}float" else value


# -- events to data ------------------------------------------------------------------------------------------------


def _span(event: yaml.Event) -> tuple[int, int]:
    assert event.start_mark
    assert event.end_mark
    return event.start_mark.index, event.end_mark.index


class _Frame(Struct):
    """A mapping or a list that is still open."""

    data: JSON
    node: Node
    anchor: str | None
    nodes_before: int
    key: tuple[str, int] | None = None
    height: int = 1


class _Anchored(Struct):
    data: JSON
    node: Node
    nodes: int
    height: int


class _Builder:
    """Takes libyaml's events; ``result`` is set at the end of the document."""

    def __init__(self, report: Faults, document: Document) -> None:
        self.faults, self.document = report, document
        self.open: list[_Frame] = []
        self.anchors: dict[str, _Anchored | None] = {}
        self.nodes = 0
        self.documents = 0
        self.sound = True

    def fault(self, offset: int, code: str, message: str, hint: str | None = None) -> None:
        self.faults.add(self.document.file, self.document.locate(offset), code, message, hint)

    def take(self, event: yaml.Event) -> None:
        """Raises _NotAllowed for what ends the reading of this file."""
        start, end = _span(event)
        match event:
            case yaml.ScalarEvent():
                self._take_scalar(event, start, end)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._take_start(event, start)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                frame = self.open.pop()
                frame.node.end = end
                self._place(frame.data, frame.node, frame.height)
                if frame.anchor:
                    nodes = self.nodes - frame.nodes_before
                    self.anchors[frame.anchor] = _Anchored(frame.data, frame.node, nodes, frame.height)
            case yaml.AliasEvent():
                self._take_alias(str(event.anchor), start, end)
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise _NotAllowed("a second document begins here", "a project file is one document: remove ---")

    def _count(self, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise _NotAllowed(f"the file holds more than {MAX_NODES} values", "use fewer aliases, or split the file")

    def _key_is_due(self) -> bool:
        return bool(self.open) and self.open[-1].key is None and self.open[-1].node.keys is not None

    def _take_scalar(self, event: yaml.ScalarEvent, start: int, end: int) -> None:
        self._count(1)
        if self._key_is_due():
            self.open[-1].key = (event.value, start)
            if event.anchor:
                self.anchors[event.anchor] = _Anchored(event.value, Node(start, end), 1, 0)
            return
        try:
            value = _scalar(event)
        except _NotAllowed as fault:
            self.fault(start, "bad-yaml", fault.message, fault.hint)
            self.sound, value = False, None
        node = Node(start, end, event.style or None)
        self._place(value, node, 0)
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(value, node, 1, 0)

    def _take_start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, start: int) -> None:
        self._count(1)
        mapping = isinstance(event, yaml.MappingStartEvent)
        if self._key_is_due():
            raise _NotAllowed(
                f"a {'mapping' if mapping else 'list'} cannot be a key",
                'put text that begins with { or [ in quotes: "{{ … }}"',
            )
        if len(self.open) >= MAX_DEPTH:
            raise _NotAllowed(f"values are nested more than {MAX_DEPTH} deep")
        if event.tag not in (None, "!", f"{_TAG}{'map' if mapping else 'seq'}"):
            raise _NotAllowed(f"the tag {event.tag.replace(_TAG, '!!')} has no meaning here", "leave it out")
        node = Node(start, start, None, {}, {}) if mapping else Node(start, start, None, None, [])
        if event.anchor:
            self.anchors[event.anchor] = None
        self.open.append(_Frame({} if mapping else [], node, event.anchor, self.nodes - 1))

    def _take_alias(self, anchor: str, start: int, end: int) -> None:
        if anchor not in self.anchors:
            raise _NotAllowed(
                f"*{anchor} names no anchor", f"put the text in quotes, or write &{anchor} before a value"
            )
        anchored = self.anchors[anchor]
        if anchored is None:
            raise _NotAllowed(f"*{anchor} stands inside of what it names")
        if len(self.open) + anchored.height > MAX_DEPTH:
            raise _NotAllowed(f"values are nested more than {MAX_DEPTH} deep")
        self._count(anchored.nodes)
        if self._key_is_due():
            if not isinstance(anchored.data, str):
                raise _NotAllowed(f"*{anchor} is no text, so it cannot be a key")
            self.open[-1].key = (anchored.data, start)
            return
        node = anchored.node
        self._place(anchored.data, Node(start, end, node.style, node.keys, node.children), anchored.height)

    def _place(self, value: JSON, node: Node, height: int) -> None:
        """Put a finished value where it belongs."""
        if not self.open:
            self.document.data, self.document.root = value, node
            return
        frame = self.open[-1]
        frame.height = max(frame.height, height + 1)
        if frame.key is None:
            frame.data.append(value)
            frame.node.children.append(node)  # type: ignore[union-attr]
            return
        (key, at), frame.key = frame.key, None
        if not key:
            self.fault(at, "bad-yaml", "a key is empty", "write a name before the colon")
            self.sound = False
            return
        keys, children = frame.node.keys, frame.node.children
        assert keys is not None
        assert isinstance(children, dict)
        if key in keys:
            line = self.document.locate(keys[key]).line
            self.fault(at, "duplicate-key", f"the key {key} stands here a second time; the first is in line {line}")
            return
        keys[key] = at
        frame.data[key] = value
        children[key] = node


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def decode(file: str, raw: bytes, faults: Faults) -> str | None:
    """The text of a UTF-8 file, without its byte order mark; None, with a fault, when it is not one."""
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8").removeprefix("\ufeff")
        lines = before.split("\n")
        place = Place(len(lines), len(lines[-1]) + 1)
        byte = raw[error.start]
        faults.add(file, place, "unreadable-file", f"the byte 0x{byte:02x} is not UTF-8", "save the file as UTF-8")
        return None


def read(file: str, raw: bytes, faults: Faults) -> Document | None:
    """The one document in a YAML file, an empty mapping when there is nothing in it; None when it has faults that
    leave no data. Every fault goes to ``faults``."""
    text = decode(file, raw, faults)
    if text is None:
        return None
    document = Document(file, text, {}, Node(0, 0, None, {}, {}))
    if control := _CONTROL.search(text):
        place, code = document.locate(control.start()), ord(control[0])
        faults.add(file, place, "bad-yaml", f"the control character U+{code:04X} is not allowed", "remove it")
        return None
    builder = _Builder(faults, document)
    event = None
    try:
        for event in yaml.parse(text, Loader=yaml.CBaseLoader):
            builder.take(event)
    except _NotAllowed as fault:
        assert event is not None
        builder.fault(_span(event)[0], "bad-yaml", fault.message, fault.hint)
        return None
    except yaml.MarkedYAMLError as error:
        builder.fault(*_syntax_fault(text, error))
        return None
    if document.data is None:
        document.data = {}
    return document if builder.sound else None


_HINTS = (
    ("mapping values are not allowed", "put a value that holds ': ' in quotes, and check the indentation"),
    ("cannot start any token", "put the value in quotes"),
    ("unknown escape character", "in double quotes a backslash is written \\\\; single quotes take it as it is"),
    ("alphabetic or numeric character", "put a value that begins with * or & in quotes"),
    ("block", "check the indentation: the entries of one mapping or list begin in the same column"),
)


def _syntax_fault(text: str, error: yaml.MarkedYAMLError) -> tuple[int, str, str, str | None]:
    """What libyaml says, as (offset, code, message, hint)."""
    problem = (error.problem or "this is not YAML").replace("did not find expected", "expected")
    context = error.context or ""
    mark = error.problem_mark or error.context_mark
    offset = min(mark.index, len(text)) if mark else 0
    if "quoted scalar" in context and "unexpected end" in problem and error.context_mark:
        return error.context_mark.index, "bad-yaml", "this quote is never closed", None
    if text[offset : offset + 1] == "\t":
        return offset, "bad-yaml", "a tab stands where YAML expects spaces", "indent with spaces"
    if context.startswith("while ") and error.context_mark:
        problem += f" ({context} that begins in line {error.context_mark.line + 1})"
    hint = next((hint for words, hint in _HINTS if words in f"{problem} {context}"), None)
    return offset, "bad-yaml", problem, hint


__all__ = ["MAX_DEPTH", "MAX_NODES", "decode", "read"]
