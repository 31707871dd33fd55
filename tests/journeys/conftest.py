"""The journeys' world: stand-ins on loopback, a project pointed at them, a hub at work on it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from arauto.demo.standins import Outside, outside
from journeys.hubs import ENVIRONMENT, HERE, HubProcess, hub_process


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Outside]:
    """The outside world."""
    async with outside(tmp_path / "outside") as found:
        found.webhook_secret = ENVIRONMENT["JOURNEY_WEBHOOK_SECRET"]
        yield found


@pytest.fixture
def project(tmp_path: Path, world: Outside) -> Path:
    """The journeys' project, pointed at the stand-ins."""
    folder = tmp_path / "project"
    shutil.copytree(HERE / "project", folder)
    for path in folder.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        text = text.replace("SMTP_PORT", str(world.smtp_port)).replace("HTTP_PORT", str(world.http_port))
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
async def hub(project: Path) -> AsyncIterator[HubProcess]:
    """A hub at work on the journeys' project, on SQLite."""
    async with hub_process(project) as found:
        yield found
