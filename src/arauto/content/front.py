"""The front matter of a text: title, preview, image and actions, each with its place in the file.

An action leads to its ``url``; with ``acknowledge: true`` instead, it tells the hub that the reader takes care of it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

import yaml
from msgspec import Struct, field

from arauto.errors import Diagnostic, TextFaulty
from arauto.language import Part, did_you_mean

KEYS = ("title", "preview", "image", "image_alt", "actions")
ACTION_KEYS = ("label", "url", "acknowledge")
MOST_ACTIONS = 3
ACKNOWLEDGE_URL = '{{ message.acknowledge_url | default("", true) }}'
"""Nothing where the hub has no public address."""

_FENCE = re.compile(r"---[ \t]*\n")
_END = re.compile(r"^---[ \t]*(?:\n|\Z)", re.MULTILINE)


class FrontAction(NamedTuple):
    """An action; one that acknowledges has the hub's URL."""

    label: Part
    url: Part
    acknowledges: bool


class Front(Struct, kw_only=True):
    """What the front matter says, and the body after it."""

    texts: dict[str, Part] = field(default_factory=dict)
    actions: list[FrontAction] = field(default_factory=list)
    body: Part = Part("")
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Where each key stands."""


class Reader:
    """Reads front matter and collects what is wrong with it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Diagnostic] = []

    def split(self, text: str) -> tuple[Part | None, Part]:
        """The front matter (None where there is none) and the body."""
        text = text.replace("\r\n", "\n").removeprefix("\ufeff")
        if _FENCE.match(text) is None:
            return None, Part(text)
        start = text.index("\n") + 1
        end = _END.search(text, start)
        if end is None:
            self.add((1, 1), "bad-front-matter", "the front matter does not end", "close it with a line ---")
            return Part("", 2), Part("")
        return Part(text[start : end.start()], 2), Part(text[end.end() :], 1 + text.count("\n", 0, end.end()))

    def mapping(self, front: Part, allowed: tuple[str, ...]) -> dict[str, tuple[tuple[int, int], yaml.Node]]:
        """The top of front matter: by key, the key's place and the value."""
        try:
            node = yaml.compose(front.source, Loader=yaml.CSafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = (front.line + mark.line, mark.column + 1) if mark else (front.line, 1)
            hint = 'a value with {{ … }} or a colon stands in quotes: title: "…"'
            self.add(place, "bad-yaml", str(error.problem or error.context), hint)
            return {}
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.add((front.line, 1), "wrong-type", "the front matter is no mapping", f"there is: {', '.join(allowed)}")
            return {}
        return self._mapping(node, allowed, front.line)

    def _mapping(
        self, node: yaml.MappingNode, allowed: tuple[str, ...], line: int
    ) -> dict[str, tuple[tuple[int, int], yaml.Node]]:
        found: dict[str, tuple[tuple[int, int], yaml.Node]] = {}
        for key, value in node.value:
            place = (line + key.start_mark.line, key.start_mark.column + 1)
            name = str(key.value)
            if name not in allowed:
                hint = did_you_mean(name, allowed) or f"there is: {', '.join(allowed)}"
                self.add(place, "unknown-key", f"{name} is not known here", hint)
            elif name in found:
                self.add(place, "duplicate-key", f"{name} is here twice", "keep one of them")
            else:
                found[name] = (place, value)
        return found

    def text(self, node: yaml.Node, front: Part) -> Part | None:
        """A scalar as a text; a fault where it is none."""
        mark = node.start_mark
        if not isinstance(node, yaml.ScalarNode) or (node.value in ("", "~", "null") and not node.style):
            self.add(
                (front.line + mark.line, mark.column + 1), "wrong-type", "this is no text", 'write it in quotes: "…"'
            )
            return None
        if node.style in ("|", ">"):
            lines = front.source.split("\n")[mark.line + 1 :]
            indent = next((len(line) - len(line.lstrip()) for line in lines if line.strip()), 0)
            return Part(node.value, front.line + mark.line + 1, indent + 1)
        return Part(node.value, front.line + mark.line, mark.column + 1 + bool(node.style))

    def content(self, text: str) -> Front:
        """The front matter of a content file, and its body."""
        front, body = self.split(text)
        read = Front(body=body)
        if front is None:
            self.add((1, 1), "missing-key", "the text has no title", 'begin with ---, a line title: "…", and ---')
            return read
        found = self.mapping(front, KEYS)
        read.keys = {name: place for name, (place, _) in found.items()}
        for name in KEYS[:-1]:
            part = self.text(found[name][1], front) if name in found else None
            if part is not None:
                read.texts[name] = part
        if "actions" in found:
            read.actions = self._actions(*found["actions"], front)
        if "title" not in found and not self.faults:
            self.add((front.line, 1), "missing-key", "the text has no title", 'add a line title: "…"')
        for name, other, why in (
            ("image", "image_alt", "say what the image shows, for those who do not see it"),
            ("image_alt", "image", "name the image"),
        ):
            if name in found and other not in found:
                self.add(found[name][0], "missing-key", f"{name} needs {other}", f'add a line {other}: "…": {why}')
        return read

    def _actions(self, place: tuple[int, int], node: yaml.Node, front: Part) -> list[FrontAction]:
        if not isinstance(node, yaml.SequenceNode):
            self.add(place, "wrong-type", "actions is no list", 'write actions: and lines - {label: "…", url: "…"}')
            return []
        if len(node.value) > MOST_ACTIONS:
            self.add(place, "too-many", f"there are {len(node.value)} actions", f"keep at most {MOST_ACTIONS}")
        actions: list[FrontAction] = []
        for item in node.value:
            at = (front.line + item.start_mark.line, item.start_mark.column + 1)
            if not isinstance(item, yaml.MappingNode):
                self.add(at, "wrong-type", "an action is no text", 'write {label: "…", url: "…"}')
                continue
            action = self._action(self._mapping(item, ACTION_KEYS, front.line), at, front)
            if action is not None:
                actions.append(action)
        if sum(action.acknowledges for action in actions) > 1:
            self.add(place, "too-many", "more than one action acknowledges", "keep one: there is nothing to choose")
        return actions

    def _action(
        self, found: dict[str, tuple[tuple[int, int], yaml.Node]], at: tuple[int, int], front: Part
    ) -> FrontAction | None:
        """An action without faults: a label, and either a URL or ``acknowledge: true``."""
        acknowledges = "acknowledge" in found
        if "label" not in found:
            self.add(at, "missing-key", "the action has no label", 'add label: "…"')
        if not acknowledges and "url" not in found:
            self.add(at, "missing-key", "the action has no url", 'add url: "…", or acknowledge: true')
        if acknowledges:
            place, node = found["acknowledge"]
            if not isinstance(node, yaml.ScalarNode) or node.value != "true":
                self.add(place, "bad-value", "acknowledge is true, or is not there", "write acknowledge: true")
            if "url" in found:
                self.add(
                    found["url"][0], "bad-value", "an action that acknowledges leads nowhere else", "leave out url"
                )
        label = self.text(found["label"][1], front) if "label" in found else None
        url = Part(ACKNOWLEDGE_URL, *at) if acknowledges else None
        if url is None and "url" in found:
            url = self.text(found["url"][1], front)
        return FrontAction(label, url, acknowledges) if label is not None and url is not None else None

    def add(self, place: tuple[int, int], code: str, message: str, hint: str | None = None) -> None:
        """Note a fault at this line and column."""
        self.faults.append(Diagnostic(self.file, *place, code, message, hint))

    def check(self) -> None:
        """Raise TextFaulty with all that was found, if anything was."""
        if self.faults:
            raise TextFaulty(*sorted(set(self.faults), key=_order))


def _order(fault: Diagnostic) -> tuple[Any, ...]:
    return fault.line, fault.column, fault.code, fault.message


@lru_cache(maxsize=32)
def read_content(file: str, text: str) -> tuple[Front, tuple[Diagnostic, ...]]:
    """The front matter of a content file, which may not be changed, with the body, and what is wrong with it. All that
    look at a file ask one after another."""
    reader = Reader(file)
    front = reader.content(text)
    return front, tuple(reader.faults)
