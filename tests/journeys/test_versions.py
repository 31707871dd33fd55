"""A hub started again on a changed project: what was begun is finished as it was begun, or follows the latest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from journeys.hubs import HubProcess, eventually, hub_process

FILES = {
    "arauto.yaml": "{name: v, locale: en, time_zone: UTC, brand: {name: V}, categories: {orders: {title: Orders}}}",
    "events/order.paid.yaml": "{description: x, schema: {type: object}, samples: {a: {}}}",
    "recipients/all.yaml": "{people: {ana: {name: Ana}}}",
    "channels/inapp.yaml": "{}",
}


def write(project: Path, name: str, in_flight: str, word: str, steps: str = "[{delay: 4s}, {send: inapp}]") -> None:
    folder = project / "notifications" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "notification.yaml").write_text(
        f"{{on: order.paid, category: orders, to: [{{person: \"'ana'\"}}], in_flight: {in_flight}, steps: {steps}}}"
    )
    (folder / "content.en.md").write_text(f"---\ntitle: {word}\n---\n{name} {word}.\n")


async def titles(hub: HubProcess, count: int) -> list[str]:
    """What stands in Ana's inbox, as soon as there is so much."""
    token = (await hub.call("POST", "/v1/recipients/ana/inbox-token"))[1]["token"]

    async def look() -> Any:
        items = (await hub.call("GET", f"/v1/inbox?token={token}", Authorization=""))[1]["items"]
        return [item["title"] for item in items] if len(items) >= count else None

    return sorted(await eventually(look))


async def test_a_run_finishes_on_the_version_that_began_it_or_follows_the_latest(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name, text in FILES.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    write(project, "pinned", "pinned", "pinned-before")
    write(project, "latest", "latest", "latest-before")
    write(project, "gone", "pinned", "gone-before")
    async with hub_process(project, str(tmp_path / "hub.sqlite3")) as hub:
        await hub.send("1", "order.paid", {})
        told = await eventually(lambda: _planned(hub))
        assert await hub.stop() == 0
        write(project, "pinned", "pinned", "pinned-after", "[{send: inapp}, {delay: 1h}]")
        write(project, "latest", "latest", "latest-after")
        for file in (project / "notifications" / "gone").iterdir():
            file.unlink()
        (project / "notifications" / "gone").rmdir()
        await hub.start()
        assert await titles(hub, 3) == ["gone-before", "latest-after", "pinned-before"]
        after = await hub.explained("1")
        versions = {
            each["notification"]: line["run"]["version"]
            for each in after["notifications"]
            for line in each["recipients"]
        }
        assert versions["pinned"] == versions["gone"] == told["catalogue"]
        assert versions["latest"] == after["serving"] != told["catalogue"]


async def _planned(hub: HubProcess) -> Any:
    told = await hub.explained("1")
    return told if told["event"]["state"] == "planned" else None
