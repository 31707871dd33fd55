"""What the source of an expression or a text says, token by token: where its code is, which paths it reads, which
filters, tests and tags it uses.

MiniJinja parses and runs the code; this module looks at it before, so that faults have an exact place and so that
what the hub does not want (method calls, inclusion, captured output) never reaches it. Both cut a source into tokens
by the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

from arauto.errors import LanguageError

NAMES = ("event", "events", "recipient", "project")
"""What the context holds."""

TEXT_NAMES = (*NAMES, "message")
"""What it holds for texts: ``message`` is about the very message, which conditions cannot know yet."""

FUNCTIONS = frozenset({"range"})
TAGS = ("if", "elif", "else", "endif", "for", "endfor", "set", "with", "endwith")

METHODS = frozenset(name for kind in (dict, list) for name in dir(kind) if not name.startswith("_"))
"""Attributes that Python's own dicts and lists have: where such a key is missing, MiniJinja would find the method."""

_LOOP_CALLS = frozenset({"cycle", "changed"})
_BY_ATTRIBUTE = frozenset({"attr", "map", "selectattr", "rejectattr", "sort", "groupby", "unique", "min", "max", "sum"})
_OPERATORS = frozenset({"and", "or", "not", "in", "is", "if", "else"})
_LITERALS = frozenset({"true", "false", "none", "True", "False", "None"})
_KEYWORDS = _OPERATORS | _LITERALS | {"elif", "for", "set", "with", "recursive"}
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    |(?P<number>\d[\w]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?)
    |(?P<name>[^\W\d]\w*)
    |(?P<operator>==|!=|<=|>=|//|\*\*|[-+*/%~|.,:()\[\]{}=<>])""",
    re.VERBOSE | re.DOTALL,
)
_CODE = re.compile(r"\{[{%#]")
_OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_OPENING.values())

Path: TypeAlias = tuple[str | int, ...]
Kind: TypeAlias = Literal["string", "number", "name", "operator"]


class Token(NamedTuple):
    """A piece of code and where it begins in its source."""

    kind: Kind
    text: str
    at: int


class Code(NamedTuple):
    """A ``{{ … }}`` or ``{% … %}`` of a text."""

    kind: Literal["value", "tag"]
    start: int
    end: int
    tokens: tuple[Token, ...]


class Use(NamedTuple):
    """A filter or test by name, and where."""

    name: str
    at: int


class Reading(Struct, frozen=True):
    """What code reads and uses."""

    paths: tuple[tuple[Path, int], ...]
    """Each path from a name on, as far as it is written out, and where it begins."""
    filters: tuple[Use, ...]
    tests: tuple[Use, ...]
    bound: frozenset[str]
    """Names that the code itself gives values to."""
    wary: bool
    """It may reach a key of METHODS by a way that cannot be seen here."""


def place(source: str, at: int) -> tuple[int, int]:
    """The line and column, both from 1, of an offset in a source."""
    return source.count("\n", 0, at) + 1, at - source.rfind("\n", 0, at)


class PlacedError(LanguageError):
    """A LanguageError that also knows the offset of its place in the source it was raised about."""

    def __init__(self, message: str, *, at: int, line: int, column: int, hint: str | None) -> None:
        self.at = at
        super().__init__(message, line=line, column=column, hint=hint)


def fault(source: str, at: int, message: str, *, hint: str | None = None) -> PlacedError:
    """The error about this place of a source."""
    line, column = place(source, at)
    return PlacedError(message, at=at, line=line, column=column, hint=hint)


def did_you_mean(word: str, known: Collection[str]) -> str | None:
    """The hint that names the closest of the known words, if one is close."""
    close = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else None


# -- cutting -------------------------------------------------------------------------------------------------------


def _next_token(source: str, at: int) -> tuple[Token | None, int]:
    match = _TOKEN.match(source, at)
    if match is None:
        character = source[at]
        if character in "'\"":
            raise fault(source, at, "this text in quotes does not end", hint=f"close it with {character}")
        raise fault(source, at, f"{character!r} is not part of the language")
    if match.lastgroup == "space":
        return None, match.end()
    return Token(match.lastgroup, match.group(), at), match.end()  # type: ignore[arg-type]


