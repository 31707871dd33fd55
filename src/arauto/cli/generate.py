"""generate: what is made of a project for others: types, an AsyncAPI document, pages."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from arauto.cli import Failed
from arauto.cli.check import compile_or_exit

app = typer.Typer(help="Make types, an AsyncAPI document or browsable pages of a project.")

_Project = Annotated[Path, typer.Argument(help="The project folder.", show_default=False)]
_Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The file to write.", show_default="standard output")
]


class PageFormat(StrEnum):
    """How pages are written."""

    html = "html"
    markdown = "markdown"


class Language(StrEnum):
    """The languages of pages."""

    english = "en"
    portuguese = "pt-BR"


@app.callback()
def _group() -> None:
    """Make types, an AsyncAPI document or browsable pages of a project."""


@app.command("python")
def python_types(directory: _Project, output: _Output = None) -> None:
    """Typed Python for those who send events: a dataclass for each event type.

    The module needs only the standard library, and arauto.client sends what is made of it.

    Examples:

      arauto generate python loja --output loja_events.py
    """
    from arauto.generate.python import python

    _write(output, python(compile_or_exit(directory)))


@app.command("asyncapi")
def asyncapi_document(
    directory: _Project,
    output: _Output = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of YAML.")] = False,
) -> None:
    """An AsyncAPI 3.0 document of what the hub receives and what it sends to systems.

    Examples:

      arauto generate asyncapi loja --output asyncapi.yaml

      arauto generate asyncapi loja --json
    """
    from arauto.generate.asyncapi import as_json as written_json
    from arauto.generate.asyncapi import as_yaml, asyncapi

    document = asyncapi(compile_or_exit(directory))
    _write(output, written_json(document) if as_json else as_yaml(document))


@app.command("catalogue")
def catalogue_pages(
    directory: _Project,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder for the pages.", show_default=False)],
    format: Annotated[PageFormat, typer.Option(help="How to write them.")] = PageFormat.html,
    language: Annotated[Language | None, typer.Option(help="Only in this language.", show_default="both")] = None,
) -> None:
    """Pages that say in plain words who hears of each event, how and when.

    They need no server and no script: put them anywhere. Addresses of people are not in them.

    Examples:

      arauto generate catalogue loja --output site

      arauto generate catalogue loja --output docs/avisos --format markdown --language pt-BR
    """
    from arauto.generate.site import written_site

    languages = tuple(each.value for each in (Language if language is None else (language,)))
    files = written_site(compile_or_exit(directory), languages, html=format is PageFormat.html)
    for name, text in files.items():
        _write(output / name, text)
    typer.echo(f"{len(files)} files are in {output}; begin with {output / next(iter(files))}")


def _write(file: Path | None, text: str) -> None:
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Failed(f"{error.filename or file} cannot be written: {error.strerror}") from None
