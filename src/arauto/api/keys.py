"""keys: making, listing and revoking API keys."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from arauto.api.access import Admin, TheHub, TheKeyring
from arauto.api.keyring import SCOPES, Scope
from arauto.api.problems import Refused, documented
from arauto.store import ApiKey

router = APIRouter(prefix="/v1/keys", tags=["keys"], responses=documented(400, 401, 403, 422, 503))


class NewKey(BaseModel):
    """What the key is for, and what it may do."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=100)
    scopes: list[Scope] = Field(["events:write"], min_length=1, max_length=len(SCOPES))


class KeyView(BaseModel):
    """A key, without its text."""

    id: str
    name: str
    scopes: list[str]
    created_at: str
    revoked_at: str | None


class KeyMade(KeyView):
    """A new key; this is the only time that its text is told."""

    key: str


class KeyList(BaseModel):
    """All keys."""

    items: list[KeyView]


@router.post("", status_code=201, summary="Make a key", responses=documented(413, 415))
async def create_key(hub: TheHub, keyring: TheKeyring, admin: Admin, body: NewKey) -> KeyMade:
    key, text = await keyring.create(body.name, tuple(body.scopes), tenant=admin.tenant)
    return KeyMade(**_view(key).model_dump(), key=text)


@router.get("", summary="List keys")
async def list_keys(hub: TheHub, admin: Admin) -> KeyList:
    return KeyList(items=[_view(key) for key in await hub.store.keys(admin.tenant)])


@router.delete("/{id}", status_code=204, summary="Revoke a key", responses=documented(404))
async def revoke_key(keyring: TheKeyring, admin: Admin, id: str) -> None:
    if not await keyring.revoke(id, tenant=admin.tenant):
        raise Refused(404, "unknown_key", f"there is no valid key {id[:40]!r}")


def _view(key: ApiKey) -> KeyView:
    return KeyView(
        id=key.id,
        name=key.name,
        scopes=list(key.scopes),
        created_at=key.created_at.isoformat(timespec="seconds"),
        revoked_at=key.revoked_at.isoformat(timespec="seconds") if key.revoked_at else None,
    )
