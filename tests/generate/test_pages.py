"""``arauto generate catalogue``: plain words in both languages, whole pages, and nothing that may not be told."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from posixpath import join, normpath
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from arauto.catalogue import compile_project
from arauto.decide import steps
from arauto.generate.say import LANGUAGES, Words, plain, sentence
from arauto.generate.site import written_site
from arauto.generate.telling import Telling, Told
from arauto.model import Catalogue

ROOT = Path(__file__).parents[2]
LOJA = compile_project(ROOT / "examples/loja")
SITE = written_site(LOJA, LANGUAGES, html=True)
MARKDOWN = written_site(LOJA, LANGUAGES, html=False)
PAGES = sorted(name for name in SITE if name.endswith(".html"))


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Catalogue]:
    """The example shop with some of its files written anew."""

    def make(**files: Any) -> Catalogue:
        folder = tmp_path / "loja"
        shutil.copytree(ROOT / "examples/loja", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("tests"))
        for name, content in files.items():
            (folder / name).write_text(
                content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8"
            )
        return compile_project(folder)

    return make


# -- words ---------------------------------------------------------------------------------------------------------


def test_both_languages_have_the_same_words_with_the_same_values() -> None:
    known = [yaml.safe_load((ROOT / f"src/arauto/generate/words/{each}.yaml").read_text()) for each in LANGUAGES]
    holes = [{code: set(re.findall(r"\{(\w+)", text)) for code, text in words.items()} for words in known]
    assert holes[0] == holes[1]


def test_no_word_is_left_over() -> None:
    source = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("generate", "decide/steps", "cli")
        for path in (ROOT / "src/arauto" / folder).rglob("*.py")
    )
    families = re.compile(
        r"(by|channel|source_kind|receipt|day|weekday|unit|consent|priority|does|limit|unknown|what|cancel|mute|step\.wait\w*|step\.until\w*|days)\b"
        r"|type\.(string|integer|number|boolean|object|array|null)$"
    )
    for code in yaml.safe_load((ROOT / "src/arauto/generate/words/en.yaml").read_text()):
        said = any(f"{quote}{code}{quote}" in source for quote in "\"'")
        assert said or families.match(code), f"nobody says {code}"


SAID = yaml.safe_load((Path(__file__).parent / "said.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SAID["steps"])
def test_a_step_says_what_it_does(name: str, changed: Callable[..., Catalogue]) -> None:
    said = SAID["steps"][name]
    notification = {
        "on": "month.closing",
        "category": "sales",
        "to": [{"group": "managers"}],
        "steps": [said["step"], {"send": "inapp"}],
    }
    found = changed(**{"notifications/month-closing/notification.yaml": notification})
    for language in LANGUAGES:
        told = Telling(found, Words(language)).steps(found.notifications["month-closing"])
        assert plain(sentence(told[0].line)) == said[language]


def test_every_step_is_told_in_these_tests() -> None:
    nesting = {"branch", "repeat", "notify"}
    assert set(steps.names()) == {next(iter(each["step"])) for each in SAID["steps"].values()} | nesting


def drawn(told: tuple[Told, ...], indent: int = 0) -> list[str]:
    lines: list[str] = []
    for each in told:
        lines.append("  " * indent + plain(each.line))
        for label, inside in each.inside:
            lines += [] if label is None else ["  " * indent + "- " + plain(label)]
            lines += drawn(inside, indent + 1)
    return lines


def test_steps_inside_of_others_keep_their_place(changed: Callable[..., Catalogue]) -> None:
    inner = {"notify": {"to": [{"group": "sales", "when": "event.id == 'x'"}], "steps": [{"send": "email"}]}}
    ways = [{"when": "recipient.id == 'ana'", "steps": [{"send": "inapp"}]}, {"percent": 10, "steps": []}]
    ways.append({"steps": [{"repeat": {"times": 2, "steps": [inner, {"delay": "1m"}]}}]})
    notification = {"on": "month.closing", "category": "sales", "to": [{"group": "managers"}]}
    notification["steps"] = [{"branch": ways}, {"send": "inapp"}]
    found = changed(**{"notifications/month-closing/notification.yaml": notification})
    assert drawn(Telling(found, Words("en")).steps(found.notifications["month-closing"])) == [
        "it goes one of these ways",
        "- if recipient.id == 'ana'",
        "  to the inbox",
        "- for 10 % of the people, always the same ones",
        "- for everybody else",
        "  up to 2 times",
        "    others are told, too: the group sales (Ana Souza, Bruno Lima and Inês Carvalho), if event.id == 'x'",
        "      by e-mail",
        "    it waits 1 minute",
        "to the inbox",
    ]


@pytest.mark.parametrize("said", SAID["schedules"], ids=lambda said: str(said["rule"]))
def test_a_schedule_is_told_in_words(said: dict[str, Any], changed: Callable[..., Catalogue]) -> None:
    source = {"kind": "schedule", "event": "month.closing", "data": {"day": "tick.date"}, **said["rule"]}
    found = changed(**{"sources/fechamento.yaml": source})
    for language in LANGUAGES:
        assert plain(Telling(found, Words(language)).rule(found.sources["fechamento"])) == said[language]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SAID["notifications"])
def test_a_notification_is_summed_up(name: str, language: str) -> None:
    assert plain(Telling(LOJA, Words(language)).lead(LOJA.notifications[name])) == SAID["notifications"][name][language]


def test_the_page_on_generating_quotes_what_is_said() -> None:
    page = (ROOT / "docs/howto/generate.md").read_text(encoding="utf-8")
    quoted = " ".join(line.removeprefix("> ") for line in page.splitlines() if line.startswith("> "))
    telling, notification = Telling(LOJA, Words("en")), LOJA.notifications["order-shipped"]
    said = [plain(each) for each in (telling.lead(notification), *telling.notes(notification))]
    assert quoted.replace("`", "") == " ".join(said)


HELD = sorted(
    path.relative_to(ROOT / "tests/generate/held").as_posix() for path in ROOT.glob("tests/generate/held/*/*/*.md")
)


@pytest.mark.parametrize("name", HELD)
def test_whole_pages_are_as_they_were_read_by_people(name: str) -> None:
    held = (ROOT / "tests/generate/held" / name).read_text(encoding="utf-8")
    assert MARKDOWN[name].replace(LOJA.version, "VERSION") == held, f"read the new {name} and keep it in held/"


def test_a_person_reads_what_could_reach_them_and_by_which_way() -> None:
    telling = Telling(LOJA, Words("en"))
    found = [(each.notification, plain(each.why)) for each in telling.reaches(LOJA.recipients["grace"])]
    assert found == [
        ("build-failed", "as a member of developers"),
        ("checkout-failing", "when on call in on-call"),
        ("checkout-failing", "as a member of developers"),
    ]
    page = MARKDOWN["en/people/ana.md"]
    assert "[To the inbox](../channels/inapp.md) (Slack: no address)" in page
    assert "if `event.data.order.total >= 5000` and `event.data.order.total >= 20000`" in page


def test_titles_read_as_they_would_for_the_example() -> None:
    page = MARKDOWN["en/notifications/order-shipped.md"]
    assert "| en | Order A-10482 is on its way |" in page


# -- pages ---------------------------------------------------------------------------------------------------------


class Read(HTMLParser):
    """What a page has: ids, links, headings; every element that begins ends."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.headings: list[int] = []
        self.language = ""
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert tag != "script"
        assert not any(name.startswith("on") for name in given)
        self.language = given.get("lang") or self.language if tag == "html" else self.language
        if given.get("id"):
            assert given["id"] not in self.ids
            self.ids.add(str(given["id"]))
        if tag in ("a", "link"):
            self.links.append(str(given["href"]))
        if re.fullmatch("h[1-6]", tag) and "nav" not in self.open:
            self.headings.append(int(tag[1]))
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_its_links_lead_to_pages(name: str) -> None:
    read = Read(SITE[name])
    for link in read.links:
        where, _, part = link.partition("#")
        target = normpath(join(name, "..", where)) if where else name
        assert target in SITE, f"{name} links to {link}"
        assert not part or part in Read(SITE[target]).ids
    assert read.headings[0] == 1
    assert read.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(read.headings, read.headings[1:], strict=False))
    assert read.language in LANGUAGES


