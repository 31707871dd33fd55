"""The command line: thin; each command calls the catalogue, the engine or a running hub.

A module here with a function of its own name is a command; one with a Typer ``app`` is a group of commands. Only
the module of the command that was called is imported, so that ``--help`` answers at once.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

import typer

from arauto.errors import ArautoError

COMMANDS = {
    "init": "Write a small working project into a new folder.",
    "check": "Compile a project folder and report all its faults at once.",
    "test": "Play a project's test cases in virtual time.",
    "simulate": "Play a project in a world of people and events, and show what they would receive.",
    "schema": "Write the JSON Schemas with which editors complete project files.",
    "generate": "Make types, an AsyncAPI document or browsable pages of a project.",
    "serve": "Run the hub on a project folder.",
    "plan": "Show what a change leads to before it goes live.",
    "apply": "Make a project folder live in a running hub, without a restart.",
    "rollback": "Make a version live again that was live before.",
    "releases": "List and show releases: the versions of the project that were made live.",
    "demo": "Show everything at work: the hub, an example shop, and stand-ins for the outside world.",
    "send": "Send an event, or a sample of an event type, to a running hub.",
    "explain": "Say why something was sent, or was not: of an event, a message or a recipient.",
    "messages": "List and show messages; retry, release, cancel or hold them; replay many.",
    "rejections": "List the calls that the hub refused or ignored, and why.",
    "recipients": "List, show, import, export, erase and delete recipients; see and change what they want.",
    "groups": "List groups, and show who is in one or on call.",
    "schedule": "Show when the events of schedules come.",
    "silences": "List, add, end and delete silences: times in which messages are held or dropped.",
    "keys": "Make, list and revoke API keys.",
    "doctor": "Look for what could keep the hub from working, and say what to do.",
}
"""Every command and what it does, in the order in which help lists them."""

EXIT_CODES = {
    0: "it worked",
    1: "it did not: faults were found, or the hub refused",
    2: "the call was wrong: see --help",
    4: "what was asked for does not exist",
    5: "the hub or the database cannot be reached",
    130: "interrupted",
}

_EPILOG = "Start with: arauto demo · arauto init my-project · arauto check my-project · arauto serve my-project"


class Failed(ArautoError):
    """A command that cannot do what it was asked; ``exit_code`` is one of EXIT_CODES."""

    def __init__(self, message: str, exit_code: int = 1, errors: Sequence[dict[str, str]] = ()) -> None:
        self.exit_code, self.errors = exit_code, tuple(errors)
        super().__init__(message)


def build(chosen: str | None) -> typer.Typer:
    """The application, with the module of the chosen command loaded and the others only named."""
    app = typer.Typer(
        name="arauto",
        help="Arauto: a notification hub for integrations. Notifications are checked code.",
        epilog=_EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_main)
    for name, summary in COMMANDS.items():
        if name != chosen:
            app.command(name, help=summary)(_not_loaded)
            continue
        module = import_module(f"{__name__}.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name, no_args_is_help=True)
            for each in module.app.registered_commands:
                each.help = _help(each.callback)
        else:
            command = getattr(module, name)
            app.command(name, help=_help(command))(command)
    return app


def _help(command: Callable[..., object] | None) -> str:
    """What a command's docstring says: prose that the terminal breaks, not the source, and examples that stand out."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n") if command else []
    return "\n\n".join(
        "\n".join(f"[cyan]{line}[/]" for line in each.split("\n")) if each.startswith("  ") else " ".join(each.split())
        for each in paragraphs
    )


def _not_loaded() -> None:
    """Stands for a command whose module is not needed in this call."""


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"arauto {version('arauto')}")
        raise typer.Exit


def _main(
    version: bool = typer.Option(False, "--version", help="Show the version.", callback=_show_version, is_eager=True),
) -> None:
    """Arauto: a notification hub for integrations. Notifications are checked code."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with one of EXIT_CODES. A user's mistake is a message, never a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    chosen = next((argument for argument in given if not argument.startswith("-")), None)
    app = build(chosen)
    try:
        app(given)
    except ArautoError as error:
        typer.echo(f"arauto: {error}", err=True)
        raise SystemExit(getattr(error, "exit_code", 1)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
