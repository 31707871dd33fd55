"""The Store, written once over named statements; what differs between databases is in their SQL."""

from __future__ import annotations

import secrets

from arauto.store.database import Database
from arauto.store.editions import EditionsVerbs
from arauto.store.fanouts import FanoutsVerbs
from arauto.store.history import HistoryVerbs
from arauto.store.interventions import InterventionsVerbs
from arauto.store.looking import Looking
from arauto.store.people import People
from arauto.store.privacy import PrivacyVerbs
from arauto.store.receipts import ReceiptsVerbs
from arauto.store.releases import ReleasesVerbs
from arauto.store.retention import RetentionVerbs
from arauto.store.silences import SilencesVerbs
from arauto.store.ticks import TicksVerbs
from arauto.store.wishes import WishesVerbs
from arauto.store.work import Work


class RelationalStore(
    Work,
    FanoutsVerbs,
    People,
    WishesVerbs,
    ReceiptsVerbs,
    InterventionsVerbs,
    SilencesVerbs,
    EditionsVerbs,
    ReleasesVerbs,
    TicksVerbs,
    Looking,
    PrivacyVerbs,
    RetentionVerbs,
    HistoryVerbs,
):
    """A Store over a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.exclusive = database.exclusive

    async def ping(self) -> None:
        """Writes and commits a row."""
        async with self._database.transaction() as transaction:
            await transaction.rows("ping", now=secrets.token_hex(8))

    async def close(self) -> None:
        """After the last verb has ended."""
        await self._database.close()
