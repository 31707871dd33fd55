"""keys: API keys for producers and for people who look."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from arauto.cli import Failed
from arauto.cli.hub import (
    HubCall,
    JsonOption,
    KeyOption,
    ProjectOption,
    UrlOption,
    connect,
    print_json,
    read_session,
    state_folder,
)

app = typer.Typer(help="Make, list and revoke API keys.")

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        envvar="ARAUTO_DATABASE", help="The database, when no hub runs.", show_default="PROJECT/.arauto/hub.sqlite3"
    ),
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for, such as 'shop'.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="events:write, read, recipients:write, messages:write, silences:write or admin; several are allowed."
        ),
    ] = None,
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and show it, this once.

    Examples:

      arauto keys create shop
      arauto keys create dashboard --scope read
    """
    scopes = scope or ["events:write"]

    async def direct(keyring: Any) -> dict[str, Any]:
        from arauto.api.keyring import SCOPES

        wrong = [each for each in scopes if each not in SCOPES]
        if wrong:
            raise Failed(f"there is no scope {wrong[0]!r}; there are: {', '.join(SCOPES)}", 2)
        made, text = await keyring.create(name, tuple(scopes))
        return {"id": made.id, "name": made.name, "scopes": list(made.scopes), "key": text}

    made = _either(
        project, url, key, database, lambda hub: hub.call("POST", "/v1/keys", {"name": name, "scopes": scopes}), direct
    )
    if as_json:
        print_json(made)
        return
    typer.echo(made["key"])
    typer.echo(f"the key {made['id']} ({', '.join(made['scopes'])}) is shown only this once: keep it now", err=True)


@app.command("list")
def list_keys(
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List all keys, without their texts."""

    async def direct(keyring: Any) -> list[dict[str, Any]]:
        return [
            {
                "id": each.id,
                "name": each.name,
                "scopes": list(each.scopes),
                "created_at": each.created_at.isoformat(timespec="seconds"),
                "revoked_at": each.revoked_at and each.revoked_at.isoformat(timespec="seconds"),
            }
            for each in await keyring.store.keys("default")
        ]

    items = _either(project, url, key, database, lambda hub: hub.get("v1", "keys")["items"], direct)
    if as_json:
        print_json(items)
    elif not items:
        typer.echo("There are no keys; make one with: arauto keys create NAME")
    for item in () if as_json else items:
        revoked = f"  revoked {item['revoked_at']}" if item["revoked_at"] else ""
        typer.echo(f"{item['id']}  {item['name']}  {', '.join(item['scopes'])}  since {item['created_at']}{revoked}")


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="The key's id, from 'arauto keys list'.")],
    project: ProjectOption = Path(),
    url: UrlOption = None,
    key: KeyOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make a key useless, at once."""

    async def direct(keyring: Any) -> None:
        if not await keyring.revoke(id):
            raise Failed(f"there is no valid key {id!r}; 'arauto keys list' shows them", 4)

    _either(project, url, key, database, lambda hub: hub.delete("v1", "keys", id), direct)
    typer.echo(f"revoked: {id}")


def _either(
    project: Path,
    url: str | None,
    key: str | None,
    database: str | None,
    ask: Callable[[HubCall], Any],
    direct: Callable[[Any], Awaitable[Any]],
) -> Any:
    """Ask the running hub; where none runs, open the database oneself."""
    if url is not None or read_session(project) is not None:
        return ask(connect(project, url, key))
    if not (project / "arauto.yaml").is_file():
        raise Failed(f"{project.resolve()} has no arauto.yaml; name the project with --project, or a hub with --url", 2)

    async def run() -> Any:
        from arauto.api.keyring import Keyring
        from arauto.app import now
        from arauto.store.opening import open_store

        store = await open_store(database or str(state_folder(project) / "hub.sqlite3"))
        try:
            return await direct(await Keyring.open(store, clock=now))
        finally:
            await store.close()

    return asyncio.run(run())
