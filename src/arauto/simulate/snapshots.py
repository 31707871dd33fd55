"""snapshots: write what was received into a case, as what is expected from now on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from arauto.catalogue.diagnostics import Faults
from arauto.catalogue.document import Document, Path
from arauto.catalogue.reader import read
from arauto.model import JSON, write_duration
from arauto.simulate.matching import main_part, texts_of
from arauto.simulate.simulation import Carried
from arauto.simulate.testing import Played

_PARTS_SHOWN = 40
_BARE = re.compile(r"[^\W\d][\w./@ -]*[\w./@]|[^\W\d]")
_WORDS = {"true", "false", "null"}


def updated(file: str, text: str, played: Sequence[Played]) -> str:
    """The text of a file of cases, with what these cases of it received in the place of what they expect. All else,
    comments too, stays as it is."""
    document = read(file, text.encode(), Faults())
    assert document is not None
    places = sorted((_span(document, (*each.case.path, "expect")), each) for each in played)
    for (begin, end, indent), each in reversed(places):
        text = text[:begin] + _written(each, indent) + text[end:]
    return text


def _span(document: Document, path: Path) -> tuple[int, int, int]:
    """Where what is expected begins, behind the colon, and ends; and how far its key is indented."""
    key, _, end = document.span(path)
    begin = document.text.index(":", key) + 1
    lines = document.text[begin:end].split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return begin, begin + len("\n".join(lines).rstrip()), document.locate(key).column - 1


def _written(played: Played, indent: int) -> str:
    if not played.received:
        return " nothing"
    blank = " " * indent
    lines: list[str] = []
    for each in played.received:
        entries = list(_entries(each, played))
        for number, (key, value) in enumerate(entries):
            lines.extend(_lines(f"{blank}  {'  ' if number else '- '}", key, value))
    return "\n" + "\n".join(lines)


def _entries(carried: Carried, played: Played) -> Iterator[tuple[str, JSON]]:
    yield "at", f"+{write_duration(carried.at - played.case.start)}"
    yield "to", carried.recipient
    yield "by", carried.channel
    yield "notification", carried.notification
    if carried.kind != "text":
        yield "kind", carried.kind
    if carried.locale is not None:
        yield "language", carried.locale
    if carried.title is not None:
        yield "title", carried.title
    content = _content(carried.form)
    if content:
        yield "content", content


def _content(form: JSON) -> Mapping[str, str]:
    """What people read; where the channel has no name for it, all texts by their paths."""
    found = [(path, text) for path, text in texts_of(form) if path.count(".") < 8]
    return main_part(form) or dict(found[:_PARTS_SHOWN])


def _lines(lead: str, key: str, value: JSON) -> Iterator[str]:
    if isinstance(value, dict):
        yield f"{lead}{key}:"
        inner = " " * (len(lead) + 2)
        for name, text in value.items():
            yield from _lines(inner, name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False), text)
    elif "\n" in value and _fits_a_block(value):
        yield f"{lead}{key}: |-"
        inner = " " * (len(lead) + 2)
        yield from ((inner + line).rstrip() for line in value.split("\n"))
    else:
        yield f"{lead}{key}: {_scalar(value)}"


def _fits_a_block(text: str) -> bool:
    lines = text.split("\n")
    return (
        all(line == line.rstrip() and line.isprintable() for line in lines) and bool(lines[-1]) and lines[0][:1] != " "
    ) and bool(lines[0])


def _scalar(text: str) -> str:
    plain = (_BARE.fullmatch(text) and text.lower() not in _WORDS) or re.fullmatch(r"\+(?:\d+[smhdw])+", text)
    return text if plain else json.dumps(text, ensure_ascii=False)
