"""editions: by which version of the catalogue a run goes on that an earlier one began; pure.

A run is either pinned to the version that began it, or follows the latest. What a notification says (its steps, texts
and conditions) is of the version; how the hub stands (channels, recipients, groups, settings of the project, what its
categories mean) is always of now.

A step's number means something only within its version. A run that follows to other steps is carried over by what
is written of the step at which it stands, where that stands once in either version; otherwise it can't go on.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import msgspec
from msgspec import Struct

from arauto.model import Catalogue, Group, Notification, Reason, Run

_END = "end"


class Followed(Struct, frozen=True):
    """How a run goes on."""

    run: Run
    catalogue: Catalogue
    note: Reason | None = None
    """What is to be said of it in the run's log."""


def place_of(notification: Notification, step: int) -> str:
    """Where a run stands: the shape of the steps, and what is written of this one where that stands once there."""
    marks = notification.marks
    if step >= len(notification.steps):
        mark = _END
    else:
        mark = marks[step] if step < len(marks) and marks.count(marks[step]) == 1 else ""
    return f"{_shape(marks)}:{mark}"


def mark_of(run: Run) -> str:
    """What tells the step at which a run stands from others, in other versions, too, if it can be told there."""
    return run.at.partition(":")[2] or str(run.step)


def edition_of(notification: Notification) -> str:
    """What tells the runs that it begins from those of other versions; of those that follow the latest, nothing."""
    return notification.edition if notification.in_flight == "pinned" else ""


def begun(run: Run, notification: Notification) -> Run:
    """A run at the beginning of its walk, knowing where it stands."""
    return msgspec.structs.replace(run, at=place_of(notification, run.step), edition=edition_of(notification))


def needs_own(run: Run, current: Catalogue) -> bool:
    """Whether the version that began it has to be known."""
    if run.catalogue == current.version or not run.catalogue:
        return False
    notification = current.notifications.get(run.notification)
    if notification is None:
        return True
    return notification.in_flight == "pinned" and not (run.edition and run.edition == notification.edition)


def follow(run: Run, current: Catalogue, own: Catalogue | None) -> Followed | Reason:
    """How a run goes on, or why it can't. ``own`` is the version that began it, blended with the current one, where it
    is needed and can be had. The setting of now counts, where the notification is still there."""
    notification = current.notifications.get(run.notification)
    if not needs_own(run, current):
        return Reason("notification_gone") if notification is None else _carried(run, notification, current)
    pinned = own.notifications.get(run.notification) if own is not None else None
    if own is not None and pinned is not None and (notification or pinned).in_flight == "pinned":
        return Followed(run, own)
    if notification is None:
        return Reason("notification_gone")
    carried = _carried(run, notification, current)
    if isinstance(carried, Reason):
        return carried
    return msgspec.structs.replace(carried, note=Reason("version_gone", {"version": run.catalogue}))


def blended(own: Catalogue, current: Catalogue, version: str) -> Catalogue:
    """An earlier version as it counts now."""
    return msgspec.structs.replace(
        current,
        version=version,
        categories={**own.categories, **current.categories},
        notifications={**current.notifications, **own.notifications},
        groups=_Groups(current.groups),
    )


class _Groups(dict[str, Group]):
    """A group that is gone has no members."""

    def __missing__(self, name: str) -> Group:
        return Group(name=name)


def _carried(run: Run, notification: Notification, current: Catalogue) -> Followed | Reason:
    """The run at the step of this version at which it stood in its own."""
    if run.catalogue == current.version or not run.catalogue:
        return Followed(run, current)
    moved = msgspec.structs.replace(run, catalogue=current.version, edition=edition_of(notification))
    shape, _, mark = run.at.partition(":")
    if shape == _shape(notification.marks) or (not run.at and run.step == 0):
        return Followed(moved, current)
    if mark == _END:
        step = len(notification.steps)
    elif mark and notification.marks.count(mark) == 1:
        step = notification.marks.index(mark)
    else:
        return Reason("step_gone", {"step": run.step + 1, "version": current.version})
    return Followed(
        msgspec.structs.replace(
            moved,
            step=step,
            at=place_of(notification, step),
            numbering=current.version,
            # What other steps sent must not be taken for what the steps sent that have their numbers now.
            sent=tuple(
                msgspec.structs.replace(sent, step=step if sent.step == run.step else -1 - abs(sent.step))
                for sent in run.sent
            ),
            listening=False,
        ),
        current,
    )


@lru_cache(maxsize=1024)
def _shape(marks: tuple[str, ...]) -> str:
    return hashlib.blake2b("\0".join(marks).encode(), digest_size=6).hexdigest()
