"""batch: many callers, one flush. This is how many requests share one commit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from arauto.errors import StoreRefused

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Batcher(Generic[Item, Answer]):
    """Gathers what comes while a flush is under way and flushes it together next; idle, it flushes at once."""

    def __init__(self, flush: Callable[[list[Item]], Awaitable[Sequence[Answer]]], *, limit: int) -> None:
        self._flush, self._limit = flush, limit
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._runner: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, item: Item) -> asyncio.Future[Answer]:
        """Add an item; the future has its answer when its batch is flushed, or the error that its batch raised. Of a
        batch that the database does not take, each item is flushed by itself, so that one does not harm the others."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._answer([self._waiting.popleft() for _ in range(min(self._limit, len(self._waiting)))])
        finally:
            self._runner = None

    async def _answer(self, batch: Sequence[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._flush([item for item, _ in batch])
            answered = list(zip(batch, answers, strict=True))
        except Exception as error:
            if isinstance(error, StoreRefused) and len(batch) > 1:
                for each in batch:
                    await self._answer([each])
                return
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), answer in answered:
                if not future.done():
                    future.set_result(answer)

    async def drain(self) -> None:
        """Return when nothing waits and no flush is under way."""
        while self._runner is not None:
            await asyncio.wait([self._runner])
