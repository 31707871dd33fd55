"""The real hub, in a process of its own or in this one, with real SMTP and HTTP on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

HERE = Path(__file__).parent
ENVIRONMENT = {
    "JOURNEY_TWILIO_TOKEN": "twilio-canary-0011223344556677",
    "JOURNEY_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "JOURNEY_SHOP_SECRET": "shop-canary-889900",
}
PATIENCE = 40
"""Seconds after which something that should have happened is taken to have failed."""


class HubProcess:
    """A hub that runs as ``arauto serve``, and what a client can do with it."""

    def __init__(self, project: Path, database: str | None) -> None:
        self.project, self.database = project, database
        self.session: aiohttp.ClientSession | None = None
        self.process: asyncio.subprocess.Process | None = None
        self.url = self.key = ""
        self.log = b""

    async def start(self, **environment: str) -> None:
        """Start it, and wait until it is ready."""
        arguments = ["serve", str(self.project), "--port", "0", "--json-logs"]
        if self.database:
            arguments += ["--database", self.database]
        self.process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / "arauto"),
            *arguments,
            env={**os.environ, **ENVIRONMENT, **environment},
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while True:
                line = await self.process.stderr.readline()
                self.log += line
                if not line:
                    raise AssertionError(f"the hub ended at once:\n{self.log.decode()}")
                if line.startswith(b"Arauto serves"):
                    break
        self._reader = asyncio.create_task(self._read())
        told = json.loads((self.project / ".arauto" / "session.json").read_text())
        self.url, self.key = told["url"], told["key"]

    async def _read(self) -> None:
        assert self.process is not None
        assert self.process.stderr is not None
        self.log += await self.process.stderr.read()

    async def ended(self) -> int:
        """Wait for its end; returns how it ended."""
        assert self.process is not None
        async with asyncio.timeout(PATIENCE):
            await self._reader
            return await self.process.wait()

    async def stop(self) -> int:
        """SIGTERM, and wait."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """One API call with the session's key."""
        assert self.session is not None
        told = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **headers}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        async with self.session.request(method, self.url + path, data=data, headers=told) as answer:
            text = await answer.read()
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.status, json.loads(text) if text and is_json else text

    async def send(self, id: str, type: str, data: Any) -> tuple[int, Any]:
        """Post one CloudEvent."""
        event = {"specversion": "1.0", "id": id, "source": "test", "type": type, "data": data}
        return await self.call("POST", "/v1/events", event, **{"Content-Type": "application/cloudevents+json"})

    async def explained(self, id: str) -> dict[str, Any]:
        """The explanation of an event."""
        status, told = await self.call("GET", f"/v1/events/{id}/explanation?lang=en")
        assert status == 200, told
        return told  # type: ignore[no-any-return]

    async def settled(
        self, id: str, states: frozenset[str] = frozenset({"sent", "failed", "expired", "unknown"})
    ) -> Any:
        """Wait until every message of an event is in one of these states; returns its explanation."""

        async def look() -> Any:
            told = await self.explained(id)
            runs = [line for each in told["notifications"] for line in each["recipients"] if line["chosen"]]
            messages = [message for line in runs for message in line["messages"]]
            ready = (
                told["event"]["state"] == "planned"
                and all(message["state"] in states for message in messages)
                and all(line["run"]["state"] == "done" for line in runs)
            )
            return told if ready else None

        return await eventually(look)


async def eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    """Ask again and again until there is an answer; fails when there never is."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await look()
            if found:
                return found
            await asyncio.sleep(0.02)


def messages_of(told: dict[str, Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """(notification, recipient, channel) → message."""
    return {
        (message["notification"], message["recipient"], message["channel"]): message
        for each in told["notifications"]
        for line in each["recipients"]
        for message in line.get("messages", ())
    }


@asynccontextmanager
async def hub_process(project: Path, database: str | None = None, **environment: str) -> AsyncIterator[HubProcess]:
    """A hub in a process of its own; killed when the block ends, if it still runs."""
    hub = HubProcess(project, database)
    async with aiohttp.ClientSession() as session:
        hub.session = session
        await hub.start(**environment)
        try:
            yield hub
        finally:
            await hub.kill()
