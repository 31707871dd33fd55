"""The SQL files: the same statements on both databases, and none that grows slow with the tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest

from arauto.store.database import PARAMETER, Statement, read_schema, read_statements
from arauto.store.opening import open_store
from arauto.store.postgresql import SETTINGS

SQLITE = read_statements("arauto.store.sqlite")
POSTGRESQL = read_statements("arauto.store.postgresql")
MAY_READ_ALL = {"versions_under_way", "versions", "drop_editions", "counts", "trim_rejections", "ticked"}
MAY_READ_ALL |= {"unfinished_erasures", "rejections_to_clear", "runs_under_way", "messages_under_way"}
MAY_READ_ALL |= {"release", "versions_like", "versions_with_files", "plans", "drop_plans_of"}
MAY_READ_ALL |= {"drop_old_release_files", "drop_release_files"}
"""The first is kept out of the way of everything else; the second keeps its table small. Of schedules and
releases there are few."""
FIRST_ROWS = ("next_due", "last_sequences", "first_and_last_event", "retire_history", "live_release")
SOURCE = Path(__file__).parents[2] / "src" / "arauto" / "store"


def test_both_files_have_the_same_statements_in_the_same_order() -> None:
    assert list(SQLITE) == list(POSTGRESQL)


@pytest.mark.parametrize("name", SQLITE)
def test_a_statement_has_the_same_parameters_in_both_files(name: str) -> None:
    assert set(SQLITE[name].parameters) == set(POSTGRESQL[name].parameters)


def test_every_statement_is_used() -> None:
    code = "".join(path.read_text() for path in SOURCE.rglob("*.py"))
    assert [name for name in SQLITE if f'"{name}"' not in code] == []


@pytest.mark.parametrize("name", [name for name in SQLITE if name not in MAY_READ_ALL])
def test_sqlite_finds_by_index(name: str) -> None:
    """``SCAN x USING INDEX`` walks an index in its order, which is fine under a LIMIT; a bare SCAN reads a table."""
    connection = apsw.Connection(":memory:")
    connection.execute(read_schema("arauto.store.sqlite")).fetchall()
    statement = SQLITE[name]
    values = [None] * len(statement.parameters)
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement.text}", values)]
    tables = "events|runs|run_events|messages|recipients|inbox|api_keys|rejections"
    assert [step for step in plan if re.fullmatch(rf"SCAN ({tables})", step)] == []
    assert [step for step in plan if "AUTOMATIC" in step] == []
    if name.startswith(("take_", "list_")):
        assert not any("USE TEMP B-TREE" in step for step in plan), plan


@pytest.fixture
async def postgresql(postgresql_url: str) -> Any:
    """A connection as the store has it, to tables whose statistics say that nothing waits: as before a backlog."""
    await (await open_store(postgresql_url)).close()
    connection = await asyncpg.connect(postgresql_url, server_settings=SETTINGS)
    await connection.execute(
        """
        INSERT INTO events SELECT n, 'k' || n, 't', 'i' || n, 'x', n, 'h', 'planned', 'a', n, 1, '{}', '{}', NULL
        FROM generate_series(1, 3000) n;
        INSERT INTO runs
        SELECT n, n, 'r' || n, 't', 'ana', 'done', NULL, NULL, NULL, NULL, 0, 1, NULL, NULL, NULL, NULL, 'v1',
            '{}'
        FROM generate_series(1, 3000) n;
        INSERT INTO awaits SELECT n, 'k' || n, n, n, 0 FROM generate_series(1, 3000) n;
        INSERT INTO signals SELECT n, 'k' || n, n, n, NULL FROM generate_series(1, 3000) n;
        INSERT INTO uses SELECT 'k' || n, n, 'r', 1 FROM generate_series(1, 3000) n;
        INSERT INTO wishes SELECT 't', 'r' || n, n, '{}' FROM generate_series(1, 3000) n;
        INSERT INTO consents SELECT n, 't', 'r' || n, n, '{}' FROM generate_series(1, 3000) n;
        INSERT INTO suppressions SELECT 't', 'h' || n, 'email', 'bounced', n FROM generate_series(1, 3000) n;
        INSERT INTO fanouts SELECT n, 'f' || n, n, '[]', 'done', 'a', n, 0, '', 0, '{}'
        FROM generate_series(1, 3000) n;
        INSERT INTO run_events SELECT n, 1, n FROM generate_series(1, 3000) n;
        INSERT INTO messages
        SELECT n, 'm' || n, n, 't', 'ana', 'email', 'n', n, 'sent', NULL, n, 1, '{}', NULL, NULL, NULL, NULL
        FROM generate_series(1, 3000) n;
        INSERT INTO replays SELECT 't', 'r' || n, '{}' FROM generate_series(1, 3000) n;
        INSERT INTO receipts SELECT n, 'delivered', 0, 0, n, NULL FROM generate_series(1, 3000) n;
        INSERT INTO inbox SELECT n, 't', 'r' || n % 100, n, NULL, '{}' FROM generate_series(1, 3000) n;
        INSERT INTO recipients SELECT 't', 'r' || n, n, '{}' FROM generate_series(1, 3000) n;
        INSERT INTO history SELECT n, 't', 'recipient', 'r' || n, n, n + 1, 0, '{}' FROM generate_series(1, 3000) n;
        INSERT INTO rejections SELECT n, 't', '{}' FROM generate_series(1, 3000) n;
        SET plan_cache_mode = force_generic_plan
        """
    )
    # Only these: of the schemas of all other tests there would be more locks than a transaction may have.
    names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    await connection.execute(f"ANALYZE {', '.join(row[0] for row in names)}")
    yield connection
    await connection.close()


async def test_postgresql_finds_by_index(postgresql: Any) -> None:
    """An index that is read without a condition is read whole: only the look-ups of a first row may do so."""
    slow = {}
    for name, statement in POSTGRESQL.items():
        if name in MAY_READ_ALL:
            continue
        plan = await _plan(postgresql, name, statement)
        nodes = re.split(r"(?:^|\n)\s*->  |\n(?=\s*CTE )", "\n".join(plan))
        whole = [node for node in nodes if re.match("Index .*Scan", node) and "Index Cond" not in node]
        sorted_to_take = name.startswith("take_") and any("Sort" in node for node in nodes)
        if "Seq Scan" in str(plan) or sorted_to_take or (whole and name not in FIRST_ROWS):
            slow[name] = plan
    assert not slow, "\n".join(line for name, plan in slow.items() for line in (name, *plan))


async def _plan(connection: Any, name: str, statement: Statement) -> list[str]:
    numbers = {parameter: f"${number}" for number, parameter in enumerate(statement.parameters, 1)}
    text = PARAMETER.sub(lambda match: numbers[match[1]], statement.text)
    await connection.execute(f"PREPARE {name} AS {text}")
    nulls = f"({', '.join(['NULL'] * len(statement.parameters))})" if statement.parameters else ""
    return [row[0] for row in await connection.fetch(f"EXPLAIN (COSTS OFF) EXECUTE {name}{nulls}")]
