"""apply: make a project folder live, in a running hub or in its database."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arauto.cli import Failed
from arauto.cli.hub import JsonOption, KeyOption, UrlOption, connect, print_json
from arauto.errors import StoreLocked, StoreUnavailable, UsageFault

if TYPE_CHECKING:
    from arauto.engine.releases import Applied
    from arauto.model import Catalogue
    from arauto.store import Store

ToOption = Annotated[
    str | None,
    typer.Option(
        "--to",
        help="A database that no hub here works on, or a PostgreSQL one: its hubs follow.",
        show_default=False,
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say whether it would be taken; change nothing.")]
ByOption = Annotated[str | None, typer.Option("--by", help="Who does it, for the record.", show_default="you")]


def apply(
    directory: Annotated[Path, typer.Argument(help="The project folder.", show_default=False)],
    plan: Annotated[
        Path | None,
        typer.Option(help="What 'arauto plan --json' wrote: it is recorded, and must be of just this change."),
    ] = None,
    dry_run: DryRunOption = False,
    by: ByOption = None,
    project: Annotated[
        Path | None,
        typer.Option("--project", "-C", help="The folder whose running hub is asked.", show_default="DIRECTORY"),
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    to: ToOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a project folder live in a running hub, without a restart.

    The folder is checked first. The hub looks whether it has every secret, and whether everything can be built; only
    then the version is live, recorded with who did it and when. Nothing that is on its way is lost or held up.

    Examples:

      arauto apply loja
      arauto apply loja --dry-run
      arauto apply loja --url https://avisos.example --plan plan.json --by "CI, pull request 7"
      arauto apply loja --to postgresql://arauto@db.example/arauto
    """
    from arauto.app import whoami
    from arauto.cli.check import compile_or_exit

    catalogue = compile_or_exit(directory)
    looked_at = None if plan is None else _read(plan)
    who = by or whoami()
    if to is not None:
        only_one(url)
        asyncio.run(_apply_to(to, catalogue, who, looked_at, dry_run, as_json))
        return
    hub = connect(project or directory, url, key)
    live = hub.get("v1", "releases", "live")
    if looked_at is not None:
        check_plan(looked_at, live["version"], catalogue.version)
    asked = {
        "files": {name: base64.b64encode(raw).decode() for name, raw in catalogue.files.items()},
        "replaces": live["version"],
        "plan": looked_at,
        "by": who,
        "dry_run": dry_run,
    }
    show_applied(hub.call("POST", "/v1/releases", asked), live, as_json)


async def _apply_to(
    place: str, catalogue: Catalogue, by: str, plan: dict[str, Any] | None, dry_run: bool, as_json: bool
) -> None:
    from arauto.app import missing_secrets, now
    from arauto.engine.releases import Wanted, apply_to

    for missing in missing_secrets(catalogue):
        typer.echo(f"not here, so the hubs must have it: {missing}", err=True)
    async with database(place) as store:
        live = await store.live_release()
        if plan is not None:
            check_plan(plan, live.version if live else None, catalogue.version)
        wanted = Wanted(catalogue=catalogue, by=by, how="apply", expected=live.version if live else None, plan=plan)
        applied = await apply_to(store, wanted, now(), dry_run=dry_run)
    show_applied(as_document(applied), None if live is None else {"by": live.by, "at": live.at.isoformat()}, as_json)


# -- what rollback does likewise -----------------------------------------------------------------------------------


def only_one(url: str | None) -> None:
    """Raises Failed where both a database and a hub are named."""
    if url is not None:
        raise Failed("name a hub (--url) or a database (--to), not both", 2)


@asynccontextmanager
async def database(place: str) -> AsyncIterator[Store]:
    """A database that is there. Raises Failed."""
    from arauto.store.opening import open_store

    if not _is_there(place):
        raise Failed(f"there is no database {place}; a hub makes it when it starts: arauto serve", 4)
    try:
        store = await open_store(place)
    except StoreUnavailable as error:
        raise Failed(str(error), 5) from None
    except StoreLocked as error:
        raise Failed(f"{error}\nAsk the hub that works on it: leave out the database, or give its URL", 5) from None
    except UsageFault as error:
        raise Failed(str(error), 2) from None
    try:
        yield store
    finally:
        await store.close()


def _is_there(place: str) -> bool:
    """Of a file, so that a slip makes no other one."""
    scheme, separator, rest = place.partition("://")
    return (separator != "" and scheme != "sqlite") or Path(rest.removeprefix("/") if separator else place).is_file()


def check_plan(plan: dict[str, Any], live: str | None, folder: str) -> None:
    """What was looked at is what goes live. Raises Failed."""
    before, after = plan.get("from"), plan.get("to")
    if after != folder:
        raise Failed(f"the plan leads to the version {after}, and the folder is {folder}: plan it again")
    if before != live:
        raise Failed(f"the plan starts from the version {before}, and {live} is live now: plan it again")


def as_document(applied: Applied) -> dict[str, Any]:
    """As the API tells it."""
    return {"outcome": applied.outcome, "version": applied.version, "replaces": applied.replaces}


def show_applied(answer: dict[str, Any], live: dict[str, Any] | None, as_json: bool) -> None:
    """Say what came of it. ``live`` is the release that was live before."""
    if as_json:
        print_json(answer)
        return
    version, replaces = answer["version"], answer["replaces"]
    before = "" if live is None else f"by {live['by']} since {when(live['at'])}"
    instead = "" if replaces is None else f", instead of {replaces}, live {before}"
    match answer["outcome"]:
        case "same":
            typer.echo(f"{version} is live already, {before}; nothing was changed.")
        case "possible":
            typer.echo(f"{version} would be taken{instead}. Nothing was changed.")
        case _:
            typer.echo(f"{version} is live now{instead}.")
            if replaces is not None:
                typer.echo(f"Back again: arauto rollback {replaces}")


def when(text: str) -> str:
    """A time of the API, to the minute."""
    return f"{text[:16].replace('T', ' ')} UTC"


def _read(path: Path) -> dict[str, Any]:
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failed(f"the plan {path} can't be read: {error.strerror}", 2) from None
    except ValueError:
        plan = None
    if not isinstance(plan, dict) or not {"from", "to"} <= plan.keys():
        raise Failed(f"{path} is no plan: write one with 'arauto plan DIR --json > {path}'", 2)
    return plan
