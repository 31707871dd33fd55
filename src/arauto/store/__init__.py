"""The store: the one truth about what was accepted, decided and done. All SQL lives here, in named queries.

Store is the protocol that the engine speaks; SQLite and PostgreSQL pass one suite. Three rules hold for every verb:
it is one transaction, it may run twice (ids are derived, inserts ignore what is there), and work that was taken is
held under a lease (``lease_until``) with an owner, so that a node which died or slept loses it to another.
A message's ``fence`` counts its claims: only the newest claim may settle it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from arauto.decide.receipts import ShownState
from arauto.model import JSON, Recipient, Signal
from arauto.store.editions import EditionsStore
from arauto.store.fanouts import FanoutsStore
from arauto.store.history import HistoryStore
from arauto.store.interventions import Intervened, InterventionsStore
from arauto.store.privacy import Erasure, HeldEvent, PrivacyStore
from arauto.store.receipts import Consequence, Kept, ReceiptsStore
from arauto.store.records import (
    ApiKey,
    Appended,
    Claim,
    Committed,
    Counts,
    DueRun,
    FanoutPage,
    InboxItem,
    Marked,
    NewEvent,
    NewMessage,
    Page,
    Pending,
    PlanRecord,
    Rejection,
    Replay,
    RunRecord,
    Selection,
    Settlement,
    StoredEvent,
    StoredFanout,
    StoredMessage,
    StoredRun,
    Story,
    StoryCounts,
    Suppression,
)
from arauto.store.releases import ReleasesStore
from arauto.store.retention import RetentionStore, Retired
from arauto.store.silences import SilencesStore
from arauto.store.ticks import TicksStore
from arauto.store.wishes import WishesStore


class Store(
    FanoutsStore,
    WishesStore,
    ReceiptsStore,
    InterventionsStore,
    SilencesStore,
    EditionsStore,
    ReleasesStore,
    TicksStore,
    PrivacyStore,
    RetentionStore,
    HistoryStore,
    Protocol,
):
    """What the engine needs of a database. Every verb raises StoreUnavailable, having done nothing, when it fails."""

    exclusive: bool
    """Nobody else can have work under lease: at start, all leases found are those of a dead process."""

    # -- the way of an event ---------------------------------------------------------------------------------------
    async def append_events(
        self, events: Sequence[NewEvent], *, owner: str, now: datetime, lease_until: datetime
    ) -> list[Appended]:
        """Store what is new, pending and leased to ``owner``. Durable when it returns; one answer per event given,
        in order; the same event twice in one batch is ``new`` then ``same`` (or ``conflict``)."""
        ...

    async def body_hashes(self, keys: Collection[str]) -> dict[str, str]:
        """The stored hashes of those of these events that are there."""
        ...

    async def take_pending(self, *, owner: str, now: datetime, lease_until: datetime, limit: int) -> list[Pending]:
        """Lease pending events whose lease has ended, oldest first."""
        ...

    async def commit_plans(
        self, plans: Sequence[PlanRecord], *, owner: str, now: datetime, lease_until: datetime
    ) -> Committed:
        """Store plans with their runs and messages, and mark their events planned; upserts overwrite recipients.
        A plan counts only while its event is pending under ``owner``'s lease. Its signals wake the runs that listen
        for them."""
        ...

    async def quarantine(self, event: str, reason: JSON) -> None:
        """Take a pending event out of the way for good, with ``reason`` as its explanation."""
        ...

    async def take_due_runs(self, *, owner: str, now: datetime, lease_until: datetime, limit: int) -> list[DueRun]:
        """Lease waiting runs that are due, oldest first, with the states of their messages."""
        ...

    async def commit_runs(
        self, runs: Sequence[RunRecord], *, owner: str, now: datetime, lease_until: datetime
    ) -> Committed:
        """Store advanced runs and their new messages. A record counts only while its run is under ``owner``'s lease
        and has taken in nothing since it was taken; a run that has is due at once."""
        ...

    async def signals(self, keys: Collection[str]) -> list[Signal]:
        """The events that came under these keys, in the order of their coming; ``about`` is empty."""
        ...

    async def take_due_messages(
        self, *, owner: str, now: datetime, lease_until: datetime, room: Mapping[str, int]
    ) -> list[Claim]:
        """Claim queued messages that are due, oldest first, of each channel at most as many as ``room`` says:
        state ``sending``, fence one higher. A channel that is not in ``room`` is left alone."""
        ...

    async def take_abandoned(self, *, owner: str, now: datetime, lease_until: datetime, limit: int) -> list[Claim]:
        """Claim messages in ``sending`` whose lease has ended, fence one higher: nobody knows how their attempt
        ended. The caller settles each as unknown."""
        ...

    async def settle(self, settlements: Sequence[Settlement], *, now: datetime) -> list[bool]:
        """Write outcomes; the runs of awaited messages that ended (``sent``, ``failed``, ``expired``) become due now.
        False for one whose fence is no longer the newest: its attempt is kept in the message, marked late."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next queued message, waiting run or lease of either (or of a pending event) comes due."""
        ...

    async def end_all_leases(self, now: datetime) -> None:
        """Let every lease end now. Only for an ``exclusive`` store, at start."""
        ...

    # -- recipients ------------------------------------------------------------------------------------------------
    async def recipients(self, tenant: str, ids: Collection[str]) -> dict[str, Recipient]: ...

    async def list_recipients(self, tenant: str, *, after: str | None, limit: int) -> Page:
        """By id; items are Recipient."""
        ...

    async def put_recipients(self, tenant: str, recipients: Sequence[Recipient], *, now: datetime) -> None: ...

    async def delete_recipient(self, tenant: str, id: str, *, now: datetime) -> bool: ...

    # -- inbox -----------------------------------------------------------------------------------------------------
    async def inbox(self, tenant: str, recipient: str, *, after: str | None, limit: int, unread: bool) -> Page:
        """Newest first; items are InboxItem."""
        ...

    async def inbox_counts(self, tenant: str, recipient: str) -> Mapping[str, int]:
        """``{"read": …, "unread": …}``."""
        ...

    async def mark_inbox(
        self, tenant: str, recipient: str, ids: Collection[str] | None, *, read: bool, now: datetime
    ) -> Marked:
        """Mark these items (None: all) as read or unread. What is read now has a receipt of it."""
        ...

    # -- people and machines that use the hub ------------------------------------------------------------------------
    async def put_key(self, key: ApiKey) -> None: ...

    async def keys(self, tenant: str) -> list[ApiKey]: ...

    async def find_key(self, hash: str) -> ApiKey | None:
        """The key with this hash, revoked or not."""
        ...

    async def revoke_key(self, tenant: str, id: str, *, now: datetime) -> bool: ...

    async def hub_secret(self, name: str) -> bytes:
        """32 random bytes kept under this name, made on first use."""
        ...

    async def record_rejections(self, rejections: Sequence[Rejection], *, keep: int) -> None:
        """Keep these; of all, only the newest ``keep``."""
        ...

    # -- looking ---------------------------------------------------------------------------------------------------
    async def find_events(self, tenant: str, reference: str) -> list[StoredEvent]:
        """By key (``evt_…``) or by the id that its source gave it, which several sources may share."""
        ...

    async def story(self, event: str, *, recipient: str | None = None, limit: int = 250) -> Story | None:
        """Everything about the event with this key; runs and messages in the order of their making. Of the runs (only
        those of ``recipient``, where one is given) the first ``limit``, with counts of all where there are more."""
        ...

    async def message(self, id: str) -> StoredMessage | None: ...

    async def list_events(self, tenant: str, *, after: str | None, limit: int, type: str | None = None) -> Page:
        """Newest first; items are StoredEvent, without explanation."""
        ...

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
        """Newest first; items are StoredMessage. Of those that are queued, ``now`` tells ``queued`` (due) from
        ``waiting``; ``since`` and ``until`` are about their making."""
        ...

    async def list_rejections(self, tenant: str, *, after: str | None, limit: int) -> Page:
        """Newest first; items are Rejection."""
        ...

    async def counts(self) -> Counts: ...

    async def ping(self) -> None:
        """Raises StoreUnavailable when the database cannot be written."""
        ...

    async def close(self) -> None: ...


__all__ = [
    "ApiKey",
    "Appended",
    "Claim",
    "Committed",
    "Consequence",
    "Counts",
    "DueRun",
    "Erasure",
    "FanoutPage",
    "HeldEvent",
    "InboxItem",
    "Intervened",
    "Kept",
    "Marked",
    "NewEvent",
    "NewMessage",
    "Page",
    "Pending",
    "PlanRecord",
    "Rejection",
    "Replay",
    "Retired",
    "RunRecord",
    "Selection",
    "Settlement",
    "Store",
    "StoredEvent",
    "StoredFanout",
    "StoredMessage",
    "StoredRun",
    "Story",
    "StoryCounts",
    "Suppression",
]
