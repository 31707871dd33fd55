"""intake: where events come in. Plain ASGI, since every event pays for each line of it.

``POST /v1/events`` takes CloudEvents with an API key; ``POST /in/{source}`` takes a third party's webhook, verified
by its own scheme. A 2xx is given only when the events are durable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

import orjson
import structlog
from msgspec import structs
from starlette.types import Message, Receive, Scope, Send

from arauto.api.keyring import Keyring, bearer_of
from arauto.api.problems import CONTENT_TYPE, Refused, body_of
from arauto.engine.admit import admit
from arauto.engine.hub import Hub
from arauto.errors import IntakeError, StoreRefused, StoreUnavailable
from arauto.ingress import Answer, Request
from arauto.model import HOPS, hops_told
from arauto.sources import Draft, Source, cloudevents
from arauto.store import Appended, NewEvent, Rejection

MAX_BODY = 256 * 1024
"""Bytes of a request's body."""

ALLOWED_RATE: int | None = None

log = structlog.get_logger("arauto.intake")


@dataclass(frozen=True, slots=True)
class Intake:
    """The ASGI application of the intake."""

    hub: Hub
    keyring: Keyring
    sources: Mapping[str, Source]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever is wrong with it, the answer says so."""
        path: str = scope["path"]
        name = "cloudevents" if path == "/v1/events" else path.removeprefix("/in/")
        body = b""
        try:
            body = await read_body(scope, receive, limit=MAX_BODY)
            request = request_of(scope, body, self.hub.engine.catalogue.project.public_url)
            if path == "/v1/events":
                answer = await self._cloudevents(request)
            else:
                answer = await self._third_party(name, request)
            result = "accepted"
        except (Refused, IntakeError) as error:
            refused = error if isinstance(error, Refused) else refusal_of(error)
            answer = self._refuse(refused, name, body)
            result = refused.code
        except StoreRefused as error:
            log.error("cannot be stored", error=str(error))
            refused = Refused(422, "not_storable", f"the database does not take these data: {error}")
            answer = self._refuse(refused, name, body)
            result = refused.code
        except StoreUnavailable as error:
            log.error("the store is not available", error=str(error))
            answer = as_answer(
                Refused(
                    503,
                    "store_unavailable",
                    "the event was not stored; send it again with the same id",
                    headers={"Retry-After": "5"},
                )
            )
            result = "store_unavailable"
        except Exception:
            log.exception("the intake failed", path=path)
            answer = as_answer(Refused(500, "internal_error", "the hub failed; the event was not confirmed"))
            result = "internal_error"
        known = name if name in self.sources or name == "cloudevents" else "unknown"
        self.hub.engine.metrics.requests.labels(known, result).inc()
        await send_answer(send, answer)

    async def _cloudevents(self, request: Request) -> Answer:
        if request.method == "OPTIONS":
            return cloudevents.handshake(request, ALLOWED_RATE)
        header = next((value for name, value in request.headers if name == "authorization"), None)
        token = bearer_of(header) or next((value for name, value in request.query if name == "access_token"), None)
        key = await self.keyring.check(token, "events:write")
        drafts = cloudevents.decode(request)
        appended = await self._submit(_with_hops(drafts, request), key.tenant)
        told = [
            {"event": each.key, "source": draft.source, "id": draft.id}
            for draft, each in zip(drafts, appended, strict=True)
        ]
        return Answer(202, orjson.dumps({"accepted": told}), "application/json")

    async def _third_party(self, name: str, request: Request) -> Answer:
        source = self.sources.get(name)
        if source is None:
            if name in self.hub.engine.catalogue.sources:
                raise Refused(
                    404, "unknown_source", f"{name!r} is a schedule: its events come by the clock, not by calls"
                )
            raise Refused(404, "unknown_source", f"there is no source {name[:80]!r} in the project")
        now = self.hub.engine.clock()
        greeting = source.handshake(request, now)
        if greeting is not None:
            return greeting
        if request.method != "POST":
            raise Refused(405, "method_not_allowed", "send events by POST", headers={"Allow": "POST"})
        source.verify(request, now)
        drafts = source.events(request, now)
        if not source.strict_types:
            catalogue = self.hub.engine.catalogue.event_types
            ignored = [draft.type for draft in drafts if draft.type not in catalogue]
            drafts = [draft for draft in drafts if draft.type in catalogue]
        else:
            ignored = []
        if drafts:
            await self._submit(_with_hops(drafts, request), "default")
        if ignored or not drafts:
            types = ", ".join(sorted(set(ignored)))
            detail = f"event types that the catalogue does not have: {types}" if ignored else "no event in this call"
            self._record(Refused(source.accepted.status, "ignored", detail), name, request.body)
        return source.accepted

    async def _submit(self, drafts: Sequence[Draft], tenant: str) -> list[Appended]:
        if self.hub.stopping:
            raise StoreUnavailable("the hub is stopping")
        engine = self.hub.engine
        now = engine.clock()
        if len(drafts) == 1:
            new = [admit(drafts[0], engine.catalogue, now, tenant=tenant)]
        else:
            new = self._admit_batch(drafts, now, tenant)
            await self._refuse_conflicts(new)
        if not new:
            return []
        appended = await self.hub.submit(new)
        for event, each in zip(new, appended, strict=True):
            if each.outcome == "conflict":
                raise _conflict(event, each.body_hash)
        return appended

    def _admit_batch(self, drafts: Sequence[Draft], now: datetime, tenant: str) -> list[NewEvent]:
        """All events of a batch, or Refused with every fault of every event."""
        new: list[NewEvent] = []
        refused: list[tuple[int, IntakeError]] = []
        errors: list[dict[str, str]] = []
        for index, draft in enumerate(drafts):
            try:
                new.append(admit(draft, self.hub.engine.catalogue, now, tenant=tenant))
            except IntakeError as error:
                refused.append((index, error))
                errors.extend({**each, "pointer": f"/{index}/data{each['pointer']}"} for each in error.errors)
                if not error.errors:
                    errors.append({"pointer": f"/{index}", "detail": error.detail})
        if refused:
            index, first = refused[0]
            detail = f"event {index} of the batch ({drafts[index].id[:80]!r}): {first.detail}; nothing of it was stored"
            raise Refused(first.status, first.code, detail, errors=errors)
        return new

    async def _refuse_conflicts(self, batch: Sequence[NewEvent]) -> None:
        """Of a batch all is stored or none: so what would be a conflict is looked for before."""
        there = {new.event.key: new.body_hash for new in reversed(batch)}
        there.update(await self.hub.store.body_hashes(list(there)))
        for index, new in enumerate(batch):
            stored_hash = there[new.event.key]
            if stored_hash != new.body_hash:
                raise _conflict(new, stored_hash, f"event {index} of the batch: ", "; nothing of it was stored")

    def _refuse(self, refused: Refused, name: str, body: bytes) -> Answer:
        self._record(refused, name, body)
        return as_answer(refused)

    def _record(self, refused: Refused, name: str, body: bytes) -> None:
        self.hub.reject(
            Rejection(
                at=self.hub.engine.clock(),
                source=name[:80],
                status=refused.status,
                code=refused.code,
                detail=refused.detail[:500],
                body_hash=hashlib.sha256(body).hexdigest(),
                size=len(body),
            )
        )


def _with_hops(drafts: Sequence[Draft], request: Request) -> Sequence[Draft]:
    """The events with the hops that the call tells, which a hub's webhooks do beside their body."""
    told = request.header(f"ce-{HOPS}")
    hops = hops_told(told)
    if not hops:
        return drafts
    return [
        structs.replace(draft, extensions={**draft.extensions, HOPS: str(hops)})
        if hops > hops_told(draft.extensions.get(HOPS))
        else draft
        for draft in drafts
    ]


