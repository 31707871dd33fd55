"""Messages over HTTP: shown with their receipts, listed by the state that people see, and what people do about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from arauto.model import Event, Message, Run
from arauto.store import NewEvent, NewMessage, PlanRecord, RunRecord
from journeys.hubs import eventually

HOUR = timedelta(hours=1)


async def put(api: Any, state: Any, id: str, *, channel: str = "email", tenant: str = "default", **more: Any) -> str:
    """A message in this state, of an event with this id."""
    store, now = api.app.store, api.app.hub.engine.clock()
    event = Event(source="test", id=id, type="order.paid", time=now, data={}, tenant=tenant)
    lease = {"owner": "test", "now": now, "lease_until": now + HOUR}
    await store.append_events([NewEvent(event, "hash")], **lease)
    run = Run(key=f"run_{id}", notification="paid", recipient="ana", events=(event,), entered_at=now, tenant=tenant)
    message = Message(
        id=f"msg_{id}",
        run=run.key,
        event=event.key,
        notification="paid",
        recipient="ana",
        channel=channel,
        step=0,
        address="ana@example.com",
        created_at=now,
        expires_at=now + HOUR,
        tenant=tenant,
        **more,
    )
    new = NewMessage(message=message, state=state, due_at=now + HOUR)
    await store.commit_plans(
        [PlanRecord(event=event.key, explanation={}, runs=(RunRecord(run=run, state="done", messages=(new,)),))],
        **lease,
    )
    return message.id


async def test_people_may_retry_release_cancel_and_hold(api: Any) -> None:
    failed, held, queued = [await put(api, state, state) for state in ("failed", "held", "queued")]
    answer = await api.call("POST", "/v1/interventions", {"do": "retry", "ids": [failed, queued, "msg_none"]})
    assert answer.json == {
        "changed": [failed],
        "may_repeat": [],
        "left": [
            {
                "id": queued,
                "state": "waiting",
                "detail": "it is waiting; retry is for messages that are "
                "failed, bounced, expired, unknown, held, cancelled",
            }
        ],
        "unknown": ["msg_none"],
    }
    assert (await api.call("POST", "/v1/interventions", {"do": "hold", "ids": [queued]})).json["changed"] == [queued]
    assert (await api.call("POST", "/v1/interventions", {"do": "cancel", "ids": [held]})).json["changed"] == [held]
    released = await api.call("POST", "/v1/interventions", {"do": "release", "ids": [queued]})
    assert released.json["changed"] == [queued]
    told = (await api.call("GET", f"/v1/messages/{held}?lang=pt-BR")).json
    assert (told["state"], told["state_text"]) == ("cancelled", "cancelada")
    assert [(each["did"], each["by"]) for each in told["interventions"]] == [("cancel", "command line")]
    assert told["interventions"][0]["text"] == "command line cancelou"


async def test_what_perhaps_arrived_is_named(api: Any) -> None:
    from arauto.model import Attempt

    now = api.app.hub.engine.clock()
    tried = Attempt(number=1, provider="one", started_at=now, outcome="unknown")
    id = await put(api, "unknown", "1", attempts=(tried,))
    answer = await api.call("POST", "/v1/interventions", {"do": "release", "ids": [id]})
    assert answer.json["may_repeat"] == [id]


async def test_what_is_in_an_inbox_cannot_be_sent_again(api: Any) -> None:
    id = await put(api, "failed", "1", channel="inapp")
    answer = await api.call("POST", "/v1/interventions", {"do": "retry", "ids": [id]})
    assert "inbox" in answer.json["left"][0]["detail"]


async def test_the_bell_is_rung_for_what_is_due_now(api: Any) -> None:
    id = await put(api, "failed", "1")
    await api.call("POST", "/v1/interventions", {"do": "retry", "ids": [id]})

    async def look() -> Any:  # no channel of the project sends e-mail: it ends explained
        told = (await api.call("GET", f"/v1/messages/{id}")).json
        return told if told["state"] == "queued" else None

    assert (await eventually(look))["due_at"] is not None


async def test_acknowledging_over_the_api(api: Any, make: Any) -> None:
    await api.post(make(customer="ana"))
    (item,) = await api.items("/v1/messages", 1)
    for _ in range(2):
        answer = await api.call("POST", f"/v1/messages/{item['id']}/acknowledge")
        assert (answer.status, answer.json["state"]) == (200, "acknowledged")
    assert len(answer.json["receipts"]) == 1
    assert (await api.call("POST", "/v1/messages/msg_none/acknowledge")).problem == (404, "unknown_message")


async def test_messages_are_listed_by_the_state_that_people_see(api: Any, make: Any) -> None:
    await api.post(make(customer="ana"))
    (item,) = await api.items("/v1/messages?state=sent", 1)
    await api.call("POST", f"/v1/messages/{item['id']}/acknowledge")
    waiting = await put(api, "queued", "later")

    async def ids(query: str) -> list[str]:
        page = (await api.call("GET", f"/v1/messages?{query}")).json
        return [each["id"] for each in page["items"]]

    assert await ids("state=sent") == []
    assert await ids("state=acknowledged") == [item["id"]]
    assert await ids("state=waiting") == [waiting]
    assert await ids("state=queued") == []
    assert await ids("notification=paid") == [waiting, item["id"]]
    assert await ids("notification=other") == []
    assert await ids("since=2000-01-01T00:00:00Z") == [waiting, item["id"]]
    assert await ids("since=2999-01-01T00:00:00Z") == []
    assert (await api.call("GET", "/v1/messages?state=lost")).problem == (422, "invalid_request")
    assert (await api.call("GET", "/v1/messages?since=yesterday")).problem == (422, "invalid_request")


SINCE = "2000-01-01T00:00:00Z"


async def test_a_replay(api: Any) -> None:
    ids = [await put(api, "failed", str(number)) for number in range(3)]
    await put(api, "failed", "hers", tenant="filial")
    dry = (await api.call("POST", "/v1/replays", {"since": SINCE, "dry_run": True})).json
    assert (dry["id"], dry["total"], dry["over"]) == (None, 3, True)
    assert dry["counts"] == [{"channel": "email", "type": None, "notification": "paid", "number": 3}]
    assert (await api.call("GET", f"/v1/messages/{ids[0]}")).json["state"] == "failed"
    body = {"since": SINCE, "id": "outage", "rate": "1/m"}
    told = (await api.call("POST", "/v1/replays", body)).json
    assert (told["id"], told["total"], told["over"], told["counts"]) == ("outage", 3, True, dry["counts"])
    due = [(await api.call("GET", f"/v1/messages/{id}")).json["due_at"] for id in ids]
    assert due == sorted(due)
    assert told["last_due_at"] == due[-1]
    again = (await api.call("POST", "/v1/replays", body | {"since": "2001-01-01T00:00:00Z"})).json
    assert (again["total"], again["counts"], again["since"]) == (3, [], "2000-01-01T00:00:00.000Z")
    other = await api.call("POST", "/v1/replays", body | {"channel": "sms"})
    assert other.problem == (409, "replay_differs")
    made = (await api.call("POST", "/v1/replays", {"since": SINCE})).json
    assert made["id"].startswith("replay-")
    assert made["total"] == 0


async def test_a_replay_that_cannot_be(api: Any) -> None:
    for body in ({}, {"since": "2h"}, {"since": SINCE, "rate": "fast"}, {"since": SINCE, "state": "sent"}):
        answer = await api.call("POST", "/v1/replays", body)
        assert answer.problem == (422, "invalid_request"), body
    assert "50/s" in (await api.call("POST", "/v1/replays", {"since": SINCE, "rate": "fast"})).json["detail"]


async def test_a_message_of_another_tenant_is_not_there(api: Any) -> None:
    id = await put(api, "failed", "1", tenant="filial")
    assert (await api.call("GET", f"/v1/messages/{id}")).problem == (404, "unknown_message")
    answer = await api.call("POST", "/v1/interventions", {"do": "retry", "ids": [id]})
    assert answer.json["unknown"] == [id]


async def test_events_that_missed_a_notification_are_planned_again(api: Any, make: Any) -> None:
    await api.post(make("1", customer="nobody"))
    await api.call("PUT", "/v1/recipients/nobody", {})
    wanted = {"events": "missed", "notification": "paid", "since": SINCE}

    async def dry() -> Any:
        told = (await api.call("POST", "/v1/replays", wanted | {"dry_run": True})).json
        return told if told["total"] else None

    told = await eventually(dry)
    assert told["counts"] == [{"channel": None, "type": "order.paid", "notification": "paid", "number": 1}]
    assert (await api.call("POST", "/v1/replays", wanted)).json["total"] == 1
    (item,) = await api.items("/v1/messages", 1)
    assert (item["recipient"], item["state"]) == ("nobody", "sent")


async def test_a_replay_of_events_that_cannot_be(api: Any) -> None:
    for more in (
        {"events": "missed"},
        {"events": "missed", "notification": "paid", "channel": "email"},
        {"events": "missed", "notification": "other"},
        {"events": "quarantined", "notification": "paid"},
    ):
        assert (await api.call("POST", "/v1/replays", {"since": SINCE} | more)).problem == (422, "invalid_request")
