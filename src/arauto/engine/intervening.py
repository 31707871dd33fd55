"""intervening: what people do about messages, one by one or many at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from arauto.decide.interventions import Deed
from arauto.engine.rendering import Rendering
from arauto.model import Message
from arauto.store import Intervened, Replay

REPLAYED_AT_ONCE = 500
"""How many messages or events of a replay share one transaction."""
REPLAYED_IN_A_CALL = 10_000
"""After this many, whoever replays is told how far it came, and calls again."""

_RATE = re.compile(r"([1-9][0-9]{0,5})/(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


class Replayed(Struct, frozen=True):
    """How far a replay has come, and how many were done in this call."""

    replay: Replay
    counts: Mapping[tuple[str, str | None], int]


class Intervening(Rendering):
    """Retry, release, cancel, hold, replay. Whoever calls a running hub rings for what is due then."""

    async def intervene(self, tenant: str, ids: Sequence[str], deed: Deed, *, by: str) -> Intervened:
        """Do this about these messages, in one transaction, as far as their states allow."""
        happened = await self.store.intervene(tenant, ids, deed, by=by, now=self.clock())
        for message in happened.changed:
            self.metrics.interventions.labels(message.channel, deed).inc()
        return happened

    async def replay(self, wanted: Replay, *, by: str) -> Replayed:
        """Go on with a replay, batch by batch, until it is over or has done enough for one call. Raises UsageFault
        where the one under its id is of other messages."""
        counts: Counter[tuple[str, str | None]] = Counter()
        done = 0
        while True:
            reached, some = await self.store.replay(wanted, by=by, limit=REPLAYED_AT_ONCE, now=self.clock())
            counts.update(some)
            for (channel, _), number in some.items() if wanted.selection.events is None else ():
                self.metrics.interventions.labels(channel, "replay").inc(number)
            done += REPLAYED_AT_ONCE
            if reached.over or done >= REPLAYED_IN_A_CALL:
                return Replayed(reached, counts)


def parse_rate(text: str) -> float:
    """Messages per second, of ``50/s``, ``600/m`` or ``1000/h``. Raises ValueError, which says what is allowed."""
    found = _RATE.fullmatch(text)
    if found is None:
        raise ValueError(f"write a rate such as 50/s, 600/m or 1000/h, not {text!r}")
    return int(found[1]) / _SECONDS[found[2]]


def may_repeat(message: Message) -> bool:
    """Whether sending it again may deliver it twice: nobody knows how an attempt ended, or a provider had it."""
    return any(attempt.outcome in (None, "unknown", "accepted") for attempt in message.attempts)
