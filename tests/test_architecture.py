"""The house stands as docs/architecture.md draws it: who may import whom, whole plug-in folders, no drawers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from arauto import channels, errors, sources
from arauto.decide import steps

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "arauto"
MODULES = sorted(PACKAGE.rglob("*.py"))


def table() -> list[list[str]]:
    """The rows of the layer table, highest first."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = re.search(r"## Who may import whom.*?```\n(.*?)```", text, re.DOTALL)
    assert block, "docs/architecture.md has no table under 'Who may import whom'"
    return [[entry.strip() for entry in line.split("|")] for line in block[1].strip().splitlines()]


ROWS = table()


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room_of(module: str) -> tuple[int, str] | None:
    """(row, room) of a module, given without the package's own name; None for the package itself."""
    if not module:
        return None
    for row, entries in enumerate(ROWS):
        for entry in entries:
            if entry.endswith("/*"):
                family = entry[:-2]
                if module == family or module.startswith(f"{family}."):
                    rest = module.removeprefix(family).strip(".").split(".")[0]
                    plugin = rest if (PACKAGE / family / rest).is_dir() and rest else ""
                    return row, f"{family}/{plugin}"
            elif module == entry or module.startswith(f"{entry}."):
                return row, entry
    raise AssertionError(f"arauto.{module} has no row in the table of docs/architecture.md; give it one")


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, module) of every import of our own, also in functions and under TYPE_CHECKING."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.extend((node.lineno, alias.name) for alias in node.names if alias.name.split(".")[0] == "arauto")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively; write the whole name"
            if node.module and node.module.split(".")[0] == "arauto":
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    is_module = (PACKAGE.parent / whole.replace(".", "/")).with_suffix(".py").exists() or (
                        PACKAGE.parent / whole.replace(".", "/")
                    ).is_dir()
                    found.append((node.lineno, whole if is_module else node.module))
    return [(line, module.removeprefix("arauto").strip(".")) for line, module in found]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    here = room_of(name_of(path))
    if here is None:
        return
    row, room = here
    wrong = []
    for line, module in imports(path):
        there = room_of(module)
        if there is None or there[1] == room:
            continue
        other_row, other_room = there
        is_own_family = "/" in room and other_room == f"{room.split('/')[0]}/"
        if other_row < row or (other_row == row and not is_own_family):
            wrong.append(f"{path.relative_to(ROOT)}:{line} ({room}) imports arauto.{module} ({other_room})")
    assert not wrong, "\n".join(wrong)


def test_client_imports_nothing_of_the_hub() -> None:
    assert imports(PACKAGE / "client.py") == []


def test_there_are_no_drawers() -> None:
    drawers = {"util", "utils", "common", "helper", "helpers", "misc", "manager", "base", "service", "services"}
    assert [str(path) for path in MODULES if path.stem in drawers] == []


def test_sql_stands_only_in_the_store() -> None:
    sql = re.compile(r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b")
    places = [
        f"{path.relative_to(ROOT)}"
        for path in MODULES
        if "store" not in path.parts and sql.search(path.read_text(encoding="utf-8"))
    ]
    assert places == []


def test_only_the_composition_root_reads_the_clock_and_chance() -> None:
    clock = re.compile(r"datetime\.now\(|time\.time\(|\brandom\.random\b|\brandom\.uniform\b")
    allowed = {"app.py", "client.py"}
    places = [
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if path.name not in allowed and "demo" not in path.parts and clock.search(path.read_text(encoding="utf-8"))
    ]
    assert places == []


@pytest.mark.parametrize("channel", channels.names())
def test_a_channel_folder_is_whole(channel: str) -> None:
    built = channels.load(channel)
    for attribute in ("override_suffix", "retry", "concurrency", "needs_content", "check_address", "compile"):
        assert hasattr(built, attribute), f"channels/{channel} lacks {attribute}"
    for kind in channels.providers(channel):
        module = channels.provider(channel, kind)
        assert hasattr(module, "Settings"), f"channels/{channel}/{kind}.py lacks Settings"
        assert hasattr(module, "Provider"), f"channels/{channel}/{kind}.py lacks Provider"
        page = ROOT / "docs" / "reference" / "providers" / f"{channel}-{kind.replace('_', '-')}.md"
        assert page.exists(), f"write {page.relative_to(ROOT)}"


@pytest.mark.parametrize("kind", sources.names())
def test_a_source_folder_is_whole(kind: str) -> None:
    folder = PACKAGE / "sources" / kind
    assert hasattr(sources.load(kind), "Settings")
    assert (folder / "doc.md").exists(), f"write sources/{kind}/doc.md"
    assert list((folder / "fixtures").glob("*.json")), f"sources/{kind}/fixtures has no request"


@pytest.mark.parametrize("kind", steps.names())
def test_a_step_can_be_compiled(kind: str) -> None:
    assert callable(steps.load(kind))


def test_the_tree_of_errors_names_every_error() -> None:
    assert errors.__doc__ is not None
    names = {
        name
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, errors.ArautoError) and each.__module__ == errors.__name__
    }
    missing = {name for name in names if name not in errors.__doc__}
    assert not missing, f"draw them in the tree at the top of errors.py: {missing}"
