"""send: an event by hand."""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from arauto.cli import Failed
from arauto.cli.hub import JsonOption, KeyOption, ProjectOption, UrlOption, connect, print_json


def send(
    event_type: Annotated[
        str, typer.Argument(metavar="TYPE", help="An event type of the project.", show_default=False)
    ],
    data: Annotated[
        str | None,
        typer.Argument(help="Its data as JSON, @FILE, or - for standard input; else a sample is sent."),
    ] = None,
    sample: Annotated[
        str | None, typer.Option(help="Which sample; the first one when there are several.", show_default=False)
    ] = None,
    id: Annotated[str | None, typer.Option(help="The event's id; a new one each time when not given.")] = None,
    source: Annotated[str, typer.Option(help="The source that it is said to come from.")] = "arauto-cli",
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send an event, or a sample of an event type, to a running hub.

    Examples:

      arauto send order.paid
      arauto send order.paid --sample international
      arauto send order.paid '{"order": {"number": "1042"}}' --id order-1042
      arauto send order.paid @order.json --url https://hub.example --key arauto_…
    """
    hub = connect(project, url, key)
    told = _sample(project, event_type, sample) if data is None else _read(data)
    event = {
        "specversion": "1.0",
        "id": id or f"cli-{uuid.uuid4().hex[:12]}",
        "source": source,
        "type": event_type,
        "data": told,
    }
    answer = hub.call("POST", "/v1/events", event, {"Content-Type": "application/cloudevents+json"})
    accepted = answer["accepted"][0]
    if as_json:
        print_json(accepted)
    else:
        typer.echo(f"accepted: {event_type} {accepted['id']} ({accepted['event']})")
        typer.echo(f"see why:  arauto explain {accepted['event']}", err=True)


def _read(data: str) -> Any:
    try:
        if data == "-":
            text = sys.stdin.read()
        elif data.startswith("@"):
            text = Path(data[1:]).read_text(encoding="utf-8")
        else:
            text = data
        return json.loads(text)
    except OSError as error:
        raise Failed(f"cannot read {data[1:]}: {error.strerror}", 2) from None
    except ValueError as error:
        raise Failed(f"the data are no JSON: {error}", 2) from None


def _sample(project: Path, event_type: str, name: str | None) -> Any:
    from arauto.cli.check import compile_or_exit

    types = compile_or_exit(project).event_types
    if event_type not in types:
        raise Failed(f"there is no event type {event_type!r} in {project}; there are: {', '.join(sorted(types))}", 2)
    samples = types[event_type].samples
    if name is not None and name not in samples:
        raise Failed(f"{event_type} has no sample {name!r}; it has: {', '.join(samples)}", 2)
    return samples[name if name is not None else next(iter(samples))]
