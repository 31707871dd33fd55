"""What generated event types are made of: plain data in, the same plain data out.

``arauto generate python`` writes this module's text into its output, so that it needs nothing but Python.
"""

from __future__ import annotations

import datetime as _dt
import enum
import types
import typing
from dataclasses import MISSING, fields
from typing import Any, ClassVar

# -- begin ---------------------------------------------------------------------------------------------------------


class Unset(enum.Enum):
    """The value of what is left out, where ``None`` would be a value of its own."""

    UNSET = "unset"


UNSET: typing.Final = Unset.UNSET


class Data:
    """What every class here can do: become the plain data that a hub accepts, and be made of them."""

    __slots__ = ()
    KEYS: ClassVar[dict[str, str]] = {}
    """The keys of those fields that have another name than their key."""

    def to_data(self) -> Any:
        """Plain data, without what is left out. Raises ValueError for a moment that has no time zone."""
        told: dict[str, Any] = {}
        for name, key, optional in _fields(type(self)):
            value = getattr(self, name)
            if name == "extra":
                told |= _plain(value)
            elif value is not UNSET and not (value is None and optional):
                told[key] = _plain(value)
        return told

    @classmethod
    def from_data(cls, data: Any) -> typing.Self:
        """The event that these data tell of. Raises ValueError where they have not its form."""
        made: typing.Self = _read_object(cls, data)
        return made


_known_hints: dict[type[Any], dict[str, Any]] = {}


def _fields(cls: type[Any]) -> list[tuple[str, str, bool]]:
    """Of each field: its name, its key, and whether ``None`` says that it is left out."""
    keys = cls.KEYS
    return [(each.name, keys.get(each.name, each.name), each.default is None) for each in fields(cls)]


def _hints(cls: type[Any]) -> dict[str, Any]:
    if cls not in _known_hints:
        _known_hints[cls] = typing.get_type_hints(cls)
    return _known_hints[cls]


def _plain(value: Any) -> Any:
    match value:
        case Data():
            return value.to_data()
        case _dt.datetime():
            if value.utcoffset() is None:
                raise ValueError(f"{value.isoformat()} has no time zone; give an aware datetime")
            return value.isoformat().replace("+00:00", "Z")
        case _dt.date():
            return value.isoformat()
        case list() | tuple():
            return [_plain(each) for each in value]
        case dict():
            return {key: _plain(each) for key, each in value.items()}
    return value


def _read(hint: Any, value: Any) -> Any:
    """A value of the type ``hint``. Raises ValueError."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or (hint is None and value is None):
        return value
    if origin is typing.Union or origin is types.UnionType:
        return _read_one_of(inside, value)
    if origin is typing.Literal:
        if any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in inside):
            return value
    elif origin is list and isinstance(value, list):
        return [_read(inside[0], each) for each in value]
    elif origin is dict and isinstance(value, dict):
        return {key: _read(inside[1], each) for key, each in value.items()}
    elif origin is None and isinstance(hint, type):
        return _read_plain(hint, value)
    raise _wrong(value, hint)


def _read_one_of(hints: tuple[Any, ...], value: Any) -> Any:
    faults: list[str] = []
    for each in hints:
        try:
            return _read(each, value)
        except ValueError as error:
            faults.append(str(error))
    raise ValueError("; ".join(faults))


def _read_plain(hint: type[Any], value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if issubclass(hint, Data):
        return _read_object(hint, value)
    if hint is _dt.datetime and isinstance(value, str):
        moment = _dt.datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment
    elif hint is _dt.date and isinstance(value, str):
        return _dt.date.fromisoformat(value)
    elif (
        (hint is float and number)
        or (hint is int and number and value == int(value))
        or (hint in (str, bool) and isinstance(value, hint))
        or (hint is type(None) and value is None)
    ):
        return value
    raise _wrong(value, hint.__name__)


def _wrong(value: Any, wanted: object) -> ValueError:
    return ValueError(f"{type(value).__name__} where {wanted} must be")


def _read_object(cls: type[Any], data: Any) -> Any:
    if not isinstance(data, dict):
        raise _wrong(data, f"an object, for {cls.__name__},")
    hints, left, values = _hints(cls), dict(data), {}
    for name, key, _ in _fields(cls):
        if key in left and name != "extra":
            try:
                values[name] = _read(hints[name], left.pop(key))
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from None
    if "extra" in hints:
        values["extra"] = _read(hints["extra"], left)
    elif left:
        raise ValueError(f"{cls.__name__} has no {min(left)}")
    try:
        return cls(**values)
    except TypeError:
        required = [each.name for each in fields(cls) if each.default is each.default_factory is MISSING]
        missing = [cls.KEYS.get(name, name) for name in required if name not in values]
        raise ValueError(f"{cls.__name__} lacks {', '.join(missing)}") from None
