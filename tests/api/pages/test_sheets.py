"""What every page has: words in both languages, and colours that can be read."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from arauto.api.pages.sheets import Sheets, Tongue, _words
from arauto.content.color import readable_on
from arauto.engine.words import LANGUAGES
from arauto.model import Brand, Project


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same() -> None:
    english, portuguese = (_words(language) for language in LANGUAGES)
    assert list(english) == list(portuguese)
    for code in english:
        assert fields(english[code]) == fields(portuguese[code]), code


@pytest.mark.parametrize("color", ["#0f766e", "#ffee00", "#000000", "#fff"])
def test_buttons_can_be_read_on_any_brand_and_nothing_comes_from_elsewhere(color: str) -> None:
    brand = Brand(name="<script>alert(1)</script>", color=color, logo="https://cdn.example/logo.png", footer='"&')
    project = Project(name="p", locale="en", time_zone="UTC", brand=brand)
    page = Sheets(project).notice(Tongue(None, project), "gone", status=404)
    text = bytes(page.body).decode()
    assert f"--button: {color}; --on-button: {readable_on(color)}" in text
    assert "<script>" not in text
    assert "img-src https://cdn.example" in page.headers["Content-Security-Policy"]
    assert set(re.findall(r'(?:src|href)="([^"]+)"', text)) == {"https:&#x2f;&#x2f;cdn.example&#x2f;logo.png"}
