"""The one client for every outbound HTTP call: it goes only where the hub may go, follows nobody, and trusts no answer.

What is guarded (OWASP API7, ASVS 1.3.6): only http and https, without credentials in the URL; the host's addresses are
looked up here, *all* of them must be public or listed in ``private_networks``, and the connection is made to one of
those very addresses (so a name that changes its mind between check and connect gains nothing) and checked again once
it stands. No redirect is followed, no proxy or cookie is used, nothing is decompressed, and of an answer at most
64 KiB are read, before a deadline.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Literal, TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec import Struct
from yarl import URL

from arauto.errors import Ambiguous, DeliveryError, EgressForbidden, Retry, UsageFault

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.tracing import Trace

BODY_LIMIT = 64 * 1024
"""How many bytes of an answer are read; the rest stays unread and the connection is closed."""

LONGEST_RETRY_AFTER = timedelta(days=7)
"""A Retry-After that asks for more is taken as this."""

_CONNECT_SECONDS = 10.0
_CONNECTIONS = 1000
_CONNECTIONS_PER_HOST = 100
# Shorter than the 5 s after which Node, Apache and uvicorn close an idle connection: a request written into a
# connection that is just being closed would end as Ambiguous.
_KEEP_ALIVE_SECONDS = 4.0
_LOOKUP_THREADS = 16

Lookup: TypeAlias = Callable[[str], Sequence[str]]
"""The addresses of a host name. Called in a thread; raises OSError when there are none."""


class Response(Struct, frozen=True):
    """What the other side answered, whatever its status; ``body`` holds at most 64 KiB, as they came."""

    status: int
    headers: Mapping[str, str]
    """Names are looked up in any case."""
    body: bytes

    @property
    def line(self) -> str:
        """The status with its standard phrase, such as ``503 Service Unavailable``: never the other side's own words,
        which may repeat a secret or the message."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)

    def temporary(self, now: datetime) -> Retry | None:
        """The Retry that this status asks for (408, 425, 429 and 5xx), with its Retry-After; otherwise None."""
        if self.status < 500 and self.status not in (408, 425, 429):
            return None
        after = parse_retry_after(self.headers.get("Retry-After"), now)
        kind: Literal["rate_limited", "temporary"] = "rate_limited" if self.status == 429 else "temporary"
        return Retry(f"answered {self.line}", answer=self.line, after=after, kind=kind)


class Egress:
    """Makes outbound HTTP requests under the rules above; safe for concurrent use within one event loop."""

    def __init__(self, private_networks: Sequence[str] = (), *, lookup: Lookup | None = None) -> None:
        """``private_networks`` are CIDR ranges that may be reached although they are not public.

        ``lookup`` replaces the system's name resolution. Raises UsageFault for a range that is none.
        """
        self._guard = _Guard(private_networks)
        self._lookup = lookup or _system_lookup
        self._inspect = lru_cache(maxsize=4096)(self._guard.inspect)
        self._session: aiohttp.ClientSession | None = None
        self._threads: ThreadPoolExecutor | None = None

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Response:
        """Send a request and return the answer, whatever its status; all of it within ``timeout`` seconds.

        An answer whose body breaks off, or lasts beyond the deadline, counts, with what could be read of it.
        Raises EgressForbidden when the URL or a header is not allowed, Retry when the request surely was not sent
        (the name does not resolve, nobody listens, TLS fails, no connection in time), and Ambiguous when it was
        written and no answer came. Their messages show the URL's origin alone.
        """
        target = self._inspect(url)
        _check_headers(headers)
        session = self._session or self._open()
        try:
            answer = await session.request(
                method, target, headers=headers, data=body or None, allow_redirects=False, timeout=_deadline(timeout)
            )
        except (aiohttp.ClientError, OSError) as error:
            failure = _failure(error, target, timeout)
        else:
            return Response(answer.status, answer.headers, await _read(answer))
        # Out of the except block, so that the library's error, which has headers and URL, is not kept as context.
        raise failure

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    def _open(self) -> aiohttp.ClientSession:
        # Threads of its own: a name server that hangs holds up other look-ups, and nothing else.
        self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="arauto-lookup")
        self._session = aiohttp.ClientSession(
            connector=_GuardedConnector(
                self._guard,
                resolver=_GuardedResolver(self._guard, self._lookup, self._threads),
                # An SSL context of our own, so that SSL_CERT_FILE is honoured.
                ssl=ssl.create_default_context(),
                limit=_CONNECTIONS,
                limit_per_host=_CONNECTIONS_PER_HOST,
                keepalive_timeout=_KEEP_ALIVE_SECONDS,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "arauto", "Accept-Encoding": "identity"},
            trust_env=False,
            auto_decompress=False,
        )
        return self._session


