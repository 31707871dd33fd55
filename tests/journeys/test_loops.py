"""A hub whose webhook leads back to itself stops, and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from arauto.model import MOST_HOPS
from journeys.hubs import HubProcess, eventually, hub_process

FILES = {
    "sources/back.yaml": 'kind: standard_webhooks\nsecrets: ["env:JOURNEY_WEBHOOK_SECRET"]\n',
    "events/ball.thrown.yaml": """\
description: It comes back.
schema: {type: object, required: [url], properties: {url: {type: string}}}
samples: {one: {url: "http://127.0.0.1/in/back"}}
""",
    "notifications/throw/notification.yaml": """\
on: ball.thrown
category: orders
to:
  - person: "'mirror'"
    upsert: {webhook: event.data.url}
steps:
  - send: webhook
""",
}


async def test_a_hub_that_sends_to_itself_stops(project: Path) -> None:
    for name, text in FILES.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    async with hub_process(project) as hub:
        status, _ = await hub.send("ball", "ball.thrown", {"url": f"{hub.url}/in/back"})
        assert status == 202
        failed = await eventually(lambda: _messages(hub, "failed"))
        sent = await _messages(hub, "sent")
        assert (len(sent), len(failed)) == (MOST_HOPS, 1)
        (attempt,) = failed[0]["attempts"]
        assert (attempt["outcome"], attempt["answer"][:3]) == ("rejected", "508")
        _, told = await hub.call("GET", "/v1/rejections")
        assert [(each["source"], each["code"]) for each in told["items"]] == [("back", "too_many_hops")]
        _, metrics = await hub.call("GET", "/metrics")
        assert b'arauto_intake_requests_total{result="too_many_hops",source="back"} 1.0' in metrics


async def _messages(hub: HubProcess, state: str) -> list[dict[str, Any]]:
    status, told = await hub.call("GET", f"/v1/messages?state={state}&limit=100")
    assert status == 200, told
    return [each for each in told["items"] if each["notification"] == "throw"]
