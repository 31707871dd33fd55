"""An AsyncAPI 3.0 document: what the hub receives, by CloudEvents and from each source, and what it sends to systems.

Schemas are in the dialect that AsyncAPI has of its own, a superset of JSON Schema draft-07.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import yaml

from arauto import sources
from arauto.errors import LanguageError
from arauto.generate.samples import MOMENT, sample_context
from arauto.generate.say import Words
from arauto.generate.telling import Telling
from arauto.model import JSON, Catalogue, EventType, Notification, Recipient

_WEBHOOK = "webhook"
_DATA = ("const", "enum", "default", "examples")
_RENAMED = {"$defs": "definitions", "dependentRequired": "dependencies", "dependentSchemas": "dependencies"}
_LEFT_OUT = ("$schema", "$id", "$anchor", "$comment")

_CLOUD_EVENT: JSON = {
    "title": "CloudEvent",
    "description": "CloudEvents 1.0, structured.",
    "type": "object",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {
            "type": "string",
            "minLength": 1,
            "description": "Sent again with the same source and id, it is the same event.",
        },
        "source": {"type": "string", "minLength": 1},
        "type": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "subject": {"type": "string"},
        "datacontenttype": {"const": "application/json"},
    },
}
_STANDARD_WEBHOOKS: JSON = {
    "title": "Standard Webhooks",
    "type": "object",
    "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
    "properties": {
        "webhook-id": {
            "type": "string",
            "description": "The same in every attempt: a repeated call can be recognised by it.",
        },
        "webhook-timestamp": {"type": "string", "pattern": "^[0-9]+$", "description": "Seconds since 1970, UTC."},
        "webhook-signature": {
            "type": "string",
            "description": "v1, and in base64 the HMAC-SHA256 of id.timestamp.body; one for each secret.",
        },
    },
}


_KEY: JSON = {"type": "http", "scheme": "bearer", "description": "A key that may send events."}


def asyncapi(catalogue: Catalogue) -> dict[str, JSON]:
    """The document, its parts in a fixed order."""
    return _Document(catalogue).whole()


def as_yaml(document: JSON) -> str:
    """The document as YAML."""
    written: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return written


def as_json(document: JSON) -> str:
    """The document as JSON."""
    return f"{json.dumps(document, ensure_ascii=False, indent=2)}\n"


class _Document:
    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.servers: dict[str, JSON] = {}
        self.channels: dict[str, JSON] = {}
        self.operations: dict[str, JSON] = {}
        self.messages: dict[str, JSON] = {}

    def whole(self) -> dict[str, JSON]:
        project = self.catalogue.project
        self._intake()
        for name, config in sorted(self.catalogue.sources.items()):
            if not sources.load(config.kind).KIND.by_clock:
                self._source(name)
        for _, recipient in sorted(self.catalogue.recipients.items()):
            if recipient.kind == "system" and recipient.addresses.get(_WEBHOOK):
                self._system(recipient)
        schemas = {name: _schema(type_.schema, name) for name, type_ in sorted(self.catalogue.event_types.items())}
        return {
            "asyncapi": "3.0.0",
            "info": {
                "title": f"{project.brand.name}: events and webhooks",
                "version": self.catalogue.version,
                "description": f"What the hub of the project {project.name} receives, and what it sends to systems.",
            },
            "defaultContentType": "application/json",
            "servers": self.servers,
            "channels": self.channels,
            "operations": self.operations,
            "components": {
                "schemas": {"CloudEvent": _CLOUD_EVENT, "StandardWebhooks": _STANDARD_WEBHOOKS, **schemas},
                "messages": self.messages,
                "securitySchemes": {"key": _KEY},
            },
        }

    # -- what it receives ------------------------------------------------------------------------------------------

    def _intake(self) -> None:
        url = self.catalogue.project.public_url
        hub = _server(
            url or "http://127.0.0.1:8700", "The hub." if url else "The hub, where it listens unless told otherwise."
        )
        self.servers["hub"] = hub
        for name, type_ in sorted(self.catalogue.event_types.items()):
            self.messages[name] = self._event(type_)
        names = sorted(self.catalogue.event_types)
        self._channel(
            "events", "/v1/events", "hub", names, "Events as CloudEvents, one or a batch; 202 when they are durable."
        )
        self.operations["receiveEvents"] = {
            "action": "receive",
            "channel": {"$ref": "#/channels/events"},
            "title": "Take an event",
            "security": [{"$ref": "#/components/securitySchemes/key"}],
            "messages": [{"$ref": f"#/channels/events/messages/{name}"} for name in names],
        }

    def _event(self, type_: EventType) -> JSON:
        name = type_.name
        body = {"properties": {"type": {"const": name}, "data": {"$ref": f"#/components/schemas/{name}"}}}
        about = {"specversion": "1.0", "source": "example", "type": name, "datacontenttype": "application/json"}
        return {
            "name": name,
            "title": name,
            "summary": type_.description,
            "contentType": "application/cloudevents+json",
            "payload": {"allOf": [{"$ref": "#/components/schemas/CloudEvent"}, body]},
            "examples": [
                {"name": sample, "payload": {**about, "id": sample, "data": data}}
                for sample, data in type_.samples.items()
            ],
        }

    def _source(self, name: str) -> None:
        config = self.catalogue.sources[name]
        module = sources.load(config.kind)
        given = [type_ for _, type_ in module.compile(name, config.settings).types] or list(module.KIND.types)
        key = f"source.{name}"
        self.messages[key] = {
            "name": key,
            "title": f"A call of {name}",
            "summary": f"{module.KIND.title}, in the sender's own form and signed in its own way.",
            "description": f"The hub makes of it: {', '.join(dict.fromkeys(given)) or 'events'}.",
            "contentType": "application/json",
            "payload": {},
        }
        self._channel(key, f"/in/{name}", "hub", [key], f"Calls from {name} ({module.KIND.title}).")
        self.operations[f"receive.{name}"] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{key}"},
            "title": f"Take a call of {name}",
            "messages": [{"$ref": f"#/channels/{key}/messages/{key}"}],
        }

    # -- what it sends ---------------------------------------------------------------------------------------------

    def _system(self, system: Recipient) -> None:
        telling = Telling(self.catalogue, Words("en"))
        reached = [each.notification for each in telling.reaches(system) if _WEBHOOK in each.channels]
        names: list[str] = []
        for name in dict.fromkeys(reached):
            notification = self.catalogue.notifications[name]
            for type_ in notification.on:
                key = f"{name}.{type_}"
                self.messages[key] = self._webhook(key, notification, self.catalogue.event_types[type_], system)
                names.append(key)
        if not names:
            return
        key = _plain(f"system.{system.id}")
        url = str(system.addresses[_WEBHOOK][0])
        self.servers[key] = _server(url, f"{system.name or system.id}, which is called.")
        self._channel(
            key, None, key, names, f"Webhooks for {system.name or system.id}, at a path that is not told here."
        )
        self.operations[f"send.{_plain(system.id)}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{key}"},
            "title": f"Tell {system.name or system.id}",
            "messages": [{"$ref": f"#/channels/{key}/messages/{name}"} for name in names],
        }

    def _webhook(self, key: str, notification: Notification, type_: EventType, system: Recipient) -> JSON:
        own = f"notifications/{notification.name}/webhook."
        if any(name.startswith(own) for name in self.catalogue.files):
            payload: JSON = {"description": "In the form that the project gives it."}
        else:
            payload = {
                "type": "object",
                "required": ["type", "timestamp", "data", "id", "source"],
                "properties": {
                    "type": {"const": type_.name},
                    "timestamp": {"type": "string", "format": "date-time"},
                    "data": {"$ref": f"#/components/schemas/{type_.name}"},
                    "id": {"type": "string"},
                    "source": {"type": "string"},
                },
            }
        return {
            "name": key,
            "title": notification.name,
            "summary": f"When {type_.name} happens: {type_.description}",
            "contentType": "application/json",
            "headers": {"$ref": "#/components/schemas/StandardWebhooks"},
            "payload": payload,
            "examples": list(self._examples(notification, type_, system)),
        }

    def _examples(self, notification: Notification, type_: EventType, system: Recipient) -> Iterator[JSON]:
        """What is sent for the first sample; nothing where its text can't be made of that alone."""
        headers = {
            "webhook-id": "msg_example",
            "webhook-timestamp": str(int(MOMENT.timestamp())),
            "webhook-signature": "v1,…",
        }
        for composer in list(notification.composers.get(_WEBHOOK, {}).values())[:1]:
            try:
                body: Any = composer.compose(sample_context(self.catalogue, type_.name, system))
            except LanguageError:
                return
            yield {"name": next(iter(type_.samples)), "headers": headers, "payload": json.loads(body.content)}

    # -- parts -----------------------------------------------------------------------------------------------------

    def _channel(self, key: str, address: str | None, server: str, messages: list[str], about: str) -> None:
        self.channels[key] = {
            "address": address,
            "description": about,
            "servers": [{"$ref": f"#/servers/{server}"}],
            "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        }


def _server(url: str, about: str) -> JSON:
    """A server by its URL, of which neither query nor path is told: they may hold what is secret."""
    parts = urlsplit(url)
    return {"host": parts.netloc.rpartition("@")[2], "protocol": parts.scheme, "description": about}


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)


# -- schemas -------------------------------------------------------------------------------------------------------


def _schema(schema: JSON, name: str) -> JSON:
    """A JSON Schema 2020-12 in AsyncAPI's dialect, its references as they are from the document's root."""
    if isinstance(schema, list):
        return [_schema(each, name) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, JSON] = {}
    for key, value in schema.items():
        if key in _LEFT_OUT:
            continue
        if key in ("properties", "patternProperties", "$defs", "dependentSchemas", "dependentRequired"):
            inside = {each: _schema(part, name) for each, part in value.items()}
            named = str(_RENAMED.get(key, key))
            made[named] = made.get(named, {}) | inside
        elif key == "$ref":
            made[key] = _reference(value, name)
        else:
            made[key] = value if key in _DATA else _schema(value, name)
    if "prefixItems" in made:
        made |= {"items": made.pop("prefixItems")} | ({"additionalItems": made["items"]} if "items" in made else {})
    if "$ref" in made and len(made) > 1:  # beside it nothing counts in draft-07
        made["allOf"] = [{"$ref": made.pop("$ref")}, *made.get("allOf", ())]
    return made


def _reference(reference: str, name: str) -> str:
    return f"#/components/schemas/{name}{reference[1:].replace('/$defs/', '/definitions/')}"
