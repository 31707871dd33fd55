"""Recipients' pages in a real browser that runs no script."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from api.conftest import Api, cloudevent
from api.pages.conftest import Person
from api.pages.conftest import api as api
from api.pages.conftest import project as project
from arauto.model import QuietHours

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium."""
    playwright = pytest.importorskip("playwright.async_api")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    async with playwright.async_playwright() as started:
        found = await started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        await found.close()


async def page_of(browser: Browser, *, width: int, dark: bool = False) -> tuple[Page, list[str]]:
    """A page without JavaScript, and what the browser complains of."""
    context = await browser.new_context(
        java_script_enabled=False,
        viewport={"width": width, "height": 700},
        color_scheme="dark" if dark else "light",
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    return page, complaints


async def test_a_person_changes_what_they_want_by_keyboard_on_a_narrow_screen(browser: Browser, api: Api) -> None:
    ana = Person(api, "ana")
    page, complaints = await page_of(browser, width=320)
    await page.goto(api.url + ana.preferences)
    orders = page.get_by_role("group", name="Pedidos", exact=True)
    await orders.get_by_role("radio", name="Só por alguns").focus()
    await page.keyboard.press("Space")
    await orders.get_by_role("checkbox", name="E-mail").focus()
    await page.keyboard.press("Space")
    await page.get_by_role("checkbox", name="Não me perturbe").check()
    await page.get_by_label("Das").fill("21:30")
    await page.get_by_label("1ª opção").select_option(label="SMS")
    await page.get_by_label("Idioma").select_option(label="English")
    await page.get_by_role("button", name="Salvar").press("Enter")
    await page.get_by_role("status").get_by_text("Your preferences are saved.").wait_for()
    wishes = await ana.wishes()
    assert wishes.categories == {"orders": {"*": False, "email": False, "inapp": True, "sms": True}}
    assert wishes.quiet_hours == QuietHours("21:30", "07:00")
    assert (wishes.order, wishes.locale) == (("sms",), "en")
    assert (
        await page.get_by_role("group", name="Orders", exact=True)
        .get_by_role("radio", name="Only by some")
        .is_checked()
    )
    assert complaints == []


async def test_unsubscribing_and_undoing_it(browser: Browser, api: Api) -> None:
    joe = Person(api, "joe")
    page, complaints = await page_of(browser, width=320, dark=True)
    await page.goto(api.url + joe.unsubscribe())
    await page.get_by_role("button", name="Unsubscribe").click()
    await page.get_by_role("heading", name="You are unsubscribed").wait_for()
    assert (await joe.wishes()).categories == {"orders": {"email": False}}
    await page.reload()
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_role("heading", name="You are subscribed again").wait_for()
    assert (await joe.wishes()).categories == {"orders": {"email": True}}
    assert complaints == []


@pytest.mark.parametrize("width", [320, 1000])
async def test_every_page_fits_its_screen_and_every_field_has_a_name(browser: Browser, api: Api, width: int) -> None:
    ana = Person(api, "ana")
    await api.post({**cloudevent(), "data": {"number": "1042", "customer": "ana"}})
    (message, *_) = await api.items("/v1/messages?recipient=ana&channel=inapp", 1)
    acknowledge = Person.path(api.app.hub.engine.links.acknowledge(message["id"]))
    page, complaints = await page_of(browser, width=width)
    for path in (ana.preferences, ana.unsubscribe(), acknowledge):
        await page.goto(api.url + path)
        main = await page.locator("main").bounding_box()
        assert main is not None
        assert main["width"] <= width
        for each in await page.locator("input:visible, select:visible, button:visible").all():
            place = await each.bounding_box()
            assert place is not None
            assert place["x"] >= 0
            assert place["x"] + place["width"] <= width
        tree = await page.locator("main").aria_snapshot()
        unnamed = [
            line
            for line in tree.splitlines()
            if re.fullmatch(r"\s*- (radio|checkbox|combobox|button|textbox)( \[.*\])?:?", line)
        ]
        assert unnamed == [], tree
        assert await page.locator("h1").count() == 1
    assert complaints == []
