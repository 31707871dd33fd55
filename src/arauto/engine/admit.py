"""admit: from what a source tells to an event of the catalogue, or a refusal that says every fault."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from difflib import get_close_matches

import orjson

from arauto.errors import BadPayload, UnknownEventType
from arauto.model import HOPS, MOST_ATTRIBUTE, MOST_HOPS, Catalogue, Event, hops_told
from arauto.sources import Draft
from arauto.store import NewEvent


def admit(draft: Draft, catalogue: Catalogue, now: datetime, *, tenant: str = "default") -> NewEvent:
    """The event, valid by its type's schema, with the hash by which a repeat is told from a conflict.

    Raises UnknownEventType or BadPayload (``invalid_data``, with every fault by JSON pointer; ``too_many_hops``).
    """
    event_type = catalogue.event_types.get(draft.type)
    if event_type is None:
        near = get_close_matches(draft.type, catalogue.event_types, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(sorted(catalogue.event_types))}"
        raise UnknownEventType("unknown_event_type", f"no event type {_shown(draft.type)!r} in the catalogue{hint}")
    for name, value in (("id", draft.id), ("source", draft.source), ("subject", draft.subject or "")):
        if len(value) > MOST_ATTRIBUTE:
            raise BadPayload(
                "attribute_too_long", f"{name} has {len(value)} characters; at most {MOST_ATTRIBUTE} are allowed"
            )
    if draft.extensions and hops_told(draft.extensions.get(HOPS)) > MOST_HOPS:
        raise BadPayload(
            "too_many_hops",
            f"what this event tells has gone out by webhook and come in again more than {MOST_HOPS} times: it goes "
            "round in a loop; let the webhook lead elsewhere, or give what comes in another event type",
            status=508,
        )
    faults = event_type.validate(draft.data)
    if faults:
        raise BadPayload(
            "invalid_data",
            f"the data do not fit the schema of {draft.type}: {len(faults)} fault{'s' if len(faults) > 1 else ''}",
            status=422,
            errors=faults,
        )
    event = Event(
        tenant=tenant,
        source=draft.source,
        id=draft.id,
        type=draft.type,
        time=(draft.time or now).astimezone(UTC),
        data=draft.data,
        subject=draft.subject,
        extensions=draft.extensions,
    )
    return NewEvent(event, _hash(draft))


def _hash(draft: Draft) -> str:
    """SHA-256 over what the producer said of the event, in one canonical form: the order of keys does not matter, nor
    which way round it came."""
    told = {
        "type": draft.type,
        "time": draft.time,
        "subject": draft.subject,
        "data": draft.data,
        "extensions": {name: value for name, value in draft.extensions.items() if name != HOPS},
    }
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _shown(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
