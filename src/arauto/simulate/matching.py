"""matching: which of the expected messages were received, which were not, and what came that nobody expected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from arauto.catalogue.case import Expected
from arauto.model import JSON, write_duration
from arauto.simulate.simulation import Carried

_WHO = ("to", "by", "notification", "kind")
_MISSING = object()


class Difference(Struct, frozen=True):
    """Something of a message that is not as expected."""

    what: str
    """``at``, ``to``, ``title``, …; of a part of the content, its path."""
    expected: str
    actual: str


class Compared(Struct, frozen=True):
    """An expected message and the one that comes nearest to it."""

    expected: Expected
    actual: Carried | None
    differences: tuple[Difference, ...] = ()


class Matched(Struct, frozen=True):
    """What became of all that was expected."""

    wrong: tuple[Compared, ...]
    """Expected, and not received, or received otherwise."""
    unexpected: tuple[Carried, ...]
    """Received, and like nothing that is expected."""


def match(expected: Sequence[Expected], received: Sequence[Carried], start: datetime, zone: str) -> Matched:
    """Give each expected message one that was received, such that as many as possible fit."""
    fits = [
        [index for index, other in enumerate(received) if next(differences(one, other, start, zone), None) is None]
        for one in expected
    ]
    taken: dict[int, int] = {}
    for number in range(len(expected)):
        _place(number, fits, taken, set())
    placed = set(taken.values())
    left = [index for index in range(len(received)) if index not in taken]
    wrong: list[Compared] = []
    for number in (each for each in range(len(expected)) if each not in placed):
        told = {index: tuple(differences(expected[number], received[index], start, zone)) for index in left}
        nearest = min(left, key=lambda index: (_distance(told[index]), index), default=None)
        if nearest is None or _is_another(told[nearest]):
            wrong.append(Compared(expected[number], None))
        else:
            left.remove(nearest)
            wrong.append(Compared(expected[number], received[nearest], told[nearest]))
    return Matched(tuple(wrong), tuple(received[index] for index in left))


def _place(number: int, fits: Sequence[Sequence[int]], taken: dict[int, int], tried: set[int]) -> bool:
    """Kuhn's way: who has what this one needs looks for something else."""
    for index in fits[number]:
        if index not in tried:
            tried.add(index)
            if index not in taken or _place(taken[index], fits, taken, tried):
                taken[index] = number
                return True
    return False


def _distance(found: Sequence[Difference]) -> int:
    return sum(10 if each.what in _WHO else 1 for each in found)


def _is_another(found: Sequence[Difference]) -> bool:
    """It has less in common with what is expected than that it could be meant."""
    return sum(each.what in _WHO for each in found) > 1 or any(each.what == "to" for each in found)


def differences(expected: Expected, actual: Carried, start: datetime, zone: str) -> Iterator[Difference]:
    """All that is not as expected."""
    for what, wanted, found in (
        ("to", expected.to, actual.recipient),
        ("by", expected.by, actual.channel),
        ("notification", expected.notification, actual.notification),
        ("kind", expected.kind, actual.kind),
        ("language", expected.language, actual.locale),
        ("provider", expected.provider, actual.provider),
        ("title", expected.title, actual.title),
    ):
        if wanted is not None and wanted != found:
            yield Difference(what, wanted, "none" if found is None else found)
    if expected.earliest is not None and expected.latest is not None and not _in_time(expected, actual):
        yield Difference("at", _expected_time(expected, start, zone), shown_time(actual.at, start, zone))
    if not (expected.contains or expected.lacks or expected.content):
        return
    form = actual.form
    texts = [text for _, text in texts_of(form)]
    for text in expected.contains:
        if not any(text in each for each in texts):
            yield Difference("contains", text, main_text(form))
    for text in expected.lacks:
        for each in (each for each in texts if text in each):
            yield Difference("lacks", text, each)
            break
    for path, value in expected.content.items():
        found = part_of(form, path)
        if found is _MISSING:
            yield Difference(path, _shown(value), f"not there; there is: {', '.join(known_paths(form))}")
        elif found != value:
            yield Difference(path, _shown(value), _shown(found))


def _in_time(expected: Expected, actual: Carried) -> bool:
    assert expected.earliest is not None
    assert expected.latest is not None
    return expected.earliest <= actual.at < expected.latest


# -- what stands in a message --------------------------------------------------------------------------------------


def part_of(form: JSON, path: str) -> JSON:
    """The part of a form at a dotted path: ``actions.0.url``."""
    for part in path.split("."):
        if isinstance(form, dict) and part in form:
            form = form[part]
        elif isinstance(form, list) and part.isdecimal() and int(part) < len(form):
            form = form[int(part)]
        else:
            return _MISSING
    return form


def known_paths(form: JSON) -> list[str]:
    """The keys of a form."""
    return list(form) if isinstance(form, dict) else []


def texts_of(form: JSON, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a form, with its dotted path."""
    if isinstance(form, str):
        yield path, form
    elif isinstance(form, dict | list):
        for key, value in form.items() if isinstance(form, dict) else enumerate(form):
            yield from texts_of(value, f"{path}.{key}".lstrip("."))


def main_part(form: JSON) -> dict[str, str]:
    """What people read of a message, by its key; nothing where the channel has no name for it."""
    if isinstance(form, dict):
        for key in ("text", "body"):
            if isinstance(form.get(key), str):
                return {key: form[key]}
    return {}


def main_text(form: JSON) -> str:
    """What people read of a message, where the channel has a name for it; else all its texts."""
    return " · ".join(main_part(form).values() or (text for _, text in texts_of(form)))


def _shown(value: JSON) -> str:
    return value if isinstance(value, str) else repr(value)


# -- times ---------------------------------------------------------------------------------------------------------


def shown_time(moment: datetime, start: datetime, zone: str) -> str:
    """``+3h (12:00)``: since the beginning, and by the clock of the zone."""
    local = moment.astimezone(ZoneInfo(zone))
    same_day = local.date() == start.astimezone(ZoneInfo(zone)).date()
    clock = ("" if same_day else "%a %m-%d ") + ("%H:%M:%S" if local.second else "%H:%M")
    return f"+{write_duration(moment - start)} ({local:{clock}})"


def _expected_time(expected: Expected, start: datetime, zone: str) -> str:
    assert expected.earliest is not None
    if expected.when is not None and " – " in expected.when:
        return f"between {expected.when}"
    return shown_time(expected.earliest, start, zone)
