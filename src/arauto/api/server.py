"""server: the API on a socket, until a signal asks it to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn

from arauto.api.application import application
from arauto.api.keyring import Keyring
from arauto.app import VERSION, App


class Server:
    """A listening server."""

    def __init__(self, server: uvicorn.Server, url: str, stop: asyncio.Event) -> None:
        self._server, self.url, self._stop = server, url, stop

    async def until_told_to_stop(self) -> None:
        """Return when SIGTERM or SIGINT came."""
        await self._stop.wait()


class _Announcing(uvicorn.Server):
    """Says when it listens. Its ``_serve`` leaves the signals to us: the hub drains before the process ends."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()
        self.ends = asyncio.Event()

    async def main_loop(self) -> None:
        """As usual, but over as soon as it is to be."""
        ticks = 0
        while not (self.ends.is_set() or await self.on_tick(ticks)):
            ticks = (ticks + 1) % 864_000
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ends.wait(), 0.1)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as usual, and say so."""
        await super().startup(sockets)
        self.listens.set()


@asynccontextmanager
async def listening(app: App, host: str, port: int) -> AsyncIterator[Server]:
    """The hub's API at this address. Raises OSError where it cannot listen.

    When the block ends, no new request is taken, streams end, and requests under way are finished.
    """
    keyring = await Keyring.open(app.store, clock=app.hub.engine.clock, session=app.session_key)
    asgi = application(app.hub, keyring, app.sources, version=VERSION, receivers=app.receivers, releasing=app.releasing)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048, reuse_port=False)
    listener.setblocking(False)
    # asyncio does not set it on connections of a listener made this way: each answer would wait 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bound = listener.getsockname()[1]
    config = uvicorn.Config(
        asgi,
        lifespan="off",
        access_log=False,
        log_config=None,
        http="httptools",
        loop="none",
        server_header=False,
        proxy_headers=False,
        date_header=True,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=75,
    )
    server = _Announcing(config)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    task = asyncio.create_task(server._serve([listener]))
    try:
        await server.listens.wait()
        shown = f"[{host}]" if ":" in host else host
        yield Server(server, f"http://{shown}:{bound}", stop)
    finally:
        app.hub.stop_listening()
        server.should_exit = True
        server.ends.set()
        await task
        listener.close()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)
