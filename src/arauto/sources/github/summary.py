"""One readable line for every GitHub webhook: who did what, to what, where.

The lines are templates in ``summaries.txt``, by event and action. What GitHub adds tomorrow gets a plain fallback.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.resources import files

from arauto.ingress.template import fill, parse_template
from arauto.model import JSON

MAX_LINE = 120
"""How much of one title or message a line shows."""

_OUTCOMES = {
    "action_required": "needs somebody to act",
    "built": "was built",
    "cancelled": "was cancelled",
    "error": "failed",
    "errored": "failed",
    "failure": "failed",
    "inactive": "is no longer active",
    "in_progress": "is in progress",
    "neutral": "ended without a verdict",
    "pending": "is pending",
    "queued": "is queued",
    "skipped": "was skipped",
    "stale": "went stale",
    "startup_failure": "did not start",
    "success": "succeeded",
    "timed_out": "timed out",
    "waiting": "is waiting",
}
_ACTIONS = {"checks_requested": "requested", "requested_action": "asked to act", "rerequested": "requested again"}


_ALIASES = {"actor": "sender.login", "account": "installation.account.login", "verb": "action"}


def summarize(event: str, payload: Mapping[str, JSON]) -> str:
    """The line for this payload of the event named in ``X-GitHub-Event``."""

    def value(hole: str) -> str | None:
        match hole:
            case "event":
                return event.replace("_", " ")
            case "repo":
                return _line(_at(payload, "repository.full_name") or _at(payload, "organization.login"))
            case "verb":
                action = _at(payload, "action")
                return _line(_ACTIONS.get(action, _words(action)) if isinstance(action, str) else None)
        path, _, filter_ = hole.partition("|")
        found = _at(payload, _ALIASES.get(path, path))
        return _line(_FILTERS[filter_](found) if filter_ else found)

    for key in (f"{event}.{_action(event, payload)}", event):
        if (template := _COMPILED.get(key)) and (text := fill(template, value)):
            return " ".join(text.split())
    return fill(_FALLBACK, value) or event


def _action(event: str, payload: Mapping[str, JSON]) -> JSON:
    """The action, or what says more than the action."""
    match event, payload.get("action"):
        case "push", _:
            return next((flag for flag in ("deleted", "created", "forced") if payload.get(flag)), None)
        case "pull_request", "closed" if _at(payload, "pull_request.merged"):
            return "merged"
        case "pull_request_review", "submitted":
            return _at(payload, "review.state")
        case _, action:
            return action


def _at(payload: JSON, path: str) -> JSON:
    """What lies at this dotted path; None where nothing does."""
    value = payload
    for key in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _line(value: JSON) -> str | None:
    """The first line of a text, shortened; None for what has no text."""
    if type(value) not in (str, int):
        return None
    lines = str(value).strip().splitlines()
    line = " ".join("".join(each if each.isprintable() else " " for each in lines[0]).split()) if lines else ""
    return (line if len(line) <= MAX_LINE else line[: MAX_LINE - 1].rstrip() + "…") or None


def _words(value: str) -> str:
    return _CAPITAL.sub(r" \1", value).replace("_", " ").lower()


def _with_article(value: str) -> str:
    words = _words(value)
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"


def _further(values: list[JSON]) -> str | None:
    return f"{len(values) - 1} more" if len(values) > 1 else None


def _commits(values: list[JSON]) -> str:
    return "1 commit" if len(values) == 1 else f"{len(values)} commits"


def _on(kind: type, filter_: Callable[[JSON], str | None]) -> Callable[[JSON], str | None]:
    """The filter, applied to values of the kind that it understands."""
    return lambda value: filter_(value) if isinstance(value, kind) else None


_CAPITAL = re.compile(r"(?<=[a-z])([A-Z])")
_FILTERS: dict[str, Callable[[JSON], str | None]] = {
    "article": _on(str, _with_article),
    "commits": _on(list, _commits),
    "further": _on(list, _further),
    "outcome": _on(str, lambda value: _OUTCOMES.get(value, f"ended: {_words(value)}")),
    "ref": _on(str, lambda value: value.removeprefix("refs/heads/").removeprefix("refs/tags/")),
    "ref_kind": _on(str, lambda value: "tag" if value.startswith("refs/tags/") else "branch"),
    "short": _on(str, lambda value: value[:7]),
    "thing": _on(dict, lambda value: "pull request" if value.get("pull_request") else "issue"),
    "version": _on(str, lambda value: value[:19]),
    "words": _on(str, _words),
}
_COMPILED = {
    key: parse_template(template)
    for key, _, template in (
        line.partition(" = ")
        for line in files(__package__).joinpath("summaries.txt").read_text(encoding="utf-8").splitlines()
    )
    if template
}
_FALLBACK = parse_template("[{actor}: ]{event}[, {verb}][, in {repo}]")
