"""Codes of faults: documented, and all of them; names that were meant."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from arauto.catalogue.diagnostics import CODES, Faults, Place, did_you_mean

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "diagnostics.md").read_text(encoding="utf-8")


def test_each_code_is_documented_and_each_documented_code_exists() -> None:
    assert dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", PAGE, re.MULTILINE)) == CODES


def test_no_code_is_used_that_is_not_in_the_table() -> None:
    """A code is text in kebab case that is handed to a function whose name speaks of faults."""
    used: dict[str, str] = {}
    for folder in ("catalogue", "channels", "content", "sources", "language"):
        for path in (ROOT / "src" / "arauto" / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and re.search("[Ff]ault|Diagnostic|_add$", ast.unparse(node.func)):
                    for argument in node.args:
                        if isinstance(argument, ast.Constant) and re.fullmatch("[a-z]+(-[a-z]+)+", str(argument.value)):
                            used[argument.value] = f"{path}:{node.lineno}"
    assert used
    new = {code: place for code, place in used.items() if code not in CODES}
    assert not new, f"give these codes a sentence in CODES and in docs/reference/diagnostics.md: {new}"


def test_a_fault_is_told_once() -> None:
    faults = Faults()
    for hint in ("one", None, "two"):
        faults.add("file", Place(1, 2), "bad-yaml", "message", hint)
    assert [each.hint for each in faults.found.values()] == ["one"]


@pytest.mark.parametrize(
    ("name", "allowed", "hint"),
    [
        ("emial", ["email", "sms"], "did you mean email?"),
        ("EMAIL", ["email", "sms"], "did you mean email?"),
        ("fax", ["email", "sms"], "known: email, sms"),
        ("x", [], None),
        ("x", [f"{number:02}" for number in range(50)], None),
    ],
    ids=["two letters swapped", "capitals", "near to none", "there are none", "too many to list"],
)
def test_did_you_mean(name: str, allowed: list[str], hint: str | None) -> None:
    assert did_you_mean(name, allowed) == hint
