"""Standard Webhooks 1.0: the scheme of OpenAI, Supabase, Svix, Resend, Clerk, GitLab's signing token and many more."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from arauto.errors import BadPayload
from arauto.ingress import Request
from arauto.ingress.verifier import Timestamp, Verification
from arauto.model import JSON
from arauto.secret import Secret
from arauto.sources import Draft, Kind, Source
from arauto.sources.mapping import to_time
from arauto.sources.webhook import Webhook, WebhookSettings, member, needed

KIND = Kind("Standard Webhooks", types=("*",))


class Settings(WebhookSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secrets are those of the endpoint (``whsec_…``)."""

    secrets: tuple[Secret, ...] = ()
    public_keys: tuple[Secret, ...] = ()
    """For senders that sign with Ed25519 (``whpk_…``), beside the secrets or instead of them."""
    headers: str = "webhook"
    """The first word of the three headers: ``svix`` for senders that keep ``svix-id``, ``svix-signature``, …"""
    tolerance: str = "5m"
    """How far the time of signing may be from our clock, either way."""


def compile(name: str, settings: Settings) -> Source:
    """A source for senders of Standard Webhooks. Raises SettingsFaulty."""
    prefix = settings.headers.lower()

    schemes: list[tuple[tuple[Secret, ...], Literal["hmac-sha256", "ed25519"], str]] = [
        (settings.secrets, "hmac-sha256", "v1,"),
        (settings.public_keys, "ed25519", "v1a,"),
    ]
    verifications = [
        Verification(
            algorithm=algorithm,
            secrets=secrets,
            key="base64",
            header=f"{prefix}-signature",
            separator=" ",
            prefix=version,
            encoding="base64",
            signed=f"{{header.{prefix}-id}}.{{timestamp}}.{{body}}",
            timestamp=Timestamp(header=f"{prefix}-timestamp", tolerance=settings.tolerance),
        )
        for secrets, algorithm, version in ([scheme for scheme in schemes if scheme[0]] or schemes[:1])
    ]
    return Webhook(
        name,
        settings,
        verifications,
        default=partial(_events, prefix),
        identify=lambda request, body: request.header(f"{prefix}-id"),
    )


def _events(prefix: str, source: str, request: Request, body: JSON) -> Sequence[Draft]:
    """One event of the shape that the specification advises: ``{type, timestamp, data}``."""
    try:
        time = to_time(member(body, "timestamp")) if member(body, "timestamp") is not None else None
    except ValueError as error:
        raise BadPayload("unexpected_payload", f"the payload's timestamp {error}") from None
    return [
        Draft(
            source=source,
            id=needed(request.header(f"{prefix}-id"), f"the header {prefix}-id"),
            type=needed(member(body, "type"), "the payload's type"),
            time=time,
            data=member(body, "data"),
        )
    ]
