"""tracking: the image that tells that a mail was opened, and the links that lead by way of the hub. Only mails of
categories with ``tracking: true`` have them; when a category ends it, what was sent before tells nothing any more."""

from __future__ import annotations

import base64

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from arauto.api.access import TheHub
from arauto.api.problems import Refused
from arauto.engine.hub import Hub
from arauto.model import Receipt, ReceiptKind

router = APIRouter(include_in_schema=False)

MOST_TIMES = 20
"""How often one mail's opening, or its clicks, are noted: who has the link can follow it without end."""

_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


@router.get("/o/{token}")
async def opened(hub: TheHub, token: str) -> Response:
    """The image of one pixel, whatever the token is: a broken image in a mail helps nobody."""
    message = hub.engine.links.what_was_opened(token.removesuffix(".gif"))
    if message is not None:
        await _note(hub, message, "opened")
    return Response(_PIXEL, media_type="image/gif", headers=_HEADERS)


@router.get("/c/{token}")
async def clicked(hub: TheHub, token: str) -> Response:
    """On to where the link leads: only the hub itself can have written that."""
    found = hub.engine.links.what_was_clicked(token)
    if found is None:
        raise Refused(404, "not_found", "this link is not one of this hub's")
    message, url = found
    await _note(hub, message, "clicked")
    return RedirectResponse(url, status_code=302, headers=_HEADERS)


async def _note(hub: Hub, id: str, kind: ReceiptKind) -> None:
    stored = await hub.store.message(id)
    if stored is None:
        return
    catalogue = hub.engine.catalogue
    notification = catalogue.notifications.get(stored.message.notification)
    known = sum(receipt.kind == kind for receipt in stored.receipts)
    if known < MOST_TIMES and notification is not None and catalogue.categories[notification.category].tracking:
        await hub.receive([Receipt(message=id, kind=kind, at=hub.engine.clock())])
