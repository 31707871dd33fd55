"""The intake's part of the OpenAPI description, which FastAPI can't write since the intake is plain ASGI."""

from __future__ import annotations

from typing import Any

from arauto.api.problems import documented

_EVENT: dict[str, Any] = {
    "type": "object",
    "description": "A CloudEvent 1.0.2 in the JSON format; `data` is checked against the schema of its type",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "maxLength": 512},
        "source": {"type": "string", "minLength": 1, "maxLength": 512},
        "type": {"type": "string", "minLength": 1},
        "time": {"type": "string", "format": "date-time"},
        "subject": {"type": "string", "minLength": 1, "maxLength": 512},
        "data": {},
    },
    "example": {
        "specversion": "1.0",
        "id": "order-1042",
        "source": "loja",
        "type": "order.paid",
        "time": "2026-11-24T12:00:00Z",
        "data": {},
    },
}

_ACCEPTED: dict[str, Any] = {
    "description": "The events are durable",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["accepted"],
                "properties": {
                    "accepted": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["event", "source", "id"],
                            "properties": {
                                "event": {"type": "string", "description": "The hub's own key of the event"},
                                "source": {"type": "string"},
                                "id": {"type": "string"},
                            },
                        },
                    }
                },
            }
        }
    },
}

INTAKE_PATHS: dict[str, dict[str, Any]] = {
    "/v1/events": {
        "post": {
            "tags": ["events"],
            "summary": "Accept events",
            "description": "CloudEvents in structured, batched or binary mode. The same (source, id) with the same "
            "content again gives the same answer and has no second effect.",
            "operationId": "accept_events",
            "security": [{"key": ["events:write"]}],
            "requestBody": {
                "required": True,
                "content": {
                    "application/cloudevents+json": {"schema": _EVENT},
                    "application/cloudevents-batch+json": {"schema": {"type": "array", "items": _EVENT}},
                    "application/json": {"schema": {}},
                },
            },
            "responses": {
                "202": _ACCEPTED,
                **{str(k): v for k, v in documented(400, 401, 403, 409, 413, 415, 422, 503).items()},
            },
        },
        "options": {
            "tags": ["events"],
            "summary": "The handshake of the CloudEvents webhook specification",
            "operationId": "events_handshake",
            "security": [],
            "parameters": [
                {
                    "name": "WebHook-Request-Origin",
                    "in": "header",
                    "required": True,
                    "description": "The DNS name of the system that wants to send",
                    "schema": {"type": "string"},
                },
                {
                    "name": "WebHook-Request-Rate",
                    "in": "header",
                    "description": "How many requests a minute it wants to send, or *",
                    "schema": {"type": "string"},
                },
            ],
            "responses": {
                "200": {"description": "Consent, in WebHook-Allowed-Origin and WebHook-Allowed-Rate"},
                **{str(k): v for k, v in documented(400).items()},
            },
        },
    },
    "/in/{source}": {
        "post": {
            "tags": ["events"],
            "summary": "A third party's webhook",
            "description": "Verified and mapped as `sources/{source}.yaml` says, and answered as its sender expects.",
            "operationId": "accept_webhook",
            "security": [],
            "parameters": [{"name": "source", "in": "path", "required": True, "schema": {"type": "string"}}],
            "requestBody": {"content": {"application/json": {"schema": {}}}},
            "responses": {
                "200": {"description": "The events are durable"},
                "202": {"description": "The events are durable"},
                "204": {"description": "The events are durable"},
                **{str(k): v for k, v in documented(400, 401, 404, 405, 409, 413, 415, 422, 503).items()},
            },
        }
    },
    "/receipts/{channel}/{provider}": {
        "post": {
            "tags": ["messages"],
            "summary": "A provider tells what became of messages",
            "description": "Verified by the provider's own scheme. A call that comes again has no second effect.",
            "operationId": "accept_receipts",
            "security": [],
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in ("channel", "provider")
            ],
            "requestBody": {"content": {"application/json": {"schema": {}}}},
            "responses": {
                "200": {"description": "The receipts are durable"},
                **{str(k): v for k, v in documented(400, 401, 404, 405, 413, 415, 503).items()},
            },
        }
    },
}
