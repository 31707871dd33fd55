"""audience: the lines of an explanation that no plan wrote: of the members of groups that are told page by page, of
those whom a run notified, and of one person who asks why they heard, or did not hear, of an event.

A line is as a plan writes it: ``target``, ``recipient``, ``reason``, and ``run`` or ``fanout`` where there is one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from msgspec import to_builtins

from arauto.decide.fanouts import answer_now
from arauto.model import JSON, Catalogue, Reason, Recipient
from arauto.store import StoredFanout, StoredRun, Story, StoryCounts

Line = dict[str, JSON]


def lines_of(considered: dict[str, JSON], story: Story, *, show: int) -> tuple[list[Line], int]:
    """The lines of a notification, with ``show`` runs at most that it named in no line of its own; and how many there
    are beyond them among the runs of the story."""
    lines = list(considered.get("recipients", ()))
    own = {line.get("run") for line in lines}
    known = {line.get("fanout") for line in lines}
    fanouts = [each for each in story.fanouts if each.fanout.run.notification == considered["notification"]]
    lines.extend(_fanout_line(each, story) for each in fanouts if each.fanout.key not in known)
    others = [
        stored
        for stored in story.runs
        if stored.run.notification == considered["notification"]
        and stored.run.key not in own
        and stored.run.events[0].key == story.event.event.key
    ]
    lines.extend(_run_line(stored, fanouts, story) for stored in others[:show])
    return lines, max(len(others) - show, 0)


def lines_about(
    considered: dict[str, JSON], story: Story, id: str, recipient: Recipient | None, catalogue: Catalogue | None
) -> list[Line]:
    """The lines of a notification about one person: those that name them, and where none of these gave them a run, what
    each of its groups says of them now."""
    if not considered["matched"]:
        return []
    everything, _ = lines_of(considered, story, show=len(story.runs))
    lines = [line for line in everything if line["recipient"] == id]
    if not any("run" in line for line in lines):
        fanouts = [each for each in story.fanouts if each.fanout.run.notification == considered["notification"]]
        lines.extend(_answers(fanouts, id, recipient, catalogue))
    if not lines:
        lines.append({"target": id, "recipient": id, "reason": to_builtins(Reason("not_named"))})
    return lines


def counts_of(story: Story) -> StoryCounts:
    """How many runs and messages of the event there are in each state."""
    if story.counts is not None:
        return story.counts
    messages: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for stored in story.messages:
        messages[stored.message.channel][stored.state] += 1
    return StoryCounts(
        dict(Counter(stored.state for stored in story.runs)),
        {channel: dict(states) for channel, states in messages.items()},
    )


def _fanout_line(stored: StoredFanout, story: Story) -> Line:
    return {
        "target": f"group: {stored.fanout.group}",
        "recipient": None,
        "reason": to_builtins(_notified(stored.fanout.run.parent, story)),
        "fanout": stored.fanout.key,
    }


def _run_line(stored: StoredRun, fanouts: list[StoredFanout], story: Story) -> Line:
    run = stored.run
    groups = ", ".join(dict.fromkeys(each.fanout.group for each in fanouts if each.fanout.run.parent == run.parent))
    reason = Reason("in_group", {"group": groups}) if groups else _notified(run.parent, story)
    return {
        "target": f"group: {groups}" if groups else "notify",
        "recipient": run.recipient,
        "reason": to_builtins(reason),
        "run": run.key,
    }


def _notified(parent: str | None, story: Story) -> Reason:
    by = next((stored.run.recipient for stored in story.runs if stored.run.key == parent), parent)
    return Reason("notified", {"by": by})


def _answers(
    fanouts: list[StoredFanout], id: str, recipient: Recipient | None, catalogue: Catalogue | None
) -> Iterator[Line]:
    for stored in fanouts:
        fanout = stored.fanout
        if stored.state == "running" and id > fanout.cursor:
            reason = Reason("not_asked_yet")
        elif catalogue is None:
            reason = Reason("not_told")
        else:
            reason = answer_now(catalogue.groups.get(fanout.group), fanout.group, id, recipient, catalogue.project)
        yield {
            "target": f"group: {fanout.group}",
            "recipient": id,
            "reason": to_builtins(reason),
            "asked_now": reason.code not in ("not_asked_yet", "not_told"),
        }
