"""``arauto generate``: what each command writes, and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arauto.cli import main

LOJA = str(Path(__file__).parents[2] / "examples/loja")


def run(*arguments: str) -> int:
    try:
        main(["generate", *arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_python_goes_to_standard_output_or_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("python", LOJA) == 0
    written = capsys.readouterr().out
    assert "class OrderPaid(Data):" in written
    assert run("python", LOJA, "--output", str(tmp_path / "new/events.py")) == 0
    assert (tmp_path / "new/events.py").read_text(encoding="utf-8") == written


def test_asyncapi_is_yaml_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("asyncapi", LOJA) == 0
    assert capsys.readouterr().out.startswith("asyncapi: 3.0.0\n")
    assert run("asyncapi", LOJA, "--json") == 0
    assert json.loads(capsys.readouterr().out)["asyncapi"] == "3.0.0"


@pytest.mark.parametrize(
    ("options", "there", "not_there"),
    [
        ((), ("index.html", "en/index.html", "pt-BR/events/order.paid.html", "en/style.css"), ("en/index.md",)),
        (("--format", "markdown", "--language", "pt-BR"), ("index.md", "pt-BR/index.md"), ("en/index.md",)),
    ],
    ids=["both languages as HTML", "Portuguese as Markdown"],
)
def test_the_catalogue_is_a_folder(
    options: tuple[str, ...], there: tuple[str, ...], not_there: tuple[str, ...], tmp_path: Path
) -> None:
    assert run("catalogue", LOJA, "--output", str(tmp_path), *options) == 0
    assert all((tmp_path / name).is_file() for name in there)
    assert not any((tmp_path / name).exists() for name in not_there)


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_pages_take_the_place_of_earlier_ones_and_leave_what_others_put_there(tmp_path: Path) -> None:
    assert run("catalogue", LOJA, "--output", str(tmp_path / "first"), "--format", "markdown") == 0
    site = tmp_path / "site"
    (site / ".git").mkdir(parents=True)
    assert run("catalogue", LOJA, "--output", str(site)) == 0
    (site / "CNAME").write_text("avisos.example", encoding="utf-8")
    assert run("catalogue", LOJA, "--output", str(site), "--format", "markdown") == 0
    assert names(site) == names(tmp_path / "first") | {"CNAME"}
    assert run("catalogue", LOJA, "--output", str(site), "--format", "markdown", "--language", "en") == 0
    assert not (site / "pt-BR").exists()


def test_a_folder_that_holds_something_else_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "index.html").write_text("mine", encoding="utf-8")
    assert run("catalogue", LOJA, "--output", str(tmp_path)) == 2
    assert f"{tmp_path} is not empty" in capsys.readouterr().err
    assert names(tmp_path) == {"index.html"}
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == "mine"


def test_only_files_of_the_folder_are_taken_away(tmp_path: Path) -> None:
    site, other = tmp_path / "site", tmp_path / "mine.html"
    other.write_text("mine", encoding="utf-8")
    assert run("catalogue", LOJA, "--output", str(site)) == 0
    with (site / ".arauto-catalogue").open("a", encoding="utf-8") as record:
        record.write(f"../mine.html\n{other}\n")
    assert run("catalogue", LOJA, "--output", str(site)) == 0
    assert other.exists()


def test_a_faulty_project_and_a_place_that_cannot_be_written_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("python", str(tmp_path)) == 2
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run("catalogue", LOJA, "--output", str(tmp_path / "file")) == 1
    assert "cannot be written" in capsys.readouterr().err
