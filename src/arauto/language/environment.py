"""MiniJinja, set up for the hub: strict, limited in its steps, closed to everything but plain data.

Rendering a template gives its text with a hole (one private-use character) for each value that it writes, and the
values themselves, as typed Python data. Expressions are templates that write one value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import count
from threading import Lock
from typing import Any
from weakref import finalize

from minijinja import Environment as MiniJinja
from minijinja import TemplateError

from arauto.errors import LanguageError
from arauto.language.filters import FilterError, filters
from arauto.language.scan import METHODS, Path, PlacedError, Reading, did_you_mean, fault
from arauto.model import JSON, Context

FIRST_HOLE = 0xE000
HOLES = 6144
"""How many values one text may write: holes are the characters from U+E000 to U+F7FF."""

FUEL = 100_000
"""How many instructions of MiniJinja one expression or text may take."""

FILTERS = frozenset(
    "abs attr batch bool capitalize count d default dictsort filesizeformat first float format groupby int items join"  # noqa: SIM905
    " last length lines list lower map max min reject rejectattr replace reverse round select selectattr slice sort"
    " split string striptags sum title trim truncate unique upper zip".split()
)
"""The filters of MiniJinja that the language has, beside its own."""

TESTS = frozenset(
    "boolean defined divisibleby endingwith eq equalto even false float ge greaterthan gt in integer iterable le"  # noqa: SIM905
    " lessthan lower lt mapping ne none number odd sequence startingwith string true undefined upper".split()
)
"""The tests of MiniJinja that the language has."""

LITERAL = "__literal"
"""The filter by which a loop's counter is written as the author's own digits."""

_REFUSED = {
    "safe": "a value is always data; markup stands in the text itself",
    "e": "a value is escaped by itself, as its place needs it",
    "escape": "a value is escaped by itself, as its place needs it",
    "urlencode": "a value in a link is encoded by itself",
    "tojson": "a value in a JSON text keeps its type: write the whole string as {{ value }}",
    "random": "the same event must always give the same text",
    "pluralize": 'plural knows every language: value | plural({"one": "# item", "other": "# items"})',
}


class _Literal:
    """A loop's own counter: it is no data, and may number a list."""

    __slots__ = ("text",)

    def __init__(self, number: int) -> None:
        self.text = str(number)


class _Absent:
    """Hides an attribute that a type has by inheritance."""

    def __get__(self, instance: object, owner: type) -> Any:
        raise AttributeError


class _Keys(dict[str, Any]):
    """A dict without methods for MiniJinja to find.

    MiniJinja takes a Python object for a mapping when it has ``items``, and looks for an attribute right after it
    has missed a key. So ``items`` is there, except in that moment.
    """

    _missed = False

    def __missing__(self, key: object) -> Any:
        self._missed = key == "items"
        raise KeyError(key)

    @property
    def items(self) -> Any:
        missed, self._missed = self._missed, False
        if missed:
            raise AttributeError
        return super().items


class _Rows(list[Any]):
    """A list without methods for MiniJinja to find."""


for _kind in (_Keys, _Rows):
    for _name in METHODS - {"items"}:
        if hasattr(_kind, _name):
            setattr(_kind, _name, _Absent())


def _shield(value: JSON) -> JSON:
    if isinstance(value, dict):
        return _Keys((key, _shield(inner)) for key, inner in value.items())
    return _Rows(_shield(inner) for inner in value) if isinstance(value, list) else value


