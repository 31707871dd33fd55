"""A version is made live in a hub at work: under load, over kills and restarts, and by hubs that share a database."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from arauto.api.server import listening
from arauto.app import App, running
from arauto.catalogue import compile_files
from arauto.cli.doctor import _running
from arauto.cli.hub import HubCall
from arauto.engine import releasing
from arauto.engine.editions import Editions
from arauto.engine.releases import apply_to
from arauto.errors import StoreUnavailable
from arauto.store.opening import open_store
from journeys.hubs import ENVIRONMENT, eventually, hub_process

ORDER = {"number": "1042", "total": 3, "customer": {"id": "c1", "name": "Conceição", "email": "c1@example.com"}}
BOTH = {
    "arauto.yaml": "{name: v, locale: en, time_zone: UTC, brand: {name: V}, private_networks: [127.0.0.0/8],"
    " categories: {orders: {title: Orders}}}",
    "events/order.paid.yaml": "{description: x, schema: {type: object}, samples: {a: {}}}",
    "channels/inapp.yaml": "{}",
    "notifications/paid/content.en.md": "---\ntitle: Paid\n---\nPaid.\n",
}
NOTIFICATION = "{on: order.paid, category: orders, to: [{person: \"'ana'\"}%s], steps: [{send: [%s]}]}"


def version(name: str, sink: str) -> dict[str, bytes]:
    """``old`` tells Ana in her inbox; ``new`` tells the ERP, too, with another number of senders."""
    files = dict(BOTH)
    files["recipients/all.yaml"] = f"{{people: {{ana: {{name: Ana}}}}, systems: {{erp: {{webhook: '{sink}/in'}}}}}}"
    slots = {"old": 2, "new": 3}[name]
    files["channels/webhook.yaml"] = (
        f"{{concurrency: {slots}, providers: [{{kind: standard_webhooks,"
        " secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}]}}"
    ).replace("}]}}", "}]}")
    more = (", {system: erp}", "inapp, webhook") if name == "new" else ("", "inapp")
    files["notifications/paid/notification.yaml"] = NOTIFICATION % more
    return {name: text.encode() for name, text in files.items()}


EXPECTED = {"old": [("ana", "inapp")], "new": [("ana", "inapp"), ("erp", "webhook")]}


@dataclass
class Client:
    """What calls a hub in this process."""

    app: App
    url: str
    session: aiohttp.ClientSession
    answers: Counter[int] = field(default_factory=Counter)

    async def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.app.session_key}", "Content-Type": kind}
        data = None if body is None else json.dumps(body).encode()
        async with self.session.request(method, self.url + path, data=data, headers=headers) as answer:
            text = await answer.read()
            return answer.status, json.loads(text) if "json" in answer.headers["Content-Type"] else text

    async def send(self, id: str) -> int:
        event = {"specversion": "1.0", "id": id, "source": "test", "type": "order.paid", "data": {}}
        status, _ = await self.call("POST", "/v1/events", event, "application/cloudevents+json")
        self.answers[status] += 1
        return status

    async def apply(self, files: dict[str, bytes], **more: Any) -> tuple[int, Any]:
        encoded = {name: base64.b64encode(raw).decode() for name, raw in files.items()}
        return await self.call("POST", "/v1/releases", {"files": encoded, **more})

    async def planned(self, id: str) -> Any:
        """The explanation of an event, as soon as it is planned and all its messages are sent."""

        async def look() -> Any:
            _, told = await self.call("GET", f"/v1/events/{id}/explanation")
            states = [message["state"] for message in messages(told)]
            return told if told["planned_at"] and all(state == "sent" for state in states) else None

        return await eventually(look)


def messages(told: Any) -> list[Any]:
    return [
        message for each in told["notifications"] for line in each["recipients"] for message in line.get("messages", ())
    ]


@asynccontextmanager
async def at_work(files: dict[str, bytes], database: str) -> AsyncIterator[Client]:
    """A hub in this process."""
    async with (
        running(compile_files(files), database) as app,
        listening(app, "127.0.0.1", 0) as server,
        aiohttp.ClientSession() as session,
    ):
        yield Client(app, server.url, session)


async def test_twenty_versions_under_load_refuse_lose_and_double_nothing(http_sink: Any, tmp_path: Path) -> None:
    files = {name: version(name, http_sink.url) for name in ("old", "new")}
    names = {compile_files(each).version: name for name, each in files.items()}
    async with at_work(files["old"], str(tmp_path / "hub.sqlite3")) as hub:
        over = asyncio.Event()
        sent: list[str] = []

        async def producer(who: int) -> None:
            number = 0
            while not over.is_set():
                number += 1
                sent.append(f"p{who}-{number}")
                assert await hub.send(sent[-1]) == 202

        producers = [asyncio.create_task(producer(who)) for who in range(4)]
        for number in range(20):
            name = ("new", "old")[number % 2]
            status, told = await hub.apply(files[name])
            assert (status, told["outcome"]) == (200, "applied"), told
            assert await hub.send(f"probe-{number}") == 202
            probe = await hub.planned(f"probe-{number}")
            assert names[probe["catalogue"]] == name, "what comes after the answer goes by the new version"
        over.set()
        await asyncio.gather(*producers)
        assert set(hub.answers) == {202}
        used: Counter[str] = Counter()
        await eventually(lambda: asyncio.sleep(0, hub.app.hub.idle))
        for id in sent:
            (stored,) = await hub.app.store.find_events("default", id)
            story = await hub.app.store.story(stored.event.key)
            assert story is not None
            name = names[story.event.explanation["catalogue"]]
            used[name] += 1
            made = [each.message for each in story.messages]
            assert sorted((each.recipient, each.channel) for each in made) == EXPECTED[name]
            assert [(each.state, len(each.message.attempts)) for each in story.messages] == [("sent", 1)] * len(made)
        assert min(used["old"], used["new"]) > 10
        ids = [headers["webhook-id"] for _, _, headers, _ in http_sink.requests]
        assert len(ids) == len(set(ids)) == used["new"] + 10
        assert (await hub.call("GET", "/v1/releases?limit=1"))[1]["items"][0]["number"] == 21


@pytest.mark.parametrize("point", ["apply.written", "adopt.before"])
async def test_a_hub_killed_while_it_takes_a_version_over_starts_with_that_version(
    point: str, http_sink: Any, tmp_path: Path
) -> None:
    old, new = (version(name, http_sink.url) for name in ("old", "new"))
    project = tmp_path / "project"
    for name, raw in old.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(raw)
    body = {"files": {name: base64.b64encode(raw).decode() for name, raw in new.items()}, "by": "Ana"}
    async with hub_process(project, ARAUTO_CRASH=point) as hub:
        with pytest.raises(aiohttp.ClientError):
            await hub.call("POST", "/v1/releases", body)
        assert await hub.ended() == -9
        await hub.start(ARAUTO_CRASH="")
        _, live = await hub.call("GET", "/v1/releases/live")
        applied = compile_files(new).version
        assert (live["version"], live["serving"], live["by"], live["how"]) == (applied, applied, "Ana", "apply")
        await hub.send("1", "order.paid", {})
        told = await hub.settled("1")
        assert (told["catalogue"], len(messages(told))) == (applied, 2)
        assert await hub.stop() == 0
        assert f"It serves the version {applied}, live by Ana since".encode() in hub.log


async def test_hubs_that_share_a_database_follow(http_sink: Any, postgresql_url: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(releasing, "LOOK", timedelta(milliseconds=20))
    old, new = (version(name, http_sink.url) for name in ("old", "new"))
    async with at_work(old, postgresql_url) as one, running(compile_files(old), postgresql_url) as other:
        await one.apply(new)

        async def follows(app: App, files: dict[str, bytes]) -> bool:
            return app.hub.engine.catalogue.version == compile_files(files).version

        await eventually(lambda: follows(other, new))
        store = await open_store(postgresql_url)
        first = await store.live_release()
        await store.close()
        assert first is not None
        assert first.number == 2, "the second that was started has made nothing live"
        async with running(compile_files(old), postgresql_url) as third:
            assert third.instead_of_folder == first
            assert await follows(third, new), "what was applied stays"
            await third.releasing.apply(wanted(old))
            await eventually(lambda: follows(other, old))
            await eventually(lambda: follows(one.app, old))
        store = await open_store(postgresql_url)
        applied = await apply_to(store, wanted(new), one.app.hub.engine.clock())
        await store.close()
        assert applied.outcome == "applied"
        await eventually(lambda: follows(one.app, new))
        await eventually(lambda: follows(other, new))


def wanted(files: dict[str, bytes]) -> Any:
    return releasing.Wanted(catalogue=compile_files(files), by="third", how="apply")


async def test_a_hub_that_lacks_a_secret_keeps_its_version_and_says_so(
    http_sink: Any, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releasing, "LOOK", timedelta(hours=1))
    old, new = (version(name, http_sink.url) for name in ("old", "new"))
    text = new["channels/webhook.yaml"].replace(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b"env:RELEASES_SECRET")
    new["channels/webhook.yaml"] = text
    after = compile_files(new).version
    async with at_work(old, postgresql_url) as one, running(compile_files(old), postgresql_url) as other:
        status, problem = await one.apply(new)
        assert (status, problem["code"]) == (422, "cannot_serve")
        assert "RELEASES_SECRET" in problem["errors"][0]["detail"]
        with monkeypatch.context() as environment:
            environment.setenv("RELEASES_SECRET", ENVIRONMENT["JOURNEY_WEBHOOK_SECRET"])
            await other.releasing.apply(wanted(new))
        now = one.app.hub.engine.clock()
        await one.app.releasing.look(now)
        _, ready = await one.call("GET", "/readyz")
        assert ready == {"status": "ready", "serving": compile_files(old).version, "behind": True}
        _, live = await one.call("GET", "/v1/releases/live")
        assert (live["version"], "RELEASES_SECRET" in live["behind"]) == (after, True)
        found = await asyncio.to_thread(_running, HubCall(one.url, one.app.session_key))
        assert (found.state, "RELEASES_SECRET" in found.said) == ("fault", True)
        assert b"arauto_release_behind 1.0" in (await one.call("GET", "/metrics"))[1]
        assert await one.send("1") == 202
        assert (await one.planned("1"))["catalogue"] == compile_files(old).version, "it goes on as before"
        monkeypatch.setenv("RELEASES_SECRET", ENVIRONMENT["JOURNEY_WEBHOOK_SECRET"])
        await one.app.releasing.look(now)
        assert (await one.call("GET", "/readyz"))[1]["behind"], "not before its time"
        await one.app.releasing.look(now + releasing.AGAIN)
        assert (await one.call("GET", "/readyz"))[1] == {"status": "ready", "serving": after, "behind": False}
        assert b"arauto_release_behind 0.0" in (await one.call("GET", "/metrics"))[1]


async def test_a_hub_in_which_a_version_does_not_begin_keeps_its_own_and_tries_again(
    http_sink: Any, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releasing, "LOOK", timedelta(hours=1))
    old, new = (version(name, http_sink.url) for name in ("old", "new"))
    before, after = (compile_files(files).version for files in (old, new))
    async with running(compile_files(old), postgresql_url) as one, running(compile_files(old), postgresql_url) as other:
        await other.releasing.apply(wanted(new))

        async def fail(*arguments: Any) -> Any:
            raise ZeroDivisionError("somebody's data")

        now = one.hub.engine.clock()
        with monkeypatch.context() as broken:
            broken.setattr(Editions, "open", fail)
            await one.releasing.look(now)
        assert one.releasing.behind == releasing.Behind(after, "the code failed: ZeroDivisionError")
        assert one.hub.engine.catalogue.version == before
        await one.releasing.look(now + releasing.AGAIN)
        assert (one.releasing.behind, one.hub.engine.catalogue.version) == (None, after)


@pytest.mark.parametrize("first", ["erased", "taken out"])
async def test_of_somebody_who_was_erased_no_release_keeps_the_files(
    first: str, http_sink: Any, tmp_path: Path
) -> None:
    named, without = (version("old", http_sink.url) for _ in range(2))
    person = "{people: {ana: {name: Ana}, bia-7: {name: Canary, webhook: 'https://canary.example/in'}}}"
    named["recipients/all.yaml"] = person.encode()
    middle = dict(named) | {"notifications/paid/content.en.md": b"---\ntitle: Other\n---\nOther.\n"}
    database = tmp_path / "hub.sqlite3"
    async with at_work(named, str(database)) as hub:
        await hub.apply(middle)
        if first == "taken out":
            assert (await hub.apply(without))[0] == 200
        status, told = await hub.call("POST", "/v1/recipients/bia-7/erase", {})
        assert (status, told["finished_at"] is not None) == (200, True), told
        if first == "erased":
            assert await hub.app.store.release_files(compile_files(middle).version) is not None, "it is live"
            assert (await hub.apply(without))[0] == 200
        kept = {
            each["version"]: await hub.app.store.release_files(each["version"])
            for each in (await hub.call("GET", "/v1/releases"))[1]["items"]
        }
        assert [version for version, files in kept.items() if files] == [compile_files(without).version]
        assert "canary" not in str(list(kept.values())).lower()
    from arauto.store.packing import packed

    for files in (named, middle):
        trace = packed(compile_files(files).files)[60:100]
        assert all(trace not in path.read_bytes() for path in tmp_path.glob("hub.sqlite3*"))


async def test_a_version_whose_commit_fails_is_not_served(http_sink: Any, tmp_path: Path) -> None:
    old, new = (version(name, http_sink.url) for name in ("old", "new"))
    async with at_work(old, str(tmp_path / "hub.sqlite3")) as hub:
        really = hub.app.store.put_release

        async def fail(*arguments: Any, **more: Any) -> Any:
            raise StoreUnavailable("the disk is full")

        hub.app.store.put_release = fail  # type: ignore[method-assign]
        status, problem = await hub.apply(new)
        assert (status, problem["code"]) == (503, "store_unavailable")
        assert (await hub.call("GET", "/readyz"))[1]["serving"] == compile_files(old).version
        hub.app.store.put_release = really  # type: ignore[method-assign]
        assert (await hub.apply(new))[1]["outcome"] == "applied"
