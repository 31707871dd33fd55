"""check: compile a project folder; show every fault where it is, for people, for programs or for GitHub's CI."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from arauto.cli import Failed
from arauto.cli.remembered import Found, Memory
from arauto.errors import CatalogueFaulty, Diagnostic, UsageFault

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

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
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings, too.")] = False,
) -> None:
    """Compile a project folder and report all its faults at once.

    Where there are none, it checks the test cases and warns of what can run and cannot be meant.

    Exits with 0 when there are no faults, 1 when there are some (with --strict: or warnings), 2 when there is no
    project.

    Examples:

      arauto check loja

      arauto check loja --format json

      arauto check loja --strict --format github
    """
    memory = Memory(directory)
    found = memory.recall()
    if found is None:
        found = _check(directory)
        memory.keep(found)
    _write(directory, found.diagnostics, format, f"{found.sound}; no faults" if found.sound else None)
    if found.sound is None or (found.diagnostics and strict):
        raise typer.Exit(1)


def _check(directory: Path) -> Found:
    from arauto.catalogue import check_project  # what was found before is told without it

    gc.disable()  # and not again: what is left over is let go of when the command ends
    try:
        catalogue, warnings = check_project(directory)
    except CatalogueFaulty as faulty:
        return Found(faulty.diagnostics, None)
    except UsageFault as error:
        raise Failed(str(error), 2) from None
    return Found(tuple(warnings), _summary(catalogue))


def compile_or_exit(directory: Path) -> Catalogue:
    """The catalogue, for commands that need a sound project; its faults go to standard error and exit with 1."""
    from rich.console import Console

    from arauto.catalogue import compile_project

    try:
        return compile_project(directory)
    except UsageFault as error:
        raise Failed(str(error), 2) from None
    except CatalogueFaulty as faulty:
        show(directory, faulty.diagnostics, Console(stderr=True, highlight=False, soft_wrap=True))
        raise Failed(f"{_count(faulty.diagnostics)}; nothing was done") from None


def _write(directory: Path, faults: Sequence[Diagnostic], format: Format, sound: str | None = None) -> None:
    """``sound`` is said of a project that compiles."""
    match format:
        case Format.json:
            typer.echo(_as_json(faults))
        case Format.github:
            for fault in faults:
                typer.echo(_as_annotation(directory, fault))
        case Format.human if faults:
            from rich.console import Console

            show(directory, faults, Console(highlight=False, soft_wrap=True))
    if format is not Format.json:
        counted = _count(faults) if faults else ""
        typer.echo(", ".join(filter(None, (sound, counted))))


def _count(faults: Sequence[Diagnostic]) -> str:
    errors, warnings = _of(faults, "error"), _of(faults, "warning")
    counted = (_counted(len(found), noun) for found, noun in ((errors, "fault"), (warnings, "warning")) if found)
    return f"{' and '.join(counted)} in {_counted(len({fault.file for fault in faults}), 'file')}"


def _of(faults: Sequence[Diagnostic], severity: str) -> list[Diagnostic]:
    return [fault for fault in faults if fault.severity == severity]


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
    from rich.text import Text

    drawn = Text()
    drawn.append(f"{fault.file}:{fault.line}:{fault.column}", "bold")
    colour = "bold red" if fault.severity == "error" else "bold yellow"
    drawn.append(f" {'' if fault.severity == 'error' else 'warning: '}{fault.code} ", colour)
    drawn.append(f"{fault.message}\n")
    if fault.line <= len(lines) and lines[fault.line - 1].strip():
        line, column = lines[fault.line - 1], fault.column
        if len(line) > _WIDTH:
            begin = max(0, min(column - 1 - _WIDTH // 2, len(line) - _WIDTH))
            line, column = line[begin : begin + _WIDTH], column - begin
        margin = f"{fault.line:>5} │ "
        drawn.append(margin, "dim").append(f"{_printable(line)}\n")
        before = "".join("\t" if each == "\t" else " " for each in line[: column - 1].ljust(column - 1))
        drawn.append(" " * (len(margin) - 2) + "│ ", "dim").append(f"{before}^\n", colour)
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
            "severity": fault.severity,
            "code": fault.code,
            "message": fault.message,
            "hint": fault.hint,
        }
        for fault in faults
    ]
    errors = [entry for entry in entries if entry["severity"] == "error"]
    warnings = [entry for entry in entries if entry["severity"] == "warning"]
    told = {"faults": errors, "count": len(errors), "warnings": warnings}
    return msgspec.json.format(msgspec.json.encode(told)).decode()


def _as_annotation(directory: Path, fault: Diagnostic) -> str:
    """A workflow command; file names are relative to where the command was called, as GitHub wants them."""
    from arauto.catalogue.diagnostics import shown

    message = fault.message if fault.hint is None else f"{fault.message}\nhint: {fault.hint}"
    properties = (
        ("file", shown(directory / fault.file)),
        ("line", str(fault.line)),
        ("col", str(fault.column)),
        ("title", fault.code),
    )
    written = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties)
    return f"::{fault.severity} {written}::{_escaped(message)}"


def _escaped(text: str, also: str = "") -> str:
    """Percent-encoded as workflow commands want it: %, line ends, and in properties also ``:`` and ``,``."""
    for character in f"%\r\n{also}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
