"""doctor: what could keep the hub from working."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from arauto.cli.hub import JsonOption, print_json, read_session, state_folder
from arauto.errors import ArautoError, CatalogueFaulty

_LITTLE_DISK = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "warning", "fault"]
    said: str


def doctor(
    directory: Annotated[Path, typer.Argument(help="The project folder.")] = Path(),
    database: Annotated[
        str | None, typer.Option(envvar="ARAUTO_DATABASE", show_default="DIRECTORY/.arauto/hub.sqlite3")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look for what could keep the hub from working, and say what to do.

    Looks at the project's files, the secrets they name, the database and its folder, the disk, and the hub that runs
    here. Exits with 1 when there is a fault.

    Examples:

      arauto doctor loja
      arauto doctor loja --database postgresql://arauto@db.example/arauto --json
    """
    findings = list(_look(directory, database))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    for finding in () if as_json else findings:
        mark, colour = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "fault": ("✗", "red")}[finding.state]
        typer.secho(f"{mark} {finding.what}: ", fg=colour, nl=False)
        typer.echo(finding.said)
    if any(finding.state == "fault" for finding in findings):
        raise typer.Exit(1)


def _look(directory: Path, database: str | None) -> Iterator[Finding]:
    import apsw

    yield Finding("versions", "ok", f"Python {sys.version.split()[0]}, SQLite {apsw.sqlite_lib_version()}")
    yield from _project(directory)
    session = read_session(directory)
    if session is not None:
        yield _running(session)
    elif directory.is_dir():
        yield asyncio.run(_database(database or str(state_folder(directory) / "hub.sqlite3")))
    if directory.is_dir():
        free = shutil.disk_usage(directory).free
        state: Literal["ok", "warning"] = "ok" if free > _LITTLE_DISK else "warning"
        yield Finding("disk", state, f"{free / (1 << 30):.1f} GiB free")
    level = os.environ.get("ARAUTO_CRASH")
    if level:
        yield Finding("environment", "fault", f"ARAUTO_CRASH={level} would kill the hub; unset it")


def _project(directory: Path) -> Iterator[Finding]:
    from arauto.app import missing_secrets
    from arauto.catalogue import compile_project

    try:
        catalogue = compile_project(directory)
    except CatalogueFaulty as error:
        yield Finding("project", "fault", f"{len(error.diagnostics)} faults; see: arauto check {directory}")
        return
    except ArautoError as error:
        yield Finding("project", "fault", str(error))
        return
    count = len(catalogue.notifications)
    told = f"{catalogue.project.name}: {count} notification{'' if count == 1 else 's'}, version {catalogue.version}"
    yield Finding("project", "ok", told)
    missing = missing_secrets(catalogue)
    for each in missing:
        yield Finding("secret", "fault", each)
    if not missing:
        yield Finding("secrets", "ok", "every secret that the project names is there")
    networks = catalogue.project.private_networks
    if networks:
        yield Finding("egress", "warning", f"outbound calls may reach private networks: {', '.join(networks)}")


def _running(session: Any) -> Finding:
    try:
        ready = session.get("readyz")
        if ready["behind"]:
            live = session.get("v1", "releases", "live")
            said = f"one runs here, but serves {ready['serving']}, and not {live['version']}, which is live"
            return Finding("hub", "fault", f"{said}: {live['behind']}")
        return Finding("hub", "ok", f"one runs here, at {session.url}, is ready, and serves {ready['serving']}")
    except ArautoError as error:
        return Finding("hub", "fault", f"one runs here, but {error}")


async def _database(place: str) -> Finding:
    from arauto.store.opening import open_store

    try:
        store = await open_store(place)
        try:
            await store.ping()
            counts = await store.counts()
        finally:
            await store.close()
    except ArautoError as error:
        return Finding("database", "fault", str(error))
    held = sum(states.get("held", 0) for states in counts.messages.values())
    said = f"{sum(counts.events.values())} events, {sum(sum(s.values()) for s in counts.messages.values())} messages"
    if held or counts.events.get("quarantined"):
        return Finding("database", "warning", f"{said}; held: {held}, put aside: {counts.events.get('quarantined', 0)}")
    return Finding("database", "ok", said)
