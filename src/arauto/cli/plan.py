"""plan: hold a project folder against the version that is live, and show what going live would lead to."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arauto.cli import Failed
from arauto.cli.hub import JsonOption, KeyOption, connect, console, print_json
from arauto.cli.language import LangOption, chosen_language
from arauto.cli.logs import silent

if TYPE_CHECKING:
    from rich.console import Console

    from arauto.change.report import Plan, Report, Table
    from arauto.engine.recalling import Past
    from arauto.model import Catalogue

_COLOURS = {"title": "bold", "added": "green", "removed": "red", "+": "green", "-": "red", "inside": "dim"}


def plan(
    directory: Annotated[Path, typer.Argument(help="The project folder.", show_default=False)],
    against: Annotated[
        str | None,
        typer.Option(
            metavar="URL|DATABASE|FOLDER",
            envvar="ARAUTO_URL",
            help="A hub, a database that no hub works on, or another folder.",
            show_default="the hub that runs on DIRECTORY",
        ),
    ] = None,
    key: KeyOption = None,
    since: Annotated[
        str, typer.Option(help="Try it on what was recorded since: a span (30d, 12h) or a time (RFC 3339).")
    ] = "30d",
    examples: Annotated[
        int, typer.Option(help="Of each notification, so many examples of what comes more, less or otherwise.", min=0)
    ] = 2,
    lang: LangOption = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Write Markdown, for a pull request.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a change leads to before it goes live.

    What is different, in plain words; what changes of schemas break; what becomes of what is under way; and who would
    have got what more, less or otherwise, had the new version been live since. For that, the recorded events run
    through both versions in virtual time, with recipients, wishes, silences and providers as they were then. Nothing
    is sent, and nothing is changed.

    Examples:

      arauto plan loja
      arauto plan loja --against https://avisos.example --since 7d
      arauto plan loja --against postgresql://arauto@db.example/arauto --json > plan.json
      arauto plan loja --against ../live/loja --markdown
    """
    from arauto.change.report import Report
    from arauto.change.report.documents import as_json as plan_as_json
    from arauto.change.report.documents import as_markdown
    from arauto.cli.check import compile_or_exit
    from arauto.cli.messages import moment

    if markdown and as_json:
        raise Failed("--json or --markdown, not both", 2)
    language = chosen_language(lang)
    begin = datetime.fromisoformat(moment(since))
    catalogue = compile_or_exit(directory)
    found = asyncio.run(_plan(directory, catalogue, against, key, begin, examples, language))
    report = Report(found, language)
    if as_json:
        print_json(plan_as_json(found))
    elif markdown:
        typer.echo(as_markdown(report), nl=False)
    else:
        _show(report, console())


async def _plan(
    directory: Path,
    new: Catalogue,
    against: str | None,
    key: str | None,
    since: datetime,
    examples: int,
    language: str,
) -> Plan:
    from arauto.app import now
    from arauto.change.backtest import Period, Question, backtest
    from arauto.change.differences import differences
    from arauto.change.inflight import in_flight
    from arauto.change.report import Plan
    from arauto.change.schemas import schema_impacts
    from arauto.change.scope import scope_of

    until = now()
    if since >= until:
        raise Failed(f"--since is {since.isoformat()}, which is not past", 2)
    async with _live(directory, against, key) as (old, past):
        scope = scope_of(old, new)
        outcome = None
        if past is not None and scope.notifications:
            question = Question(old, new, scope, Period(since, until), language, examples)
            with silent(), _progress() as progress:
                outcome = await backtest(question, past, progress)
        return Plan(
            old=old,
            new=new,
            differences=differences(old, new),
            impacts=schema_impacts(old, new.files),
            scope=scope,
            in_flight=None if past is None else in_flight(await past.under_way(), old, new),
            since=since,
            until=until,
            outcome=outcome,
        )


@asynccontextmanager
async def _live(directory: Path, against: str | None, key: str | None) -> AsyncIterator[tuple[Catalogue, Past | None]]:
    """The version that is live, and what is remembered where it is."""
    from arauto.catalogue import compile_files
    from arauto.cli.apply import database
    from arauto.cli.check import compile_or_exit
    from arauto.cli.past import RemotePast
    from arauto.engine.recalling import Recalling
    from arauto.engine.releases import compile_release

    if against is None or against.startswith(("http://", "https://")):
        hub = connect(directory, against, key)
        told = hub.get("v1", "releases", "live", "files")
        files = {name: base64.b64decode(text) for name, text in told["files"].items()}
        yield await asyncio.to_thread(compile_files, files), RemotePast(hub)
        return
    if (Path(against) / "arauto.yaml").is_file():
        yield compile_or_exit(Path(against)), None
        return
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(database(against))
        release = await store.live_release()
        if release is None:
            raise Failed(f"no version is live in {against} yet; a hub makes one so when it starts: arauto serve", 4)
        catalogue = await compile_release(store, release.version)
        yield catalogue, await Recalling.open(store, catalogue, "default")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("recorded events"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _show(report: Report, out: Console) -> None:
    from rich.text import Text

    from arauto.change.backtest import Example
    from arauto.change.report import Table
    from arauto.change.sections import Section, lines, shown

    out.print(Text(shown(report.head()), "bold"))
    for part in report.parts():
        out.print(Text(f"\n{part.title}", "bold underline"))
        for each in part.content:
            match each:
                case Section():
                    for kind, text in lines([each]):
                        plain, _, weighty = kind.partition(" ")
                        out.print(Text(text, f"{_COLOURS.get(plain, '')}{' bold' if weighty else ''}".strip()))
                case Table():
                    out.print(_table(each))
                case Example():
                    _show_example(report, each, out)
                case _:
                    out.print(Text(shown(each)))


def _table(table: Table) -> Any:
    from rich.table import Table as Drawn

    drawn = Drawn(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for index, heading in enumerate(table.headings):
        drawn.add_column(heading, justify="left" if index < table.names else "right", no_wrap=index < table.names)
    for row in table.rows:
        drawn.add_row(*row)
    return drawn


def _show_example(report: Report, example: Any, out: Console) -> None:
    from rich.text import Text

    from arauto.change.sections import shown

    line, why = report.example(example)
    marks = {"more": ("+", "green"), "less": ("-", "red"), "otherwise": ("~", "yellow")}
    mark, colour = marks[example.pair.sort]
    out.print(Text(f"{mark} {shown(line)}", colour))
    width = max(map(len, why))
    for side, said in why.items():
        for index, text in enumerate(said):
            out.print(Text(f"    {(side if not index else '').ljust(width)}  {shown((text,))}", "dim"))
