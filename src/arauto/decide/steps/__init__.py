"""Steps: the entries of a notification's ``steps``, one module each.

A module here is a step: it has ``compile(value, build) -> Step``, where ``value`` is what stands under the step's
name in YAML and ``build`` compiles what is in it; a value that is not allowed raises ValueError, which says what is.
A step that has other steps inside is Nesting, too; one that can say what it does is Telling.
The folder is the registration: nothing else lists them.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Protocol, runtime_checkable

from msgspec import Struct

from arauto.model import JSON, Awaited, Expression, Reason, Step, Target, parse_duration

_LONGEST = timedelta(days=3660)


class Build(Protocol):
    """Compiles what stands inside a step. Each verb raises LanguageError for what is wrong, once it was told at its
    place."""

    def condition(self, source: str) -> Expression:
        """An expression that is true or false."""
        ...

    def value(self, source: str) -> Expression:
        """An expression."""
        ...

    def awaited(self, written: JSON) -> Awaited:
        """``{event: order.paid, match: event.data.order.id}``, where ``match`` may be ``{here: …, there: …}``, and
        ``when`` may be added."""
        ...

    def targets(self, written: JSON) -> tuple[Target, ...]:
        """What may stand under ``to``."""
        ...


@runtime_checkable
class Nesting(Protocol):
    """A step with lists of steps inside."""

    @property
    def inside(self) -> tuple[Sequence[dict[str, JSON]], ...]:
        """Those lists, as written, in the order of the file."""
        ...

    @property
    def rejoins(self) -> str:
        """What follows the last step of a list: ``after`` this step, this step ``again``, or the ``end`` of the run."""
        ...

    def placed(self, starts: tuple[int | None, ...]) -> Step:
        """The step, told the index of the first step of each list; None for an empty one, after which the run goes on
        with what follows this step."""
        ...


class Description(Struct, frozen=True):
    """What a step does, for people: codes with values, put into words by ``generate``."""

    clauses: tuple[Reason, ...]
    """One after another; the first is the main one."""
    inside: tuple[Reason, ...] = ()
    """Of each list of steps inside, when it is taken; none where that needs no words."""


@runtime_checkable
class Telling(Protocol):
    """A step that can say what it does."""

    def describe(self) -> Description:
        """What it does, whoever it is for and whenever that is."""
        ...


Compile = Callable[[JSON, Build], Step]


def span(written: JSON) -> timedelta:
    """A time in which something can happen: more than nothing, ten years at most. Raises ValueError."""
    if not isinstance(written, str):
        raise ValueError(f"{written!r} is no duration; write a number and a unit, such as 30s, 5m or 1h30m")
    try:
        found = parse_duration(written)
    except OverflowError:
        found = timedelta.max
    if not found:
        raise ValueError(f"nothing can happen in {written}; write a duration of 1s or more")
    if found > _LONGEST:
        raise ValueError(f"{written} is longer than ten years; choose a shorter time")
    return found


@cache
def names() -> tuple[str, ...]:
    """The kinds of steps there are: the modules here, and entry points of group ``arauto.steps``."""
    built_in = {module.name for module in pkgutil.iter_modules(__path__)}
    return tuple(sorted(built_in | {point.name for point in entry_points(group="arauto.steps")}))


@cache
def load(kind: str) -> Compile:
    """The compile function of a kind of step, which is one of ``names()``."""
    for point in entry_points(group="arauto.steps"):
        if point.name == kind:
            outside: Compile = import_module(point.value).compile
            return outside
    built_in: Compile = import_module(f"{__name__}.{kind}").compile
    return built_in
