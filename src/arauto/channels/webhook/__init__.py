"""Webhooks: a system is told of the event as JSON, in the hub's own form or in that of ``webhook.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import idna
import orjson
from msgspec import Struct

from arauto.channels import TextSources
from arauto.content import JsonText
from arauto.model import JSON, Brand, Composer, Context, RetryPolicy


class WebhookBody(Struct, frozen=True):
    """The body of a call."""

    content: bytes
    content_type: str = "application/json"


class WebhookChannel:
    """The form of webhooks."""

    override_suffix: ClassVar[str | None] = "json"
    retry: ClassVar[RetryPolicy] = RetryPolicy(
        schedule=tuple(timedelta(seconds=wait) for wait in (5, 60, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)),
        expires=timedelta(days=4),
        on_unknown="retry",
    )
    concurrency: ClassVar[int] = 50
    needs_content: ClassVar[bool] = False

    def check_address(self, address: JSON) -> str:
        """An http or https URL without credentials, its host in ASCII. Raises ValueError."""
        wrong = "a webhook's address is an http:// or https:// URL, such as https://erp.example/hook"
        if not isinstance(address, str) or not address.isprintable() or " " in address or "\\" in address:
            raise ValueError(wrong)
        try:
            parts = urlsplit(address)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError(wrong) from None
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError(wrong)
        if parts.username is not None or parts.password is not None:
            raise ValueError("a webhook's address holds no user name or password; sign its calls instead")
        if parts.fragment:
            raise ValueError("a webhook's address has no fragment (#…); it is never sent")
        try:
            ascii_host = host if host.isascii() else idna.encode(host, uts46=True).decode()
        except idna.IDNAError:
            raise ValueError(wrong) from None
        name = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
        return parts._replace(netloc=name if port is None else f"{name}:{port}").geturl()

    def compile(self, sources: TextSources, brand: Brand) -> Composer:
        """The event itself, or the project's own JSON. Raises TextFaulty. The content file is for people."""
        if sources.override is None:
            return _EventItself()
        return _Own(JsonText(sources.override.file, sources.override.text, sources.locale, _data))


def _data(parent: Mapping[str, Any], key: str) -> Literal["data"]:
    return "data"


class _EventItself:
    """The event, named as Standard Webhooks names things."""

    def compose(self, context: Context) -> WebhookBody:
        """The body for this context; with several events, all of them."""
        events = context.get("events") or [context["event"]]
        body = _told(context["event"])
        if len(events) > 1:
            body["events"] = [_told(event) for event in events]
        return WebhookBody(encode(body))


def _told(event: Mapping[str, JSON]) -> dict[str, JSON]:
    return {
        "type": event["type"],
        "timestamp": event["time"],
        "data": event["data"],
        "id": event["id"],
        "source": event["source"],
    }


class _Own:
    """A body in the project's own JSON."""

    def __init__(self, text: JsonText) -> None:
        self._text = text

    def compose(self, context: Context) -> WebhookBody:
        """The body for this context. Raises LanguageError."""
        return WebhookBody(encode(self._text.render(context)))


def encode(value: JSON) -> bytes:
    """JSON in UTF-8; numbers of more than 64 bits and half characters are no obstacle."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()


channel = WebhookChannel()

__all__ = ["WebhookBody", "WebhookChannel", "channel"]
