"""Tracking: links that lead by way of the hub, and an image that tells of an opening. Only where it is permitted."""

from __future__ import annotations

import re
from html import unescape

from arauto.channels import Tracking
from arauto.content import escape_html

_LINK = re.compile(r'(<a\b[^>]*?\shref=")(https?://[^"]*)"', re.IGNORECASE)
_END = re.compile(r"</body\s*>", re.IGNORECASE)


def tracked(html: str, tracking: Tracking | None) -> str:
    """The HTML of a mail with its http and https links and the image as ``tracking`` has them; the same HTML without.

    The HTML is of our own making or MJML's: attributes stand in double quotes, and ``>`` in them is escaped.
    """
    if tracking is None or not html:
        return html
    link = tracking.link
    html = _LINK.sub(lambda found: f'{found[1]}{escape_html(link(unescape(found[2])))}"', html)
    pixel = f'<img src="{escape_html(tracking.pixel)}" width="1" height="1" alt="" style="border:0">'
    end = list(_END.finditer(html))
    at = end[-1].start() if end else len(html)
    return html[:at] + pixel + html[at:]
