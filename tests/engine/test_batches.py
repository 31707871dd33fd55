"""A batch touches the database as often as one event does, whatever its steps ask of the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from arauto.model import Event
from arauto.store.sqlite import SqliteTransaction
from decide.conftest import NOW, awaited, notification
from engine.conftest import World, target, texts
from engine.driving import Drive

CANCEL = {"cancel": awaited("order.cancelled")}

STEPS = [
    pytest.param({"send": "email"}, {}, set(), id="nothing"),
    pytest.param({"digest": "1h"}, {}, {"lock_keys", "merge_hosts"}, id="one digest"),
    pytest.param({"digest": {"window": "1h", "by": "event.data.n"}}, {}, {"merge_hosts"}, id="a digest for each"),
    pytest.param({"throttle": {"at_most": 3, "per": "1h"}}, {}, {"lock_keys", "uses"}, id="an allowance"),
    pytest.param({"delay": "1h"}, CANCEL, {"lock_keys", "insert_awaits", "wake_signalled"}, id="listening"),
]


@pytest.mark.parametrize(("step", "more", "asked"), STEPS)
async def test_what_a_batch_asks_of_the_database(
    world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, step: Any, more: Any, asked: set[str]
) -> None:
    calls: Counter[str] = Counter()
    for name in ("rows", "many"):

        def counted(real: Any) -> Any:
            async def call(self: Any, statement: str, *rest: Any, **parameters: Any) -> Any:
                calls[statement] += 1
                return await real(self, statement, *rest, **parameters)

            return call

        monkeypatch.setattr(SqliteTransaction, name, counted(getattr(SqliteTransaction, name)))
    made = world(notification(target(person="'ana'"), do=(step, {"send": "sms"}), texts=texts(), **more))
    drive = Drive(made.engine, made.clock)

    async def plan(*ids: int) -> Counter[str]:
        await drive.accept(
            *[Event(source="shop", id=str(n), type="order.paid", time=NOW, data={"n": n, "order": n}) for n in ids]
        )
        calls.clear()
        pending, drive.pending = drive.pending, []
        await made.engine.plan(pending, {})
        return Counter(calls)

    await plan(0)
    few, many = await plan(1, 2), await plan(*range(3, 103))
    assert many.keys() - few.keys() <= {"delete_uses", "insert_uses"}
    assert max(many.values()) == 1
    assert asked <= many.keys()
    automation = {"lock_keys", "merge_hosts", "uses", "insert_awaits", "hand_over_awaits", "insert_uses"}
    assert asked or not automation & many.keys(), "whoever asks for nothing of it pays nothing for it"
