"""open_secrets: secrets that stand in the project's files instead of being named there.

A setting that is a secret, written out, is one whatever it looks like; anywhere else, comments and texts included,
what has the form of a well-known service's key is. No finding shows any of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from arauto.catalogue.analysis.whole import Whole
from arauto.catalogue.diagnostics import Place
from arauto.catalogue.document import Document, Path
from arauto.secret import MASK, Secret

_FORMS: tuple[tuple[bytes, str, str], ...] = (
    (b"_live_", "a live key of Stripe", r"\b[sr]k_live_[0-9A-Za-z]{16,}"),
    (b"whsec_", "a secret of Standard Webhooks or Stripe", r"\bwhsec_[0-9A-Za-z+/=]{24,}"),
    (b"xox", "a token of Slack", r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}"),
    (b"hooks.slack.com/", "an incoming webhook of Slack", r"\bhooks\.slack\.com/services/T\w+/B\w+/\w{16,}"),
    (b"SG.", "a key of SendGrid", r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    (b"AKIA", "an access key of AWS", r"\bAKIA[0-9A-Z]{16}\b"),
    (b"AIza", "a key of Google", r"\bAIza[\w-]{35}\b"),
    (b"gh", "a token of GitHub", r"\bgh[opsur]_[0-9A-Za-z]{36,}\b"),
    (b"github_pat_", "a token of GitHub", r"\bgithub_pat_\w{22,}"),
    (b"APP_USR-", "a token of Mercado Pago", r"\bAPP_USR-[0-9a-f-]{32,}"),
    (b"PRIVATE KEY", "a private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
)
"""What a file must hold for a form to be looked for, what it is, and its form."""
_COMPILED = tuple((mark, what, re.compile(form)) for mark, what, form in _FORMS)
_TEXTS = (".yaml", ".md", ".txt", ".json", ".mjml")
_HINT = "name where it is kept instead, env:NAME or file:PATH; and replace it, for whoever has read this file has it"


def masked(text: str) -> str:
    """The text without what has the form of a well-known service's key."""
    for mark, _, form in _COMPILED:
        if mark.decode() in text:
            text = form.sub(MASK, text)
    return text


def check_secrets(whole: Whole) -> None:
    """All settings that are secrets, then all files."""
    lines: set[tuple[str, int]] = set()
    for document, path in _written_out(whole):
        place = document.place(path)
        lines.add((document.file, place.line))
        what = ".".join(str(part) for part in path if not isinstance(part, int))
        whole.warn(document.file, place, "open-secret", f"{what} is a secret, and stands here in the open", _HINT)
    for name, raw in _files(whole):
        for mark, what, form in _COMPILED:
            if mark not in raw:
                continue
            text = raw.decode("utf-8-sig", "replace")
            for found in form.finditer(text):
                place = Place(
                    text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start())
                )
                if (name, place.line) not in lines:
                    whole.warn(name, place, "open-secret", f"this looks like {what}, in the open", _HINT)


def _files(whole: Whole) -> Iterator[tuple[str, bytes]]:
    folder = whole.folder
    inside = [file for files in folder.notifications.values() for file in files.values()]
    flat = [file for files in folder.flat.values() for file in files]
    for file in [folder.project, *flat, *inside]:
        if file is not None and file.name.endswith(_TEXTS):
            yield file.name, file.raw


def _written_out(whole: Whole) -> Iterator[tuple[Document, Path]]:
    for name, document in whole.sources.items():
        yield from ((document, path) for path in _inline(whole.catalogue.sources[name].settings, ()))
    for name, document in whole.channels.items():
        providers = whole.catalogue.channels[name].providers
        for index, provider in enumerate(providers):
            yield from ((document, path) for path in _inline(provider.settings, ("providers", index)))


def _inline(value: Any, path: Path) -> Iterator[Path]:
    """Where in settings a secret does not say where it is kept."""
    if isinstance(value, Secret):
        if value.place == MASK:
            yield path
    elif isinstance(value, Struct):
        for field, key in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            yield from _inline(getattr(value, field), (*path, key))
    elif isinstance(value, tuple | list):
        for index, each in enumerate(value):
            yield from _inline(each, (*path, index))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _inline(each, (*path, key))


__all__ = ["check_secrets", "masked"]
