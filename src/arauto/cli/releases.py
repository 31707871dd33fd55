"""releases: which versions of the project were live, when, and with whose word."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from arauto.cli.apply import when
from arauto.cli.hub import JsonOption, KeyOption, ProjectOption, UrlOption, connect, console, print_json

app = typer.Typer(help="List and show releases: the versions of the project that were made live.")


@app.callback()
def _group() -> None:
    """List and show releases: the versions of the project that were made live."""


@app.command("list")
def list_releases(
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many, newest first.", min=1)] = 20,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List releases, newest first: the version, when it was made live, by whom and how.

    One that is marked with ✓ can be taken back: arauto rollback VERSION.

    Examples:

      arauto releases list
      arauto releases list -n 100 --json
    """
    items = list(connect(project, url, key).pages("v1", "releases", limit=limit))
    if as_json:
        print_json(items)
        return
    from rich.table import Table

    table = Table("", "version", "when", "how", "by", "files", box=None, pad_edge=False)
    for item in items:
        live = "live" if item["live"] else str(item["number"])
        table.add_row(live, item["version"], when(item["at"]), item["how"], item["by"], "✓" if item["kept"] else "")
    console().print(table)


@app.command()
def show(
    version: Annotated[str, typer.Argument(help="The version, how it begins, or: live.")] = "live",
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a release, with the plan that was looked at before it was applied.

    Examples:

      arauto releases show
      arauto releases show 3f9a --json
    """
    release = connect(project, url, key).get("v1", "releases", version)
    if as_json:
        print_json(release)
    else:
        typer.echo("\n".join(_drawn(release)))


def _drawn(release: dict[str, Any]) -> list[str]:
    lines = [
        f"{release['version']}  release {release['number']}{', live' if release['live'] else ''}",
        f"  {release['how']} by {release['by']}, {when(release['at'])}",
        f"  instead of {release['replaces'] or 'nothing: it was the first'}",
    ]
    if not release["kept"]:
        lines.append("  its files are not kept any more: it can't be taken back")
    if release["live"] and release["behind"]:
        lines.append(f"  this hub still serves {release['serving']}: {release['behind']}")
    if release["plan"]:
        lines += ["  the plan that was looked at (--json shows all of it):", *_summary(release["plan"])]
    return lines


def _summary(plan: dict[str, Any]) -> list[str]:
    """Of a plan, what can be read at a glance."""
    lines = [f"    differences in the project's files: {_counted(plan.get('differences'), 'differences')}"]
    tried = plan.get("backtest")
    if isinstance(tried, dict):
        lines.append(
            f"    tried on {tried.get('events')} events; recipients concerned: {tried.get('recipients_concerned')}"
        )
    return lines


def _counted(told: Any, name: str) -> int:
    found = told.get(name) if isinstance(told, dict) else told
    return len(found) if isinstance(found, list) else 0
