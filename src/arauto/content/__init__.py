"""Content: what a text says, as a tree, filled with data that can never become a part of its form.

A content file is compiled once, laid out by each channel once for each shape that it takes (``Shapes``), and filled
for each message (``Filler``). ``JsonText`` does the same for a channel's own JSON.
"""

from arauto.content.compile import compile_content, language_faults, part_fault
from arauto.content.data import JsonText
from arauto.content.front import Reader
from arauto.content.holes import (
    ANY_HOLE,
    HOLE,
    Filler,
    as_text,
    authored_url,
    clean_text,
    escape_html,
    given_url,
    shorten,
    whole_url,
)
from arauto.content.limits import SHORTER, listed, made_as_written, made_of, too_long, url_length
from arauto.content.markup import Markup
from arauto.content.parts import pieces
from arauto.content.plain import plain, words, wrap
from arauto.content.shapes import Shapes
from arauto.content.tree import Content

__all__ = [
    "ANY_HOLE",
    "HOLE",
    "SHORTER",
    "Content",
    "Filler",
    "JsonText",
    "Markup",
    "Reader",
    "Shapes",
    "as_text",
    "authored_url",
    "clean_text",
    "compile_content",
    "escape_html",
    "given_url",
    "language_faults",
    "listed",
    "made_as_written",
    "made_of",
    "part_fault",
    "pieces",
    "plain",
    "shorten",
    "too_long",
    "url_length",
    "whole_url",
    "words",
    "wrap",
]