def _conflict(new: NewEvent, stored_hash: str, before: str = "", after: str = "") -> Refused:
    event = new.event
    return Refused(
        409,
        "id_conflict",
        f"{before}the event {event.id[:80]!r} of {event.source[:80]!r} is there already with other content; "
        f"give a new event a new id{after}",
        more={"stored_hash": stored_hash, "sent_hash": new.body_hash, "event": event.key},
    )


def refusal_of(error: IntakeError) -> Refused:
    """The problem that a sender is told."""
    return Refused(error.status, error.code, error.detail, errors=error.errors)


def as_answer(refused: Refused) -> Answer:
    """A problem as an answer."""
    return Answer(refused.status, body_of(refused), CONTENT_TYPE, tuple(refused.headers.items()))


async def read_body(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """The whole body, if it has at most ``limit`` bytes. Raises Refused: 400, 413 or 415."""
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value) > limit):
            raise _too_large(limit)
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise Refused(415, "compressed", "send the body without content-encoding")
    first: Message = await receive()
    if first["type"] == "http.disconnect":
        raise Refused(400, "disconnected", "the connection ended before the body did")
    body: bytes = first.get("body", b"")
    if not first.get("more_body"):
        if len(body) > limit:
            raise _too_large(limit)
        return body
    chunks, size = [body], len(body)
    more = True
    while more:
        if size > limit:
            raise _too_large(limit)
        part = await receive()
        if part["type"] == "http.disconnect":
            raise Refused(400, "disconnected", "the connection ended before the body did")
        chunks.append(part.get("body", b""))
        size += len(chunks[-1])
        more = part.get("more_body", False)
    if size > limit:
        raise _too_large(limit)
    return b"".join(chunks)


def _too_large(limit: int) -> Refused:
    return Refused(413, "too_large", f"the body is larger than {limit // 1024} KiB; send less at once")


def request_of(scope: Scope, body: bytes, public_url: str | None) -> Request:
    """The call as its sender made it; without a public URL, at the host that they named."""
    query: bytes = scope["query_string"]
    path: str = scope["path"]
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    if public_url is None:
        host = next((value for name, value in headers if name == "host"), "localhost")
        public_url = f"{scope.get('scheme', 'http')}://{host}"
    tail = f"?{query.decode('latin-1')}" if query else ""
    return Request(
        method=scope["method"],
        path=path,
        query=tuple(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else (),
        headers=headers,
        body=body,
        url=f"{public_url.rstrip('/')}{path}{tail}",
    )


async def send_answer(send: Send, answer: Answer) -> None:
    """Send an answer."""
    headers = [
        (b"content-length", str(len(answer.body)).encode()),
        *((name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in answer.headers),
    ]
    if answer.body:
        headers.append((b"content-type", answer.content_type.encode("latin-1")))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
