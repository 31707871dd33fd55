"""A folder becomes a Catalogue, whole, or faults; never anything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arauto.catalogue import compile_project, values
from arauto.errors import CatalogueFaulty, Diagnostic, LanguageError, UsageFault
from arauto.model import Catalogue, GroupTarget, PersonTarget, SystemTarget

Write = Callable[[Mapping[str, str | bytes | None]], Path]
VALID = {"order": {"number": "A", "total": 1}, "customer": {"id": "c"}}
MISSING = "is missing"
RULE = "notifications/order-paid/notification.yaml"


@pytest.fixture
def catalogue(write: Write) -> Catalogue:
    return compile_project(write({}))


def test_the_project(catalogue: Catalogue) -> None:
    assert (catalogue.project.name, catalogue.project.locale) == ("shop", "en")
    assert catalogue.project.private_networks == ("10.0.0.0/8",)
    assert catalogue.project.brand.footer == "Shop Ltd"
    assert catalogue.categories["orders"].title == {"en": "Orders", "pt-BR": "Pedidos"}
    assert catalogue.categories["alerts"].title == {"en": "Alerts"}, "a bare title is in the project's locale"


def test_recipients_and_groups(catalogue: Catalogue) -> None:
    assert catalogue.recipients.keys() == {"ana", "bob", "erp"}
    assert catalogue.recipients["erp"].kind == "system"
    assert catalogue.recipients["ana"].attributes == {"vip": True}
    assert catalogue.recipients["bob"].addresses == {
        "email": ["bob@shop.example", "b@shop.example"],
        "sms": ["+14155550100"],
    }
    assert catalogue.groups["sales"].members == ("ana", "bob")


def test_channels(catalogue: Catalogue) -> None:
    email = catalogue.channels["email"]
    assert [provider.name for provider in email.providers] == ["smtp", "second"]
    assert email.retry.schedule == (timedelta(seconds=5), timedelta(minutes=1), timedelta(hours=1))
    assert (email.retry.expires, email.retry.on_unknown, email.concurrency) == (timedelta(days=2), "hold", 8)
    assert catalogue.channels["inapp"].providers == (), "the hub itself carries it"


def test_a_secret_stays_where_it_is(catalogue: Catalogue) -> None:
    assert "env:SMTP_PASSWORD" in repr(catalogue.channels["email"].providers[0].settings)


def test_the_notification(catalogue: Catalogue) -> None:
    notification = catalogue.notifications["order-paid"]
    person, group = notification.to
    assert isinstance(person, PersonTarget)
    assert isinstance(group, GroupTarget)
    assert catalogue.notifications["to-erp"].to == (SystemTarget(system="erp"),)
    assert notification.expires == timedelta(hours=2)
    assert [step.channels for step in notification.steps] == [(), ("email", "inapp"), ("sms", "email"), ()]
    assert {channel: set(locales) for channel, locales in notification.composers.items()} == {
        "email": {"en", "pt-BR"},
        "inapp": {"en", "pt-BR"},
        "sms": {"en", "pt-BR"},
    }
    assert set(catalogue.notifications["to-erp"].composers["webhook"]) == {"en"}, "it needs no text"


def test_notifications_are_found_by_event_type(catalogue: Catalogue) -> None:
    assert [each.name for each in catalogue.by_event_type["order.paid"]] == ["order-paid", "to-erp"]


def test_upserted_attributes_are_one_expression(catalogue: Catalogue) -> None:
    target = catalogue.notifications["order-paid"].to[0]
    assert isinstance(target, PersonTarget)
    assert target.upsert is not None
    attributes = target.upsert["attributes"]
    assert attributes.source == "{vip: event.data.order.total > 1000}"
    event = {"data": {"order": {"total": 5000}}}
    assert attributes.evaluate({"event": event}) == {"vip": True}
    with pytest.raises(LanguageError):
        attributes.evaluate({"event": {"data": {}}})


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        (VALID, {}),
        ({"order": {"number": "A", "total": -1}, "customer": {"id": "c"}}, {"/order/total": "must be at least 0"}),
        ({"order": {"number": 1}}, {"/order/number": "must be text", "/order/total": MISSING, "/customer": MISSING}),
        ({**VALID, "customer": {"id": "c", "email": "x"}}, {"/customer/email": "must be an e-mail address"}),
        ([], {"": "must be a mapping"}),
    ],
    ids=["valid", "a limit", "several at once", "a format", "another type"],
)  # fmt: skip
def test_the_check_of_an_event_types_data(catalogue: Catalogue, data: Any, faults: dict[str, str]) -> None:
    found = catalogue.event_types["order.paid"].validate(data)
    assert {each["pointer"]: each["detail"] for each in found} == faults


def test_a_check_says_nothing_of_the_data(catalogue: Catalogue) -> None:
    found = catalogue.event_types["order.paid"].validate({"order": "4111111111111111", "customer": {"email": "s3cret"}})
    assert found
    assert "4111111111111111" not in str(found)
    assert "s3cret" not in str(found)


def test_the_example_has_no_faults() -> None:
    assert compile_project(Path(__file__).parents[2] / "examples" / "loja").notifications


# -- texts and locales ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "locales"),
    [
        pytest.param(
            {"content.pt-BR.md": None, "content.pt.md": "---\ntitle: x\n---\nOlá\n"},
            {"en", "pt"},
            id="a text serves every region of its language",
        ),
        pytest.param(
            {"content.pt-BR.md": None, "content.pt-PT.md": "---\ntitle: x\n---\nOlá\n"},
            {"en", "pt-PT"},
            id="another region serves too",
        ),
        pytest.param(
            {"content.pt-BR.md": None, "content.en.md": None, "content.md": "---\ntitle: x\n---\nHello\n"},
            {"en"},
            id="a text without a locale serves all",
        ),
    ],
)
def test_which_texts_are_enough(write: Write, changes: dict[str, str | None], locales: set[str]) -> None:
    folder = write({f"notifications/order-paid/{name}": content for name, content in changes.items()})
    assert set(compile_project(folder).notifications["order-paid"].composers["email"]) == locales


def test_images_and_hidden_files_and_readmes_are_left_alone(write: Write) -> None:
    names = [
        "notifications/order-paid/x.png",
        "events/.order.yaml.swp",
        "channels/README.md",
        ".git/config",
        "a/b.yaml",
    ]
    assert compile_project(write(dict.fromkeys(names, "x")))


# -- version -------------------------------------------------------------------------------------------------------


def test_the_version_is_that_of_the_files(write: Write) -> None:
    first = compile_project(write({})).version
    assert compile_project(write({})).version == first
    assert compile_project(write({".hidden": "x", "README.md": "x"})).version == first, "these are not the project's"
    changed = compile_project(write({"channels/inapp.yaml": "{} # changed\n"})).version
    assert changed != first
    renamed = {"recipients/systems.yaml": None, "recipients/machines.yaml": "systems: {erp: {name: ERP}}\n"}
    assert compile_project(write(renamed)).version not in (first, changed)


# -- no project ----------------------------------------------------------------------------------------------------


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="there is no folder"):
        compile_project(tmp_path / "nothing")


def test_no_project_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="arauto init"):
        compile_project(tmp_path)


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageFault):
        compile_project(tmp_path / "file")


# -- anything at all -----------------------------------------------------------------------------------------------

NAMES = (
    "arauto.yaml",
    "sources/app.yaml",
    "events/order.paid.yaml",
    "recipients/team.yaml",
    "channels/email.yaml",
    RULE,
    "notifications/order-paid/content.en.md",
    "notifications/order-paid/sms.en.txt",
)
KEYS = st.sampled_from(
    [
        "name",
        "locale",
        "time_zone",
        "brand",
        "categories",
        "kind",
        "secrets",
        "events",
        "schema",
        "samples",
        "people",
        "groups",
        "members",
        "providers",
        "retry",
        "to",
        "steps",
        "on",
        "send",
        "when",
        "person",
        "upsert",
        "attributes",
        "email",
        "title",
        "type",
        "$ref",
        "$schema",
        "properties",
        "format",
        "pattern",
        "items",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


def outcome(folder: Path) -> tuple[Diagnostic, ...]:
    try:
        compile_project(folder)
    except CatalogueFaulty as faulty:
        for fault in faulty.diagnostics:
            assert fault.line >= 1
            assert fault.column >= 1
        return faulty.diagnostics
    return ()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(NAMES), raw=st.binary(max_size=120))
def test_any_bytes_in_any_file_are_faults_at_worst(write: Write, name: str, raw: bytes) -> None:
    outcome(write({name: raw}))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from([name for name in NAMES if name.endswith(".yaml")]), data=VALUES, over=st.data())
def test_any_data_in_any_file_are_faults_at_worst(
    write: Write, original: Callable[[str], str], name: str, data: Any, over: st.DataObject
) -> None:
    import yaml

    whole = yaml.safe_load(original(name).replace("on:", "'on':"))
    place = whole
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = over.draw(st.sampled_from(list(keys)))
        if not isinstance(place[key], dict | list) or not place[key] or over.draw(st.booleans()):
            place[key] = data
            break
        place = place[key]
    outcome(write({name: yaml.safe_dump(whole, allow_unicode=True).encode("utf-8", "replace")}))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=VALUES)
def test_any_mapping_as_an_event_types_schema_is_a_fault_at_worst(write: Write, data: Any) -> None:
    import yaml

    written = yaml.safe_dump({"description": "x", "schema": data, "samples": {"a": data}}, allow_unicode=True)
    outcome(write({"events/order.paid.yaml": written.encode("utf-8", "replace")}))


# -- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["pt-BR", "en", "zh-CN", "zh-Hant-TW", "sr-Latn", "es-419", "fil"])
def test_locales(tag: str) -> None:
    assert values.locale(tag) == tag


@pytest.mark.parametrize(
    ("tag", "hint"),
    [
        ("pt_BR", "write pt-BR"),
        ("PT-br", "write pt-BR"),
        ("zh-hans-cn", "write zh-Hans-CN"),
        ("xx", "BCP 47"),
        ("pt-BR.UTF-8", "BCP 47"),
        ("en@euro", "BCP 47"),
        ("", "BCP 47"),
    ],
)
def test_what_is_no_locale(tag: str, hint: str) -> None:
    with pytest.raises(values.Refused) as refused:
        values.locale(tag)
    assert hint in str(refused.value.hint)