@pytest.mark.parametrize("name", sorted(MARKDOWN))
def test_links_of_markdown_lead_to_pages(name: str) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", MARKDOWN[name]):
        assert normpath(join(name, "..", link)) in MARKDOWN, f"{name} links to {link}"


def test_everything_of_the_project_has_its_page_in_both_languages() -> None:
    wanted = {
        *(f"events/{name}" for name in LOJA.event_types),
        *(f"notifications/{name}" for name in LOJA.notifications),
        *(f"groups/{name}" for name in LOJA.groups),
        *(f"channels/{name}" for name in LOJA.channels),
        *(f"{'people' if each.kind == 'person' else 'systems'}/{id}" for id, each in LOJA.recipients.items()),
        "index",
    }
    for language in LANGUAGES:
        assert {f"{language}/{path}.html" for path in wanted} <= set(SITE)


def test_no_address_and_no_secret_is_told() -> None:
    whole = "".join([*SITE.values(), *MARKDOWN.values()])
    for recipient in LOJA.recipients.values():
        for addresses in recipient.addresses.values():
            assert all(str(address) not in whole for address in addresses)
    assert "env:" not in whole


def test_what_a_project_writes_is_no_markup(changed: Callable[..., Catalogue]) -> None:
    nasty = '<script>alert("x")</script> `a` | [b](http://c.example) *d*'
    event = {"description": nasty, "schema": {"type": "object", "properties": {nasty: {"description": nasty}}}}
    found = changed(**{"events/extra.yaml": {**event, "samples": {"<b>": {nasty: "</code><script>"}}}})
    page = written_site(found, ("en",), html=True)["en/events/extra.html"]
    Read(page)
    assert "&lt;script&gt;" in page
    text = written_site(found, ("en",), html=False)["en/events/extra.md"]
    shown = re.sub(r"(`{3,})json\n.*?\1|(`+).*?(?<!`)\2(?!`)", "", text.replace("\\`", ""), flags=re.S)
    assert "\\[b\\](http" in shown
    assert not re.search(r"(?<!\\)\]\(http", shown)
    assert "<script>" not in shown


