"""Typed Python for those who send events: a frozen dataclass for each event type, and one for each object in it.

The types say as much of a schema as Python can, and never refuse what the schema allows: what it leaves open is kept in
``extra``, what it says in ways that types cannot is ``Any``.
"""

from __future__ import annotations

import builtins
import keyword
import re
import textwrap
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any

from msgspec import Struct

from arauto.generate.say import Words
from arauto.generate.schemas import is_reference, kinds, laid_together, limits, target
from arauto.model import JSON, Catalogue, EventType

_WIDTH = 120
_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_FORMATS = {"date": "_dt.date", "date-time": "_dt.datetime"}
_TAKEN = frozenset(keyword.kwlist) | {"Any", "ClassVar", "Literal", "Unset", "UNSET", "Data", "EVENTS"}
_TAKEN_FIELDS = _TAKEN | {"str", "int", "float", "bool", "dict", "list", "field", "extra", "to_data", "from_data"}
_HEAD = '''\
"""The events of {name}, as types. Made by ``arauto generate python``: what is changed here is lost.

>>> from arauto.client import Client
>>> hub = Client("https://…", key="arauto_…", source="…")
>>> hub.send({first}(…))
"""

from __future__ import annotations

import datetime as _dt
import enum
import types
import typing
from dataclasses import MISSING, dataclass{field}, fields
from typing import Any, ClassVar{literal}
'''


class _Field(Struct, frozen=True):
    name: str
    key: str
    type: str
    default: str | None
    note: str


def python(catalogue: Catalogue) -> str:
    """A module that needs only the standard library, with ``EVENTS`` as its table of contents."""
    module = _Module()
    for name in sorted(catalogue.event_types):
        module.event(catalogue.event_types[name])
    body = "\n\n\n".join(module.classes)
    first = next(iter(module.events.values()), "SomeEvent")
    literal = ", Literal" if "Literal[" in body else ""
    field_ = ", field" if "= field(" in body else ""
    head = _HEAD.format(name=catalogue.project.name, first=first, literal=literal, field=field_)
    table = "".join(f"    {_text(name)}: {class_},\n" for name, class_ in module.events.items())
    contents = f"EVENTS: dict[str, type[Data]] = {{\n{table}}}" if table else "EVENTS: dict[str, type[Data]] = {}"
    whole = (head, _runtime(), body, f'{contents}\n"""By event type."""\n')
    return "\n\n".join(part.strip("\n") + "\n" for part in whole if part.strip())


def _runtime() -> str:
    text = files(__package__).joinpath("runtime.py").read_text(encoding="utf-8")
    return re.split(r"^# -- begin -+$", text, flags=re.M)[1]


class _Module:
    """The classes of all event types, in the order in which they stand."""

    def __init__(self) -> None:
        self.classes: list[str] = []
        self.events: dict[str, str] = {}
        self._names: set[str] = set(_TAKEN)

    def event(self, type_: EventType) -> None:
        """Add an event type with all that is in it."""
        name = _free(_pascal(type_.name), self._names)
        self.events[type_.name] = name
        _Event(self, type_, name).write()

    def free(self, name: str) -> str:
        return _free(name, self._names)


