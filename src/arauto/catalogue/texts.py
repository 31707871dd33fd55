"""The content files beside a notification → Composers, by channel and locale; and which texts it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from msgspec import Struct, field

from arauto import channels
from arauto.catalogue import values
from arauto.catalogue.diagnostics import START, Faults, Place, closest, did_you_mean
from arauto.catalogue.folder import NOTIFICATION, File, Folder
from arauto.channels import Source, TextFaulty, TextSources
from arauto.model import Brand, Composer

CONTENT = "content"
CORRECTION = "correction"
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg")

ByLocale: TypeAlias = dict[str | None, File]
"""None: for all locales that have no file of their own."""


class Texts(Struct):
    """The content files of one notification."""

    content: ByLocale = field(default_factory=dict)
    own: dict[str, ByLocale] = field(default_factory=dict)
    """By channel: its own words."""
    corrections: ByLocale = field(default_factory=dict)

    def locales(self, channel: str) -> set[str | None]:
        """The locales in which there is a text for a channel."""
        return {*self.content, *self.own.get(channel, ())}


# -- names ---------------------------------------------------------------------------------------------------------


def sort_files(files: Mapping[str, File], used: Iterable[str] | None, locale: str, faults: Faults) -> Texts:
    """What each file is, by its name. ``used`` are the channels that the notification sends to, None when unknown;
    ``locale`` is for examples of names."""
    texts = Texts()
    for name, file in files.items():
        if name == NOTIFICATION or name.lower().endswith(_IMAGES):
            continue
        stem, _, rest = name.partition(".")
        tag, _, suffix = rest.rpartition(".")
        own = channels.load(stem).override_suffix if stem in channels.names() else None
        if suffix != ("md" if stem in (CONTENT, CORRECTION) else own):
            _unknown(file, name, stem, tag, locale, faults)
            continue
        if tag and not _is_locale(file, tag, faults):
            continue
        if stem == CONTENT:
            texts.content[tag or None] = file
        elif stem == CORRECTION:
            texts.corrections[tag or None] = file
        elif used is None or stem in used:
            texts.own.setdefault(stem, {})[tag or None] = file
        else:
            message = f"no step of this notification sends to {stem}"
            faults.add(file.name, START, "unused-file", message, f"add send: {stem} to its steps, or remove the file")
    return texts


def _is_locale(file: File, tag: str, faults: Faults) -> bool:
    try:
        values.locale(tag)
    except values.Refused as refused:
        faults.add(file.name, START, refused.code, f"{refused}, in the name of this file", refused.hint)
        return False
    return True


def _unknown(file: File, name: str, stem: str, tag: str, locale: str, faults: Faults) -> None:
    suffixes = {
        CONTENT: "md",
        CORRECTION: "md",
        **{each: channels.load(each).override_suffix for each in channels.names()},
    }
    if stem in suffixes and suffixes[stem] is None:
        message = f"the channel {stem} takes its text from content.{tag or locale}.md alone"
        faults.add(file.name, START, "unknown-file", message, "remove this file")
        return
    able = {key: suffix for key, suffix in suffixes.items() if suffix}
    near = closest(name, [NOTIFICATION])
    if near is None and (key := closest(stem, able)) is not None:
        near = ".".join(filter(None, (key, tag, able[key])))
    names = [f"{key}.{tag or locale}.{suffix}" for key, suffix in able.items()]
    hint = f"did you mean {near}?" if near else did_you_mean(name, [*names, NOTIFICATION])
    faults.add(file.name, START, "unknown-file", "this file has no meaning beside a notification", hint)


# -- what is missing -----------------------------------------------------------------------------------------------


def missing(texts: Texts, used: Iterable[str], readers: Mapping[str, str]) -> dict[str, list[str]]:
    """For each locale of ``readers`` (locale → why), the channels that have no text for it.

    A text serves every locale of its language; one without a locale serves all.
    """
    written = {locale for channel in used for locale in texts.locales(channel) if locale}
    lacking: dict[str, list[str]] = {}
    for locale in [*readers, *sorted(written - readers.keys())]:
        for channel in used:
            if channels.load(channel).needs_content and not _serves(texts.locales(channel), locale):
                lacking.setdefault(locale, []).append(channel)
    return lacking


def _serves(locales: Iterable[str | None], wanted: str) -> bool:
    return any(each is None or values.language(each) == values.language(wanted) for each in locales)


# -- compiling -----------------------------------------------------------------------------------------------------


def compile_texts(
    texts: Texts, used: Iterable[str], place: str, folder: Folder, whole: tuple[str, Brand], faults: Faults
) -> dict[str, dict[str, Composer]]:
    """A Composer for each channel and each locale that has a text; ``place`` is the notification's folder, ``whole``
    the project's locale and brand. Faults of the texts go to ``faults``."""
    default, brand = whole
    read: dict[str, Source | None] = {}

    def source(file: File | None) -> Source | None:
        if file is None:
            return None
        if file.name not in read:
            text = folder.text(file)
            read[file.name] = None if text is None else Source(file.name, text)
        return read[file.name]

    composers: dict[str, dict[str, Composer]] = {}
    for name in used:
        channel = channels.load(name)
        written = texts.locales(name)
        if not written and channel.needs_content:
            continue
        for locale in sorted({each or default for each in written or {None}}):
            content, own = _pick(texts.content, locale, True), _pick(texts.own.get(name, {}), locale, False)
            sources = TextSources(locale=locale, content=source(content), override=source(own), folder=place)
            if any(file and source(file) is None for file in (content, own)):
                continue
            try:
                composers.setdefault(name, {})[locale] = channel.compile(sources, brand)
            except TextFaulty as faulty:
                for fault in faulty.faults:
                    faults.add(fault.file, Place(fault.line, fault.column), fault.code, fault.message, fault.hint)
    return composers


def _pick(files: ByLocale, locale: str, siblings: bool) -> File | None:
    """The file for a locale: its own, its language's, another region's (when ``siblings``), or the one for all."""
    language = values.language(locale)
    regions = [each for each in files if siblings and each and values.language(each) == language]
    found = next((each for each in (locale, language, *sorted(filter(None, regions)), None) if each in files), "")
    return None if found == "" else files[found]
