"""arauto serve: how it ends."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from arauto import app
from arauto.catalogue import compile_project
from arauto.cli import Failed, main, serve
from arauto.cli.hub import SESSION_FILE, state_folder
from journeys.hubs import eventually

EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "shop",
    "type": "order.paid",
    "data": {"order": {"number": "1", "total": 1, "customer": "Ana"}},
}


async def test_when_the_disk_has_failed_it_ends_and_says_so_to_whoever_starts_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "shop"
    with pytest.raises(SystemExit):
        main(["init", str(project), "--locale", "en"])
    monkeypatch.setenv("APP_TOKEN", "canary")
    alone = SimpleNamespace(collect=lambda: 0, freeze=lambda: None, set_threshold=lambda *_: None)
    monkeypatch.setattr(serve, "gc", alone)  # other tests come after this one in the same process
    interval = sys.getswitchinterval()
    stores: list[Any] = []
    really = app.open_store

    async def open_store(database: str) -> Any:
        stores.append(await really(database))
        return stores[-1]

    monkeypatch.setattr(app, "open_store", open_store)
    database = state_folder(project) / "hub.sqlite3"
    serving = asyncio.create_task(serve._serve(project, compile_project(project), str(database), "127.0.0.1", 0))
    session = state_folder(project) / SESSION_FILE
    await eventually(lambda: asyncio.sleep(0, session.exists() or serving.done()))
    told = json.loads(session.read_text())
    stores[0]._database._lost = "the disk has failed: check it, then start again"
    headers = {"Content-Type": "application/cloudevents+json", "Authorization": f"Bearer {told['key']}"}
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{told['url']}/v1/events", json=EVENT, headers=headers) as answer,
    ):
        assert answer.status == 503
    async with asyncio.timeout(20):
        with pytest.raises(Failed, match="the disk has failed: check it, then start again") as failed:
            await serving
    sys.setswitchinterval(interval)
    assert failed.value.exit_code == 5
    assert not session.exists()
