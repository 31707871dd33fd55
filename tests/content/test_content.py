"""Content files: their faults with places, their trees, and values that stay values."""

from __future__ import annotations

from typing import Any

import pytest

from arauto.content import Content, Filler, Markup, compile_content, escape_html, plain
from arauto.content.holes import clean, given_url
from arauto.errors import LanguageError, TextFaulty

MARKUP = Markup(lambda picture: (picture.source, None))


def lay_out(content: Content) -> tuple[Filler, Filler, Filler, Content]:
    html = Filler(MARKUP.blocks(content.blocks), escape_html)
    return Filler(content.title), html, Filler(plain(content.blocks, width=40)), content


def no_image(name: str) -> None:
    if name != "there.png":
        raise ValueError(f"there is no image {name}")


def compiled(text: str) -> Any:
    return compile_content("content.en.md", text, "en", lay_out, no_image)


def html(body: str, **data: object) -> str:
    shapes = compiled(f"---\ntitle: t\n---\n{body}")
    (_, filler, _, _), values = shapes.render({"event": {"data": data}})
    return str(filler.fill(values))


GOOD = '---\ntitle: "t"\n---\n'


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        pytest.param("Hello", [(1, 1, "missing-key")], id="no front matter"),
        pytest.param("---\ntitle: t\n", [(1, 1, "bad-front-matter")], id="a front matter that does not end"),
        pytest.param("---\npreview: t\n---\n", [(2, 1, "missing-key")], id="no title"),
        pytest.param("---\ntitle: {{ event.x }}\n---\n", [(2, 8, "wrong-type")], id="a value without quotes"),
        pytest.param('---\ntitle: "a\n---\n', [(3, 1, "bad-yaml")], id="broken YAML"),
        pytest.param("---\n- a\n---\n", [(2, 1, "wrong-type")], id="a list"),
        pytest.param('---\ntitle: t\ntitel: "x"\n---\n', [(3, 1, "unknown-key")], id="an unknown key"),
        pytest.param("---\ntitle: t\ntitle: u\n---\n", [(3, 1, "duplicate-key")], id="a key twice"),
        pytest.param("---\ntitle: t\nimage: there.png\n---\n", [(3, 1, "missing-key")], id="image without image_alt"),
        pytest.param("---\ntitle: t\nimage_alt: x\n---\n", [(3, 1, "missing-key")], id="image_alt without image"),
        pytest.param("---\ntitle: t\nimage: a.svg\nimage_alt: x\n---\n", [(3, 8, "bad-image")], id="an svg"),
        pytest.param('---\ntitle: t\nimage: "../a.png"\nimage_alt: x\n---\n', [(3, 9, "bad-image")], id="a way out"),
        pytest.param("---\ntitle: t\nimage: gone.png\nimage_alt: x\n---\n", [(3, 8, "bad-image")], id="no such image"),
        pytest.param(
            '---\ntitle: t\nactions: [{label: a, url: "x"}, {label: b}, c]\n---\n',
            [(3, 33, "missing-key"), (3, 45, "wrong-type")],
            id="actions without parts",
        ),
        pytest.param(
            '---\ntitle: t\nactions:\n  - {label: a, url: "www.x.example"}\n---\n',
            [(4, 22, "bad-link")],
            id="no scheme",
        ),
        pytest.param(
            "---\ntitle: t\nactions: [" + ", ".join(['{label: a, url: "https://x.example"}'] * 4) + "]\n---\n",
            [(3, 1, "too-many")],
            id="four actions",
        ),
        pytest.param(
            "---\ntitle: t\nactions: [{label: a, acknowledge: true, url: x}]\n---\n",
            [(3, 41, "bad-value")],
            id="an acknowledgement that leads elsewhere",
        ),
        pytest.param(
            "---\ntitle: t\nactions: [{label: a, acknowledge: no}, {acknowledge: true}]\n---\n",
            [(3, 22, "bad-value"), (3, 40, "missing-key")],
            id="acknowledgements that are none",
        ),
        pytest.param(
            "---\ntitle: t\nactions: [" + ", ".join(["{label: a, acknowledge: true}"] * 2) + "]\n---\n",
            [(3, 1, "too-many")],
            id="two acknowledgements",
        ),
        pytest.param(
            f"{GOOD}{{% set message = event.id %}}a", [(4, 8, "bad-expression")], id="a message of one's own making"
        ),
        pytest.param('---\ntitle: "x {{ event.id | uper }}"\n---\n', [(2, 25, "bad-expression")], id="a filter above"),
        pytest.param(f"{GOOD}ab {{{{ evnt.id }}}}", [(4, 7, "bad-expression")], id="a name in the body"),
        pytest.param(f"{GOOD}a\n\nb <b>c</b>", [(6, 3, "raw-html")], id="HTML in a line"),
        pytest.param(f"{GOOD}a\n\n<div>\nx\n</div>", [(6, 1, "raw-html")], id="HTML as a block"),
        pytest.param(
            f"{GOOD}a\n{{% if true %}}\nb\n{{% endif %}}\n[c](javascript:x)", [(8, 5, "bad-link")], id="a script"
        ),
        pytest.param(f"{GOOD}{{{{ event.id }}}} [c](orders/1)", [(4, 20, "bad-link")], id="a relative link"),
        pytest.param(f"{GOOD}![](there.png)", [(4, 5, "missing-key")], id="an image that says nothing"),
        pytest.param(f"{GOOD}a ![b](there.png)", [(4, 8, "bad-image")], id="an image within a line"),
        pytest.param(f"{GOOD}![b](gone.png)", [(4, 6, "bad-image")], id="an image that is not there"),
    ],
)
def test_a_fault_has_its_place(text: str, faults: list[tuple[int, int, str]]) -> None:
    with pytest.raises(TextFaulty) as caught:
        compiled(text)
    found = [(fault.line, fault.column, fault.code) for fault in caught.value.faults]
    assert found == faults, str(caught.value)
    assert all(fault.file == "content.en.md" and fault.hint for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("body", "data", "expected"),
    [
        pytest.param("a **{{ event.data.x }}**!", {"x": "b"}, "<p>a <strong>b</strong>!</p>", id="strong"),
        pytest.param("{{ event.data.x }}", {"x": "# *h*"}, "<p># *h*</p>", id="Markdown in data is text"),
        pytest.param("{{ event.data.x }}", {"x": "<b>&'\""}, "<p>&lt;b&gt;&amp;&#39;&quot;</p>", id="HTML in data too"),
        pytest.param("a\n{{ event.data.x }}", {"x": "\n\n- b"}, "<p>a  - b</p>", id="lines in data are spaces"),
        pytest.param("`{{ event.data.x }}`", {"x": "`"}, "<p><code>`</code></p>", id="code"),
        pytest.param("{{ event.data.x }}", {"x": "\ue000\U00100000a"}, "<p>a</p>", id="holes cannot be forged"),
        pytest.param("{{ event.data.x }} {{ event.data.y }}", {"x": 1.5, "y": True}, "<p>1.5 true</p>", id="types"),
        pytest.param(
            "| a | b |\n|---|--:|\n| {{ event.data.x }} | c |",
            {"x": "| d |"},
            '<table><tr><th align="left">a</th><th align="right">b</th></tr>'
            '<tr><td align="left">| d |</td><td align="right">c</td></tr></table>',
            id="a table",
        ),
        pytest.param(
            "{% for i in event.data.x %}\n- {{ i }}\n{% endfor %}\nend",
            {"x": ["a", "b"]},
            "<ul><li>a</li><li>b end</li></ul>",
            id="a loop without an empty line after it runs on",
        ),
        pytest.param(
            "{% for i in event.data.x %}\n{{ loop.index }}. {{ i }}\n{% endfor %}",
            {"x": ["a", "b"]},
            "<ol><li>a</li><li>b</li></ol>",
            id="a counted list",
        ),
        pytest.param("![alt](there.png)", {}, '<p></p><img src="there.png" alt="alt">'[7:], id="an image"),
        pytest.param("a  \nb", {}, "<p>a<br>b</p>", id="a line break"),
        pytest.param(
            "> a\n\n***\n\n## b\n\n    c",
            {},
            "<blockquote><p>a</p></blockquote><hr><h3>b</h3><pre><code>c</code></pre>",
            id="blocks",
        ),
        pytest.param("&copy; \\*a\\*", {}, "<p>© *a*</p>", id="entities and escapes"),
    ],
)
def test_a_body_becomes_html(body: str, data: dict[str, object], expected: str) -> None:
    assert html(body, **data) == expected


