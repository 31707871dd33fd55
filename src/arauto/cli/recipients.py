"""recipients: people and systems in the hub's store."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from arauto.cli import Failed, privacy, wishes
from arauto.cli.hub import HubCall, JsonOption, KeyOption, ProjectOption, UrlOption, connect, print_json

app = typer.Typer(help="List, show, import, export, erase and delete recipients; see and change what they want.")
app.command()(privacy.export)
app.command()(privacy.erase)
app.command()(wishes.wishes)
app.command()(wishes.consents)
app.command()(wishes.link)

_CHUNK = 500
_PLAIN = ("id", "kind", "name", "locale", "time_zone")


@app.command("import")
def import_recipients(
    file: Annotated[Path, typer.Argument(help="A .csv or .jsonl file.", show_default=False)],
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create or replace recipients from a file.

    CSV has a header: id, and any of kind, name, locale, time_zone, a channel's name (email, sms, …) for an address,
    and attributes.NAME. JSON Lines has one recipient a line, as the API takes it. A faulty line is reported with its
    number and left out; the others are stored. The import can be run again.

    Examples:

      arauto recipients import people.csv
      arauto recipients import people.jsonl --json
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    hub = connect(project, url, key)
    entries = list(_entries(file))
    stored = 0
    faults: list[dict[str, Any]] = []
    bar = Progress(
        TextColumn("importing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True)
    )
    with bar:
        task = bar.add_task("import", total=len(entries))
        for start in range(0, len(entries), _CHUNK):
            chunk = entries[start : start + _CHUNK]
            kept, refused = _store(hub, chunk)
            stored += kept
            faults.extend(refused)
            bar.advance(task, len(chunk))
    if as_json:
        print_json({"read": len(entries), "stored": stored, "faults": faults})
    else:
        typer.echo(f"{stored} of {len(entries)} recipients stored")
        for fault in faults:
            typer.echo(f"{file}:{fault['line']} was not stored: {fault['error']}", err=True)
    if faults:
        raise typer.Exit(1)


def _store(hub: HubCall, chunk: list[tuple[int, dict[str, Any]]]) -> tuple[int, list[dict[str, Any]]]:
    """How many were stored, and the lines that were refused; the rest is sent again without them."""
    faults: list[dict[str, Any]] = []
    while chunk:
        try:
            return hub.call("POST", "/v1/recipients/import", [entry for _, entry in chunk])["stored"], faults
        except Failed as error:
            if error.exit_code == 5:
                raise
            wrong: dict[int, list[str]] = {}
            for each in error.errors:
                index, _, place = each["pointer"].removeprefix("/body").strip("/").partition("/")
                if index.isdigit():
                    wrong.setdefault(int(index), []).append(f"{place}: {each['detail']}")
            if not wrong:
                faults.extend({"line": line, "error": str(error)} for line, _ in chunk)
                return 0, faults
            faults.extend({"line": chunk[index][0], "error": "; ".join(texts)} for index, texts in wrong.items())
            chunk = [entry for index, entry in enumerate(chunk) if index not in wrong]
    return 0, faults


@app.command("list")
def list_recipients(
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many, by id.", min=1)] = 50,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List recipients of the store; those of the project folder stand in its files."""
    items = list(connect(project, url, key).pages("v1", "recipients", limit=limit))
    if as_json:
        print_json(items)
    elif not items:
        typer.echo("There are no recipients in the store; events with 'upsert', the API and 'import' add them.")
    for item in () if as_json else items:
        typer.echo(f"{item['id']}  {item['name'] or ''}  {', '.join(sorted(item['addresses']))}")


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="The recipient's id.")],
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Show a recipient as JSON."""
    print_json(connect(project, url, key).get("v1", "recipients", id))


@app.command()
def delete(
    id: Annotated[str, typer.Argument(help="The recipient's id.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Delete a recipient; what is on its way to them fails as 'the recipient is gone'."""
    hub = connect(project, url, key)
    if not yes:
        typer.confirm(f"Delete {id}?", abort=True)
    hub.delete("v1", "recipients", id)
    typer.echo(f"deleted: {id}")


def _entries(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, recipient) of each line. Raises Failed at the first one that cannot be read."""
    read = {".csv": _csv, ".jsonl": _json_lines, ".ndjson": _json_lines}.get(file.suffix.lower())
    if read is None:
        raise Failed(f"{file} is neither .csv nor .jsonl", 2)
    try:
        yield from read(file)
    except OSError as error:
        raise Failed(f"cannot read {file}: {error.strerror}", 2) from None
    except csv.Error as error:
        raise Failed(f"{file} cannot be read as CSV: {error}", 2) from None
    except UnicodeDecodeError:
        raise Failed(f"{file} is not UTF-8 text; save it as UTF-8", 2) from None


def _json_lines(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with file.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise Failed(f"{file}:{number} is no JSON: {error}", 2) from None
            if not isinstance(entry, dict):
                raise Failed(f"{file}:{number} is no JSON object", 2)
            yield number, entry


def _csv(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        sample = text.readline()
        text.seek(0)
        reader = csv.DictReader(text, delimiter=";" if sample.count(";") > sample.count(",") else ",")
        if "id" not in (reader.fieldnames or ()):
            columns = ", ".join(reader.fieldnames or ())
            raise Failed(f"{file} has no column 'id' in its first line; it has: {columns}", 2)
        for row in reader:
            entry: dict[str, Any] = {"addresses": {}, "attributes": {}}
            for column, value in row.items():
                if column is None or value is None or value == "":
                    continue
                if column in _PLAIN:
                    entry[column] = value
                elif column.startswith("attributes."):
                    entry["attributes"][column.removeprefix("attributes.")] = value
                else:
                    entry["addresses"][column] = value
            yield reader.line_num, entry
