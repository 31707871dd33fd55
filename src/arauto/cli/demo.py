"""demo: everything at work on this machine, to be looked at."""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arauto.cli import Failed
from arauto.cli.hub import print_json, session_file, state_folder
from arauto.cli.language import LangOption, chosen_language

if TYPE_CHECKING:
    from arauto.demo.stage import Report, Stage

_PAUSE = 0.8
"""Seconds between two calls that somebody watches."""


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the fixed story, report, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: print one JSON document.")] = False,
    folder: Annotated[
        Path, typer.Option("--output", help="Where e-mails and the database are kept; made anew each time.")
    ] = Path("demo-output"),
    port: Annotated[int, typer.Option(help="The hub's port; 0 takes a free one.", min=0)] = 0,
    lang: LangOption = None,
) -> None:
    """Show everything at work: the hub, an example shop, and stand-ins for the outside world.

    The shop, its payment gateway, its ERP and GitHub send signed calls; the hub turns them into e-mails, SMS, pushes,
    chat messages, webhooks and inbox messages. Nothing leaves this machine. E-mails are kept as files to look at.
    On a terminal it goes on until Ctrl-C; otherwise it ends after the story.

    Examples:

      arauto demo
      arauto demo --once --json
    """
    if as_json and not once:
        raise Failed("--json goes with --once", 2)
    try:
        import aiosmtpd  # noqa: F401  the stand-in for a mail server
    except ImportError:
        raise Failed("the demo needs its own extra: pip install 'arauto[demo]'") from None
    from arauto.cli.logs import configure

    configure(json=False, level=40)
    language = chosen_language(lang)
    ok = asyncio.run(_demo(folder, port, language, once=once, as_json=as_json))
    if not ok:
        raise typer.Exit(1)


async def _demo(folder: Path, port: int, language: str, *, once: bool, as_json: bool) -> bool:
    from arauto.demo.stage import Report, stage
    from arauto.demo.traffic import story

    async with stage(folder, port, language) as made:
        with session_file(state_folder(folder / "loja"), made.server.url, made.app.session_key):
            report = Report(made)
            if once:
                for call in story(made.systems):
                    await report.play(call)
                await report.wait()
                return _tell(await report.document(), folder, as_json=as_json)
            if sys.stdout.isatty():
                await _watch(made, report)
            else:
                await _narrate(made, report)
            document = await report.document()
        _tell(document, folder, as_json=False)
        return True


async def _watch(made: Stage, report: Report) -> None:
    """Draw until Ctrl-C: the story first, then orders without end."""
    from rich.live import Live

    from arauto.demo.traffic import story, stream

    with Live(made.scene.draw(made.delivered()), refresh_per_second=8, screen=False) as live:

        async def redraw() -> None:
            while True:
                await made.look()
                live.update(made.scene.draw(made.delivered()))
                await asyncio.sleep(0.15)

        drawing = asyncio.create_task(redraw())
        stopped = asyncio.create_task(made.server.until_told_to_stop())
        calls = (call for calls in (story(made.systems), stream(made.systems, random.Random(1822))) for call in calls)
        for call in calls:
            await report.play(call)
            done, _ = await asyncio.wait([stopped], timeout=_PAUSE)
            if done:
                break
        drawing.cancel()
        await report.wait()
        await made.look()
        live.update(made.scene.draw(made.delivered()))


async def _narrate(made: Stage, report: Report) -> None:
    """Tell the story line by line, where nobody can watch it being drawn."""
    from arauto.demo.show import in_words
    from arauto.demo.stage import key_of
    from arauto.demo.traffic import story

    typer.echo(f"The hub is at {made.server.url}; the shop's systems tell it what happens …")
    for call in story(made.systems):
        await report.play(call)
    await report.wait()
    for call, status in report.calls:
        typer.echo(f"{call.source}: {call.remark} (answered {status})")
        for id, type in call.events:
            typer.echo(f"  {type} {id}")
            for line in in_words(await made.explain(key_of(call.source, id)) or {"notifications": []}):
                typer.echo(line)


def _tell(document: dict[str, Any], folder: Path, *, as_json: bool) -> bool:
    ok = bool(document["ok"])
    if as_json:
        print_json(document)
        return ok
    sent = ", ".join(f"{channel} {states.get('sent', 0)}" for channel, states in document["messages"].items())
    typer.echo("")
    typer.echo(f"{document['events_accepted']} events accepted, {document['delivered']} messages delivered: {sent}")
    for name, title in (("missing", "not delivered"), ("not_expected", "not expected")):
        for each in document[name]:
            typer.secho(f"{title}: {' → '.join(each)}", fg="red", err=True)
    me = _how_to_call_it()
    typer.echo(f"Look at the e-mails:     {folder}/mail/index.html")
    typer.echo(f"Read the project:        {folder}/loja/README.md")
    typer.echo(f"Check it:                {me} check {folder}/loja")
    typer.echo(f"See what comes by clock: {me} schedule next -C {folder}/loja")
    typer.echo(f"Begin your own:          {me} init my-project")
    typer.echo(f"Ask why:                 {me} explain ord-1 -C {folder}/loja")
    return ok


def _how_to_call_it() -> str:
    """`arauto` where a shell finds it, else the way by which it was called: `make demo` puts nothing on the PATH."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "arauto" and shutil.which("arauto") is None else "arauto"
