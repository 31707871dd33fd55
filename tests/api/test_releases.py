"""Releases over HTTP: another version is made live in a running hub, or is refused with all that is wrong with it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from api.conftest import Answer, Api
from arauto.catalogue import compile_files
from journeys.hubs import eventually

INVOICE = {
    "sources/erp.yaml": """
        kind: hmac
        secrets: [erp-canary-1234567890]
        header: X-Erp-Signature
        prefix: "sha256="
        events: [{type: order.paid, id: body.id, data: body.order}]
    """,
    "arauto.yaml": """
        name: api
        locale: en
        time_zone: UTC
        public_url: https://api.example
        brand: {name: Renamed}
        categories: {orders: {title: Orders}}
    """,
}


def files_of(folder: Path, changed: Mapping[str, str | None] | None = None) -> dict[str, bytes]:
    """The files of the project in a folder, some of them changed, or gone."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    files = {name: raw for name, raw in found.items() if not name.startswith(".")}
    for name, text in (changed or {}).items():
        if text is None:
            del files[name]
        else:
            files[name] = text.encode()
    return files


def encoded(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(raw).decode() for name, raw in files.items()}


class Team:
    """Somebody who works on the project of a running hub."""

    def __init__(self, api: Api, project: Path) -> None:
        self.api, self.project = api, project

    async def apply(self, changed: Mapping[str, str | None], *, key: str = "", **more: Any) -> Answer:
        """Apply the project with these files changed."""
        body = {"files": encoded(files_of(self.project, changed)), **more}
        return await self.api.call("POST", "/v1/releases", body, key=key)

    async def live(self) -> Any:
        return (await self.api.call("GET", "/v1/releases/live")).json

    async def releases(self) -> list[Any]:
        return list((await self.api.call("GET", "/v1/releases")).json["items"])

    async def nothing_changed(self, before: Any) -> bool:
        """Neither which release is live, nor what is served, nor what is kept."""
        store = self.api.app.store
        kept = await store.versions()
        return bool(await self.live() == before and kept == [before["version"]] and len(await self.releases()) == 1)


@pytest.fixture
async def team(api: Api, project: Path) -> Team:
    return Team(api, project)


async def test_the_folder_of_the_start_is_the_first_release(team: Team) -> None:
    live = await team.live()
    version = compile_files(files_of(team.project)).version
    assert (live["number"], live["version"], live["how"], live["replaces"]) == (1, version, "serve", None)
    assert (live["live"], live["kept"], live["serving"], live["behind"]) == (True, True, version, None)
    assert "@" in live["by"]
    ready = (await team.api.call("GET", "/readyz")).json
    assert ready == {"status": "ready", "serving": version, "behind": False}


async def test_what_is_applied_is_served_when_the_answer_comes(team: Team, make: Any) -> None:
    before = await team.live()
    assert (await team.api.call("POST", "/in/erp", b"{}", key=None)).problem == (404, "unknown_source")
    answer = await team.apply(INVOICE, replaces=before["version"], by="Ana")
    assert answer.status == 200
    assert (answer.json["outcome"], answer.json["replaces"]) == ("applied", before["version"])
    live = await team.live()
    assert (live["number"], live["version"], live["how"]) == (2, answer.json["version"], "apply")
    assert (live["by"], live["serving"]) == ("Ana", live["version"])
    assert (await team.api.call("POST", "/in/erp", b"{}", key=None)).problem[0] == 401, "its sources are there"
    page = await team.api.call("GET", "/p/none", key=None, Accept="text/html")
    assert b"Renamed" in page.body, "pages are of it, too"
    metrics = (await team.api.call("GET", "/metrics", key=None)).body.decode()
    shown = [line for line in metrics.splitlines() if line.startswith("arauto_catalogue_info{")]
    assert shown == [f'arauto_catalogue_info{{version="{live["version"]}"}} 1.0']
    await team.api.post(make(customer="ana"))
    (event,) = await team.api.items("/v1/events", 1)

    async def planned() -> Any:
        told = (await team.api.call("GET", f"/v1/events/{event['id']}/explanation")).json
        return told["catalogue"]

    assert await eventually(planned) == live["version"]
    assert (await team.apply({"sources/shop.yaml": None})).json["outcome"] == "applied"
    assert (await team.api.call("POST", "/in/shop", b"{}", key=None)).problem == (404, "unknown_source")


async def test_schedules_follow_the_version(team: Team) -> None:
    store = team.api.app.store

    async def noted(*names: str) -> bool:
        return sorted(each.source for each in await store.ticked()) == sorted(names)

    await eventually(lambda: noted("nightly"))
    hourly = (team.project / "sources/nightly.yaml").read_text().replace("0 3 * * *", "0 * * * *")
    for _ in range(3):
        await team.apply({"sources/nightly.yaml": None, "sources/hourly.yaml": hourly})
        await team.apply({"sources/nightly.yaml": None})
    await eventually(lambda: noted())
    await team.apply({"sources/hourly.yaml": hourly})
    await eventually(lambda: noted("hourly", "nightly"))


