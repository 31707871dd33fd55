"""arauto schema: what it writes are JSON Schemas that good files match and faulty ones do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from arauto.catalogue.diagnostics import Faults
from arauto.catalogue.reader import read
from arauto.cli import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "loja"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["schema", *arguments])
    return int(exit.value.code or 0)


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("project") / ".schemas"
    assert run(str(folder)) == 0
    return {path.name.removesuffix(".schema.json"): json.loads(path.read_text("utf-8")) for path in folder.iterdir()}


def kind_of(path: Path) -> str:
    if path.parent.name == "channels":
        return f"channel-{path.stem}"
    return {"sources": "source", "events": "event", "recipients": "recipients", "worlds": "world"}.get(
        path.parent.name, "project" if path.name == "arauto.yaml" else "notification"
    )


def data_of(path: Path) -> Any:
    faults = Faults()
    document = read(path.name, path.read_bytes(), faults)
    assert document is not None
    return document.data


FILES = sorted(path for path in EXAMPLE.rglob("*.yaml") if "tests" not in path.relative_to(EXAMPLE).parts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(EXAMPLE)))
def test_every_file_of_the_example_matches(schemas: dict[str, Any], path: Path) -> None:
    validator = jsonschema_rs.Draft202012Validator(schemas[kind_of(path)])
    assert [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(data_of(path))] == []


def test_each_is_a_schema_of_draft_2020_12(schemas: dict[str, Any]) -> None:
    assert {"project", "event", "recipients", "notification", "source", "world", "channel-email"} <= schemas.keys()
    for schema in schemas.values():
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        jsonschema_rs.meta.validate(schema)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("event", {"description": "x", "samples": {"a": {}}, "schema": {"type": "strng"}}),
        ("event", {"description": "x", "samples": {"a": {}}, "schema": {}, "extra": 1}),
        ("source", {"kind": "nothing"}),
        ("source", {"kind": "bearer", "secrets": ["env:X"], "events": [{"type": "x", "idd": "body.id"}]}),
        ("channel-email", {"providers": [{"kind": "smtp", "host": "x"}]}),
        ("channel-email", {"providers": [{"kind": "smtp", "host": "x", "from": "a@b.example", "nothing": 1}]}),
        ("recipients", {"people": {"ana": {"emial": "x"}}}),
        ("notification", {"on": "a", "category": "b", "to": [{}], "steps": [{"send": "email"}]}),
        ("notification", {"on": "a", "category": "b", "to": [{"group": "x"}], "steps": [{"sned": "email"}]}),
    ],
)
def test_slips_do_not_match(schemas: dict[str, Any], kind: str, data: Any) -> None:
    assert not jsonschema_rs.Draft202012Validator(schemas[kind]).is_valid(data)


def test_keys_have_descriptions(schemas: dict[str, Any]) -> None:
    assert "server" in schemas["channel-email"]["$defs"]["smtp"]["properties"]["host"]["description"]
    assert schemas["notification"]["$defs"]["NotificationFile"]["properties"]["to"]["description"]


def test_one_kind_to_standard_output(capsys: pytest.CaptureFixture[str], schemas: dict[str, Any]) -> None:
    assert run("--stdout", "event") == 0
    assert json.loads(capsys.readouterr().out) == schemas["event"]


def test_it_says_how_to_connect_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run(str(tmp_path / "schemas"))
    assert "# yaml-language-server: $schema=" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"), [(["--stdout", "evnt"], "known:"), ([], "arauto schema")], ids=["no such kind", "nothing"]
)
def test_what_is_no_use_of_the_command(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert run(*arguments) == 2
    assert words in capsys.readouterr().err
