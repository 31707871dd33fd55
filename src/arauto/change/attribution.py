"""Which change of a schema a fault is about: by the path into the data that stands at its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from arauto.change.shapes import ITEMS, ShapeChange
from arauto.errors import Diagnostic

_CHAIN = re.compile(r"""[A-Za-z_]\w*(?:\.\w+|\[(?:-?\d+|"[^"\]]*"|'[^'\]]*')\])*""")
_LINK = re.compile(r"""\w+|\[(?:-?\d+|"[^"\]]*"|'[^'\]]*')\]""")
_LOOP = re.compile(r"\bfor\s+(\w+)\s+in\s+([\w.]+)")
_ROOTS = (("event", "data"), ("events", ITEMS, "data"), ("recipient", "attributes"), ("attributes",))


def about(fault: Diagnostic, changes: Sequence[ShapeChange], files: Mapping[str, bytes]) -> int | None:
    """Which change a fault is about: the one of the deepest property that lies on its path."""
    best: tuple[int, int] | None = None
    for path in _paths(fault, files):
        for index, change in enumerate(changes):
            common = min(len(path), len(change.path))
            if common and change.code != "described" and path[:common] == change.path[:common]:
                known = (len(change.path), -index)
                best = max(best, known) if best is not None else known
        if best is not None:
            return -best[1]
    effective = [index for index, change in enumerate(changes) if change.code != "described"]
    return effective[0] if len(effective) == 1 else None


def _paths(fault: Diagnostic, files: Mapping[str, bytes]) -> Iterator[tuple[str, ...]]:
    """The paths into the data that a fault may be about: that at its place, then those that its message names."""
    text = files.get(fault.file, b"").decode("utf-8", "replace")
    loops = {name: _parts(over) for name, over in _LOOP.findall(text)}
    lines = text.splitlines()
    line = lines[fault.line - 1] if fault.line <= len(lines) else ""
    at = fault.column - 1
    chains = [match[0] for match in _CHAIN.finditer(line) if match.start() <= at < match.end()]
    for chain in (*chains, *_CHAIN.findall(fault.message)):
        path = _below(_parts(chain), loops)
        if path:
            yield path
    if fault.message.startswith("/"):
        yield tuple(ITEMS if part.isdigit() else part for part in fault.message[1:].partition(" ")[0].split("/"))


def _parts(chain: str) -> tuple[str, ...]:
    found: list[str] = []
    for link in _LINK.findall(chain):
        inner = link.strip("[]").strip("\"'")
        found.append(ITEMS if link.startswith("[") and inner.lstrip("-").isdigit() else inner)
    return tuple(found)


def _below(parts: tuple[str, ...], loops: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The path inside of the data; what stands for an item of a loop is followed to its list."""
    for _ in range(len(loops) + 1):
        for root in _ROOTS:
            if parts[: len(root)] == root:
                return parts[len(root) :]
        if not parts or parts[0] not in loops:
            return ()
        parts = (*loops[parts[0]], ITEMS, *parts[1:])
    return ()


__all__ = ["about"]
