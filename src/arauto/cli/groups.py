"""groups: who is in them: lists, the recipients for whom a query is true, and who is on call."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from arauto.cli import Failed
from arauto.cli.check import compile_or_exit
from arauto.cli.hub import (
    DATABASE_FILE,
    STATE_FOLDER,
    JsonOption,
    KeyOption,
    ProjectOption,
    UrlOption,
    connect,
    print_json,
    read_session,
)
from arauto.decide.calendar import at_wall_clock
from arauto.decide.groups import Turn, matches, on_call, turns
from arauto.decide.wishes import IN_APP
from arauto.errors import LanguageError
from arauto.model import Catalogue, Expression, Group, Recipient, Rota

app = typer.Typer(help="List groups, and show who is in one or on call.")

_FAILURES = 10
"""How many recipients for whom a query fails are named."""


@app.command("list")
def list_groups(project: ProjectOption = Path(), as_json: JsonOption = False) -> None:
    """List the project's groups: how each is made, and who is on call now."""
    from arauto.app import now

    catalogue = compile_or_exit(project)
    items = [_head(group, now()) for _, group in sorted(catalogue.groups.items())]
    if as_json:
        print_json(items)
    elif not items:
        typer.echo("There are no groups; recipients/*.yaml makes them.")
    for item in () if as_json else items:
        typer.echo(f"{item['name']}  {item['kind']}  {_said(item)}")


def _head(group: Group, at: datetime) -> dict[str, Any]:
    if group.query is not None:
        return {"name": group.name, "kind": "query", "query": group.query.source}
    if group.rota is not None:
        turn = on_call(group.rota, at)
        shown = None if turn is None else _turn(turn, group.rota)
        return {"name": group.name, "kind": "rota", "zone": group.rota.zone, "on_call": shown}
    return {"name": group.name, "kind": "list", "members": list(group.members)}


