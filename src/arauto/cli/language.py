"""language: the language in which a command speaks of what happened."""

from __future__ import annotations

import os
import re
from typing import Annotated

import typer

from arauto.cli import Failed

LangOption = Annotated[str | None, typer.Option(help="en or pt-BR; by the environment's language when not given.")]


def chosen_language(lang: str | None) -> str:
    """The one that was asked for, else the one that suits the environment. Raises Failed for one that is not there."""
    from arauto.engine.words import LANGUAGES, language_of

    if lang is not None and re.split("[-_]", lang.lower())[0] not in {each.partition("-")[0] for each in LANGUAGES}:
        raise Failed(f"--lang takes {' or '.join(LANGUAGES)}, not {lang!r}", 2)
    return language_of(lang or os.environ.get("LC_ALL") or os.environ.get("LANG"))
