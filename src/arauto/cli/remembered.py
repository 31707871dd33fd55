"""What ``check`` found before, kept in the user's own cache folder.

The same program finds the same in the same files, so what it found is kept under a hash of both: the names and bytes
of the project's files, and what the program is made of, with all that is installed beside it, plug-ins among them.
Whatever is wrong with the cache is only a reason to check again. ``ARAUTO_CACHE`` names another folder; when it is
empty, nothing is remembered.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE, S_ISDIR

import msgspec

import arauto
from arauto.errors import Diagnostic

_MOST_KEPT = 64
_MOST_FILES = 20_000
_MOST_OCTETS = 64 * 2**20
"""Of a folder with more than this, nothing is remembered: it holds something other than a project."""

_FORMAT = b"1"


class Found(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a check found; ``sound`` is what is said of a project that compiles, None of one that does not."""

    diagnostics: tuple[Diagnostic, ...]
    sound: str | None


class Memory:
    """What was found in one state of a project folder, if that is known."""

    def __init__(self, directory: Path) -> None:
        self._directory, self._folder = directory, _folder()
        self._file = self._find()

    def _find(self) -> Path | None:
        with suppress(OSError, _Unsure):
            return self._folder / f"{_key(self._directory)}.json" if self._folder else None
        return None

    def recall(self) -> Found | None:
        """What was found in the same files; None when that is not known."""
        if self._file is None:
            return None
        try:
            found = msgspec.json.decode(self._file.read_bytes(), type=Found)
            os.utime(self._file)
        except (OSError, ValueError):  # msgspec's own errors are ValueErrors
            return None
        return found

    def keep(self, found: Found) -> None:
        """Remember it, unless a file was changed meanwhile. The oldest is forgotten; where nothing can be written,
        nothing is remembered."""
        if self._file is None or self._file != self._find():
            return
        with suppress(OSError):
            descriptor, written = tempfile.mkstemp(dir=self._file.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(msgspec.json.encode(found))
                os.replace(written, self._file)
            except BaseException:
                os.unlink(written)
                raise
            kept = sorted(self._file.parent.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
            for old in kept[_MOST_KEPT:]:
                old.unlink()


class _Unsure(Exception):
    """It cannot be said what all there is, or it is too much to read."""


def _folder() -> Path | None:
    """The cache's folder, which nobody else can write; None where there is none."""
    given = os.environ.get("ARAUTO_CACHE")
    if given == "":
        return None
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(given or Path(home) / "arauto") / "checks"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except (OSError, RuntimeError):
        return None
    own = not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not S_IMODE(status.st_mode) & 0o022)
    return folder if own and S_ISDIR(status.st_mode) else None


def _key(directory: Path) -> str:
    digest = hashlib.sha256(_FORMAT)
    for name, raw in _program():
        _add(digest, name, raw)
    files = octets = 0
    for name, path, size in _entries(os.fspath(directory), ""):
        files, octets = files + 1, octets + size
        if files > _MOST_FILES or octets > _MOST_OCTETS:
            raise _Unsure
        raw = Path(path).read_bytes() if path else b""
        if name.startswith("tests/") and b"project" in raw:
            raise _Unsure  # a case may go over to a version that lies elsewhere
        _add(digest, name, raw)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, name: str, raw: bytes) -> None:
    encoded = os.fsencode(name)
    digest.update(b"%d:%b%d:%b" % (len(encoded), encoded, len(raw), raw))


def _entries(folder: str, before: str) -> Iterator[tuple[str, str | None, int]]:
    """All that a check may look at, which is everything that is not hidden: names, and of files where they are and
    their size."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        name = f"{before}{entry.name}"
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield f"{name}/", None, 0
            yield from _entries(entry.path, f"{name}/")
        elif entry.is_file():
            yield name, entry.path, entry.stat().st_size
        else:
            yield f"{name}?", None, 0


def _program() -> Iterator[tuple[str, bytes]]:
    """What the program is made of: Python, everything installed by name and version, and its own files by their time,
    as well as those of plug-ins, which may be worked on; and the machine's time zones."""
    yield sys.version, b""
    for folder in sys.path:
        with suppress(OSError), os.scandir(folder or ".") as found:
            for entry in sorted(found, key=lambda entry: entry.name):
                if entry.name.endswith((".dist-info", ".egg-info", ".pth", ".egg-link")):
                    yield entry.path, b"%d" % entry.stat().st_mtime_ns
                    _refuse_worked_on(entry.path)
    for place in (*arauto.__path__, "/usr/share/zoneinfo"):
        yield from _times(place)


def _refuse_worked_on(installed: str) -> None:
    """A plug-in that is installed from a folder may change at any time."""
    with suppress(OSError):
        if b"[arauto." in Path(installed, "entry_points.txt").read_bytes():
            with suppress(FileNotFoundError):
                Path(installed, "direct_url.json").read_bytes()
                raise _Unsure


def _times(folder: str) -> Iterator[tuple[str, bytes]]:
    with suppress(OSError), os.scandir(folder) as found:
        for entry in sorted(found, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__" and folder != "/usr/share/zoneinfo":
                    yield from _times(entry.path)
            else:
                status = entry.stat(follow_symlinks=False)
                yield entry.path, b"%d %d" % (status.st_mtime_ns, status.st_size)


__all__ = ["Found", "Memory"]
