"""Fan-outs: groups that are told page by page: everybody once, whoever comes, goes, dies or meets meanwhile."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arauto.cli.explain import draw_event
from arauto.decide import fanouts
from arauto.engine import fanouts as stage
from arauto.engine import hub as module
from arauto.engine import lanes
from arauto.engine.editions import Editions
from arauto.engine.explain import explain_event, explain_recipient
from arauto.engine.hub import Hub
from arauto.engine.stages import LEASE, MAX_CLAIMS
from arauto.language import compile_condition
from arauto.model import Catalogue, Event, Group, Recipient
from arauto.store import NewEvent, Pending
from arauto.store.opening import open_store
from decide.conftest import awaited
from engine.conftest import NOW, World, notification, target, texts, world_over
from journeys.hubs import eventually

ALL = target(group="all")
QUERIES = {
    "all": "recipient.kind == 'person'",
    "vips": "recipient.attributes.vip | default(false)",
    "odd": "recipient.attributes.number % 2 == 1",
    "machines": "recipient.kind == 'system'",
}


def person(id: str, **attributes: Any) -> Recipient:
    return Recipient(id=id, addresses={"email": [f"{id}@example.com"]}, attributes=attributes)


def people(count: int) -> list[Recipient]:
    return [person(f"p{number:05}", number=number) for number in range(count)]


def give_groups(world: World, **lists: tuple[str, ...]) -> World:
    """The groups of QUERIES, and these lists."""
    groups = {name: Group(name=name, query=compile_condition(query)) for name, query in QUERIES.items()}
    groups |= {name: Group(name=name, members=members) for name, members in lists.items()}
    catalogue = msgspec.structs.replace(world.engine.catalogue, groups={**world.engine.catalogue.groups, **groups})
    use(world, catalogue)
    return world


def use(world: World, catalogue: Catalogue) -> None:
    """Let this be the catalogue."""
    world.engine.editions = Editions(catalogue)


@pytest.fixture
def told(world: Any) -> Any:
    """A world in which a notification goes to all by e-mail."""

    async def build(*to: Any, recipients: Iterable[Recipient] = (), do: Any = ({"send": "email"},), **more: Any) -> Any:
        made = give_groups(world(notification(*(to or (ALL,)), do=do, texts=texts(), **more)))
        await made.store.put_recipients("default", list(recipients), now=NOW)
        return made

    return build


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four at a time, of eight that are asked at most."""
    monkeypatch.setattr(stage, "PAGE", 4)
    monkeypatch.setattr(stage, "ASKED", 8)


async def next_page(world: World, room: int = 99, *, owner: str = "a") -> list[Any] | None:
    """What a page hands over; None when there is none."""
    now = world.clock()
    taken = await world.store.take_fanouts(owner=owner, now=now, lease_until=now + LEASE, limit=1)
    if not taken:
        return None
    return (await world.engine.fan_out(taken[0], {"email": room, "sms": room, "webhook": room})).outgoing


async def all_pages(world: World, room: int = 99) -> int:
    """Fan out to the end; the number of pages."""
    pages = 0
    while await next_page(world, room) is not None:
        pages += 1
    return pages


async def recipients_of(world: World) -> Counter[str]:
    """Who has how many messages."""
    found: Counter[str] = Counter()
    after = None
    while True:
        page = await world.store.list_messages("default", after=after, limit=500)
        found.update(each.message.recipient for each in page.items)
        if page.next is None:
            return found
        after = page.next


# -- who is told ---------------------------------------------------------------------------------------------------


async def test_everybody_for_whom_the_query_is_true_is_told_once_in_pages(told: Any, small_pages: None) -> None:
    world = await told(recipients=people(18))
    assert await world.plan("1") == []
    assert await all_pages(world) > 4
    assert await recipients_of(world) == dict.fromkeys(
        ["ana", *(each.id for each in people(18))], 1
    )  # bia has no address
    assert await next_page(world) is None


async def test_only_members_are_told_and_a_failing_question_stops_nobody(told: Any, small_pages: None) -> None:
    world = await told(target(group="odd"), recipients=[*people(10), person("none"), person("nor", number="x")])
    await world.plan("1")
    await all_pages(world)
    assert sorted(await recipients_of(world)) == [f"p{number:05}" for number in (1, 3, 5, 7, 9)]
    (stored,) = (await world.story("1")).fanouts
    assert (stored.state, stored.fanout.asked, stored.fanout.chosen, stored.fanout.failed) == ("done", 15, 5, 5)
    assert sum(stored.fanout.failures.values()) == 5
    assert world.metric("expression_failures", where="group") == 5


