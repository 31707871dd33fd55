"""``arauto.yaml`` → Project and categories."""

from __future__ import annotations

from msgspec import Struct

from arauto.catalogue import files, values
from arauto.catalogue.diagnostics import Faults
from arauto.catalogue.document import Document
from arauto.catalogue.shapes import fit
from arauto.catalogue.values import Reader
from arauto.model import JSON, Attention, Brand, Category, Project


class Whole(Struct, frozen=True):
    """What holds for the whole project. Where ``arauto.yaml`` is faulty, what could be read of it: the rest of the
    folder is checked against that."""

    locale: str | None
    brand: Brand
    categories: dict[str, Category]
    category_names: frozenset[str] | None
    """None: nobody knows them, so none is missed."""
    project: Project | None


def compile_whole(document: Document | None, faults: Faults) -> Whole:
    """The project's settings; ``project`` is None when they are faulty."""
    if document is None:
        return Whole(None, Brand(name=""), {}, None, None)
    entry = fit(document, files.ProjectFile, faults)
    names = _names(document.data, "categories")
    if entry is None:
        return Whole(_locale_of(document), Brand(name=""), {}, names, None)
    reader = Reader(document, faults)
    locale = reader.read(values.locale, entry.locale, ("locale",))
    time_zone = reader.read(values.time_zone, entry.time_zone, ("time_zone",))
    for index, network in enumerate(entry.private_networks):
        reader.read(values.network, network, ("private_networks", index))
    holidays = [reader.read(values.day, day, ("holidays", index)) for index, day in enumerate(entry.holidays)]
    brand = Brand(**{field: getattr(entry.brand, field) for field in Brand.__struct_fields__})
    categories = {
        name: Category(
            name=name,
            title=_title(reader, name, category.title, entry.locale),
            consent=category.consent,
            urgent=category.urgent,
            priority=category.priority,
            tracking=category.tracking,
            retention=reader.read(values.lifetime, category.retention, ("categories", name, "retention")),
        )
        for name, category in entry.categories.items()
    }
    attention = _attention(reader, entry.attention) if entry.attention else None
    retention = reader.read(values.lifetime, entry.retention, ("retention",))
    if locale is None or time_zone is None:
        return Whole(locale, brand, categories, names, None)
    project = Project(
        name=entry.name,
        locale=locale,
        time_zone=time_zone,
        brand=brand,
        public_url=entry.public_url,
        private_networks=entry.private_networks,
        attention=attention,
        retention=retention,
        holidays=frozenset(day for day in holidays if day),
    )
    return Whole(locale, brand, categories, names, project)


def _attention(reader: Reader, entry: files.AttentionEntry) -> Attention | None:
    per = reader.read(values.lifetime, entry.per, ("attention", "per"))
    if not entry.low <= entry.normal <= entry.high:
        message = f"low {entry.low}, normal {entry.normal} and high {entry.high} must not fall"
        reader.fault(("attention",), "bad-value", message, "who may wait longer gets no more of the budget")
    return None if per is None else Attention(per=per, low=entry.low, normal=entry.normal, high=entry.high)


def _title(reader: Reader, name: str, title: str | dict[str, str], default: str) -> dict[str, str]:
    if isinstance(title, str):
        return {default: title}
    for locale in title:
        reader.read(values.locale, locale, ("categories", name, "title", locale))
    return title


def _names(data: JSON, key: str) -> frozenset[str] | None:
    named = data.get(key, {}) if isinstance(data, dict) else None
    return frozenset(named) if isinstance(named, dict) else None


def _locale_of(document: Document) -> str | None:
    """The default locale of a file that is otherwise faulty."""
    written = document.data.get("locale") if isinstance(document.data, dict) else None
    if not isinstance(written, str):
        return None
    try:
        return values.locale(written)
    except values.Refused:
        return None
