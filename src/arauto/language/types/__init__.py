"""The type-check of the one language: what can fail in an expression or a text, for data that its schema allows.

Read ``lattice`` first (what a type is, and what a condition leaves of it), then ``schema`` (JSON Schema → types),
``narrow`` (what conditions say), ``check`` (the walk over the code) and ``judge`` (what is told). ``lengths`` and
``longest`` say how long it can be what a text writes.
"""

from arauto.language.types.check import Checked, check_expression, check_text
from arauto.language.types.filters import SAID, is_time
from arauto.language.types.judge import Finding
from arauto.language.types.lattice import (
    NULL,
    OPEN,
    TEXT,
    Items,
    Missing,
    Null,
    Open,
    Record,
    Text,
    Type,
    inside,
    one_of,
    present,
    union,
)
from arauto.language.types.longest import Cost, Drawn, Longest, Rendering, Value, quoted_length
from arauto.language.types.narrow import Known, either
from arauto.language.types.schema import type_of

__all__ = [
    "NULL",
    "OPEN",
    "SAID",
    "TEXT",
    "Checked",
    "Cost",
    "Drawn",
    "Finding",
    "Items",
    "Known",
    "Longest",
    "Missing",
    "Null",
    "Open",
    "Record",
    "Rendering",
    "Text",
    "Type",
    "Value",
    "check_expression",
    "check_text",
    "either",
    "inside",
    "is_time",
    "one_of",
    "present",
    "quoted_length",
    "type_of",
    "union",
]
