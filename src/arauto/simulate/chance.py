"""Chance that is the same for the same things: whatever else happens in a world, what happens to this is the same."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import timedelta
from statistics import NormalDist
from typing import TypeVar

T = TypeVar("T")

_NORMAL = NormalDist()
_SPREAD = 0.8
"""Of times: of 100, 2 are less than a fifth of the median, and 2 more than five times it."""
_ONE = float(1 << 64)


class Chance:
    """Draws that depend on a seed and on what they are about, and on nothing else."""

    def __init__(self, seed: int) -> None:
        self._key = hashlib.blake2b(str(seed).encode(), digest_size=16).digest()

    def of(self, *about: object) -> float:
        """A number from 0 to 1, without 1."""
        said = "\0".join(map(str, about)).encode()
        return int.from_bytes(hashlib.blake2b(said, digest_size=8, key=self._key).digest()) / _ONE

    def time(self, median: timedelta, *about: object) -> timedelta:
        """A time of which half are shorter than the median; never as much as twenty times it."""
        if not median:
            return timedelta()
        drawn = min(max(self.of("time", *about), 0.0001), 0.9999)
        return median * math.exp(_SPREAD * _NORMAL.inv_cdf(drawn))

    def pick(self, weighted: Sequence[tuple[T, float]], *about: object) -> T:
        """One of these, by their shares."""
        return picked(weighted, self.of("pick", *about))


def picked(weighted: Sequence[tuple[T, float]], drawn: float) -> T:
    """The one at this place, from 0 to 1, of all of them beside each other."""
    left = drawn * sum(share for _, share in weighted)
    for each, share in weighted:
        left -= share
        if left < 0:
            return each
    return weighted[-1][0]


__all__ = ["Chance", "picked"]
