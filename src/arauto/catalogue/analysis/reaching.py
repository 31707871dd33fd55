"""reaching: fixed recipients whom a notification names and cannot reach, and channels that reach nobody it names.

Only who is written down is looked at: of people whom an event names, and of groups that are queries, nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from arauto.catalogue.analysis.whole import Whole, Written
from arauto.catalogue.diagnostics import listed
from arauto.catalogue.document import Path
from arauto.decide import wishes
from arauto.decide.groups import anyone
from arauto.model import Recipient

_SHOWN = 5
"""How many people a finding names."""


def check_reaching(whole: Whole) -> None:
    """Every notification's recipients, and groups without members."""
    for rule in whole.written():
        _check(rule, rule.document.data["to"], ("to",), ("steps",), rule.document.data["steps"])
    for document in whole.recipients:
        for name, group in (document.data.get("groups") or {}).items():
            if group.get("members") == []:
                message, place = f"nobody is in the group {name}", document.place(("groups", name, "members"))
                whole.warn(document.file, place, "empty-group", message, "name its members, or remove it")


class _Sent:
    """The channels of steps, each with the places where it is sent to, and the steps that tell others."""

    def __init__(self, path: Path, steps: Sequence[Mapping[str, Any]]) -> None:
        self.places: dict[str, list[Path]] = {}
        self.others: list[tuple[Path, Mapping[str, Any]]] = []
        self.known = self._take(path, steps)

    def _take(self, path: Path, steps: Iterable[Mapping[str, Any]]) -> bool:
        """Whether all of these steps are understood."""
        known = True
        for index, entry in enumerate(steps):
            ((kind, value),) = entry.items()
            here = (*path, index, kind)
            match kind:
                case "send":
                    self._take_send(here, value)
                case "notify":
                    self.others.append((here, value))
                case "repeat":
                    known = self._take((*here, "steps"), value["steps"]) and known
                case "branch":
                    for number, way in enumerate(value):
                        known = self._take((*here, number, "steps"), way["steps"]) and known
                case "only_if" | "stop" | "delay" | "digest" | "throttle" | "until" | "wait_for":
                    pass
                case _:
                    known = False  # a step from outside, which may send to whatever it likes
        return known

    def _take_send(self, path: Path, value: Any) -> None:
        if isinstance(value, str):
            self.places.setdefault(value, []).append(path)
            return
        names, below = (value["first_of"], (*path, "first_of")) if isinstance(value, dict) else (value, path)
        for index, name in enumerate(names):
            self.places.setdefault(name, []).append((*below, index))


def _check(rule: Written, to: Sequence[Mapping[str, Any]], at: Path, path: Path, steps: Any) -> None:
    sent = _Sent(path, steps)
    for where, notify in sent.others:
        _check(rule, notify["to"], (*where, "to"), (*where, "steps"), notify["steps"])
    if not sent.known or not sent.places:
        return
    reached: set[str] = set()
    certain = True
    for index, target in enumerate(to):
        fixed = list(_fixed(rule.whole, target))
        certain = certain and bool(fixed)
        useful = {each.id: _channels(each, sent.places) for each in fixed}
        reached.update(*useful.values())
        lost = [id for id, found in useful.items() if not found]
        if lost:
            key = "group" if "group" in target else "system"
            _tell_lost(rule, (*at, index, key), lost, list(sent.places), fixed)
            certain = certain and len(lost) < len(fixed)
    for channel in sent.places if certain and reached else ():
        if channel not in reached:
            message = f"nobody whom this notification names has an address for {channel}"
            for place in sent.places[channel]:
                rule.warn(rule.document.place(place), "reaches-nobody", message, "leave it out, or give them one")


def _fixed(whole: Whole, target: Mapping[str, Any]) -> Iterator[Recipient]:
    """Who is surely named, if that is known."""
    catalogue = whole.catalogue
    if "system" in target:
        yield catalogue.recipients[target["system"]]
    elif "group" in target:
        yield from (catalogue.recipients[id] for id in anyone(catalogue.groups[target["group"]]))


def _channels(recipient: Recipient, channels: Iterable[str]) -> set[str]:
    return {channel for channel in channels if wishes.addresses(recipient, channel)}


def _tell_lost(rule: Written, path: Path, lost: Sequence[str], sent: Sequence[str], fixed: Sequence[Recipient]) -> None:
    named = [*lost[:_SHOWN], *([f"{len(lost) - _SHOWN} more"] if len(lost) > _SHOWN else [])]
    group = f", of {rule.document.value(path)}," if path[-1] == "group" else ""
    has = sorted({channel for each in fixed if each.id in lost for channel in each.addresses})
    message = f"{listed(named, 'and')}{group} cannot be reached: no address for {listed(sent)}"
    hint = f"there is one for {listed(has, 'and')}" if has else "add an address in recipients/"
    rule.warn(rule.document.place(path), "unreachable-recipient", message, hint)


__all__ = ["check_reaching"]
