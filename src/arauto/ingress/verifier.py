"""Signatures and tokens: one declarative verifier for the schemes of some forty senders.

A Verification says where the signature is, how it is written and what it covers; a Verifier is that, compiled once.
The algorithm is fixed by the settings and never taken from a request; all keys are tried, in constant time, over the
raw bytes; and no error repeats a secret or a signature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec import Struct

from arauto.errors import BadPayload, BadSignature, UsageFault
from arauto.ingress import Request, SettingFault, SettingsFaulty
from arauto.ingress.payload import parse_form
from arauto.ingress.template import Hole, parse_template
from arauto.model import parse_duration
from arauto.secret import Secret

MAX_CANDIDATES = 32
"""How many signatures one request may offer."""

Algorithm: TypeAlias = Literal[
    "hmac-sha1", "hmac-sha256", "hmac-sha512", "sha256", "ecdsa-p256", "ed25519", "token", "basic"
]


class Timestamp(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the sender signed: in a header of its own, or in an item of the signature's header (``t=…``)."""

    header: str | None = None
    """The header that has it."""
    item: str | None = None
    """The name before its ``=`` among the items of the signature's header."""
    unit: Literal["s", "ms", "auto"] = "s"
    """What it counts since 1970; ``auto`` takes 12 digits and more for milliseconds."""
    tolerance: str = "5m"
    """How far it may be from our clock, either way."""


