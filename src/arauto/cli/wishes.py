"""wishes: what a recipient wants, the record of their consent, and the link to their page; part of ``recipients``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from arauto.cli import Failed
from arauto.cli.hub import JsonOption, KeyOption, ProjectOption, UrlOption, connect, print_json

_ANSWERS: dict[str, bool | None] = {"yes": True, "no": False, "unsaid": None}
_ALL = "*"
_SPAN = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")

Id = Annotated[str, typer.Argument(help="The recipient's id.", show_default=False)]


def wishes(
    id: Id,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="CATEGORY=yes|no or CATEGORY.CHANNEL=yes|no; 'unsaid' takes it back."),
    ] = None,
    quiet: Annotated[
        str | None,
        typer.Option(help="Quiet hours in their zone: 22:00-07:00, or '22:00-07:00 mon,fri'; 'none' ends them."),
    ] = None,
    order: Annotated[str | None, typer.Option(help="Channels, the preferred one first: push,email; 'none'.")] = None,
    language: Annotated[str | None, typer.Option(help="The language they want: pt-BR; 'none'.")] = None,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a recipient wants, or change it; every change is kept in the record of consent.

    Examples:

      arauto recipients wishes ana
      arauto recipients wishes ana --set orders.email=no --set offers=yes
      arauto recipients wishes ana --quiet 22:00-07:00 --order push,email --language pt-BR
    """
    change: dict[str, Any] = {}
    if set_:
        change["categories"] = _categories(set_)
    if quiet is not None:
        change["quiet_hours"] = None if quiet == "none" else _quiet(quiet)
    if order is not None:
        change["order"] = [] if order == "none" else [name.strip() for name in order.split(",")]
    if language is not None:
        change["locale"] = None if language == "none" else language
    hub, path = connect(project, url, key), f"/v1/recipients/{quote(id, safe='')}/wishes"
    found = hub.call("PATCH" if change else "GET", path, change or None)
    if as_json:
        print_json(found)
    else:
        typer.echo("\n".join(_lines(found)))


def consents(
    id: Id, project: ProjectOption = Path(), url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Show what a recipient agreed to and withdrew: when, how, and on which text, oldest first."""
    items = connect(project, url, key).get("v1", "recipients", id, "consents")["items"]
    if as_json:
        print_json(items)
    elif not items:
        typer.echo(f"{id} has said nothing yet.")
    for each in () if as_json else items:
        said = "given" if each["given"] else "withdrawn"
        typer.echo(f"{each['at']}  {_place(each['category'], each['channel'])}  {said}  by {each['how']}")
        if each["text"]:
            typer.echo(f"    {each['version']}: {each['text']}")


def link(id: Id, project: ProjectOption = Path(), url: UrlOption = None, key: KeyOption = None) -> None:
    """Print the link to a recipient's own preferences page. Whoever has it can change what they want."""
    hub = connect(project, url, key)
    typer.echo(hub.call("POST", f"/v1/recipients/{quote(id, safe='')}/preferences-link")["url"])


def _categories(given: list[str]) -> dict[str, dict[str, bool | None]]:
    found: dict[str, dict[str, bool | None]] = {}
    for each in given:
        place, _, answer = each.partition("=")
        category, _, channel = place.partition(".")
        if answer not in _ANSWERS or not category:
            raise Failed(f"--set {each!r} says nothing: write orders.email=no, orders=yes or orders.email=unsaid", 2)
        found.setdefault(category, {})[channel or _ALL] = _ANSWERS[answer]
    return found


def _quiet(given: str) -> dict[str, Any]:
    span, _, days = given.strip().partition(" ")
    if not _SPAN.fullmatch(span):
        raise Failed(f"--quiet {given!r} is no span: write 22:00-07:00, '22:00-07:00 mon,fri' or none", 2)
    start, _, end = span.partition("-")
    said: dict[str, Any] = {"start": start, "end": end}
    return {**said, "days": [day.strip() for day in days.split(",")]} if days else said


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [
        f"{_place(category, channel)}: {'yes' if wanted else 'no'}"
        for category, said in found["categories"].items()
        for channel, wanted in said.items()
    ]
    quiet = found["quiet_hours"]
    if quiet:
        lines.append(f"quiet hours: {quiet['start']}-{quiet['end']} {','.join(quiet['days'])}")
    if found["order"]:
        lines.append(f"order: {', '.join(found['order'])}")
    if found["locale"]:
        lines.append(f"language: {found['locale']}")
    return lines or ["nothing was said: the categories' own rules hold"]


def _place(category: str, channel: str) -> str:
    return category if channel == _ALL else f"{category}.{channel}"
