"""What texts see of an example: an event type's sample, told to nobody in particular."""

from __future__ import annotations

from datetime import UTC, datetime

from arauto.decide.groups import recipient_told
from arauto.decide.plan import event_context
from arauto.model import JSON, Catalogue, Event, Notification, Recipient

MOMENT = datetime(2026, 3, 12, 15, 30, tzinfo=UTC)
"""When the events of examples happen."""


def sample_event(catalogue: Catalogue, type_: str) -> Event:
    """An event with the first sample of its type."""
    sample = next(iter(catalogue.event_types[type_].samples.values()))
    return Event(source="example", id="example", type=type_, time=MOMENT, data=sample)


def sample_context(catalogue: Catalogue, type_: str, recipient: Recipient | None = None) -> dict[str, JSON]:
    """What a notification's text sees when such an event happens."""
    told = recipient_told(recipient or Recipient(id="somebody", name="…"), catalogue.project)
    return {**event_context(sample_event(catalogue, type_), catalogue), "recipient": told, "message": {}}


def correction_context(catalogue: Catalogue, notification: Notification) -> dict[str, JSON]:
    """What its correction sees: what takes it back, and ``events``, what was taken back."""
    assert notification.cancel is not None
    taken_back = event_context(sample_event(catalogue, notification.on[0]), catalogue)["event"]
    return {**sample_context(catalogue, notification.cancel.types[0]), "events": [taken_back]}
