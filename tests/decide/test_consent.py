"""Consent: what a choice changes in wishes, and the lines that prove it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arauto.decide.consent import Proof, choices, choose, wanted
from arauto.decide.wishes import refusal
from arauto.language import compile_condition
from arauto.model import Category, Group, Recipient, Wishes
from decide.conftest import NOW, catalogue, notification, target

PROOF = Proof(at=NOW, how="page", text="I agree", evidence={"ip": "203.0.113.7"})
KINDS = {
    kind: Category(name="news", title={}, consent=kind)  # type: ignore[arg-type]
    for kind in ("required", "opt_out", "opt_in")
}
SAID = st.dictionaries(st.sampled_from(["*", "email", "sms"]), st.booleans())


@pytest.mark.parametrize(
    ("before", "said", "lines"),
    [
        ({}, {"*": True}, [("*", True)]),
        ({}, {"email": False}, [("email", False)]),
        ({"*": True}, {"*": True}, []),
        ({"email": False}, {"*": True}, [("*", True)]),
        ({"*": True}, {"*": False, "sms": True, "email": False}, [("*", False), ("sms", True)]),
        ({"*": False, "sms": True}, {"*": False}, [("sms", False)]),
        ({"*": True}, {"*": True, "sms": True}, []),
        ({"*": True}, {}, [("*", False)]),
        ({"*": False}, {}, [("*", False)]),
    ],
    ids=[
        "the first word",
        "of one channel",
        "the same again proves nothing more",
        "all channels overrule one",
        "all but one",
        "one that is taken back follows the others",
        "one that says what all do changes nothing",
        "consent that is taken back is withdrawn",
        "a refusal that is taken back leaves what the category does: nothing, without consent",
    ],
)
def test_each_channel_of_which_something_changed_has_a_line(
    before: dict[str, bool], said: dict[str, bool], lines: list[Any]
) -> None:
    wishes = Wishes(categories={"news": before, "orders": {"sms": False}}, locale="en")
    changed, made = choose(wishes, KINDS["opt_in"], said, PROOF)
    assert [(each.channel, each.given) for each in made] == lines
    kept = {"orders": {"sms": False}, **({"news": said} if said else {})}
    assert changed == msgspec.structs.replace(wishes, categories=kept)
    for each in made:
        assert (each.at, each.how, each.text, each.evidence) == (NOW, "page", "I agree", {"ip": "203.0.113.7"})


def test_a_text_has_a_version_which_another_text_has_not() -> None:
    lines = [
        choose(Wishes(), KINDS["opt_in"], {"*": True}, msgspec.structs.replace(PROOF, text=text, version=version))[1][0]
        for text, version in (("a", None), ("a", None), ("b", None), ("a", "2026-05"), (None, None))
    ]
    assert lines[0].version == lines[1].version != lines[2].version
    assert (lines[3].version, lines[4].version) == ("2026-05", None)


@given(SAID, SAID, st.sampled_from(sorted(KINDS)), st.sampled_from(["email", "sms", "push"]))
def test_what_the_page_shows_as_wanted_is_what_is_sent(
    before: dict[str, bool], said: dict[str, bool], kind: str, channel: str
) -> None:
    wishes, _ = choose(Wishes(categories={"news": before}), KINDS[kind], said, PROOF)
    person = Recipient(id="ana", wishes=wishes)
    assert wanted(wishes, KINDS[kind], channel) == (refusal(person, KINDS[kind], channel) is None)


@given(st.lists(SAID, max_size=6), st.sampled_from(["opt_in", "opt_out"]))
def test_the_record_alone_tells_what_holds(steps: list[dict[str, bool]], kind: str) -> None:
    wishes = Wishes()
    told: dict[str, bool] = {}
    for said in steps:
        wishes, lines = choose(wishes, KINDS[kind], said, PROOF)
        for each in lines:
            told = {**({} if each.channel == "*" else told), each.channel: each.given}
    for channel in ("email", "sms", "push"):
        assert told.get(channel, told.get("*", kind == "opt_out")) == wanted(wishes, KINDS[kind], channel)


def test_a_person_chooses_among_what_may_concern_them() -> None:
    query = Group(name="vips", query=compile_condition("recipient.attributes.vip"))
    project = catalogue(
        notification(target(person="event.data.customer"), name="paid", category="orders"),
        notification(target(group="vips"), name="gifts", category="news", do=({"send": ["sms", "inapp"]},)),
        notification(target(system="erp"), name="sync", category="security", do=({"send": "webhook"},)),
    )
    project = msgspec.structs.replace(project, groups={**project.groups, "vips": query})
    ana, bia = project.recipients["ana"], project.recipients["bia"]
    bia = msgspec.structs.replace(bia, addresses={"sms": ["+5511987654321"]})
    assert [(each.category.name, each.channels) for each in choices(ana, project)] == [("orders", ("email",))]
    assert [(each.category.name, each.channels) for each in choices(bia, project)] == [
        ("orders", ()),
        ("news", ("inapp", "sms")),
    ]
    said = msgspec.structs.replace(ana, wishes=Wishes(categories={"news": {"*": False}, "gone": {"*": True}}))
    assert [each.category.name for each in choices(said, project)] == ["orders", "news"]


def test_who_is_told_in_the_middle_of_a_run_may_choose_too() -> None:
    escalate = {"notify": {"to": [{"group": "sales"}], "steps": [{"send": "email"}]}}
    project = catalogue(notification(target(system="erp"), category="orders", do=(escalate,)))
    assert [each.category.name for each in choices(project.recipients["ana"], project)] == ["orders"]


def test_an_address_that_is_dead_is_none() -> None:
    project = catalogue(notification(target(group="sales"), category="orders"))
    dead = msgspec.structs.replace(project.recipients["ana"], suppressed={"email": {"ana@example.com": "bounced"}})
    assert [each.channels for each in choices(dead, project)] == [()]
