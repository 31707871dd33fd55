"""settings: categories that contradict themselves or that nobody can refuse, and attempts that are never made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from arauto.catalogue.analysis.whole import Whole
from arauto.decide.retry import JITTER
from arauto.decide.wishes import IN_APP
from arauto.model import Category, PersonTarget


def check_settings(whole: Whole) -> None:
    """The categories, and the retries of channels."""
    for category in whole.catalogue.categories.values():
        _check_category(whole, category)
    _check_refusing(whole)
    _check_retries(whole)


def _check_category(whole: Whole, category: Category) -> None:
    def warn(key: str, code: str, message: str, hint: str) -> None:
        document = whole.project
        whole.warn(document.file, document.key_place(("categories", category.name, key)), code, message, hint)

    name = category.name
    if category.urgent and category.priority == "low":
        message = f"{name} is urgent, so that the attention budget does not hold it up, and of low priority in it"
        warn("priority", "contradicting-category", message, "choose one of the two")
    if category.tracking and category.consent == "required":
        message = f"people can't refuse {name}, and so not the tracking of what they read of it either"
        warn("tracking", "contradicting-category", message, "leave out tracking, or let people refuse")
    elif category.tracking and whole.catalogue.project.public_url is None:
        message = f"nothing of {name} is tracked: the hub has no public_url that mails could call"
        warn("tracking", "contradicting-category", message, "set public_url")


def _check_refusing(whole: Whole) -> None:
    """That who may refuse can. Of a category that is tracked, it is told already what the hub lacks."""
    catalogue = whole.catalogue
    if catalogue.project.public_url is not None or any(each.tracking for each in catalogue.categories.values()):
        return
    stuck = {
        rule.category: rule.name
        for _, rule in sorted(catalogue.notifications.items(), reverse=True)
        if catalogue.categories[rule.category].consent != "required"
        and any(isinstance(target, PersonTarget) for target in rule.to)
        and any(set(step.channels) - {IN_APP} for step in rule.steps)
    }
    first = next((name for name in catalogue.categories if name in stuck), None)
    if first is not None:
        others = f" and {len(stuck) - 1} more" if len(stuck) > 1 else ""
        message = (
            f"people may refuse {first}{others}, and can't: the hub has no public_url, so that no message (such as "
            f"those of {stuck[first]}) leads to their own page or can be unsubscribed from"
        )
        place = whole.project.key_place(("categories", first))
        whole.warn(whole.project.file, place, "no-way-to-refuse", message, "set public_url, or consent: required")


def _check_retries(whole: Whole) -> None:
    for name, document in whole.channels.items():
        policy, passed = whole.catalogue.channels[name].retry, timedelta()
        expires = max([policy.expires, *_expiries(whole, name)])
        for index, wait in enumerate(policy.schedule if "retry" in document.data else ()):
            passed += wait
            if passed * (1 - JITTER) >= expires:
                message = f"this attempt is never made: the message has expired by then, {expires} after its creation"
                place = document.place(("retry", index))
                whole.warn(document.file, place, "late-retry", message, "make expires longer, or leave it out")
                break


def _expiries(whole: Whole, channel: str) -> Iterator[timedelta]:
    """What notifications that send on a channel say instead of it."""
    for rule in whole.catalogue.notifications.values():
        if rule.expires is not None and any(channel in step.channels for step in rule.steps):
            yield rule.expires


__all__ = ["check_settings"]
