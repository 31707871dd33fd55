"""Pages of listings, and their cursors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from arauto.errors import UsageFault
from arauto.store.database import Rows
from arauto.store.records import Page

_LAST = 2**63 - 1


def page(rows: Rows, limit: int, read: Callable[[Any], Any]) -> Page:
    """From one row more than the page holds; the first column is where the next page begins."""
    return Page([read(row) for row in rows[:limit]], str(rows[limit - 1][0]) if len(rows) > limit else None)


def before(after: str | None) -> int:
    if after is None:
        return _LAST
    if not (after.isascii() and after.isdecimal() and int(after) <= _LAST):
        raise UsageFault(f"{after!r} is no cursor of a listing; give one that a page named as its next, or none")
    return int(after)
