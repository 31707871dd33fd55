"""The process killed at each named point of the way, and started again: nothing accepted is lost, and what may
have been sent twice carries the same id and is counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from arauto.crash import POINTS
from arauto.demo.standins import Outside
from journeys.hubs import HubProcess, hub_process, messages_of

ORDER = {"number": "1042", "total": 1234.5, "customer": {"id": "c1", "name": "Conceição", "email": "c1@example.com"}}

MAY_REPEAT = {"send.before", "send.after", "settle.before", "settle.committed"}
"""Between an attempt's record and its outcome's: nobody can know whether the call was made. When the outcome of one
message is committed, the call of another may be under way."""


async def accepted(hub: HubProcess, id: str, type: str, data: object) -> bool:
    try:
        status, _ = await hub.send(id, type, data)
    except aiohttp.ClientError:
        return False
    return status == 202


@pytest.mark.parametrize("point", [point for point in POINTS if not point.startswith(("receive", "fanout"))])
async def test_killed_at(point: str, project: Path, world: Outside) -> None:
    async with hub_process(project, ARAUTO_CRASH=point) as hub:
        was_accepted = await accepted(hub, "crash", "order.paid", ORDER)
        assert await hub.ended() == -9, "the process did not come to this point"
    async with hub_process(project) as hub:
        if not was_accepted:  # as a producer does that got no answer
            assert (await hub.send("crash", "order.paid", ORDER))[0] == 202
        explained = await hub.settled("crash")
        messages = messages_of(explained)
        assert {key[2]: message["state"] for key, message in messages.items()} == {
            "email": "sent",
            "webhook": "sent",
            "inapp": "sent",
        }
        arrived = Counter((arrival.channel, arrival.id) for arrival in world.arrivals)
        assert {id for _, id in arrived} == {m["id"] for key, m in messages.items() if key[2] != "inapp"}
        repeated = sum(count - 1 for count in arrived.values())
        assert point in MAY_REPEAT or repeated == 0
        unknown = sum(attempt["outcome"] == "unknown" for m in messages.values() for attempt in m["attempts"])
        assert repeated <= unknown
        metrics = (await hub.call("GET", "/metrics"))[1].decode()
        counted = sum(
            float(line.rpartition(" ")[2])
            for line in metrics.splitlines()
            if line.startswith("arauto_duplicates_possible_total{")
        )
        assert counted == unknown
        _, made = await hub.call("POST", "/v1/recipients/c1/inbox-token")
        inbox = (await hub.call("GET", "/v1/inbox", Authorization=f"Bearer {made['token']}"))[1]
        assert len(inbox["items"]) == 1


@pytest.mark.parametrize("point", ["send.after", "settle.before"])
async def test_an_sms_whose_outcome_is_unknown_waits_for_a_person(point: str, project: Path, world: Outside) -> None:
    async with hub_process(project, ARAUTO_CRASH=point) as hub:
        await accepted(hub, "page", "page.wanted", {"what": "wake up"})
        assert await hub.ended() == -9
    async with hub_process(project) as hub:
        messages = messages_of(await hub.settled("page"))
        unknown = [message for message in messages.values() if message["state"] == "unknown"]
        assert unknown, messages
        assert "person" in unknown[0]["next"]
        assert all(count == 1 for count in Counter(arrival.to for arrival in world.arrivals).values())


async def test_a_kill_under_load_loses_nothing(project: Path, world: Outside) -> None:
    answered: set[str] = set()
    for round in range(3):
        async with hub_process(project, ARAUTO_CRASH=f"settle.committed:{5 + 7 * round}") as hub:
            for number in range(400):
                id = f"r{round}-{number}"
                if not await accepted(hub, id, "order.paid", {**ORDER, "total": 3}):
                    break
                answered.add(id)
            else:
                await hub.kill()
    async with hub_process(project) as hub:
        for id in sorted(answered):
            messages = messages_of(await hub.settled(id))
            assert messages["to-erp", "erp", "webhook"]["state"] == "sent", messages
    assert len(answered) > 10
