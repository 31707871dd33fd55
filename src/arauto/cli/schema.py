"""schema: write the JSON Schemas of project files, with which editors complete and check them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from arauto.catalogue.schema_files import schema_files
from arauto.cli import Failed
from arauto.model import JSON


def schema(
    directory: Annotated[
        Path | None, typer.Argument(help="Where to write the schemas; it is created.", show_default=False)
    ] = None,
    stdout: Annotated[
        str | None, typer.Option(metavar="KIND", help="Write the schema of one kind of file to standard output.")
    ] = None,
) -> None:
    """Write the JSON Schemas with which editors complete project files.

    One file for each kind of project file, with the settings of all providers and source kinds.

    Examples:

      arauto schema loja/.schemas

      arauto schema --stdout notification
    """
    made = schema_files()
    if stdout is not None:
        if stdout not in made:
            raise Failed(f"there is no kind of file {stdout}; known: {', '.join(made)}", 2)
        typer.echo(_written(made[stdout]))
        return
    if directory is None:
        raise Failed("say where to write the schemas, such as: arauto schema loja/.schemas", 2)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for kind, content in made.items():
            (directory / f"{kind}.schema.json").write_text(_written(content) + "\n", encoding="utf-8")
    except OSError as error:
        raise Failed(f"{error.filename} cannot be written: {error.strerror}") from None
    typer.echo(
        f"{len(made)} schemas are in {directory}. Connect a file to its schema by its first line, "
        f"with the path as seen from that file:\n\n"
        f"  # yaml-language-server: $schema=../{directory.name}/event.schema.json\n\n"
        f"Editors with the YAML language server (VS Code, Neovim, IntelliJ, Helix) then complete and check it."
    )


def _written(schema: JSON) -> str:
    return msgspec.json.format(msgspec.json.encode(schema)).decode()
