"""Starting, stopping, watching and sharing."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from arauto.demo.standins import Outside
from journeys.hubs import ENVIRONMENT, HubProcess, eventually, hub_process, messages_of

ORDER = {"number": "1042", "total": 3, "customer": {"id": "c1", "name": "Conceição", "email": "c1@example.com"}}


async def command(*arguments: str) -> tuple[int, str, str]:
    """Run ``arauto`` with these arguments."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "arauto"),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**ENVIRONMENT, "PATH": "/usr/bin:/bin", "LANG": "en_US.UTF-8", "COLUMNS": "200"},
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_sigterm_drains_and_the_next_start_finds_nothing_to_repeat(project: Path, world: Outside) -> None:
    async with hub_process(project) as hub:
        for number in range(50):
            assert (await hub.send(f"e{number}", "order.paid", ORDER))[0] == 202
        assert await hub.stop() == 0
        assert not (project / ".arauto" / "session.json").exists()
    async with hub_process(project) as hub:
        for number in range(50):
            message = messages_of(await hub.settled(f"e{number}"))["to-erp", "erp", "webhook"]
            assert [attempt["outcome"] for attempt in message["attempts"]] == ["accepted"]
    assert len(world.arrivals) == 50


async def test_two_hubs_cannot_share_a_file(hub: HubProcess) -> None:
    code, _, said = await command("serve", str(hub.project), "--port", "0")
    assert code == 1
    assert "stop that process" in said
    assert "Traceback" not in said


async def test_health_readiness_and_metrics(hub: HubProcess) -> None:
    assert (await hub.call("GET", "/healthz"))[1] == {"status": "alive"}
    ready = (await hub.call("GET", "/readyz"))[1]
    assert (ready["status"], ready["behind"]) == ("ready", False)
    await hub.send("m", "order.paid", ORDER)
    await hub.settled("m")

    async def counted() -> bool:
        text = (await hub.call("GET", "/metrics"))[1].decode()
        return 'arauto_messages_ended_total{channel="webhook",state="sent"} 1.0' in text

    assert await eventually(counted)


async def test_the_command_line_finds_the_hub_that_runs_here(hub: HubProcess, world: Outside) -> None:
    project = str(hub.project)
    code, out, said = await command("send", "order.paid", "--id", "cli-1", "-C", project)
    assert code == 0, said
    assert "accepted: order.paid cli-1" in out
    await hub.settled("cli-1")
    code, out, _ = await command("explain", "cli-1", "-C", project)
    assert code == 0
    assert "webhook → http://127.0.0.1" in out
    code, out, _ = await command("explain", "cli-1", "-C", project, "--lang", "pt-BR")
    assert "enviada" in out
    code, out, _ = await command("explain", "c1", "-C", project)
    assert "Conceição" in out
    code, out, said = await command("explain", "nothing-like-it", "-C", project)
    assert (code, out) == (4, "")
    assert "nothing-like-it" in said
    code, out, _ = await command("keys", "create", "shop", "-C", project)
    assert out.startswith("arauto_")
    code, out, _ = await command("keys", "list", "-C", project)
    assert "shop" in out
    code, out, _ = await command("rejections", "-C", project)
    assert out == "Nothing was refused or ignored.\n"
    code, out, said = await command("doctor", project)
    assert code == 0, out + said


async def test_recipients_are_imported_and_faulty_lines_are_told(hub: HubProcess, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "id;name;email;locale;attributes.team\np1;Ana;ana@x.example;pt-BR;a\np2;Bia;not an address;en;b\np3;Caio;;;\n"
    )
    code, out, said = await command("recipients", "import", str(file), "-C", str(hub.project))
    assert code == 1
    assert out == "2 of 3 recipients stored\n"
    assert f"{file}:3" in said
    _, shown = await hub.call("GET", "/v1/recipients/p1")
    assert shown["addresses"] == {"email": ["ana@x.example"]}
    assert shown["attributes"] == {"team": "a"}


async def test_without_a_hub_the_command_line_says_how_to_start_one(project: Path) -> None:
    code, _, said = await command("send", "order.paid", "-C", str(project))
    assert code == 5
    assert "arauto serve" in said


async def test_missing_secrets_are_named_all_at_once(project: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "arauto"),
        "serve",
        str(project),
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin"},
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    for name in ENVIRONMENT:
        assert name in said.decode()


async def test_one_hub_works_on_postgresql_and_goes_on_after_a_kill(
    project: Path, world: Outside, postgresql_url: str
) -> None:
    async with hub_process(project, postgresql_url) as hub:
        assert (await hub.send("pg-1", "order.paid", ORDER))[0] == 202
        messages = messages_of(await hub.settled("pg-1"))
        assert {message["state"] for message in messages.values()} == {"sent"}
        await hub.kill()
    async with hub_process(project, postgresql_url) as hub:
        assert messages_of(await hub.settled("pg-1")) == messages
        assert (await hub.send("pg-1", "order.paid", ORDER))[0] == 202
        assert (await hub.send("pg-2", "order.paid", ORDER))[0] == 202
        await hub.settled("pg-2")
        assert await hub.stop() == 0
    assert len(world.arrivals) == 2


@pytest.mark.parametrize("point", ["accept.committed", "plan.committed", "send.after"])
async def test_what_was_under_way_at_a_kill_comes_back_when_its_lease_ends(
    point: str, project: Path, world: Outside, postgresql_url: str
) -> None:
    """Several nodes may share a PostgreSQL, so a start ends no leases; here they are ended by hand."""
    async with hub_process(project, postgresql_url, ARAUTO_CRASH=point) as hub:
        with suppress(aiohttp.ClientError):
            await hub.send("killed", "order.paid", ORDER)
        assert await hub.ended() == -9, "the process did not come to this point"
    connection = await asyncpg.connect(postgresql_url)
    await connection.execute("UPDATE events SET leased_until = 0 WHERE state = 'pending'")
    await connection.execute("UPDATE messages SET due_at = 0 WHERE state = 'sending'")
    await connection.close()
    async with hub_process(project, postgresql_url) as hub:
        message = messages_of(await hub.settled("killed"))["to-erp", "erp", "webhook"]
        assert message["state"] == "sent"
        outcomes = [attempt["outcome"] for attempt in message["attempts"]]
        assert outcomes == (["accepted"] if point == "accept.committed" else ["unknown", "accepted"])
        assert (await hub.send("killed", "order.paid", ORDER))[0] == 202
        assert await hub.stop() == 0
    called = 2 if point == "send.after" else 1
    assert [arrival.id for arrival in world.arrivals] == [message["id"]] * called
