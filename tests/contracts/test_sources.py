"""One suite over every source kind: what each promises by being a folder of ``sources``.

A new kind is tested by being there. A failing fixture says what to write into which file.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from arauto import sources
from arauto.errors import BadPayload, BadSignature, SecretMissing, UsageFault
from arauto.ingress import Request, SettingsFaulty
from arauto.secret import Secret
from arauto.sources import Draft, Source

RIGHT_FORM = {"standard_webhooks": "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnk="}
"""Another secret of the form that a kind demands; elsewhere any text will do."""


def folder(kind: str) -> Path:
    return Path(str(files(sources.load(kind).__name__)))


def secret(reference: Any, value: Any) -> Any:
    return Secret(value) if reference is Secret else value


def build(kind: str, settings: dict[str, Any], name: str | None = None) -> Source:
    module: ModuleType = sources.load(kind)
    source: Source = module.compile(name or kind, msgspec.convert(settings, module.Settings, dec_hook=secret))
    return source


CALLED = [kind for kind in sources.names() if not sources.load(kind).KIND.by_clock]
"""The others are held to their contract in test_schedules.py."""
FIXTURES = [
    pytest.param(kind, path, json.loads(path.read_text(encoding="utf-8")), id=f"{kind}: {path.stem}")
    for kind in CALLED
    for path in sorted((folder(kind) / "fixtures").glob("*.json"))
]
with_fixtures = pytest.mark.parametrize(("kind", "path", "fixture"), FIXTURES)
every_kind = pytest.mark.parametrize("kind", sources.names())
every_called_kind = pytest.mark.parametrize("kind", CALLED)


def request_of(fixture: dict[str, Any]) -> Request:
    written = fixture["request"]
    return Request(
        method=written["method"],
        path=written["path"],
        query=tuple(written["query"].items()),
        headers=tuple(written["headers"].items()),
        body=written["body"].encode(),
        url=f"https://avisos.example{written['path']}",
    )


def now_of(fixture: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(fixture["now"])


def as_json(draft: Draft) -> dict[str, Any]:
    """A draft as fixtures write it: without what is absent."""
    told = {
        "source": draft.source,
        "id": draft.id,
        "type": draft.type,
        "time": draft.time.astimezone(UTC).isoformat().replace("+00:00", "Z") if draft.time else None,
        "subject": draft.subject,
        "data": draft.data,
    }
    return {key: value for key, value in told.items() if value is not None}


def differing_secrets(kind: str, settings: dict[str, Any]) -> dict[str, Any]:
    wrong = RIGHT_FORM.get(kind, "another-secret")
    public = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    return {
        **settings,
        **({"secrets": [wrong]} if "secrets" in settings else {}),
        **({"public_keys": [public]} if "public_keys" in settings else {}),
    }


# -- what a kind consists of ---------------------------------------------------------------------------------------


@every_kind
def test_has_what_a_kind_needs(kind: str) -> None:
    module = sources.load(kind)
    where = f"{kind}/__init__.py"
    assert isinstance(getattr(module, "KIND", None), sources.Kind), f'add KIND = Kind("…") to {where}'
    assert issubclass(module.Settings, msgspec.Struct), f"make Settings in {where} a Struct"
    assert module.Settings.__struct_config__.frozen, f"make Settings in {where} frozen"
    assert module.Settings.__struct_config__.forbid_unknown_fields, f"give Settings in {where} forbid_unknown_fields"
    assert module.__doc__, f"say in the docstring of {where} whose calls it takes, or when its events come"


@every_kind
def test_has_a_page_that_explains_every_setting(kind: str) -> None:
    page = folder(kind) / "doc.md"
    assert page.exists(), f"write {kind}/doc.md: what it takes, an example, its events, its settings"
    text = page.read_text(encoding="utf-8")
    title = sources.load(kind).KIND.title
    assert text.startswith(f"# {title}\n"), f"{kind}/doc.md has to begin with '# {title}', the title of its KIND"
    missing = [name for name in sources.load(kind).Settings.__struct_fields__ if f"| `{name}` |" not in text]
    assert not missing, f"add rows to the settings in {kind}/doc.md: {', '.join(missing)}"
    assert f"kind: {kind}\n" in text, f"show in {kind}/doc.md how it is used: kind: {kind}"


@every_kind
def test_has_a_fixture(kind: str) -> None:
    found = list((folder(kind) / "fixtures").glob("*.json"))
    assert found, f"put a recorded call into {kind}/fixtures/NAME.json; copy the form of another kind's"


# -- fixture in, events out ----------------------------------------------------------------------------------------


@with_fixtures
def test_gives_the_events_that_its_fixture_says(kind: str, path: Path, fixture: dict[str, Any]) -> None:
    source, request, now = build(kind, fixture["settings"]), request_of(fixture), now_of(fixture)
    source.prepare()
    answer = source.handshake(request, now)
    if "answer" in fixture:
        assert answer is not None, f"{path.name} is a handshake, and the kind does not answer it"
        assert {"status": answer.status, "body": answer.body.decode()} == fixture["answer"]
        return
    assert answer is None
    source.verify(request, now)
    given = [as_json(draft) for draft in source.events(request, now)]
    assert given == fixture["events"], (
        f"\n{kind}/fixtures/{path.name} says otherwise. If the events given are right, write into it:\n"
        f'"events": {json.dumps(given, indent=2, ensure_ascii=False)}'
    )
    assert source.accepted.status == fixture["accepted"], f'"accepted" in {path.name} is not the answer of the source'


@with_fixtures
def test_gives_only_types_that_it_declares(kind: str, path: Path, fixture: dict[str, Any]) -> None:
    source = build(kind, fixture["settings"])
    own = [name for _, name in source.types]
    patterns = own or sources.load(kind).KIND.types
    for event in fixture.get("events", ()):
        assert any(fnmatchcase(event["type"], pattern) for pattern in patterns), (
            f"{path.name} gives an event of the type {event['type']!r}, which nothing declares. Add it to types of "
            f'KIND in {kind}/__init__.py, or to "events" in the settings of the fixture'
        )
    assert source.strict_types == bool(own), "events of one's own are checked; a sender's vocabulary is not"
    for place, name in source.types:
        entry: Any = fixture["settings"]
        for step in place:
            entry = entry[step]
        assert entry == name, "types have to name their places in the settings"


# -- who may come in -----------------------------------------------------------------------------------------------


@with_fixtures
def test_refuses_a_wrong_secret(kind: str, path: Path, fixture: dict[str, Any]) -> None:
    source = build(kind, differing_secrets(kind, fixture["settings"]))
    with pytest.raises(BadSignature) as refusal:
        source.verify(request_of(fixture), now_of(fixture))
    assert refusal.value.code == "bad_signature"
    assert refusal.value.status == 401
    if "answer" in fixture:
        with pytest.raises(BadSignature):
            source.handshake(request_of(fixture), now_of(fixture))


@with_fixtures
def test_refuses_a_call_without_any_signature(kind: str, path: Path, fixture: dict[str, Any]) -> None:
    request = msgspec.structs.replace(
        request_of(fixture), headers=(("content-type", "application/json"),), query=(("x", "1"),)
    )
    with pytest.raises(BadSignature) as refusal:
        build(kind, fixture["settings"]).verify(request, now_of(fixture))
    assert refusal.value.code == "missing_signature"


@with_fixtures
def test_shows_its_secret_nowhere(kind: str, path: Path, fixture: dict[str, Any]) -> None:
    source, request, now = build(kind, fixture["settings"]), request_of(fixture), now_of(fixture)
    source.verify(request, now)
    shown = [repr(source), repr(vars(source))]
    if "answer" not in fixture:
        shown += [repr(draft) for draft in source.events(request, now)]
    faulty = msgspec.structs.replace(request, body=request.body + b"\0")
    for call in (source.verify, source.events, source.handshake):
        try:
            call(faulty, now)
        except (BadSignature, BadPayload) as error:
            shown += [repr(error), str(error), repr(error.errors), repr(error.__cause__), repr(error.__context__)]
    for planted in [*fixture["settings"].get("secrets", ()), *fixture["settings"].get("public_keys", ())]:
        assert not [text for text in shown if planted in text]


@every_called_kind
def test_names_a_missing_or_broken_secret_by_its_place(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, _, fixture = next(each.values for each in FIXTURES if each.values[0] == kind)
    settings = {key: value for key, value in fixture["settings"].items() if key != "public_keys"}
    monkeypatch.delenv("ARAUTO_TEST_SECRET", raising=False)
    source = build(kind, {**settings, "secrets": ["env:ARAUTO_TEST_SECRET"]})
    with pytest.raises(SecretMissing, match="ARAUTO_TEST_SECRET"):
        source.prepare()
    empty = tmp_path / "empty"
    empty.write_text("\n")
    source = build(kind, {**settings, "secrets": [f"file:{empty}"]})
    with pytest.raises(UsageFault, match="empty"):
        source.prepare()


@every_called_kind
def test_refuses_settings_without_a_secret(kind: str) -> None:
    _, _, fixture = next(each.values for each in FIXTURES if each.values[0] == kind)
    settings = {key: value for key, value in fixture["settings"].items() if key != "public_keys"}
    with pytest.raises(SettingsFaulty) as faulty:
        build(kind, {**settings, "secrets": []})
    assert ("secrets",) in [fault.path for fault in faulty.value.faults]


# -- whatever may come ---------------------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    max_leaves=12,
)
words = st.sampled_from(
    [
        "id",
        "type",
        "action",
        "data",
        "object",
        "event",
        "event_id",
        "event_time",
        "created",
        "payload",
        "sender",
        "alert",
    ]
)


@every_called_kind
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_survives_any_body(kind: str, data: st.DataObject) -> None:
    _, _, fixture = data.draw(st.sampled_from([each.values for each in FIXTURES if each.values[0] == kind]))
    body = data.draw(
        st.binary(max_size=64)
        | st.dictionaries(words, anything, max_size=6).map(lambda tree: json.dumps(tree).encode())
        | anything.map(lambda tree: json.dumps(tree).encode())
    )
    source, now = build(kind, fixture["settings"]), now_of(fixture)
    request = msgspec.structs.replace(request_of(fixture), body=body)
    drafts = None
    for call in (source.handshake, source.verify, source.events):
        with suppress(BadSignature, BadPayload):
            drafts = call(request, now)
    if isinstance(drafts, list):
        assert all(draft.id and draft.type for draft in drafts)


@every_called_kind
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_survives_any_header(kind: str, data: st.DataObject) -> None:
    _, _, fixture = data.draw(st.sampled_from([each.values for each in FIXTURES if each.values[0] == kind]))
    request = request_of(fixture)
    latin = st.text(st.characters(max_codepoint=255), max_size=40)
    pieces = st.sampled_from(["t", "=", ",", ";", " ", "v1", "v0", "sha256", "ts", "9" * 20, "-1", "Bearer", "%", "é"])
    value = latin | st.lists(pieces, max_size=12).map("".join)
    headers = tuple(
        (name, data.draw(value, label=name) if data.draw(st.booleans(), label=f"replace {name}") else old)
        for name, old in request.headers
    )
    source, now = build(kind, fixture["settings"]), now_of(fixture)
    for call in (source.verify, source.events):
        with suppress(BadSignature, BadPayload):
            call(msgspec.structs.replace(request, headers=headers), now)
