"""Runs over a change of the project: pinned ones finish as they began, others follow the latest version."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arauto.channels import Accepted
from arauto.engine.editions import Editions
from arauto.engine.stages import LEASE
from arauto.errors import Retry
from arauto.model import Event, Notification
from arauto.store import NewEvent, Pending
from decide.conftest import NOW, awaited, notification, target
from engine.conftest import TEXTS, Text, World, make_catalogue

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
TO_ANA = target(person="'ana'")
DELAY, SEND = {"delay": "1h"}, {"send": "email"}


def paid(version: str, *do: Any, in_flight: Any = "pinned", **more: Any) -> Notification:
    """A notification whose texts say of which version they are."""
    texts = {channel: {"en": Text(f"text of {version}")} for channel in ("email", "sms")}
    made = notification(TO_ANA, do=do or (DELAY, SEND), texts=texts, **more)
    return msgspec.structs.replace(made, edition=version, in_flight=in_flight)


class Project:
    """A project of which one version after the other is served, on one database."""

    def __init__(self, world: Callable[..., World]) -> None:
        self._make = world
        self.versions: dict[str, Any] = {}
        self.loaded: list[str] = []
        self.gone: set[str] = set()
        self.world: World = None  # type: ignore[assignment]
        self.version = ""

    async def serve(self, version: str, *notifications: Notification) -> World:
        """A hub starts with this version."""
        before = self.world
        catalogue = msgspec.structs.replace(make_catalogue(*notifications), version=version)
        self.versions[version] = catalogue
        self.version = version

        async def load(wanted: str) -> Any:
            self.loaded.append(wanted)
            return None if wanted in self.gone else self.versions[wanted]

        async def versions() -> list[str]:
            return list(self.versions)

        self.world = self._make(*notifications)
        self.world.engine.editions = Editions(catalogue, load=load, versions=versions)
        if before is not None:
            self.world.clock.now = before.clock.now
            await self.world.store.end_all_leases(self.world.clock())
        await self.world.engine.editions.listen(self.world.clock())
        return self.world

    async def said(self, *outgoing: Any) -> list[str]:
        await self.world.send(*outgoing)
        return [each.body.said for each in outgoing]

    async def later(self, time: timedelta = HOUR) -> list[str]:
        """What is said by what is due then."""
        self.world.clock.now += time
        return await self.said(*await self.world.advance())

    async def happens(self, type: str, id: str, **data: Any) -> list[str]:
        event = Event(source="shop", id=id, type=type, time=NOW, data={"n": 1, **data})
        now = self.world.clock()
        await self.world.store.append_events([NewEvent(event, "h")], owner="a", now=now, lease_until=now + LEASE)
        return await self.said(*(await self.world.engine.plan([Pending(event, 1)], dict.fromkeys(TEXTS, 9))).outgoing)

    async def codes(self, id: str = "1") -> list[str]:
        return [entry.reason.code for entry in (await self.world.story(id)).runs[0].run.log]


@pytest.fixture
def project(world: Callable[..., World]) -> Project:
    return Project(world)


async def test_a_pinned_run_says_what_its_own_version_says(project: Project) -> None:
    await project.serve("v1", paid("v1"))
    await project.happens("order.paid", "1")
    await project.serve("v2", paid("v2"))
    assert await project.later() == ["text of v1"]
    await project.happens("order.paid", "2")
    assert await project.later() == ["text of v2"]


async def test_a_pinned_run_takes_the_steps_of_its_own_version(project: Project) -> None:
    await project.serve("v1", paid("v1", DELAY, SEND, DELAY, {"send": "sms"}))
    await project.happens("order.paid", "1")
    await project.serve("v2", paid("v2", {"stop": True}))
    assert await project.later() == ["text of v1"]
    assert await project.later() == ["text of v1"]
    assert await project.codes() == ["delays", "delay_over", "sends", "handed_over"] * 2


async def test_one_that_follows_the_latest_says_what_that_says(project: Project) -> None:
    await project.serve("v1", paid("v1", in_flight="latest"))
    await project.happens("order.paid", "1")
    await project.serve("v2", paid("v2", in_flight="latest"))
    assert await project.later() == ["text of v2"]
    assert project.loaded == ["v1"], "only for what it listens for"


async def test_a_text_can_be_mended_under_way_by_saying_so_in_the_new_version(project: Project) -> None:
    await project.serve("v1", paid("v1"))
    await project.happens("order.paid", "1")
    await project.serve("v2", paid("v2", in_flight="latest"))
    assert await project.later() == ["text of v2"]


async def test_one_that_follows_goes_on_at_its_step_wherever_that_stands_now(project: Project) -> None:
    await project.serve("v1", paid("v1", SEND, DELAY, {"send": "sms"}, in_flight="latest"))
    assert await project.happens("order.paid", "1") == ["text of v1"]
    await project.serve("v2", paid("v2", {"only_if": "true"}, DELAY, SEND, in_flight="latest"))
    # Its e-mail of then does not count as the one that is sent now: it is another step.
    assert await project.later() == ["text of v2"]
    page = await project.world.store.list_messages("default", after=None, limit=9)
    assert [each.message.channel for each in page.items] == ["email", "email"]


async def test_one_whose_step_is_gone_stops_and_says_so(project: Project) -> None:
    await project.serve("v1", paid("v1", in_flight="latest"))
    await project.happens("order.paid", "1")
    await project.serve("v2", paid("v2", {"delay": "2h"}, SEND, in_flight="latest"))
    assert await project.later() == []
    assert await project.codes() == ["delays", "step_gone"]
    assert (await project.world.story("1")).runs[0].state == "done"


async def test_of_a_notification_that_is_gone_pinned_runs_finish_and_others_stop_and_say_so(project: Project) -> None:
    follows = msgspec.structs.replace(paid("v1", in_flight="latest"), name="follows")
    await project.serve("v1", paid("v1"), follows)
    await project.happens("order.paid", "1")
    await project.serve("v2")
    assert await project.later() == ["text of v1"]
    runs = {stored.run.notification: stored.run for stored in (await project.world.story("1")).runs}
    assert [entry.reason.code for entry in runs["follows"].log] == ["delays", "notification_gone"]
    assert runs["paid"].log[-1].reason.code == "handed_over"


async def test_a_digest_that_is_open_over_a_change_keeps_its_own_text_and_each_event_is_told_once(
    project: Project,
) -> None:
    told = Text(lambda context: f"v1: {len(context['events'])}")
    first = msgspec.structs.replace(paid("v1", {"digest": "1h"}, SEND), composers={"email": {"en": told}})
    told = Text(lambda context: f"v2: {len(context['events'])}")
    second = msgspec.structs.replace(paid("v2", {"digest": "1h"}, SEND), composers={"email": {"en": told}})
    await project.serve("v1", first)
    await project.happens("order.paid", "1")
    await project.happens("order.paid", "2")
    await project.serve("v2", second)
    await project.happens("order.paid", "3")
    assert sorted(await project.later()) == ["v1: 2", "v2: 1"]


async def test_a_digest_goes_on_gathering_where_the_notification_did_not_change(project: Project) -> None:
    told = Text(lambda context: f"{len(context['events'])} events")
    same = msgspec.structs.replace(paid("same", {"digest": "1h"}, SEND), composers={"email": {"en": told}})
    await project.serve("v1", same)
    await project.happens("order.paid", "1")
    other = msgspec.structs.replace(paid("other"), name="other", on=("order.shipped",))
    await project.serve("v2", same, other)
    await project.happens("order.paid", "2")
    assert await project.later() == ["2 events"]


async def test_a_digest_of_one_that_follows_goes_on_gathering_over_a_change_of_texts(project: Project) -> None:
    told = Text(lambda context: f"{len(context['events'])} events")
    makes = [
        msgspec.structs.replace(paid(v, {"digest": "1h"}, SEND, in_flight="latest"), composers={"email": {"en": told}})
        for v in ("v1", "v2")
    ]
    await project.serve("v1", makes[0])
    await project.happens("order.paid", "1")
    await project.serve("v2", makes[1])
    await project.happens("order.paid", "2")
    assert await project.later() == ["2 events"]


async def test_another_attempt_says_what_the_first_one_said(project: Project) -> None:
    world = await project.serve("v1", paid("v1", SEND))
    world.providers["email"][0].ends = [Retry("busy"), Accepted("ok")]
    assert await project.happens("order.paid", "1") == ["text of v1"]
    await project.serve("v2")
    project.world.clock.now += MINUTE
    assert await project.said(*await project.world.take()) == ["text of v1"]
    (message,) = (await project.world.messages()).values()
    assert message.state == "sent"


async def test_another_attempt_of_one_that_follows_says_what_the_latest_says(project: Project) -> None:
    world = await project.serve("v1", paid("v1", SEND, in_flight="latest"))
    world.providers["email"][0].ends = [Retry("busy"), Accepted("ok")]
    await project.happens("order.paid", "1")
    await project.serve("v2", paid("v2", SEND, in_flight="latest"))
    project.world.clock.now += MINUTE
    assert await project.said(*await project.world.take()) == ["text of v2"]


async def test_a_version_that_can_be_had_no_more_is_followed_by_the_latest_and_the_log_says_so(
    project: Project,
) -> None:
    await project.serve("v1", paid("v1"))
    await project.happens("order.paid", "1")
    project.gone.add("v1")
    await project.serve("v2", paid("v2"))
    assert await project.later() == ["text of v2"]
    assert await project.codes() == ["delays", "version_gone", "delay_over", "sends", "handed_over"]


async def test_a_run_hears_of_what_its_own_version_listens_for(project: Project) -> None:
    takes_back = awaited("order.cancelled", match="event.data.n")
    await project.serve("v1", paid("v1", cancel=takes_back))
    await project.happens("order.paid", "1")
    await project.serve("v2", paid("v2"))
    await project.happens("order.cancelled", "2")
    assert await project.later() == []
    assert await project.codes() == ["delays", "retracted"]


async def test_a_step_that_waits_is_not_ended_by_what_another_version_waits_for_there(project: Project) -> None:
    def waits(version: str, type: str) -> Notification:
        wait = {"wait_for": {"event": type, "match": "event.data.n", "up_to": "1h"}}
        return paid(version, wait, SEND)

    await project.serve("v1", waits("v1", "order.shipped"))
    await project.happens("order.paid", "1")
    await project.serve("v2", waits("v2", "order.cancelled"))
    await project.happens("order.cancelled", "2")
    assert await project.world.advance() == []
    await project.happens("order.shipped", "3")
    assert await project.world.advance() == []
    assert await project.codes() == ["waits_for", "came"]


async def test_runs_over_many_changes_each_go_on_by_their_own(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arauto.engine.editions.KEPT", 2)
    for number in range(1, 7):
        await project.serve(f"v{number}", paid(f"v{number}"))
        await project.happens("order.paid", f"{number}")
    assert sorted(await project.later()) == sorted(f"text of v{number}" for number in range(1, 7))


async def test_an_earlier_version_is_compiled_once(project: Project) -> None:
    await project.serve("v1", paid("v1"))
    for id in ("1", "2", "3"):
        await project.happens("order.paid", id)
    await project.serve("v2", paid("v2"))
    await project.later(30 * MINUTE)
    await project.later(30 * MINUTE)
    assert project.loaded == ["v1"]


def test_a_project_is_compiled_again_from_its_files(tmp_path: Path) -> None:
    from arauto.catalogue import compile_project
    from arauto.catalogue.compiler import compile_again, lasting

    def write(**files: str) -> Any:
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return compile_project(tmp_path)

    old = write(
        **{
            "arauto.yaml": "{name: p, locale: en, time_zone: UTC, brand: {name: P}, categories: {orders: {title: O}}}",
            "events__order.paid.yaml": "{description: x, schema: {type: object}, samples: {a: {}}}",
            "recipients__all.yaml": "{people: {ana: {email: canary@example.com}}, groups: {old: {members: [ana]}}}",
            "channels__inapp.yaml": "{}",
            "notifications__paid__notification.yaml": (
                "{on: order.paid, category: orders, to: [{group: old}], steps: [{send: inapp}]}"
            ),
            "notifications__paid__content.en.md": "---\ntitle: Old\n---\nOld.\n",
        }
    )
    kept = lasting(old.files)
    assert "canary" in str(old.files)
    assert "canary" not in str(kept)
    (tmp_path / "notifications/paid/content.en.md").unlink()
    (tmp_path / "notifications/paid/notification.yaml").unlink()
    (tmp_path / "notifications/paid").rmdir()
    new = write(**{"recipients__all.yaml": "{}"})
    again = compile_again(kept, new)
    assert again.notifications["paid"].edition == old.notifications["paid"].edition
    assert again.notifications["paid"].marks == old.notifications["paid"].marks
    assert (again.recipients, new.notifications) == ({}, {})
