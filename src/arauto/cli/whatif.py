"""whatif: what a simulation came to, for terminals: tables and small bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from arauto.decide.wishes import IN_APP
from arauto.simulate.outcome import Difference, Outcome
from arauto.simulate.tally import NIGHT
from arauto.simulate.telling import Teller

_BLOCKS = " ▏▎▍▌▋▊▉█"
_COLUMNS = " ▁▂▃▄▅▆▇█"
_REASONS = 12
"""So many are shown; all are in the JSON."""
_WIDTH = 100
"""At least, so that tables keep their columns when the output goes to a file."""


def draw(outcome: Outcome, language: str) -> None:
    """Show it."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH)
    _Drawing(outcome, Teller(outcome, language), console).all()


class _Drawing:
    """One outcome on a console."""

    def __init__(self, outcome: Outcome, teller: Teller, console: Console) -> None:
        self.outcome, self.teller, self.console = outcome, teller, console

    def all(self) -> None:
        told, teller = self.outcome, self.teller
        self.console.print(Text(teller.title(), "bold"))
        self.console.print(Text(teller.lead(), "dim"))
        figures = [f"{number} {noun}" for number, noun in teller.figures()]
        figures.append(teller.money(told.cost) or self.text("no_price"))
        self.console.print(Text("\n" + "  ·  ".join(figures), "bold"))
        if told.difference is not None:
            self._outages(told.difference)
        self._channels()
        self._hours()
        self._notifications()
        self._people()
        self._why()

    def text(self, code: str, **values: str | int | float) -> str:
        return self.teller.text(code, **values)

    # -- sections ----------------------------------------------------------------------------------------------------

    def _outages(self, difference: Difference) -> None:
        self._heading("outages")
        for broken in self.outcome.outages:
            self.console.print(Text(self.teller.outage(broken), "red"))
        self.console.print(self.text("compared"))
        for sentence in self.teller.differences(difference):
            self.console.print(Text("  • ", "red").append(sentence, "default"))
        if difference.fell_back:
            names = [*(self.text(f"column.{name}") for name in ("notification", "usual", "instead"))]
            rows = [(each.notification, each.usual, each.instead, each.messages) for each in difference.fell_back]
            self._table([*names, "#" + self.text("column.messages")], rows)
        if difference.lost:
            self._table([self.text("column.notification"), "#" + self.text("column.lost")], difference.lost.items())

    def _channels(self) -> None:
        self._heading("channels")
        told, teller = self.outcome, self.teller
        most = max((each.messages for each in told.channels), default=1)
        width = 16 if self.console.width >= _WIDTH else 4
        names = [self.text("column.channel"), "#" + self.text("column.messages"), ""]
        names += [f"#{self.text(f'column.{name}')}" for name in ("night", "median", "p95", "not_sent", "cost")]
        rows = [
            (
                each.channel,
                each.messages,
                Text(_bar(each.messages / most, width), "cyan"),
                each.at_night,
                teller.span(each.median),
                teller.span(each.p95),
                teller.not_sent(each.not_sent) or "–",
                teller.money(each.cost) or "–",
            )
            for each in told.channels
        ]
        self._table(names, rows)

    def _hours(self) -> None:
        sums = [0] * 24
        for each in self.outcome.channels:
            if each.channel != IN_APP:
                sums = [one + other for one, other in zip(sums, each.hours, strict=True)]
        if not any(sums):
            return
        self._heading("hours")
        rows = 4
        most = max(sums)
        for level in range(rows, 0, -1):
            line = Text("  ")
            for hour, value in enumerate(sums):
                filled = min(max(value / most * rows - (level - 1), 0), 1)
                line.append(_COLUMNS[round(filled * 8)] * 2 + " ", "magenta" if hour in NIGHT else "cyan")
            self.console.print(line)
        self.console.print(Text("  " + " ".join(f"{hour:02}" for hour in range(24)), "dim"))
        self.console.print(Text(f"  {self.text('night_note')}", "dim"))

    def _notifications(self) -> None:
        self._heading("notifications")
        names = [self.text("column.notification"), self.text("column.category"), "#" + self.text("column.messages")]
        names += [self.text("column.by"), self.text("column.languages")]
        self._table(names, self.teller.notifications())

    def _people(self) -> None:
        self._heading("people")
        self.console.print(self.teller.people())
        got = self.outcome.person.got
        if got:
            names = [self.text("column.notification"), self.text("column.channel"), "#" + self.text("column.messages")]
            self._table(names, [(each.notification, each.channel, each.messages) for each in got])

    def _why(self) -> None:
        why = self.outcome.why
        if not why:
            return
        self._heading("why")
        names = [self.text(f"column.{name}") for name in ("notification", "decision", "why")]
        rows = [
            (each.notification, self.text(f"did.{each.decision}"), self.teller.why(each), each.times)
            for each in why[:_REASONS]
        ]
        self._table([*names, "#" + self.text("column.times")], rows)
        if len(why) > _REASONS:
            self.console.print(Text(self.text("and_more", count=len(why) - _REASONS), "dim"))

    # -- building blocks ---------------------------------------------------------------------------------------------

    def _heading(self, section: str) -> None:
        self.console.print(Text(f"\n{self.text(f'section.{section}')}", "bold"))

    def _table(self, head: Sequence[str], rows: Iterable[Sequence[str | int | Text]]) -> None:
        """Columns whose name begins with ``#`` have figures."""
        table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
        for name in head:
            figures = name.startswith("#")
            table.add_column(name.removeprefix("#"), justify="right" if figures else "left", overflow="fold")
        for row in rows:
            cells = [each if isinstance(each, Text) else Text(self._shown(each)) for each in row]
            table.add_row(*cells)
        self.console.print(table)

    def _shown(self, value: str | int) -> str:
        return value if isinstance(value, str) else self.teller.number(value)


def _bar(share: float, width: int) -> str:
    """Eighths of a character are seen, and something is never nothing."""
    eighths = max(round(share * width * 8), 1)
    return "█" * (eighths // 8) + _BLOCKS[eighths % 8].strip()
