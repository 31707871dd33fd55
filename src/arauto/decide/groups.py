"""groups: who is in a group: its list, those for whom its query is true, or who is on call.

The turns of a rota are reckoned, never stored: member after member from its first hand-over on, each hand-over at
the same wall-clock time; overrides are laid over them, the later in the list above the earlier.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from arauto.decide.calendar import DAY, at_wall_clock, zone_of
from arauto.model import JSON, Expression, Group, Project, Recipient, Rota

_MOMENT = timedelta(microseconds=1)


class Turn(Struct, frozen=True, kw_only=True):
    """A member is on call from ``start`` to ``end``, which is the next one's time."""

    member: str
    start: datetime
    end: datetime
    override: bool = False
    """It is not their turn: they stand in."""


def members(group: Group, now: datetime) -> tuple[str, ...]:
    """The ids that a list holds, or the one who is on call (nobody before a rota begins). A query holds no ids: ask
    ``matches`` about every recipient."""
    assert group.query is None, f"{group.name} is a query"
    if group.rota is None:
        return group.members
    turn = on_call(group.rota, now)
    return () if turn is None else (turn.member,)


def anyone(group: Group) -> tuple[str, ...]:
    """The ids of all that a list or a rota may ever name, each once."""
    if group.rota is None:
        return group.members
    return tuple(dict.fromkeys((*group.rota.members, *(shift.member for shift in group.rota.overrides))))


def matches(query: Expression, recipient: Recipient, project: Project) -> bool:
    """Whether a query is true for a recipient. Raises LanguageError when it fails: a failure is never false."""
    return bool(query.evaluate({"recipient": recipient_told(recipient, project)}))


def recipient_told(recipient: Recipient, project: Project) -> dict[str, JSON]:
    """What expressions see of a recipient."""
    return {
        "id": recipient.id,
        "kind": recipient.kind,
        "name": recipient.name,
        "locale": recipient.locale or project.locale,
        "time_zone": recipient.time_zone or project.time_zone,
        "attributes": recipient.attributes,
    }


# -- rotas ---------------------------------------------------------------------------------------------------------


def on_call(rota: Rota, at: datetime) -> Turn | None:
    """The turn that ``at`` falls into; None before the rota begins, unless an override names somebody."""
    found = turns(rota, at, at + _MOMENT)
    return found[0] if found else None


def turns(rota: Rota, start: datetime, end: datetime) -> list[Turn]:
    """The turns that touch the time from ``start`` to before ``end``, in order, each from its beginning to its end.

    An override cuts the turn in which it lies in two; where several overlap, the later in the list counts.
    """
    laid = _regular(rota, start, end)
    for shift in rota.overrides:
        if shift.start < shift.end:
            over = Turn(member=shift.member, start=shift.start, end=shift.end, override=True)
            laid = [part for turn in laid for part in _around(turn, over)] + [over]
    return sorted((turn for turn in laid if turn.start < end and turn.end > start), key=lambda turn: turn.start)


def _regular(rota: Rota, start: datetime, end: datetime) -> list[Turn]:
    """Turns as they would be without overrides."""
    # One turn earlier than reckoned: today's hand-over may be still to come, or have fallen into a gap.
    number = max((start.astimezone(zone_of(rota.zone)).date() - rota.start).days // rota.every - 1, 0)
    found: list[Turn] = []
    begins = _hand_over(rota, number)
    while begins < end:
        ends = _hand_over(rota, number + 1)
        if begins < ends:
            found.append(Turn(member=rota.members[number % len(rota.members)], start=begins, end=ends))
        number, begins = number + 1, ends
    return found


def _hand_over(rota: Rota, number: int) -> datetime:
    return at_wall_clock(rota.start + number * rota.every * DAY, rota.hand_over, rota.zone)


def _around(turn: Turn, over: Turn) -> list[Turn]:
    """What another turn, laid over this one, leaves of it."""
    if over.end <= turn.start or turn.end <= over.start:
        return [turn]
    left = Turn(member=turn.member, start=turn.start, end=over.start, override=turn.override)
    right = Turn(member=turn.member, start=over.end, end=turn.end, override=turn.override)
    return [part for part in (left, right) if part.start < part.end]