async def test_a_run_that_waits_finishes_as_it_was_begun(team: Team, make: Any) -> None:
    rule = (team.project / "notifications/paid/notification.yaml").read_text()
    waiting = {"notifications/paid/notification.yaml": rule.replace("[{send", "[{delay: 1s}, {send")}
    before = (await team.apply(waiting)).json["version"]
    await team.api.post(make(id="waits", customer="ana"))

    async def planned() -> Any:
        return (await team.api.call("GET", "/v1/events/waits/explanation")).json["catalogue"]

    assert await eventually(planned) == before
    other = "---\ntitle: Other\n---\nOther {{ event.data.number }}.\n"
    assert (await team.apply({"notifications/paid/content.en.md": other})).json["outcome"] == "applied"
    await team.api.post(make(id="after", customer="ana"))
    await team.api.items("/v1/messages", 2)
    inbox = (await team.api.call("POST", "/v1/recipients/ana/inbox-token")).json["token"]
    titles = [item["title"] for item in await team.api.items(f"/v1/inbox?token={inbox}", 2, key=None)]  # type: ignore[arg-type]
    assert titles == ["Paid", "Other"], "the one that waited came last, with the text of its version"


async def test_what_is_live_already_changes_nothing(team: Team) -> None:
    before = await team.live()
    answer = await team.apply({}, replaces="another")
    assert (answer.status, answer.json["outcome"]) == (200, "same")
    assert answer.json["release"]["number"] == 1
    assert await team.nothing_changed(before)


async def test_a_trial_changes_nothing(team: Team) -> None:
    before = await team.live()
    answer = await team.apply(INVOICE, dry_run=True)
    assert (answer.status, answer.json["outcome"], answer.json["release"]) == (200, "possible", None)
    assert answer.json["version"] == compile_files(files_of(team.project, INVOICE)).version
    assert await team.nothing_changed(before)


REFUSED: list[Any] = [
    pytest.param({"events/order.paid.yaml": "{}"}, {}, (422, "project_faulty"), "order.paid.yaml", id="faults"),
    pytest.param({"arauto.yaml": None}, {}, (422, "project_faulty"), "arauto.yaml", id="no project"),
    pytest.param({"../out.yaml": "x"}, {}, (422, "project_faulty"), "out.yaml", id="out of the folder"),
    pytest.param({"/etc/x": "x"}, {}, (422, "project_faulty"), "etc", id="from the root"),
    pytest.param({"notes.txt": "x"}, {}, (422, "project_faulty"), "notes.txt", id="what is no project's file"),
    pytest.param({"tests/a.yaml": "x"}, {}, (422, "project_faulty"), "tests", id="test cases"),
    pytest.param({"events": "x"}, {}, (422, "project_faulty"), "events", id="a file where a folder is"),
    pytest.param({"a\0b": "x"}, {}, (422, "project_faulty"), "", id="a name with a NUL"),
    pytest.param(
        {"sources/erp.yaml": INVOICE["sources/erp.yaml"].replace("erp-canary-1234567890", "env:ERP_SECRET")},
        {},
        (422, "cannot_serve"),
        "ERP_SECRET",
        id="a secret that is not here",
    ),
    pytest.param(INVOICE, {"replaces": "0123456789ab"}, (409, "release_conflict"), "is live", id="another is live"),
    pytest.param(INVOICE, {"plan": {"from": "x", "to": "y"}}, (409, "other_plan"), "plan", id="the plan of another"),
    pytest.param(INVOICE, {"plan": {}}, (409, "other_plan"), "plan", id="no plan"),
]


@pytest.mark.parametrize("dry_run", [False, True], ids=["applied", "tried"])
@pytest.mark.parametrize(("changed", "more", "problem", "said"), REFUSED)
async def test_what_cannot_be_is_refused_whole(
    team: Team, changed: Any, more: Any, problem: tuple[int, str], said: str, dry_run: bool
) -> None:
    before = await team.live()
    answer = await team.apply(changed, dry_run=dry_run, **more)
    assert answer.problem == problem
    assert said in answer.body.decode()
    assert "canary" not in answer.body.decode()
    assert await team.nothing_changed(before)


async def test_a_file_that_is_not_base64_is_refused(team: Team) -> None:
    answer = await team.api.call("POST", "/v1/releases", {"files": {"arauto.yaml": "?"}})
    assert answer.problem == (422, "invalid_request")
    assert answer.json["errors"] == [{"pointer": "/files/arauto.yaml", "detail": "is not base64"}]