def _said(item: dict[str, Any]) -> str:
    match item["kind"]:
        case "list":
            return ", ".join(item["members"]) or "nobody"
        case "query":
            return str(item["query"])
    turn = item["on_call"]
    return "nobody is on call" if turn is None else f"{turn['member']} is on call until {turn['end']}"


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The group's name.")],
    at: Annotated[
        str | None,
        typer.Option(help="Of a rota: when, as 2026-01-31, with 15:30 in its zone, or in RFC 3339; now else."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="Of a rota: turns of how many days.", min=1, show_default="28")
    ] = None,
    ical: Annotated[bool, typer.Option("--ical", help="Of a rota: print its turns as iCalendar (RFC 5545).")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Of a query: how many recipients to list.", min=0)] = 50,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="ARAUTO_DATABASE",
            help="Of a query: the database to look into when no hub runs.",
            show_default="PROJECT/.arauto/hub.sqlite3",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show who is in a group, or on call.

    A list: its members, and by which channels each can be reached. A query: the recipients of the project and of the
    database for whom it is true, as the files stand now; nothing is sent. A rota: who is on call, and the turns that
    follow; those who stand in are marked with *.

    Examples:

      arauto groups show sales
      arauto groups show vips --limit 10
      arauto groups show duty --at "2026-12-24 20:00"
      arauto groups show duty --days 180 --ical > duty.ics
    """
    catalogue = compile_or_exit(project)
    group = catalogue.groups.get(name)
    if group is None:
        raise Failed(f"there is no group {name!r}; there are: {', '.join(sorted(catalogue.groups)) or 'none'}", 4)
    if group.rota is not None:
        _show_rota(catalogue, group, group.rota, at, timedelta(days=days or 28), ical, as_json)
        return
    if at is not None or days is not None or ical:
        raise Failed(f"{name} is no rota: --at, --days and --ical say nothing about it", 2)
    if group.query is None:
        _show_list(catalogue, group, as_json)
        return

    def each(see: Callable[[Recipient], None]) -> None:
        _stored(project, url, key, database, see)

    _show_query(catalogue, group.query, name, each, limit, as_json)


# -- lists and queries ---------------------------------------------------------------------------------------------


def _show_list(catalogue: Catalogue, group: Group, as_json: bool) -> None:
    found = [_person(catalogue.recipients[id], catalogue) for id in group.members]
    if as_json:
        print_json({"name": group.name, "kind": "list", "members": found})
    elif not found:
        typer.echo(f"{group.name} has no members.")
    for each in () if as_json else found:
        typer.echo(_line(each))


def _person(recipient: Recipient, catalogue: Catalogue) -> dict[str, Any]:
    reached = [
        channel
        for channel in sorted(catalogue.channels)
        if (recipient.kind == "person" if channel == IN_APP else recipient.addresses.get(channel))
    ]
    return {"id": recipient.id, "name": recipient.name, "kind": recipient.kind, "channels": reached}


def _line(person: dict[str, Any]) -> str:
    return f"{person['id']}  {person['name'] or ''}  {', '.join(person['channels']) or 'no channel'}"


def _show_query(
    catalogue: Catalogue,
    query: Expression,
    name: str,
    stored: Callable[[Callable[[Recipient], None]], None],
    limit: int,
    as_json: bool,
) -> None:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    found: list[dict[str, Any]] = []
    failures: list[dict[str, str]] = []
    asked = true = failed = 0
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.completed} recipients asked"),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    with bar:
        task = bar.add_task("ask", total=None)

        def ask(recipient: Recipient) -> None:
            nonlocal asked, true, failed
            asked += 1
            try:
                holds = matches(query, recipient, catalogue.project)
            except LanguageError as error:
                failed += 1
                if len(failures) < _FAILURES:
                    failures.append({"id": recipient.id, "error": error.message})
                holds = False
            true += holds
            if holds and len(found) < limit:
                found.append(_person(recipient, catalogue))
            if asked % 500 == 0:
                bar.update(task, completed=asked)

        for recipient in catalogue.recipients.values():
            ask(recipient)
        # Who stands in the project counts as the project says.
        stored(lambda recipient: None if recipient.id in catalogue.recipients else ask(recipient))
    if as_json:
        counts = {"asked": asked, "count": true, "failed": failed}
        head = {"name": name, "kind": "query", "query": query.source}
        print_json({**head, **counts, "failures": failures, "recipients": found})
    else:
        typer.echo(f"{true} of {asked} recipients: {query.source}")
        for each in found:
            typer.echo(_line(each))
        if 0 < len(found) < true:
            typer.echo(f"… and {true - len(found)} more; --limit shows them")
        if failed:
            typer.echo(f"for {failed} it failed, and they are not in the group:", err=True)
        for fault in failures:
            typer.echo(f"  {fault['id']}: {fault['error']}", err=True)
    if failed:
        raise typer.Exit(1)


def _stored(
    project: Path, url: str | None, key: str | None, database: str | None, see: Callable[[Recipient], None]
) -> None:
    """Shows every recipient of the database: by the hub that runs, or by looking into it."""
    if url is not None or read_session(project) is not None:
        for item in connect(project, url, key).pages("v1", "recipients", limit=sys.maxsize):
            fields = ("id", "kind", "name", "locale", "time_zone", "addresses", "attributes")
            see(Recipient(**{field: item[field] for field in fields}))
        return
    file = project / STATE_FOLDER / DATABASE_FILE
    if database is not None or file.is_file():
        asyncio.run(_from_store(database or str(file), see))


async def _from_store(database: str, see: Callable[[Recipient], None]) -> None:
    from arauto.store.opening import open_store

    store = await open_store(database)
    try:
        after: str | None = None
        while True:
            page = await store.list_recipients("default", after=after, limit=500)
            for recipient in page.items:
                see(recipient)
            if page.next is None:
                return
            after = page.next
    finally:
        await store.close()


# -- rotas ---------------------------------------------------------------------------------------------------------


def _show_rota(
    catalogue: Catalogue, group: Group, rota: Rota, at: str | None, span: timedelta, ical: bool, as_json: bool
) -> None:
    from arauto.app import now

    start = now() if at is None else _moment(at, rota.zone)
    found = turns(rota, start, start + span)
    names = {id: recipient.name for id, recipient in catalogue.recipients.items() if recipient.name}
    if ical:
        from arauto.engine.ical import calendar

        typer.echo(calendar(catalogue.project.name, group.name, found, names, now=now()), nl=False)
        return
    current = on_call(rota, start)
    shown = [_turn(turn, rota) for turn in found]
    if as_json:
        document = {"name": group.name, "kind": "rota", "zone": rota.zone, "at": _clock(start, rota)}
        print_json({**document, "on_call": None if current is None else _turn(current, rota), "turns": shown})
        return
    who = "nobody" if current is None else f"{current.member} {names.get(current.member, '')}".strip()
    typer.echo(f"on call at {_clock(start, rota)} ({rota.zone}): {who}")
    for each in shown:
        typer.echo(f"{each['start']}  {each['end']}  {each['member']}{'*' if each['override'] else ''}")


def _moment(text: str, zone: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else at_wall_clock(moment.date(), moment.time(), zone)
    except (ValueError, OverflowError):
        raise Failed(
            f"--at is no time: {text!r}; write 2026-01-31, '2026-01-31 15:30' or 2026-01-31T15:30:00Z", 2
        ) from None


def _turn(turn: Turn, rota: Rota) -> dict[str, Any]:
    return {
        "member": turn.member,
        "start": _clock(turn.start, rota),
        "end": _clock(turn.end, rota),
        "override": turn.override,
    }


def _clock(moment: datetime, rota: Rota) -> str:
    """A moment as clocks in the rota's zone show it, with the offset from UTC."""
    return moment.astimezone(ZoneInfo(rota.zone)).isoformat(timespec="minutes")
