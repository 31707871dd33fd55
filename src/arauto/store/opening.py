"""From a URL to a store."""

from __future__ import annotations

from arauto.errors import UsageFault
from arauto.store import Store
from arauto.store.relational import RelationalStore


async def open_store(url: str) -> Store:
    """The store at this place, created where there is none.

    ``loja.db`` or ``sqlite:///loja.db`` is a file seen from the working folder, ``sqlite:////var/lib/arauto/hub.db``
    one seen from the root; ``sqlite://:memory:`` ends with the process; ``postgresql://user@host/database`` is as in
    libpq. Raises UsageFault (StoreLocked among them) or StoreUnavailable.
    """
    scheme, separator, rest = url.partition("://")
    if scheme in ("postgresql", "postgres") and separator:
        from arauto.store.postgresql import PostgresqlDatabase

        return RelationalStore(await PostgresqlDatabase.open(url))
    if separator and (scheme != "sqlite" or not rest.startswith(("/", ":memory:"))):
        raise UsageFault(
            f"{scheme}:// is no database that Arauto knows; "
            "write sqlite:///file.db, sqlite:////absolute/file.db, a file's path, or postgresql://user@host/database"
        )
    from arauto.store.sqlite import SqliteDatabase

    path = rest.removeprefix("/") if separator else url
    return RelationalStore(SqliteDatabase(None if path == ":memory:" else path))
