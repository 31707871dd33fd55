"""The words of a simulation: the same in both languages, each said somewhere, and for all that can be told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from arauto.generate.say import LANGUAGES
from arauto.model import MessageState

ROOT = Path(__file__).parents[2]
WORDS = [
    yaml.safe_load((ROOT / f"src/arauto/simulate/words/{each}.yaml").read_text(encoding="utf-8")) for each in LANGUAGES
]
REASONS = yaml.safe_load((ROOT / "src/arauto/engine/words/en.yaml").read_text(encoding="utf-8"))


def test_both_languages_have_the_same_words_with_the_same_values() -> None:
    holes = [{code: set(re.findall(r"\{(\w+)", text)) for code, text in words.items()} for words in WORDS]
    assert holes[0] == holes[1]


def test_no_word_is_left_over() -> None:
    """Each code is named by what says it, or what stands behind its last point is; reasons are those of the hub."""
    said = "".join(
        (ROOT / "src/arauto" / name).read_text(encoding="utf-8").replace("'", '"')
        for name in ("simulate/page.py", "simulate/telling.py", "simulate/tally.py", "cli/whatif.py", "model/runs.py")
    )
    for code in WORDS[0]:
        family, _, last = code.rpartition(".")
        match family:
            case "why":
                assert last in REASONS, code
            case "section":
                assert f'_heading("{last}")' in said or f'"{code}"' in said, code
            case _:
                assert f'"{last}"' in said or f'"{code}"' in said, code


@pytest.mark.parametrize("words", WORDS, ids=LANGUAGES)
def test_each_way_to_end_without_arriving_has_a_word(words: dict[str, str]) -> None:
    ended = set(get_args(MessageState)) - {"queued", "sending", "sent"}
    assert ended == {code.removeprefix("state.") for code in words if code.startswith("state.")}
