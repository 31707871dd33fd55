"""Expressions: conditions and values, such as ``event.data.order.total > 0``."""

from __future__ import annotations

from typing import Any

from arauto.errors import LanguageError
from arauto.language.environment import Environment, Template, environment
from arauto.language.scan import NAMES, Path, PlacedError, Reading, expression_tokens, fault, read, split_conjunction
from arauto.model import JSON, Context, Expression, Reason

_BEFORE, _AFTER = "{{ (", ") }}"
_SHOWN = 80
"""How many characters of a value a reason shows."""


def compile_expression(source: str, *, names: tuple[str, ...] | None = None, locale: str = "en") -> Expression:
    """An expression that gives any value. Raises LanguageError, with the place, where it does not parse or reads a name
    beside ``names`` (None: any name will do).

    Its filters write numbers and dates as ``locale`` does.
    """
    return _Compiled(source, environment(locale), names)


def compile_condition(source: str, *, names: tuple[str, ...] = NAMES, locale: str = "en") -> Expression:
    """An expression over a context of these names that must give true or false: evaluating it to anything else raises
    LanguageError. Raises LanguageError where it does not parse or reads another name."""
    return _Condition(source, environment(locale), names=names)


class _Compiled:
    """An expression, compiled; the type-check will start from ``reading``."""

    def __init__(self, source: str, env: Environment, names: tuple[str, ...] | None) -> None:
        self._source = source
        tokens = expression_tokens(source)
        self.reading: Reading = read(source, tokens)
        for error in env.check(source, self.reading, names):
            raise error
        try:
            self._template = Template(env, _BEFORE + source + _AFTER, [self.reading], offset=len(_BEFORE))
        except PlacedError as error:
            raise self._placed(error) from None
        parts = split_conjunction(source, tokens)
        self._parts = [_Compiled(part, env, names) for part in parts] if len(parts) > 1 else []

    @property
    def source(self) -> str:
        """The text as the user wrote it."""
        return self._source

    def evaluate(self, context: Context) -> JSON:
        """Its value. Raises LanguageError when it fails."""
        try:
            return self._template.render(context)[1][0]
        except PlacedError as error:
            raise self._placed(error) from None

    def first_failure(self, context: Context) -> Reason:
        """The first part of a conjunction that is not true, or the whole, and what it looked at: paths that are
        missing are not in ``seen``, long values are cut to 80 characters."""
        for part in self._parts:
            if not part.evaluate(context):
                return part.first_failure(context)
        seen: dict[str, JSON] = {}
        for path, _ in self.reading.paths:
            found, value = _look_up(path, context)
            if found:
                seen[_written(path)] = _shortened(value)
        return Reason("condition_false", {"condition": self._source.strip(), "seen": seen})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._source!r})"

    def _placed(self, error: PlacedError) -> LanguageError:
        at = min(max(error.at - len(_BEFORE), 0), len(self._source))
        return fault(self._source, at, error.message, hint=error.hint)


class _Condition(_Compiled):
    """An expression that is true or false."""

    def evaluate(self, context: Context) -> bool:
        """Whether it holds. Raises LanguageError when it fails or gives anything but true or false."""
        value = super().evaluate(context)
        if value is True or value is False:
            return value
        raise LanguageError(
            f"the condition gives {_described(value)}, not true or false",
            hint="compare it (== != < >), or test it: `is defined`, `is not none`, `| length > 0`",
        )


def _described(value: Any) -> str:
    names = {
        str: "a text",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
        type(None): "nothing",
    }
    return names.get(type(value), "a value")


def _look_up(path: Path, context: Context) -> tuple[bool, JSON]:
    node: Any = context
    for key in path:
        try:
            node = node[key]
        except (KeyError, IndexError, TypeError):
            return False, None
    return True, node


def _written(path: Path) -> str:
    head, *rest = path
    return str(head) + "".join(
        f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]" for key in rest
    )


def _shortened(value: JSON) -> JSON:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr(value)
    if len(text) > _SHOWN:
        return text[: _SHOWN - 1] + "…"
    return value
