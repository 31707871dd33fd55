"""wait_for: what ends the waiting, and which way the run goes then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from arauto.decide.signals import awaited_receipt_key, key_of, shared_receipt_key, step_place
from arauto.model import Continue, Receipt, ReceiptKind, Run, Signal, Stop, Wait
from decide.asking import NOW, ask, event, run_of, step

HOUR = timedelta(hours=1)
EVENT = {"event": "order.paid", "match": "event.data.order", "up_to": "1h"}
READ = {"receipt": "read", "up_to": "1h"}


def came(written: Any, *, about: str | None = None, after: timedelta = timedelta()) -> Signal:
    (awaited,) = step({"wait_for": written}).awaits
    key = key_of("default", "paid", step_place(awaited), awaited, "A")
    return Signal(key=key, about=about or event().key, at=NOW + after, event=event(9))


def received(kind: ReceiptKind, key: str) -> Signal:
    return Signal(key=key, about=event().key, at=NOW, receipt=Receipt(message="m", kind=kind, at=NOW))


@pytest.mark.parametrize(
    ("more", "comes", "after", "code", "outcome"),
    [
        pytest.param({}, False, 0, "waits_for", Wait, id="it waits"),
        pytest.param({}, False, 59, "waits_for", Wait, id="to the end"),
        pytest.param({}, False, 60, "did_not_come", Continue, id="then goes on"),
        pytest.param({}, True, 0, "came", Stop, id="it came: stop"),
        pytest.param({}, True, 90, "came", Stop, id="it came late, but before anybody acted on it"),
        pytest.param({"then": "continue"}, True, 0, "came", Continue, id="then: continue"),
        pytest.param({"then": "continue"}, False, 60, "did_not_come", Stop, id="and else it stops"),
        pytest.param({"then": "continue", "else": "continue"}, False, 60, "did_not_come", Continue, id="both go on"),
        pytest.param({"else": "stop"}, False, 60, "did_not_come", Stop, id="both stop"),
    ],
)
def test_waiting_for_an_event(more: Any, comes: bool, after: int, code: str, outcome: type) -> None:
    written = {**EVENT, **more}
    run = run_of(signals=(came(written),) if comes else ())
    decision: Any = ask({"wait_for": written}, run, timedelta(minutes=after))
    assert isinstance(decision, outcome)
    assert decision.reason.code == code
    if isinstance(decision, Wait):
        assert decision.until == NOW + HOUR


def test_what_concerns_an_event_that_was_taken_back_does_not_count() -> None:
    run = run_of(event(1), event(2), signals=(came(EVENT),), retracted=(event(1).key,))
    assert isinstance(ask({"wait_for": EVENT}, run), Wait)


def test_what_another_step_waits_for_does_not_count() -> None:
    other = {**EVENT, "event": "order.shipped"}
    assert isinstance(ask({"wait_for": EVENT}, run_of(signals=(came(other),))), Wait)


def key_for(written: Any, run: Run, kind: str) -> str:
    awaited = next(each for each in step({"wait_for": written}).receipts if each.kind == kind)
    return awaited_receipt_key(run, awaited)


@pytest.mark.parametrize(
    ("wanted", "kind", "counts"),
    [
        pytest.param("read", "read", True, id="read"),
        pytest.param("read", "opened", True, id="opened is read"),
        pytest.param("read", "acknowledged", True, id="who acknowledged has read"),
        pytest.param("read", "delivered", False, id="delivered is not read"),
        pytest.param("delivered", "clicked", True, id="who clicked got it"),
        pytest.param("clicked", "opened", False, id="opened is not clicked"),
        pytest.param("acknowledged", "clicked", False, id="clicked is not acknowledged"),
        pytest.param("acknowledged", "acknowledged", True, id="acknowledged"),
    ],
)
def test_waiting_for_a_receipt(wanted: str, kind: ReceiptKind, counts: bool) -> None:
    written = {"receipt": wanted, "up_to": "1h"}
    kinds = {each.kind for each in step({"wait_for": written}).receipts}
    assert (kind in kinds) == counts
    if counts:
        run = run_of()
        run = run_of(signals=(received(kind, key_for(written, run, kind)),))
        assert isinstance(ask({"wait_for": written}, run), Stop)


@pytest.mark.parametrize(("by", "counts"), [("recipient", False), ("anybody", True)])
def test_anybodys_receipt(by: str, counts: bool) -> None:
    signal = received("read", shared_receipt_key("read", "paid", event().key))
    decision = ask({"wait_for": {**READ, "by": by}}, run_of(signals=(signal,)))
    assert isinstance(decision, Stop) == counts


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("1h", "write {event", id="a duration"),
        pytest.param({}, "write {event", id="nothing"),
        pytest.param({**EVENT, **READ}, "write {event", id="both"),
        pytest.param({"receipt": "read"}, "write {event", id="no end"),
        pytest.param({**READ, "up_to": 5}, "5 is no duration", id="an end that is a number"),
        pytest.param({**READ, "up_to": "0s"}, "nothing can happen", id="no time"),
        pytest.param({**READ, "up_to": "99999999d"}, "ten years", id="for ever"),
        pytest.param({**READ, "receipt": "bounced"}, "one of delivered", id="what nobody waits for"),
        pytest.param({**READ, "by": "all"}, "recipient or anybody", id="by all"),
        pytest.param({**READ, "match": "event.id"}, "'match' has no place here", id="match of a receipt"),
        pytest.param({**EVENT, "by": "anybody"}, "'by' has no place here", id="by of an event"),
        pytest.param({**READ, "then": "go"}, "stop or continue, not 'go'", id="another way"),
        pytest.param({**READ, "else": 1}, "stop or continue, not 1", id="another way that is a number"),
    ],
)
def test_what_it_refuses(written: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        step({"wait_for": written})
