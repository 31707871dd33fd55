"""Images that travel inside a mail."""

from __future__ import annotations

import re
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

MOST_OCTETS = 512 * 1024
"""The largest image that a mail carries."""

_TYPES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)


class InlineImage(Struct, frozen=True):
    """An image inside a mail, referred to as ``cid:`` and its ``cid``."""

    cid: str
    content_type: str
    filename: str
    data: bytes


def load_image(folder: str, name: str) -> InlineImage:
    """The image of this name in a folder. Raises ValueError, which says why a mail cannot carry it."""
    try:
        data = (Path(folder) / name).read_bytes()
    except OSError:
        raise ValueError(f"there is no image {name} beside the text") from None
    if len(data) > MOST_OCTETS:
        raise ValueError(f"{name} has {len(data) // 1024} KiB; a mail carries images of at most {MOST_OCTETS // 1024}")
    content_type = next((kind for magic, kind in _TYPES if magic.match(data)), None)
    if content_type is None:
        raise ValueError(f"{name} is no png, jpeg, gif or webp image")
    digest = blake2b(data, digest_size=12).hexdigest()
    return InlineImage(f"{digest}@arauto", content_type, name, data)


def width(image: InlineImage) -> int | None:
    """How wide an image is in pixels, where its first octets say so (png, gif)."""
    data = image.data
    if image.content_type == "image/png" and len(data) >= 24:
        return int.from_bytes(data[16:20], "big")
    if image.content_type == "image/gif" and len(data) >= 10:
        return int.from_bytes(data[6:8], "little")
    return None
