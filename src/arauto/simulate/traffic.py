"""traffic: the events of a world, in the order of their times, made one hour at a time.

Each is a sample of its type in which the person, ids, times and figures are others, within the type's schema.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import orjson
from msgspec import Struct

from arauto.catalogue.world import Arrivals, Profile, World
from arauto.catalogue.worlds import at
from arauto.decide.calendar import zone_of
from arauto.model import JSON, Catalogue, Recipient
from arauto.simulate.chance import Chance, picked
from arauto.simulate.population import Population, told_of
from arauto.sources import Draft

TICK = timedelta(minutes=5)
"""Events come this far apart, or together: what is dealt with together is several times as fast."""
HOUR = timedelta(hours=1)
Path: TypeAlias = tuple[str | int, ...]

_DAYS: dict[Profile, tuple[float, ...]] = {
    "even": (1,) * 7,
    "office": (1, 1, 1, 1, 1, 0.02, 0.01),
    "shop": (1.1, 1.0, 1.0, 1.05, 1.1, 0.95, 0.8),
    "evening": (0.9, 0.9, 0.9, 0.9, 1.1, 1.2, 1.1),
}
"""From Monday on."""
_HOURS: dict[Profile, tuple[float, ...]] = {
    "even": (1,) * 24,
    "office": (*(0.02,) * 7, 0.2, 0.8, 1.2, 1.3, 1.1, 0.6, 0.9, 1.2, 1.3, 1.1, 0.7, 0.25, *(0.05,) * 5),
    "shop": (
        0.3,
        0.2,
        *(0.06,) * 4,
        0.2,
        0.4,
        0.8,
        1.1,
        1.3,
        1.5,
        1.6,
        1.4,
        *(1.25,) * 4,
        1.3,
        1.5,
        1.8,
        1.9,
        1.5,
        0.8,
    ),
    "evening": (0.5, 0.2, *(0.05,) * 5, 0.1, 0.2, 0.3, 0.4, *(0.6,) * 5, 0.7, 1.0, 1.6, 2.2, 2.6, 2.6, 2.0, 1.1),
}
"""From midnight on, in the project's zone."""
_ID = re.compile(r"\d{4,}")
_WHOLE = ("uri", "uri-reference", "email", "date-time", "date", "time", "uuid", "ipv4", "ipv6")


class Spot(Struct, frozen=True):
    """A value in a sample that is another in each event."""

    path: Path
    kind: str
    """``id``, ``moment``, ``day``, ``number`` or ``choice``."""
    schema: dict[str, Any]


class Coming(Struct, frozen=True, order=True):
    """An event that is to come."""

    time: datetime
    number: int
    type: str
    data: Any
    person: Recipient


