"""Clearing an event of a person who is erased, and the traces that it left with others."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from arauto.decide.erasure import ERASED_ID, Eraser, blank_copies, texts_of
from arauto.model import JSON
from arauto.store.database import Transaction
from arauto.store.documents import optional, read_json, to_document
from arauto.store.rows import columns_of


def tells_of(eraser: Eraser, document: str, explanation: str | None) -> bool:
    """Whether an event, or what was decided about it, tells of the person."""
    if eraser.may_concern(document):
        event = read_json(document)
        if eraser.concerns(event["data"]) or eraser.concerns({"recipient": event.get("subject")}):
            return True
        if eraser.concerns([event["id"], event.get("extensions", {})]):
            return True
    return explanation is not None and eraser.may_concern(explanation) and eraser.concerns(read_json(explanation))


class Cleared(Struct, frozen=True):
    """What an event was about."""

    changed: bool
    whole: bool
    """It told of nobody else: nothing is left of its data but their shape."""
    needed: bool
    """Somebody else is yet to be told of it."""
    texts: tuple[str, ...]
    """What it said of the person, to be found where others were told of it."""


async def clear_event(transaction: Transaction, eraser: Eraser, event: int) -> Cleared:
    """Take the person out of an event and of its explanation."""
    rows = await transaction.rows("event_to_clear", event=event)
    if not rows:
        return Cleared(False, False, False, ())
    key, state, document, written = rows[0]
    told, explanation = read_json(document), optional(read_json, written)
    data = told["data"]
    ((needed,),) = await transaction.rows("needed_by_others", event=event, pseudonym=eraser.person.pseudonym)
    mine = {eraser.person.id}
    named = _persons(explanation)
    placed = {id for id in eraser.people_in(data) if not id.startswith(ERASED_ID)}
    about = bool(named & mine) or placed == mine or eraser.holds_id(data)
    whole = about and state != "pending" and not needed and not (named | placed) - mine
    cleared = dict(told)
    cleared["data"] = eraser.blanked(data) if whole else eraser.cleared_data(data)
    _clear_head(eraser, cleared, key, whole)
    if explanation is not None:
        explanation = _clear_explanation(eraser, explanation, whole)
    texts = texts_of(data) if whole else eraser.texts_about(data)
    changed = cleared != told or (written is not None and explanation != read_json(written))
    if changed:
        await transaction.rows(
            "clear_event",
            event=event,
            id=cleared["id"],
            document=to_document(cleared),
            explanation=optional(to_document, explanation),
        )
    return Cleared(changed, whole, bool(needed), texts)


def _persons(explanation: JSON) -> set[str]:
    """Whom an event named as persons."""
    return {
        line["recipient"]
        for line in _lines(explanation)
        if line["target"].startswith("person:")
        and line["recipient"] is not None
        and not line["recipient"].startswith(ERASED_ID)
    }


def _lines(explanation: JSON) -> list[dict[str, JSON]]:
    considered = (explanation or {}).get("notifications", ())
    return [line for each in considered for line in each.get("recipients", ())]


def _clear_head(eraser: Eraser, event: dict[str, JSON], key: str, whole: bool) -> None:
    """Its id, subject and extensions. An event whose id changes keeps its key: by that it is known elsewhere."""
    id = eraser.cleared(event["id"])
    if id != event["id"]:
        event["id"] = id
        event.setdefault("kept_key", key)
    if event.get("subject") is not None:
        if whole:
            event["subject"] = None
        else:
            event["subject"] = eraser.cleared({"recipient": event["subject"]})["recipient"]
    if event.get("extensions"):
        event["extensions"] = {} if whole else eraser.cleared(event["extensions"])


def _clear_explanation(eraser: Eraser, explanation: JSON, whole: bool) -> JSON:
    if whole:
        explanation = blank_copies(explanation)
    else:
        for line in _lines(explanation):
            if line["recipient"] == eraser.person.id:
                line.update(blank_copies(line))
    return eraser.cleared(explanation)


async def clear_around(
    transaction: Transaction,
    eraser: Eraser,
    event: int,
    after: int,
    texts: Sequence[str],
    whole: bool,
    *,
    limit: int,
) -> tuple[int, int]:
    """Take what an event said of the person out of the runs, messages and inboxes of others. Returns how many runs
    were looked at, and the last of them."""
    rows = await transaction.rows("runs_around_event", event=event, after=after, limit=limit)
    if not rows:
        return 0, after
    traces = eraser.traces(texts)
    runs: list[tuple[int, str]] = []
    others = [row for row in rows if row[1] != eraser.person.pseudonym]
    for sequence, _, state, document in others:
        if (whole and state == "done") or traces.search(document):
            run = read_json(document)
            log = run.get("log", [])
            cleared = [cleared_entry(eraser, entry, texts, whole=whole and state == "done") for entry in log]
            if cleared != log:
                runs.append((sequence, to_document(run | {"log": cleared})))
    if runs:
        await transaction.many("clear_runs", columns_of(("sequence", "document"), runs))
    sequences = [row[0] for row in others]
    messages: list[tuple[int, str, str | None]] = []
    for sequence, document, late in await transaction.rows(
        "messages_to_clear", runs=sequences, pseudonym=eraser.person.pseudonym
    ):
        if traces.search(document) or (late and traces.search(late)):
            message = read_json(document)
            attempts = _cleared_attempts(eraser, message.get("attempts", []), texts)
            kept = optional(lambda text: to_document(_cleared_attempts(eraser, read_json(text), texts)), late)
            messages.append((sequence, to_document(message | {"attempts": attempts}), kept))
    if messages:
        await transaction.many("clear_messages", columns_of(("sequence", "document", "late"), messages))
    items = [
        (message, to_document(eraser.cleared(read_json(content), texts)))
        for message, content in await transaction.rows("inbox_to_clear", runs=sequences)
        if traces.search(content)
    ]
    if items:
        await transaction.many("clear_inbox_items", columns_of(("message", "content"), items))
    return len(rows), rows[-1][0]


def cleared_entry(eraser: Eraser, entry: dict[str, JSON], texts: Sequence[str], *, whole: bool) -> JSON:
    """A line of a run's log without what tells of the person; ``whole``: without all that it copied from events."""
    values = entry["reason"].get("values", {})
    cleared = eraser.cleared(blank_copies(values) if whole else values, texts)
    return entry | {"reason": entry["reason"] | {"values": cleared}} if cleared != values else entry


def _cleared_attempts(eraser: Eraser, attempts: Sequence[dict[str, JSON]], texts: Sequence[str]) -> JSON:
    said = ("request", "reason", "answer")
    return [
        {key: eraser.cleared(value, texts) if key in said else value for key, value in attempt.items()}
        for attempt in attempts
    ]