@pytest.mark.parametrize(
    ("body", "x", "expected"),
    [
        pytest.param(
            "[a]({X})", "https://x.example/?a=1&b", '<a href="https://x.example/?a=1&amp;b">a</a>', id="whole"
        ),
        pytest.param("[a]({X})", " mailto:ana@x.example ", '<a href="mailto:ana@x.example">a</a>', id="mailto"),
        pytest.param("[a]({X})", "javascript:alert(1)", "a", id="a script is no link"),
        pytest.param("[a]({X})", "JaVaScRiPt:alert(1)", "a", id="in any case"),
        pytest.param("[a]({X})", "\x01javascript:alert(1)", "a", id="behind a control character"),
        pytest.param("[a]({X})", "data:text/html,x", "a", id="data"),
        pytest.param("[a]({X})", "//x.example", "a", id="without scheme"),
        pytest.param("[a]({X})", "https://bank.example@evil.example/", "a", id="with somebody else's name"),
        pytest.param("[a]({X})", "https://x.example/ onclick=x", "a", id="with a space"),
        pytest.param(
            "[a]({X})", 'https://x.example/"><b>', '<a href="https://x.example/%22%3E%3Cb%3E">a</a>', id="quotes"
        ),
        pytest.param(
            "[a](https://x.example/{X}/b)",
            "../é?#&",
            '<a href="https://x.example/..%2F%C3%A9%3F%23%26/b">a</a>',
            id="a part",
        ),
        pytest.param("[a]({X}/b)", "https://x.example", '<a href="https://x.example/b">a</a>', id="the beginning"),
        pytest.param("[a]({X}/b)", "javascript:x", "a", id="a beginning that is none"),
        pytest.param(
            "[a](mailto:{X})",
            "ana+1@x.example?bcc=b",
            '<a href="mailto:ana+1@x.example%3Fbcc%3Db">a</a>',
            id="an address",
        ),
        pytest.param(
            "<https://x.example/{X}>",
            "a b",
            '<a href="https://x.example/a%20b">https://x.example/a b</a>',
            id="an autolink",
        ),
    ],
)
def test_a_link_leads_where_its_author_let_it(body: str, x: str, expected: str) -> None:
    assert html(body.replace("{X}", "{{ event.data.x }}"), x=x) == f"<p>{expected}</p>"


