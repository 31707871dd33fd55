"""arauto groups: lists, previews of queries over the project and the database, and rotas with their calendar."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import icalendar
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from arauto.api.recipients import _view
from arauto.cli import main
from arauto.model import Recipient
from arauto.store.opening import open_store

GROUPS = """\
people:
  bia: {name: Bia, sms: "+5511987654321", attributes: {team: sales}}
  caio: {name: "Caio, Jr."}
systems:
  erp: {webhook: "https://erp.example/in", attributes: {team: sales}}
groups:
  everybody: {members: [bia, caio, erp]}
  nobody: {members: []}
  sellers: {query: 'recipient.attributes.team | default("") == "sales"'}
  broken: {query: 'recipient.attributes.team == "sales"'}
  duty:
    rota:
      members: [bia, caio]
      every: 1w
      start: 2026-01-05
      hand_over: "09:00"
      zone: America/Sao_Paulo
      overrides:
        - {member: erp, from: 2026-01-07, to: "2026-01-08 18:00"}
"""
STORED = [Recipient(id=f"c-{number:04}", name="C", attributes={"team": "sales"}) for number in range(1203)]


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "shop"
    with pytest.raises(SystemExit):
        main(["init", str(folder), "--locale", "en"])
    (folder / "recipients/groups.yaml").write_text(GROUPS, encoding="utf-8")
    capsys.readouterr()
    return folder


class Run:
    """Runs a command on a project, in a thread of its own, as it starts an event loop; ``out`` is what it printed."""

    def __init__(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.project, self.capsys = project, capsys

    async def __call__(self, *arguments: str) -> int:
        def call() -> int:
            try:
                main(["groups", *arguments, "--project", str(self.project)])
            except SystemExit as end:
                return int(end.code or 0)
            return 0

        code = await asyncio.to_thread(call)
        self.out, self.err = self.capsys.readouterr()
        return code


@pytest.fixture
def run(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("ARAUTO_URL", "ARAUTO_KEY", "ARAUTO_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    return Run(project, capsys)


# -- lists ---------------------------------------------------------------------------------------------------------


async def test_groups_are_listed_with_how_they_are_made(run: Run) -> None:
    assert await run("list") == 0
    lines = run.out.splitlines()
    assert "everybody  list  bia, caio, erp" in lines
    assert "nobody  list  nobody" in lines
    assert 'sellers  query  recipient.attributes.team | default("") == "sales"' in lines
    assert any(line.startswith("duty  rota  ") and "is on call until" in line for line in lines)
    assert await run("list", "--json") == 0
    assert [each["kind"] for each in json.loads(run.out) if each["name"] in ("duty", "everybody", "sellers")] == [
        "rota",
        "list",
        "query",
    ]


async def test_a_list_shows_by_which_channels_its_members_can_be_reached(run: Run) -> None:
    assert await run("show", "everybody") == 0
    assert run.out.splitlines() == ["bia  Bia  inapp", "caio  Caio, Jr.  inapp", "erp    no channel"]
    (run.project / "channels/sms.yaml").write_text(
        'providers: [{kind: twilio, account_sid: AC0, auth_token: env:TWILIO, from: "+14155550199"}]\n',
        encoding="utf-8",
    )
    assert await run("show", "everybody", "--json") == 0
    members = json.loads(run.out)["members"]
    assert members[0] == {"id": "bia", "name": "Bia", "kind": "person", "channels": ["inapp", "sms"]}


async def test_a_group_without_members_is_said(run: Run) -> None:
    assert await run("show", "nobody") == 0
    assert "no members" in run.out


async def test_a_group_that_there_is_not_is_said_with_those_that_there_are(run: Run) -> None:
    assert await run("show", "sellars") == 4
    assert "broken, duty, everybody, nobody, sales, sellers" in run.err


async def test_what_is_for_rotas_is_refused_for_others(run: Run) -> None:
    for option in (("--ical",), ("--days", "3"), ("--at", "2026-01-01")):
        assert await run("show", "everybody", *option) == 2
        assert "is no rota" in run.err


# -- queries -------------------------------------------------------------------------------------------------------


async def test_a_query_is_asked_of_the_project_where_there_is_no_database(run: Run) -> None:
    assert await run("show", "sellers") == 0
    assert run.out.splitlines()[0].startswith("2 of ")
    assert run.out.splitlines()[1:] == ["bia  Bia  inapp", "erp    no channel"]


@pytest.fixture
async def database(run: Run) -> Path:
    """The project's database, with many recipients, of whom one is told otherwise by the project."""
    file = run.project / ".arauto" / "hub.sqlite3"
    file.parent.mkdir()
    store = await open_store(str(file))
    outdated = Recipient(id="caio", attributes={"team": "sales"})
    await store.put_recipients("default", [*STORED, outdated], now=datetime(2026, 1, 1, tzinfo=UTC))
    await store.close()
    return file


