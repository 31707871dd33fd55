"""plan: event × catalogue × recipients → runs, each with reasons; and why the others were not chosen.

In two pure steps, because recipients are fetched between them, once per batch: ``match`` says which notifications
an event concerns and whom they name; ``plan`` makes the runs and the explanation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache

import msgspec
from msgspec import Struct

from arauto.decide.calendar import is_zone
from arauto.decide.erasure import ERASED_ID
from arauto.decide.fanouts import AT_ONCE, fanned_out
from arauto.decide.groups import members, recipient_told
from arauto.errors import LanguageError
from arauto.model import (
    JSON,
    Catalogue,
    Context,
    Event,
    Expression,
    Fanout,
    Group,
    GroupTarget,
    Notification,
    PersonTarget,
    Reason,
    Recipient,
    Run,
    SystemTarget,
    Target,
    derive_id,
)

LONGEST_ID = 200
"""Characters in a recipient's id; an event that names a longer one, or one with a NUL in it, names nobody."""

CheckAddress = Callable[[str, JSON], JSON]
"""(channel, address) → its canonical form; raises ValueError."""


class Named(Struct, frozen=True):
    """Somebody that a target names, or why it names nobody."""

    target: str
    recipient: str | None
    reason: Reason
    upsert: dict[str, JSON] | None = None
    fans_out: str | None = None
    """A group whose members are asked and told page by page, afterwards."""


class Considered(Struct, frozen=True):
    """A notification that listens to the event's type: whether it matched, and whom it names."""

    notification: Notification
    matched: bool
    reason: Reason
    named: tuple[Named, ...] = ()


class Plan(Struct, frozen=True):
    """What follows from one event."""

    explanation: dict[str, JSON]
    runs: tuple[Run, ...]
    upserts: tuple[Recipient, ...]
    fanouts: tuple[Fanout, ...]
    failures: int
    """How many expressions failed."""


def event_context(event: Event, catalogue: Catalogue) -> dict[str, JSON]:
    """What expressions see before a recipient is known."""
    told = {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": event.time.isoformat(),
        "subject": event.subject,
        "data": event.data,
    }
    project = catalogue.project
    return {
        "event": told,
        "events": [told],
        "project": {
            "name": project.name,
            "public_url": project.public_url,
            "time_zone": project.time_zone,
            "brand": msgspec.to_builtins(project.brand),
            "holidays": _holidays(project.holidays),
        },
    }


@lru_cache(maxsize=8)
def _holidays(days: frozenset[date]) -> list[str]:
    return sorted(day.isoformat() for day in days)


def run_context(
    run: Run, recipient: Recipient, catalogue: Catalogue, *, known: Context | None = None
) -> dict[str, JSON]:
    """What expressions and texts see in a run; ``known`` is the context of its only event where it is at hand.

    ``events`` are all that it holds, without those that were taken back; ``event`` is the first of them.
    """
    if known is None or len(run.events) > 1:
        contexts = [event_context(event, catalogue) for event in run.live or run.events]
        known = contexts[0]
        if len(contexts) > 1:
            known = contexts[0] | {"events": [context["event"] for context in contexts]}
    return {
        **known,
        "recipient": recipient_told(recipient, catalogue.project),
    }


def correction_context(run: Run, by: Event, recipient: Recipient, catalogue: Catalogue) -> dict[str, JSON]:
    """What a correction sees: ``event`` is what took things back, ``events`` are those that were taken back."""
    about = {signal.about for signal in run.signals if signal.event is not None and signal.event.key == by.key}
    gone = [event for event in run.events if event.key in run.retracted and event.key in about]
    return {
        **event_context(by, catalogue),
        "events": [event_context(event, catalogue)["event"] for event in gone],
        "recipient": recipient_told(recipient, catalogue.project),
    }


def match(event: Event, context: Context, catalogue: Catalogue, now: datetime) -> tuple[Considered, ...]:
    """Each notification that listens to this type of event, with whom it names or why it did not match."""
    return tuple(
        _consider(notification, context, catalogue, now) for notification in catalogue.by_event_type.get(event.type, ())
    )


def _consider(notification: Notification, context: Context, catalogue: Catalogue, now: datetime) -> Considered:
    refused = _refusal(notification.when, context)
    if refused is not None:
        return Considered(notification, False, refused)
    return Considered(notification, True, Reason("matched"), named_by(notification.to, context, catalogue, now))


def _refusal(condition: Expression | None, context: Context) -> Reason | None:
    if condition is None:
        return None
    try:
        return None if condition.evaluate(context) else condition.first_failure(context)
    except LanguageError as error:
        return _failed(condition.source, error)


def _failed(source: str, error: LanguageError) -> Reason:
    return Reason("expression_failed", {"expression": source, "error": error.message})


def _label(target: Target) -> str:
    match target:
        case PersonTarget():
            return f"person: {target.person.source}"
        case GroupTarget():
            return f"group: {target.group}"
        case SystemTarget():
            return f"system: {target.system}"


def named_by(targets: Sequence[Target], context: Context, catalogue: Catalogue, now: datetime) -> tuple[Named, ...]:
    """Whom these targets name, or why nobody. Of the members of lists, AT_ONCE are named in all."""
    named: list[Named] = []
    left = AT_ONCE
    for target in targets:
        label = _label(target)
        refused = _refusal(target.when, context)
        if refused is not None:
            named.append(Named(label, None, refused))
            continue
        match target:
            case PersonTarget():
                named.append(_name_person(target, label, context))
            case GroupTarget():
                found = _name_group(label, catalogue.groups[target.group], now, left)
                left -= len(found)
                named.extend(found)
            case SystemTarget():
                named.append(Named(label, target.system, Reason("named", {"system": target.system})))
    return tuple(named)


