# ruff: noqa: E501 - a case is a line, so that it can be read as one
"""tests/*.yaml: what is written becomes cases, and every slip is told at its place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from arauto.catalogue import check_project, compile_project
from arauto.catalogue.case import Answers, Case, Changes, Comes, Fails, Of, Silences, Wants
from arauto.catalogue.cases import compile_cases
from arauto.errors import CatalogueFaulty, UsageFault
from arauto.model import Catalogue

LOJA = Path(__file__).parents[2] / "examples/loja"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return compile_project(LOJA)


def compiled(tmp_path: Path, catalogue: Catalogue, text: str) -> list[Case]:
    (tmp_path / "tests").mkdir(exist_ok=True)
    (tmp_path / "tests/a.yaml").write_text(text, encoding="utf-8")
    return compile_cases(tmp_path, catalogue)


CASE = """\
name: a case
now: 2026-03-02T09:00
recipients:
  c-1: {locale: pt-BR, email: true, push: true}
wishes:
  c-1: {categories: {tips: {"*": true}}}
when:
  - event: cart.left
  - at: +1h
    event: order.paid
    sample: typical
    with: {customer: {id: c-1}}
  - at: "10:30"
    receipt: read
    of: {to: c-1, by: push}
  - at: +2h
    provider: {channel: sms, fails: later, times: 2}
  - silence: {categories: [orders], until: +3h}
  - wishes: {c-1: {quiet_hours: {start: "22:00", end: "07:00", days: [sat]}}}
expect:
  - {at: "10:00", to: c-1, by: push, title: Hello}
  - {between: [+3h, +4h], language: pt-BR}
