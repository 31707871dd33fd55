"""privacy: everything that is held of a person, and their erasure; commands of ``arauto recipients``."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from arauto.cli import Failed
from arauto.cli.check import compile_or_exit
from arauto.cli.hub import (
    DATABASE_FILE,
    STATE_FOLDER,
    HubCall,
    JsonOption,
    KeyOption,
    ProjectOption,
    UrlOption,
    connect,
    print_json,
    read_session,
)

TENANT = "default"

IdArgument = Annotated[str, typer.Argument(help="The recipient's id.", show_default=False)]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        envvar="ARAUTO_DATABASE", help="The database, when no hub runs.", show_default="PROJECT/.arauto/hub.sqlite3"
    ),
]

_WORDS = {
    "recipients": "what was known of them",
    "wishes": "what they want",
    "consents": "lines of consent, which stay without a name and without evidence",
    "runs": "runs",
    "runs_stopped": "runs that were waiting, stopped",
    "messages": "messages",
    "messages_cancelled": "messages that were on their way, cancelled",
    "inbox": "inbox items",
    "events": "events that told of them",
    "events_others_need": "of these, events that somebody else is yet to be told of, and keep the rest of their data",
    "releases": "earlier versions of the project that named them, of which the files go, or plans",
    "silences": "silences that named them",
    "rejections": "refusals that quoted them",
}


def export(
    id: IdArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file, which only you can read.", show_default="stdout")
    ] = None,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write everything that is held of a person, as one JSON document.

    What is known of them, what they want and agreed to, and all runs, messages, inbox items and events. An event's
    payload may tell of others, too: look before you hand it over.

    Examples:

      arauto recipients export cliente-77 --output cliente-77.json
      arauto recipients export cliente-77 | jq .messages
    """
    if url is not None or read_session(project) is not None:
        _write(connect(project, url, key).stream("v1", "recipients", id, "export"), output)
    else:
        asyncio.run(_export(project, database, id, output))


def _write(pieces: Iterator[bytes], output: Path | None) -> None:
    with _Out(output) as out:
        for piece in pieces:
            out.write(piece)


async def _export(project: Path, database: str | None, id: str, output: Path | None) -> None:
    from arauto.app import now
    from arauto.engine.exporting import export, holds

    async with _grounds(project, database) as grounds:
        if not await holds(grounds, TENANT, id):
            raise Failed(f"nothing is held of {id!r}", 4)
        with _Out(output) as out:
            async for piece in export(grounds, TENANT, id, now()):
                out.write(piece)


class _Out:
    """Standard output, or a file that is there only when it is whole."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.partial = None if path is None else path.with_name(path.name + ".partial")
        self.written = 0

    def __enter__(self) -> _Out:
        if self.partial is None:
            self.file: Any = sys.stdout.buffer
            return self
        try:
            self.file = os.fdopen(os.open(self.partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        except OSError as error:
            raise Failed(f"cannot write {self.path}: {error.strerror}", 2) from None
        return self

    def write(self, piece: bytes) -> None:
        self.file.write(piece)
        before, self.written = self.written, self.written + len(piece)
        if self.path is not None and sys.stderr.isatty() and before >> 20 != self.written >> 20:
            typer.echo(f"\r{self.written >> 20} MB", err=True, nl=False)

    def __exit__(self, kind: object, *_: object) -> None:
        if self.partial is None or self.path is None:
            self.file.flush()
            return
        self.file.close()
        if kind is not None:
            self.partial.unlink(missing_ok=True)
            return
        self.partial.replace(self.path)
        typer.echo(f"{self.path}: {self.written} bytes", err=True)


def erase(
    id: IdArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; only count what is held.")] = False,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a person: addresses, wishes, contents, and what events say of them; what is on its way is cancelled.

    A keyed hash remains, so that addresses which may not be used stay so, and the lines of consent, without a name.
    This can't be taken back. When it is interrupted, call it again; a hub that starts goes on with it, too.

    Examples:

      arauto recipients erase cliente-77 --dry-run
      arauto recipients erase cliente-77
    """
    remote = url is not None or read_session(project) is not None
    hub = connect(project, url, key) if remote else None
    if not yes and not dry_run and typer.prompt(f"This erases {id} for good. Write the id again to go on") != id:
        raise Failed("that was another id; nothing was erased")
    told = _erase_remote(hub, id, dry_run) if hub is not None else asyncio.run(_erase(project, database, id, dry_run))
    places = [] if url is not None else _places(project, id)
    if as_json:
        print_json(told | {"files": places})
        return
    typer.echo(f"{id} {'would be erased' if dry_run else 'is erased'}; what held anything of them:")
    for what, count in told["counts"].items():
        typer.echo(f"{count:8}  {_WORDS.get(what, what)}")
    if told["fixed"]:
        where = ", ".join(places) or "recipients/"
        typer.echo(f"They stand in the project's files, too: take them out of {where}, and apply it.")


def _erase_remote(hub: HubCall, id: str, dry_run: bool) -> dict[str, Any]:
    while True:
        told: dict[str, Any] = hub.call(
            "POST", f"/v1/recipients/{quote(id, safe='')}/erase", {"dry_run": True} if dry_run else {}
        )
        if dry_run or told["finished_at"] is not None:
            return told
        typer.echo(f"erasing: {told['counts'].get('events', 0)} events so far", err=True)


async def _erase(project: Path, database: str | None, id: str, dry_run: bool) -> dict[str, Any]:
    from arauto.app import now
    from arauto.engine.erasing import counted, erase
    from arauto.engine.exporting import holds, survey

    async with _grounds(project, database) as grounds:
        last = await grounds.store.erasure(TENANT, grounds.pseudonym(TENANT, id))
        fixed = {"id": id, "fixed": id in grounds.catalogue.recipients, "dry_run": dry_run}
        if (last is None or last.finished_at is not None) and not await holds(grounds, TENANT, id):
            if last is None:
                raise Failed(f"nothing is held of {id!r}", 4)
            return fixed | counted(last)
        if dry_run:
            return fixed | {"counts": await survey(grounds, TENANT, id)}
        # Hubs elsewhere may be at work on a database that can be shared.
        withdraw = None if grounds.store.exclusive else (lambda tenant, recipient: None)
        return fixed | counted(await erase(grounds, TENANT, id, clock=now, withdraw=withdraw))


@asynccontextmanager
async def _grounds(project: Path, database: str | None) -> AsyncIterator[Any]:
    """The database itself, where no hub runs."""
    from arauto.engine.erasing import Grounds
    from arauto.store.opening import open_store

    catalogue = compile_or_exit(project)
    file = project / STATE_FOLDER / DATABASE_FILE
    if database is None and not file.is_file():
        raise Failed(f"there is no database {file}; name one with --database, or a hub with --url and --key", 4)
    store = await open_store(database or str(file))
    try:
        yield await Grounds.open(store, catalogue)
    finally:
        await store.close()


def _places(project: Path, id: str) -> list[str]:
    """Where the id stands in the project's files of recipients."""
    wanted = re.compile(rf"(?<![\w.-]){re.escape(id)}(?![\w.-])")
    return [
        f"{file.relative_to(project)}:{number}"
        for file in sorted((project / "recipients").glob("*.yaml"))
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if wanted.search(line)
    ]
