"""What holds runs and messages up: silences, and what is open of a mute. Each has a key under which they wait.

Whoever decided that something is held may have looked before the hold ended or changed. So that nothing is missed, both
the one who ends a hold and the one who writes what it holds up lock its key first; then the first wakes all that
waits under it, and the second looks whether it still stands.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from arauto.store.database import Transaction
from arauto.store.documents import to_micros
from arauto.store.records import RunRecord


async def standing(transaction: Transaction, keys: Collection[str]) -> set[str]:
    """Those of these holds that stand; their keys must be locked."""
    if not keys:
        return set()
    return {key for (key,) in await transaction.rows("standing_holds", keys=sorted(keys))}


async def without_ended(transaction: Transaction, records: Sequence[RunRecord], now: datetime) -> list[RunRecord]:
    """These records; those that are held by what no longer stands are due at once."""
    keys = {record.hold for record in records if record.hold is not None}
    if not keys:
        return list(records)
    stand = await standing(transaction, keys)
    return [
        record
        if record.hold is None or record.hold in stand
        else msgspec.structs.replace(record, hold=None, due_at=now)
        for record in records
    ]


async def free(transaction: Transaction, keys: Collection[str], now: datetime) -> bool:
    """Let all be due at once that waits under these keys, which must be locked; True when there was something."""
    if not keys:
        return False
    given, moment = sorted(keys), to_micros(now)
    runs = await transaction.rows("free_held_runs", keys=given, now=moment)
    messages = await transaction.rows("free_held_messages", keys=given, now=moment)
    return bool(runs or messages)
