"""What every noun is made of: plain data, derived ids, durations, and reasons."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeAlias

from msgspec import Struct, field

JSON: TypeAlias = Any
"""Plain data: None, bool, int, float, str, and lists and string-keyed dicts of these."""


Context: TypeAlias = Mapping[str, JSON]
"""What expressions and texts see: ``event``, ``events``, ``recipient`` and ``project``, as plain data."""


def derive_id(prefix: str, *parts: str) -> str:
    """The id that these parts always give: ``prefix_`` and 26 hexadecimal digits (BLAKE2b, 104 bits)."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=13)
    return f"{prefix}_{digest.hexdigest()}"


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+)([smhdw])")


def parse_duration(text: str) -> timedelta:
    """``90s``, ``5m``, ``1h30m``, ``2d``, ``1w`` as a timedelta. Raises ValueError, naming what is allowed."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(
            f"{text!r} is no duration; write a number and a unit (s, m, h, d, w), such as 30s, 5m or 1h30m"
        )
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in parts))


def write_duration(span: timedelta) -> str:
    """What ``parse_duration`` reads as this, to the second and not in weeks: ``1d2h30m``; nothing is ``0s``."""
    left, parts = round(span.total_seconds()), []
    for unit in ("d", "h", "m", "s"):
        number, left = divmod(left, _UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


class Reason(Struct, frozen=True, omit_defaults=True):
    """Why something was decided: a code, translated for people by ``explain``, and the values that it speaks of."""

    code: str
    values: dict[str, JSON] = field(default_factory=dict)
