"""MJML of the project's own: checked tag by tag, drawn once for each shape, filled with escaped values."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from secrets import token_hex
from typing import Any

from mjml import mjml2html
from msgspec import Struct

from arauto.channels import Source, TextFault, TextFaulty, TextSources
from arauto.channels.email._ascii import mail_filler
from arauto.channels.email._images import InlineImage, load_image
from arauto.channels.email._layout import refuse_include
from arauto.content import (
    ANY_HOLE,
    HOLE,
    Filler,
    Shapes,
    authored_url,
    escape_html,
    language_faults,
    part_fault,
    whole_url,
)
from arauto.content.markdown import LOCAL_IMAGE
from arauto.language import Outline, Part, compile_text, did_you_mean, outline
from arauto.model import Context

TAGS = frozenset(
    "mjml mj-head mj-attributes mj-all mj-class mj-breakpoint mj-font mj-html-attributes mj-preview mj-style mj-title"  # noqa: SIM905
    " mj-raw mj-body mj-accordion mj-accordion-element mj-accordion-title mj-accordion-text mj-button mj-carousel"
    " mj-carousel-image mj-column mj-divider mj-group mj-hero mj-image mj-navbar mj-navbar-link mj-section mj-social"
    " mj-social-element mj-spacer mj-table mj-text mj-wrapper".split()
)
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())  # noqa: SIM905
_URLS = frozenset({"href", "src", "background"})
_WORDS = frozenset({"alt", "title", "aria-label"})

_NONCE = f"v{token_hex(4)}x"
"""Begins the mark of a value inside MJML, which would spell private-use characters out."""
_MARK = re.compile(_NONCE + "([0-9a-f]{4})")
_TAG = re.compile(r"<[a-zA-Z](?:[^<>\"]|\"[^\"]*\")*>")
_POSITION = re.compile(r" at position (\d+):\d+")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_UNQUOTED = re.compile(r"=\s*[^\s\"'>]")
_PICTURES = frozenset({"mj-image", "mj-carousel-image", "img"})
_TITLE = re.compile(r"<mj-title>(.*?)</mj-title>", re.DOTALL)
_ATTRIBUTE = re.compile(r'\s([a-zA-Z:-]+)="([^"]*)"')


class Rendered(Struct, frozen=True):
    """A mail as its MJML gives it."""

    title: str
    html: str
    text: str
    images: tuple[InlineImage, ...]


class _Layout(Struct, frozen=True):
    title: Filler
    html: Filler
    text: Filler
    images: tuple[InlineImage, ...]


class OwnMail:
    """A compiled MJML file."""

    def __init__(self, shapes: Shapes[_Layout], title: Part | None) -> None:
        self._shapes, self._title = shapes, title
        self.file, self.locale = shapes.file, shapes.locale

    def part(self, name: str) -> Part | None:
        """The ``title``, if there is one."""
        return self._title if name == "title" else None

    def render(self, context: Context) -> Rendered:
        """The mail for this context. Raises LanguageError."""
        layout, values = self._shapes.render(context)
        return Rendered(layout.title.fill(values), layout.html.fill(values), layout.text.fill(values), layout.images)


def compile_mjml(source: Source, sources: TextSources, *, titled: bool) -> OwnMail:
    """An MJML file, compiled; ``titled``: its subject comes from elsewhere. Raises TextFaulty."""
    part = Part(source.text.replace("\r\n", "\n").removeprefix("\ufeff"))
    faults = language_faults(source.file, [part], sources.locale)
    if faults:
        raise TextFaulty(*faults)
    drawn = outline(part)
    checker = _Checker(drawn.skeleton)
    for at, code, message, hint in checker.check(titled=titled):
        faults.append(part_fault(source.file, part, drawn.origin(at), code, message, hint))
    if not faults:
        faults += _draw_faults(source.file, part, drawn, sources)
    if faults:
        raise TextFaulty(*faults)

    def lay_out(skeleton: str, dead: frozenset[int]) -> tuple[_Layout, set[int]]:
        return _lay_out(skeleton, dead, sources)

    return OwnMail(Shapes(source.file, compile_text([part], sources.locale), lay_out, ("body",)), _title(part))


def _title(part: Part) -> Part | None:
    found = _TITLE.search(part.source)
    if found is None:
        return None
    place = part.error(found.start(1), "")
    return Part(found[1], place.line, place.column)


def _draw_faults(file: str, part: Part, drawn: Outline, sources: TextSources) -> list[TextFault]:
    """What shows only when the outline is drawn."""
    try:
        _lay_out(drawn.skeleton, frozenset(), sources)
    except _Misplaced as error:
        quoted = max(drawn.skeleton.find(f"{mark}{error.words}{mark}") for mark in "\"'")
        at = drawn.origin(quoted + 1 if quoted >= 0 else drawn.skeleton.find(error.words))
        return [part_fault(file, part, at, error.code, error.message, error.hint)]
    except ValueError as error:
        found = _POSITION.search(str(error))
        at = drawn.origin(_unmarked_at(drawn.skeleton, int(found[1]))) if found else 0
        said = _POSITION.sub("", str(error))
        return [part_fault(file, part, at, "bad-mjml", f"MJML cannot draw this: {said}")]
    return []


def _unmarked_at(skeleton: str, at: int) -> int:
    """The offset in a skeleton of an offset in what MJML is given, in which each value has its mark."""
    wider = len(_NONCE) + 3
    for hole in HOLE.finditer(skeleton):
        if hole.start() >= at:
            break
        at -= min(wider, at - hole.start())
    return at - (skeleton[at - 1 : at] == "<")  # it may count from a tag's name


class _Misplaced(ValueError):
    """Words of the MJML that may not stand where they do."""

    def __init__(self, code: str, message: str, words: str, hint: str) -> None:
        self.code, self.message, self.words, self.hint = code, message, words, hint
        super().__init__(message)


# -- checking ------------------------------------------------------------------------------------------------------


class _Checker(HTMLParser):
    """Looks at the tags of an outline."""

    def __init__(self, skeleton: str) -> None:
        super().__init__(convert_charrefs=False)
        self._lines = [0]
        for line in skeleton.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._skeleton = skeleton
        self._open: list[tuple[str, int]] = []
        self._seen: set[str] = set()
        self._found: list[tuple[int, str, str, str | None]] = []

    def check(self, *, titled: bool) -> list[tuple[int, str, str, str | None]]:
        """Each fault: offset, code, message, hint."""
        self.feed(self._skeleton)
        self.close()
        for tag, at in self._open:
            self._add(at, f"<{tag}> is not closed", f"add </{tag}>")
        if not self._found and not {"mjml", "mj-body"} <= self._seen:
            self._add(0, "this is no MJML", "begin with <mjml><mj-body> and end with </mj-body></mjml>")
        if not titled and "mj-title" not in self._seen and not self._found:
            self._add(0, "the mail has no subject", "add <mj-title> to <mj-head>, or a content file with a title")
        return self._found

    def _add(self, at: int, message: str, hint: str | None, code: str = "bad-mjml") -> None:
        self._found.append((at, code, message, hint))

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag(tag, attrs)
        if tag not in _VOID:
            self._open.append((tag, self._at()))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if "<" in data and not any(tag == "mj-style" for tag, _ in self._open):
            self._add(self._at() + data.index("<"), "a < stands here that begins no tag", "write &lt;")

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if self._open and self._open[-1][0] == tag:
            self._open.pop()
        elif self._open and self._is_misspelt(self._open[-1][0], tag):
            self._open.pop()  # its name is told already
        elif any(tag == opened for opened, _ in self._open):
            inner = self._open[-1][0]
            self._add(self._at(), f"</{tag}> comes while <{inner}> is open", f"add </{inner}> before it")
            while self._open.pop()[0] != tag:
                pass
        else:
            self._add(self._at(), f"</{tag}> closes nothing", "take it out")

    def _is_misspelt(self, opened: str, tag: str) -> bool:
        return opened.startswith("mj") and opened not in TAGS and did_you_mean(opened, [tag]) is not None

    def _tag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen.add(tag)
        written = _QUOTED.sub(lambda quoted: '"' * len(quoted[0]), self.get_starttag_text() or "")
        if (unquoted := _UNQUOTED.search(written)) is not None:
            self._add(self._at() + unquoted.end() - 1, "the value of an attribute stands without quotes", 'write ="…"')
        if tag in _PICTURES and "alt" not in dict(attrs) and not any(each == "mj-attributes" for each, _ in self._open):
            hint = 'say what it shows: alt="a red box"; alt="" where it shows nothing that matters'
            self._add(self._at(), f"the <{tag}> has no alternative text", hint, "missing-key")
        if tag == "mj-include":
            self._add(self._at(), "<mj-include> is not taken", "write the part into this file")
        elif tag.startswith("mj") and tag not in TAGS:
            self._add(self._at(), f"there is no tag <{tag}>", did_you_mean(tag, TAGS))


# -- drawing -------------------------------------------------------------------------------------------------------


def _lay_out(skeleton: str, dead: frozenset[int], sources: TextSources) -> tuple[_Layout, set[int]]:
    """The layout of a skeleton, and the numbers of the values that its URLs begin with. Raises ValueError."""
    marked = HOLE.sub(lambda hole: f"{_NONCE}{ord(hole.group()):04x}", skeleton)
    html = mjml2html(marked, fonts={}, include_loader=refuse_include)
    html = html.replace('lang="und"', f'lang="{escape_html(sources.locale)}"')
    links: set[int] = set()
    images: dict[str, InlineImage] = {}

    def show(name: str) -> str:
        if name not in images:
            try:
                images[name] = load_image(sources.folder, name)
            except ValueError as error:
                raise _Misplaced("bad-image", str(error), name, "put it beside the text") from None
        return f"cid:{images[name].cid}"

    def tag(match: re.Match[str]) -> str:
        return _ATTRIBUTE.sub(lambda attribute: _attribute(attribute, links, dead, show), match.group())

    html = _unmarked(_TAG.sub(tag, html))
    _Guard().feed(html)
    reader = _Texts(html)
    title = " ".join(reader.title.split())
    return _Layout(Filler(title), mail_filler(html), Filler(reader.text()), tuple(images.values())), links


def _attribute(match: re.Match[str], links: set[int], dead: frozenset[int], show: Callable[[str], str]) -> str:
    name, written = match.group(1).lower(), match.group(2)
    if name == "src" and LOCAL_IMAGE.fullmatch(written):
        return f' src="{show(written)}"'
    if name not in _URLS:
        return match.group()
    value = unescape(_unmarked(written)).strip()
    url = authored_url(value)
    if url is None:
        if not value or value.startswith(("#", "cid:")):
            return match.group()
        raise _Misplaced(
            "bad-link",
            f"{ANY_HOLE.sub('{{ … }}', value)!r} is not a link that works everywhere",
            _unmarked(written),
            "begin it with https://, mailto: or tel:, or let one value be all of it",
        )
    number = whole_url(url)
    if number is not None:
        links.add(number)
        if number in dead:
            return ""
    return f' {name}="{escape_html(url)}"'


def _unmarked(text: str) -> str:
    return _MARK.sub(lambda mark: chr(int(mark.group(1), 16)), text)


class _Guard(HTMLParser):
    """Looks at finished HTML with a parser's eyes: values stand in words, in the attributes that are words, and in
    URLs, where they were marked as such; a _Misplaced is raised for any other."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("style", "script"):
            self._inside.append(tag)
        _refuse_holes(tag, "the name of a tag")
        for name, value in attrs:
            _refuse_holes(name, f"<{ANY_HOLE.sub('', tag)}>, outside an attribute in double quotes")
            if name in _URLS:
                _refuse(HOLE.search(value or ""), f"the attribute {name}, unless it is in double quotes")
            elif name not in _WORDS:
                _refuse_holes(value or "", f"the attribute {name}")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside.remove(tag)

    def handle_data(self, data: str) -> None:
        if self._inside:
            _refuse_holes(data, f"a {self._inside[-1]}")

    def handle_comment(self, data: str) -> None:
        if data.startswith("[if"):
            inner = _Guard()
            inner.feed(data.partition(">")[2])
        else:
            _refuse_holes(data, "a comment")

    def handle_decl(self, decl: str) -> None:
        _refuse_holes(decl, "a declaration")

    def unknown_decl(self, data: str) -> None:
        _refuse_holes(data, "a declaration")

    def handle_pi(self, data: str) -> None:
        _refuse_holes(data, "a processing instruction")


