"""A store in memory that is used again and again, empty each time."""

from __future__ import annotations

from arauto.store.relational import RelationalStore
from arauto.store.sqlite import SqliteDatabase


class ScratchStore(RelationalStore):
    """As any store, but for ``empty``. To empty one is ten times as fast as to open another, and its statements stay
    compiled."""

    def __init__(self) -> None:
        self._memory = SqliteDatabase(None)
        super().__init__(self._memory)

    async def empty(self) -> None:
        """Forget everything, and count from the beginning."""
        await self._memory.empty()
