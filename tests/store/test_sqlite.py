"""What holds of SQLite alone: one process, the disk, and being killed."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest

from arauto.errors import StoreLocked, StoreLost, StoreRefused, StoreUnavailable, UsageFault
from arauto.store.opening import open_store
from arauto.store.relational import RelationalStore
from arauto.store.sqlite import CHECKPOINT_PAGES, SqliteDatabase


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hub.db"


def pragma(path: Path, name: str) -> Any:
    """As an observer sees it."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    value = connection.pragma(name)
    connection.close()
    return value


# -- opening -------------------------------------------------------------------------------------------------------


async def test_what_was_stored_is_there_after_opening_again(path: Path, make: Any) -> None:
    for expected in (["1"], ["1", "2"]):
        store = await open_store(str(path))
        await make.append(store, *expected)
        await store.close()
    store = await open_store(str(path))
    assert (await store.counts()).events == {"pending": 2}
    assert store.exclusive
    await store.close()
    assert sorted(each.name for each in path.parent.iterdir()) == ["hub.db", "hub.db.lock"], "no log is left behind"


async def test_others_on_the_machine_cannot_read_the_files(path: Path, make: Any) -> None:
    store = await open_store(str(path))
    await make.append(store, "1")
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == dict.fromkeys(["hub.db", "hub.db-shm", "hub.db-wal", "hub.db.lock"], 0o600)
    await store.close()


HOLDER = """
import asyncio, sys
from arauto.store.opening import open_store

async def hold() -> None:
    await open_store(sys.argv[1])
    print("held", flush=True)
    sys.stdin.read()

asyncio.run(hold())
"""


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the database open."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


async def test_a_second_process_is_told_who_has_the_database(path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(StoreLocked, match=rf"{path} is in use by process {holder.pid}, .*stop that process"):
        await open_store(str(path))
    holder.kill()
    holder.wait()
    await (await open_store(str(path))).close()


async def test_the_same_process_cannot_open_it_twice(path: Path) -> None:
    store = await open_store(str(path))
    with pytest.raises(StoreLocked):
        await open_store(str(path))
    await store.close()


async def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    await (await open_store(str(path))).close()
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE meta SET value = '99' WHERE name = 'schema_version'")
    connection.close()
    for _ in range(2):
        with pytest.raises(UsageFault, match="newer Arauto \\(schema 99; this one knows 1\\)"):
            await open_store(str(path))


async def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.write_text("this is my shopping list, and no database\n" * 100)
    with pytest.raises(UsageFault, match="no SQLite database"):
        await open_store(str(path))
    assert path.read_text().startswith("this is my shopping list")


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match=r"none/hub\.db cannot be opened .*folder must exist"):
        await open_store(str(tmp_path / "none" / "hub.db"))


# -- durability ----------------------------------------------------------------------------------------------------

APPENDER = """
import asyncio, os, signal, sys
from datetime import UTC, datetime
from arauto.model import Event
from arauto.store import NewEvent
from arauto.store.opening import open_store

async def append() -> None:
    store = await open_store(sys.argv[1])
    now = datetime.now(UTC)
    for number in range(3):
        event = Event(source="loja", id=str(number), type="order.paid", time=now, data={})
        await store.append_events([NewEvent(event, "h")], owner="a", now=now, lease_until=now)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(append())
"""


async def test_what_was_appended_survives_being_killed(path: Path) -> None:
    process = subprocess.run([sys.executable, "-c", APPENDER, str(path)], check=False)
    assert process.returncode == -signal.SIGKILL
    store = await open_store(str(path))
    assert (await store.counts()).events == {"pending": 3}
    assert pragma(path, "integrity_check") == "ok"
    await store.close()


async def test_every_commit_waits_for_the_disk(path: Path, make: Any) -> None:
    with Disk() as disk:
        store = await open_store(str(path))
        disk.syncs.clear()
        await make.append(store, "1")
        assert disk.syncs, "the log was synced before append_events returned"
        disk.syncs.clear()
        assert await store.take_pending(owner="a", now=make.now, lease_until=make.lease, limit=9) == []
        assert not disk.syncs, "nothing was written, so nothing is waited for"
        await store.close()


