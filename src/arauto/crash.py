"""crash: named points at which a test may kill the process, as a power cut would.

``ARAUTO_CRASH=plan.committed:3`` kills the process with SIGKILL when it comes to that point for the third time.
Without the variable a point costs one comparison.
"""

from __future__ import annotations

import os
import signal

POINTS = (
    "accept.before",
    "accept.committed",
    "plan.before",
    "plan.committed",
    "fanout.before",
    "fanout.committed",
    "send.before",
    "send.after",
    "settle.before",
    "settle.committed",
    "receive.before",
    "receive.committed",
)
"""Every point, in the order of the way."""

ASIDE = ("erasing.piece", "apply.written", "adopt.before")
"""Points beside the way: after each piece of the erasure of a person, and when another version was made live and is
not served yet."""

_point, _, _count = os.environ.get("ARAUTO_CRASH", "").partition(":")
_left = int(_count or 1)


def crash_point(name: str) -> None:
    """Die here, if that was asked for."""
    global _left
    if name != _point:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
