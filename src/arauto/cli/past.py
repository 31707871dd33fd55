"""past: what a hub elsewhere remembers, through its API."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from arauto.cli import Failed
from arauto.cli.hub import HubCall
from arauto.engine.recalling import People, Piece, Span
from arauto.model import Silence
from arauto.store.history import UnderWay

T = TypeVar("T")


class RemotePast:
    """The Past of a hub that is called; ``cli.Failed`` where it can't be."""

    def __init__(self, hub: HubCall) -> None:
        self._hub = hub

    async def span(self, since: datetime, until: datetime) -> Span:
        """As the hub tells it."""
        return await self._get("span", Span, since=_iso(since), until=_iso(until))

    async def people(self, at: datetime, after: str | None) -> People:
        """As the hub tells it."""
        return await self._get("recipients", People, at=_iso(at), after=after)

    async def silences(self, at: datetime) -> tuple[Silence, ...]:
        """As the hub tells it."""
        return await self._get("silences", tuple[Silence, ...], at=_iso(at))

    async def piece(
        self, after: int, last: int, types: Collection[str], since: datetime, until: datetime, limit: int
    ) -> Piece:
        """As the hub tells it."""
        asked = {"after": after, "last": last, "since": _iso(since), "until": _iso(until), "limit": limit}
        return await self._get("events", Piece, **asked, type=sorted(types))

    async def under_way(self) -> UnderWay:
        """As the hub tells it."""
        return await self._get("under-way", UnderWay)

    async def _get(self, what: str, kind: type[T], **asked: object) -> T:
        query = urlencode({name: value for name, value in asked.items() if value is not None}, doseq=True)
        answer = await asyncio.to_thread(self._hub.call, "GET", f"/v1/history/{what}?{query}")
        try:
            return msgspec.convert(answer, kind)
        except msgspec.ValidationError as error:
            raise Failed(
                f"the hub at {self._hub.url} tells what it remembers otherwise than this program reads it ({error}): "
                "use the version of arauto that the hub has"
            ) from None


def _iso(at: datetime) -> str:
    return at.isoformat()
