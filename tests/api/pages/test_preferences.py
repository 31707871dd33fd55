"""The preferences page: what it shows, what it changes, and what it leaves as it is."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.conftest import Api
from api.pages.conftest import Form, Person
from arauto.decide.wishes import refusal
from arauto.model import QuietHours, Wishes

CLOSED = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
}


async def test_it_is_in_the_persons_language_and_asks_of_what_concerns_them(ana: Person, joe: Person) -> None:
    portuguese, english = await ana.form(), await joe.form()
    assert (portuguese.language, english.language) == ("pt-BR", "en")
    assert {"Suas preferências", "Pedidos", "Ofertas", "Segurança da conta"} <= set(portuguese.text)
    assert {"Your preferences", "Orders", "Offers", "Builds", "Account security"} <= set(english.text)
    assert "Builds" not in portuguese.text, "no notification of that category can name her"


async def test_who_has_no_language_of_their_own_gets_the_browsers(api: Api, ana: Person) -> None:
    await api.call("PUT", "/v1/recipients/c1", {"addresses": {"email": "c1@example.com"}})
    stranger = Person(api, "c1")
    for accepted, language in (("en-GB,en;q=0.8", "en"), ("pt", "pt-BR"), ("", "pt-BR")):
        page = await stranger.get(stranger.preferences, **{"Accept-Language": accepted})
        assert Form(page.body.decode()).language == language


async def test_what_is_required_is_shown_and_cannot_be_chosen(ana: Person) -> None:
    form = await ana.form()
    assert "Sempre enviadas" in form.text
    assert not [name for name in form.fields if "security" in name]


async def test_it_starts_as_things_are(ana: Person) -> None:
    fields = (await ana.form()).fields
    assert fields["subject.orders"] == ["all"]
    assert fields["subject.offers"] == ["none"]
    assert "quiet" not in fields
    assert fields["order"] == []


async def test_headers_keep_it_to_its_reader(ana: Person) -> None:
    for path in (ana.preferences, ana.unsubscribe(), "/ack/none"):
        page = await ana.get(path)
        assert {name: page.headers[name] for name in CLOSED} == CLOSED
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "Set-Cookie" not in page.headers
        assert b"<script" not in page.body


async def test_saving_goes_back_to_the_page_which_says_so(ana: Person) -> None:
    answer = await ana.save(subject__orders="none")
    assert answer.status == 303
    token = ana.preferences.removeprefix("/p/")
    assert answer.headers["Location"] == f"{token}?saved=1"
    assert "Suas preferências foram salvas." in Form((await ana.get(f"/p/{token}?saved=1")).body.decode()).text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"subject__orders": "none"}, {"orders": {"*": False}}),
        ({"subject__offers": "all"}, {"offers": {"*": True}}),
        (
            {"subject__orders": "some", "by__orders": ["sms"]},
            {"orders": {"*": False, "email": False, "inapp": False, "sms": True}},
        ),
        ({"subject__orders": "some", "by__orders": []}, {"orders": {"*": False}}),
        ({"subject__orders": "some", "by__orders": ["carrier-pigeon"]}, {"orders": {"*": False}}),
        ({"subject__orders": "perhaps"}, {}),
        ({"subject__security": "none", "was__security": "all"}, {}),
        ({"subject__builds": "none", "was__builds": "all"}, {}),
        ({"subject__orders": None}, {}),
        ({}, {}),
    ],
)
async def test_a_choice_becomes_a_wish(ana: Person, changes: dict[str, Any], said: dict[str, Any]) -> None:
    assert (await ana.save(**changes)).status == 303
    assert (await ana.wishes()).categories == said


async def test_every_change_is_proved(ana: Person) -> None:
    await ana.save(subject__offers="all", subject__orders="some", by__orders=["sms"])
    await ana.save(subject__offers="none")
    consents = await ana.consents()
    assert [(each.category, each.channel, each.given) for each in consents] == [
        ("orders", "*", False),
        ("orders", "sms", True),
        ("offers", "*", True),
        ("offers", "*", False),
    ]
    given, withdrawn = consents[-2:]
    assert given.text == (
        "Ofertas – Concordo em receber de Loja Aurora mensagens sobre “Ofertas”. "
        "Posso voltar atrás a qualquer momento, nesta página. – Por todos os canais"
    )
    assert given.version != withdrawn.version
    assert re.fullmatch("[0-9a-f]{12}", given.version or "")
    assert {each.how for each in consents} == {"page"}
    assert given.evidence["ip"] == "127.0.0.1"
    assert "aiohttp" in given.evidence["user_agent"]


async def test_saving_without_a_change_changes_and_proves_nothing(ana: Person) -> None:
    await ana.save(subject__orders="some", by__orders=["sms"], quiet="on", order=["sms", "email", ""], language="en")
    before, proved = await ana.wishes(), await ana.consents()
    assert (await ana.save()).status == 303
    assert (await ana.wishes(), await ana.consents()) == (before, proved)


async def test_quiet_hours_order_and_language_are_kept(ana: Person) -> None:
    await ana.save(
        quiet="on",
        **{"quiet.from": "23:30", "quiet.to": "06:15", "quiet.days": ["0", "4"]},
        order=["sms", "", "sms"],
        language="en",
    )
    wishes = await ana.wishes()
    assert wishes.quiet_hours == QuietHours("23:30", "06:15", (0, 4))
    assert wishes.order == ("sms",)
    assert wishes.locale == "en"
    assert (await ana.form()).language == "en"
    await ana.save(quiet=None, order=["", "", ""], language="")
    assert await ana.wishes() == Wishes()


@pytest.mark.parametrize(
    "wrong",
    [{"quiet.from": ""}, {"quiet.to": "25:00"}, {"quiet.days": []}, {"quiet.from": "now"}],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_faulty_quiet_hours_change_nothing_and_are_shown_where_they_are(ana: Person, wrong: Any) -> None:
    answer = await ana.save(quiet="on", subject__orders="none", **wrong)
    form = Form(answer.body.decode())
    assert answer.status == 422
    assert "Informe os dois horários e pelo menos um dia." in form.text
    assert form.fields["subject.orders"] == ["none"], "what they chose is not lost"
    assert await ana.wishes() == Wishes()
    posted = {**form.fields, "quiet.from": "22:00", "quiet.to": "07:00", "quiet.days": ["1"]}
    assert (await ana.post(ana.preferences, posted)).status == 303
    assert (await ana.wishes()).categories == {"orders": {"*": False}}


async def test_what_changed_since_the_page_was_shown_is_kept(ana: Person) -> None:
    """A page that is open in one window, and a click in a mail meanwhile."""
    old = (await ana.form()).fields
    await ana.post(ana.unsubscribe("orders"), {"List-Unsubscribe": "One-Click"})
    await ana.post(ana.preferences, {**old, "subject.offers": ["all"]})
    assert (await ana.wishes()).categories == {"orders": {"email": False}, "offers": {"*": True}}


async def test_changes_at_the_same_time_lose_nothing(ana: Person) -> None:
    fields = (await ana.form()).fields
    changes: list[dict[str, Any]] = [
        {"subject.orders": "none"},
        {"subject.offers": "all"},
        {"language": "en"},
        {"order": ["sms"]},
        {"quiet": "on"},
    ]
    await asyncio.gather(*(ana.post(ana.preferences, {**fields, **each}) for each in changes))
    wishes = await ana.wishes()
    assert wishes.categories == {"orders": {"*": False}, "offers": {"*": True}}
    assert (wishes.locale, wishes.order) == ("en", ("sms",))
    assert wishes.quiet_hours == QuietHours("22:00", "07:00")


async def test_what_the_page_does_not_show_stays(api: Api, ana: Person) -> None:
    wishes = {"categories": {"builds": {"push": False}}, "order": ["push", "sms"], "quiet_hours": None}
    assert (await api.call("PUT", "/v1/recipients/ana/wishes", wishes)).status == 200
    await ana.save(order=["email", "", ""], subject__orders="none")
    found = await ana.wishes()
    assert found.categories["builds"] == {"push": False}
    assert found.order == ("email", "push")


async def test_a_system_has_no_page(api: Api) -> None:
    system = Person(api, "erp")
    assert (await system.get(system.preferences)).status == 404


@pytest.mark.parametrize("wrong", ["", "x", "a.b", "%C3%A9.b", "%00.%00", "a" * 3000])
async def test_a_wrong_link_has_a_friendly_page(ana: Person, wrong: str) -> None:
    for prefix in ("/p/", "/u/", "/ack/"):
        for method in ("GET", "POST"):
            page = await ana.call(method, prefix + wrong)
            assert page.status == 404
            assert "Este link não funciona" in page.body.decode()


async def test_a_link_is_good_for_one_thing(ana: Person) -> None:
    token = ana.preferences.removeprefix("/p/")
    assert (await ana.get(f"/u/{token}")).status == 404
    assert (await ana.get(f"/ack/{token}")).status == 404
    flipped = token[:5] + ("A" if token[5] != "A" else "B") + token[6:]
    assert (await ana.get(f"/p/{flipped}")).status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused(ana: Person, method: str) -> None:
    page = await ana.call(method, ana.preferences)
    assert (page.status, page.headers["Allow"]) == (405, "GET, HEAD, POST")


async def test_a_head_is_answered_like_a_get_without_its_body(ana: Person) -> None:
    page = await ana.call("HEAD", ana.preferences)
    assert (page.status, page.body) == (200, b"")


async def test_forms_are_limited_in_size_and_number(ana: Person) -> None:
    large = await ana.call("POST", ana.preferences, b"a=" + b"x" * 70_000)
    assert large.status == 413
    many = await ana.call("POST", ana.preferences, b"&".join(b"a=1" for _ in range(2000)))
    assert many.status == 400
    assert (await ana.call("POST", ana.preferences, b"\xff=\xff")).status in (303, 400)
    statuses = [(await ana.post(ana.preferences, {})).status for _ in range(25)]
    assert set(statuses[:15]) == {303}
    assert set(statuses[20:]) == {429}
    assert (await ana.get(ana.preferences)).status == 200


FIELDS = st.dictionaries(
    st.sampled_from(
        [
            *(
                f"{part}.{name}"
                for part in ("subject", "by", "was")
                for name in ("orders", "offers", "security", "builds")
            ),
            "quiet",
            "quiet.from",
            "quiet.to",
            "quiet.days",
            "was.quiet",
            "order",
            "was.order",
            "language",
            "was.language",
            "kind",
            "id",
            "List-Unsubscribe",
        ]
    ),
    st.lists(
        st.sampled_from(["all", "some", "none", "", "email", "sms", "push", "0", "22:00", "en", "xx", "*", "One-Click"])
        | st.text(max_size=8),
        max_size=4,
    ),
    max_size=12,
)


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many changes in a minute as one likes."""
    monkeypatch.setattr("arauto.api.pages.MOST_POSTS", 10_000)


