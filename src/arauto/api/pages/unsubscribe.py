"""unsubscribe: ends messages of one category by one channel. Looking never does: mail scanners follow links."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from arauto.api.pages.preferences import person
from arauto.api.pages.sheets import Sheets, Tongue
from arauto.api.pages.visit import Visit
from arauto.decide.consent import Proof, choose, wanted
from arauto.decide.wishes import locale_of
from arauto.engine.hub import Hub
from arauto.engine.links import Ending
from arauto.model import Category, Consent, Wishes

ONE_CLICK = ("List-Unsubscribe", "One-Click")


class Unsubscribe:
    """The page that ends messages of one category by one channel; it takes a mail program's one click, too."""

    def __init__(self, hub: Hub, sheets: Sheets) -> None:
        self._hub, self._sheets = hub, sheets

    async def __call__(self, visit: Visit) -> Response:
        """Ask, or do it. Who is no longer known is taken at their word too: they may come back."""
        engine = self._hub.engine
        ending = engine.links.what_ends(visit.token)
        category = None if ending is None else engine.catalogue.categories.get(ending.category)
        recipient = None if ending is None else await person(self._hub, ending.tenant, ending.recipient)
        tongue = Tongue((recipient and locale_of(recipient)) or visit.accept_language, engine.catalogue.project)
        if ending is None or category is None:
            return self._sheets.notice(tongue, "gone", status=404)
        preferences = engine.links.preferences(ending.tenant, ending.recipient) if recipient else None
        if category.consent == "required":
            title = tongue.title(category)
            return self._sheets.notice(tongue, "needed", status=409, preferences_url=preferences, title=title)
        ask = _Ask(ending, category, tongue, engine.catalogue.project.brand.name)
        if visit.form is None:
            gone = recipient is not None and not wanted(recipient.wishes, category, ending.channel)
            return self._show(ask, "unsubscribed" if gone else "unsubscribe_ask", preferences)
        if visit.one(ONE_CLICK[0]) == ONE_CLICK[1]:
            await self._say(ask, Proof(at=visit.now, how="one_click", evidence=visit.evidence), False)
            return self._show(ask, "unsubscribed", preferences)
        match visit.one("do"):
            case "unsubscribe":
                await self._say(ask, ask.proof("unsubscribe_ask", "unsubscribe_text", visit), False)
                return self._show(ask, "unsubscribed", preferences)
            case "undo":
                await self._say(ask, ask.proof("unsubscribed", "unsubscribed_text", visit, button="undo"), True)
                return self._show(ask, "subscribed", preferences)
        return self._sheets.notice(tongue, "wrong", status=400)

    async def _say(self, ask: _Ask, proof: Proof, wants: bool) -> None:
        ending = ask.ending

        def change(wishes: Wishes) -> tuple[Wishes, Sequence[Consent]]:
            said = {**wishes.categories.get(ending.category, {}), ending.channel: wants}
            return choose(wishes, ask.category, said, proof)

        await self._hub.store.change_wishes(ending.tenant, ending.recipient, change, now=proof.at)

    def _show(self, ask: _Ask, code: str, preferences: str | None) -> Response:
        tongue = ask.tongue
        button = {"unsubscribe_ask": "unsubscribe", "unsubscribed": "undo"}.get(code)
        text = "unsubscribe_text" if code == "unsubscribe_ask" else f"{code}_text"
        return self._sheets.show(
            "unsubscribe",
            tongue,
            title=ask.say(code),
            text=ask.say(text),
            done=code != "unsubscribe_ask",
            button=button and {"value": button, "label": tongue.say(button)},
            preferences_url=preferences,
        )


class _Ask:
    """What it is about, in the reader's words."""

    def __init__(self, ending: Ending, category: Category, tongue: Tongue, brand: str) -> None:
        self.ending, self.category, self.tongue, self._brand = ending, category, tongue, brand

    def say(self, code: str) -> str:
        title, channel = self.tongue.title(self.category), self.tongue.channel(self.ending.channel)
        return self.tongue.say(code, title=title, channel=channel, brand=self._brand)

    def proof(self, code: str, text: str, visit: Visit, *, button: str = "unsubscribe") -> Proof:
        shown = f"{self.say(code)} – {self.say(text)} – {self.tongue.say(button)}"
        return Proof(at=visit.now, how="page", text=shown, evidence=visit.evidence)
