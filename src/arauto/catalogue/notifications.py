"""``notifications/*/`` → Notifications: every name that they use exists, and every text that they need is there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path as FilePath

from arauto.catalogue import files, values
from arauto.catalogue.diagnostics import START, Faults, listed
from arauto.catalogue.folder import NOTIFICATION, File, Folder, hash_of
from arauto.catalogue.rules import Surroundings, awaited, event_types, target
from arauto.catalogue.shapes import fit
from arauto.catalogue.sight import Sight
from arauto.catalogue.steps import Program, compile_steps
from arauto.catalogue.texts import Texts, compile_texts, missing, sort_files
from arauto.catalogue.typing import check_queries, check_types
from arauto.catalogue.values import NAME, Reader
from arauto.decide.groups import anyone
from arauto.decide.signals import CLOSED, OPENED, listened
from arauto.decide.wishes import IN_APP
from arauto.model import Brand, Composer, Listener, Mute, Notification, Recipient


def compile_notifications(
    folder: Folder, around: Surroundings, sight: Sight | None, faults: Faults
) -> dict[str, Notification]:
    """The notifications without faults, by name. Types are checked by what is in ``sight``, if anything is."""
    found: dict[str, Notification] = {}
    if sight is not None:
        check_queries(folder, sight, faults)
    for place, inside in folder.notifications.items():
        notification = _compile(folder, place, inside, around, sight, faults)
        if notification is not None:
            found[notification.name] = notification
    return found


def _compile(
    folder: Folder,
    place: FilePath,
    inside: Mapping[str, File],
    around: Surroundings,
    sight: Sight | None,
    faults: Faults,
) -> Notification | None:
    before = len(faults.found)
    where = f"{folder.name(place)}/{NOTIFICATION}"
    if not NAME.fullmatch(place.name):
        message = f"{place.name!r} cannot be the name of a notification"
        faults.add(where, START, "bad-name", message, "use small letters, digits, _ and -")
    locale = around.whole.locale or "en"
    if NOTIFICATION not in inside:
        faults.add(where, START, "missing-file", f"this folder has no {NOTIFICATION}", "write it, or remove the folder")
        sort_files(inside, None, locale, faults)
        return None
    document = folder.document(inside[NOTIFICATION])
    entry = fit(document, files.NotificationFile, faults) if document else None
    if document is None or entry is None:
        sort_files(inside, None, locale, faults)
        return None
    reader = Reader(document, faults)
    on = event_types(reader, ("on",), entry.on, around)
    if around.whole.category_names is not None:
        otherwise = f"add it to categories in {folder.project.name}" if folder.project else None
        reader.reference(("category",), "category", entry.category, around.whole.category_names, otherwise=otherwise)
    targets = [target(reader, ("to", index), each, around.everybody) for index, each in enumerate(entry.to)]
    program = compile_steps(reader, entry.steps, around)
    compiled = program.steps
    used = program.channels
    texts = sort_files(inside, used if program.complete else None, locale, faults)
    # A channel that is not configured is told once; its texts can wait.
    readers = _readers(entry, around)
    lacking = missing(texts, [name for name in used if name in around.channels], readers)
    for wanted, names in lacking.items():
        why = readers.get(wanted, "other texts of this notification are in it")
        _report_missing(reader, program, wanted, names, why, folder.name(place))
    brand = around.whole.brand
    composers = compile_texts(texts, used, str(place), folder, (locale, brand), faults)
    cancel = awaited(reader, ("cancel",), entry.cancel, around) if entry.cancel else None
    corrections = _corrections(texts, entry, used, readers, faults)
    notification = Notification(
        name=place.name,
        on=on,
        category=entry.category,
        to=tuple(each for each in targets if each),
        steps=tuple(step for step in compiled if step),
        following=program.following,
        when=reader.condition(("when",)) if entry.when is not None else None,
        expires=reader.read(values.lifetime, entry.expires, ("expires",)),
        composers=composers,
        cancel=cancel,
        corrections=compile_texts(corrections, used, str(place), folder, (locale, brand), faults)
        if corrections.content
        else {},
        notices=_notices(composers, texts, str(place), folder, (locale, brand), faults)
        if around.whole.project and around.whole.project.attention
        else {},
        mute=_mute(reader, entry.mute, around) if entry.mute else None,
        in_flight=entry.in_flight,
        marks=program.marks,
        edition=hash_of((name, file.raw) for name, file in inside.items()),
    )
    if sight is not None and len(faults.found) == before:
        check_types(place.name, reader, texts, folder, sight)
    return notification


# -- what it listens for -------------------------------------------------------------------------------------------


def _mute(reader: Reader, entry: files.MuteEntry, around: Surroundings) -> Mute | None:
    opened = awaited(reader, ("mute",), files.AwaitedEntry(on=entry.opened, match=entry.match), around, on="opened")
    closed = awaited(reader, ("mute",), files.AwaitedEntry(on=entry.closed, match=entry.match), around, on="closed")
    return Mute(opened=opened, closed=closed, drop=entry.drop) if opened and closed else None


def _notices(
    composers: Mapping[str, dict[str, Composer]],
    texts: Texts,
    place: str,
    folder: Folder,
    whole: tuple[str, Brand],
    faults: Faults,
) -> dict[str, Composer]:
    """The texts as the inbox has them, also where this notification does not send to it."""
    if IN_APP in composers or not texts.content:
        return composers.get(IN_APP, {})
    return compile_texts(Texts(content=texts.content), (IN_APP,), place, folder, whole, faults).get(IN_APP, {})


def _corrections(
    texts: Texts, entry: files.NotificationFile, used: Sequence[str], readers: Mapping[str, str], faults: Faults
) -> Texts:
    """The correction as the only text; what it lacks is told."""
    corrections = Texts(content=texts.corrections)
    for file in texts.corrections.values():
        if entry.cancel is None:
            message = "nothing takes this notification back, so nothing is ever corrected"
            faults.add(file.name, START, "unused-file", message, "add cancel: to the notification, or remove the file")
        elif lacking := missing(corrections, used, readers):
            wanted, names = next(iter(lacking.items()))
            message = f"there is no correction in {wanted} for {listed(names, 'and')}: {readers.get(wanted, '')}"
            faults.add(file.name, START, "missing-text", message.rstrip(": "), f"create correction.{wanted}.md")
            break
    return corrections


# -- texts ---------------------------------------------------------------------------------------------------------


def _readers(entry: files.NotificationFile, around: Surroundings) -> dict[str, str]:
    """The locales in which somebody surely reads this notification, and who."""
    readers: dict[str, str] = {}
    if around.whole.locale:
        readers[around.whole.locale] = "it is the project's locale"
    for each in entry.to:
        group = around.everybody.groups.get(each.group or "")
        for id in anyone(group) if group else (each.system or "",):
            recipient: Recipient | None = around.everybody.recipients.get(id)
            if recipient and recipient.locale:
                via = f", of {group.name}," if group else ""
                readers.setdefault(recipient.locale, f"{id}{via} reads it")
    return readers


def _report_missing(
    reader: Reader, program: Program, locale: str, names: Collection[str], why: str, place: str
) -> None:
    path = next(
        path
        for step, path in zip(program.steps, program.paths, strict=True)
        if step and set(step.channels) & set(names)
    )
    message = f"there is no text in {locale} for {listed(names, 'and')}: {why}"
    reader.fault(path, "missing-text", message, f"create {place}/content.{locale}.md")


def listeners(notifications: Mapping[str, Notification]) -> dict[str, tuple[Listener, ...]]:
    """By event type, all that listens for it."""
    found: dict[str, list[Listener]] = {}
    for name, notification in sorted(notifications.items()):
        for place, each in listened(notification):
            for type_ in each.types:
                mute = notification.mute if place in (OPENED, CLOSED) else None
                found.setdefault(type_, []).append(Listener(name, place, each, mute))
    return {type_: tuple(each) for type_, each in found.items()}


__all__ = ["compile_notifications", "listeners"]
