"""The form of SMS: numbers, encodings and segments."""

from __future__ import annotations

from typing import Any

import pytest

from arauto.channels import Source, TextFaulty, TextSources
from arauto.channels.sms import SmsBody, channel, measure
from arauto.model import Brand

BRAND = Brand(name="Loja")


def message(own: str | None = None, content: str | None = None, **data: Any) -> SmsBody:
    sources = TextSources(
        locale="pt-BR",
        content=Source("content.pt-BR.md", content) if content else None,
        override=Source("sms.pt-BR.txt", own) if own is not None else None,
        folder="/",
    )
    body = channel.compile(sources, BRAND).compose({"event": {"data": data}, "recipient": {}, "project": {}})
    assert isinstance(body, SmsBody)
    return body


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        pytest.param("", "gsm7", 1, id="nothing is one segment"),
        pytest.param("a" * 160, "gsm7", 1, id="160 characters of GSM-7"),
        pytest.param("a" * 161, "gsm7", 2, id="161"),
        pytest.param("a" * 306, "gsm7", 2, id="twice 153"),
        pytest.param("a" * 307, "gsm7", 3, id="and one more"),
        pytest.param("à é ù ì ò Ç É Ñ ñ ü ß @ £ ¥", "gsm7", 1, id="accents that GSM-7 has"),
        pytest.param("a" * 158 + "€", "gsm7", 1, id="an extension counts two: 160"),
        pytest.param("a" * 159 + "€", "gsm7", 2, id="161"),
        pytest.param("^{}\\[~]|€" * 9 + "a", "gsm7", 2, id="81 extensions and one: 163"),
        pytest.param("a" * 152 + "€" + "a" * 152, "gsm7", 3, id="an extension is not split over segments"),
        pytest.param("ç" + "a" * 69, "ucs2", 1, id="70 units of UCS-2"),
        pytest.param("ç" + "a" * 70, "ucs2", 2, id="71"),
        pytest.param("ç" + "a" * 133, "ucs2", 2, id="twice 67"),
        pytest.param("ç" + "a" * 134, "ucs2", 3, id="and one more"),
        pytest.param("😀" * 35, "ucs2", 1, id="an emoji is two units"),
        pytest.param("😀" * 36, "ucs2", 2, id="72 units"),
        pytest.param("a" * 66 + "😀" + "a" * 66, "ucs2", 3, id="a surrogate pair is not split either"),
        pytest.param("ª", "ucs2", 1, id="ordinals are not in GSM-7"),
    ],
)
def test_segments_are_counted(text: str, encoding: str, segments: int) -> None:
    assert measure(text) == SmsBody(text, encoding, segments)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["a" * 9000, "ç" * 9000, "€" * 9000, "😀" * 9000])
def test_a_text_that_no_gateway_takes_is_cut(text: str) -> None:
    cut = measure(text)
    assert cut.segments == 10
    assert cut.text.endswith(("...", "…"))
    assert measure(cut.text) == cut


def test_invisible_characters_cost_nothing() -> None:
    body = message('Total: {{ event.data.total | money("BRL") }}', total=1234.5)
    assert body == SmsBody("Total: R$ 1.234,50", "gsm7", 1)
    assert message("a{{ event.data.x }}b", x="\u200b\u2060\u00ad\ufeff").text == "ab"


@pytest.mark.parametrize("blank", "\t\v\u00a0\u1680\u2003\u2028\u202f\u205f\u3000", ids=ascii)
def test_a_blank_of_whichever_width_is_one_that_gsm_has(blank: str) -> None:
    body = message("a{{ event.data.x }}b", x=blank)
    assert (body.text.split(), body.encoding) == (["a", "b"], "gsm7")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Olá, João! São 3º e 4ª", "Ola, Joao! Sao 3o e 4a"),
        ("à é Ç ñ", "à é Ç ñ"),
        ("“aspas” ‘simples’ – — …", "\"aspas\" 'simples' - - ..."),
        ("2 × 3 • ½", "2 x 3 - 1/2"),
        ("日本", "日本"),
    ],
)
def test_transliteration_changes_what_gsm7_lacks(text: str, plain: str) -> None:
    body = message("---\nencoding: transliterate\n---\n{{ event.data.x }}\n", x=text)
    assert body.text == plain
    assert message("{{ event.data.x }}", x=text).text == text


def test_the_content_makes_a_short_text() -> None:
    content = (
        '---\ntitle: "Pedido {{ event.data.n }}"\n{preview}'
        'actions: [{label: Ver, url: "https://x.example/{{ event.data.n }}"}]'
        "\n---\nOlá, **voce**!\n\n- um\n- dois\n\n![x](https://x.example/a.png)\n"
    )
    short = message(content=content.replace("{preview}", "preview: Chegou\n"), n="A 1")
    assert short.text == "Pedido A 1\nChegou\nhttps://x.example/A%201"
    long = message(content=content.replace("{preview}", ""), n="A 1")
    assert long.text == "Pedido A 1\nOlá, voce!\n- um\n- dois\nhttps://x.example/A%201"


def test_a_link_in_own_text_is_whole() -> None:
    assert message("Ver https://x.example/{{ event.data.x }}!", x="a b").text == "Ver https://x.example/a%20b!"
    assert message("Ver {{ event.data.x }}", x="https://x.example/?a=b").text == "Ver https://x.example/?a=b"


@pytest.mark.parametrize(
    ("own", "line", "column", "code"),
    [
        pytest.param("---\nencoding: gsm\n---\nx", 2, 11, "bad-value", id="an unknown encoding"),
        pytest.param("---\nencodin: auto\n---\nx", 2, 1, "unknown-key", id="an unknown key"),
        pytest.param("---\nencoding: auto\n---\n{{ evnt.x }}", 4, 4, "bad-expression", id="a name"),
        pytest.param("---\nencoding: auto\n---\n", 4, 1, "missing-text", id="no text"),
    ],
)
def test_a_fault_has_its_place(own: str, line: int, column: int, code: str) -> None:
    with pytest.raises(TextFaulty) as caught:
        message(own)
    (fault,) = caught.value.faults
    assert (fault.line, fault.column, fault.code) == (line, column, code)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("+55 11 98765-4321", "+5511987654321"),
        ("(11) 98765-4321", "+5511987654321"),
        ("+351 912 345 678", "+351912345678"),
        ("+1 415 555 2671", "+14155552671"),
    ],
)
def test_a_number_has_one_form(given: str, kept: str) -> None:
    assert channel.check_address(given) == kept
    assert channel.check_address(kept) == kept


@pytest.mark.parametrize("given", ["", "x", "123", "(11) 8765-4321", "+55 11 98765-4321 ext. 5", 5511987654321, None])
def test_anything_else_is_no_number(given: object) -> None:
    with pytest.raises(ValueError, match=r"\+55 11 98765-4321"):
        channel.check_address(given)
