"""Who may do what: keys and their scopes on every route, inbox tokens, and what reaches a route at all."""

from __future__ import annotations

import base64
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arauto.api.keyring import SCOPES, Keyring, bearer_of
from arauto.api.problems import Refused, pointer
from arauto.store.opening import open_store

NEEDS = {
    ("POST", "/v1/events"): "events:write",
    ("GET", "/v1/events"): "read",
    ("GET", "/v1/events/1"): "read",
    ("GET", "/v1/events/1/explanation"): "read",
    ("GET", "/v1/messages"): "read",
    ("GET", "/v1/messages/msg_1"): "read",
    ("GET", "/v1/rejections"): "read",
    ("GET", "/v1/recipients"): "read",
    ("GET", "/v1/recipients/x"): "read",
    ("PUT", "/v1/recipients/x"): "recipients:write",
    ("DELETE", "/v1/recipients/x"): "recipients:write",
    ("POST", "/v1/recipients/import"): "recipients:write",
    ("POST", "/v1/recipients/x/inbox-token"): "recipients:write",
    ("GET", "/v1/recipients/x/wishes"): "read",
    ("PUT", "/v1/recipients/x/wishes"): "recipients:write",
    ("PATCH", "/v1/recipients/x/wishes"): "recipients:write",
    ("GET", "/v1/recipients/x/consents"): "read",
    ("POST", "/v1/recipients/x/consents"): "recipients:write",
    ("POST", "/v1/recipients/x/preferences-link"): "recipients:write",
    ("POST", "/v1/messages/msg_1/acknowledge"): "messages:write",
    ("POST", "/v1/interventions"): "messages:write",
    ("POST", "/v1/replays"): "messages:write",
    ("GET", "/v1/silences"): "read",
    ("GET", "/v1/silences/x"): "read",
    ("POST", "/v1/silences"): "silences:write",
    ("PATCH", "/v1/silences/x"): "silences:write",
    ("POST", "/v1/silences/x/end"): "silences:write",
    ("DELETE", "/v1/silences/x"): "silences:write",
    ("GET", "/v1/releases"): "read",
    ("GET", "/v1/releases/x"): "read",
    ("POST", "/v1/releases"): "releases:write",
    ("GET", "/v1/releases/x/files"): "releases:write",
    ("POST", "/v1/releases/x/rollback"): "releases:write",
    ("GET", "/v1/recipients/x/export"): "admin",
    ("POST", "/v1/recipients/x/erase"): "admin",
    **{("GET", f"/v1/history/{what}"): "admin" for what in ("span", "recipients", "silences", "events", "under-way")},
    ("POST", "/v1/keys"): "admin",
    ("GET", "/v1/keys"): "admin",
    ("DELETE", "/v1/keys/x"): "admin",
}
BODIES = {"/v1/recipients/import": [], "/v1/recipients/x": {}, "/v1/keys": {"name": "x"}}


async def test_each_route_takes_the_keys_with_its_scope_and_no_others(api: Any) -> None:
    keys = {scope: (await api.make_key(scope))[1] for scope in SCOPES}
    for (method, path), needed in NEEDS.items():
        body = BODIES.get(path) if method in ("PUT", "POST") else None
        for scope, key in keys.items():
            answer = await api.call(method, path, body, key=key)
            if scope in (needed, "admin"):
                assert answer.status not in (401, 403), (method, path, scope)
            else:
                assert answer.problem == (403, "scope_missing"), (method, path, scope)
                assert repr(needed) in answer.json["detail"]
                assert key not in answer.body.decode()


async def test_the_table_of_scopes_has_every_route(api: Any) -> None:
    described = (await api.call("GET", "/openapi.json")).json["paths"]
    operations = {
        (method.upper(), path)
        for path, item in described.items()
        for method, operation in item.items()
        if operation.get("security") and "key" in operation["security"][0]
    }
    assert len(operations) == len(NEEDS)


