"""Recipients, inboxes, keys, secrets, and looking at what there is."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from arauto.errors import UsageFault
from arauto.model import Recipient
from arauto.store import ApiKey, NewMessage, Page, Rejection, RunRecord, Store

SECOND = timedelta(seconds=1)


async def pages(listing: Any, *, limit: int = 2) -> list[list[Any]]:
    """All pages, until there is no next."""
    found: list[list[Any]] = []
    after = None
    while True:
        page: Page = await listing(after=after, limit=limit)
        found.append(list(page.items))
        if page.next is None:
            return found
        after = page.next


# -- recipients ----------------------------------------------------------------------------------------------------


async def test_recipients_are_put_read_listed_and_deleted(store: Store, make: Any) -> None:
    ana = Recipient(
        id="ana",
        name="Ana",
        locale="pt-BR",
        addresses={"email": ["a@b.example"], "push": [{"endpoint": "https://p.example"}]},
        attributes={"vip": True, "spent": 12.5},
    )
    others = [Recipient(id=id) for id in ("Zoé", "bruno", "carla")]
    await store.put_recipients("default", [Recipient(id="ana"), *others, ana], now=make.now)
    await store.put_recipients("filial", [Recipient(id="dora")], now=make.now)
    await store.put_recipients("default", [], now=make.now)
    assert await store.recipients("default", ["ana", "bruno", "dora"]) == {"ana": ana, "bruno": Recipient(id="bruno")}
    assert await store.recipients("default", []) == {}

    async def listing(**page: Any) -> Page:
        return await store.list_recipients("default", **page)

    listed = [[recipient.id for recipient in page] for page in await pages(listing)]
    assert listed == [["Zoé", "ana"], ["bruno", "carla"]]
    assert await store.delete_recipient("default", "ana", now=make.now) is True
    assert await store.delete_recipient("default", "ana", now=make.now) is False
    assert await store.delete_recipient("default", "dora", now=make.now) is False
    assert await store.recipients("default", ["ana"]) == {}


# -- inbox ---------------------------------------------------------------------------------------------------------


async def notify(store: Store, make: Any, *ids: str, tenant: str = "default", recipient: str = "ana") -> list[str]:
    """Put one item into an inbox for each of these events; returns the items' ids."""
    made = []
    for event in await make.append(store, *ids, tenant=tenant):
        run = make.run(event, recipient=recipient)
        message = make.message(run, "inapp")
        new = NewMessage(message=message, state="sent", inbox=make.inbox_item(message, {"title": event.id}))
        await make.plan(store, event, RunRecord(run=run, state="done", messages=(new,)))
        made.append(message.id)
    return made


async def test_an_inbox_is_read_newest_first(store: Store, make: Any) -> None:
    await notify(store, make, "1", "2", "3", "4", "5")
    await notify(store, make, "6", recipient="bruno")
    await notify(store, make, "7", tenant="filial")

    async def listing(**page: Any) -> Page:
        return await store.inbox("default", "ana", unread=False, **page)

    found = await pages(listing)
    assert [[item.content["title"] for item in page] for page in found] == [["5", "4"], ["3", "2"], ["1"]]
    assert {(item.tenant, item.recipient, item.created_at, item.read_at) for page in found for item in page} == {
        ("default", "ana", make.now, None)
    }


async def test_items_are_marked_as_read_and_unread(store: Store, make: Any) -> None:
    first, second, third = await notify(store, make, "1", "2", "3")
    (other,) = await notify(store, make, "4", recipient="bruno")
    mark = {"now": make.now}
    assert (await store.mark_inbox("default", "ana", [first, other, "msg_unknown"], read=True, **mark)).changed == 1
    assert (await store.mark_inbox("default", "ana", [first], read=True, now=make.now + SECOND)).changed == 0
    assert (await store.mark_inbox("default", "ana", [], read=True, **mark)).changed == 0
    assert await store.inbox_counts("default", "ana") == {"read": 1, "unread": 2}
    assert await store.inbox_counts("default", "bruno") == {"read": 0, "unread": 1}
    assert await store.inbox_counts("default", "nobody") == {"read": 0, "unread": 0}
    unread = await store.inbox("default", "ana", after=None, limit=9, unread=True)
    assert [item.id for item in unread.items] == [third, second]
    everything = await store.inbox("default", "ana", after=None, limit=9, unread=False)
    assert [item.read_at for item in everything.items] == [None, None, make.now]
    assert (await store.mark_inbox("default", "ana", None, read=True, **mark)).changed == 2
    assert (await store.mark_inbox("default", "ana", None, read=False, **mark)).changed == 3
    assert (await store.mark_inbox("filial", "ana", None, read=True, **mark)).changed == 0
    assert await store.inbox_counts("default", "ana") == {"read": 0, "unread": 3}