def _name_group(label: str, group: Group, now: datetime, at_most: int) -> list[Named]:
    if group.query is not None or len(group.members) > at_most:
        return [Named(label, None, Reason("fans_out", {"group": group.name}), fans_out=group.name)]
    found = members(group, now)
    if group.rota is None:
        reason = Reason("in_group", {"group": group.name})
    elif found:
        reason = Reason("on_call", {"group": group.name})
    else:
        return [Named(label, None, Reason("nobody_on_call", {"group": group.name}))]
    return [Named(label, member, reason) for member in found]


def _name_person(target: PersonTarget, label: str, context: Context) -> Named:
    failing = target.person
    try:
        person = target.person.evaluate(context)
        values: dict[str, JSON] | None = None
        if target.upsert is not None:
            values = {}
            for key, failing in target.upsert.items():
                values[key] = failing.evaluate(context)
    except LanguageError as error:
        return Named(label, None, _failed(failing.source, error))
    if isinstance(person, int) and not isinstance(person, bool):
        person = str(person)
    if not isinstance(person, str) or not 0 < len(person) <= LONGEST_ID or "\0" in person:
        return Named(label, None, Reason("no_person", {"expression": target.person.source, "value": person}))
    if person.startswith(ERASED_ID):
        return Named(label, None, Reason("person_erased"))
    return Named(label, person, Reason("named_by_event", {"expression": target.person.source}), values)


def plan(
    event: Event,
    considered: Sequence[Considered],
    recipients: Mapping[str, Recipient],
    catalogue: Catalogue,
    *,
    check_address: CheckAddress,
    now: datetime,
) -> Plan:
    """One run for each recipient of each matching notification, and the document that explains it all. Groups that are
    queries or large lists are left to fan-outs.

    ``recipients`` are those of the store that ``considered`` names; those of the catalogue come before them.
    """
    known = dict(recipients)
    upserts: dict[str, Recipient] = {}
    runs: list[Run] = []
    fanouts: dict[str, Fanout] = {}
    told: list[dict[str, JSON]] = []
    for each in considered:
        name = each.notification.name
        begins = Run(
            key="",
            notification=name,
            recipient="",
            events=(event,),
            entered_at=now,
            tenant=event.tenant,
            catalogue=catalogue.version,
        )
        chosen: set[str] = set()
        lines: list[dict[str, JSON]] = []
        for named in each.named:
            reason = named.reason
            notes: list[Reason] = []
            recipient: Recipient | None = None
            if named.recipient is not None:
                recipient = catalogue.recipients.get(named.recipient) or known.get(named.recipient)
                if named.upsert is not None and named.recipient not in catalogue.recipients:
                    fresh, notes = _upsert(recipient, named.recipient, named.upsert, catalogue, check_address)
                    if fresh != recipient:
                        recipient = known[fresh.id] = upserts[fresh.id] = fresh
                if recipient is None:
                    reason = Reason("unknown_recipient", {"recipient": named.recipient})
                elif recipient.id in chosen:
                    reason, recipient = Reason("already_chosen", {"recipient": recipient.id}), None
            line: dict[str, JSON] = {"target": named.target, "recipient": named.recipient, "reason": reason}
            if notes:
                line["notes"] = notes
            if named.fans_out is not None:
                fanout = fanned_out(named.fans_out, begins, (event.key, name))
                fanouts[fanout.key] = fanout
                line["fanout"] = fanout.key
            if recipient is not None:
                chosen.add(recipient.id)
                key = derive_id("run", event.key, name, recipient.id)
                run = msgspec.structs.replace(begins, key=key, recipient=recipient.id)
                runs.append(run)
                line["run"] = run.key
            lines.append(line)
        told.append(
            {
                "notification": name,
                "matched": each.matched,
                "reason": each.reason,
                "recipients": lines,
            }
        )
    explanation: dict[str, JSON] = {"catalogue": catalogue.version, "planned_at": now, "notifications": told}
    return Plan(explanation, tuple(runs), tuple(upserts.values()), tuple(fanouts.values()), _failures(told))


def _failures(told: Sequence[dict[str, JSON]]) -> int:
    reasons = [each["reason"] for each in told]
    reasons.extend(line["reason"] for each in told for line in each["recipients"])
    return sum(reason.code == "expression_failed" for reason in reasons)


_PLAIN = ("name", "locale", "time_zone")


def _upsert(
    existing: Recipient | None, id: str, values: Mapping[str, JSON], catalogue: Catalogue, check_address: CheckAddress
) -> tuple[Recipient, list[Reason]]:
    """The recipient with these values; null means that the event does not know, and changes nothing. What is not
    allowed is left out, and a note says so."""
    recipient = existing or Recipient(id=id)
    addresses = dict(recipient.addresses)
    plain: dict[str, JSON] = {}
    notes: list[Reason] = []
    attributes = recipient.attributes
    for key, value in values.items():
        if value is None:
            continue
        if key == "attributes":
            faults = catalogue.attributes(value) if catalogue.attributes is not None else ()
            notes.extend(
                Reason("bad_attribute", {"place": each["pointer"], "error": each["detail"]}) for each in faults
            )
            attributes = attributes if faults else {**attributes, **value}
        elif key == "time_zone" and not is_zone(value):
            notes.append(Reason("bad_time_zone", {"value": str(value)[:40]}))
        elif key in _PLAIN:
            plain[key] = str(value)
        else:
            try:
                addresses[key] = [check_address(key, value)]
            except ValueError as error:
                notes.append(Reason("bad_address", {"channel": key, "error": str(error)}))
    fresh = msgspec.structs.replace(recipient, addresses=addresses, attributes=attributes, **plain)
    return fresh, notes
