"""The plan as documents: JSON for programs, Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from arauto.change.backtest import Example, Outcome
from arauto.change.differences import differences_as_json
from arauto.change.inflight import InFlight
from arauto.change.report import Plan, Report, Table
from arauto.change.schemas import impacts_as_json
from arauto.change.sections import Section, markdown, markdown_line
from arauto.generate.say import Line
from arauto.model import JSON
from arauto.store.ledger import Version


def as_json(plan: Plan) -> JSON:
    """The plan for programs; ``from`` and ``to`` are versions."""
    outcome = plan.outcome
    return {
        "from": plan.old.version,
        "to": plan.new.version,
        "differences": differences_as_json(plan.differences),
        "schemas": impacts_as_json(plan.impacts),
        "in_flight": None if plan.in_flight is None else _in_flight_as_json(plan.in_flight),
        "tried": {
            "notifications": sorted(plan.scope.notifications),
            "all_because": plan.scope.everything,
            "sources_not_tried": list(plan.scope.untried),
        },
        "backtest": None if outcome is None else _outcome_as_json(outcome),
    }


def _in_flight_as_json(found: InFlight) -> JSON:
    return {
        "runs": [
            {
                "notification": each.notification,
                "version": each.version,
                "step": each.step,
                "digest": each.gathers,
                "count": each.count,
                "fate": each.fate,
                "reason": None if each.reason is None else each.reason.code,
            }
            for each in found.runs
        ],
        "messages": [
            {
                "notification": each.notification,
                "channel": each.channel,
                "state": each.state,
                "count": each.count,
                "fate": each.fate,
            }
            for each in found.messages
        ],
    }


def _outcome_as_json(outcome: Outcome) -> JSON:
    return {
        "since": _iso(outcome.period.since),
        "until": _iso(outcome.period.until),
        "replay_begins": _iso(outcome.begun),
        "events": outcome.events,
        "of_events": outcome.of,
        "messages_really_sent": outcome.recorded,
        "of_these_reproduced": outcome.reproduced,
        "recipients_concerned": outcome.people,
        "totals": [
            {
                "notification": notification,
                "channel": channel,
                "category": category,
                "same": each.same,
                "more": each.more,
                "less": each.less,
                "otherwise": each.otherwise,
                "otherwise_in": dict(each.aspects),
                "segments": {"old": each.old_segments, "new": each.new_segments},
                "cost": {"old": _plain(each.old_cost), "new": _plain(each.new_cost)},
            }
            for (notification, channel, category), each in outcome.totals.items()
        ],
        "refused": {
            side: [
                {"type": each.type, "code": each.code, "count": each.count, "first": each.event, "fault": each.fault}
                for each in found
            ]
            for side, found in outcome.refused.items()
        },
        "examples": [
            {
                "sort": each.pair.sort,
                "event": each.pair.event,
                "notification": each.pair.notification,
                "recipient": each.pair.recipient,
                "differs_in": list(each.pair.aspects),
                "old": _version_as_json(each.pair.old),
                "new": _version_as_json(each.pair.new),
                "why": {"old": each.old, "new": each.new},
            }
            for each in outcome.examples
        ],
    }


def _version_as_json(version: Version | None) -> JSON:
    if version is None:
        return None
    return {
        "message": version.id,
        "at": _iso(version.at),
        "channel": version.channel,
        "category": version.category,
        "locale": version.locale,
        "segments": version.segments,
    }


def _plain(costs: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: str(amount) for currency, amount in sorted(costs.items())}


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def as_markdown(report: Report) -> str:
    """The report for a pull request: what is in it is data, and no markup."""
    parts = [f"**{markdown_line(report.head())}**", ""]
    for part in report.parts():
        parts += [f"### {markdown_line((part.title,))}", ""]
        sections: list[Section] = []
        for each in part.content:
            if isinstance(each, Section):
                sections.append(each)
                continue
            if sections:
                parts.append(markdown(sections, 4))
                sections = []
            parts += _markdown(report, each)
        if sections:
            parts.append(markdown(sections, 4))
    return "\n".join(parts).rstrip() + "\n"


def _markdown(report: Report, each: Line | Table | Example) -> list[str]:
    match each:
        case Table():
            cells = [each.headings, ("---",) * each.names + ("---:",) * (len(each.headings) - each.names), *each.rows]
            rows = [[text if row is cells[1] else markdown_line((text,)) for text in row] for row in cells]
            return ["", *(f"| {' | '.join(row)} |" for row in rows), ""]
        case Example():
            line, why = report.example(each)
            told = [f"  - {markdown_line((side,))}: {markdown_line(('; '.join(said),))}" for side, said in why.items()]
            return [f"- {markdown_line(line)}", *told]
    return [f"{markdown_line(each)}", ""]
