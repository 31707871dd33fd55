"""visit: one call of a page: what was sent, and what proves that it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.message import Message as Mail
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qs

from msgspec import Struct
from starlette.requests import Request

MOST_FIELDS = 1000
_LONGEST_EVIDENCE = 300


class Visit(Struct, frozen=True):
    """One call of a page."""

    token: str
    form: Mapping[str, Sequence[str]] | None
    """What was posted, by field; None: it is only looked at."""
    accept_language: str | None
    evidence: dict[str, str]
    """From where and with which program it came: proof of a consent."""
    now: datetime
    saved: bool = False
    """It follows a change that was made."""

    def one(self, field: str) -> str | None:
        """The last value of a field."""
        values = (self.form or {}).get(field)
        return values[-1] if values else None


def visit(request: Request, token: str, body: bytes | None, now: datetime) -> Visit:
    """The call as it is. Raises ValueError for a form that is none."""
    evidence = {
        "ip": request.client.host if request.client else "",
        "forwarded_for": request.headers.get("x-forwarded-for", ""),
        "user_agent": request.headers.get("user-agent", ""),
    }
    return Visit(
        token=token,
        form=None if body is None else _form(request.headers.get("content-type", ""), body),
        accept_language=request.headers.get("accept-language"),
        evidence={name: value[:_LONGEST_EVIDENCE] for name, value in evidence.items() if value},
        now=now,
        saved=request.query_params.get("saved") == "1",
    )


def _form(content_type: str, body: bytes) -> dict[str, list[str]]:
    """The fields of a form in either encoding that browsers and mail programs use."""
    if content_type.lower().startswith("multipart/form-data"):
        return _multipart(content_type, body)
    return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)


def _multipart(content_type: str, body: bytes) -> dict[str, list[str]]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    parsed: Mail = BytesParser(policy=HTTP).parsebytes(head + body)
    if not parsed.is_multipart():
        raise ValueError("a form without parts")
    found: dict[str, list[str]] = {}
    for part in parsed.get_payload():
        if not isinstance(part, Mail):
            continue
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            found.setdefault(name, []).append(payload.decode().strip())
    return found
