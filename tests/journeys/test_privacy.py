"""A person is exported and erased: the real hub, its command line, and every byte of its database."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from arauto.demo.standins import Outside
from journeys.hubs import HubProcess, eventually, hub_process, messages_of
from journeys.test_operation import command

ID, NAME, EMAIL = "cliente-777", "Conceição Única", "conceicao.unica@example.com"
TRACES = (ID, NAME, EMAIL, "390.533.447-05", "Rua das Acácias 12")
OTHER = {"id": "cliente-888", "name": "Benedito Outro", "email": "benedito@example.com", "street": "Rua B 1"}


def order(number: int, total: int = 99) -> dict[str, Any]:
    customer = {"id": ID, "name": NAME, "email": EMAIL, "cpf": TRACES[3], "street": TRACES[4]}
    return {"number": f"A{number}", "total": total, "customer": customer}


def found(project: Path) -> list[str]:
    """Where in the database's files something of the person stands."""
    files = [path for path in (project / ".arauto").iterdir() if path.name.startswith("hub.sqlite3")]
    assert files
    return [f"{path.name}: {text}" for path in files for text in TRACES if text.encode() in path.read_bytes()]


@pytest.fixture
def busy(world: Outside) -> set[str]:
    """Addresses for which the mail server has no time now."""
    busy: set[str] = set()

    async def answer(server: Any, session: Any, envelope: Any, to: str, options: Any) -> str:
        if to in busy:
            return "451 4.3.2 come back later"
        envelope.rcpt_tos.append(to)
        return "250 ok"

    world.handle_RCPT = answer  # type: ignore[attr-defined]
    return busy


async def a_history(hub: HubProcess, busy: set[str]) -> None:
    """Orders of the person and of another, mails that wait for their next attempt, and an order that is told to
    nobody but the ERP."""
    for number in range(12):
        assert (await hub.send(f"e{number}", "order.paid", order(number)))[0] == 202
        other = {"number": f"B{number}", "total": 50, "customer": OTHER}
        assert (await hub.send(f"o{number}", "order.paid", other))[0] == 202
    for number in range(12):
        await hub.settled(f"e{number}")
        await hub.settled(f"o{number}")
    busy.add(EMAIL)
    await hub.send("late", "order.paid", order(77))
    await hub.send("small", "order.paid", order(78, total=3))
    await hub.settled("small")

    async def waits() -> bool:
        message = messages_of(await hub.explained("late")).get(("paid", ID, "email"))
        return bool(message and message["state"] in ("queued", "waiting") and message["attempts"])

    await eventually(waits)


@pytest.fixture
def project(project: Path) -> Path:
    """With mails that wait for an hour."""
    path = project / "channels" / "email.yaml"
    path.write_text(path.read_text().replace("retry: [1s, 1s, 1s]", "retry: [1h]"))
    return project


async def test_a_person_is_exported_and_erased(project: Path, world: Outside, busy: set[str]) -> None:
    async with hub_process(project) as hub:
        await a_history(hub, busy)
        assert {trace.partition(": ")[2] for trace in found(project)} == set(TRACES), "the search would not see them"
        where = ("-C", str(project))
        code, out, err = await command("recipients", "export", ID, *where)
        assert (code, err) == (0, "")
        held = json.loads(out)
        assert held["recipient"]["name"] == NAME
        assert len(held["runs"]) == 13
        assert len(held["messages"]) == 26
        assert len(held["inbox"]) == 13
        assert len(held["events"]) == 13
        assert [event["id"] for event in held["mentions"]] == ["small"]
        code, out, _ = await command("recipients", "erase", ID, "--dry-run", "--json", *where)
        counted = json.loads(out)["counts"]
        assert counted["events"] == 14
        assert (await hub.call("GET", f"/v1/recipients/{ID}"))[0] == 200, "it was only a trial"
        code, out, _ = await command("recipients", "erase", ID, "--yes", "--json", *where)
        assert code == 0
        told = json.loads(out)
        assert told["finished_at"]
        assert told["counts"] == {**told["counts"], "messages": 26, "messages_cancelled": 1, "inbox": 13, "events": 14}
        assert (await hub.call("GET", f"/v1/recipients/{ID}"))[0] == 404
        assert messages_of(await hub.explained("late"))["paid", told["pseudonym"], "email"]["state"] == "cancelled"
        _, again, _ = await command("recipients", "erase", ID, "--yes", "--json", *where)
        assert json.loads(again)["finished_at"] == told["finished_at"], "there is nothing to be erased twice"
        assert (await command("recipients", "export", ID, *where))[0] == 4
        assert await hub.stop() == 0
    assert found(project) == []
    async with hub_process(project) as hub:
        code, out, _ = await command("recipients", "export", str(OTHER["id"]), "-C", str(project))
        others = json.loads(out)
        assert others["recipient"]["name"] == OTHER["name"]
        assert [event["data"]["customer"] for event in others["events"]] == [OTHER] * 12
        assert len(others["inbox"]) == 12
        assert {message["state"] for message in others["messages"]} == {"sent"}
        # An order of theirs makes them known anew, and nothing of before comes back.
        world.arrivals.clear()
        busy.clear()
        await hub.send("new", "order.paid", order(1))
        await hub.settled("new")
        code, out, _ = await command("recipients", "export", ID, "-C", str(project))
        assert len(json.loads(out)["runs"]) == 1
        assert [arrival.to for arrival in world.arrivals if arrival.channel == "email"] == [EMAIL]


