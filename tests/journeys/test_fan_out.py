"""A group of hundreds, told by the real hub: every member once, also when the process is killed in the middle."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from arauto.demo.standins import Outside
from journeys.hubs import HubProcess, eventually, hub_process

MEMBERS = 400


async def make_known(hub: HubProcess) -> None:
    members = [{"id": f"p{number:04}", "addresses": {"email": [f"p{number}@example.com"]}} for number in range(MEMBERS)]
    status, told = await hub.call("POST", "/v1/recipients/import", members)
    assert status == 200, told


async def group_of(hub: HubProcess) -> dict[str, Any]:
    """What the explanation says of the group."""
    told = await hub.explained("news")
    (considered,) = (each for each in told["notifications"] if each["notification"] == "news")
    return considered["recipients"][0]["fanout"]  # type: ignore[no-any-return]


async def messages(hub: HubProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        _, page = await hub.call("GET", f"/v1/messages?limit=500{after}")
        found.extend(page["items"])
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


@pytest.mark.parametrize("point", ["fanout.before:2", "fanout.committed:1"])
async def test_killed_in_the_middle(point: str, project: Path, world: Outside) -> None:
    async with hub_process(project, ARAUTO_CRASH=point) as hub:
        await make_known(hub)
        with contextlib.suppress(aiohttp.ClientError):
            assert (await hub.send("news", "news.published", {"what": "We moved"}))[0] == 202
        assert await hub.ended() == -9, "the process did not come to this point"
    async with hub_process(project) as hub:

        async def all_told() -> Any:
            told = await hub.explained("news")
            all_sent = {"email": {"sent": MEMBERS}, "inapp": {"sent": MEMBERS}}
            return told["counts"] and told["counts"]["messages"] == all_sent

        await eventually(all_told)
        group = await group_of(hub)
        assert (group["chosen"], group["failed"]) == (MEMBERS, 0)
        told = Counter((each["recipient"], each["channel"]) for each in await messages(hub))
        assert told == {(f"p{number:04}", channel): 1 for number in range(MEMBERS) for channel in ("email", "inapp")}
        assert (await hub.explained("news"))["counts"]["runs"] == {"done": MEMBERS}
        emails = {each["id"] for each in await messages(hub) if each["channel"] == "email"}
        assert {arrival.id for arrival in world.arrivals} == emails
