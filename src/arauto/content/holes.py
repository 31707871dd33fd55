"""Holes: how values come into a text without becoming a part of its form.

A rendered text is a *skeleton*: where a value belongs stands one private-use character. The skeleton is parsed and laid
out into a channel's form once; a Filler then puts values into its copies, each escaped as its place needs it. Values
are never parsed, so they can add no markup, link, header or line.

Three kinds of character stand for value number n, by the place that it has:
U+E000 + n in text, U+F0000 + n in a part of a URL, U+F8000 + n in a mailto: or tel: address, U+100000 + n as the
beginning of a URL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import quote

from arauto.errors import LanguageError
from arauto.language import FIRST_HOLE
from arauto.model import JSON

_COMPONENT, _ADDRESS, _WHOLE = 0xF0000, 0xF8000, 0x100000
HOLE = re.compile("[\ue000-\uf7ff]")
ANY_HOLE = re.compile("([\ue000-\uf7ff\U000f0000-\U0010ffff])")
_WHOLE_HOLE = re.compile("[\U00100000-\U0010ffff]")

_BREAKS = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029]+")
_FORBIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069\ud800-\udfff\ue000-\uf8ff\ufff9-\uffff\U000f0000-\U0010ffff]")

_AUTHORED = re.compile(r"https?://[^\s/]|mailto:.|tel:.", re.IGNORECASE | re.DOTALL)
_GIVEN = re.compile(
    r"""https?://[^\s/?#@"<>\\^`{|}]+(?:[/?#]\S*)?|mailto:[^\s@]+@[^\s@]+|tel:[+\d][\d().\-]*""", re.IGNORECASE
)
_UNSAFE = re.compile(r"""["<>\\^`{|}]""")


# -- values --------------------------------------------------------------------------------------------------------


def clean(value: JSON) -> str:
    """A value as text on one line: line breaks and control characters become a space; what reverses the direction of
    writing, private-use characters and half characters are taken out. Raises LanguageError for what is no single
    value."""
    if type(value) is str:
        return value if value.isprintable() else clean_text(value)
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return clean_text(str(value))
    if value is None:
        raise LanguageError("this value is none", hint='say what to write instead: value | default("…", true)')
    kind = "list" if isinstance(value, list) else "object"
    raise LanguageError(f"this value is a whole {kind}", hint="name one of its values, or go over it with {% for %}")


def clean_text(text: str) -> str:
    """A text on one line, without characters that act beyond it."""
    return _FORBIDDEN.sub("", _BREAKS.sub(" ", text))


# -- URLs ----------------------------------------------------------------------------------------------------------


def authored_url(text: str) -> str | None:
    """A URL that an author wrote, its holes marked for their places; None where it has no scheme that is taken.

    A value at its very beginning must turn out to be a whole http, https, mailto or tel URL, which the rest
    continues; any other value is percent-encoded.
    """
    if HOLE.match(text):
        return chr(ord(text[0]) - FIRST_HOLE + _WHOLE) + _marked(text[1:], _COMPONENT)
    if _AUTHORED.match(text) is None:
        return None
    return _marked(text, _COMPONENT if text[:4].lower() == "http" else _ADDRESS)


def _marked(text: str, kind: int) -> str:
    return HOLE.sub(lambda hole: chr(ord(hole.group()) - FIRST_HOLE + kind), text)


def whole_url(text: str) -> int | None:
    """The number of the value that a URL begins with, if it does."""
    return ord(text[0]) - _WHOLE if _WHOLE_HOLE.match(text) else None


@lru_cache(maxsize=4096)
def given_url(value: str) -> str | None:
    """A value as a URL: absolute, of a scheme that is taken, without credentials; None where it is anything else."""
    value = value.strip()
    if _GIVEN.fullmatch(value) is None:
        return None
    return _UNSAFE.sub(lambda unsafe: f"%{ord(unsafe.group()):02X}", value)


def component(value: str) -> str:
    """A value as a part of a URL: everything but letters, digits and ``-._~`` percent-encoded."""
    return value if value.isalnum() and value.isascii() else quote(value, safe="")


def address(value: str) -> str:
    """A value as a part of a mailto: or tel: URL."""
    return quote(value, safe="@+")


# -- filling -------------------------------------------------------------------------------------------------------

Put = Callable[[str], str]


def as_text(value: str) -> str:
    """A value as it is, for places that need no escaping."""
    return value


class Filler:
    """A laid-out text that values are put into. ``escape`` is what its format needs."""

    __slots__ = ("_pieces", "_slots", "numbers")

    def __init__(self, layout: str, escape: Put = as_text) -> None:
        pieces = ANY_HOLE.split(layout)
        self._pieces = pieces
        self._slots = [(index, *_placed(pieces[index], escape)) for index in range(1, len(pieces), 2)]
        self.numbers = frozenset(number for _, number, _ in self._slots)
        """Which values it takes."""

    def fill(self, values: Sequence[str] | Mapping[int, str]) -> str:
        """The text with these values, by their numbers."""
        if not self._slots:
            return self._pieces[0]
        pieces = self._pieces.copy()
        for index, number, put in self._slots:
            pieces[index] = put(values[number])
        return "".join(pieces)


def _placed(hole: str, escape: Put) -> tuple[int, Put]:
    number = ord(hole)
    if number >= _WHOLE:
        return number - _WHOLE, lambda value: escape(given_url(value) or "")
    if number >= _ADDRESS:
        return number - _ADDRESS, lambda value: escape(address(value))
    if number >= _COMPONENT:
        return number - _COMPONENT, lambda value: escape(component(value))
    return number - FIRST_HOLE, escape


def escape_html(text: str) -> str:
    """A text inside HTML, between tags or in a quoted attribute."""
    if text.isalnum():
        return text
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("'", "&#39;")
    )


def shorten(text: str, limit: int) -> str:
    """A text of at most ``limit`` characters; where it is cut, it ends in ``…``."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
