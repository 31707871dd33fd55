"""ledger: what people got in two replays of the same time, written down and compared.

It lies in a temporary database, so that its size does not count. Messages with one id are the same message in both
replays. Of the others, those about the same event of one notification to one person are taken together in the order
of their times, on the same channel first: they are one message that came in another way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

import apsw
from msgspec import Struct

from arauto.store.database import read_schema, read_statements
from arauto.store.documents import to_micros, to_moment

Side: TypeAlias = Literal["old", "new"]
Class: TypeAlias = Literal["same", "more", "less", "otherwise"]
Aspect: TypeAlias = Literal["channel", "time", "language", "text"]
ASPECTS: tuple[Aspect, ...] = ("channel", "time", "language", "text")

_PAIRING = ("pair_by_id", "turns_by_channel", "pair_turns", "turns_anyhow", "pair_turns", "leave_the_rest")


class Got(Struct, frozen=True, kw_only=True):
    """A message that reached somebody in a replay."""

    id: str
    at: datetime
    event: str
    notification: str
    recipient: str
    channel: str
    category: str
    locale: str | None
    segments: int
    cost: Decimal | None
    currency: str | None
    title: str | None
    text: bytes
    """A hash of its native form."""


class Version(Struct, frozen=True):
    """A message as one of the two replays has it."""

    id: str
    at: datetime
    channel: str
    category: str
    locale: str | None
    segments: int
    cost: Decimal | None
    currency: str | None
    title: str | None


class Pair(Struct, frozen=True, kw_only=True):
    """A message in both replays, or in one of them."""

    event: str
    notification: str
    recipient: str
    old: Version | None
    new: Version | None
    same_text: bool

    @property
    def sort(self) -> Class:
        """Whether it is one more, one less, or comes otherwise."""
        if self.old is None:
            return "more"
        if self.new is None:
            return "less"
        return "otherwise" if self.aspects else "same"

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        """In what it differs, of one that there is in both."""
        if self.old is None or self.new is None:
            return ()
        differs: dict[Aspect, bool] = {
            "channel": self.old.channel != self.new.channel,
            "time": self.old.at != self.new.at,
            "language": self.old.locale != self.new.locale,
            "text": not self.same_text,
        }
        # In another channel or language the text is always another.
        if differs["channel"] or differs["language"]:
            differs["text"] = False
        return tuple(aspect for aspect in ASPECTS if differs[aspect])


class Ledger:
    """Who got what, in both replays."""

    def __init__(self) -> None:
        self._database = apsw.Connection("")
        self._statements = read_statements(__name__)
        self._database.execute(read_schema(__name__)).fetchall()
        self._database.execute("BEGIN").fetchall()

    def put(self, side: Side, got: Sequence[Got]) -> None:
        """Write down what somebody got."""
        new = int(side == "new")
        rows = [
            (
                new,
                each.id,
                to_micros(each.at),
                each.event,
                each.notification,
                each.recipient,
                each.channel,
                each.category,
                each.locale,
                each.segments,
                None if each.cost is None else str(each.cost),
                each.currency,
                each.title,
                each.text,
            )
            for each in got
        ]
        self._database.executemany(self._statements["put"].text, rows)

    def note_recorded(self, ids: Sequence[str]) -> None:
        """Write down what was really sent."""
        self._database.executemany(self._statements["note_recorded"].text, [(id,) for id in ids])

    def faithful(self) -> tuple[int, int]:
        """How many messages were really sent, and how many of them the replay of the old version sent, too."""
        ((recorded, found),) = self._database.execute(self._statements["faithful"].text).fetchall()
        return int(str(recorded)), int(str(found))

    def drop_before(self, at: datetime) -> None:
        """Forget what was got before the period."""
        self._database.execute(self._statements["drop_before"].text, (to_micros(at),)).fetchall()

    def compare(self) -> Iterator[Pair]:
        """All that anybody got, in the order of its time. Nothing can be put any more."""
        for name in _PAIRING:
            self._database.execute(self._statements[name].text).fetchall()
        for row in self._database.execute(self._statements["compared"].text):
            yield _pair(row)

    def close(self) -> None:
        """Leave nothing of it."""
        self._database.close()


def _pair(row: Sequence[object]) -> Pair:
    (old, new, old_at, new_at, event, notification, recipient, *sides, same_text) = row
    before, after = sides[::2], sides[1::2]
    return Pair(
        event=str(event),
        notification=str(notification),
        recipient=str(recipient),
        old=None if old is None else _version(old, old_at, before),
        new=None if new is None else _version(new, new_at, after),
        same_text=bool(same_text),
    )


def _version(id: object, at: object, columns: Sequence[object]) -> Version:
    channel, category, locale, segments, cost, currency, title = columns
    return Version(
        str(id),
        to_moment(int(str(at))),
        str(channel),
        str(category),
        None if locale is None else str(locale),
        int(str(segments)),
        None if cost is None else Decimal(str(cost)),
        None if currency is None else str(currency),
        None if title is None else str(title),
    )