def test_actions_and_images_that_lead_nowhere_become_text() -> None:
    shapes = compiled(
        '---\ntitle: t\nimage: "{{ event.data.i }}"\nimage_alt: A box\n'
        'actions:\n  - {label: "Go {{ event.data.n }}", url: "{{ event.data.u }}"}\n---\n![pic]({{ event.data.i }})'
    )
    (_, filler, _, content), values = shapes.render({"event": {"data": {"i": "x.png", "u": "file:///etc", "n": 1}}})
    assert (content.image, content.actions) == (None, ())
    assert filler.fill(values) == "<p>pic</p><p>Go 1: file:///etc</p>"
    good = {"event": {"data": {"i": "https://x.example/a.png", "u": "https://x.example", "n": 1}}}
    (_, filler, _, content), values = shapes.render(good)
    assert content.image is not None
    assert len(content.actions) == 1


@pytest.mark.parametrize(
    ("value", "message"), [(None, "none"), ([1], "a whole list"), ({"a": 1}, "a whole object")], ids=str
)
def test_what_is_no_single_value_is_refused_at_its_place(value: object, message: str) -> None:
    shapes = compiled(f"{GOOD}a\n{{% for i in event.data.x %}}\n- {{{{ i }}}}\n{{% endfor %}}")
    with pytest.raises(LanguageError) as caught:
        shapes.render({"event": {"data": {"x": ["a", value]}}})
    assert message in caught.value.message
    assert (caught.value.line, caught.value.column) == (6, 3)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a\r\n\r\nb", "a b"),
        ("a\x00\x1b[31m\u2028b", "a [31m b"),
        ("a\u202eb\u2066c", "abc"),
        ("a\ud800\ue000\uf8ff\ufffeb", "ab"),
        ("Olá\u00a0日本 👩‍👩‍👧", "Olá\u00a0日本 👩‍👩‍👧"),
        ("עברית\u200f", "עברית\u200f"),
    ],
)
def test_a_value_keeps_to_its_line(given: str, kept: str) -> None:
    assert clean(given) == kept


ACKNOWLEDGED = "---\ntitle: t\nactions:\n  - {label: Mine, acknowledge: true}\n---\n{{ message.preferences_url }}"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://avisos.example/ack/x", [("https://avisos.example/ack/x", True)]),
        (None, []),
        ("", []),
    ],
    ids=["the hub's own page", "no public address", "an empty one"],
)
def test_an_action_that_acknowledges_leads_to_the_hub(url: str | None, expected: list[tuple[str, bool]]) -> None:
    context = {
        "event": {"data": {}},
        "message": {"acknowledge_url": url, "preferences_url": "https://avisos.example/p"},
    }
    (_, html, _, content), values = compiled(ACKNOWLEDGED).render(context)
    actions = [(Filler(action.url).fill(values), action.acknowledges) for action in content.actions]
    assert actions == expected
    assert html.fill(values) == "<p>https://avisos.example/p</p>", "nothing is left of what leads nowhere"


def test_the_layout_is_made_once_for_each_shape() -> None:
    made: list[Content] = []
    shapes = compile_content(
        "c", f"{GOOD}{{% for i in event.data.x %}}\n- {{{{ i }}}}\n{{% endfor %}}", "en", made.append
    )
    for items in (["a"], ["b"], ["a", "b"], ["c"], ["d", "e"]):
        shapes.render({"event": {"data": {"x": items}}})
    assert len(made) == 2


def test_plain_text_keeps_lists_links_and_lines() -> None:
    (_, _, text, _), values = compiled(
        f"{GOOD}A long line of words, and [a link](https://x.example/{{{{ event.data.x }}}}) in it.\n\n"
        "1. one\n2. two\n   - three\n\n> quoted\n\n***\n\n![A box](there.png)\n\n<mailto:a@x.example>"
    ).render({"event": {"data": {"x": "1"}}})
    assert text.fill(values) == (
        "A long line of words, and a link\n(https://x.example/1) in it.\n\n"
        "1. one\n2. two\n   - three\n\n> quoted\n\n* * *\n\n[A box]\n\nmailto:a@x.example"
    )


def test_given_urls_are_absolute() -> None:
    assert given_url("tel:+55-11-98765") == "tel:+55-11-98765"
    assert given_url("https:///x") is None
    assert given_url("http://") is None
