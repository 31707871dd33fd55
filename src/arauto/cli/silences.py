"""silences: times in which messages are held or dropped."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from arauto.cli import Failed
from arauto.cli.hub import JsonOption, KeyOption, ProjectOption, UrlOption, connect, print_json

app = typer.Typer(help="List, add, end and delete silences: times in which messages are held or dropped.")

_UNITS = (("d", 86400), ("h", 3600), ("m", 60))


@app.callback()
def _group() -> None:
    """List, add, end and delete silences: times in which messages are held or dropped."""


@app.command("list")
def list_silences(
    state: Annotated[str | None, typer.Option(help="Only those that are active, coming or over.")] = None,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List silences: those that hold now first, with who asked for them, why, and how much each holds."""
    items = connect(project, url, key).get("v1", "silences", state=state)["items"]
    if as_json:
        print_json(items)
    elif not items:
        typer.echo("There are no silences; add one with: arauto silences add --for 2h --reason …")
    for item in () if as_json else items:
        typer.echo(_drawn(item))


@app.command()
def add(
    reason: Annotated[str, typer.Option(help="Why; whoever wonders reads it.", show_default=False)],
    lasting: Annotated[str | None, typer.Option("--for", help="How long, from its start: 2h.")] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="When it starts: '2026-03-28 22:00' (in --zone) or RFC 3339.", show_default="now"),
    ] = None,
    end: Annotated[str | None, typer.Option("--until", help="When it ends, in the same forms.")] = None,
    until_ended: Annotated[bool, typer.Option("--until-ended", help="It holds until somebody ends it.")] = False,
    every: Annotated[
        str | None, typer.Option(help="It holds again and again, from each time of this cron expression.")
    ] = None,
    lasts: Annotated[str | None, typer.Option(help="How long each of those times lasts: 9h.")] = None,
    zone: Annotated[str | None, typer.Option(help="The zone of all these times.", show_default="the project's")] = None,
    drop: Annotated[
        bool, typer.Option("--drop/--hold", help="Drop what would be sent, or hold it until the end.")
    ] = False,
    notification: Annotated[list[str] | None, typer.Option(help="Only this notification; several are allowed.")] = None,
    category: Annotated[list[str] | None, typer.Option(help="Only this category; several are allowed.")] = None,
    recipient: Annotated[list[str] | None, typer.Option(help="Only this recipient; several are allowed.")] = None,
    owner: Annotated[str | None, typer.Option(help="Who asks for it.", show_default="you")] = None,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold, or drop, what would be sent: of some notifications, categories or recipients, or all of it.

    What is held goes as soon as the silence ends. One without an end has to be asked for: --until-ended.

    Examples:

      arauto silences add --for 2h --category orders --reason "the ERP moves"
      arauto silences add --from "2026-12-24 18:00" --until "2026-12-26 08:00" --reason Christmas
      arauto silences add --every "0 22 * * *" --lasts 9h --zone America/Sao_Paulo --until-ended --reason "nights"
    """
    if [end is not None, lasting is not None, until_ended].count(True) != 1:
        raise Failed("say when it ends: one of --for 2h, --until TIME and --until-ended", 2)
    if (every is None) != (lasts is None):
        raise Failed("--every and --lasts go together: --every '0 22 * * *' --lasts 9h", 2)
    told = {
        "reason": reason,
        "owner": owner or _user(),
        "drop": drop,
        "start": start,
        "end": end,
        "for": lasting,
        "until_ended": until_ended,
        "every": every,
        "lasts": lasts,
        "zone": zone,
        "notifications": notification or [],
        "categories": category or [],
        "recipients": recipient or [],
    }
    made = connect(project, url, key).call("POST", "/v1/silences", told)
    _show(made, as_json)


@app.command("end")
def end_silence(
    id: Annotated[str, typer.Argument(help="The silence's id, from 'arauto silences list'.")],
    at: Annotated[
        str | None,
        typer.Option(help="Move its end to this time instead: '2026-03-28 22:00' (in its zone) or RFC 3339."),
    ] = None,
    lasting: Annotated[str | None, typer.Option("--in", help="Move its end to so long from now instead: 30m.")] = None,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a silence now, or move its end. What it holds follows at once.

    Examples:

      arauto silences end sil_1f2e3d4c
      arauto silences end sil_1f2e3d4c --in 30m
    """
    if at is not None and lasting is not None:
        raise Failed("say when it ends: --in 30m or --at TIME, not both", 2)
    hub = connect(project, url, key)
    if at is None and lasting is None:
        _show(hub.call("POST", f"/v1/silences/{_checked(id)}/end"), as_json)
    else:
        _show(hub.call("PATCH", f"/v1/silences/{_checked(id)}", {"end": at, "for": lasting}), as_json)


@app.command()
def delete(
    id: Annotated[str, typer.Argument(help="The silence's id, from 'arauto silences list'.")],
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Delete a silence, so that nothing is left of it. What it holds goes at once."""
    connect(project, url, key).delete("v1", "silences", id)
    typer.echo(f"deleted: {id}")


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None


def _checked(id: str) -> str:
    if not (id.isascii() and id.replace("_", "").isalnum()):
        raise Failed(f"there is no silence {id!r}; 'arauto silences list' shows them", 4)
    return id


def _show(silence: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(silence)
        return
    typer.echo(_drawn(silence))
    for warning in silence["warnings"]:
        typer.echo(f"warning: {warning}", err=True)


def _drawn(silence: dict[str, Any]) -> str:
    what = "drops" if silence["drop"] else "holds"
    matchers = [
        f"{kind} {', '.join(silence[plural])}"
        for kind, plural in (("notification", "notifications"), ("category", "categories"), ("recipient", "recipients"))
        if silence[plural]
    ]
    lines = [
        f"{silence['id']}  {_when(silence)}",
        f"  {what} {' and '.join(matchers) or 'everything'}: {silence['reason']} ({silence['owner']})",
    ]
    if silence["every"]:
        until = "until ended" if silence["end"] is None else f"until {silence['end']}"
        lines.append(f"  every {silence['every']} ({silence['zone']}) for {silence['lasts']}, {until}")
    held = silence["held"]
    counts = [f"{held[name]} {name[: -1 if held[name] == 1 else None]}" for name in ("runs", "messages") if held[name]]
    if counts:
        lines.append(f"  holds {' and '.join(counts)} now")
    return "\n".join(lines)


def _when(silence: dict[str, Any]) -> str:
    at, seconds = silence["at"], silence["seconds"]
    match silence["state"]:
        case "active":
            return f"active until {_clock(at)}, {_span(seconds)} left" if at else "active until somebody ends it"
        case "coming":
            return f"coming at {_clock(at)}, in {_span(seconds)}"
    return f"over since {_clock(silence['end'] or silence['start'])}"


def _clock(text: str) -> str:
    return f"{datetime.fromisoformat(text):%a %Y-%m-%d %H:%M} UTC"


def _span(seconds: int) -> str:
    """The two greatest units: ``2d 3h``."""
    parts: list[str] = []
    for unit, size in _UNITS:
        if seconds >= size:
            parts.append(f"{seconds // size}{unit}")
            seconds %= size
    return " ".join(parts[:2]) or "less than a minute"
