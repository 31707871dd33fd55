"""One suite over every provider: what each promises by being a module of a channel's folder.

What the suite has to know of a provider stands in ``providers/<channel>-<provider>.yaml`` beside this file: settings
(``{url}``, ``{host}`` and ``{port}`` are the fake server's), an address, a body, and scripted answers with what must
come of each. Secrets, texts and addresses hold the word ``canary``, which must be seen nowhere else.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
import yaml

from arauto import channels
from arauto.channels import Accepted, Delivery, Provider
from arauto.channels.email import smtp
from arauto.egress import Egress, Response
from arauto.errors import Ambiguous, DeliveryError, Rejected, Retry
from arauto.secret import Secret

TABLES = Path(__file__).parent / "providers"
KINDS = [
    (channel, kind)
    for channel in channels.names()
    for kind in channels.providers(channel)
    if (channel, kind) != ("inapp", "store")  # the store delivers it: no call leaves the hub
]
NEEDED = ("success", "permanent", "temporary", "rate limited", "broken answer")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OUTCOMES = {"accepted": Accepted, "rejected": Rejected, "retry": Retry, "ambiguous": Ambiguous}

every_provider = pytest.mark.parametrize(("channel", "kind"), KINDS, ids=lambda value: value)


def table(channel: str, kind: str) -> dict[str, Any]:
    path = TABLES / f"{channel}-{kind}.yaml"
    if not path.exists():
        return {}
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


CASES = [
    pytest.param(channel, kind, case, id=f"{channel}-{kind}: {name}")
    for channel, kind in KINDS
    for name, case in table(channel, kind).get("cases", {}).items()
]


class Hurried(Egress):
    """An egress client that waits less."""

    async def request(self, method: str, url: str, *, timeout: float = 0.3, **rest: Any) -> Response:
        return await super().request(method, url, timeout=0.3, **rest)


class Bench:
    """One provider at its fake server, and everything that it said."""

    def __init__(self, provider: Provider, entry: dict[str, Any], body: Any, server: Any) -> None:
        self.provider, self.entry, self.body, self.server = provider, entry, body, server
        self.said: list[str] = []

    def delivery(self, **changes: Any) -> Delivery:
        given: dict[str, Any] = {
            "message_id": "msg_abcdefghijklmnopqrstuvwx",
            "attempt": 1,
            "address": self.entry["address"],
            "body": self.body,
            "now": NOW,
            "expires_at": NOW + timedelta(hours=1),
        }
        return Delivery(**(given | changes))

    async def send(self, **changes: Any) -> Accepted | DeliveryError:
        delivery = self.delivery(**changes)
        self.said.append(self.provider.request(delivery))
        try:
            outcome: Accepted | DeliveryError = await self.provider.send(delivery)
        except DeliveryError as failure:
            outcome = failure
            error: BaseException | None = failure
            while error is not None:
                self.said.append(f"{error!r} {error} {vars(error)}")
                error = error.__cause__ or error.__context__
        else:
            self.said.append(repr(outcome))
        return outcome

    def answers(self, answer: dict[str, Any]) -> None:
        if self.entry["server"] == "mail":
            self.server.replies = answer
        else:
            body = answer.get("body", "").encode()
            self.server.answer = (answer["status"], answer.get("headers", {}), body)

    def arrived(self) -> list[Any]:
        return list(self.server.mails if self.entry["server"] == "mail" else self.server.requests)


@pytest.fixture
def benches(http_sink: Any, mail_sink: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    @asynccontextmanager
    async def bench(channel: str, kind: str) -> AsyncIterator[Bench]:
        text = (TABLES / f"{channel}-{kind}.yaml").read_text(encoding="utf-8")
        text = text.replace('"{port}"', str(mail_sink.port)).replace("{url}", http_sink.url)
        entry = yaml.safe_load(text)
        module = channels.provider(channel, kind)
        monkeypatch.setattr(smtp, "_DEADLINE", 0.3)
        settings = msgspec.convert(entry["settings"], module.Settings, dec_hook=lambda _, value: Secret(value))
        forms = vars(inspect.getmodule(channels.load(channel).__class__))
        form = next(value for name, value in forms.items() if name.endswith("Body"))
        egress = Hurried(["127.0.0.0/8"])
        made = Bench(
            channels.build(channel, kind, settings, egress),
            entry,
            msgspec.convert(entry["body"], form),
            mail_sink if entry["server"] == "mail" else http_sink,
        )
        made.said += [repr(settings), str(settings), repr(made.provider), str(made.provider)]
        try:
            yield made
        finally:
            await made.provider.close()
            await egress.close()

    return bench


# -- the table -----------------------------------------------------------------------------------------------


@every_provider
def test_the_suite_knows_the_provider(channel: str, kind: str) -> None:
    path = f"tests/contracts/providers/{channel}-{kind}.yaml"
    entry = table(channel, kind)
    assert entry, f"write {path}: settings, an address, a body and scripted answers; the others there show how"
    missing = [name for name in NEEDED if name not in entry["cases"]]
    assert not missing, f"{path} lacks the cases {missing}"
    assert "canary" in yaml.safe_dump(entry["body"]) or channel in ("webhook", "push"), f"{path}: put canary-text in"


@every_provider
def test_settings_are_strict_and_documented_and_their_secrets_are_secrets(channel: str, kind: str) -> None:
    settings = channels.provider(channel, kind).Settings
    assert settings.__struct_config__.frozen
    assert settings.__struct_config__.forbid_unknown_fields
    hints = get_type_hints(settings)
    for name in settings.__struct_fields__:
        if re.search(r"secret|token|password|key$", name):
            assert Secret in (hints[name], *get_args(hints[name])), f"{name} must be a Secret"
    tree = ast.parse(inspect.getsource(inspect.getmodule(settings)))  # type: ignore[arg-type]
    (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings")
    for index, node in enumerate(body):
        if isinstance(node, ast.AnnAssign):
            said = body[index + 1] if index + 1 < len(body) else None
            is_text = isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant)
            assert is_text, f"{ast.unparse(node.target)} has no docstring"


# -- answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("channel", "kind", "case"), CASES)
async def test_an_answer_means_what_the_table_says(
    channel: str, kind: str, case: dict[str, Any], benches: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "arauto")
    async with benches(channel, kind) as bench:
        bench.answers(case["answer"])
        outcome = await bench.send()
        assert isinstance(outcome, OUTCOMES[case["gives"]]), outcome
        for key in ("scope", "kind", "reference"):
            if key in case:
                assert getattr(outcome, key) == case[key]
        if isinstance(outcome, Retry):
            assert outcome.after == (timedelta(seconds=case["after"]) if "after" in case else None)
        assert len(outcome.answer) < 100
        no_leak(bench, caplog)


@every_provider
async def test_it_can_send_again_after_each_kind_of_answer(channel: str, kind: str, benches: Any) -> None:
    async with benches(channel, kind) as bench:
        for name in ("success", "permanent", "success", "temporary", "success", "success"):
            case = bench.entry["cases"][name]
            bench.answers(case["answer"])
            assert isinstance(await bench.send(), OUTCOMES[case["gives"]])


@every_provider
async def test_it_sends_many_at_the_same_time(channel: str, kind: str, benches: Any) -> None:
    async with benches(channel, kind) as bench:
        bench.answers(bench.entry["cases"]["success"]["answer"])
        outcomes = await asyncio.gather(*(bench.send(message_id=f"msg_{number}") for number in range(30)))
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert len(bench.arrived()) == 30


@every_provider
async def test_no_answer_in_time_is_ambiguous(
    channel: str, kind: str, benches: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with benches(channel, kind) as bench:
        bench.server.silent = True
        assert isinstance(await bench.send(), Ambiguous)
        no_leak(bench, caplog)


@every_provider
async def test_nobody_listening_is_a_retry(
    channel: str,
    kind: str,
    benches: Any,
    caplog: pytest.LogCaptureFixture,
    http_sink: Any,
    mail_sink: Any,
    unused_tcp_port: int,
) -> None:
    http_sink.url = f"http://127.0.0.1:{unused_tcp_port}"
    mail_sink.port = unused_tcp_port
    async with benches(channel, kind) as bench:
        outcome = await bench.send()
        assert isinstance(outcome, Retry)
        assert outcome.kind == "temporary"
        no_leak(bench, caplog)


@every_provider
async def test_a_server_that_repeats_everything_makes_nothing_leak(
    channel: str, kind: str, benches: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "arauto")
    async with benches(channel, kind) as bench:
        if bench.entry["server"] == "mail":
            for stage in ("mail", "rcpt", "data"):
                for code in (450, 550):
                    bench.answers({stage: f"{code} canary-text canary.address@example.com"})
                    await bench.send()
        else:
            bench.server.echo = True
            for status in (200, 201, 301, 400, 401, 404, 410, 418, 429, 500):
                bench.answers({"status": status})
                await bench.send()
        no_leak(bench, caplog)


def no_leak(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing that was said or logged holds a canary, a secret, or an address that belongs to a person."""
    said = "\n".join([*bench.said, caplog.text])
    forbidden = ["canary", *bench.entry.get("secrets", [])]
    settings = bench.entry["settings"].values()
    forbidden += [value for each in settings if isinstance(each, list) for value in each]
    if bench.entry["server"] == "mail" or "text" in bench.entry["body"]:
        forbidden.append(bench.entry["address"])
    for word in forbidden:
        assert word not in said, f"{word} in {said}"


