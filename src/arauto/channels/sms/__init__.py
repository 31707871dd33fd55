"""SMS: the shortest text, in GSM-7 where it fits, with its segments counted (3GPP TS 23.038)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import ClassVar, Literal

import phonenumbers
from msgspec import Struct

from arauto.channels import Source, TextFault, TextFaulty, TextSources
from arauto.content import (
    SHORTER,
    Content,
    Filler,
    Reader,
    Shapes,
    authored_url,
    compile_content,
    language_faults,
    listed,
    made_of,
    plain,
    too_long,
)
from arauto.language import Part, compile_text, did_you_mean
from arauto.language.types import Longest, Rendering
from arauto.model import JSON, Brand, Composer, Context, RetryPolicy

REGION = "BR"
"""Where a number without a country code is taken to be."""
MOST_SEGMENTS = 10
"""A longer text is cut: gateways refuse it."""
SEGMENTS = 4
"""So many are meant at most, where a text of its own does not say otherwise (``max_segments``)."""
LIMITED = "say maxLength in its schema (maxItems of a list), or cut it: {0} | truncate(length=40, leeway=0)"
ALLOWED = f"{SHORTER}, or a pattern of characters that GSM-7 has; or allow more: max_segments in sms.txt"
ENCODINGS = ("auto", "transliterate")

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("^{}\\[~]|€\f")
_GSM = _BASIC | _EXTENSION
_ESCAPED = re.compile(r"[\^{}\\\[~\]|€\f]")
_BLANKS = "\t\v\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_SPACES = str.maketrans(
    {
        **dict.fromkeys(_BLANKS, " "),
        **dict.fromkeys("\u2028\u2029", "\n"),
        **dict.fromkeys("\u200b\u2060\ufeff\u00ad"),
    }
)
_ALIKE = dict(zip("“”„«»‘’‚‹›–—―−•·×⁄", '"""""\'\'\'\'' + "'----" + "-.x/", strict=True)) | {
    "…": "...",
    "™": "TM",
    "©": "(c)",
}
_GSM7, _UCS2 = (160, 153), (70, 67)
"""How many units a message alone has, and how many each of several."""
_QUOTED = 12
"""So many characters one of a value may become in a URL."""
_URL = re.compile(r"https?://\S+", re.IGNORECASE)


class SmsBody(Struct, frozen=True):
    """A text message; ``segments`` is how many it is billed as."""

    text: str
    encoding: Literal["gsm7", "ucs2"]
    segments: int


class SmsChannel:
    """The form of SMS."""

    override_suffix: ClassVar[str | None] = "txt"
    retry: ClassVar[RetryPolicy] = RetryPolicy(
        schedule=tuple(timedelta(seconds=wait) for wait in (10, 60, 300, 1800)),
        expires=timedelta(hours=6),
        on_unknown="hold",
    )
    concurrency: ClassVar[int] = 10
    needs_content: ClassVar[bool] = True
    segmented: ClassVar[bool] = True

    def check_address(self, address: JSON) -> str:
        """A telephone number in E.164 (``+5511987654321``); without country code it is a Brazilian one.

        Raises ValueError.
        """
        if not isinstance(address, str):
            raise ValueError("a telephone number is a text, such as +55 11 98765-4321")
        try:
            number = phonenumbers.parse(address, REGION)
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_valid_number(number) or number.extension:
            raise ValueError("this is no telephone number; write it with its country code, such as +55 11 98765-4321")
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))

    def compile(self, sources: TextSources, brand: Brand) -> Composer:
        """A text message from ``sms.txt``, or else from the content file. Raises TextFaulty."""
        if sources.override is not None:
            return _compile_own(sources.override, sources.locale)
        assert sources.content is not None
        file, text = sources.content.file, sources.content.text
        return _Sms(compile_content(file, text, sources.locale, _lay_out), transliterate=False, meant=SEGMENTS)