def expression_tokens(source: str) -> tuple[Token, ...]:
    """The tokens of an expression. Raises LanguageError where it is none, or where its brackets do not match."""
    tokens: list[Token] = []
    at = 0
    while at < len(source):
        token, at = _next_token(source, at)
        if token is not None:
            tokens.append(token)
    if not tokens:
        raise LanguageError("the expression is empty", hint="write a condition or a value, such as event.data.total")
    _check_brackets(source, tokens)
    return tuple(tokens)


def _check_brackets(source: str, tokens: Sequence[Token]) -> None:
    expected: list[tuple[str, int]] = []
    for token in tokens:
        if token.text in _OPENING:
            expected.append((_OPENING[token.text], token.at))
        elif token.text in _CLOSING and (not expected or expected.pop()[0] != token.text):
            raise fault(source, token.at, f"{token.text} closes nothing")
    if expected:
        closing, at = expected[-1]
        raise fault(source, at, f"{source[at]} is not closed", hint=f"add the missing {closing}")


@lru_cache(maxsize=256)
def text_codes(source: str) -> tuple[Code, ...]:
    """The code of a text, in order; comments are no code. Raises LanguageError where it does not end."""
    return tuple(_codes(source))


def _codes(source: str) -> Iterator[Code]:
    at = 0
    while (match := _CODE.search(source, at)) is not None:
        start, opening = match.start(), match.group()
        if opening == "{#":
            end = source.find("#}", start + 2)
            if end < 0:
                raise fault(source, start, "this comment does not end", hint="close it with #}")
            at = end + 2
            continue
        closing = "}}" if opening == "{{" else "%}"
        at = start + 3 if source[start + 2 : start + 3] in ("-", "+") else start + 2
        tokens: list[Token] = []
        depth = 0
        while depth or not (end := _closes(source, at, closing)):
            if at >= len(source):
                raise fault(source, start, f"{opening} is not closed", hint=f"add the missing {closing}")
            token, at = _next_token(source, at)
            if token is not None:
                tokens.append(token)
                depth += (token.text in _OPENING) - (token.text in _CLOSING)
        _check_brackets(source, tokens)
        yield Code("value" if opening == "{{" else "tag", start, end, tuple(tokens))
        at = end


def _closes(source: str, at: int, closing: str) -> int:
    """Where the code ends if it ends here, else 0."""
    if source.startswith(closing, at):
        return at + 2
    if source[at : at + 1] in ("-", "+") and source.startswith(closing, at + 1):
        return at + 3
    return 0


# -- reading -------------------------------------------------------------------------------------------------------


def read(source: str, tokens: Sequence[Token]) -> Reading:
    """What one expression, or one value or tag of a text, reads. Raises LanguageError where it calls something."""
    bound = _bindings(source, tokens)
    paths: list[tuple[Path, int]] = []
    filters: list[Use] = []
    tests: list[Use] = []
    wary = False
    index = 0
    while index < len(tokens):
        token = tokens[index]
        before = tokens[index - 1].text if index else ""
        after = tokens[index + 1].text if index + 1 < len(tokens) else ""
        following = index + 1
        if token.text == "(":
            _refuse_call(source, tokens, index)
        elif token.text == "[" and _is_subscript(tokens, index):
            wary = wary or _may_name_method(tokens, index)
        elif token.kind != "name" or token.text in _KEYWORDS:
            pass
        elif before == "|":
            filters.append(Use(token.text, token.at))
            wary = wary or (token.text in _BY_ATTRIBUTE and _may_name_method(tokens, index + 1))
        elif before == "is" or (before == "not" and index > 1 and tokens[index - 2].text == "is"):
            tests.append(Use(token.text, token.at))
        elif before == ".":
            wary = wary or token.text in METHODS
        elif token.text.startswith("_"):
            raise fault(source, token.at, f"{token.text} is not known: no name begins with _")
        elif after != "=" and not (after == "(" and token.text in FUNCTIONS):
            path, following = _path(tokens, index)
            paths.append((path, token.at))
        index = following
    return Reading(tuple(paths), tuple(filters), tuple(tests), bound, wary)


def _path(tokens: Sequence[Token], index: int) -> tuple[Path, int]:
    """The path that begins at this name, and the index after it."""
    path: list[str | int] = [tokens[index].text]
    index += 1
    while index + 1 < len(tokens):
        token = tokens[index + 1]
        if tokens[index].text == "." and token.kind == "name":
            path.append(token.text)
            index += 2
        elif (
            tokens[index].text == "["
            and (token.kind == "string" or token.text.isdecimal())
            and index + 2 < len(tokens)
            and tokens[index + 2].text == "]"
        ):
            path.append(token.text[1:-1] if token.kind == "string" else int(token.text))
            index += 3
        else:
            break
    return tuple(path), index


