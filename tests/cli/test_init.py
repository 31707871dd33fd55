"""arauto init: what it writes is a project without a fault, in the language chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from arauto.catalogue import compile_project
from arauto.cli import main


def init(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["init", *arguments])
    return int(exit.value.code or 0)


@pytest.mark.parametrize("locale", ["pt-BR", "en"])
def test_the_new_project_has_no_faults(tmp_path: Path, locale: str) -> None:
    assert init(str(tmp_path / "hub"), "--locale", locale) == 0
    catalogue = compile_project(tmp_path / "hub")
    assert catalogue.project.name == "hub"
    assert catalogue.project.locale == locale
    assert list(catalogue.sources) == ["app"]
    assert list(catalogue.event_types) == ["order.paid"]
    assert set(catalogue.channels) == {"email", "inapp"}
    assert set(catalogue.notifications["order-paid"].composers["email"]) == {locale}


@pytest.mark.parametrize(
    ("environment", "locale"),
    [
        ({"LANG": "pt_BR.UTF-8"}, "pt-BR"),
        ({"LANG": "pt_PT.UTF-8"}, "pt-BR"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "pt_BR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "", "LC_MESSAGES": "pt_BR"}, "pt-BR"),
        ({}, "en"),
    ],
    ids=["Brazilian", "Portuguese", "neither", "LC_ALL comes first", "an empty LANG", "nothing set"],
)
def test_the_language_is_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], locale: str
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert init(str(tmp_path / "hub")) == 0
    assert f"locale: {locale} " in (tmp_path / "hub" / "arauto.yaml").read_text(encoding="utf-8")


def test_it_says_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(str(tmp_path / "my hub"))
    out = capsys.readouterr().out
    for command in ("arauto check", "arauto test", "arauto serve", "arauto send order.paid"):
        assert command in out
    assert f"'{tmp_path / 'my hub'}'" in out, "a path with a space is quoted"


@pytest.mark.parametrize(("folder", "name"), [("Loja Aurora!", "loja-aurora"), ("2026", "my-hub"), ("é", "my-hub")])
def test_the_name_is_made_of_the_folders(tmp_path: Path, folder: str, name: str) -> None:
    init(str(tmp_path / folder))
    assert compile_project(tmp_path / folder).project.name == name


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    assert init(str(tmp_path)) == 0


def test_a_folder_with_anything_in_it_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("x")
    assert init(str(tmp_path)) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["mine.txt"]