class _Sms:
    """The text of one notification as SMS."""

    def __init__(self, shapes: Shapes[Filler], *, transliterate: bool, meant: int) -> None:
        self._shapes, self._transliterate, self._meant = shapes, transliterate, meant

    def compose(self, context: Context) -> SmsBody:
        """The message for this context. Raises LanguageError.

        Spaces of other kinds (the one in ``R$ 10``) become plain ones and invisible characters go: they would
        double the price unseen.
        """
        layout, values = self._shapes.render(context)
        return measure(self._text(layout, values))

    def _text(self, layout: Filler, values: Sequence[str]) -> str:
        text = layout.fill(values).translate(_SPACES).strip()
        return text.translate(_PLAINER) if self._transliterate else text

    def excesses(self, longest: Longest) -> Iterator[TextFault]:
        """Where the text can take more segments than are meant, or nothing limits how many."""
        shapes = self._shapes
        unused = {"image", "image_alt", *(("body",) if "preview" in shapes.names else ())}
        unused |= {"label"} if shapes.names.count("url") == 1 else set()
        drawn = shapes.drawn(longest, without=unused)
        if endless := drawn.endless():
            said = listed(endless)
            are = "are" if " and " in said else "is"
            message = f"nothing limits how long {said} {are}, nor what this text message costs"
            yield too_long(shapes.file, endless[:1], "endless", message, LIMITED, endless[0].part)
        elif drawn.length() * (_QUOTED if shapes.leads("://", "](") else 2) > self._meant * _UCS2[1]:
            cost = _plainer_cost if self._transliterate else _cost
            for layout, rendering in shapes.laid_out(drawn.renderings(cost)):
                text = self._text(layout, rendering.values)
                if _segments(text, _encoding(text)) > self._meant:
                    count = len(rendering.values)
                    own = max(len(self._text(layout, ["x"] * count)) - count, 0)
                    yield self._excess(text, own, rendering)
                    return

    def _excess(self, text: str, own: int, rendering: Rendering) -> TextFault:
        segments = _segments(text, _encoding(text))
        message = f"this text message may take {segments} segments, and {self._meant} are meant"
        if segments > MOST_SEGMENTS:
            message += f"; after {MOST_SEGMENTS} it is cut"
        message += f": {made_of(rendering.of, own, len(text))}"
        strange = [value for value, put in zip(rendering.of, rendering.values, strict=True) if not _GSM.issuperset(put)]
        if _encoding(text) == "ucs2" and strange:
            message += f"; {listed(strange)} may hold characters that GSM-7 lacks, so that a segment holds {_UCS2[1]}"
        elif _encoding(text) == "ucs2":
            message += f"; it holds characters that GSM-7 lacks, so that a segment holds {_UCS2[1]}"
        part = self._shapes.part("title") or self._shapes.part("body") or Part("")
        return too_long(self._shapes.file, rendering.of, "may-exceed", message, ALLOWED, part)


def measure(text: str) -> SmsBody:
    """A text as it will be sent: its encoding and segments, cut to MOST_SEGMENTS."""
    encoding = _encoding(text)
    segments = _segments(text, encoding)
    if segments > MOST_SEGMENTS:
        text = _cut(text, encoding)
        segments = _segments(text, encoding)
    return SmsBody(text, encoding, segments)


def _encoding(text: str) -> Literal["gsm7", "ucs2"]:
    return "gsm7" if _GSM.issuperset(text) else "ucs2"


def _cost(text: str) -> float:
    """What GSM-7 lacks makes a whole message UCS-2."""
    text = text.translate(_SPACES)
    return (0 if _GSM.issuperset(text) else 1_000_000) + len(text) + len(_ESCAPED.findall(text))


def _plainer_cost(text: str) -> float:
    """The same, where it is replaced if it can be."""
    return _cost(text.translate(_PLAINER))


