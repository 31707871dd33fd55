"""loops: systems whose webhook leads back to a source of this hub, so that an event makes itself again.

What is certain here is only a warning: the hub stops what goes round by counting (``model.MOST_HOPS``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from arauto.catalogue.analysis.unused import types_of
from arauto.catalogue.analysis.whole import Whole
from arauto.catalogue.diagnostics import Place
from arauto.catalogue.document import Document
from arauto.decide.groups import anyone
from arauto.model import MOST_HOPS, GroupTarget, Notification, Recipient, SystemTarget, Target

_CHANNEL = "webhook"
_PORTS = {"http": 80, "https": 443}
_OWN_PORT = 8700
"""Where ``arauto serve`` listens when it is told no other port."""


def check_loops(whole: Whole) -> None:
    """Each webhook through which an event type leads back to itself."""
    leads = {id: list(_leads_back(whole, recipient)) for id, recipient in whole.catalogue.recipients.items()}
    leads = {id: found for id, found in leads.items() if found}
    if not leads:
        return
    told = [each for rule in whole.catalogue.notifications.values() for each in _told(whole, rule, leads)]
    follows: dict[str, set[str]] = {}
    for rule, id in told:
        for type_ in rule.on:
            follows.setdefault(type_, set()).update(*(types for _, _, types in leads[id]))
    for rule, id in told:
        for index, url, types in leads[id]:
            circle = next(
                (way for type_ in rule.on for start in sorted(types) if (way := _way(start, type_, follows))), None
            )
            if circle is not None:
                _tell(whole, rule, id, index, url, circle)


def _leads_back(whole: Whole, recipient: Recipient) -> Iterator[tuple[int, str, frozenset[str]]]:
    """Of its addresses, those of this hub: the index, the path, and the event types that come of it."""
    every = frozenset(whole.catalogue.event_types)
    for index, url in enumerate(recipient.addresses.get(_CHANNEL, ())):
        path = _own_path(str(url), whole.catalogue.project.public_url)
        if path == "/v1/events":
            yield index, path, every
        elif path is not None and path.startswith("/in/") and (name := path[4:]) in whole.catalogue.sources:
            types = types_of(whole, name)
            yield index, path, every if types is None else types & every


def _own_path(url: str, public_url: str | None) -> str | None:
    """The path of a URL that leads to this hub."""
    parts = urlsplit(url)
    if public_url is not None:
        own = urlsplit(public_url.rstrip("/"))
        if _origin(url) == _origin(public_url) and parts.path.startswith(own.path):
            return parts.path[len(own.path) :]
    if parts.port == _OWN_PORT and _is_loopback(parts.hostname or ""):
        return parts.path
    return None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _told(whole: Whole, rule: Notification, leads: Mapping[str, object]) -> Iterator[tuple[Notification, str]]:
    """Whom of these a notification tells by webhook."""
    if not any(_CHANNEL in step.channels for step in rule.steps):
        return
    targets = [*rule.to, *(target for step in rule.steps for target in getattr(step, "targets", ()))]
    for id in dict.fromkeys(id for target in targets for id in _named(whole, target)):
        if id in leads:
            yield rule, id


def _named(whole: Whole, target: Target) -> Iterable[str]:
    match target:
        case SystemTarget():
            return (target.system,)
        case GroupTarget():
            return anyone(whole.catalogue.groups[target.group])
    return ()


def _way(start: str, end: str, follows: Mapping[str, Iterable[str]]) -> list[str] | None:
    """How one event type leads to another: the types on the shortest way."""
    ways, seen = [[start]], {start}
    for way in ways:
        if way[-1] == end:
            return way
        for following in sorted(follows.get(way[-1], ())):
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return None


def _tell(whole: Whole, rule: Notification, id: str, index: int, path: str, circle: list[str]) -> None:
    document, place = _address(whole, id, index)
    round_ = " → ".join([circle[-1], rule.name, id, path, *circle])
    message = f"events go round in a loop: {round_}"
    hint = f"the hub refuses what has gone round {MOST_HOPS} times; let the source give other event types"
    whole.warn(document.file, place, "loop", message, hint)


def _address(whole: Whole, id: str, index: int) -> tuple[Document, Place]:
    for document in whole.recipients:
        for kind in ("systems", "people"):
            if id in (document.data.get(kind) or {}):
                path = (kind, id, _CHANNEL)
                return document, document.place((*path, index) if isinstance(document.value(path), list) else path)
    raise LookupError(id)


__all__ = ["check_loops"]