async def test_an_item_comes_only_with_a_new_message(store: Store, make: Any) -> None:
    (id,) = await notify(store, make, "1")
    await store.mark_inbox("default", "ana", None, read=True, now=make.now)
    (event,) = await make.append(store, "2")
    run = make.run(event)
    message = structs.replace(make.message(run, "inapp"), id=id)
    new = NewMessage(message=message, state="sent", inbox=make.inbox_item(message, "again"))
    await make.plan(store, event, RunRecord(run=run, state="done", messages=(new,)))
    (item,) = (await store.inbox("default", "ana", after=None, limit=9, unread=False)).items
    assert (item.content, item.read_at) == ({"title": "1"}, make.now)


# -- people and machines that use the hub --------------------------------------------------------------------------


async def test_keys_are_kept_found_and_revoked(store: Store, make: Any) -> None:
    key = ApiKey(id="key_1", name="CI", hash="h1", scopes=("events:write",), created_at=make.now)
    other = structs.replace(key, id="key_2", hash="h2", tenant="filial")
    for each in (key, other, key):
        await store.put_key(each)
    assert await store.keys("default") == [key]
    assert await store.find_key("h2") == other
    assert await store.find_key("h3") is None
    assert await store.revoke_key("default", "key_2", now=make.now) is False
    assert await store.revoke_key("default", "key_1", now=make.now) is True
    assert await store.revoke_key("default", "key_1", now=make.now + SECOND) is False
    revoked = structs.replace(key, revoked_at=make.now)
    assert await store.find_key("h1") == revoked
    assert await store.keys("default") == [revoked]


async def test_a_secret_is_made_once(store: Store) -> None:
    made = await asyncio.gather(*[store.hub_secret("signing") for _ in range(8)])
    assert len(set(made)) == 1
    assert len(made[0]) == 32
    assert await store.hub_secret("other") != made[0]


# -- looking -------------------------------------------------------------------------------------------------------


async def test_rejections_are_kept_up_to_a_number(store: Store, make: Any) -> None:
    def rejection(number: int, **more: Any) -> Rejection:
        return Rejection(
            at=make.now,
            source="loja",
            status=401,
            code=f"c{number}",
            detail="no",
            body_hash="h",
            size=3,
            **more,
        )

    await store.record_rejections([rejection(number) for number in range(4)], keep=5)
    await store.record_rejections([rejection(4), rejection(5, tenant="filial")], keep=5)
    await store.record_rejections([], keep=5)

    async def listing(**page: Any) -> Page:
        return await store.list_rejections("default", **page)

    found = await pages(listing, limit=3)
    assert [[each.code for each in page] for page in found] == [["c4", "c3", "c2"], ["c1"]]
    assert found[0][0] == rejection(4)
    await store.record_rejections([rejection(6)], keep=0)
    assert (await store.list_rejections("default", after=None, limit=9)).items == []


async def test_events_are_found_by_key_and_by_the_id_that_several_sources_may_give(store: Store, make: Any) -> None:
    loja, erp, filial = make.new("evt_1"), make.new("evt_1", source="erp"), make.new("evt_1", tenant="filial")
    await store.append_events([loja, erp, filial], owner="a", now=make.now, lease_until=make.lease)
    found = await store.find_events("default", "evt_1")
    assert [each.event for each in found] == [loja.event, erp.event]
    assert [each.event for each in await store.find_events("default", erp.event.key)] == [erp.event]
    assert await store.find_events("default", filial.event.key) == []
    assert await store.find_events("default", "evt_2") == []


