"""batch: many callers, one flush. This is how many requests share one commit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

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
        """Add an item; the future has its answer when its batch is flushed, or the error that its batch raised."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(self._limit, len(self._waiting)))]
                try:
                    answers = await self._flush([item for item, _ in batch])
                    answered = list(zip(batch, answers, strict=True))
                except Exception as error:
                    for _, future in batch:
                        if not future.done():
                            future.set_exception(error)
                else:
                    for (_, future), answer in answered:
                        if not future.done():
                            future.set_result(answer)
        finally:
            self._runner = None

    async def drain(self) -> None:
        """Return when nothing waits and no flush is under way."""
        while self._runner is not None:
            await asyncio.wait([self._runner])
