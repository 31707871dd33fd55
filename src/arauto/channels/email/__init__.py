"""E-mail: a branded HTML part, a plain-text part, and images inside; or the project's own MJML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar

import idna
from msgspec import Struct

from arauto.channels import TextFault, TextFaulty, TextSources
from arauto.channels.email._images import InlineImage, load_image, width
from arauto.channels.email._layout import Look, text_part
from arauto.channels.email._mjml import OwnMail, compile_mjml
from arauto.content import SHORTER, Content, Filler, Shapes, compile_content, made_as_written, shorten, too_long
from arauto.content.tree import Block, Listing, Picture, Quote
from arauto.language.types import Longest
from arauto.model import JSON, Brand, Composer, Context, RetryPolicy

SUBJECT, SEEN = 200, 78
"""The most characters that a subject has, and that it is meant to have: as many as a line of a mail (RFC 5322, 2.1.1),
of which mail programs show fewer still."""

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")


class EmailBody(Struct, frozen=True):
    """A mail without its addresses: ``html`` refers to ``images`` by cid."""

    subject: str
    html: str
    text: str
    images: tuple[InlineImage, ...] = ()


class EmailChannel:
    """The form of e-mail."""

    override_suffix: ClassVar[str | None] = "mjml"
    retry: ClassVar[RetryPolicy] = RetryPolicy(
        schedule=tuple(timedelta(seconds=wait) for wait in (10, 60, 300, 1800, 7200, 21600, 43200)),
        expires=timedelta(days=3),
        on_unknown="retry",
    )
    concurrency: ClassVar[int] = 20
    needs_content: ClassVar[bool] = True

    def check_address(self, address: JSON) -> str:
        """One mailbox (RFC 5321) with its domain in ASCII and lower case. Raises ValueError."""
        if not isinstance(address, str):
            raise ValueError("an e-mail address is a text, such as ana@loja.example")
        local, at, domain = address.rpartition("@")
        if not at or len(local) > 64 or _LOCAL.fullmatch(local) is None:
            raise ValueError("this is no e-mail address; write one mailbox and nothing else, such as ana@loja.example")
        try:
            ascii_domain = idna.encode(domain, uts46=True).decode().lower()
        except idna.IDNAError:
            ascii_domain = ""
        if _DOMAIN.fullmatch(ascii_domain) is None or len(local) + len(ascii_domain) > 253:
            raise ValueError("the part after @ is no domain name; write it as in ana@loja.example")
        return f"{local}@{ascii_domain}"

    def compile(self, sources: TextSources, brand: Brand) -> Composer:
        """A mail from the content file, or from MJML of the project's own. Raises TextFaulty."""
        content = own = None
        faults: list[TextFault] = []
        if sources.content is not None:
            try:
                content = self._content(sources, brand)
            except TextFaulty as faulty:
                faults += faulty.faults
        if sources.override is not None:
            try:
                own = compile_mjml(sources.override, sources, titled=sources.content is not None)
            except TextFaulty as faulty:
                faults += faulty.faults
        if faults:
            raise TextFaulty(*faults)
        return _Mail(content, own)

    def _content(self, sources: TextSources, brand: Brand) -> Shapes[_Layout]:
        assert sources.content is not None
        file, text = sources.content.file, sources.content.text
        look = Look(brand, sources.locale)
        loaded: dict[str, InlineImage] = {}

        def load(name: str) -> None:
            loaded[name] = load_image(sources.folder, name)

        def show(picture: Picture) -> tuple[str, int | None] | None:
            image = loaded.get(picture.source) if picture.local else None
            return (f"cid:{image.cid}", width(image)) if image else (picture.source, None)

        def lay_out(content: Content) -> _Layout:
            names = dict.fromkeys(picture.source for picture in _pictures(content) if picture.local)
            html = look.html(content, show)
            return _Layout(
                Filler(content.title), html, text_part(content, brand), tuple(loaded[name] for name in names)
            )

        return compile_content(file, text, sources.locale, lay_out, load)


class _Layout(Struct, frozen=True):
    subject: Filler
    html: Filler
    text: Filler
    images: tuple[InlineImage, ...]


class _Mail:
    """The text of one notification as mail."""

    def __init__(self, content: Shapes[_Layout] | None, own: OwnMail | None) -> None:
        self._content, self._own = content, own

    def compose(self, context: Context) -> EmailBody:
        """The mail for this context. Raises LanguageError."""
        if self._content is None:
            assert self._own is not None
            mail = self._own.render(context)
            return EmailBody(subject_line(mail.title), mail.html, mail.text, mail.images)
        layout, values = self._content.render(context)
        subject, text = subject_line(layout.subject.fill(values)), layout.text.fill(values)
        if self._own is None:
            return EmailBody(subject, layout.html.fill(values), text, layout.images)
        mail = self._own.render(context)
        return EmailBody(subject, mail.html, text, mail.images)

    def excesses(self, longest: Longest) -> Iterator[TextFault]:
        """Where the subject can be longer than it is meant to be."""
        titled = self._content or self._own
        part = titled.part("title") if titled else None
        if titled is None or part is None:
            return
        drawn = longest.of([part], titled.locale)
        if drawn.length() > SEEN:
            values, made = made_as_written(drawn)
            cut = f"; after {SUBJECT} it is cut" if drawn.length() > SUBJECT else ""
            message = f"the subject may have {drawn.length()} characters, and {SEEN} are meant{cut}: {made}"
            yield too_long(titled.file, values, "may-exceed", message, SHORTER, part)


def subject_line(title: str) -> str:
    """A title as a subject: at most SUBJECT characters, and with nothing that a reader of headers would decode.

    What looks like the beginning of an encoded word (RFC 2047) gets a word joiner, which nobody sees, inside.
    """
    return shorten(title.strip().replace("=?", "=\u2060?"), SUBJECT)


def _pictures(content: Content) -> Iterator[Picture]:
    if content.image is not None:
        yield content.image
    yield from _in_blocks(content.blocks)


def _in_blocks(blocks: tuple[Block, ...]) -> Iterator[Picture]:
    for block in blocks:
        match block:
            case Picture():
                yield block
            case Quote(inner):
                yield from _in_blocks(inner)
            case Listing(items):
                for item in items:
                    yield from _in_blocks(item)


channel = EmailChannel()

__all__ = ["EmailBody", "EmailChannel", "InlineImage", "channel", "subject_line"]