@lru_cache(maxsize=64)
def _deadline(seconds: float) -> aiohttp.ClientTimeout:
    # Connecting has less time than the whole, so that whatever else times out had a connection.
    return aiohttp.ClientTimeout(total=seconds, connect=min(_CONNECT_SECONDS, seconds / 2))


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    try:
        if 0 <= int(answer.headers.get("Content-Length", -1)) <= BODY_LIMIT:
            return await answer.read()
        while len(body) < BODY_LIMIT:
            chunk = await answer.content.read(BODY_LIMIT - len(body))
            if not chunk:
                answer.release()
                return bytes(body)
            body += chunk
    except (aiohttp.ClientError, OSError):
        pass  # The status is the answer; a body that breaks off does not undo it.
    except BaseException:
        answer.close()
        raise
    answer.close()
    return bytes(body)


def _failure(error: BaseException, url: URL, timeout: float) -> DeliveryError | EgressForbidden:
    place = show_url(url, redact=True)
    match error:
        case aiohttp.ConnectionTimeoutError():
            return Retry(f"{place}: no connection in time; nothing was sent", kind="timeout")
        case aiohttp.ClientConnectorDNSError():
            return Retry(f"{place}: the host name does not resolve")
        case aiohttp.ClientConnectorCertificateError():
            return Retry(f"{place}: its TLS certificate is not valid")
        case aiohttp.ClientSSLError():
            return Retry(f"{place}: no TLS connection")
        case aiohttp.ClientConnectorError():
            return Retry(f"{place}: {os.strerror(error.errno) if error.errno else 'cannot be reached'}")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return EgressForbidden(f"{place}: not a URL that can be called")
        case TimeoutError():
            return Ambiguous(f"{place}: the request was sent, and no answer came within {timeout:g} s")
        case aiohttp.ClientResponseError():
            return Ambiguous(f"{place}: the request was sent, and the answer is not HTTP")
    return Ambiguous(f"{place}: the request was sent, and the connection broke before an answer came")


# -- where the hub may go ------------------------------------------------------------------------------------------

# The IANA special-purpose registries, as an explicit table: ``ipaddress.is_global`` lets 20 of these through.
_NOT_PUBLIC = tuple(
    (ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a carrier's shared network"),
        ("127.0.0.0/8", "this machine"),
        ("168.63.129.16/32", "a cloud's metadata service"),
        ("169.254.0.0/16", "link-local (cloud metadata services)"),
        ("172.16.0.0/12", "a private network"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "reserved for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "a private network"),
        ("198.18.0.0/15", "reserved for benchmarks"),
        ("198.51.100.0/24", "reserved for documentation"),
        ("203.0.113.0/24", "reserved for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::1/128", "this machine"),
        ("fc00::/7", "a private network"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "reserved for documentation"),
        ("3fff::/20", "reserved for documentation"),
        ("5f00::/16", "segment routing"),
    )
)
_PUBLIC_IPV6 = IPv6Network("2000::/3")
# An IPv4 address in disguise: what lies behind depends on some router, so no allow-list can judge it.
_EMBEDDING = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::/96", "IPv4-compatible"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "NAT64"),
        ("2001::/32", "Teredo"),
        ("2002::/16", "6to4"),
    )
)
_UNSPECIFIED_OR_LOOPBACK = (IPv6Address("::"), IPv6Address("::1"))

_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")
_HOST_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
# A host whose last label is a number is an IPv4 address to some parsers (WHATWG URL, inet_aton): 127.1, 0x7f.1, 017…
_NUMERIC_END = re.compile(r"(.*\.)?(0[xX][0-9a-fA-F]*|[0-9]+)\.?")


class _Guard:
    """Says which URLs and addresses may be reached."""

    def __init__(self, private_networks: Sequence[str]) -> None:
        try:
            self._allowed = tuple(ip_network(network) for network in private_networks)
        except ValueError as error:
            raise UsageFault(
                f"private_networks: {error}; write ranges such as 10.0.0.0/8, 127.0.0.1/32 or fd00::/8"
            ) from None
        self._fault = lru_cache(maxsize=4096)(self._find_fault)

    def inspect(self, url: str) -> URL:
        """The URL, parsed, when nothing but its name's addresses remain to be checked. Raises EgressForbidden."""
        try:
            parsed = None if _NOT_IN_URL.search(url) else URL(url)
        except ValueError:
            parsed = None
        if parsed is None or parsed.scheme not in ("http", "https") or not parsed.raw_host or not parsed.port:
            raise EgressForbidden(f"{show_url(url, redact=True)} may not be called; write https://host/path")
        place = show_url(parsed, redact=True)
        if parsed.raw_user is not None or parsed.raw_password is not None:
            raise EgressForbidden(f"{place} may not be called with credentials in the URL; leave out user and password")
        host = parsed.raw_host
        if ":" in host or _NUMERIC_END.fullmatch(host):
            self.check(host, place)
        elif not _HOST_NAME.fullmatch(host):
            raise EgressForbidden(f"{place}: {host!r} is no host name")
        return parsed

    def check(self, address: str, place: str) -> None:
        """Raises EgressForbidden, naming ``place``, when the hub may not connect to this address."""
        if fault := self._fault(address):
            raise EgressForbidden(f"{place}: {fault}")

    def _find_fault(self, text: str) -> str | None:
        try:
            address = ip_address(text)
        except ValueError:
            return f"{text} is no plain IP address; write it as four decimal numbers, such as 192.0.2.1"
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or address
        what = _what_is_not_public(address)
        if what is None:
            return None
        if isinstance(address, IPv6Address) and _embedded(address):
            return f"{address} is not public ({what} with an IPv4 address inside); give the IPv4 address itself"
        if any(address in network for network in self._allowed if network.version == address.version):
            return None
        return (
            f"{address} is not a public address ({what}); to allow it, "
            f"list {address}/{address.max_prefixlen} or its range under private_networks in arauto.yaml"
        )


