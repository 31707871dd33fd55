"""Any sender that signs its calls: the verification and the mapping are written in the source's YAML."""

from __future__ import annotations

from arauto.sources import Kind, Source
from arauto.sources.mapping import EventMapping
from arauto.sources.verifier import Verification
from arauto.sources.webhook import Status, Webhook, WebhookSettings

KIND = Kind("Signed webhook")


class Settings(Verification, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A verification, and what to make of a call that passes it."""

    events: tuple[EventMapping, ...]
    source: str | None = None
    accepted: Status | None = None


def compile(name: str, settings: Settings) -> Source:
    """A source that verifies and maps as its settings say. Raises SettingsFaulty."""
    common = WebhookSettings(
        secrets=settings.secrets, source=settings.source, accepted=settings.accepted, events=settings.events
    )
    return Webhook(name, common, [settings])
