"""Ticks: up to which moment the times of each schedule are dealt with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from arauto.store.database import Database
from arauto.store.documents import to_micros, to_moment


class Ticked(Struct, frozen=True):
    """Up to a moment, the times of a schedule are dealt with."""

    source: str
    rule: str
    """What the schedule said then; one that says something else begins anew."""
    at: datetime


class TicksStore(Protocol):
    """Verbs about ticks."""

    async def ticked(self) -> list[Ticked]:
        """Of every schedule that was ever noted and not forgotten."""
        ...

    async def note_ticked(self, noted: Sequence[Ticked]) -> None:
        """Overwrites what is there of these sources, each of which is given once. To be called when the ticks' events
        are durable: events that come twice are one."""
        ...

    async def forget_ticked(self, sources: Collection[str]) -> None:
        """These sources are no schedules any more."""
        ...


class TicksVerbs:
    """TicksStore over named statements."""

    _database: Database

    async def ticked(self) -> list[Ticked]:
        """By source."""
        async with self._database.reading() as reading:
            rows = await reading.rows("ticked")
        return [Ticked(source, rule, to_moment(at)) for source, rule, at in rows]

    async def note_ticked(self, noted: Sequence[Ticked]) -> None:
        """The later call counts, whatever its moment: a clock that was wrong may be set back."""
        columns: dict[str, Sequence[object]] = {
            "source": [each.source for each in noted],
            "rule": [each.rule for each in noted],
            "at": [to_micros(each.at) for each in noted],
        }
        async with self._database.transaction() as transaction:
            await transaction.many("note_ticked", columns)

    async def forget_ticked(self, sources: Collection[str]) -> None:
        """Those that are not there are forgotten already."""
        async with self._database.transaction() as transaction:
            await transaction.rows("forget_ticked", sources=sorted(sources))
