"""Ingress: calls from outside, whole, and what makes them believable.

Here are the call and its answer; ``payload`` reads bodies strictly, and ``verifier`` checks signatures and tokens, as a
Verification describes them. Sources make events of calls, and receivers of channels make receipts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct


class Request(Struct, frozen=True, kw_only=True):
    """An inbound HTTP request, whole."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    """Decoded, in order."""
    headers: tuple[tuple[str, str], ...]
    """Names in lower case, values as Latin-1 text, in order."""
    body: bytes
    """The raw bytes, as signed."""
    url: str
    """The public URL that the sender called, for schemes that sign it."""

    def header(self, name: str) -> str | None:
        """The value of the header with this (lower-case) name; those of a repeated one are joined by ``, ``."""
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None

    def parameter(self, name: str) -> str | None:
        """The value of this query parameter; the first one where it is repeated."""
        return next((value for key, value in self.query if key == name), None)


class Answer(Struct, frozen=True):
    """What to answer a sender."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


Path: TypeAlias = tuple[str | int, ...]
"""Where something is in a settings file: ``("events", 0, "data", "customer")``."""


class SettingFault(Struct, frozen=True):
    """One fault in the settings by which calls are verified or mapped: where, what, and what to do about it.

    ``line`` and ``column`` count from 1 within the value at ``path``.
    """

    path: Path
    code: str
    message: str
    hint: str | None = None
    line: int = 1
    column: int = 1


class SettingsFaulty(Exception):
    """Settings that fit their Struct but do not compile; ``faults`` has all of it."""

    def __init__(self, faults: Sequence[SettingFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{'.'.join(map(str, fault.path))}: {fault.message}" for fault in faults))
