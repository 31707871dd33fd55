"""Addresses that lead nowhere, for people of test cases."""

from __future__ import annotations

import base64
import hashlib
import re

from arauto.model import JSON


def stand_in(channel: str, id: str) -> JSON:
    """An address that this channel takes, always the same for a recipient; None where none is known."""
    name = re.sub(r"[^a-z0-9]+", "-", id.lower()).strip("-") or "somebody"
    number = int.from_bytes(hashlib.sha256(id.encode()).digest()[:4], "big") % 10**8
    stand_ins: dict[str, JSON] = {
        "email": f"{name}@example.com",
        "sms": f"+55119{number:08d}",
        "slack": f"U{number:08d}",
        "webhook": f"https://example.com/{name}",
        "push": {
            "endpoint": f"https://push.example.com/{name}",
            "keys": {"p256dh": _encoded(b"\x04" + bytes(64)), "auth": _encoded(bytes(16))},
        },
    }
    return stand_ins.get(channel)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
