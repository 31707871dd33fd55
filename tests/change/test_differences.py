"""What differs between two versions: all that means something else, in plain words, and nothing that does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from arauto import channels
from arauto.catalogue import compile_files, compile_project
from arauto.catalogue.diagnostics import Faults
from arauto.catalogue.reader import read
from arauto.change.differences import differences, differences_as_json
from arauto.change.saying import WEIGHTY, say_differences, say_rewritten
from arauto.change.sections import lines, markdown, shown
from arauto.change.texts import texts_changed
from arauto.channels import Source, TextSources
from arauto.errors import CatalogueFaulty, LanguageError, TextFaulty
from arauto.generate.samples import sample_context
from arauto.generate.say import LANGUAGES, plain
from arauto.language import compile_expression
from arauto.model import Catalogue
from arauto.secret import Secret
from change.whole import WHOLE, edited, whole

ROOT = Path(__file__).parents[2]
SAID = yaml.safe_load((Path(__file__).parent / "said.yaml").read_text(encoding="utf-8"))
CONFIRMATION = "notifications/confirmation"


def said(old: Catalogue, new: Catalogue, language: str = "en") -> list[str]:
    """Every sentence, without what stands below it."""
    told = say_differences(differences(old, new), old, new, language)
    return [shown(item.line) for section in told for item in section.items]


# -- in plain words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edit", SAID, ids=lambda edit: edit["name"])
def test_what_is_edited_is_said(edit: dict[str, Any]) -> None:
    new = compile_files(edited(edit["file"], edit["before"], edit["after"]))
    found = differences(WHOLE, new)
    assert [each.code for each in found.found] == edit["codes"]
    assert found.rewritten == ()
    assert {each.file for each in found.found} <= {edit["file"], "recipients/team.yaml"}
    for language in LANGUAGES:
        assert said(WHOLE, new, language) == edit[language]


def test_a_price_is_told_to_the_last_digit() -> None:
    priced = [
        compile_files(
            edited("channels/sms.yaml", "auth_token: env:TWILIO", f"auth_token: env:TWILIO\n    price: {each}")
        )
        for each in ("{amount: 0.0075, currency: BRL, per: segment}", "{amount: 0.00815, currency: BRL, per: segment}")
    ]
    assert said(*priced) == [
        "its provider `twilio` costs R$0.00815 for each segment instead of R$0.0075 for each segment"
    ]
    assert said(priced[0], WHOLE) == ["its provider `twilio` has no price any more; it was R$0.0075 for each segment"]
    told = json.loads(json.dumps(differences_as_json(differences(*priced))))
    assert [(each["place"], each["before"]["amount"], each["after"]["amount"]) for each in told["differences"]] == [
        ("providers.twilio.price", "0.0075", "0.00815")
    ]


def test_a_provider_of_another_kind_has_other_settings() -> None:
    smtp = "kind: smtp, name: spare, host: smtp.two.example, username: x, password: env:SMTP_TWO"
    new = compile_files(edited("channels/email.yaml", smtp, "kind: sendgrid, name: spare, api_key: env:SENDGRID"))
    english, portuguese = said(WHOLE, new), said(WHOLE, new, "pt-BR")
    assert english[0] == "its provider `spare` is of the kind `sendgrid` instead of `smtp`"
    assert english[1].startswith('its provider `spare` has the settings `{"api_key":"env:SENDGRID",')
    assert portuguese[0] == "o provedor `spare` é do tipo `sendgrid` em vez de `smtp`"
    assert portuguese[1].startswith('o provedor `spare` tem as configurações `{"api_key":"env:SENDGRID",')


def test_a_schedule_gives_another_event_that_tells_other_things() -> None:
    files = edited("sources/clock.yaml", "event: day.begun", "event: order.cancelled")
    files = edited("sources/clock.yaml", "data: {day: tick.date}", "data: {order: {number: tick.date}}", files)
    new = compile_files(files)
    assert said(WHOLE, new) == [
        "gives `order.cancelled` instead of `day.begun`",
        "tells no `day` any more; it was `tick.date`",
        'also tells a `order`: `{"number":"tick.date"}`',
    ]
    assert said(new, WHOLE, "pt-BR") == [
        "dá `day.begun` em vez de `order.cancelled`",
        'não conta mais `order`; era `{"number":"tick.date"}`',
        "conta também `day`: `tick.date`",
    ]


def test_nothing_is_said_where_nothing_differs() -> None:
    found = differences(WHOLE, compile_files(whole()))
    assert not found
    assert differences_as_json(found) == {"differences": [], "same_meaning": []}
    line = say_rewritten(found)
    assert line is not None
    assert plain(line) == "Nothing differs: both versions mean the same."


ONLY_WRITTEN = {
    "a comment": ("arauto.yaml", "# the shop", "# our shop"),
    "keys in another order": (
        "channels/sms.yaml",
        "expires: 1h\non_unknown: hold\n",
        "on_unknown: hold\nexpires: 1h\n",
    ),
    "a duration in other units": ("channels/sms.yaml", "expires: 1h", "expires: 60m"),
    "a default that is spelt out": ("arauto.yaml", "pt-BR: Pedidos}}", "pt-BR: Pedidos}, consent: opt_out}"),
    "a list of one": (f"{CONFIRMATION}/notification.yaml", "on: order.paid", "on: [order.paid]"),
    "quotes": (f"{CONFIRMATION}/notification.yaml", "category: orders", "category: 'orders'"),
    "a step in its long form": (
        "notifications/daily/notification.yaml",
        "digest: {window: 1h,",
        "digest: {window: 60m,",
    ),
    "a step inside of another": (f"{CONFIRMATION}/notification.yaml", "{delay: 5m}", "{delay: 300s}"),
    "quotes in a text's beginning": (f"{CONFIRMATION}/content.en.md", "preview: Thank you", 'preview: "Thank you"'),
    "a comment in a text": (
        f"{CONFIRMATION}/content.en.md",
        "we received your payment.",
        "{# warm #}\nwe received your payment.",
    ),
    "empty lines in a text": (
        f"{CONFIRMATION}/content.en.md",
        "we received your payment.",
        "\n\nwe received your payment.",
    ),
}


@pytest.mark.parametrize("name", ONLY_WRITTEN)
def test_what_is_only_written_otherwise_is_no_difference(name: str) -> None:
    file, before, after = ONLY_WRITTEN[name]
    new = compile_files(edited(file, before, after))
    found = differences(WHOLE, new)
    assert found.found == ()
    assert found.rewritten == (file,)
    line = say_rewritten(found)
    assert line is not None
    assert file in plain(line)


def test_line_ends_are_no_difference() -> None:
    files = {name: raw.replace(b"\n", b"\r\n") for name, raw in whole().items()}
    assert differences(WHOLE, compile_files(files)).found == ()


def test_people_who_moved_to_another_file_are_no_difference() -> None:
    person = '  ana: {name: Ana Souza, email: ana@shop.example, sms: "+55 41 98765-4321", attributes: {team: sales}}\n'
    files = edited("recipients/team.yaml", person, "") | {"recipients/ana.yaml": f"people:\n{person}".encode()}
    found = differences(WHOLE, compile_files(files))
    assert found.found == ()
    assert found.rewritten == ("recipients/ana.yaml", "recipients/team.yaml")


# -- things that are new or gone -----------------------------------------------------------------------------------


def without(*names: str) -> dict[str, bytes]:
    return {name: raw for name, raw in whole().items() if not name.startswith(names)}


def test_a_notification_that_is_new_is_told_with_its_steps() -> None:
    old = compile_files(without("notifications/daily"))
    found = differences(old, WHOLE)
    assert [(each.sort, each.code, each.name) for each in found.found] == [("added", "notification", "daily")]
    assert found.rewritten == ()
    [section] = say_differences(found, old, WHOLE)
    [item] = section.items
    assert shown(item.line).startswith("is new: When order.paid or order.cancelled happens")
    assert [plain(line) for _, line in item.inside][2] == "3. by webhook and to the inbox"


def test_a_notification_that_is_gone_weighs_much() -> None:
    found = differences(WHOLE, compile_files(without("notifications/daily")))
    [section] = say_differences(found, WHOLE, compile_files(without("notifications/daily")))
    assert [(item.sort, item.weighty) for item in section.items] == [("removed", True)]


@pytest.mark.parametrize(
    ("file", "en", "pt"),
    [
        ("sources/app.yaml", "is gone: the hub refuses its calls", "deixa de existir: o hub recusa suas chamadas"),
        ("sources/clock.yaml", "is gone: it makes no events any more", "deixa de existir: não produz mais eventos"),
    ],
)
def test_a_source_that_is_gone(file: str, en: str, pt: str) -> None:
    new = compile_files(without(file))
    assert said(WHOLE, new) == [en]
    assert said(WHOLE, new, "pt-BR") == [pt]
    assert said(new, WHOLE)[0].startswith("is new: ")


def test_all_of_a_project_can_be_new_or_gone() -> None:
    bare = {
        "arauto.yaml": b"name: shop\nlocale: en\ntime_zone: UTC\nbrand: {name: Shop}\ncategories: {}\n",
    }
    small = compile_files(bare)
    for old, new in ((small, WHOLE), (WHOLE, small)):
        for language in LANGUAGES:
            told = said(old, new, language)
            assert len(told) > 20
            assert all(told)


# -- steps ---------------------------------------------------------------------------------------------------------


def test_a_step_inside_of_a_step_has_a_number_that_leads_to_it() -> None:
    new = compile_files(edited(f"{CONFIRMATION}/notification.yaml", '{until: "10:00"}', '{until: "11:00"}'))
    assert said(WHOLE, new) == ["step 4b.1: it waits for 11:00 (before: 10:00) (their time)"]


def test_of_a_step_with_several_changes_each_is_told() -> None:
    before, after = "{window: 1h, by: event.data.order.number}", "{window: 2h, by: event.data.order}"
    new = compile_files(edited("notifications/daily/notification.yaml", before, after))
    [section] = say_differences(differences(WHOLE, new), WHOLE, new)
    [item] = section.items
    assert [shown(line) for _, line in item.inside] == [
        "`digest.window` is `2h` instead of `1h`",
        "`digest.by` is `event.data.order` instead of `event.data.order.number`",
    ]


def test_a_step_moves_down_without_being_told() -> None:
    files = edited(f"{CONFIRMATION}/notification.yaml", "  - only_if:", "  - delay: 1m\n  - only_if:")
    new = compile_files(edited(f"{CONFIRMATION}/notification.yaml", "up_to: 2h", "up_to: 3h", files))
    assert said(WHOLE, new) == [
        "a new first step: it waits 1 minute",
        "step 4 (it was 3): it goes on unless, within 3 hours, it is read, "
        "instead of: it goes on unless, within 2 hours, it is read",
    ]


# -- texts ---------------------------------------------------------------------------------------------------------


def test_of_a_text_the_lines_that_differ_are_shown() -> None:
    new = compile_files(edited(f"{CONFIRMATION}/content.pt-BR.md", "Recebemos seu pagamento.", "Recebemos! Obrigado."))
    told = list(lines(say_differences(differences(WHOLE, new), WHOLE, new, "pt-BR")))
    assert told == [
        ("title", "Notificação `confirmation`"),
        ("changed", "  ~ o texto em português (Brasil) diz outra coisa"),
        ("-", "      - Recebemos seu pagamento."),
        ("+", "      + Recebemos! Obrigado."),
    ]


def test_of_a_long_line_what_is_around_the_difference_is_shown() -> None:
    words = " ".join(f"word{number}" for number in range(200))
    old = compile_files(edited("notifications/daily/content.md", "There is something new.", words))
    new = compile_files(edited("notifications/daily/content.md", "There is something new.", words.replace("d90", "d1")))
    [section] = say_differences(differences(old, new), old, new)
    told = [plain(line) for _, line in section.items[0].inside]
    assert all(len(line) < 100 and line[0] == line[-1] == "…" for line in told)
    assert " word90 " in told[0]
    assert " word1 " in told[1]


def test_of_a_long_text_not_all_is_shown() -> None:
    body = "\n\n".join(f"Line {number}." for number in range(100))
    new = compile_files(edited("notifications/daily/content.md", "There is something new.", body))
    [section] = say_differences(differences(WHOLE, new), WHOLE, new)
    assert len(section.items[0].inside) == 41
    assert plain(section.items[0].inside[-1][1]).startswith("… and ")


def test_a_new_language_and_a_new_image_are_told() -> None:
    added = {f"{CONFIRMATION}/sms.pt-BR.txt": b"Pago\n", f"{CONFIRMATION}/mug.png": b"\x89PNG\r\n\x1a\n" + bytes(92)}
    new = compile_files(whole() | added)
    assert said(WHOLE, new) == [
        "the image `mug.png` is new (100 bytes)",
        "the own text of SMS in Portuguese (Brazil) is new",
    ]
    assert said(new, WHOLE, "pt-BR") == [
        "a imagem `mug.png` deixa de existir (100 bytes)",
        "deixa de existir: o texto próprio de SMS em português (Brasil)",
    ]


# -- what is not shown ---------------------------------------------------------------------------------------------


def everything_said(old: Catalogue, new: Catalogue) -> str:
    found = differences(old, new)
    told = [msgspec.json.encode(differences_as_json(found)).decode()]
    for language in LANGUAGES:
        sections = say_differences(found, old, new, language)
        told += [markdown(sections), *(text for _, text in lines(sections))]
    return "\n".join(told)


def test_a_secret_in_the_open_is_told_as_another_one_and_not_shown() -> None:
    one, other = (
        compile_files(edited("channels/sms.yaml", "env:TWILIO", secret)) for secret in ("tok-one-1", "tok-two-2")
    )
    told = everything_said(one, other)
    assert len(differences(one, other).found) == 1
    assert "***" in told
    assert "tok-" not in told


def test_what_looks_like_a_key_is_not_shown_wherever_it_stands() -> None:
    key = "xoxb-1234567890-abcdefghij"
    new = compile_files(edited("notifications/daily/content.md", "There is something new.", f"Use {key} now."))
    told = everything_said(WHOLE, new)
    assert "Use" in told
    assert key not in told


def test_of_a_key_in_a_long_line_no_part_is_shown() -> None:
    key = "xoxb-1234567890-abcdefghijklmnopqrstuvwxyz"
    for before in range(20, 60, 5):
        text = f"{'word ' * 60}{key} {'a' * before} differs{' word' * 60}"
        old = compile_files(edited("notifications/daily/content.md", "There is something new.", text))
        new = compile_files(
            edited("notifications/daily/content.md", "There is something new.", text.replace("differs", "other"))
        )
        assert "klmnop" not in everything_said(old, new)


def test_addresses_and_attributes_of_people_are_not_shown() -> None:
    files = edited("recipients/team.yaml", "ana@shop.example", "secret-place@shop.example")
    files = edited("recipients/team.yaml", "+55 41 98765-4321", "+55 41 91111-2222", files)
    files = edited("recipients/team.yaml", "{team: sales}", "{team: witness-protection}", files)
    files = edited("recipients/team.yaml", "https://erp.example/hooks", "https://erp.example/hooks/k3y", files)
    new = compile_files(files)
    told = everything_said(WHOLE, new) + everything_said(new, WHOLE)
    assert len(differences(WHOLE, new).found) == 4
    for hidden in ("@shop.example", "91111", "98765", "witness", "sales", "erp.example"):
        assert hidden not in told, hidden


# -- for programs --------------------------------------------------------------------------------------------------


def test_as_json_a_difference_has_its_place_and_values_as_they_are_written() -> None:
    new = compile_files(edited("channels/sms.yaml", "[10s, 2m]", "[1m30s]"))
    assert differences_as_json(differences(WHOLE, new)) == {
        "differences": [
            {
                "part": "channel",
                "name": "sms",
                "sort": "changed",
                "code": "channel.retry.schedule",
                "file": "channels/sms.yaml",
                "place": "retry.schedule",
                "before": ["10s", "2m"],
                "after": ["1m30s"],
                "values": {},
            }
        ],
        "same_meaning": [],
    }


def test_the_order_is_that_of_the_parts_and_names() -> None:
    loja = compile_project(ROOT / "examples/loja")
    parts = [(each.part, each.name) for each in differences(WHOLE, loja).found]
    seen = list(dict.fromkeys(part for part, _ in parts))
    assert seen == ["notification", "category", "event_type", "source", "channel", "group", "person", "system"] + [
        each for each in ("attributes", "project") if each in seen
    ]
    assert [each for each in parts if each[0] == "event_type"] == sorted(
        each for each in parts if each[0] == "event_type"
    )


# -- nothing of the model is left out ------------------------------------------------------------------------------

_DERIVED = frozenset(
    ("version", "files", "edition", "marks", "following", "composers", "corrections", "notices", "gathered", "validate")
) | {"by_event_type", "listeners", "starts", "first", "inside", "rejoins", "attributes.check", "wishes", "suppressed"}


def variants(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The same with one thing in it otherwise, for each thing in it; and what that is."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            if name not in _DERIVED and not (isinstance(value, Catalogue) and name == "attributes"):
                for below, each in variants(getattr(value, name), f"{path}.{name}"):
                    with suppress(ValueError):  # settings that do not go together
                        yield below, msgspec.structs.replace(value, **{name: each})
    elif isinstance(value, dict):
        for key in value:
            for below, each in variants(value[key], f"{path}[{key}]"):
                yield below, {**value, key: each}
        yield f"{path} has less", dict(list(value.items())[1:]) if value else {"more": "more"}
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            for below, each in variants(item, f"{path}[{index}]"):
                yield below, type(value)([*value[:index], each, *value[index + 1 :]])
    elif hasattr(value, "evaluate"):
        yield path, compile_expression("1 < 2", names=("event",))
    elif isinstance(value, bool):
        yield path, not value
    elif isinstance(value, int | float):
        yield path, value + 1
    elif isinstance(value, str):
        yield path, f"{value}x"
    elif isinstance(value, timedelta):
        yield path, value + timedelta(seconds=1)
    elif isinstance(value, date):
        yield path, value + timedelta(days=1)
    elif isinstance(value, time):
        yield path, value.replace(minute=59)
    elif isinstance(value, frozenset):
        yield path, value | {date(2027, 1, 1)}
    elif isinstance(value, Secret):
        yield path, Secret("env:ANOTHER")
    else:
        assert value is None, path
        yield path, "something"


def other_versions() -> Iterator[tuple[str, Catalogue]]:
    for path, catalogue in variants(WHOLE):
        if re.fullmatch(r"\.sources\[\w+\]\.kind", path):
            continue  # it names a module, and there is no other
        marked = {
            name: each if each is WHOLE.notifications.get(name) else msgspec.structs.replace(each, edition="another")
            for name, each in catalogue.notifications.items()
        }
        yield path, msgspec.structs.replace(catalogue, notifications=marked)


def test_each_field_of_the_model_is_compared() -> None:
    names = (".name", ".id", ".channels", ".awaits", ".receipts")
    missed, count = [], 0
    for path, new in other_versions():
        count += 1
        if not differences(WHOLE, new) and not path.endswith(names):
            missed.append(path)
    assert missed == []
    assert count > 400


# -- nothing is missed ---------------------------------------------------------------------------------------------

_WORDS = (
    *("en", "pt-BR", "email", "inapp", "orders", "news", "required", "opt_in", "high", "low", "pinned", "retry", "ana"),
    *("sales", "erp", "some words"),
)
_KINDS: dict[str, tuple[str, ...]] = {
    r"\d+[smhdw]": ("7m", "2d", "3h"),
    r"\d\d:\d\d": ("09:30", "23:00"),
    r"(event|recipient|body)\b.*|.*tick.*": ("event.data.order.number", 'recipient.kind == "system"', "body.order"),
    r"env:.*": ("env:OTHER",),
    r"https?:.*": ("https://other.example",),
    r"\w+/\w+": ("America/Manaus", "UTC"),
    r"[a-z]+\.[a-z]+": ("order.cancelled", "order.paid", "smtp.other.example"),
    r"\d{4}-\d\d-\d\d": ("2026-07-01",),
    r"#[0-9a-f]+": ("#123456",),
    r".*": _WORDS,
}


def others(value: Any) -> Sequence[Any]:
    """Values that could stand in the place of one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, 1]
    if not isinstance(value, str):
        return []
    return next(found for form, found in _KINDS.items() if re.fullmatch(form, value))