async def test_without_a_key_or_with_a_wrong_one_nothing_is_told(api: Any) -> None:
    for method, path in NEEDS:
        body = BODIES.get(path) if method in ("PUT", "POST") else None
        answer = await api.call(method, path, body, key=None)
        assert answer.problem == (401, "key_missing"), (method, path)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        for wrong in ("wrong", "arauto_00000000_x", "wröng", "inbox_x.y", api.key + "x"):
            answer = await api.call(method, path, body, key=None, Authorization=f"Bearer {wrong}")
            assert answer.problem == (401, "key_invalid"), (method, path, wrong)
            assert wrong not in answer.json["detail"]
        answer = await api.call(method, path, body, key=None, Authorization=f"Basic {api.key}")
        assert answer.problem == (401, "key_missing"), (method, path)


async def test_a_revoked_key_is_refused_at_once_though_it_was_just_used(api: Any, make: Any) -> None:
    id, key = await api.make_key("events:write")
    assert (await api.call("POST", "/v1/events", [], key=key, **BATCH)).status == 202
    assert (await api.call("DELETE", f"/v1/keys/{id}")).status == 204
    assert (await api.call("POST", "/v1/events", [], key=key, **BATCH)).problem == (401, "key_invalid")
    assert (await api.call("DELETE", f"/v1/keys/{id}")).problem == (404, "unknown_key")
    listed = (await api.call("GET", "/v1/keys")).json["items"]
    assert [each["revoked_at"] is not None for each in listed if each["id"] == id] == [True]
    assert key not in str(listed)


BATCH = {"Content-Type": "application/cloudevents-batch+json"}


async def test_a_key_that_is_looked_up_while_it_is_revoked_is_not_remembered() -> None:
    store = await open_store("sqlite://:memory:")
    keyring = await Keyring.open(store, clock=lambda: NOW)
    key, text = await keyring.create("x", ("read",))
    find = store.find_key

    async def find_and_lose(hash: str) -> Any:
        found = await find(hash)
        await keyring.revoke(key.id)
        return found

    store.find_key = find_and_lose  # type: ignore[method-assign]
    assert (await keyring.check(text, "read")).id == key.id
    store.find_key = find  # type: ignore[method-assign]
    with pytest.raises(Refused, match="revoked"):
        await keyring.check(text, "read")
    await store.close()


@pytest.mark.parametrize(
    ("header", "token"),
    [
        pytest.param(None, None, id="no header"),
        pytest.param("", None, id="an empty header"),
        pytest.param("Bearer", None, id="no token"),
        pytest.param("Bearer  ", None, id="a blank token"),
        pytest.param("bEARER abc", "abc", id="the scheme in any case"),
        pytest.param("Bearer  abc ", "abc", id="more white space"),
        pytest.param("Basic abc", None, id="another scheme"),
        pytest.param("Bearerabc", None, id="no white space"),
    ],
)
def test_the_bearer_token_of_a_header(header: str | None, token: str | None) -> None:
    assert bearer_of(header) == token


# -- inbox tokens --------------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that is set."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def keyring() -> Any:
    store = await open_store("sqlite://:memory:")
    yield await Keyring.open(store, clock=Clock())
    await store.close()


@pytest.mark.parametrize("recipient", ["c1", "a/b c", "João 100%", "😀", "x" * 200])
async def test_a_token_opens_the_inbox_it_was_made_for_until_it_expires(keyring: Any, recipient: str) -> None:
    token, until = keyring.inbox_token("default", recipient, timedelta(hours=1))
    assert until == NOW + timedelta(hours=1)
    assert keyring.inbox_owner(token) == ("default", recipient)
    keyring._clock.now = until - timedelta(seconds=1)
    assert keyring.inbox_owner(token) == ("default", recipient)
    keyring._clock.now = until
    with pytest.raises(Refused) as caught:
        keyring.inbox_owner(token)
    assert (caught.value.status, caught.value.code) == (401, "token_expired")


