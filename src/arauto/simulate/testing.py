"""testing: play a case, and say what came otherwise than expected, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from arauto.catalogue.case import Answers, Case, Changes, Comes, Fails, Happening, Of, Silences, Wants
from arauto.errors import IntakeError
from arauto.model import JSON, Catalogue
from arauto.simulate.coverage import Reached
from arauto.simulate.matching import Compared, Matched, match
from arauto.simulate.simulation import Carried, Outage, Simulation, Simulator


class Played(Struct, frozen=True):
    """What came of a case."""

    case: Case
    received: tuple[Carried, ...]
    matched: Matched
    problem: str | None
    """Why it could not be played to its end."""
    explanations: tuple[Mapping[str, JSON], ...]
    """Of a case that failed: why those events had the messages that they had."""

    @property
    def passed(self) -> bool:
        """All came as expected."""
        return self.problem is None and not self.matched.wrong and not self.unexpected

    @property
    def unexpected(self) -> Sequence[Carried]:
        """What came and is of matter although nobody expected it."""
        return () if self.case.others_allowed else self.matched.unexpected


class _Impossible(Exception):
    """The case asks for what cannot be."""


async def play(
    case: Case, catalogue: Catalogue, simulator: Simulator, *, reached: Reached | None = None, language: str = "en"
) -> Played:
    """Play a case from its beginning to its end. ``reached`` takes note of what of the project it reached."""
    simulation = await simulator.begin(catalogue, case.start)
    problem = None
    try:
        await _play(case, simulation)
    except _Impossible as error:
        problem = str(error)
    matched = match(case.expected, simulation.received, case.start, case.zone)
    played = Played(case, tuple(simulation.received), matched, problem, ())
    if reached is not None:
        await reached.note(simulation)
    if played.passed:
        return played
    explanations = await _explanations(played, simulation, language)
    return Played(case, played.received, matched, problem, explanations)


async def _play(case: Case, simulation: Simulation) -> None:
    await simulation.start_schedules()
    if case.recipients:
        await simulation.know(*case.recipients)
    for id, wishes in case.wishes.items():
        await simulation.wish(id, wishes)
    for happening in case.happenings:  # a provider that fails from a time on fails what is due at that time, too
        if isinstance(happening.what, Fails):
            what = happening.what
            outage = Outage(what.channel, what.fails, what.provider, happening.at, what.until, what.times)
            simulation.outages.append(outage)
    for happening in case.happenings:
        await simulation.run_until(happening.at)
        await _happen(happening, simulation)
    await simulation.run_until(case.named_until)
    if case.until is None:
        simulation.stop_schedules()
        await simulation.run_out()
    for each in simulation.rejections:
        raise _Impossible(f"the schedule {each.source} gave no valid event: {each.detail}")


async def _happen(happening: Happening, simulation: Simulation) -> None:
    match happening.what:
        case Comes(draft):
            try:
                await simulation.accept(draft)
            except IntakeError as error:
                raise _Impossible(f"line {happening.line}: the event is refused: {error}") from None
        case Answers(kind, of, permanent):
            await simulation.answer(_find(of, simulation, happening).message, kind, permanent=permanent)
        case Wants(wishes):
            for id, wanted in wishes.items():
                await simulation.wish(id, wanted)
        case Silences(silence):
            await simulation.silence(silence)
        case Changes(catalogue):
            await simulation.adopt(catalogue)
    await simulation.settle_down()


def _find(of: Of, simulation: Simulation, happening: Happening) -> Carried:
    for each in reversed(simulation.received):
        if (
            of.to in (None, each.recipient)
            and of.by in (None, each.channel)
            and of.notification in (None, each.notification)
        ):
            return each
    said = " ".join(
        text
        for text in (
            of.notification or "message",
            f"to {of.to}" if of.to else "",
            f"by {of.by}" if of.by else "",
        )
        if text
    )
    raise _Impossible(f"line {happening.line}: no {said} had been received by then, so nobody can answer it")


async def _explanations(played: Played, simulation: Simulation, language: str) -> tuple[Mapping[str, JSON], ...]:
    """Of the events that the faults are about, each once, with nothing of other notifications."""
    wanted: dict[str, set[str]] = {}
    for each in played.unexpected:
        wanted.setdefault(each.event, set()).add(each.notification)
    for compared in played.matched.wrong:
        for event, notifications in _about(compared, played, simulation).items():
            wanted.setdefault(event, set()).update(notifications)
    found = []
    for event, notifications in wanted.items():
        told = dict(await simulation.explain(event, language=language))
        its = [each for each in told["notifications"] if each["notification"] in notifications]
        told["notifications"] = its or told["notifications"]
        found.append(told)
    return tuple(found)


def _about(compared: Compared, played: Played, simulation: Simulation) -> dict[str, set[str]]:
    """By event, the notifications that a missing or a different message is about."""
    expected, actual = compared.expected, compared.actual
    if actual is not None:
        return {actual.event: {actual.notification}}
    catalogue = simulation.catalogue
    name = expected.notification
    about = {
        event.key: {name} if name else {each.name for each in catalogue.by_event_type.get(event.type, ())}
        for event in simulation.events
        if name is None or (name in catalogue.notifications and event.type in catalogue.notifications[name].on)
    }
    return about or {event.key: set() for event in simulation.events[-1:]}