class Verification(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a sender proves that a call is its own."""

    secrets: tuple[Secret, ...]
    """The current one first, then those that are still accepted."""
    algorithm: Algorithm = "hmac-sha256"
    """``sha256`` is the plain hash of a ``signed`` text that holds ``{secret}``; ``token`` is the secret itself;
    ``basic`` is HTTP Basic, the secret being ``user:password``; for ``ed25519`` (32 bytes) and ``ecdsa-p256`` (with
    SHA-256; DER) the secrets are public keys."""
    key: Literal["text", "base64", "hex"] = "text"
    """How the secret is written; in base64, a leading ``whsec_`` or ``whpk_`` does not count."""
    header: str | None = None
    """The header that has the signature."""
    query: str | None = None
    """The query parameter that has the signature, where no header has it."""
    prefix: str = ""
    """What stands before it: ``sha256=``, ``v1=``, ``Bearer ``."""
    separator: str | None = None
    """What stands between the signatures or items of one header; those without the prefix are skipped."""
    encoding: Literal["hex", "base64", "base64url"] = "hex"
    """How the signature is written."""
    signed: str = "{body}"
    """What is signed, of ``{method}``, ``{url}``, ``{path}``, ``{query.NAME}``, ``{header.NAME}``, ``{timestamp}``,
    ``{body}``, ``{form}`` (the fields of a form: names and values, sorted by name) and ``{secret}``; ``|lower`` makes
    lower case, ``[…]`` is left out where one of its holes is absent."""
    timestamp: Timestamp | None = None
    """Where the time of signing is, for senders that sign it."""


class Verifier:
    """A compiled Verification. Its secrets are read by ``prepare``, or at the first call."""

    def __init__(self, verification: Verification) -> None:
        """Raises SettingsFaulty, with places within the verification."""
        if faults := _faults(verification):
            raise SettingsFaulty(faults)
        self._settings = verification
        self._place = f"the header {verification.header}" if verification.header else f"?{verification.query}="
        self._message = _message(verification)
        stamp = verification.timestamp
        self._tolerance = parse_duration(stamp.tolerance).total_seconds() if stamp else 0.0
        self._checks: tuple[_Check, ...] = ()

    def prepare(self) -> None:
        """Read the secrets. Raises SecretMissing, or UsageFault for one that is empty or no key."""
        self._checks = tuple(_check(self._settings, secret) for secret in self._settings.secrets)

    def __call__(self, request: Request, now: datetime) -> None:
        """Raises BadSignature with a code: ``missing_signature``, ``missing_timestamp``, ``missing_header`` (one that
        is signed), ``malformed``, ``bad_signature``, ``too_old`` or ``in_future``."""
        if not self._checks:
            self.prepare()
        items = self._items(request)
        candidates = self._candidates(items)
        stamp = _timestamp(self._settings.timestamp, request, items)
        genuine = False
        for check in self._checks:
            genuine |= check(lambda secret: self._message(request, stamp, secret), candidates)
        if not genuine:
            raise BadSignature("bad_signature", f"{self._place} was not made with any secret of this source")
        if self._settings.timestamp:
            self._check_age(self._settings.timestamp.unit, stamp, now)

    def _items(self, request: Request) -> list[str]:
        settings = self._settings
        value = request.header(settings.header.lower()) if settings.header else request.parameter(settings.query or "")
        if not value:
            raise BadSignature("missing_signature", f"{self._place} is missing; it has to prove who sent the request")
        return [item.strip() for item in value.split(settings.separator)] if settings.separator else [value.strip()]

    def _candidates(self, items: list[str]) -> list[bytes]:
        prefix, size = self._settings.prefix, len(self._settings.prefix)
        if self._settings.algorithm in ("token", "basic"):  # the names of HTTP schemes are in any case
            found = [item[size:] for item in items if item[:size].lower() == prefix.lower()]
        else:
            found = [item[size:] for item in items if item.startswith(prefix)]
        if not any(found):
            wanted = f"; it has to begin with {prefix!r}" if prefix else ""
            raise BadSignature("malformed", f"{self._place} holds no signature{wanted}")
        if len(found) > MAX_CANDIDATES:
            raise BadSignature(
                "malformed", f"{self._place} holds {len(found)} signatures; at most {MAX_CANDIDATES} count"
            )
        return [candidate.encode() for candidate in found]

    def _check_age(self, unit: str, stamp: bytes, now: datetime) -> None:
        signed = int(stamp) / (1000 if unit == "ms" or (unit == "auto" and len(stamp) >= 12) else 1)
        age = now.timestamp() - signed
        if age > self._tolerance:
            raise BadSignature("too_old", f"signed {age:.0f} s ago; at most {self._tolerance:.0f} s are accepted")
        if age < -self._tolerance:
            raise BadSignature(
                "in_future", f"signed {-age:.0f} s ahead of our clock; at most {self._tolerance:.0f} s are accepted"
            )


# -- what is signed ------------------------------------------------------------------------------------------------

_Message: TypeAlias = Callable[[Request, bytes, bytes], bytes]
"""Of a request, its timestamp and a secret."""
_Hole: TypeAlias = Callable[[Request, bytes, bytes], bytes | None]

_HOLES: dict[str, _Hole] = {
    "method": lambda request, stamp, secret: request.method.encode(),
    "url": lambda request, stamp, secret: request.url.encode(),
    "path": lambda request, stamp, secret: request.path.encode(),
    "body": lambda request, stamp, secret: request.body,
    "form": lambda request, stamp, secret: _form(request.body),
    "timestamp": lambda request, stamp, secret: stamp,
    "secret": lambda request, stamp, secret: secret,
}
_NAMED_HOLE = re.compile(r"(header|query)\.(.+)")


def _form(body: bytes) -> bytes | None:
    """What Twilio signs of a form; None where the body is none."""
    try:
        fields = parse_form(body) if body else {}
    except BadPayload:
        return None
    values = {name: sorted(set(value)) if isinstance(value, list) else [value] for name, value in fields.items()}
    return "".join(f"{name}{value}" for name in sorted(values) for value in values[name]).encode()


def _hole(name: str) -> _Hole | None:
    """How to fill the hole of this name; None where there is no such hole."""
    path, _, filter_ = name.partition("|")
    if filter_ == "lower" and (inner := _hole(path)):
        return lambda request, stamp, secret: (inner(request, stamp, secret) or b"").lower() or None
    if match := _NAMED_HOLE.fullmatch(name):
        key = match[2].lower() if match[1] == "header" else match[2]
        if match[1] == "header":
            return lambda request, stamp, secret: (request.header(key) or "").encode("latin-1") or None
        return lambda request, stamp, secret: (request.parameter(key) or "").encode() or None
    return _HOLES.get(name)


def _message(verification: Verification) -> _Message:
    if verification.signed == "{body}":
        return lambda request, stamp, secret: request.body
    parts = [([_piece(piece) for piece in part.pieces], part) for part in parse_template(verification.signed)]

    def message(request: Request, stamp: bytes, secret: bytes) -> bytes:
        written: list[bytes] = []
        for pieces, part in parts:
            values = [piece(request, stamp, secret) for piece in pieces]
            present = [value for value in values if value is not None]
            if len(present) == len(values):
                written += present
            elif not part.optional:
                absent = str(part.pieces[values.index(None)]).partition("|")[0].replace(".", " ", 1)
                raise BadSignature("missing_header", f"the {absent}, which is signed, is missing")
        return b"".join(written)

    return message


def _piece(piece: str) -> _Hole:
    if isinstance(piece, Hole):
        hole = _hole(piece)
        assert hole is not None, "looked up by _faults"
        return hole
    literal = piece.encode()
    return lambda request, stamp, secret: literal


def _timestamp(settings: Timestamp | None, request: Request, items: list[str]) -> bytes:
    """The timestamp as it was written, which is what is signed."""
    if settings is None:
        return b""
    if settings.header:
        place, text = f"the header {settings.header}", request.header(settings.header.lower())
    else:
        place, key = f"the item {settings.item}=", f"{settings.item}="
        text = next((item[len(key) :] for item in items if item.startswith(key)), None)
    if not text:
        raise BadSignature("missing_timestamp", f"{place} is missing; it has to say when the request was signed")
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise BadSignature("malformed", f"{place} is no timestamp; it has to count from 1970, in digits only")
    return text.encode()


# -- signatures ----------------------------------------------------------------------------------------------------

_Check: TypeAlias = Callable[[Callable[[bytes], bytes], Sequence[bytes]], bool]
"""Whether one of the candidates is the signature, under one key, of the message (which may hold the secret)."""

_HASHES = {"hmac-sha1": "sha1", "hmac-sha256": "sha256", "hmac-sha512": "sha512"}
_ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "hex": binascii.hexlify,
    "base64": base64.b64encode,
    "base64url": base64.urlsafe_b64encode,
}


def _check(verification: Verification, secret: Secret) -> _Check:
    key = _key(verification, secret)
    encode = _ENCODE[verification.encoding]
    match verification.algorithm:
        case "token":
            return lambda message, candidates: _any_equal(key, candidates)
        case "basic":
            credentials = base64.b64encode(key)
            return lambda message, candidates: _any_equal(credentials, candidates)
        case "sha256":
            return lambda message, candidates: _any_equal(
                encode(hashlib.sha256(message(key)).digest()), _normal(verification.encoding, candidates)
            )
        case "ed25519" | "ecdsa-p256" as algorithm:
            return _by_public_key(verification.encoding, _PUBLIC_KEYS[algorithm](key, secret))
        case algorithm:
            digest = _HASHES[algorithm]
            return lambda message, candidates: _any_equal(
                encode(hmac.digest(key, message(key), digest)), _normal(verification.encoding, candidates)
            )


def _key(verification: Verification, secret: Secret) -> bytes:
    text = secret.reveal()
    try:
        match verification.key:
            case "text":
                key = text.encode()
            case "hex":
                key = bytes.fromhex(text)
            case "base64":
                bare = text.removeprefix("whsec_").removeprefix("whpk_").rstrip("=")
                key = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        raise UsageFault(f"the secret {secret.place} is not written in {verification.key}; copy it whole") from None
    if not key:
        raise UsageFault(f"the secret {secret.place} is empty, and would let anybody in; set it")
    return key


def _any_equal(expected: bytes, candidates: Sequence[bytes]) -> bool:
    found = False
    for candidate in candidates:
        found |= hmac.compare_digest(expected, candidate)
    return found


def _normal(encoding: str, candidates: Sequence[bytes]) -> Sequence[bytes]:
    """Signatures are compared as they are written, for base64 can write the same bytes in several ways; let pass only
    hex in capitals and base64 without its padding."""
    if encoding == "hex":
        return [candidate.lower() if candidate.isupper() else candidate for candidate in candidates]
    return [candidate + b"=" * (-len(candidate) % 4) for candidate in candidates]


_Verify: TypeAlias = Callable[[bytes, bytes], None]
"""Of a signature and a message. Raises InvalidSignature."""


def _ed25519(key: bytes, secret: Secret) -> _Verify:
    try:
        return Ed25519PublicKey.from_public_bytes(key).verify
    except ValueError:
        raise UsageFault(f"the secret {secret.place} is no Ed25519 public key, which has 32 bytes") from None


def _ecdsa_p256(key: bytes, secret: Secret) -> _Verify:
    try:
        public = load_der_public_key(key)
    except (ValueError, UnsupportedAlgorithm):
        public = None
    if not isinstance(public, EllipticCurvePublicKey) or not isinstance(public.curve, SECP256R1):
        raise UsageFault(f"the secret {secret.place} is no public key on the curve P-256 in DER; copy it whole")
    checked = public
    return lambda signature, message: checked.verify(signature, message, ECDSA(SHA256()))


_PUBLIC_KEYS: dict[str, Callable[[bytes, Secret], _Verify]] = {"ed25519": _ed25519, "ecdsa-p256": _ecdsa_p256}


def _by_public_key(encoding: str, verify: _Verify) -> _Check:
    def check(message: Callable[[bytes], bytes], candidates: Sequence[bytes]) -> bool:
        text = message(b"")
        for candidate in _normal(encoding, candidates):
            try:
                signature = (
                    binascii.unhexlify(candidate)
                    if encoding == "hex"
                    else base64.b64decode(candidate, altchars=b"-_" if encoding == "base64url" else None, validate=True)
                )
                if encoding == "hex" or _ENCODE[encoding](signature) == candidate:
                    verify(signature, text)
                    return True
            except (ValueError, InvalidSignature):
                continue
        return False

    return check


# -- settings ------------------------------------------------------------------------------------------------------


def _faults(verification: Verification) -> list[SettingFault]:
    faults: list[SettingFault] = []

    def fault(key: str, message: str, hint: str) -> None:
        faults.append(SettingFault(tuple(key.split(".")), "bad-verification", message, hint))

    if not verification.secrets:
        fault("secrets", "there is no secret", "name at least one: [env:LOJA_SECRET]")
    if bool(verification.header) == bool(verification.query):
        fault("header", "the signature has to be in one place", "give either header or query")
    signs = verification.algorithm not in ("token", "basic")
    if not signs and (verification.timestamp or verification.signed != "{body}"):
        fault("algorithm", f"a {verification.algorithm} signs nothing", "leave out signed and timestamp")
    if signs:
        holes = _named_holes(verification.signed, fault)
        if ("secret" in holes) != (verification.algorithm == "sha256"):
            fault(
                "signed", "{secret} belongs to the algorithm sha256, and to no other", "use hmac-sha256 where you can"
            )
        if ("timestamp" in holes) != (verification.timestamp is not None):
            fault(
                "signed",
                "a timestamp proves something only where it is signed",
                "give both timestamp and a signed text with {timestamp}, or neither",
            )
    if stamp := verification.timestamp:
        if bool(stamp.header) == bool(stamp.item):
            fault("timestamp", "the timestamp has to be in one place", "give either header or item")
        if stamp.item and not verification.separator:
            fault("timestamp.item", "an item needs to know where it ends", 'give separator, such as ","')
        try:
            parse_duration(stamp.tolerance)
        except ValueError as error:
            fault("timestamp.tolerance", str(error), "the usual tolerance is 5m")
    return faults


def _named_holes(signed: str, fault: Callable[[str, str, str], None]) -> set[str]:
    allowed = "{method}, {url}, {path}, {query.NAME}, {header.NAME}, {timestamp}, {body}, {form}, {secret}"
    try:
        parts = parse_template(signed)
    except ValueError as error:
        fault("signed", str(error), f"write holes as {allowed}, and optional parts in [ ]")
        return set()
    names = {str(piece) for part in parts for piece in part.pieces if isinstance(piece, Hole)}
    for name in sorted(names):
        if _hole(name) is None:
            fault("signed", f"there is no {{{name}}}", f"write one of {allowed}")
    return {name.partition("|")[0] for name in names}
