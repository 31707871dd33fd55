"""The form of e-mail: addresses, the two parts, images inside, the project's own MJML."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from arauto.channels import Source, TextFaulty, TextSources
from arauto.channels.email import EmailBody, channel
from arauto.content.color import luminance, readable_on, shade
from arauto.model import Brand

BRAND = Brand(name="Loja Aurora", color="#0f766e", url="https://loja.example", footer="Rua das Acácias, 120")
CONTENT = """---
title: "Pedido {{ event.data.number }}"
preview: "Chega logo"
image: box.png
image_alt: Uma caixa
actions:
  - {label: Acompanhar, url: "{{ event.data.url }}"}
---
Olá, **{{ recipient.name }}**!

![Mapa](https://loja.example/mapa.png)
"""
CONTEXT: dict[str, Any] = {
    "event": {"data": {"number": "A-1", "url": "https://loja.example/p?a=1&b=2"}},
    "recipient": {"name": "Ana & Bia"},
    "project": {"name": "loja"},
}


def png(width: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * (width + 1))), (b"IEND", b"")]
    parts = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "box.png").write_bytes(png(120))
    return str(tmp_path)


def mail(folder: str, content: str | None = CONTENT, own: str | None = None, locale: str = "pt-BR") -> EmailBody:
    sources = TextSources(
        locale=locale,
        content=Source("content.pt-BR.md", content) if content is not None else None,
        override=Source("email.pt-BR.mjml", own) if own is not None else None,
        folder=folder,
    )
    body = channel.compile(sources, BRAND).compose(CONTEXT)
    assert isinstance(body, EmailBody)
    return body


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ana@loja.example", "ana@loja.example"),
        ("Ana.Souza+x@LOJA.Example", "Ana.Souza+x@loja.example"),
        ("ana@açaí.example", "ana@xn--aa-4iaz.example"),
        ("ana@faß.example", "ana@xn--fa-hia.example"),
    ],
)
def test_an_address_has_one_form(given: str, kept: str) -> None:
    assert channel.check_address(given) == kept
    assert channel.check_address(kept) == kept


@pytest.mark.parametrize(
    "given",
    [
        "ana",
        "@loja.example",
        "ana@",
        "ana@localhost",
        "ana@loja..example",
        "ana@-loja.example",
        ".ana@loja.example",
        "a..b@loja.example",
        "Ana <ana@loja.example>",
        '"ana souza"@loja.example',
        "ana@loja.example, bia@loja.example",
        "ana@loja.example\r\nBcc: x@evil.example",
        "ana@loja.example\n",
        " ana@loja.example",
        "ana@[127.0.0.1]",
        "ana@127.0.0.1",
        "ana\x00@loja.example",
        "ãna@loja.example",
        "a" * 65 + "@loja.example",
        "ana@" + "a" * 250 + ".example",
        42,
        None,
        ["ana@loja.example"],
    ],
)
def test_anything_else_is_no_address(given: object) -> None:
    with pytest.raises(ValueError, match=r"ana@loja\.example"):
        channel.check_address(given)


def test_a_mail_has_both_parts_and_its_images(folder: str) -> None:
    body = mail(folder)
    assert body.subject == "Pedido A-1"
    (image,) = body.images
    assert (image.content_type, image.filename) == ("image/png", "box.png")
    assert f'<img\nsrc="cid:{image.cid}" alt="Uma caixa" width="120"' in body.html
    assert '<img\nsrc="https://loja.example/mapa.png" alt="Mapa"' in body.html
    assert '<html lang="pt-BR" dir="ltr"' in body.html
    assert "Chega logo" in body.html
    assert "Ol&#225;, <strong>Ana &amp; Bia</strong>!" in body.html
    assert 'href="https://loja.example/p?a=1&amp;b=2"' in body.html
    assert "prefers-color-scheme: dark" in body.html
    assert "arautoslot" not in body.html
    assert body.text == (
        "Olá, Ana & Bia!\n\n[Mapa]\n\nAcompanhar: https://loja.example/p?a=1&b=2\n\n"
        "-- \nLoja Aurora\nRua das Acácias, 120\nhttps://loja.example\n"
    )


def test_no_remote_sheet_or_font_is_fetched(folder: str) -> None:
    assert "fonts.googleapis" not in mail(folder).html
    own = "<mjml><mj-body><mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section></mj-body></mjml>"
    assert "fonts.googleapis" not in mail(folder, own=own).html


def test_a_right_to_left_language_is_written_so(folder: str) -> None:
    assert '<html lang="he" dir="rtl"' in mail(folder, locale="he").html


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("gone.png", None, "there is no image gone.png"),
        ("big.png", b"\x89PNG\r\n\x1a\n" + bytes(600 * 1024), "at most 512"),
        ("fake.png", b"<svg/>", "no png, jpeg, gif or webp"),
    ],
)
def test_an_image_that_a_mail_cannot_carry_is_a_fault(folder: str, name: str, data: bytes | None, said: str) -> None:
    if data is not None:
        (Path(folder) / name).write_bytes(data)
    with pytest.raises(TextFaulty) as caught:
        mail(folder, CONTENT.replace("box.png", name))
    (fault,) = caught.value.faults
    assert (fault.line, fault.column, fault.code) == (4, 8, "bad-image")
    assert said in fault.message


OWN = """<mjml>
  <mj-head><mj-title>Título {{ event.data.number }}</mj-title></mj-head>
  <mj-body>
    <mj-section><mj-column>
      <mj-text>Olá, {{ recipient.name }}!{% if true %} <a href="{{ event.data.url }}">aqui</a>{% endif %}</mj-text>
      <mj-image src="box.png" alt="Caixa de {{ recipient.name }}" />
      <mj-button href="https://loja.example/{{ recipient.name }}">Abrir</mj-button>
    </mj-column></mj-section>
  </mj-body>
</mjml>
"""


def test_own_mjml_is_drawn_and_filled(folder: str) -> None:
    body = mail(folder, None, OWN)
    assert body.subject == "Título A-1"
    assert "Ol&#225;, Ana &amp; Bia!" in body.html
    assert 'href="https://loja.example/p?a=1&amp;b=2"' in body.html
    assert 'alt="Caixa de Ana &amp; Bia"' in body.html
    assert 'href="https://loja.example/Ana%20%26%20Bia"' in body.html
    assert f'src="cid:{body.images[0].cid}"' in body.html
    assert '<html lang="pt-BR"' in body.html
    assert "Olá, Ana & Bia! aqui: https://loja.example/p?a=1&b=2" in body.text
    assert "Abrir: https://loja.example/Ana%20%26%20Bia" in body.text


def test_own_mjml_takes_subject_and_text_from_the_content(folder: str) -> None:
    body = mail(folder, CONTENT, OWN)
    assert body.subject == "Pedido A-1"
    assert body.text.startswith("Olá, Ana & Bia!\n\n[Mapa]")
    assert "Ol&#225;, Ana &amp; Bia! <a" in body.html


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "code", "message"),
    [
        pytest.param("<mj-text>", "<mj-txt>", 5, 7, "bad-mjml", "there is no tag <mj-txt>", id="an unknown tag"),
        pytest.param("</mj-section>", "", 9, 3, "bad-mjml", "</mj-body> comes while <mj-section>", id="not closed"),
        pytest.param("</mj-text>", "</mj-text></mj-text>", 5, 116, "bad-mjml", "closes nothing", id="closed twice"),
        pytest.param(
            "<mj-text>", '<mj-include path="/etc/passwd" />\n<mj-text>', 5, 7, "bad-mjml", "not taken", id="include"
        ),
        pytest.param(
            "<mj-title>Título {{ event.data.number }}</mj-title>", "", 1, 1, "bad-mjml", "no subject", id="no title"
        ),
        pytest.param(
            "{{ recipient.name }}", "{{ recipient.name | uper }}", 5, 41, "bad-expression", "no filter", id="a filter"
        ),
        pytest.param(
            "<mj-button ",
            '<mj-button color="{{ recipient.name }}" ',
            7,
            25,
            "bad-value",
            "style",
            id="a value in a style",
        ),
        pytest.param(
            'href="{{ event.data.url }}"', 'href="x{{ event.data.url }}"', 5, 65, "bad-link", "not a link", id="a link"
        ),
        pytest.param("box.png", "gone.png", 6, 22, "bad-image", "no image gone.png", id="an image that is not there"),
    ],
)
def test_a_fault_in_own_mjml_has_its_place(
    folder: str, old: str, new: str, line: int, column: int, code: str, message: str
) -> None:
    with pytest.raises(TextFaulty) as caught:
        mail(folder, None, OWN.replace(old, new, 1))
    fault = caught.value.faults[0]
    assert (fault.line, fault.column, fault.code) == (line, column, code), str(fault)
    assert message in fault.message


@pytest.mark.parametrize(
    "placed",
    [
        pytest.param("<a href={X}>a</a>", id="a link without quotes"),
        pytest.param("<p {X}>a</p>", id="a tag"),
        pytest.param('<p onclick="{X}">a</p>', id="a script in an attribute"),
        pytest.param('<p style="color:{X}">a</p>', id="a style in an attribute"),
        pytest.param("<style>p { color: {X} }</style>", id="a style"),
        pytest.param("<script>{X}</script>", id="a script"),
        pytest.param("<!-- {X} -->", id="a comment"),
        pytest.param("<!--[if mso]><p style='{X}'></p><![endif]-->", id="a comment for Outlook"),
        pytest.param('<img alt="" srcset="{X} 2x" src="https://x.example" />', id="another attribute with URLs"),
    ],
)
def test_a_value_stands_only_where_it_can_be_escaped(folder: str, placed: str) -> None:
    own = OWN.replace("<a href", placed.replace("{X}", "{{ recipient.name }}") + " <a href")
    with pytest.raises(TextFaulty) as caught:
        mail(folder, None, own)
    (fault,) = caught.value.faults
    assert fault.code in ("bad-value", "bad-mjml"), str(fault)


@pytest.mark.parametrize("placed", ["<a href='{X}'>a</a>", "<a title='>' href='{X}'>a</a>", '<a href=" {X}">a</a>'])
def test_a_link_is_checked_however_it_is_written(folder: str, placed: str) -> None:
    own = OWN.replace("<mj-text>", "<mj-text>" + placed.replace("{X}", "{{ recipient.name }}"))
    html = mail(folder, None, own).html
    assert re.search(r'<a(?:\stitle="[^"]*")?>a</a>', html)
    assert 'href="Ana' not in html


def test_faults_of_both_files_come_together(folder: str) -> None:
    with pytest.raises(TextFaulty) as caught:
        mail(folder, "no front matter", "<mjml>")
    assert {fault.file for fault in caught.value.faults} == {"content.pt-BR.md", "email.pt-BR.mjml"}


@pytest.mark.parametrize("color", ["#0f766e", "#ffff00", "#000000", "#ffffff", "#f97316", "#abc"])
def test_every_brand_colour_can_be_read(color: str) -> None:
    def contrast(one: str, other: str) -> float:
        light, dark = sorted((luminance(one), luminance(other)), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    assert contrast(shade(color, dark=True), "#ffffff") >= 4.5
    assert contrast(shade(color, dark=False), "#161d26") >= 4.5
    assert contrast(readable_on(color), color) >= 4.0


def test_a_mail_travels_as_plain_ascii_in_short_lines(folder: str) -> None:
    for body in (mail(folder), mail(folder, None, OWN)):
        assert body.html.isascii()
        assert max(map(len, body.html.splitlines())) < 998
        assert "T&#237;tulo" in body.html or "Pedido" in body.html


def test_a_style_sheet_keeps_its_meaning_as_ascii(folder: str) -> None:
    own = OWN.replace("<mj-body", "<mj-head><mj-style>.x:after { content: 'é'; }</mj-style></mj-head><mj-body", 1)
    html = mail(folder, None, own).html
    assert "content: '\\e9 '" in html
