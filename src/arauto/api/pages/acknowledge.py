"""acknowledge: somebody says that they take care of what a message tells. Looking never does: mail scanners follow
links."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from babel.dates import format_date, format_time
from starlette.responses import Response

from arauto.api.pages.preferences import person
from arauto.api.pages.sheets import Sheets, Tongue
from arauto.api.pages.visit import Visit
from arauto.decide.calendar import zone_of
from arauto.decide.locale import choose
from arauto.decide.plan import run_context
from arauto.decide.wishes import IN_APP, locale_of
from arauto.engine.hub import Hub
from arauto.errors import LanguageError
from arauto.model import Message, Notification, Receipt, Recipient, Run
from arauto.store import Story


class Acknowledge:
    """The page on which somebody acknowledges a message."""

    def __init__(self, hub: Hub, sheets: Sheets) -> None:
        self._hub, self._sheets = hub, sheets

    async def __call__(self, visit: Visit) -> Response:
        """Ask, or take the acknowledgement; and say who has acknowledged already."""
        engine = self._hub.engine
        id = engine.links.what_is_acknowledged(visit.token)
        stored = None if id is None else await self._hub.store.message(id)
        if stored is None or stored.message.notification not in engine.catalogue.notifications:
            return self._sheets.notice(Tongue(visit.accept_language, engine.catalogue.project), "gone", status=404)
        message = stored.message
        recipient = await person(self._hub, message.tenant, message.recipient)
        tongue = Tongue((recipient and locale_of(recipient)) or visit.accept_language, engine.catalogue.project)
        if visit.form is not None:
            if visit.one("do") != "acknowledge":
                return self._sheets.notice(tongue, "wrong", status=400)
            await self._hub.receive([Receipt(message=message.id, kind="acknowledged", at=visit.now)])
        return await self._show(message, recipient, tongue)

    async def _show(self, message: Message, recipient: Recipient | None, tongue: Tongue) -> Response:
        catalogue = self._hub.engine.catalogue
        category = catalogue.categories[catalogue.notifications[message.notification].category]
        story = await self._hub.store.story(message.event)
        run = next((each.run for each in story.runs if each.run.key == message.run), None) if story else None
        headline = self._headline(message, run, recipient, tongue) if run and recipient else None
        zone = (recipient and recipient.time_zone) or catalogue.project.time_zone
        since = _time(run.events[0].time, zone, tongue) if run else None
        told = await self._acknowledged(story, message, zone, tongue) if story else []
        headline = headline or tongue.title(category)
        return self._sheets.show(
            "acknowledge",
            tongue,
            title=headline,
            headline=headline,
            category=tongue.title(category),
            since=since and tongue.say("event_time", time=since),
            done=any(mine for mine, _ in told),
            others=[line for mine, line in told if not mine],
        )

    def _headline(self, message: Message, run: Run, recipient: Recipient, tongue: Tongue) -> str | None:
        """The title of the message's text; None where it has none that can be read here."""
        catalogue = self._hub.engine.catalogue
        notification: Notification = catalogue.notifications[message.notification]
        told = self._hub.engine.links.told(message, recipient, catalogue.categories[notification.category])
        context = {**run_context(run, recipient, catalogue), "message": told}
        for texts in (notification.notices, *(notification.composers.get(name, {}) for name in (IN_APP, "email"))):
            locale = choose(texts, locale_of(recipient) or tongue.language, catalogue.project.locale)
            if locale is None:
                continue
            try:
                body: Any = texts[locale].compose(context)
            except LanguageError:
                continue
            title = getattr(body, "title", None) or getattr(body, "subject", None)
            if title:
                return str(title)
        return None

    async def _acknowledged(self, story: Story, message: Message, zone: str, tongue: Tongue) -> list[tuple[bool, str]]:
        """Who acknowledged it, of all whom this notification told: whether it is the message's own person, and a line
        with name and time, the first one first."""
        found: dict[str, Receipt] = {}
        for each in story.messages:
            if each.message.notification != message.notification:
                continue
            for receipt in each.receipts:
                known = found.get(each.message.recipient)
                if receipt.kind == "acknowledged" and (known is None or receipt.at < known.at):
                    found[each.message.recipient] = receipt
        names = await self._hub.engine.recipients((message.tenant, id) for id in found)
        lines: list[tuple[bool, str]] = []
        for id, receipt in sorted(found.items(), key=lambda item: item[1].at):
            who = names[message.tenant].get(id)
            time = _time(receipt.at, zone, tongue)
            line = tongue.say("acknowledged_line", name=(who and who.name) or id, time=time)
            lines.append((id == message.recipient, line))
        return lines


def _time(moment: datetime, zone: str, tongue: Tongue) -> str:
    there = moment.astimezone(zone_of(zone))
    return f"{format_date(there, 'medium', tongue.locale)}, {format_time(there, 'short', locale=tongue.locale)}"
