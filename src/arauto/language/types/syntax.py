"""Syntax trees of expressions and texts, by jinja2's parser, which is given our own tokens: so ``lineno`` of a node is
the offset of its place in the source.
"""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import Token, TokenStream
from jinja2.parser import Parser

from arauto.language.scan import Token as Scanned
from arauto.language.scan import expression_tokens
from arauto.language.text import stretches

_OPERATORS = {
    "==": "eq",
    "!=": "ne",
    "<=": "lteq",
    ">=": "gteq",
    "<": "lt",
    ">": "gt",
    "//": "floordiv",
    "**": "pow",
    "-": "sub",
    "+": "add",
    "*": "mul",
    "/": "div",
    "%": "mod",
    "~": "tilde",
    "|": "pipe",
    ".": "dot",
    ",": "comma",
    ":": "colon",
    "(": "lparen",
    ")": "rparen",
    "[": "lbracket",
    "]": "rbracket",
    "{": "lbrace",
    "}": "rbrace",
    "=": "assign",
}
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class _Lexer:
    """Stands where jinja2 has its own lexer."""

    def tokenize(
        self, source: Any, name: str | None = None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        read = _expression if state == "expression" else _text
        return TokenStream(read(source), name, filename)


class _Environment(Environment):
    """jinja2's environment, of which the parser alone is used."""

    lexer = _Lexer()  # type: ignore[assignment]


_ENVIRONMENT = _Environment(autoescape=True)


@lru_cache(maxsize=4096)
def parse_expression(source: str) -> nodes.Expr | None:
    """The tree of an expression without faults; None where jinja2 reads the language otherwise than MiniJinja."""
    try:
        parser = Parser(_ENVIRONMENT, source, state="expression")
        found = parser.parse_expression()
    except TemplateSyntaxError:
        return None
    return found if parser.stream.eos else None


@lru_cache(maxsize=1024)
def parse_text(source: str) -> tuple[nodes.Node, ...] | None:
    """The trees of a text without faults, in order, with what stands around its code; None as above."""
    try:
        return tuple(Parser(_ENVIRONMENT, source).subparse())
    except TemplateSyntaxError:
        return None


def _expression(source: str) -> Iterator[Token]:
    for token in expression_tokens(source):
        yield _token(token)


def _text(source: str) -> Iterator[Token]:
    at = 0
    for start, end, code in stretches(source):
        if start > at:
            yield Token(at, "data", source[at:start])
        if code is not None:
            kind = "variable" if code.kind == "value" else "block"
            yield Token(code.start, f"{kind}_begin", "")
            for token in code.tokens:
                yield _token(token)
            yield Token(code.end, f"{kind}_end", "")
        at = end
    if at < len(source):
        yield Token(at, "data", source[at:])


def _token(token: Scanned) -> Token:
    kind, text, at = token
    if kind == "operator":
        return Token(at, _OPERATORS[text], text)
    if kind == "string":
        return Token(at, "string", _ESCAPE.sub(_unescaped, text[1:-1]) if "\\" in text else text[1:-1])
    if kind == "number":
        value: Any = literal_eval(text.lower().lstrip("0") or "0") if text.isdecimal() else literal_eval(text)
        return Token(at, "float" if isinstance(value, float) else "integer", value)
    return Token(at, "name", text)


def _unescaped(escape: re.Match[str]) -> str:
    said = escape[0][1:]
    return chr(int(said[1:], 16)) if len(said) == 5 else _PLAIN.get(said, said)
