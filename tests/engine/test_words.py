"""words: every reason and state has a sentence in both languages, with the same values in it."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import Any, get_args

import pytest

from arauto.engine.words import LANGUAGES, _words, say, say_reason
from arauto.model import MessageState, Reason, ReceiptKind

SOURCE = Path(__file__).parents[2] / "src" / "arauto"


def places(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def test_both_languages_say_the_same_codes_with_the_same_values() -> None:
    english, portuguese = (_words(language) for language in LANGUAGES)
    assert english.keys() == portuguese.keys()
    for code, template in english.items():
        assert places(template) == places(portuguese[code]), code
        assert all(name.isidentifier() for name in places(template)), code
    same = [code for code, template in english.items() if template == portuguese[code]]
    assert same == []


def test_every_reason_in_the_source_has_words_and_the_values_that_they_name() -> None:
    found = 0
    for path in [*(SOURCE / "decide").rglob("*.py"), *(SOURCE / "engine").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        for code, values in re.findall(r'Reason\("([a-z_]+)"(?:, \{([^}]*)\})?\)', text):
            found += 1
            given = set(re.findall(r'"([a-z_]+)":', values))
            for language in LANGUAGES:
                assert code in _words(language), f"{path.name}: {code}"
                assert places(_words(language)[code]) <= given, f"{path.name}: {code}"
    assert found > 15


def test_every_state_and_outcome_has_words() -> None:
    states = [*get_args(MessageState), *get_args(ReceiptKind), "waiting", "pending", "planned", "quarantined"]
    outcomes = ["accepted", "retry", "rejected", "unknown"]
    for language in LANGUAGES:
        assert {f"state.{state}" for state in states} <= _words(language).keys()
        assert {f"outcome.{outcome}" for outcome in outcomes} <= _words(language).keys()


@pytest.mark.parametrize(
    ("code", "values", "said"),
    [
        pytest.param("sends", {"channels": ["email", "sms"]}, "goes to email, sms", id="a list"),
        pytest.param(
            "condition_false",
            {"condition": "a > b", "seen": {"a": 1, "b": None}},
            "the condition a > b is not true (a = 1, b = null)",
            id="an object",
        ),
        pytest.param("no_person", {"expression": "x", "value": True}, "x gave nobody: true", id="a boolean"),
        pytest.param("sends", {"channels": []}, "goes to —", id="nothing"),
        pytest.param("sends", {}, "goes to —", id="a value that is missing"),
        pytest.param("sends", {"channels": "{channels}"}, "goes to {channels}", id="a value that looks like a place"),
        pytest.param("no_receipt", {"receipt": "read"}, "no message was read in time", id="a receipt"),
        pytest.param(
            "throttled", {"at_most": 3, "seconds": 5400}, "there was no room: at most 3 in 1h30m", id="a span"
        ),
        pytest.param("someones_own", {"a": 1}, "someones_own (a: 1)", id="a code without words"),
        pytest.param("someones_own", {}, "someones_own", id="a code without words or values"),
    ],
)
def test_a_sentence(code: str, values: Any, said: str) -> None:
    assert say(code, values) == said
    assert say_reason(Reason(code, values)) == said
    assert say_reason({"code": code, "values": values}) == said


def test_what_was_decided_has_words_of_its_own() -> None:
    reason = Reason("muted", {"by": "build.failed"})
    assert say_reason(reason, decision="wait") == "held: muted while what build.failed opened is open"
    assert say_reason(reason, decision="skip", language="pt-BR").startswith("descartado: calado")
    assert say_reason(reason, decision="unheard of") == say_reason(reason)


def test_a_receipt_is_said_in_the_language() -> None:
    said = say("awaits_receipt", {"receipt": "acknowledged", "until": "amanhã"}, language="pt-BR")
    assert said == "espera que uma mensagem seja assumida, ou até amanhã"
