"""receiving: what providers and people answer, and what follows from it for addresses and consent."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from arauto.decide.wishes import IN_APP
from arauto.engine.rendering import Rendering
from arauto.model import Consent, Message, Receipt, Wishes
from arauto.store import Consequence, Kept, Suppression
from arauto.store.wishes import Change


class Receiving(Rendering):
    """Take receipts."""

    async def receive(self, receipts: Sequence[Receipt]) -> Kept:
        """Keep receipts, and wake the runs that wait for them; durable when it returns. May be given the same ones
        again. Whoever calls a running hub calls ``Hub.receive``, which also rings for the runs."""
        kept = await self.store.record_receipts(receipts, self._follow, now=self.clock())
        for message, receipt in kept.new:
            self.metrics.receipts.labels(message.channel, receipt.kind).inc()
        self.metrics.receipts_repeated.inc(kept.repeated)
        self.metrics.receipts_unknown.inc(kept.unknown)
        return kept

    def _follow(self, message: Message, receipt: Receipt) -> Consequence:
        """An address that is gone, or whose person complained, is used no more; a complaint ends the category too."""
        if message.channel == IN_APP or not (receipt.permanent or receipt.kind == "complained"):
            return Consequence()
        hashed = self.address_hash(message.channel, message.address)
        suppress = Suppression(hashed, message.channel, receipt.kind, receipt.at)
        return Consequence(suppress, self._withdrawal(message, receipt) if receipt.kind == "complained" else None)

    def _withdrawal(self, message: Message, receipt: Receipt) -> Change | None:
        notification = self.catalogue.notifications.get(message.notification)
        if notification is None or self.catalogue.categories[notification.category].consent == "required":
            return None
        category, channel = notification.category, message.channel
        consent = Consent(category=category, channel=channel, given=False, at=receipt.at, how="receipt")

        def withdraw(wishes: Wishes) -> tuple[Wishes, Sequence[Consent]]:
            said = {**wishes.categories.get(category, {}), channel: False}
            return msgspec.structs.replace(wishes, categories={**wishes.categories, category: said}), (consent,)

        return withdraw
