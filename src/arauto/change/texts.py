"""Which texts and images of a notification are new, gone or otherwise: by what they are, and line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, Literal

from msgspec import Struct

from arauto.catalogue.folder import NOTIFICATION
from arauto.change.meaning import Path
from arauto.content.front import Front, Reader
from arauto.model import JSON

_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg")
_COMMENT_LINE = re.compile(r"^[ \t]*\{#.*?#\}[ \t]*(?:\n|\Z)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


class TextChange(Struct, frozen=True):
    """A text, a part of one, or an image that is not as it was."""

    sort: Literal["added", "removed", "changed"]
    code: str
    file: str
    path: Path
    before: JSON
    after: JSON
    values: dict[str, Any]
    """``what`` it is (``content``, ``correction``, a channel, ``image``), its ``locale``, and of what is written over
    several lines, the ``hunks``: ``line`` in the new version, lines ``removed`` and ``added``."""


def texts_changed(notification: str, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Iterator[TextChange]:
    """What differs in the texts and images of a notification, whose files these are among others."""
    folder = f"notifications/{notification}/"
    names = (name for name in old.keys() | new.keys() if name.startswith(folder) and "/" not in name[len(folder) :])
    for name in sorted(names):
        inside = name[len(folder) :]
        before, after = old.get(name), new.get(name)
        if inside == NOTIFICATION or before == after:
            continue
        values = _about(inside)
        if values["what"] == "image":
            yield from _image(name, before, after, values)
        elif before is None or after is None:
            sort: Literal["added", "removed"] = "added" if before is None else "removed"
            hunks = hunks_of(_text(before or b""), _text(after or b""))
            yield TextChange(sort, "notification.text", name, (), None, None, {**values, "hunks": hunks})
        elif inside.endswith(".md"):
            yield from _content(name, _text(before), _text(after), values)
        else:
            yield from _body(name, _text(before), _text(after), values)


def _about(name: str) -> dict[str, Any]:
    """What a file is, by its name."""
    if name.lower().endswith(_IMAGES):
        return {"what": "image", "image": name}
    stem, _, rest = name.partition(".")
    return {"what": stem, "locale": rest.rpartition(".")[0] or None}


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")


def _image(name: str, before: bytes | None, after: bytes | None, values: dict[str, Any]) -> Iterator[TextChange]:
    sort: Literal["added", "removed", "changed"] = (
        "added" if before is None else "removed" if after is None else "changed"
    )
    was, is_ = (None if each is None else len(each) for each in (before, after))
    yield TextChange(sort, "notification.image", name, (), was, is_, values)


# -- content files -------------------------------------------------------------------------------------------------


def _content(name: str, before: str, after: str, values: dict[str, Any]) -> Iterator[TextChange]:
    old, new = (_read(name, text) for text in (before, after))
    for key in dict.fromkeys((*old.texts, *new.texts)):
        was, is_ = (each.texts[key].source if key in each.texts else None for each in (old, new))
        if was != is_:
            yield TextChange("changed", f"notification.text.{key}", name, (key,), was, is_, values)
    was_actions, now_actions = _actions(old), _actions(new)
    if was_actions != now_actions:
        yield TextChange("changed", "notification.text.actions", name, ("actions",), was_actions, now_actions, values)
    yield from _body(name, _plain(old.body.source), _plain(new.body.source), values, new.body.line)


def _read(name: str, text: str) -> Front:
    return Reader(name).content(text)


def _actions(front: Front) -> JSON:
    return [
        {"label": each.label.source, **({"acknowledge": True} if each.acknowledges else {"url": each.url.source})}
        for each in front.actions
    ]


def _plain(body: str) -> str:
    """A Markdown body without what leaves no trace in the message."""
    if "{%" in body and re.search(r"\{%-?\s*raw", body):
        return body
    body = _COMMENT.sub("", _COMMENT_LINE.sub("", body)).strip("\n")
    return body if "```" in body else re.sub(r"\n{3,}", "\n\n", body)


def _body(name: str, before: str, after: str, values: dict[str, Any], line: int = 1) -> Iterator[TextChange]:
    if before == after:
        return
    spaces = before.split() == after.split()
    code = "notification.text.spaces" if spaces else "notification.text.body"
    hunks = hunks_of(before, after, line)
    yield TextChange("changed", code, name, (), None, None, {**values, "hunks": hunks})


def hunks_of(before: str, after: str, line: int = 1) -> list[dict[str, Any]]:
    """Where two texts differ, by lines; ``line`` is the number of the new one's first line."""
    old, new = before.splitlines(), after.splitlines()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [
        {"line": line + new_start, "removed": old[old_start:old_end], "added": new[new_start:new_end]}
        for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes()
        if tag != "equal"
    ]


__all__ = ["TextChange", "hunks_of", "texts_changed"]
