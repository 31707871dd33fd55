"""Any sender that shows a token: in ``Authorization``, in a header of its own, or in the URL."""

from __future__ import annotations

from typing import Literal

from arauto.ingress.verifier import Verification
from arauto.sources import Kind, Source
from arauto.sources.webhook import Webhook, WebhookSettings

KIND = Kind("Webhook with a token")


class Settings(WebhookSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the token is; the secrets are the tokens, or ``user:password`` for HTTP Basic."""

    header: str | None = None
    """``Authorization`` where neither this nor ``query`` is given."""
    query: str | None = None
    """The query parameter where it is, for senders that can do no better."""
    scheme: Literal["Bearer", "Basic"] | None = None
    """What stands before the token; in ``Authorization`` it is Bearer where it is left out, elsewhere nothing."""


def compile(name: str, settings: Settings) -> Source:
    """A source that lets pass whoever has a token. Raises SettingsFaulty."""
    header = settings.header or (None if settings.query else "Authorization")
    scheme = settings.scheme or ("Bearer" if header and header.lower() == "authorization" else None)
    verification = Verification(
        algorithm="basic" if scheme == "Basic" else "token",
        secrets=settings.secrets,
        header=header,
        query=settings.query,
        prefix=f"{scheme} " if scheme else "",
    )
    return Webhook(name, settings, [verification])