class _Event:
    """One event type: its schema is the root of the references in it."""

    def __init__(self, module: _Module, type_: EventType, name: str) -> None:
        self._module, self._type, self._name, self._root = module, type_, name, type_.schema
        self._referred: dict[str, tuple[str, ...]] = {"#": (name,)}

    def write(self) -> None:
        head = f"    EVENT_TYPE: ClassVar[str] = {_text(self._type.name)}"
        note = self._type.description
        schema = laid_together(self._root, self._root)
        if isinstance(schema, dict) and kinds(schema) == ("object",) and schema.get("properties"):
            self._class(schema, self._name, note, head)
            return
        at = len(self._module.classes)
        type_ = _joined(self._members(schema, f"{self._name}Data"))
        lines = [*_opening(self._name, note), head, f"    data: {type_}", ""]
        lines += ["    def to_data(self) -> Any:", *_docstring("Plain data.", "        ")]
        lines += ["        return _plain(self.data)", "", "    @classmethod"]
        lines += ["    def from_data(cls, data: Any) -> typing.Self:"]
        lines += [*_docstring("The event that these data tell of. Raises ValueError.", "        ")]
        lines += ['        return cls(data=_read(_hints(cls)["data"], data))']
        self._module.classes.insert(at, "\n".join(lines))

    # -- types -----------------------------------------------------------------------------------------------------

    def _members(self, schema: JSON, name: str) -> tuple[str, ...]:
        """The types of which a value of this schema has one; ``name`` is for a class that it needs."""
        if not isinstance(schema, dict):
            return ("Any",)
        if is_reference(schema):
            return self._refer(schema["$ref"])
        whole: dict[str, Any] = laid_together(schema, self._root)
        if "const" in whole or "enum" in whole:
            return _literal([whole["const"]] if "const" in whole else whole["enum"])
        variants = whole.get("oneOf") or whole.get("anyOf")
        if variants and "properties" not in whole and (not kinds(whole) or "object" in kinds(whole)):
            named = {"type": whole["type"]} if "type" in whole else {}
            told = [named | each if isinstance(each, dict) and "$ref" not in each else each for each in variants]
            return _distinct(
                member
                for number, each in enumerate(told, 1)
                for member in self._members(each, _variant(name, each, number))
            )
        return _distinct(self._one(kind, whole, name) for kind in kinds(whole)) or ("Any",)

    def _one(self, kind: str, schema: dict[str, Any], name: str) -> str:
        match kind:
            case "string":
                return _FORMATS.get(schema.get("format", ""), "str")
            case "array":
                if schema.get("prefixItems"):
                    return "list[Any]"
                return f"list[{_joined(self._members(schema.get('items', True), _singular(name)))}]"
            case "object" if schema.get("properties"):
                made = self._module.free(name)
                self._class(schema, made, schema.get("description") or f"In {self._type.name}.")
                return made
            case "object":
                return f"dict[str, {_joined(self._rest(schema, name))}]"
        return _SCALARS.get(kind, "Any")

    def _refer(self, reference: str) -> tuple[str, ...]:
        if reference not in self._referred:
            found = target(reference, self._root)
            last = _pascal(reference.rpartition("/")[2].lstrip("#")) or "Part"
            schema = laid_together(found, self._root)
            if isinstance(schema, dict) and kinds(schema) == ("object",) and schema.get("properties"):
                name = self._module.free(f"{self._name}{last}")
                self._referred[reference] = (name,)  # before what is in it, which may lead back here
                self._class(schema, name, schema.get("description") or f"In {self._type.name}.")
            else:
                self._referred[reference] = ("Any",)
                self._referred[reference] = self._members(found, f"{self._name}{last}")
        return self._referred[reference]

    def _rest(self, schema: dict[str, Any], name: str) -> tuple[str, ...]:
        """The types of what stands under keys that the schema does not name; none: there are no others."""
        others = schema.get("additionalProperties", True)
        loose = {"allOf", "anyOf", "oneOf", "if", "dependentSchemas", "$ref", "$dynamicRef"} & schema.keys()
        if others is False and "patternProperties" not in schema and schema.get("properties"):
            return ()
        if schema.get("unevaluatedProperties") is False and not loose and "patternProperties" not in schema:
            return () if schema.get("properties") else ("Any",)
        if isinstance(others, dict) and "patternProperties" not in schema:
            return self._members(others, f"{name}Value")
        return ("Any",)

    # -- classes ---------------------------------------------------------------------------------------------------

    def _class(self, schema: dict[str, Any], name: str, note: str, head: str | None = None) -> None:
        at = len(self._module.classes)
        self._module.classes.append("")  # its own place: those inside of it come after it
        given = [
            self._field(schema, key, name, taken) for taken in [set(_TAKEN_FIELDS)] for key in schema["properties"]
        ]
        found = [each for each in given if each]
        renamed = {each.name: each.key for each in found if each.name != each.key}
        lines = [*_opening(name, note)]
        lines += [head] if head else []
        if renamed:
            lines += _wrapped(renamed)
        lines += [""] if head or renamed else []
        for each in found:
            lines += _annotated(each)
            lines += _docstring(each.note, "    ") if each.note else []
        rest = self._rest(schema, name)
        if rest:
            lines += [f"    extra: dict[str, {_joined(rest)}] = field(default_factory=dict)"]
            lines += _docstring("What else there is, by key.", "    ")
        if lines[-1] == "" or len(lines) == len(_opening(name, note)):
            lines = lines[:-1] if lines[-1] == "" else lines
        self._module.classes[at] = "\n".join(lines)

    def _field(self, schema: dict[str, Any], key: str, owner: str, taken: set[str]) -> _Field | None:
        inside = schema["properties"][key]
        if inside is False:
            return None
        name = _free(_snake(key), taken, "_")
        members = self._members(inside, f"{owner}{_pascal(key)}")
        default = None
        if key not in schema.get("required", ()):
            open_ = "None" in members or "Any" in members
            default = "UNSET" if open_ else "None"
            members = (*members, "Unset" if open_ else "None") if members != ("Any",) else members
        elif isinstance(inside, dict) and isinstance(inside.get("const"), str):
            default = _text(inside["const"])
        return _Field(name, key, _joined(members), default, _note(inside))