async def in_pieces(document: Any) -> AsyncIterator[bytes]:
    body = json.dumps(document).encode()
    for begin in range(0, len(body), 2**18):
        yield body[begin : begin + 2**18]


async def test_a_project_may_be_larger_than_other_calls_but_not_any_size(team: Team) -> None:
    image = base64.b64encode(bytes(4_000_000)).decode()
    files = encoded(files_of(team.project)) | {"notifications/paid/large.png": image}
    assert (await team.api.call("POST", "/v1/releases", in_pieces({"files": files}))).json["outcome"] == "applied"
    assert (await team.api.call("GET", "/v1/releases/live/files")).json["files"] == files
    for_nobody = in_pieces({"files": files})
    assert (await team.api.call("POST", "/v1/releases", for_nobody, key=None)).problem == (401, "key_missing")
    too_much = in_pieces({"files": {"arauto.yaml": "A" * 26_000_000}})
    assert (await team.api.call("POST", "/v1/releases", too_much)).problem == (413, "too_large")


async def test_a_plan_is_kept_with_its_release(team: Team) -> None:
    before, after = (await team.live())["version"], compile_files(files_of(team.project, INVOICE)).version
    plan = {"from": before, "to": after, "summary": "one more source"}
    assert (await team.apply(INVOICE, replaces=before, plan=plan)).status == 200
    assert (await team.live())["plan"] == plan
    assert all("plan" not in each for each in await team.releases())


async def test_a_key_stands_beside_the_name_that_its_caller_gives(team: Team) -> None:
    _, key = await team.api.make_key("releases:write")
    await team.apply(INVOICE, key=key, by="Ana")
    await team.apply({}, key=key)
    assert [each["by"] for each in await team.releases()][:2] == ["test", "Ana (key test)"]


async def test_of_those_who_apply_to_the_same_version_one_is_told_of_the_other(team: Team) -> None:
    live = (await team.live())["version"]
    changes = [{"recipients/all.yaml": f"people: {{p{number}: {{name: P}}}}"} for number in range(4)]
    answers = await asyncio.gather(*(team.apply(each, replaces=live, by=f"p{n}") for n, each in enumerate(changes)))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    (won,) = [answer.json["version"] for answer in answers if answer.status == 200]
    after = await team.live()
    assert (after["version"], after["serving"], after["number"]) == (won, won, 2)
    for answer in answers:
        if answer.status == 409:
            assert answer.problem == (409, "release_conflict")
            assert f"{won} is live, by {after['by']}" in answer.json["detail"]


async def test_a_version_is_taken_back_with_the_files_that_it_had(team: Team) -> None:
    first = (await team.live())["version"]
    second = (await team.apply(INVOICE)).json["version"]
    answer = await team.api.call("POST", f"/v1/releases/{first[:5]}/rollback", {"by": "Ana", "dry_run": True})
    assert (answer.json["outcome"], (await team.live())["version"]) == ("possible", second)
    answer = await team.api.call("POST", f"/v1/releases/{first[:5]}/rollback", {"by": "Ana", "replaces": second})
    assert (answer.json["outcome"], answer.json["version"]) == ("applied", first)
    assert (await team.api.call("POST", "/in/erp", b"{}", key=None)).problem == (404, "unknown_source")
    told = [(each["number"], each["version"], each["how"], each["live"]) for each in await team.releases()]
    assert told == [(3, first, "rollback", True), (2, second, "apply", False), (1, first, "serve", False)]
    files = (await team.api.call("GET", f"/v1/releases/{second}/files")).json["files"]
    assert files == encoded(files_of(team.project, INVOICE))
    assert (await team.api.call("POST", f"/v1/releases/{first}/rollback")).json["outcome"] == "same"


async def test_a_version_that_is_not_there_cannot_be_taken_back(team: Team) -> None:
    first = await team.live()
    assert (await team.api.call("POST", "/v1/releases/zz/rollback")).problem == (404, "unknown_release")
    await team.apply(INVOICE)
    for path in ("/v1/releases/{}/rollback", "/v1/releases/{}/files"):
        method = "POST" if path.endswith("rollback") else "GET"
        async with team.api.app.store._database.transaction() as transaction:  # type: ignore[attr-defined]
            await transaction.rows("drop_release_files", version=first["version"])
        answer = await team.api.call(method, path.format(first["version"]))
        assert answer.problem == (409, "not_kept")
    async with team.api.app.store._database.transaction() as transaction:  # type: ignore[attr-defined]
        for number, version in ((8, "abcd00000000"), (9, "abcd11111111")):
            values = {"number": number, "version": version, "at": 0, "who": "x", "how": "apply"}
            await transaction.rows("put_release", replaces=None, plan=None, **values)
    assert (await team.api.call("GET", "/v1/releases/abcd")).problem == (409, "ambiguous_release")
