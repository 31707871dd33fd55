"""rollback: make a version live again that was live before."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from arauto.cli import Failed
from arauto.cli.apply import ByOption, DryRunOption, ToOption, as_document, database, only_one, show_applied
from arauto.cli.hub import JsonOption, KeyOption, ProjectOption, UrlOption, connect
from arauto.errors import CatalogueFaulty


def rollback(
    version: Annotated[
        str,
        typer.Argument(help="The version, or how it begins; see 'arauto releases list'.", show_default=False),
    ],
    dry_run: DryRunOption = False,
    by: ByOption = None,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    to: ToOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a version live again that was live before.

    It has the files that it had then, and is a release like any other: recorded, taken over at once, and to be rolled
    back itself. The folder stays as it is: mend it before it is applied again.

    Examples:

      arauto rollback 3f9a
      arauto rollback 3f9a --dry-run
      arauto rollback 3f9a --url https://avisos.example --by "Ana, on call"
    """
    from arauto.app import whoami

    if not (version.isascii() and version.isalnum()):
        raise Failed(f"{version!r} is no version; 'arauto releases list' shows those that were live", 4)
    who = by or whoami()
    if to is not None:
        only_one(url)
        asyncio.run(_rollback_in(to, version, who, dry_run, as_json))
        return
    hub = connect(project, url, key)
    live = hub.get("v1", "releases", "live")
    asked = {"replaces": live["version"], "by": who, "dry_run": dry_run}
    show_applied(hub.call("POST", f"/v1/releases/{version}/rollback", asked), live, as_json)


async def _rollback_in(place: str, version: str, by: str, dry_run: bool, as_json: bool) -> None:
    from arauto.app import now
    from arauto.engine.releases import Wanted, apply_to, compile_release, find

    async with database(place) as store:
        found = await find(store, version)
        if not isinstance(found, str):
            several = f"several versions begin like this: {', '.join(found)}" if found else "it was never live"
            raise Failed(f"there is no one version {version}: {several}; see 'arauto releases list'", 4)
        live = await store.live_release()
        try:
            catalogue = await compile_release(store, found)
        except CatalogueFaulty as error:
            raise Failed(f"the version {found} can't be compiled by this program:\n{error}") from None
        wanted = Wanted(catalogue=catalogue, by=by, how="rollback", expected=live.version if live else None)
        applied = await apply_to(store, wanted, now(), dry_run=dry_run)
    show_applied(as_document(applied), None if live is None else {"by": live.by, "at": live.at.isoformat()}, as_json)