class Traffic:
    """Everything that happens in a world from ``start`` to ``end``."""

    def __init__(
        self, world: World, catalogue: Catalogue, population: Population, seed: int, start: datetime, end: datetime
    ) -> None:
        self._world, self._catalogue, self._people = world, catalogue, population
        self._start, self._end, self._chance = start, end, Chance(seed)
        self._random = random.Random(f"traffic {seed}")
        self._zone = zone_of(catalogue.project.time_zone)
        self._arrivals = {each.type: each for each in world.arrivals}
        self._followers = [(follows, each) for each in world.arrivals for follows in each.follows]
        persons = {tuple(path.split(".")) for path in world.facts}
        self._spots = {
            (type_.name, name): tuple(each for each in spots(type_.schema, sample) if each.path not in persons)
            for type_ in catalogue.event_types.values()
            for name, sample in type_.samples.items()
        }
        self._numbers = itertools.count()
        self._waiting: list[Coming] = []

    def __iter__(self) -> Iterator[tuple[datetime, Draft]]:
        """Each event and its time; times never go back."""
        hour = self._start
        while hour < self._end:
            for each in self._world.arrivals:
                self._arrive(each, hour)
            hour += HOUR
            while self._waiting and self._waiting[0].time < min(hour, self._end):
                coming = heapq.heappop(self._waiting)
                self._lead(coming)
                source = self._arrivals[coming.type].source
                yield coming.time, Draft(source=source, id=f"s{coming.number}", type=coming.type, data=coming.data)

    def _arrive(self, each: Arrivals, hour: datetime) -> None:
        if not each.per_day:
            return
        local = hour.astimezone(self._zone)
        days, hours = _DAYS[each.profile], _HOURS[each.profile]
        expected = each.per_day * days[local.weekday()] * 7 / sum(days) * hours[local.hour] / sum(hours)
        for _ in range(self._poisson(expected)):
            moment = hour + HOUR * self._random.random()
            person = self._people.anybody(self._random.random())
            self._come(each, moment, person, None)

    def _poisson(self, expected: float) -> int:
        if expected > 500:
            return max(0, round(self._random.gauss(expected, math.sqrt(expected))))
        limit, product, count = math.exp(-expected), self._random.random(), 0
        while product > limit:
            product *= self._random.random()
            count += 1
        return count

    def _lead(self, coming: Coming) -> None:
        """Make the events that come after this one."""
        for follows, each in self._followers:
            if follows.after == coming.type and self._random.random() < follows.share:
                later = follows.earliest + (follows.latest - follows.earliest) * self._random.random()
                self._come(each, coming.time + max(later, TICK), coming.person, coming.data)

    def _come(self, each: Arrivals, moment: datetime, person: Recipient, after: JSON) -> None:
        time = self._start + (moment - self._start) // TICK * TICK
        if time >= self._end:
            return
        data = self._data(each, time, person, after)
        heapq.heappush(self._waiting, Coming(time, next(self._numbers), each.type, data, person))

    # -- payloads --------------------------------------------------------------------------------------------------

    def _data(self, each: Arrivals, time: datetime, person: Recipient, after: JSON) -> JSON:
        type_ = self._catalogue.event_types[each.type]
        name = picked(each.samples, self._random.random())
        sample: JSON = _copy(type_.samples[name])
        spotted = self._spots[each.type, name]
        fitting = self._about(sample, person, type_.schema)
        if after is not None:
            fitting = _joined(fitting, after, {spot.path for spot in spotted if spot.kind in ("id", "choice")})
        varied = self._varied(fitting, spotted, time, after)
        for data in (varied, fitting):
            if not type_.validate(data):
                return data
        return sample

    def _about(self, sample: JSON, person: Recipient, schema: dict[str, Any]) -> JSON:
        """With this person in the sample's place; what of them is not known is left as it is, or out."""
        data = _copy(sample)
        for path, fact in self._world.facts.items():
            *above, key = path.split(".")
            parent = at(data, ".".join(above)) if above else data
            place = _schema_at(schema, tuple(above))
            if not isinstance(parent, dict) or key not in place.get("properties", {key: {}} if key in parent else {}):
                continue
            told = told_of(person, fact)
            if told is not None:
                parent[key] = told
            elif key not in place.get("required", ()):
                parent.pop(key, None)
        return data

    def _varied(self, data: JSON, spotted: tuple[Spot, ...], time: datetime, after: JSON) -> JSON:
        data = _copy(data)
        renamed: dict[str, str] = {}
        for spot in spotted:
            parent = _value(data, spot.path[:-1])
            old = _value(parent, spot.path[-1:])
            if old is None or (after is not None and _value(after, spot.path) == old):
                continue
            new = self._another(spot, old, time)
            if spot.kind == "id":
                renamed[old] = new
            parent[spot.path[-1]] = new
        return _replaced(data, renamed) if renamed else data

    def _another(self, spot: Spot, old: Any, time: datetime) -> Any:
        draw = self._random
        match spot.kind:
            case "id":
                return _ID.sub(lambda digits: _digits(draw, len(digits[0])), old)
            case "moment":
                return time.astimezone(self._zone).isoformat(timespec="seconds")
            case "day":
                return (time.astimezone(self._zone) + timedelta(days=draw.randint(2, 9))).date().isoformat()
            case "choice":
                return draw.choice(spot.schema["enum"])
        scaled = old * math.exp(draw.gauss(0, 0.35))
        decimals = 0 if isinstance(old, int) else max(2, len(repr(old).partition(".")[2]))
        low, high = spot.schema.get("minimum", -math.inf), spot.schema.get("maximum", math.inf)
        rounded = round(min(max(scaled, low), high), decimals)
        return int(rounded) if isinstance(old, int) else rounded


def spots(schema: dict[str, Any], sample: JSON, path: Path = ()) -> Iterator[Spot]:
    """What in a sample is another in each event: ids, times, figures outside of lists, and what is one of several."""
    if isinstance(sample, dict):
        for key, value in sample.items():
            yield from spots(schema, value, (*path, key))
        return
    place = _schema_at(schema, path)
    format = place.get("format")
    match sample:
        case bool() | None | list():
            return
        case str() if "enum" in place:
            yield Spot(path, "choice", place)
        case str() if format == "date-time":
            yield Spot(path, "moment", place)
        case str() if format == "date":
            yield Spot(path, "day", place)
        case str() if format not in _WHOLE and _ID.search(sample):
            yield Spot(path, "id", place)
        case int() | float() if "enum" not in place and "const" not in place:
            yield Spot(path, "number", place)


def _schema_at(schema: dict[str, Any], path: Path) -> dict[str, Any]:
    """What a schema plainly says of the place; nothing where it says it in another way."""
    for part in path:
        properties = schema.get("properties")
        schema = properties.get(part, {}) if isinstance(properties, dict) else {}
        if not isinstance(schema, dict):
            return {}
    return schema


def _copy(data: JSON) -> JSON:
    return orjson.loads(orjson.dumps(data))


def _value(data: Any, path: Path) -> Any:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _joined(data: JSON, other: JSON, paths: set[Path]) -> JSON:
    """With what the event before says at these places, where it says something there."""
    data = _copy(data)
    renamed: dict[str, str] = {}
    for path in paths:
        told, parent = _value(other, path), _value(data, path[:-1])
        if told is not None and isinstance(parent, dict) and type(told) is type(parent.get(path[-1])):
            if isinstance(told, str) and _ID.search(told):
                renamed[parent[path[-1]]] = told
            parent[path[-1]] = told
    return _replaced(data, renamed) if renamed else data


def _replaced(data: Any, renamed: dict[str, str]) -> Any:
    """With the ids that stand inside of other texts, such as URLs, renamed, too."""
    if isinstance(data, dict):
        return {key: _replaced(value, renamed) for key, value in data.items()}
    if isinstance(data, list):
        return [_replaced(value, renamed) for value in data]
    if isinstance(data, str):
        for old, new in renamed.items():
            data = data.replace(old, new)
    return data


def _digits(draw: random.Random, count: int) -> str:
    """So many digits, of which the first is no zero."""
    return str(draw.randrange(10 ** (count - 1), 10**count))


__all__ = ["TICK", "Traffic"]
