"""Pages for recipients: plain HTML behind signed links, without login, script or cookie.

``/p/…`` shows a person's preferences, ``/u/…`` ends messages of one category, ``/ack/…`` acknowledges a message.
A GET changes nothing, whoever follows the link. There is no form token against forgery from other sites: whoever
can forge a call knows the link already.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from arauto.api.intake import read_body
from arauto.api.pages.acknowledge import Acknowledge
from arauto.api.pages.preferences import Preferences
from arauto.api.pages.sheets import Sheets, Tongue
from arauto.api.pages.unsubscribe import Unsubscribe
from arauto.api.pages.visit import Visit, visit
from arauto.api.problems import Refused
from arauto.engine.hub import Hub
from arauto.errors import StoreUnavailable

PREFIXES = ("/p/", "/u/", "/ack/")
"""The paths that are pages."""

MAX_FORM = 64 * 1024
"""Bytes of a form."""

LONGEST_TOKEN = 2000
"""Characters."""

MOST_POSTS = 20
"""How many changes one link takes in a minute."""

_LINKS_REMEMBERED = 10_000

log = structlog.get_logger("arauto.pages")

Page = Callable[[Visit], Awaitable[Response]]


class Pages:
    """The ASGI application of all pages."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._follow()
        self._posted: dict[str, list[datetime]] = {}

    def _follow(self) -> None:
        """Make the pages of the project that is served now."""
        self._project = self._hub.engine.catalogue.project
        self._sheets = sheets = Sheets(self._project)
        pages = (each(self._hub, sheets) for each in (Preferences, Unsubscribe, Acknowledge))
        self._pages: dict[str, Page] = dict(zip(PREFIXES, pages, strict=True))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call with a page, whatever is wrong with it."""
        response = await self._answer(scope, receive)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        request = Request(scope)
        if self._project is not self._hub.engine.catalogue.project:
            self._follow()
        tongue = Tongue(request.headers.get("accept-language"), self._project)
        prefix = next(each for each in PREFIXES if request.url.path.startswith(each))
        token = request.url.path.removeprefix(prefix)
        if request.method not in ("GET", "HEAD", "POST"):
            refused = self._sheets.notice(tongue, "wrong", status=405)
            refused.headers["Allow"] = "GET, HEAD, POST"
            return refused
        if len(token) > LONGEST_TOKEN:
            return self._sheets.notice(tongue, "gone", status=404)
        now = self._hub.engine.clock()
        try:
            body = await read_body(scope, receive, limit=MAX_FORM) if request.method == "POST" else None
            called = visit(request, token, body, now)
            if body is not None and not self._may_post(prefix + token, now):
                refused = self._sheets.notice(tongue, "busy", status=429)
                refused.headers["Retry-After"] = "60"
                return refused
            return await self._pages[prefix](called)
        except Refused as error:
            return self._sheets.notice(tongue, "wrong", status=error.status)
        except ValueError:
            return self._sheets.notice(tongue, "wrong", status=400)
        except StoreUnavailable as error:
            log.error("the store is not available", error=str(error))
            return self._sheets.notice(tongue, "unavailable", status=503)
        except Exception:
            log.exception("a page failed", page=prefix)
            return self._sheets.notice(tongue, "unavailable", status=500)

    def _may_post(self, link: str, now: datetime) -> bool:
        """Whether a link may change something once more in this minute."""
        if len(self._posted) > _LINKS_REMEMBERED:
            self._posted = {}
        recent = [at for at in self._posted.get(link, ()) if now - at < timedelta(minutes=1)]
        if len(recent) >= MOST_POSTS:
            return False
        self._posted[link] = [*recent, now]
        return True


__all__ = ["PREFIXES", "Pages"]
