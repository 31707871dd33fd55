"""Applying, taking back and listing by the command line: on a running hub, and in a database that no hub has open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from api.conftest import Api
from api.conftest import api as api
from api.conftest import project as project
from arauto.app import running
from arauto.catalogue import compile_project
from cli.test_calls import run


def change(project: Path, word: str) -> tuple[str, str]:
    """Change the project; the versions before and after."""
    before = compile_project(project).version
    path = project / "notifications/paid/content.en.md"
    path.write_text(f"---\ntitle: {word}\n---\n{word} {{{{ event.data.number }}}}.\n", encoding="utf-8")
    return before, compile_project(project).version


def as_plan(tmp_path: Path, before: str, after: str) -> str:
    path = tmp_path / f"{before}-{after}.json"
    tried = {"events": 12, "recipients_concerned": 3}
    plan = {"from": before, "to": after, "differences": {"differences": [{"code": "x"}]}, "backtest": tried}
    path.write_text(json.dumps(plan))
    return str(path)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """What the hub in this process logged, instead of what the command wrote."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
def on_hub(api: Api, capsys: pytest.CaptureFixture[str]) -> Any:
    """A command on the running hub: (exit code, output, errors)."""

    async def call(*arguments: str) -> tuple[int, str, str]:
        return await run(capsys, *arguments, "--url", api.url, "--key", api.key)

    return call


async def test_a_team_applies_looks_and_takes_back(on_hub: Any, api: Api, project: Path, tmp_path: Path) -> None:
    before, after = change(project, "Changed")
    code, out, _ = await on_hub("apply", str(project), "--dry-run")
    assert (code, out.startswith(f"{after} would be taken, instead of {before}, live by ")) == (0, True)
    assert "Nothing was changed" in out
    code, out, _ = await on_hub("apply", str(project), "--by", "Ana", "--plan", as_plan(tmp_path, before, after))
    assert code == 0
    assert out.startswith(f"{after} is live now, instead of {before}, live by ")
    assert out.endswith(f"Back again: arauto rollback {before}\n")
    assert api.app.hub.engine.catalogue.version == after
    _, out, _ = await on_hub("apply", str(project))
    assert out.startswith(f"{after} is live already, by Ana since ")
    _, out, _ = await on_hub("releases", "show")
    assert out.splitlines()[0] == f"{after}  release 2, live"
    assert "    differences in the project's files: 1" in out.splitlines()
    assert "    tried on 12 events; recipients concerned: 3" in out.splitlines()
    assert (await on_hub("rollback", before[:5], "--dry-run", "--json"))[0] == 0
    assert api.app.hub.engine.catalogue.version == after
    code, out, _ = await on_hub("rollback", before[:5], "--by", "Bia", "--json")
    assert (code, json.loads(out)["release"]["how"]) == (0, "rollback")
    assert api.app.hub.engine.catalogue.version == before
    _, out, _ = await on_hub("releases", "list")
    lines = [line.split() for line in out.splitlines()[1:]]
    assert [(line[0], line[1], line[5], line[6]) for line in lines[:2]] == [
        ("live", before, "rollback", "Bia"),
        ("2", after, "apply", "Ana"),
    ]
    assert len(lines) == 3
    _, out, _ = await on_hub("releases", "list", "-n", "1", "--json")
    assert [item["version"] for item in json.loads(out)] == [before]


async def test_what_is_not_what_was_looked_at_does_not_go_live(on_hub: Any, project: Path, tmp_path: Path) -> None:
    before, after = change(project, "Changed")
    for plan, said in (
        (as_plan(tmp_path, "0123456789ab", after), f"{before} is live now"),
        (as_plan(tmp_path, before, "0123456789ab"), f"the folder is {after}"),
    ):
        code, _, said_instead = await on_hub("apply", str(project), "--plan", plan)
        assert (code, said in said_instead) == (1, True), said_instead
    for text, said in (("{}", "arauto plan DIR --json"), ("[", "is no plan")):
        (tmp_path / "plan.json").write_text(text)
        code, _, said_instead = await on_hub("apply", str(project), "--plan", str(tmp_path / "plan.json"))
        assert (code, said in said_instead) == (2, True), said_instead
    (project / "events/order.paid.yaml").write_text("{}")
    code, _, said_instead = await on_hub("apply", str(project))
    assert (code, "events/order.paid.yaml:1:1 missing-key" in said_instead) == (1, True)
    assert "nothing was done" in said_instead
    code, _, said_instead = await on_hub("rollback", "zz")
    assert (code, "was ever live" in said_instead) == (4, True)
    code, _, said_instead = await on_hub("rollback", "../x")
    assert (code, "is no version" in said_instead) == (4, True)


async def test_a_secret_that_the_hub_lacks_is_named(on_hub: Any, project: Path) -> None:
    path = project / "sources/shop.yaml"
    path.write_text(path.read_text().replace("shop-canary-889900", "env:APPLY_TEST_SECRET"))
    code, _, said = await on_hub("apply", str(project))
    assert (code, "APPLY_TEST_SECRET" in said) == (1, True)


# -- in a database ---------------------------------------------------------------------------------------------------


async def started(project: Path, database: str) -> Any:
    """Start a hub and end it; with which version, and the release that it took instead of the folder."""
    async with running(compile_project(project), database) as app:
        instead = app.instead_of_folder
        return app.hub.engine.catalogue.version, instead and (instead.version, instead.by)


async def test_what_was_applied_stays_and_what_was_only_started_goes_with_the_folder(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = str(tmp_path / "hub.db")
    first = (await started(project, database))[0]
    assert (first, None) == await started(project, database)
    _, second = change(project, "Second")
    assert await started(project, database) == (second, None), "a start makes the folder live, as ever"
    code, out, _ = await run(capsys, "rollback", first[:6], "--to", database, "--by", "Ana")
    assert (code, out.startswith(f"{first} is live now, instead of {second}")) == (0, True)
    assert await started(project, database) == (first, (first, "Ana"))
    _, third = change(project, "Third")
    code, out, _ = await run(capsys, "apply", str(project), "--to", database, "--dry-run")
    assert (code, f"{third} would be taken" in out) == (0, True)
    assert await started(project, database) == (first, (first, "Ana"))
    code, out, _ = await run(capsys, "apply", str(project), "--to", f"sqlite:///{database}", "--json")
    assert (code, json.loads(out)) == (0, {"outcome": "applied", "version": third, "replaces": first})
    assert await started(project, database) == (third, None)
    change(project, "Fourth")
    assert (await started(project, database))[0] == third


async def test_a_database_that_a_hub_works_on_is_left_to_the_hub(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = str(tmp_path / "hub.db")
    async with running(compile_project(project), database):
        code, _, said = await run(capsys, "apply", str(project), "--to", database)
        assert (code, "Ask the hub that works on it" in said) == (5, True)
    code, _, said = await run(capsys, "apply", str(project), "--to", str(tmp_path / "none.db"))
    assert (code, "there is no database" in said) == (4, True)
    assert not (tmp_path / "none.db").exists()
    code, _, said = await run(capsys, "apply", str(project), "--to", "postgresql://ana:hidden@127.0.0.1:1/arauto")
    assert (code, "PostgreSQL cannot be reached" in said, "hidden" in said) == (5, True, False)
    code, _, said = await run(capsys, "apply", str(project), "--to", database, "--url", "http://127.0.0.1:1")
    assert (code, "not both" in said) == (2, True)
    for version, said in (("zz", "never live"), ("", "")):
        code, _, told = await run(capsys, "rollback", version or "é", "--to", database)
        assert (code, said in told) == (4, True)