@pytest.mark.parametrize("piece", [1, 5, 9])
async def test_an_erasure_that_is_killed_is_finished_at_the_next_start(
    piece: int, project: Path, world: Outside
) -> None:
    async with hub_process(project, ARAUTO_CRASH=f"erasing.piece:{piece}") as hub:
        for number in range(10):
            await hub.send(f"e{number}", "order.paid", order(number))
        for number in range(10):
            await hub.settled(f"e{number}")
        with pytest.raises(aiohttp.ClientError):
            await hub.call("POST", f"/v1/recipients/{ID}/erase", {})
        assert await hub.ended() == -9
        assert found(project) or piece > 8
    async with hub_process(project) as hub:

        async def finished() -> Any:
            status, told = await hub.call("POST", f"/v1/recipients/{ID}/erase", {})
            assert status in (200, 202), told
            return told["finished_at"]

        await eventually(finished)
        assert await hub.stop() == 0
    assert found(project) == []


async def test_erasing_while_events_of_the_person_come_in(project: Path, world: Outside) -> None:
    """What was accepted before goes; what comes after is a new beginning."""
    async with hub_process(project) as hub:
        for number in range(60):
            await hub.send(f"e{number}", "order.paid", order(number))
        status, told = await hub.call("POST", f"/v1/recipients/{ID}/erase", {})
        assert (status, bool(told["finished_at"])) == (200, True)
        assert await hub.stop() == 0
    assert found(project) == []


async def test_without_a_hub_the_command_works_on_the_database(project: Path, world: Outside) -> None:
    async with hub_process(project) as hub:
        await hub.send("e", "order.paid", order(1))
        await hub.settled("e")
        await hub.kill()
    assert found(project)
    out = project / "held.json"
    code, _, _ = await command("recipients", "export", ID, "--output", str(out), "-C", str(project))
    assert code == 0
    assert json.loads(out.read_text())["recipient"]["id"] == ID
    assert out.stat().st_mode & 0o077 == 0, "others could read it"
    code, said, _ = await command("recipients", "erase", ID, "--yes", "-C", str(project))
    assert code == 0, said
    assert "inbox items" in said
    assert found(project) == []
    code, _, said = await command("recipients", "erase", "nobody", "--yes", "-C", str(project))
    assert (code, "nothing is held of 'nobody'" in said) == (4, True)


async def test_somebody_of_the_projects_files_is_named_with_their_place(project: Path, world: Outside) -> None:
    async with hub_process(project) as hub:
        await hub.send("p", "page.wanted", {"what": "wake up"})
        await hub.settled("p")
        code, said, _ = await command("recipients", "erase", "bia", "--yes", "-C", str(project))
        assert code == 0
        assert "recipients/all.yaml:3" in said
        assert "and apply it" in said


async def test_it_asks_for_the_id_again(project: Path, world: Outside) -> None:
    async with hub_process(project) as hub:
        await hub.send("e", "order.paid", order(1))
        await hub.settled("e")
        process = await asyncio.create_subprocess_exec(
            *(str(Path(sys.executable).parent / "arauto"), "recipients", "erase", ID, "-C", str(project)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate(b"cliente-778\n")
        assert process.returncode == 1
        assert b"nothing was erased" in said
        assert (await hub.call("GET", f"/v1/recipients/{ID}"))[0] == 200
