"""Steps: the entries of a notification's ``steps``, one module each.

A module here is a step: it has ``compile(value, expression) -> Step``, where ``value`` is what stands under the
step's name in YAML and ``expression`` compiles a source text; a value that is not allowed raises ValueError, which
says what is. The folder is the registration: nothing else lists them.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from arauto.model import JSON, Expression, Step

Compile = Callable[[JSON, Callable[[str], Expression]], Step]


@cache
def names() -> tuple[str, ...]:
    """The kinds of steps there are: the modules here, and entry points of group ``arauto.steps``."""
    built_in = {module.name for module in pkgutil.iter_modules(__path__)}
    return tuple(sorted(built_in | {point.name for point in entry_points(group="arauto.steps")}))


@cache
def load(kind: str) -> Compile:
    """The compile function of a kind of step, which is one of ``names()``."""
    for point in entry_points(group="arauto.steps"):
        if point.name == kind:
            outside: Compile = import_module(point.value).compile
            return outside
    built_in: Compile = import_module(f"{__name__}.{kind}").compile
    return built_in
