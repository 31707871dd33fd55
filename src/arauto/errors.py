"""Every error that Arauto raises, as one tree.

ArautoError
├── UsageFault                 the command or the call was wrong; says what is allowed
│   ├── SecretMissing          a named secret is not there
│   ├── StoreLocked            another process holds the database file
│   ├── Unfit                  a version of the project cannot be served here
│   ├── Overtaken              another version is live than the one that was looked at
│   └── NotKept                the files of a version that was live once are not there
├── CatalogueFaulty            a project folder does not compile; carries all diagnostics
├── TextFaulty                 a content file does not compile; carries all diagnostics of that file
├── LanguageError              an expression or a text is wrong or failed; carries its place
├── IntakeError                a request cannot become events; carries the answer to give
│   ├── BadSignature           401
│   ├── BadPayload             400, 413, 415, 422
│   └── UnknownEventType       422
├── DeliveryError              a provider did not accept a message
│   ├── Rejected               never: the message, the address or the whole provider is refused
│   ├── Retry                  not now
│   └── Ambiguous              it may or may not have been accepted
├── EgressForbidden            an outbound URL leads where the hub may not go
└── StoreUnavailable           the database cannot be reached or written; nothing was stored
    ├── StoreRefused           the database does not take these data, now or later; others it does
    └── StoreLost              nothing is stored any more, until the process starts anew
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal


class ArautoError(Exception):
    """Anything that Arauto raises on purpose."""


class UsageFault(ArautoError):
    """The caller did something that cannot work; the message says what is allowed and what to do."""


class SecretMissing(UsageFault):
    """A secret is named in the project, but is not where it should be."""


class StoreLocked(UsageFault):
    """Another process already works on this database file."""


class Unfit(UsageFault):
    """A version of the project cannot be served here; ``reasons`` has each thing that is missing for it."""

    def __init__(self, said: str, reasons: Sequence[str] = ()) -> None:
        self.said, self.reasons = said, tuple(reasons)
        super().__init__("\n  ".join((f"{said}:" if reasons else said, *self.reasons)))


class Overtaken(UsageFault):
    """Another version of the project is live than the one that was looked at."""


class NotKept(UsageFault):
    """The files of a version that was live once are not there any more."""


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One fault in a project folder, or (a warning) what cannot be meant; ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int
    code: str
    message: str
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column} {self.code} {self.message}{hint}"


class CatalogueFaulty(ArautoError):
    """A project folder does not compile; ``diagnostics`` has every fault, sorted by place."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics))
        super().__init__("\n".join(str(diagnostic) for diagnostic in self.diagnostics))


class TextFaulty(ArautoError):
    """A content file does not compile; ``faults`` has all of it, each with its place in the file."""

    def __init__(self, *faults: Diagnostic) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


class LanguageError(ArautoError):
    """An expression or a text does not parse, or failed on this data.

    ``line`` counts from 1 within the source; ``column`` counts from 1 within its line.
    """

    def __init__(self, message: str, *, line: int = 1, column: int = 1, hint: str | None = None) -> None:
        self.message, self.line, self.column, self.hint = message, line, column, hint
        super().__init__(message)


class IntakeError(ArautoError):
    """A request that cannot become events; answered as RFC 9457 problem details with ``status`` and ``code``."""

    status = 400

    def __init__(
        self, code: str, detail: str, *, status: int | None = None, errors: Sequence[dict[str, str]] = ()
    ) -> None:
        self.code, self.detail, self.errors = code, detail, tuple(errors)
        if status is not None:
            self.status = status
        super().__init__(detail)


class BadSignature(IntakeError):
    """The request's signature or token is missing, wrong or too old."""

    status = 401


class BadPayload(IntakeError):
    """The body or its attributes cannot be read as events."""


class UnknownEventType(IntakeError):
    """The event's type is not in the catalogue."""

    status = 422


class DeliveryError(ArautoError):
    """A provider did not accept a message. ``answer`` is what it said, shortened, without secrets."""

    def __init__(self, reason: str, *, answer: str = "") -> None:
        self.reason, self.answer = reason, answer
        super().__init__(reason)


class Rejected(DeliveryError):
    """The provider refuses for good.

    ``scope`` says what it refuses: this ``message``; the ``address`` (it is gone: use it no more); or, as with a
    wrong password, everything from this ``provider``, so that another one may be tried.
    """

    def __init__(
        self, reason: str, *, answer: str = "", scope: Literal["message", "address", "provider"] = "message"
    ) -> None:
        self.scope = scope
        super().__init__(reason, answer=answer)


class Retry(DeliveryError):
    """The provider did not take it now, and surely does not have it. ``after`` is its Retry-After, if it gave one."""

    def __init__(
        self,
        reason: str,
        *,
        answer: str = "",
        after: timedelta | None = None,
        kind: Literal["temporary", "rate_limited", "timeout"] = "temporary",
    ) -> None:
        self.after, self.kind = after, kind
        super().__init__(reason, answer=answer)


class Ambiguous(DeliveryError):
    """The request went out and no answer came: the provider may or may not have accepted the message.

    ``kind`` says whether the provider stayed silent, or the hub itself died before it could note the answer.
    """

    def __init__(self, reason: str, *, answer: str = "", kind: Literal["timeout", "abandoned"] = "timeout") -> None:
        self.kind = kind
        super().__init__(reason, answer=answer)


class EgressForbidden(ArautoError):
    """An outbound URL is not allowed: its scheme, port or one of its addresses."""


@dataclass
class StoreUnavailable(ArautoError):
    """The database cannot be reached or written; the transaction left nothing behind."""

    detail: str = field(default="the database is not available")

    def __str__(self) -> str:
        return self.detail


@dataclass
class StoreRefused(StoreUnavailable):
    """The database does not take these data, and will not when they come again: a character that it does not know, or
    too much in one place."""


@dataclass
class StoreLost(StoreUnavailable):
    """Nobody knows what the disk holds; nothing is stored any more, until the process starts anew."""
