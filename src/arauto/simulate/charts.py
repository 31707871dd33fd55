"""charts: figures as inline SVG; its colours are the page's, and what it shows stands in a table, too."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from msgspec import Struct

_WIDTH, _LEFT, _RIGHT = 960, 8, 8
_ROW, _AXIS = 64, 22
_HOURS, _HEIGHT, _SCALE = 24, 220, 44


class Row(Struct, frozen=True):
    """A line of a timeline."""

    values: Sequence[int]
    """For each hour."""
    described: str
    """All of it, in words."""
    shades: Sequence[tuple[float, float]] = ()
    """From and to, as shares of the whole time: where it is shaded."""


def timeline(row: Row, color: int, days: Sequence[tuple[float, str]], shaded: str) -> str:
    """Bars hour by hour; ``days`` are where each begins, as a share of the whole, and how it is called."""
    width = _WIDTH - _LEFT - _RIGHT
    step, highest = width / len(row.values), max(*row.values, 1)
    parts = [f'<rect class="ground" x="{_LEFT}" y="0" width="{width}" height="{_ROW}"/>']
    for start, end in row.shades:
        x = _LEFT + start * width
        parts.append(
            f'<rect class="shade" x="{x:.1f}" y="0" width="{(end - start) * width:.1f}" height="{_ROW}"/>'
            f'<text class="shaded" x="{x + 4:.1f}" y="12">{escape(shaded)}</text>'
        )
    for share, name in days:
        x = _LEFT + share * width
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{_ROW + 6}"/>')
        parts.append(f'<text x="{x + 4:.1f}" y="{_ROW + 16}">{escape(name)}</text>')
    bars = "".join(
        f"M{_LEFT + index * step:.1f} {_ROW}v-{value / highest * (_ROW - 14):.1f}h{max(step - 0.6, 0.6):.1f}V{_ROW}z"
        for index, value in enumerate(row.values)
        if value
    )
    parts.append(f'<path class="c{color}" d="{bars}"/>')
    return _svg(_ROW + _AXIS, row.described, parts)


def hours(stacks: Sequence[tuple[Sequence[int], int]], night: Sequence[int], described: str, shaded: str) -> str:
    """Stacked bars for each hour of the day; each of ``stacks`` are the values of all hours, and their colour."""
    width, height = _WIDTH - _SCALE - _RIGHT, _HEIGHT - _AXIS - 16
    step = width / _HOURS
    sums = [sum(values[hour] for values, _ in stacks) for hour in range(_HOURS)]
    top = _round_up(max(*sums, 1))
    parts = [
        f'<rect class="night" x="{_SCALE + hour * step:.1f}" y="0" width="{step + 0.2:.1f}" height="{height + 16}"/>'
        for hour in night
    ]
    parts.append(f'<text class="shaded" x="{_SCALE + 5}" y="13">{escape(shaded)}</text>')
    for share in (0, 0.5, 1):
        y = 16 + height - share * height
        parts.append(f'<line class="grid" x1="{_SCALE}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="end" x="{_SCALE - 6}" y="{y + 4:.1f}">{top * share:g}</text>')
    base = [float(16 + height)] * _HOURS
    for values, color in stacks:
        drawn = ""
        for hour, value in enumerate(values):
            tall = value / top * height
            base[hour] -= tall
            if value:
                x = _SCALE + hour * step + step * 0.14
                drawn += f"M{x:.1f} {base[hour]:.1f}h{step * 0.72:.1f}v{tall:.1f}h-{step * 0.72:.1f}z"
        parts.append(f'<path class="c{color}" d="{drawn}"/>')
    for hour in range(0, _HOURS, 3):
        x = _SCALE + hour * step + step / 2
        parts.append(f'<text class="middle" x="{x:.1f}" y="{_HEIGHT - 4}">{hour:02}</text>')
    return _svg(_HEIGHT, described, parts)


def bar(share: float, color: int) -> str:
    """A bar for a cell of a table."""
    return (
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="c{color}" width="{max(share * 100, 0.7):.1f}" height="10" rx="2"/></svg>'
    )


def _svg(height: float, described: str, parts: Sequence[str]) -> str:
    label = escape(described)
    drawn = "".join(parts)
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}"><title>{label}</title>{drawn}</svg>'


def _round_up(value: int) -> int:
    """The next of 2, 4, 6 and 10, ten times as much, …: half of it is whole, too."""
    size = 1
    while True:
        for step in (2, 4, 6, 10):
            if value <= step * size:
                return step * size
        size *= 10


__all__ = ["Row", "bar", "hours", "timeline"]
