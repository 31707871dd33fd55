"""erasing: the erasure of a person, from the first row to the last byte.

The store knows how far each erasure has come (``store.privacy``), so that a hub which starts goes on with those that
another one left. What is under way when it begins is waited for: nothing can be taken back from a provider.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec
import structlog

from arauto.crash import crash_point
from arauto.decide.erasure import ERASED_ID, Eraser, Person, address_texts, place_of_id
from arauto.decide.wishes import address_hash
from arauto.engine.metrics import Metrics
from arauto.engine.rendering import LEASE
from arauto.errors import StoreUnavailable
from arauto.model import JSON, Catalogue, PersonTarget, Recipient
from arauto.store import Erasure, Store

PAUSE = timedelta(milliseconds=50)
"""How often it looks whether what is under way has ended."""

AGAIN = timedelta(seconds=5)
"""The wait before it is tried again when the database was not available."""

SECRETS = ("erasures", "addresses")
"""The hub's secrets with which people and addresses are hashed."""

log = structlog.get_logger("arauto.erasing")


class Grounds:
    """What exports and erasures stand on: the store, the project, and the keys of hashes."""

    def __init__(self, store: Store, catalogue: Catalogue, *, people: bytes, addresses: bytes) -> None:
        self.store, self.catalogue = store, catalogue
        self._people, self._addresses = people, addresses
        self.places = tuple(dict.fromkeys(_places(catalogue)))

    @classmethod
    async def open(cls, store: Store, catalogue: Catalogue) -> Grounds:
        """Over this store's own secrets."""
        people, addresses = [await store.hub_secret(name) for name in SECRETS]
        return cls(store, catalogue, people=people, addresses=addresses)

    def pseudonym(self, tenant: str, id: str) -> str:
        """What stands in place of a person's id when they are erased."""
        return ERASED_ID + hmac.digest(self._people, f"{tenant}\0{id}".encode(), "sha256").hex()[:32]

    def address_hash(self, channel: str, address: JSON) -> str:
        """By this hub's key (``decide.wishes.address_hash``)."""
        return address_hash(self._addresses, channel, address)

    def eraser(self, tenant: str, id: str, recipient: Recipient | None) -> Eraser:
        """What finds the traces of a person."""
        names = (recipient.name,) if recipient is not None and recipient.name else ()
        addresses = _texts(recipient) if recipient is not None else ()
        return Eraser(Person(id, self.pseudonym(tenant, id), names, tuple(addresses), self.places))


async def known_to(grounds: Grounds, tenant: str, id: str) -> Recipient | None:
    """The person as the project or the store knows them."""
    fixed = grounds.catalogue.recipients.get(id)
    return fixed or (await grounds.store.recipients(tenant, [id])).get(id)


async def erase(
    grounds: Grounds,
    tenant: str,
    id: str,
    *,
    clock: Callable[[], datetime],
    withdraw: Callable[[str, str], None] | None,
) -> Erasure:
    """Erase a person. ``withdraw`` gives up a hub's messages to a recipient that it holds in memory and has not begun
    to send; without one, no hub works on this database, and nothing is waited for.

    Raises StoreUnavailable; what was begun goes on when this is called again, or when a hub starts.
    """
    pseudonym = grounds.pseudonym(tenant, id)
    others = (other for other in grounds.catalogue.recipients.values() if other.id != id)
    await grounds.store.begin_erasure(
        tenant,
        id,
        pseudonym,
        known=grounds.catalogue.recipients.get(id),
        shared={text for other in others for text in _texts(other)},
        places=grounds.places,
        now=clock(),
    )

    def give_up() -> None:
        if withdraw is not None:
            withdraw(tenant, id)

    return await _finish(grounds.store, tenant, pseudonym, clock=clock, give_up=give_up, patient=withdraw is not None)


