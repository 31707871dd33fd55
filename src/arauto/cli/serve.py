"""serve: run the hub until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from arauto.cli import Failed
from arauto.cli.hub import DATABASE_FILE, session_file, state_folder
from arauto.errors import StoreUnavailable


def serve(
    directory: Annotated[Path, typer.Argument(help="The project folder.")] = Path(),
    host: Annotated[str, typer.Option(envvar="ARAUTO_HOST", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="ARAUTO_PORT", help="The port; 0 takes a free one.", min=0, max=65535)
    ] = 8700,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="ARAUTO_DATABASE",
            help="A file, or postgresql://user:password@host/name.",
            show_default="DIRECTORY/.arauto/hub.sqlite3",
        ),
    ] = None,
    json_logs: Annotated[
        bool | None, typer.Option("--json-logs/--human-logs", help="How to log; JSON unless on a terminal.")
    ] = None,
) -> None:
    """Run the hub on a project folder.

    The folder is checked first; a hub never starts on a faulty one. It is live then. But where a version was applied
    (arauto apply), that one is served, whatever is in the folder. SIGTERM and Ctrl-C let the hub finish what is under
    way; what it does not finish is taken up at the next start.

    Examples:

      arauto serve loja
      arauto serve loja --port 9000 --database /var/lib/arauto/loja.sqlite3
      arauto serve loja --database postgresql://arauto@db.example/arauto
    """
    from arauto.cli.check import compile_or_exit
    from arauto.cli.logs import configure

    configure(json=not sys.stderr.isatty() if json_logs is None else json_logs)
    catalogue = compile_or_exit(directory)
    place = database or str(state_folder(directory) / DATABASE_FILE)
    try:
        import uvloop

        run: Any = uvloop.run
    except ImportError:
        run = asyncio.run
    run(_serve(directory, catalogue, place, host, port))


async def _serve(directory: Path, catalogue: Any, database: str, host: str, port: int) -> None:
    from arauto.api.server import listening
    from arauto.app import running

    lost: StoreUnavailable | None = None
    async with AsyncExitStack() as stack:
        stack.push(lambda *raised: lost is not None and isinstance(raised[1], StoreUnavailable))
        app = await stack.enter_async_context(running(catalogue, database))
        # What is there now stays for good: the collector need not look at it again, nor look so often.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        # While another version is compiled in a thread, calls are answered in between.
        sys.setswitchinterval(0.0005)
        try:
            async with listening(app, host, port) as server:
                with ExitStack() as session:
                    session.enter_context(session_file(state_folder(directory), server.url, app.session_key))
                    name = app.hub.engine.catalogue.project.name
                    typer.echo(f"Arauto serves {name} at {server.url}  (Ctrl-C stops it)", err=True)
                    if app.instead_of_folder is not None:
                        typer.echo(_instead(app.instead_of_folder, directory), err=True)
                    lost = await _first(server.until_told_to_stop(), app.hub.until_lost())
        except OSError as error:
            raise Failed(
                f"cannot listen on {host}:{port}: {error.strerror or error}; choose another --port", 5
            ) from None
    if lost is not None:
        raise Failed(f"the hub has ended; what it had accepted is in the database: {lost}", 5)


async def _first(*ends: Coroutine[Any, Any, Any]) -> Any:
    """What the first of these returns; the others are left."""
    tasks = [asyncio.ensure_future(each) for each in ends]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for task in tasks:
            task.cancel()


def _instead(live: Any, directory: Path) -> str:
    return (
        f"It serves the version {live.version}, live by {live.by} since {live.at:%Y-%m-%d %H:%M} UTC ({live.how}), and "
        f"not the folder; to make the folder live: arauto apply {directory}"
    )
