"""messages: what became of them, and what people may do about it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from arauto.cli import Failed
from arauto.cli.hub import HubCall, JsonOption, KeyOption, ProjectOption, UrlOption, connect, console, print_json
from arauto.cli.language import LangOption, chosen_language

app = typer.Typer(help="List and show messages; retry, release, cancel or hold them; replay many.")

_CHUNK = 500

StateOption = Annotated[str | None, typer.Option(help="Only in this state, such as failed, bounced or unknown.")]
ChannelOption = Annotated[str | None, typer.Option(help="Only of this channel.")]
RecipientOption = Annotated[str | None, typer.Option(help="Only this recipient's.")]
NotificationOption = Annotated[str | None, typer.Option(help="Only of this notification.")]
SinceOption = Annotated[
    str | None, typer.Option(help="Only those made since: a span (2h, 1d) or a time (2026-11-24T08:20:00Z).")
]
IdsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]…", help="Messages; - reads them from standard input.")
]
AllOption = Annotated[bool, typer.Option("--all", help="All that the filters select, instead of ids.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("list")
def list_messages(
    state: StateOption = None,
    channel: ChannelOption = None,
    recipient: RecipientOption = None,
    notification: NotificationOption = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many, newest first.", min=1)] = 50,
    lang: LangOption = None,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List messages, newest first.

    Examples:

      arauto messages list --state failed --since 2h
      arauto messages list --recipient cliente-77 --json
    """
    query = _query(state, channel, recipient, notification, since) | {"lang": chosen_language(lang)}
    items = list(connect(project, url, key).pages("v1", "messages", limit=limit, **query))
    if as_json:
        print_json(items)
        return
    if not items:
        typer.echo("No messages.")
        return
    from rich.table import Table
    from rich.text import Text

    from arauto.cli.explain import COLOURS

    table = Table("made (UTC)", "state", "channel", "recipient", "notification", "id", box=None, pad_edge=False)
    for item in items:
        table.add_row(
            item["created_at"][:19].replace("T", " "),
            Text(item["state_text"], style=COLOURS[item["state"]]),
            *(Text(item[name]) for name in ("channel", "recipient", "notification")),
            Text(item["id"], overflow="fold"),
        )
    console().print(table)


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="The message's id.")],
    lang: LangOption = None,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a message: its attempts, its receipts, what people did about it, and what is next."""
    language = chosen_language(lang)
    document = connect(project, url, key).get("v1", "messages", id, lang=language)
    if as_json:
        print_json(document)
        return
    from arauto.cli.explain import draw_message

    console().print(draw_message(document, language))


@app.command()
def retry(
    ids: IdsArgument = None,
    every: AllOption = False,
    state: StateOption = None,
    channel: ChannelOption = None,
    recipient: RecipientOption = None,
    notification: NotificationOption = None,
    since: SinceOption = None,
    yes: YesOption = False,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send messages again that failed, bounced, expired, were cancelled or held, or of which nobody knows.

    They have all their attempts before them again, and their whole time to live. The wishes and the silences of that
    moment count. For many at once, see: arauto messages replay.

    Examples:

      arauto messages retry msg_…
      arauto messages retry --all --state failed --channel email --since 2h
      arauto messages list --state expired --json | jq -r '.[].id' | arauto messages retry -
    """
    _do("retry", ids, every, _query(state, channel, recipient, notification, since), yes, project, url, key, as_json)


