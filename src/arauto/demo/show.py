"""show: events → notifications → channels, drawn from the hub's own explanations."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

MARKS = {
    "sent": "[green]✓[/]",
    "queued": "[yellow]↻[/]",
    "sending": "[cyan]…[/]",
    "failed": "[red]✗[/]",
    "expired": "[red]⌛[/]",
    "held": "[yellow]?[/]",
    "cancelled": "[dim]↩[/]",
}
"""Of the states that the story leads to; others are shown by their names."""


@dataclass
class Scene:
    """What the demo has seen so far."""

    url: str
    rows: deque[tuple[str, str, str, str]] = field(default_factory=lambda: deque(maxlen=14))
    """(source, event, remark, key of the event; empty when there is none)."""
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Explanations by the event's key."""

    def draw(self, delivered: Counter[str]) -> RenderableType:
        """The picture of now."""
        table = Table(box=None, expand=True, pad_edge=False, header_style="bold")
        table.add_column("source → event", ratio=4, no_wrap=True, overflow="ellipsis")
        table.add_column("→ notification → recipient", ratio=4, no_wrap=True, overflow="ellipsis")
        table.add_column("→ channels", ratio=4, no_wrap=True, overflow="ellipsis")
        for source, event, remark, key in self.rows:
            lines = list(describe(self.told[key])) if key in self.told else []
            head = f"[bold]{escape(source)}[/] {escape(event)}"
            if not lines:
                table.add_row(head, f"[dim]{escape(remark)}[/]", "")
            for index, (notification, channels) in enumerate(lines):
                left = head if index == 0 else f"  [dim]{escape(remark)}[/]" if index == 1 else ""
                table.add_row(left, notification, channels)
        totals = "   ".join(f"{channel} [green]{count}[/]" for channel, count in sorted(delivered.items())) or "–"
        return Group(
            Panel(
                table, title="Arauto · Loja Aurora", subtitle=f"hub at {self.url} · Ctrl-C ends", border_style="cyan"
            ),
            Text.from_markup(f"arrived outside:   {totals}"),
        )


def describe(told: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """(notification → recipient, channels) of each recipient; for what did not match, why."""
    for considered in told["notifications"]:
        name = escape(considered["notification"])
        if not considered["matched"]:
            yield f"[dim]{name}[/]", f"[dim]{escape(considered['reason']['text'])}[/]"
        for line in considered["recipients"]:
            if not line["chosen"]:
                continue
            marks = [_mark(message) for message in line["messages"]]
            run = line["run"]
            if run["log"] and (not marks or run["state"] == "waiting"):
                marks.append(f"[dim]{escape(run['log'][-1]['reason']['text'])}[/]")
            yield f"{name} → {escape(line['recipient'])}", "  ".join(marks)


def _mark(message: dict[str, Any]) -> str:
    what = f"{message['channel']} (correction)" if message["kind"] == "correction" else message["channel"]
    return f"{what} {MARKS.get(message['state'], message['state'])}"


def in_words(told: dict[str, Any]) -> Iterable[str]:
    """The same, a line each, where there is no terminal to draw on."""
    for notification, channels in describe(told):
        yield f"    {Text.from_markup(notification).plain}: {Text.from_markup(channels).plain}"
