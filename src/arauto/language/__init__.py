"""The one language of conditions, mappings and texts: Jinja expressions over plain data, run by MiniJinja.

Undefined names are errors, steps are limited, nothing can be called, and every fault has its place. A compiled
expression or text is bound to a locale, as which its filters write numbers and dates.
"""

from arauto.language.environment import FIRST_HOLE
from arauto.language.expression import compile_condition, compile_expression
from arauto.language.filters import locale_data
from arauto.language.scan import NAMES, did_you_mean, place
from arauto.language.text import SEPARATOR, Outline, Part, Text, compile_text, faults, outline

__all__ = [
    "FIRST_HOLE",
    "NAMES",
    "SEPARATOR",
    "Outline",
    "Part",
    "Text",
    "compile_condition",
    "compile_expression",
    "compile_text",
    "did_you_mean",
    "faults",
    "locale_data",
    "outline",
    "place",
]