async def test_whatever_a_form_sends_the_required_stays_and_nothing_else_changes(
    api: Api, ana: Person, joe: Person, unlimited: None
) -> None:
    engine = api.app.hub.engine
    untouched = await joe.wishes()

    async def holds(form: dict[str, list[str]]) -> None:
        answer = await ana.post(ana.preferences, form)
        assert answer.status in (303, 422)
        wishes = await ana.wishes()
        assert set(wishes.categories) <= {"orders", "offers"}
        for said in wishes.categories.values():
            assert set(said) <= {"*", "email", "sms", "inapp"}
        assert set(wishes.order) <= {"email", "sms", "inapp"}
        assert wishes.locale in (None, "en", "pt-BR")
        person = (await engine.recipients([("default", "ana")]))["default"]["ana"]
        security = engine.catalogue.categories["security"]
        assert all(refusal(person, security, channel) is None for channel in ("email", "sms", "inapp"))
        assert (await ana.get(ana.preferences)).status == 200
        if answer.status == 303:  # what is shown, saved as it stands, is what is
            await ana.post(ana.preferences, (await ana.form()).fields)
            assert await ana.wishes() == wishes

    loop = asyncio.get_running_loop()

    @settings(max_examples=60, deadline=None, database=None)
    @given(FIELDS)
    def tried(form: dict[str, list[str]]) -> None:
        asyncio.run_coroutine_threadsafe(holds(form), loop).result(30)

    await asyncio.to_thread(tried)
    assert await joe.wishes() == untouched
