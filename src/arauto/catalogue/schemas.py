"""JSON Schema 2020-12: compiling one from a project, checking data against it, and saying what is wrong with either.

Schemas are self-contained (a remote ``$ref`` is never fetched), their patterns run in linear time, and formats count.
What is said of data names what is allowed and never the data: it goes into answers and logs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NoReturn

import jsonschema_rs
import msgspec
from jsonschema_rs import ValidationError
from jsonschema_rs import ValidationErrorKind as Kind
from msgspec import Struct

from arauto.catalogue.diagnostics import Faults, closest, listed
from arauto.catalogue.document import Document, Path
from arauto.model import JSON

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Finding(Struct, frozen=True):
    """One thing that is wrong with data."""

    path: Path
    """Of the value; of the key that is missing or not allowed."""
    keyword: str
    """The keyword of JSON Schema that says so; ``oneOf`` where one of several keys must be given."""
    detail: str
    """What is allowed, to be read after the value's name: ``must be at least 3``."""
    schema_path: Path
    allowed: tuple[str, ...] = ()
    """The names or types that would be right, where they can be listed."""


# -- what is said --------------------------------------------------------------------------------------------------

_TYPES = {
    "string": "text",
    "object": "a mapping",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_FORMATS = {
    "date": "a date such as 2026-03-31",
    "date-time": "a date and time such as 2026-03-31T12:00:00Z",
    "duration": "an ISO 8601 duration such as P3DT4H",
    "email": "an e-mail address",
    "hostname": "a host name",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
    "json-pointer": "a JSON pointer such as /order/id",
    "regex": "a regular expression (without look-around and back-references)",
    "time": "a time such as 12:00:00Z",
    "uri": "a URL",
    "uri-reference": "a URL or a relative reference",
    "uuid": "a UUID",
}


def findings(error: ValidationError) -> Iterator[Finding]:
    """What one error of jsonschema_rs says, taken apart: of alternatives, the one that was meant."""
    path, kind = tuple(error.instance_path), error.kind
    at = tuple(error.schema_path)
    match kind:
        case Kind.Required(name):
            yield Finding((*path, name), "required", "is missing", at, (name,))
        case Kind.AdditionalProperties(names) | Kind.UnevaluatedProperties(names):
            for name in names:
                yield Finding((*path, name), "additionalProperties", "is not allowed here", at)
        case Kind.AnyOf(branches) | Kind.OneOfNotValid(branches):
            yield from _of_alternatives(path, at, branches)
        case Kind.OneOfMultipleValid():
            yield Finding(path, "oneOf", "matches more than one of the forms that exclude each other", at)
        case Kind.PropertyNames(inner):
            for finding in findings(inner):
                yield Finding(path, "propertyNames", f"has a key that {finding.detail}", at)
        case Kind.Type(types):
            yield Finding(path, "type", f"must be {_types(types)}", at, tuple(types))
        case Kind.Enum(options):
            allowed = tuple(str(option) for option in options)
            yield Finding(path, "enum", f"must be {listed(allowed)}" if allowed else "is not allowed", at, allowed)
        case _:
            yield Finding(path, kind.name, _limit(kind), at)


def _types(types: Sequence[str]) -> str:
    return listed([_TYPES[name] for name in sorted(types, key=list(_TYPES).index)])


def _limit(kind: Kind) -> str:
    match kind:
        case Kind.Constant(value):
            return f"must be {value}"
        case Kind.Minimum(limit):
            return f"must be at least {limit}"
        case Kind.Maximum(limit):
            return f"must be at most {limit}"
        case Kind.ExclusiveMinimum(limit):
            return f"must be more than {limit}"
        case Kind.ExclusiveMaximum(limit):
            return f"must be less than {limit}"
        case Kind.MultipleOf(divisor):
            return f"must be a multiple of {divisor}"
        case Kind.MinLength(limit):
            return "must not be empty" if limit == 1 else f"must have at least {limit} characters"
        case Kind.MaxLength(limit):
            return f"must have at most {limit} characters"
        case Kind.MinItems(limit) | Kind.MinProperties(limit):
            return "must not be empty" if limit == 1 else f"must have at least {limit} entries"
        case Kind.MaxItems(limit) | Kind.MaxProperties(limit):
            return f"must have at most {limit} {'entry' if limit == 1 else 'entries'}"
        case Kind.UniqueItems():
            return "must not hold the same entry twice"
        case Kind.Pattern(pattern):
            return f"must match the pattern {pattern}"
        case Kind.Format(name):
            return f"must be {_FORMATS.get(name, f'of the format {name}')}"
        case Kind.FalseSchema():
            return "is not allowed here"
    return f"does not satisfy the keyword {kind.name}"


def _of_alternatives(path: Path, at: Path, branches: list[list[ValidationError]]) -> Iterator[Finding]:
    """Of several forms, say what is wrong with the one whose type fits; else name them all."""
    types: list[str] = []
    keys: list[str] = []
    fitting: list[list[ValidationError]] = []
    for branch in branches:
        here = [error.kind for error in branch if tuple(error.instance_path) == path]
        if wrong := [kind for kind in here if isinstance(kind, Kind.Type)]:
            types.extend(wrong[0].types)
        else:
            fitting.append(branch)
            keys.extend(kind.property for kind in here if isinstance(kind, Kind.Required))
    if not fitting:
        yield Finding(path, "type", f"must be {_types(list(dict.fromkeys(types)))}", at, tuple(types))
    elif len(fitting) == 1:
        for error in fitting[0]:
            yield from findings(error)
    elif len(keys) == len(fitting):
        yield Finding(path, "oneOf", f"needs one of {listed(keys)}", at, tuple(keys))
    else:
        details = dict.fromkeys(finding.detail for branch in fitting for error in branch for finding in findings(error))
        yield Finding(path, "anyOf", listed(list(details)), at)


# -- data ----------------------------------------------------------------------------------------------------------


def _refuse(uri: str) -> NoReturn:
    raise ValueError("a schema must be self-contained")


def validator(schema: JSON, *, formats_must_be_known: bool = False) -> jsonschema_rs.Validator:
    """A validator for a schema. Raises ValidationError or ValueError when the schema is wrong."""
    return jsonschema_rs.Draft202012Validator(
        schema,
        validate_formats=True,
        ignore_unknown_formats=not formats_must_be_known,
        retriever=_refuse,
        pattern_options=jsonschema_rs.RegexOptions(),
    )


def pointer(path: Sequence[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a path."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _typed(data: JSON, path: Path) -> Path:
    """The path with text for keys and numbers for indexes; jsonschema_rs tells the key ``"3"`` as 3."""
    typed: list[str | int] = []
    for part in path:
        if isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
            typed.append(part)
        else:
            data = data.get(str(part)) if isinstance(data, dict) else None
            typed.append(str(part))
    return tuple(typed)


class Check(Struct, frozen=True):
    """A compiled JSON Schema, as the model's SchemaCheck."""

    compiled: jsonschema_rs.Validator

    def findings(self, data: JSON) -> list[Finding]:
        """Everything that is wrong with the data."""
        found = [finding for error in self.compiled.iter_errors(data) for finding in findings(error)]
        return [msgspec.structs.replace(finding, path=_typed(data, finding.path)) for finding in found]

    def __call__(self, data: JSON, /) -> Sequence[dict[str, str]]:
        """Every fault as ``{"pointer": …, "detail": …}``; empty when the data are valid."""
        if self.compiled.is_valid(data):
            return ()
        return [{"pointer": pointer(found.path), "detail": found.detail} for found in self.findings(data)]


# -- schemas -------------------------------------------------------------------------------------------------------

_META = Check(validator({"$ref": DIALECT}))


def compile_schema(document: Document, at: Path, faults: Faults) -> Check | None:
    """The JSON Schema at ``at`` in a document; None, with every fault reported at its place, when it is wrong."""
    schema = document.value(at)
    dialect = schema.get("$schema", DIALECT) if isinstance(schema, dict) else DIALECT
    if not isinstance(dialect, str) or dialect.rstrip("#") != DIALECT:
        message = f"$schema is {dialect}; the hub reads draft 2020-12"
        faults.add(document.file, document.place((*at, "$schema")), "bad-schema", message, f"write {DIALECT}")
        return None
    found = _META.findings(schema)
    for finding in found:
        where = pointer(finding.path) or "the schema"
        faults.add(document.file, document.place(at + finding.path), "bad-schema", f"{where} {finding.detail}")
    if found:
        return None
    try:
        return Check(_build(schema))
    except ValidationError as error:
        path, message, hint = _refused(schema, error)
        faults.add(document.file, document.place(at + path), "bad-schema", message, hint)
    except ValueError as error:
        faults.add(document.file, document.place(at), "bad-schema", f"the schema cannot be used: {error}")
    return None


def _build(schema: JSON) -> jsonschema_rs.Validator:
    """A format that nobody knows is a note to readers, by the standard; one that is nearly a known one is a slip."""
    try:
        return validator(schema, formats_must_be_known=True)
    except ValidationError as error:
        name = _unknown_format(schema, error)
        if name is None or closest(name, _FORMATS):
            raise
        return validator(schema)


def _unknown_format(schema: JSON, error: ValidationError) -> str | None:
    path = error.instance_path
    if not error.message.startswith("Unknown format") or not path:
        return None
    for part in path:
        schema = schema[part]
    return str(schema)


def _refused(schema: JSON, error: ValidationError) -> tuple[Path, str, str | None]:
    path = tuple(error.instance_path)
    if (name := _unknown_format(schema, error)) is not None:
        return path, f"there is no format {name}", f"did you mean {closest(name, _FORMATS)}?"
    if isinstance(error.kind, Kind.Referencing):
        for where, target in _references(schema, ()):
            if not target.startswith("#"):
                hint = "copy it into $defs of this schema, and refer to it as #/$defs/…"
                return where, f"$ref leads out of this file: {target}", hint
            try:
                jsonschema_rs.Draft202012Validator({**schema, "$ref": target}, retriever=_refuse)
            except (ValidationError, ValueError):
                return where, f"$ref leads to nothing: {target}", None
        return path, "a reference leads to nothing", None
    return path, error.message, None


def _references(schema: JSON, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key in ("$ref", "$dynamicRef", "$id", "$anchor") and isinstance(value, str):
                if key.endswith("ef"):
                    yield (*path, key), value
            else:
                yield from _references(value, (*path, key))
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from _references(value, (*path, index))


__all__ = ["DIALECT", "Check", "Finding", "compile_schema", "pointer", "validator"]
