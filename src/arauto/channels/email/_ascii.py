"""HTML as plain ASCII in short lines: so it travels as it is (7bit), whatever the languages, and nothing is encoded for
each mail anew. Done once for each layout; only the values are looked at for each mail.
"""

from __future__ import annotations

import re

from arauto.content import Filler, escape_html
from arauto.content.holes import ANY_HOLE

_STYLE = re.compile(r"(<style\b.*?</style>)", re.DOTALL | re.IGNORECASE)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_TAG_START = re.compile(r"<(table|td|tr|div|p|a|img|ul|ol|li|h[1-6]|meta|span) ")


def mail_filler(html: str) -> Filler:
    """The layout, to be filled: characters outside ASCII are references (in style sheets: CSS escapes), and tags break
    their line after their name, where a line end means nothing."""
    pieces = ANY_HOLE.split(html)
    pieces[::2] = [_plain(piece) for piece in pieces[::2]]
    return Filler("".join(pieces), escape_mail)


def escape_mail(text: str) -> str:
    """A value inside the HTML, as plain ASCII."""
    text = escape_html(text)
    return text if text.isascii() else text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _plain(html: str) -> str:
    parts = _STYLE.split(html)
    parts[::2] = [_TAG_START.sub(r"<\1\n", part.encode("ascii", "xmlcharrefreplace").decode()) for part in parts[::2]]
    parts[1::2] = [_NOT_ASCII.sub(lambda found: f"\\{ord(found.group()):x} ", part) for part in parts[1::2]]
    return "".join(parts)
