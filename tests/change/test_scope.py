"""What of a change may come out differently; all else need not be tried."""

from __future__ import annotations

from datetime import timedelta

import pytest

from arauto.change.scope import WEEK, scope_of
from change.recorded import FILES, edited, shop

PAID = "notifications/paid/notification.yaml"
CLOCK = """\
kind: schedule
schedules:
  daily: {cron: "0 9 * * *", event: stock.low, data: {item: '"all"'}}
"""


@pytest.mark.parametrize(
    ("change", "notifications", "everything"),
    [
        (edited("notifications/paid/content.en.md", "is paid", "was paid"), {"paid"}, None),
        (edited("events/stock.low.yaml", "nearly", "almost"), {"stock"}, None),
        (edited("channels/email.yaml", "2525", "2526"), {"paid", "stock"}, None),
        (edited("channels/sms.yaml", "0.25", "0.30"), set(), None),
        (edited("recipients/team.yaml", "Marina,", "Maria,"), {"paid", "stock"}, "recipients/team.yaml"),
        (edited("arauto.yaml", "Sao_Paulo", "Manaus"), {"paid", "stock"}, "arauto.yaml"),
        ({}, set(), None),
    ],
    ids=[
        "a text",
        "an event type",
        "a channel",
        "a channel that nothing is sent on",
        "people",
        "the project",
        "nothing",
    ],
)
def test_the_scope_of_a_change(change: dict[str, str | None], notifications: set[str], everything: str | None) -> None:
    found = scope_of(shop(), shop(change))
    assert (set(found.notifications), found.everything) == (notifications, everything)


def test_all_are_tried_where_people_have_an_attention_budget() -> None:
    budget = edited("arauto.yaml", "categories:", "attention: {per: 1d, low: 1, normal: 2, high: 3}\ncategories:")
    text = edited("notifications/paid/content.en.md", "is paid", "was paid")
    found = scope_of(shop(budget), shop({**budget, **text}))
    assert (set(found.notifications), found.everything) == ({"paid", "stock"}, "attention")


def test_those_that_bring_the_same_people_up_to_date_are_tried_too() -> None:
    """The other's text did not change; but whom this one reaches, the other tells."""
    other = {
        "notifications/known/notification.yaml": FILES[PAID].replace(
            "- person: event.data.customer.id",
            '- person: event.data.customer.id\n    upsert: {email: event.data.customer.email | default("a@b.example")}',
        ),
        "notifications/known/content.en.md": "---\ntitle: Hi\n---\nHi.\n",
    }
    text = edited("notifications/paid/content.en.md", "is paid", "was paid")
    assert set(scope_of(shop(other), shop({**other, **text})).notifications) == {"paid", "known"}
    assert set(scope_of(shop(), shop(text)).notifications) == {"paid"}


def test_a_replay_begins_as_long_before_as_anything_lasts() -> None:
    steps = "steps:\n  - delay: 12d\n  - send: email\n"
    slow = {PAID: FILES[PAID].split("steps:")[0] + steps}
    assert scope_of(shop(), shop(slow)).warm_up == timedelta(days=12)
    assert scope_of(shop(), shop(edited(PAID, "category", "expires: 1h\ncategory"))).warm_up == WEEK


def test_what_a_source_was_sent_is_not_kept() -> None:
    source = (
        'kind: bearer\nsecrets: ["env:T"]\nevents:\n  - type: stock.low\n    id: body.id\n    data: {item: body.item}\n'
    )
    found = scope_of(
        shop({"sources/app.yaml": source}), shop({"sources/app.yaml": source.replace("body.id", "body.n")})
    )
    assert (found.untried, found.notifications) == (("app",), frozenset())
