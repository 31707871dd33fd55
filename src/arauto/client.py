"""A client for producers: sends events to a hub, and may safely be called again.

>>> from arauto.client import Client
>>> hub = Client("http://127.0.0.1:8700", key="arauto_…", source="loja")
>>> hub.send("order.paid", {"order": {"number": "1042"}}, of="1042")

An event's id is made before the first try and stays the same over all tries, so that a repeated call has no second
effect. ``of`` names what the event is about: the same source, type and ``of`` always give the same id. Without
``of`` or ``id`` each call is an event of its own.

Events as types, which ``arauto generate python`` makes of a project, know their own type and data:
``hub.send(OrderPaid(order=…), of="1042")``.

This module imports nothing of the hub and needs only the standard library; AsyncClient needs ``aiohttp``.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import random
import time as clock
import uuid
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import aiohttp

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
WAITS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before the second, third, … try; ±20 %; a hub's Retry-After is a minimum, up to a minute."""


class Typed(Protocol):
    """The data of an event, as a type that ``arauto generate python`` has made."""

    EVENT_TYPE: ClassVar[str]

    def to_data(self) -> Any:
        """Plain data."""
        ...


_ITS_OWN: Any = object()
"""Stands for the data that a typed event brings along."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event to be sent: a CloudEvent."""

    type: str
    data: Any
    id: str
    source: str
    time: str | None = None
    """RFC 3339; None: the moment at which the hub accepts it, so that the same event can be sent again later."""
    subject: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Its structured JSON form, CloudEvents 1.0.2."""
        told = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "datacontenttype": "application/json",
            "data": self.data,
        }
        optional = {"time": self.time, "subject": self.subject}
        return told | {name: value for name, value in optional.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The hub has the event, durably. ``event`` is the hub's key of it, by which it can be explained."""

    event: str
    source: str
    id: str


class HubError(Exception):
    """The hub did not accept. ``status`` is 0 when it could not be reached."""

    def __init__(self, status: int, code: str, detail: str, errors: tuple[dict[str, str], ...] = ()) -> None:
        self.status, self.code, self.detail, self.errors = status, code, detail, errors
        faults = "".join(f"\n  {error.get('pointer', '')}: {error.get('detail', '')}" for error in errors)
        super().__init__(f"{status} {code}: {detail}{faults}" if status else f"{code}: {detail}{faults}")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one HTTP request; status 0 and the error's text when nothing did."""

    status: int
    body: bytes
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to be made."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait this many seconds before going on."""

    seconds: float


Conversation = Generator[Call | Pause, Reply | None, list[Accepted]]


class _Core:
    """What both clients share: what to send, when to try again, what an answer means. It does no I/O."""

    def __init__(self, url: str, *, key: str, source: str, timeout: float = 10.0) -> None:
        self.url, self.source, self.timeout = _address(url), source, timeout
        self._key = key.strip()
        if not (self._key.isascii() and self._key.isprintable() and self._key and " " not in self._key):
            raise ValueError("the key is none: give one as 'arauto keys create' showed it (arauto_…)")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r}, source={self.source!r})"

    def event(
        self,
        type: str | Typed,
        data: Any = _ITS_OWN,
        *,
        of: str | None = None,
        id: str | None = None,
        subject: str | None = None,
        time: datetime | None = None,
    ) -> Event:
        """An event of this client's source, with its id: of a type and data, or of an event as a type. Give ``of`` or
        ``id``, or neither, not both."""
        if not isinstance(type, str):
            if data is not _ITS_OWN:
                raise TypeError("an event as a type has data of its own; give no others")
            data = type.to_data()
            type = type.EVENT_TYPE
        elif data is _ITS_OWN:
            raise TypeError(f"say what {type} tells: give its data, too")
        if of is not None and id is not None:
            raise ValueError("give of= (what the event is about) or id=, not both")
        if of is not None:
            id = hashlib.sha256("\0".join((self.source, type, of)).encode()).hexdigest()[:32]
        if time is not None and time.tzinfo is None:
            raise ValueError(f"time={time.isoformat()} has no time zone; give an aware datetime")
        moment = None if time is None else time.astimezone(UTC).isoformat()
        return Event(type, data, id or uuid.uuid4().hex, self.source, moment, subject)

    def _conversation(self, events: Iterable[Event]) -> Conversation:
        told = [event.to_json() for event in events]
        call = Call(
            json.dumps(told, ensure_ascii=False, allow_nan=False).encode(),
            {
                "Content-Type": "application/cloudevents-batch+json; charset=utf-8",
                "Authorization": f"Bearer {self._key}",
                "User-Agent": "arauto-client",
            },
        )
        for wait in (*WAITS, None):
            reply = yield call
            assert reply is not None
            if reply.status == 202:
                return _accepted(reply)
            if wait is None or (reply.status and reply.status not in RETRIED_STATUSES):
                raise _error(reply)
            yield Pause(max(wait * random.uniform(0.8, 1.2), _seconds(reply.retry_after)))
        raise AssertionError("the loop returns or raises")


