"""Strict JSON: what the hub takes for data, read so that no two readers can understand it differently.

RFC 8259 lets parsers guess about duplicate names, huge numbers and lone surrogates; a hub that passes data on must
not. What is accepted here means the same to every reader. The checks cost a few microseconds per kilobyte.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import orjson

from arauto.errors import BadPayload
from arauto.model import JSON

MAX_DEPTH = 64
MAX_KEYS = 10_000
MAX_TEXT = 1024

_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:([0-9]{2})(?:\.[0-9]{1,12})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_DIGITS_AS_ZERO = bytes(0x30 if 0x30 <= byte <= 0x39 else byte for byte in range(256))
_LONG_NUMBER = b"0" * 19
_NUMBER = re.compile(rb"[-+0-9.eE]{19,}")
_INTEGER_RANGE = range(-(2**63), 2**64)
_NOT_A_NUMBER = re.compile(r"[-+]?(?:nan|inf(?:inity)?)(?![a-z])", re.IGNORECASE)
_HUGE_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?[eE]\+?[0-9]+|-?[0-9]{300,}")
_LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


def parse(body: bytes, *, max_depth: int = MAX_DEPTH, max_keys: int = MAX_KEYS) -> JSON:
    """The JSON document in ``body``.

    Raises BadPayload with a code: ``invalid_json``, ``invalid_utf8``, ``byte_order_mark``, ``not_a_number``,
    ``absurd_number`` (beyond 64 bits, or beyond a double), ``lone_surrogate``, ``duplicate_key``, ``too_deep`` or
    ``too_many_keys``.
    """
    colons = body.count(b":")
    if colons > max_keys and (keys := _outside_strings(body).count(b":")) > max_keys:
        raise BadPayload("too_many_keys", f"the JSON has {keys} keys; at most {max_keys} are accepted")
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _fault(body, error, max_depth) from None
    if body.count(b"[") + body.count(b"{") > max_depth:
        _check_depth(tree, max_depth)
    if _LONG_NUMBER in body.translate(_DIGITS_AS_ZERO):
        _check_integers(body)
    # A repeated key is lost in the tree, and with it at least one colon of the text.
    if colons and _loses_colons(body, colons, tree):
        key = _repeated_key(body)
        raise BadPayload("duplicate_key", f"the key {_shortened(key)} is there twice in one object; send it once")
    return tree


def parse_form(body: bytes, *, max_keys: int = MAX_KEYS) -> dict[str, JSON]:
    """The fields of a form: a string for each, or a list of strings where a field is repeated.

    Raises BadPayload with code ``invalid_form``.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=max_keys,
        )
    except ValueError:
        raise BadPayload(
            "invalid_form", "the body is no form; send application/x-www-form-urlencoded in UTF-8"
        ) from None
    fields: dict[str, JSON] = {}
    for name, value in pairs:
        if name not in fields:
            fields[name] = value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]
    return fields


def check_text(text: str) -> str | None:
    """What makes ``text`` unfit for an identifier that is stored, shown and sent on, or None: it is empty, longer than
    1024 characters, or has control characters in it (CloudEvents 1.0.2, type String)."""
    if not text:
        return "is empty"
    if len(text) > MAX_TEXT:
        return f"has {len(text)} characters; at most {MAX_TEXT} are accepted"
    if not text.isprintable() and (found := _UNPRINTABLE.search(text)):
        return f"has the control character U+{ord(found[0]):04X} in it"
    return None


def parse_time(text: JSON) -> datetime:
    """The moment that an RFC 3339 timestamp names, in UTC. Raises ValueError, which says what is allowed."""
    if type(text) is not str or not (match := _TIMESTAMP.fullmatch(text)):
        raise ValueError("is no RFC 3339 timestamp; write it as 2026-11-24T08:20:00Z")
    try:
        if match[1] == "60":  # a leap second, which datetime does not know, is the second after
            return datetime.fromisoformat(text[:17] + "59" + text[19:].upper()).astimezone(UTC) + timedelta(seconds=1)
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("names no moment that there is; write it as 2026-11-24T08:20:00Z") from None