# -- how it is written ---------------------------------------------------------------------------------------------


def _opening(name: str, note: str) -> list[str]:
    decorator = "@dataclass(frozen=True, kw_only=True, slots=True)"
    return [decorator, f"class {name}(Data):", *_docstring(note, "    "), ""]


def _docstring(text: str, indent: str) -> list[str]:
    """A docstring that holds this text and nothing else, whatever is in it."""
    safe = " ".join(text.split()).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    safe = "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in safe)
    safe = f'{safe[:-1]}\\"' if safe.endswith('"') and not safe.endswith('\\"') else safe
    lines = textwrap.wrap(safe, _WIDTH - len(indent) - 6, break_long_words=False, break_on_hyphens=False)
    if len(lines) < 2:
        return [f'{indent}"""{safe}"""']
    return [f'{indent}"""{lines[0]}', *(f"{indent}{line}" for line in lines[1:-1]), f'{indent}{lines[-1]}"""']


def _annotated(each: _Field) -> list[str]:
    end = "" if each.default is None else f" = {each.default}"
    line = f"    {each.name}: {each.type}{end}"
    if len(line) <= _WIDTH:
        return [line]
    members = re.findall(r"(?:\[(?:\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[^\]\"'])*\]|[^|\[])+", each.type)
    lines: list[str] = []
    for number, member in enumerate(members):
        mark = "" if not number else "| "
        literal = re.fullmatch(r"Literal\[(.*)\]", member.strip(), re.S)
        if literal and len(member) > _WIDTH - 12:
            values = re.findall(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[^,\s]+", literal[1])
            lines += [f"{mark}Literal[", *(f"    {value}," for value in values), "]"]
        else:
            lines.append(f"{mark}{member.strip()}")
    if len(members) == 1:
        return [f"    {each.name}: {lines[0]}", *(f"    {line}" for line in lines[1:-1]), f"    {lines[-1]}{end}"]
    return [f"    {each.name}: (", *(f"        {line}" for line in lines), f"    ){end}"]


def _wrapped(renamed: dict[str, str]) -> list[str]:
    told = ", ".join(f"{_text(name)}: {_text(key)}" for name, key in renamed.items())
    line = f"    KEYS: ClassVar[dict[str, str]] = {{{told}}}"
    if len(line) <= _WIDTH:
        return [line]
    rows = [f"        {_text(name)}: {_text(key)}," for name, key in renamed.items()]
    return ["    KEYS: ClassVar[dict[str, str]] = {", *rows, "    }"]


def _note(schema: JSON) -> str:
    """What people are told of a field: its description, and what is asked of it beyond its type."""
    if not isinstance(schema, dict):
        return ""
    said = str(schema.get("description", "")).strip()
    asked = {key: value for key, value in limits(schema).items() if (key, value) not in _TOLD_BY_TYPE}
    told = Words("en").limits(asked)
    if not said or not told:
        return said or f"{told[0].upper()}{told[1:]}." if said or told else ""
    return f"{said} ({told})" if said[-1] not in ".!?…" else f"{said} {told[0].upper()}{told[1:]}."


_TOLD_BY_TYPE = (("format", "date"), ("format", "date-time"))


def _text(value: str) -> str:
    """A string as Python writes it, in double quotes where that needs no more escapes."""
    written = repr(value)
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in written else written


def _literal(values: Iterable[JSON]) -> tuple[str, ...]:
    plain: list[str] = []
    others: list[str] = []
    for value in values:
        match value:
            case None:
                others.append("None")
            case bool() | int():
                plain.append(repr(value))
            case str():
                plain.append(_text(value))
            case float():
                others.append("float")
            case _:
                return ("Any",)
    return _distinct([*([f"Literal[{', '.join(dict.fromkeys(plain))}]"] if plain else []), *others])


def _joined(members: Iterable[str]) -> str:
    """A union, with what is left out and None at its end."""
    last = ("Unset", "None")
    found = list(dict.fromkeys(members))
    return " | ".join(sorted(found, key=lambda each: last.index(each) + 1 if each in last else 0))


def _distinct(members: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(members))
    return ("Any",) if "Any" in found else found


# -- names ---------------------------------------------------------------------------------------------------------


def _words(text: str) -> Iterator[str]:
    for part in re.split(r"[^\w]+|_+", text):
        yield from re.findall(r"[^\W\d_a-z]+(?=[^\W\d_a-z][a-z])|[^\W_a-z]?[^\W_A-Z]+|[^\W_]+", part)


def _snake(text: str) -> str:
    name = "_".join(word.lower() for word in _words(text)) or "field"
    return _identifier(name)


def _pascal(text: str) -> str:
    return _identifier("".join(word[:1].upper() + word[1:].lower() for word in _words(text)), "N")


def _identifier(name: str, mark: str = "n") -> str:
    name = name if not name or name.isidentifier() else f"{mark}{name}"
    return name if not name or name.isidentifier() else "".join(each for each in name if each.isascii())


def _free(name: str, taken: set[str], mark: str = "") -> str:
    """This name, or one like it that is not taken; it is taken then."""
    chosen, number = name, 2
    if mark and (chosen in taken or keyword.iskeyword(chosen)):
        chosen = f"{name}{mark}"
    while chosen in taken or keyword.iskeyword(chosen) or (not mark and hasattr(builtins, chosen)):
        chosen, number = f"{name}{mark}{number}", number + 1
    taken.add(chosen)
    return chosen


def _variant(name: str, schema: JSON, number: int) -> str:
    """A name for one of several forms: by its title, or by the first constant in it, or its number."""
    title = schema.get("title") if isinstance(schema, dict) else None
    inside = schema.get("properties", {}).values() if isinstance(schema, dict) else ()
    constants = (each["const"] for each in inside if isinstance(each, dict) and isinstance(each.get("const"), str))
    told = _pascal(str(title or next(constants, "")))
    return f"{name}{told or number}"


def _singular(name: str) -> str:
    return name[:-1] if len(name) > 3 and name.endswith("s") and not name.endswith("ss") else f"{name}Item"
