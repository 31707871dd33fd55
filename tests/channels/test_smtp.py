"""SMTP: mails judged by the standard library's parser, connections by aiosmtpd, encryption with trustme's keys."""

from __future__ import annotations

import asyncio
import email.policy
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import AuthResult, LoginPassword
from hypothesis import given
from hypothesis import strategies as st

from arauto.channels import Accepted, Delivery, Tracking
from arauto.channels.email import EmailBody, InlineImage, _mime
from arauto.channels.email.smtp import Provider, Settings
from arauto.egress import Egress
from arauto.errors import Ambiguous, Rejected, Retry
from arauto.secret import Secret

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PIXEL = bytes.fromhex("89504e470d0a1a0a") + bytes(range(256))


def delivery(body: EmailBody | None = None, **changes: Any) -> Delivery:
    given: dict[str, Any] = {
        "message_id": "msg_1",
        "attempt": 1,
        "address": "ana@loja.example",
        "body": body or EmailBody("Pedido", "<p>Olá</p>", "Olá"),
        "now": NOW,
        "expires_at": NOW + timedelta(hours=1),
    }
    return Delivery(**(given | changes))


def compose(body: EmailBody, headers: str = "From: avisos@loja.example\r\n") -> bytes:
    return _mime.compose(headers, "loja.example", delivery(body))