def canonical_hash(body: bytes) -> str:
    """The SHA-256 (hex) of the raw bytes, by which a repeated call is told from a changed one."""
    return hashlib.sha256(body).hexdigest()


def _outside_strings(body: bytes) -> bytes:
    """The JSON text without its strings."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(body.split(b'"')[::2])


def _loses_colons(body: bytes, colons: int, tree: JSON) -> bool:
    written = orjson.dumps(tree)
    if b"\\u003" not in body:  # no colon is written as an escape, so those within strings are in both texts
        return colons != written.count(b":")
    return _outside_strings(body).count(b":") != _outside_strings(written).count(b":")


def _check_depth(tree: JSON, max_depth: int) -> None:
    level, depth = [tree], 0
    while level:
        below: list[JSON] = []
        nested = False
        for value in level:
            if isinstance(value, dict):
                nested = True
                below.extend(value.values())
            elif isinstance(value, list):
                nested = True
                below.extend(value)
        depth += nested
        if depth > max_depth:
            raise _too_deep(max_depth)
        level = below


def _too_deep(max_depth: int) -> BadPayload:
    return BadPayload("too_deep", f"the JSON is nested more than {max_depth} levels deep; send it flatter")


def _check_integers(body: bytes) -> None:
    for match in _NUMBER.finditer(_outside_strings(body)):
        number = match[0]
        if number.strip(b"-0123456789"):
            continue
        if len(number) > 20 or int(number) not in _INTEGER_RANGE:
            raise _absurd_number(number.decode())


def _absurd_number(number: str) -> BadPayload:
    return BadPayload(
        "absurd_number", f"the number {_shortened(number)} does not fit into 64 bits; send it as a string"
    )


def _repeated_key(body: bytes) -> str:
    repeated = ""

    def look(pairs: list[tuple[str, JSON]]) -> None:
        nonlocal repeated
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                repeated = repeated or key
            seen.add(key)

    json.loads(body, object_pairs_hook=look)
    return repeated


def _fault(body: bytes, error: orjson.JSONDecodeError, max_depth: int) -> BadPayload:
    """What is wrong with a text that does not parse, found out again only now that it costs nobody anything."""
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return BadPayload("byte_order_mark", "the body begins with a byte order mark; send UTF-8 without one")
    try:
        text = body.decode()
    except UnicodeDecodeError as undecodable:
        return BadPayload("invalid_utf8", f"the body is not UTF-8: byte {undecodable.start} cannot be read")
    if _deeper_than(body, max_depth):
        return _too_deep(max_depth)
    # orjson names the place that it was at: within the literal, or just behind it
    near = text[max(0, error.pos - 2) : error.pos + 400]
    if found := _NOT_A_NUMBER.search(near[:12]):
        return BadPayload("not_a_number", f"{found[0]} at {_place(error)} is no JSON; send null or a string")
    if (found := _HUGE_NUMBER.search(near)) and abs(float(found[0])) == float("inf"):
        return _absurd_number(found[0])
    if found := _LONE_SURROGATE.search(text, max(0, error.pos - 12), error.pos + 12):
        return BadPayload("lone_surrogate", f"{found[0]} at {_place(error)} is half a character; send both halves")
    return BadPayload("invalid_json", f"the body is not JSON: {error.msg} at {_place(error)}")


def _deeper_than(body: bytes, max_depth: int) -> bool:
    depth = 0
    for byte in re.finditer(rb"[\[{\]}]", _outside_strings(body)):
        depth += 1 if byte[0] in b"[{" else -1
        if depth > max_depth:
            return True
    return False


def _place(error: orjson.JSONDecodeError) -> str:
    return f"line {error.lineno}, column {error.colno} (character {error.pos})"


def _shortened(text: str) -> str:
    shown = text if len(text) <= 60 else text[:57] + "…"
    return repr(shown)
