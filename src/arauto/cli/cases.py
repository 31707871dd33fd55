"""How played cases are shown: for people, as JSON, as JUnit XML."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from arauto.cli.explain import draw_event
from arauto.model import JSON, Catalogue
from arauto.simulate.matching import Compared, main_text, shown_time

if TYPE_CHECKING:
    from arauto.simulate.coverage import Lack, Reached
    from arauto.simulate.simulation import Carried
    from arauto.simulate.testing import Played

_LINES_SHOWN = 12
_NAMES = ("at", "to", "by", "notification", "kind", "language", "provider", "title")


# -- for people ----------------------------------------------------------------------------------------------------


def show(
    console: Console, directory: Path, played: Sequence[Played], language: str, *, updated: bool, listed: bool
) -> None:
    """All cases by file, then those that failed with the difference and why."""
    if listed:
        for file, some in groupby(played, lambda each: each.case.file):
            console.print(Text(f"\n{file}", "bold"))
            for each in some:
                console.print(_headline(each, updated))
    for each in played:
        if not each.passed and not (updated and each.problem is None):
            console.print()
            console.rule(Text(f"{each.case.name}", "bold red"), align="left", style="red")
            console.print(Text(f"{directory.as_posix()}/{each.case.file}:{each.case.line}", "dim"))
            for text in told(each):
                console.print(text, end="")
            _show_why(console, each, language)


def _headline(played: Played, updated: bool) -> Text:
    if played.passed:
        return Text("  ✓ ", "green").append(played.case.name, "default")
    if updated and played.problem is None:
        return Text("  ↻ ", "yellow").append(f"{played.case.name}  (updated)", "default")
    return Text("  ✗ ", "bold red").append(played.case.name, "bold")


def told(played: Played) -> Iterator[Text]:
    """What came otherwise than expected, as a diff."""
    if played.problem is not None:
        yield Text(f"\n{played.problem}\n", "red")
    for compared in played.matched.wrong:
        yield _compared(compared, played)
    for carried in played.unexpected:
        text = Text(f"\nReceived, and not expected{'' if played.case.expected else ' (nothing is)'}:\n")
        yield _block(text, "+", "green", _fields_of(carried, played))


def _compared(compared: Compared, played: Played) -> Text:
    expected, actual = compared.expected, compared.actual
    written = dict(_written(compared, played))
    if actual is None:
        text = Text(f"\nExpected in line {expected.line}, and not received:\n")
        return _block(text, "-", "red", list(written.items()))
    text = Text(f"\nExpected in line {expected.line}, and received otherwise:\n")
    wrong = {each.what: each for each in compared.differences}
    for name, value in written.items():
        if name not in wrong:
            _line(text, " ", name, value, "dim")
    for each in compared.differences:
        _line(text, "-", each.what, each.expected, "red")
        _line(text, "+", each.what, each.actual, "green")
    return text


def _written(compared: Compared, played: Played) -> Iterator[tuple[str, str]]:
    """What is said of an expected message."""
    expected, case = compared.expected, played.case
    if expected.earliest is not None:
        span = f"between {expected.when}"
        yield "at", span if " – " in (expected.when or "") else shown_time(expected.earliest, case.start, case.zone)
    for name in _NAMES[1:]:
        value = getattr(expected, name)
        if value is not None:
            yield name, value
    for name, texts in (("contains", expected.contains), ("lacks", expected.lacks)):
        for text in texts:
            yield name, text
    for path, value in expected.content.items():
        yield path, value if isinstance(value, str) else repr(value)


def _fields_of(carried: Carried, played: Played) -> list[tuple[str, str]]:
    fields = [
        ("at", shown_time(carried.at, played.case.start, played.case.zone)),
        ("to", carried.recipient),
        ("by", carried.channel),
        ("notification", carried.notification),
        ("kind", carried.kind if carried.kind != "text" else None),
        ("language", carried.locale),
        ("title", carried.title),
        ("content", main_text(carried.form)),
    ]
    return [(name, value) for name, value in fields if value is not None]


def _block(text: Text, sign: str, style: str, fields: Sequence[tuple[str, str]]) -> Text:
    for name, value in fields:
        _line(text, sign, name, value, style)
    return text


def _line(text: Text, sign: str, name: str, value: str, style: str) -> None:
    lines = value.splitlines() or [""]
    if len(lines) > _LINES_SHOWN:
        lines = [*lines[:_LINES_SHOWN], f"… {len(lines) - _LINES_SHOWN} more lines"]
    for number, line in enumerate(lines):
        text.append(f"  {sign} {name if number == 0 else '':<13} {line}\n", style)


def _show_why(console: Console, played: Played, language: str) -> None:
    for number, explanation in enumerate(played.explanations):
        console.print(Text("\nWhy (times in UTC):" if number == 0 else "", "bold"))
        console.print(Padding(draw_event(dict(explanation), language), (0, 0, 0, 2)), soft_wrap=False)


def show_coverage(console: Console, catalogue: Catalogue, reached: Reached) -> None:
    """What no case reaches, by notification."""
    done, total = reached.counts(catalogue)
    console.print(Text(f"\nReached {done} of {total} ({done * 100 // max(total, 1)} %)", "bold"))
    for name, some in groupby(reached.lacks(catalogue), lambda each: each.notification):
        lacks = list(some)
        if lacks[0].what == "notification":
            console.print(Text(f"  ○ {name}  ", "yellow").append(lacks[0].detail, "dim"))
            continue
        console.print(Text(f"  ◐ {name}", "yellow"))
        for lack in lacks:
            console.print(Text(f"      no {lack.what}: " if lack.what != "way" else "      ").append(lack.detail))


def show_summary(console: Console, played: Sequence[Played], seconds: float, *, updated: bool) -> None:
    """The last line."""
    failed = [each for each in played if not each.passed]
    mended = [each for each in failed if updated and each.problem is None]
    text = Text(f"\n{len(played) - len(failed)} passed", "green" if not failed else "default")
    if mended:
        text.append(f", {len(mended)} updated", "yellow")
    if len(failed) > len(mended):
        text.append(f", {len(failed) - len(mended)} failed", "bold red")
    console.print(text.append(f" in {seconds:.1f} s", "dim"))


# -- for programs --------------------------------------------------------------------------------------------------


def as_json(catalogue: Catalogue, played: Sequence[Played], reached: Reached | None) -> str:
    """All of it, with the explanations."""
    document: dict[str, JSON] = {
        "project": catalogue.project.name,
        "version": catalogue.version,
        "passed": sum(each.passed for each in played),
        "failed": sum(not each.passed for each in played),
        "cases": [_case(each) for each in played],
    }
    if reached is not None:
        done, total = reached.counts(catalogue)
        document["coverage"] = {"reached": done, "total": total, "lacks": [_lack(x) for x in reached.lacks(catalogue)]}
    return msgspec.json.format(msgspec.json.encode(document)).decode()


def _lack(lack: Lack) -> dict[str, JSON]:
    return {"notification": lack.notification, "what": lack.what, "detail": lack.detail}


def _case(played: Played) -> dict[str, JSON]:
    case = played.case
    return {
        "name": case.name,
        "file": case.file,
        "line": case.line,
        "passed": played.passed,
        "problem": played.problem,
        "wrong": [
            {
                "line": each.expected.line,
                "expected": dict(_written(each, played)),
                "received": None if each.actual is None else _received(each.actual),
                "differences": [
                    {"what": other.what, "expected": other.expected, "actual": other.actual}
                    for other in each.differences
                ],
            }
            for each in played.matched.wrong
        ],
        "unexpected": [_received(each) for each in played.unexpected],
        "received": [_received(each) for each in played.received],
        "explanations": list(played.explanations),
    }


def _received(carried: Carried) -> dict[str, JSON]:
    return {
        "at": carried.at.isoformat().replace("+00:00", "Z"),
        "to": carried.recipient,
        "by": carried.channel,
        "notification": carried.notification,
        "kind": carried.kind,
        "language": carried.locale,
        "provider": carried.provider,
        "title": carried.title,
        "content": carried.form,
        "message": carried.message,
        "event": carried.event,
    }


def as_junit(name: str, played: Sequence[Played], language: str) -> bytes:
    """The report that CI servers read: a suite for each file."""
    root = ElementTree.Element("testsuites", name=name)
    for file, some in groupby(played, lambda each: each.case.file):
        cases = list(some)
        failures = sum(not each.passed for each in cases)
        suite = ElementTree.SubElement(root, "testsuite", name=file, tests=str(len(cases)), failures=str(failures))
        for each in cases:
            attributes = {"name": each.case.name, "classname": file, "file": file, "line": str(each.case.line)}
            entry = ElementTree.SubElement(suite, "testcase", attributes)
            if not each.passed:
                what = "\n".join(text.plain for text in told(each)).strip()
                failure = ElementTree.SubElement(entry, "failure", message=what.splitlines()[0])
                failure.text = _printable(f"{what}\n\n{_why(each, language)}")
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _why(played: Played, language: str) -> str:
    console = Console(file=io.StringIO(), width=200, highlight=False, color_system=None)
    with console.capture() as capture:
        _show_why(console, played, language)
    return capture.get()


def _printable(text: str) -> str:
    """What XML can hold."""
    return "".join(each if each in "\n\t" or each.isprintable() else "\ufffd" for each in text)