async def test_a_token_that_was_tampered_with_opens_nothing(keyring: Any) -> None:
    token, _ = keyring.inbox_token("default", "c1", timedelta(hours=1))
    text, _, signature = token.removeprefix("inbox_").partition(".")
    other = base64.urlsafe_b64encode(b"99999999999\0default\0c2").decode().rstrip("=")
    _, key_text = await keyring.create("x", ("admin",))
    second, _ = keyring.inbox_token("default", "c2", timedelta(hours=1))
    for wrong in [
        None,
        "",
        "inbox_",
        "inbox_.",
        text,
        token[:-1],
        token + "A",
        token.removeprefix("inbox_"),
        f"inbox_{other}.{signature}",
        f"inbox_{text}.{second.partition('.')[2]}",
        f"inbox_{text}.\ud800é",
        f"inbox_\ud800.{signature}",
        key_text,
        *(token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(6, len(token) - 1)),
    ]:
        with pytest.raises(Refused) as caught:
            keyring.inbox_owner(wrong)
        assert (caught.value.status, caught.value.code) == (401, "token_invalid"), wrong


async def test_a_token_opens_its_own_inbox_by_header_or_query_and_nothing_else(api: Any, make: Any) -> None:
    await api.call("PUT", "/v1/recipients/c1", {})
    await api.call("PUT", "/v1/recipients/c2", {})
    made = (await api.call("POST", "/v1/recipients/c1/inbox-token", {"hours": 1})).json
    token = made["token"]
    assert (await api.call("GET", "/v1/inbox", key=token)).json == {"items": [], "next": None, "unread": 0, "read": 0}
    assert (await api.call("GET", f"/v1/inbox?token={token}", key=None)).status == 200
    assert (await api.call("GET", f"/v1/inbox?token={token}x", key=None)).problem == (401, "token_invalid")
    assert (await api.call("GET", "/v1/inbox", key=None)).problem == (401, "token_invalid")
    assert (await api.call("GET", "/v1/inbox")).problem == (401, "token_invalid")
    for method, path in NEEDS:
        answer = await api.call(method, path, BODIES.get(path) if method in ("PUT", "POST") else None, key=token)
        assert answer.problem == (401, "key_invalid"), (method, path)
    for hours in (0, 721, "12", 1.5):
        refused = await api.call("POST", "/v1/recipients/c1/inbox-token", {"hours": hours})
        assert refused.problem == (422, "invalid_request"), hours
    assert (await api.call("POST", "/v1/recipients/nobody/inbox-token")).problem == (404, "unknown_recipient")
    assert (await api.call("POST", "/v1/recipients/ana/inbox-token")).status == 200


async def test_marks_concern_only_the_owners_messages(api: Any, make: Any) -> None:
    await api.call("PUT", "/v1/recipients/c1", {})
    await api.call("PUT", "/v1/recipients/c2", {})
    tokens = {id: (await api.call("POST", f"/v1/recipients/{id}/inbox-token")).json["token"] for id in ("c1", "c2")}
    await api.post(make("1"), make("2"), make("3", customer="c2"))
    await api.items("/v1/inbox", 1, key=tokens["c2"])
    items = await api.items("/v1/inbox", 2, key=tokens["c1"])
    ids = [item["id"] for item in items]
    assert (await api.call("POST", "/v1/inbox/marks", {"ids": ids}, key=tokens["c2"])).json == {"unread": 1, "read": 0}
    assert (await api.call("POST", "/v1/inbox/marks", {"ids": ids[:1]}, key=tokens["c1"])).json == {
        "unread": 1,
        "read": 1,
    }
    unread = (await api.call("GET", "/v1/inbox?unread=true", key=tokens["c1"])).json["items"]
    assert [item["id"] for item in unread] == ids[1:]
    assert (await api.call("POST", "/v1/inbox/marks", {"read": False}, key=tokens["c1"])).json["unread"] == 2
    assert (await api.call("POST", "/v1/inbox/marks", {"ids": ["\0"]}, key=tokens["c1"])).problem == (
        422,
        "invalid_request",
    )


