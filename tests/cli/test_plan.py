"""``arauto plan``: a folder held against a running hub, a database and another folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from api.conftest import PROJECT, Api
from api.conftest import api as api
from api.conftest import project as project
from arauto.app import running
from arauto.catalogue import compile_project
from arauto.engine.admit import admit
from arauto.model import Recipient
from arauto.sources import Draft
from cli.test_calls import run
from journeys.hubs import eventually

PAID = "notifications/paid/content.en.md"


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """The hub's project, with another text."""
    return written(tmp_path / "changed", {**PROJECT, PAID: PROJECT[PAID].replace("Order", "Pedido")})


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
async def told(api: Api) -> Api:
    """A hub that told somebody of an order."""
    await api.call("PUT", "/v1/recipients/c1", {})
    event = {"type": "order.paid", "source": "/t", "id": "1", "specversion": "1.0"}
    answer = await api.call(
        "POST",
        "/v1/events",
        {**event, "data": {"number": "1042", "customer": "c1"}},
        **{"Content-Type": "application/cloudevents+json"},
    )
    assert answer.status == 202, answer.body

    async def sent() -> Any:
        return (await api.app.store.counts()).messages.get("inapp", {}).get("sent")

    await eventually(sent)
    return api


async def test_a_folder_is_held_against_a_running_hub(
    told: Api, changed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("plan", str(changed), "--against", told.url, "--key", told.key, "--since", "1h")
    code, out, err = await run(capsys, *asked)
    assert (code, err) == (0, "")
    for expected in (
        "Notification `paid`",
        "+ Pedido {{ event.data.number }}.",
        "Nothing is under way.",
        "sends 1 of the 1 message that was really sent (100.0%)",
        "1 recipient would have got something more, less or otherwise:",
        "`c1` would have got `paid` by inapp (“Paid”) otherwise: with another text",
    ):
        assert expected in out, out
    code, out, err = await run(capsys, *asked, "--json")
    plan = json.loads(out)
    assert plan["from"] == told.app.hub.engine.catalogue.version
    assert plan["backtest"]["totals"][0]["otherwise_in"] == {"text": 1}
    code, out, err = await run(capsys, *asked, "--markdown", "--lang", "pt-BR")
    assert "| paid | inapp | orders | – | – | 1 (outro texto 1) | – |" in out


async def test_what_was_planned_is_what_is_applied(
    told: Api, changed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ("--url", told.url, "--key", told.key)
    _, out, _ = await run(capsys, "plan", str(changed), "--against", told.url, "--key", told.key, "--json")
    plan = tmp_path / "plan.json"
    plan.write_text(out, encoding="utf-8")
    code, out, err = await run(capsys, "apply", str(changed), *here, "--plan", str(plan))
    assert (code, err) == (0, ""), out
    code, out, _ = await run(capsys, "releases", "show", "live", *here, "--json")
    assert json.loads(out)["plan"]["to"] == compile_project(changed).version
    code, out, _ = await run(capsys, "plan", str(changed), "--against", told.url, "--key", told.key)
    assert "nothing would change" in out
    (changed / PAID).write_text("---\ntitle: Paid\n---\nAnother.\n", encoding="utf-8")
    code, _, err = await run(capsys, "apply", str(changed), *here, "--plan", str(plan))
    assert code != 0
    assert "plan" in err


async def test_a_folder_is_held_against_a_database(
    changed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "hub.sqlite3")
    asked = ("plan", str(changed), "--against", file)
    code, _, err = await run(capsys, *asked)
    assert (code, "there is no database" in err) == (4, True)
    async with running(compile_project(written(tmp_path / "live", PROJECT)), file):
        code, _, err = await run(capsys, *asked)
        assert (code, "is in use" in err) == (5, True)
    code, out, err = await run(capsys, *asked)
    assert (code, err) == (0, "")
    assert "No events were recorded in that time" in out


async def test_a_folder_is_held_against_another(
    changed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = written(tmp_path / "live", PROJECT)
    code, out, err = await run(capsys, "plan", str(changed), "--against", str(live))
    assert (code, err) == (0, "")
    assert "A folder has no recorded events" in out


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--since", "soon"), 2, "'soon' is neither a span"),
        (("--since", "2999-01-01T00:00:00Z"), 2, "is not past"),
        (("--json", "--markdown"), 2, "not both"),
        (("--against", "nowhere.sqlite3"), 4, "there is no database nowhere.sqlite3"),
        (("--against", "ftp://hub.example"), 2, "ftp:// is no database that Arauto knows"),
        (("--against", "http://127.0.0.1:9", "--key", "k"), 5, "no hub answers"),
        ((), 5, "no hub runs on"),
    ],
    ids=["no time", "a time to come", "two forms", "no database", "no kind of database", "no hub there", "no hub here"],
)
async def test_a_slip_is_told(
    changed: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], code: int, said: str
) -> None:
    found, _, err = await run(capsys, "plan", str(changed), *more)
    assert (found, said in err) == (code, True), err


async def test_a_faulty_folder_is_not_planned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faulty = written(tmp_path / "faulty", {**PROJECT, PAID: "{{ event.data.nothing }}"})
    code, _, err = await run(capsys, "plan", str(faulty), "--against", str(faulty))
    assert (code, "nothing was done" in err) == (1, True)


async def test_a_folder_is_held_against_a_database_that_hubs_work_on(
    changed: Path, tmp_path: Path, postgresql_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    live = compile_project(written(tmp_path / "live", PROJECT))
    async with running(live, postgresql_url) as app:
        await app.store.put_recipients("default", [Recipient(id="c1")], now=app.hub.engine.clock())
        data = {"number": "1042", "customer": "c1"}
        draft = Draft(source="shop", id="1", type="order.paid", data=data)
        await app.hub.submit([admit(draft, live, app.hub.engine.clock())])

        async def sent() -> Any:
            return (await app.store.counts()).messages.get("inapp", {}).get("sent")

        await eventually(sent)
        code, out, err = await run(capsys, "plan", str(changed), "--against", postgresql_url, "--json")
        assert (code, err) == (0, "")
        found = json.loads(out)["backtest"]
        assert (found["messages_really_sent"], found["of_these_reproduced"]) == (1, 1)
        assert found["totals"][0]["otherwise_in"] == {"text": 1}
