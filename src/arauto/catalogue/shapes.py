"""The shape of files: JSON Schemas made from Structs, every fault at its place, and the Struct when a file fits."""

from __future__ import annotations

import ast
import copy
import inspect
import itertools
import re
import textwrap
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Struct

from arauto.catalogue.diagnostics import Faults, closest, did_you_mean, listed
from arauto.catalogue.document import Document, Path
from arauto.catalogue.schemas import DIALECT, Check, Finding, validator
from arauto.model import JSON
from arauto.secret import Secret

T = TypeVar("T", bound=Struct)


# -- schemas -------------------------------------------------------------------------------------------------------


def _secret_schema(type_: type) -> dict[str, JSON]:
    if type_ is Secret:
        return {"type": "string", "minLength": 1, "writeOnly": True}
    raise NotImplementedError(f"a setting cannot be of type {type_}")


def _decode_secret(type_: type, value: Any) -> Any:
    if type_ is Secret and isinstance(value, str):
        return Secret(value)
    raise NotImplementedError(f"a setting cannot be of type {type_}")


def _tidy(schema: JSON) -> JSON:
    """Without null where a field may be left out, and closed: unknown keys are slips."""
    if isinstance(schema, list):
        return [_tidy(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {key: value if key in ("default", "examples", "enum") else _tidy(value) for key, value in schema.items()}
    if "default" in tidied and tidied["default"] is None:
        del tidied["default"]
    forms = tidied.get("anyOf")
    if isinstance(forms, list) and {"type": "null"} in forms:
        forms = [form for form in forms if form != {"type": "null"}]
        if len(forms) == 1:
            del tidied["anyOf"]
            return forms[0] | tidied
        tidied["anyOf"] = forms
    if tidied.get("type") == "object" and isinstance(tidied.get("properties"), dict):
        tidied.setdefault("additionalProperties", False)
    return tidied


@cache
def schema_of(type_: type[Struct]) -> dict[str, JSON]:
    """The JSON Schema of a Struct as YAML is checked against it; its own definition is ``$defs/<name>``."""
    made = _tidy(msgspec.json.schema(type_, schema_hook=_secret_schema))
    return {"$schema": DIALECT, **made}


def documented(type_: type[Struct]) -> dict[str, JSON]:
    """``schema_of`` with the docstrings of fields as descriptions; slower, as it reads source code."""
    made = copy.deepcopy(schema_of(type_))
    for struct in _structs(type_, set()):
        properties = made["$defs"][struct.__name__]["properties"]
        for name, text in _field_docstrings(struct).items():
            properties[name] = {"description": text, **properties[name]}
    return made


def _structs(hint: Any, seen: set[type[Struct]]) -> set[type[Struct]]:
    """The Structs that a type is made of."""
    if isinstance(hint, type) and issubclass(hint, Struct) and hint not in seen:
        seen.add(hint)
        for field in get_type_hints(hint).values():
            _structs(field, seen)
    for part in get_args(hint):
        _structs(part, seen)
    return seen


def _field_docstrings(type_: type[Struct]) -> dict[str, str]:
    """What stands under a Struct's fields as their docstrings, by the name in YAML."""
    found: dict[str, str] = {}
    written = dict(zip(type_.__struct_fields__, type_.__struct_encode_fields__, strict=True))
    for owner in reversed(type_.__mro__):
        if not issubclass(owner, Struct) or owner is Struct:
            continue
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        except (OSError, TypeError):  # a plug-in that comes without its source
            continue
        for field, text in itertools.pairwise(body.body if isinstance(body, ast.ClassDef) else ()):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                    found[written[name]] = inspect.cleandoc(said)
    return found


def beside(own: dict[str, JSON], outer: dict[str, JSON]) -> dict[str, JSON]:
    """The schema of one mapping that holds what two Structs say: a plug-in's Settings, and ``kind`` beside them."""
    settings, entry = _definition(own), _definition(outer)
    merged = settings | {
        "properties": entry["properties"] | settings.get("properties", {}),
        "required": sorted({*entry.get("required", ()), *settings.get("required", ())}),
        "additionalProperties": False,
    }
    return {"$schema": DIALECT, **merged, "$defs": outer.get("$defs", {}) | own.get("$defs", {})}


def _definition(schema: dict[str, JSON]) -> dict[str, JSON]:
    found: dict[str, JSON] = schema["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


@cache
def _check(type_: type[Struct], outer: type[Struct] | None) -> tuple[dict[str, JSON], Check]:
    schema = schema_of(type_) if outer is None else beside(schema_of(type_), schema_of(outer))
    return schema, Check(validator(schema))


# -- files against schemas -----------------------------------------------------------------------------------------


def fit(
    document: Document, type_: type[T], faults: Faults, *, at: Path = (), outer: type[Struct] | None = None
) -> T | None:
    """The value at ``at`` as a Struct; every fault goes to ``faults``.

    What is wrong is left out, so that the rest can be checked further; None when nothing useful is left.
    ``outer`` is a Struct whose fields stand in the same mapping (``kind`` beside a provider's settings); then the
    Struct is a plug-in's, which would speak of what was left out, so that any fault gives None.
    """
    schema, check = _check(type_, outer)
    data = document.value(at)
    found = _without_echoes(check.findings(data), schema)
    for finding in found:
        _report(document, at, finding, schema, faults, type_)
    if found:
        data = _pruned(data, found)
    if outer is not None:
        if found or not isinstance(data, dict):
            return None
        data = {key: value for key, value in data.items() if key not in outer.__struct_fields__}
    try:
        return msgspec.convert(data, type_, dec_hook=_decode_secret)
    except msgspec.ValidationError as error:
        if not found:
            _report_refusal(document, at, str(error), faults)
        return None


def _report_refusal(document: Document, at: Path, said: str, faults: Faults) -> None:
    """A Settings' own __post_init__ said no."""
    message, _, where = said.partition(" - at `$")
    path = tuple(int(index) if index else key for key, index in re.findall(r"\.(\w+)|\[(\d+)\]", where))
    faults.add(document.file, document.place(at + path), "bad-settings", message)


def _without_echoes(found: list[Finding], schema: dict[str, JSON]) -> list[Finding]:
    """Each slip once: no 'missing' beside a key that is its misspelling, nothing more of a value of the wrong type."""
    wrong = {finding.path for finding in found if finding.keyword == "type"}
    open_choice = {finding.path for finding in found if finding.keyword == "oneOf"}
    meant: dict[Path, set[str]] = {}
    for finding in found:
        if finding.keyword == "additionalProperties":
            key = closest(str(finding.path[-1]), _properties(schema, finding))
            meant.setdefault(finding.path[:-1], set()).update({key} if key else ())

    def echoes(finding: Finding) -> bool:
        if finding.keyword == "required":
            above = finding.path[:-1]
            return finding.path[-1] in meant.get(above, ()) or (_dependent(finding) and above in open_choice)
        if finding.keyword == "oneOf":
            return finding.path in wrong or bool(meant.get(finding.path, set()).intersection(finding.allowed))
        return False

    return [finding for finding in found if not echoes(finding)]


def _dependent(finding: Finding) -> bool:
    """A key is missing only because another key is there."""
    return finding.schema_path[-1] == "dependentRequired"


def _node(schema: JSON, path: Path) -> JSON:
    for part in path:
        schema = schema[part]
    return schema


def _properties(schema: dict[str, JSON], finding: Finding) -> tuple[str, ...]:
    return tuple(_node(schema, finding.schema_path[:-1]).get("properties", ()))


def _pruned(data: JSON, found: list[Finding]) -> JSON:
    data = copy.deepcopy(data)
    for finding in found:
        path = list(finding.path)
        while path and isinstance(path[-1], int):
            path.pop()
        try:
            parent = _node(data, tuple(path[:-1]))
            if path:
                parent.pop(path[-1], None)
        except (KeyError, IndexError, TypeError, AttributeError):
            continue
    return data


_CODES = {
    "required": "missing-key",
    "additionalProperties": "unknown-key",
    "type": "wrong-type",
    "oneOf": "one-of",
}


def _report(
    document: Document, at: Path, finding: Finding, schema: dict[str, JSON], faults: Faults, type_: type[Struct]
) -> None:
    path = at + finding.path
    place, code, hint = document.place(path), _CODES.get(finding.keyword, "bad-value"), None
    node = _node(schema, finding.schema_path[:-1])
    name = _named(path)
    match finding.keyword:
        case "required" if _dependent(finding):
            keys = [key for key, needs in node["dependentRequired"].items() if path[-1] in needs]
            message = f"{listed(keys, 'and')} in {_named(path[:-1])} goes with {path[-1]} alone"
            code, place = "one-of", document.key_place((*path[:-1], keys[0]))
        case "required":
            place = document.key_place(path[:-1]) if len(path) > 1 else document.place()
            message = f"the key {path[-1]} is missing" + (f" in {_named(path[:-1])}" if len(path) > 1 else "")
            about = node.get("properties", {}).get(str(path[-1]), {})
            hint = about.get("description") or _field_docstrings(type_).get(str(path[-1]))
        case "additionalProperties":
            code = node.get("x-unknown", code)
            place = document.key_place(path)
            noun = "step" if code == "unknown-step" else "key"
            message = f"there is no {noun} {path[-1]}" + (f" in {_named(path[:-1])}" if len(path) > 1 else "")
            hint = did_you_mean(str(path[-1]), node.get("properties", ()))
        case "oneOf" if not finding.allowed:
            keys = [key for form in node["oneOf"] for key in form["required"]]
            given = [key for key in keys if key in document.value(path)]
            message = f"{name} has {listed(given, 'and')}"
            hint = f"give exactly one of {listed(keys)}"
        case "oneOf":
            message = f"{name} {finding.detail}"
        case _:
            detail = node.get("patternErrorMessage", finding.detail) if finding.keyword == "pattern" else finding.detail
            message = f"{name} {detail}" + _not_this(document, path, node)
            hint = _value_hint(document, path, finding)
    faults.add(document.file, place, code, message, hint)


def _named(path: Path) -> str:
    """How a message names a value: ``to[0].person``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "the file"


_KINDS = {dict: "a mapping", list: "a list", str: "text", type(None): "empty"}


def _not_this(document: Document, path: Path, node: JSON) -> str:
    value = document.value(path)
    if node.get("writeOnly") or isinstance(value, dict | list | None):
        return f", and is {_KINDS[type(value)]}" if type(value) in _KINDS else ""
    raw = document.raw(path)
    return f", not {raw}" if len(raw) <= 60 else f", not {raw[:57]}…"


def _value_hint(document: Document, path: Path, finding: Finding) -> str | None:
    value = document.value(path)
    if finding.keyword == "enum" and isinstance(value, str):
        near = closest(value, finding.allowed)
        return f"did you mean {near}?" if near else None
    if finding.keyword == "type" and "string" in finding.allowed and isinstance(value, bool | int | float):
        return f'put it in quotes: "{document.raw(path)}"'
    return None


__all__ = ["beside", "documented", "fit", "schema_of"]