async def test_systems_may_be_in_the_group_too(told: Any) -> None:
    crm = Recipient(id="crm", kind="system", addresses={"webhook": ["https://crm.example/in"]})
    world = await told(target(group="machines"), recipients=[crm, *people(3)], do=({"send": "webhook"},))
    await world.plan("1")
    await all_pages(world)
    assert await recipients_of(world) == {"crm": 1, "erp": 1}


async def test_who_stands_in_the_project_counts_as_the_project_says(told: Any) -> None:
    world = await told(target(group="vips"), recipients=[person("bia", vip=False), person("ana", vip=True)])
    await world.plan("1")
    await all_pages(world)
    runs = (await world.story("1")).runs
    assert [each.run.recipient for each in runs] == ["bia"]


async def test_other_tenants_people_are_not_told(told: Any) -> None:
    world = await told(recipients=people(2))
    await world.store.put_recipients("other", [person("stranger")], now=NOW)
    await world.plan("1")
    await all_pages(world)
    assert set(await recipients_of(world)) == {"ana", "p00000", "p00001"}


async def test_whom_the_event_itself_makes_known_is_told_and_nobody_twice(told: Any, small_pages: None) -> None:
    named = target(person="event.data.who", upsert={"name": "event.data.who", "email": "event.data.who ~ '@x.example'"})
    world = await told(named, ALL, target(group="all"), recipients=people(3))
    (direct,) = await world.plan("1", who="new")
    assert direct.claim.message.recipient == "new"
    await all_pages(world)
    assert await recipients_of(world) == dict.fromkeys(["ana", "new", *(each.id for each in people(3))], 1)
    (stored,) = (await world.story("1")).fanouts
    assert stored.fanout.chosen == 5  # bia too, who has no address


async def test_overlapping_groups_tell_nobody_twice(told: Any, small_pages: None) -> None:
    world = await told(ALL, target(group="odd"), recipients=people(9))
    await world.plan("1")
    await all_pages(world)
    assert set((await recipients_of(world)).values()) == {1}
    first, second = (each.fanout for each in (await world.story("1")).fanouts)
    assert first.chosen + second.chosen == 11
    assert world.metric("messages", channel="email") == 10


async def test_a_small_list_is_told_at_once_and_a_large_one_page_by_page(world: Any, small_pages: None) -> None:
    everybody = {each.id: each for each in people(fanouts.AT_ONCE + 1)}
    small, large = tuple(everybody)[:100], tuple(reversed(everybody))
    made = give_groups(
        world(notification(target(group="small"), target(group="large"), texts=texts())), small=small, large=large
    )
    catalogue = made.engine.catalogue
    use(made, msgspec.structs.replace(catalogue, recipients={**catalogue.recipients, **everybody}))
    assert len(await made.plan("1", room=999)) == 100
    await all_pages(made)
    assert await recipients_of(made) == dict.fromkeys(everybody, 1)
    (stored,) = (await made.story("1")).fanouts
    assert (stored.fanout.group, stored.fanout.asked, stored.fanout.chosen) == ("large", 201, 101)


async def test_a_step_may_tell_a_group_page_by_page(told: Any, small_pages: None) -> None:
    steps = ({"notify": {"to": [{"group": "all"}], "steps": [{"send": "email"}]}},)
    world = await told(target(system="erp"), recipients=people(9), do=steps)
    await world.plan("1")
    await all_pages(world)
    assert await recipients_of(world) == dict.fromkeys(["ana", *(each.id for each in people(9))], 1)
    story = await world.story("1")
    (parent,) = (each.run for each in story.runs if each.run.recipient == "erp")
    assert {each.run.parent for each in story.runs if each.run.recipient != "erp"} == {parent.key}
    assert "fans_out" in [entry.reason.code for entry in parent.log]


# -- when and how --------------------------------------------------------------------------------------------------


async def test_what_there_is_no_room_for_is_queued(told: Any) -> None:
    world = await told(recipients=people(9))
    await world.plan("1")
    assert len(await next_page(world, room=3)) == 3
    states = Counter(each.state for each in (await world.messages()).values())
    assert states == {"sending": 3, "queued": 7}


async def test_a_fan_out_ends_when_its_event_is_taken_back(told: Any, small_pages: None) -> None:
    world = await told(recipients=people(12), cancel=awaited("order.cancelled", match="event.data.n"))
    await world.plan("1")
    await next_page(world)
    before = await recipients_of(world)
    event = Event(source="shop", id="2", type="order.cancelled", time=NOW, data={"n": 1})
    now = world.clock()
    await world.store.append_events([NewEvent(event, "h")], owner="a", now=now, lease_until=now + LEASE)

    await world.engine.plan([Pending(event, 1)], {})
    await all_pages(world)
    assert await recipients_of(world) == before
    (stored,) = (await world.story("1")).fanouts
    assert (stored.state, stored.fanout.ended.code) == ("done", "retracted")


