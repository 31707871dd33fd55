"""init: a small project that works, to go on from."""

from __future__ import annotations

import os
import re
import shlex
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from arauto.cli import Failed


class Locale(StrEnum):
    """The languages that there is a template in."""

    portuguese = "pt-BR"
    english = "en"


def init(
    directory: Annotated[Path, typer.Argument(help="A new or empty folder.", show_default=False)],
    locale: Annotated[
        Locale | None, typer.Option(help="The language of its texts.", show_default="that of the environment")
    ] = None,
) -> None:
    """Write a small working project into a new folder.

    One source, one event type, one person, e-mail and in-app messages, one notification, and its first tests.

    Examples:

      arauto init my-hub

      arauto init meu-projeto --locale pt-BR
    """
    chosen = locale or _locale_of_environment()
    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise Failed(f"{directory} is not empty; choose a new folder", 2)
        _copy(files("arauto.cli") / "template" / chosen.value, directory, _name(directory))
    except OSError as error:
        raise Failed(f"{error.filename} cannot be written: {error.strerror}") from None
    place = shlex.quote(str(directory))
    typer.echo(f"{directory} is a project. Go on with:\n")
    typer.echo(f"  arauto check {place}")
    typer.echo(f"  arauto test {place}")
    typer.echo(f"  APP_TOKEN=change-me arauto serve {place}")
    typer.echo(f"  arauto send order.paid --project {place}          # in another terminal")


def _locale_of_environment() -> Locale:
    """By the order in which POSIX asks for the language of messages."""
    language = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return Locale.portuguese if language.startswith("pt") else Locale.english


def _name(directory: Path) -> str:
    """A project's name made of the folder's."""
    name = re.sub(r"[^a-z0-9]+", "-", directory.resolve().name.lower()).strip("-0123456789")
    return name or "my-hub"


def _copy(template: Traversable, directory: Path, name: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for entry in template.iterdir():
        if entry.is_dir():
            _copy(entry, directory / entry.name, name)
        else:
            text = entry.read_text(encoding="utf-8").replace("__name__", name)
            (directory / entry.name).write_text(text, encoding="utf-8")
