"""scope: of a change, what it may alter. Only that need be tried on recorded events: all else would come out the same.

It is told from the files that differ, so that whatever is tried may still turn out to be the same; what is left out
cannot differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from pathlib import PurePosixPath

import msgspec
from msgspec import Struct

from arauto import sources
from arauto.model import Catalogue, PersonTarget

WEEK = timedelta(days=7)
LONGEST = timedelta(days=40)


class Scope(Struct, frozen=True):
    """What of two versions of a project may come out differently."""

    notifications: frozenset[str]
    """Those that are tried."""
    everything: str | None
    """Why all notifications are tried: a file that counts for all, or ``attention``; None: they are not."""
    untried: tuple[str, ...]
    """Sources whose mapping changed: what they were sent is not kept, so it can't be mapped again."""
    types: frozenset[str]
    """The event types that are needed for that."""
    warm_up: timedelta
    """How long before the period the replay begins, so that what was under way then is under way."""


def scope_of(old: Catalogue, new: Catalogue) -> Scope:
    """What a change from one version to another may alter."""
    names = old.files.keys() | new.files.keys()
    differ = sorted(name for name in names if old.files.get(name) != new.files.get(name))
    both = (old, new)
    known = frozenset(name for each in both for name in each.notifications)
    touched: set[str] = set()
    everything: str | None = None
    untried: list[str] = []
    for name in differ:
        part, *rest = PurePosixPath(name).parts
        stem = PurePosixPath(name).stem
        if part == "notifications":
            found = {each for each in known if PurePosixPath(*rest).is_relative_to(each)}
            touched |= found
            everything = everything or (None if found else name)
        elif part == "events":
            touched |= {each for each in known if any(stem in _types(catalogue, each) for catalogue in both)}
        elif part == "channels":
            touched |= {
                each
                for catalogue in both
                for each, notification in catalogue.notifications.items()
                if stem in notification.composers or stem in notification.corrections
            }
        elif part == "sources":
            if any(_ticks(catalogue, stem) for catalogue in both):
                everything = everything or name
            else:
                untried.append(stem)
        else:
            everything = everything or name
    if touched and any(each.project.attention for each in both):
        everything = everything or "attention"
    if everything is not None:
        touched = set(known)
    touched |= _telling(touched, both)
    types = frozenset(type_ for catalogue in both for name in touched for type_ in _types(catalogue, name))
    return Scope(
        frozenset(touched),
        everything,
        tuple(untried),
        types,
        _warm_up(touched, both) if touched else WEEK,
    )


def narrowed(catalogue: Catalogue, scope: Scope) -> Catalogue:
    """The catalogue, in which only what is tried begins and listens."""
    return msgspec.structs.replace(
        catalogue,
        by_event_type={
            type_: tuple(each for each in found if each.name in scope.notifications)
            for type_, found in catalogue.by_event_type.items()
        },
        listeners={
            type_: tuple(each for each in found if each.notification in scope.notifications)
            for type_, found in catalogue.listeners.items()
        },
    )


def by_clock(*catalogues: Catalogue) -> frozenset[str]:
    """The sources of these that tick by themselves."""
    return frozenset(name for catalogue in catalogues for name in catalogue.sources if _ticks(catalogue, name))


def _ticks(catalogue: Catalogue, source: str) -> bool:
    config = catalogue.sources.get(source)
    return config is not None and sources.load(config.kind).KIND.by_clock


def _types(catalogue: Catalogue, name: str) -> set[str]:
    """The event types that begin a notification, or that it listens for."""
    notification = catalogue.notifications.get(name)
    heard = {type_ for type_, found in catalogue.listeners.items() if any(each.notification == name for each in found)}
    return heard.union(notification.on if notification is not None else ())


def _telling(touched: Collection[str], both: tuple[Catalogue, ...]) -> set[str]:
    """Those that bring people up to date by the same events, for what is tried may be for them."""
    types = {
        type_
        for catalogue in both
        for name in touched
        if (notification := catalogue.notifications.get(name)) is not None
        for type_ in notification.on
    }
    return {
        notification.name
        for catalogue in both
        for type_ in types
        for notification in catalogue.by_event_type.get(type_, ())
        if any(isinstance(target, PersonTarget) and target.upsert for target in notification.to)
    }


def _warm_up(names: Collection[str], both: tuple[Catalogue, ...]) -> timedelta:
    """The longest time that anything of it lasts, a week at least."""
    spans = [WEEK]
    for catalogue in both:
        if catalogue.project.attention is not None:
            spans.append(catalogue.project.attention.per)
        for name in names:
            notification = catalogue.notifications.get(name)
            if notification is not None:
                spans.extend(span for step in notification.steps for span in _spans(step))
    return min(max(spans), LONGEST)


def _spans(value: object) -> Iterator[timedelta]:
    if isinstance(value, timedelta):
        yield value
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from _spans(getattr(value, name))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _spans(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _spans(each)
