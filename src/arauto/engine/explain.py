"""explain: why something was sent, or was not; read from what each stage wrote, never guessed again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from msgspec import to_builtins

from arauto.decide.receipts import ShownState, shown
from arauto.engine.audience import counts_of, lines_about, lines_of
from arauto.engine.stages import LEASE
from arauto.engine.words import say, say_reason
from arauto.model import JSON, Catalogue, Message, Recipient
from arauto.store import StoredEvent, StoredFanout, StoredMessage, StoredRun, Story, StoryCounts

MEMBERS_SHOWN = 20
"""So many members of groups that are told page by page are shown one by one."""


def explain_event(story: Story, *, now: datetime, language: str = "en", show: int = MEMBERS_SHOWN) -> dict[str, JSON]:
    """One event, as a document: each notification considered and why it did or did not match, each recipient and
    why, each run with its log, each message with its attempts, and what happens next. Every reason has a ``text``.

    Of the members of groups that are told page by page the first ``show`` are told, and ``counts`` of all.
    """
    explanation = story.event.explanation or {}
    told = [lines_of(considered, story, show=show) for considered in explanation.get("notifications", ())]
    document = _document(story, [lines for lines, _ in told], now, language)
    if story.counts is not None or any(hidden for _, hidden in told):
        document["counts"] = _counts(counts_of(story), language)
    return document


def explain_recipient(
    story: Story,
    id: str,
    recipient: Recipient | None,
    catalogue: Catalogue | None,
    *,
    now: datetime,
    language: str = "en",
) -> dict[str, JSON]:
    """Why this recipient (None: there is none of this id) heard of an event, or did not: a document as that of
    ``explain_event``, with nothing about others. ``story`` is that of the event and this recipient. What the groups say
    of them now, and did not say then, is said to be so."""
    explanation = story.event.explanation or {}
    lines = [
        lines_about(considered, story, id, recipient, catalogue) for considered in explanation.get("notifications", ())
    ]
    return {**_document(story, lines, now, language), "recipient": id}


def _document(
    story: Story, lines: Sequence[Sequence[dict[str, JSON]]], now: datetime, language: str
) -> dict[str, JSON]:
    runs = {stored.run.key: stored for stored in story.runs}
    messages: defaultdict[str, list[StoredMessage]] = defaultdict(list)
    for stored in story.messages:
        messages[stored.message.run].append(stored)
    fanouts = {stored.fanout.key: _fanout(stored, language) for stored in story.fanouts}
    explanation = story.event.explanation or {}
    told: dict[str, JSON] = {
        "event": explain_event_head(story.event, language=language),
        "catalogue": explanation.get("catalogue"),
        "planned_at": explanation.get("planned_at"),
        "notifications": [
            {
                "notification": considered["notification"],
                "matched": considered["matched"],
                "reason": _reason(considered["reason"], language),
                "recipients": [_recipient(line, runs, messages, fanouts, now, language) for line in its_lines],
            }
            for considered, its_lines in zip(explanation.get("notifications", ()), lines, strict=True)
        ],
    }
    if "signals" in explanation:
        told["signals"] = [{**each, "reason": _reason(each["reason"], language)} for each in explanation["signals"]]
    if "quarantined" in explanation:
        told["quarantined"] = _reason(explanation["quarantined"], language)
    return told


def _fanout(stored: StoredFanout, language: str) -> dict[str, JSON]:
    fanout = stored.fanout
    counts = {"asked": fanout.asked, "chosen": fanout.chosen, "failed": fanout.failed}
    text = say(f"fanout.{stored.state}", counts, language=language)
    ended = None if fanout.ended is None else _reason(to_builtins(fanout.ended), language)
    return {
        "group": fanout.group,
        "state": stored.state,
        **counts,
        "failures": [{"error": error, "count": count} for error, count in fanout.failures.items()],
        "ended": ended,
        "text": text if ended is None else f"{ended['text']}: {text}",
    }


def _counts(counts: StoryCounts, language: str) -> dict[str, JSON]:
    lines = [("run", say("heading.runs", language=language), counts.runs)]
    lines.extend(("state", channel, states) for channel, states in counts.messages.items())
    return {
        "runs": counts.runs,
        "messages": counts.messages,
        "text": [
            f"{name}: "
            + ", ".join(f"{number} {say(f'{kind}.{state}', language=language)}" for state, number in states.items())
            for kind, name, states in lines
        ],
    }


def explain_event_head(stored: StoredEvent, *, language: str = "en") -> dict[str, JSON]:
    """What an event is and in which state."""
    event = stored.event
    return {
        "key": event.key,
        "source": event.source,
        "id": event.id,
        "type": event.type,
        "subject": event.subject,
        "time": _time(event.time),
        "received_at": _time(stored.received_at),
        "state": stored.state,
        "state_text": say(f"state.{stored.state}", language=language),
    }


def shown_state(stored: StoredMessage, now: datetime) -> ShownState:
    """The one state of a message that people see."""
    return shown(stored.state, stored.receipt, stored.due_at, now)


def explain_message(stored: StoredMessage, *, now: datetime, language: str = "en") -> dict[str, JSON]:
    """One message: where it goes, each attempt with the provider's answer, each receipt, what people did about it, and
    what happens next."""
    message = stored.message
    state = shown_state(stored, now)
    return {
        "id": message.id,
        "event": message.event,
        "notification": message.notification,
        "recipient": message.recipient,
        "channel": message.channel,
        "kind": "correction" if message.correction else "gathered" if message.gathered else "text",
        "address": show_address(message.address),
        "state": state,
        "state_text": say(f"state.{state}", language=language),
        "created_at": _time(message.created_at),
        "expires_at": _time(message.expires_at),
        "due_at": _time(stored.due_at),
        "attempts": _attempts(message, language),
        "receipts": _receipts(stored, language),
        "interventions": _interventions(message, language),
        "next": _next(stored, language),
    }


def show_address(address: JSON) -> str:
    """An address as people may see it: of a URL only what is no secret, of a push subscription only its service."""
    if isinstance(address, dict):
        return str(urlsplit(str(address.get("endpoint", ""))).hostname)
    text = str(address)
    if "://" in text:
        parts = urlsplit(text)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{host}{port}{parts.path}"
    return text


def _recipient(
    line: dict[str, JSON],
    runs: dict[str, StoredRun],
    messages: dict[str, list[StoredMessage]],
    fanouts: dict[str, dict[str, JSON]],
    now: datetime,
    language: str,
) -> dict[str, JSON]:
    told: dict[str, JSON] = {
        "target": line["target"],
        "recipient": line["recipient"],
        "reason": _reason(line["reason"], language),
        "chosen": "run" in line,
    }
    if line.get("asked_now"):
        told["asked_now"] = True
        told["reason"]["text"] = say("asked_now", {"reason": told["reason"]["text"]}, language=language)
    if line.get("fanout") in fanouts:
        told["fanout"] = fanouts[line["fanout"]]
    if "notes" in line:
        told["notes"] = [_reason(note, language) for note in line["notes"]]
    stored = runs.get(line.get("run", ""))
    if stored is not None:
        told.update(_run(stored, runs, messages, now, language))
    return told


def _run(
    stored: StoredRun,
    runs: dict[str, StoredRun],
    messages: dict[str, list[StoredMessage]],
    now: datetime,
    language: str,
) -> dict[str, JSON]:
    """A run with its messages; the run that it joined, and those that it began for others, are told with it."""
    run = stored.run
    told: dict[str, JSON] = {
        "run": {
            "key": run.key,
            "state": stored.state,
            "version": run.catalogue,
            "log": [
                {
                    "at": _time(entry.at),
                    "step": entry.step + 1,
                    "decision": entry.decision,
                    "reason": {
                        "code": entry.reason.code,
                        "values": entry.reason.values,
                        "text": say_reason(entry.reason, language=language, decision=entry.decision),
                    },
                }
                for entry in run.log
            ],
        },
        "messages": [explain_message(each, now=now, language=language) for each in messages.get(run.key, ())],
    }
    if stored.due_at is not None:
        told["run"]["next"] = say("next.run", {"at": _time(stored.due_at)}, language=language)
    host = next((runs.get(entry.reason.values["run"]) for entry in run.log if entry.decision == "merge"), None)
    if host is not None:
        told["joined"] = _run(host, runs, messages, now, language)
    begun = [other for other in runs.values() if other.run.parent == run.key]
    if begun:
        told["notified"] = [
            {"recipient": other.run.recipient, **_run(other, runs, messages, now, language)} for other in begun
        ]
    return told


def _attempts(message: Message, language: str) -> Sequence[dict[str, JSON]]:
    return [
        {
            "number": attempt.number,
            "provider": attempt.provider,
            "request": attempt.request,
            "started_at": _time(attempt.started_at),
            "ended_at": _time(attempt.ended_at),
            "outcome": attempt.outcome,
            "outcome_text": say(f"outcome.{attempt.outcome}", language=language),
            "reason": attempt.reason,
            "answer": attempt.answer,
            "reference": attempt.reference,
            "next_at": _time(attempt.next_at),
            "late": attempt.late,
        }
        for attempt in message.attempts
    ]


def _receipts(stored: StoredMessage, language: str) -> Sequence[dict[str, JSON]]:
    return [
        {
            "kind": receipt.kind,
            "text": say(f"state.{receipt.kind}", language=language),
            "at": _time(receipt.at),
            "permanent": receipt.permanent,
            "detail": receipt.detail,
        }
        for receipt in stored.receipts
    ]


def _interventions(message: Message, language: str) -> Sequence[dict[str, JSON]]:
    return [
        {
            "did": each.did,
            "text": say(f"did.{each.did}", {"by": each.by}, language=language),
            "by": each.by,
            "at": _time(each.at),
        }
        for each in message.interventions
    ]


def _next(stored: StoredMessage, language: str) -> str:
    match stored.state:
        case "queued":
            return say("next.attempt", {"at": _time(stored.due_at)}, language=language)
        case "unknown":
            return say("next.person", {"id": stored.message.id}, language=language)
        case "held":
            return say("next.held", {"id": stored.message.id}, language=language)
        case "sending":
            at = (stored.claimed_at or stored.message.created_at) + LEASE
            return say("next.lease", {"at": _time(at)}, language=language)
    return say("next.nothing", language=language)


def _reason(reason: dict[str, JSON], language: str) -> dict[str, JSON]:
    return {
        "code": reason["code"],
        "values": reason.get("values", {}),
        "text": say_reason(reason, language=language),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