# -- what reaches a route ------------------------------------------------------------------------------------------


WRONG_METHODS = {
    ("PUT", "/v1/events"): "GET, OPTIONS, POST",
    ("PATCH", "/v1/recipients/x"): "DELETE, GET, PUT",
    ("DELETE", "/v1/messages"): "GET",
    ("OPTIONS", "/v1/keys"): "GET, POST",
    ("POST", "/healthz"): "GET",
    ("PUT", "/in/shop"): "POST",
}


async def test_a_wrong_method_is_told_which_are_right(api: Any) -> None:
    for (method, path), allowed in WRONG_METHODS.items():
        answer = await api.call(method, path)
        assert answer.problem == (405, "method_not_allowed"), (method, path)
        assert answer.headers["Allow"] == allowed, (method, path)


async def test_a_path_that_there_is_not(api: Any) -> None:
    for path in ("/", "/v1", "/v2/events", "/v1/eventsx", "/docs", "/%2e%2e/etc", "/v1/events%2Fx/y/", "/in/nobody"):
        assert (await api.call("GET", path)).problem[0] == 404, path


async def test_a_path_that_no_database_could_keep_is_refused(api: Any) -> None:
    for path in ("/v1/recipients/a%00b", "/v1/events?type=%00", "/in/%00", "/v1/recipients/%FF", "/%C3"):
        for method in ("GET", "POST", "DELETE"):
            assert (await api.call(method, path)).problem == (400, "invalid_request"), (method, path)


AMBIGUOUS = [
    (b"{", "invalid_json"),
    (b'{"name": NaN}', "not_a_number"),
    (b'{"attributes": {"a": "\\ud800"}}', "lone_surrogate"),
    (b'{"attributes": {"a": ' + b"9" * 40 + b"}}", "absurd_number"),
    (b'{"attributes": ' + b"[" * 5000 + b"]" * 5000 + b"}", "too_deep"),
    (b'{"name": "a", "name": "b"}', "duplicate_key"),
    (b"\xff", "invalid_utf8"),
]


async def test_a_body_that_readers_could_understand_differently_is_refused(api: Any) -> None:
    for body, code in AMBIGUOUS:
        for method, path in (("PUT", "/v1/recipients/x"), ("POST", "/v1/recipients/import"), ("POST", "/v1/keys")):
            assert (await api.call(method, path, body)).problem == (400, code), (method, path, body[:40])


async def test_a_body_that_is_too_large_is_refused_before_the_key_is_looked_at(api: Any) -> None:
    async def chunks() -> Any:
        for _ in range(65):
            yield b" " * (1 << 16)

    assert (await api.call("PUT", "/v1/recipients/x", chunks(), key=None)).problem == (413, "too_large")
    told = await api.call("PUT", "/v1/recipients/x", chunks(), key=None, **{"Content-Length": str(65 << 16)})
    assert told.problem == (413, "too_large")
    assert (await api.call("GET", "/v1/recipients/x")).status == 404
    compressed = await api.call("PUT", "/v1/recipients/x", b"x", **{"Content-Encoding": "gzip"})
    assert compressed.problem == (415, "compressed")


async def test_an_answer_does_not_wait_for_an_acknowledgement(api: Any) -> None:
    (listener,) = api.server._server.servers[0].sockets
    assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        pytest.param((), "", id="the whole document"),
        pytest.param(("addresses", "a/b"), "/addresses/a~1b", id="a slash"),
        pytest.param(("~", 0, ""), "/~0/0/", id="a tilde, an index, an empty key"),
    ],
)
def test_a_json_pointer(parts: tuple[object, ...], text: str) -> None:
    assert pointer(*parts) == text
