"""What the verbs ask of a database: transactions in which named statements run. Each driver is one small module.

The statements lie beside their driver, in ``queries/``, a file for each area; both drivers have the same names with
the same parameters, so that the verbs are written once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache
from importlib.resources import files
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

SCHEMA_VERSION = 1
"""The version of both schemas; a database says its own in its table ``meta``."""

Rows: TypeAlias = list[Any]
"""What a statement gave: rows that can be indexed and unpacked like tuples."""


class Transaction(Protocol):
    """Statements that take effect together."""

    async def rows(self, statement: str, /, **parameters: object) -> Rows:
        """Run a statement once. A list is given to it as the driver's kind of array."""
        ...

    async def many(self, statement: str, columns: Mapping[str, Sequence[object]], /, **parameters: object) -> Rows:
        """Run a statement for each row of these equally long columns; ``parameters`` are the same for all.
        Returns what it gave for all rows together, in no order. No row may be concerned twice."""
        ...


class Database(Protocol):
    """A database of one kind. Everything raises StoreUnavailable, having done nothing, when it fails: StoreRefused
    where what it was given is to blame, StoreLost where it fails until the process starts anew."""

    exclusive: bool

    def transaction(self, *, isolated: bool = True) -> AbstractAsyncContextManager[Transaction]:
        """Durable when it is left; undone when it is left by an exception.

        When one that is not ``isolated`` fails, so may others that came at the same time, with StoreUnavailable: that
        is for what writes much, with data that are ready before it begins.
        """
        ...

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """A consistent look at what is durable, which no writer delays."""
        ...

    async def survey(self, statement: str, /, **parameters: int) -> Rows:
        """A statement that looks at much, kept out of the way of everything else."""
        ...

    async def rewrite(self, tables: Sequence[str]) -> None:
        """Leave nothing of what was deleted from these tables. Takes as long as the database is large."""
        ...

    async def close(self) -> None: ...


class Statement(Struct, frozen=True):
    """A named statement, with its parameters in the order in which they first appear."""

    text: str
    parameters: tuple[str, ...]


_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*\n?", re.MULTILINE)
PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")
"""A parameter in a statement, and not a cast (``::text``)."""


@cache
def read_statements(package: str) -> dict[str, Statement]:
    """The statements of a driver's ``queries/*.sql``, by name."""
    _, *parts = _NAME.split(_read_all(package, "queries"))
    return {
        name: Statement(text, tuple(dict.fromkeys(PARAMETER.findall(text))))
        for name, text in zip(parts[::2], (_COMMENT.sub("", part).strip() for part in parts[1::2]), strict=True)
    }


def read_schema(package: str) -> str:
    """The statements of a driver's ``schema/*.sql``."""
    return _read_all(package, "schema")


def _read_all(package: str, folder: str) -> str:
    found = sorted(files(package).joinpath(folder).iterdir(), key=lambda file: file.name)
    return "\n".join(file.read_text(encoding="utf-8") for file in found if file.name.endswith(".sql"))