_YAML = sorted(name for name in whole() if name.endswith(".yaml"))


def places(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inside:
        yield (*path, key)
        yield from places(value, (*path, key))


def data_of(name: str) -> Any:
    document = read(name, whole()[name], Faults())
    assert document is not None
    return document.data


def value_at(name: str, path: tuple[str | int, ...]) -> Any:
    value = data_of(name)
    for part in path:
        value = value[part]
    return value


_PLACES = [(name, path) for name in _YAML for path in places(data_of(name))]
_EDITS = [
    (name, path, how, value)
    for name, path in _PLACES
    for how, value in [("out", None), ("twice", None), *(("anew", each) for each in others(value_at(name, path)))]
    if how != "twice" or isinstance(path[-1], int)
]


def edit(name: str, path: tuple[str | int, ...], how: str, value: Any) -> dict[str, bytes]:
    """The project with one value of a YAML file taken out, written anew, or doubled in its list."""
    data = data_of(name)
    holder = data
    for part in path[:-1]:
        holder = holder[part]
    if how == "out":
        del holder[path[-1]]
    elif how == "twice" and isinstance(holder, list):
        holder.insert(path[-1], holder[path[-1]])
    else:
        holder[path[-1]] = value
    return whole() | {name: msgspec.json.encode(data)}


def inner(value: Any, deep: int = 0) -> Any:
    """All that a compiled thing holds, however it is made."""
    if deep > 40:
        return None
    if isinstance(value, dict):
        return {str(key): inner(each, deep + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [inner(each, deep + 1) for each in value]
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if hasattr(value, "source") and hasattr(value, "evaluate"):
        return value.source
    if type(value).__name__ == "Secret":
        return repr(value)
    if isinstance(value, msgspec.Struct):
        left_out = {"version", "files", "edition", "marks", "composers", "corrections", "notices", "gathered", "inside"}
        fields = [name for name in value.__struct_fields__ if name not in left_out and name != "validate"]
        return {name: inner(getattr(value, name), deep + 1) for name in fields}
    return value if isinstance(value, str | int | float | bool | type(None)) else str(value)


def shape(catalogue: Catalogue) -> Any:
    found = inner(catalogue)
    found.pop("attributes")
    return found


_WHOLE_SHAPE = shape(WHOLE)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.sampled_from(_EDITS))
def test_no_edit_that_changes_what_is_compiled_is_missed(changed: tuple[str, Any, str, Any]) -> None:
    try:
        new = compile_files(edit(*changed))
    except CatalogueFaulty:
        return
    found = differences(WHOLE, new)
    if shape(new) != _WHOLE_SHAPE:
        assert found, changed
    for language in LANGUAGES:
        told = said(WHOLE, new, language)
        assert len(told) >= len({each.name for each in found.found}), changed
    msgspec.json.encode(differences_as_json(found))


_SNIPPETS = (
    *("{# note #}", "{# note #}\n", "  {# note #}", "\n", "\n\n\n", " ", "  \n", "\t", "x", "- ", "```\n", "`"),
    *("{% raw %}{# note #}{% endraw %}", "{%- if true -%}", "{% endif %}", "{#", "#}"),
)
_CONTENT = whole()[f"{CONFIRMATION}/content.en.md"].decode()


def composed(text: str) -> list[str]:
    """What those who bought without and with a coupon read in their inbox."""
    content = Source("content.en.md", text)
    sources = TextSources(locale="en", content=content, override=None, folder=CONFIRMATION)
    composer = channels.load("inapp").compile(sources, WHOLE.project.brand)
    told: list[str] = []
    for sample in WHOLE.event_types["order.paid"].samples.values():
        context = sample_context(WHOLE, "order.paid")
        context["event"]["data"] = sample
        told.append(repr(composer.compose(context)))
    return told


_COMPOSED = composed(_CONTENT)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.integers(_CONTENT.index("Hello"), len(_CONTENT)), st.lists(st.sampled_from(_SNIPPETS), min_size=1, max_size=2)
)
def test_no_edit_of_a_text_that_changes_what_is_read_is_missed(at: int, snippets: list[str]) -> None:
    text = f"{_CONTENT[:at]}{''.join(snippets)}{_CONTENT[at:]}"
    try:
        read_ = composed(text)
    except (TextFaulty, LanguageError):
        return
    if read_ != _COMPOSED:
        name = f"{CONFIRMATION}/content.en.md"
        assert list(texts_changed("confirmation", {name: _CONTENT.encode()}, {name: text.encode()})), text


@pytest.mark.parametrize("name", ["a condition is stricter", "a person has another address", "a body"])
def test_what_is_said_is_the_same_every_time(name: str) -> None:
    entry = next(each for each in SAID if each["name"] == name)
    new = compile_files(edited(entry["file"], entry["before"], entry["after"]))
    assert everything_said(WHOLE, new) == everything_said(WHOLE, compile_files(dict(reversed(new.files.items()))))


# -- words ---------------------------------------------------------------------------------------------------------

WORDS = [yaml.safe_load((ROOT / f"src/arauto/change/words/{each}.yaml").read_text()) for each in LANGUAGES]


def test_both_languages_have_the_same_words_with_the_same_values() -> None:
    holes = [{code: set(re.findall(r"\{(\w+)", text)) for code, text in words.items()} for words in WORDS]
    assert holes[0] == holes[1]


def test_what_weighs_much_has_words() -> None:
    for code in WEIGHTY:
        assert any(known == code or known.startswith(f"{code}.") for known in WORDS[0]), code
