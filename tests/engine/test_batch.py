"""Batcher: many callers, one flush."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from arauto.engine.batch import Batcher


class Flush:
    """Keeps its batches, and answers when it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()
        self.fails: dict[int, Exception] = {}
        self.too_few = False

    async def __call__(self, items: list[int]) -> list[str]:
        self.batches.append(items)
        await self.go.wait()
        for item in items:
            if item in self.fails:
                raise self.fails[item]
        return [f"did {item}" for item in items[1 if self.too_few else 0 :]]


async def test_what_comes_during_a_flush_is_flushed_together_next_in_order() -> None:
    flush = Flush()
    batcher: Batcher[int, str] = Batcher(flush, limit=4)
    first = batcher.put(0)
    await asyncio.sleep(0)
    assert flush.batches == [[0]]
    rest = [batcher.put(number) for number in range(1, 8)]
    assert len(batcher) == 7
    flush.go.set()
    assert await first == "did 0"
    assert await asyncio.gather(*rest) == [f"did {number}" for number in range(1, 8)]
    assert flush.batches == [[0], [1, 2, 3, 4], [5, 6, 7]]
    assert len(batcher) == 0


async def test_idle_it_flushes_at_once_and_again_later() -> None:
    flush = Flush()
    flush.go.set()
    batcher: Batcher[int, str] = Batcher(flush, limit=4)
    for number in range(3):
        assert await batcher.put(number) == f"did {number}"
    assert flush.batches == [[0], [1], [2]]


async def test_an_error_reaches_all_of_its_batch_and_no_others() -> None:
    flush = Flush()
    flush.fails = {2: OSError("disk")}
    batcher: Batcher[int, str] = Batcher(flush, limit=2)
    futures = [batcher.put(number) for number in range(5)]
    flush.go.set()
    answers: list[Any] = await asyncio.gather(*futures, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["did 0", "did 1", "disk", "disk", "did 4"]
    assert await batcher.put(9) == "did 9"


async def test_a_flush_that_answers_too_few_is_an_error_and_not_the_end() -> None:
    flush = Flush()
    flush.go.set()
    flush.too_few = True
    batcher: Batcher[int, str] = Batcher(flush, limit=4)
    futures = [batcher.put(number) for number in range(2)]
    for future in futures:
        with pytest.raises(ValueError, match="shorter"):
            await future
    flush.too_few = False
    assert await batcher.put(9) == "did 9"


async def test_a_caller_that_gave_up_does_not_harm_the_others() -> None:
    flush = Flush()
    batcher: Batcher[int, str] = Batcher(flush, limit=4)
    futures = [batcher.put(number) for number in range(3)]
    await asyncio.sleep(0)
    futures[1].cancel()
    flush.go.set()
    assert await futures[2] == "did 2"
    flush.fails = {4: OSError("disk")}
    given_up, other = batcher.put(4), batcher.put(5)
    given_up.cancel()
    with pytest.raises(OSError, match="disk"):
        await other


async def test_drain_waits_for_what_waits() -> None:
    flush = Flush()
    batcher: Batcher[int, str] = Batcher(flush, limit=1)
    await batcher.drain()
    futures = [batcher.put(number) for number in range(3)]
    draining = asyncio.create_task(batcher.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    flush.go.set()
    await draining
    assert all(future.done() for future in futures)
