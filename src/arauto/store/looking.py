"""Looking at what is stored."""

from __future__ import annotations

from collections import defaultdict

from arauto.model import MessageState
from arauto.store.database import Database
from arauto.store.documents import (
    read_rejection,
    stored_event,
    stored_message,
)
from arauto.store.pages import before, page
from arauto.store.records import (
    Counts,
    Page,
    StoredEvent,
    StoredMessage,
    Story,
)
from arauto.store.rows import (
    load_runs,
)


class Looking:
    """Looking at what is stored."""

    _database: Database

    async def find_events(self, tenant: str, reference: str) -> list[StoredEvent]:
        """In the order of their arrival."""
        async with self._database.reading() as reading:
            rows = await reading.rows("find_events", tenant=tenant, reference=reference)
        return [stored_event(row) for row in rows]

    async def story(self, event: str) -> Story | None:
        """One consistent look, also at the runs that joined other events to this one."""
        async with self._database.reading() as reading:
            found = await reading.rows("event", key=event)
            if not found:
                return None
            sequences = [run for (run,) in await reading.rows("runs_of_event", event=found[0][0])]
            runs = await load_runs(reading, sequences) if sequences else {}
            messages = await reading.rows("messages_of_runs", runs=sequences) if sequences else []
        return Story(
            event=stored_event(found[0]),
            runs=tuple(runs.values()),
            messages=tuple(stored_message(row) for row in messages),
        )

    async def message(self, id: str) -> StoredMessage | None:
        """With the attempts that came late, at the end."""
        async with self._database.reading() as reading:
            rows = await reading.rows("message", id=id)
        return stored_message(rows[0]) if rows else None

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
        state: MessageState | None = None,
    ) -> Page:
        """By the index of the filter that narrows most. Raises UsageFault for a cursor that no listing gave."""
        if recipient is not None:
            statement = "list_messages_of_recipient"
        elif state is not None and state != "sent":
            statement = "list_messages_not_sent"
        elif channel is not None:
            statement = "list_messages_of_channel"
        else:
            statement = "list_messages"
        parameters: dict[str, object] = {
            "tenant": tenant,
            "before": before(after),
            "limit": limit + 1,
            "recipient": recipient,
            "channel": channel,
            "state": state,
        }
        async with self._database.reading() as reading:
            rows = await reading.rows(statement, **parameters)
        return page(rows, limit, stored_message)

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
