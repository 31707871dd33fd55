"""The branded look of e-mail: a content tree as responsive HTML, in light and dark.

MJML draws the frame, with marks where words belong; the words are put in afterwards, so that MJML never reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from mjml import mjml2html

from arauto.channels.email._ascii import mail_filler
from arauto.content import Content, Filler, Markup, escape_html, plain, words
from arauto.content.color import readable_on, shade
from arauto.content.tree import Action, Paragraph, Picture
from arauto.model import Brand

Show: TypeAlias = Callable[[Picture], tuple[str, int | None] | None]
"""Where an image is to be found and how wide it is in pixels, if that is known; None where it cannot be shown."""

_FONT = "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
_MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})
_WIDTH = 536
"""The width of the text column in pixels."""

_STYLES = {
    "p": "margin:0 0 16px",
    "a": "color:{accent};text-decoration:underline",
    "h1": "margin:0 0 16px;font-size:24px;line-height:32px;font-weight:700",
    "h2": "margin:24px 0 12px;font-size:20px;line-height:28px;font-weight:700",
    "h3": "margin:24px 0 8px;font-size:17px;line-height:24px;font-weight:700",
    "h4": "margin:16px 0 8px;font-size:16px;line-height:24px;font-weight:700",
    "ul": "margin:0 0 16px;padding:0 0 0 22px",
    "ol": "margin:0 0 16px;padding:0 0 0 26px",
    "li": "margin:0 0 6px",
    "blockquote": "margin:0 0 16px;padding:4px 0 4px 16px;border-left:3px solid {color}",
    "code": f"font-family:{_MONO};font-size:14px;background:rgba(127,127,127,.15);border-radius:4px;padding:1px 5px",
    "pre": "margin:0 0 16px;white-space:pre-wrap;word-break:break-word;background:rgba(127,127,127,.12);"
    "border-radius:8px;padding:12px 16px;font-size:14px;line-height:21px",
    "hr": "border:0;border-top:1px solid rgba(127,127,127,.35);margin:24px 0",
    "table": "width:100%;border-collapse:collapse;margin:0 0 16px;font-size:15px;line-height:22px",
    "th": "padding:8px 8px 8px 0;border-bottom:2px solid rgba(127,127,127,.35);font-weight:600",
    "td": "padding:8px 8px 8px 0;border-bottom:1px solid rgba(127,127,127,.25)",
    "img": "display:block;max-width:100%;height:auto;border:0;border-radius:8px;margin:0 0 20px",
}

_CSS = """
:root { color-scheme: light dark; supported-color-schemes: light dark; }
.action a:hover { opacity: .9; }
.words blockquote > :last-child, .words li > :last-child { margin-bottom: 0 !important; }
.words tr > :last-child { padding-right: 0 !important; }
.words pre code { background: none !important; padding: 0 !important; }
@media (max-width: 479px) {
  .card, .card > table > tbody > tr > td { border-radius: 0 !important; }
  .card > table > tbody > tr > td { padding: 24px 20px 16px !important; }
  .edge > table > tbody > tr > td { padding-left: 20px !important; padding-right: 20px !important; }
  .action table, .action a { width: 100% !important; box-sizing: border-box; }
}
@media (prefers-color-scheme: dark) {
  body, .page { background: #0b1016 !important; background-color: #0b1016 !important; }
  .card, .card > table { background: #161d26 !important; background-color: #161d26 !important; }
  .words > div, .words h1, .words h2, .words h3, .words h4 { color: #e6eaf0 !important; }
  .words a { color: {light} !important; }
  .name > div { color: {light} !important; }
  .small > div, .small a { color: #93a0b0 !important; }
  .second a, .second td { color: {light} !important; border-color: {light} !important; }
  .second td, .second a { background: transparent !important; }
}
"""

_PADDING = ("&#847;&zwnj;&nbsp;" * 20 + "\n") * 3
"""Keeps mail programs from filling the preview line with whatever comes next."""


class Look:
    """How mails of one brand look."""

    def __init__(self, brand: Brand, locale: str) -> None:
        self._brand, self._locale = brand, locale
        self._color = brand.color
        self._accent = shade(brand.color, dark=True)
        self._light = shade(brand.color, dark=False)

    def html(self, content: Content, picture: Show) -> Filler:
        """The HTML of a content tree."""
        slots: list[str] = []

        def slot(html: str) -> str:
            slots.append(html)
            return f"arautoslot{len(slots) - 1}slotarauto"

        html = mjml2html(self._frame(content, picture, slot), fonts={}, include_loader=refuse_include)
        return mail_filler(_MARK.sub(lambda mark: slots[int(mark.group(1))], html))

    def _frame(self, content: Content, picture: Show, slot: Callable[[str], str]) -> str:
        brand, markup = self._brand, self._markup(picture)
        language = self._locale.partition("-")[0].lower()
        direction = "rtl" if language in _RIGHT_TO_LEFT else "ltr"
        align = "right" if direction == "rtl" else "left"
        hero = markup.blocks([content.image]) if content.image else ""
        title = f'<h1 style="{_STYLES["h1"]}">{escape_html(content.title)}</h1>'
        css = _CSS.replace("{light}", self._light)
        return f"""<mjml lang="{self._locale}" dir="{direction}">
<mj-head>
  <mj-title>{slot(escape_html(content.title))}</mj-title>
  <mj-preview>{slot(escape_html(_preview(content)) + _PADDING)}</mj-preview>
  <mj-raw><meta name="color-scheme" content="light dark" /><meta name="supported-color-schemes" content="light dark" />
  <meta name="format-detection" content="telephone=no,date=no,address=no,email=no" /></mj-raw>
  <mj-attributes>
    <mj-all font-family="{_FONT}" />
    <mj-text font-size="16px" line-height="25px" color="#1b2430" padding="0" align="{align}" />
    <mj-section padding="0" />
  </mj-attributes>
  <mj-style>{css}</mj-style>
</mj-head>
<mj-body background-color="#eef1f4" css-class="page" width="600px">
  <mj-section css-class="edge" padding="28px 32px 16px"><mj-column>
    {self._masthead(slot, align)}
  </mj-column></mj-section>
  <mj-wrapper css-class="card" background-color="#ffffff" border-radius="12px" border-top="4px solid {self._color}"
      padding="32px 32px 20px">
    <mj-section><mj-column>
      <mj-text css-class="words">{slot(hero + title + markup.blocks(content.blocks))}</mj-text>
      {"".join(self._button(action, number, slot, align) for number, action in enumerate(content.actions))}
    </mj-column></mj-section>
  </mj-wrapper>
  <mj-section css-class="edge" padding="20px 32px 36px"><mj-column>
    <mj-text css-class="small" font-size="13px" line-height="20px" color="#64707f">{slot(_footer(brand))}</mj-text>
  </mj-column></mj-section>
</mj-body>
</mjml>"""

    def _markup(self, picture: Show) -> Markup:
        styles = {
            tag: style.replace("{accent}", self._accent).replace("{color}", self._color)
            for tag, style in _STYLES.items()
        }
        return Markup(picture, styles, widest=_WIDTH)

    def _masthead(self, slot: Callable[[str], str], align: str) -> str:
        brand = self._brand
        if brand.logo is None:
            return (
                f'<mj-text css-class="name" font-size="18px" font-weight="700" color="{self._accent}">'
                f"{slot(escape_html(brand.name))}</mj-text>"
            )
        image = f'<img src="{escape_html(brand.logo)}" alt="{escape_html(brand.name)}" height="40" style="{_LOGO}">'
        if brand.url is not None:
            image = f'<a href="{escape_html(brand.url)}">{image}</a>'
        return f'<mj-text align="{align}">{slot(image)}</mj-text>'

    def _button(self, action: Action, number: int, slot: Callable[[str], str], align: str) -> str:
        url, label = slot(escape_html(action.url)), slot(escape_html(action.label))
        common = (
            f'href="{url}" align="{align}" border-radius="8px" font-size="16px" font-weight="600" padding="4px 0 12px"'
        )
        if number == 0:
            color = readable_on(self._color)
            look = f'css-class="action" background-color="{self._color}" color="{color}" inner-padding="13px 24px"'
        else:
            look = (
                f'css-class="action second" background-color="#ffffff" color="{self._accent}"'
                f' border="1px solid {self._accent}" inner-padding="12px 23px"'
            )
        return f"<mj-button {common} {look}>{label}</mj-button>"


_LOGO = "display:inline-block;height:40px;width:auto;max-width:240px;border:0;font-size:18px;font-weight:700"
_MARK = re.compile("arautoslot([0-9]+)slotarauto")


def refuse_include(path: str) -> str:
    """Never gives a file to MJML."""
    raise ValueError(f"{path} cannot be included")


def _preview(content: Content) -> str:
    if content.preview:
        return content.preview
    first = next((block for block in content.blocks if isinstance(block, Paragraph)), None)
    return words(first.children).replace("\n", " ") if first else ""


def _footer(brand: Brand) -> str:
    name = escape_html(brand.name)
    if brand.url is not None:
        name = f'<a href="{escape_html(brand.url)}" style="color:#64707f;text-decoration:underline">{name}</a>'
    return name + (f"<br>{escape_html(brand.footer)}" if brand.footer else "")


def text_part(content: Content, brand: Brand) -> Filler:
    """The plain-text part: the same words, and links to be seen."""
    actions = "\n".join(f"{action.label}: {action.url}" for action in content.actions)
    sign = "\n".join(line for line in (brand.name, brand.footer, brand.url) if line)
    body = plain(content.blocks, width=74)
    return Filler("\n\n".join(part for part in (body, actions, f"-- \n{sign}") if part) + "\n")