def _is_subscript(tokens: Sequence[Token], index: int) -> bool:
    if not index:
        return False
    before = tokens[index - 1]
    return (
        before.text in {")", "]"} or before.kind == "string" or (before.kind == "name" and before.text not in _KEYWORDS)
    )


def _may_name_method(tokens: Sequence[Token], index: int) -> bool:
    """What stands in the brackets that open at ``index``, if they do, may be a key of METHODS."""
    depth = 0
    for position in range(index, len(tokens)):
        token = tokens[position]
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if depth <= 0:
            return False
        named = token.kind == "name" and token.text not in _KEYWORDS and tokens[position + 1].text != "="
        if named or (token.kind == "string" and not METHODS.isdisjoint(token.text[1:-1].split("."))):
            return True
    return False


def _refuse_call(source: str, tokens: Sequence[Token], index: int) -> None:
    """The bracket at ``index`` groups, or gives arguments to a filter, a test or a function; or it calls something."""
    if not index:
        return
    callee = tokens[index - 1]
    before = tokens[index - 2].text if index > 1 else ""
    if callee.kind in ("number", "operator") and callee.text not in {")", "]"}:
        return
    if callee.kind == "name" and (
        callee.text in _KEYWORDS
        or callee.text in FUNCTIONS
        or before in {"|", "is"}
        or (before == "not" and index > 2 and tokens[index - 3].text == "is")
        or (before == "." and tokens[index - 3].text == "loop" and callee.text in _LOOP_CALLS)
    ):
        return
    name = callee.text if callee.kind == "name" else "a value"
    hint = f"write it as a filter: value | {name}" if callee.kind == "name" else "filters work on values: value | upper"
    raise fault(source, callee.at, f"{name} cannot be called", hint=hint)


def _bindings(source: str, tokens: Sequence[Token]) -> frozenset[str]:
    """The names that a ``for``, ``set`` or ``with`` tag gives values to."""
    tag = tokens[0].text if tokens else ""
    bound: list[Token] = []
    if tag == "for":
        for token in tokens[1:]:
            if token.text == "in":
                break
            if token.kind == "name":
                bound.append(token)
    elif tag in {"set", "with"}:
        bound = [token for token, after in pairwise(tokens) if token.kind == "name" and after.text == "="]
    for token in bound:
        if token.text in TEXT_NAMES or token.text.startswith("_"):
            raise fault(source, token.at, f"{token.text} cannot be given another value", hint="choose another name")
    return frozenset(token.text for token in bound)


def check_tag(source: str, code: Code) -> None:
    """Raise LanguageError unless a text may have this tag."""
    if not code.tokens:
        raise fault(source, code.start, "an empty tag says nothing", hint=f"there is: {', '.join(TAGS)}")
    tag = code.tokens[0]
    if tag.text not in TAGS:
        hint = did_you_mean(tag.text, TAGS) or f"there is: {', '.join(TAGS)}"
        raise fault(source, tag.at, f"the tag {tag.text} is not part of the language", hint=hint)
    if tag.text == "set" and not any(token.text == "=" for token in code.tokens):
        raise fault(
            source, tag.at, "a set that captures text is not taken", hint="write {% set name = value %}, on one line"
        )
    if tag.text == "for" and code.tokens[-1].text == "recursive":
        raise fault(source, code.tokens[-1].at, "recursive loops are not taken")


def split_conjunction(source: str, tokens: Sequence[Token]) -> tuple[str, ...]:
    """The parts that an expression joins by ``and`` at its top; the whole expression where it does not."""
    depth = 0
    cuts: list[Token] = []
    for token in tokens:
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if depth == 0 and token.kind == "name":
            if token.text in {"or", "if"}:
                return (source.strip(),)
            if token.text == "and":
                cuts.append(token)
    starts = [0, *(cut.at + 3 for cut in cuts)]
    ends = [*(cut.at for cut in cuts), len(source)]
    return tuple(source[start:end].strip() for start, end in zip(starts, ends, strict=True))
