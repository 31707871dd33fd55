"""PostgreSQL: any number of equal nodes on one database. Many rows travel as arrays, in one statement."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import Any

import asyncpg

from arauto.errors import StoreRefused, StoreUnavailable, UsageFault
from arauto.store.database import PARAMETER, SCHEMA_VERSION, Rows, Statement, read_schema, read_statements

_CONNECTIONS = 10
_SECONDS = 30
_VACUUM_SECONDS = 6 * 3600
SETTINGS = {
    "application_name": "arauto",
    "jit": "off",
    # Every statement finds few rows by an index. The planner may think otherwise while its figures are old, as they
    # are when a backlog grows; it is not left the choice.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_OF_DATA = frozenset({"22", "54"})
"""Classes of SQLSTATE that blame what was given: "data exception", and "program limit exceeded"."""
_SCHEMA_LOCK = 0x6172617574  # any number, but always the same: nodes that start together create the schema once


class PostgresqlDatabase:
    """A Database on a PostgreSQL server; made by ``open``."""

    exclusive = False

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, url: str) -> PostgresqlDatabase:
        """Connect and create the schema where it is missing. Raises StoreUnavailable, or UsageFault when a newer
        Arauto has been here."""
        with _unavailable():
            pool = await asyncpg.create_pool(
                url,
                min_size=0,
                max_size=_CONNECTIONS,
                timeout=_SECONDS,
                command_timeout=_SECONDS,
                reset=_leave_as_it_is,
                server_settings=SETTINGS,
            )
            database = cls(pool)
            try:
                version = await database._create_schema()
            except BaseException:
                pool.terminate()
                raise
        if version > SCHEMA_VERSION:
            await database.close()
            raise UsageFault(
                f"the PostgreSQL database was written by a newer Arauto (schema {version}; this one knows "
                f"{SCHEMA_VERSION}): start that version, or give this one another database"
            )
        return database

    async def _create_schema(self) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})")
            if await connection.fetchval("SELECT to_regclass('meta')") is None:
                await connection.execute(read_schema(__name__))
            return int(await connection.fetchval(_statements()["schema_version"].text))

    @asynccontextmanager
    async def transaction(self, *, isolated: bool = True) -> AsyncIterator[PostgresqlTransaction]:
        """Read committed: each statement sees what others committed before it began. All are isolated."""
        with _unavailable():
            async with self._pool.acquire(timeout=_SECONDS) as connection, connection.transaction():
                yield PostgresqlTransaction(connection)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[PostgresqlTransaction]:
        """One snapshot for all statements."""
        with _unavailable():
            async with (
                self._pool.acquire(timeout=_SECONDS) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield PostgresqlTransaction(connection)

    async def survey(self, statement: str, /, **parameters: int) -> Rows:
        """Like any other statement: the server has processes of its own for it."""
        async with self.reading() as reading:
            return await reading.rows(statement, **parameters)

    async def rewrite(self, tables: Sequence[str]) -> None:
        """VACUUM: what is dead can be read by nobody, and its place is used again. Others go on meanwhile."""
        with _unavailable():
            async with self._pool.acquire(timeout=_SECONDS) as connection:
                for table in tables:
                    await connection.execute(f"VACUUM {table}", timeout=_VACUUM_SECONDS)

    async def close(self) -> None:
        """Waits for what is under way, but not for ever."""
        try:
            await asyncio.wait_for(self._pool.close(), _SECONDS)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._pool.terminate()


class PostgresqlTransaction:
    """Runs statements on one connection, each prepared once."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def rows(self, name: str, /, **parameters: object) -> Rows:
        """Lists arrive as arrays."""
        statement = _statements()[name]
        fetched: Rows = await self._connection.fetch(
            statement.text, *[parameters[parameter] for parameter in statement.parameters]
        )
        return fetched

    async def many(self, name: str, columns: Mapping[str, Sequence[object]], /, **parameters: object) -> Rows:
        """One statement for all rows, which come as arrays."""
        return await self.rows(name, **columns, **parameters)


@cache
def _statements() -> dict[str, Statement]:
    """With ``$1`` for the first parameter, as the protocol wants it."""
    return {name: _numbered(statement) for name, statement in read_statements(__name__).items()}


def _numbered(statement: Statement) -> Statement:
    numbers = {name: f"${number}" for number, name in enumerate(statement.parameters, 1)}
    return Statement(PARAMETER.sub(lambda match: numbers[match[1]], statement.text), statement.parameters)


async def _leave_as_it_is(connection: object) -> None:
    """Our statements leave no state behind in a connection; to clear it would be one more round trip each time."""


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except asyncpg.PostgresError as error:  # its text may quote a row: only its kind is told
        kind = StoreRefused if (error.sqlstate or "")[:2] in _OF_DATA else StoreUnavailable
        raise kind(f"PostgreSQL refused: {type(error).__name__} ({error.sqlstate})") from None
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        if isinstance(error, ValueError):  # asyncpg's own DataError, of which its text quotes the value
            raise StoreRefused("PostgreSQL has no such value") from None
        raise StoreUnavailable(f"PostgreSQL cannot be reached: {type(error).__name__}: {error}") from error