async def test_a_query_is_asked_of_the_database_too_and_the_first_are_listed(run: Run, database: Path) -> None:
    assert await run("show", "sellers", "--limit", "3") == 0
    first, *lines, last = run.out.splitlines()
    assert first.startswith("1205 of ")
    assert lines == ["bia  Bia  inapp", "erp    no channel", "c-0000  C  inapp"]
    assert last == "… and 1202 more; --limit shows them"
    assert await run("show", "sellers", "--json") == 0
    told = json.loads(run.out)
    assert (told["count"], told["failed"], len(told["recipients"])) == (1205, 0, 50)
    assert "caio" not in {each["id"] for each in told["recipients"]}


async def test_another_database_can_be_named(run: Run, database: Path, tmp_path: Path) -> None:
    elsewhere = database.rename(tmp_path / "other.sqlite3")
    assert await run("show", "sellers", "--database", str(elsewhere)) == 0
    assert run.out.startswith("1205 of ")


async def test_a_running_hub_is_asked_page_by_page(run: Run) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request.query.get("after", ""))
        start = int(asked[-1] or 0)
        items = [_view(each, fixed=False).model_dump() for each in STORED[start : start + 500]]
        return web.json_response({"items": items, "next": str(start + 500) if start + 500 < len(STORED) else None})

    asked: list[str] = []
    async with RawTestServer(answer) as server:
        assert await run("show", "sellers", "--url", str(server.make_url("/")), "--key", "arauto_0_x") == 0
    assert run.out.startswith("1205 of ")
    assert asked == ["", "500", "1000"]


async def test_recipients_for_whom_a_query_fails_are_counted_and_named(run: Run) -> None:
    assert await run("show", "broken") == 1
    assert run.out.splitlines()[0].startswith("2 of ")
    assert "they are not in the group" in run.err
    assert "  caio: recipient.attributes.team is undefined" in run.err


# -- rotas ---------------------------------------------------------------------------------------------------------


async def test_a_rota_shows_who_is_on_call_and_who_follows(run: Run) -> None:
    assert await run("show", "duty", "--at", "2026-01-07 10:00", "--days", "7") == 0
    assert run.out.splitlines() == [
        "on call on Wed 2026-01-07 10:00 (America/Sao_Paulo): erp",
        "Wed 2026-01-07 09:00 – Thu 2026-01-08 18:00  erp*",
        "Thu 2026-01-08 18:00 – Mon 2026-01-12 09:00  bia",
        "Mon 2026-01-12 09:00 – Mon 2026-01-19 09:00  caio",
    ]


async def test_a_rota_before_it_begins(run: Run) -> None:
    assert await run("show", "duty", "--at", "2026-01-05T11:59:00Z", "--days", "1") == 0
    assert run.out.splitlines() == [
        "on call on Mon 2026-01-05 08:59 (America/Sao_Paulo): nobody",
        "Mon 2026-01-05 09:00 – Wed 2026-01-07 09:00  bia",
    ]


async def test_a_rota_as_json_has_offsets(run: Run) -> None:
    assert await run("show", "duty", "--at", "2026-01-07", "--days", "1", "--json") == 0
    told = json.loads(run.out)
    assert told["on_call"] == told["turns"][0]
    assert told["turns"][1] == {
        "member": "erp",
        "start": "2026-01-07T09:00-03:00",
        "end": "2026-01-08T18:00-03:00",
        "override": True,
    }


async def test_a_rota_as_a_calendar(run: Run) -> None:
    assert await run("show", "duty", "--at", "2026-01-07 10:00", "--days", "7", "--ical") == 0
    events = icalendar.Calendar.from_ical(run.out).walk("VEVENT")
    assert [str(each["summary"]) for each in events] == ["duty: erp", "duty: Bia", "duty: Caio, Jr."]
    assert events[0].decoded("dtstart") == datetime(2026, 1, 7, 12, tzinfo=UTC)


async def test_what_is_no_time_is_said(run: Run) -> None:
    assert await run("show", "duty", "--at", "soon") == 2
    assert "2026-01-31 15:30" in run.err


async def test_a_faulty_project_is_not_shown(run: Run) -> None:
    (run.project / "recipients/more.yaml").write_text("groups: {x: {members: [zoe]}}\n", encoding="utf-8")
    assert await run("list") == 1
    assert "there is no member zoe" in run.err