async def test_a_group_that_is_gone_ends_it(told: Any) -> None:
    world = await told(recipients=people(3))
    await world.plan("1")
    use(world, msgspec.structs.replace(world.engine.catalogue, groups={}))
    await all_pages(world)
    (stored,) = (await world.story("1")).fanouts
    assert (stored.state, stored.fanout.ended.code) == ("done", "group_gone")
    assert await recipients_of(world) == {}


async def test_a_page_that_kills_whoever_takes_it_is_given_up(told: Any) -> None:
    world = await told(recipients=people(3))
    await world.plan("1")
    for _ in range(MAX_CLAIMS):
        now = world.clock()
        assert await world.store.take_fanouts(owner="a", now=now, lease_until=now + LEASE, limit=1)
        world.clock.now = now + LEASE
    await all_pages(world)
    (stored,) = (await world.story("1")).fanouts
    assert (stored.state, stored.fanout.ended.code) == ("done", "page_broke")


async def test_what_breaks_for_one_member_holds_up_no_other(told: Any) -> None:
    world = await told(recipients=people(3))
    really = world.engine._advance

    def advance(run: Any, *rest: Any) -> Any:
        if run.recipient == "p00001":
            raise ZeroDivisionError("over p00001@example.com")
        return really(run, *rest)

    world.engine._advance = advance
    await world.plan("1")
    await all_pages(world)
    assert set(await recipients_of(world)) == {"ana", "p00000", "p00002"}
    (stored,) = (await world.story("1")).fanouts
    assert stored.fanout.failures == {"the code behind a step failed: ZeroDivisionError": 1}


async def test_two_workers_tell_nobody_twice(told: Any, small_pages: None) -> None:
    world = await told(recipients=people(30))
    await world.plan("1")
    now = world.clock()
    (slow,) = await world.store.take_fanouts(owner="a", now=now, lease_until=now + LEASE, limit=1)
    world.clock.now = now + LEASE
    assert await next_page(world, owner="a") is not None  # the same owner, later: only the cursor tells them apart
    assert (await world.engine.fan_out(slow, {"email": 9})).outgoing == []
    await all_pages(world)
    assert set((await recipients_of(world)).values()) == {1}
    (stored,) = (await world.story("1")).fanouts
    assert stored.fanout.asked == 33


# -- in the running hub --------------------------------------------------------------------------------------------


@asynccontextmanager
async def at_work(world: World) -> Any:
    """The hub, running, in time that passes."""
    began = time.monotonic()
    world.engine.clock = lambda: NOW + timedelta(seconds=time.monotonic() - began)
    hub = Hub(world.engine)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop(timedelta(seconds=5))


async def test_versions_that_change_while_pages_are_told_leave_nobody_out_and_tell_nobody_twice(
    told: Any, small_pages: None
) -> None:
    world = await told(recipients=people(60))
    again = notification(ALL, do=({"send": "email"},), texts=texts())
    versions = [give_groups(world_over(world.store, again)) for _ in range(8)]
    left = list(versions)
    really = world.store.commit_fanout

    async def commit_fanout(*arguments: Any, **more: Any) -> Any:
        """While a page is under way, another version comes."""
        if left:
            hub.adopt(left.pop().engine)
        return await really(*arguments, **more)

    async with at_work(world) as hub:
        for number, each in enumerate(versions):
            each.engine.clock = world.engine.clock
            each.engine.editions.current = msgspec.structs.replace(each.engine.catalogue, version=f"v{number}")
        world.store.commit_fanout = commit_fanout
        await hub.submit([NewEvent(Event(source="shop", id="1", type="order.paid", time=NOW, data={}), "h")])

        async def all_told() -> bool:
            page = await world.store.list_messages("default", after=None, limit=500, state="sent")
            return {person.id for person in people(60)} <= {each.message.recipient for each in page.items}

        await eventually(all_told)
    assert not left
    assert set((await recipients_of(world)).values()) == {1}
    sent = [each.message_id for one in (world, *versions) for each in one.providers["email"][0].deliveries]
    assert len(sent) == len(set(sent))


