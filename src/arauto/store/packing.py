"""Files by name, as one compressed whole."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping

import msgspec


def packed(files: Mapping[str, bytes]) -> bytes:
    """Files by name, as one compressed whole."""
    return zlib.compress(msgspec.msgpack.encode([(os.fsencode(name), raw) for name, raw in files.items()]))


def unpacked(whole: bytes) -> dict[str, bytes]:
    """The inverse of ``packed``."""
    read = msgspec.msgpack.decode(zlib.decompress(whole), type=list[tuple[bytes, bytes]])
    return {os.fsdecode(name): raw for name, raw in read}
