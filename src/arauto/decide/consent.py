"""consent: what a person may choose, what a choice changes, and the lines that prove it; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct

from arauto.decide.groups import anyone, matches
from arauto.decide.steps.notify import NotifyOthers
from arauto.decide.wishes import EVERY_CHANNEL, addresses
from arauto.errors import LanguageError
from arauto.model import (
    Catalogue,
    Category,
    Consent,
    GroupTarget,
    Notification,
    PersonTarget,
    Recipient,
    Target,
    Wishes,
)


class Proof(Struct, frozen=True, kw_only=True):
    """How a choice was made."""

    at: datetime
    how: Literal["page", "one_click", "api", "cli", "receipt"]
    text: str | None = None
    """What the person was shown."""
    version: str | None = None
    """The version of that text; made of the text where none is given."""
    evidence: dict[str, str] = {}

    def line(self, category: str, channel: str, given: bool) -> Consent:
        """The line of the record that this proves."""
        version = self.version
        if self.text is not None and version is None:
            version = hashlib.blake2b(self.text.encode(), digest_size=6).hexdigest()
        return Consent(
            category=category,
            channel=channel,
            given=given,
            at=self.at,
            how=self.how,
            text=self.text,
            version=version,
            evidence=self.evidence,
        )


class Choice(Struct, frozen=True):
    """A category, and the channels by which it may reach a person, in the order of their names."""

    category: Category
    channels: tuple[str, ...]


def reachable(recipient: Recipient, catalogue: Catalogue) -> tuple[str, ...]:
    """The channels of the project by which a person can be reached, in the order of their names."""
    return tuple(sorted(channel for channel in catalogue.channels if addresses(recipient, channel)))


def choices(recipient: Recipient, catalogue: Catalogue) -> list[Choice]:
    """The categories that may concern a person, in the project's order: those of which a notification may name them,
    and those of which they have said something."""
    able = reachable(recipient, catalogue)
    used: dict[str, set[str]] = {name: set() for name in recipient.wishes.categories if name in catalogue.categories}
    for notification in catalogue.notifications.values():
        if any(_may_name(target, recipient, catalogue) for target in _targets(notification)):
            channels = used.setdefault(notification.category, set())
            channels.update(channel for step in notification.steps for channel in step.channels)
    return [
        Choice(category, tuple(channel for channel in able if channel in used[name]))
        for name, category in catalogue.categories.items()
        if name in used
    ]


def _targets(notification: Notification) -> Iterator[Target]:
    yield from notification.to
    for step in notification.steps:
        if isinstance(step, NotifyOthers):
            yield from step.targets


def _may_name(target: Target, recipient: Recipient, catalogue: Catalogue) -> bool:
    match target:
        case PersonTarget():
            return True
        case GroupTarget():
            group = catalogue.groups[target.group]
            if group.query is None:
                return recipient.id in anyone(group)
            try:
                return matches(group.query, recipient, catalogue.project)
            except LanguageError:
                return False
    return False


def wanted(wishes: Wishes, category: Category, channel: str) -> bool:
    """Whether a person wants a category by a channel (``*``: by those of which they said nothing)."""
    said = wishes.categories.get(category.name, {})
    return category.consent == "required" or said.get(channel, said.get(EVERY_CHANNEL, category.consent == "opt_out"))


def choose(
    wishes: Wishes, category: Category, said: Mapping[str, bool], proof: Proof
) -> tuple[Wishes, Sequence[Consent]]:
    """The wishes with exactly this said of a category, by channel (``*``: all others), and the lines that the record
    then needs. A line for all channels replaces those for single ones before it. Where nothing is said any more, a
    line tells what the category then does."""
    before = wishes.categories.get(category.name, {})
    unsaid = category.consent != "opt_in"
    others = said.get(EVERY_CHANNEL)
    found: dict[str, bool] = {}
    if others is not before.get(EVERY_CHANNEL):
        found[EVERY_CHANNEL] = others = unsaid if others is None else others
        found.update((channel, given) for channel, given in sorted(said.items()) if given is not others)
    else:
        for channel in sorted({*before, *said}):
            now = said.get(channel, others)
            if now is not before.get(channel, others):
                found[channel] = unsaid if now is None else now
    lines = [proof.line(category.name, channel, given) for channel, given in found.items()]
    categories = {name: each for name, each in wishes.categories.items() if name != category.name}
    if said:
        categories[category.name] = dict(said)
    return msgspec.structs.replace(wishes, categories=categories), lines