# -- hostile addresses and texts -----------------------------------------------------------------------------

HOSTILE = {
    "a line break": "\r\nX-Evil: 1",
    "a line feed": "\nX-Evil: 1",
    "a carriage return": "\rX-Evil: 1",
    "NUL": "\x00",
    "another recipient": ", evil@example.com",
    "a bracket and a command": ">\r\nRCPT TO:<evil@example.com",
    "a parameter": "> NOTIFY=SUCCESS <",
    "a smuggled end": "\r\n.\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<evil@example.com>\r\nDATA\r\n",
    "an encoded word": "=?UTF-8?Q?=0D=0ABcc:_evil@example.com?=",
    "an encoded word with a header": "A 💩 subject=?UTF-8?Q?=0A?=Bcc: evil@example.com",
    "a line separator": "\u2028X-Evil: 1\u0085X-Evil: 2",
    "a form field": "&To=%2B15005550001&X-Evil=1",
}


def with_hostile(value: Any, hostile: str) -> Any:
    """The same data with this in every text of it."""
    match value:
        case str():
            return value + hostile
        case dict():
            return {key: with_hostile(each, hostile) for key, each in value.items()}
        case list() | tuple():
            return type(value)(with_hostile(each, hostile) for each in value)
    return value


def nothing_was_added(bench: Bench) -> None:
    if bench.entry["server"] == "mail":
        for sender, recipients, content in bench.server.mails:
            assert (sender, recipients) == ("avisos@example.com", [bench.entry["address"]])
            names = sorted(name.lower() for name in message_from_bytes(content))
            assert set(names) <= {
                "from",
                "to",
                "subject",
                "date",
                "message-id",
                "auto-submitted",
                "mime-version",
                "content-type",
                "content-transfer-encoding",
                "x-arauto-message",
                "x-ses-configuration-set",
                "x-ses-message-tags",
            }
            assert len(names) == len(set(names))
    else:
        for _, path, headers, _ in bench.server.requests:
            names = [name.lower() for name in headers]
            assert len(names) == len(set(names))
            assert not {"x-evil", "bcc"} & set(names)
            assert "\r" not in path


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@every_provider
async def test_an_address_adds_nothing(channel: str, kind: str, hostile: str, benches: Any) -> None:
    async with benches(channel, kind) as bench:
        bench.answers(bench.entry["cases"]["success"]["answer"])
        await bench.send(address=with_hostile(bench.entry["address"], hostile))
        nothing_was_added(bench)


@pytest.mark.parametrize("address", [None, 1, "", {}, [], {"endpoint": None, "keys": None}], ids=repr)
@every_provider
async def test_an_address_of_another_form_ends_as_an_outcome(
    channel: str, kind: str, address: Any, benches: Any
) -> None:
    async with benches(channel, kind) as bench:
        bench.answers(bench.entry["cases"]["success"]["answer"])
        await bench.send(address=address)


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@every_provider
async def test_a_text_adds_nothing(channel: str, kind: str, hostile: str, benches: Any) -> None:
    async with benches(channel, kind) as bench:
        bench.answers(bench.entry["cases"]["success"]["answer"])
        changes = {
            name: with_hostile(getattr(bench.body, name), hostile)
            for name in bench.body.__struct_fields__
            if isinstance(getattr(bench.body, name), str | list | dict)
        }
        await bench.send(body=msgspec.structs.replace(bench.body, **changes))
        nothing_was_added(bench)
