"""The files of a project folder: which there are, what they hold, and which have names that mean nothing.

Hidden files and README.md are left alone everywhere, and so is whatever else lies at the top of the folder.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from arauto.catalogue.diagnostics import START, Faults, closest, shown
from arauto.catalogue.document import Document
from arauto.catalogue.reader import decode, read
from arauto.errors import UsageFault

PROJECT = "arauto.yaml"
FLAT = ("sources", "events", "recipients", "channels")
"""Folders of YAML files, one thing (or, in recipients, any number) in each."""
NOTIFICATIONS = "notifications"
NOTIFICATION = "notification.yaml"
_LEFT_ALONE = re.compile(r"\..*|README(?:\..*)?|.*~")


class File(Struct, frozen=True):
    """A file of the project."""

    name: str
    """Relative to the project folder, as diagnostics show it."""
    path: Path
    raw: bytes

    @property
    def stem(self) -> str:
        """``order.paid`` of ``events/order.paid.yaml``."""
        return self.path.name.removesuffix(".yaml")


class Folder:
    """A project folder, read once. Raises UsageFault when it is not there or has no arauto.yaml."""

    def __init__(self, root: Path, faults: Faults) -> None:
        self.root, self._faults = root, faults
        self._documents: dict[str, Document | None] = {}
        if not root.is_dir():
            raise UsageFault(f"there is no folder {shown(root)}")
        if not (root / PROJECT).is_file():
            raise UsageFault(f"{shown(root)} has no {PROJECT}, so it is no project; start one with: arauto init DIR")
        self.project = self._file(root / PROJECT)
        self.flat: dict[str, list[File]] = {}
        self.notifications: dict[Path, dict[str, File]] = {}
        for entry in _entries(root):
            self._take_top(entry)

    def document(self, file: File | None) -> Document | None:
        """A YAML file's document, which is read once; None when it has none."""
        if file is None:
            return None
        if file.name not in self._documents:
            self._documents[file.name] = read(file.name, file.raw, self._faults)
        return self._documents[file.name]

    def text(self, file: File) -> str | None:
        """A UTF-8 file's text; None when it is none."""
        return decode(file.name, file.raw, self._faults)

    def name(self, path: Path) -> str:
        """How diagnostics show a path inside the folder."""
        return shown(path.relative_to(self.root))

    def version(self) -> str:
        """A short hash over the names and bytes of every file that was read."""
        return hash_of(self.files().items())

    def files(self) -> dict[str, bytes]:
        """Every file that was read, by name."""
        return {file.path.relative_to(self.root).as_posix(): file.raw for file in self._files()}

    def _files(self) -> Iterator[File]:
        if self.project:
            yield self.project
        for folder in FLAT:
            yield from self.flat.get(folder, ())
        for inside in self.notifications.values():
            yield from inside.values()

    def _take_top(self, entry: Path) -> None:
        if entry.name in FLAT and entry.is_dir():
            self.flat[entry.name] = [file for each in _entries(entry) if (file := self._yaml(each))]
        elif entry.name == NOTIFICATIONS and entry.is_dir():
            for folder in _entries(entry):
                if folder.is_dir():
                    inside = {each.name: self._inside(each) for each in _entries(folder)}
                    self.notifications[folder] = {name: file for name, file in inside.items() if file}
                else:
                    self._unknown(folder, "a notification is a folder with a notification.yaml in it")
        elif entry.name in (*FLAT, NOTIFICATIONS):
            self._unknown(entry, f"{entry.name} is a folder")
        elif entry.name not in (PROJECT, "tests") and entry.is_dir():
            near = closest(entry.name, (*FLAT, NOTIFICATIONS))
            if near and (near.startswith(entry.name) or entry.name.startswith(near) or len(near) == len(entry.name)):
                self._unknown(entry, f"did you mean {near}?")

    def _yaml(self, path: Path) -> File | None:
        if path.is_dir():
            self._unknown(path, f"move its files up: {path.parent.name} has no folders in it")
        elif path.suffix != ".yaml":
            near = path.with_suffix(".yaml").name if path.suffix in (".yml", ".json", "") else None
            self._unknown(path, f"name it {shown(Path(near))}" if near else "files here end in .yaml")
        else:
            return self._file(path)
        return None

    def _inside(self, path: Path) -> File | None:
        if not path.is_dir():
            return self._file(path)
        self._unknown(path, "texts and images lie beside notification.yaml, not in a folder of their own")
        return None

    def _file(self, path: Path) -> File | None:
        if path.exists() and not path.is_file():
            self._unknown(path, "only plain files are read")
            return None
        try:
            return File(self.name(path), path, path.read_bytes())
        except OSError as error:
            message = f"the file cannot be read: {error.strerror}"
            self._faults.add(self.name(path), START, "unreadable-file", message)
            return None

    def _unknown(self, path: Path, hint: str) -> None:
        kind = "folder" if path.is_dir() else "file"
        self._faults.add(self.name(path), START, "unknown-file", f"this {kind} has no meaning here", hint)


def hash_of(files: Iterable[tuple[str, bytes]]) -> str:
    """A short hash over names and bytes, in whichever order they come."""
    digest = hashlib.sha256()
    for name, raw in sorted((os.fsencode(name), raw) for name, raw in files):
        digest.update(b"%d:%b%d:%b" % (len(name), name, len(raw), raw))
    return digest.hexdigest()[:12]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not _LEFT_ALONE.fullmatch(entry.name))
    except OSError as error:
        raise UsageFault(f"the folder {shown(folder)} cannot be read: {error.strerror}") from None
