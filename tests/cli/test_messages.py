"""messages on the command line: what is asked of the hub, and what is said of its answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from arauto.cli.messages import moment
from cli.test_calls import KEY, run

CHANGED = {"changed": [], "may_repeat": [], "left": [], "unknown": []}
VIEW = {
    "id": "msg_1",
    "event": "evt_1",
    "notification": "paid",
    "recipient": "ana",
    "channel": "email",
    "kind": "text",
    "address": "ana@example.com",
    "state": "bounced",
    "state_text": "bounced",
    "created_at": "2026-11-24T12:00:00.000Z",
    "expires_at": "2026-11-25T12:00:00.000Z",
    "due_at": None,
    "attempts": [],
    "receipts": [
        {"kind": "bounced", "text": "bounced", "at": "2026-11-24T12:00:05.000Z", "permanent": True, "detail": "[550]"}
    ],
    "interventions": [{"did": "retry", "text": "ops had it sent again", "by": "ops", "at": "2026-11-24T12:01:00.000Z"}],
    "next": "nothing more happens",
}


class Asked:
    """A hub that answers as it is told, and keeps what it was asked."""

    def __init__(self, answer: Callable[[web.BaseRequest, Any], Any]) -> None:
        self.answer = answer
        self.calls: list[tuple[str, Any]] = []

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        body = json.loads(text) if (text := await request.read()) else None
        self.calls.append((f"{request.method} {request.path_qs}", body))
        return web.json_response(self.answer(request, body))


async def ask(capsys: pytest.CaptureFixture[str], hub: Asked, *arguments: str) -> tuple[int, str, str]:
    """(exit code, output, errors) of ``arauto messages``."""
    async with RawTestServer(hub) as server:
        return await run(capsys, "messages", *arguments, "--url", str(server.make_url("")), "--key", KEY)


async def test_a_listing_has_every_filter(capsys: pytest.CaptureFixture[str]) -> None:
    hub = Asked(lambda *_: {"items": [VIEW], "next": None})
    filters = ["--state", "bounced", "--channel", "email", "--recipient", "ana", "--notification", "paid"]
    code, out, _ = await ask(capsys, hub, "list", *filters, "--since", "2026-11-24T08:20:00-03:00", "--lang", "en")
    assert code == 0
    assert "msg_1" in out
    assert "bounced" in out
    assert hub.calls[0][0] == (
        "GET /v1/messages?limit=50&state=bounced&channel=email&recipient=ana&notification=paid"
        "&since=2026-11-24T11%3A20%3A00Z&lang=en"
    )
    code, out, _ = await ask(capsys, hub, "list", "--json")
    assert json.loads(out) == [VIEW]
    assert await ask(capsys, Asked(lambda *_: {"items": [], "next": None}), "list") == (0, "No messages.\n", "")


async def test_a_line_of_a_listing_is_not_broken_where_no_terminal_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    wide = VIEW | {"id": "msg_" + "x" * 60, "notification": "n" * 60}
    _, out, _ = await ask(capsys, Asked(lambda *_: {"items": [wide], "next": None}), "list")
    assert len(out.splitlines()) == 2
    assert out.splitlines()[1].split()[-2:] == [wide["notification"], wide["id"]]


async def test_a_state_that_there_is_not_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    hub = Asked(lambda *_: {"items": [], "next": None})
    code, _, err = await ask(capsys, hub, "list", "--state", "lost")
    assert (code, hub.calls) == (2, [])
    assert "there is no state 'lost'; there are: queued, waiting, sending, sent, delivered" in err


async def test_a_message_is_shown_with_its_receipts_and_what_people_did(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = await ask(capsys, Asked(lambda *_: VIEW), "show", "msg_1", "--lang", "en")
    assert code == 0
    assert "2026-11-24 12:00:05  receipt: bounced (for good, [550])" in out
    assert "2026-11-24 12:01:00  ops had it sent again" in out


@pytest.mark.parametrize("deed", ["retry", "release", "cancel", "hold"])
async def test_a_deed_about_ids(capsys: pytest.CaptureFixture[str], deed: str) -> None:
    hub = Asked(lambda _, body: CHANGED | {"changed": body["ids"]})
    code, out, err = await ask(capsys, hub, deed, "msg_1", "msg_2")
    assert (code, err) == (0, "")
    assert out.endswith(": 2\n")
    assert hub.calls == [("POST /v1/interventions", {"do": deed, "ids": ["msg_1", "msg_2"]})]


async def test_what_was_not_done_is_said_and_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    told = {
        "changed": ["msg_1"],
        "may_repeat": ["msg_1"],
        "left": [{"id": "msg_2", "state": "sent", "detail": "it is sent; retry is for …"}],
        "unknown": ["msg_3"],
    }
    code, out, err = await ask(capsys, Asked(lambda *_: told), "retry", "msg_1", "msg_2", "msg_3")
    assert (code, out) == (1, "sent again: 1\n")
    assert "msg_1: an earlier attempt may have arrived; it may arrive twice" in err
    assert "msg_2: it is sent; retry is for …" in err
    assert "msg_3: there is no such message" in err
    only_unknown = CHANGED | {"unknown": ["msg_3"]}
    assert (await ask(capsys, Asked(lambda *_: only_unknown), "retry", "msg_3"))[0] == 4


async def test_ids_come_from_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("msg_1  failed\n\nmsg_2\n"))
    hub = Asked(lambda _, body: CHANGED | {"changed": body["ids"]})
    assert (await ask(capsys, hub, "retry", "-"))[0] == 0
    assert hub.calls[0][1]["ids"] == ["msg_1", "msg_2"]


async def test_all_that_filters_select_in_calls_of_a_size(capsys: pytest.CaptureFixture[str]) -> None:
    pages = {"": ([{"id": f"m{number}"} for number in range(500)], "500"), "500": ([{"id": "m500"}], None)}

    def answer(request: web.BaseRequest, body: Any) -> Any:
        if request.method == "POST":
            return CHANGED | {"changed": body["ids"]}
        items, following = pages[request.query.get("after", "")]
        return {"items": items, "next": following}

    hub = Asked(answer)
    code, out, _ = await ask(capsys, hub, "release", "--all", "--state", "held", "--yes")
    assert (code, out) == (0, "released: 501\n")
    assert [len(body["ids"]) for _, body in hub.calls if body] == [500, 1]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="nothing"),
        pytest.param(["msg_1", "--all", "--state", "failed"], id="both"),
        pytest.param(["msg_1", "--state", "failed"], id="ids with filters"),
        pytest.param(["--all"], id="all of all states"),
        pytest.param(["--all", "--channel", "sms"], id="all states of a channel"),
    ],
)
async def test_which_messages_has_to_be_clear(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    hub = Asked(lambda *_: CHANGED)
    code, _, err = await ask(capsys, hub, "cancel", *arguments)
    assert code == 2
    assert "arauto messages cancel" in err or "--state" in err
    assert hub.calls == []


def replayed(**more: Any) -> dict[str, Any]:
    counted = [{"channel": "email", "type": None, "notification": "paid", "number": 2}]
    told = {"id": "outage", "since": "s", "until": "u", "begun_at": "b", "total": 2, "counts": counted}
    return told | {"over": True, "last_due_at": "2026-11-24T12:00:01.000Z"} | more


async def test_a_replay_goes_on_until_it_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    answers = [replayed(over=False), replayed(total=4)]
    hub = Asked(lambda *_: answers.pop(0))
    arguments = ["--since", "2h", "--channel", "email", "--rate", "10/s", "--notification", "paid"]
    code, out, err = await ask(capsys, hub, "replay", *arguments)
    assert code == 0
    assert "       4  email  paid" in out
    assert "4 messages are sent again under outage; the last is due at 2026-11-24T12:00:01.000Z" in out
    assert "2 so far" in err
    assert [body["id"] for _, body in hub.calls] == [None, "outage"]
    assert hub.calls[0][1]["rate"] == "10/s"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (replayed(id=None), "2 messages would be sent again, at 50/s; nothing was done"),
        (replayed(counts=[]), "outage was done already (2 messages, begun at b): nothing was done now"),
        (replayed(counts=[], total=0), "there is nothing to do again"),
    ],
)
async def test_what_a_replay_says(capsys: pytest.CaptureFixture[str], told: Any, said: str) -> None:
    arguments = ["--since", "2h", *(["--dry-run"] if told["id"] is None else [])]
    code, out, _ = await ask(capsys, Asked(lambda *_: dict(told)), "replay", *arguments)
    assert code == 0
    assert said in out


async def test_a_span_or_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert moment("2026-11-24T08:20:00-03:00") == "2026-11-24T11:20:00Z"
    before = datetime.now(UTC)
    assert before <= datetime.fromisoformat(moment("2h")) + timedelta(hours=2) <= datetime.now(UTC)
    for wrong in ("yesterday", "2", "2h ago", "2026-11-24", "999999999999d"):
        code, _, err = await ask(capsys, Asked(lambda *_: {}), "list", "--since", wrong)
        assert code == 2, wrong
        assert "neither a span, such as 2h or 1d, nor a time" in err


async def test_without_a_hub_it_says_what_to_do(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = await run(capsys, "messages", "retry", "msg_1", "--project", str(tmp_path))
    assert code == 5
    assert "arauto serve" in err
