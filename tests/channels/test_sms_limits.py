"""What is not told of is so: no message of a text takes more segments than are meant when nothing was said."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from arauto.channels import Limited, Source, TextSources
from arauto.channels.sms import SmsChannel
from arauto.language.types import Items, Known, Longest, Record, type_of
from arauto.model import Brand

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["free", "code", "state", "count", "price", "tags", "many", "yes"],
    "properties": {
        "free": {"type": "string", "maxLength": 30},
        "code": {"type": "string", "pattern": "^[A-Z ]{0,40}$"},
        "state": {"enum": ["paid", "não pago", "x" * 90]},
        "count": {"type": "integer", "minimum": -20, "maximum": 2000},
        "price": {"type": "number", "minimum": 0, "maximum": 99999},
        "tags": {"type": "array", "maxItems": 6, "items": {"type": "string", "maxLength": 8}},
        "many": {"type": "array", "maxItems": 9, "items": {"enum": ["a", "é", "bb"]}},
        "yes": {"type": "boolean"},
        "gift": {"type": "string", "maxLength": 60, "pattern": "^[a-z]*$"},
    },
}
DATA = st.fixed_dictionaries(
    {
        "free": st.one_of(st.text(max_size=30), st.just("😀" * 30), st.just("x" * 30)),
        "code": st.one_of(st.text("ABC ", max_size=40), st.just("A" * 40)),
        "state": st.sampled_from(["paid", "não pago", "x" * 90]),
        "count": st.sampled_from([-20, 0, 1, 2000]),
        "price": st.sampled_from([0, 0.1 + 0.2, 99999, 12.5, 98765.4321]),
        "tags": st.lists(st.one_of(st.text(max_size=8), st.just("ç" * 8)), max_size=6),
        "many": st.lists(st.sampled_from(["a", "é", "bb"]), max_size=9),
        "yes": st.booleans(),
    },
    optional={"gift": st.just("g" * 60)},
)
VALUES = [
    "event.data.free",
    "event.data.free | trim",
    "event.data.free[2:9]",
    "event.data.free | truncate(length=12)",
    "event.data.free | truncate(length=12, leeway=0, killwords=true)",
    "event.data.code",
    "event.data.code | lower",
    "event.data.code | replace('A', 'bcd')",
    "event.data.code | first | default('')",
    "event.data.state",
    "event.data.state | capitalize",
    "event.data.count",
    "event.data.count | number",
    "event.data.count | plural({'one': '# thing', 'other': '# things'})",
    "event.data.price",
    "event.data.price | number",
    "event.data.price | money('BRL')",
    "event.data.price | percent",
    "event.data.tags | join(', ')",
    "event.data.tags | length",
    "event.data.tags | map('upper') | join if false else event.data.many | join('/')",
    "event.data.many | join",
    "event.data.gift | default('–')",
    "event.data.yes",
    "event.data.free ~ '-' ~ event.data.code",
    "(event.data.free if event.data.yes else event.data.state)",
]
values = st.sampled_from([f"{{{{ {value} }}}}" for value in VALUES])
words = st.sampled_from(["Hello ", "não ", "x" * 40, "€" * 9, "https://a.example/", "\n"])
leaves = st.one_of(words, values)


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("{{% if event.data.yes %}}{0[0]}{{% else %}}{0[1]}{{% endif %}}".format),
        inner.map("{{% if event.data.gift is defined %}}{0}{{{{ event.data.gift }}}}{{% endif %}}".format),
        inner.map("{{% for tag in event.data.tags %}}{0}{{{{ tag }}}}{{{{ loop.index }}}}{{% endfor %}}".format),
    )


texts = st.recursive(leaves, _compound, max_leaves=8).filter(str.strip)


@given(texts, st.lists(DATA, min_size=1, max_size=4), st.integers(1, 9), st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_text_of_which_nothing_was_said_takes_no_more_segments_than_are_meant(
    text: str, events: list[dict[str, Any]], meant: int, plain: bool
) -> None:
    front = f"---\nmax_segments: {meant}\nencoding: {'transliterate' if plain else 'auto'}\n---\n"
    sources = TextSources(locale="pt-BR", content=None, override=Source("sms.txt", front + text), folder="x")
    composer = SmsChannel().compile(sources, Brand(name="x"))
    event = (Record({"data": type_of(SCHEMA)}),)
    known: Known = {"event": event, "events": (Items(event, least=1),)}
    assert isinstance(composer, Limited)
    if list(composer.excesses(Longest(known))):
        return
    for data in events:
        body: Any = composer.compose({"event": {"data": data}, "events": [{"data": data}]})
        assert body.segments <= meant, body
