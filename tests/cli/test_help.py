"""Every command's help: prose as wide as the terminal, examples in lines of their own."""

from __future__ import annotations

import inspect

import pytest

from arauto.cli import COMMANDS, build, main


def commands() -> dict[tuple[str, ...], str]:
    """Each command and its docstring."""
    found: dict[tuple[str, ...], str] = {}
    for name in COMMANDS:
        app = build(name)
        for each in app.registered_commands:
            if each.name == name and each.callback is not None:
                found[(name,)] = each.callback.__doc__ or ""
        for group in app.registered_groups:
            assert group.typer_instance is not None
            for each in group.typer_instance.registered_commands:
                assert each.callback is not None
                found[(name, each.name or each.callback.__name__)] = each.callback.__doc__ or ""
    return found


@pytest.mark.parametrize(("command", "documented"), commands().items(), ids=[" ".join(each) for each in commands()])
def test_examples_stand_in_lines_of_their_own_and_prose_is_not_broken_by_the_source(
    command: tuple[str, ...], documented: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERMINAL_WIDTH", "1000")
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert not end.value.code
    prose, _, examples = capsys.readouterr().out.partition("Examples:")
    said = [line for line in prose.partition("╭")[0].splitlines() if line.strip()]
    written = inspect.cleandoc(documented).partition("Examples:")[0]
    assert len(said) == 1 + len([each for each in written.split("\n\n") if each.strip()]), "usage, and a line for each"
    shown = [line for line in examples.partition("╭")[0].splitlines() if line.strip()]
    assert all(line.startswith("   ") for line in shown)