def _refuse_holes(text: str, where: str) -> None:
    _refuse(ANY_HOLE.search(text), where)


def _refuse(hole: re.Match[str] | None, where: str) -> None:
    if hole is not None:
        raise _Misplaced(
            "bad-value",
            f"a value cannot stand in {where}",
            hole.group(),
            "values stand in words, in links (href), in images (src) and in their alt",
        )


class _Texts(HTMLParser):
    """The words of a mail's HTML, links kept."""

    _LINES = frozenset({"p", "div", "tr", "table", "br", "li", "h1", "h2", "h3", "h4", "ul", "ol", "hr", "td"})

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self._pieces: list[str] = []
        self._inside: list[str] = []
        self._links: list[str | None] = []
        self._hidden = 0
        self.feed(html)
        self.close()

    def text(self) -> str:
        """The words, line by line."""
        lines = (" ".join(line.split()) for line in "".join(self._pieces).split("\n"))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self._inside.append(tag)
        given: dict[str, Any] = dict(attrs)
        if tag == "a":
            self._links.append(given.get("href"))
        if tag == "td" and self._pieces and not self._pieces[-1].endswith("\n"):
            self._pieces.append(" ")
        elif tag in self._LINES:
            self._pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass
        if tag == "a" and self._links:
            url = self._links.pop()
            if url and not url.startswith("#"):
                self._pieces.append(f": {url}")
        if tag in self._LINES and tag != "td":
            self._pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if "title" in self._inside:
            self.title += data
        elif not {"style", "head", "script"}.intersection(self._inside):
            self._pieces.append(data.replace("\n", " "))
