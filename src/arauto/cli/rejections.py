"""rejections: what the hub did not take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arauto.cli.hub import JsonOption, KeyOption, ProjectOption, UrlOption, connect, console, print_json


def rejections(
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many, newest first.", min=1)] = 20,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the calls that the hub refused or ignored, and why.

    Examples:

      arauto rejections
      arauto rejections -n 100 --json
    """
    items = list(connect(project, url, key).pages("v1", "rejections", limit=limit))
    if as_json:
        print_json(items)
        return
    if not items:
        typer.echo("Nothing was refused or ignored.")
        return
    from rich.table import Table

    table = Table("when (UTC)", "source", "status", "code", "detail", box=None, pad_edge=False)
    for item in items:
        table.add_row(
            item["at"][:19].replace("T", " "), item["source"], str(item["status"]), item["code"], item["detail"]
        )
    console().print(table)
