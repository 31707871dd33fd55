"""A whole source that receives webhooks: verifier, handshake and mapping together. Kinds fill it in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct, structs

from arauto.errors import BadPayload, BadSignature
from arauto.ingress import Answer, Path, Request, SettingFault, SettingsFaulty
from arauto.ingress.payload import check_text, parse, parse_form
from arauto.ingress.verifier import Verification, Verifier
from arauto.model import JSON
from arauto.secret import Secret
from arauto.sources import Draft
from arauto.sources.mapping import EventMapping, Identify, Mapping

Status: TypeAlias = Annotated[int, Meta(ge=200, le=299)]
"""A status that tells the sender that its call was taken."""

Default: TypeAlias = Callable[[str, Request, JSON], Sequence[Draft]]
"""What a kind makes of a call by itself: of the events' source, the request and its parsed body."""


class WebhookSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every kind of webhook source can be told."""

    secrets: tuple[Secret, ...]
    """The current one first, then those that are still accepted."""
    source: str | None = None
    """The ``source`` of the events; the name of this source where it is left out."""
    accepted: Status | None = None
    """The status that says "we have it"; the sender's own where it is left out."""
    events: tuple[EventMapping, ...] = ()
    """What to make of a call, instead of what this kind makes of it by itself."""


def read_body(request: Request) -> JSON:
    """The fields of a form, or else JSON whatever its content type says; null where there is no body."""
    if not request.body:
        return None
    if (request.header("content-type") or "").lower().startswith("application/x-www-form-urlencoded"):
        return parse_form(request.body)
    return parse(request.body)


class Webhook:
    """A configured source of any kind here; a Source."""

    def __init__(
        self,
        name: str,
        settings: WebhookSettings,
        verifications: Sequence[Verification],
        *,
        default: Default | None = None,
        identify: Identify | None = None,
        accepted: int = 202,
        read: Callable[[Request], JSON] = read_body,
        challenge: Callable[[Request], Answer | None] | None = None,
    ) -> None:
        """A call is genuine when one of the verifications holds. ``default`` is what the kind does where no ``events``
        are configured, ``identify`` the id that it knows where an entry has none; ``challenge`` answers a handshake
        that the sender signs. Raises SettingsFaulty with the faults of all parts."""
        self.name = name
        self.accepted = Answer(settings.accepted or accepted)
        self.strict_types = bool(settings.events)
        self.types: tuple[tuple[Path, str], ...] = tuple(
            (("events", index, "type"), entry.type) for index, entry in enumerate(settings.events)
        )
        self._source = settings.source or name
        self._read = read
        self._challenge = challenge
        faults: list[SettingFault] = []
        self._verifiers = _verifiers(verifications, settings, faults)
        if not settings.events and default is None:
            faults.append(
                SettingFault(
                    ("events",),
                    "missing-events",
                    "nothing says what events its calls give",
                    "add at least one entry: {type: order.paid, id: body.id}",
                )
            )
        try:
            mapping = Mapping(self._source, settings.events, identify=identify, hidden=_secret_places(verifications))
        except SettingsFaulty as faulty:
            faults += faulty.faults
        if faults:
            raise SettingsFaulty(faults)
        self._default, self._mapping = (None if settings.events else default), mapping

    def prepare(self) -> None:
        """Read its secrets. Raises SecretMissing or UsageFault."""
        for verifier in self._verifiers:
            verifier.prepare()

    def handshake(self, request: Request, now: datetime) -> Answer | None:
        """The answer to a signed challenge, or None for an ordinary call. Raises BadSignature."""
        answer = self._challenge(request) if self._challenge else None
        if answer is not None:
            self.verify(request, now)
        return answer

    def verify(self, request: Request, now: datetime) -> None:
        """Raises BadSignature."""
        refusal: BadSignature | None = None
        for verifier in self._verifiers:
            try:
                return verifier(request, now)
            except BadSignature as error:
                if refusal is None or refusal.code == "malformed":  # as a signature by another scheme is
                    refusal = error
        assert refusal is not None, "every kind has a verification"
        raise refusal

    def events(self, request: Request, now: datetime) -> Sequence[Draft]:
        """What the call tells of. Raises BadPayload."""
        body = self._read(request)
        return self._default(self._source, request, body) if self._default else self._mapping(request, body)


def _verifiers(
    verifications: Sequence[Verification], settings: WebhookSettings, faults: list[SettingFault]
) -> list[Verifier]:
    """Those without faults; each fault is told at the setting of the kind that it came from."""
    verifiers: list[Verifier] = []
    for verification in verifications:
        try:
            verifiers.append(Verifier(verification))
        except SettingsFaulty as faulty:
            for fault in faulty.faults:
                last = fault.path[-1]
                own = last in settings.__struct_fields__
                faults.append(structs.replace(fault, path=(last,)) if own else fault)
    return verifiers


def _secret_places(verifications: Sequence[Verification]) -> frozenset[str]:
    """The headers and query parameters in which calls bring the secret itself."""
    return frozenset(
        verification.header.lower() if verification.header else verification.query or ""
        for verification in verifications
        if verification.algorithm in ("token", "basic")
    )


def member(body: JSON, *path: str) -> JSON:
    """What lies at this path of a payload; None where nothing does."""
    for key in path:
        if not isinstance(body, dict):
            return None
        body = body.get(key)
    return body


def needed(value: JSON, what: str) -> str:
    """A value that every genuine call of this kind has. Raises BadPayload with code ``unexpected_payload``."""
    text = str(value) if type(value) is int else value
    if type(text) is not str:
        raise BadPayload(
            "unexpected_payload", f"{what} is missing; is this call of the sender that the source expects?"
        )
    if fault := check_text(text):
        raise BadPayload("unexpected_payload", f"{what} {fault}")
    return text
