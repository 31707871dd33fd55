"""Any sender that signs its calls: the verification and the mapping are written in the source's YAML."""

from __future__ import annotations

from arauto.ingress.verifier import Verification
from arauto.sources import Kind, Source
from arauto.sources.mapping import EventMapping
from arauto.sources.webhook import Status, Webhook, WebhookSettings

KIND = Kind("Signed webhook")


class Settings(Verification, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A verification, and what to make of a call that passes it."""

    events: tuple[EventMapping, ...]
    """What to make of a call: every entry that holds gives an event."""
    source: str | None = None
    """The ``source`` of the events; the name of this source where it is left out."""
    accepted: Status | None = None
    """The status that says "we have it"; 202 where it is left out."""


def compile(name: str, settings: Settings) -> Source:
    """A source that verifies and maps as its settings say. Raises SettingsFaulty."""
    common = WebhookSettings(
        secrets=settings.secrets, source=settings.source, accepted=settings.accepted, events=settings.events
    )
    return Webhook(name, common, [settings])