@app.command()
def release(
    ids: IdsArgument = None,
    every: AllOption = False,
    state: StateOption = None,
    channel: ChannelOption = None,
    recipient: RecipientOption = None,
    notification: NotificationOption = None,
    since: SinceOption = None,
    yes: YesOption = False,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let messages go that were held, or of which nobody knows whether they arrived: those may arrive twice.

    Examples:

      arauto messages release msg_…
      arauto messages release --all --state unknown --channel sms --since 1d
    """
    _do("release", ids, every, _query(state, channel, recipient, notification, since), yes, project, url, key, as_json)


@app.command()
def cancel(
    ids: IdsArgument = None,
    every: AllOption = False,
    state: StateOption = None,
    channel: ChannelOption = None,
    recipient: RecipientOption = None,
    notification: NotificationOption = None,
    since: SinceOption = None,
    yes: YesOption = False,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel messages that are queued, wait, are held, or of which nobody knows.

    Examples:

      arauto messages cancel msg_…
      arauto messages cancel --all --state held --since 2h
    """
    _do("cancel", ids, every, _query(state, channel, recipient, notification, since), yes, project, url, key, as_json)


@app.command()
def hold(
    ids: IdsArgument = None,
    every: AllOption = False,
    state: StateOption = None,
    channel: ChannelOption = None,
    recipient: RecipientOption = None,
    notification: NotificationOption = None,
    since: SinceOption = None,
    yes: YesOption = False,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put messages aside that are queued or wait, until they are released.

    Examples:

      arauto messages hold msg_…
      arauto messages hold --all --state waiting --notification order-paid
    """
    _do("hold", ids, every, _query(state, channel, recipient, notification, since), yes, project, url, key, as_json)


@app.command()
def replay(
    since: Annotated[str, typer.Option(help="Those made since: a span (2h, 1d) or a time (2026-11-24T08:20:00Z).")],
    state: Annotated[
        str, typer.Option(help="In which state: failed, bounced, expired, unknown, held or cancelled.")
    ] = "failed",
    until: Annotated[str | None, typer.Option(help="Those made until; now when not given.")] = None,
    channel: ChannelOption = None,
    recipient: RecipientOption = None,
    notification: NotificationOption = None,
    events: Annotated[
        str | None,
        typer.Option(
            help="Not messages but events: missed (they came when the --notification was not there) or quarantined "
            "(planning them broke)."
        ),
    ] = None,
    rate: Annotated[str, typer.Option(help="How fast: 50/s, 600/m, 1000/h.")] = "50/s",
    id: Annotated[
        str | None, typer.Option("--id", help="Under one id it happens once; made when not given.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be sent again.")] = False,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send many messages again, at a rate, once under an id: a second call, or one after a failure, doubles nothing.

    Examples:

      arauto messages replay --state failed --channel email --since 2h --dry-run
      arauto messages replay --state failed --channel email --since 2h --rate 50/s --id smtp-outage
      arauto messages replay --events missed --notification order-paid --since 1d --dry-run
    """
    hub = connect(project, url, key)
    body: dict[str, Any] = {
        "id": id,
        "state": state,
        "events": events,
        "since": moment(since),
        "until": None if until is None else moment(until),
        "channel": channel,
        "recipient": recipient,
        "notification": notification,
        "rate": rate,
        "dry_run": dry_run,
    }
    counted: dict[tuple[str | None, ...], dict[str, Any]] = {}
    while True:
        told = hub.call("POST", "/v1/replays", body)
        for each in told["counts"]:
            place = (each["channel"], each["type"], each["notification"])
            counted[place] = each | {"number": each["number"] + counted.get(place, {"number": 0})["number"]}
        body["id"] = told["id"]
        if told["over"]:
            break
        typer.echo(f"{told['total']} so far …", err=True)
    told["counts"] = list(counted.values())
    if as_json:
        print_json(told)
        return
    for each in told["counts"]:
        typer.echo(f"{each['number']:>8}  {each['channel'] or each['type']}  {each['notification'] or ''}".rstrip())
    typer.echo(_replayed(told, "messages" if events is None else "events", rate, dry_run=dry_run))


def _replayed(told: dict[str, Any], what: str, rate: str, *, dry_run: bool) -> str:
    again = "sent again" if what == "messages" else "planned again"
    if dry_run:
        return f"{told['total']} {what} would be {again}, at {rate}; nothing was done"
    if not told["counts"]:
        if told["total"]:
            had = f"{told['total']} {what}, begun at {told['begun_at']}"
            return f"{told['id']} was done already ({had}): nothing was done now"
        return "there is nothing to do again"
    return f"{told['total']} {what} are {again} under {told['id']}; the last is due at {told['last_due_at']}"


def _do(
    deed: str,
    ids: list[str] | None,
    every: bool,
    query: dict[str, str | None],
    yes: bool,
    project: Path,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Ask the hub to do this, some at a time, and say what was done."""
    hub = connect(project, url, key)
    wanted = list(_wanted(hub, deed, ids, every, query))
    if every and wanted and not yes:
        typer.confirm(f"{deed} {len(wanted)} messages?", abort=True, err=True)
    told: dict[str, list[Any]] = {"changed": [], "may_repeat": [], "left": [], "unknown": []}
    for start in range(0, len(wanted), _CHUNK):
        answer = hub.call("POST", "/v1/interventions", {"do": deed, "ids": wanted[start : start + _CHUNK]})
        for name, some in told.items():
            some.extend(answer[name])
    if as_json:
        print_json(told)
    else:
        _say(deed, told)
    if told["left"] or told["unknown"]:
        raise typer.Exit(4 if told["unknown"] and not told["changed"] and not told["left"] else 1)


def _say(deed: str, told: dict[str, list[Any]]) -> None:
    done = {"retry": "sent again", "release": "released", "cancel": "cancelled", "hold": "put aside"}[deed]
    typer.echo(f"{done}: {len(told['changed'])}")
    for id in told["may_repeat"]:
        typer.echo(f"{id}: an earlier attempt may have arrived; it may arrive twice", err=True)
    for each in told["left"]:
        typer.echo(f"{each['id']}: {each['detail']}", err=True)
    for id in told["unknown"]:
        typer.echo(f"{id}: there is no such message", err=True)


def _wanted(hub: HubCall, deed: str, ids: list[str] | None, every: bool, query: dict[str, str | None]) -> Iterator[str]:
    """The ids that were given, or those that the filters select."""
    filtered = any(value is not None for value in query.values())
    if every == bool(ids) or (filtered and not every):
        raise Failed(
            f"give ids, or --all with filters: arauto messages {deed} msg_…, or "
            f"arauto messages {deed} --all --state held --since 2h",
            2,
        )
    if every:
        if query["state"] is None:
            raise Failed(f"say which with --state: not all messages can be chosen for {deed}", 2)
        for item in hub.pages("v1", "messages", limit=sys.maxsize, **query):
            yield item["id"]
        return
    for id in ids or ():
        if id == "-":
            yield from (line.split()[0] for line in sys.stdin if line.strip())
        else:
            yield id


def _query(
    state: str | None, channel: str | None, recipient: str | None, notification: str | None, since: str | None
) -> dict[str, str | None]:
    from arauto.cli.explain import COLOURS

    if state is not None and state not in COLOURS:
        raise Failed(f"--state: there is no state {state!r}; there are: {', '.join(COLOURS)}", 2)
    return {
        "state": state,
        "channel": channel,
        "recipient": recipient,
        "notification": notification,
        "since": None if since is None else moment(since),
    }


def moment(written: str) -> str:
    """A span before now, or a time, as the API takes it."""
    from arauto.app import now
    from arauto.ingress.payload import parse_time
    from arauto.model import parse_duration

    try:
        span = written[:1].isdigit() and "T" not in written
        at = now() - parse_duration(written) if span else parse_time(written)
    except (ValueError, OverflowError):
        said = f"{written!r} is neither a span, such as 2h or 1d, nor a time, such as 2026-11-24T08:20:00Z"
        raise Failed(said, 2) from None
    return at.isoformat().replace("+00:00", "Z")
