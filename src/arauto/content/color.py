"""color: a brand's colour, so that it can be read where it stands (WCAG 2, 1.4.3)."""

from __future__ import annotations

DARK = "#161d26"
"""The background of what is shown to those who want it dark."""


def readable_on(color: str) -> str:
    """White, or nearly black where that can be read better on this colour."""
    light = luminance(color)
    return "#ffffff" if 1.05 / (light + 0.05) >= (light + 0.05) / 0.062 else "#111827"


def shade(color: str, *, dark: bool) -> str:
    """The colour, made darker (lighter) until it can be read well on white (on nearly black)."""
    red, green, blue = _rgb(color)
    for step in range(21):
        share = step / 20
        goal = 0 if dark else 255
        mixed = "#" + "".join(f"{round(part + (goal - part) * share):02x}" for part in (red, green, blue))
        light = luminance(mixed)
        contrast = 1.05 / (light + 0.05) if dark else (light + 0.05) / (luminance(DARK) + 0.05)
        if contrast >= (4.5 if dark else 6):
            return mixed
    return "#000000" if dark else "#ffffff"


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [part / 255 for part in _rgb(color)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(color: str) -> tuple[int, int, int]:
    digits = color.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)