def test_a_bar_in_text_or_code_ends_no_cell(changed: Callable[..., Catalogue]) -> None:
    event = {"description": "- a | b", "schema": {"type": "object", "properties": {"c": {"enum": ["d|e"]}}}}
    site = written_site(
        changed(**{"events/extra.yaml": {**event, "samples": {"one": {"c": "d|e"}}}}), ("en",), html=False
    )
    tables = [
        MarkdownIt("gfm-like", {"linkify": False}).parse(site[f"en/{each}.md"]) for each in ("index", "events/extra")
    ]
    cells = [[token.content for token in tokens if token.type == "inline"] for tokens in tables]
    assert "[`extra`](events/extra.md) - a | b" in cells[0]
    assert cells[1][2] == "\\- a \\| b"
    assert '`"d|e"`' in cells[1]


def test_the_same_project_gives_the_same_bytes() -> None:
    assert written_site(compile_project(ROOT / "examples/loja"), LANGUAGES, html=True) == SITE


def test_names_that_no_file_can_have_get_one_of_their_own(changed: Callable[..., Catalogue]) -> None:
    people = {"people": {"a/../b": {"name": "A"}, "a:b": {"name": "B"}, "ção": {"name": "C"}}}
    site = written_site(changed(**{"recipients/odd.yaml": people}), ("en",), html=True)
    assert len([name for name in site if name.startswith("en/people/")]) == 9
    assert all(re.fullmatch(r"[A-Za-z0-9._/-]+", name) and ".." not in name.split("/") for name in site)
