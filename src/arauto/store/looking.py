"""Looking at what is stored."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from arauto.decide.receipts import ShownState
from arauto.store.database import Database, Rows
from arauto.store.documents import (
    optional,
    read_rejection,
    stored_event,
    stored_fanout,
    stored_message,
    to_micros,
)
from arauto.store.pages import before, page
from arauto.store.receipts import receipts_of
from arauto.store.records import (
    Counts,
    Page,
    StoredEvent,
    StoredMessage,
    Story,
    StoryCounts,
)
from arauto.store.rows import (
    load_runs,
)

STORY_RUNS = 250
"""So many runs of an event are told one by one."""

_DISORDER = timedelta(minutes=5)
"""Messages are numbered as they are stored; by this much at most, one may have been made before one with a lower
number."""


class Looking:
    """Looking at what is stored."""

    _database: Database

    async def find_events(self, tenant: str, reference: str) -> list[StoredEvent]:
        """In the order of their arrival."""
        async with self._database.reading() as reading:
            rows = await reading.rows("find_events", tenant=tenant, reference=reference)
        return [stored_event(row) for row in rows]

    async def story(self, event: str, *, recipient: str | None = None, limit: int = STORY_RUNS) -> Story | None:
        """One consistent look, also at the runs that joined other events to this one."""
        async with self._database.reading() as reading:
            found = await reading.rows("event", key=event)
            if not found:
                return None
            stored, number = stored_event(found[0]), found[0][0]
            fanouts = await reading.rows("fanouts_of_event", event=number)
            if recipient is None:
                given = await reading.rows("runs_of_event", event=number, limit=limit + 1)
            else:
                tenant = stored.event.tenant
                given = await reading.rows(
                    "runs_of_event_and_recipient", event=number, tenant=tenant, recipient=recipient, limit=limit + 1
                )
            sequences = [run for (run,) in given[:limit]]
            runs = await load_runs(reading, sequences) if sequences else {}
            messages = await reading.rows("messages_of_runs", runs=sequences) if sequences else []
            receipts = await receipts_of(reading, [row[0] for row in messages])
        return Story(
            event=stored,
            runs=tuple(runs.values()),
            messages=tuple(stored_message(row, receipts[row[0]]) for row in messages),
            fanouts=tuple(stored_fanout(row) for row in fanouts),
            counts=await self._counts_of(number) if len(given) > limit else None,
        )

    async def _counts_of(self, event: int) -> StoryCounts:
        runs: dict[str, int] = {}
        messages: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for what, channel, state, number in await self._database.survey("counts_of_event", event=event):
            (runs if what == "runs" else messages[channel])[state] = int(number)
        return StoryCounts(runs, dict(messages))

    async def message(self, id: str) -> StoredMessage | None:
        """With the attempts that came late, at the end."""
        async with self._database.reading() as reading:
            rows = await reading.rows("message", id=id)
            receipts = await receipts_of(reading, [row[0] for row in rows])
        return stored_message(rows[0], receipts[rows[0][0]]) if rows else None

    async def list_events(self, tenant: str, *, after: str | None, limit: int, type: str | None = None) -> Page:
        """Raises UsageFault for a cursor that no listing gave."""
        parameters: dict[str, object] = {"tenant": tenant, "before": before(after), "limit": limit + 1}
        async with self._database.reading() as reading:
            if type is None:
                rows = await reading.rows("list_events", **parameters)
            else:
                rows = await reading.rows("list_events_of_type", **parameters, type=type)
        return page(rows, limit, stored_event)

    async def list_messages(
        self,
        tenant: str,
        *,
        after: str | None,
        limit: int,
        recipient: str | None = None,
        channel: str | None = None,
        notification: str | None = None,
        state: ShownState | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        now: datetime | None = None,
    ) -> Page:
        """By the index of the filter that narrows most. Raises UsageFault for a cursor that no listing gave."""
        moment = optional(to_micros, now)
        parameters: dict[str, object] = {
            "tenant": tenant,
            "before": before(after),
            "limit": limit + 1,
            "recipient": recipient,
            "channel": channel,
            "notification": notification,
            "state": "queued" if state == "waiting" else state,
            "due_by": moment if state == "queued" else None,
            "due_after": moment if state == "waiting" else None,
            "until": optional(to_micros, until),
        }
        rows: Rows = []
        async with self._database.reading() as reading:
            for statement in _statements(recipient, channel, notification, state):
                rows += await reading.rows(statement, **parameters)
            rows.sort(key=lambda row: row[0], reverse=True)
            receipts = await receipts_of(reading, [row[0] for row in rows[:limit]])
        found = page(rows, limit, lambda row: stored_message(row, receipts[row[0]]))
        return found if since is None else _cut(found, since)

    async def list_rejections(self, tenant: str, *, after: str | None, limit: int) -> Page:
        """Raises UsageFault for a cursor that no listing gave."""
        async with self._database.reading() as reading:
            rows = await reading.rows("list_rejections", tenant=tenant, before=before(after), limit=limit + 1)
        return page(rows, limit, lambda row: read_rejection(row[1]))

    async def counts(self) -> Counts:
        """Of all tenants; states in which nothing is are left out."""
        events: dict[str, int] = {}
        runs: dict[str, int] = {}
        messages: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for what, channel, state, number in await self._database.survey("counts"):
            if number:
                counted = {"events": events, "runs": runs}.get(what)
                (messages[channel] if counted is None else counted)[state] = int(number)
        return Counts(events, runs, dict(messages))


def _statements(
    recipient: str | None, channel: str | None, notification: str | None, state: ShownState | None
) -> tuple[str, ...]:
    """Those whose index finds the fewest rows."""
    if recipient is not None:
        return ("list_messages_of_recipient",)
    if state == "failed":  # by its attempts, or by a receipt
        return ("list_messages_not_sent", "list_messages_sent")
    if state in ("queued", "waiting", "sending", "expired", "cancelled", "held", "unknown"):
        return ("list_messages_not_sent",)
    if state is not None and state not in ("sent", "delivered"):
        return ("list_messages_sent",)
    if notification is not None:
        return ("list_messages_of_notification",)
    if channel is not None:
        return ("list_messages_of_channel",)
    return ("list_messages",) if state is None else ("list_messages_sent",)


def _cut(found: Page, since: datetime) -> Page:
    """The page without what is older; it is the last one where all that follows is."""
    items = [item for item in found.items if item.message.created_at >= since]
    over = bool(found.items) and found.items[-1].message.created_at < since - _DISORDER
    return Page(items, None if over else found.next)
