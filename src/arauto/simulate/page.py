"""page: an outcome as one HTML page: no script, nothing from elsewhere; for the dark, paper and screen readers, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from html import escape
from importlib.resources import files
from zoneinfo import ZoneInfo

from babel.dates import format_date

from arauto.decide.wishes import IN_APP
from arauto.generate.html import head, sheet
from arauto.simulate import charts
from arauto.simulate.outcome import Difference, Outcome
from arauto.simulate.tally import NIGHT
from arauto.simulate.telling import Teller

_COLORS = 7
_REASONS = 25
"""So many are shown; all are in the JSON."""
_DAYS_NAMED = 15
"""On longer timelines, only some of the days have their names."""


def page(outcome: Outcome, language: str, color: str) -> str:
    """The page; ``color`` is the brand's."""
    return _Page(outcome, language).whole(color)


class _Page:
    """One page."""

    def __init__(self, outcome: Outcome, language: str) -> None:
        self.outcome, self.language = outcome, language
        self.teller = Teller(outcome, language)
        self.colors = {each.channel: index % _COLORS for index, each in enumerate(outcome.channels)}

    def whole(self, color: str) -> str:
        title = self.teller.title()
        own = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
        told = self.outcome
        footer = self.text("footer", version=told.version, seed=str(told.seed))
        return (
            head(self.language, title, f"<style>\n{sheet(color)}{own}</style>")
            + f'<body><a class="skip" href="#content">{escape(self.text("skip"))}</a>\n'
            f'<main id="content"><h1>{escape(title)}</h1><p class="lead">{escape(self.teller.lead())}</p>\n'
            + "".join(self._sections())
            + f"</main>\n<footer>{escape(footer)}</footer></body></html>\n"
        )

    def text(self, code: str, **values: str | int | float) -> str:
        return self.teller.text(code, **values)

    def _sections(self) -> Iterator[str]:
        yield self._tiles()
        if self.outcome.difference is not None:
            yield self._outages(self.outcome.difference)
        yield self._timeline()
        yield self._hours()
        yield self._channels()
        yield self._notifications()
        yield f"{self._heading('people')}<p>{escape(self.teller.people())}</p>\n"
        if self.outcome.person.got:
            head = [self.text("column.notification"), self.text("column.channel"), "#" + self.text("column.messages")]
            rows = [[each.notification, each.channel, self._number(each.messages)] for each in self.outcome.person.got]
            yield self._table(head, rows)
        yield self._why()
        head = [self.text("column.event"), "#" + self.text("column.count")]
        rows = [[name, self._number(count)] for name, count in self.outcome.events.items()]
        yield self._heading("events") + self._table(head, rows)

    # -- parts -------------------------------------------------------------------------------------------------------

    def _tiles(self) -> str:
        told, teller = self.outcome, self.teller
        tiles = teller.figures()
        tiles += [(teller.money([each]), self.text("cost")) for each in told.cost]
        drawn = "".join(f"<li><b>{escape(big)}</b><span>{escape(small)}</span></li>" for big, small in tiles)
        return f'<ul class="tiles">{drawn}</ul>\n'

    def _outages(self, difference: Difference) -> str:
        told = [f"<h2>{escape(self.text('section.outages'))}</h2>"]
        told += [f"<p>{escape(self.teller.outage(each))}</p>" for each in self.outcome.outages]
        sentences = "".join(f"<li>{escape(each)}</li>" for each in self.teller.differences(difference))
        told.append(f"<p>{escape(self.text('compared'))}</p><ul>{sentences}</ul>")
        if difference.fell_back:
            names = ("notification", "usual", "instead")
            head = [*(self.text(f"column.{name}") for name in names), "#" + self.text("column.messages")]
            ways = [
                [each.notification, each.usual, each.instead, self._number(each.messages)]
                for each in difference.fell_back
            ]
            told.append(self._table(head, ways))
        if difference.lost:
            head = [self.text("column.notification"), "#" + self.text("column.lost")]
            told.append(self._table(head, [[name, self._number(count)] for name, count in difference.lost.items()]))
        return f'<section class="outage">{"".join(told)}</section>\n'

    def _timeline(self) -> str:
        days = list(self._days())
        drawn = "".join(self._row(each.channel, each.timeline, days) for each in self.outcome.channels)
        return f"{self._heading('timeline')}{drawn}"

    def _row(self, name: str, values: Sequence[int], days: Sequence[tuple[float, str]]) -> str:
        most = self.teller.number(max(values))
        shades = [
            (self._share(each.start), self._share(each.end)) for each in self.outcome.outages if each.channel == name
        ]
        described = self.text("chart.timeline", channel=name, most=most)
        note = self.text("per_hour", most=most)
        row = charts.Row(values, described, shades)
        drawn = charts.timeline(row, self.colors[name], days, self.text("chart.outage"))
        caption = f"<figcaption><b>{escape(name)}</b><span>{escape(note)}</span></figcaption>"
        return f'<figure>{caption}<div class="scroll">{drawn}</div></figure>\n'

    def _share(self, at: datetime) -> float:
        return max((at - self.outcome.start) / (self.outcome.end - self.outcome.start), 0.0)

    def _days(self) -> Iterator[tuple[float, str]]:
        zone = ZoneInfo(self.outcome.zone)
        first = self.outcome.start.astimezone(zone).date()
        count = (self.outcome.end.astimezone(zone).date() - first).days + 1
        every = -(-count // _DAYS_NAMED)
        for number in range(count):
            day = first + timedelta(days=number)
            share = self._share(datetime(day.year, day.month, day.day, tzinfo=zone))
            if share < 1 and number % every == 0:
                yield share, str(format_date(day, "EEE d", locale=self.language.replace("-", "_"))).replace(".", "")

    def _hours(self) -> str:
        disturbing = [each for each in self.outcome.channels if each.channel != IN_APP and any(each.hours)]
        if not disturbing:
            return ""
        stacks = [(each.hours, self.colors[each.channel]) for each in disturbing]
        drawn = charts.hours(stacks, NIGHT, self.text("chart.hours"), self.text("chart.night"))
        legend = "".join(
            f'<li><svg class="key" viewBox="0 0 10 10" aria-hidden="true"><rect class="c{self.colors[each.channel]}" '
            f'width="10" height="10" rx="2"/></svg>{escape(each.channel)}</li>'
            for each in disturbing
        )
        head = [self.text("column.hour"), *(f"#{each.channel}" for each in disturbing)]
        rows = [[f"{hour:02}", *(self._number(each.hours[hour]) for each in disturbing)] for hour in range(24)]
        return (
            f'{self._heading("hours")}<figure class="hours"><div class="scroll">{drawn}</div></figure>'
            f'<ul class="legend">{legend}</ul><p class="note">{escape(self.text("night_note"))}</p>'
            f"<details><summary>{escape(self.text('as_table'))}</summary>{self._table(head, rows)}</details>\n"
        )

    def _channels(self) -> str:
        told, teller = self.outcome, self.teller
        head = [self.text(f"column.{name}") for name in ("channel", "share", "not_sent")]
        numbers = ("messages", "night", "median", "p95", "segments", "cost")
        head += [f"#{self.text(f'column.{name}')}" for name in numbers]
        most = max((each.messages for each in told.channels), default=1)
        rows = [
            [
                each.channel,
                _Html(charts.bar(each.messages / most, self.colors[each.channel])),
                teller.not_sent(each.not_sent) or "–",
                self._number(each.messages),
                self._number(each.at_night),
                teller.span(each.median),
                teller.span(each.p95),
                self._number(each.segments) if each.segments != each.messages else "–",
                teller.money(each.cost) or "–",
            ]
            for each in told.channels
        ]
        return self._heading("channels") + self._table(head, rows)

    def _notifications(self) -> str:
        names = ("notification", "category")
        head = [*(self.text(f"column.{name}") for name in names), "#" + self.text("column.messages")]
        head += [self.text("column.by"), self.text("column.languages")]
        rows = [
            [name, category, self._number(count), by, languages]
            for name, category, count, by, languages in self.teller.notifications()
        ]
        return self._heading("notifications") + self._table(head, rows)

    def _why(self) -> str:
        why = self.outcome.why
        if not why:
            return ""
        head = [self.text(f"column.{name}") for name in ("notification", "decision", "why")]
        rows = [
            [each.notification, self.text(f"did.{each.decision}"), self.teller.why(each), self._number(each.times)]
            for each in why[:_REASONS]
        ]
        more = self.text("and_more", count=len(why) - _REASONS) if len(why) > _REASONS else ""
        table = self._table([*head, "#" + self.text("column.times")], rows)
        return self._heading("why") + table + (f'<p class="note">{escape(more)}</p>\n' if more else "")

    # -- building blocks ---------------------------------------------------------------------------------------------

    def _heading(self, section: str) -> str:
        return f"<h2>{escape(self.text(f'section.{section}'))}</h2>\n"

    def _number(self, value: float) -> str:
        return self.teller.number(value)

    def _table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
        """Columns whose name begins with ``#`` have figures."""
        names = [each.removeprefix("#") for each in head]
        kinds = [' class="number"' if each.startswith("#") else "" for each in head]
        top = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(names, kinds, strict=True))
        body = "".join(
            "<tr>"
            + "".join(
                f'<td data-label="{escape(name)}"{kind}>{cell if isinstance(cell, _Html) else escape(cell)}</td>'
                for name, kind, cell in zip(names, kinds, row, strict=True)
            )
            + "</tr>"
            for row in rows
        )
        narrow = "table narrow" if len(head) < 5 else "table"
        whole = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
        return f'<div class="{narrow}" tabindex="0">{whole}</div>\n'


class _Html(str):
    """Is written as it stands."""


__all__ = ["page"]
