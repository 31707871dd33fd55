"""The text that lists several notices, when a person's attention budget is spent: one file for each locale here."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

from arauto import channels
from arauto.channels import Source, TextSources
from arauto.model import Brand, Composer


def compile_gathered(configured: Iterable[str], brand: Brand) -> dict[str, dict[str, Composer]]:
    """A Composer for each of these channels that has texts, and each locale."""
    texts = [file for file in files(__name__).iterdir() if file.name.endswith(".md")]
    composers: dict[str, dict[str, Composer]] = {}
    for name in configured:
        channel = channels.load(name)
        if not channel.needs_content:
            continue
        for file in sorted(texts, key=lambda file: file.name):
            locale = file.name.removesuffix(".md")
            source = Source(file.name, file.read_text(encoding="utf-8"))
            sources = TextSources(locale=locale, content=source, folder="")
            composers.setdefault(name, {})[locale] = channel.compile(sources, brand)
    return composers
