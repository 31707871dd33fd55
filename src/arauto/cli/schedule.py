"""schedule: when the events of schedules come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from arauto.catalogue.values import Refused, time_zone
from arauto.cli import Failed
from arauto.cli.check import compile_or_exit
from arauto.cli.hub import JsonOption, ProjectOption, print_json
from arauto.decide.calendar import at_wall_clock
from arauto.decide.times import Tick
from arauto.engine.ticking import schedules
from arauto.sources import Schedule

app = typer.Typer(help="Show when the events of schedules come.")

_NONE = """\
The project has no schedule. One is a file in sources/, such as sources/opening.yaml:

  kind: schedule
  event: day.opening            # one of events/
  cron: "0 8 * * MON-FRI"

All about it: docs/howto/run-on-a-schedule.md"""


@app.callback()
def _group() -> None:
    """Show when the events of schedules come."""


@app.command("next")
def next_times(
    source: Annotated[
        str | None, typer.Argument(help="The schedule; all of them when not given.", show_default=False)
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", help="How many times of each.", min=1, max=1000)] = 10,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="From when on: 2026-03-28, '2026-03-28 12:00' (in the project's zone) or RFC 3339.",
            show_default="now",
        ),
    ] = None,
    zone: Annotated[
        list[str] | None, typer.Option(help="Show the times in this zone, too; may be given several times.")
    ] = None,
    project: ProjectOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Show the coming times of schedules: in their zone, in the project's, in those that you name, and in UTC.

    What clocks do at a time is remarked: that they skip it, or show it twice. No hub needs to run.

    Examples:

      arauto schedule next
      arauto schedule next opening --count 3 --zone Europe/Lisbon
      arauto schedule next --from 2026-03-28 --json
    """
    catalogue = compile_or_exit(project)
    found = schedules(catalogue)
    if source is not None and source not in found:
        there_are = ", ".join(sorted(found)) or "none"
        raise Failed(f"there is no schedule {source!r} in the project; there are: {there_are}", 4)
    chosen = [schedule for name, schedule in sorted(found.items()) if source in (None, name)]
    zones = [_zone(name) for name in zone or ()]
    begin = _from(start, catalogue.project.time_zone)
    shown = [_shown(each, begin, count, (each.zone, catalogue.project.time_zone, *zones, "UTC")) for each in chosen]
    if as_json:
        print_json({"from": _utc(begin), "schedules": shown})
    elif not shown:
        typer.echo(_NONE)
    else:
        typer.echo("\n\n".join(_drawn(each) for each in shown))


def _from(text: str | None, zone: str) -> datetime:
    if text is None:
        from arauto.app import now

        return now()
    try:
        moment = datetime.fromisoformat(text)
        if 1900 <= moment.year <= 2200:
            return (moment if moment.tzinfo else at_wall_clock(moment.date(), moment.time(), zone)).astimezone(UTC)
    except ValueError:
        pass
    allowed = "write 2026-03-28, '2026-03-28 12:00' or 2026-03-28T12:00:00Z, of a year from 1900 to 2200"
    raise Failed(f"--from is no time: {text!r}; {allowed}", 2)


def _zone(name: str) -> str:
    try:
        return time_zone(name)
    except Refused as refused:
        raise Failed(f"--zone: {refused}; {refused.hint}", 2) from None


def _shown(schedule: Schedule, begin: datetime, count: int, zones: Sequence[str]) -> dict[str, Any]:
    known = {zone: ZoneInfo(zone) for zone in zones}
    following: list[dict[str, Any]] = []
    before: Tick | None = None
    # What comes at the very moment from which on times are asked for counts.
    for tick in islice(schedule.ticks(begin - timedelta(microseconds=1)), count):
        following.append(
            {
                "at": _utc(tick.at),
                "shown": {zone: tick.at.astimezone(info).isoformat(timespec="seconds") for zone, info in known.items()},
                "clocks": tick.clocks,
                "remarks": [*_remark(tick, known[schedule.zone]), *_changes(before, tick, schedule.zone, known)],
            }
        )
        before = tick
    return {
        "source": schedule.name,
        "event": schedule.types[0][1],
        "rule": schedule.rule,
        "zone": schedule.zone,
        "missed": schedule.missed,
        "next": following,
    }


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _remark(tick: Tick, zone: ZoneInfo) -> list[str]:
    """What becomes of a time because clocks of its schedule change."""
    wall = f"{tick.wall:%H:%M}"
    match tick.clocks:
        case "gap":
            return [f"clocks skip {wall}: it comes right after, at {tick.at.astimezone(zone):%H:%M}"]
        case "once":
            return [f"clocks show {wall} twice: it comes once, the first time"]
        case "first" | "second":
            return [f"clocks show {wall} twice: this is the {tick.clocks} time"]
    return []


def _changes(before: Tick | None, tick: Tick, own: str, zones: Mapping[str, ZoneInfo]) -> Iterator[str]:
    """In which zones clocks have changed since the time before; of its own zone, unless that is said already."""
    for name, zone in zones.items():
        if before is None or (name == own and tick.clocks is not None):
            continue
        then, now = before.at.astimezone(zone).utcoffset(), tick.at.astimezone(zone).utcoffset()
        if then is not None and now is not None and then != now:
            yield f"clocks in {name} went {'forward' if now > then else 'back'} since the time before"


def _drawn(shown: dict[str, Any]) -> str:
    when = f"{shown['rule']} ({shown['zone']})"
    head = f"{shown['source']}: {when} gives {shown['event']}; of missed times: {shown['missed']}"
    if not shown["next"]:
        return f"{head}\n  no time is to come any more"
    seconds = any(each["at"][17:19] != "00" for each in shown["next"])
    rows = [[*shown["next"][0]["shown"], ""]]
    rows += [
        [*(_read(text, seconds) for text in each["shown"].values()), "; ".join(each["remarks"])]
        for each in shown["next"]
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([head, *(f"  {line}" for line in lines)])


def _read(text: str, seconds: bool) -> str:
    """A time for people: with the day of the week and the offset from UTC."""
    moment = datetime.fromisoformat(text)
    offset = f"{moment:%z}"
    clock = f"{moment:%H:%M:%S}" if seconds else f"{moment:%H:%M}"
    return f"{moment:%a %Y-%m-%d} {clock} {offset[:3]}:{offset[3:5]}"
