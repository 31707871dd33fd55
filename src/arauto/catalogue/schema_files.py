"""The JSON Schemas of project files, whole, for editors: a ``kind`` selects the settings that go with it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from arauto import channels, sources
from arauto.catalogue import case_files, files, world_files
from arauto.catalogue.schemas import DIALECT
from arauto.catalogue.shapes import beside, documented, schema_of
from arauto.model import JSON


def schema_files() -> dict[str, dict[str, JSON]]:
    """By kind of file (``project``, ``event``, ``channel-email``, …), its schema in draft 2020-12."""
    made = {
        "project": schema_of(files.ProjectFile),
        "event": schema_of(files.EventFile),
        "recipients": schema_of(files.RecipientsFile),
        "notification": schema_of(files.NotificationFile),
        "test": _one_or_several(schema_of(case_files.CaseFile)),
        "world": schema_of(world_files.WorldFile),
        "source": _by_kind(sources.names(), lambda kind: sources.load(kind).Settings, files.SourceFile)
        | {"$schema": DIALECT},
    }
    for name in channels.names():
        made[f"channel-{name}"] = _channel(name)
    return {kind: _for_editors(schema) for kind, schema in sorted(made.items())}


def _by_kind(kinds: tuple[str, ...], settings: Callable[[str], type[Struct]], entry: type[Struct]) -> dict[str, JSON]:
    """A mapping whose ``kind`` selects one of several schemas."""
    outer = schema_of(entry)["$defs"][entry.__name__]
    choices: list[JSON] = []
    definitions: dict[str, JSON] = {}
    for kind in kinds:
        whole = beside(documented(settings(kind)), schema_of(entry))
        # Two plug-ins may each have a Struct of the same name; each keeps its own.
        definitions[kind] = _renamed(
            {key: value for key, value in whole.items() if key not in ("$schema", "$defs")}, kind
        )
        for name, definition in whole["$defs"].items():
            if name not in (entry.__name__, settings(kind).__name__):
                definitions[f"{kind}.{name}"] = _renamed(definition, kind)
        chosen = {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}}
        choices.append(chosen | {"then": {"$ref": f"#/$defs/{kind}"}})
    kind_property = outer["properties"]["kind"] | {"enum": list(kinds)}
    return {
        "type": "object",
        "description": outer["description"],
        "properties": {"kind": kind_property},
        "required": ["kind"],
        "allOf": choices,
        "$defs": definitions,
    }


def _one_or_several(schema: dict[str, JSON]) -> dict[str, JSON]:
    """The schema of a file that holds one thing or a list of them."""
    one = {"$ref": schema["$ref"]}
    return {"$schema": DIALECT, "anyOf": [one, {"type": "array", "items": one}], "$defs": schema["$defs"]}


def _renamed(schema: JSON, kind: str) -> JSON:
    if isinstance(schema, list):
        return [_renamed(each, kind) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value.replace("#/$defs/", f"#/$defs/{kind}.")
        if key == "$ref" and isinstance(value, str)
        else _renamed(value, kind)
        for key, value in schema.items()
    }


def _channel(name: str) -> dict[str, JSON]:
    whole = schema_of(files.ChannelFile)
    own = whole["$defs"]["ChannelFile"]
    if not channels.providers(name):
        properties = {key: value for key, value in own["properties"].items() if key != "providers"}
        return {"$schema": DIALECT, **own, "title": f"channels/{name}.yaml", "properties": properties}
    entry = _by_kind(channels.providers(name), lambda kind: channels.provider(name, kind).Settings, files.ProviderEntry)
    definitions = entry.pop("$defs")
    providers = own["properties"]["providers"] | {"items": entry}
    return {
        "$schema": DIALECT,
        **own,
        "title": f"channels/{name}.yaml",
        "properties": own["properties"] | {"providers": providers},
        "$defs": definitions,
    }


def _for_editors(schema: JSON) -> JSON:
    """With a reference to JSON Schema's own schema where a schema stands, without our own keywords, and in Markdown."""
    if isinstance(schema, list):
        return [_for_editors(each) for each in schema]
    if not isinstance(schema, dict):
        return schema.replace("``", "`") if isinstance(schema, str) else schema
    made = {key: _for_editors(value) for key, value in schema.items() if not key.startswith("x-")}
    return made | {"$ref": DIALECT} if schema.get("x-holds") == "schema" else made
