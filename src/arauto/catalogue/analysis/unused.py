"""unused: what is there and leads to nothing: event types, sources, categories, groups and channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from arauto import sources
from arauto.catalogue.analysis.whole import Whole
from arauto.catalogue.diagnostics import START, listed


def check_unused(whole: Whole) -> None:
    """Each thing that nothing refers to."""
    _check_event_types(whole, _check_sources(whole))
    catalogue = whole.catalogue
    rules = catalogue.notifications.values()
    for name in catalogue.categories.keys() - {each.category for each in rules}:
        place = whole.project.key_place(("categories", name))
        whole.warn(whole.project.file, place, "unused-category", f"no notification is of the category {name}")
    named = {group for document in whole.notifications.values() for group in _groups(document.data)}
    for document in whole.recipients:
        for name in document.data.get("groups") or {}:
            if name not in named:
                place = document.key_place(("groups", name))
                whole.warn(document.file, place, "unused-group", f"no notification is for the group {name}")
    used = {channel for each in rules for step in each.steps for channel in step.channels}
    for name, document in whole.channels.items():
        if name not in used:
            whole.warn(document.file, START, "unused-channel", f"no notification sends to {name}")


def types_of(whole: Whole, name: str) -> frozenset[str] | None:
    """The event types that a source gives; None where it does not say."""
    config = whole.catalogue.sources[name]
    module = sources.load(config.kind)
    settings: Any = config.settings
    if module.KIND.by_clock:
        found = module.compile(name, settings, whole.catalogue.project.time_zone)
    else:
        found = module.compile(name, settings)
    return frozenset(type_ for _, type_ in found.types) or None


def _check_sources(whole: Whole) -> set[str]:
    """The event types that were told with an idle source."""
    handled = _handled(whole)
    idle: set[str] = set()
    for name, document in whole.sources.items():
        types = types_of(whole, name)
        if types is None or types & handled:
            continue
        message = f"nobody hears of what the source {name} tells: {listed(sorted(types), 'and')}"
        whole.warn(document.file, START, "idle-source", message, "write a notification on it, or remove the source")
        idle |= types
    return idle


def _handled(whole: Whole) -> set[str]:
    rules = whole.catalogue.notifications.values()
    return {*whole.catalogue.listeners, *(type_ for each in rules for type_ in each.on)}


def _check_event_types(whole: Whole, told: set[str]) -> None:
    handled = _handled(whole) | told
    for file in whole.folder.flat.get("events", ()):
        if file.stem in handled:
            continue
        sample = next(iter(whole.catalogue.event_types[file.stem].samples))
        message = f"nobody hears of {file.stem}: an event such as its sample {sample} is accepted, and nothing follows"
        hint = "write a notification on it, or something that waits for it"
        whole.warn(file.name, START, "unused-event-type", message, hint)


def _groups(written: Any) -> Iterator[str]:
    """The names that stand under ``group``, wherever."""
    if isinstance(written, dict):
        for key, value in written.items():
            if key == "group" and isinstance(value, str):
                yield value
            else:
                yield from _groups(value)
    elif isinstance(written, list):
        for each in written:
            yield from _groups(each)


__all__ = ["check_unused", "types_of"]
