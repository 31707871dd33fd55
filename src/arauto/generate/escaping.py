"""Text and code in Markdown: whatever a project says in them is data, and none of it becomes markup."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~]|!(?=\[|$)|&(?=#?\w+;)")
_BEGINNING = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=[-+](?:\s|$)|[-=][-=\s]*$))")
"""What would begin a list there, or be a rule or the line below a heading."""


def text(value: str) -> str:
    """Text that has no meaning to Markdown inside of a line."""
    return _SPECIAL.sub(r"\\\g<0>", re.sub(r"\s+", " ", value))


def code(value: str) -> str:
    """Code, whatever is in it, in one line."""
    value = " ".join(value.split()) or " "
    ticks = "`" * (max((len(run) for run in re.findall("`+", value)), default=0) + 1)
    space = " " if value.startswith("`") or value.endswith("`") else ""
    return f"{ticks}{space}{value}{space}{ticks}"


def fenced(value: str, language: str, indent: str = "") -> str:
    """A block of code of this language, whatever is in it."""
    ticks = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", value) or [""]))
    return "\n".join(f"{indent}{line}" for line in (f"{ticks}{language}", *value.split("\n"), ticks))


def whole_line(written: str) -> str:
    """A line of ``text`` and ``code`` that is one where it stands at the beginning, too."""
    return _BEGINNING.sub(r"\1\\", written.strip())
