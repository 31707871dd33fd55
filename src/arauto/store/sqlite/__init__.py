"""SQLite: one file, one process. Statements run on the event loop, as each takes microseconds; only the commit, which
waits for the disk, has a thread of its own.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from itertools import repeat
from pathlib import Path

import apsw

from arauto.errors import StoreLocked, StoreLost, StoreRefused, StoreUnavailable, UsageFault
from arauto.store.database import SCHEMA_VERSION, Rows, Statement, read_schema, read_statements
from arauto.store.documents import to_document

CHECKPOINT_PAGES = 4000
"""The write-ahead log is brought home when it has grown to this many pages (16 MB)."""
STATEMENTS = 512
"""So many compiled statements are kept: more than there are, since to compile one takes as long as to run it."""
_BUSY_MILLISECONDS = 2000
_CHECKPOINT_TRIES = 30
_SYNC_FAILURES = {apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC}


class SqliteDatabase:
    """A Database in one file, or in memory when ``path`` is None. Raises StoreLocked when another process has it.

    After a failed fsync nobody knows what the disk holds, and a second fsync would claim success: so it serves
    nothing any more, until the process starts anew and reads the file again.
    """

    exclusive = True

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else Path(path).absolute()
        self._writing = asyncio.Lock()
        self._group: asyncio.Future[None] | None = None
        self._finishing: asyncio.Task[None] | None = None
        self._changes = 0
        self._lost: str | None = None
        self._log_pages = 0
        self._lock = None if self._path is None else _lock(self._path)
        try:
            with _unavailable():
                self._writer = self._open_writer()
                self._write = SqliteTransaction(self._writer)
                self._read = self._write if path is None else SqliteTransaction(self._open_reader())
        except BaseException:
            self._unlock()
            raise
        self._committing = ThreadPoolExecutor(1, "commit")

    # -- opening ---------------------------------------------------------------------------------------------------

    def _open_writer(self) -> apsw.Connection:
        # Without a name it is in memory too, but what does not fit into the cache goes to a temporary file.
        writer = apsw.Connection("" if self._path is None else str(self._path), statementcachesize=STATEMENTS)
        writer.set_busy_timeout(_BUSY_MILLISECONDS)
        journal = "MEMORY" if self._path is None else "WAL"
        writer.execute(f"PRAGMA journal_mode = {journal}; PRAGMA synchronous = FULL; PRAGMA mmap_size = 0").fetchall()
        writer.execute("PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY").fetchall()
        writer.execute("PRAGMA journal_size_limit = 67108864").fetchall()
        # What is deleted or replaced is overwritten with zeros. It costs nothing that could be measured.
        writer.execute("PRAGMA secure_delete = ON").fetchall()
        writer.set_wal_hook(self._log_grew)  # also ends SQLite's own checkpoints, whose failures nobody would see
        if not writer.table_exists("main", "meta"):
            writer.execute(f"BEGIN IMMEDIATE; {read_schema(__name__)}; COMMIT").fetchall()
        version = int(str(writer.execute(read_statements(__name__)["schema_version"].text).fetchall()[0][0]))
        if version > SCHEMA_VERSION:
            writer.close()
            raise UsageFault(
                f"{self._path} was written by a newer Arauto (schema {version}; this one knows {SCHEMA_VERSION}): "
                "start that version, or give this one another file"
            )
        if self._path is None:  # for good: a commit walks over all pages that are not on a disk, which is all there are
            writer.execute("BEGIN")
        return writer

    def _open_reader(self) -> apsw.Connection:
        reader = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
        reader.set_busy_timeout(_BUSY_MILLISECONDS)
        reader.wal_autocheckpoint(0)
        reader.execute("PRAGMA query_only = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -16384").fetchall()
        return reader

    # -- working ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def transaction(self, *, isolated: bool = True) -> AsyncIterator[SqliteTransaction]:
        """Raises StoreUnavailable when the disk is full or fails, StoreRefused for what SQLite does not take.

        Transactions that come while a commit is under way share the next one, and all return when that one is
        durable. An isolated one is a savepoint, which keeps a copy of every page before it is written: that makes
        many rows twice as slow.
        """
        if self._path is None:
            async with self._writing:
                with _unavailable(), self._writer:  # there is no disk to wait for, and nobody to share it with
                    yield self._write
            return
        with _unavailable():
            async with self._writing:
                if self._lost is not None:
                    raise StoreLost(self._lost)
                group = self._group or self._begin()
                try:
                    if isolated:
                        self._writer.execute("SAVEPOINT one")
                    yield self._write
                    if isolated:
                        self._writer.execute("RELEASE one")
                except BaseException as error:
                    self._undo(error, group, isolated)
                    raise
            # Shielded: the others of the group wait for the same commit.
            await asyncio.shield(group)

    def _begin(self) -> asyncio.Future[None]:
        self._changes = self._writer.total_changes()
        self._writer.execute("BEGIN IMMEDIATE")
        self._group = asyncio.get_running_loop().create_future()
        # The lock is fair: this comes after those who wait already, and before those who come later.
        self._finishing = asyncio.create_task(self._finish(self._group))
        return self._group

    async def _finish(self, group: asyncio.Future[None]) -> None:
        async with self._writing:
            if self._group is not group:
                return
            self._group = None
            try:
                if self._path is None or self._writer.total_changes() == self._changes:
                    self._writer.execute("COMMIT")
                else:
                    await asyncio.get_running_loop().run_in_executor(self._committing, self._commit)
            except Exception as error:
                self._note_lost(error)
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                _fail(group, error)
            else:
                group.set_result(None)

    def _commit(self) -> None:
        self._writer.execute("COMMIT")
        if self._log_pages >= CHECKPOINT_PAGES:
            self._log_pages = 0
            try:
                self._writer.wal_checkpoint()
            except apsw.Error as error:  # what was committed is safe in the log, whatever becomes of this
                self._note_lost(error)

    def _log_grew(self, connection: apsw.Connection, name: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK

    def _undo(self, error: BaseException, group: asyncio.Future[None], isolated: bool) -> None:
        """Undo one of the group; all of it where it was not isolated, or SQLite cannot undo the one alone."""
        self._note_lost(error)
        if isolated and self._writer.in_transaction:
            try:
                self._writer.execute("ROLLBACK TO one; RELEASE one").fetchall()
            except apsw.Error as worse:
                self._note_lost(worse)
            else:
                return
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")
        if self._group is group:
            self._group = None
            _fail(group, error)

    def _note_lost(self, error: BaseException | None) -> None:
        if isinstance(error, apsw.IOError) and getattr(error, "extendedresult", None) in _SYNC_FAILURES:
            self._lost = (
                f"the disk under {self._path} failed to store what it had taken (fsync); "
                "nothing is stored any more: check the disk, then start again"
            )

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqliteTransaction]:
        """As of the last commit; in memory, where nothing can fail to be committed, as of the last transaction."""
        with _unavailable():
            if self._path is None:
                yield self._read
                return
            self._read.connection.execute("BEGIN")
            try:
                yield self._read
            finally:
                self._read.connection.execute("ROLLBACK")

    async def survey(self, statement: str, /, **parameters: int) -> Rows:
        """In a thread and on a connection of its own; SQLite lets go of the interpreter while it counts."""
        if self._path is None:
            return await self._read.rows(statement, **parameters)
        return await asyncio.to_thread(self._survey, read_statements(__name__)[statement], parameters)

    def _survey(self, statement: Statement, parameters: Mapping[str, int]) -> Rows:
        with _unavailable():
            connection = self._open_reader()
            try:
                values = [parameters[name] for name in statement.parameters]
                return connection.execute(statement.text, values).fetchall()
            finally:
                connection.close()

    async def rewrite(self, tables: Sequence[str]) -> None:
        """VACUUM: pages that were split keep copies of what was moved, which nothing overwrites. Nobody writes
        meanwhile; the file system needs room for the database twice more."""
        if self._path is None:
            return
        while True:
            await self._writing.acquire()
            if self._group is None:
                break
            group = self._group
            self._writing.release()
            await asyncio.wait([group])
        try:
            if self._lost is not None:
                raise StoreLost(self._lost)
            with _unavailable():
                done = asyncio.ensure_future(asyncio.get_running_loop().run_in_executor(self._committing, self._vacuum))
                try:
                    await asyncio.shield(done)
                except asyncio.CancelledError:
                    await asyncio.wait([done])  # it can't be stopped, and nobody may write meanwhile
                    raise
        finally:
            self._writing.release()

    def _vacuum(self) -> None:
        """On a connection of its own, which builds the copy in a file and not in memory."""
        connection = apsw.Connection(str(self._path))
        try:
            connection.set_busy_timeout(_BUSY_MILLISECONDS)
            connection.wal_autocheckpoint(0)
            connection.execute("PRAGMA synchronous = FULL; VACUUM").fetchall()
            for _ in range(_CHECKPOINT_TRIES):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                if not os.path.exists(f"{self._path}-wal") or not os.path.getsize(f"{self._path}-wal"):
                    return
            raise apsw.BusyError("the log could not be emptied: something reads the database all the time")
        finally:
            connection.close()

    async def empty(self) -> None:
        """Delete all rows of all tables, but for the version of the schema. For a database in memory alone."""
        assert self._path is None
        async with self.transaction():
            for (name,) in self._writer.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'meta'"
            ).fetchall():
                self._writer.execute(f"DELETE FROM {name}")  # noqa: S608 - a name of our own schema

    async def close(self) -> None:
        """The reader first, so that the writer, which goes last, leaves no log behind."""
        async with self._writing:
            self._committing.shutdown()
            with _unavailable():
                self._read.connection.close()
                self._writer.close()
            self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class SqliteTransaction:
    """Runs statements on one connection; nothing here suspends."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self._statements = read_statements(__name__)

    async def rows(self, name: str, /, **parameters: object) -> Rows:
        """Lists arrive as JSON arrays, to be read with ``json_each``."""
        statement = self._statements[name]
        values = [
            to_document(value) if isinstance(value, list) else value
            for value in map(parameters.__getitem__, statement.parameters)
        ]
        return self.connection.execute(statement.text, values).fetchall()

    async def many(self, name: str, columns: Mapping[str, Sequence[object]], /, **parameters: object) -> Rows:
        """One prepared statement, stepped once for each row."""
        statement = self._statements[name]
        values = [columns[key] if key in columns else repeat(parameters[key]) for key in statement.parameters]
        return self.connection.executemany(statement.text, zip(*values)).fetchall()  # noqa: B905


def _lock(path: Path) -> int:
    """Hold ``<path>.lock`` for as long as the descriptor is open; only its owner may read it and the database."""
    name = f"{path}.lock"
    try:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise UsageFault(
            f"the database {path} cannot be opened ({error.strerror}): its folder must exist and be writable"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(descriptor, 32, 0).decode().strip() or "unknown"
        os.close(descriptor)
        raise StoreLocked(
            f"the database {path} is in use by process {holder}, which holds {name}: "
            "stop that process, or give this one another database"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _fail(group: asyncio.Future[None], error: BaseException) -> None:
    """Tell those who wait; perhaps nobody does any more."""
    undone = StoreUnavailable("undone together with another change of the same commit, which failed")
    group.set_exception(undone if isinstance(error, apsw.TooBigError) or not isinstance(error, apsw.Error) else error)
    group.exception()


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except apsw.NotADBError:
        raise UsageFault("the file is no SQLite database: name another one") from None
    except (apsw.TooBigError, OverflowError, UnicodeEncodeError) as error:
        raise StoreRefused(f"SQLite does not take this: {type(error).__name__}") from None
    except apsw.Error as error:
        raise StoreUnavailable(f"SQLite could not go on: {type(error).__name__}: {error}") from error
