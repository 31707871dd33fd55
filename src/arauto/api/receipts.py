"""receipts: where providers tell what became of messages. Plain ASGI like the intake, for each message may have three.

``POST /receipts/{channel}/{provider}``, verified by the provider's own scheme. A 2xx is given only when the receipts
are durable, with all that follows from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from starlette.types import Receive, Scope, Send

from arauto.api.intake import MAX_BODY, as_answer, read_body, refusal_of, request_of, send_answer
from arauto.api.problems import Refused
from arauto.channels import Receiver
from arauto.engine.hub import Hub
from arauto.errors import IntakeError, StoreRefused, StoreUnavailable
from arauto.ingress import Answer, Request
from arauto.store import Rejection

PREFIX = "/receipts/"

log = structlog.get_logger("arauto.receipts")


@dataclass(frozen=True, slots=True)
class ReceiptIntake:
    """The ASGI application of the receipts; ``receivers`` are by channel and provider."""

    hub: Hub
    receivers: Mapping[tuple[str, str], Receiver]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call; whatever is wrong with it, the answer says so."""
        name = scope["path"].removeprefix(PREFIX)
        body = b""
        call: Request | None = None
        receiver: Receiver | None = None
        try:
            receiver = self._receiver(name)
            if scope["method"] not in ("POST", "GET"):
                raise Refused(405, "method_not_allowed", "tell receipts by POST", headers={"Allow": "GET, POST"})
            body = await read_body(scope, receive, limit=MAX_BODY)
            call = request_of(scope, body, self.hub.engine.catalogue.project.public_url)
            await self._keep(receiver, call)
            answer, result = Answer(200), "accepted"
        except (Refused, IntakeError) as error:
            refused = error if isinstance(error, Refused) else refusal_of(error)
            self._record(refused, name, body)
            answer, result = as_answer(refused), refused.code
        except StoreRefused as error:
            log.error("cannot be stored", error=str(error))
            refused = Refused(422, "not_storable", f"the database does not take these data: {error}")
            self._record(refused, name, body)
            answer, result = as_answer(refused), refused.code
        except StoreUnavailable as error:
            log.error("the store is not available", error=str(error))
            detail = "nothing was stored; call again"
            answer = as_answer(Refused(503, "store_unavailable", detail, headers={"Retry-After": "5"}))
            result = "store_unavailable"
        except Exception:
            log.exception("taking receipts failed", provider=name[:80])
            answer = as_answer(Refused(500, "internal_error", "the hub failed; nothing was confirmed"))
            result = "internal_error"
        known = "receipts" if receiver is not None else "unknown"
        self.hub.engine.metrics.requests.labels(known, result).inc()
        await send_answer(send, answer)
        if result == "accepted" and receiver is not None and call is not None:
            await receiver.confirm(call, self.hub.engine.clock())

    def _receiver(self, name: str) -> Receiver:
        channel, _, provider = name.partition("/")
        receiver = self.receivers.get((channel, provider))
        if receiver is not None:
            return receiver
        config = self.hub.engine.catalogue.channels.get(channel)
        if config is not None and any(each.name == provider for each in config.providers):
            raise Refused(404, "no_receipts", f"{name[:80]!r} is of a kind that tells nothing of its messages later")
        raise Refused(404, "unknown_provider", f"there is no provider {name[:80]!r} in the project")

    async def _keep(self, receiver: Receiver, call: Request) -> None:
        if self.hub.stopping:
            raise StoreUnavailable("the hub is stopping")
        await self.hub.receive(await receiver.receive(call, self.hub.engine.clock()))

    def _record(self, refused: Refused, name: str, body: bytes) -> None:
        self.hub.reject(
            Rejection(
                at=self.hub.engine.clock(),
                source=f"receipts/{name}"[:80],
                status=refused.status,
                code=refused.code,
                detail=refused.detail[:500],
                body_hash=hashlib.sha256(body).hexdigest(),
                size=len(body),
            )
        )
