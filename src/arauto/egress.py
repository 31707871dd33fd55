"""The one client for every outbound HTTP call. (Being written.)"""

from __future__ import annotations


class Egress:
    """Placeholder replaced by the guarded client."""
