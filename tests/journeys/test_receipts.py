"""Receipts on the way: Twilio calls a real hub, which is killed between the call and its answer, and calls again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from arauto.cli import main
from arauto.demo.standins import Outside
from journeys.hubs import ENVIRONMENT, HubProcess, eventually, hub_process, messages_of

validator = pytest.importorskip("twilio.request_validator")


async def twilio_calls(hub: HubProcess, message: str, status: str, **more: str) -> tuple[int, Any]:
    """A status call-back, signed by Twilio's own code."""
    path = f"/receipts/sms/twilio?message={message}"
    form = {"MessageStatus": status, "MessageSid": "SM1", "AccountSid": "AC00000000000000000000000000000000", **more}
    signer = validator.RequestValidator(ENVIRONMENT["JOURNEY_TWILIO_TOKEN"])
    return await hub.call(
        "POST",
        path,
        urlencode(form).encode(),
        **{
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signer.compute_signature(hub.url + path, form),
        },
    )


async def message(hub: HubProcess, id: str) -> Any:
    status, told = await hub.call("GET", f"/v1/messages/{id}")
    assert status == 200
    return told


async def sent_sms(hub: HubProcess) -> list[str]:
    await hub.send("page", "page.wanted", {"what": "wake up"})
    messages = messages_of(await hub.settled("page"))
    return sorted(each["id"] for each in messages.values() if each["channel"] == "sms" and each["state"] == "sent")


@pytest.mark.parametrize("point", ["receive.before", "receive.committed"])
async def test_a_call_whose_hub_died_comes_again_and_counts_once(point: str, project: Path, world: Outside) -> None:
    async with hub_process(project, ARAUTO_CRASH=point) as hub:
        (id, *_) = await sent_sms(hub)
        with pytest.raises(aiohttp.ClientError):
            await twilio_calls(hub, id, "undelivered", ErrorCode="30005")
        assert await hub.ended() == -9
    async with hub_process(project) as hub:
        told = await message(hub, id)
        assert told["state"] == ("sent" if point == "receive.before" else "failed")
        for _ in range(2):
            assert (await twilio_calls(hub, id, "undelivered", ErrorCode="30005"))[0] == 200
        told = await message(hub, id)
        assert told["state"] == "failed"
        assert [(each["kind"], each["permanent"]) for each in told["receipts"]] == [("failed", True)]
        await hub.send("again", "page.wanted", {"what": "wake up"})
        later = json.dumps(await hub.settled("again"))
        assert "the address for sms is not used any more: failed" in later


async def test_a_call_that_is_not_genuine_is_refused_and_kept_for_people_to_see(hub: HubProcess) -> None:
    (id, *_) = await sent_sms(hub)
    status, told = await hub.call("POST", f"/receipts/sms/twilio?message={id}", b"MessageStatus=delivered")
    assert (status, told["status"]) == (401, 401)

    async def refused() -> Any:
        _, page = await hub.call("GET", "/v1/rejections")
        return page["items"]

    items = await eventually(refused)
    assert [(each["source"], each["status"]) for each in items] == [("receipts/sms/twilio", 401)]
    assert (await message(hub, id))["receipts"] == []
    assert (await twilio_calls(hub, "msg_of_somebody_else", "delivered"))[0] == 200
    assert (await twilio_calls(hub, id, "delivered"))[0] == 200
    assert (await message(hub, id))["state"] == "delivered"


async def test_what_failed_is_sent_again_by_the_command_line(
    hub: HubProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    (id, *_) = await sent_sms(hub)
    await twilio_calls(hub, id, "failed", ErrorCode="30003")

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as end:
            main([*arguments, "--project", str(hub.project)])
        out, err = capsys.readouterr()
        assert end.value.code in (0, None), out + err
        return out + err

    said = await asyncio.to_thread(run, "messages", "replay", "--since", "1h", "--channel", "sms", "--dry-run")
    assert "1 messages would be sent again" in said
    said = await asyncio.to_thread(run, "messages", "replay", "--since", "1h", "--channel", "sms", "--id", "outage")
    assert "1 messages are sent again under outage" in said
    said = await asyncio.to_thread(run, "messages", "replay", "--since", "1h", "--channel", "sms", "--id", "outage")
    assert "outage was done already" in said
    told = (await hub.settled("page"))["notifications"]
    assert told
    shown = await asyncio.to_thread(run, "messages", "show", id, "--lang", "en")
    assert "command line had it sent again, with others" in shown
