"""digest: how long it gathers, under which key, and what ends it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from arauto.model import Continue, Merge, Run, Use, Wait
from decide.asking import NOW, ask, at, event, run_of, step

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def waits(decision: Any) -> Wait:
    assert isinstance(decision, Wait), decision
    return decision


def goes_on(decision: Any) -> Continue:
    assert isinstance(decision, Continue), decision
    return decision


def key_of(written: Any, run: Run) -> str:
    merge = waits(ask({"digest": written}, run)).merge
    assert merge is not None
    return merge.key


# -- windows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "end", "latest"),
    [
        pytest.param("1h", HOUR, None, id="an hour after it came, and more does not move it"),
        pytest.param({"window": "90s"}, 90 * timedelta(seconds=1), None, id="a window, written as one"),
        pytest.param({"sliding": "10m", "at_most": "1h"}, 10 * MINUTE, HOUR, id="sliding, an hour at most"),
        pytest.param({"sliding": "1h", "at_most": "1h"}, HOUR, HOUR, id="sliding that cannot slide"),
    ],
)
def test_the_end_of_a_window(written: Any, end: timedelta, latest: timedelta | None) -> None:
    wait = waits(ask({"digest": written}, run_of()))
    assert wait.until == NOW + end
    assert wait.reason.code == "digests"
    assert wait.merge is not None
    assert wait.merge.latest == (None if latest is None else NOW + latest)
    assert wait.merge.at_most is None


@pytest.mark.parametrize(
    ("after", "code"),
    [
        pytest.param(timedelta(0), "digests", id="at once"),
        pytest.param(HOUR - timedelta(microseconds=1), "digests", id="just before its end"),
        pytest.param(HOUR, "digest_over", id="at its end"),
        pytest.param(30 * HOUR, "digest_over", id="long after: the hub was down"),
    ],
)
def test_asking_it_again(after: timedelta, code: str) -> None:
    run = run_of(event(1), event(2), until=NOW + HOUR)
    decision = ask({"digest": "1h"}, run, after)
    assert not isinstance(decision, str)
    assert decision.reason.code == code  # type: ignore[union-attr]
    if code == "digests":
        assert waits(decision).until == NOW + HOUR
    else:
        assert goes_on(decision).reason.values == {"events": 2}


def test_a_sliding_end_that_others_moved_is_kept_when_it_is_asked_in_between() -> None:
    moved = NOW + 25 * MINUTE
    wait = waits(ask({"digest": {"sliding": "10m", "at_most": "1h"}}, run_of(until=moved), 20 * MINUTE))
    assert (wait.until, wait.merge and wait.merge.latest) == (moved, NOW + HOUR)


# -- at a time of day ----------------------------------------------------------------------------------------------


# when it came, the time, the days, the zone → when it ends
AT = [
    pytest.param("2026-11-24T07:59:59", "08:00", None, "UTC", "2026-11-24T08:00", id="the same day"),
    pytest.param("2026-11-24T08:00", "08:00", None, "UTC", "2026-11-25T08:00", id="at that very time: the next day"),
    pytest.param("2026-11-24T12:00", "08:00", None, "America/Sao_Paulo", "2026-11-25T08:00-03:00", id="their zone"),
    pytest.param("2026-11-27T12:00", "08:00", "weekdays", "UTC", "2026-11-30T08:00", id="over a weekend"),
    pytest.param("2026-11-28T07:00", "08:00", "weekdays", "UTC", "2026-11-30T08:00", id="on a Saturday"),
    pytest.param("2026-11-24T12:00", "08:00", ["mon"], "UTC", "2026-11-30T08:00", id="once a week"),
    pytest.param("2026-12-31T23:59", "00:00", None, "UTC", "2027-01-01T00:00", id="the end of the year"),
    pytest.param("2028-02-28T12:00", "08:00", None, "UTC", "2028-02-29T08:00", id="a leap day comes"),
    pytest.param("2028-02-29T12:00", "08:00", None, "UTC", "2028-03-01T08:00", id="a leap day goes"),
    pytest.param("2027-02-28T12:00", "08:00", None, "UTC", "2027-03-01T08:00", id="no leap day"),
    pytest.param("2026-11-24T12:00", "02:00", None, "Pacific/Kiritimati", "2026-11-25T12:00", id="fourteen ahead, now"),
    pytest.param("2026-11-24T12:00:01", "02:00", None, "Pacific/Kiritimati", "2026-11-25T12:00", id="fourteen ahead"),
    pytest.param("2026-11-24T12:00", "23:30", None, "Etc/GMT+12", "2026-11-25T11:30", id="twelve behind"),
    pytest.param("2026-11-24T12:00", "08:00", None, "Asia/Kathmandu", "2026-11-25T02:15", id="a zone with 45 minutes"),
    # clocks go forward in New York on 2027-03-14, from 02:00 to 03:00
    pytest.param("2027-03-13T12:00", "02:30", None, "America/New_York", "2027-03-14T07:00", id="a time in the gap"),
    pytest.param("2027-03-14T07:00", "02:30", None, "America/New_York", "2027-03-15T06:30", id="after the gap"),
    pytest.param("2027-03-13T14:00", "08:00", None, "America/New_York", "2027-03-14T12:00", id="a day of 23 hours"),
    # clocks go back on 2026-11-01, from 02:00 to 01:00
    pytest.param("2026-11-01T04:00", "01:30", None, "America/New_York", "2026-11-01T05:30", id="twice: the first time"),
    pytest.param("2026-11-01T05:30", "01:30", None, "America/New_York", "2026-11-02T06:30", id="not the second time"),
    pytest.param("2026-11-01T06:00", "01:30", None, "America/New_York", "2026-11-02T06:30", id="between the two"),
    pytest.param("2026-10-31T13:00", "08:00", None, "America/New_York", "2026-11-01T13:00", id="a day of 25 hours"),
    # Lisbon: 2026-03-29 and 2026-10-25
    pytest.param("2026-03-28T12:00", "01:30", None, "Europe/Lisbon", "2026-03-29T01:00", id="Lisbon's gap"),
    pytest.param("2026-10-24T12:00", "01:30", None, "Europe/Lisbon", "2026-10-25T00:30", id="Lisbon's double hour"),
]  # fmt: skip


@pytest.mark.parametrize(("came", "time", "days", "zone", "end"), AT)
def test_it_gathers_until_a_time_in_the_recipients_zone(came: str, time: str, days: Any, zone: str, end: str) -> None:
    written = {"at": time} if days is None else {"at": time, "days": days}
    run = run_of(entered_at=at(came))
    assert waits(ask({"digest": written}, run, zone=zone)).until == at(end)


def test_what_waits_keeps_its_end_when_the_recipient_moves_to_another_zone() -> None:
    run = run_of(until=NOW + HOUR)
    assert waits(ask({"digest": {"at": "08:00"}}, run, MINUTE, zone="Asia/Tokyo")).until == NOW + HOUR


# -- keys ----------------------------------------------------------------------------------------------------------

BY = {"window": "1h", "by": "event.data.project"}

KEYS = [
    pytest.param("1h", run_of(event(1)), run_of(event(2)), True, id="all events of a recipient"),
    pytest.param(BY, run_of(event(project="a")), run_of(event(2, project="a")), True, id="by the same"),
    pytest.param(BY, run_of(event(project="a")), run_of(event(2, project="b")), False, id="by another"),
    pytest.param(BY, run_of(event(project=1)), run_of(event(2, project="1")), False, id="a number is not its digits"),
    pytest.param(
        BY,
        run_of(event(project={"a": 1, "b": 2})),
        run_of(event(2, project={"b": 2, "a": 1})),
        True,
        id="the order of keys does not matter",
    ),
    pytest.param("1h", run_of(), msgspec.structs.replace(run_of(), recipient="bia"), False, id="another recipient"),
    pytest.param("1h", run_of(), msgspec.structs.replace(run_of(), notification="x"), False, id="another notification"),
    pytest.param("1h", run_of(), msgspec.structs.replace(run_of(), tenant="x"), False, id="another tenant"),
    pytest.param("1h", run_of(), run_of(step=2), False, id="another step"),
]


@pytest.mark.parametrize(("written", "one", "other", "together"), KEYS)
def test_what_is_gathered_together(written: Any, one: Run, other: Run, together: bool) -> None:
    assert (key_of(written, one) == key_of(written, other)) == together


# -- size ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "more", "ends"),
    [
        pytest.param(2, {}, False, id="fewer"),
        pytest.param(3, {}, True, id="as many"),
        pytest.param(5, {}, True, id="more, which came in one instant"),
        pytest.param(3, {"until": NOW + HOUR}, True, id="as many, while it waits"),
        pytest.param(4, {"retracted": (event(1).key, event(2).key)}, False, id="what was taken back does not count"),
    ],
)
def test_a_size_ends_it(events: int, more: Any, ends: bool) -> None:
    run = run_of(*[event(number) for number in range(1, events + 1)], **more)
    decision = ask({"digest": {"window": "1h", "size": 3}}, run)
    if ends:
        assert goes_on(decision).reason.code == "digest_full"
    else:
        wait = waits(decision)
        assert wait.merge is not None
        assert wait.merge.at_most == 3


# -- the first at once ---------------------------------------------------------------------------------------------

FIRST = {"window": "1h", "first": "now"}


def test_the_first_goes_on_at_once_if_the_store_grants_it() -> None:
    decision = goes_on(ask({"digest": FIRST}, run_of()))
    (use,) = decision.uses
    assert (use.at_most, use.per, use.count) == (1, HOUR, 1)
    assert decision.reason.code == "digest_first"


# until, when there is room again, now → when it ends; None: it goes on, and takes the allowance, or not
LATER = [
    pytest.param(None, 40 * MINUTE, 20 * MINUTE, 40 * MINUTE, None, id="what follows gathers until there is room"),
    pytest.param(40 * MINUTE, 40 * MINUTE, 30 * MINUTE, 40 * MINUTE, None, id="and waits for it"),
    pytest.param(40 * MINUTE, 40 * MINUTE, 40 * MINUTE, None, True, id="then it goes on, and opens the next window"),
    pytest.param(40 * MINUTE, 80 * MINUTE, 40 * MINUTE, 80 * MINUTE, None, id="another was quicker: it gathers on"),
]


@pytest.mark.parametrize(("until", "free_at", "now", "end", "uses"), LATER)
def test_what_follows_the_first_gathers(
    until: timedelta | None, free_at: timedelta, now: timedelta, end: timedelta | None, uses: bool | None
) -> None:
    (use,) = goes_on(ask({"digest": FIRST}, run_of())).uses
    refused = {use.key: NOW + free_at}
    run = run_of(event(1), event(2), until=None if until is None else NOW + until, refused=refused)
    decision = ask({"digest": FIRST}, run, now)
    if end is not None:
        wait = waits(decision)
        assert (wait.until, wait.merge) == (NOW + end, Merge(use.key))
    else:
        assert goes_on(decision).uses == (Use(use.key, 1, HOUR),)


def test_a_full_one_does_not_wait_for_room() -> None:
    written = {**FIRST, "size": 2}
    (use,) = goes_on(ask({"digest": written}, run_of())).uses
    run = run_of(event(1), event(2), until=NOW, refused={use.key: NOW + HOUR})
    decision = goes_on(ask({"digest": written}, run, MINUTE))
    assert (decision.reason.code, decision.uses) == ("digest_full", ())


# -- what it refuses -----------------------------------------------------------------------------------------------

REFUSED = [
    pytest.param(None, "write a duration", id="nothing"),
    pytest.param([], "write a duration", id="a list"),
    pytest.param({}, "write a duration", id="an empty mapping"),
    pytest.param("an hour", "no duration", id="words"),
    pytest.param("0s", "nothing can happen in 0s", id="no time"),
    pytest.param("999999999999d", "longer than ten years", id="longer than any calendar"),
    pytest.param("11000d", "longer than ten years", id="longer than anybody waits"),
    pytest.param({"window": 5}, "5 is no duration", id="a number"),
    pytest.param({"window": "1h", "at": "08:00"}, "one of window, sliding and at", id="two ends"),
    pytest.param({"by": "event.data.x"}, "one of window, sliding and at", id="no end"),
    pytest.param({"sliding": "10m"}, "go together", id="sliding without an end"),
    pytest.param({"window": "1h", "at_most": "2h"}, "go together", id="an end without sliding"),
    pytest.param({"sliding": "2h", "at_most": "1h"}, "shorter than sliding", id="an end before the end"),
    pytest.param({"window": "1h", "days": "mon"}, "days goes with at", id="days of nothing"),
    pytest.param({"at": "25:00"}, "no time of day", id="no time of day"),
    pytest.param({"at": 8}, "8 is no text", id="a time that is a number"),
    pytest.param({"at": "08:00", "days": "monday"}, "no day", id="no day"),
    pytest.param({"at": "08:00", "first": "now"}, "goes with window", id="first of a schedule"),
    pytest.param({"window": "1h", "first": "later"}, "first: now", id="first of later"),
    pytest.param({"window": "1h", "size": 1}, "2 or more", id="a size of one"),
    pytest.param({"window": "1h", "size": True}, "2 or more", id="a size that is true"),
    pytest.param({"window": "1h", "size": "10"}, "2 or more", id="a size in quotes"),
    pytest.param({"window": "1h", "by": 3}, "3 is no text", id="by a number"),
    pytest.param({"window": "1h", "max": 3}, "'max' is nothing that a digest has", id="an unknown key"),
]


@pytest.mark.parametrize(("written", "said"), REFUSED)
def test_what_it_refuses(written: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        step({"digest": written})


def test_ends_are_in_utc() -> None:
    wait = waits(ask({"digest": {"at": "08:00"}}, run_of(), zone="Asia/Tokyo"))
    assert wait.until.utcoffset() == timedelta(0)
    assert datetime.fromisoformat(wait.reason.values["until"]).utcoffset() == timedelta(hours=9)