def _address(url: str) -> str:
    """Scheme, host, port and path of a hub. Raises ValueError, which shows no password."""
    try:
        parts = urlsplit(url)
        ok = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        ok = False
    if not ok or "@" in parts.netloc or parts.query or parts.fragment or not url.isprintable() or " " in url:
        shown = repr(url) if "@" not in url else "this"
        raise ValueError(f"{shown} is no address of a hub; write one such as http://127.0.0.1:8700, and give the key")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _seconds(retry_after: str | None) -> float:
    text = (retry_after or "").strip()
    return min(float(text), 60.0) if text.isascii() and text.isdigit() else 0.0


def _accepted(reply: Reply) -> list[Accepted]:
    try:
        return [Accepted(each["event"], each["source"], each["id"]) for each in json.loads(reply.body)["accepted"]]
    except (ValueError, KeyError, TypeError):
        raise HubError(reply.status, "no_hub", "what answered is no Arauto: look at the address") from None


def _error(reply: Reply) -> HubError:
    if not reply.status:
        return HubError(0, "unreachable", reply.body.decode("utf-8", "replace"))
    try:
        problem = json.loads(reply.body)
        return HubError(reply.status, problem["code"], problem["detail"], tuple(problem.get("errors") or ()))
    except (ValueError, KeyError, TypeError):
        return HubError(reply.status, "refused", reply.body[:200].decode("utf-8", "replace"))


class Client(_Core):
    """The blocking client; one connection a call, so it may be shared by threads."""

    def send(
        self,
        type: str | Typed,
        data: Any = _ITS_OWN,
        *,
        of: str | None = None,
        id: str | None = None,
        subject: str | None = None,
        time: datetime | None = None,
    ) -> Accepted:
        """Send one event, given as ``event`` takes it; returns when it is durable. Raises HubError."""
        return self.send_all([self.event(type, data, of=of, id=id, subject=subject, time=time)])[0]

    def send_all(self, events: Iterable[Event]) -> list[Accepted]:
        """Send events in one request: all are accepted or none. Raises HubError."""
        conversation = self._conversation(events)
        reply: Reply | None = None
        try:
            while True:
                match conversation.send(reply):
                    case Pause(seconds):
                        clock.sleep(seconds)
                        reply = None
                    case Call() as call:
                        reply = self._post(call)
        except StopIteration as end:
            accepted: list[Accepted] = end.value
            return accepted

    def _post(self, call: Call) -> Reply:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=self.timeout)
        try:
            connection.request("POST", f"{parts.path}/v1/events", call.body, call.headers)
            response = connection.getresponse()
            return Reply(response.status, response.read(), response.headers.get("Retry-After"))
        except (OSError, http.client.HTTPException) as error:
            return Reply(0, f"{self.url} did not answer: {error}".encode())
        finally:
            connection.close()


class AsyncClient(_Core):
    """The asyncio client; use it as ``async with AsyncClient(…) as hub``, which keeps connections open."""

    _session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> AsyncClient:
        """Open a pool of connections."""
        import aiohttp

        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.timeout))
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close it."""
        assert self._session is not None
        await self._session.close()

    async def send(
        self,
        type: str | Typed,
        data: Any = _ITS_OWN,
        *,
        of: str | None = None,
        id: str | None = None,
        subject: str | None = None,
        time: datetime | None = None,
    ) -> Accepted:
        """Send one event, given as ``event`` takes it; returns when it is durable. Raises HubError."""
        return (await self.send_all([self.event(type, data, of=of, id=id, subject=subject, time=time)]))[0]

    async def send_all(self, events: Iterable[Event]) -> list[Accepted]:
        """Send events in one request: all are accepted or none. Raises HubError."""
        conversation = self._conversation(events)
        reply: Reply | None = None
        try:
            while True:
                match conversation.send(reply):
                    case Pause(seconds):
                        await asyncio.sleep(seconds)
                        reply = None
                    case Call() as call:
                        reply = await self._post(call)
        except StopIteration as end:
            accepted: list[Accepted] = end.value
            return accepted

    async def _post(self, call: Call) -> Reply:
        import aiohttp

        if self._session is None:
            raise RuntimeError("use the client as 'async with AsyncClient(…) as hub:'")
        try:
            request = self._session.post(
                f"{self.url}/v1/events", data=call.body, headers=call.headers, allow_redirects=False
            )
            async with request as response:
                return Reply(response.status, await response.read(), response.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Reply(0, f"{self.url} did not answer: {error or type(error).__name__}".encode())
