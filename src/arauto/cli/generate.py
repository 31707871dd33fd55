"""generate: what is made of a project for others: types, an AsyncAPI document, pages."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from arauto.cli import Failed
from arauto.cli.check import compile_or_exit

app = typer.Typer(help="Make types, an AsyncAPI document or browsable pages of a project.")

_RECORD = ".arauto-catalogue"
"""In a folder of pages: the names of all that were made."""

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
    The folder is new, empty, or of an earlier call, whose pages these replace.

    Examples:

      arauto generate catalogue loja --output site

      arauto generate catalogue loja --output docs/avisos --format markdown --language pt-BR
    """
    from arauto.generate.site import written_site

    languages = tuple(each.value for each in (Language if language is None else (language,)))
    files = written_site(compile_or_exit(directory), languages, html=format is PageFormat.html)
    _replace(output, files)
    typer.echo(f"{len(files)} files are in {output}; begin with {output / next(iter(files))}")


def _replace(folder: Path, files: Mapping[str, str]) -> None:
    """Write pages into a folder in the place of those of an earlier call; what others put beside those stays."""
    record = folder / _RECORD
    try:
        earlier = record.read_text(encoding="utf-8").splitlines() if record.is_file() else None
        if earlier is None and folder.is_dir() and any(not each.name.startswith(".") for each in folder.iterdir()):
            told = f"{folder} is not empty, and holds no pages of an earlier call; choose another folder, or empty it"
            raise Failed(told, 2)
        for name in set(earlier or ()) - files.keys():
            _remove(folder, name)
    except OSError as error:
        raise Failed(f"{error.filename or folder} cannot be replaced: {error.strerror}") from None
    _write(record, "".join(f"{name}\n" for name in sorted(files)))
    for name, text in files.items():
        _write(folder / name, text)


def _remove(folder: Path, name: str) -> None:
    """Delete a file of the folder, and the folders in it that are empty then."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        return  # the record is no longer as it was written
    (folder / name).unlink(missing_ok=True)
    for above in Path(name).parents[:-1]:
        if (folder / above).is_dir() and not any((folder / above).iterdir()):
            (folder / above).rmdir()


def _write(file: Path | None, text: str) -> None:
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Failed(f"{error.filename or file} cannot be written: {error.strerror}") from None
