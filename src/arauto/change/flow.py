"""Which steps of a notification are new, gone or otherwise, each under its number.

Steps that mean the same are found in both versions, in order; those between them are compared one by one where they
are of one kind. An address leads to a step: its index, then, for each step that it is inside of, which list, and the
index in that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, Literal, TypeAlias

import orjson
from msgspec import Struct

from arauto.change.meaning import Path, meaning, same
from arauto.decide import steps
from arauto.model import JSON, Notification, Step

Address: TypeAlias = tuple[int, ...]


class StepChange(Struct, frozen=True):
    """One step that is not as it was."""

    sort: Literal["added", "removed", "changed"]
    code: str
    path: Path
    """Where it stands under ``steps``, in the version that has it."""
    before: JSON
    """As it was written."""
    after: JSON
    values: dict[str, JSON]
    """Its addresses: ``before``, ``after``; and for a new one ``behind``, of the step that it follows."""


class _Node(Struct):
    kind: str
    written: JSON
    own: Any
    """What it does, without the steps inside of it and without where it stands."""
    inside: tuple[tuple[_Node, ...], ...]

    @property
    def mark(self) -> str:
        whole = [self.kind, self.own, [[each.mark for each in some] for some in self.inside]]
        return orjson.dumps(whole, default=str).decode()


def steps_changed(old: Notification, new: Notification, before: JSON, after: JSON) -> Iterator[StepChange]:
    """What differs in the steps of two versions of a notification, of which ``before`` and ``after`` are written."""
    yield from _lists(_tree(old, before), _tree(new, after), (), (), ())


def _tree(notification: Notification, written: Sequence[dict[str, JSON]]) -> tuple[_Node, ...]:
    """The steps as they are nested; a notification has them one after another."""
    at = iter(zip(notification.steps, notification.marks, strict=True))

    def take(entries: Sequence[dict[str, JSON]]) -> tuple[_Node, ...]:
        return tuple(node(*next(iter(entry.items()))) for entry in entries)

    def node(kind: str, value: JSON) -> _Node:
        step, mark = next(at)
        lists = step.inside if isinstance(step, steps.Nesting) else ()
        return _Node(kind, value, _own(step, mark), tuple(map(take, lists)))

    return take(written)


def _own(step: Step, mark: str) -> Any:
    if isinstance(step, steps.Nesting):
        step = step.placed((0,) * len(step.inside))
    found = meaning(step)
    if not isinstance(found, dict):
        return mark  # of another package, and no Struct
    return {key: value for key, value in sorted(found.items()) if key != "inside"}


def _lists(
    old: Sequence[_Node], new: Sequence[_Node], above_old: Address, above_new: Address, path: Path
) -> Iterator[StepChange]:
    matcher = SequenceMatcher(None, [each.mark for each in old], [each.mark for each in new], autojunk=False)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        pairs = _pairs(old[old_start:old_end], new[new_start:new_end])
        for one, other in pairs:
            was = None if one is None else (*above_old, old_start + one)
            is_ = None if other is None else (*above_new, new_start + other)
            yield from _step(
                None if one is None else old[old_start + one],
                None if other is None else new[new_start + other],
                was,
                is_,
                path,
            )


def _pairs(old: Sequence[_Node], new: Sequence[_Node]) -> Iterator[tuple[int | None, int | None]]:
    """Which of the old steps became which of the new ones: those of one kind, in order."""
    matcher = SequenceMatcher(None, [each.kind for each in old], [each.kind for each in new], autojunk=False)
    for _, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if old_end - old_start == new_end - new_start and old[old_start].kind == new[new_start].kind:
            yield from zip(range(old_start, old_end), range(new_start, new_end), strict=True)
        else:
            yield from ((index, None) for index in range(old_start, old_end))
            yield from ((None, index) for index in range(new_start, new_end))


def _step(
    old: _Node | None, new: _Node | None, was: Address | None, is_: Address | None, path: Path
) -> Iterator[StepChange]:
    values: dict[str, Any] = {"before": was, "after": is_}
    at = is_ if is_ is not None else was
    assert at is not None
    place = (*path, at[-1])
    if old is None or new is None:
        sort: Literal["added", "removed"] = "added" if old is None else "removed"
        yield StepChange(sort, "notification.step", place, old and _written(old), new and _written(new), values)
    elif len(old.inside) != len(new.inside):
        yield StepChange("changed", "notification.step.ways", place, _written(old), _written(new), values)
    else:
        if not same(old.own, new.own):
            yield StepChange("changed", "notification.step", place, _written(old), _written(new), values)
        assert was is not None
        assert is_ is not None
        for number, (one, other) in enumerate(zip(old.inside, new.inside, strict=True)):
            inside = (*place, number) if len(new.inside) > 1 else place
            yield from _lists(one, other, (*was, number), (*is_, number), (*inside, "steps"))


def _written(node: _Node) -> JSON:
    return {node.kind: node.written}


__all__ = ["Address", "StepChange", "steps_changed"]
