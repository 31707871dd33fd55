"""GitHub's real payloads, one for each of its events: each gives an event with a line that people can read."""

from __future__ import annotations

import hmac
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arauto.ingress import Request
from arauto.secret import Secret
from arauto.sources import github
from arauto.sources.github.summary import summarize

SHARED = Path(__file__).parents[3] / "shared" / "payloads" / "github"
PAYLOADS = sorted(SHARED.glob("*.json"))
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SOURCE = github.compile("github", github.Settings(secrets=(Secret("It's a Secret to Everybody"),)))


def signed(event: str, body: bytes) -> Request:
    signature = hmac.digest(b"It's a Secret to Everybody", body, "sha256").hex()
    headers = {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "x-hub-signature-256": f"sha256={signature}",
    }
    return Request(
        method="POST", path="/in/github", query=(), headers=tuple(headers.items()), body=body, url="https://a.example/"
    )


def test_the_payloads_are_there() -> None:
    if not PAYLOADS:
        pytest.skip(f"GitHub's payloads (octokit/webhooks) are not in {SHARED.parent.parent.name}/payloads/github")
    assert len(PAYLOADS) == 57


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: path.name.removesuffix(".json"))
def test_every_event_of_github(path: Path) -> None:
    event = path.name.partition(".")[0]
    body = path.read_bytes()
    call = signed(event, body)
    SOURCE.verify(call, NOW)
    [draft] = SOURCE.events(call, NOW)
    assert (draft.type, draft.id) == (f"github.{event}", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
    payload = json.loads(body)
    assert draft.data == {**payload, "summary": draft.data["summary"]}
    summary = draft.data["summary"]
    assert 15 < len(summary) < 250
    assert summary[-1] not in " ,"
    assert not re.search(r"None|null|undefined|True|False|[{}\[\]|_]{2}|  ", summary)
    assert summary != summarize("never_seen", payload), "a known event has a line of its own"
    if repository := payload.get("repository"):
        assert draft.subject == repository["full_name"]


PERSON = {"login": "octocat"}
REPOSITORY = {"full_name": "octocat/Hello-World"}
PULL = {"number": 2, "title": "Update the README"}

LINES: dict[str, tuple[str, dict[str, Any]]] = {
    "octocat opened pull request #2: Update the README": ("pull_request", {"action": "opened", "pull_request": PULL}),
    "octocat closed pull request #2: Update the README": (
        "pull_request", {"action": "closed", "pull_request": {**PULL, "merged": False}},
    ),
    "octocat merged pull request #2: Update the README": (
        "pull_request", {"action": "closed", "pull_request": {**PULL, "merged": True}},
    ),
    "octocat pushed to pull request #2: Update the README": (
        "pull_request", {"action": "synchronize", "pull_request": PULL},
    ),
    "octocat asked hubot to review pull request #2: Update the README": (
        "pull_request",
        {"action": "review_requested", "pull_request": PULL, "requested_reviewer": {"login": "hubot"}},
    ),
    "octocat asked the team docs to review pull request #2: Update the README": (
        "pull_request", {"action": "review_requested", "pull_request": PULL, "requested_team": {"name": "docs"}},
    ),
    "octocat approved pull request #2: Update the README": (
        "pull_request_review", {"action": "submitted", "review": {"state": "approved"}, "pull_request": PULL},
    ),
    "octocat asked for changes in pull request #2: Update the README": (
        "pull_request_review", {"action": "submitted", "review": {"state": "changes_requested"}, "pull_request": PULL},
    ),
    "octocat commented on issue #7: It breaks": (
        "issue_comment", {"action": "created", "issue": {"number": 7, "title": "It breaks"}},
    ),
    "octocat commented on pull request #7: It breaks": (
        "issue_comment",
        {"action": "created", "issue": {"number": 7, "title": "It breaks", "pull_request": {"url": "…"}}},
    ),
    "octocat pushed 1 commit to main in octocat/Hello-World: Fix it": (
        "push", {"ref": "refs/heads/main", "commits": [{}], "head_commit": {"message": "Fix it\n\nAt length."}},
    ),
    "octocat pushed 3 commits to main in octocat/Hello-World": (
        "push", {"ref": "refs/heads/main", "commits": [{}, {}, {}], "head_commit": None},
    ),
    "octocat force-pushed to feature/x in octocat/Hello-World: Fix it": (
        "push", {"ref": "refs/heads/feature/x", "forced": True, "commits": [], "head_commit": {"message": "Fix it"}},
    ),
    "octocat pushed the new tag v1 to octocat/Hello-World: Fix it": (
        "push", {"ref": "refs/tags/v1", "created": True, "commits": [], "head_commit": {"message": "Fix it"}},
    ),
    "octocat deleted the branch old of octocat/Hello-World": (
        "push", {"ref": "refs/heads/old", "deleted": True, "commits": []},
    ),
    "Workflow CI failed on main in octocat/Hello-World": (
        "workflow_run",
        {
            "action": "completed",
            "workflow": {"name": "CI"},
            "workflow_run": {"conclusion": "failure", "head_branch": "main"},
        },
    ),
    "Workflow CI is in progress on main in octocat/Hello-World": (
        "workflow_run",
        {"action": "in_progress", "workflow": {"name": "CI"}, "workflow_run": {"head_branch": "main"}},
    ),
    "octocat edited the wiki page Home and 2 more in octocat/Hello-World": (
        "gollum", {"pages": [{"action": "edited", "title": "Home"}, {}, {}]},
    ),
    "octocat: sub issues, parent issue added, in octocat/Hello-World": (
        "sub_issues", {"action": "parent_issue_added"},
    ),
    "octocat: pull request, opened, in octocat/Hello-World": ("pull_request", {"action": "opened"}),
    "octocat opened issue #1: " + "x" * 119 + "…": (
        "issues", {"action": "opened", "issue": {"number": 1, "title": "x" * 500}},
    ),
    "octocat opened issue #1: one two": (
        "issues", {"action": "opened", "issue": {"number": 1, "title": " one\u202e\x00\ttwo\nthree"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("line", "case"), LINES.items(), ids=[line[:60] for line in LINES])
def test_lines(line: str, case: tuple[str, dict[str, Any]]) -> None:
    event, payload = case
    assert summarize(event, {"sender": PERSON, "repository": REPOSITORY, **payload}) == line


def test_a_payload_with_nothing_in_it_still_has_a_line() -> None:
    assert summarize("brand_new", {}) == "brand new"
    assert summarize("", {}) == ""


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["action", "sender", "login", "repository", "full_name", "commits", "ref", "pages", "issue"]
            ),
            inner,
        )
    ),
)
events = st.sampled_from(sorted({path.name.partition(".")[0] for path in PAYLOADS} or {"push", "issues"}))


@given(events, st.dictionaries(st.sampled_from(["action", "sender", "commits", "pages", "ref", "issue"]), anything))
def test_any_payload_has_one_line(event: str, payload: dict[str, Any]) -> None:
    line = summarize(event, payload)
    assert line
    assert line.isprintable()
