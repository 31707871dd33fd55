"""Silences by the API and by the command line: added, listed, moved, ended and deleted; and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.conftest import Api, cloudevent
from arauto.cli import main
from journeys.hubs import eventually


async def add(api: Api, status: int = 201, **told: Any) -> Any:
    answer = await api.call("POST", "/v1/silences", {"reason": "the ERP moves", **told})
    assert answer.status == status, answer.body
    return answer.json


async def listed(api: Api) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await api.call("GET", "/v1/silences")).json["items"]
    return items


async def inbox_of(api: Api, recipient: str = "ana") -> int:
    counts = await api.app.store.inbox_counts("default", recipient)
    return int(counts["unread"])


async def held(api: Api) -> Any:
    """The only silence, as soon as it holds something."""

    async def look() -> Any:
        (silence,) = await listed(api)
        return silence if silence["held"]["runs"] else None

    return await eventually(look)


async def test_what_is_held_is_counted_and_goes_at_once_when_the_silence_ends(api: Api) -> None:
    made = await add(api, **{"for": "2h"}, categories=["orders"])
    assert (made["state"], made["owner"], made["warnings"]) == ("active", "command line", [])
    assert 7190 <= made["seconds"] <= 7200
    await api.post(cloudevent("1", customer="ana"))
    assert (await held(api))["held"] == {"runs": 1, "messages": 0}
    assert await inbox_of(api) == 0
    ended = (await api.call("POST", f"/v1/silences/{made['id']}/end")).json
    assert ended["state"] == "over"
    await eventually(lambda: inbox_of(api))
    assert (await listed(api))[0]["held"] == {"runs": 0, "messages": 0}
    assert (await api.call("POST", f"/v1/silences/{made['id']}/end")).problem == (409, "silence_over")


async def test_what_is_held_goes_at_once_when_the_silence_is_deleted(api: Api) -> None:
    made = await add(api, until_ended=True)
    assert (made["at"], made["end"], made["warnings"]) == (None, None, ["it holds until somebody ends it"])
    await api.post(cloudevent("1", customer="ana"))
    await held(api)
    assert (await api.call("DELETE", f"/v1/silences/{made['id']}")).status == 204
    await eventually(lambda: inbox_of(api))
    assert await listed(api) == []
    assert (await api.call("DELETE", f"/v1/silences/{made['id']}")).problem == (404, "unknown_silence")


async def test_an_end_is_moved(api: Api) -> None:
    made = await add(api, until_ended=True)
    moved = (await api.call("PATCH", f"/v1/silences/{made['id']}", {"for": "1h"})).json
    assert 3590 <= moved["seconds"] <= 3600
    assert (await api.call("GET", f"/v1/silences/{made['id']}")).json["end"] == moved["end"]
    assert (await api.call("PATCH", f"/v1/silences/{made['id']}", {})).problem == (422, "invalid_silence")
    assert (await api.call("PATCH", "/v1/silences/none", {"for": "1h"})).problem == (404, "unknown_silence")


async def test_one_that_is_coming_and_one_that_comes_every_night(api: Api) -> None:
    start = datetime.now(UTC) + timedelta(days=2)
    coming = await add(api, start=start.isoformat(), **{"for": "90m"}, owner="bia")
    assert (coming["state"], coming["owner"], coming["at"]) == ("coming", "bia", coming["start"])
    nightly = await add(api, every="0 22 * * *", lasts="9h", zone="America/Sao_Paulo", until_ended=True)
    assert (nightly["every"], nightly["lasts"], nightly["warnings"]) == ("0 22 * * *", "9h", [])
    assert nightly["state"] in ("active", "coming")
    long = await add(api, **{"for": "45d"}, notifications=["paid"], recipients=["ana"])
    assert long["warnings"] == ["it holds for 45 days without a break"]
    assert [each["state"] for each in await listed(api)] == sorted(each["state"] for each in await listed(api))
    only = (await api.call("GET", "/v1/silences?state=coming")).json["items"]
    assert coming["id"] in [each["id"] for each in only]
    assert (await api.call("POST", f"/v1/silences/{coming['id']}/end")).json["state"] == "over"


async def test_times_are_read_by_the_clock_of_the_zone(api: Api) -> None:
    made = await add(api, start="2032-01-05 22:00", end="2032-01-06 07:00", zone="America/Sao_Paulo")
    assert (made["start"], made["end"]) == ("2032-01-06T01:00:00Z", "2032-01-06T10:00:00Z")


@pytest.mark.parametrize(
    ("told", "place", "said"),
    [
        ({}, "", "nothing says when it ends; give one of end, for and until_ended"),
        ({"for": "1h", "until_ended": True}, "/end", "for and until_ended are both given"),
        ({"for": "soon"}, "/for", "'soon' is no duration"),
        ({"for": "0s"}, "/for", "0s is not from 1s to 366d"),
        ({"for": "99999999w"}, "/for", ""),
        ({"end": "2020-01-01 10:00"}, "/end", "2020-01-01 10:00 is not after its start"),
        ({"end": "tomorrow"}, "/end", "'tomorrow' is no time; write 2026-03-28T22:00:00Z"),
        ({"for": "1h", "notifications": ["payd"]}, "/notifications/0", "there is no notification 'payd'; did you mean"),
        ({"for": "1h", "categories": ["order"]}, "/categories/0", "did you mean orders?"),
        ({"for": "1h", "recipients": ["ana", "zzz"]}, "/recipients/1", "there is no recipient 'zzz'"),
        ({"for": "1h", "zone": "Sao_Paulo"}, "/zone", "is no IANA time zone"),
        ({"for": "1h", "every": "0 22 * * *"}, "/lasts", "every and lasts go together: add lasts"),
        ({"for": "1h", "lasts": "1h"}, "/every", "every and lasts go together: add every"),
        ({"for": "1h", "every": "0 25 * * *", "lasts": "1h"}, "/every", "25 is no hour"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_what_is_wrong_is_said_at_its_place(api: Api, told: dict[str, Any], place: str, said: str) -> None:
    answer = await add(api, 422, **told)
    assert answer["code"] == "invalid_silence"
    (error,) = answer["errors"]
    assert error["pointer"] == place
    assert said in error["detail"]
    assert await listed(api) == []


async def test_a_reason_is_required_and_all_faults_are_told_at_once(api: Api) -> None:
    assert (await api.call("POST", "/v1/silences", {"for": "1h"})).problem == (422, "invalid_request")
    answer = await add(api, 422, end="x", zone="y", notifications=["z"])
    assert sorted(each["pointer"] for each in answer["errors"]) == ["/end", "/notifications/0", "/zone"]


async def test_the_owner_is_the_key_unless_another_is_named_and_looking_needs_less(api: Api) -> None:
    _, reader = await api.make_key("read")
    _, writer = await api.make_key("silences:write")
    body = {"reason": "x", "for": "1h"}
    assert (await api.call("POST", "/v1/silences", body, key=reader)).problem == (403, "scope_missing")
    made = await api.call("POST", "/v1/silences", body, key=writer)
    assert made.json["owner"] == "test"
    assert (await api.call("GET", "/v1/silences", key=writer)).problem == (403, "scope_missing")
    assert len((await api.call("GET", "/v1/silences", key=reader)).json["items"]) == 1


async def test_the_commands(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    import asyncio

    async def run(*arguments: str) -> tuple[int, str, str]:
        def call() -> int:
            try:
                main(["silences", *arguments, "--url", api.url, "--key", api.key])
            except SystemExit as end:
                return int(end.code or 0)
            return 0

        return (await asyncio.to_thread(call), *capsys.readouterr())

    assert (await run("list"))[1].startswith("There are no silences")
    code, out, err = await run(
        "add", "--for", "2d3h", "--category", "orders", "--reason", "the ERP moves", "--owner", "bia"
    )
    assert (code, err) == (0, "")
    assert "active until" in out
    assert "2d 2h left" in out
    assert "holds category orders: the ERP moves (bia)" in out
    id = out.split()[0]
    await api.post(cloudevent("1", customer="ana"))
    await held(api)
    assert "holds 1 run now" in (await run("list"))[1]
    code, out, _ = await run("end", id, "--in", "30m")
    assert "29m left" in out
    assert "over since" in (await run("end", id))[1]
    assert (await run("end", id))[0] == 1
    assert (await run("delete", id))[1] == f"deleted: {id}\n"
    assert (await run("delete", id))[0] == 4
    code, out, err = await run("add", "--until-ended", "--drop", "--reason", "x", "--recipient", "ana")
    assert "drops recipient ana" in out
    assert err == "warning: it holds until somebody ends it\n"
    code, out, err = await run("add", "--every", "0 22 * * *", "--lasts", "9h", "--until-ended", "--reason", "night")
    assert "every 0 22 * * * (UTC) for 9h, until ended" in out
    for unclear, said in (
        (("add", "--reason", "x"), "one of --for 2h, --until TIME and --until-ended"),
        (("add", "--reason", "x", "--for", "1h", "--until-ended"), "one of --for 2h, --until TIME and --until-ended"),
        (("add", "--reason", "x", "--until-ended", "--every", "0 22 * * *"), "--every and --lasts go together"),
        (("end", id, "--in", "1h", "--at", "2026-12-24 18:00"), "not both"),
    ):
        code, _, err = await run(*unclear)
        assert code == 2
        assert said in err
    code, _, err = await run("add", "--for", "1h", "--notification", "payd", "--reason", "x")
    assert code == 1
    assert "did you mean paid?" in err
