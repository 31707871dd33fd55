"""test: play a project's test cases in virtual time, and show what came otherwise than expected, and why."""

# ruff: noqa: PT028 - the command is named test; pytest never sees it

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arauto.catalogue.case import Case
from arauto.catalogue.cases import compile_cases
from arauto.cli import Failed
from arauto.cli.check import compile_or_exit, show
from arauto.cli.language import chosen_language
from arauto.cli.logs import silent
from arauto.errors import CatalogueFaulty, UsageFault
from arauto.model import Catalogue

if TYPE_CHECKING:
    from rich.console import Console

    from arauto.simulate.coverage import Reached
    from arauto.simulate.testing import Played

_MANY = 50
"""With so many cases, a bar shows how far it is, and passed ones are not listed one by one."""
_WIDTH = 120
"""Of explanations, at least."""


def test(
    directory: Annotated[Path, typer.Argument(help="The project folder.", show_default=False)],
    only: Annotated[
        str | None, typer.Option("-k", metavar="PATTERN", help="Only cases whose name or file has this in it.")
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Write what failed cases received into them, as what they expect.")
    ] = False,
    coverage: Annotated[bool, typer.Option("--coverage", help="Show what of the project no case reaches.")] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a report as JUnit XML, too.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the report as JSON.")] = False,
    lang: Annotated[
        str | None, typer.Option(help="Of explanations: en or pt-BR; by the environment's language when not given.")
    ] = None,
) -> None:
    """Play a project's test cases in virtual time.

    Each case in tests/*.yaml says what happens and which messages are received then. The engine is the hub's own;
    its clock is set, and nothing is sent. Of a case that fails: the difference, and the explanation of why.

    Exits with 0 when all passed, 1 when some failed or are faulty, 2 when there is nothing to play.

    Examples:

      arauto test loja

      arauto test loja -k cart --coverage

      arauto test loja --junit report.xml

      arauto test loja --update
    """
    from arauto.cli import cases as shown

    began = perf_counter()
    catalogue = compile_or_exit(directory)
    cases = _chosen(_compiled(directory, catalogue), only)
    language = chosen_language(lang)
    played, reached = asyncio.run(_play(cases, catalogue, coverage=coverage, language=language, quiet=as_json))
    if update:
        _update(directory, played)
    if junit is not None:
        _write(junit, shown.as_junit(catalogue.project.name, played, language))
    if as_json:
        typer.echo(shown.as_json(catalogue, played, reached))
    else:
        console = _console()
        shown.show(console, directory, played, language, updated=update, listed=len(played) < _MANY)
        if reached is not None:
            shown.show_coverage(console, catalogue, reached)
        shown.show_summary(console, played, perf_counter() - began, updated=update)
    if any(each.problem or not (update or each.passed) for each in played):
        raise typer.Exit(1)


def _compiled(directory: Path, catalogue: Catalogue) -> list[Case]:
    from rich.console import Console

    try:
        cases = compile_cases(directory, catalogue)
    except UsageFault as error:
        raise Failed(str(error), 2) from None
    except CatalogueFaulty as faulty:
        show(directory, faulty.diagnostics, Console(stderr=True, highlight=False, soft_wrap=True))
        raise Failed("the cases have faults; nothing was played") from None
    if not cases:
        raise Failed(f"{directory / 'tests'} holds no case", 2)
    return cases


def _chosen(cases: Sequence[Case], pattern: str | None) -> Sequence[Case]:
    if pattern is None:
        return cases
    wanted = f"*{pattern.casefold()}*"
    chosen = [case for case in cases if fnmatchcase(f"{case.file} {case.name}".casefold(), wanted)]
    if not chosen:
        raise Failed(f"no case has {pattern!r} in its name or file; there are {len(cases)}", 2)
    return chosen


async def _play(
    cases: Sequence[Case], catalogue: Catalogue, *, coverage: bool, language: str, quiet: bool
) -> tuple[list[Played], Reached | None]:
    from arauto.simulate import Simulator
    from arauto.simulate.coverage import Reached
    from arauto.simulate.testing import play

    reached = Reached() if coverage else None
    played: list[Played] = []
    async with Simulator() as simulator:
        with _progress(len(cases), quiet) as advance, silent():
            for case in cases:
                played.append(await play(case, catalogue, simulator, reached=reached, language=language))
                advance(case.name)
    return played, reached


@contextmanager
def _progress(total: int, quiet: bool) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    if quiet or total < _MANY or not console.is_terminal:
        yield lambda name: None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda name: progress.update(task, advance=1, description=name[:60])


def _update(directory: Path, played: Sequence[Played]) -> None:
    from arauto.simulate.snapshots import updated

    by_file: defaultdict[str, list[Played]] = defaultdict(list)
    for each in played:
        if not each.passed and each.problem is None:
            by_file[each.case.file].append(each)
    for file, some in by_file.items():
        path = directory / file
        try:
            path.write_text(updated(file, path.read_text(encoding="utf-8"), some), encoding="utf-8")
        except OSError as error:
            raise Failed(f"{path} cannot be written: {error.strerror}") from None


def _write(file: Path, report: bytes) -> None:
    try:
        file.write_bytes(report)
    except OSError as error:
        raise Failed(f"{file} cannot be written: {error.strerror}") from None


def _console() -> Console:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, _WIDTH)
    return console
