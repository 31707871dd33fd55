"""locale: which of the texts that there are suits a recipient."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache


def choose(available: Iterable[str], wanted: str | None, default: str) -> str | None:
    """The best of the locales: the exact tag, its language, another region of the language, then the same for the
    hub's default, then the only one there is; None where nothing suits. Tags are BCP 47; case does not matter."""
    return _choose(tuple(available), wanted, default)


@lru_cache(maxsize=4096)
def _choose(available: tuple[str, ...], wanted: str | None, default: str) -> str | None:
    tags = {tag.lower(): tag for tag in available}
    for wish in (wanted, default):
        if wish is None:
            continue
        tag = wish.lower()
        language = tag.partition("-")[0]
        for fit in (tag, language, *sorted(other for other in tags if other.partition("-")[0] == language)):
            if fit in tags:
                return tags[fit]
    return available[0] if len(available) == 1 else None
