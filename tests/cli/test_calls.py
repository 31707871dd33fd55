"""How commands call a hub: what is wrong with the call is said, and neither key nor password is shown."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from arauto.cli import Failed, main
from arauto.cli.hub import HubCall, connect

KEY = "arauto_00112233_canary"


async def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """(exit code, output, errors) of a command."""

    def call() -> int:
        try:
            main(arguments)
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    code = await asyncio.to_thread(call)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8700",
        "ftp://hub.example",
        "http://hub.example:x",
        "http://hub.example:0",
        "http://u:canary@hub.example",
        "http://hub.example/?canary",
        "http://hub.example\r\nX: canary",
        "http://[::1",
    ],
)
def test_what_is_no_address_of_a_hub_is_refused(url: str) -> None:
    with pytest.raises(Failed, match="write one such as http") as caught:
        connect(Path(), url, KEY)
    assert caught.value.exit_code == 2
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("key", ["canary\n", "canary x", "canáry", "canary\0"])
def test_what_cannot_be_a_key_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(Failed, match="arauto keys create") as caught:
        connect(Path(), "http://hub.example", key)
    assert caught.value.exit_code == 2
    assert "can" not in str(caught.value)


def test_a_url_without_a_key_is_refused_and_a_key_is_never_shown() -> None:
    with pytest.raises(Failed, match="--key or ARAUTO_KEY"):
        connect(Path(), "http://hub.example", None)
    assert "canary" not in repr(connect(Path(), "http://hub.example", KEY))


async def test_a_hub_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    code, out, err = await run(capsys, "rejections", "--url", url, "--key", KEY)
    assert (code, out) == (5, "")
    assert url in err
    assert "canary" not in err
    assert "Traceback" not in err


async def test_an_id_goes_into_the_path_whole(http_sink: Any, capsys: pytest.CaptureFixture[str]) -> None:
    http_sink.answer = (204, {}, b"")
    at = ("--url", f"{http_sink.url}/hub/", "--key", KEY)
    assert (await run(capsys, "keys", "revoke", "a b/ç?", *at))[0] == 0
    assert (await run(capsys, "recipients", "delete", "a/b%#", "--yes", *at))[0] == 0
    assert [(method, path) for method, path, _, _ in http_sink.requests] == [
        ("DELETE", "/hub/v1/keys/a%20b%2F%C3%A7%3F"),
        ("DELETE", "/hub/v1/recipients/a%2Fb%25%23"),
    ]
    assert http_sink.requests[0][2]["Authorization"] == f"Bearer {KEY}"


async def test_bytes_that_are_no_text_are_sent_so_that_the_hub_can_say_so(
    http_sink: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    http_sink.answer = (400, {}, json.dumps({"code": "lone_surrogate", "detail": "half a character"}).encode())
    code, _, err = await run(
        capsys, "send", "order.paid", "{}", "--id", "caf\udce9", "--url", http_sink.url, "--key", KEY
    )
    assert (code, err) == (1, "arauto: half a character (400 lone_surrogate)\n")
    assert b"caf\\udce9" in http_sink.requests[0][3]


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        pytest.param(404, {"code": "unknown_key", "detail": "d"}, 4, id="not there"),
        pytest.param(503, {"code": "store_unavailable", "detail": "d"}, 5, id="not available"),
        pytest.param(403, {"code": "scope_missing", "detail": "d"}, 1, id="not allowed"),
        pytest.param(502, "<html>", 1, id="somebody else's page"),
    ],
)
def test_a_refusal_has_its_exit_code(status: int, body: Any, code: int) -> None:
    from arauto.cli.hub import _failed

    text = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    assert _failed(status, text).exit_code == code


async def test_a_hub_of_another_version_is_told_of(http_sink: Any) -> None:
    from arauto.cli.past import RemotePast

    http_sink.answer = (200, {}, b'{"another": "form"}')
    with pytest.raises(Failed, match="use the version of arauto that the hub has"):
        await RemotePast(HubCall(http_sink.url, KEY)).under_way()


def test_each_fault_is_told_with_its_place_where_it_has_one() -> None:
    from arauto.cli.hub import _failed

    errors = [{"pointer": "/order", "detail": "is missing"}, {"pointer": "", "detail": "APP_TOKEN is not set"}]
    told = str(_failed(422, json.dumps({"code": "c", "detail": "d", "errors": errors}).encode()))
    assert told.splitlines() == ["d (422 c)", "  /order: is missing", "  APP_TOKEN is not set"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("p.csv", b"id;name\n1;" + b"x" * 140_000 + b"\n", "cannot be read as CSV", id="a field too long"),
        pytest.param("p.csv", b"name;email\nA;a@x.example\n", "no column 'id'", id="no ids"),
        pytest.param("p.csv", "id;name\n1;João\n".encode("latin-1"), "not UTF-8", id="another encoding"),
        pytest.param("p.jsonl", b'{"id": "1"}\n{\n', "p.jsonl:2 is no JSON", id="no JSON"),
        pytest.param("p.jsonl", b"[]\n", "p.jsonl:1 is no JSON object", id="no object"),
        pytest.param("p.txt", b"", "neither .csv nor .jsonl", id="another file"),
        pytest.param("", b"", "neither", id="a folder"),
    ],
)
async def test_a_file_that_cannot_be_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, said: str
) -> None:
    file = tmp_path / name
    if name:
        file.write_bytes(content)
    code, out, err = await run(capsys, "recipients", "import", str(file), "--url", "http://127.0.0.1:1", "--key", KEY)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


async def test_an_import_leaves_out_all_faulty_lines_of_a_chunk_in_two_calls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.jsonl"
    file.write_text("".join(f'{{"id": "{number}"}}\n' for number in range(5)))
    errors = [{"pointer": "/1/locale", "detail": "no"}, {"pointer": "/3/id", "detail": "fixed"}]
    refusal = {"code": "invalid_recipient", "detail": "d", "errors": errors}
    calls: list[Any] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        calls.append(json.loads(await request.read()))
        return web.json_response(refusal, status=422) if len(calls) == 1 else web.json_response({"stored": 3})

    async with RawTestServer(answer) as server:
        at = ("--url", str(server.make_url("/")), "--key", KEY)
        code, out, err = await run(capsys, "recipients", "import", str(file), *at)
    assert (code, out) == (1, "3 of 5 recipients stored\n")
    assert f"{file}:2 was not stored: locale: no" in err
    assert f"{file}:4 was not stored: id: fixed" in err
    assert [len(call) for call in calls] == [5, 3]


async def test_a_port_that_there_is_not(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = await run(capsys, "serve", str(tmp_path), "--port", "70000")
    assert code == 2
    assert "65535" in err


def test_the_text_of_a_call_shows_no_key() -> None:
    assert repr(HubCall("http://hub.example", KEY)) == "HubCall('http://hub.example')"
