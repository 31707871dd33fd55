"""lanes: what is on its way out, by channel: the messages that wait in memory, and the senders that take them.

When the hub goes on with another version of the project, lanes stay with what is in them: senders make each attempt by
the engine of now, more are started or some end after their attempt, and a channel that is gone gives its messages back.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial

import structlog

from arauto.crash import crash_point
from arauto.engine.rendering import Outgoing, Room
from arauto.engine.stages import Engine
from arauto.store import Claim, Settlement

WAITING_PER_SLOT = 32
"""Claimed messages that may wait for each of a channel's sending slots."""

STALE = timedelta(seconds=10)
"""What has waited in memory for so long is claimed anew: what its recipient wants may have changed since."""

log = structlog.get_logger("arauto.hub")


class _Lane:
    """A channel."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Outgoing] = asyncio.Queue()
        self.slots = 0
        self.outstanding = 0
        self.full = False
        self.senders: set[asyncio.Task[None]] = set()
        self.busy: set[asyncio.Task[None]] = set()

    @property
    def capacity(self) -> int:
        return self.slots * WAITING_PER_SLOT


class Lanes:
    """The channels of a hub."""

    def __init__(self, settle: Callable[[Settlement], asyncio.Future[None]], ring: Callable[[], None]) -> None:
        """``settle`` writes an outcome, soon; ``ring`` is called when there is room again where there was none."""
        self._settle, self._ring = settle, ring
        self._engine: Engine | None = None
        self._lanes: dict[str, _Lane] = {}
        self._leaving: dict[str, _Lane] = {}
        self._attempts: Counter[Engine] = Counter()
        self._attempted = asyncio.Event()
        self._settled_some = asyncio.Event()
        self.gone: set[str] = set()
        """Channels that the project had, and that may have left messages behind."""

    def serve(self, engine: Engine) -> None:
        """From now on send by this engine, on its channels. Attempts that are under way end by the one before."""
        self._engine = engine
        for name, config in engine.catalogue.channels.items():
            if name in engine.providers:
                lane = self._lanes.get(name) or self._leaving.pop(name, None) or _Lane()
                self._lanes[name] = lane
                self.gone.discard(name)
                self._widen(name, lane, config.concurrency)
        for name in self._lanes.keys() - engine.providers.keys():
            lane = self._leaving[name] = self._lanes.pop(name)
            self.gone.add(name)
            self._widen(name, lane, 0)
            self._put_back(lane)
        self._leaving = {name: lane for name, lane in self._leaving.items() if lane.outstanding or lane.senders}

    def _widen(self, name: str, lane: _Lane, slots: int) -> None:
        """Have so many senders; of those that are too many, some end when their attempt has."""
        lane.slots = slots
        for _ in range(slots - len(lane.senders)):
            sender = asyncio.create_task(self._send(name, lane))
            lane.senders.add(sender)
            sender.add_done_callback(partial(_leave, lane))
        idle = lane.senders - lane.busy
        for sender, _ in zip(idle, range(len(lane.senders) - slots), strict=False):
            lane.senders.discard(sender)
            sender.cancel()

    # -- what goes in ------------------------------------------------------------------------------------------------

    @property
    def names(self) -> set[str]:
        """The channels that are sent to."""
        return set(self._lanes)

    @property
    def outstanding(self) -> int:
        """How many messages are in memory."""
        return sum(lane.outstanding for lane in self._every())

    def room(self) -> Room:
        """How many more each channel can take."""
        return {name: lane.capacity - lane.outstanding for name, lane in self._lanes.items()}

    def room_for_fanout(self, channels: set[str]) -> Room | None:
        """Half of each channel, so that whatever comes meanwhile waits behind one page at most; None while one of these
        channels is more than half full."""
        lanes = {name: self._lanes[name] for name in channels & self._lanes.keys()}
        if any(lane.outstanding > lane.capacity // 2 for lane in lanes.values()):
            return None
        return {name: min(left, self._lanes[name].capacity // 2) for name, left in self.room().items()}

    def dispatch(self, outgoing: Sequence[Outgoing], room: Room) -> None:
        """Take claimed messages; ``room`` is what their stage has left of its own."""
        for each in outgoing:
            lane = self._lanes.get(each.claim.message.channel)
            if lane is None:  # gone since it was claimed
                self._settle(self._back(each.claim))
                continue
            lane.outstanding += 1
            lane.queue.put_nowait(each)
        for name, left in room.items():
            if left <= 0 and name in self._lanes:
                self._lanes[name].full = True

    # -- what goes out -----------------------------------------------------------------------------------------------

    async def _send(self, name: str, lane: _Lane) -> None:
        itself = asyncio.current_task()
        assert itself is not None
        while True:
            outgoing = await lane.queue.get()
            lane.busy.add(itself)
            settlement = await self._attempt(outgoing)
            lane.busy.discard(itself)
            self._settle(settlement).add_done_callback(partial(self._settled, lane))
            if len(lane.senders) > lane.slots:
                lane.senders.discard(itself)
                return

    async def _attempt(self, outgoing: Outgoing) -> Settlement:
        engine, claim = self._engine, outgoing.claim
        assert engine is not None
        if engine.clock() - claim.since >= STALE:
            return Settlement(message=claim.message, fence=claim.fence, state="queued", due_at=claim.since)
        self._attempts[engine] += 1
        try:
            crash_point("send.before")
            settlement = await engine.attempt(outgoing)
            crash_point("send.after")
        finally:
            self._attempts[engine] -= 1
            if not self._attempts[engine]:
                del self._attempts[engine]
                self._attempted.set()
        return settlement

    def _settled(self, lane: _Lane, done: asyncio.Future[None]) -> None:
        lane.outstanding -= 1
        self._settled_some.set()
        if lane.full and lane.outstanding <= lane.capacity // 2:
            lane.full = False
            self._ring()

    def halt(self) -> None:
        """Begin no attempt any more; how those end that are under way, nobody can write down."""
        for lane in self._every():
            while not lane.queue.empty():
                lane.queue.get_nowait()
                lane.outstanding -= 1
        self._settled_some.set()

    # -- what does not go out ----------------------------------------------------------------------------------------

    def give_back(self) -> None:
        """Messages that no sender has begun are put back, due at once for whoever comes next."""
        for lane in self._lanes.values():
            self._put_back(lane)

    def _put_back(self, lane: _Lane) -> None:
        while not lane.queue.empty():
            back = self._back(lane.queue.get_nowait().claim)
            self._settle(back).add_done_callback(partial(self._settled, lane))

    def _back(self, claim: Claim) -> Settlement:
        assert self._engine is not None
        return Settlement(message=claim.message, fence=claim.fence, state="queued", due_at=self._engine.clock())

    def withdraw(self, tenant: str, recipient: str) -> None:
        """Cancel the messages to somebody that no sender has begun."""
        for lane in self._lanes.values():
            kept: list[Outgoing] = []
            while not lane.queue.empty():
                outgoing = lane.queue.get_nowait()
                message = outgoing.claim.message
                if (message.tenant, message.recipient) != (tenant, recipient):
                    kept.append(outgoing)
                    continue
                cancelled = Settlement(message=message, fence=outgoing.claim.fence, state="cancelled")
                self._settle(cancelled).add_done_callback(partial(self._settled, lane))
            for outgoing in kept:
                lane.queue.put_nowait(outgoing)

    # -- ending ------------------------------------------------------------------------------------------------------

    async def ended(self, engine: Engine) -> None:
        """Return when no attempt by this engine is under way."""
        while self._attempts[engine]:
            self._attempted.clear()
            await self._attempted.wait()

    async def emptied(self) -> None:
        """Return when nothing is in memory."""
        while self.outstanding:
            self._settled_some.clear()
            await self._settled_some.wait()

    def senders(self) -> list[asyncio.Task[None]]:
        """The tasks to be cancelled when the hub ends."""
        return [sender for lane in self._every() for sender in lane.senders]

    def _every(self) -> Iterator[_Lane]:
        yield from self._lanes.values()
        yield from self._leaving.values()


def _leave(lane: _Lane, sender: asyncio.Task[None]) -> None:
    lane.senders.discard(sender)
    lane.busy.discard(sender)
    if not sender.cancelled() and sender.exception() is not None:
        log.error("a sender failed", exc_info=sender.exception())
