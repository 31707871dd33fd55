"""Texts with holes: literals, holes, and parts that are left out."""

from __future__ import annotations

import pytest

from arauto.ingress.template import fill, parse_template

VALUES = {"a": "1", "b": "2", "x.y-z|lower": "3"}

FILLED = {
    "": "",
    "nothing to fill": "nothing to fill",
    "{a}": "1",
    "{a}.{b}": "1.2",
    "v0:{x.y-z|lower}": "v0:3",
    "[{a};][{no};]{b}": "1;2",
    "[{no}]": "",
    "[{a}{no}]x": "x",
    "[literal]": "literal",
    "{no}": None,
    "{a}{no}": None,
}


@pytest.mark.parametrize(("template", "text"), FILLED.items(), ids=FILLED)
def test_filling(template: str, text: str | None) -> None:
    assert fill(parse_template(template), VALUES.get) == text


@pytest.mark.parametrize("template", ["{", "}", "a}", "{a", "{{a}}", "]", "[", "[[a]]", "[{a]", "a]b"])
def test_stray_brackets_are_faults(template: str) -> None:
    with pytest.raises(ValueError, match=r"stray|closed"):
        parse_template(template)
