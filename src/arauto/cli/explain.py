"""explain: why something was sent, or was not, in words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    console,
    print_json,
    read_session,
)
from arauto.cli.language import LangOption, chosen_language

if TYPE_CHECKING:
    from rich.tree import Tree

COLOURS = {
    "queued": "cyan",
    "waiting": "cyan",
    "sending": "cyan",
    "sent": "green",
    "delivered": "green",
    "opened": "green",
    "read": "green",
    "clicked": "green",
    "acknowledged": "green",
    "bounced": "red",
    "complained": "red",
    "failed": "red",
    "expired": "red",
    "held": "yellow",
    "unknown": "yellow",
    "cancelled": "dim",
}
"""How a message's state is shown."""


def explain(
    what: Annotated[
        str,
        typer.Argument(
            metavar="EVENT|MESSAGE|RECIPIENT", help="An event's id or key, a message's id, or a recipient's id."
        ),
    ],
    source: Annotated[str | None, typer.Option(help="The event's source, where several gave the same id.")] = None,
    lang: LangOption = None,
    recipient: Annotated[
        str | None, typer.Option(help="Of an event: why this recipient heard of it, or did not.", metavar="ID")
    ] = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit",
            "-n",
            help="For a recipient: how many messages; for an event: how many members of large groups.",
            min=1,
        ),
    ] = 10,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why something was sent, or was not: of an event, a message or a recipient.

    Asks the hub that runs on the project; where none runs, looks into the project's own database.

    Examples:

      arauto explain order-1042
      arauto explain evt_… --lang pt-BR
      arauto explain order-1042 --recipient cliente-77
      arauto explain msg_… --json
      arauto explain cliente-77
    """

    language = chosen_language(lang)
    file = project / STATE_FOLDER / DATABASE_FILE
    if url is None and read_session(project) is None and file.is_file():
        kind, document = asyncio.run(_find_in_file(project, what, source, recipient, language, limit))
    else:
        kind, document = _find(connect(project, url, key), what, source, recipient, language, limit)
    if recipient is not None and kind != "event":
        raise Failed(f"--recipient asks about an event, and {what!r} is none; leave it out", 2)
    if as_json:
        print_json(document)
        return
    draw = {"event": draw_event, "message": draw_message, "recipient": draw_recipient}[kind]
    console().print(draw(document, language))


def _find(
    hub: HubCall, what: str, source: str | None, recipient: str | None, language: str, limit: int
) -> tuple[str, Any]:
    if what.startswith("msg_"):
        return "message", hub.get("v1", "messages", what, lang=language)
    try:
        return "event", hub.get(
            "v1",
            "events",
            what,
            "explanation",
            source=source,
            recipient=recipient,
            show=min(limit, 200),
            lang=language,
        )
    except Failed as error:
        if error.exit_code != 4:
            raise
    messages = list(hub.pages("v1", "messages", limit=limit, recipient=what, lang=language))
    try:
        known = hub.get("v1", "recipients", what)
    except Failed as error:
        if error.exit_code != 4:
            raise
        if not messages:
            raise Failed(f"there is no event, message or recipient {what!r}", 4) from None
        known = {"id": what}
    return "recipient", {"recipient": known, "messages": messages}


async def _find_in_file(
    project: Path, what: str, source: str | None, recipient: str | None, language: str, limit: int
) -> tuple[str, dict[str, Any]]:
    """The same from the database of a hub that does not run now."""
    from msgspec import to_builtins

    from arauto.app import now as clock
    from arauto.engine.explain import explain_event, explain_message, explain_recipient
    from arauto.store.opening import open_store

    now = clock()
    store = await open_store(str(project / STATE_FOLDER / DATABASE_FILE))
    try:
        if what.startswith("msg_"):
            message = await store.message(what)
            if message is None:
                raise Failed(f"there is no message {what!r}", 4)
            return "message", explain_message(message, now=now, language=language)
        events = [each for each in await store.find_events("default", what) if source in (None, each.event.source)]
        if len(events) > 1:
            names = ", ".join(each.event.source for each in events)
            raise Failed(f"several sources gave this id: {names}; add --source", 2)
        if events:
            story = await store.story(events[0].event.key, recipient=recipient)
            assert story is not None
            if recipient is None:
                return "event", explain_event(story, now=now, language=language, show=limit)
            catalogue = compile_or_exit(project)
            there = {**await store.recipients("default", [recipient]), **catalogue.recipients}
            person = there.get(recipient)
            return "event", explain_recipient(story, recipient, person, catalogue, now=now, language=language)
        known = (await store.recipients("default", [what])).get(what)
        page = await store.list_messages("default", after=None, limit=limit, recipient=what)
        if known is None and not page.items:
            raise Failed(f"there is no event, message or recipient {what!r}", 4)
        messages = [explain_message(each, now=now, language=language) for each in page.items]
        return "recipient", {"recipient": {"id": what} if known is None else to_builtins(known), "messages": messages}
    finally:
        await store.close()


def draw_event(document: dict[str, Any], language: str) -> Tree:
    """The explanation of an event as a tree."""
    from rich.markup import escape
    from rich.tree import Tree

    from arauto.engine.words import say

    def words(code: str, **values: Any) -> str:
        return escape(say(code, values, language=language))

    event = document["event"]
    head = (
        f"[bold]{words('heading.event')} {escape(event['type'])}[/]  {escape(event['id'])}  "
        f"[dim]{escape(event['source'])} · {words('heading.received')} {event['received_at']} · {event['key']}[/]"
    )
    tree = Tree(head)
    if event["state"] == "pending":
        tree.add(words("heading.not_planned"))
    if document.get("quarantined"):
        tree.add(f"[red]{escape(document['quarantined']['text'])}[/]")
    elif event["state"] == "planned" and not document["notifications"] and not document.get("signals"):
        tree.add(words("heading.nobody_listens", type=event["type"]))
    for considered in document["notifications"]:
        if not considered["matched"]:
            colour = "red" if considered["reason"]["code"] == "expression_failed" else "dim"
            tree.add(
                f"[{colour}]○ {escape(considered['notification'])}: {words('heading.not_matched')} — "
                f"{escape(considered['reason']['text'])}[/]"
            )
            continue
        branch = tree.add(f"[bold]● {escape(considered['notification'])}[/]")
        for line in considered["recipients"]:
            _draw_line(branch, line, words, escape, serving=document.get("serving"))
    for signal in document.get("signals") or ():
        place = f"{escape(signal['notification'])} ({escape(signal['place'])})"
        tree.add(f"[dim]◦ {words('heading.listens')} {place}: {escape(signal['reason']['text'])}[/]")
    if document.get("counts"):
        for text in document["counts"]["text"]:
            tree.add(escape(text))
        tree.add(f"[dim]{words('heading.more')}[/]")
    return tree


def _draw_line(branch: Tree, line: dict[str, Any], words: Any, escape: Any, *, serving: str | None) -> None:
    who = escape(line["recipient"] or line["target"])
    reason = escape(line["reason"]["text"])
    if "fanout" in line:
        leaf = branch.add(f"{escape(line['target'])}  [dim]{reason}[/]")
        leaf.add(f"[{'cyan' if line['fanout']['state'] == 'running' else 'dim'}]{escape(line['fanout']['text'])}[/]")
        for failure in line["fanout"]["failures"]:
            leaf.add(f"[red]{failure['count']} × {escape(failure['error'])}[/]")
        return
    if not line["chosen"]:
        colour = "red" if line["reason"]["code"] == "expression_failed" else "dim"
        branch.add(f"[{colour}]{who}: {words('heading.left_out')} — {reason}[/]")
        return
    leaf = branch.add(f"{who}  [dim]{reason}[/]")
    for note in line.get("notes", ()):
        leaf.add(f"[yellow]{escape(note['text'])}[/]")
    version = (line.get("run") or {}).get("version")
    if serving and version and version != serving:
        leaf.add(f"[dim]{words('heading.version', version=version, serving=serving)}[/]")
    _draw_run(leaf, line, words, escape)


def _draw_run(leaf: Tree, told: dict[str, Any], words: Any, escape: Any) -> None:
    run = told.get("run") or {"log": ()}
    for entry in run["log"]:
        leaf.add(f"[dim]{entry['at'][11:23]}[/]  {entry['step']}. {escape(entry['reason']['text'])}")
    if "next" in run:
        leaf.add(f"[cyan]{escape(run['next'])}[/]")
    for message in told.get("messages", ()):
        _draw_message(leaf, message, words, escape)
    if "joined" in told:
        _draw_run(leaf.add(words("heading.joined")), told["joined"], words, escape)
    for other in told.get("notified", ()):
        _draw_run(leaf.add(f"{words('heading.notified')}: {escape(other['recipient'])}"), other, words, escape)


def _draw_message(branch: Tree, message: dict[str, Any], words: Any, escape: Any) -> Tree:
    colour = COLOURS[message["state"]]
    kind = "" if message["kind"] == "text" else f" ({words('heading.' + message['kind'])})"
    leaf = branch.add(
        f"[{colour}]{escape(message['channel'])} → {escape(message['address'])}: "
        f"{escape(message['state_text'])}{kind}[/]  [dim]{message['id']}[/]"
    )
    for attempt in message["attempts"]:
        took = f"{attempt['started_at'][11:23]}–{(attempt['ended_at'] or '')[11:23]}"
        request = f"  {escape(attempt['request'])}" if attempt["request"] else ""
        reason, answer = attempt["reason"] or "", attempt["answer"] or ""
        said = " · ".join(escape(text) for text in (reason, answer if answer not in reason else "") if text)
        late = f"  ({words('heading.late')})" if attempt["late"] else ""
        leaf.add(
            f"[dim]{took}[/]  {words('heading.attempt')} {attempt['number']}  {escape(attempt['provider'])}"
            f"{request}  → {escape(attempt['outcome_text'])}{f': {said}' if said else ''}{late}"
        )
    for receipt in message["receipts"]:
        more = [words("heading.permanent")] if receipt["permanent"] else []
        more += [escape(receipt["detail"])] if receipt["detail"] else []
        why = f" ({', '.join(more)})" if more else ""
        at = receipt["at"][:19].replace("T", " ")
        leaf.add(f"[dim]{at}[/]  {words('heading.receipt')}: {escape(receipt['text'])}{why}")
    for each in message["interventions"]:
        leaf.add(f"[dim]{each['at'][:19].replace('T', ' ')}[/]  {escape(each['text'])}")
    if message["state"] in ("queued", "waiting", "sending", "held", "unknown"):
        leaf.add(f"[{colour}]{escape(message['next'])}[/]")
    return leaf


def draw_message(document: dict[str, Any], language: str) -> Tree:
    """One message as a tree."""
    from rich.markup import escape
    from rich.tree import Tree

    from arauto.engine.words import say

    tree = Tree(
        f"[bold]{escape(document['notification'])}[/] → {escape(document['recipient'])}  [dim]{document['event']}[/]"
    )
    _draw_message(tree, document, lambda code, **values: escape(say(code, values, language=language)), escape)
    return tree


def draw_recipient(document: dict[str, Any], language: str) -> Tree:
    """A recipient and their newest messages as a tree."""
    from rich.markup import escape
    from rich.tree import Tree

    from arauto.engine.words import say

    def words(code: str, **values: Any) -> str:
        return escape(say(code, values, language=language))

    recipient = document["recipient"]
    tree = Tree(
        f"[bold]{words('heading.recipient')} {escape(recipient['id'])}[/]  {escape(recipient.get('name') or '')}"
    )
    for channel, addresses in sorted((recipient.get("addresses") or {}).items()):
        from arauto.engine.explain import show_address

        tree.add(f"{escape(channel)}: {escape(', '.join(show_address(each) for each in addresses))}")
    if not document["messages"]:
        tree.add(words("heading.no_messages"))
        return tree
    branch = tree.add(words("heading.messages"))
    for message in document["messages"]:
        leaf = branch.add(
            f"[dim]{message['created_at'][:19]}[/]  {escape(message['notification'])}  [dim]{message['event']}[/]"
        )
        _draw_message(leaf, message, words, escape)
    return tree
