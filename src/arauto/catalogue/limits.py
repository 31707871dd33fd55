"""The limits of channels: which texts may be longer than they are shown, taken or meant to be.

What a channel takes, it says itself; here it is only asked, with what its texts see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from arauto.catalogue.diagnostics import Faults, Place
from arauto.catalogue.sight import Sight
from arauto.channels import Limited
from arauto.language.types import Longest
from arauto.model import Catalogue, Composer


def check_limits(catalogue: Catalogue, sight: Sight, findings: Faults) -> None:
    """Add what may exceed a limit to ``findings``."""
    for name, notification in sorted(catalogue.notifications.items()):
        sends = sight.sends.get(name, {})
        drawing = {id(known): Longest(known) for known in sends.values()}
        for channel, known in sends.items():
            _check(notification.composers.get(channel, {}), drawing[id(known)], findings)
        if name in sight.corrects:
            longest = Longest(sight.corrects[name])
            for composers in notification.corrections.values():
                _check(composers, longest, findings)


def _check(composers: Mapping[str, Composer], longest: Longest, findings: Faults) -> None:
    for composer in composers.values():
        if not hasattr(composer, "excesses"):  # a hundred times as fast as isinstance
            continue
        for found in cast("Limited", composer).excesses(longest):
            findings.add(found.file, Place(found.line, found.column), found.code, found.message, found.hint)
