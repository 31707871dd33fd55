"""In-app: a message in the recipient's inbox, as text and as a small, safe subset of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from msgspec import Struct

from arauto.channels import TextFaulty, TextSources
from arauto.content import Content, Filler, JsonText, Markup, Shapes, as_text, compile_content, escape_html, plain
from arauto.content.tree import Picture
from arauto.errors import LanguageError
from arauto.language import did_you_mean
from arauto.model import JSON, Brand, Composer, Context, RetryPolicy

KEYS = ("title", "text", "url", "image", "actions")


class InboxBody(Struct, frozen=True):
    """A message in an inbox. ``actions`` are ``{"label": …, "url": …}``, the one that acknowledges with
    ``"acknowledge": true``; ``url`` is where the message leads."""

    title: str
    text: str
    html: str
    url: str | None
    image: str | None
    actions: list[dict[str, JSON]]


class InboxChannel:
    """The form of in-app messages."""

    override_suffix: ClassVar[str | None] = "json"
    retry: ClassVar[RetryPolicy] = RetryPolicy(
        schedule=tuple(timedelta(seconds=wait) for wait in (1, 10, 60)),
        expires=timedelta(days=30),
        on_unknown="retry",
    )
    concurrency: ClassVar[int] = 50
    needs_content: ClassVar[bool] = True

    def check_address(self, address: JSON) -> str:
        """The recipient's id. Raises ValueError."""
        if not isinstance(address, str) or not address or not address.isprintable():
            raise ValueError("an in-app address is the recipient's id, such as ana")
        return address

    def compile(self, sources: TextSources, brand: Brand) -> Composer:
        """An inbox message from ``inapp.json``, or else from the content file. Raises TextFaulty."""
        if sources.override is not None:
            own = JsonText(sources.override.file, sources.override.text, sources.locale, _place)
            _check_shape(own)
            return _OwnInbox(own)
        assert sources.content is not None
        file, text = sources.content.file, sources.content.text
        return _Inbox(compile_content(file, text, sources.locale, _lay_out))


class _Layout(Struct, frozen=True):
    title: Filler
    text: Filler
    html: Filler
    image: Filler | None
    actions: tuple[tuple[Filler, Filler, bool], ...]


def _show(picture: Picture) -> tuple[str, int | None] | None:
    return None if picture.local else (picture.source, None)


_MARKUP = Markup(_show)


def _lay_out(content: Content) -> _Layout:
    image = content.image if content.image is not None and not content.image.local else None
    return _Layout(
        Filler(content.title),
        Filler(plain(content.blocks)),
        Filler(_MARKUP.blocks(content.blocks), escape_html),
        Filler(image.source) if image is not None else None,
        tuple((Filler(action.label), Filler(action.url), action.acknowledges) for action in content.actions),
    )


class _Inbox:
    """The text of one notification for an inbox."""

    def __init__(self, shapes: Shapes[_Layout]) -> None:
        self._shapes = shapes

    def compose(self, context: Context) -> InboxBody:
        """The message for this context. Raises LanguageError."""
        layout, values = self._shapes.render(context)
        actions: list[dict[str, JSON]] = [
            {"label": label.fill(values), "url": url.fill(values)} | ({"acknowledge": True} if acknowledges else {})
            for label, url, acknowledges in layout.actions
        ]
        return InboxBody(
            title=layout.title.fill(values),
            text=layout.text.fill(values),
            html=layout.html.fill(values),
            url=next((action["url"] for action in actions if "acknowledge" not in action), None),
            image=layout.image.fill(values) if layout.image is not None else None,
            actions=actions,
        )


def _place(parent: Mapping[str, Any], key: str) -> Any:
    return "url" if key in ("url", "image") else as_text


def _check_shape(own: JsonText) -> None:
    shape = own.shape
    if not isinstance(shape, dict):
        raise TextFaulty(own.fault(None, "wrong-type", "an in-app message is an object", f"with {', '.join(KEYS)}"))
    faults = [
        own.fault(
            key,
            "unknown-key",
            f"{key} is not known in an in-app message",
            did_you_mean(key, KEYS) or f"there is: {', '.join(KEYS)}",
        )
        for key in shape
        if key not in KEYS
    ]
    faults += [
        own.fault(None, "missing-key", f"the in-app message has no {key}", f'add "{key}": "…"')
        for key in ("title", "text")
        if key not in shape
    ]
    if faults:
        raise TextFaulty(*faults)


class _OwnInbox:
    """An inbox message in the project's own JSON."""

    def __init__(self, own: JsonText) -> None:
        self._own = own

    def compose(self, context: Context) -> InboxBody:
        """The message for this context. Raises LanguageError."""
        given = self._own.render(context)
        for key in ("title", "text"):
            if not isinstance(given[key], str):
                raise LanguageError(f"the {key} of an in-app message is a text")
        actions = [action for action in given.get("actions", []) if isinstance(action, dict) and "url" in action]
        return InboxBody(
            title=given["title"],
            text=given["text"],
            html=f"<p>{escape_html(given['text'])}</p>",
            url=given.get("url") or (actions[0]["url"] if actions else None),
            image=given.get("image"),
            actions=actions,
        )


channel = InboxChannel()

__all__ = ["InboxBody", "InboxChannel", "channel"]