async def test_events_are_listed_newest_first(store: Store, make: Any) -> None:
    await make.append(store, "1", "2", "3", "4", "5")
    await make.append(store, "6", type="order.sent")
    await make.append(store, "7", tenant="filial")

    async def listing(**page: Any) -> Page:
        return await store.list_events("default", **page)

    async def of_type(**page: Any) -> Page:
        return await store.list_events("default", type="order.paid", **page)

    assert [[each.event.id for each in page] for page in await pages(listing)] == [["6", "5"], ["4", "3"], ["2", "1"]]
    assert [[each.event.id for each in page] for page in await pages(of_type)] == [["5", "4"], ["3", "2"], ["1"]]
    assert (await store.list_events("default", after=None, limit=9, type="none")).items == []


FILTERS = {
    "nothing": ({}, "fedcba"),
    "the recipient": ({"recipient": "ana"}, "edca"),
    "the channel": ({"channel": "sms"}, "fca"),
    "the state": ({"state": "failed"}, "eba"),
    "the state that most have": ({"state": "sent"}, "fdc"),
    "recipient and channel": ({"recipient": "ana", "channel": "sms"}, "ca"),
    "recipient and state": ({"recipient": "ana", "state": "failed"}, "ea"),
    "channel and state": ({"channel": "sms", "state": "failed"}, "a"),
    "channel and sent": ({"channel": "sms", "state": "sent"}, "fc"),
    "all three": ({"recipient": "bruno", "channel": "sms", "state": "sent"}, "f"),
    "what is not there": ({"channel": "push"}, ""),
}


@pytest.mark.parametrize(("filters", "expected"), FILTERS.values(), ids=FILTERS)
async def test_messages_are_listed_by(store: Store, make: Any, filters: dict[str, Any], expected: str) -> None:
    for id, recipient, channel, state in (
        ("a", "ana", "sms", "failed"),
        ("b", "bruno", "email", "failed"),
        ("c", "ana", "sms", "sent"),
        ("d", "ana", "email", "sent"),
        ("e", "ana", "email", "failed"),
        ("f", "bruno", "sms", "sent"),
    ):
        (event,) = await make.append(store, id)
        run = make.run(event, recipient=recipient)
        new = NewMessage(message=make.message(run, channel), state=state)
        await make.plan(store, event, RunRecord(run=run, state="done", messages=(new,)))

    async def listing(**page: Any) -> Page:
        return await store.list_messages("default", **filters, **page)

    events = {make.event(id).key: id for id in "abcdef"}
    assert "".join(events[each.message.event] for page in await pages(listing) for each in page) == expected
    assert (await store.list_messages("filial", after=None, limit=9, **filters)).items == []


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1; DROP TABLE events", "9" * 30, "٣"])
async def test_a_cursor_that_no_page_gave_is_the_callers_mistake(store: Store, cursor: str) -> None:
    with pytest.raises(UsageFault, match="no cursor of a listing"):
        await store.list_events("default", after=cursor, limit=9)


async def test_everything_is_counted_in_one_state(store: Store, make: Any) -> None:
    counts = await store.counts()
    assert (counts.events, counts.runs, counts.messages) == ({}, {}, {})
    await make.append(store, "pending")
    (bad,) = await make.append(store, "bad")
    await store.quarantine(bad.key, None)
    for number, (state, channel) in enumerate(
        [("sent", "email"), ("sent", "email"), ("sent", "sms"), ("failed", "email"), ("queued", "push")]
    ):
        await make.one_message(store, state, id=str(number), channel=channel)
    await make.one_message(store, "sending", id="waiting", awaited=True)
    counts = await store.counts()
    assert counts.events == {"pending": 1, "quarantined": 1, "planned": 6}
    assert counts.runs == {"waiting": 1, "done": 5}
    assert counts.messages == {
        "email": {"sent": 2, "failed": 1, "sending": 1},
        "sms": {"sent": 1},
        "push": {"queued": 1},
    }


async def test_ping_writes(store: Store) -> None:
    await store.ping()
    await store.ping()


async def test_the_hashes_of_events_are_told_for_those_that_are_there(store: Store, make: Any) -> None:
    (event,) = await make.append(store, "there")
    assert await store.body_hashes([event.key, "evt_nowhere"]) == {event.key: "hash"}
    assert await store.body_hashes([]) == {}
