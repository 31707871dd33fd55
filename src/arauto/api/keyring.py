"""keyring: who may call. A key is shown once and stored as a keyed hash; inbox tokens are signed and expire."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal, get_args

from starlette.requests import Request

from arauto.api.problems import Refused
from arauto.engine.links import Signer
from arauto.store import ApiKey, Store

Scope = Literal[
    "events:write", "read", "recipients:write", "messages:write", "silences:write", "releases:write", "admin"
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""``admin`` includes all others."""

_INBOX = "inbox_"

_FRESH = timedelta(seconds=5)
"""How long a key is trusted without asking the database again: the time a revocation may take on another node."""


class Keyring:
    """Makes and checks keys and inbox tokens. ``session`` is the key of the hub's own command line, never stored."""

    def __init__(self, store: Store, secret: bytes, *, clock: Callable[[], datetime], session: str | None) -> None:
        self.store, self._secret, self._clock = store, secret, clock
        self._inbox = Signer(secret, "inbox")
        self._known: dict[str, tuple[datetime, ApiKey | None]] = {}
        if session is not None:
            hashed = self._hash(session)
            key = ApiKey(id="session", name="command line", hash=hashed, scopes=("admin",), created_at=clock())
            self._session: tuple[str, ApiKey] | None = (hashed, key)
        else:
            self._session = None

    @classmethod
    async def open(cls, store: Store, *, clock: Callable[[], datetime], session: str | None = None) -> Keyring:
        """A keyring over this store's own secret."""
        return cls(store, await store.hub_secret("api-keys"), clock=clock, session=session)

    async def create(self, name: str, scopes: tuple[Scope, ...], *, tenant: str = "default") -> tuple[ApiKey, str]:
        """A new key, and its text, which exists nowhere else."""
        id = secrets.token_hex(4)
        text = f"arauto_{id}_{secrets.token_urlsafe(24)}"
        key = ApiKey(id=id, name=name, hash=self._hash(text), scopes=scopes, created_at=self._clock(), tenant=tenant)
        await self.store.put_key(key)
        self._known = {}
        return key, text

    async def revoke(self, id: str, *, tenant: str = "default") -> bool:
        """Make a key useless; False when there is none of this id, or it was revoked before."""
        revoked = await self.store.revoke_key(tenant, id, now=self._clock())
        self._known = {}
        return revoked

    async def check(self, text: str | None, scope: Scope) -> ApiKey:
        """The key that this text is. Raises Refused: 401 without a valid key, 403 when its scopes do not suffice."""
        if text is None:
            raise Refused(
                401,
                "key_missing",
                "send an API key as 'Authorization: Bearer arauto_…'; 'arauto keys create' makes one",
                headers={"WWW-Authenticate": "Bearer"},
            )
        key = await self._find(text)
        if key is None or key.revoked_at is not None:
            raise Refused(
                401,
                "key_invalid",
                "this API key is not known or was revoked; 'arauto keys list' shows those that are valid",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
        if scope not in key.scopes and "admin" not in key.scopes:
            has = ", ".join(key.scopes)
            raise Refused(403, "scope_missing", f"this needs the scope {scope!r}; the key {key.name!r} has: {has}")
        return key

    async def _find(self, text: str) -> ApiKey | None:
        hashed = self._hash(text)
        if self._session is not None and hmac.compare_digest(self._session[0], hashed):
            return self._session[1]
        now = self._clock()
        known = self._known.get(hashed)
        if known is not None and known[0] > now:
            return known[1]
        if len(self._known) > 1000:
            self._known = {}
        # What is found while a key is being revoked may be old: it goes to those that are forgotten then.
        memory = self._known
        key = await self.store.find_key(hashed)
        memory[hashed] = (now + _FRESH, key)
        return key

    def _hash(self, text: str) -> str:
        return hmac.digest(self._secret, text.encode("utf-8", "replace"), "sha256").hex()

    # -- inbox tokens ----------------------------------------------------------------------------------------------

    def inbox_token(self, tenant: str, recipient: str, life: timedelta) -> tuple[str, datetime]:
        """A token with which this recipient's own inbox may be read and marked, and nothing else; and its end."""
        until = self._clock() + life
        return _INBOX + self._inbox.sign(str(int(until.timestamp())), tenant, recipient), until

    def inbox_owner(self, token: str | None) -> tuple[str, str]:
        """(tenant, recipient) of a token. Raises Refused (401)."""
        claims = self._inbox.read(token.removeprefix(_INBOX), 3) if token and token.startswith(_INBOX) else None
        if claims is None:
            raise Refused(
                401,
                "token_invalid",
                "send a valid inbox token as 'Authorization: Bearer inbox_…' or ?token=; "
                "POST /v1/recipients/{id}/inbox-token gives one",
                headers={"WWW-Authenticate": "Bearer"},
            )
        until, tenant, recipient = claims
        if int(until) <= self._clock().timestamp():
            raise Refused(401, "token_expired", "this inbox token has expired; ask for a new one")
        return tenant, recipient


def bearer(request: Request) -> str | None:
    """The bearer token of a request."""
    return bearer_of(request.headers.get("authorization"))


def bearer_of(header: str | None) -> str | None:
    """The token of an Authorization header of the scheme Bearer (RFC 6750)."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