def _unshield(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {key: _unshield(value[key]) for key in value}
    return [_unshield(inner) for inner in value] if isinstance(value, list) else value


def _guards(readings: Sequence[Reading]) -> tuple[Path, ...] | None:
    """The paths of this code up to and with a key of METHODS: as long as each key is there, data need no shield.
    None when that cannot be told from the paths."""
    guards: dict[Path, None] = {}
    bound = {name for reading in readings for name in reading.bound}
    for reading in readings:
        if reading.wary:
            return None
        for path, _ in reading.paths:
            for end in range(1, len(path)):
                if path[end] in METHODS:
                    if path[0] in bound:
                        return None
                    guards[path[: end + 1]] = None
    return tuple(guards)


def _misses(guards: tuple[Path, ...], context: Context) -> bool:
    for path in guards:
        node: Any = context
        for key in path[:-1]:
            try:
                node = node[key]
            except (KeyError, IndexError, TypeError):
                break
        else:
            if isinstance(node, list) or (isinstance(node, dict) and path[-1] not in node):
                return True
    return False


class Template:
    """A source that MiniJinja has compiled; it is forgotten together with this object."""

    __slots__ = ("__weakref__", "_environment", "_filters", "_guards", "_name", "source")

    def __init__(self, environment: Environment, source: str, readings: Sequence[Reading], *, offset: int = 0) -> None:
        """``offset`` is where the code that was read begins in the source. Raises LanguageError."""
        self.source = source
        self._environment = environment
        self._guards = _guards(readings)
        self._filters = tuple((use.name, use.at + offset) for reading in readings for use in reading.filters)
        try:
            self._name = environment.add(source)
        except TemplateError as error:
            raise _explain(error, source, {}) from None
        finalize(self, environment.remove, self._name)

    def render(self, context: Context) -> tuple[str, list[JSON]]:
        """The text with holes and the values that belong into them, in order.

        Raises LanguageError, whose place is within ``source``.
        """
        guards = self._guards
        if guards == () or (guards is not None and not _misses(guards, context)):
            return self._run(context, context)
        text, values = self._run({name: _shield(value) for name, value in context.items()}, context)
        return text, [_unshield(value) for value in values]

    def _run(self, shown: Context, context: Context) -> tuple[str, list[JSON]]:
        try:
            return self._environment.render(self._name, shown)
        except TemplateError as error:
            raise _explain(error, self.source, context) from None
        except FilterError as error:
            at = next((at for name, at in self._filters if name == error.filter), 0)
            raise fault(self.source, at, error.message, hint=error.hint) from None


class Environment:
    """MiniJinja with the filters of one locale."""

    def __init__(self, locale: str) -> None:
        self._values: list[JSON] = []
        self._lock = Lock()
        self._numbers = count()
        own = filters(locale)
        self._own = frozenset(own)
        self._jinja = MiniJinja(
            undefined_behavior="strict",
            fuel=FUEL,
            pycompat=False,
            auto_escape_callback=_never,
            trim_blocks=True,
            lstrip_blocks=True,
            finalizer=self._hole,
            filters={**own, LITERAL: _Literal},
        )
        for name in ("debug", "namespace", "cycler", "joiner", "dict"):
            self._jinja.remove_global(name)
        self._render = self._jinja.render_template

    def _hole(self, value: Any) -> str:
        if type(value) is _Literal:
            return value.text
        values = self._values
        number = len(values)
        if number == HOLES:
            raise LanguageError(f"a text writes at most {HOLES} values", hint="let its loops go over fewer items")
        values.append(value)
        return chr(FIRST_HOLE + number)

    def add(self, source: str) -> str:
        """Compile a template and return its name. Raises TemplateError."""
        name = str(next(self._numbers))
        self._jinja.add_template(name, source)
        return name

    def remove(self, name: str) -> None:
        """Forget a template."""
        self._jinja.remove_template(name)

    def render(self, name: str, context: Context) -> tuple[str, list[JSON]]:
        """The text and its values. Raises TemplateError, or LanguageError from a filter."""
        with self._lock:
            values = self._values
            try:
                return self._render(name, **context), values.copy()
            except UnicodeEncodeError:
                raise LanguageError("the data hold half a character (a lone surrogate)") from None
            finally:
                values.clear()

    def check(self, source: str, reading: Reading, names: Collection[str] | None) -> Iterator[PlacedError]:
        """What code uses though it is not there: filters, tests, and names beside these (None: any name will do)."""
        for use in reading.filters:
            if use.name not in self._own and use.name not in FILTERS:
                hint = _REFUSED.get(use.name) or did_you_mean(use.name, self._own | FILTERS)
                yield fault(source, use.at, f"there is no filter {use.name}", hint=hint)
        for use in reading.tests:
            if use.name not in TESTS:
                yield fault(source, use.at, f"there is no test {use.name}", hint=did_you_mean(use.name, TESTS))
        for path, at in reading.paths:
            name = str(path[0])
            if names is not None and name not in names:
                hint = did_you_mean(name, names) or f"there is: {', '.join(names)}"
                yield fault(source, at, f"{name} is not known", hint=hint)


@cache
def environment(locale: str) -> Environment:
    """The one environment of a locale (a BCP 47 tag)."""
    return Environment(locale)


def _never(name: str) -> bool:
    return False


# -- faults --------------------------------------------------------------------------------------------------------

_SAYINGS = {
    "OutOfFuel": ("this takes too many steps", "go over fewer items, or build shorter texts"),
    "BadEscape": ("a backslash in this text in quotes means nothing", "write two, or none"),
}


def _explain(error: TemplateError, source: str, context: Context) -> PlacedError:
    """What MiniJinja says about a source, in our words and with the exact place."""
    message, hint = _SAYINGS.get(error.kind, ((error.detail or error.message).replace("`", ""), None))
    if error.kind == "UndefinedError":
        hint = _missing_hint(message.partition(" ")[0], context)
    if error.range is not None:
        at = _characters(source, error.range[0])
        return fault(source, at + source.startswith(".", at), message, hint=hint)
    lines = source.split("\n")[: (error.line or 1) - 1]
    return fault(source, sum(len(line) + 1 for line in lines), message, hint=hint)


def _characters(source: str, octets: int) -> int:
    return len(source.encode()[:octets].decode(errors="ignore"))


def _missing_hint(path: str, context: Context) -> str:
    *parents, last = path.split(".")
    node: Any = context
    for key in parents:
        node = node.get(key) if type(node) is dict else None
    close = did_you_mean(last, [key for key in node if key != last]) if isinstance(node, dict) else None
    return close or "where it may be missing, write `is defined` or `| default(…)`"
