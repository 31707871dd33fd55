"""E-mail over SMTP (RFC 5321, 3207, 4954): any mail server, or a mail service's SMTP door.

The server is the administrator's choice, so the guard of outbound URLs does not apply to it. Connections are kept and
used again. One attempt is one transaction for one recipient: its answer is the message's answer.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from ipaddress import ip_address
from typing import Literal, NamedTuple

from aiosmtplib import SMTP, SMTPException, SMTPResponse, SMTPResponseException, SMTPServerDisconnected, SMTPStatus
from msgspec import Struct, field

from arauto.channels import SEND_DEADLINE, Accepted, Delivery
from arauto.channels.email import _mime
from arauto.egress import Egress
from arauto.errors import Ambiguous, DeliveryError, Rejected, Retry
from arauto.secret import Secret

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_DEADLINE = SEND_DEADLINE.total_seconds() - 3
_COMMAND_SECONDS = 15.0
_IDLE_SECONDS = 60.0
_ENHANCED_CODE = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")

Stage = Literal["opening", "recipient", "announcement", "data"]
"""How far a transaction is: before ``data`` the server surely has nothing."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the mail server is, and as whom to send."""

    host: str
    """The server's name or address."""
    from_: str = field(name="from")
    """The sender's address; it must be one that the server lets you send from."""
    from_name: str | None = None
    """The name shown with it."""
    reply_to: str | None = None
    """Where answers go, if not to the sender."""
    port: int | None = None
    """587 for ``starttls``, 465 for ``tls`` and 25 for ``none``, unless given."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is encrypted: upgraded (never without), from the start, or not at all (this machine only)."""
    allow_plaintext: bool = False
    """Permit ``security: none`` to another machine, over a network that you trust."""
    username: str | None = None
    """The account, where the server asks for one."""
    password: Secret | None = None
    """Its password."""
    connections: int = 10
    """How many connections are open at most."""

    def __post_init__(self) -> None:
        for name, address in (("from", self.from_), ("reply_to", self.reply_to)):
            if address is not None and not _mime.is_address(address):
                raise ValueError(f"`{name}` must be a plain e-mail address such as avisos@example.com, not {address!r}")
        if not 1 <= self.connections <= 1000:
            raise ValueError("`connections` must be from 1 to 1000")
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` go together: give both or neither")
        if self.security == "none" and not self.allow_plaintext and not _is_loopback(self.host):
            raise ValueError(
                "`security: none` sends mail and password in the clear; use starttls or tls, "
                "or add `allow_plaintext: true` if you trust the network to this host"
            )


class Provider:
    """Sends e-mail through one SMTP server over at most ``connections`` kept connections."""

    def __init__(self, settings: Settings, egress: Egress) -> None:
        """Raises SecretMissing when the password is not where the settings say."""
        self._sender = settings.from_
        self._domain = settings.from_.rpartition("@")[2]
        self._headers = f"From: {_mime.mailbox(settings.from_name, settings.from_)}\r\n"
        if settings.reply_to:
            self._headers += f"Reply-To: {settings.reply_to}\r\n"
        self._settings = settings
        self._port = settings.port or _PORTS[settings.security]
        self._password = settings.password.reveal() if settings.password else None
        self._tls = None if settings.security == "none" else ssl.create_default_context()
        self._slots = asyncio.Semaphore(settings.connections)
        self._idle: list[_Kept] = []

    def request(self, delivery: Delivery) -> str:
        """The server that it goes to."""
        return f"SMTP {self._settings.host}:{self._port}"

    def own_headers(self, delivery: Delivery) -> str:
        """The headers that this mail service wants with a message, as complete lines; others have none."""
        return ""

    async def send(self, delivery: Delivery) -> Accepted:
        """Accepted when the server answers 2xx to the data. Rejected (5xx) is for the address when it refuses the
        recipient, for the provider when it refuses us. Ambiguous when no answer comes after the data began."""
        if not _mime.is_address(delivery.address):
            raise Rejected("this is no e-mail address that SMTP can carry", scope="address")
        message = _mime.compose(self._headers + self.own_headers(delivery), self._domain, delivery)
        stage: Stage = "opening"
        client: SMTP | None = None
        try:
            async with asyncio.timeout(_DEADLINE), self._slots:
                client = await self._begin()
                stage = "recipient"
                await _command(client, f"RCPT TO:<{delivery.address}>")
                stage = "announcement"
                await _command(client, "DATA", SMTPStatus.start_input)
                stage = "data"
                answer = await _data(client, message)
                self._keep(client, clean=True)
                return Accepted(_shown(answer.code, answer.message))
        except SMTPResponseException as error:
            failure = _refusal(stage, error.code, error.message)
            if client is not None and 400 <= error.code <= 599:
                self._keep(client, clean=False)
            elif client is not None:
                client.close()
        except (SMTPException, OSError) as error:
            failure = _breakdown(stage, error)
            if client is not None:
                client.close()
        except BaseException:
            if client is not None:
                client.close()
            raise
        # Out of the except block, so that the library's error, which has the address, is not kept as context.
        raise failure

    async def close(self) -> None:
        """Say goodbye on all idle connections."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(each.client.quit(timeout=1) for each in idle), return_exceptions=True)
        for each in idle:
            each.client.close()

    async def _begin(self) -> SMTP:
        """A connection with MAIL FROM accepted: a kept one, or else a new one."""
        while self._idle:
            kept = self._idle.pop()
            try:
                if asyncio.get_running_loop().time() - kept.since < _IDLE_SECONDS and kept.client.is_connected:
                    if not kept.clean:
                        await kept.client.rset()
                    await _command(kept.client, f"MAIL FROM:<{self._sender}>")
                    return kept.client
            except (SMTPServerDisconnected, SMTPResponseException):
                pass  # The server has had enough of this connection; nothing was sent yet.
            except BaseException:
                kept.client.close()
                raise
            kept.client.close()
        client = SMTP(
            hostname=self._settings.host,
            port=self._port,
            username=self._settings.username,
            password=self._password,
            use_tls=self._settings.security == "tls",
            start_tls=self._settings.security == "starttls",
            tls_context=self._tls,
            timeout=_COMMAND_SECONDS,
        )
        try:
            await client.connect()
            if client.last_ehlo_response is None:
                await client.ehlo()
            await _command(client, f"MAIL FROM:<{self._sender}>")
        except BaseException:
            client.close()
            raise
        return client

    def _keep(self, client: SMTP, *, clean: bool) -> None:
        self._idle.append(_Kept(client, asyncio.get_running_loop().time(), clean))


# aiosmtplib's own mail(), rcpt() and data() parse each address again and search each message for lone line ends, which
# ours have not: half of the time that a mail took.


async def _command(client: SMTP, line: str, expected: int | None = None) -> None:
    """Raises SMTPResponseException unless the server answers 2xx, or else exactly what is expected."""
    reply = await client.execute_command(line.encode("ascii"))
    if not (200 <= reply.code <= 299 if expected is None else reply.code == expected):
        raise SMTPResponseException(reply.code, reply.message)


async def _data(client: SMTP, message: bytes) -> SMTPResponse:
    """The message, which has CRLF line ends alone and does not begin with a dot (RFC 5321, 4.1.1.4 and 4.5.2)."""
    protocol = client.protocol
    if protocol is None:
        raise SMTPServerDisconnected("not connected")
    protocol.write(message.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n")
    reply = await protocol.read_response()  # Scanning for spam takes its time: only the deadline of all ends it.
    if not 200 <= reply.code <= 299:
        raise SMTPResponseException(reply.code, reply.message)
    return reply


class _Kept(NamedTuple):
    client: SMTP
    since: float
    clean: bool
    """False: its last transaction was refused and must be reset."""


def _refusal(stage: Stage, code: int, text: str) -> DeliveryError:
    """What a reply means; ``text`` is not repeated, for it may hold the address."""
    shown = _shown(code, text)
    if not 400 <= code <= 599:
        return _breakdown(stage, SMTPServerDisconnected("no SMTP reply"))
    if code < 500:
        return Retry(f"the mail server answered {shown}", answer=shown)
    if stage == "opening" or code in (530, 534, 535, 538):
        return Rejected(f"the mail server refuses this sender or account: {shown}", answer=shown, scope="provider")
    # 5.7.x is policy (relaying, reputation, content): it says nothing about whether the mailbox exists.
    if stage == "recipient" and code in (550, 551, 553) and not re.search(r" 5\.7\.", shown):
        return Rejected(f"the mail server refuses this recipient: {shown}", answer=shown, scope="address")
    return Rejected(f"the mail server refuses this message: {shown}", answer=shown)


def _breakdown(stage: Stage, error: Exception) -> DeliveryError:
    """What it means that no reply came."""
    if stage == "data":
        return Ambiguous("the message was sent, and the mail server did not answer")
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return Retry("no TLS connection to the mail server: its certificate or its protocol is not accepted")
    if isinstance(error, TimeoutError):
        return Retry("the mail server did not answer in time; nothing was sent", kind="timeout")
    if type(error) is SMTPException:  # STARTTLS or every known way to log in is missing.
        return Rejected("the mail server offers no STARTTLS, or no way to log in that is known here", scope="provider")
    return Retry("no connection to the mail server, or it broke before anything was sent")


def _shown(code: int, text: str) -> str:
    enhanced = _ENHANCED_CODE.search(text)
    return f"{code} {enhanced[0]}" if enhanced else str(code)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
