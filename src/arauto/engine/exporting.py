"""exporting: everything that is held of a person, as one JSON document, written piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

import msgspec

from arauto.decide.erasure import Eraser
from arauto.decide.groups import anyone, matches
from arauto.engine.erasing import Grounds, known_to
from arauto.errors import LanguageError
from arauto.model import JSON, Recipient
from arauto.store import Erasure, HeldEvent, Page
from arauto.store.clearing import tells_of

PIECE = 200
"""Rows that are read at once."""

NOTES = (
    "runs, messages and events are all that there are, oldest first; an event's payload may tell of others, too",
    "mentions are further events, in which the person's id or an address of theirs stands",
    "decided holds of what was decided about an event the lines that concern this person",
    "releases are earlier versions of the project's files, or what was planned for them, in which the id stands",
)


async def export(grounds: Grounds, tenant: str, id: str, now: datetime) -> AsyncIterator[bytes]:
    """The document, in UTF-8. Whoever asks has made sure that something is held (``holds``)."""
    recipient = await known_to(grounds, tenant, id)
    head = await _head(grounds, tenant, id, recipient, now)
    yield msgspec.json.encode(head)[:-1]
    store = grounds.store
    sequences: set[int] = set()
    eraser = grounds.eraser(tenant, id, recipient)

    def runs(run: dict[str, JSON]) -> JSON:
        sequences.update(run.pop("event_sequences"))
        return run

    def same(item: JSON) -> JSON:
        return item

    for name, verb, shown in (
        ("runs", store.held_runs, runs),
        ("messages", store.held_messages, same),
        ("inbox", store.held_inbox, same),
    ):
        yield f',"{name}":['.encode()
        first = True
        async for page in _pages(verb, tenant, id):
            if page.items:
                yield (b"" if first else b",") + _joined(shown(item) for item in page.items)
                first = False
        yield b"]"
    for name, found in (
        ("events", _told(grounds, sequences)),
        ("mentions", _mentions(grounds, tenant, eraser, sequences)),
    ):
        yield f',"{name}":['.encode()
        first = True
        async for held in found:
            if held:
                yield (b"" if first else b",") + _joined(_event(each, id) for each in held)
                first = False
        yield b"]"
    yield b"}\n"


async def holds(grounds: Grounds, tenant: str, id: str) -> bool:
    """Whether anything is held of whoever has this id, if only an event in which it stands."""
    recipient = await known_to(grounds, tenant, id)
    if recipient is not None or await grounds.store.wishes(tenant, [id]) or await grounds.store.consents(tenant, id):
        return True
    if (await grounds.store.held_runs(tenant, id, after=None, limit=1)).items:
        return True
    if await grounds.store.releases_naming(id):
        return True
    async for _ in _mentions(grounds, tenant, grounds.eraser(tenant, id, recipient), set()):
        return True
    return False


async def survey(grounds: Grounds, tenant: str, id: str) -> dict[str, int]:
    """How much an erasure would change, by the words that it counts with."""
    recipient = await known_to(grounds, tenant, id)
    store = grounds.store
    counts = {
        "recipients": len(await store.recipients(tenant, [id])),
        "wishes": len(await store.wishes(tenant, [id])),
        "consents": len(await store.consents(tenant, id)),
        "releases": len(await store.releases_naming(id)),
    }
    sequences: set[int] = set()
    for name, verb in (("runs", store.held_runs), ("messages", store.held_messages), ("inbox", store.held_inbox)):
        counts[name] = 0
        async for page in _pages(verb, tenant, id):
            counts[name] += len(page.items)
            for item in page.items:
                sequences.update(item.get("event_sequences", ()))
    eraser = grounds.eraser(tenant, id, recipient)
    async for held in _mentions(grounds, tenant, eraser, set(sequences)):
        sequences.update(each.sequence for each in held)
    counts["events"] = len(sequences)
    return counts


async def _pages(verb: Callable[..., Awaitable[Page]], tenant: str, id: str) -> AsyncIterator[Page]:
    after: str | None = None
    while True:
        page = await verb(tenant, id, after=after, limit=PIECE)
        yield page
        after = page.next
        if after is None:
            return


async def _head(grounds: Grounds, tenant: str, id: str, recipient: Recipient | None, now: datetime) -> dict[str, JSON]:
    store, catalogue = grounds.store, grounds.catalogue
    addresses = [
        (channel, each) for channel, some in (recipient.addresses if recipient else {}).items() for each in some
    ]
    hashes = {grounds.address_hash(channel, address): (channel, address) for channel, address in addresses}
    erased: Erasure | None = await store.erasure(tenant, grounds.pseudonym(tenant, id))
    return {
        "id": id,
        "exported_at": now,
        "notes": NOTES,
        "fixed": id in catalogue.recipients,
        "recipient": recipient,
        "wishes": (await store.wishes(tenant, [id])).get(id),
        "consents": await store.consents(tenant, id),
        "history": await store.history_of(tenant, id),
        "suppressions": [
            {"channel": found.channel, "address": hashes[hash][1], "reason": found.reason, "at": found.at}
            for hash, found in (await store.suppressed(tenant, hashes)).items()
        ],
        "groups": _groups(grounds, id, recipient),
        "silences": [silence for silence in await store.silences(tenant) if id in silence.recipients],
        "releases": await store.releases_naming(id),
        "erased_before": None if erased is None else erased.finished_at,
    }


def _groups(grounds: Grounds, id: str, recipient: Recipient | None) -> list[str]:
    """The groups that they are in now, or may be on call for."""
    found: list[str] = []
    for name, group in grounds.catalogue.groups.items():
        if group.query is None:
            if id in anyone(group):
                found.append(name)
            continue
        try:
            if recipient is not None and matches(group.query, recipient, grounds.catalogue.project):
                found.append(name)
        except LanguageError:
            continue  # who fails the query is in no group by it
    return sorted(found)


async def _told(grounds: Grounds, sequences: set[int]) -> AsyncIterator[list[HeldEvent]]:
    ordered = sorted(sequences)
    for start in range(0, len(ordered), PIECE):
        yield await grounds.store.held_events(ordered[start : start + PIECE])


async def _mentions(grounds: Grounds, tenant: str, eraser: Eraser, known: set[int]) -> AsyncIterator[list[HeldEvent]]:
    """The events beside these that tell of the person."""
    after, last = 0, await grounds.store.last_event()
    while after < last:
        rows = await grounds.store.scan_events(tenant, after=after, last=last, limit=PIECE)
        if not rows:
            return
        found = [row[0] for row in rows if row[0] not in known and tells_of(eraser, row[1], row[2])]
        if found:
            yield await grounds.store.held_events(found)
        after = rows[-1][0]


def _event(held: HeldEvent, id: str) -> dict[str, JSON]:
    considered = (held.explanation or {}).get("notifications", ())
    lines = [
        {"notification": each["notification"], **line}
        for each in considered
        for line in each.get("recipients", ())
        if line.get("recipient") == id
    ]
    return {"key": held.key, "received_at": held.received_at, "state": held.state, **held.event, "decided": lines}


def _joined(items: object) -> bytes:
    return msgspec.json.encode(list(items))[1:-1]  # type: ignore[call-overload]