def _embedded(address: IPv6Address) -> str | None:
    if address in _UNSPECIFIED_OR_LOOPBACK:
        return None
    return next((what for network, what in _EMBEDDING if address in network), None)


def _what_is_not_public(address: IPv4Address | IPv6Address) -> str | None:
    if isinstance(address, IPv6Address) and (what := _embedded(address)):
        return what
    for network, what in _NOT_PUBLIC:
        if network.version == address.version and address in network:
            return what
    if isinstance(address, IPv6Address) and address not in _PUBLIC_IPV6:
        return "outside of 2000::/3"
    return None


def _system_lookup(host: str) -> Sequence[str]:
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class _GuardedResolver(AbstractResolver):
    """Gives aiohttp addresses to connect to: all of a name's, or none when one of them is not allowed."""

    def __init__(self, guard: _Guard, lookup: Lookup, threads: ThreadPoolExecutor) -> None:
        self._guard, self._lookup, self._threads = guard, lookup, threads

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        addresses = await loop.run_in_executor(self._threads, self._lookup, host)
        if not addresses:
            raise OSError(f"{host} has no address")
        for address in addresses:
            self._guard.check(address, host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing to close: the threads belong to Egress."""


class _GuardedConnector(aiohttp.TCPConnector):
    """Checks the peer of each new connection before a request is written to it."""

    def __init__(
        self,
        guard: _Guard,
        *,
        resolver: AbstractResolver,
        ssl: ssl.SSLContext,
        limit: int,
        limit_per_host: int,
        keepalive_timeout: float,
    ) -> None:
        super().__init__(
            resolver=resolver,
            ssl=ssl,
            limit=limit,
            limit_per_host=limit_per_host,
            keepalive_timeout=keepalive_timeout,
        )
        self._guard = guard

    async def _create_connection(
        self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        protocol = await super()._create_connection(req, traces, timeout)
        try:
            peer = protocol.transport.get_extra_info("peername") if protocol.transport else None
            self._guard.check(str(peer[0]) if peer else "an unknown peer", show_url(req.url, redact=True))
        except BaseException:
            protocol.close()
            raise
        return protocol


# -- headers, URLs and times as others write them --------------------------------------------------------------------

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_HEADER_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SECONDS = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?")


@lru_cache(maxsize=1024)
def _is_header_name(name: str) -> bool:
    return _HEADER_NAME.fullmatch(name) is not None


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _is_header_name(name):
            raise EgressForbidden(f"{name!r} is no HTTP header name")
        if _NOT_IN_HEADER_VALUE.search(value):
            raise EgressForbidden(f"the HTTP header {name} has a line break or another control character in its value")


def show_url(url: str | URL, *, redact: bool = False) -> str:
    """The URL fit to be shown: without credentials, query and fragment, and with ``redact`` without its path too
    (for hosts such as Slack's, where the path is the secret). What is no URL comes out as ``an invalid URL``."""
    try:
        parsed = URL(url) if isinstance(url, str) else url
        origin = str(parsed.origin())
    except ValueError:
        return "an invalid URL"
    path = parsed.path
    if path in ("", "/"):
        return origin
    return f"{origin}/…" if redact else origin + parsed.raw_path


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The wait that a Retry-After header asks for (RFC 9110 §10.2.3: seconds or an HTTP date; fractions are taken too).

    A date that has passed is no wait (0); more than seven days count as seven; None when there is none or it makes no
    sense.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return timedelta(seconds=min(math.ceil(float(text)), LONGEST_RETRY_AFTER.total_seconds()))
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(timedelta(0), min(date - now, LONGEST_RETRY_AFTER))