"""
FAULTS = [
    ("now: 2026-03-02T09:00", "now: tomorrow", 2, 6, "bad-moment"),
    ("now: 2026-03-02T09:00", "now: 2026-02-30T09:00", 2, 6, "bad-moment"),
    ("now: 2026-03-02T09:00", "now: +1h", 2, 6, "bad-moment"),
    ("now: 2026-03-02T09:00", "now: 9999-12-31T20:00", 2, 6, "bad-moment"),
    ("at: +1h", "at: 0001-01-01T00:00Z", 9, 9, "bad-moment"),
    ("at: +1h", "at: +1x", 9, 9, "bad-duration"),
    ("at: +1h", "at: soon", 9, 9, "bad-moment"),
    ("at: +2h", "at: +1h", 16, 9, "bad-span"),
    ("event: cart.left", "event: cart.lft", 8, 12, "unknown-event-type"),
    ("sample: typical", "sample: typcal", 11, 13, "unknown-sample"),
    ("with: {customer: {id: c-1}}", "with: {customer: {id: 1}}", 12, 27, "bad-data"),
    ("sample: typical\n    with: {customer: {id: c-1}}", "data: {order: 1}", 11, 11, "bad-data"),
    ("of: {to: c-1, by: push}", "of: {to: c-1, by: pusch}", 15, 23, "unknown-channel"),
    ("channel: sms,", "channel: smms,", 17, 25, "unknown-channel"),
    ("fails: later", "fails: late", 17, 37, "bad-value"),
    ("times: 2", "name: vonage", 17, 50, "unknown-provider"),
    ("categories: [orders]", "categories: [order]", 18, 28, "unknown-category"),
    ("categories: [orders]", "notifications: [order-ship]", 18, 31, "unknown-notification"),
    ("until: +3h", "until: +1h", 18, 44, "bad-span"),
    ("{tips:", "{tip:", 6, 22, "unknown-category"),
    ("email: true", "email: nowhere", 4, 31, "bad-address"),
    ("  c-1: {locale", "  ana: {locale", 4, 3, "duplicate-recipient"),
    ("locale: pt-BR, email", "locale: xx, email", 4, 17, "bad-locale"),
    ('start: "22:00"', 'start: "25:00"', 19, 41, "bad-time"),
    ("[+3h, +4h]", "[+4h, +3h]", 22, 15, "bad-span"),
    ("[+3h, +4h]", "[+4h]", 22, 15, "bad-value"),
    ("receipt: read", "receipt: reed", 14, 14, "bad-value"),
    ("receipt: read", "receipt: read\n    event: cart.left", 13, 5, "one-of"),
    ("event: cart.left", "sample: typical", 8, 5, "one-of"),
    ("title: Hello}", "titel: Hello}", 21, 38, "unknown-key"),
    ("expect:", "expected:", 20, 1, "unknown-key"),
    ("expect:\n", "others: yes\nexpect:\n", 20, 9, "bad-value"),
    ("name: a case\n", "", 1, 1, "missing-key"),
    ("- silence:", "- project: ../no\n  - silence:", 18, 14, "missing-file"),
]


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "code"), FAULTS, ids=[f"{each[4]}: {each[1].strip()}" for each in FAULTS]
)
def test_a_slip_is_told_at_its_place(
    tmp_path: Path, catalogue: Catalogue, old: str, new: str, line: int, column: int, code: str
) -> None:
    assert CASE.count(old) >= 1
    with pytest.raises(CatalogueFaulty) as faulty:
        compiled(tmp_path, catalogue, CASE.replace(old, new, 1))
    told = [(each.code, each.line, each.column) for each in faulty.value.diagnostics]
    assert told[0] == (code, line, column), faulty.value
    assert {each.file for each in faulty.value.diagnostics} == {"tests/a.yaml"}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("name: a case\n", "", "missing-key"),
        ("name: a case", "name: 7", "wrong-type"),
        ("now: 2026-03-02T09:00\n", "", "missing-key"),
        ("now: 2026-03-02T09:00", "now: tomorrow", "bad-moment"),
        ("event: cart.left", "id: x", "one-of"),
        ("  - event: cart.left", "  - 7", "wrong-type"),
        ("receipt: read", "receipt: reed", "bad-value"),
        ("times: 2}", "times: 0}", "bad-value"),
        ("between: [+3h, +4h], ", "between: 3, ", "wrong-type"),
        ("categories: [orders]", "categories: 7", "wrong-type"),
    ],
    ids=lambda value: str(value).strip(),
)
def test_a_slip_in_the_shape_of_a_case_hides_no_other(
    tmp_path: Path, catalogue: Catalogue, old: str, new: str, code: str
) -> None:
    others = (
        ("email: true", "email: nowhere", "bad-address"),
        ("sample: typical", "sample: typcal", "unknown-sample"),
        ("by: push, title", "by: pusch, title", "unknown-channel"),
        ("{tips:", "{tip:", "unknown-category"),
    )
    text = CASE.replace(old, new, 1)
    for other, wrong, _ in others:
        text = text.replace(other, wrong, 1)
    with pytest.raises(CatalogueFaulty) as faulty:
        compiled(tmp_path, catalogue, text)
    assert sorted(each.code for each in faulty.value.diagnostics) == sorted([code, *(each[2] for each in others)])


def test_a_system_may_be_a_recipient_of_a_case_alone(tmp_path: Path, catalogue: Catalogue) -> None:
    text = "{name: a, now: 2026-03-02T09:00, recipients: {c-1: {email: true}}, systems: {crm: {webhook: true}}, when: [], expect: nothing}"
    (case,) = compiled(tmp_path, catalogue, text)
    assert [(each.id, each.kind) for each in case.recipients] == [("c-1", "person"), ("crm", "system")]
    for id, place in (("erp", 78), ("c-1", 78)):
        with pytest.raises(CatalogueFaulty) as faulty:
            compiled(tmp_path, catalogue, text.replace("crm", id))
        assert [(each.code, each.column) for each in faulty.value.diagnostics] == [("duplicate-recipient", place)]


def test_cases_that_go_over_to_the_same_version_share_it(tmp_path: Path, catalogue: Catalogue) -> None:
    case = f"{{name: NAME, now: 2026-03-02T09:00, when: [{{project: {LOJA}}}], expect: nothing}}\n"
    first, second = compiled(tmp_path, catalogue, "".join(f"- {case.replace('NAME', name)}" for name in "ab"))
    (one,), (other,) = first.happenings, second.happenings
    assert isinstance(one.what, Changes)
    assert isinstance(other.what, Changes)
    assert one.what.catalogue is other.what.catalogue


def test_check_finds_the_faults_of_cases_too(tmp_path: Path) -> None:
    project = tmp_path / "loja"
    copytree(LOJA, project)
    case = project / "tests/a.yaml"
    case.write_text(
        "{name: a, now: 2026-03-02T09:00, when: [{event: order.payed}], expect: nothing}\n", encoding="utf-8"
    )
    with pytest.raises(CatalogueFaulty) as faulty:
        check_project(project)
    assert [str(each).split(" ")[0] for each in faulty.value.diagnostics] == ["tests/a.yaml:1:49"]


def test_a_name_that_stands_twice_is_a_fault(tmp_path: Path, catalogue: Catalogue) -> None:
    case = "- {name: a, now: 2026-03-02T09:00, when: [], expect: nothing}\n"
    with pytest.raises(CatalogueFaulty) as faulty:
        compiled(tmp_path, catalogue, case + case)
    assert [(each.code, each.line) for each in faulty.value.diagnostics] == [("duplicate-case", 2)]


def test_a_project_without_tests_says_where_to_write_one(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(UsageFault, match=r"tests/first\.yaml"):
        compile_cases(tmp_path, catalogue)


def test_what_is_written_becomes_a_case(tmp_path: Path, catalogue: Catalogue) -> None:
    (case,) = compiled(tmp_path, catalogue, CASE)
    start = datetime(2026, 3, 2, 12, tzinfo=UTC)  # nine o'clock in São Paulo
    hour = timedelta(hours=1)
    assert (case.start, case.line, case.others_allowed) == (start, 1, False)
    assert [each.at - start for each in case.happenings] == [0 * hour, hour, 1.5 * hour, 2 * hour, 2 * hour, 2 * hour]
    left, paid, read, fails, silence, wants = (each.what for each in case.happenings)
    assert isinstance(left, Comes)
    assert left.draft.data["customer"] == {"id": "c-20817"}, "the first sample"
    assert isinstance(paid, Comes)
    assert paid.draft.data["customer"]["id"] == "c-1"
    assert paid.draft.data["customer"]["language"] == "pt-BR", "the rest is the sample's"
    assert read == Answers("read", Of("c-1", "push"), False)
    assert fails == Fails("sms", "later", None, 2, None)
    assert isinstance(silence, Silences)
    assert (silence.silence.end, silence.silence.categories) == (start + 3 * hour, ("orders",))
    assert isinstance(wants, Wants)
    assert wants.wishes["c-1"].quiet_hours is not None
    assert wants.wishes["c-1"].quiet_hours.days == (5,)
    ten, span = case.expected
    assert (ten.earliest, ten.latest) == (start + hour, start + hour + timedelta(minutes=1))
    assert (span.earliest, span.latest) == (start + 3 * hour, start + 4 * hour + timedelta(seconds=1))
    addresses: dict[str, Any] = case.recipients[0].addresses
    assert addresses["email"] == ["c-1@example.com"]
    assert addresses["push"][0]["endpoint"] == "https://push.example.com/c-1"


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("+1d2h", "2026-03-03T14:00"),
        ('"10:00"', "2026-03-02T13:00"),
        ('"09:00"', "2026-03-02T12:00"),
        ('"08:59"', "2026-03-03T11:59"),
        ("2026-03-03T10:00", "2026-03-03T13:00"),
        ("2026-03-03 10:00", "2026-03-03T13:00"),
        ("2026-03-03T10:00Z", "2026-03-03T10:00"),
        ("2026-03-03T10:00-04:00", "2026-03-03T14:00"),
    ],
    ids=["after the beginning", "later today", "now", "tomorrow", "a day", "with a space", "in UTC", "with an offset"],
)
def test_a_time_may_be_written_in_three_ways(tmp_path: Path, catalogue: Catalogue, written: str, utc: str) -> None:
    text = f"{{name: a, now: 2026-03-02T09:00, when: [], expect: [{{at: {written}, to: x}}]}}"
    (case,) = compiled(tmp_path, catalogue, text)
    assert case.expected[0].earliest == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_addresses_that_are_made_up_are_ones_that_their_channels_take(tmp_path: Path, catalogue: Catalogue) -> None:
    text = "{name: a, now: 2026-03-02T09:00, recipients: {'Ü 1': {%s}}, when: [], expect: nothing}"
    every = ", ".join(f"{channel}: true" for channel in catalogue.channels if channel != "inapp")
    (case,) = compiled(tmp_path, catalogue, text % every)
    assert len(case.recipients[0].addresses) == len(catalogue.channels) - 1
