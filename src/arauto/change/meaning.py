"""What a compiled thing means, as a tree of plain values that can be compared: however it is written, the same
meaning is the same tree.

Secrets and the addresses of people are in it as ``Hidden``: whether they are the same can be told, and nothing else.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import orjson
from msgspec import Struct

from arauto.catalogue.analysis.open_secrets import masked
from arauto.catalogue.rules import Each
from arauto.model import JSON, write_duration
from arauto.secret import MASK, Secret

Path: TypeAlias = tuple[str | int, ...]
Change: TypeAlias = tuple[Path, Any, Any]
"""Where, and the value before and after; None where there was or is nothing."""

_KEY = os.urandom(16)


class Hidden(Struct, frozen=True):
    """A value that is not shown."""

    digest: bytes
    """Under a key of this process, so that nobody can try values against it."""

    def __repr__(self) -> str:
        return MASK


def hidden(value: JSON) -> Hidden:
    """The value as one that can be compared alone."""
    return Hidden(hashlib.blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), key=_KEY).digest())


def meaning(value: Any) -> Any:
    """The tree of a compiled value. What is code and no value (a validator, a compiled text) is left out."""
    match value:
        case Secret():
            return hidden(value.reveal()) if value.place == MASK else value.place
        case Each(parts):
            return {key: meaning(part) for key, part in parts.items()}
        case Struct():
            pairs = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
            held = {name: getattr(value, field) for name, field in pairs}
            return {name: meaning(each) for name, each in held.items() if not callable(each)}
        case Mapping():
            return {str(key): meaning(each) for key, each in value.items()}
        case frozenset() | set():
            return sorted(map(meaning, value))
        case str() | bytes():
            return value
        case Sequence():
            return [meaning(each) for each in value]
    if hasattr(value, "evaluate") and hasattr(value, "source"):
        return value.source.strip()
    return value


def same(one: Any, other: Any) -> bool:
    """Both trees mean the same; true is not 1 here, and 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def changes(before: Any, after: Any, path: Path = ()) -> Iterator[Change]:
    """What differs between two trees, as deep inside of them as their shapes agree."""
    if same(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict) and not _lost(before, after):
        for key in dict.fromkeys((*before, *after)):
            yield from changes(before.get(key), after.get(key), (*path, key))
    elif _alike(before, after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from changes(one, other, (*path, index))
    else:
        yield path, before, after


def _lost(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """A key that one of them alone has holds nothing, which would look as if it were in neither."""
    return any({**before, **after}[key] is None for key in before.keys() ^ after.keys())


def _alike(before: Any, after: Any) -> bool:
    """Both are lists of as many mappings."""
    if not isinstance(before, list) or not isinstance(after, list) or len(before) != len(after):
        return False
    return all(isinstance(each, dict) for each in (*before, *after))


def as_json(value: Any) -> JSON:
    """A tree as JSON: durations as projects write them, times by ISO 8601, amounts of money as text, what is hidden or
    looks like a well-known service's key as ``***``."""
    match value:
        case Hidden():
            return MASK
        case str():
            return masked(value)
        case timedelta():
            return write_duration(value)
        case Decimal():
            return f"{value:f}"
        case datetime() | date() | time():
            return value.isoformat()
        case dict():
            return {key: as_json(each) for key, each in value.items()}
        case list() | tuple():
            return [as_json(each) for each in value]
    return value


def place_of(path: Path) -> str:
    """A path as messages name it: ``events[0].when``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


__all__ = ["Change", "Hidden", "Path", "as_json", "changes", "hidden", "meaning", "place_of", "same"]