async def test_the_log_is_brought_home_when_it_has_grown(path: Path, make: Any) -> None:
    store = await open_store(str(path))
    size = 0
    for number in range(60):
        news = [make.new(f"{number}-{each}", body="x" * 4000) for each in range(100)]
        await store.append_events(news, owner="a", now=make.now, lease_until=make.lease)
        size = max(size, path.with_name("hub.db-wal").stat().st_size)
    assert size < 2 * CHECKPOINT_PAGES * 4096
    assert path.stat().st_size > 10_000_000
    await store.close()


# -- a disk that fails ---------------------------------------------------------------------------------------------


class Disk(apsw.VFS):
    """The disk under every database that is opened within ``with``: full or failing when told to be."""

    def __init__(self) -> None:
        super().__init__("failing", "unix", makedefault=True)
        self.syncs: list[str] = []
        self.full = False
        self.failing = False

    def xOpen(self, name: Any, flags: list[int]) -> File:
        return File(self, name, flags)

    def __enter__(self) -> Disk:
        return self

    def __exit__(self, *_: object) -> None:
        self.unregister()


class File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)

    def xSync(self, flags: int) -> None:
        if self._disk.failing:
            error = apsw.IOError("the disk is broken")
            error.extendedresult = apsw.SQLITE_IOERR_FSYNC  # type: ignore[attr-defined]
            raise error
        self._disk.syncs.append(self._name)
        super().xSync(flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        if self._disk.full:
            raise apsw.FullError("no space left")
        super().xWrite(data, offset)


async def test_a_full_disk_leaves_nothing_half_done_and_work_goes_on_when_there_is_room(path: Path, make: Any) -> None:
    with Disk() as disk:
        store = await open_store(str(path))
        await make.append(store, "before")
        disk.full = True
        with pytest.raises(StoreUnavailable, match="FullError"):
            await make.append(store, "during-1", "during-2")
        with pytest.raises(StoreUnavailable):
            await store.ping()
        assert (await store.counts()).events == {"pending": 1}
        disk.full = False
        await make.append(store, "after")
        assert (await store.counts()).events == {"pending": 2}
        await store.close()
    assert pragma(path, "integrity_check") == "ok"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
async def test_a_disk_that_is_really_full(tmp_path: Path, make: Any) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=False, capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        store = await open_store(str(disk / "hub.db"))
        kept = 0
        try:
            while kept < 2000:
                news = [make.new(f"{kept}-{each}", body="x" * 2000) for each in range(20)]
                await store.append_events(news, owner="a", now=make.now, lease_until=make.lease)
                kept += 20
        except StoreUnavailable:
            pass
        assert 0 < kept < 2000
        assert (await store.counts()).events == {"pending": kept}
        subprocess.run(["mount", "-o", "remount,size=16m", disk], check=True)
        await make.append(store, "after")
        assert (await store.counts()).events == {"pending": kept + 1}
        await store.close()
        assert pragma(disk / "hub.db", "integrity_check") == "ok"
    finally:
        subprocess.run(["umount", disk], check=True)


async def test_after_a_failed_fsync_nothing_is_stored_any_more(path: Path, make: Any) -> None:
    with Disk() as disk:
        store = await open_store(str(path))
        await make.append(store, "before")
        disk.failing = True
        with pytest.raises(StoreUnavailable):
            await make.append(store, "during")
        disk.failing = False
        with pytest.raises(StoreUnavailable, match="check the disk, then start again"):
            await make.append(store, "after")
        with pytest.raises(StoreUnavailable, match="check the disk"):
            await store.ping()
        await store.close()
        again = await open_store(str(path))
        assert (await again.counts()).events == {"pending": 1}
        await again.close()


async def test_after_that_it_is_lost_and_not_only_away(path: Path, make: Any) -> None:
    with Disk() as disk:
        store = await open_store(str(path))
        disk.failing = True
        with pytest.raises(StoreUnavailable):
            await make.append(store, "during")
        disk.failing = False
        with pytest.raises(StoreLost):
            await make.append(store, "after")
        await store.close()


async def test_what_is_too_large_is_refused_and_harms_nothing_that_came_at_the_same_time(path: Path, make: Any) -> None:
    database = SqliteDatabase(str(path))
    database._writer.limit(apsw.SQLITE_LIMIT_LENGTH, 20_000)
    store = RelationalStore(database)
    large = make.new("large", body="x" * 30_000)
    append = partial(store.append_events, owner="a", now=make.now, lease_until=make.lease)
    gone, kept = await asyncio.gather(append([large]), append([make.new("1")]), return_exceptions=True)
    assert isinstance(gone, StoreRefused)
    assert not isinstance(kept, StoreRefused)
    if isinstance(kept, StoreUnavailable):
        await append([make.new("1")])
    assert (await store.counts()).events == {"pending": 1}
    await store.close()


# -- side by side --------------------------------------------------------------------------------------------------


async def test_looking_waits_for_no_writer_and_sees_no_half(path: Path, make: Any) -> None:
    database = SqliteDatabase(str(path))
    store = RelationalStore(database)
    await make.append(store, "1")
    async with database.transaction() as transaction:
        await transaction.rows("quarantine", key=make.event("1").key, explanation="{}")
        async with asyncio.timeout(5):
            assert (await store.counts()).events == {"pending": 1}
            (seen,) = await store.find_events("default", "1")
        assert seen.state == "pending"
    assert (await store.counts()).events == {"quarantined": 1}
    await store.close()


async def test_an_error_in_a_transaction_undoes_it(path: Path, make: Any) -> None:
    database = SqliteDatabase(str(path))
    store = RelationalStore(database)
    await make.append(store, "1")

    async def fail() -> None:
        async with database.transaction() as transaction:
            await transaction.rows("quarantine", key=make.event("1").key, explanation="{}")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert (await store.counts()).events == {"pending": 1}
    await store.close()


@pytest.mark.parametrize(
    ("isolated", "spoilt", "others", "kept"),
    [
        pytest.param(True, False, list, 3, id="alone when it was isolated"),
        pytest.param(True, True, StoreUnavailable, 1, id="with all others when it cannot be undone alone"),
        pytest.param(False, False, StoreUnavailable, 1, id="with all others when it was not isolated"),
    ],
)
async def test_a_transaction_that_fails_in_a_shared_commit_is_undone(
    path: Path, make: Any, isolated: bool, spoilt: bool, others: type, kept: int
) -> None:
    database = SqliteDatabase(str(path))
    store = RelationalStore(database)

    async def fail() -> None:
        async with database.transaction(isolated=isolated) as transaction:
            await transaction.rows("quarantine", key=make.event("1").key, explanation="{}")
            if spoilt:
                transaction.connection.execute("RELEASE one")
            raise ZeroDivisionError

    await make.append(store, "1")
    async with database.transaction() as transaction:  # so that those who come now wait, and then share one commit
        waiting = asyncio.gather(make.append(store, "2"), make.append(store, "3"), fail(), return_exceptions=True)
        await asyncio.sleep(0)
        await transaction.rows("next_due")
    assert [type(each) for each in await waiting] == [others, others, ZeroDivisionError]
    assert (await store.counts()).events == {"pending": kept}
    await make.append(store, "4")
    assert (await store.counts()).events == {"pending": kept + 1}
    await store.close()


async def test_a_full_disk_fails_all_that_share_its_commit(path: Path, make: Any) -> None:
    with Disk() as disk:
        store = await open_store(str(path))
        disk.full = True
        done = await asyncio.gather(*[make.append(store, str(number)) for number in range(5)], return_exceptions=True)
        assert [type(each) for each in done] == [StoreUnavailable] * 5
        assert (await store.counts()).events == {}
        disk.full = False
        await asyncio.gather(*[make.append(store, str(number)) for number in range(5)])
        assert (await store.counts()).events == {"pending": 5}
        await store.close()


async def test_verbs_at_the_same_time_share_their_syncs(path: Path, make: Any) -> None:
    with Disk() as disk:
        store = await open_store(str(path))
        disk.syncs.clear()
        await asyncio.gather(*[make.append(store, str(number)) for number in range(50)])
        assert 0 < len(disk.syncs) < 10
        await store.close()
