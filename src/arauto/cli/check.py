"""check: compile a project folder; show every fault where it is, for people, for programs or for GitHub's CI."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from arauto.catalogue import compile_project
from arauto.catalogue.diagnostics import shown
from arauto.cli import Failed
from arauto.errors import CatalogueFaulty, Diagnostic, UsageFault
from arauto.model import Catalogue

_WIDTH = 160
"""Of a source line that is shown; of a longer one, the part around the fault."""


class Format(StrEnum):
    """How faults are written."""

    human = "human"
    json = "json"
    github = "github"


def check(
    directory: Annotated[Path, typer.Argument(help="The project folder.", show_default=False)],
    format: Annotated[Format, typer.Option(help="How to write the faults.")] = Format.human,
) -> None:
    """Compile a project folder and report all its faults at once.

    Exits with 0 when there are none, 1 when there are some, 2 when there is no project.

    Examples:

      arauto check loja

      arauto check loja --format json

      arauto check loja --format github
    """
    try:
        catalogue = _compile(directory)
    except CatalogueFaulty as faulty:
        _write(directory, faulty.diagnostics, format)
        raise typer.Exit(1) from None
    if format is Format.json:
        typer.echo(_as_json(()))
    else:
        typer.echo(f"{_summary(catalogue)}; no faults")


def compile_or_exit(directory: Path) -> Catalogue:
    """The catalogue, for commands that need a sound project; its faults go to standard error and exit with 1."""
    try:
        return _compile(directory)
    except CatalogueFaulty as faulty:
        show(directory, faulty.diagnostics, Console(stderr=True, highlight=False, soft_wrap=True))
        raise Failed(f"{_count(faulty.diagnostics)}; nothing was done") from None


def _compile(directory: Path) -> Catalogue:
    try:
        return compile_project(directory)
    except UsageFault as error:
        raise Failed(str(error), 2) from None


def _write(directory: Path, faults: Sequence[Diagnostic], format: Format) -> None:
    match format:
        case Format.json:
            typer.echo(_as_json(faults))
        case Format.github:
            for fault in faults:
                typer.echo(_as_annotation(directory, fault))
        case Format.human:
            show(directory, faults, Console(highlight=False, soft_wrap=True))
    if format is not Format.json:
        typer.echo(_count(faults))


def _count(faults: Sequence[Diagnostic]) -> str:
    return f"{_counted(len(faults), 'fault')} in {_counted(len({fault.file for fault in faults}), 'file')}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _summary(catalogue: Catalogue) -> str:
    locales = {
        locale
        for notification in catalogue.notifications.values()
        for composers in notification.composers.values()
        for locale in composers
    }
    counts = (
        (len(catalogue.notifications), "notification"),
        (len(catalogue.event_types), "event type"),
        (len(catalogue.channels), "channel"),
        (len(locales), "locale"),
    )
    return f"{catalogue.project.name}: {', '.join(_counted(number, noun) for number, noun in counts)}"


# -- for people ----------------------------------------------------------------------------------------------------


def show(directory: Path, faults: Sequence[Diagnostic], console: Console) -> None:
    """Write faults, each with its line and a mark under its place; in colour on a terminal."""
    lines: dict[str, list[str]] = {}
    for fault in faults:
        if fault.file not in lines:
            lines[fault.file] = _lines(directory / fault.file)
        console.print(_drawn(fault, lines[fault.file]))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8-sig", "replace").splitlines() if path.is_file() else []
    except OSError:
        return []


def _drawn(fault: Diagnostic, lines: Sequence[str]) -> Text:
    drawn = Text()
    drawn.append(f"{fault.file}:{fault.line}:{fault.column}", "bold")
    drawn.append(f" {fault.code} ", "bold red")
    drawn.append(f"{fault.message}\n")
    if fault.line <= len(lines) and lines[fault.line - 1].strip():
        line, column = lines[fault.line - 1], fault.column
        if len(line) > _WIDTH:
            begin = max(0, min(column - 1 - _WIDTH // 2, len(line) - _WIDTH))
            line, column = line[begin : begin + _WIDTH], column - begin
        margin = f"{fault.line:>5} │ "
        drawn.append(margin, "dim").append(f"{_printable(line)}\n")
        before = "".join("\t" if each == "\t" else " " for each in line[: column - 1].ljust(column - 1))
        drawn.append(" " * (len(margin) - 2) + "│ ", "dim").append(f"{before}^\n", "bold red")
    if fault.hint:
        drawn.append("      hint: ", "cyan").append(f"{fault.hint}\n")
    return drawn


def _printable(line: str) -> str:
    return "".join(each if each == "\t" or each.isprintable() else "\ufffd" for each in line)


# -- for programs --------------------------------------------------------------------------------------------------


def _as_json(faults: Sequence[Diagnostic]) -> str:
    entries = [
        {
            "file": fault.file,
            "line": fault.line,
            "column": fault.column,
            "code": fault.code,
            "message": fault.message,
            "hint": fault.hint,
        }
        for fault in faults
    ]
    return msgspec.json.format(msgspec.json.encode({"faults": entries, "count": len(entries)})).decode()


def _as_annotation(directory: Path, fault: Diagnostic) -> str:
    """A workflow command; file names are relative to where the command was called, as GitHub wants them."""
    message = fault.message if fault.hint is None else f"{fault.message}\nhint: {fault.hint}"
    properties = (
        ("file", shown(directory / fault.file)),
        ("line", str(fault.line)),
        ("col", str(fault.column)),
        ("title", fault.code),
    )
    written = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties)
    return f"::error {written}::{_escaped(message)}"


def _escaped(text: str, also: str = "") -> str:
    """Percent-encoded as workflow commands want it: %, line ends, and in properties also ``:`` and ``,``."""
    for character in f"%\r\n{also}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
