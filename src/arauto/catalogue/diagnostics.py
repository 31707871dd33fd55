"""Faults of a project folder: the table of their codes, a growing collection of them, and "did you mean".

A code is stable: people search for it, CI filters by it, and docs/reference/diagnostics.md has an entry for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, NamedTuple

from arauto.errors import Diagnostic

WARNINGS: dict[str, str] = {
    # conditions and steps
    "always-true": "A condition is true for every event that the schema allows, or whenever it is asked.",
    "impossible-value": "A condition compares with a value that the schema does not allow.",
    "never-true": "A condition, or a comparison in one, is never true.",
    "shadowed-way": "A way of a branch is never taken: whoever it is for goes an earlier one.",
    "unreachable-step": "No run comes to a step: what stands before it ends them all.",
    # what leads to nothing
    "idle-source": "Nobody hears of any event that a source tells.",
    "unused-category": "No notification is of a category.",
    "unused-channel": "No notification sends to a channel.",
    "unused-event-type": "No notification is on an event type, and nothing waits for it.",
    "unused-group": "No notification is for a group.",
    # who is reached
    "empty-group": "A group has no members.",
    "reaches-nobody": "None of those whom a notification names has an address for a channel that it sends to.",
    "unreachable-recipient": "A notification names somebody who has no address for any channel that it sends to.",
    # texts
    "endless": "Nothing limits how long a text message can be, and what it costs: a value in it has no maxLength.",
    "may-exceed": "A text may be longer than its channel shows or takes, or than it is meant to be.",
    # settings
    "contradicting-category": "The settings of a category exclude each other, or want what the hub does not have.",
    "late-retry": "A message expires before an attempt that is planned for it.",
    "no-way-to-refuse": "People may refuse a category, and nothing that they are sent leads to where they could.",
    "loop": "A webhook leads back to the hub, so that an event leads to itself.",
    "open-secret": "A secret stands in a file of the project.",
}
"""What cannot be meant, though it could run."""

CODES: dict[str, str] = {
    **WARNINGS,
    # files and folders
    "bad-name": "The name of a file or folder, which names a thing of the project, is not allowed.",
    "missing-file": "A file that must be there is not.",
    "unknown-file": "A file or folder lies where the hub reads, and has a name that means nothing to it.",
    "unreadable-file": "A file cannot be read, or is not UTF-8 text.",
    "unused-file": "A text lies beside a notification that can never use it.",
    # YAML
    "bad-yaml": "The file is not YAML 1.2, or uses something of YAML that project files may not.",
    "duplicate-key": "A key stands twice in one mapping.",
    # the shape of a file
    "missing-key": "A key that must be there is not.",
    "unknown-key": "A key has no meaning where it stands.",
    "wrong-type": "A value is, say, a number where text is expected.",
    "bad-value": "A value has the right type, but is not one of those allowed.",
    "one-of": "Of several keys, exactly one must be given.",
    "unknown-step": "A step has a name that no step has.",
    "bad-step": "What stands under a step is not what this step takes.",
    # values with a form of their own
    "bad-address": "An address does not have the form that its channel needs.",
    "bad-attribute": "A recipient's attributes do not match the attributes' JSON Schema.",
    "bad-cron": "A cron expression of a schedule cannot be read.",
    "bad-data": "The data of a schedule's events, or of a test case's, do not match the event type's JSON Schema.",
    "bad-date": "A day, or a day and a time of it, is not one of the calendar, such as 2026-12-25.",
    "bad-duration": "A duration is not a number and a unit, such as 30s or 1h30m.",
    "bad-expression": "An expression does not parse.",
    "bad-locale": "A locale is not a BCP 47 tag that CLDR knows, such as pt-BR.",
    "bad-moment": "A time of a test case is neither a whole time, nor a time of day, nor one such as +1h30m.",
    "bad-network": "A network is not a CIDR range, such as 10.0.0.0/8.",
    "bad-rrule": "A recurrence rule of a schedule cannot be read, or has parts that exclude each other.",
    "bad-sample": "A sample of an event type does not match the event type's own JSON Schema.",
    "bad-schema": "A JSON Schema does not follow the standard (draft 2020-12), or is not self-contained.",
    "bad-settings": "The settings of a provider or a source do not work together.",
    "bad-span": "Something ends before it begins.",
    "bad-time": "A time of day is not hours and minutes, such as 09:00.",
    "bad-time-zone": "A time zone is not an IANA name, such as America/Sao_Paulo.",
    "bad-verification": "A source's settings do not say how its calls are verified, or say it in two ways.",
    "missing-events": "A source says nothing about the events that its calls give.",
    "missing-id": "An event of a source has no id, by which a repeated call would be known.",
    "never-fires": "A schedule has no time at all.",
    # names that lead nowhere, and names given twice
    "unknown-category": "A notification names a category that arauto.yaml does not have.",
    "unknown-channel": "A name stands for a channel, and there is no such channel.",
    "unknown-event-type": "A name stands for an event type that has no file in events/.",
    "unknown-group": "A notification names a group that no file in recipients/ has.",
    "unknown-member": "A group names a recipient that no file in recipients/ has.",
    "unknown-notification": "A test case names a notification that there is not.",
    "unknown-provider": "A channel names a kind of provider that it does not have.",
    "unknown-sample": "A test case names a sample that the event type does not have.",
    "unknown-source-kind": "A source names a kind that does not exist.",
    "unknown-system": "A notification names a system that no file in recipients/ has.",
    "channel-not-configured": "A step sends to a channel that has no file in channels/.",
    "duplicate-attributes": "Two files in recipients/ hold the attributes' JSON Schema.",
    "duplicate-case": "Two test cases of a file have the same name.",
    "duplicate-group": "Two groups have the same name.",
    "duplicate-provider": "Two providers of a channel have the same name.",
    "duplicate-recipient": "Two recipients have the same id.",
    "no-provider": "A channel has no provider.",
    # types
    "incomparable": "Two values are compared that are of different types, or one is looked for where it cannot be.",
    "not-a-list": "A loop goes over, or a slice is taken of, what is no list.",
    "possibly-missing": "A value is used that may not be there, without a word about that.",
    "possibly-null": "A value is used that may be none, where none does not do.",
    "unknown-path": "A path leads to what the JSON Schema does not have.",
    "unwritable": "A text writes a whole list or object.",
    "wrong-arguments": "A filter or a test is given too many arguments, too few, or such as it does not take.",
    "wrong-filter": "A filter is given a value on which it cannot work.",
    "wrong-operand": "A value is reckoned with that is no number.",
    "wrong-result": "An expression gives a value of another type than belongs there.",
    # texts
    "bad-front-matter": "The part of a content file between its --- lines is not there, or not closed.",
    "bad-image": "An image of a text is not beside the notification, or is of a kind that no mail program shows.",
    "bad-json": "A channel's own text is not JSON.",
    "bad-link": "A link of a text leads to something that is not a web page, an address or a phone number.",
    "bad-mjml": "An e-mail's own MJML does not parse, or has parts that cannot be sent.",
    "missing-text": "A notification can send on a channel, to a reader of a locale, for which it has no text.",
    "raw-html": "A text holds HTML, which no channel but e-mail would understand.",
    "too-many": "A text has more of something than every channel can show.",
}
"""Every code, also of what channels say about texts and sources about settings, and what it means in one sentence."""


class Place(NamedTuple):
    """A place in a file; both count from 1."""

    line: int
    column: int


START = Place(1, 1)
"""Where a fault of a whole file is shown."""


class Faults:
    """The faults found so far; adding one never stops the compiler."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, Place, str, str], Diagnostic] = {}

    def add(self, file: str, place: Place, code: str, message: str, hint: str | None = None) -> None:
        """Note a fault, once; ``code`` is one of CODES."""
        severity: Literal["error", "warning"] = "warning" if code in WARNINGS else "error"
        fault = Diagnostic(file, place.line, place.column, code, message, hint, severity)
        self.found.setdefault((file, place, code, message), fault)

    @property
    def any(self) -> bool:
        """Something cannot run as it is written; warnings do not count."""
        return any(fault.severity == "error" for fault in self.found.values())


def closest(name: str, allowed: Iterable[str]) -> str | None:
    """The one allowed name that ``name`` was most likely meant to be, if any is near."""
    by_folded = {each.casefold(): each for each in allowed}
    near = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[near[0]] if near else None


def did_you_mean(name: str, allowed: Iterable[str], otherwise: str | None = None) -> str | None:
    """A hint for a name that is none of ``allowed``: the nearest one, else ``otherwise``, else all there are."""
    names = sorted(set(allowed))
    near = closest(name, names)
    if near is not None:
        return f"did you mean {near}?"
    if otherwise or not names or len(names) > 20:
        return otherwise
    return f"known: {', '.join(names)}"


def listed(names: Iterable[str], word: str = "or") -> str:
    """``a, b or c``."""
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last


def shown(path: Path) -> str:
    """A path as text that every terminal and every JSON parser takes, with ``/`` between its parts."""
    return path.as_posix().encode("utf-8", "backslashreplace").decode()
