"""preferences: the page on which a person says what they want. It changes only what they changed on it: each part
of the form comes with how it stood when the page was shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from babel import Locale
from babel.dates import get_timezone_location
from starlette.responses import RedirectResponse, Response

from arauto.api.pages.sheets import Sheets, Tongue
from arauto.api.pages.visit import Visit
from arauto.decide.calendar import parse_time
from arauto.decide.consent import Choice, Proof, choices, choose, reachable, wanted
from arauto.decide.wishes import EVERY_CHANNEL, locale_of
from arauto.engine.hub import Hub
from arauto.model import Catalogue, Consent, QuietHours, Recipient, Wishes

ALL, SOME, NONE = "all", "some", "none"
_SUGGESTED = QuietHours("22:00", "07:00")


class Preferences:
    """The preferences page of one person."""

    def __init__(self, hub: Hub, sheets: Sheets) -> None:
        self._hub, self._sheets = hub, sheets

    async def __call__(self, visit: Visit) -> Response:
        """Show it, or save what was changed on it and go back to it."""
        engine = self._hub.engine
        whose = engine.links.whose_preferences(visit.token)
        recipient = None if whose is None else await person(self._hub, *whose)
        if whose is None or recipient is None:
            return self._sheets.notice(Tongue(visit.accept_language, engine.catalogue.project), "gone", status=404)
        form = _Form(recipient, engine.catalogue, visit)
        if visit.form is None or form.quiet_wrong:
            return self._show(form, visit)
        await engine.store.change_wishes(*whose, form.change, now=visit.now)
        # Relative: the world may know the hub by a longer path.
        return RedirectResponse(f"{visit.token}?saved=1", 303, self._sheets.headers)

    def _show(self, form: _Form, visit: Visit) -> Response:
        recipient, catalogue, tongue = form.recipient, form.catalogue, form.tongue
        urgent = [tongue.title(each) for each in catalogue.categories.values() if each.urgent and each.name in form.own]
        return self._sheets.show(
            "preferences",
            tongue,
            status=422 if form.quiet_wrong else 200,
            title=tongue.say("preferences"),
            name=recipient.name or "",
            saved=visit.saved and visit.form is None,
            subjects=[form.subject(each) for each in form.choices if each.category.consent != "required"],
            required=[tongue.title(each.category) for each in form.choices if each.category.consent == "required"],
            urgent=", ".join(urgent),
            quiet=form.quiet(),
            zone=get_timezone_location(
                recipient.time_zone or catalogue.project.time_zone, tongue.locale, return_city=True
            ),
            order=form.order(),
            locale=form.language(),
        )


async def person(hub: Hub, tenant: str, id: str) -> Recipient | None:
    """A person as they are now; None when there is nobody, or it is a system."""
    known = await hub.engine.recipients([(tenant, id)])
    await hub.engine.suppress(known)
    recipient = known[tenant].get(id)
    return recipient if recipient is not None and recipient.kind == "person" else None


class _Form:
    """The page's form: as it stands, and as it was posted."""

    def __init__(self, recipient: Recipient, catalogue: Catalogue, visit: Visit) -> None:
        self.recipient, self.catalogue, self._visit = recipient, catalogue, visit
        self.tongue = Tongue(locale_of(recipient) or visit.accept_language, catalogue.project)
        self.choices = choices(recipient, catalogue)
        self.own = {each.category.name for each in self.choices}
        self.channels = reachable(recipient, catalogue)
        self._quiet_on = visit.one("quiet") is not None
        self.quiet_wrong = (
            self._quiet_on and self._changed("quiet", self._posted_quiet()) and self._read_quiet() is None
        )

    # -- what was posted ---------------------------------------------------------------------------------------------

    def change(self, wishes: Wishes) -> tuple[Wishes, Sequence[Consent]]:
        """What becomes of wishes as they are at this moment."""
        lines: list[Consent] = []
        for each in self.choices:
            said = self._said(each)
            if each.category.consent != "required" and said is not None:
                proof = Proof(
                    at=self._visit.now, how="page", text=self._shown(each, said), evidence=self._visit.evidence
                )
                wishes, new = choose(wishes, each.category, said, proof)
                lines.extend(new)
        changes: dict[str, Any] = {}
        if self._changed("quiet", self._posted_quiet()):
            changes["quiet_hours"] = self._read_quiet() if self._quiet_on else None
        order = self._posted_order()
        if self._changed("order", ",".join(order)):
            changes["order"] = (*order, *(name for name in wishes.order if name not in self.channels))
        language = self._visit.one("language")
        if language is not None and self._changed("language", language) and language in ("", *self._languages()):
            changes["locale"] = language or None
        return msgspec.structs.replace(wishes, **changes), lines

    def _changed(self, field: str, now: str) -> bool:
        """Whether a part of the form is not as it was when the page was shown."""
        was = self._visit.one(f"was.{field}")
        return was is not None and was != now

    def _said(self, choice: Choice) -> dict[str, bool] | None:
        """What was said of a category, by channel; None: nothing new."""
        name = choice.category.name
        mode = self._visit.one(f"subject.{name}")
        on = [each for each in choice.channels if each in (self._visit.form or {}).get(f"by.{name}", ())]
        if mode == SOME and not on:
            mode = NONE
        said = {ALL: {EVERY_CHANNEL: True}, NONE: {EVERY_CHANNEL: False}}.get(mode or "")
        if mode == SOME:
            said = {EVERY_CHANNEL: False, **{each: each in on for each in choice.channels}}
        posted = ",".join(on) if mode == SOME else mode
        return said if posted is not None and self._changed(name, posted) else None

    def _shown(self, choice: Choice, said: Mapping[str, bool]) -> str:
        """The words by which they said it."""
        on = [self.tongue.channel(name) for name in choice.channels if said.get(name)]
        options = {option["value"]: option["label"] for option in self._options(choice)}
        mode = SOME if on else ALL if said[EVERY_CHANNEL] else NONE
        answer = ": ".join(part for part in (options.get(mode, ""), ", ".join(on)) if part)
        agree = self._agree(choice)
        return f"{self.tongue.title(choice.category)}{f' – {agree}' if agree else ''} – {answer}"

    def _posted_quiet(self) -> str:
        if not self._quiet_on:
            return ""
        return _span(self._visit.one("quiet.from"), self._visit.one("quiet.to"), self._posted_days())

    def _read_quiet(self) -> QuietHours | None:
        """The quiet hours that were posted; None where a time or the days are missing."""
        start, end = self._visit.one("quiet.from") or "", self._visit.one("quiet.to") or ""
        days = self._posted_days()
        try:
            parse_time(start), parse_time(end)
        except ValueError:
            return None
        return QuietHours(start, end, days) if days else None

    def _posted_days(self) -> tuple[int, ...]:
        posted = (self._visit.form or {}).get("quiet.days", ())
        return tuple(day for day in range(7) if str(day) in posted)

    def _posted_order(self) -> tuple[str, ...]:
        posted = (self._visit.form or {}).get("order", ())
        return tuple(dict.fromkeys(name for name in posted if name in self.channels))

    # -- what is shown -----------------------------------------------------------------------------------------------

    def subject(self, choice: Choice) -> dict[str, object]:
        """A category, its options, and what holds now."""
        wishes, category = self.recipient.wishes, choice.category
        on = [name for name in choice.channels if wanted(wishes, category, name)]
        others = wanted(wishes, category, EVERY_CHANNEL)
        if len(on) == len(choice.channels) and (others or len(choice.channels) == 1):
            mode = ALL
        else:
            mode = SOME if on else NONE
        posted = self._visit.one(f"subject.{category.name}")
        several = len(choice.channels) > 1
        return {
            "name": category.name,
            "title": self.tongue.title(category),
            "agree": self._agree(choice),
            "was": ",".join(on) if mode == SOME else mode,
            "mode": posted or mode,
            "options": self._options(choice),
            "channels": [
                {
                    "name": name,
                    "label": self.tongue.channel(name, label=True),
                    "on": self._ticked(category.name, name, on),
                }
                for name in (choice.channels if several else ())
            ],
        }

    def _ticked(self, category: str, channel: str, on: Sequence[str]) -> bool:
        if self._visit.form is None:
            return channel in on
        return channel in self._visit.form.get(f"by.{category}", ())

    def _agree(self, choice: Choice) -> str:
        if choice.category.consent != "opt_in":
            return ""
        brand = self.catalogue.project.brand.name
        return self.tongue.say("agree", brand=brand, title=self.tongue.title(choice.category))

    def _options(self, choice: Choice) -> list[dict[str, str]]:
        if len(choice.channels) > 1:
            offered = [(ALL, "all"), (SOME, "some"), (NONE, "none")]
        else:
            offered = [(ALL, "yes"), (NONE, "no")]
        return [{"value": value, "label": self.tongue.say(code)} for value, code in offered]

    def quiet(self) -> dict[str, object]:
        """The quiet hours as they are, or as they were posted."""
        held = self.recipient.wishes.quiet_hours
        shown = held or _SUGGESTED
        start, end, on, days = shown.start, shown.end, held is not None, shown.days
        was = "" if held is None else _span(start, end, days)
        if self._visit.form is not None:
            start, end = self._visit.one("quiet.from") or "", self._visit.one("quiet.to") or ""
            on, days = self._quiet_on, self._posted_days()
        locale = self.tongue.locale
        names = locale.days["stand-alone"]["abbreviated"]
        week = [(locale.first_week_day + offset) % 7 for offset in range(7)]
        return {
            "was": was,
            "on": on,
            "start": start,
            "end": end,
            "wrong": self.quiet_wrong,
            "days": [{"number": str(day), "label": names[day], "on": day in days} for day in week],
        }

    def order(self) -> dict[str, object]:
        """The channels by preference; where there are fewer than two, there is nothing to order."""
        held = tuple(name for name in self.recipient.wishes.order if name in self.channels)
        shown = held if self._visit.form is None else self._posted_order()
        places = [*shown, *[""] * (len(self.channels) - len(shown))]
        return {
            "was": ",".join(held),
            "places": places if len(self.channels) > 1 else [],
            "channels": [{"name": name, "label": self.tongue.channel(name, label=True)} for name in self.channels],
        }

    def language(self) -> dict[str, object]:
        """The languages that the project's texts are written in; where there is one, there is nothing to choose."""
        held = self.recipient.wishes.locale or ""
        languages = self._languages()
        if len(languages) < 2:
            return {"was": held, "now": held, "options": []}
        default = _language_name(self.recipient.locale or self.catalogue.project.locale)
        options = [{"tag": "", "label": self.tongue.say("language_any", name=default)}]
        options.extend({"tag": tag, "label": _language_name(tag)} for tag in languages)
        posted = self._visit.one("language")
        return {"was": held, "now": held if posted is None else posted, "options": options}

    def _languages(self) -> list[str]:
        """Those of all texts, and the one that they chose."""
        texts = (by for each in self.catalogue.notifications.values() for by in each.composers.values())
        found = {locale for by in texts for locale in by} | {self.recipient.wishes.locale or ""}
        return sorted(tag for tag in found if tag)


def _span(start: str | None, end: str | None, days: Iterable[int]) -> str:
    """Quiet hours as one text, by which a change is seen."""
    return f"{start}-{end}/{''.join(str(day) for day in sorted(set(days)))}"


def _language_name(tag: str) -> str:
    """A language by its own name."""
    locale = Locale.parse(tag, sep="-")
    name = locale.get_display_name(tag.replace("-", "_")) or tag
    return name[:1].upper() + name[1:]