def _segments(text: str, encoding: Literal["gsm7", "ucs2"]) -> int:
    """How many messages a text needs; no character is split between two."""
    if encoding == "gsm7":
        escapes = len(_ESCAPED.findall(text))
        single, joined, wide = *_GSM7, _EXTENSION
        total = len(text) + escapes
    else:
        total = len(text.encode("utf-16-le")) // 2
        escapes = total - len(text)
        single, joined, wide = *_UCS2, None
    if total <= single:
        return 1
    if not escapes:
        return -(-total // joined)
    segments, room = 1, joined
    for character in text:
        units = 2 if (character in wide if wide is not None else character > "\uffff") else 1
        if units > room:
            segments, room = segments + 1, joined
        room -= units
    return segments


def _cut(text: str, encoding: Literal["gsm7", "ucs2"]) -> str:
    """The longest beginning that fits, found by halving."""
    end = "..." if encoding == "gsm7" else "…"
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if _segments(text[:middle] + end, encoding) <= MOST_SEGMENTS:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + end


class _Plainer(dict[int, int | str]):
    """For ``str.translate``: characters that GSM-7 lacks, by what stands for them; what nothing stands for stays."""

    def __missing__(self, code: int) -> int | str:
        character = chr(code)
        plainer: int | str = code
        if character not in _GSM:
            letters = unicodedata.normalize("NFKD", character) if character not in _ALIKE else character
            bare = "".join(_ALIKE.get(letter, letter) for letter in letters if not unicodedata.combining(letter))
            plainer = bare if bare and _GSM.issuperset(bare) else code
        self[code] = plainer
        return plainer


_PLAINER = _Plainer()


def _lay_out(content: Content) -> Filler:
    """Title, the preview or else the body, and where the actions lead; not the one that acknowledges: its URL costs a
    segment, and who wants it writes it."""
    body = content.preview or plain(content.blocks, between="\n")
    actions = [action for action in content.actions if not action.acknowledges]
    links = actions[0].url if len(actions) == 1 else "\n".join(f"{action.label}: {action.url}" for action in actions)
    return Filler("\n".join(part for part in (content.title, body, links) if part))


def _compile_own(source: Source, locale: str) -> _Sms:
    """``sms.txt``: perhaps a front matter with ``encoding``, and the text."""
    reader = Reader(source.file)
    front, body = reader.split(source.text)
    encoding, meant = "auto", SEGMENTS
    if front is not None:
        found = reader.mapping(front, ("encoding", "max_segments"))
        part = reader.text(found["encoding"][1], front) if "encoding" in found else None
        if part is not None:
            encoding = part.source
            if encoding not in ENCODINGS:
                hint = did_you_mean(encoding, ENCODINGS) or f"there is: {', '.join(ENCODINGS)}"
                reader.add((part.line, part.column), "bad-value", f"{encoding} is no encoding", hint)
        part = reader.text(found["max_segments"][1], front) if "max_segments" in found else None
        if part is not None:
            meant = int(part.source) if part.source.isdecimal() else 0
            if not 1 <= meant <= MOST_SEGMENTS:
                message = f"{part.source} is no number of segments"
                reader.add((part.line, part.column), "bad-value", message, f"write one from 1 to {MOST_SEGMENTS}")
    reader.faults += language_faults(source.file, [body], locale)
    if not body.source.strip() and not reader.faults:
        reader.add((body.line, 1), "missing-text", "the text is empty", "write what the message says")
    if reader.faults:
        raise TextFaulty(*reader.faults)

    def lay_out(skeleton: str, dead: frozenset[int]) -> tuple[Filler, tuple[int, ...]]:
        return Filler(_URL.sub(lambda url: authored_url(url.group()) or url.group(), skeleton.strip())), ()

    shapes = Shapes(source.file, compile_text([body], locale), lay_out, ("body",))
    return _Sms(shapes, transliterate=encoding == "transliterate", meant=meant)


channel = SmsChannel()

__all__ = ["SmsBody", "SmsChannel", "channel", "measure"]
