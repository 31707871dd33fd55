"""What there is, is documented; what is documented, is there."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from arauto import channels, client, sources
from arauto.api.application import application
from arauto.api.keyring import SCOPES
from arauto.cli import COMMANDS, EXIT_CODES, build
from arauto.decide import steps
from arauto.engine import words
from arauto.engine.metrics import Metrics
from arauto.model import Brand

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "README.pt-BR.md", ROOT / "examples/loja/README.md"])


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_documented_and_says_what_its_help_says(command: str) -> None:
    assert f"arauto {command}" in page("reference/cli.md")
    app = build(command)
    registered = {each.name: each.callback for each in app.registered_commands}
    group = next((each.typer_instance for each in app.registered_groups if each.name == command), None)
    said = group.info.help if group is not None else (registered[command].__doc__ or "")
    assert str(said).strip().splitlines()[0] == COMMANDS[command]


def test_every_subcommand_is_documented() -> None:
    text = page("reference/cli.md")
    for command in COMMANDS:
        for group in build(command).registered_groups:
            for each in group.typer_instance.registered_commands:
                name = each.name or each.callback.__name__.replace("_", "-")
                assert f"arauto {command} {name}" in text


def test_every_exit_code_is_documented() -> None:
    text = page("reference/cli.md")
    for code in EXIT_CODES:
        assert f"| {code} |" in text


def test_every_scope_is_documented() -> None:
    for scope in SCOPES:
        assert f"`{scope}`" in page("reference/cli.md")


def problem_codes() -> set[str]:
    """Every code of a refusal in the source."""
    found: set[str] = set()
    for folder in ("api", "channels", "engine", "ingress", "sources"):
        for path in (ROOT / "src/arauto" / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            errors = "BadPayload|BadSignature|IntakeError|UnknownEventType"
            found.update(re.findall(rf"(?:{errors})\(\s*\"([a-z_]+)\"", text))
            found.update(re.findall(r"Refused\(\s*\d+,\s*\"([a-z_]+)\"", text))
    return found


def test_every_problem_code_is_documented() -> None:
    text = page("reference/http-api.md")
    missing = {code for code in problem_codes() if f"`{code}`" not in text}
    assert not missing, f"document them in docs/reference/http-api.md: {sorted(missing)}"


def test_every_call_of_the_api_is_documented() -> None:
    text = page("reference/http-api.md")
    for path in api_paths():
        assert path in text, f"document {path} in docs/reference/http-api.md"


def api_paths() -> list[str]:
    from types import SimpleNamespace

    project = SimpleNamespace(public_url=None, brand=Brand(name="Docs"))
    hub = SimpleNamespace(engine=SimpleNamespace(catalogue=SimpleNamespace(project=project)))
    route = application(hub, None, {}, version="0", receivers={}, releasing=None)  # type: ignore[arg-type]
    api = next(cell.cell_contents for cell in route.__closure__ if hasattr(cell.cell_contents, "openapi"))  # type: ignore[attr-defined]
    return sorted(api.openapi()["paths"])


def test_every_metric_is_documented() -> None:
    text = page("howto/run-in-production.md") + page("reference/settings.md")
    for metric in Metrics().registry.collect():
        assert metric.name in text, f"document the metric {metric.name}"


@pytest.mark.parametrize(
    ("channel", "kind"), [(channel, kind) for channel in channels.names() for kind in channels.providers(channel)]
)
def test_every_setting_of_a_provider_is_documented(channel: str, kind: str) -> None:
    text = page(f"reference/providers/{channel}-{kind.replace('_', '-')}.md")
    for field in msgspec.structs.fields(channels.provider(channel, kind).Settings):
        assert f"`{field.encode_name}`" in text


@pytest.mark.parametrize("kind", sources.names())
def test_every_setting_of_a_source_is_documented(kind: str) -> None:
    text = (ROOT / "src/arauto/sources" / kind / "doc.md").read_text(encoding="utf-8")
    text += page("howto/connect-a-source.md") + page("reference/project.md")
    for field in msgspec.structs.fields(sources.load(kind).Settings):
        assert f"`{field.encode_name}`" in text or f"{field.encode_name}:" in text, field.encode_name


@pytest.mark.parametrize("name", [*channels.names(), *steps.names(), *sources.names()])
def test_every_channel_step_and_source_kind_is_named_in_the_reference(name: str) -> None:
    assert name in page("reference/project.md")


def test_every_reason_has_words_in_both_languages() -> None:
    said: set[str] = set()
    for folder in ("decide", "engine", "language"):
        for path in (ROOT / "src/arauto" / folder).rglob("*.py"):
            said.update(re.findall(r"Reason\(\s*\"([a-z_]+)\"", path.read_text(encoding="utf-8")))
    for language in words.LANGUAGES:
        known = set(words._words(language))
        assert said <= known, f"engine/words/{language}.yaml lacks {sorted(said - known)}"
    assert set(words._words("en")) == set(words._words("pt-BR"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "@@" not in text, "a placeholder is left"
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target and not target.startswith(("mailto:", "{{")):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} links to {target}, which is not there"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_into_a_page_name_a_heading_of_it(path: Path) -> None:
    for name, heading in re.findall(r"\]\(((?:[^)#\s:]+\.md)?)#([^)\s]+)\)", path.read_text(encoding="utf-8")):
        text = ((path.parent / name) if name else path).read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.*)$", text, re.M)
        there = {re.sub(r"&\w+;|[^\w\- ]", "", each).strip().lower().replace(" ", "-") for each in headings}
        assert heading in there, f"{path.relative_to(ROOT)} links to {name}#{heading}; there are {sorted(there)}"


def test_the_readmes_link_to_each_other_and_name_the_two_commands() -> None:
    english, portuguese = (ROOT / name for name in ("README.md", "README.pt-BR.md"))
    assert "README.pt-BR.md" in english.read_text(encoding="utf-8")
    assert "README.md" in portuguese.read_text(encoding="utf-8")
    for readme in (english, portuguese):
        text = readme.read_text(encoding="utf-8")
        assert "make demo" in text
        assert "make test" in text


def test_the_clients_public_names_are_documented() -> None:
    for name in ("Client", "AsyncClient"):
        assert hasattr(client, name)
        assert name in page("reference/http-api.md")


def test_no_page_names_a_machine_or_a_registry() -> None:
    for path in PAGES:
        assert not re.search(r"/work/|/root/|index-url", path.read_text(encoding="utf-8")), path