def parse(message: bytes) -> EmailMessage:
    parsed = message_from_bytes(message, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def shape(part: EmailMessage) -> Any:
    """The tree of a mail's parts as types."""
    children = [shape(child) for child in part.iter_parts()]  # type: ignore[arg-type]
    return (part.get_content_type(), *children) if children else part.get_content_type()


# -- the message -----------------------------------------------------------------------------------------------------

IMAGE = InlineImage("logo", "image/png", "logo.png", PIXEL)
BOTH = ("multipart/alternative", "text/plain", "text/html")
SHAPES = {
    "text alone": (EmailBody("S", "", "Text"), "text/plain"),
    "HTML alone": (EmailBody("S", "<p>", ""), "text/html"),
    "nothing at all": (EmailBody("S", "", ""), "text/plain"),
    "text and HTML": (EmailBody("S", "<p>", "Text"), BOTH),
    "with an image": (EmailBody("S", "<p>", "Text", (IMAGE,)), ("multipart/related", BOTH, "image/png")),
    "HTML alone with images": (
        EmailBody("S", "<p>", "", (IMAGE, IMAGE)),
        ("multipart/related", "text/html", "image/png", "image/png"),
    ),
}


@pytest.mark.parametrize(("body", "expected"), SHAPES.values(), ids=SHAPES)
def test_a_mail_is_only_as_deep_as_needed(body: EmailBody, expected: Any) -> None:
    mail = parse(compose(body))
    assert shape(mail) == expected
    assert not mail.defects
    assert not [part.defects for part in mail.walk() if part.defects]


def test_the_headers_of_a_mail() -> None:
    mail = parse(compose(EmailBody("Pedido", "<p>", "Text")))
    assert dict(mail.items()) == {
        "From": "avisos@loja.example",
        "To": "ana@loja.example",
        "Subject": "Pedido",
        "Date": "Fri, 02 Jan 2026 03:04:05 +0000",
        "Message-ID": "<msg_1@loja.example>",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": mail["Content-Type"],
    }


@pytest.mark.parametrize(
    ("url", "one_click"),
    [("https://avisos.example/u/x", True), ("http://127.0.0.1:8080/u/x", False)],
    ids=["https", "http"],
)
def test_a_mail_says_how_to_end_such_mail(url: str, one_click: bool) -> None:
    mail = parse(_mime.compose("From: a@b.example\r\n", "loja.example", delivery(unsubscribe_url=url)))
    assert mail["List-Unsubscribe"] == f"<{url}>"
    assert mail["List-Unsubscribe-Post"] == ("List-Unsubscribe=One-Click" if one_click else None)
    assert not mail.defects


def test_a_mail_is_tracked_only_where_it_is_asked_for() -> None:
    body = EmailBody("S", '<body><a href="https://loja.example/">x</a></body>', "x")
    tracking = Tracking("https://avisos.example/o", lambda url: "https://avisos.example/c")
    plain, told = (
        _mime.compose("", "loja.example", delivery(body, tracking=given)).decode() for given in (None, tracking)
    )
    assert "avisos.example" not in plain
    assert '<a href="https://avisos.example/c">' in told
    assert '<img src="https://avisos.example/o"' in told


TEXTS = {
    "plain": "Hello\nWorld",
    "Portuguese": "Olá, João!\nAção é 100% “certa” 💩\n",
    "a line of a thousand": "a" * 1000,
    "a line of a thousand accents": "ç" * 1000,
    "dots": ".\n..\n.end\n",
    "a boundary": "--=_msg_1_a\nContent-Type: text/html\n\nx\n--=_msg_1_a--",
    "another system's line ends": "a\r\nb\rc\n",
    "NUL and bell": "a\x00b\x07",
    "From at the start": "From here\nFrom there",
    "trailing space": "a  \nb\t\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_arrives_as_it_was_in_short_ascii_lines(text: str) -> None:
    message = compose(EmailBody("S", f"<p>{text}</p>", text, (IMAGE,)))
    for line in message.split(b"\r\n"):
        assert len(line) <= 998
        assert line.isascii()
        assert not {0, 10, 13} & set(line)
    plain, html, image = (part for part in parse(message).walk() if not part.is_multipart())
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    assert plain.get_payload(decode=True).decode().replace("\r\n", "\n") == expected
    assert html.get_payload(decode=True).decode().replace("\r\n", "\n") == f"<p>{expected}</p>"
    assert image.get_payload(decode=True) == PIXEL


def test_an_image_is_found_by_its_cid_and_keeps_its_name() -> None:
    image = InlineImage("img-1", "image/jpeg", 'promoção "10%".jpg\r\nX-Evil: 1', PIXEL)
    mail = parse(compose(EmailBody("S", '<img src="cid:img-1">', "", (image,))))
    part = list(mail.iter_parts())[1]
    assert part["Content-ID"] == "<img-1>"
    assert part.get_filename() == 'promoção "10%".jpg X-Evil: 1'
    assert part.get_content_disposition() == "inline"
    assert part["X-Evil"] is None


def test_an_image_of_strange_type_or_cid_adds_nothing() -> None:
    image = InlineImage("a>\r\nX-Evil: 1", "image/png\r\nX-Evil: 1", "a", PIXEL)
    part = list(parse(compose(EmailBody("S", "<p>", "", (image,)))).iter_parts())[1]
    assert part.get_content_type() == "application/octet-stream"
    assert part["X-Evil"] is None
    assert part["Content-ID"].startswith("<a_")


SUBJECTS = [
    "Pedido 42 confirmado",
    "Pedido confirmado: João, é “hoje”",
    "a" * 500,
    "palavra " * 60,
    "ç" * 300,
    "💩" * 100,
    "=?UTF-8?Q?=0A?=Bcc: injected@example.com",
    "A 💩 subject=?UTF-8?Q?=0A?=Bcc: injected@example.com",
    "=?utf-8?b?Cg==?=",
    'aspas "e" barras \\ e <sinais>',
]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_arrives_as_it_was(subject: str) -> None:
    message = compose(EmailBody(subject, "", "x"))
    assert str(parse(message)["Subject"]) == subject.strip()
    assert max(map(len, message.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 76


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_subject_or_name_adds_a_header(text: str) -> None:
    headers = f"From: {_mime.mailbox(text, 'avisos@loja.example')}\r\n"
    message = compose(EmailBody(text, "", "x"), headers)
    head = message.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")]
    assert names == [
        b"From",
        b"To",
        b"Subject",
        b"Date",
        b"Message-ID",
        b"Auto-Submitted",
        b"MIME-Version",
        b"Content-Type",
        b"Content-Transfer-Encoding",
    ]
    assert not set(head.replace(b"\r\n", b"")) & {0, 10, 13}
    mail = parse(message)
    assert [address.addr_spec for address in mail["From"].addresses] == ["avisos@loja.example"]
    # What a reader that decodes first and splits later would see.
    assert "\n" not in str(mail["Subject"])


@pytest.mark.parametrize(
    "name", ["Loja Aurora", "João da Silva", 'Loja "Aurora", Ltda.', "a\\b", "=?utf-8?q?x?=", "(x)", "a@b"]
)
def test_a_name_arrives_as_it_was(name: str) -> None:
    mail = parse(compose(EmailBody("S", "", "x"), f"From: {_mime.mailbox(name, 'a@loja.example')}\r\n"))
    (address,) = mail["From"].addresses
    assert (address.display_name, address.addr_spec) == (name, "a@loja.example")


def test_a_long_name_is_folded() -> None:
    folded = _mime.mailbox("ç" * 80, "a@loja.example")
    assert max(map(len, folded.split("\r\n"))) <= 76
    assert str(make_header(decode_header(folded))) == "ç" * 80 + " <a@loja.example>"


# -- the connection --------------------------------------------------------------------------------------------------

Build = Callable[..., Provider]


@pytest.fixture
async def build(mail_sink: Any) -> AsyncIterator[Build]:
    made: list[Provider] = []

    def provider(**changes: Any) -> Provider:
        given = {"host": "127.0.0.1", "port": mail_sink.port, "from_": "avisos@loja.example", "security": "none"}
        made.append(Provider(Settings(**(given | changes)), Egress()))
        return made[-1]

    yield provider
    for each in made:
        await each.close()


async def test_a_mail_arrives_whole_dots_and_all(build: Build, mail_sink: Any) -> None:
    text = ".\n..\nMAIL FROM:<evil@example.com>\n.\r\n.end"
    accepted = await build(from_name="Loja", reply_to="sac@loja.example").send(delivery(EmailBody("S", "", text)))
    assert accepted == Accepted("250 2.0.0")
    ((sender, recipients, content),) = mail_sink.mails
    assert (sender, recipients) == ("avisos@loja.example", ["ana@loja.example"])
    mail = parse(content)
    assert mail.get_payload(decode=True) == text.replace("\r\n", "\n").replace("\n", "\r\n").encode() + b"\r\n"
    assert (mail["From"], mail["Reply-To"]) == ("Loja <avisos@loja.example>", "sac@loja.example")


async def test_connections_are_used_again_also_after_a_refusal(build: Build, mail_sink: Any) -> None:
    provider = build()
    await provider.send(delivery())
    mail_sink.replies = {"rcpt": "550 5.1.1 unknown"}
    with pytest.raises(Rejected):
        await provider.send(delivery())
    mail_sink.replies = {"data": "451 4.3.0 later"}
    with pytest.raises(Retry):
        await provider.send(delivery())
    mail_sink.replies = {}
    await provider.send(delivery())
    assert len(mail_sink.connections) == 1
    assert len(mail_sink.mails) == 2


async def test_a_kept_connection_that_was_dropped_is_made_anew(build: Build, mail_sink: Any) -> None:
    provider = build()
    await provider.send(delivery())
    mail_sink.connections[0].transport.abort()
    await provider.send(delivery())
    assert len(mail_sink.connections) == 2
    assert len(mail_sink.mails) == 2


async def test_a_server_that_has_had_enough_of_a_connection_gets_a_new_one(build: Build, mail_sink: Any) -> None:
    provider = build()
    await provider.send(delivery())
    old = mail_sink.connections[0]

    async def enough(*_: Any) -> None:
        await old.push("421 4.7.0 too many messages on this connection")

    old._smtp_methods["MAIL"] = enough
    await provider.send(delivery())
    assert len(mail_sink.connections) == 2
    assert len(mail_sink.mails) == 2


async def test_no_more_connections_than_allowed(build: Build, mail_sink: Any) -> None:
    provider = build(connections=3)
    await asyncio.gather(*(provider.send(delivery(message_id=f"msg_{number}")) for number in range(40)))
    assert len(mail_sink.connections) <= 3
    assert len({parse(content)["Message-ID"] for _, _, content in mail_sink.mails}) == 40


async def test_a_connection_lost_after_the_data_is_ambiguous(build: Build, mail_sink: Any) -> None:
    mail_sink.dropping = True
    with pytest.raises(Ambiguous):
        await build().send(delivery())


async def test_a_connection_lost_before_the_data_is_a_retry(build: Build, mail_sink: Any) -> None:
    provider = build()
    await provider.send(delivery())

    async def gone(*_: Any) -> None:
        mail_sink.connections[0].transport.abort()

    mail_sink.connections[0]._smtp_methods["DATA"] = gone
    with pytest.raises(Retry, match="before anything was sent"):
        await provider.send(delivery())
    await provider.send(delivery())
    assert len(mail_sink.mails) == 2


async def test_a_connection_on_which_nonsense_was_said_is_not_used_again(build: Build, mail_sink: Any) -> None:
    provider = build()
    mail_sink.replies = {"rcpt": "what?"}
    with pytest.raises(Retry):
        await provider.send(delivery())
    mail_sink.replies = {}
    await provider.send(delivery())
    assert len(mail_sink.connections) == 2


async def test_a_cancelled_send_gives_its_connection_and_place_back(build: Build, mail_sink: Any) -> None:
    provider = build(connections=1)
    mail_sink.silent = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await provider.send(delivery())
    mail_sink.silent = False
    await provider.send(delivery())
    assert len(mail_sink.connections) == 2


# -- encryption and accounts -----------------------------------------------------------------------------------------

AUTHORITY = trustme.CA()


def server_context(name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(name).configure_cert(context)
    return context


def log_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and data == LoginPassword(b"avisos", b"right password")
    return AuthResult(success=right, handled=right)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The test's authority is one that the system trusts."""
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


def mail_server(**options: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("mail_sink", [options], indirect=True, ids=["with TLS"])


with_tls = mail_server(
    tls_context=server_context("localhost"), require_starttls=True, auth_required=True, authenticator=log_in
)


@with_tls
@pytest.mark.usefixtures("trusted")
async def test_starttls_and_a_log_in(build: Build, mail_sink: Any) -> None:
    provider = build(host="localhost", security="starttls", username="avisos", password=Secret("right password"))
    await provider.send(delivery())
    assert len(mail_sink.mails) == 1
    assert mail_sink.connections[0].session.ssl is not None


@with_tls
@pytest.mark.usefixtures("trusted")
async def test_a_wrong_password_is_the_providers_fault_and_not_shown(build: Build, mail_sink: Any) -> None:
    provider = build(host="localhost", security="starttls", username="avisos", password=Secret("wrong password"))
    with pytest.raises(Rejected) as caught:
        await provider.send(delivery())
    assert caught.value.scope == "provider"
    assert "wrong password" not in f"{caught.value!r} {vars(caught.value)} {caught.value.__context__!r}"


@mail_server(tls_context=server_context("localhost"))
async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(build: Build, mail_sink: Any) -> None:
    with pytest.raises(Retry, match="TLS"):
        await build(host="localhost", security="starttls").send(delivery())
    assert mail_sink.mails == []


@mail_server(tls_context=server_context("other.example"))
@pytest.mark.usefixtures("trusted")
async def test_a_certificate_of_another_name_is_not_accepted(build: Build, mail_sink: Any) -> None:
    with pytest.raises(Retry, match="TLS"):
        await build(host="localhost", security="starttls").send(delivery())
    assert mail_sink.mails == []


async def test_without_starttls_nothing_is_sent(build: Build, mail_sink: Any) -> None:
    with pytest.raises(Rejected, match="STARTTLS") as caught:
        await build(security="starttls").send(delivery())
    assert caught.value.scope == "provider"
    assert mail_sink.mails == []


# -- settings --------------------------------------------------------------------------------------------------------

FAULTS = {
    "a sender with a name": ({"from_": "Loja <a@loja.example>"}, "plain e-mail address"),
    "a sender with a line break": ({"from_": "a@loja.example\r\nBcc: b@x.example"}, "plain e-mail address"),
    "an answer address that is none": ({"reply_to": "nobody"}, "plain e-mail address"),
    "no encryption to another machine": ({"host": "smtp.example.com", "security": "none"}, "allow_plaintext"),
    "a user without password": ({"username": "a"}, "go together"),
    "a password without user": ({"password": Secret("a")}, "go together"),
    "no connections": ({"connections": 0}, "from 1 to 1000"),
}


@pytest.mark.parametrize(("changes", "said"), FAULTS.values(), ids=FAULTS)
def test_settings_that_cannot_work_say_what_can(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Settings(**({"host": "127.0.0.1", "from_": "a@loja.example"} | changes))


def test_plaintext_to_another_machine_must_be_asked_for() -> None:
    Settings(host="smtp.internal", from_="a@loja.example", security="none", allow_plaintext=True)