class Erasing:
    """The erasures of a hub."""

    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        store: Store,
        *,
        clock: Callable[[], datetime],
        metrics: Metrics,
        withdraw: Callable[[str, str], None],
        erased: Callable[[str, str], None],
    ) -> None:
        """``withdraw`` is that of ``erase``; ``erased`` is called when one is over."""
        self._catalogue, self._store, self._clock, self._metrics = catalogue, store, clock, metrics
        self._withdraw, self._erased = withdraw, erased
        self._under_way: dict[tuple[str, str], asyncio.Task[Erasure]] = {}

    async def erase(self, tenant: str, id: str, *, wait: timedelta) -> Erasure:
        """Erase a person, or go on with it; returns how it stands when it has finished, or after this time. Raises
        StoreUnavailable; what was begun goes on when this is called again, or when a hub starts."""
        task = self._under_way.get((tenant, id))
        if task is None:
            task = self._under_way[tenant, id] = asyncio.create_task(self._erase(tenant, id))
            task.add_done_callback(lambda done: self._ended(tenant, id, done))
        await asyncio.wait([task], timeout=wait.total_seconds())
        if task.done():
            return task.result()
        grounds = await Grounds.open(self._store, self._catalogue())
        return await self._store.erasure(tenant, grounds.pseudonym(tenant, id)) or await task

    async def _erase(self, tenant: str, id: str) -> Erasure:
        grounds = await Grounds.open(self._store, self._catalogue())
        erased = await erase(grounds, tenant, id, clock=self._clock, withdraw=self._withdraw)
        self._metrics.erasures.inc()
        return erased

    def _ended(self, tenant: str, id: str, done: asyncio.Task[Erasure]) -> None:
        del self._under_way[tenant, id]
        self._erased(tenant, id)
        if not done.cancelled() and done.exception() is not None:
            log.error("an erasure was interrupted; ask for it again, or start the hub anew", exc_info=done.exception())

    async def finish(self) -> None:
        """Go on with those that were interrupted."""
        while True:
            try:
                for tenant, pseudonym in await self._store.unfinished_erasures():
                    log.info("going on with an erasure that was interrupted", pseudonym=pseudonym)
                    await _finish(self._store, tenant, pseudonym, clock=self._clock, give_up=lambda: None, patient=True)
            except StoreUnavailable as error:
                log.warning("the database is not available; erasing again", error=str(error))
                await asyncio.sleep(AGAIN.total_seconds())
            except Exception as error:
                log.error("an erasure failed; start the hub anew", exc_info=error)
                return
            else:
                return

    def tasks(self) -> list[asyncio.Task[Erasure]]:
        """Those that are to be cancelled when the hub ends."""
        return list(self._under_way.values())


async def _finish(
    store: Store,
    tenant: str,
    pseudonym: str,
    *,
    clock: Callable[[], datetime],
    give_up: Callable[[], None],
    patient: bool,
) -> Erasure:
    # What is under way ends within its lease, or nobody knows what became of it.
    until = clock() + LEASE
    while True:
        give_up()
        now = clock()
        erasure = await store.advance_erasure(tenant, pseudonym, patient=patient and now < until, now=now)
        crash_point("erasing.piece")
        if erasure.finished_at is not None:
            return erasure
        if erasure.waits:
            await asyncio.sleep(PAUSE.total_seconds())


def _texts(recipient: Recipient) -> Iterator[str]:
    return (
        text for addresses in recipient.addresses.values() for address in addresses for text in address_texts(address)
    )


def _places(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Where the project looks for the ids of people in data."""
    for notification in catalogue.notifications.values():
        targets = [
            *notification.to,
            *(target for step in notification.steps for target in getattr(step, "targets", ())),
        ]
        for target in targets:
            if isinstance(target, PersonTarget):
                place = place_of_id(target.person.source)
                if place is not None:
                    yield place


def counted(erasure: Erasure) -> dict[str, JSON]:
    """An erasure, as it is told."""
    told: dict[str, JSON] = msgspec.to_builtins(erasure)
    return {key: told[key] for key in ("pseudonym", "begun_at", "finished_at", "counts")}
