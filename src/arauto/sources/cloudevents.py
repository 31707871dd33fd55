"""CloudEvents 1.0.2 over HTTP: the hub's own way in, in binary, structured and batched mode, and its handshake.

Follows the HTTP protocol binding, the JSON event format and the HTTP webhook specification. Data is always JSON.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from arauto.errors import BadPayload
from arauto.ingress import Answer, Request
from arauto.ingress.payload import check_text, parse, parse_time
from arauto.model import JSON
from arauto.sources import Draft

BATCHED = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents+json"

_MODES = f"send {STRUCTURED}, {BATCHED}, or JSON with ce- headers"
_NOT_EXTENSIONS = frozenset(
    ("specversion", "id", "source", "type", "time", "subject", "datacontenttype", "data", "data_base64")
)
_ATTRIBUTE_NAME = re.compile(r"[a-z0-9]+")
_JSON_TYPE = re.compile(r"application/json|text/json|[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+\+json")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
_WHITE = re.compile(r"\s")
_ORIGIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?")


def decode(request: Request) -> list[Draft]:
    """The events of a request in any of the three modes; a batch may be empty.

    Raises BadPayload; for a batch it has every faulty event, by its index (``errors``: pointer ``/3/id``).
    """
    content_type = request.header("content-type") or ""
    media_type, parameters = _media_type(content_type)
    if media_type.startswith("application/cloudevents-batch"):
        _check_format(media_type, parameters, BATCHED)
        return _decode_batch(request.body)
    if media_type.startswith("application/cloudevents"):
        _check_format(media_type, parameters, STRUCTURED)
        return [_decode_object(parse(request.body))]
    return [_decode_binary(request, content_type)]


def handshake(request: Request, allowed_rate: int | None) -> Answer:
    """The answer to an OPTIONS request that asks whether events may be sent here: yes, from this origin.

    ``allowed_rate`` is in requests per minute, None for any. Raises BadPayload where the origin is missing.
    """
    origin = request.header("webhook-request-origin")
    if origin is None:
        raise BadPayload("missing_origin", "WebHook-Request-Origin is missing; send the DNS name of the sending system")
    if not _ORIGIN.fullmatch(origin):
        raise BadPayload("invalid_origin", "WebHook-Request-Origin is no DNS name; send one such as erp.example.com")
    requested = request.header("webhook-request-rate")
    if requested not in (None, "*") and not (requested.isascii() and requested.isdigit() and int(requested[:9]) > 0):
        raise BadPayload("invalid_rate", "WebHook-Request-Rate is no rate; send requests per minute, or *")
    rates = [rate for rate in (allowed_rate, _as_rate(requested)) if rate is not None]
    consent = (
        ("WebHook-Allowed-Origin", origin),
        ("WebHook-Allowed-Rate", str(min(rates)) if rates else "*"),
        ("Allow", "OPTIONS, POST"),
    )
    return Answer(200, headers=consent)


def _as_rate(requested: str | None) -> int | None:
    return None if requested in (None, "*") else int(requested[:9])


# -- content types -------------------------------------------------------------------------------------------------


def _media_type(content_type: str) -> tuple[str, str]:
    media_type, _, parameters = content_type.partition(";")
    return media_type.strip().lower(), parameters


def _check_format(media_type: str, parameters: str, expected: str) -> None:
    if media_type != expected:
        raise BadPayload(
            "unsupported_media_type", f"the content type {_shown(media_type)} is not supported; {_MODES}", status=415
        )
    _check_charset(parameters)


def _check_charset(parameters: str) -> None:
    if not parameters:
        return
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "us-ascii"):
            raise BadPayload("unsupported_media_type", "the charset is not supported; send UTF-8", status=415)


def _check_data_type(content_type: str) -> None:
    """Let JSON pass, and nothing else."""
    if content_type == "application/json":
        return
    media_type, parameters = _media_type(content_type)
    if not _JSON_TYPE.fullmatch(media_type):
        raise BadPayload(
            "unsupported_data_type",
            f"data of the type {_shown(media_type)} is not supported; send JSON (application/json)",
            status=415,
        )
    _check_charset(parameters)


# -- modes ---------------------------------------------------------------------------------------------------------


def _decode_batch(body: bytes) -> list[Draft]:
    events = parse(body)
    if not isinstance(events, list):
        raise BadPayload("invalid_batch", "a batch is a JSON array of events; this is none")
    drafts: list[Draft] = []
    faults: list[tuple[int, BadPayload]] = []
    for index, event in enumerate(events):
        try:
            drafts.append(_decode_object(event))
        except BadPayload as fault:
            faults.append((index, fault))
    if faults:
        _refuse_batch(faults, len(events))
    return drafts


def _refuse_batch(faults: list[tuple[int, BadPayload]], size: int) -> NoReturn:
    first, fault = faults[0]
    others = f" ({len(faults)} of {size} events are faulty)" if len(faults) > 1 else ""
    errors = [
        {"pointer": f"/{index}{each.errors[0]['pointer'] if each.errors else ''}", "detail": each.detail}
        for index, each in faults
    ]
    raise BadPayload(
        fault.code, f"event {first} of the batch: {fault.detail}{others}", status=fault.status, errors=errors
    )


def _decode_object(event: JSON) -> Draft:
    """An event of the JSON event format. A member that is null counts as absent, but for ``data``."""
    if type(event) is not dict:
        raise BadPayload("invalid_event", "an event is a JSON object; this is none")
    content_type = event.get("datacontenttype")
    if content_type is not None:
        _check_data_type(_text(event, "datacontenttype"))
    if event.get("data_base64") is None:
        data = event.get("data")
    elif "data" in event:
        _refuse("data_base64", "ambiguous_data", "data and data_base64 are both there; send one of them")
    else:
        data = _decode_base64(event["data_base64"])
    return _draft(event, data)


def _decode_base64(encoded: JSON) -> JSON:
    try:
        body = b64decode(encoded, validate=True)
    except (TypeError, ValueError):
        _refuse("data_base64", "invalid_base64", "data_base64 is no base64 (RFC 4648)")
    try:
        return parse(body)
    except BadPayload as fault:
        _refuse("data_base64", fault.code, f"in data_base64: {fault.detail}")


def _decode_binary(request: Request, content_type: str) -> Draft:
    attributes: dict[str, str] = {}
    for header, value in request.headers:
        if header.startswith("ce-"):
            name = header[3:]
            if name in attributes:
                _refuse(name, "invalid_attribute", f"the header {header} is there twice; send it once")
            attributes[name] = _decode_header(name, value)
    if not attributes:
        raise BadPayload(
            "not_a_cloudevent",
            f"the request has no ce- header and is of the type {_shown(content_type)}; {_MODES}",
            status=415,
        )
    if "datacontenttype" in attributes:
        _refuse("datacontenttype", "invalid_attribute", "ce-datacontenttype may not be sent; Content-Type says it")
    if not request.body:
        return _draft(attributes, None)
    if content_type:
        _check_data_type(content_type)
    return _draft(attributes, parse(request.body))


def _decode_header(name: str, value: str) -> str:
    """Unquoted, then one round of percent-decoding (HTTP binding, section 3.1.3.2)."""
    if '"' in value:
        value = _QUOTED.sub(lambda quoted: re.sub(r"\\(.)", r"\1", quoted[1]), value)
    if "%" in value:
        try:
            value = _ESCAPE.sub(_unescape, value.encode("latin-1")).decode()
        except UnicodeDecodeError:
            _refuse(name, "invalid_attribute", f"the header ce-{name} is not UTF-8 when percent-decoded")
        except ValueError:
            _refuse(name, "invalid_attribute", f"the header ce-{name} has a % without two hex digits; send it as %25")
    elif not value.isascii():
        _refuse(name, "invalid_attribute", f"the header ce-{name} has raw bytes beyond ASCII; percent-encode them")
    return value


def _unescape(match: re.Match[bytes]) -> bytes:
    if match[1] is None:
        raise ValueError
    return bytes((int(match[1], 16),))


# -- attributes ----------------------------------------------------------------------------------------------------


def _draft(event: Mapping[str, Any], data: JSON) -> Draft:
    version = _text(event, "specversion")
    if version != "1.0":
        _refuse("specversion", "unsupported_version", f"specversion {_shown(version)} is not supported; send 1.0")
    source = _text(event, "source")
    if _WHITE.search(source):
        _refuse("source", "invalid_attribute", "source is no URI reference: it has white space in it")
    time = event.get("time")
    return Draft(
        source=source,
        id=_text(event, "id"),
        type=_text(event, "type"),
        data=data,
        time=None if time is None else _time(time),
        subject=None if event.get("subject") is None else _text(event, "subject"),
        extensions=_extensions(event) if event.keys() - _NOT_EXTENSIONS else {},
    )


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if value is None:
        _refuse(name, "missing_attribute", f"the attribute {name} is missing")
    if type(value) is not str:
        _refuse(name, "invalid_attribute", f"the attribute {name} is no string")
    if fault := check_text(value):
        _refuse(name, "invalid_attribute", f"the attribute {name} {fault}")
    return value


def _time(value: JSON) -> datetime:
    try:
        return parse_time(value)
    except ValueError as error:
        _refuse("time", "invalid_attribute", f"the attribute time {error}")


def _extensions(event: Mapping[str, Any]) -> dict[str, str]:
    """All further attributes, in their canonical string form; ``dataschema`` travels with them."""
    extensions: dict[str, str] = {}
    for name in event.keys() - _NOT_EXTENSIONS:
        value = event[name]
        if not _ATTRIBUTE_NAME.fullmatch(name):
            _refuse(
                name,
                "invalid_attribute_name",
                f"the attribute name {_shown(name)} is not allowed; use only a–z and 0–9",
            )
        match value:
            case None:
                continue
            case bool():
                extensions[name] = "true" if value else "false"
            case int() if -(2**31) <= value < 2**31:
                extensions[name] = str(value)
            case "" if name != "dataschema":
                extensions[name] = ""
            case str():
                extensions[name] = _text(event, name)
            case _:
                _refuse(name, "invalid_attribute", f"the attribute {name} is no string, boolean or 32-bit integer")
    return extensions


def _refuse(name: str, code: str, detail: str) -> NoReturn:
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    raise BadPayload(code, detail, errors=[{"pointer": pointer, "detail": detail}])


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")
