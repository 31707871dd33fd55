"""Tracking: every link of a mail, whatever made it, and nothing else."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arauto.channels import Source, TextSources, Tracking, load
from arauto.channels.email._tracking import tracked
from arauto.model import Brand

PIXEL = "https://avisos.example/o/msg_1?a=1&b=2"
TRACKING = Tracking(PIXEL, lambda url: f"https://avisos.example/c?to={url[::-1]}&x=1")


class Targets(HTMLParser):
    """Where a document leads to and what it loads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.images: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.links.append(given.get("href") or "")
        if tag == "img":
            self.images.append(given.get("src") or "")


def test_without_tracking_a_mail_stays_as_it_is() -> None:
    html = '<body><a href="https://loja.example/">x</a></body>'
    assert tracked(html, None) == html


@pytest.mark.parametrize(
    ("html", "links"),
    [
        ('<a href="https://a.example/?x=1&amp;y=2">', [TRACKING.link("https://a.example/?x=1&y=2")]),
        ('<A class="b" HREF="HTTP://a.example/">', [TRACKING.link("HTTP://a.example/")]),
        ('<a href="mailto:a@b.example"><a href="tel:+55"><a href="#x">', ["mailto:a@b.example", "tel:+55", "#x"]),
        ("<p>https://a.example/</p>", []),
        ('<a data-href="https://a.example/">', [""]),
    ],
    ids=["with &", "in capitals", "no link of the web", "only words", "another attribute"],
)
def test_links_of_the_web_lead_by_way_of_the_hub(html: str, links: list[str]) -> None:
    assert Targets(tracked(html, TRACKING)).links == links


@given(url=st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF), max_size=30))
def test_a_link_is_known_as_it_was_written(url: str) -> None:
    html = f'<body><a href="https://a.example/{escape(url)}">x</a></body>'
    found = Targets(tracked(html, TRACKING))
    assert found.links == [TRACKING.link(f"https://a.example/{url}")]
    assert found.images == [PIXEL]


@pytest.mark.parametrize("own", [True, False], ids=["MJML", "content"])
def test_every_link_of_a_mail_is_found(own: bool) -> None:
    mjml = (
        "<mjml><mj-head><mj-title>T</mj-title></mj-head><mj-body><mj-section><mj-column>"
        '<mj-text><a href="https://a.example/1">one</a></mj-text>'
        '<mj-button href="https://a.example/2?x=1&amp;y=2">two</mj-button>'
        "</mj-column></mj-section></mj-body></mjml>"
    )
    text = (
        '---\ntitle: T\nactions: [{label: two, url: "https://a.example/2?x=1&y=2"}]\n---\n[one](https://a.example/1)\n'
    )
    sources = TextSources(
        locale="en",
        content=None if own else Source("content.en.md", text),
        override=Source("email.en.mjml", mjml) if own else None,
        folder="/",
    )
    composed = load("email").compile(sources, Brand(name="Loja")).compose({"event": {}, "recipient": {}})
    found = Targets(tracked(composed.html, TRACKING))  # type: ignore[attr-defined]
    assert found.links == [TRACKING.link("https://a.example/1"), TRACKING.link("https://a.example/2?x=1&y=2")]
    assert found.images == [PIXEL]
