"""simulate: what if; a project in a world of people and events, over days of virtual time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from arauto.catalogue.moments import moment_of
from arauto.catalogue.values import Refused, duration
from arauto.catalogue.world import Breakdown, World
from arauto.catalogue.worlds import compile_world, default_world, world_names
from arauto.cli import Failed
from arauto.cli.check import compile_or_exit, show
from arauto.cli.language import LangOption, chosen_language
from arauto.cli.logs import silent
from arauto.decide.wishes import IN_APP
from arauto.errors import CatalogueFaulty
from arauto.model import Catalogue

if TYPE_CHECKING:
    from arauto.simulate.outcome import Outcome
    from arauto.simulate.whatif import Progress, Setting

_START = "2026-03-02T00:00"
"""A Monday, always the same: so the same command gives the same."""
_OUTAGE = re.compile(r"(?P<channel>[a-z0-9_-]+)(?:/(?P<provider>[^:]+))?:(?P<lasts>[0-9a-z]+)@(?P<start>[0-9a-z]+)")
_USAGE = "write CHANNEL:DURATION@START, such as sms:6h@2d, or CHANNEL/PROVIDER:DURATION@START"


def simulate(
    directory: Annotated[Path, typer.Argument(help="The project folder.", show_default=False)],
    days: Annotated[float, typer.Option(min=0.01, max=400, help="How many days of virtual time.")] = 7,
    seed: Annotated[int, typer.Option(help="The same seed gives the same.")] = 1,
    start: Annotated[
        str, typer.Option(metavar="TIME", help="When it begins: a day, or a time, in the project's zone.")
    ] = _START,
    world: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The world.", show_default="the one in worlds/, else one made up"),
    ] = None,
    outage: Annotated[
        list[str] | None,
        typer.Option(metavar="OUTAGE", help="A provider breaks down: sms:6h@2d is for 6 hours, 2 days from the start."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Stop the events after so many.")] = 200_000,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with charts, too.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the figures as JSON.")] = False,
    lang: LangOption = None,
) -> None:
    """Play a project in a world of people and events, and show what they would receive.

    Days go by in virtual time: events come, people read, click and want their peace at night, providers are slow or
    break down. It shows how much people receive, when, by what, what it costs, and what was not sent and why; of an
    outage, what it did. The engine is the hub's own, and nothing is sent.

    Who there is and what happens stands in a world, worlds/*.yaml; without one, a world is made up from the project.

    Exits with 0, with 1 when the project or the world has faults, with 2 when an option cannot be used.

    Examples:

      arauto simulate loja

      arauto simulate loja --outage sms:6h@2d --html what-if.html

      arauto simulate loja --world loja/worlds/christmas.yaml --days 30 --seed 7 --json
    """
    from arauto.simulate.whatif import Setting

    catalogue = compile_or_exit(directory)
    chosen = _world(directory, world, catalogue)
    span = timedelta(days=days)
    broken = tuple(_outage(each, catalogue, span) for each in outage or ())
    chosen = msgspec.structs.replace(chosen, breakdowns=(*chosen.breakdowns, *broken))
    begins = _moment(start, catalogue.project.time_zone)
    setting = Setting(catalogue, chosen, begins, span, seed, limit)
    language = chosen_language(lang)
    _check_file(html)
    with _progress(quiet=as_json) as progress, silent():
        outcome = asyncio.run(_run(setting, progress))
    if html is not None:
        from arauto.simulate.page import page

        _write(html, page(outcome, language, catalogue.project.brand.color))
    if as_json:
        typer.echo(outcome.as_json())
    else:
        from arauto.cli.whatif import draw

        draw(outcome, language)
        if html is not None:
            typer.echo(f"\n{html}")


async def _run(setting: Setting, progress: Progress) -> Outcome:
    """Twice, where something breaks down: with it, and without."""
    from arauto.simulate.outcome import outcome
    from arauto.simulate.whatif import run

    twice = bool(setting.world.breakdowns)

    def first(share: float) -> None:
        progress(share / 2 if twice else share)

    tally = await run(setting, outages=True, compared=twice, progress=first)
    usual = None
    if twice:
        usual = await run(setting, outages=False, compared=True, progress=lambda share: progress(0.5 + share / 2))
    return outcome(setting, tally, usual)


def _world(directory: Path, chosen: Path | None, catalogue: Catalogue) -> World:
    if chosen is None:
        names = world_names(directory)
        if not names:
            return default_world(catalogue)
        if len(names) > 1:
            raise Failed(
                f"there are several worlds; say which: --world {' or '.join(map(str, _in(directory, names)))}", 2
            )
        chosen = directory / names[0]
    if not chosen.is_file():
        known = ", ".join(map(str, _in(directory, world_names(directory)))) or "none; write worlds/week.yaml"
        raise Failed(f"there is no file {chosen}; worlds of the project: {known}", 2)
    inside = chosen.resolve().is_relative_to(directory.resolve())
    name = chosen.resolve().relative_to(directory.resolve()).as_posix() if inside else str(chosen)
    try:
        return compile_world(chosen, name, catalogue)
    except CatalogueFaulty as faulty:
        from rich.console import Console

        show(directory, faulty.diagnostics, Console(stderr=True, highlight=False, soft_wrap=True))
        raise Failed("the world has faults; nothing was done") from None


def _in(directory: Path, names: Sequence[str]) -> list[Path]:
    return [directory / name for name in names]


def _outage(text: str, catalogue: Catalogue, span: timedelta) -> Breakdown:
    match = _OUTAGE.fullmatch(text)
    if match is None:
        raise Failed(f"{text!r} is no outage; {_USAGE}", 2)
    channels = {name: each for name, each in catalogue.channels.items() if name != IN_APP}
    channel, provider = match["channel"], match["provider"]
    if channel not in channels:
        raise Failed(f"there is no channel {channel}; there are: {', '.join(channels)}", 2)
    providers = [each.name for each in channels[channel].providers]
    if provider is not None and provider not in providers:
        raise Failed(f"{channel} has no provider {provider}; it has: {', '.join(providers)}", 2)
    try:
        start, lasts = duration(match["start"]), duration(match["lasts"])
    except Refused as refused:
        raise Failed(f"{text!r} is no outage: {refused}; {_USAGE}", 2) from None
    if not lasts:
        raise Failed(f"{text!r} is no outage: it lasts no time; {_USAGE}", 2)
    if start >= span:
        raise Failed(f"{text!r} begins when the {span.total_seconds() / 86400:g} days are over; see --days", 2)
    return Breakdown(channel=channel, provider=provider, start=start, lasts=lasts)


def _moment(text: str, zone: str) -> datetime:
    whole = f"{text}T00:00" if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text
    try:
        return moment_of(whole, None, None, zone)[0]
    except Refused as refused:
        raise Failed(f"{text!r} is no time to begin at; {refused.hint}", 2) from None


def _check_file(file: Path | None) -> None:
    """Before the work is done, and not after it."""
    if file is not None and (file.is_dir() or not file.absolute().parent.is_dir()):
        raise Failed(f"{file} cannot be written: it is a folder, or its folder is not there", 2)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Failed(f"{file} cannot be written: {error.strerror}") from None


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda share: None
        return
    with Progress(BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda share: bar.update(task, completed=share)
