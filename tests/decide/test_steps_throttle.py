"""throttle: what passes, what ends, and what is gathered until there is room."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from arauto.model import Continue, Merge, Stop, Use, Wait
from decide.asking import NOW, ask, event, run_of, step

HOUR = timedelta(hours=1)
DROPS = {"at_most": 3, "per": "1h"}
GATHERS = {**DROPS, "overflow": "digest"}


def use_of(written: Any, *events: Any) -> Use:
    decision = ask({"throttle": written}, run_of(*events))
    assert isinstance(decision, Continue)
    (use,) = decision.uses
    return use


def test_it_asks_the_store_for_one_of_so_many() -> None:
    use = use_of(DROPS)
    assert (use.at_most, use.per, use.count) == (3, HOUR, 1)


@pytest.mark.parametrize(
    ("written", "after", "outcome"),
    [
        pytest.param(DROPS, timedelta(0), "throttled", id="refused: it ends"),
        pytest.param(DROPS, 2 * HOUR, "throttled", id="refused, and asked much later: it ends all the same"),
        pytest.param(GATHERS, timedelta(0), "throttle_gathers", id="refused: it gathers"),
        pytest.param(GATHERS, HOUR - timedelta(microseconds=1), "throttle_gathers", id="just before there is room"),
        pytest.param(GATHERS, HOUR, "throttle_passed", id="when there is room, it asks again"),
    ],
)
def test_what_was_refused(written: Any, after: timedelta, outcome: str) -> None:
    use = use_of(written)
    decision: Any = ask({"throttle": written}, run_of(refused={use.key: NOW + HOUR}), after)
    assert decision.reason.code == outcome
    match decision:
        case Wait():
            assert (decision.until, decision.merge) == (NOW + HOUR, Merge(use.key))
        case Continue():
            assert decision.uses == (use,)
        case _:
            assert isinstance(decision, Stop)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        pytest.param({"host": "a"}, {"host": "a"}, True, id="the same host"),
        pytest.param({"host": "a"}, {"host": "b"}, False, id="another host"),
        pytest.param({"host": None}, {"host": None}, True, id="none is one, too"),
    ],
)
def test_it_counts_by(one: Any, other: Any, together: bool) -> None:
    by = {**DROPS, "by": "event.data.host"}
    assert (use_of(by, event(**one)).key == use_of(by, event(2, **other)).key) == together


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("3 per hour", "at_most: 3", id="words"),
        pytest.param({"at_most": 3}, "at_most: 3", id="no time"),
        pytest.param({"per": "1h"}, "at_most: 3", id="no number"),
        pytest.param({"at_most": True, "per": "1h"}, "at_most: 3", id="a number that is true"),
        pytest.param({"at_most": 0, "per": "1h"}, "1 or more, not 0", id="none"),
        pytest.param({"at_most": 1, "per": "0s"}, "nothing can happen in 0s", id="in no time"),
        pytest.param({"at_most": 1, "per": "99999999999d"}, "ten years", id="in all time"),
        pytest.param({**DROPS, "overflow": "queue"}, "drop or digest, not 'queue'", id="another overflow"),
        pytest.param({**DROPS, "by": 3}, "by is an expression", id="by a number"),
        pytest.param({**DROPS, "to": "x"}, "'to' is nothing that a throttle has", id="an unknown key"),
    ],
)
def test_what_it_refuses(written: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        step({"throttle": written})