async def test_an_event_in_the_middle_of_a_fan_out_is_sent_before_it_ends(
    told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PUT_OFF", timedelta(milliseconds=1))
    monkeypatch.setattr(stage, "PAGE", 20)
    world = await told(
        target(group="all", when="event.data.n == 1"),
        target(system="erp", when="event.data.n == 2"),
        recipients=people(2000),
        do=({"send": {"first_of": ["email", "webhook"]}},),
    )
    sent: list[str] = []
    half = asyncio.Event()
    really = world.providers["email"][0].send

    async def send(delivery: Any) -> Any:
        sent.append(delivery.address)
        if len(sent) == 500:
            half.set()
            await asyncio.sleep(0)
        return await really(delivery)

    for provider in (world.providers["email"][0], world.providers["webhook"][0]):
        provider.send = send

    def event(number: int) -> NewEvent:
        return NewEvent(Event(source="shop", id=str(number), type="order.paid", time=NOW, data={"n": number}), "h")

    async with at_work(world) as hub:
        await hub.submit([event(1)])
        await half.wait()
        await hub.submit([event(2)])
        place = len(sent)

        async def all_sent() -> bool:
            return len(sent) >= 2002

        await eventually(all_sent)
    erp = sent.index("https://erp.example/in")
    assert place <= erp < place + 200
    assert Counter(sent).most_common(1)[0][1] == 1


async def test_a_channel_that_is_full_holds_up_its_fan_out_only(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is made long before it can be sent."""
    monkeypatch.setattr(module, "PUT_OFF", timedelta(milliseconds=1))
    monkeypatch.setattr(lanes, "WAITING_PER_SLOT", 4)
    monkeypatch.setattr(stage, "PAGE", 4)
    world = await told(recipients=people(100))
    go = asyncio.Event()
    really = world.providers["email"][0].send

    async def send(delivery: Any) -> Any:
        await go.wait()
        return await really(delivery)

    world.providers["email"][0].send = send
    async with at_work(world) as hub:
        await hub.submit([NewEvent(Event(source="shop", id="1", type="order.paid", time=NOW, data={"n": 1}), "h")])

        async def is_held() -> bool:
            (stored,) = (await world.story("1")).fanouts
            return stored.fanout.chosen > 4 and hub.lanes.outstanding > 4

        await eventually(is_held)
        for _ in range(20):
            await asyncio.sleep(0.002)
        (stored,) = (await world.story("1")).fanouts
        assert stored.fanout.chosen <= 16
        go.set()

        async def done() -> bool:
            return len(await recipients_of(world)) == 101 and hub.idle

        await eventually(done)
    assert len(world.providers["email"][0].deliveries) == 101


# -- for any interleaving ------------------------------------------------------------------------------------------

NAMES = [*"abcdefghijkl", "ana", "bia", "zoé", "Z", "10", "9", "é"]


@settings(max_examples=60, deadline=None)
@given(
    there=st.sets(st.sampled_from(NAMES), max_size=12),
    changes=st.lists(
        st.tuples(st.sampled_from(["put", "delete", "page", "crash"]), st.sampled_from(NAMES)), max_size=40
    ),
    page=st.integers(1, 4),
)
async def test_who_is_there_all_the_time_is_told_exactly_once(
    there: set[str], changes: list[tuple[str, str]], page: int
) -> None:
    kept = (stage.PAGE, stage.ASKED)
    stage.PAGE, stage.ASKED = page, 2 * page
    store = await open_store("sqlite://:memory:")
    try:
        world = give_groups(world_over(store, notification(ALL, texts=texts())))
        await store.put_recipients("default", [person(id) for id in there], now=NOW)
        await world.plan("1")
        always = set(there)
        crashes = 0
        for what, id in changes:
            if what == "put":
                await store.put_recipients("default", [person(id)], now=NOW)
            elif what == "delete":
                await store.delete_recipient("default", id, now=NOW)
                always.discard(id)
            elif what == "page":
                await next_page(world)
                crashes = 0
            elif (crashes := crashes + 1) < MAX_CLAIMS:  # taken, and nothing came of it
                now = world.clock()
                await store.take_fanouts(owner="a", now=now, lease_until=now, limit=1)
        await all_pages(world)
        runs = Counter(each.run.recipient for each in (await world.story("1")).runs)
        assert set(runs.values()) <= {1}
        assert always | {"ana", "bia"} <= set(runs) <= {*NAMES}
    finally:
        stage.PAGE, stage.ASKED = kept
        await store.close()


@given(
    stored=st.sets(st.text(max_size=3), max_size=12),
    fixed=st.sets(st.text(max_size=3), max_size=12),
    limit=st.integers(1, 5),
    seed=st.integers(),
)
def test_pages_of_candidates_are_the_sorted_whole(stored: set[str], fixed: set[str], limit: int, seed: int) -> None:
    stored.discard("")
    fixed.discard("")
    given_order = random.Random(seed).sample(sorted(fixed), len(fixed))
    cursor, found, last = "", [], False
    while not last:
        after = sorted(id for id in stored if id > cursor)
        page, last = fanouts.candidates(after[:limit], len(after) > limit, given_order, cursor, limit)
        assert len(page) <= limit
        found.extend(page)
        cursor = page[-1] if page else cursor
    assert found == sorted(stored | fixed)


# -- why -----------------------------------------------------------------------------------------------------------


async def told_of(world: World, recipient: str) -> dict[str, Any]:
    """The only line about this recipient."""
    (stored,) = await world.store.find_events("default", "1")
    story = await world.store.story(stored.event.key, recipient=recipient)
    assert story is not None
    known = (await world.engine.recipients([("default", recipient)]))["default"].get(recipient)
    told = explain_recipient(story, recipient, known, world.engine.catalogue, now=NOW)
    (considered,) = told["notifications"]
    (line,) = considered["recipients"]
    return line  # type: ignore[no-any-return]


async def test_the_explanation_of_a_large_group_is_short_and_counts(told: Any) -> None:
    world = await told(recipients=people(600))
    await world.plan("1")
    await next_page(world)
    document = explain_event(await world.story("1"), now=NOW, show=3)
    group, *members = document["notifications"][0]["recipients"]
    assert (group["target"], group["chosen"], group["fanout"]["state"]) == ("group: all", False, "running")
    assert group["fanout"]["text"] == "page by page: 250 asked so far, 249 of them told, 0 failed"
    assert [line["recipient"] for line in members] == ["ana", "bia", "p00000"]
    assert members[0]["reason"]["text"] == "a member of the group all"
    assert members[0]["run"]["log"]
    await all_pages(world)
    document = explain_event(await world.story("1"), now=NOW, show=3)
    assert document["notifications"][0]["recipients"][0]["fanout"]["text"].startswith("page by page: 603 asked, 602")
    assert document["counts"]["runs"] == {"done": 602}
    assert sum(document["counts"]["messages"]["email"].values()) == 601
    assert len(draw_event(document, "en").children) == 4  # the notification, runs, e-mails, and how to ask of one


async def test_what_a_step_told_is_explained_too(told: Any) -> None:
    steps = ({"notify": {"to": [{"group": "all"}, {"group": "sales"}], "steps": [{"send": "email"}]}},)
    world = await told(target(system="erp"), recipients=people(2), do=steps)
    await world.plan("1")
    await all_pages(world)
    (considered,) = explain_event(await world.story("1"), now=NOW)["notifications"]
    assert [(line["target"], line["recipient"]) for line in considered["recipients"]][:2] == [
        ("system: erp", "erp"),
        ("group: all", None),
    ]
    assert considered["recipients"][1]["reason"]["text"] == "told in the course of the run of erp"
    assert {line["recipient"] for line in considered["recipients"][2:]} == {"ana", "bia", "p00000", "p00001"}


async def test_why_somebody_was_told(told: Any) -> None:
    world = await told(recipients=people(600))
    await world.plan("1")
    await all_pages(world)
    line = await told_of(world, "p00599")
    assert line["chosen"]
    assert [message["channel"] for message in line["messages"]] == ["email"]


@pytest.mark.parametrize(
    ("who", "said"),
    [
        pytest.param(
            "p00002", "asked now: the condition recipient.attributes.number % 2 == 1 is not true", id="no member"
        ),
        pytest.param("nobody", "asked now: nobody is known as nobody", id="nobody"),
        pytest.param("ana", "asked now: an expression failed", id="asking them fails"),
        pytest.param("late", "asked now: a member of the group odd", id="they came too late"),
    ],
)
async def test_why_somebody_was_not_told(told: Any, who: str, said: str) -> None:
    world = await told(target(group="odd"), recipients=people(4))
    await world.plan("1")
    await all_pages(world)
    await world.store.put_recipients("default", [person("late", number=7)], now=NOW)
    line = await told_of(world, who)
    assert not line["chosen"]
    assert line["reason"]["text"].startswith(said)
    assert line["asked_now"]


async def test_who_was_not_asked_yet_is_said_to_be_so(told: Any) -> None:
    world = await told(recipients=people(600))
    await world.plan("1")
    await next_page(world)
    assert (await told_of(world, "p00599"))["reason"]["code"] == "not_asked_yet"


async def test_who_is_named_by_nothing(told: Any) -> None:
    world = await told(target(system="erp"))
    await world.plan("1")
    assert (await told_of(world, "ana"))["reason"]["code"] == "not_named"
