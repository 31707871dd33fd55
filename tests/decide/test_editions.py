"""By which version a run goes on, and at which step of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from arauto.decide.editions import Followed, begun, blended, follow, mark_of, needs_own, place_of
from arauto.model import Catalogue, Notification, Reason, Run, Sent
from decide.conftest import NOW, catalogue, event, notification, target

TO_ANA = target(person="'ana'")
DELAY, SEND, SMS, DIGEST = {"delay": "1h"}, {"send": "email"}, {"send": "sms"}, {"digest": "1h"}


def paid(*do: Any, edition: str = "e1", in_flight: Any = "pinned") -> Notification:
    made = notification(TO_ANA, do=do or (DELAY, SEND))
    return msgspec.structs.replace(made, edition=edition, in_flight=in_flight)


def version(name: str, *notifications: Notification) -> Catalogue:
    return msgspec.structs.replace(catalogue(*notifications), version=name)


def run(of: Notification, step: int = 0, *, began: str = "v1", **more: Any) -> Run:
    made = Run(
        key="run_1", notification="paid", recipient="ana", events=(event(),), entered_at=NOW, catalogue=began, step=step
    )
    return msgspec.structs.replace(begun(made, of), **more)


def followed(one: Run, current: Catalogue, own: Catalogue | None) -> Any:
    return follow(one, current, None if own is None else blended(own, current, "v1"))


@pytest.mark.parametrize(
    ("began", "now", "own_is_there", "expected"),
    [
        pytest.param(paid(), paid(edition="e2"), True, "v1", id="pinned: by its own version"),
        pytest.param(paid(), paid(), True, "v2", id="pinned: by the current one where the notification is the same"),
        pytest.param(
            paid(), paid(edition="e2"), False, "version_gone", id="pinned: by the latest when its own is gone"
        ),
        pytest.param(paid(), None, True, "v1", id="pinned: also when the notification is gone from the project"),
        pytest.param(paid(), None, False, "notification_gone", id="pinned: gone together with its version it stops"),
        pytest.param(
            paid(in_flight="latest"),
            paid(edition="e2", in_flight="latest"),
            True,
            "v2",
            id="latest: by the current one",
        ),
        pytest.param(
            paid(in_flight="latest"), None, True, "notification_gone", id="latest: it stops when that is gone"
        ),
        pytest.param(
            paid(),
            paid(edition="e2", in_flight="latest"),
            True,
            "v2",
            id="what the notification says now counts: latest",
        ),
        pytest.param(
            paid(in_flight="latest"), paid(edition="e2"), True, "v1", id="what the notification says now counts: pinned"
        ),
    ],
)
def test_by_which_version_a_run_goes_on(
    began: Notification, now: Notification | None, own_is_there: bool, expected: str
) -> None:
    own, current = version("v1", began), version("v2", *([now] if now else []))
    found = followed(run(began), current, own if own_is_there else None)
    if isinstance(found, Reason):
        assert found.code == expected
    elif found.note is not None:
        assert (found.note.code, found.catalogue.version) == (expected, "v2")
    else:
        assert found.catalogue.version == expected


LATEST: Any = {"in_flight": "latest", "edition": "e2"}


@pytest.mark.parametrize(
    ("old", "step", "new", "expected"),
    [
        pytest.param((DELAY, SEND), 0, (DELAY, SEND), 0, id="the same steps"),
        pytest.param((DELAY, SEND), 0, (SMS, DELAY, SEND), 1, id="a step before it"),
        pytest.param((SMS, DELAY, SEND), 1, (DELAY, SEND), 0, id="a step before it less"),
        pytest.param((DELAY, SEND), 0, (DELAY, SMS), 0, id="another step after it"),
        pytest.param((DELAY, SEND), 2, (DELAY, SEND, SMS), 3, id="it was over, and stays so"),
        pytest.param((DELAY, SEND), 0, ({"delay": "2h"}, SEND), None, id="its step says something else now"),
        pytest.param((DELAY, SEND), 0, (SEND,), None, id="its step is gone"),
        pytest.param((SEND, DELAY, SEND), 2, (SEND, DELAY, SEND), 2, id="of two alike, where nothing changed"),
        pytest.param(
            (SEND, DELAY, SEND), 2, (SMS, SEND, DELAY), None, id="of two alike in its own version, no telling"
        ),
        pytest.param((DELAY, SEND), 1, (SEND, DELAY, SEND), None, id="of two alike in the new version, no telling"),
        pytest.param(
            ({"branch": [{"when": "true", "steps": [DELAY]}]}, SEND),
            1,
            (SMS, {"branch": [{"when": "true", "steps": [DELAY]}]}, SEND),
            2,
            id="a step inside another",
        ),
    ],
)
def test_at_which_step_one_goes_on_that_follows_the_latest(
    old: tuple[Any, ...], step: int, new: tuple[Any, ...], expected: int | None
) -> None:
    own, current = paid(*old, in_flight="latest"), paid(*new, **LATEST)
    found = followed(run(own, step), version("v2", current), None)
    if expected is None:
        assert isinstance(found, Reason)
        assert (found.code, found.values["step"]) == ("step_gone", step + 1)
    else:
        assert isinstance(found, Followed)
        assert (found.run.step, found.run.at) == (expected, place_of(current, expected))
        assert found.run.catalogue == "v2"


def test_what_other_steps_sent_is_not_taken_for_what_those_with_their_numbers_sent() -> None:
    own, current = paid(SMS, SEND, DELAY, in_flight="latest"), paid(SEND, DELAY, SMS, **LATEST)
    sent = (Sent(0, "sms", ("m1",)), Sent(1, "email", ("m2",)), Sent(2, "push", ("m3",)))
    found = followed(run(own, 2, sent=sent, listening=True), version("v2", current), None)
    assert isinstance(found, Followed)
    assert [each.step for each in found.run.sent] == [-1, -2, 1]
    assert (found.run.numbering, found.run.listening) == ("v2", False)


def test_where_only_texts_changed_nothing_else_changes_in_a_run() -> None:
    sent = (Sent(0, "email", ("m1",)),)
    one = run(paid(in_flight="latest"), 1, sent=sent, listening=True)
    found = followed(one, version("v2", paid(**LATEST)), None)
    assert isinstance(found, Followed)
    assert found.run == msgspec.structs.replace(one, catalogue="v2")


def test_which_versions_have_to_be_known() -> None:
    now = version("v2", paid(edition="e2"))
    assert needs_own(run(paid()), now)
    assert not needs_own(run(paid(edition="e2")), now)
    assert not needs_own(run(paid(), began="v2"), now)
    assert not needs_own(run(paid()), version("v2", paid(**LATEST)))
    assert needs_own(run(paid()), version("v2"))


def test_an_earlier_version_counts_with_the_channels_people_and_categories_of_now() -> None:
    own, current = version("v1", paid()), version("v2", paid(edition="e2"))
    current = msgspec.structs.replace(current, channels={}, recipients={}, groups={}, categories={})
    old = msgspec.structs.replace(own, categories={"orders": own.categories["orders"]})
    mixed = blended(old, current, "v1")
    assert (mixed.channels, mixed.recipients, list(mixed.categories)) == ({}, {}, ["orders"])
    assert mixed.notifications["paid"].edition == "e1"
    assert mixed.groups["sales"].members == ()


def test_a_step_is_told_from_others_in_other_versions_too() -> None:
    assert mark_of(run(paid(SMS, DIGEST), 1)) == mark_of(run(paid(DIGEST), 0))
    assert mark_of(run(paid(SMS, DIGEST), 0)) != mark_of(run(paid(SMS, DIGEST), 1))
    assert mark_of(run(paid(SEND, SEND), 1)) == "1"
