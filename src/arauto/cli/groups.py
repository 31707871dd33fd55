"""groups: who is in them: lists, the recipients for whom a query is true, and who is on call."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
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
    if turn is None:
        return "nobody is on call"
    return f"{turn['member']} is on call until {_read(turn['end'])} ({item['zone']})"


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

    _show_query(catalogue, group.query, name, partial(_stored, project, url, key, database), limit, as_json)


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


class _Preview:
    """Asks a query of recipients, one after the other, and counts."""

    def __init__(self, query: Expression, catalogue: Catalogue, limit: int) -> None:
        self._query, self._catalogue, self._limit = query, catalogue, limit
        self.asked = self.true = self.failed = 0
        self.found: list[dict[str, Any]] = []
        self.failures: list[dict[str, str]] = []

    def ask(self, recipient: Recipient) -> None:
        """Ask about one; only the first are kept."""
        self.asked += 1
        try:
            if not matches(self._query, recipient, self._catalogue.project):
                return
        except LanguageError as error:
            self.failed += 1
            if len(self.failures) < _FAILURES:
                self.failures.append({"id": recipient.id, "error": error.message})
            return
        self.true += 1
        if len(self.found) < self._limit:
            self.found.append(_person(recipient, self._catalogue))


Ask = Callable[[Recipient], None]


def _show_query(
    catalogue: Catalogue, query: Expression, name: str, stored: Callable[[Ask], None], limit: int, as_json: bool
) -> None:
    preview = _Preview(query, catalogue, limit)
    with _progress() as advance:

        def ask(recipient: Recipient) -> None:
            preview.ask(recipient)
            if preview.asked % 500 == 0:
                advance(preview.asked)

        for recipient in catalogue.recipients.values():
            ask(recipient)
        # Who stands in the project counts as the project says.
        stored(lambda recipient: None if recipient.id in catalogue.recipients else ask(recipient))
    if as_json:
        head = {"name": name, "kind": "query", "query": query.source}
        counts = {"asked": preview.asked, "count": preview.true, "failed": preview.failed}
        print_json({**head, **counts, "failures": preview.failures, "recipients": preview.found})
    else:
        _print_preview(preview, query)
    if preview.failed:
        raise typer.Exit(1)


def _print_preview(preview: _Preview, query: Expression) -> None:
    typer.echo(f"{preview.true} of {preview.asked} recipients: {query.source}")
    for each in preview.found:
        typer.echo(_line(each))
    if 0 < len(preview.found) < preview.true:
        typer.echo(f"… and {preview.true - len(preview.found)} more; --limit shows them")
    if preview.failed:
        typer.echo(f"for {preview.failed} it failed, and they are not in the group:", err=True)
    for fault in preview.failures:
        typer.echo(f"  {fault['id']}: {fault['error']}", err=True)


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """On a terminal, how many recipients were asked."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed} recipients asked"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("ask", total=None)
        yield lambda asked: bar.update(task, completed=asked)


def _stored(project: Path, url: str | None, key: str | None, database: str | None, see: Ask) -> None:
    """Shows every recipient of the database: by the hub that runs, or by looking into it."""
    if url is not None or read_session(project) is not None:
        for item in connect(project, url, key).pages("v1", "recipients", limit=sys.maxsize):
            fields = ("id", "kind", "name", "locale", "time_zone", "addresses", "attributes")
            see(Recipient(**{field: item[field] for field in fields}))
        return
    file = project / STATE_FOLDER / DATABASE_FILE
    if database is not None or file.is_file():
        asyncio.run(_from_store(database or str(file), see))


async def _from_store(database: str, see: Ask) -> None:
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
    typer.echo(f"on call on {_read(_clock(start, rota))} ({rota.zone}): {who}")
    for each in shown:
        mark = "*" if each["override"] else ""
        typer.echo(f"{_read(each['start'])} – {_read(each['end'])}  {each['member']}{mark}")


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


def _read(clock: str) -> str:
    """The same for people: with the day of the week, without the offset."""
    return f"{datetime.fromisoformat(clock):%a %Y-%m-%d %H:%M}"
