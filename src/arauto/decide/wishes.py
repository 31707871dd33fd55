"""wishes: what a recipient wants, and what that means for a message now; pure.

Asked when a step sends, and again when a message that waited is sent: so what counts is the wish of that moment.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from arauto.decide.calendar import quiet_until
from arauto.model import (
    JSON,
    Catalogue,
    Category,
    Message,
    Project,
    Reason,
    Recipient,
    Run,
    Use,
    derive_id,
)

IN_APP = "inapp"
"""The channel whose address is the recipient's own id, and which disturbs nobody."""

EVERY_CHANNEL = "*"


def refusal(recipient: Recipient, category: Category, channel: str) -> Reason | None:
    """Why a message of this category may not go to a person by this channel; None when it may."""
    if recipient.kind == "system" or category.consent == "required":
        return None
    said = recipient.wishes.categories.get(category.name, {})
    wanted = said.get(channel, said.get(EVERY_CHANNEL))
    if wanted is False:
        return Reason("not_wanted", {"category": category.name, "channel": channel})
    if wanted is None and category.consent == "opt_in":
        return Reason("not_agreed", {"category": category.name, "channel": channel})
    return None


def addresses(recipient: Recipient, channel: str) -> list[JSON]:
    """Where a recipient is reached by a channel: without what is suppressed. Of recipients, only people have an
    inbox."""
    if channel == IN_APP:
        return [recipient.id] if recipient.kind == "person" else []
    dead = recipient.suppressed.get(channel)
    known = recipient.addresses.get(channel, [])
    return [address for address in known if as_text(address) not in dead] if dead else known


def as_text(address: JSON) -> str:
    """An address as one text, by which suppressed ones are known."""
    return address if isinstance(address, str) else json.dumps(address, sort_keys=True, separators=(",", ":"))


def address_hash(key: bytes, channel: str, address: JSON) -> str:
    """The keyed hash (HMAC-SHA-256, hex) by which a suppressed address is known."""
    return hmac.digest(key, f"{channel}\0{as_text(address)}".encode(), "sha256").hex()


def suppression(recipient: Recipient, channel: str) -> Reason | None:
    """Why a recipient who has addresses for a channel can't be reached by it any more."""
    dead = recipient.suppressed.get(channel)
    if not dead or addresses(recipient, channel):
        return None
    return Reason("suppressed", {"channel": channel, "reason": next(iter(dead.values()))})


def quiet(
    recipient: Recipient, category: Category, channels: Iterable[str], project: Project, now: datetime
) -> tuple[datetime, Reason] | None:
    """Until when these channels have to be quiet for a person, and why. The inbox is never: it makes no noise."""
    hours = recipient.wishes.quiet_hours
    if hours is None or recipient.kind == "system" or category.urgent or set(channels) <= {IN_APP}:
        return None
    zone = recipient.time_zone or project.time_zone
    until = quiet_until(hours, zone, now)
    return None if until is None else (until, Reason("quiet_hours", {"start": hours.start, "end": hours.end}))


def attention(recipient: Recipient, category: Category, project: Project, tenant: str, count: int) -> Use | None:
    """What ``count`` messages take of a person's attention budget; None where there is none for them."""
    budget = project.attention
    if budget is None or recipient.kind == "system" or category.urgent:
        return None
    at_most = {"low": budget.low, "normal": budget.normal, "high": budget.high}[category.priority]
    return Use(derive_id("attention", tenant, recipient.id), at_most, budget.per, count)


def locale_of(recipient: Recipient) -> str | None:
    """The language that a recipient wants, or the one that systems know of."""
    return recipient.wishes.locale or recipient.locale


def categories_of(run: Run, catalogue: Catalogue) -> list[Category]:
    """The categories of all that a run tells; of what is no longer in the project, none."""
    names = {run.notification, *(origin.notification for origin in run.origins if origin)}
    known = [catalogue.notifications[name] for name in sorted(names) if name in catalogue.notifications]
    return [catalogue.categories[notification.category] for notification in known]


def refusal_of_all(recipient: Recipient, categories: Sequence[Category], channel: str) -> Reason | None:
    """Why nothing of these categories may go by this channel; None when some of it may."""
    refusals = [refusal(recipient, category, channel) for category in categories]
    return refusals[0] if refusals and all(refusals) else None


def hindrance(message: Message, run: Run, recipient: Recipient, catalogue: Catalogue) -> Reason | None:
    """Why a message that waited may not be sent any more."""
    refused = refusal_of_all(recipient, categories_of(run, catalogue), message.channel)
    if refused is not None:
        return refused
    why = recipient.suppressed.get(message.channel, {}).get(as_text(message.address))
    return None if why is None else Reason("suppressed", {"channel": message.channel, "reason": why})
