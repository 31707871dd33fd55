"""fanouts: telling groups too large to be told at once, page by page; pure.

Everybody who may be in the group is asked in one order, that of their ids: those of the project and those of the store
as one. So a cursor is an id; who is there all the time is asked exactly once, whoever comes or goes meanwhile; and a
page that is repeated begins the same runs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from heapq import nsmallest

import msgspec
from msgspec import Struct

from arauto.decide.groups import matches, recipient_told
from arauto.errors import LanguageError
from arauto.model import Fanout, Group, Project, Reason, Recipient, Run, derive_id

AT_ONCE = 200
"""So many members of lists one event or step of one notification tells directly; larger lists are fanned out."""

PAGE = 250
"""So many members are told in one transaction at most."""

ASKED = 4 * PAGE
"""So many are asked for one transaction at most; it is more, because of a query's candidates few may be members."""

_KINDS = 5
"""How many kinds of failures are told apart."""


class Answers(Struct, frozen=True):
    """What came of asking some: who is in the group, and what failed."""

    members: tuple[str, ...]
    failures: tuple[str, ...]
    """An entry for each failure."""


def fanned_out(group: str, run: Run, seed: tuple[str, ...]) -> Fanout:
    """A fan-out of which nobody was asked yet. ``run`` is what each member's is when it begins, and ``seed`` what its
    key is derived from, before the recipient's id."""
    return Fanout(key=derive_id("fan", *seed, group), group=group, run=run, seed=seed)


def run_for(fanout: Fanout, recipient: str, now: datetime) -> Run:
    """A member's run, as it begins. It is the same that the group's being told at once would give."""
    return msgspec.structs.replace(
        fanout.run, key=derive_id("run", *fanout.seed, recipient), recipient=recipient, entered_at=now
    )


def following(members: tuple[str, ...], cursor: str, limit: int) -> tuple[list[str], bool]:
    """The members of a list after the cursor, in order, and whether they are the last."""
    found = _in_order(members)
    start = bisect_right(found, cursor)
    return list(found[start : start + limit]), start + limit >= len(found)


@lru_cache(maxsize=4)
def _in_order(members: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(members)))


def candidates(
    stored: Sequence[str], more: bool, fixed: Iterable[str], cursor: str, limit: int
) -> tuple[list[str], bool]:
    """The next to be asked after the cursor, in order, and whether they are the last. ``stored`` are the first of the
    store after the cursor, and ``more`` come after them; ``fixed`` are all of the project."""
    upto = stored[-1] if more else None
    beside = {id for id in fixed if id > cursor and (upto is None or id <= upto)}
    everybody = beside.union(stored)
    return nsmallest(limit, everybody), not more and len(everybody) <= limit


def ask(group: Group, given: Iterable[Recipient], project: Project) -> Answers:
    """Who of these is in the group. A list is asked of its members only."""
    if group.query is None:
        return Answers(tuple(recipient.id for recipient in given), ())
    members: list[str] = []
    failures: list[str] = []
    for recipient in given:
        try:
            if matches(group.query, recipient, project):
                members.append(recipient.id)
        except LanguageError as error:
            failures.append(error.message)
    return Answers(tuple(members), tuple(failures))


def answer_now(group: Group | None, name: str, id: str, recipient: Recipient | None, project: Project) -> Reason:
    """Whether this recipient (None: there is none of this id) is in the group now, or why not."""
    if group is None:
        return Reason("group_gone", {"group": name})
    if group.query is None:
        return Reason("in_group" if id in group.members else "not_in_group", {"group": name})
    if recipient is None:
        return Reason("unknown_recipient", {"recipient": id})
    try:
        if matches(group.query, recipient, project):
            return Reason("in_group", {"group": name})
        return group.query.first_failure({"recipient": recipient_told(recipient, project)})
    except LanguageError as error:
        return Reason("expression_failed", {"expression": group.query.source, "error": error.message})


def went_on(fanout: Fanout, cursor: str, asked: int, failures: Sequence[str]) -> Fanout:
    """The fan-out after a page; ``chosen`` is counted where runs are stored."""
    counted = dict(fanout.failures)
    for failure in failures:
        if failure in counted or len(counted) < _KINDS:
            counted[failure] = counted.get(failure, 0) + 1
    return msgspec.structs.replace(
        fanout, cursor=cursor, asked=fanout.asked + asked, failed=fanout.failed + len(failures), failures=counted
    )
