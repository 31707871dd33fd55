"""rendering: what every stage stands on: the store, the catalogue, recipients as they are now, and messages' texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from arauto.channels import Provider
from arauto.decide.advance import Standing
from arauto.decide.locale import choose
from arauto.decide.plan import correction_context, run_context
from arauto.decide.wishes import IN_APP, address_hash, as_text, locale_of, refusal
from arauto.engine.editions import Editions
from arauto.engine.links import Links
from arauto.engine.metrics import Metrics
from arauto.errors import LanguageError
from arauto.model import JSON, Attempt, Catalogue, Category, Composer, Context, Message, Recipient, Run, Wishes
from arauto.store import Claim, InboxItem, NewMessage, Store

LEASE = timedelta(seconds=90)
"""How long work is held; every call to a provider ends well within it."""

log = structlog.get_logger("arauto.engine")


class Outgoing(Struct, frozen=True):
    """A claimed message with its text, ready for its attempt, which must end before the lease does."""

    claim: Claim
    body: Any
    lease_until: datetime
    recipient: Recipient
    category: Category


Room = dict[str, int]
"""How many more messages each channel can take at once; a stage that claims some takes them off."""


class Rendering:
    """Over one store and one catalogue."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        providers: Mapping[str, Sequence[Provider]],
        *,
        clock: Callable[[], datetime],
        chance: Callable[[], float],
        owner: str,
        metrics: Metrics,
        secret: bytes,
        links: Links,
        editions: Editions | None = None,
    ) -> None:
        """Without ``editions`` there is no version but this catalogue."""
        self.store, self.providers = store, providers
        self.clock, self.chance, self.owner, self.metrics = clock, chance, owner, metrics
        self._secret, self.links = secret, links
        self.editions = editions or Editions(catalogue)

    @property
    def catalogue(self) -> Catalogue:
        """The current one."""
        return self.editions.current

    # -- recipients and what holds for them ---------------------------------------------------------------------------

    def address_hash(self, channel: str, address: JSON) -> str:
        """By this hub's key (``decide.wishes.address_hash``)."""
        return address_hash(self._secret, channel, address)

    async def recipients(self, wanted: Iterable[tuple[str, str | None]]) -> defaultdict[str, dict[str, Recipient]]:
        """By tenant and id, as they are now: those of the catalogue and of the store, with their wishes."""
        fixed: defaultdict[str, set[str]] = defaultdict(set)
        stored: defaultdict[str, set[str]] = defaultdict(set)
        known: defaultdict[str, dict[str, Recipient]] = defaultdict(dict)
        for tenant, id in wanted:
            recipient = self.catalogue.recipients.get(id or "")
            if recipient is not None:
                known[tenant][recipient.id] = recipient
                if recipient.kind == "person":
                    fixed[tenant].add(recipient.id)
            elif id is not None:
                stored[tenant].add(id)
        for tenant, ids in stored.items():
            known[tenant].update(await self.store.recipients(tenant, ids))
        for tenant, ids in fixed.items():
            said: dict[str, Wishes] = await self.store.wishes(tenant, ids)
            known[tenant].update(
                (id, msgspec.structs.replace(known[tenant][id], wishes=wishes)) for id, wishes in said.items()
            )
        return known

    async def suppress(self, known: Mapping[str, dict[str, Recipient]]) -> None:
        """Take note, in these recipients, of their addresses that may not be used any more."""
        for tenant, recipients in known.items():
            places = {
                self.address_hash(channel, address): (id, channel, address)
                for id, recipient in recipients.items()
                for channel, addresses in recipient.addresses.items()
                for address in addresses
            }
            for hash, found in (await self.store.suppressed(tenant, places)).items():
                id, channel, address = places[hash]
                recipient = recipients[id]
                dead = {**recipient.suppressed.get(channel, {}), as_text(address): found.reason}
                suppressed = {**recipient.suppressed, channel: dead}
                recipients[id] = msgspec.structs.replace(recipient, suppressed=suppressed)

    async def standing(self, tenants: Iterable[str]) -> dict[str, Standing]:
        """What holds now for all runs of each tenant."""
        now = self.clock()
        return {
            tenant: Standing(self.catalogue, await self.store.silences_in_force(tenant, now)) for tenant in set(tenants)
        }

    # -- texts -------------------------------------------------------------------------------------------------------

    def new_message(
        self, message: Message, run: Run, recipient: Recipient, context: Context, room: Room, now: datetime
    ) -> tuple[NewMessage, Any]:
        """A message as it is to be stored, and its text where there is room to send it at once."""
        if message.channel != IN_APP and room.get(message.channel, 0) <= 0:
            return NewMessage(message=message, state="queued", due_at=now), None
        try:
            body = self.render(message, run, recipient, context)
        except (LanguageError, LookupError) as error:
            return NewMessage(message=self.unrendered(message, error, now), state="failed"), None
        if message.channel == IN_APP:
            kept = with_attempt(message, "store", now, now, "accepted", answer="stored")
            self.metrics.ended.labels(IN_APP, "sent").inc()
            return NewMessage(message=kept, state="sent", inbox=inbox_item(message, body, now)), None
        room[message.channel] -= 1
        return NewMessage(message=message, state="sending"), body

    def render(self, message: Message, run: Run, recipient: Recipient, context: Context) -> Any:
        """The message's native form. Raises LanguageError, or LookupError where there is no text."""
        catalogue = self.editions.of(run)
        category = catalogue.categories[catalogue.notifications[message.notification].category]
        told = self.links.told(message, recipient, category)
        if message.correction is not None:
            by = next(signal.event for signal in run.signals if signal.event and signal.event.key == message.correction)
            context = correction_context(run, by, recipient, self.catalogue)
        elif message.gathered:
            told["notices"] = self._notices(message.channel, run, recipient, told)
        composers, locale = self.texts(message, run, recipient)
        if locale is None:
            said = f"no text for {message.channel} in {locale_of(recipient)}; there are: {', '.join(composers)}"
            raise LookupError(said)
        try:
            return composers[locale].compose({**context, "message": told})
        except LanguageError:
            raise
        except Exception as error:
            log.error("a text's code failed", message=message.id, channel=message.channel, exc_info=error)
            raise LanguageError(f"the code behind it failed: {type(error).__name__}") from error

    def texts(self, message: Message, run: Run, recipient: Recipient) -> tuple[dict[str, Composer], str | None]:
        """The texts that there are for a message, by locale, and the locale that suits its recipient, if any does."""
        notification = self.editions.of(run).notifications[message.notification]
        if message.correction is not None:
            texts = notification.corrections
        else:
            texts = self.catalogue.gathered if message.gathered else notification.composers
        composers: dict[str, Composer] = texts.get(message.channel, {})
        return composers, choose(composers, locale_of(recipient), self.catalogue.project.locale)

    def _notices(self, channel: str, run: Run, recipient: Recipient, told: dict[str, JSON]) -> list[JSON]:
        """What a message lists that tells of several notifications: of each that its recipient wants by this channel,
        the title and where it leads. One whose own text fails is listed by its category's title."""
        found: list[JSON] = []
        for name, events in run.items:
            notification = self.catalogue.notifications.get(name)
            if notification is None:
                continue
            category = self.catalogue.categories[notification.category]
            if refusal(recipient, category, channel) is not None:
                continue
            chosen = choose(category.title, locale_of(recipient), self.catalogue.project.locale)
            title, url = category.title.get(chosen or "", name), None
            locale = choose(notification.notices, locale_of(recipient), self.catalogue.project.locale)
            if locale is not None:
                alone = msgspec.structs.replace(run, events=events, origins=(), retracted=())
                known = {**run_context(alone, recipient, self.catalogue), "message": told}
                try:
                    body: Any = notification.notices[locale].compose(known)
                    title, url = body.title, body.url
                except LanguageError:
                    self.metrics.expression_failures.labels("text").inc()
            found.append({"title": title, "url": url})
        return found

    def unrendered(self, message: Message, error: Exception, now: datetime) -> Message:
        """A message whose text failed."""
        self.metrics.expression_failures.labels("text").inc()
        self.metrics.ended.labels(message.channel, "failed").inc()
        said = error.message if isinstance(error, LanguageError) else str(error).strip("'\"")
        return with_attempt(message, "text", now, now, "rejected", reason=f"its text failed: {said}")


def inbox_item(message: Message, body: Any, now: datetime) -> InboxItem:
    """What stands in the inbox of a message with this body."""
    return InboxItem(
        id=message.id,
        recipient=message.recipient,
        created_at=now,
        content=msgspec.to_builtins(body),
        tenant=message.tenant,
    )


def with_attempt(
    message: Message,
    provider: str,
    started: datetime,
    ended: datetime,
    outcome: Any,
    *,
    reason: str | None = None,
    answer: str | None = None,
    reference: str | None = None,
    request: str | None = None,
) -> Message:
    """The message with an attempt that has ended."""
    attempt = Attempt(
        number=len(message.attempts) + 1,
        provider=provider,
        request=request,
        started_at=started,
        ended_at=ended,
        outcome=outcome,
        reason=reason,
        answer=answer or None,
        reference=reference,
    )
    return msgspec.structs.replace(message, attempts=(*message.attempts, attempt))
