"""The guarded client: where it goes, where it does not, and what it makes of bad answers. All on loopback."""

from __future__ import annotations

import asyncio
import gzip
import logging
import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import trustme
from aiohttp.resolver import ThreadedResolver

from arauto.egress import BODY_LIMIT, Egress, _Guard, _GuardedConnector, parse_retry_after, show_url
from arauto.errors import Ambiguous, EgressForbidden, Retry, UsageFault

LOOPBACK = ["127.0.0.0/8"]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A loopback listener that remembers the connections made to it and the requests written to them."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.requests: list[bytes] = []
        self.server_names: list[str | None] = []

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    return head + await reader.readexactly(length)


@asynccontextmanager
async def serving(
    script: Script | bytes = OK, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """A server that answers each request with these bytes, or hands the connection to the script."""
    server = Server()
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        try:
            if callable(script):
                await script(reader, writer)
            else:
                while True:
                    server.requests.append(await read_request(reader))
                    writer.write(script)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            handlers.discard(task)
            writer.close()

    listener = await asyncio.start_server(handle, host, 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in list(handlers):
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


@asynccontextmanager
async def client(*networks: str, addresses: dict[str, list[str]] | None = None) -> AsyncIterator[Egress]:
    """An Egress that may reach these networks and for which these are all the names there are."""

    def lookup(host: str) -> list[str]:
        if addresses is None or host not in addresses:
            raise OSError("no such name")
        return addresses[host]

    egress = Egress(networks, lookup=lookup)
    try:
        yield egress
    finally:
        await egress.close()


# -- where it does not go --------------------------------------------------------------------------------------------

FORBIDDEN_ADDRESSES = """\
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.1.2.3 127.255.255.255
168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.0.255
192.0.2.1 192.88.99.1 192.88.99.3 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9
224.0.0.1 224.1.2.3 233.252.0.16 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::2 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
64:ff9b::a00:1 64:ff9b::ac1c:5 64:ff9b::c0a8:0 64:ff9b::808:808 64:ff9b:1::1 64:ff9b:1:ffff::a00:1 100::1 2001::1
2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a00:1::1
2002:c000:201::1 2002:c0a8:1::1 2002:808:808::1 3fff::1 3fff::dead:beef 3fff:fff::1 4000::1 5f00::1
5f00:ffff::1 fc00::1 fd00::1 fd00:ec2::254 fdff:ffff::1 fe80::1 fe80::a9fe:a9fe febf::1 fec0::1 ff01::1 ff02::1 ff02::2
ff05::1:3 ffff::1
"""

PUBLIC_ADDRESSES = """\
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 169.253.255.255 169.255.0.1
172.15.255.255 172.32.0.1 191.255.255.255 192.0.1.1 192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.1
223.255.255.255 2001:200::1 2001:4860:4860::8888 2003::1 2606:4700:4700::1111 2a00:1450:4001::1 ::ffff:8.8.8.8
"""


@pytest.mark.parametrize("address", FORBIDDEN_ADDRESSES.split())
async def test_an_address_that_is_not_public_is_refused_as_a_literal_and_behind_a_name(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    async with client(addresses={"hook.example": ["8.8.8.8", address]}) as egress:
        with pytest.raises(EgressForbidden):
            await egress.request("GET", f"http://{host}/", headers={})
        with pytest.raises(EgressForbidden, match=r"hook\.example"):
            await egress.request("GET", "http://hook.example/", headers={})


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES.split())
def test_a_public_address_is_allowed(address: str) -> None:
    _Guard([]).check(address, "here")


ODD_URLS = {
    "a decimal address": "http://2130706433:{port}/",
    "an octal address": "http://0177.0.0.1:{port}/",
    "an octal number": "http://017700000001:{port}/",
    "a hexadecimal address": "http://0x7f.0.0.1:{port}/",
    "a hexadecimal number": "http://0x7f000001:{port}/",
    "a short address": "http://127.1:{port}/",
    "a shorter address": "http://0:{port}/",
    "leading zeros": "http://127.000.000.001:{port}/",
    "a trailing dot": "http://127.0.0.1.:{port}/",
    "an ideographic full stop": "http://127。0。0。1:{port}/",
    "circled digits": "http://①②⑦.⓪.⓪.①:{port}/",
    "fullwidth digits": "http://127.0.0.1:{port}/",
    "five parts": "http://127.0.0.1.1:{port}/",
    "IPv6 in long form": "http://[0000:0000:0000:0000:0000:ffff:7f00:0001]:{port}/",
    "an IPv6 zone": "http://[fe80::1%25lo]:{port}/",
    "credentials": "http://user:password@127.0.0.1:{port}/",
    "an empty user": "http://:password@127.0.0.1:{port}/",
    "a backslash": "http://example.com\\@127.0.0.1:{port}/",
    "a space": "http://127.0.0.1 .example.com:{port}/",
    "a line break": "http://127.0.0.1:{port}/\r\nX-Evil: 1",
    "a percent sign in the host": "http://127.0.0.1%2f.example.com:{port}/",
    "no host": "http:///path",
    "no scheme": "//127.0.0.1:{port}/",
    "port 0": "http://127.0.0.1:0/",
    "a port too high": "http://127.0.0.1:70000/",
    "file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:{port}/",
    "ftp": "ftp://127.0.0.1:{port}/",
    "javascript": "javascript:alert(1)",
    "nothing": "",
}


@pytest.mark.parametrize("url", [pytest.param(url, id=name) for name, url in ODD_URLS.items()])
async def test_no_notation_of_loopback_reaches_it(url: str) -> None:
    async with serving() as server, client("10.0.0.0/8") as egress:
        with pytest.raises(EgressForbidden):
            await egress.request("GET", url.format(port=server.port), headers={})
        assert server.connections == 0


async def test_localhost_is_looked_up_by_the_system_and_refused() -> None:
    egress = Egress()
    with pytest.raises(EgressForbidden, match="under private_networks"):
        await egress.request("GET", "http://localhost:1/", headers={})
    await egress.close()


async def test_a_refusal_names_the_address_and_how_to_allow_it() -> None:
    async with client() as egress:
        with pytest.raises(EgressForbidden) as caught:
            await egress.request("GET", "https://10.1.2.3:8443/secret-path?token=secret", headers={})
    assert str(caught.value) == (
        "https://10.1.2.3:8443/…: 10.1.2.3 is not a public address (a private network); "
        "to allow it, list 10.1.2.3/32 or its range under private_networks in arauto.yaml"
    )


@pytest.mark.parametrize("embedding", ["64:ff9b::7f00:1", "2002:7f00:1::1", "2001:0:7f00:1::1", "::127.0.0.1"])
def test_an_embedded_ipv4_address_is_refused_even_when_its_range_is_listed(embedding: str) -> None:
    with pytest.raises(EgressForbidden, match="give the IPv4 address itself"):
        _Guard(["::/0", "0.0.0.0/0"]).check(embedding, "here")


def test_a_mapped_address_counts_as_the_ipv4_address_that_it_is() -> None:
    _Guard(["127.0.0.1/32"]).check("::ffff:127.0.0.1", "here")


def test_a_range_that_is_none_says_what_to_write() -> None:
    with pytest.raises(UsageFault, match=r"10\.0\.0\.1/8.*write ranges such as"):
        Egress(["10.0.0.1/8"])


async def test_a_name_that_changes_its_mind_is_checked_for_each_look_up_and_connected_where_it_was_checked() -> None:
    answers = [["127.0.0.2"], ["127.0.0.1"]]
    async with serving(host="127.0.0.1") as internal, serving(host="127.0.0.2") as allowed:
        egress = Egress(["127.0.0.2/32"], lookup=lambda host: answers.pop(0))
        await egress.request("GET", f"http://hook.example:{allowed.port}/", headers={})
        with pytest.raises(EgressForbidden, match=r"127\.0\.0\.1"):
            await egress.request("GET", f"http://hook.example:{internal.port}/", headers={})
        assert (allowed.connections, internal.connections, answers) == (1, 0, [])
        await egress.close()


async def test_the_peer_is_checked_before_anything_is_written_even_when_a_resolver_lies() -> None:
    async with serving() as server:
        connector = _GuardedConnector(
            _Guard([]),
            resolver=ThreadedResolver(),
            ssl=ssl.create_default_context(),
            limit=1,
            limit_per_host=1,
            keepalive_timeout=1,
        )
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(EgressForbidden, match=r"127\.0\.0\.1"):
                await session.get(server.url(host="localhost"))
        assert server.requests == []


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with serving() as target:
        answer = f"HTTP/1.1 307 Go\r\nLocation: {target.url()}\r\nContent-Length: 0\r\n\r\n".encode()
        async with serving(answer) as server, client(*LOOPBACK) as egress:
            response = await egress.request("POST", server.url(), headers={}, body=b"x")
        assert (response.status, response.headers["location"]) == (307, target.url())
        assert target.connections == 0


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as proxy, serving() as server, client(*LOOPBACK) as egress:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        await egress.request("GET", server.url(), headers={})
        assert (proxy.connections, server.connections) == (0, 1)


# -- where it goes -----------------------------------------------------------------------------------------------------


async def test_a_request_arrives_as_it_was_given() -> None:
    async with serving() as server, client(*LOOPBACK) as egress:
        response = await egress.request(
            "POST",
            server.url("/a/b?c=d%20e"),
            headers={"Content-Type": "text/plain", "X-Name": "caf\u00e9"},
            body=b"body",
        )
        assert (response.status, response.body, response.headers["CONTENT-LENGTH"]) == (200, b"ok", "2")
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert lines[0] == b"POST /a/b?c=d%20e HTTP/1.1"
        assert {b"Content-Type: text/plain", b"Accept-Encoding: identity", b"User-Agent: arauto"} <= set(lines)
        assert body == b"body"


async def test_cookies_are_not_kept() -> None:
    answer = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: session=1\r\n\r\n")
    async with serving(answer) as server, client(*LOOPBACK) as egress:
        for _ in range(2):
            await egress.request("GET", server.url(), headers={})
        assert b"cookie" not in server.requests[1].lower()
        assert server.connections == 1, "the connection is kept for the next request"


async def test_tls_is_checked_against_the_name_and_not_the_address(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hook.example").configure_cert(context)
    context.sni_callback = lambda connection, name, _: names.append(name)
    addresses = {"hook.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]}
    async with serving(tls=context) as server, client(*LOOPBACK, addresses=addresses) as egress:
        await egress.request("GET", server.url(host="hook.example", scheme="https"), headers={})
        assert f"Host: hook.example:{server.port}".encode() in server.requests[0]
        with pytest.raises(Retry, match="certificate is not valid"):
            await egress.request("GET", server.url(host="other.example", scheme="https"), headers={})
        assert names == ["hook.example", "other.example"]
        assert len(server.requests) == 1


INJECTIONS = {
    "a line feed in a value": {"X-A": "1\nX-B: 2"},
    "a carriage return in a value": {"X-A": "1\rX-B: 2"},
    "NUL in a value": {"X-A": "1\x00"},
    "a line break in a name": {"X-A\r\nX-B": "1"},
    "a colon in a name": {"X-A: 1": "1"},
    "an empty name": {"": "1"},
}


@pytest.mark.parametrize("headers", [pytest.param(headers, id=name) for name, headers in INJECTIONS.items()])
async def test_a_header_can_add_no_header(headers: dict[str, str]) -> None:
    async with serving() as server, client(*LOOPBACK) as egress:
        with pytest.raises(EgressForbidden):
            await egress.request("GET", server.url(), headers=headers)
        assert server.connections == 0


# -- when it fails -----------------------------------------------------------------------------------------------------


async def test_a_closed_port_is_a_retry() -> None:
    async with serving() as server:
        pass
    async with client(*LOOPBACK) as egress:
        with pytest.raises(Retry, match="refused") as caught:
            await egress.request("GET", server.url(), headers={})
        assert caught.value.kind == "temporary"


async def test_a_name_that_does_not_resolve_is_a_retry() -> None:
    async with client() as egress:
        with pytest.raises(Retry, match="does not resolve"):
            await egress.request("GET", "https://nowhere.example/", headers={})


async def test_no_tls_on_the_other_side_is_a_retry() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with serving(plain) as server, client(*LOOPBACK) as egress:
        with pytest.raises(Retry, match="no TLS connection"):
            await egress.request("GET", server.url(scheme="https"), headers={})


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_a_connection_that_is_not_made_in_time_is_a_retry() -> None:
    async with serving(silent) as server, client(*LOOPBACK) as egress:
        with pytest.raises(Retry) as caught:
            await egress.request("GET", server.url(scheme="https"), headers={}, timeout=0.2)
        assert caught.value.kind == "timeout"


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(10**6):
        writer.write(b"X-%d: 1\r\n" % number)
        await writer.drain()
        await asyncio.sleep(0.01)


async def a_million_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(1000):
        writer.write(b"".join(b"X-%d-%d: 1\r\n" % (number, line) for line in range(1000)))
        await writer.drain()
    writer.write(b"\r\n")


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


NO_ANSWERS: dict[str, Script | bytes] = {
    "silence": silent,
    "a header now and then": trickle,
    "a million headers": a_million_headers,
    "the connection closed after the request": reset,
    "garbage": b"\x00\x01garbage\r\n\r\n",
    "half a status line": b"HTTP/1.1 20",
    "one endless header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000,
}


@pytest.mark.parametrize("script", [pytest.param(script, id=name) for name, script in NO_ANSWERS.items()])
async def test_a_request_without_an_answer_is_ambiguous(script: Script | bytes) -> None:
    async with serving(script) as server, client(*LOOPBACK) as egress:
        with pytest.raises(Ambiguous):
            await egress.request("POST", server.url(), headers={}, body=b"x", timeout=0.3)


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"a" * 65536)
        await writer.drain()


async def slow_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\na")
    await reader.read()


async def broken_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
    await writer.drain()


BROKEN_BODIES: dict[str, tuple[Script | bytes, int]] = {
    "a body that never ends": (endless, BODY_LIMIT),
    "a body larger than is read": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"a" * 200000,
        BODY_LIMIT,
    ),
    "a body that stops coming": (slow_body, 0),
    "a body that breaks off": (broken_off, 2),
}


@pytest.mark.parametrize(("script", "size"), [pytest.param(*case, id=name) for name, case in BROKEN_BODIES.items()])
async def test_an_answer_counts_whatever_its_body_does(script: Script | bytes, size: int) -> None:
    async with serving(script) as server, client(*LOOPBACK) as egress:
        response = await egress.request("POST", server.url(), headers={}, body=b"x", timeout=0.5)
        assert (response.status, len(response.body)) == (200, size)


async def test_a_compressed_body_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(bomb), bomb)
    async with serving(answer) as server, client(*LOOPBACK) as egress:
        response = await egress.request("GET", server.url(), headers={})
        assert response.body == bomb


async def test_no_error_shows_path_query_or_headers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving() as closed:
        pass
    async with serving(silent) as server, serving(b"garbage\r\n\r\n") as broken, client(*LOOPBACK) as egress:
        for url in (
            closed.url("/canary?canary"),
            server.url("/canary?canary"),
            broken.url("/canary?canary"),
            broken.url("/canary", scheme="https"),
            "http://canary:canary@8.8.8.8/canary",
            "http://10.0.0.1/canary",
            "http://nowhere.example/canary",
            "gopher://example.com/canary",
            "http://exa mple.com/canary",
        ):
            with pytest.raises((Retry, Ambiguous, EgressForbidden)) as caught:
                await egress.request("GET", url, headers={"Authorization": "canary"}, timeout=0.1)
            error: BaseException | None = caught.value
            shown = "".join(traceback.format_exception_only(error))
            while error is not None:
                shown += f"{error!r} {error} {vars(error)}"
                error = error.__cause__ or error.__context__
            assert "canary" not in shown, url
    assert "canary" not in caplog.text


# -- helpers -----------------------------------------------------------------------------------------------------------

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("1.5", 2),
        ("99999999999", 7 * 86400),
        ("9" * 400, None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e5", None),
        ("1_000", None),
        ("٣", None),
        ("", None),
        (None, None),
        ("soon", None),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60),
        ("Friday, 02-Jan-26 03:05:05 GMT", 60),
        ("Fri Jan  2 03:05:05 2026", 60),
        ("Fri, 02 Jan 2026 00:05:05 -0300", 60),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 7 * 86400),
        ("Fri, 99 Jan 2026 03:05:05 GMT", None),
        ("Fri, 02 Jan 2026 03:05:05 +9999999999999", None),
    ],
)
def test_retry_after_is_read_or_left_and_never_fails(value: str | None, seconds: int | None) -> None:
    assert parse_retry_after(value, NOW) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("url", "shown", "redacted"),
    [
        ("https://example.com", "https://example.com", "https://example.com"),
        ("https://u:p@example.com:8443/a/b?c=d#e", "https://example.com:8443/a/b", "https://example.com:8443/…"),
        (
            "https://hooks.slack.com/services/T/B/X",
            "https://hooks.slack.com/services/T/B/X",
            "https://hooks.slack.com/…",
        ),
        ("mailto:ana@example.com", "an invalid URL", "an invalid URL"),
        ("http://[::1", "an invalid URL", "an invalid URL"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str, redacted: str) -> None:
    assert (show_url(url), show_url(url, redact=True)) == (shown, redacted)
